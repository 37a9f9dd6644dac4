/* A skip list whose entries keep their versions while a snapshot may need them. Single-threaded use,
 * but for reads at snapshots under the caller's own exclusion: tests and simulators are one thread. */
#include <stdlib.h>
#include <string.h>

#include "ledger/store/kv_impl.h"
#include "proto/check.h"

enum { LEVELS = 20 };

struct version {
    struct version *older;
    uint64_t sequence;
    bool deleted;
    size_t size;
    uint8_t data[];
};

struct entry {
    struct entry *next[LEVELS];
    struct version *newest;
    size_t key_size;
    uint8_t key[];
};

struct kv_memory {
    struct kv base;
    struct entry *head[LEVELS];
    uint64_t sequence;
    uint64_t random;
    uint32_t snapshots;
};

struct kv_snapshot {
    uint64_t sequence;
};

struct iterator_memory {
    struct kv_iterator base;
    const struct entry *entry;
    uint64_t sequence;
};

static int compare(const struct entry *entry, struct bytes key)
{
    size_t common = entry->key_size < key.size ? entry->key_size : key.size;
    int order = common == 0 ? 0 : memcmp(entry->key, key.data, common);
    return order != 0 ? order : (entry->key_size > key.size) - (entry->key_size < key.size);
}

/* First entry with a key >= key; links gets the pointers that lead to that place. */
static struct entry *find(struct kv_memory *self, struct bytes key, struct entry **links[LEVELS])
{
    struct entry **row = self->head;
    for (int level = LEVELS - 1; level >= 0; level--) {
        while (row[level] != NULL && compare(row[level], key) < 0) {
            row = row[level]->next;
        }
        links[level] = &row[level];
    }
    return row[0];
}

static const struct version *version_at(const struct entry *entry, uint64_t sequence)
{
    const struct version *version = entry->newest;
    while (version != NULL && version->sequence > sequence) {
        version = version->older;
    }
    return version == NULL || version->deleted ? NULL : version;
}

static uint64_t sequence_of(const struct kv_memory *self, const struct kv_snapshot *snapshot)
{
    return snapshot != NULL ? snapshot->sequence : self->sequence;
}

static enum status get(struct kv *kv, const struct kv_snapshot *snapshot, struct bytes key,
                       uint8_t **value, size_t *size)
{
    struct kv_memory *self = (struct kv_memory *)kv;
    struct entry **links[LEVELS];
    struct entry *entry = find(self, key, links);
    if (entry == NULL || compare(entry, key) != 0) {
        return ST_NOT_FOUND;
    }
    const struct version *version = version_at(entry, sequence_of(self, snapshot));
    if (version == NULL) {
        return ST_NOT_FOUND;
    }
    *value = kv_allocate(version->size);
    memcpy(*value, version->data, version->size);
    *size = version->size;
    return ST_OK;
}

static int level_of(struct kv_memory *self)
{
    self->random = self->random * UINT64_C(6364136223846793005) + 1;
    int level = 1 + __builtin_ctzll((self->random >> 20) | UINT64_C(1) << (LEVELS - 2));
    return level;
}

static void put(struct kv_memory *self, struct bytes key, struct bytes value, bool deleted)
{
    struct entry **links[LEVELS];
    struct entry *entry = find(self, key, links);
    if (entry == NULL || compare(entry, key) != 0) {
        int levels = level_of(self);
        entry = kv_allocate(sizeof *entry + key.size);
        entry->key_size = key.size;
        memcpy(entry->key, key.data, key.size);
        for (int level = 0; level < levels; level++) {
            entry->next[level] = *links[level];
            *links[level] = entry;
        }
    }
    struct version *version = kv_allocate(sizeof *version + value.size);
    version->sequence = self->sequence;
    version->deleted = deleted;
    version->size = value.size;
    if (value.size > 0) {
        memcpy(version->data, value.data, value.size);
    }
    version->older = entry->newest;
    entry->newest = version;
    /* With no snapshot alive nobody can ask for what was before. */
    while (self->snapshots == 0 && version->older != NULL) {
        struct version *gone = version->older;
        version->older = gone->older;
        free(gone);
    }
}

