#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "tests/unit/verify/build_internal.h"

enum { TABLES = 4, IN_TABLE = 5 };

/* Kind and level of the cells of each table, after the cell 0, 0. */
static const uint32_t names[IN_TABLE][2] = {{0, 0}, {1, 0}, {1, 2}, {3, 1}, {9, 0}};

static uint32_t year_of(uint32_t table)
{
    return 2024 + table / 2;
}

static uint32_t region_of(uint32_t table)
{
    return table % 2 == 0 ? 330106 : 330100;
}

static Xuelian__StatisticsCell cell_of(const struct world *w, uint32_t table, uint32_t place)
{
    Xuelian__StatisticsCell cell = XUELIAN__STATISTICS_CELL__INIT;
    cell.year = year_of(table);
    cell.region = region_of(table);
    cell.kind = (Xuelian__OutcomeKind)names[place][0];
    cell.level = names[place][1];
    if (place > 0) {
        cell.outcomes = 10 * table + 3 + place;
        cell.credits = cell.outcomes * 250;
        cell.hours = cell.outcomes * 1600;
        cell.learners = cell.outcomes - 1;
        cell.revoked = place == 2 ? 2 : 0;
        return cell;
    }
    for (uint32_t i = 1; i < IN_TABLE; i++) {
        Xuelian__StatisticsCell other = cell_of(w, table, i);
        cell.outcomes += other.outcomes;
        cell.credits += other.credits;
        cell.hours += other.hours;
        cell.revoked += other.revoked;
    }
    cell.outcomes += w->plan.lie == LIE_CELLS ? 1 : 0;
    cell.learners = cell.outcomes / 2;
    cell.accounts = 7;
    cell.points = 40;
    cell.conversions = 2;
    cell.converted_credits = 500;
    return cell;
}

/* The tables one after the other, but each one's last cell after all others: so they are apart. */
static uint32_t position_of(uint32_t table, uint32_t place)
{
    return place == IN_TABLE - 1 ? 1 + TABLES * (IN_TABLE - 1) + table
                                 : 1 + table * (IN_TABLE - 1) + place;
}

void cells_make(struct world *w, struct hash32 *root)
{
    struct cells *cells = &w->cells;
    struct hash32 values[CELLS_MAX] = {{{0}}};
    cells->count = w->plan.cells ? 1 + TABLES * IN_TABLE : 1;
    for (uint32_t i = 0; i + 1 < cells->count; i++) {
        uint32_t at = position_of(i / IN_TABLE, i % IN_TABLE);
        Xuelian__StatisticsCell cell = cell_of(w, i / IN_TABLE, i % IN_TABLE);
        struct hasher hasher;
        uint8_t natural[16];
        be32_put(natural, cell.year);
        be32_put(natural + 4, cell.region);
        be32_put(natural + 8, (uint32_t)cell.kind);
        be32_put(natural + 12, cell.level);
        key_make(&cells->keys[at], STATISTICS, natural, sizeof natural);
        cells->values[at] = encode(w, &cell.base);
        be32_put(natural, STATISTICS);
        hasher_init_tagged(&hasher, TAG_VALUE);
        hasher_update(&hasher, natural, 4);
        hasher_update(&hasher, cells->values[at].data, cells->values[at].size);
        hasher_final(&hasher, &values[at]);
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        cells->next_keys[i] = next_of(cells->keys, cells->count, &cells->keys[i]);
        struct hash32 parts[3] = {cells->keys[i], cells->next_keys[i], values[i]};
        hash_leaf(&cells->leaves[i], TAG_LEAF_STATE, parts, sizeof parts);
    }
    merkle_root(root, cells->leaves, cells->count);
}

static Xuelian__CellProof *cell_make(struct world *w, uint32_t position)
{
    Xuelian__CellProof *cell = make(w, sizeof *cell);
    struct hash32 *path = make(w, LIMIT_MERKLE_DEPTH_MAX * sizeof *path);
    xuelian__cell_proof__init(cell);
    cell->cell = borrow(w->cells.values[position]);
    cell->position = position;
    cell->next_key = field_borrow(&w->cells.next_keys[position], 32);
    uint32_t size = merkle_path(path, w->cells.leaves, w->cells.count, position);
    cell->path = field_borrow(path, size * sizeof *path);
    return cell;
}

static struct built statistics_make(struct world *w, Xuelian__StatisticsProof *body)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t size = merkle_path(path, w->collection_leaves, COLLECTIONS, STATISTICS - 1);
    body->count = w->cells.count;
    body->collection_path = field_borrow(path, size * sizeof path[0]);
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_STATISTICS;
    proof.statistics = body;
    return proof_make(w, &proof);
}

struct built world_table(struct world *w)
{
    Xuelian__StatisticsProof body = XUELIAN__STATISTICS_PROOF__INIT;
    Xuelian__CellProof *cells[IN_TABLE];
    for (uint32_t i = 0; i < IN_TABLE; i++) {
        cells[i] = cell_make(w, position_of(1, i));
    }
    body.table = 1;
    body.n_cells = IN_TABLE;
    body.cells = cells;
    return statistics_make(w, &body);
}

struct built world_cell(struct world *w, uint32_t place)
{
    Xuelian__StatisticsProof body = XUELIAN__STATISTICS_PROOF__INIT;
    Xuelian__CellProof *cell = cell_make(w, position_of(1, place));
    body.n_cells = 1;
    body.cells = &cell;
    return statistics_make(w, &body);
}

struct built world_range(struct world *w, uint64_t start, uint32_t height)
{
    Xuelian__StatisticsProof body = XUELIAN__STATISTICS_PROOF__INIT;
    Xuelian__CellRange range = XUELIAN__CELL_RANGE__INIT;
    Xuelian__RangeCell cells[CELLS_MAX];
    Xuelian__RangeCell *pointers[CELLS_MAX];
    struct hash32 nodes[CELLS_MAX];
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t count = w->cells.count;
    uint32_t most = (uint32_t)1 << height;
    uint32_t node_count = 0;
    for (uint32_t at = 0; at < count; at += most) {
        merkle_root(&nodes[node_count++], &w->cells.leaves[at],
                    count - at < most ? count - at : most);
    }
    for (uint32_t i = (uint32_t)start; i < count && i < start + most; i++) {
        Xuelian__RangeCell *cell = &cells[range.n_cells];
        xuelian__range_cell__init(cell);
        cell->next_key = field_borrow(&w->cells.next_keys[i], 32);
        cell->cell = borrow(w->cells.values[i]);
        pointers[range.n_cells++] = cell;
    }
    range.start = start;
    range.height = height;
    range.cells = pointers;
    range.path =
        field_borrow(path, merkle_path(path, nodes, node_count, start >> height) * sizeof path[0]);
    body.range = &range;
    return statistics_make(w, &body);
}
