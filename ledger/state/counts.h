/* Counts that rules need beside the items that they follow from: indexes of 8 bytes, made again by replay, not part of
 * the state root. One owner thread (the executor). */
#ifndef XUELIAN_LEDGER_COUNTS_H
#define XUELIAN_LEDGER_COUNTS_H

#include "ledger/state/account.h"
#include "ledger/state/overlay.h"

/* 'X' letter, account position, and up to 12 bytes more: see ledger/state/keys.h. */
struct count_key {
    char letter;
    uint64_t item;   /* of 'u' */
    uint32_t first;  /* series, member or entry */
    uint32_t second; /* programme or year */
};

/* Returns ST_OK, 0 when it was never written; ST_CORRUPT, ST_IO. */
enum status count_get(struct overlay *overlay, const struct account *account,
                      const struct count_key *key, uint64_t *count);
void count_put(struct overlay *overlay, const struct account *account, const struct count_key *key,
               uint64_t count);
/* Adds to a count, or takes away what was added before. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status count_change(struct overlay *overlay, const struct account *account,
                         const struct count_key *key, uint64_t by, bool add);

#endif
