/* ECDSA over secp256k1: compact, low-S only, RFC 6979 nonces. */
#ifndef XUELIAN_PROTO_SIGN_H
#define XUELIAN_PROTO_SIGN_H

#include "proto/hash.h"
#include "proto/status.h"
#include "proto/types.h"

/* True iff the signature is canonical (low-S), the key is on the curve and they fit the hash.
 * Pure, any thread, no allocation. Cost: about 40 us. */
bool sign_verify(const struct pubkey33 *key, const struct hash32 *hash, const struct sig64 *sig);

/* Replaces a high S by its complement, which is as valid a signature. For tokens alone: what is hashed, stored or
 * relayed is taken as received. What is no signature stays as it is. Pure. */
void sign_low_s(struct sig64 *sig);

/* True iff the 33 bytes are a point on the curve. Cost: about 5 us. */
bool sign_key_valid(const struct pubkey33 *key);

/* A private key with its signing context. Made once, wiped by signer_free. Never copied. */
struct signer;

/* Makes a signer from 32 secret bytes (borrowed, the caller wipes its copy).
 * Returns  ST_OK; ST_BAD_KEY (zero or not below the group order); ST_NO_MEMORY.  Out: *signer. */
enum status signer_new(struct signer **signer, const uint8_t secret[32]);
void signer_free(struct signer *signer);
const struct pubkey33 *signer_key(const struct signer *signer);

/* Signs a hash: deterministic (RFC 6979), low-S. Cannot fail. Any thread. Cost: about 30 us. */
void signer_sign(const struct signer *signer, const struct hash32 *hash, struct sig64 *sig);

#endif
