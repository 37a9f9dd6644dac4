/* What peers send: consensus messages, transactions, bodies, blocks. */
#include <stdlib.h>
#include <string.h>

#include "node/driver_internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

/* ---- Consensus messages: outer signature on a worker, then into the core ---- */

struct message_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 from;
    struct pubkey33 key; /* under which the signature must verify */
    struct pbft_message message;
    bool good;
    uint8_t body[];
};

static void message_run(struct task *task)
{
    struct message_task *made = (struct message_task *)task;
    made->good = sign_verify(&made->key, &made->message.hash, &made->message.signature);
}

static void step_message(struct driver *driver, const struct pubkey33 *from,
                         const struct pbft_message *message)
{
    struct pbft_input input = {.type = PBFT_MESSAGE};
    input.message.from = *from;
    input.message.message = message;
    driver_step(driver, &input);
}

static void message_done(struct task *task)
{
    struct message_task *made = (struct message_task *)task;
    struct driver *driver = made->driver;
    if (made->good && !driver->stopping) {
        step_message(driver, &made->from, &made->message);
    } else if (!made->good) {
        log_event(LOG_WARN, "bad_signature",
                  "a consensus message with a bad signature was dropped");
    }
    free(made);
    driver_pump(driver);
}

static void consensus_frame(struct driver *driver, const struct pubkey33 *from, uint8_t type,
                            struct bytes body)
{
    struct arena arena;
    struct pbft_message message;
    struct pubkey33 key;
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    atomic_fetch_add(&driver->node->gauges.messages_in, 1);
    if (pbft_message_parse(&message, type, body, &driver->node->genesis.chain_id, &arena) !=
        ST_OK) {
        log_event(LOG_WARN, "bad_message", "a malformed consensus message was dropped");
        return;
    }
    if (!message.has_signer) {
        step_message(driver, from, &message);
        driver_pump(driver);
        return;
    }
    if (!pbft_signer_key(driver->core, message.era, message.sender, &key)) {
        return;
    }
    struct message_task *made = calloc(1, sizeof *made + body.size);
    CHECK(made != NULL);
    memcpy(made->body, body.data, body.size);
    made->task.run = message_run;
    made->task.done = message_done;
    made->driver = driver;
    made->from = *from;
    made->key = key;
    made->message = message;
    made->message.body = bytes_of(made->body, body.size);
    if (!worker_post(driver->node->verifier, &driver->node->inbox, &made->task)) {
        atomic_fetch_add(&driver->node->gauges.messages_dropped, 1);
        free(made);
    }
}

/* ---- Transactions: parsed and verified on a worker, then into the pool ---- */

struct admit_task {
    struct task task;
    struct driver *driver;
    uint8_t *bytes;
    size_t size;
    enum admit_origin origin;
    struct node_submit *request;
    struct fetch_group *group;
    uint64_t height;
    enum status status;
    struct body *body;
};

static void admit_run(struct task *task)
{
    struct admit_task *admit = (struct admit_task *)task;
    struct node *node = admit->driver->node;
    struct arena arena;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(tx != NULL && memory != NULL);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    admit->status =
        tx_parse(tx, bytes_of(admit->bytes, admit->size), &node->genesis.chain_id, &arena);
    if (admit->status == ST_OK && admit->origin != ADMIT_FETCH) {
        admit->status =
            ledger_check(node->state_kv, node->genesis.message->params, tx, admit->height);
    }
    if (admit->status == ST_OK) {
        admit->status = tx_verify_signatures(tx);
    }
    if (admit->status == ST_OK) {
        admit->body = body_new(tx, ledger_work(tx));
    } else if (admit->status != ST_ID_USED && admit->request != NULL) {
        admit->request->tx.id = tx->id;
    } else if (admit->request != NULL) {
        admit->request->tx.id = tx->id;
    }
    free(memory);
    free(tx);
}

static void relay(struct driver *driver, const struct body *body)
{
    Xuelian__Transactions wire = XUELIAN__TRANSACTIONS__INIT;
    ProtobufCBinaryData tx = field_borrow(body->bytes.data, body->bytes.size);
    const struct validator_set *set = pbft_set(driver->core);
    const struct pubkey33 *own = signer_key(driver->node->signer);
    wire.txs = &tx;
    wire.n_txs = 1;
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey33_compare(&set->validators[i].key, own) != 0) {
            driver_send(driver, &set->validators[i].key, XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS,
                        &wire.base);
        }
    }
}

