/* Allocation that cannot fail, for the simulator alone: a test that runs out of memory ends. */
#ifndef XUELIAN_TESTS_SIM_MEMORY_H
#define XUELIAN_TESTS_SIM_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "proto/types.h"

/* Zeroed; freed with free. */
static inline void *sim_new(size_t size)
{
    void *made = calloc(1, size + 1);
    CHECK(made != NULL);
    return made;
}

static inline uint8_t *sim_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    CHECK(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}

/* Room for one more element of `size` bytes behind `count`; doubles. */
static inline void *sim_grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;
    list = realloc(list, *capacity * size);
    CHECK(list != NULL);
    return list;
}

/* Bytes that are owned. */
struct owned {
    uint8_t *data;
    size_t size;
};

static inline struct bytes owned_bytes(const struct owned *owned)
{
    return (struct bytes){.data = owned->size == 0 ? NULL : owned->data, .size = owned->size};
}

static inline void owned_set(struct owned *owned, struct bytes bytes)
{
    uint8_t *copy = sim_copy(bytes);
    free(owned->data);
    *owned = (struct owned){.data = copy, .size = bytes.size};
}

static inline void owned_free(struct owned *owned)
{
    free(owned->data);
    *owned = (struct owned){.data = NULL, .size = 0};
}

#endif
