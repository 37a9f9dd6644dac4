#include "ledger/params.h"

#include <string.h>

#include "proto/canonical.h"
#include "proto/hash.h"
#include "proto/limits.h"

struct param_rule {
    const char *name;
    size_t offset;
    uint64_t start;
    uint64_t min;
    uint64_t max;
};

/* Approvals start at 0: more than half of the members that may approve, however many there come to be. */
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
    RULE(batch_work, 20000, 2000, 1000000),
    RULE(heartbeat_ms, 10000, 100, 3600000),
    RULE(max_drift_ms, 3000, 100, 600000),
    RULE(max_lag_ms, 30000, 1000, 3600000),
    RULE(request_timeout_ms, 10000, 1000, 600000),
    RULE(rotation_blocks, 1000, 1, 1000000),
    RULE(admission_heights, 256, 1, LIMIT_HEADER_RING),
    RULE(validity_window, 10000, 10, 1000000),
    RULE(approvals_members, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(approvals_registries, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(approvals_courses, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(approvals_rules, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(approvals_params, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(approvals_validators, 0, 0, LIMIT_APPROVALS_MAX),
    RULE(statistics_least, 10, 0, 1000),
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
    uint8_t bytes[PARAMS_SIZE_MAX];
    size_t size = params_encode(bytes, params);
    hash_tagged(out, TAG_PARAMS, bytes, size);
}

static bool in_range(const struct param_rule *rule, uint64_t value)
{
    return value >= rule->min && value <= rule->max;
}

bool params_in_range(const Xuelian__Params *params, struct param_fault *fault)
{
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        const struct param_rule *rule = &param_rules[i];
        uint64_t value = param_get(params, rule);
        if (!in_range(rule, value)) {
            *fault = (struct param_fault){
                .name = rule->name, .value = value, .min = rule->min, .max = rule->max};
            return false;
        }
    }
    return true;
}

const char *params_contradiction(const Xuelian__Params *params)
{
    if (params->t0_ms > params->timeout_cap_ms) {
        return "t0_ms is above timeout_cap_ms, the longest that it may grow to";
    }
    if (params->request_timeout_ms < params->t0_ms) {
        return "request_timeout_ms is below t0_ms: views would be left before their time";
    }
    if (params->batch_delay_ms > params->t0_ms / 2) {
        return "batch_delay_ms is above half of t0_ms: who waits for a full batch would be left";
    }
    if (params->heartbeat_ms < params->batch_delay_ms) {
        return "heartbeat_ms is below batch_delay_ms: blocks would come before what fills them";
    }
    if (params->max_drift_ms > params->max_lag_ms) {
        return "max_drift_ms is above max_lag_ms: a clock may not be ahead by more than behind";
    }
    if (params->batch_work > params->t0_ms * (PARAMS_WORK_PER_MS / 4)) {
        return "batch_work is more than 10 a millisecond of t0_ms: a full block would take too "
               "long";
    }
    return NULL;
}

bool params_set(Xuelian__Params *params, const char *name, uint64_t value)
{
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        if (strcmp(param_rules[i].name, name) == 0) {
            if (!in_range(&param_rules[i], value)) {
                return false;
            }
            *param_at(params, &param_rules[i]) = value;
            return true;
        }
    }
    return false;
}

const char *params_at(const Xuelian__Params *params, size_t i, uint64_t *value)
{
    if (i >= PARAM_COUNT) {
        return NULL;
    }
    *value = param_get(params, &param_rules[i]);
    return param_rules[i].name;
}
