#include "tests/sim/damage.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "tests/sim/weather.h"

static uint32_t choose(struct weather *weather, uint32_t bound)
{
    return tape_below(weather->tape, CONCERN_DAMAGE, bound);
}

/* It may contradict itself from here on, and evidence against it is right. */
static void excuse(struct weather *weather, uint32_t node)
{
    struct oracle_node *seen = &weather->cluster->oracle.nodes[node];
    seen->excused = true;
    seen->durable_height = 0;
    weather->damages.count++;
}

static void lose_blocks(struct weather *weather, uint32_t node)
{
    uint32_t count = 1 + choose(weather, 4);
    weather_crash(weather, node);
    disk_lose_blocks(&weather->cluster->replicas[node].disk, count);
    cluster_line(weather->cluster, "%u        has lost its %u newest blocks", (unsigned)node,
                 (unsigned)count);
    excuse(weather, node);
}

/* The operator says what happened, and governance admits the new incarnation. */
static void lose_journal(struct weather *weather, uint32_t node)
{
    struct replica *replica = &weather->cluster->replicas[node];
    char word[32];
    weather_crash(weather, node);
    owned_free(&replica->disk.record);
    weather->cluster->counters.journals_lost++;
    replica->incarnation = ++weather->damages.incarnation;
    cluster_line(weather->cluster, "%u        has lost its journal; incarnation %u", (unsigned)node,
                 (unsigned)replica->incarnation);
    excuse(weather, node);
    if (weather->swarm->options.executor == &executor_toy) {
        int size = snprintf(word, sizeof word, "set:+%u*%u", (unsigned)node,
                            (unsigned)replica->incarnation);
        weather_submit_bytes(weather, bytes_of(word, (size_t)size));
    } else {
        govern_return(weather, node);
    }
}

static void take_backup(struct weather *weather, uint32_t node)
{
    struct damages *damages = &weather->damages;
    struct replica *replica = &weather->cluster->replicas[node];
    if (replica->disk.pending.active) {
        return;
    }
    if (damages->backed_up[node]) {
        disk_free(&damages->backups[node]);
    }
    disk_copy(&damages->backups[node], &replica->disk);
    damages->backed_up[node] = true;
}

static void put_backup(struct weather *weather, uint32_t node)
{
    struct damages *damages = &weather->damages;
    struct replica *replica = &weather->cluster->replicas[node];
    /* The journal of another incarnation is refused at the start, which is not what is tested here. */
    if (!damages->backed_up[node] || damages->backups[node].incarnation != replica->incarnation) {
        return;
    }
    weather_crash(weather, node);
    disk_free(&replica->disk);
    disk_copy(&replica->disk, &damages->backups[node]);
    cluster_line(weather->cluster, "%u        has an old backup put back", (unsigned)node);
    excuse(weather, node);
}

void damage_end_clone(struct weather *weather, uint32_t node)
{
    struct replica *replica = &weather->cluster->replicas[node];
    struct disk_arrived nothing = {.record = false};
    if (replica->clone && replica->up) {
        cluster_line(weather->cluster, "%u        is stopped, the clone", (unsigned)node);
        replica_crash(replica, &nothing);
    }
}

/* Somebody starts a second process with the same key, on a copy of the disk. Or stops the one there is. */
static void clone(struct weather *weather, uint32_t node)
{
    struct cluster *cluster = weather->cluster;
    uint32_t place = cluster->options.nodes - 1;
    struct replica *twin = &cluster->replicas[place];
    const struct replica *original = &cluster->replicas[node];
    if (twin->up) {
        damage_end_clone(weather, place);
        return;
    }
    if (original->disk.pending.active) {
        return;
    }
    disk_free(&twin->disk);
    disk_copy(&twin->disk, &original->disk);
    twin->original = node;
    twin->incarnation = original->incarnation;
    keys_lend(&cluster->keys, node, place);
    cluster_line(cluster, "%u        is started, a clone of %u", (unsigned)place, (unsigned)node);
    excuse(weather, node);
    excuse(weather, place);
    (void)replica_start(twin);
    replica_pump(twin);
}

