#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/support.h"

#include <stdlib.h>

#include "ledger/whole/check.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

struct signer *support_signer(uint8_t secret)
{
    uint8_t bytes[32] = {0};
    struct signer *signer = NULL;
    bytes[31] = secret;
    assert_int_equal(signer_new(&signer, bytes), ST_OK);
    return signer;
}

static struct pubkey33 key_of_secret(uint8_t secret)
{
    struct signer *signer = support_signer(secret);
    struct pubkey33 key = *signer_key(signer);
    signer_free(signer);
    return key;
}

struct hash32 support_learner(uint32_t number)
{
    struct hash32 learner;
    uint8_t bytes[4];
    be32_put(bytes, number);
    hash_plain(&learner, bytes, 4);
    return learner;
}

static Xuelian__MemberRole all_roles[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_OPEN_ACCOUNTS,
                                          XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT,
                                          XUELIAN__MEMBER_ROLE__MEMBER_ROLE_RECOGNISE};
static Xuelian__OutcomeKind all_kinds[] = {XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE,
                                           XUELIAN__OUTCOME_KIND__OUTCOME_KIND_VOCATIONAL_TRAINING,
                                           XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE};

struct member_parts {
    Xuelian__Member member;
    Xuelian__MemberKey key;
    Xuelian__MemberKey *keys[1];
    Xuelian__Node node;
    Xuelian__Node *nodes[1];
    struct pubkey33 signing;
    struct pubkey33 validating;
    char name[16];
};

static void make_member(struct member_parts *parts, uint32_t id)
{
    xuelian__member__init(&parts->member);
    xuelian__member_key__init(&parts->key);
    xuelian__node__init(&parts->node);
    parts->signing = key_of_secret((uint8_t)id);
    parts->validating = key_of_secret((uint8_t)(100 + id));
    memcpy(parts->name, "演示", sizeof "演示");
    parts->key.key = field_borrow(&parts->signing, 33);
    parts->keys[0] = &parts->key;
    parts->node.key = field_borrow(&parts->validating, 33);
    parts->node.role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    parts->nodes[0] = &parts->node;
    parts->member.id = id;
    parts->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_UNIVERSITY;
    parts->member.name_zh = parts->name;
    parts->member.region = 330000;
    parts->member.keys = parts->keys;
    parts->member.n_keys = 1;
    if (id <= 4) {
        parts->member.nodes = parts->nodes;
        parts->member.n_nodes = 1;
    }
    parts->member.status = id == 5 ? 1 : 0;
    if (id <= 5 && id != 3) {
        parts->member.roles = all_roles;
        parts->member.n_roles = 3;
    }
    if (id == 3) {
        parts->member.roles = all_roles + 1; /* deposit, not open */
        parts->member.n_roles = 1;
    }
    parts->member.deposit_kinds = id == 2 ? all_kinds : id == 4 ? all_kinds + 1 : all_kinds + 2;
    parts->member.n_deposit_kinds = id == 1 || id == 6 ? 0 : 1;
}

size_t support_genesis_bytes(uint8_t *out, size_t room)
{
    Xuelian__Genesis genesis;
    Xuelian__Params params;
    struct member_parts parts[6];
    Xuelian__Member *members[6];
    Xuelian__Region regions[2];
    Xuelian__Region *region_pointers[2] = {&regions[0], &regions[1]};
    Xuelian__Course courses[2];
    Xuelian__Course *course_pointers[2] = {&courses[0], &courses[1]};
    char network[] = "test";
    char province[] = "浙江省";
    char city[] = "杭州市";
    xuelian__genesis__init(&genesis);
    params_defaults(&params);
    for (uint32_t i = 0; i < 6; i++) {
        make_member(&parts[i], i + 1);
        members[i] = &parts[i].member;
    }
    for (uint32_t i = 0; i < 2; i++) {
        xuelian__region__init(&regions[i]);
        xuelian__course__init(&courses[i]);
    }
    regions[0].code = 330000;
    regions[0].name_zh = province;
    regions[0].level = 1;
    regions[1].code = 330100;
    regions[1].name_zh = city;
    regions[1].level = 2;
    regions[1].parent = 330000;
    for (uint32_t i = 0; i < 2; i++) {
        courses[i].id = 7 + i;
        courses[i].version = 2;
        courses[i].kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
        courses[i].credits = 300;
        courses[i].hours = 4800;
        courses[i].from_date = 20200101;
        courses[i].to_date = 20291231;
        courses[i].status = i;
    }
    genesis.version = 1;
    genesis.suite = 1;
    genesis.network = network;
    genesis.time_ms = SUPPORT_GENESIS_TIME_MS;
    genesis.params = &params;
    genesis.members = members;
    genesis.n_members = 6;
    genesis.regions = region_pointers;
    genesis.n_regions = 2;
    genesis.courses = course_pointers;
    genesis.n_courses = 2;
    assert_true(canonical_size(&genesis.base) <= room);
    return canonical_encode(out, &genesis.base);
}

