/* PERSIST: the vote journal, the block log and the store of details, side by side, each on its own thread. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

struct persist_task {
    struct task task;
    struct driver *driver;
    struct vote_record record;
    uint8_t *payload;
    /* For the block log: */
    struct candidate *store; /* borrowed: candidates stay while the queue is stopped */
    uint64_t store_height;
    struct hash32 store_hash;
    uint64_t era, view;
    uint8_t *new_view;
    size_t new_view_size;
};

static void persist_done(struct task *task)
{
    struct persist_task *persist = (struct persist_task *)task;
    struct driver *driver = persist->driver;
    free(persist->payload);
    free(persist->new_view);
    free(persist);
    driver_unblock(driver);
}

static void persist_journal(struct task *task)
{
    struct persist_task *persist = (struct persist_task *)task;
    persist->record.payload = bytes_of(persist->payload, persist->record.payload.size);
    enum status status = vote_journal_append(persist->driver->node->journal, &persist->record);
    if (status != ST_OK) {
        node_fatal("the vote journal could not be written", status);
    }
}

static void persist_log(struct task *task)
{
    struct persist_task *persist = (struct persist_task *)task;
    struct block_log *log = persist->driver->node->block_log;
    enum status status = ST_OK;
    if (persist->new_view_size > 0) {
        status = block_log_put_new_view(log, persist->era, persist->view,
                                        bytes_of(persist->new_view, persist->new_view_size), false);
    }
    if (status == ST_OK && persist->store != NULL) {
        status = block_log_put_proposal(
            log, persist->store_height, &persist->store_hash,
            bytes_of(persist->store->proposal, persist->store->proposal_size), persist->store->txs,
            persist->store->count, false);
    }
    /* One sync makes durable all that was written before it. */
    if (status == ST_OK) {
        status = block_log_sync(log);
    }
    if (status != ST_OK) {
        node_fatal("the block log could not be written", status);
    }
}

static uint8_t *copy_bytes(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    CHECK(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}

static struct persist_task *persist_new(struct driver *driver, void (*run)(struct task *))
{
    struct persist_task *persist = calloc(1, sizeof *persist);
    CHECK(persist != NULL);
    persist->task.run = run;
    persist->task.done = persist_done;
    persist->driver = driver;
    driver->blocked++;
    return persist;
}

static void write_journal(struct driver *driver, const struct pbft_effect *effect)
{
    struct node *node = driver->node;
    struct persist_task *journal = persist_new(driver, persist_journal);
    journal->record = (struct vote_record){.era = effect->persist.era,
                                           .view = effect->persist.view,
                                           .height = effect->persist.height,
                                           .committed_height = effect->persist.committed_height,
                                           .committed_hash = effect->persist.committed_hash};
    journal->payload = copy_bytes(effect->persist.record);
    journal->record.payload.size = effect->persist.record.size;
    CHECK(worker_post(node->journal_writer, &node->inbox, &journal->task));
}

static void write_log(struct driver *driver, const struct pbft_effect *effect)
{
    struct node *node = driver->node;
    struct persist_task *log = persist_new(driver, persist_log);
    if (effect->persist.store_height != 0) {
        log->store = driver_find_candidate(driver, &effect->persist.store_hash);
        CHECK(log->store != NULL);
        log->store_height = effect->persist.store_height;
        log->store_hash = effect->persist.store_hash;
    }
    log->era = effect->persist.era;
    log->view = effect->persist.view;
    log->new_view = copy_bytes(effect->persist.new_view);
    log->new_view_size = effect->persist.new_view.size;
    driver->log_dirty = false;
    CHECK(worker_post(node->log_writer, &node->inbox, &log->task));
}

void driver_persist(struct driver *driver, const struct pbft_effect *effect)
{
    /* Without a journal (lost) the core only follows: nothing that it persists can bind a vote. */
    if (driver->node->journal != NULL) {
        write_journal(driver, effect);
    }
    driver_keep_details(driver);
    if (effect->persist.store_height != 0 || effect->persist.new_view.size > 0 ||
        driver->log_dirty) {
        write_log(driver, effect);
    }
}

struct sync_task {
    struct task task;
    struct driver *driver;
};

static void sync_run(struct task *task)
{
    if (block_log_sync(((struct sync_task *)task)->driver->node->block_log) != ST_OK) {
        node_fatal("the block log could not be written", ST_IO);
    }
}

static void sync_done(struct task *task)
{
    free(task);
}

void driver_sync_idle(struct driver *driver, uint64_t now_ms)
{
    if (!driver->log_dirty || now_ms < driver->dirty_ms + SYNC_IDLE_MS) {
        return;
    }
    struct sync_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->task.run = sync_run;
    made->task.done = sync_done;
    made->driver = driver;
    driver->log_dirty = false;
    CHECK(worker_post(driver->node->log_writer, &driver->node->inbox, &made->task));
}
