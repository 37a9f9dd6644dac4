#include "tests/sim/weather.h"

#include <stdio.h>

#include "proto/bytes.h"

static void do_crash(void *context, uint64_t node);
static void do_start(void *context, uint64_t node);

/* ---- How long things take ------------------------------------------------------------------------ */

static uint64_t delay_of(void *context, enum event_type type, uint32_t node)
{
    struct weather *weather = context;
    const struct swarm *swarm = weather->swarm;
    uint32_t most = type == EVENT_PERSISTED  ? swarm->persist_ms
                    : type == EVENT_EXECUTED ? swarm->execute_ms
                    : type == EVENT_VERIFIED ? swarm->verify_ms
                                             : 50;
    uint64_t delay_ms =
        tape_below(weather->tape, type == EVENT_PERSISTED ? CONCERN_DISK : CONCERN_WORK, most + 1);
    if (type != EVENT_PERSISTED || weather->calm) {
        return delay_ms;
    }
    if (swarm->slow_disk_ppm > 0 &&
        tape_chance(weather->tape, CONCERN_DISK, swarm->slow_disk_ppm)) {
        delay_ms = delay_ms * 100 + 100;
        weather->cluster->counters.slow_syncs++;
    }
    if (swarm->crash_persist_ppm > 0 &&
        tape_chance(weather->tape, CONCERN_CRASH, swarm->crash_persist_ppm)) {
        uint64_t moment_ms = tape_below(weather->tape, CONCERN_CRASH, (uint32_t)delay_ms + 2);
        cluster_call(weather->cluster, weather->cluster->now_ms + moment_ms, do_crash, weather,
                     node);
    }
    return delay_ms;
}

static uint64_t latency(struct weather *weather)
{
    const struct swarm *swarm = weather->swarm;
    uint64_t delay_ms = 1 + tape_below(weather->tape, CONCERN_LINK, swarm->latency_ms);
    if (!weather->calm && swarm->late_ppm > 0 &&
        tape_chance(weather->tape, CONCERN_LINK, swarm->late_ppm)) {
        delay_ms += tape_below(weather->tape, CONCERN_LINK, swarm->late_ms);
    }
    return delay_ms;
}

static uint32_t copies_of(void *context, const struct event *message, uint64_t delays[2])
{
    struct weather *weather = context;
    const struct swarm *swarm = weather->swarm;
    (void)message;
    delays[0] = latency(weather);
    if (weather->calm) {
        return 1;
    }
    if (swarm->drop_ppm > 0 && tape_chance(weather->tape, CONCERN_LINK, swarm->drop_ppm)) {
        return 0;
    }
    if (swarm->duplicate_ppm > 0 &&
        tape_chance(weather->tape, CONCERN_LINK, swarm->duplicate_ppm)) {
        delays[1] = latency(weather);
        return 2;
    }
    return 1;
}

struct schedule weather_schedule(struct weather *weather)
{
    return (struct schedule){.context = weather, .delay_ms = delay_of, .copies = copies_of};
}

/* ---- Crashes ------------------------------------------------------------------------------------- */

/* The same again after about `mean_ms`. */
static void again(struct weather *weather, enum concern concern, uint32_t mean_ms,
                  void (*call)(void *, uint64_t))
{
    uint64_t wait_ms = mean_ms / 2 + tape_below(weather->tape, concern, mean_ms + 1);
    cluster_call(weather->cluster, weather->cluster->now_ms + wait_ms, call, weather, 0);
}

static void do_start(void *context, uint64_t node)
{
    struct weather *weather = context;
    struct replica *replica = &weather->cluster->replicas[node];
    if (!replica->up && !replica->clone) {
        damage_before_start(weather, (uint32_t)node);
        cluster_line(weather->cluster, "%u        starts", (unsigned)node);
        (void)replica_start(replica);
    }
}

static void do_crash(void *context, uint64_t node)
{
    struct weather *weather = context;
    struct replica *replica = &weather->cluster->replicas[node];
    if (!replica_live(replica) || weather->calm) {
        return;
    }
    cluster_line(weather->cluster, "%u        crashes", (unsigned)node);
    struct disk_arrived arrived = disk_choose(&replica->disk, weather->tape);
    replica_crash(replica, &arrived);
    uint32_t down_ms = 1 + tape_below(weather->tape, CONCERN_CRASH, weather->swarm->down_ms);
    cluster_call(weather->cluster, weather->cluster->now_ms + down_ms, do_start, weather, node);
}

/* ---- Full disks ---------------------------------------------------------------------------------- */

