/* A member's own keys, and evidence against validators, row by row of docs/protocol.md section 18. */
#include "tests/unit/cmocka_all.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/govern_support.h"

static struct governed network;

static int setup(void **state)
{
    (void)state;
    governed_open(&network, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    governed_close(&network);
    return 0;
}

static uint64_t next_height(void)
{
    return ledger_tip(network.ledger)->height + 1;
}

/* ---- Keys ---- */

static uint32_t rotate(uint32_t member, ProtobufCBinaryData key, bool keep)
{
    Xuelian__MemberKeyRotation wish = XUELIAN__MEMBER_KEY_ROTATION__INIT;
    wish.key = key;
    wish.keep = keep;
    return governed_send(&network, XUELIAN__TX_KIND__TX_KIND_MEMBER_KEY_ROTATE, &wish.base,
                         BY(member), NULL);
}

static uint32_t revoke(struct signers by, uint8_t secret, uint64_t from_height)
{
    Xuelian__MemberKeyRevocation wish = XUELIAN__MEMBER_KEY_REVOCATION__INIT;
    wish.key = governed_key(secret);
    wish.from_height = from_height;
    return governed_send(&network, XUELIAN__TX_KIND__TX_KIND_MEMBER_KEY_REVOKE, &wish.base, by,
                         NULL);
}

static void rotated(void **state)
{
    uint8_t none[33] = {2};
    (void)state;
    assert_int_equal(rotate(6, field_borrow(none, 33), false), ST_BAD_FIELD);
    assert_int_equal(rotate(6, governed_key(6), false), ST_KEY_TAKEN);
    assert_int_equal(rotate(5, governed_key(200), false), ST_MEMBER_INACTIVE);
    uint64_t height = next_height();
    assert_int_equal(rotate(6, governed_key(200), false), ST_OK);
    const Xuelian__Member *made = governed_member(&network, 6);
    assert_int_equal(made->n_keys, 2);
    assert_int_equal(made->keys[0]->to_height, height + 1);
    assert_int_equal(made->keys[1]->from_height, height + 1);
    assert_int_equal(rotate(6, governed_key(201), false), ST_WRONG_KEY); /* with the old one */
    governed_sign_with(6, 200);
    assert_int_equal(rotate(6, governed_key(6), false), ST_KEY_TAKEN); /* once used */
    assert_int_equal(rotate(6, governed_key(201), true), ST_OK);
    assert_int_equal(rotate(6, governed_key(202), false), ST_OK); /* 200 was kept */
    governed_sign_with(6, 201);
    /* 6 and 200 have ended and stand on a page: 201 and 202 are in the record. */
    for (uint32_t i = 4; i < LIMIT_MEMBER_KEYS_MAX + 2; i++) {
        assert_int_equal(rotate(6, governed_key((uint8_t)(199 + i)), true), ST_OK);
    }
    assert_int_equal(rotate(6, governed_key(250), true), ST_LIST_FULL);
}

/* In the block that rotates, the old key still signs; in the next it does not. */
static void rotates_at_the_next_height(void **state)
{
    Xuelian__MemberKeyRotation first = XUELIAN__MEMBER_KEY_ROTATION__INIT;
    Xuelian__MemberKeyRotation second = XUELIAN__MEMBER_KEY_ROTATION__INIT;
    const uint32_t signer = 6;
    uint32_t codes[2];
    (void)state;
    first.key = governed_key(200);
    second.key = governed_key(201);
    second.keep = true;
    const ProtobufCMessage *items[2] = {&first.base, &second.base};
    struct bytes txs[2];
    for (uint32_t i = 0; i < 2; i++) {
        txs[i] = support_tx(&network.genesis, XUELIAN__TX_KIND__TX_KIND_MEMBER_KEY_ROTATE,
                            &items[i], 1, &signer, 1, 20, i);
    }
    support_block(network.ledger, txs, 2, codes);
    assert_int_equal(codes[0], ST_OK);
    assert_int_equal(codes[1], ST_OK);
    support_free(txs[0]);
    support_free(txs[1]);
    assert_int_equal(rotate(6, governed_key(202), false), ST_WRONG_KEY);
}

static void ends_already(void **state)
{
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    Xuelian__MemberKeyChange end = XUELIAN__MEMBER_KEY_CHANGE__INIT;
    (void)state;
    end.member = 6;
    end.key = governed_key(6);
    end.to_height = 3;
    change.key = &end;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), NULL),
                     ST_OK);
    assert_int_equal(rotate(6, governed_key(200), false), ST_WRONG_STATE); /* at height 2 */
}

