/* An ordered key-value store: LevelDB in a node, a sorted array in tests and the simulator.
 *
 * Keys compare bytewise. A kv is written by one thread; snapshots may be read by any thread while the
 * kv is open. After any failed write the kv refuses every further one with ST_IO: the caller ends the
 * process (a write after a full disk would lose later synced writes silently). */
#ifndef XUELIAN_LEDGER_KV_H
#define XUELIAN_LEDGER_KV_H

#include "proto/status.h"
#include "proto/types.h"

struct kv;
struct kv_snapshot;
struct kv_batch;
struct kv_iterator;

struct kv_options {
    size_t cache_size;        /* bytes of block cache */
    size_t write_buffer_size; /* bytes */
    size_t file_size;         /* bytes of a table file; 0: LevelDB's own choice, 2 MiB */
    size_t block_size;        /* bytes read and checked at once; 0: LevelDB's own, 4 KiB */
    uint32_t bloom_bits;      /* per key */
    bool create;              /* make it when missing; else ST_NOT_FOUND */
};

/* Opens LevelDB at path. Returns ST_OK; ST_NOT_FOUND; ST_LOCKED; ST_CORRUPT; ST_IO.
 * Out  *kv; error  one sentence for the operator on failure. */
enum status kv_open_leveldb(struct kv **kv, const char *path, const struct kv_options *options,
                            char *error, size_t error_size);
/* In memory, for tests and the simulator. */
enum status kv_open_memory(struct kv **kv);
void kv_close(struct kv *kv);

/* Reads the newest value, or the value at a snapshot (snapshot may be NULL).
 * Returns  ST_OK; ST_NOT_FOUND; ST_CORRUPT; ST_IO.
 * Out  *value  malloc'ed, the caller frees value with kv_free; *size. */
enum status kv_get(struct kv *kv, const struct kv_snapshot *snapshot, struct bytes key,
                   uint8_t **value, size_t *size);
void kv_free(void *value);

/* A batch is applied whole or not at all; its contents are copied in. Later operations win. */
struct kv_batch *kv_batch_new(void);
void kv_batch_free(struct kv_batch *batch);
void kv_batch_clear(struct kv_batch *batch);
void kv_batch_put(struct kv_batch *batch, struct bytes key, struct bytes value);
void kv_batch_delete(struct kv_batch *batch, struct bytes key);
size_t kv_batch_size(const struct kv_batch *batch); /* bytes, about */
/* sync: on disk before it returns. Returns ST_OK; ST_IO (fatal). */
enum status kv_write(struct kv *kv, struct kv_batch *batch, bool sync);

/* Rewrites the files that hold keys from `from` to `to`, both included, so that what was deleted there is gone from
 * the disk (but see details_store.h). Any thread; writes go on meanwhile. Cost: a few files a level. */
void kv_compact(struct kv *kv, struct bytes from, struct bytes to);

struct kv_snapshot *kv_snapshot_new(struct kv *kv);
void kv_snapshot_free(struct kv *kv, struct kv_snapshot *snapshot);

/* Ascending iteration from the first key >= from. Borrowed key and value until the next call.
 * kv_iterator_status after the end: ST_OK, ST_CORRUPT or ST_IO. */
struct kv_iterator *kv_iterator_new(struct kv *kv, const struct kv_snapshot *snapshot,
                                    struct bytes from);
bool kv_iterator_valid(const struct kv_iterator *iterator);
void kv_iterator_next(struct kv_iterator *iterator);
struct bytes kv_iterator_key(const struct kv_iterator *iterator);
struct bytes kv_iterator_value(const struct kv_iterator *iterator);
enum status kv_iterator_status(const struct kv_iterator *iterator);
void kv_iterator_free(struct kv_iterator *iterator);

#endif
