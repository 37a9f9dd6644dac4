/* The real ledger over its in-memory store. Member 1 opens learners' accounts; the first three members govern. */
#include <stdio.h>

#include "ledger/ledger.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/sim/executor_ledger.h"

/* What all nodes share. */
struct shared {
    struct genesis genesis;
    void *tx_arena; /* TX_ARENA_SIZE */
};

struct ledger_state {
    struct chain *chain;
    struct kv *kv;
    struct ledger *ledger;
};

/* ---- Genesis ------------------------------------------------------------------------------------- */

struct member_parts {
    Xuelian__Member member;
    Xuelian__MemberKey key;
    Xuelian__MemberKey *keys[1];
    Xuelian__Node node;
    Xuelian__Node *nodes[1];
    Xuelian__MemberRole roles[3];
    char name[16];
};

static void make_member(struct member_parts *parts, const struct key_owner *owner, bool validator)
{
    xuelian__member__init(&parts->member);
    xuelian__member_key__init(&parts->key);
    xuelian__node__init(&parts->node);
    snprintf(parts->name, sizeof parts->name, "M%u", (unsigned)owner->index + 1);
    parts->key.key = field_borrow(&owner->key, 33);
    parts->keys[0] = &parts->key;
    parts->node.key = field_borrow(&owner->key, 33);
    parts->node.role = validator ? XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR
                                 : XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    parts->nodes[0] = &parts->node;
    parts->roles[0] = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_OPEN_ACCOUNTS;
    parts->roles[1] = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN;
    parts->roles[2] =
        XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT; /* else nobody could govern courses */
    parts->member.id = owner->index + 1;
    parts->member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_UNIVERSITY;
    parts->member.name_zh = parts->name;
    parts->member.region = 330000;
    parts->member.keys = parts->keys;
    parts->member.n_keys = 1;
    parts->member.nodes = parts->nodes;
    parts->member.n_nodes = 1;
    parts->member.roles = parts->roles;
    parts->member.n_roles = owner->index < LEDGER_GOVERNING ? 3 : 1;
}

static void set_params(Xuelian__Params *out, const struct pbft_params *params)
{
    params_defaults(out);
    out->t0_ms = params->t0_ms;
    out->timeout_cap_ms = params->timeout_cap_ms;
    out->batch_delay_ms = params->batch_delay_ms;
    out->batch_count = params->batch_count;
    out->heartbeat_ms = params->heartbeat_ms;
    out->max_drift_ms = params->max_drift_ms;
    out->max_lag_ms = params->max_lag_ms;
    out->request_timeout_ms = params->request_timeout_ms;
    out->rotation_blocks = params->rotation_blocks;
    out->validity_window = 1000000;
}

static void make_genesis(struct chain *chain, uint32_t validators, struct genesis *out)
{
    Xuelian__Genesis genesis;
    Xuelian__Params params;
    Xuelian__Region region;
    Xuelian__Region *regions[1] = {&region};
    uint32_t count = chain->keys->count;
    struct member_parts *parts = sim_new(count * sizeof *parts);
    Xuelian__Member **members = sim_new(count * sizeof(Xuelian__Member *));
    char network[] = "simulated", province[] = "浙江省";
    char error[GENESIS_ERROR_SIZE] = "";
    xuelian__genesis__init(&genesis);
    xuelian__region__init(&region);
    set_params(&params, &chain->params);
    for (uint32_t i = 0; i < count; i++) {
        make_member(&parts[i], &chain->keys->owners[i], i < validators);
        members[i] = &parts[i].member;
    }
    region.code = 330000;
    region.name_zh = province;
    region.level = 1;
    genesis.version = 1;
    genesis.suite = 1;
    genesis.network = network;
    genesis.time_ms = UINT64_C(1700000000000);
    genesis.params = &params;
    genesis.members = members;
    genesis.n_members = count;
    genesis.regions = regions;
    genesis.n_regions = 1;
    uint8_t *bytes = sim_new(canonical_size(&genesis.base));
    size_t size = canonical_encode(bytes, &genesis.base);
    enum status status = genesis_parse(out, bytes_of(bytes, size), error);
    if (status != ST_OK) {
        fprintf(stderr, "genesis: %s\n", error);
    }
    CHECK(status == ST_OK);
    free(bytes);
    free(parts);
    free(members);
}

