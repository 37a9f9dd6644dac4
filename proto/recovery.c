#include "proto/recovery.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { ADDRESS_SIZE_MAX = 64 };

const char *recovery_keys_read(struct recovery_keys *keys, const Xuelian__Genesis *genesis)
{
    *keys = (struct recovery_keys){.threshold = genesis->recovery_threshold};
    if (genesis->n_recovery_keys > LIMIT_RECOVERY_KEYS_MAX) {
        return "are more than 32";
    }
    for (size_t i = 0; i < genesis->n_recovery_keys; i++) {
        const Xuelian__RecoveryKey *wire = genesis->recovery_keys[i];
        struct pubkey33 *key = &keys->keys[keys->count];
        if (!field_copy(key, 33, &wire->key) || !sign_key_valid(key)) {
            return "contain one that is not a secp256k1 public key";
        }
        if (strlen(wire->holder) > LIMIT_NAME_SIZE_MAX) {
            return "have a holder's name of more than 256 bytes";
        }
        if (i > 0 && pubkey33_compare(&keys->keys[i - 1], key) >= 0) {
            return "are not in ascending order of the keys, without repeats";
        }
        keys->count++;
    }
    if (keys->count == 0 ? keys->threshold != 0
                         : keys->threshold <= keys->count / 2 || keys->threshold > keys->count) {
        return "need a threshold of more than half of them, so that no two groups can each make a "
               "recovery";
    }
    return NULL;
}

/* One validator a member, and addresses only of those in the set. */
static bool set_right(const struct recovery *recovery)
{
    const Xuelian__Recovery *message = recovery->message;
    const struct validator_set *set = &recovery->set;
    struct pubkey33 before = {{0}};
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (set->validators[i].member == set->validators[k].member) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < message->n_nodes; i++) {
        const Xuelian__RecoveryNode *node = message->nodes[i];
        struct pubkey33 key;
        if (!field_copy(&key, 33, &node->key) || pubkey33_compare(&before, &key) >= 0 ||
            validator_set_find(set, &key) < 0 || node->n_addresses > LIMIT_ADDRESSES_MAX) {
            return false;
        }
        for (size_t k = 0; k < node->n_addresses; k++) {
            if (strlen(node->addresses[k]) > ADDRESS_SIZE_MAX) {
                return false;
            }
        }
        before = key;
    }
    return set->era == recovery->height + 2;
}

static enum status body_decode(struct recovery *out, struct bytes bytes, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    enum status status = canonical_decode(&message, &xuelian__recovery__descriptor, bytes, arena);
    if (status != ST_OK) {
        return status;
    }
    out->message = (const Xuelian__Recovery *)(const void *)message;
    out->body = bytes;
    out->height = out->message->height;
    if (!field_copy(&out->chain_id, 32, &out->message->chain_id) ||
        !field_copy(&out->header_hash, 32, &out->message->header_hash) ||
        out->height > UINT64_MAX - 2 || strlen(out->message->reason) == 0 ||
        strlen(out->message->reason) > LIMIT_RECOVERY_REASON_MAX) {
        return ST_BAD_ENCODING;
    }
    hash_tagged(&out->id, TAG_RECOVERY, bytes.data, bytes.size);
    hash_tagged(&out->signed_hash, TAG_SIGN_RECOVERY, bytes.data, bytes.size);
    status = validator_set_decode(&out->set, field_bytes(&out->message->next_set));
    return status == ST_OK && set_right(out) ? ST_OK : ST_RECOVERY_SET;
}

enum status recovery_decode(struct recovery *out, struct bytes bytes, bool body_alone,
                            struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    out->signature_count = 0;
    if (bytes.size > LIMIT_RECOVERY_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    if (body_alone) {
        return body_decode(out, bytes, arena);
    }
    enum status status =
        canonical_decode(&message, &xuelian__signed_recovery__descriptor, bytes, arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__SignedRecovery *wire = (const Xuelian__SignedRecovery *)(const void *)message;
    for (size_t i = 0; i < wire->n_signatures; i++) {
        const Xuelian__RecoverySignature *signature = wire->signatures[i];
        if (signature->key == 0 || signature->key > LIMIT_RECOVERY_KEYS_MAX ||
            (i > 0 && signature->key <= wire->signatures[i - 1]->key)) {
            return ST_RECOVERY_SIGNATURES;
        }
        CHECK(i < LIMIT_RECOVERY_KEYS_MAX);
        out->signers[i] = signature->key - 1;
        if (!field_copy(&out->signatures[i], 64, &signature->signature)) {
            return ST_BAD_ENCODING;
        }
    }
    out->signature_count = (uint32_t)wire->n_signatures;
    return body_decode(out, field_bytes(&wire->recovery), arena);
}

enum status recovery_verify(const struct recovery *recovery, const struct hash32 *chain_id,
                            const struct recovery_keys *keys, uint32_t *key)
{
    if (!hash32_equal(&recovery->chain_id, chain_id)) {
        return ST_WRONG_CHAIN;
    }
    if (keys->threshold == 0) {
        return ST_NO_RECOVERY;
    }
    for (uint32_t i = 0; i < recovery->signature_count; i++) {
        *key = recovery->signers[i];
        if (*key >= keys->count) {
            return ST_RECOVERY_SIGNATURES;
        }
        if (!sign_verify(&keys->keys[*key], &recovery->signed_hash, &recovery->signatures[i])) {
            return ST_BAD_SIGNATURE;
        }
    }
    return recovery->signature_count >= keys->threshold ? ST_OK : ST_RECOVERY_SIGNATURES;
}
