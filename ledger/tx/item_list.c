#include "ledger/tx/item_list.h"

#include "proto/bytes.h"
#include "proto/check.h"

enum status item_list_read(struct state *state, const struct state_key *key, struct item_list *list)
{
    struct bytes value;
    list->key = *key;
    list->count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(key), &value);
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

static void store(struct state *state, const struct item_list *list)
{
    uint8_t value[sizeof list->items];
    for (uint32_t i = 0; i < list->count; i++) {
        be64_put(value + (size_t)i * 8, list->items[i]);
    }
    overlay_put(state_overlay(state), key_bytes(&list->key),
                bytes_of(value, (size_t)list->count * 8));
}

enum status item_list_with_room(struct state *state, const struct account *account,
                                const struct state_key *key, uint32_t max,
                                bool (*over)(const struct item *item, uint32_t date), uint32_t date,
                                struct item_list *list)
{
    uint32_t kept = 0;
    enum status status = item_list_read(state, key, list);
    if (status != ST_OK || list->count < max) {
        return status;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        struct item item;
        status = item_read_known(state, account, list->items[i], &item);
        if (status != ST_OK) {
            return status;
        }
        if (!over(&item, date)) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
    return ST_OK;
}

void item_list_add(struct state *state, struct item_list *list, uint64_t item)
{
    CHECK(list->count < ITEM_LIST_MAX);
    list->items[list->count++] = item;
    store(state, list);
}

void item_list_drop(struct state *state, struct item_list *list, uint64_t item)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] != item) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
    store(state, list);
}
