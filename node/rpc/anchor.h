/* The node puts the head of its query log on the chain, by itself: transaction kind 67, signed with the node key.
 * Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_ANCHOR_H
#define XUELIAN_NODE_RPC_ANCHOR_H

#include "node/rpc/server.h"

/* Once a second: anchors the head when it has grown and the last attempt is query_anchor_seconds ago. Loop thread. */
void anchor_tick(struct rpc *rpc, uint64_t now_ms);

#endif
