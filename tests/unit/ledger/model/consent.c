/* Section 19: consent, query requests, disputes, query logs. */
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

enum { BIT_OPEN = 1 << OPEN, UPHELD = 1, REJECTED, WITHDRAWN };

static bool ascends(const uint32_t *numbers, size_t count)
{
    bool does = true;
    for (size_t i = 0; i + 1 < count; i++) {
        does = does && numbers[i] < numbers[i + 1];
    }
    return does;
}

static bool kinds_ascend(const Xuelian__ItemKind *kinds, size_t count)
{
    bool does = count == 0 || (uint32_t)kinds[0] != 0;
    for (size_t i = 0; i + 1 < count; i++) {
        does = does && kinds[i] < kinds[i + 1];
    }
    return does;
}

static bool is_text(const char *text)
{
    return text != NULL && text[0] != 0;
}

static bool holds_account(const struct act *act, const struct model_account *account)
{
    return act->signer_count == 1 && signer_acts_for(act, 0, account);
}

/* The newest request of a member to an account, and where it is in the state. */
static const Xuelian__RequestRecord *find_request(const struct model *m,
                                                  const struct model_account *account,
                                                  uint32_t member, uint8_t key[36])
{
    memcpy(key, account->learner.bytes, 32);
    be32_put(key + 32, member);
    const Xuelian__QueryRecord *record = AS(QueryRecord, model_get(m, 11, key, 36));
    return record == NULL ? NULL : record->request;
}

static void put_request(struct model *m, const uint8_t key[36], Xuelian__RequestRecord *request)
{
    Xuelian__QueryRecord record = XUELIAN__QUERY_RECORD__INIT;
    record.request = request;
    model_put(m, 11, key, 36, &record.base);
}

static bool is_open_request(const struct model *m, const struct model_account *account,
                            uint32_t member, const ProtobufCBinaryData *id)
{
    uint8_t key[36];
    const Xuelian__RequestRecord *request = find_request(m, account, member, key);
    return request != NULL && !request->settled && id->len == 32 &&
           field_is(&request->tx_id, id->data, 32);
}

static void settle_request(struct model *m, const struct model_account *account, uint32_t member)
{
    uint8_t key[36];
    Xuelian__RequestRecord request = *find_request(m, account, member, key);
    request.settled = 1;
    put_request(m, key, &request);
}

/* ---- consents ---- */

static bool same_grantee(const Xuelian__Consent *a, const Xuelian__Consent *b)
{
    return a->grantee == b->grantee;
}

static uint32_t grants_to(const struct model_account *account, const Xuelian__Consent *consent,
                          uint32_t date)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        count += item->kind == CONSENT && item->status == VALID &&
                 same_grantee(AS(Consent, item->content), consent) &&
                 AS(Consent, item->content)->until_date >= date;
    }
    return count;
}

static uint32_t grant_code(const struct act *act, const Xuelian__Consent *consent,
                           const struct model_account *account)
{
    const struct model *m = act->m;
    const Xuelian__Member *grantee = model_member(m, consent->grantee);
    if ((consent->grantee != 0) == (consent->code_hash.len > 0) ||
        (consent->request.len > 0 && consent->grantee == 0) ||
        !kinds_ascend(consent->kinds, consent->n_kinds) ||
        !ascends(consent->items, consent->n_items) || consent->n_items > 64) {
        return ST_BAD_FIELD;
    }
    if (!is_date(consent->until_date) || consent->until_date < m->date) {
        return ST_BAD_DATE;
    }
    if (consent->grantee != 0 && grantee == NULL) {
        return ST_UNKNOWN_MEMBER;
    }
    if (consent->grantee != 0 && grantee->status != 0) {
        return ST_MEMBER_INACTIVE;
    }
    for (size_t i = 0; i < consent->n_items; i++) {
        if (consent->items[i] < 1 || consent->items[i] > account->item_count) {
            return ST_UNKNOWN_ITEM;
        }
    }
    if (consent->request.len > 0 &&
        !is_open_request(m, account, consent->grantee, &consent->request)) {
        return ST_UNKNOWN_REQUEST;
    }
    if (account->item_count >= 100000) {
        return ST_ACCOUNT_FULL;
    }
    return grants_to(account, consent, m->date) >= 32 ? ST_CONSENTS_FULL : ST_OK;
}

uint32_t grant(struct act *act)
{
    const Xuelian__Consent *consent = AS(Consent, act->payload);
    struct model_account *account = NULL;
    uint32_t code = find_account(act->m, &consent->account, BIT_OPEN, &account);
    if (code == ST_OK && !holds_account(act, account)) {
        code = ST_NOT_ALLOWED;
    }
    code = code == ST_OK ? grant_code(act, consent, account) : code;
    if (code == ST_OK) {
        item_add(act, account, CONSENT, VALID, &consent->base);
        if (consent->request.len > 0) {
            settle_request(act->m, account, consent->grantee);
        }
    }
    return code;
}

