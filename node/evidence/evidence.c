#include "node/evidence/evidence.h"

#include <stdlib.h>

#include "node/evidence/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/frame.h"

/* ---- Form ---- */

enum { NEVER = 0 };

struct shape {
    uint8_t first, second; /* PeerType; NEVER: absent */
};

static const struct shape shapes[EVIDENCE_KINDS + 1] = {
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_PROPOSALS] =
        {XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE},
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VOTES] = {XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
                                                         XUELIAN__PEER_TYPE__PEER_TYPE_VOTE},
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VIEW_CHANGES] =
        {XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE},
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN] =
        {XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE},
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_NEW_VIEW] = {XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
                                                            NEVER},
    [XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_PROPOSAL] =
        {XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, NEVER},
};

uint8_t evidence_first_type(Xuelian__EvidenceKind kind)
{
    return shapes[kind].first;
}

uint8_t evidence_second_type(Xuelian__EvidenceKind kind)
{
    return shapes[kind].second;
}

static enum status part_check(uint8_t type, const ProtobufCBinaryData *part)
{
    if ((part->len > 0) != (type != NEVER)) {
        return ST_BAD_ENCODING;
    }
    return type != NEVER && part->len > frame_body_size_max(type) ? ST_BAD_SIZE : ST_OK;
}

static enum status form_check(const Xuelian__KeptEvidence *wire)
{
    bool proposal = wire->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_PROPOSAL;
    if (wire->kind == 0 || (int)wire->kind > (int)EVIDENCE_KINDS || wire->era == 0 ||
        wire->key.len != 33 || wire->n_bodies > (proposal ? EVIDENCE_BODIES_MAX : 0)) {
        return ST_BAD_ENCODING;
    }
    if (wire->n_set_changes > LIMIT_SET_CHANGES_MAX) {
        return ST_BAD_SIZE;
    }
    for (size_t i = 0; i < wire->n_bodies; i++) {
        if (wire->bodies[i].len > LIMIT_TX_SIZE_MAX) {
            return ST_BAD_SIZE;
        }
    }
    enum status status = part_check(shapes[wire->kind].first, &wire->first);
    return status == ST_OK ? part_check(shapes[wire->kind].second, &wire->second) : status;
}

enum status evidence_read(struct evidence *out, struct bytes bytes, const struct hash32 *chain_id,
                          struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct hash32 chain;
    enum status status =
        canonical_decode(&message, &xuelian__kept_evidence__descriptor, bytes, arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__KeptEvidence *wire = (const Xuelian__KeptEvidence *)(const void *)message;
    if (!field_copy(&chain, 32, &wire->chain_id)) {
        return ST_BAD_ENCODING;
    }
    if (!hash32_equal(&chain, chain_id)) {
        return ST_WRONG_CHAIN;
    }
    status = form_check(wire);
    if (status != ST_OK) {
        return status;
    }
    *out = (struct evidence){.kind = wire->kind,
                             .era = wire->era,
                             .first = field_bytes(&wire->first),
                             .second = field_bytes(&wire->second),
                             .bodies = wire->bodies,
                             .body_count = wire->n_bodies,
                             .seen_ms = wire->seen_ms,
                             .set_changes = wire->set_changes,
                             .set_change_count = wire->n_set_changes};
    CHECK(field_copy(&out->key, 33, &wire->key)); /* form_check */
    return ST_OK;
}

/* protobuf-c's lists are not const; packing does not write. */
static ProtobufCBinaryData *list_borrow(const ProtobufCBinaryData *list)
{
    union {
        const ProtobufCBinaryData *in;
        ProtobufCBinaryData *out;
    } pointer = {.in = list};
    return pointer.out;
}

size_t evidence_write(uint8_t **bytes, const struct evidence *evidence,
                      const struct hash32 *chain_id, bool peers)
{
    Xuelian__KeptEvidence wire = XUELIAN__KEPT_EVIDENCE__INIT;
    wire.chain_id = field_borrow(chain_id, 32);
    wire.kind = evidence->kind;
    wire.era = evidence->era;
    wire.key = field_borrow(&evidence->key, 33);
    wire.first = field_borrow(evidence->first.data, evidence->first.size);
    wire.second = field_borrow(evidence->second.data, evidence->second.size);
    wire.bodies = list_borrow(evidence->bodies);
    wire.n_bodies = evidence->body_count;
    if (!peers) {
        wire.seen_ms = evidence->seen_ms;
        wire.set_changes = list_borrow(evidence->set_changes);
        wire.n_set_changes = evidence->set_change_count;
    }
    *bytes = malloc(canonical_size(&wire.base) + 1);
    CHECK(*bytes != NULL);
    return canonical_encode(*bytes, &wire.base);
}
