/* COMMIT: the block log, then the state, then the pool and those who wait. */
#include <stdlib.h>
#include <string.h>

#include "ledger/nodes.h"
#include "node/driver/internal.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"

struct commit_task {
    struct task task;
    struct driver *driver;
    struct candidate *candidate;
    uint8_t *certificate;
    size_t certificate_size;
    uint8_t *set_change;
    size_t set_change_size;
    /* The block's, kept past its application: waiters are told when the state can be read. */
    uint32_t tx_count;
    struct hash32 *tx_ids;
    uint32_t *codes;
    struct bytes *results;
    struct membership *membership; /* when records or set have changed */
    struct settle_task *settle;
};

static void commit_free(struct commit_task *commit)
{
    for (uint32_t i = 0; i < commit->tx_count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = commit->results[i].data};
        free(pointer.out);
    }
    free(commit->tx_ids);
    free(commit->codes);
    free(commit->results);
    free(commit->certificate);
    free(commit->set_change);
    free(commit->membership);
    free(commit);
}

static void expired(void *context, const struct hash32 *id)
{
    driver_refuse(context, id, ST_EXPIRED);
}

static void measure_rate(struct driver *driver, uint64_t work)
{
    uint64_t now = driver_now_ms();
    double span = (double)(now - driver->commit_ms) + 1.0;
    driver->commit_ms = now;
    if (work > driver->params.batch_work / 2) { /* a full block says what the network can do */
        double rate = (double)work / span;
        driver->work_per_ms =
            driver->work_per_ms > 0.0 ? 0.8 * driver->work_per_ms + 0.2 * rate : rate;
    }
}

static void count_block(struct driver *driver, const struct commit_task *commit)
{
    struct node_gauges *gauges = &driver->node->gauges;
    struct pbft_summary summary;
    pbft_summary(driver->core, &summary);
    atomic_store(&gauges->height, driver->tip_height);
    atomic_store(&gauges->view, summary.view);
    atomic_store(&gauges->era, summary.era);
    atomic_fetch_add(&gauges->blocks, 1);
    atomic_fetch_add(&gauges->transactions, commit->tx_count);
}

static void commit_done(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    struct driver *driver = commit->driver;
    driver->applied_height = driver->tip_height;
    count_block(driver, commit);
    for (uint32_t i = 0; i < commit->tx_count; i++) {
        /* Once more: it may have come in between log and state. */
        pool_remove(driver->pool, &commit->tx_ids[i]);
        driver_committed_id(driver, &commit->tx_ids[i], driver->tip_height, i, commit->codes[i],
                            commit->results[i]);
    }
    if (commit->membership != NULL) {
        driver_use_membership(driver, commit->membership);
    }
    driver_settle(driver, commit->settle);
    commit_free(commit);
    driver_drop_candidates(driver);
    driver_drop_blocks(driver, driver->tip_height);
    pool_expire(driver->pool, driver->tip_height + 1, expired, driver);
    driver_waiting(driver);
    driver_offer_block(driver);
    driver_unblock(driver);
    driver_recover(driver);
}

/* Whom to meet, when the chain now says something else of that. */
static enum status read_membership(struct commit_task *commit)
{
    struct driver *driver = commit->driver;
    struct node *node = driver->node;
    struct ledger_view view;
    struct hash32 root = {{0}};
    enum status status = ledger_view_open(&view, node->state_kv);
    if (status != ST_OK) {
        return status;
    }
    status = ledger_view_members_root(&view, &root);
    bool changed = commit->set_change_size > 0 || !hash32_equal(&root, &driver->members_root) ||
                   view.header.height + 1 >= driver->members_until;
    if (status == ST_OK && changed) {
        commit->membership = malloc(sizeof *commit->membership);
        CHECK(commit->membership != NULL);
        status = membership_read(commit->membership, &view, ledger_set(node->ledger), &node->config,
                                 signer_key(node->signer));
        driver->members_root = root;
        driver->members_until = commit->membership->until;
    }
    ledger_view_close(&view);
    return status;
}

static void commit_apply(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    enum status status = ledger_apply(commit->driver->node->ledger, commit->candidate->block);
    if (status == ST_OK) {
        commit->candidate->block = NULL;
        status = read_membership(commit);
    }
    if (status != ST_OK) {
        node_fatal("the state could not be written", status);
    }
}

