/* Fixed-size vocabulary shared by every layer. Sizes are in the types. */
#ifndef XUELIAN_PROTO_TYPES_H
#define XUELIAN_PROTO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A SHA-256 hash, tagged or Merkle. */
struct hash32 {
    uint8_t bytes[32];
};

/* A compressed secp256k1 public key. Validity is checked where it is used (sign_verify). */
struct pubkey33 {
    uint8_t bytes[33];
};

/* An ECDSA signature, r then s, big-endian; low-S only. */
struct sig64 {
    uint8_t bytes[64];
};

/* 16 random bytes: nonces, boot ids; and reference tags. */
struct id16 {
    uint8_t bytes[16];
};

/* Borrowed bytes: lives as long as whatever it points into. NULL only with size 0. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

#endif
