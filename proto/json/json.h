/* Messages as JSON and back, by their descriptors: field names as in the schema, bytes as hex, 64-bit numbers
 * as strings, enums by name without their prefix, in lower case. Any thread.
 *
 * Reading also takes what proto3 JSON writes (lowerCamel field names, numbers for 64-bit ones) and what people
 * write in text files: numbers as text, dates as 2026-06-30, credits and hours with a point ("2.5" for 250
 * hundredths). Everything else is refused, with the place of the mistake. */
#ifndef XUELIAN_PROTO_JSON_H
#define XUELIAN_PROTO_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/arena.h"
#include "proto/types.h"

/* Absent fields are left out. The caller json_decrefs. */
json_t *json_of_message(const ProtobufCMessage *message);
json_t *json_of_bytes(const uint8_t *data, size_t size);
json_t *json_of_u64(uint64_t value);

enum json_mistake {
    JSON_FINE,
    JSON_NOT_OBJECT,    /* an object is needed here */
    JSON_NOT_LIST,      /* a list is needed here */
    JSON_UNKNOWN_FIELD, /* no field of that name; schema says which there are */
    JSON_TWICE,         /* one field under both of its names */
    JSON_BAD_NUMBER,    /* not a number of the field's range */
    JSON_BAD_NAME,      /* not one of the names of field->descriptor */
    JSON_BAD_HEX,       /* not hexadecimal */
    JSON_BAD_TEXT,      /* not text */
    JSON_BAD_BOOL,      /* neither true nor false */
    JSON_TOO_MUCH       /* more than the arena holds, or nested too deep */
};

enum { JSON_PATH_SIZE = 160, JSON_WORD_SIZE = 96 };

struct json_fault {
    enum json_mistake mistake;
    char path[JSON_PATH_SIZE];                /* "changes[2].member.keys" */
    char word[JSON_WORD_SIZE];                /* what stood there, cut */
    const ProtobufCMessageDescriptor *schema; /* of the object the mistake is in */
    const ProtobufCFieldDescriptor *field;    /* NULL when no field */
};

/* Makes a message from an object.
 * Returns  true; false with *fault. A message that is made can be encoded canonically: what is zero or empty is
 *          as if it were absent.
 * Out      *message  in the arena.   In  object  borrowed. */
bool json_to_message(const json_t *object, const ProtobufCMessageDescriptor *schema,
                     struct arena *arena, ProtobufCMessage **message, struct json_fault *fault);

/* The name of an enum's value as it is written here, from its name in the schema. Out: text, at most 64. */
void json_enum_name(const ProtobufCEnumDescriptor *schema, const char *name, char text[64]);

#endif
