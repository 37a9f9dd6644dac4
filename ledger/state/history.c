#include "ledger/state/history.h"

#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"

static struct state_key node_key(uint32_t level, uint64_t index)
{
    struct state_key key = key_of('Y');
    key_add8(&key, (uint8_t)level);
    key_add64(&key, index);
    return key;
}

static void put_node(struct overlay *overlay, uint32_t level, uint64_t index,
                     const struct hash32 *hash)
{
    struct state_key key = node_key(level, index);
    overlay_put(overlay, key_bytes(&key), bytes_of(hash->bytes, sizeof hash->bytes));
}

void history_append(struct overlay *overlay, struct merkle_frontier *frontier,
                    const struct hash32 *leaf)
{
    struct hash32 node = *leaf;
    uint64_t size = frontier->size;
    uint32_t peak = (uint32_t)__builtin_popcountll(size);
    put_node(overlay, 0, size, &node);
    /* Each peak that the leaf completes: as many as the size has ones at its end. */
    for (uint32_t level = 0; (size >> level & 1) != 0; level++) {
        hash_node(&node, &frontier->peaks[--peak], &node);
        put_node(overlay, level + 1, size >> (level + 1), &node);
    }
    merkle_frontier_append(frontier, leaf);
}

static enum status get_node(struct kv *kv, const struct kv_snapshot *snapshot, uint32_t level,
                            uint64_t index, struct hash32 *hash)
{
    struct state_key key = node_key(level, index);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(kv, snapshot, key_bytes(&key), &value, &size);
    if (status == ST_OK && size != sizeof hash->bytes) {
        status = ST_CORRUPT;
    } else if (status == ST_OK) {
        memcpy(hash->bytes, value, sizeof hash->bytes);
    }
    kv_free(value);
    return status;
}

/* The root of what stands right of the last whole node of a level: from the peaks below it, lowest first. */
static enum status ragged(struct kv *kv, const struct kv_snapshot *snapshot, uint32_t level,
                          uint64_t size, struct hash32 *hash)
{
    enum status status = ST_OK;
    bool begun = false;
    for (uint32_t i = 0; i < level && status == ST_OK; i++) {
        struct hash32 peak;
        if ((size >> i & 1) == 0) {
            continue;
        }
        status = get_node(kv, snapshot, i, (size >> i) - 1, &peak);
        if (begun) {
            hash_node(hash, &peak, hash);
        } else {
            *hash = peak;
        }
        begun = true;
    }
    return status;
}

enum status history_path(struct kv *kv, const struct kv_snapshot *snapshot, uint64_t height,
                         uint64_t size, struct hash32 *path, uint32_t *path_size)
{
    uint32_t count = 0;
    enum status status = height < size ? ST_OK : ST_NOT_FOUND;
    for (uint32_t level = 0; status == ST_OK && (size - 1) >> level > 0; level++) {
        uint64_t beside = height >> level ^ 1;
        if (beside < size >> level) {
            status = get_node(kv, snapshot, level, beside, &path[count++]);
        } else if (beside <= (size - 1) >> level) {
            status = ragged(kv, snapshot, level, size, &path[count++]);
        }
    }
    *path_size = count;
    return status;
}
