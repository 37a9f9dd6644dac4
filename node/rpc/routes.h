/* What the groups of routes share. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_ROUTES_H
#define XUELIAN_NODE_RPC_ROUTES_H

#include <jansson.h>

#include "node/rpc/server.h"

/* Answers with an object, which it takes. */
void exchange_json(struct exchange *exchange, int status, json_t *object);
json_t *problem_json(bool chinese, int http_status, enum status status, const char *detail);
int http_status_of(enum status status);

enum {
    ROUTE_BLOCKS_MAX = 100,
    ROUTE_PROPOSALS_MAX = 50,
    ROUTE_QUERIES_MAX = 100
}; /* in one answer */

/* A query parameter that a route takes: a decimal number of at most max, or text that the handler checks. */
struct parameter {
    const char *name;
    uint64_t max;
};
#define PARAMETER_TEXT 0
enum { PARAMETERS_MAX = 16 };
/* Every parameter is known, stands once, and is in its range. known: ends with a NULL name, or is NULL.
 * Returns false with one sentence in detail. */
bool parameters_check(const struct exchange *exchange, const struct parameter *known, char *detail,
                      size_t room);
/* A checked parameter. False when absent. */
bool parameter_u64(const struct exchange *exchange, const char *name, uint64_t *value);
bool parse_u64(const char *text, uint64_t *value);

/* query.c: reads of committed state, on the query workers. */
void route_archive(struct exchange *exchange, char *arguments[]);
void route_archive_proof(struct exchange *exchange, char *arguments[]);
void route_item_proof(struct exchange *exchange, char *arguments[]);
void route_absence_proof(struct exchange *exchange, char *arguments[]);
void route_block(struct exchange *exchange, char *arguments[]);
void route_blocks(struct exchange *exchange, char *arguments[]);

/* recoveries.c: all recoveries of this chain; and one, from canonical SignedRecovery, NULL when it is none. */
void route_recoveries(struct exchange *exchange, char *arguments[]);
json_t *recovery_json(struct bytes bytes);

/* proofs.c: of transactions, validator sets and conversions, likewise. */
void route_transaction_proof(struct exchange *exchange, char *arguments[]);
void route_sets_proof(struct exchange *exchange, char *arguments[]);
void route_proposal_proof(struct exchange *exchange, char *arguments[]);
void route_conversion_proof(struct exchange *exchange, char *arguments[]);

/* statistics.c: likewise. */
void route_statistics(struct exchange *exchange, char *arguments[]);
void route_statistics_proof(struct exchange *exchange, char *arguments[]);
void route_range_proof(struct exchange *exchange, char *arguments[]);

/* govern.c: proposals of governance and evidence, likewise. */
void route_proposals(struct exchange *exchange, char *arguments[]);
void route_proposal(struct exchange *exchange, char *arguments[]);

/* evidence.c: evidence against validators that this node keeps. */
void route_evidence_list(struct exchange *exchange, char *arguments[]);
void route_evidence(struct exchange *exchange, char *arguments[]);

#endif
