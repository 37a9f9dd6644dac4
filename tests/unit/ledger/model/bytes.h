/* Messages as canonical bytes, hashes and trees, written from sections 1 to 3 of docs/protocol.md. Of the product it
 * uses SHA-256 alone. */
#ifndef XUELIAN_TESTS_MODEL_BYTES_H
#define XUELIAN_TESTS_MODEL_BYTES_H

#include <protobuf-c/protobuf-c.h>

#include "proto/types.h"

/* Grows as it is written to. Its bytes last until pool_free_scratch. */
struct buffer {
    uint8_t *bytes;
    size_t size;
    size_t room;
};

/* What the model keeps, messages among it, until pool_free_all; and what lasts for a block. */
void *pool_alloc(size_t size);
void pool_free_scratch(void);
void pool_free_all(void);

void put_raw(struct buffer *out, const void *data, size_t size);
void put_big(struct buffer *out, uint64_t value, uint32_t size);
void put_message(struct buffer *out, const ProtobufCMessage *message);

/* Canonical bytes of a message; a copy of it; a message read from bytes. CHECKs that they are one. */
struct buffer message_bytes(const ProtobufCMessage *message);
ProtobufCMessage *message_copy(const ProtobufCMessage *message);
ProtobufCMessage *message_read(const ProtobufCMessageDescriptor *schema, const void *data,
                               size_t size);
bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

struct hash32 sha(const void *data, size_t size);
/* H("xuelian/" name "/v1", data) */
struct hash32 tagged(const char *name, const struct buffer *data);
struct hash32 tagged_message(const char *name, const ProtobufCMessage *message);
/* leaf(kind, data) */
struct hash32 tree_leaf(const char *kind, const void *data, size_t size);
/* Level by level, an odd node promoted. Overwrites the leaves. */
struct hash32 tree_root(struct hash32 *leaves, size_t count);

bool same32(const void *a, const void *b);
bool is_zero32(const void *a);

#endif
