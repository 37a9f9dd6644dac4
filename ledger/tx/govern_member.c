/* Changes of members: their records, status, keys and nodes. */
#include <string.h>

#include "ledger/record_checks.h"
#include "ledger/tx/govern.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { MEMBER_ACTIVE = 0, MEMBER_ENDED = 2 };

static bool same_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void put_member(struct draft *draft, const Xuelian__Member *member)
{
    draft_put_numbered(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, member->id, &member->base);
}

/* ---- Node keys are one member's, for ever ---- */

static enum status node_free(struct draft *draft, const ProtobufCBinaryData *key, uint32_t *code)
{
    uint32_t owner;
    enum status status = registry_node_owner(draft->state, key, &owner);
    for (uint32_t i = 0; i < draft->node_count && status == ST_OK && owner == 0; i++) {
        owner = memcmp(draft->nodes[i].key.bytes, key->data, 33) == 0 ? draft->nodes[i].member : 0;
    }
    if (status == ST_OK && owner != 0) {
        *code = ST_KEY_TAKEN;
    }
    return status;
}

static void node_note(struct draft *draft, const ProtobufCBinaryData *key, uint32_t member)
{
    CHECK(draft->node_count < sizeof draft->nodes / sizeof draft->nodes[0]);
    memcpy(draft->nodes[draft->node_count].key.bytes, key->data, 33);
    draft->nodes[draft->node_count++].member = member;
}

/* ---- The record ---- */

/* A new member's keys and nodes act from the next height. */
static enum status change_new(struct draft *draft, const Xuelian__Member *wish, uint32_t *code)
{
    uint64_t next = draft->context->height + 1;
    enum status status = ST_OK;
    if (wish->status != MEMBER_ACTIVE || wish->successor != 0) {
        *code = ST_BAD_RECORD;
    }
    for (size_t i = 0; i < wish->n_keys && *code == ST_OK; i++) {
        if (wish->keys[i]->to_height != 0) {
            *code = ST_BAD_RECORD;
        }
        for (size_t k = 0; k < i; k++) {
            if (same_bytes(&wish->keys[i]->key, &wish->keys[k]->key)) {
                *code = ST_KEY_TAKEN;
            }
        }
        wish->keys[i]->from_height = higher(wish->keys[i]->from_height, next);
    }
    for (size_t i = 0; i < wish->n_nodes && status == ST_OK && *code == ST_OK; i++) {
        Xuelian__Node *node = wish->nodes[i];
        if (node->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR || node->to_height != 0) {
            *code = ST_BAD_RECORD;
            break;
        }
        node->from_height = higher(node->from_height, next);
        status = node_free(draft, &node->key, code);
        if (status == ST_OK && *code == ST_OK) {
            node_note(draft, &node->key, wish->id);
        }
    }
    return status;
}

enum status change_member(struct draft *draft, const Xuelian__Member *wish, uint32_t *code)
{
    Xuelian__Member *known = NULL;
    Xuelian__Member made = *wish;
    bool region_there = true;
    uint32_t unknown = ST_OK;
    enum status status = ST_OK;
    if (wish->region != 0) {
        status =
            draft_has(draft, XUELIAN__COLLECTION__COLLECTION_REGIONS, wish->region, &region_there);
    }
    if (status == ST_OK && !region_there) {
        *code = ST_UNKNOWN_REGION;
        return ST_OK;
    }
    if (status == ST_OK) {
        status = draft_member_open(draft, wish->id, &known, &unknown);
    }
    if (status != ST_OK) {
        return status;
    }
    if (known == NULL) {
        status = change_new(draft, wish, code);
    } else if (known->status == MEMBER_ENDED) {
        *code = ST_MEMBER_INACTIVE;
    } else if (wish->n_keys != 0 || wish->n_nodes != 0 || wish->status != 0 ||
               wish->successor != 0) {
        *code = ST_BAD_RECORD; /* those have changes of their own, which cannot undo one another */
    } else {
        made.keys = known->keys;
        made.n_keys = known->n_keys;
        made.nodes = known->nodes;
        made.n_nodes = known->n_nodes;
        made.status = known->status;
        made.successor = known->successor;
        made.past_keys = known->past_keys;
        made.past_nodes = known->past_nodes;
    }
    if (status == ST_OK && *code == ST_OK) {
        put_member(draft, &made);
    }
    return status;
}

/* ---- Status ---- */

static bool validates(const struct draft *draft, uint32_t member)
{
    for (uint32_t i = 0; i < draft->next.set.count; i++) {
        if (draft->next.set.validators[i].member == member) {
            return true;
        }
    }
    return false;
}

