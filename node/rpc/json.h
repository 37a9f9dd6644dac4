/* JSON from messages, by their descriptors: field names as in the schema, bytes as hex, 64-bit numbers as
 * strings, enums by name without their prefix, in lower case. Any thread. */
#ifndef XUELIAN_NODE_JSON_H
#define XUELIAN_NODE_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/types.h"

/* Absent fields are left out. The caller json_decrefs. */
json_t *json_of_message(const ProtobufCMessage *message);
json_t *json_of_bytes(const uint8_t *data, size_t size);
json_t *json_of_u64(uint64_t value);

#endif
