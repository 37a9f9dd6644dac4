#include "tests/unit/consensus/solo.h"

#include "tests/unit/cmocka_all.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/quorum.h"

static const uint8_t some_signature[64] = {7};

struct pubkey33 solo_key(uint32_t number)
{
    struct pubkey33 key = {{2}};
    be32_put(key.bytes + 29, number + 1);
    return key;
}

static void sign(void *context, const struct hash32 *hash, struct sig64 *signature)
{
    (void)context;
    memcpy(signature->bytes, hash->bytes, 32);
    memcpy(signature->bytes + 32, hash->bytes, 32);
}

/* ---- Headers and certificates ---------------------------------------------------------------------- */

struct hash32 solo_hash(const struct header *header)
{
    struct hash32 hash;
    header_hash(&hash, header);
    return hash;
}

struct header solo_header(const struct solo *solo, uint8_t tag)
{
    struct header made = solo->tip;
    made.height = solo->tip.height + 1;
    made.time_ms = solo->tip.time_ms + 1;
    made.parent_hash = solo->tip_hash;
    made.state_root.bytes[0] = tag;
    validator_set_hash(&made.validators_hash, &solo->set);
    made.next_validators_hash = made.validators_hash;
    return made;
}

struct owned solo_certificate(enum vote_phase phase, uint64_t view, const struct header *header,
                              const struct validator_set *set, uint8_t salt)
{
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    struct owned out = {.data = NULL};
    struct certificate made = {.phase = phase,
                               .view = view,
                               .height = header->height,
                               .header_hash = solo_hash(header),
                               .count = quorum_size(set->count)};
    for (uint32_t i = 0; i < made.count; i++) {
        made.signers[i] = (uint8_t)i;
        memset(made.signatures[i].bytes, salt + 1, 64);
    }
    owned_set(&out, bytes_of(bytes, certificate_encode(bytes, &made, set->count)));
    return out;
}

/* ---- Effects --------------------------------------------------------------------------------------- */

void solo_forget(struct solo *solo)
{
    for (uint32_t i = 0; i < solo->count; i++) {
        free(solo->kept[i].memory);
    }
    solo->count = 0;
    solo->looped = 0;
}

uint32_t solo_seen(const struct solo *solo, enum pbft_effect_type type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < solo->count; i++) {
        count += solo->kept[i].effect.type == type;
    }
    return count;
}

uint32_t solo_sent(const struct solo *solo, uint8_t type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < solo->count; i++) {
        const struct pbft_effect *effect = &solo->kept[i].effect;
        count += effect->type == PBFT_SEND && effect->send.type == type;
    }
    return count;
}

const struct pbft_effect *solo_last(const struct solo *solo, enum pbft_effect_type type)
{
    for (uint32_t i = solo->count; i-- > 0;) {
        if (solo->kept[i].effect.type == type) {
            return &solo->kept[i].effect;
        }
    }
    fail_msg("there is no effect of type %d", (int)type);
    return NULL;
}

bool solo_alarmed(const struct solo *solo, enum pbft_alarm reason)
{
    return solo_seen(solo, PBFT_ALARM) == 1 && solo_last(solo, PBFT_ALARM)->alarm.reason == reason;
}

static void keep(struct solo *solo, const struct pbft_effect *effect)
{
    assert_true(solo->count < SOLO_EFFECTS_MAX);
    struct solo_kept *kept = &solo->kept[solo->count++];
    kept->memory = sim_new(pbft_effect_borrowed_size(effect));
    pbft_effect_copy(&kept->effect, kept->memory, effect);
    if (effect->type == PBFT_PERSIST) {
        owned_set(&solo->record, effect->persist.record);
    } else if (effect->type == PBFT_COMMIT) {
        assert_int_equal(header_decode(&solo->tip, effect->commit.header), ST_OK);
        solo->tip_hash = effect->commit.header_hash;
        owned_set(&solo->certificate, effect->commit.certificate);
        if (solo->executed_next.era != solo->set.era) {
            solo->previous = solo->set;
            solo->era_base = solo->tip_hash;
            solo->set = solo->executed_next;
        }
    }
}

