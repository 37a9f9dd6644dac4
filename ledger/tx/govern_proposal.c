/* 提案: proposing, voting, withdrawing, and enacting what is approved. */
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

/* Structs are larger than their bytes; a payload has at most LIMIT_PAYLOAD_FIELDS_MAX fields. */
enum { BALLOT_MEMORY = 4 * 1024 * 1024 };

/* A proposal that is being decided. */
struct ballot {
    struct hash32 id;
    Xuelian__ProposalRecord record;
    const Xuelian__GovernProposal *content;
    uint32_t classes;
    Xuelian__ProposalVote *votes[LIMIT_VOTES_MAX];
    Xuelian__ProposalVote made[LIMIT_SIGNERS_MAX]; /* of this transaction */
    uint32_t made_count;
    struct arena arena;
};

/* A ballot with its arena behind it. Freed with free. */
static struct ballot *ballot_new(void)
{
    struct ballot *ballot = malloc(sizeof *ballot + BALLOT_MEMORY);
    CHECK(ballot != NULL);
    memset(ballot, 0, sizeof *ballot);
    xuelian__proposal_record__init(&ballot->record);
    arena_init(&ballot->arena, ballot + 1, BALLOT_MEMORY);
    return ballot;
}

/* Reads one from the state. *code: OK, or UNKNOWN_PROPOSAL. Returns ST_OK; ST_CORRUPT, ST_IO. */
static enum status ballot_read(struct state *state, struct ballot *ballot,
                               const ProtobufCBinaryData *id, uint32_t *code)
{
    ProtobufCMessage *message = NULL;
    CHECK(field_copy(&ballot->id, 32, id)); /* its size is checked by tx_item_form */
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_PROPOSALS, bytes_of(&ballot->id, 32),
                      &xuelian__govern_record__descriptor, &ballot->arena, &message);
    const Xuelian__GovernRecord *known = (const Xuelian__GovernRecord *)(const void *)message;
    if (status == ST_NOT_FOUND || (status == ST_OK && known->proposal == NULL)) {
        *code = ST_UNKNOWN_PROPOSAL;
        return ST_OK;
    }
    if (status != ST_OK) {
        return status;
    }
    ballot->record = *known->proposal;
    if (ballot->record.n_votes > LIMIT_VOTES_MAX ||
        canonical_decode(&message, &xuelian__govern_proposal__descriptor,
                         field_bytes(&ballot->record.content), &ballot->arena) != ST_OK) {
        return ST_CORRUPT;
    }
    if (ballot->record.n_votes > 0) {
        memcpy(ballot->votes, ballot->record.votes,
               ballot->record.n_votes * sizeof(Xuelian__ProposalVote *));
    }
    ballot->record.votes = ballot->votes;
    ballot->content = (const Xuelian__GovernProposal *)(const void *)message;
    ballot->classes = govern_classes(ballot->content);
    return ST_OK;
}

static enum status ballot_write(struct state *state, struct ballot *ballot)
{
    Xuelian__GovernRecord wire = XUELIAN__GOVERN_RECORD__INIT;
    wire.proposal = &ballot->record;
    size_t size = canonical_size(&wire.base);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, &wire.base);
    enum status status = state_put(state, XUELIAN__COLLECTION__COLLECTION_PROPOSALS,
                                   bytes_of(&ballot->id, 32), bytes_of(bytes, size));
    free(bytes);
    return status;
}

static uint32_t ballot_open(const struct ballot *ballot, const struct block_context *context)
{
    if (ballot->record.status != XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN) {
        return ST_PROPOSAL_DECIDED;
    }
    return context->height > ballot->content->open_until ? ST_PROPOSAL_EXPIRED : ST_OK;
}

static void decide(struct ballot *ballot, const struct block_context *context,
                   Xuelian__ProposalStatus how)
{
    ballot->record.status = how;
    ballot->record.decided_height = context->height;
}

/* ---- Votes ---- */

/* Every signer from `first` on is a member that may vote on it. */
static enum status check_voters(struct state *state, const struct tx *tx, uint32_t first,
                                uint32_t classes, uint32_t *code)
{
    enum status status = ST_OK;
    for (uint32_t i = first; i < tx->signer_count && status == ST_OK && *code == ST_OK; i++) {
        bool may = false;
        if (tx->signers[i].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
            status = govern_may_vote(state, tx->signers[i].member, classes, &may);
        }
        if (!may) {
            *code = ST_NOT_ALLOWED;
        }
    }
    return status;
}

