/* Leaving a view, and judging who else has left (OSDI'99 section 4.4). Rules R14 to R17. */
#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* ---- Certificates known to be good ---------------------------------------------------------------- */

static void certificate_digest(struct hash32 *out, struct bytes certificate)
{
    hash_tagged(out, TAG_CERTIFICATE, certificate.data, certificate.size);
}

static bool digest_known(const struct pbft *core, const struct hash32 *digest)
{
    for (uint32_t i = 0; i < VERIFIED_MAX; i++) {
        if (memcmp(core->verified[i].bytes, digest->bytes, sizeof digest->bytes) == 0) {
            return true;
        }
    }
    return false;
}

bool certificate_known(const struct pbft *core, struct bytes certificate)
{
    struct hash32 digest;
    certificate_digest(&digest, certificate);
    return digest_known(core, &digest);
}

void certificate_remember(struct pbft *core, struct bytes certificate)
{
    struct hash32 digest;
    if (certificate.size == 0) {
        return;
    }
    certificate_digest(&digest, certificate);
    if (!digest_known(core, &digest)) {
        core->verified[core->verified_next] = digest;
        core->verified_next = (core->verified_next + 1) % VERIFIED_MAX;
    }
}

void checks_begin(struct pbft *core, struct checks *checks, uint32_t capacity)
{
    checks->list = (struct pbft_check *)(void *)core_room(core, capacity * sizeof *checks->list);
    checks->count = 0;
    checks->capacity = capacity;
    checks->certificates_count = 0;
}

uint64_t checks_verify(struct pbft *core, const struct checks *checks)
{
    struct pbft_effect *effect = core_effect(core, PBFT_VERIFY);
    effect->verify.token = core_token(core);
    effect->verify.checks = checks->list;
    effect->verify.count = checks->count;
    return effect->verify.token;
}

void certificate_checks(const struct pbft *core, const struct certificate *certificate,
                        const struct validator_set *set, struct checks *checks)
{
    struct hash32 hash;
    vote_hash(&hash, certificate->phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &core->config.chain_id, set->era, certificate->view, certificate->height,
              &certificate->header_hash);
    CHECK(checks->count + certificate->count <= checks->capacity);
    for (uint32_t i = 0; i < certificate->count; i++) {
        checks->list[checks->count++] =
            (struct pbft_check){.key = set->validators[certificate->signers[i]].key,
                                .hash = hash,
                                .signature = certificate->signatures[i]};
    }
}

/* The signatures of a certificate, unless it is known or listed already. */
static void check_once(const struct pbft *core, struct bytes bytes,
                       const struct certificate *certificate, const struct validator_set *set,
                       struct checks *checks)
{
    struct hash32 digest;
    if (checks == NULL) {
        return;
    }
    certificate_digest(&digest, bytes);
    if (digest_known(core, &digest)) {
        return;
    }
    for (uint32_t i = 0; i < checks->certificates_count; i++) {
        if (hash32_equal(&checks->certificates[i], &digest)) {
            return;
        }
    }
    CHECK(checks->certificates_count < 2 * LIMIT_VALIDATORS_MAX);
    checks->certificates[checks->certificates_count++] = digest;
    certificate_checks(core, certificate, set, checks);
}

/* ---- Judging a VIEW-CHANGE ------------------------------------------------------------------------- */

static enum status header_of(const struct pbft *core, struct bytes bytes, uint64_t height,
                             struct header *header, struct hash32 *hash)
{
    enum status status = header_decode(header, bytes);
    if (status != ST_OK) {
        return status;
    }
    header_hash(hash, header);
    if (!hash32_equal(&header->chain_id, &core->config.chain_id) || header->height != height) {
        return ST_BAD_CERTIFICATE;
    }
    return ST_OK;
}

/* The block that a VIEW-CHANGE names must lead to this era: it is the era's base, or a block of the era
 * that did not end it. Its certificate verifies under the set of its own height. */
