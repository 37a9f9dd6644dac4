/* The stores of nodes put together, and consensus/audit.h asked who is guilty.
 *
 * What goes in is what an operator can carry away from a node: certified blocks, NEW-VIEWs, the journal's newest record,
 * evidence that its core reported. */
#ifndef XUELIAN_TESTS_SIM_AUDITOR_H
#define XUELIAN_TESTS_SIM_AUDITOR_H

#include "consensus/audit.h"
#include "tests/sim/cluster.h"

/* What of a store is taken; bits. */
enum {
    AUDITED_BLOCKS = 1,
    AUDITED_NEW_VIEWS = 2,
    AUDITED_JOURNALS = 4,
    AUDITED_EVIDENCE = 8,
    AUDITED_ALL = 15
};

struct auditor {
    struct cluster *cluster;
    const struct validator_set *set;
    void *memory;
    struct audit *audit;
    struct audit_report report;
    uint32_t named;        /* nodes, a bit each */
    uint32_t honest_named; /* of these, nodes that are neither traitors nor damaged */
    char text[256];        /* "2: two votes, a COMMIT forgotten; 3: two votes" */
};

/* An audit of the era that `set` opens, a set of the chain as the oracle knows it. */
void auditor_begin(struct auditor *auditor, struct cluster *cluster,
                   const struct validator_set *set);
/* Takes what a node has of that era. heights: of its newest blocks there, at most. */
void auditor_take(struct auditor *auditor, uint32_t node, unsigned what, size_t heights);
void auditor_judge(struct auditor *auditor);
void auditor_end(struct auditor *auditor);

/* Every era, of all that nodes with cores have: whoever is named must be guilty, and when certificates conflict f+1 must
 * be named. Fails the oracle when not. */
void auditor_check_all(struct cluster *cluster);

#endif