/* Ascending by member. *code: OK; ALREADY_VOTED, LIST_FULL. */
static void vote_add(struct ballot *ballot, const struct block_context *context,
                     const struct tx *tx, uint32_t member, bool against, uint32_t *code)
{
    size_t at = ballot->record.n_votes;
    while (at > 0 && ballot->votes[at - 1]->member > member) {
        at--;
    }
    if (at > 0 && ballot->votes[at - 1]->member == member) {
        *code = ST_ALREADY_VOTED;
        return;
    }
    if (ballot->record.n_votes == LIMIT_VOTES_MAX) {
        *code = ST_LIST_FULL;
        return;
    }
    Xuelian__ProposalVote *vote = &ballot->made[ballot->made_count++];
    xuelian__proposal_vote__init(vote);
    vote->member = member;
    vote->against = against;
    vote->height = context->height;
    vote->tx_id = field_borrow(&tx->id, 32);
    memmove(&ballot->votes[at + 1], &ballot->votes[at],
            (ballot->record.n_votes - at) * sizeof(Xuelian__ProposalVote *));
    ballot->votes[at] = vote;
    ballot->record.n_votes++;
    ballot->record.votes = ballot->votes;
}

/* ---- Enacting ---- */

static bool same_members(const struct validator_set *a, const struct validator_set *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; i < a->count && same; i++) {
        same = pubkey33_compare(&a->validators[i].key, &b->validators[i].key) == 0 &&
               a->validators[i].incarnation == b->validators[i].incarnation;
    }
    return same;
}

/* What the changes come to, taken together. */
static enum status check_whole(struct draft *draft, uint32_t *code)
{
    const struct block_context *context = draft->context;
    if (draft->next.set.count == 0 ||
        (draft->changes_set && same_members(&draft->next.set, &context->next->set))) {
        *code = ST_BAD_SET;
        return ST_OK;
    }
    /* The primaries of heights to come follow from it: it changes where the set does (consensus R2). */
    if (draft->next.params.rotation_blocks != context->params->rotation_blocks &&
        same_members(&draft->next.set, context->set)) {
        *code = ST_BAD_PARAMETER;
        return ST_OK;
    }
    /* Together: a proposal may change several, and each may look at what other proposals of the block changed. */
    if (params_contradiction(&draft->next.params) != NULL) {
        *code = ST_BAD_PARAMETER;
        return ST_OK;
    }
    return govern_check_left(draft, code);
}

