#include "node/rpc/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/log.h"
#include "node/peer/peers.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    CONNECTIONS_MAX = 1000,
    UNDER_WAY_MAX = 2 * CONNECTIONS_MAX, /* with those whose connection has gone */
    ARRIVE_MS = 10000,                   /* a head or body that has begun */
    IDLE_MS = 60000,
    TICK_MS = 1000,
    BACKLOG = 256,
    CHUNK = 65536,
    QUERY_THREADS = 2,
    QUERY_QUEUE = 256
};

struct connection {
    uv_tcp_t tcp;
    struct rpc *rpc;
    struct connection *next;
    struct tls tls; /* ssl NULL: the local listener */
    bool local;
    bool handshaken;
    bool writing;
    bool closing; /* after what is queued is written */
    bool
        lingering; /* all is written: what still comes is dropped, so that the answer is not lost */
    bool closed;
    struct exchange *exchange;
    uint64_t since_ms; /* of what it waits for now: a handshake, a request, the rest of one */
    char *in;
    size_t in_size;
    size_t in_room;
    uint8_t *out; /* plaintext, then ciphertext, being written */
    size_t out_size;
    uv_write_t write;
    uv_shutdown_t shutdown;
};

static void connection_free(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct rpc *rpc = connection->rpc;
    for (struct connection **link = &rpc->connections; *link != NULL; link = &(*link)->next) {
        if (*link == connection) {
            *link = connection->next;
            rpc->connection_count--;
            break;
        }
    }
    if (connection->tls.ssl != NULL) {
        tls_close(&connection->tls);
    }
    free(connection->in);
    free(connection->out);
    free(connection);
}

static void connection_close(struct connection *connection)
{
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    if (connection->exchange != NULL) {
        connection->exchange->connection = NULL;
        connection->exchange = NULL;
    }
    uv_close((uv_handle_t *)&connection->tcp, connection_free);
}

/* Closing on unread bytes would send a reset, which may overtake the answer. */
static void linger(struct connection *connection)
{
    connection->lingering = true;
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp, NULL) != 0) {
        connection_close(connection);
    }
}

static void take_requests(struct connection *connection);

static void flush(struct connection *connection);

static void written(uv_write_t *request, int status)
{
    struct connection *connection = request->data;
    connection->writing = false;
    free(connection->out);
    connection->out = NULL;
    if (connection->closed) {
        return;
    }
    if (status < 0) {
        connection_close(connection);
        return;
    }
    flush(connection);
    if (!connection->writing && !connection->closed) {
        if (connection->closing) {
            linger(connection);
        } else {
            take_requests(connection);
        }
    }
}

static void write_out(struct connection *connection, uint8_t *data, size_t size)
{
    uv_buf_t buffer = uv_buf_init((char *)data, (unsigned)size);
    connection->out = data;
    connection->write.data = connection;
    connection->writing = true;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buffer, 1, written) != 0) {
        connection->writing = false;
        connection_close(connection);
    }
}

