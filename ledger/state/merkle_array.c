#include "ledger/state/merkle_array.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"

_Static_assert(sizeof(struct merkle_leaf) == 96, "a leaf is stored as it is");

/* A changed child of the level being hashed. */
struct changed {
    uint64_t index;
    struct hash32 hash;
};

static void hash_numbered(struct hash32 *out, enum hash_tag tag, uint32_t number, struct bytes data)
{
    struct hasher hasher;
    uint8_t prefix[4];
    be32_put(prefix, number);
    hasher_init_tagged(&hasher, tag);
    hasher_update(&hasher, prefix, 4);
    hasher_update(&hasher, data.data, data.size);
    hasher_final(&hasher, out);
}

void merkle_array_key(struct hash32 *out, uint32_t collection, struct bytes natural_key)
{
    hash_numbered(out, TAG_TREE_KEY, collection, natural_key);
}

void merkle_array_value(struct hash32 *out, uint32_t collection, struct bytes value)
{
    hash_numbered(out, TAG_VALUE, collection, value);
}

void merkle_leaf_hash(struct hash32 *out, const struct merkle_leaf *leaf)
{
    hash_leaf(out, TAG_LEAF_STATE, leaf, sizeof *leaf);
}

void state_root_leaf(struct hash32 *out, uint32_t collection, uint64_t count,
                     const struct hash32 *root)
{
    uint8_t data[44];
    be32_put(data, collection);
    be64_put(data + 4, count);
    memcpy(data + 12, root->bytes, 32);
    hash_leaf(out, TAG_LEAF_COLLECTION, data, sizeof data);
}

/* 'K' collection ~key: see keys.h. */
static struct state_key index_key(uint32_t collection, const struct hash32 *key)
{
    struct state_key out = key_collection('K', collection);
    for (int i = 0; i < 32; i++) {
        key_add8(&out, (uint8_t)~key->bytes[i]);
    }
    return out;
}

static struct state_key page_key(uint32_t collection, uint8_t level, uint64_t page)
{
    struct state_key key = key_collection('N', collection);
    key_add8(&key, level);
    key_add64(&key, page);
    return key;
}

static void touch(struct merkle_array *array, uint64_t position)
{
    if (array->touched_count == array->touched_room) {
        array->touched_room = array->touched_room == 0 ? 256 : array->touched_room * 2;
        array->touched = realloc(array->touched, array->touched_room * sizeof *array->touched);
        CHECK(array->touched != NULL);
    }
    array->touched[array->touched_count++] = position;
}

static void put_leaf(struct merkle_array *array, uint64_t position, const struct merkle_leaf *leaf)
{
    struct state_key key = key_position('L', array->collection, position);
    overlay_put(array->overlay, key_bytes(&key), bytes_of(leaf, sizeof *leaf));
    touch(array, position);
}

