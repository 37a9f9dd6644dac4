#include <string.h>

#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/quorum.h"

_Static_assert((int)VOTE_PREPARE == (int)XUELIAN__PHASE__PHASE_PREPARE,
               "phases have their wire numbers");
_Static_assert((int)VOTE_COMMIT == (int)XUELIAN__PHASE__PHASE_COMMIT,
               "phases have their wire numbers");

static size_t bitmap_size(uint32_t n)
{
    return (n + 7) / 8;
}

size_t certificate_encode(uint8_t *out, const struct certificate *certificate, uint32_t n)
{
    Xuelian__Certificate wire = XUELIAN__CERTIFICATE__INIT;
    uint8_t bitmap[LIMIT_VALIDATORS_MAX / 8] = {0};
    CHECK(n >= 1 && n <= LIMIT_VALIDATORS_MAX && certificate->count == quorum_size(n));
    for (uint32_t i = 0; i < certificate->count; i++) {
        uint8_t signer = certificate->signers[i];
        CHECK(signer < n && (i == 0 || certificate->signers[i - 1] < signer));
        bitmap[signer / 8] |= (uint8_t)(1u << (signer % 8));
    }
    wire.phase = (Xuelian__Phase)certificate->phase;
    wire.view = certificate->view;
    wire.height = certificate->height;
    wire.header_hash = field_borrow(&certificate->header_hash, 32);
    wire.signers = field_borrow(bitmap, bitmap_size(n));
    wire.signatures =
        field_borrow(certificate->signatures, certificate->count * sizeof(struct sig64));
    return canonical_encode(out, &wire.base);
}

/* Lists the signers of a bitmap; its order is the set's, so a signer cannot appear twice. */
static enum status signers_convert(struct certificate *made, const ProtobufCBinaryData *bitmap,
                                   uint32_t n)
{
    if (bitmap->len != bitmap_size(n)) {
        return ST_BAD_ENCODING;
    }
    made->count = 0;
    for (uint32_t i = 0; i < bitmap->len * 8; i++) {
        if ((bitmap->data[i / 8] >> (i % 8) & 1) == 0) {
            continue;
        }
        if (i >= n) {
            return ST_BAD_ENCODING;
        }
        made->signers[made->count++] = (uint8_t)i;
    }
    return made->count == quorum_size(n) ? ST_OK : ST_NO_QUORUM;
}

enum status certificate_decode(struct certificate *certificate, struct bytes bytes, uint32_t n)
{
    uint64_t memory[(CERTIFICATE_SIZE_MAX + 512) / 8];
    struct arena arena;
    ProtobufCMessage *message;
    struct certificate made;
    CHECK(n >= 1 && n <= LIMIT_VALIDATORS_MAX);
    if (bytes.size > CERTIFICATE_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    arena_init(&arena, memory, sizeof memory);
    enum status status =
        canonical_decode(&message, &xuelian__certificate__descriptor, bytes, &arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Certificate *wire = (const Xuelian__Certificate *)(const void *)message;
    status = signers_convert(&made, &wire->signers, n);
    if (status != ST_OK) {
        return status;
    }
    if ((wire->phase != XUELIAN__PHASE__PHASE_PREPARE &&
         wire->phase != XUELIAN__PHASE__PHASE_COMMIT) ||
        !field_copy(&made.header_hash, 32, &wire->header_hash) ||
        !field_copy(made.signatures, made.count * sizeof(struct sig64), &wire->signatures)) {
        return ST_BAD_ENCODING;
    }
    made.phase = (enum vote_phase)wire->phase;
    made.view = wire->view;
    made.height = wire->height;
    *certificate = made;
    return ST_OK;
}

enum status certificate_verify(const struct certificate *certificate, const struct hash32 *chain_id,
                               const struct validator_set *set)
{
    struct hash32 hash;
    if (certificate->count != quorum_size(set->count)) {
        return ST_BAD_CERTIFICATE;
    }
    vote_hash(&hash, certificate->phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              chain_id, set->era, certificate->view, certificate->height,
              &certificate->header_hash);
    for (uint32_t i = 0; i < certificate->count; i++) {
        uint8_t signer = certificate->signers[i];
        if (signer >= set->count ||
            !sign_verify(&set->validators[signer].key, &hash, &certificate->signatures[i])) {
            return ST_BAD_CERTIFICATE;
        }
    }
    return ST_OK;
}
