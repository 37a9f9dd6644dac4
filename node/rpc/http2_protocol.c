/* HTTP/2 (RFC 9113) on a connection, by nghttp2: its streams are exchanges. What a client can make the node hold is
 * bounded per stream, per connection and for all of them. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/connection.h"
#include "node/rpc/http1.h"
#include "proto/check.h"

enum {
    STREAMS_MAX = 100,
    STREAM_WINDOW = 65536,
    CONNECTION_WINDOW = 1 << 20,
    REQUESTS_HELD_MAX = 2 << 20, /* bytes of bodies on one connection that are not whole yet */
    ANSWERS_HELD_MAX = 1 << 20,  /* past it no further request of the connection is begun */
    ALL_HELD_MAX = 256 << 20,    /* answers on all connections; past it 503 */
    SEND_SIZE_MAX = 256 << 10,   /* handed to TLS at a time */
    ACKS_MAX = 100,              /* pings and settings not answered yet */
    OUTBOUND_MAX = 1000,         /* frames waiting to be sent */
    SETTINGS_MAX = 32,           /* in one frame */
    RESETS_BURST = 200,          /* CVE-2023-44487 */
    RESETS_RATE = 33,            /* a second */
    FIELD_OVERHEAD = 32          /* of RFC 9113 section 6.5.2 */
};

/* From a request's first header to its answer's last byte. */
struct stream {
    struct stream *next;
    struct http2 *http2;
    struct exchange *exchange; /* until answered, or NULL */
    int32_t id;
    int refused; /* the status to answer with, or 0 */
    bool whole;  /* the request is */
    bool begun;
    bool bad_target;
    uint32_t fields;
    size_t fields_size;
    uint64_t since_ms; /* the first byte, then the last progress of its answer */
    uint8_t *answer;   /* malloc'ed */
    size_t answer_size;
    size_t sent;
};

struct http2 {
    struct connection *connection;
    nghttp2_session *session;
    struct stream *streams; /* oldest first */
    size_t requests_held;
    size_t answers_held;
    bool taking; /* within nghttp2: it must not be asked for more */
    bool ending;
};

static struct stream *find(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- Answers ---- */

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct stream *stream = source->ptr;
    size_t size = stream->answer_size - stream->sent;
    (void)session;
    (void)id;
    (void)user;
    if (size <= room) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else {
        size = room;
    }
    if (size > 0) {
        memcpy(out, stream->answer + stream->sent, size);
    }
    stream->sent += size;
    stream->since_ms = uv_now(&stream->http2->connection->rpc->loop);
    return (ssize_t)size;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static void submit(struct stream *stream, const struct exchange *exchange, int status,
                   const char *content_type, const void *body, size_t size)
{
    struct http2 *http2 = stream->http2;
    struct answer_field more[ANSWER_FIELDS_MAX];
    nghttp2_nv fields[3 + ANSWER_FIELDS_MAX];
    char status_text[16];
    char size_text[24];
    snprintf(status_text, sizeof status_text, "%d", status);
    snprintf(size_text, sizeof size_text, "%zu", size);
    size_t count = 0;
    fields[count++] = field(":status", status_text);
    fields[count++] = field("content-type", content_type);
    fields[count++] = field("content-length", size_text);
    size_t more_count = answer_fields(exchange, status, more);
    for (size_t i = 0; i < more_count; i++) {
        fields[count++] = field(more[i].name, more[i].value);
    }
    stream->answer = malloc(size + 1);
    CHECK(stream->answer != NULL);
    memcpy(stream->answer, body, size);
    stream->answer_size = size;
    stream->since_ms = uv_now(&http2->connection->rpc->loop);
    http2->answers_held += size;
    http2->connection->rpc->answers_held += size;
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_answer};
    if (nghttp2_submit_response(http2->session, stream->id, fields, count, &provider) != 0) {
        nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_INTERNAL_ERROR);
    }
}

static void submit_refusal(struct stream *stream, int status, const char *why)
{
    char body[256];
    int size =
        snprintf(body, sizeof body,
                 "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
                 http_reason(status), status, why);
    submit(stream, NULL, status, "application/problem+json", body, (size_t)size);
}

static void http2_ready(struct connection *connection);

static void http2_answer(struct exchange *exchange, int status, const char *content_type,
                         const void *body, size_t size)
{
    struct stream *stream = exchange->stream;
    struct connection *connection = exchange->connection;
    struct http2 *http2 = connection->state;
    stream->exchange = NULL;
    if (connection->rpc->answers_held + size > ALL_HELD_MAX) {
        submit_refusal(stream, 503, "clients do not read their answers; try again");
    } else {
        submit(stream, exchange, status, content_type, body, size);
    }
    if (!http2->taking && !connection->writing) {
        http2_ready(connection);
    }
}

