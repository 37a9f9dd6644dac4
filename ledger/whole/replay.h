/* The audit's replay: every block of a chain executed again by the real rules, from genesis on, and every root that it
 * gives held to the certified header. One thread at a time owns a replay. */
#ifndef XUELIAN_LEDGER_WHOLE_REPLAY_H
#define XUELIAN_LEDGER_WHOLE_REPLAY_H

#include "ledger/ledger.h"
#include "ledger/store/block_log.h"
#include "ledger/whole/chain.h"
#include "ledger/whole/report.h"

struct replay {
    struct chain chain;
    struct ledger *ledger;
    struct whole_report *report;
    /* The era of the next height. */
    struct validator_set previous_set; /* count 0: era 1 */
    struct hash32 era_base_hash;
    uint64_t rotation_blocks;
};

/* Over an empty store for the state. Returns ST_OK; ST_IO, ST_NO_MEMORY, with error. */
enum status replay_open(struct replay *replay, const struct genesis *genesis, struct kv *state,
                        struct whole_report *report, char *error, size_t error_size);
void replay_close(struct replay *replay);

/* Takes the next block. set_change: as chain_next.
 * Returns  ST_OK; ST_DIVERGED: its transactions give something else than its header says, ST_BAD_CERTIFICATE,
 *          ST_BAD_PROOF, ST_BAD_SIGNATURE: said in the report; ST_CORRUPT, ST_IO.
 * Cost     a signature check for each signer of block and transactions, and the execution. */
enum status replay_block(struct replay *replay, const struct stored_block *block,
                         struct bytes set_change);

#endif
