#include "proto/json/json.h"
#include "proto/json/member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/limits.h"

json_t *json_of_bytes(const uint8_t *data, size_t size)
{
    char *text = malloc(HEX_SIZE(size));
    CHECK(text != NULL);
    hex_encode(text, data, size);
    json_t *value = json_stringn(text, 2 * size);
    free(text);
    return value;
}

json_t *json_of_u64(uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

/* OUTCOME_KIND_DEGREE_COURSE of enum OutcomeKind becomes degree_course. */
void json_enum_name(const ProtobufCEnumDescriptor *schema, const char *name, char text[64])
{
    size_t prefix = 0;
    for (const char *p = schema->short_name; *p != '\0'; p++) {
        prefix += 1u + (unsigned)(p != schema->short_name && *p >= 'A' && *p <= 'Z');
    }
    name += strlen(name) > prefix + 1 ? prefix + 1 : 0;
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < 64; i++) {
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    text[i] = '\0';
}

static json_t *enum_json(const ProtobufCEnumDescriptor *schema, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(schema, number);
    char text[64];
    if (value == NULL) {
        return json_integer(number);
    }
    json_enum_name(schema, value->name, text);
    return json_string(text);
}

/* One open message: the schemas here nest at most a few deep, the bound is the codec's. */
static json_t *scalar_json(const ProtobufCFieldDescriptor *field, const void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        return json_integer(*(const uint32_t *)member);
    case PROTOBUF_C_TYPE_UINT64:
        return json_of_u64(*(const uint64_t *)member);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)member);
    case PROTOBUF_C_TYPE_ENUM:
        return enum_json(field->descriptor, *(const int *)member);
    case PROTOBUF_C_TYPE_STRING:
        return json_string(*(char *const *)member);
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = member;
        return json_of_bytes(bytes->data, bytes->len);
    }
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return json_null();
}

size_t json_member_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        break;
    }
    return sizeof(uint32_t);
}

static bool absent(const ProtobufCFieldDescriptor *field, const void *member)
{
    static const uint8_t zero[sizeof(uint64_t)];
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *)member)->len == 0;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return (*(char *const *)member)[0] == '\0';
    }
    return memcmp(member, zero, json_member_size(field->type)) == 0;
}

/* Messages waiting to be written: (message, its object). Iterative, so that no schema can nest the stack. */
struct pending {
    const ProtobufCMessage *message;
    json_t *object;
};

enum { PENDING_MAX = 4096 };

struct writer {
    struct pending list[PENDING_MAX];
    size_t count;
};

static json_t *later(struct writer *writer, const ProtobufCMessage *message)
{
    json_t *object = json_object();
    if (writer->count < PENDING_MAX) {
        writer->list[writer->count++] = (struct pending){.message = message, .object = object};
    }
    return object;
}

static json_t *element_json(struct writer *writer, const ProtobufCFieldDescriptor *field,
                            const void *member)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE
               ? later(writer, *(ProtobufCMessage *const *)member)
               : scalar_json(field, member);
}

static void write_field(struct writer *writer, const struct pending *item,
                        const ProtobufCFieldDescriptor *field)
{
    const uint8_t *base = (const uint8_t *)item->message;
    const void *member = base + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        const uint8_t *array = *(uint8_t *const *)member;
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(
                list, element_json(writer, field, array + i * json_member_size(field->type)));
        }
        json_object_set_new(item->object, field->name, list);
    } else if (!absent(field, member)) {
        json_object_set_new(item->object, field->name, element_json(writer, field, member));
    }
}

json_t *json_of_message(const ProtobufCMessage *message)
{
    struct writer *writer = calloc(1, sizeof *writer);
    CHECK(writer != NULL);
    json_t *root = later(writer, message);
    for (size_t i = 0; i < writer->count; i++) {
        const ProtobufCMessageDescriptor *schema = writer->list[i].message->descriptor;
        for (unsigned f = 0; f < schema->n_fields; f++) {
            write_field(writer, &writer->list[i], &schema->fields[f]);
        }
    }
    free(writer);
    return root;
}
