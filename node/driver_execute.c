/* Executing proposals, and getting the bodies and blocks that are not here. */
#include <stdlib.h>
#include <string.h>

#include "node/driver_internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/peer.pb-c.h"

void candidate_free(struct candidate *candidate)
{
    if (candidate == NULL) {
        return;
    }
    for (uint32_t i = 0; candidate->held != NULL && i < candidate->count; i++) {
        body_release(candidate->held[i]);
    }
    ledger_block_free(candidate->block);
    free(candidate->held);
    free(candidate->owned);
    free(candidate->txs);
    free(candidate->proposal);
    free(candidate);
}

/* Parses a proposal's fixed parts. Its entries stay in `proposal`. Returns false when not canonical. */
static bool read_proposal(struct candidate *candidate, struct bytes proposal, uint8_t **entries)
{
    size_t room = proposal.size * 2 + 4096;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool good = false;
    *entries = NULL;
    if (canonical_decode(&message, &xuelian__proposal__descriptor, proposal, &arena) == ST_OK) {
        const Xuelian__Proposal *wire = (const Xuelian__Proposal *)(const void *)message;
        good = field_copy(&candidate->parent_hash, 32, &wire->parent_hash) &&
               wire->entries.len % 32 == 0 && wire->entries.len / 32 <= LIMIT_PROPOSAL_ENTRIES_MAX;
        if (good) {
            candidate->time_ms = wire->time_ms;
            candidate->count = (uint32_t)(wire->entries.len / 32);
            *entries = malloc(wire->entries.len + 1);
            CHECK(*entries != NULL);
            if (wire->entries.len > 0) {
                memcpy(*entries, wire->entries.data, wire->entries.len);
            }
        }
    }
    free(memory);
    return good;
}

static void keep_proposal_bytes(struct candidate *candidate, struct bytes proposal)
{
    candidate->proposal = malloc(proposal.size + 1);
    CHECK(candidate->proposal != NULL);
    if (proposal.size > 0) {
        memcpy(candidate->proposal, proposal.data, proposal.size);
    }
    candidate->proposal_size = proposal.size;
}

/* Builds a candidate from a proposal and the pool's bodies. NULL: some are missing or it is no proposal
 * (*malformed says which). */
static struct candidate *candidate_from_pool(struct driver *driver, struct bytes proposal,
                                             bool *malformed)
{
    struct candidate *made = calloc(1, sizeof *made);
    uint8_t *entries;
    CHECK(made != NULL);
    *malformed = !read_proposal(made, proposal, &entries);
    if (*malformed) {
        free(made);
        return NULL;
    }
    uint32_t count = made->count;
    made->count = 0;
    made->txs = calloc(count + 1u, sizeof *made->txs);
    made->held = calloc(count + 1u, sizeof(struct body *));
    CHECK(made->txs != NULL && made->held != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 entry;
        memcpy(entry.bytes, entries + 32 * (size_t)i, 32);
        struct body *body = pool_find_entry(driver->pool, &entry);
        if (body == NULL) {
            break;
        }
        body_hold(body);
        made->held[i] = body;
        made->txs[i] = body->bytes;
        made->count++;
    }
    free(entries);
    if (made->count < count) {
        candidate_free(made);
        return NULL;
    }
    keep_proposal_bytes(made, proposal);
    return made;
}

struct candidate *candidate_from_bodies(struct bytes bodies)
{
    size_t room = bodies.size * 3 + 65536;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct candidate *made = calloc(1, sizeof *made);
    uint8_t *entries = NULL;
    CHECK(made != NULL);
    made->owned = malloc(room);
    CHECK(made->owned != NULL);
    arena_init(&arena, made->owned, room);
    if (canonical_decode(&message, &xuelian__bodies__descriptor, bodies, &arena) != ST_OK) {
        candidate_free(made);
        return NULL;
    }
    const Xuelian__Bodies *wire = (const Xuelian__Bodies *)(const void *)message;
    bool good =
        read_proposal(made, field_bytes(&wire->proposal), &entries) && made->count == wire->n_txs;
    free(entries);
    if (!good) {
        made->count = 0;
        candidate_free(made);
        return NULL;
    }
    made->txs = calloc(made->count + 1u, sizeof *made->txs);
    CHECK(made->txs != NULL);
    for (uint32_t i = 0; i < made->count; i++) {
        made->txs[i] = field_bytes(&wire->txs[i]);
    }
    keep_proposal_bytes(made, field_bytes(&wire->proposal));
    return made;
}

