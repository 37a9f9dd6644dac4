#include "ledger/proof_build.h"

#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

struct owned {
    struct owned *next;
    void *memory;
};

void *build_own(struct builder *builder, void *memory)
{
    struct owned *owned = malloc(sizeof *owned);
    CHECK(memory != NULL);
    CHECK(owned != NULL);
    *owned = (struct owned){.next = builder->owned, .memory = memory};
    builder->owned = owned;
    return memory;
}

void *build_zeroed(struct builder *builder, size_t count, size_t size)
{
    return build_own(builder, calloc(count > 0 ? count : 1, size));
}

void build_release(struct builder *builder)
{
    if (builder->deposit != NULL) {
        free(builder->deposit->bytes);
    }
    while (builder->owned != NULL) {
        struct owned *next = builder->owned->next;
        free(builder->owned->memory);
        free(builder->owned);
        builder->owned = next;
    }
}

/* ---- Paths ---- */

enum status build_collection_path(struct builder *builder, uint32_t collection,
                                  ProtobufCBinaryData *out)
{
    struct hash32 leaves[COLLECTION_COUNT];
    struct hash32 *path = build_zeroed(builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *path);
    for (uint32_t i = 1; i <= COLLECTION_COUNT; i++) {
        struct merkle_reader reader;
        enum status status =
            merkle_reader_open(&reader, builder->view->kv, builder->view->snapshot, i);
        if (status != ST_OK) {
            return status;
        }
        state_root_leaf(&leaves[i - 1], i, reader.count, &reader.root);
    }
    uint32_t size = merkle_path(path, leaves, COLLECTION_COUNT, collection - 1);
    *out = field_borrow(path, size * 32u);
    return ST_OK;
}

enum status build_leaf_path(struct builder *builder, uint32_t collection, uint64_t position,
                            Xuelian__LeafPath *out, struct merkle_leaf *leaf)
{
    struct merkle_reader reader;
    struct hash32 *path = build_zeroed(builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *path);
    struct hash32 *next = build_zeroed(builder, 1, sizeof *next);
    uint32_t size = 0;
    enum status status =
        merkle_reader_open(&reader, builder->view->kv, builder->view->snapshot, collection);
    if (status == ST_OK) {
        status = merkle_reader_leaf(&reader, position, leaf);
    }
    if (status == ST_OK) {
        status = merkle_reader_path(&reader, position, path, &size);
    }
    if (status != ST_OK) {
        return status;
    }
    *next = leaf->next;
    out->collection = collection;
    out->count = reader.count;
    out->position = position;
    out->next_key = field_borrow(next, 32);
    out->path = field_borrow(path, size * 32u);
    return build_collection_path(builder, collection, &out->collection_path);
}

enum status build_record_leaf(struct builder *builder, uint32_t collection,
                              struct bytes natural_key, Xuelian__LeafPath *out)
{
    struct merkle_reader reader;
    struct merkle_leaf leaf;
    struct hash32 key;
    uint64_t position = 0;
    merkle_array_key(&key, collection, natural_key);
    xuelian__leaf_path__init(out);
    enum status status =
        merkle_reader_open(&reader, builder->view->kv, builder->view->snapshot, collection);
    if (status == ST_OK) {
        status = merkle_reader_find(&reader, &key, &position);
    }
    return status == ST_OK ? build_leaf_path(builder, collection, position, out, &leaf) : status;
}

/* ---- Packing ---- */

enum status build_pack(struct builder *builder, const struct proof_anchor *anchor,
                       const Xuelian__Proof *content, uint8_t **proof, size_t *size)
{
    Xuelian__Proof wire = *content;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    Xuelian__Anchor out = XUELIAN__ANCHOR__INIT;
    Xuelian__SetChange **changes = build_zeroed(builder, anchor->set_change_count, sizeof *changes);
    for (uint32_t i = 0; i < anchor->set_change_count; i++) {
        struct arena arena;
        ProtobufCMessage *message = NULL;
        size_t room = anchor->set_changes[i].size * 4 + 4096;
        arena_init(&arena, build_zeroed(builder, 1, room), room);
        if (canonical_decode(&message, &xuelian__set_change__descriptor, anchor->set_changes[i],
                             &arena) != ST_OK) {
            return ST_CORRUPT;
        }
        changes[i] = (Xuelian__SetChange *)(void *)message;
    }
    out.header = field_borrow(header, header_encode(header, &builder->view->header));
    out.certificate = field_borrow(anchor->certificate.data, anchor->certificate.size);
    out.set_changes = changes;
    out.n_set_changes = anchor->set_change_count;
    wire.version = PROTOCOL_VERSION;
    wire.chain_id = field_borrow(&builder->view->header.chain_id, 32);
    wire.anchor = &out;
    enum status status = build_members(builder, &wire);
    if (status != ST_OK) {
        return status;
    }
    size_t needed = canonical_size(&wire.base);
    if (needed > LIMIT_PROOF_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    *proof = malloc(needed);
    CHECK(*proof != NULL);
    *size = canonical_encode(*proof, &wire.base);
    return ST_OK;
}
