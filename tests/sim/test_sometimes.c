/* What a simulator must come to see now and then, else its silence says nothing. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "tests/sim/run.h"

struct seen {
    const char *what;
    size_t offset; /* in struct run_report */
    uint64_t times;
};

#define COUNTED(what, field)                        \
    {                                               \
        what, offsetof(struct run_report, field), 0 \
    }

/* Runs seeds of four validators; everything listed must have happened. */
static void run_seeds(const struct run_setting *settings, uint32_t setting_count, uint64_t seeds,
                      bool ledger, struct seen *seen, size_t seen_count)
{
    uint64_t never = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct run_options options = {.n = 4,
                                      .minutes = 2,
                                      .seed = seed,
                                      .ledger = ledger,
                                      .settings = settings,
                                      .setting_count = setting_count};
        struct run_report report;
        struct tape tape;
        tape_init(&tape, seed);
        run_tape(&options, &tape, &report);
        tape_free(&tape);
        if (report.failed) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, report.text);
        }
        for (size_t i = 0; i < seen_count; i++) {
            uint64_t times;
            memcpy(&times, (const char *)&report + seen[i].offset, sizeof times);
            seen[i].times += times;
        }
    }
    for (size_t i = 0; i < seen_count; i++) {
        printf("%-60s %llu\n", seen[i].what, (unsigned long long)seen[i].times);
        never += seen[i].times == 0;
    }
    assert_int_equal(never, 0);
}

/* Nothing of all that is damage: every node is honest, whole and due to go on. */
static void ordinary_faults(void **state)
{
    static const struct run_setting settings[] = {{"traitors", 0},
                                                  {"damaged", 0},
                                                  {"full_every_ms", 15000},
                                                  {"full_ms", 8000},
                                                  {"slow_disk_ppm", 20000},
                                                  {"crash_persist_ppm", 8000},
                                                  {"members_every_ms", 20000}};
    struct seen seen[] = {
        COUNTED("a sync is slow", counters.slow_syncs),
        COUNTED("a disk is full, and a process ends for it", counters.writes_failed),
        COUNTED("a node crashes", counters.crashes),
        COUNTED("a partition", partitions),
        COUNTED("a view is opened", counters.view_changes),
        COUNTED("an era begins", counters.eras),
        COUNTED("bodies are fetched", counters.fetches),
    };
    (void)state;
    run_seeds(settings, sizeof settings / sizeof settings[0], 8, false, seen,
              sizeof seen / sizeof seen[0]);
}

static void damaged_disks(void **state)
{
    static const struct run_setting settings[] = {
        {"traitors", 0}, {"damaged", 1}, {"damage_every_ms", 4000}};
    struct seen seen[] = {
        COUNTED("a damaged block is found at a start, which is refused", counters.logs_refused),
        COUNTED("a damaged block is asked for, and not served", counters.blocks_unread),
        COUNTED("a copy of a journal rots, and is healed", counters.journals_healed),
        COUNTED("a journal is lost", counters.journals_lost),
        COUNTED("a stored proposal or NEW-VIEW rots", counters.stored_unread),
        COUNTED("a node votes again as a new incarnation", returned),
        COUNTED("the tripwire stops a node", counters.alarms),
    };
    (void)state;
    run_seeds(settings, sizeof settings / sizeof settings[0], 16, false, seen,
              sizeof seen / sizeof seen[0]);
}

static void liars(void **state)
{
    static const struct run_setting settings[] = {
        {"traitors", 1}, {"treason_ms", 500}, {"damaged", 0}};
    struct seen seen[] = {
        COUNTED("a liar speaks", treasons),
        COUNTED("an honest node reports evidence", counters.evidence),
        COUNTED("a view is opened", counters.view_changes),
    };
    (void)state;
    run_seeds(settings, sizeof settings / sizeof settings[0], 4, false, seen,
              sizeof seen / sizeof seen[0]);
}

static void governed(void **state)
{
    static const struct run_setting settings[] = {
        {"traitors", 0}, {"damaged", 1}, {"damage_every_ms", 20000}, {"members_every_ms", 8000}};
    struct seen seen[] = {
        COUNTED("members vote for a set, validators sign, it is enacted", counters.governed),
        COUNTED("a journal is lost", counters.journals_lost),
        COUNTED("a node votes again as a new incarnation", returned),
    };
    (void)state;
    run_seeds(settings, sizeof settings / sizeof settings[0], 12, true, seen,
              sizeof seen / sizeof seen[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ordinary_faults),
                                       cmocka_unit_test(damaged_disks), cmocka_unit_test(liars),
                                       cmocka_unit_test(governed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
