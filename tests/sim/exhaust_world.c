#include <stdio.h>

#include "proto/bytes.h"
#include "tests/sim/exhaust.h"
#include "tests/sim/forge.h"

/* A held event's place in the schedule; `argument` and `token` are free in events of these types. */
enum lateness { ON_TIME, LATE, NOT_YET };

static enum lateness lateness_of(const struct event *event)
{
    return (enum lateness)(event->argument & 3);
}

static uint64_t round_of(const struct event *event)
{
    return event->argument >> 2;
}

static void place(struct event *event, uint64_t round, enum lateness lateness)
{
    event->argument = round << 2 | (uint64_t)lateness;
}

/* ---- Schedule ------------------------------------------------------------------------------------ */

static uint64_t held_delay(void *context, enum event_type type, uint32_t node)
{
    (void)context;
    (void)type;
    (void)node;
    return SIM_HELD;
}

static uint32_t held_copies(void *context, const struct event *message, uint64_t delays[2])
{
    (void)context;
    (void)message;
    delays[0] = SIM_HELD;
    return 1;
}

/* What the last step gave rise to is of the next round. Rounds begin at 1, so 0 is what has no place yet. */
static void place_new(struct world *world)
{
    struct cluster *cluster = world->cluster;
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (cluster->held[i]->argument == 0) {
            place(cluster->held[i], world->round + 1, ON_TIME);
        }
    }
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* By what an event is, never by when it came about: so the order is a function of what is under way. */
static bool before(const struct event *a, const struct event *b)
{
    int order = compare(lateness_of(a), lateness_of(b));
    order = order != 0 ? order : compare(round_of(a), round_of(b));
    order = order != 0 ? order : compare(a->node, b->node);
    order = order != 0 ? order : compare(a->type != EVENT_MESSAGE, b->type != EVENT_MESSAGE);
    order = order != 0 ? order : compare(a->type, b->type);
    order = order != 0 ? order : compare(a->from, b->from);
    if (order != 0 || a->type != EVENT_MESSAGE) {
        return order < 0;
    }
    order = compare(a->envelope->type, b->envelope->type);
    order = order != 0 ? order : compare(a->envelope->size, b->envelope->size);
    return order != 0 ? order < 0
                      : memcmp(a->envelope->data, b->envelope->data, a->envelope->size) < 0;
}

static struct event *next_event(const struct world *world)
{
    const struct cluster *cluster = world->cluster;
    struct event *next = NULL;
    for (size_t i = 0; i < cluster->held_count; i++) {
        struct event *event = cluster->held[i];
        if (lateness_of(event) != NOT_YET && (next == NULL || before(event, next))) {
            next = event;
        }
    }
    return next;
}

/* ---- When nothing is under way --------------------------------------------------------------------- */

static void did(struct world *world, uint32_t node)
{
    world->acted = (int)node;
    world->dirty[node] = true;
    place_new(world);
}

/* Clients hand in what they have no answer to, at every node. */
static void hand_in(struct replica *replica)
{
    static const char *const words[EXHAUST_HEIGHTS] = {"a", "set:+4-0", "b"};
    struct chain *chain = &replica->cluster->chain;
    for (size_t k = 0; k < EXHAUST_HEIGHTS; k++) {
        const struct sim_tx *tx = chain_tx(chain, bytes_of(words[k], strlen(words[k])));
        CHECK(tx != NULL);
        pool_add(replica, tx);
    }
    replica_waiting(replica);
    replica_pump(replica);
}

static bool start_what_is_down(struct world *world)
{
    struct cluster *cluster = world->cluster;
    bool any = false;
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        if (!cluster->replicas[i].up && world->down_until_ms[i] <= cluster->now_ms &&
            !cluster->oracle.failed) {
            cluster_line(cluster, "%u        starts", (unsigned)i);
            if (replica_start(&cluster->replicas[i])) {
                hand_in(&cluster->replicas[i]);
            }
            did(world, i);
            any = true;
        }
    }
    return any;
}

