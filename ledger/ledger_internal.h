/* Shared by ledger.c and execute.c alone. */
#ifndef XUELIAN_LEDGER_INTERNAL_H
#define XUELIAN_LEDGER_INTERNAL_H

#include "ledger/ledger.h"

struct ledger {
    struct kv *kv;
    struct header tip;
    struct hash32 tip_hash;
    struct validator_set set; /* of the next height */
    Xuelian__Params params;
    uint32_t protocol_version;      /* to come, from protocol_height on; 0: none is announced */
    uint64_t protocol_height;       /* of the next height */
    struct merkle_frontier history; /* over the hashes of heights 0 to tip - 1 */
    void *tx_arena;
};

void ledger_put_tip(struct overlay *overlay, const struct header *header, const struct hash32 *hash,
                    const struct next_height *next, const struct merkle_frontier *history);

#endif
