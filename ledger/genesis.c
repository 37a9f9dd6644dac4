#include "ledger/genesis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/genesis_rules.h"
#include "ledger/record_checks.h"
#include "ledger/state/registry.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

static enum status check_params(const Xuelian__Params *params, char *error)
{
    struct param_fault fault;
    if (params == NULL) {
        snprintf(error, GENESIS_ERROR_SIZE,
                 "the genesis file has no parameters; assemble it again");
        return ST_BAD_CONFIG;
    }
    if (!params_in_range(params, &fault)) {
        snprintf(error, GENESIS_ERROR_SIZE, "parameter %s is %llu; it must be %llu to %llu",
                 fault.name, (unsigned long long)fault.value, (unsigned long long)fault.min,
                 (unsigned long long)fault.max);
        return ST_BAD_CONFIG;
    }
    const char *contradiction = params_contradiction(params);
    if (contradiction != NULL) {
        snprintf(error, GENESIS_ERROR_SIZE, "the parameters contradict themselves: %s",
                 contradiction);
        return ST_BAD_CONFIG;
    }
    return ST_OK;
}

/* The verifier has the same limits: a network must not start that nobody could check. */
static enum status check_counts(const Xuelian__Genesis *message, char *error)
{
    const struct {
        const char *what;
        size_t count;
        size_t max;
    } lists[] = {{"regions", message->n_regions, LIMIT_REGIONS_MAX},
                 {"members", message->n_members, LIMIT_MEMBERS_GENESIS_MAX},
                 {"courses", message->n_courses, LIMIT_COURSES_GENESIS_MAX},
                 {"rules", message->n_rules, LIMIT_RULES_GENESIS_MAX},
                 {"catalogue entries", message->n_catalogue, LIMIT_CATALOGUE_GENESIS_MAX},
                 {"frameworks", message->n_frameworks, LIMIT_FRAMEWORKS_GENESIS_MAX}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i].count > lists[i].max) {
            snprintf(error, GENESIS_ERROR_SIZE, "the genesis file has %zu %s; at most %zu",
                     lists[i].count, lists[i].what, lists[i].max);
            return ST_BAD_CONFIG;
        }
    }
    return ST_OK;
}

static int compare_region(const void *key, const void *element)
{
    uint32_t code = *(const uint32_t *)key;
    uint32_t other = (*(Xuelian__Region *const *)element)->code;
    return (code > other) - (code < other);
}

/* 0 is none, which is right. The regions are sorted: check_regions comes first. What is counted by region must count the
 * same for ever, so none can be named that is only added later. */
static bool region_there(const Xuelian__Genesis *message, uint32_t code)
{
    return code == 0 ||
           (message->n_regions > 0 && bsearch(&code, message->regions, message->n_regions,
                                              sizeof message->regions[0], compare_region) != NULL);
}

static enum status check_regions(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_regions; i++) {
        const Xuelian__Region *region = message->regions[i];
        const char *wrong = NULL;
        if (region->code <= before) {
            wrong = "is not above the one before it; sort by code, without repeats";
        } else {
            wrong = region_wrong(region);
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "region %u %s", (unsigned)region->code, wrong);
            return ST_BAD_CONFIG;
        }
        before = region->code;
    }
    for (size_t i = 0; i < message->n_regions; i++) {
        const Xuelian__Region *region = message->regions[i];
        if (!region_there(message, region->parent) || !region_there(message, region->successor)) {
            snprintf(error, GENESIS_ERROR_SIZE,
                     "region %u names a parent or successor that is not among the regions",
                     (unsigned)region->code);
            return ST_BAD_CONFIG;
        }
    }
    return ST_OK;
}

/* A validator of genesis is one from height 0 on, until the chain itself ends it. */
static const char *validators_wrong(const Xuelian__Member *member)
{
    for (size_t i = 0; i < member->n_nodes; i++) {
        const Xuelian__Node *node = member->nodes[i];
        if (node->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR &&
            (node->from_height != 0 || node->to_height != 0)) {
            return "has a validator with a first or last height; one of genesis has neither";
        }
    }
    return NULL;
}

