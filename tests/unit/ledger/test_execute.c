/* Execution: block-level rules, determinism over stores and reopening, bulk results, the envelope. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "tests/unit/folder.h"
#include "tests/unit/ledger/support.h"

static struct genesis genesis;
static const struct hash32 identity = {{5}};

static int start(void **state)
{
    (void)state;
    genesis = support_genesis();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    genesis_free(&genesis);
    return 0;
}

static struct ledger *open_ledger(struct kv *kv)
{
    char error[256];
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_open(&ledger, kv, &genesis, error, sizeof error), ST_OK);
    return ledger;
}

static struct bytes open_bulk(uint32_t first, uint32_t count, uint32_t nonce)
{
    struct hash32 learners[100];
    Xuelian__AccountOpening openings[100];
    const ProtobufCMessage *items[100];
    const uint32_t member = 1;
    for (uint32_t i = 0; i < count; i++) {
        learners[i] = support_learner(first + i);
        support_opening(&openings[i], &learners[i], &identity);
        items[i] = &openings[i].base;
    }
    return support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK, items, count, &member,
                      1, 50, nonce);
}

static struct bytes deposit_bulk(uint32_t first, uint32_t count, uint32_t nonce, uint32_t date)
{
    struct hash32 learners[100];
    Xuelian__Outcome outcomes[100];
    const ProtobufCMessage *items[100];
    const uint32_t member = 2;
    for (uint32_t i = 0; i < count; i++) {
        learners[i] = support_learner(first + i);
        support_outcome(&outcomes[i], &learners[i]);
        outcomes[i].award_date = date;
        items[i] = &outcomes[i].base;
    }
    return support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, items, count, &member, 1,
                      50, nonce);
}

/* The same ten blocks on any store; reopen: close and open the ledger between blocks. */
static struct hash32 run_blocks(struct kv *kv, bool reopen)
{
    struct ledger *ledger = open_ledger(kv);
    for (uint32_t i = 0; i < 10; i++) {
        struct bytes txs[3] = {open_bulk(i * 30, 40, 3 * i),
                               deposit_bulk(i * 30, 50, 3 * i + 1, 20250101 + i),
                               deposit_bulk(0, 30, 3 * i + 2, 20240101 + i)};
        support_block(ledger, txs, 3, NULL);
        for (int k = 0; k < 3; k++) {
            support_free(txs[k]);
        }
        if (reopen) {
            ledger_close(ledger);
            ledger = open_ledger(kv);
        }
    }
    struct hash32 tip = *ledger_tip_hash(ledger);
    assert_int_equal(ledger_tip(ledger)->height, 10);
    ledger_close(ledger);
    return tip;
}

static void test_same_roots_everywhere(void **state)
{
    char path[] = "ledger-XXXXXX";
    char error[256];
    struct kv_options options = {
        .cache_size = 1 << 20, .write_buffer_size = 1 << 16, .bloom_bits = 10, .create = true};
    struct kv *kv = NULL;
    (void)state;
    kv_open_memory(&kv);
    struct hash32 memory = run_blocks(kv, false);
    kv_close(kv);
    kv_open_memory(&kv);
    struct hash32 reopened = run_blocks(kv, true);
    kv_close(kv);
    assert_non_null(mkdtemp(path));
    assert_int_equal(kv_open_leveldb(&kv, path, &options, error, sizeof error), ST_OK);
    struct hash32 disk = run_blocks(kv, true);
    kv_close(kv);
    assert_int_equal(folder_remove(path), 0);
    assert_true(hash32_equal(&memory, &reopened));
    assert_true(hash32_equal(&memory, &disk));
}

static enum status execute(struct ledger *ledger, const struct bytes *txs, uint32_t count,
                           uint32_t *bad)
{
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(ledger),
                                       .time_ms = ledger_tip(ledger)->time_ms + 1,
                                       .txs = txs,
                                       .count = count};
    struct ledger_block *block = NULL;
    enum status status = ledger_execute(ledger, &proposal, &block, bad);
    if (status == ST_OK) {
        ledger_block_free(block);
    }
    return status;
}

