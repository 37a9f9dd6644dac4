/* The transaction that records evidence: what was signed, without what travels beside it. */
#include <stdlib.h>

#include "node/evidence/internal.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_govern.pb-c.h"

bool evidence_recordable(Xuelian__EvidenceKind kind)
{
    return kind >= XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_PROPOSALS &&
           kind <= XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN;
}

/* The two parts, as the payload has them. */
struct parts {
    Xuelian__SignedVote votes[2];
    Xuelian__SignedViewChange changes[2];
    struct hash32 digests[2];
};

static bool vote_take(struct parts *parts, size_t at, struct bytes bytes, struct arena *arena)
{
    const Xuelian__Vote *wire = evidence_decode(&xuelian__vote__descriptor, bytes, arena);
    if (wire == NULL) {
        return false;
    }
    Xuelian__SignedVote *made = &parts->votes[at];
    made->phase = wire->phase == XUELIAN__PHASE__PHASE_COMMIT
                      ? XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT
                      : XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PREPARE;
    made->view = wire->view;
    made->height = wire->height;
    made->hash = wire->header_hash;
    made->signature = wire->signature;
    return true;
}

static bool proposal_take(struct parts *parts, size_t at, struct bytes bytes, struct arena *arena)
{
    const Xuelian__PrePrepare *wire =
        evidence_decode(&xuelian__pre_prepare__descriptor, bytes, arena);
    if (wire == NULL) {
        return false;
    }
    Xuelian__SignedVote *made = &parts->votes[at];
    proposal_digest(&parts->digests[at], field_bytes(&wire->proposal));
    made->phase = XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PRE_PREPARE;
    made->view = wire->view;
    made->height = wire->height;
    made->hash = field_borrow(&parts->digests[at], 32);
    made->signature = wire->signature;
    return true;
}

static bool change_take(struct parts *parts, size_t at, struct bytes bytes, struct arena *arena)
{
    const Xuelian__ViewChange *wire =
        evidence_decode(&xuelian__view_change__descriptor, bytes, arena);
    if (wire == NULL) {
        return false;
    }
    Xuelian__SignedViewChange *made = &parts->changes[at];
    made->new_view = wire->new_view;
    made->committed_height = wire->committed_height;
    made->committed_hash = wire->committed_hash;
    made->prepared_certificate = wire->prepared_certificate;
    made->signature = wire->signature;
    return true;
}

/* Fills the message; what it points to is in parts and in the arena. */
static bool fill(Xuelian__Evidence *wire, struct parts *parts, const struct evidence *evidence,
                 struct arena *arena)
{
    bool good = false;
    if (evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VIEW_CHANGES) {
        good = change_take(parts, 0, evidence->first, arena) &&
               change_take(parts, 1, evidence->second, arena);
        wire->first_change = &parts->changes[0];
        wire->second_change = &parts->changes[1];
    } else if (evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN) {
        good = vote_take(parts, 0, evidence->first, arena) &&
               change_take(parts, 0, evidence->second, arena);
        wire->first_vote = &parts->votes[0];
        wire->first_change = &parts->changes[0];
    } else {
        bool votes = evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VOTES;
        bool (*take)(struct parts *, size_t, struct bytes, struct arena *) =
            votes ? vote_take : proposal_take;
        good = take(parts, 0, evidence->first, arena) && take(parts, 1, evidence->second, arena);
        wire->first_vote = &parts->votes[0];
        wire->second_vote = &parts->votes[1];
    }
    return good;
}

enum status evidence_payload(const struct evidence *evidence, uint8_t **payload, size_t *size)
{
    Xuelian__Evidence wire = XUELIAN__EVIDENCE__INIT;
    struct parts parts;
    struct arena arena;
    size_t room = EVIDENCE_ROOM(evidence->first.size + evidence->second.size);
    if (!evidence_recordable(evidence->kind)) {
        return ST_UNKNOWN_KIND;
    }
    void *memory = malloc(room);
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, room);
    for (size_t i = 0; i < 2; i++) {
        xuelian__signed_vote__init(&parts.votes[i]);
        xuelian__signed_view_change__init(&parts.changes[i]);
    }
    wire.era = evidence->era;
    wire.key = field_borrow(&evidence->key, 33);
    enum status status = ST_BAD_ENCODING;
    if (fill(&wire, &parts, evidence, &arena)) {
        *size = canonical_size(&wire.base);
        status = *size <= LIMIT_CHANGES_SIZE_MAX ? ST_OK : ST_BAD_SIZE;
    }
    if (status == ST_OK) {
        *payload = malloc(*size + 1);
        CHECK(*payload != NULL);
        canonical_encode(*payload, &wire.base);
    }
    free(memory);
    return status;
}
