/* What a fuzz target defines. */
#ifndef XUELIAN_TESTS_FUZZ_H
#define XUELIAN_TESTS_FUZZ_H

#include "proto/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes an input of this target from a vector: the files named in its "genesis: " line, if any, and its own
 * bytes. flags: the target's own meaning. Returns the size; out has room for FUZZ_INPUT_SIZE_MAX. */
#define FUZZ_INPUT_SIZE_MAX (1u << 20)
size_t fuzz_input(uint8_t *out, uint8_t flags, struct bytes genesis, struct bytes body);
/* Values of `flags` to try: 0 to this - 1. */
extern const uint8_t fuzz_flags_count;
/* How many mutations of each the replay runs: few when an input takes long. */
extern const uint32_t fuzz_mutations;

#endif
