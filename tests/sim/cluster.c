#include "tests/sim/cluster.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

/* ---- Notes --------------------------------------------------------------------------------------- */

void cluster_note(struct cluster *cluster, uint64_t value)
{
    uint64_t z = cluster->digest ^ value;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    cluster->digest = z ^ (z >> 29);
}

void cluster_line(struct cluster *cluster, const char *format, ...)
{
    char text[SIM_LINE_SIZE + 128];
    va_list list;
    if (cluster->line == NULL) {
        return;
    }
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cluster->line(cluster->line_context, text);
}

/* ---- The heap of events -------------------------------------------------------------------------- */

static bool before(const struct due *a, const struct due *b)
{
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void heap_push(struct cluster *cluster, struct event *event)
{
    struct due due = {.due_ms = event->due_ms, .order = event->order, .event = event};
    struct due *heap =
        sim_grow(cluster->heap, cluster->heap_count, &cluster->heap_capacity, sizeof *heap);
    cluster->heap = heap;
    size_t at = cluster->heap_count++;
    while (at > 0 && before(&due, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = due;
}

static struct event *heap_pop(struct cluster *cluster)
{
    struct due *heap = cluster->heap;
    struct event *top = heap[0].event;
    struct due last = heap[--cluster->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= cluster->heap_count) {
            break;
        }
        if (child + 1 < cluster->heap_count && before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!before(&heap[child], &last)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

/* ---- Events -------------------------------------------------------------------------------------- */

struct event *cluster_event(struct cluster *cluster, enum event_type type, uint32_t node)
{
    struct event *event = malloc(sizeof *event);
    CHECK(event != NULL);
    *event = (struct event){.type = type,
                            .node = node,
                            .order = cluster->next_order++,
                            .boot = cluster->replicas[node].boot};
    return event;
}

static void event_free(struct cluster *cluster, struct event *event)
{
    struct replica *replica = &cluster->replicas[event->node];
    if (replica->executing == event) {
        replica->executing = NULL;
    }
    if (event->candidate != NULL) {
        candidate_free(replica, event->candidate);
    }
    envelope_let_go(event->envelope);
    free(event);
}

static void put(struct cluster *cluster, struct event *event, uint64_t delay_ms)
{
    if (delay_ms == SIM_HELD) {
        event->due_ms = SIM_HELD;
        struct event **held = sim_grow(cluster->held, cluster->held_count, &cluster->held_capacity,
                                       sizeof(struct event *));
        cluster->held = held;
        cluster->held[cluster->held_count++] = event;
    } else {
        event->due_ms = cluster->now_ms + delay_ms;
        heap_push(cluster, event);
    }
}

static struct event *event_copy(struct cluster *cluster, const struct event *event)
{
    struct event *copy = sim_new(sizeof *copy);
    *copy = *event;
    copy->order = cluster->next_order++;
    envelope_hold(copy->envelope);
    return copy;
}

void cluster_post(struct cluster *cluster, struct event *event)
{
    struct schedule *schedule = &cluster->schedule;
    uint64_t delays[2] = {0, 0};
    if (event->type != EVENT_MESSAGE) {
        put(cluster, event, schedule->delay_ms(schedule->context, event->type, event->node));
        return;
    }
    uint32_t copies = schedule->copies(schedule->context, event, delays);
    if (copies == 0) {
        event_free(cluster, event);
        return;
    }
    for (uint32_t i = 1; i < copies; i++) {
        put(cluster, event_copy(cluster, event), delays[i]);
    }
    put(cluster, event, delays[0]);
}

void cluster_call(struct cluster *cluster, uint64_t due_ms, void (*call)(void *, uint64_t),
                  void *context, uint64_t argument)
{
    struct event *event = cluster_event(cluster, EVENT_CALL, 0);
    event->call = call;
    event->context = context;
    event->argument = argument;
    put(cluster, event, due_ms > cluster->now_ms ? due_ms - cluster->now_ms : 0);
}

static void take_held(struct cluster *cluster, const struct event *event)
{
    size_t kept = 0;
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (cluster->held[i] != event) {
            cluster->held[kept++] = cluster->held[i];
        }
    }
    CHECK(kept + 1 == cluster->held_count);
    cluster->held_count = kept;
}

static void happen(struct cluster *cluster, struct event *event)
{
    struct replica *replica = &cluster->replicas[event->node];
    struct pbft_input input;
    bool stale = event->boot != replica->boot || !replica_live(replica);
    cluster_note(cluster, cluster->now_ms * 64 + event->node * 8 + event->type);
    if (event->type == EVENT_CALL) {
        event->call(event->context, event->argument);
    } else if (event->type == EVENT_MESSAGE) {
        /* Bytes in flight do not mind that the receiver was started anew; a session would. */
        if (replica_live(replica) && !cluster->cut[event->from][event->node]) {
            cluster->counters.delivered++;
            frame_receive(replica, event->from, event->envelope);
        } else if (replica->puppet && cluster->heard != NULL &&
                   !cluster->cut[event->from][event->node]) {
            cluster->heard(cluster->heard_context, event);
        }
    } else if (!stale) {
        switch (event->type) {
        case EVENT_PERSISTED:
            if (event->good) {
                replica_persisted(replica);
            } else {
                replica_write_failed(replica);
            }
            break;
        case EVENT_EXECUTED:
            exec_answer(replica, event);
            break;
        case EVENT_VERIFIED:
            input = (struct pbft_input){.type = PBFT_VERIFIED};
            input.verified.token = event->token;
            input.verified.good = event->good;
            replica_step(replica, &input);
            break;
        case EVENT_CONNECTED:
            input = (struct pbft_input){.type = PBFT_CONNECTED};
            input.connected.peer = cluster->keys.owners[event->from].key;
            replica_step(replica, &input);
            break;
        case EVENT_MESSAGE:
        case EVENT_CALL:
            break;
        }
        replica_pump(replica);
    }
    event_free(cluster, event);
}

void cluster_release(struct cluster *cluster, struct event *event)
{
    take_held(cluster, event);
    happen(cluster, event);
}

void cluster_forget(struct cluster *cluster, struct event *event)
{
    take_held(cluster, event);
    event_free(cluster, event);
}

/* ---- Time ---------------------------------------------------------------------------------------- */

/* Of those whose deadline is next, the first. */
static uint32_t next_to_tick(const struct cluster *cluster)
{
    uint32_t next = 0;
    for (uint32_t i = 1; i < cluster->options.nodes; i++) {
        next = cluster->tick_ms[i] < cluster->tick_ms[next] ? i : next;
    }
    return next;
}

bool cluster_next(struct cluster *cluster, uint64_t until_ms)
{
    uint32_t next = next_to_tick(cluster);
    uint64_t tick_ms = cluster->tick_ms[next];
    uint64_t due_ms = cluster->heap_count == 0 ? UINT64_MAX : cluster->heap[0].due_ms;
    if (tick_ms > until_ms && due_ms > until_ms) {
        cluster->now_ms = until_ms > cluster->now_ms ? until_ms : cluster->now_ms;
        return false;
    }
    if (due_ms <= tick_ms) {
        cluster->now_ms = due_ms > cluster->now_ms ? due_ms : cluster->now_ms;
        happen(cluster, heap_pop(cluster));
        return true;
    }
    struct pbft_input input = {.type = PBFT_TICK};
    struct replica *ticking = &cluster->replicas[next];
    cluster->now_ms = tick_ms > cluster->now_ms ? tick_ms : cluster->now_ms;
    cluster_note(cluster, cluster->now_ms * 64 + ticking->index * 8 + 7);
    ticking->ticks = ticking->ticked_ms == cluster->now_ms ? ticking->ticks + 1 : 1;
    ticking->ticked_ms = cluster->now_ms;
    replica_step(ticking, &input);
    replica_pump(ticking);
    return true;
}

void cluster_run(struct cluster *cluster, uint64_t until_ms)
{
    while (!cluster->oracle.failed && cluster_next(cluster, until_ms)) {
        /* each is checked as it happens */
    }
}

/* ---- Links --------------------------------------------------------------------------------------- */

bool cluster_linked(const struct cluster *cluster, uint32_t from, uint32_t to)
{
    const struct replica *a = &cluster->replicas[from];
    const struct replica *b = &cluster->replicas[to];
    return from != to && a->up && b->up && !cluster->cut[from][to];
}

void cluster_send(struct cluster *cluster, uint32_t from, uint32_t to, struct envelope *envelope)
{
    if (!cluster_linked(cluster, from, to)) {
        return;
    }
    struct event *event = cluster_event(cluster, EVENT_MESSAGE, to);
    event->from = from;
    event->envelope = envelope_hold(envelope);
    cluster->counters.messages++;
    cluster->counters.bytes += envelope->size;
    cluster_post(cluster, event);
    /* What is for a key reaches every process that has it. */
    for (uint32_t i = to + 1; i < cluster->options.nodes; i++) {
        if (cluster->replicas[i].clone && cluster->replicas[i].original == to && i != from) {
            cluster_send(cluster, from, i, envelope);
        }
    }
}

void cluster_send_bytes(struct cluster *cluster, uint32_t from, uint32_t to, uint8_t type,
                        struct bytes body)
{
    struct envelope *envelope = envelope_new(type, body);
    cluster_send(cluster, from, to, envelope);
    envelope_let_go(envelope);
}

void cluster_connect(struct cluster *cluster, uint32_t node)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (!cluster_linked(cluster, node, i) || !cluster_linked(cluster, i, node)) {
            continue;
        }
        struct event *event = cluster_event(cluster, EVENT_CONNECTED, node);
        event->from = i;
        cluster_post(cluster, event);
        event = cluster_event(cluster, EVENT_CONNECTED, i);
        event->from = node;
        cluster_post(cluster, event);
    }
}

void cluster_submit(struct cluster *cluster, uint32_t node, const struct sim_tx *tx)
{
    struct replica *replica = &cluster->replicas[node];
    Xuelian__Transactions wire = XUELIAN__TRANSACTIONS__INIT;
    ProtobufCBinaryData field = field_borrow(tx->bytes.data, tx->bytes.size);
    uint8_t *bytes;
    if (!replica_live(replica)) {
        return;
    }
    pool_add(replica, tx);
    wire.txs = &field;
    wire.n_txs = 1;
    bytes = sim_new(canonical_size(&wire.base));
    size_t size = canonical_encode(bytes, &wire.base);
    struct envelope *envelope =
        envelope_new(XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS, bytes_of(bytes, size));
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        cluster_send(cluster, node, i, envelope);
    }
    envelope_let_go(envelope);
    free(bytes);
    replica_waiting(replica);
    replica_pump(replica);
}

/* ---- Life ---------------------------------------------------------------------------------------- */

void cluster_init(struct cluster *cluster, const struct cluster_options *options,
                  const struct schedule *schedule)
{
    *cluster = (struct cluster){.options = *options, .schedule = *schedule};
    CHECK(options->validators >= 1 && options->validators <= options->nodes &&
          options->nodes <= SIM_NODES_MAX);
    cluster->now_ms = 1000;
    keys_init(&cluster->keys, options->nodes, options->real_signatures);
    chain_init(&cluster->chain, options->executor, &cluster->keys, options->validators,
               &options->params);
    cluster->replicas = sim_new(options->nodes * sizeof *cluster->replicas);
    for (uint32_t i = 0; i < options->nodes; i++) {
        replica_init(&cluster->replicas[i], cluster, i);
    }
    oracle_init(cluster);
}

void cluster_free(struct cluster *cluster)
{
    while (cluster->heap_count > 0) {
        event_free(cluster, cluster->heap[--cluster->heap_count].event);
    }
    while (cluster->held_count > 0) {
        event_free(cluster, cluster->held[--cluster->held_count]);
    }
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        replica_free(&cluster->replicas[i]);
    }
    oracle_free(cluster);
    chain_free(&cluster->chain);
    keys_free(&cluster->keys);
    free(cluster->replicas);
    free(cluster->heap);
    free(cluster->held);
}