static void test_block_level_rules(void **state)
{
    struct kv *kv = NULL;
    uint32_t bad = 0;
    (void)state;
    kv_open_memory(&kv);
    struct ledger *ledger = open_ledger(kv);
    struct bytes tx = open_bulk(0, 2, 1);
    struct bytes twice[2] = {tx, tx};
    assert_int_equal(execute(ledger, twice, 2, &bad), ST_ID_USED);
    assert_int_equal(bad, 1);
    assert_int_equal(execute(ledger, twice, 1, &bad), ST_OK);
    support_block(ledger, &tx, 1, NULL);
    assert_int_equal(execute(ledger, twice, 1, &bad), ST_ID_USED); /* whatever its result */
    for (int i = 0; i < 49; i++) {
        support_block(ledger, NULL, 0, NULL);
    }
    struct bytes late = open_bulk(5, 1, 2); /* valid until 50, the next height is 51 */
    assert_int_equal(execute(ledger, &late, 1, &bad), ST_EXPIRED);
    struct bytes cut = {.data = late.data, .size = late.size - 1};
    assert_int_equal(execute(ledger, &cut, 1, &bad), ST_TRUNCATED);
    struct ledger_proposal old = {.time_ms = 1};
    struct ledger_block *block = NULL;
    assert_int_equal(ledger_execute(ledger, &old, &block, &bad), ST_CONFLICT);
    old.parent_hash = *ledger_tip_hash(ledger);
    assert_int_equal(ledger_execute(ledger, &old, &block, &bad), ST_BAD_SIZE); /* time goes back */
    support_free(tx);
    support_free(late);
    ledger_close(ledger);
    kv_close(kv);
}

static void test_bulk_results_are_per_item(void **state)
{
    struct kv *kv = NULL;
    uint32_t bad = 0;
    (void)state;
    kv_open_memory(&kv);
    struct ledger *ledger = open_ledger(kv);
    struct bytes first = open_bulk(0, 3, 1);
    struct bytes again = open_bulk(0, 5, 2);
    support_block(ledger, &first, 1, NULL);
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(ledger),
                                       .time_ms = ledger_tip(ledger)->time_ms + 1,
                                       .txs = &again,
                                       .count = 1};
    struct ledger_block *block = NULL;
    uint64_t memory[128];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    assert_int_equal(ledger_execute(ledger, &proposal, &block, &bad), ST_OK);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(
        canonical_decode(&message, &xuelian__tx_result__descriptor, block->results[0], &arena),
        ST_OK);
    const Xuelian__TxResult *result = (const Xuelian__TxResult *)(const void *)message;
    assert_int_equal(result->code, ST_OK);
    assert_int_equal(result->n_item_codes, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(result->item_codes[i], i < 3 ? ST_ACCOUNT_EXISTS : ST_OK);
    }
    ledger_block_free(block);
    support_free(first);
    support_free(again);
    ledger_close(ledger);
    kv_close(kv);
}

/* Candidates side by side: the one applied makes the other worthless. */
static void test_candidates(void **state)
{
    struct kv *kv = NULL;
    uint32_t bad = 0;
    (void)state;
    kv_open_memory(&kv);
    struct ledger *ledger = open_ledger(kv);
    struct bytes tx = open_bulk(0, 3, 1);
    struct ledger_proposal a = {.parent_hash = *ledger_tip_hash(ledger),
                                .time_ms = ledger_tip(ledger)->time_ms + 1,
                                .txs = &tx,
                                .count = 1};
    struct ledger_proposal b = a;
    b.count = 0;
    struct ledger_block *block_a = NULL;
    struct ledger_block *block_b = NULL;
    assert_int_equal(ledger_execute(ledger, &a, &block_a, &bad), ST_OK);
    assert_int_equal(ledger_execute(ledger, &b, &block_b, &bad), ST_OK);
    assert_false(hash32_equal(&block_a->header.state_root, &block_b->header.state_root));
    assert_int_equal(ledger_apply(ledger, block_a), ST_OK);
    assert_int_equal(ledger_apply(ledger, block_b), ST_CONFLICT);
    ledger_block_free(block_b);
    support_free(tx);
    ledger_close(ledger);
    kv_close(kv);
}

