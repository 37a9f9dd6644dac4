#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/state/statistics.h"
#include "ledger/tx/family.h"
#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { LOT_SIZE = 16 };

bool points_is_lot(const struct points_entry *entry)
{
    return entry->type == XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL ||
           entry->type == XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED;
}

struct bytes points_encode(uint8_t *out, const struct points_entry *entry)
{
    Xuelian__PointsEntry wire = XUELIAN__POINTS_ENTRY__INIT;
    Xuelian__PointsPart parts[LIMIT_POINTS_PARTS_MAX];
    Xuelian__PointsPart *pointers[LIMIT_POINTS_PARTS_MAX];
    for (uint32_t i = 0; i < entry->part_count; i++) {
        xuelian__points_part__init(&parts[i]);
        parts[i].item = entry->parts[i].item;
        parts[i].points = entry->parts[i].points;
        pointers[i] = &parts[i];
    }
    wire.type = entry->type;
    wire.points = entry->points;
    wire.date = entry->date;
    wire.remaining = entry->remaining;
    wire.reversed = entry->reversed;
    wire.moved = entry->moved;
    wire.expiry_date = entry->expiry_date;
    wire.rule = entry->rule;
    wire.source_item = entry->source_item;
    wire.source_hash = field_borrow(&entry->source_hash, points_is_lot(entry) ? 32 : 0);
    wire.rule_total = entry->rule_total;
    wire.year_total = entry->year_total;
    wire.region = entry->region;
    wire.from_account = field_borrow(&entry->from_account, entry->moved_in ? 32 : 0);
    wire.entry = entry->entry;
    wire.entry_version = entry->entry_version;
    wire.quantity = entry->quantity;
    wire.parts = pointers;
    wire.n_parts = entry->part_count;
    CHECK(canonical_size(&wire.base) <= ITEM_CONTENT_SIZE_MAX);
    return bytes_of(out, canonical_encode(out, &wire.base));
}

enum status points_decode(struct points_entry *entry, const struct item *item)
{
    uint64_t memory[512];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = item_content(item, &xuelian__points_entry__descriptor, &arena, &message);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__PointsEntry *wire = (const Xuelian__PointsEntry *)(const void *)message;
    if (wire->n_parts > LIMIT_POINTS_PARTS_MAX) {
        return ST_CORRUPT;
    }
    *entry = (struct points_entry){.type = wire->type,
                                   .points = wire->points,
                                   .date = wire->date,
                                   .remaining = wire->remaining,
                                   .reversed = wire->reversed,
                                   .moved = wire->moved,
                                   .expiry_date = wire->expiry_date,
                                   .rule = wire->rule,
                                   .source_item = wire->source_item,
                                   .rule_total = wire->rule_total,
                                   .year_total = wire->year_total,
                                   .region = wire->region,
                                   .entry = wire->entry,
                                   .entry_version = wire->entry_version,
                                   .quantity = wire->quantity,
                                   .part_count = (uint32_t)wire->n_parts};
    for (uint32_t i = 0; i < entry->part_count; i++) {
        entry->parts[i] =
            (struct points_part){.item = wire->parts[i]->item, .points = wire->parts[i]->points};
    }
    entry->moved_in = field_copy(&entry->from_account, 32, &wire->from_account);
    bool has_source = field_copy(&entry->source_hash, 32, &wire->source_hash);
    return has_source == points_is_lot(entry) ? ST_OK : ST_CORRUPT;
}

/* ---- The list ---- */

static struct state_key lots_key(const struct account *account)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'p');
    key_add64(&key, account->position);
    return key;
}

enum status lots_read(struct state *state, const struct account *account, uint32_t date,
                      struct lots *lots)
{
    struct state_key key = lots_key(account);
    struct bytes value;
    lots->count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size % LOT_SIZE != 0 || value.size / LOT_SIZE > LIMIT_POINTS_LOTS_HELD_MAX) {
        return ST_CORRUPT;
    }
    for (size_t at = 0; at < value.size; at += LOT_SIZE) {
        const uint8_t *from = value.data + at;
        if (date <= be32_get(from)) {
            lots->lots[lots->count++] = (struct lot){.expiry_date = be32_get(from),
                                                     .item = be64_get(from + 4),
                                                     .remaining = be32_get(from + 12)};
        }
    }
    return ST_OK;
}