static bool mend_links(struct world *world)
{
    struct cluster *cluster = world->cluster;
    if (world->whole_at_ms == 0 || world->whole_at_ms > cluster->now_ms) {
        return false;
    }
    bool touched[EXHAUST_NODES] = {false};
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        for (uint32_t k = 0; k < EXHAUST_NODES; k++) {
            touched[i] = touched[i] || cluster->cut[i][k] || cluster->cut[k][i];
        }
    }
    memset(cluster->cut, 0, sizeof cluster->cut);
    world->whole_at_ms = 0;
    cluster_line(cluster, "         all links are whole");
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        if (touched[i]) {
            cluster_connect(cluster, i);
        }
    }
    place_new(world);
    return true;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What waits for a moment, other than timers of nodes. */
static uint64_t next_moment_ms(const struct world *world)
{
    const struct cluster *cluster = world->cluster;
    uint64_t moment_ms = world->whole_at_ms == 0 ? UINT64_MAX : world->whole_at_ms;
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        if (!cluster->replicas[i].up) {
            moment_ms = sooner(moment_ms, world->down_until_ms[i]);
        }
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (lateness_of(cluster->held[i]) == NOT_YET) {
            moment_ms = sooner(moment_ms, cluster->held[i]->due_ms);
        }
    }
    return moment_ms;
}

static void pass_time(struct world *world)
{
    struct cluster *cluster = world->cluster;
    uint64_t tick_ms = UINT64_MAX;
    uint64_t moment_ms = next_moment_ms(world);
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        if (cluster->tick_ms[i] < tick_ms) {
            tick_ms = cluster->tick_ms[i];
            world->acted = (int)i;
        }
    }
    world->round++;
    if (moment_ms <= tick_ms) {
        CHECK(moment_ms != UINT64_MAX);
        cluster->now_ms = moment_ms > cluster->now_ms ? moment_ms : cluster->now_ms;
        world->acted = -1;
    } else {
        CHECK(cluster_next(cluster, tick_ms > cluster->now_ms ? tick_ms : cluster->now_ms));
        did(world, (uint32_t)world->acted);
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        struct event *event = cluster->held[i];
        if (lateness_of(event) == NOT_YET && event->due_ms <= cluster->now_ms) {
            event->due_ms = SIM_HELD;
            place(event, world->round + 1, ON_TIME);
        }
    }
}

void world_step(struct world *world)
{
    struct event *event = next_event(world);
    uint64_t round_before = world->round;
    if (event != NULL) {
        uint32_t node = event->node;
        world->round = round_of(event);
        cluster_release(world->cluster, event);
        did(world, node);
    } else {
        world->acted = -1;
        bool started = start_what_is_down(world);
        if (!mend_links(world) && !started) {
            pass_time(world);
        }
    }
    world->round_began = world->round != round_before;
}

/* ---- Deviations ---------------------------------------------------------------------------------- */

static void add(struct deviation *out, uint32_t *count, struct deviation one)
{
    CHECK(*count < EXHAUST_DEVIATIONS_MAX);
    out[(*count)++] = one;
}

/* No deviations any more: a node asks for a view that is beyond the bound. */
static bool beyond(const struct world *world)
{
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        struct pbft_summary summary;
        if (replica_live(&world->cluster->replicas[i])) {
            pbft_summary(world->cluster->replicas[i].core, &summary);
            if (summary.target >= EXHAUST_VIEWS) {
                return true;
            }
        }
    }
    return false;
}

static void add_crashes(const struct replica *replica, struct deviation *out, uint32_t *count)
{
    bool under_way = replica->disk.pending.active || replica->disk.written > replica->disk.synced;
    for (int arrived = 0; arrived < (under_way ? ARRIVED_KINDS : 1); arrived++) {
        for (int longer = 0; longer < 2; longer++) {
            add(out, count,
                (struct deviation){.kind = DEVIATION_CRASH,
                                   .node = replica->index,
                                   .arrived = (enum arrived_kind)arrived,
                                   .long_down = longer == 1});
        }
    }
}

