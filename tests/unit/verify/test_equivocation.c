/* Proofs that a validator signed twice: each kind of offence, what is none, the sets of old and new eras. */
#include "tests/unit/verify/check.h"

#include <string.h>

static struct run run;

static struct world *world_of(uint32_t changes)
{
    struct build_plan plan = {.validators = 4, .items = 1, .set_changes = changes};
    return world_new(&plan);
}

static void holds(struct world *world, struct built proof, enum verify_language language,
                  const char *words)
{
    if (run_options(&run, world_genesis(world), built_bytes(proof), NULL, language) != ST_OK) {
        fail_msg("%s", run.report);
    }
    assert_says(run.report, words);
    built_free(&proof);
    run_end(&run);
}

static void test_each_offence(void **state)
{
    static const struct {
        enum build_evidence what;
        enum verify_offences offence;
        const char *en;
        const char *zh;
    } rows[] = {
        {EVIDENCE_PROPOSALS, VERIFY_OFFENCE_PROPOSALS, "two proposals, at height 700, view 5",
         "两个提议"},
        {EVIDENCE_PREPARES, VERIFY_OFFENCE_PREPARES, "two PREPARE votes for different blocks",
         "两张预备票"},
        {EVIDENCE_COMMITS, VERIFY_OFFENCE_COMMITS, "two COMMIT votes for different blocks",
         "两张提交票"},
        {EVIDENCE_CHANGES, VERIFY_OFFENCE_VIEW_CHANGES,
         "two view changes that contradict each other, to view 6", "相互矛盾的两个视图变更"},
        {EVIDENCE_FORGOTTEN, VERIFY_OFFENCE_COMMIT_FORGOTTEN,
         "a COMMIT vote, and a later view change that hides it", "隐瞒它的后续视图变更"},
    };
    (void)state;
    struct world *world = world_of(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        holds(world, world_evidence(world, rows[i].what, true), VERIFY_CHINESE, rows[i].zh);
        holds(world, world_evidence(world, rows[i].what, true), VERIFY_ENGLISH, rows[i].en);
        assert_int_equal(run.result.offence.what, rows[i].offence);
        assert_int_equal(run.result.offence.era, 1);
        assert_says(run.report,
                    "a validator signed two things of which an honest one signs only one");
        assert_says(run.report, "(member ");
    }
    world_free(world);
}

static void test_what_is_no_offence(void **state)
{
    (void)state;
    struct world *world = world_of(0);
    expect_fault(world, world_evidence(world, EVIDENCE_OTHER_VIEWS, true), VERIFY_FAULT_EVIDENCE);
    expect_fault(world, world_evidence(world, EVIDENCE_REMEMBERED, true), VERIFY_FAULT_EVIDENCE);
    world_free(world);
}

static void test_eras(void **state)
{
    (void)state;
    struct world *world = world_of(2);
    holds(world, world_evidence(world, EVIDENCE_COMMITS, true), VERIFY_ENGLISH,
          "in the set since height 1");
    holds(world, world_evidence(world, EVIDENCE_COMMITS, false), VERIFY_ENGLISH,
          "in the set since height 21");
    /* Up to an earlier header, the newest set is not known. */
    struct world *shorter = world_of(1);
    struct built proof = world_evidence(world, EVIDENCE_COMMITS, false);
    struct built other = world_evidence(shorter, EVIDENCE_COMMITS, false);
    Xuelian__Proof *opened = proof_open(other);
    Xuelian__Proof *second = proof_open(proof);
    built_free(&proof);
    built_free(&other);
    field_set(&opened->equivocation->evidence, second->equivocation->evidence.data,
              second->equivocation->evidence.len);
    expect_fault(shorter, proof_close(opened), VERIFY_FAULT_EVIDENCE_SET);
    xuelian__proof__free_unpacked(second, NULL);
    world_free(shorter);
    /* With a history file a small proof does. */
    proof = world_evidence(world, EVIDENCE_COMMITS, true);
    opened = proof_open(proof);
    built_free(&proof);
    for (size_t i = 0; i < opened->anchor->n_set_changes; i++) {
        xuelian__set_change__free_unpacked(opened->anchor->set_changes[i], NULL);
    }
    opened->anchor->n_set_changes = 0;
    proof = proof_close(opened);
    struct built history = world_set_history(world, false);
    struct verify_options options = {.history = built_bytes(history)};
    assert_int_equal(
        run_options(&run, world_genesis(world), built_bytes(proof), &options, VERIFY_ENGLISH),
        ST_OK);
    assert_int_equal(run.result.offence.era, 1);
    run_end(&run);
    built_free(&history);
    built_free(&proof);
    world_free(world);
}

/* Every byte of the evidence flipped: another validator, another signature, or nothing that contradicts. */
static void test_altered(void **state)
{
    (void)state;
    struct world *world = world_of(0);
    for (int what = EVIDENCE_PROPOSALS; what <= EVIDENCE_FORGOTTEN; what++) {
        if (what == EVIDENCE_OTHER_VIEWS) {
            continue;
        }
        struct built proof = world_evidence(world, (enum build_evidence)what, true);
        Xuelian__Proof *opened = proof_open(proof);
        built_free(&proof);
        for (size_t i = 0; i < opened->equivocation->evidence.len; i++) {
            opened->equivocation->evidence.data[i] ^= 1;
            struct built bent = {.size = xuelian__proof__get_packed_size(opened)};
            bent.data = malloc(bent.size);
            assert_non_null(bent.data);
            xuelian__proof__pack(opened, bent.data);
            assert_int_not_equal(
                run_options(&run, world_genesis(world), built_bytes(bent), NULL, VERIFY_ENGLISH),
                ST_OK);
            run_end(&run);
            built_free(&bent);
            opened->equivocation->evidence.data[i] ^= 1;
        }
        xuelian__proof__free_unpacked(opened, NULL);
    }
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_offence),
        cmocka_unit_test(test_what_is_no_offence),
        cmocka_unit_test(test_eras),
        cmocka_unit_test(test_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
