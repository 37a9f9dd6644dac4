/* Small simulated networks for these tests: four validators and an observer, every link and disk takes 1 ms. */
#ifndef XUELIAN_TESTS_UNIT_CONSENSUS_NETWORK_H
#define XUELIAN_TESTS_UNIT_CONSENSUS_NETWORK_H

#include "tests/sim/cluster.h"

/* All have greeted each other; at height 0. */
struct cluster *network_begin(void);
/* Block 1 is committed, and no COMMIT is heard after it: at height 2 something is prepared in view 0 and forced in
 * view 1, and view 2 is asked for. */
struct cluster *network_stuck(void);
/* Fails the test when the oracle has found something. */
void network_end(struct cluster *cluster);

/* A word, in all pools. */
void network_submit(struct cluster *cluster, const char *word);

#endif