struct candidate *driver_find_candidate(struct driver *driver, const struct hash32 *header_hash)
{
    struct candidate *candidate = driver->candidates;
    while (candidate != NULL && !hash32_equal(&candidate->header_hash, header_hash)) {
        candidate = candidate->next;
    }
    return candidate;
}

void driver_discard(struct driver *driver, const struct hash32 *header_hash)
{
    struct candidate **link = &driver->candidates;
    while (*link != NULL) {
        struct candidate *candidate = *link;
        if (hash32_equal(&candidate->header_hash, header_hash)) {
            *link = candidate->next;
            candidate_free(candidate);
        } else {
            link = &candidate->next;
        }
    }
}

void driver_drop_candidates(struct driver *driver)
{
    while (driver->candidates != NULL) {
        struct candidate *next = driver->candidates->next;
        candidate_free(driver->candidates);
        driver->candidates = next;
    }
    for (unsigned i = 0; i < FETCHED_PROPOSALS; i++) {
        candidate_free(driver->proposals[i]);
        driver->proposals[i] = NULL;
    }
}

/* ---- Answers ---- */

static void answer(struct driver *driver, uint64_t token, enum pbft_outcome outcome,
                   const struct ledger_block *block)
{
    struct pbft_input input = {.type = PBFT_EXECUTED};
    struct pbft_params params;
    input.executed.token = token;
    input.executed.outcome = outcome;
    if (block != NULL) {
        const Xuelian__Params *from = driver->params;
        params = (struct pbft_params){.t0_ms = from->t0_ms,
                                      .timeout_cap_ms = from->timeout_cap_ms,
                                      .batch_delay_ms = from->batch_delay_ms,
                                      .batch_count = from->batch_count,
                                      .heartbeat_ms = from->heartbeat_ms,
                                      .max_drift_ms = from->max_drift_ms,
                                      .max_lag_ms = from->max_lag_ms,
                                      .request_timeout_ms = from->request_timeout_ms,
                                      .rotation_blocks = from->rotation_blocks};
        input.executed.header = &block->header;
        input.executed.next_set = &block->next_set;
        input.executed.params = &params;
    }
    driver_step(driver, &input);
}

struct execute_task {
    struct task task;
    struct driver *driver;
    uint64_t token;
    struct candidate *candidate;
    enum status status;
};

static void execute_run(struct task *task)
{
    struct execute_task *execute = (struct execute_task *)task;
    struct candidate *candidate = execute->candidate;
    struct ledger_proposal proposal = {.parent_hash = candidate->parent_hash,
                                       .time_ms = candidate->time_ms,
                                       .txs = candidate->txs,
                                       .count = candidate->count};
    uint32_t bad_index = 0;
    execute->status =
        ledger_execute(execute->driver->node->ledger, &proposal, &candidate->block, &bad_index);
    if (status_class(execute->status) == STATUS_CLASS_FATAL) {
        node_fatal("a proposal could not be executed", execute->status);
    }
}

static void execute_done(struct task *task)
{
    struct execute_task *execute = (struct execute_task *)task;
    struct driver *driver = execute->driver;
    struct candidate *candidate = execute->candidate;
    if (execute->status == ST_OK) {
        candidate->header_hash = candidate->block->hash;
        if (driver_find_candidate(driver, &candidate->header_hash) != NULL) {
            driver_discard(driver, &candidate->header_hash); /* the same result again */
        }
        candidate->next = driver->candidates;
        driver->candidates = candidate;
        answer(driver, execute->token, PBFT_EXECUTED_OK, candidate->block);
    } else {
        /* Not on the tip: nothing was learned about the proposer. */
        answer(driver, execute->token,
               execute->status == ST_CONFLICT ? PBFT_EXECUTED_MISSING : PBFT_EXECUTED_INVALID,
               NULL);
        candidate_free(candidate);
    }
    free(execute);
    driver_pump(driver);
}

