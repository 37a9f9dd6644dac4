#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/govern_support.h"

#include <stdlib.h>

#include "ledger/view.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { MEMBERS = 9 };

static struct pubkey33 keys[256];

ProtobufCBinaryData governed_key(uint8_t secret)
{
    struct signer *signer = support_signer(secret);
    keys[secret] = *signer_key(signer);
    signer_free(signer);
    return field_borrow(&keys[secret], 33);
}

static uint8_t secret_of[MEMBERS + 32];

void governed_sign_with(uint32_t member, uint8_t secret)
{
    secret_of[member] = secret;
}

/* ---- Genesis ---- */

struct member_parts {
    Xuelian__Member member;
    Xuelian__MemberKey key;
    Xuelian__MemberKey *keys[1];
    Xuelian__Node node;
    Xuelian__Node *nodes[1];
    Xuelian__MemberRole roles[2];
    char name[16];
};

static void make_member(struct member_parts *parts, uint32_t id)
{
    xuelian__member__init(&parts->member);
    xuelian__member_key__init(&parts->key);
    xuelian__node__init(&parts->node);
    memcpy(parts->name, "演示", sizeof "演示");
    parts->key.key = governed_key((uint8_t)id);
    parts->keys[0] = &parts->key;
    parts->node.key = governed_key((uint8_t)(100 + id));
    parts->node.role =
        id <= 4 ? XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR : XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    parts->nodes[0] = &parts->node;
    parts->member.id = id;
    parts->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_UNIVERSITY;
    parts->member.name_zh = parts->name;
    parts->member.region = 330000;
    parts->member.keys = parts->keys;
    parts->member.n_keys = 1;
    parts->member.nodes = parts->nodes;
    parts->member.n_nodes = id <= 4 || id == 6 ? 1 : 0;
    parts->member.status = id == 5 ? 1 : id == 9 ? 2 : 0;
    parts->roles[0] = id == 4              ? XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT
                      : id == 7 || id == 8 ? XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT
                                           : XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN;
    parts->member.roles = parts->roles;
    parts->member.n_roles = id == 6 ? 0 : 1;
}

static struct genesis make_genesis(void (*edit)(Xuelian__Genesis *genesis))
{
    Xuelian__Genesis message = XUELIAN__GENESIS__INIT;
    Xuelian__Params params;
    struct member_parts parts[MEMBERS];
    Xuelian__Member *members[MEMBERS];
    Xuelian__Region region = XUELIAN__REGION__INIT;
    Xuelian__Region *regions[1] = {&region};
    Xuelian__Course course = XUELIAN__COURSE__INIT;
    Xuelian__Course *courses[1] = {&course};
    char network[] = "test";
    char province[] = "浙江省";
    uint8_t bytes[16384];
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    params_defaults(&params);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        make_member(&parts[i], i + 1);
        members[i] = &parts[i].member;
    }
    region.code = 330000;
    region.name_zh = province;
    region.level = 1;
    course.id = 7;
    course.version = 1;
    course.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    message.version = 1;
    message.suite = 1;
    message.network = network;
    message.time_ms = SUPPORT_GENESIS_TIME_MS;
    message.params = &params;
    message.members = members;
    message.n_members = MEMBERS;
    message.regions = regions;
    message.n_regions = 1;
    message.courses = courses;
    message.n_courses = 1;
    if (edit != NULL) {
        edit(&message);
    }
    assert_true(canonical_size(&message.base) <= sizeof bytes);
    size_t size = canonical_encode(bytes, &message.base);
    if (genesis_parse(&genesis, bytes_of(bytes, size), error) != ST_OK) {
        fail_msg("%s", error);
    }
    return genesis;
}

static void open_ledger(struct governed *network)
{
    char error[256];
    assert_int_equal(
        ledger_open(&network->ledger, network->kv, &network->genesis, error, sizeof error), ST_OK);
}

