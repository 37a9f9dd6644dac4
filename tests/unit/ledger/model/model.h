/* The ledger once more, slow and simple, written from docs/protocol.md: lists that are searched from end to end, sums
 * made anew from all items, trees hashed anew from all their leaves. It shares generated messages, SHA-256, the check of
 * signatures and the names of the codes with the ledger, and no rule.
 *
 * It is given the genesis file and the bytes of each block's transactions, and says what comes of them: every code,
 * every leaf of the state, the next set and parameters. Nothing is ever freed before the end, so there is one at a time. */
#ifndef XUELIAN_TESTS_MODEL_H
#define XUELIAN_TESTS_MODEL_H

#include "proto/ledger.pb-c.h"
#include "proto/status.h"
#include "proto/tx_account.pb-c.h"
#include "proto/tx_consent.pb-c.h"
#include "proto/tx_convert.pb-c.h"
#include "proto/tx_govern.pb-c.h"
#include "proto/tx_outcome.pb-c.h"
#include "proto/tx_points.pb-c.h"
#include "tests/unit/ledger/model/bytes.h"

#define AS(type, message) ((const Xuelian__##type *)(const void *)(message))

enum {
    MODEL_SIGNERS_MAX = 8,
    MODEL_COLLECTIONS = 11,
    MODEL_ITEMS_MAX = 1000,
    MODEL_BLOCK_MAX = 4000
};

/* Item kinds and statuses, as section 8 numbers them. */
enum { OUTCOME = 1, RECOGNITION, CONVERSION, POINTS, CONSENT, DISPUTE, KEY, LINK };
enum { VALID = 1, CORRECTED, SUSPENDED, REVOKED, APPLIED, REFUSED, REVIEW, ENDED };
/* Statuses of accounts. */
enum { OPEN = 1, FROZEN, MERGED, CLOSED, DECEASED };
/* Roles of members. */
enum {
    ROLE_OPEN = 1,
    ROLE_DEPOSIT,
    ROLE_RECOGNISE,
    ROLE_CONVERT,
    ROLE_GOVERN,
    ROLE_ACCREDIT = 9,
    ROLE_QUERY
};

/* An item: its newest version, and the statuses of all. */
struct model_item {
    uint32_t kind;
    uint32_t status;
    uint32_t reason;
    uint64_t dispute;
    bool details; /* it, or a version before, commits to some; none are erased here */
    uint32_t versions;
    uint32_t *statuses; /* of each version, from 0 */
    uint32_t statuses_room;
    bool undone;          /* a lot whose points were all taken back when it was reversed */
    uint64_t rests_since; /* when it came to rest on what it names; 0: it does not */
    struct hash32 hash;
    struct hash32 leaf;
    const ProtobufCMessage *content;
};

struct model_key {
    bool there;
    uint8_t bytes[33];
};

struct model_account {
    struct hash32 learner;
    uint32_t status;
    struct hash32 commitment;
    struct model_key key;
    struct model_key guardian;
    uint32_t guardian_until;
    uint64_t key_item;
    uint64_t guardian_item;
    uint32_t custodian;
    uint32_t region;
    uint32_t opened_year;
    uint64_t opened_height;
    struct hash32 opened_by;
    uint32_t frozen_by;
    uint32_t linked;
    bool merged;
    struct hash32 merged_into;
    /* The keys that act at this height. */
    struct model_key acting_key;
    struct model_key acting_guardian;
    uint32_t acting_until;
    struct model_item *items;
    uint64_t item_count;
    uint32_t item_room;
    /* (year, region, kind, level) of outcomes that ever counted. */
    uint32_t (*cells)[4];
    uint32_t cell_count;
    uint32_t cell_room;
};

/* An entry of a collection but accounts and statistics. */
struct model_record {
    uint8_t key[64];
    size_t key_size;
    ProtobufCMessage *value;
};

struct model_table {
    struct model_record *records; /* in the order of their first write */
    uint32_t count;
    uint32_t room;
};

struct model_cell {
    uint32_t year;
    uint32_t region;
    uint32_t kind;
    uint32_t level;
};

struct model_validator {
    uint8_t key[33];
    uint32_t member;
    uint64_t joined;
    uint64_t incarnation;
};

struct model_set {
    uint64_t era;
    uint32_t count;
    struct model_validator validators[65];
};

