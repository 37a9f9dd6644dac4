#include "ledger/store/block_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/envelope.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/peer.pb-c.h"
#include "proto/proof.pb-c.h"

struct block_log {
    struct kv *kv;
};

enum { KEY_SIZE = 48 };

struct log_key {
    uint8_t data[KEY_SIZE];
    size_t size;
};

static struct log_key key_height(uint8_t what, uint64_t height)
{
    struct log_key key = {.size = 9};
    key.data[0] = what;
    be64_put(key.data + 1, height);
    return key;
}

static struct log_key key_two(uint8_t what, uint64_t first, uint64_t second)
{
    struct log_key key = key_height(what, first);
    be64_put(key.data + 9, second);
    key.size = 17;
    return key;
}

static struct log_key key_height_hash(uint8_t what, uint64_t height, const struct hash32 *hash)
{
    struct log_key key = key_height(what, height);
    memcpy(key.data + 9, hash->bytes, 32);
    key.size = 41;
    return key;
}

static struct log_key key_by_hash(const struct hash32 *hash)
{
    struct log_key key = {.size = 33};
    key.data[0] = 'H';
    memcpy(key.data + 1, hash->bytes, 32);
    return key;
}

static struct bytes key_bytes(const struct log_key *key)
{
    return (struct bytes){.data = key->data, .size = key->size};
}

static enum status get(struct block_log *log, const struct log_key *key, uint8_t **value,
                       size_t *size)
{
    return kv_get(log->kv, NULL, key_bytes(key), value, size);
}

/* Writes who owns the log the first time, compares afterwards. */
static enum status check_owner(struct block_log *log, const struct hash32 *chain_id,
                               const struct pubkey33 *key)
{
    uint8_t expected[65];
    uint8_t *value = NULL;
    size_t size = 0;
    struct bytes name = bytes_of("M", 1);
    memcpy(expected, chain_id->bytes, 32);
    memcpy(expected + 32, key->bytes, 33);
    enum status status = kv_get(log->kv, NULL, name, &value, &size);
    if (status == ST_NOT_FOUND) {
        struct kv_batch *batch = kv_batch_new();
        kv_batch_put(batch, name, bytes_of(expected, sizeof expected));
        status = kv_write(log->kv, batch, true);
        kv_batch_free(batch);
        return status;
    }
    if (status == ST_OK && !bytes_equal(bytes_of(value, size), bytes_of(expected, 65))) {
        status = ST_FOREIGN;
    }
    kv_free(value);
    return status;
}

/* The log of any node of the chain. */
static enum status check_chain(struct block_log *log, const struct hash32 *chain_id)
{
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(log->kv, NULL, bytes_of("M", 1), &value, &size);
    if (status == ST_OK && (size != 65 || memcmp(value, chain_id->bytes, 32) != 0)) {
        status = size != 65 ? ST_CORRUPT : ST_FOREIGN;
    }
    kv_free(value);
    return status == ST_NOT_FOUND ? ST_OK : status; /* nobody has written there yet */
}

enum status block_log_open_to_read(struct block_log **log, struct kv *kv,
                                   const struct hash32 *chain_id, char *error, size_t error_size)
{
    struct block_log *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->kv = kv;
    enum status status = check_chain(made, chain_id);
    if (status != ST_OK) {
        snprintf(error, error_size,
                 status == ST_FOREIGN
                     ? "the block log belongs to another chain than the genesis file%s"
                     : "the block log cannot be read: %s",
                 status == ST_FOREIGN ? "" : status_en(status));
        free(made);
        return status;
    }
    *log = made;
    return ST_OK;
}

struct kv *block_log_kv(struct block_log *log)
{
    return log->kv;
}

enum status block_log_open(struct block_log **log, struct kv *kv, const struct hash32 *chain_id,
                           const struct pubkey33 *key, char *error, size_t error_size)
{
    struct block_log *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->kv = kv;
    enum status status = check_owner(made, chain_id, key);
    if (status == ST_FOREIGN) {
        snprintf(error, error_size,
                 "the block log belongs to another chain or another node key; use the data "
                 "directory that fits this genesis file and key");
    } else if (status != ST_OK) {
        snprintf(error, error_size, "the block log cannot be read: %s", status_en(status));
    }
    if (status != ST_OK) {
        free(made);
        return status;
    }
    *log = made;
    return ST_OK;
}

void block_log_close(struct block_log *log)
{
    if (log != NULL) {
        kv_close(log->kv);
        free(log);
    }
}

