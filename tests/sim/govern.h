/* Set changes over the real ledger, as members make them: a proposal, another member's approval, the validators'
 * signatures that they follow, and the transaction that enacts it. One at a time; what comes to nothing is given up. */
#ifndef XUELIAN_TESTS_SIM_GOVERN_H
#define XUELIAN_TESTS_SIM_GOVERN_H

#include "tests/sim/chain.h"

enum { GOVERN_WISHES_MAX = 4, GOVERN_RETURNS_MAX = 32 };

struct weather;

/* One validator that is to join, to return as a new incarnation, or to leave. */
struct govern_wish {
    uint32_t node;
    bool remove;
};

enum govern_phase {
    GOVERN_IDLE,
    GOVERN_PROPOSED,
    GOVERN_APPROVING,
    GOVERN_APPROVED,
    GOVERN_ENACTING
};

struct governance {
    enum govern_phase phase;
    uint32_t wish_count;
    struct govern_wish wishes[GOVERN_WISHES_MAX];
    uint64_t incarnations[GOVERN_WISHES_MAX]; /* as proposed */
    const struct sim_tx *tx;                  /* the last that was sent */
    struct hash32 proposal;
    uint64_t era; /* that the enactment is signed for */
    uint64_t give_up_ms;
    uint32_t nonce;
    bool returning[GOVERN_RETURNS_MAX]; /* by node: its journal was lost */
};

/* Proposes these changes, those of them that the newest set allows, unless others are under way. */
void govern_begin(struct weather *weather, const struct govern_wish *wishes, uint32_t count);
/* A node has lost its journal: it is to be admitted as what it is now, when it is its turn. */
void govern_return(struct weather *weather, uint32_t node);
/* Goes on with what is under way. Comes again by itself; called once. */
void govern_tick(void *weather, uint64_t argument);

#endif
