#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/driver_internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/proof.pb-c.h"

enum { TICK_MAX_MS = 200 };

uint64_t driver_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- The queue ---- */

static struct bytes keep(struct queued *queued, struct bytes bytes)
{
    struct bytes kept = {.data = queued->data + queued->used, .size = bytes.size};
    if (bytes.size == 0) {
        return (struct bytes){.size = 0};
    }
    memcpy(queued->data + queued->used, bytes.data, bytes.size);
    queued->used += (bytes.size + 7) / 8 * 8;
    return kept;
}

/* The borrowed bytes of an effect: at most two. Verify's checks count as bytes. */
static void borrowed(struct pbft_effect *effect, struct bytes *fields[2])
{
    fields[0] = NULL;
    fields[1] = NULL;
    switch (effect->type) {
    case PBFT_PERSIST:
        fields[0] = &effect->persist.record;
        fields[1] = &effect->persist.new_view;
        break;
    case PBFT_SEND:
        fields[0] = &effect->send.body;
        break;
    case PBFT_EXECUTE:
        fields[0] = &effect->execute.proposal;
        fields[1] = &effect->execute.header;
        break;
    case PBFT_FETCH_BODIES:
        fields[0] = &effect->fetch_bodies.proposal;
        break;
    case PBFT_COMMIT:
        fields[0] = &effect->commit.header;
        fields[1] = &effect->commit.certificate;
        break;
    case PBFT_EVIDENCE:
        fields[0] = &effect->evidence.first;
        fields[1] = &effect->evidence.second;
        break;
    case PBFT_VERIFY:
    case PBFT_CANCEL:
    case PBFT_DISCARD:
    case PBFT_FETCH_BLOCKS:
    case PBFT_ALARM:
        break;
    }
}

static void enqueue(struct driver *driver, const struct pbft_effect *effect)
{
    struct pbft_effect copy = *effect;
    struct bytes *fields[2];
    size_t size = 64;
    borrowed(&copy, fields);
    for (int i = 0; i < 2; i++) {
        size += fields[i] != NULL ? fields[i]->size + 8 : 0;
    }
    size_t checks = copy.type == PBFT_VERIFY ? copy.verify.count * sizeof(struct pbft_check) : 0;
    struct queued *queued = malloc(sizeof *queued + size + checks);
    CHECK(queued != NULL);
    queued->next = NULL;
    queued->used = 0;
    for (int i = 0; i < 2; i++) {
        if (fields[i] != NULL) {
            *fields[i] = keep(queued, *fields[i]);
        }
    }
    if (copy.type == PBFT_VERIFY) {
        struct bytes kept = keep(queued, bytes_of(copy.verify.checks, checks));
        copy.verify.checks = (const struct pbft_check *)(const void *)kept.data;
    }
    queued->effect = copy;
    *driver->tail = queued;
    driver->tail = &queued->next;
}

enum status driver_step(struct driver *driver, struct pbft_input *input)
{
    struct pbft_effects effects;
    input->now_ms = driver_now_ms();
    input->clock_ms = clock_ms();
    enum status verdict = pbft_step(driver->core, input, &effects);
    for (uint32_t i = 0; i < effects.count; i++) {
        enqueue(driver, &effects.list[i]);
    }
    return verdict;
}

void driver_waiting(struct driver *driver)
{
    struct pbft_input input = {.type = PBFT_WAITING};
    input.waiting.count = pool_count(driver->pool);
    input.waiting.oldest_ms = pool_oldest_ms(driver->pool);
    input.waiting.oldest_single_ms = input.waiting.oldest_ms;
    input.waiting.full = pool_full_batch(driver->pool);
    if (input.waiting.count == 0) {
        input.waiting.oldest_ms = 0;
        input.waiting.oldest_single_ms = 0;
    }
    atomic_store(&driver->node->gauges.pool_count, pool_count(driver->pool));
    atomic_store(&driver->node->gauges.pool_bytes, pool_bytes(driver->pool));
    driver_step(driver, &input);
}

void driver_send(struct driver *driver, const struct pubkey33 *key, uint8_t type,
                 const ProtobufCMessage *message)
{
    size_t size = canonical_size(message);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, message);
    peers_send(driver->node->peers, key, type, bytes_of(bytes, size));
    free(bytes);
}