static enum status hear(struct solo *solo, const struct pubkey33 *from, uint8_t type,
                        struct bytes body)
{
    struct arena arena;
    struct pbft_message message;
    struct pbft_input input = {.type = PBFT_MESSAGE};
    arena_init(&arena, solo->scratch, PBFT_PARSE_SCRATCH_SIZE);
    enum status status = pbft_message_parse(&message, type, body, &solo->config.chain_id, &arena);
    if (status != ST_OK) {
        return status;
    }
    input.message.from = *from;
    input.message.message = &message;
    return solo_step(solo, &input);
}

enum status solo_step(struct solo *solo, struct pbft_input *input)
{
    struct pbft_effects effects;
    input->now_ms = solo->now_ms;
    input->clock_ms = solo->clock_ms;
    enum status verdict = pbft_step(solo->core, input, &effects);
    for (uint32_t i = 0; i < effects.count; i++) {
        keep(solo, &effects.list[i]);
    }
    while (solo->looped < solo->count) {
        struct pbft_effect effect = solo->kept[solo->looped++].effect;
        if (effect.type == PBFT_SEND && effect.send.to == PBFT_TO_VALIDATORS) {
            (void)hear(solo, &solo->config.key, effect.send.type, effect.send.body);
        }
    }
    return verdict;
}

/* ---- Inputs ---------------------------------------------------------------------------------------- */

enum status solo_tick(struct solo *solo, uint64_t ms)
{
    struct pbft_input input = {.type = PBFT_TICK};
    solo->now_ms += ms;
    solo->clock_ms += ms;
    return solo_step(solo, &input);
}

enum status solo_hear(struct solo *solo, const struct pubkey33 *from, uint8_t type,
                      const ProtobufCMessage *message)
{
    uint8_t *bytes = sim_new(canonical_size(message));
    size_t size = canonical_encode(bytes, message);
    enum status status = hear(solo, from, type, bytes_of(bytes, size));
    free(bytes);
    return status;
}

enum status solo_vote(struct solo *solo, uint32_t member, enum vote_phase phase, uint64_t view,
                      uint64_t height, const struct hash32 *hash)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    wire.phase = (Xuelian__Phase)phase;
    wire.era = solo->set.era;
    wire.view = view;
    wire.height = height;
    wire.header_hash = field_borrow(hash, 32);
    wire.sender = member;
    wire.signature = field_borrow(some_signature, 64);
    return solo_hear(solo, &solo->set.validators[member].key, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
                     &wire.base);
}

enum status solo_propose(struct solo *solo, uint64_t view, uint64_t height,
                         const struct hash32 *parent, uint64_t time_ms)
{
    Xuelian__Proposal proposal = XUELIAN__PROPOSAL__INIT;
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    uint8_t bytes[128];
    proposal.parent_hash = field_borrow(parent, 32);
    proposal.time_ms = time_ms;
    size_t size = canonical_encode(bytes, &proposal.base);
    wire.era = solo->set.era;
    wire.view = view;
    wire.height = height;
    wire.sender = (uint32_t)((height / solo->params.rotation_blocks + view) % solo->set.count);
    wire.proposal = field_borrow(bytes, size);
    wire.signature = field_borrow(some_signature, 64);
    return solo_hear(solo, &solo->set.validators[wire.sender].key,
                     XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, &wire.base);
}

enum status solo_executed(struct solo *solo, enum pbft_outcome outcome, const struct header *header)
{
    struct pbft_input input = {.type = PBFT_EXECUTED};
    input.executed.token = solo_last(solo, PBFT_EXECUTE)->execute.token;
    input.executed.outcome = outcome;
    input.executed.header = header;
    input.executed.next_set = &solo->executed_next;
    input.executed.params = &solo->params;
    if (header != NULL) {
        solo->executed = *header;
    }
    return solo_step(solo, &input);
}

enum status solo_verified(struct solo *solo, bool good)
{
    struct pbft_input input = {.type = PBFT_VERIFIED};
    input.verified.token = solo_last(solo, PBFT_VERIFY)->verify.token;
    input.verified.good = good;
    return solo_step(solo, &input);
}

enum status solo_certified(struct solo *solo, const struct header *header, struct bytes certificate)
{
    struct pubkey33 from = solo_key(1);
    return solo_certified_by(solo, &from, header, certificate);
}

