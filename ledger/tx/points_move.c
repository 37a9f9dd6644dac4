/* Points of an account that is merged go with it, lot by lot, each with its expiry. */
#include "ledger/state/keys.h"
#include "ledger/state/statistics.h"
#include "ledger/tx/family.h"
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

/* ---- Origins ---- */

static bool is_moved(const struct points_entry *lot)
{
    return lot->type == XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED;
}

static struct state_key place_key(const struct account *account, const struct hash32 *learner,
                                  uint64_t item)
{
    struct state_key key = key_of('X');
    key_add8(&key, 't');
    key_add64(&key, account->position);
    key_add_hash(&key, learner);
    key_add64(&key, item);
    return key;
}

/* The lot of an origin in an account; 0: none. */
static enum status place_get(struct state *state, const struct account *account,
                             const struct hash32 *learner, uint64_t origin, uint64_t *item)
{
    struct state_key key = place_key(account, learner, origin);
    struct bytes value;
    *item = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size != 8) {
        return ST_CORRUPT;
    }
    *item = be64_get(value.data);
    return ST_OK;
}

static void place_put(struct state *state, const struct account *account,
                      const struct points_entry *made, uint64_t item)
{
    struct state_key key = place_key(account, &made->from_account, made->source_item);
    uint8_t value[8];
    be64_put(value, item);
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, 8));
}

/* What moves out of a lot comes from where that one's points were earned. */
static void set_origin(struct points_entry *made, const struct account *account,
                       const struct item *item, const struct points_entry *lot)
{
    made->moved_in = true;
    made->from_account = is_moved(lot) ? lot->from_account : account->learner;
    made->source_item = is_moved(lot) ? lot->source_item : item->version->item;
    made->source_hash = is_moved(lot) ? lot->source_hash : item->hash;
}

enum status points_last(struct state *state, struct account *account, uint64_t item,
                        const struct points_entry *lot, struct lot_place *last)
{
    const struct hash32 learner = is_moved(lot) ? lot->from_account : account->learner;
    const uint64_t origin = is_moved(lot) ? lot->source_item : item;
    struct account *at = account;
    enum status status = ST_OK;
    *last = (struct lot_place){.account = account, .item = item};
    for (uint32_t step = 0; at->merged && status == ST_OK; step++) {
        uint64_t found = 0;
        if (step > LIMIT_LINKS_MAX) {
            return ST_CORRUPT;
        }
        status = family_next(state, at, &at);
        if (status == ST_OK) {
            status = place_get(state, at, &learner, origin, &found);
        }
        if (status == ST_OK && found != 0) {
            *last = (struct lot_place){.account = at, .item = found};
        }
    }
    return status;
}

bool points_passes_on(const struct block_context *context, const struct account *account,
                      Xuelian__ItemStatus status, const struct points_entry *lot)
{
    return account->merged && status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW &&
           status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED &&
           (lot->expiry_date == 0 || context->date <= lot->expiry_date);
}

enum status points_pass_on_check(struct state *state, struct account *account,
                                 const struct item *item, const struct points_entry *lot,
                                 uint32_t *code)
{
    struct lot_place last;
    struct item there;
    enum status status = points_last(state, account, item->version->item, lot, &last);
    if (status == ST_OK) {
        status = item_read_known(state, last.account, last.item, &there);
    }
    if (status == ST_OK && there.version->number >= LIMIT_ITEM_VERSIONS_MAX) {
        *code = ST_VERSIONS_FULL;
    }
    return status;
}

/* Adds points to a lot that has them from the same origin. */
static enum status add_to(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, const struct lot_place *place,
                          const struct item *item, struct points_entry *lot, uint32_t points)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct lots lots;
    uint32_t code = ST_OK;
    enum status status = lots_read(state, place->account, context->date, &lots);
    if (status != ST_OK) {
        return status;
    }
    lot->points += points;
    lot->remaining += points;
    place->account->points += points;
    lots_set(&lots, place->item, lot->expiry_date, lot->remaining);
    lots_write(state, place->account, &lots);
    status = item_change(state, context, tx, index, place->account, item, item->version->status,
                         points_encode(content, lot), &code);
    CHECK(code == ST_OK);
    return status;
}

/* Begins a lot where the learner can spend it. */
static enum status begin_in(struct state *state, const struct block_context *context,
                            const struct tx *tx, uint32_t index, struct account *end,
                            struct points_entry *made)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct lots lots;
    enum status status = lots_read(state, end, context->date, &lots);
    if (status != ST_OK) {
        return status;
    }
    end->points += made->remaining;
    uint64_t number =
        item_append(state, context, tx, index, end, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, points_encode(content, made));
    lots_set(&lots, number, made->expiry_date, made->remaining);
    lots_write(state, end, &lots);
    place_put(state, end, made, number);
    return ST_OK;
}

enum status points_pass_on(struct state *state, const struct block_context *context,
                           const struct tx *tx, uint32_t index, struct account *account,
                           const struct item *item, struct points_entry *lot, uint32_t points,
                           Xuelian__ItemStatus *status_after)
{
    struct lot_place last;
    struct item there;
    struct points_entry known;
    struct account *end = NULL;
    enum status status = family_end(state, account, &end);
    if (status == ST_OK) {
        status = points_last(state, account, item->version->item, lot, &last);
    }
    if (status == ST_OK) {
        status = item_read_known(state, last.account, last.item, &there);
    }
    if (status == ST_OK) {
        status = points_decode(&known, &there);
    }
    if (status != ST_OK) {
        return status;
    }
    bool elsewhere = last.account != account;
    if (elsewhere && there.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED) {
        lot->reversed += points;
        return statistics_points(state, lot->region, lot->date / 10000, points, false);
    }
    lot->moved += points;
    *status_after = XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED;
    if (elsewhere && (last.account == end ||
                      there.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW)) {
        return add_to(state, context, tx, index, &last, &there, &known, points);
    }
    struct points_entry made = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED,
                                .points = points,
                                .date = lot->date,
                                .remaining = points,
                                .expiry_date = lot->expiry_date,
                                .rule = lot->rule,
                                .region = lot->region};
    set_origin(&made, account, item, lot);
    return begin_in(state, context, tx, index, end, &made);
}

enum status points_review_moved(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item)
{
    struct lot_place last;
    struct item there;
    struct points_entry lot;
    uint32_t code = ST_OK;
    enum status status = points_decode(&lot, item);
    if (status == ST_OK && !points_is_lot(&lot)) {
        return ST_OK;
    }
    if (status == ST_OK) {
        status = points_last(state, account, item->version->item, &lot, &last);
    }
    if (status == ST_OK) {
        status = item_read_known(state, last.account, last.item, &there);
    }
    if (status == ST_OK && item_counts(&there)) {
        status = item_change_because(state, context, tx, index, last.account, &there,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, (struct bytes){0},
                                     XUELIAN__ITEM_REASON__ITEM_REASON_SOURCE, &code);
        CHECK(code == ST_OK); /* a review finds room whatever the number of versions */
    }
    return status;
}

/* ---- Merging ---- */

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
                                .region = lot->region};
    set_origin(&made, from, item, lot);
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
    place_put(state, to, &made, number);
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
