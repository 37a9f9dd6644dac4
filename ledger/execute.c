/* Executing a proposal: block-level rules first, then each transaction, then the roots. */
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "ledger/state/history.h"
#include "ledger/state/keys.h"
#include "ledger/tx/details.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { WORK_SIGNATURE = 2, WORK_ITEM = 1 };

uint64_t ledger_work(const struct tx *tx)
{
    uint64_t item = WORK_ITEM + (tx->rule != NULL ? tx->rule->item_work : 0);
    return (uint64_t)tx->signer_count * WORK_SIGNATURE + (uint64_t)tx->item_count * item +
           (tx->rule != NULL ? tx->rule->work : 0);
}

/* A transaction that no batch can hold would wait for ever, and the network with it. */
static enum status check_batch(const Xuelian__Params *params, const struct tx *tx)
{
    return tx->bytes.size > params->batch_bytes || ledger_work(tx) > params->batch_work
               ? ST_BAD_SIZE
               : ST_OK;
}

static enum status check_height(const Xuelian__Params *params, const struct tx *tx, uint64_t height)
{
    if (tx->valid_until < height) {
        return ST_EXPIRED;
    }
    return tx->valid_until - height > params->validity_window ? ST_TOO_FAR : ST_OK;
}

enum status ledger_check(struct kv *kv, const Xuelian__Params *params, const struct tx *tx,
                         uint64_t height)
{
    struct state_key key = key_hash('U', &tx->id);
    uint8_t *value = NULL;
    size_t size;
    enum status status = check_batch(params, tx);
    if (status == ST_OK) {
        status = check_height(params, tx, height);
    }
    if (status != ST_OK) {
        return status;
    }
    status = kv_get(kv, NULL, key_bytes(&key), &value, &size);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    kv_free(value);
    return status == ST_OK ? ST_ID_USED : status;
}

/* The running totals of one execution. */
struct execution {
    struct ledger *ledger;
    struct state *state;
    struct block_context context;
    struct next_height next;
    struct ledger_block *block;
    struct tx tx;
    struct tx_outcome outcome;
    struct merkle_frontier entries;
    struct merkle_frontier results;
    uint64_t bytes;
    uint64_t work;
    bool recovers; /* the block is a recovery's, and its set opens an era whatever it is */
};

static enum status put_result(struct execution *run, uint32_t index)
{
    Xuelian__TxResult wire = XUELIAN__TX_RESULT__INIT;
    struct ledger_block *block = run->block;
    struct hash32 leaf;
    bool all_ok = true;
    for (uint32_t i = 0; run->tx.bulk && i < run->tx.item_count; i++) {
        all_ok = all_ok && run->outcome.item_codes[i] == ST_OK;
    }
    wire.id = field_borrow(&run->tx.id, 32);
    wire.code = run->outcome.code;
    if (run->outcome.code == ST_OK && !all_ok) {
        wire.item_codes = run->outcome.item_codes;
        wire.n_item_codes = run->tx.item_count;
    }
    uint8_t *bytes = malloc(canonical_size(&wire.base));
    if (bytes == NULL) {
        return ST_NO_MEMORY;
    }
    size_t size = canonical_encode(bytes, &wire.base);
    hash_leaf(&leaf, TAG_LEAF_RESULT, bytes, size);
    merkle_frontier_append(&run->results, &leaf);
    block->results[index] = (struct bytes){.data = bytes, .size = size};
    block->codes[index] = run->outcome.code;
    block->tx_ids[index] = run->tx.id;
    block->tx_count = index + 1;
    return ST_OK;
}

/* Notes the id as used: height, index in the block, code. */
static enum status use_id(struct execution *run, uint32_t index)
{
    struct state_key key = key_hash('U', &run->tx.id);
    struct bytes known;
    uint8_t place[16];
    enum status status = overlay_get(state_overlay(run->state), key_bytes(&key), &known);
    if (status != ST_NOT_FOUND) {
        return status == ST_OK ? ST_ID_USED : status;
    }
    be64_put(place, run->context.height);
    be32_put(place + 8, index);
    be32_put(place + 12, 0);
    overlay_put(state_overlay(run->state), key_bytes(&key), bytes_of(place, sizeof place));
    return ST_OK;
}

