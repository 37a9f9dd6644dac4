/* 查询申请: a member asks learners for consent; each grants (consent.c) or refuses. 查询日志锚定.
 *
 * A request is not an item of the archive: a stranger must not write there. What is open is an index, one request for
 * each member and account, the newest; the transaction itself is its record. */
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/consent_rules.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

enum { REQUEST_SIZE = 32 + 4 + 8 }; /* id of the transaction, item in it, height */

enum status check_holder(struct state *state, const struct block_context *context,
                         const struct tx *tx, const struct account *account, uint32_t *code)
{
    bool held = false;
    enum status status = ST_OK;
    if (tx->signer_count == 1) {
        status = account_held_by(state, context, account, &tx->signers[0], &held);
    }
    if (status == ST_OK && !held) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

static struct state_key request_key(const struct account *account, uint32_t member)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'q');
    key_add64(&key, account->position);
    key_add32(&key, member);
    return key;
}

enum status query_check(struct state *state, const struct account *account, uint32_t member,
                        const ProtobufCBinaryData *request, uint32_t *code)
{
    struct state_key key = request_key(account, member);
    struct bytes value;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (status == ST_NOT_FOUND || value.size != REQUEST_SIZE ||
        memcmp(value.data, request->data, 32) != 0) {
        *code = ST_UNKNOWN_REQUEST;
    }
    return ST_OK;
}

void query_settle(struct state *state, const struct account *account, uint32_t member)
{
    struct state_key key = request_key(account, member);
    overlay_put(state_overlay(state), key_bytes(&key), (struct bytes){.data = NULL, .size = 0});
}

enum status query_request_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__QueryRequest *request =
        (const Xuelian__QueryRequest *)(const void *)tx->messages[index];
    struct account *account;
    uint8_t value[REQUEST_SIZE];
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
    } else if (request->purpose[0] == '\0' ||
               !consent_kinds_valid(request->kinds, request->n_kinds)) {
        *code = ST_BAD_FIELD;
    } else if (!date_valid(request->until_date) || request->until_date < context->date) {
        *code = ST_BAD_DATE;
    }
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = account_open_for(state, &request->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    struct state_key key = request_key(account, tx->signers[0].member);
    memcpy(value, tx->id.bytes, 32);
    be32_put(value + 32, index);
    be64_put(value + 36, context->height);
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, sizeof value));
    return ST_OK;
}

enum status query_refuse_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__QueryRefusal *refusal =
        (const Xuelian__QueryRefusal *)(const void *)tx->messages[index];
    struct account *account;
    enum status status = account_known(state, &refusal->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_holder(state, context, tx, account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = query_check(state, account, refusal->member, &refusal->request_id, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        query_settle(state, account, refusal->member);
    }
    return status;
}

/* The log of a node only grows: a head that is not above the last one anchored is refused. */
enum status query_log_anchor_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__QueryLogAnchor *anchor =
        (const Xuelian__QueryLogAnchor *)(const void *)tx->messages[index];
    struct state_key key = key_of('X');
    uint8_t value[8];
    struct bytes before;
    (void)context;
    if (tx->signer_count != 1 || tx->signers[0].role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    key_add8(&key, 'l');
    memcpy(key.data + key.size, tx->signers[0].key.bytes, 33);
    key.size += 33;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &before);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (anchor->log_size <= (status == ST_OK && before.size == 8 ? be64_get(before.data) : 0)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    be64_put(value, anchor->log_size);
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, sizeof value));
    return ST_OK;
}
