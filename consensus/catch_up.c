/* Keeping level with the others: who has what, what is sent again, certified blocks. Rules R26 to R30.
 * No height or view is believed because a peer names it: a height is only asked about, and counts with its
 * certificate. */
#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* ---- Sources --------------------------------------------------------------------------------------- */

static struct source *source_find(struct pbft *core, const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < core->sources_count; i++) {
        if (pubkey33_compare(&core->sources[i].key, key) == 0) {
            return &core->sources[i];
        }
    }
    return NULL;
}

_Static_assert(SOURCES_MAX > LIMIT_VALIDATORS_MAX, "a full table holds more than the members");

/* Whoever was silent longest and is no member. */
static struct source *least_wanted(struct pbft *core)
{
    struct source *place = NULL;
    for (uint32_t i = 0; i < core->sources_count; i++) {
        struct source *source = &core->sources[i];
        if (source->member < 0 && (place == NULL || source->seen_ms < place->seen_ms)) {
            place = source;
        }
    }
    CHECK(place != NULL);
    return place;
}

/* Made when absent. A full table gives one up for it. */
struct source *catch_up_source(struct pbft *core, const struct pubkey33 *key)
{
    struct source *place = source_find(core, key);
    if (place != NULL) {
        place->seen_ms = core->now_ms;
        return place;
    }
    place = core->sources_count < SOURCES_MAX ? &core->sources[core->sources_count++]
                                              : least_wanted(core);
    *place = (struct source){
        .key = *key, .member = validator_set_find(&core->set, key), .seen_ms = core->now_ms};
    return place;
}

/* Who is a member changes with the set. */
void catch_up_use_set(struct pbft *core)
{
    for (uint32_t i = 0; i < core->sources_count; i++) {
        core->sources[i].member = validator_set_find(&core->set, &core->sources[i].key);
    }
}

void catch_up_note(struct pbft *core, const struct pubkey33 *key, uint64_t height)
{
    if (pubkey33_compare(key, &core->config.key) == 0) {
        return;
    }
    struct source *source = catch_up_source(core, key);
    source->height = later_ms(source->height, height);
}

/* R27: f+1 members claim a higher block: one of them is honest. Or what this node itself holds names one. */
bool catch_up_behind(const struct pbft *core)
{
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < core->sources_count; i++) {
        ahead += core->sources[i].member >= 0 && core->sources[i].height > core->height;
    }
    return ahead >= quorum_weak(core->set.count) || core->own.durable_height > core->height ||
           core->needed_height > core->height || core->own.base_height > core->height ||
           core->adoptions[0].state == JUDGED_VALID;
}

/* ---- STATUS ---------------------------------------------------------------------------------------- */

void catch_up_send_status(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer)
{
    Xuelian__Status wire = XUELIAN__STATUS__INIT;
    wire.era = core->set.era;
    wire.view = core_in_era(core) ? core->own.view : 0;
    wire.height = core->height;
    wire.header_hash = field_borrow(&core->hash, 32);
    wire.installed = core_in_era(core) && core_installed(core);
    core_send_message(core, to, peer, XUELIAN__PEER_TYPE__PEER_TYPE_STATUS, &wire.base);
}

static void send_certified(struct pbft *core, const struct pubkey33 *peer)
{
    Xuelian__Certified wire = XUELIAN__CERTIFIED__INIT;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    wire.header = field_borrow(header, header_encode(header, &core->header));
    wire.certificate = field_borrow(core->certificate.data, core->certificate.size);
    core_send_message(core, PBFT_TO_PEER, peer, XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED,
                      &wire.base);
}

