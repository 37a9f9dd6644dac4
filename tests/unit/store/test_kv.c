/* Both backends of kv.h beside a model: writes, deletes, snapshots, iteration, reopening. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/store/kv.h"
#include "proto/bytes.h"
#include "tests/unit/folder.h"

enum { KEYS = 200 };

static const struct kv_options options = {
    .cache_size = 1 << 20, .write_buffer_size = 1 << 16, .bloom_bits = 10, .create = true};

/* Model: value of key i, or -1. */
static int model[KEYS];

static struct bytes key_of(char *text, int i)
{
    snprintf(text, 16, "key%04d", i);
    return bytes_of(text, 7);
}

static void check(struct kv *kv, const struct kv_snapshot *snapshot, const int *expected)
{
    char text[16];
    for (int i = 0; i < KEYS; i++) {
        uint8_t *value = NULL;
        size_t size = 0;
        enum status status = kv_get(kv, snapshot, key_of(text, i), &value, &size);
        assert_int_equal(status, expected[i] < 0 ? ST_NOT_FOUND : ST_OK);
        if (status == ST_OK) {
            assert_int_equal(size, 4);
            assert_int_equal(be32_get(value), expected[i]);
        }
        kv_free(value);
    }
    int at = 57;
    struct kv_iterator *iterator = kv_iterator_new(kv, snapshot, key_of(text, at));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        while (expected[at] < 0) {
            at++;
        }
        assert_true(bytes_equal(kv_iterator_key(iterator), key_of(text, at)));
        assert_int_equal(be32_get(kv_iterator_value(iterator).data), expected[at]);
        at++;
    }
    assert_int_equal(kv_iterator_status(iterator), ST_OK);
    kv_iterator_free(iterator);
    while (at < KEYS) {
        assert_true(expected[at++] < 0);
    }
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

static void write_some(struct kv *kv, uint32_t *random)
{
    struct kv_batch *batch = kv_batch_new();
    for (int i = 0; i < 20; i++) {
        char text[16];
        uint8_t value[4];
        int key = (int)(next_random(random) % KEYS);
        if (next_random(random) % 4 == 0) {
            kv_batch_delete(batch, key_of(text, key));
            model[key] = -1;
        } else {
            model[key] = (int)(next_random(random) % 1000);
            be32_put(value, (uint32_t)model[key]);
            kv_batch_put(batch, key_of(text, key), bytes_of(value, 4));
        }
    }
    assert_int_equal(kv_write(kv, batch, next_random(random) % 8 == 0), ST_OK);
    kv_batch_free(batch);
}

static void run(struct kv **kv, bool (*reopen)(struct kv **kv))
{
    uint32_t random = 1;
    for (int i = 0; i < KEYS; i++) {
        model[i] = -1;
    }
    for (int round = 0; round < 60; round++) {
        int before[KEYS];
        write_some(*kv, &random);
        memcpy(before, model, sizeof before);
        struct kv_snapshot *snapshot = kv_snapshot_new(*kv);
        write_some(*kv, &random);
        check(*kv, snapshot, before);
        kv_snapshot_free(*kv, snapshot);
        check(*kv, NULL, model);
        if (round % 10 == 9 && reopen(kv)) {
            check(*kv, NULL, model);
        }
    }
}

static bool stay(struct kv **kv)
{
    (void)kv;
    return false;
}

static void test_memory(void **state)
{
    struct kv *kv = NULL;
    (void)state;
    assert_int_equal(kv_open_memory(&kv), ST_OK);
    run(&kv, stay);
    kv_close(kv);
}

static char path[] = "kv-XXXXXX";

static struct kv *open_path(void)
{
    struct kv *kv = NULL;
    char error[256];
    assert_int_equal(kv_open_leveldb(&kv, path, &options, error, sizeof error), ST_OK);
    return kv;
}

static bool reopen_leveldb(struct kv **kv)
{
    kv_close(*kv);
    *kv = open_path();
    return true;
}

static void remove_path(const char *name)
{
    assert_int_equal(folder_remove(name), 0);
}

static void test_leveldb(void **state)
{
    struct kv *kv;
    char error[256] = "";
    struct kv *second = NULL;
    (void)state;
    assert_non_null(mkdtemp(path));
    kv = open_path();
    run(&kv, reopen_leveldb);
    assert_int_equal(kv_open_leveldb(&second, path, &options, error, sizeof error), ST_LOCKED);
    assert_string_equal(strstr(error, "is used by"),
                        "is used by another process; stop that process or choose another data "
                        "directory");
    kv_close(kv);
    remove_path(path);
}

static void test_missing_and_damaged(void **state)
{
    struct kv_options existing = options;
    struct kv *kv = NULL;
    char error[256] = "";
    char name[] = "kv-bad-XXXXXX";
    char file[64];
    (void)state;
    existing.create = false;
    assert_int_equal(kv_open_leveldb(&kv, "no-such-directory", &existing, error, sizeof error),
                     ST_NOT_FOUND);
    assert_string_equal(error,
                        "there is no database at no-such-directory; check the data directory");
    assert_int_not_equal(access("no-such-directory", F_OK), 0); /* looking makes nothing */
    assert_non_null(mkdtemp(name));
    assert_int_equal(kv_open_leveldb(&kv, name, &options, error, sizeof error), ST_OK);
    kv_close(kv);
    snprintf(file, sizeof file, "%s/CURRENT", name);
    FILE *current = fopen(file, "w");
    assert_non_null(current);
    fputs("MANIFEST-999999\n", current);
    fclose(current);
    assert_int_equal(kv_open_leveldb(&kv, name, &options, error, sizeof error), ST_CORRUPT);
    assert_non_null(strstr(error, "is damaged"));
    assert_non_null(strstr(error, "move it away and let the node rebuild it from its peers"));
    remove_path(name);
}

/* A path that holds LevelDB's own words does not change what is said about the database. */
static void test_words_in_the_path(void **state)
{
    struct kv *kv = NULL;
    char error[256] = "";
    char name[] = "kv-lock-blocks-XXXXXX";
    char file[64];
    (void)state;
    assert_non_null(mkdtemp(name));
    assert_int_equal(kv_open_leveldb(&kv, name, &options, error, sizeof error), ST_OK);
    kv_close(kv);
    snprintf(file, sizeof file, "%s/CURRENT", name);
    FILE *current = fopen(file, "w");
    assert_non_null(current);
    fputs("MANIFEST-999999\n", current);
    fclose(current);
    assert_int_equal(kv_open_leveldb(&kv, name, &options, error, sizeof error), ST_CORRUPT);
    assert_non_null(strstr(error, "is damaged"));
    remove_path(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_leveldb),
        cmocka_unit_test(test_missing_and_damaged), cmocka_unit_test(test_words_in_the_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
