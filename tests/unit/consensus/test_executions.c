/* What the executor answers, and what it is asked next (R7, R10, R28, R29, R30). Certificates made here are by the first three
 * members. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/consensus/solo.h"

enum { N = 4, SELF = 3 };

static struct pbft_summary summary_of(const struct solo *solo)
{
    struct pbft_summary summary;
    pbft_summary(solo->core, &summary);
    return summary;
}

static void votes(struct solo *solo, enum vote_phase phase, const struct hash32 *hash)
{
    for (uint32_t member = 0; member < 3; member++) {
        assert_int_equal(solo_vote(solo, member, phase, 0, solo->tip.height + 1, hash), ST_OK);
    }
}

/* R30: a certified block that is invalid here: voting stops, nothing of it is stored. */
static void test_certified_is_invalid(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header header = solo_header(solo, 1);
    struct hash32 hash = solo_hash(&header);
    struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 0);
    (void)state;
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&certificate)), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_INVALID, NULL), ST_OK);
    assert_true(solo_alarmed(solo, PBFT_ALARM_DIVERGED));
    assert_true(hash32_equal(&solo_last(solo, PBFT_ALARM)->alarm.expected, &hash));
    assert_int_equal(solo_seen(solo, PBFT_COMMIT), 0);
    owned_free(&certificate);
    solo_free(solo);
}

/* What came under the name of a header that members vote for is something else: the next peer is asked for it. */
static void test_wrong_bodies(void **state)
{
    (void)state;
    for (int known = 0; known <= 2; known++) {
        struct solo *solo = solo_new(N, SELF);
        struct header real = solo_header(solo, 1), other = solo_header(solo, 2);
        struct hash32 hash = solo_hash(&real);
        if (known == 1) {
            /* The other one is this replica's own result of the proposal: it stays. */
            assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, other.time_ms), ST_OK);
            assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &other), ST_OK);
        }
        votes(solo, VOTE_COMMIT, &hash);
        assert_int_equal(solo_last(solo, PBFT_EXECUTE)->execute.kind, PBFT_EXECUTE_HEADER);
        if (known == 2) {
            assert_int_equal(solo_executed(solo, PBFT_EXECUTED_INVALID, NULL), ST_OK);
        } else {
            assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &other), ST_OK);
        }
        assert_int_equal(solo_seen(solo, PBFT_DISCARD), known == 0);
        assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
        assert_true(
            hash32_equal(&solo_last(solo, PBFT_FETCH_BODIES)->fetch_bodies.header_hash, &hash));
        struct pbft_input fetched = {.type = PBFT_FETCHED};
        assert_int_equal(solo_step(solo, &fetched), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &real), ST_OK);
        assert_true(hash32_equal(&solo->tip_hash, &hash));
        solo_free(solo);
    }
}

/* A proposal that is invalid, or breaks its form, proves its primary faulty: the view is left at once. */
static void test_invalid_proposal(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    (void)state;
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, solo->tip.time_ms + 1), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_INVALID, NULL), ST_OK);
    assert_int_equal(solo_last(solo, PBFT_EVIDENCE)->evidence.kind, PBFT_EVIDENCE_BAD_PROPOSAL);
    assert_int_equal(summary_of(solo).target, 1);
    solo_free(solo);
}

static enum status propose_entries(struct solo *solo, uint64_t height, size_t size,
                                   const struct hash32 *parent, size_t parent_size)
{
    Xuelian__Proposal proposal = XUELIAN__PROPOSAL__INIT;
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    uint8_t *entries = sim_new(size);
    proposal.parent_hash = field_borrow(parent, parent_size);
    proposal.time_ms = solo->tip.time_ms + 1;
    proposal.entries = field_borrow(entries, size);
    uint8_t *bytes = sim_new(canonical_size(&proposal.base));
    wire.era = solo->set.era;
    wire.height = height;
    wire.proposal = field_borrow(bytes, canonical_encode(bytes, &proposal.base));
    wire.signature = field_borrow(solo->memory, 64);
    enum status status = solo_hear(solo, &solo->set.validators[0].key,
                                   XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, &wire.base);
    free(entries);
    free(bytes);
    return status;
}

/* Of the next height it is only noted: when that height opens, it counts. */
static void test_proposals_without_form(void **state)
{
    (void)state;
    for (uint64_t height = 1; height <= 2; height++) {
        for (int how = 0; how < 3; how++) {
            struct solo *solo = solo_new(N, SELF);
            size_t size = how == 0 ? 32 * (LIMIT_PROPOSAL_ENTRIES_MAX + 1) : how == 1 ? 33 : 32;
            enum status status =
                propose_entries(solo, height, size, &solo->tip_hash, how == 2 ? 31 : 32);
            assert_int_equal(status, how == 2 ? ST_BAD_ENCODING : ST_BAD_SIZE);
            assert_int_equal(summary_of(solo).target, height == 1 ? 1 : 0);
            if (height == 2) {
                solo_commit(solo, 1, NULL);
                assert_int_equal(summary_of(solo).target, 1);
            }
            solo_free(solo);
        }
    }
}

