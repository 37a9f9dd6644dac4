/* Proof that a member signed what no honest member signs: reported, never acted on here. R31. */
#include "consensus/core.h"

/* One report of each kind about a member at a height: what more it signs adds nothing. */
static bool first_report(struct pbft *core, enum pbft_evidence kind, uint32_t member)
{
    uint8_t bit = (uint8_t)(1u << kind);
    bool first = (core->evidence_sent[member] & bit) == 0;
    core->evidence_sent[member] |= bit;
    return first;
}

static void report(struct pbft *core, enum pbft_evidence kind, uint32_t member, uint8_t first_type,
                   struct bytes first, uint8_t second_type, struct bytes second)
{
    if (!first_report(core, kind, member)) {
        return;
    }
    struct pbft_effect *effect = core_effect(core, PBFT_EVIDENCE);
    effect->evidence.kind = kind;
    effect->evidence.era = core->set.era;
    effect->evidence.member = member;
    effect->evidence.key = core->set.validators[member].key;
    effect->evidence.first_type = first_type;
    effect->evidence.first = core_keep(core, first);
    effect->evidence.second_type = second_type;
    effect->evidence.second = core_keep(core, second);
}

void evidence_two_proposals(struct pbft *core, const struct proposal *held, struct bytes second)
{
    report(core, PBFT_EVIDENCE_TWO_PROPOSALS, held->sender,
           XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, blob_bytes(&held->message),
           XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, second);
}

void evidence_two_votes(struct pbft *core, enum phase_index phase, uint64_t height, uint32_t member,
                        const struct vote *first, struct bytes second)
{
    uint8_t bytes[VOTE_SIZE_MAX];
    size_t size = vote_message(bytes, phase, core->set.era, height, member, first);
    report(core, PBFT_EVIDENCE_TWO_VOTES, member, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
           bytes_of(bytes, size), XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, second);
}

void evidence_two_changes(struct pbft *core, uint32_t member, struct bytes second)
{
    report(core, PBFT_EVIDENCE_TWO_VIEW_CHANGES, member, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
           blob_bytes(&core->changes[member].message), XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
           second);
}

/* A COMMIT at h in view v, and a VIEW-CHANGE for a higher view whose last committed is below h, without a
 * certificate at h of view v or above: it hides what may have been committed. */
void evidence_forgotten(struct pbft *core, uint32_t member)
{
    uint64_t height = core->height + 1;
    const struct vote *vote = &core->votes[OPEN][member][COMMIT];
    const struct member_change *change = &core->changes[member];
    uint8_t bytes[VOTE_SIZE_MAX];
    if (!vote->present || change->state != JUDGED_VALID || change->new_view <= vote->view ||
        change->committed_height >= height) {
        return;
    }
    if (change->prepared && change->committed_height + 1 == height &&
        change->prepared_view >= vote->view) {
        return;
    }
    size_t size = vote_message(bytes, COMMIT, core->set.era, height, member, vote);
    report(core, PBFT_EVIDENCE_COMMIT_FORGOTTEN, member, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
           bytes_of(bytes, size), XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
           blob_bytes(&change->message));
}

void evidence_bad_new_view(struct pbft *core, uint32_t member, struct bytes message)
{
    core->bad_new_views[member] = 1;
    report(core, PBFT_EVIDENCE_BAD_NEW_VIEW, member, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
           message, 0, bytes_of(NULL, 0));
}

void evidence_bad_proposal(struct pbft *core, const struct proposal *proposal)
{
    report(core, PBFT_EVIDENCE_BAD_PROPOSAL, proposal->sender,
           XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, blob_bytes(&proposal->message), 0,
           bytes_of(NULL, 0));
}