struct genesis support_genesis(void)
{
    uint8_t bytes[8192];
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    size_t size = support_genesis_bytes(bytes, sizeof bytes);
    if (genesis_parse(&genesis, bytes_of(bytes, size), error) != ST_OK) {
        fail_msg("%s", error);
    }
    return genesis;
}

void support_outcome(Xuelian__Outcome *outcome, const struct hash32 *learner)
{
    xuelian__outcome__init(outcome);
    outcome->account = field_borrow(learner, 32);
    outcome->issuer = 2;
    outcome->kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
    outcome->course = 7;
    outcome->course_version = 2;
    outcome->level = 5;
    outcome->credits = 300;
    outcome->hours = 4800;
    outcome->award_date = 20250701;
    outcome->grade_band = 2;
    outcome->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION;
    outcome->region = 330100;
}

void support_opening(Xuelian__AccountOpening *opening, const struct hash32 *learner,
                     const struct hash32 *identity)
{
    xuelian__account_opening__init(opening);
    opening->learner = field_borrow(learner, 32);
    opening->identity_commitment = field_borrow(identity, 32);
    opening->region = 330100;
}

struct bytes support_tx(const struct genesis *genesis, Xuelian__TxKind kind,
                        const ProtobufCMessage *const *items, uint32_t count,
                        const uint32_t *members, uint32_t member_count, uint64_t valid_until,
                        uint32_t nonce)
{
    struct tx_draft draft = {.chain_id = genesis->chain_id,
                             .valid_until = valid_until,
                             .kind = kind,
                             .signer_count = member_count,
                             .item_count = count};
    struct bytes *packed = calloc(count, sizeof *packed);
    struct sig64 signatures[LIMIT_SIGNERS_MAX];
    struct hash32 id;
    uint8_t *body = NULL;
    uint8_t *sealed = NULL;
    size_t body_size = 0;
    size_t size = 0;
    assert_non_null(packed);
    be32_put(draft.nonce.bytes, nonce);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *bytes = malloc(canonical_size(items[i]) + 1);
        assert_non_null(bytes);
        packed[i] = bytes_of(bytes, canonical_encode(bytes, items[i]));
    }
    for (uint32_t i = 0; i < member_count; i++) {
        draft.signers[i].role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
        draft.signers[i].member = members[i];
        draft.signers[i].key = key_of_secret((uint8_t)members[i]);
    }
    draft.items = packed;
    assert_int_equal(tx_build(&draft, &body, &body_size, &id), ST_OK);
    for (uint32_t i = 0; i < member_count; i++) {
        struct signer *signer = support_signer((uint8_t)members[i]);
        signer_sign(signer, &id, &signatures[i]);
        signer_free(signer);
    }
    assert_int_equal(tx_seal(body, body_size, signatures, member_count, &sealed, &size), ST_OK);
    for (uint32_t i = 0; i < count; i++) {
        support_free(packed[i]);
    }
    free(packed);
    free(body);
    return bytes_of(sealed, size);
}

void support_free(struct bytes bytes)
{
    union {
        const uint8_t *in;
        void *out;
    } pointer = {.in = bytes.data};
    free(pointer.out);
}

struct support_watch support_watch;

void support_opened(const struct genesis *genesis)
{
    if (support_watch.opened != NULL) {
        support_watch.opened(genesis);
    }
}

void support_executed(const struct ledger_proposal *proposal, const struct ledger_block *block)
{
    if (support_watch.executed != NULL) {
        support_watch.executed(proposal, block);
    }
}

void support_apply(struct ledger *ledger, struct ledger_block *block)
{
    assert_int_equal(ledger_apply(ledger, block), ST_OK);
    if (support_watch.applied != NULL) {
        support_watch.applied(ledger);
    }
}

void support_block(struct ledger *ledger, const struct bytes *txs, uint32_t count, uint32_t *codes)
{
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(ledger),
                                       .time_ms = ledger_tip(ledger)->time_ms + 1000,
                                       .txs = txs,
                                       .count = count};
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    enum status status = ledger_execute(ledger, &proposal, &block, &bad);
    if (status != ST_OK) {
        fail_msg("block invalid at transaction %u: %s", (unsigned)bad, status_name(status));
    }
    support_executed(&proposal, block);
    for (uint32_t i = 0; codes != NULL && i < count; i++) {
        codes[i] = block->codes[i];
    }
    support_apply(ledger, block);
}

