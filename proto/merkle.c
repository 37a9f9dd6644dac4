#include "proto/merkle.h"

#include "proto/bytes.h"
#include "proto/check.h"

static uint32_t bits_set(uint64_t value)
{
    return (uint32_t)__builtin_popcountll(value);
}

/* Largest power of two below size; size >= 2. */
static uint64_t split(uint64_t size)
{
    return UINT64_C(1) << (63 - __builtin_clzll(size - 1));
}

void merkle_frontier_init(struct merkle_frontier *frontier)
{
    *frontier = (struct merkle_frontier){.size = 0};
}

void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash32 *leaf)
{
    uint32_t count = bits_set(frontier->size);
    struct hash32 carry = *leaf;
    CHECK(frontier->size < UINT64_MAX);
    /* Adding one to the size carries through its trailing ones: each is a peak to merge. */
    for (uint64_t rest = frontier->size; (rest & 1) != 0; rest >>= 1) {
        count--;
        hash_node(&carry, &frontier->peaks[count], &carry);
    }
    frontier->peaks[count] = carry;
    frontier->size++;
}

void merkle_frontier_root(const struct merkle_frontier *frontier, struct hash32 *root)
{
    uint32_t count = bits_set(frontier->size);
    if (count == 0) {
        hash_plain(root, "", 0);
        return;
    }
    struct hash32 sum = frontier->peaks[count - 1];
    for (uint32_t i = count - 1; i > 0; i--) {
        hash_node(&sum, &frontier->peaks[i - 1], &sum);
    }
    *root = sum;
}

void merkle_root(struct hash32 *root, const struct hash32 *leaves, uint64_t count)
{
    struct merkle_frontier frontier;
    merkle_frontier_init(&frontier);
    for (uint64_t i = 0; i < count; i++) {
        merkle_frontier_append(&frontier, &leaves[i]);
    }
    merkle_frontier_root(&frontier, root);
}

uint32_t merkle_path_size(uint64_t index, uint64_t size)
{
    uint32_t count = 0;
    CHECK(index < size);
    for (uint64_t last = size - 1; last > 0; last >>= 1, index >>= 1) {
        /* A right child, or a left one with a sibling; the odd last node is promoted without one. */
        count += (uint32_t)((index & 1) != 0 || index < last);
    }
    return count;
}

uint32_t merkle_path(struct hash32 *path, const struct hash32 *leaves, uint64_t count,
                     uint64_t index)
{
    uint32_t written = merkle_path_size(index, count);
    uint32_t at = written;
    /* From the root downwards, so the path fills from its end. */
    while (count > 1) {
        uint64_t left = split(count);
        at--;
        if (index < left) {
            merkle_root(&path[at], leaves + left, count - left);
            count = left;
        } else {
            merkle_root(&path[at], leaves, left);
            leaves += left;
            index -= left;
            count -= left;
        }
    }
    CHECK(at == 0);
    return written;
}

enum status merkle_root_from_path(struct hash32 *root, const struct hash32 *leaf, uint64_t index,
                                  uint64_t size, const struct hash32 *path, size_t path_size)
{
    if (index >= size || path_size != merkle_path_size(index, size)) {
        return ST_BAD_PROOF;
    }
    struct hash32 sum = *leaf;
    size_t at = 0;
    for (uint64_t last = size - 1; last > 0; last >>= 1, index >>= 1) {
        if ((index & 1) != 0) {
            hash_node(&sum, &path[at++], &sum);
        } else if (index < last) {
            hash_node(&sum, &sum, &path[at++]);
        }
    }
    *root = sum;
    return ST_OK;
}

/* RFC 9162 section 2.1.4.2, its variables by their names there. */
enum status merkle_consistent(const struct hash32 *old_root, uint64_t old_size,
                              const struct hash32 *new_root, uint64_t new_size,
                              const struct hash32 *proof, size_t proof_size)
{
    if (old_size == 0 || old_size > new_size) {
        return ST_BAD_PROOF;
    }
    if (old_size == new_size) {
        return proof_size == 0 && hash32_equal(old_root, new_root) ? ST_OK : ST_BAD_PROOF;
    }
    bool power_of_two = (old_size & (old_size - 1)) == 0;
    size_t at = 0;
    if (!power_of_two && proof_size == 0) {
        return ST_BAD_PROOF;
    }
    struct hash32 fr = power_of_two ? *old_root : proof[at++];
    struct hash32 sr = fr;
    uint64_t fn = old_size - 1;
    uint64_t sn = new_size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    for (; at < proof_size; at++) {
        if (sn == 0) {
            return ST_BAD_PROOF;
        }
        if ((fn & 1) != 0 || fn == sn) {
            hash_node(&fr, &proof[at], &fr);
            hash_node(&sr, &proof[at], &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            hash_node(&sr, &sr, &proof[at]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && hash32_equal(&fr, old_root) && hash32_equal(&sr, new_root) ? ST_OK
                                                                                 : ST_BAD_PROOF;
}

/* RFC 9162 section 2.1.4.1, unrolled from the root downwards; then turned over. */
uint32_t merkle_consistency(struct hash32 *proof, const struct hash32 *leaves, uint64_t old_size,
                            uint64_t new_size)
{
    uint32_t count = 0;
    bool whole = true; /* the old tree is still a subtree that the verifier knows by its root */
    CHECK(old_size > 0 && old_size <= new_size);
    while (old_size != new_size) {
        uint64_t left = split(new_size);
        if (old_size <= left) {
            merkle_root(&proof[count++], leaves + left, new_size - left);
            new_size = left;
        } else {
            merkle_root(&proof[count++], leaves, left);
            leaves += left;
            old_size -= left;
            new_size -= left;
            whole = false;
        }
    }
    if (!whole) {
        merkle_root(&proof[count++], leaves, new_size);
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        struct hash32 upper = proof[i];
        proof[i] = proof[count - 1 - i];
        proof[count - 1 - i] = upper;
    }
    return count;
}
