/* The ledger once more, slow and simple, written from docs/protocol.md: arrays that are searched from end to
 * end, trees hashed anew from all their leaves, messages written byte by byte. It shares hashing of bytes with
 * the ledger, and nothing else. */
#ifndef XUELIAN_TESTS_LEDGER_MODEL_H
#define XUELIAN_TESTS_LEDGER_MODEL_H

#include "tests/unit/ledger/support.h"

enum { MODEL_ACCOUNTS_MAX = 80, MODEL_ITEMS_MAX = 200 };

/* An outcome of an account: its newest version. */
struct model_item {
    Xuelian__Outcome outcome; /* byte fields borrow the pools of the test */
    uint32_t status;          /* 1 valid, 2 corrected, 3 suspended, 4 revoked */
    uint32_t before;          /* its status in the version before */
    uint32_t number;
    struct hash32 hash;
};

struct model_account {
    Xuelian__AccountOpening opening; /* byte fields borrow the pools of the test */
    uint32_t custodian;
    uint64_t opened_height;
    struct hash32 opened_by;
    uint64_t item_count;
    struct model_item items[MODEL_ITEMS_MAX];
    uint64_t outcomes[10];
    uint64_t credits[10];
    uint64_t hours[10];
};

struct model {
    struct model_account accounts[MODEL_ACCOUNTS_MAX]; /* in the order of opening */
    uint32_t account_count;
    uint32_t outcome_count; /* of all accounts */
    uint64_t height;        /* of the block being made */
    uint32_t date;
};

/* Applies one item of a transaction and gives its code. */
uint32_t model_open(struct model *model, const Xuelian__AccountOpening *opening,
                    const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id);
uint32_t model_deposit(struct model *model, const Xuelian__Outcome *outcome,
                       const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id,
                       uint32_t index);
uint32_t model_correct(struct model *model, const Xuelian__Correction *correction,
                       const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id);
/* Revocation, suspension or restoring, as the kind says. */
uint32_t model_act(struct model *model, Xuelian__TxKind kind, const Xuelian__ItemAct *act,
                   const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id);
/* The signers' own code; OK when the items are to be looked at. */
uint32_t model_signers(Xuelian__TxKind kind, const uint32_t *members, uint32_t member_count);

/* The collection of accounts: count and root. */
void model_accounts_root(const struct model *model, uint64_t *count, struct hash32 *root);
/* Level by level, an odd node promoted. Overwrites the leaves. */
struct hash32 model_tree(struct hash32 *leaves, size_t count);
/* leaf(kind, data), by the text of the kind. */
struct hash32 model_leaf(const char *kind, const void *data, size_t size);
/* Canonical TxResult. Returns its size. */
size_t model_result(uint8_t *out, const struct hash32 *id, uint32_t code,
                    const uint32_t *item_codes, uint32_t count);

#endif
