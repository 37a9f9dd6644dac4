/* What must hold whatever happens. Checked after every step; the first breach is kept and ends the run.
 *
 *   agreement     one header at a height, for all honest nodes and for ever (what one committed binds all)
 *   validity      a block follows from its parent, holds transactions that clients sent, each once
 *   one voice     no honest node lets two different PRE-PREPAREs, PREPAREs, COMMITs or VIEW-CHANGEs of one slot
 *                 leave, crashes or not; and no new vote of a view below one it has left
 *   certificates  each verifies under the set of its height
 *   durability    what was durable is there after every crash
 *   justice       evidence names no honest node
 *   no alarm      fewer than f+1 liars and sound disks: none is raised */
#ifndef XUELIAN_TESTS_SIM_ORACLE_H
#define XUELIAN_TESTS_SIM_ORACLE_H

#include "tests/sim/chain.h"

struct cluster;
struct envelope;
struct replica;

struct spoken {
    uint64_t era, view, height;
    struct hash32 hash;
};

enum spoken_kind {
    SPOKEN_PRE_PREPARE,
    SPOKEN_PREPARE,
    SPOKEN_COMMIT,
    SPOKEN_VIEW_CHANGE,
    SPOKEN_NEW_VIEW,
    SPOKEN_KINDS
};

/* Everything a node has let leave, newest last. */
struct spoken_list {
    struct spoken *list;
    size_t count, capacity;
    struct spoken furthest; /* by era, height and view, of all there ever was */
};

struct oracle_node {
    struct spoken_list spoken[SPOKEN_KINDS];
    uint64_t durable_height;
    uint64_t left_era, left_view; /* the highest VIEW-CHANGE that left */
    uint64_t height;              /* in this life */
    bool traitor;                 /* may do anything */
    bool excused;                 /* its disk was damaged: an alarm of it is right */
    bool forked; /* it has committed another block than the first did: its chain is its own */
};

struct oracle {
    const struct sim_block **committed; /* by height */
    size_t height;                      /* highest */
    size_t capacity;
    uint32_t *tx_height; /* by transaction, 0: in no block */
    size_t tx_capacity;
    struct oracle_node *nodes;
    uint64_t newest_era, newest_view; /* opened somewhere, for counting */
    bool forks_expected; /* more than f traitors: a fork is counted, and the run goes on */
    uint32_t forks;
    bool failed;
    char text[512];
};

void oracle_init(struct cluster *cluster);
void oracle_free(struct cluster *cluster);

void oracle_sent(struct replica *replica, struct envelope *envelope);
void oracle_committed(struct replica *replica, const struct sim_block *block,
                      struct bytes certificate);
void oracle_persisted(struct replica *replica);
void oracle_started(struct replica *replica);
void oracle_stepped(struct replica *replica);
void oracle_evidence(struct replica *replica, const struct pbft_effect *effect);
void oracle_alarm(struct replica *replica, const struct pbft_effect *effect);

/* Whether a transaction is in a block that someone committed. */
bool oracle_tx_committed(const struct cluster *cluster, const struct sim_tx *tx);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void oracle_fail(struct cluster *cluster, const char *format, ...);

#endif
