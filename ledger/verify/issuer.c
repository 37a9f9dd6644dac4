/* The issuer's own signature: over the transaction's common fields, which commit to the payload, which is
 * the item itself or, for a bulk deposit, the Merkle root over all its items. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum { TX_KIND_MAX = 255, TX_KIND_DEPOSIT = 3, TX_KIND_DEPOSIT_BULK = 4 };
enum { SIGNER_ROLE_MAX = 3, SIGNER_ROLE_MEMBER = 1 };

static enum verify_fault signer_read(struct verifier *v, struct bytes message,
                                     struct signer_view *out)
{
    struct reader reader;
    reader_init(&reader, message);
    out->member = reader_u32(&reader, 1);
    out->learner = reader_optional(&reader, 2, 32);
    out->role = reader_enum(&reader, 3, SIGNER_ROLE_MAX);
    reader_fixed(&reader, 4, &out->key, sizeof out->key);
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

/* What the signers would have committed to had they signed this item at this place. */
static enum verify_fault commitment_make(struct hash32 *out, uint32_t kind, uint64_t item_count,
                                         struct bytes path, const struct verify_item *item,
                                         uint32_t outcome_index)
{
    struct hasher hasher;
    struct hash32 leaf;
    struct hash32 root;
    uint8_t number[8];
    be32_put(number, kind);
    if (kind == TX_KIND_DEPOSIT && item_count == 0 && path.size == 0 && outcome_index == 0) {
        hasher_init_tagged(&hasher, TAG_PAYLOAD);
        hasher_update(&hasher, number, 4);
        hasher_update(&hasher, item->content.data, item->content.size);
        hasher_final(&hasher, out);
        return VERIFY_FAULT_NONE;
    }
    if (kind != TX_KIND_DEPOSIT_BULK || item_count > LIMIT_BULK_ITEMS_MAX) {
        return VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    hash_leaf(&leaf, TAG_LEAF_BULK, item->content.data, item->content.size);
    enum verify_fault fault = path_root(&root, &leaf, outcome_index, item_count, path);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hasher_init_tagged(&hasher, TAG_BULK);
    hasher_update(&hasher, number, 4);
    be64_put(number, item_count);
    hasher_update(&hasher, number, 8);
    hasher_update(&hasher, &root, sizeof root);
    hasher_final(&hasher, out);
    return VERIFY_FAULT_NONE;
}

/* The issuer is among the signers, and no member signs with a key that genesis does not give it. */
static enum verify_fault keys_check(struct verifier *v, const struct common_view *common,
                                    struct verify_item *item, uint64_t height)
{
    bool issuer_signs = false;
    item->issuer_signature = VERIFY_ISSUER_SIGNED;
    for (uint32_t i = 0; i < common->signer_count; i++) {
        const struct signer_view *signer = &common->signers[i];
        if (signer->role != SIGNER_ROLE_MEMBER) {
            continue;
        }
        enum genesis_key found = genesis_key_find(v, signer->member, &signer->key, height);
        if (found == GENESIS_KEY_NO) {
            return VERIFY_FAULT_ISSUER_KEY;
        }
        if (signer->member == item->outcome.issuer) {
            issuer_signs = true;
            if (found == GENESIS_KEY_NO_MEMBER) {
                item->issuer_signature = VERIFY_ISSUER_KEY_UNKNOWN;
            }
        }
    }
    return issuer_signs ? VERIFY_FAULT_NONE : VERIFY_FAULT_ISSUER_KEY;
}

static enum verify_fault deposit_check(struct verifier *v, const struct common_view *common,
                                       struct bytes path, uint64_t item_count,
                                       struct verify_item *item, const struct issuer_origin *origin)
{
    struct hash32 commitment;
    if (!hash32_equal(&common->chain_id, &v->chain_id) || common->valid_until < origin->height) {
        return VERIFY_FAULT_ISSUER_TRANSACTION;
    }
    if (item->kind != VERIFY_ITEM_OUTCOME) {
        return VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    enum verify_fault fault =
        commitment_make(&commitment, common->kind, item_count, path, item, origin->outcome_index);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (!hash32_equal(&commitment, &common->payload_commitment)) {
        return VERIFY_FAULT_ISSUER_PAYLOAD;
    }
    return keys_check(v, common, item, origin->height);
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
    fault = deposit_check(v, &common, path, item_count, item, origin);
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