static enum status check_members(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_members; i++) {
        const Xuelian__Member *member = message->members[i];
        const char *wrong = NULL;
        if (member->id <= before) {
            wrong = "is not above the one before it; sort by number, without repeats";
        } else {
            wrong = member_wrong(member);
        }
        if (wrong == NULL) {
            wrong = validators_wrong(member);
        }
        if (wrong == NULL && !region_there(message, member->region)) {
            wrong = "has a region that is not among the regions";
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "member %u %s", (unsigned)member->id, wrong);
            return ST_BAD_CONFIG;
        }
        before = member->id;
    }
    return ST_OK;
}

static enum status check_courses(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_courses; i++) {
        const Xuelian__Course *course = message->courses[i];
        const char *wrong = NULL;
        if (course->id <= before) {
            wrong = "is not above the one before it; sort by number, without repeats";
        } else {
            wrong = course_wrong(course);
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "course %u %s", (unsigned)course->id, wrong);
            return ST_BAD_CONFIG;
        }
        before = course->id;
    }
    return ST_OK;
}

static enum status check_frameworks(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_frameworks; i++) {
        const Xuelian__Framework *framework = message->frameworks[i];
        const char *wrong = framework->code <= before
                                ? "is not above the one before it; sort by code, without repeats"
                                : framework_wrong(framework);
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "framework %u %s", (unsigned)framework->code,
                     wrong);
            return ST_BAD_CONFIG;
        }
        before = framework->code;
    }
    return ST_OK;
}

static int compare_validators(const void *a, const void *b)
{
    return pubkey33_compare(&((const struct validator *)a)->key,
                            &((const struct validator *)b)->key);
}

static enum status derive_set(struct genesis *genesis, char *error)
{
    const Xuelian__Genesis *message = genesis->message;
    struct validator_set *set = &genesis->set;
    *set = (struct validator_set){.era = 1};
    for (size_t i = 0; i < message->n_members; i++) {
        const Xuelian__Member *member = message->members[i];
        for (size_t k = 0; k < member->n_nodes; k++) {
            const Xuelian__Node *node = member->nodes[k];
            struct pubkey33 key;
            if (node->role != XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR ||
                !field_copy(&key, 33, &node->key)) {
                continue;
            }
            if (set->count == LIMIT_VALIDATORS_MAX) {
                snprintf(error, GENESIS_ERROR_SIZE,
                         "member %u is one validator too many; at most 64", (unsigned)member->id);
                return ST_BAD_CONFIG;
            }
            set->validators[set->count++] = (struct validator){
                .key = key, .member = member->id, .incarnation = node->incarnation};
        }
    }
    if (set->count == 0) {
        snprintf(error, GENESIS_ERROR_SIZE,
                 "no member has a node with the validator role; at least one is needed");
        return ST_BAD_CONFIG;
    }
    qsort(set->validators, set->count, sizeof set->validators[0], compare_validators);
    return ST_OK;
}

struct node_owner {
    struct pubkey33 key;
    uint32_t member;
};

static int compare_owners(const void *a, const void *b)
{
    const struct node_owner *left = a;
    const struct node_owner *right = b;
    int order = pubkey33_compare(&left->key, &right->key);
    return order != 0 ? order : (left->member > right->member) - (left->member < right->member);
}

