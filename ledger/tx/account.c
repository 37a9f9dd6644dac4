/* Accounts as the rules of all kinds look at them: known, open, and who acts for their learner. */
#include "ledger/tx/account_rules.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { MEMBER_ENDED = 2 };

enum status account_known(struct state *state, const ProtobufCBinaryData *learner,
                          struct account **account, uint32_t *code)
{
    struct hash32 id;
    CHECK(field_copy(&id, 32, learner)); /* its size is checked by tx_item_form */
    enum status status = state_account(state, &id, account);
    if (status == ST_OK && (*account)->position == 0) {
        *code = ST_UNKNOWN_ACCOUNT;
    }
    return status;
}

enum status account_open_for(struct state *state, const ProtobufCBinaryData *learner,
                             struct account **account, uint32_t *code)
{
    enum status status = account_known(state, learner, account, code);
    if (status == ST_OK && *code == ST_OK &&
        (*account)->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN) {
        *code = ST_ACCOUNT_CLOSED;
    }
    return status;
}

enum status member_stands_for(struct state *state, uint32_t member, uint32_t named, bool *stands)
{
    *stands = member == named;
    for (uint32_t step = 0; step < LIMIT_SUCCESSORS_MAX && !*stands; step++) {
        const struct member_view *view;
        enum status status = state_member(state, named, &view);
        if (status != ST_OK) {
            return status;
        }
        if (!view->exists || view->status != MEMBER_ENDED || view->successor == 0) {
            return ST_OK;
        }
        named = view->successor;
        *stands = member == named;
    }
    return ST_OK;
}

enum status account_held_by(struct state *state, const struct block_context *context,
                            const struct account *account, const struct tx_signer *signer,
                            bool *held)
{
    bool guarded = account->acting_guardian.there && context->date <= account->acting_until;
    *held = false;
    if (signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER) {
        *held = hash32_equal(&signer->learner, &account->learner);
        return ST_OK;
    }
    if (account->acting_learner.there || guarded) {
        return ST_OK;
    }
    return member_stands_for(state, signer->member, account->custodian, held);
}

bool signer_is_member(const struct tx_signer *signer)
{
    return signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
}

bool signed_by_members(const struct tx *tx, uint32_t count)
{
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        if (!signer_is_member(&tx->signers[i])) {
            return false;
        }
    }
    return tx->signer_count == count;
}

enum status check_identity_service(struct state *state, const struct tx_signer *signer,
                                   uint32_t *code)
{
    const struct member_view *member;
    enum status status = state_member(state, signer->member, &member);
    if (status == ST_OK && member->kind != XUELIAN__MEMBER_KIND__MEMBER_KIND_IDENTITY_SERVICE) {
        *code = ST_NOT_IDENTITY_SERVICE;
    }
    return status;
}

enum status check_custodian(struct state *state, const struct account *account,
                            const struct tx_signer *signer, uint32_t *code)
{
    bool is_custodian;
    enum status status =
        member_stands_for(state, signer->member, account->custodian, &is_custodian);
    if (status == ST_OK && !is_custodian) {
        *code = ST_NOT_CUSTODIAN;
    }
    return status;
}

enum status check_pair(struct state *state, const struct account *account, const struct tx *tx,
                       uint32_t *code)
{
    enum status status = check_custodian(state, account, &tx->signers[0], code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return check_identity_service(state, &tx->signers[1], code);
}

uint32_t check_commitment(const struct account *account, const ProtobufCBinaryData *commitment)
{
    return bytes_equal(field_bytes(commitment), bytes_of(&account->identity_commitment, 32))
               ? ST_OK
               : ST_WRONG_IDENTITY;
}
