#include "node/query_log.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/store/kv.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"

/* Keys: 'S' -> size and peaks; 'E' number -> entry; 'L' learner ~number -> nothing; 'N' level index -> root of the
 * whole subtree of 2^level entries. */
enum { KEY_SIZE_MAX = 48, SALT_SIZE = 16, CACHE = 1 << 20, BUFFER = 1 << 20, BLOOM = 10 };

struct query_log {
    struct kv *kv;
    struct merkle_frontier frontier; /* the appender's */
};

struct log_key {
    uint8_t data[KEY_SIZE_MAX];
    size_t size;
};

static struct log_key entry_key(uint64_t number)
{
    struct log_key key = {.data = {'E'}, .size = 9};
    be64_put(key.data + 1, number);
    return key;
}

/* Newest first: the complement ascends. */
static struct log_key learner_key(const struct hash32 *learner, uint64_t number)
{
    struct log_key key = {.data = {'L'}, .size = 41};
    memcpy(key.data + 1, learner->bytes, 32);
    be64_put(key.data + 33, ~number);
    return key;
}

static struct log_key node_key(uint32_t level, uint64_t index)
{
    struct log_key key = {.data = {'N', (uint8_t)level}, .size = 10};
    be64_put(key.data + 2, index);
    return key;
}

static const struct log_key size_key = {.data = {'S'}, .size = 1};

static struct bytes of(const struct log_key *key)
{
    return bytes_of(key->data, key->size);
}

/* ---- Opening ---- */

static uint32_t peaks_of(uint64_t size)
{
    return (uint32_t)__builtin_popcountll(size);
}

static enum status read_frontier(struct query_log *log, struct merkle_frontier *frontier)
{
    uint8_t *value = NULL;
    size_t size = 0;
    merkle_frontier_init(frontier);
    enum status status = kv_get(log->kv, NULL, of(&size_key), &value, &size);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK) {
        frontier->size = size >= 8 ? be64_get(value) : UINT64_MAX;
        size_t peaks = peaks_of(frontier->size) * (size_t)32;
        if (size < 8 || size != 8 + peaks || peaks > sizeof frontier->peaks) {
            status = ST_CORRUPT;
        } else {
            memcpy(frontier->peaks, value + 8, peaks);
        }
    }
    kv_free(value);
    return status;
}

enum status query_log_open(struct query_log **log, const char *folder, char *error, size_t room)
{
    const struct kv_options options = {
        .cache_size = CACHE, .write_buffer_size = BUFFER, .bloom_bits = BLOOM, .create = true};
    struct query_log *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    enum status status = kv_open_leveldb(&made->kv, folder, &options, error, room);
    if (status == ST_OK) {
        status = read_frontier(made, &made->frontier);
        if (status != ST_OK) {
            snprintf(error, room,
                     "the query log %s is damaged; put the folder aside and keep it: what it says "
                     "of who looked is then missing here",
                     folder);
            kv_close(made->kv);
        }
    }
    if (status != ST_OK) {
        free(made);
        return status;
    }
    *log = made;
    return ST_OK;
}

void query_log_close(struct query_log *log)
{
    if (log != NULL) {
        kv_close(log->kv);
        free(log);
    }
}

/* ---- Appending ---- */

static void encode(struct query_entry *entry, uint64_t number)
{
    uint8_t salt[SALT_SIZE];
    Xuelian__QueryEntry wire = XUELIAN__QUERY_ENTRY__INIT;
    CHECK(RAND_bytes(salt, sizeof salt) == 1);
    wire.number = number;
    wire.time_ms = entry->time_ms;
    wire.height = entry->height;
    wire.learner = field_borrow(&entry->learner, 32);
    wire.reader = entry->reader;
    wire.member = entry->member;
    if (entry->reader == XUELIAN__QUERY_READER__QUERY_READER_LEARNER) {
        wire.reader_learner = field_borrow(&entry->reader_learner, 32);
    }
    wire.what = entry->what;
    wire.salt = field_borrow(salt, sizeof salt);
    entry->size = canonical_size(&wire.base);
    CHECK(entry->size <= sizeof entry->bytes);
    canonical_encode(entry->bytes, &wire.base);
}

/* Puts the roots of the subtrees that a new leaf makes whole. */
static void put_nodes(struct query_log *log, struct kv_batch *batch, const struct hash32 *leaf)
{
    struct hash32 root = *leaf;
    uint64_t index = log->frontier.size;
    uint32_t peak = peaks_of(index);
    for (uint32_t level = 0;; level++) {
        struct log_key key = node_key(level, index);
        kv_batch_put(batch, of(&key), bytes_of(&root, 32));
        if ((index & 1) == 0) {
            break;
        }
        hash_node(&root, &log->frontier.peaks[--peak], &root);
        index >>= 1;
    }
    merkle_frontier_append(&log->frontier, leaf);
}

