/* Merkle trees of RFC 9162 section 2.1 over leaf hashes: an odd node is promoted, never duplicated.
 *
 * The root of no leaves is SHA-256 of nothing, as in the RFC; the size always stands beside a root.
 * Pure, no allocation. Any thread. */
#ifndef XUELIAN_PROTO_MERKLE_H
#define XUELIAN_PROTO_MERKLE_H

#include "proto/hash.h"
#include "proto/limits.h"
#include "proto/status.h"

/* An append-only tree kept as the roots of its perfect subtrees (peaks), left to right. */
struct merkle_frontier {
    uint64_t size;
    struct hash32 peaks[LIMIT_MERKLE_DEPTH_MAX]; /* popcount(size) of them */
};

void merkle_frontier_init(struct merkle_frontier *frontier);
void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash32 *leaf);
void merkle_frontier_root(const struct merkle_frontier *frontier, struct hash32 *root);

/* Root of count leaf hashes. Cost: count - 1 node hashes. */
void merkle_root(struct hash32 *root, const struct hash32 *leaves, uint64_t count);

/* Exact number of hashes in the path of leaf index in a tree of size leaves. index < size. */
uint32_t merkle_path_size(uint64_t index, uint64_t size);

/* Writes the path of leaf index, from the leaf upwards.
 * Out  path  room for LIMIT_MERKLE_DEPTH_MAX.  Returns the number written.  Cost: O(count) hashes. */
uint32_t merkle_path(struct hash32 *path, const struct hash32 *leaves, uint64_t count,
                     uint64_t index);

/* Recomputes the root from a leaf and its path (RFC 9162 section 2.1.3.2).
 * Returns  ST_OK; ST_BAD_PROOF if index >= size or path_size is not exactly the path's; out untouched. */
enum status merkle_root_from_path(struct hash32 *root, const struct hash32 *leaf, uint64_t index,
                                  uint64_t size, const struct hash32 *path, size_t path_size);

/* Consistency of two tree sizes (RFC 9162 section 2.1.4.2). 0 < old_size <= new_size.
 * Returns  ST_OK if proof shows old_root is a prefix of new_root; else ST_BAD_PROOF. */
enum status merkle_consistent(const struct hash32 *old_root, uint64_t old_size,
                              const struct hash32 *new_root, uint64_t new_size,
                              const struct hash32 *proof, size_t proof_size);

/* Writes a consistency proof; room for 2 * LIMIT_MERKLE_DEPTH_MAX. Returns the number written. */
uint32_t merkle_consistency(struct hash32 *proof, const struct hash32 *leaves, uint64_t old_size,
                            uint64_t new_size);

#endif
