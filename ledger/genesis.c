#include "ledger/genesis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/genesis_rules.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* Range of each parameter; the reasons are in docs/decisions/0004-chain-parameters.md. */
struct param_rule {
    const char *name;
    size_t offset;
    uint64_t start;
    uint64_t min;
    uint64_t max;
};

#define RULE(field, start, min, max)                                    \
    {                                                                   \
#field, offsetof(Xuelian__Params, field), (start), (min), (max) \
    }
static const struct param_rule param_rules[] = {
    RULE(t0_ms, 2000, 100, 60000),
    RULE(timeout_cap_ms, 60000, 1000, 600000),
    RULE(batch_delay_ms, 10, 0, 10000),
    RULE(batch_bytes, 4194304, 65536, 4194304),
    RULE(batch_count, 4000, 1, LIMIT_PROPOSAL_ENTRIES_MAX),
    RULE(batch_work, 20000, 1000, 1000000),
    RULE(heartbeat_ms, 10000, 100, 3600000),
    RULE(max_drift_ms, 3000, 100, 600000),
    RULE(max_lag_ms, 30000, 1000, 3600000),
    RULE(request_timeout_ms, 10000, 1000, 600000),
    RULE(rotation_blocks, 1000, 1, 1000000),
    RULE(admission_heights, 256, 1, 100000),
    RULE(validity_window, 10000, 10, 1000000),
};
#undef RULE
enum { PARAM_COUNT = sizeof param_rules / sizeof param_rules[0] };

static uint64_t *param_at(Xuelian__Params *params, const struct param_rule *rule)
{
    return (uint64_t *)(void *)((uint8_t *)params + rule->offset);
}

static uint64_t param_get(const Xuelian__Params *params, const struct param_rule *rule)
{
    return *(const uint64_t *)(const void *)((const uint8_t *)params + rule->offset);
}

void params_defaults(Xuelian__Params *params)
{
    xuelian__params__init(params);
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        *param_at(params, &param_rules[i]) = param_rules[i].start;
    }
}

size_t params_encode(uint8_t *out, const Xuelian__Params *params)
{
    return canonical_encode(out, &params->base);
}

void params_hash(struct hash32 *out, const Xuelian__Params *params)
{
    uint8_t bytes[256];
    size_t size = params_encode(bytes, params);
    hash_tagged(out, TAG_PARAMS, bytes, size);
}

static enum status check_params(const Xuelian__Params *params, char *error)
{
    if (params == NULL) {
        snprintf(error, GENESIS_ERROR_SIZE,
                 "the genesis file has no parameters; assemble it again");
        return ST_BAD_CONFIG;
    }
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        uint64_t value = param_get(params, &param_rules[i]);
        if (value < param_rules[i].min || value > param_rules[i].max) {
            snprintf(error, GENESIS_ERROR_SIZE, "parameter %s is %llu; it must be %llu to %llu",
                     param_rules[i].name, (unsigned long long)value,
                     (unsigned long long)param_rules[i].min,
                     (unsigned long long)param_rules[i].max);
            return ST_BAD_CONFIG;
        }
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
                 {"catalogue entries", message->n_catalogue, LIMIT_CATALOGUE_GENESIS_MAX}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i].count > lists[i].max) {
            snprintf(error, GENESIS_ERROR_SIZE, "the genesis file has %zu %s; at most %zu",
                     lists[i].count, lists[i].what, lists[i].max);
            return ST_BAD_CONFIG;
        }
    }
    return ST_OK;
}

static enum status check_regions(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_regions; i++) {
        const Xuelian__Region *region = message->regions[i];
        const char *wrong = NULL;
        if (region->code <= before) {
            wrong = "is not above the one before it; sort by code, without repeats";
        } else if (region->level < 1 || region->level > 4) {
            wrong = "has a level that is not 1 to 4";
        } else if (strlen(region->name_zh) == 0 || strlen(region->name_zh) > LIMIT_NAME_SIZE_MAX) {
            wrong = "needs a Chinese name of at most 256 bytes";
        } else if (strlen(region->name_en) > LIMIT_NAME_SIZE_MAX) {
            wrong = "has an English name of more than 256 bytes";
        } else if (region->parent >= region->code) {
            wrong = "has a parent that does not come before it";
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "region %u %s", (unsigned)region->code, wrong);
            return ST_BAD_CONFIG;
        }
        before = region->code;
    }
    return ST_OK;
}

static const char *check_keys(const Xuelian__Member *member)
{
    if (member->n_keys > LIMIT_MEMBER_KEYS_MAX || member->n_nodes > LIMIT_MEMBER_NODES_MAX) {
        return "has more than 32 keys or nodes";
    }
    for (size_t i = 0; i < member->n_keys; i++) {
        struct pubkey33 key;
        if (!field_copy(&key, 33, &member->keys[i]->key) || !sign_key_valid(&key)) {
            return "has a signing key that is not a secp256k1 public key";
        }
    }
    uint32_t validators = 0;
    for (size_t i = 0; i < member->n_nodes; i++) {
        const Xuelian__Node *node = member->nodes[i];
        struct pubkey33 key;
        if (!field_copy(&key, 33, &node->key) || !sign_key_valid(&key)) {
            return "has a node key that is not a secp256k1 public key";
        }
        if (node->role == XUELIAN__NODE_ROLE__NODE_ROLE_UNSPECIFIED) {
            return "has a node without a role";
        }
        if (node->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR &&
            (node->from_height != 0 || node->to_height != 0)) {
            return "has a validator with a first or last height; one of genesis has neither";
        }
        if (node->n_addresses > LIMIT_ADDRESSES_MAX) {
            return "has a node with more than 4 addresses";
        }
        for (size_t k = 0; k < node->n_addresses; k++) {
            if (strlen(node->addresses[k]) > 64) {
                return "has a node address of more than 64 bytes";
            }
        }
        validators += node->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    }
    return validators > 1 ? "has more than one validator" : NULL;
}

