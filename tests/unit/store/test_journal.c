/* The vote journal: what a crash can leave is healed, anything else is a doubt and never a vote. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/store/vote_journal.h"
#include "proto/bytes.h"
#include "tests/unit/folder.h"

static const struct hash32 chain = {{1}};
static const struct pubkey33 key = {{2}};
static char directory[32];
static char error[512];

static int setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "journal-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    return vote_journal_create(directory, &chain, &key, 7, error, sizeof error) == ST_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(directory);
}

static enum status open_journal(struct vote_journal **journal)
{
    *journal = NULL;
    return vote_journal_open(journal, directory, &chain, &key, error, sizeof error);
}

static void append(struct vote_journal *journal, uint64_t height, size_t payload_size)
{
    uint8_t *payload = malloc(payload_size + 1);
    assert_non_null(payload);
    memset(payload, (int)(height & 0xff), payload_size);
    struct vote_record record = {
        .era = 1, .view = 2, .height = height, .payload = bytes_of(payload, payload_size)};
    assert_int_equal(vote_journal_append(journal, &record), ST_OK);
    free(payload);
}

static void write_records(uint64_t count)
{
    struct vote_journal *journal;
    assert_int_equal(open_journal(&journal), ST_OK);
    for (uint64_t i = 1; i <= count; i++) {
        append(journal, i, 100);
    }
    vote_journal_close(journal);
}

static int open_copy(char copy)
{
    char path[64];
    snprintf(path, sizeof path, "%s/journal.%c", directory, copy);
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    return file;
}

static void flip(char copy, off_t offset)
{
    uint8_t byte = 0;
    int file = open_copy(copy);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

/* Record n of small ones is at block n + 1. */
static off_t at(uint64_t record)
{
    return (off_t)((record + 1) * VOTE_JOURNAL_BLOCK_SIZE);
}

static void expect_newest(uint64_t counter, bool noticed)
{
    struct vote_journal *journal;
    if (open_journal(&journal) != ST_OK) {
        fail_msg("%s", error);
    }
    assert_int_equal(vote_journal_newest(journal)->counter, counter);
    assert_int_equal(vote_journal_newest(journal)->height, counter);
    assert_int_equal(vote_journal_incarnation(journal), 7);
    assert_int_equal(error[0] != '\0', noticed);
    vote_journal_close(journal);
}

static void expect_lost(const char *why)
{
    struct vote_journal *journal;
    assert_int_equal(open_journal(&journal), ST_JOURNAL_LOST);
    assert_null(journal);
    assert_non_null(strstr(error, why));
    assert_non_null(strstr(error, "this node may not vote with it"));
}

static void test_append_and_reopen(void **state)
{
    (void)state;
    expect_newest(0, false);
    write_records(3);
    expect_newest(3, false);
    struct vote_journal *journal;
    assert_int_equal(open_journal(&journal), ST_OK);
    const struct vote_record *newest = vote_journal_newest(journal);
    assert_int_equal(newest->era, 1);
    assert_int_equal(newest->view, 2);
    assert_int_equal(newest->payload.size, 100);
    assert_int_equal(newest->payload.data[99], 3);
    vote_journal_close(journal);
}

static void test_wraps(void **state)
{
    struct vote_journal *journal;
    (void)state;
    assert_int_equal(open_journal(&journal), ST_OK);
    for (uint64_t i = 1; i <= 90; i++) {
        append(journal, i, i % 3 == 0 ? VOTE_JOURNAL_PAYLOAD_SIZE_MAX : 5000);
    }
    vote_journal_close(journal);
    expect_newest(90, false);
}

static void test_flips_in_one_copy_heal(void **state)
{
    static const off_t places[] = {0, 7, 9, 47, 60, 79, 100, 113, 120, 215, 247};
    (void)state;
    write_records(5);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (char copy = 'a'; copy <= 'b'; copy++) {
            flip(copy, at(3) + places[i]);
            expect_newest(5, true);
            expect_newest(5, false); /* healed for good */
        }
    }
    flip('a', at(5) + 50);
    expect_newest(5, true);
    expect_newest(5, false);
}

/* The newest record bad in b alone is what a crash between the copies leaves. */
static void test_torn_second_copy(void **state)
{
    (void)state;
    write_records(5);
    flip('b', at(5) + 50);
    expect_newest(5, false);
    expect_newest(5, false);
}

/* A record begun in a and in no way in b: a crash while a was written; the vote never left. */
static void test_torn_first_copy(void **state)
{
    uint8_t half[2048];
    int a;
    (void)state;
    write_records(5);
    a = open_copy('a');
    assert_int_equal(pread(a, half, sizeof half, at(5)), sizeof half);
    half[15] = 6; /* its counter */
    assert_int_equal(pwrite(a, half, sizeof half, at(6)), sizeof half);
    close(a);
    expect_newest(5, false);
    write_records(1); /* goes on in the same place; its height is 1 */
    struct vote_journal *journal;
    assert_int_equal(open_journal(&journal), ST_OK);
    assert_int_equal(vote_journal_newest(journal)->counter, 6);
    vote_journal_close(journal);
}

static void test_doubt_is_lost(void **state)
{
    (void)state;
    write_records(20);
    flip('a', at(20) + 50);
    flip('b', at(20) + 50);
    expect_lost("the newest record is damaged in both copies");
    flip('a', at(20) + 50);
    flip('b', at(20) + 50);
    expect_newest(20, false);
    flip('a', at(12) + 50);
    flip('b', at(12) + 50);
    expect_lost("records are missing in both copies");
    flip('b', at(12) + 50);
    expect_newest(20, true);
    flip('a', 20);
    expect_lost("the head of a copy is damaged");
}

static void test_files(void **state)
{
    char path[64];
    struct vote_journal *journal;
    struct vote_journal *second;
    struct hash32 other_chain = {{9}};
    struct pubkey33 other_key = {{9}};
    (void)state;
    write_records(2);
    assert_int_equal(
        vote_journal_open(&journal, directory, &other_chain, &key, error, sizeof error),
        ST_FOREIGN);
    assert_int_equal(
        vote_journal_open(&journal, directory, &chain, &other_key, error, sizeof error),
        ST_FOREIGN);
    assert_string_equal(error, "the vote journal belongs to another chain or another node key; use "
                               "the data directory that fits this genesis file and key");
    assert_int_equal(open_journal(&journal), ST_OK);
    assert_int_equal(open_journal(&second), ST_LOCKED);
    assert_non_null(strstr(error, "is used by another process; stop that one first"));
    vote_journal_close(journal);
    assert_int_equal(vote_journal_create(directory, &chain, &key, 7, error, sizeof error),
                     ST_CONFLICT);
    assert_non_null(strstr(error, "it is never made anew over an old one"));
    snprintf(path, sizeof path, "%s/journal.b", directory);
    assert_int_equal(truncate(path, 1 << 20), 0);
    expect_lost("a copy has the wrong size");
    assert_int_equal(unlink(path), 0);
    expect_lost("a copy is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append_and_reopen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wraps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flips_in_one_copy_heal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_second_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_first_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubt_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
