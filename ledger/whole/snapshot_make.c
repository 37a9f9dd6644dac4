#include <stdlib.h>
#include <string.h>

#include "ledger/state/account.h"
#include "ledger/tx/envelope.h"
#include "ledger/whole/cursor.h"
#include "ledger/whole/grow.h"
#include "ledger/whole/registry.h"
#include "ledger/whole/snapshot.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/proof.pb-c.h"

enum { ACCOUNTS = XUELIAN__COLLECTION__COLLECTION_ACCOUNTS };

struct making {
    const struct ledger_view *view;
    struct block_log *log;
    const struct genesis *genesis;
    const struct snapshot_out *out;
    struct whole_report *report;
    uint64_t window; /* the longest that transactions were ever good for */
    struct cursor records, items, older;
    /* The part being filled. What it points at is owned. */
    Xuelian__SnapshotPart part;
    ProtobufCBinaryData *records_list, *versions_list;
    size_t record_room, version_room;
    Xuelian__SnapshotBlock **blocks;
    size_t block_room;
    size_t size;
    size_t part_size;
    uint8_t *leaves, *path, *hashes;
};

/* ---- Parts ---- */

static void clear(struct making *making)
{
    for (size_t i = 0; i < making->part.n_records; i++) {
        free(making->part.records[i].data);
    }
    for (size_t i = 0; i < making->part.n_versions; i++) {
        free(making->part.versions[i].data);
    }
    for (size_t i = 0; i < making->part.n_blocks; i++) {
        Xuelian__SnapshotBlock *block = making->part.blocks[i];
        for (size_t k = 0; k < block->n_results; k++) {
            free(block->results[k].data);
        }
        free(block->header.data);
        free(block->signatures.data);
        free(block->results);
        free(block);
    }
    free(making->leaves);
    free(making->path);
    free(making->hashes);
    making->leaves = making->path = making->hashes = NULL;
    making->part.n_records = making->part.n_versions = making->part.n_blocks = 0;
    making->size = 0;
}

static void begin(struct making *making, Xuelian__SnapshotKind kind, uint32_t collection,
                  uint64_t index, uint32_t number)
{
    xuelian__snapshot_part__init(&making->part);
    making->part.kind = kind;
    making->part.collection = collection;
    making->part.index = index;
    making->part.part = number;
}

static enum status emit(struct making *making, bool last)
{
    making->part.last = last;
    size_t size = canonical_size(&making->part.base);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, &making->part.base);
    enum status status =
        making->out->write(making->out->context, &making->part, bytes_of(bytes, size));
    free(bytes);
    clear(making);
    return status;
}

/* The next part of the same index, when this one is full. */
static enum status next_part(struct making *making)
{
    Xuelian__SnapshotPart before = making->part;
    enum status status = emit(making, false);
    begin(making, before.kind, before.collection, before.index, before.part + 1);
    return status;
}

static ProtobufCBinaryData copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    CHECK(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (ProtobufCBinaryData){.len = bytes.size, .data = copy};
}

static void add_record(struct making *making, struct bytes record)
{
    making->records_list = grow(making->records_list, making->part.n_records, &making->record_room,
                                sizeof(ProtobufCBinaryData));
    making->part.records = making->records_list;
    making->part.records[making->part.n_records++] = copy_of(record);
    making->size += record.size + 8;
}

static void add_version(struct making *making, struct bytes version)
{
    making->versions_list = grow(making->versions_list, making->part.n_versions,
                                 &making->version_room, sizeof(ProtobufCBinaryData));
    making->part.versions = making->versions_list;
    making->part.versions[making->part.n_versions++] = copy_of(version);
    making->size += version.size + 8;
}

static bool full(const struct making *making)
{
    return making->size >= making->part_size;
}

/* ---- A chunk of a collection ---- */

