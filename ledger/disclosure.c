#include "ledger/disclosure.h"

#include <stdlib.h>

#include "proto/check.h"

enum { LEVELS = 11, KINDS = 9, COLUMNS = (KINDS + 1) * LEVELS, NONE = -1 };

struct row {
    int parent; /* index, or NONE */
    int first_child;
    int next_sibling;
    enum disclosure hides; /* what it does not show: DISCLOSURE_ALL here is nothing */
    const Xuelian__StatisticsCell *columns[COLUMNS]; /* [0]: the cell 0, 0; NULL: zero */
};

struct table {
    struct row *rows;
    size_t count;
    uint64_t least;
    bool changed;
};

static bool is_zero(const Xuelian__StatisticsCell *cell)
{
    return cell == NULL || (cell->outcomes | cell->learners | cell->revoked | cell->accounts |
                            cell->points | cell->conversions) == 0;
}

static uint64_t learners(const Xuelian__StatisticsCell *cell)
{
    return cell == NULL ? 0 : cell->learners;
}

static bool is_small(const struct table *table, const Xuelian__StatisticsCell *cell)
{
    return !is_zero(cell) && cell->learners < table->least;
}

static void hide(struct table *table, struct row *row, enum disclosure what)
{
    CHECK(row->hides < what);
    row->hides = what;
    table->changed = true;
}

/* ---- The table ---- */

static int find(const struct disclosure_region *regions, size_t count, uint32_t code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (regions[middle].code == code) {
            return (int)middle;
        }
        low = regions[middle].code < code ? middle + 1 : low;
        high = regions[middle].code < code ? high : middle;
    }
    return NONE;
}

static void fill(struct table *table, const struct disclosure_region *regions,
                 const Xuelian__StatisticsCell *cells, size_t cell_count)
{
    for (size_t i = 0; i < table->count; i++) {
        table->rows[i].first_child = NONE;
    }
    for (size_t i = table->count; i-- > 0;) {
        struct row *row = &table->rows[i];
        row->parent = find(regions, table->count, regions[i].parent);
        row->next_sibling = NONE;
        if (row->parent != NONE) {
            struct row *above = &table->rows[row->parent];
            row->next_sibling = above->first_child;
            above->first_child = (int)i;
        }
    }
    for (size_t i = 0; i < cell_count; i++) {
        int at = find(regions, table->count, cells[i].region);
        uint32_t column = (uint32_t)cells[i].kind * LEVELS + cells[i].level;
        CHECK(at != NONE && column < COLUMNS);
        table->rows[at].columns[column] = &cells[i];
    }
}

/* What is hidden for its own smallness. */
static void hide_small(struct table *table, struct row *row)
{
    for (uint32_t i = 1; i < COLUMNS && row->hides == DISCLOSURE_ALL; i++) {
        if (is_small(table, row->columns[i])) {
            hide(table, row, DISCLOSURE_TOTAL);
        }
    }
    if (is_small(table, row->columns[0])) {
        hide(table, row, DISCLOSURE_NOTHING);
    }
}

/* ---- Rows below one ---- */

/* What was learned in a region itself: its cell less those below. Of the learners a lower bound. */
static bool direct_small(const struct table *table, const struct row *row, uint32_t column)
{
    const Xuelian__StatisticsCell *cell = row->columns[column];
    if (is_zero(cell)) {
        return false;
    }
    uint64_t numbers[5] = {cell->outcomes, cell->revoked, cell->accounts, cell->points,
                           cell->conversions};
    uint64_t left = cell->learners;
    for (int at = row->first_child; at != NONE; at = table->rows[at].next_sibling) {
        const Xuelian__StatisticsCell *below = table->rows[at].columns[column];
        if (below != NULL) {
            numbers[0] -= below->outcomes;
            numbers[1] -= below->revoked;
            numbers[2] -= below->accounts;
            numbers[3] -= below->points;
            numbers[4] -= below->conversions;
            left -= below->learners < left ? below->learners : left;
        }
    }
    return (numbers[0] | numbers[1] | numbers[2] | numbers[3] | numbers[4]) != 0 &&
           left < table->least;
}

