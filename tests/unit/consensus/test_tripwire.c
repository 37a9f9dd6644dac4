/* The tripwire, R24: signatures of one's own that the journal does not know, and claims of them. Certificates made here are
 * by the first three members. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/consensus/solo.h"

enum { N = 4, SELF = 0, MESSAGES_MAX = 9 };

static uint8_t noise[64] = {3};

static struct solo *solo_asking(void)
{
    struct solo *solo = solo_new(N, SELF);
    assert_int_equal(solo_restart(solo, false), ST_OK);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST), 1);
    return solo;
}

static bool voting(const struct solo *solo)
{
    struct pbft_summary summary;
    pbft_summary(solo->core, &summary);
    return summary.voting;
}

/* ---- Answers ---------------------------------------------------------------------------------------- */

struct answer {
    Xuelian__NewestAnswer wire;
    ProtobufCBinaryData messages[MESSAGES_MAX];
    uint32_t types[MESSAGES_MAX];
    uint8_t votes[MESSAGES_MAX][192];
};

static void answer_begin(const struct solo *solo, struct answer *answer)
{
    answer->wire = (Xuelian__NewestAnswer)XUELIAN__NEWEST_ANSWER__INIT;
    answer->wire.nonce = field_borrow(&solo->config.nonce, 16);
    answer->wire.messages = answer->messages;
    answer->wire.types = answer->types;
}

static void answer_vote(struct answer *answer, uint64_t era, uint32_t sender, uint64_t view)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    size_t at = answer->wire.n_messages++;
    wire.phase = XUELIAN__PHASE__PHASE_PREPARE;
    wire.era = era;
    wire.view = view;
    wire.height = 1;
    wire.header_hash = field_borrow(noise, 32);
    wire.sender = sender;
    wire.signature = field_borrow(noise, 64);
    size_t size = canonical_encode(answer->votes[at], &wire.base);
    answer->messages[at] = field_borrow(answer->votes[at], size);
    answer->types[at] = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
    answer->wire.n_types++;
}

static enum status tell(struct solo *solo, uint32_t member, const struct answer *answer)
{
    return solo_hear(solo, &solo->set.validators[member].key,
                     XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER, &answer->wire.base);
}

/* What is said of others, or of another era, is no claim: the member has answered. */
static void test_nothing_of_mine(void **state)
{
    struct solo *solo = solo_asking();
    (void)state;
    for (uint32_t member = 1; member <= 2; member++) {
        struct answer answer;
        answer_begin(solo, &answer);
        answer_vote(&answer, 1, 2, 5);
        answer_vote(&answer, 9, SELF, 5);
        answer.wire.certificate_era = 7; /* without one, or with one that cannot be looked at */
        answer.wire.certificate = field_borrow(noise, member == 1 ? 0 : 9);
        assert_false(voting(solo));
        assert_int_equal(tell(solo, member, &answer), ST_OK);
    }
    assert_true(voting(solo));
    assert_int_equal(solo_seen(solo, PBFT_VERIFY), 0);
    solo_free(solo);
}

/* A claim counts with a signature that verifies; until then who makes it has not answered. */
static void test_claim(void **state)
{
    (void)state;
    for (int good = 0; good <= 1; good++) {
        struct solo *solo = solo_asking();
        struct answer answer;
        answer_begin(solo, &answer);
        answer_vote(&answer, 1, SELF, 5);
        assert_int_equal(tell(solo, 1, &answer), ST_OK);
        /* One claim is looked at at a time. */
        assert_int_equal(tell(solo, 2, &answer), ST_OK);
        assert_int_equal(solo_seen(solo, PBFT_VERIFY), 1);
        assert_int_equal(solo_verified(solo, good), good ? ST_OK : ST_BAD_SIGNATURE);
        assert_int_equal(solo_seen(solo, PBFT_ALARM), good);
        assert_false(voting(solo));
        solo_free(solo);
    }
}

/* Two alarms are one too many: a foreign signature came meanwhile by itself. */
static void test_claim_after_alarm(void **state)
{
    struct solo *solo = solo_asking();
    struct answer answer;
    struct hash32 hash = {{1}};
    (void)state;
    answer_begin(solo, &answer);
    answer_vote(&answer, 1, SELF, 5);
    assert_int_equal(tell(solo, 1, &answer), ST_OK);
    assert_int_equal(solo_vote(solo, SELF, VOTE_COMMIT, 3, 1, &hash), ST_CONFLICT);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_true(solo_alarmed(solo, PBFT_ALARM_OWN_SIGNATURE));
    solo_free(solo);
}

