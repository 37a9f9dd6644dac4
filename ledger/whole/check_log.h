/* verify-store: a block log held to the chain of certificates from genesis on, bodies to their roots, and the state's
 * memory of transactions and recent headers to the log. */
#ifndef XUELIAN_LEDGER_WHOLE_CHECK_LOG_H
#define XUELIAN_LEDGER_WHOLE_CHECK_LOG_H

#include "ledger/store/block_log.h"
#include "ledger/view.h"
#include "ledger/whole/chain.h"
#include "ledger/whole/report.h"

struct log_check {
    struct block_log *log;
    const struct genesis *genesis;
    const struct ledger_view *state; /* NULL: the log alone */
    struct whole_report *report;
    /* Out: dates of blocks, YYYYMMDD, by height - first; freed with log_check_free. */
    uint32_t *dates;
    uint64_t first;
    uint64_t count;
};

/* Returns  ST_OK; ST_CORRUPT: the first damage is in the report; ST_IO; ST_NO_MEMORY.
 * Cost     a signature check for each signer of each block, and the hashing of all of it. */
enum status whole_check_log(struct log_check *check);
void log_check_free(struct log_check *check);

/* As whole_check_state asks for it; context is the struct log_check. */
uint32_t log_check_date(void *context, uint64_t height);

#endif
