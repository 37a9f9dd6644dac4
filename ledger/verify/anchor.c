#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/quorum.h"

enum { PHASE_COMMIT = 2, PHASE_MAX = 2 };

/* ---- the two messages that the verifier writes: what it hashes but is not given ---- */

#define SIGNED_SIZE_MAX 128u

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t size = 0;
    while (value >= 0x80) {
        out[size++] = (uint8_t)(value | 0x80u);
        value >>= 7;
    }
    out[size++] = (uint8_t)value;
    return size;
}

size_t put_u64(uint8_t *out, uint32_t field, uint64_t value)
{
    if (value == 0) {
        return 0;
    }
    out[0] = (uint8_t)(field << 3);
    return 1 + put_varint(out + 1, value);
}

size_t put_head(uint8_t *out, uint32_t field, size_t size)
{
    out[0] = (uint8_t)(field << 3 | 2u);
    return 1 + put_varint(out + 1, size);
}

size_t put_bytes(uint8_t *out, uint32_t field, const void *data, size_t size)
{
    size_t at = put_head(out, field, size);
    memcpy(out + at, data, size);
    return at + size;
}

/* Canonical ValidatorSet of the set derived from genesis; later ones come as bytes. */
void set_hash(struct hash32 *out, const struct validator_set *set)
{
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    size_t size = put_u64(bytes, 1, set->era);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *validator = &set->validators[i];
        uint8_t inner[SIGNED_SIZE_MAX];
        size_t inner_size = put_bytes(inner, 1, &validator->key, sizeof validator->key);
        inner_size += put_u64(inner + inner_size, 2, validator->member);
        inner_size += put_u64(inner + inner_size, 3, validator->joined);
        inner_size += put_u64(inner + inner_size, 4, validator->incarnation);
        size += put_bytes(bytes + size, 2, inner, inner_size);
    }
    hash_tagged(out, TAG_VALIDATORS, bytes, size);
}

/* What a COMMIT signature covers: canonical VoteBody. */
static void commit_hash(struct hash32 *out, const struct verifier *v, uint64_t era, uint64_t view,
                        uint64_t height, const struct hash32 *header_hash)
{
    uint8_t bytes[SIGNED_SIZE_MAX];
    size_t size = put_bytes(bytes, 1, &v->chain_id, sizeof v->chain_id);
    size += put_u64(bytes + size, 2, era);
    size += put_u64(bytes + size, 3, view);
    size += put_u64(bytes + size, 4, height);
    size += put_bytes(bytes + size, 5, header_hash, sizeof *header_hash);
    hash_tagged(out, TAG_SIGN_COMMIT, bytes, size);
}

/* ---- headers and certificates ---- */

struct certificate_view {
    uint32_t phase;
    uint64_t view;
    uint64_t height;
    struct hash32 header_hash;
    struct bytes signers;
    struct bytes signatures;
};

enum verify_fault header_read(struct verifier *v, struct bytes bytes, struct header *header)
{
    struct reader reader;
    reader_init(&reader, bytes);
    header->version = reader_u32(&reader, 1);
    header->suite = reader_u32(&reader, 2);
    reader_fixed(&reader, 3, &header->chain_id, 32);
    header->height = reader_u64(&reader, 4);
    header->time_ms = reader_u64(&reader, 5);
    reader_fixed(&reader, 6, &header->parent_hash, 32);
    reader_fixed(&reader, 7, &header->tx_root, 32);
    header->tx_count = reader_u64(&reader, 8);
    reader_fixed(&reader, 9, &header->result_root, 32);
    reader_fixed(&reader, 10, &header->state_root, 32);
    reader_fixed(&reader, 11, &header->history_root, 32);
    reader_fixed(&reader, 12, &header->validators_hash, 32);
    reader_fixed(&reader, 13, &header->next_validators_hash, 32);
    reader_fixed(&reader, 14, &header->params_hash, 32);
    if (bytes.size > LIMIT_HEADER_SIZE_MAX) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (header->version != PROTOCOL_VERSION || header->suite != PROTOCOL_SUITE) {
        return VERIFY_FAULT_PROOF_VERSION;
    }
    return hash32_equal(&header->chain_id, &v->chain_id) ? VERIFY_FAULT_NONE
                                                         : VERIFY_FAULT_WRONG_CHAIN;
}

static enum verify_fault certificate_read(struct verifier *v, struct bytes bytes,
                                          struct certificate_view *out)
{
    struct reader reader;
    reader_init(&reader, bytes);
    out->phase = reader_enum(&reader, 1, PHASE_MAX);
    out->view = reader_u64(&reader, 2);
    out->height = reader_u64(&reader, 3);
    reader_fixed(&reader, 4, &out->header_hash, 32);
    out->signers = reader_bytes(&reader, 5);
    out->signatures = reader_bytes(&reader, 6);
    return proof_end(v, &reader);
}

static bool bit(struct bytes bitmap, uint32_t index)
{
    return (bitmap.data[index / 8] >> (index % 8) & 1) != 0;
}

