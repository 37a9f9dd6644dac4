/* The core's memory, its effects, and the step that ties the files together. */
#include "consensus/pbft.h"

#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/frame.h"

/* ---- Memory -------------------------------------------------------------------------------------- */

static size_t certificate_size_max(uint32_t n)
{
    return 112 + n / 8 + quorum_size(n) * sizeof(struct sig64);
}

static size_t view_change_size_max(uint32_t n)
{
    return 256 + 2 * (LIMIT_HEADER_SIZE_MAX + certificate_size_max(n));
}

static size_t new_view_size_max(uint32_t n)
{
    return 128 + quorum_size(n) * (view_change_size_max(n) + 8);
}

/* Signatures nested in a NEW-VIEW: of each VIEW-CHANGE, and of its two certificates. */
static uint32_t checks_max(uint32_t n)
{
    return quorum_size(n) * (2 * quorum_size(n) + 1);
}

/* Bytes that the effects of one rule may need, and those of one answered STATUS. */
static size_t step_room(uint32_t n)
{
    size_t record = PRE_PREPARE_SIZE_MAX + 4 * view_change_size_max(n) + 4096;
    return record + PRE_PREPARE_SIZE_MAX + 3 * new_view_size_max(n) +
           checks_max(n) * sizeof(struct pbft_check) + 4096;
}

static size_t out_size(uint32_t n)
{
    return 4 * step_room(n);
}

static size_t scratch_size(uint32_t n)
{
    size_t answer = 2 * frame_body_size_max(XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER);
    return 2 * (PRE_PREPARE_SIZE_MAX + new_view_size_max(n)) + answer + 64 * 1024 +
           8 * view_change_size_max(n);
}

/* One pass computes the size (core NULL), the other hands the memory out: they cannot disagree. */
struct carving {
    uint8_t *memory;
    size_t used;
};

static void *carve(struct carving *carving, size_t size)
{
    void *made = carving->memory == NULL ? NULL : carving->memory + carving->used;
    carving->used += (size + 15) / 16 * 16;
    return made;
}

static void carve_blob(struct carving *carving, struct blob *blob, size_t capacity)
{
    uint8_t *data = carve(carving, capacity);
    if (blob != NULL) {
        *blob = (struct blob){.data = data, .size = 0, .capacity = capacity};
    }
}

static void carve_own(struct carving *carving, struct pbft *core, uint32_t n)
{
    for (size_t i = 0; i < 2; i++) {
        struct own_height *own = core == NULL ? NULL : &core->own.heights[i];
        carve_blob(carving, own == NULL ? NULL : &own->header, LIMIT_HEADER_SIZE_MAX);
        carve_blob(carving, own == NULL ? NULL : &own->certificate, certificate_size_max(n));
    }
    carve_blob(carving, core == NULL ? NULL : &core->own.view_change, view_change_size_max(n));
    carve_blob(carving, core == NULL ? NULL : &core->own.pre_prepare, PRE_PREPARE_SIZE_MAX);
    carve_blob(carving, core == NULL ? NULL : &core->own.new_view, new_view_size_max(n));
}

static size_t carve_all(struct pbft *core, void *memory, uint32_t n)
{
    struct carving carving = {.memory = memory, .used = 0};
    (void)carve(&carving, sizeof(struct pbft));
    carve_own(&carving, core, n);
    carve_blob(&carving, core == NULL ? NULL : &core->certificate, certificate_size_max(n));
    carve_blob(&carving, core == NULL ? NULL : &core->batch, PROPOSAL_SIZE_MAX);
    for (size_t i = 0; i < HEIGHTS; i++) {
        void *votes = carve(&carving, n * PHASES * sizeof(struct vote));
        if (core != NULL) {
            core->votes[i] = votes;
        }
        carve_blob(&carving, core == NULL ? NULL : &core->proposals[i].message,
                   PRE_PREPARE_SIZE_MAX);
        carve_blob(&carving, core == NULL ? NULL : &core->adoptions[i].certificate,
                   certificate_size_max(n));
        carve_blob(&carving, core == NULL ? NULL : &core->openings[i].message,
                   new_view_size_max(n));
    }
    void *changes = carve(&carving, n * sizeof(struct member_change));
    void *evidence_sent = carve(&carving, n);
    void *bad_new_views = carve(&carving, n);
    void *bad_changes = carve(&carving, n);
    if (core != NULL) {
        core->changes = changes;
        core->evidence_sent = evidence_sent;
        core->bad_new_views = bad_new_views;
        core->bad_changes = bad_changes;
    }
    for (uint32_t i = 0; i < n; i++) {
        carve_blob(&carving, core == NULL ? NULL : &core->changes[i].message,
                   view_change_size_max(n));
    }
    void *out = carve(&carving, out_size(n));
    void *scratch = carve(&carving, scratch_size(n));
    if (core != NULL) {
        arena_init(&core->out, out, out_size(n));
        arena_init(&core->scratch, scratch, scratch_size(n));
    }
    return carving.used;
}