struct model {
    struct hash32 chain_id;
    uint64_t height; /* of the block being made */
    uint32_t date;
    struct model_table tables[MODEL_COLLECTIONS + 1];
    struct model_account **accounts; /* in the order of opening */
    uint32_t account_count;
    uint32_t account_room;
    struct model_cell *cells; /* in the order of first touch */
    uint32_t cell_count;
    uint32_t cell_room;
    uint64_t rests; /* counts what comes to rest on something */
    /* Governance. */
    struct model_set set;  /* of this height */
    struct model_set next; /* of the next */
    struct model_set *eras;
    uint32_t era_count;
    uint32_t era_room;
    Xuelian__Params *params;      /* of this height */
    Xuelian__Params *next_params; /* of the next */
    uint32_t protocol_version;    /* announced, or 0 */
    uint64_t protocol_height;
    struct hash32 *headers; /* hash of each height below this */
    uint64_t header_count;
    uint32_t header_room;
    uint32_t kinds_done[128]; /* items and transactions that were OK, by kind */
    uint32_t codes_seen[512];
};

struct model_signer {
    uint32_t role; /* 1 member, 2 learner, 3 node */
    uint32_t member;
    struct hash32 learner;
    uint8_t key[33];
};

/* One item of one transaction. */
struct act {
    struct model *m;
    uint32_t kind;
    struct hash32 id;
    struct model_signer signers[MODEL_SIGNERS_MAX];
    uint32_t signer_count;
    uint32_t index; /* in a bulk payload */
    const ProtobufCMessage *payload;
};

/* What came of a block. */
struct model_block {
    uint32_t count;
    uint32_t codes[MODEL_BLOCK_MAX];
    struct hash32 result_root;
    struct hash32 state_root;
};

/* ---- blocks.c ---- */
void model_open(struct model *m, const void *genesis, size_t size);
/* Whether it has the rules of a kind of transaction. */
bool model_knows(uint32_t kind);
void model_block(struct model *m, uint64_t time_ms, const struct bytes *txs, uint32_t count,
                 struct model_block *block);
/* The hash of the block's header, when it is known. */
void model_sealed(struct model *m, const struct hash32 *header_hash);

/* ---- leaves.c ---- */
struct model_leaf {
    struct hash32 key;
    struct hash32 next;
    struct hash32 value;
};
/* The leaves of a collection, sentinel first. Out: *count. They last for a block. */
struct model_leaf *model_leaves(const struct model *m, uint32_t collection, size_t *count);
struct hash32 model_state_root(const struct model *m);
Xuelian__AccountSummary *model_summary(const struct model_account *account);

/* ---- find.c: what is there, and what every kind asks ---- */
#define GROW(list, count, room) ((list) = model_grow((list), sizeof *(list), (count), &(room)))
void *model_grow(void *list, size_t element, uint64_t count, void *room32);

ProtobufCMessage *model_get(const struct model *m, uint32_t collection, const void *key,
                            size_t size);
void model_put(struct model *m, uint32_t collection, const void *key, size_t size,
               const ProtobufCMessage *value);
const Xuelian__Member *model_member(const struct model *m, uint32_t id);
const Xuelian__Course *model_course(const struct model *m, uint32_t id);
const Xuelian__Rule *model_rule(const struct model *m, uint32_t id);
bool model_there(const struct model *m, uint32_t collection, uint32_t number);
bool member_active(const struct model *m, uint32_t id);
bool member_may_act(const struct model *m, uint32_t id, uint32_t role); /* active, with the role */
/* Whether `member` is the one named, or follows it. */
bool stands_for(const struct model *m, uint32_t member, uint32_t named);
struct model_account *model_find(const struct model *m, const ProtobufCBinaryData *learner);
/* UNKNOWN_ACCOUNT; ACCOUNT_CLOSED when its status is not among those (bits of 1 << status). */
uint32_t find_account(const struct model *m, const ProtobufCBinaryData *learner, uint32_t statuses,
                      struct model_account **account);
enum { ANY_STATUS = 63 };
/* An account and those that were merged into it, or into these: the i-th, or NULL. */
const struct model_account *family(const struct model *m, const struct model_account *account,
                                   uint32_t i);
/* The account that this one led to by merges: itself when it was not merged. */
struct model_account *led_to(const struct model *m, struct model_account *account);
bool signer_acts_for(const struct act *act, uint32_t signer, const struct model_account *account);
/* One signer, a member. */
bool one_member(const struct act *act);
bool is_date(uint32_t date);
uint32_t add_months(uint32_t date, uint32_t months);
bool key_is_point(const ProtobufCBinaryData *key);
bool field_is(const ProtobufCBinaryData *field, const void *data, size_t size);