/* The bitmap has exactly the set's bits, spare ones zero, and a quorum of them is set. The number of
 * validators is that of the set derived from genesis; the proof has no say in it. */
static enum verify_fault signers_check(const struct validator_set *set,
                                       const struct certificate_view *certificate)
{
    uint32_t count = 0;
    if (certificate->signers.size != (set->count + 7) / 8) {
        return VERIFY_FAULT_CERTIFICATE_BITMAP;
    }
    for (uint32_t i = 0; i < certificate->signers.size * 8; i++) {
        if (bit(certificate->signers, i)) {
            if (i >= set->count) {
                return VERIFY_FAULT_CERTIFICATE_BITMAP;
            }
            count++;
        }
    }
    if (count != quorum_size(set->count) ||
        certificate->signatures.size != count * sizeof(struct sig64)) {
        return VERIFY_FAULT_CERTIFICATE_QUORUM;
    }
    return VERIFY_FAULT_NONE;
}

/* Names each signer in the result; that of the last header checked stays. */
static enum verify_fault signatures_check(struct verifier *v, const struct header *header,
                                          const struct certificate_view *certificate)
{
    const struct sig64 *signature = (const struct sig64 *)certificate->signatures.data;
    struct verify_result *result = v->result;
    struct hash32 hash;
    commit_hash(&hash, v, v->set.era, certificate->view, header->height, &certificate->header_hash);
    result->set_size = v->set.count;
    result->signer_count = 0;
    for (uint32_t i = 0; i < v->set.count; i++) {
        const struct validator *validator = &v->set.validators[i];
        if (!bit(certificate->signers, i)) {
            continue;
        }
        struct verify_signer *signer = &result->signers[result->signer_count];
        signer->member = validator->member;
        signer->name = member_name(v, validator->member);
        if (!sign_verify(&validator->key, &hash, &signature[result->signer_count])) {
            result->fault_name = signer->name.en;
            return fault_at(v, VERIFY_FAULT_CERTIFICATE_SIGNATURE, validator->member);
        }
        result->signer_count++;
    }
    return VERIFY_FAULT_NONE;
}

enum verify_fault certified_check(struct verifier *v, struct bytes header_bytes,
                                  struct bytes certificate_bytes, struct header *header)
{
    struct certificate_view certificate;
    struct hash32 hash;
    enum verify_fault fault = header_read(v, header_bytes, header);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(&v->result->header_hash, TAG_HEADER, header_bytes.data, header_bytes.size);
    if (certificate_bytes.size == 0) {
        return fault_at(v, VERIFY_FAULT_CERTIFICATE_MISSING, header->height);
    }
    fault = certificate_read(v, certificate_bytes, &certificate);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    set_hash(&hash, &v->set);
    if (!hash32_equal(&hash, &header->validators_hash)) {
        bool retired = v->result->from_history && header->height < v->set.era;
        return fault_at(v, retired ? VERIFY_FAULT_SET_RETIRED : VERIFY_FAULT_SET_UNKNOWN,
                        header->height);
    }
    if (header->height < v->set.era) {
        return fault_at(v, VERIFY_FAULT_SET_ORDER, header->height);
    }
    if (certificate.phase != PHASE_COMMIT) {
        return fault_at(v, VERIFY_FAULT_CERTIFICATE_PHASE, header->height);
    }
    if (certificate.height != header->height ||
        !hash32_equal(&certificate.header_hash, &v->result->header_hash)) {
        return fault_at(v, VERIFY_FAULT_CERTIFICATE_BLOCK, header->height);
    }
    fault = signers_check(&v->set, &certificate);
    if (fault != VERIFY_FAULT_NONE) {
        return fault_at(v, fault, header->height);
    }
    return signatures_check(v, header, &certificate);
}

/* ---- changes of the set ---- */

/* Reads one validator and appends it: strictly ascending by (joined, key), keys distinct. */
static bool validator_read(struct bytes message, struct validator_set *set)
{
    struct reader reader;
    struct validator made;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &made.key, sizeof made.key);
    made.member = reader_u32(&reader, 2);
    made.joined = reader_u64(&reader, 3);
    made.incarnation = reader_u64(&reader, 4);
    if (!reader_end(&reader) || set->count == LIMIT_VALIDATORS_MAX || !sign_key_valid(&made.key)) {
        return false;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *other = &set->validators[i];
        int order = pubkey33_compare(&other->key, &made.key);
        if (order == 0 || other->joined > made.joined ||
            (other->joined == made.joined && order > 0)) {
            return false;
        }
    }
    set->validators[set->count++] = made;
    return true;
}

bool set_read(struct verifier *v, struct bytes bytes, uint64_t era)
{
    struct reader reader;
    struct bytes message;
    reader_init(&reader, bytes);
    v->set.era = reader_u64(&reader, 1);
    v->set.count = 0;
    while (reader_next(&reader, 2, &message)) {
        if (!validator_read(message, &v->set)) {
            reader_refuse(&reader);
        }
    }
    return reader_end(&reader) && v->set.count > 0 && v->set.era == era;
}

