#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a over the key texts, each with its end, so that ("a", "bc") differs from ("ab", "c"). */
static uint32_t hash_key(const char *const *texts, uint32_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = strlen(texts[i]) + 1;
        for (size_t k = 0; k < size; k++) {
            hash = (hash ^ (uint8_t)texts[i][k]) * UINT64_C(1099511628211);
        }
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

static void key_of(const struct side_table *table, const char *const *row,
                   const char *key[MAPPING_KEY_MAX])
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        key[i] = row[table->key[i]];
    }
}

/* The slot of a key: its row, or the empty one where it would go. */
static uint32_t *slot_of(const struct side_table *table, const char *const *key)
{
    uint32_t at = hash_key(key, table->key_count) & (table->slot_count - 1);
    for (;; at = (at + 1) & (table->slot_count - 1)) {
        uint32_t *slot = &table->slots[at];
        if (*slot == 0) {
            return slot;
        }
        const char *other[MAPPING_KEY_MAX];
        bool equal = true;
        key_of(table, table->rows[*slot - 1], other);
        for (uint32_t i = 0; i < table->key_count; i++) {
            equal = equal && strcmp(key[i], other[i]) == 0;
        }
        if (equal) {
            return slot;
        }
    }
}

const char *const *side_table_find(const struct side_table *table,
                                   const char *const by[MAPPING_KEY_MAX])
{
    const uint32_t *slot = slot_of(table, by);
    return *slot == 0 ? NULL : table->rows[*slot - 1];
}

void side_table_free(struct side_table *table)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        free((void *)table->rows[i]);
    }
    for (uint32_t i = 0; table->names != NULL && i < table->column_count; i++) {
        free(table->names[i]);
    }
    free((void *)table->rows);
    free((void *)table->names);
    free(table->slots);
    *table = (struct side_table){.row_count = 0};
}

/* Twice as many slots when more than half are full. */
static bool grow(struct side_table *table)
{
    if (table->slot_count > 2 * table->row_count + 2) {
        return true;
    }
    uint32_t count = table->slot_count == 0 ? 1024 : table->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    const char ***rows = (const char ***)realloc((void *)table->rows, count * sizeof *table->rows);
    if (rows != NULL) {
        table->rows = rows;
    }
    if (slots == NULL || rows == NULL) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (uint32_t i = 0; i < table->row_count; i++) {
        const char *key[MAPPING_KEY_MAX];
        key_of(table, table->rows[i], key);
        *slot_of(table, key) = i + 1;
    }
    return true;
}

static const char **copy_row(const char *const *fields, uint32_t count, size_t *used)
{
    size_t size = count * sizeof *fields;
    for (uint32_t i = 0; i < count; i++) {
        size += strlen(fields[i]) + 1;
    }
    const char **row = (const char **)malloc(size);
    if (row == NULL) {
        return NULL;
    }
    *used += size;
    char *at = (char *)(void *)(row + count);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(fields[i]) + 1;
        memcpy(at, fields[i], length);
        row[i] = at;
        at += length;
    }
    return row;
}

static bool add_row(struct side_table *table, const char *const *fields, const char *path,
                    uint32_t line, struct fault *fault)
{
    const char *key[MAPPING_KEY_MAX];
    bool empty = true;
    key_of(table, fields, key);
    for (uint32_t i = 0; i < table->key_count; i++) {
        empty = empty && key[i][0] == '\0';
    }
    if (empty) {
        return true;
    }
    if (table->row_count == TABLE_ROWS_MAX || table->size > TABLE_SIZE_MAX) {
        return fault_set(
            fault, EXIT_USAGE,
            "%s has more than 1,000,000 rows or 1 GiB; a table to join must be smaller",
            "%s 超过 1,000,000 行或 1 GiB；用于连接的表必须更小", path);
    }
    if (!grow(table)) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    uint32_t *slot = slot_of(table, key);
    if (*slot != 0) {
        return fault_set(fault, EXIT_USAGE, "%s, line %u: a second row with the key '%s'",
                         "%s 第 %u 行：键“%s”重复", path, (unsigned)line, key[0]);
    }
    const char **row = copy_row(fields, table->column_count, &table->size);
    if (row == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    table->rows[table->row_count++] = row;
    *slot = table->row_count;
    return true;
}

static bool read_names(struct side_table *table, const struct mapping *mapping,
                       const struct map_table *map, const struct csv *csv, struct fault *fault)
{
    table->names = (char **)calloc(csv_column_count(csv), sizeof *table->names);
    for (uint32_t i = 0; table->names != NULL && i < csv_column_count(csv); i++) {
        const char *column = csv_column_name(csv, i);
        size_t size = strlen(map->name) + 1 + strlen(column) + 1;
        table->names[i] = malloc(size);
        if (table->names[i] == NULL) {
            return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
        }
        snprintf(table->names[i], size, "%s.%s", map->name, column);
        table->column_count = i + 1;
    }
    for (uint32_t i = 0; i < map->key.count; i++) {
        int column = csv_column_find(csv, map->key.names[i]);
        if (column < 0) {
            return doc_fault(mapping->doc, map->node, fault, "the table has no such column",
                             "该表没有此列", map->key.names[i]);
        }
        table->key[i] = (uint32_t)column;
        table->key_count = i + 1;
    }
    return (table->names != NULL && grow(table)) ||
           fault_set(fault, EXIT_IO, "out of memory", "内存不足");
}

bool side_table_read(struct side_table *table, const struct mapping *mapping, uint32_t index,
                     const char *path, struct fault *fault)
{
    const struct map_table *map = &mapping->tables[index];
    struct csv *csv = NULL;
    const char *const *fields = NULL;
    *table = (struct side_table){.row_count = 0};
    if (!csv_open(&csv, path, &map->format, fault)) {
        return false;
    }
    bool fine = read_names(table, mapping, map, csv, fault);
    while (fine) {
        enum csv_event event = csv_next(csv, &fields, fault);
        if (event == CSV_END) {
            break;
        }
        if (event == CSV_BAD_ROW) {
            struct fault why = *fault;
            fault_set(fault, EXIT_USAGE, "%s, line %u: %s%.0s", "%s 第 %u 行：%.0s%s", path,
                      (unsigned)csv_line(csv), why.en, why.zh);
        }
        fine = event == CSV_ROW && add_row(table, fields, path, csv_line(csv), fault);
    }
    csv_close(csv);
    if (!fine) {
        side_table_free(table);
    }
    return fine;
}
