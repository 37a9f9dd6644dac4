/* The corpus of forgeries of conversion proofs, from a ledger in which two conversions were granted under one rule: each
 * is refused for the reason that tests/unit/verify/forged_conversions.txt says. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/net.h"
#include "tests/unit/ledger/prover.h"
#include "tests/unit/verify/forge.h"

enum { RULE = 10, LEARNER = 1, AWARDED = 20250701 };

static struct net net;
static struct prover prover;
static uint8_t genesis[32768];

static void keep(uint64_t height, const struct bytes *txs, uint32_t count)
{
    prover_keep(&prover, height, txs, count);
}

/* Applies under the rule, which grants at once. Returns the item. */
static uint64_t convert(uint64_t source, uint32_t used)
{
    Xuelian__ConversionApplication application = XUELIAN__CONVERSION_APPLICATION__INIT;
    Xuelian__SourceUse use = XUELIAN__SOURCE_USE__INIT;
    Xuelian__SourceUse *uses[] = {&use};
    struct hash32 learner = support_learner(LEARNER);
    struct hash32 hash;
    uint64_t memory[512];
    net_item(&net, LEARNER, source, memory, &hash);
    use.item = source;
    use.version_hash = field_borrow(&hash, 32);
    use.used = used;
    application.account = field_borrow(&learner, 32);
    application.rule = RULE;
    application.sources = uses;
    application.n_sources = 1;
    assert_int_equal(net_submit(&net, XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY, &application.base,
                                NET_LEARNER + LEARNER),
                     ST_OK);
    return net_last(&net, LEARNER);
}

/* No single bit of it does not matter. */
static void flip_all(uint64_t item)
{
    static struct verify_result result;
    struct hash32 learner = support_learner(LEARNER);
    assert_int_equal(prover_conversion(&prover, &learner, item, false), ST_OK);
    size_t size = prover.proof_size;
    size_t room = VERIFY_SCRATCH_SIZE(prover.genesis_bytes.size, size);
    uint8_t *copy = malloc(size);
    void *scratch = malloc(room);
    assert_true(copy != NULL && scratch != NULL);
    memcpy(copy, prover.proof.data, size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify_proof(&result, prover.genesis_bytes, bytes_of(copy, size), NULL, scratch,
                         room) == ST_OK) {
            fail_msg("bit %zu of byte %zu does not matter", bit % 8, bit / 8);
        }
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    free(scratch);
}

static void test_forgeries(void **state)
{
    static struct forge_corpus corpus;
    Xuelian__Rule rule;
    Xuelian__Rule *rules[] = {&rule};
    struct hash32 learner = support_learner(LEARNER);
    (void)state;
    net_conversion(&rule, RULE);
    rule.automatic = true;
    rule.ratio_num = 2;
    rule.ratio_den = 3;
    size_t size = net_genesis_bytes(genesis, rules, 1, NULL, 0);
    net_open(&net, rules, 1, NULL, 0);
    prover_open(&prover, net.kv, &net.genesis, bytes_of(genesis, size));
    net.keep = keep;
    net_account(&net, LEARNER, true);
    uint64_t source = net_deposit(&net, LEARNER, 400, AWARDED);
    convert(source, 100);
    net_deposit(&net, LEARNER, 300, AWARDED + 1);
    uint64_t item = convert(source, 150);
    forge_open(&corpus, "forged_conversions.txt");
    for (int whole = 0; whole < 2; whole++) {
        assert_int_equal(prover_conversion(&prover, &learner, item, whole == 1), ST_OK);
        assert_int_equal(prover.result.conversion.totals_proved, whole);
        assert_int_equal(prover.result.items[whole == 1 ? 3 : 1].conversion.credits, 100);
        assert_true(forge_proof(&corpus, whole == 1 ? "whole" : "conversion", prover.genesis_bytes,
                                prover.proof));
    }
    assert_int_equal(forge_close(&corpus), 0);
    flip_all(item);
    prover_close(&prover);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forgeries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
