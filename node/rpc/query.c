/* Reads of committed state: archives, proofs, blocks. Each runs on a query worker at a snapshot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/envelope.h"
#include "node/node.h"
#include "node/rpc/details.h"
#include "node/rpc/permit.h"
#include "node/rpc/query.h"
#include "node/rpc/receipts.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/json/json.h"
#include "proto/ledger.pb-c.h"
#include "proto/tx.pb-c.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_outcome.pb-c.h"

enum { PUBLIC_WAITING_MAX = 128 };

static void query_run(struct task *task)
{
    struct query *query = (struct query *)task;
    query->read(query);
    if (query->exchange->personal && query->http_status == 200 && !query->permitted) {
        free(query->answer); /* a handler that did not ask */
        query_problem(query, ST_CORRUPT, NULL);
    }
}

static void query_free(struct query *query)
{
    if (query->input != NULL) {
        query->drop(query->input);
    }
    free(query);
}

static void query_done(struct task *task)
{
    struct query *query = (struct query *)task;
    if (query->permitted) {
        receipts_answer(query);
    } else {
        query_answer(query);
    }
}

void query_answer(struct query *query)
{
    exchange_answer(query->exchange, query->http_status, query->content_type, query->answer,
                    query->size);
    free(query->answer);
    query_free(query);
}

void query_start(struct exchange *exchange, struct query request)
{
    uint64_t sets = 1;
    (void)parameter_u64(exchange, "sets", &sets);
    request.small = sets == 0;
    struct query *query = malloc(sizeof *query);
    CHECK(query != NULL);
    *query = request;
    query->exchange = exchange;
    query->task.run = query_run;
    query->task.done = query_done;
    /* While it stops the workers have gone. What is about nobody leaves half of the places to what is. */
    if (exchange->rpc->stopping ||
        (!exchange->personal && worker_waiting(exchange->rpc->queries) >= PUBLIC_WAITING_MAX) ||
        !worker_post(exchange->rpc->queries, &exchange->rpc->inbox, &query->task)) {
        query_free(query);
        exchange_problem(exchange, 503, ST_BUSY, "too many queries are waiting");
    }
}

void query_json(struct query *query, int status, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    CHECK(text != NULL);
    query->http_status = status;
    query->content_type = status < 400 ? "application/json" : "application/problem+json";
    query->answer = (uint8_t *)text;
    query->size = strlen(text);
}

void query_problem(struct query *query, enum status status, const char *detail)
{
    int http_status = http_status_of(status);
    query_json(query, http_status,
               problem_json(query->exchange->chinese, http_status, status, detail));
}

/* ---- Archive ---- */

/* What an item says, by its kind: the name of the field, and its message. */
static const struct item_content {
    const char *name;
    const ProtobufCMessageDescriptor *schema;
} item_contents[] = {
    [XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME] = {"outcome", &xuelian__outcome__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION] = {"recognition",
                                                   &xuelian__recognition__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION] = {"conversion", &xuelian__conversion__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_POINTS] = {"points", &xuelian__points_entry__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT] = {"consent", &xuelian__consent__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE] = {"dispute_content", &xuelian__dispute__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_KEY] = {"key_change", &xuelian__key_change__descriptor},
    [XUELIAN__ITEM_KIND__ITEM_KIND_LINK] = {"link", &xuelian__link__descriptor},
};
enum { ITEM_CONTENTS = sizeof item_contents / sizeof item_contents[0] };

/* Decodes a version and its content into one object. */
static json_t *item_json(struct bytes version)
{
    struct hash32 hash;
    uint64_t memory[1024];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__item_version__descriptor, version, &arena) != ST_OK) {
        return json_null();
    }
    Xuelian__ItemVersion *wire = (Xuelian__ItemVersion *)(void *)message;
    struct bytes content = field_bytes(&wire->content);
    wire->content.len = 0;
    wire->account.len = 0;
    json_t *object = json_of_message(message);
    hash_tagged(&hash, TAG_VERSION, version.data, version.size);
    json_object_set_new(object, "version_hash", json_of_bytes(hash.bytes, 32));
    const struct item_content *known =
        (uint32_t)wire->kind < ITEM_CONTENTS ? &item_contents[wire->kind] : NULL;
    if (known != NULL && known->schema != NULL &&
        canonical_decode(&message, known->schema, content, &arena) == ST_OK) {
        json_t *said = json_of_message(message);
        json_object_del(said, "account"); /* that of the archive */
        json_object_set_new(object, known->name, said);
    }
    return object;
}