static enum verify_fault next_set_read(struct verifier *v, struct bytes bytes,
                                       const struct header *header)
{
    struct hash32 hash;
    hash_tagged(&hash, TAG_VALIDATORS, bytes.data, bytes.size);
    if (!hash32_equal(&hash, &header->next_validators_hash) ||
        !set_read(v, bytes, header->height + 1)) {
        return fault_at(v, VERIFY_FAULT_SET_CHANGE, header->height);
    }
    v->set_base = v->result->header_hash;
    return VERIFY_FAULT_NONE;
}

static enum verify_fault set_change_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct header header;
    reader_init(&reader, message);
    struct bytes header_bytes = reader_bytes(&reader, 1);
    struct bytes certificate = reader_bytes(&reader, 2);
    struct bytes next_set = reader_bytes(&reader, 3);
    struct bytes recovery = reader_bytes(&reader, 4);
    if (next_set.size > 0 && recovery.size > 0) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    v->result->set_changes++;
    if (recovery.size > 0) {
        return recovery_check(v, header_bytes, certificate, recovery);
    }
    fault = certified_check(v, header_bytes, certificate, &header);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    /* A header below the era of its set is refused above: heights ascend from change to change. */
    return next_set_read(v, next_set, &header);
}

/* With a history file: what the sets before its newest sign does not count, for nobody guards the keys of validators
 * that have left; and its own header stands. */
static enum verify_fault known_check(struct verifier *v)
{
    const struct verify_result *result = v->result;
    if (v->known.count == 0) {
        return VERIFY_FAULT_NONE;
    }
    if (!v->passed) {
        return fault_at(
            v, v->set.era < v->known.era ? VERIFY_FAULT_SET_RETIRED : VERIFY_FAULT_CONFLICT,
            result->height);
    }
    if (result->height == v->known_height &&
        !hash32_equal(&result->header_hash, &v->known_header)) {
        return fault_at(v, VERIFY_FAULT_CONFLICT, result->height);
    }
    return result->kind == VERIFY_SET_HISTORY && result->height < v->known_height
               ? fault_at(v, VERIFY_FAULT_OLD, v->known_height)
               : VERIFY_FAULT_NONE;
}

/* Another set is derived. Whether it is the one asked for, or the newest of the history file. After it nothing ends its era at or before the
 * header of the history, which it certified or was named by. */
static enum verify_fault set_pass(struct verifier *v)
{
    struct hash32 hash;
    if (v->set.era == v->wanted_era) {
        v->era_set = v->set;
    }
    if (v->known.count == 0) {
        return VERIFY_FAULT_NONE;
    }
    if (v->passed && v->set.era < v->known_height + 2) {
        return fault_at(v, VERIFY_FAULT_CONFLICT, v->known_height);
    }
    set_hash(&hash, &v->set);
    v->passed = v->passed || hash32_equal(&hash, &v->known_hash);
    return VERIFY_FAULT_NONE;
}

enum verify_fault anchor_check(struct verifier *v, struct bytes anchor)
{
    struct reader reader;
    struct bytes change;
    reader_init(&reader, anchor);
    struct bytes header = reader_bytes(&reader, 1);
    struct bytes certificate = reader_bytes(&reader, 2);
    if (v->known.count > 0 && !reader_has(&reader, 3)) {
        v->set = v->known;
        v->result->from_history = true;
    } else {
        v->result->recovery_count = 0; /* those of the history are on this way too */
    }
    (void)set_pass(v);
    while (reader_next(&reader, 3, &change)) {
        if (v->result->set_changes == LIMIT_SET_CHANGES_MAX) {
            reader_refuse(&reader);
            break;
        }
        enum verify_fault fault = set_change_check(v, change);
        if (fault == VERIFY_FAULT_NONE) {
            fault = set_pass(v);
        }
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE) {
        fault = certified_check(v, header, certificate, &v->header);
    }
    if (fault == VERIFY_FAULT_NONE) {
        v->result->height = v->header.height;
        v->result->time_ms = v->header.time_ms;
        fault = known_check(v);
    }
    return fault;
}

enum verify_fault set_history_check(struct verifier *v, struct bytes message)
{
    struct verify_result *result = v->result;
    struct reader reader;
    struct hash32 hash;
    reader_init(&reader, message);
    struct bytes set = reader_bytes(&reader, 1);
    enum verify_fault fault = proof_end(v, &reader);
    hash_tagged(&hash, TAG_VALIDATORS, set.data, set.size);
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&hash, &v->header.next_validators_hash)) {
        fault = fault_at(v, VERIFY_FAULT_SET_CHANGE, result->height);
    }
    /* The set that certified this header goes on, or the header names another. */
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&hash, &v->header.validators_hash)) {
        fault = next_set_read(v, set, &v->header);
    }
    result->era = v->set.era;
    result->validator_count = v->set.count;
    for (uint32_t i = 0; i < v->set.count; i++) {
        result->validators[i].member = v->set.validators[i].member;
        result->validators[i].name = member_name(v, v->set.validators[i].member);
    }
    return fault;
}