/* Notes the id with its place, code and result. */
static void note_result(struct execution *run, uint32_t index)
{
    struct state_key key = key_hash('U', &run->tx.id);
    struct bytes result = run->block->results[index];
    uint8_t *place = malloc(16 + result.size);
    CHECK(place != NULL);
    be64_put(place, run->context.height);
    be32_put(place + 8, index);
    be32_put(place + 12, run->outcome.code);
    memcpy(place + 16, result.data, result.size);
    overlay_put(state_overlay(run->state), key_bytes(&key), bytes_of(place, 16 + result.size));
    free(place);
}

static enum status execute_tx(struct execution *run, struct bytes bytes, uint32_t index)
{
    const Xuelian__Params *params = &run->ledger->params;
    struct arena arena;
    struct hash32 leaf;
    arena_init(&arena, run->ledger->tx_arena, TX_ARENA_SIZE);
    enum status status = tx_parse(&run->tx, bytes, &run->ledger->tip.chain_id, &arena);
    if (status != ST_OK) {
        return status;
    }
    run->bytes += bytes.size;
    run->work += ledger_work(&run->tx);
    if (run->bytes > params->batch_bytes || run->work > params->batch_work) {
        return ST_BAD_SIZE;
    }
    status = check_height(params, &run->tx, run->context.height);
    if (status == ST_OK) {
        status = use_id(run, index);
    }
    if (status != ST_OK) {
        return status;
    }
    hash_leaf(&leaf, TAG_LEAF_TX, run->tx.entry.bytes, 32);
    merkle_frontier_append(&run->entries, &leaf);
    run->block->details = run->block->details || tx_has_details(&run->tx) || tx_erases(&run->tx);
    status = tx_apply(run->state, &run->context, &run->tx, &run->outcome);
    if (status != ST_OK) {
        return status;
    }
    status = put_result(run, index);
    if (status == ST_OK) {
        note_result(run, index);
    }
    return status;
}

static bool same_set(const struct validator_set *a, const struct validator_set *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; i < a->count && same; i++) {
        const struct validator *left = &a->validators[i];
        const struct validator *right = &b->validators[i];
        same = pubkey33_compare(&left->key, &right->key) == 0 && left->member == right->member &&
               left->joined == right->joined && left->incarnation == right->incarnation;
    }
    return same;
}

/* The set of the next height: all changes of the block are one change, and open an era; none opens none. */
static void settle_set(struct execution *run)
{
    const struct validator_set *now = &run->ledger->set;
    struct validator_set *next = &run->next.set;
    next->era = now->era;
    if (run->recovers || !same_set(next, now)) {
        next->era = run->context.height + 1;
    }
    run->block->next_set = *next;
    run->block->protocol_version = run->next.protocol_version;
    run->block->protocol_height = run->next.protocol_height;
}

/* Everything after the last transaction: roots, header, what names the tip. */
static enum status seal(struct execution *run, const struct ledger_proposal *proposal)
{
    struct ledger *ledger = run->ledger;
    struct ledger_block *block = run->block;
    struct merkle_frontier history = ledger->history;
    struct hash32 leaf;
    struct header *header = &block->header;
    *header = (struct header){.version = PROTOCOL_VERSION,
                              .suite = PROTOCOL_SUITE,
                              .chain_id = ledger->tip.chain_id,
                              .height = run->context.height,
                              .time_ms = proposal->time_ms,
                              .parent_hash = ledger->tip_hash,
                              .tx_count = proposal->count};
    enum status status = state_finish(run->state, &header->state_root);
    if (status != ST_OK) {
        return status;
    }
    merkle_frontier_root(&run->entries, &header->tx_root);
    merkle_frontier_root(&run->results, &header->result_root);
    hash_leaf(&leaf, TAG_LEAF_HISTORY, ledger->tip_hash.bytes, 32);
    history_append(state_overlay(run->state), &history, &leaf);
    merkle_frontier_root(&history, &header->history_root);
    settle_set(run);
    block->next_params = run->next.params;
    validator_set_hash(&header->validators_hash, &ledger->set);
    validator_set_hash(&header->next_validators_hash, &block->next_set);
    params_hash(&header->params_hash, &block->next_params);
    header_hash(&block->hash, header);
    ledger_put_tip(state_overlay(run->state), header, &block->hash, &run->next, &history);
    return ST_OK;
}