/* ---- PERSIST ---- */

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

static void persist(struct driver *driver, const struct pbft_effect *effect)
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
    bool stores = effect->persist.store_height != 0;
    if (!stores && effect->persist.new_view.size == 0 && !driver->log_dirty) {
        return;
    }
    struct persist_task *log = persist_new(driver, persist_log);
    if (stores) {
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

/* ---- COMMIT: block log, then state ---- */

struct commit_task {
    struct task task;
    struct driver *driver;
    struct candidate *candidate;
    uint8_t *certificate;
    size_t certificate_size;
    uint8_t *set_change;
    size_t set_change_size;
    /* The block's, kept past its application: waiters are told when the state can be read. */
    uint32_t tx_count;
    struct hash32 *tx_ids;
    uint32_t *codes;
    struct bytes *results;
};

static void commit_apply(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    enum status status = ledger_apply(commit->driver->node->ledger, commit->candidate->block);
    if (status != ST_OK) {
        node_fatal("the state could not be written", status);
    }
    commit->candidate->block = NULL;
}

/* Tells waiters, after the state is applied; the pool has let go of the bodies before. */
static void commit_tell(struct commit_task *commit)
{
    for (uint32_t i = 0; i < commit->tx_count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = commit->results[i].data};
        driver_committed_id(commit->driver, &commit->tx_ids[i], commit->driver->tip_height, i,
                            commit->codes[i], commit->results[i]);
        free(pointer.out);
    }
    free(commit->tx_ids);
    free(commit->codes);
    free(commit->results);
}

static void commit_take_results(struct commit_task *commit, struct ledger_block *block)
{
    commit->tx_count = block->tx_count;
    commit->tx_ids = block->tx_ids;
    commit->codes = block->codes;
    commit->results = block->results;
    block->tx_count = 0;
    block->tx_ids = NULL;
    block->codes = NULL;
    block->results = NULL;
    for (uint32_t i = 0; i < commit->tx_count; i++) {
        pool_remove(commit->driver->pool, &commit->tx_ids[i]);
    }
}

static void expired(void *context, const struct hash32 *id)
{
    driver_refuse(context, id, ST_EXPIRED);
}

static void measure_rate(struct driver *driver, uint64_t work)
{
    uint64_t now = driver_now_ms();
    double span = (double)(now - driver->commit_ms) + 1.0;
    driver->commit_ms = now;
    if (work > driver->params->batch_work / 2) { /* a full block says what the network can do */
        double rate = (double)work / span;
        driver->work_per_ms =
            driver->work_per_ms > 0.0 ? 0.8 * driver->work_per_ms + 0.2 * rate : rate;
    }
}

static void commit_done(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    struct driver *driver = commit->driver;
    struct node *node = driver->node;
    struct pbft_summary summary;
    pbft_summary(driver->core, &summary);
    atomic_store(&node->gauges.height, driver->tip_height);
    atomic_store(&node->gauges.view, summary.view);
    atomic_store(&node->gauges.era, summary.era);
    atomic_fetch_add(&node->gauges.blocks, 1);
    atomic_fetch_add(&node->gauges.transactions, commit->candidate->count);
    commit_tell(commit);
    driver_drop_candidates(driver);
    driver_drop_blocks(driver, driver->tip_height);
    pool_expire(driver->pool, driver->tip_height + 1, expired, driver);
    free(commit->certificate);
    free(commit->set_change);
    free(commit);
    driver_waiting(driver);
    driver_offer_block(driver);
    driver_unblock(driver);
}

static void commit_append(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    const struct candidate *candidate = commit->candidate;
    enum status status = block_log_append(
        commit->driver->node->block_log, &candidate->block->header,
        bytes_of(commit->certificate, commit->certificate_size), candidate->txs, candidate->count,
        bytes_of(commit->set_change, commit->set_change_size), false);
    if (status != ST_OK) {
        node_fatal("the block log could not be written", status);
    }
}

