#include "tests/sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"
#include "tests/sim/cluster.h"

/* Older ones can hardly be said again; the search and the memory stay small. */
enum { SPOKEN_KEPT = 512 };

static const char *const spoken_names[SPOKEN_KINDS] = {"PRE-PREPARE", "PREPARE", "COMMIT",
                                                       "VIEW-CHANGE", "NEW-VIEW"};

void oracle_fail(struct cluster *cluster, const char *format, ...)
{
    struct oracle *oracle = &cluster->oracle;
    va_list list;
    if (oracle->failed) {
        return;
    }
    oracle->failed = true;
    va_start(list, format);
    vsnprintf(oracle->text, sizeof oracle->text, format, list);
    va_end(list);
    cluster_line(cluster, "VIOLATION  %s", oracle->text);
}

void oracle_init(struct cluster *cluster)
{
    struct oracle *oracle = &cluster->oracle;
    oracle->capacity = 1024;
    oracle->committed = sim_new(oracle->capacity * sizeof *oracle->committed);
    oracle->committed[0] = cluster->chain.genesis;
    oracle->nodes = sim_new(cluster->options.nodes * sizeof *oracle->nodes);
    oracle->newest_era = 1;
}

void oracle_free(struct cluster *cluster)
{
    struct oracle *oracle = &cluster->oracle;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        for (unsigned k = 0; k < SPOKEN_KINDS; k++) {
            free(oracle->nodes[i].spoken[k].list);
        }
    }
    free(oracle->committed);
    free(oracle->tx_height);
    free(oracle->nodes);
}

/* ---- One voice ----------------------------------------------------------------------------------- */

/* Later in the chain, or at the same height in a higher view. */
static bool beyond(const struct spoken *a, const struct spoken *b)
{
    if (a->era != b->era || a->height != b->height) {
        return a->era > b->era || (a->era == b->era && a->height > b->height);
    }
    return a->view > b->view;
}

static void say(struct replica *replica, enum spoken_kind kind, const struct spoken *said)
{
    struct cluster *cluster = replica->cluster;
    struct oracle_node *node = &cluster->oracle.nodes[replica->index];
    struct spoken_list *spoken = &node->spoken[kind];
    bool first = beyond(said, &spoken->furthest); /* then nothing in the list is of its place */
    for (size_t i = first ? 0 : spoken->count; i-- > 0;) {
        const struct spoken *before = &spoken->list[i];
        if (before->era == said->era && before->view == said->view &&
            before->height == said->height) {
            if (!hash32_equal(&before->hash, &said->hash)) {
                char one[SIM_LABEL_SIZE], other[SIM_LABEL_SIZE];
                chain_name(&cluster->chain, &before->hash, one);
                chain_name(&cluster->chain, &said->hash, other);
                oracle_fail(cluster,
                            "two voices: node %u sends two different %s of era %llu view %llu "
                            "height %llu: %s and %s",
                            (unsigned)replica->index, spoken_names[kind],
                            (unsigned long long)said->era, (unsigned long long)said->view,
                            (unsigned long long)said->height, one, other);
            }
            return;
        }
    }
    if ((kind == SPOKEN_PREPARE || kind == SPOKEN_COMMIT) && said->era == node->left_era &&
        said->view < node->left_view) {
        oracle_fail(cluster, "node %u sends a new %s of view %llu after its VIEW-CHANGE to %llu",
                    (unsigned)replica->index, spoken_names[kind], (unsigned long long)said->view,
                    (unsigned long long)node->left_view);
        return;
    }
    if (spoken->count == SPOKEN_KEPT) {
        memmove(spoken->list, spoken->list + SPOKEN_KEPT / 2,
                SPOKEN_KEPT / 2 * sizeof *spoken->list);
        spoken->count = SPOKEN_KEPT / 2;
    }
    spoken->list = sim_grow(spoken->list, spoken->count, &spoken->capacity, sizeof *spoken->list);
    spoken->list[spoken->count++] = *said;
    spoken->furthest = first ? *said : spoken->furthest;
}

