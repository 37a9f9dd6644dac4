/* Importing: rows become bulk transactions, several on their way at once, until each is committed.
 *
 * Safe to stop and to run again: a row that is in already is answered DUPLICATE or ACCOUNT_EXISTS and counted
 * as such. A node that does not answer is left for another; the same signed bytes are sent there, and an id
 * is committed once. One thread. */
#ifndef XUELIAN_CLI_IMPORT_H
#define XUELIAN_CLI_IMPORT_H

#include <stdio.h>

#include "cli/client.h"
#include "cli/source.h"

enum { IMPORT_IN_FLIGHT_MAX = 32, IMPORT_IN_FLIGHT = 8 };

struct import_counts {
    uint64_t rows;
    uint64_t skipped;  /* by a where */
    uint64_t repeated; /* accounts named again */
    uint64_t recorded; /* accounts opened or outcomes deposited by this run */
    uint64_t already;  /* in the ledger before */
    uint64_t refused;
    uint64_t transactions; /* committed */
};

struct import_plan {
    const struct mapping *mapping;
    const char *folder;    /* of the tables */
    struct client *client; /* NULL: a dry run, nothing is sent */
    const struct genesis *genesis;
    struct keyring *keyring;
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
