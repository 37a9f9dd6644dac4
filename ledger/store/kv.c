#include "ledger/store/kv.h"

#include <stdlib.h>

#include "ledger/store/kv_impl.h"
#include "proto/check.h"

struct kv_batch {
    leveldb_writebatch_t *batch;
    size_t size;
};

void *kv_allocate(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    CHECK(memory != NULL);
    return memory;
}

void kv_close(struct kv *kv)
{
    if (kv != NULL) {
        kv->backend->close(kv);
    }
}

enum status kv_get(struct kv *kv, const struct kv_snapshot *snapshot, struct bytes key,
                   uint8_t **value, size_t *size)
{
    return kv->backend->get(kv, snapshot, key, value, size);
}

void kv_free(void *value)
{
    free(value);
}

struct kv_batch *kv_batch_new(void)
{
    struct kv_batch *batch = kv_allocate(sizeof *batch);
    batch->batch = leveldb_writebatch_create();
    return batch;
}

void kv_batch_free(struct kv_batch *batch)
{
    if (batch != NULL) {
        leveldb_writebatch_destroy(batch->batch);
        free(batch);
    }
}

void kv_batch_clear(struct kv_batch *batch)
{
    leveldb_writebatch_clear(batch->batch);
    batch->size = 0;
}

void kv_batch_put(struct kv_batch *batch, struct bytes key, struct bytes value)
{
    leveldb_writebatch_put(batch->batch, (const char *)key.data, key.size,
                           value.size > 0 ? (const char *)value.data : "", value.size);
    batch->size += key.size + value.size + 16;
}

void kv_batch_delete(struct kv_batch *batch, struct bytes key)
{
    leveldb_writebatch_delete(batch->batch, (const char *)key.data, key.size);
    batch->size += key.size + 16;
}

size_t kv_batch_size(const struct kv_batch *batch)
{
    return batch->size;
}

enum status kv_write(struct kv *kv, struct kv_batch *batch, bool sync)
{
    if (kv->failed) {
        return ST_IO;
    }
    enum status status = kv->backend->write(kv, batch->batch, sync);
    kv->failed = status != ST_OK;
    return status;
}

void kv_compact(struct kv *kv, struct bytes from, struct bytes to)
{
    kv->backend->compact(kv, from, to);
}

struct kv_snapshot *kv_snapshot_new(struct kv *kv)
{
    return kv->backend->snapshot_new(kv);
}

void kv_snapshot_free(struct kv *kv, struct kv_snapshot *snapshot)
{
    if (snapshot != NULL) {
        kv->backend->snapshot_free(kv, snapshot);
    }
}

struct kv_iterator *kv_iterator_new(struct kv *kv, const struct kv_snapshot *snapshot,
                                    struct bytes from)
{
    return kv->backend->iterator_new(kv, snapshot, from);
}

bool kv_iterator_valid(const struct kv_iterator *iterator)
{
    return iterator->backend->valid(iterator);
}

void kv_iterator_next(struct kv_iterator *iterator)
{
    iterator->backend->next(iterator);
}

struct bytes kv_iterator_key(const struct kv_iterator *iterator)
{
    return iterator->backend->key(iterator);
}

struct bytes kv_iterator_value(const struct kv_iterator *iterator)
{
    return iterator->backend->value(iterator);
}

enum status kv_iterator_status(const struct kv_iterator *iterator)
{
    return iterator->backend->status(iterator);
}

void kv_iterator_free(struct kv_iterator *iterator)
{
    if (iterator != NULL) {
        iterator->backend->free(iterator);
    }
}