void lots_write(struct state *state, const struct account *account, const struct lots *lots)
{
    struct state_key key = lots_key(account);
    uint8_t value[LIMIT_POINTS_LOTS_HELD_MAX * LOT_SIZE];
    for (uint32_t i = 0; i < lots->count; i++) {
        uint8_t *to = value + (size_t)i * LOT_SIZE;
        be32_put(to, lots->lots[i].expiry_date);
        be64_put(to + 4, lots->lots[i].item);
        be32_put(to + 12, lots->lots[i].remaining);
    }
    overlay_put(state_overlay(state), key_bytes(&key),
                bytes_of(value, (size_t)lots->count * LOT_SIZE));
}

static bool lot_before(const struct lot *a, const struct lot *b)
{
    return a->expiry_date != b->expiry_date ? a->expiry_date < b->expiry_date : a->item < b->item;
}

void lots_set(struct lots *lots, uint64_t item, uint32_t expiry_date, uint32_t remaining)
{
    const struct lot lot = {.expiry_date = expiry_date == 0 ? UINT32_MAX : expiry_date,
                            .item = item,
                            .remaining = remaining};
    uint32_t at = 0;
    while (at < lots->count && lot_before(&lots->lots[at], &lot)) {
        at++;
    }
    bool there = at < lots->count && lots->lots[at].item == item;
    size_t after = (lots->count - at) * sizeof lot;
    if (there && remaining == 0) {
        memmove(&lots->lots[at], &lots->lots[at + 1], after - sizeof lot);
        lots->count--;
    } else if (there) {
        lots->lots[at].remaining = remaining;
    } else if (remaining != 0) {
        CHECK(lots->count < LIMIT_POINTS_LOTS_HELD_MAX);
        memmove(&lots->lots[at + 1], &lots->lots[at], after);
        lots->lots[at] = lot;
        lots->count++;
    }
}

/* ---- Taking and giving back ---- */

/* A lot that the list or a redemption names is there. */
static enum status read_lot(struct state *state, const struct account *account, uint64_t number,
                            struct item *item, struct points_entry *entry)
{
    uint32_t code = ST_OK;
    enum status status =
        item_read_kind(state, account, number, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS, item, &code);
    if (status == ST_OK && code != ST_OK) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        status = points_decode(entry, item);
    }
    return status == ST_OK && !points_is_lot(entry) ? ST_CORRUPT : status;
}

enum status points_choose(struct state *state, const struct account *account,
                          const struct lots *lots, struct points_entry *entry, uint32_t *code)
{
    uint32_t wanted = entry->points;
    uint32_t count = 0;
    bool worn = false;
    for (uint32_t i = 0; i < lots->count && wanted > 0; i++) {
        struct item item;
        struct points_entry lot;
        enum status status = read_lot(state, account, lots->lots[i].item, &item, &lot);
        if (status != ST_OK) {
            return status;
        }
        if (lot.remaining != lots->lots[i].remaining) {
            return ST_CORRUPT;
        }
        if (!item_counts(&item)) {
            continue; /* under review */
        }
        uint32_t points = lot.remaining < wanted ? lot.remaining : wanted;
        if (count < LIMIT_POINTS_PARTS_MAX) {
            entry->parts[count] =
                (struct points_part){.item = lots->lots[i].item, .points = points};
            worn = worn || item.version->number >= LIMIT_ITEM_VERSIONS_MAX;
        }
        count++;
        wanted -= points;
    }
    entry->part_count = count;
    if (wanted > 0) {
        *code = ST_POINTS_SHORT;
    } else if (count > LIMIT_POINTS_PARTS_MAX) {
        *code = ST_LOTS_FULL;
    } else if (worn) {
        *code = ST_VERSIONS_FULL;
    }
    return ST_OK;
}

