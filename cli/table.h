/* Side tables of a mapping: whole CSVs in memory, found by their key columns. */
#ifndef XUELIAN_CLI_TABLE_H
#define XUELIAN_CLI_TABLE_H

#include "cli/mapping.h"

enum { TABLE_ROWS_MAX = 1000000, TABLE_SIZE_MAX = 1 << 30 };

struct side_table {
    uint32_t column_count;
    char **names; /* "table.column" */
    uint32_t row_count;
    size_t size;        /* bytes of the rows */
    const char ***rows; /* each one allocation: pointers, then texts */
    uint32_t key[MAPPING_KEY_MAX];
    uint32_t key_count;
    uint32_t *slots; /* row + 1, or 0; a power of two of them */
    uint32_t slot_count;
};

/* Reads a table. False with *fault: a file, a row or a key column that does not fit, two rows with one key.
 * Path: of the CSV. Freed by side_table_free. */
bool side_table_read(struct side_table *table, const struct mapping *mapping, uint32_t index,
                     const char *path, struct fault *fault);
void side_table_free(struct side_table *table);

/* The row whose key columns equal these texts, or NULL. */
const char *const *side_table_find(const struct side_table *table,
                                   const char *const by[MAPPING_KEY_MAX]);

#endif