void governed_open(struct governed *network, void (*edit)(Xuelian__Genesis *genesis))
{
    *network = (struct governed){.genesis = make_genesis(edit)};
    for (uint32_t i = 0; i < sizeof secret_of; i++) {
        secret_of[i] = (uint8_t)i;
    }
    assert_int_equal(kv_open_memory(&network->kv), ST_OK);
    open_ledger(network);
}

void governed_reopen(struct governed *network)
{
    ledger_close(network->ledger);
    open_ledger(network);
}

void governed_close(struct governed *network)
{
    support_whole(network->kv, &network->genesis);
    ledger_close(network->ledger);
    kv_close(network->kv);
    genesis_free(&network->genesis);
}

/* ---- Transactions ---- */

/* As support_tx, signed with the secrets in use, for one item. */
static struct bytes make_tx(struct governed *network, Xuelian__TxKind kind,
                            const ProtobufCMessage *payload, struct signers by, struct hash32 *id)
{
    struct tx_draft draft = {.chain_id = network->genesis.chain_id,
                             .valid_until = ledger_tip(network->ledger)->height + 10,
                             .kind = kind,
                             .signer_count = by.count,
                             .item_count = 1};
    struct sig64 signatures[LIMIT_SIGNERS_MAX];
    uint8_t *bytes = malloc(canonical_size(payload) + 1);
    uint8_t *body = NULL;
    uint8_t *sealed = NULL;
    size_t body_size = 0;
    size_t size = 0;
    assert_non_null(bytes);
    struct bytes item = bytes_of(bytes, canonical_encode(bytes, payload));
    be32_put(draft.nonce.bytes, ++network->nonce);
    draft.items = &item;
    for (uint32_t i = 0; i < by.count; i++) {
        ProtobufCBinaryData key = governed_key(secret_of[by.members[i]]);
        draft.signers[i].role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
        draft.signers[i].member = by.members[i];
        assert_true(field_copy(&draft.signers[i].key, 33, &key));
    }
    assert_int_equal(tx_build(&draft, &body, &body_size, id), ST_OK);
    for (uint32_t i = 0; i < by.count; i++) {
        struct signer *signer = support_signer(secret_of[by.members[i]]);
        signer_sign(signer, id, &signatures[i]);
        signer_free(signer);
    }
    assert_int_equal(tx_seal(body, body_size, signatures, by.count, &sealed, &size), ST_OK);
    free(bytes);
    free(body);
    return bytes_of(sealed, size);
}

uint32_t governed_send(struct governed *network, Xuelian__TxKind kind,
                       const ProtobufCMessage *payload, struct signers by, struct hash32 *id)
{
    struct hash32 made;
    uint32_t code;
    struct bytes tx = make_tx(network, kind, payload, by, id != NULL ? id : &made);
    support_block(network->ledger, &tx, 1, &code);
    support_free(tx);
    return code;
}

uint32_t governed_propose(struct governed *network, Xuelian__Change *const *changes, size_t count,
                          struct signers by, struct hash32 *id)
{
    Xuelian__GovernProposal proposal = XUELIAN__GOVERN_PROPOSAL__INIT;
    Xuelian__Change *list[LIMIT_CHANGES_MAX + 1];
    char reason[] = "test";
    assert_true(count <= LIMIT_CHANGES_MAX + 1);
    memcpy(list, changes, count * sizeof list[0]);
    proposal.changes = list;
    proposal.n_changes = count;
    proposal.not_before = network->not_before;
    proposal.open_until =
        network->open_until != 0 ? network->open_until : ledger_tip(network->ledger)->height + 1000;
    proposal.reason = reason;
    return governed_send(network, XUELIAN__TX_KIND__TX_KIND_GOVERN_PROPOSE, &proposal.base, by, id);
}

uint32_t governed_answer(struct governed *network, Xuelian__TxKind kind, const struct hash32 *id,
                         struct signers by)
{
    Xuelian__ProposalRef ref = XUELIAN__PROPOSAL_REF__INIT;
    ref.proposal = field_borrow(id, 32);
    return governed_send(network, kind, &ref.base, by, NULL);
}

/* ---- FOLLOWING ---- */

