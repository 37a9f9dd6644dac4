#include "ledger/verify/reader.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

#define VARINT_SIZE_MAX 10u

void reader_init(struct reader *reader, struct bytes message)
{
    *reader = (struct reader){.at = message.data, .end = message.data};
    if (message.size > 0) {
        reader->end = message.data + message.size;
    }
}

static void refuse(struct reader *reader, const uint8_t *where, bool cut)
{
    if (!reader->bad) {
        reader->bad = true;
        reader->cut = cut;
        reader->bad_at = where;
    }
    /* Nothing more is read, so loops over repeated fields end. */
    reader->at = reader->end;
}

void reader_refuse(struct reader *reader)
{
    /* What is missing at the very end may have been cut off. */
    refuse(reader, reader->at, reader->at == reader->end);
}

/* Minimal form only: the last byte of a longer one may not be zero. */
static bool varint(struct reader *reader, uint64_t *value)
{
    const uint8_t *start = reader->at;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < VARINT_SIZE_MAX; i++) {
        if (start + i == reader->end) {
            refuse(reader, start, true);
            return false;
        }
        uint8_t byte = start[i];
        /* Bit 64 and above do not exist. */
        if (i == VARINT_SIZE_MAX - 1 && byte > 1) {
            break;
        }
        sum |= (uint64_t)(byte & 0x7fu) << (7 * i);
        if ((byte & 0x80u) == 0) {
            if (byte == 0 && i > 0) {
                break;
            }
            reader->at = start + i + 1;
            *value = sum;
            return true;
        }
    }
    refuse(reader, start, false);
    return false;
}

/* The next tag without moving; false at the end or at bytes that are no minimal tag. */
static bool peek(const struct reader *reader, uint64_t *tag, const uint8_t **after)
{
    struct reader ahead = *reader;
    if (ahead.at == ahead.end || !varint(&ahead, tag)) {
        return false;
    }
    *after = ahead.at;
    return true;
}

bool reader_has(const struct reader *reader, uint32_t field)
{
    uint64_t tag = 0;
    const uint8_t *after = NULL;
    return peek(reader, &tag, &after) && tag >> 3 == field;
}

/* Moves past the tag of this field. A wrong wire type is left for reader_end to refuse. */
static bool take(struct reader *reader, uint32_t field, enum wire wire)
{
    uint64_t tag = 0;
    const uint8_t *after = NULL;
    if (!peek(reader, &tag, &after) || tag != ((uint64_t)field << 3 | (uint64_t)wire)) {
        return false;
    }
    reader->at = after;
    return true;
}

static uint64_t number(struct reader *reader, uint32_t field, uint64_t max)
{
    uint64_t value = 0;
    const uint8_t *start = reader->at;
    if (!take(reader, field, WIRE_VARINT) || !varint(reader, &value)) {
        return 0;
    }
    if (value == 0 || value > max) {
        refuse(reader, start, false);
        return 0;
    }
    return value;
}

uint64_t reader_u64(struct reader *reader, uint32_t field)
{
    return number(reader, field, UINT64_MAX);
}

uint32_t reader_u32(struct reader *reader, uint32_t field)
{
    return (uint32_t)number(reader, field, UINT32_MAX);
}

uint32_t reader_enum(struct reader *reader, uint32_t field, uint32_t max)
{
    return (uint32_t)number(reader, field, max);
}

bool reader_next(struct reader *reader, uint32_t field, struct bytes *element)
{
    const uint8_t *start = reader->at;
    uint64_t size = 0;
    if (!take(reader, field, WIRE_BYTES) || !varint(reader, &size)) {
        return false;
    }
    if (size > (uint64_t)(reader->end - reader->at)) {
        refuse(reader, start, true);
        return false;
    }
    *element = (struct bytes){.data = reader->at, .size = (size_t)size};
    reader->at += size;
    return true;
}

struct bytes reader_bytes(struct reader *reader, uint32_t field)
{
    const uint8_t *start = reader->at;
    struct bytes value = {.data = NULL, .size = 0};
    if (reader_next(reader, field, &value) && value.size == 0) {
        refuse(reader, start, false);
        value.data = NULL;
    }
    return value;
}

struct bytes reader_text(struct reader *reader, uint32_t field, size_t max)
{
    const uint8_t *start = reader->at;
    struct bytes value = reader_bytes(reader, field);
    if (value.size > max || !utf8_valid(value)) {
        refuse(reader, start, false);
        return (struct bytes){.data = NULL, .size = 0};
    }
    return value;
}

uint32_t reader_packed(struct reader *reader, uint32_t field, uint64_t max)
{
    struct bytes value = reader_bytes(reader, field);
    struct reader inner;
    uint64_t before = 0;
    uint64_t element = 0;
    uint32_t count = 0;
    reader_init(&inner, value);
    for (; inner.at != inner.end; before = element, count++) {
        if (!varint(&inner, &element) || element <= before || element > max) {
            refuse(reader, value.data, false);
            return 0;
        }
    }
    return count;
}

struct bytes reader_optional(struct reader *reader, uint32_t field, size_t size)
{
    const uint8_t *start = reader->at;
    struct bytes value = reader_bytes(reader, field);
    if (value.size != 0 && value.size != size) {
        refuse(reader, start, false);
        return (struct bytes){.data = NULL, .size = 0};
    }
    return value;
}

void reader_fixed(struct reader *reader, uint32_t field, void *out, size_t size)
{
    struct bytes value = reader_optional(reader, field, size);
    if (value.data != NULL && value.size == size) {
        memcpy(out, value.data, size);
        return;
    }
    memset(out, 0, size);
    reader_refuse(reader);
}

bool reader_end(struct reader *reader)
{
    if (reader->at != reader->end) {
        uint64_t tag = 0;
        /* A tag that runs past the end is a cut; anything else here was not asked for. */
        if (varint(reader, &tag)) {
            refuse(reader, reader->at, false);
        }
    }
    return !reader->bad;
}

/* Continuation bytes that follow a first byte, and the range of the first of them (RFC 3629). */
static uint32_t utf8_follow(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 1;
    }
    if (first >= 0xe0 && first <= 0xef) {
        *low = first == 0xe0 ? 0xa0 : 0x80;
        *high = first == 0xed ? 0x9f : 0xbf;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *low = first == 0xf0 ? 0x90 : 0x80;
        *high = first == 0xf4 ? 0x8f : 0xbf;
        return 3;
    }
    return UINT32_MAX;
}

bool utf8_valid(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        uint8_t low = 0;
        uint8_t high = 0;
        uint32_t follow = utf8_follow(text.data[at], &low, &high);
        if (text.data[at] == 0 || follow > text.size - at - 1) {
            return false;
        }
        for (uint32_t i = 1; i <= follow; i++) {
            uint8_t byte = text.data[at + i];
            if (byte < low || byte > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
        at += follow + 1;
    }
    return true;
}
