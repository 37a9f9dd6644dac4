/* 查询申请: a member asks learners for consent; each grants (consent.c) or refuses. 查询日志锚定.
 *
 * A request is not an item of the archive: a stranger must not write there. It is a record of its own collection, one
 * for each member and account, the newest; and so is the head of a node's query log, one for each node. */
#include <string.h>

#include "ledger/tx/consent_rules.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

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

/* ---- What the state holds of queries ---- */

enum {
    QUERIES = XUELIAN__COLLECTION__COLLECTION_QUERIES,
    RECORD_MEMORY = 512,
    REQUEST_KEY_SIZE = 36,
    ANCHOR_KEY_SIZE = 33,
    RECORD_SIZE_MAX = 192
};

static void request_key(uint8_t out[REQUEST_KEY_SIZE], const struct account *account,
                        uint32_t member)
{
    memcpy(out, account->learner.bytes, 32);
    be32_put(out + 32, member);
}

/* Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. */
static enum status read_record(struct state *state, struct bytes natural_key, uint64_t *memory,
                               const Xuelian__QueryRecord **record)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, RECORD_MEMORY);
    enum status status = state_message(state, QUERIES, natural_key,
                                       &xuelian__query_record__descriptor, &arena, &message);
    if (status == ST_OK) {
        *record = (const Xuelian__QueryRecord *)(const void *)message;
    }
    return status;
}

static enum status put_record(struct state *state, struct bytes natural_key,
                              const Xuelian__QueryRecord *record)
{
    uint8_t bytes[RECORD_SIZE_MAX];
    CHECK(canonical_size(&record->base) <= sizeof bytes);
    return state_put(state, QUERIES, natural_key,
                     bytes_of(bytes, canonical_encode(bytes, &record->base)));
}

enum status query_check(struct state *state, const struct account *account, uint32_t member,
                        const ProtobufCBinaryData *request, uint32_t *code)
{
    uint8_t key[REQUEST_KEY_SIZE];
    uint64_t memory[RECORD_MEMORY / 8];
    const Xuelian__QueryRecord *record = NULL;
    request_key(key, account, member);
    enum status status = read_record(state, bytes_of(key, sizeof key), memory, &record);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (status == ST_NOT_FOUND || record->request == NULL || record->request->settled ||
        !bytes_equal(field_bytes(&record->request->tx_id), field_bytes(request))) {
        *code = ST_UNKNOWN_REQUEST;
    }
    return ST_OK;
}

enum status query_settle(struct state *state, const struct account *account, uint32_t member)
{
    uint8_t key[REQUEST_KEY_SIZE];
    uint64_t memory[RECORD_MEMORY / 8];
    const Xuelian__QueryRecord *record = NULL;
    request_key(key, account, member);
    enum status status = read_record(state, bytes_of(key, sizeof key), memory, &record);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status; /* query_check found it */
    }
    record->request->settled = true;
    return put_record(state, bytes_of(key, sizeof key), record);
}

enum status query_request_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__QueryRequest *request =
        (const Xuelian__QueryRequest *)(const void *)tx->messages[index];
    struct account *account;
    uint8_t key[REQUEST_KEY_SIZE];
    Xuelian__QueryRecord record = XUELIAN__QUERY_RECORD__INIT;
    Xuelian__RequestRecord made = XUELIAN__REQUEST_RECORD__INIT;
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
    request_key(key, account, tx->signers[0].member);
    made.account = field_borrow(&account->learner, 32);
    made.member = tx->signers[0].member;
    made.tx_id = field_borrow(&tx->id, 32);
    made.index = index;
    made.height = context->height;
    record.request = &made;
    return put_record(state, bytes_of(key, sizeof key), &record);
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
        status = query_settle(state, account, refusal->member);
    }
    return status;
}

/* The log of a node only grows: a head that is not above the last one anchored is refused. */
enum status query_log_anchor_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__QueryLogAnchor *anchor =
        (const Xuelian__QueryLogAnchor *)(const void *)tx->messages[index];
    uint64_t memory[RECORD_MEMORY / 8];
    const Xuelian__QueryRecord *before = NULL;
    Xuelian__QueryRecord record = XUELIAN__QUERY_RECORD__INIT;
    Xuelian__LogAnchorRecord made = XUELIAN__LOG_ANCHOR_RECORD__INIT;
    if (tx->signer_count != 1 || tx->signers[0].role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    struct bytes key = bytes_of(tx->signers[0].key.bytes, ANCHOR_KEY_SIZE);
    enum status status = read_record(state, key, memory, &before);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (status == ST_OK && before->anchor == NULL) {
        return ST_CORRUPT;
    }
    if (anchor->log_size <= (status == ST_OK ? before->anchor->log_size : 0)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    made.node = field_borrow(&tx->signers[0].key, ANCHOR_KEY_SIZE);
    made.log_size = anchor->log_size;
    made.log_root = anchor->log_root;
    made.height = context->height;
    record.anchor = &made;
    return put_record(state, key, &record);
}
