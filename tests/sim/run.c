#include "tests/sim/run.h"

#include <stdio.h>

#include "proto/quorum.h"
#include "tests/sim/auditor.h"
#include "tests/sim/weather.h"

enum {
    CATCH_UP_MS = 50
}; /* a block, at the most: execution, two syncs, a share of the way there and back */

/* All nodes that are members or follow are at one height above `height`. */
static bool all_above(const struct cluster *cluster, uint64_t height)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        struct pbft_summary summary;
        if (cluster->replicas[i].puppet || cluster->replicas[i].clone) {
            continue;
        }
        if (!replica_live(&cluster->replicas[i])) {
            return false;
        }
        pbft_summary(cluster->replicas[i].core, &summary);
        if (summary.height <= height) {
            return false;
        }
    }
    return true;
}

static void print_stuck(struct cluster *cluster)
{
    char text[SIM_LINE_SIZE];
    char long_text[1024];
    for (uint32_t i = 0; i < cluster->options.nodes && cluster->line != NULL; i++) {
        cluster_line(cluster, "%u        %s", (unsigned)i, show_state(cluster, i, text));
        if (replica_live(&cluster->replicas[i])) {
            pbft_describe(cluster->replicas[i].core, cluster->now_ms, long_text, sizeof long_text);
            cluster->line(cluster->line_context, long_text);
        }
    }
}

/* The primary stops while all is calm: T(0) is what the others wait, whatever went before (R16). */
static void stop_the_primary(struct cluster *cluster, struct weather *weather,
                             const struct swarm *swarm)
{
    const struct pbft_params *params = &swarm->options.params;
    struct pbft_summary summary;
    uint32_t asked = 0;
    while (cluster->replicas[asked].puppet) {
        asked++;
    }
    pbft_summary(cluster->replicas[asked].core, &summary);
    const struct validator_set *set = pbft_set(cluster->replicas[asked].core);
    int primary = keys_find(&cluster->keys, &set->validators[summary.primary].key);
    /* Who is a block behind may not know the newest set. */
    if (swarm->traitors + swarm->damaged > 0 || primary < 0 ||
        summary.height != cluster->oracle.height || set->count - 1 < quorum_size(set->count)) {
        return;
    }
    struct disk_arrived nothing = {.record = false};
    uint64_t height = cluster->oracle.height;
    uint64_t until_ms = cluster->now_ms + 3 * params->t0_ms + params->heartbeat_ms + 5000 +
                        20 * (uint64_t)swarm->latency_ms;
    cluster_line(cluster, "%d        is stopped, the primary", primary);
    replica_crash(&cluster->replicas[primary], &nothing);
    weather_submit(weather);
    /* Of the two blocks one may have been on its way. */
    while (!cluster->oracle.failed && cluster->oracle.height < height + 2 &&
           cluster->now_ms < until_ms) {
        cluster_run(cluster, cluster->now_ms + 100);
    }
    if (cluster->oracle.height < height + 2) {
        print_stuck(cluster);
        oracle_fail(cluster, "liveness: all was calm, the primary stopped, and nothing committed");
    }
}

/* How many blocks the node furthest behind lacks: whose log was put aside begins with the first. */
static uint64_t most_lacking(const struct cluster *cluster)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        struct pbft_summary summary = {.height = 0};
        if (replica_live(&cluster->replicas[i])) {
            pbft_summary(cluster->replicas[i].core, &summary);
        }
        if (!cluster->replicas[i].puppet && !cluster->replicas[i].clone &&
            cluster->oracle.height > summary.height + most) {
            most = cluster->oracle.height - summary.height;
        }
    }
    return most;
}

