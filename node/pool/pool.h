/* Transactions waiting for a block: verified once, relayed once, bounded, in the order of arrival.
 * None is here without the details that it commits to: what is proposed from here can be voted for.
 *
 * By id a transaction waits once; the same id with other signature bytes is kept beside it only as a body
 * that a proposal named (fetched). A committed id ends all its variants. Loop thread only; bodies are
 * counted, so that the executor may read one after the pool let go of it. */
#ifndef XUELIAN_NODE_POOL_H
#define XUELIAN_NODE_POOL_H

#include "ledger/tx/envelope.h"

/* A verified envelope. References are counted on the loop thread. */
struct body {
    struct hash32 id;
    struct hash32 entry;
    uint64_t valid_until;
    uint64_t work;
    uint64_t added_ms;
    uint64_t sent_ms; /* when it was last sent to others, 0: never by this node */
    uint32_t references;
    uint8_t sender;          /* bucket of its first signer */
    bool own;                /* submitted here: sent again to whom it may not have reached */
    bool waiting;            /* proposable; false: only a body for a proposal */
    bool details;            /* it commits to details, which are here */
    struct bytes bytes;      /* the transaction, inside parcel */
    struct bytes parcel;     /* as it travels: the transaction, or a Submission with its details */
    struct body *next_entry; /* chains of the tables */
    struct body *next_id;
    struct body *older, *newer; /* order of arrival, of all */
    uint8_t data[];
};

/* Copies; one reference. parcel: the Submission that tx is inside of, checked; or the transaction alone. */
struct body *body_new(const struct tx *tx, struct bytes parcel, bool details, uint64_t work);
void body_hold(struct body *body);
void body_release(struct body *body);

struct pool_limits {
    uint64_t bytes;
    uint32_t count;
    uint64_t batch_bytes;
    uint32_t batch_count;
    uint64_t batch_work;
};

struct pool;

struct pool *pool_new(const struct pool_limits *limits);
void pool_free(struct pool *pool);

/* New bounds. Those waiting that no batch can hold any more end: calls gone with each id. */
void pool_use_limits(struct pool *pool, const struct pool_limits *limits,
                     void (*gone)(void *context, const struct hash32 *id), void *context);

/* Adds a body (a reference is taken). work_max: what a quarter of request_timeout can commit. One sender may
 * take half of each bound; senders are told apart by one of 256 buckets.
 * Returns  ST_OK; ST_DUPLICATE (that id waits already); ST_BUSY (bounds); ST_BAD_SIZE (larger than a batch).
 * fetched: named by a proposal; kept beside another variant, past the work bound, and not proposed. */
enum status pool_add(struct pool *pool, struct body *body, bool fetched, uint64_t work_max,
                     uint64_t now_ms);
/* NULL when it is not here. Borrowed. */
struct body *pool_find_entry(const struct pool *pool, const struct hash32 *entry);
struct body *pool_find_id(const struct pool *pool, const struct hash32 *id);
/* The oldest waiting ones that make a batch. Out: entries of batch_count * 32 bytes. Returns the count. */
uint32_t pool_select(const struct pool *pool, uint8_t *entries);
/* True when a whole batch is waiting. */
bool pool_full_batch(const struct pool *pool);
/* Visits those waiting, oldest first, until visit returns false. */
void pool_each_waiting(const struct pool *pool, bool (*visit)(void *context, struct body *body),
                       void *context);
/* Ends every variant of an id. */
void pool_remove(struct pool *pool, const struct hash32 *id);
/* After a block: ends those that cannot be in a block at height or later, calls gone with each id, and
 * lets go of the bodies that only the decided height's proposals needed. */
void pool_expire(struct pool *pool, uint64_t height,
                 void (*gone)(void *context, const struct hash32 *id), void *context);

uint32_t pool_count(const struct pool *pool); /* waiting */
uint64_t pool_bytes(const struct pool *pool); /* of all bodies */
uint64_t pool_work(const struct pool *pool);  /* of those waiting */
uint64_t pool_oldest_ms(
    const struct pool *pool); /* added_ms of the oldest waiting; UINT64_MAX: none */

#endif
