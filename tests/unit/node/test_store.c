/* The data directory: an init that was interrupted anywhere is run again; a new vote journal only by number. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/store.h"
#include "tests/unit/folder.h"
#include "tests/unit/ledger/support.h"

static struct node *node;
static char error[NODE_ERROR_SIZE];

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    node = calloc(1, sizeof *node);
    if (node == NULL) {
        return -1;
    }
    node->lock_file = -1;
    node->genesis = support_genesis();
    node->signer = support_signer(101);
    snprintf(node->config.data_dir, sizeof node->config.data_dir, "store-XXXXXX");
    return mkdtemp(node->config.data_dir) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(node);
    int left = folder_remove(node->config.data_dir);
    signer_free(node->signer);
    genesis_free(&node->genesis);
    free(node);
    return left;
}

static const char *inside(const char *name)
{
    static char path[2][CONFIG_TEXT_SIZE + 64];
    static unsigned next;
    next = 1 - next;
    snprintf(path[next], sizeof path[next], "%s/%s", node->config.data_dir, name);
    return path[next];
}

static void expect_incarnation(uint64_t incarnation)
{
    struct vote_journal *journal = NULL;
    assert_int_equal(vote_journal_open(&journal, node->config.data_dir, &node->genesis.chain_id,
                                       signer_key(node->signer), error, sizeof error),
                     ST_OK);
    assert_int_equal(vote_journal_incarnation(journal), incarnation);
    vote_journal_close(journal);
}

static void cut(const char *name, off_t size)
{
    assert_int_equal(truncate(inside(name), size), 0);
}

/* What is on disk after each step of an init, and in the middle of each. */
static void test_init_interrupted(void **state)
{
    enum { CRASHES = 8 };
    (void)state;
    assert_int_equal(rmdir(node->config.data_dir), 0);
    for (int crash = 0; crash < CRASHES; crash++) {
        assert_int_equal(store_create(node, 3, error), ST_OK);
        expect_incarnation(3);
        assert_int_equal(store_create(node, 3, error), ST_CONFLICT);
        assert_non_null(strstr(error, "is a data directory already"));
        assert_int_equal(unlink(inside("LOCK")), 0); /* it comes last: both copies are there */
        if (crash >= 1) {
            cut("journal.b", VOTE_JOURNAL_FILE_SIZE / 2);
        }
        if (crash >= 2) {
            cut("journal.b", VOTE_JOURNAL_BLOCK_SIZE);
        }
        if (crash >= 3) {
            cut("journal.b", 0);
        }
        if (crash >= 4) {
            assert_int_equal(unlink(inside("journal.b")), 0);
        }
        if (crash >= 5) {
            cut("journal.a", VOTE_JOURNAL_BLOCK_SIZE * 3 / 2);
        }
        if (crash >= 6) {
            cut("journal.a", 100);
            cut("journal.a", VOTE_JOURNAL_FILE_SIZE); /* a size, and zeros but for a piece */
            cut("journal.a", 0);
        }
        if (crash >= 7) {
            assert_int_equal(unlink(inside("journal.a")), 0);
        }
        assert_int_equal(store_lock(node, error), ST_NOT_FOUND);
        assert_non_null(strstr(error, "is not a data directory; make it with: xueliand init"));
        assert_int_equal(store_create(node, 3, error), ST_OK);
        expect_incarnation(3);
        assert_int_equal(unlink(inside("LOCK")), 0);
    }
}

/* A directory that lost its LOCK by another way keeps its votes. */
static void test_votes_are_kept(void **state)
{
    struct vote_journal *journal = NULL;
    struct vote_record record = {.era = 1, .view = 0, .height = 1};
    (void)state;
    assert_int_equal(store_create(node, 0, error), ST_OK);
    assert_int_equal(vote_journal_open(&journal, node->config.data_dir, &node->genesis.chain_id,
                                       signer_key(node->signer), error, sizeof error),
                     ST_OK);
    assert_int_equal(vote_journal_append(journal, &record), ST_OK);
    vote_journal_close(journal);
    assert_int_equal(unlink(inside("LOCK")), 0);
    assert_int_equal(store_create(node, 0, error), ST_CONFLICT);
    assert_non_null(strstr(error, "with votes in it or damaged; it is never made anew"));
    expect_incarnation(0);
    /* One copy is enough of a doubt. */
    assert_int_equal(unlink(inside("journal.a")), 0);
    assert_int_equal(store_create(node, 0, error), ST_CONFLICT);
    cut("journal.b", 3 * VOTE_JOURNAL_BLOCK_SIZE);
    assert_int_equal(store_create(node, 0, error), ST_CONFLICT);
    cut("journal.b", VOTE_JOURNAL_FILE_SIZE + 1);
    assert_int_equal(store_create(node, 0, error), ST_CONFLICT);
    assert_int_equal(access(inside("journal.b"), F_OK), 0);
}

static void test_locked(void **state)
{
    (void)state;
    assert_int_equal(store_create(node, 0, error), ST_OK);
    assert_int_equal(store_lock(node, error), ST_OK);
    struct node second = {.config = node->config, .lock_file = -1};
    assert_int_equal(store_lock(&second, error), ST_LOCKED);
    assert_non_null(strstr(error, "is used by another process"));
    close(second.lock_file);
}

/* The numbers that are known: of the journal's heads, and of the member record in the state. */
static void test_new_journal(void **state)
{
    uint64_t found = 99;
    (void)state;
    assert_int_equal(store_create(node, 4, error), ST_OK);
    assert_int_equal(store_open(node, error), ST_OK);
    store_close(node);
    node->journal = NULL;
    node->ledger = NULL;
    node->state_kv = NULL;
    node->block_log = NULL;
    node->details = NULL;
    node->lock_file = -1;
    assert_int_equal(store_lock(node, error), ST_OK);
    assert_int_equal(store_incarnation(node, &found), ST_OK);
    assert_int_equal(found, 4);
    assert_int_equal(unlink(inside("journal.a")), 0);
    cut("journal.b", 1 << 20); /* damaged, and its head can still be read */
    assert_int_equal(store_incarnation(node, &found), ST_OK);
    assert_int_equal(found, 4);
    cut("journal.b", 100);
    assert_int_equal(store_incarnation(node, &found), ST_OK);
    assert_int_equal(found, 0); /* the record's */
    assert_int_equal(store_renew(node, 9, error), ST_OK);
    expect_incarnation(9);
    assert_int_equal(access(inside("journal.b.before-9"), F_OK), 0);
    assert_int_equal(store_renew(node, 10, error), ST_OK);
    expect_incarnation(10);
    assert_int_equal(access(inside("journal.a.before-10"), F_OK), 0);
    assert_int_equal(store_incarnation(node, &found), ST_OK);
    assert_int_equal(found, 10);
    /* What was put aside once is never written over. */
    assert_int_equal(store_renew(node, 10, error), ST_IO);
    assert_non_null(strstr(error, "cannot be put aside"));
    expect_incarnation(10);
    /* Another node's directory is left alone. */
    signer_free(node->signer);
    node->signer = support_signer(102);
    assert_int_equal(store_renew(node, 11, error), ST_FOREIGN);
    assert_int_equal(access(inside("journal.a"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_init_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_votes_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_journal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
