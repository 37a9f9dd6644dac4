/* xuelian-sim-bench: how much the simulator does in a minute of one core.
 *
 * Runs seeds of one simulated hour each. An hour counts only with at least 360 blocks that hold transactions and 20
 * faults (crashes and partitions); the time of those that do not is spent all the same. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tests/sim/run.h"

enum {
    HOUR_MINUTES = 60,
    HOUR_BLOCKS_MIN = 360,
    HOUR_FAULTS_MIN = 20,
    STATES_BITS = 22,
    SAMPLE_BITS = 4
};

/* Abstract states: where the nodes are relative to each other, whoever is where. Of 2^SAMPLE_BITS states
 * one is remembered, chosen by its hash, and stands for as many: a table of all would be what is measured. */
struct states {
    uint64_t *seen; /* 2^STATES_BITS; 0: free */
    uint64_t distinct;
    uint64_t of_node[SIM_NODES_MAX];
    uint64_t sum;
    bool full;
};

struct totals {
    uint64_t runs, hours, simulated_ms, partitions;
    struct counters counters;
    struct states states;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    uint64_t z = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return (z ^ (z >> 29)) * 0xbf58476d1ce4e5b9u;
}

static unsigned bits(uint64_t set)
{
    return (unsigned)__builtin_popcountll(set);
}

/* What a node is at, without heights, eras, views and names: how far behind, leaving or not, whose votes are here. */
static uint64_t abstract_node(const struct replica *replica)
{
    struct pbft_summary summary;
    const struct oracle *oracle = &replica->cluster->oracle;
    pbft_summary(replica->core, &summary);
    uint64_t behind = oracle->height - summary.height;
    uint64_t era_behind = summary.era < oracle->newest_era;
    uint64_t view_behind =
        oracle->newest_view > summary.view ? oracle->newest_view - summary.view : 0;
    uint64_t flags = (uint64_t)summary.voting | (uint64_t)summary.catching_up << 1 |
                     (uint64_t)summary.has_proposal << 2 | (uint64_t)summary.forced << 3 |
                     (uint64_t)(summary.self >= 0) << 4 | era_behind << 5 |
                     (uint64_t)replica->blocked << 6 | (uint64_t)summary.stopped << 7 |
                     (uint64_t)(summary.self == (int32_t)summary.primary) << 8;
    uint64_t hash = mix(mix(flags, summary.validators), behind < 3 ? behind : 3);
    hash = mix(mix(hash, view_behind < 3 ? view_behind : 3),
               summary.target - summary.view < 3 ? summary.target - summary.view : 3);
    hash = mix(hash, bits(summary.prepares_from));
    return mix(mix(hash, bits(summary.commits_from)), bits(summary.view_changes_from));
}