size_t pbft_footprint(const struct pbft_config *config)
{
    CHECK(config->validators_max >= 1);
    CHECK(config->validators_max <= LIMIT_VALIDATORS_MAX);
    return carve_all(NULL, NULL, config->validators_max);
}

void blob_set(struct blob *blob, struct bytes bytes)
{
    CHECK(bytes.size <= blob->capacity);
    if (bytes.size > 0) {
        memmove(blob->data, bytes.data, bytes.size);
    }
    blob->size = bytes.size;
}

struct bytes blob_bytes(const struct blob *blob)
{
    return bytes_of(blob->data, blob->size);
}

/* ---- Effects ------------------------------------------------------------------------------------- */

struct pbft_effect *core_effect(struct pbft *core, enum pbft_effect_type type)
{
    CHECK(core->effects_count < EFFECTS_MAX);
    struct pbft_effect *effect = &core->effects[core->effects_count++];
    memset(effect, 0, sizeof *effect);
    effect->type = type;
    return effect;
}

uint8_t *core_room(struct pbft *core, size_t size)
{
    uint8_t *room = arena_alloc(&core->out, size);
    CHECK(room != NULL);
    return room;
}

struct bytes core_keep(struct pbft *core, struct bytes bytes)
{
    if (bytes.size == 0) {
        return bytes_of(NULL, 0);
    }
    uint8_t *copy = core_room(core, bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

void core_send(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer, uint8_t type,
               struct bytes body)
{
    struct pbft_effect *effect = core_effect(core, PBFT_SEND);
    effect->send.to = to;
    if (peer != NULL) {
        effect->send.peer = *peer;
    }
    effect->send.type = type;
    effect->send.body = core_keep(core, body);
}

void core_send_message(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer,
                       uint8_t type, const ProtobufCMessage *message)
{
    struct pbft_effect *effect = core_effect(core, PBFT_SEND);
    size_t size = canonical_size(message);
    uint8_t *out = core_room(core, size + 1);
    effect->send.to = to;
    if (peer != NULL) {
        effect->send.peer = *peer;
    }
    effect->send.type = type;
    effect->send.body = bytes_of(out, canonical_encode(out, message));
}

void core_alarm(struct pbft *core, enum pbft_alarm reason, const struct hash32 *expected,
                const struct hash32 *found)
{
    struct pbft_effect *effect = core_effect(core, PBFT_ALARM);
    effect->alarm.reason = reason;
    effect->alarm.height = core->height + 1;
    if (expected != NULL) {
        effect->alarm.expected = *expected;
    }
    if (found != NULL) {
        effect->alarm.found = *found;
    }
    core->stopped = true;
}

/* ---- Small questions ----------------------------------------------------------------------------- */

bool place_above(const struct place *a, const struct place *b)
{
    return a->era > b->era || (a->era == b->era && (a->height > b->height || a->view > b->view));
}

void place_raise(struct place *newest, const struct place *place)
{
    if (place->era > newest->era) {
        *newest = *place;
    } else {
        CHECK(place->era == newest->era);
        newest->view = later_ms(newest->view, place->view);
        newest->height = later_ms(newest->height, place->height);
    }
}

uint64_t core_token(struct pbft *core)
{
    return ++core->next_token;
}

void core_sign(const struct pbft *core, const struct hash32 *hash, struct sig64 *signature)
{
    core->config.sign(core->config.sign_context, hash, signature);
}

/* R2: a pure function of height and view. */
uint32_t core_primary(const struct pbft *core, uint64_t height, uint64_t view)
{
    uint64_t n = core->set.count;
    return (uint32_t)((height / core->params.rotation_blocks % n + view % n) % n);
}

/* R16: T(k) = T0 * 2^k, capped; k views without a commit. */
uint64_t core_timeout_ms(const struct pbft *core)
{
    uint64_t timeout_ms = core->params.t0_ms;
    uint64_t views = core->own.target - core->progress_view;
    for (uint64_t k = 0; k < views && timeout_ms < core->params.timeout_cap_ms; k++) {
        timeout_ms = sum_ms(timeout_ms, timeout_ms);
    }
    return timeout_ms < core->params.timeout_cap_ms ? timeout_ms : core->params.timeout_cap_ms;
}

bool core_in_era(const struct pbft *core)
{
    return core->own.era == core->set.era;
}

bool core_installed(const struct pbft *core)
{
    return core->own.view == core->own.target;
}

/* R5, R22, R23, R24, R33: each of these forbids a vote; none permits one alone. */
bool core_may_vote(const struct pbft *core)
{
    return !core->config.follow && !core->stopped && core->self >= 0 &&
           core->set.era >= core->config.era_min &&
           core->set.validators[core->self].incarnation == core->config.incarnation &&
           core_in_era(core) && core->height >= core->own.durable_height &&
           core->height >= core->needed_height && core->tripwire.clear;
}

/* R13, R19: not after a VIEW-CHANGE for a later view, not at or below the base. */
bool core_may_vote_open(const struct pbft *core)
{
    return core_may_vote(core) && core_installed(core) && core->height >= core->own.base_height;
}

const struct header *core_forced(const struct pbft *core)
{
    bool here = core_in_era(core) && core_installed(core) && core->own.has_forced &&
                core->own.forced.height == core->height + 1;
    return here ? &core->own.forced : NULL;
}

bool pbft_signer_key(const struct pbft *core, uint64_t era, uint32_t sender, struct pubkey33 *key)
{
    if (era != core->set.era || sender >= core->set.count) {
        return false;
    }
    *key = core->set.validators[sender].key;
    return true;
}

const struct validator_set *pbft_set(const struct pbft *core)
{
    return &core->set;
}

/* ---- Start --------------------------------------------------------------------------------------- */

void core_check_params(const struct pbft_params *params)
{
    CHECK(params->rotation_blocks >= 1);
    CHECK(params->t0_ms >= 1);
    CHECK(params->timeout_cap_ms >= params->t0_ms);
}

void core_use_set(struct pbft *core, const struct validator_set *set)
{
    core->set = *set;
    validator_set_hash(&core->set_hash, &core->set);
    core->self = validator_set_find(&core->set, &core->config.key);
    for (uint32_t i = 0; i < core->config.validators_max; i++) {
        core->changes[i].state = JUDGED_NONE;
        core->evidence_sent[i] = 0;
        core->bad_new_views[i] = 0;
        core->bad_changes[i] = 0;
    }
    for (size_t h = 0; h < HEIGHTS; h++) {
        memset(core->votes[h], 0, core->config.validators_max * sizeof *core->votes[h]);
        memset(core->voters[h], 0, sizeof core->voters[h]);
        proposal_clear(&core->proposals[h]);
        core->openings[h].state = JUDGED_NONE;
        core->openings[h].message.size = 0;
    }
    core->highest_change = 0;
    catch_up_use_set(core);
    core->tripwire.answered = 0;
    core->tripwire.token = 0;
    /* R24: with n = 1 nobody can be asked. */
    core->tripwire.clear = core->tripwire.earned || quorum_size(set->count) == 1;
}

static enum status start_tip(struct pbft *core, const struct pbft_start *start)
{
    if (header_decode(&core->header, start->header) != ST_OK) {
        return ST_CORRUPT;
    }
    if (!hash32_equal(&core->header.chain_id, &core->config.chain_id)) {
        return ST_FOREIGN;
    }
    /* R33: nor has the block of a recovery. */
    bool uncertified = core->header.height == 0 ||
                       (start->era_recovered && core->header.height + 1 == start->set->era);
    if (start->certificate.size > core->certificate.capacity ||
        (start->certificate.size == 0) != uncertified) {
        return ST_CORRUPT;
    }
    header_hash(&core->hash, &core->header);
    core->height = core->header.height;
    blob_set(&core->certificate, start->certificate);
    core->params = start->params;
    return ST_OK;
}

static enum status start_sets(struct pbft *core, const struct pbft_start *start)
{
    struct hash32 hash;
    validator_set_hash(&hash, start->set);
    if (!hash32_equal(&hash, &core->header.next_validators_hash) ||
        start->set->era > core->height + 1 || start->set->count > core->config.validators_max ||
        (start->previous_set != NULL && start->previous_set->count > core->config.validators_max)) {
        return ST_CORRUPT;
    }
    core->previous_set = start->previous_set == NULL ? *start->set : *start->previous_set;
    core->era_base_hash = start->era_base_hash;
    core->era_recovered = start->era_recovered;
    core->tip_set = core->height >= start->set->era ? *start->set : core->previous_set;
    validator_set_hash(&core->previous_set_hash, &core->previous_set);
    core_use_set(core, start->set);
    return ST_OK;
}

enum status pbft_init(struct pbft **out, void *memory, const struct pbft_config *config,
                      const struct pbft_start *start)
{
    struct pbft *core = memory;
    *out = NULL;
    CHECK(config->validators_max >= 1);
    CHECK(config->validators_max <= LIMIT_VALIDATORS_MAX);
    CHECK((uintptr_t)memory % 16 == 0);
    CHECK(config->sign != NULL);
    core_check_params(&start->params);
    memset(core, 0, sizeof *core);
    (void)carve_all(core, memory, config->validators_max);
    for (uint32_t i = 0; i < config->validators_max; i++) {
        uint8_t *data = core->changes[i].message.data;
        size_t capacity = core->changes[i].message.capacity;
        memset(&core->changes[i], 0, sizeof core->changes[i]);
        core->changes[i].message = (struct blob){.data = data, .size = 0, .capacity = capacity};
    }
    core->config = *config;
    core->now_ms = start->now_ms;
    core->installed_ms = start->now_ms;
    core->commit_ms = start->now_ms;
    core->sync.due_ms = PBFT_NEVER_MS;
    core->step_room = step_room(config->validators_max);
    enum status status = start_tip(core, start);
    if (status == ST_OK) {
        status = start_sets(core, start);
    }
    if (status == ST_OK) {
        status = recover_restore(core, start);
    }
    if (status == ST_OK) {
        certificate_remember(core, blob_bytes(&core->certificate));
        core->progress_view = core->own.target;
        *out = core;
    }
    return status;
}

/* ---- Step ---------------------------------------------------------------------------------------- */

static enum status step_message(struct pbft *core, const struct pubkey33 *from,
                                const struct pbft_message *message)
{
    if (message->has_signer) {
        /* R3: signatures of other eras are worthless here. */
        if (message->era != core->set.era) {
            return message->era < core->set.era ? ST_OLD : ST_FUTURE;
        }
        if (message->sender >= core->set.count) {
            return ST_UNKNOWN_VALIDATOR;
        }
        if ((int32_t)message->sender == core->self && tripwire_foreign(core, message)) {
            return ST_CONFLICT;
        }
    }
    switch (message->type) {
    case XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE:
        return normal_pre_prepare(core, message);
    case XUELIAN__PEER_TYPE__PEER_TYPE_VOTE:
        return normal_vote(core, message);
    case XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE:
        /* R17: from its sender alone. Its certificates are not signed by it: one who passes it on could
         * spoil them and keep the true one out. */
        return pubkey33_compare(from, &core->set.validators[message->sender].key) == 0
                   ? view_change_message(core, message)
                   : ST_UNKNOWN_VALIDATOR;
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW:
        return new_view_message(core, message);
    case XUELIAN__PEER_TYPE__PEER_TYPE_STATUS:
        return catch_up_status(core, from, message);
    case XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED: {
        ProtobufCMessage *decoded;
        arena_reset(&core->scratch);
        enum status status = canonical_decode(&decoded, &xuelian__certified__descriptor,
                                              message->body, &core->scratch);
        if (status != ST_OK) {
            return status;
        }
        const Xuelian__Certified *wire = (const Xuelian__Certified *)(const void *)decoded;
        return catch_up_certified(core, from, field_bytes(&wire->header),
                                  field_bytes(&wire->certificate));
    }
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST:
        return tripwire_request(core, from, message->body);
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER:
        return tripwire_answer(core, from, message->body);
    default: /* a byte from the wire, not an enum */
        return ST_UNKNOWN_KIND;
    }
}

/* A token belongs to at most one thing under judgement; one that was replaced has a newer token. */
static enum status step_verified(struct pbft *core, uint64_t token, bool good)
{
    if (token == 0) {
        return ST_OLD;
    }
    for (uint32_t i = 0; i < core->set.count; i++) {
        if (core->changes[i].state == JUDGED_VERIFYING && core->changes[i].token == token) {
            view_change_verified(core, i, good);
            return good ? ST_OK : ST_BAD_SIGNATURE;
        }
    }
    if (core->openings[0].state == JUDGED_VERIFYING && core->openings[0].token == token) {
        new_view_verified(core, good);
        return good ? ST_OK : ST_BAD_SIGNATURE;
    }
    if (core->adoptions[0].state == JUDGED_VERIFYING && core->adoptions[0].token == token) {
        catch_up_verified(core, good);
        return good ? ST_OK : ST_BAD_CERTIFICATE;
    }
    if (core->tripwire.token == token) {
        tripwire_verified(core, good);
        return good ? ST_OK : ST_BAD_SIGNATURE;
    }
    return ST_OLD;
}

static enum status step_input(struct pbft *core, const struct pbft_input *input)
{
    switch (input->type) {
    case PBFT_TICK:
        return ST_OK;
    case PBFT_MESSAGE:
        return step_message(core, &input->message.from, input->message.message);
    case PBFT_CONNECTED:
        catch_up_connected(core, &input->connected.peer);
        return ST_OK;
    case PBFT_EXECUTED:
        return execute_answer(core, input);
    case PBFT_VERIFIED:
        return step_verified(core, input->verified.token, input->verified.good);
    case PBFT_BATCH:
        return normal_batch(core, input->batch.entries);
    case PBFT_WAITING:
        core->waiting = (struct waiting){.count = input->waiting.count,
                                         .oldest_ms = input->waiting.oldest_ms,
                                         .oldest_single_ms = input->waiting.oldest_single_ms,
                                         .full = input->waiting.full};
        return ST_OK;
    case PBFT_RECOVERED:
        return catch_up_recovered(core, input);
    case PBFT_FETCHED:
        execute_fetched(core);
        return ST_OK;
    case PBFT_CERTIFIED:
        /* Known to be certified perhaps; now its block is here too. */
        execute_fetched(core);
        return catch_up_certified(core, &input->certified.from, input->certified.header,
                                  input->certified.certificate);
    }
    return ST_OK;
}

/* One rule that applies now. The order is that of what settles most: commits, then views, then votes. */
static bool advance_once(struct pbft *core)
{
    if (core->diverged) {
        return false;
    }
    return normal_commit(core) || catch_up_commit(core) || recover_advance(core) ||
           view_change_advance(core) || new_view_send(core) || normal_prepare(core) ||
           normal_commit_vote(core) || execute_schedule(core);
}

static void advance(struct pbft *core)
{
    core->unfinished = false;
    for (;;) {
        /* What has not fitted is done in the next step; nothing is lost by stopping between rules. */
        if (core->out.size - core->out.used < core->step_room ||
            core->effects_count + EFFECTS_MAX / 4 > EFFECTS_MAX) {
            core->unfinished = true;
            return;
        }
        if (!advance_once(core)) {
            return;
        }
    }
}

enum status pbft_step(struct pbft *core, const struct pbft_input *input,
                      struct pbft_effects *effects)
{
    core->effects_count = 0;
    arena_reset(&core->out);
    core->now_ms = later_ms(core->now_ms, input->now_ms);
    core->clock_ms = input->clock_ms;
    if (!core->started) {
        core->started = true;
        recover_start(core);
    }
    enum status verdict = step_input(core, input);
    advance(core);
    if (!core->unfinished && !core->diverged) {
        tripwire_ask(core);
        catch_up_advance(core);
    }
    effects->list = core->effects;
    effects->count = core->effects_count;
    return verdict;
}

uint64_t pbft_deadline_ms(const struct pbft *core)
{
    if (core->unfinished) {
        return core->now_ms;
    }
    if (core->diverged) {
        return PBFT_NEVER_MS;
    }
    uint64_t deadline_ms = earlier_ms(view_change_deadline_ms(core), catch_up_deadline_ms(core));
    uint64_t propose_ms = normal_propose_ms(core);
    /* One that has passed is pbft_wants_proposal's affair, not the clock's. */
    if (propose_ms > core->now_ms) {
        deadline_ms = earlier_ms(deadline_ms, propose_ms);
    }
    const struct proposal *proposal = &core->proposals[OPEN];
    if (proposal->state != PROPOSAL_NONE && !normal_timely(core, proposal)) {
        uint64_t early_ms = proposal->time_ms - core->clock_ms - core->params.max_drift_ms;
        deadline_ms = earlier_ms(deadline_ms, sum_ms(core->now_ms, early_ms));
    }
    if (core->execution.state == EXECUTION_MISSING) {
        deadline_ms = earlier_ms(deadline_ms, core->execution.retry_ms);
    }
    return earlier_ms(deadline_ms, tripwire_deadline_ms(core));
}

bool pbft_wants_proposal(const struct pbft *core, uint64_t now_ms)
{
    return normal_propose_ms(core) <= now_ms;
}
