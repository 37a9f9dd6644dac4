/* The signatures on the transaction that made a version: over its common fields, which commit to the payload. The
 * payload is what the item says, or the Merkle root over many such items, or it follows from the version: the item
 * decided about, the version before, and what it became. So none of it needs to be in the proof. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum {
    TX_KIND_MAX = 255,
    TX_KIND_DEPOSIT = 3,
    TX_KIND_DEPOSIT_BULK = 4,
    TX_KIND_APPLY = 20,
    TX_KIND_APPLY_DECIDE = 21,
    TX_KIND_CORRECT = 22,
    TX_KIND_RECOGNISE = 26,
    TX_KIND_RECOGNISE_REVIEW = 27,
    TX_KIND_RECOGNISE_BULK = 28,
    TX_KIND_CONVERSION_APPLY = 40,
    TX_KIND_CONVERSION_DECIDE = 41,
    TX_KIND_CONVERSION_REVIEW = 43
};
enum { SIGNER_ROLE_MAX = 3, SIGNER_ROLE_MEMBER = 1, SIGNER_ROLE_LEARNER = 2 };

static enum verify_fault signer_read(struct verifier *v, struct bytes message,
                                     struct signer_view *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->member = reader_u32(&reader, 1);
    out->learner = reader_optional(&reader, 2, 32);
    out->role = reader_enum(&reader, 3, SIGNER_ROLE_MAX);
    out->key_bytes = reader_optional(&reader, 4, sizeof out->key);
    if (out->key_bytes.size == 0) {
        reader_refuse(&reader);
    } else {
        memcpy(&out->key, out->key_bytes.data, sizeof out->key);
    }
    return proof_end(v, &reader);
}

enum verify_fault common_read(struct verifier *v, struct bytes bytes, struct common_view *out)
{
    struct reader reader;
    struct bytes signer;
    uint8_t nonce[16];
    reader_init(&reader, bytes);
    reader_fixed(&reader, 1, &out->chain_id, 32);
    out->valid_until = reader_u64(&reader, 2);
    out->signer_count = 0;
    while (reader_next(&reader, 3, &signer)) {
        if (out->signer_count == LIMIT_SIGNERS_MAX) {
            reader_refuse(&reader);
            break;
        }
        enum verify_fault fault = signer_read(v, signer, &out->signers[out->signer_count]);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        out->signer_count++;
    }
    reader_fixed(&reader, 4, nonce, sizeof nonce);
    out->kind = reader_enum(&reader, 5, TX_KIND_MAX);
    reader_fixed(&reader, 6, &out->payload_commitment, 32);
    return proof_end(v, &reader);
}

/* ---- the payload that a kind has for a version ---- */

static void payload_begin(struct hasher *hasher, uint32_t kind)
{
    uint8_t number[4];
    be32_put(number, kind);
    hasher_init_tagged(hasher, TAG_PAYLOAD);
    hasher_update(hasher, number, sizeof number);
}

/* {account, item, version hash, ...}: what all decisions begin with. */
static void decision_begin(struct hasher *hasher, const struct verifier *v,
                           const struct verify_item *item, const struct issuer_origin *origin)
{
    uint8_t bytes[128];
    size_t size = put_bytes(bytes, 1, &v->result->learner, 32);
    size += put_u64(bytes + size, 2, item->number);
    size += put_bytes(bytes + size, 3, origin->previous_hash.data, origin->previous_hash.size);
    hasher_update(hasher, bytes, size);
}

static void add_content(struct hasher *hasher, uint32_t field, struct bytes content)
{
    uint8_t head[16];
    hasher_update(hasher, head, put_head(head, field, content.size));
    hasher_update(hasher, content.data, content.size);
}

static void add_u64(struct hasher *hasher, uint32_t field, uint64_t value)
{
    uint8_t bytes[16];
    hasher_update(hasher, bytes, put_u64(bytes, field, value));
}

/* ConversionApplication: what was asked for, without what the ledger added. */
static void add_application(struct hasher *hasher, const struct verifier *v,
                            const struct verify_conversion *said)
{
    struct conversion_source source;
    struct reader reader;
    uint8_t bytes[128];
    uint8_t inner[64];
    hasher_update(hasher, bytes, put_bytes(bytes, 1, &v->result->learner, 32));
    add_u64(hasher, 2, said->rule);
    reader_init(&reader, said->sources);
    while (conversion_source_next(&reader, &source)) {
        size_t size = put_u64(inner, 1, source.item);
        size += put_bytes(inner + size, 2, &source.version_hash, 32);
        size += put_u64(inner + size, 3, source.used);
        hasher_update(hasher, bytes, put_bytes(bytes, 3, inner, size));
    }
}

