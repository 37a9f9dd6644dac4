#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/json/json.h"
#include "proto/json/member.h"

enum { PENDING_MAX = 4096, HUNDREDTHS_MAX_DIGITS = 8 };

/* An object still to be read into its message, and where it stands. */
struct pending {
    const json_t *object;
    ProtobufCMessage *message;
    void **owner; /* the pointer to it of a singular field: reset when it turns out empty */
    char path[JSON_PATH_SIZE];
};

struct reader {
    struct arena *arena;
    struct json_fault *fault;
    struct pending *list; /* PENDING_MAX */
    size_t count;
};

/* One value's place. */
struct place {
    const struct pending *in;
    const ProtobufCFieldDescriptor *field;
    char path[JSON_PATH_SIZE];
};

static bool refuse(struct reader *reader, const struct place *place, const json_t *value,
                   enum json_mistake mistake)
{
    struct json_fault *fault = reader->fault;
    fault->mistake = mistake;
    fault->schema = place->in->message->descriptor;
    fault->field = place->field;
    snprintf(fault->path, sizeof fault->path, "%s", place->path);
    char *text = value == NULL           ? NULL
                 : json_is_string(value) ? NULL
                                         : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(fault->word, sizeof fault->word, "%s",
             text != NULL    ? text
             : value != NULL ? json_string_value(value)
                             : "");
    free(text);
    return false;
}

static bool is_hundredths(const char *name)
{
    size_t size = strlen(name);
    return strcmp(name, "credits") == 0 || strcmp(name, "hours") == 0 ||
           (size > 8 && strcmp(name + size - 8, "_credits") == 0) ||
           (size > 6 && strcmp(name + size - 6, "_hours") == 0);
}

static bool is_date(const char *name)
{
    size_t size = strlen(name);
    return size >= 5 && strcmp(name + size - 5, "_date") == 0;
}

static bool decimal(const char *text, size_t size, uint64_t *out)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *out = sum;
    return size > 0;
}

/* "2", "2.5", "2.50" as hundredths; a whole number above is in units too, so that 250 is never meant. */
static bool hundredths(const char *text, uint64_t *out)
{
    size_t whole = strcspn(text, ".");
    size_t rest = text[whole] == '.' ? strlen(text + whole + 1) : 0;
    uint64_t units;
    uint64_t part = 0;
    if (whole > HUNDREDTHS_MAX_DIGITS || rest > 2 || (text[whole] == '.' && rest == 0) ||
        !decimal(text, whole, &units) || (rest > 0 && !decimal(text + whole + 1, rest, &part))) {
        return false;
    }
    *out = units * 100 + (rest == 1 ? part * 10 : part);
    return true;
}

/* "2026-06-30" as 20260630. */
static bool date(const char *text, uint64_t *out)
{
    uint64_t year;
    uint64_t month;
    uint64_t day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !decimal(text, 4, &year) ||
        !decimal(text + 5, 2, &month) || !decimal(text + 8, 2, &day)) {
        return false;
    }
    *out = year * 10000 + month * 100 + day;
    return true;
}