/* Of one era and height: the NEW-VIEW, then what may be lost of the agreement under way. */
static void send_view(struct pbft *core, const struct pubkey33 *peer,
                      const struct pbft_message *theirs)
{
    const struct proposal *proposal = &core->proposals[OPEN];
    if (theirs->status.view < core->own.view && core->own.new_view.size > 0) {
        core_send(core, PBFT_TO_PEER, peer, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
                  blob_bytes(&core->own.new_view));
    }
    /* While all goes well, nothing is sent twice. */
    uint64_t since_ms = later_ms(core->commit_ms, core->installed_ms);
    if (proposal->state != PROPOSAL_NONE) {
        since_ms = later_ms(since_ms, proposal->arrived_ms);
    }
    if (theirs->status.height == core->height &&
        core->now_ms >= sum_ms(since_ms, core->params.t0_ms / 4)) {
        if (proposal->state != PROPOSAL_NONE && proposal->place.view == core->own.view &&
            (int32_t)proposal->sender != core->self) {
            core_send(core, PBFT_TO_PEER, peer, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE,
                      blob_bytes(&proposal->message));
        }
        recover_resend(core, PBFT_TO_PEER, peer);
    }
}

static void answer_status(struct pbft *core, const struct pubkey33 *from,
                          const struct pbft_message *theirs)
{
    /* R33: nobody certified the block of a recovery; whoever lacks it fetches it. */
    if (theirs->status.height + 1 == core->height && core->certificate.size > 0) {
        send_certified(core, from);
    } else if (theirs->status.height < core->height) {
        catch_up_send_status(core, PBFT_TO_PEER, from);
    }
    if (theirs->status.era == core->set.era && core_in_era(core)) {
        send_view(core, from, theirs);
    }
}

/* R26: each side sends what the other lacks; answered at most once in a while. */
enum status catch_up_status(struct pbft *core, const struct pubkey33 *from,
                            const struct pbft_message *message)
{
    if (pubkey33_compare(from, &core->config.key) == 0) {
        return ST_FULL;
    }
    struct source *source = catch_up_source(core, from);
    source->height = message->status.height;
    if (core->now_ms < source->answer_ms) {
        return ST_DUPLICATE;
    }
    source->answer_ms = sum_ms(core->now_ms, core->params.t0_ms / 8);
    answer_status(core, from, message);
    return ST_OK;
}

void catch_up_connected(struct pbft *core, const struct pubkey33 *peer)
{
    struct source *source = catch_up_source(core, peer);
    source->answer_ms = 0;
    source->failures /= 2;
    catch_up_send_status(core, PBFT_TO_PEER, peer);
}

/* ---- Certified blocks ------------------------------------------------------------------------------ */

/* The certificate of an adoption under the set of its height. At the tip it can only be a fork. */
static const struct validator_set *adoption_set(const struct pbft *core,
                                                const struct header *header)
{
    return header->height == core->height ? &core->tip_set : &core->set;
}

/* R30: two certified blocks at one height, or one that does not follow from the tip. */
void catch_up_fork(struct pbft *core, const struct hash32 *expected, const struct hash32 *found)
{
    core->diverged = true;
    core_alarm(core, PBFT_ALARM_FORK, expected, found);
}

/* Its certificate is good. */
static void adoption_good(struct pbft *core)
{
    struct adoption *adoption = &core->adoptions[0];
    struct certificate certificate;
    const struct validator_set *set = adoption_set(core, &adoption->header);
    certificate_remember(core, blob_bytes(&adoption->certificate));
    certificate_again(&certificate, blob_bytes(&adoption->certificate), set);
    tripwire_certificate(core, &certificate, set);
    if (adoption->header.height == core->height) {
        catch_up_fork(core, &core->hash, &adoption->hash);
    } else if (!hash32_equal(&adoption->header.parent_hash, &core->hash)) {
        catch_up_fork(core, &core->hash, &adoption->header.parent_hash);
    } else {
        adoption->state = JUDGED_VALID;
        catch_up_note(core, &adoption->from, adoption->header.height);
    }
}

static void judge_adoption(struct pbft *core)
{
    struct adoption *adoption = &core->adoptions[0];
    struct certificate certificate;
    struct checks checks;
    const struct validator_set *set = adoption_set(core, &adoption->header);
    if (certificate_known(core, blob_bytes(&adoption->certificate))) {
        adoption_good(core);
        return;
    }
    certificate_again(&certificate, blob_bytes(&adoption->certificate), set);
    checks_begin(core, &checks, certificate.count);
    certificate_checks(core, &certificate, set, &checks);
    adoption->state = JUDGED_VERIFYING;
    adoption->token = checks_verify(core, &checks);
}

