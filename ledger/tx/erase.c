/* 删除明细: the learner, or the issuer, has the details of a record erased. The record stays, with a version that says
 * so; what they were is then in no node's store. */
#include "ledger/tx/account_rules.h"
#include "ledger/tx/outcome.h"

/* The outcome that is named, in an account of any status. */
static enum status read_named(struct state *state, const struct tx *tx, const Xuelian__ItemAct *act,
                              struct account **account, uint32_t *code)
{
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (act->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    return account_known(state, &act->account, account, code);
}

static enum status erase(struct state *state, const struct block_context *context,
                         const struct tx *tx, struct account *account, const struct item *item,
                         Xuelian__ItemReason reason, uint32_t *code)
{
    if (item->version->details == XUELIAN__DETAILS_STATE__DETAILS_STATE_UNSPECIFIED) {
        *code = ST_NO_DETAILS;
        return ST_OK;
    }
    if (item->version->details == XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED) {
        *code = ST_DETAILS_ERASED;
        return ST_OK;
    }
    return item_erase_details(state, context, tx, account, item, reason);
}

enum status erase_own_apply(struct state *state, const struct block_context *context,
                            const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    bool held = false;
    enum status status = read_named(state, tx, act, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = account_held_by(state, context, account, &tx->signers[0], &held);
        *code = status == ST_OK && !held ? ST_NOT_ALLOWED : *code;
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_read_version(state, account, act->item, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                   &act->version_hash, &item, code);
    }
    return status == ST_OK && *code == ST_OK
               ? erase(state, context, tx, account, &item, act->reason, code)
               : status;
}

enum status erase_issued_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    bool answers = false;
    if (!signed_by_members(tx, 1)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    enum status status = read_named(state, tx, act, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = item_read_version(state, account, act->item, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                   &act->version_hash, &item, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_answered_by(state, &item, tx->signers[0].member, &answers);
        *code = status == ST_OK && !answers ? ST_WRONG_ISSUER : *code;
    }
    return status == ST_OK && *code == ST_OK
               ? erase(state, context, tx, account, &item, act->reason, code)
               : status;
}