/* Leaves, and the path from the chunk's root to the collection's: the end of the first leaf's. */
static enum status add_leaves(struct making *making, const struct merkle_reader *reader,
                              uint64_t first, uint64_t count)
{
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t size = 0;
    uint64_t chunks = (reader->count + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
    uint32_t upper = merkle_path_size(first / SNAPSHOT_CHUNK, chunks);
    enum { LEAF_SIZE = sizeof(struct merkle_leaf), PATH_SIZE = sizeof path };
    making->leaves = malloc(count * LEAF_SIZE);
    making->path = malloc(PATH_SIZE);
    CHECK(making->leaves != NULL && making->path != NULL);
    enum status status = merkle_reader_path(reader, first, path, &size);
    for (uint64_t i = 0; i < count && status == ST_OK; i++) {
        struct merkle_leaf leaf;
        status = merkle_reader_leaf(reader, first + i, &leaf);
        memcpy(making->leaves + i * sizeof leaf, &leaf, sizeof leaf);
    }
    if (status == ST_OK && size < upper) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        memcpy(making->path, path + (size - upper), upper * sizeof path[0]);
        making->part.leaves = field_borrow(making->leaves, count * sizeof(struct merkle_leaf));
        making->part.path = field_borrow(making->path, upper * sizeof path[0]);
        making->size += count * sizeof(struct merkle_leaf);
    }
    return status;
}

static enum status add_records(struct making *making, uint32_t collection, uint64_t first,
                               uint64_t count)
{
    enum status status = ST_OK;
    for (uint64_t i = first == 0 ? 1 : 0; i < count && status == ST_OK; i++) {
        struct state_key key = key_position('R', collection, first + i);
        if (!cursor_at(&making->records, &key)) {
            return ST_CORRUPT;
        }
        if (full(making)) {
            status = next_part(making);
        }
        add_record(making, cursor_value(&making->records));
        cursor_next(&making->records);
    }
    return status;
}

/* The versions of an item before its newest, newest first. */
static enum status add_older(struct making *making, uint64_t position, uint64_t item)
{
    struct state_key prefix = key_of('O');
    ProtobufCBinaryData *list = NULL;
    size_t count = 0;
    size_t room = 0;
    enum status status = ST_OK;
    key_add64(&prefix, position);
    key_add64(&prefix, item);
    while (cursor_valid(&making->older) && cursor_key(&making->older).size == prefix.size + 4 &&
           memcmp(cursor_key(&making->older).data, prefix.data, prefix.size) == 0) {
        list = grow(list, count, &room, sizeof *list);
        list[count++] = copy_of(cursor_value(&making->older));
        cursor_next(&making->older);
    }
    for (size_t i = count; i > 0; i--) {
        if (full(making) && status == ST_OK) {
            status = next_part(making);
        }
        add_version(making, field_bytes(&list[i - 1]));
        free(list[i - 1].data);
    }
    free(list);
    return status;
}

/* Version hashes of all items of an account that may not end in this part. */
static enum status add_hashes(struct making *making, uint64_t position, uint64_t items)
{
    struct cursor cursor;
    struct state_key prefix = key_of('I');
    key_add64(&prefix, position);
    making->hashes = malloc(items * 32 + 1);
    CHECK(making->hashes != NULL);
    uint64_t count = 0;
    cursor_open(&cursor, making->view->kv, making->view->snapshot, &prefix, NULL);
    for (; cursor_valid(&cursor) && count < items; cursor_next(&cursor)) {
        struct bytes value = cursor_value(&cursor);
        struct hash32 hash;
        hash_tagged(&hash, TAG_VERSION, value.data, value.size);
        memcpy(making->hashes + 32 * count++, hash.bytes, 32);
    }
    cursor_close(&cursor);
    making->part.version_hashes = field_borrow(making->hashes, items * 32);
    making->size += items * 32;
    return count == items ? ST_OK : ST_CORRUPT;
}

static enum status add_items(struct making *making, uint64_t position)
{
    enum { ITEM_SIZE = 4096 };
    /* An account of so many items may not fit: it begins a part of its own, with the hashes of all. */
    const uint64_t large = making->part_size / ITEM_SIZE;
    struct account account = {.position = 0};
    struct state_key key = key_position('R', ACCOUNTS, position);
    uint8_t *record = NULL;
    size_t size = 0;
    enum status status =
        kv_get(making->view->kv, making->view->snapshot, key_bytes(&key), &record, &size);
    if (status == ST_OK) {
        status = account_record_decode(&account, bytes_of(record, size));
    }
    kv_free(record);
    if (status == ST_OK && (full(making) || account.items.size > large)) {
        status = next_part(making);
    }
    if (status == ST_OK && account.items.size > large) {
        status = add_hashes(making, position, account.items.size);
    }
    for (uint64_t item = 1; item <= account.items.size && status == ST_OK; item++) {
        key = key_item(position, item);
        if (!cursor_at(&making->items, &key)) {
            return ST_CORRUPT;
        }
        if (full(making)) {
            status = next_part(making);
        }
        add_version(making, cursor_value(&making->items));
        cursor_next(&making->items);
        if (status == ST_OK) {
            status = add_older(making, position, item);
        }
    }
    if (status == ST_OK && account.items.size > large) {
        status = next_part(making);
    }
    return status;
}

