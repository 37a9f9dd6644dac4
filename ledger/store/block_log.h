/* The block log: committed blocks with bodies and certificates, and the proposals of the open height.
 *
 * A LevelDB of its own, so that keys ascend and compaction moves files. Written by the log thread alone;
 * read by any thread. Every block read is checked by hash: the header against the name asked for or the
 * chain, the bodies against the header's transaction root.
 *
 *   'M'                     chain id, node key
 *   'N'                     tip: height, header hash
 *   'A'                     base: height, peaks of the history before it; of a log that begins there
 *   'B' height              canonical Block
 *   'C' height              canonical Certified (header, certificate), for reading without bodies
 *   'H' header hash         height
 *   'P' height, hash        canonical Bodies: a proposal with bodies that this node voted for
 *   'V' era, view           canonical NewView that opened the view; kept for ever
 *   'S' height              canonical SetChange of a block that ended an era, by agreement or as the block of a
 *                           recovery; kept for ever */
#ifndef XUELIAN_LEDGER_BLOCK_LOG_H
#define XUELIAN_LEDGER_BLOCK_LOG_H

#include "ledger/store/kv.h"
#include "proto/block.h"
#include "proto/block.pb-c.h"
#include "proto/merkle.h"

struct block_log;

/* Over a store that the caller opened; it is closed with the log.
 * Returns  ST_OK; ST_FOREIGN (chain or key differ); ST_CORRUPT, ST_IO.
 * Out      *log; error  one sentence. On failure kv stays the caller's. */
enum status block_log_open(struct block_log **log, struct kv *kv, const struct hash32 *chain_id,
                           const struct pubkey33 *key, char *error, size_t error_size);
/* The same for whoever only reads, whose ever it is: only the chain is compared. */
enum status block_log_open_to_read(struct block_log **log, struct kv *kv,
                                   const struct hash32 *chain_id, char *error, size_t error_size);
void block_log_close(struct block_log *log);
/* The store beneath, for reading it as a whole. */
struct kv *block_log_kv(struct block_log *log);

/* The block that a log from a snapshot begins with, of which it has the header alone; height 0: it begins at genesis.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Out  *before  the history tree of the headers below it. */
enum status block_log_base(struct block_log *log, uint64_t *height, struct merkle_frontier *before);
/* Makes an empty log begin with a certified block. set_changes: canonical SetChange each, of heights up to its own.
 * Returns ST_OK; ST_CONFLICT: it is not empty; ST_CORRUPT (a SetChange); ST_IO. */
enum status block_log_begin(struct block_log *log, const struct header *header,
                            struct bytes certificate, const struct merkle_frontier *before,
                            const struct bytes *set_changes, uint32_t count);

/* The newest block. Height 0 with zero hash when none was written. Any thread. */
struct block_tip {
    uint64_t height;
    struct hash32 hash;
};
enum status block_log_tip(struct block_log *log, struct block_tip *tip);

/* Keeps a proposal with its bodies under the header hash its execution gave. Log thread. */
enum status block_log_put_proposal(struct block_log *log, uint64_t height,
                                   const struct hash32 *header_hash, struct bytes proposal,
                                   const struct bytes *txs, uint32_t count, bool sync);
/* Out *bodies: canonical Bodies, malloc'ed, freed with kv_free. ST_NOT_FOUND when not kept. */
enum status block_log_get_proposal(struct block_log *log, uint64_t height,
                                   const struct hash32 *header_hash, uint8_t **bodies,
                                   size_t *size);

/* Calls visit with the canonical Bodies of each proposal kept for a height; stops when it returns false. */
enum status block_log_each_proposal(struct block_log *log, uint64_t height,
                                    bool (*visit)(void *context, struct bytes bodies),
                                    void *context);

/* Appends a block, drops the proposals of its height.
 * Returns  ST_OK; ST_CONFLICT when height is not tip + 1 or its parent is not the tip; ST_IO (fatal).
 * In       set_change  canonical SetChange when the next set differs, else empty. */
enum status block_log_append(struct block_log *log, const struct header *header,
                             struct bytes certificate, const struct bytes *txs, uint32_t count,
                             struct bytes set_change, bool sync);
/* The same for the block of a recovery, which has no certificate and no transactions. The SetChange is made here:
 * the block before is in the log, or is block 0.
 * In       recovery  canonical SignedRecovery, checked.   base  header that it goes on from. */
enum status block_log_append_recovery(struct block_log *log, const struct header *header,
                                      struct bytes recovery, const struct header *base, bool sync);

/* A NEW-VIEW, kept for ever. */
enum status block_log_put_new_view(struct block_log *log, uint64_t era, uint64_t view,
                                   struct bytes new_view, bool sync);
enum status block_log_get_new_view(struct block_log *log, uint64_t era, uint64_t view,
                                   uint8_t **new_view, size_t *size);

/* Forces to disk what earlier calls wrote without sync. */
enum status block_log_sync(struct block_log *log);

/* A decoded block; everything points into memory. */
struct stored_block {
    struct header header;
    struct hash32 hash;
    struct bytes header_bytes;
    struct bytes certificate;
    struct bytes
        recovery; /* of a recovery's block; then there is neither certificate nor transaction */
    uint32_t tx_count;
    struct bytes *txs;
    struct hash32 *ids; /* of the transactions */
    struct bytes bytes; /* canonical Block */
    void *memory;
};

/* Reads and checks one block. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. */
enum status block_log_get(struct block_log *log, uint64_t height, struct stored_block *block);
void stored_block_free(struct stored_block *block);
/* Decodes and checks a block from a peer: form, header, bodies against the transaction root.
 * The bytes are copied. Returns ST_OK; ST_BAD_ENCODING and its like; ST_NO_MEMORY. */
enum status stored_block_decode(struct stored_block *block, struct bytes bytes);

/* Header and certificate alone: canonical Certified, freed with kv_free. The header is checked by hash.
 * Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. */
enum status block_log_get_certified(struct block_log *log, uint64_t height, uint8_t **certified,
                                    size_t *size);
/* Height of a header hash. */
enum status block_log_find(struct block_log *log, const struct hash32 *hash, uint64_t *height);

/* The SetChange of a height. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. Freed with kv_free. */
enum status block_log_get_set_change(struct block_log *log, uint64_t height, uint8_t **set_change,
                                     size_t *size);

/* Set changes from genesis up to a height, ascending: calls visit for each; stops when it returns false. */
enum status block_log_set_changes(struct block_log *log, uint64_t up_to,
                                  bool (*visit)(void *context, struct bytes set_change),
                                  void *context);

#endif
