/* EXECUTE: where the proposal is found, and what became of it. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* ---- Results ---- */

struct candidate *driver_find_candidate(struct driver *driver, const struct hash32 *header_hash)
{
    struct candidate *candidate = driver->candidates;
    while (candidate != NULL && !hash32_equal(&candidate->header_hash, header_hash)) {
        candidate = candidate->next;
    }
    return candidate;
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

void driver_discard(struct driver *driver, const struct hash32 *header_hash)
{
    for (struct candidate **link = &driver->candidates; *link != NULL; link = &(*link)->next) {
        struct candidate *candidate = *link;
        if (hash32_equal(&candidate->header_hash, header_hash)) {
            *link = candidate->next;
            candidate_free(candidate);
            return;
        }
    }
}

/* The result of a CHECK is unknown to the core until the proposal is executed: the next CHECK ends it. */
static void drop_untold(struct driver *driver)
{
    struct candidate **link = &driver->candidates;
    while (*link != NULL) {
        struct candidate *candidate = *link;
        if (candidate->told) {
            link = &candidate->next;
        } else {
            *link = candidate->next;
            candidate_free(candidate);
        }
    }
}

static void forget_wanted(struct driver *driver)
{
    struct hash32 digest = driver->wanted.digest;
    free(driver->wanted.proposal);
    free(driver->wanted.entries);
    free(driver->wanted.here);
    driver->wanted = (struct wanted){.digest = digest};
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
    forget_wanted(driver);
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
        params = driver_core_params(&block->next_params);
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
    enum pbft_execute kind;
    struct candidate *candidate;
    enum status status;
    uint32_t bad_index;
};

static void execute_run(struct task *task)
{
    struct execute_task *execute = (struct execute_task *)task;
    struct candidate *candidate = execute->candidate;
    struct ledger_proposal proposal = {.parent_hash = candidate->parent_hash,
                                       .time_ms = candidate->time_ms,
                                       .txs = candidate->txs,
                                       .count = candidate->count};
    execute->status = ledger_execute(execute->driver->node->ledger, &proposal, &candidate->block,
                                     &execute->bad_index);
    if (status_class(execute->status) == STATUS_CLASS_FATAL) {
        node_fatal("a proposal could not be executed", execute->status);
    }
}

/* One's own batch broke a rule: whatever did leaves the pool, or it would be proposed for ever. */
static void learn_from_check(struct driver *driver, const struct execute_task *execute)
{
    const struct candidate *candidate = execute->candidate;
    if (execute->kind != PBFT_EXECUTE_CHECK || execute->status == ST_CONFLICT ||
        candidate->held == NULL || execute->bad_index >= candidate->count) {
        return;
    }
    struct hash32 id = candidate->held[execute->bad_index]->id;
    log_event(LOG_WARN, "own_batch", "a transaction was taken out of this node's own proposal: %s",
              status_en(execute->status));
    pool_remove(driver->pool, &id);
    driver_refuse(driver, &id, execute->status);
    driver_waiting(driver);
}

static struct candidate *keep_result(struct driver *driver, struct candidate *candidate)
{
    candidate->header_hash = candidate->block->hash;
    struct candidate *same = driver_find_candidate(driver, &candidate->header_hash);
    if (same != NULL) {
        if (same->held == NULL) { /* it was executed by the header's name, without details */
            same->held = candidate->held;
            candidate->held = NULL;
        }
        candidate_free(candidate); /* the older one may be in the hands of a storage thread */
        return same;
    }
    candidate->next = driver->candidates;
    driver->candidates = candidate;
    return candidate;
}

static void execute_done(struct task *task)
{
    struct execute_task *execute = (struct execute_task *)task;
    struct driver *driver = execute->driver;
    bool current = driver->executing == execute->token;
    if (current) {
        driver->executing = 0;
    }
    if (!current || driver->stopping) {
        candidate_free(execute->candidate); /* cancelled */
    } else if (execute->status == ST_OK) {
        struct candidate *kept = keep_result(driver, execute->candidate);
        kept->told = kept->told || execute->kind != PBFT_EXECUTE_CHECK;
        answer(driver, execute->token, PBFT_EXECUTED_OK, kept->block);
    } else {
        learn_from_check(driver, execute);
        if (execute->status != ST_CONFLICT) {
            driver_evidence_refused(driver, execute->candidate, execute->status,
                                    execute->bad_index);
        }
        candidate_free(execute->candidate);
        /* Not on the tip: nothing was learned about the proposer. */
        answer(driver, execute->token,
               execute->status == ST_CONFLICT ? PBFT_EXECUTED_MISSING : PBFT_EXECUTED_INVALID,
               NULL);
    }
    free(execute);
    driver_pump(driver);
}

static void start_execution(struct driver *driver, uint64_t token, enum pbft_execute kind,
                            struct candidate *candidate)
{
    struct execute_task *execute = calloc(1, sizeof *execute);
    CHECK(execute != NULL);
    execute->task.run = execute_run;
    execute->task.done = execute_done;
    execute->driver = driver;
    execute->token = token;
    execute->kind = kind;
    execute->candidate = candidate;
    driver->executing = token;
    CHECK(worker_post(driver->node->executor, &driver->node->inbox, &execute->task));
}

/* ---- By header: results, the log's proposals, fetched blocks, fetched proposals ---- */

static struct candidate *from_log(struct driver *driver, const struct pbft_effect *effect)
{
    uint8_t *bodies = NULL;
    size_t size = 0;
    if (block_log_get_proposal(driver->node->block_log, effect->execute.height,
                               &effect->execute.header_hash, &bodies, &size) != ST_OK) {
        return NULL;
    }
    struct candidate *candidate = candidate_from_bodies(bytes_of(bodies, size));
    kv_free(bodies);
    return candidate;
}

static struct candidate *from_fetched_block(struct driver *driver, const struct pbft_effect *effect)
{
    const struct fetched_block *fetched = &driver->blocks[effect->execute.height % FETCHED_BLOCKS];
    return fetched->present && fetched->block.header.height == effect->execute.height &&
                   hash32_equal(&fetched->block.hash, &effect->execute.header_hash)
               ? candidate_from_block(fetched)
               : NULL;
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

static void execute_header(struct driver *driver, const struct pbft_effect *effect)
{
    static struct candidate *(*const sources[])(struct driver *, const struct pbft_effect *) = {
        from_log, from_fetched_block, from_fetched_proposal};
    struct header header;
    bool given = effect->execute.header.size > 0;
    struct candidate *result = driver_find_candidate(driver, &effect->execute.header_hash);
    if (result != NULL) {
        result->told = true;
        answer(driver, effect->execute.token, PBFT_EXECUTED_OK, result->block);
        return;
    }
    CHECK(!given || header_decode(&header, effect->execute.header) == ST_OK);
    driver->expected_size = given ? effect->execute.header.size : 0;
    if (given) {
        memcpy(driver->expected, effect->execute.header.data, driver->expected_size);
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct candidate *candidate = sources[i](driver, effect);
        if (candidate != NULL && (!given || candidate_agrees(candidate, &header))) {
            start_execution(driver, effect->execute.token, effect->execute.kind, candidate);
            return;
        }
        candidate_free(candidate);
    }
    answer(driver, effect->execute.token, PBFT_EXECUTED_MISSING, NULL);
}

/* ---- By proposal, and what it lacks ---- */

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash32));
}

