#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/people.h"

#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { FIRST = 10, ADDED = 8, MEMBERS_MAX = 16 };

struct added {
    Xuelian__Member member;
    Xuelian__MemberKey key;
    Xuelian__MemberKey *keys[1];
    struct pubkey33 signing;
};

static void add_member(struct added *added, uint32_t id)
{
    static Xuelian__MemberRole govern[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN};
    static Xuelian__MemberRole query[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_QUERY};
    static char name[] = "实名认证";
    xuelian__member__init(&added->member);
    xuelian__member_key__init(&added->key);
    added->signing = people_key((uint8_t)id);
    added->key.key = field_borrow(&added->signing, 33);
    added->keys[0] = &added->key;
    added->member.id = id;
    added->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_IDENTITY_SERVICE;
    added->member.name_zh = name;
    added->member.region = 330000;
    added->member.keys = added->keys;
    added->member.n_keys = 1;
    if (id >= 12 && id != 15) {
        added->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_CREDIT_BANK;
    }
    if (id == 12) {
        added->member.roles = govern;
        added->member.n_roles = 1;
    }
    if (id == 15) {
        added->member.status = 1;
    }
    if (id == 17) {
        added->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_EMPLOYER;
        added->member.roles = query;
        added->member.n_roles = 1;
    }
    if (id == 13 || id == 14 || id == 16) {
        added->member.status = 2;
        added->member.successor = id == 13 ? 14 : id == 14 ? 2 : 16;
    }
}

size_t people_genesis(uint8_t *out, size_t room)
{
    static uint64_t memory[16384];
    uint8_t bytes[8192];
    struct added added[ADDED];
    Xuelian__Member *members[MEMBERS_MAX];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t size = support_genesis_bytes(bytes, sizeof bytes);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(
        canonical_decode(&message, &xuelian__genesis__descriptor, bytes_of(bytes, size), &arena),
        ST_OK);
    Xuelian__Genesis *genesis = (Xuelian__Genesis *)(void *)message;
    size_t count = genesis->n_members;
    assert_true(count + ADDED <= MEMBERS_MAX);
    for (size_t i = 0; i < count; i++) {
        members[i] = genesis->members[i];
    }
    for (uint32_t i = 0; i < ADDED; i++) {
        add_member(&added[i], FIRST + i);
        members[count++] = &added[i].member;
    }
    genesis->members = members;
    genesis->n_members = count;
    assert_true(canonical_size(&genesis->base) <= room);
    return canonical_encode(out, &genesis->base);
}

void people_open(struct people *net)
{
    uint8_t bytes[16384];
    char error[GENESIS_ERROR_SIZE] = "";
    *net = (struct people){.nonce = 0};
    size_t size = people_genesis(bytes, sizeof bytes);
    if (genesis_parse(&net->genesis, bytes_of(bytes, size), error) != ST_OK) {
        fail_msg("%s", error);
    }
    kv_open_memory(&net->kv);
    assert_int_equal(ledger_open(&net->ledger, net->kv, &net->genesis, error, sizeof error), ST_OK);
    support_opened(&net->genesis);
}

static struct state *reading(struct people *net)
{
    if (net->reading == NULL) {
        assert_int_equal(state_begin(&net->reading, net->kv, false), ST_OK);
    }
    return net->reading;
}

void people_close(struct people *net)
{
    state_free(net->reading);
    support_whole(net->kv, &net->genesis);
    ledger_close(net->ledger);
    genesis_free(&net->genesis);
    kv_close(net->kv);
}

struct pubkey33 people_key(uint8_t secret)
{
    struct signer *signer = support_signer(secret);
    struct pubkey33 key = *signer_key(signer);
    signer_free(signer);
    return key;
}

static struct tx_signer signer_of(const struct hand *hand)
{
    struct tx_signer signer = {.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER,
                               .member = hand->number,
                               .key = people_key(hand->secret)};
    if (hand->node) {
        signer.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE;
    }
    if (hand->learner) {
        signer.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER;
        signer.member = 0;
        signer.learner = support_learner(hand->number);
    }
    return signer;
}

