/* An indexed Merkle array: one collection of the state (ledger.md section 4).
 *
 * Leaves are in the order of their first write; position 0 is the sentinel. A leaf is (tree key, next
 * tree key in sorted order, value hash), so one leaf proves presence, or the absence of every key between
 * the two. Within a block inserts and updates only note leaves; merkle_array_finish links the new keys
 * and updates each touched page once, bottom up. */
#ifndef XUELIAN_LEDGER_MERKLE_ARRAY_H
#define XUELIAN_LEDGER_MERKLE_ARRAY_H

#include "ledger/state/overlay.h"
#include "proto/hash.h"
#include "proto/merkle.h"

#define MERKLE_ARRAY_PAGE 16u /* children of a page */

struct merkle_leaf {
    struct hash32 key;
    struct hash32 next;
    struct hash32 value;
};

struct merkle_array {
    struct overlay *overlay;
    uint32_t collection;
    uint64_t count; /* leaves, sentinel included */
    struct hash32 root;
    /* Within the block: */
    uint64_t *touched; /* positions whose leaf changed, with repeats */
    size_t touched_count;
    size_t touched_room;
    uint64_t first_new; /* count when the block began */
};

/* H(TREE_KEY, collection || natural key). */
void merkle_array_key(struct hash32 *out, uint32_t collection, struct bytes natural_key);
/* H(VALUE, collection || value). Accounts have their own (ledger/state/account.h). */
void merkle_array_value(struct hash32 *out, uint32_t collection, struct bytes value);
/* leaf(LEAF_STATE, key || next || value). */
void merkle_leaf_hash(struct hash32 *out, const struct merkle_leaf *leaf);

/* Begins a collection that does not exist: the sentinel alone. */
void merkle_array_create(struct merkle_array *array, struct overlay *overlay, uint32_t collection);
/* Opens one that does. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status merkle_array_open(struct merkle_array *array, struct overlay *overlay,
                              uint32_t collection);
/* Frees what a block noted. The struct is the caller's. */
void merkle_array_close(struct merkle_array *array);

/* Position of a key. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. Sees this block's inserts. */
enum status merkle_array_find(struct merkle_array *array, const struct hash32 *key,
                              uint64_t *position);
/* Appends a leaf for a key that merkle_array_find did not find. Returns its position. */
uint64_t merkle_array_insert(struct merkle_array *array, const struct hash32 *key,
                             const struct hash32 *value);
/* Changes a leaf's value. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status merkle_array_update(struct merkle_array *array, uint64_t position,
                                const struct hash32 *value);
/* Links, hashes, stores; afterwards count and root are the new ones.
 * Cost  a seek per new key, one page per 16 neighbouring leaves and level. */
enum status merkle_array_finish(struct merkle_array *array);

/* Reading at a snapshot, for proofs. Any thread. */
struct merkle_reader {
    struct kv *kv;
    const struct kv_snapshot *snapshot;
    uint32_t collection;
    uint64_t count;
    struct hash32 root;
};
enum status merkle_reader_open(struct merkle_reader *reader, struct kv *kv,
                               const struct kv_snapshot *snapshot, uint32_t collection);
enum status merkle_reader_find(const struct merkle_reader *reader, const struct hash32 *key,
                               uint64_t *position);
/* The leaf with the greatest key below a key that is absent (the sentinel's key is zero). */
enum status merkle_reader_below(const struct merkle_reader *reader, const struct hash32 *key,
                                uint64_t *position);
enum status merkle_reader_leaf(const struct merkle_reader *reader, uint64_t position,
                               struct merkle_leaf *leaf);
/* Writes a leaf's path; room for LIMIT_MERKLE_DEPTH_MAX. Cost: one page read a level. */
enum status merkle_reader_path(const struct merkle_reader *reader, uint64_t position,
                               struct hash32 *path, uint32_t *path_size);

/* State root over the collections' (id, count, root), ids 1 to COLLECTION_COUNT. */
#define COLLECTION_COUNT 11u
void state_root_leaf(struct hash32 *out, uint32_t collection, uint64_t count,
                     const struct hash32 *root);

#endif
