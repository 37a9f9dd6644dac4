/* The head of a snapshot, its history and recent transactions; snapshot_take.c has the collections. */
#include "ledger/whole/snapshot_internal.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/params.h"
#include "ledger/state/history.h"
#include "ledger/tx/envelope.h"
#include "ledger/whole/check.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum status snapshot_bad(struct snapshot_read *read, const char *en, const char *zh)
{
    (void)whole_damage_pair(read->report, WHOLE_STATE, "the snapshot of block", "快照，区块",
                            read->header.height, en, zh);
    return ST_BAD_PROOF;
}

/* ---- The head ---- */

static enum status follow_changes(struct snapshot_read *read, const Xuelian__SnapshotHead *head)
{
    struct chain_fault fault = {.en = ""};
    enum status status = ST_OK;
    if (head->n_set_changes > LIMIT_SET_CHANGES_MAX) {
        return snapshot_bad(read, "too many changes of the set", "集合变更过多");
    }
    read->changes = calloc(head->n_set_changes + 1, sizeof *read->changes);
    CHECK(read->changes != NULL);
    for (size_t i = 0; i < head->n_set_changes && status == ST_OK; i++) {
        struct header header;
        struct chain before = read->chain;
        size_t size = canonical_size(&head->set_changes[i]->base);
        uint8_t *bytes = malloc(size + 1);
        CHECK(bytes != NULL);
        canonical_encode(bytes, &head->set_changes[i]->base);
        read->changes[read->change_count++] = bytes_of(bytes, size);
        status = chain_change(&read->chain, bytes_of(bytes, size), &header, &fault);
        /* The last may be the header's own: it is certified by the set before. */
        if (status == ST_OK && header.height == read->header.height) {
            read->certifying = before.set;
            if (i + 1 < head->n_set_changes) {
                status = ST_BAD_PROOF;
            }
        } else if (status == ST_OK) {
            read->certifying = read->chain.set;
        }
    }
    return status == ST_OK ? ST_OK : snapshot_bad(read, fault.en, fault.zh);
}

static enum status check_collections(struct snapshot_read *read, const Xuelian__SnapshotHead *head)
{
    struct hash32 leaves[COLLECTION_COUNT];
    struct hash32 root;
    bool good = head->n_collections == COLLECTION_COUNT;
    for (uint32_t i = 0; good && i < COLLECTION_COUNT; i++) {
        const Xuelian__SnapshotCollection *one = head->collections[i];
        good = one->id == i + 1 && one->count > 0 && one->count < UINT64_C(1) << 48 &&
               field_copy(&read->roots[i], 32, &one->root);
        read->counts[i] = one->count;
        state_root_leaf(&leaves[i], i + 1, one->count, &read->roots[i]);
    }
    if (good) {
        merkle_root(&root, leaves, COLLECTION_COUNT);
        good = hash32_equal(&root, &read->header.state_root);
    }
    return good ? ST_OK
                : snapshot_bad(read, "its collections are not those of the state root",
                               "其集合与状态根不符");
}

static enum status check_next(struct snapshot_read *read, const Xuelian__SnapshotHead *head)
{
    struct hash32 hash;
    struct bytes params = field_bytes(&head->params);
    hash_tagged(&hash, TAG_PARAMS, params.data, params.size);
    bool good = hash32_equal(&hash, &read->header.params_hash) &&
                validator_set_decode(&read->next_set, field_bytes(&head->next_set)) == ST_OK;
    if (good) {
        validator_set_hash(&hash, &read->next_set);
        good = hash32_equal(&hash, &read->header.next_validators_hash);
    }
    read->history_from = head->history_from;
    read->recent_from = head->recent_from;
    merkle_frontier_init(&read->history);
    read->history.size = head->history_from;
    size_t peaks = 32u * (size_t)__builtin_popcountll(head->history_from);
    good = good && head->history_peaks.len == peaks && head->history_from <= read->header.height &&
           read->header.height - head->history_from <= LIMIT_HEADER_RING &&
           head->recent_from >= 1 && head->recent_from <= read->header.height;
    if (good && peaks > 0) {
        memcpy(read->history.peaks, head->history_peaks.data, peaks);
    }
    return good ? ST_OK
                : snapshot_bad(read, "set, parameters or history are not those of its header",
                               "其验证者集合、参数或历史与区块头不符");
}