/* ---- Requests ---- */

static void begin(struct stream *stream)
{
    struct exchange *exchange = stream->exchange;
    struct http2 *http2 = stream->http2;
    stream->begun = true;
    http2->requests_held -= exchange->body_size;
    if (stream->refused != 0) {
        stream->exchange = NULL;
        exchange_free(exchange);
        submit_refusal(stream, stream->refused,
                       "the request is past a limit; see the limits in the documentation");
        return;
    }
    if (stream->bad_target) {
        exchange->path[0] = '\0';
    }
    exchange_begin(exchange);
}

/* Begins what is whole, oldest first, as far as the client reads its answers. */
static void begin_whole(struct http2 *http2)
{
    for (struct stream *stream = http2->streams; stream != NULL; stream = stream->next) {
        if (http2->answers_held > ANSWERS_HELD_MAX) {
            return;
        }
        if (stream->whole && !stream->begun) {
            begin(stream);
        }
    }
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *http2 = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0; /* trailers */
    }
    struct stream *stream = calloc(1, sizeof *stream);
    CHECK(stream != NULL);
    stream->http2 = http2;
    stream->id = frame->hd.stream_id;
    stream->since_ms = uv_now(&http2->connection->rpc->loop);
    stream->exchange = exchange_new(http2->connection);
    stream->exchange->stream = stream;
    struct stream **link = &http2->streams;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = stream;
    nghttp2_session_set_stream_user_data(session, stream->id, stream);
    return 0;
}

static bool is(const char *name, const uint8_t *data, size_t size)
{
    return size == strlen(name) && memcmp(name, data, size) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user)
{
    struct stream *stream = find(session, frame->hd.stream_id);
    (void)flags;
    (void)user;
    if (stream == NULL || stream->begun || stream->exchange == NULL) {
        return 0;
    }
    struct exchange *exchange = stream->exchange;
    stream->fields_size += name_size + value_size + FIELD_OVERHEAD;
    if (++stream->fields > HTTP1_FIELDS_MAX || stream->fields_size > HTTP1_HEAD_SIZE_MAX) {
        stream->refused = 431;
    } else if (is(":method", name, name_size)) {
        if (value_size >= sizeof exchange->method) {
            stream->refused = 400;
        } else {
            memcpy(exchange->method, value, value_size);
            exchange->method[value_size] = '\0';
        }
    } else if (is(":path", name, name_size)) {
        stream->bad_target = !exchange_target(exchange, (const char *)value, value_size);
    } else if (is("accept-language", name, name_size)) {
        exchange_language(exchange, (const char *)value, value_size);
    } else if (is("authorization", name, name_size)) {
        stream->refused = exchange->authorization != NULL ? 400 : stream->refused;
        exchange_authorization(exchange, (const char *)value, value_size);
    } else if (is("expect", name, name_size)) {
        stream->refused = 417;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user)
{
    struct http2 *http2 = user;
    struct stream *stream = find(session, id);
    (void)flags;
    if (stream == NULL || stream->begun || stream->refused != 0) {
        return 0;
    }
    struct exchange *exchange = stream->exchange;
    if (exchange->body_size + size > HTTP1_BODY_SIZE_MAX) {
        stream->refused = 413;
        stream->whole = true; /* what still comes is dropped */
        begin(stream);
        return 0;
    }
    if (http2->requests_held + size > REQUESTS_HELD_MAX) {
        stream->refused = 413; /* should it end before the reset is sent */
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    }
    uint8_t *body = realloc(exchange->body, exchange->body_size + size);
    CHECK(body != NULL);
    memcpy(body + exchange->body_size, data, size);
    exchange->body = body;
    exchange->body_size += size;
    http2->requests_held += size;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *http2 = user;
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        struct stream *stream = find(session, frame->hd.stream_id);
        if (stream != NULL && !stream->whole) {
            stream->whole = true;
            if (stream->exchange->body == NULL) {
                stream->exchange->body = calloc(1, 1);
                CHECK(stream->exchange->body != NULL);
            }
            begin_whole(http2);
        }
    }
    return 0;
}

