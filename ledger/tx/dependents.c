#include "ledger/tx/dependents.h"

#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* The items that rest on one, in the order in which they came. */
struct dependents {
    uint32_t count;
    uint64_t items[LIMIT_DEPENDENTS_MAX];
};

static struct state_key list_key(const struct account *account, uint64_t source)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'a');
    key_add64(&key, account->position);
    key_add64(&key, source);
    return key;
}

static enum status list_read(struct state *state, const struct account *account, uint64_t source,
                             struct dependents *list)
{
    struct state_key key = list_key(account, source);
    struct bytes value;
    list->count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size % 8 != 0 || value.size > sizeof list->items) {
        return ST_CORRUPT;
    }
    list->count = (uint32_t)(value.size / 8);
    for (uint32_t i = 0; i < list->count; i++) {
        list->items[i] = be64_get(value.data + (size_t)i * 8);
    }
    return ST_OK;
}

static void list_write(struct state *state, const struct account *account, uint64_t source,
                       const struct dependents *list)
{
    struct state_key key = list_key(account, source);
    uint8_t value[sizeof list->items];
    for (uint32_t i = 0; i < list->count; i++) {
        be64_put(value + (size_t)i * 8, list->items[i]);
    }
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, (size_t)list->count * 8));
}

/* True for a status that an item never leaves: nothing rests on what it once rested on. */
static bool final(Xuelian__ItemStatus status)
{
    return status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED ||
           status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED ||
           status == XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED;
}

static enum status read_known(struct state *state, const struct account *account, uint64_t number,
                              struct item *item)
{
    uint32_t code = ST_OK;
    enum status status = item_read(state, account, number, item, &code);
    return status == ST_OK && code != ST_OK ? ST_CORRUPT : status;
}

/* Drops what has come to its end. */
static enum status list_prune(struct state *state, const struct account *account,
                              struct dependents *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct item item;
        enum status status = read_known(state, account, list->items[i], &item);
        if (status != ST_OK) {
            return status;
        }
        if (!final(item.version->status)) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
    return ST_OK;
}

static enum status list_with_room(struct state *state, const struct account *account,
                                  uint64_t source, struct dependents *list)
{
    enum status status = list_read(state, account, source, list);
    return status == ST_OK && list->count == LIMIT_DEPENDENTS_MAX ? list_prune(state, account, list)
                                                                  : status;
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
    struct dependents list;
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
    struct dependents list;
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
    list.items[list.count++] = dependent;
    list_write(state, account, source, &list);
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

enum status dependents_review(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, struct account *account,
                              uint64_t source)
{
    struct dependents list;
    enum status status = list_read(state, account, source, &list);
    for (uint32_t i = 0; i < list.count && status == ST_OK; i++) {
        struct item item;
        uint32_t code = ST_OK;
        status = read_known(state, account, list.items[i], &item);
        if (status == ST_OK && item_counts(&item)) {
            status = item_change_because(
                state, context, tx, index, account, &item, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW,
                (struct bytes){0}, XUELIAN__ITEM_REASON__ITEM_REASON_SOURCE, &code);
            CHECK(code == ST_OK); /* a review finds room whatever the number of versions */
        }
    }
    return status;
}
