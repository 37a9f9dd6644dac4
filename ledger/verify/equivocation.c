/* Two signatures of one validator that no honest one gives: the evidence that a transaction of kind 77 records. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum { PHASE_COMMIT = 3, PHASE_MAX = 3, BODY_SIZE_MAX = 160 };

struct vote_view {
    uint32_t phase;
    uint64_t view;
    uint64_t height;
    struct hash32 hash;
    struct sig64 signature;
};

struct change_view {
    uint64_t new_view;
    uint64_t committed_height;
    struct hash32 committed_hash;
    struct bytes certificate;
    struct sig64 signature;
};

static enum verify_fault vote_read(struct verifier *v, struct bytes message, struct vote_view *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->phase = reader_enum(&reader, 1, PHASE_MAX);
    out->view = reader_u64(&reader, 2);
    out->height = reader_u64(&reader, 3);
    reader_fixed(&reader, 4, &out->hash, sizeof out->hash);
    reader_fixed(&reader, 5, &out->signature, sizeof out->signature);
    return message.size == 0 ? VERIFY_FAULT_NONE : proof_end(v, &reader);
}

static enum verify_fault change_read(struct verifier *v, struct bytes message,
                                     struct change_view *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->new_view = reader_u64(&reader, 1);
    out->committed_height = reader_u64(&reader, 2);
    reader_fixed(&reader, 3, &out->committed_hash, sizeof out->committed_hash);
    out->certificate = reader_bytes(&reader, 4);
    reader_fixed(&reader, 5, &out->signature, sizeof out->signature);
    return message.size == 0 ? VERIFY_FAULT_NONE : proof_end(v, &reader);
}

/* Chain and era, with which every signed body begins. */
static size_t body_begin(const struct verifier *v, uint8_t *bytes)
{
    size_t size = put_bytes(bytes, 1, &v->chain_id, sizeof v->chain_id);
    return size + put_u64(bytes + size, 2, v->wanted_era);
}

static bool vote_signed(struct verifier *v, const struct vote_view *vote)
{
    static const enum hash_tag tags[] = {TAG_SIGN_PRE_PREPARE, TAG_SIGN_PRE_PREPARE,
                                         TAG_SIGN_PREPARE, TAG_SIGN_COMMIT};
    uint8_t bytes[BODY_SIZE_MAX];
    struct hash32 hash;
    size_t size = body_begin(v, bytes);
    size += put_u64(bytes + size, 3, vote->view);
    size += put_u64(bytes + size, 4, vote->height);
    size += put_bytes(bytes + size, 5, &vote->hash, sizeof vote->hash);
    hash_tagged(&hash, tags[vote->phase], bytes, size);
    return sign_verify(&v->result->offence.key, &hash, &vote->signature);
}

static bool change_signed(struct verifier *v, const struct change_view *change)
{
    uint8_t bytes[BODY_SIZE_MAX];
    struct hash32 hash;
    size_t size = body_begin(v, bytes);
    size += put_u64(bytes + size, 3, change->new_view);
    size += put_u64(bytes + size, 4, change->committed_height);
    size += put_bytes(bytes + size, 5, &change->committed_hash, sizeof change->committed_hash);
    if (change->certificate.size > 0) {
        hash_tagged(&hash, TAG_CERTIFICATE, change->certificate.data, change->certificate.size);
        size += put_bytes(bytes + size, 6, &hash, sizeof hash);
    }
    hash_tagged(&hash, TAG_SIGN_VIEW_CHANGE, bytes, size);
    return sign_verify(&v->result->offence.key, &hash, &change->signature);
}

static enum verify_fault votes_check(struct verifier *v, const struct vote_view votes[2])
{
    struct verify_offence *offence = &v->result->offence;
    offence->what = (enum verify_offences)votes[0].phase;
    offence->view = votes[0].view;
    offence->height = votes[0].height;
    offence->hashes[0] = votes[0].hash;
    offence->hashes[1] = votes[1].hash;
    if (votes[0].phase == 0 || votes[0].phase != votes[1].phase || votes[0].view != votes[1].view ||
        votes[0].height != votes[1].height ||
        memcmp(&votes[0].hash, &votes[1].hash, sizeof votes[0].hash) == 0) {
        return VERIFY_FAULT_EVIDENCE;
    }
    return vote_signed(v, &votes[0]) && vote_signed(v, &votes[1]) ? VERIFY_FAULT_NONE
                                                                  : VERIFY_FAULT_EVIDENCE_SIGNATURE;
}

