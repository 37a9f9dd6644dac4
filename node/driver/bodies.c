/* Bodies: asked for when an execution lacks them, and served to whoever lacks them.
 *
 * By entries: single transactions with their details, from the pool and from what is executed here: what a vote
 * for a free proposal needs. By header hash: a whole proposal, without details, from what is executed here, from
 * the block log's stored proposals, or from a committed block. */
#include <stdlib.h>
#include <string.h>

#include "node/details.h"
#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

/* ---- Asking ---- */

void driver_fetch_bodies(struct driver *driver, const struct pbft_effect *effect)
{
    Xuelian__BodiesRequest wire = XUELIAN__BODIES_REQUEST__INIT;
    struct candidate parsed = {.count = 0};
    uint8_t *entries = NULL;
    size_t missing = 0;
    wire.height = effect->fetch_bodies.height;
    if (effect->fetch_bodies.proposal.size == 0) {
        wire.header_hash = field_borrow(&effect->fetch_bodies.header_hash, 32);
        driver_asked_proposal(driver, &effect->fetch_bodies.peer,
                              &effect->fetch_bodies.header_hash);
    } else if (proposal_read(effect->fetch_bodies.proposal, &parsed, &entries)) {
        for (uint32_t i = 0; i < parsed.count; i++) {
            struct hash32 entry;
            memcpy(entry.bytes, entries + 32 * (size_t)i, 32);
            if (pool_find_entry(driver->pool, &entry) == NULL) {
                memmove(entries + 32 * missing++, entry.bytes, 32);
            }
        }
        wire.entries = field_borrow(entries, 32 * missing);
        if (missing > 0) {
            driver_asked_entries(driver, &effect->fetch_bodies.peer,
                                 bytes_of(entries, 32 * missing));
        }
    }
    if (wire.header_hash.len > 0 || missing > 0) {
        driver_send(driver, &effect->fetch_bodies.peer,
                    XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST, &wire.base);
    } else {
        driver_fetched(driver); /* all came meanwhile */
    }
    free(entries);
}

/* ---- Answering by header hash: on the reader, unless it is executed here ---- */

struct serve_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 to;
    uint64_t height;
    struct hash32 header_hash;
    struct candidate *found;
};

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

static void send_candidate(struct driver *driver, const struct pubkey33 *to, uint64_t height,
                           const struct hash32 *header_hash, const struct candidate *candidate)
{
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    wire.height = height;
    wire.header_hash = field_borrow(header_hash, 32);
    wire.proposal = field_borrow(candidate->proposal, candidate->proposal_size);
    send_bodies(driver, to, &wire, candidate->txs, candidate->count);
}

/* A committed block as the proposal it once was. */
static struct candidate *from_committed(const struct serve_task *serve)
{
    struct fetched_block fetched = {.present = true};
    struct candidate *made = NULL;
    const struct node *node = serve->driver->node;
    if (block_log_get(node->block_log, serve->height, &fetched.block) != ST_OK) {
        return NULL;
    }
    if (hash32_equal(&fetched.block.hash, &serve->header_hash) &&
        fetched_block_check(&fetched, &node->genesis.chain_id)) {
        made = candidate_from_block(&fetched);
    }
    stored_block_free(&fetched.block);
    free(fetched.proposal);
    return made;
}

static void serve_run(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    uint8_t *bodies = NULL;
    size_t size = 0;
    if (block_log_get_proposal(serve->driver->node->block_log, serve->height, &serve->header_hash,
                               &bodies, &size) == ST_OK) {
        serve->found = candidate_from_bodies(bytes_of(bodies, size));
        kv_free(bodies);
    } else {
        serve->found = from_committed(serve);
    }
}

static void serve_done(struct task *task)
{
    struct serve_task *serve = (struct serve_task *)task;
    serve->driver->bodies_serving[driver_bucket(&serve->to)] = false;
    if (serve->found != NULL && !serve->driver->stopping) {
        send_candidate(serve->driver, &serve->to, serve->height, &serve->header_hash, serve->found);
    }
    candidate_free(serve->found);
    free(serve);
}

