/* Comparing, copying and printing byte strings. Pure; any thread. */
#ifndef XUELIAN_PROTO_BYTES_H
#define XUELIAN_PROTO_BYTES_H

#include <string.h>

#include "proto/status.h"
#include "proto/types.h"

/* Length of the hex text of size bytes, with its NUL. */
#define HEX_SIZE(size) (2 * (size) + 1)

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){.data = (const uint8_t *)data, .size = size};
}

bool bytes_equal(struct bytes a, struct bytes b);
/* memcmp order, then the shorter first. */
int bytes_compare(struct bytes a, struct bytes b);

bool hash32_equal(const struct hash32 *a, const struct hash32 *b);
int hash32_compare(const struct hash32 *a, const struct hash32 *b);
bool hash32_is_zero(const struct hash32 *h);

static inline int pubkey33_compare(const struct pubkey33 *a, const struct pubkey33 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* Big-endian stores and loads. */
void be32_put(uint8_t out[4], uint32_t value);
void be64_put(uint8_t out[8], uint64_t value);
uint32_t be32_get(const uint8_t in[4]);
uint64_t be64_get(const uint8_t in[8]);

/* Writes lower-case hex and a NUL. Out: text of HEX_SIZE(size) bytes. */
void hex_encode(char *text, const uint8_t *data, size_t size);

/* Reads exactly size bytes from text of text_size characters, either case.
 * Returns  ST_OK; ST_BAD_HEX (wrong length or a character that is not hex), out untouched. */
enum status hex_decode(uint8_t *out, size_t size, const char *text, size_t text_size);

/* Overwrites secrets in a way the compiler keeps. */
void wipe(void *data, size_t size);

#endif
