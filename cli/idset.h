/* A growing set of 32-byte ids. */
#ifndef XUELIAN_CLI_IDSET_H
#define XUELIAN_CLI_IDSET_H

#include "proto/types.h"

struct idset;

/* NULL when out of memory; idset_add on NULL fails. */
struct idset *idset_new(void);
void idset_free(struct idset *set);
/* Returns false when out of memory. Out: *added is false when the id was there. */
bool idset_add(struct idset *set, const struct hash32 *id, bool *added);

#endif
