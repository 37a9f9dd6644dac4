/* Section 16: conversion. */
#include <string.h>

#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

enum { BIT_OPEN = 1 << OPEN, CREDITS = 1, HOURS = 2 };

static bool granted(const struct model_item *item)
{
    return item->kind == CONVERSION && (item->status == VALID || item->status == REVIEW);
}

static uint64_t amount_of(const Xuelian__Outcome *outcome, uint32_t basis)
{
    return basis == CREDITS ? outcome->credits : basis == HOURS ? outcome->hours : 1;
}

uint32_t source_accepted(const struct model_item *item, const Xuelian__Rule *rule, uint32_t applied,
                         uint32_t decided)
{
    const Xuelian__Outcome *o = AS(Outcome, item->content);
    if (!still_counts(item)) {
        return ST_SOURCE_NOT_VALID;
    }
    if (o->expiry_date != 0 && decided > o->expiry_date) {
        return ST_OUTCOME_EXPIRED;
    }
    bool other = (rule->source_kind != 0 && rule->source_kind != o->kind) ||
                 (rule->source_course != 0 && rule->source_course != o->course) ||
                 (rule->source_issuer != 0 && rule->source_issuer != o->issuer) ||
                 rule->source_level > o->level;
    bool poor = rule->grade_band != 0 && (o->grade_band == 0 || o->grade_band > rule->grade_band);
    bool old = rule->source_age != 0 && applied > add_months(o->award_date, rule->source_age);
    return other || poor || old ? ST_SOURCE_NOT_ACCEPTED : ST_OK;
}

/* What granted conversions but one have used of an outcome, as the rule counts it. */
static uint64_t used_before(const struct model *m, const struct model_account *account,
                            const struct model_item *but, uint64_t number,
                            const Xuelian__Rule *rule)
{
    const Xuelian__Outcome *o = AS(Outcome, account->items[number - 1].content);
    uint64_t same = 0;
    uint64_t other = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        if (!granted(item) || item == but) {
            continue;
        }
        const Xuelian__Conversion *conversion = AS(Conversion, item->content);
        const Xuelian__Rule *under = model_rule(m, conversion->rule);
        for (size_t k = 0; k < conversion->n_sources; k++) {
            if (conversion->sources[k]->item != number) {
                continue;
            }
            if (under->consuming && under->basis != rule->basis) {
                other += conversion->sources[k]->used;
            } else if (under->consuming || under->series == rule->series) {
                same += conversion->sources[k]->used;
            }
        }
    }
    uint64_t amount = amount_of(o, (uint32_t)rule->basis);
    uint64_t whole = amount_of(o, (uint32_t)rule->basis == CREDITS ? HOURS : CREDITS);
    if (other > 0) {
        same += other >= whole ? amount : (other * amount + whole - 1) / whole;
    }
    return same;
}

/* Credits granted in an account: under the series, and into the owner's programme. */
static void add_totals(const struct model *m, const struct model_account *account,
                       const struct model_item *but, const Xuelian__Rule *rule,
                       Xuelian__Conversion *conversion)
{
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        if (!granted(item) || item == but) {
            continue;
        }
        const Xuelian__Conversion *before = AS(Conversion, item->content);
        const Xuelian__Rule *under = model_rule(m, before->rule);
        conversion->rule_total += under->series == rule->series ? before->credits : 0;
        conversion->programme_total +=
            under->owner == rule->owner && under->programme == rule->programme ? before->credits
                                                                               : 0;
    }
}

