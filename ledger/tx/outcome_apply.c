/* 个人申请: a learner applies to an institution, which confirms or refuses; the learner may withdraw. */
#include "ledger/tx/account_rules.h"
#include "ledger/tx/outcome.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

/* An application says nothing that the issuer alone can: no reference, no recognition. */
static uint32_t check_application(const struct block_context *context, const struct tx *tx,
                                  const Xuelian__Outcome *outcome)
{
    if (tx->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (outcome->source != XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER ||
        outcome->recognising != 0 || outcome->reference.len != 0) {
        return ST_BAD_FIELD;
    }
    return outcome_check_fields(context, outcome);
}

/* The institution applied to deposits. */
static enum status check_issuer(struct state *state, uint32_t issuer, uint32_t *code)
{
    const struct member_view *member;
    enum status status = state_member(state, issuer, &member);
    if (status != ST_OK) {
        return status;
    }
    if (!member->exists) {
        *code = ST_UNKNOWN_MEMBER;
    } else if (member->status != 0) {
        *code = ST_MEMBER_INACTIVE;
    } else if ((member->roles >> (uint32_t)XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT & 1) == 0) {
        *code = ST_NOT_ALLOWED;
    }
    return ST_OK;
}

static enum status check_held(struct state *state, const struct block_context *context,
                              const struct account *account, const struct tx *tx, uint32_t *code)
{
    bool held = false;
    enum status status = account_held_by(state, context, account, &tx->signers[0], &held);
    if (status == ST_OK && !held) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

enum status apply_apply(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Outcome *outcome = (const Xuelian__Outcome *)(const void *)tx->messages[index];
    struct account *account = NULL;
    *code = check_application(context, tx, outcome);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = check_issuer(state, outcome->issuer, code);
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_check_registries(state, outcome, NULL, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = account_open_for(state, &outcome->account, &account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_held(state, context, account, tx, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (account->applications >= LIMIT_APPLICATIONS_MAX) {
        *code = ST_APPLICATIONS_FULL;
        return ST_OK;
    }
    if (!account_has_room(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    item_append_outcome(state, context, tx, index, account,
                        XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED, outcome, tx->items[index]);
    account->applications++;
    return ST_OK;
}

/* ---- 审核 ---- */

/* Confirmed as an outcome, or refused for a reason, and signed accordingly. */
static uint32_t check_decision(const struct block_context *context, const struct tx *tx,
                               const Xuelian__ApplicationDecision *decision)
{
    const Xuelian__Outcome *outcome = decision->outcome;
    if ((outcome != NULL) == (decision->reason != XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED)) {
        return ST_BAD_FIELD;
    }
    if (outcome == NULL) {
        return tx->signer_count == 1 ? ST_OK : ST_NOT_ALLOWED;
    }
    if (outcome->issuer != tx->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if (outcome->source != XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER ||
        !bytes_equal(field_bytes(&outcome->account), field_bytes(&decision->account))) {
        return ST_BAD_FIELD;
    }
    uint32_t code = outcome_check_fields(context, outcome);
    return code == ST_OK ? outcome_check_signers(tx, outcome) : code;
}

/* The application that is named, to the first signer or to whom it stands for. */
static enum status read_application(struct state *state, const struct account *account,
                                    const struct tx *tx,
                                    const Xuelian__ApplicationDecision *decision, struct item *item,
                                    uint32_t *code)
{
    bool stands = false;
    enum status status =
        item_read_version(state, account, decision->item, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                          &decision->version_hash, item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = outcome_answered_by(state, item, tx->signers[0].member, &stands);
    if (status == ST_OK && !stands) {
        *code = ST_WRONG_ISSUER;
    }
    return status;
}

static enum status confirm(struct state *state, const struct block_context *context,
                           const struct tx *tx, struct account *account, const struct item *item,
                           const Xuelian__Outcome *outcome, uint32_t *code)
{
    struct hash32 identity;
    outcome_identity(&identity, outcome);
    enum status status = outcome_check_identity(state, &identity, code);
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_check_totals(state, account, outcome, NULL, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = item_change_outcome(state, context, tx, 0, account, item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, outcome,
                                 XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    outcome_take_identity(state, &identity, account, item->version->item);
    account->applications--;
    return outcome_count(state, context, account, outcome, true);
}

enum status apply_decide_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ApplicationDecision *decision =
        (const Xuelian__ApplicationDecision *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    *code = check_decision(context, tx, decision);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = ST_OK;
    if (decision->outcome != NULL) {
        status = outcome_check_registries(state, decision->outcome, NULL, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    /* A refusal ends what an account that is no longer open still has under way. */
    status = decision->outcome != NULL ? account_open_for(state, &decision->account, &account, code)
                                       : account_known(state, &decision->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = read_application(state, account, tx, decision, &item, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (decision->outcome != NULL) {
        return confirm(state, context, tx, account, &item, decision->outcome, code);
    }
    status = item_change_because(state, context, tx, 0, account, &item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED, (struct bytes){0},
                                 decision->reason, code);
    account->applications -= status == ST_OK && *code == ST_OK;
    return status;
}

/* ---- 撤回申请 ---- */

enum status apply_withdraw_apply(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (act->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &act->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_held(state, context, account, tx, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_read_version(state, account, act->item, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                   &act->version_hash, &item, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = item_change_because(state, context, tx, 0, account, &item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED, (struct bytes){0},
                                 act->reason, code);
    account->applications -= status == ST_OK && *code == ST_OK;
    return status;
}
