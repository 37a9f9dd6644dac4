/* One node: a real core, driven as consensus/pbft.h prescribes. */
#include <stdio.h>

#include "proto/bytes.h"
#include "tests/sim/cluster.h"

bool replica_live(const struct replica *replica)
{
    return replica->up && replica->core != NULL;
}

uint64_t replica_clock_ms(const struct replica *replica)
{
    const struct cluster *cluster = replica->cluster;
    int64_t clock = (int64_t)(cluster->chain.genesis->header.time_ms + cluster->now_ms) +
                    replica->clock_offset_ms;
    return clock < 0 ? 0 : (uint64_t)clock;
}

/* ---- The queue ----------------------------------------------------------------------------------- */

static void enqueue(struct replica *replica, const struct pbft_effect *effect)
{
    struct queued *queued = malloc(sizeof *queued + pbft_effect_borrowed_size(effect));
    CHECK(queued != NULL);
    queued->next = NULL;
    pbft_effect_copy(&queued->effect, queued->data, effect);
    *replica->tail = queued;
    replica->tail = &queued->next;
}

/* A deadline in the past means: at once. A core that asks for that again and again is busy for nothing. */
static void schedule_tick(struct replica *replica)
{
    enum { TICKS_MAX = 100 };
    uint64_t now_ms = replica->cluster->now_ms;
    uint64_t deadline_ms = pbft_deadline_ms(replica->core);
    replica->cluster->tick_ms[replica->index] = deadline_ms < now_ms ? now_ms : deadline_ms;
    if (replica->ticks > TICKS_MAX) {
        oracle_fail(replica->cluster, "busy: node %u wants more than %d ticks in one moment",
                    (unsigned)replica->index, TICKS_MAX);
    }
}

enum status replica_step(struct replica *replica, struct pbft_input *input)
{
    struct pbft_effects effects;
    struct cluster *cluster = replica->cluster;
    input->now_ms = cluster->now_ms;
    input->clock_ms = replica_clock_ms(replica);
    enum status verdict = pbft_step(replica->core, input, &effects);
    cluster->counters.steps++;
    cluster_note(cluster, (uint64_t)verdict * 256 + effects.count);
    for (uint32_t i = 0; i < effects.count; i++) {
        enqueue(replica, &effects.list[i]);
    }
    schedule_tick(replica);
    oracle_stepped(replica);
    if (cluster->stepped != NULL) {
        cluster->stepped(cluster->stepped_context, replica);
    }
    return verdict;
}

/* ---- Proposing and the pool ---------------------------------------------------------------------- */

static void propose(struct replica *replica)
{
    struct pbft_input input = {.type = PBFT_BATCH};
    uint64_t most = replica->cluster->options.params.batch_count;
    uint32_t count = 0;
    for (size_t i = 0; i < replica->pool_count && count < most; i++) {
        if (replica->pool[i].proposable) {
            replica->batch[count++] = replica->pool[i].tx->entry;
        }
    }
    input.batch.entries = bytes_of(replica->batch, 32u * (size_t)count);
    (void)replica_step(replica, &input);
}

void replica_waiting(struct replica *replica)
{
    struct pbft_input input = {.type = PBFT_WAITING};
    for (size_t i = 0; i < replica->pool_count; i++) {
        const struct pooled *pooled = &replica->pool[i];
        if (!pooled->proposable) {
            continue;
        }
        if (input.waiting.count++ == 0 || pooled->since_ms < input.waiting.oldest_ms) {
            input.waiting.oldest_ms = pooled->since_ms;
        }
    }
    input.waiting.oldest_single_ms = input.waiting.oldest_ms;
    input.waiting.full = input.waiting.count >= replica->cluster->options.params.batch_count;
    (void)replica_step(replica, &input);
}

/* Effects that beget effects without end, in one moment. */
static void count_work(struct replica *replica)
{
    enum { WORK_MAX = 20000 };
    uint64_t now_ms = replica->cluster->now_ms;
    replica->worked = replica->worked_ms == now_ms ? replica->worked + 1 : 1;
    replica->worked_ms = now_ms;
    if (replica->worked > WORK_MAX) {
        oracle_fail(replica->cluster, "busy: node %u does more than %d things in one moment",
                    (unsigned)replica->index, WORK_MAX);
    }
}

void replica_pump(struct replica *replica)
{
    if (replica->pumping || !replica_live(replica)) {
        return;
    }
    replica->pumping = true;
    while (!replica->cluster->oracle.failed) {
        while (!replica->blocked && replica->head != NULL && !replica->cluster->oracle.failed) {
            struct queued *queued = replica->head;
            replica->head = queued->next;
            if (replica->head == NULL) {
                replica->tail = &replica->head;
            }
            replica_run_effect(replica, &queued->effect);
            count_work(replica);
            free(queued);
        }
        if (replica->blocked || !pbft_wants_proposal(replica->core, replica->cluster->now_ms)) {
            break;
        }
        propose(replica);
        if (replica->head == NULL) {
            break; /* it took the batch and has nothing to do yet */
        }
    }
    replica->pumping = false;
}

/* ---- Life ---------------------------------------------------------------------------------------- */

