/* The RPC: HTTP/1.1 over TLS for clients, plain on loopback for health and metrics. A loop and a thread of
 * its own; heavy queries go to its own workers, so that none can delay a vote. Routes: docs/openapi.yaml. */
#ifndef XUELIAN_NODE_RPC_H
#define XUELIAN_NODE_RPC_H

#include "node/api.h"

struct rpc;

/* Listens on both addresses (host:port) and starts the thread.
 * Returns  ST_OK; ST_LOCKED (a port in use), ST_BAD_CONFIG (an address), ST_IO, ST_NO_MEMORY.
 * Out      *rpc; error  one sentence that names the address and what to do. */
enum status rpc_start(struct rpc **rpc, struct node *node, const char *listen, const char *local,
                      char *error, size_t error_size);
/* Closes every connection and ends the threads. Called on the node's loop thread. */
void rpc_stop(struct rpc *rpc);
/* When the node answers nothing more: frees it. */
void rpc_free(struct rpc *rpc);

#endif
