/* Evidence of every kind: what shows it, what does not, and what the chain makes of it (R31). */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/tx/envelope.h"
#include "ledger/view.h"
#include "node/evidence/evidence.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/proof.pb-c.h"
#include "tests/unit/ledger/govern_support.h"

enum { ROOM = 8192, ACCUSED = 102, OTHER = 103 };

#define KIND(name) XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_##name

static struct governed network;
static struct evidence_path path;
static struct evidence_facts facts;

static int setup(void **state)
{
    (void)state;
    governed_open(&network, NULL);
    assert_int_equal(evidence_path_begin(&path, &network.genesis, NULL), ST_OK);
    assert_memory_equal(&path.base_hash, ledger_tip_hash(network.ledger), 32);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    governed_close(&network);
    return 0;
}

/* ---- Messages ---- */

struct message {
    uint8_t data[ROOM];
    size_t size;
};

static struct bytes whole(const struct message *message)
{
    return bytes_of(message->data, message->size);
}

static void encode(struct message *out, const ProtobufCMessage *wire)
{
    assert_true(canonical_size(wire) <= sizeof out->data);
    out->size = canonical_encode(out->data, wire);
}

static uint32_t place_of(uint8_t secret)
{
    struct signer *signer = support_signer(secret);
    int at = validator_set_find(&path.set, signer_key(signer));
    signer_free(signer);
    assert_true(at >= 0);
    return (uint32_t)at;
}

static void sign(uint8_t secret, const struct hash32 *hash, struct sig64 *signature)
{
    struct signer *signer = support_signer(secret);
    signer_sign(signer, hash, signature);
    signer_free(signer);
}

static void vote(struct message *out, Xuelian__Phase phase, uint64_t view, uint64_t height,
                 uint8_t header, uint8_t secret)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    struct hash32 hash;
    struct hash32 named = {{header}};
    struct sig64 signature;
    vote_hash(&hash, phase == XUELIAN__PHASE__PHASE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &network.genesis.chain_id, path.set.era, view, height, &named);
    sign(secret, &hash, &signature);
    wire.phase = phase;
    wire.era = path.set.era;
    wire.view = view;
    wire.height = height;
    wire.header_hash = field_borrow(&named, 32);
    wire.sender = place_of(secret);
    wire.signature = field_borrow(&signature, 64);
    encode(out, &wire.base);
}

static void pre_prepare(struct message *out, uint64_t height, struct bytes proposal, uint8_t secret)
{
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    struct hash32 digest;
    struct hash32 hash;
    struct sig64 signature;
    proposal_digest(&digest, proposal);
    vote_hash(&hash, TAG_SIGN_PRE_PREPARE, &network.genesis.chain_id, path.set.era, 0, height,
              &digest);
    sign(secret, &hash, &signature);
    wire.era = path.set.era;
    wire.height = height;
    wire.sender = place_of(secret);
    wire.proposal = field_borrow(proposal.data, proposal.size);
    wire.signature = field_borrow(&signature, 64);
    encode(out, &wire.base);
}

static void proposal(struct message *out, uint64_t time_ms, const struct hash32 *entries,
                     size_t count)
{
    Xuelian__Proposal wire = XUELIAN__PROPOSAL__INIT;
    wire.parent_hash = field_borrow(&path.base_hash, 32);
    wire.time_ms = time_ms;
    wire.entries = field_borrow(entries, 32 * count);
    encode(out, &wire.base);
}

/* From the base of era 1, with what is in `prepared` if it is a header and its certificate. */
static void change(struct message *out, uint64_t view, const struct hash32 *committed,
                   struct bytes header, struct bytes certificate, uint8_t secret)
{
    Xuelian__ViewChange wire = XUELIAN__VIEW_CHANGE__INIT;
    struct hash32 hash;
    struct hash32 digest;
    struct sig64 signature;
    hash_tagged(&digest, TAG_CERTIFICATE, certificate.data, certificate.size);
    view_change_hash(&hash, &network.genesis.chain_id, 1, view, 0, committed,
                     certificate.size > 0 ? &digest : NULL);
    sign(secret, &hash, &signature);
    wire.era = 1;
    wire.new_view = view;
    wire.committed_hash = field_borrow(committed, 32);
    wire.prepared_header = field_borrow(header.data, header.size);
    wire.prepared_certificate = field_borrow(certificate.data, certificate.size);
    wire.sender = place_of(secret);
    wire.signature = field_borrow(&signature, 64);
    encode(out, &wire.base);
}

