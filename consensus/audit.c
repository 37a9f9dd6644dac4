/* An audit filled: statements taken from messages, certificates and records, each once, each verified. R32. */
#include "consensus/audit_store.h"
#include "proto/block.pb-c.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/frame.h"
#include "proto/journal.pb-c.h"

/* ---- Memory -------------------------------------------------------------------------------------- */

static uint32_t buckets_for(uint32_t statements_max)
{
    uint32_t buckets = 16;
    while (buckets < statements_max) {
        buckets *= 2;
    }
    return buckets;
}

static size_t padded(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t audit_footprint(const struct audit_config *config)
{
    size_t room = config->statements_max;
    return padded(sizeof(struct audit)) + padded(room * sizeof(struct statement)) +
           padded(room * sizeof(struct certified)) + padded(room * sizeof(struct audit_opening)) +
           padded(buckets_for(config->statements_max) * sizeof(uint32_t)) + PBFT_PARSE_SCRATCH_SIZE;
}

static void *carve(uint8_t **at, size_t size)
{
    void *made = *at;
    *at += padded(size);
    return made;
}

struct audit *audit_init(void *memory, const struct audit_config *config)
{
    uint8_t *at = memory;
    size_t room = config->statements_max;
    struct audit *audit = carve(&at, sizeof *audit);
    CHECK(room >= 1);
    CHECK(room <= UINT32_C(1) << 30);
    CHECK(config->set->count >= 1);
    CHECK((config->set->era > 1) == (config->previous_set != NULL));
    memset(audit, 0, sizeof *audit);
    audit->config = *config;
    audit->statements = carve(&at, room * sizeof *audit->statements);
    audit->certified = carve(&at, room * sizeof *audit->certified);
    audit->openings = carve(&at, room * sizeof *audit->openings);
    uint32_t buckets = buckets_for(config->statements_max);
    audit->buckets = carve(&at, buckets * sizeof *audit->buckets);
    audit->bucket_mask = buckets - 1;
    for (uint32_t i = 0; i < buckets; i++) {
        audit->buckets[i] = AUDIT_NONE;
    }
    arena_init(&audit->scratch, at, PBFT_PARSE_SCRATCH_SIZE);
    validator_set_hash(&audit->set_hash, config->set);
    if (config->previous_set != NULL) {
        validator_set_hash(&audit->previous_hash, config->previous_set);
    }
    return audit;
}

/* ---- Statements ---------------------------------------------------------------------------------- */

static uint32_t bucket_of(const struct audit *audit, enum said kind, uint32_t member, uint64_t view,
                          uint64_t height)
{
    uint64_t z = (view * 4 + (uint64_t)kind) * LIMIT_VALIDATORS_MAX + member;
    z ^= (kind == SAID_CHANGE ? 0 : height) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(z >> 32) & audit->bucket_mask;
}

uint32_t audit_bucket(const struct audit *audit, enum said kind, uint32_t member, uint64_t view,
                      uint64_t height)
{
    return audit->buckets[bucket_of(audit, kind, member, view, height)];
}

bool audit_same_place(const struct statement *a, const struct statement *b)
{
    return a->kind == b->kind && a->member == b->member && a->view == b->view &&
           (a->kind == SAID_CHANGE || a->height == b->height);
}

static bool verifies(const struct audit *audit, const struct pubkey33 *key,
                     const struct hash32 *hash, const struct sig64 *signature)
{
    return audit->config.verify(audit->config.verify_context, key, hash, signature);
}

/* The statement that says the same, or NULL. Out: how many others there are of its place. */
static struct statement *find(const struct audit *audit, const struct statement *said,
                              uint32_t *others)
{
    uint32_t at = audit_bucket(audit, said->kind, said->member, said->view, said->height);
    *others = 0;
    for (; at != AUDIT_NONE; at = audit->statements[at].next) {
        struct statement *held = &audit->statements[at];
        if (!audit_same_place(held, said)) {
            continue;
        }
        if (hash32_equal(&held->hash, &said->hash)) {
            return held;
        }
        ++*others;
    }
    return NULL;
}

/* Keeps what verifies, if it is new. Two different ones of a place prove all that a third could. */
static enum status keep(struct audit *audit, const struct statement *said,
                        const struct hash32 *signed_hash)
{
    uint32_t others;
    struct statement *held = find(audit, said, &others);
    if (held != NULL && memcmp(&held->signature, &said->signature, sizeof said->signature) == 0) {
        /* What a VIEW-CHANGE carries is not all signed: the copy counts in which all is good. */
        if (said->valid && !held->valid) {
            held->valid = true;
            held->message = said->message;
            held->prepared = said->prepared;
            held->prepared_view = said->prepared_view;
            held->prepared_hash = said->prepared_hash;
        }
        return ST_OK;
    }
    if (!verifies(audit, &audit->config.set->validators[said->member].key, signed_hash,
                  &said->signature)) {
        return ST_BAD_SIGNATURE;
    }
    if (held != NULL || others >= 2) {
        return ST_OK;
    }
    if (audit->count == audit->config.statements_max) {
        return ST_NO_MEMORY;
    }
    uint32_t bucket = bucket_of(audit, said->kind, said->member, said->view, said->height);
    CHECK(audit->statements != NULL);
    audit->statements[audit->count] = *said;
    audit->statements[audit->count].next = audit->buckets[bucket];
    audit->buckets[bucket] = audit->count++;
    return ST_OK;
}

/* ---- Certificates -------------------------------------------------------------------------------- */

static enum status note_certified(struct audit *audit, const struct certificate *certificate)
{
    for (uint32_t i = 0; i < audit->certified_count; i++) {
        const struct certified *held = &audit->certified[i];
        if (held->height == certificate->height && held->view == certificate->view &&
            hash32_equal(&held->hash, &certificate->header_hash)) {
            return ST_OK;
        }
    }
    /* A quorum of liars can sign any number of these. */
    if (audit->certified_count == audit->config.statements_max) {
        return ST_NO_MEMORY;
    }
    audit->certified[audit->certified_count++] = (struct certified){
        .height = certificate->height, .view = certificate->view, .hash = certificate->header_hash};
    return ST_OK;
}

static enum status take_signers(struct audit *audit, const struct certificate *certificate,
                                bool before_era)
{
    const struct validator_set *set = before_era ? audit->config.previous_set : audit->config.set;
    struct statement said = {.kind = certificate->phase == VOTE_COMMIT ? SAID_COMMIT : SAID_PREPARE,
                             .view = certificate->view,
                             .height = certificate->height,
                             .hash = certificate->header_hash};
    enum status status = ST_OK;
    struct hash32 hash;
    vote_hash(&hash, certificate->phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &audit->config.chain_id, set->era, certificate->view, certificate->height,
              &certificate->header_hash);
    for (uint32_t i = 0; i < certificate->count; i++) {
        enum status one = ST_OK;
        said.member = certificate->signers[i];
        said.signature = certificate->signatures[i];
        if (!before_era) {
            one = keep(audit, &said, &hash);
        } else if (!verifies(audit, &set->validators[said.member].key, &hash, &said.signature)) {
            one = ST_BAD_SIGNATURE;
        }
        status = one == ST_OK ? status : one == ST_NO_MEMORY ? one : ST_BAD_CERTIFICATE;
    }
    return status;
}

/* A certificate with its header, of this era or of the block before it. Out: both, decoded. */
static enum status take_certificate(struct audit *audit, struct bytes header_bytes,
                                    struct bytes bytes, struct header *header,
                                    struct certificate *certificate)
{
    struct hash32 hash;
    enum status status = header_decode(header, header_bytes);
    if (status != ST_OK) {
        return status;
    }
    uint64_t era = audit->config.set->era;
    if (!hash32_equal(&header->chain_id, &audit->config.chain_id) || header->height == 0 ||
        header->height + 1 < era) {
        return ST_BAD_CERTIFICATE;
    }
    bool before_era = header->height + 1 == era;
    const struct validator_set *set = before_era ? audit->config.previous_set : audit->config.set;
    status = certificate_decode(certificate, bytes, set->count);
    if (status != ST_OK) {
        return status;
    }
    header_hash(&hash, header);
    if (certificate->height != header->height || !hash32_equal(&certificate->header_hash, &hash) ||
        !hash32_equal(&header->validators_hash,
                      before_era ? &audit->previous_hash : &audit->set_hash)) {
        return ST_BAD_CERTIFICATE;
    }
    status = take_signers(audit, certificate, before_era);
    if (status == ST_OK && !before_era && certificate->phase == VOTE_COMMIT) {
        status = note_certified(audit, certificate);
    }
    return status;
}

enum status audit_certificate(struct audit *audit, struct bytes header_bytes, struct bytes bytes)
{
    struct header header;
    struct certificate certificate;
    return take_certificate(audit, header_bytes, bytes, &header, &certificate);
}

/* ---- VIEW-CHANGEs (R17) ----------------------------------------------------------------------------- */

static bool committed_valid(struct audit *audit, const struct view_change *change)
{
    struct header header;
    struct certificate certificate;
    uint64_t era = audit->config.set->era, height = change->committed_height;
    bool base = height + 1 == era;
    if (base && !hash32_equal(&change->committed_hash, &audit->config.era_base_hash)) {
        return false;
    }
    if (height == 0) {
        return base;
    }
    if (base && audit->config.era_recovered) {
        return change->committed_certificate.size == 0;
    }
    return take_certificate(audit, change->committed_header, change->committed_certificate, &header,
                            &certificate) == ST_OK &&
           header.height == height && certificate.phase == VOTE_COMMIT &&
           hash32_equal(&certificate.header_hash, &change->committed_hash) &&
           hash32_equal(&header.next_validators_hash, &audit->set_hash);
}

static bool prepared_valid(struct audit *audit, const struct view_change *change,
                           struct statement *said)
{
    struct header header;
    struct certificate certificate;
    if (change->prepared_certificate.size == 0) {
        return true;
    }
    if (take_certificate(audit, change->prepared_header, change->prepared_certificate, &header,
                         &certificate) != ST_OK ||
        certificate.phase != VOTE_PREPARE || header.height != change->committed_height + 1 ||
        certificate.view >= change->new_view) {
        return false;
    }
    said->prepared = true;
    said->prepared_view = certificate.view;
    said->prepared_hash = certificate.header_hash;
    return true;
}

/* Out: said, with `valid`. In  bytes  of the whole VIEW-CHANGE, which stay. */
static enum status take_change(struct audit *audit, struct bytes bytes,
                               const struct view_change *change, struct statement *said)
{
    if (change->sender >= audit->config.set->count) {
        return ST_UNKNOWN_VALIDATOR;
    }
    *said = (struct statement){.kind = SAID_CHANGE,
                               .member = change->sender,
                               .view = change->new_view,
                               .height = change->committed_height,
                               .hash = change->signed_hash,
                               .signature = change->signature,
                               .message = bytes};
    said->valid = committed_valid(audit, change) && prepared_valid(audit, change, said);
    return keep(audit, said, &change->signed_hash);
}

/* ---- NEW-VIEWs (R18) -------------------------------------------------------------------------------- */

/* Nested bytes are copies when decoded; those in the message stay. Parts come in order. */
static struct bytes within(struct bytes whole, const ProtobufCBinaryData *part, size_t *from)
{
    /* A canonical message holds its parts verbatim. */
    while (part->len > 0 && memcmp(whole.data + *from, part->data, part->len) != 0) {
        ++*from;
    }
    *from += part->len;
    return bytes_of(whole.data + *from - part->len, part->len);
}

static void opening_take(struct audit_opening *opening, const struct statement *said)
{
    if (said->height > opening->base_height) {
        opening->base_height = said->height;
        opening->forced = false;
    }
    if (said->prepared && said->height == opening->base_height &&
        (!opening->forced || said->prepared_view > opening->forced_view)) {
        opening->forced = true;
        opening->forced_view = said->prepared_view;
        opening->forced_hash = said->prepared_hash;
    }
}

/* Whether it is q valid VIEW-CHANGEs for the view, from its primary. Takes those that verify, either way. */
static enum status judge_new_view(struct audit *audit, struct bytes body,
                                  const Xuelian__NewView *wire, struct audit_opening *opening)
{
    const struct validator_set *set = audit->config.set;
    enum status status = wire->n_view_changes == quorum_size(set->count) ? ST_OK : ST_NO_QUORUM;
    uint32_t last = AUDIT_NONE;
    size_t from = 0;
    for (size_t i = 0; i < wire->n_view_changes; i++) {
        struct view_change change;
        struct statement said = {.valid = false};
        struct bytes bytes = within(body, &wire->view_changes[i], &from);
        enum status one =
            view_change_decode(&change, bytes, &audit->config.chain_id, &audit->scratch);
        if (one == ST_OK && change.era != set->era) {
            one = ST_BAD_CERTIFICATE;
        }
        one = one == ST_OK ? take_change(audit, bytes, &change, &said) : one;
        if (one == ST_NO_MEMORY) {
            return one;
        }
        if (one != ST_OK || !said.valid || change.new_view != wire->new_view ||
            (last != AUDIT_NONE && change.sender <= last)) {
            status = ST_BAD_CERTIFICATE;
            continue;
        }
        opening_take(opening, &said);
        last = change.sender;
    }
    if (status != ST_OK || audit->config.rotation_blocks == 0) {
        return status;
    }
    uint64_t turn = (opening->base_height + 1) / audit->config.rotation_blocks;
    return (turn % set->count + wire->new_view % set->count) % set->count == wire->sender
               ? ST_OK
               : ST_NOT_PRIMARY;
}

static enum status take_new_view(struct audit *audit, const struct pbft_message *message)
{
    Xuelian__NewView *wire;
    struct audit_opening opening = {
        .view = message->view, .sender = message->sender, .signed_hash = message->hash};
    for (uint32_t i = 0; i < audit->openings_count; i++) {
        if (audit->openings[i].sender == message->sender &&
            hash32_equal(&audit->openings[i].signed_hash, &message->hash)) {
            return ST_OK;
        }
    }
    if (!verifies(audit, &audit->config.set->validators[message->sender].key, &message->hash,
                  &message->signature)) {
        return ST_BAD_SIGNATURE;
    }
    CHECK(new_view_decode(&wire, message->body, &audit->scratch) == ST_OK);
    enum status status = judge_new_view(audit, message->body, wire, &opening);
    if (status == ST_NO_MEMORY || audit->openings_count == audit->config.statements_max) {
        return ST_NO_MEMORY;
    }
    if (status == ST_OK) {
        audit->openings[audit->openings_count++] = opening;
    } else if (audit->bad_new_views[message->sender].size == 0) {
        audit->bad_new_views[message->sender] = message->body;
        audit->bad_reasons[message->sender] = status;
    }
    return ST_OK;
}

/* ---- Messages ------------------------------------------------------------------------------------ */

enum status audit_message(struct audit *audit, uint8_t type, struct bytes body)
{
    struct pbft_message message;
    struct view_change change;
    struct statement said;
    if (body.size > frame_body_size_max(type)) {
        return ST_BAD_SIZE;
    }
    arena_reset(&audit->scratch);
    enum status status =
        pbft_message_parse(&message, type, body, &audit->config.chain_id, &audit->scratch);
    if (status != ST_OK) {
        return status;
    }
    if (!message.has_signer) {
        return ST_UNKNOWN_KIND;
    }
    if (message.era != audit->config.set->era) {
        return ST_OLD;
    }
    if (message.sender >= audit->config.set->count) {
        return ST_UNKNOWN_VALIDATOR;
    }
    arena_reset(&audit->scratch); /* whole again, for the same bytes */
    if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        said = (struct statement){.kind = message.vote.phase == VOTE_COMMIT ? SAID_COMMIT
                                                                            : SAID_PREPARE,
                                  .member = message.sender,
                                  .view = message.view,
                                  .height = message.height,
                                  .hash = message.vote.header_hash,
                                  .signature = message.signature};
        return keep(audit, &said, &message.hash);
    }
    if (type == XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW) {
        return take_new_view(audit, &message);
    }
    if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE) {
        CHECK(view_change_decode(&change, body, &audit->config.chain_id, &audit->scratch) == ST_OK);
        return take_change(audit, body, &change, &said);
    }
    said = (struct statement){.kind = SAID_PROPOSAL,
                              .member = message.sender,
                              .view = message.view,
                              .height = message.height,
                              .hash = message.hash,
                              .signature = message.signature,
                              .message = body};
    return keep(audit, &said, &message.hash);
}

