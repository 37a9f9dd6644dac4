#include "proto/canonical.h"

#include <string.h>

#include "proto/check.h"
#include "proto/limits.h"

enum wire_type { WIRE_VARINT = 0, WIRE_SIZED = 2 };

/* One open message: where it ends and how far its fields have come. */
struct walk_level {
    const ProtobufCMessageDescriptor *schema;
    size_t end;
    uint32_t last_field;
};

struct walk {
    struct bytes in;
    size_t at;
    uint32_t depth;
    struct walk_level levels[LIMIT_DECODE_DEPTH_MAX];
};

/* Reads a varint of the one shortest form that ends before `end`. */
static enum status read_varint(const uint8_t *data, size_t end, size_t *at, uint64_t *value)
{
    uint64_t sum = 0;
    size_t i = *at;
    if (i < end && data[i] < 0x80) {
        *value = data[i]; /* most are one byte */
        *at = i + 1;
        return ST_OK;
    }
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (i >= end) {
            return ST_TRUNCATED;
        }
        uint8_t byte = data[i++];
        if (shift == 63 && byte > 1) {
            return ST_BAD_ENCODING;
        }
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if (byte == 0 && shift != 0) {
                return ST_BAD_ENCODING;
            }
            *at = i;
            *value = sum;
            return ST_OK;
        }
    }
    return ST_BAD_ENCODING;
}

/* RFC 3629; a NUL is refused too, because strings become C strings. */
static bool utf8_valid(const uint8_t *s, size_t size)
{
    size_t i = 0;
    while (i < size) {
        uint8_t lead = s[i++];
        if (lead < 0x80) {
            if (lead == 0) {
                return false;
            }
            continue;
        }
        unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || size - i < more) {
            return false;
        }
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (s[i] < low || s[i] > high) {
            return false;
        }
        for (unsigned k = 1; k < more; k++) {
            if (s[i + k] < 0x80 || s[i + k] > 0xbf) {
                return false;
            }
        }
        i += more;
    }
    return true;
}

static bool is_scalar(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64 ||
           field->type == PROTOBUF_C_TYPE_BOOL || field->type == PROTOBUF_C_TYPE_ENUM;
}

/* Whether a number is one of the field's type. */
static bool value_fits(const ProtobufCFieldDescriptor *field, uint64_t value)
{
    if (field->type == PROTOBUF_C_TYPE_UINT64) {
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        return value <= 1;
    }
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return value <= INT32_MAX &&
               protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value) != NULL;
    }
    return value <= UINT32_MAX;
}

static enum status check_packed(const struct walk *walk, const ProtobufCFieldDescriptor *field,
                                size_t at, size_t end)
{
    if (at == end) {
        return ST_BAD_ENCODING;
    }
    while (at < end) {
        uint64_t value;
        if (read_varint(walk->in.data, end, &at, &value) != ST_OK || !value_fits(field, value)) {
            return ST_BAD_ENCODING;
        }
    }
    return ST_OK;
}

/* A field with a size before it: packed numbers, text, bytes, or a message, which is entered. */
static enum status check_sized(struct walk *walk, struct walk_level *level,
                               const ProtobufCFieldDescriptor *field)
{
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    uint64_t size;
    enum status status = read_varint(walk->in.data, level->end, &walk->at, &size);
    if (status != ST_OK) {
        return walk->depth == 0 ? status : ST_BAD_ENCODING;
    }
    if (size > level->end - walk->at) {
        return walk->depth == 0 ? ST_TRUNCATED : ST_BAD_ENCODING;
    }
    size_t end = walk->at + (size_t)size;
    if (is_scalar(field)) {
        status = repeated ? check_packed(walk, field, walk->at, end) : ST_BAD_ENCODING;
    } else if (size == 0 && !repeated) {
        status = ST_BAD_ENCODING;
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        status = utf8_valid(walk->in.data + walk->at, (size_t)size) ? ST_OK : ST_BAD_ENCODING;
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (walk->depth + 1 == LIMIT_DECODE_DEPTH_MAX) {
            return ST_TOO_DEEP;
        }
        walk->depth++;
        walk->levels[walk->depth] = (struct walk_level){.schema = field->descriptor, .end = end};
        return ST_OK; /* the walk goes on inside */
    } else if (field->type != PROTOBUF_C_TYPE_BYTES) {
        status = ST_BAD_ENCODING; /* schemas have no other type */
    }
    walk->at = end;
    return status;
}

