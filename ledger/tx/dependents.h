/* What rests on an item: recognitions, conversions and points of the same account. When the item is corrected,
 * suspended or revoked, what rests on it and is valid is put under review (待复核) in the same transaction, and
 * stays so until it is decided again, also when the item is restored.
 *
 * What rests on a recognition rests on its outcome too, so one step reaches everything. An index, not part of the
 * state root: replaying the blocks makes it again. */
#ifndef XUELIAN_LEDGER_TX_DEPENDENTS_H
#define XUELIAN_LEDGER_TX_DEPENDENTS_H

#include "ledger/tx/rules.h"

/* Room for one more item that rests on `source`, an item of the account. *code: OK; UNKNOWN_ITEM; DEPENDENTS_FULL
 * when LIMIT_DEPENDENTS_MAX items rest on it, or on the outcome it rests on itself: those refused, revoked or ended
 * do not count.
 * Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: a read of each when the list is full, else two. */
enum status dependents_check(struct state *state, const struct account *account, uint64_t source,
                             uint32_t *code);

/* `dependent` rests on `source` from now on; there is room. Twice is once.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status dependents_add(struct state *state, const struct account *account, uint64_t source,
                           uint64_t dependent);

/* Whether nothing rests on an item that a change of it would reach: for bulk kinds, each of whose items costs the same.
 * *code: OK; HAS_DEPENDENTS. Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: a read of each that ever rested on it. */
enum status dependents_none(struct state *state, const struct account *account, uint64_t source,
                            uint32_t *code);

/* Puts what rests on `source` and is valid or corrected under review.
 * Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: LIMIT_DEPENDENTS_MAX changes of an item at most. */
enum status dependents_review(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, struct account *account,
                              uint64_t source);

#endif
