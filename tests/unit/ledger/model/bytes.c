#include "tests/unit/ledger/model/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "proto/hash.h"

/* ---- memory ---- */

union block {
    union block *next;
    max_align_t aligned;
};
static union block *kept;
static union block *scratch;

static void *allocate(union block **list, size_t size)
{
    union block *block = calloc(1, sizeof *block + size);
    CHECK(block != NULL);
    block->next = *list;
    *list = block;
    return block + 1;
}

static void free_list(union block **list)
{
    while (*list != NULL) {
        union block *next = (*list)->next;
        free(*list);
        *list = next;
    }
}

void *pool_alloc(size_t size)
{
    return allocate(&kept, size);
}

void pool_free_scratch(void)
{
    free_list(&scratch);
}

void pool_free_all(void)
{
    free_list(&kept);
    free_list(&scratch);
}

static void *take(void *data, size_t size)
{
    (void)data;
    return pool_alloc(size);
}

static void leave(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

static ProtobufCAllocator allocator = {.alloc = take, .free = leave};

/* ---- writing ---- */

void put_raw(struct buffer *out, const void *data, size_t size)
{
    if (out->size + size > out->room) {
        size_t room = 2 * (out->size + size) + 64;
        uint8_t *bytes = allocate(&scratch, room);
        if (out->size > 0) {
            memcpy(bytes, out->bytes, out->size);
        }
        out->bytes = bytes;
        out->room = room;
    }
    if (size > 0) {
        memcpy(out->bytes + out->size, data, size);
    }
    out->size += size;
}

void put_big(struct buffer *out, uint64_t value, uint32_t size)
{
    for (uint32_t i = size; i > 0; i--) {
        uint8_t byte = (uint8_t)(value >> (8 * (i - 1)));
        put_raw(out, &byte, 1);
    }
}

static void put_varint(struct buffer *out, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        put_raw(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static bool is_number(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64 ||
           field->type == PROTOBUF_C_TYPE_BOOL || field->type == PROTOBUF_C_TYPE_ENUM;
}

static size_t size_of_element(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return sizeof(ProtobufCBinaryData);
    }
    if (!is_number(field)) {
        return sizeof(void *);
    }
    return field->type == PROTOBUF_C_TYPE_UINT64 ? 8
           : field->type == PROTOBUF_C_TYPE_BOOL ? sizeof(protobuf_c_boolean)
                                                 : 4;
}

static uint64_t number_at(const ProtobufCFieldDescriptor *field, const uint8_t *at)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    protobuf_c_boolean flag = 0;
    if (field->type == PROTOBUF_C_TYPE_UINT64) {
        memcpy(&wide, at, 8);
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        memcpy(&flag, at, sizeof flag);
        wide = flag != 0;
    } else {
        memcpy(&narrow, at, 4);
        wide = narrow;
    }
    return wide;
}

/* One length-delimited value. Returns false when there is none to write. */
static bool content_at(const ProtobufCFieldDescriptor *field, const uint8_t *at, bool repeated,
                       struct buffer *content)
{
    ProtobufCBinaryData data;
    const char *text = NULL;
    const ProtobufCMessage *message = NULL;
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        memcpy(&data, at, sizeof data);
        put_raw(content, data.data, data.len);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(&text, at, sizeof text);
        put_raw(content, text, text == NULL ? 0 : strlen(text));
    } else {
        memcpy(&message, at, sizeof message);
        if (message != NULL) {
            put_message(content, message);
        }
    }
    return repeated || content->size > 0;
}

static void put_content(struct buffer *out, const ProtobufCFieldDescriptor *field,
                        const uint8_t *at, bool repeated)
{
    struct buffer content = {0};
    if (content_at(field, at, repeated, &content)) {
        put_varint(out, (uint64_t)field->id << 3 | 2);
        put_varint(out, content.size);
        put_raw(out, content.bytes, content.size);
    }
}

static void put_repeated(struct buffer *out, const ProtobufCFieldDescriptor *field,
                         const uint8_t *at, size_t count)
{
    const uint8_t *array = NULL;
    struct buffer packed = {0};
    memcpy(&array, at, sizeof array);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *element = array + i * size_of_element(field);
        if (is_number(field)) {
            put_varint(&packed, number_at(field, element));
        } else {
            put_content(out, field, element, true);
        }
    }
    if (packed.size > 0) {
        put_varint(out, (uint64_t)field->id << 3 | 2);
        put_varint(out, packed.size);
        put_raw(out, packed.bytes, packed.size);
    }
}

void put_message(struct buffer *out, const ProtobufCMessage *message)
{
    const uint8_t *start = (const uint8_t *)message;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const uint8_t *at = start + field->offset;
        size_t count = 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, start + field->quantifier_offset, sizeof count);
            put_repeated(out, field, at, count);
        } else if (!is_number(field)) {
            put_content(out, field, at, false);
        } else if (number_at(field, at) != 0) {
            put_varint(out, (uint64_t)field->id << 3);
            put_varint(out, number_at(field, at));
        }
    }
}

struct buffer message_bytes(const ProtobufCMessage *message)
{
    struct buffer out = {0};
    put_message(&out, message);
    return out;
}

ProtobufCMessage *message_read(const ProtobufCMessageDescriptor *schema, const void *data,
                               size_t size)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(schema, &allocator, size, data);
    CHECK(message != NULL);
    return message;
}

ProtobufCMessage *message_copy(const ProtobufCMessage *message)
{
    struct buffer bytes = message_bytes(message);
    return message_read(message->descriptor, bytes.bytes, bytes.size);
}

bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct buffer left = message_bytes(a);
    struct buffer right = message_bytes(b);
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.bytes, right.bytes, left.size) == 0);
}

/* ---- hashes ---- */

struct hash32 sha(const void *data, size_t size)
{
    struct hash32 hash;
    hash_plain(&hash, data, size);
    return hash;
}

struct hash32 tagged(const char *name, const struct buffer *data)
{
    char text[64];
    struct buffer all = {0};
    struct hash32 tag = sha(text, (size_t)snprintf(text, sizeof text, "xuelian/%s/v1", name));
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, data->bytes, data->size);
    return sha(all.bytes, all.size);
}

struct hash32 tagged_message(const char *name, const ProtobufCMessage *message)
{
    struct buffer bytes = message_bytes(message);
    return tagged(name, &bytes);
}

struct hash32 tree_leaf(const char *kind, const void *data, size_t size)
{
    char text[64];
    struct buffer all = {0};
    struct hash32 tag = sha(text, (size_t)snprintf(text, sizeof text, "xuelian/leaf/%s/v1", kind));
    put_big(&all, 0, 1);
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, data, size);
    return sha(all.bytes, all.size);
}

struct hash32 tree_root(struct hash32 *leaves, size_t count)
{
    if (count == 0) {
        return sha("", 0);
    }
    while (count > 1) {
        size_t above = 0;
        for (size_t i = 0; i < count; i += 2) {
            uint8_t node[65] = {1};
            if (i + 1 == count) {
                leaves[above++] = leaves[i];
                continue;
            }
            memcpy(node + 1, leaves[i].bytes, 32);
            memcpy(node + 33, leaves[i + 1].bytes, 32);
            leaves[above++] = sha(node, sizeof node);
        }
        count = above;
    }
    return leaves[0];
}

bool same32(const void *a, const void *b)
{
    return memcmp(a, b, 32) == 0;
}

bool is_zero32(const void *a)
{
    static const uint8_t zeros[32];
    return same32(a, zeros);
}
