#include "ledger/tx/source.h"

#include "proto/bytes.h"
#include "proto/check.h"

uint32_t rule_amount(const Xuelian__Rule *rule, const Xuelian__Outcome *outcome)
{
    switch (rule->basis) {
    case XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS:
        return outcome->credits;
    case XUELIAN__RULE_BASIS__RULE_BASIS_HOURS:
        return outcome->hours;
    case XUELIAN__RULE_BASIS__RULE_BASIS_OUTCOME:
        return 1;
    case XUELIAN__RULE_BASIS__RULE_BASIS_UNSPECIFIED:
    case _XUELIAN__RULE_BASIS_IS_INT_SIZE:
        break;
    }
    return 0;
}

bool rule_takes(const Xuelian__Rule *rule, const Xuelian__Outcome *outcome, uint32_t date)
{
    bool kind = rule->source_kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED ||
                rule->source_kind == outcome->kind;
    bool course = rule->source_course == 0 || rule->source_course == outcome->course;
    bool issuer = rule->source_issuer == 0 || rule->source_issuer == outcome->issuer;
    bool grade = rule->grade_band == 0 ||
                 (outcome->grade_band != 0 && outcome->grade_band <= rule->grade_band);
    bool young =
        rule->source_age == 0 || date <= date_add_months(outcome->award_date, rule->source_age);
    return kind && course && issuer && grade && young && outcome->level >= rule->source_level;
}

/* Bounded: 8 sources of 2,000,000 at most, times 1,000,000. */
uint64_t rule_gives(const Xuelian__Rule *rule, uint64_t amount)
{
    CHECK(amount <= (uint64_t)LIMIT_CONVERSION_SOURCES_MAX * OUTCOME_HOURS_MAX);
    return amount * rule->ratio_num / rule->ratio_den;
}

enum status source_read(struct state *state, const struct account *account,
                        const Xuelian__Rule *rule, uint64_t number, uint32_t date,
                        uint32_t age_date, struct item *item, struct arena *arena,
                        const Xuelian__Outcome **outcome, uint32_t *code)
{
    ProtobufCMessage *content = NULL;
    enum status status =
        item_read_kind(state, account, number, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = item_content(item, &xuelian__outcome__descriptor, arena, &content);
    if (status != ST_OK) {
        return status;
    }
    *outcome = (const Xuelian__Outcome *)(const void *)content;
    if (!item_counts(item)) {
        *code = ST_SOURCE_NOT_VALID;
    } else if (outcome_expired(*outcome, date)) {
        *code = ST_OUTCOME_EXPIRED;
    } else if (!rule_takes(rule, *outcome, age_date)) {
        *code = ST_SOURCE_NOT_ACCEPTED;
    }
    return ST_OK;
}

/* Consuming conversions of credits and of hours are counted apart. */
static struct count_key consumed_key(uint64_t item, Xuelian__RuleBasis basis)
{
    return (struct count_key){.letter = 'u', .item = item, .second = (uint32_t)basis};
}

/* The same share of the other amount, rounded up; all of it when there is nothing to take a share of. */
static uint64_t share(uint64_t used, uint64_t of, uint64_t amount)
{
    if (used == 0) {
        return 0;
    }
    return used >= of ? amount : (used * amount + of - 1) / of;
}

enum status source_used(struct state *state, const struct account *account,
                        const Xuelian__Rule *rule, uint64_t item, const Xuelian__Outcome *outcome,
                        uint64_t *used)
{
    const struct count_key by_credits = consumed_key(item, XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS);
    const struct count_key by_hours = consumed_key(item, XUELIAN__RULE_BASIS__RULE_BASIS_HOURS);
    const struct count_key own = {.letter = 'u', .item = item, .first = rule->series};
    struct overlay *overlay = state_overlay(state);
    uint64_t credits = 0;
    uint64_t hours = 0;
    uint64_t by_rule = 0;
    enum status status = count_get(overlay, account, &by_credits, &credits);
    if (status == ST_OK) {
        status = count_get(overlay, account, &by_hours, &hours);
    }
    if (status == ST_OK) {
        status = count_get(overlay, account, &own, &by_rule);
    }
    if (status == ST_OK) {
        *used = by_rule + (rule->basis == XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS
                               ? credits + share(hours, outcome->hours, outcome->credits)
                               : hours + share(credits, outcome->credits, outcome->hours));
    }
    return status;
}

enum status source_use(struct state *state, const struct account *account,
                       const Xuelian__Rule *rule, uint64_t item, uint64_t used, bool add)
{
    const struct count_key own = {.letter = 'u', .item = item, .first = rule->series};
    const struct count_key consumed = consumed_key(item, rule->basis);
    return count_change(state_overlay(state), account, rule->consuming ? &consumed : &own, used,
                        add);
}
