/* The items of an account: the newest version of each, the versions before, and the item tree.
 *
 * The tree is over the newest versions, so a change replaces a leaf in the middle. The account holds the peaks
 * alone; beside it the roots of each whole run of 64 and of 4,096 items are kept, so that a change reads
 * 64 versions and at most 64 + 64 + 16 nodes, whatever the account holds, and an append writes one node in 64.
 * One owner thread (the executor). */
#ifndef XUELIAN_LEDGER_ITEMS_H
#define XUELIAN_LEDGER_ITEMS_H

#include "ledger/state/account.h"
#include "ledger/state/overlay.h"

/* The newest version of item `number`, from 1. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO.
 * Out  *version  canonical ItemVersion, borrowed until that item changes or the overlay ends. */
enum status items_get(struct overlay *overlay, const struct account *account, uint64_t number,
                      struct bytes *version);

/* Appends an item. version: canonical ItemVersion bytes, copied. Returns its number. */
uint64_t items_append(struct overlay *overlay, struct account *account, struct bytes version);

/* Makes `version` the newest of an item that exists; the one before is kept as its number `before`.
 * Returns  ST_OK; ST_CORRUPT, ST_IO (fatal).  Cost: about 100 us when the run of 64 is whole. */
enum status items_change(struct overlay *overlay, struct account *account, uint64_t number,
                         uint32_t before, struct bytes version);

#endif