static void answer_by_header(struct driver *driver, const struct pubkey33 *to, uint64_t height,
                             const struct hash32 *header_hash)
{
    const struct candidate *candidate = driver_find_candidate(driver, header_hash);
    if (candidate != NULL) {
        send_candidate(driver, to, height, header_hash, candidate);
        return;
    }
    bool *serving = &driver->bodies_serving[driver_bucket(to)];
    if (*serving) {
        return; /* one at a time is read; it asks again */
    }
    struct serve_task *serve = calloc(1, sizeof *serve);
    CHECK(serve != NULL);
    serve->task.run = serve_run;
    serve->task.done = serve_done;
    serve->driver = driver;
    serve->to = *to;
    serve->height = height;
    serve->header_hash = *header_hash;
    *serving = worker_post(driver->node->reader, &driver->node->inbox, &serve->task);
    if (!*serving) {
        free(serve);
    }
}

/* ---- Answering by entries ---- */

/* From the pool, and from what is executed here. found is beside the list. */
static void find_bodies(const struct driver *driver, const struct entry_list *asked,
                        const struct body **found)
{
    for (size_t i = 0; i < asked->count; i++) {
        found[i] = pool_find_entry(driver->pool, &asked->list[i]);
    }
    for (const struct candidate *candidate = driver->candidates; candidate != NULL;
         candidate = candidate->next) {
        for (uint32_t i = 0; candidate->held != NULL && i < candidate->count; i++) {
            const struct hash32 *at = entry_find(asked, &candidate->held[i]->entry);
            if (at != NULL) {
                found[at - asked->list] = candidate->held[i];
            }
        }
    }
}

static void answer_by_entries(struct driver *driver, const struct pubkey33 *to, uint64_t height,
                              struct bytes entries)
{
    struct entry_list asked = entry_list_make(entries);
    const struct body **found = calloc(asked.count + 1, sizeof(struct body *));
    struct bytes *txs = calloc(asked.count + 1, sizeof *txs);
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    uint32_t count = 0;
    size_t size = 0;
    CHECK(found != NULL && txs != NULL);
    find_bodies(driver, &asked, found);
    for (size_t i = 0; i < asked.count && size < SYNC_BYTES_MAX; i++) {
        if (found[i] != NULL) {
            txs[count++] = found[i]->parcel;
            size += found[i]->parcel.size;
        }
    }
    wire.height = height;
    if (count > 0) {
        send_bodies(driver, to, &wire, txs, count);
    }
    free(txs);
    free(found);
    free(asked.list);
}

