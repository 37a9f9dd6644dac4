/* Proofs about blocks: a transaction in one, or not in it; the validator sets; a validator that signed twice. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof_build.h"
#include "ledger/state/history.h"
#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

/* What the block's transactions are: id and signatures hash, 64 bytes each, and their leaves. */
struct entries {
    uint8_t *listed;
    struct hash32 *leaves;
    uint32_t found;      /* index of the one asked for, or count */
    struct bytes common; /* of it */
};

static void signatures_hash(struct hash32 *out, const struct tx *tx)
{
    struct hasher hasher;
    hasher_init_tagged(&hasher, TAG_TX_SIGNATURES);
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        hasher_update(&hasher, tx->signers[i].signature.bytes, sizeof tx->signers[i].signature);
    }
    hasher_final(&hasher, out);
}

/* Which learner did something is told by proofs of the account alone, to whom may read it. */
static bool learner_signs(const struct tx *tx)
{
    bool signs = false;
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        signs = signs || tx->signers[i].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER;
    }
    return signs;
}

static struct bytes copy_of(struct builder *builder, struct bytes bytes)
{
    uint8_t *copy = build_zeroed(builder, bytes.size, 1);
    memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

static enum status read_entries(struct builder *builder, const struct stored_block *block,
                                const struct hash32 *id, struct entries *entries)
{
    struct tx *tx = build_zeroed(builder, 1, sizeof *tx);
    void *memory = build_own(builder, malloc(TX_ARENA_SIZE));
    struct hash32 hash;
    struct arena arena;
    entries->listed = build_zeroed(builder, block->tx_count, 64);
    entries->leaves = build_zeroed(builder, block->tx_count, sizeof *entries->leaves);
    entries->found = block->tx_count;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        arena_init(&arena, memory, TX_ARENA_SIZE);
        if (tx_parse(tx, block->txs[i], &builder->view->header.chain_id, &arena) != ST_OK) {
            return ST_CORRUPT;
        }
        signatures_hash(&hash, tx);
        memcpy(entries->listed + (size_t)i * 64, &tx->id, 32);
        memcpy(entries->listed + (size_t)i * 64 + 32, &hash, 32);
        hash_leaf(&entries->leaves[i], TAG_LEAF_TX, tx->entry.bytes, 32);
        if (hash32_equal(&tx->id, id)) {
            entries->found = i;
            entries->common = learner_signs(tx) ? bytes_of(NULL, 0) : copy_of(builder, tx->common);
        }
    }
    return ST_OK;
}

/* The results of a block's transactions: leaves, and that of the one asked for. */
static enum status read_results(struct builder *builder, const struct stored_block *block,
                                const struct entries *entries, struct hash32 *leaves,
                                struct bytes *result)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < block->tx_count && status == ST_OK; i++) {
        struct hash32 id;
        struct tx_place place;
        uint8_t *bytes = NULL;
        size_t size = 0;
        memcpy(&id, entries->listed + (size_t)i * 64, 32);
        status = ledger_view_tx(builder->view, &id, &place, &bytes, &size);
        if (status != ST_OK) {
            break;
        }
        build_own(builder, bytes);
        hash_leaf(&leaves[i], TAG_LEAF_RESULT, bytes, size);
        if (i == entries->found) {
            *result = bytes_of(bytes, size);
        }
    }
    return status;
}

static enum status add_history(struct builder *builder, const struct stored_block *block,
                               Xuelian__TransactionProof *out)
{
    const struct header *header = &builder->view->header;
    struct hash32 *path = build_zeroed(builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *path);
    uint32_t size = 0;
    if (block->header.height == header->height) {
        return ST_OK;
    }
    enum status status = history_path(builder->view->kv, builder->view->snapshot,
                                      block->header.height, header->height, path, &size);
    out->header = field_borrow(block->header_bytes.data, block->header_bytes.size);
    out->history_path = field_borrow(path, size * sizeof *path);
    return status;
}

static enum status add_included(struct builder *builder, const struct stored_block *block,
                                const struct entries *entries, Xuelian__TransactionProof *out)
{
    struct hash32 *paths = build_zeroed(builder, (size_t)2 * LIMIT_MERKLE_DEPTH_MAX, sizeof *paths);
    struct hash32 *results = build_zeroed(builder, block->tx_count, sizeof *results);
    struct bytes result = {.size = 0};
    uint32_t at = entries->found;
    enum status status = read_results(builder, block, entries, results, &result);
    if (status != ST_OK) {
        return status;
    }
    out->signatures_hash = field_borrow(entries->listed + (size_t)at * 64 + 32, 32);
    out->index = at;
    out->path = field_borrow(paths, 32u * merkle_path(paths, entries->leaves, block->tx_count, at));
    out->result = field_borrow(result.data, result.size);
    paths += LIMIT_MERKLE_DEPTH_MAX;
    out->result_path = field_borrow(paths, 32u * merkle_path(paths, results, block->tx_count, at));
    out->common = field_borrow(entries->common.data, entries->common.size);
    return ST_OK;
}

enum status proof_transaction(const struct ledger_view *view, const struct proof_anchor *anchor,
                              const struct stored_block *block, const struct hash32 *id,
                              uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view};
    struct entries entries = {.found = 0};
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__TransactionProof transaction = XUELIAN__TRANSACTION_PROOF__INIT;
    wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_TRANSACTION;
    wire.transaction = &transaction;
    transaction.id = field_borrow(id, 32);
    enum status status = read_entries(&builder, block, id, &entries);
    if (status == ST_OK) {
        status = add_history(&builder, block, &transaction);
    }
    if (status == ST_OK && entries.found < block->tx_count) {
        status = add_included(&builder, block, &entries, &transaction);
    } else if (status == ST_OK) {
        transaction.listed = field_borrow(entries.listed, (size_t)block->tx_count * 64);
    }
    if (status == ST_OK) {
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}

enum status proof_set_history(const struct ledger_view *view, const struct proof_anchor *anchor,
                              uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view};
    struct state_key key = key_of('V');
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__SetHistoryProof history = XUELIAN__SET_HISTORY_PROOF__INIT;
    uint8_t *set = NULL;
    size_t set_size = 0;
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(&key), &set, &set_size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_SET_HISTORY;
    wire.set_history = &history;
    history.set = field_borrow(set, set_size);
    status = build_pack(&builder, anchor, &wire, proof, size);
    build_release(&builder);
    kv_free(set);
    return status;
}

enum status proof_equivocation(const struct ledger_view *view, const struct proof_anchor *anchor,
                               struct bytes evidence, uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view};
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__EquivocationProof body = XUELIAN__EQUIVOCATION_PROOF__INIT;
    wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_EQUIVOCATION;
    wire.equivocation = &body;
    body.evidence = field_borrow(evidence.data, evidence.size);
    enum status status = build_pack(&builder, anchor, &wire, proof, size);
    build_release(&builder);
    return status;
}
