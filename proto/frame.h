/* Peer frames: size (4 bytes, big-endian, of what follows), type (1 byte, PeerType), body. */
#ifndef XUELIAN_PROTO_FRAME_H
#define XUELIAN_PROTO_FRAME_H

#include "proto/status.h"
#include "proto/types.h"

#define FRAME_HEADER_SIZE 5u

/* Largest body allowed for a type; 0 for a type that does not exist. */
uint32_t frame_body_size_max(uint8_t type);

void frame_header_put(uint8_t out[FRAME_HEADER_SIZE], uint8_t type, uint32_t body_size);

/* Reads a header. Returns ST_OK; ST_BAD_ENCODING (unknown type or zero size); ST_BAD_SIZE (past the
 * type's limit). Out: *type, *body_size. */
enum status frame_header_get(const uint8_t in[FRAME_HEADER_SIZE], uint8_t *type,
                             uint32_t *body_size);

#endif