static void revoked(void **state)
{
    (void)state;
    governed_advance(&network, 5);
    assert_int_equal(revoke(BY(6), 6, next_height() + 2), ST_BAD_FIELD);
    assert_int_equal(revoke(BY(6), 7, 0), ST_BAD_RECORD); /* another's */
    assert_int_equal(revoke(BY(6, 7), 6, 0), ST_NOT_ALLOWED);
    assert_int_equal(rotate(6, governed_key(200), true), ST_OK);
    assert_int_equal(revoke(BY(6), 200, 4), ST_OK); /* before it began: it never signs */
    assert_int_equal(governed_member(&network, 6)->keys[1]->to_height,
                     governed_member(&network, 6)->keys[1]->from_height);
    /* Compromised since height 3: said at height 11. */
    assert_int_equal(revoke(BY(6), 6, 3), ST_OK);
    assert_int_equal(governed_member(&network, 6)->keys[0]->to_height, 3);
    assert_int_equal(revoke(BY(6), 6, 2), ST_WRONG_KEY);
    uint64_t height = next_height();
    assert_int_equal(revoke(BY(4), 4, 0), ST_OK);
    assert_int_equal(governed_member(&network, 4)->keys[0]->to_height, height + 1);
}

/* Governance ends a key of a member, or gives it one. */
static uint32_t govern_key(struct signers by, uint32_t member, uint8_t secret, uint64_t from,
                           uint64_t to)
{
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    Xuelian__MemberKeyChange wish = XUELIAN__MEMBER_KEY_CHANGE__INIT;
    wish.member = member;
    wish.key = governed_key(secret);
    wish.from_height = from;
    wish.to_height = to;
    change.key = &wish;
    return governed_propose(&network, (Xuelian__Change *[]){&change}, 1, by, NULL);
}

/* Of the panel, 7 and 8, both must approve. Of 1, 2 and 3, who govern, two: two keep keys that go on for ever. */
static void panel_left(void **state)
{
    (void)state;
    assert_int_equal(revoke(BY(7), 7, 0), ST_GOVERN_STUCK);
    assert_int_equal(rotate(7, governed_key(200), true), ST_OK);
    assert_int_equal(revoke(BY(7), 7, 0), ST_OK);
}

static void governors_left(void **state)
{
    (void)state;
    assert_int_equal(revoke(BY(1), 1, 0), ST_OK);
    assert_int_equal(revoke(BY(2), 2, 0), ST_GOVERN_STUCK);
    assert_int_equal(rotate(2, governed_key(200), false), ST_OK); /* is as fast */
    governed_sign_with(2, 200);
    assert_int_equal(revoke(BY(6), 6, 0), ST_OK); /* has no say */
    assert_int_equal(govern_key(BY(2, 3), 3, 3, 0, 500), ST_GOVERN_STUCK);
    assert_int_equal(govern_key(BY(2, 3), 3, 201, 501, 0), ST_OK);
    assert_int_equal(govern_key(BY(2, 3), 3, 3, 0, 500), ST_GOVERN_STUCK); /* not at 500 */
    assert_int_equal(govern_key(BY(2, 3), 3, 3, 0, 501), ST_OK);
    assert_int_equal(govern_key(BY(2, 3), 3, 201, 0, 600), ST_GOVERN_STUCK);
    assert_int_equal(govern_key(BY(2, 3), 1, 202, 0, 0), ST_OK); /* has a key again */
    assert_int_equal(govern_key(BY(2, 3), 3, 201, 0, 600), ST_OK);
    governed_sign_with(1, 202);
    assert_int_equal(revoke(BY(1), 202, 0), ST_GOVERN_STUCK);
}

