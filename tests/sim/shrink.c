#include "tests/sim/shrink.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/memory.h"
#include "tests/sim/tape.h"

/* Whether a tape fails, found out in a process of its own: it may end in a trap. */
static bool fails(const struct run_options *options, const struct tape *tape)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct tape copy;
        struct run_report report;
        tape_copy(&copy, tape);
        tape_rewind(&copy);
        FILE *quiet = freopen("/dev/null", "we", stderr);
        run_tape(options, &copy, &report);
        _exit(report.failed && quiet != NULL ? 1 : 0);
    }
    int state = 0;
    CHECK(waitpid(pid, &state, 0) == pid);
    return !(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}

static size_t loud(const struct tape *tape)
{
    size_t count = 0;
    for (unsigned i = 0; i < CONCERN_COUNT; i++) {
        for (size_t k = 0; k < tape->streams[i].count; k++) {
            count += tape->streams[i].choices[k] != 0;
        }
    }
    return count;
}

/* Calms choices [from, to) of a stream if the run still fails without them. */
static bool try_calm(const struct run_options *options, struct tape *tape, unsigned concern,
                     size_t from, size_t to)
{
    struct tape_stream *stream = &tape->streams[concern];
    size_t size = (to - from) * sizeof *stream->choices;
    bool any = false;
    for (size_t k = from; k < to; k++) {
        any = any || stream->choices[k] != 0;
    }
    if (!any) {
        return false;
    }
    uint32_t *before = sim_new(size);
    memcpy(before, stream->choices + from, size);
    memset(stream->choices + from, 0, size);
    bool shorter = fails(options, tape);
    if (!shorter) {
        memcpy(stream->choices + from, before, size);
    }
    free(before);
    return shorter;
}

static void shrink(const struct run_options *options, struct tape *tape)
{
    enum { PARTS_MAX = 64 };
    for (size_t parts = 1; parts <= PARTS_MAX; parts *= 2) {
        for (unsigned concern = 0; concern < CONCERN_COUNT; concern++) {
            size_t count = tape->streams[concern].count;
            size_t step = (count + parts - 1) / parts;
            for (size_t from = 0; step > 0 && from < count; from += step) {
                size_t to = from + step < count ? from + step : count;
                (void)try_calm(options, tape, concern, from, to);
            }
        }
        printf("shrinking: %zu choices left that are not calm\n", loud(tape));
    }
}

/* ---- The first run, recorded though it may trap ---------------------------------------------------- */

static struct tape *recorded;
static FILE *record_file;

/* A failed CHECK traps: what was chosen until then is written down. Nothing else goes on in this process. */
static void on_trap(int signal_number)
{
    (void)tape_write(recorded, record_file);
    _exit(128 + signal_number);
}

static void record_child(const struct run_options *options, struct tape *tape, FILE *file)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGFPE, SIGBUS};
    struct run_report report;
    recorded = tape;
    record_file = file;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)signal(signals[i], on_trap);
    }
    run_tape(options, tape, &report);
    (void)tape_write(tape, file);
    _exit(report.failed ? 1 : 0);
}

/* The tape of a seed, as far as it came. Returns whether it failed. */
static bool record(const struct run_options *options, struct tape *tape)
{
    FILE *file = tmpfile();
    int state = 0;
    CHECK(file != NULL);
    tape_init(tape, options->seed);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        record_child(options, tape, file);
    }
    CHECK(waitpid(pid, &state, 0) == pid);
    tape_free(tape);
    rewind(file);
    CHECK(tape_read(tape, file));
    fclose(file);
    return !(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}

int shrink_seed(const struct run_options *options, const char *save)
{
    struct tape tape;
    struct run_options quiet = *options;
    quiet.line = NULL;
    if (!record(&quiet, &tape)) {
        printf("seed %llu does not fail\n", (unsigned long long)options->seed);
        tape_free(&tape);
        return 0;
    }
    printf("%zu choices that are not calm\n", loud(&tape));
    shrink(&quiet, &tape);
    if (save != NULL) {
        FILE *file = fopen(save, "we");
        if (file == NULL || !tape_write(&tape, file)) {
            printf("the tape cannot be written to %s\n", save);
        } else {
            printf("xuelian-sim --tape %s --n %u --minutes %u --trace\n", save,
                   (unsigned)options->n, (unsigned)options->minutes);
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    tape_free(&tape);
    return 1;
}