/* Makes all changes, or none. *code says why none. */
static enum status enact(struct state *state, const struct block_context *context,
                         struct ballot *ballot, Xuelian__Following *const *followings,
                         size_t following_count, uint32_t *code)
{
    struct draft *draft = draft_new(state, context);
    enum status status = ST_OK;
    for (size_t i = 0; i < ballot->content->n_changes && status == ST_OK && *code == ST_OK; i++) {
        status = change_make(draft, ballot->content->changes[i], code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_whole(draft, code);
    }
    if (status == ST_OK && *code == ST_OK && draft->changes_set) {
        status = govern_followings(draft, followings, following_count, code);
    } else if (status == ST_OK && *code == ST_OK && following_count != 0) {
        *code = ST_BAD_FOLLOWING;
    }
    if (status == ST_OK && *code == ST_OK) {
        status = draft_write(draft);
        decide(ballot, context, XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_ENACTED);
    }
    draft_free(draft);
    return status;
}

/* Writes a proposal, and counts what its proposer has open: `was` says whether it did before. */
static enum status ballot_settle(struct state *state, struct ballot *ballot, bool was)
{
    bool open = ballot->record.status == XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN;
    enum status status = ballot_write(state, ballot);
    return status == ST_OK && open != was ? govern_open_count(state, ballot->record.proposer, open)
                                          : status;
}

/* After votes: decides what is decided, and writes the proposal. What only waits for its height, or for the
 * signatures of validators, stays open until it is enacted by a transaction. A vote against never enacts: it could
 * be refused for what is wrong with the proposal. was: it was open before. */
static enum status settle(struct state *state, const struct block_context *context,
                          struct ballot *ballot, bool was, bool against, uint32_t *code)
{
    struct govern_tally tally;
    enum status status = govern_tally(state, context, &ballot->record, ballot->classes, &tally);
    if (status != ST_OK) {
        return status;
    }
    if (tally.hopeless) {
        decide(ballot, context, XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_REFUSED);
    } else if (!against && tally.approved && context->height >= ballot->content->not_before &&
               (ballot->classes >> GOVERN_VALIDATORS & 1) == 0) {
        status = enact(state, context, ballot, NULL, 0, code);
    }
    return status == ST_OK && *code == ST_OK ? ballot_settle(state, ballot, was) : status;
}

/* ---- The kinds ---- */

static uint32_t check_proposal(const Xuelian__GovernProposal *proposal, const struct tx *tx,
                               const struct block_context *context)
{
    if (tx->signers[0].role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        return ST_NOT_ALLOWED;
    }
    if (proposal->n_changes < 1 || proposal->n_changes > LIMIT_CHANGES_MAX ||
        tx->payload.size > LIMIT_CHANGES_SIZE_MAX || proposal->open_until < context->height ||
        proposal->open_until - context->height > LIMIT_OPEN_HEIGHTS_MAX ||
        proposal->not_before > proposal->open_until) {
        return ST_BAD_FIELD;
    }
    for (size_t i = 0; i < proposal->n_changes; i++) {
        uint32_t code = change_form(proposal->changes[i]);
        if (code != ST_OK) {
            return code;
        }
    }
    return ST_OK;
}

/* Beside those that govern, who may ask for a change without having a say in it: an institution for its course, one
 * that converts for its rules. */
static Xuelian__MemberRole asking_role(uint32_t classes)
{
    if (classes == 1u << GOVERN_COURSES) {
        return XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT;
    }
    return classes == 1u << GOVERN_RULES ? XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT
                                         : XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN;
}

static enum status may_propose(struct state *state, const struct tx *tx, uint32_t classes,
                               bool *votes, uint32_t *code)
{
    bool may = false;
    enum status status = govern_may_vote(state, tx->signers[0].member, classes, votes);
    if (status == ST_OK) {
        status = member_may(state, tx->signers[0].member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN,
                            &may);
    }
    if (status == ST_OK && !may) {
        status = member_may(state, tx->signers[0].member, asking_role(classes), &may);
    }
    if (status == ST_OK && !*votes && !may) {
        *code = ST_NOT_ALLOWED;
    }
    return status == ST_OK && *code == ST_OK ? check_voters(state, tx, 1, classes, code) : status;
}

TX_RULE(govern_propose_apply)
{
    Xuelian__GovernProposal *proposal = (Xuelian__GovernProposal *)(void *)tx->messages[index];
    bool votes = false;
    *code = check_proposal(proposal, tx, context);
    if (*code != ST_OK) {
        return ST_OK;
    }
    uint32_t classes = govern_classes(proposal);
    enum status status = may_propose(state, tx, classes, &votes, code);
    if (status == ST_OK && *code == ST_OK) {
        status = govern_open_room(state, tx->signers[0].member, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    struct ballot *ballot = ballot_new();
    ballot->id = tx->id;
    ballot->record.id = field_borrow(&ballot->id, 32);
    ballot->content = proposal;
    ballot->classes = classes;
    ballot->record.proposer = tx->signers[0].member;
    ballot->record.height = context->height;
    ballot->record.content = field_borrow(tx->payload.data, tx->payload.size);
    ballot->record.status = XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN;
    for (uint32_t i = votes ? 0 : 1; i < tx->signer_count; i++) {
        vote_add(ballot, context, tx, tx->signers[i].member, false, code);
    }
    status = settle(state, context, ballot, false, false, code);
    free(ballot);
    return status;
}

static enum status vote(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, bool against, uint32_t *code)
{
    const Xuelian__ProposalRef *ref =
        (const Xuelian__ProposalRef *)(const void *)tx->messages[index];
    struct ballot *ballot = ballot_new();
    enum status status = ballot_read(state, ballot, &ref->proposal, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_voters(state, tx, 0, ballot->classes, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        *code = ballot_open(ballot, context);
    }
    for (uint32_t i = 0; i < tx->signer_count && status == ST_OK && *code == ST_OK; i++) {
        vote_add(ballot, context, tx, tx->signers[i].member, against, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = settle(state, context, ballot, true, against, code);
    }
    free(ballot);
    return status;
}

TX_RULE(govern_approve_apply)
{
    return vote(state, context, tx, index, false, code);
}

TX_RULE(govern_refuse_apply)
{
    return vote(state, context, tx, index, true, code);
}

TX_RULE(govern_withdraw_apply)
{
    const Xuelian__ProposalRef *ref =
        (const Xuelian__ProposalRef *)(const void *)tx->messages[index];
    struct ballot *ballot = ballot_new();
    enum status status = ballot_read(state, ballot, &ref->proposal, code);
    if (status == ST_OK && *code == ST_OK &&
        (tx->signer_count != 1 || tx->signers[0].member != ballot->record.proposer)) {
        *code = ST_NOT_ALLOWED;
    }
    if (status == ST_OK && *code == ST_OK &&
        ballot->record.status != XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN) {
        *code =
            ST_PROPOSAL_DECIDED; /* one that has expired may be withdrawn: it counts until it is */
    }
    if (status == ST_OK && *code == ST_OK) {
        decide(ballot, context, XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_WITHDRAWN);
        status = ballot_settle(state, ballot, true);
    }
    free(ballot);
    return status;
}

TX_RULE(govern_enact_apply)
{
    const Xuelian__ProposalEnactment *wish =
        (const Xuelian__ProposalEnactment *)(const void *)tx->messages[index];
    struct govern_tally tally = {.approved = false};
    struct ballot *ballot = ballot_new();
    enum status status = ballot_read(state, ballot, &wish->proposal, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_voters(state, tx, 0, ballot->classes, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        *code = ballot_open(ballot, context);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = govern_tally(state, context, &ballot->record, ballot->classes, &tally);
    }
    if (status == ST_OK && *code == ST_OK &&
        (!tally.approved || context->height < ballot->content->not_before)) {
        *code = ST_NOT_APPROVED;
    }
    if (status == ST_OK && *code == ST_OK) {
        status = enact(state, context, ballot, wish->followings, wish->n_followings, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = ballot_settle(state, ballot, true);
    }
    free(ballot);
    return status;
}
