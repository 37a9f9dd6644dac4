#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

/* ---- the keys, as genesis names them ---- */

static struct bytes key_open(struct bytes message, struct pubkey33 *key, bool *good)
{
    struct reader reader;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, key, sizeof *key);
    struct bytes holder = reader_text(&reader, 2, LIMIT_NAME_SIZE_MAX);
    *good = reader_end(&reader) && sign_key_valid(key);
    return holder;
}

bool recovery_key_read(struct verifier *v, uint32_t index, struct bytes message)
{
    struct pubkey33 key;
    struct pubkey33 before;
    bool good = index < LIMIT_RECOVERY_KEYS_MAX;
    if (!good) {
        return false;
    }
    v->recovery_keys[index] = message;
    if (index > 0) {
        (void)key_open(v->recovery_keys[index - 1], &before, &good);
    }
    v->result->recovery_holders[index] = key_open(message, &key, &good);
    v->result->recovery_keys = index + 1;
    return good && (index == 0 || pubkey33_compare(&before, &key) < 0);
}

/* ---- one recovery ---- */

struct recovery_body {
    struct hash32 chain_id;
    uint64_t height;
    struct hash32 header_hash;
    struct bytes next_set;
    struct bytes reason;
};

static void node_read(struct reader *body, struct bytes message)
{
    struct reader reader;
    struct pubkey33 key;
    struct bytes address;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &key, sizeof key);
    while (reader_next(&reader, 2, &address)) {
        if (!utf8_valid(address)) {
            reader_refuse(&reader);
        }
    }
    if (!reader_end(&reader)) {
        reader_refuse(body);
    }
}

static enum verify_fault body_read(struct verifier *v, struct bytes bytes,
                                   struct recovery_body *body)
{
    struct reader reader;
    struct bytes node;
    reader_init(&reader, bytes);
    reader_fixed(&reader, 1, &body->chain_id, 32);
    body->height = reader_u64(&reader, 2);
    reader_fixed(&reader, 3, &body->header_hash, 32);
    body->next_set = reader_bytes(&reader, 4);
    while (reader_next(&reader, 5, &node)) {
        node_read(&reader, node);
    }
    body->reason = reader_text(&reader, 6, LIMIT_RECOVERY_REASON_MAX);
    return proof_end(v, &reader);
}

/* The header that it goes on from: certified by the set so far; or, where that set has certified none yet, the last
 * one before its era, which names the set as the next. */
static enum verify_fault base_check(struct verifier *v, struct bytes header_bytes,
                                    struct bytes certificate, struct header *header)
{
    static const struct hash32 zeros;
    struct hash32 hash;
    if (certificate.size > 0) {
        return certified_check(v, header_bytes, certificate, header);
    }
    enum verify_fault fault = header_read(v, header_bytes, header);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(&v->result->header_hash, TAG_HEADER, header_bytes.data, header_bytes.size);
    set_hash(&hash, &v->set);
    if (header->height + 1 != v->set.era || !hash32_equal(&header->next_validators_hash, &hash) ||
        (!hash32_equal(&v->set_base, &zeros) &&
         !hash32_equal(&v->set_base, &v->result->header_hash))) {
        return fault_at(v, VERIFY_FAULT_CERTIFICATE_MISSING, header->height);
    }
    return VERIFY_FAULT_NONE;
}

/* Strictly ascending, so that no key counts twice. */
static enum verify_fault signature_check(struct verifier *v, struct bytes message,
                                         const struct hash32 *hash, uint32_t *last, bool *good)
{
    struct reader reader;
    struct sig64 signature;
    struct pubkey33 key;
    reader_init(&reader, message);
    uint32_t number = reader_u32(&reader, 1);
    reader_fixed(&reader, 2, &signature, sizeof signature);
    enum verify_fault fault = proof_end(v, &reader);
    *good = number > *last && number <= v->result->recovery_keys;
    if (fault == VERIFY_FAULT_NONE && *good) {
        *last = number;
        (void)key_open(v->recovery_keys[number - 1], &key, good);
        if (!sign_verify(&key, hash, &signature)) {
            fault = VERIFY_FAULT_RECOVERY_SIGNATURE;
        }
    }
    return fault;
}

static enum verify_fault signatures_check(struct verifier *v, struct reader *reader,
                                          const struct hash32 *hash, struct verify_recovery *out)
{
    struct bytes message;
    uint32_t last = 0;
    bool good = true;
    while (good && reader_next(reader, 2, &message)) {
        enum verify_fault fault = signature_check(v, message, hash, &last, &good);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        out->signers |= good ? UINT32_C(1) << (last - 1) : 0;
        out->signer_count += good;
    }
    if (good && !reader_end(reader)) {
        return proof_end(v, reader);
    }
    return good && out->signer_count >= v->result->recovery_threshold
               ? VERIFY_FAULT_NONE
               : VERIFY_FAULT_RECOVERY_SIGNATURES;
}

enum verify_fault recovery_check(struct verifier *v, struct bytes header_bytes,
                                 struct bytes certificate, struct bytes message)
{
    struct reader reader;
    struct recovery_body body;
    struct header header;
    struct hash32 hash;
    enum verify_fault fault = base_check(v, header_bytes, certificate, &header);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    reader_init(&reader, message);
    struct bytes bytes = reader_bytes(&reader, 1);
    fault = body_read(v, bytes, &body);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    struct verify_recovery *out = scratch_take(v, sizeof *out, _Alignof(struct verify_recovery));
    if (out == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    *out = (struct verify_recovery){.height = header.height + 1, .reason = body.reason};
    v->result->recoveries = v->result->recovery_count == 0 ? out : v->result->recoveries;
    v->result->recovery_count++;
    if (!hash32_equal(&body.chain_id, &v->chain_id)) {
        return VERIFY_FAULT_WRONG_CHAIN;
    }
    if (v->result->recovery_threshold == 0) {
        return fault_at(v, VERIFY_FAULT_RECOVERY_KEYS, out->height);
    }
    if (body.height != header.height || !hash32_equal(&body.header_hash, &v->result->header_hash)) {
        return fault_at(v, VERIFY_FAULT_RECOVERY_BASE, out->height);
    }
    /* Its own block, which has no certificate, ends the era before. */
    if (!set_read(v, body.next_set, header.height + 2)) {
        return fault_at(v, VERIFY_FAULT_RECOVERY_SET, out->height);
    }
    memset(&v->set_base, 0, sizeof v->set_base);
    hash_tagged(&hash, TAG_SIGN_RECOVERY, bytes.data, bytes.size);
    fault = signatures_check(v, &reader, &hash, out);
    return fault == VERIFY_FAULT_NONE ? fault : fault_at(v, fault, out->height);
}