/* No two nodes have one key, of one member or of two. */
static enum status check_node_keys(const Xuelian__Genesis *message, char *error)
{
    size_t count = 0;
    enum status status = ST_OK;
    for (size_t i = 0; i < message->n_members; i++) {
        count += message->members[i]->n_nodes;
    }
    struct node_owner *owners = calloc(count + 1, sizeof *owners);
    if (owners == NULL) {
        snprintf(error, GENESIS_ERROR_SIZE, "out of memory while checking the nodes' keys");
        return ST_NO_MEMORY;
    }
    count = 0;
    for (size_t i = 0; i < message->n_members; i++) {
        const Xuelian__Member *member = message->members[i];
        for (size_t k = 0; k < member->n_nodes; k++) {
            owners[count].member = member->id;
            field_copy(&owners[count++].key, 33, &member->nodes[k]->key);
        }
    }
    qsort(owners, count, sizeof *owners, compare_owners);
    for (size_t i = 1; i < count && status == ST_OK; i++) {
        if (pubkey33_compare(&owners[i - 1].key, &owners[i].key) == 0) {
            snprintf(error, GENESIS_ERROR_SIZE,
                     "member %u has a node key that member %u has; each node has its own",
                     (unsigned)owners[i].member, (unsigned)owners[i - 1].member);
            status = ST_BAD_CONFIG;
        }
    }
    free(owners);
    return status;
}

/* Members of a role that approves: how many, and how many of them can sign. */
struct approvers {
    const char *what;
    uint64_t count;
    uint64_t signing;
};

static void count_approver(struct approvers *approvers, const Xuelian__Member *member,
                           Xuelian__MemberRole role)
{
    if (registry_may(member, role)) {
        approvers->count++;
        approvers->signing += registry_signs_from(member, 1) ? 1 : 0;
    }
}

/* Members that govern must be as many as the approvals that anything needs. Without any, nothing ever changes. */
static enum status check_approvals(const Xuelian__Genesis *message, char *error)
{
    const Xuelian__Params *params = message->params;
    struct approvers governors = {.what = "govern"};
    struct approvers panel = {.what = "accredit"};
    for (size_t i = 0; i < message->n_members; i++) {
        count_approver(&governors, message->members[i], XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN);
        count_approver(&panel, message->members[i], XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT);
    }
    const struct {
        const char *name;
        uint64_t param;
        const struct approvers *of;
    } rows[] = {
        {"approvals_members", params->approvals_members, &governors},
        {"approvals_registries", params->approvals_registries, &governors},
        {"approvals_courses", params->approvals_courses, panel.count > 0 ? &panel : &governors},
        {"approvals_rules", params->approvals_rules, &governors},
        {"approvals_params", params->approvals_params, &governors},
        {"approvals_validators", params->approvals_validators, &governors}};
    if (governors.count > LIMIT_GOVERNORS_MAX || panel.count > LIMIT_GOVERNORS_MAX) {
        snprintf(error, GENESIS_ERROR_SIZE,
                 "more than %d active members govern, or accredit; fewer can vote",
                 (int)LIMIT_GOVERNORS_MAX);
        return ST_BAD_CONFIG;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t majority = rows[i].of->count > 0 ? rows[i].of->count / 2 + 1 : 0;
        uint64_t needed = rows[i].param != 0 ? rows[i].param : majority;
        if (needed > rows[i].of->signing) {
            snprintf(error, GENESIS_ERROR_SIZE,
                     "parameter %s asks for %llu, but only %llu active members with keys in force "
                     "%s",
                     rows[i].name, (unsigned long long)needed,
                     (unsigned long long)rows[i].of->signing, rows[i].of->what);
            return ST_BAD_CONFIG;
        }
    }
    return ST_OK;
}

static enum status check_message(struct genesis *genesis, char *error)
{
    const Xuelian__Genesis *message = genesis->message;
    if (message->version != PROTOCOL_VERSION || message->suite != PROTOCOL_SUITE) {
        snprintf(
            error, GENESIS_ERROR_SIZE,
            "the genesis file is of protocol version %u, suite %u; this software knows 1 and 1",
            (unsigned)message->version, (unsigned)message->suite);
        return ST_BAD_CONFIG;
    }
    if (strlen(message->network) == 0 || strlen(message->network) > LIMIT_NAME_SIZE_MAX) {
        snprintf(error, GENESIS_ERROR_SIZE, "the network needs a name of at most 256 bytes");
        return ST_BAD_CONFIG;
    }
    enum status status = check_counts(message, error);
    if (status == ST_OK) {
        status = check_params(message->params, error);
    }
    if (status == ST_OK) {
        status = check_regions(message, error);
    }
    if (status == ST_OK) {
        status = check_members(message, error);
    }
    if (status == ST_OK) {
        status = check_courses(message, error);
    }
    if (status == ST_OK) {
        status = check_frameworks(message, error);
    }
    if (status == ST_OK) {
        status = genesis_check_rules(message, error);
    }
    if (status == ST_OK) {
        status = check_node_keys(message, error);
    }
    if (status == ST_OK) {
        status = check_approvals(message, error);
    }
    if (status == ST_OK) {
        status = genesis_check_recovery(message, &genesis->recovery, error);
    }
    return status == ST_OK ? derive_set(genesis, error) : status;
}

