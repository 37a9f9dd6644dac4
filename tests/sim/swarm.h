/* What kind of run a seed is: sizes, timings, and which faults there are, how often.
 *
 * Swarm testing (Groce et al. 2012): a run that has some of the faults finds more than one that has all of them,
 * so each is in about half of the runs. Every choice is on the tape; 0 is calm. */
#ifndef XUELIAN_TESTS_SIM_SWARM_H
#define XUELIAN_TESTS_SIM_SWARM_H

#include "tests/sim/cluster.h"

struct swarm {
    struct cluster_options options;
    /* links */
    uint32_t latency_ms; /* most, ordinarily */
    uint32_t drop_ppm;
    uint32_t duplicate_ppm;
    uint32_t late_ppm; /* arrives much later than what was sent after it */
    uint32_t late_ms;
    uint32_t partition_every_ms; /* mean; 0: never. The same below. */
    uint32_t partition_ms;
    bool one_way;
    /* nodes */
    uint32_t crash_every_ms;
    uint32_t crash_persist_ppm; /* in the middle of a PERSIST */
    uint32_t crash_all_every_ms;
    uint32_t down_ms;
    uint32_t persist_ms;
    uint32_t slow_disk_ppm; /* one PERSIST takes a hundred times as long */
    uint32_t execute_ms;
    uint32_t verify_ms;
    uint32_t full_every_ms; /* some disk is full */
    uint32_t full_ms;
    uint32_t skew_ms; /* of clocks, either way */
    uint32_t jump_every_ms;
    uint32_t traitors;   /* of the validators, at most f */
    uint32_t treason_ms; /* between two things that one does by itself */
    uint32_t damaged; /* nodes whose disks suffer more than crashes; with the traitors at most f */
    uint32_t damage_every_ms;
    /* load */
    uint32_t submit_every_ms;
    uint32_t burst;
    uint32_t members_every_ms; /* set changes */
    uint32_t bad_every_ms;     /* a transaction that makes a block invalid, at one node alone */
};

/* n validators at the start. ledger: with the real ledger, which has no set changes. */
void swarm_draw(struct swarm *swarm, struct tape *tape, uint32_t n, bool ledger, bool real);
/* Sets a number by its name, as in "crash_every_ms" or "t0_ms". False: there is none of that name. */
bool swarm_set(struct swarm *swarm, const char *name, uint64_t value);
/* One line. */
void swarm_describe(const struct swarm *swarm, char *text, size_t size);

#endif
