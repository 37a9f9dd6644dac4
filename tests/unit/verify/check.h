/* Running the verifier in a test. */
#ifndef XUELIAN_TESTS_VERIFY_CHECK_H
#define XUELIAN_TESTS_VERIFY_CHECK_H

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/verify/xuelian_verify.h"
#include "tests/unit/verify/build.h"

enum { REPORT_SIZE = 1 << 16 };

/* One verification with its memory. */
struct run {
    struct verify_result result;
    void *scratch;
    char report[REPORT_SIZE];
};

static inline enum status run_options(struct run *run, struct bytes genesis, struct bytes proof,
                                      const struct verify_options *options,
                                      enum verify_language language)
{
    size_t size = VERIFY_SCRATCH_SIZE(genesis.size,
                                      proof.size + (options == NULL ? 0 : options->history.size));
    run->scratch = malloc(size);
    assert_non_null(run->scratch);
    enum status status = verify_proof(&run->result, genesis, proof, options, run->scratch, size);
    assert_int_equal(status, run->result.status);
    assert_true(verify_report(run->report, sizeof run->report, &run->result, language) <
                sizeof run->report);
    return status;
}

static inline void run_end(struct run *run)
{
    free(run->scratch);
}

static inline struct bytes built_bytes(struct built built)
{
    return (struct bytes){.data = built.data, .size = built.size};
}

/* The text has these words; else the test fails and shows both. */
static inline void assert_says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        print_error("missing: %s\nin: %s\n", words, text);
        fail();
    }
}

/* Verifies, frees the proof, and checks status, fault and the report's words. */
static inline void expect(struct world *world, struct built proof, enum status status,
                          enum verify_fault fault, const char *words)
{
    static struct run run;
    enum status got =
        run_options(&run, world_genesis(world), built_bytes(proof), NULL, VERIFY_ENGLISH);
    if (got != status || run.result.fault != fault) {
        print_error("%s", run.report);
    }
    assert_string_equal(verify_fault_name(run.result.fault), verify_fault_name(fault));
    assert_int_equal(got, status);
    assert_says(run.report, words);
    run_end(&run);
    built_free(&proof);
}

static inline void expect_fault(struct world *world, struct built proof, enum verify_fault fault)
{
    expect(world, proof, verify_fault_status(fault), fault,
           verify_fault_text(fault, VERIFY_ENGLISH));
}

#endif