static void commit_appended(struct task *task)
{
    struct commit_task *commit = (struct commit_task *)task;
    struct driver *driver = commit->driver;
    struct ledger_block *block = commit->candidate->block;
    uint64_t work = 0;
    driver->log_dirty = true;
    driver->tip_height = block->header.height;
    driver->tip_hash = block->hash;
    driver->tip_time_ms = block->header.time_ms;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const struct body *body = pool_find_id(driver->pool, &block->tx_ids[i]);
        work += body != NULL ? body->work : 0;
    }
    measure_rate(driver, work);
    commit_take_results(commit, block);
    commit->task.run = commit_apply;
    commit->task.done = commit_done;
    CHECK(worker_post(driver->node->executor, &driver->node->inbox, &commit->task));
}

/* When the next set differs, what leads a verifier to it. */
static void make_set_change(struct commit_task *commit, struct bytes header)
{
    const struct ledger_block *block = commit->candidate->block;
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    Xuelian__SetChange wire = XUELIAN__SET_CHANGE__INIT;
    if (hash32_equal(&block->header.validators_hash, &block->header.next_validators_hash)) {
        return;
    }
    wire.header = field_borrow(header.data, header.size);
    wire.certificate = field_borrow(commit->certificate, commit->certificate_size);
    wire.next_set = field_borrow(set, validator_set_encode(set, &block->next_set));
    commit->set_change_size = canonical_size(&wire.base);
    commit->set_change = malloc(commit->set_change_size);
    CHECK(commit->set_change != NULL);
    canonical_encode(commit->set_change, &wire.base);
}

static void commit(struct driver *driver, const struct pbft_effect *effect)
{
    struct commit_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->driver = driver;
    made->candidate = driver_find_candidate(driver, &effect->commit.header_hash);
    CHECK(made->candidate != NULL && made->candidate->block != NULL);
    made->certificate = copy_bytes(effect->commit.certificate);
    made->certificate_size = effect->commit.certificate.size;
    make_set_change(made, effect->commit.header);
    made->task.run = commit_append;
    made->task.done = commit_appended;
    driver->blocked++;
    CHECK(worker_post(driver->node->log_writer, &driver->node->inbox, &made->task));
}

/* ---- VERIFY ---- */

struct verify_task {
    struct task task;
    struct driver *driver;
    uint64_t token;
    bool good;
    uint32_t count;
    struct pbft_check checks[];
};

static void verify_run(struct task *task)
{
    struct verify_task *verify = (struct verify_task *)task;
    verify->good = true;
    for (uint32_t i = 0; i < verify->count && verify->good; i++) {
        const struct pbft_check *check = &verify->checks[i];
        verify->good = sign_verify(&check->key, &check->hash, &check->signature);
    }
}

static void verify_done(struct task *task)
{
    struct verify_task *verify = (struct verify_task *)task;
    struct driver *driver = verify->driver;
    struct pbft_input input = {.type = PBFT_VERIFIED};
    input.verified.token = verify->token;
    input.verified.good = verify->good;
    free(verify);
    driver_step(driver, &input);
    driver_pump(driver);
}

static void verify(struct driver *driver, const struct pbft_effect *effect)
{
    size_t size = effect->verify.count * sizeof(struct pbft_check);
    struct verify_task *made = calloc(1, sizeof *made + size);
    CHECK(made != NULL);
    made->driver = driver;
    made->token = effect->verify.token;
    made->count = effect->verify.count;
    memcpy(made->checks, effect->verify.checks, size);
    made->task.run = verify_run;
    made->task.done = verify_done;
    if (!worker_post(driver->node->verifier, &driver->node->inbox, &made->task)) {
        verify_run(
            &made->task); /* the queue is full of messages; the core's question is not dropped */
        inbox_post(&driver->node->inbox, &made->task);
    }
}

/* ---- SEND and the rest ---- */

static void loop_back(struct driver *driver, const struct pbft_effect *effect)
{
    struct arena arena;
    struct pbft_message message;
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    CHECK(pbft_message_parse(&message, effect->send.type, effect->send.body,
                             &driver->node->genesis.chain_id, &arena) == ST_OK);
    struct pbft_input input = {.type = PBFT_MESSAGE};
    input.message.from = *signer_key(driver->node->signer);
    input.message.message = &message;
    driver_step(driver, &input);
}

struct send_to_peer {
    struct driver *driver;
    const struct pbft_effect *effect;
};

