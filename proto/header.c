#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/canonical.h"
#include "proto/convert.h"

size_t header_encode(uint8_t *out, const struct header *header)
{
    Xuelian__Header wire = XUELIAN__HEADER__INIT;
    wire.version = header->version;
    wire.suite = header->suite;
    wire.chain_id = field_borrow(&header->chain_id, 32);
    wire.height = header->height;
    wire.time_ms = header->time_ms;
    wire.parent_hash = field_borrow(&header->parent_hash, 32);
    wire.tx_root = field_borrow(&header->tx_root, 32);
    wire.tx_count = header->tx_count;
    wire.result_root = field_borrow(&header->result_root, 32);
    wire.state_root = field_borrow(&header->state_root, 32);
    wire.history_root = field_borrow(&header->history_root, 32);
    wire.validators_hash = field_borrow(&header->validators_hash, 32);
    wire.next_validators_hash = field_borrow(&header->next_validators_hash, 32);
    wire.params_hash = field_borrow(&header->params_hash, 32);
    return canonical_encode(out, &wire.base);
}

enum status header_decode(struct header *header, struct bytes bytes)
{
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message;
    struct header made;
    if (bytes.size > LIMIT_HEADER_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    arena_init(&arena, memory, sizeof memory);
    enum status status = canonical_decode(&message, &xuelian__header__descriptor, bytes, &arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Header *wire = (const Xuelian__Header *)(const void *)message;
    made.version = wire->version;
    made.suite = wire->suite;
    made.height = wire->height;
    made.time_ms = wire->time_ms;
    made.tx_count = wire->tx_count;
    if (made.version != PROTOCOL_VERSION || made.suite != PROTOCOL_SUITE ||
        !field_copy(&made.chain_id, 32, &wire->chain_id) ||
        !field_copy(&made.parent_hash, 32, &wire->parent_hash) ||
        !field_copy(&made.tx_root, 32, &wire->tx_root) ||
        !field_copy(&made.result_root, 32, &wire->result_root) ||
        !field_copy(&made.state_root, 32, &wire->state_root) ||
        !field_copy(&made.history_root, 32, &wire->history_root) ||
        !field_copy(&made.validators_hash, 32, &wire->validators_hash) ||
        !field_copy(&made.next_validators_hash, 32, &wire->next_validators_hash) ||
        !field_copy(&made.params_hash, 32, &wire->params_hash)) {
        return ST_BAD_ENCODING;
    }
    *header = made;
    return ST_OK;
}

void header_hash(struct hash32 *out, const struct header *header)
{
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    size_t size = header_encode(bytes, header);
    hash_tagged(out, TAG_HEADER, bytes, size);
}
