/* A proposal with its bodies, from wherever they came. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"

void candidate_free(struct candidate *candidate)
{
    if (candidate == NULL) {
        return;
    }
    for (uint32_t i = 0; candidate->held != NULL && i < candidate->count; i++) {
        body_release(candidate->held[i]);
    }
    ledger_block_free(candidate->block);
    free(candidate->held);
    free(candidate->owned);
    free(candidate->txs);
    free(candidate->proposal);
    free(candidate->recovery);
    free(candidate);
}

bool proposal_read(struct bytes proposal, struct candidate *fixed, uint8_t **entries)
{
    size_t room = proposal.size * 2 + 4096;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool good = false;
    *entries = NULL;
    if (canonical_decode(&message, &xuelian__proposal__descriptor, proposal, &arena) == ST_OK) {
        const Xuelian__Proposal *wire = (const Xuelian__Proposal *)(const void *)message;
        good = field_copy(&fixed->parent_hash, 32, &wire->parent_hash) &&
               wire->entries.len % 32 == 0 && wire->entries.len / 32 <= LIMIT_PROPOSAL_ENTRIES_MAX;
        if (good) {
            fixed->time_ms = wire->time_ms;
            fixed->count = (uint32_t)(wire->entries.len / 32);
            *entries = malloc(wire->entries.len + 1);
            CHECK(*entries != NULL);
            if (wire->entries.len > 0) {
                memcpy(*entries, wire->entries.data, wire->entries.len);
            }
        }
    }
    free(memory);
    return good;
}

uint8_t *proposal_make(const struct header *header, const uint8_t *entries, size_t *size)
{
    Xuelian__Proposal wire = XUELIAN__PROPOSAL__INIT;
    wire.parent_hash = field_borrow(&header->parent_hash, 32);
    wire.time_ms = header->time_ms;
    wire.entries = field_borrow(entries, 32u * (size_t)header->tx_count);
    uint8_t *proposal = malloc(canonical_size(&wire.base) + 1);
    CHECK(proposal != NULL);
    *size = canonical_encode(proposal, &wire.base);
    return proposal;
}

static void keep_proposal_bytes(struct candidate *candidate, struct bytes proposal)
{
    candidate->proposal = malloc(proposal.size + 1);
    CHECK(candidate->proposal != NULL);
    if (proposal.size > 0) {
        memcpy(candidate->proposal, proposal.data, proposal.size);
    }
    candidate->proposal_size = proposal.size;
}

struct candidate *candidate_from_pool(struct driver *driver, struct bytes proposal, bool *malformed)
{
    struct candidate *made = calloc(1, sizeof *made);
    uint8_t *entries;
    CHECK(made != NULL);
    *malformed = !proposal_read(proposal, made, &entries);
    if (*malformed) {
        free(made);
        return NULL;
    }
    uint32_t count = made->count;
    made->count = 0;
    made->txs = calloc(count + 1u, sizeof *made->txs);
    made->held = calloc(count + 1u, sizeof(struct body *));
    CHECK(made->txs != NULL && made->held != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 entry;
        memcpy(entry.bytes, entries + 32 * (size_t)i, 32);
        struct body *body = pool_find_entry(driver->pool, &entry);
        if (body == NULL) {
            break;
        }
        body_hold(body);
        made->held[i] = body;
        made->txs[i] = body->bytes;
        made->count++;
    }
    free(entries);
    if (made->count < count) {
        candidate_free(made);
        return NULL;
    }
    keep_proposal_bytes(made, proposal);
    return made;
}

struct candidate *candidate_from_bodies(struct bytes bodies)
{
    size_t room = bodies.size * 3 + 65536;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct candidate *made = calloc(1, sizeof *made);
    uint8_t *entries = NULL;
    CHECK(made != NULL);
    made->owned = malloc(room);
    CHECK(made->owned != NULL);
    arena_init(&arena, made->owned, room);
    if (canonical_decode(&message, &xuelian__bodies__descriptor, bodies, &arena) != ST_OK) {
        candidate_free(made);
        return NULL;
    }
    const Xuelian__Bodies *wire = (const Xuelian__Bodies *)(const void *)message;
    bool good =
        proposal_read(field_bytes(&wire->proposal), made, &entries) && made->count == wire->n_txs;
    free(entries);
    if (!good) {
        made->count = 0;
        candidate_free(made);
        return NULL;
    }
    made->txs = calloc(made->count + 1u, sizeof *made->txs);
    CHECK(made->txs != NULL);
    for (uint32_t i = 0; i < made->count; i++) {
        made->txs[i] = field_bytes(&wire->txs[i]);
    }
    keep_proposal_bytes(made, field_bytes(&wire->proposal));
    return made;
}

/* Parses and verifies transactions one after the other; compares with entries, or writes them. */
static bool check_txs(const struct bytes *txs, uint32_t count, const struct hash32 *chain_id,
                      uint8_t *entries, bool compare)
{
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    bool good = true;
    CHECK(tx != NULL && memory != NULL);
    for (uint32_t i = 0; i < count && good; i++) {
        struct arena arena;
        uint8_t *entry = entries + 32 * (size_t)i;
        arena_init(&arena, memory, TX_ARENA_SIZE);
        good = tx_parse(tx, txs[i], chain_id, &arena) == ST_OK && tx_verify_signatures(tx) == ST_OK;
        if (good && compare) {
            good = memcmp(entry, tx->entry.bytes, 32) == 0;
        } else if (good) {
            memcpy(entry, tx->entry.bytes, 32);
        }
    }
    free(memory);
    free(tx);
    return good;
}

