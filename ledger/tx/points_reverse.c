/* 积分冲回, 复核: lots taken back, upheld; redemptions returned. */
#include "ledger/state/counts.h"
#include "ledger/state/statistics.h"
#include "ledger/tx/family.h"
#include "ledger/tx/points_act.h"
#include "ledger/tx/source.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum status points_read_act(struct state *state, const struct tx *tx, uint32_t index,
                            struct points_act *act, uint32_t *code)
{
    act->payload = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    enum status status = account_known(state, &act->payload->account, &act->account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = item_read_version(state, act->account, act->payload->item,
                                   XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                                   &act->payload->version_hash, &act->item, code);
    }
    return status == ST_OK && *code == ST_OK ? points_decode(&act->entry, &act->item) : status;
}

enum status points_provider(struct state *state, const struct tx *tx,
                            const Xuelian__CatalogueEntry *entry, bool *may)
{
    const struct tx_signer *signer = &tx->signers[0];
    *may = false;
    return signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER
               ? member_stands_for(state, signer->member, entry->provider, may)
               : ST_OK;
}

/* The rule of a lot, and that its owner signs. */
static enum status check_owner(struct state *state, const struct tx *tx,
                               const struct points_act *act, void *memory,
                               const Xuelian__Rule **rule, uint32_t *code)
{
    const struct tx_signer *signer = &tx->signers[0];
    bool may = false;
    enum status status = rule_record(state, act->entry.rule, memory, rule);
    if (status == ST_OK && *rule == NULL) {
        status = ST_CORRUPT; /* rules are never removed */
    }
    if (status == ST_OK && signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        status = member_stands_for(state, signer->member, (*rule)->owner, &may);
        if (status == ST_OK && may) {
            status =
                member_may(state, signer->member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT, &may);
        }
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

/* A lot of which nothing was ever spent is as if it had not been: the outcome may earn again. */
static enum status uncount(struct state *state, const struct account *account,
                           const Xuelian__Rule *rule, const struct points_entry *lot)
{
    const struct count_key used = {.letter = 'u', .item = lot->source_item, .first = rule->series};
    const struct count_key series = {.letter = 'r', .first = rule->series};
    const struct count_key year = {
        .letter = 'y', .first = rule->series, .second = lot->date / 10000};
    if (lot->type != XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL || lot->reversed != lot->points) {
        return ST_OK;
    }
    count_put(state_overlay(state), account, &used, 0);
    enum status status = count_change(state_overlay(state), account, &series, lot->points, false);
    return status == ST_OK ? count_change(state_overlay(state), account, &year, lot->points, false)
                           : status;
}

/* Takes back what remains; what is spent stays spent, so that no balance falls below zero. */
static enum status reverse_lot(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct points_act *act,
                               uint32_t *code)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *rule = NULL;
    struct lots lots;
    struct points_entry *lot = &act->entry;
    struct account *account = act->account;
    enum status status = check_owner(state, tx, act, memory, &rule, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!item_counts(&act->item) &&
        act->item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = lots_read(state, account, context->date, &lots);
    if (status != ST_OK) {
        return status;
    }
    uint32_t taken = lot->remaining;
    CHECK(account->points >= taken);
    account->points -= taken;
    lot->reversed += taken;
    lot->remaining = 0;
    lots_set(&lots, act->payload->item, lot->expiry_date, 0);
    lots_write(state, account, &lots);
    status = item_change_because(state, context, tx, index, account, &act->item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED,
                                 points_encode(content, lot), act->payload->reason, code);
    CHECK(*code == ST_OK); /* an item may always be revoked */
    if (status == ST_OK) {
        status = statistics_points(state, lot->region, lot->date / 10000, taken, false);
    }
    return status == ST_OK ? uncount(state, account, rule, lot) : status;
}

/* What was handed out comes back. */
static enum status reverse_redemption(struct state *state, const struct block_context *context,
                                      const struct tx *tx, uint32_t index, struct points_act *act,
                                      uint32_t *code)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *entry = NULL;
    bool may = false;
    enum status status = points_read_entry(state, act, memory, &entry);
    if (status == ST_OK) {
        status = points_provider(state, tx, entry, &may);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!may) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (act->item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    return points_give_back(state, context, tx, index, entry, act, code);
}

enum status points_reverse(struct state *state, const struct block_context *context,
                           const struct tx *tx, uint32_t index, uint32_t *code)
{
    struct points_act act = {.payload = NULL};
    enum status status = points_read_act(state, tx, index, &act, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (act.payload->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    return points_is_lot(&act.entry) ? reverse_lot(state, context, tx, index, &act, code)
                                     : reverse_redemption(state, context, tx, index, &act, code);
}

/* The source holds again and earns as much as it did, or more: the lot rests on its newest version. */
static enum status check_source(struct state *state, const struct account *account,
                                const Xuelian__Rule *rule, struct points_entry *lot, uint32_t *code)
{
    uint64_t memory[OUTCOME_MEMORY_SIZE / 8];
    struct arena arena;
    struct item item;
    const Xuelian__Outcome *outcome = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = source_read(state, account, rule, lot->source_item, lot->date, lot->date,
                                     &item, &arena, &outcome, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (rule_gives(rule, rule_amount(rule, outcome)) < lot->points) {
        *code = ST_SOURCE_NOT_ACCEPTED;
    }
    lot->source_hash = item.hash;
    return ST_OK;
}

/* Of points that moved in, the lot that earned them says on what they rest. */
static enum status check_origin(struct state *state, struct points_act *act,
                                const Xuelian__Rule *rule, uint32_t *code)
{
    struct points_entry earned;
    struct account *origin = NULL;
    struct item item;
    if (act->entry.type == XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL) {
        return check_source(state, act->account, rule, &act->entry, code);
    }
    enum status status = state_account(state, &act->entry.from_account, &origin);
    if (status == ST_OK) {
        status = item_read_known(state, origin, act->entry.source_item, &item);
    }
    if (status == ST_OK) {
        status = points_decode(&earned, &item);
    }
    return status == ST_OK ? check_source(state, origin, rule, &earned, code) : status;
}

/* Upheld in an account that was merged, what remains goes on to where it can be spent. */
static enum status uphold_merged(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, struct points_act *act,
                                 Xuelian__ItemStatus *after, uint32_t *code)
{
    struct account *end = NULL;
    struct account *account = act->account;
    struct lots lots;
    struct points_entry *lot = &act->entry;
    uint32_t points = lot->remaining;
    enum status status = family_end(state, account, &end);
    if (status == ST_OK) {
        status = lots_read(state, end, context->date, &lots);
    }
    if (status != ST_OK) {
        return status;
    }
    if (act->item.version->number >= LIMIT_ITEM_VERSIONS_MAX) {
        *code = ST_VERSIONS_FULL;
    } else if (lots.count >= LIMIT_POINTS_LOTS_MAX) {
        *code = ST_LOTS_FULL;
    } else if (end->items.size >= LIMIT_ACCOUNT_ITEMS_MAX) {
        *code = ST_ACCOUNT_FULL;
    }
    if (*code != ST_OK) {
        return ST_OK;
    }
    status = lots_read(state, account, context->date, &lots);
    if (status == ST_OK) {
        CHECK(account->points >= points);
        account->points -= points;
        lot->remaining = 0;
        lots_set(&lots, act->payload->item, lot->expiry_date, 0);
        lots_write(state, account, &lots);
        status = points_pass_on(state, context, tx, index, account, &act->item, lot, points, after);
    }
    return status;
}

enum status points_uphold(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    struct points_act act = {.payload = NULL};
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *rule = NULL;
    Xuelian__ItemStatus after = XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID;
    enum status status = points_read_act(state, tx, index, &act, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!points_is_lot(&act.entry)) {
        *code = ST_UNKNOWN_ITEM;
        return ST_OK;
    }
    status = check_owner(state, tx, &act, memory, &rule, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (act.item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = check_origin(state, &act, rule, code);
    if (status == ST_OK && *code == ST_OK && act.entry.remaining > 0 &&
        points_passes_on(context, act.account, after, &act.entry)) {
        status = uphold_merged(state, context, tx, index, &act, &after, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return item_change_because(state, context, tx, index, act.account, &act.item, after,
                               points_encode(content, &act.entry), act.payload->reason, code);
}
