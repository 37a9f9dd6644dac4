/* VIEW-CHANGEs and NEW-VIEWs by hand: what they lead to, and what is wrong with them. Certificates made here are by the
 * first three members. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "tests/unit/consensus/solo.h"

enum { N = 4, SELF = 3, ROOM = 1 << 16 };

static struct pbft_summary summary_of(const struct solo *solo)
{
    struct pbft_summary summary;
    pbft_summary(solo->core, &summary);
    return summary;
}

/* A NEW-VIEW of the first three, and its signatures verified. */
static void open_view(struct solo *solo, uint64_t view, struct solo_change *changes)
{
    uint32_t primary = (uint32_t)(view % N); /* K is 1000 */
    assert_int_equal(solo_hear_new_view(solo, primary, view, changes, 3), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    for (size_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
}

static void must_be_forced(struct solo *solo, const struct header *header)
{
    struct hash32 hash = solo_hash(header);
    const struct pbft_effect *effect = solo_last(solo, PBFT_EXECUTE);
    assert_true(summary_of(solo).forced);
    assert_int_equal(effect->execute.kind, PBFT_EXECUTE_HEADER);
    assert_true(hash32_equal(&effect->execute.header_hash, &hash));
}

/* R18: of several certificates for the height above the base that of the highest view counts, in whatever order. */
static void test_highest_view_counts(void **state)
{
    static const uint64_t views[2][2] = {{3, 2}, {2, 3}};
    (void)state;
    for (size_t order = 0; order < 2; order++) {
        struct solo *solo = solo_new(N, SELF);
        struct header high = solo_header(solo, 1), low = solo_header(solo, 2);
        struct solo_change changes[3];
        for (uint32_t i = 0; i < 2; i++) {
            uint64_t view = views[order][i];
            solo_change(solo, &changes[i], i, 6, NULL, view == 3 ? &high : &low, view);
        }
        solo_change(solo, &changes[2], 2, 6, NULL, NULL, 0);
        open_view(solo, 6, changes);
        must_be_forced(solo, &high);
        solo_free(solo);
    }
}

/* What was prepared below the base is settled, in whatever order and of whatever view. */
static void test_certificates_of_two_heights(void **state)
{
    (void)state;
    for (uint32_t order = 0; order < 2; order++) {
        struct solo *solo = solo_new(N, SELF);
        struct header below = solo_header(solo, 1), genesis = solo->tip;
        struct solo_change changes[3];
        solo_commit(solo, 2, NULL);
        struct header above = solo_header(solo, 3);
        solo_change(solo, &changes[order], order, 6, &genesis, &below, 5);
        solo_change(solo, &changes[1 - order], 1 - order, 6, NULL, &above, 5);
        solo_change(solo, &changes[2], 2, 6, &genesis, NULL, 0);
        open_view(solo, 6, changes);
        assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
        must_be_forced(solo, &above);
        solo_free(solo);
    }
}

/* R19: a replica below the base of its view lacks blocks, and says so; nobody's claim is needed for that. */
static void test_base_above_the_tip(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header far = solo_header(solo, 1);
    struct solo_change changes[3];
    char text[512];
    (void)state;
    far.height = 3;
    solo_change(solo, &changes[0], 0, 6, NULL, NULL, 0);
    solo_change(solo, &changes[1], 1, 6, &far, NULL, 0);
    solo_change(solo, &changes[2], 2, 6, NULL, NULL, 0);
    open_view(solo, 6, changes);
    assert_true(summary_of(solo).catching_up);
    assert_int_equal(summary_of(solo).base_height, 3);
    pbft_describe(solo->core, solo->now_ms, text, sizeof text);
    assert_non_null(strstr(text, "lacks blocks and is fetching them"));
    solo_free(solo);
}

/* R19: a proposal for the view to come is taken (R6), and gone when that view must decide a header. */
static void test_proposal_before_a_forced_view(void **state)
{
    (void)state;
    for (int forced = 0; forced <= 1; forced++) {
        struct solo *solo = solo_new(N, SELF);
        struct header header = solo_header(solo, 1);
        struct solo_change changes[3];
        (void)solo_tick(solo, 70000);
        assert_int_equal(summary_of(solo).target, 1);
        assert_int_equal(solo_propose(solo, 1, 1, &solo->tip_hash, header.time_ms), ST_OK);
        for (uint32_t i = 0; i < 3; i++) {
            solo_change(solo, &changes[i], i, 1, NULL, forced && i == 0 ? &header : NULL, 0);
        }
        assert_int_equal(solo_hear_new_view(solo, 1, 1, changes, 3), ST_OK);
        assert_int_equal(solo_verified(solo, true), ST_OK);
        assert_int_equal(summary_of(solo).view, 1);
        assert_int_equal(summary_of(solo).forced, forced);
        assert_int_equal(summary_of(solo).has_proposal, !forced);
        for (size_t i = 0; i < 3; i++) {
            solo_change_free(&changes[i]);
        }
        solo_free(solo);
    }
}

/* Beyond what a set of this size can fill: refused before it is looked at. */
static void test_too_long(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct solo_change changes[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        solo_change(solo, &changes[i], i, 6, NULL, NULL, 0);
        changes[i].wire.prepared_header = field_borrow(solo->scratch, 12000);
        changes[i].wire.prepared_certificate = field_borrow(solo->scratch, 12000);
    }
    assert_int_equal(solo_hear_change(solo, &changes[0]), ST_BAD_SIZE);
    assert_int_equal(solo_hear_new_view(solo, 2, 6, changes, 3), ST_BAD_SIZE);
    for (uint32_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
    solo_free(solo);
}

/* R18: VIEW-CHANGEs of three heights, none of which makes this member the primary of the view: it sends nothing. */
static void test_not_entitled(void **state)
{
    struct solo *solo = solo_new(3, 2);
    const struct header genesis = solo->tip;
    (void)state;
    solo_commit(solo, 1, NULL);
    const struct header first = solo->tip;
    solo_commit(solo, 2, NULL);
    (void)solo_tick(solo, 70000);
    assert_int_equal(summary_of(solo).target, 1); /* led by member 1 */
    for (uint32_t i = 0; i < 2; i++) {
        struct solo_change change;
        solo_change(solo, &change, i, 1, i == 0 ? &genesis : &first, NULL, 0);
        assert_int_equal(solo_hear_change(solo, &change), ST_OK);
        if (i == 1) {
            assert_int_equal(solo_verified(solo, true), ST_OK);
        }
        solo_change_free(&change);
    }
    assert_int_equal(summary_of(solo).view_changes_from, 7);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW), 0);
    solo_free(solo);
}

/* R31: a VIEW-CHANGE after a COMMIT carries a certificate of that view or a later one, or it is proof. */
static void test_forgotten_commit(void **state)
{
    (void)state;
    for (uint64_t prepared_view = 1; prepared_view <= 3; prepared_view++) {
        struct solo *solo = solo_new(N, SELF);
        struct header header = solo_header(solo, 1);
        struct hash32 hash = solo_hash(&header);
        struct solo_change change;
        assert_int_equal(solo_vote(solo, 1, VOTE_COMMIT, 2, 1, &hash), ST_OK);
        solo_change(solo, &change, 1, 5, NULL, &header, prepared_view);
        assert_int_equal(solo_hear_change(solo, &change), ST_OK);
        assert_int_equal(solo_verified(solo, true), ST_OK);
        assert_int_equal(solo_seen(solo, PBFT_EVIDENCE), prepared_view < 2 ? 1 : 0);
        solo_change_free(&change);
        solo_free(solo);
    }
}

/* ---- The block that a VIEW-CHANGE names ------------------------------------------------------------- */

enum block { BASE, OTHER_BASE, OF_ERA, OF_OLD_SET, LEADS_ELSEWHERE, BEFORE_BASE, LAST_HEIGHT };

static enum status judged(struct solo *solo, enum block which)
{
    struct header header = which == BASE ? solo->tip : solo_header(solo, 1);
    struct solo_change change;
    if (which == OTHER_BASE) {
        header.height = solo->tip.height;
    } else if (which == OF_OLD_SET) {
        validator_set_hash(&header.validators_hash, &solo->previous);
    } else if (which == LEADS_ELSEWHERE) {
        validator_set_hash(&header.next_validators_hash, &solo->previous);
    } else if (which == BEFORE_BASE) {
        header.height = solo->tip.height - 1;
    } else if (which == LAST_HEIGHT) {
        header.height = UINT64_MAX - 2;
    }
    solo_change(solo, &change, 1, 1, &header, NULL, 0);
    enum status status = solo_hear_change(solo, &change);
    solo_change_free(&change);
    return status;
}

/* R17: it is the last block of the era before, under that era's set, or a block of this era that did not end it. */
static void test_committed_block(void **state)
{
    static const enum block bad[] = {OTHER_BASE, OF_OLD_SET, LEADS_ELSEWHERE, BEFORE_BASE,
                                     LAST_HEIGHT};
    static const enum block good[] = {BASE, OF_ERA};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] + sizeof good / sizeof good[0]; i++) {
        struct solo *solo = solo_new(N, SELF);
        struct validator_set next = solo->set;
        bool fine = i >= sizeof bad / sizeof bad[0];
        next.era = 3;
        next.validators[0].incarnation = 1;
        solo_commit(solo, 1, NULL);
        solo_commit(solo, 2, &next);
        enum status status = judged(solo, fine ? good[i - sizeof bad / sizeof bad[0]] : bad[i]);
        assert_int_equal(status, fine ? ST_OK : ST_BAD_CERTIFICATE);
        solo_free(solo);
    }
}