void replica_init(struct replica *replica, struct cluster *cluster, uint32_t index)
{
    replica->cluster = cluster;
    replica->index = index;
    replica->incarnation = cluster->chain.incarnations;
    replica->tail = &replica->head;
    replica->batch = sim_new((size_t)LIMIT_PROPOSAL_ENTRIES_MAX * sizeof *replica->batch);
    replica->cluster->tick_ms[replica->index] = PBFT_NEVER_MS;
}

static void forget_memory(struct replica *replica)
{
    while (replica->head != NULL) {
        struct queued *next = replica->head->next;
        free(replica->head);
        replica->head = next;
    }
    replica->tail = &replica->head;
    exec_drop_candidates(replica);
    frame_drop_fetched(replica, UINT64_MAX);
    for (uint32_t i = 0; i < SIM_FETCHED_PROPOSALS; i++) {
        fetched_proposal_clear(&replica->proposals[i]);
    }
    free(replica->memory);
    replica->memory = NULL;
    replica->core = NULL;
    replica->blocked = false;
    replica->pool_count = 0;
    replica->executing = NULL;
    replica->cluster->tick_ms[replica->index] = PBFT_NEVER_MS;
}

void replica_free(struct replica *replica)
{
    forget_memory(replica);
    disk_free(&replica->disk);
    if (replica->state != NULL) {
        replica->cluster->chain.executor->close(replica->state);
    }
    free(replica->pool);
    free(replica->batch);
}

/* Answers of executions that die with the node. */
static void forget_execution(struct replica *replica, struct event *event)
{
    if (event->type == EVENT_EXECUTED && event->node == replica->index &&
        event->candidate != NULL) {
        candidate_free(replica, event->candidate);
        event->candidate = NULL;
    }
}

void replica_crash(struct replica *replica, const struct disk_arrived *arrived)
{
    struct cluster *cluster = replica->cluster;
    CHECK(replica->up && !replica->pumping);
    for (size_t i = 0; i < cluster->heap_count; i++) {
        forget_execution(replica, cluster->heap[i].event);
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        forget_execution(replica, cluster->held[i]);
    }
    forget_memory(replica);
    uint64_t records = replica->disk.records;
    disk_crash(&replica->disk, arrived);
    if (cluster->recorded != NULL && replica->disk.records > records) {
        cluster->recorded(cluster->recorded_context, replica);
    }
    replica->up = false;
    replica->boot++;
    cluster->counters.crashes++;
}

/* What the core starts from: the newest block on disk and the rules of the next height. */
static void start_from_disk(struct replica *replica, struct pbft_start *start)
{
    struct cluster *cluster = replica->cluster;
    const struct disk *disk = &replica->disk;
    const struct sim_block *tip = cluster->chain.genesis;
    *start = (struct pbft_start){.now_ms = cluster->now_ms};
    if (disk->written > 0) {
        tip = disk->blocks[disk->written - 1].block;
        start->certificate = owned_bytes(&disk->blocks[disk->written - 1].certificate);
    }
    start->header = owned_bytes(&tip->header_bytes);
    start->set = tip->next_set;
    start->params = tip->params;
    uint64_t base = tip->next_set->era - 1;
    const struct sim_block *before = base == 0 ? NULL : disk->blocks[base - 1].block;
    start->previous_set = before == NULL ? NULL : before->set;
    start->era_base_hash = before == NULL ? cluster->chain.genesis->hash : before->hash;
    start->era_recovered = before != NULL && before->recovery;
    start->record = owned_bytes(&disk->record);
    if (disk->record.size > 0) {
        start->new_view = disk_new_view(disk, disk->record_era, disk->record_view);
    }
}

bool replica_start(struct replica *replica)
{
    struct cluster *cluster = replica->cluster;
    struct pbft_start start;
    struct key_owner *owner = &cluster->keys.owners[replica->index];
    CHECK(!replica->up && replica->core == NULL);
    replica->up = true;
    replica->disk.incarnation = replica->incarnation;
    exec_restore(replica);
    start_from_disk(replica, &start);
    struct pbft_config config = {
        .chain_id = cluster->chain.chain_id,
        .key = owner->key,
        .incarnation = replica->incarnation,
        .validators_max = cluster->options.nodes,
        .follow = replica->pure_observer,
        .era_min = replica->accepted == NULL ? 0 : replica->accepted->next_set->era,
        .sign = keys_sign,
        .sign_context = owner};
    be32_put(config.nonce.bytes, replica->index);
    be32_put(config.nonce.bytes + 4, replica->boot);
    replica->memory = aligned_alloc(64, (pbft_footprint(&config) + 63) / 64 * 64);
    CHECK(replica->memory != NULL);
    enum status status = pbft_init(&replica->core, replica->memory, &config, &start);
    if (status != ST_OK) {
        oracle_fail(cluster, "node %u cannot start from its own disk: %s", (unsigned)replica->index,
                    status_name(status));
        return false;
    }
    cluster->tick_ms[replica->index] = cluster->now_ms;
    replica->ticks = 0;
    oracle_started(replica);
    cluster_connect(cluster, replica->index);
    replica_recover(replica);
    return true;
}
