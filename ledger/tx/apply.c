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

/* Every signer is who he says at this height. */
static enum status check_signers(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t *code)
{
    *code = ST_OK;
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        const struct tx_signer *signer = &tx->signers[i];
        const struct member_view *member;
        if (signer->role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
            *code = ST_NOT_ALLOWED; /* the kinds of this version are made by institutions */
            return ST_OK;
        }
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
        if (*code != ST_OK) {
            return ST_OK;
        }
    }
    return ST_OK;
}

static uint32_t role_for(Xuelian__TxKind kind)
{
    switch (kind) {
    case XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN:
    case XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK:
        return XUELIAN__MEMBER_ROLE__MEMBER_ROLE_OPEN_ACCOUNTS;
    case XUELIAN__TX_KIND__TX_KIND_DEPOSIT:
    case XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK:
        return XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT;
    case XUELIAN__TX_KIND__TX_KIND_UNSPECIFIED:
    case _XUELIAN__TX_KIND_IS_INT_SIZE:
        break;
    }
    return XUELIAN__MEMBER_ROLE__MEMBER_ROLE_UNSPECIFIED; /* a bit nobody has */
}

enum status tx_apply(struct state *state, const struct block_context *context, const struct tx *tx,
                     struct tx_outcome *outcome)
{
    const struct member_view *member;
    enum status status = check_signers(state, context, tx, &outcome->code);
    if (status != ST_OK || outcome->code != ST_OK) {
        return status;
    }
    status = state_member(state, tx->signers[0].member, &member);
    if (status != ST_OK) {
        return status;
    }
    if ((member->roles >> role_for(tx->kind) & 1) == 0) {
        outcome->code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    for (uint32_t i = 0; i < tx->item_count && status == ST_OK; i++) {
        uint32_t *code = tx->bulk ? &outcome->item_codes[i] : &outcome->code;
        *code = ST_OK;
        status = tx->openings != NULL ? account_open_apply(state, context, tx, i, code)
                                      : deposit_apply(state, context, tx, i, code);
    }
    return status;
}