struct bytes people_tx_of(struct people *net, Xuelian__TxKind kind,
                          const ProtobufCMessage *const *items, uint32_t item_count,
                          const struct hand *hands, uint32_t count)
{
    struct tx_draft draft = {.chain_id = net->genesis.chain_id,
                             .valid_until = ledger_tip(net->ledger)->height + 10,
                             .kind = kind,
                             .signer_count = count,
                             .item_count = item_count};
    uint8_t packed[PEOPLE_ITEMS_MAX][2048];
    struct bytes bytes[PEOPLE_ITEMS_MAX];
    struct sig64 signatures[LIMIT_SIGNERS_MAX];
    struct hash32 id;
    uint8_t *body = NULL;
    uint8_t *sealed = NULL;
    size_t body_size = 0;
    size_t size = 0;
    assert_true(item_count <= PEOPLE_ITEMS_MAX);
    for (uint32_t i = 0; i < item_count; i++) {
        bytes[i] = bytes_of(packed[i], canonical_encode(packed[i], items[i]));
    }
    be32_put(draft.nonce.bytes, ++net->nonce);
    draft.items = bytes;
    for (uint32_t i = 0; i < count; i++) {
        draft.signers[i] = signer_of(&hands[i]);
    }
    assert_int_equal(tx_build(&draft, &body, &body_size, &id), ST_OK);
    for (uint32_t i = 0; i < count; i++) {
        struct signer *signer = support_signer(hands[i].secret);
        signer_sign(signer, &id, &signatures[i]);
        signer_free(signer);
    }
    assert_int_equal(tx_seal(body, body_size, signatures, count, &sealed, &size), ST_OK);
    free(body);
    return bytes_of(sealed, size);
}

struct bytes people_tx(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                       const struct hand *hands, uint32_t count)
{
    return people_tx_of(net, kind, &item, 1, hands, count);
}

/* Of a bulk transaction whose item was refused, the item's code. */
static uint32_t code_of(const struct ledger_block *block, uint32_t index)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(
        canonical_decode(&message, &xuelian__tx_result__descriptor, block->results[index], &arena),
        ST_OK);
    const Xuelian__TxResult *result = (const Xuelian__TxResult *)(void *)message;
    return result->n_item_codes > 0 ? result->item_codes[0] : result->code;
}

void people_block(struct people *net, const struct bytes *txs, uint32_t count, uint32_t *codes,
                  uint64_t time_ms)
{
    struct ledger_proposal proposal = {
        .parent_hash = *ledger_tip_hash(net->ledger),
        .time_ms = time_ms != 0 ? time_ms : ledger_tip(net->ledger)->time_ms + 1000,
        .txs = txs,
        .count = count};
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    state_free(net->reading);
    net->reading = NULL;
    if (net->keep != NULL) {
        net->keep(ledger_tip(net->ledger)->height + 1, txs, count);
    }
    enum status status = ledger_execute(net->ledger, &proposal, &block, &bad);
    if (status != ST_OK) {
        fail_msg("block invalid at transaction %u: %s", (unsigned)bad, status_name(status));
    }
    support_executed(&proposal, block);
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = code_of(block, i);
        support_free(txs[i]);
    }
    support_apply(net->ledger, block);
}

uint32_t people_submit(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                       const struct hand *hands, uint32_t count)
{
    struct hash32 before = ledger_tip(net->ledger)->state_root;
    struct bytes tx = people_tx(net, kind, item, hands, count);
    uint32_t code = 0;
    people_block(net, &tx, 1, &code, 0);
    if (code != ST_OK) {
        assert_memory_equal(&before, &ledger_tip(net->ledger)->state_root, 32);
    }
    return code;
}