uint32_t withdraw_grant(struct act *act)
{
    const Xuelian__ConsentWithdrawal *payload = AS(ConsentWithdrawal, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_account(act->m, &payload->account, ANY_STATUS, &account);
    code = code == ST_OK ? find_item(account, payload->item, CONSENT, &payload->version_hash, &item)
                         : code;
    if (code != ST_OK) {
        return code;
    }
    uint32_t grantee = AS(Consent, item->content)->grantee;
    bool grantee_signs = one_member(act) && grantee != 0 && act->signers[0].member == grantee;
    if (!grantee_signs && !holds_account(act, account)) {
        return ST_NOT_ALLOWED;
    }
    if (item->status != VALID) {
        return ST_WRONG_STATE;
    }
    if (item->versions >= 10000) {
        return ST_VERSIONS_FULL;
    }
    item_renew(act, account, item, ENDED, 0, item->content);
    return ST_OK;
}

uint32_t request(struct act *act)
{
    const Xuelian__QueryRequest *asked = AS(QueryRequest, act->payload);
    struct model *m = act->m;
    struct model_account *account = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (!is_text(asked->purpose) || !kinds_ascend(asked->kinds, asked->n_kinds)) {
        return ST_BAD_FIELD;
    }
    if (!is_date(asked->until_date) || asked->until_date < m->date) {
        return ST_BAD_DATE;
    }
    uint32_t code = find_account(m, &asked->account, BIT_OPEN, &account);
    if (code != ST_OK) {
        return code;
    }
    Xuelian__RequestRecord record = XUELIAN__REQUEST_RECORD__INIT;
    uint8_t key[36];
    (void)find_request(m, account, act->signers[0].member, key);
    record.account = asked->account;
    record.member = act->signers[0].member;
    record.tx_id = field_borrow(act->id.bytes, 32);
    record.index = act->index;
    record.height = m->height;
    put_request(m, key, &record);
    return ST_OK;
}

uint32_t refuse_request(struct act *act)
{
    const Xuelian__QueryRefusal *refusal = AS(QueryRefusal, act->payload);
    struct model_account *account = NULL;
    uint32_t code = find_account(act->m, &refusal->account, ANY_STATUS, &account);
    if (code != ST_OK) {
        return code;
    }
    if (!holds_account(act, account)) {
        return ST_NOT_ALLOWED;
    }
    if (!is_open_request(act->m, account, refusal->member, &refusal->request_id)) {
        return ST_UNKNOWN_REQUEST;
    }
    settle_request(act->m, account, refusal->member);
    return ST_OK;
}

/* ---- disputes ---- */

/* The member that answers for an item; 0: none. */
static uint32_t respondent_of(const struct model *m, const struct model_item *item)
{
    uint8_t key[4];
    switch (item->kind) {
    case OUTCOME:
        return AS(Outcome, item->content)->issuer;
    case RECOGNITION:
        return AS(Recognition, item->content)->recogniser;
    case CONVERSION:
        return model_rule(m, AS(Conversion, item->content)->rule)->owner;
    case POINTS:
        if ((uint32_t)AS(PointsEntry, item->content)->type != 2) {
            return model_rule(m, AS(PointsEntry, item->content)->rule)->owner;
        }
        be32_put(key, AS(PointsEntry, item->content)->entry);
        return AS(CatalogueEntry, model_get(m, 6, key, 4))->provider;
    default:
        return 0;
    }
}

static uint32_t open_disputes(const struct model_account *account)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        count += account->items[i].kind == DISPUTE && account->items[i].status != ENDED;
    }
    return count;
}

static uint32_t dispute_code(const struct act *act, struct model_account *account,
                             struct model_item **item)
{
    const Xuelian__DisputeOpening *opening = AS(DisputeOpening, act->payload);
    if (opening->reason == 0) {
        return ST_BAD_FIELD;
    }
    if (opening->item < 1 || opening->item > account->item_count ||
        respondent_of(act->m, &account->items[opening->item - 1]) == 0) {
        return ST_UNKNOWN_ITEM;
    }
    uint32_t code = find_item(account, opening->item, 0, &opening->version_hash, item);
    if (code != ST_OK) {
        return code;
    }
    if ((*item)->dispute != 0) {
        return ST_DISPUTED;
    }
    if (account->item_count >= 100000) {
        return ST_ACCOUNT_FULL;
    }
    if (open_disputes(account) >= 16) {
        return ST_DISPUTES_FULL;
    }
    return (*item)->versions >= 1000 ? ST_VERSIONS_FULL : ST_OK;
}

