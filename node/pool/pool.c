#include "node/pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

enum { BUCKETS = 1 << 16, SENDERS = 256 };

struct usage {
    uint32_t count;
    uint64_t bytes;    /* with details */
    uint64_t tx_bytes; /* without: what batches count */
    uint64_t work;
};

struct pool {
    struct pool_limits limits;
    struct body *by_entry[BUCKETS];
    struct body *by_id[BUCKETS];
    struct body *oldest, *newest;
    uint32_t count; /* of all bodies */
    uint64_t bytes;
    struct usage waiting;
    struct usage senders[SENDERS]; /* waiting, by sender */
};

struct body *body_new(const struct tx *tx, struct bytes parcel, bool details, uint64_t work)
{
    struct body *body = calloc(1, sizeof *body + parcel.size);
    CHECK(body != NULL);
    memcpy(body->data, parcel.data, parcel.size);
    body->parcel = bytes_of(body->data, parcel.size);
    body->bytes = bytes_of(body->data + (tx->bytes.data - parcel.data), tx->bytes.size);
    body->details = details;
    body->id = tx->id;
    body->entry = tx->entry;
    body->valid_until = tx->valid_until;
    body->work = work;
    body->sender = (uint8_t)(tx->signers[0].member + tx->signers[0].learner.bytes[0]);
    body->references = 1;
    return body;
}

void body_hold(struct body *body)
{
    body->references++;
}

void body_release(struct body *body)
{
    CHECK(body->references > 0);
    if (--body->references == 0) {
        free(body);
    }
}

struct pool *pool_new(const struct pool_limits *limits)
{
    struct pool *pool = calloc(1, sizeof *pool);
    CHECK(pool != NULL);
    pool->limits = *limits;
    return pool;
}

/* Ids and entries are hashes, so any of their bits will do. */
static size_t bucket(const struct hash32 *hash)
{
    return be32_get(hash->bytes) % BUCKETS;
}

static void use(struct usage *usage, const struct body *body)
{
    usage->count++;
    usage->bytes += body->parcel.size;
    usage->tx_bytes += body->bytes.size;
    usage->work += body->work;
}

static void release(struct usage *usage, const struct body *body)
{
    usage->count--;
    usage->bytes -= body->parcel.size;
    usage->tx_bytes -= body->bytes.size;
    usage->work -= body->work;
}

static void unlink_body(struct pool *pool, struct body *body)
{
    struct body **link = &pool->by_entry[bucket(&body->entry)];
    while (*link != body) {
        link = &(*link)->next_entry;
    }
    *link = body->next_entry;
    link = &pool->by_id[bucket(&body->id)];
    while (*link != body) {
        link = &(*link)->next_id;
    }
    *link = body->next_id;
    *(body->older != NULL ? &body->older->newer : &pool->oldest) = body->newer;
    *(body->newer != NULL ? &body->newer->older : &pool->newest) = body->older;
    pool->count--;
    pool->bytes -= body->parcel.size;
    if (body->waiting) {
        release(&pool->waiting, body);
        release(&pool->senders[body->sender], body);
    }
    body_release(body);
}

void pool_free(struct pool *pool)
{
    while (pool->oldest != NULL) {
        unlink_body(pool, pool->oldest);
    }
    free(pool);
}

struct body *pool_find_entry(const struct pool *pool, const struct hash32 *entry)
{
    struct body *body = pool->by_entry[bucket(entry)];
    while (body != NULL && !hash32_equal(&body->entry, entry)) {
        body = body->next_entry;
    }
    return body;
}

struct body *pool_find_id(const struct pool *pool, const struct hash32 *id)
{
    struct body *body = pool->by_id[bucket(id)];
    while (body != NULL && (!body->waiting || !hash32_equal(&body->id, id))) {
        body = body->next_id;
    }
    return body;
}

/* True when one more fits into a share of the bounds. */
static bool fits(const struct pool *pool, const struct usage *usage, const struct body *body,
                 uint64_t work_max, uint64_t share)
{
    /* One always fits, however much work it is. */
    return usage->count == 0 || (usage->count < pool->limits.count / share &&
                                 usage->bytes + body->parcel.size <= pool->limits.bytes / share &&
                                 usage->work + body->work <= work_max / share);
}

static enum status may_add(const struct pool *pool, const struct body *body, bool fetched,
                           uint64_t work_max)
{
    /* A body that a proposal needs may go past the bounds by as much again. */
    uint64_t share = fetched ? 2 : 1;
    if (!fetched &&
        (body->bytes.size > pool->limits.batch_bytes || body->work > pool->limits.batch_work)) {
        return ST_BAD_SIZE;
    }
    if (pool->bytes + body->parcel.size > pool->limits.bytes * share ||
        pool->count >= pool->limits.count * share) {
        return ST_BUSY;
    }
    return fetched || (fits(pool, &pool->waiting, body, work_max, 1) &&
                       fits(pool, &pool->senders[body->sender], body, work_max, 2))
               ? ST_OK
               : ST_BUSY;
}

