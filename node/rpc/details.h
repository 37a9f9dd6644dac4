/* Details over the RPC. Private to node/rpc. */
#ifndef XUELIAN_NODE_RPC_DETAILS_H
#define XUELIAN_NODE_RPC_DETAILS_H

#include "node/rpc/query.h"

/* ?disclose=: names or numbers with commas between them, or all. False when it is none of these. Absent: none. */
bool parameter_details(const struct exchange *exchange, struct proof_details *details);

/* For struct proof_details. context: struct details_store. */
enum status details_for_proof(void *context, struct bytes version, uint8_t **bytes, size_t *size);

void route_item_details(struct exchange *exchange, char *arguments[]);

#endif
