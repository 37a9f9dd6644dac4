/* Is there a signature of this node's key that its journal does not know? An old backup, or a second copy
 * of the key. The tripwire can forbid a vote, never permit one. R24. */
#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/frame.h"

#define ANSWER_MESSAGES_MAX 8u

/* A place at which this key has signed something, and what. */
struct signature_place {
    enum newest kind; /* NEWEST_COUNT: a view change or new view */
    struct place place;
    struct hash32 hash; /* of the header voted for */
};

static enum newest newest_of_phase(enum vote_phase phase)
{
    return phase == VOTE_COMMIT ? NEWEST_COMMIT : NEWEST_PREPARE;
}

/* Where a message of one's own stands. */
static struct signature_place locate(const struct pbft_message *message)
{
    struct signature_place found = {.kind = NEWEST_COUNT,
                                    .place = {message->era, message->view, message->height}};
    if (message->type == XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE) {
        found.kind = NEWEST_PRE_PREPARE;
    } else if (message->type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        found.kind = newest_of_phase(message->vote.phase);
        found.hash = message->vote.header_hash;
    }
    return found;
}

/* The same for a signature in a certificate. */
static struct signature_place locate_in(const struct certificate *certificate, uint64_t era)
{
    return (struct signature_place){.kind = newest_of_phase(certificate->phase),
                                    .place = {era, certificate->view, certificate->height},
                                    .hash = certificate->header_hash};
}

static bool vote_unknown(const struct pbft *core, enum phase_index phase,
                         const struct signature_place *found)
{
    const struct own_height *own = recover_own_find(core, found->place.height);
    return found->place.era == core->own.era && own != NULL && own->votes[phase].present &&
           own->votes[phase].view == found->place.view &&
           !hash32_equal(&own->votes[phase].hash, &found->hash);
}

/* True when the journal cannot explain the signature: above all it recorded, or beside it. */
static bool unexplained(const struct pbft *core, uint8_t type, const struct signature_place *found)
{
    const struct own *own = &core->own;
    if (found->kind != NEWEST_COUNT) {
        return place_above(&found->place, &own->newest[found->kind]) ||
               (found->kind == NEWEST_PREPARE && vote_unknown(core, PREPARE, found)) ||
               (found->kind == NEWEST_COMMIT && vote_unknown(core, COMMIT, found));
    }
    uint64_t newest =
        type == XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW ? own->new_view_sent : own->target;
    /* Of the open era: the journal may be ahead of it, never behind (recover_enter_era). */
    return found->place.era == own->era && found->place.view > newest;
}

static bool armed(const struct pbft *core)
{
    return !core->config.follow && !core->stopped && core->self >= 0 &&
           core->set.validators[core->self].incarnation == core->config.incarnation;
}

bool tripwire_foreign(struct pbft *core, const struct pbft_message *message)
{
    struct signature_place found = locate(message);
    if (!armed(core) || !unexplained(core, message->type, &found)) {
        return false;
    }
    core_alarm(core, PBFT_ALARM_OWN_SIGNATURE, NULL, NULL);
    return true;
}

/* R24: a VIEW-CHANGE of one's own inside a NEW-VIEW, its signature verified. */
void tripwire_change(struct pbft *core, const struct view_change *change)
{
    struct signature_place found = {.kind = NEWEST_COUNT,
                                    .place = {change->era, change->new_view, 0}};
    if (armed(core) && (int32_t)change->sender == core->self &&
        unexplained(core, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE, &found)) {
        core_alarm(core, PBFT_ALARM_OWN_SIGNATURE, NULL, NULL);
    }
}

/* R24: the signatures inside certificates count too. */
void tripwire_certificate(struct pbft *core, const struct certificate *certificate,
                          const struct validator_set *set)
{
    int index = validator_set_find(set, &core->config.key);
    struct signature_place found = locate_in(certificate, set->era);
    if (!armed(core) || index < 0 ||
        set->validators[index].incarnation != core->config.incarnation) {
        return;
    }
    for (uint32_t i = 0; i < certificate->count; i++) {
        if (certificate->signers[i] == index && unexplained(core, 0, &found)) {
            core_alarm(core, PBFT_ALARM_OWN_SIGNATURE, NULL, NULL);
            return;
        }
    }
}

/* ---- Asking ---------------------------------------------------------------------------------------- */

static bool ready(const struct pbft *core)
{
    return armed(core) && !core->tripwire.clear && core_in_era(core) &&
           core->height >= core->own.durable_height && !catch_up_behind(core);
}

bool tripwire_asking(const struct pbft *core)
{
    return armed(core) && !core->tripwire.clear;
}

uint64_t tripwire_deadline_ms(const struct pbft *core)
{
    return ready(core) ? core->tripwire.ask_ms : PBFT_NEVER_MS;
}

