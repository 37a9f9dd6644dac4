#include "ledger/store/details_store.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

enum { KEY_SIZE = 1 + 32 + 4 + 32, BATCH_MAX = 1 << 20 };

struct details_store {
    struct kv *kv;
    struct kv_batch *batch;
    uint64_t height;
    bool erasing; /* the batch, or what was written since the last sync, erases something */
    uint8_t cursor[KEY_SIZE]; /* of the wanted ones: the last that was given */
};

struct store_key {
    uint8_t bytes[KEY_SIZE];
};

static struct store_key key_of(char what, const struct details_key *key)
{
    struct store_key made = {{(uint8_t)what}};
    memcpy(made.bytes + 1, key->account.bytes, 32);
    be32_put(made.bytes + 33, key->issuer);
    memcpy(made.bytes + 37, key->root.bytes, 32);
    return made;
}

static struct bytes key_bytes(const struct store_key *key)
{
    return bytes_of(key->bytes, sizeof key->bytes);
}

static bool key_read(struct bytes bytes, char what, struct details_key *key)
{
    if (bytes.size != KEY_SIZE || bytes.data[0] != (uint8_t)what) {
        return false;
    }
    memcpy(key->account.bytes, bytes.data + 1, 32);
    key->issuer = be32_get(bytes.data + 33);
    memcpy(key->root.bytes, bytes.data + 37, 32);
    return true;
}

