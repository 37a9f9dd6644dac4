/* Details: kept before a vote for them leaves, settled after each block, got from peers where they lack, served, and
 * compacted away where they were erased. All writing is the details thread's. */
#include "node/details.h"

#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum {
    SETTLE_EVERY = 256,  /* blocks without details are noted so often */
    SETTLE_MAX = 64,     /* tasks, past which blocks are settled later, so many at once */
    ANSWER_MS = 2000,    /* a peer is waited for so long */
    FIRST_WAIT_MS = 250, /* after an answer that brought nothing; doubled up to */
    LAST_WAIT_MS = 30000
};

/* ---- Before PREPARE ---- */

struct keep_task {
    struct task task;
    struct driver *driver;
    const struct candidate *candidate; /* borrowed: candidates stay while the queue is stopped */
};

static enum status keep_body(struct node *node, uint64_t height, const struct body *body,
                             struct tx *tx, struct arena *arena)
{
    struct submission submission;
    struct details_key key;
    struct bytes details;
    size_t at = 0;
    arena_reset(arena);
    enum status status = submission_read(&submission, body->parcel);
    if (status == ST_OK) {
        status = tx_parse(tx, submission.tx, &node->genesis.chain_id, arena);
    }
    for (uint32_t i = 0; status == ST_OK && i < tx->item_count; i++) {
        if (tx_details_key(tx, i, &key)) {
            CHECK(submission_next(&submission, &at, &details));
            status = details_store_propose(node->details, height, &key, details);
        }
    }
    return status;
}

static void keep_run(struct task *task)
{
    struct keep_task *keep = (struct keep_task *)task;
    struct node *node = keep->driver->node;
    struct arena arena;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    enum status status = ST_OK;
    CHECK(tx != NULL && memory != NULL);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    for (uint32_t i = 0; status == ST_OK && i < keep->candidate->count; i++) {
        if (keep->candidate->held[i]->details) {
            status = keep_body(node, keep->candidate->block->header.height,
                               keep->candidate->held[i], tx, &arena);
        }
    }
    if (status == ST_OK) {
        status = details_store_sync(node->details);
    }
    if (status != ST_OK) {
        node_fatal("the store of details could not be written", status);
    }
    free(memory);
    free(tx);
}

static void keep_done(struct task *task)
{
    struct driver *driver = ((struct keep_task *)task)->driver;
    free(task);
    driver_unblock(driver);
}

void driver_keep_details(struct driver *driver)
{
    for (struct candidate *candidate = driver->candidates; candidate != NULL;
         candidate = candidate->next) {
        if (candidate->kept || candidate->held == NULL || candidate->block == NULL ||
            !candidate->block->details) {
            continue;
        }
        struct keep_task *keep = calloc(1, sizeof *keep);
        CHECK(keep != NULL);
        keep->task.run = keep_run;
        keep->task.done = keep_done;
        keep->driver = driver;
        keep->candidate = candidate;
        candidate->kept = true;
        driver->blocked++;
        CHECK(worker_post(driver->node->details_writer, &driver->node->inbox, &keep->task));
    }
}

/* ---- After a block ---- */

struct settle_task {
    struct task task;
    struct driver *driver;
    uint64_t first;
    uint64_t height;
    uint32_t count;       /* of the block at height */
    struct body **bodies; /* count, those without details NULL; or NULL */
};

void driver_settle_free(struct settle_task *settle)
{
    for (uint32_t i = 0; settle != NULL && settle->bodies != NULL && i < settle->count; i++) {
        if (settle->bodies[i] != NULL) {
            body_release(settle->bodies[i]);
        }
    }
    if (settle != NULL) {
        free(settle->bodies);
        free(settle);
    }
}

static void settle_run(struct task *task)
{
    struct settle_task *settle = (struct settle_task *)task;
    enum status status = ST_OK;
    for (uint64_t at = settle->first; status == ST_OK && at <= settle->height; at++) {
        bool last = at == settle->height;
        status = details_settle(settle->driver->node, at, last ? settle->bodies : NULL,
                                last ? settle->count : 0);
    }
    if (status != ST_OK) {
        node_fatal("the store of details could not follow a block", status);
    }
}

static void settle_late(struct driver *driver);

static void settle_done(struct task *task)
{
    struct settle_task *settle = (struct settle_task *)task;
    struct driver *driver = settle->driver;
    driver->details.settling--;
    settle_late(driver);
    driver->details.wait_ms = 0;
    driver->details.next_ms = driver_now_ms(); /* something may be wanted, or to be compacted */
    driver_settle_free(settle);
}

