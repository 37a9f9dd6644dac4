/* Certified blocks: asked for when this node is behind, and served to those that are. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/frame.h"

void driver_fetch_blocks(struct driver *driver, const struct pbft_effect *effect)
{
    Xuelian__BlocksRequest wire = XUELIAN__BLOCKS_REQUEST__INIT;
    wire.from_height = effect->fetch_blocks.from_height;
    wire.count =
        effect->fetch_blocks.count < FETCHED_BLOCKS ? effect->fetch_blocks.count : FETCHED_BLOCKS;
    driver_asked_blocks(driver, &effect->fetch_blocks.peer);
    driver_send(driver, &effect->fetch_blocks.peer, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST,
                &wire.base);
}

/* ---- Serving, on the reader ---- */

struct serve_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 to;
    uint64_t from_height;
    uint32_t count;
    uint8_t *answer;
    size_t size;
};

static void serve_run(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    struct block_log *log = serve->driver->node->block_log;
    struct stored_block *blocks = calloc(FETCHED_BLOCKS, sizeof *blocks);
    ProtobufCBinaryData fields[FETCHED_BLOCKS];
    Xuelian__Blocks wire = XUELIAN__BLOCKS__INIT;
    size_t room = frame_body_size_max(XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS);
    size_t size = 0;
    uint32_t read = 0;
    CHECK(blocks != NULL);
    while (read < serve->count && size < SYNC_BYTES_MAX &&
           block_log_get(log, serve->from_height + read, &blocks[read]) == ST_OK) {
        struct bytes bytes = blocks[read++].bytes;
        if (size + bytes.size + 16 > room) {
            break;
        }
        fields[wire.n_blocks++] = field_borrow(bytes.data, bytes.size);
        size += bytes.size + 16; /* tag and length take less */
    }
    wire.blocks = fields;
    if (wire.n_blocks > 0) {
        serve->answer = malloc(canonical_size(&wire.base));
        CHECK(serve->answer != NULL);
        serve->size = canonical_encode(serve->answer, &wire.base);
    }
    for (uint32_t i = 0; i < read; i++) {
        stored_block_free(&blocks[i]);
    }
    free(blocks);
}

static void serve_done(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    serve->driver->blocks_serving[driver_bucket(&serve->to)] = false;
    if (serve->size > 0 && !serve->driver->stopping) {
        peers_send(serve->driver->node->peers, &serve->to, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS,
                   bytes_of(serve->answer, serve->size));
    }
    free(serve->answer);
    free(serve);
}

void driver_blocks_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body)
{
    void *memory;
    bool *serving = &driver->blocks_serving[driver_bucket(from)];
    if (*serving) {
        return; /* it asks again before it was answered */
    }
    ProtobufCMessage *message = driver_decode(&xuelian__blocks_request__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__BlocksRequest *wire = (const Xuelian__BlocksRequest *)(const void *)message;
    struct serve_task *serve = calloc(1, sizeof *serve);
    CHECK(serve != NULL);
    serve->task.run = serve_run;
    serve->task.done = serve_done;
    serve->driver = driver;
    serve->to = *from;
    serve->from_height = wire->from_height;
    serve->count = wire->count < FETCHED_BLOCKS ? wire->count : FETCHED_BLOCKS;
    free(memory);
    *serving = worker_post(driver->node->reader, &driver->node->inbox, &serve->task);
    if (!*serving) {
        free(serve);
    }
}

/* ---- Receiving ----
 *
 * An answer is looked at block by block, each a task of its own: an urgent one, as the check of the certificate
 * that lets the next block in, waits for one block and not for all of them. While a peer's answer is looked at
 * the next one from it is dropped: a slow node that asks again gets no more to do by that. */

struct blocks_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 from;
    uint8_t *body;
    size_t size;
    void *memory;                /* of wire */
    const Xuelian__Blocks *wire; /* NULL: not decoded yet */
    size_t at;                   /* the block that is looked at */
    uint64_t tip_height;
    struct fetched_block block;
};

static void block_drop(struct fetched_block *fetched)
{
    stored_block_free(&fetched->block);
    free(fetched->proposal);
    *fetched = (struct fetched_block){.present = false};
}