enum status query_log_append(struct query_log *log, struct query_entry *const entries[],
                             size_t count)
{
    uint8_t head[8 + sizeof log->frontier.peaks];
    struct kv_batch *batch = kv_batch_new();
    for (size_t i = 0; i < count; i++) {
        struct query_entry *entry = entries[i];
        struct hash32 leaf;
        uint64_t number = log->frontier.size + 1;
        encode(entry, number);
        struct log_key key = entry_key(number);
        kv_batch_put(batch, of(&key), bytes_of(entry->bytes, entry->size));
        key = learner_key(&entry->learner, number);
        kv_batch_put(batch, of(&key), bytes_of("", 0));
        hash_leaf(&leaf, TAG_LEAF_QUERY, entry->bytes, entry->size);
        put_nodes(log, batch, &leaf);
        entry->log_size = log->frontier.size;
        merkle_frontier_root(&log->frontier, &entry->log_root);
    }
    size_t peaks = peaks_of(log->frontier.size) * (size_t)32;
    be64_put(head, log->frontier.size);
    memcpy(head + 8, log->frontier.peaks, peaks);
    kv_batch_put(batch, of(&size_key), bytes_of(head, 8 + peaks));
    enum status status = kv_write(log->kv, batch, true);
    kv_batch_free(batch);
    return status;
}

/* ---- Reading ---- */

enum status query_log_head(struct query_log *log, uint64_t *size, struct hash32 *root)
{
    struct merkle_frontier frontier;
    enum status status = read_frontier(log, &frontier);
    if (status == ST_OK) {
        *size = frontier.size;
        merkle_frontier_root(&frontier, root);
    }
    return status;
}

enum status query_log_about(struct query_log *log, const struct hash32 *learner, uint64_t before,
                            bool (*visit)(void *context, uint64_t number, struct bytes entry),
                            void *context)
{
    struct log_key from = learner_key(learner, before == 0 ? UINT64_MAX : before - 1);
    struct kv_iterator *iterator = kv_iterator_new(log->kv, NULL, of(&from));
    enum status status = ST_OK;
    bool more = true;
    for (; status == ST_OK && more && kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        uint8_t *entry = NULL;
        size_t size = 0;
        if (key.size != from.size || memcmp(key.data, from.data, 33) != 0) {
            break;
        }
        uint64_t number = ~be64_get(key.data + 33);
        struct log_key at = entry_key(number);
        status = kv_get(log->kv, NULL, of(&at), &entry, &size);
        if (status == ST_OK) {
            more = visit(context, number, bytes_of(entry, size));
        }
        kv_free(entry);
    }
    if (status == ST_OK) {
        status = kv_iterator_status(iterator);
    }
    kv_iterator_free(iterator);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

/* Root of entries [start, start + count) of a tree, RFC 9162 section 2.1.1: whole subtrees are stored. */
static enum status subtree(struct query_log *log, uint64_t start, uint64_t count,
                           struct hash32 *root)
{
    struct merkle_frontier right_edge;
    enum status status = ST_OK;
    merkle_frontier_init(&right_edge);
    /* start is a multiple of the largest power of two not above count: parts descend in size. */
    while (count > 0 && status == ST_OK) {
        uint32_t level = 63 - (uint32_t)__builtin_clzll(count);
        struct log_key key = node_key(level, start >> level);
        uint8_t *value = NULL;
        size_t size = 0;
        status = kv_get(log->kv, NULL, of(&key), &value, &size);
        if (status == ST_OK && size == 32) {
            memcpy(&right_edge.peaks[peaks_of(right_edge.size)], value, 32);
            right_edge.size += (uint64_t)1 << level;
            start += (uint64_t)1 << level;
            count -= (uint64_t)1 << level;
        } else {
            status = status == ST_OK || status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
        kv_free(value);
    }
    if (status == ST_OK) {
        merkle_frontier_root(&right_edge, root);
    }
    return status;
}

enum status query_log_path(struct query_log *log, uint64_t number, uint64_t size,
                           struct hash32 *path, uint32_t *count)
{
    uint64_t known = 0;
    struct hash32 root;
    enum status status = query_log_head(log, &known, &root);
    *count = 0;
    if (status == ST_OK && (number == 0 || number > size || size > known)) {
        return ST_NOT_FOUND;
    }
    /* From the root down, the siblings; then turned round. RFC 9162 section 2.1.3.1. */
    uint64_t start = 0;
    uint64_t index = number - 1;
    while (status == ST_OK && size > 1) {
        uint64_t split = (uint64_t)1 << (63 - (uint32_t)__builtin_clzll(size - 1));
        if (index < split) {
            status = subtree(log, start + split, size - split, &path[*count]);
            size = split;
        } else {
            status = subtree(log, start, split, &path[*count]);
            start += split;
            index -= split;
            size -= split;
        }
        (*count)++;
    }
    for (uint32_t i = 0; i < *count / 2; i++) {
        struct hash32 kept = path[i];
        path[i] = path[*count - 1 - i];
        path[*count - 1 - i] = kept;
    }
    return status;
}