/* The process ends; what it was writing is there in part. It is started again, whether there is room or not. */
static void end_process(void *context, uint64_t node)
{
    struct weather *weather = context;
    struct replica *replica = &weather->cluster->replicas[node];
    if (!replica_live(replica) || !replica->blocked) {
        return; /* it has crashed meanwhile */
    }
    struct disk_arrived arrived = disk_choose(&replica->disk, weather->tape);
    arrived.blocks = 0;
    arrived.record = arrived.record && !arrived.proposal;
    replica_crash(replica, &arrived);
    uint32_t down_ms = 1 + tape_below(weather->tape, CONCERN_CRASH, weather->swarm->down_ms);
    cluster_call(weather->cluster, weather->cluster->now_ms + down_ms, do_start, weather, node);
}

static void write_failed(void *context, uint64_t node)
{
    struct weather *weather = context;
    cluster_call(weather->cluster, weather->cluster->now_ms, end_process, weather, node);
}

static void make_room(void *context, uint64_t node)
{
    struct weather *weather = context;
    weather->cluster->replicas[node].disk_full = false;
}

static void fill_disk(void *context, uint64_t argument)
{
    struct weather *weather = context;
    struct cluster *cluster = weather->cluster;
    (void)argument;
    if (weather->calm) {
        return;
    }
    uint32_t node = tape_below(weather->tape, CONCERN_DISK, cluster->options.nodes);
    uint32_t lasts_ms = 1 + tape_below(weather->tape, CONCERN_DISK, weather->swarm->full_ms);
    cluster_line(cluster, "%u        its disk is full", (unsigned)node);
    cluster->replicas[node].disk_full = true;
    cluster_call(cluster, cluster->now_ms + lasts_ms, make_room, weather, node);
    again(weather, CONCERN_DISK, weather->swarm->full_every_ms, fill_disk);
}

void weather_crash(struct weather *weather, uint32_t node)
{
    do_crash(weather, node);
}

static void crash_one(void *context, uint64_t argument)
{
    struct weather *weather = context;
    (void)argument;
    if (!weather->calm) {
        do_crash(weather,
                 tape_below(weather->tape, CONCERN_CRASH, weather->cluster->options.nodes));
        again(weather, CONCERN_CRASH, weather->swarm->crash_every_ms, crash_one);
    }
}

static void crash_all(void *context, uint64_t argument)
{
    struct weather *weather = context;
    (void)argument;
    if (!weather->calm) {
        for (uint32_t i = 0; i < weather->cluster->options.nodes; i++) {
            do_crash(weather, i);
        }
        again(weather, CONCERN_CRASH, weather->swarm->crash_all_every_ms, crash_all);
    }
}

/* ---- Partitions and clocks ------------------------------------------------------------------------ */

static void heal(void *context, uint64_t argument)
{
    struct weather *weather = context;
    struct cluster *cluster = weather->cluster;
    (void)argument;
    memset(cluster->cut, 0, sizeof cluster->cut);
    cluster_line(cluster, "         all links are whole");
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (weather->calm || tape_below(weather->tape, CONCERN_PARTITION, 2) != 0) {
            cluster_connect(cluster, i);
        }
    }
}

static void partition(void *context, uint64_t argument)
{
    struct weather *weather = context;
    struct cluster *cluster = weather->cluster;
    uint32_t n = cluster->options.nodes;
    char side[SIM_NODES_MAX + 1] = {0};
    (void)argument;
    if (weather->calm) {
        return;
    }
    bool one_way = weather->swarm->one_way && tape_below(weather->tape, CONCERN_PARTITION, 2) != 0;
    /* One node apart, or any two groups. */
    uint32_t alone = tape_below(weather->tape, CONCERN_PARTITION, 2 * n);
    for (uint32_t i = 0; i < n; i++) {
        side[i] = alone < n ? (i == alone ? 'b' : 'a')
                            : (char)('a' + tape_below(weather->tape, CONCERN_PARTITION, 2));
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            cluster->cut[i][k] = side[i] != side[k] && (!one_way || side[i] == 'b');
        }
    }
    weather->partitions++;
    cluster_line(cluster, "         partition %s%s", side, one_way ? ", one way" : "");
    uint32_t lasts_ms =
        1 + tape_below(weather->tape, CONCERN_PARTITION, weather->swarm->partition_ms);
    cluster_call(cluster, cluster->now_ms + lasts_ms, heal, weather, 0);
    again(weather, CONCERN_PARTITION, weather->swarm->partition_every_ms, partition);
}

