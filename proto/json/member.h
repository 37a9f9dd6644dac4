/* What reading and writing share. Private to proto/json. */
#ifndef XUELIAN_PROTO_JSON_MEMBER_H
#define XUELIAN_PROTO_JSON_MEMBER_H

#include <protobuf-c/protobuf-c.h>

/* Bytes that one value of a type takes in a message's struct, or in the array of a repeated field. */
size_t json_member_size(ProtobufCType type);

#endif
