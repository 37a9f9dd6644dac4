/* Who may approve what, and how many must. */
#include "ledger/tx/govern.h"
#include "proto/check.h"

/* A present field of Change and the class it belongs to. */
struct change_part {
    bool present;
    enum govern_class class;
};

enum govern_class govern_class_of(const Xuelian__Change *change)
{
    const struct change_part parts[] = {
        {change->member != NULL, GOVERN_MEMBERS},
        {change->status != NULL, GOVERN_MEMBERS},
        {change->key != NULL, GOVERN_MEMBERS},
        {change->node != NULL, GOVERN_MEMBERS},
        {change->validator != NULL, GOVERN_VALIDATORS},
        {change->param != NULL, GOVERN_PARAMS},
        {change->region != NULL, GOVERN_REGISTRIES},
        {change->framework != NULL, GOVERN_REGISTRIES},
        {change->course != NULL, GOVERN_COURSES},
        {change->course_status != NULL, GOVERN_COURSES},
        {change->protocol != NULL, GOVERN_PARAMS},
        {change->rule != NULL, GOVERN_RULES},
        {change->catalogue != NULL, GOVERN_RULES},
    };
    enum govern_class class = GOVERN_CLASSES;
    uint32_t present = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].present) {
            class = parts[i].class;
            present++;
        }
    }
    return present == 1 ? class : GOVERN_CLASSES;
}

uint32_t govern_classes(const Xuelian__GovernProposal *proposal)
{
    uint32_t classes = 0;
    for (size_t i = 0; i < proposal->n_changes; i++) {
        enum govern_class class = govern_class_of(proposal->changes[i]);
        if (class == GOVERN_CLASSES) {
            return 0;
        }
        classes |= 1u << class;
    }
    return classes;
}

uint32_t govern_needed(const Xuelian__Params *params, enum govern_class class, uint32_t eligible)
{
    uint64_t needed = 0;
    switch (class) {
    case GOVERN_MEMBERS:
        needed = params->approvals_members;
        break;
    case GOVERN_REGISTRIES:
        needed = params->approvals_registries;
        break;
    case GOVERN_COURSES:
        needed = params->approvals_courses;
        break;
    case GOVERN_RULES:
        needed = params->approvals_rules;
        break;
    case GOVERN_PARAMS:
        needed = params->approvals_params;
        break;
    case GOVERN_VALIDATORS:
        needed = params->approvals_validators;
        break;
    case GOVERN_CLASSES:
        break;
    }
    return needed != 0 ? (uint32_t)needed : eligible / 2 + 1;
}

/* Courses are the panel's, where there is one; all else is for the members that govern. */
static enum status role_of(struct state *state, enum govern_class class, Xuelian__MemberRole *role,
                           uint32_t *eligible)
{
    enum status status = ST_OK;
    *eligible = 0;
    *role = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT;
    if (class == GOVERN_COURSES) {
        status = registry_role_count(state, *role, eligible);
    }
    if (status == ST_OK && *eligible == 0) {
        *role = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN;
        status = registry_role_count(state, *role, eligible);
    }
    return status;
}

enum status govern_may_vote(struct state *state, uint32_t member, uint32_t classes, bool *may)
{
    enum status status = ST_OK;
    *may = false;
    for (uint32_t class = 0; class < GOVERN_CLASSES && status == ST_OK && !*may; class ++) {
        Xuelian__MemberRole role;
        uint32_t eligible;
        if ((classes >> class & 1) == 0) {
            continue;
        }
        status = role_of(state, (enum govern_class) class, &role, &eligible);
        if (status == ST_OK) {
            status = member_may(state, member, role, may);
        }
    }
    return status;
}

/* Votes of members that have the role now: who was suspended since does not count. */
static enum status count_votes(struct state *state, const Xuelian__ProposalRecord *record,
                               Xuelian__MemberRole role, uint32_t *approvals, uint32_t *refusals)
{
    enum status status = ST_OK;
    *approvals = 0;
    *refusals = 0;
    for (size_t i = 0; i < record->n_votes && status == ST_OK; i++) {
        bool may = false;
        status = member_may(state, record->votes[i]->member, role, &may);
        if (status == ST_OK && may) {
            *(record->votes[i]->against ? refusals : approvals) += 1;
        }
    }
    return status;
}

enum status govern_tally(struct state *state, const struct block_context *context,
                         const Xuelian__ProposalRecord *record, uint32_t classes,
                         struct govern_tally *tally)
{
    enum status status = ST_OK;
    *tally = (struct govern_tally){.approved = true};
    for (uint32_t class = 0; class < GOVERN_CLASSES && status == ST_OK; class ++) {
        Xuelian__MemberRole role;
        uint32_t eligible = 0;
        uint32_t approvals = 0;
        uint32_t refusals = 0;
        if ((classes >> class & 1) == 0) {
            continue;
        }
        status = role_of(state, (enum govern_class) class, &role, &eligible);
        if (status == ST_OK) {
            status = count_votes(state, record, role, &approvals, &refusals);
        }
        if (status != ST_OK) {
            break;
        }
        uint32_t needed = govern_needed(context->params, (enum govern_class) class, eligible);
        CHECK(refusals <= eligible);
        tally->approved = tally->approved && approvals >= needed;
        tally->hopeless = tally->hopeless || eligible - refusals < needed;
    }
    return status;
}
