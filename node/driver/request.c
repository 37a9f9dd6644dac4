/* Submitting, waiting and asking: the RPC's requests on the loop thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* What a quarter of request_timeout can commit, at the measured rate; at least four batches. */
uint64_t driver_work_max(const struct driver *driver)
{
    double span = (double)driver->params.request_timeout_ms / 4.0;
    uint64_t measured = (uint64_t)(driver->work_per_ms * span);
    uint64_t least = 4 * driver->params.batch_work;
    return measured > least ? measured : least;
}

static const struct refusal *find_refusal(const struct driver *driver, const struct hash32 *id)
{
    for (unsigned i = 0; i < REFUSALS; i++) {
        if (driver->refusals[i].code != 0 && hash32_equal(&driver->refusals[i].id, id)) {
            return &driver->refusals[i];
        }
    }
    return NULL;
}

/* What can be said of an id now. */
static void look_up(struct driver *driver, const struct hash32 *id, struct node_tx_status *tx)
{
    struct ledger_view view;
    struct tx_place place;
    const struct refusal *refusal;
    tx->id = *id;
    tx->state = NODE_TX_UNKNOWN;
    if (pool_find_id(driver->pool, id) != NULL) {
        tx->state = NODE_TX_PENDING;
        return;
    }
    if (ledger_view_open(&view, driver->node->state_kv) == ST_OK) {
        if (ledger_view_tx(&view, id, &place, &tx->result, &tx->result_size) == ST_OK) {
            tx->state = NODE_TX_COMMITTED;
            tx->height = place.height;
            tx->index = place.index;
            tx->code = place.code;
        }
        ledger_view_close(&view);
    }
    if (tx->state == NODE_TX_UNKNOWN && (refusal = find_refusal(driver, id)) != NULL) {
        tx->state = refusal->code == ST_EXPIRED ? NODE_TX_EXPIRED : NODE_TX_REFUSED;
        tx->code = refusal->code;
    }
}

static void reply(struct inbox *to, struct task *request)
{
    inbox_post(to, request);
}

static void add_waiter(struct driver *driver, struct task *request, struct inbox *reply_to,
                       struct node_tx_status *tx, uint64_t timeout_ms)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    CHECK(waiter != NULL);
    waiter->id = tx->id;
    waiter->request = request;
    waiter->reply_to = reply_to;
    waiter->tx = tx;
    waiter->deadline_ms =
        driver_now_ms() + (timeout_ms < NODE_WAIT_MS_MAX ? timeout_ms : (uint64_t)NODE_WAIT_MS_MAX);
    waiter->next = driver->waiters;
    driver->waiters = waiter;
}

void driver_submit(struct driver *driver, struct node_submit *request)
{
    uint8_t *bytes = request->bytes;
    size_t size = request->size;
    request->bytes = NULL;
    atomic_fetch_add(&driver->node->gauges.submitted, 1);
    if (driver->stopping || size > LIMIT_SUBMISSION_SIZE_MAX) {
        request->status = driver->stopping ? ST_BUSY : ST_BAD_SIZE;
        free(bytes);
        reply(request->reply_to, &request->task);
    } else if (!driver_admit(driver, bytes, size, ADMIT_SUBMIT, request, NULL)) {
        request->status = ST_BUSY;
        reply(request->reply_to, &request->task);
    }
}

static bool of_details(enum status status)
{
    return status == ST_DETAILS_MISSING || status == ST_DETAILS_MISMATCH ||
           status == ST_DETAILS_FORM;
}

void driver_submitted(struct driver *driver, struct node_submit *request, enum status status)
{
    struct hash32 id = request->tx.id;
    request->status = status;
    /* Known already, here or in a block: that is its status, not an error. */
    if (status == ST_DUPLICATE || status == ST_ID_USED) {
        request->status = ST_OK;
    }
    if (request->status == ST_OK) {
        look_up(driver, &id, &request->tx);
        if (request->tx.state == NODE_TX_PENDING && request->timeout_ms > 0 && !driver->stopping) {
            add_waiter(driver, &request->task, request->reply_to, &request->tx,
                       request->timeout_ms);
            return;
        }
    } else if (status != ST_BUSY) {
        atomic_fetch_add(&driver->node->gauges.refused, 1);
        request->tx.state = NODE_TX_REFUSED;
        request->tx.code = status;
        /* Bad signatures or details say nothing of the id: another copy of it may be good. */
        if (!hash32_is_zero(&id) && status != ST_BAD_SIGNATURE && !of_details(status) &&
            pool_find_id(driver->pool, &id) == NULL) {
            driver_refuse(driver, &id, status);
        }
    }
    reply(request->reply_to, &request->task);
}

