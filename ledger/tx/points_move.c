/* Points of an account that is merged go with it, lot by lot, each with its expiry. */
#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* A lot of the list as it is. */
static enum status read_lot(struct state *state, const struct account *account,
                            const struct lot *listed, struct item *item, struct points_entry *lot)
{
    uint32_t code = ST_OK;
    enum status status = item_read_kind(state, account, listed->item,
                                        XUELIAN__ITEM_KIND__ITEM_KIND_POINTS, item, &code);
    if (status == ST_OK && code != ST_OK) {
        status = ST_CORRUPT;
    }
    return status == ST_OK ? points_decode(lot, item) : status;
}

enum status points_move_check(struct state *state, const struct block_context *context,
                              const struct account *from, const struct account *to, uint32_t *code)
{
    struct lots lots;
    struct lots present;
    uint32_t moving = 0;
    bool worn = false;
    enum status status = lots_read(state, from, context->date, &lots);
    if (status == ST_OK) {
        status = lots_read(state, to, context->date, &present);
    }
    for (uint32_t i = 0; i < lots.count && status == ST_OK; i++) {
        struct item item;
        struct points_entry lot;
        status = read_lot(state, from, &lots.lots[i], &item, &lot);
        if (status == ST_OK && item_counts(&item)) {
            moving++;
            worn = worn || item.version->number >= LIMIT_ITEM_VERSIONS_MAX;
        }
    }
    if (status != ST_OK) {
        return status;
    }
    if (worn) {
        *code = ST_VERSIONS_FULL;
    } else if (moving + present.count > LIMIT_POINTS_LOTS_MAX && moving > 0) {
        *code = ST_LOTS_FULL;
    } else if (to->items.size + moving > LIMIT_ACCOUNT_ITEMS_MAX) {
        *code = ST_ACCOUNT_FULL;
    }
    return ST_OK;
}

/* Ends a lot on one side and begins it on the other. */
static enum status move_lot(struct state *state, const struct block_context *context,
                            const struct tx *tx, uint32_t index, struct account *from,
                            struct account *to, const struct item *item, struct points_entry *lot,
                            struct lots *present)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    uint32_t code = ST_OK;
    struct points_entry made = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED,
                                .points = lot->remaining,
                                .date = lot->date, /* whose year its points count in */
                                .remaining = lot->remaining,
                                .expiry_date = lot->expiry_date,
                                .rule = lot->rule,
                                .source_item = item->version->item,
                                .source_hash = item->hash,
                                .region = lot->region,
                                .moved_in = true,
                                .from_account = from->learner};
    CHECK(from->points >= lot->remaining);
    from->points -= lot->remaining;
    lot->moved += lot->remaining;
    lot->remaining = 0;
    enum status status =
        item_change(state, context, tx, index, from, item, XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED,
                    points_encode(content, lot), &code);
    CHECK(code == ST_OK);
    if (status != ST_OK) {
        return status;
    }
    to->points += made.remaining;
    uint64_t number =
        item_append(state, context, tx, index, to, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, points_encode(content, &made));
    lots_set(present, number, made.expiry_date, made.remaining);
    return ST_OK;
}

enum status points_move(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *from,
                        struct account *to)
{
    struct lots lots;
    struct lots left = {.count = 0};
    struct lots present;
    enum status status = lots_read(state, from, context->date, &lots);
    if (status == ST_OK) {
        status = lots_read(state, to, context->date, &present);
    }
    for (uint32_t i = 0; i < lots.count && status == ST_OK; i++) {
        struct item item;
        struct points_entry lot;
        status = read_lot(state, from, &lots.lots[i], &item, &lot);
        if (status == ST_OK && !item_counts(&item)) {
            left.lots[left.count++] = lots.lots[i]; /* under review */
        } else if (status == ST_OK) {
            status = move_lot(state, context, tx, index, from, to, &item, &lot, &present);
        }
    }
    if (status == ST_OK) {
        lots_write(state, from, &left);
        lots_write(state, to, &present);
    }
    return status;
}