/* The same in all accounts that were merged into one. */
static void totals_before(const struct model *m, const struct model_account *account,
                          const struct model_item *but, const Xuelian__Rule *rule,
                          Xuelian__Conversion *conversion)
{
    const struct model_account *one = NULL;
    conversion->rule_total = 0;
    conversion->programme_total = 0;
    for (uint32_t i = 0; (one = family(m, account, i)) != NULL; i++) {
        add_totals(m, one, but, rule, conversion);
    }
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* NOTHING_EARNED, CEILING_REACHED; else the credits. */
static uint32_t earn(const struct model *m, const struct model_account *account,
                     const struct model_item *but, const Xuelian__Rule *rule,
                     Xuelian__Conversion *conversion)
{
    uint64_t used = 0;
    for (size_t i = 0; i < conversion->n_sources; i++) {
        used += conversion->sources[i]->used;
    }
    uint64_t earned = used * rule->ratio_num / rule->ratio_den;
    totals_before(m, account, but, rule, conversion);
    if (earned == 0) {
        return ST_NOTHING_EARNED;
    }
    if (conversion->rule_total >= rule->ceiling ||
        conversion->programme_total >= rule->programme_ceiling) {
        return ST_CEILING_REACHED;
    }
    conversion->credits =
        (uint32_t)lesser(earned, lesser(rule->ceiling - conversion->rule_total,
                                        rule->programme_ceiling - conversion->programme_total));
    return ST_OK;
}

/* One source: its newest version named and what is used of it before; a code. */
static uint32_t evaluate_source(const struct model *m, struct model_account *account,
                                const struct model_item *but, const Xuelian__Rule *rule,
                                const Xuelian__Conversion *conversion,
                                Xuelian__ConversionSource *source, uint32_t decided, uint64_t *left)
{
    if (source->item < 1 || source->item > account->item_count ||
        account->items[source->item - 1].kind != OUTCOME) {
        return ST_UNKNOWN_ITEM;
    }
    struct model_item *item = &account->items[source->item - 1];
    uint32_t code = source_accepted(item, rule, conversion->applied_date, decided);
    if (code != ST_OK) {
        return code;
    }
    uint64_t amount = amount_of(AS(Outcome, item->content), (uint32_t)rule->basis);
    uint64_t before = used_before(m, account, but, source->item, rule);
    source->version_hash = field_borrow(item->hash.bytes, 32);
    source->used_before = (uint32_t)before;
    *left = before < amount ? amount - before : 0;
    return source->used == 0 || source->used > *left ? ST_SOURCE_USED : ST_OK;
}

static uint32_t evaluate(const struct model *m, struct model_account *account,
                         const Xuelian__Rule *rule, Xuelian__Conversion *conversion,
                         const struct model_item *but, uint32_t decided)
{
    for (size_t i = 0; i < conversion->n_sources; i++) {
        uint64_t left = 0;
        uint32_t code = evaluate_source(m, account, but, rule, conversion, conversion->sources[i],
                                        decided, &left);
        if (code != ST_OK) {
            return code;
        }
    }
    return earn(m, account, but, rule, conversion);
}

/* The same for what is upheld: sources at fault are left out, others used as far as they go. */
static uint32_t evaluate_again(const struct model *m, struct model_account *account,
                               const Xuelian__Rule *rule, Xuelian__Conversion *conversion,
                               const struct model_item *but)
{
    size_t kept = 0;
    for (size_t i = 0; i < conversion->n_sources; i++) {
        Xuelian__ConversionSource *source = conversion->sources[i];
        uint64_t left = 0;
        uint32_t code = evaluate_source(m, account, but, rule, conversion, source,
                                        conversion->decided_date, &left);
        if (code == ST_SOURCE_USED && left > 0) {
            source->used = (uint32_t)left;
            code = ST_OK;
        }
        if (code == ST_OK) {
            conversion->sources[kept++] = source;
        }
    }
    conversion->n_sources = kept;
    return kept == 0 ? (uint32_t)ST_SOURCE_NOT_VALID : earn(m, account, but, rule, conversion);
}

static bool sources_full(const struct model_account *account, const Xuelian__Conversion *conversion)
{
    bool full = false;
    for (size_t i = 0; i < conversion->n_sources; i++) {
        full = full || dependents_full(account, conversion->sources[i]->item);
    }
    return full;
}

/* The member that stands for an owner now. */
static uint32_t follow(const struct model *m, uint32_t member)
{
    for (uint32_t step = 0; step < 8; step++) {
        const Xuelian__Member *of = model_member(m, member);
        if (of == NULL || of->status != 2 || of->successor == 0) {
            return member;
        }
        member = of->successor;
    }
    return member;
}

static bool in_force(const Xuelian__Rule *rule, uint32_t date)
{
    return (uint32_t)rule->status == 3 && rule->from_date <= date &&
           (rule->to_date == 0 || date <= rule->to_date);
}

static void set_granted(const struct act *act, Xuelian__Conversion *conversion, uint32_t by,
                        uint32_t where)
{
    conversion->decided_date = act->m->date;
    conversion->decided_by = by;
    conversion->region = model_member(act->m, where)->region;
    touch_region(act->m, conversion->region, act->m->date / 10000);
}

/* ---- apply ---- */

static bool form_holds(const Xuelian__ConversionApplication *application)
{
    bool holds = application->n_sources >= 1 && application->n_sources <= 8;
    for (size_t i = 0; holds && i < application->n_sources; i++) {
        holds = application->sources[i]->used > 0 &&
                application->sources[i]->item > (i > 0 ? application->sources[i - 1]->item : 0);
    }
    return holds;
}

static uint32_t apply_code(const struct act *act, const Xuelian__ConversionApplication *application,
                           struct model_account **account, const Xuelian__Rule **rule)
{
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (!form_holds(application)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &application->account, BIT_OPEN, account);
    if (code != ST_OK) {
        return code;
    }
    if (!signer_acts_for(act, 0, *account)) {
        return ST_NOT_ALLOWED;
    }
    *rule = model_rule(act->m, application->rule);
    if (*rule == NULL || (uint32_t)(*rule)->kind != 1) {
        return ST_UNKNOWN_RULE;
    }
    if (!in_force(*rule, act->m->date)) {
        return ST_RULE_NOT_IN_FORCE;
    }
    if (!member_may_act(act->m, follow(act->m, (*rule)->owner), ROLE_CONVERT)) {
        return ST_MEMBER_INACTIVE;
    }
    for (size_t i = 0; i < application->n_sources && code == ST_OK; i++) {
        struct model_item *item = NULL;
        code = find_item(*account, application->sources[i]->item, OUTCOME,
                         &application->sources[i]->version_hash, &item);
    }
    return code;
}

uint32_t convert_apply(struct act *act)
{
    const Xuelian__ConversionApplication *application = AS(ConversionApplication, act->payload);
    struct model_account *account = NULL;
    const Xuelian__Rule *rule = NULL;
    Xuelian__Conversion conversion = XUELIAN__CONVERSION__INIT;
    Xuelian__ConversionSource sources[8];
    Xuelian__ConversionSource *pointers[8];
    uint32_t code = apply_code(act, application, &account, &rule);
    if (code != ST_OK) {
        return code;
    }
    conversion.rule = application->rule;
    conversion.applied_date = act->m->date;
    conversion.sources = pointers;
    conversion.n_sources = application->n_sources;
    for (size_t i = 0; i < application->n_sources; i++) {
        pointers[i] = &sources[i];
        xuelian__conversion_source__init(&sources[i]);
        sources[i].item = application->sources[i]->item;
        sources[i].version_hash = application->sources[i]->version_hash;
        sources[i].used = application->sources[i]->used;
    }
    Xuelian__Conversion *grant = (Xuelian__Conversion *)(void *)message_copy(&conversion.base);
    code = evaluate(act->m, account, rule, grant, NULL, act->m->date);
    if (code != ST_OK) {
        return code;
    }
    if (account->item_count >= 99000) {
        return ST_ACCOUNT_FULL;
    }
    if (rule->automatic && sources_full(account, grant)) {
        return ST_DEPENDENTS_FULL;
    }
    if (!rule->automatic && applications(account) >= 16) {
        return ST_APPLICATIONS_FULL;
    }
    if (!rule->automatic) {
        item_add(act, account, CONVERSION, APPLIED, &conversion.base);
        return ST_OK;
    }
    set_granted(act, grant, 0, rule->owner);
    item_rest(act->m, item_add(act, account, CONVERSION, VALID, &grant->base));
    return ST_OK;
}

/* ---- decide ---- */

static bool decides(const struct act *act, const Xuelian__Rule *rule, bool appealed)
{
    uint32_t who = appealed && rule->appeal_to != 0 ? rule->appeal_to : rule->owner;
    return stands_for(act->m, act->signers[0].member, who);
}

uint32_t convert_decide(struct act *act)
{
    const Xuelian__ConversionDecision *decision = AS(ConversionDecision, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (decision->granted == (decision->reason != 0)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &decision->account, BIT_OPEN, &account);
    code = code == ST_OK
               ? find_item(account, decision->item, CONVERSION, &decision->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    Xuelian__Conversion *conversion = (Xuelian__Conversion *)(void *)message_copy(item->content);
    const Xuelian__Rule *rule = model_rule(act->m, conversion->rule);
    if (!decides(act, rule, conversion->appeals > 0)) {
        return ST_NOT_ALLOWED;
    }
    if (item->status != APPLIED) {
        return ST_WRONG_STATE;
    }
    if (decision->granted) {
        code = evaluate(act->m, account, rule, conversion, NULL, act->m->date);
        code = code == ST_OK && sources_full(account, conversion) ? (uint32_t)ST_DEPENDENTS_FULL
                                                                  : code;
    }
    if (code == ST_OK && item->versions >= 10000) {
        code = ST_VERSIONS_FULL;
    }
    if (code != ST_OK) {
        return code;
    }
    if (!decision->granted) {
        conversion->decided_date = act->m->date;
        conversion->decided_by = act->signers[0].member;
        item_renew(act, account, item, REFUSED, (uint32_t)decision->reason, &conversion->base);
        return ST_OK;
    }
    set_granted(act, conversion, act->signers[0].member, act->signers[0].member);
    item_renew(act, account, item, VALID, 0, &conversion->base);
    item_rest(act->m, item);
    return ST_OK;
}

/* Appeal and withdrawal. */
uint32_t convert_appeal(struct act *act)
{
    const Xuelian__ItemAct *payload = AS(ItemAct, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    bool appeals = act->kind == 42;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    uint32_t code = find_account(act->m, &payload->account, BIT_OPEN, &account);
    if (code == ST_OK && !signer_acts_for(act, 0, account)) {
        code = ST_NOT_ALLOWED;
    }
    code = code == ST_OK
               ? find_item(account, payload->item, CONVERSION, &payload->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    Xuelian__Conversion *conversion = (Xuelian__Conversion *)(void *)message_copy(item->content);
    if (item->status != (appeals ? REFUSED : APPLIED)) {
        return ST_WRONG_STATE;
    }
    if (appeals && conversion->appeals >= 2) {
        return ST_APPEALS_SPENT;
    }
    if (appeals && applications(account) >= 16) {
        return ST_APPLICATIONS_FULL;
    }
    if (item->versions >= 10000) {
        return ST_VERSIONS_FULL;
    }
    if (appeals) {
        conversion->decided_date = 0;
        conversion->decided_by = 0;
        conversion->appeals++;
    }
    item_renew(act, account, item, appeals ? APPLIED : ENDED, (uint32_t)payload->reason,
               &conversion->base);
    return ST_OK;
}

uint32_t convert_review(struct act *act)
{
    const Xuelian__ConversionDecision *decision = AS(ConversionDecision, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (decision->granted == (decision->reason != 0)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &decision->account,
                                 decision->granted ? BIT_OPEN : ANY_STATUS, &account);
    code = code == ST_OK
               ? find_item(account, decision->item, CONVERSION, &decision->version_hash, &item)
               : code;
    if (code != ST_OK) {
        return code;
    }
    Xuelian__Conversion *conversion = (Xuelian__Conversion *)(void *)message_copy(item->content);
    const Xuelian__Rule *rule = model_rule(act->m, conversion->rule);
    if (!decides(act, rule, false)) {
        return ST_NOT_ALLOWED;
    }
    if (item->status != REVIEW && (decision->granted || item->status != VALID)) {
        return ST_WRONG_STATE;
    }
    if (decision->granted) {
        code = evaluate_again(act->m, account, rule, conversion, item);
        conversion->decided_by = act->signers[0].member;
        conversion->region = model_member(act->m, act->signers[0].member)->region;
    }
    if (code == ST_OK && item->versions >= 10000) {
        code = ST_VERSIONS_FULL;
    }
    if (code == ST_OK && decision->granted) {
        touch_region(act->m, conversion->region, conversion->decided_date / 10000);
    }
    if (code == ST_OK) {
        item_renew(act, account, item, decision->granted ? VALID : REVOKED,
                   (uint32_t)decision->reason, &conversion->base);
    }
    return code;
}