static enum verify_fault changes_check(struct verifier *v, const struct change_view changes[2])
{
    struct verify_offence *offence = &v->result->offence;
    const struct change_view *a = &changes[0];
    const struct change_view *b = &changes[1];
    offence->what = VERIFY_OFFENCE_VIEW_CHANGES;
    offence->view = a->new_view;
    bool same = a->committed_height == b->committed_height &&
                memcmp(&a->committed_hash, &b->committed_hash, 32) == 0 &&
                bytes_equal(a->certificate, b->certificate);
    if (a->new_view != b->new_view || same) {
        return VERIFY_FAULT_EVIDENCE;
    }
    return change_signed(v, a) && change_signed(v, b) ? VERIFY_FAULT_NONE
                                                      : VERIFY_FAULT_EVIDENCE_SIGNATURE;
}

/* Whether a view change brings a certificate of the height, of the view or above: then it hides nothing. One that is
 * no certificate makes it void, which nobody counts. */
static bool carries(const struct change_view *change, uint64_t height, uint64_t view)
{
    struct reader reader;
    if (change->certificate.size == 0) {
        return false;
    }
    reader_init(&reader, change->certificate);
    (void)reader_enum(&reader, 1, 2);
    bool of_view = reader_u64(&reader, 2) >= view;
    bool of_height = reader_u64(&reader, 3) == height;
    for (uint32_t field = 4; field <= 6; field++) {
        (void)reader_bytes(&reader, field);
    }
    return !reader_end(&reader) || (of_height && of_view);
}

static enum verify_fault forgotten_check(struct verifier *v, const struct vote_view *vote,
                                         const struct change_view *change)
{
    struct verify_offence *offence = &v->result->offence;
    offence->what = VERIFY_OFFENCE_COMMIT_FORGOTTEN;
    offence->view = vote->view;
    offence->height = vote->height;
    offence->hashes[0] = vote->hash;
    if (vote->phase != PHASE_COMMIT || change->new_view <= vote->view ||
        change->committed_height >= vote->height || carries(change, vote->height, vote->view)) {
        return VERIFY_FAULT_EVIDENCE;
    }
    return vote_signed(v, vote) && change_signed(v, change) ? VERIFY_FAULT_NONE
                                                            : VERIFY_FAULT_EVIDENCE_SIGNATURE;
}

/* The validator of the key in the set of that era, which the anchor's way from genesis has passed. */
static enum verify_fault validator_find(struct verifier *v)
{
    struct verify_offence *offence = &v->result->offence;
    for (uint32_t i = 0; v->era_set.era == v->wanted_era && i < v->era_set.count; i++) {
        const struct validator *validator = &v->era_set.validators[i];
        if (pubkey33_compare(&validator->key, &offence->key) == 0) {
            offence->member = validator->member;
            offence->name = member_name(v, validator->member);
            return VERIFY_FAULT_NONE;
        }
    }
    return fault_at(v, VERIFY_FAULT_EVIDENCE_SET, v->wanted_era);
}

uint64_t equivocation_era(struct bytes proof)
{
    struct reader reader;
    reader_init(&reader, proof);
    (void)reader_u32(&reader, 1);
    bool is = reader_u32(&reader, 2) == VERIFY_EQUIVOCATION;
    (void)reader_bytes(&reader, 3);
    (void)reader_bytes(&reader, 4);
    struct bytes message = reader_bytes(&reader, 4 + VERIFY_EQUIVOCATION);
    reader_init(&reader, message);
    message = reader_bytes(&reader, 1);
    reader_init(&reader, message);
    return is ? reader_u64(&reader, 1) : 0;
}

enum verify_fault equivocation_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct vote_view votes[2];
    struct change_view changes[2];
    struct bytes parts[4];
    reader_init(&reader, message);
    struct bytes evidence = reader_bytes(&reader, 1);
    enum verify_fault fault = proof_end(v, &reader);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    reader_init(&reader, evidence);
    v->result->offence.era = reader_u64(&reader, 1);
    reader_fixed(&reader, 2, &v->result->offence.key, sizeof v->result->offence.key);
    for (uint32_t i = 0; i < 4; i++) {
        parts[i] = reader_bytes(&reader, 3 + i);
    }
    fault = proof_end(v, &reader);
    for (uint32_t i = 0; i < 2 && fault == VERIFY_FAULT_NONE; i++) {
        fault = vote_read(v, parts[i], &votes[i]);
        fault = fault == VERIFY_FAULT_NONE ? change_read(v, parts[2 + i], &changes[i]) : fault;
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = validator_find(v);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    uint32_t shape = (parts[0].size > 0 ? 1u : 0) | (parts[1].size > 0 ? 2u : 0) |
                     (parts[2].size > 0 ? 4u : 0) | (parts[3].size > 0 ? 8u : 0);
    return shape == 3    ? votes_check(v, votes)
           : shape == 12 ? changes_check(v, changes)
           : shape == 5  ? forgotten_check(v, &votes[0], &changes[0])
                         : VERIFY_FAULT_EVIDENCE;
}