/* Sends ciphertext that TLS has ready. */
static void flush(struct connection *connection)
{
    if (connection->tls.ssl == NULL || connection->writing || connection->closed) {
        return;
    }
    size_t size = tls_pending(&connection->tls);
    if (size == 0) {
        return;
    }
    uint8_t *data = malloc(size);
    CHECK(data != NULL);
    write_out(connection, data, tls_take(&connection->tls, data, size));
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

static void respond(struct connection *connection, int status, const char *content_type,
                    const void *body, size_t size)
{
    char head[512];
    int head_size = snprintf(
        head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n%s%s\r\n",
        status, reason(status), content_type, size,
        status == 429 || status == 503 ? "Retry-After: 1\r\n" : "",
        connection->closing ? "Connection: close\r\n" : "");
    CHECK(head_size > 0 && (size_t)head_size < sizeof head);
    uint8_t *data = malloc((size_t)head_size + size);
    CHECK(data != NULL);
    memcpy(data, head, (size_t)head_size);
    if (size > 0) {
        memcpy(data + head_size, body, size);
    }
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (connection->tls.ssl == NULL) {
        write_out(connection, data, (size_t)head_size + size);
        return;
    }
    enum status sent = tls_write(&connection->tls, data, (size_t)head_size + size);
    free(data);
    if (sent != ST_OK) {
        connection_close(connection);
        return;
    }
    flush(connection);
}

void exchange_answer(struct exchange *exchange, int status, const char *content_type,
                     const void *body, size_t size)
{
    struct connection *connection = exchange->connection;
    exchange->rpc->under_way--;
    if (connection != NULL) {
        connection->exchange = NULL;
        respond(connection, status, content_type, body, size);
    }
    free(exchange->body);
    free(exchange);
}

/* What is wrong with the bytes themselves: answered, and the connection closed. */
static void refuse_bytes(struct connection *connection, int status)
{
    char body[256];
    int size = snprintf(body, sizeof body,
                        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"the "
                        "request is not HTTP/1.1 as this server takes it; see the limits in the "
                        "documentation\"}",
                        reason(status), status);
    connection->closing = true;
    respond(connection, status, "application/problem+json", body, (size_t)size);
}

static void copy_text(char *out, size_t room, struct http1_text text)
{
    size_t size = text.size < room - 1 ? text.size : room - 1;
    if (size > 0) {
        memcpy(out, text.data, size);
    }
    out[size] = '\0';
}

static void begin_exchange(struct connection *connection, const struct http1_request *request)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    CHECK(exchange != NULL);
    exchange->rpc = connection->rpc;
    exchange->connection = connection;
    exchange->local = connection->local;
    exchange->chinese =
        request->accept_language.size >= 2 && memcmp(request->accept_language.data, "zh", 2) == 0;
    copy_text(exchange->method, sizeof exchange->method, request->method);
    copy_text(exchange->path, sizeof exchange->path, request->path);
    copy_text(exchange->query, sizeof exchange->query, request->query);
    exchange->body = malloc(request->body_size + 1);
    CHECK(exchange->body != NULL);
    memcpy(exchange->body, connection->in + request->head_size, request->body_size);
    exchange->body_size = request->body_size;
    connection->exchange = exchange;
    connection->closing = !request->keep_alive;
    connection->rpc->under_way++;
    if (connection->rpc->under_way > UNDER_WAY_MAX) {
        exchange_problem(exchange, 503, ST_BUSY, "too many requests are under way");
        return;
    }
    if (request->path.size >= sizeof exchange->path ||
        request->query.size >= sizeof exchange->query) {
        exchange_problem(exchange, 404, ST_NOT_FOUND, "the address is too long");
        return;
    }
    routes_dispatch(exchange);
}

/* Takes the next whole request, one at a time. */
static void take_requests(struct connection *connection)
{
    struct http1_request request;
    if (connection->exchange != NULL || connection->writing || connection->closing ||
        connection->in_size == 0) {
        return;
    }
    int status = http1_parse(&request, connection->in, connection->in_size);
    if (status == 0) {
        return;
    }
    if (status != 200) {
        refuse_bytes(connection, status);
        return;
    }
    size_t whole = request.head_size + request.body_size;
    if (connection->in_size < whole) {
        return;
    }
    begin_exchange(connection, &request);
    memmove(connection->in, connection->in + whole, connection->in_size - whole);
    connection->in_size -= whole;
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (connection->in_size == 0) {
        free(connection->in);
        connection->in = NULL;
        connection->in_room = 0;
    }
}

/* Appends plaintext; past the largest request the peer does not follow the protocol. */
static bool append(struct connection *connection, const uint8_t *data, size_t size)
{
    size_t room_max = HTTP1_HEAD_SIZE_MAX + HTTP1_BODY_SIZE_MAX + CHUNK;
    if (connection->in_size + size > room_max) {
        return false;
    }
    if (connection->in_size == 0 && size > 0) {
        connection->since_ms = uv_now(&connection->rpc->loop);
    }
    if (connection->in_size + size > connection->in_room) {
        connection->in_room = (connection->in_size + size) * 2;
        connection->in = realloc(connection->in, connection->in_room);
        CHECK(connection->in != NULL);
    }
    memcpy(connection->in + connection->in_size, data, size);
    connection->in_size += size;
    return true;
}

