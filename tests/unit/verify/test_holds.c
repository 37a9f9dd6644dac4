/* Proofs that hold, and what is said of them. */
#include "tests/unit/verify/check.h"

#include "proto/bytes.h"
#include "proto/quorum.h"

static struct run run;

static void holds(struct world *world, struct built *proof, enum verify_language language)
{
    enum status status =
        run_options(&run, world_genesis(world), built_bytes(*proof), NULL, language);
    if (status != ST_OK) {
        print_error("%s", run.report);
    }
    assert_int_equal(status, ST_OK);
    assert_true(hash32_equal(&run.result.header_hash, world_header_hash(world)));
}

static void record_of(uint32_t validators, uint32_t set_changes)
{
    struct build_plan plan = {
        .validators = validators, .items = 5, .bulk = 7, .accounts = 9, .set_changes = set_changes};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 2);
    holds(world, &proof, VERIFY_ENGLISH);
    const struct verify_result *result = &run.result;
    assert_int_equal(result->kind, VERIFY_RECORD);
    assert_int_equal(result->height, BUILD_HEIGHT);
    assert_int_equal(result->time_ms, BUILD_TIME_MS);
    assert_int_equal(result->set_size, validators);
    assert_int_equal(result->signer_count, quorum_size(validators));
    assert_int_equal(result->set_changes, set_changes);
    assert_true(hash32_equal(&result->learner, world_learner(world)));
    assert_int_equal(result->account_status, VERIFY_ACCOUNT_OPEN);
    assert_int_equal(result->item_count, 5);
    assert_int_equal(result->items_shown, 1);
    const struct verify_item *item = result->items;
    assert_int_equal(item->number, 2);
    assert_int_equal(item->version, 1);
    assert_int_equal(item->status, VERIFY_ITEM_VALID);
    assert_int_equal(item->outcome.credits, 125);
    assert_int_equal(item->outcome.issuer, BUILD_ISSUER);
    assert_int_equal(item->outcome.reference.size, 16);
    assert_int_equal(item->issuer_signature, VERIFY_ISSUER_SIGNED);
    assert_true(item->history_whole);
    assert_true(item->expired);
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_record_of_each_size(void **state)
{
    (void)state;
    record_of(1, 0);
    record_of(4, 0);
    record_of(20, 0);
    record_of(1, 2);
    record_of(4, 3);
    record_of(20, 5);
}

static void test_record_report(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 5, .bulk = 7, .set_changes = 2};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 2);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_says(run.report, "PROOF HOLDS\n\nProved: one record of a learner, as it stands at this "
                            "height\n");
    assert_says(run.report, "demonstration 4 (chain ");
    assert_says(run.report, "height 1000, 2026-06-21 08:00:00 (UTC+8)\n");
    assert_says(run.report, "3 of 4 validators: ");
    assert_says(run.report, "Institution ");
    assert_says(run.report, "; the set changed 2 times since genesis, each change certified");
    assert_says(run.report, "2. valid; Mathematics 7 (school course); credits 1.25, hours 16.00, "
                            "grade band 1; awarded 2024-06-30 by University 100 (member 100); "
                            "EXPIRED on 2026-01-01; recorded at height 6; issuer's own signature "
                            "verified\n");
    assert_says(run.report, "Not proved\n  - anything after height 1000");
    assert_says(run.report, "how old it is: no clock was given");
    assert_says(run.report, "the id is a pseudonym");
    assert_says(run.report, "other records, its totals and its points");
    assert_says(run.report, "the number of traitors among the 4 validators being at most 1.");
    run_end(&run);
    holds(world, &proof, VERIFY_CHINESE);
    assert_says(run.report, "证明成立\n\n已证明：某学习者的一条记录在该高度的状态\n");
    assert_says(run.report, "2．有效；数学7（学校课程）；学分 1.25，学时 16.00");
    assert_says(run.report, "颁发机构 演示大学100（机构100）");
    assert_says(run.report, "未证明\n  - 高度 1000 之后的任何变化");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