bool candidate_verify(const struct candidate *candidate, const struct hash32 *chain_id)
{
    struct candidate again = {.count = 0};
    uint8_t *entries = NULL;
    bool good =
        proposal_read(bytes_of(candidate->proposal, candidate->proposal_size), &again, &entries) &&
        again.count == candidate->count &&
        check_txs(candidate->txs, candidate->count, chain_id, entries, true);
    free(entries);
    return good;
}

bool fetched_block_check(struct fetched_block *fetched, const struct hash32 *chain_id)
{
    const struct stored_block *block = &fetched->block;
    uint8_t *entries = malloc(32u * (size_t)block->tx_count + 1);
    CHECK(entries != NULL);
    bool good = hash32_equal(&block->header.chain_id, chain_id) &&
                block->header.tx_count == block->tx_count &&
                check_txs(block->txs, block->tx_count, chain_id, entries, false);
    if (good) {
        fetched->proposal = proposal_make(&block->header, entries, &fetched->proposal_size);
    }
    free(entries);
    return good;
}

/* Copied, so that the block can be asked for again when this execution is cancelled. */
struct candidate *candidate_from_block(const struct fetched_block *fetched)
{
    const struct stored_block *block = &fetched->block;
    struct candidate *made = calloc(1, sizeof *made);
    size_t size = 0;
    CHECK(made != NULL);
    made->count = block->tx_count;
    made->txs = calloc(made->count + 1u, sizeof *made->txs);
    for (uint32_t i = 0; i < made->count; i++) {
        size += block->txs[i].size;
    }
    made->owned = malloc(size + 1);
    CHECK(made->txs != NULL && made->owned != NULL);
    size = 0;
    for (uint32_t i = 0; i < made->count; i++) {
        memcpy(made->owned + size, block->txs[i].data, block->txs[i].size);
        made->txs[i] = bytes_of(made->owned + size, block->txs[i].size);
        size += block->txs[i].size;
    }
    made->parent_hash = block->header.parent_hash;
    made->time_ms = block->header.time_ms;
    keep_proposal_bytes(made, bytes_of(fetched->proposal, fetched->proposal_size));
    return made;
}

bool candidate_agrees(const struct candidate *candidate, const struct header *header)
{
    struct candidate again = {.count = 0};
    struct merkle_frontier frontier;
    struct hash32 root;
    uint8_t *entries = NULL;
    if (!hash32_equal(&header->parent_hash, &candidate->parent_hash) ||
        header->time_ms != candidate->time_ms || header->tx_count != candidate->count ||
        !proposal_read(bytes_of(candidate->proposal, candidate->proposal_size), &again, &entries)) {
        return false;
    }
    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < again.count; i++) {
        struct hash32 leaf;
        hash_leaf(&leaf, TAG_LEAF_TX, entries + 32 * (size_t)i, 32);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &root);
    free(entries);
    return again.count == candidate->count && hash32_equal(&root, &header->tx_root);
}