void driver_wait(struct driver *driver, struct node_wait *request)
{
    struct hash32 id = request->id;
    look_up(driver, &id, &request->tx);
    bool settled = request->tx.state != NODE_TX_PENDING && request->tx.state != NODE_TX_UNKNOWN;
    if (settled || request->timeout_ms == 0 || driver->stopping) {
        reply(request->reply_to, &request->task);
        return;
    }
    add_waiter(driver, &request->task, request->reply_to, &request->tx, request->timeout_ms);
}

/* Takes the waiters of an id off the list, one at a time. */
static struct waiter *take_waiter(struct driver *driver, const struct hash32 *id, uint64_t now)
{
    for (struct waiter **link = &driver->waiters; *link != NULL; link = &(*link)->next) {
        struct waiter *waiter = *link;
        if (id != NULL ? hash32_equal(&waiter->id, id) : waiter->deadline_ms <= now) {
            *link = waiter->next;
            return waiter;
        }
    }
    return NULL;
}

void driver_committed_id(struct driver *driver, const struct hash32 *id, uint64_t height,
                         uint32_t index, uint32_t code, struct bytes result)
{
    struct waiter *waiter;
    while ((waiter = take_waiter(driver, id, 0)) != NULL) {
        waiter->tx->state = NODE_TX_COMMITTED;
        waiter->tx->height = height;
        waiter->tx->index = index;
        waiter->tx->code = code;
        waiter->tx->result = malloc(result.size + 1);
        CHECK(waiter->tx->result != NULL);
        memcpy(waiter->tx->result, result.data, result.size);
        waiter->tx->result_size = result.size;
        reply(waiter->reply_to, waiter->request);
        free(waiter);
    }
}

void driver_refuse(struct driver *driver, const struct hash32 *id, enum status code)
{
    struct waiter *waiter;
    driver->refusals[driver->next_refusal] = (struct refusal){.id = *id, .code = code};
    driver->next_refusal = (driver->next_refusal + 1) % REFUSALS;
    while ((waiter = take_waiter(driver, id, 0)) != NULL) {
        waiter->tx->state = code == ST_EXPIRED ? NODE_TX_EXPIRED : NODE_TX_REFUSED;
        waiter->tx->code = code;
        reply(waiter->reply_to, waiter->request);
        free(waiter);
    }
}

void driver_expire_waiters(struct driver *driver, uint64_t now_ms)
{
    struct waiter *waiter;
    while ((waiter = take_waiter(driver, NULL, now_ms)) != NULL) {
        reply(waiter->reply_to, waiter->request);
        free(waiter);
    }
}

void driver_info(struct driver *driver, struct node_info *request)
{
    struct node *node = driver->node;
    struct pbft_summary summary;
    const struct validator_set *set = pbft_set(driver->core);
    const struct pubkey33 *own = signer_key(node->signer);
    pbft_summary(driver->core, &summary);
    request->height = driver->tip_height;
    request->header_hash = driver->tip_hash;
    request->time_ms = driver->tip_time_ms;
    request->era = summary.era;
    request->view = summary.view;
    request->validators = summary.validators;
    request->quorum = summary.quorum;
    request->self = summary.self;
    request->primary = set->validators[summary.primary].member;
    request->journal_lost = node->journal == NULL;
    request->incarnation = node->journal == NULL ? 0 : vote_journal_incarnation(node->journal);
    request->voting = summary.voting;
    request->catching_up = summary.catching_up;
    request->stopped = summary.stopped;
    request->pool_count = pool_count(driver->pool);
    request->pool_bytes = pool_bytes(driver->pool);
    request->peer_count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey33_compare(&set->validators[i].key, own) != 0) {
            request->peers[request->peer_count++] = (struct node_peer_info){
                .key = set->validators[i].key,
                .member = set->validators[i].member,
                .connected = peers_connected(node->peers, &set->validators[i].key)};
        }
    }
    request->validity_window = driver->params.validity_window;
    driver_standing(driver, &summary, request->text, sizeof request->text);
    size_t used = strlen(request->text);
    pbft_describe(driver->core, driver_now_ms(), request->text + used, sizeof request->text - used);
    reply(request->reply_to, &request->task);
}
