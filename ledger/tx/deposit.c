/* 存入: an issuer accredited for the kind deposits an outcome into a learner's account. */
#include "ledger/tx/outcome.h"

/* What needs nothing but the outcome, its signers and the block's date. */
static uint32_t check_form(const struct block_context *context, const struct tx *tx,
                           const Xuelian__Outcome *outcome)
{
    if (outcome->issuer != tx->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if (outcome->source == XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER) {
        return ST_BAD_FIELD;
    }
    uint32_t code = outcome_check_fields(context, outcome);
    return code == ST_OK ? outcome_check_signers(tx, outcome) : code;
}

enum status deposit_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Outcome *outcome = (const Xuelian__Outcome *)(const void *)tx->messages[index];
    struct account *account;
    struct hash32 identity;
    *code = check_form(context, tx, outcome);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = outcome_check_registries(state, outcome, NULL, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = account_open_for(state, &outcome->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    outcome_identity(&identity, outcome);
    status = outcome_check_identity(state, &identity, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!account_has_room(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    status = outcome_check_totals(state, account, outcome, NULL, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    uint64_t item =
        item_append_outcome(state, context, tx, index, account,
                            XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, outcome, tx->items[index]);
    outcome_take_identity(state, &identity, account, item);
    return outcome_count(state, context, account, outcome, true);
}