static void read_archive(struct query *query)
{
    struct ledger_view view;
    struct account account;
    struct access access;
    uint64_t withheld = 0;
    uint8_t summary[ACCOUNT_SUMMARY_SIZE_MAX];
    uint64_t memory[1024];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    if (!query_may_read(query, &view, &account, &access)) {
        ledger_view_close(&view);
        return;
    }
    json_t *object = json_object();
    json_t *items = json_array();
    json_object_set_new(object, "learner", json_of_bytes(query->id.bytes, 32));
    json_object_set_new(object, "height", json_of_u64(view.header.height));
    json_object_set_new(object, "time_ms", json_of_u64(view.header.time_ms));
    size_t size = account_summary_encode(summary, &account);
    arena_init(&arena, memory, sizeof memory);
    if (access.whole && canonical_decode(&message, &xuelian__account_summary__descriptor,
                                         bytes_of(summary, size), &arena) == ST_OK) {
        json_object_set_new(object, "summary", json_of_message(message));
    }
    for (uint64_t i = 1; i <= account.items.size; i++) {
        uint8_t *version = NULL;
        size_t version_size = 0;
        bool shown = false;
        if (ledger_view_item(&view, account.position, i, &version, &version_size) == ST_OK &&
            access_item(&view, &access, bytes_of(version, version_size), &shown) == ST_OK &&
            shown) {
            json_array_append_new(items, item_json(bytes_of(version, version_size)));
        } else {
            withheld++;
        }
        kv_free(version);
    }
    json_object_set_new(object, "items", items);
    json_object_set_new(object, "withheld", json_of_u64(withheld));
    ledger_view_close(&view);
    if (!access.whole && json_array_size(items) == 0) {
        json_decref(object);
        query_refuse(query, ST_NOT_GRANTED, NULL);
    } else {
        query_json(query, 200, object);
    }
}

/* ---- Proofs ---- */

/* Records of an archive come in runs from one block: the newest one read is kept. */
struct block_source {
    struct block_log *log;
    bool present;
    struct stored_block block;
};

static enum status get_tx(void *context, uint64_t height, uint32_t index, uint8_t **bytes,
                          size_t *size)
{
    struct block_source *source = context;
    if (!source->present || source->block.header.height != height) {
        if (source->present) {
            stored_block_free(&source->block);
        }
        enum status status = block_log_get(source->log, height, &source->block);
        source->present = status == ST_OK;
        if (status != ST_OK) {
            return status;
        }
    }
    if (index >= source->block.tx_count) {
        return ST_CORRUPT;
    }
    *size = source->block.txs[index].size;
    *bytes = malloc(*size);
    CHECK(*bytes != NULL);
    memcpy(*bytes, source->block.txs[index].data, *size);
    return ST_OK;
}

struct changes {
    struct bytes *list;
    uint32_t count;
};

static bool add_change(void *context, struct bytes change)
{
    struct changes *changes = context;
    struct bytes *grown = realloc(changes->list, (changes->count + 1) * sizeof *grown);
    uint8_t *copy = malloc(change.size);
    CHECK(grown != NULL && copy != NULL);
    memcpy(copy, change.data, change.size);
    changes->list = grown;
    changes->list[changes->count++] = bytes_of(copy, change.size);
    return changes->count < LIMIT_SET_CHANGES_MAX;
}

static void free_changes(struct changes *changes)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = changes->list[i].data};
        free(pointer.out);
    }
    free(changes->list);
}

