/* The vote journal: what this node signed, on disk before it leaves (consensus.md, Durable state).
 *
 * Two copies, journal.a and journal.b, preallocated, each a 4 KiB file header and a ring of records at
 * 4 KiB boundaries. A record names chain and key by its file, and carries a counter, era, view, height, the
 * committed height and hash, the digest of the record before it, the payload and its own digest. Copy a is
 * written and synced before copy b is begun, so a crash tears at most one of them.
 *
 * A doubt never becomes a vote: anything at open that a crash of this program cannot have left is
 * ST_JOURNAL_LOST, and the node may only follow. README.md states the rule and its limits.
 * One thread at a time (the journal thread). */
#ifndef XUELIAN_LEDGER_VOTE_JOURNAL_H
#define XUELIAN_LEDGER_VOTE_JOURNAL_H

#include "proto/hash.h"
#include "proto/status.h"

#define VOTE_JOURNAL_PAYLOAD_SIZE_MAX (256u * 1024)
#define VOTE_JOURNAL_FILE_SIZE        (8u * 1024 * 1024)
#define VOTE_JOURNAL_BLOCK_SIZE       4096u

struct vote_journal;

struct vote_record {
    uint64_t counter; /* 0: the journal was created and nothing was voted yet */
    uint64_t era;
    uint64_t view;
    uint64_t height;
    uint64_t committed_height;
    struct hash32 committed_hash;
    struct bytes payload; /* the journal's, until the next append or close */
};

/* Makes both files in a directory, with record 0. The only way a journal comes to be.
 * Returns  ST_OK; ST_CONFLICT when either file exists; ST_IO.  Out error: one sentence. */
enum status vote_journal_create(const char *directory, const struct hash32 *chain_id,
                                const struct pubkey33 *key, uint64_t incarnation, char *error,
                                size_t error_size);

/* Removes what an interrupted vote_journal_create left: files in which no vote can ever have been.
 * Returns  ST_OK (nothing there, too); ST_CONFLICT: one may hold votes, nothing was removed; ST_IO. */
enum status vote_journal_unmake(const char *directory, char *error, size_t error_size);

/* The highest incarnation that the head of a copy names, whatever else is damaged.
 * Returns  ST_OK; ST_NOT_FOUND (no head can be read); ST_FOREIGN (another chain or key). */
enum status vote_journal_peek(const char *directory, const struct hash32 *chain_id,
                              const struct pubkey33 *key, uint64_t *incarnation);

/* Puts what is there of a journal aside, as journal.a.before-N, for a new one of incarnation N.
 * Returns  ST_OK; ST_IO. */
enum status vote_journal_retire(const char *directory, uint64_t incarnation, char *error,
                                size_t error_size);

/* Opens and reads both copies, heals one from the other where a crash explains the difference.
 * Returns  ST_OK; ST_LOCKED; ST_FOREIGN; ST_JOURNAL_LOST; ST_IO.
 * Out      *journal; error  one sentence on failure, and on success a notice when a copy was healed (else
 *          empty). */
enum status vote_journal_open(struct vote_journal **journal, const char *directory,
                              const struct hash32 *chain_id, const struct pubkey33 *key,
                              char *error, size_t error_size);
void vote_journal_close(struct vote_journal *journal);

uint64_t vote_journal_incarnation(const struct vote_journal *journal);
const struct vote_record *vote_journal_newest(const struct vote_journal *journal);

/* Appends to both copies and syncs them; counter is the journal's own.
 * Returns  ST_OK: on disk twice; ST_IO: end the process, every later append fails too. */
enum status vote_journal_append(struct vote_journal *journal, const struct vote_record *record);

#endif
