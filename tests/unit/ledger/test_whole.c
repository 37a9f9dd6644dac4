/* A state of random transactions, looked at as a whole: it is whole, and whatever is taken from it or altered in it is
 * found, key by key. */
#include "tests/unit/cmocka_all.h"

#include "ledger/ledger.h"
#include "ledger/whole/check.h"
#include "proto/bytes.h"
#include "tests/unit/ledger/runs.h"

enum { BLOCKS = 250, TXS = 3 };

static struct run run;

static void test_every_key(void **state)
{
    (void)state;
    run_open(&run, 7);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct run_draft drafts[TXS];
        struct bytes txs[TXS];
        uint32_t codes[TXS];
        for (uint32_t k = 0; k < TXS; k++) {
            run_make(&run, &drafts[k]);
            txs[k] = run_sign(&run, &drafts[k]);
        }
        people_block(&run.net, txs, TXS, codes, 0);
        for (uint32_t k = 0; k < TXS; k++) {
            if (codes[k] == ST_OK) {
                run_note(&run, &drafts[k]);
            }
        }
    }
    state_free(run.net.reading);
    run.net.reading = NULL;
    assert_true(support_spoil(run.net.kv, &run.net.genesis, 5) > 200);
    run_close(&run);
}

/* What nobody wrote is found too. */
static void test_foreign_keys(void **state)
{
    static const char *const keys[] = {"Q", "K\x0c", "Xz", "R\x01\xff\xff\xff\xff\xff\xff\xff\xff",
                                       "I\x7f\xff\xff\xff\xff\xff\xff\xff"};
    (void)state;
    run_open(&run, 1);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct whole_report report = {.entries = 0};
        struct ledger_view view;
        struct kv_batch *batch = kv_batch_new();
        kv_batch_put(batch, bytes_of(keys[i], strlen(keys[i])), bytes_of("12345678", 8));
        assert_int_equal(kv_write(run.net.kv, batch, false), ST_OK);
        assert_int_equal(ledger_view_open(&view, run.net.kv), ST_OK);
        assert_int_equal(whole_check_state(&view, &run.net.genesis, NULL, NULL, &report),
                         ST_CORRUPT);
        ledger_view_close(&view);
        kv_batch_clear(batch);
        kv_batch_delete(batch, bytes_of(keys[i], strlen(keys[i])));
        assert_int_equal(kv_write(run.net.kv, batch, false), ST_OK);
        kv_batch_free(batch);
    }
    run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_key),
                                       cmocka_unit_test(test_foreign_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
