/* 积分获得: points for an outcome under a rule. */
#include "ledger/state/statistics.h"
#include "ledger/tx/dependents.h"
#include "ledger/tx/family.h"
#include "ledger/tx/points.h"
#include "ledger/tx/source.h"
#include "proto/bytes.h"
#include "proto/convert.h"

/* An accrual as it is looked at. */
struct accrual {
    struct account *account;
    const Xuelian__Rule *rule;
    struct points_entry lot;
    struct lots lots;
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
};

static struct count_key series_key(const Xuelian__Rule *rule)
{
    return (struct count_key){.letter = 'r', .first = rule->series};
}

static struct count_key year_key(const Xuelian__Rule *rule, uint32_t date)
{
    return (struct count_key){.letter = 'y', .first = rule->series, .second = date / 10000};
}

static struct count_key source_key(const Xuelian__Rule *rule, uint64_t item)
{
    return (struct count_key){.letter = 'u', .item = item, .first = rule->series};
}

/* The owner; or, under an automatic rule of an active owner, who acts for the learner. */
static enum status check_signer(struct state *state, const struct block_context *context,
                                const struct tx *tx, struct accrual *accrual, uint32_t *code)
{
    const struct tx_signer *signer = &tx->signers[0];
    const Xuelian__Rule *rule = accrual->rule;
    bool may = false;
    enum status status = ST_OK;
    if (signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        status = member_stands_for(state, signer->member, rule->owner, &may);
        if (status == ST_OK && may) {
            status =
                member_may(state, signer->member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT, &may);
        }
    }
    bool owner = may;
    if (status == ST_OK && !may && rule->automatic) {
        status = account_held_by(state, context, accrual->account, signer, &may);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!may) {
        *code = ST_NOT_ALLOWED;
    } else if (!rule_in_force(rule, context->date)) {
        *code = ST_RULE_NOT_IN_FORCE;
    } else if (!owner) {
        status = member_may(state, rule->owner, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT, &may);
        if (status == ST_OK && !may) {
            *code = ST_MEMBER_INACTIVE;
        }
    }
    return status;
}

/* What the source earns before ceilings. */
static enum status check_source(struct state *state, const struct block_context *context,
                                const Xuelian__PointsAccrual *payload, struct accrual *accrual,
                                uint64_t *earned, uint32_t *code)
{
    uint64_t memory[OUTCOME_MEMORY_SIZE / 8];
    struct arena arena;
    struct item item;
    const Xuelian__Outcome *outcome = NULL;
    uint64_t before;
    const struct count_key key = source_key(accrual->rule, payload->item);
    enum status status = item_read_version(state, accrual->account, payload->item,
                                           XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                           &payload->version_hash, &item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    arena_init(&arena, memory, sizeof memory);
    status = source_read(state, accrual->account, accrual->rule, payload->item, context->date,
                         context->date, &item, &arena, &outcome, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = count_get(state_overlay(state), accrual->account, &key, &before);
    if (status != ST_OK) {
        return status;
    }
    *earned = rule_gives(accrual->rule, rule_amount(accrual->rule, outcome));
    accrual->lot.source_hash = item.hash;
    if (before != 0) {
        *code = ST_SOURCE_USED;
    } else if (*earned == 0) {
        *code = ST_NOTHING_EARNED;
    }
    return ST_OK;
}

static enum status check_ceilings(struct state *state, const struct block_context *context,
                                  uint64_t earned, struct accrual *accrual, uint32_t *code)
{
    const Xuelian__Rule *rule = accrual->rule;
    struct points_entry *lot = &accrual->lot;
    const struct count_key series = series_key(rule);
    const struct count_key year = year_key(rule, context->date);
    enum status status = family_count(state, accrual->account, &series, &lot->rule_total);
    if (status == ST_OK) {
        status = family_count(state, accrual->account, &year, &lot->year_total);
    }
    if (status != ST_OK) {
        return status;
    }
    if (lot->rule_total >= rule->ceiling) {
        *code = ST_CEILING_REACHED;
        return ST_OK;
    }
    if (lot->year_total >= rule->yearly_ceiling) {
        *code = ST_POINTS_CEILING;
        return ST_OK;
    }
    uint64_t most = rule->ceiling - lot->rule_total;
    if (rule->yearly_ceiling - lot->year_total < most) {
        most = rule->yearly_ceiling - lot->year_total;
    }
    lot->points = (uint32_t)(earned < most ? earned : most);
    return ST_OK;
}

static enum status check_room(struct state *state, const struct block_context *context,
                              struct accrual *accrual, uint32_t *code)
{
    enum status status = lots_read(state, accrual->account, context->date, &accrual->lots);
    if (status != ST_OK) {
        return status;
    }
    if (accrual->lots.count >= LIMIT_POINTS_LOTS_MAX) {
        *code = ST_LOTS_FULL;
        return ST_OK;
    }
    if (!account_has_room(accrual->account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    return dependents_check(state, accrual->account, accrual->lot.source_item, code);
}

static enum status add(struct state *state, const struct block_context *context,
                       const struct tx *tx, uint32_t index, struct accrual *accrual)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct account *account = accrual->account;
    const Xuelian__Rule *rule = accrual->rule;
    struct points_entry *lot = &accrual->lot;
    const struct member_view *owner = NULL;
    const struct count_key keys[] = {series_key(rule), year_key(rule, context->date)};
    const struct count_key used = source_key(rule, lot->source_item);
    enum status status = state_member(state, rule->owner, &owner);
    if (status != ST_OK) {
        return status;
    }
    lot->type = XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL;
    lot->date = context->date;
    lot->remaining = lot->points;
    lot->expiry_date = rule->life == 0 ? 0 : date_add_months(context->date, rule->life);
    lot->region = owner->region;
    account->points += lot->points;
    uint64_t item =
        item_append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, points_encode(content, lot));
    lots_set(&accrual->lots, item, lot->expiry_date, lot->remaining);
    lots_write(state, account, &accrual->lots);
    count_put(state_overlay(state), account, &used, 1);
    for (uint32_t i = 0; i < 2 && status == ST_OK; i++) {
        status = count_change(state_overlay(state), account, &keys[i], lot->points, true);
    }
    if (status == ST_OK) {
        status = statistics_points(state, lot->region, lot->date / 10000, lot->points, true);
    }
    return status == ST_OK ? dependents_add(state, account, lot->source_item, item) : status;
}

enum status points_accrue(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__PointsAccrual *payload =
        (const Xuelian__PointsAccrual *)(const void *)tx->messages[index];
    struct accrual accrual = {.account = NULL};
    uint64_t earned = 0;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    accrual.lot.rule = payload->rule;
    accrual.lot.source_item = payload->item;
    enum status status = account_open_for(state, &payload->account, &accrual.account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = rule_record(state, payload->rule, accrual.memory, &accrual.rule);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (accrual.rule == NULL || accrual.rule->kind != XUELIAN__RULE_KIND__RULE_KIND_ACCRUAL) {
        *code = ST_UNKNOWN_RULE;
        return ST_OK;
    }
    status = check_signer(state, context, tx, &accrual, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_source(state, context, payload, &accrual, &earned, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_ceilings(state, context, earned, &accrual, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_room(state, context, &accrual, code);
    }
    return status == ST_OK && *code == ST_OK ? add(state, context, tx, index, &accrual) : status;
}
