/* The item tree of an account beside a plain list of versions: appended and changed at random, the root must be
 * that over all leaves, and every version must be there. */
#include "tests/unit/cmocka_all.h"

#include "ledger/state/items.h"
#include "ledger/state/keys.h"
#include "proto/bytes.h"

enum { ITEMS_MAX = 4096 * 2 + 64 * 3 + 5, VERSION_SIZE = 12 };

static uint32_t numbers[ITEMS_MAX]; /* newest version of each item */
static struct hash32 leaves[ITEMS_MAX];
static uint32_t random_state;

static uint64_t pick(uint64_t count)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % count;
}

/* Any bytes do: the tree does not read them. */
static struct bytes version_of(uint8_t out[VERSION_SIZE], uint64_t item, uint32_t number)
{
    be64_put(out, item);
    be32_put(out + 8, number);
    return bytes_of(out, VERSION_SIZE);
}

static void set_leaf(uint64_t item)
{
    uint8_t bytes[VERSION_SIZE];
    struct hash32 hash;
    struct bytes version = version_of(bytes, item, numbers[item - 1]);
    hash_tagged(&hash, TAG_VERSION, version.data, version.size);
    account_item_leaf(&leaves[item - 1], item, &hash);
}

static void check_root(const struct account *account)
{
    struct hash32 expected;
    struct hash32 got;
    merkle_root(&expected, leaves, account->items.size);
    merkle_frontier_root(&account->items, &got);
    assert_memory_equal(&got, &expected, 32);
}

static void append(struct overlay *overlay, struct account *account)
{
    uint8_t bytes[VERSION_SIZE];
    uint64_t item = account->items.size + 1;
    numbers[item - 1] = 1;
    assert_int_equal(items_append(overlay, account, version_of(bytes, item, 1)), item);
    set_leaf(item);
}

static void change(struct overlay *overlay, struct account *account, uint64_t item)
{
    uint8_t bytes[VERSION_SIZE];
    uint32_t before = numbers[item - 1]++;
    assert_int_equal(
        items_change(overlay, account, item, before, version_of(bytes, item, numbers[item - 1])),
        ST_OK);
    set_leaf(item);
}

static void check_versions(struct overlay *overlay, const struct account *account, uint64_t item)
{
    uint8_t bytes[VERSION_SIZE];
    struct bytes got;
    assert_int_equal(items_get(overlay, account, item, &got), ST_OK);
    assert_memory_equal(got.data, version_of(bytes, item, numbers[item - 1]).data, VERSION_SIZE);
    for (uint32_t number = 1; number < numbers[item - 1]; number++) {
        struct state_key key = key_of('O');
        key_add64(&key, account->position);
        key_add64(&key, item);
        key_add32(&key, number);
        assert_int_equal(overlay_get(overlay, key_bytes(&key), &got), ST_OK);
        assert_memory_equal(got.data, version_of(bytes, item, number).data, VERSION_SIZE);
    }
}

static void run(uint32_t count, uint32_t changes, uint32_t seed)
{
    struct kv *kv;
    struct account account = {.position = 7};
    struct bytes none;
    kv_open_memory(&kv);
    struct overlay *overlay = overlay_new(kv);
    merkle_frontier_init(&account.items);
    random_state = seed;
    for (uint32_t i = 0; i < count; i++) {
        append(overlay, &account);
        if (changes > 0 && i % (count / changes + 1) == 0) {
            change(overlay, &account, 1 + pick(account.items.size));
            check_root(&account);
        }
    }
    check_root(&account);
    for (uint32_t i = 0; i < changes; i++) {
        uint64_t item = 1 + pick(account.items.size);
        change(overlay, &account, item);
        check_root(&account);
        check_versions(overlay, &account, item);
    }
    assert_int_equal(items_get(overlay, &account, 0, &none), ST_NOT_FOUND);
    assert_int_equal(items_get(overlay, &account, count + 1u, &none), ST_NOT_FOUND);
    overlay_free(overlay);
    kv_close(kv);
}

static void test_every_small_size(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 200; count++) {
        run(count, count < 8 ? count : 8, count);
    }
}

static void test_large(void **state)
{
    (void)state;
    run(64 * 64, 20, 1);
    run(ITEMS_MAX, 60, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_size),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
