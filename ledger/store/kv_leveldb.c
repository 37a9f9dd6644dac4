#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/store/kv_impl.h"
#include "ledger/store/log_files.h"

struct kv_leveldb {
    struct kv base;
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_writeoptions_t *write_options;
    leveldb_writeoptions_t *write_options_sync;
    leveldb_readoptions_t *read_newest;
    struct log_files *log_files;
};

struct kv_snapshot {
    const leveldb_snapshot_t *snapshot;
};

struct iterator_leveldb {
    struct kv_iterator base;
    leveldb_iterator_t *iterator;
    leveldb_readoptions_t *options;
};

static enum status status_of(const char *error)
{
    return strstr(error, "Corruption") != NULL ? ST_CORRUPT : ST_IO;
}

/* Every read checks its checksum: a rotten block is an error, never an answer. */
static leveldb_readoptions_t *read_options(const struct kv_snapshot *snapshot)
{
    leveldb_readoptions_t *options = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(options, 1);
    if (snapshot != NULL) {
        leveldb_readoptions_set_snapshot(options, snapshot->snapshot);
    }
    return options;
}

static enum status get(struct kv *kv, const struct kv_snapshot *snapshot, struct bytes key,
                       uint8_t **value, size_t *size)
{
    struct kv_leveldb *self = (struct kv_leveldb *)kv;
    leveldb_readoptions_t *options = snapshot != NULL ? read_options(snapshot) : self->read_newest;
    char *error = NULL;
    size_t found_size = 0;
    char *found =
        leveldb_get(self->db, options, (const char *)key.data, key.size, &found_size, &error);
    if (snapshot != NULL) {
        leveldb_readoptions_destroy(options);
    }
    if (error != NULL) {
        enum status status = status_of(error);
        leveldb_free(error);
        return status;
    }
    if (found == NULL) {
        return ST_NOT_FOUND;
    }
    /* Debian's LevelDB allocates with malloc, but that is its own affair: copied, so kv_free is free. */
    *value = kv_allocate(found_size);
    memcpy(*value, found, found_size);
    *size = found_size;
    leveldb_free(found);
    return ST_OK;
}

static enum status write_batch(struct kv *kv, leveldb_writebatch_t *batch, bool sync)
{
    struct kv_leveldb *self = (struct kv_leveldb *)kv;
    char *error = NULL;
    leveldb_write(self->db, sync ? self->write_options_sync : self->write_options, batch, &error);
    if (error != NULL) {
        leveldb_free(error);
        return ST_IO;
    }
    /* Without sync too, so that what a power cut takes is the end of what was written, not the middle. */
    return log_files_sync(self->log_files);
}

static void compact(struct kv *kv, struct bytes from, struct bytes to)
{
    leveldb_compact_range(((struct kv_leveldb *)kv)->db, (const char *)from.data, from.size,
                          (const char *)to.data, to.size);
}

static struct kv_snapshot *snapshot_new(struct kv *kv)
{
    struct kv_snapshot *snapshot = kv_allocate(sizeof *snapshot);
    snapshot->snapshot = leveldb_create_snapshot(((struct kv_leveldb *)kv)->db);
    return snapshot;
}

static void snapshot_free(struct kv *kv, struct kv_snapshot *snapshot)
{
    leveldb_release_snapshot(((struct kv_leveldb *)kv)->db, snapshot->snapshot);
    free(snapshot);
}

static bool iterator_valid(const struct kv_iterator *iterator)
{
    return leveldb_iter_valid(((const struct iterator_leveldb *)iterator)->iterator) != 0;
}

static void iterator_next(struct kv_iterator *iterator)
{
    leveldb_iter_next(((struct iterator_leveldb *)iterator)->iterator);
}

static struct bytes iterator_key(const struct kv_iterator *iterator)
{
    size_t size;
    const char *key =
        leveldb_iter_key(((const struct iterator_leveldb *)iterator)->iterator, &size);
    return (struct bytes){.data = (const uint8_t *)key, .size = size};
}

static struct bytes iterator_value(const struct kv_iterator *iterator)
{
    size_t size;
    const char *value =
        leveldb_iter_value(((const struct iterator_leveldb *)iterator)->iterator, &size);
    return (struct bytes){.data = (const uint8_t *)value, .size = size};
}

static enum status iterator_status(const struct kv_iterator *iterator)
{
    char *error = NULL;
    leveldb_iter_get_error(((const struct iterator_leveldb *)iterator)->iterator, &error);
    if (error == NULL) {
        return ST_OK;
    }
    enum status status = status_of(error);
    leveldb_free(error);
    return status;
}

