/* The rules of state: what each kind of transaction checks and changes (ledger.md sections 2 and 3).
 * The order of checks is part of the protocol: docs/protocol.md lists it, tests hold it. */
#ifndef XUELIAN_LEDGER_TX_RULES_H
#define XUELIAN_LEDGER_TX_RULES_H

#include "ledger/params.h"
#include "ledger/state/items.h"
#include "ledger/state/state.h"
#include "ledger/tx/envelope.h"
#include "proto/block.h"
#include "proto/tx_account.pb-c.h"
#include "proto/tx_convert.pb-c.h"
#include "proto/tx_outcome.pb-c.h"
#include "proto/tx_points.pb-c.h"

/* What the next height has, as this block's transactions have changed it so far. */
struct next_height {
    struct validator_set set; /* era and joined are settled when the block is sealed */
    Xuelian__Params params;
    uint32_t protocol_version; /* to come, with its first height; 0: none is announced */
    uint64_t protocol_height;
};

struct block_context {
    uint64_t height;
    uint32_t date; /* YYYYMMDD at UTC+8 of the block's time */
    const struct hash32 *chain_id;
    const struct validator_set *set; /* of this height */
    const Xuelian__Params *params;   /* of this height */
    struct next_height *next;
};

/* One transaction's result: codes of the error table, never a fatal one. */
struct tx_outcome {
    uint32_t code;
    uint32_t item_codes[LIMIT_BULK_ITEMS_MAX]; /* when code is OK; item_count of them */
};

/* Checks and applies one transaction.
 * Returns  ST_OK, with *outcome; ST_CORRUPT, ST_IO when the store failed (fatal).
 * A refused transaction or item changes nothing. */
enum status tx_apply(struct state *state, const struct block_context *context, const struct tx *tx,
                     struct tx_outcome *outcome);

/* The rules of the kinds, one function each, as struct tx_kind's apply. The signers have been looked at: each is
 * who he says, and the first has the kind's role. */
#define TX_RULE(name)                                                          \
    enum status name(struct state *state, const struct block_context *context, \
                     const struct tx *tx, uint32_t index, uint32_t *code)
TX_RULE(account_open_apply);
TX_RULE(deposit_apply);
TX_RULE(account_claim_apply);
TX_RULE(account_rotate_apply);
TX_RULE(account_recover_apply);
TX_RULE(account_freeze_apply);
TX_RULE(account_unfreeze_apply);
TX_RULE(account_close_apply);
TX_RULE(account_guardian_apply);
TX_RULE(account_deceased_apply);
TX_RULE(account_merge_apply);
TX_RULE(apply_apply);
TX_RULE(apply_decide_apply);
TX_RULE(correct_apply);
TX_RULE(revoke_apply);
TX_RULE(suspend_apply);
TX_RULE(restore_apply);
TX_RULE(recognise_apply);
TX_RULE(recognise_review_apply);
TX_RULE(apply_withdraw_apply);
TX_RULE(erase_own_apply);
TX_RULE(erase_issued_apply);
TX_RULE(conversion_apply);
TX_RULE(conversion_decide);
TX_RULE(conversion_appeal);
TX_RULE(conversion_review);
TX_RULE(conversion_withdraw);
TX_RULE(points_accrue);
TX_RULE(points_redeem);
TX_RULE(points_fulfil);
TX_RULE(points_cancel);
TX_RULE(points_reverse);
TX_RULE(points_uphold);
TX_RULE(govern_propose_apply);
TX_RULE(govern_approve_apply);
TX_RULE(govern_refuse_apply);
TX_RULE(govern_withdraw_apply);
TX_RULE(govern_enact_apply);
TX_RULE(member_key_rotate_apply);
TX_RULE(member_key_revoke_apply);
TX_RULE(evidence_apply);

TX_RULE(consent_grant_apply);
TX_RULE(consent_withdraw_apply);
TX_RULE(query_request_apply);
TX_RULE(query_refuse_apply);
TX_RULE(dispute_open_apply);
TX_RULE(dispute_answer_apply);
TX_RULE(dispute_settle_apply);
TX_RULE(query_log_anchor_apply);

struct recovery;
/* Makes the set of a recovery, whose form and signatures were checked, that of the next height, with the members'
 * records; all of it or nothing. *code: OK; UNKNOWN_MEMBER, MEMBER_INACTIVE, KEY_TAKEN, LIST_FULL, BAD_SET, with the
 * *member at fault. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status govern_recover(struct state *state, const struct block_context *context,
                           const struct recovery *recovery, uint32_t *code, uint32_t *member);

/* A member that exists, is active and has a role. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status member_may(struct state *state, uint32_t member, Xuelian__MemberRole role, bool *may);

/* True when `member` is `named`, or its successor: members that have ended (status 2) are followed to their
 * successor, LIMIT_SUCCESSORS_MAX steps at most. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status member_stands_for(struct state *state, uint32_t member, uint32_t named, bool *stands);

/* True when a signer, looked at by tx_apply, acts for the learner of an account at this height: with the learner's
 * key; with the guardian's until its date; or, while neither is there, as custodian.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status account_held_by(struct state *state, const struct block_context *context,
                            const struct account *account, const struct tx_signer *signer,
                            bool *held);

/* An account that exists, in any status. *code: OK; UNKNOWN_ACCOUNT. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status account_known(struct state *state, const ProtobufCBinaryData *learner,
                          struct account **account, uint32_t *code);
/* An account that is open for new items. *code: OK; UNKNOWN_ACCOUNT, ACCOUNT_CLOSED.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Out *account, valid when *code is OK. */
enum status account_open_for(struct state *state, const ProtobufCBinaryData *learner,
                             struct account **account, uint32_t *code);

