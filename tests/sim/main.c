/* xuelian-sim: runs seeds, each in a process of its own, so that a failed CHECK is a finding like any other. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/memory.h"
#include "tests/sim/run.h"
#include "tests/sim/shrink.h"
#include "tests/sim/steps.h"
#include "tests/sim/swarm.h"

struct options {
    struct run_options run;
    uint64_t seeds;
    uint32_t jobs;
    bool trace;
    bool steps;
    bool any_n;  /* n varies with the seed */
    bool ledger; /* every seed over the real ledger */
    bool shrink;
    const char *tape; /* to replay, or NULL */
    struct run_setting settings[32];
    const char *save; /* where a shrunk tape goes */
};

static void usage(FILE *file)
{
    fprintf(
        file,
        "usage: xuelian-sim [--n N] [--minutes M] [--seed S] [--seeds COUNT] [--jobs J] [--trace]\n"
        "                   [--ledger] [--real-signatures] [--steps] [--set NAME=VALUE]...\n"
        "                   [--shrink [--save FILE]] [--tape FILE]\n"
        "  --n N        validators at the start, 1 to 20; 0: another number for each seed (4)\n"
        "  --minutes M  simulated minutes with faults, for each seed (10)\n"
        "  --seed S     the first seed (1)\n"
        "  --seeds C    how many seeds (1)\n"
        "  --jobs J     processes at once (1)\n"
        "  --trace      print what happens\n"
        "  --steps      print the steps of the formal model that were made, for "
        "tests/model/conform\n"
        "  --ledger     every seed over the real ledger; else one of 16 of at most 10 minutes\n"
        "  --real-signatures  secp256k1 instead of ideal signatures\n"
        "  --shrink     of a failing seed: find a shorter tape of choices that fails too\n"
        "  --save FILE  where --shrink writes that tape\n"
        "  --tape FILE  replay a tape\n");
}

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static void print_report(const struct options *options, uint64_t seed,
                         const struct run_report *report, double seconds)
{
    const struct counters *c = &report->counters;
    printf(
        "seed %llu n %u: %s  %.1f min in %.2f s, %llu blocks (%llu with transactions), %llu eras "
        "(%llu governed), "
        "%llu view changes, ",
        (unsigned long long)seed, (unsigned)options->run.n, report->failed ? "FAILED" : "ok",
        (double)report->now_ms / 60000.0, seconds, (unsigned long long)c->commits,
        (unsigned long long)c->non_empty, (unsigned long long)c->eras,
        (unsigned long long)c->governed, (unsigned long long)c->view_changes);
    printf("%llu crashes, %llu partitions, %u traitors (%llu lies, %llu pieces of evidence), ",
           (unsigned long long)c->crashes, (unsigned long long)report->partitions,
           (unsigned)report->traitors, (unsigned long long)report->treasons,
           (unsigned long long)c->evidence);
    if (report->forks > 0) {
        printf("%u forks, ", (unsigned)report->forks);
    }
    printf("%llu messages, %llu steps, recovered in %.1f s, digest %016llx\n",
           (unsigned long long)c->messages, (unsigned long long)c->steps,
           (double)report->recovery_ms / 1000.0, (unsigned long long)report->digest);
}

