/* SHA-256, tagged hashes (BIP-340 construction) and their tags.
 *
 * tagged(tag, m) = SHA-256(SHA-256(tag) || SHA-256(tag) || m). One tag per kind of thing, each ending in
 * the protocol version, so that a hash or signature of one kind is worthless as another.
 * Pure: no allocation, no global state. Any thread. Cost: about 130 ns for 64 bytes. */
#ifndef XUELIAN_PROTO_HASH_H
#define XUELIAN_PROTO_HASH_H

#include "proto/types.h"

/* X(NAME, text): tagged hashes. */
#define HASH_TAGS(X)                                   \
    X(GENESIS, "xuelian/genesis/v1")                   \
    X(HEADER, "xuelian/header/v1")                     \
    X(VALIDATORS, "xuelian/validators/v1")             \
    X(PARAMS, "xuelian/params/v1")                     \
    X(PROPOSAL, "xuelian/proposal/v1")                 \
    X(CERTIFICATE, "xuelian/certificate/v1")           \
    X(TX_ID, "xuelian/tx-id/v1")                       \
    X(TX_SIGNATURES, "xuelian/tx-signatures/v1")       \
    X(TX_ENTRY, "xuelian/tx-entry/v1")                 \
    X(PAYLOAD, "xuelian/payload/v1")                   \
    X(BULK, "xuelian/bulk/v1")                         \
    X(TREE_KEY, "xuelian/tree-key/v1")                 \
    X(VALUE, "xuelian/value/v1")                       \
    X(ACCOUNT, "xuelian/account/v1")                   \
    X(SUMMARY, "xuelian/summary/v1")                   \
    X(VERSION, "xuelian/version/v1")                   \
    X(RECOVERY, "xuelian/recovery/v1")                 \
    X(DETAILS, "xuelian/details/v1")                   \
    X(SIGN_PRE_PREPARE, "xuelian/sign/pre-prepare/v1") \
    X(SIGN_PREPARE, "xuelian/sign/prepare/v1")         \
    X(SIGN_COMMIT, "xuelian/sign/commit/v1")           \
    X(SIGN_VIEW_CHANGE, "xuelian/sign/view-change/v1") \
    X(SIGN_NEW_VIEW, "xuelian/sign/new-view/v1")       \
    X(SIGN_FOLLOWING, "xuelian/sign/following/v1")     \
    X(SIGN_HELLO, "xuelian/sign/hello/v1")             \
    X(SIGN_RECEIPT, "xuelian/sign/receipt/v1")         \
    X(SIGN_TLS, "xuelian/sign/tls/v1")                 \
    X(SIGN_RECOVERY, "xuelian/sign/recovery/v1")       \
    X(VIEW_CHANGE, "xuelian/view-change/v1")           \
    X(VIEW_CHANGE_SET, "xuelian/view-change-set/v1")   \
    X(CONSENT_CODE, "xuelian/consent-code/v1")         \
    /* kind tags of Merkle leaves */                   \
    X(LEAF_TX, "xuelian/leaf/tx/v1")                   \
    X(LEAF_RESULT, "xuelian/leaf/result/v1")           \
    X(LEAF_BULK, "xuelian/leaf/bulk/v1")               \
    X(LEAF_HISTORY, "xuelian/leaf/history/v1")         \
    X(LEAF_STATE, "xuelian/leaf/state/v1")             \
    X(LEAF_ITEM, "xuelian/leaf/item/v1")               \
    X(LEAF_DETAIL, "xuelian/leaf/detail/v1")           \
    X(LEAF_COLLECTION, "xuelian/leaf/collection/v1")   \
    X(LEAF_QUERY, "xuelian/leaf/query/v1")

enum hash_tag {
#define X(name, text) TAG_##name,
    HASH_TAGS(X)
#undef X
        TAG_COUNT
};

/* The text of a tag, and SHA-256 of it (a compiled-in constant that a unit test recomputes). */
const char *hash_tag_text(enum hash_tag tag);
const struct hash32 *hash_tag_digest(enum hash_tag tag);

/* Streaming; the struct is the caller's and may live on the stack. */
struct hasher {
    uint64_t opaque[16];
};

void hasher_init(struct hasher *hasher);
void hasher_init_tagged(struct hasher *hasher, enum hash_tag tag);
void hasher_update(struct hasher *hasher, const void *data, size_t size);
void hasher_final(struct hasher *hasher, struct hash32 *out);

void hash_plain(struct hash32 *out, const void *data, size_t size);
void hash_tagged(struct hash32 *out, enum hash_tag tag, const void *data, size_t size);

/* SHA-256(0x00 || SHA-256(tag text) || data): a Merkle leaf, RFC 9162 section 2.1 with a kind tag. */
void hash_leaf(struct hash32 *out, enum hash_tag tag, const void *data, size_t size);

/* SHA-256(0x01 || left || right). out may be either input. */
void hash_node(struct hash32 *out, const struct hash32 *left, const struct hash32 *right);

/* HMAC-SHA-256 (RFC 2104), for learner ids and reference tags made by the command line. */
void hash_hmac(struct hash32 *out, struct bytes key, struct bytes data);

#endif
