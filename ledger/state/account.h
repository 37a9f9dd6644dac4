/* A learner's account (学习账户) as the executor holds it, its record in the store and its hashes. */
#ifndef XUELIAN_LEDGER_ACCOUNT_H
#define XUELIAN_LEDGER_ACCOUNT_H

#include "proto/ledger.pb-c.h"
#include "proto/merkle.h"
#include "proto/status.h"

#define OUTCOME_KIND_COUNT 10u /* kinds are 1 to 9 */

struct account_total {
    uint64_t outcomes;
    uint64_t credits; /* hundredths */
    uint64_t hours;   /* hundredths */
};

/* A key, or none. */
struct account_key {
    bool there;
    struct pubkey33 key;
};

struct account {
    struct hash32 learner;
    struct hash32 tree_key;
    uint64_t position; /* in COLLECTION_ACCOUNTS; 0: does not exist */
    bool dirty;
    Xuelian__AccountStatus status;
    struct merkle_frontier items; /* over the item leaves */
    /* The private summary. */
    struct hash32 identity_commitment;
    struct account_key learner_key;
    uint32_t custodian; /* member id */
    uint32_t region;
    uint64_t opened_height;
    struct hash32 opened_by; /* transaction id */
    uint64_t points;
    struct account_total totals[OUTCOME_KIND_COUNT];
    uint64_t key_item;
    struct account_key guardian_key;
    uint32_t guardian_until; /* date */
    uint64_t guardian_item;
    uint32_t frozen_by; /* member id; 0: the learner, or not frozen */
    uint32_t linked;
    bool merged;
    struct hash32 merged_into;
    uint32_t applications;
    /* The keys that act at this height: those of the state before the block. A key set in a block acts from the
     * next. Not part of the record. */
    struct account_key acting_learner;
    struct account_key acting_guardian;
    uint32_t acting_until;
};

#define ACCOUNT_SUMMARY_SIZE_MAX 640u
#define ACCOUNT_RECORD_SIZE_MAX  (64u + 32u * LIMIT_MERKLE_DEPTH_MAX + ACCOUNT_SUMMARY_SIZE_MAX)

/* Canonical AccountSummary. Out: out of ACCOUNT_SUMMARY_SIZE_MAX bytes. Returns the size. */
size_t account_summary_encode(uint8_t *out, const struct account *account);
/* Canonical AccountValue. Out: out of 128 bytes. Returns the size. */
size_t account_value_encode(uint8_t *out, const struct account *account);
/* H(ACCOUNT, AccountValue): what the account's leaf holds. */
void account_value_hash(struct hash32 *out, const struct account *account);

/* The record in the store: learner, status, frontier, summary. */
size_t account_record_encode(uint8_t *out, const struct account *account);
/* Leaves position, tree_key and dirty alone; the keys of the record are those that act. Returns ST_OK; ST_CORRUPT. */
enum status account_record_decode(struct account *account, struct bytes record);

/* leaf(LEAF_ITEM, number || version hash). */
void account_item_leaf(struct hash32 *out, uint64_t number, const struct hash32 *version_hash);

#endif
