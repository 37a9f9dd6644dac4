/* The parts of a collection: leaves against the root, records against leaves, items against records. */
#include <stdlib.h>
#include <string.h>

#include "ledger/whole/snapshot_internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { ACCOUNTS = XUELIAN__COLLECTION__COLLECTION_ACCOUNTS };

struct state_key snapshot_done_key(uint32_t kind, uint32_t collection, uint64_t index)
{
    struct state_key key = key_of('Z');
    key_add8(&key, (uint8_t)kind);
    key_add8(&key, (uint8_t)collection);
    key_add64(&key, index);
    return key;
}

bool snapshot_has(struct kv *state, uint32_t kind, uint32_t collection, uint64_t index)
{
    struct state_key key = snapshot_done_key(kind, collection, index);
    uint8_t *value = NULL;
    size_t size;
    bool has = kv_get(state, NULL, key_bytes(&key), &value, &size) == ST_OK;
    kv_free(value);
    return has;
}

void snapshot_forget_records(struct snapshot_read *read)
{
    for (uint32_t i = 0; i < SNAPSHOT_CHUNK; i++) {
        free(read->records[i].data);
        read->records[i] = (struct snapshot_record){.data = NULL};
    }
}

static enum status bad_leaves(struct snapshot_read *read)
{
    return snapshot_bad(read, "leaves of it are not in the state root", "有叶子不在状态根中");
}

static enum status bad_records(struct snapshot_read *read)
{
    return snapshot_bad(read, "a record of it is not in the state root", "有记录不在状态根中");
}

static enum status bad_items(struct snapshot_read *read)
{
    return snapshot_bad(read, "an item or a version of it is not in the state root",
                        "有条目或版本不在状态根中");
}

/* ---- Leaves ---- */

/* 'K': as ledger/state/merkle_array.c has it. */
static void put_order(struct maker *maker, uint32_t collection, const struct hash32 *tree_key,
                      uint64_t position)
{
    struct state_key key = key_collection('K', collection);
    uint8_t number[8];
    for (int i = 0; i < 32; i++) {
        key_add8(&key, (uint8_t)~tree_key->bytes[i]);
    }
    be64_put(number, position);
    maker_put(maker, &key, bytes_of(number, 8));
}