static void group_part_done(struct driver *driver, struct fetch_group *group)
{
    if (--group->remaining > 0) {
        return;
    }
    struct pbft_input input = {.type = PBFT_FETCHED};
    if (group->proposal != NULL) {
        driver_keep_proposal(driver, group->proposal);
    }
    free(group);
    driver_step(driver, &input);
}

static void admit_done(struct task *task)
{
    struct admit_task *admit = (struct admit_task *)task;
    struct driver *driver = admit->driver;
    if (admit->status == ST_OK) {
        admit->status = pool_add(
            driver->pool, admit->body, admit->origin == ADMIT_FETCH,
            admit->origin == ADMIT_SUBMIT ? driver_work_max(driver) : UINT64_MAX, driver_now_ms());
        if (admit->status == ST_OK && admit->origin == ADMIT_SUBMIT) {
            relay(driver, admit->body);
        }
    }
    if (admit->request != NULL) {
        driver_submitted(driver, admit->request, admit->body, admit->status);
    }
    if (admit->group != NULL) {
        group_part_done(driver, admit->group);
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
    admit->height = driver->tip_height + 1;
    if (!worker_post(driver->node->verifier, &driver->node->inbox, &admit->task)) {
        free(bytes);
        free(admit);
        return false;
    }
    return true;
}

static uint8_t *copy_field(const ProtobufCBinaryData *field)
{
    uint8_t *copy = malloc(field->len + 1);
    CHECK(copy != NULL);
    if (field->len > 0) {
        memcpy(copy, field->data, field->len);
    }
    return copy;
}

/* Decodes a frame's message into memory of its own; NULL when malformed. The caller frees *memory. */
static ProtobufCMessage *decode(const ProtobufCMessageDescriptor *schema, struct bytes body,
                                void **memory)
{
    size_t room = body.size * 3 + 65536;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    *memory = malloc(room);
    CHECK(*memory != NULL);
    arena_init(&arena, *memory, room);
    if (canonical_decode(&message, schema, body, &arena) != ST_OK) {
        free(*memory);
        *memory = NULL;
        log_event(LOG_WARN, "bad_message", "a malformed %s was dropped", schema->short_name);
        return NULL;
    }
    return message;
}

static void transactions_frame(struct driver *driver, struct bytes body)
{
    void *memory;
    ProtobufCMessage *message = decode(&xuelian__transactions__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__Transactions *wire = (const Xuelian__Transactions *)(const void *)message;
    for (size_t i = 0; i < wire->n_txs; i++) {
        driver_admit(driver, copy_field(&wire->txs[i]), wire->txs[i].len, ADMIT_RELAY, NULL, NULL);
    }
    free(memory);
}

/* ---- Bodies ---- */

static void send_bodies(struct driver *driver, const struct pubkey33 *to, Xuelian__Bodies *wire,
                        const struct bytes *txs, uint32_t count)
{
    ProtobufCBinaryData *fields = calloc(count + 1u, sizeof *fields);
    CHECK(fields != NULL);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(txs[i].data, txs[i].size);
    }
    wire->txs = fields;
    wire->n_txs = count;
    driver_send(driver, to, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES, &wire->base);
    free(fields);
}

static void answer_by_header(struct driver *driver, const struct pubkey33 *to, uint64_t height,
                             const struct hash32 *header_hash)
{
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    const struct candidate *candidate = driver_find_candidate(driver, header_hash);
    struct candidate *stored = NULL;
    if (candidate == NULL) {
        uint8_t *bodies = NULL;
        size_t size = 0;
        if (block_log_get_proposal(driver->node->block_log, height, header_hash, &bodies, &size) ==
            ST_OK) {
            stored = candidate_from_bodies(bytes_of(bodies, size));
            kv_free(bodies);
        }
        candidate = stored;
    }
    if (candidate != NULL) {
        wire.height = height;
        wire.header_hash = field_borrow(header_hash, 32);
        wire.proposal = field_borrow(candidate->proposal, candidate->proposal_size);
        send_bodies(driver, to, &wire, candidate->txs, candidate->count);
    }
    candidate_free(stored);
}

static void bodies_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body)
{
    void *memory;
    ProtobufCMessage *message = decode(&xuelian__bodies_request__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__BodiesRequest *wire = (const Xuelian__BodiesRequest *)(const void *)message;
    struct hash32 header_hash;
    if (field_copy(&header_hash, 32, &wire->header_hash)) {
        answer_by_header(driver, from, wire->height, &header_hash);
    } else if (wire->entries.len % 32 == 0 &&
               wire->entries.len / 32 <= LIMIT_PROPOSAL_ENTRIES_MAX) {
        uint32_t asked = (uint32_t)(wire->entries.len / 32);
        struct bytes *txs = calloc(asked + 1u, sizeof *txs);
        uint32_t count = 0;
        size_t size = 0;
        CHECK(txs != NULL);
        for (uint32_t i = 0; i < asked && size < SYNC_BYTES_MAX; i++) {
            struct hash32 entry;
            memcpy(entry.bytes, wire->entries.data + 32 * (size_t)i, 32);
            const struct body *found = pool_find_entry(driver->pool, &entry);
            if (found != NULL) {
                txs[count++] = found->bytes;
                size += found->bytes.size;
            }
        }
        if (count > 0) {
            Xuelian__Bodies answer = XUELIAN__BODIES__INIT;
            answer.height = wire->height;
            send_bodies(driver, from, &answer, txs, count);
        }
        free(txs);
    }
    free(memory);
}

static void bodies_frame(struct driver *driver, struct bytes body)
{
    void *memory;
    ProtobufCMessage *message = decode(&xuelian__bodies__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__Bodies *wire = (const Xuelian__Bodies *)(const void *)message;
    struct fetch_group *group = calloc(1, sizeof *group);
    CHECK(group != NULL);
    group->remaining = 1;
    struct hash32 header_hash;
    if (field_copy(&header_hash, 32, &wire->header_hash)) {
        group->proposal = candidate_from_bodies(body);
        if (group->proposal != NULL) {
            group->proposal->header_hash = header_hash;
        }
    }
    for (size_t i = 0; i < wire->n_txs && i < LIMIT_PROPOSAL_ENTRIES_MAX; i++) {
        group->remaining++;
        if (!driver_admit(driver, copy_field(&wire->txs[i]), wire->txs[i].len, ADMIT_FETCH, NULL,
                          group)) {
            group->remaining--;
        }
    }
    free(memory);
    group_part_done(driver, group);
    driver_pump(driver);
}

/* ---- Blocks ---- */

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
    struct stored_block *blocks = calloc(FETCHED_BLOCKS, sizeof *blocks);
    ProtobufCBinaryData fields[FETCHED_BLOCKS];
    Xuelian__Blocks wire = XUELIAN__BLOCKS__INIT;
    size_t size = 0;
    CHECK(blocks != NULL);
    while (wire.n_blocks < serve->count && size < SYNC_BYTES_MAX &&
           block_log_get(serve->driver->node->block_log, serve->from_height + wire.n_blocks,
                         &blocks[wire.n_blocks]) == ST_OK) {
        struct bytes bytes = blocks[wire.n_blocks].bytes;
        fields[wire.n_blocks++] = field_borrow(bytes.data, bytes.size);
        size += bytes.size;
    }
    wire.blocks = fields;
    if (wire.n_blocks > 0) {
        serve->answer = malloc(canonical_size(&wire.base));
        CHECK(serve->answer != NULL);
        serve->size = canonical_encode(serve->answer, &wire.base);
    }
    for (size_t i = 0; i < wire.n_blocks; i++) {
        stored_block_free(&blocks[i]);
    }
    free(blocks);
}

static void serve_done(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    if (serve->size > 0 && !serve->driver->stopping) {
        peers_send(serve->driver->node->peers, &serve->to, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS,
                   bytes_of(serve->answer, serve->size));
    }
    free(serve->answer);
    free(serve);
}

static void blocks_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body)
{
    void *memory;
    ProtobufCMessage *message = decode(&xuelian__blocks_request__descriptor, body, &memory);
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
    if (!worker_post(driver->node->reader, &driver->node->inbox, &serve->task)) {
        free(serve);
    }
}

