/* The accounts of one learner: those that were merged into another, and the one they lead to. What rules count by
 * learner is counted where it happened and summed over all of them. */
#ifndef XUELIAN_LEDGER_TX_FAMILY_H
#define XUELIAN_LEDGER_TX_FAMILY_H

#include "ledger/state/counts.h"
#include "ledger/tx/rules.h"

/* What this link of an account names is merged into it from now on. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status family_add(struct state *state, const struct account *account, uint64_t link);

/* The sum of a count over an account and all that were merged into it, or into those.
 * Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: a read for each; one when nothing was merged. */
enum status family_count(struct state *state, const struct account *account,
                         const struct count_key *key, uint64_t *count);

/* The account that an account was merged into; itself when it was not. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status family_next(struct state *state, struct account *account, struct account **next);
/* The same, on to the one that was not merged. */
enum status family_end(struct state *state, struct account *account, struct account **end);

#endif