uint32_t dispute_open(struct act *act)
{
    const Xuelian__DisputeOpening *opening = AS(DisputeOpening, act->payload);
    Xuelian__Dispute dispute = XUELIAN__DISPUTE__INIT;
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_account(act->m, &opening->account, BIT_OPEN, &account);
    if (code == ST_OK && !holds_account(act, account)) {
        code = ST_NOT_ALLOWED;
    }
    code = code == ST_OK ? dispute_code(act, account, &item) : code;
    if (code != ST_OK) {
        return code;
    }
    dispute.item = opening->item;
    dispute.item_version = opening->version_hash;
    dispute.respondent = respondent_of(act->m, item);
    dispute.reason = opening->reason;
    dispute.statement_hash = opening->statement_hash;
    item->dispute = account->item_count + 1;
    item_renew(act, account, item, item->status, item->reason, item->content);
    item_add(act, account, DISPUTE, VALID, &dispute.base);
    return ST_OK;
}

static void end_dispute(const struct act *act, struct model_account *account,
                        struct model_item *item, Xuelian__Dispute *dispute)
{
    struct model_item *disputed = &account->items[dispute->item - 1];
    item_renew(act, account, item, ENDED, 0, &dispute->base);
    disputed->dispute = 0;
    item_renew(act, account, disputed, disputed->status, disputed->reason, disputed->content);
}

uint32_t dispute_answer(struct act *act)
{
    const Xuelian__DisputeAnswer *answer = AS(DisputeAnswer, act->payload);
    uint32_t result = (uint32_t)answer->result;
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_account(act->m, &answer->account, ANY_STATUS, &account);
    code = code == ST_OK ? find_item(account, answer->item, DISPUTE, &answer->version_hash, &item)
                         : code;
    if (code != ST_OK) {
        return code;
    }
    Xuelian__Dispute *dispute = (Xuelian__Dispute *)(void *)message_copy(item->content);
    if (!one_member(act) || !stands_for(act->m, act->signers[0].member, dispute->respondent)) {
        return ST_NOT_ALLOWED;
    }
    if (result != UPHELD && result != REJECTED) {
        return ST_BAD_FIELD;
    }
    if (item->status != VALID) {
        return ST_WRONG_STATE;
    }
    dispute->answer = answer->result;
    dispute->answer_hash = answer->statement_hash;
    if (result == REJECTED) {
        item_renew(act, account, item, REVIEW, 0, &dispute->base);
        return ST_OK;
    }
    dispute->result = answer->result;
    end_dispute(act, account, item, dispute);
    return ST_OK;
}

static bool settles(const struct act *act, uint32_t result, const struct model_account *account)
{
    const struct model_signer *signer = &act->signers[0];
    const Xuelian__Member *member = model_member(act->m, signer->member);
    if (result == WITHDRAWN) {
        return holds_account(act, account);
    }
    return one_member(act) && member_may_act(act->m, signer->member, ROLE_GOVERN) &&
           ((uint32_t)member->kind == 1 || (uint32_t)member->kind == 2);
}

uint32_t dispute_settle(struct act *act)
{
    const Xuelian__DisputeAnswer *answer = AS(DisputeAnswer, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_account(act->m, &answer->account, ANY_STATUS, &account);
    code = code == ST_OK ? find_item(account, answer->item, DISPUTE, &answer->version_hash, &item)
                         : code;
    if (code != ST_OK) {
        return code;
    }
    if (!settles(act, (uint32_t)answer->result, account)) {
        return ST_NOT_ALLOWED;
    }
    if (answer->result == 0) {
        return ST_BAD_FIELD;
    }
    if (item->status == ENDED) {
        return ST_WRONG_STATE;
    }
    Xuelian__Dispute *dispute = (Xuelian__Dispute *)(void *)message_copy(item->content);
    dispute->result = answer->result;
    dispute->result_hash = answer->statement_hash;
    end_dispute(act, account, item, dispute);
    return ST_OK;
}

/* ---- query logs ---- */

uint32_t anchor(struct act *act)
{
    const Xuelian__QueryLogAnchor *payload = AS(QueryLogAnchor, act->payload);
    const struct model_signer *signer = &act->signers[0];
    const Xuelian__QueryRecord *before = NULL;
    Xuelian__QueryRecord record = XUELIAN__QUERY_RECORD__INIT;
    Xuelian__LogAnchorRecord head = XUELIAN__LOG_ANCHOR_RECORD__INIT;
    if (act->signer_count != 1 || signer->role != 3) {
        return ST_NOT_ALLOWED;
    }
    before = AS(QueryRecord, model_get(act->m, 11, signer->key, 33));
    if (payload->log_size <= (before == NULL ? 0 : before->anchor->log_size)) {
        return ST_WRONG_STATE;
    }
    head.node = field_borrow(signer->key, 33);
    head.log_size = payload->log_size;
    head.log_root = payload->log_root;
    head.height = act->m->height;
    record.anchor = &head;
    model_put(act->m, 11, signer->key, 33, &record.base);
    return ST_OK;
}