void query_prove(struct query *query,
                 enum status (*build)(struct query *query, const struct ledger_view *view,
                                      const struct proof_anchor *anchor,
                                      const struct proof_source *source))
{
    struct node *node = query->exchange->rpc->node;
    struct ledger_view view;
    struct changes changes = {.count = 0};
    uint8_t *certificate = NULL;
    size_t certificate_size = 0;
    enum status status = node_view(node, &view, &certificate, &certificate_size);
    if (status != ST_OK) {
        query_problem(query, status,
                      status == ST_NOT_FOUND
                          ? "the newest block is a recovery's, which nobody certifies; ask again "
                            "when the next block is there"
                          : "there is no certified block yet");
        return;
    }
    status =
        block_log_set_changes(node_block_log(node), view.header.height - 1, add_change, &changes);
    if (status == ST_OK) {
        struct proof_anchor anchor = {.certificate = bytes_of(certificate, certificate_size),
                                      .set_changes = changes.list,
                                      .set_change_count = query->small ? 0 : changes.count};
        struct block_source blocks = {.log = node_block_log(node)};
        struct proof_details details = query->details;
        bool disclose = details.all || details.count > 0;
        details.get = details_for_proof;
        details.context = node->details;
        struct proof_source source = {.get_tx = query->issuer ? get_tx : NULL,
                                      .context = &blocks,
                                      .genesis = node->genesis.message,
                                      .details = disclose ? &details : NULL};
        status = build(query, &view, &anchor, query->issuer || disclose ? &source : NULL);
        if (blocks.present) {
            stored_block_free(&blocks.block);
        }
    }
    if (query->http_status != 0) { /* refused */
        CHECK(status == ST_OK);
    } else if (status == ST_OK) {
        query->http_status = 200;
        query->content_type = "application/x-protobuf";
    } else if (status == ST_CONFLICT) {
        query_json(query, 409, problem_json(query->exchange->chinese, 409, status, query->missing));
    } else {
        query_problem(query, status, status == ST_NOT_FOUND ? query->missing : NULL);
    }
    free_changes(&changes);
    kv_free(certificate);
    ledger_view_close(&view);
}

static enum status build_archive(struct query *query, const struct ledger_view *view,
                                 const struct proof_anchor *anchor,
                                 const struct proof_source *source)
{
    struct account account;
    struct access access;
    bool any = false;
    enum status status = ST_OK;
    if (!query_may_read(query, view, &account, &access)) {
        return ST_OK;
    }
    bool *withhold = calloc(account.items.size + 1, sizeof *withhold);
    CHECK(withhold != NULL);
    for (uint64_t i = 1; i <= account.items.size && !access.whole && status == ST_OK; i++) {
        uint8_t *version = NULL;
        size_t size = 0;
        bool shown = false;
        status = ledger_view_item(view, account.position, i, &version, &size);
        if (status == ST_OK) {
            status = access_item(view, &access, bytes_of(version, size), &shown);
        }
        kv_free(version);
        withhold[i - 1] = !shown;
        any = any || shown;
    }
    if (status == ST_OK && !access.whole && !any) {
        query_refuse(query, ST_NOT_GRANTED, NULL);
    } else if (status == ST_OK) {
        status = proof_archive(view, anchor, source, &query->id, access.whole ? NULL : withhold,
                               &query->answer, &query->size);
    }
    free(withhold);
    return status;
}

static enum status build_record(struct query *query, const struct ledger_view *view,
                                const struct proof_anchor *anchor,
                                const struct proof_source *source)
{
    struct account account;
    struct access access;
    if (!query_may_read(query, view, &account, &access) ||
        !query_may_read_item(query, view, &account, &access, query->number)) {
        return ST_OK;
    }
    return proof_record(view, anchor, source, &query->id, query->number, &query->answer,
                        &query->size);
}

static enum status build_absence(struct query *query, const struct ledger_view *view,
                                 const struct proof_anchor *anchor,
                                 const struct proof_source *source)
{
    (void)source;
    if (!query_may_ask(query, view)) {
        return ST_OK;
    }
    query->missing = "the account exists";
    return proof_absence(view, anchor, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS,
                         bytes_of(&query->id, 32), &query->answer, &query->size);
}