/* ---- Records ----------------------------------------------------------------------------------------- */

static Xuelian__JournalRecord *record_of(struct solo *solo, struct arena *arena)
{
    ProtobufCMessage *message;
    assert_int_equal(canonical_decode(&message, &xuelian__journal_record__descriptor,
                                      owned_bytes(&solo->record), arena),
                     ST_OK);
    return (Xuelian__JournalRecord *)(void *)message;
}

static void restart_with(struct solo *solo, const Xuelian__JournalRecord *record)
{
    struct owned bytes = {.data = sim_new(canonical_size(&record->base))};
    bytes.size = canonical_encode(bytes.data, &record->base);
    owned_set(&solo->record, owned_bytes(&bytes));
    assert_int_equal(solo_restart(solo, true), ST_OK);
    owned_free(&bytes);
}

/* R18: at most one NEW-VIEW a view. A record that says one was sent is believed, though the view is not open in it. */
static void test_new_view_sent_before(void **state)
{
    (void)state;
    for (uint64_t sent = 0; sent <= 1; sent++) {
        struct solo *solo = solo_new(N, 1);
        struct arena arena;
        void *memory = sim_new(ROOM);
        arena_init(&arena, memory, ROOM);
        (void)solo_tick(solo, 70000); /* no block came: it asks for view 1, which it leads */
        Xuelian__JournalRecord *record = record_of(solo, &arena);
        assert_int_equal(record->target, 1);
        record->new_view_sent = sent;
        restart_with(solo, record);
        for (uint32_t i = 2; i < N; i++) {
            struct solo_change change;
            solo_change(solo, &change, i, 1, NULL, NULL, 0);
            assert_int_equal(solo_hear_change(solo, &change), ST_OK);
            solo_change_free(&change);
        }
        assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW), sent == 0);
        free(memory);
        solo_free(solo);
    }
}

