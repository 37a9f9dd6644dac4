#include "ledger/tx/dependents.h"

#include "ledger/tx/item_list.h"
#include "ledger/tx/points.h"
#include "proto/check.h"

_Static_assert((int)LIMIT_DEPENDENTS_MAX <= (int)ITEM_LIST_MAX,
               "a list holds what may rest on an item");

static struct state_key list_key(const struct account *account, uint64_t source)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'a');
    key_add64(&key, account->position);
    key_add64(&key, source);
    return key;
}

/* True for a status that an item never leaves: nothing rests on what it once rested on. Not for points that have moved
 * on: what they became rests on it still. */
static bool final(const struct item *item, uint32_t date)
{
    (void)date;
    return item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED ||
           item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED ||
           (item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED &&
            item->version->kind != XUELIAN__ITEM_KIND__ITEM_KIND_POINTS);
}

static enum status list_with_room(struct state *state, const struct account *account,
                                  uint64_t source, struct item_list *list)
{
    struct state_key key = list_key(account, source);
    return item_list_with_room(state, account, &key, LIMIT_DEPENDENTS_MAX, final, 0, list);
}

/* The outcome that a recognition rests on; 0 for other items. *code as item_read. */
static enum status root_of(struct state *state, const struct account *account, uint64_t source,
                           uint64_t *root, uint32_t *code)
{
    struct item item;
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    *root = 0;
    enum status status = item_read(state, account, source, &item, code);
    if (status != ST_OK || *code != ST_OK ||
        item.version->kind != XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION) {
        return status;
    }
    arena_init(&arena, memory, sizeof memory);
    status = item_content(&item, &xuelian__recognition__descriptor, &arena, &content);
    if (status == ST_OK) {
        *root = ((const Xuelian__Recognition *)(const void *)content)->outcome;
    }
    return status;
}

enum status dependents_check(struct state *state, const struct account *account, uint64_t source,
                             uint32_t *code)
{
    struct item_list list;
    uint64_t root;
    enum status status = root_of(state, account, source, &root, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = list_with_room(state, account, source, &list);
    bool full = status == ST_OK && list.count == LIMIT_DEPENDENTS_MAX;
    if (status == ST_OK && !full && root != 0) {
        status = list_with_room(state, account, root, &list);
        full = status == ST_OK && list.count == LIMIT_DEPENDENTS_MAX;
    }
    if (full) {
        *code = ST_DEPENDENTS_FULL;
    }
    return status;
}

static enum status add(struct state *state, const struct account *account, uint64_t source,
                       uint64_t dependent)
{
    struct item_list list;
    enum status status = list_with_room(state, account, source, &list);
    if (status != ST_OK) {
        return status;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.items[i] == dependent) {
            return ST_OK;
        }
    }
    CHECK(list.count < LIMIT_DEPENDENTS_MAX);
    item_list_add(state, &list, dependent);
    return ST_OK;
}

enum status dependents_add(struct state *state, const struct account *account, uint64_t source,
                           uint64_t dependent)
{
    uint32_t code = ST_OK;
    uint64_t root;
    enum status status = root_of(state, account, source, &root, &code);
    if (status == ST_OK && code != ST_OK) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        status = add(state, account, source, dependent);
    }
    return status == ST_OK && root != 0 ? add(state, account, root, dependent) : status;
}

enum status dependents_none(struct state *state, const struct account *account, uint64_t source,
                            uint32_t *code)
{
    struct item_list list;
    struct state_key key = list_key(account, source);
    enum status status = item_list_read(state, &key, &list);
    for (uint32_t i = 0; i < list.count && status == ST_OK && *code == ST_OK; i++) {
        struct item item;
        status = item_read_known(state, account, list.items[i], &item);
        if (status == ST_OK && !final(&item, 0)) {
            *code = ST_HAS_DEPENDENTS;
        }
    }
    return status;
}

enum status dependents_review(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, struct account *account,
                              uint64_t source)
{
    struct item_list list;
    struct state_key key = list_key(account, source);
    enum status status = item_list_read(state, &key, &list);
    for (uint32_t i = 0; i < list.count && status == ST_OK; i++) {
        struct item item;
        uint32_t code = ST_OK;
        status = item_read_known(state, account, list.items[i], &item);
        if (status == ST_OK && item_counts(&item)) {
            status = item_change_because(
                state, context, tx, index, account, &item, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW,
                (struct bytes){0}, XUELIAN__ITEM_REASON__ITEM_REASON_SOURCE, &code);
            CHECK(code == ST_OK); /* a review finds room whatever the number of versions */
        } else if (status == ST_OK && item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_POINTS &&
                   item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED) {
            status = points_review_moved(state, context, tx, index, account, &item);
        }
    }
    return status;
}