static bool number(const json_t *value, const char *name, uint64_t max, uint64_t *out)
{
    char text[32];
    if (json_is_integer(value)) {
        if (json_integer_value(value) < 0) {
            return false;
        }
        snprintf(text, sizeof text, "%llu", (unsigned long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        int size = snprintf(text, sizeof text, "%.10g", json_real_value(value));
        if (size < 0 || (size_t)size >= sizeof text) {
            return false;
        }
    } else if (json_is_string(value) && json_string_length(value) < sizeof text) {
        snprintf(text, sizeof text, "%s", json_string_value(value));
    } else {
        return false;
    }
    bool read = is_hundredths(name)                          ? hundredths(text, out)
                : is_date(name) && strchr(text, '-') != NULL ? date(text, out)
                                                             : decimal(text, strlen(text), out);
    return read && *out <= max;
}

static bool read_enum(const json_t *value, const ProtobufCEnumDescriptor *schema, int *out)
{
    const char *text = json_string_value(value);
    for (unsigned i = 0; text != NULL && i < schema->n_values; i++) {
        char name[64];
        json_enum_name(schema, schema->values[i].name, name);
        if (schema->values[i].value != 0 &&
            (strcmp(name, text) == 0 || strcmp(schema->values[i].name, text) == 0)) {
            *out = schema->values[i].value;
            return true;
        }
    }
    return false;
}

static bool read_bool(const json_t *value, protobuf_c_boolean *out)
{
    const char *text = json_string_value(value);
    if (!json_is_boolean(value) &&
        (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))) {
        return false;
    }
    *out = json_is_true(value) || (text != NULL && strcmp(text, "true") == 0);
    return true;
}

static enum json_mistake read_hex(struct reader *reader, const json_t *value,
                                  ProtobufCBinaryData *out)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size % 2 != 0) {
        return JSON_BAD_HEX;
    }
    out->len = size / 2;
    out->data = arena_alloc(reader->arena, size / 2 + 1);
    if (out->data == NULL) {
        return JSON_TOO_MUCH;
    }
    return size == 0 || hex_decode(out->data, out->len, json_string_value(value), size) == ST_OK
               ? JSON_FINE
               : JSON_BAD_HEX;
}

static enum json_mistake read_text(struct reader *reader, const json_t *value, char **out)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || strlen(json_string_value(value)) != size) {
        return JSON_BAD_TEXT;
    }
    *out = arena_alloc(reader->arena, size + 1);
    if (*out == NULL) {
        return JSON_TOO_MUCH;
    }
    memcpy(*out, json_string_value(value), size);
    return JSON_FINE;
}

static enum json_mistake read_message(struct reader *reader, const struct place *place,
                                      const json_t *value, void *member, bool singular)
{
    const ProtobufCMessageDescriptor *schema = place->field->descriptor;
    if (!json_is_object(value)) {
        return JSON_NOT_OBJECT;
    }
    ProtobufCMessage *made = arena_alloc(reader->arena, schema->sizeof_message);
    if (made == NULL || reader->count == PENDING_MAX) {
        return JSON_TOO_MUCH;
    }
    protobuf_c_message_init(schema, made);
    *(ProtobufCMessage **)member = made;
    struct pending *next = &reader->list[reader->count++];
    next->object = value;
    next->message = made;
    next->owner = singular ? member : NULL;
    snprintf(next->path, sizeof next->path, "%s", place->path);
    return JSON_FINE;
}

static enum json_mistake read_value(struct reader *reader, const struct place *place,
                                    const json_t *value, void *member, bool singular)
{
    const ProtobufCFieldDescriptor *field = place->field;
    uint64_t sum = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        if (!number(value, field->name, UINT32_MAX, &sum)) {
            return JSON_BAD_NUMBER;
        }
        *(uint32_t *)member = (uint32_t)sum;
        return JSON_FINE;
    case PROTOBUF_C_TYPE_UINT64:
        return number(value, field->name, UINT64_MAX, member) ? JSON_FINE : JSON_BAD_NUMBER;
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(value, member) ? JSON_FINE : JSON_BAD_BOOL;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(value, field->descriptor, member) ? JSON_FINE : JSON_BAD_NAME;
    case PROTOBUF_C_TYPE_STRING:
        return read_text(reader, value, member);
    case PROTOBUF_C_TYPE_BYTES:
        return read_hex(reader, value, member);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(reader, place, value, member, singular);
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
    return JSON_BAD_TEXT; /* schemas have no other type */
}

static bool read_list(struct reader *reader, struct place *place, const json_t *value)
{
    uint8_t *base = (uint8_t *)place->in->message;
    size_t *count = (size_t *)(void *)(base + place->field->quantifier_offset);
    size_t size = json_member_size(place->field->type);
    char whole[JSON_PATH_SIZE];
    if (!json_is_array(value)) {
        return refuse(reader, place, value, JSON_NOT_LIST);
    }
    uint8_t *array = json_array_size(value) < reader->arena->size
                         ? arena_alloc(reader->arena, json_array_size(value) * size)
                         : NULL;
    if (array == NULL) {
        return refuse(reader, place, NULL, JSON_TOO_MUCH);
    }
    *(void **)(void *)(base + place->field->offset) = array;
    memcpy(whole, place->path, sizeof whole);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        snprintf(place->path, sizeof place->path, "%.*s[%zu]", JSON_PATH_SIZE - 24, whole, i);
        enum json_mistake mistake = read_value(reader, place, element, array + i * size, false);
        if (mistake != JSON_FINE) {
            return refuse(reader, place, element, mistake);
        }
        *count = i + 1;
    }
    return true;
}

