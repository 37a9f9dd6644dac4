#include "ledger/genesis_rules.h"

#include <stdio.h>

#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/convert.h"

/* Members, courses and rules ascend, so a number is found by halving. */
#define FIND(function, type, list, count)                                     \
    static const type *function(const Xuelian__Genesis *message, uint32_t id) \
    {                                                                         \
        size_t low = 0;                                                       \
        size_t high = message->count;                                         \
        while (low < high) {                                                  \
            size_t middle = low + (high - low) / 2;                           \
            if (message->list[middle]->id == id) {                            \
                return message->list[middle];                                 \
            }                                                                 \
            if (message->list[middle]->id < id) {                             \
                low = middle + 1;                                             \
            } else {                                                          \
                high = middle;                                                \
            }                                                                 \
        }                                                                     \
        return NULL;                                                          \
    }
FIND(find_member, Xuelian__Member, members, n_members)
FIND(find_course, Xuelian__Course, courses, n_courses)
FIND(find_rule, Xuelian__Rule, rules, n_rules)
#undef FIND

static const char *check_rule(const Xuelian__Genesis *message, const Xuelian__Rule *rule)
{
    const uint32_t members[] = {rule->owner, rule->source_issuer, rule->appeal_to};
    const uint32_t courses[] = {rule->source_course, rule->target_course};
    const char *wrong = rule_form(rule);
    if (wrong != NULL) {
        return wrong;
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (members[i] != 0 && find_member(message, members[i]) == NULL) {
            return "names a member that is not in the file";
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (courses[i] != 0 && find_course(message, courses[i]) == NULL) {
            return "names a course that is not in the file";
        }
    }
    return rule->replaces == 0 ? NULL : rule_follows(rule, find_rule(message, rule->replaces));
}

enum status genesis_check_rules(const Xuelian__Genesis *message, char error[GENESIS_ERROR_SIZE])
{
    static const char unsorted[] =
        "is not above the one before it; sort by number, without repeats";
    uint32_t before = 0;
    /* All in order first: a rule is found among them. */
    for (size_t i = 0; i < message->n_rules; i++) {
        if (message->rules[i]->id <= before) {
            snprintf(error, GENESIS_ERROR_SIZE, "rule %u %s", (unsigned)message->rules[i]->id,
                     unsorted);
            return ST_BAD_CONFIG;
        }
        before = message->rules[i]->id;
    }
    for (size_t i = 0; i < message->n_rules; i++) {
        const char *wrong = check_rule(message, message->rules[i]);
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "rule %u %s", (unsigned)message->rules[i]->id,
                     wrong);
            return ST_BAD_CONFIG;
        }
    }
    before = 0;
    for (size_t i = 0; i < message->n_catalogue; i++) {
        const Xuelian__CatalogueEntry *entry = message->catalogue[i];
        const char *wrong = entry->id <= before ? unsorted : catalogue_form(entry);
        if (wrong == NULL && find_member(message, entry->provider) == NULL) {
            wrong = "has a provider that is not in the file";
        }
        if (wrong != NULL) {
            snprintf(error, GENESIS_ERROR_SIZE, "catalogue entry %u %s", (unsigned)entry->id,
                     wrong);
            return ST_BAD_CONFIG;
        }
        before = entry->id;
    }
    return ST_OK;
}

static bool has_key(const Xuelian__Member *member, const struct pubkey33 *key)
{
    struct pubkey33 other;
    for (size_t i = 0; i < member->n_keys; i++) {
        if (field_copy(&other, 33, &member->keys[i]->key) && pubkey33_compare(&other, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < member->n_nodes; i++) {
        if (field_copy(&other, 33, &member->nodes[i]->key) && pubkey33_compare(&other, key) == 0) {
            return true;
        }
    }
    return false;
}

enum status genesis_check_recovery(const Xuelian__Genesis *message, struct recovery_keys *keys,
                                   char error[GENESIS_ERROR_SIZE])
{
    const char *wrong = recovery_keys_read(keys, message);
    if (wrong != NULL) {
        snprintf(error, GENESIS_ERROR_SIZE, "the recovery keys %s", wrong);
        return ST_BAD_CONFIG;
    }
    for (size_t i = 0; i < message->n_members; i++) {
        for (uint32_t k = 0; k < keys->count; k++) {
            if (has_key(message->members[i], &keys->keys[k])) {
                snprintf(error, GENESIS_ERROR_SIZE,
                         "recovery key %u is a key of member %u; recovery keys are kept offline "
                         "and used for nothing else",
                         (unsigned)k + 1, (unsigned)message->members[i]->id);
                return ST_BAD_CONFIG;
            }
        }
    }
    return ST_OK;
}
