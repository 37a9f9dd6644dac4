/* What makes two states of a world the same. The cores' memory is read as it is (consensus/core.h) but for pointers and
 * what one step leaves behind for the next to overwrite: a field that is new counts without a change here. */
#include "consensus/core.h"
#include "tests/sim/exhaust.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    uint64_t z = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return (z ^ (z >> 29)) * 0xbf58476d1ce4e5b9u;
}

static uint64_t mix_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t word;
    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    word = size;
    if (size > 0) {
        memcpy((uint8_t *)&word + 1, bytes, size);
    }
    return mix(hash, word);
}

static uint64_t mix_hash(uint64_t hash, const struct hash32 *one)
{
    return mix_bytes(hash, one->bytes, sizeof one->bytes);
}

static uint64_t mix_owned(uint64_t hash, const struct owned *owned)
{
    return mix_bytes(mix(hash, owned->size), owned->data, owned->size);
}

/* ---- Core ---------------------------------------------------------------------------------------- */

/* Of a blob in a copy: its bytes count, its address does not. */
static uint64_t take_blob(uint64_t hash, struct blob *blob)
{
    hash = mix_bytes(mix(hash, blob->size), blob->data, blob->size);
    blob->data = NULL;
    return hash;
}

static uint64_t take_own(uint64_t hash, struct own *own)
{
    for (size_t i = 0; i < 2; i++) {
        hash = take_blob(hash, &own->heights[i].header);
        hash = take_blob(hash, &own->heights[i].certificate);
    }
    hash = take_blob(hash, &own->view_change);
    hash = take_blob(hash, &own->pre_prepare);
    return take_blob(hash, &own->new_view);
}

static uint64_t take_tables(uint64_t hash, struct pbft *core)
{
    uint32_t n = core->config.validators_max;
    for (size_t h = 0; h < HEIGHTS; h++) {
        for (uint32_t i = 0; i < n; i++) {
            for (size_t phase = 0; phase < PHASES; phase++) {
                const struct vote *vote = &core->votes[h][i][phase];
                if (vote->present) {
                    hash = mix(hash, (h << 16 | i << 4 | phase) + 1);
                    hash = mix_hash(mix(hash, vote->view), &vote->hash);
                }
            }
        }
        core->votes[h] = NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct member_change change = core->changes[i];
        if (change.state != JUDGED_NONE) {
            hash = take_blob(mix(hash, i), &change.message);
            hash = mix_bytes(hash, &change, sizeof change);
        }
    }
    core->changes = NULL;
    hash = mix_bytes(hash, core->evidence_sent, n);
    hash = mix_bytes(hash, core->bad_new_views, n);
    hash = mix_bytes(hash, core->bad_changes, n);
    core->evidence_sent = NULL;
    core->bad_new_views = NULL;
    core->bad_changes = NULL;
    return hash;
}

static uint64_t core_state(const struct pbft *real)
{
    static struct pbft copy;
    uint64_t hash = 1;
    memcpy(&copy, real, sizeof copy);
    hash = take_own(hash, &copy.own);
    hash = take_blob(hash, &copy.certificate);
    hash = take_blob(hash, &copy.batch);
    for (size_t i = 0; i < HEIGHTS; i++) {
        hash = take_blob(hash, &copy.proposals[i].message);
    }
    for (size_t i = 0; i < 2; i++) {
        hash = take_blob(hash, &copy.adoptions[i].certificate);
        hash = take_blob(hash, &copy.openings[i].message);
    }
    hash = take_tables(hash, &copy);
    for (size_t i = 0; i < RESULTS_MAX; i++) {
        if (!copy.results[i].present) {
            memset(&copy.results[i], 0, sizeof copy.results[i]);
        }
    }
    copy.config.sign_context = NULL;
    memset(&copy.out, 0, sizeof copy.out);
    memset(&copy.scratch, 0, sizeof copy.scratch);
    memset(copy.effects, 0, sizeof copy.effects);
    copy.effects_count = 0;
    return mix_bytes(hash, &copy, sizeof copy);
}

