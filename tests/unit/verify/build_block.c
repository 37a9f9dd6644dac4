#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/tx.pb-c.h"
#include "tests/unit/verify/build_internal.h"

static struct bytes common_make(struct world *w, uint32_t block, uint32_t index)
{
    Xuelian__TxCommon common = XUELIAN__TX_COMMON__INIT;
    Xuelian__Signer signer = XUELIAN__SIGNER__INIT;
    Xuelian__Signer *signers[1] = {&signer};
    struct hash32 nonce = named("nonce of a block", block * 100 + index);
    struct hash32 commitment = named("payload", index);
    signer.member = BUILD_ISSUER;
    signer.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    signer.key = field_borrow(signer_key(w->issuer), 33);
    common.chain_id = field_borrow(&w->chain_id, 32);
    common.valid_until = BUILD_HEIGHT;
    common.n_signers = 1;
    common.signers = signers;
    common.nonce = field_borrow(&nonce, 16);
    common.kind = XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK;
    common.payload_commitment = field_borrow(&commitment, 32);
    return encode(w, &common.base);
}

/* Every third one was refused whole; every third one had two of its items refused. */
static struct bytes result_make(struct world *w, const struct hash32 *id, uint32_t index)
{
    uint32_t codes[5] = {0, 206, 0, 0, 300};
    Xuelian__TxResult result = XUELIAN__TX_RESULT__INIT;
    result.id = field_borrow(id, 32);
    result.code = index % 3 == 2 ? 207 : 0;
    result.n_item_codes = index % 3 == 1 ? 5 : 0;
    result.item_codes = codes;
    return encode(w, &result.base);
}

static void transactions_make(struct world *w, struct header *header, uint32_t index)
{
    uint32_t count = w->plan.transactions;
    struct block *block = &w->blocks[index];
    block->commons = make(w, count * sizeof *block->commons);
    block->results = make(w, count * sizeof *block->results);
    block->parts = make(w, 2 * count * sizeof *block->parts);
    block->entry_leaves = make(w, count * sizeof *block->entry_leaves);
    block->result_leaves = make(w, count * sizeof *block->result_leaves);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 *parts = &block->parts[(size_t)2 * i];
        struct sig64 signature;
        struct hash32 entry;
        block->commons[i] = common_make(w, index, i);
        hash_tagged(&parts[0], TAG_TX_ID, block->commons[i].data, block->commons[i].size);
        signer_sign(w->issuer, &parts[0], &signature);
        hash_tagged(&parts[1], TAG_TX_SIGNATURES, &signature, sizeof signature);
        hash_tagged(&entry, TAG_TX_ENTRY, parts, 64);
        hash_leaf(&block->entry_leaves[i], TAG_LEAF_TX, &entry, 32);
        block->results[i] = result_make(w, &parts[0], i);
        hash_leaf(&block->result_leaves[i], TAG_LEAF_RESULT, block->results[i].data,
                  block->results[i].size);
    }
    header->tx_count = count;
    merkle_root(&header->tx_root, block->entry_leaves, count);
    merkle_root(&header->result_root, block->result_leaves, count);
}

/* The earlier block differs in its height and time, and in what is in it. */
static void history_make(struct world *w, struct header *header)
{
    struct header old = *header;
    struct hash32 hash;
    old.height = BUILD_OLD_HEIGHT;
    old.time_ms -= (BUILD_HEIGHT - BUILD_OLD_HEIGHT) * 1000;
    block_make(w, &old, 1);
    w->blocks[1].header = header_bytes(w, &old, &hash);
    struct hash32 *leaves = make(w, BUILD_HEIGHT * sizeof *leaves);
    for (uint32_t i = 0; i < BUILD_HEIGHT; i++) {
        struct hash32 other = named("header", i);
        hash_leaf(&leaves[i], TAG_LEAF_HISTORY, i == BUILD_OLD_HEIGHT ? &hash : &other, 32);
    }
    w->blocks[0].history = leaves;
    merkle_root(&header->history_root, leaves, BUILD_HEIGHT);
}

void block_make(struct world *w, struct header *header, uint32_t index)
{
    transactions_make(w, header, index);
    if (index == 0) {
        history_make(w, header);
    }
}

static ProtobufCBinaryData path_of(struct world *w, const struct hash32 *leaves, uint64_t count,
                                   uint64_t index)
{
    struct hash32 *path = make(w, LIMIT_MERKLE_DEPTH_MAX * sizeof *path);
    return field_borrow(path, merkle_path(path, leaves, count, index) * sizeof *path);
}

struct built world_transaction(struct world *w, bool earlier, uint32_t index)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__TransactionProof body = XUELIAN__TRANSACTION_PROOF__INIT;
    const struct block *block = &w->blocks[earlier];
    struct hash32 other = named("transaction elsewhere", index);
    uint32_t count = w->plan.transactions;
    if (earlier) {
        body.header = borrow(block->header);
        body.history_path = path_of(w, w->blocks[0].history, BUILD_HEIGHT, BUILD_OLD_HEIGHT);
    }
    if (index < count) {
        body.id = field_borrow(&block->parts[(size_t)2 * index], 32);
        body.signatures_hash = field_borrow(&block->parts[(size_t)2 * index + 1], 32);
        body.index = index;
        body.path = path_of(w, block->entry_leaves, count, index);
        body.result = borrow(block->results[index]);
        body.result_path = path_of(w, block->result_leaves, count, index);
        body.common = borrow(block->commons[index]);
    } else {
        body.id = field_borrow(&other, 32);
        body.listed = field_borrow(block->parts, (size_t)64 * count);
    }
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_TRANSACTION;
    proof.transaction = &body;
    return proof_make(w, &proof);
}

struct built world_set_history(struct world *w, bool last_change)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__SetHistoryProof body = XUELIAN__SET_HISTORY_PROOF__INIT;
    uint8_t *set = make(w, VALIDATOR_SET_SIZE_MAX);
    body.set = field_borrow(set, validator_set_encode(set, &w->set));
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_SET_HISTORY;
    proof.set_history = &body;
    struct built built = proof_make(w, &proof);
    if (last_change) {
        Xuelian__Proof *opened = proof_open(built);
        Xuelian__Anchor *anchor = opened->anchor;
        built_free(&built);
        Xuelian__SetChange *last = anchor->set_changes[--anchor->n_set_changes];
        field_set(&anchor->header, last->header.data, last->header.len);
        field_set(&anchor->certificate, last->certificate.data, last->certificate.len);
        xuelian__set_change__free_unpacked(last, NULL);
        built = proof_close(opened);
    }
    return built;
}