static void iterator_free(struct kv_iterator *iterator)
{
    struct iterator_leveldb *self = (struct iterator_leveldb *)iterator;
    leveldb_iter_destroy(self->iterator);
    leveldb_readoptions_destroy(self->options);
    free(self);
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
    struct iterator_leveldb *self = kv_allocate(sizeof *self);
    self->base.backend = &iterator_backend;
    self->options = read_options(snapshot);
    self->iterator = leveldb_create_iterator(((struct kv_leveldb *)kv)->db, self->options);
    leveldb_iter_seek(self->iterator, from.size > 0 ? (const char *)from.data : "", from.size);
    return &self->base;
}

static void close_db(struct kv *kv)
{
    struct kv_leveldb *self = (struct kv_leveldb *)kv;
    if (self->db != NULL) {
        leveldb_close(self->db);
    }
    leveldb_options_destroy(self->options);
    leveldb_cache_destroy(self->cache);
    leveldb_filterpolicy_destroy(self->filter);
    leveldb_writeoptions_destroy(self->write_options);
    leveldb_writeoptions_destroy(self->write_options_sync);
    leveldb_readoptions_destroy(self->read_newest);
    log_files_free(self->log_files);
    free(self);
}

static const struct kv_backend backend = {
    .get = get,
    .write = write_batch,
    .compact = compact,
    .snapshot_new = snapshot_new,
    .snapshot_free = snapshot_free,
    .iterator_new = iterator_new,
    .close = close_db,
};

/* Turns LevelDB's message into one sentence that says what to do. */
static enum status open_failed(const char *path, const char *message, char *error,
                               size_t error_size)
{
    static const char locked[] =
        "IO error: lock "; /* the path comes after, and may hold any word */
    if (strncmp(message, locked, sizeof locked - 1) == 0) {
        snprintf(error, error_size,
                 "the database %s is used by another process; stop that process or choose another "
                 "data directory",
                 path);
        return ST_LOCKED;
    }
    if (strstr(message, "does not exist") != NULL) {
        snprintf(error, error_size, "there is no database at %s; check the data directory", path);
        return ST_NOT_FOUND;
    }
    enum status status = status_of(message);
    if (strstr(message, "CURRENT") != NULL || strstr(message, "MANIFEST") != NULL) {
        status = ST_CORRUPT;
    }
    snprintf(error, error_size,
             status == ST_CORRUPT
                 ? "the database %s is damaged (%s); move it away and let the node rebuild it from "
                   "its peers"
                 : "the database %s cannot be opened (%s); check the disk and the permissions",
             path, message);
    return status;
}

/* LevelDB makes the folder and a lock in it before it says that there is no database. */
static bool is_there(const char *path)
{
    char current[4096];
    int size = snprintf(current, sizeof current, "%s/CURRENT", path);
    return size > 0 && (size_t)size < sizeof current && access(current, F_OK) == 0;
}

enum status kv_open_leveldb(struct kv **kv, const char *path, const struct kv_options *options,
                            char *error, size_t error_size)
{
    if (!options->create && !is_there(path)) {
        return open_failed(path, "does not exist", error, error_size);
    }
    struct kv_leveldb *self = kv_allocate(sizeof *self);
    char *message = NULL;
    self->base.backend = &backend;
    self->options = leveldb_options_create();
    self->cache = leveldb_cache_create_lru(options->cache_size);
    self->filter = leveldb_filterpolicy_create_bloom((int)options->bloom_bits);
    self->write_options = leveldb_writeoptions_create();
    self->write_options_sync = leveldb_writeoptions_create();
    self->read_newest = read_options(NULL);
    leveldb_writeoptions_set_sync(self->write_options_sync, 1);
    leveldb_options_set_create_if_missing(self->options, options->create ? 1 : 0);
    leveldb_options_set_paranoid_checks(self->options, 1);
    leveldb_options_set_cache(self->options, self->cache);
    leveldb_options_set_filter_policy(self->options, self->filter);
    leveldb_options_set_write_buffer_size(self->options, options->write_buffer_size);
    if (options->file_size > 0) {
        leveldb_options_set_max_file_size(self->options, options->file_size);
    }
    if (options->block_size > 0) {
        leveldb_options_set_block_size(self->options, options->block_size);
    }
    leveldb_options_set_compression(self->options, leveldb_no_compression);
    self->db = leveldb_open(self->options, path, &message);
    if (message != NULL) {
        enum status status = open_failed(path, message, error, error_size);
        leveldb_free(message);
        close_db(&self->base);
        return status;
    }
    self->log_files = log_files_new(path);
    *kv = &self->base;
    return ST_OK;
}
