/* Normal case at the open height (OSDI'99 section 4.2): PRE-PREPARE, PREPARE, COMMIT. Rules R6 to R13. */
#include "consensus/core.h"
#include "proto/block.pb-c.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* ---- PRE-PREPARE --------------------------------------------------------------------------------- */

void proposal_clear(struct proposal *proposal)
{
    proposal->state = PROPOSAL_NONE;
    proposal->message.size = 0;
}

struct bytes proposal_bytes(const struct proposal *proposal)
{
    return bytes_of(proposal->message.data + proposal->offset, proposal->size);
}

/* Reads a Proposal's own fields. */
static enum status proposal_read(struct pbft *core, struct proposal *out, struct bytes bytes)
{
    ProtobufCMessage *message;
    arena_reset(&core->scratch);
    enum status status =
        canonical_decode(&message, &xuelian__proposal__descriptor, bytes, &core->scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Proposal *wire = (const Xuelian__Proposal *)(const void *)message;
    size_t count = wire->entries.len / 32;
    if (!field_copy(&out->parent, 32, &wire->parent_hash)) {
        return ST_BAD_ENCODING;
    }
    if (wire->entries.len % 32 != 0 || count > LIMIT_PROPOSAL_ENTRIES_MAX) {
        return ST_BAD_SIZE; /* the chain's own limits are the ledger's to judge */
    }
    out->time_ms = wire->time_ms;
    return ST_OK;
}

/* R7: its parent is the tip and its time is after the parent's. Holds only at the open height. */
static bool proposal_fits(const struct pbft *core, const struct proposal *proposal)
{
    return hash32_equal(&proposal->parent, &core->hash) && proposal->time_ms > core->header.time_ms;
}

bool normal_timely(const struct pbft *core, const struct proposal *proposal)
{
    /* R8: parent + 1 ms is always acceptable; too far ahead is held, never refused. */
    return proposal->time_ms == core->header.time_ms + 1 ||
           proposal->time_ms <= sum_ms(core->clock_ms, core->params.max_drift_ms);
}

static enum status proposal_take(struct pbft *core, enum height_index at,
                                 const struct pbft_message *message)
{
    struct proposal *held = &core->proposals[at];
    blob_set(&held->message, message->body);
    held->place = (struct place){message->era, message->view, message->height};
    held->sender = message->sender;
    held->size = message->proposal.size;
    held->offset = message->proposal.offset;
    held->digest = message->proposal.digest;
    enum status status = proposal_read(core, held, proposal_bytes(held));
    held->arrived_ms = core->now_ms;
    held->state = PROPOSAL_HELD;
    if (status != ST_OK || (at == OPEN && !proposal_fits(core, held))) {
        /* Signed by the primary for this very place, and wrong by itself: proof that it is faulty. */
        held->state = PROPOSAL_INVALID;
        core->primary_faulty |= at == OPEN && held->place.view == core->own.view;
        return status != ST_OK ? status : ST_CONFLICT;
    }
    return ST_OK;
}

void normal_judge_proposal(struct pbft *core)
{
    struct proposal *held = &core->proposals[OPEN];
    if (held->state == PROPOSAL_NONE) {
        return;
    }
    /* Kept unjudged until its parent was known; the view may have moved on since (R6). */
    if (held->place.view != core->own.view ||
        held->sender != core_primary(core, held->place.height, held->place.view) ||
        core_forced(core) != NULL) {
        proposal_clear(held);
    } else if (held->state == PROPOSAL_INVALID || !proposal_fits(core, held)) {
        held->state = PROPOSAL_INVALID;
        core->primary_faulty = true;
    }
}

/* R6: only for the view it is in or moves to, only from that view's primary. */
static enum status pre_prepare_wanted(const struct pbft *core, const struct pbft_message *message)
{
    uint64_t open = core->height + 1;
    if (message->height < open) {
        return ST_OLD;
    }
    if (message->height > open + 1 || !core_in_era(core)) {
        return ST_FUTURE;
    }
    bool next = message->height == open + 1;
    if (message->view < core->own.target) {
        return ST_OLD;
    }
    if (message->view > core->own.target || (next && !core_installed(core))) {
        return ST_FUTURE;
    }
    if (message->sender != core_primary(core, message->height, message->view)) {
        return ST_NOT_PRIMARY;
    }
    if (!next && message->view == core->own.view && core_forced(core) != NULL) {
        return ST_CONFLICT; /* R19: the NEW-VIEW is the proposal */
    }
    return ST_OK;
}

enum status normal_pre_prepare(struct pbft *core, const struct pbft_message *message)
{
    enum status status = pre_prepare_wanted(core, message);
    if (status != ST_OK) {
        return status;
    }
    enum height_index at = message->height == core->height + 1 ? OPEN : NEXT;
    struct proposal *held = &core->proposals[at];
    if (held->state != PROPOSAL_NONE && held->place.view == message->view) {
        if (hash32_equal(&held->digest, &message->proposal.digest)) {
            return ST_DUPLICATE;
        }
        /* R31: two proposals for one place. */
        evidence_two_proposals(core, held, message->body);
        if (at == NEXT || message->view != core->own.view) {
            held->state = PROPOSAL_INVALID; /* faulty when its view or height opens */
        } else {
            core->primary_faulty = true;
        }
        return ST_CONFLICT;
    }
    return proposal_take(core, at, message);
}

/* ---- Votes --------------------------------------------------------------------------------------- */

/* R27: f+1 members voting at the next height have committed the open one. */
static void note_votes_ahead(struct pbft *core)
{
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < core->set.count; i++) {
        ahead += core->votes[NEXT][i][PREPARE].present || core->votes[NEXT][i][COMMIT].present;
    }
    if (ahead < quorum_weak(core->set.count)) {
        return;
    }
    for (uint32_t i = 0; i < core->set.count; i++) {
        if (core->votes[NEXT][i][PREPARE].present || core->votes[NEXT][i][COMMIT].present) {
            catch_up_note(core, &core->set.validators[i].key, core->height + 1);
        }
    }
}

