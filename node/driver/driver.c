/* Start and stop, the timer, proposing, and what the peers tell. */
#include "node/driver/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

uint64_t driver_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

void driver_waiting(struct driver *driver)
{
    struct pbft_input input = {.type = PBFT_WAITING};
    input.waiting.count = pool_count(driver->pool);
    if (input.waiting.count > 0) {
        /* In order of arrival, and sent on at arrival: the oldest is the one that has waited longest. */
        input.waiting.oldest_ms = pool_oldest_ms(driver->pool);
        input.waiting.oldest_single_ms = input.waiting.oldest_ms;
        input.waiting.full = pool_full_batch(driver->pool);
    }
    atomic_store(&driver->node->gauges.pool_count, pool_count(driver->pool));
    atomic_store(&driver->node->gauges.pool_bytes, pool_bytes(driver->pool));
    driver_step(driver, &input);
}

void driver_propose(struct driver *driver)
{
    struct pbft_input input = {.type = PBFT_BATCH};
    uint32_t count = pool_select(driver->pool, driver->entries);
    input.batch.entries = bytes_of(driver->entries, 32u * (size_t)count);
    driver_step(driver, &input);
}

/* ---- Timer and gauges ---- */

static uint32_t connected_validators(const struct driver *driver)
{
    const struct validator_set *set = pbft_set(driver->core);
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        count += peers_connected(driver->node->peers, &set->validators[i].key) ? 1 : 0;
    }
    return count;
}

static void note_view(struct driver *driver)
{
    struct node_gauges *gauges = &driver->node->gauges;
    struct pbft_summary summary;
    pbft_summary(driver->core, &summary);
    atomic_store(&gauges->view, summary.view);
    atomic_store(&gauges->era, summary.era);
    if (summary.view > driver->last_view) {
        atomic_fetch_add(&gauges->view_changes, 1);
        log_event(LOG_WARN, "view", "view %llu is open at height %llu; its primary is member %u",
                  (unsigned long long)summary.view, (unsigned long long)summary.height + 1,
                  pbft_set(driver->core)->validators[summary.primary].member);
    }
    driver->last_view = summary.view;
    uint32_t present = connected_validators(driver) + (summary.self >= 0 ? 1 : 0);
    atomic_store(&gauges->ready,
                 !summary.catching_up && !summary.stopped && present >= summary.quorum);
}

static void tick(uv_timer_t *timer)
{
    struct driver *driver = timer->data;
    struct pbft_input input = {.type = PBFT_TICK};
    uint64_t now = driver_now_ms();
    if (driver->stopping) {
        return;
    }
    driver_step(driver, &input);
    driver_expire_waiters(driver, now);
    driver_wanted_tick(driver, now);
    driver_relay_old(driver, now);
    driver_sync_idle(driver, now);
    driver_pump(driver);
}

void driver_settled(struct driver *driver)
{
    uint64_t now = driver_now_ms();
    uint64_t deadline = pbft_deadline_ms(driver->core);
    if (driver->wanted.pending && driver->wanted.deadline_ms < deadline) {
        deadline = driver->wanted.deadline_ms;
    }
    uint64_t delay = deadline <= now ? 1 : deadline - now;
    note_view(driver);
    uv_update_time(driver->node->loop);
    uv_timer_start(&driver->timer, tick, delay < TICK_MAX_MS ? delay : TICK_MAX_MS, 0);
}

/* ---- Start and stop ---- */

static void sign(void *context, const struct hash32 *hash, struct sig64 *signature)
{
    signer_sign(context, hash, signature);
}

struct pbft_params driver_core_params(const Xuelian__Params *params)
{
    return (struct pbft_params){.t0_ms = params->t0_ms,
                                .timeout_cap_ms = params->timeout_cap_ms,
                                .batch_delay_ms = params->batch_delay_ms,
                                .batch_count = params->batch_count,
                                .heartbeat_ms = params->heartbeat_ms,
                                .max_drift_ms = params->max_drift_ms,
                                .max_lag_ms = params->max_lag_ms,
                                .request_timeout_ms = params->request_timeout_ms,
                                .rotation_blocks = params->rotation_blocks};
}

/* Hash of the block that the first era rests on: block 0, the parent of block 1. No kind of transaction of
 * this version changes the set, so there is one era. */
static bool era_base(struct node *node, struct hash32 *hash)
{
    struct stored_block block;
    if (ledger_tip(node->ledger)->height == 0) {
        *hash = *ledger_tip_hash(node->ledger);
        return true;
    }
    if (block_log_get(node->block_log, 1, &block) != ST_OK) {
        return false;
    }
    *hash = block.header.parent_hash;
    stored_block_free(&block);
    return true;
}