static void batch_put(void *state, const char *key, size_t key_size, const char *value, size_t size)
{
    put(state, (struct bytes){(const uint8_t *)key, key_size},
        (struct bytes){(const uint8_t *)value, size}, false);
}

static void batch_delete(void *state, const char *key, size_t key_size)
{
    put(state, (struct bytes){(const uint8_t *)key, key_size}, (struct bytes){NULL, 0}, true);
}

static enum status write_batch(struct kv *kv, leveldb_writebatch_t *batch, bool sync)
{
    struct kv_memory *self = (struct kv_memory *)kv;
    (void)sync;
    self->sequence++;
    leveldb_writebatch_iterate(batch, self, batch_put, batch_delete);
    return ST_OK;
}

static struct kv_snapshot *snapshot_new(struct kv *kv)
{
    struct kv_memory *self = (struct kv_memory *)kv;
    struct kv_snapshot *snapshot = kv_allocate(sizeof *snapshot);
    snapshot->sequence = self->sequence;
    self->snapshots++;
    return snapshot;
}

static void snapshot_free(struct kv *kv, struct kv_snapshot *snapshot)
{
    ((struct kv_memory *)kv)->snapshots--;
    free(snapshot);
}

static void skip_deleted(struct iterator_memory *self)
{
    while (self->entry != NULL && version_at(self->entry, self->sequence) == NULL) {
        self->entry = self->entry->next[0];
    }
}

static bool iterator_valid(const struct kv_iterator *iterator)
{
    return ((const struct iterator_memory *)iterator)->entry != NULL;
}

static void iterator_next(struct kv_iterator *iterator)
{
    struct iterator_memory *self = (struct iterator_memory *)iterator;
    self->entry = self->entry->next[0];
    skip_deleted(self);
}

static struct bytes iterator_key(const struct kv_iterator *iterator)
{
    const struct entry *entry = ((const struct iterator_memory *)iterator)->entry;
    return (struct bytes){.data = entry->key, .size = entry->key_size};
}

static struct bytes iterator_value(const struct kv_iterator *iterator)
{
    const struct iterator_memory *self = (const struct iterator_memory *)iterator;
    const struct version *version = version_at(self->entry, self->sequence);
    CHECK(version != NULL); /* it stands on entries that are there */
    return (struct bytes){.data = version->data, .size = version->size};
}

static enum status iterator_status(const struct kv_iterator *iterator)
{
    (void)iterator;
    return ST_OK;
}

static void iterator_free(struct kv_iterator *iterator)
{
    free(iterator);
}

static const struct kv_iterator_backend iterator_backend = {
    .valid = iterator_valid,
    .next = iterator_next,
    .key = iterator_key,
    .value = iterator_value,
    .status = iterator_status,
    .free = iterator_free,
};

static struct kv_iterator *iterator_new(struct kv *kv, const struct kv_snapshot *snapshot,
                                        struct bytes from)
{
    struct kv_memory *self = (struct kv_memory *)kv;
    struct iterator_memory *iterator = kv_allocate(sizeof *iterator);
    struct entry **links[LEVELS];
    iterator->base.backend = &iterator_backend;
    iterator->sequence = sequence_of(self, snapshot);
    iterator->entry = find(self, from, links);
    skip_deleted(iterator);
    return &iterator->base;
}

static void compact(struct kv *kv, struct bytes from, struct bytes to)
{
    (void)kv;
    (void)from;
    (void)to;
}

static void close_memory(struct kv *kv)
{
    struct kv_memory *self = (struct kv_memory *)kv;
    for (struct entry *entry = self->head[0]; entry != NULL;) {
        struct entry *next = entry->next[0];
        for (struct version *version = entry->newest; version != NULL;) {
            struct version *older = version->older;
            free(version);
            version = older;
        }
        free(entry);
        entry = next;
    }
    free(self);
}

static const struct kv_backend backend = {
    .get = get,
    .write = write_batch,
    .compact = compact,
    .snapshot_new = snapshot_new,
    .snapshot_free = snapshot_free,
    .iterator_new = iterator_new,
    .close = close_memory,
};

enum status kv_open_memory(struct kv **kv)
{
    struct kv_memory *self = kv_allocate(sizeof *self);
    self->base.backend = &backend;
    self->random = 1;
    *kv = &self->base;
    return ST_OK;
}