static void plain_change(struct message *out, uint64_t view, uint8_t secret)
{
    change(out, view, &path.base_hash, bytes_of(NULL, 0), bytes_of(NULL, 0), secret);
}

static void new_view(struct message *out, uint64_t view, const struct message *changes,
                     size_t count, uint8_t secret)
{
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData list[8];
    struct hasher hasher;
    struct hash32 digest;
    struct hash32 hash;
    struct sig64 signature;
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    for (size_t i = 0; i < count; i++) {
        hash_tagged(&hash, TAG_VIEW_CHANGE, changes[i].data, changes[i].size);
        hasher_update(&hasher, hash.bytes, 32);
        list[i] = field_borrow(changes[i].data, changes[i].size);
    }
    hasher_final(&hasher, &digest);
    new_view_hash(&hash, &network.genesis.chain_id, 1, view, &digest);
    sign(secret, &hash, &signature);
    wire.era = 1;
    wire.new_view = view;
    wire.view_changes = list;
    wire.n_view_changes = count;
    wire.sender = place_of(secret);
    wire.signature = field_borrow(&signature, 64);
    encode(out, &wire.base);
}

/* ---- Evidence ---- */

static struct evidence piece;
static struct pubkey33 accused_key;
static ProtobufCBinaryData bodies[EVIDENCE_BODIES_MAX];

static void make(Xuelian__EvidenceKind kind, const struct message *first,
                 const struct message *second)
{
    struct signer *signer = support_signer(ACCUSED);
    accused_key = *signer_key(signer);
    signer_free(signer);
    piece = (struct evidence){.kind = kind,
                              .era = path.set.era,
                              .key = accused_key,
                              .first = whole(first),
                              .bodies = bodies};
    if (second != NULL) {
        piece.second = whole(second);
    }
}

/* As another node would take it: from its bytes. */
static enum status check_bytes(struct bytes bytes)
{
    struct evidence read;
    struct arena arena;
    void *memory = malloc(EVIDENCE_ROOM(bytes.size));
    assert_non_null(memory);
    arena_init(&arena, memory, EVIDENCE_ROOM(bytes.size));
    enum status status = evidence_read(&read, bytes, &network.genesis.chain_id, &arena);
    if (status == ST_OK) {
        status = evidence_check(&read, &path, &network.genesis.chain_id, &facts);
    }
    free(memory);
    return status;
}

static enum status check(void)
{
    uint8_t *bytes = NULL;
    size_t size = evidence_write(&bytes, &piece, &network.genesis.chain_id, true);
    enum status status = check_bytes(bytes_of(bytes, size));
    free(bytes);
    return status;
}

/* With any byte of it altered, or its end cut, it shows nothing. */
static void altered(void)
{
    uint8_t *bytes = NULL;
    size_t size = evidence_write(&bytes, &piece, &network.genesis.chain_id, true);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        assert_int_not_equal(check_bytes(bytes_of(bytes, size)), ST_OK);
        bytes[i] ^= 1;
        assert_int_not_equal(check_bytes(bytes_of(bytes, i)), ST_OK);
    }
    free(bytes);
    assert_int_equal(check(), ST_OK);
}

static void says(const char *english, const char *chinese)
{
    char words[EVIDENCE_WORDS_SIZE];
    evidence_words(words, &facts, false);
    assert_non_null(strstr(words, english));
    evidence_words(words, &facts, true);
    assert_non_null(strstr(words, chinese));
}

static enum status find(struct bytes payload, struct hash32 *id)
{
    struct ledger_view view;
    assert_int_equal(ledger_view_open(&view, network.kv), ST_OK);
    enum status status = ledger_view_evidence(&view, payload, id);
    ledger_view_close(&view);
    return status;
}

/* Put on the chain by a member without any role, once. */
static void recorded(void)
{
    struct arena arena;
    struct hash32 id;
    struct hash32 found;
    uint8_t *payload = NULL;
    size_t size = 0;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(65536);
    assert_non_null(memory);
    arena_init(&arena, memory, 65536);
    assert_true(evidence_recordable(piece.kind));
    assert_int_equal(evidence_payload(&piece, &payload, &size), ST_OK);
    assert_int_equal(find(bytes_of(payload, size), &found), ST_NOT_FOUND);
    assert_int_equal(
        canonical_decode(&message, &xuelian__evidence__descriptor, bytes_of(payload, size), &arena),
        ST_OK);
    assert_int_equal(
        governed_send(&network, XUELIAN__TX_KIND__TX_KIND_EVIDENCE, message, BY(6), &id), ST_OK);
    assert_int_equal(find(bytes_of(payload, size), &found), ST_OK);
    assert_memory_equal(&found, &id, 32);
    assert_int_equal(
        governed_send(&network, XUELIAN__TX_KIND__TX_KIND_EVIDENCE, message, BY(4), NULL),
        ST_EVIDENCE_KNOWN);
    payload[size - 1] ^= 1;
    assert_int_equal(find(bytes_of(payload, size), &found), ST_BAD_EVIDENCE);
    free(payload);
    free(memory);
}