static void read_archive_proof(struct query *query)
{
    query_prove(query, build_archive);
}

static void read_item_proof(struct query *query)
{
    query_prove(query, build_record);
}

static void read_absence_proof(struct query *query)
{
    query_prove(query, build_absence);
}

static void account_query(struct exchange *exchange, char *arguments[],
                          void (*read)(struct query *query))
{
    struct query query = {.read = read, .missing = "there is no such account or item"};
    uint64_t issuer = 0;
    if (hex_decode(query.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        exchange_problem(exchange, 422, ST_BAD_HEX, "a learner id is 64 hexadecimal digits");
        return;
    }
    if (arguments[1] != NULL && !parse_u64(arguments[1], &query.number)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "an item's number is decimal, from 1");
        return;
    }
    query.issuer = parameter_u64(exchange, "issuer", &issuer) && issuer == 1;
    if (!parameter_details(exchange, &query.details)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD,
                         "disclose is all, or up to 16 names or numbers of details with commas "
                         "between them: title,score,101");
        return;
    }
    query_start(exchange, query);
}

void route_archive(struct exchange *exchange, char *arguments[])
{
    account_query(exchange, arguments, read_archive);
}

void route_archive_proof(struct exchange *exchange, char *arguments[])
{
    account_query(exchange, arguments, read_archive_proof);
}

void route_item_proof(struct exchange *exchange, char *arguments[])
{
    account_query(exchange, arguments, read_item_proof);
}

void route_absence_proof(struct exchange *exchange, char *arguments[])
{
    account_query(exchange, arguments, read_absence_proof);
}

/* ---- Blocks ---- */

static json_t *header_json(const struct stored_block *block)
{
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__header__descriptor, block->header_bytes, &arena) !=
        ST_OK) {
        return json_null();
    }
    json_t *object = json_of_message(message);
    json_object_set_new(object, "hash", json_of_bytes(block->hash.bytes, 32));
    return object;
}

static void read_block(struct query *query)
{
    struct stored_block block;
    enum status status =
        block_log_get(node_block_log(query->exchange->rpc->node), query->number, &block);
    if (status != ST_OK) {
        query_problem(query, status,
                      status == ST_NOT_FOUND ? "there is no block at that height" : NULL);
        return;
    }
    json_t *object = json_object();
    json_t *ids = json_array();
    struct arena arena;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(tx != NULL && memory != NULL);
    json_object_set_new(object, "header", header_json(&block));
    json_object_set_new(object, "certificate",
                        json_of_bytes(block.certificate.data, block.certificate.size));
    if (block.recovery.size > 0) {
        json_object_set_new(object, "recovery", recovery_json(block.recovery));
    }
    for (uint32_t i = 0; i < block.tx_count; i++) {
        arena_init(&arena, memory, TX_ARENA_SIZE);
        if (tx_parse(tx, block.txs[i], &block.header.chain_id, &arena) == ST_OK) {
            json_array_append_new(ids, json_of_bytes(tx->id.bytes, 32));
        }
    }
    free(memory);
    free(tx);
    json_object_set_new(object, "transactions", ids);
    stored_block_free(&block);
    query_json(query, 200, object);
}

static void read_blocks(struct query *query)
{
    json_t *object = json_object();
    json_t *list = json_array();
    for (uint64_t i = 0; i < query->limit; i++) {
        struct stored_block block;
        if (block_log_get(node_block_log(query->exchange->rpc->node), query->number + i, &block) !=
            ST_OK) {
            break;
        }
        json_array_append_new(list, header_json(&block));
        stored_block_free(&block);
    }
    json_object_set_new(object, "headers", list);
    query_json(query, 200, object);
}

void route_block(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_block};
    if (!parse_u64(arguments[0], &query.number)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "a height is a decimal number");
        return;
    }
    query_start(exchange, query);
}

void route_blocks(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_blocks, .number = 1, .limit = ROUTE_BLOCKS_MAX};
    (void)arguments;
    (void)parameter_u64(exchange, "from", &query.number);
    (void)parameter_u64(exchange, "limit", &query.limit);
    query_start(exchange, query);
}