static enum status start_core(struct driver *driver, char *error)
{
    struct node *node = driver->node;
    struct pbft_config config = {
        .chain_id = node->genesis.chain_id,
        .key = *signer_key(node->signer),
        .incarnation = node->journal != NULL ? vote_journal_incarnation(node->journal) : 0,
        .validators_max = LIMIT_VALIDATORS_MAX,
        .follow = node->follow,
        .sign = sign,
        .sign_context = node->signer};
    struct pbft_start start = {.now_ms = driver_now_ms(),
                               .set = ledger_set(node->ledger),
                               .params = driver_core_params(driver->params)};
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t *certified = NULL;
    uint8_t *new_view = NULL;
    size_t size = 0;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(uv_random(NULL, NULL, &config.nonce, sizeof config.nonce, 0, NULL) == 0);
    start.header = bytes_of(header, header_encode(header, ledger_tip(node->ledger)));
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    if (driver->tip_height > 0) {
        if (block_log_get_certified(node->block_log, driver->tip_height, &certified, &size) !=
                ST_OK ||
            canonical_decode(&message, &xuelian__certified__descriptor, bytes_of(certified, size),
                             &arena) != ST_OK) {
            snprintf(error, NODE_ERROR_SIZE, "the newest block has no certificate in the log");
            kv_free(certified);
            return ST_CORRUPT;
        }
        start.certificate = field_bytes(&((Xuelian__Certified *)(void *)message)->certificate);
    }
    if (!era_base(node, &start.era_base_hash)) {
        snprintf(error, NODE_ERROR_SIZE, "block 1 cannot be read from the log");
        kv_free(certified);
        return ST_CORRUPT;
    }
    if (node->journal != NULL && vote_journal_newest(node->journal)->payload.size > 0) {
        const struct vote_record *newest = vote_journal_newest(node->journal);
        start.record = newest->payload;
        if (block_log_get_new_view(node->block_log, newest->era, newest->view, &new_view, &size) ==
            ST_OK) {
            start.new_view = bytes_of(new_view, size);
        }
    }
    driver->core_memory = aligned_alloc(64, (pbft_footprint(&config) + 63) / 64 * 64);
    CHECK(driver->core_memory != NULL);
    enum status status = pbft_init(&driver->core, driver->core_memory, &config, &start);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "the vote journal does not fit the block log: %s",
                 status_en(status));
    }
    kv_free(certified);
    kv_free(new_view);
    return status;
}

enum status driver_start(struct driver **driver, struct node *node, char error[NODE_ERROR_SIZE])
{
    struct driver *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->node = node;
    made->tail = &made->head;
    made->params = node->genesis.message->params;
    made->tip_height = ledger_tip(node->ledger)->height;
    made->tip_hash = *ledger_tip_hash(node->ledger);
    made->tip_time_ms = ledger_tip(node->ledger)->time_ms;
    made->applied_height = made->tip_height;
    made->commit_ms = driver_now_ms();
    made->scratch = malloc(PBFT_PARSE_SCRATCH_SIZE);
    made->entries = malloc(32u * (size_t)LIMIT_PROPOSAL_ENTRIES_MAX);
    CHECK(made->scratch != NULL && made->entries != NULL);
    struct pool_limits limits = {.bytes = 64u << 20,
                                 .count = 50000,
                                 .batch_bytes = made->params->batch_bytes,
                                 .batch_count = (uint32_t)made->params->batch_count,
                                 .batch_work = made->params->batch_work};
    made->pool = pool_new(&limits);
    CHECK(uv_timer_init(node->loop, &made->timer) == 0);
    made->timer.data = made;
    *driver = made;
    enum status status = start_core(made, error);
    if (status == ST_OK) {
        driver_load_proposals(made);
        atomic_store(&node->gauges.height, made->tip_height);
        uv_timer_start(&made->timer, tick, 1, 0);
    }
    return status;
}

void driver_stop(struct driver *driver)
{
    driver->stopping = true;
    driver_expire_waiters(driver, UINT64_MAX);
    uv_close((uv_handle_t *)&driver->timer, NULL);
}

bool driver_unsynced(const struct driver *driver)
{
    return driver->log_dirty;
}

void driver_free(struct driver *driver)
{
    driver_queue_free(driver);
    driver_drop_candidates(driver);
    driver_drop_blocks(driver, UINT64_MAX);
    driver_asked_free(driver);
    pool_free(driver->pool);
    free(driver->core_memory);
    free(driver->scratch);
    free(driver->entries);
    free(driver);
}

void driver_peer_up(void *context, const struct pubkey33 *key)
{
    struct driver *driver = ((struct node *)context)->driver;
    struct pbft_input input = {.type = PBFT_CONNECTED};
    if (driver == NULL || driver->stopping) {
        return;
    }
    input.connected.peer = *key;
    atomic_store(&driver->node->gauges.peers, peers_count(driver->node->peers));
    driver_step(driver, &input);
    driver_relay_to(driver, key);
    driver_pump(driver);
}

void driver_peer_down(void *context, const struct pubkey33 *key)
{
    struct driver *driver = ((struct node *)context)->driver;
    (void)key;
    if (driver != NULL) {
        atomic_store(&driver->node->gauges.peers, peers_count(driver->node->peers));
    }
}
