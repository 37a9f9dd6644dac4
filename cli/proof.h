/* Checking a proof with a genesis file, and showing what it proves. */
#ifndef XUELIAN_CLI_PROOF_H
#define XUELIAN_CLI_PROOF_H

#include "cli/text.h"
#include "ledger/verify/xuelian_verify.h"

/* A proof checked. Owns the memory that the result borrows. */
struct proof_check {
    struct verify_result result;
    void *scratch;
};

/* Checks a proof; `check->result.status` says whether it holds. genesis and proof outlive *check.
 * Returns false with *fault only when out of memory. */
bool proof_check(struct proof_check *check, struct bytes genesis, struct bytes proof,
                 unsigned long long max_age_ms, struct fault *fault);
/* The same with a history file (a proof of the validator sets), or size 0. history outlives the call. */
bool proof_check_with(struct proof_check *check, struct bytes genesis, struct bytes proof,
                      struct bytes history, unsigned long long max_age_ms, struct fault *fault);
void proof_check_free(struct proof_check *check);

/* Prints the verifier's report, or with --json its fields. */
void proof_print_report(const struct verify_result *result);

#endif