/* ---- Items ---- */

#define ITEM_CONTENT_SIZE_MAX 640u
#define ITEM_VERSION_SIZE_MAX (ITEM_CONTENT_SIZE_MAX + 192u)

/* The newest version of an item, decoded. */
struct item {
    const Xuelian__ItemVersion *version; /* in memory */
    struct hash32 hash;                  /* of its bytes: what the next version names */
    uint64_t memory[256];
};

/* Reads an item. *code: OK, or UNKNOWN_ITEM when the account has no item of that number.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_read(struct state *state, const struct account *account, uint64_t number,
                      struct item *item, uint32_t *code);
/* The same for one that is there: ST_CORRUPT when it is not. */
enum status item_read_known(struct state *state, const struct account *account, uint64_t number,
                            struct item *item);
/* The same for an item of one kind: any other is UNKNOWN_ITEM. */
enum status item_read_kind(struct state *state, const struct account *account, uint64_t number,
                           Xuelian__ItemKind kind, struct item *item, uint32_t *code);
/* The same, and it is the newest version that is named: any other is WRONG_VERSION. */
enum status item_read_version(struct state *state, const struct account *account, uint64_t number,
                              Xuelian__ItemKind kind, const ProtobufCBinaryData *version_hash,
                              struct item *item, uint32_t *code);
/* OK, or WRONG_VERSION when the hash is not that of the newest version. */
uint32_t item_check_version(const struct item *item, const ProtobufCBinaryData *version_hash);
/* Valid or corrected: what it says holds. */
bool item_counts(const struct item *item);
/* Decodes the content of an item. Returns ST_OK; ST_CORRUPT. Out *content, in the arena. */
enum status item_content(const struct item *item, const ProtobufCMessageDescriptor *schema,
                         struct arena *arena, ProtobufCMessage **content);

/* True when the account has room for one more item. The rule answers ACCOUNT_FULL when not. */
bool account_has_room(const struct account *account);
/* The same for keys, consents, disputes and links, which have the last LIMIT_ACCOUNT_RESERVE items to themselves: whoever
 * fills an account with deposits does not keep its learner from replacing a key. */
bool account_has_reserve(const struct account *account);

/* Reads a version before the newest of an item; one that is not there is ST_CORRUPT. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_read_older(struct state *state, const struct account *account, uint64_t number,
                            uint32_t version, struct item *item);

/* Appends an item made by item `index` of a transaction. content: at most ITEM_CONTENT_SIZE_MAX bytes, of the
 * schema of the kind. Returns its number. The account has room. */
uint64_t item_append(struct state *state, const struct block_context *context, const struct tx *tx,
                     uint32_t index, struct account *account, Xuelian__ItemKind kind,
                     Xuelian__ItemStatus status, struct bytes content);

/* The same for an item of kind outcome, which says whether it has details. */
uint64_t item_append_outcome(struct state *state, const struct block_context *context,
                             const struct tx *tx, uint32_t index, struct account *account,
                             Xuelian__ItemStatus status, const Xuelian__Outcome *outcome,
                             struct bytes content);

/* Appends a version to an item read before. *code: OK, or VERSIONS_FULL, and nothing has changed: an item has
 * LIMIT_ITEM_VERSIONS_MAX versions at most, but may always be put under review and revoked after them.
 * content.data NULL: as it was. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_change(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *account,
                        const struct item *item, Xuelian__ItemStatus status, struct bytes content,
                        uint32_t *code);

/* The same, with the reason that the version keeps. */
enum status item_change_because(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item, Xuelian__ItemStatus status,
                                struct bytes content, Xuelian__ItemReason reason, uint32_t *code);

/* The same, with another outcome as content: details of it are held from now on, too. */
enum status item_change_outcome(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item, Xuelian__ItemStatus status,
                                const Xuelian__Outcome *outcome, Xuelian__ItemReason reason,
                                uint32_t *code);
/* A version that differs in that its details, and those of the versions before, are erased; always possible where
 * they were not yet. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_erase_details(struct state *state, const struct block_context *context,
                               const struct tx *tx, struct account *account,
                               const struct item *item, Xuelian__ItemReason reason);

/* A version that differs in the open dispute it names alone; 0 ends it, which is always possible.
 * *code: OK, or VERSIONS_FULL. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status item_mark_disputed(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct account *account,
                               const struct item *item, uint64_t dispute, uint32_t *code);

/* Civil dates, YYYYMMDD. */
bool date_valid(uint32_t date);
uint32_t date_of_time(uint64_t time_ms); /* at UTC+8 */
/* That many months later: a day that the month does not have becomes its last. 99991231 at most. */
uint32_t date_add_months(uint32_t date, uint32_t months);

#endif
