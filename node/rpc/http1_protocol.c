/* HTTP/1.1 on a connection: one request at a time, the next when the answer is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/connection.h"
#include "node/rpc/http1.h"
#include "proto/check.h"

/* Past the largest request: what may come with it in one read. */
enum { AHEAD = 65536, HEAD_SIZE_MAX = 2048 };

struct http1 {
    struct exchange *exchange; /* under way, or NULL */
    char *in;
    size_t size;
    size_t room;
};

static bool http1_open(struct connection *connection)
{
    connection->state = calloc(1, sizeof(struct http1));
    return connection->state != NULL;
}

static bool http1_take(struct connection *connection, const uint8_t *data, size_t size)
{
    struct http1 *http1 = connection->state;
    if (http1->size + size > HTTP1_HEAD_SIZE_MAX + HTTP1_BODY_SIZE_MAX + AHEAD) {
        return false;
    }
    if (http1->size == 0) {
        connection->since_ms = uv_now(&connection->rpc->loop);
    }
    if (http1->size + size > http1->room) {
        http1->room = (http1->size + size) * 2;
        http1->in = realloc(http1->in, http1->room);
        CHECK(http1->in != NULL);
    }
    memcpy(http1->in + http1->size, data, size);
    http1->size += size;
    return true;
}

static void respond(struct connection *connection, const struct exchange *exchange, int status,
                    const char *content_type, const void *body, size_t size)
{
    char head[HEAD_SIZE_MAX];
    struct answer_field fields[ANSWER_FIELDS_MAX];
    size_t count = answer_fields(exchange, status, fields);
    size_t at = (size_t)snprintf(head, sizeof head,
                                 "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n",
                                 status, http_reason(status), content_type, size);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(head + at, sizeof head - at, "%s: %s\r\n", fields[i].name,
                               fields[i].value);
    }
    at += (size_t)snprintf(head + at, sizeof head - at, "%s\r\n",
                           connection->closing ? "connection: close\r\n" : "");
    CHECK(at < sizeof head);
    uint8_t *data = malloc(at + size);
    CHECK(data != NULL);
    memcpy(data, head, at);
    if (size > 0) {
        memcpy(data + at, body, size);
    }
    connection_send(connection, data, at + size);
}

static void http1_answer(struct exchange *exchange, int status, const char *content_type,
                         const void *body, size_t size)
{
    struct http1 *http1 = exchange->connection->state;
    http1->exchange = NULL;
    respond(exchange->connection, exchange, status, content_type, body, size);
}

/* What is wrong with the bytes themselves: answered, and the connection closed. */
static void refuse(struct connection *connection, int status)
{
    char body[256];
    int size = snprintf(body, sizeof body,
                        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"the "
                        "request is not HTTP/1.1 as this server takes it; see the limits in the "
                        "documentation\"}",
                        http_reason(status), status);
    connection->closing = true;
    respond(connection, NULL, status, "application/problem+json", body, (size_t)size);
}

static void begin(struct connection *connection, const struct http1_request *request)
{
    struct http1 *http1 = connection->state;
    struct exchange *exchange = exchange_new(connection);
    size_t target =
        request->path.size + (request->query.data != NULL ? request->query.size + 1 : 0);
    exchange_language(exchange, request->accept_language.data, request->accept_language.size);
    exchange_authorization(exchange, request->authorization.data, request->authorization.size);
    memcpy(exchange->method, request->method.data, request->method.size);
    if (!exchange_target(exchange, request->path.data, target)) {
        exchange->path[0] = '\0';
    }
    exchange->body = malloc(request->body_size + 1);
    CHECK(exchange->body != NULL);
    memcpy(exchange->body, http1->in + request->head_size, request->body_size);
    exchange->body_size = request->body_size;
    http1->exchange = exchange;
    connection->closing = !request->keep_alive;
    exchange_begin(exchange);
}

/* Takes the next whole request. */
static void http1_ready(struct connection *connection)
{
    struct http1 *http1 = connection->state;
    struct http1_request request;
    if (http1->exchange != NULL || connection->writing) {
        return;
    }
    if (connection->closing) {
        connection_linger(connection);
        return;
    }
    int status = http1->size == 0 ? 0 : http1_parse(&request, http1->in, http1->size);
    if (status == 0) {
        return;
    }
    if (status != 200) {
        refuse(connection, status);
        return;
    }
    size_t whole = request.head_size + request.body_size;
    if (http1->size < whole) {
        return;
    }
    begin(connection, &request);
    memmove(http1->in, http1->in + whole, http1->size - whole);
    http1->size -= whole;
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (http1->size == 0) {
        free(http1->in);
        http1->in = NULL;
        http1->room = 0;
    }
}

/* Counted from the first byte: one that sends its request a byte at a time gains nothing. */
static void http1_tick(struct connection *connection, uint64_t now_ms)
{
    struct http1 *http1 = connection->state;
    uint64_t quiet = now_ms - connection->since_ms;
    if (http1->exchange != NULL || connection->writing) {
        return;
    }
    if (http1->size > 0 && quiet > RPC_ARRIVE_MS && !connection->closing) {
        refuse(connection, 408);
    } else if (quiet > RPC_IDLE_MS) {
        connection_close(connection);
    }
}

static void http1_gone(struct connection *connection)
{
    struct http1 *http1 = connection->state;
    if (http1->exchange != NULL) {
        http1->exchange->connection = NULL;
        http1->exchange = NULL;
    }
}

static void http1_free(struct connection *connection)
{
    struct http1 *http1 = connection->state;
    free(http1->in);
    free(http1);
}

const struct protocol http1_protocol = {
    .open = http1_open,
    .take = http1_take,
    .ready = http1_ready,
    .answer = http1_answer,
    .tick = http1_tick,
    .gone = http1_gone,
    .free = http1_free,
};
