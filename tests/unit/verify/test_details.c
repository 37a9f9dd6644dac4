/* Details in a proof: what is shown, what is withheld, what was erased, in numbers and in words. Forgeries of them are
 * among the vectors (tests/vectors/vectors_details.c). */
#include "tests/unit/verify/check.h"

#include <string.h>

static struct run run;
static struct verify_item first; /* of the last proof */

static void show(const struct build_plan *plan, enum verify_language language, bool archive)
{
    struct world *world = world_new(plan);
    struct built proof = archive ? world_archive(world) : world_record(world, 1);
    struct verify_detail detail;
    assert_int_equal(run_options(&run, world_genesis(world), built_bytes(proof), NULL, language),
                     ST_OK);
    for (uint32_t i = 0, shown = 0; i < plan->details && plan->shown != 0; i++) {
        if ((plan->shown >> i & 1) == 0) {
            continue;
        }
        assert_true(verify_detail(&run.result.items[0], shown++, &detail));
        assert_int_equal(detail.number, i + 1 == plan->details ? 101 : i + 1);
        assert_int_equal(detail.value.size, strlen("明细 1"));
    }
    assert_false(verify_detail(&run.result.items[0], run.result.items[0].details_shown, &detail));
    first = run.result.items[0];
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_shown(void **state)
{
    struct build_plan plan = {.validators = 1, .items = 2, .details = 4, .shown = 0xa};
    (void)state;
    show(&plan, VERIFY_ENGLISH, false);
    assert_int_equal(first.details_count, 4);
    assert_int_equal(first.details_shown, 2);
    assert_false(first.details_erased);
    assert_says(run.report,
                "     score: 明细 2\n     detail 101: 明细 4\n     details withheld: 2\n");
    assert_null(strstr(run.report, "their details, of which"));
    show(&plan, VERIFY_CHINESE, true);
    assert_says(run.report, "     成绩：明细 2\n     明细101：明细 4\n     未出示的明细：2\n");
    plan.shown = 0xf;
    show(&plan, VERIFY_ENGLISH, true);
    assert_says(run.report, "     title: 明细 1\n");
    assert_null(strstr(run.report, "details withheld"));
}

static void test_not_shown(void **state)
{
    struct build_plan plan = {.validators = 1, .items = 1, .details = 4};
    (void)state;
    show(&plan, VERIFY_ENGLISH, false);
    assert_int_equal(first.details_count, 0);
    assert_says(run.report, "1 records: their details, of which the ledger holds a hash alone");
}

static void test_erased(void **state)
{
    struct build_plan plan = {
        .validators = 1, .items = 1, .earlier = 1, .details = 2, .erased = true};
    (void)state;
    show(&plan, VERIFY_ENGLISH, true);
    assert_true(first.details_erased);
    assert_true(run.result.complete);
    assert_int_equal(run.result.totals_state, VERIFY_TOTALS_EQUAL);
    assert_says(run.report, "its details were erased from the network\n");
    assert_null(strstr(run.report, "their details, of which"));
    show(&plan, VERIFY_CHINESE, false);
    assert_says(run.report, "其明细已从网络中删除\n");
    plan.shown = 1;
    show(&plan, VERIFY_ENGLISH, false);
    assert_says(run.report,
                "     title: 明细 1\n     details withheld: 1\n     its details were erased "
                "from the network; those above are a copy that somebody kept\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_not_shown),
        cmocka_unit_test(test_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
