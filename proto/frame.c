#include "proto/frame.h"

#include "proto/bytes.h"
#include "proto/limits.h"
#include "proto/peer.pb-c.h"

#define KIB 1024u

static const uint32_t body_size_max[] = {
    [XUELIAN__PEER_TYPE__PEER_TYPE_HELLO] = KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE] = 160 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_VOTE] = KIB / 2,
    [XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE] = 16 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW] = KIB * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_STATUS] = KIB / 4,
    [XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED] = 8 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST] = KIB / 4,
    [XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER] = 256 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST] = 160 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_BODIES] = LIMIT_FRAME_SIZE_MAX,
    [XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST] = KIB / 4,
    [XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS] = LIMIT_FRAME_SIZE_MAX,
    [XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS] = KIB * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_EVIDENCE] = 1280 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_REQUEST] = 8 * KIB,
    [XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_ANSWER] = KIB * KIB,
};

uint32_t frame_body_size_max(uint8_t type)
{
    return type < sizeof body_size_max / sizeof body_size_max[0] ? body_size_max[type] : 0;
}

void frame_header_put(uint8_t out[FRAME_HEADER_SIZE], uint8_t type, uint32_t body_size)
{
    be32_put(out, body_size + 1);
    out[4] = type;
}

enum status frame_header_get(const uint8_t in[FRAME_HEADER_SIZE], uint8_t *type,
                             uint32_t *body_size)
{
    uint32_t size = be32_get(in);
    uint32_t size_max = frame_body_size_max(in[4]);
    if (size == 0 || size_max == 0) {
        return ST_BAD_ENCODING;
    }
    if (size - 1 > size_max) {
        return ST_BAD_SIZE;
    }
    *type = in[4];
    *body_size = size - 1;
    return ST_OK;
}