enum status block_log_tip(struct block_log *log, struct block_tip *tip)
{
    uint8_t *value = NULL;
    size_t size = 0;
    *tip = (struct block_tip){.height = 0};
    enum status status = kv_get(log->kv, NULL, bytes_of("N", 1), &value, &size);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK && size != 40) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        tip->height = be64_get(value);
        memcpy(tip->hash.bytes, value + 8, 32);
    }
    kv_free(value);
    return status;
}

static uint8_t *pack(const ProtobufCMessage *message, size_t *size)
{
    uint8_t *bytes = malloc(canonical_size(message) + 1);
    CHECK(bytes != NULL);
    *size = canonical_encode(bytes, message);
    return bytes;
}

static ProtobufCBinaryData *fields_of(const struct bytes *txs, uint32_t count)
{
    ProtobufCBinaryData *fields = calloc(count + 1u, sizeof *fields);
    CHECK(fields != NULL);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(txs[i].data, txs[i].size);
    }
    return fields;
}

static enum status write_one(struct block_log *log, const struct log_key *key, struct bytes value,
                             bool sync)
{
    struct kv_batch *batch = kv_batch_new();
    kv_batch_put(batch, key_bytes(key), value);
    enum status status = kv_write(log->kv, batch, sync);
    kv_batch_free(batch);
    return status;
}

enum status block_log_put_proposal(struct block_log *log, uint64_t height,
                                   const struct hash32 *header_hash, struct bytes proposal,
                                   const struct bytes *txs, uint32_t count, bool sync)
{
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    struct log_key key = key_height_hash('P', height, header_hash);
    size_t size = 0;
    wire.height = height;
    wire.header_hash = field_borrow(header_hash, 32);
    wire.proposal = field_borrow(proposal.data, proposal.size);
    wire.txs = fields_of(txs, count);
    wire.n_txs = count;
    uint8_t *value = pack(&wire.base, &size);
    enum status status = write_one(log, &key, bytes_of(value, size), sync);
    free(value);
    free(wire.txs);
    return status;
}

enum status block_log_get_proposal(struct block_log *log, uint64_t height,
                                   const struct hash32 *header_hash, uint8_t **bodies, size_t *size)
{
    struct log_key key = key_height_hash('P', height, header_hash);
    return get(log, &key, bodies, size);
}

enum status block_log_each_proposal(struct block_log *log, uint64_t height,
                                    bool (*visit)(void *context, struct bytes bodies),
                                    void *context)
{
    struct log_key from = key_height('P', height);
    struct kv_iterator *iterator = kv_iterator_new(log->kv, NULL, key_bytes(&from));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        if (key.size != 41 || memcmp(key.data, from.data, 9) != 0 ||
            !visit(context, kv_iterator_value(iterator))) {
            break;
        }
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    return status;
}

/* Proposals of a height that is now decided. */
static enum status drop_proposals(struct block_log *log, uint64_t height, struct kv_batch *batch)
{
    struct log_key from = key_height('P', height);
    struct kv_iterator *iterator = kv_iterator_new(log->kv, NULL, key_bytes(&from));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        if (key.size != 41 || memcmp(key.data, from.data, 9) != 0) {
            break;
        }
        kv_batch_delete(batch, key);
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    return status;
}

static void put_block(struct kv_batch *batch, const struct header *header, struct bytes certificate,
                      const struct bytes *txs, uint32_t count, struct bytes recovery)
{
    uint8_t header_bytes[LIMIT_HEADER_SIZE_MAX];
    Xuelian__Block block = XUELIAN__BLOCK__INIT;
    Xuelian__Certified certified = XUELIAN__CERTIFIED__INIT;
    struct log_key key = key_height('B', header->height);
    size_t size = 0;
    block.header = field_borrow(header_bytes, header_encode(header_bytes, header));
    block.certificate = field_borrow(certificate.data, certificate.size);
    block.txs = fields_of(txs, count);
    block.n_txs = count;
    block.recovery = field_borrow(recovery.data, recovery.size);
    uint8_t *value = pack(&block.base, &size);
    kv_batch_put(batch, key_bytes(&key), bytes_of(value, size));
    free(value);
    free(block.txs);
    certified.header = block.header;
    certified.certificate = block.certificate;
    key = key_height('C', header->height);
    value = pack(&certified.base, &size);
    kv_batch_put(batch, key_bytes(&key), bytes_of(value, size));
    free(value);
}

