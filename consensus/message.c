/* Peer messages: decoded, bounded, and the hash that the outer signature covers. */
#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"

bool pbft_takes(uint8_t type)
{
    return (type >= XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE &&
            type <= XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER);
}

enum hash_tag phase_tag(enum phase_index phase)
{
    return phase == COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE;
}

size_t vote_message(uint8_t *out, enum phase_index phase, uint64_t era, uint64_t height,
                    uint32_t sender, const struct vote *vote)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    wire.phase = phase == COMMIT ? XUELIAN__PHASE__PHASE_COMMIT : XUELIAN__PHASE__PHASE_PREPARE;
    wire.era = era;
    wire.view = vote->view;
    wire.height = height;
    wire.header_hash = field_borrow(&vote->hash, 32);
    wire.sender = sender;
    wire.signature = field_borrow(&vote->signature, 64);
    CHECK(canonical_size(&wire.base) <= VOTE_SIZE_MAX);
    return canonical_encode(out, &wire.base);
}

static enum status parse_pre_prepare(struct pbft_message *out, const struct hash32 *chain_id,
                                     struct arena *scratch)
{
    ProtobufCMessage *message;
    enum status status =
        canonical_decode(&message, &xuelian__pre_prepare__descriptor, out->body, scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__PrePrepare *wire = (const Xuelian__PrePrepare *)(const void *)message;
    if (wire->era == 0 || wire->height == 0 || wire->proposal.len == 0 ||
        !field_copy(&out->signature, 64, &wire->signature)) {
        return ST_BAD_ENCODING;
    }
    if (out->body.size > PRE_PREPARE_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    out->era = wire->era;
    out->view = wire->view;
    out->height = wire->height;
    out->sender = wire->sender;
    proposal_digest(&out->proposal.digest, field_bytes(&wire->proposal));
    out->proposal.size = wire->proposal.len;
    out->proposal.offset = out->body.size - PRE_PREPARE_TAIL - wire->proposal.len;
    vote_hash(&out->hash, TAG_SIGN_PRE_PREPARE, chain_id, wire->era, wire->view, wire->height,
              &out->proposal.digest);
    return ST_OK;
}

static enum status parse_vote(struct pbft_message *out, const struct hash32 *chain_id,
                              struct arena *scratch)
{
    ProtobufCMessage *message;
    enum status status = canonical_decode(&message, &xuelian__vote__descriptor, out->body, scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Vote *wire = (const Xuelian__Vote *)(const void *)message;
    if (wire->era == 0 || wire->height == 0 ||
        !field_copy(&out->vote.header_hash, 32, &wire->header_hash) ||
        (wire->phase != XUELIAN__PHASE__PHASE_PREPARE &&
         wire->phase != XUELIAN__PHASE__PHASE_COMMIT) ||
        !field_copy(&out->signature, 64, &wire->signature)) {
        return ST_BAD_ENCODING;
    }
    out->era = wire->era;
    out->view = wire->view;
    out->height = wire->height;
    out->sender = wire->sender;
    out->vote.phase = (enum vote_phase)wire->phase;
    vote_hash(&out->hash,
              wire->phase == XUELIAN__PHASE__PHASE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              chain_id, wire->era, wire->view, wire->height, &out->vote.header_hash);
    return ST_OK;
}

static enum status parse_status(struct pbft_message *out, struct arena *scratch)
{
    ProtobufCMessage *message;
    enum status status =
        canonical_decode(&message, &xuelian__status__descriptor, out->body, scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Status *wire = (const Xuelian__Status *)(const void *)message;
    if (wire->era == 0 || wire->header_hash.len != 32 || wire->height >= UINT64_MAX - 2) {
        return ST_BAD_ENCODING;
    }
    out->has_signer = false;
    out->status.era = wire->era;
    out->status.view = wire->view;
    out->status.height = wire->height;
    return ST_OK;
}

enum status view_change_decode(struct view_change *out, struct bytes bytes,
                               const struct hash32 *chain_id, struct arena *scratch)
{
    ProtobufCMessage *message;
    struct view_change made;
    struct hash32 prepared_digest;
    enum status status =
        canonical_decode(&message, &xuelian__view_change__descriptor, bytes, scratch);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__ViewChange *wire = (const Xuelian__ViewChange *)(const void *)message;
    made.era = wire->era;
    made.new_view = wire->new_view;
    made.committed_height = wire->committed_height;
    made.committed_header = field_bytes(&wire->committed_header);
    made.committed_certificate = field_bytes(&wire->committed_certificate);
    made.prepared_header = field_bytes(&wire->prepared_header);
    made.prepared_certificate = field_bytes(&wire->prepared_certificate);
    made.sender = wire->sender;
    bool genesis = made.committed_height == 0;
    if (made.era == 0 || made.new_view == 0 || made.new_view > VIEW_MAX ||
        !field_copy(&made.committed_hash, 32, &wire->committed_hash) ||
        !field_copy(&made.signature, 64, &wire->signature) ||
        (genesis && made.committed_header.size != 0) ||
        (made.committed_header.size == 0) != (made.committed_certificate.size == 0) ||
        (made.prepared_header.size == 0) != (made.prepared_certificate.size == 0)) {
        return ST_BAD_ENCODING;
    }
    bool prepared = made.prepared_certificate.size != 0;
    if (prepared) {
        hash_tagged(&prepared_digest, TAG_CERTIFICATE, made.prepared_certificate.data,
                    made.prepared_certificate.size);
    }
    view_change_hash(&made.signed_hash, chain_id, made.era, made.new_view, made.committed_height,
                     &made.committed_hash, prepared ? &prepared_digest : NULL);
    *out = made;
    return ST_OK;
}

void view_change_again(struct view_change *out, struct bytes bytes, struct pbft *core)
{
    CHECK(view_change_decode(out, bytes, &core->config.chain_id, &core->scratch) == ST_OK);
}

static enum status parse_view_change(struct pbft_message *out, const struct hash32 *chain_id,
                                     struct arena *scratch)
{
    struct view_change change;
    enum status status = view_change_decode(&change, out->body, chain_id, scratch);
    if (status != ST_OK) {
        return status;
    }
    out->era = change.era;
    out->view = change.new_view;
    out->height = 0;
    out->sender = change.sender;
    out->signature = change.signature;
    out->hash = change.signed_hash;
    return ST_OK;
}

enum status new_view_decode(Xuelian__NewView **out, struct bytes bytes, struct arena *scratch)
{
    ProtobufCMessage *message;
    enum status status = canonical_decode(&message, &xuelian__new_view__descriptor, bytes, scratch);
    if (status != ST_OK) {
        return status;
    }
    Xuelian__NewView *wire = (Xuelian__NewView *)(void *)message;
    if (wire->era == 0 || wire->new_view == 0 || wire->new_view > VIEW_MAX ||
        wire->n_view_changes == 0 || wire->n_view_changes > LIMIT_VALIDATORS_MAX ||
        wire->signature.len != 64) {
        return ST_BAD_ENCODING;
    }
    *out = wire;
    return ST_OK;
}

Xuelian__NewView *new_view_again(struct bytes bytes, struct pbft *core)
{
    Xuelian__NewView *out = NULL;
    CHECK(new_view_decode(&out, bytes, &core->scratch) == ST_OK);
    CHECK(out != NULL);
    return out;
}

void certificate_again(struct certificate *out, struct bytes bytes, const struct validator_set *set)
{
    CHECK(certificate_decode(out, bytes, set->count) == ST_OK);
}

static enum status parse_new_view(struct pbft_message *out, const struct hash32 *chain_id,
                                  struct arena *scratch)
{
    Xuelian__NewView *wire;
    struct hasher hasher;
    struct hash32 set_digest;
    enum status status = new_view_decode(&wire, out->body, scratch);
    if (status != ST_OK) {
        return status;
    }
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    for (size_t i = 0; i < wire->n_view_changes; i++) {
        struct hash32 one;
        hash_tagged(&one, TAG_VIEW_CHANGE, wire->view_changes[i].data, wire->view_changes[i].len);
        hasher_update(&hasher, one.bytes, sizeof one.bytes);
    }
    hasher_final(&hasher, &set_digest);
    out->era = wire->era;
    out->view = wire->new_view;
    out->height = 0;
    out->sender = wire->sender;
    memcpy(&out->signature, wire->signature.data, 64);
    new_view_hash(&out->hash, chain_id, wire->era, wire->new_view, &set_digest);
    return ST_OK;
}

enum status pbft_message_parse(struct pbft_message *message, uint8_t type, struct bytes body,
                               const struct hash32 *chain_id, struct arena *scratch)
{
    struct pbft_message made = {.type = type, .body = body, .has_signer = true};
    enum status status = ST_UNKNOWN_KIND;
    switch (type) {
    case XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE:
        status = parse_pre_prepare(&made, chain_id, scratch);
        break;
    case XUELIAN__PEER_TYPE__PEER_TYPE_VOTE:
        status = parse_vote(&made, chain_id, scratch);
        break;
    case XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE:
        status = parse_view_change(&made, chain_id, scratch);
        break;
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW:
        status = parse_new_view(&made, chain_id, scratch);
        break;
    case XUELIAN__PEER_TYPE__PEER_TYPE_STATUS:
        status = parse_status(&made, scratch);
        break;
    case XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED:
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST:
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER:
        made.has_signer = false;
        status = ST_OK;
        break;
    default: /* a byte from the wire, not an enum */
        break;
    }
    if (status == ST_OK) {
        *message = made;
    }
    return status;
}