/* Most schemas number their fields from 1 on without a gap. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *schema,
                                                uint32_t number)
{
    if (number - 1 < schema->n_fields && schema->fields[number - 1].id == number) {
        return &schema->fields[number - 1];
    }
    return protobuf_c_message_descriptor_get_field(schema, number);
}

static enum status check_field(struct walk *walk, struct walk_level *level)
{
    uint64_t tag;
    uint64_t value;
    enum status status = read_varint(walk->in.data, level->end, &walk->at, &tag);
    if (status != ST_OK) {
        return walk->depth == 0 ? status : ST_BAD_ENCODING;
    }
    if (tag >> 3 > UINT32_MAX >> 3) {
        return ST_BAD_ENCODING;
    }
    uint32_t number = (uint32_t)(tag >> 3);
    const ProtobufCFieldDescriptor *field = field_of(level->schema, number);
    if (field == NULL) {
        return ST_BAD_ENCODING;
    }
    bool again = number == level->last_field && field->label == PROTOBUF_C_LABEL_REPEATED &&
                 !is_scalar(field);
    if (number <= level->last_field && !again) {
        return ST_BAD_ENCODING;
    }
    level->last_field = number;
    if ((tag & 7) == WIRE_SIZED) {
        return check_sized(walk, level, field);
    }
    if ((tag & 7) != WIRE_VARINT || !is_scalar(field) ||
        field->label == PROTOBUF_C_LABEL_REPEATED) {
        return ST_BAD_ENCODING;
    }
    status = read_varint(walk->in.data, level->end, &walk->at, &value);
    if (status != ST_OK) {
        return walk->depth == 0 ? status : ST_BAD_ENCODING;
    }
    return value != 0 && value_fits(field, value) ? ST_OK : ST_BAD_ENCODING;
}

enum status canonical_check_fields(const ProtobufCMessageDescriptor *schema, struct bytes bytes,
                                   uint32_t fields_max)
{
    struct walk walk = {.in = bytes};
    uint32_t fields = 0;
    walk.levels[0] = (struct walk_level){.schema = schema, .end = bytes.size};
    for (;;) {
        struct walk_level *level = &walk.levels[walk.depth];
        if (walk.at == level->end) {
            if (walk.depth == 0) {
                return ST_OK;
            }
            walk.depth--;
            continue;
        }
        enum status status = fields < fields_max ? check_field(&walk, level) : ST_TOO_DEEP;
        if (status != ST_OK) {
            return status;
        }
        fields++;
    }
}

enum status canonical_check(const ProtobufCMessageDescriptor *schema, struct bytes bytes)
{
    return canonical_check_fields(schema, bytes, UINT32_MAX);
}

static void *decode_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void decode_free(void *arena, void *memory)
{
    (void)arena; /* an arena is freed at once */
    (void)memory;
}

enum status canonical_decode(ProtobufCMessage **message, const ProtobufCMessageDescriptor *schema,
                             struct bytes bytes, struct arena *arena)
{
    enum status status = canonical_check(schema, bytes);
    if (status != ST_OK) {
        return status;
    }
    ProtobufCAllocator allocator = {
        .alloc = decode_alloc, .free = decode_free, .allocator_data = arena};
    ProtobufCMessage *decoded =
        protobuf_c_message_unpack(schema, &allocator, bytes.size, bytes.data);
    if (decoded == NULL) {
        return ST_NO_MEMORY; /* the form is right, so only the arena can have failed */
    }
    *message = decoded;
    return ST_OK;
}

size_t canonical_size(const ProtobufCMessage *message)
{
    return protobuf_c_message_get_packed_size(message);
}

size_t canonical_encode(uint8_t *out, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_pack(message, out);
    CHECK(canonical_check(message->descriptor, (struct bytes){.data = out, .size = size}) == ST_OK);
    return size;
}
