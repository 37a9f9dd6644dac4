/* A node's data directory: who uses it, the state, the block log, the vote journal; and bringing the state
 * to where the log is. Each failure is one sentence that says what to do. Before the node's threads run. */
#ifndef XUELIAN_NODE_STORE_H
#define XUELIAN_NODE_STORE_H

#include "node/node.h"

/* Locks the directory, opens log, state and journal, replays what the state lacks.
 * In   node  with configuration, genesis and key.
 * Out  the stores in node; no journal when it is not whole: the node may follow and never vote.
 * Returns  ST_OK; ST_NOT_FOUND (no data directory); ST_LOCKED; ST_FOREIGN; ST_CORRUPT; ST_DIVERGED; ST_IO. */
enum status store_open(struct node *node, char error[NODE_ERROR_SIZE]);
void store_close(struct node *node);

/* Makes the directory and the vote journal of a new node; never over an old one, but over what an init left
 * that was interrupted. Returns ST_OK; ST_CONFLICT; ST_IO. */
enum status store_create(struct node *node, uint64_t incarnation, char error[NODE_ERROR_SIZE]);

/* Locks the directory alone. Returns ST_OK; ST_NOT_FOUND; ST_LOCKED. */
enum status store_lock(struct node *node, char error[NODE_ERROR_SIZE]);
/* The highest incarnation that the journal's files or the member record in the state give this key, as far
 * as they can be read. Returns ST_OK; ST_NOT_FOUND. */
enum status store_incarnation(struct node *node, uint64_t *incarnation);
/* Puts the vote journal aside and makes one of a new incarnation, in a locked directory.
 * Returns ST_OK; ST_FOREIGN; ST_IO. */
enum status store_renew(struct node *node, uint64_t incarnation, char error[NODE_ERROR_SIZE]);

#endif
