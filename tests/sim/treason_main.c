/* xuelian-treason: f+1 traitors fork the chain, and the audit names them: every kind, for as many seeds as asked. */
#include <errno.h>
#include <stdio.h>

#include "proto/quorum.h"
#include "tests/sim/treason.h"

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static void usage(FILE *file)
{
    fprintf(file, "usage: xuelian-treason [--n N] [--kind K] [--seed S] [--seeds COUNT] [--trace]\n"
                  "  --n N        validators, 3f+1 with f at least 1: 4, 7, 10, 13, ... (4)\n"
                  "  --kind K     1 one view, 2 hidden, 3 deep, 4 shown; 0: all of them (0)\n"
                  "  --seed S     the first seed (1)\n"
                  "  --seeds C    how many seeds (1)\n"
                  "  --trace      print what happens\n");
}

static bool number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || value > most) {
        return false;
    }
    *out = value;
    return true;
}

/* Returns whether all was as it should be. */
static bool one(struct treason_options *options, bool told)
{
    struct treason_report report;
    treason_run(options, &report);
    if (report.failed || told) {
        printf("n %u, %s, seed %llu: %s%s\n", (unsigned)options->n, treason_name(options->kind),
               (unsigned long long)options->seed, report.failed ? "FAILED  " : "", report.text);
    }
    if (report.failed) {
        printf("  replay: xuelian-treason --n %u --kind %d --seed %llu --trace\n",
               (unsigned)options->n, (int)options->kind + 1, (unsigned long long)options->seed);
    }
    return !report.failed;
}

int main(int argc, char **argv)
{
    uint64_t n = 4, kind = 0, seed = 1, seeds = 1, failed = 0, runs = 0;
    struct treason_options options = {.line = NULL};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return 0;
        }
        if (strcmp(argv[i], "--trace") == 0) {
            options.line = print_line;
            continue;
        }
        if (!(strcmp(argv[i], "--n") == 0 && number(value, SIM_NODES_MAX - 1, &n) && n >= 4 &&
              n % 3 == 1) &&
            !(strcmp(argv[i], "--kind") == 0 && number(value, TREASON_KINDS, &kind)) &&
            !(strcmp(argv[i], "--seed") == 0 && number(value, UINT64_MAX, &seed)) &&
            !(strcmp(argv[i], "--seeds") == 0 && number(value, 1000000000, &seeds))) {
            fprintf(stderr, "xuelian-treason: '%s' is not understood, or its value is not\n",
                    argv[i]);
            usage(stderr);
            return 2;
        }
        i++;
    }
    options.n = (uint32_t)n;
    for (uint64_t k = 0; k < seeds; k++) {
        for (int each = 0; each < TREASON_KINDS; each++) {
            if (kind == 0 || (int)kind == each + 1) {
                options.seed = seed + k;
                options.kind = (enum treason_kind)each;
                failed += !one(&options, seeds == 1);
                runs++;
            }
        }
    }
    printf("%llu forks by %u traitors of %u: in %llu all the guilty and nobody else were named\n",
           (unsigned long long)runs, (unsigned)quorum_faulty((uint32_t)n) + 1, (unsigned)n,
           (unsigned long long)(runs - failed));
    return failed == 0 ? 0 : 1;
}