static enum status adoption_check(const struct pbft *core, const struct header *header,
                                  const struct hash32 *hash, struct bytes bytes)
{
    struct certificate certificate;
    const struct validator_set *set = adoption_set(core, header);
    if (!hash32_equal(&header->chain_id, &core->config.chain_id)) {
        return ST_WRONG_CHAIN;
    }
    if (bytes.size > core->adoptions[0].certificate.capacity) {
        return ST_BAD_SIZE;
    }
    enum status status = certificate_decode(&certificate, bytes, set->count);
    if (status != ST_OK) {
        return status;
    }
    bool names = certificate.phase == VOTE_COMMIT && certificate.height == header->height &&
                 hash32_equal(&certificate.header_hash, hash);
    return names ? ST_OK : ST_BAD_CERTIFICATE;
}

static uint32_t failures_of(struct pbft *core, const struct pubkey33 *key)
{
    const struct source *source = source_find(core, key);
    return source == NULL ? 0 : source->failures;
}

/* Liars' certificates must not keep others' out: one place a sender, and the second place goes to whoever
 * failed least. */
static bool adoption_gives_way(struct pbft *core, const struct pubkey33 *from)
{
    return core->adoptions[0].state != JUDGED_VALID &&
           pubkey33_compare(&core->adoptions[0].from, from) != 0 &&
           (core->adoptions[1].state == JUDGED_NONE ||
            failures_of(core, from) < failures_of(core, &core->adoptions[1].from));
}

enum status catch_up_certified(struct pbft *core, const struct pubkey33 *from, struct bytes bytes,
                               struct bytes certificate)
{
    struct header header;
    struct hash32 hash;
    enum status status = header_decode(&header, bytes);
    if (status != ST_OK) {
        return status;
    }
    if (header.height < core->height || header.height == 0) {
        return ST_OLD;
    }
    if (header.height > core->height + 1) {
        catch_up_note(core, from, header.height);
        return ST_FUTURE;
    }
    header_hash(&hash, &header);
    if (header.height == core->height && hash32_equal(&hash, &core->hash)) {
        return ST_OLD;
    }
    /* R33: what the lost set certified beside a recovery is void, and no fork. */
    if (header.height == core->height && core->certificate.size == 0) {
        return ST_OLD;
    }
    status = adoption_check(core, &header, &hash, certificate);
    if (status != ST_OK) {
        return status;
    }
    size_t at = core->adoptions[0].state == JUDGED_NONE ? 0 : 1;
    if (at == 1 && !adoption_gives_way(core, from)) {
        return ST_DUPLICATE;
    }
    struct adoption *adoption = &core->adoptions[at];
    adoption->from = *from;
    adoption->hash = hash;
    adoption->header = header;
    blob_set(&adoption->certificate, certificate);
    adoption->state = JUDGED_VERIFYING;
    adoption->token = 0;
    if (at == 0) {
        judge_adoption(core);
    }
    return ST_OK;
}

static void swap_adoptions(struct pbft *core)
{
    struct adoption first = core->adoptions[0];
    core->adoptions[0] = core->adoptions[1];
    core->adoptions[1] = first;
}

/* The first was not what it claimed: the one that waited is judged. */
static void next_adoption(struct pbft *core)
{
    core->adoptions[0].state = JUDGED_NONE;
    swap_adoptions(core);
    if (core->adoptions[0].state != JUDGED_NONE) {
        judge_adoption(core);
    }
}

void catch_up_verified(struct pbft *core, bool good)
{
    struct adoption *adoption = &core->adoptions[0];
    adoption->token = 0;
    if (good) {
        adoption_good(core);
        return;
    }
    struct source *source = source_find(core, &adoption->from);
    if (source != NULL) {
        source->failures++;
        source->height = core->height;
    }
    next_adoption(core);
}

