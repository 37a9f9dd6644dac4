/* Proofs about blocks, made from a chain of many: transactions in the newest and in old ones, absent ones; and the paths
 * of the history tree against the plain tree. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/proof.h"
#include "ledger/state/history.h"
#include "ledger/verify/xuelian_verify.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/quorum.h"
#include "tests/unit/ledger/support.h"

enum { BLOCKS = 21, EACH = 3, OPENER = 1 };

static struct kv *kv;
static struct block_log *blocks;
static struct genesis genesis;
static uint8_t genesis_bytes[8192];
static size_t genesis_size;
static struct ledger *ledger;
static struct hash32 ids[BLOCKS + 1][EACH];
static struct ledger_view view;
static struct proof_anchor anchor;
static uint8_t certificate_bytes[CERTIFICATE_SIZE_MAX];
static struct verify_result result;

static struct bytes certify(const struct header *header, const struct hash32 *hash)
{
    struct certificate certificate = {.phase = VOTE_COMMIT, .height = header->height};
    struct hash32 signed_hash;
    certificate.header_hash = *hash;
    certificate.count = quorum_size(genesis.set.count);
    vote_hash(&signed_hash, TAG_SIGN_COMMIT, &genesis.chain_id, genesis.set.era, 0,
              certificate.height, hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        struct signer *signer = support_signer((uint8_t)(100 + genesis.set.validators[i].member));
        certificate.signers[i] = i;
        signer_sign(signer, &signed_hash, &certificate.signatures[i]);
        signer_free(signer);
    }
    return bytes_of(certificate_bytes,
                    certificate_encode(certificate_bytes, &certificate, genesis.set.count));
}

/* Each block opens accounts. */
static void add_block(uint32_t height)
{
    struct bytes txs[EACH];
    uint32_t codes[EACH];
    struct tx tx;
    struct arena arena;
    void *memory = malloc(TX_ARENA_SIZE);
    assert_non_null(memory);
    for (uint32_t i = 0; i < EACH; i++) {
        struct hash32 learner = support_learner(height * EACH + i);
        static const struct hash32 identity = {{5}};
        const uint32_t opener = OPENER;
        Xuelian__AccountOpening opening;
        const ProtobufCMessage *item = &opening.base;
        support_opening(&opening, &learner, &identity);
        txs[i] = support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &item, 1, &opener, 1,
                            100, height * 10 + i);
        arena_init(&arena, memory, TX_ARENA_SIZE);
        assert_int_equal(tx_parse(&tx, txs[i], &genesis.chain_id, &arena), ST_OK);
        ids[height][i] = tx.id;
    }
    support_block(ledger, txs, EACH, codes);
    assert_int_equal(block_log_append(blocks, ledger_tip(ledger),
                                      certify(ledger_tip(ledger), ledger_tip_hash(ledger)), txs,
                                      EACH, bytes_of(NULL, 0), false),
                     ST_OK);
    for (uint32_t i = 0; i < EACH; i++) {
        support_free(txs[i]);
    }
    free(memory);
}

static int start(void **state)
{
    char error[256];
    struct kv *log_kv;
    static const struct pubkey33 key = {{2}};
    (void)state;
    kv_open_memory(&kv);
    kv_open_memory(&log_kv);
    genesis_size = support_genesis_bytes(genesis_bytes, sizeof genesis_bytes);
    genesis = support_genesis();
    if (ledger_open(&ledger, kv, &genesis, error, sizeof error) != ST_OK ||
        block_log_open(&blocks, log_kv, &genesis.chain_id, &key, error, sizeof error) != ST_OK) {
        return -1;
    }
    for (uint32_t height = 1; height <= BLOCKS; height++) {
        add_block(height);
    }
    if (ledger_view_open(&view, kv) != ST_OK) {
        return -1;
    }
    anchor.certificate = certify(&view.header, &view.hash);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ledger_view_close(&view);
    ledger_close(ledger);
    block_log_close(blocks);
    genesis_free(&genesis);
    kv_close(kv);
    return 0;
}

