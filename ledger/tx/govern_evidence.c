/* 作恶证据: what no honest validator signs, recorded for anyone who brings it. Nothing follows from it by itself:
 * whether a validator is removed is for those who govern (consensus.md, Accountability). */
#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/evidence.h"
#include "ledger/tx/govern.h"
#include "ledger/view.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

/* Offences beyond two votes of one phase, which have the phase's number. */
enum { OFFENCE_TWO_VIEW_CHANGES = 10, OFFENCE_COMMIT_FORGOTTEN = 11 };

/* What makes two pieces of evidence the same. */
struct offence {
    uint8_t what;
    uint64_t view;
    uint64_t height; /* 0 of view changes */
};

struct accused {
    const struct hash32 *chain_id;
    uint64_t era;
    struct pubkey33 key;
};

static bool vote_signed(const struct accused *accused, const Xuelian__SignedVote *vote)
{
    enum hash_tag tag = TAG_SIGN_PRE_PREPARE;
    struct hash32 hash;
    struct hash32 named;
    struct sig64 signature;
    switch (vote->phase) {
    case XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PRE_PREPARE:
        tag = TAG_SIGN_PRE_PREPARE;
        break;
    case XUELIAN__SIGNED_PHASE__SIGNED_PHASE_PREPARE:
        tag = TAG_SIGN_PREPARE;
        break;
    case XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT:
        tag = TAG_SIGN_COMMIT;
        break;
    case XUELIAN__SIGNED_PHASE__SIGNED_PHASE_UNSPECIFIED:
    case _XUELIAN__SIGNED_PHASE_IS_INT_SIZE:
        return false;
    }
    CHECK(field_copy(&named, 32, &vote->hash)); /* sizes are checked by tx_item_form */
    CHECK(field_copy(&signature, 64, &vote->signature));
    vote_hash(&hash, tag, accused->chain_id, accused->era, vote->view, vote->height, &named);
    return sign_verify(&accused->key, &hash, &signature);
}

static bool change_signed(const struct accused *accused, const Xuelian__SignedViewChange *change)
{
    struct hash32 hash;
    struct hash32 committed;
    struct hash32 prepared;
    struct sig64 signature;
    struct bytes certificate = field_bytes(&change->prepared_certificate);
    CHECK(field_copy(&committed, 32, &change->committed_hash));
    CHECK(field_copy(&signature, 64, &change->signature));
    hash_tagged(&prepared, TAG_CERTIFICATE, certificate.data, certificate.size);
    view_change_hash(&hash, accused->chain_id, accused->era, change->new_view,
                     change->committed_height, &committed,
                     certificate.size != 0 ? &prepared : NULL);
    return sign_verify(&accused->key, &hash, &signature);
}

static bool two_votes(const struct accused *accused, const Xuelian__Evidence *evidence,
                      struct offence *offence)
{
    const Xuelian__SignedVote *a = evidence->first_vote;
    const Xuelian__SignedVote *b = evidence->second_vote;
    *offence = (struct offence){.what = (uint8_t)a->phase, .view = a->view, .height = a->height};
    return a->phase == b->phase && a->view == b->view && a->height == b->height &&
           memcmp(a->hash.data, b->hash.data, 32) != 0 && vote_signed(accused, a) &&
           vote_signed(accused, b);
}

static bool same_change(const Xuelian__SignedViewChange *a, const Xuelian__SignedViewChange *b)
{
    return a->committed_height == b->committed_height &&
           memcmp(a->committed_hash.data, b->committed_hash.data, 32) == 0 &&
           bytes_equal(field_bytes(&a->prepared_certificate),
                       field_bytes(&b->prepared_certificate));
}

static bool two_changes(const struct accused *accused, const Xuelian__Evidence *evidence,
                        struct offence *offence)
{
    const Xuelian__SignedViewChange *a = evidence->first_change;
    const Xuelian__SignedViewChange *b = evidence->second_change;
    *offence = (struct offence){.what = OFFENCE_TWO_VIEW_CHANGES, .view = a->new_view};
    return a->new_view == b->new_view && !same_change(a, b) && change_signed(accused, a) &&
           change_signed(accused, b);
}

