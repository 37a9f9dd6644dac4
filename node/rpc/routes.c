/* The table of routes, the transaction and network groups, and problems. */
#include "node/rpc/routes.h"
#include "node/rpc/receipts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/details.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/json/json.h"

enum { WAITS_MAX = 1000 };

/* ---- Answers ---- */

void exchange_json(struct exchange *exchange, int status, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    CHECK(text != NULL);
    exchange_answer(exchange, status,
                    status < 400 ? "application/json" : "application/problem+json", text,
                    strlen(text));
    free(text);
}

json_t *problem_json(bool chinese, int http_status, enum status status, const char *detail)
{
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string("about:blank"));
    json_object_set_new(object, "title",
                        json_string(chinese ? status_zh(status) : status_en(status)));
    json_object_set_new(object, "status", json_integer(http_status));
    json_object_set_new(object, "code", json_integer((json_int_t)status));
    json_object_set_new(object, "name", json_string(status_name(status)));
    if (detail != NULL) {
        json_object_set_new(object, "detail", json_string(detail));
    }
    return object;
}

void exchange_problem(struct exchange *exchange, int http_status, enum status status,
                      const char *detail)
{
    exchange_json(exchange, http_status,
                  problem_json(exchange->chinese, http_status, status, detail));
}

int http_status_of(enum status status)
{
    switch (status_class(status)) {
    case STATUS_CLASS_OK:
        return 200;
    case STATUS_CLASS_AGAIN:
        return status == ST_BUSY ? 429 : 503;
    case STATUS_CLASS_BAD:
    case STATUS_CLASS_RULE:
        return status == ST_NOT_FOUND || status == ST_NO_DETAILS ? 404
               : status == ST_DETAILS_ERASED                     ? 410
                                                                 : 422;
    case STATUS_CLASS_FATAL:
        break;
    }
    return 500;
}

/* ---- Parameters ---- */

bool parse_u64(const char *text, uint64_t *value)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 19) {
        return false;
    }
    *value = strtoull(text, &end, 10);
    return *end == '\0';
}

/* A client that goes leaves its wait behind: past a bound they are answered at once. */
static uint64_t wait_ms(const struct exchange *exchange)
{
    uint64_t value = 0;
    (void)parameter_u64(exchange, "wait_ms", &value);
    return exchange->rpc->under_way > WAITS_MAX ? 0 : value;
}

/* ---- Transactions ---- */

static const char *const state_words[] = {
    [NODE_TX_UNKNOWN] = "unknown", [NODE_TX_PENDING] = "pending", [NODE_TX_COMMITTED] = "committed",
    [NODE_TX_REFUSED] = "refused", [NODE_TX_EXPIRED] = "expired",
};

static void add_item_codes(json_t *object, const struct node_tx_status *tx)
{
    size_t room = tx->result_size * 4 + 8192;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    if (canonical_decode(&message, &xuelian__tx_result__descriptor,
                         bytes_of(tx->result, tx->result_size), &arena) == ST_OK) {
        const Xuelian__TxResult *result = (const Xuelian__TxResult *)(const void *)message;
        if (result->n_item_codes > 0) {
            json_t *codes = json_array();
            for (size_t i = 0; i < result->n_item_codes; i++) {
                json_array_append_new(codes, json_integer(result->item_codes[i]));
            }
            json_object_set_new(object, "item_codes", codes);
        }
    }
    free(memory);
}

static void answer_tx(struct exchange *exchange, struct node_tx_status *tx)
{
    json_t *object = json_object();
    bool has_code = tx->state == NODE_TX_COMMITTED || tx->state == NODE_TX_REFUSED ||
                    tx->state == NODE_TX_EXPIRED;
    json_object_set_new(object, "id", json_of_bytes(tx->id.bytes, 32));
    json_object_set_new(object, "status", json_string(state_words[tx->state]));
    if (tx->state == NODE_TX_COMMITTED) {
        json_object_set_new(object, "height", json_of_u64(tx->height));
        json_object_set_new(object, "index", json_integer(tx->index));
    }
    if (has_code) {
        enum status code = (enum status)tx->code;
        json_object_set_new(object, "code", json_integer(tx->code));
        json_object_set_new(object, "name", json_string(status_name(code)));
        json_object_set_new(object, "text",
                            json_string(exchange->chinese ? status_zh(code) : status_en(code)));
    }
    if (tx->result != NULL) {
        add_item_codes(object, tx);
        free(tx->result);
    }
    exchange_json(exchange, 200, object);
}

struct submit_call {
    struct node_submit submit;
    struct exchange *exchange;
};