enum status pool_add(struct pool *pool, struct body *body, bool fetched, uint64_t work_max,
                     uint64_t now_ms)
{
    bool known = pool_find_id(pool, &body->id) != NULL;
    struct body *same = pool_find_entry(pool, &body->entry);
    if (known && !fetched) {
        return ST_DUPLICATE;
    }
    if (same != NULL) {
        if (fetched || same->waiting) {
            return ST_DUPLICATE;
        }
        unlink_body(pool, same); /* fetched before, and now it comes by itself */
    }
    enum status status = may_add(pool, body, fetched, work_max);
    if (status != ST_OK) {
        return status;
    }
    body_hold(body);
    body->waiting = !fetched;
    body->added_ms = now_ms;
    body->next_entry = pool->by_entry[bucket(&body->entry)];
    pool->by_entry[bucket(&body->entry)] = body;
    body->next_id = pool->by_id[bucket(&body->id)];
    pool->by_id[bucket(&body->id)] = body;
    body->older = pool->newest;
    body->newer = NULL;
    *(pool->newest != NULL ? &pool->newest->newer : &pool->oldest) = body;
    pool->newest = body;
    pool->count++;
    pool->bytes += body->parcel.size;
    if (body->waiting) {
        use(&pool->waiting, body);
        use(&pool->senders[body->sender], body);
    }
    return ST_OK;
}

void pool_use_limits(struct pool *pool, const struct pool_limits *limits,
                     void (*gone)(void *context, const struct hash32 *id), void *context)
{
    struct body *body = pool->oldest;
    pool->limits = *limits;
    while (body != NULL) {
        struct body *newer = body->newer;
        if (body->waiting &&
            (body->bytes.size > limits->batch_bytes || body->work > limits->batch_work)) {
            struct hash32 id = body->id;
            unlink_body(pool, body);
            gone(context, &id);
        }
        body = newer;
    }
}

uint32_t pool_select(const struct pool *pool, uint8_t *entries)
{
    uint64_t bytes = 0;
    uint64_t work = 0;
    uint32_t count = 0;
    for (const struct body *body = pool->oldest; body != NULL && count < pool->limits.batch_count;
         body = body->newer) {
        if (!body->waiting) {
            continue;
        }
        if (bytes + body->bytes.size > pool->limits.batch_bytes ||
            work + body->work > pool->limits.batch_work) {
            break; /* in order: the one that does not fit is first in the next batch */
        }
        bytes += body->bytes.size;
        work += body->work;
        memcpy(entries + 32 * (size_t)count++, body->entry.bytes, 32);
    }
    return count;
}

bool pool_full_batch(const struct pool *pool)
{
    return pool->waiting.count >= pool->limits.batch_count ||
           pool->waiting.work >= pool->limits.batch_work ||
           pool->waiting.tx_bytes >= pool->limits.batch_bytes;
}

void pool_each_waiting(const struct pool *pool, bool (*visit)(void *context, struct body *body),
                       void *context)
{
    for (struct body *body = pool->oldest; body != NULL; body = body->newer) {
        if (body->waiting && !visit(context, body)) {
            return;
        }
    }
}

void pool_remove(struct pool *pool, const struct hash32 *id)
{
    struct body *body = pool->by_id[bucket(id)];
    while (body != NULL) {
        struct body *next = body->next_id;
        if (hash32_equal(&body->id, id)) {
            unlink_body(pool, body);
        }
        body = next;
    }
}

void pool_expire(struct pool *pool, uint64_t height,
                 void (*gone)(void *context, const struct hash32 *id), void *context)
{
    struct body *body = pool->oldest;
    while (body != NULL) {
        struct body *newer = body->newer;
        if (body->valid_until < height || !body->waiting) {
            struct hash32 id = body->id;
            bool waiting = body->waiting;
            unlink_body(pool, body);
            if (waiting) {
                gone(context, &id);
            }
        }
        body = newer;
    }
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->waiting.count;
}

uint64_t pool_bytes(const struct pool *pool)
{
    return pool->bytes;
}

uint64_t pool_work(const struct pool *pool)
{
    return pool->waiting.work;
}

uint64_t pool_oldest_ms(const struct pool *pool)
{
    for (const struct body *body = pool->oldest; body != NULL; body = body->newer) {
        if (body->waiting) {
            return body->added_ms;
        }
    }
    return UINT64_MAX;
}
