#include "tests/sim/swarm.h"

#include <stdio.h>

#include "proto/quorum.h"

/* 0 in half of the runs, else between half of `most` and `most`. */
static uint32_t sometimes(struct tape *tape, uint32_t most)
{
    if (tape_below(tape, CONCERN_SWARM, 2) == 0) {
        return 0;
    }
    return most - tape_below(tape, CONCERN_SWARM, most / 2 + 1);
}

static uint32_t one_of(struct tape *tape, const uint32_t *values, uint32_t count)
{
    return values[tape_below(tape, CONCERN_SWARM, count)];
}

static void draw_params(struct pbft_params *params, struct tape *tape)
{
    static const uint32_t heartbeats_ms[] = {10000, 2000, 5000};
    static const uint32_t caps_ms[] = {60000, 8000, 16000};
    static const uint32_t rotations[] = {1000, 1, 2, 7, 20};
    static const uint32_t batches[] = {100, 3, 1};
    params->t0_ms = 2000;
    params->timeout_cap_ms = one_of(tape, caps_ms, 3);
    params->batch_delay_ms = 10;
    params->batch_count = one_of(tape, batches, 3);
    params->heartbeat_ms = one_of(tape, heartbeats_ms, 3);
    params->max_drift_ms = 3000;
    params->max_lag_ms = 30000;
    params->request_timeout_ms = 10000;
    params->rotation_blocks = one_of(tape, rotations, 5);
}

static void draw_links(struct swarm *swarm, struct tape *tape)
{
    static const uint32_t latencies_ms[] = {2, 20, 100};
    static const uint32_t drops_ppm[] = {1000, 10000, 50000, 200000};
    swarm->latency_ms = one_of(tape, latencies_ms, 3);
    swarm->drop_ppm = tape_below(tape, CONCERN_SWARM, 2) == 0 ? 0 : one_of(tape, drops_ppm, 4);
    swarm->duplicate_ppm = sometimes(tape, 50000);
    swarm->late_ppm = sometimes(tape, 20000);
    swarm->late_ms = 8000;
    swarm->partition_every_ms = sometimes(tape, 120000);
    swarm->partition_ms = 1000 + tape_below(tape, CONCERN_SWARM, 40000);
    swarm->one_way = tape_below(tape, CONCERN_SWARM, 2) != 0;
}

static void draw_nodes(struct swarm *swarm, struct tape *tape)
{
    static const uint32_t disks_ms[] = {1, 5, 40};
    swarm->crash_every_ms = sometimes(tape, 60000);
    swarm->crash_persist_ppm = sometimes(tape, 8000);
    swarm->crash_all_every_ms = sometimes(tape, 600000);
    swarm->down_ms = 100 + tape_below(tape, CONCERN_SWARM, 20000);
    swarm->persist_ms = one_of(tape, disks_ms, 3);
    swarm->slow_disk_ppm = sometimes(tape, 5000);
    swarm->execute_ms = one_of(tape, disks_ms, 3);
    swarm->verify_ms = one_of(tape, disks_ms, 3);
    swarm->skew_ms = sometimes(tape, 6000);
    swarm->jump_every_ms = sometimes(tape, 300000);
}

/* Liars, and nodes whose disks are damaged, in half of the runs that can bear any: together at most f. */
static void draw_faulty(struct swarm *swarm, struct tape *tape, uint32_t f)
{
    if (f > 0 && tape_below(tape, CONCERN_SWARM, 2) != 0) {
        swarm->traitors = f - tape_below(tape, CONCERN_SWARM, f);
        swarm->treason_ms = 200 + tape_below(tape, CONCERN_SWARM, 3000);
    }
    if (f > swarm->traitors && tape_below(tape, CONCERN_SWARM, 2) != 0) {
        swarm->damaged = f - swarm->traitors;
        swarm->damage_every_ms = 5000 + tape_below(tape, CONCERN_SWARM, 60000);
    }
}

void swarm_draw(struct swarm *swarm, struct tape *tape, uint32_t n, bool ledger, bool real)
{
    static const uint32_t submits_ms[] = {5000, 1000, 200};
    *swarm = (struct swarm){.burst = 1};
    swarm->options.validators = n;
    swarm->options.nodes = n + tape_below(tape, CONCERN_SWARM, n < 4 ? 3 : 4);
    swarm->options.executor = ledger ? &executor_ledger : &executor_toy;
    swarm->options.real_signatures = real;
    swarm->options.answers_after_cancel = tape_below(tape, CONCERN_SWARM, 2) != 0;
    draw_params(&swarm->options.params, tape);
    draw_links(swarm, tape);
    draw_nodes(swarm, tape);
    swarm->submit_every_ms = one_of(tape, submits_ms, 3);
    swarm->burst = 1 + tape_below(tape, CONCERN_SWARM, 6);
    swarm->members_every_ms = sometimes(tape, 240000);
    swarm->bad_every_ms = sometimes(tape, 60000);
    if (ledger) {
        swarm->bad_every_ms = 0; /* it has none */
    }
    draw_faulty(swarm, tape, quorum_faulty(n));
    swarm->full_every_ms = sometimes(tape, 120000);
    swarm->full_ms = 1000 + tape_below(tape, CONCERN_SWARM, 30000);
}

