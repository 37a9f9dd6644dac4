#include "node/rpc/receipts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/node.h"
#include "node/query_log.h"
#include "node/rpc/permit.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/json/json.h"

enum { TOGETHER_MAX = 256, RECEIPT_SIZE_MAX = 640, SHOWN_MAX = ROUTE_QUERIES_MAX };

/* What one sync covers. */
struct batch {
    struct task task;
    struct rpc *rpc;
    size_t count;
    struct query *queries[TOGETHER_MAX];
    struct query_entry entries[TOGETHER_MAX];
};

/* ---- On the log's thread ---- */

static void describe(struct query_entry *entry, const struct query *query)
{
    static const Xuelian__QueryReader readers[] = {
        [READER_OPERATOR] = XUELIAN__QUERY_READER__QUERY_READER_OPERATOR,
        [READER_LEARNER] = XUELIAN__QUERY_READER__QUERY_READER_LEARNER,
        [READER_MEMBER] = XUELIAN__QUERY_READER__QUERY_READER_MEMBER,
        [READER_CODE] = XUELIAN__QUERY_READER__QUERY_READER_CODE,
    };
    *entry = (struct query_entry){.time_ms = query->time_ms,
                                  .height = query->height,
                                  .learner = query->id,
                                  .reader = readers[query->reader.kind],
                                  .member = query->reader.member,
                                  .reader_learner = query->reader.learner};
    snprintf(entry->what, sizeof entry->what, "%s", query->exchange->what);
}

static char *sign_receipt(const struct rpc *rpc, const struct query_entry *entry)
{
    uint8_t bytes[RECEIPT_SIZE_MAX];
    struct hash32 hash;
    struct sig64 signature;
    const struct signer *signer = node_signer(rpc->node);
    Xuelian__QueryReceipt wire = XUELIAN__QUERY_RECEIPT__INIT;
    wire.chain_id = field_borrow(&node_genesis(rpc->node)->chain_id, 32);
    wire.node = field_borrow(signer_key(signer), 33);
    wire.entry = field_borrow(entry->bytes, entry->size);
    wire.log_size = entry->log_size;
    wire.log_root = field_borrow(&entry->log_root, 32);
    size_t size = canonical_encode(bytes, &wire.base);
    hash_tagged(&hash, TAG_SIGN_RECEIPT, bytes, size);
    signer_sign(signer, &hash, &signature);
    wire.signature = field_borrow(&signature, 64);
    size = canonical_size(&wire.base);
    CHECK(size <= sizeof bytes);
    canonical_encode(bytes, &wire.base);
    char *text = malloc(2 * size + 1);
    CHECK(text != NULL);
    hex_encode(text, bytes, size);
    return text;
}

static void log_run(struct task *task)
{
    struct batch *batch = (struct batch *)task;
    struct query_entry *entries[TOGETHER_MAX];
    for (size_t i = 0; i < batch->count; i++) {
        describe(&batch->entries[i], batch->queries[i]);
        entries[i] = &batch->entries[i];
    }
    enum status status = query_log_append(batch->rpc->query_log, entries, batch->count);
    if (status != ST_OK) {
        node_fatal("the query log could not be written", status);
    }
    for (size_t i = 0; i < batch->count; i++) {
        batch->queries[i]->exchange->receipt = sign_receipt(batch->rpc, entries[i]);
    }
}

/* ---- On the loop's ---- */

static void start(struct rpc *rpc);

static void log_done(struct task *task)
{
    struct batch *batch = (struct batch *)task;
    struct rpc *rpc = batch->rpc;
    for (size_t i = 0; i < batch->count; i++) {
        query_answer(batch->queries[i]);
    }
    free(batch);
    rpc->logging = false;
    start(rpc);
}

static void start(struct rpc *rpc)
{
    if (rpc->logging || rpc->unlogged == NULL || rpc->stopping) {
        return;
    }
    struct batch *batch = malloc(sizeof *batch);
    CHECK(batch != NULL);
    batch->task = (struct task){.run = log_run, .done = log_done};
    batch->rpc = rpc;
    batch->count = 0;
    while (rpc->unlogged != NULL && batch->count < TOGETHER_MAX) {
        batch->queries[batch->count] = rpc->unlogged;
        rpc->unlogged = rpc->unlogged->next;
        batch->queries[batch->count++]->next = NULL;
    }
    rpc->logging = true;
    CHECK(worker_post(rpc->log_worker, &rpc->inbox, &batch->task)); /* one at a time */
}

void receipts_answer(struct query *query)
{
    struct rpc *rpc = query->exchange->rpc;
    if (rpc->stopping) {
        query_answer(query); /* to nobody: every connection has gone */
        return;
    }
    struct query **link = &rpc->unlogged;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    query->time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = query;
    start(rpc);
}

/* ---- Who looked ---- */

struct listing {
    struct query *query;
    struct query_log *log;
    uint64_t log_size;
    uint64_t left;
    json_t *entries;
    enum status status;
};

static bool list_entry(void *context, uint64_t number, struct bytes bytes)
{
    struct listing *listing = context;
    uint64_t memory[256];
    struct arena arena;
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t count = 0;
    ProtobufCMessage *message = NULL;
    if (number > listing->log_size) {
        return true; /* since the head was read */
    }
    arena_init(&arena, memory, sizeof memory);
    listing->status =
        canonical_decode(&message, &xuelian__query_entry__descriptor, bytes, &arena) == ST_OK
            ? query_log_path(listing->log, number, listing->log_size, path, &count)
            : ST_CORRUPT;
    if (listing->status != ST_OK) {
        return false;
    }
    json_t *object = json_of_message(message);
    json_t *hashes = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(hashes, json_of_bytes(path[i].bytes, 32));
    }
    json_object_del(object, "learner");
    json_object_set_new(object, "path", hashes);
    json_array_append_new(listing->entries, object);
    return --listing->left > 0;
}

static void read_queries(struct query *query)
{
    struct rpc *rpc = query->exchange->rpc;
    struct ledger_view view;
    struct account account;
    struct access access;
    struct hash32 root;
    struct listing listing = {.query = query, .log = rpc->query_log, .left = query->limit};
    enum status status = ledger_view_open(&view, rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    bool may = query_may_read(query, &view, &account, &access);
    ledger_view_close(&view);
    if (!may) {
        return;
    }
    if (!access.whole) {
        query_refuse(query, ST_NOT_GRANTED,
                     "who looked is for whoever may read all of the archive");
        return;
    }
    listing.entries = json_array();
    status = query_log_head(rpc->query_log, &listing.log_size, &root);
    if (status == ST_OK && query->limit > 0) {
        status = query_log_about(rpc->query_log, &query->id, query->number, list_entry, &listing);
    }
    status = status == ST_OK ? listing.status : status;
    if (status != ST_OK) {
        json_decref(listing.entries);
        query_problem(query, status, NULL);
        return;
    }
    json_t *object = json_object();
    json_object_set_new(object, "node_key",
                        json_of_bytes(signer_key(node_signer(rpc->node))->bytes, 33));
    json_object_set_new(object, "log_size", json_of_u64(listing.log_size));
    json_object_set_new(object, "log_root", json_of_bytes(root.bytes, 32));
    json_object_set_new(object, "entries", listing.entries);
    query_json(query, 200, object);
}

void route_queries(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_queries, .limit = SHOWN_MAX};
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "a learner id is 64 hexadecimal digits");
        return;
    }
    (void)parameter_u64(exchange, "before", &query.number);
    (void)parameter_u64(exchange, "limit", &query.limit);
    query_start(exchange, query);
}
