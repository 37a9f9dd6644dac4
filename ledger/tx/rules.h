/* The rules of state: what each kind of transaction checks and changes (ledger.md sections 2 and 3).
 * The order of checks is part of the protocol: docs/protocol.md lists it, tests hold it. */
#ifndef XUELIAN_LEDGER_TX_RULES_H
#define XUELIAN_LEDGER_TX_RULES_H

#include "ledger/state/state.h"
#include "ledger/tx/envelope.h"

struct block_context {
    uint64_t height;
    uint32_t date; /* YYYYMMDD at UTC+8 of the block's time */
};

/* One transaction's result: codes of the error table, never a fatal one. */
struct tx_outcome {
    uint32_t code;
    uint32_t item_codes[LIMIT_BULK_ITEMS_MAX]; /* when code is OK; item_count of them */
};

/* Checks and applies one transaction.
 * Returns  ST_OK, with *outcome; ST_CORRUPT, ST_IO when the store failed (fatal).
 * A refused transaction or item changes nothing. */
enum status tx_apply(struct state *state, const struct block_context *context, const struct tx *tx,
                     struct tx_outcome *outcome);

/* Of one item, for a member that may make it. *code: OK or the rule that refused it. */
enum status account_open_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code);
enum status deposit_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code);

/* Civil dates, YYYYMMDD. */
bool date_valid(uint32_t date);
uint32_t date_of_time(uint64_t time_ms); /* at UTC+8 */

#endif