bool catch_up_commit(struct pbft *core)
{
    const struct adoption *adoption = &core->adoptions[0];
    if (adoption->state != JUDGED_VALID) {
        return false;
    }
    const struct result *result = execute_result(core, &adoption->hash);
    if (result == NULL) {
        return false;
    }
    catch_up_apply(core, result, core_keep(core, blob_bytes(&adoption->certificate)));
    return true;
}

/* ---- The tip --------------------------------------------------------------------------------------- */

static void shift_votes(struct pbft *core)
{
    struct vote(*open)[PHASES] = core->votes[OPEN];
    core->votes[OPEN] = core->votes[NEXT];
    core->votes[NEXT] = open;
    memset(core->votes[NEXT], 0, core->config.validators_max * sizeof *core->votes[NEXT]);
    memcpy(core->voters[OPEN], core->voters[NEXT], sizeof core->voters[OPEN]);
    memset(core->voters[NEXT], 0, sizeof core->voters[NEXT]);
}

static void shift_proposals(struct pbft *core)
{
    struct proposal open = core->proposals[OPEN];
    core->proposals[OPEN] = core->proposals[NEXT];
    core->proposals[NEXT] = open;
    proposal_clear(&core->proposals[NEXT]);
    normal_judge_proposal(core);
}

/* R4: the era's last block ends it, and all that belonged to it. */
static void enter_era(struct pbft *core, const struct validator_set *next)
{
    /* What the old era bound is written with its last block, before the first record of the new. */
    if (core_in_era(core) && core->self >= 0 && !core->config.follow) {
        recover_persist(core, NULL);
    }
    core->previous_set = core->set;
    core->previous_set_hash = core->set_hash;
    core->era_base_hash = core->hash;
    core->era_recovered = core->certificate.size == 0;
    core_use_set(core, next);
    recover_enter_era(core);
}

void catch_up_apply(struct pbft *core, const struct result *result, struct bytes certificate)
{
    struct result applied = *result; /* the results are dropped below */
    struct pbft_effect *effect;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    if (applied.next_set.count > core->config.validators_max) {
        core->diverged = true;
        core_alarm(core, PBFT_ALARM_SET_TOO_LARGE, NULL, NULL);
        return;
    }
    /* R25: not synced here; the PERSIST before the next vote or VIEW-CHANGE does it. */
    /* R22: the journal names the block that was durable at its height. */
    if (applied.header.height == core->own.durable_height &&
        !hash32_equal(&applied.hash, &core->own.durable_hash)) {
        catch_up_fork(core, &core->own.durable_hash, &applied.hash);
        return;
    }
    effect = core_effect(core, PBFT_COMMIT);
    effect->commit.height = applied.header.height;
    effect->commit.header_hash = applied.hash;
    effect->commit.header =
        core_keep(core, bytes_of(header, header_encode(header, &applied.header)));
    effect->commit.certificate = certificate;
    core->height++;
    core->hash = applied.hash;
    core->header = applied.header;
    blob_set(&core->certificate, certificate);
    core->tip_set = core->set;
    core->commit_ms = core->now_ms;
    core->progress_view = core->own.target;
    core->leave_view |= core->leave_after_commit;
    core->leave_after_commit = false;
    memset(core->evidence_sent, 0, core->config.validators_max);
    execute_reset(core);
    core->adoptions[0].state = JUDGED_NONE;
    core->adoptions[1].state = JUDGED_NONE;
    core->params = applied.params;
    shift_votes(core);
    if (applied.next_set.era != core->set.era) {
        enter_era(core, &applied.next_set);
    }
    shift_proposals(core);
    /* R21: what a crash left in the journal for this height goes out now. */
    core->resent = recover_own_find(core, core->height + 1) == NULL &&
                   core->own.pre_prepare_place.height != core->height + 1;
    catch_up_send_status(core, PBFT_TO_PEERS, NULL);
}

/* R33: to the core it is the last block of an era, without a certificate. The journal says at once that the old era
 * is left. */