static void print_replay(const struct options *options, uint64_t seed)
{
    if (options->tape != NULL) {
        printf("  replay: xuelian-sim --tape %s --n %u --minutes %u%s --trace\n", options->tape,
               (unsigned)options->run.n, (unsigned)options->run.minutes,
               options->run.ledger ? " --ledger" : "");
        return;
    }
    printf("  replay: tests/sim/run --n %u --minutes %u --seed %llu%s%s", (unsigned)options->run.n,
           (unsigned)options->run.minutes, (unsigned long long)seed,
           options->run.ledger ? " --ledger" : "",
           options->run.real_signatures ? " --real-signatures" : "");
    for (uint32_t i = 0; i < options->run.setting_count; i++) {
        printf(" --set %s=%llu", options->settings[i].name,
               (unsigned long long)options->settings[i].value);
    }
    printf(" --trace\n");
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Sizes in turn: small ones often, since they are quick and f is 0 or 1 there. */
static uint32_t n_of_seed(uint64_t seed)
{
    static const uint32_t sizes[] = {4,  1, 7, 2, 4, 3,  10, 5,  4, 6,
                                     13, 8, 4, 9, 7, 16, 4,  11, 5, 20};
    return sizes[seed % (sizeof sizes / sizeof sizes[0])];
}

/* One seed, in this process. Returns the exit code. */
static int run_one(struct options *options, uint64_t seed)
{
    struct tape tape;
    struct run_report report;
    options->run.seed = seed;
    /* A tape does not say which it was made with; the formal model knows the toy. */
    options->run.ledger = options->ledger || (options->tape == NULL && !options->steps &&
                                              run_over_ledger(seed, options->run.minutes));
    if (options->tape != NULL) {
        FILE *file = fopen(options->tape, "re");
        if (file == NULL || !tape_read(&tape, file)) {
            fprintf(stderr, "xuelian-sim: %s is not a tape that can be read\n", options->tape);
            return 2;
        }
        fclose(file);
    } else {
        tape_init(&tape, seed);
    }
    if (options->trace) {
        options->run.line = print_line;
    }
    struct steps *steps = steps_new(print_line, NULL);
    if (options->steps) {
        options->run.recorded = steps_recorded;
        options->run.recorded_context = steps;
    }
    double began_s = now_s();
    run_tape(&options->run, &tape, &report);
    steps_free(steps);
    print_report(options, seed, &report, now_s() - began_s);
    if (report.failed) {
        printf("  %s\n  run: %s\n", report.text, report.swarm);
        print_replay(options, seed);
    }
    tape_free(&tape);
    fflush(stdout);
    return report.failed ? 1 : 0;
}

/* ---- Processes ----------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    uint64_t seed;
    uint32_t n;
};

static int reap(struct options *options, struct child *children, uint32_t *running)
{
    int state = 0;
    pid_t pid = wait(&state);
    CHECK(pid > 0);
    for (uint32_t i = 0; i < *running; i++) {
        if (children[i].pid != pid) {
            continue;
        }
        struct child ended = children[i];
        children[i] = children[--*running];
        if (WIFSIGNALED(state) || (WEXITSTATUS(state) != 0 && WEXITSTATUS(state) != 1)) {
            options->run.n = ended.n;
            printf("seed %llu n %u: FAILED  the process ended with %s %d: a CHECK or a sanitizer\n",
                   (unsigned long long)ended.seed, (unsigned)ended.n,
                   WIFSIGNALED(state) ? "signal" : "code",
                   WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
            print_replay(options, ended.seed);
            fflush(stdout);
        }
        return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : 1;
    }
    return 0;
}

static int run_many(struct options *options)
{
    struct child *children = sim_new(options->jobs * sizeof *children);
    uint32_t running = 0;
    uint64_t failures = 0;
    for (uint64_t i = 0; i < options->seeds; i++) {
        uint64_t seed = options->run.seed + i;
        if (running == options->jobs) {
            failures += (uint64_t)reap(options, children, &running);
        }
        options->run.n = options->any_n ? n_of_seed(seed) : options->run.n;
        fflush(stdout);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            _exit(run_one(options, seed));
        }
        children[running++] = (struct child){.pid = pid, .seed = seed, .n = options->run.n};
    }
    while (running > 0) {
        failures += (uint64_t)reap(options, children, &running);
    }
    free(children);
    printf("%llu seeds, %llu failed\n", (unsigned long long)options->seeds,
           (unsigned long long)failures);
    return failures == 0 ? 0 : 1;
}

/* ---- Arguments ----------------------------------------------------------------------------------- */

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

/* A switch without a value. */
static bool flag(struct options *options, const char *name)
{
    if (strcmp(name, "--trace") == 0) {
        options->trace = true;
    } else if (strcmp(name, "--steps") == 0) {
        options->steps = true;
    } else if (strcmp(name, "--ledger") == 0) {
        options->ledger = true;
    } else if (strcmp(name, "--real-signatures") == 0) {
        options->run.real_signatures = true;
    } else if (strcmp(name, "--shrink") == 0) {
        options->shrink = true;
    } else {
        return false;
    }
    return true;
}

static bool set(struct options *options, const char *text)
{
    static char names[32][32];
    struct swarm probe;
    struct run_setting *setting = &options->settings[options->run.setting_count];
    size_t size = strcspn(text, "=");
    if (options->run.setting_count == 32 || size >= 32 || text[size] != '=' ||
        !number(text + size + 1, UINT64_MAX, &setting->value)) {
        return false;
    }
    char *name = names[options->run.setting_count];
    memcpy(name, text, size);
    name[size] = '\0';
    setting->name = name;
    options->run.setting_count++;
    return swarm_set(&probe, name, setting->value);
}

static bool value(struct options *options, const char *name, const char *text)
{
    uint64_t parsed = 0;
    if (strcmp(name, "--tape") == 0) {
        options->tape = text;
        return true;
    }
    if (strcmp(name, "--save") == 0) {
        options->save = text;
        return true;
    }
    if (strcmp(name, "--set") == 0) {
        return set(options, text);
    }
    if (strcmp(name, "--n") == 0 && number(text, 20, &parsed)) {
        options->run.n = (uint32_t)parsed;
        options->any_n = parsed == 0;
    } else if (strcmp(name, "--minutes") == 0 && number(text, 100000, &parsed)) {
        options->run.minutes = (uint32_t)parsed;
    } else if (strcmp(name, "--seed") == 0 && number(text, UINT64_MAX, &parsed)) {
        options->run.seed = parsed;
    } else if (strcmp(name, "--seeds") == 0 && number(text, 1000000000, &parsed) && parsed > 0) {
        options->seeds = parsed;
    } else if (strcmp(name, "--jobs") == 0 && number(text, 64, &parsed) && parsed > 0) {
        options->jobs = (uint32_t)parsed;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.run = {.n = 4, .minutes = 10, .seed = 1}, .seeds = 1, .jobs = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return 0;
        }
        if (flag(&options, argv[i])) {
            continue;
        }
        if (i + 1 >= argc || !value(&options, argv[i], argv[i + 1])) {
            fprintf(stderr, "xuelian-sim: '%s' is not understood, or its value is not\n", argv[i]);
            usage(stderr);
            return 2;
        }
        i++;
    }
    options.run.settings = options.settings;
    if (options.any_n) {
        options.run.n = n_of_seed(options.run.seed);
    }
    if (options.shrink) {
        return shrink_seed(&options.run, options.save);
    }
    return options.seeds == 1 ? run_one(&options, options.run.seed) : run_many(&options);
}