/* Commitment of a single kind's payload. False when the kind makes no such item or version. */
static bool payload_make(struct hash32 *out, const struct verifier *v, uint32_t kind,
                         const struct verify_item *item, const struct issuer_origin *origin)
{
    struct hasher hasher;
    bool outcome = item->kind == VERIFY_ITEM_OUTCOME;
    bool recognition = item->kind == VERIFY_ITEM_RECOGNITION;
    bool conversion = item->kind == VERIFY_ITEM_CONVERSION;
    bool first = origin->version == 1;
    payload_begin(&hasher, kind);
    if ((outcome && first && (kind == TX_KIND_DEPOSIT || kind == TX_KIND_APPLY)) ||
        (recognition && first && kind == TX_KIND_RECOGNISE)) {
        hasher_update(&hasher, item->content.data, item->content.size);
    } else if (conversion && first && kind == TX_KIND_CONVERSION_APPLY) {
        add_application(&hasher, v, &item->conversion);
    } else if (outcome && !first && (kind == TX_KIND_APPLY_DECIDE || kind == TX_KIND_CORRECT)) {
        decision_begin(&hasher, v, item, origin);
        if (origin->status != VERIFY_ITEM_REFUSED) {
            add_content(&hasher, 4, item->content);
        }
        add_u64(&hasher, 5, origin->reason);
    } else if (recognition && !first && kind == TX_KIND_RECOGNISE_REVIEW) {
        decision_begin(&hasher, v, item, origin);
        add_content(&hasher, 4, item->content);
    } else if (conversion && !first &&
               (kind == TX_KIND_CONVERSION_DECIDE || kind == TX_KIND_CONVERSION_REVIEW)) {
        decision_begin(&hasher, v, item, origin);
        add_u64(&hasher, 4, origin->status == VERIFY_ITEM_VALID);
        add_u64(&hasher, 5, origin->reason);
    } else {
        return false;
    }
    hasher_final(&hasher, out);
    return true;
}