enum status solo_certified_by(struct solo *solo, const struct pubkey33 *from,
                              const struct header *header, struct bytes certificate)
{
    struct pbft_input input = {.type = PBFT_CERTIFIED};
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    input.certified.from = *from;
    input.certified.header = bytes_of(bytes, header_encode(bytes, header));
    input.certified.certificate = certificate;
    return solo_step(solo, &input);
}

enum status solo_status(struct solo *solo, const struct pubkey33 *from, uint64_t height)
{
    Xuelian__Status wire = XUELIAN__STATUS__INIT;
    wire.era = solo->set.era;
    wire.height = height;
    wire.header_hash = field_borrow(&solo->tip_hash, 32);
    return solo_hear(solo, from, XUELIAN__PEER_TYPE__PEER_TYPE_STATUS, &wire.base);
}

void solo_commit(struct solo *solo, uint8_t tag, const struct validator_set *next)
{
    struct header header = solo_header(solo, tag);
    if (next != NULL) {
        solo->executed_next = *next;
        validator_set_hash(&header.next_validators_hash, next);
    }
    struct owned certificate = solo_certificate(VOTE_COMMIT, 0, &header, &solo->set, tag);
    assert_int_equal(solo_certified(solo, &header, owned_bytes(&certificate)), ST_OK);
    assert_int_equal(solo_verified(solo, true), ST_OK);
    assert_int_equal(solo_executed(solo, PBFT_EXECUTED_OK, &header), ST_OK);
    struct hash32 hash = solo_hash(&header);
    assert_true(hash32_equal(&solo->tip_hash, &hash));
    owned_free(&certificate);
}

/* ---- View changes ---------------------------------------------------------------------------------- */

static ProtobufCBinaryData part(struct owned *out, struct bytes bytes)
{
    owned_set(out, bytes);
    return field_borrow(out->data, out->size);
}

static ProtobufCBinaryData header_part(struct owned *out, const struct header *header)
{
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    return part(out, bytes_of(bytes, header_encode(bytes, header)));
}

void solo_change(const struct solo *solo, struct solo_change *out, uint32_t member, uint64_t view,
                 const struct header *committed, const struct header *prepared,
                 uint64_t prepared_view)
{
    const struct header *tip = committed == NULL ? &solo->tip : committed;
    memset(out, 0, sizeof *out);
    out->wire = (Xuelian__ViewChange)XUELIAN__VIEW_CHANGE__INIT;
    out->hash = solo_hash(tip);
    out->wire.era = solo->set.era;
    out->wire.new_view = view;
    out->wire.committed_height = tip->height;
    if (tip->height > 0) {
        const struct validator_set *set =
            tip->height < solo->set.era ? &solo->previous : &solo->set;
        struct owned made = solo_certificate(VOTE_COMMIT, 0, tip, set, 9);
        out->wire.committed_header = header_part(&out->parts[0], tip);
        out->wire.committed_certificate = part(&out->parts[1], owned_bytes(&made));
        owned_free(&made);
    }
    if (prepared != NULL) {
        struct owned made = solo_certificate(VOTE_PREPARE, prepared_view, prepared, &solo->set, 9);
        out->wire.prepared_header = header_part(&out->parts[2], prepared);
        out->wire.prepared_certificate = part(&out->parts[3], owned_bytes(&made));
        owned_free(&made);
    }
    out->wire.sender = member;
    out->wire.signature = field_borrow(some_signature, 64);
}

void solo_change_free(struct solo_change *change)
{
    for (size_t i = 0; i < 4; i++) {
        owned_free(&change->parts[i]);
    }
}

static Xuelian__ViewChange wire_of(const struct solo_change *change)
{
    Xuelian__ViewChange wire = change->wire;
    wire.committed_hash = field_borrow(&change->hash, 32);
    return wire;
}

enum status solo_hear_change(struct solo *solo, const struct solo_change *change)
{
    Xuelian__ViewChange wire = wire_of(change);
    return solo_hear(solo, &solo->set.validators[wire.sender].key,
                     XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE, &wire.base);
}

