/* One connection: TCP, TLS, frames, queues. Private to node/peer; peers.c owns the sessions. */
#ifndef XUELIAN_NODE_SESSION_H
#define XUELIAN_NODE_SESSION_H

#include "node/peer/hello.h"
#include "node/peer/peers.h"
#include "node/tls.h"

enum {
    SESSION_CLASSES = 4, /* votes, bodies, sync, transactions */
    SESSION_CHUNK = 65536
};

enum session_state {
    SESSION_CONNECTING,
    SESSION_TLS,
    SESSION_HELLO, /* ours is sent, theirs is awaited */
    SESSION_UP,
    SESSION_CLOSED
};

struct outgoing {
    struct outgoing *next;
    size_t size;
    uint8_t data[]; /* frame header and body */
};

struct session {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct peers *peers;
    struct session *next; /* list of peers */
    struct tls tls;
    enum session_state state;
    bool dialled; /* by this node */
    bool writing;
    int32_t known; /* index in peers, -1: not known yet */
    struct hello theirs;
    uint64_t opened_ms;
    uint64_t heard_ms;
    struct outgoing *queue[SESSION_CLASSES];
    struct outgoing **tail[SESSION_CLASSES];
    size_t queued[SESSION_CLASSES]; /* bytes */
    uint8_t chunk[SESSION_CHUNK];   /* ciphertext being written */
    uint8_t head[5];                /* of the frame being read */
    size_t head_size;
    uint8_t *body;
    size_t body_size;
    size_t body_got;
    uint8_t type;
};

/* What peers.c is told. */
void session_event_ready(struct session *session); /* TLS is done: send the Hello */
void session_event_frame(struct session *session, uint8_t type, struct bytes body);
void session_event_closed(struct session *session); /* the struct is freed after it returns */

struct session *session_accept(struct peers *peers, uv_loop_t *loop, uv_stream_t *server,
                               SSL_CTX *context);
struct session *session_dial(struct peers *peers, uv_loop_t *loop, const struct sockaddr *address,
                             SSL_CTX *context);
/* Copies a frame into its queue. Returns false when the queue is full or the body beyond its type's limit. */
bool session_send(struct session *session, uint8_t type, struct bytes body);
/* Whether the queue of a type is at most half full. */
bool session_room(const struct session *session, uint8_t type);
void session_close(struct session *session);

#endif