static void set_clock(struct weather *weather, struct replica *replica)
{
    uint32_t range = 2 * weather->swarm->skew_ms + 1;
    uint32_t drawn = tape_below(weather->tape, CONCERN_CLOCK, range);
    replica->clock_offset_ms = drawn == 0 ? 0 : (int64_t)drawn - (int64_t)weather->swarm->skew_ms;
}

static void jump_clock(void *context, uint64_t argument)
{
    struct weather *weather = context;
    (void)argument;
    if (!weather->calm) {
        uint32_t node = tape_below(weather->tape, CONCERN_CLOCK, weather->cluster->options.nodes);
        set_clock(weather, &weather->cluster->replicas[node]);
        again(weather, CONCERN_CLOCK, weather->swarm->jump_every_ms, jump_clock);
    }
}

/* ---- Clients ------------------------------------------------------------------------------------- */

static void hand_in(struct weather *weather, const struct sim_tx *tx)
{
    uint32_t n = weather->cluster->options.nodes;
    uint32_t first = tape_below(weather->tape, CONCERN_CLIENT, n);
    for (uint32_t k = 0; k < n; k++) {
        if (replica_live(&weather->cluster->replicas[(first + k) % n])) {
            cluster_submit(weather->cluster, (first + k) % n, tx);
            return;
        }
    }
}

void weather_submit_bytes(struct weather *weather, struct bytes bytes)
{
    const struct sim_tx *tx = chain_tx(&weather->cluster->chain, bytes);
    CHECK(tx != NULL);
    const struct sim_tx **waiting = sim_grow(weather->waiting, weather->waiting_count,
                                             &weather->waiting_capacity, sizeof *waiting);
    weather->waiting = waiting;
    weather->waiting[weather->waiting_count++] = tx;
    hand_in(weather, tx);
}

void weather_submit(struct weather *weather)
{
    struct owned bytes = {.data = NULL};
    weather->cluster->chain.executor->make_tx(&weather->cluster->chain, weather->submitted++,
                                              &bytes);
    weather_submit_bytes(weather, owned_bytes(&bytes));
    owned_free(&bytes);
}

/* One node alone has a transaction that it may not propose: its check must find that out. */
static void submit_bad(void *context, uint64_t argument)
{
    struct weather *weather = context;
    struct cluster *cluster = weather->cluster;
    struct replica *replica =
        &cluster->replicas[tape_below(weather->tape, CONCERN_CLIENT, cluster->options.nodes)];
    char word[32];
    (void)argument;
    if (weather->calm) {
        return;
    }
    int size = snprintf(word, sizeof word, "bad%u", weather->bad++);
    if (replica_live(replica)) {
        pool_add(replica, chain_tx(&cluster->chain, bytes_of(word, (size_t)size)));
        replica_waiting(replica);
        replica_pump(replica);
    }
    again(weather, CONCERN_CLIENT, weather->swarm->bad_every_ms, submit_bad);
}

static void submit(void *context, uint64_t argument)
{
    struct weather *weather = context;
    (void)argument;
    if (weather->calm) {
        return;
    }
    if (weather->waiting_count > 4 * weather->swarm->options.params.batch_count + 8) {
        /* A node refuses what it cannot commit soon; else a backlog alone would change views for ever. */
        again(weather, CONCERN_CLIENT, weather->swarm->submit_every_ms, submit);
        return;
    }
    uint32_t burst = 1 + tape_below(weather->tape, CONCERN_CLIENT, weather->swarm->burst);
    for (uint32_t i = 0; i < burst; i++) {
        weather_submit(weather);
    }
    again(weather, CONCERN_CLIENT, weather->swarm->submit_every_ms, submit);
}

/* A client that has no answer asks again, somewhere. */
static void resubmit(void *context, uint64_t argument)
{
    struct weather *weather = context;
    size_t kept = 0;
    (void)argument;
    for (size_t i = 0; i < weather->waiting_count; i++) {
        if (!oracle_tx_committed(weather->cluster, weather->waiting[i])) {
            weather->waiting[kept++] = weather->waiting[i];
        }
    }
    weather->waiting_count = kept;
    for (size_t i = 0; i < kept && i < 50; i++) {
        hand_in(weather, weather->waiting[i]);
    }
    cluster_call(weather->cluster, weather->cluster->now_ms + 1000, resubmit, weather, 0);
}