/* ---- A node's ledger ----------------------------------------------------------------------------- */

static void *ledger_state_open(struct chain *chain)
{
    struct shared *shared = chain->executor_data;
    struct ledger_state *state = sim_new(sizeof *state);
    char error[256];
    state->chain = chain;
    CHECK(kv_open_memory(&state->kv) == ST_OK);
    CHECK(ledger_open(&state->ledger, state->kv, &shared->genesis, error, sizeof error) == ST_OK);
    return state;
}

static void ledger_state_close(void *state)
{
    struct ledger_state *self = state;
    ledger_close(self->ledger);
    kv_close(self->kv);
    free(self);
}

static void ledger_init(struct chain *chain, uint32_t validators)
{
    struct shared *shared = sim_new(sizeof *shared);
    struct owned none = {.data = NULL};
    shared->tx_arena = sim_new(TX_ARENA_SIZE);
    chain->executor_data = shared;
    make_genesis(chain, validators, &shared->genesis);
    chain->incarnations =
        (uint32_t)shared->genesis.set.validators[0].incarnation; /* as genesis gives them */
    chain->chain_id = shared->genesis.chain_id;
    struct ledger_state *state = ledger_state_open(chain);
    const struct validator_set *set = chain_set(chain, ledger_set(state->ledger));
    chain->genesis = chain_block(chain, ledger_tip(state->ledger), owned_bytes(&none), NULL, 0, set,
                                 set, &chain->params);
    ledger_state_close(state);
}

static void ledger_free_chain(struct chain *chain)
{
    struct shared *shared = chain->executor_data;
    genesis_free(&shared->genesis);
    free(shared->tx_arena);
    free(shared);
}

static uint64_t ledger_height(const void *state)
{
    return ledger_tip(((const struct ledger_state *)state)->ledger)->height;
}

/* ---- Transactions -------------------------------------------------------------------------------- */

static bool ledger_read_tx(struct chain *chain, struct sim_tx *out)
{
    struct shared *shared = chain->executor_data;
    struct arena arena;
    struct tx tx;
    arena_init(&arena, shared->tx_arena, TX_ARENA_SIZE);
    if (tx_parse(&tx, owned_bytes(&out->bytes), &chain->chain_id, &arena) != ST_OK ||
        tx_verify_signatures(&tx) != ST_OK) {
        return false;
    }
    out->entry = tx.entry;
    out->id = tx.id;
    snprintf(out->label, sizeof out->label, "%s%u",
             tx.kind == XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN ? "tx" : tx.rule->name,
             (unsigned)out->index);
    return true;
}

void executor_ledger_tx(struct chain *chain, Xuelian__TxKind kind, const ProtobufCMessage *item,
                        uint32_t owner_index, uint64_t nonce, struct owned *out, struct hash32 *id)
{
    struct tx_draft draft = {.chain_id = chain->chain_id,
                             .valid_until = 900000,
                             .kind = kind,
                             .signer_count = 1,
                             .item_count = 1};
    const struct key_owner *owner = &chain->keys->owners[owner_index];
    struct hash32 made;
    struct sig64 signature;
    uint8_t *item_bytes = sim_new(canonical_size(item));
    uint8_t *body = NULL, *sealed = NULL;
    size_t body_size = 0, size = 0;
    struct bytes bytes = bytes_of(item_bytes, canonical_encode(item_bytes, item));
    draft.items = &bytes;
    draft.signers[0] = (struct tx_signer){.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER,
                                          .member = owner_index + 1,
                                          .key = owner->key};
    be64_put(draft.nonce.bytes, nonce);
    CHECK(tx_build(&draft, &body, &body_size, &made) == ST_OK);
    signer_sign(owner->signer, &made, &signature);
    CHECK(tx_seal(body, body_size, &signature, 1, &sealed, &size) == ST_OK);
    owned_set(out, bytes_of(sealed, size));
    if (id != NULL) {
        *id = made;
    }
    free(item_bytes);
    free(body);
    free(sealed);
}

