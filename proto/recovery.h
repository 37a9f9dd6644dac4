/* Recoveries (恢复): when more than f validators are lost for good, the holders of the recovery keys that genesis names
 * put another set in their place, from a certified header on (docs/decisions/0011-recovery.md).
 * Form and signatures alone; what the state says of it is ledger/recovery.h. Pure, no allocation. Any thread. */
#ifndef XUELIAN_PROTO_RECOVERY_H
#define XUELIAN_PROTO_RECOVERY_H

#include "proto/arena.h"
#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/ledger.pb-c.h"

/* The keys of a genesis file; threshold 0: this network has no recovery. */
struct recovery_keys {
    uint32_t count;
    uint32_t threshold;
    struct pubkey33 keys[LIMIT_RECOVERY_KEYS_MAX];
};

/* Returns NULL with *keys; or what is wrong with those of a genesis file, to stand behind its name. Static text. */
const char *recovery_keys_read(struct recovery_keys *keys, const Xuelian__Genesis *genesis);

/* A decoded recovery; borrows its bytes and the arena. */
struct recovery {
    struct bytes body; /* canonical Recovery */
    struct hash32 id;
    struct hash32 signed_hash;
    struct hash32 chain_id;
    uint64_t height; /* of the block that it goes on from; its own block is the next */
    struct hash32 header_hash;
    struct validator_set set; /* era height + 2 */
    const Xuelian__Recovery *message;
    uint32_t signature_count;
    uint32_t signers[LIMIT_RECOVERY_KEYS_MAX]; /* places in genesis, from 0, ascending */
    struct sig64 signatures[LIMIT_RECOVERY_KEYS_MAX];
};

#define RECOVERY_ARENA_SIZE (1u << 18) /* enough for any within its limit */

/* Reads canonical SignedRecovery or, with `body_alone`, Recovery.
 * Returns  ST_OK; ST_BAD_SIZE, ST_BAD_ENCODING, ST_TRUNCATED; ST_RECOVERY_SET (the set is none, its era is not
 *          height + 2, a member has two places, or an address is of no validator); ST_RECOVERY_SIGNATURES (not in
 *          ascending order of the keys: one twice). */
enum status recovery_decode(struct recovery *out, struct bytes bytes, bool body_alone,
                            struct arena *arena);

/* Checks chain and signatures: every one must verify, and they must be enough.
 * Returns  ST_OK; ST_WRONG_CHAIN; ST_NO_RECOVERY; ST_RECOVERY_SIGNATURES; ST_BAD_SIGNATURE, with *key the place. */
enum status recovery_verify(const struct recovery *recovery, const struct hash32 *chain_id,
                            const struct recovery_keys *keys, uint32_t *key);

#endif
