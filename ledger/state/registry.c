#include "ledger/state/registry.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

static const Xuelian__MemberRole counted_roles[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN,
                                                    XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT};
enum { COUNTED_ROLES = sizeof counted_roles / sizeof counted_roles[0] };

static enum status put_record(struct state *state, uint32_t collection, struct bytes natural_key,
                              const ProtobufCMessage *message)
{
    size_t size = canonical_size(message);
    uint8_t *value = malloc(size + 1);
    if (value == NULL) {
        return ST_NO_MEMORY;
    }
    canonical_encode(value, message);
    enum status status = state_put(state, collection, natural_key, bytes_of(value, size));
    free(value);
    return status;
}

enum status registry_put(struct state *state, uint32_t collection, uint32_t number,
                         const ProtobufCMessage *message)
{
    uint8_t key[4];
    be32_put(key, number);
    return put_record(state, collection, bytes_of(key, 4), message);
}

enum status registry_put_param(struct state *state, const char *name, uint64_t value)
{
    char text[64];
    uint8_t bytes[128];
    Xuelian__ParamValue wire = XUELIAN__PARAM_VALUE__INIT;
    size_t length = strlen(name);
    CHECK(length < sizeof text);
    memcpy(text, name, length + 1);
    wire.name = text;
    wire.value = value;
    size_t size = canonical_encode(bytes, &wire.base);
    return state_put(state, XUELIAN__COLLECTION__COLLECTION_PARAMS, bytes_of(text, length),
                     bytes_of(bytes, size));
}

/* ---- Indexes ---- */

static struct state_key node_key(const ProtobufCBinaryData *key)
{
    struct state_key made = key_of('X');
    CHECK(key->len == 33);
    key_add8(&made, 'n');
    memcpy(made.data + made.size, key->data, 33);
    made.size += 33;
    return made;
}

static struct state_key role_key(Xuelian__MemberRole role)
{
    struct state_key made = key_of('X');
    key_add8(&made, 'g');
    key_add8(&made, (uint8_t)role);
    return made;
}