static enum status has(struct details_store *store, char what, const struct details_key *key,
                       bool *found)
{
    struct store_key at = key_of(what, key);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(store->kv, NULL, key_bytes(&at), &value, &size);
    kv_free(value);
    *found = status == ST_OK;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static void put(struct details_store *store, char what, const struct details_key *key,
                struct bytes value)
{
    struct store_key at = key_of(what, key);
    kv_batch_put(store->batch, key_bytes(&at), value);
}

static void drop(struct details_store *store, char what, const struct details_key *key)
{
    struct store_key at = key_of(what, key);
    kv_batch_delete(store->batch, key_bytes(&at));
}

/* The height of a proposal that put them there; 0: none did. */
static enum status proposed_at(struct details_store *store, const struct details_key *key,
                               uint64_t *height)
{
    struct store_key at = key_of('P', key);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(store->kv, NULL, key_bytes(&at), &value, &size);
    *height = 0;
    if (status == ST_OK && size == 8) {
        *height = be64_get(value);
    } else if (status == ST_OK) {
        status = ST_CORRUPT;
    }
    kv_free(value);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

/* Small steps in order: each reads what the ones before it wrote. */
static enum status flush(struct details_store *store, bool sync)
{
    enum status status = kv_write(store->kv, store->batch, sync);
    kv_batch_clear(store->batch);
    store->erasing = store->erasing && (!sync || status != ST_OK);
    return status;
}

enum status details_store_open(struct details_store **store, struct kv *kv)
{
    static const uint8_t key[] = {'H'};
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(kv, NULL, bytes_of(key, sizeof key), &value, &size);
    if (status == ST_NOT_FOUND || (status == ST_OK && size == 8)) {
        struct details_store *made = calloc(1, sizeof *made);
        CHECK(made != NULL);
        made->kv = kv;
        made->batch = kv_batch_new();
        made->height = status == ST_OK ? be64_get(value) : 0;
        *store = made;
        status = ST_OK;
    } else if (status == ST_OK) {
        status = ST_CORRUPT;
    }
    kv_free(value);
    return status;
}

void details_store_close(struct details_store *store)
{
    if (store != NULL) {
        kv_batch_free(store->batch);
        kv_close(store->kv);
        free(store);
    }
}

uint64_t details_store_height(const struct details_store *store)
{
    return store->height;
}

enum status details_store_get(struct details_store *store, const struct details_key *key,
                              uint8_t **bytes, size_t *size)
{
    struct store_key at = key_of('D', key);
    return kv_get(store->kv, NULL, key_bytes(&at), bytes, size);
}

/* ---- Proposals ---- */

enum status details_store_propose(struct details_store *store, uint64_t height,
                                  const struct details_key *key, struct bytes bytes)
{
    bool here = false;
    bool wanted = false;
    uint64_t before = 0;
    uint8_t value[8];
    enum status status = has(store, 'D', key, &here);
    if (status == ST_OK) {
        status = has(store, 'W', key, &wanted);
    }
    if (status == ST_OK) {
        status = proposed_at(store, key, &before);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!here) {
        put(store, 'D', key, bytes);
    }
    if (!here && wanted) { /* a block has them already, whatever becomes of this one */
        drop(store, 'W', key);
    } else if (!here || (before > 0 && before < height)) {
        be64_put(value, height);
        put(store, 'P', key, bytes_of(value, sizeof value));
    }
    return status;
}

enum status details_store_sync(struct details_store *store)
{
    /* Even when all was here: it may have been written and not synced yet. */
    return flush(store, true);
}

/* ---- Blocks ---- */

static enum status put_height(struct details_store *store, uint64_t height)
{
    static const uint8_t key[] = {'H'};
    uint8_t value[8];
    be64_put(value, height);
    kv_batch_put(store->batch, bytes_of(key, sizeof key), bytes_of(value, sizeof value));
    enum status status = flush(store, store->erasing);
    store->height = status == ST_OK ? height : store->height;
    return status;
}

enum status details_store_accept(struct details_store *store, const struct details_key *key,
                                 struct bytes bytes)
{
    bool here = false;
    /* So that what the block erased before is not found. */
    enum status status = kv_batch_size(store->batch) > 0 ? flush(store, false) : ST_OK;
    if (status == ST_OK) {
        status = has(store, 'D', key, &here);
    }
    if (status != ST_OK) {
        return status;
    }
    drop(store, 'P', key);
    if (here || bytes.size > 0) {
        drop(store, 'W', key);
    } else {
        put(store, 'W', key, (struct bytes){.size = 0});
    }
    if (!here && bytes.size > 0) {
        put(store, 'D', key, bytes);
    }
    return flush(store, false);
}

static void note_erased(struct details_store *store, const struct hash32 *account)
{
    uint8_t key[33] = {'E'};
    memcpy(key + 1, account->bytes, 32);
    kv_batch_put(store->batch, bytes_of(key, sizeof key), (struct bytes){.size = 0});
    store->erasing = true;
}

enum status details_store_erase(struct details_store *store, const struct details_key *key)
{
    drop(store, 'D', key);
    drop(store, 'P', key);
    drop(store, 'W', key);
    note_erased(store, &key->account);
    return kv_batch_size(store->batch) < BATCH_MAX ? ST_OK : flush(store, false);
}

enum status details_store_settle(struct details_store *store, uint64_t height)
{
    static const uint8_t first[] = {'P'};
    struct kv_iterator *iterator = kv_iterator_new(store->kv, NULL, bytes_of(first, sizeof first));
    struct details_key key;
    bool good = true;
    for (; good && kv_iterator_valid(iterator) && key_read(kv_iterator_key(iterator), 'P', &key);
         kv_iterator_next(iterator)) {
        struct bytes value = kv_iterator_value(iterator);
        good = value.size == 8;
        if (good && be64_get(value.data) <= height) {
            drop(store, 'D', &key);
            drop(store, 'P', &key);
            note_erased(store, &key.account);
        }
    }
    enum status status = good ? kv_iterator_status(iterator) : ST_CORRUPT;
    kv_iterator_free(iterator);
    return status == ST_OK ? put_height(store, height) : status;
}

/* ---- Wanted ---- */

enum status details_store_wanted(struct details_store *store, struct details_key *keys,
                                 uint32_t *count)
{
    struct kv_iterator *iterator;
    if (store->cursor[0] != 'W') {
        memset(store->cursor, 0, sizeof store->cursor);
        store->cursor[0] = 'W';
    }
    iterator = kv_iterator_new(store->kv, NULL, bytes_of(store->cursor, sizeof store->cursor));
    if (kv_iterator_valid(iterator) &&
        bytes_equal(kv_iterator_key(iterator), bytes_of(store->cursor, sizeof store->cursor))) {
        kv_iterator_next(iterator);
    }
    *count = 0;
    while (*count < DETAILS_ASK_MAX && kv_iterator_valid(iterator) &&
           key_read(kv_iterator_key(iterator), 'W', &keys[*count])) {
        struct store_key at = key_of('W', &keys[(*count)++]);
        memcpy(store->cursor, at.bytes, sizeof store->cursor);
        kv_iterator_next(iterator);
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    if (*count < DETAILS_ASK_MAX) {
        store->cursor[0] = 0;
    }
    return status;
}

enum status details_store_fill(struct details_store *store, const struct details_key *keys,
                               uint32_t count, struct bytes bytes, uint32_t *taken)
{
    struct details details;
    struct hash32 root;
    if (details_read(&details, bytes) != ST_OK) {
        return ST_OK;
    }
    details_root(&root, &details);
    for (uint32_t i = 0; i < count; i++) {
        bool wanted = false;
        if (!hash32_equal(&keys[i].root, &root)) {
            continue;
        }
        enum status status = has(store, 'W', &keys[i], &wanted);
        if (status == ST_OK && wanted) {
            put(store, 'D', &keys[i], bytes);
            drop(store, 'W', &keys[i]);
            status = flush(store, false);
            ++*taken;
        }
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

enum status details_store_want(struct details_store *store, const struct details_key *key)
{
    bool here = false;
    enum status status = has(store, 'D', key, &here);
    if (status == ST_OK && !here) {
        put(store, 'W', key, (struct bytes){.size = 0});
        status = flush(store, false);
    }
    return status;
}

/* ---- Compaction ---- */

bool details_store_erased(struct details_store *store, struct hash32 *account)
{
    static const uint8_t first[] = {'E'};
    struct kv_iterator *iterator = kv_iterator_new(store->kv, NULL, bytes_of(first, sizeof first));
    bool found = kv_iterator_valid(iterator) && kv_iterator_key(iterator).size == 33 &&
                 kv_iterator_key(iterator).data[0] == 'E';
    if (found) {
        memcpy(account->bytes, kv_iterator_key(iterator).data + 1, 32);
    }
    kv_iterator_free(iterator);
    return found;
}

/* The lowest and the highest key that an account's details could have. */
static void range_of(const struct hash32 *account, struct store_key *low, struct store_key *high)
{
    struct details_key key = {.account = *account};
    *low = key_of('D', &key);
    memset(&key.root, 0xff, sizeof key.root);
    key.issuer = UINT32_MAX;
    *high = key_of('D', &key);
}

void details_store_compact(struct details_store *store, const struct hash32 *account)
{
    struct store_key low, high;
    range_of(account, &low, &high);
    kv_compact(store->kv, key_bytes(&low), key_bytes(&high));
}

enum status details_store_compacting(struct details_store *store, const struct hash32 *account)
{
    struct store_key low, high;
    range_of(account, &low, &high);
    kv_batch_delete(store->batch, key_bytes(&low));
    kv_batch_delete(store->batch, key_bytes(&high));
    return flush(store, false);
}

enum status details_store_compacted(struct details_store *store, const struct hash32 *account)
{
    uint8_t key[33] = {'E'};
    memcpy(key + 1, account->bytes, 32);
    kv_batch_delete(store->batch, bytes_of(key, sizeof key));
    return flush(store, false);
}

/* ---- After a restore ---- */

struct sweeping {
    struct details_store *store;
    uint64_t height;
    bool (*keep)(void *context, const struct details_key *key);
    void *context;
};

static enum status sweep_entry(const struct sweeping *run, char what, const struct details_key *key)
{
    uint64_t proposed = 0;
    bool kept = run->keep(run->context, key);
    enum status status = ST_OK;
    if (what == 'P' && kept) { /* a block has it, whatever becomes of the proposal */
        drop(run->store, 'P', key);
    } else if (what == 'W' && !kept) {
        drop(run->store, 'W', key);
    } else if (what == 'D' && !kept) {
        status = proposed_at(run->store, key, &proposed);
        if (status == ST_OK && proposed <= run->height) {
            status = details_store_erase(run->store, key);
        }
    }
    if (status == ST_OK && kv_batch_size(run->store->batch) >= BATCH_MAX) {
        status = flush(run->store, false);
    }
    return status;
}

static enum status sweep_all(const struct sweeping *run, char what)
{
    uint8_t first[] = {(uint8_t)what};
    struct details_key key;
    enum status status = ST_OK;
    struct kv_iterator *iterator =
        kv_iterator_new(run->store->kv, NULL, bytes_of(first, sizeof first));
    for (; status == ST_OK && kv_iterator_valid(iterator) &&
           key_read(kv_iterator_key(iterator), what, &key);
         kv_iterator_next(iterator)) {
        status = sweep_entry(run, what, &key);
    }
    status = status == ST_OK ? kv_iterator_status(iterator) : status;
    kv_iterator_free(iterator);
    return status;
}

enum status details_store_sweep(struct details_store *store, uint64_t height,
                                bool (*keep)(void *context, const struct details_key *key),
                                void *context)
{
    const struct sweeping run = {
        .store = store, .height = height, .keep = keep, .context = context};
    enum status status = sweep_all(&run, 'D');
    if (status == ST_OK) {
        status = sweep_all(&run, 'P');
    }
    if (status == ST_OK) {
        status = sweep_all(&run, 'W');
    }
    return status == ST_OK ? put_height(store, height) : status;
}
