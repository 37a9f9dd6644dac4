/* Proofs of accounts in which things happened: what was disputed, suspended, corrected or asked for since is told with
 * its history, totals hold, and the issuer's signature over what still stands is found on the version it made. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/proof.h"
#include "ledger/verify/xuelian_verify.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/quorum.h"
#include "proto/tx_consent.pb-c.h"
#include "tests/unit/ledger/people.h"

#define KIND(name) XUELIAN__TX_KIND__TX_KIND_##name

enum { B = 2, KEY_B = 60, BLOCKS_MAX = 64 };

static struct people net;
static struct hash32 b;
static uint8_t genesis_bytes[16384];
static size_t genesis_size;
static struct bytes kept[BLOCKS_MAX]; /* the one transaction of each height */
static uint8_t certificate_bytes[CERTIFICATE_SIZE_MAX];
static struct ledger_view view;
static struct proof_anchor anchor;
static struct verify_result result;
static void *scratch;

static struct bytes copy(struct bytes bytes)
{
    uint8_t *data = malloc(bytes.size);
    assert_non_null(data);
    memcpy(data, bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}

static enum status get_tx(void *context, uint64_t height, uint32_t index, uint8_t **bytes,
                          size_t *size)
{
    (void)context;
    if (height >= BLOCKS_MAX || kept[height].size == 0 || index != 0) {
        return ST_NOT_FOUND;
    }
    struct bytes tx = copy(kept[height]);
    union {
        const uint8_t *in;
        uint8_t *out;
    } pointer = {.in = tx.data};
    *bytes = pointer.out;
    *size = tx.size;
    return ST_OK;
}

static const struct proof_source source = {.get_tx = get_tx};

static uint32_t submit(Xuelian__TxKind kind, const ProtobufCMessage *item, struct hand hand)
{
    struct bytes tx = people_tx(&net, kind, item, &hand, 1);
    uint32_t code = 0;
    kept[ledger_tip(net.ledger)->height + 1] = copy(tx);
    people_block(&net, &tx, 1, &code, 0);
    return code;
}

static void certify(void)
{
    struct certificate certificate = {.phase = VOTE_COMMIT, .height = view.header.height};
    struct hash32 hash;
    certificate.header_hash = view.hash;
    certificate.count = quorum_size(net.genesis.set.count);
    vote_hash(&hash, TAG_SIGN_COMMIT, &net.genesis.chain_id, net.genesis.set.era, 0,
              certificate.height, &view.hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        struct signer *signer =
            support_signer((uint8_t)(100 + net.genesis.set.validators[i].member));
        certificate.signers[i] = i;
        signer_sign(signer, &hash, &certificate.signatures[i]);
        signer_free(signer);
    }
    anchor.certificate =
        bytes_of(certificate_bytes,
                 certificate_encode(certificate_bytes, &certificate, net.genesis.set.count));
}

static int start(void **state)
{
    (void)state;
    genesis_size = people_genesis(genesis_bytes, sizeof genesis_bytes);
    people_open(&net);
    b = support_learner(B);
    people_account(&net, B, KEY_B);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        if (kept[i].size > 0) {
            support_free(kept[i]);
            kept[i] = (struct bytes){.data = NULL};
        }
    }
    free(scratch);
    scratch = NULL;
    people_close(&net);
    return 0;
}

static void deposit(uint32_t date)
{
    Xuelian__Outcome outcome;
    support_outcome(&outcome, &b);
    outcome.award_date = date;
    outcome.start_date = 0;
    assert_int_equal(submit(KIND(DEPOSIT), &outcome.base, MEMBER(2)), ST_OK);
}

static struct item newest(uint64_t number)
{
    struct item item;
    people_item(&net, B, number, &item);
    return item;
}

/* Builds a proof of an item, or of the archive (0), and has the verifier look at it. */
static void prove(uint64_t number)
{
    static const struct verify_options options;
    uint8_t *proof = NULL;
    size_t size = 0;
    assert_int_equal(ledger_view_open(&view, net.kv), ST_OK);
    certify();
    assert_int_equal(number != 0 ? proof_record(&view, &anchor, &source, &b, number, &proof, &size)
                                 : proof_archive(&view, &anchor, &source, &b, NULL, &proof, &size),
                     ST_OK);
    size_t room = VERIFY_SCRATCH_SIZE(genesis_size, size) + size;
    free(scratch);
    scratch = malloc(room);
    assert_non_null(scratch);
    memcpy(scratch, proof, size); /* the result borrows the proof */
    verify_proof(&result, bytes_of(genesis_bytes, genesis_size), bytes_of(scratch, size), &options,
                 (uint8_t *)scratch + size, room - size);
    if (result.status != ST_OK) {
        print_error("refused: %s\n", verify_fault_name(result.fault));
    }
    assert_int_equal(result.status, ST_OK);
    free(proof);
    ledger_view_close(&view);
}