static struct settle_task *settle_new(struct driver *driver, uint64_t first, uint64_t height)
{
    struct settle_task *settle = calloc(1, sizeof *settle);
    CHECK(settle != NULL);
    settle->task.run = settle_run;
    settle->task.done = settle_done;
    settle->driver = driver;
    settle->first = first;
    settle->height = height;
    return settle;
}

static bool settle_post(struct driver *driver, struct settle_task *settle)
{
    bool posted = driver->details.settling < SETTLE_MAX &&
                  worker_post(driver->node->details_writer, &driver->node->inbox, &settle->task);
    driver->details.settling += posted;
    return posted;
}

/* Some of the blocks that came when there was no room. What of their details is not here is fetched. */
static void settle_late(struct driver *driver)
{
    struct details_work *work = &driver->details;
    if (work->late_first == 0 || work->settling > 0 || driver->stopping) {
        return; /* those before them end first; when stopping, the next start does it */
    }
    uint64_t height = work->late_last - work->late_first < SETTLE_MAX
                          ? work->late_last
                          : work->late_first + SETTLE_MAX - 1;
    struct settle_task *settle = settle_new(driver, work->late_first, height);
    if (settle_post(driver, settle)) {
        work->late_first = height < work->late_last ? height + 1 : 0;
    } else {
        driver_settle_free(settle);
    }
}

struct settle_task *driver_settle_make(struct driver *driver, const struct candidate *candidate)
{
    const struct ledger_block *block = candidate->block;
    if (!block->details && block->header.height % SETTLE_EVERY != 0) {
        return NULL;
    }
    struct settle_task *settle = settle_new(driver, block->header.height, block->header.height);
    settle->count = block->details ? block->tx_count : 0;
    settle->bodies = block->details ? calloc(settle->count + 1u, sizeof(struct body *)) : NULL;
    CHECK(!block->details || settle->bodies != NULL);
    for (uint32_t i = 0; i < settle->count; i++) {
        struct body *body = candidate->held != NULL ? candidate->held[i]
                                                    : pool_find_id(driver->pool, &block->tx_ids[i]);
        if (body != NULL && body->details) {
            body_hold(body);
            settle->bodies[i] = body;
        }
    }
    return settle;
}

void driver_settle(struct driver *driver, struct settle_task *settle)
{
    struct details_work *work = &driver->details;
    if (settle == NULL || driver->stopping) {
        driver_settle_free(settle); /* the next start does it */
    } else if (work->late_first != 0 || !settle_post(driver, settle)) {
        work->late_first = work->late_first != 0 ? work->late_first : settle->height;
        work->late_last = settle->height;
        driver_settle_free(settle);
    }
}

/* ---- What is wanted ---- */

struct want_task {
    struct task task;
    struct driver *driver;
    struct details_ask ask;
    bool erased;
    struct hash32 account; /* of which something was erased */
    uint8_t *answer;
    size_t size;
    uint32_t taken;
};

static struct want_task *want_new(struct driver *driver, void (*run)(struct task *),
                                  void (*done)(struct task *))
{
    struct want_task *want = calloc(1, sizeof *want);
    CHECK(want != NULL);
    want->task.run = run;
    want->task.done = done;
    want->driver = driver;
    return want;
}

static void want_free(struct want_task *want)
{
    free(want->answer);
    free(want);
}

static void pause_details(struct driver *driver)
{
    uint64_t wait_ms = driver->details.wait_ms * 2;
    wait_ms = wait_ms < FIRST_WAIT_MS ? FIRST_WAIT_MS : wait_ms;
    driver->details.wait_ms = wait_ms < LAST_WAIT_MS ? wait_ms : LAST_WAIT_MS;
    driver->details.next_ms = driver_now_ms() + driver->details.wait_ms;
}

struct peer_choice {
    uint32_t left;
    bool found;
    struct pubkey33 key;
};

static void choose_peer(void *context, const struct pubkey33 *key)
{
    struct peer_choice *choice = context;
    if (!choice->found && choice->left-- == 0) {
        choice->found = true;
        choice->key = *key;
    }
}

