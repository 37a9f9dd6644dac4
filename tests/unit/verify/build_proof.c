#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/quorum.h"
#include "tests/unit/verify/build_internal.h"

enum { ARENA_SIZE = 1 << 22, SECRET_NEW_VALIDATOR = 120, VIEW = 2 };

/* ---- headers and certificates ---- */

struct bytes header_bytes(struct world *w, const struct header *header, struct hash32 *hash)
{
    uint8_t *bytes = make(w, LIMIT_HEADER_SIZE_MAX);
    header_hash(hash, header);
    return bytes_of(bytes, header_encode(bytes, header));
}

struct bytes header_make(struct world *w, uint64_t height, const struct hash32 *state_root,
                         const struct validator_set *next, struct hash32 *hash)
{
    struct header header = {.version = 1,
                            .suite = 1,
                            .chain_id = w->chain_id,
                            .height = height,
                            .time_ms = BUILD_TIME_MS - (BUILD_HEIGHT - height) * 1000,
                            .parent_hash = named("parent", 1),
                            .tx_root = named("transactions", 1),
                            .tx_count = 3,
                            .result_root = named("results", 1),
                            .state_root = *state_root,
                            .history_root = named("history", 1),
                            .params_hash = named("params", 1)};
    validator_set_hash(&header.validators_hash, &w->set);
    validator_set_hash(&header.next_validators_hash, next);
    if (height == BUILD_HEIGHT && w->plan.transactions > 0) {
        block_make(w, &header, 0);
    }
    return header_bytes(w, &header, hash);
}

struct bytes certificate_make(struct world *w, uint64_t height, const struct hash32 *hash)
{
    struct certificate certificate = {
        .phase = VOTE_COMMIT, .view = VIEW, .height = height, .header_hash = *hash};
    struct hash32 signed_hash;
    uint8_t *bytes = make(w, CERTIFICATE_SIZE_MAX);
    certificate.count = quorum_size(w->set.count);
    vote_hash(&signed_hash, TAG_SIGN_COMMIT, &w->chain_id, w->set.era, VIEW, height, hash);
    for (uint32_t i = 0; i < certificate.count; i++) {
        /* The last ones of the set, so that the bitmap does not begin at bit 0. */
        uint32_t index = w->set.count - certificate.count + i;
        certificate.signers[i] = (uint8_t)index;
        signer_sign(w->signers[index], &signed_hash, &certificate.signatures[i]);
    }
    return bytes_of(bytes, certificate_encode(bytes, &certificate, w->set.count));
}

/* Replaces the first validator by a new one, certified by the set before. */
static void set_change_make(struct world *w, uint32_t index)
{
    struct signer *signers[LIMIT_VALIDATORS_MAX];
    struct validator_set next = {.era = 0};
    struct signer *signer = signer_make(SECRET_NEW_VALIDATOR + index);
    struct hash32 state_root = named("state", index);
    struct hash32 hash;
    uint64_t height = 10 * (index + 1);
    uint8_t *next_bytes = make(w, VALIDATOR_SET_SIZE_MAX);
    Xuelian__SetChange *change = make(w, sizeof *change);
    w->made[w->made_count++] = signer;
    next.era = height + 1;
    for (uint32_t i = 1; i < w->set.count; i++) {
        set_add(&next, signers, w->set.validators[i], w->signers[i]);
    }
    set_add(&next, signers,
            (struct validator){.key = *signer_key(signer),
                               .member = BUILD_ISSUER,
                               .joined = height + 1,
                               .incarnation = 1},
            signer);
    xuelian__set_change__init(change);
    change->header = borrow(header_make(w, height, &state_root, &next, &hash));
    change->certificate = borrow(certificate_make(w, height, &hash));
    change->next_set = field_borrow(next_bytes, validator_set_encode(next_bytes, &next));
    w->changes[index] = change;
    w->set = next;
    memcpy(w->signers, signers, sizeof signers);
}

struct world *world_new(const struct build_plan *plan)
{
    struct world *w = calloc(1, sizeof *w);
    void *memory = malloc(ARENA_SIZE);
    struct hash32 state_root;
    CHECK(w != NULL && memory != NULL);
    CHECK(plan->set_changes + plan->recoveries <= CHANGES_MAX &&
          plan->validators + 1 <= BUILD_ISSUER);
    arena_init(&w->arena, memory, ARENA_SIZE);
    w->plan = *plan;
    w->learner = named("learner", 1);
    genesis_make(w);
    w->set = w->genesis_set;
    memcpy(w->signers, w->genesis_signers, sizeof w->signers);
    items_make(w);
    summary_make(w);
    state_make(w, &state_root);
    for (uint32_t i = 0; i < plan->set_changes; i++) {
        set_change_make(w, i);
    }
    for (uint32_t i = 0; i < plan->recoveries; i++) {
        recovery_make(w, plan->set_changes + i);
    }
    w->header = header_make(w, BUILD_HEIGHT, &state_root, &w->set, &w->header_hash);
    return w;
}

