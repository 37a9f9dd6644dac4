/* The strict canonical codec: protobuf bytes with exactly one form (docs/protocol.md section 1).
 *
 * Refused: fields out of ascending order or repeated when singular; fields unknown to the schema;
 * defaults written out (zero numbers, empty bytes and strings, empty submessages where singular);
 * overlong varints; values outside 32 bits or bool for such fields; unpacked repeated scalars or empty
 * packed ones; unknown enum values; invalid UTF-8 in strings; groups; nesting beyond
 * LIMIT_DECODE_DEPTH_MAX; trailing bytes. The walker runs before protobuf-c, which crashes on deep
 * nesting and forgives most of the above. Iterative, no recursion. */
#ifndef XUELIAN_PROTO_CANONICAL_H
#define XUELIAN_PROTO_CANONICAL_H

#include <protobuf-c/protobuf-c.h>

#include "proto/arena.h"
#include "proto/status.h"

/* Says whether bytes are the canonical form of a message of this schema. Pure; cost one pass.
 * Returns  ST_OK; ST_BAD_ENCODING; ST_TRUNCATED; ST_TOO_DEEP. */
enum status canonical_check(const ProtobufCMessageDescriptor *schema, struct bytes bytes);

/* The same, and no more than fields_max fields and elements in all, those of nested messages included: so
 * many of them would be more memory than their bytes. ST_TOO_DEEP past it. */
enum status canonical_check_fields(const ProtobufCMessageDescriptor *schema, struct bytes bytes,
                                   uint32_t fields_max);

/* Checks, then unpacks into the arena. Byte fields are copied into the arena.
 * Returns  as canonical_check; ST_NO_MEMORY when the arena is too small: beside the message and its bytes, protobuf-c
 *          takes 32 bytes for each field and element of a message that has more than 16 of them set, in steps: 1 KiB
 *          up to 48, 3 KiB up to 112, and so on. Rooms are for messages with everything set.
 * Out  *message  lives as long as the arena's memory; never protobuf_c_message_free_unpacked. */
enum status canonical_decode(ProtobufCMessage **message, const ProtobufCMessageDescriptor *schema,
                             struct bytes bytes, struct arena *arena);

/* Canonical size and bytes of a message. A singular submessage pointer must be NULL when it is empty
 * and enum values known; packing what breaks this is a bug (CHECK).
 * Out  out  canonical_size(message) bytes.  Returns the number written. */
size_t canonical_size(const ProtobufCMessage *message);
size_t canonical_encode(uint8_t *out, const ProtobufCMessage *message);

#endif
