/* The bytes of a vote journal (README.md has the tables). Private to vote_journal*.c. */
#ifndef XUELIAN_LEDGER_VOTE_JOURNAL_FORMAT_H
#define XUELIAN_LEDGER_VOTE_JOURNAL_FORMAT_H

#include "ledger/store/vote_journal.h"

enum {
    COPIES = 2,
    BLOCK = VOTE_JOURNAL_BLOCK_SIZE,
    FILE_SIZE = VOTE_JOURNAL_FILE_SIZE,
    OWNER_SIZE = 32 + 33 + 8, /* chain id, key, incarnation */
    RECORD_HEADER_SIZE = 4 + 4 + 5 * 8 + 32 + 32 + 4,
    RECORD_SIZE_MAX = RECORD_HEADER_SIZE + VOTE_JOURNAL_PAYLOAD_SIZE_MAX + 32
};

extern const char *const journal_copy_names[COPIES];

static inline size_t journal_whole_blocks(size_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

void journal_owner_encode(uint8_t out[OWNER_SIZE], const struct hash32 *chain_id,
                          const struct pubkey33 *key, uint64_t incarnation);
/* Reads the head of a copy. False: it is not one, or damaged. Out *incarnation, owner. */
bool journal_head_decode(const uint8_t head[BLOCK], uint32_t copy, uint8_t owner[OWNER_SIZE],
                         uint64_t *incarnation);
void journal_head_encode(uint8_t out[BLOCK], const uint8_t owner[OWNER_SIZE], uint32_t copy);
/* Out: whole blocks of RECORD_SIZE_MAX at most; the record's digest. Returns the size. */
size_t journal_record_encode(uint8_t *out, const uint8_t owner[OWNER_SIZE],
                             const struct vote_record *record, const struct hash32 *previous,
                             struct hash32 *digest);
/* True when a block begins like a record, whole or not. Out *counter. */
bool journal_record_begun(const uint8_t block[BLOCK], uint64_t *counter);
/* Whether a whole, genuine record is at an offset of an image of FILE_SIZE. Out *counter, *size. */
bool journal_record_at(const uint8_t *image, size_t offset, const uint8_t owner[OWNER_SIZE],
                       uint64_t *counter, size_t *size);

bool journal_read(int file, uint8_t *out, size_t size);
/* Writes and syncs. */
bool journal_write(int file, const uint8_t *data, size_t size, size_t offset);

#endif
