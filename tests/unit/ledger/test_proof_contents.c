/* What items say and who signed them, proved from a real ledger: recognitions and decisions with their signatures, keys
 * that came after genesis or were declared ended since, several signers, accounts merged into one. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_govern.pb-c.h"
#include "tests/unit/ledger/people.h"
#include "tests/unit/ledger/prover.h"

#define KIND(name) XUELIAN__TX_KIND__TX_KIND_##name

enum { A = 1, B = 2, KEY_A = 60, NEW_KEY = 77 };

static struct people net;
static struct prover prover;
static struct hash32 ids[3];

static void keep(uint64_t height, const struct bytes *txs, uint32_t count)
{
    prover_keep(&prover, height, txs, count);
}

static int start(void **state)
{
    static uint8_t genesis_bytes[16384];
    (void)state;
    size_t size = people_genesis(genesis_bytes, sizeof genesis_bytes);
    people_open(&net);
    prover_open(&prover, net.kv, &net.genesis, bytes_of(genesis_bytes, size));
    net.keep = keep;
    for (uint32_t i = A; i <= B; i++) {
        ids[i] = support_learner(i);
        people_account(&net, i, i == A ? KEY_A : 0);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    prover_close(&prover);
    people_close(&net);
    return 0;
}

static uint32_t send(Xuelian__TxKind kind, const ProtobufCMessage *item, struct hand first,
                     struct hand second)
{
    const struct hand hands[] = {first, second};
    return people_submit(&net, kind, item, hands, second.number != 0 ? 2 : 1);
}

static const struct hand nobody;

static uint64_t deposit_by(uint32_t learner, struct hand hand, uint32_t date)
{
    Xuelian__Outcome outcome;
    people_outcome(&outcome, &ids[learner], 300, date);
    assert_int_equal(send(KIND(DEPOSIT), &outcome.base, hand, nobody), ST_OK);
    return people_read(&net, learner).items.size;
}

static uint32_t act(Xuelian__TxKind kind, uint32_t learner, uint64_t number, struct hand hand)
{
    struct hash32 hash = people_hash(&net, learner, number);
    Xuelian__ItemAct wire = XUELIAN__ITEM_ACT__INIT;
    wire.account = field_borrow(&ids[learner], 32);
    wire.item = number;
    wire.version_hash = field_borrow(&hash, 32);
    wire.reason = XUELIAN__ITEM_REASON__ITEM_REASON_UNDER_INQUIRY;
    return send(kind, &wire.base, hand, nobody);
}

static const struct verify_item *proved(uint32_t learner, uint64_t number)
{
    assert_int_equal(prover_account(&prover, &ids[learner], number), ST_OK);
    return &prover.result.items[0];
}

static void says(const char *words)
{
    if (strstr(prover.report, words) == NULL) {
        fail_msg("missing: %s\nin: %s", words, prover.report);
    }
}

static void rotate(uint8_t secret)
{
    struct pubkey33 key = people_key(secret);
    Xuelian__MemberKeyRotation rotation = XUELIAN__MEMBER_KEY_ROTATION__INIT;
    rotation.key = field_borrow(&key, 33);
    assert_int_equal(send(KIND(MEMBER_KEY_ROTATE), &rotation.base, MEMBER(2), nobody), ST_OK);
}

/* A key that came after genesis: the proof brings the member's record, and its heights are proved. */
static void test_later_key(void **state)
{
    (void)state;
    const struct hand later = {.number = 2, .secret = NEW_KEY};
    rotate(NEW_KEY);
    const struct verify_item *item = proved(A, deposit_by(A, later, 20240601));
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(item->party_count, 1);
    assert_int_equal(item->parties[0].key_state, VERIFY_KEY_OF_STATE);
    says("key in force then as its record says");
}