/* ---- items.c ---- */
/* UNKNOWN_ITEM: no such item, or of another kind (0: any); WRONG_VERSION. */
uint32_t find_item(struct model_account *account, uint64_t number, uint32_t kind,
                   const ProtobufCBinaryData *version_hash, struct model_item **item);
struct model_item *item_add(const struct act *act, struct model_account *account, uint32_t kind,
                            uint32_t status, const ProtobufCMessage *content);
void item_renew(const struct act *act, struct model_account *account, struct model_item *item,
                uint32_t status, uint32_t reason, const ProtobufCMessage *content);
void item_rest(struct model *m, struct model_item *item);
/* 32 items rest on an outcome that are not refused, revoked or ended. */
bool dependents_full(const struct model_account *account, uint64_t outcome);
/* What rests on an outcome and is valid comes under review. */
void review_dependents(const struct act *act, struct model_account *account, uint64_t number);
uint32_t applications(const struct model_account *account);
uint64_t item_number(const struct model_account *account, const struct model_item *item);
bool still_counts(const struct model_item *item);

/* ---- statistics.c ---- */
void touch_outcome(struct model *m, struct model_account *account, const Xuelian__Outcome *outcome);
void touch_region(struct model *m, uint32_t region, uint32_t year);
bool statistics_full(const struct model_account *account, const Xuelian__Outcome *outcome);
Xuelian__StatisticsCell *model_cell_value(const struct model *m, const struct model_cell *cell);

/* ---- the kinds, each a code ---- */
uint32_t open_account(struct act *act);
uint32_t claim(struct act *act);
uint32_t rotate(struct act *act);
uint32_t recover(struct act *act);
uint32_t freeze_account(struct act *act);
uint32_t unfreeze(struct act *act);
uint32_t close_account(struct act *act);
uint32_t set_guardian(struct act *act);
uint32_t deceased(struct act *act);
uint32_t merge(struct act *act);
uint32_t deposit(struct act *act);
uint32_t apply_for(struct act *act);
uint32_t decide(struct act *act);
uint32_t correct(struct act *act);
uint32_t act_on_item(struct act *act); /* revoke, suspend, restore */
uint32_t withdraw_application(struct act *act);
uint32_t recognise(struct act *act);
uint32_t review_recognition(struct act *act);
uint32_t convert_apply(struct act *act);
uint32_t convert_decide(struct act *act);
uint32_t convert_appeal(struct act *act); /* and withdraw */
uint32_t convert_review(struct act *act);
uint32_t accrue(struct act *act);
uint32_t redeem(struct act *act);
uint32_t fulfil(struct act *act); /* and cancel */
uint32_t reverse(struct act *act);
uint32_t uphold_points(struct act *act);
uint32_t grant(struct act *act);
uint32_t withdraw_grant(struct act *act);
uint32_t request(struct act *act);
uint32_t refuse_request(struct act *act);
uint32_t dispute_open(struct act *act);
uint32_t dispute_answer(struct act *act);
uint32_t dispute_settle(struct act *act);
uint32_t anchor(struct act *act);
uint32_t propose(struct act *act);
uint32_t vote(struct act *act); /* approve, refuse */
uint32_t withdraw_proposal(struct act *act);
uint32_t enact(struct act *act);
uint32_t rotate_member_key(struct act *act);
uint32_t revoke_member_key(struct act *act);
uint32_t evidence(struct act *act);

/* Points that a merge moves from one account to another: code first, then the moving. */
uint32_t move_check(const struct act *act, const struct model_account *from,
                    const struct model_account *to);
void move_points(const struct act *act, struct model_account *from, struct model_account *to);
/* The last lot of an origin with its account: of a lot of type 1 and whatever moved on from it. */
struct model_item *last_lot(const struct model *m, const struct model_account *earned_in,
                            uint64_t number, struct model_account **in);
/* Sum of what remains of all lots. */
uint64_t points_of(const struct model_account *account);
/* A source under a rule: SOURCE_NOT_VALID, OUTCOME_EXPIRED, SOURCE_NOT_ACCEPTED of section 16. */
uint32_t source_accepted(const struct model_item *item, const Xuelian__Rule *rule, uint32_t applied,
                         uint32_t decided);
/* Checks by governance, section 15. */
uint32_t rule_change_code(const struct model *m, const Xuelian__Rule *rule);
uint32_t entry_change_code(const struct model *m, const Xuelian__CatalogueEntry *entry);

#endif
