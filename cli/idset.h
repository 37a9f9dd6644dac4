/* A growing set of 32-byte ids, none of them zero, up to a bound. */
#ifndef XUELIAN_CLI_IDSET_H
#define XUELIAN_CLI_IDSET_H

#include "proto/types.h"

enum { IDSET_MAX = 4 * 1024 * 1024 }; /* 256 MiB of them */

struct idset;

/* NULL when out of memory; idset_add on NULL fails. */
struct idset *idset_new(void);
void idset_free(struct idset *set);
/* Returns false when out of memory. Out: *added is false when the id was there. A full set stays as it is:
 * what is new then counts as added, also when it comes again. */
bool idset_add(struct idset *set, const struct hash32 *id, bool *added);
bool idset_has(const struct idset *set, const struct hash32 *id);

#endif
