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

enum status registry_put(struct state *state, uint32_t collection, uint32_t number,
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

enum status registry_role_count(struct state *state, Xuelian__MemberRole role, uint32_t *count)
{
    struct state_key key = role_key(role);
    return get_number(state, &key, count);
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

static enum status count_roles(struct state *state, const Xuelian__Member *member)
{
    const struct member_view *before;
    enum status status = state_member(state, member->id, &before);
    for (size_t i = 0; i < COUNTED_ROLES && status == ST_OK; i++) {
        struct state_key key = role_key(counted_roles[i]);
        bool could = before->exists && before->status == 0 &&
                     (before->roles >> (uint32_t)counted_roles[i] & 1) != 0;
        bool may = registry_may(member, counted_roles[i]);
        uint32_t count;
        status = get_number(state, &key, &count);
        if (status == ST_OK && may != could) {
            CHECK(may || count > 0);
            put_number(state, &key, may ? count + 1 : count - 1);
        }
    }
    return status;
}

enum status registry_put_member(struct state *state, const Xuelian__Member *member)
{
    enum status status = count_roles(state, member);
    if (status == ST_OK) {
        status =
            registry_put(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS, member->id, &member->base);
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
