#include "ledger/state/items.h"

#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/hash.h"

enum {
    RUN_BITS = 6,
    RUN =
        1
        << RUN_BITS, /* items under a node of the first level, and nodes of it under one of the second */
    LEVELS = 2
};

static struct state_key node_key(const struct account *account, uint32_t level, uint64_t index)
{
    struct state_key key = key_of('J');
    key_add64(&key, account->position);
    key_add8(&key, (uint8_t)level);
    key_add64(&key, index);
    return key;
}

enum status items_get(struct overlay *overlay, const struct account *account, uint64_t number,
                      struct bytes *version)
{
    if (number < 1 || number > account->items.size) {
        return ST_NOT_FOUND;
    }
    struct state_key key = key_item(account->position, number);
    enum status status = overlay_get(overlay, key_bytes(&key), version);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

static void leaf_of(struct hash32 *leaf, uint64_t number, struct bytes version)
{
    struct hash32 hash;
    hash_tagged(&hash, TAG_VERSION, version.data, version.size);
    account_item_leaf(leaf, number, &hash);
}

uint64_t items_append(struct overlay *overlay, struct account *account, struct bytes version)
{
    struct hash32 leaf;
    uint64_t number = account->items.size + 1;
    struct state_key key = key_item(account->position, number);
    leaf_of(&leaf, number, version);
    /* A run that this item makes whole: its root is the leaf under the last peaks, one a bit. */
    struct hash32 root = leaf;
    uint32_t peak = (uint32_t)__builtin_popcountll(account->items.size);
    for (uint32_t level = 1; level <= LEVELS && number % (UINT64_C(1) << (RUN_BITS * level)) == 0;
         level++) {
        for (uint32_t i = 0; i < RUN_BITS; i++) {
            hash_node(&root, &account->items.peaks[--peak], &root);
        }
        struct state_key node = node_key(account, level, (number >> (RUN_BITS * level)) - 1);
        overlay_put(overlay, key_bytes(&node), bytes_of(&root, 32));
    }
    merkle_frontier_append(&account->items, &leaf);
    overlay_put(overlay, key_bytes(&key), version);
    account->dirty = true;
    return number;
}

/* Root of 2^bits items from `first` (from 0), a multiple of that, all there: over the nodes of the highest level
 * that fits. */
static enum status subtree(struct overlay *overlay, const struct account *account, uint64_t first,
                           uint32_t bits, struct hash32 *root)
{
    struct hash32 leaves[RUN];
    uint32_t level = bits / RUN_BITS < LEVELS ? bits / RUN_BITS : LEVELS;
    uint64_t count = UINT64_C(1) << (bits - RUN_BITS * level);
    CHECK(count <= RUN); /* accounts hold at most LIMIT_ACCOUNT_ITEMS_MAX items */
    for (uint64_t i = 0; i < count; i++) {
        struct bytes value;
        enum status status;
        if (level == 0) {
            status = items_get(overlay, account, first + i + 1, &value);
            if (status == ST_OK) {
                leaf_of(&leaves[i], first + i + 1, value);
            }
        } else {
            struct state_key key = node_key(account, level, (first >> (RUN_BITS * level)) + i);
            status = overlay_get(overlay, key_bytes(&key), &value);
            if (status == ST_OK && value.size == 32) {
                memcpy(leaves[i].bytes, value.data, 32);
            } else if (status == ST_OK) {
                status = ST_CORRUPT;
            }
        }
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
    }
    merkle_root(root, leaves, count);
    return ST_OK;
}

/* Stores anew the node of a level above an item, if its run is whole. */
static enum status update_node(struct overlay *overlay, const struct account *account,
                               uint64_t index, uint32_t level)
{
    uint64_t node = index >> (RUN_BITS * level);
    uint64_t first = node << (RUN_BITS * level);
    struct hash32 leaves[RUN];
    struct hash32 root;
    if (first + (UINT64_C(1) << (RUN_BITS * level)) > account->items.size) {
        return ST_OK;
    }
    for (uint32_t i = 0; i < RUN; i++) {
        enum status status =
            subtree(overlay, account, first + ((uint64_t)i << (RUN_BITS * (level - 1))),
                    RUN_BITS * (level - 1), &leaves[i]);
        if (status != ST_OK) {
            return status;
        }
    }
    merkle_root(&root, leaves, RUN);
    struct state_key key = node_key(account, level, node);
    overlay_put(overlay, key_bytes(&key), bytes_of(&root, 32));
    return ST_OK;
}

/* Makes the peak above an item anew. */
static enum status update_peak(struct overlay *overlay, struct account *account, uint64_t index)
{
    uint64_t first = 0;
    uint32_t peak = 0;
    for (uint32_t bits = 63;; bits--) {
        uint64_t width = UINT64_C(1) << bits;
        if ((account->items.size & width) == 0) {
            continue; /* index < size, so a peak above it is met before bits would pass zero */
        }
        if (index < first + width) {
            return subtree(overlay, account, first, bits, &account->items.peaks[peak]);
        }
        first += width;
        peak++;
    }
}

enum status items_change(struct overlay *overlay, struct account *account, uint64_t number,
                         uint32_t before, struct bytes version)
{
    struct state_key key = key_item(account->position, number);
    struct state_key old = key_of('O');
    struct bytes known;
    enum status status = items_get(overlay, account, number, &known);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    key_add64(&old, account->position);
    key_add64(&old, number);
    key_add32(&old, before);
    overlay_put(overlay, key_bytes(&old), known);
    overlay_put(overlay, key_bytes(&key), version);
    for (uint32_t level = 1; level <= LEVELS && status == ST_OK; level++) {
        status = update_node(overlay, account, number - 1, level);
    }
    if (status == ST_OK) {
        status = update_peak(overlay, account, number - 1);
    }
    account->dirty = true;
    return status;
}
