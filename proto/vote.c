#include "proto/block.h"
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

void proposal_digest(struct hash32 *out, struct bytes proposal)
{
    hash_tagged(out, TAG_PROPOSAL, proposal.data, proposal.size);
}