static void submit_done(struct task *task)
{
    struct submit_call *call = (struct submit_call *)task;
    struct exchange *exchange = call->exchange;
    if (call->submit.status == ST_OK) {
        answer_tx(exchange, &call->submit.tx);
    } else {
        enum status status = call->submit.status;
        char detail[64];
        bool of_item = status >= ST_DETAILS_MISSING && status <= ST_DETAILS_FORM;
        snprintf(detail, sizeof detail, "details of item %u", call->submit.item + 1);
        exchange_problem(exchange, http_status_of(status), status, of_item ? detail : NULL);
    }
    free(call);
}

static void post_transaction(struct exchange *exchange, char *arguments[])
{
    struct submit_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    (void)arguments;
    call->exchange = exchange;
    call->submit.task.done = submit_done;
    call->submit.reply_to = &exchange->rpc->inbox;
    call->submit.bytes = exchange->body;
    call->submit.size = exchange->body_size;
    exchange->body = NULL;
    call->submit.timeout_ms = wait_ms(exchange);
    node_submit(exchange->rpc->node, &call->submit);
}

struct wait_call {
    struct node_wait wait;
    struct exchange *exchange;
};

static void wait_done(struct task *task)
{
    struct wait_call *call = (struct wait_call *)task;
    answer_tx(call->exchange, &call->wait.tx);
    free(call);
}

static void get_transaction(struct exchange *exchange, char *arguments[])
{
    struct wait_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    if (hex_decode(call->wait.id.bytes, 32, arguments[0], strlen(arguments[0])) != ST_OK) {
        free(call);
        exchange_problem(exchange, 422, ST_BAD_HEX, "an id is 64 hexadecimal digits");
        return;
    }
    call->exchange = exchange;
    call->wait.task.done = wait_done;
    call->wait.reply_to = &exchange->rpc->inbox;
    call->wait.timeout_ms = wait_ms(exchange);
    node_wait(exchange->rpc->node, &call->wait);
}

/* ---- Network, health ---- */

struct info_call {
    struct node_info info;
    struct exchange *exchange;
};

static void info_done(struct task *task)
{
    struct info_call *call = (struct info_call *)task;
    const struct node_info *info = &call->info;
    struct exchange *exchange = call->exchange;
    const struct genesis *genesis = node_genesis(exchange->rpc->node);
    json_t *object = json_object();
    json_t *peers = json_array();
    json_int_t connected = 0;
    json_object_set_new(object, "network", json_string(genesis->message->network));
    json_object_set_new(object, "chain_id", json_of_bytes(genesis->chain_id.bytes, 32));
    json_object_set_new(object, "height", json_of_u64(info->height));
    json_object_set_new(object, "header_hash", json_of_bytes(info->header_hash.bytes, 32));
    json_object_set_new(object, "time_ms", json_of_u64(info->time_ms));
    json_object_set_new(object, "era", json_of_u64(info->era));
    json_object_set_new(object, "view", json_of_u64(info->view));
    json_object_set_new(object, "validators", json_integer(info->validators));
    json_object_set_new(object, "quorum", json_integer(info->quorum));
    json_object_set_new(object, "primary", json_integer(info->primary));
    json_object_set_new(object, "validator", json_boolean(info->self >= 0));
    json_object_set_new(object, "journal_lost", json_boolean(info->journal_lost));
    json_object_set_new(object, "incarnation", json_of_u64(info->incarnation));
    json_object_set_new(object, "voting", json_boolean(info->voting));
    json_object_set_new(object, "catching_up", json_boolean(info->catching_up));
    json_object_set_new(object, "stopped", json_boolean(info->stopped));
    json_object_set_new(object, "pool_count", json_integer(info->pool_count));
    json_object_set_new(object, "pool_bytes", json_of_u64(info->pool_bytes));
    json_object_set_new(object, "validity_window", json_of_u64(info->validity_window));
    for (uint32_t i = 0; i < info->peer_count; i++) {
        json_t *peer = json_object();
        connected += info->peers[i].connected ? 1 : 0;
        json_object_set_new(peer, "member", json_integer(info->peers[i].member));
        json_object_set_new(peer, "key", json_of_bytes(info->peers[i].key.bytes, 33));
        json_object_set_new(peer, "connected", json_boolean(info->peers[i].connected));
        json_array_append_new(peers, peer);
    }
    json_object_set_new(object, "peer_count", json_integer(connected));
    json_object_set_new(object, "peers", peers);
    json_object_set_new(object, "text", json_string(info->text));
    free(call);
    exchange_json(exchange, 200, object);
}

static void get_network(struct exchange *exchange, char *arguments[])
{
    struct info_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    (void)arguments;
    call->exchange = exchange;
    call->info.task.done = info_done;
    call->info.reply_to = &exchange->rpc->inbox;
    node_info(exchange->rpc->node, &call->info);
}

struct following_call {
    struct node_following following;
    struct exchange *exchange;
};

