#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

#define SIGNED_SIZE_MAX 160u

static void hash_message(struct hash32 *out, enum hash_tag tag, const ProtobufCMessage *message)
{
    uint8_t bytes[SIGNED_SIZE_MAX];
    CHECK(canonical_size(message) <= sizeof bytes);
    size_t size = canonical_encode(bytes, message);
    hash_tagged(out, tag, bytes, size);
}

void vote_hash(struct hash32 *out, enum hash_tag tag, const struct hash32 *chain_id, uint64_t era,
               uint64_t view, uint64_t height, const struct hash32 *hash)
{
    Xuelian__VoteBody body = XUELIAN__VOTE_BODY__INIT;
    CHECK(tag == TAG_SIGN_PRE_PREPARE || tag == TAG_SIGN_PREPARE || tag == TAG_SIGN_COMMIT);
    body.chain_id = field_borrow(chain_id, 32);
    body.era = era;
    body.view = view;
    body.height = height;
    body.hash = field_borrow(hash, 32);
    hash_message(out, tag, &body.base);
}

void view_change_hash(struct hash32 *out, const struct hash32 *chain_id, uint64_t era,
                      uint64_t new_view, uint64_t committed_height,
                      const struct hash32 *committed_hash, const struct hash32 *prepared_digest)
{
    Xuelian__ViewChangeBody body = XUELIAN__VIEW_CHANGE_BODY__INIT;
    body.chain_id = field_borrow(chain_id, 32);
    body.era = era;
    body.new_view = new_view;
    body.committed_height = committed_height;
    body.committed_hash = field_borrow(committed_hash, 32);
    if (prepared_digest != NULL) {
        body.prepared_digest = field_borrow(prepared_digest, 32);
    }
    hash_message(out, TAG_SIGN_VIEW_CHANGE, &body.base);
}

void new_view_hash(struct hash32 *out, const struct hash32 *chain_id, uint64_t era,
                   uint64_t new_view, const struct hash32 *set_digest)
{
    Xuelian__NewViewBody body = XUELIAN__NEW_VIEW_BODY__INIT;
    body.chain_id = field_borrow(chain_id, 32);
    body.era = era;
    body.new_view = new_view;
    body.set_digest = field_borrow(set_digest, 32);
    hash_message(out, TAG_SIGN_NEW_VIEW, &body.base);
}

void following_hash(struct hash32 *out, const struct hash32 *chain_id,
                    const struct following *following)
{
    Xuelian__FollowingBody body = XUELIAN__FOLLOWING_BODY__INIT;
    body.chain_id = field_borrow(chain_id, 32);
    body.era = following->era;
    body.height = following->height;
    body.header_hash = field_borrow(&following->header_hash, 32);
    body.incarnation = following->incarnation;
    hash_message(out, TAG_SIGN_FOLLOWING, &body.base);
}

size_t following_encode(uint8_t *out, const struct following *following)
{
    Xuelian__Following wire = XUELIAN__FOLLOWING__INIT;
    wire.key = field_borrow(&following->key, 33);
    wire.era = following->era;
    wire.height = following->height;
    wire.header_hash = field_borrow(&following->header_hash, 32);
    wire.incarnation = following->incarnation;
    wire.signature = field_borrow(&following->signature, 64);
    CHECK(canonical_size(&wire.base) <= FOLLOWING_SIZE_MAX);
    return canonical_encode(out, &wire.base);
}

enum status following_decode(struct following *following, struct bytes bytes)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct following made;
    arena_init(&arena, memory, sizeof memory);
    enum status status = canonical_decode(&message, &xuelian__following__descriptor, bytes, &arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Following *wire = (const Xuelian__Following *)(const void *)message;
    if (!field_copy(&made.key, 33, &wire->key) ||
        !field_copy(&made.header_hash, 32, &wire->header_hash) ||
        !field_copy(&made.signature, 64, &wire->signature) || wire->era == 0 ||
        wire->height == UINT64_MAX || wire->era > wire->height + 1) {
        return ST_BAD_ENCODING;
    }
    made.era = wire->era;
    made.height = wire->height;
    made.incarnation = wire->incarnation;
    *following = made;
    return ST_OK;
}

void proposal_digest(struct hash32 *out, struct bytes proposal)
{
    hash_tagged(out, TAG_PROPOSAL, proposal.data, proposal.size);
}
