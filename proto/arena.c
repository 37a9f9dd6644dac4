#include "proto/arena.h"

#include <string.h>

void arena_init(struct arena *arena, void *memory, size_t size)
{
    *arena = (struct arena){.memory = memory, .size = size, .used = 0};
}

void *arena_alloc(struct arena *arena, size_t size)
{
    /* Aligned by address, since the memory given may start anywhere. */
    size_t start = (size_t)(((uintptr_t)arena->memory + arena->used + 15) / 16 * 16 -
                            (uintptr_t)arena->memory);
    if (start > arena->size || size > arena->size - start) {
        return NULL;
    }
    arena->used = start + size;
    memset(arena->memory + start, 0, size);
    return arena->memory + start;
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}