void driver_bodies_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body)
{
    void *memory;
    struct hash32 header_hash;
    /* An answer costs more than the question: none is made for who does not read the last ones. It asks again. */
    if (!peers_room(driver->node->peers, from, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES)) {
        return;
    }
    ProtobufCMessage *message = driver_decode(&xuelian__bodies_request__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__BodiesRequest *wire = (const Xuelian__BodiesRequest *)(const void *)message;
    if (field_copy(&header_hash, 32, &wire->header_hash)) {
        answer_by_header(driver, from, wire->height, &header_hash);
    } else if (wire->entries.len % 32 == 0 &&
               wire->entries.len / 32 <= LIMIT_PROPOSAL_ENTRIES_MAX) {
        answer_by_entries(driver, from, wire->height, field_bytes(&wire->entries));
    }
    free(memory);
}

/* ---- What arrives ---- */

struct proposal_task {
    struct task task;
    struct driver *driver;
    struct candidate *candidate;
    bool good;
};

static void proposal_run(struct task *task)
{
    struct proposal_task *made = (struct proposal_task *)task;
    made->good = candidate_verify(made->candidate, &made->driver->node->genesis.chain_id);
}

static void proposal_done(struct task *task)
{
    struct proposal_task *made = (struct proposal_task *)task;
    struct driver *driver = made->driver;
    if (made->good && !driver->stopping) {
        candidate_free(driver->proposals[driver->next_proposal]);
        driver->proposals[driver->next_proposal] = made->candidate;
        driver->next_proposal = (driver->next_proposal + 1) % FETCHED_PROPOSALS;
        driver_fetched(driver);
    } else {
        candidate_free(made->candidate);
    }
    free(made);
    driver_pump(driver);
}

/* A whole proposal: used only when every body verifies and is the one listed. */
static void take_proposal(struct driver *driver, const struct hash32 *header_hash,
                          struct bytes body)
{
    struct candidate *candidate = candidate_from_bodies(body);
    if (candidate == NULL) {
        return;
    }
    struct proposal_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    candidate->header_hash = *header_hash;
    made->task.run = proposal_run;
    made->task.done = proposal_done;
    made->driver = driver;
    made->candidate = candidate;
    if (!worker_post_urgent(driver->node->verifier, &driver->node->inbox, &made->task)) {
        candidate_free(candidate);
        free(made);
    }
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

static void take_bodies(struct driver *driver, const Xuelian__Bodies *wire,
                        struct entry_list entries)
{
    struct fetch_group *group = calloc(1, sizeof *group);
    CHECK(group != NULL);
    group->remaining = 1;
    group->entries = entries;
    for (size_t i = 0; i < wire->n_txs && i < entries.count; i++) {
        group->remaining++;
        if (!driver_admit(driver, copy_field(&wire->txs[i]), wire->txs[i].len, ADMIT_FETCH, NULL,
                          group)) {
            group->remaining--;
        }
    }
    driver_group_part_done(driver, group);
    driver_pump(driver);
}

void driver_bodies_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body)
{
    void *memory;
    struct hash32 header_hash;
    ProtobufCMessage *message = driver_decode(&xuelian__bodies__descriptor, body, &memory);
    if (message == NULL) {
        return;
    }
    const Xuelian__Bodies *wire = (const Xuelian__Bodies *)(const void *)message;
    struct entry_list entries = {.count = 0};
    if (!field_copy(&header_hash, 32, &wire->header_hash)) {
        if (driver_answered(driver, from, ASKED_ENTRIES, NULL, &entries)) {
            take_bodies(driver, wire, entries);
        }
    } else if (driver_answered(driver, from, ASKED_PROPOSAL, &header_hash, NULL)) {
        take_proposal(driver, &header_hash, body);
    }
    free(memory);
}

/* ---- After a start ---- */

static void load_parcel(struct driver *driver, struct bytes parcel, struct tx *tx,
                        struct arena *arena)
{
    struct submission submission;
    arena_reset(arena);
    if (submission_read(&submission, parcel) != ST_OK ||
        tx_parse(tx, submission.tx, &driver->node->genesis.chain_id, arena) != ST_OK) {
        return;
    }
    struct body *body =
        body_new(tx, submission.bytes, submission.details.size > 0, ledger_work(tx));
    (void)pool_add(driver->pool, body, true, UINT64_MAX, driver_now_ms());
    body_release(body);
}

/* What the log kept was verified before it was written; once more costs little and needs no trust. */
static bool load_body(struct driver *driver, struct bytes bytes)
{
    struct arena arena;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(tx != NULL && memory != NULL);
    arena_init(&arena, memory, TX_ARENA_SIZE);
    bool good = tx_parse(tx, bytes, &driver->node->genesis.chain_id, &arena) == ST_OK &&
                tx_verify_signatures(tx) == ST_OK;
    uint8_t *parcel = NULL;
    size_t size = 0;
    /* Without its details it is no body for a proposal that is free again; by its header it is in the log. */
    if (good && details_assemble(driver->node, tx, &parcel, &size) == ST_OK) {
        load_parcel(driver, bytes_of(parcel, size), tx, &arena);
    }
    free(parcel);
    free(memory);
    free(tx);
    return good;
}

static bool load_proposal(void *context, struct bytes bodies)
{
    struct driver *driver = context;
    struct candidate *candidate = candidate_from_bodies(bodies);
    for (uint32_t i = 0; candidate != NULL && i < candidate->count; i++) {
        if (!load_body(driver, candidate->txs[i])) {
            log_event(LOG_WARN, "stored_proposal", "a stored proposal has a body that is damaged");
            break;
        }
    }
    candidate_free(candidate);
    return true;
}

void driver_load_proposals(struct driver *driver)
{
    if (block_log_each_proposal(driver->node->block_log, driver->tip_height + 1, load_proposal,
                                driver) != ST_OK) {
        node_fatal("the stored proposals cannot be read", ST_CORRUPT);
    }
}