/* What the signers would have committed to had they signed this item at this place. */
static enum verify_fault commitment_make(struct hash32 *out, const struct verifier *v,
                                         uint32_t kind, uint64_t item_count, struct bytes path,
                                         const struct verify_item *item,
                                         const struct issuer_origin *origin)
{
    struct hasher hasher;
    struct hash32 leaf;
    struct hash32 root;
    uint8_t number[8];
    bool bulk = (kind == TX_KIND_DEPOSIT_BULK && item->kind == VERIFY_ITEM_OUTCOME) ||
                (kind == TX_KIND_RECOGNISE_BULK && item->kind == VERIFY_ITEM_RECOGNITION);
    if (!bulk) {
        bool single = item_count == 0 && path.size == 0 && origin->outcome_index == 0;
        return single && payload_make(out, v, kind, item, origin) ? VERIFY_FAULT_NONE
                                                                  : VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    if (item_count > LIMIT_BULK_ITEMS_MAX || origin->version != 1) {
        return VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    hash_leaf(&leaf, TAG_LEAF_BULK, item->content.data, item->content.size);
    enum verify_fault fault = path_root(&root, &leaf, origin->outcome_index, item_count, path);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    be32_put(number, kind);
    hasher_init_tagged(&hasher, TAG_BULK);
    hasher_update(&hasher, number, 4);
    be64_put(number, item_count);
    hasher_update(&hasher, number, 8);
    hasher_update(&hasher, &root, sizeof root);
    hasher_final(&hasher, out);
    return VERIFY_FAULT_NONE;
}

/* ---- who signed ---- */

/* The member that has to be among the signers; 0: whoever acts for the learner, or for the rule's owner. */
static uint32_t principal_of(const struct verify_item *item, uint32_t kind,
                             const struct issuer_origin *origin)
{
    if (kind == TX_KIND_APPLY || kind == TX_KIND_CONVERSION_APPLY) {
        return 0;
    }
    if (item->kind == VERIFY_ITEM_CONVERSION) {
        return origin->status == VERIFY_ITEM_REVOKED ? 0 : item->conversion.decided_by;
    }
    return item->kind == VERIFY_ITEM_OUTCOME ? item->outcome.issuer : item->recognition.recogniser;
}

static enum verify_issuer issuer_of(enum verify_key_state state)
{
    switch (state) {
    case VERIFY_KEY_OF_GENESIS:
    case VERIFY_KEY_OF_STATE:
        return VERIFY_ISSUER_SIGNED;
    case VERIFY_KEY_ENDED:
        return VERIFY_ISSUER_KEY_ENDED;
    case VERIFY_KEY_UNKNOWN:
        break;
    }
    return VERIFY_ISSUER_KEY_UNKNOWN;
}

/* One signer: a learner signs for his own account alone, a member with a key that is not known to be another's. */
static bool party_make(const struct verifier *v, const struct signer_view *signer, uint64_t height,
                       struct verify_party *party)
{
    *party = (struct verify_party){.key = signer->key_bytes};
    if (signer->role == SIGNER_ROLE_LEARNER) {
        return bytes_equal(signer->learner, (struct bytes){v->result->learner.bytes, 32});
    }
    party->member = signer->member;
    party->name = member_name(v, signer->member);
    return signer->role == SIGNER_ROLE_MEMBER && signer->member != 0 &&
           member_key_state(v, signer->member, &signer->key, height, &party->key_state);
}

/* The principal is among the signers, and no member signs with a key that is known not to be its own. */
static enum verify_fault keys_check(struct verifier *v, const struct common_view *common,
                                    struct verify_item *item, const struct issuer_origin *origin)
{
    uint32_t principal = principal_of(item, common->kind, origin);
    struct verify_party *parties =
        scratch_take_high(v, common->signer_count * sizeof *parties, _Alignof(struct verify_party));
    if (parties == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    bool signs = false;
    for (uint32_t i = 0; i < common->signer_count; i++) {
        if (!party_make(v, &common->signers[i], origin->height, &parties[i])) {
            return VERIFY_FAULT_ISSUER_KEY;
        }
        if (!signs && (principal == 0 || parties[i].member == principal)) {
            signs = true;
            item->issuer_signature = issuer_of(parties[i].key_state);
        }
    }
    item->parties = parties;
    item->party_count = common->signer_count;
    item->signed_kind = common->kind;
    item->signed_version = origin->version;
    return signs ? VERIFY_FAULT_NONE : VERIFY_FAULT_ISSUER_KEY;
}

static enum verify_fault signed_check(struct verifier *v, const struct common_view *common,
                                      struct bytes path, uint64_t item_count,
                                      struct verify_item *item, const struct issuer_origin *origin)
{
    struct hash32 commitment;
    if (!hash32_equal(&common->chain_id, &v->chain_id) || common->valid_until < origin->height) {
        return VERIFY_FAULT_ISSUER_TRANSACTION;
    }
    enum verify_fault fault =
        commitment_make(&commitment, v, common->kind, item_count, path, item, origin);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (!hash32_equal(&commitment, &common->payload_commitment)) {
        return VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    return keys_check(v, common, item, origin);
}

struct hash32 issuer_transaction(struct bytes item_proof)
{
    struct reader reader;
    struct reader inner;
    struct bytes earlier;
    struct hash32 id = {{0}};
    reader_init(&reader, item_proof);
    (void)reader_bytes(&reader, 1);
    while (reader_next(&reader, 2, &earlier)) {
    }
    struct bytes issuer = reader_bytes(&reader, 3);
    reader_init(&inner, issuer);
    struct bytes common = reader_bytes(&inner, 1);
    if (!reader.bad && !inner.bad && common.size > 0) {
        hash_tagged(&id, TAG_TX_ID, common.data, common.size);
    }
    return id;
}

enum verify_fault issuer_check(struct verifier *v, struct bytes message, struct verify_item *item,
                               const struct issuer_origin *origin)
{
    struct reader reader;
    struct common_view common;
    struct bytes signatures[LIMIT_SIGNERS_MAX];
    struct hash32 id;
    uint32_t count = 0;
    reader_init(&reader, message);
    struct bytes common_bytes = reader_bytes(&reader, 1);
    while (count < LIMIT_SIGNERS_MAX && reader_next(&reader, 2, &signatures[count])) {
        count++;
    }
    uint64_t item_count = reader_u64(&reader, 3);
    struct bytes path = reader_bytes(&reader, 4);
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE) {
        fault = common_read(v, common_bytes, &common);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(&id, TAG_TX_ID, common_bytes.data, common_bytes.size);
    if (!hash32_equal(&id, &origin->tx_id)) {
        return fault_at(v, VERIFY_FAULT_ISSUER_TRANSACTION, item->number);
    }
    fault = signed_check(v, &common, path, item_count, item, origin);
    if (fault == VERIFY_FAULT_NONE && count != common.signer_count) {
        fault = VERIFY_FAULT_ISSUER_SIGNATURE;
    }
    for (uint32_t i = 0; i < count && fault == VERIFY_FAULT_NONE; i++) {
        struct sig64 signature;
        if (signatures[i].size != sizeof signature) {
            return fault_at(v, VERIFY_FAULT_ISSUER_SIGNATURE, item->number);
        }
        memcpy(&signature, signatures[i].data, sizeof signature);
        if (!sign_verify(&common.signers[i].key, &id, &signature)) {
            fault = VERIFY_FAULT_ISSUER_SIGNATURE;
        }
    }
    return fault == VERIFY_FAULT_NONE ? fault : fault_at(v, fault, item->number);
}
