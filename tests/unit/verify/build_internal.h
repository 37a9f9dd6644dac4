/* The builder's own parts: build.c lays out genesis, items and state, build_proof.c what is signed over them
 * and the proofs. */
#ifndef XUELIAN_TESTS_VERIFY_BUILD_INTERNAL_H
#define XUELIAN_TESTS_VERIFY_BUILD_INTERNAL_H

#include "proto/arena.h"
#include "proto/ledger.pb-c.h"
#include "tests/unit/verify/build.h"

enum { ACCOUNTS = 7, COLLECTIONS = 11, VERSIONS_MAX = 8, CHANGES_MAX = 8 };

struct item {
    struct bytes versions[VERSIONS_MAX]; /* the first is the oldest */
    uint32_t version_count;
    struct hash32 hash; /* of the newest */
    struct bytes common;
    struct sig64 signature;
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t path_size;
};

struct block {
    struct bytes header;
    struct bytes *commons; /* of each transaction */
    struct bytes *results;
    struct hash32 *parts; /* id and signatures hash of each */
    struct hash32 *entry_leaves;
    struct hash32 *result_leaves;
    struct hash32 *history; /* leaves of all heights before */
};

enum { STATISTICS = 8, CELLS_MAX = 24 };

/* The statistics: sentinel first. */
struct cells {
    uint32_t count;
    struct bytes values[CELLS_MAX];
    struct hash32 keys[CELLS_MAX];
    struct hash32 next_keys[CELLS_MAX];
    struct hash32 leaves[CELLS_MAX];
};

struct world {
    struct build_plan plan;
    struct arena arena;
    struct bytes genesis;
    struct hash32 chain_id;
    struct hash32 learner;
    struct signer *genesis_signers[LIMIT_VALIDATORS_MAX];
    struct validator_set genesis_set;
    struct signer *signers[LIMIT_VALIDATORS_MAX]; /* of `set`, in its order */
    struct validator_set set;
    struct signer *made[LIMIT_VALIDATORS_MAX + CHANGES_MAX * LIMIT_VALIDATORS_MAX];
    uint32_t made_count;
    Xuelian__SetChange *changes[CHANGES_MAX];
    struct signer *recovery_signers[LIMIT_RECOVERY_KEYS_MAX]; /* in the order of genesis */
    struct validator_set before_recovery;
    uint64_t recovered_height; /* of the newest recovery's block; 0: none */
    struct signer *issuer;
    struct item items[BUILD_ITEMS_MAX];
    struct hash32 item_leaves[BUILD_ITEMS_MAX];
    struct bytes summary;
    struct bytes account_value;
    /* The accounts' leaves, sentinel first, and what each says. */
    struct hash32 keys[BUILD_ACCOUNTS_MAX + 2];
    struct hash32 next_keys[BUILD_ACCOUNTS_MAX + 2];
    struct hash32 values[BUILD_ACCOUNTS_MAX + 2];
    struct hash32 leaves[BUILD_ACCOUNTS_MAX + 2];
    uint32_t leaf_count;
    struct hash32 collection_leaves[COLLECTIONS];
    struct bytes header;
    struct hash32 header_hash;
    struct cells cells;
    struct block blocks[2]; /* the certified one, the earlier one */
};

/* Zeroed memory that lives as long as the world. */
void *make(struct world *w, size_t size);
struct bytes encode(struct world *w, const ProtobufCMessage *message);
ProtobufCBinaryData borrow(struct bytes bytes);
/* A hash that stands for something the verifier never looks into. */
struct hash32 named(const char *name, uint32_t number);
struct signer *signer_make(uint32_t number);
/* Puts a validator in its place by (joined, key). */
void set_add(struct validator_set *set, struct signer **signers, struct validator made,
             struct signer *signer);
void key_make(struct hash32 *out, uint32_t collection, const void *natural, size_t size);
void genesis_make(struct world *w);
/* build_recovery.c: the keys in genesis, and the recovery that stands at this place of the changes. */
void recovery_keys_make(struct world *w, Xuelian__Genesis *genesis);
void recovery_make(struct world *w, uint32_t index);
struct bytes header_make(struct world *w, uint64_t height, const struct hash32 *state_root,
                         const struct validator_set *next, struct hash32 *hash);
struct bytes certificate_make(struct world *w, uint64_t height, const struct hash32 *hash);
void items_make(struct world *w);
void summary_make(struct world *w);
void state_make(struct world *w, struct hash32 *state_root);
struct bytes header_bytes(struct world *w, const struct header *header, struct hash32 *hash);
/* build_cells.c: the statistics. Out: root. */
void cells_make(struct world *w, struct hash32 *root);
struct hash32 next_of(const struct hash32 *keys, uint32_t count, const struct hash32 *key);
/* build_block.c: gives a header transactions, and the certified one (index 0) a history that holds the earlier. */
void block_make(struct world *w, struct header *header, uint32_t index);
/* build_details.c: what item 1 commits to, and what its proof shows of it. */
void details_commit(struct world *w, struct hash32 *root);
void details_show(struct world *w, Xuelian__ItemProof *proof);
/* Version, chain and anchor around a body. */
struct built proof_make(struct world *w, Xuelian__Proof *proof);

#endif
