/* What a run was in the steps of the formal model (tests/model): read from journal records, in the order in which they
 * became durable. Each record is compared with the one before it of its node and era. Lines:
 *
 *     step era ERA NODE...                                    members in set order; a traitor has a star behind it
 *     step prepare NODE ERA VIEW HEIGHT HASH                  and commit
 *     step leave NODE ERA VIEW COMMITTED [VIEW-OF-CERTIFICATE HASH]
 *     step install NODE ERA VIEW BASE [HASH]                  of the forced header
 *
 * Hashes are the first 8 bytes, in hex. */
#ifndef XUELIAN_TESTS_SIM_STEPS_H
#define XUELIAN_TESTS_SIM_STEPS_H

#include "tests/sim/cluster.h"

struct steps;

struct steps *steps_new(void (*line)(void *context, const char *text), void *context);
void steps_free(struct steps *steps);
/* A record of this node has become durable: run_options.recorded, with `struct steps` as its context. */
void steps_recorded(void *context, const struct replica *replica);

#endif
