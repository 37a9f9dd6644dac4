/* Executing proposals, and the bodies they need. */
#include "proto/bytes.h"
#include "tests/sim/cluster.h"

/* ---- The pool ------------------------------------------------------------------------------------ */

struct pooled *pool_find(struct replica *replica, const struct hash32 *entry)
{
    for (size_t i = replica->pool_count; i-- > 0;) {
        if (hash32_equal(&replica->pool[i].tx->entry, entry)) {
            return &replica->pool[i];
        }
    }
    return NULL;
}

void pool_add(struct replica *replica, const struct sim_tx *tx)
{
    const struct executor_kind *executor = replica->cluster->chain.executor;
    if (pool_find(replica, &tx->entry) != NULL || executor->used(replica->state, tx)) {
        return;
    }
    replica->pool = sim_grow(replica->pool, replica->pool_count, &replica->pool_capacity,
                             sizeof *replica->pool);
    replica->pool[replica->pool_count++] =
        (struct pooled){.tx = tx,
                        .since_ms = replica->cluster->now_ms,
                        .proposable = executor->proposable(replica->state, tx)};
}

/* What is in a block now leaves. */
static void pool_drop_used(struct replica *replica)
{
    const struct executor_kind *executor = replica->cluster->chain.executor;
    size_t kept = 0;
    for (size_t i = 0; i < replica->pool_count; i++) {
        if (!executor->used(replica->state, replica->pool[i].tx)) {
            replica->pool[kept++] = replica->pool[i];
        }
    }
    replica->pool_count = kept;
}

/* ---- Results ------------------------------------------------------------------------------------- */

void candidate_free(struct replica *replica, struct candidate *candidate)
{
    replica->cluster->chain.executor->drop(candidate->result);
    free(candidate);
}

struct candidate *exec_find(struct replica *replica, const struct hash32 *hash)
{
    struct candidate *candidate = replica->candidates;
    while (candidate != NULL && !hash32_equal(&candidate->hash, hash)) {
        candidate = candidate->next;
    }
    return candidate;
}

void exec_discard(struct replica *replica, const struct hash32 *hash)
{
    struct candidate **link = &replica->candidates;
    while (*link != NULL) {
        struct candidate *candidate = *link;
        if (hash32_equal(&candidate->hash, hash)) {
            *link = candidate->next;
            candidate_free(replica, candidate);
        } else {
            link = &candidate->next;
        }
    }
}

void exec_drop_candidates(struct replica *replica)
{
    while (replica->candidates != NULL) {
        struct candidate *next = replica->candidates->next;
        candidate_free(replica, replica->candidates);
        replica->candidates = next;
    }
}

/* ---- Answers ------------------------------------------------------------------------------------- */

static void post_answer(struct replica *replica, uint64_t token, enum pbft_outcome outcome,
                        const struct sim_block *block, void *result)
{
    struct cluster *cluster = replica->cluster;
    struct event *event = cluster_event(cluster, EVENT_EXECUTED, replica->index);
    event->token = token;
    event->outcome = outcome;
    if (block != NULL) {
        event->candidate = sim_new(sizeof *event->candidate);
        *event->candidate =
            (struct candidate){.hash = block->hash, .block = block, .result = result};
    }
    replica->executing = event;
    cluster_post(cluster, event);
}

void exec_cancel(struct replica *replica, uint64_t token)
{
    struct event *event = replica->executing;
    if (event != NULL && event->token == token) {
        replica->executing = NULL;
        event->dropped = true;
    }
}

void exec_answer(struct replica *replica, struct event *event)
{
    struct pbft_input input = {.type = PBFT_EXECUTED};
    struct candidate *candidate = event->candidate;
    if (replica->executing == event) {
        replica->executing = NULL;
    }
    if (event->dropped && !replica->cluster->options.answers_after_cancel) {
        return;
    }
    input.executed.token = event->token;
    input.executed.outcome = event->outcome;
    if (candidate != NULL) {
        const struct sim_block *block = candidate->block;
        input.executed.header = &block->header;
        input.executed.next_set = block->next_set;
        input.executed.params = &block->params;
        if (!event->dropped) {
            exec_discard(replica, &candidate->hash); /* the same result again */
            candidate->next = replica->candidates;
            replica->candidates = candidate;
            event->candidate = NULL;
        }
    }
    (void)replica_step(replica, &input);
}

/* ---- EXECUTE ------------------------------------------------------------------------------------- */