static void note_state(void *context, const struct replica *replica)
{
    struct states *states = context;
    uint64_t now = abstract_node(replica);
    if (now == states->of_node[replica->index]) {
        return;
    }
    states->sum += now - states->of_node[replica->index];
    states->of_node[replica->index] = now;
    uint64_t state = mix(8, states->sum);
    if (state >> (64 - SAMPLE_BITS) != 0 || state == 0) {
        return;
    }
    uint64_t mask = (UINT64_C(1) << STATES_BITS) - 1;
    uint64_t at = state >> (64 - SAMPLE_BITS - STATES_BITS) & mask;
    while (states->seen[at] != 0 && states->seen[at] != state) {
        at = (at + 1) & mask;
    }
    states->full = states->distinct > mask / 2;
    if (states->seen[at] == 0 && !states->full) {
        states->seen[at] = state;
        states->distinct++;
    }
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_hour(struct totals *totals, uint32_t n, uint64_t seed)
{
    struct tape tape;
    struct run_report report;
    struct run_options options = {.n = n,
                                  .minutes = HOUR_MINUTES,
                                  .seed = seed,
                                  .stepped = note_state,
                                  .stepped_context = &totals->states};
    memset(totals->states.of_node, 0, sizeof totals->states.of_node);
    totals->states.sum = 0;
    tape_init(&tape, seed);
    run_tape(&options, &tape, &report);
    tape_free(&tape);
    const struct counters *c = &report.counters;
    totals->runs++;
    totals->hours +=
        c->non_empty >= HOUR_BLOCKS_MIN && c->crashes + report.partitions >= HOUR_FAULTS_MIN;
    totals->simulated_ms += report.now_ms;
    totals->partitions += report.partitions;
    totals->counters.steps += c->steps;
    totals->counters.messages += c->messages;
    totals->counters.commits += c->commits;
    totals->counters.non_empty += c->non_empty;
    totals->counters.crashes += c->crashes;
    totals->counters.view_changes += c->view_changes;
    totals->counters.eras += c->eras;
    if (report.failed) {
        printf("seed %llu: %s\n  replay: tests/sim/run --n %u --minutes %d --seed %llu --trace\n",
               (unsigned long long)seed, report.text, (unsigned)n, HOUR_MINUTES,
               (unsigned long long)seed);
    }
    return !report.failed;
}

static size_t core_memory(uint32_t n)
{
    struct pbft_config config = {.validators_max = n};
    return pbft_footprint(&config);
}

static void print_totals(const struct totals *totals, uint32_t n, double seconds)
{
    const struct counters *c = &totals->counters;
    double minutes = seconds / 60;
    printf("n = %u: %llu runs of an hour in %.1f CPU seconds, %llu of them count\n", (unsigned)n,
           (unsigned long long)totals->runs, seconds, (unsigned long long)totals->hours);
    printf("  hours that count, a minute of one core   %.1f\n", (double)totals->hours / minutes);
    printf("  hours simulated, a minute of one core    %.1f\n",
           (double)totals->simulated_ms / 3600000 / minutes);
    printf("  a minute of one core: %.0f steps, %.0f messages, %.0f blocks (%.0f with "
           "transactions)\n",
           (double)c->steps / minutes, (double)c->messages / minutes, (double)c->commits / minutes,
           (double)c->non_empty / minutes);
    printf("  a minute of one core: %.0f crashes, %.0f view changes, %.0f set changes, %.0f "
           "partitions\n",
           (double)c->crashes / minutes, (double)c->view_changes / minutes,
           (double)c->eras / minutes, (double)totals->partitions / minutes);
    printf("  distinct abstract states                 about %llu%s\n",
           (unsigned long long)totals->states.distinct << SAMPLE_BITS,
           totals->states.full ? " (no room for more)" : "");
    printf("  memory of one core                       %.2f MiB\n",
           (double)core_memory(n) / 1048576);
}

static bool number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '1' || text[0] > '9' || value > most) {
        return false;
    }
    *out = value;
    return true;
}

int main(int argc, char **argv)
{
    uint64_t n = 4, seconds = 60, seed = 1;
    struct totals totals = {.runs = 0};
    for (int i = 1; i < argc; i += 2) {
        bool known = i + 1 < argc;
        known =
            known && ((strcmp(argv[i], "--n") == 0 && number(argv[i + 1], 20, &n)) ||
                      (strcmp(argv[i], "--seconds") == 0 && number(argv[i + 1], 86400, &seconds)) ||
                      (strcmp(argv[i], "--seed") == 0 && number(argv[i + 1], UINT64_MAX, &seed)));
        if (!known) {
            fprintf(stderr, "usage: xuelian-sim-bench [--n N] [--seconds CPU] [--seed FIRST]\n");
            return 2;
        }
    }
    totals.states.seen = sim_new(sizeof(uint64_t) << STATES_BITS);
    double began_s = cpu_s();
    bool good = true;
    while (good && cpu_s() - began_s < (double)seconds) {
        good = run_hour(&totals, (uint32_t)n, seed++);
    }
    print_totals(&totals, (uint32_t)n, cpu_s() - began_s);
    free(totals.states.seen);
    return good ? 0 : 1;
}
