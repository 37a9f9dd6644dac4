/* Sections 12 and 14: outcomes and their recognition. */
#include <string.h>

#include "tests/unit/ledger/model/model.h"

enum { BIT_OPEN = 1 << OPEN, NOT_MERGED = ANY_STATUS & ~(1 << MERGED) };

/* ---- rules 2 to 10 of an outcome ---- */

static bool dates_hold(const Xuelian__Outcome *o, uint32_t today)
{
    return is_date(o->award_date) && o->award_date <= today &&
           (o->start_date == 0 || (is_date(o->start_date) && o->start_date <= o->award_date)) &&
           (o->expiry_date == 0 || (is_date(o->expiry_date) && o->expiry_date >= o->award_date));
}

/* Rules 2 to 5, but for a source of 2. */
static uint32_t fields_code(const struct act *act, const Xuelian__Outcome *o)
{
    if (o->kind == 0 || o->source == 0 || o->grade_band > 9 || o->level > 10 ||
        (o->course == 0) != (o->course_version == 0)) {
        return ST_BAD_FIELD;
    }
    if (!dates_hold(o, act->m->date)) {
        return ST_BAD_DATE;
    }
    return o->credits > 100000 || o->hours > 2000000 ? ST_BAD_AMOUNT : ST_OK;
}

/* Rule 6. */
static uint32_t cosigner_code(const struct act *act, const Xuelian__Outcome *o)
{
    bool alone = act->signer_count == 1 && (uint32_t)o->source != 3;
    bool named = act->signer_count == 2 && act->signers[1].role == 1 &&
                 act->signers[1].member == o->recognising;
    return (o->recognising == 0 ? alone : named) ? ST_OK : ST_NOT_ALLOWED;
}

/* Rule 10. */
static uint32_t course_code(const struct model *m, const Xuelian__Outcome *o)
{
    const Xuelian__Course *course = model_course(m, o->course);
    if (o->course == 0) {
        return ST_OK;
    }
    if (course == NULL || course->version != o->course_version) {
        return ST_UNKNOWN_COURSE;
    }
    if (course->status != 0 || course->kind != o->kind ||
        (course->from_date != 0 && o->award_date < course->from_date) ||
        (course->to_date != 0 && o->award_date > course->to_date)) {
        return ST_COURSE_NOT_VALID;
    }
    return o->credits > course->credits || o->hours > course->hours ? ST_BAD_AMOUNT : ST_OK;
}

/* Rules 7 to 10. before: what it corrects, or NULL. */
static uint32_t registries_code(const struct model *m, const Xuelian__Outcome *o,
                                const Xuelian__Outcome *before)
{
    const Xuelian__Member *issuer = model_member(m, o->issuer);
    bool as_before = before != NULL && before->kind == o->kind;
    bool accredited = false;
    for (size_t i = 0; issuer != NULL && i < issuer->n_deposit_kinds; i++) {
        accredited = accredited || issuer->deposit_kinds[i] == o->kind;
    }
    if (!accredited && !as_before) {
        return ST_KIND_NOT_ALLOWED;
    }
    if (!model_there(m, 2, o->region)) {
        return ST_UNKNOWN_REGION;
    }
    if (o->recognising != 0 && !member_may_act(m, o->recognising, ROLE_RECOGNISE)) {
        return ST_NOT_ALLOWED;
    }
    if (as_before && before->course == o->course && before->course_version == o->course_version &&
        before->award_date == o->award_date && o->credits <= before->credits &&
        o->hours <= before->hours) {
        return ST_OK;
    }
    return course_code(m, o);
}

/* ---- identity ---- */

static bool same_outcome(const Xuelian__Outcome *a, const Xuelian__Outcome *b)
{
    if (a->issuer != b->issuer || a->reference.len != b->reference.len) {
        return false;
    }
    if (a->reference.len > 0) {
        return memcmp(a->reference.data, b->reference.data, 16) == 0;
    }
    return same32(a->account.data, b->account.data) && a->course == b->course &&
           a->award_date == b->award_date;
}