static void test_malformed(void **state)
{
    struct solo *solo = solo_asking();
    struct answer answer;
    (void)state;
    answer_begin(solo, &answer);
    answer_vote(&answer, 1, 2, 5);
    answer.wire.n_types = 0;
    assert_int_equal(tell(solo, 1, &answer), ST_BAD_ENCODING);
    answer_begin(solo, &answer);
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        answer_vote(&answer, 1, 2, i);
    }
    assert_int_equal(tell(solo, 1, &answer), ST_BAD_ENCODING);
    /* Of two messages the first is none. */
    answer_begin(solo, &answer);
    answer_vote(&answer, 1, 2, 5);
    answer_vote(&answer, 1, 2, 6);
    answer.messages[0].len--;
    assert_int_not_equal(tell(solo, 1, &answer), ST_OK);
    answer_begin(solo, &answer);
    answer_vote(&answer, 1, 2, 5);
    answer.types[0] = 256 + XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
    assert_int_equal(tell(solo, 1, &answer), ST_BAD_ENCODING);
    answer_begin(solo, &answer);
    answer.wire.certificate = field_borrow(noise, 9);
    answer.wire.certificate_era = 1;
    assert_int_not_equal(tell(solo, 1, &answer), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_VERIFY), 0);
    solo_free(solo);
}

/* ---- Certificates ------------------------------------------------------------------------------------ */

/* How a certificate that has this node among its signers is seen. */
struct certified {
    uint32_t self;
    uint64_t incarnation_before; /* of this key in the era before */
    bool of_era_before;
    bool claim; /* must be verified */
};

static void hear_certificate(const struct certified *how)
{
    struct solo *solo = solo_new(N, SELF);
    struct validator_set next = solo->set;
    struct answer answer;
    solo->config.key = solo_key(how->self);
    solo->config.incarnation = 5;
    solo->set.validators[0].incarnation = how->incarnation_before;
    validator_set_hash(&solo->tip.next_validators_hash, &solo->set);
    solo->tip_hash = solo->era_base = solo_hash(&solo->tip);
    assert_int_equal(solo_restart(solo, false), ST_OK);
    next.era = 2;
    next.validators[0].incarnation = 5;
    next.validators[3] = (struct validator){.key = solo_key(7), .member = 8, .incarnation = 5};
    solo->config.follow = true;
    assert_int_equal(solo_restart(solo, false), ST_OK);
    solo_commit(solo, 1, &next);
    solo->config.follow = false;
    assert_int_equal(solo_restart(solo, false), ST_OK);
    struct header header = solo_header(solo, 2);
    struct owned made = solo_certificate(VOTE_PREPARE, 0, how->of_era_before ? &solo->tip : &header,
                                         how->of_era_before ? &solo->previous : &solo->set, 0);
    answer_begin(solo, &answer);
    answer.wire.certificate = field_borrow(made.data, made.size);
    answer.wire.certificate_era = how->of_era_before ? 1 : 2;
    assert_int_equal(tell(solo, 1, &answer), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_VERIFY), how->claim);
    owned_free(&made);
    solo_free(solo);
}

/* Of this era or the one before, if the set there names key and incarnation. */
static void test_certificates(void **state)
{
    static const struct certified ways[] = {
        {.self = 0, .incarnation_before = 5, .of_era_before = false, .claim = true},
        {.self = 0, .incarnation_before = 5, .of_era_before = true, .claim = true},
        {.self = 0, .incarnation_before = 4, .of_era_before = true, .claim = false},
        {.self = 7, .incarnation_before = 5, .of_era_before = true, .claim = false},
        {.self = 7, .incarnation_before = 5, .of_era_before = false, .claim = false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        hear_certificate(&ways[i]);
    }
}

/* A signature of an earlier incarnation in the certificate of a VIEW-CHANGE is that one's, not this one's. */
static void test_earlier_incarnation(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    struct validator_set next = solo->set;
    struct solo_change change;
    (void)state;
    solo->config.incarnation = 5;
    assert_int_equal(solo_restart_from(solo, bytes_of(NULL, 0)), ST_OK);
    next.era = 2;
    next.validators[SELF].incarnation = 5;
    solo_commit(solo, 1, &next);
    solo_change(solo, &change, 1, 1, NULL, NULL, 0);
    assert_int_equal(solo_hear_change(solo, &change), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
    solo_change_free(&change);
    solo_free(solo);
}

/* Its set names another incarnation: nobody is asked, because it may not vote in this era whatever they say (R5). */
static void test_incarnation_to_come(void **state)
{
    struct solo *solo = solo_new(N, SELF);
    char text[512];
    (void)state;
    solo->config.incarnation = 5;
    assert_int_equal(solo_restart_from(solo, bytes_of(NULL, 0)), ST_OK);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST), 0);
    pbft_describe(solo->core, solo->now_ms, text, sizeof text);
    assert_null(strstr(text, "waits for"));
    assert_false(voting(solo));
    solo_free(solo);
}

