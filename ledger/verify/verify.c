#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum {
    PROOF_VERSION = 1,
    COLLECTION_ACCOUNTS = 7,
    COLLECTION_QUERIES = 11,
    KEY_TEXT_SIZE_MAX = 64
};

_Static_assert(_Alignof(struct hash32) == 1 && _Alignof(struct sig64) == 1,
               "paths and signatures are read where they stand");
/* A shown item is at least 78 bytes: account, number, version, transaction, kind, status, framing. A signer of its
 * transaction is at least 100: key, signature. */
_Static_assert(sizeof(struct verify_item) <= (size_t)5 * 78, "VERIFY_SCRATCH_SIZE is enough");
_Static_assert(sizeof(struct verify_party) <= (size_t)5 * 100, "VERIFY_SCRATCH_SIZE is enough");
/* An entry of genesis is at least tag, length and an id: 4 bytes. */
_Static_assert(sizeof(struct genesis_entry) <= (size_t)4 * 4, "VERIFY_SCRATCH_SIZE is enough");

void *scratch_take(struct verifier *v, size_t size, size_t alignment)
{
    size_t misaligned = (size_t)(uintptr_t)v->scratch % alignment;
    size_t skip = misaligned == 0 ? 0 : alignment - misaligned;
    if (skip > v->scratch_size || size > v->scratch_size - skip) {
        return NULL;
    }
    uint8_t *taken = v->scratch + skip;
    v->scratch = taken + size;
    v->scratch_size -= skip + size;
    return taken;
}

enum verify_fault fault_at(struct verifier *v, enum verify_fault fault, uint64_t number)
{
    v->result->fault_number = number;
    return fault;
}

void *scratch_take_high(struct verifier *v, size_t size, size_t alignment)
{
    if (size > v->scratch_size) {
        return NULL;
    }
    size_t misaligned = (size_t)(uintptr_t)(v->scratch + v->scratch_size - size) % alignment;
    if (misaligned > v->scratch_size - size) {
        return NULL;
    }
    v->scratch_size -= size + misaligned;
    return v->scratch + v->scratch_size;
}

uint64_t fault_offset(struct bytes whole, const struct reader *reader)
{
    /* An empty submessage points nowhere. */
    return reader->bad_at == NULL ? 0 : (uint64_t)(reader->bad_at - whole.data);
}

enum verify_fault proof_end(struct verifier *v, struct reader *reader)
{
    if (reader_end(reader)) {
        return VERIFY_FAULT_NONE;
    }
    return fault_at(v, VERIFY_FAULT_PROOF_ENCODING, fault_offset(v->proof, reader));
}

/* ---- record ---- */

static enum verify_fault record_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct hash32 learner;
    struct hash32 hash;
    struct hash32 root;
    struct account_value account;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &learner, 32);
    struct bytes leaf = reader_bytes(&reader, 2);
    struct bytes value = reader_bytes(&reader, 3);
    struct bytes proof = reader_bytes(&reader, 4);
    struct bytes path = reader_bytes(&reader, 5);
    struct verify_item *item = scratch_take(v, sizeof *item, _Alignof(struct verify_item));
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && item == NULL) {
        fault = VERIFY_FAULT_SCRATCH;
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = account_check(v, &learner, leaf, value, &account);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = item_check(v, proof, 0, item, &hash);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    item_leaf(&hash, item->number, &hash);
    fault = path_root(&root, &hash, item->number - 1, account.item_count, path);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    v->result->items = item;
    v->result->items_shown = 1;
    return hash32_equal(&root, &account.item_root) ? VERIFY_FAULT_NONE : VERIFY_FAULT_ITEM_ROOT;
}

/* ---- absence ---- */

/* Natural keys have one size each, or two, so that no key can be read as another. */
static bool natural_key_valid(uint32_t collection, struct bytes key)
{
    static const uint8_t sizes[] = {0, 4, 4, 4, 4, 4, 4, 32, 16, 32};
    if (collection < sizeof sizes) {
        return collection != 0 && key.size == sizes[collection];
    }
    if (collection == COLLECTION_QUERIES) {
        return key.size == 33 || key.size == 36;
    }
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] <= ' ' || key.data[i] >= 0x7f) {
            return false;
        }
    }
    return key.size > 0 && key.size <= KEY_TEXT_SIZE_MAX;
}

