/* What a recovery does to the records (docs/protocol.md, section 21). */
#include <string.h>

#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

enum { COLLECTION = XUELIAN__COLLECTION__COLLECTION_MEMBERS };

static Xuelian__Node *node_of(const Xuelian__Member *member, const struct pubkey33 *key)
{
    for (size_t i = 0; i < member->n_nodes; i++) {
        if (memcmp(member->nodes[i]->key.data, key->bytes, 33) == 0) {
            return member->nodes[i];
        }
    }
    return NULL;
}

static enum status read_member(struct draft *draft, uint32_t id, Xuelian__Member **member,
                               uint32_t *code)
{
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    return draft_member(draft, id, member, code);
}

/* A validator that is lost: its node connects no more. */
static enum status lose(struct draft *draft, const struct validator *lost, uint64_t era)
{
    Xuelian__Member *member = NULL;
    uint32_t code = ST_OK;
    enum status status = read_member(draft, lost->member, &member, &code);
    Xuelian__Node *node = status == ST_OK && code == ST_OK ? node_of(member, &lost->key) : NULL;
    if (status != ST_OK || node == NULL) {
        return status != ST_OK ? status : ST_CORRUPT; /* a validator is a node of its member */
    }
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    node->to_height = era;
    draft_put_numbered(draft, COLLECTION, member->id, &member->base);
    return ST_OK;
}

static const Xuelian__RecoveryNode *addresses_of(const Xuelian__Recovery *message,
                                                 const struct pubkey33 *key)
{
    for (size_t i = 0; i < message->n_nodes; i++) {
        if (memcmp(message->nodes[i]->key.data, key->bytes, 33) == 0) {
            return message->nodes[i];
        }
    }
    return NULL;
}

/* A node that the records do not know yet goes to the end of its member's. */
static enum status add_node(struct draft *draft, Xuelian__Member *member, Xuelian__Node *made,
                            Xuelian__Node **room, uint32_t *code)
{
    uint32_t owner = 0;
    enum status status = registry_node_owner(draft->state, &made->key, &owner);
    if (status != ST_OK) {
        return status;
    }
    if (owner != 0) {
        *code = ST_KEY_TAKEN;
    } else if (member->n_nodes >= LIMIT_MEMBER_NODES_MAX) {
        *code = ST_LIST_FULL;
    } else {
        if (member->n_nodes > 0) {
            memcpy(room, member->nodes, member->n_nodes * sizeof(Xuelian__Node *));
        }
        room[member->n_nodes++] = made;
        member->nodes = room;
    }
    return ST_OK;
}

static bool joined_right(const struct draft *draft, const struct validator *validator, uint64_t era)
{
    int was = validator_set_find(draft->context->set, &validator->key);
    return validator->joined == (was < 0 ? era : draft->context->set->validators[was].joined);
}

static enum status seat(struct draft *draft, const struct recovery *recovery,
                        const struct validator *validator, uint32_t *code)
{
    Xuelian__Member *member = NULL;
    Xuelian__Node made = XUELIAN__NODE__INIT;
    Xuelian__Node *room[LIMIT_MEMBER_NODES_MAX];
    enum status status = read_member(draft, validator->member, &member, code);
    if (status == ST_OK && *code == ST_OK && member->status != 0) {
        *code = ST_MEMBER_INACTIVE;
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    Xuelian__Node *node = node_of(member, &validator->key);
    if (node == NULL) {
        node = &made;
        made.key = field_borrow(&validator->key, 33);
        made.from_height = recovery->set.era;
        status = add_node(draft, member, &made, room, code);
    } else if (node->to_height != 0 || node->incarnation > validator->incarnation) {
        *code = ST_BAD_SET;
    }
    if (status == ST_OK && *code == ST_OK && !joined_right(draft, validator, recovery->set.era)) {
        *code = ST_BAD_SET;
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    const Xuelian__RecoveryNode *addresses = addresses_of(recovery->message, &validator->key);
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    node->incarnation = validator->incarnation;
    if (addresses != NULL) {
        node->n_addresses = addresses->n_addresses;
        node->addresses = addresses->addresses;
    }
    draft_put_numbered(draft, COLLECTION, member->id, &member->base);
    return ST_OK;
}

static void put_record(struct draft *draft, const struct recovery *recovery)
{
    Xuelian__GovernRecord wire = XUELIAN__GOVERN_RECORD__INIT;
    Xuelian__RecoveryRecord record = XUELIAN__RECOVERY_RECORD__INIT;
    record.height = draft->context->height;
    record.content = field_borrow(recovery->body.data, recovery->body.size);
    record.id = field_borrow(&recovery->id, 32);
    wire.recovery = &record;
    draft_put(draft, XUELIAN__COLLECTION__COLLECTION_PROPOSALS, bytes_of(&recovery->id, 32),
              &wire.base);
}

enum status govern_recover(struct state *state, const struct block_context *context,
                           const struct recovery *recovery, uint32_t *code, uint32_t *member)
{
    struct draft *draft = draft_new(state, context);
    enum status status = ST_OK;
    *code = ST_OK;
    for (uint32_t i = 0; i < context->set->count && status == ST_OK; i++) {
        const struct validator *before = &context->set->validators[i];
        if (validator_set_find(&recovery->set, &before->key) < 0) {
            status = lose(draft, before, recovery->set.era);
        }
    }
    for (uint32_t i = 0; i < recovery->set.count && status == ST_OK && *code == ST_OK; i++) {
        *member = recovery->set.validators[i].member;
        status = seat(draft, recovery, &recovery->set.validators[i], code);
    }
    if (status == ST_OK && *code == ST_OK) {
        put_record(draft, recovery);
        draft->next.set = recovery->set;
        status = draft_write(draft);
    }
    draft_free(draft);
    return status;
}
