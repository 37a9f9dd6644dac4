/* One run of the simulator: a seed or a tape in, a verdict out. */
#ifndef XUELIAN_TESTS_SIM_RUN_H
#define XUELIAN_TESTS_SIM_RUN_H

#include "tests/sim/cluster.h"

struct run_setting {
    const char *name; /* see swarm_set */
    uint64_t value;
};

struct run_options {
    uint32_t n;
    uint32_t minutes; /* simulated, with faults; the end comes on top */
    uint64_t seed;
    bool ledger;
    bool real_signatures;
    const struct run_setting *settings; /* over what the seed chose */
    uint32_t setting_count;
    void (*line)(void *context, const char *text); /* NULL: no trace */
    void *line_context;
    void (*stepped)(void *context, const struct replica *replica); /* NULL, or after every step */
    void *stepped_context;
    void (*recorded)(void *context,
                     const struct replica *replica); /* NULL, or a record is durable */
    void *recorded_context;
};

/* Some seeds are over the real ledger, whether asked to or not; not long ones, since its store cannot go back and a node
 * that starts executes everything again. */
enum { RUN_LEDGER_EVERY = 16, RUN_LEDGER_MINUTES_MAX = 10 };
static inline bool run_over_ledger(uint64_t seed, uint32_t minutes)
{
    return seed % RUN_LEDGER_EVERY == 0 && minutes <= RUN_LEDGER_MINUTES_MAX;
}

struct run_report {
    bool failed;
    char text[512];       /* what was violated */
    char swarm[640];      /* what kind of run it was */
    uint64_t now_ms;      /* simulated time at the end */
    uint64_t recovery_ms; /* from the end of faults until all was well */
    uint64_t height;
    uint64_t partitions;
    uint32_t traitors;
    uint32_t forks;    /* with more than f traitors */
    uint64_t treasons; /* messages that they made */
    uint64_t
        returned; /* nodes that vote in the end with an incarnation that they were given later */
    uint64_t digest;
    struct counters counters;
};

/* Runs the tape: fresh or replayed. */
void run_tape(const struct run_options *options, struct tape *tape, struct run_report *report);

#endif