static void start_execution(struct driver *driver, uint64_t token, struct candidate *candidate)
{
    struct execute_task *execute = calloc(1, sizeof *execute);
    CHECK(execute != NULL);
    execute->task.run = execute_run;
    execute->task.done = execute_done;
    execute->driver = driver;
    execute->token = token;
    execute->candidate = candidate;
    CHECK(worker_post(driver->node->executor, &driver->node->inbox, &execute->task));
}

/* A result for exactly these proposal bytes. */
static struct candidate *find_by_proposal(struct driver *driver, struct bytes proposal)
{
    for (struct candidate *candidate = driver->candidates; candidate != NULL;
         candidate = candidate->next) {
        if (bytes_equal(bytes_of(candidate->proposal, candidate->proposal_size), proposal)) {
            return candidate;
        }
    }
    return NULL;
}

/* ---- By header ---- */

/* True when a proposal may be the one behind a header: parent, time, and the bodies' root. */
static bool agrees(const struct candidate *candidate, struct bytes header_bytes)
{
    struct header header;
    if (header_bytes.size == 0) {
        return true;
    }
    return header_decode(&header, header_bytes) == ST_OK &&
           hash32_equal(&header.parent_hash, &candidate->parent_hash) &&
           header.time_ms == candidate->time_ms && header.tx_count == candidate->count;
}

static struct candidate *from_log(struct driver *driver, const struct pbft_effect *effect)
{
    uint8_t *bodies = NULL;
    size_t size = 0;
    enum status status = block_log_get_proposal(driver->node->block_log, effect->execute.height,
                                                &effect->execute.header_hash, &bodies, &size);
    if (status != ST_OK) {
        return NULL;
    }
    struct candidate *candidate = candidate_from_bodies(bytes_of(bodies, size));
    kv_free(bodies);
    return candidate;
}

static struct candidate *from_fetched_block(struct driver *driver, const struct pbft_effect *effect)
{
    struct fetched_block *fetched = &driver->blocks[effect->execute.height % FETCHED_BLOCKS];
    if (!fetched->present || fetched->block.header.height != effect->execute.height ||
        !hash32_equal(&fetched->block.hash, &effect->execute.header_hash)) {
        return NULL;
    }
    struct candidate *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->owned = fetched->block.memory; /* the block's memory moves to the candidate */
    made->count = fetched->block.tx_count;
    made->txs = calloc(made->count + 1u, sizeof *made->txs);
    CHECK(made->txs != NULL);
    for (uint32_t i = 0; i < made->count; i++) {
        made->txs[i] = fetched->block.txs[i];
    }
    made->parent_hash = fetched->block.header.parent_hash;
    made->time_ms = fetched->block.header.time_ms;
    made->proposal = fetched->proposal;
    made->proposal_size = fetched->proposal_size;
    *fetched = (struct fetched_block){.present = false};
    return made;
}

static struct candidate *from_fetched_proposal(struct driver *driver,
                                               const struct pbft_effect *effect)
{
    for (unsigned i = 0; i < FETCHED_PROPOSALS; i++) {
        struct candidate *candidate = driver->proposals[i];
        if (candidate != NULL &&
            hash32_equal(&candidate->header_hash, &effect->execute.header_hash)) {
            driver->proposals[i] = NULL;
            return candidate;
        }
    }
    return NULL;
}

void driver_keep_proposal(struct driver *driver, struct candidate *candidate)
{
    candidate_free(driver->proposals[driver->next_proposal]);
    driver->proposals[driver->next_proposal] = candidate;
    driver->next_proposal = (driver->next_proposal + 1) % FETCHED_PROPOSALS;
}

static void execute_header(struct driver *driver, const struct pbft_effect *effect)
{
    uint64_t token = effect->execute.token;
    struct candidate *candidate = driver_find_candidate(driver, &effect->execute.header_hash);
    if (candidate != NULL && candidate->block != NULL) {
        answer(driver, token, PBFT_EXECUTED_OK, candidate->block);
        return;
    }
    candidate = from_log(driver, effect);
    if (candidate == NULL) {
        candidate = from_fetched_block(driver, effect);
    }
    if (candidate == NULL) {
        candidate = from_fetched_proposal(driver, effect);
    }
    if (candidate != NULL && !agrees(candidate, effect->execute.header)) {
        candidate_free(candidate);
        candidate = NULL;
    }
    if (candidate == NULL) {
        answer(driver, token, PBFT_EXECUTED_MISSING, NULL);
        return;
    }
    start_execution(driver, token, candidate);
}