static enum status make_collection(struct making *making, uint32_t collection)
{
    struct merkle_reader reader;
    const struct ledger_view *view = making->view;
    enum status status = merkle_reader_open(&reader, view->kv, view->snapshot, collection);
    struct state_key prefix = key_collection('R', collection);
    cursor_open(&making->records, view->kv, view->snapshot, &prefix, making->report);
    for (uint64_t first = 0; status == ST_OK && first < reader.count; first += SNAPSHOT_CHUNK) {
        uint64_t left = reader.count - first;
        uint64_t count = left < SNAPSHOT_CHUNK ? left : SNAPSHOT_CHUNK;
        begin(making, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_COLLECTION, collection,
              first / SNAPSHOT_CHUNK, 0);
        status = add_leaves(making, &reader, first, count);
        if (status == ST_OK) {
            status = add_records(making, collection, first, count);
        }
        for (uint64_t i = first == 0 ? 1 : 0;
             collection == ACCOUNTS && i < count && status == ST_OK; i++) {
            status = add_items(making, first + i);
        }
        if (status == ST_OK) {
            status = emit(making, true);
        }
        whole_progress(making->report, "collections", "集合", first + count, reader.count);
    }
    cursor_close(&making->records);
    return status;
}

/* ---- Recent blocks ---- */

static enum status add_block(struct making *making, const struct stored_block *block)
{
    Xuelian__SnapshotBlock *made = calloc(1, sizeof *made);
    void *memory = malloc(TX_ARENA_SIZE);
    enum status status = ST_OK;
    CHECK(made != NULL && memory != NULL);
    xuelian__snapshot_block__init(made);
    made->header = copy_of(block->header_bytes);
    made->signatures.data = malloc(block->tx_count * 32u + 1);
    made->results = calloc(block->tx_count + 1u, sizeof *made->results);
    CHECK(made->signatures.data != NULL && made->results != NULL);
    for (uint32_t i = 0; i < block->tx_count && status == ST_OK; i++) {
        struct tx tx;
        struct arena arena;
        struct tx_place place;
        uint8_t *result = NULL;
        size_t size = 0;
        arena_init(&arena, memory, TX_ARENA_SIZE);
        status = tx_parse(&tx, block->txs[i], &block->header.chain_id, &arena);
        if (status == ST_OK) {
            status = ledger_view_tx(making->view, &tx.id, &place, &result, &size);
        }
        if (status == ST_OK) {
            memcpy(made->signatures.data + 32 * (size_t)i, tx.signatures.bytes, 32);
            made->signatures.len += 32;
            made->results[made->n_results++] = copy_of(bytes_of(result, size));
            making->size += size + 48;
        }
        kv_free(result);
    }
    free(memory);
    making->size += block->header_bytes.size;
    making->blocks =
        grow(making->blocks, making->part.n_blocks, &making->block_room, sizeof *making->blocks);
    making->part.blocks = making->blocks;
    making->part.blocks[making->part.n_blocks++] = made;
    return status;
}

static enum status make_recent(struct making *making, uint64_t from)
{
    uint64_t height = making->view->header.height;
    enum status status = ST_OK;
    bool open = false;
    for (uint64_t i = from; i <= height && status == ST_OK; i++) {
        struct stored_block block;
        status = block_log_get(making->log, i, &block);
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_MISSING : status;
        }
        if (!open) {
            begin(making, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT, 0, i, 0);
            open = true;
        }
        status = add_block(making, &block);
        stored_block_free(&block);
        if (status == ST_OK && (full(making) || i == height)) {
            status = emit(making, true);
            open = false;
        }
    }
    return status;
}

/* ---- History ---- */