/* Last, so that the others keep their places whether lies are left or not. */
static void add_lies(struct world *world, struct deviation *out, uint32_t *count)
{
    const struct event *event = next_event(world);
    if (world->lies_left == 0 || event == NULL || event->type != EVENT_MESSAGE ||
        (int)event->from != world->liar) {
        return;
    }
    for (int lie = 0; lie < LIE_KINDS; lie++) {
        struct forged made = {.type = 0};
        if (lie_make(world, event, (enum lie)lie, &made)) {
            add(out, count,
                (struct deviation){
                    .kind = DEVIATION_LIE, .node = event->node, .lie = (enum lie)lie});
            forged_free(&made);
        }
    }
}

uint32_t world_deviations(struct world *world, struct deviation *out)
{
    static const enum deviation_kind of_message[] = {DEVIATION_LOST, DEVIATION_LATE,
                                                     DEVIATION_STALE, DEVIATION_DOUBLED};
    const struct event *event = next_event(world);
    uint32_t count = 0;
    if (beyond(world)) {
        return 0;
    }
    if (event != NULL && event->type == EVENT_MESSAGE) {
        for (size_t i = 0; i < 4; i++) {
            if (of_message[i] != DEVIATION_LATE || lateness_of(event) == ON_TIME) {
                add(out, &count, (struct deviation){.kind = of_message[i], .node = event->node});
            }
        }
    } else if (event != NULL && event->type != EVENT_CONNECTED && lateness_of(event) == ON_TIME) {
        add(out, &count, (struct deviation){.kind = DEVIATION_SLOW, .node = event->node});
        add(out, &count, (struct deviation){.kind = DEVIATION_HANGS, .node = event->node});
    }
    if (world->acted >= 0 && replica_live(&world->cluster->replicas[world->acted])) {
        uint32_t node = (uint32_t)world->acted;
        add_crashes(&world->cluster->replicas[node], out, &count);
        add(out, &count, (struct deviation){.kind = DEVIATION_TIMEOUT, .node = node});
        if (world->whole_at_ms == 0) {
            add(out, &count, (struct deviation){.kind = DEVIATION_CUT, .node = node});
        }
    }
    if (world->round_began) {
        for (uint32_t k = 1; k < EXHAUST_VALIDATORS && world->whole_at_ms == 0; k++) {
            add(out, &count, (struct deviation){.kind = DEVIATION_SPLIT, .node = k});
        }
        add(out, &count, (struct deviation){.kind = DEVIATION_CRASH_ALL});
        add(out, &count, (struct deviation){.kind = DEVIATION_CRASH_ALL, .arrived = ARRIVED_ALL});
    }
    add_lies(world, out, &count);
    return count;
}

static void crash(struct world *world, uint32_t node, enum arrived_kind arrived, uint64_t down_ms)
{
    struct cluster *cluster = world->cluster;
    struct replica *replica = &cluster->replicas[node];
    if (!replica->up) {
        return;
    }
    bool log = arrived == ARRIVED_ALL || arrived == ARRIVED_LOG;
    struct disk_arrived what = {.record = arrived == ARRIVED_ALL || arrived == ARRIVED_JOURNAL,
                                .new_view = arrived == ARRIVED_ALL || arrived == ARRIVED_LOG,
                                .proposal = log};
    what.blocks = log ? replica->disk.written - replica->disk.synced : 0;
    replica_crash(replica, &what);
    world->down_until_ms[node] = cluster->now_ms + down_ms;
    world->dirty[node] = true;
    /* What was under way inside it is gone. */
    for (size_t i = cluster->held_count; i-- > 0;) {
        struct event *event = cluster->held[i];
        if (event->node == node && event->type != EVENT_MESSAGE) {
            cluster_forget(cluster, event);
        }
    }
}