static void list_wanted(struct driver *driver, const uint8_t *entries, uint32_t count)
{
    struct wanted *wanted = &driver->wanted;
    wanted->entries = calloc(count + 1u, sizeof *wanted->entries);
    wanted->here = calloc(count + 1u, sizeof *wanted->here);
    CHECK(wanted->entries != NULL && wanted->here != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 *entry = &wanted->entries[wanted->count];
        memcpy(entry->bytes, entries + 32 * (size_t)i, 32);
        if (pool_find_entry(driver->pool, entry) == NULL) {
            wanted->count++;
        }
    }
    qsort(wanted->entries, wanted->count, sizeof *wanted->entries, compare_entries);
    wanted->remaining = wanted->count;
}

/* Bodies travel by themselves, behind votes: the first time they are given a moment to arrive. */
static void wait_for_bodies(struct driver *driver, const struct pbft_effect *effect)
{
    struct wanted *wanted = &driver->wanted;
    struct candidate fixed = {.count = 0};
    struct bytes proposal = effect->execute.proposal;
    struct hash32 digest;
    uint8_t *entries = NULL;
    hash_plain(&digest, proposal.data, proposal.size);
    bool first = !hash32_equal(&digest, &wanted->digest);
    forget_wanted(driver);
    wanted->digest = digest;
    if (proposal_read(proposal, &fixed, &entries)) {
        list_wanted(driver, entries, fixed.count);
    }
    free(entries);
    if (!first) {
        answer(driver, effect->execute.token, PBFT_EXECUTED_MISSING, NULL);
        return;
    }
    wanted->pending = true;
    wanted->deadline_ms = driver_now_ms() + RELAY_WAIT_MS;
    wanted->token = effect->execute.token;
    wanted->kind = effect->execute.kind;
    wanted->proposal_size = proposal.size;
    wanted->proposal = malloc(proposal.size + 1);
    CHECK(wanted->proposal != NULL);
    memcpy(wanted->proposal, proposal.data, proposal.size);
}

