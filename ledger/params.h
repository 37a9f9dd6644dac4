/* Chain parameters: names, ranges, and what a network starts with (consensus.md, Values).
 * One table; genesis and governance check by it. Pure; any thread. */
#ifndef XUELIAN_LEDGER_PARAMS_H
#define XUELIAN_LEDGER_PARAMS_H

#include "proto/block.pb-c.h"
#include "proto/types.h"

/* Canonical Params and their hash. Out: out of PARAMS_SIZE_MAX bytes. */
#define PARAMS_SIZE_MAX 320u
size_t params_encode(uint8_t *out, const Xuelian__Params *params);
void params_hash(struct hash32 *out, const Xuelian__Params *params);

/* The values a network starts with. */
void params_defaults(Xuelian__Params *params);

struct param_fault {
    const char *name; /* static */
    uint64_t value;
    uint64_t min;
    uint64_t max;
};

/* Whether every one is within its range. Out *fault, when false: the first that is not. */
bool params_in_range(const Xuelian__Params *params, struct param_fault *fault);

/* What a set of parameters, each within its range, contradicts itself in; NULL when in nothing. Genesis and every
 * proposal that is enacted must leave a set without contradiction. Static text: "t0_ms is above timeout_cap_ms". */
const char *params_contradiction(const Xuelian__Params *params);

/* Units of work (docs/protocol.md section 12) that a machine of a validator does in a millisecond at the least. A full
 * block is executed before it is voted on, so it must not take more than a quarter of t0_ms. tests/bench measures. */
#define PARAMS_WORK_PER_MS 40u

/* Sets one by its name. False, with nothing changed, when there is none of that name or the value is out of its
 * range. */
bool params_set(Xuelian__Params *params, const char *name, uint64_t value);

/* Parameter i, from 0, in the order of their fields. Returns its name (static), or NULL past the last. */
const char *params_at(const Xuelian__Params *params, size_t i, uint64_t *value);

#endif