void tripwire_ask(struct pbft *core)
{
    Xuelian__NewestRequest wire = XUELIAN__NEWEST_REQUEST__INIT;
    if (!ready(core) || core->now_ms < core->tripwire.ask_ms) {
        return;
    }
    core->tripwire.ask_ms = sum_ms(core->now_ms, core->params.t0_ms / 4 + 1);
    wire.key = field_borrow(&core->config.key, 33);
    wire.nonce = field_borrow(&core->config.nonce, 16);
    core_send_message(core, PBFT_TO_VALIDATORS, NULL, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST,
                      &wire.base);
}

/* ---- Answering ------------------------------------------------------------------------------------- */

struct answer {
    Xuelian__NewestAnswer wire;
    ProtobufCBinaryData messages[ANSWER_MESSAGES_MAX];
    uint32_t types[ANSWER_MESSAGES_MAX];
    uint8_t votes[HEIGHTS * PHASES][VOTE_SIZE_MAX];
    size_t size; /* of the messages */
};

/* Room for the message's own framing, the nonce and a certificate. */
#define ANSWER_OVERHEAD (CERTIFICATE_SIZE_MAX + 1024u)

static void answer_add(struct answer *answer, uint8_t type, struct bytes bytes)
{
    answer->size += bytes.size;
    CHECK(answer->size + ANSWER_OVERHEAD <=
          frame_body_size_max(XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER));
    answer->messages[answer->wire.n_messages] = field_borrow(bytes.data, bytes.size);
    answer->types[answer->wire.n_messages] = type;
    answer->wire.n_messages++;
    answer->wire.n_types++;
}

static void answer_member(const struct pbft *core, struct answer *answer, uint32_t member)
{
    for (uint32_t h = 0; h < HEIGHTS; h++) {
        for (uint32_t p = 0; p < PHASES; p++) {
            const struct vote *vote = &core->votes[h][member][p];
            uint8_t *out = answer->votes[h * PHASES + p];
            if (vote->present) {
                size_t size = vote_message(out, p == PREPARE ? PREPARE : COMMIT, core->set.era,
                                           core->height + 1 + h, member, vote);
                answer_add(answer, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, bytes_of(out, size));
            }
        }
    }
    if (core->changes[member].state != JUDGED_NONE) {
        answer_add(answer, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
                   blob_bytes(&core->changes[member].message));
    }
    for (uint32_t h = HEIGHTS; h-- > 0;) {
        const struct proposal *proposal = &core->proposals[h];
        if (proposal->state != PROPOSAL_NONE && proposal->sender == member) {
            answer_add(answer, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE,
                       blob_bytes(&proposal->message));
            return; /* the newest is enough, and two might not fit */
        }
    }
}

static bool certificate_has(struct bytes bytes, const struct validator_set *set, int member)
{
    struct certificate certificate;
    if (bytes.size == 0 || member < 0 ||
        certificate_decode(&certificate, bytes, set->count) != ST_OK) {
        return false;
    }
    for (uint32_t i = 0; i < certificate.count; i++) {
        if (certificate.signers[i] == member) {
            return true;
        }
    }
    return false;
}

/* The newest certificate here that a key is in. */
static void answer_certificate(const struct pbft *core, struct answer *answer,
                               const struct pubkey33 *key)
{
    const struct own_height *own = recover_own_find(core, core->height + 1);
    if (own != NULL && own->prepared &&
        certificate_has(blob_bytes(&own->certificate), &core->set,
                        validator_set_find(&core->set, key))) {
        answer->wire.certificate = field_borrow(own->certificate.data, own->certificate.size);
        answer->wire.certificate_era = core->set.era;
    } else if (certificate_has(blob_bytes(&core->certificate), &core->tip_set,
                               validator_set_find(&core->tip_set, key))) {
        answer->wire.certificate = field_borrow(core->certificate.data, core->certificate.size);
        answer->wire.certificate_era = core->tip_set.era;
    }
}

