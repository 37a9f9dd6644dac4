#include "node/rpc/permit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/node.h"
#include "proto/bytes.h"
#include "proto/json/token.h"

static enum status read_code(struct reader *reader, const char *text, char why[TOKEN_WHY_SIZE])
{
    reader->kind = READER_CODE;
    if (hex_decode(reader->code, sizeof reader->code, text, strlen(text)) == ST_OK) {
        return ST_OK;
    }
    snprintf(why, TOKEN_WHY_SIZE, "a consent's code is 32 hexadecimal digits");
    return ST_BAD_TOKEN;
}

/* Who asks, by the Authorization field. */
static enum status who(const struct exchange *exchange, struct reader *reader,
                       char why[TOKEN_WHY_SIZE])
{
    const char *text = exchange->authorization;
    struct node *node = exchange->rpc->node;
    struct token token;
    memset(reader, 0, sizeof *reader);
    if (text == NULL) {
        reader->kind = exchange->local ? READER_OPERATOR : READER_STRANGER;
        return ST_OK;
    }
    if (strncmp(text, "Consent ", 8) == 0) {
        return read_code(reader, text + 8, why);
    }
    if (strncmp(text, "Bearer ", 7) != 0) {
        snprintf(why, TOKEN_WHY_SIZE, "Authorization is \"Bearer TOKEN\" or \"Consent CODE\"");
        return ST_BAD_TOKEN;
    }
    enum status status =
        token_read(&token, text + 7, strlen(text + 7), &node_genesis(node)->chain_id,
                   signer_key(node_signer(node)), (uint64_t)time(NULL), why);
    if (status == ST_OK) {
        reader->kind = token.member != 0 ? READER_MEMBER : READER_LEARNER;
        reader->member = token.member;
        reader->learner = token.learner;
        reader->key = token.key;
    }
    return status;
}

void query_refuse(struct query *query, enum status status, const char *why)
{
    query->permitted = false;
    int http_status = status == ST_NOT_GRANTED                     ? 403
                      : status == ST_NOT_FOUND                     ? 404
                      : status_class(status) == STATUS_CLASS_FATAL ? 500
                                                                   : 401;
    query_json(query, http_status,
               problem_json(query->exchange->chinese, http_status, status, why));
}

static bool find_reader(struct query *query, struct reader *reader)
{
    char why[TOKEN_WHY_SIZE];
    enum status status = who(query->exchange, reader, why);
    if (status != ST_OK) {
        query_refuse(query, status, why);
    }
    return status == ST_OK;
}

static void permit(struct query *query, const struct ledger_view *view, const struct reader *reader)
{
    query->permitted = true;
    query->reader = *reader;
    query->height = view->header.height;
}

bool query_may_ask(struct query *query, const struct ledger_view *view)
{
    struct reader reader;
    if (!find_reader(query, &reader)) {
        return false;
    }
    enum status status = access_existence(view, &reader);
    if (status != ST_OK) {
        query_refuse(query, status, NULL);
        return false;
    }
    permit(query, view, &reader);
    return true;
}

bool query_may_read(struct query *query, const struct ledger_view *view, struct account *account,
                    struct access *access)
{
    struct reader reader;
    if (!find_reader(query, &reader)) {
        return false;
    }
    const char *why = NULL;
    enum status status = ledger_view_account(view, &query->id, account);
    if (status == ST_OK) {
        status = access_account(view, account, &reader, access);
    } else if (status == ST_NOT_FOUND) {
        status = access_existence(view, &reader);
        status = status == ST_OK ? ST_NOT_FOUND : status;
        why = status == ST_NOT_FOUND ? "there is no account with that learner id" : NULL;
    }
    if (status != ST_OK) {
        query_refuse(query, status, why);
        return false;
    }
    permit(query, view, &reader);
    return true;
}

bool query_may_read_item(struct query *query, const struct ledger_view *view,
                         const struct account *account, const struct access *access,
                         uint64_t number)
{
    uint8_t *version = NULL;
    size_t size = 0;
    bool shown = false;
    enum status status = ledger_view_item(view, account->position, number, &version, &size);
    if (status == ST_OK) {
        status = access_item(view, access, bytes_of(version, size), &shown);
        status = status == ST_OK && !shown ? ST_NOT_GRANTED : status;
    }
    kv_free(version);
    if (status != ST_OK) {
        query_refuse(query, status,
                     status == ST_NOT_FOUND ? "the account has no item of that number" : NULL);
    }
    return status == ST_OK;
}

bool query_sees_statistics(struct query *query, const struct ledger_view *view, bool *whole)
{
    struct reader reader;
    if (!find_reader(query, &reader)) {
        return false;
    }
    enum status status = access_statistics(view, &reader);
    *whole = status == ST_OK;
    if (status != ST_OK && status != ST_NOT_GRANTED) {
        query_refuse(query, status, NULL);
        return false;
    }
    return true;
}
