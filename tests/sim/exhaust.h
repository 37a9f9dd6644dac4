/* The bounded exhaustive mode: every run that departs from a default schedule at most so many times.
 *
 * Four validators and a fifth node agree on three blocks, of which the second replaces a validator. A world holds all
 * that is under way; its default schedule takes it in rounds, in a fixed order, and lets time pass when nothing is left.
 * A deviation is one thing going wrong. The search (exhaust_main.c) tries every deviation at every state, and below it
 * all that still may deviate; a state met before with as many deviations left is not entered again.
 *
 * exhaust_lies.c   what a liar says   exhaust_world.c   the default schedule, deviations        exhaust_state.c   what makes two states the same */
#ifndef XUELIAN_TESTS_SIM_EXHAUST_H
#define XUELIAN_TESTS_SIM_EXHAUST_H

#include "tests/sim/cluster.h"

enum {
    EXHAUST_VALIDATORS = 4,
    EXHAUST_NODES = 5,
    EXHAUST_HEIGHTS = 3,
    EXHAUST_VIEWS = 3, /* views 0 to 2 of an era: none deviates once a node asks for a later one */
    EXHAUST_DEVIATIONS_MAX = 64,
    EXHAUST_LAG_MS = 2100 /* a little more than the first timeout of a view */
};

enum deviation_kind {
    /* of the message that the default schedule would deliver now */
    DEVIATION_LOST,
    DEVIATION_LATE,    /* after all else that is under way, before time passes */
    DEVIATION_STALE,   /* after EXHAUST_LAG_MS */
    DEVIATION_DOUBLED, /* now, and once more after EXHAUST_LAG_MS */
    /* of the sync, execution or verification that would end now */
    DEVIATION_SLOW,
    DEVIATION_HANGS, /* for EXHAUST_LAG_MS */
    /* of the node that has just done something */
    DEVIATION_CRASH,
    DEVIATION_TIMEOUT, /* its clock runs ahead until it asks for the next view */
    DEVIATION_CUT,     /* no link of it works for EXHAUST_LAG_MS */
    /* of all, at the start of a round */
    DEVIATION_SPLIT,     /* two validators from the two others, for EXHAUST_LAG_MS */
    DEVIATION_CRASH_ALL, /* all start again when nothing is under way */
    DEVIATION_LIE, /* the message that would be delivered now, from the liar: another in its place */
    DEVIATION_KINDS
};

/* What the liar says in place of what it should, to this receiver alone. */
enum lie {
    LIE_OTHER_PROPOSAL, /* PRE-PREPARE: an empty one, a millisecond later */
    LIE_OTHER_VOTE,     /* for another block of that height that somebody has made */
    LIE_COMMIT_TOO,     /* with its PREPARE */
    LIE_HIDES,          /* VIEW-CHANGE: nothing prepared */
    LIE_STALE,          /* VIEW-CHANGE: a block less committed, and nothing prepared */
    LIE_FORGES,         /* VIEW-CHANGE: a certificate that nobody has signed */
    LIE_OTHER_QUORUM,   /* NEW-VIEW: of other VIEW-CHANGEs, without the highest certificate */
    LIE_BOASTS,         /* STATUS: a height that there is not */
    LIE_KINDS
};

enum arrived_kind { ARRIVED_NOTHING, ARRIVED_ALL, ARRIVED_JOURNAL, ARRIVED_LOG, ARRIVED_KINDS };

struct deviation {
    enum deviation_kind kind;
    uint32_t node;             /* crash, timeout, cut; split: the partner of validator 0 */
    enum arrived_kind arrived; /* crashes: what of a sync under way is on disk */
    bool long_down;            /* crash: for EXHAUST_LAG_MS, else until nothing is under way */
    enum lie lie;
};

struct world {
    struct cluster *cluster;
    uint64_t round;            /* of what happened last */
    bool round_began;          /* nothing of this round had happened before the last step */
    int acted;                 /* node, or -1 */
    bool dirty[EXHAUST_NODES]; /* its part of the state is to be computed anew */
    uint64_t node_state[EXHAUST_NODES];
    uint64_t down_until_ms[EXHAUST_NODES];
    uint64_t whole_at_ms; /* links that are cut work again; 0: none is cut */
    int liar;             /* a validator, or -1 */
    uint32_t lies_left;
};

/* All nodes are up and have greeted each other; the transactions are in all pools. K: primary rotation. liar: -1, or a
 * validator that may lie so many times; otherwise it does as the others. */
void world_begin(struct world *world, uint64_t rotation_blocks, int liar, uint32_t lies);
void world_end(struct world *world);
/* All nodes have committed all blocks. */
bool world_done(const struct world *world);
/* One step of the default schedule. */
void world_step(struct world *world);
/* What may go wrong now. Out: deviations, EXHAUST_DEVIATIONS_MAX. Returns how many. */
uint32_t world_deviations(struct world *world, struct deviation *out);
void world_deviate(struct world *world, const struct deviation *deviation);
void deviation_print(const struct deviation *deviation, char text[SIM_LINE_SIZE]);

/* The lie in place of this message of the liar. False: it does not apply. Out: freed by the caller. */
struct forged;
bool lie_make(struct world *world, const struct event *event, enum lie lie, struct forged *out);
const char *lie_name(enum lie lie);

/* A number that is the same when all that decides the future is: cores, disks, queues, pools, links, time, and what the
 * oracle remembers. Ignores the order in which things under way came to be so. */
uint64_t world_state(struct world *world);

#endif
