/* Headers, validator sets, certificates and votes as C structs: what consensus, ledger and verifier
 * share. Decoders check canonical form and all sizes; what they return is trusted after.
 * Pure, no allocation. Any thread. Source: ledger.md section 5, consensus.md "What is signed". */
#ifndef XUELIAN_PROTO_BLOCK_H
#define XUELIAN_PROTO_BLOCK_H

#include "proto/arena.h"
#include "proto/hash.h"
#include "proto/limits.h"
#include "proto/sign.h"
#include "proto/status.h"

#define PROTOCOL_VERSION 1u /* the newest that this program knows */
#define GENESIS_PROTOCOL_VERSION \
    1u /* in force until governance says otherwise, for ever the same */
#define PROTOCOL_SUITE 1u

struct header {
    uint32_t version;
    uint32_t suite;
    struct hash32 chain_id;
    uint64_t height;
    uint64_t time_ms;
    struct hash32 parent_hash;
    struct hash32 tx_root;
    uint64_t tx_count;
    struct hash32 result_root;
    struct hash32 state_root;
    struct hash32 history_root;
    struct hash32 validators_hash;
    struct hash32 next_validators_hash;
    struct hash32 params_hash;
};

/* Out: out of LIMIT_HEADER_SIZE_MAX bytes. Returns the size. */
size_t header_encode(uint8_t *out, const struct header *header);
enum status header_decode(struct header *header, struct bytes bytes);
/* The block's name: tagged hash of its canonical bytes. */
void header_hash(struct hash32 *out, const struct header *header);

struct validator {
    struct pubkey33 key;
    uint32_t member;
    uint64_t joined;
    uint64_t incarnation;
};

/* Ordered by (joined, key); keys distinct; count 1 to LIMIT_VALIDATORS_MAX. */
struct validator_set {
    uint64_t era; /* first height it certifies */
    uint32_t count;
    struct validator validators[LIMIT_VALIDATORS_MAX];
};

#define VALIDATOR_SET_SIZE_MAX (16 + LIMIT_VALIDATORS_MAX * 80)
size_t validator_set_encode(uint8_t *out, const struct validator_set *set);
/* Also refuses a wrong order, a duplicate or invalid key, an empty set. */
enum status validator_set_decode(struct validator_set *set, struct bytes bytes);
void validator_set_hash(struct hash32 *out, const struct validator_set *set);
/* Index of a key, or -1. */
int validator_set_find(const struct validator_set *set, const struct pubkey33 *key);

enum vote_phase { VOTE_PREPARE = 1, VOTE_COMMIT = 2 };

/* quorum_size(n) signatures in set order; signers[i] is the set index of signatures[i], ascending. */
struct certificate {
    enum vote_phase phase;
    uint64_t view;
    uint64_t height;
    struct hash32 header_hash;
    uint32_t count;
    uint8_t signers[LIMIT_VALIDATORS_MAX];
    struct sig64 signatures[LIMIT_VALIDATORS_MAX];
};

#define CERTIFICATE_SIZE_MAX (96 + LIMIT_VALIDATORS_MAX / 8 + LIMIT_VALIDATORS_MAX * 64)
/* n: validators in the set of that height (for the bitmap's length). */
size_t certificate_encode(uint8_t *out, const struct certificate *certificate, uint32_t n);
/* Refuses any bitmap length but ceil(n/8), spare bits, and any number of signers but quorum_size(n). */
enum status certificate_decode(struct certificate *certificate, struct bytes bytes, uint32_t n);
/* Checks every signature. Returns ST_OK or ST_BAD_CERTIFICATE. Cost: quorum verifications. */
enum status certificate_verify(const struct certificate *certificate, const struct hash32 *chain_id,
                               const struct validator_set *set);

/* Hashes that signatures cover (canonical VoteBody, ViewChangeBody, NewViewBody under their tags). */
void vote_hash(struct hash32 *out, enum hash_tag tag, const struct hash32 *chain_id, uint64_t era,
               uint64_t view, uint64_t height, const struct hash32 *hash);
void view_change_hash(struct hash32 *out, const struct hash32 *chain_id, uint64_t era,
                      uint64_t new_view, uint64_t committed_height,
                      const struct hash32 *committed_hash,
                      const struct hash32 *prepared_digest /* NULL: none */);
void new_view_hash(struct hash32 *out, const struct hash32 *chain_id, uint64_t era,
                   uint64_t new_view, const struct hash32 *set_digest);

/* A node's proof that it follows and holds its key, for a set change (canonical FollowingBody). */
struct following {
    struct pubkey33 key;
    uint64_t era;    /* of height + 1 */
    uint64_t height; /* a committed block */
    struct hash32 header_hash;
    uint64_t incarnation; /* of the signer's vote journal */
    struct sig64 signature;
};

/* What its signature covers; key and signature are not read. */
void following_hash(struct hash32 *out, const struct hash32 *chain_id,
                    const struct following *following);

#define FOLLOWING_SIZE_MAX 192u
/* Canonical Following. Out: out of FOLLOWING_SIZE_MAX bytes. Returns the size. */
size_t following_encode(uint8_t *out, const struct following *following);
/* Form alone: the signature is not checked. Returns ST_OK; ST_BAD_ENCODING and its like. */
enum status following_decode(struct following *following, struct bytes bytes);

/* Digest of a proposal: tagged hash of its canonical bytes as received. */
void proposal_digest(struct hash32 *out, struct bytes proposal);

#endif