/* ---- Node ---------------------------------------------------------------------------------------- */

static uint64_t effect_state(uint64_t hash, const struct queued *queued)
{
    const struct pbft_effect *effect = &queued->effect;
    hash = mix_bytes(mix(hash, effect->type), queued->data, pbft_effect_borrowed_size(effect));
    switch (effect->type) {
    case PBFT_PERSIST:
        hash = mix(mix(hash, effect->persist.era), effect->persist.view);
        hash = mix(mix(hash, effect->persist.committed_height), effect->persist.store_height);
        return mix_hash(hash, &effect->persist.store_hash);
    case PBFT_SEND:
        hash = mix(mix(hash, (uint64_t)effect->send.to), effect->send.type);
        return mix_bytes(hash, effect->send.peer.bytes, sizeof effect->send.peer.bytes);
    case PBFT_EXECUTE:
        hash = mix(mix(hash, effect->execute.token), (uint64_t)effect->execute.kind);
        return mix_hash(hash, &effect->execute.header_hash);
    case PBFT_CANCEL:
        return mix(hash, effect->cancel.token);
    case PBFT_DISCARD:
        return mix_hash(hash, &effect->discard.header_hash);
    case PBFT_FETCH_BODIES:
        hash = mix_hash(mix(hash, effect->fetch_bodies.token), &effect->fetch_bodies.header_hash);
        return mix_bytes(hash, effect->fetch_bodies.peer.bytes, 33);
    case PBFT_FETCH_BLOCKS:
        hash = mix(mix(hash, effect->fetch_blocks.from_height), effect->fetch_blocks.count);
        return mix_bytes(hash, effect->fetch_blocks.peer.bytes, 33);
    case PBFT_VERIFY:
        return mix(hash, effect->verify.token);
    case PBFT_COMMIT:
        return mix_hash(hash, &effect->commit.header_hash);
    case PBFT_EVIDENCE:
    case PBFT_ALARM:
        return hash;
    }
    return hash;
}

static uint64_t disk_state(uint64_t hash, const struct disk *disk)
{
    uint64_t stored = 0;
    hash = mix(mix(hash, disk->written), disk->synced);
    for (size_t i = 0; i < disk->written; i++) {
        hash = mix_hash(hash, &disk->blocks[i].block->hash);
        hash = mix_owned(hash, &disk->blocks[i].certificate);
    }
    hash = mix_owned(mix(mix(hash, disk->record_era), disk->record_view), &disk->record);
    for (size_t i = 0; i < disk->proposal_count; i++) {
        stored += mix_hash(2, &disk->proposals[i]->hash);
    }
    for (size_t i = 0; i < disk->new_view_count; i++) {
        const struct disk_new_view *one = &disk->new_views[i];
        hash = mix_owned(mix(mix(hash, one->era), one->view), &one->bytes);
    }
    hash = mix(hash, stored);
    if (disk->pending.active) {
        const struct disk_pending *pending = &disk->pending;
        hash = mix_owned(mix(hash, pending->blocks), &pending->record);
        hash = mix_owned(mix(mix(hash, pending->era), pending->view), &pending->new_view);
        hash = pending->store == NULL ? hash : mix_hash(hash, &pending->store->hash);
    }
    return hash;
}

static uint64_t fetched_state(uint64_t hash, const struct replica *replica)
{
    for (uint32_t i = 0; i < SIM_FETCHED_PROPOSALS; i++) {
        if (replica->proposals[i].present) {
            hash = mix_hash(mix(hash, i), &replica->proposals[i].hash);
        }
    }
    for (uint32_t i = 0; i < SIM_FETCHED_BLOCKS; i++) {
        const struct fetched_block *block = &replica->blocks[i];
        if (block->present) {
            hash = mix_owned(mix_hash(mix(hash, block->from), &block->hash), &block->certificate);
        }
    }
    return mix(hash, replica->next_proposal);
}