enum status snapshot_read_head(struct snapshot_read **out, const struct genesis *genesis,
                               struct bytes head, struct whole_report *report)
{
    struct snapshot_read *read = calloc(1, sizeof *read);
    size_t room = head.size * 4 + (1u << 16);
    struct arena arena;
    struct chain_fault fault = {.en = ""};
    ProtobufCMessage *message = NULL;
    CHECK(read != NULL && head.size <= SNAPSHOT_HEAD_SIZE_MAX);
    read->genesis = genesis;
    read->report = report;
    read->head_memory = malloc(room);
    CHECK(read->head_memory != NULL);
    arena_init(&arena, read->head_memory, room);
    *out = read;
    if (canonical_decode(&message, &xuelian__snapshot_head__descriptor, head, &arena) != ST_OK) {
        return snapshot_bad(read, "its head is none", "其首部无效");
    }
    read->head = (const Xuelian__SnapshotHead *)(const void *)message;
    if (read->head->version != SNAPSHOT_VERSION ||
        header_decode(&read->header, field_bytes(&read->head->header)) != ST_OK) {
        return snapshot_bad(read, "its head is of another version", "其首部版本不符");
    }
    header_hash(&read->hash, &read->header);
    enum status status = chain_genesis(&read->chain, genesis);
    read->certifying = read->chain.set;
    if (status == ST_OK) {
        status = follow_changes(read, read->head);
    }
    if (status == ST_OK &&
        chain_certified(&genesis->chain_id, &read->certifying, &read->header,
                        field_bytes(&read->head->certificate), &fault) != ST_OK) {
        status = snapshot_bad(read, fault.en, fault.zh);
    }
    if (status == ST_OK) {
        status = check_collections(read, read->head);
    }
    return status == ST_OK ? check_next(read, read->head) : status;
}

void snapshot_read_free(struct snapshot_read *read)
{
    if (read == NULL) {
        return;
    }
    for (uint32_t i = 0; i < read->change_count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = read->changes[i].data};
        free(pointer.out);
    }
    snapshot_forget_records(read);
    free(read->changes);
    free(read->hashes);
    free(read->version_hashes);
    free(read->head_memory);
    free(read);
}

const struct header *snapshot_header(const struct snapshot_read *read)
{
    return &read->header;
}

uint64_t snapshot_count(const struct snapshot_read *read, uint32_t collection)
{
    return read->counts[collection - 1];
}

uint64_t snapshot_recent_from(const struct snapshot_read *read)
{
    return read->recent_from;
}

/* ---- History and recent blocks ---- */

enum status snapshot_take_history(struct snapshot_read *read, const Xuelian__SnapshotPart *part)
{
    struct merkle_frontier frontier = read->history;
    struct hash32 root;
    size_t count = (size_t)(read->header.height - read->history_from);
    if (part->hashes.len != count * 32) {
        return snapshot_bad(read, "its history is not as long as it says", "其历史长度不符");
    }
    if (read->hashes != NULL) {
        return ST_OK; /* once more */
    }
    for (size_t i = 0; i < count; i++) {
        struct hash32 leaf;
        hash_leaf(&leaf, TAG_LEAF_HISTORY, part->hashes.data + 32 * i, 32);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &root);
    if (!hash32_equal(&root, &read->header.history_root)) {
        return snapshot_bad(read, "its history is not that of its header", "其历史与区块头不符");
    }
    read->hashes = malloc(count * 32 + 1);
    CHECK(read->hashes != NULL);
    if (count > 0) {
        memcpy(read->hashes, part->hashes.data, count * 32);
    }
    read->before = frontier;
    return ST_OK;
}

/* Whether a header is the one of its height in the history. */
static bool in_history(const struct snapshot_read *read, const struct header *header)
{
    struct hash32 hash;
    header_hash(&hash, header);
    if (header->height == read->header.height) {
        return hash32_equal(&hash, &read->hash);
    }
    return header->height >= read->history_from && header->height < read->header.height &&
           memcmp(read->hashes + 32 * (header->height - read->history_from), hash.bytes, 32) == 0;
}

static bool take_result(struct maker *maker, const struct header *header, uint32_t index,
                        const uint8_t *signatures, struct bytes bytes, struct hash32 *entry)
{
    size_t room = bytes.size * 8 + 4096;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct hash32 id;
    struct hash32 signed_by;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool good = canonical_decode(&message, &xuelian__tx_result__descriptor, bytes, &arena) == ST_OK;
    const Xuelian__TxResult *result = (const Xuelian__TxResult *)(const void *)message;
    good = good && field_copy(&id, 32, &result->id);
    if (good) {
        struct state_key key = key_hash('U', &id);
        uint8_t *place = malloc(16 + bytes.size);
        CHECK(place != NULL);
        memcpy(signed_by.bytes, signatures, 32);
        tx_entry(entry, &id, &signed_by);
        be64_put(place, header->height);
        be32_put(place + 8, index);
        be32_put(place + 12, result->code);
        if (bytes.size > 0) {
            memcpy(place + 16, bytes.data, bytes.size);
        }
        maker_put(maker, &key, bytes_of(place, 16 + bytes.size));
        free(place);
    }
    free(memory);
    return good;
}

