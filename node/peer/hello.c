#include "node/peer/hello.h"

#include <stdio.h>

#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

/* H(SIGN_HELLO, chain id || role || boot id || exporter || dialling side). */
static void hello_hash(struct hash32 *out, const struct hello *hello, const struct hash32 *exporter,
                       bool dialler)
{
    struct hasher hasher;
    uint8_t role[4];
    uint8_t side = dialler ? 1 : 0;
    be32_put(role, hello->role);
    hasher_init_tagged(&hasher, TAG_SIGN_HELLO);
    hasher_update(&hasher, hello->chain_id.bytes, 32);
    hasher_update(&hasher, role, 4);
    hasher_update(&hasher, hello->boot_id.bytes, 16);
    hasher_update(&hasher, exporter->bytes, 32);
    hasher_update(&hasher, &side, 1);
    hasher_final(&hasher, out);
}

size_t hello_encode(uint8_t *out, const struct hello *hello, const struct signer *signer,
                    const struct hash32 *exporter, bool dialler, const char *software)
{
    Xuelian__Hello wire;
    struct hash32 hash;
    struct sig64 signature;
    char name[64];
    xuelian__hello__init(&wire);
    snprintf(name, sizeof name, "%s", software);
    hello_hash(&hash, hello, exporter, dialler);
    signer_sign(signer, &hash, &signature);
    wire.chain_id = field_borrow(&hello->chain_id, 32);
    wire.key = field_borrow(&hello->key, 33);
    wire.role = hello->role;
    wire.boot_id = field_borrow(&hello->boot_id, 16);
    wire.protocol = PROTOCOL_VERSION;
    wire.software = name;
    wire.height = hello->height;
    wire.signature = field_borrow(&signature, 64);
    return canonical_encode(out, &wire.base);
}

enum status hello_decode(struct hello *hello, struct bytes bytes, const struct hash32 *chain_id,
                         const struct hash32 *exporter, bool dialler)
{
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct hash32 hash;
    struct sig64 signature;
    arena_init(&arena, memory, sizeof memory);
    enum status status = canonical_decode(&message, &xuelian__hello__descriptor, bytes, &arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Hello *wire = (const Xuelian__Hello *)(const void *)message;
    if (!field_copy(&hello->chain_id, 32, &wire->chain_id) ||
        !field_copy(&hello->key, 33, &wire->key) ||
        !field_copy(&hello->boot_id, 16, &wire->boot_id) ||
        !field_copy(&signature, 64, &wire->signature) || wire->protocol != PROTOCOL_VERSION) {
        return ST_BAD_ENCODING;
    }
    if (!hash32_equal(&hello->chain_id, chain_id)) {
        return ST_WRONG_CHAIN;
    }
    hello->role = wire->role;
    hello->height = wire->height;
    hello_hash(&hash, hello, exporter, dialler);
    return sign_verify(&hello->key, &hash, &signature) ? ST_OK : ST_BAD_SIGNATURE;
}
