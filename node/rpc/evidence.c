/* The evidence against validators that this node keeps: all of it in words, or one piece to be checked elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/view.h"
#include "node/evidence/evidence.h"
#include "node/node.h"
#include "node/rpc/query.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/json/json.h"

enum { MEMBERS = XUELIAN__COLLECTION__COLLECTION_MEMBERS };

/* Asked on the node's loop; then, with the state, on a query worker. */
struct evidence_call {
    struct node_evidence evidence;
    struct exchange *exchange;
};

static void drop(void *input)
{
    struct evidence_call *call = input;
    node_evidence_free(&call->evidence);
    free(call);
}

static enum status read_piece(struct evidence *out, const struct node_evidence_piece *piece,
                              const struct hash32 *chain_id, void **memory)
{
    struct arena arena;
    *memory = malloc(EVIDENCE_ROOM(piece->size));
    CHECK(*memory != NULL);
    arena_init(&arena, *memory, EVIDENCE_ROOM(piece->size));
    return evidence_read(out, bytes_of(piece->bytes, piece->size), chain_id, &arena);
}

/* ---- The list ---- */

static void add_member(json_t *object, const struct ledger_view *view, uint32_t member)
{
    uint8_t key[4];
    uint8_t *value = NULL;
    size_t size = 0;
    be32_put(key, member);
    json_object_set_new(object, "member", json_integer(member));
    if (ledger_view_record(view, MEMBERS, bytes_of(key, sizeof key), &value, &size) != ST_OK) {
        return;
    }
    size_t room = size * 3 + 65536;
    void *memory = malloc(room);
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    if (canonical_decode(&message, &xuelian__member__descriptor, bytes_of(value, size), &arena) ==
        ST_OK) {
        const Xuelian__Member *wire = (const Xuelian__Member *)(const void *)message;
        json_object_set_new(object, "name_zh", json_string(wire->name_zh));
        json_object_set_new(object, "name_en", json_string(wire->name_en));
    }
    free(memory);
    kv_free(value);
}

/* Whether kind 77 takes it, and the transaction that has recorded it. */
static void add_record(json_t *object, const struct ledger_view *view,
                       const struct node_evidence_piece *piece)
{
    struct evidence evidence;
    struct hash32 id;
    void *memory = NULL;
    uint8_t *payload = NULL;
    size_t size = 0;
    bool recordable = read_piece(&evidence, piece, &view->header.chain_id, &memory) == ST_OK &&
                      evidence_payload(&evidence, &payload, &size) == ST_OK;
    json_object_set_new(object, "recordable", json_boolean(recordable));
    if (recordable && ledger_view_evidence(view, bytes_of(payload, size), &id) == ST_OK) {
        json_object_set_new(object, "recorded", json_of_bytes(id.bytes, 32));
    }
    free(payload);
    free(memory);
}

static json_t *piece_json(const struct node_evidence_piece *piece, const struct ledger_view *view,
                          bool chinese)
{
    char words[EVIDENCE_WORDS_SIZE];
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(piece->id));
    json_object_set_new(object, "kind", json_string(evidence_kind_name(piece->facts.kind)));
    json_object_set_new(object, "era", json_of_u64(piece->era));
    json_object_set_new(object, "key", json_of_bytes(piece->key.bytes, 33));
    add_member(object, view, piece->facts.member);
    json_object_set_new(object, "view", json_of_u64(piece->facts.view));
    if (piece->facts.height != 0) {
        json_object_set_new(object, "block", json_of_u64(piece->facts.height));
    }
    json_object_set_new(object, "seen_ms", json_of_u64(piece->seen_ms));
    json_object_set_new(object, "size", json_integer((json_int_t)piece->size));
    add_record(object, view, piece);
    evidence_words(words, &piece->facts, chinese);
    json_object_set_new(object, "text", json_string(words));
    return object;
}

static void read_list(struct query *query)
{
    const struct evidence_call *call = query->input;
    struct ledger_view view;
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < call->evidence.count; i++) {
        json_array_append_new(list,
                              piece_json(&call->evidence.list[i], &view, query->exchange->chinese));
    }
    json_t *object = json_object();
    json_object_set_new(object, "height", json_of_u64(view.header.height));
    json_object_set_new(object, "evidence", list);
    query_json(query, 200, object);
    ledger_view_close(&view);
}

/* ---- One piece, as a file ---- */

struct changes {
    ProtobufCBinaryData *list;
    size_t count;
};

static bool take_change(void *context, struct bytes bytes)
{
    struct changes *changes = context;
    if (changes->count == LIMIT_SET_CHANGES_MAX) {
        return false;
    }
    uint8_t *copy = malloc(bytes.size + 1);
    CHECK(copy != NULL);
    memcpy(copy, bytes.data, bytes.size);
    changes->list[changes->count++] = (ProtobufCBinaryData){.len = bytes.size, .data = copy};
    return true;
}

/* With all that leads from the genesis set to the set of its era. */
static enum status write_file(struct query *query, const struct node_evidence_piece *piece)
{
    struct node *node = query->exchange->rpc->node;
    struct evidence evidence;
    struct changes changes = {.list = calloc(LIMIT_SET_CHANGES_MAX, sizeof *changes.list)};
    void *memory = NULL;
    CHECK(changes.list != NULL);
    enum status status = read_piece(&evidence, piece, &node->genesis.chain_id, &memory);
    if (status == ST_OK && evidence.era > 1) {
        status = block_log_set_changes(node->block_log, evidence.era - 1, take_change, &changes);
    }
    if (status == ST_OK) {
        evidence.seen_ms = piece->seen_ms;
        evidence.set_changes = changes.list;
        evidence.set_change_count = changes.count;
        query->size = evidence_write(&query->answer, &evidence, &node->genesis.chain_id, false);
        query->http_status = 200;
        query->content_type = "application/x-protobuf";
    }
    for (size_t i = 0; i < changes.count; i++) {
        free(changes.list[i].data);
    }
    free(changes.list);
    free(memory);
    return status;
}

static void read_one(struct query *query)
{
    const struct evidence_call *call = query->input;
    if (call->evidence.count != 1) {
        query_problem(query, ST_NOT_FOUND, "this node keeps no evidence of that name");
        return;
    }
    enum status status = write_file(query, &call->evidence.list[0]);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
    }
}

/* ---- Routes ---- */

static void asked(struct task *task)
{
    struct evidence_call *call = (struct evidence_call *)task;
    bool one = call->evidence.id[0] != '\0';
    query_start(call->exchange,
                (struct query){.read = one ? read_one : read_list, .input = call, .drop = drop});
}

static void start(struct exchange *exchange, const char *id)
{
    struct evidence_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    call->exchange = exchange;
    call->evidence.task.done = asked;
    call->evidence.reply_to = &exchange->rpc->inbox;
    snprintf(call->evidence.id, sizeof call->evidence.id, "%s", id);
    node_evidence(exchange->rpc->node, &call->evidence);
}

void route_evidence_list(struct exchange *exchange, char *arguments[])
{
    (void)arguments;
    start(exchange, "");
}

void route_evidence(struct exchange *exchange, char *arguments[])
{
    start(exchange, arguments[0]);
}
