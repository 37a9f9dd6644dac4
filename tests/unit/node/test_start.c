/* Where the core starts: in any era, at its first block, within it and at its last, from log and ledger alone. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "consensus/core.h"
#include "ledger/ledger_internal.h"
#include "node/driver/internal.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"
#include "tests/unit/ledger/support.h"

enum { HEIGHTS_MADE = 6 };

/* The set changes with blocks 2 and 5: eras 1, 3 and 6. */
static const uint64_t era_of[HEIGHTS_MADE + 2] = {0, 1, 1, 3, 3, 3, 6, 6};

static struct node node;
static struct driver driver;
static struct validator_set sets[HEIGHTS_MADE + 2]; /* by era */
static struct hash32 hashes[HEIGHTS_MADE + 1];
static char error[NODE_ERROR_SIZE];

static void make_sets(void)
{
    sets[1] = node.genesis.set;
    sets[3] = sets[1];
    sets[3].era = 3;
    sets[3].count--;
    sets[6] = sets[1];
    sets[6].era = 6;
    sets[6].validators[0].incarnation = 1;
}

static int setup(void **state)
{
    struct kv *log = NULL;
    (void)state;
    memset(&node, 0, sizeof node);
    memset(&driver, 0, sizeof driver);
    node.genesis = support_genesis();
    node.signer = support_signer(101);
    make_sets();
    driver.node = &node;
    driver.scratch = malloc(PBFT_PARSE_SCRATCH_SIZE);
    return driver.scratch != NULL && kv_open_memory(&node.state_kv) == ST_OK &&
                   kv_open_memory(&log) == ST_OK &&
                   block_log_open(&node.block_log, log, &node.genesis.chain_id,
                                  signer_key(node.signer), error, sizeof error) == ST_OK &&
                   ledger_open(&node.ledger, node.state_kv, &node.genesis, error, sizeof error) ==
                       ST_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(driver.core_memory);
    free(driver.scratch);
    ledger_close(node.ledger);
    kv_close(node.state_kv);
    block_log_close(node.block_log);
    signer_free(node.signer);
    genesis_free(&node.genesis);
    return 0;
}

/* The state as if the block had been applied. */
static void apply(const struct header *header, const struct validator_set *next)
{
    struct merkle_frontier history;
    struct hash32 leaf = {{0}};
    struct overlay *overlay = overlay_new(node.state_kv);
    struct kv_batch *batch = kv_batch_new();
    merkle_frontier_init(&history);
    for (uint64_t i = 0; i < header->height; i++) {
        merkle_frontier_append(&history, &leaf);
    }
    struct next_height tip = {.set = *next, .params = *node.genesis.message->params};
    struct hash32 hash;
    header_hash(&hash, header);
    ledger_put_tip(overlay, header, &hash, &tip, &history);
    overlay_write(overlay, batch);
    assert_int_equal(kv_write(node.state_kv, batch, false), ST_OK);
    kv_batch_free(batch);
    overlay_free(overlay);
    ledger_close(node.ledger);
    assert_int_equal(ledger_open(&node.ledger, node.state_kv, &node.genesis, error, sizeof error),
                     ST_OK);
}

static struct bytes set_change(uint8_t *out, const struct header *header,
                               const struct validator_set *next)
{
    uint8_t header_bytes[LIMIT_HEADER_SIZE_MAX];
    uint8_t set_bytes[VALIDATOR_SET_SIZE_MAX];
    Xuelian__SetChange wire = XUELIAN__SET_CHANGE__INIT;
    wire.header = field_borrow(header_bytes, header_encode(header_bytes, header));
    wire.certificate = field_borrow("certificate", 11);
    wire.next_set = field_borrow(set_bytes, validator_set_encode(set_bytes, next));
    return bytes_of(out, canonical_encode(out, &wire.base));
}

/* Block `height`, empty, certified by the set of its era. */
static void add_block(uint64_t height, bool with_change)
{
    static uint8_t change[VALIDATOR_SET_SIZE_MAX + 1024];
    const struct validator_set *set = &sets[era_of[height]];
    const struct validator_set *next = &sets[era_of[height + 1]];
    struct header header = {.version = 1,
                            .suite = 1,
                            .chain_id = node.genesis.chain_id,
                            .height = height,
                            .time_ms = SUPPORT_GENESIS_TIME_MS + height};
    struct bytes written = {.size = 0};
    merkle_root(&header.tx_root, NULL, 0);
    header.parent_hash = hashes[height - 1];
    validator_set_hash(&header.validators_hash, set);
    validator_set_hash(&header.next_validators_hash, next);
    header_hash(&hashes[height], &header);
    if (set != next && with_change) {
        written = set_change(change, &header, next);
    }
    assert_int_equal(block_log_append(node.block_log, &header, bytes_of("certificate", 11), NULL, 0,
                                      written, false),
                     ST_OK);
    apply(&header, next);
}

static enum status start(void)
{
    free(driver.core_memory);
    driver.core_memory = NULL;
    driver.core = NULL;
    driver.params = *ledger_params(node.ledger);
    driver.tip_height = ledger_tip(node.ledger)->height;
    return driver_start_core(&driver, error);
}

/* The core is in the right era, rests on its base, and knows the set that certified that. */
static void expect_started(uint64_t tip)
{
    uint64_t era = era_of[tip + 1];
    uint64_t before = era == 1 ? 1 : era_of[era - 1];
    struct hash32 hash;
    if (start() != ST_OK) {
        fail_msg("at %u: %s", (unsigned)tip, error);
    }
    assert_int_equal(driver.core->height, tip);
    assert_int_equal(pbft_set(driver.core)->era, era);
    assert_int_equal(driver.core->tip_set.era, tip == 0 ? 1 : era_of[tip]);
    validator_set_hash(&hash, &sets[era]);
    assert_true(hash32_equal(&hash, &driver.core->set_hash));
    validator_set_hash(&hash, &sets[before]);
    assert_true(hash32_equal(&hash, &driver.core->previous_set_hash));
    assert_true(hash32_equal(&driver.core->era_base_hash, &hashes[era - 1]));
}

static void test_every_tip(void **state)
{
    (void)state;
    hashes[0] = *ledger_tip_hash(node.ledger);
    expect_started(0);
    for (uint64_t height = 1; height <= HEIGHTS_MADE; height++) {
        add_block(height, true);
        expect_started(height);
    }
}

/* A log without the change that led to the ledger's set, or with another one in its place. */
static void test_change_missing(void **state)
{
    (void)state;
    hashes[0] = *ledger_tip_hash(node.ledger);
    for (uint64_t height = 1; height <= 5; height++) {
        add_block(height, height != 5);
    }
    assert_int_equal(start(), ST_CORRUPT);
    assert_non_null(strstr(error, "block 5, where the validator set last changed, cannot be read"));
    assert_null(driver.core);
}

/* A bare node: what it says of itself. */
static void test_standing(void **state)
{
    struct pbft_summary summary;
    char text[512];
    (void)state;
    hashes[0] = *ledger_tip_hash(node.ledger);
    expect_started(0);
    pbft_summary(driver.core, &summary);
    assert_true(summary.self >= 0);
    assert_false(summary.voting);
    driver_standing(&driver, &summary, text, sizeof text);
    assert_non_null(strstr(text, "This node's vote journal is lost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_tip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_change_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_standing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