static enum status take_leaves(struct snapshot_read *read, struct maker *maker,
                               const Xuelian__SnapshotPart *part)
{
    struct merkle_frontier leaves;
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    struct hash32 root;
    uint64_t total = read->counts[part->collection - 1];
    uint64_t chunks = (total + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
    uint64_t left = total - read->first;
    read->count = (uint32_t)(left < SNAPSHOT_CHUNK ? left : SNAPSHOT_CHUNK);
    if (part->leaves.len != read->count * sizeof read->leaves[0] || part->path.len % 32 != 0 ||
        part->path.len > sizeof path) {
        return bad_leaves(read);
    }
    memcpy(read->leaves, part->leaves.data, part->leaves.len);
    if (part->path.len > 0) {
        memcpy(path, part->path.data, part->path.len);
    }
    merkle_frontier_init(&leaves);
    for (uint32_t i = 0; i < read->count; i++) {
        struct state_key key = key_position('L', part->collection, read->first + i);
        struct hash32 hash;
        merkle_leaf_hash(&hash, &read->leaves[i]);
        merkle_frontier_append(&leaves, &hash);
        maker_put(maker, &key, bytes_of(&read->leaves[i], sizeof read->leaves[i]));
        if (read->first + i > 0) {
            put_order(maker, part->collection, &read->leaves[i].key, read->first + i);
        }
    }
    merkle_frontier_root(&leaves, &root);
    if (merkle_root_from_path(&root, &root, part->index, chunks, path, part->path.len / 32) !=
            ST_OK ||
        !hash32_equal(&root, &read->roots[part->collection - 1])) {
        return bad_leaves(read);
    }
    return ST_OK;
}

/* ---- Records ---- */

static enum status take_record(struct snapshot_read *read, struct maker *maker, struct bytes record)
{
    struct hash32 value;
    if (read->record_at >= read->count) {
        return bad_records(read);
    }
    uint32_t at = read->record_at++;
    if (read->collection == ACCOUNTS) {
        struct account *account = &read->account;
        if (account_record_decode(account, record) != ST_OK) {
            return bad_records(read);
        }
        account_value_hash(&value, account);
        read->records[at].data = malloc(record.size + 1);
        CHECK(read->records[at].data != NULL);
        if (record.size > 0) {
            memcpy(read->records[at].data, record.data, record.size);
        }
        read->records[at].size = record.size;
    } else {
        merkle_array_value(&value, read->collection, record);
    }
    if (!hash32_equal(&value, &read->leaves[at].value)) {
        return bad_records(read);
    }
    struct state_key key = key_position('R', read->collection, read->first + at);
    maker_put(maker, &key, record);
    return ST_OK;
}

/* ---- Items ---- */

/* The next account that has items; count when there is none. */
static void next_account(struct snapshot_read *read)
{
    read->account_open = false;
    free(read->version_hashes);
    read->version_hashes = NULL;
    for (; read->account_at < read->count; read->account_at++) {
        struct snapshot_record *record = &read->records[read->account_at];
        if (record->data == NULL) {
            continue;
        }
        CHECK(account_record_decode(&read->account, bytes_of(record->data, record->size)) == ST_OK);
        if (read->account.items.size > 0) {
            read->account_open = true;
            read->item = 0;
            read->older_number = 0;
            merkle_frontier_init(&read->frontier);
            return;
        }
    }
}

static bool same_peaks(const struct merkle_frontier *a, const struct merkle_frontier *b)
{
    return a->size == b->size &&
           memcmp(a->peaks, b->peaks, 32u * (size_t)__builtin_popcountll(a->size)) == 0;
}

/* Version hashes of all items, so that each is checked as it comes. */
static enum status take_hashes(struct snapshot_read *read, struct bytes hashes)
{
    struct merkle_frontier frontier;
    uint64_t count = read->account.items.size;
    if (!read->account_open || read->item != 0 || hashes.size != count * 32) {
        return bad_items(read);
    }
    merkle_frontier_init(&frontier);
    for (uint64_t i = 0; i < count; i++) {
        struct hash32 hash;
        struct hash32 leaf;
        memcpy(hash.bytes, hashes.data + 32 * i, 32);
        account_item_leaf(&leaf, i + 1, &hash);
        merkle_frontier_append(&frontier, &leaf);
    }
    if (!same_peaks(&frontier, &read->account.items)) {
        return bad_items(read);
    }
    read->version_hashes = malloc(hashes.size);
    CHECK(read->version_hashes != NULL);
    memcpy(read->version_hashes, hashes.data, hashes.size);
    return ST_OK;
}

/* The newest version of the next item. */
static bool take_newest(struct snapshot_read *read, const Xuelian__ItemVersion *version,
                        const struct hash32 *hash)
{
    struct hash32 leaf;
    read->item++;
    if (version->item != read->item || version->number < 1 ||
        (read->version_hashes != NULL &&
         memcmp(read->version_hashes + 32 * (read->item - 1), hash->bytes, 32) != 0)) {
        return false;
    }
    account_item_leaf(&leaf, read->item, hash);
    merkle_frontier_append(&read->frontier, &leaf);
    return true;
}

static enum status take_version(struct snapshot_read *read, struct maker *maker, struct bytes bytes)
{
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct hash32 hash;
    arena_init(&arena, memory, sizeof memory);
    if (!read->account_open ||
        canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) != ST_OK) {
        return bad_items(read);
    }
    const Xuelian__ItemVersion *version = (const Xuelian__ItemVersion *)(const void *)message;
    uint64_t position = read->first + read->account_at;
    hash_tagged(&hash, TAG_VERSION, bytes.data, bytes.size);
    struct state_key key;
    if (read->older_number > 0) {
        if (version->item != read->item || version->number != read->older_number ||
            !hash32_equal(&hash, &read->older_hash)) {
            return bad_items(read);
        }
        key = key_of('O');
        key_add64(&key, position);
        key_add64(&key, read->item);
        key_add32(&key, version->number);
    } else {
        if (!take_newest(read, version, &hash)) {
            return bad_items(read);
        }
        key = key_item(position, read->item);
    }
    maker_put(maker, &key, bytes);
    read->older_number = version->number - 1;
    if (read->older_number > 0 && !field_copy(&read->older_hash, 32, &version->previous_hash)) {
        return bad_items(read);
    }
    if (read->older_number == 0 && read->item == read->account.items.size) {
        if (!same_peaks(&read->frontier, &read->account.items)) {
            return bad_items(read);
        }
        read->account_at++;
        next_account(read);
    }
    return ST_OK;
}