/* Its own clock alone: the others' stands still. */
static void run_ahead(struct world *world, uint32_t node)
{
    enum { TICKS_MAX = 100 };
    struct cluster *cluster = world->cluster;
    struct replica *replica = &cluster->replicas[node];
    uint64_t now_ms = cluster->now_ms;
    struct pbft_summary before_it, now;
    pbft_summary(replica->core, &before_it);
    const uint64_t *tick_ms = &cluster->tick_ms[node];
    for (int i = 0; i < TICKS_MAX && *tick_ms != PBFT_NEVER_MS && !cluster->oracle.failed; i++) {
        struct pbft_input input = {.type = PBFT_TICK};
        cluster->now_ms = *tick_ms > cluster->now_ms ? *tick_ms : cluster->now_ms;
        replica->ticked_ms = cluster->now_ms;
        (void)replica_step(replica, &input);
        replica_pump(replica);
        pbft_summary(replica->core, &now);
        if (now.era != before_it.era || now.target != before_it.target) {
            break;
        }
    }
    cluster->now_ms = now_ms;
    did(world, node);
}

static void cut(struct world *world, uint32_t apart)
{
    struct cluster *cluster = world->cluster;
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        for (uint32_t k = 0; k < EXHAUST_NODES; k++) {
            cluster->cut[i][k] = (apart >> i & 1) != (apart >> k & 1);
        }
    }
    world->whole_at_ms = cluster->now_ms + EXHAUST_LAG_MS;
}

static void deviate_message(struct world *world, enum deviation_kind kind)
{
    struct cluster *cluster = world->cluster;
    struct event *event = next_event(world);
    CHECK(event != NULL);
    if (kind == DEVIATION_LOST) {
        cluster_forget(cluster, event);
        return;
    }
    if (kind == DEVIATION_LATE || kind == DEVIATION_SLOW) {
        place(event, world->round, LATE);
        return;
    }
    if (kind == DEVIATION_DOUBLED) {
        uint64_t count = cluster->held_count;
        uint64_t round = round_of(event);
        struct event *again = cluster_event(cluster, EVENT_MESSAGE, event->node);
        again->from = event->from;
        again->envelope = envelope_hold(event->envelope);
        cluster_post(cluster, again);
        CHECK(cluster->held_count == count + 1);
        place(again, round, ON_TIME);
        event = again;
    }
    place(event, world->round, NOT_YET);
    event->due_ms = cluster->now_ms + EXHAUST_LAG_MS;
}

/* It comes in place of the message, or beside it. */
static void tell_lie(struct world *world, enum lie lie)
{
    struct cluster *cluster = world->cluster;
    struct event *event = next_event(world);
    struct forged made = {.type = 0};
    CHECK(event != NULL);
    CHECK(lie_make(world, event, lie, &made));
    world->lies_left--;
    struct event *told = cluster_event(cluster, EVENT_MESSAGE, event->node);
    uint64_t argument = event->argument;
    told->from = event->from;
    told->envelope = envelope_new(made.type, owned_bytes(&made.body));
    cluster_post(cluster, told);
    told->argument = argument;
    if (lie != LIE_COMMIT_TOO) {
        cluster_forget(cluster, event);
    }
    forged_free(&made);
}

void world_deviate(struct world *world, const struct deviation *deviation)
{
    char text[SIM_LINE_SIZE];
    deviation_print(deviation, text);
    cluster_line(world->cluster, "         DEVIATION: %s", text);
    world->round_began = false;
    switch (deviation->kind) {
    case DEVIATION_LOST:
    case DEVIATION_LATE:
    case DEVIATION_STALE:
    case DEVIATION_DOUBLED:
    case DEVIATION_SLOW:
    case DEVIATION_HANGS:
        deviate_message(world, deviation->kind);
        break;
    case DEVIATION_CRASH:
        crash(world, deviation->node, deviation->arrived,
              deviation->long_down ? EXHAUST_LAG_MS : 0);
        break;
    case DEVIATION_TIMEOUT:
        run_ahead(world, deviation->node);
        break;
    case DEVIATION_CUT:
        cut(world, 1u << deviation->node);
        break;
    case DEVIATION_SPLIT:
        cut(world, 1u | 1u << deviation->node);
        break;
    case DEVIATION_CRASH_ALL:
        for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
            crash(world, i, deviation->arrived, 0);
        }
        break;
    case DEVIATION_LIE:
        tell_lie(world, deviation->lie);
        break;
    case DEVIATION_KINDS:
        break;
    }
}

