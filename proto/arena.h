/* A bump allocator with a cap: one decoded message lives in one arena and is freed at once. */
#ifndef XUELIAN_PROTO_ARENA_H
#define XUELIAN_PROTO_ARENA_H

#include "proto/types.h"

/* Over memory that the caller owns. Not thread-safe: one thread at a time. */
struct arena {
    uint8_t *memory;
    size_t size;
    size_t used;
};

void arena_init(struct arena *arena, void *memory, size_t size);
/* 16-byte aligned and zeroed, or NULL when the cap is reached. */
void *arena_alloc(struct arena *arena, size_t size);
/* Forgets everything allocated. */
void arena_reset(struct arena *arena);

#endif