/* ---- By name ------------------------------------------------------------------------------------- */

struct setting {
    const char *name;
    size_t offset;
    bool wide; /* 64 bits */
};

#define NUMBER(name)                               \
    {                                              \
#name, offsetof(struct swarm, name), false \
    }
#define PARAM(name)                                              \
    {                                                            \
#name, offsetof(struct swarm, options.params.name), true \
    }

bool swarm_set(struct swarm *swarm, const char *name, uint64_t value)
{
    static const struct setting settings[] = {
        NUMBER(latency_ms),
        NUMBER(drop_ppm),
        NUMBER(duplicate_ppm),
        NUMBER(late_ppm),
        NUMBER(late_ms),
        NUMBER(partition_every_ms),
        NUMBER(partition_ms),
        NUMBER(crash_every_ms),
        NUMBER(crash_persist_ppm),
        NUMBER(crash_all_every_ms),
        NUMBER(down_ms),
        NUMBER(persist_ms),
        NUMBER(slow_disk_ppm),
        NUMBER(full_every_ms),
        NUMBER(full_ms),
        NUMBER(execute_ms),
        NUMBER(verify_ms),
        NUMBER(skew_ms),
        NUMBER(jump_every_ms),
        NUMBER(traitors),
        NUMBER(treason_ms),
        NUMBER(submit_every_ms),
        NUMBER(burst),
        NUMBER(members_every_ms),
        NUMBER(bad_every_ms),
        NUMBER(damage_every_ms),
        NUMBER(damaged),
        PARAM(t0_ms),
        PARAM(timeout_cap_ms),
        PARAM(batch_delay_ms),
        PARAM(batch_count),
        PARAM(heartbeat_ms),
        PARAM(max_drift_ms),
        PARAM(max_lag_ms),
        PARAM(request_timeout_ms),
        PARAM(rotation_blocks),
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        uint8_t *at = (uint8_t *)swarm + settings[i].offset;
        uint32_t narrow = (uint32_t)value;
        if (strcmp(settings[i].name, name) != 0) {
            continue;
        }
        if (settings[i].wide) {
            memcpy(at, &value, sizeof value);
        } else if (value <= UINT32_MAX) {
            memcpy(at, &narrow, sizeof narrow);
        }
        return settings[i].wide || value <= UINT32_MAX;
    }
    return false;
}

void swarm_describe(const struct swarm *swarm, char *text, size_t size)
{
    const struct pbft_params *params = &swarm->options.params;
    snprintf(text, size,
             "%u validators of %u nodes, %s; K %llu, heartbeat %llu ms, cap %llu ms, batch %llu; "
             "latency %u ms, drop %u, duplicate %u, late %u ppm, partition every %u ms%s; crash "
             "every %u ms, at persist %u ppm, of all every %u ms, down %u ms; disk %u ms, slow %u "
             "ppm; skew %u ms, jumps every %u ms; submit every %u ms, set change every %u ms; %u "
             "traitors; %u damaged every %u ms; bad every %u ms; full every %u ms",
             swarm->options.validators, swarm->options.nodes, swarm->options.executor->name,
             (unsigned long long)params->rotation_blocks, (unsigned long long)params->heartbeat_ms,
             (unsigned long long)params->timeout_cap_ms, (unsigned long long)params->batch_count,
             swarm->latency_ms, swarm->drop_ppm, swarm->duplicate_ppm, swarm->late_ppm,
             swarm->partition_every_ms, swarm->one_way ? ", one way too" : "",
             swarm->crash_every_ms, swarm->crash_persist_ppm, swarm->crash_all_every_ms,
             swarm->down_ms, swarm->persist_ms, swarm->slow_disk_ppm, swarm->skew_ms,
             swarm->jump_every_ms, swarm->submit_every_ms, swarm->members_every_ms, swarm->traitors,
             swarm->damaged, swarm->damage_every_ms, swarm->bad_every_ms, swarm->full_every_ms);
}
