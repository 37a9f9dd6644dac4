/* The state during one block: collections, accounts and decoded registry records over an overlay.
 * One owner thread (the executor). Transactions check first and change after, so nothing is undone. */
#ifndef XUELIAN_LEDGER_STATE_H
#define XUELIAN_LEDGER_STATE_H

#include "ledger/state/account.h"
#include "ledger/state/merkle_array.h"
#include "proto/arena.h"

struct member_view {
    uint32_t id; /* 0: free slot of the cache */
    bool exists;
    uint32_t status; /* 0 active, 1 suspended, 2 ended */
    uint32_t kind;   /* MemberKind */
    uint32_t successor;
    uint32_t region;
    uint32_t roles;         /* bit per MemberRole */
    uint32_t deposit_kinds; /* bit per OutcomeKind */
    uint32_t key_count;
    struct {
        struct pubkey33 key;
        uint64_t from_height;
        uint64_t to_height; /* 0: still valid */
    } keys[LIMIT_MEMBER_KEYS_MAX];
};

struct course_view {
    uint32_t id;
    bool exists;
    uint32_t version;
    uint32_t kind;
    uint32_t credits;
    uint32_t hours;
    uint32_t from_date;
    uint32_t to_date;
    uint32_t status;
};

struct region_view {
    uint32_t code;
    bool exists;
    uint32_t parent; /* 0: none */
};

struct state;
struct statistics;

/* Over the committed state. Returns ST_OK; ST_CORRUPT, ST_IO. create: the collections, empty. */
enum status state_begin(struct state **state, struct kv *kv, bool create);
void state_free(struct state *state);
struct overlay *state_overlay(struct state *state);

/* Every collection but the accounts is read and written so; ledger/state/items.h has the items.
 * Puts a registry record under its natural key (new keys append). Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status state_put(struct state *state, uint32_t collection, struct bytes natural_key,
                      struct bytes value);
/* Reads one. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. */
enum status state_get(struct state *state, uint32_t collection, struct bytes natural_key,
                      struct bytes *value);

/* Reads one and decodes it into memory of the caller's. As state_get; ST_CORRUPT also when the memory does not
 * suffice: the caller knows how large the records of a collection are. */
enum status state_message(struct state *state, uint32_t collection, struct bytes natural_key,
                          const ProtobufCMessageDescriptor *schema, struct arena *arena,
                          ProtobufCMessage **message);

/* Decoded and cached. Returns ST_OK (*view->exists says whether); ST_CORRUPT, ST_IO.
 * The pointer lives until the next call of the same function or a state_put of its collection. */
enum status state_member(struct state *state, uint32_t id, const struct member_view **view);
enum status state_course(struct state *state, uint32_t id, const struct course_view **view);
enum status state_region(struct state *state, uint32_t code, bool *exists);
enum status state_region_view(struct state *state, uint32_t code, const struct region_view **view);

/* The block's statistics: ledger/state/statistics.h. */
struct statistics *state_statistics(struct state *state);

/* An account, existing or not (position 0). The pointer lives as long as the state. */
enum status state_account(struct state *state, const struct hash32 *learner,
                          struct account **account);
/* Gives a new account its position. The caller has filled it in. */
void state_account_open(struct state *state, struct account *account);
/* Flushes statistics and accounts, finishes every collection. Returns ST_OK; ST_CORRUPT, ST_IO. Out *state_root. */
enum status state_finish(struct state *state, struct hash32 *state_root);

#endif
