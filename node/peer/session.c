#include "node/peer/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/check.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"

/* Bytes that may wait in each class. Full: the frame is dropped and the resend repairs it. */
static const size_t queue_size_max[SESSION_CLASSES] = {8u << 20, 32u << 20, 32u << 20, 16u << 20};

/* TCP waits ever longer before it sends again what was not acknowledged: after a cut of minutes, for minutes. A
 * connection that gets nothing through for this long is given up, and dialled anew. */
enum { UNACKNOWLEDGED_MS = 5000 };

static void give_up_early(struct session *session)
{
    uv_os_fd_t file = -1;
    unsigned span_ms = UNACKNOWLEDGED_MS;
    if (uv_fileno((const uv_handle_t *)&session->tcp, &file) == 0) {
        /* It concerns speed alone: a system that refuses keeps its own patience. */
        (void)setsockopt(file, IPPROTO_TCP, TCP_USER_TIMEOUT, &span_ms, sizeof span_ms);
    }
}

static unsigned class_of(uint8_t type)
{
    switch (type) {
    case XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST:
    case XUELIAN__PEER_TYPE__PEER_TYPE_BODIES:
        return 1;
    case XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST:
    case XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS:
    case XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_REQUEST:
    case XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_ANSWER:
        return 2;
    case XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS:
        return 3;
    default: /* Hello, votes, view changes, status */
        return 0;
    }
}

static struct session *session_new(struct peers *peers, uv_loop_t *loop, SSL_CTX *context,
                                   bool dialled)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->peers = peers;
    session->dialled = dialled;
    session->known = -1;
    session->opened_ms = uv_now(loop);
    session->heard_ms = session->opened_ms;
    for (int i = 0; i < SESSION_CLASSES; i++) {
        session->tail[i] = &session->queue[i];
    }
    if (tls_open(&session->tls, context, dialled) != ST_OK) {
        free(session);
        return NULL;
    }
    CHECK(uv_tcp_init(loop, &session->tcp) == 0);
    session->tcp.data = session;
    return session;
}

static void closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    session_event_closed(session);
    for (int i = 0; i < SESSION_CLASSES; i++) {
        while (session->queue[i] != NULL) {
            struct outgoing *next = session->queue[i]->next;
            free(session->queue[i]);
            session->queue[i] = next;
        }
    }
    tls_close(&session->tls);
    free(session->body);
    free(session);
}

void session_close(struct session *session)
{
    session->state = SESSION_CLOSED;
    if (!uv_is_closing((uv_handle_t *)&session->tcp)) {
        uv_close((uv_handle_t *)&session->tcp, closed);
    }
}

static void flush(struct session *session);

static void written(uv_write_t *request, int status)
{
    struct session *session = request->data;
    session->writing = false;
    if (status < 0) {
        session_close(session);
    } else if (session->state != SESSION_CLOSED) {
        flush(session);
    }
}

/* Encrypts the next frame when nothing is waiting to leave, so that a vote overtakes what is queued. */
static enum status encrypt_next(struct session *session)
{
    for (int i = 0; i < SESSION_CLASSES; i++) {
        struct outgoing *frame = session->queue[i];
        if (frame == NULL) {
            continue;
        }
        session->queue[i] = frame->next;
        if (frame->next == NULL) {
            session->tail[i] = &session->queue[i];
        }
        session->queued[i] -= frame->size;
        enum status status = tls_write(&session->tls, frame->data, frame->size);
        free(frame);
        return status;
    }
    return ST_OK;
}

static void flush(struct session *session)
{
    if (session->writing || session->state == SESSION_CLOSED ||
        session->state == SESSION_CONNECTING) {
        return;
    }
    if (session->state >= SESSION_HELLO && tls_pending(&session->tls) == 0 &&
        encrypt_next(session) != ST_OK) {
        session_close(session);
        return;
    }
    size_t size = tls_take(&session->tls, session->chunk, sizeof session->chunk);
    if (size == 0) {
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)session->chunk, (unsigned)size);
    session->write.data = session;
    session->writing = true;
    if (uv_write(&session->write, (uv_stream_t *)&session->tcp, &buffer, 1, written) != 0) {
        session->writing = false;
        session_close(session);
    }
}

bool session_send(struct session *session, uint8_t type, struct bytes body)
{
    unsigned class = class_of(type);
    size_t size = FRAME_HEADER_SIZE + body.size;
    if (session->state == SESSION_CLOSED || body.size > frame_body_size_max(type) ||
        session->queued[class] + size > queue_size_max[class]) {
        return false;
    }
    struct outgoing *frame = malloc(sizeof *frame + size);
    if (frame == NULL) {
        return false;
    }
    frame->next = NULL;
    frame->size = size;
    frame_header_put(frame->data, type, (uint32_t)body.size);
    if (body.size > 0) {
        memcpy(frame->data + FRAME_HEADER_SIZE, body.data, body.size);
    }
    *session->tail[class] = frame;
    session->tail[class] = &frame->next;
    session->queued[class] += size;
    flush(session);
    return true;
}

