#include <string.h>

#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

size_t validator_set_encode(uint8_t *out, const struct validator_set *set)
{
    Xuelian__ValidatorSet wire = XUELIAN__VALIDATOR_SET__INIT;
    Xuelian__Validator validators[LIMIT_VALIDATORS_MAX];
    Xuelian__Validator *pointers[LIMIT_VALIDATORS_MAX];
    CHECK(set->count >= 1 && set->count <= LIMIT_VALIDATORS_MAX);
    for (uint32_t i = 0; i < set->count; i++) {
        xuelian__validator__init(&validators[i]);
        validators[i].key = field_borrow(&set->validators[i].key, 33);
        validators[i].member = set->validators[i].member;
        validators[i].joined = set->validators[i].joined;
        validators[i].incarnation = set->validators[i].incarnation;
        pointers[i] = &validators[i];
    }
    wire.era = set->era;
    wire.n_validators = set->count;
    wire.validators = pointers;
    return canonical_encode(out, &wire.base);
}

/* Strictly ascending by (joined, key), which also keeps keys of one height distinct. */
static bool ordered(const struct validator *a, const struct validator *b)
{
    return a->joined < b->joined ||
           (a->joined == b->joined && pubkey33_compare(&a->key, &b->key) < 0);
}

static enum status validator_convert(struct validator_set *set, const Xuelian__Validator *wire)
{
    struct validator *made = &set->validators[set->count];
    made->member = wire->member;
    made->joined = wire->joined;
    made->incarnation = wire->incarnation;
    if (!field_copy(&made->key, 33, &wire->key) || !sign_key_valid(&made->key)) {
        return ST_BAD_ENCODING;
    }
    if (set->count > 0 && !ordered(&set->validators[set->count - 1], made)) {
        return ST_BAD_ENCODING;
    }
    if (validator_set_find(set, &made->key) >= 0) {
        return ST_BAD_ENCODING;
    }
    set->count++;
    return ST_OK;
}

enum status validator_set_decode(struct validator_set *set, struct bytes bytes)
{
    uint64_t memory[(VALIDATOR_SET_SIZE_MAX + LIMIT_VALIDATORS_MAX * 256) / 8];
    struct arena arena;
    ProtobufCMessage *message;
    struct validator_set made = {.count = 0};
    if (bytes.size > VALIDATOR_SET_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    arena_init(&arena, memory, sizeof memory);
    enum status status =
        canonical_decode(&message, &xuelian__validator_set__descriptor, bytes, &arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__ValidatorSet *wire = (const Xuelian__ValidatorSet *)(const void *)message;
    if (wire->n_validators < 1 || wire->n_validators > LIMIT_VALIDATORS_MAX) {
        return ST_BAD_ENCODING;
    }
    made.era = wire->era;
    for (size_t i = 0; i < wire->n_validators; i++) {
        status = validator_convert(&made, wire->validators[i]);
        if (status != ST_OK) {
            return status;
        }
    }
    *set = made;
    return ST_OK;
}

void validator_set_hash(struct hash32 *out, const struct validator_set *set)
{
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    size_t size = validator_set_encode(bytes, set);
    hash_tagged(out, TAG_VALIDATORS, bytes, size);
}

int validator_set_find(const struct validator_set *set, const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey33_compare(&set->validators[i].key, key) == 0) {
            return (int)i;
        }
    }
    return -1;
}
