/* Opening a view: NEW-VIEW made, recomputed by everyone, installed (OSDI'99 section 4.4). Rules R18, R19. */
#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* ---- What follows from the VIEW-CHANGEs ------------------------------------------------------------ */

static void opened_take(struct opened *opened, const struct view_change *change,
                        const struct judged *judged)
{
    if (opened->base_sender == UINT32_MAX || judged->committed_height > opened->base_height) {
        opened->base_height = judged->committed_height;
        opened->base_sender = change->sender;
        opened->has_forced = false; /* what was prepared below it is settled */
    }
    if (!judged->prepared || judged->committed_height != opened->base_height ||
        (opened->has_forced && judged->prepared_view <= opened->forced_view)) {
        return;
    }
    opened->has_forced = header_decode(&opened->forced, change->prepared_header) == ST_OK;
    opened->forced_view = judged->prepared_view;
    opened->forced_hash = judged->prepared_hash;
}

static bool change_held(const struct pbft *core, const struct view_change *change,
                        struct bytes bytes)
{
    const struct member_change *held = &core->changes[change->sender];
    return held->state == JUDGED_VALID && bytes_equal(blob_bytes(&held->message), bytes);
}

static enum status take_change(struct pbft *core, uint64_t view, struct bytes bytes,
                               uint32_t *last_sender, struct opened *opened, struct checks *checks)
{
    struct view_change change;
    struct judged judged;
    enum status status = view_change_decode(&change, bytes, &core->config.chain_id, &core->scratch);
    if (status != ST_OK) {
        return status;
    }
    if (change.era != core->set.era || change.new_view != view ||
        change.sender >= core->set.count ||
        (*last_sender != UINT32_MAX && change.sender <= *last_sender)) {
        return ST_BAD_CERTIFICATE;
    }
    *last_sender = change.sender;
    status = view_change_judge(core, &change, &judged, checks);
    if (status != ST_OK) {
        return status;
    }
    if (!change_held(core, &change, bytes)) {
        CHECK(checks->count < checks->capacity);
        checks->list[checks->count++] =
            (struct pbft_check){.key = core->set.validators[change.sender].key,
                                .hash = change.signed_hash,
                                .signature = change.signature};
    }
    opened_take(opened, &change, &judged);
    return ST_OK;
}

/* R18: exactly q valid VIEW-CHANGEs for the view, from its primary at the height they lead to. Everyone
 * computes the rest. Out: checks, the signatures that remain. */
static enum status judge(struct pbft *core, struct opening *opening, struct checks *checks)
{
    uint32_t last_sender = UINT32_MAX;
    uint32_t q = quorum_size(core->set.count);
    struct opened *opened = &opening->opened;
    enum status status = ST_OK;
    *opened = (struct opened){.base_sender = UINT32_MAX};
    arena_reset(&core->scratch);
    const Xuelian__NewView *wire = new_view_again(blob_bytes(&opening->message), core);
    if (wire->n_view_changes != q) {
        return ST_NO_QUORUM;
    }
    /* Each VIEW-CHANGE is signed, and names a block of this era or the last of the one before, and what it
     * prepared. */
    uint32_t q_before = quorum_size(core->previous_set.count);
    checks_begin(core, checks, q * ((q > q_before ? q : q_before) + q + 1));
    for (size_t i = 0; i < wire->n_view_changes && status == ST_OK; i++) {
        status = take_change(core, wire->new_view, field_bytes(&wire->view_changes[i]),
                             &last_sender, opened, checks);
    }
    if (status == ST_OK &&
        opening->sender != core_primary(core, opened->base_height + 1, wire->new_view)) {
        status = ST_NOT_PRIMARY;
    }
    return status;
}

/* R24, R30: all signatures in it are good; is one of them our own, and unknown to the journal? Do two
 * certificates contradict each other? False: this node has stopped. */
static bool consistent(struct pbft *core, struct bytes message)
{
    struct judged first = {.prepared = false};
    arena_reset(&core->scratch);
    const Xuelian__NewView *wire = new_view_again(message, core);
    for (size_t i = 0; i < wire->n_view_changes && !core->diverged; i++) {
        struct view_change change;
        struct judged judged;
        view_change_again(&change, field_bytes(&wire->view_changes[i]), core);
        CHECK(view_change_judge(core, &change, &judged, NULL) == ST_OK);
        tripwire_change(core, &change);
        view_change_check_fork(core, &judged);
        if (judged.prepared && first.prepared &&
            judged.committed_height == first.committed_height &&
            judged.prepared_view == first.prepared_view &&
            !hash32_equal(&judged.prepared_hash, &first.prepared_hash)) {
            catch_up_fork(core, &first.prepared_hash, &judged.prepared_hash);
        }
        if (judged.prepared && (!first.prepared || judged.prepared_view > first.prepared_view)) {
            first = judged;
        }
    }
    return !core->diverged;
}