/* The signers of a block's certificate are those that voted for it, whoever else voted in that view. */
static void test_signers(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header header = solo_header(solo, 1), other = solo_header(solo, 2);
    struct hash32 hash = solo_hash(&header), wrong = solo_hash(&other);
    struct certificate certificate;
    (void)state;
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    assert_int_equal(solo_vote(solo, 0, VOTE_COMMIT, 0, 1, &wrong), ST_OK);
    for (uint32_t member = 1; member < 3; member++) {
        (void)solo_vote(solo, member, VOTE_PREPARE, 0, 1, &hash);
        (void)solo_vote(solo, member, VOTE_COMMIT, 0, 1, &hash);
    }
    assert_true(hash32_equal(&solo->tip_hash, &hash));
    assert_int_equal(certificate_decode(&certificate, owned_bytes(&solo->certificate), N), ST_OK);
    assert_int_equal(certificate.signers[0], 1);
    assert_int_equal(certificate.signers[2], SELF);
    solo_free(solo);
}

/* The primary lacks a body of its own batch: it asks for it by the batch. Leaving the view gives the batch up. */
static void test_batch_without_bodies(void **state)
{
    struct solo *solo = solo_new(N, 0);
    struct pbft_input batch = {.type = PBFT_BATCH};
    static const uint8_t entries[32 * (LIMIT_PROPOSAL_ENTRIES_MAX + 1)];
    (void)state;
    (void)solo_tick(solo, 60000);
    batch.batch.entries = bytes_of(entries, sizeof entries);
    assert_int_equal(solo_step(solo, &batch), ST_BAD_SIZE);
    batch.batch.entries = bytes_of(entries, 32);
    assert_int_equal(solo_step(solo, &batch), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_MISSING, NULL), ST_OK);
    assert_true(solo_last(solo, PBFT_FETCH_BODIES)->fetch_bodies.proposal.size > 32);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE), 0);
    solo_free(solo);
}

/* A member that is alone has nobody to ask for the bodies of a certified block but who sent its certificate. */
static void test_nobody_to_ask(void **state)
{
    (void)state;
    for (int own = 0; own <= 1; own++) {
        struct solo *solo = solo_new(1, 0);
        struct header header = solo_header(solo, 1);
        struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, 0);
        struct pubkey33 other = solo_key(1);
        assert_int_equal(solo_certified_by(solo, own ? &solo->config.key : &other, &header,
                                           owned_bytes(&certificate)),
                         ST_OK);
        assert_int_equal(solo_verified(solo, true), ST_OK);
        /* A signature of its own that it never made: it follows from here on. */
        assert_true(solo_alarmed(solo, PBFT_ALARM_OWN_SIGNATURE));
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_MISSING, NULL), ST_OK);
        assert_int_equal(solo_seen(solo, PBFT_FETCH_BLOCKS), !own);
        (void)solo_tick(solo, 1000);
        assert_int_equal(solo_seen(solo, PBFT_EXECUTE), 1);
        owned_free(&certificate);
        solo_free(solo);
    }
}

/* R8: a clock that is set back makes a proposal early again; what was wanted for it is not, until then. */
static void test_clock_set_back(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct pbft_input fetched = {.type = PBFT_FETCHED};
    (void)state;
    solo->clock_ms += 10000;
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, solo->clock_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_MISSING, NULL), ST_OK);
    solo_forget(solo);
    solo->clock_ms -= 10000;
    assert_int_equal(solo_step(solo, &fetched), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_EXECUTE), 0);
    solo->clock_ms += 10000;
    assert_int_equal(solo_step(solo, &fetched), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_EXECUTE), 1);
    solo_free(solo);
}

static void open_view(struct solo *solo, uint64_t view, const struct header *prepared)
{
    struct solo_change changes[3];
    for (uint32_t i = 0; i < 3; i++) {
        solo_change(solo, &changes[i], i, view, NULL, i == 0 ? prepared : NULL, view - 1);
    }
    assert_int_equal(solo_hear_new_view(solo, (uint32_t)(view % N), view, changes, 3), ST_OK);
    if (solo_seen(solo, PBFT_VERIFY) > 0) {
        (void)solo_verified(solo, true);
    }
    assert_int_equal(summary_of(solo).view, view);
    for (uint32_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
}

static bool discarded(const struct solo *solo, const struct header *header)
{
    struct hash32 hash = solo_hash(header);
    for (uint32_t i = 0; i < solo->count; i++) {
        const struct pbft_effect *effect = &solo->kept[i].effect;
        if (effect->type == PBFT_DISCARD && hash32_equal(&effect->discard.header_hash, &hash)) {
            return true;
        }
    }
    return false;
}

/* Members prepare, in the open view, another header than what this replica has made of it. */
static void prepared_elsewhere(struct solo *solo, uint64_t view, const struct header *header)
{
    struct hash32 hash = solo_hash(header);
    for (uint32_t member = 0; member < 3; member++) {
        assert_int_equal(solo_vote(solo, member, VOTE_PREPARE, view, 1, &hash), ST_OK);
    }
    assert_int_equal(solo_last(solo, PBFT_EXECUTE)->execute.kind, PBFT_EXECUTE_HEADER);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, header), ST_OK);
}

