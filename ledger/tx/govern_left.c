/* Who would be left to approve, when a draft is written; and how many proposals a member has open. */
#include "ledger/state/keys.h"
#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

/* ---- Who is left ---- */

/* Members with a role as the draft has them: the state's, and up to one for each record of the draft. */
struct role_left {
    Xuelian__MemberRole role;
    uint32_t count;
    uint32_t members[LIMIT_GOVERNORS_MAX + DRAFT_RECORDS_MAX];
    uint32_t signing; /* of them, how many have keys from the next height on */
};

static void put(struct role_left *left, uint32_t member, bool in)
{
    uint32_t at = 0;
    while (at < left->count && left->members[at] != member) {
        at++;
    }
    if (in && at == left->count) {
        left->members[left->count++] = member;
    } else if (!in && at < left->count) {
        left->members[at] = left->members[--left->count];
    }
}

/* A member's record as the draft has it. */
static enum status read_member(struct draft *draft, uint32_t id, const Xuelian__Member **member)
{
    ProtobufCMessage *message = NULL;
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    enum status status = draft_message(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, id,
                                       &xuelian__member__descriptor, &message);
    *member = (const Xuelian__Member *)(const void *)message;
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

static enum status look(struct draft *draft, struct role_left *left)
{
    const Xuelian__Member *member = NULL;
    enum status status =
        registry_role_members(draft->state, left->role, left->members, &left->count);
    for (uint32_t i = 0; i < draft->count && status == ST_OK; i++) {
        const struct draft_record *record = &draft->records[i];
        if (record->collection == XUELIAN__COLLECTION__COLLECTION_MEMBERS &&
            record->key_size == 4) { /* not a page */
            uint32_t id = be32_get(record->key);
            status = read_member(draft, id, &member);
            if (status == ST_OK) {
                put(left, id, registry_may(member, left->role));
            }
        }
    }
    left->signing = 0;
    for (uint32_t i = 0; i < left->count && status == ST_OK; i++) {
        status = read_member(draft, left->members[i], &member);
        if (status == ST_OK) {
            left->signing += registry_signs_from(member, draft->context->height + 1) ? 1 : 0;
        }
    }
    return status;
}

/* Nothing else changes who can approve. */
static bool concerns(const struct draft *draft)
{
    bool some = false;
    for (uint32_t i = 0; i < draft->count; i++) {
        some = some || draft->records[i].collection == XUELIAN__COLLECTION__COLLECTION_MEMBERS ||
               draft->records[i].collection == XUELIAN__COLLECTION__COLLECTION_PARAMS;
    }
    return some;
}

enum status govern_check_left(struct draft *draft, uint32_t *code)
{
    struct role_left governors = {.role = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN};
    struct role_left panel = {.role = XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT};
    if (!concerns(draft)) {
        return ST_OK;
    }
    enum status status = look(draft, &governors);
    if (status == ST_OK) {
        status = look(draft, &panel);
    }
    if (status != ST_OK) {
        return status;
    }
    if (governors.count > LIMIT_GOVERNORS_MAX || panel.count > LIMIT_GOVERNORS_MAX) {
        *code = ST_LIST_FULL;
        return ST_OK;
    }
    for (uint32_t class = 0; class < GOVERN_CLASSES; class ++) {
        const struct role_left *left =
            class == GOVERN_COURSES && panel.count > 0 ? &panel : &governors;
        if (govern_needed(&draft->next.params, (enum govern_class) class, left->count) >
            left->signing) {
            *code = ST_GOVERN_STUCK;
        }
    }
    return ST_OK;
}

/* ---- Open proposals ---- */

static struct state_key open_key(uint32_t member)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'o');
    key_add32(&key, member);
    return key;
}

static enum status read_open(struct state *state, uint32_t member, uint32_t *count)
{
    struct state_key key = open_key(member);
    struct bytes value;
    *count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size != 4) {
        return ST_CORRUPT;
    }
    *count = be32_get(value.data);
    return ST_OK;
}

enum status govern_open_room(struct state *state, uint32_t member, uint32_t *code)
{
    uint32_t count;
    enum status status = read_open(state, member, &count);
    if (status == ST_OK && count >= LIMIT_PROPOSALS_OPEN_MAX) {
        *code = ST_PROPOSALS_FULL;
    }
    return status;
}

enum status govern_open_count(struct state *state, uint32_t member, bool add)
{
    struct state_key key = open_key(member);
    uint8_t value[4];
    uint32_t count;
    enum status status = read_open(state, member, &count);
    if (status == ST_OK) {
        CHECK(add ? count < LIMIT_PROPOSALS_OPEN_MAX : count > 0);
        be32_put(value, add ? count + 1 : count - 1);
        overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, 4));
    }
    return status;
}
