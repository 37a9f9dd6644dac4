/* The block log: blocks and proposals come back as they went in, or not at all. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/store/block_log.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "tests/unit/ledger/support.h"

static struct genesis genesis;
static struct kv *kv;
static struct block_log *block_log;
static const struct pubkey33 key = {{2, 1}};

static int start(void **state)
{
    char error[256];
    (void)state;
    genesis = support_genesis();
    kv_open_memory(&kv);
    return block_log_open(&block_log, kv, &genesis.chain_id, &key, error, sizeof error) == ST_OK
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    block_log_close(block_log);
    genesis_free(&genesis);
    return 0;
}

static struct bytes sample_tx(uint32_t nonce)
{
    static const struct hash32 identity = {{5}};
    struct hash32 learner = support_learner(nonce);
    Xuelian__AccountOpening opening;
    const ProtobufCMessage *item = &opening.base;
    const uint32_t member = 1;
    support_opening(&opening, &learner, &identity);
    return support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &item, 1, &member, 1, 50,
                      nonce);
}

static struct header next_header(const struct bytes *txs, uint32_t count)
{
    struct block_tip tip;
    struct header header = {.version = 1, .suite = 1, .chain_id = genesis.chain_id};
    struct merkle_frontier frontier;
    assert_int_equal(block_log_tip(block_log, &tip), ST_OK);
    header.height = tip.height + 1;
    header.parent_hash = tip.hash;
    header.tx_count = count;
    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < count; i++) {
        static uint64_t memory[TX_ARENA_SIZE / 8];
        struct arena arena;
        struct tx tx;
        struct hash32 leaf;
        arena_init(&arena, memory, sizeof memory);
        assert_int_equal(tx_parse(&tx, txs[i], &genesis.chain_id, &arena), ST_OK);
        hash_leaf(&leaf, TAG_LEAF_TX, tx.entry.bytes, 32);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &header.tx_root);
    return header;
}

static void test_blocks(void **state)
{
    struct bytes txs[2] = {sample_tx(1), sample_tx(2)};
    struct bytes certificate = bytes_of("certificate", 11);
    struct bytes none = {.size = 0};
    struct stored_block block;
    struct hash32 hash;
    uint64_t height = 0;
    (void)state;
    struct header header = next_header(txs, 2);
    header_hash(&hash, &header);
    assert_int_equal(block_log_put_proposal(block_log, 1, &hash, bytes_of("p", 1), txs, 2, true),
                     ST_OK);
    uint8_t *bodies = NULL;
    size_t size = 0;
    assert_int_equal(block_log_get_proposal(block_log, 1, &hash, &bodies, &size), ST_OK);
    kv_free(bodies);
    assert_int_equal(block_log_append(block_log, &header, certificate, txs, 2, none, true), ST_OK);
    assert_int_equal(block_log_append(block_log, &header, certificate, txs, 2, none, true),
                     ST_CONFLICT);
    assert_int_equal(block_log_get_proposal(block_log, 1, &hash, &bodies, &size), ST_NOT_FOUND);
    assert_int_equal(block_log_get(block_log, 1, &block), ST_OK);
    assert_true(hash32_equal(&block.hash, &hash));
    assert_int_equal(block.tx_count, 2);
    assert_true(bytes_equal(block.txs[1], txs[1]));
    assert_true(bytes_equal(block.certificate, certificate));
    /* From a peer: one transaction less, or another one, is not the block. */
    struct stored_block copy;
    assert_int_equal(stored_block_decode(&copy, block.bytes), ST_OK);
    stored_block_free(&copy);
    uint8_t *bad = malloc(block.bytes.size);
    assert_non_null(bad);
    unsigned refused = 0;
    for (size_t i = 0; i < block.bytes.size; i += 3) {
        memcpy(bad, block.bytes.data, block.bytes.size);
        bad[i] ^= 1;
        if (stored_block_decode(&copy, bytes_of(bad, block.bytes.size)) != ST_OK) {
            refused++;
        } else {
            assert_false(hash32_equal(&copy.hash, &block.hash) &&
                         bytes_equal(copy.certificate, certificate));
            stored_block_free(&copy);
        }
    }
    assert_true(refused > 100);
    free(bad);
    stored_block_free(&block);
    assert_int_equal(block_log_find(block_log, &hash, &height), ST_OK);
    assert_int_equal(height, 1);
    assert_int_equal(block_log_get(block_log, 2, &block), ST_NOT_FOUND);
    support_free(txs[0]);
    support_free(txs[1]);
}