struct blocks_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 from;
    uint8_t *body;
    size_t size;
    uint32_t count;
    struct fetched_block blocks[FETCHED_BLOCKS];
};

/* Verifies a block's transactions and rebuilds the proposal that led to it. */
static bool check_block(struct fetched_block *fetched, const struct hash32 *chain_id)
{
    const struct stored_block *block = &fetched->block;
    Xuelian__Proposal wire = XUELIAN__PROPOSAL__INIT;
    uint8_t *entries = malloc(32u * (size_t)block->tx_count + 1);
    void *memory = malloc(TX_ARENA_SIZE);
    struct tx *tx = malloc(sizeof *tx);
    bool good = hash32_equal(&block->header.chain_id, chain_id);
    CHECK(entries != NULL && memory != NULL && tx != NULL);
    for (uint32_t i = 0; i < block->tx_count && good; i++) {
        struct arena arena;
        arena_init(&arena, memory, TX_ARENA_SIZE);
        good = tx_parse(tx, block->txs[i], chain_id, &arena) == ST_OK &&
               tx_verify_signatures(tx) == ST_OK;
        memcpy(entries + 32 * (size_t)i, tx->entry.bytes, 32);
    }
    if (good) {
        wire.parent_hash = field_borrow(&block->header.parent_hash, 32);
        wire.time_ms = block->header.time_ms;
        wire.entries = field_borrow(entries, 32u * (size_t)block->tx_count);
        fetched->proposal = malloc(canonical_size(&wire.base));
        CHECK(fetched->proposal != NULL);
        fetched->proposal_size = canonical_encode(fetched->proposal, &wire.base);
    }
    free(tx);
    free(memory);
    free(entries);
    return good;
}