static bool take_ciphertext(struct connection *connection, const uint8_t *data, size_t size)
{
    static uint8_t plaintext[CHUNK];
    size_t before = tls_pending(&connection->tls);
    int got;
    if (tls_feed(&connection->tls, data, size) != ST_OK) {
        return false;
    }
    if (!connection->handshaken) {
        enum status status = tls_handshake(&connection->tls);
        flush(connection);
        if (status != ST_OK) {
            return status == ST_FUTURE;
        }
        connection->handshaken = true;
    }
    while ((got = tls_read(&connection->tls, plaintext, sizeof plaintext)) > 0) {
        if (!append(connection, plaintext, (size_t)got)) {
            return false;
        }
    }
    bool bounded = tls_forced(&connection->tls, true, before);
    flush(connection);
    return got == 0 && bounded;
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char memory[CHUNK];
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void arrived(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (size == 0 || connection->closed) {
        return;
    }
    if (connection->lingering && size > 0) {
        return; /* until the other side ends or the time is up */
    }
    const uint8_t *data = (const uint8_t *)buffer->base;
    if (size < 0 || !(connection->tls.ssl != NULL ? take_ciphertext(connection, data, (size_t)size)
                                                  : append(connection, data, (size_t)size))) {
        connection_close(connection);
        return;
    }
    take_requests(connection);
}

static void accept_one(uv_stream_t *server, int status)
{
    struct rpc *rpc = server->data;
    if (status < 0 || rpc->stopping) {
        return;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection->rpc = rpc;
    connection->local = server == (uv_stream_t *)&rpc->local_server;
    connection->since_ms = uv_now(&rpc->loop);
    CHECK(uv_tcp_init(&rpc->loop, &connection->tcp) == 0);
    connection->tcp.data = connection;
    connection->next = rpc->connections;
    rpc->connections = connection;
    rpc->connection_count++;
    if (uv_accept(server, (uv_stream_t *)&connection->tcp) != 0 ||
        rpc->connection_count > CONNECTIONS_MAX ||
        (!connection->local && tls_open(&connection->tls, rpc->context, false) != ST_OK)) {
        connection_close(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, allocate, arrived);
}

static void tick(uv_timer_t *timer)
{
    struct rpc *rpc = timer->data;
    uint64_t now = uv_now(&rpc->loop);
    /* Counted from the first byte: one that sends its request a byte at a time gains nothing. */
    for (struct connection *c = rpc->connections; c != NULL; c = c->next) {
        uint64_t quiet = now - c->since_ms;
        bool waiting_for_bytes = (c->in_size > 0 && !c->writing) || c->lingering ||
                                 (c->tls.ssl != NULL && !c->handshaken);
        if (c->exchange != NULL || c->closed ||
            quiet <= (waiting_for_bytes ? (uint64_t)ARRIVE_MS : (uint64_t)IDLE_MS)) {
            continue;
        }
        if (c->in_size > 0 && !c->writing && !c->closing) {
            refuse_bytes(c, 408);
        } else {
            connection_close(c);
        }
    }
}

static enum status listen_on(struct rpc *rpc, uv_tcp_t *server, const char *text,
                             const char *setting, char *error, size_t error_size)
{
    struct sockaddr_storage address = {0};
    if (peers_parse_address(text, &address) != 0) {
        snprintf(error, error_size,
                 "%s is \"%s\"; give a numeric address and a port, as 127.0.0.1:8443", setting,
                 text);
        return ST_BAD_CONFIG;
    }
    CHECK(uv_tcp_init(&rpc->loop, server) == 0);
    server->data = rpc;
    int result = uv_tcp_bind(server, (const struct sockaddr *)&address, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)server, BACKLOG, accept_one);
    }
    if (result == 0) {
        return ST_OK;
    }
    snprintf(error, error_size,
             result == UV_EADDRINUSE
                 ? "the address %s is in use; stop the program that uses it or change %s"
                 : "cannot listen on %s; change %s",
             text, setting);
    return result == UV_EADDRINUSE ? ST_LOCKED : ST_IO;
}

/* The certificate clients pin: rpc-cert.pem in the data directory, replaced whole, and endorsed by the node
 * key for those who have only the genesis file. */
static enum status write_certificate(struct rpc *rpc, char *error, size_t error_size)
{
    char path[1100];
    char temporary[1112];
    char *pem = NULL;
    struct hash32 hash;
    enum status status = tls_context_certificate(rpc->context, &pem, &rpc->certificate);
    snprintf(path, sizeof path, "%s/rpc-cert.pem", node_data_dir(rpc->node));
    snprintf(temporary, sizeof temporary, "%s.new", path);
    if (status == ST_OK) {
        hash_tagged(&hash, TAG_SIGN_TLS, rpc->certificate.bytes, sizeof rpc->certificate.bytes);
        signer_sign(node_signer(rpc->node), &hash, &rpc->endorsement);
        FILE *file = fopen(temporary, "we");
        bool written = file != NULL && fputs(pem, file) >= 0;
        written = (file == NULL || fclose(file) == 0) && written;
        if (!written || rename(temporary, path) != 0) {
            status = ST_IO;
        }
    }
    if (status != ST_OK) {
        snprintf(error, error_size, "the certificate %s cannot be written; check the disk", path);
    }
    free(pem);
    return status;
}

static void thread_main(void *argument)
{
    struct rpc *rpc = argument;
    uv_run(&rpc->loop, UV_RUN_DEFAULT);
}

enum status rpc_start(struct rpc **rpc, struct node *node, const char *listen, const char *local,
                      char *error, size_t error_size)
{
    struct rpc *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->node = node;
    CHECK(uv_loop_init(&made->loop) == 0);
    enum status status = tls_context_new(&made->context, "http/1.1");
    if (status == ST_OK) {
        status = write_certificate(made, error, error_size);
    }
    if (status == ST_OK) {
        status = listen_on(made, &made->tls_server, listen, "rpc_listen", error, error_size);
    }
    if (status == ST_OK) {
        status = listen_on(made, &made->local_server, local, "local_listen", error, error_size);
    }
    if (status != ST_OK) {
        return status; /* the process ends: see main.c */
    }
    CHECK(inbox_init(&made->inbox, &made->loop) == 0);
    CHECK(uv_timer_init(&made->loop, &made->timer) == 0);
    made->timer.data = made;
    uv_timer_start(&made->timer, tick, TICK_MS, TICK_MS);
    made->queries = worker_start("query", QUERY_THREADS, QUERY_QUEUE);
    CHECK(uv_thread_create(&made->thread, thread_main, made) == 0);
    *rpc = made;
    return ST_OK;
}

static void stop_on_loop(struct task *task)
{
    struct rpc *rpc = (struct rpc *)(void *)((char *)task - offsetof(struct rpc, stop_task));
    rpc->stopping = true;
    uv_close((uv_handle_t *)&rpc->tls_server, NULL);
    uv_close((uv_handle_t *)&rpc->local_server, NULL);
    uv_close((uv_handle_t *)&rpc->timer, NULL);
    for (struct connection *c = rpc->connections; c != NULL; c = c->next) {
        connection_close(c);
    }
    inbox_close(&rpc->inbox);
}

void rpc_stop(struct rpc *rpc)
{
    rpc->stop_task.done = stop_on_loop;
    inbox_post(&rpc->inbox, &rpc->stop_task);
    uv_thread_join(&rpc->thread);
    worker_stop(rpc->queries);
    CHECK(uv_loop_close(&rpc->loop) == 0);
}

void rpc_free(struct rpc *rpc)
{
    inbox_drain(&rpc->inbox); /* answers that came too late for their connections */
    CHECK(rpc->under_way == 0);
    SSL_CTX_free(rpc->context);
    uv_mutex_destroy(&rpc->inbox.mutex);
    free(rpc);
}