enum status block_log_base(struct block_log *log, uint64_t *height, struct merkle_frontier *before)
{
    uint8_t *value = NULL;
    size_t size = 0;
    *height = 0;
    merkle_frontier_init(before);
    enum status status = kv_get(log->kv, NULL, bytes_of("A", 1), &value, &size);
    if (status == ST_OK) {
        before->size = size >= 8 ? be64_get(value) : 0;
        size_t peaks = 32u * (size_t)__builtin_popcountll(before->size);
        status = before->size > 0 && size == 8 + peaks ? ST_OK : ST_CORRUPT;
        if (status == ST_OK) {
            memcpy(before->peaks, value + 8, peaks);
            *height = before->size;
        }
    }
    kv_free(value);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status put_changes(struct kv_batch *batch, const struct bytes *set_changes,
                               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct arena arena;
        ProtobufCMessage *message = NULL;
        struct header header;
        size_t room = set_changes[i].size * 2 + 16384;
        uint8_t *scratch = malloc(room);
        CHECK(scratch != NULL);
        arena_init(&arena, scratch, room);
        enum status status =
            canonical_decode(&message, &xuelian__set_change__descriptor, set_changes[i], &arena);
        if (status == ST_OK) {
            const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(void *)message;
            status = header_decode(&header, field_bytes(&wire->header));
            if (status == ST_OK) {
                struct log_key key =
                    key_height('S', header.height + (wire->recovery.len > 0 ? 1 : 0));
                kv_batch_put(batch, key_bytes(&key), set_changes[i]);
            }
        }
        free(scratch);
        if (status != ST_OK) {
            return ST_CORRUPT;
        }
    }
    return ST_OK;
}

enum status block_log_begin(struct block_log *log, const struct header *header,
                            struct bytes certificate, const struct merkle_frontier *before,
                            const struct bytes *set_changes, uint32_t count)
{
    uint8_t header_bytes[LIMIT_HEADER_SIZE_MAX];
    uint8_t place[40];
    uint8_t base[8 + 32 * LIMIT_MERKLE_DEPTH_MAX];
    struct hash32 hash;
    struct block_tip tip;
    size_t size = 0;
    size_t peaks = 32u * (size_t)__builtin_popcountll(before->size);
    Xuelian__Certified certified = XUELIAN__CERTIFIED__INIT;
    enum status status = block_log_tip(log, &tip);
    if (status != ST_OK || tip.height != 0) {
        return status == ST_OK ? ST_CONFLICT : status;
    }
    struct kv_batch *batch = kv_batch_new();
    certified.header = field_borrow(header_bytes, header_encode(header_bytes, header));
    certified.certificate = field_borrow(certificate.data, certificate.size);
    struct log_key key = key_height('C', header->height);
    uint8_t *value = pack(&certified.base, &size);
    kv_batch_put(batch, key_bytes(&key), bytes_of(value, size));
    free(value);
    header_hash(&hash, header);
    be64_put(place, header->height);
    memcpy(place + 8, hash.bytes, 32);
    key = key_by_hash(&hash);
    kv_batch_put(batch, key_bytes(&key), bytes_of(place, 8));
    kv_batch_put(batch, bytes_of("N", 1), bytes_of(place, sizeof place));
    be64_put(base, before->size);
    memcpy(base + 8, before->peaks, peaks);
    kv_batch_put(batch, bytes_of("A", 1), bytes_of(base, 8 + peaks));
    status = put_changes(batch, set_changes, count);
    if (status == ST_OK) {
        status = kv_write(log->kv, batch, true);
    }
    kv_batch_free(batch);
    return status;
}

static enum status append(struct block_log *log, const struct header *header,
                          struct bytes certificate, const struct bytes *txs, uint32_t count,
                          struct bytes set_change, struct bytes recovery, bool sync)
{
    struct block_tip tip;
    struct hash32 hash;
    uint8_t place[40];
    enum status status = block_log_tip(log, &tip);
    if (status != ST_OK) {
        return status;
    }
    if (header->height != tip.height + 1 ||
        (tip.height > 0 && !hash32_equal(&header->parent_hash, &tip.hash))) {
        return ST_CONFLICT;
    }
    struct kv_batch *batch = kv_batch_new();
    header_hash(&hash, header);
    put_block(batch, header, certificate, txs, count, recovery);
    be64_put(place, header->height);
    memcpy(place + 8, hash.bytes, 32);
    struct log_key key = key_by_hash(&hash);
    kv_batch_put(batch, key_bytes(&key), bytes_of(place, 8));
    kv_batch_put(batch, bytes_of("N", 1), bytes_of(place, sizeof place));
    if (set_change.size > 0) {
        key = key_height('S', header->height);
        kv_batch_put(batch, key_bytes(&key), set_change);
    }
    status = drop_proposals(log, header->height, batch);
    if (status == ST_OK) {
        status = kv_write(log->kv, batch, sync);
    }
    kv_batch_free(batch);
    return status;
}

