/* No altered proof holds: every bit of a record proof, every truncation, a sample of an archive. */
#include "tests/unit/verify/check.h"

#include <string.h>

#include "proto/bytes.h"

enum { ARCHIVE_STEP = 7 }; /* coprime to 8, so every bit of a byte has its turn */

static struct verify_result result;
static void *scratch;
static size_t scratch_size;

static void scratch_make(const struct world *world, struct built proof)
{
    scratch_size = VERIFY_SCRATCH_SIZE(world_genesis(world).size, proof.size);
    scratch = malloc(scratch_size);
    assert_non_null(scratch);
}

static enum status verdict(const struct world *world, struct bytes proof)
{
    return verify_proof(&result, world_genesis(world), proof, NULL, scratch, scratch_size);
}

static enum status verdict_of(const struct world *world, struct built proof)
{
    scratch_make(world, proof);
    enum status status = verdict(world, built_bytes(proof));
    free(scratch);
    return status;
}

/* free_bytes: 32 bytes that are the question and not the answer, as the id in a proof of absence; NULL: none. */
static void flip_but(struct world *world, struct built proof, size_t step, const void *free_bytes)
{
    const uint8_t *free_at =
        free_bytes == NULL ? NULL : memmem(proof.data, proof.size, free_bytes, 32);
    size_t first = free_at == NULL ? proof.size : (size_t)(free_at - proof.data);
    assert_true(free_bytes == NULL || free_at != NULL);
    scratch_make(world, proof);
    assert_int_equal(verdict(world, built_bytes(proof)), ST_OK);
    for (size_t bit = 0; bit < proof.size * 8; bit += step) {
        if (bit / 8 >= first && bit / 8 < first + 32) {
            continue;
        }
        proof.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (verdict(world, built_bytes(proof)) == ST_OK) {
            fail_msg("bit %zu of byte %zu does not matter", bit % 8, bit / 8);
        }
        assert_true(result.fault != VERIFY_FAULT_NONE && result.fault != VERIFY_FAULT_SCRATCH);
        proof.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(verdict(world, built_bytes(proof)), ST_OK);
    free(scratch);
    built_free(&proof);
}

static void flip_all(struct world *world, struct built proof, size_t step)
{
    flip_but(world, proof, step, NULL);
}

static void test_every_bit_of_a_record(void **state)
{
    (void)state;
    struct build_plan plan = {
        .validators = 4, .items = 5, .bulk = 9, .accounts = 6, .set_changes = 1};
    struct world *world = world_new(&plan);
    flip_all(world, world_record(world, 2), 1);
    world_free(world);
}

static void test_every_bit_of_details(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 2, .details = 5, .shown = 0x12};
    struct world *world = world_new(&plan);
    flip_all(world, world_record(world, 1), 1);
    world_free(world);
}

/* The header that the second recovery goes on from has no certificate: the record alone names it. */
static void test_every_bit_of_recoveries(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 1, .recovery_keys = 3, .recoveries = 2};
    struct world *world = world_new(&plan);
    flip_all(world, world_record(world, 1), 5);
    world_free(world);
}

static void test_every_bit_of_a_history(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 3, .earlier = 2};
    struct world *world = world_new(&plan);
    flip_all(world, world_record(world, 1), 1);
    world_free(world);
}

static void test_every_bit_of_a_transaction(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 1, .transactions = 3};
    struct world *world = world_new(&plan);
    flip_all(world, world_transaction(world, true, 1), 1);
    struct built absent = world_transaction(world, false, 3);
    assert_int_equal(verdict_of(world, absent), ST_OK);
    struct hash32 id = result.tx.id;
    flip_but(world, absent, 1, &id);
    world_free(world);
}

static void test_every_bit_of_statistics(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 1, .cells = true};
    struct world *world = world_new(&plan);
    flip_all(world, world_cell(world, 1), 1);
    flip_all(world, world_table(world), ARCHIVE_STEP);
    flip_all(world, world_range(world, 16, 3), ARCHIVE_STEP);
    world_free(world);
}

static void test_some_bits_of_an_archive(void **state)
{
    (void)state;
    struct build_plan plan = {
        .validators = 4, .items = 20, .bulk = 20, .accounts = 6, .withheld = 0x30};
    struct world *world = world_new(&plan);
    flip_all(world, world_archive(world), ARCHIVE_STEP);
    plan.withheld = 0;
    world_free(world);
    world = world_new(&plan);
    flip_all(world, world_archive(world), ARCHIVE_STEP);
    world_free(world);
}

/* A cut is called a cut wherever it is. The bytes are copied so that reading past them is seen. */
static void cut_all(struct world *world, struct built proof)
{
    scratch_make(world, proof);
    for (size_t size = 0; size < proof.size; size++) {
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        uint8_t *start = copy + 1;
        memcpy(start, proof.data, size);
        if (verdict(world, (struct bytes){start, size}) != ST_TRUNCATED) {
            fail_msg("cut to %zu bytes: %s", size, verify_fault_name(result.fault));
        }
        free(copy);
    }
    free(scratch);
    built_free(&proof);
}

static void test_every_truncation(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 5, .bulk = 9, .accounts = 6};
    struct world *world = world_new(&plan);
    cut_all(world, world_record(world, 2));
    cut_all(world, world_archive(world));
    cut_all(world, world_absence(world, 7));
    world_free(world);
}

/* A genesis that differs in one bit is another chain, or no genesis. */
static void test_every_bit_of_genesis(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 1};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    struct bytes genesis = world_genesis(world);
    uint8_t *copy = malloc(genesis.size);
    assert_non_null(copy);
    memcpy(copy, genesis.data, genesis.size);
    scratch_make(world, proof);
    for (size_t bit = 0; bit < genesis.size * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        enum status status = verify_proof(&result, (struct bytes){copy, genesis.size},
                                          built_bytes(proof), NULL, scratch, scratch_size);
        assert_true(status == ST_WRONG_CHAIN || status == ST_BAD_ENCODING);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t size = 0; size < genesis.size; size++) {
        enum status status = verify_proof(&result, (struct bytes){copy, size}, built_bytes(proof),
                                          NULL, scratch, scratch_size);
        assert_int_not_equal(status, ST_OK);
    }
    free(copy);
    free(scratch);
    built_free(&proof);
    world_free(world);
}

/* With less scratch than it takes the verifier says so, and nothing else goes wrong. */
static void test_every_scratch_size(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 6};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    bool held = false;
    for (size_t size = 0; size < 8192; size++) {
        uint8_t *memory = malloc(size + 1);
        assert_non_null(memory);
        /* Misaligned on purpose. */
        enum status status =
            verify_proof(&result, world_genesis(world), built_bytes(proof), NULL, memory + 1, size);
        assert_int_equal(status, held ? ST_OK : status);
        assert_true(status == ST_OK || result.fault == VERIFY_FAULT_SCRATCH);
        held = status == ST_OK;
        free(memory);
        size += held ? 997 : 0;
    }
    assert_true(held);
    built_free(&proof);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_a_record),
        cmocka_unit_test(test_every_bit_of_details),
        cmocka_unit_test(test_every_bit_of_recoveries),
        cmocka_unit_test(test_every_bit_of_a_history),
        cmocka_unit_test(test_every_bit_of_a_transaction),
        cmocka_unit_test(test_every_bit_of_statistics),
        cmocka_unit_test(test_some_bits_of_an_archive),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit_of_genesis),
        cmocka_unit_test(test_every_scratch_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
