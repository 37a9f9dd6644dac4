/* Statistics: a cell, a table, ranges. */
#include <string.h>

#include "tests/vectors/vectors.h"

#define FOUR                                       \
    {                                              \
        .validators = 4, .items = 1, .cells = true \
    }

static struct built one(struct world *world)
{
    return world_cell(world, 2);
}

static struct built range(struct world *world)
{
    return world_range(world, 8, 3);
}

static struct built last_range(struct world *world)
{
    return world_range(world, 16, 3);
}

static struct built all(struct world *world)
{
    return world_range(world, 0, 5);
}

static void drop(Xuelian__StatisticsProof *body, size_t at)
{
    xuelian__cell_proof__free_unpacked(body->cells[at], NULL);
    body->n_cells--;
    memmove(&body->cells[at], &body->cells[at + 1], (body->n_cells - at) * sizeof body->cells[0]);
}

static void cell_left_out(Xuelian__Proof *proof)
{
    drop(proof->statistics, 2);
}

static void total_left_out(Xuelian__Proof *proof)
{
    drop(proof->statistics, 0);
}

static void cells_swapped(Xuelian__Proof *proof)
{
    Xuelian__CellProof **cells = proof->statistics->cells;
    Xuelian__CellProof *first = cells[3];
    cells[3] = cells[4];
    cells[4] = first;
}

static void table_unsaid(Xuelian__Proof *proof)
{
    proof->statistics->table = 0;
}

static void cell_altered(Xuelian__Proof *proof)
{
    ProtobufCBinaryData *cell = &proof->statistics->cells[0]->cell;
    cell->data[cell->len - 1] ^= 1;
}

static void range_cut(Xuelian__Proof *proof)
{
    Xuelian__CellRange *cells = proof->statistics->range;
    xuelian__range_cell__free_unpacked(cells->cells[--cells->n_cells], NULL);
}

static void range_moved(Xuelian__Proof *proof)
{
    proof->statistics->range->start = 12;
}

static void range_of_half(Xuelian__Proof *proof)
{
    /* As if the tree of the nodes above were the collection. */
    proof->statistics->range->height = 0;
    while (proof->statistics->range->n_cells > 1) {
        range_cut(proof);
    }
}

static void next_altered(Xuelian__Proof *proof)
{
    proof->statistics->range->cells[1]->next_key.data[0] ^= 1;
}

const struct vector cell_vectors[] = {
    {.name = "cell",
     .why = "one cell of the statistics",
     .plan = FOUR,
     .build = one,
     .fault = VERIFY_FAULT_NONE},
    {.name = "table",
     .why = "a region's table of a year: four cells that add up to the cell 0, 0",
     .plan = FOUR,
     .build = world_table,
     .fault = VERIFY_FAULT_NONE},
    {.name = "table-20",
     .why = "the same under twenty validators",
     .plan = {.validators = 20, .items = 1, .cells = true},
     .build = world_table,
     .fault = VERIFY_FAULT_NONE},
    {.name = "range",
     .why = "the cells at positions 8 to 15",
     .plan = FOUR,
     .build = range,
     .fault = VERIFY_FAULT_NONE},
    {.name = "range-last",
     .why = "the last range: five leaves where eight have room",
     .plan = FOUR,
     .build = last_range,
     .fault = VERIFY_FAULT_NONE},
    {.name = "statistics-all",
     .why = "all twenty cells",
     .plan = FOUR,
     .build = all,
     .fault = VERIFY_FAULT_NONE},
    {.name = "cell-altered",
     .why = "one bit of a cell",
     .plan = FOUR,
     .build = one,
     .alter = cell_altered,
     .fault = VERIFY_FAULT_STATE_ROOT},
    {.name = "table-left-out",
     .why = "a cell of the table is missing",
     .plan = FOUR,
     .build = world_table,
     .alter = cell_left_out,
     .fault = VERIFY_FAULT_TABLE},
    {.name = "table-without-total",
     .why = "the cell 0, 0 is missing",
     .plan = FOUR,
     .build = world_table,
     .alter = total_left_out,
     .fault = VERIFY_FAULT_TABLE},
    {.name = "table-swapped",
     .why = "two cells in each other's place",
     .plan = FOUR,
     .build = world_table,
     .alter = cells_swapped,
     .fault = VERIFY_FAULT_TABLE},
    {.name = "table-unsaid",
     .why = "several cells that are not said to be a table",
     .plan = FOUR,
     .build = world_table,
     .alter = table_unsaid,
     .fault = VERIFY_FAULT_PROOF_ENCODING},
    {.name = "table-sums",
     .why = "the certified cell 0, 0 has one outcome more than the others",
     .plan = {.validators = 4, .items = 1, .cells = true, .lie = LIE_CELLS},
     .build = world_table,
     .fault = VERIFY_FAULT_TABLE},
    {.name = "range-cut",
     .why = "the last cell of a range is missing",
     .plan = FOUR,
     .build = range,
     .alter = range_cut,
     .fault = VERIFY_FAULT_RANGE},
    {.name = "range-moved",
     .why = "a start that is no multiple of the range's size",
     .plan = FOUR,
     .build = range,
     .alter = range_moved,
     .fault = VERIFY_FAULT_RANGE},
    {.name = "range-height",
     .why = "one cell in the place of the node above eight",
     .plan = FOUR,
     .build = range,
     .alter = range_of_half,
     .fault = VERIFY_FAULT_PATH_SHAPE},
    {.name = "range-next",
     .why = "one bit of a next key",
     .plan = FOUR,
     .build = all,
     .alter = next_altered,
     .fault = VERIFY_FAULT_STATE_ROOT},
    {.name = NULL},
};