static void send_visit(void *context, const struct pubkey33 *key)
{
    const struct send_to_peer *send = context;
    peers_send(send->driver->node->peers, key, send->effect->send.type, send->effect->send.body);
}

static void send_out(struct driver *driver, const struct pbft_effect *effect)
{
    struct send_to_peer to = {.driver = driver, .effect = effect};
    switch (effect->send.to) {
    case PBFT_TO_PEER:
        send_visit(&to, &effect->send.peer);
        break;
    case PBFT_TO_PEERS:
        peers_each(driver->node->peers, send_visit, &to);
        break;
    case PBFT_TO_VALIDATORS: {
        const struct validator_set *set = pbft_set(driver->core);
        const struct pubkey33 *own = signer_key(driver->node->signer);
        bool member = false;
        for (uint32_t i = 0; i < set->count; i++) {
            if (pubkey33_compare(&set->validators[i].key, own) == 0) {
                member = true;
            } else {
                send_visit(&to, &set->validators[i].key);
            }
        }
        if (member) {
            loop_back(driver, effect);
        }
        break;
    }
    }
}

static void evidence(struct driver *driver, const struct pbft_effect *effect)
{
    char path[CONFIG_TEXT_SIZE + 96];
    snprintf(path, sizeof path, "%s/evidence-%llu-%u-%u", driver->node->config.data_dir,
             (unsigned long long)effect->evidence.era, effect->evidence.member,
             (unsigned)effect->evidence.kind);
    FILE *file = fopen(path, "wbe");
    if (file != NULL) {
        fwrite(effect->evidence.first.data, 1, effect->evidence.first.size, file);
        if (effect->evidence.second.size > 0) {
            fwrite(effect->evidence.second.data, 1, effect->evidence.second.size, file);
        }
        fclose(file);
    }
    atomic_fetch_add(&driver->node->gauges.evidence, 1);
    log_event(
        LOG_ERROR, "evidence",
        "validator %u of era %llu signed what no honest validator signs; both messages are in "
        "%s: report it to the governing members",
        effect->evidence.member, (unsigned long long)effect->evidence.era, path);
}

static void alarm_text(struct driver *driver, const struct pbft_effect *effect)
{
    static const char *const texts[] = {
        [PBFT_ALARM_DIVERGED] =
            "this node computed another result than the certified block; it has "
            "stopped voting. Keep its data directory and report it",
        [PBFT_ALARM_FORK] = "two certificates contradict each other: more validators lie than the "
                            "network can bear. Voting has stopped; report it at once",
        [PBFT_ALARM_OWN_SIGNATURE] =
            "peers hold signatures of this node's key that its journal does not know: an old "
            "backup "
            "or a second copy of the key. It follows without voting; see the operations guide",
        [PBFT_ALARM_SET_TOO_LARGE] =
            "the validator set is larger than this software allows; upgrade",
    };
    atomic_fetch_add(&driver->node->gauges.alarms, 1);
    log_event(LOG_ERROR, "alarm", "height %llu: %s", (unsigned long long)effect->alarm.height,
              texts[effect->alarm.reason]);
}

static void run_effect(struct driver *driver, const struct pbft_effect *effect)
{
    switch (effect->type) {
    case PBFT_PERSIST:
        persist(driver, effect);
        break;
    case PBFT_SEND:
        send_out(driver, effect);
        break;
    case PBFT_EXECUTE:
        driver_execute(driver, effect);
        break;
    case PBFT_CANCEL: /* its answer is ignored by the core; executions are short */
        break;
    case PBFT_DISCARD:
        driver_discard(driver, &effect->discard.header_hash);
        break;
    case PBFT_FETCH_BODIES:
        driver_fetch_bodies(driver, effect);
        break;
    case PBFT_FETCH_BLOCKS:
        driver_fetch_blocks(driver, effect);
        break;
    case PBFT_VERIFY:
        verify(driver, effect);
        break;
    case PBFT_COMMIT:
        commit(driver, effect);
        break;
    case PBFT_EVIDENCE:
        evidence(driver, effect);
        break;
    case PBFT_ALARM:
        alarm_text(driver, effect);
        break;
    }
}

