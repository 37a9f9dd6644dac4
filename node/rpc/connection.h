/* One connection of the RPC: TCP, TLS, what is written and when it is closed. What the plain bytes mean is its
 * protocol's affair. RPC thread. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_CONNECTION_H
#define XUELIAN_NODE_RPC_CONNECTION_H

#include "node/rpc/server.h"

enum {
    RPC_CONNECTIONS_MAX = 1000,
    RPC_UNDER_WAY_MAX = 2 * RPC_CONNECTIONS_MAX, /* with those whose connection has gone */
    RPC_ARRIVE_MS = 10000,                       /* a handshake, a head or a body that has begun */
    RPC_IDLE_MS = 60000
};

/* HTTP/1.1 or HTTP/2, on plain bytes. */
struct protocol {
    /* The handshake is done. Returns false when there is no memory. */
    bool (*open)(struct connection *connection);
    /* Takes what arrived, and sends nothing yet. Returns false when the other side does not follow the protocol:
     * the connection is closed. */
    bool (*take)(struct connection *connection, const uint8_t *data, size_t size);
    /* What arrived is taken, or what was sent is written: goes on. */
    void (*ready)(struct connection *connection);
    void (*answer)(struct exchange *exchange, int status, const char *content_type,
                   const void *body, size_t size);
    /* Once a second: gives up what takes too long. */
    void (*tick)(struct connection *connection, uint64_t now_ms);
    /* The connection closes: exchanges under way are to forget it. */
    void (*gone)(struct connection *connection);
    void (*free)(struct connection *connection);
};

extern const struct protocol http1_protocol;
extern const struct protocol http2_protocol;

struct connection {
    uv_tcp_t tcp;
    struct rpc *rpc;
    struct connection *next;
    struct tls tls; /* ssl NULL: the local listener */
    bool local;
    bool operator; /* local, and from this machine */
    bool handshaken;
    bool writing;
    bool closing;   /* after what is sent is written; nothing more is taken */
    bool lingering; /* all is written: what still comes is dropped, so that no answer is lost */
    bool closed;
    uint64_t since_ms; /* of what it waits for now */
    uint8_t *out;      /* ciphertext, or plaintext of the local listener, being written */
    const struct protocol *protocol; /* NULL before the handshake */
    void *state;                     /* the protocol's */
    uv_write_t write;
    uv_shutdown_t shutdown;
};

/* A client has come to server. Closes it at once when there are too many. */
void connection_accept(struct rpc *rpc, uv_tcp_t *server);
/* Writes data, malloc'ed, which it takes. Not while `writing`. */
void connection_send(struct connection *connection, uint8_t *data, size_t size);
/* Closes without another word. The connection lives until the loop's next turn. */
void connection_close(struct connection *connection);
/* Ends it in order: nothing more is sent, and what still comes is dropped. Not while `writing`. */
void connection_linger(struct connection *connection);
void connection_tick(struct connection *connection, uint64_t now_ms);

/* A new exchange of the connection, without a body. accept_language may be NULL. */
struct exchange *exchange_new(struct connection *connection);
void exchange_language(struct exchange *exchange, const char *accept_language, size_t size);
/* What Authorization says; what is too long for any use is kept as too long. */
void exchange_authorization(struct exchange *exchange, const char *text, size_t size);
/* Sets path and query from a target. False: too long. */
bool exchange_target(struct exchange *exchange, const char *target, size_t size);
/* A whole request: counts it, and has it answered. */
void exchange_begin(struct exchange *exchange);
/* One that was never begun. */
void exchange_free(struct exchange *exchange);

/* What every answer's head says beside its status, type and length. */
struct answer_field {
    const char *name; /* lower case */
    const char *value;
};
enum { ANSWER_FIELDS_MAX = 5 };
/* exchange may be NULL: none came to be. */
size_t answer_fields(const struct exchange *exchange, int status,
                     struct answer_field fields[ANSWER_FIELDS_MAX]);
const char *http_reason(int status);

#endif