enum status block_log_append(struct block_log *log, const struct header *header,
                             struct bytes certificate, const struct bytes *txs, uint32_t count,
                             struct bytes set_change, bool sync)
{
    return append(log, header, certificate, txs, count, set_change, bytes_of(NULL, 0), sync);
}

enum status block_log_append_recovery(struct block_log *log, const struct header *header,
                                      struct bytes recovery, const struct header *base, bool sync)
{
    const struct bytes none = {.data = NULL, .size = 0};
    Xuelian__SetChange wire = XUELIAN__SET_CHANGE__INIT;
    ProtobufCMessage *message = NULL;
    uint64_t memory[2048]; /* a header, a certificate of 64 signatures, their structs */
    struct arena arena;
    uint8_t base_bytes[LIMIT_HEADER_SIZE_MAX];
    uint8_t *certified = NULL;
    size_t size = 0;
    wire.header = field_borrow(base_bytes, header_encode(base_bytes, base));
    wire.recovery = field_borrow(recovery.data, recovery.size);
    enum status status = ST_OK;
    if (base->height > 0) {
        status = block_log_get_certified(log, base->height, &certified, &size);
    }
    /* Where the block before ended an era, by itself or as a recovery's, its header alone names the set that is
     * replaced, and no certificate of that set's is there. */
    if (status == ST_OK && base->height > 0 &&
        hash32_equal(&base->validators_hash, &base->next_validators_hash)) {
        arena_init(&arena, memory, sizeof memory);
        status = canonical_decode(&message, &xuelian__certified__descriptor,
                                  bytes_of(certified, size), &arena);
        if (status == ST_OK) {
            wire.certificate = ((const Xuelian__Certified *)(const void *)message)->certificate;
        }
    }
    if (status == ST_OK) {
        size_t change_size = 0;
        uint8_t *change = pack(&wire.base, &change_size);
        status = append(log, header, none, NULL, 0, bytes_of(change, change_size), recovery, sync);
        free(change);
    }
    kv_free(certified);
    return status;
}

enum status block_log_put_new_view(struct block_log *log, uint64_t era, uint64_t view,
                                   struct bytes new_view, bool sync)
{
    struct log_key key = key_two('V', era, view);
    return write_one(log, &key, new_view, sync);
}

enum status block_log_get_new_view(struct block_log *log, uint64_t era, uint64_t view,
                                   uint8_t **new_view, size_t *size)
{
    struct log_key key = key_two('V', era, view);
    return get(log, &key, new_view, size);
}

enum status block_log_sync(struct block_log *log)
{
    /* LevelDB syncs its log with a synced write, whatever it writes: an empty batch does. */
    struct kv_batch *batch = kv_batch_new();
    enum status status = kv_write(log->kv, batch, true);
    kv_batch_free(batch);
    return status;
}

/* tx_parse holds each body to its own commitment, the entries' root holds them to the header. */
static enum status check_bodies(const struct stored_block *block)
{
    struct merkle_frontier frontier;
    struct hash32 root;
    struct arena arena;
    enum status status = ST_OK;
    void *memory = malloc(TX_ARENA_SIZE);
    CHECK(memory != NULL);
    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < block->tx_count && status == ST_OK; i++) {
        struct tx tx;
        struct hash32 leaf;
        arena_init(&arena, memory, TX_ARENA_SIZE);
        status = tx_parse(&tx, block->txs[i], &block->header.chain_id, &arena);
        hash_leaf(&leaf, TAG_LEAF_TX, tx.entry.bytes, 32);
        merkle_frontier_append(&frontier, &leaf);
        block->ids[i] = tx.id;
    }
    free(memory);
    merkle_frontier_root(&frontier, &root);
    if (status == ST_OK && (block->header.tx_count != block->tx_count ||
                            !hash32_equal(&root, &block->header.tx_root))) {
        status = ST_BAD_PROOF;
    }
    return status;
}