/* Declared ended from a height on: what was recorded before stays signed; of what was recorded since it is said. */
static void test_compromised_key(void **state)
{
    (void)state;
    struct pubkey33 key = people_key(2);
    Xuelian__MemberKeyRevocation revocation = XUELIAN__MEMBER_KEY_REVOCATION__INIT;
    uint64_t before = deposit_by(A, MEMBER(2), 20240601);
    uint64_t since = ledger_tip(net.ledger)->height + 1;
    uint64_t after = deposit_by(A, MEMBER(2), 20240602);
    assert_int_equal(proved(A, after)->parties[0].key_state, VERIFY_KEY_OF_GENESIS);
    rotate(NEW_KEY);
    revocation.key = field_borrow(&key, 33);
    revocation.from_height = since;
    assert_int_equal(send(KIND(MEMBER_KEY_REVOKE), &revocation.base,
                          (struct hand){.number = 2, .secret = NEW_KEY}, nobody),
                     ST_OK);
    const struct verify_item *item = proved(A, before);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_SIGNED);
    item = proved(A, after);
    assert_int_equal(item->status, VERIFY_ITEM_VALID);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_KEY_ENDED);
    says("WHOSE KEY IT HAS SINCE DECLARED ENDED before this was recorded");
}

static Xuelian__Recognition recognition_of(uint64_t outcome, struct hash32 *version)
{
    Xuelian__Recognition made = XUELIAN__RECOGNITION__INIT;
    *version = people_hash(&net, A, outcome);
    made.account = field_borrow(&ids[A], 32);
    made.recogniser = 1;
    made.outcome = outcome;
    made.outcome_version = field_borrow(version, 32);
    made.level = 4;
    made.credits = 250;
    return made;
}

static void test_recognition(void **state)
{
    (void)state;
    struct hash32 version;
    uint64_t outcome = deposit_by(A, MEMBER(2), 20240601);
    Xuelian__Recognition made = recognition_of(outcome, &version);
    assert_int_equal(send(KIND(RECOGNISE), &made.base, MEMBER(1), nobody), ST_OK);
    const struct verify_item *item = proved(A, 2);
    assert_int_equal(item->kind, VERIFY_ITEM_RECOGNITION);
    assert_int_equal(item->recognition.credits, 250);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(item->parties[0].member, 1);
    says("recognition of record 1 at level 4, credits 2.50; recognised by ");
    says("decider's own signature verified on version 1 (signed by ");

    assert_int_equal(act(KIND(SUSPEND), A, outcome, MEMBER(2)), ST_OK);
    assert_int_equal(proved(A, 2)->status, VERIFY_ITEM_REVIEW);
    assert_int_equal(prover.result.items[0].issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(act(KIND(RESTORE), A, outcome, MEMBER(2)), ST_OK);
    struct hash32 hash = people_hash(&net, A, 2);
    Xuelian__RecognitionReview review = XUELIAN__RECOGNITION_REVIEW__INIT;
    Xuelian__Recognition again = recognition_of(outcome, &version);
    review.account = field_borrow(&ids[A], 32);
    review.item = 2;
    review.version_hash = field_borrow(&hash, 32);
    review.recognition = &again;
    assert_int_equal(send(KIND(RECOGNISE_REVIEW), &review.base, MEMBER(1), nobody), ST_OK);
    item = proved(A, 2);
    assert_int_equal(item->signed_kind, 27);
    assert_int_equal(item->signed_version, 3);
    assert_int_equal(prover_account(&prover, &ids[A], 0), ST_OK);
    assert_int_equal(prover.result.recognised.credits, 250);
    assert_int_equal(prover.result.totals_state, VERIFY_TOTALS_EQUAL);
}

/* An application, signed by the learner; then the institution's decision, with a second signer. */
static void test_application(void **state)
{
    (void)state;
    Xuelian__Outcome outcome;
    people_outcome(&outcome, &ids[A], 300, 20240601);
    outcome.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
    assert_int_equal(send(KIND(APPLY), &outcome.base, LEARNER(A, KEY_A), nobody), ST_OK);
    const struct verify_item *item = proved(A, 1);
    assert_int_equal(item->status, VERIFY_ITEM_APPLIED);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_KEY_UNKNOWN);
    assert_int_equal(item->parties[0].member, 0);
    struct hash32 hash = people_hash(&net, A, 1);
    Xuelian__ApplicationDecision decision = XUELIAN__APPLICATION_DECISION__INIT;
    outcome.recognising = 1;
    decision.account = field_borrow(&ids[A], 32);
    decision.item = 1;
    decision.version_hash = field_borrow(&hash, 32);
    decision.outcome = &outcome;
    assert_int_equal(send(KIND(APPLY_DECIDE), &decision.base, MEMBER(2), MEMBER(1)), ST_OK);
    item = proved(A, 1);
    assert_int_equal(item->status, VERIFY_ITEM_VALID);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(item->party_count, 2);
    assert_int_equal(item->parties[0].member, 2);
    assert_int_equal(item->parties[1].member, 1);
}