void oracle_sent(struct replica *replica, struct envelope *envelope)
{
    struct cluster *cluster = replica->cluster;
    struct oracle_node *node = &cluster->oracle.nodes[replica->index];
    const struct pbft_message *message;
    struct pubkey33 key;
    uint8_t type = envelope->type;
    enum spoken_kind kind = SPOKEN_KINDS;
    if (envelope->size > frame_body_size_max(type)) {
        oracle_fail(cluster, "node %u sends a %s of %zu bytes, which no frame holds",
                    (unsigned)replica->index, show_peer_type(type), envelope->size);
        return;
    }
    if (node->traitor || node->excused || !pbft_takes(type) ||
        envelope_read(envelope, &cluster->chain, &message) != ST_OK || !message->has_signer ||
        !pbft_signer_key(replica->core, message->era, message->sender, &key) ||
        pubkey33_compare(&key, &cluster->keys.owners[replica->index].key) != 0) {
        return; /* another's message passed on */
    }
    struct spoken said = {.era = message->era,
                          .view = message->view,
                          .height = message->height,
                          .hash = message->hash};
    if (type == XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE) {
        kind = SPOKEN_PRE_PREPARE;
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE) {
        kind = SPOKEN_VIEW_CHANGE;
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW) {
        kind = SPOKEN_NEW_VIEW;
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        kind = message->vote.phase == VOTE_COMMIT ? SPOKEN_COMMIT : SPOKEN_PREPARE;
        said.hash = message->vote.header_hash;
    }
    if (kind == SPOKEN_KINDS) {
        return;
    }
    say(replica, kind, &said);
    if (kind == SPOKEN_VIEW_CHANGE &&
        (said.era > node->left_era ||
         (said.era == node->left_era && said.view > node->left_view))) {
        node->left_era = said.era;
        node->left_view = said.view;
    }
}

/* ---- Agreement, validity, certificates ------------------------------------------------------------- */

bool oracle_tx_committed(const struct cluster *cluster, const struct sim_tx *tx)
{
    const struct oracle *oracle = &cluster->oracle;
    return tx->index < oracle->tx_capacity && oracle->tx_height[tx->index] != 0;
}

static void check_txs(struct replica *replica, const struct sim_block *block)
{
    struct cluster *cluster = replica->cluster;
    struct oracle *oracle = &cluster->oracle;
    if (oracle->tx_capacity < cluster->chain.tx_count) {
        size_t capacity = 2 * cluster->chain.tx_count + 64;
        uint32_t *grown = sim_new(capacity * sizeof *grown);
        if (oracle->tx_capacity > 0) {
            memcpy(grown, oracle->tx_height, oracle->tx_capacity * sizeof *grown);
        }
        free(oracle->tx_height);
        oracle->tx_height = grown;
        oracle->tx_capacity = capacity;
    }
    for (uint32_t i = 0; i < block->tx_count; i++) {
        uint32_t *height = &oracle->tx_height[block->txs[i]->index];
        if (*height != 0) {
            oracle_fail(cluster, "validity: %s is in block %u and again in %s",
                        block->txs[i]->label, (unsigned)*height, block->label);
            return;
        }
        *height = (uint32_t)block->header.height;
    }
}

static void first_commit(struct replica *replica, const struct sim_block *block)
{
    struct cluster *cluster = replica->cluster;
    struct oracle *oracle = &cluster->oracle;
    const struct sim_block *parent = oracle->committed[oracle->height];
    if (!hash32_equal(&block->header.parent_hash, &parent->hash) ||
        block->header.time_ms <= parent->header.time_ms || block->set != parent->next_set) {
        oracle_fail(cluster, "validity: %s does not follow from %s", block->label, parent->label);
        return;
    }
    check_txs(replica, block);
    oracle->height++;
    if (oracle->height == oracle->capacity) {
        const struct sim_block **grown = sim_new(2 * oracle->capacity * sizeof *grown);
        memcpy(grown, oracle->committed, oracle->capacity * sizeof *grown);
        free(oracle->committed);
        oracle->committed = grown;
        oracle->capacity *= 2;
    }
    oracle->committed[oracle->height] = block;
    cluster->counters.commits++;
    cluster->counters.non_empty += block->tx_count > 0;
    cluster->counters.eras += block->next_set != block->set;
}

void oracle_committed(struct replica *replica, const struct sim_block *block,
                      struct bytes certificate_bytes)
{
    struct cluster *cluster = replica->cluster;
    struct oracle *oracle = &cluster->oracle;
    uint64_t height = block->header.height;
    struct certificate certificate;
    if (height != replica->disk.written + 1) {
        oracle_fail(cluster, "node %u commits height %llu on height %zu", (unsigned)replica->index,
                    (unsigned long long)height, replica->disk.written);
        return;
    }
    struct oracle_node *node = &oracle->nodes[replica->index];
    if (node->forked) {
        /* What it adopts or commits on that is a fork already. */
    } else if (height > oracle->height) {
        first_commit(replica, block);
    } else if (oracle->committed[height] != block) {
        oracle->forks++;
        node->forked = true;
        cluster_line(cluster, "FORK  node %u commits %s, another committed %s",
                     (unsigned)replica->index, block->label, oracle->committed[height]->label);
        if (!oracle->forks_expected) {
            oracle_fail(cluster, "agreement: node %u commits %s, another committed %s",
                        (unsigned)replica->index, block->label, oracle->committed[height]->label);
            return;
        }
    }
    if (block->recovery) {
        if (certificate_bytes.size > 0) {
            oracle_fail(cluster, "certificates: %s has one at node %u, and is a recovery's",
                        block->label, (unsigned)replica->index);
        }
        return;
    }
    if (certificate_decode(&certificate, certificate_bytes, block->set->count) != ST_OK ||
        certificate.phase != VOTE_COMMIT || certificate.height != height ||
        !hash32_equal(&certificate.header_hash, &block->hash) ||
        !keys_certificate_good(&cluster->keys, &certificate, &cluster->chain.chain_id,
                               block->set)) {
        oracle_fail(cluster, "certificates: that of %s at node %u does not verify", block->label,
                    (unsigned)replica->index);
    }
}