void deviation_print(const struct deviation *deviation, char text[SIM_LINE_SIZE])
{
    static const char *const names[DEVIATION_KINDS] = {
        "message lost", "message late", "message stale", "message doubled",
        "work slow",    "work hangs",   "crash",         "timeout",
        "cut off",      "split",        "crash of all",  "lie"};
    static const char *const arrivals[ARRIVED_KINDS] = {"nothing", "all", "the journal's part",
                                                        "the log's part"};
    size_t used = (size_t)snprintf(text, SIM_LINE_SIZE, "%s", names[deviation->kind]);
    if (deviation->kind != DEVIATION_CRASH_ALL) {
        used += (size_t)snprintf(text + used, SIM_LINE_SIZE - used, ", node %u",
                                 (unsigned)deviation->node);
    }
    if (deviation->kind == DEVIATION_LIE) {
        used +=
            (size_t)snprintf(text + used, SIM_LINE_SIZE - used, ", %s", lie_name(deviation->lie));
    }
    if (deviation->kind == DEVIATION_CRASH || deviation->kind == DEVIATION_CRASH_ALL) {
        snprintf(text + used, SIM_LINE_SIZE - used, ", %s of its syncs arrived%s",
                 arrivals[deviation->arrived], deviation->long_down ? ", down for long" : "");
    }
}

/* ---- Life ---------------------------------------------------------------------------------------- */

bool world_done(const struct world *world)
{
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        struct pbft_summary summary;
        if (!replica_live(&world->cluster->replicas[i])) {
            return false;
        }
        pbft_summary(world->cluster->replicas[i].core, &summary);
        if (summary.height < EXHAUST_HEIGHTS) {
            return false;
        }
    }
    return true;
}

void world_begin(struct world *world, uint64_t rotation_blocks, int liar, uint32_t lies)
{
    struct cluster_options options = {.nodes = EXHAUST_NODES,
                                      .validators = EXHAUST_VALIDATORS,
                                      .executor = &executor_toy,
                                      .params = {.t0_ms = 2000,
                                                 .timeout_cap_ms = 16000,
                                                 .batch_delay_ms = 10,
                                                 .batch_count = 1,
                                                 .heartbeat_ms = 3600000,
                                                 .max_drift_ms = 100000,
                                                 .max_lag_ms = 3600000,
                                                 .request_timeout_ms = 3600000,
                                                 .rotation_blocks = rotation_blocks}};
    struct schedule schedule = {.delay_ms = held_delay, .copies = held_copies};
    *world = (struct world){.acted = -1, .liar = liar, .lies_left = lies};
    struct cluster *cluster = sim_new(sizeof *cluster);
    world->cluster = cluster;
    cluster_init(cluster, &options, &schedule);
    if (liar >= 0) {
        cluster->oracle.nodes[liar].traitor = true;
        cluster->oracle.nodes[liar].excused = true; /* its own lies may come back to it */
    }
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        CHECK(replica_start(&cluster->replicas[i]));
        place_new(world);
    }
    for (struct pbft_summary summary = {.voting = false}; !summary.voting || next_event(world);) {
        world_step(world);
        pbft_summary(cluster->replicas[EXHAUST_VALIDATORS - 1].core, &summary);
    }
    for (uint32_t i = EXHAUST_NODES; i-- > 0;) {
        hand_in(&cluster->replicas[i]);
        did(world, i);
    }
}

void world_end(struct world *world)
{
    cluster_free(world->cluster);
    free(world->cluster);
}
