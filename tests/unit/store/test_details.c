/* The store of details: proposals that fail, what is wanted, erasures of which no byte stays in any file. */
#include "tests/unit/cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ledger/store/details_store.h"
#include "proto/bytes.h"
#include "tests/unit/folder.h"

static const struct kv_options options = {
    .cache_size = 1 << 20, .write_buffer_size = 1 << 16, .bloom_bits = 10, .create = true};

static char folder[] = "details-XXXXXX"; /* in the test's own folder */
static struct details_store *store;

static void open_store(void)
{
    char error[512];
    struct kv *kv = NULL;
    assert_int_equal(kv_open_leveldb(&kv, folder, &options, error, sizeof error), ST_OK);
    assert_int_equal(details_store_open(&store, kv), ST_OK);
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    open_store();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    details_store_close(store);
    return folder_remove(folder);
}

/* The details number n of an account, their key, and the text in them. */
struct one {
    struct details_key key;
    uint8_t bytes[DETAILS_BYTES_MAX];
    size_t size;
    char text[32];
};

static struct one make(uint8_t account, uint32_t n)
{
    struct one one = {.key = {.account = {{account, 7}}, .issuer = 2}};
    struct details details = {.count = 1};
    /* Nothing of one text is in another: files keep what keys have in common once. */
    snprintf(one.text, sizeof one.text, "%08x secret of %u", n * 2654435761u, account);
    details.fields[0].number = 1;
    be32_put(details.fields[0].salt.bytes, n + 1);
    details.fields[0].value = bytes_of(one.text, strlen(one.text));
    one.size = details_write(one.bytes, &details);
    details_root(&one.key.root, &details);
    return one;
}

static struct bytes bytes_of_one(const struct one *one)
{
    return bytes_of(one->bytes, one->size);
}

/* LevelDB's library syncs its log by this one. */
static unsigned log_syncs;

int fdatasync(int file)
{
    char link[64];
    char path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path);
    log_syncs += size > 4 && memcmp(path + size - 4, ".log", 4) == 0;
    return (int)syscall(SYS_fdatasync, file);
}

static bool held(const struct one *one)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status = details_store_get(store, &one->key, &bytes, &size);
    bool same = status == ST_OK && bytes_equal(bytes_of(bytes, size), bytes_of_one(one));
    assert_true(same || status == ST_NOT_FOUND);
    kv_free(bytes);
    return same;
}

/* Whether a text stands in any file of the store. */
static bool on_disk(const char *text)
{
    static uint8_t data[8 << 20];
    char path[512];
    bool found = false;
    DIR *list = opendir(folder);
    assert_non_null(list);
    for (struct dirent *entry; !found && (entry = readdir(list)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL || entry->d_name[0] == '.') {
            continue;
        }
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        found = memmem(data, size, text, strlen(text)) != NULL;
    }
    closedir(list);
    return found;
}

static void compact_all(void)
{
    struct hash32 account;
    while (details_store_erased(store, &account)) {
        details_store_compact(store, &account);
        assert_int_equal(details_store_compacting(store, &account), ST_OK);
        details_store_compact(store, &account);
        assert_int_equal(details_store_compacted(store, &account), ST_OK);
    }
}

static void erase_one(const struct one *one)
{
    assert_int_equal(details_store_erase(store, &one->key), ST_OK);
    assert_int_equal(details_store_settle(store, details_store_height(store)), ST_OK);
}

static void test_proposals(void **state)
{
    struct one good = make(1, 1);
    struct one bad = make(1, 2);
    struct one old = make(1, 3);
    (void)state;
    assert_int_equal(details_store_accept(store, &old.key, bytes_of_one(&old)), ST_OK);
    assert_int_equal(details_store_settle(store, 4), ST_OK);
    /* A block commits to two, and again to one that is there; only one is accepted. */
    assert_int_equal(details_store_propose(store, 5, &good.key, bytes_of_one(&good)), ST_OK);
    assert_int_equal(details_store_propose(store, 5, &bad.key, bytes_of_one(&bad)), ST_OK);
    assert_int_equal(details_store_propose(store, 5, &old.key, bytes_of_one(&old)), ST_OK);
    assert_int_equal(details_store_sync(store), ST_OK);
    assert_true(held(&good) && held(&bad));
    assert_int_equal(details_store_accept(store, &good.key, (struct bytes){.size = 0}), ST_OK);
    assert_int_equal(details_store_settle(store, 5), ST_OK);
    assert_int_equal(details_store_height(store), 5);
    assert_true(held(&good) && held(&old));
    assert_false(held(&bad));
    details_store_close(store);
    open_store();
    assert_int_equal(details_store_height(store), 5);
    assert_true(held(&good) && held(&old));
    compact_all();
    assert_true(on_disk(good.text));
    assert_false(on_disk(bad.text));
}