static enum pbft_outcome run(struct replica *replica, uint64_t token,
                             const struct sim_proposal *proposal, struct bytes bytes,
                             const struct sim_tx *const *txs)
{
    struct cluster *cluster = replica->cluster;
    const struct executor_kind *executor = cluster->chain.executor;
    struct sim_block *block = NULL;
    void *result = NULL;
    bool broken = replica->twist != 0 && executor->height(replica->state) + 1 >= replica->twist;
    enum pbft_outcome outcome = executor->execute(replica->state, proposal, bytes, txs,
                                                  broken ? replica->index + 1 : 0, &block, &result);
    if (outcome == PBFT_EXECUTED_INVALID) {
        cluster_line(cluster, "%u        finds the proposal invalid", (unsigned)replica->index);
    }
    post_answer(replica, token, outcome, block, result);
    return outcome;
}

/* A primary learns from the check of its own batch which transactions cannot be proposed: each alone. */
static void refuse_bad(struct replica *replica, const struct sim_proposal *proposal,
                       const struct sim_tx *const *txs)
{
    const struct executor_kind *executor = replica->cluster->chain.executor;
    for (uint32_t i = 0; i < proposal->count; i++) {
        struct pooled *pooled = pool_find(replica, &txs[i]->entry);
        struct sim_proposal alone = {
            .parent_hash = proposal->parent_hash, .time_ms = proposal->time_ms, .count = 1};
        struct sim_block *block = NULL;
        struct owned bytes;
        void *result = NULL;
        chain_make_proposal(&bytes, &alone.parent_hash, alone.time_ms, &txs[i], 1);
        if (executor->execute(replica->state, &alone, owned_bytes(&bytes), &txs[i], 0, &block,
                              &result) == PBFT_EXECUTED_INVALID &&
            pooled != NULL) {
            pooled->proposable = false;
        }
        executor->drop(result);
        owned_free(&bytes);
    }
    replica_waiting(replica);
}

static void run_proposal(struct replica *replica, uint64_t token, enum pbft_execute kind,
                         struct bytes bytes)
{
    struct sim_proposal proposal;
    if (!chain_parse_proposal(&replica->cluster->chain, bytes, &proposal)) {
        post_answer(replica, token, PBFT_EXECUTED_INVALID, NULL, NULL);
        return;
    }
    const struct sim_tx **txs = sim_new(proposal.count * sizeof *txs);
    uint32_t found = 0;
    while (found < proposal.count) {
        const struct pooled *pooled = pool_find(replica, &proposal.entries[found]);
        /* A used one has left the pool; that it is used twice is for the rules to say. */
        const struct sim_tx *tx =
            pooled != NULL ? pooled->tx
                           : chain_find_tx(&replica->cluster->chain, &proposal.entries[found]);
        if (tx == NULL ||
            (pooled == NULL && !replica->cluster->chain.executor->used(replica->state, tx))) {
            break;
        }
        txs[found++] = tx;
    }
    if (found < proposal.count) {
        post_answer(replica, token, PBFT_EXECUTED_MISSING, NULL, NULL);
    } else {
        enum pbft_outcome outcome = run(replica, token, &proposal, bytes, txs);
        if (outcome == PBFT_EXECUTED_INVALID && kind == PBFT_EXECUTE_CHECK) {
            refuse_bad(replica, &proposal, txs);
        }
    }
    free(txs);
}

/* True when a proposal may be the one behind a header. */
static bool agrees(const struct replica *replica, const struct sim_proposal *proposal,
                   const struct sim_tx *const *txs, struct bytes header_bytes)
{
    struct header header;
    struct hash32 root;
    if (header_bytes.size == 0) {
        return true;
    }
    replica->cluster->chain.executor->tx_root(txs, proposal->count, &root);
    return header_decode(&header, header_bytes) == ST_OK && hash32_equal(&header.tx_root, &root) &&
           hash32_equal(&header.parent_hash, &proposal->parent_hash) &&
           header.time_ms == proposal->time_ms && header.tx_count == proposal->count;
}

static bool run_if_agrees(struct replica *replica, const struct pbft_effect *effect,
                          struct bytes bytes, const struct sim_tx *const *txs)
{
    struct sim_proposal proposal;
    if (!chain_parse_proposal(&replica->cluster->chain, bytes, &proposal) ||
        !agrees(replica, &proposal, txs, effect->execute.header)) {
        return false;
    }
    (void)run(replica, effect->execute.token, &proposal, bytes, txs);
    return true;
}

