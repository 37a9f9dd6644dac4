/* Answers are taken from whom they are owed by, as many as were asked for. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"

static const struct pubkey33 first = {{2, 1}};
static const struct pubkey33 second = {{2, 2}};

static struct driver *driver_new(void)
{
    struct driver *driver = calloc(1, sizeof *driver);
    assert_non_null(driver);
    return driver;
}

static void driver_end(struct driver *driver)
{
    driver_asked_free(driver);
    free(driver);
}

static void test_once(void **state)
{
    struct driver *driver = driver_new();
    (void)state;
    assert_false(driver_answered(driver, &first, ASKED_BLOCKS, NULL, NULL));
    driver_asked_blocks(driver, &first);
    assert_false(driver_answered(driver, &second, ASKED_BLOCKS, NULL, NULL));
    assert_false(driver_answered(driver, &first, ASKED_ENTRIES, NULL, NULL));
    assert_true(driver_answered(driver, &first, ASKED_BLOCKS, NULL, NULL));
    assert_false(driver_answered(driver, &first, ASKED_BLOCKS, NULL, NULL));
    for (int i = 0; i < 3 * ASKED_OUTSTANDING_MAX; i++) {
        driver_asked_blocks(driver, &first);
    }
    for (int i = 0; i < ASKED_OUTSTANDING_MAX; i++) {
        assert_true(driver_answered(driver, &first, ASKED_BLOCKS, NULL, NULL));
    }
    assert_false(driver_answered(driver, &first, ASKED_BLOCKS, NULL, NULL));
    driver_end(driver);
}

static void test_that_header(void **state)
{
    struct driver *driver = driver_new();
    struct hash32 one = {{1}};
    struct hash32 other = {{2}};
    (void)state;
    driver_asked_proposal(driver, &first, &one);
    assert_false(driver_answered(driver, &first, ASKED_PROPOSAL, &other, NULL));
    driver_asked_proposal(driver, &first, &other);
    assert_true(driver_answered(driver, &first, ASKED_PROPOSAL, &one, NULL));
    assert_true(driver_answered(driver, &first, ASKED_PROPOSAL, &other, NULL));
    assert_false(driver_answered(driver, &first, ASKED_PROPOSAL, &one, NULL));
    driver_end(driver);
}

static void test_those_entries(void **state)
{
    struct driver *driver = driver_new();
    uint8_t bytes[96] = {9};
    struct entry_list entries = {.count = 0};
    struct hash32 unasked = {{7}};
    (void)state;
    bytes[32] = 3;
    bytes[64] = 5;
    driver_asked_entries(driver, &first, bytes_of(bytes, 32));
    driver_asked_entries(driver, &first, bytes_of(bytes, sizeof bytes)); /* the newest counts */
    assert_true(driver_answered(driver, &first, ASKED_ENTRIES, NULL, &entries));
    assert_int_equal(entries.count, 3);
    for (int i = 0; i < 3; i++) {
        struct hash32 entry;
        memcpy(entry.bytes, bytes + 32 * i, 32);
        const struct hash32 *found = entry_find(&entries, &entry);
        assert_non_null(found);
        assert_memory_equal(found, &entry, 32);
    }
    assert_null(entry_find(&entries, &unasked));
    free(entries.list);
    entries = entry_list_make((struct bytes){.size = 0});
    assert_null(entry_find(&entries, &unasked));
    free(entries.list);
    driver_end(driver);
}

/* Of more than there is room for, the oldest is forgotten; nothing is kept of it. */
static void test_many(void **state)
{
    struct driver *driver = driver_new();
    uint8_t bytes[32] = {1};
    (void)state;
    for (uint8_t i = 0; i <= ASKED_MAX; i++) {
        struct pubkey33 peer = {{3, i}};
        driver_asked_entries(driver, &peer, bytes_of(bytes, sizeof bytes));
    }
    for (uint8_t i = 0; i <= ASKED_MAX; i++) {
        struct pubkey33 peer = {{3, i}};
        assert_int_equal(driver_answered(driver, &peer, ASKED_ENTRIES, NULL, NULL), i > 0);
    }
    driver_end(driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_that_header),
        cmocka_unit_test(test_those_entries),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