static void ask(struct driver *driver, const struct details_ask *wanted)
{
    Xuelian__DetailsRequest wire = XUELIAN__DETAILS_REQUEST__INIT;
    Xuelian__DetailsKey keys[DETAILS_ASK_MAX];
    Xuelian__DetailsKey *pointers[DETAILS_ASK_MAX];
    uint32_t peers = peers_count(driver->node->peers);
    if (peers == 0) {
        pause_details(driver);
        return;
    }
    struct peer_choice choice = {.left = driver->details.peer++ % peers};
    peers_each(driver->node->peers, choose_peer, &choice);
    driver->details.ask = *wanted;
    driver->details.ask.peer = choice.key;
    driver->details.ask.deadline_ms = driver_now_ms() + ANSWER_MS;
    for (uint32_t i = 0; i < wanted->count; i++) {
        xuelian__details_key__init(&keys[i]);
        keys[i].account = field_borrow(&wanted->keys[i].account, 32);
        keys[i].issuer = wanted->keys[i].issuer;
        keys[i].details_root = field_borrow(&wanted->keys[i].root, 32);
        pointers[i] = &keys[i];
    }
    wire.keys = pointers;
    wire.n_keys = wanted->count;
    driver_send(driver, &choice.key, XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_REQUEST, &wire.base);
}

static void look_run(struct task *task)
{
    struct want_task *want = (struct want_task *)task;
    struct details_store *store = want->driver->node->details;
    if (details_store_wanted(store, want->ask.keys, &want->ask.count) != ST_OK) {
        node_fatal("the store of details cannot be read", ST_IO);
    }
    want->erased = details_store_erased(store, &want->account);
}

static void compact_start(struct driver *driver, const struct hash32 *account);

static void look_done(struct task *task)
{
    struct want_task *want = (struct want_task *)task;
    struct driver *driver = want->driver;
    driver->details.busy = false;
    if (!driver->stopping && want->erased && !driver->details.compacting) {
        compact_start(driver, &want->account);
    }
    if (!driver->stopping && want->ask.count > 0) {
        ask(driver, &want->ask);
    } else {
        pause_details(driver);
    }
    want_free(want);
}

void driver_details_tick(struct driver *driver, uint64_t now_ms)
{
    struct details_work *work = &driver->details;
    settle_late(driver);
    if (work->ask.count > 0 && now_ms >= work->ask.deadline_ms) {
        work->ask.count = 0;
        pause_details(driver);
    }
    if (work->busy || work->ask.count > 0 || now_ms < work->next_ms) {
        return;
    }
    struct want_task *want = want_new(driver, look_run, look_done);
    work->busy = worker_post(driver->node->details_writer, &driver->node->inbox, &want->task);
    if (!work->busy) {
        want_free(want);
    }
}

static void fill_run(struct task *task)
{
    struct want_task *want = (struct want_task *)task;
    void *memory;
    ProtobufCMessage *message = driver_decode(&xuelian__details_answer__descriptor,
                                              bytes_of(want->answer, want->size), &memory);
    const Xuelian__DetailsAnswer *wire = (const Xuelian__DetailsAnswer *)(const void *)message;
    for (size_t i = 0; wire != NULL && i < wire->n_details && i < DETAILS_ASK_MAX; i++) {
        enum status status =
            details_store_fill(want->driver->node->details, want->ask.keys, want->ask.count,
                               field_bytes(&wire->details[i]), &want->taken);
        if (status != ST_OK) {
            node_fatal("the store of details could not be written", status);
        }
    }
    free(memory);
}

static void fill_done(struct task *task)
{
    struct want_task *want = (struct want_task *)task;
    struct driver *driver = want->driver;
    driver->details.busy = false;
    if (want->taken > 0) {
        driver->details.wait_ms = 0;
        driver->details.next_ms = driver_now_ms();
        log_event(LOG_DEBUG, "details", "the details of %u records came from a peer", want->taken);
    } else {
        pause_details(driver);
    }
    want_free(want);
}

void driver_details_answer_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body)
{
    struct details_work *work = &driver->details;
    if (work->ask.count == 0 || work->busy || pubkey33_compare(&work->ask.peer, from) != 0) {
        return; /* nobody asked, or it came too late */
    }
    struct want_task *want = want_new(driver, fill_run, fill_done);
    want->ask = work->ask;
    want->answer = malloc(body.size + 1);
    CHECK(want->answer != NULL);
    if (body.size > 0) {
        memcpy(want->answer, body.data, body.size);
    }
    want->size = body.size;
    work->ask.count = 0;
    work->busy = worker_post(driver->node->details_writer, &driver->node->inbox, &want->task);
    if (!work->busy) {
        want_free(want);
    }
}