/* ---- Evidence ---- */

struct made_vote {
    Xuelian__SignedVote wire;
    struct hash32 hash;
    struct sig64 signature;
};

static void sign_vote(struct made_vote *out, Xuelian__SignedPhase phase, uint64_t view,
                      uint64_t height, uint8_t hash, uint8_t secret)
{
    const enum hash_tag tags[] = {TAG_SIGN_PREPARE, TAG_SIGN_PRE_PREPARE, TAG_SIGN_PREPARE,
                                  TAG_SIGN_COMMIT};
    struct hash32 digest;
    struct signer *signer = support_signer(secret);
    out->hash = (struct hash32){{hash}};
    vote_hash(&digest, tags[phase], &network.genesis.chain_id, 1, view, height, &out->hash);
    signer_sign(signer, &digest, &out->signature);
    signer_free(signer);
    xuelian__signed_vote__init(&out->wire);
    out->wire.phase = phase;
    out->wire.view = view;
    out->wire.height = height;
    out->wire.hash = field_borrow(&out->hash, 32);
    out->wire.signature = field_borrow(&out->signature, 64);
}

struct made_change {
    Xuelian__SignedViewChange wire;
    struct hash32 committed;
    struct sig64 signature;
    uint8_t certificate[256];
};

/* prepared: height and view of the certificate; height 0: none, UINT64_MAX: bytes that are no certificate. */
static void sign_change(struct made_change *out, uint64_t view, uint64_t committed_height,
                        uint8_t committed, uint64_t prepared_height, uint64_t prepared_view)
{
    Xuelian__Certificate certificate = XUELIAN__CERTIFICATE__INIT;
    struct hash32 digest, prepared;
    struct signer *signer = support_signer(102);
    size_t size = 0;
    out->committed = (struct hash32){{committed}};
    if (prepared_height != 0) {
        certificate.phase = XUELIAN__PHASE__PHASE_PREPARE;
        certificate.height = prepared_height;
        certificate.view = prepared_view;
        certificate.header_hash = field_borrow(&out->committed, 32);
        size = canonical_encode(out->certificate, &certificate.base);
        size -= prepared_height == UINT64_MAX;
        hash_tagged(&prepared, TAG_CERTIFICATE, out->certificate, size);
    }
    view_change_hash(&digest, &network.genesis.chain_id, 1, view, committed_height, &out->committed,
                     size != 0 ? &prepared : NULL);
    signer_sign(signer, &digest, &out->signature);
    signer_free(signer);
    xuelian__signed_view_change__init(&out->wire);
    out->wire.new_view = view;
    out->wire.committed_height = committed_height;
    out->wire.committed_hash = field_borrow(&out->committed, 32);
    out->wire.prepared_certificate = field_borrow(out->certificate, size);
    out->wire.signature = field_borrow(&out->signature, 64);
}

static Xuelian__Evidence evidence;

/* Against validator 2, whose node signs with secret 102; recorded by a member without any role. */
static uint32_t record(struct made_vote *a, struct made_vote *b, struct made_change *c,
                       struct made_change *d, struct hash32 *id)
{
    xuelian__evidence__init(&evidence);
    evidence.era = 1;
    evidence.key = governed_key(102);
    evidence.first_vote = a == NULL ? NULL : &a->wire;
    evidence.second_vote = b == NULL ? NULL : &b->wire;
    evidence.first_change = c == NULL ? NULL : &c->wire;
    evidence.second_change = d == NULL ? NULL : &d->wire;
    return governed_send(&network, XUELIAN__TX_KIND__TX_KIND_EVIDENCE, &evidence.base, BY(6), id);
}

#define PRE_PREPARE XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PRE_PREPARE
#define PREPARE     XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PREPARE
#define COMMIT      XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT

static void two_votes(void **state)
{
    struct made_vote a, b;
    struct hash32 id;
    (void)state;
    for (Xuelian__SignedPhase phase = PRE_PREPARE; phase <= COMMIT; phase++) {
        sign_vote(&a, phase, 3, 7, 1, 102);
        sign_vote(&b, phase, 3, 7, 2, 102);
        assert_int_equal(record(&a, &b, NULL, NULL, &id), ST_OK);
        const Xuelian__GovernRecord *made =
            (const Xuelian__GovernRecord *)(const void *)governed_record(
                &network, XUELIAN__COLLECTION__COLLECTION_PROPOSALS, bytes_of(&id, 32),
                &xuelian__govern_record__descriptor);
        assert_null(made->proposal);
        assert_int_equal(made->evidence->member, 2);
        assert_int_equal(made->evidence->recorded_by, 6);
        assert_memory_equal(made->evidence->id.data, &id, 32);
        sign_vote(&b, phase, 3, 7, 5, 102); /* the same slot again, or the other way round */
        assert_int_equal(record(&b, &a, NULL, NULL, NULL), ST_EVIDENCE_KNOWN);
        assert_int_equal(
            governed_answer(&network, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE, &id, BY(1)),
            ST_UNKNOWN_PROPOSAL); /* it is not for voting */
    }
    assert_int_equal(ledger_set(network.ledger)->count, 4); /* nothing follows from it */
}

static void honest_votes(void **state)
{
    struct made_vote a, b;
    (void)state;
    sign_vote(&a, PREPARE, 3, 7, 1, 102);
    sign_vote(&b, PREPARE, 3, 7, 1, 102);
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE); /* one vote twice */
    sign_vote(&b, PREPARE, 4, 7, 2, 102);
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    sign_vote(&b, PREPARE, 3, 8, 2, 102);
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    sign_vote(&b, COMMIT, 3, 7, 2, 102);
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    sign_vote(&b, PREPARE, 3, 7, 2, 103); /* another's signature */
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    assert_int_equal(record(&b, &a, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    sign_vote(&b, PREPARE, 3, 7, 2, 102);
    a.wire.phase = XUELIAN__SIGNED_PHASE__SIGNED_PHASE_UNSPECIFIED;
    b.wire.phase = a.wire.phase;
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    assert_int_equal(record(&a, NULL, NULL, NULL, NULL), ST_BAD_EVIDENCE);
    assert_int_equal(record(NULL, NULL, NULL, NULL, NULL), ST_BAD_EVIDENCE);
}

static void whose_and_when(void **state)
{
    struct made_vote a, b;
    (void)state;
    sign_vote(&a, PREPARE, 3, 7, 1, 102);
    sign_vote(&b, PREPARE, 3, 7, 2, 102);
    (void)record(NULL, NULL, NULL, NULL, NULL);
    evidence.first_vote = &a.wire;
    evidence.second_vote = &b.wire;
    evidence.era = 2;
    assert_int_equal(
        governed_send(&network, XUELIAN__TX_KIND__TX_KIND_EVIDENCE, &evidence.base, BY(6), NULL),
        ST_BAD_EVIDENCE);
    evidence.era = 1;
    evidence.key = governed_key(106); /* no validator */
    assert_int_equal(
        governed_send(&network, XUELIAN__TX_KIND__TX_KIND_EVIDENCE, &evidence.base, BY(6), NULL),
        ST_BAD_EVIDENCE);
    /* Of an era that is past, and a validator that left. */
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    Xuelian__ValidatorChange leave = XUELIAN__VALIDATOR_CHANGE__INIT;
    struct hash32 id;
    leave.member = 2;
    leave.key = governed_key(102);
    leave.remove = true;
    change.validator = &leave;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), &id),
                     ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 103}, 2), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 3);
    governed_reopen(&network);
    assert_int_equal(record(&a, &b, NULL, NULL, NULL), ST_OK);
}