static void propose(struct driver *driver)
{
    struct pbft_input input = {.type = PBFT_BATCH};
    uint32_t count = pool_select(driver->pool, driver->entries);
    input.batch.entries = bytes_of(driver->entries, 32u * (size_t)count);
    driver_step(driver, &input);
}

static void note_view(struct driver *driver)
{
    struct pbft_summary summary;
    pbft_summary(driver->core, &summary);
    atomic_store(&driver->node->gauges.view, summary.view);
    if (summary.view != driver->last_view) {
        if (summary.view > driver->last_view) {
            atomic_fetch_add(&driver->node->gauges.view_changes, 1);
            log_event(LOG_WARN, "view",
                      "view %llu is open at height %llu; its primary is member %u",
                      (unsigned long long)summary.view, (unsigned long long)summary.height + 1,
                      pbft_set(driver->core)->validators[summary.primary].member);
        }
        driver->last_view = summary.view;
    }
    atomic_store(&driver->node->gauges.ready,
                 !summary.catching_up && !summary.stopped &&
                     peers_count(driver->node->peers) + 1 >= summary.quorum);
}

static void tick(uv_timer_t *timer)
{
    struct driver *driver = timer->data;
    struct pbft_input input = {.type = PBFT_TICK};
    if (driver->stopping) {
        return;
    }
    driver_step(driver, &input);
    driver_expire_waiters(driver);
    driver_pump(driver);
}

static void arm_timer(struct driver *driver)
{
    uint64_t now = driver_now_ms();
    uint64_t deadline = pbft_deadline_ms(driver->core);
    uint64_t delay = deadline <= now ? 1 : deadline - now;
    uv_update_time(driver->node->loop);
    uv_timer_start(&driver->timer, tick, delay < TICK_MAX_MS ? delay : TICK_MAX_MS, 0);
}

void driver_pump(struct driver *driver)
{
    if (driver->pumping || driver->stopping) {
        return;
    }
    driver->pumping = true;
    for (;;) {
        while (driver->blocked == 0 && driver->head != NULL) {
            struct queued *queued = driver->head;
            driver->head = queued->next;
            if (driver->head == NULL) {
                driver->tail = &driver->head;
            }
            run_effect(driver, &queued->effect);
            free(queued);
        }
        if (driver->blocked != 0 || !pbft_wants_proposal(driver->core, driver_now_ms())) {
            break;
        }
        propose(driver);
        if (driver->head == NULL) {
            break; /* the core took the batch and has nothing to do yet */
        }
    }
    driver->pumping = false;
    note_view(driver);
    arm_timer(driver);
}

void driver_unblock(struct driver *driver)
{
    CHECK(driver->blocked > 0);
    driver->blocked--;
    driver_pump(driver);
}

/* ---- Start and stop ---- */

static void sign(void *context, const struct hash32 *hash, struct sig64 *signature)
{
    signer_sign(context, hash, signature);
}

static struct pbft_params core_params(const Xuelian__Params *params)
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

/* Hash of the block that the first era rests on: block 0, the parent of block 1. No kind of transaction of
 * this version changes the set, so there is one era. */
static bool era_base(struct node *node, struct hash32 *hash)
{
    struct stored_block block;
    if (ledger_tip(node->ledger)->height == 0) {
        *hash = *ledger_tip_hash(node->ledger);
        return true;
    }
    if (block_log_get(node->block_log, 1, &block) != ST_OK) {
        return false;
    }
    *hash = block.header.parent_hash;
    stored_block_free(&block);
    return true;
}