enum status catch_up_recovered(struct pbft *core, const struct pbft_input *input)
{
    const struct header *header = input->recovered.header;
    struct result result = {.present = true,
                            .header = *header,
                            .next_set = *input->recovered.next_set,
                            .params = *input->recovered.params};
    header_hash(&result.hash, header);
    if (core->diverged || header->height != core->height + 1 ||
        !hash32_equal(&header->parent_hash, &core->hash)) {
        return header->height <= core->height ? ST_OLD : ST_CONFLICT;
    }
    CHECK(result.next_set.era == header->height + 1);
    core_check_params(&result.params);
    catch_up_apply(core, &result, bytes_of(NULL, 0));
    if (!core->config.follow && !core->diverged) {
        recover_persist(core, NULL);
    }
    return ST_OK;
}

/* ---- Asking for blocks ------------------------------------------------------------------------------- */

static uint64_t best_claim(const struct pbft *core)
{
    uint64_t height = core->height;
    for (uint32_t i = 0; i < core->sources_count; i++) {
        height = later_ms(height, core->sources[i].height);
    }
    return height;
}

/* The peer that failed least; of those the one that was not asked for longest. */
static struct source *best_source(struct pbft *core)
{
    struct source *best = NULL;
    for (uint32_t i = 0; i < core->sources_count; i++) {
        struct source *source = &core->sources[i];
        if (source->height > core->height &&
            (best == NULL || source->failures < best->failures ||
             (source->failures == best->failures && source->asked_ms < best->asked_ms))) {
            best = source;
        }
    }
    return best;
}

static void ask(struct pbft *core)
{
    struct source *source = best_source(core);
    CHECK(source != NULL); /* somebody claims more than the tip */
    uint64_t missing = source->height - core->height;
    struct pbft_effect *effect = core_effect(core, PBFT_FETCH_BLOCKS);
    effect->fetch_blocks.from_height = core->height + 1;
    effect->fetch_blocks.count = (uint32_t)(missing < BLOCKS_ASKED ? missing : BLOCKS_ASKED);
    effect->fetch_blocks.peer = source->key;
    source->asked_ms = later_ms(core->now_ms, 1);
    core->sync.asked = true;
    core->sync.peer = source->key;
    core->sync.from_height = core->height;
    core->sync.to_height = core->height + effect->fetch_blocks.count;
    core->sync.due_ms = sum_ms(core->now_ms, core->params.t0_ms / 2 + 1);
}

/* R29: a source has a deadline, and is changed when verified progress stops. Never waited for by a timer. */
static void sync(struct pbft *core)
{
    struct sync *sync = &core->sync;
    uint64_t claim = best_claim(core);
    if (claim <= core->height) {
        sync->asked = false;
        sync->due_ms = PBFT_NEVER_MS;
        return;
    }
    if (sync->asked && core->height > sync->from_height) {
        sync->from_height = core->height;
        sync->asked = core->height < sync->to_height;
        sync->due_ms = sum_ms(core->now_ms, core->params.t0_ms / 2 + 1);
    }
    if (!sync->asked && (sync->due_ms == PBFT_NEVER_MS || core->commit_ms == core->now_ms)) {
        /* One block behind for a moment is how agreement works: its votes are still under way. */
        uint64_t patience_ms = claim == core->height + 1 ? core->params.t0_ms / 8 : 0;
        sync->due_ms = sum_ms(core->now_ms, patience_ms);
    }
    if (core->now_ms < sync->due_ms) {
        return;
    }
    if (sync->asked) {
        struct source *failed = source_find(core, &sync->peer);
        if (failed != NULL) {
            failed->failures++;
        }
    }
    ask(core);
}

void catch_up_advance(struct pbft *core)
{
    sync(core);
    if (core->now_ms >= core->status_ms) {
        core->status_ms = sum_ms(core->now_ms, core->params.t0_ms / 2 + 1);
        catch_up_send_status(core, PBFT_TO_PEERS, NULL);
        if (core_may_vote(core) && !core_installed(core)) {
            recover_resend(core, PBFT_TO_VALIDATORS, NULL);
        }
    }
}

uint64_t catch_up_deadline_ms(const struct pbft *core)
{
    return earlier_ms(core->status_ms, core->sync.due_ms);
}
