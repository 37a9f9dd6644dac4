#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_govern.pb-c.h"
#include "tests/unit/verify/build_internal.h"

enum { CULPRIT = 1, OFFENCE_HEIGHT = 700, OFFENCE_VIEW = 5 };

struct culprit {
    const struct validator *validator;
    struct signer *signer;
    uint64_t era;
};

static Xuelian__SignedVote *vote_make(struct world *w, const struct culprit *culprit,
                                      Xuelian__SignedPhase phase, uint64_t view, uint32_t block)
{
    static const enum hash_tag tags[] = {TAG_SIGN_COMMIT, TAG_SIGN_PRE_PREPARE, TAG_SIGN_PREPARE,
                                         TAG_SIGN_COMMIT};
    Xuelian__SignedVote *vote = make(w, sizeof *vote);
    struct hash32 *named_block = make(w, sizeof *named_block);
    struct sig64 *signature = make(w, sizeof *signature);
    struct hash32 hash;
    *named_block = named("block", block);
    vote_hash(&hash, tags[phase], &w->chain_id, culprit->era, view, OFFENCE_HEIGHT, named_block);
    signer_sign(culprit->signer, &hash, signature);
    xuelian__signed_vote__init(vote);
    vote->phase = phase;
    vote->view = view;
    vote->height = OFFENCE_HEIGHT;
    vote->hash = field_borrow(named_block, 32);
    vote->signature = field_borrow(signature, 64);
    return vote;
}

/* certificate: view of a certificate at OFFENCE_HEIGHT that it brings; 0: none. */
static Xuelian__SignedViewChange *change_make(struct world *w, const struct culprit *culprit,
                                              uint64_t committed_height, uint64_t certificate)
{
    Xuelian__SignedViewChange *change = make(w, sizeof *change);
    struct hash32 *committed = make(w, sizeof *committed);
    struct sig64 *signature = make(w, sizeof *signature);
    struct hash32 hash;
    struct hash32 digest;
    *committed = named("committed", (uint32_t)committed_height);
    xuelian__signed_view_change__init(change);
    if (certificate != 0) {
        Xuelian__Certificate wire = XUELIAN__CERTIFICATE__INIT;
        struct hash32 block = named("block", 1);
        wire.phase = XUELIAN__PHASE__PHASE_PREPARE;
        wire.view = certificate;
        wire.height = OFFENCE_HEIGHT;
        wire.header_hash = field_borrow(&block, 32);
        change->prepared_certificate = borrow(encode(w, &wire.base));
        hash_tagged(&digest, TAG_CERTIFICATE, change->prepared_certificate.data,
                    change->prepared_certificate.len);
    }
    view_change_hash(&hash, &w->chain_id, culprit->era, OFFENCE_VIEW + 1, committed_height,
                     committed, certificate != 0 ? &digest : NULL);
    signer_sign(culprit->signer, &hash, signature);
    change->new_view = OFFENCE_VIEW + 1;
    change->committed_height = committed_height;
    change->committed_hash = field_borrow(committed, 32);
    change->signature = field_borrow(signature, 64);
    return change;
}

static void evidence_fill(struct world *w, const struct culprit *culprit, enum build_evidence what,
                          Xuelian__Evidence *evidence)
{
    switch (what) {
    case EVIDENCE_PROPOSALS:
    case EVIDENCE_PREPARES:
    case EVIDENCE_COMMITS:
        evidence->first_vote =
            vote_make(w, culprit, (Xuelian__SignedPhase)(what + 1), OFFENCE_VIEW, 1);
        evidence->second_vote =
            vote_make(w, culprit, (Xuelian__SignedPhase)(what + 1), OFFENCE_VIEW, 2);
        break;
    case EVIDENCE_OTHER_VIEWS:
        evidence->first_vote =
            vote_make(w, culprit, XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT, OFFENCE_VIEW, 1);
        evidence->second_vote =
            vote_make(w, culprit, XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT, OFFENCE_VIEW + 1, 2);
        break;
    case EVIDENCE_CHANGES:
        evidence->first_change = change_make(w, culprit, OFFENCE_HEIGHT - 1, 0);
        evidence->second_change = change_make(w, culprit, OFFENCE_HEIGHT - 2, 0);
        break;
    case EVIDENCE_FORGOTTEN:
        evidence->first_vote =
            vote_make(w, culprit, XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT, OFFENCE_VIEW, 1);
        evidence->first_change = change_make(w, culprit, OFFENCE_HEIGHT - 1, OFFENCE_VIEW - 1);
        break;
    case EVIDENCE_REMEMBERED:
        evidence->first_vote =
            vote_make(w, culprit, XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT, OFFENCE_VIEW, 1);
        evidence->first_change = change_make(w, culprit, OFFENCE_HEIGHT - 1, OFFENCE_VIEW);
        break;
    }
}

struct built world_evidence(struct world *w, enum build_evidence what, bool genesis_era)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__EquivocationProof body = XUELIAN__EQUIVOCATION_PROOF__INIT;
    Xuelian__Evidence evidence = XUELIAN__EVIDENCE__INIT;
    const struct validator_set *set = genesis_era ? &w->genesis_set : &w->set;
    struct culprit culprit = {.validator = &set->validators[CULPRIT],
                              .signer =
                                  genesis_era ? w->genesis_signers[CULPRIT] : w->signers[CULPRIT],
                              .era = set->era};
    CHECK(set->count > CULPRIT);
    evidence.era = culprit.era;
    evidence.key = field_borrow(&culprit.validator->key, 33);
    evidence_fill(w, &culprit, what, &evidence);
    body.evidence = borrow(encode(w, &evidence.base));
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_EQUIVOCATION;
    proof.equivocation = &body;
    return proof_make(w, &proof);
}