/* Whether a view change carries a certificate for the height, of the view or above: then nothing is hidden. A
 * certificate that is none makes the view change void, which nobody counts. */
static bool carries(const Xuelian__SignedViewChange *change, uint64_t height, uint64_t view)
{
    uint64_t memory[(CERTIFICATE_SIZE_MAX + 1024) / 8];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    if (change->prepared_certificate.len == 0) {
        return false;
    }
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__certificate__descriptor,
                         field_bytes(&change->prepared_certificate), &arena) != ST_OK) {
        return true;
    }
    const Xuelian__Certificate *certificate = (const Xuelian__Certificate *)(const void *)message;
    return certificate->height == height && certificate->view >= view;
}

/* A COMMIT, and a view change for a higher view that is silent about it. */
static bool commit_forgotten(const struct accused *accused, const Xuelian__Evidence *evidence,
                             struct offence *offence)
{
    const Xuelian__SignedVote *vote = evidence->first_vote;
    const Xuelian__SignedViewChange *change = evidence->first_change;
    *offence = (struct offence){
        .what = OFFENCE_COMMIT_FORGOTTEN, .view = vote->view, .height = vote->height};
    return vote->phase == XUELIAN__SIGNED_PHASE__SIGNED_PHASE_COMMIT &&
           change->new_view > vote->view && change->committed_height < vote->height &&
           !carries(change, vote->height, vote->view) && vote_signed(accused, vote) &&
           change_signed(accused, change);
}

static bool offence_shown(const struct accused *accused, const Xuelian__Evidence *evidence,
                          struct offence *offence)
{
    bool votes[2] = {evidence->first_vote != NULL, evidence->second_vote != NULL};
    bool changes[2] = {evidence->first_change != NULL, evidence->second_change != NULL};
    if (votes[0] && votes[1] && !changes[0] && !changes[1]) {
        return two_votes(accused, evidence, offence);
    }
    if (changes[0] && changes[1] && !votes[0] && !votes[1]) {
        return two_changes(accused, evidence, offence);
    }
    return votes[0] && changes[0] && !votes[1] && !changes[1] &&
           commit_forgotten(accused, evidence, offence);
}

/* The set of an era, kept for as long as the state is. *there: false for an era that never was. */
static enum status era_set(struct state *state, uint64_t era, struct validator_set *set,
                           bool *there)
{
    struct state_key key = key_era(era);
    struct bytes value;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    *there = status == ST_OK;
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK && validator_set_decode(set, value) != ST_OK) {
        status = ST_CORRUPT;
    }
    return status;
}

static struct state_key offence_key(const struct accused *accused, const struct offence *offence)
{
    struct state_key key = key_of('X');
    uint8_t data[8 + 33 + 1 + 8 + 8];
    struct hash32 hash;
    be64_put(data, accused->era);
    memcpy(data + 8, accused->key.bytes, 33);
    data[41] = offence->what;
    be64_put(data + 42, offence->view);
    be64_put(data + 50, offence->height);
    hash_plain(&hash, data, sizeof data);
    key_add8(&key, 'e');
    key_add_hash(&key, &hash);
    return key;
}

bool evidence_index_key(struct bytes content, struct arena *arena, struct state_key *key)
{
    ProtobufCMessage *message = NULL;
    struct accused accused = {.chain_id = NULL};
    if (canonical_decode(&message, &xuelian__evidence__descriptor, content, arena) != ST_OK) {
        return false;
    }
    const Xuelian__Evidence *evidence = (const Xuelian__Evidence *)(const void *)message;
    const Xuelian__SignedVote *vote = evidence->first_vote;
    const Xuelian__SignedViewChange *change = evidence->first_change;
    struct offence offence = {.what = OFFENCE_TWO_VIEW_CHANGES};
    accused.era = evidence->era;
    if (!field_copy(&accused.key, 33, &evidence->key) || (vote == NULL && change == NULL)) {
        return false;
    }
    if (vote == NULL) {
        offence.view = change->new_view;
    } else {
        offence.what =
            (uint8_t)(change != NULL ? (uint32_t)OFFENCE_COMMIT_FORGOTTEN : (uint32_t)vote->phase);
        offence.view = vote->view;
        offence.height = vote->height;
    }
    *key = offence_key(&accused, &offence);
    return true;
}