static enum verify_fault absence_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct verify_result *result = v->result;
    struct hash32 low_key;
    struct hash32 low_value_hash;
    struct hash32 key;
    struct leaf_path leaf;
    reader_init(&reader, message);
    result->collection = reader_enum(&reader, 1, COLLECTION_QUERIES);
    result->natural_key = reader_bytes(&reader, 2);
    reader_fixed(&reader, 3, &low_key, 32);
    reader_fixed(&reader, 4, &low_value_hash, 32);
    struct bytes leaf_bytes = reader_bytes(&reader, 5);
    if (!natural_key_valid(result->collection, result->natural_key)) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE) {
        fault = leaf_path_read(v, leaf_bytes, &leaf);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (leaf.collection != result->collection) {
        return VERIFY_FAULT_COLLECTION;
    }
    fault = leaf_check(v, &leaf, &low_key, &low_value_hash);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    tree_key(&key, result->collection, result->natural_key);
    bool above = hash32_compare(&low_key, &key) < 0;
    bool below = hash32_is_zero(&leaf.next_key) || hash32_compare(&key, &leaf.next_key) < 0;
    return above && below ? VERIFY_FAULT_NONE : VERIFY_FAULT_ABSENCE_RANGE;
}

/* ---- the whole ---- */

static enum verify_fault age_check(struct verifier *v, const struct verify_options *options)
{
    struct verify_result *result = v->result;
    if (result->height < options->trusted_height) {
        return fault_at(v, VERIFY_FAULT_OLD, options->trusted_height);
    }
    if (result->height == options->trusted_height && !hash32_is_zero(&options->trusted_hash) &&
        !hash32_equal(&options->trusted_hash, &result->header_hash)) {
        return fault_at(v, VERIFY_FAULT_CONFLICT, result->height);
    }
    if (options->now_ms == 0) {
        return VERIFY_FAULT_NONE;
    }
    result->age_known = true;
    result->ahead_of_clock = result->time_ms > options->now_ms;
    if (options->max_age_ms != 0 && !result->ahead_of_clock &&
        options->now_ms - result->time_ms > options->max_age_ms) {
        return fault_at(v, VERIFY_FAULT_STALE, result->height);
    }
    return VERIFY_FAULT_NONE;
}

/* The parts of Proof. `body` is that of its kind; the others must be absent. */
struct proof_view {
    struct bytes anchor;
    struct bytes body;
    struct reader members; /* what follows it: members' records */
};

static bool kind_known(uint32_t kind)
{
    return kind <= VERIFY_EQUIVOCATION;
}

static enum verify_fault proof_read(struct verifier *v, struct proof_view *out)
{
    struct reader reader;
    struct hash32 chain_id;
    reader_init(&reader, v->proof);
    uint32_t version = reader_u32(&reader, 1);
    uint32_t kind = reader_u32(&reader, 2);
    reader_fixed(&reader, 3, &chain_id, 32);
    if (version == 0 || kind == 0) {
        reader_refuse(&reader);
    }
    /* Who reads a newer proof learns that, not that some byte of it is unexpected. */
    if (!reader.bad && version != PROOF_VERSION) {
        return VERIFY_FAULT_PROOF_VERSION;
    }
    if (!reader.bad && !hash32_equal(&chain_id, &v->chain_id)) {
        return VERIFY_FAULT_WRONG_CHAIN;
    }
    if (!reader.bad && !kind_known(kind)) {
        return fault_at(v, VERIFY_FAULT_PROOF_KIND, kind);
    }
    out->anchor = reader_bytes(&reader, 4);
    out->body = (struct bytes){.size = 0};
    if (!reader.bad) {
        v->result->kind = (enum verify_kind)kind;
        out->body = reader_bytes(&reader, 4 + kind);
    }
    out->members = reader;
    struct bytes member;
    while (reader_next(&reader, 13, &member)) {
    }
    enum verify_fault fault = proof_end(v, &reader);
    /* Inside a submessage the lengths would say otherwise, so here alone a file can be cut. */
    if (fault == VERIFY_FAULT_PROOF_ENCODING && reader.cut) {
        fault = VERIFY_FAULT_PROOF_CUT;
    }
    if (fault == VERIFY_FAULT_NONE && (out->anchor.size == 0 || out->body.size == 0)) {
        fault = VERIFY_FAULT_PROOF_PARTS;
    }
    return fault;
}

