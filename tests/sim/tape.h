/* The tape of choices: everything that chance decides in a run, in order, per concern.
 *
 * A run draws from one stream per concern, so that a choice more of one kind does not shift the others. All
 * draws are recorded; a recorded tape replays the run, and a tape whose choices were set to 0 or cut short is a
 * run too: 0 is always the calm choice (no fault, the shortest delay), and beyond the end all is calm. That is
 * what makes a failing run shrinkable. */
#ifndef XUELIAN_TESTS_SIM_TAPE_H
#define XUELIAN_TESTS_SIM_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* X(NAME, text) */
#define CONCERNS_TABLE(X)     \
    X(SWARM, "swarm")         \
    X(LINK, "link")           \
    X(PARTITION, "partition") \
    X(DISK, "disk")           \
    X(CRASH, "crash")         \
    X(CLOCK, "clock")         \
    X(WORK, "work")           \
    X(CLIENT, "client")       \
    X(MEMBERS, "members")     \
    X(DAMAGE, "damage")       \
    X(TRAITOR, "traitor")

enum concern {
#define X(name, text) CONCERN_##name,
    CONCERNS_TABLE(X)
#undef X
        CONCERN_COUNT
};

struct tape_stream {
    uint64_t state;
    uint32_t *choices; /* taken so far; or, in a replay, to be taken */
    size_t count;
    size_t capacity;
    size_t next;
};

struct tape {
    bool replay;
    struct tape_stream streams[CONCERN_COUNT];
};

/* A fresh tape: choices come from the seed. */
void tape_init(struct tape *tape, uint64_t seed);
void tape_free(struct tape *tape);
/* The same choices again, from the start. */
void tape_rewind(struct tape *tape);
void tape_copy(struct tape *out, const struct tape *from);

/* A number below bound (bound >= 1). */
uint32_t tape_below(struct tape *tape, enum concern concern, uint32_t bound);
/* True with a chance in a million. */
bool tape_chance(struct tape *tape, enum concern concern, uint32_t per_million);

/* Text, one line per concern. Reading returns false when the file is not a tape. */
bool tape_write(const struct tape *tape, FILE *file);
bool tape_read(struct tape *tape, FILE *file);

#endif