static enum status record(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t member)
{
    Xuelian__GovernRecord wire = XUELIAN__GOVERN_RECORD__INIT;
    Xuelian__EvidenceRecord made = XUELIAN__EVIDENCE_RECORD__INIT;
    made.member = member;
    made.height = context->height;
    made.recorded_by = tx->signers[0].member;
    made.content = field_borrow(tx->payload.data, tx->payload.size);
    made.id = field_borrow(&tx->id, 32);
    wire.evidence = &made;
    uint8_t *bytes = malloc(canonical_size(&wire.base));
    CHECK(bytes != NULL);
    size_t size = canonical_encode(bytes, &wire.base);
    enum status status = state_put(state, XUELIAN__COLLECTION__COLLECTION_PROPOSALS,
                                   bytes_of(&tx->id, 32), bytes_of(bytes, size));
    free(bytes);
    return status;
}

TX_RULE(evidence_apply)
{
    const Xuelian__Evidence *evidence =
        (const Xuelian__Evidence *)(const void *)tx->messages[index];
    struct accused accused = {.chain_id = context->chain_id, .era = evidence->era};
    struct offence offence = {.what = 0};
    struct validator_set set;
    struct bytes known;
    bool there = false;
    CHECK(field_copy(&accused.key, 33, &evidence->key));
    if (tx->payload.size > LIMIT_CHANGES_SIZE_MAX) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = era_set(state, evidence->era, &set, &there);
    if (status != ST_OK) {
        return status;
    }
    int at = there ? validator_set_find(&set, &accused.key) : -1;
    if (at < 0 || !offence_shown(&accused, evidence, &offence)) {
        *code = ST_BAD_EVIDENCE;
        return ST_OK;
    }
    struct state_key key = offence_key(&accused, &offence);
    status = overlay_get(state_overlay(state), key_bytes(&key), &known);
    if (status != ST_NOT_FOUND) {
        *code = ST_EVIDENCE_KNOWN;
        return status;
    }
    status = record(state, context, tx, set.validators[at].member);
    if (status == ST_OK) {
        overlay_put(state_overlay(state), key_bytes(&key), bytes_of(tx->id.bytes, 32));
    }
    return status;
}

/* Reads the payload of somebody who asks: its fields may have any size. */
static bool payload_read(const struct ledger_view *view, const Xuelian__Evidence *evidence,
                         struct accused *accused, struct offence *offence)
{
    *accused = (struct accused){.chain_id = &view->header.chain_id, .era = evidence->era};
    return tx_item_form(&evidence->base) == ST_OK &&
           field_copy(&accused->key, 33, &evidence->key) &&
           offence_shown(accused, evidence, offence);
}

enum status ledger_view_evidence(const struct ledger_view *view, struct bytes payload,
                                 struct hash32 *tx_id)
{
    size_t room = payload.size * 3 + 65536;
    struct arena arena;
    struct accused accused;
    struct offence offence = {.what = 0};
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    void *memory = malloc(room);
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, room);
    bool shown =
        canonical_decode(&message, &xuelian__evidence__descriptor, payload, &arena) == ST_OK &&
        payload_read(view, (const Xuelian__Evidence *)(const void *)message, &accused, &offence);
    free(memory);
    if (!shown) {
        return ST_BAD_EVIDENCE;
    }
    struct state_key key = offence_key(&accused, &offence);
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(&key), &value, &size);
    if (status == ST_OK && size != 32) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        memcpy(tx_id->bytes, value, 32);
    }
    kv_free(value);
    return status;
}
