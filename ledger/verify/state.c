#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/merkle.h"

enum { COLLECTION_ACCOUNTS = 7, COLLECTION_COUNT = 11, ACCOUNT_STATUS_MAX = 5 };

/* What is hashed for a collection's leaf in the state root: id, count, root. */
#define COLLECTION_LEAF_SIZE (4 + 8 + 32)

enum verify_fault leaf_path_read(struct verifier *v, struct bytes message, struct leaf_path *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->collection = reader_enum(&reader, 1, COLLECTION_COUNT);
    out->count = reader_u64(&reader, 2);
    out->position = reader_u64(&reader, 3);
    reader_fixed(&reader, 4, &out->next_key, 32);
    out->path = reader_bytes(&reader, 5);
    out->collection_path = reader_bytes(&reader, 6);
    return proof_end(v, &reader);
}

void tree_key(struct hash32 *out, uint32_t collection, struct bytes natural_key)
{
    struct hasher hasher;
    uint8_t number[4];
    be32_put(number, collection);
    hasher_init_tagged(&hasher, TAG_TREE_KEY);
    hasher_update(&hasher, number, sizeof number);
    hasher_update(&hasher, natural_key.data, natural_key.size);
    hasher_final(&hasher, out);
}

enum verify_fault path_root(struct hash32 *root, const struct hash32 *leaf, uint64_t index,
                            uint64_t size, struct bytes path)
{
    if (path.size % sizeof(struct hash32) != 0 ||
        merkle_root_from_path(root, leaf, index, size, (const struct hash32 *)path.data,
                              path.size / sizeof(struct hash32)) != ST_OK) {
        return VERIFY_FAULT_PATH_SHAPE;
    }
    return VERIFY_FAULT_NONE;
}

enum verify_fault collection_check(struct verifier *v, uint32_t collection, uint64_t count,
                                   const struct hash32 *root, struct bytes collection_path)
{
    uint8_t bytes[COLLECTION_LEAF_SIZE];
    struct hash32 hash;
    /* The reader bounds the id, but 0 stands for an absent one. */
    if (collection == 0) {
        return VERIFY_FAULT_COLLECTION;
    }
    be32_put(bytes, collection);
    be64_put(bytes + 4, count);
    memcpy(bytes + 12, root, sizeof *root);
    hash_leaf(&hash, TAG_LEAF_COLLECTION, bytes, sizeof bytes);
    enum verify_fault fault =
        path_root(&hash, &hash, collection - 1, COLLECTION_COUNT, collection_path);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    return hash32_equal(&hash, &v->header.state_root) ? VERIFY_FAULT_NONE : VERIFY_FAULT_STATE_ROOT;
}

enum verify_fault leaf_check(struct verifier *v, const struct leaf_path *leaf,
                             const struct hash32 *key, const struct hash32 *value_hash)
{
    struct hash32 parts[3] = {*key, leaf->next_key, *value_hash};
    struct hash32 hash;
    hash_leaf(&hash, TAG_LEAF_STATE, parts, sizeof parts);
    enum verify_fault fault = path_root(&hash, &hash, leaf->position, leaf->count, leaf->path);
    return fault != VERIFY_FAULT_NONE
               ? fault
               : collection_check(v, leaf->collection, leaf->count, &hash, leaf->collection_path);
}

void record_hash(struct hash32 *out, uint32_t collection, struct bytes record)
{
    struct hasher hasher;
    uint8_t bytes[4];
    be32_put(bytes, collection);
    hasher_init_tagged(&hasher, TAG_VALUE);
    hasher_update(&hasher, bytes, sizeof bytes);
    hasher_update(&hasher, record.data, record.size);
    hasher_final(&hasher, out);
}

enum verify_fault record_leaf_check(struct verifier *v, uint32_t collection,
                                    struct bytes natural_key, struct bytes record,
                                    struct bytes leaf)
{
    struct leaf_path path;
    struct hash32 key;
    struct hash32 value_hash;
    enum verify_fault fault = leaf_path_read(v, leaf, &path);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (path.collection != collection) {
        return VERIFY_FAULT_COLLECTION;
    }
    tree_key(&key, collection, natural_key);
    record_hash(&value_hash, collection, record);
    return leaf_check(v, &path, &key, &value_hash);
}

static enum verify_fault account_value_read(struct verifier *v, struct bytes message,
                                            struct account_value *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->item_count = reader_u64(&reader, 1);
    reader_fixed(&reader, 2, &out->item_root, 32);
    uint32_t status = reader_enum(&reader, 3, ACCOUNT_STATUS_MAX);
    reader_fixed(&reader, 4, &out->summary_hash, 32);
    if (status == 0) {
        reader_refuse(&reader);
    }
    v->result->account_status = (enum verify_account_status)status;
    v->result->item_count = out->item_count;
    return proof_end(v, &reader);
}

enum verify_fault account_check(struct verifier *v, const struct hash32 *learner, struct bytes leaf,
                                struct bytes value, struct account_value *out)
{
    struct leaf_path path;
    struct hash32 key;
    struct hash32 value_hash;
    v->result->learner = *learner;
    enum verify_fault fault = leaf_path_read(v, leaf, &path);
    if (fault == VERIFY_FAULT_NONE) {
        fault = account_value_read(v, value, out);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (path.collection != COLLECTION_ACCOUNTS) {
        return VERIFY_FAULT_COLLECTION;
    }
    tree_key(&key, COLLECTION_ACCOUNTS, (struct bytes){learner->bytes, sizeof learner->bytes});
    hash_tagged(&value_hash, TAG_ACCOUNT, value.data, value.size);
    return leaf_check(v, &path, &key, &value_hash);
}