void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->made_count; i++) {
        signer_free(w->made[i]);
    }
    signer_free(w->issuer);
    free(w->arena.memory);
    free(w);
}

struct bytes world_genesis(const struct world *w)
{
    return w->genesis;
}

const struct hash32 *world_learner(const struct world *w)
{
    return &w->learner;
}

const struct hash32 *world_header_hash(const struct world *w)
{
    return &w->header_hash;
}

/* ---- proofs ---- */

static Xuelian__Anchor *anchor_make(struct world *w)
{
    Xuelian__Anchor *anchor = make(w, sizeof *anchor);
    xuelian__anchor__init(anchor);
    anchor->header = borrow(w->header);
    anchor->certificate = borrow(certificate_make(w, BUILD_HEIGHT, &w->header_hash));
    anchor->n_set_changes = w->plan.set_changes + w->plan.recoveries;
    anchor->set_changes = w->changes;
    return anchor;
}

static Xuelian__LeafPath *leaf_make(struct world *w, uint32_t position)
{
    struct hash32 *path = make(w, 2 * LIMIT_MERKLE_DEPTH_MAX * sizeof *path);
    struct hash32 *upper = path + LIMIT_MERKLE_DEPTH_MAX;
    Xuelian__LeafPath *leaf = make(w, sizeof *leaf);
    xuelian__leaf_path__init(leaf);
    leaf->collection = ACCOUNTS;
    leaf->count = w->leaf_count;
    leaf->position = position;
    leaf->next_key = field_borrow(&w->next_keys[position], 32);
    uint32_t size = merkle_path(path, w->leaves, w->leaf_count, position);
    leaf->path = field_borrow(path, size * sizeof *path);
    size = merkle_path(upper, w->collection_leaves, COLLECTIONS, ACCOUNTS - 1);
    leaf->collection_path = field_borrow(upper, size * sizeof *path);
    return leaf;
}

static Xuelian__ItemProof *item_make(struct world *w, uint32_t index)
{
    struct item *item = &w->items[index];
    Xuelian__ItemProof *proof = make(w, sizeof *proof);
    uint32_t last = item->version_count - 1;
    xuelian__item_proof__init(proof);
    proof->version = borrow(item->versions[last]);
    proof->n_earlier = last;
    proof->earlier = make(w, VERSIONS_MAX * sizeof *proof->earlier);
    for (uint32_t i = 0; i < last; i++) {
        proof->earlier[i] = borrow(item->versions[last - 1 - i]);
    }
    if (index == 0 && w->plan.shown != 0) {
        details_show(w, proof);
    }
    if (last == 0 && !w->plan.no_issuer) {
        Xuelian__IssuerSignature *issuer = make(w, sizeof *issuer);
        xuelian__issuer_signature__init(issuer);
        issuer->common = borrow(item->common);
        issuer->n_signatures = 1;
        issuer->signatures = make(w, sizeof *issuer->signatures);
        issuer->signatures[0] = field_borrow(&item->signature, 64);
        issuer->item_count = w->plan.bulk;
        issuer->path = field_borrow(item->path, item->path_size * sizeof item->path[0]);
        proof->issuer = issuer;
    }
    return proof;
}

struct built proof_make(struct world *w, Xuelian__Proof *proof)
{
    proof->version = 1;
    proof->chain_id = field_borrow(&w->chain_id, 32);
    proof->anchor = anchor_make(w);
    struct built built = {.size = canonical_size(&proof->base)};
    built.data = malloc(built.size + 1);
    CHECK(built.data != NULL && canonical_encode(built.data, &proof->base) == built.size);
    return built;
}

struct built world_record(struct world *w, uint32_t item)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__RecordProof record = XUELIAN__RECORD_PROOF__INIT;
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    uint32_t size = merkle_path(path, w->item_leaves, w->plan.items, item - 1);
    record.learner = field_borrow(&w->learner, 32);
    record.leaf = leaf_make(w, 1);
    record.account_value = borrow(w->account_value);
    record.item = item_make(w, item - 1);
    record.item_path = field_borrow(path, size * sizeof path[0]);
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_RECORD;
    proof.record = &record;
    return proof_make(w, &proof);
}

