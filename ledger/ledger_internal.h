/* Shared by ledger.c and execute.c alone. */
#ifndef XUELIAN_LEDGER_INTERNAL_H
#define XUELIAN_LEDGER_INTERNAL_H

#include "ledger/ledger.h"

struct ledger {
    struct kv *kv;
    struct header tip;
    struct hash32 tip_hash;
    struct validator_set set; /* of the next height */
    Xuelian__Params params; /* of the next height */
    struct merkle_frontier history; /* over the hashes of heights 0 to tip - 1 */
    void *tx_arena;
};

void ledger_put_tip(struct overlay *overlay, const struct header *header,
                    const struct validator_set *set, const Xuelian__Params *params,
                    const struct merkle_frontier *history);

#endif
