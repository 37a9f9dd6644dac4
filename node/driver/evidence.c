/* Evidence: what the core found and what peers send is checked, kept once, and passed on (R31).
 *
 * Passing on is one rule: every session has a place in the list of what is kept, and moves along it at a bounded pace.
 * So a new piece goes to everyone, an old one to whoever connects, and a piece that is kept already goes nowhere: there
 * are no loops. Every now and then a session begins anew, for what was dropped. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "node/driver/shelf.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum {
    CHECKS_MAX = 4,        /* pieces at the verification threads; of one bucket of peers, one */
    PIECES_A_MINUTE = 240, /* that a bucket of peers may send; the rest is dropped unread */
    MUTE_MS = 60000,       /* a bucket that sent what shows nothing is not listened to */
    PACE_MS = 250,         /* from one piece to the next, of one session */
    PACE_BYTES = 4096,     /* and a millisecond for so many bytes */
    ROUND_MS = 300000
};

/* What peers may still send. */
struct allowance {
    uint64_t minute;
    unsigned pieces;
    uint64_t muted_until_ms;
    uint64_t no_past_until_ms; /* no NEW-VIEW of an era whose K is not known */
    bool checking;
};

/* How far a session has come in the list. */
struct course {
    bool used;
    struct pubkey33 key;
    size_t next;
    uint64_t not_before_ms;
    uint64_t round_ms;
};

/* The newest proposal that the ledger refused, with the bodies that show it. */
struct refused {
    bool present;
    bool shown; /* by these bodies; else by the state, which others do not see */
    struct hash32 digest;
    enum status reason;
    struct bytes bodies[EVIDENCE_BODIES_MAX]; /* malloc'ed */
    size_t body_count;
};

struct driver_evidence {
    struct shelf shelf;
    struct allowance allowances[SENDERS];
    struct course courses[PEERS_MAX];
    struct refused refused;
    unsigned checking;
};

void driver_evidence_start(struct driver *driver)
{
    driver->evidence = calloc(1, sizeof *driver->evidence);
    CHECK(driver->evidence != NULL);
    shelf_load(&driver->evidence->shelf, driver->node);
    atomic_store(&driver->node->gauges.evidence_kept, driver->evidence->shelf.count);
    if (driver->evidence->shelf.count > 0) {
        log_event(LOG_WARN, "evidence",
                  "%u pieces of evidence against validators are kept; see: xuelian evidence list",
                  (unsigned)driver->evidence->shelf.count);
    }
}

static void forget_refused(struct refused *refused)
{
    for (size_t i = 0; i < refused->body_count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = refused->bodies[i].data};
        free(pointer.out);
    }
    *refused = (struct refused){.present = false};
}

void driver_evidence_free(struct driver *driver)
{
    if (driver->evidence != NULL) {
        forget_refused(&driver->evidence->refused);
        shelf_free(&driver->evidence->shelf);
        free(driver->evidence);
    }
}

/* ---- Checked on a worker, then kept ---- */

struct check_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 from;
    bool own;     /* the core found it */
    uint64_t k;   /* rotation_blocks of its era, 0: not known */
    void *memory; /* of the arena that the evidence borrows from */
    struct evidence evidence;
    struct evidence_facts facts;
    enum status status;
    bool written;
    char id[SHELF_ID_SIZE];
};

static void check_run(struct task *task)
{
    struct check_task *check = (struct check_task *)task;
    struct node *node = check->driver->node;
    struct evidence_path path;
    check->status = shelf_path(&path, node, check->evidence.era, check->k);
    if (check->status == ST_OK) {
        check->status =
            evidence_check(&check->evidence, &path, &node->genesis.chain_id, &check->facts);
    }
    if (check->status == ST_OK) {
        shelf_id(check->id, check->evidence.era, check->facts.index, check->evidence.kind);
        check->written = shelf_write(node, check->id, &check->evidence);
    }
}

static void check_free(struct check_task *check)
{
    free(check->memory);
    free(check);
}

static void tell_kept(const struct check_task *check, const struct node *node)
{
    char words[EVIDENCE_WORDS_SIZE];
    char path[CONFIG_TEXT_SIZE + 96];
    evidence_words(words, &check->facts, false);
    shelf_file(path, sizeof path, node, check->id);
    log_event(LOG_ERROR, "evidence",
              "the validator of member %u, place %u of era %llu, %s. %s %s; report it to the "
              "governing members: xuelian evidence record %s",
              check->facts.member, check->facts.index, (unsigned long long)check->evidence.era,
              words, check->written ? "Kept in" : "It could not be written to", path, check->id);
}