static void not_for_the_chain(void)
{
    uint8_t *payload = NULL;
    size_t size = 0;
    assert_false(evidence_recordable(piece.kind));
    assert_int_equal(evidence_payload(&piece, &payload, &size), ST_UNKNOWN_KIND);
}

/* ---- Kinds 1 to 4 ---- */

static void two_votes(void **state)
{
    struct message a, b;
    (void)state;
    for (Xuelian__Phase phase = XUELIAN__PHASE__PHASE_PREPARE;
         phase <= XUELIAN__PHASE__PHASE_COMMIT; phase++) {
        vote(&a, phase, 3, 7, 1, ACCUSED);
        vote(&b, phase, 3, 7, 2, ACCUSED);
        make(KIND(TWO_VOTES), &a, &b);
        assert_int_equal(check(), ST_OK);
        assert_int_equal(facts.member, 2);
        assert_int_equal(facts.height, 7);
        assert_int_equal(facts.view, 3);
        altered();
        recorded();
    }
    says("at height 7 in view 3 two different COMMITs: 0100000000000000…",
         "两个不同的提交票（COMMIT）");
    make(KIND(TWO_VOTES), &a, &a);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    vote(&b, XUELIAN__PHASE__PHASE_COMMIT, 4, 7, 2, ACCUSED);
    make(KIND(TWO_VOTES), &a, &b);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    vote(&b, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 2, ACCUSED);
    make(KIND(TWO_VOTES), &a, &b); /* PREPARE Y and COMMIT X: honest */
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    vote(&a, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 1, OTHER);
    make(KIND(TWO_VOTES), &a, &b);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    vote(&b, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 2, OTHER);
    make(KIND(TWO_VOTES), &a, &b); /* true, but of another than is accused */
    assert_int_equal(check(), ST_BAD_EVIDENCE);
}

static void two_proposals(void **state)
{
    struct message inner, a, b;
    (void)state;
    proposal(&inner, 1, NULL, 0);
    pre_prepare(&a, 1, whole(&inner), ACCUSED);
    proposal(&inner, 2, NULL, 0);
    pre_prepare(&b, 1, whole(&inner), ACCUSED);
    make(KIND(TWO_PROPOSALS), &a, &b);
    assert_int_equal(check(), ST_OK);
    says("two different proposals", "两个不同的提案");
    altered();
    recorded();
    pre_prepare(&b, 2, whole(&inner), ACCUSED);
    make(KIND(TWO_PROPOSALS), &a, &b);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
}

static void two_view_changes(void **state)
{
    const struct hash32 elsewhere = {{9}};
    struct message a, b;
    (void)state;
    plain_change(&a, 4, ACCUSED);
    change(&b, 4, &elsewhere, bytes_of(NULL, 0), bytes_of(NULL, 0), ACCUSED);
    make(KIND(TWO_VIEW_CHANGES), &a, &b);
    assert_int_equal(check(), ST_OK);
    says("two different VIEW-CHANGEs for view 4: last block 0", "两个不同的视图切换消息");
    altered();
    recorded();
    make(KIND(TWO_VIEW_CHANGES), &a, &a);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
}

static void commit_forgotten(void **state)
{
    const struct hash32 elsewhere = {{9}};
    struct message a, b;
    (void)state;
    vote(&a, XUELIAN__PHASE__PHASE_COMMIT, 2, 1, 1, ACCUSED);
    plain_change(&b, 3, ACCUSED);
    make(KIND(COMMIT_FORGOTTEN), &a, &b);
    assert_int_equal(check(), ST_OK);
    assert_int_equal(facts.new_view, 3);
    says("hid it in its VIEW-CHANGE for view 3", "转向视图 3 的视图切换消息中隐瞒");
    altered();
    recorded();
    plain_change(&b, 2, ACCUSED);
    make(KIND(COMMIT_FORGOTTEN), &a, &b);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    change(&b, 3, &elsewhere, bytes_of(NULL, 0), bytes_of(NULL, 0), ACCUSED);
    make(KIND(COMMIT_FORGOTTEN), &a, &b); /* not valid: nobody counts it */
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    vote(&a, XUELIAN__PHASE__PHASE_PREPARE, 2, 1, 1, ACCUSED);
    plain_change(&b, 3, ACCUSED);
    make(KIND(COMMIT_FORGOTTEN), &a, &b);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
}