static void open_dispute(void)
{
    struct item item = newest(1);
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    opening.account = field_borrow(&b, 32);
    opening.item = 1;
    opening.version_hash = field_borrow(&item.hash, 32);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_CONTENT;
    assert_int_equal(submit(KIND(DISPUTE_OPEN), &opening.base, LEARNER(B, KEY_B)), ST_OK);
}

/* The dispute is a new version; the issuer signed the one before, which says the same. */
static void test_disputed(void **state)
{
    (void)state;
    deposit(20240601);
    deposit(20240602);
    open_dispute();
    prove(1);
    assert_int_equal(result.items[0].version, 2);
    assert_int_equal(result.items[0].dispute, 3);
    assert_int_equal(result.items[0].status, VERIFY_ITEM_VALID);
    assert_int_equal(result.items[0].earlier_count, 1);
    assert_true(result.items[0].history_whole);
    assert_int_equal(result.items[0].issuer_signature, VERIFY_ISSUER_SIGNED);
    prove(0);
    assert_true(result.complete);
    assert_int_equal(result.totals_state, VERIFY_TOTALS_EQUAL);
    assert_int_equal(result.totals[0].outcomes, 2);
    assert_int_equal(result.items_shown, 3);
    assert_int_equal(result.items[1].dispute, 0);
    assert_int_equal(result.items[1].issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(result.items[2].kind, VERIFY_ITEM_DISPUTE);
}

static uint32_t act(Xuelian__TxKind kind, uint64_t number)
{
    struct item item = newest(number);
    Xuelian__ItemAct wire = XUELIAN__ITEM_ACT__INIT;
    wire.account = field_borrow(&b, 32);
    wire.item = number;
    wire.version_hash = field_borrow(&item.hash, 32);
    wire.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    return submit(kind, &wire.base, MEMBER(2));
}

static void test_suspended_and_revoked(void **state)
{
    (void)state;
    deposit(20240601);
    deposit(20240602);
    assert_int_equal(act(KIND(SUSPEND), 1), ST_OK);
    assert_int_equal(act(KIND(REVOKE), 2), ST_OK);
    prove(0);
    assert_int_equal(result.items[0].status, VERIFY_ITEM_SUSPENDED);
    assert_int_equal(result.items[1].status, VERIFY_ITEM_REVOKED);
    assert_int_equal(result.items[1].reason, XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE);
    assert_int_equal(result.items[1].issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_int_equal(result.totals[0].outcomes, 0);
    assert_int_equal(result.totals_state, VERIFY_TOTALS_EQUAL);
    assert_int_equal(act(KIND(RESTORE), 1), ST_OK);
    prove(1);
    assert_int_equal(result.items[0].status, VERIFY_ITEM_VALID);
    assert_int_equal(result.items[0].earlier_count, 2);
    assert_int_equal(result.items[0].issuer_signature, VERIFY_ISSUER_SIGNED);
}

/* Corrected: the deposit's signature was over other content; the correction's is shown. */
static void test_corrected(void **state)
{
    struct item item;
    Xuelian__Correction correction = XUELIAN__CORRECTION__INIT;
    Xuelian__Outcome outcome;
    (void)state;
    deposit(20240601);
    item = newest(1);
    support_outcome(&outcome, &b);
    outcome.award_date = 20240601;
    outcome.start_date = 0;
    outcome.credits = 100;
    correction.account = field_borrow(&b, 32);
    correction.item = 1;
    correction.version_hash = field_borrow(&item.hash, 32);
    correction.outcome = &outcome;
    correction.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    assert_int_equal(submit(KIND(CORRECT), &correction.base, MEMBER(2)), ST_OK);
    prove(0);
    assert_int_equal(result.items[0].status, VERIFY_ITEM_CORRECTED);
    assert_int_equal(result.items[0].issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_true(result.items[0].history_whole);
    assert_int_equal(result.totals[0].credits, 100);
    assert_int_equal(result.totals_state, VERIFY_TOTALS_EQUAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_disputed, start, stop),
        cmocka_unit_test_setup_teardown(test_suspended_and_revoked, start, stop),
        cmocka_unit_test_setup_teardown(test_corrected, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