/* R9: per member, phase and height the vote of the highest view; a second one there is evidence. */
static enum status vote_store(struct pbft *core, enum height_index at, enum phase_index phase,
                              const struct pbft_message *message, const struct vote *vote)
{
    struct vote *held = &core->votes[at][message->sender][phase];
    if (held->present && vote->view < held->view) {
        return ST_OLD;
    }
    if (held->present && vote->view == held->view) {
        if (hash32_equal(&held->hash, &vote->hash)) {
            return ST_DUPLICATE;
        }
        evidence_two_votes(core, phase, message->height, message->sender, held, message->body);
        return ST_CONFLICT;
    }
    core->voters[at][phase] += !held->present;
    *held = *vote;
    return ST_OK;
}

enum status normal_vote(struct pbft *core, const struct pbft_message *message)
{
    struct vote vote = {.present = true,
                        .view = message->view,
                        .hash = message->vote.header_hash,
                        .signature = message->signature};
    if (message->height <= core->height) {
        return ST_OLD;
    }
    if (message->height > core->height + 2) {
        return ST_FUTURE;
    }
    enum phase_index phase = message->vote.phase == VOTE_COMMIT ? COMMIT : PREPARE;
    enum height_index at = message->height == core->height + 1 ? OPEN : NEXT;
    enum status status = vote_store(core, at, phase, message, &vote);
    if (status == ST_OK && at == NEXT) {
        note_votes_ahead(core);
    }
    if (status == ST_OK && at == OPEN && phase == COMMIT) {
        evidence_forgotten(core, message->sender);
    }
    return status;
}

bool normal_quorum(const struct pbft *core, enum phase_index phase, const uint64_t *only_view,
                   uint64_t *view, struct hash32 *hash)
{
    uint32_t n = core->set.count, q = quorum_size(n);
    if (core->voters[OPEN][phase] < q) {
        return false;
    }
    /* The first member of a quorum has q - 1 others behind it. */
    for (uint32_t i = 0; i + q <= n; i++) {
        const struct vote *one = &core->votes[OPEN][i][phase];
        uint32_t count = 0;
        if (!one->present || (only_view != NULL && one->view != *only_view)) {
            continue;
        }
        for (uint32_t j = i; j < n; j++) {
            const struct vote *other = &core->votes[OPEN][j][phase];
            count += other->present && other->view == one->view &&
                     hash32_equal(&other->hash, &one->hash);
        }
        if (count >= q) {
            *view = one->view;
            *hash = one->hash;
            return true;
        }
    }
    return false;
}