/* ---- Serving, on the reader ---- */

struct serve_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 to;
    struct details_ask ask;
    uint8_t *found[DETAILS_ASK_MAX];
    size_t sizes[DETAILS_ASK_MAX];
    uint32_t count;
};

static void serve_run(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    for (uint32_t i = 0; i < serve->ask.count; i++) {
        if (details_store_get(serve->driver->node->details, &serve->ask.keys[i],
                              &serve->found[serve->count], &serve->sizes[serve->count]) == ST_OK) {
            serve->count++;
        }
    }
}

static void serve_done(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    struct driver *driver = serve->driver;
    ProtobufCBinaryData fields[DETAILS_ASK_MAX];
    Xuelian__DetailsAnswer wire = XUELIAN__DETAILS_ANSWER__INIT;
    driver->details.serving[driver_bucket(&serve->to)] = false;
    for (uint32_t i = 0; i < serve->count; i++) {
        fields[i] = field_borrow(serve->found[i], serve->sizes[i]);
    }
    wire.details = fields;
    wire.n_details = serve->count;
    if (!driver->stopping) {
        driver_send(driver, &serve->to, XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_ANSWER, &wire.base);
    }
    for (uint32_t i = 0; i < serve->count; i++) {
        kv_free(serve->found[i]);
    }
    free(serve);
}

void driver_details_request_frame(struct driver *driver, const struct pubkey33 *from,
                                  struct bytes body)
{
    void *memory;
    bool *serving = &driver->details.serving[driver_bucket(from)];
    if (*serving) {
        return; /* it asks again before it was answered */
    }
    ProtobufCMessage *message = driver_decode(&xuelian__details_request__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__DetailsRequest *wire = (const Xuelian__DetailsRequest *)(const void *)message;
    struct serve_task *serve = calloc(1, sizeof *serve);
    CHECK(serve != NULL);
    serve->task.run = serve_run;
    serve->task.done = serve_done;
    serve->driver = driver;
    serve->to = *from;
    for (size_t i = 0; i < wire->n_keys && serve->ask.count < DETAILS_ASK_MAX; i++) {
        struct details_key *key = &serve->ask.keys[serve->ask.count];
        key->issuer = wire->keys[i]->issuer;
        serve->ask.count += field_copy(&key->account, 32, &wire->keys[i]->account) &&
                            field_copy(&key->root, 32, &wire->keys[i]->details_root);
    }
    free(memory);
    *serving = worker_post(driver->node->reader, &driver->node->inbox, &serve->task);
    if (!*serving) {
        free(serve);
    }
}

/* ---- Compacting: on the reader, so that votes need not wait; the small writes between on the details thread ---- */

struct compact_task {
    struct task task;
    struct driver *driver;
    struct hash32 account;
    unsigned step;
};

static void compact_run(struct task *task)
{
    struct compact_task *compact = (struct compact_task *)task;
    struct details_store *store = compact->driver->node->details;
    enum status status = ST_OK;
    if (compact->step == 1) {
        status = details_store_compacting(store, &compact->account);
    } else if (compact->step == 3) {
        status = details_store_compacted(store, &compact->account);
    } else {
        details_store_compact(store, &compact->account);
    }
    if (status != ST_OK) {
        node_fatal("the store of details could not be written", status);
    }
}

static void compact_done(struct task *task)
{
    struct compact_task *compact = (struct compact_task *)task;
    struct driver *driver = compact->driver;
    struct node *node = driver->node;
    compact->step++;
    bool last = compact->step > 3 || driver->stopping;
    if (last || !worker_post(compact->step % 2 == 1 ? node->details_writer : node->reader,
                             &node->inbox, &compact->task)) {
        driver->details.compacting = false;
        driver->details.next_ms = driver_now_ms();
        free(compact);
    }
}

static void compact_start(struct driver *driver, const struct hash32 *account)
{
    struct compact_task *compact = calloc(1, sizeof *compact);
    CHECK(compact != NULL);
    compact->task.run = compact_run;
    compact->task.done = compact_done;
    compact->driver = driver;
    compact->account = *account;
    driver->details.compacting =
        worker_post(driver->node->reader, &driver->node->inbox, &compact->task);
    if (!driver->details.compacting) {
        free(compact);
    }
}
