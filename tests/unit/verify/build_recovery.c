/* Recoveries of the builder's networks: the first half of the set is lost and replaced. */
#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "tests/unit/verify/build_internal.h"

enum { SECRET_RECOVERY = 210, SECRET_RECOVERED = 240, RECOVERY_HEIGHT = 100 };

void recovery_keys_make(struct world *w, Xuelian__Genesis *genesis)
{
    uint32_t count = w->plan.recovery_keys;
    Xuelian__RecoveryKey **keys = make(w, (count + 1) * sizeof *keys);
    static char holder[] = "Holder 持有人";
    CHECK(count <= LIMIT_RECOVERY_KEYS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct signer *signer = signer_make(SECRET_RECOVERY + i);
        uint32_t at = i;
        w->made[w->made_count++] = signer;
        for (; at > 0 &&
               pubkey33_compare(signer_key(signer), signer_key(w->recovery_signers[at - 1])) < 0;
             at--) {
            w->recovery_signers[at] = w->recovery_signers[at - 1];
        }
        w->recovery_signers[at] = signer;
    }
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = make(w, sizeof **keys);
        xuelian__recovery_key__init(keys[i]);
        keys[i]->key = field_borrow(signer_key(w->recovery_signers[i]), 33);
        keys[i]->holder = holder;
    }
    genesis->n_recovery_keys = count;
    genesis->recovery_keys = keys;
    genesis->recovery_threshold = count == 0 ? 0 : count / 2 + 1;
}

/* The new set: the first half is replaced, place by place. */
static void lose_half(struct world *w, uint64_t era)
{
    struct signer *signers[LIMIT_VALIDATORS_MAX];
    struct validator_set next = {.era = era};
    uint32_t lost = (w->set.count + 1) / 2;
    for (uint32_t i = 0; i < w->set.count; i++) {
        struct validator made = w->set.validators[i];
        struct signer *signer = w->signers[i];
        if (i < lost) {
            signer = signer_make(SECRET_RECOVERED + w->made_count);
            w->made[w->made_count++] = signer;
            made.key = *signer_key(signer);
            made.joined = era;
        }
        set_add(&next, signers, made, signer);
    }
    if (w->plan.lie == LIE_RECOVERY_ORDER) {
        next.validators[1] = next.validators[0];
    }
    w->before_recovery = w->set;
    w->set = next;
    memcpy(w->signers, signers, sizeof signers);
}

static struct bytes signed_make(struct world *w, struct bytes body)
{
    Xuelian__SignedRecovery wire = XUELIAN__SIGNED_RECOVERY__INIT;
    uint32_t count = w->plan.recovery_keys == 0 ? 1 : w->plan.recovery_keys / 2 + 1;
    Xuelian__RecoverySignature **signatures = make(w, count * sizeof *signatures);
    struct hash32 hash;
    hash_tagged(&hash, TAG_SIGN_RECOVERY, body.data, body.size);
    for (uint32_t i = 0; i < count; i++) {
        struct sig64 *signature = make(w, sizeof *signature);
        /* The last ones, so that the numbers do not begin at 1. */
        uint32_t key = w->plan.recovery_keys == 0 ? 0 : w->plan.recovery_keys - count + i;
        signer_sign(w->plan.recovery_keys == 0 ? w->issuer : w->recovery_signers[key], &hash,
                    signature);
        signatures[i] = make(w, sizeof **signatures);
        xuelian__recovery_signature__init(signatures[i]);
        signatures[i]->key = key + 1;
        signatures[i]->signature = field_borrow(signature, 64);
    }
    wire.recovery = borrow(body);
    wire.n_signatures = count;
    wire.signatures = signatures;
    return encode(w, &wire.base);
}

/* The first goes on from a certified header; those after it from the block of the recovery before. */
static void base_make(struct world *w, Xuelian__SetChange *change, uint64_t height,
                      struct hash32 *hash)
{
    struct hash32 state_root = named("state", 90);
    struct validator_set next = w->set;
    if (w->recovered_height == 0) {
        change->header = borrow(header_make(w, height, &state_root, &next, hash));
        change->certificate = borrow(certificate_make(w, height, hash));
        return;
    }
    w->set = w->before_recovery;
    change->header = borrow(header_make(w, height, &state_root, &next, hash));
    w->set = next;
}

void recovery_make(struct world *w, uint32_t index)
{
    Xuelian__SetChange *change = make(w, sizeof *change);
    Xuelian__Recovery wire = XUELIAN__RECOVERY__INIT;
    Xuelian__RecoveryNode node = XUELIAN__RECOVERY_NODE__INIT;
    Xuelian__RecoveryNode *nodes[1] = {&node};
    struct hash32 hash;
    struct hash32 chain_id = w->chain_id;
    char address[] = "192.0.2.7:9471";
    char *addresses[1] = {address};
    char reason[] = "fire in the machine room 机房火灾";
    uint8_t *set = make(w, VALIDATOR_SET_SIZE_MAX);
    bool first = w->recovered_height == 0;
    uint64_t height = first ? RECOVERY_HEIGHT : w->recovered_height;
    xuelian__set_change__init(change);
    base_make(w, change, height, &hash);
    lose_half(w, height + 2 + (first && w->plan.lie == LIE_RECOVERY_ERA));
    chain_id.bytes[0] ^= first && w->plan.lie == LIE_RECOVERY_CHAIN;
    hash.bytes[0] ^= first && w->plan.lie == LIE_RECOVERY_HEADER;
    wire.chain_id = field_borrow(&chain_id, 32);
    wire.height = height;
    wire.header_hash = field_borrow(&hash, 32);
    wire.next_set = field_borrow(set, validator_set_encode(set, &w->set));
    node.key = field_borrow(&w->set.validators[w->set.count - 1].key, 33);
    node.n_addresses = 1;
    node.addresses = addresses;
    wire.n_nodes = 1;
    wire.nodes = nodes;
    wire.reason = reason;
    change->recovery = borrow(signed_make(w, encode(w, &wire.base)));
    w->changes[index] = change;
    w->recovered_height = height + 1;
}
