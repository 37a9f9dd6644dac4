/* Makes a failing run shorter: choices of its tape become 0 (calm) while it goes on failing. */
#ifndef XUELIAN_TESTS_SIM_SHRINK_H
#define XUELIAN_TESTS_SIM_SHRINK_H

#include "tests/sim/run.h"

/* Prints what it reaches; writes the tape to `save` unless that is NULL.
 * Returns 1 when the seed fails (as it should), 0 when there is nothing to shrink. */
int shrink_seed(const struct run_options *options, const char *save);

#endif