static void keep(struct check_task *check)
{
    struct driver *driver = check->driver;
    struct kept kept = {.era = check->evidence.era,
                        .key = check->evidence.key,
                        .facts = check->facts,
                        .seen_ms = check->evidence.seen_ms,
                        .from = check->from};
    memcpy(kept.id, check->id, sizeof kept.id);
    kept.size =
        evidence_write(&kept.bytes, &check->evidence, &driver->node->genesis.chain_id, true);
    if (!shelf_add(&driver->evidence->shelf, &kept)) {
        free(kept.bytes); /* the same from two peers at once; or there is no more room */
        return;
    }
    atomic_fetch_add(&driver->node->gauges.evidence, 1);
    atomic_store(&driver->node->gauges.evidence_kept, driver->evidence->shelf.count);
    tell_kept(check, driver->node);
}

static void dropped(struct driver *driver)
{
    atomic_fetch_add(&driver->node->gauges.evidence_dropped, 1);
}

static void refuse(struct check_task *check)
{
    struct driver *driver = check->driver;
    if (check->own) {
        log_event(
            LOG_ERROR, "evidence_own",
            "what this node's core reported of a validator of era %llu does not show it (%s): "
            "a fault of this program, report it",
            (unsigned long long)check->evidence.era, status_en(check->status));
        return;
    }
    dropped(driver);
    if (status_class(check->status) == STATUS_CLASS_BAD ||
        status_class(check->status) == STATUS_CLASS_RULE) {
        driver->evidence->allowances[driver_bucket(&check->from)].muted_until_ms =
            driver_now_ms() + MUTE_MS;
        log_event(LOG_DEBUG, "bad_evidence", "evidence that shows nothing was dropped: %s",
                  status_en(check->status));
    } else if (check->status == ST_MISSING) {
        /* Anyone can send such a one again and again, and an honest peer has kept few: only these are not looked at. */
        driver->evidence->allowances[driver_bucket(&check->from)].no_past_until_ms =
            driver_now_ms() + MUTE_MS;
    }
}

static void check_done(struct task *task)
{
    struct check_task *check = (struct check_task *)task;
    struct driver *driver = check->driver;
    driver->evidence->checking--;
    if (!check->own) {
        driver->evidence->allowances[driver_bucket(&check->from)].checking = false;
    }
    if (driver->stopping) {
        /* it is in its file, or comes again */
    } else if (check->status == ST_OK) {
        keep(check);
    } else {
        refuse(check);
    }
    check_free(check);
}

/* K of an era: of the one that the parameters here are of, else not known. */
static uint64_t rotation_of(const struct driver *driver, uint64_t era)
{
    bool current = pbft_set(driver->core)->era == era && driver->tip_height + 1 >= era;
    return current ? driver->params.rotation_blocks : 0;
}

/* Takes the task. */
static bool post(struct check_task *check)
{
    struct driver *driver = check->driver;
    check->task.run = check_run;
    check->task.done = check_done;
    check->k = rotation_of(driver, check->evidence.era);
    check->evidence.seen_ms = driver_clock_ms();
    driver->evidence->checking++;
    if (!worker_post(driver->node->verifier, &driver->node->inbox, &check->task)) {
        driver->evidence->checking--;
        check_free(check);
        return false;
    }
    return true;
}

/* ---- From peers ---- */

/* False: it has sent too much, or nonsense, or one is being looked at. */
static bool allowed(struct driver *driver, struct allowance *allowance)
{
    uint64_t now = driver_now_ms();
    if (allowance->minute != now / 60000) {
        allowance->minute = now / 60000;
        allowance->pieces = 0;
    }
    return now >= allowance->muted_until_ms && !allowance->checking &&
           allowance->pieces++ < PIECES_A_MINUTE && driver->evidence->checking < CHECKS_MAX;
}

/* What showed nothing a moment ago for want of K. */
static bool wants_k(const struct driver *driver, const struct allowance *allowance,
                    const struct evidence *evidence)
{
    return evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_NEW_VIEW &&
           rotation_of(driver, evidence->era) == 0 && driver_now_ms() < allowance->no_past_until_ms;
}

