/* 转换规则, 积分规则: the form of a rule, and how governance takes it from draft to notice, force and retirement. */
#include <string.h>

#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum {
    RATIO_MAX = 1000000,
    CREDITS_CEILING_MAX = 1000000, /* 10,000 credits */
    POINTS_CEILING_MAX = 10000000,
    MONTHS_MAX = 1200,
    GRADE_BAND_MAX = 9,
    LEVEL_MAX = 10
};

static bool number_within(uint32_t number, uint32_t max)
{
    return number >= 1 && number <= max;
}

static bool dates_fit(const Xuelian__Rule *rule)
{
    const uint32_t dates[] = {rule->notice_date, rule->from_date, rule->to_date};
    for (uint32_t i = 0; i < 3; i++) {
        if (dates[i] != 0 && !date_valid(dates[i])) {
            return false;
        }
    }
    bool noticed = rule->status != XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT;
    bool forced = rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE ||
                  rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED;
    return (!noticed || rule->notice_date != 0) &&
           (!forced || rule->from_date > rule->notice_date) &&
           (rule->to_date == 0 || rule->to_date >= rule->from_date) &&
           (rule->status != XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED || rule->to_date != 0);
}

static const char *conversion_form(const Xuelian__Rule *rule)
{
    if (rule->basis == XUELIAN__RULE_BASIS__RULE_BASIS_OUTCOME) {
        return "converts neither credits nor hours";
    }
    if (!number_within(rule->ceiling, CREDITS_CEILING_MAX) ||
        !number_within(rule->programme_ceiling, CREDITS_CEILING_MAX)) {
        return "needs ceilings of rule and programme from 1 to 1,000,000";
    }
    if (rule->programme == 0) {
        return "names no programme";
    }
    if ((rule->target_course == 0) ==
        (rule->target_kind == XUELIAN__CREDIT_KIND__CREDIT_KIND_UNSPECIFIED)) {
        return "needs either a target course or a kind of credits";
    }
    return rule->yearly_ceiling == 0 && rule->life == 0 ? NULL : "has fields of a points rule";
}

static const char *accrual_form(const Xuelian__Rule *rule)
{
    if (!number_within(rule->ceiling, POINTS_CEILING_MAX) ||
        !number_within(rule->yearly_ceiling, POINTS_CEILING_MAX)) {
        return "needs ceilings, in all and of a year, from 1 to 10,000,000";
    }
    if (rule->life > MONTHS_MAX) {
        return "has a life of more than 1,200 months";
    }
    return rule->programme == 0 && rule->programme_ceiling == 0 && rule->target_course == 0 &&
                   rule->target_kind == XUELIAN__CREDIT_KIND__CREDIT_KIND_UNSPECIFIED &&
                   !rule->consuming && rule->appeal_to == 0
               ? NULL
               : "has fields of a conversion rule";
}

const char *rule_form(const Xuelian__Rule *rule)
{
    if (rule->id == 0 || rule->version == 0 || rule->owner == 0) {
        return "needs a number, a version and an owner";
    }
    if (rule->version == 1
            ? rule->series != rule->id || rule->replaces != 0
            : rule->series == 0 || rule->series > rule->replaces || rule->replaces >= rule->id) {
        return "does not say rightly what it is a version of: series, version, replaces";
    }
    if (strlen(rule->name_zh) == 0 || strlen(rule->name_zh) > LIMIT_NAME_SIZE_MAX ||
        strlen(rule->name_en) > LIMIT_NAME_SIZE_MAX) {
        return "needs a Chinese name, and names of at most 256 bytes";
    }
    if (rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED || !dates_fit(rule)) {
        return "has a status and dates that do not go together";
    }
    if (rule->source_level > LEVEL_MAX || rule->grade_band > GRADE_BAND_MAX ||
        rule->source_age > MONTHS_MAX) {
        return "asks for a level above 10, a grade band above 9 or an age above 1,200 months";
    }
    if (rule->basis == XUELIAN__RULE_BASIS__RULE_BASIS_UNSPECIFIED ||
        !number_within(rule->ratio_num, RATIO_MAX) || !number_within(rule->ratio_den, RATIO_MAX)) {
        return "needs a basis and a ratio of numbers from 1 to 1,000,000";
    }
    switch (rule->kind) {
    case XUELIAN__RULE_KIND__RULE_KIND_CONVERSION:
        return conversion_form(rule);
    case XUELIAN__RULE_KIND__RULE_KIND_ACCRUAL:
        return accrual_form(rule);
    case XUELIAN__RULE_KIND__RULE_KIND_UNSPECIFIED:
    case _XUELIAN__RULE_KIND_IS_INT_SIZE:
        break;
    }
    return "has no kind";
}

const char *rule_follows(const Xuelian__Rule *rule, const Xuelian__Rule *before)
{
    if (before == NULL || before->version + 1 != rule->version || before->series != rule->series ||
        before->kind != rule->kind || before->owner != rule->owner ||
        before->programme != rule->programme || before->basis != rule->basis) {
        return "is not the next version of the rule it replaces: same series, kind, owner, "
               "programme and basis";
    }
    return NULL;
}

bool rule_in_force(const Xuelian__Rule *rule, uint32_t date)
{
    return rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE && rule->from_date <= date &&
           (rule->to_date == 0 || date <= rule->to_date);
}

enum status rule_record(struct state *state, uint32_t id, void *memory, const Xuelian__Rule **rule)
{
    uint8_t key[4];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    be32_put(key, id);
    arena_init(&arena, memory, RECORD_MEMORY_SIZE);
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_RULES, bytes_of(key, 4),
                      &xuelian__rule__descriptor, &arena, &message);
    *rule = status == ST_OK ? (const Xuelian__Rule *)(const void *)message : NULL;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

