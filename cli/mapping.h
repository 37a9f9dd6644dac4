/* A mapping file: which columns of a table become which fields of an outcome. deploy/demo/MAPPING.md is the
 * format; this is its reader. Everything that can be said without looking at the tables is checked here. */
#ifndef XUELIAN_CLI_MAPPING_H
#define XUELIAN_CLI_MAPPING_H

#include "cli/csv.h"
#include "cli/doc.h"
#include "proto/limits.h"

enum {
    MAPPING_TABLES_MAX = 16,
    MAPPING_PARTS_MAX = 16,
    MAPPING_FILES_MAX = 64,
    MAPPING_JOINS_MAX = 8,
    MAPPING_WHERES_MAX = 8,
    MAPPING_KEY_MAX = 4,
    MAPPING_REFERENCE_MAX = 8,
    MAPPING_VALUES_MAX = 256,
    MAPPING_NAME_SIZE = 33
};

/* Names of columns; borrowed from the file. */
struct map_columns {
    uint32_t count;
    const char *names[MAPPING_REFERENCE_MAX];
};

struct map_table {
    const struct doc_node *node;
    const char *name;
    const char *file;
    struct csv_format format;
    struct map_columns key;
};

struct map_join {
    const struct doc_node *node;
    uint32_t table; /* index */
    struct map_columns by;
    bool optional;
};

enum map_test { MAP_IN, MAP_NOT_IN, MAP_AT_LEAST, MAP_AT_MOST };

struct map_where {
    const struct doc_node *node;
    const char *column;
    enum map_test test;
    const struct doc_node *list; /* in, not_in */
    int64_t bound;               /* at_least, at_most: in 10^-9 */
};

/* The fields of an outcome that a mapping gives: X(NAME, text, type, required). */
#define MAP_FIELDS(X)                                \
    X(KIND, kind, NAME, true)                        \
    X(COURSE, course, NUMBER, false)                 \
    X(COURSE_VERSION, course_version, NUMBER, false) \
    X(FRAMEWORK, framework, NUMBER, false)           \
    X(LEVEL, level, NUMBER, false)                   \
    X(CREDITS, credits, NUMBER, false)               \
    X(HOURS, hours, NUMBER, false)                   \
    X(START_DATE, start_date, DATE, false)           \
    X(EXPIRY_DATE, expiry_date, DATE, false)         \
    X(AWARD_DATE, award_date, DATE, true)            \
    X(GRADE_BAND, grade_band, NUMBER, false)         \
    X(MODE, mode, NAME, false)                       \
    X(SOURCE, source, NAME, false)                   \
    X(RECOGNISING, recognising, NUMBER, false)       \
    X(REGION, region, NUMBER, false)                 \
    X(SITE, site, NUMBER, false)

enum map_field {
#define X(name, text, type, required) MAP_FIELD_##name,
    MAP_FIELDS(X)
#undef X
        MAP_FIELD_COUNT
};

enum map_type { MAP_TYPE_NAME, MAP_TYPE_NUMBER, MAP_TYPE_DATE };
enum map_date { MAP_YYYYMMDD, MAP_YYYY_MM_DD, MAP_YYYY_SLASH };

struct map_value {
    const struct doc_node *node; /* NULL: not given */
    const char *constant;        /* or NULL */
    const char *column;          /* or NULL */
    const struct doc_node *values;
    const char *otherwise;
    uint32_t scale; /* 1 when not given */
    enum map_date date;
    const char *add_days; /* column, or NULL */
    bool optional;
};

/* A detail beside the record, from a column; numbers ascend. */
struct map_detail {
    const struct doc_node *node;
    uint32_t number;
    const char *column;
};

struct map_part {
    const struct doc_node *node;
    const char *name;
    bool accounts; /* opens accounts; else deposits outcomes */
    uint32_t file_count;
    const char *files[MAPPING_FILES_MAX];
    struct csv_format format;
    uint32_t where_count;
    struct map_where wheres[MAPPING_WHERES_MAX];
    uint32_t join_count;
    struct map_join joins[MAPPING_JOINS_MAX];
    const struct doc_node *account;
    const char *name_space;
    const char *account_column;
    struct map_value member; /* opener or issuer */
    struct map_value region; /* accounts */
    struct map_columns batch;
    struct map_columns reference;
    struct map_value fields[MAP_FIELD_COUNT];
    uint32_t detail_count;
    struct map_detail details[LIMIT_DETAILS_MAX];
};

struct mapping {
    struct doc *doc;
    const char *name;
    uint32_t table_count;
    struct map_table tables[MAPPING_TABLES_MAX];
    uint32_t part_count;
    struct map_part parts[MAPPING_PARTS_MAX]; /* accounts first */
};

/* Reads a mapping file. False with *fault (EXIT_USAGE, naming file, line and key). Freed by mapping_close. */
bool mapping_open(struct mapping **mapping, const char *path, struct fault *fault);
void mapping_close(struct mapping *mapping);

enum map_type map_field_type(enum map_field field);
const char *map_field_name(enum map_field field);

/* A decimal number, "-?[0-9]+(.[0-9]+)?" of at most 9 digits on each side, in 10^-9. False for other text. */
bool map_decimal(const char *text, int64_t *value);

#endif