enum status tripwire_request(struct pbft *core, const struct pubkey33 *from, struct bytes body)
{
    ProtobufCMessage *message;
    struct answer answer;
    arena_reset(&core->scratch);
    enum status status =
        canonical_decode(&message, &xuelian__newest_request__descriptor, body, &core->scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__NewestRequest *wire = (const Xuelian__NewestRequest *)(const void *)message;
    /* A node asks about its own key alone. */
    if (wire->nonce.len != 16 || wire->key.len != 33 || memcmp(wire->key.data, from, 33) != 0) {
        return ST_BAD_ENCODING;
    }
    if (pubkey33_compare(from, &core->config.key) == 0) {
        return ST_DUPLICATE;
    }
    struct source *source = catch_up_source(core, from);
    if (core->now_ms < source->newest_answer_ms) {
        return ST_FULL;
    }
    source->newest_answer_ms = sum_ms(core->now_ms, core->params.t0_ms / 8);
    answer.size = 0;
    xuelian__newest_answer__init(&answer.wire);
    answer.wire.nonce = wire->nonce;
    answer.wire.messages = answer.messages;
    answer.wire.types = answer.types;
    int member = validator_set_find(&core->set, from);
    if (member >= 0) {
        answer_member(core, &answer, (uint32_t)member);
    }
    answer_certificate(core, &answer, from);
    core_send_message(core, PBFT_TO_PEER, from, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER,
                      &answer.wire.base);
    return ST_OK;
}

/* ---- Answers --------------------------------------------------------------------------------------- */

static void check_add(struct checks *checks, const struct pubkey33 *key, const struct hash32 *hash,
                      const struct sig64 *signature)
{
    CHECK(checks->count < checks->capacity);
    checks->list[checks->count++] =
        (struct pbft_check){.key = *key, .hash = *hash, .signature = *signature};
}

static enum status judge_message(struct pbft *core, uint32_t type, struct bytes body,
                                 struct checks *checks)
{
    struct pbft_message message;
    if (type != XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE &&
        type != XUELIAN__PEER_TYPE__PEER_TYPE_VOTE &&
        type != XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE) {
        return ST_BAD_ENCODING;
    }
    enum status status =
        pbft_message_parse(&message, (uint8_t)type, body, &core->config.chain_id, &core->scratch);
    if (status != ST_OK) {
        return status;
    }
    struct signature_place found = locate(&message);
    if (message.era == core->set.era && message.sender == (uint32_t)core->self &&
        unexplained(core, message.type, &found)) {
        check_add(checks, &core->config.key, &message.hash, &message.signature);
    }
    return ST_OK;
}

static enum status judge_certificate(struct pbft *core, struct bytes bytes, uint64_t era,
                                     struct checks *checks)
{
    struct certificate certificate;
    struct hash32 hash;
    const struct validator_set *set = era == core->set.era ? &core->set : &core->previous_set;
    if (bytes.size == 0 || era != set->era) {
        return ST_OK;
    }
    enum status status = certificate_decode(&certificate, bytes, set->count);
    int self = validator_set_find(set, &core->config.key);
    if (status != ST_OK || self < 0 ||
        set->validators[self].incarnation != core->config.incarnation) {
        return status;
    }
    struct signature_place found = locate_in(&certificate, era);
    vote_hash(&hash, certificate.phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &core->config.chain_id, era, certificate.view, certificate.height,
              &certificate.header_hash);
    for (uint32_t i = 0; i < certificate.count; i++) {
        if (certificate.signers[i] == self && unexplained(core, 0, &found)) {
            check_add(checks, &core->config.key, &hash, &certificate.signatures[i]);
        }
    }
    return ST_OK;
}

static void count_answer(struct pbft *core, uint32_t member)
{
    uint32_t answered = 0;
    core->tripwire.answered |= UINT64_C(1) << member;
    for (uint32_t i = 0; i < core->set.count; i++) {
        answered += (core->tripwire.answered >> i & 1) != 0;
    }
    core->tripwire.earned = answered + 1 >= quorum_size(core->set.count);
    core->tripwire.clear = core->tripwire.earned;
}

enum status tripwire_answer(struct pbft *core, const struct pubkey33 *from, struct bytes body)
{
    ProtobufCMessage *message;
    struct checks checks;
    int member = validator_set_find(&core->set, from);
    if (!ready(core)) {
        return ST_OLD;
    }
    if (member < 0 || member == core->self) {
        return ST_UNKNOWN_VALIDATOR;
    }
    arena_reset(&core->scratch);
    enum status status =
        canonical_decode(&message, &xuelian__newest_answer__descriptor, body, &core->scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__NewestAnswer *wire = (const Xuelian__NewestAnswer *)(const void *)message;
    if (wire->nonce.len != 16 || memcmp(wire->nonce.data, &core->config.nonce, 16) != 0) {
        return ST_OLD;
    }
    if (wire->n_messages != wire->n_types || wire->n_messages > ANSWER_MESSAGES_MAX) {
        return ST_BAD_ENCODING;
    }
    checks_begin(core, &checks, ANSWER_MESSAGES_MAX + 1);
    for (size_t i = 0; i < wire->n_messages && status == ST_OK; i++) {
        status = judge_message(core, wire->types[i], field_bytes(&wire->messages[i]), &checks);
    }
    if (status == ST_OK) {
        status = judge_certificate(core, field_bytes(&wire->certificate), wire->certificate_era,
                                   &checks);
    }
    if (status != ST_OK) {
        return status;
    }
    if (checks.count == 0) {
        count_answer(core, (uint32_t)member);
    } else if (core->tripwire.token == 0) {
        /* A liar may claim anything: only a signature that verifies stops this node. */
        core->tripwire.token = checks_verify(core, &checks);
    }
    return ST_OK;
}

void tripwire_verified(struct pbft *core, bool good)
{
    core->tripwire.token = 0;
    if (good && armed(core)) {
        core_alarm(core, PBFT_ALARM_OWN_SIGNATURE, NULL, NULL);
    }
}