static void blocks_run(struct task *task)
{
    struct blocks_task *made = (struct blocks_task *)task;
    void *memory;
    ProtobufCMessage *message =
        decode(&xuelian__blocks__descriptor, bytes_of(made->body, made->size), &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__Blocks *wire = (const Xuelian__Blocks *)(const void *)message;
    for (size_t i = 0; i < wire->n_blocks && made->count < FETCHED_BLOCKS; i++) {
        struct fetched_block *fetched = &made->blocks[made->count];
        if (stored_block_decode(&fetched->block, field_bytes(&wire->blocks[i])) != ST_OK) {
            break;
        }
        if (!check_block(fetched, &made->driver->node->genesis.chain_id)) {
            stored_block_free(&fetched->block);
            break;
        }
        fetched->present = true;
        fetched->from = made->from;
        made->count++;
    }
    free(memory);
}

static void blocks_done(struct task *task)
{
    struct blocks_task *made = (struct blocks_task *)task;
    struct driver *driver = made->driver;
    for (uint32_t i = 0; i < made->count; i++) {
        uint64_t height = made->blocks[i].block.header.height;
        struct fetched_block *slot = &driver->blocks[height % FETCHED_BLOCKS];
        if (height <= driver->tip_height || height > driver->tip_height + FETCHED_BLOCKS) {
            stored_block_free(&made->blocks[i].block);
            free(made->blocks[i].proposal);
            continue;
        }
        if (slot->present) {
            stored_block_free(&slot->block);
            free(slot->proposal);
        }
        *slot = made->blocks[i];
    }
    free(made->body);
    free(made);
    driver_offer_block(driver);
    driver_pump(driver);
}

static void blocks_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body)
{
    struct blocks_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->task.run = blocks_run;
    made->task.done = blocks_done;
    made->driver = driver;
    made->from = *from;
    made->body = malloc(body.size + 1);
    CHECK(made->body != NULL);
    memcpy(made->body, body.data, body.size);
    made->size = body.size;
    if (!worker_post(driver->node->verifier, &driver->node->inbox, &made->task)) {
        free(made->body);
        free(made);
    }
}

void driver_frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    struct driver *driver = ((struct node *)context)->driver;
    if (driver == NULL || driver->stopping) {
        return;
    }
    if (pbft_takes(type)) {
        consensus_frame(driver, key, type, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS) {
        transactions_frame(driver, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST) {
        bodies_request_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES) {
        bodies_frame(driver, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST) {
        blocks_request_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS) {
        blocks_frame(driver, key, body);
    }
}