/* Hashes of the headers of the ring, or of all of them, and the peaks below. */
static enum status make_history(struct making *making, uint64_t from)
{
    uint64_t height = making->view->header.height;
    begin(making, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_HISTORY, 0, 0, 0);
    making->hashes = malloc((height - from) * 32 + 1);
    CHECK(making->hashes != NULL);
    for (uint64_t i = from; i < height; i++) {
        struct state_key key = key_header(i);
        uint8_t *value = NULL;
        size_t size = 0;
        enum status status =
            kv_get(making->view->kv, making->view->snapshot, key_bytes(&key), &value, &size);
        if (status == ST_OK && (size != 40 || be64_get(value) != i)) {
            status = ST_CORRUPT;
        }
        if (status == ST_OK) {
            memcpy(making->hashes + 32 * (i - from), value + 8, 32);
        }
        kv_free(value);
        if (status != ST_OK) {
            return status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
    }
    making->part.hashes = field_borrow(making->hashes, (height - from) * 32);
    return emit(making, true);
}

/* The peaks of the history of that size: whole nodes that the state keeps. */
static enum status history_peaks(struct making *making, uint64_t size, uint8_t *out, size_t *count)
{
    uint64_t first = 0;
    *count = 0;
    for (uint32_t level = 64; level-- > 0;) {
        struct state_key key = key_of('Y');
        uint8_t *value = NULL;
        size_t value_size = 0;
        if ((size >> level & 1) == 0) {
            continue;
        }
        key_add8(&key, (uint8_t)level);
        key_add64(&key, first >> level);
        enum status status =
            kv_get(making->view->kv, making->view->snapshot, key_bytes(&key), &value, &value_size);
        if (status == ST_OK && value_size == 32) {
            memcpy(out + 32 * (*count)++, value, 32);
        }
        kv_free(value);
        if (status != ST_OK || value_size != 32) {
            return status == ST_OK || status == ST_NOT_FOUND ? ST_CORRUPT : status;
        }
        first += UINT64_C(1) << level;
    }
    return ST_OK;
}

/* ---- The head ---- */

struct changes {
    Xuelian__SetChange **list;
    void **memory;
    size_t count, room, memory_room;
};

static bool take_change(void *context, struct bytes bytes)
{
    struct changes *changes = context;
    size_t room = bytes.size * 2 + 4096;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    changes->memory =
        grow(changes->memory, changes->count, &changes->memory_room, sizeof *changes->memory);
    changes->list = grow(changes->list, changes->count, &changes->room, sizeof *changes->list);
    changes->memory[changes->count] = memory;
    if (canonical_decode(&message, &xuelian__set_change__descriptor, bytes, &arena) != ST_OK) {
        free(memory);
        return false;
    }
    changes->list[changes->count++] = (Xuelian__SetChange *)(void *)message;
    return changes->count < LIMIT_SET_CHANGES_MAX;
}

static enum status state_value(struct making *making, uint8_t what, ProtobufCBinaryData *out)
{
    struct state_key key = key_of(what);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status =
        kv_get(making->view->kv, making->view->snapshot, key_bytes(&key), &value, &size);
    *out = (ProtobufCBinaryData){.len = size, .data = value};
    return status;
}

static enum status write_head(struct making *making, Xuelian__SnapshotHead *head)
{
    size_t size = canonical_size(&head->base);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, &head->base);
    enum status status = making->out->write(making->out->context, NULL, bytes_of(bytes, size));
    free(bytes);
    return status;
}

