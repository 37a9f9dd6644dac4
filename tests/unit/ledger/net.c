#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/net.h"

#include <stdlib.h>

#include "ledger/state/items.h"
#include "ledger/state/state.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/tx_account.pb-c.h"

static char name[] = "演示规则";

void net_conversion(Xuelian__Rule *rule, uint32_t id)
{
    xuelian__rule__init(rule);
    rule->id = id;
    rule->series = id;
    rule->version = 1;
    rule->kind = XUELIAN__RULE_KIND__RULE_KIND_CONVERSION;
    rule->status = XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE;
    rule->name_zh = name;
    rule->owner = 2;
    rule->notice_date = 20251101;
    rule->from_date = 20260101;
    rule->source_kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
    rule->basis = XUELIAN__RULE_BASIS__RULE_BASIS_CREDITS;
    rule->ratio_num = 1;
    rule->ratio_den = 1;
    rule->ceiling = 1000;
    rule->programme = 11;
    rule->programme_ceiling = 1500;
    rule->target_kind = XUELIAN__CREDIT_KIND__CREDIT_KIND_ELECTIVE;
    rule->consuming = true;
}

void net_accrual(Xuelian__Rule *rule, uint32_t id)
{
    net_conversion(rule, id);
    rule->kind = XUELIAN__RULE_KIND__RULE_KIND_ACCRUAL;
    rule->owner = 1;
    rule->ratio_num = 10;
    rule->ratio_den = 100;
    rule->ceiling = 5000;
    rule->automatic = true;
    rule->programme = 0;
    rule->programme_ceiling = 0;
    rule->target_kind = XUELIAN__CREDIT_KIND__CREDIT_KIND_UNSPECIFIED;
    rule->consuming = false;
    rule->yearly_ceiling = 1000;
    rule->life = 24;
}

void net_entry(Xuelian__CatalogueEntry *entry, uint32_t id)
{
    xuelian__catalogue_entry__init(entry);
    entry->id = id;
    entry->version = 1;
    entry->status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_OPEN;
    entry->name_zh = name;
    entry->provider = 4;
    entry->price = 100;
    entry->stock = 5;
    entry->person_limit = 2;
}

size_t net_genesis_bytes(uint8_t *out, Xuelian__Rule **rules, size_t rule_count,
                         Xuelian__CatalogueEntry **catalogue, size_t entry_count)
{
    static Xuelian__MemberRole roles[] = {
        XUELIAN__MEMBER_ROLE__MEMBER_ROLE_OPEN_ACCOUNTS, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT,
        XUELIAN__MEMBER_ROLE__MEMBER_ROLE_RECOGNISE, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT};
    static Xuelian__OutcomeKind kinds[9];
    static uint64_t memory[16384];
    uint8_t bytes[8192];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t size = support_genesis_bytes(bytes, sizeof bytes);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(
        canonical_decode(&message, &xuelian__genesis__descriptor, bytes_of(bytes, size), &arena),
        ST_OK);
    Xuelian__Genesis *genesis = (Xuelian__Genesis *)(void *)message;
    for (uint32_t i = 0; i < 9; i++) {
        kinds[i] = (Xuelian__OutcomeKind)(i + 1);
    }
    for (uint32_t i = 0; i < 2; i++) {
        genesis->members[i]->roles = roles;
        genesis->members[i]->n_roles = 4;
    }
    genesis->members[1]->deposit_kinds = kinds;
    genesis->members[1]->n_deposit_kinds = 9;
    genesis->members[5]->kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_IDENTITY_SERVICE;
    genesis->rules = rules;
    genesis->n_rules = rule_count;
    genesis->catalogue = catalogue;
    genesis->n_catalogue = entry_count;
    return canonical_encode(out, &genesis->base);
}

