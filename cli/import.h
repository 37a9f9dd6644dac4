/* Importing: rows become bulk transactions, several on their way at once, until each is committed.
 *
 * Safe to stop and to run again: a batch that an earlier run saw recorded is not sent again (resume.h), and
 * a row that is in already is answered DUPLICATE or ACCOUNT_EXISTS and counted as such. A node that does not
 * answer is left for another. Memory: the side tables, the accounts opened (idset.h), and in_flight batches.
 * SIGINT and SIGTERM end a run in order: no more rows are taken, what is on its way is waited for; a second
 * one ends the program. One thread, one run at a time. */
#ifndef XUELIAN_CLI_IMPORT_H
#define XUELIAN_CLI_IMPORT_H

#include <stdio.h>

#include "cli/client.h"
#include "cli/resume.h"
#include "cli/source.h"

enum { IMPORT_IN_FLIGHT_MAX = 32, IMPORT_IN_FLIGHT = 8 };

/* Every row is in exactly one of these but the last. */
struct import_counts {
    uint64_t rows;
    uint64_t skipped;  /* by a where */
    uint64_t repeated; /* accounts named again */
    uint64_t recorded; /* accounts opened or outcomes deposited by this run */
    uint64_t already;  /* in the ledger before */
    uint64_t refused;
    uint64_t unconfirmed;  /* the run ended before the ledger's answer; they may be in */
    uint64_t transactions; /* committed */
};

struct import_plan {
    const struct mapping *mapping;
    const char *folder;    /* of the tables */
    struct client *client; /* NULL: a dry run, nothing is sent */
    const struct genesis *genesis;
    struct keyring *keyring;
    struct resume *resume; /* or NULL: the ledger alone says what is there */
    uint32_t in_flight;
    FILE *report; /* refused rows as CSV, or NULL */
    bool quiet;   /* no progress, no refused rows on the terminal */
};

struct import_result {
    struct import_counts accounts;
    struct import_counts outcomes;
    uint64_t outcome_ms; /* time spent on outcomes */
};

/* Runs all parts. Returns false with *fault when it had to stop; *result says what is in by then. */
bool import_run(const struct import_plan *plan, struct import_result *result, struct fault *fault);

#endif
