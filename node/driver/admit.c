/* Transactions: parsed and verified on a worker, then into the pool, and sent on.
 *
 * One that was submitted here goes once to every validator. It is sent again to a validator that
 * reconnects; and what has waited long, whoever submitted it, goes once more to the primary, so that a
 * lost frame never leaves a transaction in pools that do not propose. */
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/details.h"
#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/frame.h"

struct admit_task {
    struct task task;
    struct driver *driver;
    uint8_t *bytes;
    size_t size;
    enum admit_origin origin;
    struct node_submit *request;
    struct fetch_group *group;
    Xuelian__Params params; /* it is held to */
    uint64_t height;        /* it may be in this block at the earliest */
    uint64_t applied;       /* the state that it was held to is of this height or later */
    enum status status;
    uint32_t item;    /* whose details are wrong */
    struct hash32 id; /* zeros: malformed */
    struct body *body;
};

static void admit_run(struct task *task)
{
    struct admit_task *admit = (struct admit_task *)task;
    struct node *node = admit->driver->node;
    struct arena arena;
    struct submission submission;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(tx != NULL && memory != NULL);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    admit->status = submission_read(&submission, bytes_of(admit->bytes, admit->size));
    if (admit->status == ST_OK) {
        admit->status = tx_parse(tx, submission.tx, &node->genesis.chain_id, &arena);
    }
    if (admit->status == ST_OK) {
        admit->id = tx->id;
        admit->status = submission_check(&submission, tx, &admit->item);
    }
    if (admit->status == ST_OK && admit->origin != ADMIT_FETCH) {
        admit->status = ledger_check(node->state_kv, &admit->params, tx, admit->height);
    }
    if (admit->status == ST_OK) {
        admit->status = tx_verify_signatures(tx);
    }
    if (admit->status == ST_OK) {
        admit->body = body_new(tx, submission.bytes, submission.details.size > 0, ledger_work(tx));
    }
    free(memory);
    free(tx);
}

/* A block may have taken it since the worker looked. */
static bool committed_meanwhile(struct driver *driver, const struct admit_task *admit)
{
    struct ledger_view view;
    struct tx_place place;
    if (admit->applied == driver->applied_height) {
        return false; /* and a block that is being applied removes it when it is done */
    }
    if (ledger_view_open(&view, driver->node->state_kv) != ST_OK) {
        node_fatal("the state cannot be read", ST_IO);
    }
    bool found = ledger_view_tx(&view, &admit->id, &place, NULL, NULL) == ST_OK;
    ledger_view_close(&view);
    return found;
}

/* ---- Sending on ---- */

static void send_to(struct driver *driver, const struct pubkey33 *key, const struct body *body)
{
    Xuelian__Transactions wire = XUELIAN__TRANSACTIONS__INIT;
    ProtobufCBinaryData tx = field_borrow(body->parcel.data, body->parcel.size);
    wire.txs = &tx;
    wire.n_txs = 1;
    driver_send(driver, key, XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS, &wire.base);
}

static void relay(struct driver *driver, struct body *body)
{
    const struct validator_set *set = pbft_set(driver->core);
    const struct pubkey33 *own = signer_key(driver->node->signer);
    body->sent_ms = driver_now_ms();
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey33_compare(&set->validators[i].key, own) != 0) {
            send_to(driver, &set->validators[i].key, body);
        }
    }
}

struct relay_again {
    struct driver *driver;
    const struct pubkey33 *key;
    uint64_t before_ms; /* PBFT_NEVER_MS: all that are this node's own */
    size_t room;
};

static bool relay_visit(void *context, struct body *body)
{
    struct relay_again *again = context;
    bool all = again->before_ms == PBFT_NEVER_MS;
    if (all ? !body->own : body->added_ms >= again->before_ms) {
        return all; /* old ones come first */
    }
    if (!all && body->sent_ms >= again->before_ms) {
        return true;
    }
    if (body->parcel.size > again->room) {
        return false;
    }
    again->room -= body->parcel.size;
    body->sent_ms = all ? body->sent_ms : driver_now_ms();
    send_to(again->driver, again->key, body);
    return true;
}

void driver_relay_to(struct driver *driver, const struct pubkey33 *key)
{
    struct relay_again again = {
        .driver = driver, .key = key, .before_ms = PBFT_NEVER_MS, .room = 8u << 20};
    if (validator_set_find(pbft_set(driver->core), key) >= 0) {
        pool_each_waiting(driver->pool, relay_visit, &again);
    }
}

