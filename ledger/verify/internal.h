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
    const struct proved_member *proved; /* whose records the proof brings, ascending */
    uint32_t proved_count;
    struct validator_set set; /* the one that certifies next, derived from genesis */
    bool outer;               /* the archive being read may have linked ones */
    bool set_unusable;        /* genesis names a validator that cannot be one */
    struct hash32 set_base;   /* header that ended the era before; zeros: not shown */
    struct bytes recovery_keys[LIMIT_RECOVERY_KEYS_MAX]; /* RecoveryKey messages of genesis */
    struct header header; /* certified, once anchor_check has passed */
    /* From the history file; zeros without one. */
    struct validator_set known; /* the newest set that it tells */
    struct hash32 known_hash;   /* of that set; no set has the hash zeros */
    uint64_t known_height;      /* its header */
    struct hash32 known_header;
    uint64_t wanted_era;          /* of the evidence in a proof of equivocation; 0: none */
    struct validator_set era_set; /* that set, once the way from genesis has passed it */
    bool passed;                  /* the anchor's sets pass through `known` */
};

/* Scratch, or NULL when it is used up. Consecutive calls for one type make one array of it. */
void *scratch_take(struct verifier *v, size_t size, size_t alignment);
/* The same from the other end of the memory, for what comes between such an array's elements. */
void *scratch_take_high(struct verifier *v, size_t size, size_t alignment);
/* Where an error is, for a message about it. */
uint64_t fault_offset(struct bytes whole, const struct reader *reader);
/* A fault about one item, member, height, kind. */
enum verify_fault fault_at(struct verifier *v, enum verify_fault fault, uint64_t number);
/* Ends a message of the proof: NONE or PROOF_ENCODING. */
enum verify_fault proof_end(struct verifier *v, struct reader *reader);

/* genesis.c: reads the file, fills chain_id, members, courses and the first set. */
enum verify_fault genesis_read(struct verifier *v);
struct verify_name genesis_course_name(const struct verifier *v, uint32_t course);

/* A member's message in genesis. */
bool genesis_member_find(const struct verifier *v, uint32_t member, struct bytes *message);
/* The part of a member before its keys, and one key after the other. Returns its id, 0 when it is wrong. */
uint32_t member_open(struct reader *reader, struct bytes message, struct verify_name *name);
bool member_key_next(struct reader *reader, struct pubkey33 *key, uint64_t *from_height,
                     uint64_t *to_height);

/* members.c: what the proof itself proves of members, and who may sign. */
struct proved_member {
    uint32_t id;
    uint32_t page; /* of keys that ended; 0: the record itself */
    struct bytes record;
};
/* One MemberProof, after the anchor. */
enum verify_fault member_check(struct verifier *v, struct bytes message);
/* By the record that the proof brings, else by genesis. */
struct verify_name member_name(const struct verifier *v, uint32_t member);
/* False when the member is known and the key was never its own, or not yet. */
bool member_key_state(const struct verifier *v, uint32_t member, const struct pubkey33 *key,
                      uint64_t height, enum verify_key_state *state);

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

/* statistics.c: the body of a proof of statistics. */
enum verify_fault cells_proof_check(struct verifier *v, struct bytes message);

/* equivocation.c: the body of such a proof, and which era it is about; 0: it is none. */
enum verify_fault equivocation_check(struct verifier *v, struct bytes message);
uint64_t equivocation_era(struct bytes proof);

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
/* A record of a collection is in the certified state under its natural key. */
enum verify_fault record_leaf_check(struct verifier *v, uint32_t collection,
                                    struct bytes natural_key, struct bytes record,
                                    struct bytes leaf);
/* Shows that a collection has this count and root. */
enum verify_fault collection_check(struct verifier *v, uint32_t collection, uint64_t count,
                                   const struct hash32 *root, struct bytes collection_path);
/* Of a collection's record: H(VALUE, BE4(collection) || record). */
void record_hash(struct hash32 *out, uint32_t collection, struct bytes record);
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

/* details.c: field 4 of ItemProof, under the details root of the outcome that was read. */
enum verify_fault details_check(struct verifier *v, struct reader *reader,
                                struct verify_item *item);

/* issuer.c: what the signers of a transaction signed, and who they are. */
struct signer_view {
    uint32_t member;
    uint32_t role;
    struct bytes learner;
    struct pubkey33 key;
    struct bytes key_bytes;
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

/* ItemVersion: what is compared, beside what goes into struct verify_item. */
struct version_view {
    struct hash32 account;
    struct bytes previous_hash; /* 32 bytes or none */
    uint64_t height;
    enum verify_item_status status;
};
enum verify_fault version_read(struct verifier *v, struct bytes message, struct verify_item *item,
                               struct version_view *out);

/* content.c: what an item says, by its kind; and the statuses that a kind can have. */
enum verify_fault content_check(struct verifier *v, struct verify_item *item);
enum verify_fault content_outcome(struct verifier *v, struct bytes content, struct hash32 *account,
                                  struct verify_outcome *out);
enum verify_fault content_conversion(struct verifier *v, struct bytes content,
                                     struct verify_conversion *out, bool *ascend);
struct conversion_source {
    uint64_t item;
    struct hash32 version_hash;
    uint32_t used;
    uint32_t used_before;
};
/* The next element of `sources` or `parts`. */
bool conversion_source_next(struct reader *reader, struct conversion_source *out);
bool points_part_next(struct reader *reader, uint64_t *item, uint32_t *points);
bool status_possible(const struct verify_item *item);
bool status_first(const struct verify_item *item, enum verify_item_status status);
bool status_follows(const struct verify_item *item, enum verify_item_status before,
                    enum verify_item_status after);

/* archive.c: every item of an account, and of those merged into it. */
enum verify_fault archive_check(struct verifier *v, struct bytes message);

/* conversion.c: a conversion, decided again. */
enum verify_fault conversion_check(struct verifier *v, struct bytes message);

/* issuer.c: the signatures on the transaction that made an item's version: the one shown, or an earlier one with the
 * same content, for what was disputed, suspended or restored since is still what was signed. */
struct issuer_origin {
    struct hash32 wanted; /* the transaction that the proof's signature is about; zeros: none */
    struct hash32
        tx_id; /* of the version that it is checked against, and what else of it was signed */
    uint64_t height;
    uint32_t outcome_index;
    uint32_t version;
    uint32_t reason;
    enum verify_item_status status;
    struct bytes previous_hash;
};
/* H(TX_ID, common) of the IssuerSignature in an ItemProof; zeros when there is none. Checks nothing. */
struct hash32 issuer_transaction(struct bytes item_proof);
enum verify_fault issuer_check(struct verifier *v, struct bytes message, struct verify_item *item,
                               const struct issuer_origin *origin);

/* anchor.c: a field as canonical bytes, nothing for a default. Returns its size. */
size_t put_u64(uint8_t *out, uint32_t field, uint64_t value);
size_t put_head(uint8_t *out, uint32_t field,
                size_t size); /* tag and length of bytes that follow */
size_t put_bytes(uint8_t *out, uint32_t field, const void *data, size_t size);

#endif