enum status stored_block_decode(struct stored_block *block, struct bytes bytes)
{
    *block = (struct stored_block){.tx_count = 0};
    if (bytes.size > LIMIT_BLOCK_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    /* The copy, the decoded struct, and one struct bytes and one id a transaction. */
    size_t room = bytes.size * 3 + (size_t)LIMIT_PROPOSAL_ENTRIES_MAX * 96 + 65536;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    block->memory = malloc(room);
    CHECK(block->memory != NULL);
    arena_init(&arena, block->memory, room);
    uint8_t *copy = arena_alloc(&arena, bytes.size);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    block->bytes = bytes_of(copy, bytes.size);
    enum status status =
        canonical_decode(&message, &xuelian__block__descriptor, block->bytes, &arena);
    if (status == ST_OK) {
        const Xuelian__Block *wire = (const Xuelian__Block *)(const void *)message;
        block->header_bytes = field_bytes(&wire->header);
        block->certificate = field_bytes(&wire->certificate);
        block->recovery = field_bytes(&wire->recovery);
        status = header_decode(&block->header, block->header_bytes);
        if (status == ST_OK && wire->n_txs > LIMIT_PROPOSAL_ENTRIES_MAX) {
            status = ST_BAD_SIZE;
        }
        if (status == ST_OK && block->recovery.size > 0 &&
            (block->certificate.size > 0 || wire->n_txs > 0)) {
            status = ST_BAD_ENCODING;
        }
        if (status == ST_OK) {
            block->txs = arena_alloc(&arena, (wire->n_txs + 1) * sizeof *block->txs);
            block->ids = arena_alloc(&arena, (wire->n_txs + 1) * sizeof *block->ids);
            status = block->txs != NULL && block->ids != NULL ? ST_OK : ST_NO_MEMORY;
        }
        for (size_t i = 0; status == ST_OK && i < wire->n_txs; i++) {
            block->txs[block->tx_count++] = field_bytes(&wire->txs[i]);
        }
    }
    if (status == ST_OK) {
        header_hash(&block->hash, &block->header);
        status = check_bodies(block);
    }
    if (status != ST_OK) {
        stored_block_free(block);
    }
    return status;
}

void stored_block_free(struct stored_block *block)
{
    free(block->memory);
    *block = (struct stored_block){.tx_count = 0};
}

enum status block_log_get(struct block_log *log, uint64_t height, struct stored_block *block)
{
    struct log_key key = key_height('B', height);
    uint8_t *value = NULL;
    size_t size = 0;
    uint64_t named = 0;
    enum status status = get(log, &key, &value, &size);
    if (status != ST_OK) {
        return status;
    }
    status = stored_block_decode(block, bytes_of(value, size));
    kv_free(value);
    if (status != ST_OK) {
        return ST_CORRUPT;
    }
    if (block->header.height != height || block_log_find(log, &block->hash, &named) != ST_OK ||
        named != height) {
        stored_block_free(block);
        return ST_CORRUPT;
    }
    return ST_OK;
}

/* The header in a Certified is the one that the log has at that height. */
static enum status check_certified(struct block_log *log, uint64_t height, struct bytes certified)
{
    uint64_t memory[2048]; /* a header, a certificate of 64 signatures, their structs */
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct header header;
    struct hash32 hash;
    uint64_t named = 0;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__certified__descriptor, certified, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    const Xuelian__Certified *wire = (const Xuelian__Certified *)(const void *)message;
    if (header_decode(&header, field_bytes(&wire->header)) != ST_OK || header.height != height) {
        return ST_CORRUPT;
    }
    header_hash(&hash, &header);
    enum status status = block_log_find(log, &hash, &named);
    return status == ST_IO || (status == ST_OK && named == height) ? status : ST_CORRUPT;
}

enum status block_log_get_certified(struct block_log *log, uint64_t height, uint8_t **certified,
                                    size_t *size)
{
    struct log_key key = key_height('C', height);
    uint8_t *value = NULL;
    size_t value_size = 0;
    enum status status = get(log, &key, &value, &value_size);
    if (status == ST_OK) {
        status = check_certified(log, height, bytes_of(value, value_size));
    }
    if (status != ST_OK) {
        kv_free(value);
        return status;
    }
    *certified = value;
    *size = value_size;
    return ST_OK;
}

enum status block_log_find(struct block_log *log, const struct hash32 *hash, uint64_t *height)
{
    struct log_key key = key_by_hash(hash);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = get(log, &key, &value, &size);
    if (status == ST_OK && size != 8) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        *height = be64_get(value);
    }
    kv_free(value);
    return status;
}

enum status block_log_get_set_change(struct block_log *log, uint64_t height, uint8_t **set_change,
                                     size_t *size)
{
    struct log_key key = key_height('S', height);
    return get(log, &key, set_change, size);
}

enum status block_log_set_changes(struct block_log *log, uint64_t up_to,
                                  bool (*visit)(void *context, struct bytes set_change),
                                  void *context)
{
    struct kv_iterator *iterator = kv_iterator_new(log->kv, NULL, bytes_of("S", 1));
    for (; kv_iterator_valid(iterator); kv_iterator_next(iterator)) {
        struct bytes key = kv_iterator_key(iterator);
        if (key.size != 9 || key.data[0] != 'S' || be64_get(key.data + 1) > up_to ||
            !visit(context, kv_iterator_value(iterator))) {
            break;
        }
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    return status;
}