void driver_evidence_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body)
{
    struct driver_evidence *state = driver->evidence;
    struct allowance *allowance = &state->allowances[driver_bucket(from)];
    struct check_task *check = NULL;
    struct arena arena;
    if (!allowed(driver, allowance)) {
        dropped(driver);
        return;
    }
    check = calloc(1, sizeof *check);
    CHECK(check != NULL);
    check->driver = driver;
    check->from = *from;
    check->memory = malloc(EVIDENCE_ROOM(body.size));
    CHECK(check->memory != NULL);
    arena_init(&arena, check->memory, EVIDENCE_ROOM(body.size));
    check->status = evidence_read(&check->evidence, body, &driver->node->genesis.chain_id, &arena);
    if (check->status == ST_OK &&
        (check->evidence.seen_ms != 0 || check->evidence.set_change_count != 0)) {
        check->status = ST_BAD_ENCODING; /* of files alone */
    }
    if (check->status != ST_OK) {
        refuse(check);
        check_free(check);
    } else if (shelf_find(&state->shelf, check->evidence.era, &check->evidence.key,
                          check->evidence.kind) != NULL) {
        check_free(check); /* kept already */
    } else if (check->evidence.era > pbft_set(driver->core)->era ||
               wants_k(driver, allowance, &check->evidence)) {
        check_free(check);
        dropped(driver); /* of an era to come, or not to be judged: it comes again */
    } else if (!post(check)) {
        dropped(driver); /* no room: it comes again */
    } else {
        allowance->checking = true;
    }
}

/* ---- From the core ---- */

void driver_evidence_refused(struct driver *driver, const struct candidate *candidate,
                             enum status reason, uint32_t index)
{
    struct refused *refused = &driver->evidence->refused;
    struct bytes bodies[EVIDENCE_BODIES_MAX];
    size_t count = 0;
    forget_refused(refused);
    refused->present = true;
    refused->reason = reason;
    proposal_digest(&refused->digest, bytes_of(candidate->proposal, candidate->proposal_size));
    refused->shown = evidence_bodies(reason, candidate->txs, candidate->count, index,
                                     &driver->node->genesis.chain_id, bodies, &count);
    for (size_t i = 0; i < count; i++) {
        uint8_t *copy = malloc(bodies[i].size + 1);
        CHECK(copy != NULL);
        memcpy(copy, bodies[i].data, bodies[i].size);
        refused->bodies[refused->body_count++] = bytes_of(copy, bodies[i].size);
    }
}

/* Writes what belongs to a kept message as one would have received it, so that it is read like one. */
static struct check_task *check_of(struct driver *driver, const struct pbft_effect *effect,
                                   const ProtobufCBinaryData *bodies, size_t body_count)
{
    struct evidence made = {.kind = (Xuelian__EvidenceKind)(effect->evidence.kind + 1),
                            .era = effect->evidence.era,
                            .first = effect->evidence.first,
                            .second = effect->evidence.second,
                            .bodies = bodies,
                            .body_count = body_count};
    struct check_task *check = calloc(1, sizeof *check);
    struct arena arena;
    uint8_t *bytes = NULL;
    CHECK(check != NULL);
    check->driver = driver;
    check->own = true;
    check->from = *signer_key(driver->node->signer);
    made.key = effect->evidence.key;
    size_t size = evidence_write(&bytes, &made, &driver->node->genesis.chain_id, true);
    check->memory = malloc(EVIDENCE_ROOM(size));
    CHECK(check->memory != NULL);
    arena_init(&arena, check->memory, EVIDENCE_ROOM(size));
    check->status = evidence_read(&check->evidence, bytes_of(bytes, size),
                                  &driver->node->genesis.chain_id, &arena);
    free(bytes);
    return check;
}

static bool same_proposal(const struct refused *refused, struct bytes pre_prepare)
{
    struct hash32 digest;
    void *memory = NULL;
    bool same = false;
    Xuelian__PrePrepare *wire = (Xuelian__PrePrepare *)(void *)driver_decode(
        &xuelian__pre_prepare__descriptor, pre_prepare, &memory);
    if (wire != NULL) {
        proposal_digest(&digest, bytes_of(wire->proposal.data, wire->proposal.len));
        same = refused->present && hash32_equal(&digest, &refused->digest);
    }
    free(memory);
    return same;
}