/* Of a member that ends, or has ended without one, another may be named that goes on with what it did. */
static enum status check_successor(struct draft *draft, const Xuelian__MemberStatusChange *wish,
                                   uint32_t *code)
{
    Xuelian__Member *successor = NULL;
    if (wish->successor == 0) {
        return ST_OK;
    }
    if (wish->status != MEMBER_ENDED || wish->successor == wish->member) {
        *code = ST_BAD_RECORD;
        return ST_OK;
    }
    enum status status = draft_member(draft, wish->successor, &successor, code);
    if (status == ST_OK && *code == ST_OK && successor->status == MEMBER_ENDED) {
        *code = ST_MEMBER_INACTIVE;
    }
    return status;
}

/* What has ended changes once more at most: a successor is named that was not. */
static bool status_follows(const struct draft *draft, const Xuelian__Member *member,
                           const Xuelian__MemberStatusChange *wish)
{
    if (member->status == MEMBER_ENDED) {
        return wish->status == MEMBER_ENDED && member->successor == 0 && wish->successor != 0;
    }
    return member->status != wish->status &&
           !(wish->status == MEMBER_ENDED && validates(draft, wish->member));
}

enum status change_member_status(struct draft *draft, const Xuelian__MemberStatusChange *wish,
                                 uint32_t *code)
{
    Xuelian__Member *member = NULL;
    enum status status = draft_member_open(draft, wish->member, &member, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!status_follows(draft, member, wish)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    member->status = wish->status;
    member->successor = wish->successor;
    put_member(draft, member);
    return check_successor(draft, wish, code);
}

/* ---- Keys ---- */

enum status change_member_key(struct draft *draft, const Xuelian__MemberKeyChange *wish,
                              uint32_t *code)
{
    Xuelian__Member *member = NULL;
    Xuelian__MemberKey made = XUELIAN__MEMBER_KEY__INIT;
    Xuelian__MemberKey *room[LIMIT_MEMBER_KEYS_MAX];
    enum status status = draft_member_open(draft, wish->member, &member, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (member->status == MEMBER_ENDED) {
        *code = ST_MEMBER_INACTIVE;
        return ST_OK;
    }
    if (wish->to_height != 0) {
        status = draft_key_end(draft, member, &wish->key, wish->to_height, code);
    } else {
        made.key = wish->key;
        made.from_height = higher(wish->from_height, draft->context->height + 1);
        status = draft_key_add(draft, member, room, &made, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        put_member(draft, member);
    }
    return status;
}

/* ---- Nodes ---- */

static Xuelian__Node *node_find(const Xuelian__Member *member, const ProtobufCBinaryData *key)
{
    for (size_t i = 0; i < member->n_nodes; i++) {
        if (same_bytes(&member->nodes[i]->key, key)) {
            return member->nodes[i];
        }
    }
    return NULL;
}

/* Whether a node validates is for the set change alone to say; while it does it may connect. */
static bool role_stays(const Xuelian__Node *known, const Xuelian__MemberNodeChange *wish)
{
    bool validates = known != NULL && known->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    return validates == (wish->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR) &&
           !(validates && wish->to_height != 0);
}

enum status change_member_node(struct draft *draft, const Xuelian__MemberNodeChange *wish,
                               uint32_t *code)
{
    Xuelian__Member *member = NULL;
    Xuelian__Node made = XUELIAN__NODE__INIT;
    Xuelian__Node *room[LIMIT_MEMBER_NODES_MAX];
    enum status status = draft_member_open(draft, wish->member, &member, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    Xuelian__Node *node = node_find(member, &wish->key);
    if (member->status == MEMBER_ENDED) {
        *code = ST_MEMBER_INACTIVE;
    } else if (!role_stays(node, wish)) {
        *code = ST_BAD_RECORD;
    } else if (node == NULL) {
        status = node_free(draft, &wish->key, code);
        if (status == ST_OK && *code == ST_OK && member->n_nodes >= LIMIT_MEMBER_NODES_MAX) {
            *code = ST_LIST_FULL;
        }
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (node == NULL) {
        made.key = wish->key;
        made.from_height = draft->context->height + 1;
        if (member->n_nodes > 0) {
            memcpy(room, member->nodes, member->n_nodes * sizeof(Xuelian__Node *));
        }
        room[member->n_nodes++] = &made;
        member->nodes = room;
        node = &made;
        node_note(draft, &wish->key, wish->member);
    }
    node->role = wish->role;
    node->addresses = wish->addresses;
    node->n_addresses = wish->n_addresses;
    node->to_height = wish->to_height;
    put_member(draft, member);
    return ST_OK;
}
