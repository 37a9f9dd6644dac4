/* What the groups of routes share. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_ROUTES_H
#define XUELIAN_NODE_RPC_ROUTES_H

#include <jansson.h>

#include "node/rpc/server.h"

/* Answers with an object, which it takes. */
void exchange_json(struct exchange *exchange, int status, json_t *object);
json_t *problem_json(bool chinese, int http_status, enum status status, const char *detail);
int http_status_of(enum status status);
/* A decimal query parameter. False when absent or not a number. */
bool parameter_u64(const struct exchange *exchange, const char *name, uint64_t *value);
bool parse_u64(const char *text, uint64_t *value);

/* query.c: reads of committed state, on the query workers. */
void route_archive(struct exchange *exchange, char *arguments[]);
void route_archive_proof(struct exchange *exchange, char *arguments[]);
void route_item_proof(struct exchange *exchange, char *arguments[]);
void route_absence_proof(struct exchange *exchange, char *arguments[]);
void route_block(struct exchange *exchange, char *arguments[]);
void route_blocks(struct exchange *exchange, char *arguments[]);

/* govern.c: proposals of governance and evidence, likewise. */
void route_proposals(struct exchange *exchange, char *arguments[]);
void route_proposal(struct exchange *exchange, char *arguments[]);

#endif