static uint64_t tx_memory[TX_ARENA_SIZE / 8];

static enum status parse(struct tx *tx, struct bytes bytes, const struct hash32 *chain)
{
    struct arena arena;
    arena_init(&arena, tx_memory, sizeof tx_memory);
    return tx_parse(tx, bytes, chain, &arena);
}

/* Any flipped bit of a sealed transaction is seen: in the form, the commitment or the signature. */
static void test_envelope_bits(void **state)
{
    struct bytes good = open_bulk(0, 3, 1);
    struct tx tx;
    struct hash32 other = {{1}};
    (void)state;
    assert_int_equal(parse(&tx, good, &genesis.chain_id), ST_OK);
    assert_int_equal(tx_verify_signatures(&tx), ST_OK);
    assert_int_equal(tx.item_count, 3);
    struct hash32 id = tx.id;
    assert_int_equal(parse(&tx, good, &other), ST_WRONG_CHAIN);
    uint8_t *copy = malloc(good.size);
    assert_non_null(copy);
    for (size_t bit = 0; bit < good.size * 8; bit++) {
        memcpy(copy, good.data, good.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (parse(&tx, bytes_of(copy, good.size), &genesis.chain_id) == ST_OK) {
            assert_int_equal(tx_verify_signatures(&tx), ST_BAD_SIGNATURE);
        }
    }
    for (size_t cut = 0; cut < good.size; cut++) {
        assert_int_not_equal(parse(&tx, bytes_of(good.data, cut), &genesis.chain_id), ST_OK);
    }
    free(copy);
    struct bytes same = open_bulk(0, 3, 1);
    assert_int_equal(parse(&tx, same, &genesis.chain_id), ST_OK);
    assert_true(hash32_equal(&tx.id, &id));
    support_free(same);
    support_free(good);
}

static void test_foreign_store(void **state)
{
    struct kv *kv = NULL;
    char error[256] = "";
    struct ledger *ledger = NULL;
    (void)state;
    kv_open_memory(&kv);
    ledger_close(open_ledger(kv));
    struct genesis other = genesis;
    other.chain_id.bytes[0] ^= 1;
    assert_int_equal(ledger_open(&ledger, kv, &other, error, sizeof error), ST_FOREIGN);
    assert_string_equal(error, "the state belongs to another chain than the genesis file; use the "
                               "data directory or the genesis file that fits");
    kv_close(kv);
}

/* A power cut that takes one block's changes and leaves a later tip: the state must not be used. */
static void test_a_hole_below_the_tip(void **state)
{
    struct kv *kv = NULL;
    char error[256] = "";
    struct ledger *ledger = NULL;
    const uint8_t mark_of_7[] = {'M', 7};
    uint8_t height[8];
    (void)state;
    kv_open_memory(&kv);
    (void)run_blocks(kv, false); /* ten blocks */
    struct kv_batch *batch = kv_batch_new();
    kv_batch_delete(batch, bytes_of(mark_of_7, sizeof mark_of_7));
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    assert_int_equal(ledger_open(&ledger, kv, &genesis, error, sizeof error), ST_CORRUPT);
    assert_non_null(strstr(error, "the state cannot be read"));
    kv_batch_clear(batch);
    be64_put(height, 7);
    kv_batch_put(batch, bytes_of(mark_of_7, sizeof mark_of_7), bytes_of(height, sizeof height));
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    ledger_close(open_ledger(kv));
    kv_batch_free(batch);
    kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_roots_everywhere),
        cmocka_unit_test(test_block_level_rules),
        cmocka_unit_test(test_bulk_results_are_per_item),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_envelope_bits),
        cmocka_unit_test(test_foreign_store),
        cmocka_unit_test(test_a_hole_below_the_tip),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
