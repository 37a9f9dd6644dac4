/* Details as a node keeps them: a store of their own, from which they can be erased.
 *
 * Keys, numbers big-endian:
 *   'D' account, issuer, root   canonical Details
 *   'P' account, issuer, root   put there for a proposal, which may yet fail: its height, the highest if there were more
 *   'W' account, issuer, root   committed to by a block, and not here: to be got from peers
 *   'E' account                 something of the account was erased: its range is still to be compacted
 *   'H'                         height of the newest block that was settled
 *
 * An erasure deletes values and salts at once, so that nobody is told them any more, and then has the range of the
 * account compacted twice, with something new at both its ends between: LevelDB may leave a deleted value and its
 * deletion side by side in one file of its lowest level, where only what lies above makes it look again.
 *
 * Written by one thread (the details thread), which alone iterates; read by any. What is asked for is given by its
 * root, so no answer need be trusted. */
#ifndef XUELIAN_LEDGER_DETAILS_STORE_H
#define XUELIAN_LEDGER_DETAILS_STORE_H

#include "ledger/store/kv.h"
#include "ledger/tx/details.h"

struct details_store;

/* Over a store that the caller opened; it is closed with this one. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status details_store_open(struct details_store **store, struct kv *kv);
void details_store_close(struct details_store *store);

/* Height of the newest block that was settled. Details thread, or before it runs. */
uint64_t details_store_height(const struct details_store *store);

/* Canonical Details, freed with kv_free. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. Any thread. */
enum status details_store_get(struct details_store *store, const struct details_key *key,
                              uint8_t **bytes, size_t *size);

/* ---- Before PREPARE: what a proposal of a height that was not settled commits to ---- */

/* Adds to what details_store_sync makes durable. bytes: checked against the root. */
enum status details_store_propose(struct details_store *store, uint64_t height,
                                  const struct details_key *key, struct bytes bytes);
/* Returns ST_OK when all of it is on disk; ST_IO (fatal). */
enum status details_store_sync(struct details_store *store);

/* ---- After a block: its transactions in order, then the end ---- */

/* A committed outcome's. bytes: when they are at hand, checked; size 0: what is not here is wanted. */
enum status details_store_accept(struct details_store *store, const struct details_key *key,
                                 struct bytes bytes);
/* Deletes them, and no longer wants them: on disk when details_store_settle returns. */
enum status details_store_erase(struct details_store *store, const struct details_key *key);
/* Ends a block: what was proposed up to its height and not accepted goes; what was proposed above it stays.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status details_store_settle(struct details_store *store, uint64_t height);

/* ---- Getting what is wanted ---- */

enum { DETAILS_ASK_MAX = 64 };
/* Up to DETAILS_ASK_MAX wanted ones, from where the last call ended; it begins again after the last one.
 * Out  *count. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status details_store_wanted(struct details_store *store, struct details_key *keys,
                                 uint32_t *count);
/* Keeps what came, when its root is that of one of the keys and it is wanted still. *taken counts. */
enum status details_store_fill(struct details_store *store, const struct details_key *keys,
                               uint32_t count, struct bytes bytes, uint32_t *taken);
/* Notes that a reader missed one. */
enum status details_store_want(struct details_store *store, const struct details_key *key);

/* ---- Compacting what was erased ---- */

/* The next account to compact. False: none. */
bool details_store_erased(struct details_store *store, struct hash32 *account);
/* Rewrites the files of an account's range. Any thread, while the details thread goes on; 10 to 200 ms. */
void details_store_compact(struct details_store *store, const struct hash32 *account);
/* Between the two, and after them. Details thread. Returns ST_OK; ST_IO (fatal). */
enum status details_store_compacting(struct details_store *store, const struct hash32 *account);
enum status details_store_compacted(struct details_store *store, const struct hash32 *account);

/* ---- After a restore ---- */

/* Asks keep about each of the store's details: those that it says no to are erased, but for what was proposed above the
 * height, and no longer wanted; those that it says yes to stay, whatever becomes of a proposal that has them too. For a
 * store whose block log does not reach back to its height: the state says which are wanted still.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status details_store_sweep(struct details_store *store, uint64_t height,
                                bool (*keep)(void *context, const struct details_key *key),
                                void *context);

#endif