/* ---- Kinds 5 and 6 ---- */

/* View changes for a view from the first places of the set, in its order; from `first` on. */
static void changes_from(struct message *out, uint64_t view, size_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        for (uint8_t secret = 101; secret <= 104; secret++) {
            if (place_of(secret) == at) {
                plain_change(&out[at], view, secret);
            }
        }
    }
}

static void bad_new_view(void **state)
{
    struct message changes[3];
    struct message message;
    uint64_t own = place_of(ACCUSED) + 4; /* a view that it leads; height 1 is in the first turn */
    (void)state;
    changes_from(changes, own, 3);
    new_view(&message, own, changes, 3, ACCUSED);
    make(KIND(BAD_NEW_VIEW), &message, NULL);
    assert_int_equal(check(), ST_BAD_EVIDENCE); /* as it should be */
    path.rotation_blocks = 0;
    assert_int_equal(check(), ST_MISSING);
    new_view(&message, own, changes, 2, ACCUSED);
    make(KIND(BAD_NEW_VIEW), &message, NULL);
    assert_int_equal(check(), ST_OK); /* with K or without */
    assert_int_equal(facts.reason, ST_NO_QUORUM);
    says("does not hold a quorum of VIEW-CHANGEs", "视图切换消息的数目不是法定数");
    not_for_the_chain();
    path.rotation_blocks = network.genesis.message->params->rotation_blocks;
    altered();
    changes_from(changes, own + 1, 3);
    new_view(&message, own + 1, changes, 3, ACCUSED);
    make(KIND(BAD_NEW_VIEW), &message, NULL);
    assert_int_equal(check(), ST_OK);
    assert_int_equal(facts.reason, ST_NOT_PRIMARY);
    says("was not its to lead", "不是该视图的主节点");
    changes_from(changes, own, 3);
    changes[1].data[changes[1].size - 1] ^= 1;
    new_view(&message, own, changes, 3, ACCUSED);
    make(KIND(BAD_NEW_VIEW), &message, NULL);
    assert_int_equal(check(), ST_OK);
    says("a VIEW-CHANGE in it is not valid", "无效的视图切换消息");
}

static struct bytes envelope(uint32_t nonce, uint64_t valid_until, struct hash32 *entry)
{
    Xuelian__ProposalRef wire = XUELIAN__PROPOSAL_REF__INIT;
    const struct hash32 id = {{1}};
    const ProtobufCMessage *item = &wire.base;
    struct tx tx;
    struct arena arena;
    wire.proposal = field_borrow(&id, 32);
    struct bytes made = support_tx(&network.genesis, XUELIAN__TX_KIND__TX_KIND_GOVERN_APPROVE,
                                   &item, 1, (uint32_t[]){1}, 1, valid_until, nonce);
    void *memory = malloc(TX_ARENA_SIZE);
    assert_non_null(memory);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    assert_int_equal(tx_parse(&tx, made, &network.genesis.chain_id, &arena), ST_OK);
    *entry = tx.entry;
    free(memory);
    return made;
}

static void with_bodies(const struct bytes *txs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bodies[i] = field_borrow(txs[i].data, txs[i].size);
    }
    piece.body_count = count;
}

