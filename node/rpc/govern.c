/* Proposals of governance and evidence: one by its id, or the newest. */
#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/view.h"
#include "node/node.h"
#include "node/rpc/query.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/json/json.h"
#include "proto/tx_govern.pb-c.h"

enum {
    PROPOSALS = XUELIAN__COLLECTION__COLLECTION_PROPOSALS,
    RECORD_MEMORY = 4 * 1024 * 1024 /* structs are larger than their bytes */
};

/* Replaces the bytes of `content` in a record's object by what they say. */
static void open_content(json_t *object, const ProtobufCMessageDescriptor *schema,
                         const ProtobufCBinaryData *content, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    json_object_del(object, "content");
    if (canonical_decode(&message, schema, field_bytes(content), arena) == ST_OK) {
        json_object_set_new(object, "content", json_of_message(message));
    }
}

static json_t *proposal_json(const Xuelian__ProposalRecord *record, uint64_t height,
                             struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    json_t *object = json_of_message(&record->base);
    if (record->status == XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN &&
        canonical_decode(&message, &xuelian__govern_proposal__descriptor,
                         field_bytes(&record->content), arena) == ST_OK &&
        ((const Xuelian__GovernProposal *)(const void *)message)->open_until < height) {
        json_object_set_new(object, "status", json_string("expired"));
    }
    open_content(object, &xuelian__govern_proposal__descriptor, &record->content, arena);
    return object;
}

/* A GovernRecord as {"proposal": …}, {"evidence": …} or {"recovery": …}. NULL when it cannot be read. */
static json_t *record_json(struct bytes bytes, uint64_t height)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    json_t *object = NULL;
    void *memory = malloc(RECORD_MEMORY);
    CHECK(memory != NULL);
    arena_init(&arena, memory, RECORD_MEMORY);
    if (canonical_decode(&message, &xuelian__govern_record__descriptor, bytes, &arena) == ST_OK) {
        const Xuelian__GovernRecord *record = (const Xuelian__GovernRecord *)(const void *)message;
        object = json_object();
        if (record->proposal != NULL) {
            json_object_set_new(object, "proposal",
                                proposal_json(record->proposal, height, &arena));
        } else if (record->evidence != NULL) {
            json_t *evidence = json_of_message(&record->evidence->base);
            open_content(evidence, &xuelian__evidence__descriptor, &record->evidence->content,
                         &arena);
            json_object_set_new(object, "evidence", evidence);
        } else if (record->recovery != NULL) {
            json_t *recovery = json_of_message(&record->recovery->base);
            open_content(recovery, &xuelian__recovery__descriptor, &record->recovery->content,
                         &arena);
            json_object_set_new(object, "recovery", recovery);
        }
    }
    free(memory);
    return object;
}

static void read_proposal(struct query *query)
{
    struct ledger_view view;
    uint8_t *value = NULL;
    size_t size = 0;
    json_t *object = NULL;
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    status = ledger_view_record(&view, PROPOSALS, bytes_of(&query->id, 32), &value, &size);
    if (status == ST_OK) {
        object = record_json(bytes_of(value, size), view.header.height + 1);
        status = object != NULL ? ST_OK : ST_CORRUPT;
    }
    if (status != ST_OK) {
        query_problem(query, status,
                      status == ST_NOT_FOUND ? "there is no proposal with that id" : NULL);
    } else {
        json_object_set_new(object, "height", json_of_u64(view.header.height));
        query_json(query, 200, object);
    }
    kv_free(value);
    ledger_view_close(&view);
}

/* Newest first: positions are in the order of proposing. */
static void read_proposals(struct query *query)
{
    struct ledger_view view;
    struct merkle_reader reader;
    json_t *list = json_array();
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        json_decref(list);
        query_problem(query, status, NULL);
        return;
    }
    status = merkle_reader_open(&reader, view.kv, view.snapshot, PROPOSALS);
    uint64_t at = status == ST_OK ? reader.count : 0;
    if (query->number != 0 && query->number < at) {
        at = query->number;
    }
    for (uint64_t i = 0; i < query->limit && at > 1 && status == ST_OK; i++) {
        struct state_key key = key_position('R', PROPOSALS, --at);
        uint8_t *value = NULL;
        size_t size = 0;
        status = kv_get(view.kv, view.snapshot, key_bytes(&key), &value, &size);
        json_t *object =
            status == ST_OK ? record_json(bytes_of(value, size), view.header.height + 1) : NULL;
        if (object != NULL) {
            json_object_set_new(object, "position", json_of_u64(at));
            json_array_append_new(list, object);
        }
        kv_free(value);
    }
    if (status != ST_OK) {
        json_decref(list);
        query_problem(query, ST_CORRUPT, NULL);
    } else {
        json_t *object = json_object();
        json_object_set_new(object, "height", json_of_u64(view.header.height));
        json_object_set_new(object, "proposals", list);
        query_json(query, 200, object);
    }
    ledger_view_close(&view);
}

void route_proposal(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_proposal};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "a proposal's id is 64 hexadecimal digits");
        return;
    }
    query_start(exchange, query);
}

void route_proposals(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_proposals, .limit = ROUTE_PROPOSALS_MAX};
    (void)arguments;
    (void)parameter_u64(exchange, "before", &query.number);
    (void)parameter_u64(exchange, "limit", &query.limit);
    query_start(exchange, query);
}
