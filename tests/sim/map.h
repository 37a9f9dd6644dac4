/* A hash table from 32-byte hashes to pointers. The keys are hashes already, so their first bytes are the slot.
 * Nothing is ever removed. */
#ifndef XUELIAN_TESTS_SIM_MAP_H
#define XUELIAN_TESTS_SIM_MAP_H

#include "proto/types.h"

struct map_entry {
    struct hash32 key;
    void *value;
};

struct map {
    struct map_entry *entries;
    size_t count;
    size_t capacity;
};

void *map_get(const struct map *map, const struct hash32 *key); /* NULL: not there */
void map_put(struct map *map, const struct hash32 *key, void *value);
void map_free(struct map *map); /* not the values */

#endif