void net_open(struct net *net, Xuelian__Rule **rules, size_t rule_count,
              Xuelian__CatalogueEntry **catalogue, size_t entry_count)
{
    uint8_t bytes[32768];
    char error[GENESIS_ERROR_SIZE] = "";
    *net = (struct net){.nonce = 0};
    size_t size = net_genesis_bytes(bytes, rules, rule_count, catalogue, entry_count);
    if (genesis_parse(&net->genesis, bytes_of(bytes, size), error) != ST_OK) {
        fail_msg("%s", error);
    }
    kv_open_memory(&net->kv);
    assert_int_equal(ledger_open(&net->ledger, net->kv, &net->genesis, error, sizeof error), ST_OK);
    support_opened(&net->genesis);
}

void net_close(struct net *net)
{
    support_whole(net->kv, &net->genesis);
    ledger_close(net->ledger);
    genesis_free(&net->genesis);
    kv_close(net->kv);
}

static uint8_t secret_of(uint32_t signer)
{
    return (uint8_t)(signer < NET_LEARNER ? signer : 150 + signer % 100);
}

static struct tx_signer signer_of(uint32_t number)
{
    struct signer *signer = support_signer(secret_of(number));
    struct tx_signer made = {.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER,
                             .member = number,
                             .key = *signer_key(signer)};
    signer_free(signer);
    if (number >= NET_LEARNER) {
        made.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER;
        made.member = 0;
        made.learner = support_learner(number - NET_LEARNER);
    }
    return made;
}

struct bytes net_tx(struct net *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                    const uint32_t *signers, uint32_t count)
{
    uint8_t packed[2048];
    struct tx_draft draft = {.chain_id = net->genesis.chain_id,
                             .valid_until = ledger_tip(net->ledger)->height + 100,
                             .kind = kind,
                             .signer_count = count,
                             .item_count = 1};
    struct bytes bytes = bytes_of(packed, canonical_encode(packed, item));
    struct sig64 signatures[LIMIT_SIGNERS_MAX];
    struct hash32 id;
    uint8_t *body = NULL;
    uint8_t *sealed = NULL;
    size_t body_size = 0;
    size_t size = 0;
    be32_put(draft.nonce.bytes, ++net->nonce);
    draft.items = &bytes;
    for (uint32_t i = 0; i < count; i++) {
        draft.signers[i] = signer_of(signers[i]);
    }
    assert_int_equal(tx_build(&draft, &body, &body_size, &id), ST_OK);
    for (uint32_t i = 0; i < count; i++) {
        struct signer *signer = support_signer(secret_of(signers[i]));
        signer_sign(signer, &id, &signatures[i]);
        signer_free(signer);
    }
    assert_int_equal(tx_seal(body, body_size, signatures, count, &sealed, &size), ST_OK);
    free(body);
    return bytes_of(sealed, size);
}

void net_block(struct net *net, struct bytes *txs, uint32_t count, uint32_t *codes)
{
    uint64_t next_ms = ledger_tip(net->ledger)->time_ms + 1000;
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(net->ledger),
                                       .time_ms = next_ms > net->time_ms ? next_ms : net->time_ms,
                                       .txs = txs,
                                       .count = count};
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    if (net->keep != NULL) {
        net->keep(ledger_tip(net->ledger)->height + 1, txs, count);
    }
    enum status status = ledger_execute(net->ledger, &proposal, &block, &bad);
    if (status != ST_OK) {
        fail_msg("block invalid at transaction %u: %s", (unsigned)bad, status_name(status));
    }
    support_executed(&proposal, block);
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = block->codes[i];
        support_free(txs[i]);
    }
    support_apply(net->ledger, block);
}

uint32_t net_submit(struct net *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                    uint32_t signer)
{
    uint32_t code = 0;
    struct bytes tx = net_tx(net, kind, item, &signer, 1);
    net_block(net, &tx, 1, &code);
    return code;
}

void net_date(struct net *net, uint32_t date)
{
    enum { DAY_MS = 86400000 };
    uint64_t now = ledger_tip(net->ledger)->time_ms;
    net->time_ms = net->time_ms > now ? net->time_ms : now;
    while (date_of_time(net->time_ms) < date) {
        net->time_ms += DAY_MS;
    }
}