static enum status judge_committed(struct pbft *core, const struct view_change *change,
                                   struct checks *checks)
{
    struct header header;
    struct hash32 hash;
    struct certificate certificate;
    uint64_t era = core->set.era, height = change->committed_height;
    bool base = height + 1 == era;
    if (height + 1 < era || height >= UINT64_MAX - 2 ||
        (base && !hash32_equal(&change->committed_hash, &core->era_base_hash))) {
        return ST_BAD_CERTIFICATE;
    }
    if (height == 0) {
        return ST_OK; /* R17: block 0 needs no certificate */
    }
    if (base && core->era_recovered) { /* R33: nor has the block of a recovery one */
        return change->committed_certificate.size == 0 ? ST_OK : ST_BAD_CERTIFICATE;
    }
    const struct validator_set *set = base ? &core->previous_set : &core->set;
    const struct hash32 *set_hash = base ? &core->previous_set_hash : &core->set_hash;
    enum status status = header_of(core, change->committed_header, height, &header, &hash);
    if (status != ST_OK) {
        return status;
    }
    status = certificate_decode(&certificate, change->committed_certificate, set->count);
    if (status != ST_OK) {
        return status;
    }
    if (!hash32_equal(&hash, &change->committed_hash) || certificate.phase != VOTE_COMMIT ||
        certificate.height != height || !hash32_equal(&certificate.header_hash, &hash) ||
        !hash32_equal(&header.validators_hash, set_hash) ||
        !hash32_equal(&header.next_validators_hash, &core->set_hash)) {
        return ST_BAD_CERTIFICATE;
    }
    check_once(core, change->committed_certificate, &certificate, set, checks);
    return ST_OK;
}

/* R17: for the height after the committed one, of a view below the one asked for. */
static enum status judge_prepared(struct pbft *core, const struct view_change *change,
                                  struct judged *judged, struct checks *checks)
{
    struct header header;
    struct certificate certificate;
    enum status status = header_of(core, change->prepared_header, change->committed_height + 1,
                                   &header, &judged->prepared_hash);
    if (status != ST_OK) {
        return status;
    }
    status = certificate_decode(&certificate, change->prepared_certificate, core->set.count);
    if (status != ST_OK) {
        return status;
    }
    if (certificate.phase != VOTE_PREPARE || certificate.height != header.height ||
        !hash32_equal(&certificate.header_hash, &judged->prepared_hash) ||
        certificate.view >= change->new_view ||
        !hash32_equal(&header.validators_hash, &core->set_hash)) {
        return ST_BAD_CERTIFICATE;
    }
    judged->prepared = true;
    judged->prepared_view = certificate.view;
    check_once(core, change->prepared_certificate, &certificate, &core->set, checks);
    return ST_OK;
}

enum status view_change_judge(struct pbft *core, const struct view_change *change,
                              struct judged *judged, struct checks *checks)
{
    *judged = (struct judged){.committed_height = change->committed_height,
                              .committed_hash = change->committed_hash};
    enum status status = judge_committed(core, change, checks);
    if (status == ST_OK && change->prepared_certificate.size > 0) {
        status = judge_prepared(core, change, judged, checks);
    }
    return status;
}

void view_change_remember(struct pbft *core, const struct view_change *change)
{
    struct certificate certificate;
    const struct validator_set *set =
        change->committed_height + 1 == core->set.era ? &core->previous_set : &core->set;
    certificate_remember(core, change->committed_certificate);
    certificate_remember(core, change->prepared_certificate);
    if (change->committed_certificate.size > 0) {
        certificate_again(&certificate, change->committed_certificate, set);
        tripwire_certificate(core, &certificate, set);
    }
    if (change->prepared_certificate.size > 0) {
        certificate_again(&certificate, change->prepared_certificate, &core->set);
        tripwire_certificate(core, &certificate, &core->set);
    }
    /* R27: a height that counts, because it came with its certificate. */
    if (change->committed_height > core->height) {
        const struct pubkey33 from = core->set.validators[change->sender].key;
        catch_up_note(core, &from, change->committed_height);
        if (change->committed_height == core->height + 1) {
            (void)catch_up_certified(core, &from, change->committed_header,
                                     change->committed_certificate);
        }
    }
}

/* R30: two certificates of one view and height for different headers, or two committed blocks at one
 * height: more than f traitors. */
void view_change_check_fork(struct pbft *core, const struct judged *judged)
{
    const struct own_height *own = recover_own_find(core, judged->committed_height + 1);
    if (judged->committed_height == core->height &&
        !hash32_equal(&judged->committed_hash, &core->hash)) {
        catch_up_fork(core, &core->hash, &judged->committed_hash);
        return;
    }
    if (judged->prepared && own != NULL && own->prepared &&
        own->prepared_view == judged->prepared_view &&
        !hash32_equal(&own->prepared_hash, &judged->prepared_hash)) {
        catch_up_fork(core, &own->prepared_hash, &judged->prepared_hash);
        return;
    }
    for (uint32_t i = 0; i < core->set.count; i++) {
        const struct member_change *other = &core->changes[i];
        if (other->state != JUDGED_VALID) {
            continue;
        }
        bool prepared = judged->prepared && other->prepared &&
                        judged->prepared_view == other->prepared_view &&
                        judged->committed_height == other->committed_height &&
                        !hash32_equal(&judged->prepared_hash, &other->prepared_hash);
        bool committed = judged->committed_height == other->committed_height &&
                         !hash32_equal(&judged->committed_hash, &other->committed_hash);
        if (prepared || committed) {
            catch_up_fork(core, prepared ? &judged->prepared_hash : &judged->committed_hash,
                          prepared ? &other->prepared_hash : &other->committed_hash);
            return;
        }
    }
}