/* ---- Rot ------------------------------------------------------------------------------------------- */

/* Nothing that it signed is forgotten: it is not excused from speaking with one voice. */
static void rot(struct weather *weather, uint32_t node)
{
    struct cluster *cluster = weather->cluster;
    struct replica *replica = &cluster->replicas[node];
    struct disk *disk = &replica->disk;
    switch (choose(weather, 4)) {
    case 0:
        cluster->counters.journals_healed++; /* from the other copy, when it is read */
        cluster_line(cluster, "%u        one copy of its journal rots", (unsigned)node);
        break;
    case 1:
        lose_journal(weather, node); /* both copies */
        break;
    case 2:
        if (!disk->pending.active &&
            disk_lose_stored(disk, choose(weather, (uint32_t)(disk->proposal_count +
                                                              disk->new_view_count + 1)))) {
            cluster->counters.stored_unread++;
            cluster_line(cluster, "%u        a stored proposal or NEW-VIEW rots", (unsigned)node);
        }
        break;
    default:
        if (disk->synced > 0 && disk->rotten == 0) {
            /* Of the newest ones, which others still ask for. */
            disk->rotten =
                disk->synced - choose(weather, disk->synced < 6 ? (uint32_t)disk->synced : 6);
            cluster_line(cluster, "%u        its block %zu rots", (unsigned)node, disk->rotten);
        }
        break;
    }
}

void damage_before_start(struct weather *weather, uint32_t node)
{
    struct cluster *cluster = weather->cluster;
    struct disk *disk = &cluster->replicas[node].disk;
    /* What the state has already is not read; but the tip is, and all is when the state is built anew. */
    if (disk->rotten == 0 || (disk->rotten != disk->written && choose(weather, 2) == 0)) {
        return;
    }
    cluster->counters.logs_refused++;
    cluster_line(cluster, "%u        refuses to start: block %zu is damaged; its log is put aside",
                 (unsigned)node, disk->rotten);
    disk_set_log_aside(disk);
    cluster->oracle.nodes[node].durable_height = 0;
}

static void damage(void *context, uint64_t argument)
{
    struct weather *weather = context;
    uint32_t n = weather->cluster->options.validators;
    uint32_t node = choose(weather, n);
    (void)argument;
    if (weather->calm) {
        return;
    }
    while ((weather->damages.nodes >> node & 1) == 0) {
        node = (node + 1) % n;
    }
    if (replica_live(&weather->cluster->replicas[node])) {
        switch (choose(weather, 10)) {
        case 0:
            break;
        case 1:
        case 2:
            take_backup(weather, node);
            break;
        case 3:
            lose_blocks(weather, node);
            break;
        case 4:
            lose_journal(weather, node);
            break;
        case 5:
            put_backup(weather, node);
            break;
        case 6:
        case 7:
            rot(weather, node);
            break;
        default:
            clone(weather, node);
            break;
        }
    }
    uint32_t every_ms = weather->swarm->damage_every_ms + 1;
    cluster_call(weather->cluster,
                 weather->cluster->now_ms + every_ms / 2 + choose(weather, every_ms + 1), damage,
                 weather, 0);
}

void damage_begin(struct weather *weather)
{
    struct cluster *cluster = weather->cluster;
    struct damages *damages = &weather->damages;
    uint32_t count = weather->swarm->damaged;
    damages->incarnation = cluster->chain.incarnations;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t node = choose(weather, cluster->options.validators);
        while (((cluster->chain.traitors | damages->nodes) >> node & 1) != 0) {
            node = (node + 1) % cluster->options.validators;
        }
        damages->nodes |= UINT32_C(1) << node;
    }
    /* They count as faulty: no set has more than f of them and the traitors. */
    cluster->chain.traitors |= damages->nodes;
    if (damages->nodes != 0) {
        cluster->replicas[cluster->options.nodes - 1].clone = true;
        cluster_call(cluster, cluster->now_ms + 2000, damage, weather, 0);
    }
}

void damage_free(struct damages *damages)
{
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        disk_free(&damages->backups[i]);
    }
}
