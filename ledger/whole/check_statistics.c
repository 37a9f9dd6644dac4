/* Sums of what the accounts say, by cell, beside the cells that the state holds. */
#include <stdlib.h>
#include <string.h>

#include "ledger/whole/check_internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

struct cell_sum {
    struct derive_cell cell;
    uint64_t accounts;
    bool used;
    bool matched;
};

struct cell_table {
    struct cell_sum *sums; /* open addressing by key; room is a power of two */
    size_t room;
    size_t count;
};

enum { ROOM_AT_FIRST = 1024 };

struct cell_table *cell_table_new(void)
{
    struct cell_table *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->room = ROOM_AT_FIRST;
    made->sums = calloc(made->room, sizeof *made->sums);
    CHECK(made->sums != NULL);
    return made;
}

void cell_table_free(struct cell_table *table)
{
    if (table != NULL) {
        free(table->sums);
        free(table);
    }
}

/* FNV-1a, as in ledger/state/statistics.c. */
static struct cell_sum *slot(struct cell_sum *sums, size_t room, const uint8_t key[16])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < 16; i++) {
        hash = (hash ^ key[i]) * UINT64_C(1099511628211);
    }
    size_t at = (size_t)(hash ^ hash >> 32) & (room - 1);
    while (sums[at].used && memcmp(sums[at].cell.key, key, 16) != 0) {
        at = (at + 1) & (room - 1);
    }
    return &sums[at];
}

static struct cell_sum *find(struct cell_table *table, const uint8_t key[16])
{
    if (table->count * 2 >= table->room) {
        size_t room = table->room * 2;
        struct cell_sum *sums = calloc(room, sizeof *sums);
        CHECK(sums != NULL);
        for (size_t i = 0; i < table->room; i++) {
            if (table->sums[i].used) {
                *slot(sums, room, table->sums[i].cell.key) = table->sums[i];
            }
        }
        free(table->sums);
        table->sums = sums;
        table->room = room;
    }
    struct cell_sum *sum = slot(table->sums, table->room, key);
    if (!sum->used) {
        sum->used = true;
        memcpy(sum->cell.key, key, 16);
        table->count++;
    }
    return sum;
}

void cell_table_add(struct cell_table *table, const struct derive_cell *cell)
{
    struct derive_cell *sum = &find(table, cell->key)->cell;
    sum->outcomes += cell->outcomes;
    sum->credits += cell->credits;
    sum->hours += cell->hours;
    sum->learners += cell->learners;
    sum->revoked += cell->revoked;
    sum->points += cell->points;
    sum->conversions += cell->conversions;
    sum->converted_credits += cell->converted_credits;
}

static const struct derive_region *region_of(const struct derive_tables *tables, uint32_t code)
{
    for (size_t low = 0, high = tables->region_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (tables->regions[middle].code == code) {
            return &tables->regions[middle];
        }
        if (tables->regions[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void cell_table_opened(struct cell_table *table, const struct derive_tables *tables,
                       uint32_t region, uint32_t year)
{
    enum { LEVELS_MAX = 8 };
    const struct derive_region *at = region_of(tables, region);
    for (uint32_t depth = 0; at != NULL && depth < LEVELS_MAX; depth++) {
        uint8_t key[16] = {0};
        be32_put(key, year);
        be32_put(key + 4, at->code);
        find(table, key)->accounts++;
        at = region_of(tables, at->parent);
    }
}

bool cell_table_match(struct cell_table *table, const Xuelian__StatisticsCell *stored,
                      bool accounts)
{
    uint8_t key[16];
    be32_put(key, stored->year);
    be32_put(key + 4, stored->region);
    be32_put(key + 8, (uint32_t)stored->kind);
    be32_put(key + 12, stored->level);
    struct cell_sum *sum = find(table, key);
    const struct derive_cell *cell = &sum->cell;
    sum->matched = true;
    return cell->outcomes == stored->outcomes && cell->credits == stored->credits &&
           cell->hours == stored->hours && cell->learners == stored->learners &&
           cell->revoked == stored->revoked && cell->points == stored->points &&
           cell->conversions == stored->conversions &&
           cell->converted_credits == stored->converted_credits &&
           (!accounts || sum->accounts == stored->accounts);
}

bool cell_table_left(const struct cell_table *table, bool accounts, uint8_t key[16])
{
    for (size_t i = 0; i < table->room; i++) {
        const struct cell_sum *sum = &table->sums[i];
        const struct derive_cell *cell = &sum->cell;
        if (sum->used && !sum->matched &&
            (cell->outcomes | cell->credits | cell->hours | cell->revoked | cell->points |
             cell->conversions | cell->converted_credits | (accounts ? sum->accounts : 0)) != 0) {
            memcpy(key, cell->key, 16);
            return true;
        }
    }
    return false;
}