static void following_done(struct task *task)
{
    struct following_call *call = (struct following_call *)task;
    const struct following *made = &call->following.following;
    struct exchange *exchange = call->exchange;
    if (call->following.status != ST_OK) {
        exchange_problem(exchange, call->following.status == ST_BUSY ? 503 : 409,
                         call->following.status, call->following.why);
        free(call);
        return;
    }
    json_t *object = json_object();
    json_object_set_new(object, "key", json_of_bytes(made->key.bytes, 33));
    json_object_set_new(object, "era", json_of_u64(made->era));
    json_object_set_new(object, "height", json_of_u64(made->height));
    json_object_set_new(object, "header_hash", json_of_bytes(made->header_hash.bytes, 32));
    json_object_set_new(object, "incarnation", json_of_u64(made->incarnation));
    json_object_set_new(object, "signature", json_of_bytes(made->signature.bytes, 64));
    free(call);
    exchange_json(exchange, 200, object);
}

/* The operator's alone: whoever is on this machine. */
static void post_following(struct exchange *exchange, char *arguments[])
{
    (void)arguments;
    if (!exchange->local) {
        exchange_problem(exchange, 403, ST_NOT_ALLOWED,
                         "this is answered on local_listen alone, to the node's operator");
        return;
    }
    struct following_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    call->exchange = exchange;
    call->following.task.done = following_done;
    call->following.reply_to = &exchange->rpc->inbox;
    node_following(exchange->rpc->node, &call->following);
}

/* Which node this is: its key's signature over the certificate of this very connection. */
static void get_tls(struct exchange *exchange, char *arguments[])
{
    const struct rpc *rpc = exchange->rpc;
    json_t *object = json_object();
    (void)arguments;
    json_object_set_new(object, "node_key",
                        json_of_bytes(signer_key(node_signer(rpc->node))->bytes, 33));
    json_object_set_new(object, "certificate_sha256", json_of_bytes(rpc->certificate.bytes, 32));
    json_object_set_new(object, "signature", json_of_bytes(rpc->endorsement.bytes, 64));
    exchange_json(exchange, 200, object);
}

static void get_genesis(struct exchange *exchange, char *arguments[])
{
    struct bytes genesis = node_genesis_bytes(exchange->rpc->node);
    (void)arguments;
    exchange_answer(exchange, 200, "application/x-protobuf", genesis.data, genesis.size);
}

static void get_healthz(struct exchange *exchange, char *arguments[])
{
    (void)arguments;
    exchange_answer(exchange, 200, "text/plain", "ok\n", 3);
}

static void get_readyz(struct exchange *exchange, char *arguments[])
{
    char why[256];
    (void)arguments;
    bool ready = node_ready(exchange->rpc->node, why, sizeof why - 1);
    size_t end = strlen(why); /* one byte was kept for the line end */
    why[end] = '\n';
    why[end + 1] = '\0';
    exchange_answer(exchange, ready ? 200 : 503, "text/plain", why, strlen(why));
}

static void get_metrics(struct exchange *exchange, char *arguments[])
{
    char *text = node_metrics(exchange->rpc->node);
    (void)arguments;
    exchange_answer(exchange, 200, "text/plain; version=0.0.4", text, strlen(text));
    free(text);
}

/* ---- The table ---- */

struct route {
    const char *method;
    const char *pattern; /* {} stands for one part of the path */
    void (*handler)(struct exchange *exchange, char *arguments[]);
    const struct parameter *parameters; /* NULL: none */
};

/* Of the query; the last has no name. */
static const struct parameter waits[] = {{"wait_ms", NODE_WAIT_MS_MAX}, {NULL, 0}};
static const struct parameter archive[] = {{"archive", 1}, {"sets", 1}, {NULL, 0}};
static const struct parameter issuer[] = {
    {"issuer", 1}, {"disclose", PARAMETER_TEXT}, {"sets", 1}, {NULL, 0}};
static const struct parameter sets[] = {{"sets", 1}, {NULL, 0}};
static const struct parameter of_cells[] = {{"year", 9999}, {"region", UINT32_MAX}, {"kind", 9},
                                            {"level", 10},  {"from", UINT32_MAX},   {NULL, 0}};
static const struct parameter of_table[] = {
    {"year", 9999}, {"region", UINT32_MAX}, {"kind", 9}, {"level", 10}, {"sets", 1}, {NULL, 0}};
static const struct parameter of_range[] = {
    {"start", UINT64_MAX}, {"height", 32}, {"sets", 1}, {NULL, 0}};
static const struct parameter of_block[] = {{"block", UINT64_MAX}, {"sets", 1}, {NULL, 0}};
static const struct parameter heights[] = {
    {"from", UINT64_MAX}, {"limit", ROUTE_BLOCKS_MAX}, {NULL, 0}};
static const struct parameter looks[] = {
    {"before", UINT64_MAX}, {"limit", ROUTE_QUERIES_MAX}, {NULL, 0}};
