/* Set histories, and verifying small proofs with one that was kept.
 *
 * Worlds that differ in set_changes alone are one chain as far as both go: what the shorter one signs at BUILD_HEIGHT
 * is signed with keys that the longer one has retired. */
#include "tests/unit/verify/check.h"

#include <string.h>

static struct run run;

static struct world *world_of(uint32_t changes)
{
    struct build_plan plan = {.validators = 4, .items = 2, .set_changes = changes};
    return world_new(&plan);
}

/* The proof without its set changes, as in a QR code. */
static struct built small(struct built proof)
{
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    for (size_t i = 0; i < opened->anchor->n_set_changes; i++) {
        xuelian__set_change__free_unpacked(opened->anchor->set_changes[i], NULL);
    }
    opened->anchor->n_set_changes = 0;
    return proof_close(opened);
}

/* Verifies a proof with a history, frees both, and says the fault. */
static enum verify_fault with(struct world *world, struct built proof, struct built history)
{
    struct verify_options options = {.history = built_bytes(history)};
    run_options(&run, world_genesis(world), built_bytes(proof), &options, VERIFY_ENGLISH);
    run_end(&run);
    built_free(&proof);
    built_free(&history);
    return run.result.fault;
}

static void test_a_history_holds(void **state)
{
    (void)state;
    struct world *world = world_of(2);
    assert_int_equal(with(world, world_set_history(world, false), (struct built){.size = 0}),
                     VERIFY_FAULT_NONE);
    assert_int_equal(run.result.set_changes, 2);
    assert_int_equal(run.result.era, 21);
    assert_int_equal(run.result.validator_count, 4);
    assert_says(run.report, "who the validators were, from genesis to the next height");
    assert_says(run.report, "height 1001: 4 validators, in this set since height 21, of which 3");
    /* As of the very header that names the newest set. */
    assert_int_equal(with(world, world_set_history(world, true), (struct built){.size = 0}),
                     VERIFY_FAULT_NONE);
    assert_int_equal(run.result.height, 20);
    assert_int_equal(run.result.set_changes, 1);
    assert_int_equal(run.result.era, 21);
    world_free(world);
    world = world_of(0);
    assert_int_equal(with(world, world_set_history(world, false), (struct built){.size = 0}),
                     VERIFY_FAULT_NONE);
    assert_int_equal(run.result.era, 1);
    world_free(world);
}

static void test_a_history_of_another_set(void **state)
{
    (void)state;
    struct world *world = world_of(2);
    struct world *other = world_of(1);
    struct built proof = world_set_history(world, false);
    struct built wrong = world_set_history(other, false);
    Xuelian__Proof *opened = proof_open(proof);
    Xuelian__Proof *second = proof_open(wrong);
    built_free(&proof);
    built_free(&wrong);
    field_set(&opened->set_history->set, second->set_history->set.data,
              second->set_history->set.len);
    expect_fault(world, proof_close(opened), VERIFY_FAULT_SET_CHANGE);
    xuelian__proof__free_unpacked(second, NULL);
    world_free(other);
    world_free(world);
}

static void test_a_small_proof_needs_it(void **state)
{
    (void)state;
    struct world *world = world_of(2);
    struct built record = small(world_record(world, 1));
    assert_int_equal(with(world, record, (struct built){.size = 0}), VERIFY_FAULT_SET_UNKNOWN);
    assert_says(run.report, "get the sets with xuelian prove sets and give them with --history");
    record = small(world_record(world, 1));
    assert_int_equal(with(world, record, world_set_history(world, false)), VERIFY_FAULT_NONE);
    assert_true(run.result.from_history);
    assert_says(run.report, "newest of the history file, proved from genesis up to height 1000");
    /* One that was made long before, when the set was new, serves as well. */
    record = small(world_record(world, 1));
    assert_int_equal(with(world, record, world_set_history(world, true)), VERIFY_FAULT_NONE);
    assert_int_equal(run.result.history_height, 20);
    /* One that has its own changes holds with a history too, and does not need it. */
    assert_int_equal(with(world, world_record(world, 1), world_set_history(world, true)),
                     VERIFY_FAULT_NONE);
    assert_false(run.result.from_history);
    assert_int_equal(run.result.set_changes, 2);
    world_free(world);
}

static void test_retired_validators(void **state)
{
    (void)state;
    struct world *world = world_of(3);
    struct world *retired = world_of(2);
    /* Without a history nobody can tell. */
    assert_int_equal(with(world, world_record(retired, 1), (struct built){.size = 0}),
                     VERIFY_FAULT_NONE);
    assert_int_equal(with(world, world_record(retired, 1), world_set_history(world, true)),
                     VERIFY_FAULT_SET_RETIRED);
    assert_says(run.report, "has been replaced since, as the history file shows");
    /* Its small form: the newest set did not certify it. */
    assert_int_equal(with(world, small(world_record(retired, 1)), world_set_history(world, true)),
                     VERIFY_FAULT_SET_UNKNOWN);
    /* And the other way round: changes after those of the history are followed, or asked for. */
    assert_int_equal(with(world, world_record(world, 1), world_set_history(retired, true)),
                     VERIFY_FAULT_NONE);
    assert_int_equal(with(world, small(world_record(world, 1)), world_set_history(retired, true)),
                     VERIFY_FAULT_SET_UNKNOWN);
    world_free(retired);
    world_free(world);
}

static void test_a_history_never_goes_back(void **state)
{
    (void)state;
    struct world *world = world_of(2);
    assert_int_equal(with(world, world_set_history(world, false), world_set_history(world, true)),
                     VERIFY_FAULT_NONE);
    assert_int_equal(with(world, world_set_history(world, true), world_set_history(world, false)),
                     VERIFY_FAULT_SET_RETIRED);
    struct world *shorter = world_of(1);
    assert_int_equal(with(world, world_set_history(shorter, false), world_set_history(world, true)),
                     VERIFY_FAULT_SET_RETIRED);
    world_free(shorter);
    world_free(world);
    /* Without changes, an older header of the same set. */
    struct build_plan plan = {.validators = 4, .items = 2, .transactions = 1};
    world = world_new(&plan);
    shorter = world_of(0);
    assert_int_equal(
        with(world, world_set_history(shorter, false), world_set_history(world, false)),
        VERIFY_FAULT_CONFLICT); /* another block at the height of the history */
    world_free(shorter);
    world_free(world);
}

static void test_what_is_no_history(void **state)
{
    (void)state;
    struct world *world = world_of(1);
    assert_int_equal(with(world, world_record(world, 1), world_record(world, 2)),
                     VERIFY_FAULT_HISTORY_FILE);
    assert_says(run.report, "the history file is not a proof of the validator sets");
    assert_int_equal(with(world, world_record(world, 1), small(world_set_history(world, false))),
                     VERIFY_FAULT_HISTORY_FILE);
    struct built cut = world_set_history(world, false);
    cut.size--;
    assert_int_equal(with(world, world_record(world, 1), cut), VERIFY_FAULT_HISTORY_FILE);
    struct build_plan plan = {.validators = 7, .items = 1};
    struct world *other = world_new(&plan);
    assert_int_equal(with(world, world_record(world, 1), world_set_history(other, false)),
                     VERIFY_FAULT_HISTORY_FILE);
    world_free(other);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_history_holds),
        cmocka_unit_test(test_a_history_of_another_set),
        cmocka_unit_test(test_a_small_proof_needs_it),
        cmocka_unit_test(test_retired_validators),
        cmocka_unit_test(test_a_history_never_goes_back),
        cmocka_unit_test(test_what_is_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
