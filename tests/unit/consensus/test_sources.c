/* More peers than are remembered (R27, R29). Members are never forgotten for strangers. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "tests/unit/consensus/solo.h"

enum { N = 4, SELF = 3, STRANGERS = 120, FIRST_STRANGER = 10 };

static struct pbft_summary summary_of(const struct solo *solo)
{
    struct pbft_summary summary;
    pbft_summary(solo->core, &summary);
    return summary;
}

static void strangers_come(struct solo *solo, uint64_t height)
{
    for (uint32_t i = 0; i < STRANGERS; i++) {
        struct pubkey33 key = solo_key(FIRST_STRANGER + i);
        solo->now_ms++;
        assert_int_equal(solo_status(solo, &key, height), ST_OK);
    }
}

/* What two members claim still counts after any number of strangers. */
static void test_members_stay(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    (void)state;
    assert_int_equal(solo_status(solo, &solo->set.validators[0].key, 5), ST_OK);
    strangers_come(solo, 9);
    assert_false(summary_of(solo).catching_up); /* one member is no proof, strangers are none */
    assert_int_equal(solo_status(solo, &solo->set.validators[1].key, 5), ST_OK);
    assert_true(summary_of(solo).catching_up);
    strangers_come(solo, 9);
    assert_true(summary_of(solo).catching_up);
    solo_free(solo);
}

/* Whoever was silent longest is forgotten: it is answered again at once, one that was heard lately is not. */
static void test_silent_are_forgotten(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct pubkey33 silent = solo_key(FIRST_STRANGER), heard = solo_key(FIRST_STRANGER + 119);
    (void)state;
    strangers_come(solo, 0);
    assert_int_equal(solo_status(solo, &heard, 0), ST_DUPLICATE);
    assert_int_equal(solo_status(solo, &silent, 0), ST_OK);
    solo_free(solo);
}

/* One that was asked for blocks is forgotten before its time is up: another is asked. */
static void test_asked_and_forgotten(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct pubkey33 boaster = solo_key(FIRST_STRANGER + STRANGERS);
    (void)state;
    assert_int_equal(solo_status(solo, &boaster, 7), ST_OK);
    assert_true(
        pubkey33_compare(&solo_last(solo, PBFT_FETCH_BLOCKS)->fetch_blocks.peer, &boaster) == 0);
    assert_int_equal(solo_status(solo, &solo->set.validators[1].key, 7), ST_OK);
    solo_forget(solo);
    strangers_come(solo, 0);
    assert_int_equal(solo_seen(solo, PBFT_FETCH_BLOCKS), 0);
    (void)solo_tick(solo, 2000);
    assert_true(pubkey33_compare(&solo_last(solo, PBFT_FETCH_BLOCKS)->fetch_blocks.peer,
                                 &solo->set.validators[1].key) == 0);
    solo_free(solo);
}

/* One whose certificate is verified is forgotten before it proves bad: the one that waited is judged. */
static void test_liar_forgotten(void **state)
{
    struct solo *solo = solo_new(N, N);
    struct header header = solo_header(solo, 1);
    struct owned bad = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 1);
    (void)state;
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&bad)), ST_OK);
    strangers_come(solo, 0);
    assert_int_equal(solo_verified(solo, false), ST_BAD_CERTIFICATE);
    assert_int_equal(solo_seen(solo, PBFT_EXECUTE), 0);
    struct owned good = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 2);
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&good)), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_EXECUTE), 1);
    owned_free(&good);
    owned_free(&bad);
    solo_free(solo);
}

/* A set that begins above the open height is not that of the block on disk. */
static void test_set_of_a_later_height(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    (void)state;
    solo->set.era = 3;
    validator_set_hash(&solo->tip.next_validators_hash, &solo->set);
    solo->tip_hash = solo_hash(&solo->tip);
    assert_int_equal(solo_restart_from(solo, bytes_of(NULL, 0)), ST_CORRUPT);
    solo_free(solo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_stay),          cmocka_unit_test(test_silent_are_forgotten),
        cmocka_unit_test(test_asked_and_forgotten),   cmocka_unit_test(test_liar_forgotten),
        cmocka_unit_test(test_set_of_a_later_height),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