uint32_t people_bent(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                     const struct hand *hands, uint32_t count, uint32_t learner,
                     void (*bend)(struct state *, struct account *))
{
    static uint64_t memory[TX_ARENA_SIZE / 8];
    static struct tx_outcome outcome;
    const struct header *tip = ledger_tip(net->ledger);
    struct block_context context = {.height = tip->height + 1, .date = date_of_time(tip->time_ms)};
    struct bytes bytes = people_tx(net, kind, item, hands, count);
    struct hash32 id = support_learner(learner);
    struct state *state = NULL;
    struct account *account = NULL;
    struct arena arena;
    struct tx tx;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(tx_parse(&tx, bytes, &net->genesis.chain_id, &arena), ST_OK);
    assert_int_equal(state_begin(&state, net->kv, false), ST_OK);
    assert_int_equal(state_account(state, &id, &account), ST_OK);
    bend(state, account);
    assert_int_equal(tx_apply(state, &context, &tx, &outcome), ST_OK);
    state_free(state);
    support_free(bytes);
    return outcome.code;
}

static size_t planted_bytes(uint8_t *out, const struct hash32 *learner, uint64_t number,
                            const struct planted *planted)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    Xuelian__ItemVersion version = XUELIAN__ITEM_VERSION__INIT;
    struct hash32 tx_id = {{1}};
    version.account = field_borrow(learner, 32);
    version.item = number;
    version.number = planted->versions;
    version.height = 1;
    version.tx_id = field_borrow(&tx_id, 32);
    version.kind = planted->kind;
    version.status = planted->status;
    version.content = field_borrow(content, canonical_encode(content, planted->content));
    return canonical_encode(out, &version.base);
}

void people_plant(struct state *state, struct account *account, const struct planted *planted)
{
    uint8_t bytes[ITEM_VERSION_SIZE_MAX];
    size_t size = planted_bytes(bytes, &account->learner, account->items.size + 1, planted);
    items_append(state_overlay(state), account, bytes_of(bytes, size));
}

struct hash32 people_planted_hash(uint32_t learner, uint64_t number, const struct planted *planted)
{
    uint8_t bytes[ITEM_VERSION_SIZE_MAX];
    struct hash32 id = support_learner(learner);
    struct hash32 hash;
    hash_tagged(&hash, TAG_VERSION, bytes, planted_bytes(bytes, &id, number, planted));
    return hash;
}

struct hash32 people_commitment(uint32_t learner)
{
    return support_learner(learner + 7000);
}

void people_outcome(Xuelian__Outcome *outcome, const struct hash32 *learner, uint32_t credits,
                    uint32_t award_date)
{
    support_outcome(outcome, learner);
    outcome->course = 0;
    outcome->course_version = 0;
    outcome->credits = credits;
    outcome->award_date = award_date;
}

void people_account(struct people *net, uint32_t learner, uint8_t secret)
{
    struct hash32 id = support_learner(learner);
    struct hash32 identity = people_commitment(learner);
    struct pubkey33 key = people_key(secret != 0 ? secret : 1);
    struct hand hand = MEMBER(1);
    Xuelian__AccountOpening opening;
    support_opening(&opening, &id, &identity);
    if (secret != 0) {
        opening.learner_key = field_borrow(&key, 33);
    }
    assert_int_equal(
        people_submit(net, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &opening.base, &hand, 1), ST_OK);
}

struct account people_read(struct people *net, uint32_t learner)
{
    struct hash32 id = support_learner(learner);
    struct account *account = NULL;
    assert_int_equal(state_account(reading(net), &id, &account), ST_OK);
    return *account;
}

void people_item(struct people *net, uint32_t learner, uint64_t number, struct item *item)
{
    struct account account = people_read(net, learner);
    uint32_t code = ST_OK;
    assert_int_equal(item_read(reading(net), &account, number, item, &code), ST_OK);
    assert_int_equal(code, ST_OK);
}

struct hash32 people_hash(struct people *net, uint32_t learner, uint64_t number)
{
    struct item item;
    people_item(net, learner, number, &item);
    return item.hash;
}

void people_expect(struct people *net, uint32_t learner, uint64_t number,
                   Xuelian__ItemStatus status, uint32_t versions)
{
    struct item item;
    people_item(net, learner, number, &item);
    assert_int_equal(item.version->status, status);
    assert_int_equal(item.version->number, versions);
}
