/* xuelian verify: a proof and a genesis file, nothing else. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/proof.h"
#include "proto/bytes.h"

struct verify_values {
    const char *genesis;
    const char *proof;
    const char *history;
    unsigned long long max_age_ms;
};

static const struct argp_option options[] = {
    {"genesis", 'g', "FILE", 0, "the network's genesis file|网络的创世文件", 0},
    {"history", 'H', "FILE", 0,
     "the validator sets known (xuelian prove sets)|已知的验证者集合（xuelian prove sets）", 0},
    {"max-age", 'a', "TIME", 0,
     "refuse an older proof: 90s, 15m, 12h, 1d|拒绝更早的证明：90s、15m、12h、1d", 0},
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct verify_values *chosen = values;
    switch (key) {
    case 'g':
        chosen->genesis = text;
        return true;
    case 'H':
        chosen->history = text;
        return true;
    case 'a':
        return parse_duration_ms(text, &chosen->max_age_ms) ||
               fault_set(fault, EXIT_USAGE, "--max-age is a number and s, m, h or d, not %s",
                         "--max-age 应为数字加 s、m、h 或 d，而不是 %s", text);
    default:
        if (chosen->proof != NULL) {
            return argument_unexpected(text, fault);
        }
        chosen->proof = text;
        return true;
    }
}

int command_verify(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options,
        .arguments = "PROOF",
        .text = "Checks a proof offline, with the genesis file alone, and says what it proves. "
                "Ends with "
                "1 when it is "
                "refused.|仅凭创世文件离线验证证明，并说明所证明的内容。若被拒绝，退出码为 1。",
        .set = set};
    struct verify_values values = {.genesis = NULL};
    struct fault fault;
    struct proof_check check;
    uint8_t *genesis = NULL;
    uint8_t *proof = NULL;
    uint8_t *history = NULL;
    size_t history_size = 0;
    size_t genesis_size = 0;
    size_t proof_size = 0;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.genesis == NULL || values.proof == NULL) {
        fault_set(&fault, EXIT_USAGE, "two files are needed: %s --genesis FILE PROOF",
                  "需要两个文件：%s --genesis FILE PROOF", argv[0]);
        return fault_print(&fault);
    }
    if (!file_read(values.genesis, LIMIT_GENESIS_SIZE_MAX, &genesis, &genesis_size, &fault) ||
        !file_read(values.proof, LIMIT_PROOF_SIZE_MAX, &proof, &proof_size, &fault) ||
        (values.history != NULL &&
         !file_read(values.history, LIMIT_PROOF_SIZE_MAX, &history, &history_size, &fault)) ||
        !proof_check_with(&check, bytes_of(genesis, genesis_size), bytes_of(proof, proof_size),
                          bytes_of(history, history_size), values.max_age_ms, &fault)) {
        code = fault_print(&fault);
    } else {
        proof_print_report(&check.result);
        code = check.result.status == ST_OK ? EXIT_OK : EXIT_REFUSED;
        proof_check_free(&check);
    }
    free(genesis);
    free(proof);
    free(history);
    return code;
}
