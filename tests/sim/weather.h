/* Faults and clients: what happens to a simulated network from outside, by the tape. */
#ifndef XUELIAN_TESTS_SIM_WEATHER_H
#define XUELIAN_TESTS_SIM_WEATHER_H

#include "tests/sim/damage.h"
#include "tests/sim/govern.h"
#include "tests/sim/swarm.h"
#include "tests/sim/traitor.h"

struct weather {
    struct cluster *cluster;
    struct tape *tape;
    const struct swarm *swarm;
    bool calm; /* faults have stopped */
    uint32_t submitted;
    uint32_t bad;
    struct damages damages;
    const struct sim_tx **waiting; /* sent by a client and not in a block yet */
    size_t waiting_count, waiting_capacity;
    uint32_t set_changes;
    struct governance governance; /* over the real ledger */
    struct traitors traitors;
    uint64_t partitions;
};

/* A schedule for cluster_init; the weather is filled in by weather_begin. */
struct schedule weather_schedule(struct weather *weather);
/* Starts all nodes, clients and faults. */
void weather_begin(struct weather *weather, struct cluster *cluster, struct tape *tape,
                   const struct swarm *swarm);
/* Faults stop, everything is mended and started; clients go on until their transactions are in. */
void weather_clear(struct weather *weather);
/* A client sends one more transaction, or these bytes. */
void weather_submit(struct weather *weather);
void weather_submit_bytes(struct weather *weather, struct bytes bytes);
/* A node goes down, as in a crash, and is started after a while. */
void weather_crash(struct weather *weather, uint32_t node);
bool weather_all_in(const struct weather *weather);
void weather_free(struct weather *weather);

#endif