static void prove(uint64_t height, const struct hash32 *id)
{
    struct stored_block block;
    uint8_t *proof = NULL;
    size_t size = 0;
    assert_int_equal(block_log_get(blocks, height, &block), ST_OK);
    assert_int_equal(proof_transaction(&view, &anchor, &block, id, &proof, &size), ST_OK);
    size_t room = VERIFY_SCRATCH_SIZE(genesis_size, size);
    void *scratch = malloc(room);
    assert_non_null(scratch);
    if (verify_proof(&result, bytes_of(genesis_bytes, genesis_size), bytes_of(proof, size), NULL,
                     scratch, room) != ST_OK) {
        fail_msg("height %u: %s", (unsigned)height, verify_fault_name(result.fault));
    }
    assert_int_equal(result.kind, VERIFY_TRANSACTION);
    assert_int_equal(result.height, BLOCKS);
    assert_int_equal(result.tx.height, height);
    assert_true(hash32_equal(&result.tx.header_hash, &block.hash));
    assert_true(hash32_equal(&result.tx.id, id));
    free(scratch);
    free(proof);
    stored_block_free(&block);
}

static void test_every_transaction_of_the_chain(void **state)
{
    (void)state;
    for (uint32_t height = 1; height <= BLOCKS; height++) {
        for (uint32_t i = 0; i < EACH; i++) {
            prove(height, &ids[height][i]);
            assert_true(result.tx.included);
            assert_int_equal(result.tx.index, i);
            assert_int_equal(result.tx.earlier, height < BLOCKS);
            assert_int_equal(result.tx.signers[0].member, OPENER);
            assert_int_equal(result.tx.code, ST_OK);
        }
    }
}

static void test_absent_from_each_block(void **state)
{
    (void)state;
    for (uint32_t height = 1; height <= BLOCKS; height++) {
        prove(height, &ids[height % BLOCKS + 1][0]);
        assert_false(result.tx.included);
        assert_int_equal(result.tx.count, EACH);
    }
}

static void test_a_block_above_the_view(void **state)
{
    (void)state;
    struct stored_block block;
    struct ledger_view older = view;
    uint8_t *proof = NULL;
    size_t size = 0;
    older.header.height = 5; /* a header that has not seen block 9 */
    assert_int_equal(block_log_get(blocks, 9, &block), ST_OK);
    assert_int_equal(proof_transaction(&older, &anchor, &block, &ids[9][0], &proof, &size),
                     ST_NOT_FOUND);
    stored_block_free(&block);
}

static void test_set_history(void **state)
{
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(proof_set_history(&view, &anchor, &proof, &size), ST_OK);
    size_t room = VERIFY_SCRATCH_SIZE(genesis_size, size);
    void *scratch = malloc(room);
    assert_non_null(scratch);
    assert_int_equal(verify_proof(&result, bytes_of(genesis_bytes, genesis_size),
                                  bytes_of(proof, size), NULL, scratch, room),
                     ST_OK);
    assert_int_equal(result.kind, VERIFY_SET_HISTORY);
    assert_int_equal(result.era, 1);
    assert_int_equal(result.validator_count, genesis.set.count);
    free(scratch);
    free(proof);
}

/* Sizes past three levels, every leaf of each: the path from kept nodes is the plain tree's. */
static void test_history_paths(void **state)
{
    enum { SIZE_MAX_TESTED = 70 };
    struct kv *plain;
    struct hash32 leaves[SIZE_MAX_TESTED];
    struct merkle_frontier frontier;
    (void)state;
    kv_open_memory(&plain);
    merkle_frontier_init(&frontier);
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct overlay *overlay = overlay_new(plain);
        struct kv_batch *batch = kv_batch_new();
        hash_plain(&leaves[size - 1], &size, sizeof size);
        history_append(overlay, &frontier, &leaves[size - 1]);
        overlay_write(overlay, batch);
        assert_int_equal(kv_write(plain, batch, false), ST_OK);
        kv_batch_free(batch);
        overlay_free(overlay);
        struct kv_snapshot *snapshot = kv_snapshot_new(plain);
        for (uint32_t i = 0; i < size; i++) {
            struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
            struct hash32 expected[LIMIT_MERKLE_DEPTH_MAX];
            uint32_t count = 0;
            assert_int_equal(history_path(plain, snapshot, i, size, path, &count), ST_OK);
            assert_int_equal(count, merkle_path(expected, leaves, size, i));
            assert_memory_equal(path, expected, count * sizeof path[0]);
        }
        kv_snapshot_free(plain, snapshot);
    }
    kv_close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_transaction_of_the_chain),
        cmocka_unit_test(test_absent_from_each_block),
        cmocka_unit_test(test_a_block_above_the_view),
        cmocka_unit_test(test_set_history),
        cmocka_unit_test(test_history_paths),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
