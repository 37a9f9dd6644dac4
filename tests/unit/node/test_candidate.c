/* Proposals with bodies from peers: what a liar may send under a good name must never be executed. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "node/driver/internal.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "tests/unit/ledger/support.h"

enum { COUNT = 3 };

/* Three good transactions, the proposal that lists them, and the header that it leads to. */
static struct {
    struct genesis genesis;
    struct bytes txs[COUNT];
    uint8_t entries[32 * COUNT];
    uint8_t *proposal;
    size_t proposal_size;
    struct header header;
} world;

static struct bytes make_tx(uint32_t number)
{
    Xuelian__AccountOpening opening;
    const ProtobufCMessage *item = &opening.base;
    const uint32_t member = 1;
    struct hash32 learner = support_learner(number);
    support_opening(&opening, &learner, &learner);
    return support_tx(&world.genesis, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &item, 1, &member, 1,
                      9, number);
}

static int begin(void **state)
{
    struct merkle_frontier frontier;
    void *memory = malloc(TX_ARENA_SIZE);
    (void)state;
    assert_non_null(memory);
    world.genesis = support_genesis();
    world.header = (struct header){.chain_id = world.genesis.chain_id,
                                   .height = 5,
                                   .time_ms = 7000,
                                   .parent_hash = {{3}},
                                   .tx_count = COUNT};
    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct arena arena;
        struct tx tx;
        struct hash32 leaf;
        world.txs[i] = make_tx(i + 1);
        arena_init(&arena, memory, TX_ARENA_SIZE);
        assert_int_equal(tx_parse(&tx, world.txs[i], &world.genesis.chain_id, &arena), ST_OK);
        memcpy(world.entries + 32 * (size_t)i, tx.entry.bytes, 32);
        hash_leaf(&leaf, TAG_LEAF_TX, tx.entry.bytes, 32);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &world.header.tx_root);
    world.proposal = proposal_make(&world.header, world.entries, &world.proposal_size);
    free(memory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        support_free(world.txs[i]);
    }
    free(world.proposal);
    genesis_free(&world.genesis);
    return 0;
}

/* What a peer would send. */
static struct candidate *receive(const struct bytes *txs, uint32_t count)
{
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    struct hash32 name = {{1}};
    ProtobufCBinaryData fields[COUNT + 1];
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(txs[i].data, txs[i].size);
    }
    wire.height = 5;
    wire.header_hash = field_borrow(&name, 32);
    wire.proposal = field_borrow(world.proposal, world.proposal_size);
    wire.txs = fields;
    wire.n_txs = count;
    size_t size = canonical_size(&wire.base);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    canonical_encode(bytes, &wire.base);
    struct candidate *candidate = candidate_from_bodies(bytes_of(bytes, size));
    free(bytes); /* nothing may point into it */
    return candidate;
}

static bool verifies(const struct bytes *txs)
{
    struct candidate *candidate = receive(txs, COUNT);
    assert_non_null(candidate);
    bool good = candidate_verify(candidate, &world.genesis.chain_id);
    candidate_free(candidate);
    return good;
}

static void test_bodies(void **state)
{
    struct bytes extra[COUNT + 1] = {world.txs[0], world.txs[1], world.txs[2], world.txs[0]};
    struct bytes swapped[COUNT] = {world.txs[1], world.txs[0], world.txs[2]};
    struct bytes other[COUNT] = {world.txs[0], world.txs[1], make_tx(9)};
    uint8_t *bad = malloc(world.txs[2].size);
    (void)state;
    assert_non_null(bad);
    assert_true(verifies(world.txs));
    assert_false(verifies(swapped));
    assert_false(verifies(other));
    memcpy(bad, world.txs[2].data, world.txs[2].size);
    bad[world.txs[2].size - 1] ^= 1; /* the end of its signature */
    support_free(other[2]);
    other[2] = bytes_of(bad, world.txs[2].size);
    assert_false(verifies(other));
    free(bad);
    assert_null(receive(world.txs, COUNT - 1));
    assert_null(receive(extra, COUNT + 1));
    assert_null(candidate_from_bodies(bytes_of("\x0a\x01", 2)));
}

static void test_header(void **state)
{
    struct candidate *candidate = receive(world.txs, COUNT);
    (void)state;
    assert_non_null(candidate);
    assert_true(candidate_agrees(candidate, &world.header));
    struct header header = world.header;
    header.time_ms++;
    assert_false(candidate_agrees(candidate, &header));
    header = world.header;
    header.parent_hash.bytes[0] ^= 1;
    assert_false(candidate_agrees(candidate, &header));
    header = world.header;
    header.tx_count--;
    assert_false(candidate_agrees(candidate, &header));
    header = world.header;
    header.tx_root.bytes[31] ^= 1;
    assert_false(candidate_agrees(candidate, &header));
    candidate_free(candidate);
}

/* A committed block becomes the proposal that it once was, byte for byte. */
static void test_block(void **state)
{
    struct fetched_block fetched = {
        .present = true, .block = {.header = world.header, .txs = world.txs, .tx_count = COUNT}};
    (void)state;
    assert_true(fetched_block_check(&fetched, &world.genesis.chain_id));
    assert_int_equal(fetched.proposal_size, world.proposal_size);
    assert_memory_equal(fetched.proposal, world.proposal, world.proposal_size);
    struct candidate *candidate = candidate_from_block(&fetched);
    assert_true(candidate_agrees(candidate, &world.header));
    assert_true(candidate_verify(candidate, &world.genesis.chain_id));
    candidate_free(candidate);
    free(fetched.proposal);
    fetched.proposal = NULL;
    fetched.block.header.chain_id.bytes[0] ^= 1;
    assert_false(fetched_block_check(&fetched, &world.genesis.chain_id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_block),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