void driver_execute(struct driver *driver, const struct pbft_effect *effect)
{
    struct candidate *candidate;
    bool malformed = false;
    if (effect->execute.kind == PBFT_EXECUTE_HEADER) {
        execute_header(driver, effect);
        return;
    }
    /* The primary's check of its own batch is a whole execution: the result serves again here. */
    candidate = find_by_proposal(driver, effect->execute.proposal);
    if (candidate != NULL) {
        answer(driver, effect->execute.token, PBFT_EXECUTED_OK, candidate->block);
        return;
    }
    candidate = candidate_from_pool(driver, effect->execute.proposal, &malformed);
    if (candidate == NULL) {
        answer(driver, effect->execute.token,
               malformed ? PBFT_EXECUTED_INVALID : PBFT_EXECUTED_MISSING, NULL);
        return;
    }
    start_execution(driver, effect->execute.token, candidate);
}

/* ---- Fetching ---- */

void driver_fetch_bodies(struct driver *driver, const struct pbft_effect *effect)
{
    Xuelian__BodiesRequest wire = XUELIAN__BODIES_REQUEST__INIT;
    struct candidate parsed = {.count = 0};
    uint8_t *entries = NULL;
    size_t missing = 0;
    wire.height = effect->fetch_bodies.height;
    if (effect->fetch_bodies.proposal.size == 0) {
        wire.header_hash = field_borrow(&effect->fetch_bodies.header_hash, 32);
    } else if (read_proposal(&parsed, effect->fetch_bodies.proposal, &entries)) {
        for (uint32_t i = 0; i < parsed.count; i++) {
            struct hash32 entry;
            memcpy(entry.bytes, entries + 32 * (size_t)i, 32);
            if (pool_find_entry(driver->pool, &entry) == NULL) {
                memmove(entries + 32 * missing++, entry.bytes, 32);
            }
        }
        wire.entries = field_borrow(entries, 32 * missing);
    }
    if (wire.header_hash.len > 0 || missing > 0) {
        driver_send(driver, &effect->fetch_bodies.peer,
                    XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST, &wire.base);
    } else {
        /* All came meanwhile. */
        struct pbft_input input = {.type = PBFT_FETCHED};
        driver_step(driver, &input);
    }
    free(entries);
}

void driver_fetch_blocks(struct driver *driver, const struct pbft_effect *effect)
{
    Xuelian__BlocksRequest wire = XUELIAN__BLOCKS_REQUEST__INIT;
    wire.from_height = effect->fetch_blocks.from_height;
    wire.count =
        effect->fetch_blocks.count < FETCHED_BLOCKS ? effect->fetch_blocks.count : FETCHED_BLOCKS;
    driver_send(driver, &effect->fetch_blocks.peer, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST,
                &wire.base);
}

void driver_offer_block(struct driver *driver)
{
    struct fetched_block *fetched = &driver->blocks[(driver->tip_height + 1) % FETCHED_BLOCKS];
    if (!fetched->present || fetched->block.header.height != driver->tip_height + 1) {
        return;
    }
    struct pbft_input input = {.type = PBFT_CERTIFIED};
    input.certified.from = fetched->from;
    input.certified.header = fetched->block.header_bytes;
    input.certified.certificate = fetched->block.certificate;
    driver_step(driver, &input);
}

void driver_drop_blocks(struct driver *driver, uint64_t up_to)
{
    for (unsigned i = 0; i < FETCHED_BLOCKS; i++) {
        struct fetched_block *fetched = &driver->blocks[i];
        if (fetched->present && fetched->block.header.height <= up_to) {
            stored_block_free(&fetched->block);
            free(fetched->proposal);
            *fetched = (struct fetched_block){.present = false};
        }
    }
}