/* Changes a lot that was checked before. */
static enum status change_lot(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, struct account *account,
                              const struct item *item, Xuelian__ItemStatus after,
                              const struct points_entry *lot)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    uint32_t code = ST_OK;
    enum status status = item_change(state, context, tx, index, account, item, after,
                                     points_encode(content, lot), &code);
    CHECK(code == ST_OK);
    return status;
}

enum status points_take(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *account,
                        struct lots *lots, const struct points_entry *entry)
{
    for (uint32_t i = 0; i < entry->part_count; i++) {
        const struct points_part *part = &entry->parts[i];
        struct item item;
        struct points_entry lot;
        enum status status = read_lot(state, account, part->item, &item, &lot);
        if (status != ST_OK) {
            return status;
        }
        CHECK(lot.remaining >= part->points && account->points >= part->points);
        lot.remaining -= part->points;
        account->points -= part->points;
        lots_set(lots, part->item, lot.expiry_date, lot.remaining);
        status = change_lot(state, context, tx, index, account, &item, item.version->status, &lot);
        if (status != ST_OK) {
            return status;
        }
    }
    lots_write(state, account, lots);
    return ST_OK;
}

/* What goes back to a lot can be spent again, or could be if it were not under review. */
static bool goes_back(const struct item *item)
{
    return item_counts(item) || item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW;
}

enum status points_return_check(struct state *state, const struct block_context *context,
                                struct account *account, const struct lots *lots,
                                const struct points_entry *entry, uint32_t *code)
{
    struct account *end = NULL;
    struct lots there;
    enum status status = family_end(state, account, &end);
    if (status == ST_OK) {
        status = lots_read(state, end, context->date, &there);
    }
    if (status != ST_OK) {
        return status;
    }
    if (lots->count + entry->part_count > LIMIT_POINTS_LOTS_HELD_MAX ||
        there.count + entry->part_count > LIMIT_POINTS_LOTS_HELD_MAX) {
        *code = ST_LOTS_FULL;
        return ST_OK;
    }
    for (uint32_t i = 0; i < entry->part_count && *code == ST_OK; i++) {
        struct item item;
        struct points_entry lot;
        status = read_lot(state, account, entry->parts[i].item, &item, &lot);
        if (status != ST_OK) {
            return status;
        }
        if (item.version->number >= LIMIT_ITEM_VERSIONS_MAX) {
            *code = ST_VERSIONS_FULL;
        } else if (points_passes_on(context, account, item.version->status, &lot)) {
            status = points_pass_on_check(state, account, &item, &lot, code);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    if (*code == ST_OK && end != account &&
        end->items.size + entry->part_count > LIMIT_ACCOUNT_ITEMS_MAX) {
        *code = ST_ACCOUNT_FULL;
    }
    return ST_OK;
}

/* One part, back to its lot, or on to where that lot's points went. */
static enum status return_part(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct account *account,
                               struct lots *lots, const struct points_part *part)
{
    struct item item;
    struct points_entry lot;
    enum status status = read_lot(state, account, part->item, &item, &lot);
    if (status != ST_OK) {
        return status;
    }
    Xuelian__ItemStatus after = item.version->status;
    if (after == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED) {
        lot.reversed += part->points;
        status = statistics_points(state, lot.region, lot.date / 10000, part->points, false);
    } else if (points_passes_on(context, account, after, &lot)) {
        status =
            points_pass_on(state, context, tx, index, account, &item, &lot, part->points, &after);
    } else {
        lot.remaining += part->points;
        account->points += part->points;
        if (goes_back(&item) && (lot.expiry_date == 0 || context->date <= lot.expiry_date)) {
            lots_set(lots, part->item, lot.expiry_date, lot.remaining);
        }
    }
    return status == ST_OK ? change_lot(state, context, tx, index, account, &item, after, &lot)
                           : status;
}

enum status points_return(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, struct account *account,
                          struct lots *lots, const struct points_entry *entry)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < entry->part_count && status == ST_OK; i++) {
        status = return_part(state, context, tx, index, account, lots, &entry->parts[i]);
    }
    if (status == ST_OK) {
        lots_write(state, account, lots);
    }
    return status;
}