void governed_resign(struct governed *network, uint8_t secret, struct made_following *following)
{
    struct hash32 hash;
    struct signer *signer = support_signer(secret);
    following_hash(&hash, &network->genesis.chain_id, &following->plain);
    signer_sign(signer, &hash, &following->plain.signature);
    signer_free(signer);
    xuelian__following__init(&following->wire);
    following->wire.key = field_borrow(&following->plain.key, 33);
    following->wire.era = following->plain.era;
    following->wire.height = following->plain.height;
    following->wire.header_hash = field_borrow(&following->plain.header_hash, 32);
    following->wire.incarnation = following->plain.incarnation;
    following->wire.signature = field_borrow(&following->plain.signature, 64);
}

void governed_following(struct governed *network, uint8_t secret, uint64_t incarnation,
                        struct made_following *out)
{
    ProtobufCBinaryData key = governed_key(secret);
    *out = (struct made_following){.plain = {.era = ledger_set(network->ledger)->era,
                                             .height = ledger_tip(network->ledger)->height,
                                             .header_hash = *ledger_tip_hash(network->ledger),
                                             .incarnation = incarnation}};
    assert_true(field_copy(&out->plain.key, 33, &key));
    governed_resign(network, secret, out);
}

uint32_t governed_enact_with(struct governed *network, const struct hash32 *id, struct signers by,
                             Xuelian__Following *followings, size_t count)
{
    Xuelian__ProposalEnactment wish = XUELIAN__PROPOSAL_ENACTMENT__INIT;
    Xuelian__Following *list[LIMIT_VALIDATORS_MAX + 1];
    for (size_t i = 0; i < count; i++) {
        list[i] = &followings[i];
    }
    wish.proposal = field_borrow(id, 32);
    wish.followings = list;
    wish.n_followings = count;
    return governed_send(network, XUELIAN__TX_KIND__TX_KIND_GOVERN_ENACT, &wish.base, by, NULL);
}

uint32_t governed_enact(struct governed *network, const struct hash32 *id, struct signers by,
                        const uint8_t *secrets, size_t count)
{
    struct made_following made[LIMIT_VALIDATORS_MAX];
    Xuelian__Following wires[LIMIT_VALIDATORS_MAX];
    for (size_t i = 0; i < count; i++) {
        governed_following(network, secrets[i], 0, &made[i]);
        wires[i] = made[i].wire;
    }
    return governed_enact_with(network, id, by, wires, count);
}

void governed_advance(struct governed *network, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks; i++) {
        support_block(network->ledger, NULL, 0, NULL);
    }
}

/* ---- Records ---- */

const ProtobufCMessage *governed_record(struct governed *network, uint32_t collection,
                                        struct bytes key, const ProtobufCMessageDescriptor *schema)
{
    static uint64_t words[131072];
    struct ledger_view view;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    assert_int_equal(ledger_view_open(&view, network->kv), ST_OK);
    enum status status = ledger_view_record(&view, collection, key, &value, &size);
    if (status != ST_NOT_FOUND) {
        assert_int_equal(status, ST_OK);
        arena_init(&arena, words, sizeof words);
        assert_int_equal(canonical_decode(&message, schema, bytes_of(value, size), &arena), ST_OK);
        kv_free(value);
    }
    ledger_view_close(&view);
    return message;
}

const Xuelian__Member *governed_member(struct governed *network, uint32_t id)
{
    uint8_t key[4];
    be32_put(key, id);
    return (const Xuelian__Member *)(const void *)governed_record(
        network, XUELIAN__COLLECTION__COLLECTION_MEMBERS, bytes_of(key, 4),
        &xuelian__member__descriptor);
}

const Xuelian__ProposalRecord *governed_proposal(struct governed *network, const struct hash32 *id)
{
    const Xuelian__GovernRecord *record =
        (const Xuelian__GovernRecord *)(const void *)governed_record(
            network, XUELIAN__COLLECTION__COLLECTION_PROPOSALS, bytes_of(id, 32),
            &xuelian__govern_record__descriptor);
    return record == NULL ? NULL : record->proposal;
}