/* What is told of a block is told when its state can be read; the block itself goes to the ledger. */
static void take_results(struct commit_task *commit, struct ledger_block *block)
{
    commit->tx_count = block->tx_count;
    commit->tx_ids = block->tx_ids;
    commit->codes = block->codes;
    commit->results = block->results;
    block->tx_count = 0;
    block->tx_ids = NULL;
    block->codes = NULL;
    block->results = NULL;
}

static void too_large(void *context, const struct hash32 *id)
{
    driver_refuse(context, id, ST_BAD_SIZE);
}

static void use_params(struct driver *driver, const Xuelian__Params *params)
{
    struct hash32 before;
    struct hash32 now;
    params_hash(&before, &driver->params);
    params_hash(&now, params);
    if (!hash32_equal(&before, &now)) {
        struct pool_limits limits = driver_pool_limits(params);
        driver->params = *params;
        pool_use_limits(driver->pool, &limits, too_large, driver);
        log_event(LOG_INFO, "params", "the network's parameters are others from block %llu on",
                  (unsigned long long)driver->tip_height + 1);
    }
}

static void commit_appended(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    struct driver *driver = commit->driver;
    struct ledger_block *block = commit->candidate->block;
    uint64_t work = 0;
    driver->dirty_ms = driver->log_dirty ? driver->dirty_ms : driver_now_ms();
    driver->log_dirty = true;
    driver->tip_height = block->header.height;
    driver->tip_hash = block->hash;
    driver->tip_time_ms = block->header.time_ms;
    if (driver->stopping) {
        commit_free(commit); /* the state is replayed from the log at the next start */
        driver->blocked--;
        return;
    }
    commit->settle = driver_settle_make(driver, commit->candidate);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const struct body *body = pool_find_id(driver->pool, &block->tx_ids[i]);
        work += body != NULL ? body->work : 0;
        pool_remove(driver->pool, &block->tx_ids[i]);
    }
    measure_rate(driver, work);
    use_params(driver, &block->next_params);
    take_results(commit, block);
    commit->task.run = commit_apply;
    commit->task.done = commit_done;
    CHECK(worker_post(driver->node->executor, &driver->node->inbox, &commit->task));
}

static void commit_append(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    const struct candidate *candidate = commit->candidate;
    struct block_log *log = commit->driver->node->block_log;
    enum status status =
        candidate->recovery != NULL
            ? block_log_append_recovery(log, &candidate->block->header,
                                        bytes_of(candidate->recovery, candidate->recovery_size),
                                        &candidate->base, false)
            : block_log_append(log, &candidate->block->header,
                               bytes_of(commit->certificate, commit->certificate_size),
                               candidate->txs, candidate->count,
                               bytes_of(commit->set_change, commit->set_change_size), false);
    if (status != ST_OK) {
        node_fatal("the block log could not be written", status);
    }
}

/* When the next set differs, what leads a verifier to it. */
static void make_set_change(struct commit_task *commit, struct bytes header)
{
    const struct ledger_block *block = commit->candidate->block;
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    Xuelian__SetChange wire = XUELIAN__SET_CHANGE__INIT;
    if (commit->candidate->recovery != NULL || /* the log makes that one */
        hash32_equal(&block->header.validators_hash, &block->header.next_validators_hash)) {
        return;
    }
    wire.header = field_borrow(header.data, header.size);
    wire.certificate = field_borrow(commit->certificate, commit->certificate_size);
    wire.next_set = field_borrow(set, validator_set_encode(set, &block->next_set));
    commit->set_change_size = canonical_size(&wire.base);
    commit->set_change = malloc(commit->set_change_size);
    CHECK(commit->set_change != NULL);
    canonical_encode(commit->set_change, &wire.base);
}

void driver_commit(struct driver *driver, const struct pbft_effect *effect)
{
    struct commit_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->driver = driver;
    made->candidate = driver_find_candidate(driver, &effect->commit.header_hash);
    CHECK(made->candidate != NULL && made->candidate->block != NULL);
    made->certificate_size = effect->commit.certificate.size;
    made->certificate = malloc(made->certificate_size + 1);
    CHECK(made->certificate != NULL);
    if (made->certificate_size > 0) {
        memcpy(made->certificate, effect->commit.certificate.data, made->certificate_size);
    }
    make_set_change(made, effect->commit.header);
    made->task.run = commit_append;
    made->task.done = commit_appended;
    driver->blocked++;
    CHECK(worker_post(driver->node->log_writer, &driver->node->inbox, &made->task));
}