/* From the block log, from a fetched block, from fetched bodies; the fetched are used up. */
static bool run_by_header(struct replica *replica, const struct pbft_effect *effect)
{
    const struct hash32 *hash = &effect->execute.header_hash;
    uint64_t height = effect->execute.height;
    const struct sim_block *stored = disk_proposal(&replica->disk, height, hash);
    if (stored != NULL &&
        run_if_agrees(replica, effect, owned_bytes(&stored->proposal), stored->txs)) {
        return true;
    }
    struct fetched_block *block = &replica->blocks[height % SIM_FETCHED_BLOCKS];
    if (block->present && block->height == height && hash32_equal(&block->hash, hash)) {
        bool ran = run_if_agrees(replica, effect, owned_bytes(&block->proposal), block->txs);
        fetched_block_clear(block);
        if (ran) {
            return true;
        }
    }
    for (uint32_t i = 0; i < SIM_FETCHED_PROPOSALS; i++) {
        struct fetched_proposal *fetched = &replica->proposals[i];
        if (fetched->present && hash32_equal(&fetched->hash, hash)) {
            bool ran =
                run_if_agrees(replica, effect, owned_bytes(&fetched->proposal), fetched->txs);
            fetched_proposal_clear(fetched);
            if (ran) {
                return true;
            }
        }
    }
    return false;
}

void exec_start(struct replica *replica, const struct pbft_effect *effect)
{
    uint64_t token = effect->execute.token;
    struct candidate *candidate = NULL;
    if (replica->executing != NULL) {
        oracle_fail(replica->cluster, "node %u has two executions at once",
                    (unsigned)replica->index);
        return;
    }
    if (effect->execute.kind != PBFT_EXECUTE_HEADER) {
        run_proposal(replica, token, effect->execute.kind, effect->execute.proposal);
        return;
    }
    candidate = exec_find(replica, &effect->execute.header_hash);
    if (candidate != NULL) {
        /* Executed already; once more is the same. */
        struct sim_proposal proposal;
        struct bytes bytes = owned_bytes(&candidate->block->proposal);
        CHECK(chain_parse_proposal(&replica->cluster->chain, bytes, &proposal));
        (void)run(replica, token, &proposal, bytes, candidate->block->txs);
    } else if (!run_by_header(replica, effect)) {
        post_answer(replica, token, PBFT_EXECUTED_MISSING, NULL, NULL);
    }
}

/* ---- COMMIT, and the state at a start -------------------------------------------------------------- */

void exec_commit(struct replica *replica, const struct pbft_effect *effect)
{
    struct cluster *cluster = replica->cluster;
    struct candidate *candidate = exec_find(replica, &effect->commit.header_hash);
    if (candidate == NULL) {
        oracle_fail(cluster, "node %u commits a block that it has not executed",
                    (unsigned)replica->index);
        return;
    }
    const struct sim_block *block = candidate->block;
    cluster_line(cluster, "%u        commits %s", (unsigned)replica->index, block->label);
    oracle_committed(replica, block, effect->commit.certificate);
    if (cluster->oracle.failed) {
        return;
    }
    cluster->chain.executor->apply(replica->state, block, candidate->result);
    candidate->result = NULL;
    disk_append(&replica->disk, block, effect->commit.certificate);
    exec_drop_candidates(replica);
    frame_drop_fetched(replica, block->header.height);
    pool_drop_used(replica);
    replica_waiting(replica);
    frame_offer_block(replica);
    replica_recover(replica);
    if (replica->disk_full) {
        replica_write_failed(replica);
    }
}

void exec_restore(struct replica *replica)
{
    struct cluster *cluster = replica->cluster;
    const struct executor_kind *executor = cluster->chain.executor;
    const struct disk *disk = &replica->disk;
    if (replica->state == NULL || !executor->rewind(replica->state, disk->written)) {
        if (replica->state != NULL) {
            executor->close(replica->state);
        }
        replica->state = executor->open(&cluster->chain);
    }
    while (executor->height(replica->state) < disk->written) {
        const struct sim_block *block = disk->blocks[executor->height(replica->state)].block;
        struct sim_proposal proposal;
        struct sim_block *again = NULL;
        void *result = NULL;
        struct bytes bytes = owned_bytes(&block->proposal);
        if (block->recovery) {
            executor->apply(replica->state, block, NULL);
            continue;
        }
        CHECK(chain_parse_proposal(&cluster->chain, bytes, &proposal));
        CHECK(executor->execute(replica->state, &proposal, bytes, block->txs, 0, &again, &result) ==
                  PBFT_EXECUTED_OK &&
              again == block);
        executor->apply(replica->state, again, result);
    }
}