/* Of six headers the oldest gives way to a seventh: never what the view decides, nor what was made of its proposal. */
static void test_headers_kept(void **state)
{
    static const uint8_t views[6] = {0, 1, 2, 4, 5, 6}; /* 3 and 7 are led by this node */
    struct solo *solo = solo_new(N, SELF);
    struct header first = solo_header(solo, 0), forced = solo_header(solo, 50),
                  other = solo_header(solo, 51), proposed = solo_header(solo, 52),
                  third = solo_header(solo, 53);
    (void)state;
    for (size_t i = 0; i < sizeof views; i++) {
        struct header header = solo_header(solo, views[i]);
        if (views[i] > 0) {
            open_view(solo, views[i], NULL);
        }
        assert_int_equal(solo_propose(solo, views[i], 1, &solo->tip_hash, header.time_ms), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    }
    assert_int_equal(solo_seen(solo, PBFT_DISCARD), 0);
    open_view(solo, 8, &forced);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &forced), ST_OK);
    assert_true(discarded(solo, &first));
    prepared_elsewhere(solo, 8, &other);
    open_view(solo, 9, NULL);
    assert_int_equal(solo_propose(solo, 9, 1, &solo->tip_hash, proposed.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &proposed), ST_OK);
    prepared_elsewhere(solo, 9, &third);
    assert_int_equal(solo_seen(solo, PBFT_DISCARD), 4);
    assert_false(discarded(solo, &forced));
    assert_false(discarded(solo, &proposed));
    solo_free(solo);
}

/* ---- Certified blocks ---------------------------------------------------------------------------------- */

static enum status certified(struct solo *solo, const struct header *header,
                             const struct header *named, size_t more)
{
    struct owned made = solo_certificate(VOTE_COMMIT, 0, named, &solo->set, 0);
    uint8_t *longer = sim_new(made.size + more);
    memcpy(longer, made.data, made.size);
    enum status status = solo_certified(solo, header, bytes_of(longer, made.size + more));
    free(longer);
    owned_free(&made);
    return status;
}

static void test_certificates(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header header = solo_header(solo, 1), other = solo_header(solo, 2), above = header;
    (void)state;
    above.height++;
    assert_int_equal(certified(solo, &solo->tip, &solo->tip, 0), ST_OLD); /* of the genesis */
    assert_int_equal(certified(solo, &header, &other, 0), ST_BAD_CERTIFICATE);
    assert_int_equal(certified(solo, &header, &above, 0), ST_BAD_CERTIFICATE);
    assert_int_equal(certified(solo, &header, &header, 1000), ST_BAD_SIZE);
    assert_int_equal(solo_seen(solo, PBFT_VERIFY), 0);
    assert_int_equal(certified(solo, &header, &header, 0), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_VERIFY), 1);
    solo_free(solo);
}

/* ---- Describing ---------------------------------------------------------------------------------------- */

static void test_describe(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct header header = solo_header(solo, 1);
    struct hash32 hash = solo_hash(&header);
    struct solo_change changes[3];
    char text[512];
    (void)state;
    assert_int_equal(solo_propose(solo, 0, 1, &solo->tip_hash, header.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    votes(solo, VOTE_PREPARE, &hash);
    pbft_describe(solo->core, solo->now_ms, text, sizeof text);
    assert_null(strstr(text, "No PREPARE yet")); /* all are here */
    assert_non_null(strstr(text, "No COMMIT yet from members 1, 2, 3."));
    /* A header that the view must decide waits for votes like a proposal. */
    for (uint32_t i = 0; i < 3; i++) {
        solo_change(solo, &changes[i], i, 5, NULL, i == 0 ? &header : NULL, 4);
    }
    assert_int_equal(solo_hear_new_view(solo, 1, 5, changes, 3), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    pbft_describe(solo->core, solo->now_ms, text, sizeof text);
    assert_non_null(
        strstr(text, "View 5 is led by member 2. No PREPARE yet from members 1, 2, 3."));
    for (uint32_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
    solo_free(solo);
    solo = solo_new(N, N);
    pbft_describe(solo->core, solo->now_ms, text, sizeof text);
    assert_non_null(strstr(text, "This node follows without voting."));
    solo_free(solo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certified_is_invalid),
        cmocka_unit_test(test_wrong_bodies),
        cmocka_unit_test(test_invalid_proposal),
        cmocka_unit_test(test_proposals_without_form),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_batch_without_bodies),
        cmocka_unit_test(test_nobody_to_ask),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_headers_kept),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