/* Roles and kinds are sets: ascending, so that each has one form and none is there twice. */
static bool roles_ascend(const Xuelian__Member *member)
{
    for (size_t i = 1; i < member->n_roles; i++) {
        if (member->roles[i] <= member->roles[i - 1]) {
            return false;
        }
    }
    for (size_t i = 1; i < member->n_deposit_kinds; i++) {
        if (member->deposit_kinds[i] <= member->deposit_kinds[i - 1]) {
            return false;
        }
    }
    return true;
}

static enum status check_members(const Xuelian__Genesis *message, char *error)
{
    uint32_t before = 0;
    for (size_t i = 0; i < message->n_members; i++) {
        const Xuelian__Member *member = message->members[i];
        const char *wrong = NULL;
        if (member->id <= before) {
            wrong = "is not above the one before it; sort by number, without repeats";
        } else if (strlen(member->name_zh) == 0 || strlen(member->name_zh) > LIMIT_NAME_SIZE_MAX ||
                   strlen(member->name_en) > LIMIT_NAME_SIZE_MAX) {
            wrong = "needs a Chinese name, and names of at most 256 bytes";
        } else if (strlen(member->credit_code) > LIMIT_NAME_SIZE_MAX) {
            wrong = "has a unified social credit code of more than 256 bytes";
        } else if (!roles_ascend(member)) {
            wrong = "has roles or kinds that do not ascend; sort them, without repeats";
        } else {
            wrong = check_keys(member);
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
        } else if (course->version == 0) {
            wrong = "has no version; versions begin at 1";
        } else if (course->kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED) {
            wrong = "has no kind";
        } else if (strlen(course->name_zh) > LIMIT_NAME_SIZE_MAX ||
                   strlen(course->name_en) > LIMIT_NAME_SIZE_MAX) {
            wrong = "has a name of more than 256 bytes";
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "course %u %s", (unsigned)course->id, wrong);
            return ST_BAD_CONFIG;
        }
        before = course->id;
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
            if (set->count == LIMIT_VALIDATORS_MAX || validator_set_find(set, &key) >= 0) {
                snprintf(error, GENESIS_ERROR_SIZE,
                         set->count == LIMIT_VALIDATORS_MAX
                             ? "member %u is one validator too many; at most 64"
                             : "member %u has a validator key that another member has",
                         (unsigned)member->id);
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
        status = genesis_check_rules(message, error);
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

static enum status put_message(struct state *state, uint32_t collection, uint32_t number,
                               const ProtobufCMessage *message)
{
    uint8_t key[4];
    size_t size = canonical_size(message);
    uint8_t *value = malloc(size + 1);
    if (value == NULL) {
        return ST_NO_MEMORY;
    }
    be32_put(key, number);
    canonical_encode(value, message);
    enum status status = state_put(state, collection, bytes_of(key, 4), bytes_of(value, size));
    free(value);
    return status;
}

static enum status put_params(const Xuelian__Params *params, struct state *state)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < PARAM_COUNT && status == ST_OK; i++) {
        char name[64];
        uint8_t bytes[128];
        Xuelian__ParamValue value;
        xuelian__param_value__init(&value);
        snprintf(name, sizeof name, "%s", param_rules[i].name);
        value.name = name;
        value.value = param_get(params, &param_rules[i]);
        size_t size = canonical_encode(bytes, &value.base);
        status = state_put(state, XUELIAN__COLLECTION__COLLECTION_PARAMS,
                           bytes_of(name, strlen(name)), bytes_of(bytes, size));
    }
    return status;
}

enum status genesis_apply(const struct genesis *genesis, struct state *state)
{
    const Xuelian__Genesis *message = genesis->message;
    enum status status = ST_OK;
    for (size_t i = 0; i < message->n_members && status == ST_OK; i++) {
        status = put_message(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS,
                             message->members[i]->id, &message->members[i]->base);
    }
    for (size_t i = 0; i < message->n_regions && status == ST_OK; i++) {
        status = put_message(state, XUELIAN__COLLECTION__COLLECTION_REGIONS,
                             message->regions[i]->code, &message->regions[i]->base);
    }
    for (size_t i = 0; i < message->n_courses && status == ST_OK; i++) {
        status = put_message(state, XUELIAN__COLLECTION__COLLECTION_COURSES,
                             message->courses[i]->id, &message->courses[i]->base);
    }
    for (size_t i = 0; i < message->n_rules && status == ST_OK; i++) {
        status = rule_record_put(state, message->rules[i]);
    }
    for (size_t i = 0; i < message->n_catalogue && status == ST_OK; i++) {
        status = catalogue_record_put(state, message->catalogue[i]);
    }
    return status == ST_OK ? put_params(message->params, state) : status;
}
