/* What the verifier's parts share. Order of work: genesis, anchor, state, items. */
#ifndef XUELIAN_VERIFY_INTERNAL_H
#define XUELIAN_VERIFY_INTERNAL_H

#include "ledger/verify/reader.h"
#include "ledger/verify/xuelian_verify.h"
#include "proto/block.h"

/* A member or course of genesis: where its message is in the genesis bytes. Ascending id. */
struct genesis_entry {
    uint32_t id;
    uint32_t offset;
    uint32_t size;
};

struct genesis_table {
    const struct genesis_entry *entries;
    uint32_t count;
};

/* One run of verify_proof. */
struct verifier {
    struct verify_result *result;
    struct bytes genesis;
    struct bytes proof;
    uint8_t *scratch;
    size_t scratch_size;
    struct hash32 chain_id;
    struct genesis_table members;
    struct genesis_table courses;
    struct validator_set set; /* the one that certifies next, derived from genesis */
    bool set_unusable;        /* genesis names a validator that cannot be one */
    struct hash32 set_base;   /* header that ended the era before; zeros: not shown */
    struct bytes recovery_keys[LIMIT_RECOVERY_KEYS_MAX]; /* RecoveryKey messages of genesis */
    struct header header; /* certified, once anchor_check has passed */
    /* From the history file; zeros without one. */
    struct validator_set known; /* the newest set that it tells */
    struct hash32 known_hash;   /* of that set; no set has the hash zeros */
    uint64_t known_height;      /* its header */
    struct hash32 known_header;
    bool passed; /* the anchor's sets pass through `known` */
};

/* Scratch, or NULL when it is used up. Consecutive calls for one type make one array of it. */
void *scratch_take(struct verifier *v, size_t size, size_t alignment);
/* Where an error is, for a message about it. */
uint64_t fault_offset(struct bytes whole, const struct reader *reader);
/* A fault about one item, member, height, kind. */
enum verify_fault fault_at(struct verifier *v, enum verify_fault fault, uint64_t number);
/* Ends a message of the proof: NONE or PROOF_ENCODING. */
enum verify_fault proof_end(struct verifier *v, struct reader *reader);

/* genesis.c: reads the file, fills chain_id, members, courses and the first set. */
enum verify_fault genesis_read(struct verifier *v);
struct verify_name genesis_member_name(const struct verifier *v, uint32_t member);
struct verify_name genesis_course_name(const struct verifier *v, uint32_t course);

enum genesis_key { GENESIS_KEY_YES, GENESIS_KEY_NO, GENESIS_KEY_NO_MEMBER };
/* Whether a key may sign for a member at a height. */
enum genesis_key genesis_key_find(const struct verifier *v, uint32_t member,
                                  const struct pubkey33 *key, uint64_t height);

/* anchor.c: from genesis through the set changes to the certified header. */
enum verify_fault anchor_check(struct verifier *v, struct bytes anchor);
/* A header of this chain, certified by nobody yet. */
enum verify_fault header_read(struct verifier *v, struct bytes bytes, struct header *header);
/* A header of this chain, certified by the set derived so far. */
enum verify_fault certified_check(struct verifier *v, struct bytes header_bytes,
                                  struct bytes certificate_bytes, struct header *header);
void set_hash(struct hash32 *out, const struct validator_set *set);
/* Makes a canonical ValidatorSet of this era the derived one; false when it is none. */
bool set_read(struct verifier *v, struct bytes bytes, uint64_t era);

/* recovery.c: RecoveryKey of genesis; and a SetChange that is a recovery. */
bool recovery_key_read(struct verifier *v, uint32_t index, struct bytes message);
enum verify_fault recovery_check(struct verifier *v, struct bytes header_bytes,
                                 struct bytes certificate, struct bytes message);

/* anchor.c: the body of a set history. */
enum verify_fault set_history_check(struct verifier *v, struct bytes message);

/* block.c: the body of a transaction proof. */
enum verify_fault transaction_check(struct verifier *v, struct bytes message);

/* state.c: leaf and value against the certified state root. */
struct leaf_path {
    uint32_t collection;
    uint64_t count;
    uint64_t position;
    struct hash32 next_key;
    struct bytes path;
    struct bytes collection_path;
};

enum verify_fault leaf_path_read(struct verifier *v, struct bytes message, struct leaf_path *out);
void tree_key(struct hash32 *out, uint32_t collection, struct bytes natural_key);
enum verify_fault leaf_check(struct verifier *v, const struct leaf_path *leaf,
                             const struct hash32 *key, const struct hash32 *value_hash);
/* Root of a leaf under a path given as bytes. */
enum verify_fault path_root(struct hash32 *root, const struct hash32 *leaf, uint64_t index,
                            uint64_t size, struct bytes path);

struct account_value {
    uint64_t item_count;
    struct hash32 item_root;
    struct hash32 summary_hash;
};

/* Shows that the account of `learner` has this value, and puts learner, status and item count into the
 * result. */
enum verify_fault account_check(struct verifier *v, const struct hash32 *learner, struct bytes leaf,
                                struct bytes value, struct account_value *out);

/* item.c: one ItemProof whose version belongs to the result's learner. Out: item, and the hash that the
 * item tree commits to. number 0: any. */
enum verify_fault item_check(struct verifier *v, struct bytes proof, uint64_t number,
                             struct verify_item *item, struct hash32 *version_hash);
void item_leaf(struct hash32 *leaf, uint64_t number, const struct hash32 *version_hash);

/* issuer.c: what the signers of a transaction signed, and who they are. */
struct signer_view {
    uint32_t member;
    uint32_t role;
    struct bytes learner;
    struct pubkey33 key;
};

/* TxCommon, as far as the verifier needs it. */
struct common_view {
    struct hash32 chain_id;
    uint64_t valid_until;
    uint32_t signer_count;
    struct signer_view signers[LIMIT_SIGNERS_MAX];
    uint32_t kind;
    struct hash32 payload_commitment;
};

enum verify_fault common_read(struct verifier *v, struct bytes bytes, struct common_view *out);

/* issuer.c: the issuer's own signature on an item: on the version shown, or on an earlier one with the same
 * content, for what was disputed, suspended or restored since is still what was signed. */
struct issuer_origin {
    struct hash32 wanted; /* the transaction that the proof's signature is about; zeros: none */
    struct hash32 tx_id;  /* of the version that it is checked against */
    uint64_t height;
    uint32_t outcome_index;
};
/* H(TX_ID, common) of the IssuerSignature in an ItemProof; zeros when there is none. Checks nothing. */
struct hash32 issuer_transaction(struct bytes item_proof);
enum verify_fault issuer_check(struct verifier *v, struct bytes message, struct verify_item *item,
                               const struct issuer_origin *origin);

#endif
