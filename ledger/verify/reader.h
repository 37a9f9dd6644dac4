/* A strict pull reader of canonical protobuf bytes, for the verifier alone: it needs no schema tables, no
 * allocation and no library. The caller asks for the fields of a message in ascending order; a field
 * that is absent gives its default; whatever the caller did not ask for (unknown, repeated, out of
 * order, after the end) makes reader_end fail. So each message has one accepted form, and the code that
 * reads it is its schema.
 *
 * Errors stick: after the first, every read gives the default and reader_end says false.
 * Pure. Any thread. Source: docs/protocol.md section 1. */
#ifndef XUELIAN_VERIFY_READER_H
#define XUELIAN_VERIFY_READER_H

#include "proto/types.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;              /* something was refused */
    bool cut;              /* because the bytes end too early */
    const uint8_t *bad_at; /* where; NULL in an empty message */
};

void reader_init(struct reader *reader, struct bytes message);

/* True when the next field has this number, whatever its wire type. */
bool reader_has(const struct reader *reader, uint32_t field);

/* Numbers. Refused: a default written out, an overlong varint, a value above max. */
uint64_t reader_u64(struct reader *reader, uint32_t field);
uint32_t reader_u32(struct reader *reader, uint32_t field);
uint32_t reader_enum(struct reader *reader, uint32_t field, uint32_t max);

/* Bytes or a submessage; size 0 when absent. Refused: an empty one written out. Borrows the message. */
struct bytes reader_bytes(struct reader *reader, uint32_t field);
/* The same, and UTF-8 of at most max bytes. */
struct bytes reader_text(struct reader *reader, uint32_t field, size_t max);
/* The same, and absent or exactly size bytes. */
struct bytes reader_optional(struct reader *reader, uint32_t field, size_t size);
/* Exactly size bytes, which must be there. Out: zeros on an error. */
void reader_fixed(struct reader *reader, uint32_t field, void *out, size_t size);

/* Packed numbers, ascending from 1 to max: how many. */
uint32_t reader_packed(struct reader *reader, uint32_t field, uint64_t max);

/* The next element of a repeated field of bytes or messages; false when there is none. */
bool reader_next(struct reader *reader, uint32_t field, struct bytes *element);

/* Marks an error that the caller found; `cut` when nothing is left to read. */
void reader_refuse(struct reader *reader);

/* True when nothing went wrong and nothing is left. */
bool reader_end(struct reader *reader);

/* Well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF) without a zero byte. */
bool utf8_valid(struct bytes text);

#endif