/* The certificate of a quorum that is there: the first q members in set order. */
static struct bytes quorum_certificate(struct pbft *core, enum phase_index phase, uint64_t view,
                                       const struct hash32 *hash)
{
    struct certificate made = {.phase = phase == COMMIT ? VOTE_COMMIT : VOTE_PREPARE,
                               .view = view,
                               .height = core->height + 1,
                               .header_hash = *hash};
    uint32_t n = core->set.count;
    for (uint32_t i = 0; i < n && made.count < quorum_size(n); i++) {
        const struct vote *vote = &core->votes[OPEN][i][phase];
        if (vote->present && vote->view == view && hash32_equal(&vote->hash, hash)) {
            made.signers[made.count] = (uint8_t)i;
            made.signatures[made.count++] = vote->signature;
        }
    }
    CHECK(made.count == quorum_size(n));
    uint8_t *out = core_room(core, CERTIFICATE_SIZE_MAX);
    struct bytes bytes = bytes_of(out, certificate_encode(out, &made, n));
    certificate_remember(core, bytes);
    return bytes;
}

/* ---- Rules --------------------------------------------------------------------------------------- */

/* Signs one vote at the open height in the view that is open, and makes it durable before it leaves. */
static void vote_send(struct pbft *core, enum phase_index phase, struct result *result)
{
    uint8_t bytes[VOTE_SIZE_MAX];
    struct hash32 hash;
    struct place place = {core->set.era, core->own.view, core->height + 1};
    struct own_height *own = recover_own(core, place.height);
    struct vote *vote = &own->votes[phase];
    enum newest newest = phase == COMMIT ? NEWEST_COMMIT : NEWEST_PREPARE;
    /* R10, R21: one vote per place for ever. */
    CHECK(place.view >= (vote->present ? vote->view + 1 : 0));
    CHECK(place_above(&place, &core->own.newest[newest]));
    *vote = (struct vote){.present = true, .view = place.view, .hash = result->hash};
    vote_hash(&hash, phase_tag(phase), &core->config.chain_id, place.era, place.view, place.height,
              &result->hash);
    core_sign(core, &hash, &vote->signature);
    place_raise(&core->own.newest[newest], &place);
    recover_persist(core, result);
    size_t size = vote_message(bytes, phase, place.era, place.height, (uint32_t)core->self, vote);
    core_send(core, PBFT_TO_VALIDATORS, NULL, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
              bytes_of(bytes, size));
}

static bool voted(const struct pbft *core, enum phase_index phase)
{
    const struct own_height *own = recover_own_find(core, core->height + 1);
    struct place place = {core->set.era, core->own.view, core->height + 1};
    enum newest newest = phase == COMMIT ? NEWEST_COMMIT : NEWEST_PREPARE;
    return (own != NULL && own->votes[phase].present && own->votes[phase].view >= core->own.view) ||
           !place_above(&place, &core->own.newest[newest]);
}

/* R10: PREPARE what the view decides: its forced header, or the proposal, once executed. */
bool normal_prepare(struct pbft *core)
{
    const struct header *forced = core_forced(core);
    const struct proposal *proposal = &core->proposals[OPEN];
    struct result *result = NULL;
    if (!core_may_vote_open(core) || voted(core, PREPARE)) {
        return false;
    }
    if (forced != NULL) {
        result = execute_result(core, &core->own.forced_hash);
    } else if (proposal->state == PROPOSAL_EXECUTED && normal_timely(core, proposal)) {
        result = execute_result(core, &proposal->result);
        /* R8: voted on, however old; but then others should lead. */
        core->leave_after_commit |=
            sum_ms(proposal->time_ms, core->params.max_lag_ms) < core->clock_ms;
    }
    if (result == NULL) {
        return false;
    }
    vote_send(core, PREPARE, result);
    return true;
}

/* R11: q PREPAREs of this view and a header executed here: keep the certificate, COMMIT. */
bool normal_commit_vote(struct pbft *core)
{
    uint64_t view;
    struct hash32 hash;
    if (!core_may_vote_open(core) || voted(core, COMMIT) ||
        !normal_quorum(core, PREPARE, &core->own.view, &view, &hash)) {
        return false;
    }
    struct result *result = execute_result(core, &hash);
    if (result == NULL) {
        return false;
    }
    struct own_height *own = recover_own(core, core->height + 1);
    if (core->persisted_height < core->height || !result->stored) {
        /* R20, R22: before the record of a COMMIT is begun, its bodies and its parent block are durable. Without
         * a PREPARE of its own for this header nothing has made them so yet. */
        recover_persist(core, result);
    }
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    blob_set(&own->header, bytes_of(header, header_encode(header, &result->header)));
    blob_set(&own->certificate, quorum_certificate(core, PREPARE, view, &hash));
    own->prepared = true;
    own->prepared_view = view;
    own->prepared_hash = hash;
    vote_send(core, COMMIT, result);
    return true;
}