void ledger_block_free(struct ledger_block *block)
{
    if (block == NULL) {
        return;
    }
    for (uint32_t i = 0; i < block->tx_count; i++) {
        union {
            const void *in;
            void *out;
        } pointer = {.in = block->results[i].data};
        free(pointer.out);
    }
    state_free(block->private_state);
    free(block->tx_ids);
    free(block->codes);
    free(block->results);
    free(block);
}

static struct ledger_block *block_new(uint32_t count)
{
    struct ledger_block *block = calloc(1, sizeof *block);
    CHECK(block != NULL);
    block->tx_ids = calloc(count + 1u, sizeof *block->tx_ids);
    block->codes = calloc(count + 1u, sizeof *block->codes);
    block->results = calloc(count + 1u, sizeof *block->results);
    CHECK(block->tx_ids != NULL && block->codes != NULL && block->results != NULL);
    return block;
}

/* Never NULL. Its time is above the tip's. */
static struct execution *begin(struct ledger *ledger, const struct ledger_proposal *proposal,
                               enum status *status)
{
    struct execution *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->ledger = ledger;
    run->context.height = ledger->tip.height + 1;
    run->context.date = date_of_time(proposal->time_ms);
    run->context.chain_id = &ledger->tip.chain_id;
    run->context.set = &ledger->set;
    run->context.params = &ledger->params;
    run->context.next = &run->next;
    run->next = (struct next_height){.set = ledger->set,
                                     .params = ledger->params,
                                     .protocol_version = ledger->protocol_version,
                                     .protocol_height = ledger->protocol_height};
    run->block = block_new(proposal->count);
    merkle_frontier_init(&run->entries);
    merkle_frontier_init(&run->results);
    *status = state_begin(&run->state, ledger->kv, false);
    run->block->private_state = run->state;
    return run;
}

static enum status end(struct execution *run, const struct ledger_proposal *proposal,
                       enum status status, struct ledger_block **block)
{
    if (status == ST_OK) {
        status = seal(run, proposal);
    }
    if (status == ST_OK) {
        *block = run->block;
    } else {
        ledger_block_free(run->block);
    }
    free(run);
    return status;
}

static bool too_old(const struct ledger *ledger)
{
    return ledger->protocol_version > PROTOCOL_VERSION &&
           ledger->tip.height + 1 >= ledger->protocol_height;
}

enum status ledger_execute(struct ledger *ledger, const struct ledger_proposal *proposal,
                           struct ledger_block **block, uint32_t *bad_index)
{
    enum status status;
    *bad_index = proposal->count;
    if (!hash32_equal(&proposal->parent_hash, &ledger->tip_hash)) {
        return ST_CONFLICT;
    }
    if (proposal->count > ledger->params.batch_count || proposal->time_ms <= ledger->tip.time_ms) {
        return ST_BAD_SIZE;
    }
    if (too_old(ledger)) {
        return ST_UPGRADE;
    }
    struct execution *run = begin(ledger, proposal, &status);
    for (uint32_t i = 0; i < proposal->count && status == ST_OK; i++) {
        status = execute_tx(run, proposal->txs[i], i);
        *bad_index = status == ST_OK ? proposal->count : i;
    }
    return end(run, proposal, status, block);
}

enum status ledger_recover(struct ledger *ledger, const struct recovery *recovery,
                           struct ledger_block **block, uint32_t *member)
{
    struct ledger_proposal proposal = {.parent_hash = ledger->tip_hash,
                                       .time_ms = ledger->tip.time_ms + 1};
    uint32_t code = ST_OK;
    enum status status;
    *member = 0;
    if (recovery->height != ledger->tip.height ||
        !hash32_equal(&recovery->header_hash, &ledger->tip_hash)) {
        return ST_RECOVERY_BASE;
    }
    if (too_old(ledger)) {
        return ST_UPGRADE;
    }
    struct execution *run = begin(ledger, &proposal, &status);
    run->recovers = true;
    if (status == ST_OK) {
        status = govern_recover(run->state, &run->context, recovery, &code, member);
    }
    return end(run, &proposal, status == ST_OK ? (enum status)code : status, block);
}
