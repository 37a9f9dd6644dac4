/* Arrays that double. Running out of memory ends the process. */
#ifndef XUELIAN_LEDGER_GROW_H
#define XUELIAN_LEDGER_GROW_H

#include <stdlib.h>

#include "proto/check.h"

/* The array, moved when it has no room for one more. */
static inline void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    *room = *room == 0 ? 16 : *room * 2;
    array = realloc(array, *room * size);
    CHECK(array != NULL);
    return array;
}

#endif
