/* Damage to disks beyond crashes: the block log's newest blocks lost behind an intact journal, the journal lost, an old
 * backup put back, a second process started with the same key and a copy of the disk; and bytes that rot at rest, found
 * when they are read: of a block (never served; a start that reads it refuses, the log is put aside and fetched anew), of
 * one copy of the journal (healed from the other), of both (lost), of a stored proposal or NEW-VIEW (others have them).
 * That checksums find them is for the stores' own tests, and for tests/e2e.
 *
 * It happens to few nodes, which count as faulty with the traitors: at most f. A node whose journal was lost comes back
 * as a new incarnation, which a set change admits; one with an old backup or a clone must be stopped by the tripwire. */
#ifndef XUELIAN_TESTS_SIM_DAMAGE_H
#define XUELIAN_TESTS_SIM_DAMAGE_H

#include "tests/sim/cluster.h"

struct weather;

struct damages {
    uint32_t nodes;       /* a bit each */
    uint32_t incarnation; /* newest given */
    uint32_t count;
    struct disk backups[SIM_NODES_MAX];
    bool backed_up[SIM_NODES_MAX];
};

/* When it is a clone that runs, it is stopped for good. */
void damage_end_clone(struct weather *weather, uint32_t node);
/* What its operator must do before it starts: a log with a damaged block is refused, and put aside. */
void damage_before_start(struct weather *weather, uint32_t node);
void damage_begin(struct weather *weather);
void damage_free(struct damages *damages);

#endif
