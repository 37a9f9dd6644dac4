#include "tests/sim/keys.h"

#include "proto/bytes.h"
#include "proto/quorum.h"
#include "tests/sim/memory.h"

static int by_key(const void *a, const void *b)
{
    return pubkey33_compare(&((const struct key_owner *)a)->key,
                            &((const struct key_owner *)b)->key);
}

/* Keys are as good as random there. */
static uint32_t place_of(const struct pubkey33 *key)
{
    return be32_get(key->bytes + 1) % KEY_PLACES;
}

static void place_all(struct keys *keys)
{
    memset(keys->places, 0, sizeof keys->places);
    for (uint32_t i = 0; i < keys->count; i++) {
        uint32_t at = place_of(&keys->owners[i].key);
        while (keys->places[at] != 0) {
            at = (at + 1) % KEY_PLACES;
        }
        keys->places[at] = (uint8_t)(i + 1);
    }
}

void keys_init(struct keys *keys, uint32_t count, bool real)
{
    CHECK(count <= KEYS_MAX);
    *keys = (struct keys){.real = real, .count = count};
    keys->owners = sim_new(count * sizeof *keys->owners);
    for (uint32_t i = 0; i < count; i++) {
        struct key_owner *owner = &keys->owners[i];
        uint8_t seed[16] = "simulated key";
        be32_put(seed + 12, i);
        hash_plain(&owner->secret, seed, sizeof seed);
        CHECK(signer_new(&owner->signer, owner->secret.bytes) == ST_OK);
        owner->keys = keys;
        owner->key = *signer_key(owner->signer);
    }
    /* In the order of a set, so that node i is validator i of genesis. */
    qsort(keys->owners, count, sizeof *keys->owners, by_key);
    for (uint32_t i = 0; i < count; i++) {
        keys->owners[i].index = i;
    }
    place_all(keys);
}

void keys_free(struct keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        signer_free(keys->owners[i].signer);
    }
    free(keys->owners);
}

void keys_lend(struct keys *keys, uint32_t from, uint32_t to)
{
    struct key_owner *owner = &keys->owners[to];
    CHECK(from < to); /* keys_find gives the first */
    signer_free(owner->signer);
    owner->secret = keys->owners[from].secret;
    owner->key = keys->owners[from].key;
    CHECK(signer_new(&owner->signer, owner->secret.bytes) == ST_OK);
    place_all(keys);
}

static void ideal(const struct key_owner *owner, const struct hash32 *hash, struct sig64 *out)
{
    struct hasher hasher;
    struct hash32 digest;
    hasher_init(&hasher);
    hasher_update(&hasher, owner->secret.bytes, 32);
    hasher_update(&hasher, hash->bytes, 32);
    hasher_final(&hasher, &digest);
    memcpy(out->bytes, digest.bytes, 32);
    memcpy(out->bytes + 32, digest.bytes, 32);
}

void keys_sign(void *context, const struct hash32 *hash, struct sig64 *signature)
{
    struct key_owner *owner = context;
    owner->keys->made++;
    if (owner->keys->real) {
        signer_sign(owner->signer, hash, signature);
    } else {
        ideal(owner, hash, signature);
    }
}

int keys_find(const struct keys *keys, const struct pubkey33 *key)
{
    for (uint32_t at = place_of(key); keys->places[at] != 0; at = (at + 1) % KEY_PLACES) {
        int index = keys->places[at] - 1;
        if (pubkey33_compare(&keys->owners[index].key, key) == 0) {
            return index; /* of several owners of a key the first: it was placed first */
        }
    }
    return -1;
}

bool keys_verify(struct keys *keys, const struct pubkey33 *key, const struct hash32 *hash,
                 const struct sig64 *signature)
{
    int index = keys_find(keys, key);
    struct sig64 expected;
    keys->checked++;
    if (index < 0) {
        return false;
    }
    if (keys->real) {
        return sign_verify(key, hash, signature);
    }
    ideal(&keys->owners[index], hash, &expected);
    return memcmp(expected.bytes, signature->bytes, sizeof expected.bytes) == 0;
}

bool keys_certificate_good(struct keys *keys, const struct certificate *certificate,
                           const struct hash32 *chain_id, const struct validator_set *set)
{
    struct hash32 hash;
    if (certificate->count != quorum_size(set->count)) {
        return false;
    }
    vote_hash(&hash, certificate->phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              chain_id, set->era, certificate->view, certificate->height,
              &certificate->header_hash);
    for (uint32_t i = 0; i < certificate->count; i++) {
        uint8_t signer = certificate->signers[i];
        if (signer >= set->count ||
            !keys_verify(keys, &set->validators[signer].key, &hash, &certificate->signatures[i])) {
            return false;
        }
    }
    return true;
}