static uint64_t spoken_state(const struct oracle_node *node)
{
    uint64_t sum = 0;
    for (uint64_t kind = 0; kind < SPOKEN_KINDS; kind++) {
        for (size_t i = 0; i < node->spoken[kind].count; i++) {
            const struct spoken *said = &node->spoken[kind].list[i];
            uint64_t one = mix(mix(mix(mix(3, kind), said->era), said->view), said->height);
            sum += mix_hash(one, &said->hash);
        }
    }
    return mix(mix(mix(sum, node->left_era), node->left_view), node->durable_height);
}

static uint64_t replica_state(const struct replica *replica)
{
    uint64_t hash = mix(mix(4, replica->index), (uint64_t)replica->up * 2 + replica->blocked);
    uint64_t candidates = 0;
    hash = disk_state(mix(hash, replica->boot), &replica->disk);
    hash = mix(hash, spoken_state(&replica->cluster->oracle.nodes[replica->index]));
    if (!replica_live(replica)) {
        return hash;
    }
    hash = mix(mix(mix(hash, core_state(replica->core)), replica->cluster->tick_ms[replica->index]),
               replica->ticked_ms);
    for (const struct queued *queued = replica->head; queued != NULL; queued = queued->next) {
        hash = effect_state(hash, queued);
    }
    for (size_t i = 0; i < replica->pool_count; i++) {
        const struct pooled *pooled = &replica->pool[i];
        hash = mix(mix(hash, pooled->tx->index), pooled->since_ms * 2 + pooled->proposable);
    }
    for (const struct candidate *one = replica->candidates; one != NULL; one = one->next) {
        candidates += mix_hash(5, &one->hash);
    }
    return fetched_state(mix(hash, candidates), replica);
}

/* ---- World --------------------------------------------------------------------------------------- */

static uint64_t event_state(const struct world *world, const struct event *event)
{
    uint64_t hash = mix(mix(6, event->type), event->node);
    /* Rounds count from the one that is. Added, so that an earlier one is no other matter than a later. */
    hash = mix(hash, event->argument - (world->round << 2));
    hash = mix(mix(hash, event->due_ms), event->from);
    hash = mix(hash, event->token);
    hash = mix(hash, (uint64_t)event->outcome * 4 + (uint64_t)event->good * 2 + event->dropped);
    if (event->candidate != NULL) {
        hash = mix_hash(hash, &event->candidate->hash);
    }
    if (event->type != EVENT_MESSAGE) {
        return hash;
    }
    hash = mix(mix(hash, event->envelope->type), event->envelope->size);
    return mix_bytes(hash, event->envelope->data, event->envelope->size);
}

uint64_t world_state(struct world *world)
{
    struct cluster *cluster = world->cluster;
    uint64_t under_way = 0;
    uint64_t hash = mix(mix(mix(7, cluster->now_ms), world->whole_at_ms), world->lies_left);
    for (uint32_t i = 0; i < EXHAUST_NODES; i++) {
        if (world->dirty[i]) {
            world->node_state[i] = replica_state(&cluster->replicas[i]);
            world->dirty[i] = false;
        }
        hash = mix(mix(hash, world->node_state[i]), world->down_until_ms[i]);
        hash = mix_bytes(hash, cluster->cut[i], EXHAUST_NODES);
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        under_way += event_state(world, cluster->held[i]);
    }
    for (size_t i = 1; i <= cluster->oracle.height; i++) {
        hash = mix_hash(hash, &cluster->oracle.committed[i]->hash);
    }
    /* What may go wrong next depends on who acted last. */
    return mix(mix(hash, under_way),
               (uint64_t)(world->acted + 1) * 2 + (uint64_t)world->round_began);
}
