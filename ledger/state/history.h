/* The history tree: over the hashes of all headers before the tip, and every node of it that is whole, so that an old
 * block is proved at the cost of a path. A whole node never changes.
 * history_append: the executor. history_path: any thread. */
#ifndef XUELIAN_LEDGER_HISTORY_H
#define XUELIAN_LEDGER_HISTORY_H

#include "ledger/state/overlay.h"
#include "proto/merkle.h"

/* Appends a leaf (TAG_LEAF_HISTORY over a header hash) and keeps the nodes that it makes whole: two on average. */
void history_append(struct overlay *overlay, struct merkle_frontier *frontier,
                    const struct hash32 *leaf);

/* Writes the path of the header hash at a height, in the history of the header at height `size`; room for
 * LIMIT_MERKLE_DEPTH_MAX.
 * Returns ST_OK; ST_NOT_FOUND (height not below size, or older than what this store began with); ST_CORRUPT, ST_IO. */
enum status history_path(struct kv *kv, const struct kv_snapshot *snapshot, uint64_t height,
                         uint64_t size, struct hash32 *path, uint32_t *path_size);

#endif
