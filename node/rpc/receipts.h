/* Answers about persons leave when they are in the query log, each with its receipt. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_RECEIPTS_H
#define XUELIAN_NODE_RPC_RECEIPTS_H

#include "node/rpc/query.h"

/* Answers a query that was permitted, when its entry is on disk. Takes the query. Those that come while others are
 * being written share the next sync. Loop thread. */
void receipts_answer(struct query *query);

/* GET /v1/accounts/{}/queries: who looked (查询记录). */
void route_queries(struct exchange *exchange, char *arguments[]);

#endif