static enum status make_head(struct making *making, uint64_t history_from, uint64_t recent_from)
{
    const struct ledger_view *view = making->view;
    Xuelian__SnapshotHead head = XUELIAN__SNAPSHOT_HEAD__INIT;
    Xuelian__SnapshotCollection collections[COLLECTION_COUNT];
    Xuelian__SnapshotCollection *pointers[COLLECTION_COUNT];
    struct hash32 roots[COLLECTION_COUNT];
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t peaks[64 * 32];
    uint64_t memory[4096];
    struct arena arena;
    struct changes changes = {.list = NULL};
    ProtobufCMessage *message = NULL;
    uint8_t *certified = NULL;
    size_t size = 0;
    size_t peak_count = 0;
    enum status status =
        block_log_get_certified(making->log, view->header.height, &certified, &size);
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK) {
        status = canonical_decode(&message, &xuelian__certified__descriptor,
                                  bytes_of(certified, size), &arena);
    }
    if (status == ST_OK) {
        status = block_log_set_changes(making->log, view->header.height, take_change, &changes);
    }
    if (status == ST_OK) {
        status = history_peaks(making, history_from, peaks, &peak_count);
    }
    if (status == ST_OK) {
        status = state_value(making, 'V', &head.next_set);
    }
    if (status == ST_OK) {
        status = state_value(making, 'P', &head.params);
    }
    for (uint32_t i = 0; i < COLLECTION_COUNT && status == ST_OK; i++) {
        struct merkle_reader reader;
        status = merkle_reader_open(&reader, view->kv, view->snapshot, i + 1);
        roots[i] = reader.root;
        xuelian__snapshot_collection__init(&collections[i]);
        collections[i].id = i + 1;
        collections[i].count = reader.count;
        collections[i].root = field_borrow(&roots[i], 32);
        pointers[i] = &collections[i];
    }
    if (status == ST_OK) {
        head.version = SNAPSHOT_VERSION;
        head.header = field_borrow(header, header_encode(header, &view->header));
        head.certificate = ((Xuelian__Certified *)(void *)message)->certificate;
        head.set_changes = changes.list;
        head.n_set_changes = changes.count;
        head.collections = pointers;
        head.n_collections = COLLECTION_COUNT;
        head.history_from = history_from;
        head.history_peaks = field_borrow(peaks, peak_count * 32);
        head.recent_from = recent_from;
        status = head.certificate.len == 0 ? ST_MISSING : write_head(making, &head);
    }
    for (size_t i = 0; i < changes.count; i++) {
        free(changes.memory[i]);
    }
    free(changes.memory);
    free(changes.list);
    kv_free(certified);
    kv_free(head.next_set.data);
    kv_free(head.params.data);
    return status == ST_NOT_FOUND ? ST_MISSING : status;
}

enum status snapshot_window(struct kv *kv, const struct kv_snapshot *snapshot,
                            const struct genesis *genesis, uint64_t *window)
{
    static const uint32_t collections[] = {XUELIAN__COLLECTION__COLLECTION_PROPOSALS,
                                           XUELIAN__COLLECTION__COLLECTION_PARAMS};
    struct registry_tables *tables = registry_tables_new();
    enum status status = ST_OK;
    for (size_t i = 0; i < 2 && status == ST_OK; i++) {
        struct cursor cursor;
        struct state_key prefix = key_collection('R', collections[i]);
        cursor_open(&cursor, kv, snapshot, &prefix, NULL);
        for (; cursor_valid(&cursor) && status == ST_OK; cursor_next(&cursor)) {
            uint8_t key[NATURAL_KEY_SIZE_MAX];
            size_t size;
            status = registry_take(tables, collections[i], cursor_value(&cursor), key, &size);
        }
        status = status == ST_OK ? cursor_status(&cursor) : status;
        cursor_close(&cursor);
    }
    *window = genesis->message->params->validity_window;
    if (tables->validity_window > *window) {
        *window = tables->validity_window;
    }
    registry_tables_free(tables);
    return status;
}

enum status snapshot_make(const struct ledger_view *view, struct block_log *log,
                          const struct genesis *genesis, const struct snapshot_out *out,
                          struct whole_report *report)
{
    struct making making = {.view = view,
                            .log = log,
                            .genesis = genesis,
                            .out = out,
                            .report = report,
                            .part_size = out->part_size > 0 ? out->part_size : SNAPSHOT_PART_SIZE};
    uint64_t height = view->header.height;
    struct state_key prefix = key_of('I');
    begin(&making, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_HISTORY, 0, 0, 0);
    enum status status = height == 0
                             ? ST_MISSING
                             : snapshot_window(view->kv, view->snapshot, genesis, &making.window);
    uint64_t recent = height > making.window ? height - making.window + 1 : 1;
    uint64_t ring = height >= LIMIT_HEADER_RING ? height - LIMIT_HEADER_RING + 1 : 0;
    cursor_open(&making.items, view->kv, view->snapshot, &prefix, report);
    prefix = key_of('O');
    cursor_open(&making.older, view->kv, view->snapshot, &prefix, report);
    if (status == ST_OK) {
        status = make_head(&making, ring, recent);
    }
    if (status == ST_OK) {
        status = make_history(&making, ring);
    }
    if (status == ST_OK) {
        status = make_recent(&making, recent);
    }
    for (uint32_t i = 1; i <= COLLECTION_COUNT && status == ST_OK; i++) {
        status = make_collection(&making, i);
    }
    cursor_close(&making.items);
    cursor_close(&making.older);
    clear(&making);
    free(making.records_list);
    free(making.versions_list);
    free(making.blocks);
    return status;
}
