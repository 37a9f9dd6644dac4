/* What a core asks for, done: sent, persisted, verified; the rest is in exec.c and frame.c. */
#include "proto/bytes.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/cluster.h"

/* ---- SEND ---------------------------------------------------------------------------------------- */

static void loop_back(struct replica *replica, struct envelope *envelope)
{
    struct pbft_input input = {.type = PBFT_MESSAGE};
    if (envelope_read(envelope, &replica->cluster->chain, &input.message.message) != ST_OK) {
        oracle_fail(replica->cluster, "node %u sends what it cannot read itself",
                    (unsigned)replica->index);
        return;
    }
    input.message.from = replica->cluster->keys.owners[replica->index].key;
    (void)replica_step(replica, &input);
}

static void print_send(struct replica *replica, const struct pbft_effect *effect)
{
    char text[SIM_LINE_SIZE];
    struct cluster *cluster = replica->cluster;
    if (cluster->line == NULL || !show_worth_a_line(effect->send.type)) {
        return;
    }
    const char *what = show_message(cluster, effect->send.type, effect->send.body, text);
    if (effect->send.to == PBFT_TO_PEER) {
        cluster_line(cluster, "%u -> %d    %s", (unsigned)replica->index,
                     keys_find(&cluster->keys, &effect->send.peer), what);
    } else {
        cluster_line(cluster, "%u -> all  %s", (unsigned)replica->index, what);
    }
}

/* Returns true when this node is one of them. */
static bool send_to_validators(struct replica *replica, struct envelope *envelope)
{
    struct cluster *cluster = replica->cluster;
    const struct validator_set *set = pbft_set(replica->core);
    bool member = false;
    for (uint32_t i = 0; i < set->count; i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        if (node == (int)(replica->clone ? replica->original : replica->index)) {
            member = true;
        } else if (node >= 0) {
            cluster_send(cluster, replica->index, (uint32_t)node, envelope);
        }
    }
    return member;
}

static void send_out(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    struct envelope *envelope = envelope_new(effect->send.type, effect->send.body);
    oracle_sent(replica, envelope);
    print_send(replica, effect);
    if (effect->send.to == PBFT_TO_PEER) {
        int to = keys_find(&cluster->keys, &effect->send.peer);
        if (to >= 0) {
            cluster_send(cluster, replica->index, (uint32_t)to, envelope);
        }
    } else if (effect->send.to == PBFT_TO_PEERS) {
        for (uint32_t i = 0; i < cluster->options.nodes; i++) {
            cluster_send(cluster, replica->index, i, envelope);
        }
    } else if (send_to_validators(replica, envelope)) {
        loop_back(replica, envelope);
    }
    envelope_let_go(envelope);
}

/* ---- Other effects ------------------------------------------------------------------------------- */

static void persist(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    const struct sim_block *store = NULL;
    if (effect->persist.store_height != 0) {
        const struct candidate *candidate = exec_find(replica, &effect->persist.store_hash);
        if (candidate == NULL || candidate->block->header.height != effect->persist.store_height) {
            oracle_fail(cluster, "node %u is to store a proposal that it has no result of",
                        (unsigned)replica->index);
            return;
        }
        store = candidate->block;
    }
    if (effect->persist.committed_height > replica->disk.synced) {
        oracle_fail(cluster, "node %u takes height %llu for durable, its disk has %zu",
                    (unsigned)replica->index, (unsigned long long)effect->persist.committed_height,
                    replica->disk.synced);
        return;
    }
    cluster->counters.persists++;
    cluster_line(cluster, "%u        syncs its record%s%s%s", (unsigned)replica->index,
                 store == NULL ? "" : " and the bodies of ", store == NULL ? "" : store->label,
                 effect->persist.new_view.size == 0 ? "" : " and the NEW-VIEW");
    disk_begin(&replica->disk, effect->persist.record, store, effect->persist.era,
               effect->persist.view, effect->persist.new_view);
    replica->blocked = true;
    struct event *event = cluster_event(cluster, EVENT_PERSISTED, replica->index);
    event->good = !replica->disk_full;
    cluster_post(cluster, event);
}

void replica_write_failed(struct replica *replica)
{
    struct cluster *cluster = replica->cluster;
    cluster->counters.writes_failed++;
    cluster_line(cluster, "%u        cannot write: its disk is full", (unsigned)replica->index);
    replica->blocked = true; /* nothing behind it happens */
    cluster->write_failed(cluster->write_failed_context, replica->index);
}

void replica_persisted(struct replica *replica)
{
    disk_finish(&replica->disk);
    replica->blocked = false;
    if (replica->cluster->recorded != NULL) {
        replica->cluster->recorded(replica->cluster->recorded_context, replica);
    }
    oracle_persisted(replica);
}

static void verify(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    struct event *event = cluster_event(cluster, EVENT_VERIFIED, replica->index);
    event->token = effect->verify.token;
    event->good = true;
    for (uint32_t i = 0; i < effect->verify.count && event->good; i++) {
        const struct pbft_check *check = &effect->verify.checks[i];
        event->good = keys_verify(&cluster->keys, &check->key, &check->hash, &check->signature);
    }
    if (!event->good) {
        cluster_line(cluster, "%u        finds a bad signature inside", (unsigned)replica->index);
    }
    cluster_post(cluster, event);
}

static void evidence(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    cluster->counters.evidence++;
    disk_keep_evidence(&replica->disk, effect);
    cluster_line(cluster, "%u        EVIDENCE against validator %u of era %llu: %s",
                 (unsigned)replica->index, (unsigned)effect->evidence.member,
                 (unsigned long long)effect->evidence.era, show_evidence(effect->evidence.kind));
    oracle_evidence(replica, effect);
}

static void alarm_raised(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    cluster->counters.alarms++;
    cluster_line(cluster, "%u        ALARM at height %llu: %s", (unsigned)replica->index,
                 (unsigned long long)effect->alarm.height, show_alarm(effect->alarm.reason));
    oracle_alarm(replica, effect);
}

void replica_run_effect(struct replica *replica, const struct pbft_effect *effect)
{
    cluster_note(replica->cluster, effect->type);
    switch (effect->type) {
    case PBFT_PERSIST:
        persist(replica, effect);
        break;
    case PBFT_SEND:
        send_out(replica, effect);
        break;
    case PBFT_EXECUTE:
        exec_start(replica, effect);
        break;
    case PBFT_CANCEL:
        exec_cancel(replica, effect->cancel.token);
        break;
    case PBFT_DISCARD:
        exec_discard(replica, &effect->discard.header_hash);
        break;
    case PBFT_FETCH_BODIES:
        frame_fetch_bodies(replica, effect);
        break;
    case PBFT_FETCH_BLOCKS:
        frame_fetch_blocks(replica, effect);
        break;
    case PBFT_VERIFY:
        verify(replica, effect);
        break;
    case PBFT_COMMIT:
        exec_commit(replica, effect);
        break;
    case PBFT_EVIDENCE:
        evidence(replica, effect);
        break;
    case PBFT_ALARM:
        alarm_raised(replica, effect);
        break;
    }
}