static void ledger_make_tx(struct chain *chain, uint32_t number, struct owned *out)
{
    Xuelian__AccountOpening opening;
    struct hash32 learner, identity;
    uint8_t word[4];
    be32_put(word, number);
    hash_plain(&learner, word, sizeof word);
    hash_plain(&identity, learner.bytes, 32);
    xuelian__account_opening__init(&opening);
    opening.learner = field_borrow(&learner, 32);
    opening.identity_commitment = field_borrow(&identity, 32);
    opening.region = 330000;
    executor_ledger_tx(chain, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &opening.base, 0,
                       (uint64_t)number + 1, out, NULL);
}

static void ledger_tx_root(const struct sim_tx *const *txs, uint32_t count, struct hash32 *root)
{
    struct merkle_frontier entries;
    merkle_frontier_init(&entries);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 leaf;
        hash_leaf(&leaf, TAG_LEAF_TX, txs[i]->entry.bytes, 32);
        merkle_frontier_append(&entries, &leaf);
    }
    merkle_frontier_root(&entries, root);
}

static enum status check_tx(const void *state, const struct sim_tx *tx)
{
    const struct ledger_state *self = state;
    struct shared *shared = self->chain->executor_data;
    struct tx parsed = {.id = tx->id, .valid_until = 900000};
    return ledger_check(self->kv, shared->genesis.message->params, &parsed,
                        ledger_height(state) + 1);
}

static bool ledger_used(const void *state, const struct sim_tx *tx)
{
    return check_tx(state, tx) == ST_ID_USED;
}

static bool ledger_proposable(const void *state, const struct sim_tx *tx)
{
    return check_tx(state, tx) == ST_OK;
}

/* ---- Executing ----------------------------------------------------------------------------------- */

static enum pbft_outcome ledger_execute_proposal(void *state, const struct sim_proposal *proposal,
                                                 struct bytes bytes,
                                                 const struct sim_tx *const *txs, uint64_t twist,
                                                 struct sim_block **block, void **result)
{
    struct ledger_state *self = state;
    struct bytes *bodies = sim_new(proposal->count * sizeof *bodies);
    struct ledger_proposal asked = {.parent_hash = proposal->parent_hash,
                                    .time_ms = proposal->time_ms,
                                    .txs = bodies,
                                    .count = proposal->count};
    struct ledger_block *made = NULL;
    uint32_t bad = 0;
    for (uint32_t i = 0; i < proposal->count; i++) {
        bodies[i] = owned_bytes(&txs[i]->bytes);
    }
    enum status status = ledger_execute(self->ledger, &asked, &made, &bad);
    free(bodies);
    if (status != ST_OK) {
        CHECK(status_class(status) != STATUS_CLASS_FATAL);
        return status == ST_CONFLICT ? PBFT_EXECUTED_MISSING : PBFT_EXECUTED_INVALID;
    }
    struct header header = made->header;
    header.state_root.bytes[0] ^= (uint8_t)twist;
    *block = chain_block(self->chain, &header, bytes, txs, proposal->count,
                         chain_set(self->chain, ledger_set(self->ledger)),
                         chain_set(self->chain, &made->next_set), &self->chain->params);
    *result = made;
    return PBFT_EXECUTED_OK;
}

static void ledger_apply_block(void *state, const struct sim_block *block, void *result)
{
    struct ledger_state *self = state;
    (void)block;
    CHECK(ledger_apply(self->ledger, result) == ST_OK);
}

static void ledger_drop(void *result)
{
    ledger_block_free(result);
}

/* The store cannot go back; when it is not ahead it need not. */
static bool ledger_rewind(void *state, uint64_t height)
{
    return ledger_height(state) <= height;
}

const struct executor_kind executor_ledger = {.name = "ledger",
                                              .init = ledger_init,
                                              .free_chain = ledger_free_chain,
                                              .read_tx = ledger_read_tx,
                                              .make_tx = ledger_make_tx,
                                              .tx_root = ledger_tx_root,
                                              .open = ledger_state_open,
                                              .close = ledger_state_close,
                                              .height = ledger_height,
                                              .used = ledger_used,
                                              .proposable = ledger_proposable,
                                              .execute = ledger_execute_proposal,
                                              .apply = ledger_apply_block,
                                              .drop = ledger_drop,
                                              .rewind = ledger_rewind};