static enum status start_core(struct driver *driver, char *error)
{
    struct node *node = driver->node;
    struct pbft_config config = {
        .chain_id = node->genesis.chain_id,
        .key = *signer_key(node->signer),
        .incarnation = node->journal != NULL ? vote_journal_incarnation(node->journal) : 0,
        .validators_max = LIMIT_VALIDATORS_MAX,
        .follow = node->follow,
        .sign = sign,
        .sign_context = node->signer};
    struct pbft_start start = {.now_ms = driver_now_ms(),
                               .set = ledger_set(node->ledger),
                               .params = core_params(driver->params)};
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t *certified = NULL;
    uint8_t *new_view = NULL;
    size_t size = 0;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(uv_random(NULL, NULL, &config.nonce, sizeof config.nonce, 0, NULL) == 0);
    start.header = bytes_of(header, header_encode(header, ledger_tip(node->ledger)));
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    if (driver->tip_height > 0) {
        if (block_log_get_certified(node->block_log, driver->tip_height, &certified, &size) !=
                ST_OK ||
            canonical_decode(&message, &xuelian__certified__descriptor, bytes_of(certified, size),
                             &arena) != ST_OK) {
            snprintf(error, NODE_ERROR_SIZE, "the newest block has no certificate in the log");
            kv_free(certified);
            return ST_CORRUPT;
        }
        start.certificate = field_bytes(&((Xuelian__Certified *)(void *)message)->certificate);
    }
    if (!era_base(node, &start.era_base_hash)) {
        snprintf(error, NODE_ERROR_SIZE, "block 1 cannot be read from the log");
        kv_free(certified);
        return ST_CORRUPT;
    }
    if (node->journal != NULL && vote_journal_newest(node->journal)->payload.size > 0) {
        const struct vote_record *newest = vote_journal_newest(node->journal);
        start.record = newest->payload;
        if (block_log_get_new_view(node->block_log, newest->era, newest->view, &new_view, &size) ==
            ST_OK) {
            start.new_view = bytes_of(new_view, size);
        }
    }
    driver->core_memory = aligned_alloc(64, (pbft_footprint(&config) + 63) / 64 * 64);
    CHECK(driver->core_memory != NULL);
    enum status status = pbft_init(&driver->core, driver->core_memory, &config, &start);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "the vote journal does not fit the block log: %s",
                 status_en(status));
    }
    kv_free(certified);
    kv_free(new_view);
    return status;
}

enum status driver_start(struct driver **driver, struct node *node, char error[NODE_ERROR_SIZE])
{
    struct driver *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->node = node;
    made->tail = &made->head;
    made->params = node->genesis.message->params;
    made->tip_height = ledger_tip(node->ledger)->height;
    made->tip_hash = *ledger_tip_hash(node->ledger);
    made->tip_time_ms = ledger_tip(node->ledger)->time_ms;
    made->commit_ms = driver_now_ms();
    made->scratch = malloc(PBFT_PARSE_SCRATCH_SIZE);
    made->entries = malloc(32u * (size_t)LIMIT_PROPOSAL_ENTRIES_MAX);
    CHECK(made->scratch != NULL && made->entries != NULL);
    struct pool_limits limits = {.bytes = 64u << 20,
                                 .count = 50000,
                                 .batch_bytes = made->params->batch_bytes,
                                 .batch_count = (uint32_t)made->params->batch_count,
                                 .batch_work = made->params->batch_work};
    made->pool = pool_new(&limits);
    CHECK(uv_timer_init(node->loop, &made->timer) == 0);
    made->timer.data = made;
    *driver = made;
    enum status status = start_core(made, error);
    if (status == ST_OK) {
        atomic_store(&node->gauges.height, made->tip_height);
        uv_timer_start(&made->timer, tick, 1, 0);
    }
    return status;
}

void driver_stop(struct driver *driver)
{
    driver->stopping = true;
    uv_close((uv_handle_t *)&driver->timer, NULL);
}

void driver_free(struct driver *driver)
{
    while (driver->head != NULL) {
        struct queued *next = driver->head->next;
        free(driver->head);
        driver->head = next;
    }
    while (driver->candidates != NULL) {
        struct candidate *next = driver->candidates->next;
        candidate_free(driver->candidates);
        driver->candidates = next;
    }
    for (unsigned i = 0; i < FETCHED_PROPOSALS; i++) {
        candidate_free(driver->proposals[i]);
    }
    driver_drop_blocks(driver, UINT64_MAX);
    while (driver->waiters != NULL) {
        struct waiter *next = driver->waiters->next;
        free(driver->waiters);
        driver->waiters = next;
    }
    pool_free(driver->pool);
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
    driver_pump(driver);
}

void driver_peer_down(void *context, const struct pubkey33 *key)
{
    struct driver *driver = ((struct node *)context)->driver;
    (void)key;
    if (driver != NULL) {
        atomic_store(&driver->node->gauges.peers, peers_count(driver->node->peers));
    }
}