/* The terms of two records are the same: everything but status and dates. */
static bool same_terms(const Xuelian__Rule *a, const Xuelian__Rule *b)
{
    uint8_t bytes[2][RECORD_MEMORY_SIZE / 4];
    size_t sizes[2];
    const Xuelian__Rule *rules[2] = {a, b};
    for (uint32_t i = 0; i < 2; i++) {
        Xuelian__Rule terms = *rules[i];
        terms.status = XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED;
        terms.notice_date = 0;
        terms.from_date = 0;
        terms.to_date = 0;
        CHECK(canonical_size(&terms.base) <= sizeof bytes[i]); /* names are at most 256 bytes */
        sizes[i] = canonical_encode(bytes[i], &terms.base);
    }
    return sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0;
}

static enum status check_names(struct state *state, const Xuelian__Rule *rule, uint32_t *code)
{
    const uint32_t members[] = {rule->owner, rule->source_issuer, rule->appeal_to};
    const uint32_t courses[] = {rule->source_course, rule->target_course};
    for (uint32_t i = 0; i < 3; i++) {
        const struct member_view *member = NULL;
        enum status status = state_member(state, members[i], &member);
        if (status != ST_OK) {
            return status;
        }
        if (members[i] != 0 && !member->exists) {
            *code = ST_UNKNOWN_MEMBER;
            return ST_OK;
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct course_view *course = NULL;
        enum status status = state_course(state, courses[i], &course);
        if (status != ST_OK) {
            return status;
        }
        if (courses[i] != 0 && !course->exists) {
            *code = ST_UNKNOWN_COURSE;
            return ST_OK;
        }
    }
    return ST_OK;
}

/* The status a rule may have after another; the same again, with other dates or another draft, is a step too. */
static bool may_become(Xuelian__RuleStatus from, Xuelian__RuleStatus to)
{
    switch (from) {
    case XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT:
        return to == XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT ||
               to == XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE;
    case XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE:
        return to == XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT ||
               to == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE;
    case XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE:
        return to == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE ||
               to == XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED;
    case XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED:
    case XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED:
    case _XUELIAN__RULE_STATUS_IS_INT_SIZE:
        break;
    }
    return false;
}

/* Nothing is made true of days that are past: a notice begins today or later, a rule is in force from today or later
 * and after at least a day of notice, and ends today or later. */
static bool dates_ahead(const struct block_context *context, const Xuelian__Rule *rule,
                        const Xuelian__Rule *old)
{
    Xuelian__RuleStatus was =
        old == NULL ? XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED : old->status;
    if (rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE && rule->status != was) {
        return rule->notice_date >= context->date;
    }
    if (was == XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE &&
        rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE) {
        return rule->notice_date == old->notice_date && old->notice_date < context->date &&
               rule->from_date >= context->date;
    }
    if (was == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE) {
        return rule->notice_date == old->notice_date && rule->from_date == old->from_date &&
               (rule->to_date == 0 || rule->to_date >= context->date);
    }
    return true;
}

/* A version comes into force when the one before has an end that lies before. */
static bool makes_way(const Xuelian__Rule *before, const Xuelian__Rule *rule)
{
    switch (before->status) {
    case XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE:
    case XUELIAN__RULE_STATUS__RULE_STATUS_RETIRED:
        return before->to_date != 0 && before->to_date < rule->from_date;
    case XUELIAN__RULE_STATUS__RULE_STATUS_UNSPECIFIED:
    case XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT:
    case XUELIAN__RULE_STATUS__RULE_STATUS_NOTICE:
    case _XUELIAN__RULE_STATUS_IS_INT_SIZE:
        break;
    }
    return false;
}

/* A record beside the one it replaces in its series. */
static enum status check_before(struct state *state, const Xuelian__Rule *rule, uint32_t *code)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *before;
    if (rule->replaces == 0) {
        return ST_OK;
    }
    enum status status = rule_record(state, rule->replaces, memory, &before);
    if (status != ST_OK) {
        return status;
    }
    if (rule_follows(rule, before) != NULL) {
        *code = ST_BAD_RULE;
    } else if (rule->status == XUELIAN__RULE_STATUS__RULE_STATUS_IN_FORCE &&
               !makes_way(before, rule)) {
        *code = ST_WRONG_STATE;
    }
    return ST_OK;
}

enum status rule_record_check(struct state *state, const struct block_context *context,
                              const Xuelian__Rule *rule, uint32_t *code)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *old;
    *code = ST_OK;
    if (rule_form(rule) != NULL) {
        *code = ST_BAD_RULE;
        return ST_OK;
    }
    enum status status = check_names(state, rule, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = rule_record(state, rule->id, memory, &old);
    if (status != ST_OK) {
        return status;
    }
    /* What has no record may become what a draft may. */
    if (!may_become(old == NULL ? XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT : old->status,
                    rule->status)) {
        *code = ST_WRONG_STATE;
    } else if (old != NULL && old->status != XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT &&
               !same_terms(rule, old)) {
        *code = ST_BAD_RULE;
    } else if (!dates_ahead(context, rule, old)) {
        *code = ST_BAD_DATE;
    } else {
        status = check_before(state, rule, code);
    }
    return status;
}

enum status rule_record_put(struct state *state, const Xuelian__Rule *rule)
{
    uint8_t key[4];
    uint8_t value[RECORD_MEMORY_SIZE / 4];
    CHECK(canonical_size(&rule->base) <= sizeof value);
    be32_put(key, rule->id);
    return state_put(state, XUELIAN__COLLECTION__COLLECTION_RULES, bytes_of(key, 4),
                     bytes_of(value, canonical_encode(value, &rule->base)));
}
