/* The pool: order, bounds, variants of one id, expiry. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "node/pool/pool.h"
#include "proto/bytes.h"

static const struct pool_limits limits = {
    .bytes = 1000, .count = 10, .batch_bytes = 250, .batch_count = 4, .batch_work = 350};

/* Of a sender of its own, so that only the shared bounds count. */
static struct body *make(uint8_t id, uint8_t variant, uint64_t work, uint64_t valid_until)
{
    static uint8_t data[100];
    struct tx tx = {.bytes = bytes_of(data, sizeof data), .valid_until = valid_until};
    tx.signers[0].member = id;
    tx.id.bytes[0] = id;
    tx.entry.bytes[0] = id;
    tx.entry.bytes[1] = variant;
    return body_new(&tx, tx.bytes, false, work);
}

static enum status add(struct pool *pool, struct body *body, bool fetched)
{
    enum status status = pool_add(pool, body, fetched, 400, body->id.bytes[0]);
    body_release(body);
    return status;
}

static void test_order_and_batches(void **state)
{
    struct pool *pool = pool_new(&limits);
    uint8_t entries[4 * 32];
    (void)state;
    assert_int_equal(pool_oldest_ms(pool), UINT64_MAX);
    for (uint8_t i = 1; i <= 6; i++) {
        assert_int_equal(add(pool, make(i, 0, 10, 9), false), ST_OK);
    }
    assert_int_equal(add(pool, make(3, 0, 10, 9), false), ST_DUPLICATE);
    assert_int_equal(pool_count(pool), 6);
    assert_int_equal(pool_bytes(pool), 600);
    assert_int_equal(pool_oldest_ms(pool), 1);
    assert_true(pool_full_batch(pool));
    assert_int_equal(pool_select(pool, entries), 2); /* 250 bytes hold two of 100 */
    assert_int_equal(entries[0], 1);
    assert_int_equal(entries[32], 2);
    struct hash32 id = {{1}};
    pool_remove(pool, &id);
    assert_int_equal(pool_select(pool, entries), 2);
    assert_int_equal(entries[0], 2);
    assert_int_equal(pool_oldest_ms(pool), 2);
    pool_free(pool);
}

static void test_bounds(void **state)
{
    struct pool *pool = pool_new(&limits);
    (void)state;
    assert_int_equal(add(pool, make(1, 0, 300, 9), false), ST_OK);
    assert_int_equal(add(pool, make(2, 0, 101, 9), false), ST_BUSY); /* past 400 of work */
    assert_int_equal(add(pool, make(2, 0, 101, 9), true), ST_OK);    /* a proposal needs it */
    for (uint8_t i = 3; i <= 10; i++) {
        assert_int_equal(add(pool, make(i, 0, 1, 9), false), ST_OK);
    }
    assert_int_equal(add(pool, make(11, 0, 1, 9), false), ST_BUSY);
    assert_int_equal(add(pool, make(11, 0, 1, 9), true), ST_OK);
    assert_int_equal(pool_count(pool), 9);
    pool_free(pool);
}

static void gone(void *context, const struct hash32 *id)
{
    *(uint8_t *)context = id->bytes[0];
}

/* One sender takes half of what all may take; the rest stays open to others. */
static void test_share_of_a_sender(void **state)
{
    struct pool *pool = pool_new(&limits);
    (void)state;
    for (uint8_t i = 1; i <= 6; i++) {
        struct body *body = make(i, 0, 10, 9);
        body->sender = 7;
        assert_int_equal(add(pool, body, false), i <= 5 ? ST_OK : ST_BUSY);
    }
    assert_int_equal(add(pool, make(6, 0, 10, 9), false), ST_OK);
    struct hash32 id = {{1}};
    pool_remove(pool, &id);
    struct body *body = make(8, 0, 10, 9);
    body->sender = 7;
    assert_int_equal(add(pool, body, false), ST_OK);
    pool_free(pool);
}

/* What no batch can hold would wait for ever. */
static void test_larger_than_a_batch(void **state)
{
    struct pool *pool = pool_new(&limits);
    (void)state;
    assert_int_equal(add(pool, make(1, 0, 351, 9), false), ST_BAD_SIZE);
    assert_int_equal(add(pool, make(1, 0, 351, 9), true), ST_OK); /* for the ledger to judge */
    pool_free(pool);
}

