/* The keys of all nodes of a simulated network, and their signatures.
 *
 * Ideal signatures, unless real ones are asked for: a hash keyed with the owner's secret. Only keys_sign makes
 * one, and it is handed the owner; nobody can forge, and a check costs 0.3 us instead of 40. */
#ifndef XUELIAN_TESTS_SIM_KEYS_H
#define XUELIAN_TESTS_SIM_KEYS_H

#include "proto/block.h"
#include "proto/sign.h"

struct key_owner {
    struct keys *keys;
    uint32_t index;
    struct pubkey33 key; /* a real one in either mode */
    struct signer *signer;
    struct hash32 secret;
};

enum { KEYS_MAX = 32, KEY_PLACES = 4 * KEYS_MAX };

struct keys {
    bool real;
    uint32_t count;
    struct key_owner *owners;
    uint8_t places[KEY_PLACES]; /* index and one of a key, at its hash or soon after; 0: none */
    uint64_t made;              /* signatures */
    uint64_t checked;           /* and checks of them */
};

void keys_init(struct keys *keys, uint32_t count, bool real);
void keys_free(struct keys *keys);

/* Owner `to` becomes a second one of the key of `from`. */
void keys_lend(struct keys *keys, uint32_t from, uint32_t to);

/* pbft_config.sign: context is a key_owner. */
void keys_sign(void *context, const struct hash32 *hash, struct sig64 *signature);
bool keys_verify(struct keys *keys, const struct pubkey33 *key, const struct hash32 *hash,
                 const struct sig64 *signature);
/* Index of a key, or -1. */
int keys_find(const struct keys *keys, const struct pubkey33 *key);

/* As certificate_verify, of these keys' signatures. */
bool keys_certificate_good(struct keys *keys, const struct certificate *certificate,
                           const struct hash32 *chain_id, const struct validator_set *set);

#endif