/* The merged account's archive comes with the other's, with what it held then, also after it changed. */
static void test_merged(void **state)
{
    (void)state;
    struct hash32 commitments[3];
    Xuelian__AccountMerge merge = XUELIAN__ACCOUNT_MERGE__INIT;
    commitments[A] = people_commitment(A);
    commitments[B] = people_commitment(B);
    merge.account = field_borrow(&ids[A], 32);
    merge.identity_commitment = field_borrow(&commitments[A], 32);
    merge.other = field_borrow(&ids[B], 32);
    merge.other_commitment = field_borrow(&commitments[B], 32);
    deposit_by(A, MEMBER(2), 20240601);
    deposit_by(B, MEMBER(2), 20240602);
    deposit_by(B, MEMBER(2), 20240603);
    assert_int_equal(send(KIND(ACCOUNT_MERGE), &merge.base, MEMBER(1), MEMBER(10)), ST_OK);
    for (int round = 0; round < 2; round++) {
        for (int bare = 0; bare < 2; bare++) {
            prover.unsigned_too = bare == 1;
            assert_int_equal(prover_account(&prover, &ids[A], 0), ST_OK);
            assert_int_equal(prover.result.items_shown, 2);
            assert_int_equal(prover.result.items[1].link.state, VERIFY_LINK_EQUAL);
            assert_int_equal(prover.result.linked_count, 1);
            assert_int_equal(prover.result.linked[0].items_shown, 2);
            assert_int_equal(prover.result.linked[0].totals_state, VERIFY_TOTALS_EQUAL);
            says("Merged into it");
        }
        prover.unsigned_too = false;
        assert_int_equal(proved(A, 2)->link.state, VERIFY_LINK_NOT_SHOWN);
        says("1 merged accounts: what their archives say");
        if (round == 0) {
            assert_int_equal(act(KIND(REVOKE), B, 1, MEMBER(2)), ST_OK);
        }
    }
}

static void test_dispute_and_consent(void **state)
{
    (void)state;
    uint64_t outcome = deposit_by(A, MEMBER(2), 20240601);
    struct hash32 hash = people_hash(&net, A, outcome);
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    Xuelian__Consent consent = XUELIAN__CONSENT__INIT;
    char purpose[] = "a job";
    opening.account = field_borrow(&ids[A], 32);
    opening.item = outcome;
    opening.version_hash = field_borrow(&hash, 32);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_CONTENT;
    assert_int_equal(send(KIND(DISPUTE_OPEN), &opening.base, LEARNER(A, KEY_A), nobody), ST_OK);
    consent.account = field_borrow(&ids[A], 32);
    consent.grantee = 2;
    consent.until_date = 20991231;
    consent.purpose = purpose;
    assert_int_equal(send(KIND(CONSENT_GRANT), &consent.base, LEARNER(A, KEY_A), nobody), ST_OK);
    assert_int_equal(prover_account(&prover, &ids[A], 0), ST_OK);
    assert_int_equal(prover.result.items[0].dispute, 2);
    says("dispute about item 1 (content), for ");
    says(", until 2099-12-31, for: a job");
    assert_int_equal(prover.result.totals_state, VERIFY_TOTALS_EQUAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_later_key, start, stop),
        cmocka_unit_test_setup_teardown(test_compromised_key, start, stop),
        cmocka_unit_test_setup_teardown(test_recognition, start, stop),
        cmocka_unit_test_setup_teardown(test_application, start, stop),
        cmocka_unit_test_setup_teardown(test_merged, start, stop),
        cmocka_unit_test_setup_teardown(test_dispute_and_consent, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
