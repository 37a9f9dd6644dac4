/* Details of records: as they are, with the salts that prove them; and which of them a proof shows. */
#include "node/rpc/details.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/details.h"
#include "node/rpc/http1.h"
#include "node/rpc/permit.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

enum { WORD_SIZE = 32 };

/* ---- ?disclose=title,score ---- */

static bool add_name(struct proof_details *details, const char *text, size_t size)
{
    char name[WORD_SIZE];
    if (size == 0 || size >= sizeof name) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    if (strcmp(name, "all") == 0) {
        details->all = true;
        return true;
    }
    uint32_t number = detail_number(name);
    if (number == 0 || details->count == LIMIT_DETAILS_MAX) {
        return false;
    }
    details->numbers[details->count++] = number;
    return true;
}

bool parameter_details(const struct exchange *exchange, struct proof_details *details)
{
    struct http1_request request = {
        .query = {.data = exchange->query, .size = strlen(exchange->query)}};
    struct http1_text text = http1_parameter(&request, "disclose");
    bool fine = true;
    *details = (struct proof_details){.count = 0};
    for (size_t at = 0; fine && at < text.size;) {
        const char *comma = memchr(text.data + at, ',', text.size - at);
        size_t size = comma != NULL ? (size_t)(comma - text.data) - at : text.size - at;
        fine =
            add_name(details, text.data + at, size) && (comma == NULL || at + size + 1 < text.size);
        at += size + 1;
    }
    return fine;
}

enum status details_for_proof(void *context, struct bytes version, uint8_t **bytes, size_t *size)
{
    struct details_key key;
    return details_of_version(context, version, &key, bytes, size);
}

/* ---- One record's ---- */

static json_t *fields_json(const struct details *details)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < details->count; i++) {
        const struct detail *detail = &details->fields[i];
        const char *name = detail_name(detail->number);
        json_t *one = json_object();
        json_object_set_new(one, "number", json_integer(detail->number));
        if (name != NULL) {
            json_object_set_new(one, "name", json_string(name));
        }
        json_object_set_new(one, "salt", json_of_bytes(detail->salt.bytes, 32));
        json_object_set_new(one, "value",
                            json_stringn((const char *)detail->value.data, detail->value.size));
        json_array_append_new(list, one);
    }
    return list;
}

static void answer_details(struct query *query, const struct ledger_view *view,
                           const struct details_key *key, struct bytes bytes)
{
    struct details details;
    if (details_read(&details, bytes) != ST_OK) {
        query_problem(query, ST_CORRUPT, NULL);
        return;
    }
    json_t *object = json_object();
    json_object_set_new(object, "height", json_of_u64(view->header.height));
    json_object_set_new(object, "details_root", json_of_bytes(key->root.bytes, 32));
    json_object_set_new(object, "details", fields_json(&details));
    query_json(query, 200, object);
}

static enum status find_details(struct query *query, const struct ledger_view *view,
                                const struct account *account, struct details_key *key,
                                uint8_t **bytes, size_t *size)
{
    uint8_t *version = NULL;
    size_t version_size = 0;
    enum status status =
        ledger_view_item(view, account->position, query->number, &version, &version_size);
    if (status == ST_OK) {
        status = details_of_version(query->exchange->rpc->node->details,
                                    bytes_of(version, version_size), key, bytes, size);
    }
    kv_free(version);
    return status;
}

/* Whoever may read the record may read its details. */
static void read_details(struct query *query)
{
    struct ledger_view view;
    struct account account;
    struct access access;
    struct details_key key;
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    if (query_may_read(query, &view, &account, &access) &&
        query_may_read_item(query, &view, &account, &access, query->number)) {
        status = find_details(query, &view, &account, &key, &bytes, &size);
        if (status == ST_OK) {
            answer_details(query, &view, &key, bytes_of(bytes, size));
        } else {
            query_problem(query, status, NULL);
        }
    }
    kv_free(bytes);
    ledger_view_close(&view);
}

void route_item_details(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_details};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "a learner id is 64 hexadecimal digits");
    } else if (!parse_u64(arguments[1], &query.number)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "an item's number is decimal, from 1");
    } else {
        query_start(exchange, query);
    }
}