static bool take_block(struct snapshot_read *read, struct maker *maker,
                       const Xuelian__SnapshotBlock *block, uint64_t height)
{
    struct header header;
    struct merkle_frontier entries;
    struct merkle_frontier results;
    struct hash32 root;
    bool good = header_decode(&header, field_bytes(&block->header)) == ST_OK &&
                header.height == height && in_history(read, &header) &&
                block->n_results == header.tx_count &&
                block->signatures.len == header.tx_count * 32;
    merkle_frontier_init(&entries);
    merkle_frontier_init(&results);
    for (size_t i = 0; good && i < block->n_results; i++) {
        struct hash32 entry;
        struct hash32 leaf;
        struct bytes result = field_bytes(&block->results[i]);
        good = take_result(maker, &header, (uint32_t)i, block->signatures.data + 32 * i, result,
                           &entry);
        hash_leaf(&leaf, TAG_LEAF_TX, entry.bytes, 32);
        merkle_frontier_append(&entries, &leaf);
        hash_leaf(&leaf, TAG_LEAF_RESULT, result.data, result.size);
        merkle_frontier_append(&results, &leaf);
    }
    if (good) {
        merkle_frontier_root(&entries, &root);
        good = hash32_equal(&root, &header.tx_root);
    }
    if (good) {
        merkle_frontier_root(&results, &root);
        good = hash32_equal(&root, &header.result_root);
    }
    return good;
}

/* Each block notes that it is here: 'Z' kind 0 height. */
enum status snapshot_take_recent(struct snapshot_read *read, struct maker *maker,
                                 const Xuelian__SnapshotPart *part)
{
    bool good = read->hashes != NULL && part->n_blocks > 0;
    for (size_t i = 0; good && i < part->n_blocks; i++) {
        uint64_t height = part->index + i;
        struct state_key key =
            snapshot_done_key(XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT, 0, height);
        good = height >= read->recent_from && height <= read->header.height &&
               take_block(read, maker, part->blocks[i], height);
        maker_put(maker, &key, bytes_of("", 0));
    }
    return good ? ST_OK
                : snapshot_bad(read, "its recent transactions are not those of their blocks",
                               "其近期交易与区块不符");
}

/* ---- The end ---- */