/* Another item than `but` has this identity. */
static bool known(const struct model *m, const Xuelian__Outcome *o, const struct model_item *but)
{
    for (uint32_t i = 0; i < m->account_count; i++) {
        const struct model_account *account = m->accounts[i];
        for (uint64_t k = 0; k < account->item_count; k++) {
            const struct model_item *item = &account->items[k];
            if (item != but && item->kind == OUTCOME &&
                (still_counts(item) || item->status == SUSPENDED) &&
                same_outcome(AS(Outcome, item->content), o)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- deposits and applications ---- */

static uint32_t last_code(const struct act *act, const struct model_account *account,
                          const Xuelian__Outcome *o, const struct model_item *but)
{
    if (known(act->m, o, but)) {
        return ST_DUPLICATE;
    }
    if (but == NULL && account->item_count >= 99000) {
        return ST_ACCOUNT_FULL;
    }
    return statistics_full(account, o) ? ST_STATISTICS_FULL : ST_OK;
}

uint32_t deposit(struct act *act)
{
    const Xuelian__Outcome *o = AS(Outcome, act->payload);
    struct model_account *account = NULL;
    if (o->issuer != act->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if ((uint32_t)o->source == 2) {
        return ST_BAD_FIELD;
    }
    uint32_t code = fields_code(act, o);
    code = code == ST_OK ? cosigner_code(act, o) : code;
    code = code == ST_OK ? registries_code(act->m, o, NULL) : code;
    code = code == ST_OK ? find_account(act->m, &o->account, BIT_OPEN, &account) : code;
    code = code == ST_OK ? last_code(act, account, o, NULL) : code;
    if (code == ST_OK) {
        item_add(act, account, OUTCOME, VALID, &o->base);
        touch_outcome(act->m, account, o);
    }
    return code;
}

uint32_t apply_for(struct act *act)
{
    const Xuelian__Outcome *o = AS(Outcome, act->payload);
    const Xuelian__Member *issuer = model_member(act->m, o->issuer);
    struct model_account *account = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if ((uint32_t)o->source != 2 || o->recognising != 0 || o->reference.len > 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = fields_code(act, o);
    if (code != ST_OK) {
        return code;
    }
    if (issuer == NULL) {
        return ST_UNKNOWN_MEMBER;
    }
    if (issuer->status != 0) {
        return ST_MEMBER_INACTIVE;
    }
    if (!member_may_act(act->m, o->issuer, ROLE_DEPOSIT)) {
        return ST_NOT_ALLOWED;
    }
    code = registries_code(act->m, o, NULL);
    code = code == ST_OK ? find_account(act->m, &o->account, BIT_OPEN, &account) : code;
    if (code != ST_OK) {
        return code;
    }
    if (!signer_acts_for(act, 0, account)) {
        return ST_NOT_ALLOWED;
    }
    if (applications(account) >= 16) {
        return ST_APPLICATIONS_FULL;
    }
    if (account->item_count >= 99000) {
        return ST_ACCOUNT_FULL;
    }
    item_add(act, account, OUTCOME, APPLIED, &o->base);
    return ST_OK;
}

/* What a confirmed application must be before its account is looked at. */
static uint32_t confirmed_code(const struct act *act, const Xuelian__ApplicationDecision *decision)
{
    const Xuelian__Outcome *o = decision->outcome;
    if (o->issuer != act->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if ((uint32_t)o->source != 2 || !same32(o->account.data, decision->account.data)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = fields_code(act, o);
    code = code == ST_OK ? cosigner_code(act, o) : code;
    return code == ST_OK ? registries_code(act->m, o, NULL) : code;
}

uint32_t decide(struct act *act)
{
    const Xuelian__ApplicationDecision *decision = AS(ApplicationDecision, act->payload);
    const Xuelian__Outcome *o = decision->outcome;
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = ST_OK;
    if ((o == NULL) == (decision->reason == 0)) {
        return ST_BAD_FIELD;
    }
    if (o == NULL && act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    code = o != NULL ? confirmed_code(act, decision) : code;
    code = code == ST_OK ? find_account(act->m, &decision->account,
                                        o != NULL ? BIT_OPEN : ANY_STATUS, &account)
                         : code;
    code = code == ST_OK
               ? find_item(account, decision->item, OUTCOME, &decision->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    if (item->status != APPLIED) {
        return ST_WRONG_STATE;
    }
    if (!stands_for(act->m, act->signers[0].member, AS(Outcome, item->content)->issuer)) {
        return ST_WRONG_ISSUER;
    }
    if (o == NULL) {
        item_renew(act, account, item, REFUSED, (uint32_t)decision->reason, item->content);
        return ST_OK;
    }
    code = last_code(act, account, o, item);
    if (code == ST_OK) {
        item_renew(act, account, item, VALID, 0, &o->base);
        touch_outcome(act->m, account, o);
    }
    return code;
}

uint32_t withdraw_application(struct act *act)
{
    const Xuelian__ItemAct *payload = AS(ItemAct, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &payload->account, BIT_OPEN, &account);
    if (code == ST_OK && !signer_acts_for(act, 0, account)) {
        code = ST_NOT_ALLOWED;
    }
    code = code == ST_OK ? find_item(account, payload->item, OUTCOME, &payload->version_hash, &item)
                         : code;
    if (code == ST_OK && item->status != APPLIED) {
        code = ST_WRONG_STATE;
    }
    if (code == ST_OK) {
        item_renew(act, account, item, ENDED, (uint32_t)payload->reason, item->content);
    }
    return code;
}

/* ---- correction, revocation, suspension, restoring ---- */

uint32_t correct(struct act *act)
{
    const Xuelian__Correction *correction = AS(Correction, act->payload);
    const Xuelian__Outcome *o = correction->outcome;
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (o == NULL || correction->reason == 0 ||
        !same32(o->account.data, correction->account.data)) {
        return ST_BAD_FIELD;
    }
    if (o->issuer != act->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    uint32_t code = fields_code(act, o);
    code = code == ST_OK ? cosigner_code(act, o) : code;
    code = code == ST_OK ? find_account(act->m, &correction->account, ANY_STATUS, &account) : code;
    code = code == ST_OK
               ? find_item(account, correction->item, OUTCOME, &correction->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    const Xuelian__Outcome *before = AS(Outcome, item->content);
    if (!still_counts(item)) {
        return ST_WRONG_STATE;
    }
    if (!stands_for(act->m, act->signers[0].member, before->issuer)) {
        return ST_WRONG_ISSUER;
    }
    if (o->source != before->source || message_equal(&o->base, &before->base)) {
        return ST_BAD_FIELD;
    }
    code = registries_code(act->m, o, before);
    code = code == ST_OK ? last_code(act, account, o, item) : code;
    if (code == ST_OK && item->versions >= 10000) {
        code = ST_VERSIONS_FULL;
    }
    if (code == ST_OK) {
        item_renew(act, account, item, CORRECTED, (uint32_t)correction->reason, &o->base);
        touch_outcome(act->m, account, o);
        review_dependents(act, account, correction->item);
    }
    return code;
}

static bool state_fits(uint32_t kind, const struct model_item *item)
{
    if (kind == 25) {
        return item->status == SUSPENDED;
    }
    if (item->kind == RECOGNITION) {
        return item->status == VALID || item->status == REVIEW;
    }
    return still_counts(item) || (kind == 23 && item->status == SUSPENDED);
}

static bool answers_for(const struct act *act, const struct model_item *item)
{
    uint32_t named = item->kind == OUTCOME ? AS(Outcome, item->content)->issuer
                                           : AS(Recognition, item->content)->recogniser;
    return stands_for(act->m, act->signers[0].member, named);
}

/* That of the newest version that is not suspended. */
static uint32_t status_before(const struct model_item *item)
{
    uint32_t i = item->versions;
    while (i > 0 && item->statuses[i - 1] == SUSPENDED) {
        i--;
    }
    return item->statuses[i - 1];
}

uint32_t act_on_item(struct act *act)
{
    const Xuelian__ItemAct *payload = AS(ItemAct, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (!one_member(act)) {
        return ST_NOT_ALLOWED;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &payload->account,
                                 act->kind == 23 ? ANY_STATUS : NOT_MERGED, &account);
    if (code != ST_OK) {
        return code;
    }
    uint64_t number = payload->item;
    bool recognition = act->kind == 23 && number >= 1 && number <= account->item_count &&
                       account->items[number - 1].kind == RECOGNITION;
    code = find_item(account, number, recognition ? RECOGNITION : OUTCOME, &payload->version_hash,
                     &item);
    if (code != ST_OK) {
        return code;
    }
    if (!state_fits(act->kind, item)) {
        return ST_WRONG_STATE;
    }
    if (!answers_for(act, item)) {
        return ST_WRONG_ISSUER;
    }
    if (act->kind == 25 && statistics_full(account, AS(Outcome, item->content))) {
        return ST_STATISTICS_FULL;
    }
    if (act->kind != 23 && item->versions >= 10000) {
        return ST_VERSIONS_FULL;
    }
    uint32_t status = act->kind == 23 ? REVOKED : act->kind == 24 ? SUSPENDED : status_before(item);
    item_renew(act, account, item, status, (uint32_t)payload->reason, item->content);
    if (act->kind != 25 && item->kind == OUTCOME) {
        review_dependents(act, account, number);
    }
    return ST_OK;
}

/* ---- recognition ---- */

/* Rules 2 to 4. */
static uint32_t recognition_code(const struct act *act, const Xuelian__Recognition *r)
{
    if (!one_member(act)) {
        return ST_NOT_ALLOWED;
    }
    if (r->recogniser != act->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if (r->level == 0 || r->level > 10) {
        return ST_BAD_FIELD;
    }
    if (r->expiry_date != 0 && (!is_date(r->expiry_date) || r->expiry_date < act->m->date)) {
        return ST_BAD_DATE;
    }
    if (r->credits > 100000) {
        return ST_BAD_AMOUNT;
    }
    return r->framework != 0 && !model_there(act->m, 3, r->framework) ? ST_UNKNOWN_FRAMEWORK
                                                                      : ST_OK;
}

/* Rules 7 and 8. but: the recognition that is decided anew, or NULL. */
static uint32_t rests_code(const struct act *act, struct model_account *account,
                           const Xuelian__Recognition *r, const struct model_item *but)
{
    struct model_item *outcome = NULL;
    uint32_t code = find_item(account, r->outcome, OUTCOME, &r->outcome_version, &outcome);
    if (code != ST_OK) {
        return code;
    }
    if (!still_counts(outcome)) {
        return ST_WRONG_STATE;
    }
    uint32_t expiry = AS(Outcome, outcome->content)->expiry_date;
    if (expiry != 0 && act->m->date > expiry) {
        return ST_OUTCOME_EXPIRED;
    }
    if ((uint32_t)AS(Outcome, outcome->content)->source == 3 &&
        AS(Outcome, outcome->content)->issuer == r->recogniser) {
        return ST_NOT_ALLOWED;
    }
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        if (item != but && item->kind == RECOGNITION && item->status != REVOKED &&
            AS(Recognition, item->content)->outcome == r->outcome &&
            AS(Recognition, item->content)->recogniser == r->recogniser) {
            return ST_DUPLICATE;
        }
    }
    return ST_OK;
}

uint32_t recognise(struct act *act)
{
    const Xuelian__Recognition *r = AS(Recognition, act->payload);
    struct model_account *account = NULL;
    uint32_t code = recognition_code(act, r);
    code = code == ST_OK ? find_account(act->m, &r->account, BIT_OPEN, &account) : code;
    code = code == ST_OK ? rests_code(act, account, r, NULL) : code;
    if (code != ST_OK) {
        return code;
    }
    if (dependents_full(account, r->outcome)) {
        return ST_DEPENDENTS_FULL;
    }
    if (account->item_count >= 99000) {
        return ST_ACCOUNT_FULL;
    }
    item_rest(act->m, item_add(act, account, RECOGNITION, VALID, &r->base));
    return ST_OK;
}

uint32_t review_recognition(struct act *act)
{
    const Xuelian__RecognitionReview *review = AS(RecognitionReview, act->payload);
    const Xuelian__Recognition *r = review->recognition;
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (r == NULL || !same32(r->account.data, review->account.data)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = recognition_code(act, r);
    code = code == ST_OK ? find_account(act->m, &review->account, NOT_MERGED, &account) : code;
    code = code == ST_OK
               ? find_item(account, review->item, RECOGNITION, &review->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    if (item->status != REVIEW) {
        return ST_WRONG_STATE;
    }
    if (!answers_for(act, item)) {
        return ST_WRONG_ISSUER;
    }
    if (r->outcome != AS(Recognition, item->content)->outcome) {
        return ST_BAD_FIELD;
    }
    code = rests_code(act, account, r, item);
    if (code == ST_OK && item->versions >= 10000) {
        code = ST_VERSIONS_FULL;
    }
    if (code == ST_OK) {
        item_renew(act, account, item, VALID, 0, &r->base);
    }
    return code;
}