/* True when a key is the field's name, or that name in lowerCamel. */
static bool names_field(const char *key, const char *name)
{
    if (strcmp(key, name) == 0) {
        return true;
    }
    bool upper = false;
    for (; *name != '\0'; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        char expected = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        if (*key++ != expected) {
            return false;
        }
        upper = false;
    }
    return *key == '\0';
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *schema,
                                                  const char *key)
{
    for (unsigned i = 0; i < schema->n_fields; i++) {
        if (names_field(key, schema->fields[i].name)) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

static bool read_field(struct reader *reader, const struct pending *in, const char *key,
                       const json_t *value)
{
    struct place place = {.in = in, .field = find_field(in->message->descriptor, key)};
    int size = snprintf(place.path, sizeof place.path, "%s%s%s", in->path,
                        in->path[0] != '\0' ? "." : "", key);
    if (size < 0 || (size_t)size >= sizeof place.path) {
        return refuse(reader, &place, NULL, JSON_TOO_MUCH);
    }
    if (place.field == NULL) {
        return refuse(reader, &place, NULL, JSON_UNKNOWN_FIELD);
    }
    if (strcmp(key, place.field->name) != 0 &&
        json_object_get(in->object, place.field->name) != NULL) {
        return refuse(reader, &place, NULL, JSON_TWICE);
    }
    if (place.field->label == PROTOBUF_C_LABEL_REPEATED) {
        return read_list(reader, &place, value);
    }
    void *member = (uint8_t *)in->message + place.field->offset;
    enum json_mistake mistake = read_value(reader, &place, value, member, true);
    return mistake == JSON_FINE || refuse(reader, &place, value, mistake);
}

/* Singular messages in which nothing is set are absent in canonical bytes. Inner ones stand later in the list. */
static void drop_empty(struct reader *reader)
{
    for (size_t i = reader->count; i > 1; i--) {
        struct pending *item = &reader->list[i - 1];
        if (item->owner != NULL && protobuf_c_message_get_packed_size(item->message) == 0) {
            *item->owner = NULL;
        }
    }
}

bool json_to_message(const json_t *object, const ProtobufCMessageDescriptor *schema,
                     struct arena *arena, ProtobufCMessage **message, struct json_fault *fault)
{
    struct reader reader = {.arena = arena, .fault = fault};
    *fault = (struct json_fault){.mistake = JSON_FINE, .schema = schema};
    ProtobufCMessage *made = arena_alloc(arena, schema->sizeof_message);
    if (!json_is_object(object) || made == NULL) {
        fault->mistake = made == NULL ? JSON_TOO_MUCH : JSON_NOT_OBJECT;
        return false;
    }
    reader.list = calloc(PENDING_MAX, sizeof *reader.list);
    if (reader.list == NULL) {
        fault->mistake = JSON_TOO_MUCH;
        return false;
    }
    protobuf_c_message_init(schema, made);
    reader.list[0] = (struct pending){.object = object, .message = made};
    reader.count = 1;
    bool fine = true;
    for (size_t i = 0; i < reader.count && fine; i++) {
        void *at = json_object_iter((json_t *)(uintptr_t)reader.list[i].object);
        for (; at != NULL && fine;
             at = json_object_iter_next((json_t *)(uintptr_t)reader.list[i].object, at)) {
            fine = read_field(&reader, &reader.list[i], json_object_iter_key(at),
                              json_object_iter_value(at));
        }
    }
    if (fine) {
        drop_empty(&reader);
        *message = made;
    }
    free(reader.list);
    return fine;
}
