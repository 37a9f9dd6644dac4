/* Changes of the validator set, and the signatures without which none is made (consensus.md, Membership). */
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/govern.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/quorum.h"

static int of_member(const struct validator_set *set, uint32_t member)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->validators[i].member == member) {
            return (int)i;
        }
    }
    return -1;
}

static bool before(const struct validator *a, const struct validator *b)
{
    return a->joined < b->joined ||
           (a->joined == b->joined && pubkey33_compare(&a->key, &b->key) < 0);
}

/* Keeps the order by (joined, key). There is room. */
static void set_insert(struct validator_set *set, const struct validator *made)
{
    uint32_t at = set->count++;
    for (; at > 0 && before(made, &set->validators[at - 1]); at--) {
        set->validators[at] = set->validators[at - 1];
    }
    set->validators[at] = *made;
}

static void set_remove(struct validator_set *set, uint32_t at)
{
    for (uint32_t i = at; i + 1 < set->count; i++) {
        set->validators[i] = set->validators[i + 1];
    }
    set->count--;
    memset(&set->validators[set->count], 0, sizeof set->validators[0]);
}

static bool remove_validator(struct draft *draft, const Xuelian__ValidatorChange *wish,
                             Xuelian__Node *node)
{
    struct validator_set *set = &draft->next.set;
    int at = of_member(set, wish->member);
    if (at < 0 || memcmp(set->validators[at].key.bytes, wish->key.data, 33) != 0 ||
        wish->incarnation != 0) {
        return false;
    }
    set_remove(set, (uint32_t)at);
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER; /* it goes on following */
    return true;
}

/* Joins, or returns with a higher incarnation. Who is in the set of this height just so has never left. */
static bool add_validator(struct draft *draft, const Xuelian__ValidatorChange *wish,
                          Xuelian__Node *node)
{
    struct validator_set *set = &draft->next.set;
    struct validator made = {.member = wish->member,
                             .joined = draft->context->height + 1,
                             .incarnation = wish->incarnation};
    memcpy(made.key.bytes, wish->key.data, 33);
    int at = of_member(set, wish->member);
    if (node->to_height != 0 || wish->incarnation < node->incarnation) {
        return false;
    }
    if (at >= 0) {
        struct validator *known = &set->validators[at];
        if (pubkey33_compare(&known->key, &made.key) != 0 ||
            wish->incarnation <= known->incarnation) {
            return false;
        }
        known->incarnation = wish->incarnation;
        draft->joining[draft->joining_count++] = made.key;
    } else {
        if (set->count == LIMIT_VALIDATORS_MAX) {
            return false;
        }
        int was = validator_set_find(draft->context->set, &made.key);
        if (was >= 0 && draft->context->set->validators[was].incarnation == made.incarnation) {
            made = draft->context->set->validators[was];
        } else {
            draft->joining[draft->joining_count++] = made.key;
        }
        set_insert(set, &made);
    }
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    node->incarnation = wish->incarnation;
    return true;
}

static Xuelian__Node *node_of(const Xuelian__Member *member, const ProtobufCBinaryData *key)
{
    for (size_t i = 0; i < member->n_nodes; i++) {
        if (memcmp(member->nodes[i]->key.data, key->data, 33) == 0) {
            return member->nodes[i];
        }
    }
    return NULL;
}

enum status change_validator(struct draft *draft, const Xuelian__ValidatorChange *wish,
                             uint32_t *code)
{
    Xuelian__Member *member = NULL;
    enum status status = draft_member_open(draft, wish->member, &member, code);
    draft->changes_set = true;
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    Xuelian__Node *node = node_of(member, &wish->key);
    if (node == NULL) {
        *code = ST_BAD_SET;
    } else if (!wish->remove && member->status != 0) {
        *code = ST_MEMBER_INACTIVE;
    } else if (draft->joining_count == LIMIT_VALIDATORS_MAX ||
               !(wish->remove ? remove_validator : add_validator)(draft, wish, node)) {
        *code = ST_BAD_SET;
    }
    if (*code == ST_OK) {
        draft_put_numbered(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, member->id,
                           &member->base);
    }
    return ST_OK;
}

/* ---- FOLLOWING signatures ---- */

/* The hash of a committed block, of the last LIMIT_HEADER_RING. */
static enum status header_at(struct state *state, uint64_t height, struct hash32 *hash)
{
    struct state_key key = key_header(height);
    struct bytes value;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    if (value.size != 40 || be64_get(value.data) != height) {
        return ST_CORRUPT;
    }
    memcpy(hash->bytes, value.data + 8, 32);
    return ST_OK;
}

static enum status following_good(struct draft *draft, const struct following *following,
                                  const struct validator *signer, bool *good)
{
    const struct block_context *context = draft->context;
    struct hash32 header;
    struct hash32 hash;
    *good = false;
    if (following->era != context->set->era || following->height >= context->height ||
        following->height + 1 < following->era ||
        context->height - following->height > context->params->admission_heights ||
        following->incarnation != signer->incarnation) {
        return ST_OK;
    }
    enum status status = header_at(draft->state, following->height, &header);
    if (status == ST_OK && hash32_equal(&header, &following->header_hash)) {
        following_hash(&hash, context->chain_id, following);
        *good = sign_verify(&following->key, &hash, &following->signature);
    }
    return status;
}

static bool convert(struct following *out, const Xuelian__Following *wire)
{
    out->era = wire->era;
    out->height = wire->height;
    out->incarnation = wire->incarnation;
    return field_copy(&out->key, 33, &wire->key) &&
           field_copy(&out->header_hash, 32, &wire->header_hash) &&
           field_copy(&out->signature, 64, &wire->signature);
}

enum status govern_followings(struct draft *draft, Xuelian__Following *const *followings,
                              size_t count, uint32_t *code)
{
    const struct validator_set *set = &draft->next.set;
    bool signed_by[LIMIT_VALIDATORS_MAX] = {false};
    if (count > set->count) {
        *code = ST_BAD_FOLLOWING;
        return ST_OK;
    }
    for (size_t i = 0; i < count; i++) {
        struct following following;
        bool good = false;
        int at = convert(&following, followings[i]) ? validator_set_find(set, &following.key) : -1;
        if (at >= 0 && !signed_by[at]) {
            enum status status = following_good(draft, &following, &set->validators[at], &good);
            if (status != ST_OK) {
                return status;
            }
            signed_by[at] = true;
        }
        if (!good) {
            *code = ST_BAD_FOLLOWING;
            return ST_OK;
        }
    }
    if (count < quorum_size(set->count)) {
        *code = ST_FOLLOWING_LACKING;
    }
    for (uint32_t i = 0; i < draft->joining_count; i++) {
        int at = validator_set_find(set, &draft->joining[i]);
        if (at >= 0 && !signed_by[at]) { /* one that joined and left again in the same draft */
            *code = ST_FOLLOWING_LACKING;
        }
    }
    return ST_OK;
}
