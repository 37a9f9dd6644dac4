/* Listeners, connections and exchanges of the RPC's loop. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_SERVER_H
#define XUELIAN_NODE_RPC_SERVER_H

#include "node/rpc/rpc.h"
#include "node/tls.h"

struct connection;
struct query;
struct query_log;

/* One request and its answer. Lives until answered, even when its connection has gone. */
struct exchange {
    struct rpc *rpc;
    struct connection *connection; /* NULL: gone; the answer is dropped */
    void *stream;                  /* of HTTP/2, or NULL */
    bool chinese;                  /* Accept-Language prefers zh */
    bool personal;                 /* the route is about a person: query_may_read is asked */
    bool local;                    /* came by the local listener, from this machine */
    char method[16];
    char path[512];
    char query[512];
    char what[64];       /* personal: the address below the account */
    char *receipt;       /* malloc'ed, or NULL */
    char *authorization; /* malloc'ed, or NULL */
    uint8_t *body;       /* malloc'ed; a handler may take it and set NULL */
    size_t body_size;
};

struct rpc {
    struct node *node;
    uv_loop_t loop;
    uv_thread_t thread;
    struct inbox inbox;
    struct worker *queries;
    SSL_CTX *context;
    struct hash32 certificate; /* SHA-256 of its DER form */
    struct sig64 endorsement;  /* by the node key */
    uv_tcp_t tls_server;
    uv_tcp_t local_server;
    uv_timer_t timer;
    struct connection *connections;
    uint32_t connection_count;
    struct query_log *query_log;
    struct worker *log_worker; /* of the query log */
    struct query *unlogged;    /* answered when the log has them */
    bool logging;
    bool anchoring;
    uint64_t anchor_tried_ms;
    uint32_t under_way;  /* exchanges not answered yet */
    size_t answers_held; /* bytes of answers that HTTP/2 clients have not read */
    struct task stop_task;
    bool stopping;
};

/* Answers and frees the exchange. body is copied. RPC thread. */
void exchange_answer(struct exchange *exchange, int status, const char *content_type,
                     const void *body, size_t size);
/* RFC 9457 problem from the error table; detail may be NULL. Picks the HTTP status by the class. */
void exchange_problem(struct exchange *exchange, int http_status, enum status status,
                      const char *detail);

/* Finds the route and begins to answer. RPC thread. */
void routes_dispatch(struct exchange *exchange);

#endif