/* Certificates in it are good from now on; heights in it count. */
static void remember(struct pbft *core, struct bytes message)
{
    arena_reset(&core->scratch);
    const Xuelian__NewView *wire = new_view_again(message, core);
    for (size_t i = 0; i < wire->n_view_changes; i++) {
        struct view_change change;
        view_change_again(&change, field_bytes(&wire->view_changes[i]), core);
        view_change_remember(core, &change);
    }
}

/* ---- Installing ------------------------------------------------------------------------------------ */

static void install(struct pbft *core, uint64_t view, struct bytes message,
                    const struct opened *opened)
{
    struct own *own = &core->own;
    /* Installing changes the view, the base and the forced header only; votes and certificates stay. */
    own->view = view;
    own->target = view;
    own->base_height = opened->base_height;
    own->has_forced = opened->has_forced;
    own->forced = opened->forced;
    own->forced_hash = opened->forced_hash;
    blob_set(&own->new_view, message);
    own->new_view_durable = false; /* R20: written with the first vote in it */
    core->installed_ms = core->now_ms;
    core->quorum_since_ms = 0;
    core->primary_faulty = false;
    core->leave_view = false;
    core->leave_after_commit = false;
    execute_leave_view(core);
    normal_judge_proposal(core);
    proposal_clear(&core->proposals[NEXT]);
}

/* A NEW-VIEW that was verified: everything in it is authentic. */
static void accept(struct pbft *core)
{
    struct opening *opening = &core->openings[0];
    opening->state = JUDGED_NONE;
    if (opening->view < core->own.target || !consistent(core, blob_bytes(&opening->message))) {
        return;
    }
    if (opening->view > core->own.view) {
        install(core, opening->view, blob_bytes(&opening->message), &opening->opened);
    } else if (core->own.new_view.size == 0) {
        /* After a crash the view stood in the journal, and what opened it was not written yet. */
        blob_set(&core->own.new_view, blob_bytes(&opening->message));
        core->own.new_view_durable = false;
    }
    remember(core, blob_bytes(&opening->message));
}

static void begin(struct pbft *core)
{
    struct opening *opening = &core->openings[0];
    struct checks checks;
    enum status status = judge(core, opening, &checks);
    CHECK(status != ST_NO_MEMORY); /* scratch_size has room: that would not be the sender's fault */
    if (status != ST_OK) {
        opening->state = JUDGED_NONE;
        evidence_bad_new_view(core, opening->sender, blob_bytes(&opening->message));
    } else if (checks.count == 0) {
        accept(core);
    } else {
        opening->state = JUDGED_VERIFYING;
        opening->token = checks_verify(core, &checks);
    }
}

/* The one that waited, if it is still of use. */
static void next(struct pbft *core)
{
    struct opening first = core->openings[0];
    if (core->openings[0].state != JUDGED_NONE || core->openings[1].state == JUDGED_NONE) {
        return;
    }
    core->openings[0] = core->openings[1];
    core->openings[1] = first;
    if (core->openings[0].view < core->own.target) {
        core->openings[0].state = JUDGED_NONE;
        return;
    }
    begin(core);
}

void new_view_verified(struct pbft *core, bool good)
{
    struct opening *opening = &core->openings[0];
    opening->token = 0;
    if (good) {
        accept(core);
    } else {
        opening->state = JUDGED_NONE;
        evidence_bad_new_view(core, opening->sender, blob_bytes(&opening->message));
    }
    next(core);
}

enum status new_view_message(struct pbft *core, const struct pbft_message *message)
{
    if (!core_in_era(core)) {
        return ST_FUTURE;
    }
    if (message->view < core->own.target ||
        (message->view == core->own.view && core->own.new_view.size > 0)) {
        return ST_OLD;
    }
    if (core->bad_new_views[message->sender] != 0) {
        return ST_CONFLICT; /* proved faulty: the views it leads time out */
    }
    if (message->body.size > core->openings[0].message.capacity) {
        return ST_BAD_SIZE;
    }
    size_t at = core->openings[0].state == JUDGED_NONE ? 0 : 1;
    struct opening *opening = &core->openings[at];
    if (opening->state != JUDGED_NONE && opening->view >= message->view) {
        return ST_DUPLICATE; /* sent again to whoever lacks it */
    }
    opening->state = JUDGED_VERIFYING;
    opening->token = 0;
    opening->view = message->view;
    opening->sender = message->sender;
    blob_set(&opening->message, message->body);
    if (at == 0) {
        begin(core);
        next(core);
    }
    return ST_OK;
}