/* ---- Journal records ----------------------------------------------------------------------------- */

enum status audit_record(struct audit *audit, struct bytes record)
{
    ProtobufCMessage *message;
    size_t from = 0;
    arena_reset(&audit->scratch);
    enum status status =
        canonical_decode(&message, &xuelian__journal_record__descriptor, record, &audit->scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__JournalRecord *wire = (const Xuelian__JournalRecord *)(const void *)message;
    if (wire->chain_id.len != sizeof audit->config.chain_id.bytes ||
        memcmp(wire->chain_id.data, audit->config.chain_id.bytes, wire->chain_id.len) != 0) {
        return ST_WRONG_CHAIN;
    }
    /* What follows resets the scratch: the parts are found in the record first. */
    struct {
        uint8_t type;
        struct bytes bytes, header;
    } parts[3 * 2 + 2];
    size_t count = 0;
    for (size_t i = 0; i < wire->n_heights && i < 2; i++) {
        const Xuelian__JournalHeight *height = wire->heights[i];
        if (height->prepare.len > 0) {
            parts[count].type = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
            parts[count++].bytes = within(record, &height->prepare, &from);
        }
        if (height->commit.len > 0) {
            parts[count].type = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
            parts[count++].bytes = within(record, &height->commit, &from);
        }
        if (height->prepared_header.len > 0 && height->prepared_certificate.len > 0) {
            parts[count].type = 0;
            parts[count].header = within(record, &height->prepared_header, &from);
            parts[count++].bytes = within(record, &height->prepared_certificate, &from);
        }
    }
    if (wire->view_change.len > 0) {
        parts[count].type = XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE;
        parts[count++].bytes = within(record, &wire->view_change, &from);
    }
    if (wire->pre_prepare.len > 0) {
        parts[count].type = XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE;
        parts[count++].bytes = within(record, &wire->pre_prepare, &from);
    }
    for (size_t i = 0; i < count; i++) {
        /* Of another era, or of a node that was no member: nothing for this audit. */
        if (parts[i].type == 0) {
            (void)audit_certificate(audit, parts[i].header, parts[i].bytes);
        } else {
            (void)audit_message(audit, parts[i].type, parts[i].bytes);
        }
    }
    return ST_OK;
}
