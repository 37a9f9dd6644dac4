/* The first frame each way: who is there, proved for this very connection. Pure but for randomness. */
#ifndef XUELIAN_NODE_HELLO_H
#define XUELIAN_NODE_HELLO_H

#include "proto/hash.h"
#include "proto/sign.h"
#include "proto/status.h"

#define HELLO_SIZE_MAX 512u

struct hello {
    struct hash32 chain_id;
    struct pubkey33 key;
    uint32_t role;
    struct id16 boot_id;
    uint64_t height;
};

/* Packs and signs. dialler: this side opened the TCP connection.
 * Out: out of HELLO_SIZE_MAX bytes. Returns the size. */
size_t hello_encode(uint8_t *out, const struct hello *hello, const struct signer *signer,
                    const struct hash32 *exporter, bool dialler, const char *software);

/* Decodes and checks the signature. dialler: the sender opened the connection.
 * Returns ST_OK; ST_BAD_ENCODING and its like; ST_WRONG_CHAIN; ST_BAD_SIGNATURE. */
enum status hello_decode(struct hello *hello, struct bytes bytes, const struct hash32 *chain_id,
                         const struct hash32 *exporter, bool dialler);

#endif