/* A number of 4 bytes; one that is not there is 0. */
static enum status get_number(struct state *state, const struct state_key *key, uint32_t *number)
{
    struct bytes value;
    enum status status = overlay_get(state_overlay(state), key_bytes(key), &value);
    *number = status == ST_OK && value.size == 4 ? be32_get(value.data) : 0;
    if (status == ST_OK && value.size != 4) {
        status = ST_CORRUPT;
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static void put_number(struct state *state, const struct state_key *key, uint32_t number)
{
    uint8_t bytes[4];
    be32_put(bytes, number);
    overlay_put(state_overlay(state), key_bytes(key), bytes_of(bytes, 4));
}

enum status registry_node_owner(struct state *state, const ProtobufCBinaryData *key,
                                uint32_t *member)
{
    struct state_key made = node_key(key);
    return get_number(state, &made, member);
}

enum status registry_role_members(struct state *state, Xuelian__MemberRole role, uint32_t *members,
                                  uint32_t *count)
{
    struct state_key key = role_key(role);
    struct bytes value;
    *count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size % 4 != 0 || value.size / 4 > LIMIT_GOVERNORS_MAX) {
        return ST_CORRUPT;
    }
    for (size_t at = 0; at < value.size; at += 4) {
        members[(*count)++] = be32_get(value.data + at);
    }
    return ST_OK;
}

enum status registry_role_count(struct state *state, Xuelian__MemberRole role, uint32_t *count)
{
    uint32_t members[LIMIT_GOVERNORS_MAX];
    return registry_role_members(state, role, members, count);
}

bool registry_signs_from(const Xuelian__Member *member, uint64_t height)
{
    bool further = true;
    /* Each round goes on to where the longest key in force ends: as many rounds as keys at most. */
    for (size_t round = 0; round <= member->n_keys && further; round++) {
        uint64_t until = height;
        for (size_t i = 0; i < member->n_keys; i++) {
            const Xuelian__MemberKey *key = member->keys[i];
            if (key->from_height <= height && key->to_height == 0) {
                return true;
            }
            if (key->from_height <= height && key->to_height > until) {
                until = key->to_height;
            }
        }
        further = until > height;
        height = until;
    }
    return false;
}

bool registry_may(const Xuelian__Member *member, Xuelian__MemberRole role)
{
    for (size_t i = 0; member->status == 0 && i < member->n_roles; i++) {
        if (member->roles[i] == role) {
            return true;
        }
    }
    return false;
}

/* ---- Members ---- */

/* Ascending, without repeats. There is room. */
static void list_put(uint32_t *members, uint32_t *count, uint32_t member, bool in)
{
    uint32_t at = 0;
    while (at < *count && members[at] < member) {
        at++;
    }
    bool there = at < *count && members[at] == member;
    if (in && !there) {
        CHECK(*count < LIMIT_GOVERNORS_MAX);
        memmove(&members[at + 1], &members[at], (*count - at) * sizeof members[0]);
        members[at] = member;
        *count += 1;
    } else if (!in && there) {
        *count -= 1;
        memmove(&members[at], &members[at + 1], (*count - at) * sizeof members[0]);
    }
}

/* leaving: takes the member off the lists where it belongs no more, and puts it on none. */
static enum status list_roles(struct state *state, const Xuelian__Member *member, bool leaving)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < COUNTED_ROLES && status == ST_OK; i++) {
        struct state_key key = role_key(counted_roles[i]);
        uint32_t members[LIMIT_GOVERNORS_MAX];
        uint8_t value[4 * LIMIT_GOVERNORS_MAX];
        uint32_t count;
        status = registry_role_members(state, counted_roles[i], members, &count);
        if (status != ST_OK) {
            break;
        }
        uint32_t before = count;
        bool in = registry_may(member, counted_roles[i]);
        if (!in || !leaving) {
            list_put(members, &count, member->id, in);
        }
        for (uint32_t k = 0; k < count; k++) {
            be32_put(value + (size_t)k * 4, members[k]);
        }
        if (count != before) {
            overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, (size_t)count * 4));
        }
    }
    return status;
}

size_t registry_member_key(uint8_t out[MEMBER_KEY_SIZE_MAX], uint32_t member, uint32_t page)
{
    be32_put(out, member);
    be32_put(out + 4, page);
    return page == 0 ? 4 : 8;
}

static struct state_key page_key(uint32_t member, const ProtobufCBinaryData *key)
{
    struct state_key made = key_of('X');
    CHECK(key->len == 33);
    key_add8(&made, 'w');
    key_add32(&made, member);
    memcpy(made.data + made.size, key->data, 33);
    made.size += 33;
    return made;
}

enum status registry_key_page(struct state *state, uint32_t member, const ProtobufCBinaryData *key,
                              uint32_t *page)
{
    struct state_key made = page_key(member, key);
    return get_number(state, &made, page);
}

enum status registry_leave_roles(struct state *state, const Xuelian__Member *member)
{
    return member->page == 0 ? list_roles(state, member, true) : ST_OK;
}

enum status registry_put_member(struct state *state, const Xuelian__Member *member)
{
    uint8_t natural_key[MEMBER_KEY_SIZE_MAX];
    size_t key_size = registry_member_key(natural_key, member->id, member->page);
    enum status status = member->page == 0 ? list_roles(state, member, false) : ST_OK;
    if (status == ST_OK) {
        status = put_record(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS,
                            bytes_of(natural_key, key_size), &member->base);
    }
    for (size_t i = 0; i < member->n_keys && status == ST_OK && member->page != 0; i++) {
        struct state_key key = page_key(member->id, &member->keys[i]->key);
        put_number(state, &key, member->page);
    }
    for (size_t i = 0; i < member->n_nodes && status == ST_OK; i++) {
        struct state_key key = node_key(&member->nodes[i]->key);
        uint32_t owner;
        status = get_number(state, &key, &owner);
        if (status == ST_OK && owner != member->id) {
            CHECK(owner == 0);
            put_number(state, &key, member->id);
        }
    }
    return status;
}