static void view_changes(void **state)
{
    struct made_change a, b;
    (void)state;
    sign_change(&a, 4, 6, 1, 0, 0);
    sign_change(&b, 4, 6, 1, 0, 0);
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_BAD_EVIDENCE);
    sign_change(&b, 5, 7, 1, 0, 0);
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_BAD_EVIDENCE);
    sign_change(&b, 4, 7, 1, 0, 0);
    b.signature.bytes[40] ^= 1;
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_BAD_EVIDENCE);
    assert_int_equal(record(NULL, NULL, &b, &a, NULL), ST_BAD_EVIDENCE);
    sign_change(&b, 4, 7, 1, 0, 0);
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_OK);
    sign_change(&b, 4, 6, 2, 0, 0);
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_EVIDENCE_KNOWN);
    sign_change(&a, 6, 6, 1, 0, 0);
    sign_change(&b, 6, 6, 1, 7, 2); /* another prepared certificate */
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_OK);
    sign_change(&a, 7, 6, 1, 0, 0);
    sign_change(&b, 7, 6, 2, 0, 0); /* another committed block */
    assert_int_equal(record(NULL, NULL, &a, &b, NULL), ST_OK);
}

static void commit_forgotten(void **state)
{
    struct made_vote vote;
    struct made_change change;
    (void)state;
    sign_vote(&vote, COMMIT, 3, 7, 1, 102);
    sign_change(&change, 3, 6, 1, 0, 0); /* not a higher view */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    sign_change(&change, 4, 7, 1, 0, 0); /* it is committed there */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    sign_change(&change, 4, 6, 1, 7, 3); /* it is prepared there */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    sign_change(&change, 4, 6, 1, UINT64_MAX, 3); /* no certificate: nobody counts that message */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    sign_change(&change, 4, 6, 1, 0, 0);
    change.signature.bytes[40] ^= 1;
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    sign_change(&change, 4, 6, 1, 0, 0);
    vote.signature.bytes[40] ^= 1;
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
    vote.signature.bytes[40] ^= 1;
    assert_int_equal(record(&vote, NULL, &change, &change, NULL),
                     ST_BAD_EVIDENCE); /* three parts */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_OK);
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_EVIDENCE_KNOWN);
    sign_vote(&vote, COMMIT, 3, 8, 1, 102);
    sign_change(&change, 4, 6, 1, 7, 3); /* prepared, at another height */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_OK);
    sign_vote(&vote, COMMIT, 3, 7, 1, 102);
    sign_vote(&vote, COMMIT, 5, 7, 1, 102);
    sign_change(&change, 6, 6, 1, 7, 4); /* prepared in a lower view */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_OK);
    sign_vote(&vote, PREPARE, 7, 7, 1, 102);
    sign_change(&change, 8, 6, 1, 0, 0); /* a PREPARE may be forgotten */
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_EVIDENCE);
}

static void too_large(void **state)
{
    static uint8_t bytes[LIMIT_CHANGES_SIZE_MAX + 1];
    struct made_vote vote;
    struct made_change change;
    (void)state;
    sign_vote(&vote, COMMIT, 3, 7, 1, 102);
    sign_change(&change, 4, 6, 1, 0, 0);
    change.wire.prepared_certificate = field_borrow(bytes, sizeof bytes);
    assert_int_equal(record(&vote, NULL, &change, NULL, NULL), ST_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rotated, setup, teardown),
        cmocka_unit_test_setup_teardown(rotates_at_the_next_height, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_already, setup, teardown),
        cmocka_unit_test_setup_teardown(revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(panel_left, setup, teardown),
        cmocka_unit_test_setup_teardown(governors_left, setup, teardown),
        cmocka_unit_test_setup_teardown(two_votes, setup, teardown),
        cmocka_unit_test_setup_teardown(honest_votes, setup, teardown),
        cmocka_unit_test_setup_teardown(whose_and_when, setup, teardown),
        cmocka_unit_test_setup_teardown(view_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(commit_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
