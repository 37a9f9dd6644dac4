/* Between protobuf-c's byte fields and fixed-size types. For the layers' own decoders. */
#ifndef XUELIAN_PROTO_CONVERT_H
#define XUELIAN_PROTO_CONVERT_H

#include <protobuf-c/protobuf-c.h>
#include <string.h>

#include "proto/types.h"

/* Copies a field of exactly `size` bytes. Returns false, out untouched, for any other size. */
static inline bool field_copy(void *out, size_t size, const ProtobufCBinaryData *field)
{
    if (field->len != size) {
        return false;
    }
    memcpy(out, field->data, size);
    return true;
}

/* A field that borrows; protobuf-c's type is not const, packing does not write. */
static inline ProtobufCBinaryData field_borrow(const void *data, size_t size)
{
    union {
        const void *in;
        uint8_t *out;
    } pointer = {.in = data};
    return (ProtobufCBinaryData){.len = size, .data = pointer.out};
}

static inline struct bytes field_bytes(const ProtobufCBinaryData *field)
{
    return (struct bytes){.data = field->len == 0 ? NULL : field->data, .size = field->len};
}

#endif