/* A reader must not take a set that recovery keys made for one that the validators certified. */
static void test_recovery_report(void **state)
{
    (void)state;
    struct build_plan plan = {
        .validators = 4, .items = 2, .set_changes = 1, .recovery_keys = 3, .recoveries = 2};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.set_changes, 3);
    assert_int_equal(run.result.recovery_count, 2);
    assert_int_equal(run.result.recoveries[1].height, 102);
    assert_int_equal(run.result.recoveries[1].signer_count, 2);
    assert_says(run.report, "; the set changed 3 times since genesis, each change certified or a "
                            "RECOVERY\n");
    assert_says(run.report,
                "  RECOVERY   at block 101 the validators were replaced by 2 of 3 recovery keys, "
                "not by the set before (Holder 持有人, Holder 持有人). Reason given: fire in the "
                "machine room 机房火灾\n");
    assert_says(run.report, "  RECOVERY   at block 102 ");
    assert_says(run.report, "and of 3 recovery keys fewer than 2 in wrong hands.");
    run_end(&run);
    holds(world, &proof, VERIFY_CHINESE);
    assert_says(run.report, "，每次变更均经认证或为恢复\n");
    assert_says(run.report,
                "  恢复    区块 101：验证者集合由 2/3 个恢复密钥替换，未经此前集合认证（Holder "
                "持有人、Holder 持有人）。所述原因：fire in the machine room 机房火灾\n");
    assert_says(run.report, "且3个恢复密钥中落入他人之手的少于2个。");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_record_of_a_single_deposit(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 1};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    assert_true(proof.size < 2500);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.items->issuer_signature, VERIFY_ISSUER_SIGNED);
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_record_with_history(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 3, .earlier = 4};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.items->version, 5);
    assert_int_equal(run.result.items->earlier_count, 4);
    assert_true(run.result.items->history_whole);
    assert_says(run.report, "1. valid as corrected;");
    assert_says(run.report, "version 5, all earlier versions checked");
    assert_says(run.report, "1 records: the issuer's own signature is not in the proof");
    run_end(&run);
    built_free(&proof);

    /* The newest earlier versions alone are a shorter history, and said to be. */
    Xuelian__Proof *opened = proof_open(proof = world_record(world, 1));
    built_free(&proof);
    for (size_t i = 2; i < 4; i++) {
        free(opened->record->item->earlier[i].data);
    }
    opened->record->item->n_earlier = 2;
    proof = proof_close(opened);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_false(run.result.items->history_whole);
    assert_says(run.report, "1 records: their versions before those shown");
    run_end(&run);
    built_free(&proof);

    proof = world_record(world, 3);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.items->status, VERIFY_ITEM_REVOKED);
    assert_says(run.report, "3. REVOKED;");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_record_of_an_unknown_issuer(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 2, .lie = LIE_STRANGER};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.items->issuer_signature, VERIFY_ISSUER_KEY_UNKNOWN);
    assert_says(run.report, "by member 900 (not in genesis)");
    assert_says(run.report, "whether the key is the issuer's cannot be known from genesis");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive(void **state)
{
    (void)state;
    struct build_plan plan = {
        .validators = 4, .items = 100, .bulk = 100, .accounts = 30, .earlier = 1};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    const struct verify_result *result = &run.result;
    assert_int_equal(result->kind, VERIFY_ARCHIVE);
    assert_true(result->complete);
    assert_int_equal(result->items_shown, 100);
    assert_int_equal(result->items[99].number, 100);
    assert_int_equal(result->totals_state, VERIFY_TOTALS_EQUAL);
    assert_int_equal(result->totals[0].outcomes, 99);
    /* 100 + 25 i for i of 0 to 99 but 2 (revoked). */
    assert_int_equal(result->totals[0].credits, 100 * 100 + 25 * 4950 - 150);
    assert_int_equal(result->totals[5].outcomes + result->totals[4].outcomes, 99);
    assert_true(result->points_known);
    assert_int_equal(result->points, 0);
    assert_says(run.report, "a learner's whole archive, complete and current");
    assert_says(run.report, "recomputed from the records and equal to the account's certified "
                            "summary");
    assert_says(run.report, "  all records: 99, credits 1336.00, hours 1584.00\n");
    assert_says(run.report, "  points: 0\n");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive_size(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 100, .no_issuer = true};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_true(proof.size < 40000);
    assert_says(run.report, "100 records: the issuer's own signature is not in the proof");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive_withheld(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 6, .withheld = 0x15};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_false(run.result.complete);
    assert_int_equal(run.result.withheld_count, 3);
    assert_int_equal(run.result.items_shown, 3);
    assert_int_equal(run.result.items[1].number, 4);
    assert_int_equal(run.result.totals_state, VERIFY_TOTALS_NONE);
    assert_int_equal(run.result.totals[0].outcomes, 0);
    assert_says(run.report, "part of a learner's archive");
    assert_says(run.report, "records: 6, withheld: 3\n");
    assert_says(run.report, "3 withheld records: what they say, and so no total");
    assert_null(strstr(run.report, "\nTotals"));
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive_without_summary(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 4, .no_summary = true};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.totals_state, VERIFY_TOTALS_COMPUTED);
    assert_int_equal(run.result.totals[0].credits, 100 + 125 + 175);
    assert_true(run.result.points_known);
    assert_int_equal(run.result.points, 0);
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive_of_nothing(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 0};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_CHINESE);
    assert_int_equal(run.result.item_count, 0);
    assert_true(run.result.complete);
    assert_says(run.report, "全部记录：0 条，学分 0.00，学时 0.00");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_archive_with_points(void **state)
{
    (void)state;
    struct build_plan plan = {
        .validators = 4, .items = 3, .no_issuer = true, .lie = LIE_POINTS_ITEM};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    assert_int_equal(run.result.items[1].kind, VERIFY_ITEM_POINTS);
    assert_true(run.result.points_known);
    assert_int_equal(run.result.points, 50);
    assert_says(run.report, "2. valid; points: earned 50 on 2024-06-30 under rule 3 for record 1; "
                            "remaining 50; recorded at height 6\n");
    run_end(&run);
    built_free(&proof);
    world_free(world);

    plan.lie = LIE_FULL_SUMMARY;
    world = world_new(&plan);
    proof = world_archive(world);
    holds(world, &proof, VERIFY_ENGLISH);
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_absence(void **state)
{
    (void)state;
    for (uint32_t accounts = 0; accounts < 12; accounts++) {
        struct build_plan plan = {.validators = 4, .items = 1, .accounts = accounts};
        struct world *world = world_new(&plan);
        struct built proof = world_absence(world, 7);
        holds(world, &proof, VERIFY_ENGLISH);
        assert_int_equal(run.result.kind, VERIFY_ABSENCE);
        assert_int_equal(run.result.collection, 7);
        assert_says(run.report, "Proved: there was no such entry at this height\n");
        assert_says(run.report, "  Collection accounts\n  No entry   ");
        run_end(&run);
        built_free(&proof);
        proof = world_absence(world, 4);
        holds(world, &proof, VERIFY_CHINESE);
        assert_says(run.report, "集合    课程\n  不存在  ");
        run_end(&run);
        built_free(&proof);
        world_free(world);
    }
}

static void test_age(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 1, .items = 1};
    struct world *world = world_new(&plan);
    struct built proof = world_record(world, 1);
    struct verify_options options = {.now_ms = BUILD_TIME_MS + 5000, .max_age_ms = 5000};
    struct bytes bytes = built_bytes(proof);
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_OK);
    assert_true(run.result.age_known);
    assert_null(strstr(run.report, "how old it is"));
    run_end(&run);
    options.now_ms++;
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_STALE);
    assert_says(run.report, "PROOF REFUSED: the proof is older than the age asked for; get a new "
                            "one (at height 1000).\nNothing in it is proved.\n");
    run_end(&run);
    options.now_ms = BUILD_TIME_MS - 1;
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_OK);
    assert_true(run.result.ahead_of_clock);
    assert_says(run.report, "its block's time is later than this clock; check the clock");
    run_end(&run);
    options = (struct verify_options){.trusted_height = BUILD_HEIGHT,
                                      .trusted_hash = *world_header_hash(world)};
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_OK);
    run_end(&run);
    options.trusted_hash.bytes[0] ^= 1;
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_CONFLICT);
    assert_says(run.report, "validators signed twice");
    run_end(&run);
    options.trusted_height++;
    assert_int_equal(run_options(&run, world_genesis(world), bytes, &options, VERIFY_ENGLISH),
                     ST_OLD);
    assert_says(run.report, "older than the newest block that this verifier has trusted");
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

