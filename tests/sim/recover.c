/* Recoveries (R33): the one lawful switch of a set that its validators do not certify. Whoever owns the cluster plays
 * the holders of the recovery keys; that a record is theirs is ideal here, as signatures are. */
#include <stdio.h>

#include "proto/bytes.h"
#include "tests/sim/cluster.h"

const struct sim_block *cluster_recovery(struct cluster *cluster, const struct sim_block *base,
                                         const struct validator_set *set)
{
    struct chain *chain = &cluster->chain;
    struct oracle *oracle = &cluster->oracle;
    struct validator_set next = *set;
    struct owned proposal;
    next.era = base->header.height + 2;
    const struct validator_set *kept = chain_set(chain, &next);
    struct header header = {.version = PROTOCOL_VERSION,
                            .suite = PROTOCOL_SUITE,
                            .chain_id = chain->chain_id,
                            .height = base->header.height + 1,
                            .time_ms = base->header.time_ms + 1,
                            .parent_hash = base->hash,
                            .validators_hash = base->header.next_validators_hash,
                            .params_hash = base->header.params_hash};
    chain->executor->tx_root(NULL, 0, &header.tx_root);
    validator_set_hash(&header.next_validators_hash, kept);
    hash_node(&header.state_root, &base->header.state_root, &header.next_validators_hash);
    hash_node(&header.history_root, &base->header.history_root, &base->hash);
    chain_make_proposal(&proposal, &base->hash, header.time_ms, NULL, 0);
    struct sim_block *block = chain_block(chain, &header, owned_bytes(&proposal), NULL, 0,
                                          base->next_set, kept, &base->params);
    owned_free(&proposal);
    block->recovery = true;
    snprintf(block->label, sizeof block->label, "#%llu[recovery]",
             (unsigned long long)header.height);
    if (oracle->height >= header.height && oracle->committed[header.height] == block) {
        return block; /* made before */
    }
    /* What only the lost have committed above is lost with them. */
    while (oracle->height > base->header.height) {
        const struct sim_block *lost = oracle->committed[oracle->height--];
        for (uint32_t i = 0; i < lost->tx_count; i++) {
            oracle->tx_height[lost->txs[i]->index] = 0;
        }
    }
    if (oracle->committed[oracle->height] != base) {
        oracle_fail(cluster, "recovery: %s is not what was committed at its height", base->label);
    }
    cluster_line(cluster, "recovery of %u validators from %s", (unsigned)next.count, base->label);
    return block;
}

void recovery_seat(const struct cluster *cluster, const struct sim_block *base,
                   struct validator_set *set, uint32_t node, uint64_t incarnation)
{
    const struct pubkey33 *key = &cluster->keys.owners[node].key;
    int was = validator_set_find(base->next_set, key);
    struct validator seated = {.key = *key,
                               .member = node,
                               .joined = was < 0 ? base->header.height + 2
                                                 : base->next_set->validators[was].joined,
                               .incarnation = incarnation};
    uint32_t at = set->count++;
    for (; at > 0; at--) {
        const struct validator *before = &set->validators[at - 1];
        if (before->joined < seated.joined ||
            (before->joined == seated.joined && pubkey33_compare(&before->key, key) < 0)) {
            break;
        }
        set->validators[at] = *before;
    }
    set->validators[at] = seated;
}

void replica_accept(struct replica *replica, const struct sim_block *recovery)
{
    CHECK(!replica->up && recovery->recovery);
    if (replica->disk.written >= recovery->header.height &&
        replica->disk.blocks[recovery->header.height - 1].block != recovery) {
        oracle_fail(replica->cluster, "recovery: node %u has a block above %s",
                    (unsigned)replica->index, recovery->label);
        return;
    }
    replica->accepted = recovery;
}

/* Its block is the next one here, and nothing is under way to the disk. */
static bool fits(const struct replica *replica, const struct sim_block *recovery)
{
    struct pbft_summary summary;
    uint64_t tip = replica->disk.written;
    if (!replica_live(replica) || recovery->header.height != tip + 1 ||
        pbft_position(replica->core).height != tip) {
        return false;
    }
    pbft_summary(replica->core, &summary);
    return hash32_equal(&summary.header_hash, &recovery->header.parent_hash);
}

static void take(struct replica *replica, const struct sim_block *recovery)
{
    struct pbft_input input = {.type = PBFT_RECOVERED};
    struct candidate *candidate = sim_new(sizeof *candidate);
    exec_discard(replica, &recovery->hash);
    *candidate =
        (struct candidate){.next = replica->candidates, .hash = recovery->hash, .block = recovery};
    replica->candidates = candidate;
    input.recovered.header = &recovery->header;
    input.recovered.next_set = recovery->next_set;
    input.recovered.params = &recovery->params;
    cluster_line(replica->cluster, "%u        takes the recovery %s", (unsigned)replica->index,
                 recovery->label);
    (void)replica_step(replica, &input);
    replica_pump(replica);
}

void replica_recover(struct replica *replica)
{
    if (replica->accepted != NULL && fits(replica, replica->accepted)) {
        take(replica, replica->accepted);
    }
}

void recover_offer(struct replica *replica, const struct hash32 *hash)
{
    const struct sim_block *block = chain_find_block(&replica->cluster->chain, hash);
    const struct pubkey33 *key = &replica->cluster->keys.owners[replica->index].key;
    if (block == NULL || !block->recovery || !fits(replica, block)) {
        return;
    }
    /* One of the set that is replaced takes it from its operator alone. */
    if (validator_set_find(block->set, key) < 0 || replica->accepted == block) {
        take(replica, block);
    }
}
