/* The node's store of details: what a block does to it, and what readers are told. */
#ifndef XUELIAN_NODE_DETAILS_H
#define XUELIAN_NODE_DETAILS_H

#include "ledger/store/details_store.h"
#include "ledger/view.h"
#include "node/node.h"

/* What one block does to the store: its outcomes' details are kept or wanted, its erasures carried out, what was proposed
 * beside it forgotten. The state has the block.
 * In   bodies  count of them, by the transactions' places: NULL, or a body with details; or NULL altogether.
 * Returns  ST_OK; ST_NOT_FOUND (no such block in the log); ST_CORRUPT, ST_IO. Details thread, or before it runs. */
enum status details_settle(struct node *node, uint64_t height, struct body *const *bodies,
                           uint32_t count);

/* Before the node serves: blocks that the store has not seen, erasures among them, are settled. When the log does not
 * reach back so far, what the state does not want any more is erased. error: one sentence. */
enum status details_catch_up(struct node *node, char error[NODE_ERROR_SIZE]);

/* Puts the details of a stored transaction beside it again, for the pool.
 * Returns ST_OK with *bytes malloc'ed; ST_NOT_FOUND: some are not here; ST_CORRUPT, ST_IO. */
enum status details_assemble(struct node *node, const struct tx *tx, uint8_t **bytes, size_t *size);

/* The details of an item's version. Any thread.
 * Returns  ST_OK with *bytes, freed with kv_free, and *key; ST_NO_DETAILS; ST_DETAILS_ERASED; ST_DETAILS_NOT_HELD, with
 *          *key: not here; ST_CORRUPT, ST_IO. */
enum status details_of_version(struct details_store *store, struct bytes version,
                               struct details_key *key, uint8_t **bytes, size_t *size);

#endif
