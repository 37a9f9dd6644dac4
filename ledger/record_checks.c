#include "ledger/record_checks.h"

#include <string.h>

#include "ledger/tx/rules.h"
#include "proto/convert.h"
#include "proto/limits.h"
#include "proto/sign.h"

enum { ADDRESS_SIZE_MAX = 64, LEVEL_MAX = 10, CROSSWALKS_MAX = 100, COURSE_STATUS_MAX = 3 };

static bool too_long(const char *text)
{
    return strlen(text) > LIMIT_NAME_SIZE_MAX;
}

static bool date_wrong(uint32_t date)
{
    return date != 0 && !date_valid(date);
}

/* ---- Members ---- */

static bool key_wrong(const ProtobufCBinaryData *field)
{
    struct pubkey33 key;
    return !field_copy(&key, 33, field) || !sign_key_valid(&key);
}

const char *node_wrong(const Xuelian__Node *node)
{
    if (key_wrong(&node->key)) {
        return "has a node key that is not a secp256k1 public key";
    }
    if (node->role == XUELIAN__NODE_ROLE__NODE_ROLE_UNSPECIFIED) {
        return "has a node without a role";
    }
    if (node->n_addresses > LIMIT_ADDRESSES_MAX) {
        return "has a node with more than 4 addresses";
    }
    for (size_t i = 0; i < node->n_addresses; i++) {
        if (strlen(node->addresses[i]) > ADDRESS_SIZE_MAX) {
            return "has a node address of more than 64 bytes";
        }
    }
    return NULL;
}

static const char *keys_wrong(const Xuelian__Member *member)
{
    uint32_t validators = 0;
    if (member->n_keys > LIMIT_MEMBER_KEYS_MAX || member->n_nodes > LIMIT_MEMBER_NODES_MAX) {
        return "has more than 32 keys or nodes";
    }
    for (size_t i = 0; i < member->n_keys; i++) {
        if (key_wrong(&member->keys[i]->key)) {
            return "has a signing key that is not a secp256k1 public key";
        }
    }
    for (size_t i = 0; i < member->n_nodes; i++) {
        const char *wrong = node_wrong(member->nodes[i]);
        if (wrong != NULL) {
            return wrong;
        }
        validators += member->nodes[i]->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
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

const char *member_wrong(const Xuelian__Member *member)
{
    if (strlen(member->name_zh) == 0 || too_long(member->name_zh) || too_long(member->name_en)) {
        return "needs a Chinese name, and names of at most 256 bytes";
    }
    if (member->past_keys != 0 || member->past_nodes != 0 || member->page != 0) {
        return "has pages of what ended, which the ledger alone makes";
    }
    if (too_long(member->credit_code)) {
        return "has a unified social credit code of more than 256 bytes";
    }
    if (!roles_ascend(member)) {
        return "has roles or kinds that do not ascend; sort them, without repeats";
    }
    return keys_wrong(member);
}

/* ---- Regions, courses, frameworks ---- */

const char *region_wrong(const Xuelian__Region *region)
{
    if (region->level < 1 || region->level > 4) {
        return "has a level that is not 1 to 4";
    }
    if (strlen(region->name_zh) == 0 || too_long(region->name_zh)) {
        return "needs a Chinese name of at most 256 bytes";
    }
    if (too_long(region->name_en)) {
        return "has an English name of more than 256 bytes";
    }
    return region->parent >= region->code ? "has a parent that does not come before it" : NULL;
}

const char *course_wrong(const Xuelian__Course *course)
{
    if (course->version == 0) {
        return "has no version; versions begin at 1";
    }
    if (course->kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED) {
        return "has no kind";
    }
    if (too_long(course->name_zh) || too_long(course->name_en)) {
        return "has a name of more than 256 bytes";
    }
    if (course->level > LEVEL_MAX) {
        return "has a level above 10";
    }
    if (date_wrong(course->from_date) || date_wrong(course->to_date) ||
        (course->to_date != 0 && course->to_date < course->from_date)) {
        return "has dates that are none, or end before they begin";
    }
    return course->status > COURSE_STATUS_MAX ? "has a status that is not 0 to 3" : NULL;
}

static bool names_wrong(const char *zh, const char *en)
{
    return strlen(zh) == 0 || too_long(zh) || too_long(en);
}

static const char *lists_wrong(const Xuelian__Framework *framework)
{
    uint64_t before = 0;
    for (size_t i = 0; i < framework->n_levels; i++) {
        const Xuelian__FrameworkLevel *level = framework->levels[i];
        if (level->level <= before || level->level > LEVEL_MAX ||
            names_wrong(level->name_zh, level->name_en)) {
            return "needs levels of 1 to 10 that ascend, each with a Chinese name";
        }
        before = level->level;
    }
    before = 0;
    for (size_t i = 0; i < framework->n_bases; i++) {
        const Xuelian__CreditBasis *basis = framework->bases[i];
        if ((uint64_t)basis->kind <= before || basis->hours_per_credit == 0) {
            return "needs credit bases of kinds that ascend, each above zero";
        }
        before = (uint64_t)basis->kind;
    }
    for (size_t i = 0; i < framework->n_crosswalks; i++) {
        const Xuelian__Crosswalk *row = framework->crosswalks[i];
        if (i == CROSSWALKS_MAX || row->level < 1 || row->level > LEVEL_MAX ||
            row->other_level < 1 || row->other_level > LEVEL_MAX || row->framework == 0 ||
            row->framework == framework->code) {
            return "has more than 100 crosswalks, or one that leads to itself or to no level";
        }
    }
    return NULL;
}

const char *framework_wrong(const Xuelian__Framework *framework)
{
    if (framework->version == 0) {
        return "has no version; versions begin at 1";
    }
    if (names_wrong(framework->name_zh, framework->name_en)) {
        return "needs a Chinese name, and names of at most 256 bytes";
    }
    if (date_wrong(framework->from_date) || date_wrong(framework->to_date) ||
        (framework->to_date != 0 && framework->to_date < framework->from_date)) {
        return "has dates that are none, or end before they begin";
    }
    if (framework->status > 1) {
        return "has a status that is not 0 or 1";
    }
    return lists_wrong(framework);
}