/* The toy's set changes by a word. */
static void submit_set(struct weather *weather, const struct govern_wish *wishes, uint32_t count)
{
    char word[32] = "set:";
    size_t size = 4;
    for (uint32_t i = 0; i < count; i++) {
        size += (size_t)snprintf(word + size, sizeof word - size, "%c%u",
                                 wishes[i].remove ? '-' : '+', (unsigned)wishes[i].node);
    }
    /* A transaction is used once: its number makes it another. */
    size += (size_t)snprintf(word + size, sizeof word - size, "~%u", weather->set_changes++);
    weather_submit_bytes(weather, bytes_of(word, size));
}

/* A member more, a member less, one for another, or a whole new set. */
static void change_set(void *context, uint64_t argument)
{
    struct weather *weather = context;
    struct cluster *cluster = weather->cluster;
    uint32_t n =
        cluster->options.nodes - (cluster->replicas[cluster->options.nodes - 1].clone ? 1 : 0);
    (void)argument;
    if (weather->calm) {
        return;
    }
    uint32_t kind = tape_below(weather->tape, CONCERN_MEMBERS, 4);
    uint32_t a = tape_below(weather->tape, CONCERN_MEMBERS, n);
    uint32_t b = tape_below(weather->tape, CONCERN_MEMBERS, n);
    const struct govern_wish kinds[4][4] = {
        {{a, false}},
        {{a, true}},
        {{a, false}, {b == a ? (a + 1) % n : b, true}},
        {{a, false}, {(a + 1) % n, false}, {(a + 2) % n, true}, {(a + 3) % n, true}},
    };
    static const uint32_t counts[4] = {1, 1, 2, 4};
    if (weather->swarm->options.executor == &executor_ledger) {
        govern_begin(weather, kinds[kind], counts[kind]);
    } else {
        submit_set(weather, kinds[kind], counts[kind]);
    }
    again(weather, CONCERN_MEMBERS, weather->swarm->members_every_ms, change_set);
}

/* ---- All ----------------------------------------------------------------------------------------- */

void weather_begin(struct weather *weather, struct cluster *cluster, struct tape *tape,
                   const struct swarm *swarm)
{
    static const struct {
        size_t every;
        enum concern concern;
        void (*call)(void *, uint64_t);
    } kinds[] = {
        {offsetof(struct swarm, crash_every_ms), CONCERN_CRASH, crash_one},
        {offsetof(struct swarm, crash_all_every_ms), CONCERN_CRASH, crash_all},
        {offsetof(struct swarm, full_every_ms), CONCERN_DISK, fill_disk},
        {offsetof(struct swarm, partition_every_ms), CONCERN_PARTITION, partition},
        {offsetof(struct swarm, jump_every_ms), CONCERN_CLOCK, jump_clock},
        {offsetof(struct swarm, submit_every_ms), CONCERN_CLIENT, submit},
        {offsetof(struct swarm, bad_every_ms), CONCERN_CLIENT, submit_bad},
        {offsetof(struct swarm, members_every_ms), CONCERN_MEMBERS, change_set},
    };
    weather->cluster = cluster;
    weather->tape = tape;
    weather->swarm = swarm;
    cluster->write_failed = write_failed;
    cluster->write_failed_context = weather;
    traitors_begin(&weather->traitors, cluster, tape, swarm->traitors, swarm->treason_ms);
    damage_begin(weather);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        set_clock(weather, &cluster->replicas[i]);
        do_start(weather, i);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t every_ms;
        memcpy(&every_ms, (const char *)swarm + kinds[i].every, sizeof every_ms);
        if (every_ms > 0) {
            again(weather, kinds[i].concern, every_ms, kinds[i].call);
        }
    }
    resubmit(weather, 0);
    if (swarm->options.executor == &executor_ledger) {
        govern_tick(weather, 0);
    }
}

void weather_clear(struct weather *weather)
{
    struct cluster *cluster = weather->cluster;
    weather->calm = true;
    cluster_line(cluster, "         faults stop");
    for (uint32_t i = 0; i < cluster->options.nodes && !cluster->oracle.failed; i++) {
        cluster->replicas[i].clock_offset_ms = 0;
        cluster->replicas[i].disk_full = false;
        damage_end_clone(weather, i);
        do_start(weather, i);
    }
    heal(weather, 0);
}

bool weather_all_in(const struct weather *weather)
{
    for (size_t i = 0; i < weather->waiting_count; i++) {
        if (!oracle_tx_committed(weather->cluster, weather->waiting[i])) {
            return false;
        }
    }
    return true;
}

void weather_free(struct weather *weather)
{
    free(weather->waiting);
    traitors_free(&weather->traitors);
    damage_free(&weather->damages);
}