/* ---- A part ---- */

static enum status open_chunk(struct snapshot_read *read, const Xuelian__SnapshotPart *part)
{
    uint32_t collection = part->collection;
    if (collection < 1 || collection > COLLECTION_COUNT || part->part != 0 ||
        part->index > read->counts[collection - 1] / SNAPSHOT_CHUNK ||
        part->index * SNAPSHOT_CHUNK >= read->counts[collection - 1]) {
        return snapshot_bad(read, "a part of it comes out of order", "有分片次序有误");
    }
    snapshot_forget_records(read);
    read->open = true;
    read->collection = collection;
    read->index = part->index;
    read->next_part = 0;
    read->first = part->index * SNAPSHOT_CHUNK;
    read->record_at = read->first == 0 ? 1 : 0; /* the sentinel has none */
    read->account_at = 0;
    read->account_open = false;
    return ST_OK;
}

static enum status take_chunk(struct snapshot_read *read, struct maker *maker,
                              const Xuelian__SnapshotPart *part)
{
    bool same = read->open && part->collection == read->collection && part->index == read->index &&
                part->part == read->next_part;
    enum status status = same && part->part > 0 ? ST_OK : open_chunk(read, part);
    if (status == ST_OK && part->part == 0) {
        status = take_leaves(read, maker, part);
    }
    read->next_part = part->part + 1;
    for (size_t i = 0; i < part->n_records && status == ST_OK; i++) {
        status = take_record(read, maker, field_bytes(&part->records[i]));
    }
    if (status == ST_OK && read->collection == ACCOUNTS && !read->account_open &&
        read->record_at == read->count) {
        next_account(read);
    }
    if (status == ST_OK && part->version_hashes.len > 0) {
        status = take_hashes(read, field_bytes(&part->version_hashes));
    }
    for (size_t i = 0; i < part->n_versions && status == ST_OK; i++) {
        status = take_version(read, maker, field_bytes(&part->versions[i]));
    }
    if (status == ST_OK && part->last) {
        struct state_key key = snapshot_done_key(XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_COLLECTION,
                                                 read->collection, read->index);
        if (read->record_at != read->count || read->account_open) {
            return bad_items(read);
        }
        read->open = false;
        maker_put(maker, &key, bytes_of("", 0));
    }
    return status;
}

enum status snapshot_take(struct snapshot_read *read, struct kv *state, struct bytes bytes)
{
    size_t room = bytes.size * 6 + (1u << 20);
    struct arena arena;
    struct maker maker;
    ProtobufCMessage *message = NULL;
    if (bytes.size > SNAPSHOT_PART_SIZE_MAX) {
        return snapshot_bad(read, "a part of it is too large", "有分片过大");
    }
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    maker_open(&maker, state);
    maker.whole = true; /* of a part that is refused, nothing is written */
    enum status status = ST_OK;
    if (canonical_decode(&message, &xuelian__snapshot_part__descriptor, bytes, &arena) != ST_OK) {
        status = snapshot_bad(read, "a part of it is none", "有分片无效");
    } else {
        const Xuelian__SnapshotPart *part = (const Xuelian__SnapshotPart *)(const void *)message;
        switch (part->kind) {
        case XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_HISTORY:
            status = snapshot_take_history(read, part);
            break;
        case XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT:
            status = snapshot_take_recent(read, &maker, part);
            break;
        case XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_COLLECTION:
            status = take_chunk(read, &maker, part);
            break;
        case XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_UNSPECIFIED:
        case _XUELIAN__SNAPSHOT_KIND_IS_INT_SIZE:
            status = snapshot_bad(read, "a part of it is none", "有分片无效");
            break;
        }
    }
    if (status == ST_OK) {
        status = maker_flush(&maker, false);
    }
    maker_close(&maker);
    free(memory);
    read->report->bytes += bytes.size;
    return status;
}
