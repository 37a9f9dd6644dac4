#include "proto/sign.h"

#include <secp256k1.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

struct signer {
    secp256k1_context *context;
    uint8_t secret[32];
    struct pubkey33 key;
};

bool sign_verify(const struct pubkey33 *key, const struct hash32 *hash, const struct sig64 *sig)
{
    secp256k1_pubkey point;
    secp256k1_ecdsa_signature parsed;
    /* Verification refuses high-S by itself; nothing received is normalised here. */
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, key->bytes, 33) == 1 &&
           secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed, sig->bytes) ==
               1 &&
           secp256k1_ecdsa_verify(secp256k1_context_static, &parsed, hash->bytes, &point) == 1;
}

void sign_low_s(struct sig64 *sig)
{
    secp256k1_ecdsa_signature parsed;
    if (secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed, sig->bytes) ==
        1) {
        secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &parsed, &parsed);
        secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, sig->bytes, &parsed);
    }
}

bool sign_key_valid(const struct pubkey33 *key)
{
    secp256k1_pubkey point;
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, key->bytes, 33) == 1;
}

enum status signer_new(struct signer **signer, const uint8_t secret[32])
{
    struct signer *made = calloc(1, sizeof *made);
    secp256k1_pubkey point;
    size_t size = sizeof made->key.bytes;
    if (made == NULL) {
        return ST_NO_MEMORY;
    }
    made->context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    if (made->context == NULL) {
        free(made);
        return ST_NO_MEMORY;
    }
    if (secp256k1_ec_pubkey_create(made->context, &point, secret) != 1) {
        signer_free(made);
        return ST_BAD_KEY;
    }
    /* Blinds the multiplication against side channels; a hash of the secret serves as the seed. */
    struct hash32 seed;
    hash_tagged(&seed, TAG_SIGN_HELLO, secret, 32);
    CHECK(secp256k1_context_randomize(made->context, seed.bytes) == 1);
    wipe(&seed, sizeof seed);
    CHECK(secp256k1_ec_pubkey_serialize(made->context, made->key.bytes, &size, &point,
                                        SECP256K1_EC_COMPRESSED) == 1);
    memcpy(made->secret, secret, 32);
    *signer = made;
    return ST_OK;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL) {
        return;
    }
    secp256k1_context_destroy(signer->context);
    wipe(signer->secret, sizeof signer->secret);
    free(signer);
}

const struct pubkey33 *signer_key(const struct signer *signer)
{
    return &signer->key;
}

void signer_sign(const struct signer *signer, const struct hash32 *hash, struct sig64 *sig)
{
    secp256k1_ecdsa_signature made;
    CHECK(secp256k1_ecdsa_sign(signer->context, &made, hash->bytes, signer->secret,
                               secp256k1_nonce_function_rfc6979, NULL) == 1);
    CHECK(secp256k1_ecdsa_signature_serialize_compact(signer->context, sig->bytes, &made) == 1);
}