static enum status get_leaf(struct merkle_array *array, uint64_t position, struct merkle_leaf *leaf)
{
    struct state_key key = key_position('L', array->collection, position);
    struct bytes value;
    enum status status = overlay_get(array->overlay, key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    if (value.size != sizeof *leaf) {
        return ST_CORRUPT;
    }
    memcpy(leaf, value.data, sizeof *leaf);
    return ST_OK;
}

void merkle_array_create(struct merkle_array *array, struct overlay *overlay, uint32_t collection)
{
    static const struct merkle_leaf sentinel;
    *array = (struct merkle_array){.overlay = overlay, .collection = collection, .count = 1};
    array->first_new = 1;
    put_leaf(array, 0, &sentinel);
}

static enum status decode_meta(struct bytes value, uint64_t *count, struct hash32 *root)
{
    if (value.size != 40) {
        return ST_CORRUPT;
    }
    *count = be64_get(value.data);
    memcpy(root->bytes, value.data + 8, 32);
    return *count > 0 ? ST_OK : ST_CORRUPT;
}

enum status merkle_array_open(struct merkle_array *array, struct overlay *overlay,
                              uint32_t collection)
{
    struct state_key key = key_collection('C', collection);
    struct bytes value;
    *array = (struct merkle_array){.overlay = overlay, .collection = collection};
    enum status status = overlay_get(overlay, key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    status = decode_meta(value, &array->count, &array->root);
    array->first_new = array->count;
    return status;
}

void merkle_array_close(struct merkle_array *array)
{
    free(array->touched);
    array->touched = NULL;
    array->touched_count = 0;
    array->touched_room = 0;
}

enum status merkle_array_find(struct merkle_array *array, const struct hash32 *key,
                              uint64_t *position)
{
    struct state_key index = index_key(array->collection, key);
    struct bytes value;
    enum status status = overlay_get(array->overlay, key_bytes(&index), &value);
    if (status != ST_OK) {
        return status;
    }
    if (value.size != 8) {
        return ST_CORRUPT;
    }
    *position = be64_get(value.data);
    return ST_OK;
}

uint64_t merkle_array_insert(struct merkle_array *array, const struct hash32 *key,
                             const struct hash32 *value)
{
    struct merkle_leaf leaf = {.key = *key, .value = *value}; /* linked in finish */
    struct state_key index = index_key(array->collection, key);
    uint64_t position = array->count++;
    uint8_t number[8];
    be64_put(number, position);
    overlay_put(array->overlay, key_bytes(&index), bytes_of(number, 8));
    put_leaf(array, position, &leaf);
    return position;
}

enum status merkle_array_update(struct merkle_array *array, uint64_t position,
                                const struct hash32 *value)
{
    struct merkle_leaf leaf;
    enum status status = get_leaf(array, position, &leaf);
    if (status != ST_OK) {
        return status;
    }
    leaf.value = *value;
    put_leaf(array, position, &leaf);
    return ST_OK;
}

/* Position of the committed leaf with the greatest key below an absent one. */
static enum status below(struct kv *kv, const struct kv_snapshot *snapshot, uint32_t collection,
                         const struct hash32 *key, uint64_t *position)
{
    struct state_key from = index_key(collection, key);
    struct kv_iterator *iterator = kv_iterator_new(kv, snapshot, key_bytes(&from));
    bool whole = true;
    *position = 0; /* the sentinel is below everything and not in the index */
    if (kv_iterator_valid(iterator)) {
        struct bytes found = kv_iterator_key(iterator);
        if (found.size == from.size && found.data[0] == 'K' &&
            found.data[1] == (uint8_t)collection) {
            struct bytes value = kv_iterator_value(iterator);
            whole = value.size == 8;
            *position = whole ? be64_get(value.data) : 0;
        }
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    return status == ST_OK && !whole ? ST_CORRUPT : status;
}

static int compare_changed_keys(const void *a, const void *b)
{
    return hash32_compare(&((const struct changed *)a)->hash, &((const struct changed *)b)->hash);
}

/* Threads this block's new keys into the sorted order: ascending, each after its predecessor, which is
 * either the new key before it or the greatest committed one below. */
static enum status link_new(struct merkle_array *array)
{
    size_t count = (size_t)(array->count - array->first_new);
    struct changed *added = malloc((count + 1) * sizeof *added);
    enum status status = ST_OK;
    CHECK(added != NULL);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        struct merkle_leaf leaf;
        added[i].index = array->first_new + i;
        status = get_leaf(array, added[i].index, &leaf);
        added[i].hash = leaf.key;
    }
    if (status == ST_OK) {
        qsort(added, count, sizeof *added, compare_changed_keys);
    }
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        uint64_t before_position;
        struct merkle_leaf before;
        struct merkle_leaf leaf;
        status = below(overlay_kv(array->overlay), NULL, array->collection, &added[i].hash,
                       &before_position);
        if (status == ST_OK) {
            status = get_leaf(array, before_position, &before);
        }
        if (status == ST_OK && i > 0 && hash32_compare(&added[i - 1].hash, &before.key) > 0) {
            before_position = added[i - 1].index;
            status = get_leaf(array, before_position, &before);
        }
        if (status == ST_OK) {
            status = get_leaf(array, added[i].index, &leaf);
        }
        if (status == ST_OK) {
            leaf.next = before.next;
            before.next = leaf.key;
            put_leaf(array, before_position, &before);
            put_leaf(array, added[i].index, &leaf);
        }
    }
    free(added);
    return status;
}

static int compare_positions(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Writes changed children into their pages of one level; each page's root is a child one level up.
 * In  children  of the level in all.  Returns the number of pages changed, in place. */
static enum status hash_level(struct merkle_array *array, uint8_t level, uint64_t children,
                              struct changed *changed, size_t *count)
{
    size_t pages = 0;
    for (size_t i = 0; i < *count;) {
        uint64_t page = changed[i].index / MERKLE_ARRAY_PAGE;
        uint64_t first = page * MERKLE_ARRAY_PAGE;
        uint64_t size = children - first < MERKLE_ARRAY_PAGE ? children - first : MERKLE_ARRAY_PAGE;
        struct hash32 nodes[MERKLE_ARRAY_PAGE];
        struct state_key key = page_key(array->collection, level, page);
        struct bytes stored = {0};
        enum status status = overlay_get(array->overlay, key_bytes(&key), &stored);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (stored.size % 32 != 0 || stored.size > size * 32) {
            return ST_CORRUPT;
        }
        if (stored.size > 0) {
            memcpy(nodes, stored.data, stored.size);
        }
        uint64_t filled = stored.size / 32;
        for (; i < *count && changed[i].index / MERKLE_ARRAY_PAGE == page; i++) {
            uint64_t at = changed[i].index - first;
            nodes[at] = changed[i].hash;
            filled += at == filled; /* ascending, and new children follow the stored ones */
        }
        if (filled != size) {
            return ST_CORRUPT; /* a page is missing or shorter than the tree was */
        }
        overlay_put(array->overlay, key_bytes(&key), bytes_of(nodes, (size_t)size * 32));
        changed[pages].index = page;
        merkle_root(&changed[pages].hash, nodes, size);
        pages++;
    }
    *count = pages;
    return ST_OK;
}

static enum status hash_pages(struct merkle_array *array)
{
    size_t count = 0;
    struct changed *changed = malloc((array->touched_count + 1) * sizeof *changed);
    enum status status = ST_OK;
    CHECK(changed != NULL);
    for (size_t i = 0; i < array->touched_count && status == ST_OK; i++) {
        struct merkle_leaf leaf;
        if (i > 0 && array->touched[i] == array->touched[i - 1]) {
            continue;
        }
        status = get_leaf(array, array->touched[i], &leaf);
        changed[count].index = array->touched[i];
        merkle_leaf_hash(&changed[count].hash, &leaf);
        count++;
    }
    uint64_t children = array->count;
    for (uint8_t level = 0; status == ST_OK; level++) {
        status = hash_level(array, level, children, changed, &count);
        children = (children + MERKLE_ARRAY_PAGE - 1) / MERKLE_ARRAY_PAGE;
        if (children == 1) {
            break;
        }
    }
    if (status == ST_OK) {
        array->root = changed[0].hash;
    }
    free(changed);
    return status;
}

enum status merkle_array_finish(struct merkle_array *array)
{
    if (array->touched_count == 0) {
        return ST_OK;
    }
    enum status status = link_new(array);
    if (status == ST_OK) {
        qsort(array->touched, array->touched_count, sizeof *array->touched, compare_positions);
        status = hash_pages(array);
    }
    if (status == ST_OK) {
        struct state_key key = key_collection('C', array->collection);
        uint8_t meta[40];
        be64_put(meta, array->count);
        memcpy(meta + 8, array->root.bytes, 32);
        overlay_put(array->overlay, key_bytes(&key), bytes_of(meta, sizeof meta));
        array->first_new = array->count;
        array->touched_count = 0;
    }
    return status;
}

/* Reads a value of at most room bytes. A missing one is damage: callers ask for what must be there. */
static enum status read_value(const struct merkle_reader *reader, const struct state_key *key,
                              void *out, size_t room, size_t *size)
{
    uint8_t *value = NULL;
    enum status status = kv_get(reader->kv, reader->snapshot, key_bytes(key), &value, size);
    if (status != ST_OK) {
        return status;
    }
    if (*size > room) {
        status = ST_CORRUPT;
    } else {
        memcpy(out, value, *size);
    }
    kv_free(value);
    return status;
}

enum status merkle_reader_open(struct merkle_reader *reader, struct kv *kv,
                               const struct kv_snapshot *snapshot, uint32_t collection)
{
    struct state_key key = key_collection('C', collection);
    uint8_t meta[40];
    size_t size = 0;
    *reader = (struct merkle_reader){.kv = kv, .snapshot = snapshot, .collection = collection};
    enum status status = read_value(reader, &key, meta, sizeof meta, &size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    return decode_meta(bytes_of(meta, size), &reader->count, &reader->root);
}

enum status merkle_reader_find(const struct merkle_reader *reader, const struct hash32 *key,
                               uint64_t *position)
{
    struct state_key index = index_key(reader->collection, key);
    uint8_t number[8];
    size_t size = 0;
    enum status status = read_value(reader, &index, number, sizeof number, &size);
    if (status == ST_OK) {
        if (size != sizeof number) {
            return ST_CORRUPT;
        }
        *position = be64_get(number);
    }
    return status;
}

enum status merkle_reader_below(const struct merkle_reader *reader, const struct hash32 *key,
                                uint64_t *position)
{
    return below(reader->kv, reader->snapshot, reader->collection, key, position);
}

enum status merkle_reader_leaf(const struct merkle_reader *reader, uint64_t position,
                               struct merkle_leaf *leaf)
{
    struct state_key key = key_position('L', reader->collection, position);
    size_t size = 0;
    enum status status = read_value(reader, &key, leaf, sizeof *leaf, &size);
    if (status == ST_NOT_FOUND || (status == ST_OK && size != sizeof *leaf)) {
        return ST_CORRUPT;
    }
    return status;
}

enum status merkle_reader_path(const struct merkle_reader *reader, uint64_t position,
                               struct hash32 *path, uint32_t *path_size)
{
    uint64_t children = reader->count;
    uint64_t index = position;
    uint32_t written = 0;
    CHECK(position < reader->count);
    for (uint8_t level = 0;; level++) {
        uint64_t page = index / MERKLE_ARRAY_PAGE;
        struct hash32 nodes[MERKLE_ARRAY_PAGE];
        struct state_key key = page_key(reader->collection, level, page);
        size_t size = 0;
        enum status status = read_value(reader, &key, nodes, sizeof nodes, &size);
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
        if (size % 32 != 0 || index % MERKLE_ARRAY_PAGE >= size / 32) {
            return ST_CORRUPT;
        }
        written += merkle_path(path + written, nodes, size / 32, index % MERKLE_ARRAY_PAGE);
        children = (children + MERKLE_ARRAY_PAGE - 1) / MERKLE_ARRAY_PAGE;
        index = page;
        if (children == 1) {
            break;
        }
    }
    *path_size = written;
    return ST_OK;
}
