/* The ledger: a deterministic state machine over agreed blocks.
 *
 * The executor thread executes proposals on overlays of the committed state and applies the one that was
 * agreed. Any number of candidates for the next height may exist side by side; applying one leaves the
 * others worthless. Readers on other threads use ledger/view.h.
 * Nothing here syncs: the state names its height and is replayed from the block log after a crash. */
#ifndef XUELIAN_LEDGER_H
#define XUELIAN_LEDGER_H

#include "ledger/genesis.h"
#include "ledger/store/kv.h"
#include "ledger/tx/rules.h"
#include "proto/block.h"

struct ledger;

/* A block executed and not yet applied. Header, results and what it writes. */
struct ledger_block {
    struct header header;
    struct hash32 hash;
    struct validator_set
        next_set; /* of the next height; equals the current one when nothing changed */
    Xuelian__Params next_params; /* likewise; rotation_blocks changes only where the set does */
    uint32_t protocol_version;   /* announced, 0: none; with its first height */
    uint64_t protocol_height;
    bool details; /* one of its transactions commits to details, or erases some */
    uint32_t tx_count;
    struct hash32 *tx_ids; /* tx_count */
    uint32_t *codes;       /* tx_count: result code of each transaction */
    struct bytes *results; /* tx_count: canonical TxResult */
    void *private_state;
};

/* Opens the ledger over its state store, or creates it from genesis in an empty one.
 * Returns  ST_OK; ST_FOREIGN (the store is of another chain); ST_CORRUPT, ST_IO; ST_NO_MEMORY.
 * In       genesis  borrowed, outlives the ledger.   kv  borrowed.
 * Out      error    one sentence for the operator. */
enum status ledger_open(struct ledger **ledger, struct kv *kv, const struct genesis *genesis,
                        char *error, size_t error_size);
void ledger_close(struct ledger *ledger);

/* Last applied header, its hash, the set and parameters of the next height. Executor thread. */
const struct header *ledger_tip(const struct ledger *ledger);
const struct hash32 *ledger_tip_hash(const struct ledger *ledger);
const struct validator_set *ledger_set(const struct ledger *ledger);
const Xuelian__Params *ledger_params(const struct ledger *ledger);

/* What the block-level checks beyond its form say of a parsed transaction at a height (DESIGN: "refused").
 * Returns  ST_OK; ST_BAD_SIZE (no batch under these parameters can hold it); ST_EXPIRED; ST_TOO_FAR; ST_ID_USED; ST_CORRUPT, ST_IO.
 * Thread   any. */
enum status ledger_check(struct kv *kv, const Xuelian__Params *params, const struct tx *tx,
                         uint64_t height);

/* Deterministic work of a transaction, in units of about 20 us: a signature 2, an item 1. */
uint64_t ledger_work(const struct tx *tx);

struct ledger_proposal {
    struct hash32 parent_hash;
    uint64_t time_ms;
    const struct bytes *txs; /* envelopes, signatures verified by the caller */
    uint32_t count;
};

/* Executes a proposal at tip + 1.
 * Returns  ST_OK, with *block; a status of class BAD when the block breaks a block-level rule (the
 *          proposal is invalid, and *bad_index names the transaction, or count for the block itself);
 *          ST_CONFLICT when parent_hash is not the tip (nothing can be said about it here);
 *          ST_CORRUPT, ST_IO, ST_NO_MEMORY, ST_UPGRADE (fatal).
 * Out      *block  the caller frees it with ledger_block_free unless it is applied.
 * Cost     about 10 us an item. */
enum status ledger_execute(struct ledger *ledger, const struct ledger_proposal *proposal,
                           struct ledger_block **block, uint32_t *bad_index);

/* Makes the block of a recovery at tip + 1, whose form and signatures the caller has checked (docs/protocol.md,
 * section 21). Its header is all that it has of agreement: it follows from the tip and the record.
 * Returns  ST_OK, with *block, as ledger_execute; ST_RECOVERY_BASE when the tip is another block; a status of class
 *          RULE when the records forbid it, with the *member at fault; ST_CORRUPT, ST_IO, ST_UPGRADE (fatal). */
enum status ledger_recover(struct ledger *ledger, const struct recovery *recovery,
                           struct ledger_block **block, uint32_t *member);
void ledger_block_free(struct ledger_block *block);

/* Makes an executed block the tip: one batch, not synced. Frees the block.
 * Returns ST_OK; ST_CONFLICT if its parent is not the tip; ST_IO (fatal). */
enum status ledger_apply(struct ledger *ledger, struct ledger_block *block);

#endif