static void expired_proposal(void **state)
{
    struct message inner, message;
    struct hash32 entries[2];
    struct bytes found[EVIDENCE_BODIES_MAX];
    size_t count = 0;
    (void)state;
    struct bytes txs[2] = {envelope(1, 100, &entries[0]), envelope(2, 4, &entries[1])};
    proposal(&inner, 1, entries, 2);
    pre_prepare(&message, 5, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    with_bodies(&txs[0], 1);
    assert_int_equal(check(), ST_BAD_EVIDENCE);
    assert_true(evidence_bodies(ST_EXPIRED, txs, 2, 1, &network.genesis.chain_id, found, &count));
    assert_int_equal(count, 1);
    with_bodies(found, count);
    assert_int_equal(check(), ST_OK);
    says("was valid until height 4 only", "有效高度只到 4");
    not_for_the_chain();
    altered();
    pre_prepare(&message, 4, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    with_bodies(found, count);
    assert_int_equal(check(), ST_BAD_EVIDENCE); /* its last height */
    proposal(&inner, 1, entries, 1);
    pre_prepare(&message, 5, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    with_bodies(found, count);
    assert_int_equal(check(), ST_BAD_EVIDENCE); /* not in it */
    assert_false(evidence_bodies(ST_TOO_FAR, txs, 2, 1, &network.genesis.chain_id, found, &count));
    assert_false(evidence_bodies(ST_ID_USED, txs, 2, 1, &network.genesis.chain_id, found, &count));
    support_free(txs[0]);
    support_free(txs[1]);
}

static void repeated_proposal(void **state)
{
    struct message inner, message, other;
    struct hash32 entries[3];
    struct bytes found[EVIDENCE_BODIES_MAX];
    struct tx tx;
    struct arena arena;
    size_t count = 1;
    (void)state;
    struct bytes txs[3] = {envelope(1, 100, &entries[0]), envelope(2, 100, &entries[1])};
    /* The same transaction, signed otherwise: another entry, one id. */
    assert_true(txs[1].size <= sizeof other.data);
    memcpy(other.data, txs[1].data, txs[1].size);
    other.size = txs[1].size;
    other.data[other.size - 1] ^= 1;
    txs[2] = whole(&other);
    void *memory = malloc(TX_ARENA_SIZE);
    assert_non_null(memory);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    assert_int_equal(tx_parse(&tx, txs[2], &network.genesis.chain_id, &arena), ST_OK);
    entries[2] = tx.entry;
    assert_memory_not_equal(&entries[1], &entries[2], 32);
    free(memory);
    proposal(&inner, 1, entries, 3);
    pre_prepare(&message, 5, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    assert_true(evidence_bodies(ST_ID_USED, txs, 3, 2, &network.genesis.chain_id, found, &count));
    assert_int_equal(count, 2);
    with_bodies(found, count);
    assert_int_equal(check(), ST_OK);
    says("one transaction is in it twice", "同一交易出现两次");
    with_bodies(txs, 2);
    assert_int_equal(check(), ST_BAD_EVIDENCE); /* two transactions */
    entries[2] = entries[0];
    proposal(&inner, 1, entries, 3);
    pre_prepare(&message, 5, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    assert_int_equal(check(), ST_OK);
    txs[2] = txs[0];
    assert_true(evidence_bodies(ST_ID_USED, txs, 3, 2, &network.genesis.chain_id, found, &count));
    assert_int_equal(count, 0);
    altered();
    inner.size--;
    pre_prepare(&message, 5, whole(&inner), ACCUSED);
    make(KIND(BAD_PROPOSAL), &message, NULL);
    assert_int_equal(check(), ST_OK);
    says("not a canonical proposal", "不是规范的提案");
    support_free(txs[0]);
    support_free(txs[1]);
}

/* ---- Form ---- */

static void form(void **state)
{
    struct message a, b;
    uint8_t *bytes = NULL;
    (void)state;
    vote(&a, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 1, ACCUSED);
    vote(&b, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 2, ACCUSED);
    make(KIND(TWO_VOTES), &a, &b);
    piece.era = 2;
    assert_int_equal(check(), ST_FUTURE);
    piece.era = 0;
    assert_int_equal(check(), ST_BAD_ENCODING);
    make(KIND(TWO_VOTES), &a, NULL);
    assert_int_equal(check(), ST_BAD_ENCODING);
    make(KIND(BAD_NEW_VIEW), &a, &b);
    assert_int_equal(check(), ST_BAD_ENCODING);
    make(KIND(TWO_VOTES), &a, &b);
    with_bodies((const struct bytes[]){whole(&a)}, 1);
    assert_int_equal(check(), ST_BAD_ENCODING);
    make(KIND(TWO_VOTES), &a, &b);
    piece.second.size = 600; /* more than a vote may have; the bytes are there */
    assert_int_equal(check(), ST_BAD_SIZE);
    make(KIND(TWO_PROPOSALS), &a, &b);
    assert_int_not_equal(check(), ST_OK);
    make(KIND(TWO_VOTES), &a, &b);
    piece.key.bytes[5] ^= 1;
    assert_int_equal(check(), ST_UNKNOWN_VALIDATOR);
    make(KIND(TWO_VOTES), &a, &b);
    const struct hash32 elsewhere = {{1}};
    size_t size = evidence_write(&bytes, &piece, &elsewhere, true);
    assert_int_equal(check_bytes(bytes_of(bytes, size)), ST_WRONG_CHAIN);
    free(bytes);
    /* What files alone have stays there. */
    piece.seen_ms = 5;
    assert_true(evidence_write(&bytes, &piece, &network.genesis.chain_id, false) > size);
    free(bytes);
    assert_int_equal(evidence_write(&bytes, &piece, &network.genesis.chain_id, true), size);
    free(bytes);
}

/* ---- A later era ---- */

/* The change that the newest block made, certified by the validators with these secrets. */
static void set_change(struct message *out, const struct validator_set *before,
                       const uint8_t *secrets, size_t count)
{
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t certificate_bytes[CERTIFICATE_SIZE_MAX];
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    Xuelian__SetChange wire = XUELIAN__SET_CHANGE__INIT;
    const struct header *tip = ledger_tip(network.ledger);
    struct certificate certificate = {
        .phase = VOTE_COMMIT, .height = tip->height, .count = (uint32_t)count};
    struct hash32 hash;
    header_hash(&certificate.header_hash, tip);
    vote_hash(&hash, TAG_SIGN_COMMIT, &network.genesis.chain_id, before->era, 0, tip->height,
              &certificate.header_hash);
    uint32_t at = 0;
    for (uint8_t place = 0; place < before->count; place++) {
        for (size_t i = 0; i < count; i++) {
            if (place_of(secrets[i]) == place) {
                certificate.signers[at] = place;
                sign(secrets[i], &hash, &certificate.signatures[at++]);
            }
        }
    }
    wire.header = field_borrow(header, header_encode(header, tip));
    wire.certificate = field_borrow(
        certificate_bytes, certificate_encode(certificate_bytes, &certificate, before->count));
    wire.next_set = field_borrow(set, validator_set_encode(set, ledger_set(network.ledger)));
    encode(out, &wire.base);
}

static void later_era(void **state)
{
    Xuelian__Change wish = XUELIAN__CHANGE__INIT;
    Xuelian__ValidatorChange leave = XUELIAN__VALIDATOR_CHANGE__INIT;
    struct evidence_path before = path;
    struct message step, a, b;
    struct hash32 id;
    (void)state;
    leave.member = 4;
    leave.key = governed_key(104);
    leave.remove = true;
    wish.validator = &leave;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&wish}, 1, BY(1, 2), &id),
                     ST_OK);
    assert_int_equal(governed_enact(&network, &id, BY(1), (uint8_t[]){101, 103}, 2), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 3);
    set_change(&step, &before.set, (uint8_t[]){101, 102, 103}, 3);
    assert_int_equal(evidence_path_step(&path, &network.genesis.chain_id, whole(&step), true),
                     ST_OK);
    assert_int_equal(path.set.era, ledger_tip(network.ledger)->height + 1);
    assert_true(path.has_previous);
    assert_memory_equal(&path.base_hash, ledger_tip_hash(network.ledger), 32);
    assert_int_equal(path.rotation_blocks, 0);
    vote(&a, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 1, ACCUSED);
    vote(&b, XUELIAN__PHASE__PHASE_PREPARE, 3, 7, 2, ACCUSED);
    make(KIND(TWO_VOTES), &a, &b);
    assert_int_equal(check(), ST_OK);
    recorded();
    /* What the set before did not certify leads nowhere, unless it is one's own log that says so. */
    for (size_t i = 0; i < step.size; i++) {
        step.data[i] ^= 1;
        path = before;
        assert_int_not_equal(
            evidence_path_step(&path, &network.genesis.chain_id, whole(&step), true), ST_OK);
        assert_int_equal(path.set.era, 1);
        step.data[i] ^= 1;
    }
    path = before;
    assert_int_equal(evidence_path_step(&path, &network.genesis.chain_id, whole(&step), true),
                     ST_OK);
    assert_int_not_equal(evidence_path_step(&path, &network.genesis.chain_id, whole(&step), true),
                         ST_OK); /* once more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_votes, setup, teardown),
        cmocka_unit_test_setup_teardown(two_proposals, setup, teardown),
        cmocka_unit_test_setup_teardown(two_view_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(commit_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_new_view, setup, teardown),
        cmocka_unit_test_setup_teardown(expired_proposal, setup, teardown),
        cmocka_unit_test_setup_teardown(repeated_proposal, setup, teardown),
        cmocka_unit_test_setup_teardown(form, setup, teardown),
        cmocka_unit_test_setup_teardown(later_era, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