/* ---- Sending --------------------------------------------------------------------------------------- */

/* Picks q VIEW-CHANGEs for the target whose highest committed height is `height`: those at it first, so
 * that one is among them. Returns true with the members marked. */
static bool choose(const struct pbft *core, uint64_t height, bool chosen[LIMIT_VALIDATORS_MAX])
{
    uint32_t count = 0, q = quorum_size(core->set.count);
    for (uint32_t i = 0; i < core->set.count; i++) {
        chosen[i] = false;
    }
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < core->set.count && count < q; i++) {
            const struct member_change *change = &core->changes[i];
            bool fits = change->state == JUDGED_VALID && change->new_view == core->own.target &&
                        (pass == 0 ? change->committed_height == height
                                   : change->committed_height < height);
            if (fits) {
                chosen[i] = true;
                count++;
            }
        }
    }
    return count == q;
}

/* R18: every choice of q is tried, each height among them as the base; the highest that works is sent. */
static bool choose_base(const struct pbft *core, bool chosen[LIMIT_VALIDATORS_MAX])
{
    uint64_t below = UINT64_MAX;
    for (uint32_t tries = 0; tries < core->set.count; tries++) {
        uint64_t height = 0;
        bool found = false;
        for (uint32_t i = 0; i < core->set.count; i++) {
            const struct member_change *change = &core->changes[i];
            if (change->state == JUDGED_VALID && change->new_view == core->own.target &&
                change->committed_height < below && (!found || change->committed_height > height)) {
                height = change->committed_height;
                found = true;
            }
        }
        if (!found) {
            return false;
        }
        if (core_primary(core, height + 1, core->own.target) == (uint32_t)core->self &&
            choose(core, height, chosen)) {
            return true;
        }
        below = height;
    }
    return false;
}

static struct bytes make(struct pbft *core, const bool chosen[LIMIT_VALIDATORS_MAX])
{
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData changes[LIMIT_VALIDATORS_MAX];
    struct hasher hasher;
    struct hash32 digest, hash;
    struct sig64 signature;
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    for (uint32_t i = 0; i < core->set.count; i++) {
        struct bytes message = blob_bytes(&core->changes[i].message);
        struct hash32 one;
        if (!chosen[i]) {
            continue;
        }
        hash_tagged(&one, TAG_VIEW_CHANGE, message.data, message.size);
        hasher_update(&hasher, one.bytes, sizeof one.bytes);
        changes[wire.n_view_changes++] = field_borrow(message.data, message.size);
    }
    hasher_final(&hasher, &digest);
    new_view_hash(&hash, &core->config.chain_id, core->set.era, core->own.target, &digest);
    core_sign(core, &hash, &signature);
    wire.era = core->set.era;
    wire.new_view = core->own.target;
    wire.view_changes = changes;
    wire.sender = (uint32_t)core->self;
    wire.signature = field_borrow(&signature, 64);
    uint8_t *out = core_room(core, canonical_size(&wire.base));
    return bytes_of(out, canonical_encode(out, &wire.base));
}

bool new_view_send(struct pbft *core)
{
    bool chosen[LIMIT_VALIDATORS_MAX];
    struct checks checks;
    struct opening made = {.state = JUDGED_VERIFYING};
    if (!core_may_vote(core) || core_installed(core) ||
        core->own.new_view_sent >= core->own.target || !choose_base(core, chosen)) {
        return false;
    }
    struct bytes message = make(core, chosen);
    CHECK(message.size <= core->own.new_view.capacity);
    made.view = core->own.target;
    made.sender = (uint32_t)core->self;
    made.message = (struct blob){.size = message.size, .capacity = message.size};
    /* Judged by the same rules as everyone's: it must pass, with every signature known. */
    union {
        const uint8_t *in;
        uint8_t *out;
    } pointer = {.in = message.data};
    made.message.data = pointer.out;
    CHECK(judge(core, &made, &checks) == ST_OK);
    core->own.new_view_sent = core->own.target;
    install(core, core->own.target, message, &made.opened);
    recover_persist(core, NULL);
    core_send(core, PBFT_TO_VALIDATORS, NULL, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, message);
    remember(core, message);
    return true;
}