void driver_fetched(struct driver *driver)
{
    struct pbft_input input = {.type = PBFT_FETCHED};
    driver_step(driver, &input);
}

void driver_body_arrived(struct driver *driver, const struct hash32 *entry)
{
    struct wanted *wanted = &driver->wanted;
    const struct hash32 *found = wanted->count == 0
                                     ? NULL
                                     : bsearch(entry, wanted->entries, wanted->count,
                                               sizeof *wanted->entries, compare_entries);
    if (found == NULL || wanted->here[found - wanted->entries]) {
        return;
    }
    wanted->here[found - wanted->entries] = true;
    if (--wanted->remaining > 0) {
        return;
    }
    if (!wanted->pending) {
        forget_wanted(driver);
        driver_fetched(driver);
        return;
    }
    bool malformed = false;
    uint64_t token = wanted->token;
    enum pbft_execute kind = wanted->kind;
    struct candidate *candidate =
        candidate_from_pool(driver, bytes_of(wanted->proposal, wanted->proposal_size), &malformed);
    forget_wanted(driver);
    if (candidate != NULL) {
        start_execution(driver, token, kind, candidate);
    } else { /* one of the others has left the pool since */
        answer(driver, token, PBFT_EXECUTED_MISSING, NULL);
    }
}

void driver_wanted_tick(struct driver *driver, uint64_t now_ms)
{
    if (driver->wanted.pending && now_ms >= driver->wanted.deadline_ms) {
        driver->wanted.pending = false;
        answer(driver, driver->wanted.token, PBFT_EXECUTED_MISSING, NULL);
    }
}

/* ---- EXECUTE and CANCEL ---- */

/* What was executed by its header's name has bodies alone; a vote for it as a free proposal needs its details too
 * (docs/decisions/0012-details.md). They are in the pool, or it has to be asked for them. */
static bool has_details(struct driver *driver, struct candidate *candidate)
{
    bool malformed = false;
    if (candidate->held != NULL || !candidate->block->details) {
        return true;
    }
    struct candidate *whole = candidate_from_pool(
        driver, bytes_of(candidate->proposal, candidate->proposal_size), &malformed);
    if (whole != NULL) {
        candidate->held = whole->held;
        whole->held = NULL;
        candidate_free(whole);
    }
    return candidate->held != NULL;
}

void driver_execute(struct driver *driver, const struct pbft_effect *effect)
{
    bool malformed = false;
    if (effect->execute.kind == PBFT_EXECUTE_HEADER) {
        execute_header(driver, effect);
        return;
    }
    /* The primary's check of its own batch is a whole execution: the result serves again here. */
    struct candidate *candidate = find_by_proposal(driver, effect->execute.proposal);
    if (candidate != NULL && has_details(driver, candidate)) {
        candidate->told = candidate->told || effect->execute.kind != PBFT_EXECUTE_CHECK;
        answer(driver, effect->execute.token, PBFT_EXECUTED_OK, candidate->block);
        return;
    }
    candidate = candidate_from_pool(driver, effect->execute.proposal, &malformed);
    if (candidate != NULL) {
        if (effect->execute.kind == PBFT_EXECUTE_CHECK) {
            drop_untold(driver);
        }
        start_execution(driver, effect->execute.token, effect->execute.kind, candidate);
    } else if (malformed) {
        answer(driver, effect->execute.token, PBFT_EXECUTED_INVALID, NULL);
    } else {
        wait_for_bodies(driver, effect);
    }
}

void driver_cancel(struct driver *driver, uint64_t token)
{
    if (driver->executing == token) {
        driver->executing = 0; /* it ends by itself, soon, and its result is dropped */
    }
    if (driver->wanted.pending && driver->wanted.token == token) {
        forget_wanted(driver);
    }
}
