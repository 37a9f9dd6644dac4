#include "proto/bytes.h"

#include <string.h>

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool hash32_equal(const struct hash32 *a, const struct hash32 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int hash32_compare(const struct hash32 *a, const struct hash32 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool hash32_is_zero(const struct hash32 *h)
{
    static const struct hash32 zero;
    return hash32_equal(h, &zero);
}

void be32_put(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

void be64_put(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

uint32_t be32_get(const uint8_t in[4])
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value = value << 8 | in[i];
    }
    return value;
}

uint64_t be64_get(const uint8_t in[8])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | in[i];
    }
    return value;
}

void hex_encode(char *text, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * size] = '\0';
}

/* The value of a hex digit, or 16. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 16;
}

enum status hex_decode(uint8_t *out, size_t size, const char *text, size_t text_size)
{
    if (text_size % 2 != 0 || text_size / 2 != size) {
        return ST_BAD_HEX;
    }
    for (size_t i = 0; i < text_size; i++) {
        if (hex_digit(text[i]) > 15) {
            return ST_BAD_HEX;
        }
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    }
    return ST_OK;
}

void wipe(void *data, size_t size)
{
    volatile uint8_t *p = data;
    for (size_t i = 0; i < size; i++) {
        p[i] = 0;
    }
}