static void forget(struct stream *stream)
{
    struct http2 *http2 = stream->http2;
    struct exchange *exchange = stream->exchange;
    if (exchange != NULL && stream->begun) {
        exchange->connection = NULL; /* its answer is dropped */
        exchange->stream = NULL;
    } else if (exchange != NULL) {
        http2->requests_held -= exchange->body_size;
        exchange_free(exchange);
    }
    http2->answers_held -= stream->answer_size;
    http2->connection->rpc->answers_held -= stream->answer_size;
    free(stream->answer);
    free(stream);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct http2 *http2 = user;
    struct stream *stream = find(session, id);
    (void)code;
    if (stream == NULL) {
        return 0;
    }
    for (struct stream **link = &http2->streams; *link != NULL; link = &(*link)->next) {
        if (*link == stream) {
            *link = stream->next;
            break;
        }
    }
    forget(stream);
    return 0;
}

/* ---- The connection ---- */

static nghttp2_session *new_session(struct http2 *http2)
{
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
        nghttp2_option_set_max_settings(option, SETTINGS_MAX);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_stream_reset_rate_limit(option, RESETS_BURST, RESETS_RATE);
        if (nghttp2_session_server_new2(&session, callbacks, http2, option) != 0) {
            session = NULL;
        }
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
}

static bool http2_open(struct connection *connection)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP1_HEAD_SIZE_MAX},
    };
    struct http2 *http2 = calloc(1, sizeof *http2);
    if (http2 == NULL) {
        return false;
    }
    http2->connection = connection;
    http2->session = new_session(http2);
    if (http2->session == NULL ||
        nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof settings[0]) != 0 ||
        nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
                                              CONNECTION_WINDOW) != 0) {
        nghttp2_session_del(http2->session);
        free(http2);
        return false;
    }
    connection->state = http2;
    return true;
}

static bool http2_take(struct connection *connection, const uint8_t *data, size_t size)
{
    struct http2 *http2 = connection->state;
    http2->taking = true;
    ssize_t taken = nghttp2_session_mem_recv(http2->session, data, size);
    http2->taking = false;
    /* What it makes the node answer by itself, RST_STREAM among it, is not to pile up while it does not read. */
    return taken == (ssize_t)size &&
           nghttp2_session_get_outbound_queue_size(http2->session) <= OUTBOUND_MAX;
}

/* Sends what nghttp2 has ready, a bounded part at a time. */
static void http2_ready(struct connection *connection)
{
    struct http2 *http2 = connection->state;
    const uint8_t *part;
    uint8_t *data = NULL;
    size_t size = 0;
    ssize_t got = 0;
    if (connection->writing || connection->lingering || connection->closed) {
        return;
    }
    http2->taking = true;
    begin_whole(http2);
    while (size < SEND_SIZE_MAX && (got = nghttp2_session_mem_send(http2->session, &part)) > 0) {
        data = realloc(data, size + (size_t)got);
        CHECK(data != NULL);
        memcpy(data + size, part, (size_t)got);
        size += (size_t)got;
    }
    http2->taking = false;
    if (got < 0) {
        free(data);
        connection_close(connection);
    } else if (size > 0) {
        connection_send(connection, data, size);
    } else if (nghttp2_session_want_read(http2->session) == 0) {
        connection_linger(connection);
    }
}

static void http2_tick(struct connection *connection, uint64_t now_ms)
{
    struct http2 *http2 = connection->state;
    for (struct stream *stream = http2->streams; stream != NULL; stream = stream->next) {
        uint64_t quiet = now_ms - stream->since_ms;
        if (!stream->whole && quiet > RPC_ARRIVE_MS) {
            nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream->id,
                                      NGHTTP2_CANCEL);
            if (quiet > 2 * (uint64_t)RPC_ARRIVE_MS) { /* within a head: no reset ends that */
                connection_close(connection);
                return;
            }
        } else if (stream->answer != NULL && quiet > RPC_IDLE_MS) {
            nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream->id,
                                      NGHTTP2_CANCEL);
        }
    }
    if (http2->streams == NULL && now_ms - connection->since_ms > RPC_IDLE_MS) {
        if (http2->ending) {
            connection_close(connection);
            return;
        }
        http2->ending = true;
        nghttp2_session_terminate_session(http2->session, NGHTTP2_NO_ERROR);
    }
    http2_ready(connection);
}

static void http2_gone(struct connection *connection)
{
    struct http2 *http2 = connection->state;
    while (http2->streams != NULL) {
        struct stream *stream = http2->streams;
        http2->streams = stream->next;
        nghttp2_session_set_stream_user_data(http2->session, stream->id, NULL);
        forget(stream);
    }
}

static void http2_free(struct connection *connection)
{
    struct http2 *http2 = connection->state;
    nghttp2_session_del(http2->session);
    free(http2);
}

const struct protocol http2_protocol = {
    .open = http2_open,
    .take = http2_take,
    .ready = http2_ready,
    .answer = http2_answer,
    .tick = http2_tick,
    .gone = http2_gone,
    .free = http2_free,
};
