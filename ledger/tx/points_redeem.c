/* 积分兑换: units of the catalogue, reserved, handed out or cancelled. */
#include "ledger/state/counts.h"
#include "ledger/tx/family.h"
#include "ledger/tx/points.h"
#include "ledger/tx/points_act.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

static bool entry_open(const Xuelian__CatalogueEntry *entry, uint32_t date)
{
    return entry->status == XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_OPEN &&
           entry->from_date <= date && (entry->to_date == 0 || date <= entry->to_date);
}

static struct count_key units_key(uint32_t entry)
{
    return (struct count_key){.letter = 'c', .first = entry};
}

/* The stock and the learner's own units change together. */
static enum status count_units(struct state *state, const struct account *account,
                               const Xuelian__CatalogueEntry *entry, uint32_t quantity, bool take)
{
    const struct count_key key = units_key(entry->id);
    uint8_t natural_key[4];
    uint8_t value[RECORD_MEMORY_SIZE / 4];
    Xuelian__CatalogueEntry changed = *entry;
    CHECK(take ? entry->stock - entry->taken >= quantity : entry->taken >= quantity);
    changed.taken = take ? entry->taken + quantity : entry->taken - quantity;
    be32_put(natural_key, entry->id);
    enum status status = count_change(state_overlay(state), account, &key, quantity, take);
    return status == ST_OK ? state_put(state, XUELIAN__COLLECTION__COLLECTION_CATALOGUE,
                                       bytes_of(natural_key, 4),
                                       bytes_of(value, canonical_encode(value, &changed.base)))
                           : status;
}

static enum status check_entry(struct state *state, const struct block_context *context,
                               const struct account *account, const Xuelian__CatalogueEntry *entry,
                               uint32_t quantity, uint32_t *code)
{
    uint64_t units;
    if (entry == NULL) {
        *code = ST_UNKNOWN_ENTRY;
        return ST_OK;
    }
    const struct count_key key = units_key(entry->id);
    enum status status = family_count(state, account, &key, &units);
    if (status != ST_OK) {
        return status;
    }
    if (!entry_open(entry, context->date)) {
        *code = ST_ENTRY_NOT_OPEN;
    } else if (quantity > entry->stock - entry->taken) {
        *code = ST_OUT_OF_STOCK;
    } else if (entry->person_limit != 0 && units + quantity > entry->person_limit) {
        *code = ST_PERSON_LIMIT;
    }
    return ST_OK;
}

enum status points_redeem(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__PointsRedemption *payload =
        (const Xuelian__PointsRedemption *)(const void *)tx->messages[index];
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    struct points_entry made = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_REDEMPTION,
                                .date = context->date,
                                .entry = payload->entry,
                                .quantity = payload->quantity};
    struct account *account = NULL;
    const Xuelian__CatalogueEntry *entry = NULL;
    struct lots lots;
    bool held = false;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (payload->quantity < 1 || payload->quantity > LIMIT_REDEMPTION_UNITS_MAX) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &payload->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = account_held_by(state, context, account, &tx->signers[0], &held);
        *code = held ? ST_OK : ST_NOT_ALLOWED;
    }
    if (status == ST_OK && *code == ST_OK) {
        status = catalogue_record(state, payload->entry, memory, &entry);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_entry(state, context, account, entry, payload->quantity, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        made.points = entry->price * payload->quantity; /* at most 10^9 */
        made.entry_version = entry->version;
        status = lots_read(state, account, context->date, &lots);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = points_choose(state, account, &lots, &made, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!account_has_room(account) || account->applications >= LIMIT_APPLICATIONS_MAX) {
        *code = !account_has_room(account) ? ST_ACCOUNT_FULL : ST_APPLICATIONS_FULL;
        return ST_OK;
    }
    status = points_take(state, context, tx, index, account, &lots, &made);
    if (status == ST_OK) {
        status = count_units(state, account, entry, made.quantity, true);
    }
    account->applications++;
    item_append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED, points_encode(content, &made));
    return status;
}

/* ---- What happens to a redemption ---- */

enum status points_read_entry(struct state *state, const struct points_act *act, void *memory,
                              const Xuelian__CatalogueEntry **entry)
{
    enum status status = catalogue_record(state, act->entry.entry, memory, entry);
    return status == ST_OK && *entry == NULL ? ST_CORRUPT : status; /* entries are never removed */
}

enum status points_give_back(struct state *state, const struct block_context *context,
                             const struct tx *tx, uint32_t index,
                             const Xuelian__CatalogueEntry *entry, struct points_act *act,
                             uint32_t *code)
{
    struct lots lots;
    bool reserved = act->item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED;
    enum status status = lots_read(state, act->account, context->date, &lots);
    if (status == ST_OK) {
        status = points_return_check(state, context, act->account, &lots, &act->entry, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_because(state, context, tx, index, act->account, &act->item,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED,
                                     (struct bytes){NULL, 0}, act->payload->reason, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = points_return(state, context, tx, index, act->account, &lots, &act->entry);
    }
    if (status == ST_OK && *code == ST_OK) {
        CHECK(!reserved || act->account->applications > 0);
        act->account->applications -= reserved ? 1 : 0;
        status = count_units(state, act->account, entry, act->entry.quantity, false);
    }
    return status;
}

/* A redemption that is reserved still, and its entry. */
static enum status read_reserved(struct state *state, const struct tx *tx, uint32_t index,
                                 struct points_act *act, void *memory,
                                 const Xuelian__CatalogueEntry **entry, uint32_t *code)
{
    enum status status = points_read_act(state, tx, index, act, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (act->entry.type != XUELIAN__POINTS_TYPE__POINTS_TYPE_REDEMPTION) {
        *code = ST_UNKNOWN_ITEM;
        return ST_OK;
    }
    return points_read_entry(state, act, memory, entry);
}

static uint32_t still_reserved(const struct points_act *act)
{
    return act->item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED ? ST_OK
                                                                                  : ST_WRONG_STATE;
}

enum status points_fulfil(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    struct points_act act = {.payload = NULL};
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *entry = NULL;
    bool may = false;
    enum status status = read_reserved(state, tx, index, &act, memory, &entry, code);
    if (status == ST_OK && *code == ST_OK) {
        status = points_provider(state, tx, entry, &may);
        *code = !may ? ST_NOT_ALLOWED : still_reserved(&act);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_because(state, context, tx, index, act.account, &act.item,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED,
                                     (struct bytes){NULL, 0}, act.payload->reason, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        CHECK(act.account->applications > 0);
        act.account->applications--;
    }
    return status;
}

/* Who acts for the learner of the account, or, when it was merged, of the one that it led to. */
static enum status held(struct state *state, const struct block_context *context,
                        const struct points_act *act, const struct tx_signer *signer, bool *may)
{
    struct account *end = NULL;
    enum status status = account_held_by(state, context, act->account, signer, may);
    if (status == ST_OK && !*may) {
        status = family_end(state, act->account, &end);
    }
    return status == ST_OK && !*may ? account_held_by(state, context, end, signer, may) : status;
}

enum status points_cancel(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    struct points_act act = {.payload = NULL};
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *entry = NULL;
    bool may = false;
    enum status status = read_reserved(state, tx, index, &act, memory, &entry, code);
    if (status == ST_OK && *code == ST_OK) {
        status = points_provider(state, tx, entry, &may);
    }
    if (status == ST_OK && *code == ST_OK && !may) {
        status = held(state, context, &act, &tx->signers[0], &may);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = !may ? ST_NOT_ALLOWED : still_reserved(&act);
    return *code == ST_OK ? points_give_back(state, context, tx, index, entry, &act, code) : ST_OK;
}