/* R12: q COMMITs of one view, whichever, for a header executed here. */
bool normal_commit(struct pbft *core)
{
    uint64_t view;
    struct hash32 hash;
    if (!normal_quorum(core, COMMIT, NULL, &view, &hash)) {
        return false;
    }
    struct result *result = execute_result(core, &hash);
    if (result == NULL) {
        return false;
    }
    catch_up_apply(core, result, quorum_certificate(core, COMMIT, view, &hash));
    return true;
}

/* ---- Proposing ----------------------------------------------------------------------------------- */

uint64_t normal_propose_ms(const struct pbft *core)
{
    struct place place = {core->set.era, core->own.view, core->height + 1};
    if (!core_may_vote_open(core) || core_forced(core) != NULL ||
        core_primary(core, place.height, place.view) != (uint32_t)core->self ||
        core->batch.size != 0 || !place_above(&place, &core->own.newest[NEWEST_PRE_PREPARE])) {
        return PBFT_NEVER_MS;
    }
    uint64_t propose_ms = sum_ms(core->commit_ms, core->params.heartbeat_ms);
    if (core->waiting.count > 0) {
        /* A first transaction after quiet goes at once; under load a batch gathers. */
        uint64_t gathered_ms = core->waiting.full
                                   ? core->commit_ms
                                   : sum_ms(core->commit_ms, core->params.batch_delay_ms);
        propose_ms = gathered_ms < propose_ms ? gathered_ms : propose_ms;
    }
    return later_ms(propose_ms, core->propose_after_ms);
}

enum status normal_batch(struct pbft *core, struct bytes entries)
{
    Xuelian__Proposal wire = XUELIAN__PROPOSAL__INIT;
    size_t count = entries.size / 32;
    if (!pbft_wants_proposal(core, core->now_ms)) {
        return ST_OLD;
    }
    if (entries.size % 32 != 0 || count > LIMIT_PROPOSAL_ENTRIES_MAX ||
        count > core->params.batch_count) {
        return ST_BAD_SIZE;
    }
    wire.parent_hash = field_borrow(&core->hash, 32);
    /* R8: after the parent whatever the clock says. */
    wire.time_ms = later_ms(core->clock_ms, core->header.time_ms + 1);
    wire.entries = field_borrow(entries.data, entries.size);
    CHECK(canonical_size(&wire.base) <= core->batch.capacity);
    core->batch.size = canonical_encode(core->batch.data, &wire.base);
    if (count == 0) {
        normal_propose(core); /* nothing in it to check */
    }
    return ST_OK;
}

void normal_propose(struct pbft *core)
{
    struct place place = {core->set.era, core->own.view, core->height + 1};
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    struct hash32 digest, hash;
    struct sig64 signature;
    struct blob *kept = &core->own.pre_prepare;
    proposal_digest(&digest, blob_bytes(&core->batch));
    vote_hash(&hash, TAG_SIGN_PRE_PREPARE, &core->config.chain_id, place.era, place.view,
              place.height, &digest);
    CHECK(core->batch.size > 0);
    CHECK(core_may_vote_open(core));
    CHECK(place_above(&place, &core->own.newest[NEWEST_PRE_PREPARE]));
    core_sign(core, &hash, &signature);
    wire.era = place.era;
    wire.view = place.view;
    wire.height = place.height;
    wire.sender = (uint32_t)core->self;
    wire.proposal = field_borrow(core->batch.data, core->batch.size);
    wire.signature = field_borrow(&signature, 64);
    CHECK(canonical_size(&wire.base) <= kept->capacity);
    kept->size = canonical_encode(kept->data, &wire.base);
    core->own.pre_prepare_place = place;
    place_raise(&core->own.newest[NEWEST_PRE_PREPARE], &place);
    core->batch.size = 0;
    recover_persist(core, NULL);
    core_send(core, PBFT_TO_VALIDATORS, NULL, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE,
              blob_bytes(kept));
}