static bool keep_even(void *context, const struct details_key *key)
{
    ++*(uint32_t *)context;
    return key->account.bytes[0] % 2 == 0;
}

/* A node that was killed settles old blocks, while it has voted for a proposal of a later one. */
static void test_proposals_ahead(void **state)
{
    struct one failed = make(5, 1);
    struct one again = make(5, 2);
    struct one ahead = make(5, 3);
    struct one missed = make(6, 4);
    struct bytes none = {.size = 0};
    uint32_t even = 0;
    (void)state;
    assert_int_equal(details_store_accept(store, &missed.key, none), ST_OK);
    assert_int_equal(details_store_propose(store, 6, &failed.key, bytes_of_one(&failed)), ST_OK);
    assert_int_equal(details_store_propose(store, 6, &again.key, bytes_of_one(&again)), ST_OK);
    assert_int_equal(details_store_sync(store), ST_OK);
    assert_int_equal(details_store_propose(store, 9, &again.key, bytes_of_one(&again)), ST_OK);
    assert_int_equal(details_store_propose(store, 9, &ahead.key, bytes_of_one(&ahead)), ST_OK);
    assert_int_equal(details_store_propose(store, 9, &missed.key, bytes_of_one(&missed)), ST_OK);
    assert_int_equal(details_store_sync(store), ST_OK);
    assert_int_equal(details_store_propose(store, 7, &again.key, bytes_of_one(&again)), ST_OK);
    assert_int_equal(details_store_sync(store), ST_OK);
    details_store_close(store);
    open_store();
    assert_int_equal(details_store_settle(store, 6), ST_OK);
    assert_false(held(&failed));
    assert_int_equal(details_store_settle(store, 8), ST_OK);
    assert_true(held(&again) && held(&ahead) && held(&missed));
    assert_int_equal(details_store_sweep(store, 8, keep_even, &even), ST_OK);
    assert_true(held(&again) && held(&ahead) && held(&missed));
    /* Its own block decides, but not about what an older one has. */
    assert_int_equal(details_store_accept(store, &ahead.key, none), ST_OK);
    assert_int_equal(details_store_settle(store, 9), ST_OK);
    assert_true(held(&ahead) && held(&missed));
    assert_false(held(&again));
    compact_all();
}

static void test_wanted(void **state)
{
    struct details_key keys[DETAILS_ASK_MAX];
    struct one lost[3];
    struct one liar = make(2, 99);
    uint32_t count = 0;
    uint32_t taken = 0;
    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        lost[i] = make(2, 10u + i);
        assert_int_equal(details_store_accept(store, &lost[i].key, (struct bytes){.size = 0}),
                         ST_OK);
    }
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, 3);
    /* What nobody asked for is not taken, nor what is none. */
    assert_int_equal(details_store_fill(store, keys, count, bytes_of_one(&liar), &taken), ST_OK);
    assert_int_equal(details_store_fill(store, keys, count, bytes_of("junk", 4), &taken), ST_OK);
    assert_int_equal(taken, 0);
    assert_int_equal(details_store_fill(store, keys, count, bytes_of_one(&lost[1]), &taken), ST_OK);
    assert_int_equal(taken, 1);
    assert_true(held(&lost[1]));
    /* Erased while it was asked for: the answer comes too late. */
    erase_one(&lost[0]);
    assert_int_equal(details_store_fill(store, keys, count, bytes_of_one(&lost[0]), &taken), ST_OK);
    assert_int_equal(taken, 1);
    assert_false(held(&lost[0]));
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(&keys[0].root, &lost[2].key.root, 32);
    assert_int_equal(details_store_accept(store, &lost[2].key, bytes_of_one(&lost[2])), ST_OK);
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, 0);
    /* A reader misses one. */
    assert_int_equal(details_store_want(store, &lost[2].key), ST_OK);
    assert_int_equal(details_store_want(store, &lost[0].key), ST_OK);
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, 1);
    compact_all();
}

/* More than one question's worth comes in turns, from where the last ended. */
static void test_turns(void **state)
{
    struct details_key keys[DETAILS_ASK_MAX];
    uint32_t count = 0;
    uint32_t all = 0;
    (void)state;
    for (uint32_t i = 0; i < DETAILS_ASK_MAX + 5; i++) {
        struct one one = make(3, 1000 + i);
        assert_int_equal(details_store_accept(store, &one.key, (struct bytes){.size = 0}), ST_OK);
    }
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, DETAILS_ASK_MAX);
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    all += count;
    assert_true(all >= 5 && all < DETAILS_ASK_MAX);
    assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
    assert_int_equal(count, DETAILS_ASK_MAX);
}