/* Faults have stopped: within a bound all nodes commit again and every transaction is in a block. */
static void prove_progress(struct cluster *cluster, struct weather *weather,
                           const struct swarm *swarm, struct run_report *report)
{
    uint64_t began_ms = cluster->now_ms;
    uint64_t height = cluster->oracle.height;
    const struct pbft_params *params = &swarm->options.params;
    /* What was waiting when faults stopped may take a block each; a view change may be capped first; and
     * catching up takes its time for each block. */
    uint64_t bound_ms = 6 * params->timeout_cap_ms + 4 * params->heartbeat_ms + 60000 +
                        (weather->waiting_count / params->batch_count + 1) * 2000 +
                        most_lacking(cluster) * CATCH_UP_MS;
    weather_clear(weather);
    while (!cluster->oracle.failed && cluster->now_ms < began_ms + bound_ms) {
        cluster_run(cluster, cluster->now_ms + 250);
        if (all_above(cluster, height + 2) && weather_all_in(weather)) {
            report->recovery_ms = cluster->now_ms - began_ms;
            stop_the_primary(cluster, weather, swarm);
            return;
        }
    }
    print_stuck(cluster);
    oracle_fail(cluster, "liveness: %llu ms after faults stopped %s (height was %llu, is %zu)",
                (unsigned long long)(cluster->now_ms - began_ms),
                all_above(cluster, height + 2) ? "transactions still wait"
                                               : "not all nodes have committed",
                (unsigned long long)height, cluster->oracle.height);
}

static uint64_t count_returned(const struct cluster *cluster)
{
    uint64_t returned = 0;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        const struct replica *replica = &cluster->replicas[i];
        struct pbft_summary summary = {.voting = false};
        if (replica_live(replica) && replica->incarnation > cluster->chain.incarnations) {
            pbft_summary(replica->core, &summary);
        }
        returned += summary.voting;
    }
    return returned;
}

void run_tape(const struct run_options *options, struct tape *tape, struct run_report *report)
{
    struct swarm swarm;
    struct weather weather = {.submitted = 0};
    struct cluster *cluster = sim_new(sizeof *cluster);
    struct schedule schedule = weather_schedule(&weather);
    *report = (struct run_report){.failed = false};
    swarm_draw(&swarm, tape, options->n, options->ledger, options->real_signatures);
    for (uint32_t i = 0; i < options->setting_count; i++) {
        CHECK(swarm_set(&swarm, options->settings[i].name, options->settings[i].value));
    }
    swarm.options.nodes += swarm.damaged > 0; /* a place for a clone */
    swarm_describe(&swarm, report->swarm, sizeof report->swarm);
    weather.tape = tape;
    weather.swarm = &swarm;
    cluster_init(cluster, &swarm.options, &schedule);
    cluster->line = options->line;
    cluster->line_context = options->line_context;
    cluster->stepped = options->stepped;
    cluster->stepped_context = options->stepped_context;
    cluster->recorded = options->recorded;
    cluster->recorded_context = options->recorded_context;
    cluster_line(cluster, "%s", report->swarm);
    /* More than f traitors: nothing is promised but that the guilty, and they alone, can be named. */
    bool many = swarm.traitors > quorum_faulty(options->n);
    cluster->oracle.forks_expected = many;
    weather_begin(&weather, cluster, tape, &swarm);
    cluster_run(cluster, cluster->now_ms + (uint64_t)options->minutes * 60000);
    if (!cluster->oracle.failed && !many) {
        prove_progress(cluster, &weather, &swarm, report);
    }
    if (!cluster->oracle.failed) {
        auditor_check_all(cluster);
        report->returned = count_returned(cluster);
    }
    report->forks = cluster->oracle.forks;
    report->failed = cluster->oracle.failed;
    snprintf(report->text, sizeof report->text, "%s", cluster->oracle.text);
    report->now_ms = cluster->now_ms;
    report->height = cluster->oracle.height;
    report->partitions = weather.partitions;
    report->digest = cluster->digest;
    report->counters = cluster->counters;
    report->traitors = swarm.traitors;
    report->treasons = weather.traitors.said;
    weather_free(&weather);
    cluster_free(cluster);
    free(cluster);
}
