/* The query log: its roots and paths are those of RFC 9162 over its entries, it finds what is about a learner, and it
 * goes on where it was. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/query_log.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/merkle.h"
#include "tests/unit/folder.h"

enum { ENTRIES = 70, LEARNERS = 3 };

static char folder[64];
static struct query_log *query_log;
static struct hash32 leaves[ENTRIES];

static void open_log(void)
{
    char error[256];
    assert_int_equal(query_log_open(&query_log, folder, error, sizeof error), ST_OK);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "query-log-XXXXXX");
    assert_non_null(mkdtemp(folder));
    open_log();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    query_log_close(query_log);
    return folder_remove(folder);
}

static void fill(struct query_entry *entry, uint32_t number)
{
    *entry = (struct query_entry){.time_ms = 1000 + number,
                                  .height = number,
                                  .learner = {{(uint8_t)(number % LEARNERS + 1)}},
                                  .reader = XUELIAN__QUERY_READER__QUERY_READER_MEMBER,
                                  .member = 7};
    snprintf(entry->what, sizeof entry->what, "items/%u/proof", number);
}

static void test_appends(void **state)
{
    static struct query_entry entries[ENTRIES];
    struct query_entry *batch[ENTRIES];
    struct hash32 root;
    uint64_t size = 99;
    (void)state;
    assert_int_equal(query_log_head(query_log, &size, &root), ST_OK);
    assert_int_equal(size, 0);
    /* Batches of 1, 2, 3...; between them it is closed and opened. */
    uint32_t next = 0;
    for (uint32_t step = 1; next < ENTRIES; step++) {
        uint32_t count = 0;
        for (; count < step && next < ENTRIES; next++) {
            fill(&entries[next], next + 1);
            batch[count++] = &entries[next];
        }
        assert_int_equal(query_log_append(query_log, batch, count), ST_OK);
        query_log_close(query_log);
        open_log();
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        hash_leaf(&leaves[i], TAG_LEAF_QUERY, entries[i].bytes, entries[i].size);
        merkle_root(&root, leaves, i + 1);
        assert_int_equal(entries[i].log_size, i + 1);
        assert_true(hash32_equal(&root, &entries[i].log_root));
    }
    assert_int_equal(query_log_head(query_log, &size, &root), ST_OK);
    assert_int_equal(size, ENTRIES);
    assert_true(hash32_equal(&root, &entries[ENTRIES - 1].log_root));
}

static void test_paths(void **state)
{
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    struct hash32 wanted[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t count = 0;
    (void)state;
    for (uint64_t size = 1; size <= ENTRIES; size++) {
        for (uint64_t number = 1; number <= size; number++) {
            assert_int_equal(query_log_path(query_log, number, size, path, &count), ST_OK);
            assert_int_equal(count, merkle_path(wanted, leaves, size, number - 1));
            assert_memory_equal(path, wanted, count * sizeof *path);
        }
    }
    assert_int_equal(query_log_path(query_log, 0, 5, path, &count), ST_NOT_FOUND);
    assert_int_equal(query_log_path(query_log, 6, 5, path, &count), ST_NOT_FOUND);
    assert_int_equal(query_log_path(query_log, 1, ENTRIES + 1, path, &count), ST_NOT_FOUND);
}

struct seen {
    uint64_t numbers[ENTRIES];
    uint32_t count;
    uint32_t enough;
    uint8_t learner;
};

static bool see(void *context, uint64_t number, struct bytes entry)
{
    struct seen *seen = context;
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(canonical_decode(&message, &xuelian__query_entry__descriptor, entry, &arena),
                     ST_OK);
    const Xuelian__QueryEntry *wire = (const Xuelian__QueryEntry *)(const void *)message;
    assert_int_equal(wire->number, number);
    assert_int_equal(wire->learner.data[0], seen->learner);
    assert_int_equal(wire->salt.len, 16);
    seen->numbers[seen->count++] = number;
    return seen->count < seen->enough;
}

static void test_about(void **state)
{
    (void)state;
    for (uint8_t learner = 1; learner <= LEARNERS; learner++) {
        struct hash32 id = {{learner}};
        struct seen all = {.enough = ENTRIES, .learner = learner};
        assert_int_equal(query_log_about(query_log, &id, 0, see, &all), ST_OK);
        assert_int_equal(all.count,
                         (ENTRIES + (uint32_t)(learner == 1 ? 0 : 2) - (learner == 3 ? 1 : 0)) /
                             LEARNERS);
        for (uint32_t i = 1; i < all.count; i++) {
            assert_int_equal(all.numbers[i], all.numbers[i - 1] - LEARNERS);
        }
        struct seen part = {.enough = 2, .learner = learner};
        assert_int_equal(query_log_about(query_log, &id, all.numbers[3], see, &part), ST_OK);
        assert_int_equal(part.count, 2);
        assert_int_equal(part.numbers[0], all.numbers[4]);
    }
    struct hash32 nobody = {{99}};
    struct seen none = {.enough = 1};
    assert_int_equal(query_log_about(query_log, &nobody, 0, see, &none), ST_OK);
    assert_int_equal(none.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_about),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
