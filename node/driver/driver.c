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
    if (summary.era != driver->last_era) {
        driver_note_era(driver, &summary);
        driver->last_era = summary.era;
        driver->last_view = 0;
    }
    if (summary.view > driver->last_view) {
        atomic_fetch_add(&gauges->view_changes, 1);
        log_event(LOG_WARN, "view", "view %llu is open at height %llu; its primary is member %u",
                  (unsigned long long)summary.view, (unsigned long long)summary.height + 1,
                  pbft_set(driver->core)->validators[summary.primary].member);
    }
    driver->last_view = summary.view;
    uint32_t present = connected_validators(driver) + (summary.self >= 0 ? 1 : 0);
    atomic_store(&gauges->ready,
                 driver_level(driver, &summary) && !summary.stopped && present >= summary.quorum);
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
    driver_evidence_tick(driver, now);
    driver_details_tick(driver, now);
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

struct pool_limits driver_pool_limits(const Xuelian__Params *params)
{
    return (struct pool_limits){.bytes = 64u << 20,
                                .count = 50000,
                                .batch_bytes = params->batch_bytes,
                                .batch_count = (uint32_t)params->batch_count,
                                .batch_work = params->batch_work};
}

enum status driver_start(struct driver **driver, struct node *node,
                         const struct membership *membership, char error[NODE_ERROR_SIZE])
{
    struct driver *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->node = node;
    made->tail = &made->head;
    made->members_root = membership->members_root;
    made->members_until = membership->until;
    made->recorded = membership->recorded;
    made->params = *ledger_params(node->ledger);
    made->tip_height = ledger_tip(node->ledger)->height;
    made->tip_hash = *ledger_tip_hash(node->ledger);
    made->tip_time_ms = ledger_tip(node->ledger)->time_ms;
    made->applied_height = made->tip_height;
    made->commit_ms = driver_now_ms();
    made->scratch = malloc(PBFT_PARSE_SCRATCH_SIZE);
    made->entries = malloc(32u * (size_t)LIMIT_PROPOSAL_ENTRIES_MAX);
    CHECK(made->scratch != NULL && made->entries != NULL);
    struct pool_limits limits = driver_pool_limits(&made->params);
    made->pool = pool_new(&limits);
    CHECK(uv_timer_init(node->loop, &made->timer) == 0);
    made->timer.data = made;
    *driver = made;
    enum status status = driver_start_core(made, error);
    if (status == ST_OK) {
        driver_load_proposals(made);
        driver_evidence_start(made);
        driver_recover(made);
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
    driver_evidence_free(driver);
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
    driver_evidence_up(driver, key);
    driver_pump(driver);
}

void driver_peer_down(void *context, const struct pubkey33 *key)
{
    struct driver *driver = ((struct node *)context)->driver;
    if (driver != NULL) {
        driver_evidence_down(driver, key);
        atomic_store(&driver->node->gauges.peers, peers_count(driver->node->peers));
    }
}
