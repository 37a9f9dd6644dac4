/* verify-store: a state held to itself and to the certified header that names its root.
 *
 * Everything is read: each leaf and page of every collection up to the state root, each record, item and version
 * under its leaf, the order of keys, the indexes that rules look up, the statistics. The log is held to the chain of
 * certificates from genesis on in log_check.h. Reading goes through each range of keys once, in order.
 * Any thread, over a snapshot: the node may go on. */
#ifndef XUELIAN_LEDGER_WHOLE_CHECK_H
#define XUELIAN_LEDGER_WHOLE_CHECK_H

#include "ledger/genesis.h"
#include "ledger/view.h"
#include "ledger/whole/report.h"

/* Checks the state at a view, whose header is taken for true.
 * date_of (may be NULL): the date of the block at a height, YYYYMMDD, or 0 when it is not known here; without it
 * accounts opened are not counted by year. It is asked about ascending heights, mostly.
 * Returns  ST_OK; ST_CORRUPT: the first damage is in the report; ST_IO.
 * Cost     about as long as reading all of it, and hashing it once. */
enum status whole_check_state(const struct ledger_view *view, const struct genesis *genesis,
                              uint32_t (*date_of)(void *context, uint64_t height), void *context,
                              struct whole_report *report);

/* Makes what follows from leaves, records, items and versions, which are there: pages, runs of items, indexes, what
 * the registries announce. Checks them on the way, as whole_check_state does, but not against what it makes.
 * Over the store of the view, whose writer calls it. Returns as whole_check_state. */
enum status whole_make_state(const struct ledger_view *view, const struct genesis *genesis,
                             struct whole_report *report);

#endif