enum status genesis_parse(struct genesis *genesis, struct bytes bytes,
                          char error[GENESIS_ERROR_SIZE])
{
    struct genesis made = {.message = NULL};
    struct arena arena;
    ProtobufCMessage *message = NULL;
    if (bytes.size > LIMIT_GENESIS_SIZE_MAX) {
        snprintf(error, GENESIS_ERROR_SIZE, "the genesis file is larger than 16 MiB");
        return ST_BAD_SIZE;
    }
    /* Structs are larger than their bytes: a region of 20 bytes becomes about 200. */
    size_t room = bytes.size * 32 + 65536;
    made.memory = malloc(room);
    if (made.memory == NULL) {
        snprintf(error, GENESIS_ERROR_SIZE, "out of memory while reading the genesis file");
        return ST_NO_MEMORY;
    }
    arena_init(&arena, made.memory, room);
    enum status status = canonical_decode(&message, &xuelian__genesis__descriptor, bytes, &arena);
    if (status != ST_OK) {
        snprintf(error, GENESIS_ERROR_SIZE, "not a genesis file: %s", status_en(status));
        free(made.memory);
        return status;
    }
    made.message = (const Xuelian__Genesis *)(const void *)message;
    hash_tagged(&made.chain_id, TAG_GENESIS, bytes.data, bytes.size);
    status = check_message(&made, error);
    if (status != ST_OK) {
        free(made.memory);
        return status;
    }
    params_hash(&made.params_hash, made.message->params);
    *genesis = made;
    return ST_OK;
}

void genesis_free(struct genesis *genesis)
{
    free(genesis->memory);
    *genesis = (struct genesis){.message = NULL};
}

static enum status put_params(const Xuelian__Params *params, struct state *state)
{
    uint64_t value;
    enum status status = ST_OK;
    const char *name;
    for (size_t i = 0; status == ST_OK && (name = params_at(params, i, &value)) != NULL; i++) {
        status = registry_put_param(state, name, value);
    }
    return status;
}

enum status genesis_apply(const struct genesis *genesis, struct state *state)
{
    const Xuelian__Genesis *message = genesis->message;
    enum status status = ST_OK;
    for (size_t i = 0; i < message->n_members && status == ST_OK; i++) {
        status = registry_put_member(state, message->members[i]);
    }
    for (size_t i = 0; i < message->n_regions && status == ST_OK; i++) {
        status = registry_put(state, XUELIAN__COLLECTION__COLLECTION_REGIONS,
                              message->regions[i]->code, &message->regions[i]->base);
    }
    for (size_t i = 0; i < message->n_courses && status == ST_OK; i++) {
        status = registry_put(state, XUELIAN__COLLECTION__COLLECTION_COURSES,
                              message->courses[i]->id, &message->courses[i]->base);
    }
    for (size_t i = 0; i < message->n_frameworks && status == ST_OK; i++) {
        status = registry_put(state, XUELIAN__COLLECTION__COLLECTION_FRAMEWORK,
                              message->frameworks[i]->code, &message->frameworks[i]->base);
    }
    for (size_t i = 0; i < message->n_rules && status == ST_OK; i++) {
        status = rule_record_put(state, message->rules[i]);
    }
    for (size_t i = 0; i < message->n_catalogue && status == ST_OK; i++) {
        status = catalogue_record_put(state, message->catalogue[i]);
    }
    return status == ST_OK ? put_params(message->params, state) : status;
}