void driver_relay_old(struct driver *driver, uint64_t now_ms)
{
    const Xuelian__Params *params = &driver->params;
    struct pbft_summary summary;
    uint64_t quiet_ms = params->t0_ms / 2;
    if (now_ms < driver->relay_ms + quiet_ms / 2 || pool_count(driver->pool) == 0) {
        return;
    }
    driver->relay_ms = now_ms;
    pbft_summary(driver->core, &summary);
    /* While blocks go by, a backlog alone makes transactions wait; when none do, nothing else does. */
    uint64_t wait_ms =
        now_ms - driver->commit_ms > quiet_ms ? quiet_ms : params->request_timeout_ms / 2;
    const struct pubkey33 *primary = &pbft_set(driver->core)->validators[summary.primary].key;
    struct relay_again again = {.driver = driver,
                                .key = primary,
                                .before_ms = now_ms > wait_ms ? now_ms - wait_ms : 0,
                                .room = 1u << 20};
    /* Who is behind holds what was committed long ago. */
    if (!summary.catching_up && (summary.self < 0 || summary.primary != (uint32_t)summary.self)) {
        pool_each_waiting(driver->pool, relay_visit, &again);
    }
}

/* ---- In ---- */

void driver_group_part_done(struct driver *driver, struct fetch_group *group)
{
    if (--group->remaining == 0) {
        free(group->entries.list);
        free(group);
        driver_fetched(driver);
    }
}

static void into_pool(struct driver *driver, struct admit_task *admit)
{
    uint64_t work_max = admit->origin == ADMIT_SUBMIT ? driver_work_max(driver) : UINT64_MAX;
    if (admit->group != NULL && entry_find(&admit->group->entries, &admit->body->entry) == NULL) {
        admit->status = ST_NOT_FOUND;
        return;
    }
    if (committed_meanwhile(driver, admit)) {
        admit->status = ST_ID_USED;
        return;
    }
    admit->body->own = admit->origin == ADMIT_SUBMIT;
    admit->status = pool_add(driver->pool, admit->body, admit->origin == ADMIT_FETCH, work_max,
                             driver_now_ms());
    if (admit->status == ST_OK) {
        if (admit->body->own) {
            relay(driver, admit->body);
        }
        driver_body_arrived(driver, &admit->body->entry);
    }
}

static void admit_done(struct task *task)
{
    struct admit_task *admit = (struct admit_task *)task;
    struct driver *driver = admit->driver;
    driver->admitting -= admit->origin == ADMIT_FETCH ? 0 : admit->size;
    if (driver->stopping && admit->status == ST_OK) {
        admit->status = ST_BUSY;
    } else if (admit->status == ST_OK) {
        into_pool(driver, admit);
    }
    if (admit->request != NULL) {
        admit->request->tx.id = admit->id;
        admit->request->item = admit->item;
        driver_submitted(driver, admit->request, admit->status);
    }
    if (admit->group != NULL) {
        driver_group_part_done(driver, admit->group);
    }
    if (admit->body != NULL) {
        body_release(admit->body);
    }
    free(admit->bytes);
    free(admit);
    driver_waiting(driver);
    driver_pump(driver);
}

bool driver_admit(struct driver *driver, uint8_t *bytes, size_t size, enum admit_origin origin,
                  struct node_submit *request, struct fetch_group *group)
{
    size_t counted = origin == ADMIT_FETCH ? 0 : size;
    if (driver->admitting + counted > ADMITTING_MAX) {
        free(bytes);
        return false;
    }
    struct admit_task *admit = calloc(1, sizeof *admit);
    CHECK(admit != NULL);
    admit->task.run = admit_run;
    admit->task.done = admit_done;
    admit->driver = driver;
    admit->bytes = bytes;
    admit->size = size;
    admit->origin = origin;
    admit->request = request;
    admit->group = group;
    admit->params = driver->params;
    admit->height = driver->tip_height + 1;
    admit->applied = driver->applied_height;
    bool taken =
        origin == ADMIT_FETCH
            ? worker_post_urgent(driver->node->verifier, &driver->node->inbox, &admit->task)
            : worker_post(driver->node->verifier, &driver->node->inbox, &admit->task);
    if (taken) {
        driver->admitting += counted;
    } else {
        free(bytes);
        free(admit);
    }
    return taken;
}

void driver_transactions_frame(struct driver *driver, struct bytes body)
{
    void *memory;
    ProtobufCMessage *message = driver_decode(&xuelian__transactions__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__Transactions *wire = (const Xuelian__Transactions *)(const void *)message;
    for (size_t i = 0; i < wire->n_txs; i++) {
        uint8_t *copy = malloc(wire->txs[i].len + 1);
        CHECK(copy != NULL);
        if (wire->txs[i].len > 0) {
            memcpy(copy, wire->txs[i].data, wire->txs[i].len);
        }
        if (!driver_admit(driver, copy, wire->txs[i].len, ADMIT_RELAY, NULL, NULL)) {
            atomic_fetch_add(&driver->node->gauges.messages_dropped, 1);
        }
    }
    free(memory);
}
