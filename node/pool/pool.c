#include "node/pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

enum { BUCKETS = 1 << 16 };

struct pool {
    struct pool_limits limits;
    struct body *by_entry[BUCKETS];
    struct body *by_id[BUCKETS];
    struct body *oldest, *newest;
    uint32_t waiting;
    uint32_t count;
    uint64_t bytes;
    uint64_t work;
    uint64_t waiting_bytes;
};

struct body *body_new(const struct tx *tx, uint64_t work)
{
    struct body *body = calloc(1, sizeof *body + tx->bytes.size);
    CHECK(body != NULL);
    memcpy(body->data, tx->bytes.data, tx->bytes.size);
    body->bytes = bytes_of(body->data, tx->bytes.size);
    body->id = tx->id;
    body->entry = tx->entry;
    body->valid_until = tx->valid_until;
    body->work = work;
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
    pool->bytes -= body->bytes.size;
    if (body->waiting) {
        pool->waiting--;
        pool->work -= body->work;
        pool->waiting_bytes -= body->bytes.size;
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

enum status pool_add(struct pool *pool, struct body *body, bool fetched, uint64_t work_max,
                     uint64_t now_ms)
{
    bool known = pool_find_id(pool, &body->id) != NULL;
    if (pool_find_entry(pool, &body->entry) != NULL || (known && !fetched)) {
        return ST_DUPLICATE;
    }
    /* A body that a proposal needs may go past the bounds by as much again. */
    uint64_t share = fetched ? 2 : 1;
    if (pool->bytes + body->bytes.size > pool->limits.bytes * share ||
        pool->count >= pool->limits.count * share ||
        (!fetched && pool->work > 0 && pool->work + body->work > work_max)) {
        return ST_BUSY;
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
    pool->bytes += body->bytes.size;
    if (body->waiting) {
        pool->waiting++;
        pool->work += body->work;
        pool->waiting_bytes += body->bytes.size;
    }
    return ST_OK;
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
    return pool->waiting >= pool->limits.batch_count || pool->work >= pool->limits.batch_work ||
           pool->waiting_bytes >= pool->limits.batch_bytes;
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
        if (body->valid_until < height) {
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
    return pool->waiting;
}

uint64_t pool_bytes(const struct pool *pool)
{
    return pool->bytes;
}

uint64_t pool_work(const struct pool *pool)
{
    return pool->work;
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