static const struct parameter positions[] = {
    {"before", UINT64_MAX}, {"limit", ROUTE_PROPOSALS_MAX}, {NULL, 0}};

/* What is below it is about a person: node/rpc/permit.h. */
#define PERSONAL "/v1/accounts/"

static const struct route routes[] = {
    {"POST", "/v1/transactions", post_transaction, waits},
    {"GET", "/v1/transactions/{}", get_transaction, waits},
    {"GET", "/v1/transactions/{}/proof", route_transaction_proof, of_block},
    {"GET", "/v1/validators/proof", route_sets_proof, NULL},
    {"GET", "/v1/accounts/{}/archive", route_archive, NULL},
    {"GET", "/v1/accounts/{}/archive/proof", route_archive_proof, issuer},
    {"GET", "/v1/accounts/{}/items/{}/proof", route_item_proof, issuer},
    {"GET", "/v1/accounts/{}/items/{}/conversion/proof", route_conversion_proof, archive},
    {"GET", "/v1/accounts/{}/items/{}/details", route_item_details, NULL},
    {"GET", "/v1/accounts/{}/absence/proof", route_absence_proof, sets},
    {"GET", "/v1/accounts/{}/queries", route_queries, looks},
    {"GET", "/v1/blocks/{}", route_block, NULL},
    {"GET", "/v1/blocks", route_blocks, heights},
    {"GET", "/v1/proposals", route_proposals, positions},
    {"GET", "/v1/proposals/{}", route_proposal, NULL},
    {"GET", "/v1/proposals/{}/proof", route_proposal_proof, sets},
    {"GET", "/v1/evidence", route_evidence_list, NULL},
    {"GET", "/v1/evidence/{}", route_evidence, NULL},
    {"GET", "/v1/recoveries", route_recoveries, NULL},
    {"GET", "/v1/statistics", route_statistics, of_cells},
    {"GET", "/v1/statistics/proof", route_statistics_proof, of_table},
    {"GET", "/v1/statistics/range/proof", route_range_proof, of_range},
    {"GET", "/v1/network", get_network, NULL},
    {"GET", "/v1/network/tls", get_tls, NULL},
    {"GET", "/v1/genesis", get_genesis, NULL},
    {"POST", "/v1/following", post_following, NULL},
    {"GET", "/healthz", get_healthz, NULL},
    {"GET", "/readyz", get_readyz, NULL},
    {"GET", "/metrics", get_metrics, NULL},
};

enum { ARGUMENTS_MAX = 2 };

/* Matches part by part; arguments point into path, which is cut. */
static bool match(const char *pattern, char *path, char *arguments[ARGUMENTS_MAX])
{
    unsigned count = 0;
    char *ends[ARGUMENTS_MAX];
    while (*pattern != '\0') {
        if (pattern[0] == '{') {
            size_t size = strcspn(path, "/");
            if (size == 0 || count == ARGUMENTS_MAX) {
                return false;
            }
            arguments[count] = path;
            ends[count++] = path + size;
            path += size;
            pattern += 2;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    if (*path != '\0') {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        *ends[i] = '\0';
    }
    return true;
}

/* What is asked of an account, for the query log: the address behind the learner's id. */
static void note_what(struct exchange *exchange)
{
    const char *tail =
        exchange->personal ? strchr(exchange->path + sizeof PERSONAL - 1, '/') : NULL;
    if (tail != NULL) {
        snprintf(exchange->what, sizeof exchange->what, "%s", tail + 1);
    }
    for (char *c = exchange->what; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x21 || (unsigned char)*c > 0x7e ? '?' : *c;
    }
}

void routes_dispatch(struct exchange *exchange)
{
    char *arguments[ARGUMENTS_MAX] = {NULL, NULL};
    bool other_method = false;
    char detail[512];
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        char path[sizeof exchange->path];
        memcpy(path, exchange->path, sizeof path);
        if (!match(routes[i].pattern, path, arguments)) {
            continue;
        }
        if (strcmp(routes[i].method, exchange->method) != 0) {
            other_method = true;
            continue;
        }
        exchange->personal = strncmp(routes[i].pattern, PERSONAL, sizeof PERSONAL - 1) == 0;
        note_what(exchange);
        (void)match(routes[i].pattern, exchange->path, arguments);
        if (!parameters_check(exchange, routes[i].parameters, detail, sizeof detail)) {
            exchange_problem(exchange, 422, ST_BAD_FIELD, detail);
        } else {
            routes[i].handler(exchange, arguments);
        }
        return;
    }
    if (other_method) {
        exchange_problem(exchange, 405, ST_NOT_FOUND, "this address takes another method");
        return;
    }
    exchange_problem(exchange, 404, ST_NOT_FOUND,
                     "there is no such address; docs/openapi.yaml lists them");
}