void net_account(struct net *net, uint32_t learner, bool with_key)
{
    struct hash32 id = support_learner(learner);
    struct hash32 identity = support_learner(learner + 7000);
    struct tx_signer signer = signer_of(NET_LEARNER + learner);
    Xuelian__AccountOpening opening;
    support_opening(&opening, &id, &identity);
    if (with_key) {
        opening.learner_key = field_borrow(&signer.key, 33);
    }
    assert_int_equal(net_submit(net, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &opening.base, 1),
                     ST_OK);
}

uint32_t net_merge(struct net *net, uint32_t account, uint32_t other)
{
    const uint32_t pair[2] = {1, 6};
    struct hash32 ids[2] = {support_learner(account), support_learner(other)};
    struct hash32 identities[2] = {support_learner(account + 7000), support_learner(other + 7000)};
    Xuelian__AccountMerge merge = XUELIAN__ACCOUNT_MERGE__INIT;
    uint32_t code = 0;
    merge.account = field_borrow(&ids[0], 32);
    merge.other = field_borrow(&ids[1], 32);
    merge.identity_commitment = field_borrow(&identities[0], 32);
    merge.other_commitment = field_borrow(&identities[1], 32);
    struct bytes tx = net_tx(net, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_MERGE, &merge.base, pair, 2);
    net_block(net, &tx, 1, &code);
    return code;
}

uint64_t net_deposit(struct net *net, uint32_t learner, uint32_t credits, uint32_t award_date)
{
    struct hash32 id = support_learner(learner);
    uint8_t reference[16] = {1};
    Xuelian__Outcome outcome;
    be32_put(reference + 8, net->nonce);
    support_outcome(&outcome, &id);
    outcome.course = 0;
    outcome.course_version = 0;
    outcome.credits = credits;
    outcome.award_date = award_date;
    outcome.reference = field_borrow(reference, 16);
    assert_int_equal(net_submit(net, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, 2), ST_OK);
    return net_read_account(net, learner).items.size;
}

struct account net_read_account(struct net *net, uint32_t learner)
{
    struct hash32 id = support_learner(learner);
    struct state *state;
    struct account *account;
    assert_int_equal(state_begin(&state, net->kv, false), ST_OK);
    assert_int_equal(state_account(state, &id, &account), ST_OK);
    struct account copy = *account;
    state_free(state);
    return copy;
}

const Xuelian__ItemVersion *net_item(struct net *net, uint32_t learner, uint64_t item, void *memory,
                                     struct hash32 *hash)
{
    struct account account = net_read_account(net, learner);
    struct overlay *overlay = overlay_new(net->kv);
    struct bytes bytes;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    assert_int_equal(items_get(overlay, &account, item, &bytes), ST_OK);
    hash_tagged(hash, TAG_VERSION, bytes.data, bytes.size);
    arena_init(&arena, memory, 4096);
    assert_int_equal(canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena),
                     ST_OK);
    overlay_free(overlay);
    return (const Xuelian__ItemVersion *)(const void *)message;
}

const ProtobufCMessage *net_content(const Xuelian__ItemVersion *version,
                                    const ProtobufCMessageDescriptor *schema, void *memory)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, 4096);
    assert_int_equal(canonical_decode(&message, schema, field_bytes(&version->content), &arena),
                     ST_OK);
    return message;
}

uint32_t net_act(struct net *net, Xuelian__TxKind kind, uint32_t signer, uint32_t learner,
                 uint64_t item)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash = {{0}};
    uint64_t memory[512];
    Xuelian__ItemAct act = XUELIAN__ITEM_ACT__INIT;
    if (item <= net_last(net, learner)) {
        net_item(net, learner, item, memory, &hash);
    }
    act.account = field_borrow(&id, 32);
    act.item = item;
    act.version_hash = field_borrow(&hash, 32);
    act.reason = XUELIAN__ITEM_REASON__ITEM_REASON_WISH;
    return net_submit(net, kind, &act.base, signer);
}

Xuelian__ItemStatus net_status(struct net *net, uint32_t learner, uint64_t item)
{
    uint64_t memory[512];
    struct hash32 hash;
    return net_item(net, learner, item, memory, &hash)->status;
}

uint64_t net_last(struct net *net, uint32_t learner)
{
    return net_read_account(net, learner).items.size;
}