static void test_wrong_parent_and_owner(void **state)
{
    struct bytes none = {.size = 0};
    struct block_log *second = NULL;
    struct pubkey33 other = {{3}};
    char error[256] = "";
    (void)state;
    struct header header = next_header(NULL, 0);
    header.parent_hash.bytes[0] ^= 1;
    assert_int_equal(block_log_append(block_log, &header, none, NULL, 0, none, false), ST_CONFLICT);
    header = next_header(NULL, 0);
    header.height++;
    assert_int_equal(block_log_append(block_log, &header, none, NULL, 0, none, false), ST_CONFLICT);
    assert_int_equal(block_log_open(&second, kv, &genesis.chain_id, &other, error, sizeof error),
                     ST_FOREIGN);
    assert_string_equal(error,
                        "the block log belongs to another chain or another node key; use the "
                        "data directory that fits this genesis file and key");
}

/* Another header under a height, or a bit of one, is damage and no answer. */
static void test_certified(void **state)
{
    struct bytes none = {.size = 0};
    uint8_t place[9] = {'C'};
    uint8_t *value = NULL;
    uint8_t *again = NULL;
    size_t size = 0;
    size_t again_size = 0;
    struct block_tip tip;
    (void)state;
    struct header header = next_header(NULL, 0);
    assert_int_equal(
        block_log_append(block_log, &header, bytes_of("certificate", 11), NULL, 0, none, false),
        ST_OK);
    assert_int_equal(block_log_tip(block_log, &tip), ST_OK);
    assert_int_equal(block_log_get_certified(block_log, tip.height, &value, &size), ST_OK);
    be64_put(place + 1, tip.height);
    for (size_t i = 0; i + 13 < size;
         i += 5) { /* all but the certificate, which its signers bind */
        struct kv_batch *batch = kv_batch_new();
        value[i] ^= 1;
        kv_batch_put(batch, bytes_of(place, sizeof place), bytes_of(value, size));
        assert_int_equal(kv_write(kv, batch, false), ST_OK);
        kv_batch_free(batch);
        value[i] ^= 1;
        assert_int_equal(block_log_get_certified(block_log, tip.height, &again, &again_size),
                         ST_CORRUPT);
    }
    struct kv_batch *batch = kv_batch_new();
    kv_batch_put(batch, bytes_of(place, sizeof place), bytes_of(value, size));
    be64_put(place + 1, tip.height + 1);
    kv_batch_put(batch, bytes_of(place, sizeof place), bytes_of(value, size));
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    kv_batch_free(batch);
    kv_free(value);
    assert_int_equal(block_log_get_certified(block_log, tip.height, &again, &again_size), ST_OK);
    kv_free(again);
    assert_int_equal(block_log_get_certified(block_log, tip.height + 1, &again, &again_size),
                     ST_CORRUPT);
}

static bool count_change(void *context, struct bytes change)
{
    (*(unsigned *)context)++;
    return change.size == 6;
}

static void test_set_changes_and_new_views(void **state)
{
    struct bytes none = {.size = 0};
    uint8_t *value = NULL;
    size_t size = 0;
    unsigned seen = 0;
    struct block_tip tip;
    (void)state;
    struct header header = next_header(NULL, 0);
    assert_int_equal(
        block_log_append(block_log, &header, none, NULL, 0, bytes_of("change", 6), false), ST_OK);
    assert_int_equal(block_log_tip(block_log, &tip), ST_OK);
    assert_int_equal(block_log_set_changes(block_log, tip.height - 1, count_change, &seen), ST_OK);
    assert_int_equal(seen, 0);
    assert_int_equal(block_log_set_changes(block_log, tip.height, count_change, &seen), ST_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(block_log_put_new_view(block_log, 1, 3, bytes_of("nv", 2), true), ST_OK);
    assert_int_equal(block_log_get_new_view(block_log, 1, 3, &value, &size), ST_OK);
    assert_int_equal(size, 2);
    kv_free(value);
    assert_int_equal(block_log_get_new_view(block_log, 1, 4, &value, &size), ST_NOT_FOUND);
    assert_int_equal(block_log_sync(block_log), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_wrong_parent_and_owner),
        cmocka_unit_test(test_certified),
        cmocka_unit_test(test_set_changes_and_new_views),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