struct built world_archive(struct world *w)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__ArchiveProof archive = XUELIAN__ARCHIVE_PROOF__INIT;
    Xuelian__ArchiveItem **items = make(w, (w->plan.items + 1) * sizeof *items);
    for (uint32_t i = 0; i < w->plan.items; i++) {
        items[i] = make(w, sizeof **items);
        xuelian__archive_item__init(items[i]);
        if (i < 64 && (w->plan.withheld >> i & 1) != 0) {
            items[i]->version_hash = field_borrow(&w->items[i].hash, 32);
        } else {
            items[i]->item = item_make(w, i);
        }
    }
    archive.learner = field_borrow(&w->learner, 32);
    archive.leaf = leaf_make(w, 1);
    archive.account_value = borrow(w->account_value);
    if (!w->plan.no_summary) {
        archive.summary = borrow(w->summary);
    }
    archive.n_items = w->plan.items;
    archive.items = items;
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_ARCHIVE;
    proof.archive = &archive;
    return proof_make(w, &proof);
}

struct built world_absence(struct world *w, uint32_t collection)
{
    Xuelian__Proof proof = XUELIAN__PROOF__INIT;
    Xuelian__AbsenceProof absence = XUELIAN__ABSENCE_PROOF__INIT;
    struct hash32 natural = named("nobody", 1);
    struct hash32 path[LIMIT_MERKLE_DEPTH_MAX];
    struct hash32 key;
    uint32_t low = 0;
    absence.collection = collection;
    absence.natural_key = field_borrow(&natural, collection == ACCOUNTS ? 32 : 4);
    key_make(&key, ACCOUNTS, &natural, 32);
    for (uint32_t i = 1; collection == ACCOUNTS && i < w->leaf_count; i++) {
        if (hash32_compare(&w->keys[i], &key) < 0 &&
            hash32_compare(&w->keys[i], &w->keys[low]) > 0) {
            low = i;
        }
    }
    absence.low_key = field_borrow(&w->keys[low], 32);
    absence.low_value_hash = field_borrow(&w->values[low], 32);
    absence.leaf = leaf_make(w, low);
    if (collection != ACCOUNTS) {
        static const struct hash32 zero;
        uint32_t size = merkle_path(path, w->collection_leaves, COLLECTIONS, collection - 1);
        absence.leaf->collection = collection;
        absence.leaf->count = 1;
        absence.leaf->next_key = field_borrow(&zero, 32);
        absence.leaf->path = field_borrow(NULL, 0);
        absence.leaf->collection_path = field_borrow(path, size * sizeof path[0]);
    }
    proof.kind = XUELIAN__PROOF_KIND__PROOF_KIND_ABSENCE;
    proof.absence = &absence;
    return proof_make(w, &proof);
}

void built_free(struct built *built)
{
    free(built->data);
    *built = (struct built){.data = NULL};
}

Xuelian__Proof *proof_open(struct built proof)
{
    Xuelian__Proof *opened = xuelian__proof__unpack(NULL, proof.size, proof.data);
    CHECK(opened != NULL);
    return opened;
}

struct built proof_close(Xuelian__Proof *proof)
{
    struct built built = {.size = xuelian__proof__get_packed_size(proof)};
    built.data = malloc(built.size + 1);
    CHECK(built.data != NULL && xuelian__proof__pack(proof, built.data) == built.size);
    xuelian__proof__free_unpacked(proof, NULL);
    return built;
}

void field_set(ProtobufCBinaryData *field, const void *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    free(field->data);
    *field = (ProtobufCBinaryData){.len = size, .data = size == 0 ? NULL : copy};
    if (size == 0) {
        free(copy);
    }
}

struct built world_certificate(struct world *w, enum vote_phase phase, const uint32_t *signers,
                               uint32_t count, size_t bitmap_size)
{
    Xuelian__Certificate wire = XUELIAN__CERTIFICATE__INIT;
    uint8_t bitmap[32] = {0};
    struct sig64 signatures[LIMIT_VALIDATORS_MAX];
    struct hash32 signed_hash;
    CHECK(bitmap_size <= sizeof bitmap && count <= LIMIT_VALIDATORS_MAX);
    vote_hash(&signed_hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE, &w->chain_id,
              w->genesis_set.era, VIEW, BUILD_HEIGHT, &w->header_hash);
    for (uint32_t i = 0; i < count; i++) {
        bitmap[signers[i] / 8] |= (uint8_t)(1u << (signers[i] % 8));
        signer_sign(w->genesis_signers[signers[i]], &signed_hash, &signatures[i]);
    }
    wire.phase = (Xuelian__Phase)phase;
    wire.view = VIEW;
    wire.height = BUILD_HEIGHT;
    wire.header_hash = field_borrow(&w->header_hash, 32);
    wire.signers = field_borrow(bitmap, bitmap_size);
    wire.signatures = field_borrow(signatures, count * sizeof signatures[0]);
    struct built built = {.size = canonical_size(&wire.base)};
    built.data = malloc(built.size + 1);
    CHECK(built.data != NULL && canonical_encode(built.data, &wire.base) == built.size);
    return built;
}
