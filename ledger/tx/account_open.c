/* 建档: a member with the role opens an account and is its custodian until the learner claims it. */
#include <string.h>

#include "ledger/state/statistics.h"
#include "ledger/tx/rules.h"
#include "proto/bytes.h"
#include "proto/convert.h"

enum status account_open_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountOpening *opening =
        (const Xuelian__AccountOpening *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct hash32 learner;
    struct account_key key = {.there = false};
    bool region_exists;
    memcpy(learner.bytes, opening->learner.data, 32); /* sizes are checked by tx_item_form */
    key.there = field_copy(&key.key, 33, &opening->learner_key);
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (hash32_is_zero(&learner) || (key.there && !sign_key_valid(&key.key))) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = state_region(state, opening->region, &region_exists);
    if (status != ST_OK) {
        return status;
    }
    if (!region_exists) {
        *code = ST_UNKNOWN_REGION;
        return ST_OK;
    }
    status = state_account(state, &learner, &account);
    if (status != ST_OK) {
        return status;
    }
    if (account->position != 0) {
        *code = ST_ACCOUNT_EXISTS;
        return ST_OK;
    }
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN;
    merkle_frontier_init(&account->items);
    memcpy(account->identity_commitment.bytes, opening->identity_commitment.data, 32);
    account->learner_key = key;
    account->custodian = tx->signers[0].member;
    account->region = opening->region;
    account->opened_height = context->height;
    account->opened_by = tx->id;
    state_account_open(state, account);
    return statistics_account(state, account->region, context->date / 10000);
}
