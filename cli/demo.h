/* The genesis of a trial network, from the tables of deploy/demo/data. */
#ifndef XUELIAN_CLI_DEMO_H
#define XUELIAN_CLI_DEMO_H

#include "cli/text.h"
#include "proto/arena.h"
#include "proto/ledger.pb-c.h"

enum { DEMO_VALIDATORS = 4, DEMO_COURSE_FILES_MAX = 8 };

/* Memory for demo_read's message. */
#define DEMO_ARENA_SIZE (64u * 1024 * 1024)

struct demo_tables {
    const char *folder; /* with regions.csv, institutions.csv and courses.csv */
    const char *courses[DEMO_COURSE_FILES_MAX];
    uint32_t course_file_count; /* more tables of courses */
};

/* Reads regions, members (without keys and nodes) and courses, sorted, into *genesis, which lives in the
 * arena. False with *fault, naming file and line: a table missing, a row malformed, a kind unknown. */
bool demo_read(Xuelian__Genesis *genesis, const struct demo_tables *tables, struct arena *arena,
               struct fault *fault);

/* Reads rules and catalogue entries from a YAML or JSON file, a map of the lists `rules` and `catalogue` with the fields of
 * the schema, into *genesis, which lives in the arena. A first version needs neither version nor series.
 * False with *fault. */
bool demo_read_rules(Xuelian__Genesis *genesis, const char *path, struct arena *arena,
                     struct fault *fault);

/* Gives a member its signing key. */
bool demo_give_key(Xuelian__Member *member, const struct pubkey33 *key, struct arena *arena,
                   struct fault *fault);
/* Gives a member a validator with one address. */
bool demo_give_validator(Xuelian__Member *member, const struct pubkey33 *key, const char *address,
                         struct arena *arena, struct fault *fault);

#endif
