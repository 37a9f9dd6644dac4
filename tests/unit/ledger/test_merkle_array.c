/* The indexed Merkle array beside a naive model: every root, path and neighbour. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/state/merkle_array.h"
#include "proto/bytes.h"

enum { LEAVES_MAX = 700, COLLECTION = 7 };

static struct merkle_leaf model[LEAVES_MAX];
static size_t model_count;

/* Sorted links recomputed from nothing. */
static void model_link(void)
{
    for (size_t i = 0; i < model_count; i++) {
        struct hash32 best = {{0}};
        for (size_t k = 1; k < model_count; k++) {
            if (hash32_compare(&model[k].key, &model[i].key) > 0 &&
                (hash32_is_zero(&best) || hash32_compare(&model[k].key, &best) < 0)) {
                best = model[k].key;
            }
        }
        model[i].next = best;
    }
}

static struct hash32 model_root(void)
{
    static struct hash32 hashes[LEAVES_MAX];
    struct hash32 root;
    for (size_t i = 0; i < model_count; i++) {
        merkle_leaf_hash(&hashes[i], &model[i]);
    }
    merkle_root(&root, hashes, model_count);
    return root;
}

static void apply(struct kv *kv, struct overlay *overlay)
{
    struct kv_batch *batch = kv_batch_new();
    overlay_write(overlay, batch);
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    kv_batch_free(batch);
    overlay_free(overlay);
}

static void check_reader(struct kv *kv)
{
    struct merkle_reader reader;
    struct hash32 root = model_root();
    assert_int_equal(merkle_reader_open(&reader, kv, NULL, COLLECTION), ST_OK);
    assert_int_equal(reader.count, model_count);
    for (uint64_t i = 0; i < model_count; i++) {
        struct merkle_leaf leaf;
        struct hash32 hash;
        struct hash32 got;
        struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
        uint32_t size = 0;
        uint64_t position = 0;
        assert_int_equal(merkle_reader_leaf(&reader, i, &leaf), ST_OK);
        assert_memory_equal(&leaf, &model[i], sizeof leaf);
        assert_int_equal(merkle_reader_path(&reader, i, path, &size), ST_OK);
        merkle_leaf_hash(&hash, &leaf);
        assert_int_equal(merkle_root_from_path(&got, &hash, i, reader.count, path, size), ST_OK);
        assert_true(hash32_equal(&got, &root));
        if (i > 0) {
            assert_int_equal(merkle_reader_find(&reader, &leaf.key, &position), ST_OK);
            assert_int_equal(position, i);
        }
        /* Just above a key, its own leaf is the neighbour below. */
        struct hash32 above = leaf.key;
        above.bytes[31] ^= 1;
        if (hash32_compare(&above, &leaf.key) > 0 &&
            merkle_reader_find(&reader, &above, &position) == ST_NOT_FOUND) {
            assert_int_equal(merkle_reader_below(&reader, &above, &position), ST_OK);
            assert_int_equal(position, i);
        }
    }
}

static void test_against_model(void **state)
{
    struct kv *kv = NULL;
    uint32_t random = 7;
    (void)state;
    kv_open_memory(&kv);
    memset(model, 0, sizeof model);
    model_count = 1;
    for (unsigned block = 0; block < 60; block++) {
        struct overlay *overlay = overlay_new(kv);
        struct merkle_array array;
        if (block == 0) {
            merkle_array_create(&array, overlay, COLLECTION);
        } else {
            assert_int_equal(merkle_array_open(&array, overlay, COLLECTION), ST_OK);
        }
        /* From none to many inserts a block, so that every page and level boundary is crossed. */
        random = random * 1664525 + 1013904223;
        size_t inserts = block % 5 == 0 ? 0 : (random >> 16) % (block % 7 == 1 ? 90 : 5);
        for (size_t i = 0; i < inserts && model_count < LEAVES_MAX; i++) {
            struct merkle_leaf leaf = {.value = {{(uint8_t)i}}};
            uint64_t position = 0;
            hash_plain(&leaf.key, &model_count, sizeof model_count);
            assert_int_equal(merkle_array_find(&array, &leaf.key, &position), ST_NOT_FOUND);
            position = merkle_array_insert(&array, &leaf.key, &leaf.value);
            assert_int_equal(position, model_count);
            model[model_count++] = leaf;
            assert_int_equal(merkle_array_find(&array, &leaf.key, &position), ST_OK);
        }
        for (unsigned i = 0; i < block % 3; i++) {
            random = random * 1664525 + 1013904223;
            size_t position = (random >> 8) % model_count;
            if (position > 0) {
                model[position].value.bytes[1]++;
                assert_int_equal(merkle_array_update(&array, position, &model[position].value),
                                 ST_OK);
            }
        }
        assert_int_equal(merkle_array_finish(&array), ST_OK);
        model_link();
        struct hash32 root = model_root();
        if (block > 0 || model_count > 0) {
            assert_true(hash32_equal(&array.root, &root));
        }
        merkle_array_close(&array);
        apply(kv, overlay);
        if (block % 10 == 9) {
            check_reader(kv);
        }
    }
    assert_true(model_count > 257); /* three levels of pages */
    kv_close(kv);
}

/* A store that lost a page, or holds half of one, is damaged: no root is made up from what is left. */
static void test_damaged_pages(void **state)
{
    enum { LEAVES = 40 };
    const size_t keep[] = {0, 64, 33}; /* bytes left of the page; 0: it is gone */
    (void)state;
    for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
        struct kv *kv = NULL;
        struct merkle_array array;
        const struct hash32 value = {{1}};
        const uint8_t page[] = {'N', COLLECTION, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        kv_open_memory(&kv);
        struct overlay *overlay = overlay_new(kv);
        merkle_array_create(&array, overlay, COLLECTION);
        for (uint64_t k = 1; k < LEAVES; k++) {
            struct hash32 key;
            hash_plain(&key, &k, sizeof k);
            (void)merkle_array_insert(&array, &key, &value);
        }
        assert_int_equal(merkle_array_finish(&array), ST_OK);
        merkle_array_close(&array);
        apply(kv, overlay);
        uint8_t *stored = NULL;
        size_t size = 0;
        assert_int_equal(kv_get(kv, NULL, bytes_of(page, sizeof page), &stored, &size), ST_OK);
        assert_int_equal(size, 16 * 32);
        struct kv_batch *batch = kv_batch_new();
        if (keep[i] == 0) {
            kv_batch_delete(batch, bytes_of(page, sizeof page));
        } else {
            kv_batch_put(batch, bytes_of(page, sizeof page), bytes_of(stored, keep[i]));
        }
        assert_int_equal(kv_write(kv, batch, false), ST_OK);
        kv_batch_free(batch);
        kv_free(stored);
        overlay = overlay_new(kv);
        assert_int_equal(merkle_array_open(&array, overlay, COLLECTION), ST_OK);
        assert_int_equal(merkle_array_update(&array, 20, &value), ST_OK);
        assert_int_equal(merkle_array_finish(&array), ST_CORRUPT);
        merkle_array_close(&array);
        overlay_free(overlay);
        kv_close(kv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model),
                                       cmocka_unit_test(test_damaged_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
