#include <string.h>

#include "ledger/tx/rules.h"
#include "proto/bytes.h"

static bool key_in_force(const struct member_view *member, const struct pubkey33 *key,
                         uint64_t height)
{
    for (uint32_t i = 0; i < member->key_count; i++) {
        if (member->keys[i].from_height <= height &&
            (member->keys[i].to_height == 0 || height < member->keys[i].to_height) &&
            pubkey33_compare(&member->keys[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

static enum status check_member(struct state *state, const struct block_context *context,
                                const struct tx_signer *signer, uint32_t *code)
{
    const struct member_view *member;
    enum status status = state_member(state, signer->member, &member);
    if (status != ST_OK) {
        return status;
    }
    if (!member->exists) {
        *code = ST_UNKNOWN_MEMBER;
    } else if (member->status != 0) {
        *code = ST_MEMBER_INACTIVE;
    } else if (!key_in_force(member, &signer->key, context->height)) {
        *code = ST_WRONG_KEY;
    }
    return ST_OK;
}

static bool is_key(const struct account_key *key, const struct pubkey33 *given)
{
    return key->there && pubkey33_compare(&key->key, given) == 0;
}

/* A learner's key, or his guardian's until its date: those that the account had before this block. */
static enum status check_learner(struct state *state, const struct block_context *context,
                                 const struct tx_signer *signer, uint32_t *code)
{
    struct account *account;
    enum status status = state_account(state, &signer->learner, &account);
    if (status != ST_OK) {
        return status;
    }
    if (account->position == 0) {
        *code = ST_UNKNOWN_ACCOUNT;
    } else if (!is_key(&account->acting_learner, &signer->key) &&
               (context->date > account->acting_until ||
                !is_key(&account->acting_guardian, &signer->key))) {
        *code = ST_WRONG_KEY;
    }
    return ST_OK;
}

/* A node signs the heads of its own query log, and nothing else. */
static enum status check_node(struct state *state, const struct block_context *context,
                              const struct tx *tx, const struct tx_signer *signer, uint32_t *code)
{
    uint64_t memory[4096];
    uint8_t number[4];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    if (tx->kind != XUELIAN__TX_KIND__TX_KIND_QUERY_LOG_ANCHOR) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    arena_init(&arena, memory, sizeof memory);
    be32_put(number, signer->member);
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS, bytes_of(number, 4),
                      &xuelian__member__descriptor, &arena, &message);
    if (status != ST_OK) {
        *code = ST_UNKNOWN_MEMBER;
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    const Xuelian__Member *member = (const Xuelian__Member *)(const void *)message;
    *code = ST_WRONG_KEY;
    for (size_t i = 0; i < member->n_nodes; i++) {
        const Xuelian__Node *node = member->nodes[i];
        if (node->key.len == 33 && memcmp(node->key.data, signer->key.bytes, 33) == 0 &&
            node->from_height <= context->height &&
            (node->to_height == 0 || context->height < node->to_height)) {
            *code = ST_OK;
        }
    }
    if (*code == ST_OK && member->status == 2) {
        *code = ST_MEMBER_INACTIVE;
    }
    return ST_OK;
}

static enum status check_signer(struct state *state, const struct block_context *context,
                                const struct tx *tx, const struct tx_signer *signer, uint32_t *code)
{
    switch (signer->role) {
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER:
        return check_member(state, context, signer, code);
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER:
        return check_learner(state, context, signer, code);
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE:
        return check_node(state, context, tx, signer, code);
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_UNSPECIFIED:
    case _XUELIAN__SIGNER_ROLE_IS_INT_SIZE:
        break;
    }
    *code = ST_NOT_ALLOWED; /* tx_parse lets no other role through */
    return ST_OK;
}

/* Every signer is who he says at this height. */
static enum status check_signers(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t *code)
{
    *code = ST_OK;
    for (uint32_t i = 0; i < tx->signer_count && *code == ST_OK; i++) {
        enum status status = check_signer(state, context, tx, &tx->signers[i], code);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

enum status member_may(struct state *state, uint32_t member, Xuelian__MemberRole role, bool *may)
{
    const struct member_view *view;
    enum status status = state_member(state, member, &view);
    if (status == ST_OK) {
        *may = view->exists && view->status == 0 && (view->roles >> (uint32_t)role & 1) != 0;
    }
    return status;
}

/* The first signer has the role that the kind asks for. */
static enum status check_role(struct state *state, const struct tx *tx, uint32_t *code)
{
    bool may = false;
    if (tx->rule->role == XUELIAN__MEMBER_ROLE__MEMBER_ROLE_UNSPECIFIED) {
        return ST_OK;
    }
    enum status status = ST_OK;
    if (tx->signers[0].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        status = member_may(state, tx->signers[0].member, tx->rule->role, &may);
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

enum status tx_apply(struct state *state, const struct block_context *context, const struct tx *tx,
                     struct tx_outcome *outcome)
{
    enum status status = check_signers(state, context, tx, &outcome->code);
    if (status == ST_OK && outcome->code == ST_OK) {
        status = check_role(state, tx, &outcome->code);
    }
    if (status != ST_OK || outcome->code != ST_OK) {
        return status;
    }
    for (uint32_t i = 0; i < tx->item_count && status == ST_OK; i++) {
        uint32_t *code = tx->bulk ? &outcome->item_codes[i] : &outcome->code;
        *code = ST_OK;
        status = tx->rule->apply(state, context, tx, i, code);
    }
    return status;
}