/* ---- Messages ---------------------------------------------------------------------------------------- */

/* In a place where the journal has a vote: the same vote is its own, another is not. */
static void test_beside_the_journal(void **state)
{
    static const enum vote_phase phases[2] = {VOTE_PREPARE, VOTE_COMMIT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct solo *solo = solo_new(N, SELF);
        struct header header = solo_header(solo, 1);
        struct hash32 hash = solo_hash(&header), other = {{1}};
        struct pbft_input batch = {.type = PBFT_BATCH};
        (void)solo_tick(solo, 60000); /* it leads, and proposes an empty block */
        assert_true(pbft_wants_proposal(solo->core, solo->now_ms));
        header.time_ms = solo->clock_ms;
        hash = solo_hash(&header);
        assert_int_equal(solo_step(solo, &batch), ST_OK);
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
        for (uint32_t member = 1; member < 3; member++) {
            assert_int_equal(solo_vote(solo, member, VOTE_PREPARE, 0, 1, &hash), ST_OK);
        }
        assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE), 2);
        assert_int_equal(solo_vote(solo, SELF, phases[i], 0, 1, &hash), ST_DUPLICATE);
        assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
        assert_int_equal(solo_vote(solo, SELF, phases[i], 0, 1, &other), ST_CONFLICT);
        assert_true(solo_alarmed(solo, PBFT_ALARM_OWN_SIGNATURE));
        solo_free(solo);
    }
}

/* A vote of an earlier view than the journal's: it may have been its own, and binds nothing any more. */
static void test_below_the_journal(void **state)
{
    enum { ME = 3 };
    struct solo *solo = solo_new(N, ME);
    struct header header = solo_header(solo, 1);
    struct hash32 other = {{1}};
    struct solo_change changes[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        solo_change(solo, &changes[i], i, 2, NULL, NULL, 0);
    }
    assert_int_equal(solo_hear_new_view(solo, 2, 2, changes, 3), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_propose(solo, 2, 1, &solo->tip_hash, header.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE), 1);
    assert_int_equal(solo_vote(solo, ME, VOTE_PREPARE, 1, 1, &other), ST_OLD);
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
    for (uint32_t i = 0; i < 3; i++) {
        solo_change_free(&changes[i]);
    }
    solo_free(solo);
}

/* The log is behind the journal by an era: what this key asked for in the old one, the journal need not know any more. */
static void test_behind_an_era(void **state)
{
    enum { ME = 3 };
    struct solo *solo = solo_new(N, ME);
    struct header genesis = solo->tip;
    struct validator_set first = solo->set, next = solo->set;
    struct pubkey33 peer = solo_key(1);
    struct solo_change change;
    (void)state;
    next.era = 2;
    next.validators[0].incarnation = 1;
    solo_commit(solo, 1, &next);
    (void)solo_tick(solo, 70000); /* it asks for view 1 of era 2, which is written */
    solo->tip = genesis;
    solo->tip_hash = solo->era_base = solo_hash(&genesis);
    solo->set = first;
    solo->previous.era = 0;
    owned_free(&solo->certificate);
    assert_int_equal(solo_restart(solo, true), ST_OK);
    solo_change(solo, &change, ME, 3, NULL, NULL, 0);
    assert_int_equal(solo_hear_change(solo, &change), ST_FUTURE);
    assert_int_equal(solo_seen(solo, PBFT_ALARM), 0);
    /* Nor has it anything to show of that era's views. */
    solo_forget(solo);
    (void)solo_tick(solo, 1000);
    assert_int_equal(solo_status(solo, &peer, 0), ST_OK);
    assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE), 0);
    solo_change_free(&change);
    solo_free(solo);
}

