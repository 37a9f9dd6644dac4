/* Governance (治理): shared by govern_*.c alone. The rules are in docs/protocol.md, "Governance".
 *
 * A proposal is looked at whole before anything is written: its changes are made, one after the other, on a draft,
 * which holds the records as they would be; what the draft becomes is checked, and then it is written. */
#ifndef XUELIAN_LEDGER_TX_GOVERN_H
#define XUELIAN_LEDGER_TX_GOVERN_H

#include "ledger/state/registry.h"
#include "ledger/tx/rules.h"
#include "proto/recovery.h"
#include "proto/tx_govern.pb-c.h"

/* ---- Who decides ---- */

/* What a change is about decides how many approvals it needs, and whose. */
enum govern_class {
    GOVERN_MEMBERS,
    GOVERN_REGISTRIES,
    GOVERN_COURSES,
    GOVERN_RULES,
    GOVERN_PARAMS,
    GOVERN_VALIDATORS,
    GOVERN_CLASSES
};

/* The class of a change; GOVERN_CLASSES when it has not exactly one field. Pure. */
enum govern_class govern_class_of(const Xuelian__Change *change);
/* Bit per class of all changes; 0 when one is not right. Pure. */
uint32_t govern_classes(const Xuelian__GovernProposal *proposal);

/* Approvals that params ask for of a class. Pure. */
uint32_t govern_needed(const Xuelian__Params *params, enum govern_class class, uint32_t eligible);

/* Whether a member may vote on one of the classes. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status govern_may_vote(struct state *state, uint32_t member, uint32_t classes, bool *may);

/* How a proposal stands, over all of its classes: votes of members that may vote now. */
struct govern_tally {
    bool approved; /* every class has the approvals it needs */
    bool hopeless; /* one cannot get them any more */
};
enum status govern_tally(struct state *state, const struct block_context *context,
                         const Xuelian__ProposalRecord *record, uint32_t classes,
                         struct govern_tally *tally);

/* ---- What a proposer has open ---- */

/* Room for one more: *code OK or PROPOSALS_FULL. An expired one counts until it is withdrawn, so the number follows from
 * the records alone. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status govern_open_room(struct state *state, uint32_t member, uint32_t *code);
/* One more, for which there is room, or one less. As govern_open_room. */
enum status govern_open_count(struct state *state, uint32_t member, bool add);

/* ---- The draft ---- */

enum {
    DRAFT_RECORDS_MAX =
        12 * LIMIT_CHANGES_MAX /* a change: two records, five pages of keys, of nodes */,
    DRAFT_KEY_SIZE = 64
};

struct draft_record {
    uint32_t collection;
    uint8_t key[DRAFT_KEY_SIZE]; /* natural key */
    size_t key_size;
    uint8_t *bytes;
    size_t size;
};

struct draft {
    struct state *state;
    const struct block_context *context;
    struct draft_record records[DRAFT_RECORDS_MAX];
    uint32_t count;
    struct next_height next;
    bool changes_set; /* it holds ValidatorChanges */
    uint32_t joining_count;
    struct pubkey33 joining[LIMIT_VALIDATORS_MAX]; /* added or returning */
    uint32_t node_count;
    struct {
        struct pubkey33 key;
        uint32_t member;
    } nodes[LIMIT_CHANGES_MAX * LIMIT_MEMBER_NODES_MAX]; /* new node keys */
    uint8_t memory[2 * MEMBER_MEMORY_SIZE]; /* of one change: it looks at two members at most */
    struct arena arena;
};

/* A draft of the state as it is. Freed with draft_free. Never NULL. */
struct draft *draft_new(struct state *state, const struct block_context *context);
void draft_free(struct draft *draft);

/* A record as the draft has it. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. Borrowed from the draft. */
enum status draft_get(struct draft *draft, uint32_t collection, struct bytes key,
                      struct bytes *value);
enum status draft_has(struct draft *draft, uint32_t collection, uint32_t number, bool *there);
/* Whether the draft itself has changed a record. */
bool draft_holds(struct draft *draft, uint32_t collection, uint32_t number);
/* The same as draft_get, decoded into the draft's arena. */
enum status draft_message(struct draft *draft, uint32_t collection, uint32_t number,
                          const ProtobufCMessageDescriptor *schema, ProtobufCMessage **message);
/* Puts one. */
void draft_put(struct draft *draft, uint32_t collection, struct bytes key,
               const ProtobufCMessage *message);
void draft_put_numbered(struct draft *draft, uint32_t collection, uint32_t number,
                        const ProtobufCMessage *message);
/* A member's record. *code: OK, or UNKNOWN_MEMBER. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status draft_member(struct draft *draft, uint32_t id, Xuelian__Member **member,
                         uint32_t *code);
/* Writes all of it to the state and the next height. Returns ST_OK; ST_CORRUPT, ST_IO, ST_NO_MEMORY (fatal). */
enum status draft_write(struct draft *draft);

/* Whoever the draft leaves with a role and keys must be enough to approve each class: else nothing could ever be mended.
 * *code: OK; LIST_FULL (more than LIMIT_GOVERNORS_MAX of a role), GOVERN_STUCK. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status govern_check_left(struct draft *draft, uint32_t *code);

/* ---- Changes ---- */

/* What can be said of a change without the state: OK, BAD_FIELD, BAD_RECORD, BAD_PARAMETER. Pure. */
uint32_t change_form(const Xuelian__Change *change);
/* Makes one change on the draft. *code: OK, or why not. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status change_make(struct draft *draft, const Xuelian__Change *change, uint32_t *code);

enum status change_member(struct draft *draft, const Xuelian__Member *wish, uint32_t *code);
enum status change_member_status(struct draft *draft, const Xuelian__MemberStatusChange *wish,
                                 uint32_t *code);
enum status change_member_key(struct draft *draft, const Xuelian__MemberKeyChange *wish,
                              uint32_t *code);
enum status change_member_node(struct draft *draft, const Xuelian__MemberNodeChange *wish,
                               uint32_t *code);

/* ---- Keys and nodes that have ended ---- */

/* A member's record that is to be changed and put: its keys and nodes that have ended by this height move to pages
 * first, while there is room there. As draft_member. */
enum status draft_member_open(struct draft *draft, uint32_t id, Xuelian__Member **member,
                              uint32_t *code);
/* Adds a key to a record opened, or ends one, of the record or of a page; as MemberKeyChange. room: for
 * LIMIT_MEMBER_KEYS_MAX. *code: OK; KEY_TAKEN, LIST_FULL; BAD_RECORD, WRONG_STATE. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status draft_key_add(struct draft *draft, Xuelian__Member *member, Xuelian__MemberKey **room,
                          Xuelian__MemberKey *key, uint32_t *code);
enum status draft_key_end(struct draft *draft, Xuelian__Member *member,
                          const ProtobufCBinaryData *key, uint64_t to_height, uint32_t *code);

/* ---- The validators ---- */

enum status change_validator(struct draft *draft, const Xuelian__ValidatorChange *wish,
                             uint32_t *code);
/* The signatures that a set change needs. *code: OK, FOLLOWING_LACKING, BAD_FOLLOWING. */
enum status govern_followings(struct draft *draft, Xuelian__Following *const *followings,
                              size_t count, uint32_t *code);

#endif
