/* One run of an import, and what its files share. Used by import.c, deliver.c and refusal.c alone.
 *
 * Rows become flights (flight.h). A flight is filled and signed (import.c), sent and asked for until the
 * ledger has answered (deliver.c), and each row that the ledger or the mapping refused is told (refusal.c). */
#ifndef XUELIAN_CLI_IMPORT_RUN_H
#define XUELIAN_CLI_IMPORT_RUN_H

#include "cli/flight.h"
#include "cli/import.h"
#include "cli/progress.h"

/* What is known of one node. */
struct import_node {
    uint64_t rest_until_ms;
    uint32_t failures; /* in a row */
};

struct import_run {
    const struct import_plan *plan;
    struct import_counts *counts; /* of the part's kind */
    const struct map_part *part;
    struct source *source;
    bool source_ended;
    bool has_item; /* `item` was read and belongs to the next batch */
    struct source_item item;
    struct flight *flights;
    uint64_t height; /* the highest seen */
    uint32_t next_node;
    struct import_node nodes[CLIENT_NODES_MAX];
    uint64_t
        silent_since_ms; /* the first question without an answer since the last one with; 0: none */
    uint64_t settled_ms; /* the last batch was settled, or a stall was told */
    uint32_t shown_refusals;
    struct progress progress;
    bool moved;    /* in the last turn some batch was over: there may be more to do at once */
    bool failed;   /* no more rows are taken; what is on its way is waited for */
    bool given_up; /* nor is that */
    uint64_t failed_ms;
    struct fault fault;
};

/* Stops the run with the first fault; give_up: at once. */
void import_fail(struct import_run *run, const struct fault *fault, bool give_up);
/* Signs a flight anew, to be sent: at first, and when its last height has passed. */
void import_sign(struct import_run *run, struct flight *flight);
/* Asks for the network's height. False with *fault. Blocks. */
bool import_ask_height(struct import_run *run, struct fault *fault);

/* Starts what a flight needs next, when it needs anything now. Answers come in client_run. */
void deliver(struct import_run *run, struct flight *flight);
/* Gives all rows of a flight one result, a code of the ledger. */
void deliver_settle_all(struct import_run *run, struct flight *flight, uint32_t code);
/* Tells on a terminal that nothing is committed, now and then. */
void deliver_watch(struct import_run *run);

/* Counts and tells a refused row. code 0: refused here, by the mapping. */
void refusal_tell(struct import_run *run, const char *file, uint32_t line, uint32_t code,
                  const char *en, const char *zh);
/* The ledger's code in words. */
void refusal_tell_code(struct import_run *run, const struct flight_row *row, uint32_t code);

#endif