/* Of those below that hide this: how many, and their learners in a column. */
static uint32_t hidden_below(const struct table *table, const struct row *row, enum disclosure what,
                             uint32_t column, uint64_t *sum)
{
    uint32_t count = 0;
    *sum = 0;
    for (int at = row->first_child; at != NONE; at = table->rows[at].next_sibling) {
        const struct row *below = &table->rows[at];
        if (below->hides >= what && !is_zero(below->columns[column])) {
            count++;
            *sum += learners(below->columns[column]);
        }
    }
    return count;
}

/* The row with the fewest learners of those below that do not hide this and are not zero in the column. */
static struct row *smallest_below(const struct table *table, const struct row *row,
                                  enum disclosure what, uint32_t column)
{
    struct row *found = NULL;
    for (int at = row->first_child; at != NONE; at = table->rows[at].next_sibling) {
        struct row *below = &table->rows[at];
        if (below->hides < what && !is_zero(below->columns[column]) &&
            (found == NULL || learners(below->columns[0]) < learners(found->columns[0]))) {
            found = below;
        }
    }
    return found;
}

/* ---- The rules ---- */

/* A row that shows what some below it hide: enough of them do, in every column in which they are not zero. */
static void cover(struct table *table, struct row *row, enum disclosure what)
{
    uint32_t first = what == DISCLOSURE_NOTHING ? 0 : 1;
    uint32_t end = what == DISCLOSURE_NOTHING ? 1 : COLUMNS;
    uint64_t sum = 0;
    bool any = hidden_below(table, row, what, 0, &sum) > 0;
    for (uint32_t column = first; column < end && row->hides < what; column++) {
        bool direct = direct_small(table, row, column);
        uint32_t count = hidden_below(table, row, what, column, &sum);
        while (row->hides < what && (direct || count > 0) && sum < table->least) {
            struct row *other = smallest_below(table, row, what, column);
            hide(table, other != NULL ? other : row, what);
            count = hidden_below(table, row, what, column, &sum);
            any = true;
        }
        any = any || direct;
    }
    /* Two rows at least, of whatever columns. */
    while (any && row->hides < what && hidden_below(table, row, what, 0, &sum) < 2) {
        struct row *other = smallest_below(table, row, what, 0);
        hide(table, other != NULL ? other : row, what);
    }
}

/* A row that hides what all below it show. */
static void carry(struct table *table, const struct row *row, enum disclosure what)
{
    uint64_t sum = 0;
    struct row *other = smallest_below(table, row, what, 0);
    if (other != NULL && hidden_below(table, row, what, 0, &sum) == 0) {
        hide(table, other, what);
    }
}

static void settle(struct table *table)
{
    static const enum disclosure all[] = {DISCLOSURE_NOTHING, DISCLOSURE_TOTAL};
    do {
        table->changed = false;
        for (size_t i = 0; i < table->count; i++) {
            struct row *row = &table->rows[i];
            for (uint32_t k = 0; k < 2 && row->first_child != NONE; k++) {
                if (row->hides < all[k]) {
                    cover(table, row, all[k]);
                } else {
                    carry(table, row, all[k]);
                }
            }
        }
    } while (table->changed); /* each row is hidden twice at most */
}

void disclosure_decide(enum disclosure *out, const struct disclosure_region *regions,
                       size_t region_count, const Xuelian__StatisticsCell *cells, size_t cell_count,
                       uint64_t least)
{
    struct table table = {.rows = calloc(region_count + 1, sizeof *table.rows),
                          .count = region_count,
                          .least = least};
    CHECK(table.rows != NULL);
    fill(&table, regions, cells, cell_count);
    for (size_t i = 0; i < region_count; i++) {
        hide_small(&table, &table.rows[i]);
    }
    settle(&table);
    for (size_t i = 0; i < region_count; i++) {
        out[i] = table.rows[i].hides;
    }
    free(table.rows);
}

bool disclosure_shows(enum disclosure of_region, uint32_t kind)
{
    return of_region == DISCLOSURE_ALL || (of_region == DISCLOSURE_TOTAL && kind == 0);
}