static void blocks_run(struct task *task)
{
    struct blocks_task *made = (struct blocks_task *)task;
    struct fetched_block *fetched = &made->block;
    if (made->wire == NULL) {
        ProtobufCMessage *message = driver_decode(&xuelian__blocks__descriptor,
                                                  bytes_of(made->body, made->size), &made->memory);
        made->wire = (const Xuelian__Blocks *)(const void *)message;
    }
    if (made->wire == NULL || made->at >= made->wire->n_blocks ||
        stored_block_decode(&fetched->block, field_bytes(&made->wire->blocks[made->at])) != ST_OK) {
        made->at = FETCHED_BLOCKS;
        return;
    }
    fetched->from = made->from;
    if (fetched->block.header.height <= made->tip_height) {
        return; /* came too late */
    }
    fetched->present = fetched_block_check(fetched, &made->driver->node->genesis.chain_id);
    if (!fetched->present) {
        made->at = FETCHED_BLOCKS;
    }
}

static void blocks_end(struct blocks_task *made)
{
    made->driver->blocks_busy[driver_bucket(&made->from)] = false;
    block_drop(&made->block);
    free(made->memory);
    free(made->body);
    free(made);
}

/* The next block of the answer, if there may be one. */
static void blocks_next(struct blocks_task *made)
{
    struct driver *driver = made->driver;
    made->tip_height = driver->tip_height;
    if (made->at >= FETCHED_BLOCKS || driver->stopping ||
        !worker_post(driver->node->verifier, &driver->node->inbox, &made->task)) {
        blocks_end(made);
    }
}

static void blocks_done(struct task *task)
{
    struct blocks_task *made = (struct blocks_task *)task;
    struct driver *driver = made->driver;
    uint64_t height = made->block.block.header.height;
    bool taken = !driver->stopping && made->block.present && height > driver->tip_height &&
                 height <= driver->tip_height + FETCHED_BLOCKS;
    if (taken) {
        struct fetched_block *slot = &driver->blocks[height % FETCHED_BLOCKS];
        block_drop(slot);
        *slot = made->block;
        made->block = (struct fetched_block){.present = false};
    } else {
        block_drop(&made->block);
    }
    made->at++;
    blocks_next(made);
    if (taken) {
        driver_offer_block(driver);
        driver_fetched(driver);
        driver_pump(driver);
    }
}

void driver_blocks_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body)
{
    if (!driver_answered(driver, from, ASKED_BLOCKS, NULL, NULL) ||
        driver->blocks_busy[driver_bucket(from)]) {
        return;
    }
    struct blocks_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->task.run = blocks_run;
    made->task.done = blocks_done;
    made->driver = driver;
    made->from = *from;
    made->body = malloc(body.size + 1);
    CHECK(made->body != NULL);
    if (body.size > 0) {
        memcpy(made->body, body.data, body.size);
    }
    made->size = body.size;
    driver->blocks_busy[driver_bucket(from)] = true;
    blocks_next(made);
}

void driver_offer_block(struct driver *driver)
{
    struct fetched_block *fetched = &driver->blocks[(driver->tip_height + 1) % FETCHED_BLOCKS];
    if (!fetched->present || fetched->block.header.height != driver->tip_height + 1) {
        return;
    }
    if (fetched->block.recovery.size > 0) {
        driver_offer_recovery(driver, fetched);
        return;
    }
    struct pbft_input input = {.type = PBFT_CERTIFIED};
    input.certified.from = fetched->from;
    input.certified.header = fetched->block.header_bytes;
    input.certified.certificate = fetched->block.certificate;
    enum status verdict = driver_step(driver, &input);
    if (verdict != ST_OK && verdict != ST_DUPLICATE && status_class(verdict) == STATUS_CLASS_BAD) {
        block_drop(fetched);
    }
}

void driver_drop_blocks(struct driver *driver, uint64_t up_to)
{
    for (unsigned i = 0; i < FETCHED_BLOCKS; i++) {
        struct fetched_block *fetched = &driver->blocks[i];
        if (fetched->present && fetched->block.header.height <= up_to) {
            block_drop(fetched);
        }
    }
}
