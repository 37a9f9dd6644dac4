/* Proofs of transactions: in the certified block, in an earlier one, in none of the two. */
#include "tests/unit/verify/check.h"

#include <string.h>

#include "proto/bytes.h"

static const struct build_plan plan = {.validators = 4, .items = 1, .transactions = 7};
static struct run run;

static void holds(struct world *world, struct built proof, enum verify_language language)
{
    if (run_options(&run, world_genesis(world), built_bytes(proof), NULL, language) != ST_OK) {
        fail_msg("%s", run.report);
    }
    built_free(&proof);
    run_end(&run);
}

static void test_in_the_certified_block(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    holds(world, world_transaction(world, false, 0), VERIFY_ENGLISH);
    assert_true(run.result.tx.included && !run.result.tx.earlier && run.result.tx.common_shown);
    assert_int_equal(run.result.tx.height, BUILD_HEIGHT);
    assert_says(run.report, "a transaction is in a block of this network, with this result");
    assert_says(run.report, "Place      1 of 7");
    assert_says(run.report, "Result     OK (0)");
    assert_says(run.report, "Kind       4, signed by University 100 (member 100)");
    holds(world, world_transaction(world, false, 6), VERIFY_CHINESE);
    assert_int_equal(run.result.tx.index, 6);
    assert_says(run.report, "已证明：某交易在本网络的区块中");
    world_free(world);
}

static void test_in_an_earlier_block(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    holds(world, world_transaction(world, true, 1), VERIFY_ENGLISH);
    assert_true(run.result.tx.included && run.result.tx.earlier);
    assert_int_equal(run.result.tx.height, BUILD_OLD_HEIGHT);
    assert_int_equal(run.result.tx.items, 5);
    assert_int_equal(run.result.tx.refused, 2);
    assert_says(run.report, "Block      height 900, 2026-06-21 07:58:20 (UTC+8), an earlier one");
    assert_says(run.report, "refused 2 of its 5 items");
    holds(world, world_transaction(world, true, 2), VERIFY_ENGLISH);
    assert_says(run.report, "Result     ACCOUNT_EXISTS (207): the account is open already");
    world_free(world);
}

static void test_not_in_the_block(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    holds(world, world_transaction(world, false, 7), VERIFY_ENGLISH);
    assert_false(run.result.tx.included);
    assert_says(run.report, "a transaction is not in this block; all that is in it is listed");
    assert_says(run.report, "Listed     7 transactions");
    assert_says(run.report, "that it is in no other block");
    holds(world, world_transaction(world, true, 7), VERIFY_CHINESE);
    assert_says(run.report, "已列出  7 笔交易");
    world_free(world);
}

/* Without the signed fields it still holds, and the report says what is not known. */
static void test_without_what_was_signed(void **state)
{
    (void)state;
    struct world *world = world_new(&plan);
    struct built proof = world_transaction(world, true, 3);
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    field_set(&opened->transaction->common, "", 0);
    holds(world, proof_close(opened), VERIFY_ENGLISH);
    assert_says(run.report, "what it says and who signed it, beyond its id");
    world_free(world);
}

/* One change to a proof of transaction 1 of the earlier block, or with index 7 of its absence. */
static void altered(uint32_t index, void (*alter)(Xuelian__TransactionProof *body),
                    enum verify_fault fault)
{
    struct world *world = world_new(&plan);
    struct built proof = world_transaction(world, true, index);
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    alter(opened->transaction);
    expect_fault(world, proof_close(opened), fault);
    world_free(world);
}

static void other_time(Xuelian__TransactionProof *body)
{
    body->header.data[44] ^= 1;
}

static void longer_history(Xuelian__TransactionProof *body)
{
    body->history_path.len -= 32;
}

static void without_header(Xuelian__TransactionProof *body)
{
    field_set(&body->header, "", 0);
}

static void without_both(Xuelian__TransactionProof *body)
{
    field_set(&body->header, "", 0);
    field_set(&body->history_path, "", 0);
}

static void other_index(Xuelian__TransactionProof *body)
{
    body->index++;
}

static void index_beyond(Xuelian__TransactionProof *body)
{
    body->index = 7;
}

static void other_signatures(Xuelian__TransactionProof *body)
{
    body->signatures_hash.data[0] ^= 1;
}

static void other_id(Xuelian__TransactionProof *body)
{
    body->id.data[0] ^= 1;
}

static void other_result(Xuelian__TransactionProof *body)
{
    body->result.data[body->result.len - 1] ^= 1;
}

static void other_common(Xuelian__TransactionProof *body)
{
    body->common.data[body->common.len - 1] ^= 1;
}

static void one_not_listed(Xuelian__TransactionProof *body)
{
    body->listed.len -= 64;
}

static void half_listed(Xuelian__TransactionProof *body)
{
    body->listed.len -= 32;
}

static void said_of_one_listed(Xuelian__TransactionProof *body)
{
    field_set(&body->id, body->listed.data + 128, 32);
}

static void both_ways(Xuelian__TransactionProof *body)
{
    field_set(&body->signatures_hash, body->id.data, 32);
}

static void absent_with_result(Xuelian__TransactionProof *body)
{
    field_set(&body->result, "result", 6);
}

static void test_altered(void **state)
{
    (void)state;
    altered(1, other_time, VERIFY_FAULT_HISTORY_ROOT);
    altered(1, longer_history, VERIFY_FAULT_PATH_SHAPE);
    altered(1, without_header, VERIFY_FAULT_PATH_SHAPE);
    altered(1, without_both, VERIFY_FAULT_BLOCK_ROOT);
    altered(1, other_index, VERIFY_FAULT_BLOCK_ROOT);
    altered(1, index_beyond, VERIFY_FAULT_PATH_SHAPE);
    altered(1, other_signatures, VERIFY_FAULT_BLOCK_ROOT);
    altered(1, other_id, VERIFY_FAULT_BLOCK_ROOT);
    altered(1, other_result, VERIFY_FAULT_BLOCK_ROOT);
    altered(1, other_common, VERIFY_FAULT_TX_PARTS);
    altered(7, one_not_listed, VERIFY_FAULT_BLOCK_ROOT);
    altered(7, half_listed, VERIFY_FAULT_BLOCK_ROOT);
    altered(7, said_of_one_listed, VERIFY_FAULT_TX_LISTED);
    altered(7, both_ways, VERIFY_FAULT_PROOF_ENCODING);
    altered(7, absent_with_result, VERIFY_FAULT_PROOF_ENCODING);
}

/* The result of one transaction shown for another: both are in the block, at their own places. */
static void test_the_result_of_another(void **state)
{
    (void)state;
    struct build_plan one = plan;
    one.transactions = 1;
    struct world *world = world_new(&one);
    struct built proof = world_transaction(world, false, 0);
    Xuelian__Proof *opened = proof_open(proof);
    built_free(&proof);
    struct built other = world_transaction(world, true, 0);
    Xuelian__Proof *second = proof_open(other);
    built_free(&other);
    field_set(&opened->transaction->result, second->transaction->result.data,
              second->transaction->result.len);
    expect_fault(world, proof_close(opened), VERIFY_FAULT_BLOCK_ROOT);
    xuelian__proof__free_unpacked(second, NULL);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_the_certified_block),
        cmocka_unit_test(test_in_an_earlier_block),
        cmocka_unit_test(test_not_in_the_block),
        cmocka_unit_test(test_without_what_was_signed),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_the_result_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