static bool all_here(const struct snapshot_read *read, struct kv *state)
{
    bool here = true;
    for (uint64_t i = read->recent_from; i <= read->header.height && here; i++) {
        here = snapshot_has(state, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT, 0, i);
    }
    for (uint32_t c = 1; c <= COLLECTION_COUNT && here; c++) {
        uint64_t chunks = (read->counts[c - 1] + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
        for (uint64_t i = 0; i < chunks && here; i++) {
            here = snapshot_has(state, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_COLLECTION, c, i);
        }
    }
    return here;
}

static void put_hash(struct maker *maker, uint64_t height, const uint8_t *hash)
{
    struct state_key key = key_header(height);
    uint8_t place[40];
    be64_put(place, height);
    memcpy(place + 8, hash, 32);
    maker_put(maker, &key, bytes_of(place, sizeof place));
}

/* 'Y': the peaks that the history part begins with, and what is whole after them. */
static void put_history(struct snapshot_read *read, struct kv *state, struct maker *maker)
{
    struct overlay *overlay = overlay_new(state);
    struct merkle_frontier frontier = read->history;
    uint64_t first = 0;
    uint32_t peak = 0;
    for (uint32_t level = 64; level-- > 0;) {
        if ((frontier.size >> level & 1) != 0) {
            struct state_key key = key_of('Y');
            key_add8(&key, (uint8_t)level);
            key_add64(&key, first >> level);
            maker_put(maker, &key, bytes_of(frontier.peaks[peak++].bytes, 32));
            first += UINT64_C(1) << level;
        }
    }
    for (uint64_t i = read->history_from; i < read->header.height; i++) {
        struct hash32 leaf;
        const uint8_t *hash = read->hashes + 32 * (i - read->history_from);
        hash_leaf(&leaf, TAG_LEAF_HISTORY, hash, 32);
        history_append(overlay, &frontier, &leaf);
        put_hash(maker, i, hash);
    }
    put_hash(maker, read->header.height, read->hash.bytes);
    overlay_write(overlay, maker->batch);
    overlay_free(overlay);
}

static void put_eras(struct snapshot_read *read, struct maker *maker)
{
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    struct chain *chain = malloc(sizeof *chain);
    struct chain_fault fault;
    struct header header;
    CHECK(chain != NULL);
    CHECK(chain_genesis(chain, read->genesis) == ST_OK);
    for (uint32_t i = 0;; i++) {
        struct state_key key = key_era(chain->set.era);
        maker_put(maker, &key, bytes_of(bytes, validator_set_encode(bytes, &chain->set)));
        if (i == read->change_count ||
            chain_change(chain, read->changes[i], &header, &fault) != ST_OK) {
            break;
        }
    }
    free(chain);
}

static void put_tip(struct snapshot_read *read, struct maker *maker)
{
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    uint8_t frontier[8 + 32 * LIMIT_MERKLE_DEPTH_MAX];
    size_t peaks = 32u * (size_t)__builtin_popcountll(read->before.size);
    struct state_key key = key_of('V');
    maker_put(maker, &key, field_bytes(&read->head->next_set));
    key = key_of('P');
    maker_put(maker, &key, field_bytes(&read->head->params));
    key = key_of('F');
    be64_put(frontier, read->before.size);
    memcpy(frontier + 8, read->before.peaks, peaks);
    maker_put(maker, &key, bytes_of(frontier, 8 + peaks));
    for (uint64_t i = 0; i < 64 && i <= read->header.height; i++) {
        uint8_t mark[8];
        key = key_of('M');
        key_add8(&key, (uint8_t)((read->header.height - i) % 64));
        be64_put(mark, read->header.height - i);
        maker_put(maker, &key, bytes_of(mark, sizeof mark));
    }
    for (uint32_t i = 0; i < COLLECTION_COUNT; i++) {
        uint8_t meta[40];
        key = key_collection('C', i + 1);
        be64_put(meta, read->counts[i]);
        memcpy(meta + 8, read->roots[i].bytes, 32);
        maker_put(maker, &key, bytes_of(meta, sizeof meta));
    }
    key = key_of('T');
    maker_put(maker, &key, bytes_of(bytes, header_encode(bytes, &read->header)));
}

/* Forgets what was noted of the restore. */
static enum status drop_notes(struct kv *state)
{
    struct kv_batch *batch = kv_batch_new();
    struct kv_iterator *iterator = kv_iterator_new(state, NULL, bytes_of("Z", 1));
    for (; kv_iterator_valid(iterator) && kv_iterator_key(iterator).data[0] == 'Z';
         kv_iterator_next(iterator)) {
        kv_batch_delete(batch, kv_iterator_key(iterator));
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    if (status == ST_OK) {
        status = kv_write(state, batch, true);
    }
    kv_batch_free(batch);
    return status;
}

static enum status check_window(struct snapshot_read *read, struct kv *state)
{
    uint64_t window = 0;
    uint64_t height = read->header.height;
    enum status status = snapshot_window(state, NULL, read->genesis, &window);
    if (status == ST_OK && read->recent_from > 1 && height - read->recent_from + 1 < window) {
        return snapshot_bad(read, "its recent transactions do not go back far enough",
                            "其近期交易追溯不足");
    }
    return status;
}

enum status snapshot_finish(struct snapshot_read *read, struct kv *state)
{
    struct maker maker;
    struct ledger_view view;
    if (read->hashes == NULL || !all_here(read, state)) {
        return snapshot_bad(read, "parts of it are missing", "缺少部分分片");
    }
    enum status status = check_window(read, state);
    if (status != ST_OK) {
        return status;
    }
    maker_open(&maker, state);
    put_history(read, state, &maker);
    put_eras(read, &maker);
    put_tip(read, &maker);
    status = maker_flush(&maker, false);
    maker_close(&maker);
    if (status == ST_OK) {
        status = ledger_view_open(&view, state);
    }
    if (status == ST_OK) {
        status = whole_make_state(&view, read->genesis, read->report);
        ledger_view_close(&view);
    }
    if (status == ST_OK) {
        status = drop_notes(state);
    }
    if (status == ST_OK) {
        status = ledger_view_open(&view, state);
    }
    if (status == ST_OK) {
        status = whole_check_state(&view, read->genesis, NULL, NULL, read->report);
        ledger_view_close(&view);
    }
    return status;
}

enum status snapshot_begin_log(const struct snapshot_read *read, struct block_log *log)
{
    return block_log_begin(log, &read->header, field_bytes(&read->head->certificate), &read->before,
                           read->changes, read->change_count);
}