/* Erased when they are new and in no file but the log; when they lie at the bottom; and among many others. */
static void test_erasure(void **state)
{
    enum { MANY = 1200 };
    static struct one all[MANY];
    (void)state;
    struct one fresh = make(9, 1);
    assert_int_equal(details_store_accept(store, &fresh.key, bytes_of_one(&fresh)), ST_OK);
    assert_true(on_disk(fresh.text));
    erase_one(&fresh);
    assert_false(held(&fresh));
    compact_all();
    assert_false(on_disk(fresh.text));
    for (uint32_t i = 0; i < MANY; i++) {
        all[i] = make((uint8_t)(10 + i % 50), i);
        assert_int_equal(details_store_accept(store, &all[i].key, bytes_of_one(&all[i])), ST_OK);
        if (i % 200 == 199) { /* every so often one that was written long ago, or just now */
            erase_one(&all[i / 2]);
            erase_one(&all[i]);
            compact_all();
        }
    }
    for (uint32_t i = 0; i < MANY; i++) {
        bool erased = i % 200 == 199 || (i % 100 == 99 && i < MANY / 2);
        assert_int_equal(held(&all[i]), !erased);
        if (erased) {
            assert_false(on_disk(all[i].text));
        }
    }
    details_store_close(store);
    open_store();
    assert_false(on_disk(all[99].text));
    assert_true(held(&all[100]));
}

/* However much a block erases, it waits for the disk once; what it erases and commits to again stays. */
static void test_erasures_of_a_block(void **state)
{
    enum { MANY = 40 };
    static struct one all[MANY];
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        all[i] = make(64, i);
        assert_int_equal(details_store_accept(store, &all[i].key, bytes_of_one(&all[i])), ST_OK);
    }
    log_syncs = 0;
    assert_int_equal(details_store_settle(store, 70), ST_OK);
    assert_int_equal(log_syncs, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(details_store_erase(store, &all[i].key), ST_OK);
    }
    assert_int_equal(details_store_accept(store, &all[3].key, bytes_of_one(&all[3])), ST_OK);
    assert_int_equal(details_store_erase(store, &all[4].key), ST_OK);
    assert_int_equal(details_store_settle(store, 71), ST_OK);
    assert_int_equal(log_syncs, 1);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(held(&all[i]), i == 3);
    }
    assert_int_equal(details_store_settle(store, 72), ST_OK);
    assert_int_equal(log_syncs, 1);
    compact_all();
}

static void test_sweep(void **state)
{
    uint32_t seen = 0;
    struct one even = make(60, 1);
    struct one odd = make(61, 1);
    struct one past = make(65, 1);
    struct one kept = make(66, 1);
    struct one ahead = make(67, 1);
    struct one both = make(68, 1);
    struct bytes none = {.size = 0};
    (void)state;
    assert_int_equal(details_store_accept(store, &even.key, bytes_of_one(&even)), ST_OK);
    assert_int_equal(details_store_accept(store, &odd.key, bytes_of_one(&odd)), ST_OK);
    for (uint8_t account = 62; account < 64; account++) {
        struct one lost = make(account, 1);
        assert_int_equal(details_store_accept(store, &lost.key, none), ST_OK);
    }
    /* Proposals that are past, and one to come that has what an older block has too. */
    assert_int_equal(details_store_propose(store, 76, &past.key, bytes_of_one(&past)), ST_OK);
    assert_int_equal(details_store_propose(store, 76, &kept.key, bytes_of_one(&kept)), ST_OK);
    assert_int_equal(details_store_propose(store, 78, &ahead.key, bytes_of_one(&ahead)), ST_OK);
    assert_int_equal(details_store_propose(store, 78, &both.key, bytes_of_one(&both)), ST_OK);
    assert_int_equal(details_store_sync(store), ST_OK);
    assert_int_equal(details_store_sweep(store, 77, keep_even, &seen), ST_OK);
    assert_true(seen > 1000);
    assert_int_equal(details_store_height(store), 77);
    assert_true(held(&even) && held(&kept) && held(&ahead) && held(&both));
    assert_false(held(&odd) || held(&past));
    struct details_key keys[DETAILS_ASK_MAX];
    uint32_t count = 0;
    uint32_t wanted = 0;
    details_store_close(store);
    open_store(); /* from the first */
    do {
        assert_int_equal(details_store_wanted(store, keys, &count), ST_OK);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(keys[i].account.bytes[0] % 2, 0);
            wanted += keys[i].account.bytes[0] == 62;
        }
    } while (count == DETAILS_ASK_MAX);
    assert_int_equal(wanted, 1);
    compact_all();
    assert_false(on_disk(odd.text));
    assert_int_equal(details_store_settle(store, 78), ST_OK);
    assert_true(held(&kept) && held(&both));
    assert_false(held(&ahead));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proposals), cmocka_unit_test(test_proposals_ahead),
        cmocka_unit_test(test_wanted),    cmocka_unit_test(test_turns),
        cmocka_unit_test(test_erasure),   cmocka_unit_test(test_erasures_of_a_block),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
