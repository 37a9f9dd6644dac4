/* 冻结, 解冻, 关闭, 身故: the status of an account. */
#include "ledger/tx/account_rules.h"
#include "proto/check.h"

#define OPEN     XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN
#define FROZEN   XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN
#define MERGED   XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED
#define CLOSED   XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_CLOSED
#define DECEASED XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_DECEASED

static void set_status(struct account *account, Xuelian__AccountStatus status, uint32_t frozen_by)
{
    account->status = status;
    account->frozen_by = frozen_by;
    account->dirty = true;
}

/* A member that watches over accounts: custodian, identity service, or with the role of governing. */
static enum status is_watcher(struct state *state, const struct account *account,
                              const struct tx_signer *signer, bool *is)
{
    uint32_t custodian = ST_OK;
    uint32_t service = ST_OK;
    *is = false;
    if (!signer_is_member(signer)) {
        return ST_OK;
    }
    enum status status = check_custodian(state, account, signer, &custodian);
    if (status == ST_OK) {
        status = check_identity_service(state, signer, &service);
    }
    if (status != ST_OK) {
        return status;
    }
    if (custodian == ST_OK || service == ST_OK) {
        *is = true;
        return ST_OK;
    }
    return member_may(state, signer->member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN, is);
}

enum status account_freeze_apply(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountAct *act = (const Xuelian__AccountAct *)(const void *)tx->messages[index];
    const struct tx_signer *signer = &tx->signers[0];
    struct account *account = NULL;
    bool may = false;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (act->reason == XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &act->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = account_held_by(state, context, account, signer, &may);
    if (status == ST_OK && !may) {
        status = is_watcher(state, account, signer, &may);
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
    }
    if (status == ST_OK && may) {
        set_status(account, FROZEN, signer->member);
    }
    return status;
}

/* Who froze it, or who governs; what a learner froze, any who watches: his key may be in other hands. */
static enum status check_unfreeze(struct state *state, const struct account *account,
                                  const struct tx *tx, uint32_t *code)
{
    const struct tx_signer *signer = &tx->signers[0];
    bool may = false;
    enum status status = ST_OK;
    if (!signed_by_members(tx, 1)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (account->frozen_by == 0) {
        status = is_watcher(state, account, signer, &may);
    } else {
        status = member_stands_for(state, signer->member, account->frozen_by, &may);
        if (status == ST_OK && !may) {
            status =
                member_may(state, signer->member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN, &may);
        }
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

/* A death noted in error: a member that governs and an identity service. */
static enum status check_alive(struct state *state, const struct tx *tx, uint32_t *code)
{
    bool may = false;
    enum status status = ST_OK;
    if (signed_by_members(tx, 2)) {
        status = member_may(state, tx->signers[0].member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN,
                            &may);
    }
    if (status == ST_OK && !may) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    return status == ST_OK ? check_identity_service(state, &tx->signers[1], code) : status;
}

static enum status check_reopen(struct state *state, const struct account *account,
                                const struct tx *tx, uint32_t *code)
{
    if (!signed_by_members(tx, 2)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    return check_pair(state, account, tx, code);
}

enum status account_unfreeze_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountAct *act = (const Xuelian__AccountAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    (void)context;
    if (act->reason == XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_known(state, &act->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    switch (account->status) {
    case FROZEN:
        status = check_unfreeze(state, account, tx, code);
        break;
    case CLOSED:
        status = check_reopen(state, account, tx, code);
        break;
    case DECEASED:
        status = check_alive(state, tx, code);
        break;
    case OPEN:
    case MERGED:
        *code = ST_WRONG_STATE;
        break;
    case XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_UNSPECIFIED:
    case _XUELIAN__ACCOUNT_STATUS_IS_INT_SIZE:
        return ST_CORRUPT;
    }
    if (status == ST_OK && *code == ST_OK) {
        set_status(account, OPEN, 0);
    }
    return status;
}

enum status account_close_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountAct *act = (const Xuelian__AccountAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    bool held = false;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (act->reason == XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &act->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = account_held_by(state, context, account, &tx->signers[0], &held);
    if (status == ST_OK && !held) {
        *code = ST_NOT_ALLOWED;
    }
    if (status == ST_OK && held) {
        set_status(account, CLOSED, 0);
    }
    return status;
}

enum status account_deceased_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__DeathNotice *notice =
        (const Xuelian__DeathNotice *)(const void *)tx->messages[index];
    struct account *account = NULL;
    (void)context;
    if (!signed_by_members(tx, 2)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    enum status status = account_known(state, &notice->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (account->status == MERGED || account->status == DECEASED) {
        *code = ST_ACCOUNT_CLOSED;
        return ST_OK;
    }
    status = check_pair(state, account, tx, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_commitment(account, &notice->identity_commitment);
    if (*code == ST_OK) {
        set_status(account, DECEASED, 0);
    }
    return ST_OK;
}