/* ---- Durability ---------------------------------------------------------------------------------- */

void oracle_persisted(struct replica *replica)
{
    replica->cluster->oracle.nodes[replica->index].durable_height = replica->disk.synced;
}

void oracle_started(struct replica *replica)
{
    struct oracle_node *node = &replica->cluster->oracle.nodes[replica->index];
    struct pbft_summary summary;
    pbft_summary(replica->core, &summary);
    if (summary.height < node->durable_height) {
        oracle_fail(replica->cluster, "durability: node %u had height %llu, starts at %llu",
                    (unsigned)replica->index, (unsigned long long)node->durable_height,
                    (unsigned long long)summary.height);
    }
    node->height = summary.height;
}

void oracle_stepped(struct replica *replica)
{
    struct cluster *cluster = replica->cluster;
    struct oracle *oracle = &cluster->oracle;
    struct oracle_node *node = &oracle->nodes[replica->index];
    struct pbft_position at = pbft_position(replica->core);
    struct pbft_summary summary;
    if (at.height == node->height && at.era == replica->last_era && at.view == replica->last_view) {
        return; /* it stands where it stood */
    }
    pbft_summary(replica->core, &summary);
    if (summary.height < node->height) {
        oracle_fail(cluster, "node %u goes back from height %llu to %llu", (unsigned)replica->index,
                    (unsigned long long)node->height, (unsigned long long)summary.height);
    }
    if (summary.quorum != quorum_size(summary.validators)) {
        oracle_fail(cluster, "node %u has a wrong quorum", (unsigned)replica->index);
    }
    node->height = summary.height;
    if (summary.era > oracle->newest_era) {
        oracle->newest_era = summary.era;
        oracle->newest_view = 0;
    }
    if (summary.era == oracle->newest_era && summary.view > oracle->newest_view) {
        oracle->newest_view = summary.view;
        cluster->counters.view_changes++;
    }
    if ((summary.era != replica->last_era || summary.view != replica->last_view) &&
        cluster->line != NULL) {
        cluster_line(cluster, "%u        enters era %llu view %llu; primary is validator %u",
                     (unsigned)replica->index, (unsigned long long)summary.era,
                     (unsigned long long)summary.view, (unsigned)summary.primary);
    }
    replica->last_era = summary.era;
    replica->last_view = summary.view;
}

/* ---- Justice ------------------------------------------------------------------------------------- */

void oracle_evidence(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    for (size_t i = 0; i < cluster->chain.set_count; i++) {
        const struct validator_set *set = cluster->chain.sets[i];
        if (set->era != effect->evidence.era || effect->evidence.member >= set->count) {
            continue;
        }
        int node = keys_find(&cluster->keys, &set->validators[effect->evidence.member].key);
        if (node >= 0 &&
            (cluster->oracle.nodes[node].traitor || cluster->oracle.nodes[node].excused)) {
            return;
        }
    }
    oracle_fail(cluster, "justice: node %u has evidence against the honest validator %u: %s",
                (unsigned)replica->index, (unsigned)effect->evidence.member,
                show_evidence(effect->evidence.kind));
}

/* More liars than the set can bear: then alarms are what is asked of the honest. */
static bool too_many_traitors(const struct cluster *cluster)
{
    const struct validator_set *set = cluster->oracle.committed[cluster->oracle.height]->next_set;
    uint32_t traitors = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        traitors += node >= 0 && cluster->oracle.nodes[node].traitor;
    }
    return traitors > quorum_faulty(set->count);
}

void oracle_alarm(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    if (!cluster->oracle.nodes[replica->index].excused && replica->twist == 0 &&
        !too_many_traitors(cluster)) {
        oracle_fail(cluster, "node %u raises an alarm: %s", (unsigned)replica->index,
                    show_alarm(effect->alarm.reason));
    }
}