static void change_valid(struct pbft *core, uint32_t member)
{
    struct member_change *held = &core->changes[member];
    struct view_change change;
    struct judged judged = {.committed_height = held->committed_height,
                            .committed_hash = held->committed_hash,
                            .prepared = held->prepared,
                            .prepared_view = held->prepared_view,
                            .prepared_hash = held->prepared_hash};
    view_change_check_fork(core, &judged);
    held->state = JUDGED_VALID;
    core->highest_change = later_ms(core->highest_change, held->new_view);
    arena_reset(&core->scratch);
    view_change_again(&change, blob_bytes(&held->message), core);
    view_change_remember(core, &change);
    evidence_forgotten(core, member);
}

void view_change_verified(struct pbft *core, uint32_t member, bool good)
{
    core->changes[member].token = 0;
    if (good) {
        change_valid(core, member);
    } else {
        /* It came from the member itself: whoever sends such a thing is not heard again in this era. */
        core->changes[member].state = JUDGED_NONE;
        core->bad_changes[member] = 1;
    }
}

/* R17: one VIEW-CHANGE a member, the highest; one under judgement at a time. */
static enum status change_wanted(struct pbft *core, const struct pbft_message *message,
                                 const struct view_change *change)
{
    const struct member_change *held = &core->changes[message->sender];
    if (message->view <= core->own.view) {
        return ST_OLD;
    }
    if (message->body.size > held->message.capacity) {
        return ST_BAD_SIZE;
    }
    if (core->bad_changes[message->sender] != 0) {
        return ST_BAD_CERTIFICATE;
    }
    if (held->state == JUDGED_VERIFYING) {
        return ST_FUTURE; /* sent again until the view opens */
    }
    if (held->state == JUDGED_VALID && change->new_view == held->new_view) {
        if (hash32_equal(&held->signed_hash, &change->signed_hash)) {
            return ST_DUPLICATE;
        }
        evidence_two_changes(core, message->sender, message->body);
        return ST_CONFLICT;
    }
    return held->state == JUDGED_VALID && change->new_view < held->new_view ? ST_OLD : ST_OK;
}

enum status view_change_message(struct pbft *core, const struct pbft_message *message)
{
    struct member_change *held = &core->changes[message->sender];
    struct view_change change;
    struct judged judged;
    struct checks checks;
    if (!core_in_era(core)) {
        return ST_FUTURE;
    }
    arena_reset(&core->scratch);
    view_change_again(&change, message->body, core);
    enum status status = change_wanted(core, message, &change);
    if (status != ST_OK) {
        return status;
    }
    checks_begin(core, &checks, 2 * quorum_size(core->config.validators_max));
    status = view_change_judge(core, &change, &judged, &checks);
    if (status != ST_OK) {
        return status;
    }
    held->new_view = change.new_view;
    held->committed_height = judged.committed_height;
    held->committed_hash = judged.committed_hash;
    held->prepared = judged.prepared;
    held->prepared_view = judged.prepared_view;
    held->prepared_hash = judged.prepared_hash;
    held->signed_hash = change.signed_hash;
    blob_set(&held->message, message->body);
    if (checks.count == 0) {
        change_valid(core, message->sender);
    } else {
        held->state = JUDGED_VERIFYING;
        held->token = checks_verify(core, &checks);
    }
    return ST_OK;
}

/* ---- Leaving --------------------------------------------------------------------------------------- */

/* R13, R15: a signed promise to vote no more below `target`, with all that might have been committed. */
static void leave(struct pbft *core, uint64_t target)
{
    Xuelian__ViewChange wire = XUELIAN__VIEW_CHANGE__INIT;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    struct hash32 digest, hash;
    struct sig64 signature;
    const struct own_height *own = recover_own_find(core, core->height + 1);
    struct blob *kept = &core->own.view_change;
    bool prepared = own != NULL && own->prepared;
    CHECK(core_may_vote(core));
    CHECK(target > core->own.target);
    wire.era = core->set.era;
    wire.new_view = target;
    wire.committed_height = core->height;
    wire.committed_hash = field_borrow(&core->hash, 32);
    if (core->certificate.size > 0) { /* R17, R33: blocks 0 and of a recovery have none */
        wire.committed_header = field_borrow(header, header_encode(header, &core->header));
        wire.committed_certificate = field_borrow(core->certificate.data, core->certificate.size);
    }
    if (prepared) {
        wire.prepared_header = field_borrow(own->header.data, own->header.size);
        wire.prepared_certificate = field_borrow(own->certificate.data, own->certificate.size);
        certificate_digest(&digest, blob_bytes(&own->certificate));
    }
    view_change_hash(&hash, &core->config.chain_id, wire.era, target, core->height, &core->hash,
                     prepared ? &digest : NULL);
    core_sign(core, &hash, &signature);
    wire.sender = (uint32_t)core->self;
    wire.signature = field_borrow(&signature, 64);
    CHECK(canonical_size(&wire.base) <= kept->capacity);
    kept->size = canonical_encode(kept->data, &wire.base);
    core->own.target = target;
    core->quorum_since_ms = 0;
    core->primary_faulty = false;
    core->leave_view = false;
    core->leave_after_commit = false;
    execute_leave_view(core);
    recover_persist(core, NULL);
    core_send(core, PBFT_TO_VALIDATORS, NULL, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
              blob_bytes(kept));
}