/* An own batch is being checked when the alarm comes: it is not proposed any more. */
static void test_alarm_during_check(void **state)
{
    (void)state;
    for (int alarm = 0; alarm <= 1; alarm++) {
        struct solo *solo = solo_new(N, SELF);
        struct pbft_input batch = {.type = PBFT_BATCH};
        struct hash32 hash = {{1}};
        (void)solo_tick(solo, 60000);
        batch.batch.entries = bytes_of(noise, 32);
        assert_int_equal(solo_step(solo, &batch), ST_OK);
        assert_int_equal(solo_last(solo, PBFT_EXECUTE)->execute.kind, PBFT_EXECUTE_CHECK);
        if (alarm) {
            assert_int_equal(solo_vote(solo, SELF, VOTE_COMMIT, 3, 1, &hash), ST_CONFLICT);
        }
        assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, NULL), ST_OK);
        assert_int_equal(solo_sent(solo, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE), !alarm);
        solo_free(solo);
    }
}

/* ---- Being asked ------------------------------------------------------------------------------------- */

static void ask(struct solo *solo, uint32_t number)
{
    Xuelian__NewestRequest wire = XUELIAN__NEWEST_REQUEST__INIT;
    struct pubkey33 key = solo_key(number);
    wire.key = field_borrow(&key, 33);
    wire.nonce = field_borrow(noise, 16);
    (void)solo_tick(solo, 1000);
    solo_forget(solo);
    assert_int_equal(
        solo_hear(solo, &key, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST, &wire.base), ST_OK);
}

static size_t answer_size(const struct solo *solo)
{
    return solo_last(solo, PBFT_SEND)->send.body.size;
}

/* The newest certificate that the key is in goes with the answer: of what is prepared here, or of the tip. */
static void test_certificate_in_answer(void **state)
{
    enum { ME = 3, EMPTY = 18, STRANGER = 9 };
    struct solo *solo = solo_new(N, ME);
    (void)state;
    ask(solo, 0);
    assert_int_equal(answer_size(solo), EMPTY); /* the genesis has none */
    ask(solo, STRANGER);
    assert_int_equal(answer_size(solo), EMPTY);
    solo_commit(solo, 1, NULL);
    ask(solo, 0);
    assert_true(answer_size(solo) > EMPTY);
    ask(solo, STRANGER);
    assert_int_equal(answer_size(solo), EMPTY);

    struct header header = solo_header(solo, 2);
    struct hash32 hash = solo_hash(&header);
    assert_int_equal(solo_propose(solo, 0, 2, &solo->tip_hash, header.time_ms), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    assert_int_equal(solo_vote(solo, 0, VOTE_PREPARE, 0, 2, &hash), ST_OK);
    assert_int_equal(solo_vote(solo, 1, VOTE_PREPARE, 0, 2, &hash), ST_OK);
    ask(solo, STRANGER);
    assert_int_equal(answer_size(solo), EMPTY);
    ask(solo, 2); /* not in what is prepared, by 0, 1 and 3; in the tip's */
    assert_true(answer_size(solo) > EMPTY);
    ask(solo, 1);
    assert_true(answer_size(solo) > EMPTY);
    solo_free(solo);
}

/* The certificate on its own disk is none: it is not passed on. */
static void test_damaged_certificate(void **state)
{
    enum { ME = 3, EMPTY = 18 };
    struct solo *solo = solo_new(N, ME);
    (void)state;
    solo_commit(solo, 1, NULL);
    solo->certificate.size--;
    assert_int_equal(solo_restart(solo, true), ST_OK);
    ask(solo, 0);
    assert_int_equal(answer_size(solo), EMPTY);
    solo_free(solo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_mine),     cmocka_unit_test(test_claim),
        cmocka_unit_test(test_claim_after_alarm),   cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_certificates),        cmocka_unit_test(test_earlier_incarnation),
        cmocka_unit_test(test_incarnation_to_come), cmocka_unit_test(test_beside_the_journal),
        cmocka_unit_test(test_alarm_during_check),  cmocka_unit_test(test_certificate_in_answer),
        cmocka_unit_test(test_damaged_certificate), cmocka_unit_test(test_below_the_journal),
        cmocka_unit_test(test_behind_an_era),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