void support_whole(struct kv *kv, const struct genesis *genesis)
{
    struct ledger_view view;
    struct whole_report report = {.entries = 0};
    assert_int_equal(ledger_view_open(&view, kv), ST_OK);
    enum status status = whole_check_state(&view, genesis, NULL, NULL, &report);
    ledger_view_close(&view);
    if (status != ST_OK) {
        fail_msg("the store is not whole: %s", report.en);
    }
}

static bool whole(struct kv *kv, const struct genesis *genesis, struct whole_report *report)
{
    struct ledger_view view;
    *report = (struct whole_report){.entries = 0};
    if (ledger_view_open(&view, kv) != ST_OK) {
        return false;
    }
    enum status status = whole_check_state(&view, genesis, NULL, NULL, report);
    ledger_view_close(&view);
    assert_true((status == ST_OK) == (report->part == WHOLE_NOTHING));
    assert_true((status == ST_OK) == (report->en[0] == '\0'));
    assert_true((status == ST_OK) == (report->zh[0] == '\0'));
    return status == ST_OK;
}

/* What may say nothing. */
static bool may_be_silent(struct bytes key)
{
    return key.data[0] == 'D' || (key.data[0] == 'X' && strchr("acgkmpruy", key.data[1]) != NULL);
}

static void write_one(struct kv *kv, struct bytes key, struct bytes value)
{
    struct kv_batch *batch = kv_batch_new();
    if (value.data == NULL) {
        kv_batch_delete(batch, key);
    } else {
        kv_batch_put(batch, key, value);
    }
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    kv_batch_free(batch);
}

/* Where a round is: the store changes under a cursor, so each seeks anew, past the key before. */
struct spoiling {
    struct kv *kv;
    const struct genesis *genesis;
    uint8_t key[64];
    size_t key_size;
    uint8_t *value;
    size_t value_size;
    uint32_t found;
    uint32_t silent;
};

static bool next_key(struct spoiling *spoiling, bool first)
{
    free(spoiling->value);
    spoiling->value = NULL;
    spoiling->key[spoiling->key_size] = 0;
    struct kv_iterator *iterator =
        kv_iterator_new(spoiling->kv, NULL, bytes_of(spoiling->key, spoiling->key_size + !first));
    bool there = kv_iterator_valid(iterator);
    if (there) {
        struct bytes value = kv_iterator_value(iterator);
        spoiling->key_size = kv_iterator_key(iterator).size;
        memcpy(spoiling->key, kv_iterator_key(iterator).data, spoiling->key_size);
        spoiling->value = malloc(value.size + 1);
        assert_non_null(spoiling->value);
        spoiling->value_size = value.size;
        if (value.size > 0) {
            memcpy(spoiling->value, value.data, value.size);
        }
    }
    kv_iterator_free(iterator);
    return there;
}

static void spoil(struct spoiling *spoiling, bool take_away, size_t bit)
{
    struct whole_report report;
    struct bytes key = bytes_of(spoiling->key, spoiling->key_size);
    if (!take_away) {
        spoiling->value[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    write_one(spoiling->kv, key,
              take_away ? (struct bytes){.data = NULL}
                        : bytes_of(spoiling->value, spoiling->value_size));
    if (!whole(spoiling->kv, spoiling->genesis, &report)) {
        spoiling->found++;
    } else if (may_be_silent(key)) {
        spoiling->silent++;
    } else {
        fail_msg("key %c, letter %02x, %s: not found", key.data[0], key.data[1],
                 take_away ? "taken away" : "altered");
    }
    if (!take_away) {
        spoiling->value[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    write_one(spoiling->kv, key, bytes_of(spoiling->value, spoiling->value_size));
}

uint32_t support_spoil(struct kv *kv, const struct genesis *genesis, uint32_t every)
{
    struct whole_report report;
    struct spoiling spoiling = {.kv = kv, .genesis = genesis};
    for (uint32_t i = 0; next_key(&spoiling, i == 0); i++) {
        if (i % every != 0 || strchr("TUBEY", spoiling.key[0]) != NULL) {
            continue;
        }
        spoil(&spoiling, true, 0);
        if (spoiling.value_size > 0) {
            spoil(&spoiling, false, i / every * 7u % (spoiling.value_size * 8));
        }
    }
    if (!whole(kv, genesis, &report)) {
        fail_msg("not as it was: %s", report.en);
    }
    assert_true(spoiling.silent < spoiling.found);
    return spoiling.found;
}