void driver_effect_evidence(struct driver *driver, const struct pbft_effect *effect)
{
    ProtobufCBinaryData bodies[EVIDENCE_BODIES_MAX];
    struct refused *refused = &driver->evidence->refused;
    size_t count = 0;
    if (effect->evidence.kind == PBFT_EVIDENCE_BAD_PROPOSAL &&
        same_proposal(refused, effect->evidence.first)) {
        if (!refused->shown) {
            atomic_fetch_add(&driver->node->gauges.evidence, 1);
            log_event(
                LOG_ERROR, "evidence",
                "validator %u of era %llu signed a proposal that this node's state refuses "
                "(%s). Every node that was given it says the same; there is no proof of it for "
                "others",
                effect->evidence.member, (unsigned long long)effect->evidence.era,
                status_en(refused->reason));
            return;
        }
        for (; count < refused->body_count; count++) {
            bodies[count] = (ProtobufCBinaryData){.len = refused->bodies[count].size};
            union {
                const uint8_t *in;
                uint8_t *out;
            } pointer = {.in = refused->bodies[count].data};
            bodies[count].data = pointer.out;
        }
    }
    struct check_task *check = check_of(driver, effect, bodies, count);
    if (check->status != ST_OK) {
        refuse(check);
        check_free(check);
    } else if (shelf_find(&driver->evidence->shelf, check->evidence.era, &check->evidence.key,
                          check->evidence.kind) != NULL) {
        check_free(check);
    } else if (!post(check)) {
        log_event(LOG_WARN, "evidence",
                  "evidence against validator %u of era %llu was lost: too much waits for "
                  "verification",
                  effect->evidence.member, (unsigned long long)effect->evidence.era);
    }
}

/* ---- Passed on ---- */

static struct course *course_of(struct driver_evidence *state, const struct pubkey33 *key)
{
    struct course *unused = NULL;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct course *course = &state->courses[i];
        if (course->used && pubkey33_compare(&course->key, key) == 0) {
            return course;
        }
        unused = course->used ? unused : course;
    }
    return unused;
}

void driver_evidence_up(struct driver *driver, const struct pubkey33 *key)
{
    struct course *course = course_of(driver->evidence, key);
    if (course != NULL) {
        *course =
            (struct course){.used = true, .key = *key, .round_ms = driver_now_ms() + ROUND_MS};
    }
}

void driver_evidence_down(struct driver *driver, const struct pubkey33 *key)
{
    struct course *course = course_of(driver->evidence, key);
    if (course != NULL && course->used) {
        course->used = false;
    }
}

static void send_next(struct driver *driver, struct course *course, uint64_t now_ms)
{
    const struct shelf *shelf = &driver->evidence->shelf;
    if (now_ms >= course->round_ms) {
        course->next = 0;
        course->round_ms = now_ms + ROUND_MS;
    }
    while (course->next < shelf->count && now_ms >= course->not_before_ms) {
        const struct kept *kept = &shelf->list[course->next];
        if (pubkey33_compare(&kept->from, &course->key) != 0) {
            if (!peers_send(driver->node->peers, &course->key,
                            XUELIAN__PEER_TYPE__PEER_TYPE_EVIDENCE,
                            bytes_of(kept->bytes, kept->size))) {
                course->not_before_ms = now_ms + PACE_MS;
                return; /* its queue is full */
            }
            course->not_before_ms = now_ms + PACE_MS + kept->size / PACE_BYTES;
        }
        course->next++;
    }
}

void driver_evidence_tick(struct driver *driver, uint64_t now_ms)
{
    for (size_t i = 0; i < PEERS_MAX && driver->evidence->shelf.count > 0; i++) {
        if (driver->evidence->courses[i].used) {
            send_next(driver, &driver->evidence->courses[i], now_ms);
        }
    }
}

/* ---- Shown ---- */

void driver_evidence_list(struct driver *driver, struct node_evidence *request)
{
    const struct shelf *shelf = &driver->evidence->shelf;
    const struct kept *one = request->id[0] != '\0' ? shelf_find_id(shelf, request->id) : NULL;
    size_t count = request->id[0] == '\0' ? shelf->count : one != NULL ? 1 : 0;
    request->list = calloc(count + 1, sizeof *request->list);
    CHECK(request->list != NULL);
    for (request->count = 0; request->count < count; request->count++) {
        const struct kept *kept = one != NULL ? one : &shelf->list[request->count];
        struct node_evidence_piece *piece = &request->list[request->count];
        *piece = (struct node_evidence_piece){.era = kept->era,
                                              .key = kept->key,
                                              .facts = kept->facts,
                                              .seen_ms = kept->seen_ms,
                                              .size = kept->size};
        memcpy(piece->id, kept->id, sizeof piece->id);
        piece->bytes = malloc(kept->size);
        CHECK(piece->bytes != NULL);
        memcpy(piece->bytes, kept->bytes, kept->size);
    }
    inbox_post(request->reply_to, &request->task);
}
