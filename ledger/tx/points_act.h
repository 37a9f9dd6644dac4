/* What the kinds share that act on a points entry by an ItemAct: fulfil, cancel, reverse, uphold. */
#ifndef XUELIAN_LEDGER_TX_POINTS_ACT_H
#define XUELIAN_LEDGER_TX_POINTS_ACT_H

#include "ledger/tx/points.h"

struct points_act {
    const Xuelian__ItemAct *payload;
    struct account *account;
    struct item item;
    struct points_entry entry;
};

/* One signer, an account in any status, a points entry in the version named.
 * *code: OK; NOT_ALLOWED, UNKNOWN_ACCOUNT, UNKNOWN_ITEM, WRONG_VERSION. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_read_act(struct state *state, const struct tx *tx, uint32_t index,
                            struct points_act *act, uint32_t *code);
/* The entry of a redemption. Returns ST_OK; ST_CORRUPT, ST_IO. Out  in memory (RECORD_MEMORY_SIZE). */
enum status points_read_entry(struct state *state, const struct points_act *act, void *memory,
                              const Xuelian__CatalogueEntry **entry);
/* True when the signer is the entry's provider, or its successor. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_provider(struct state *state, const struct tx *tx,
                            const Xuelian__CatalogueEntry *entry, bool *may);
/* Ends a redemption: points to their lots, units to the stock. *code: OK; LOTS_FULL, VERSIONS_FULL.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_give_back(struct state *state, const struct block_context *context,
                             const struct tx *tx, uint32_t index,
                             const Xuelian__CatalogueEntry *entry, struct points_act *act,
                             uint32_t *code);

#endif
