#include "node/rpc/connection.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum { CHUNK = 65536, LOOPBACK_NET = 127 };

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
    if (connection->protocol != NULL) {
        connection->protocol->free(connection);
    }
    if (connection->tls.ssl != NULL) {
        tls_close(&connection->tls);
    }
    free(connection->out);
    free(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    if (connection->protocol != NULL) {
        connection->protocol->gone(connection);
    }
    uv_close((uv_handle_t *)&connection->tcp, connection_free);
}

/* Closing on unread bytes would send a reset, which may overtake the answer. */
void connection_linger(struct connection *connection)
{
    if (connection->lingering || connection->closed) {
        return;
    }
    connection->lingering = true;
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp, NULL) != 0) {
        connection_close(connection);
    }
}

/* ---- Out ---- */

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
    connection->since_ms = uv_now(&connection->rpc->loop);
    flush(connection);
    if (!connection->writing && !connection->closed && connection->protocol != NULL) {
        connection->protocol->ready(connection);
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

void connection_send(struct connection *connection, uint8_t *data, size_t size)
{
    connection->since_ms = uv_now(&connection->rpc->loop);
    if (connection->tls.ssl == NULL) {
        write_out(connection, data, size);
        return;
    }
    enum status sent = tls_write(&connection->tls, data, size);
    free(data);
    if (sent != ST_OK) {
        connection_close(connection);
        return;
    }
    flush(connection);
}

/* ---- In ---- */

static bool speak(struct connection *connection, const struct protocol *protocol)
{
    connection->handshaken = true;
    if (!protocol->open(connection)) {
        return false;
    }
    connection->protocol = protocol;
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
        if (!speak(connection,
                   tls_speaks(&connection->tls, "h2") ? &http2_protocol : &http1_protocol)) {
            return false;
        }
    }
    while ((got = tls_read(&connection->tls, plaintext, sizeof plaintext)) > 0) {
        if (!connection->protocol->take(connection, plaintext, (size_t)got)) {
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
    if (size < 0 || !(connection->tls.ssl != NULL
                          ? take_ciphertext(connection, data, (size_t)size)
                          : connection->protocol->take(connection, data, (size_t)size))) {
        connection_close(connection);
    } else if (connection->protocol != NULL && !connection->closed) {
        connection->protocol->ready(connection);
    }
}

/* Does the client come from this very machine? */
static bool from_loopback(const uv_tcp_t *tcp)
{
    struct sockaddr_storage address = {0};
    int size = sizeof address;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&address;
        return ntohl(four->sin_addr.s_addr) >> 24 == LOOPBACK_NET;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&address;
    return address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

void connection_accept(struct rpc *rpc, uv_tcp_t *server)
{
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection->rpc = rpc;
    connection->local = server == &rpc->local_server;
    connection->since_ms = uv_now(&rpc->loop);
    CHECK(uv_tcp_init(&rpc->loop, &connection->tcp) == 0);
    connection->tcp.data = connection;
    connection->next = rpc->connections;
    rpc->connections = connection;
    rpc->connection_count++;
    if (uv_accept((uv_stream_t *)server, (uv_stream_t *)&connection->tcp) != 0 ||
        rpc->connection_count > RPC_CONNECTIONS_MAX ||
        (connection->local ? !speak(connection, &http1_protocol)
                           : tls_open(&connection->tls, rpc->context, false) != ST_OK)) {
        connection_close(connection);
        return;
    }
    connection->operator= connection->local && from_loopback(&connection->tcp);
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, allocate, arrived);
}

void connection_tick(struct connection *connection, uint64_t now_ms)
{
    if (connection->closed) {
        return;
    }
    bool unfinished = connection->lingering || connection->protocol == NULL;
    uint64_t patience = unfinished ? RPC_ARRIVE_MS : RPC_IDLE_MS;
    if ((unfinished || connection->writing) && now_ms - connection->since_ms > patience) {
        connection_close(connection);
    } else if (!unfinished) {
        connection->protocol->tick(connection, now_ms);
    }
}
