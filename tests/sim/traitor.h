/* Liars: validators without a core, that say by chance what would hurt.
 *
 * They see all that honest nodes see and have said (nothing is secret in this protocol but keys), and sign with their
 * own keys alone. Much of what they say is what an honest node would say, to some and not to others: that is what makes
 * quorums that an equivocation can split. */
#ifndef XUELIAN_TESTS_SIM_TRAITOR_H
#define XUELIAN_TESTS_SIM_TRAITOR_H

#include "tests/sim/cluster.h"

enum { TRAITOR_CHANGES = 128, TRAITOR_KEPT = 64 };

struct heard_change {
    uint64_t era, view;
    uint32_t sender;
    struct owned bytes;
};

struct traitors {
    struct cluster *cluster;
    struct tape *tape;
    uint32_t nodes; /* a bit each */
    uint32_t every_ms;
    struct heard_change changes[TRAITOR_CHANGES];
    size_t next_change;
    struct {
        uint8_t type;
        struct owned body;
    } kept[TRAITOR_KEPT]; /* to be said again later */
    size_t next_kept;
    struct spoken echoed[SIM_NODES_MAX]; /* last vote echoed by each */
    uint64_t led[SIM_NODES_MAX];         /* place last proposed for */
    uint64_t said;
};

/* Turns `count` of the validators into traitors. */
void traitors_begin(struct traitors *traitors, struct cluster *cluster, struct tape *tape,
                    uint32_t count, uint32_t every_ms);
void traitors_free(struct traitors *traitors);

#endif
