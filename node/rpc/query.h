/* A read of committed state on a query worker, at a snapshot. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_QUERY_H
#define XUELIAN_NODE_RPC_QUERY_H

#include "ledger/access.h"
#include "ledger/proof.h"
#include "node/rpc/routes.h"

/* What is asked for and what is answered. A copy is made for the worker. */
struct query {
    struct task task;
    struct exchange *exchange;
    void (*read)(struct query *query);
    struct hash32 id; /* of a learner, or of a transaction */
    uint64_t number;
    uint64_t limit;
    bool issuer;
    struct statistics_query statistics; /* of statistics; region, kind and level as asked for */
    bool filters[3];                    /* whether region, kind, level were */
    bool small;          /* without the set changes, which the client has in a history file */
    const char *missing; /* what to say when a proof cannot be built for want of something */
    /* Where it is about a person: set when the client may have the answer. */
    bool permitted;
    struct reader reader;
    uint64_t height;    /* of the state that was read */
    uint64_t time_ms;   /* of the answer */
    struct query *next; /* waiting for the query log */
    void *input;        /* or NULL; `drop` frees it in the end */
    void (*drop)(void *input);
    struct proof_details details; /* that a proof shows */
    int http_status;
    const char *content_type;
    uint8_t *answer; /* malloc'ed */
    size_t size;
};

/* Has it read on a worker, and answers with what `read` sets; 503 when too many wait. Loop thread. */
void query_start(struct exchange *exchange, struct query request);

/* Answers with what is set, and frees the query. Loop thread. */
void query_answer(struct query *query);

/* For read: builds a proof at the newest certified block and answers with it. Query worker.
 * build: returns ST_OK with query->answer and size; ST_NOT_FOUND, ST_CONFLICT with query->missing; and others. */
void query_prove(struct query *query,
                 enum status (*build)(struct query *query, const struct ledger_view *view,
                                      const struct proof_anchor *anchor,
                                      const struct proof_source *source));

/* For read: the answer. object is taken. Query worker. */
void query_json(struct query *query, int status, json_t *object);
void query_problem(struct query *query, enum status status, const char *detail);

#endif