/* R10: the newest places in a record forbid a vote there, though the vote itself is not in it any more. */
static void test_newest_place_forbids(void **state)
{
    (void)state;
    for (uint32_t kept = 0; kept <= 1; kept++) {
        struct solo *solo = solo_new(N, SELF);
        struct arena arena;
        void *memory = sim_new(ROOM);
        struct header header = solo_header(solo, 1);
        arena_init(&arena, memory, ROOM);
        assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
        Xuelian__JournalRecord *record = record_of(solo, &arena);
        record->n_heights = 0;
        if (kept == 0) {
            record->newest_prepare = NULL;
        }
        restart_with(solo, record);
        assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
        assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE), kept == 0);
        free(memory);
        solo_free(solo);
    }
}

/* R24: a place that the record covers explains a signature there, though the vote itself is not in it. */
static void test_newest_place_explains(void **state)
{
    (void)state;
    for (uint32_t covered = 0; covered <= 1; covered++) {
        struct solo *solo = solo_new(N, SELF);
        struct arena arena;
        void *memory = sim_new(ROOM);
        struct header header = solo_header(solo, 1);
        struct hash32 hash = solo_hash(&header);
        arena_init(&arena, memory, ROOM);
        assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
        Xuelian__JournalRecord *record = record_of(solo, &arena);
        assert_null(record->newest_commit);
        record->newest_commit = covered ? record->newest_prepare : NULL;
        restart_with(solo, record);
        assert_int_equal(solo_vote(solo, SELF, VOTE_COMMIT, 0, 1, &hash),
                         covered ? ST_OK : ST_CONFLICT);
        assert_int_equal(solo_seen(solo, PBFT_ALARM), !covered);
        free(memory);
        solo_free(solo);
    }
}

/* R22: that a height was open says that the block two below exists: it comes first. */
static void test_open_height_far_above(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct arena arena;
    void *memory = sim_new(ROOM);
    struct header header = solo_header(solo, 1);
    (void)state;
    arena_init(&arena, memory, ROOM);
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    Xuelian__JournalRecord *record = record_of(solo, &arena);
    record->heights[0]->height = 3;
    record->heights[0]->prepare.len = 0;
    restart_with(solo, record);
    assert_true(summary_of(solo).catching_up);
    assert_false(summary_of(solo).voting);
    solo_commit(solo, 1, NULL);
    (void)solo_tick(solo, 1000);
    (void)solo_restart(solo, true);
    assert_true(summary_of(solo).voting);
    free(memory);
    solo_free(solo);
}

/* A deadline that would be past the end of time is never, not soon. */
static void test_no_deadline_wraps(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    (void)state;
    solo->params.heartbeat_ms = UINT64_MAX;
    assert_int_equal(solo_restart(solo, true), ST_OK);
    (void)solo_tick(solo, 10000000);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE), 0);
    solo_free(solo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_highest_view_counts),
        cmocka_unit_test(test_certificates_of_two_heights),
        cmocka_unit_test(test_base_above_the_tip),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_not_entitled),
        cmocka_unit_test(test_forgotten_commit),
        cmocka_unit_test(test_committed_block),
        cmocka_unit_test(test_new_view_sent_before),
        cmocka_unit_test(test_newest_place_explains),
        cmocka_unit_test(test_newest_place_forbids),
        cmocka_unit_test(test_open_height_far_above),
        cmocka_unit_test(test_no_deadline_wraps),
        cmocka_unit_test(test_proposal_before_a_forced_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
