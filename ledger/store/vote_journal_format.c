#include "ledger/store/vote_journal_format.h"

#include <string.h>
#include <unistd.h>

#include "proto/bytes.h"

enum { FORMAT_VERSION = 1 };

static const char file_magic[8] = {'X', 'L', 'J', 'O', 'U', 'R', 'N', '1'};
static const uint8_t record_magic[4] = {'X', 'L', 'J', 'R'};
const char *const journal_copy_names[COPIES] = {"journal.a", "journal.b"};

void journal_owner_encode(uint8_t out[OWNER_SIZE], const struct hash32 *chain_id,
                          const struct pubkey33 *key, uint64_t incarnation)
{
    memcpy(out, chain_id->bytes, 32);
    memcpy(out + 32, key->bytes, 33);
    be64_put(out + 65, incarnation);
}

void journal_head_encode(uint8_t out[BLOCK], const uint8_t owner[OWNER_SIZE], uint32_t copy)
{
    struct hash32 digest;
    memset(out, 0, BLOCK);
    memcpy(out, file_magic, 8);
    be32_put(out + 8, FORMAT_VERSION);
    be32_put(out + 12, copy);
    memcpy(out + 16, owner, OWNER_SIZE);
    hash_plain(&digest, out, 16 + OWNER_SIZE);
    memcpy(out + 16 + OWNER_SIZE, digest.bytes, 32);
}

/* The digest covers the owner too, so a record moved from another file is not one of this. */
static void record_digest(struct hash32 *out, const uint8_t owner[OWNER_SIZE],
                          const uint8_t *record, size_t size)
{
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_update(&hasher, owner, OWNER_SIZE);
    hasher_update(&hasher, record, size);
    hasher_final(&hasher, out);
}

size_t journal_record_encode(uint8_t *out, const uint8_t owner[OWNER_SIZE],
                             const struct vote_record *record, const struct hash32 *previous,
                             struct hash32 *digest)
{
    size_t size = RECORD_HEADER_SIZE + record->payload.size;
    memset(out, 0, journal_whole_blocks(size + 32));
    memcpy(out, record_magic, 4);
    be32_put(out + 4, FORMAT_VERSION);
    be64_put(out + 8, record->counter);
    be64_put(out + 16, record->era);
    be64_put(out + 24, record->view);
    be64_put(out + 32, record->height);
    be64_put(out + 40, record->committed_height);
    memcpy(out + 48, record->committed_hash.bytes, 32);
    memcpy(out + 80, previous->bytes, 32);
    be32_put(out + 112, (uint32_t)record->payload.size);
    if (record->payload.size > 0) {
        memcpy(out + RECORD_HEADER_SIZE, record->payload.data, record->payload.size);
    }
    record_digest(digest, owner, out, size);
    memcpy(out + size, digest->bytes, 32);
    return journal_whole_blocks(size + 32);
}

bool journal_head_decode(const uint8_t head[BLOCK], uint32_t copy, uint8_t owner[OWNER_SIZE],
                         uint64_t *incarnation)
{
    uint8_t expected[BLOCK];
    memcpy(owner, head + 16, OWNER_SIZE);
    *incarnation = be64_get(owner + 65);
    journal_head_encode(expected, owner, copy);
    return memcmp(expected, head, BLOCK) == 0;
}

bool journal_record_begun(const uint8_t block[BLOCK], uint64_t *counter)
{
    *counter = be64_get(block + 8);
    return memcmp(block, record_magic, 4) == 0;
}

bool journal_record_at(const uint8_t *image, size_t offset, const uint8_t owner[OWNER_SIZE],
                       uint64_t *counter, size_t *size)
{
    const uint8_t *record = image + offset;
    struct hash32 digest;
    if (FILE_SIZE - offset < BLOCK || memcmp(record, record_magic, 4) != 0 ||
        be32_get(record + 4) != FORMAT_VERSION) {
        return false;
    }
    size_t payload = be32_get(record + 112);
    if (payload > VOTE_JOURNAL_PAYLOAD_SIZE_MAX ||
        journal_whole_blocks(RECORD_HEADER_SIZE + payload + 32) > FILE_SIZE - offset) {
        return false;
    }
    record_digest(&digest, owner, record, RECORD_HEADER_SIZE + payload);
    if (memcmp(digest.bytes, record + RECORD_HEADER_SIZE + payload, 32) != 0) {
        return false;
    }
    *counter = be64_get(record + 8);
    *size = journal_whole_blocks(RECORD_HEADER_SIZE + payload + 32);
    return true;
}

bool journal_read(int file, uint8_t *out, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(file, out + at, size - at, (off_t)at);
        if (got <= 0) {
            return false;
        }
        at += (size_t)got;
    }
    return true;
}

bool journal_write(int file, const uint8_t *data, size_t size, size_t offset)
{
    for (size_t at = 0; at < size;) {
        ssize_t put = pwrite(file, data + at, size - at, (off_t)(offset + at));
        if (put <= 0) {
            return false;
        }
        at += (size_t)put;
    }
    return fdatasync(file) == 0;
}
