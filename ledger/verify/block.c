/* Transactions: in the certified block or in an earlier one, which the history root holds. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/merkle.h"

/* Id and signatures hash. */
enum { LISTED_SIZE = 64 };

/* The block that the proof is about. An earlier one is authentic because the certified header's history root is over
 * the hashes of all before it; who certified it then does not matter. */
static enum verify_fault block_find(struct verifier *v, struct bytes bytes, struct bytes path,
                                    struct header *header)
{
    struct verify_tx *tx = &v->result->tx;
    struct hash32 leaf;
    struct hash32 root;
    *header = v->header;
    tx->header_hash = v->result->header_hash;
    if (bytes.size > 0) {
        enum verify_fault fault = header_read(v, bytes, header);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        hash_tagged(&tx->header_hash, TAG_HEADER, bytes.data, bytes.size);
        hash_leaf(&leaf, TAG_LEAF_HISTORY, &tx->header_hash, sizeof tx->header_hash);
        fault = path_root(&root, &leaf, header->height, v->header.height, path);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        if (!hash32_equal(&root, &v->header.history_root)) {
            return fault_at(v, VERIFY_FAULT_HISTORY_ROOT, header->height);
        }
    } else if (path.size > 0) {
        return VERIFY_FAULT_PATH_SHAPE;
    }
    tx->earlier = bytes.size > 0;
    tx->height = header->height;
    tx->time_ms = header->time_ms;
    tx->count = header->tx_count;
    return VERIFY_FAULT_NONE;
}

/* The leaf of a transaction entry. */
static void entry_leaf(struct hash32 *leaf, const struct hash32 parts[2])
{
    struct hash32 entry;
    hash_tagged(&entry, TAG_TX_ENTRY, parts, LISTED_SIZE);
    hash_leaf(leaf, TAG_LEAF_TX, &entry, sizeof entry);
}

static enum verify_fault under_check(struct verifier *v, const struct hash32 *leaf,
                                     struct bytes path, const struct hash32 *expected)
{
    struct hash32 root;
    enum verify_fault fault =
        path_root(&root, leaf, v->result->tx.index, v->result->tx.count, path);
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&root, expected)) {
        fault = fault_at(v, VERIFY_FAULT_BLOCK_ROOT, v->result->tx.height);
    }
    return fault;
}

/* TxResult. Of the items' codes, packed, an item that was taken is one zero byte. */
static enum verify_fault result_read(struct verifier *v, struct bytes message)
{
    struct verify_tx *tx = &v->result->tx;
    struct reader reader;
    struct hash32 id;
    bool begins = true;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &id, sizeof id);
    tx->code = reader_u32(&reader, 2);
    struct bytes codes = reader_bytes(&reader, 3);
    for (size_t i = 0; i < codes.size; i++) {
        tx->items += begins;
        tx->refused += begins && codes.data[i] != 0;
        begins = codes.data[i] < 0x80;
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&id, &tx->id)) {
        fault = VERIFY_FAULT_TX_PARTS;
    }
    return fault;
}

static enum verify_fault signed_read(struct verifier *v, struct bytes message)
{
    struct verify_tx *tx = &v->result->tx;
    struct common_view common;
    struct hash32 id;
    enum verify_fault fault = common_read(v, message, &common);
    hash_tagged(&id, TAG_TX_ID, message.data, message.size);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (!hash32_equal(&id, &tx->id)) {
        return VERIFY_FAULT_TX_PARTS;
    }
    tx->common_shown = true;
    tx->kind = common.kind;
    tx->signer_count = common.signer_count;
    for (uint32_t i = 0; i < common.signer_count; i++) {
        tx->signers[i].member = common.signers[i].member;
        tx->signers[i].name = member_name(v, common.signers[i].member);
    }
    return VERIFY_FAULT_NONE;
}

/* All transactions of the block are listed, and this is none of them. */
static enum verify_fault listed_check(struct verifier *v, struct bytes listed,
                                      const struct hash32 *tx_root)
{
    struct verify_tx *tx = &v->result->tx;
    struct merkle_frontier frontier;
    struct hash32 root;
    merkle_frontier_init(&frontier);
    for (size_t at = 0; at + LISTED_SIZE <= listed.size; at += LISTED_SIZE) {
        struct hash32 parts[2];
        struct hash32 leaf;
        memcpy(parts, listed.data + at, sizeof parts);
        if (memcmp(&parts[0], &tx->id, sizeof tx->id) == 0) {
            return fault_at(v, VERIFY_FAULT_TX_LISTED, tx->height);
        }
        entry_leaf(&leaf, parts);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &root);
    return listed.size % LISTED_SIZE == 0 && frontier.size == tx->count &&
                   hash32_equal(&root, tx_root)
               ? VERIFY_FAULT_NONE
               : fault_at(v, VERIFY_FAULT_BLOCK_ROOT, tx->height);
}

enum verify_fault transaction_check(struct verifier *v, struct bytes message)
{
    struct verify_tx *tx = &v->result->tx;
    struct reader reader;
    struct header header;
    struct hash32 parts[2];
    struct hash32 leaf;
    reader_init(&reader, message);
    struct bytes header_bytes = reader_bytes(&reader, 1);
    struct bytes history_path = reader_bytes(&reader, 2);
    reader_fixed(&reader, 3, &tx->id, sizeof tx->id);
    tx->included = reader_has(&reader, 4);
    struct bytes signatures = reader_optional(&reader, 4, 32);
    tx->index = tx->included ? reader_u64(&reader, 5) : 0;
    struct bytes path = tx->included ? reader_bytes(&reader, 6) : signatures;
    struct bytes result = tx->included ? reader_bytes(&reader, 7) : signatures;
    struct bytes result_path = tx->included ? reader_bytes(&reader, 8) : signatures;
    struct bytes common = tx->included ? reader_bytes(&reader, 9) : signatures;
    struct bytes listed = {.size = 0};
    if (!tx->included) {
        listed = reader_bytes(&reader, 10);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE) {
        fault = block_find(v, header_bytes, history_path, &header);
    }
    if (fault == VERIFY_FAULT_NONE && !tx->included) {
        fault = listed_check(v, listed, &header.tx_root);
    } else if (fault == VERIFY_FAULT_NONE) {
        parts[0] = tx->id;
        memcpy(&parts[1], signatures.data, sizeof parts[1]);
        entry_leaf(&leaf, parts);
        fault = under_check(v, &leaf, path, &header.tx_root);
        hash_leaf(&leaf, TAG_LEAF_RESULT, result.data, result.size);
        fault = fault != VERIFY_FAULT_NONE
                    ? fault
                    : under_check(v, &leaf, result_path, &header.result_root);
        fault = fault != VERIFY_FAULT_NONE ? fault : result_read(v, result);
    }
    if (fault == VERIFY_FAULT_NONE && common.size > 0) {
        fault = signed_read(v, common);
    }
    return fault;
}