/* The form of the proof at hand, and its anchor. */
static enum verify_fault proof_open(struct verifier *v, struct proof_view *proof)
{
    if (v->proof.size > LIMIT_PROOF_SIZE_MAX) {
        return VERIFY_FAULT_PROOF_SIZE;
    }
    if (v->proof.size == 0) {
        return VERIFY_FAULT_PROOF_CUT;
    }
    enum verify_fault fault = proof_read(v, proof);
    return fault != VERIFY_FAULT_NONE ? fault : anchor_check(v, proof->anchor);
}

/* The history file, from genesis as any proof; what it tells is kept, and the result is as before. */
static enum verify_fault history_read(struct verifier *v, struct bytes history)
{
    struct verify_result *result = v->result;
    struct validator_set first = v->set;
    struct bytes proof = v->proof;
    struct proof_view view;
    v->proof = history;
    enum verify_fault fault = proof_open(v, &view);
    if (fault == VERIFY_FAULT_NONE && result->kind == VERIFY_SET_HISTORY) {
        fault = set_history_check(v, view.body);
    }
    if (fault != VERIFY_FAULT_NONE || result->kind != VERIFY_SET_HISTORY) {
        result->fault_name.size = 0;
        return fault_at(v, VERIFY_FAULT_HISTORY_FILE, 0);
    }
    v->known = v->set;
    v->known_hash = v->header.next_validators_hash;
    v->known_height = result->height;
    v->known_header = result->header_hash;
    v->proof = proof;
    v->set = first;
    v->set_base = (struct hash32){{0}};
    v->passed = false;
    result->history_height = result->height;
    result->kind = VERIFY_NOTHING;
    result->set_changes = 0;
    result->validator_count = 0;
    return VERIFY_FAULT_NONE;
}

static enum verify_fault proof_check(struct verifier *v, const struct verify_options *options)
{
    struct proof_view proof;
    enum verify_fault fault = genesis_read(v);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    v->result->chain_id = v->chain_id;
    v->wanted_era = equivocation_era(v->proof);
    if (options->history.size > 0) {
        fault = history_read(v, options->history);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = proof_open(v, &proof);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = age_check(v, options);
    }
    struct bytes member;
    while (fault == VERIFY_FAULT_NONE && reader_next(&proof.members, 13, &member)) {
        fault = member_check(v, member);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    switch (v->result->kind) {
    case VERIFY_RECORD:
        return record_check(v, proof.body);
    case VERIFY_ARCHIVE:
        return archive_check(v, proof.body);
    case VERIFY_ABSENCE:
        return absence_check(v, proof.body);
    case VERIFY_TRANSACTION:
        return transaction_check(v, proof.body);
    case VERIFY_STATISTICS:
        return cells_proof_check(v, proof.body);
    case VERIFY_EQUIVOCATION:
        return equivocation_check(v, proof.body);
    case VERIFY_CONVERSION:
        return conversion_check(v, proof.body);
    case VERIFY_SET_HISTORY:
        return set_history_check(v, proof.body);
    case VERIFY_NOTHING:
        break;
    }
    return VERIFY_FAULT_PROOF_KIND;
}

enum status verify_fault_status(enum verify_fault fault)
{
    static const enum status statuses[] = {
#define X(name, status, number, en, zh) [VERIFY_FAULT_##name] = ST_##status,
        VERIFY_FAULTS(X)
#undef X
    };
    return statuses[fault];
}

enum status verify_proof(struct verify_result *result, struct bytes genesis, struct bytes proof,
                         const struct verify_options *options, void *scratch, size_t scratch_size)
{
    static const struct verify_options none = {.now_ms = 0};
    struct verifier v;
    memset(result, 0, sizeof *result);
    memset(&v, 0, sizeof v);
    v.result = result;
    v.genesis = genesis;
    v.proof = proof;
    v.scratch = scratch;
    v.scratch_size = scratch_size;
    result->fault = proof_check(&v, options != NULL ? options : &none);
    result->status = verify_fault_status(result->fault);
    return result->status;
}