/* R14: when the installed view, to which the proposal belongs, is given up, if nothing commits before. */
static uint64_t leave_ms(const struct pbft *core)
{
    const struct proposal *proposal = &core->proposals[OPEN];
    uint64_t since_ms = later_ms(core->installed_ms, core->commit_ms);
    uint64_t timeout_ms = core_timeout_ms(core);
    uint64_t due_ms = sum_ms(sum_ms(since_ms, core->params.heartbeat_ms), timeout_ms);
    uint64_t item_ms = PBFT_NEVER_MS;
    if (core->primary_faulty || core->leave_view) {
        return core->now_ms;
    }
    if (proposal->state != PROPOSAL_NONE) {
        item_ms = proposal->arrived_ms;
    }
    if (core_forced(core) != NULL) {
        item_ms = 0;
    }
    if (core->waiting.count > 0) {
        item_ms = earlier_ms(item_ms, core->waiting.oldest_ms);
        /* Censorship: blocks go by, and one transaction waits. */
        due_ms =
            earlier_ms(due_ms, sum_ms(later_ms(core->installed_ms, core->waiting.oldest_single_ms),
                                      core->params.request_timeout_ms));
    }
    if (item_ms != PBFT_NEVER_MS) {
        due_ms = earlier_ms(due_ms, sum_ms(later_ms(since_ms, item_ms), timeout_ms));
    }
    return due_ms;
}

/* R15: the (f+1)-th highest view among the others' VIEW-CHANGEs: one honest member is there. */
static uint64_t joined_view(const struct pbft *core)
{
    uint64_t highest[LIMIT_VALIDATORS_MAX] = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if ((int32_t)i == core->self || core->changes[i].state != JUDGED_VALID) {
            continue;
        }
        uint32_t at = count++;
        for (; at > 0 && highest[at - 1] < core->changes[i].new_view; at--) {
            highest[at] = highest[at - 1];
        }
        highest[at] = core->changes[i].new_view;
    }
    uint32_t weak = quorum_weak(core->set.count);
    return count >= weak ? highest[weak - 1] : 0;
}

static bool quorum_left(const struct pbft *core)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->set.count; i++) {
        count +=
            core->changes[i].state == JUDGED_VALID && core->changes[i].new_view >= core->own.target;
    }
    return count >= quorum_size(core->set.count);
}

bool view_change_advance(struct pbft *core)
{
    if (!core_may_vote(core)) {
        return false;
    }
    uint64_t joined = core->highest_change > core->own.target ? joined_view(core) : 0;
    /* With n <= 3 a single member moves all: by one view, from one that is open (R16 does the rest). */
    bool alone = quorum_weak(core->set.count) == 1;
    if (joined > core->own.target && (!alone || core_installed(core))) {
        leave(core, alone ? core->own.target + 1 : joined);
        return true;
    }
    if (core_installed(core)) {
        if (core->now_ms < leave_ms(core)) {
            return false;
        }
        leave(core, core->own.view + 1);
        return true;
    }
    /* R16: onward only after q members have come this far, and their timer has run out. */
    if (core->quorum_since_ms == 0 && quorum_left(core)) {
        core->quorum_since_ms = later_ms(core->now_ms, 1);
    }
    if (core->quorum_since_ms == 0 ||
        core->now_ms < sum_ms(core->quorum_since_ms, core_timeout_ms(core))) {
        return false;
    }
    leave(core, core->own.target + 1);
    return true;
}

uint64_t view_change_deadline_ms(const struct pbft *core)
{
    if (!core_may_vote(core)) {
        return PBFT_NEVER_MS;
    }
    if (core_installed(core)) {
        return leave_ms(core);
    }
    return core->quorum_since_ms == 0 ? PBFT_NEVER_MS
                                      : sum_ms(core->quorum_since_ms, core_timeout_ms(core));
}
