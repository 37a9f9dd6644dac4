/* More than f traitors can make certificates that contradict each other. A core that sees two such stops voting, says so, and
 * stores nothing of it (R30). */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/consensus/solo.h"

enum { N = 4, SELF = 3 }; /* certificates made here are by the first three */

static void verify_all(struct solo *solo)
{
    if (solo_seen(solo, PBFT_VERIFY) > 0) {
        (void)solo_verified(solo, true);
    }
}

static void must_stop(struct solo *solo)
{
    struct pbft_summary summary;
    pbft_summary(solo->core, &summary);
    assert_true(solo_alarmed(solo, PBFT_ALARM_FORK));
    assert_true(summary.stopped);
    assert_int_equal(pbft_deadline_ms(solo->core), PBFT_NEVER_MS);
    /* And stays so. */
    solo_forget(solo);
    (void)solo_tick(solo, 100000);
    assert_int_equal(solo->count, 0);
    solo_free(solo);
}

/* A certified block at the open height that does not follow the tip. */
static void test_block_on_another_tip(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    (void)state;
    solo_commit(solo, 1, NULL);
    struct header header = solo_header(solo, 2);
    header.parent_hash.bytes[0] ^= 1;
    struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 0);
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&certificate)), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 0); /* as long as nothing has been verified */
    assert_int_equal(solo_verified(solo, true), ST_OK);
    owned_free(&certificate);
    must_stop(solo);
}

/* The journal names the block that was durable at its height; what is adopted in its place is another (R22). */
static void test_block_instead_of_a_durable_one(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header genesis = solo->tip;
    (void)state;
    for (uint8_t i = 1; i <= 2; i++) {
        struct header header = solo_header(solo, i);
        struct hash32 hash = solo_hash(&header);
        assert_int_equal(solo_propose(solo, 0, i, &solo->tip_hash, header.time_ms), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
        for (uint32_t member = 0; member < SELF; member++) {
            (void)solo_vote(solo, member, VOTE_PREPARE, 0, i, &hash);
            (void)solo_vote(solo, member, VOTE_COMMIT, 0, i, &hash);
        }
        assert_true(solo->tip.height == i);
    }
    /* Block 1 is durable by the record of the COMMIT at height 2; the log loses both. */
    solo->tip = genesis;
    solo->tip_hash = solo_hash(&genesis);
    owned_free(&solo->certificate);
    assert_int_equal(solo_restart(solo, true), ST_OK);
    struct header other = solo_header(solo, 7);
    struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &other, &solo->set, 0);
    assert_int_equal(solo_certified(solo, &other, owned_bytes(&certificate)), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &other), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_COMMIT), 0);
    owned_free(&certificate);
    must_stop(solo);
}

/* A VIEW-CHANGE whose committed block is another than the one committed here. */
static void test_committed_beside_the_tip(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header other = solo_header(solo, 2);
    struct solo_change change;
    (void)state;
    solo_commit(solo, 1, NULL);
    solo_change(solo, &change, 2, 1, &other, NULL, 0);
    assert_int_equal(solo_hear_change(solo, &change), ST_OK);
    verify_all(solo);
    solo_change_free(&change);
    must_stop(solo);
}

/* Two VIEW-CHANGEs whose committed blocks, above the tip, are two. */
static void test_two_committed(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header one = solo_header(solo, 1), other = solo_header(solo, 2);
    struct solo_change changes[2];
    (void)state;
    one.height = other.height = 3;
    solo_change(solo, &changes[0], 1, 1, &one, NULL, 0);
    solo_change(solo, &changes[1], 2, 1, &other, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
        assert_int_equal(solo_hear_change(solo, &changes[i]), ST_OK);
        verify_all(solo);
        solo_change_free(&changes[i]);
    }
    must_stop(solo);
}

/* Two VIEW-CHANGEs with certificates of one view for two headers; nothing wrong with those of two views. */
static void test_two_prepared(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header one = solo_header(solo, 1), other = solo_header(solo, 2);
    const struct header *const prepared[3] = {&one, &other, &other};
    static const uint64_t view[3] = {3, 2, 3};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct solo_change change;
        assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
        solo_change(solo, &change, i, 5, NULL, prepared[i], view[i]);
        assert_int_equal(solo_hear_change(solo, &change), ST_OK);
        verify_all(solo);
        solo_change_free(&change);
    }
    must_stop(solo);
}

/* What this replica has prepared itself, and another header of the same view. */
static void test_prepared_here_and_there(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header one = solo_header(solo, 1), other = solo_header(solo, 2);
    struct hash32 hash = solo_hash(&one);
    struct solo_change change;
    (void)state;
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, one.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &one), ST_OK);
    for (uint32_t member = 0; member < SELF; member++) {
        (void)solo_vote(solo, member, VOTE_PREPARE, 0, 1, &hash);
    }
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE), 2);
    /* The same header in a VIEW-CHANGE is as it should be. */
    solo_change(solo, &change, 1, 1, NULL, &one, 0);
    assert_int_equal(solo_hear_change(solo, &change), ST_OK);
    verify_all(solo);
    solo_change_free(&change);
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
    solo_change(solo, &change, 2, 1, NULL, &other, 0);
    assert_int_equal(solo_hear_change(solo, &change), ST_OK);
    verify_all(solo);
    solo_change_free(&change);
    must_stop(solo);
}

/* All of it in one NEW-VIEW: nothing of it is installed. */
static void test_new_view_of_two_minds(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header one = solo_header(solo, 1), other = solo_header(solo, 2);
    struct solo_change changes[3];
    struct pbft_summary summary;
    (void)state;
    solo_change(solo, &changes[0], 0, 6, NULL, NULL, 0);
    solo_change(solo, &changes[1], 1, 6, NULL, &one, 4);
    solo_change(solo, &changes[2], SELF, 6, NULL, &other, 4);
    assert_int_equal(solo_hear_new_view(solo, 2, 6, changes, 3), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    pbft_summary(solo->core, &summary);
    assert_int_equal(summary.view, 0);
    for (size_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
    /* One of the three is in this node's own name, of a view it never asked for: that is told too (R24). */
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 2);
    assert_int_equal(solo_last(solo, PBFT_ALARM)->alarm.reason, PBFT_ALARM_FORK);
    solo_free(solo);
}

/* A set beyond the memory that was set aside ends voting, and is not taken. */
static void test_set_too_large(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct validator_set next = solo->set;
    (void)state;
    next.era = 2;
    next.validators[next.count++] = (struct validator){.key = solo_key(9), .member = 10};
    struct header header = solo_header(solo, 1);
    validator_set_hash(&header.next_validators_hash, &next);
    solo->executed_next = next;
    struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 0);
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&certificate)), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    assert_true(solo_alarmed(solo, PBFT_ALARM_SET_TOO_LARGE));
    assert_int_equal(solo_seen(solo, PBFT_COMMIT), 0);
    owned_free(&certificate);
    solo_free(solo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_on_another_tip),
        cmocka_unit_test(test_block_instead_of_a_durable_one),
        cmocka_unit_test(test_committed_beside_the_tip),
        cmocka_unit_test(test_two_committed),
        cmocka_unit_test(test_two_prepared),
        cmocka_unit_test(test_prepared_here_and_there),
        cmocka_unit_test(test_new_view_of_two_minds),
        cmocka_unit_test(test_set_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