bool session_room(const struct session *session, uint8_t type)
{
    unsigned class = class_of(type);
    return session->queued[class] <= queue_size_max[class] / 2;
}

/* Before identity is known only a Hello may come, and only of its size. */
static bool begin_body(struct session *session)
{
    uint32_t size = 0;
    if (frame_header_get(session->head, &session->type, &size) != ST_OK) {
        return false;
    }
    bool hello = session->type == XUELIAN__PEER_TYPE__PEER_TYPE_HELLO;
    if (hello != (session->state == SESSION_HELLO)) {
        return false;
    }
    session->body = malloc(size > 0 ? size : 1);
    session->body_size = size;
    session->body_got = 0;
    return session->body != NULL;
}

/* Cuts plaintext into frames. Returns false when the peer broke the rules. */
static bool take_plaintext(struct session *session, const uint8_t *data, size_t size)
{
    while (size > 0 || (session->body != NULL && session->body_got == session->body_size)) {
        if (session->body == NULL) {
            size_t part = FRAME_HEADER_SIZE - session->head_size;
            part = part < size ? part : size;
            memcpy(session->head + session->head_size, data, part);
            session->head_size += part;
            data += part;
            size -= part;
            if (session->head_size == FRAME_HEADER_SIZE && !begin_body(session)) {
                return false;
            }
            continue;
        }
        size_t part = session->body_size - session->body_got;
        part = part < size ? part : size;
        if (part > 0) {
            memcpy(session->body + session->body_got, data, part);
        }
        session->body_got += part;
        data += part;
        size -= part;
        if (session->body_got == session->body_size) {
            uint8_t *body = session->body;
            session->body = NULL;
            session->head_size = 0;
            session_event_frame(session, session->type,
                                (struct bytes){.data = body, .size = session->body_size});
            free(body);
            if (session->state == SESSION_CLOSED) {
                return true;
            }
        }
    }
    return true;
}

static bool pump(struct session *session)
{
    static uint8_t plaintext[SESSION_CHUNK];
    if (session->state == SESSION_TLS) {
        enum status status = tls_handshake(&session->tls);
        if (status == ST_OK) {
            session->state = SESSION_HELLO;
            session_event_ready(session);
        } else if (status != ST_FUTURE) {
            return false;
        }
    }
    while (session->state == SESSION_HELLO || session->state == SESSION_UP) {
        int got = tls_read(&session->tls, plaintext, sizeof plaintext);
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            break;
        }
        if (!take_plaintext(session, plaintext, (size_t)got)) {
            return false;
        }
    }
    return true;
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char memory[SESSION_CHUNK]; /* read is called before the next allocate of this loop */
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void arrived(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct session *session = stream->data;
    if (size == 0 || session->state == SESSION_CLOSED) {
        return;
    }
    if (size < 0) {
        session_close(session);
        return;
    }
    bool stuck = session->writing;
    size_t before = tls_pending(&session->tls);
    session->heard_ms = uv_now(stream->loop);
    if (tls_feed(&session->tls, (const uint8_t *)buffer->base, (size_t)size) != ST_OK ||
        !pump(session) ||
        !tls_forced(&session->tls, stuck || session->state < SESSION_UP, before)) {
        session_close(session);
        return;
    }
    if (session->state != SESSION_CLOSED) {
        flush(session);
    }
}

static void begin(struct session *session)
{
    session->state = SESSION_TLS;
    give_up_early(session);
    uv_tcp_nodelay(&session->tcp, 1);
    if (uv_read_start((uv_stream_t *)&session->tcp, allocate, arrived) != 0 || !pump(session)) {
        session_close(session);
        return;
    }
    flush(session);
}

struct session *session_accept(struct peers *peers, uv_loop_t *loop, uv_stream_t *server,
                               SSL_CTX *context)
{
    struct session *session = session_new(peers, loop, context, false);
    if (session == NULL) {
        return NULL;
    }
    if (uv_accept(server, (uv_stream_t *)&session->tcp) != 0) {
        session_close(session);
        return session;
    }
    begin(session);
    return session;
}

static void connected(uv_connect_t *request, int status)
{
    struct session *session = request->data;
    if (session->state == SESSION_CLOSED) {
        return;
    }
    if (status < 0) {
        session_close(session);
        return;
    }
    begin(session);
}

struct session *session_dial(struct peers *peers, uv_loop_t *loop, const struct sockaddr *address,
                             SSL_CTX *context)
{
    struct session *session = session_new(peers, loop, context, true);
    if (session == NULL) {
        return NULL;
    }
    session->connect.data = session;
    if (uv_tcp_connect(&session->connect, &session->tcp, address, connected) != 0) {
        session_close(session);
    } else {
        give_up_early(session); /* of dialling, too */
    }
    return session;
}
