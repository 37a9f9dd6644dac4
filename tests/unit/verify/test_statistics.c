/* Proofs of statistics: a cell, a table, ranges. */
#include "tests/unit/verify/check.h"

#include <string.h>

static const struct build_plan plan = {.validators = 4, .items = 1, .cells = true};
enum { CELLS = 20, PLACES = 5 };
static struct run run;

static void holds(struct world *world, struct built proof, enum verify_language language)
{
    if (run_options(&run, world_genesis(world), built_bytes(proof), NULL, language) != ST_OK) {
        fail_msg("%s", run.report);
    }
    built_free(&proof);
}

static void test_one_cell(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    for (uint32_t place = 0; place < PLACES; place++) {
        holds(world, world_cell(world, place), VERIFY_ENGLISH);
        assert_int_equal(run.result.cells_shown, VERIFY_CELLS_ONE);
        assert_int_equal(run.result.cell_count, 1);
        assert_int_equal(run.result.cells[0].year, 2024);
        assert_int_equal(run.result.cells[0].region, 330100);
        run_end(&run);
    }
    assert_says(run.report, "one cell of the statistics");
    assert_says(run.report,
                "2024, region 330100, other learning, level 0: outcomes 17, credits 42.50");
    assert_says(run.report, "any other cell");
    world_free(world);
}

static void test_a_table(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    holds(world, world_table(world), VERIFY_ENGLISH);
    assert_int_equal(run.result.cells_shown, VERIFY_CELLS_TABLE);
    assert_int_equal(run.result.cell_count, PLACES);
    assert_int_equal(run.result.cells[0].outcomes, 62);
    assert_says(run.report, "a region's statistics of a year, all kinds and levels, complete");
    assert_says(run.report, "all records: outcomes 62, ");
    assert_says(run.report, "every other kind and level of that region and year: 0");
    run_end(&run);
    holds(world, world_table(world), VERIFY_CHINESE);
    assert_says(run.report, "2024年，地区 330100，全部记录：成果 62");
    run_end(&run);
    world_free(world);
}

static void test_ranges(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    for (uint32_t height = 0; height < 6; height++) {
        uint32_t seen = 0;
        for (uint64_t start = 0; start <= CELLS; start += UINT64_C(1) << height) {
            holds(world, world_range(world, start, height), VERIFY_ENGLISH);
            assert_int_equal(run.result.cells_shown,
                             height == 5 ? VERIFY_CELLS_ALL : VERIFY_CELLS_RANGE);
            assert_int_equal(run.result.cell_first, start);
            assert_int_equal(run.result.cell_total, CELLS);
            seen += run.result.cell_count;
            run_end(&run);
        }
        assert_int_equal(seen, CELLS);
    }
    assert_says(run.report, "all statistics there are, complete");
    assert_says(run.report, "Cells      20 of 20");
    world_free(world);
    /* None at all: the sentinel alone is proved to be alone. */
    struct build_plan empty = plan;
    empty.cells = false;
    world = world_new(&empty);
    holds(world, world_range(world, 0, 3), VERIFY_ENGLISH);
    assert_int_equal(run.result.cells_shown, VERIFY_CELLS_ALL);
    assert_int_equal(run.result.cell_count, 0);
    run_end(&run);
    world_free(world);
}

/* One change to a table, or to the range of positions 8 to 15. */
static void altered(bool range, void (*alter)(Xuelian__StatisticsProof *body),
                    enum verify_fault fault)
{
    struct world *world = world_new(&plan);
    struct built proof = range ? world_range(world, 8, 3) : world_table(world);
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    alter(opened->statistics);
    expect_fault(world, proof_close(opened), fault);
    world_free(world);
}

static void drop_cell(Xuelian__StatisticsProof *body, size_t at)
{
    xuelian__cell_proof__free_unpacked(body->cells[at], NULL);
    body->n_cells--;
    memmove(&body->cells[at], &body->cells[at + 1], (body->n_cells - at) * sizeof body->cells[0]);
}

static void without_second(Xuelian__StatisticsProof *body)
{
    drop_cell(body, 1);
}

static void without_last(Xuelian__StatisticsProof *body)
{
    drop_cell(body, body->n_cells - 1);
}

static void without_total(Xuelian__StatisticsProof *body)
{
    drop_cell(body, 0);
}

static void swapped(Xuelian__StatisticsProof *body)
{
    Xuelian__CellProof *first = body->cells[1];
    body->cells[1] = body->cells[2];
    body->cells[2] = first;
}

static void twice(Xuelian__StatisticsProof *body)
{
    field_set(&body->cells[2]->cell, body->cells[1]->cell.data, body->cells[1]->cell.len);
    field_set(&body->cells[2]->path, body->cells[1]->path.data, body->cells[1]->path.len);
    field_set(&body->cells[2]->next_key, body->cells[1]->next_key.data, 32);
    body->cells[2]->position = body->cells[1]->position;
}

static void no_table(Xuelian__StatisticsProof *body)
{
    body->table = 0;
}

static void other_number(Xuelian__StatisticsProof *body)
{
    body->cells[1]->cell.data[body->cells[1]->cell.len - 1] ^= 1;
}

static void other_count(Xuelian__StatisticsProof *body)
{
    body->count++;
}

static void range_short(Xuelian__StatisticsProof *body)
{
    xuelian__range_cell__free_unpacked(body->range->cells[--body->range->n_cells], NULL);
}

static void range_moved(Xuelian__StatisticsProof *body)
{
    body->range->start = 9;
}

static void range_elsewhere(Xuelian__StatisticsProof *body)
{
    body->range->start = 0;
}

static void range_beyond(Xuelian__StatisticsProof *body)
{
    body->range->start = 64;
}

static void range_next(Xuelian__StatisticsProof *body)
{
    body->range->cells[3]->next_key.data[0] ^= 1;
}

static void range_as_table(Xuelian__StatisticsProof *body)
{
    body->table = 1;
}

static void range_path(Xuelian__StatisticsProof *body)
{
    body->range->path.len -= 32;
}

static void test_altered(void **state)
{
    (void)state;
    altered(false, without_second, VERIFY_FAULT_TABLE);
    altered(false, without_last, VERIFY_FAULT_TABLE);
    altered(false, without_total, VERIFY_FAULT_TABLE);
    altered(false, swapped, VERIFY_FAULT_TABLE);
    altered(false, twice, VERIFY_FAULT_TABLE);
    altered(false, no_table, VERIFY_FAULT_PROOF_ENCODING);
    altered(false, other_number, VERIFY_FAULT_STATE_ROOT);
    altered(false, other_count, VERIFY_FAULT_STATE_ROOT);
    altered(true, range_short, VERIFY_FAULT_RANGE);
    altered(true, range_moved, VERIFY_FAULT_RANGE);
    altered(true, range_elsewhere, VERIFY_FAULT_RANGE);
    altered(true, range_beyond, VERIFY_FAULT_RANGE);
    altered(true, range_next, VERIFY_FAULT_STATE_ROOT);
    altered(true, range_as_table, VERIFY_FAULT_PROOF_ENCODING);
    altered(true, range_path, VERIFY_FAULT_PATH_SHAPE);
    struct build_plan lying = plan;
    lying.lie = LIE_CELLS;
    struct world *world = world_new(&lying);
    expect_fault(world, world_table(world), VERIFY_FAULT_TABLE);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cell),
        cmocka_unit_test(test_a_table),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