/* A buffer of any size gets whole characters and an end; the length is that of the whole text. */
static void test_report_sizes(void **state)
{
    (void)state;
    struct build_plan plan = {.validators = 4, .items = 2};
    struct world *world = world_new(&plan);
    struct built proof = world_archive(world);
    static char small[REPORT_SIZE];
    holds(world, &proof, VERIFY_CHINESE);
    size_t whole = strlen(run.report);
    assert_int_equal(verify_report(NULL, 0, &run.result, VERIFY_CHINESE), whole);
    for (size_t size = 1; size <= whole + 1; size++) {
        memset(small, 'x', sizeof small);
        assert_int_equal(verify_report(small, size, &run.result, VERIFY_CHINESE), whole);
        size_t length = strlen(small);
        assert_true(length < size && length + 4 > size - (size > whole));
        assert_memory_equal(small, run.report, length);
        assert_true(((unsigned char)run.report[length] & 0xc0u) != 0x80u);
        assert_int_equal(small[size], 'x');
    }
    run_end(&run);
    built_free(&proof);
    world_free(world);
}

static void test_faults_have_sentences(void **state)
{
    (void)state;
#define X(name, status, number, en, zh)                                              \
    assert_string_equal(verify_fault_name(VERIFY_FAULT_##name), #name);              \
    assert_string_equal(verify_fault_text(VERIFY_FAULT_##name, VERIFY_ENGLISH), en); \
    assert_string_equal(verify_fault_text(VERIFY_FAULT_##name, VERIFY_CHINESE), zh); \
    assert_true(strlen(en) > 10 && strlen(zh) > 5);
    VERIFY_FAULTS(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_of_each_size),
        cmocka_unit_test(test_record_report),
        cmocka_unit_test(test_recovery_report),
        cmocka_unit_test(test_record_of_a_single_deposit),
        cmocka_unit_test(test_record_with_history),
        cmocka_unit_test(test_record_of_an_unknown_issuer),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_archive_size),
        cmocka_unit_test(test_archive_withheld),
        cmocka_unit_test(test_archive_without_summary),
        cmocka_unit_test(test_archive_of_nothing),
        cmocka_unit_test(test_archive_with_points),
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_report_sizes),
        cmocka_unit_test(test_faults_have_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