static bool list_ids(void *context, struct body *body)
{
    uint8_t **at = context;
    *(*at)++ = body->id.bytes[0];
    return body->id.bytes[0] != 4;
}

/* A fetched body goes with the height whose proposal needed it, unless it came by itself since. */
static void test_fetched(void **state)
{
    struct pool *pool = pool_new(&limits);
    uint8_t ids[8] = {0};
    uint8_t *at = ids;
    uint8_t last = 0;
    (void)state;
    assert_int_equal(add(pool, make(1, 0, 10, 9), true), ST_OK);
    assert_int_equal(add(pool, make(2, 0, 10, 9), true), ST_OK);
    assert_int_equal(pool_count(pool), 0);
    assert_int_equal(add(pool, make(3, 0, 10, 9), false), ST_OK);
    assert_int_equal(add(pool, make(2, 0, 10, 9), false), ST_OK);
    assert_int_equal(add(pool, make(2, 0, 10, 9), false), ST_DUPLICATE);
    assert_int_equal(add(pool, make(4, 0, 10, 9), false), ST_OK);
    assert_int_equal(add(pool, make(5, 0, 10, 9), false), ST_OK);
    pool_expire(pool, 5, gone, &last);
    assert_int_equal(last, 0);
    assert_int_equal(pool_bytes(pool), 400);
    pool_each_waiting(pool, list_ids, &at);
    assert_memory_equal(ids, ((const uint8_t[8]){3, 2, 4}), 8);
    pool_free(pool);
}

static void test_variants(void **state)
{
    struct pool *pool = pool_new(&limits);
    struct hash32 id = {{1}};
    struct hash32 entry = {{1, 1}};
    uint8_t entries[4 * 32];
    (void)state;
    assert_int_equal(add(pool, make(1, 0, 10, 9), false), ST_OK);
    assert_int_equal(add(pool, make(1, 1, 10, 9), false), ST_DUPLICATE);
    assert_int_equal(add(pool, make(1, 1, 10, 9), true), ST_OK);
    assert_non_null(pool_find_entry(pool, &entry));
    assert_int_equal(pool_find_id(pool, &id)->entry.bytes[1], 0);
    assert_int_equal(pool_select(pool, entries), 1);
    struct body *held = pool_find_entry(pool, &entry);
    body_hold(held);
    pool_remove(pool, &id); /* ends both */
    assert_null(pool_find_entry(pool, &entry));
    assert_int_equal(pool_bytes(pool), 0);
    assert_int_equal(held->bytes.size, 100); /* still readable by who holds it */
    body_release(held);
    pool_free(pool);
}

static void test_expiry(void **state)
{
    struct pool *pool = pool_new(&limits);
    uint8_t last = 0;
    (void)state;
    add(pool, make(1, 0, 10, 5), false);
    add(pool, make(2, 0, 10, 6), false);
    pool_expire(pool, 5, gone, &last);
    assert_int_equal(pool_count(pool), 2);
    pool_expire(pool, 6, gone, &last);
    assert_int_equal(last, 1);
    assert_int_equal(pool_count(pool), 1);
    assert_int_equal(pool_work(pool), 10);
    pool_free(pool);
}

static void count_gone(void *context, const struct hash32 *id)
{
    (void)id;
    (*(unsigned *)context)++;
}

/* What no batch can hold any more would stop all behind it. */
static void test_smaller_batches(void **state)
{
    struct pool *pool = pool_new(&limits);
    struct pool_limits smaller = limits;
    uint8_t entries[4 * 32];
    unsigned gone = 0;
    (void)state;
    assert_int_equal(add(pool, make(1, 0, 300, 9), false), ST_OK);
    assert_int_equal(add(pool, make(2, 0, 10, 9), false), ST_OK);
    smaller.batch_work = 100;
    pool_use_limits(pool, &smaller, count_gone, &gone);
    assert_int_equal(gone, 1);
    assert_int_equal(pool_count(pool), 1);
    assert_int_equal(pool_select(pool, entries), 1);
    assert_int_equal(entries[0], 2);
    assert_int_equal(add(pool, make(3, 0, 101, 9), false), ST_BAD_SIZE);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_batches),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_share_of_a_sender),
        cmocka_unit_test(test_larger_than_a_batch),
        cmocka_unit_test(test_fetched),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_smaller_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