enum status solo_hear_new_view(struct solo *solo, uint32_t sender, uint64_t view,
                               const struct solo_change *changes, size_t count)
{
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData list[LIMIT_VALIDATORS_MAX];
    for (size_t i = 0; i < count; i++) {
        Xuelian__ViewChange one = wire_of(&changes[i]);
        uint8_t *bytes = sim_new(canonical_size(&one.base));
        list[i] = field_borrow(bytes, canonical_encode(bytes, &one.base));
    }
    wire.era = solo->set.era;
    wire.new_view = view;
    wire.view_changes = list;
    wire.n_view_changes = count;
    wire.sender = sender;
    wire.signature = field_borrow(some_signature, 64);
    enum status status = solo_hear(solo, &solo->set.validators[sender].key,
                                   XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, &wire.base);
    for (size_t i = 0; i < count; i++) {
        free(list[i].data);
    }
    return status;
}

/* ---- Life ------------------------------------------------------------------------------------------ */

static void answer_tripwire(struct solo *solo)
{
    Xuelian__NewestAnswer wire = XUELIAN__NEWEST_ANSWER__INIT;
    wire.nonce = field_borrow(&solo->config.nonce, 16);
    for (uint32_t i = 0; i < solo->set.count; i++) {
        (void)solo_hear(solo, &solo->set.validators[i].key,
                        XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER, &wire.base);
    }
}

enum status solo_restart_from(struct solo *solo, struct bytes record)
{
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    struct pbft_start start = {.now_ms = solo->now_ms,
                               .header = bytes_of(header, header_encode(header, &solo->tip)),
                               .certificate = owned_bytes(&solo->certificate),
                               .set = &solo->set,
                               .params = solo->params,
                               .previous_set = solo->previous.era == 0 ? NULL : &solo->previous,
                               .era_base_hash = solo->era_base,
                               .record = record};
    solo_forget(solo);
    solo->config.nonce.bytes[0]++;
    solo->executed_next = solo->set;
    enum status status = pbft_init(&solo->core, solo->memory, &solo->config, &start);
    if (status == ST_OK) {
        (void)solo_tick(solo, 0);
    }
    return status;
}

enum status solo_restart(struct solo *solo, bool asked)
{
    struct owned record = {.data = NULL};
    owned_set(&record, owned_bytes(&solo->record));
    enum status status = solo_restart_from(solo, owned_bytes(&record));
    owned_free(&record);
    if (status == ST_OK && asked) {
        answer_tripwire(solo);
    }
    return status;
}

struct solo *solo_new(uint32_t n, uint32_t self)
{
    struct solo *solo = sim_new(sizeof *solo);
    memset(solo, 0, sizeof *solo);
    solo->scratch = sim_new(PBFT_PARSE_SCRATCH_SIZE);
    solo->now_ms = 1000000;
    solo->clock_ms = UINT64_C(1700000000000);
    solo->params = (struct pbft_params){.t0_ms = 2000,
                                        .timeout_cap_ms = 8000,
                                        .batch_delay_ms = 10,
                                        .batch_count = 100,
                                        .heartbeat_ms = 60000,
                                        .max_drift_ms = 3000,
                                        .max_lag_ms = 30000,
                                        .request_timeout_ms = 60000,
                                        .rotation_blocks = 1000};
    solo->config = (struct pbft_config){.chain_id = {{5}},
                                        .key = solo_key(self),
                                        .validators_max = n < 4 ? 4 : n,
                                        .nonce = {{1}},
                                        .sign = sign};
    solo->set.era = 1;
    solo->set.count = n;
    for (uint32_t i = 0; i < n; i++) {
        solo->set.validators[i] = (struct validator){.key = solo_key(i), .member = i + 1};
    }
    solo->tip = (struct header){.version = PROTOCOL_VERSION,
                                .suite = PROTOCOL_SUITE,
                                .chain_id = solo->config.chain_id,
                                .time_ms = solo->clock_ms};
    validator_set_hash(&solo->tip.validators_hash, &solo->set);
    solo->tip.next_validators_hash = solo->tip.validators_hash;
    solo->tip_hash = solo_hash(&solo->tip);
    solo->era_base = solo->tip_hash;
    solo->memory = aligned_alloc(64, (pbft_footprint(&solo->config) + 63) / 64 * 64);
    assert_non_null(solo->memory);
    assert_int_equal(solo_restart(solo, true), ST_OK);
    solo_forget(solo);
    return solo;
}

void solo_free(struct solo *solo)
{
    solo_forget(solo);
    owned_free(&solo->certificate);
    owned_free(&solo->record);
    free(solo->memory);
    free(solo->scratch);
    free(solo);
}
