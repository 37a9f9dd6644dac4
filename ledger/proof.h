/* Building proofs from a view (proto/proof.proto; what they prove: docs/protocol.md).
 * What checks them is ledger/verify, which shares no code with this. Any thread. */
#ifndef XUELIAN_LEDGER_PROOF_H
#define XUELIAN_LEDGER_PROOF_H

#include "ledger/store/block_log.h"
#include "ledger/view.h"

/* What certifies the view's header: its certificate, and the set changes from genesis on (none here when
 * the genesis set certifies it). Borrowed. */
struct proof_anchor {
    struct bytes certificate;        /* canonical, COMMIT, of the view's header */
    const struct bytes *set_changes; /* canonical SetChange each, ascending */
    uint32_t set_change_count;
};

/* Where a proof takes the issuers' transactions from; NULL: without the issuers' signatures.
 * Returns ST_OK with malloc'ed bytes of the envelope at that place, freed by the builder with free();
 * anything else leaves the signature out. Of signers whose keys genesis does not tell, or tells wrong by now, the proof
 * brings their records. */
struct proof_details;

struct proof_source {
    /* NULL: without the issuers' signatures. */
    enum status (*get_tx)(void *context, uint64_t height, uint32_t index, uint8_t **bytes,
                          size_t *size);
    void *context;
    const Xuelian__Genesis
        *genesis; /* of whoever verifies; NULL: every signer's record is brought */
    const struct proof_details *details; /* NULL: none are shown */
};

/* Which details an item's proof shows, and where they are. */
struct proof_details {
    /* The canonical Details of a version, malloc'ed, freed with free(); anything but ST_OK leaves them out. */
    enum status (*get)(void *context, struct bytes version, uint8_t **bytes, size_t *size);
    void *context;
    bool all;
    uint32_t count;
    uint32_t numbers[LIMIT_DETAILS_MAX];
};

/* One item of an account with its status at the view's height.
 * Returns  ST_OK; ST_NOT_FOUND (account or item); ST_CORRUPT, ST_IO; ST_NO_MEMORY.
 * Out      *proof  malloc'ed canonical Proof, the caller frees it. */
enum status proof_record(const struct ledger_view *view, const struct proof_anchor *anchor,
                         const struct proof_source *source, const struct hash32 *learner,
                         uint64_t item, uint8_t **proof, size_t *size);

/* Every item of an account. withhold: items (by number - 1) of which only the version hash is shown, or
 * NULL; when any is withheld the summary is left out too. Without `withhold` the archives of
 * accounts merged into it are in the proof. As proof_record. */
enum status proof_archive(const struct ledger_view *view, const struct proof_anchor *anchor,
                          const struct proof_source *source, const struct hash32 *learner,
                          const bool *withhold, uint8_t **proof, size_t *size);

/* That a conversion follows from its rule and its sources; with `whole` also that what stood before it is as it says,
 * through the whole archive.
 * Returns  ST_OK; ST_NOT_FOUND (account or item, or it is no conversion); ST_BAD_SIZE; ST_CORRUPT, ST_IO. */
enum status proof_conversion(const struct ledger_view *view, const struct proof_anchor *anchor,
                             const struct proof_source *source, const struct hash32 *learner,
                             uint64_t item, bool whole, uint8_t **proof, size_t *size);

/* That a collection has no such key. ST_CONFLICT when it has. */
enum status proof_absence(const struct ledger_view *view, const struct proof_anchor *anchor,
                          uint32_t collection, struct bytes natural_key, uint8_t **proof,
                          size_t *size);

/* That a transaction is in a block with its result, or, when it is not, that it is not in this block.
 * Returns  ST_OK; ST_NOT_FOUND (the block is above the view's header, or older than the history that this store has;
 *          or the transaction is in it and its result is not at hand); ST_BAD_SIZE; ST_CORRUPT, ST_IO.
 * In       block  of the chain, at the view's height or below. */
enum status proof_transaction(const struct ledger_view *view, const struct proof_anchor *anchor,
                              const struct stored_block *block, const struct hash32 *id,
                              uint8_t **proof, size_t *size);

/* The validator sets from genesis on, through the anchor's set changes, and that of the next height. ST_CORRUPT, ST_IO. */
enum status proof_set_history(const struct ledger_view *view, const struct proof_anchor *anchor,
                              uint8_t **proof, size_t *size);

/* Statistics. One cell; the whole table of a region and year (year and region alone are read); or the cells at
 * 2^height positions from start on, a multiple of that. Position 0 is the sentinel.
 * Returns  ST_OK; ST_NOT_FOUND (no such cell or position: a cell that is absent is zero, proof_absence says so);
 *          ST_BAD_SIZE (more than a proof holds); ST_CORRUPT, ST_IO. */
enum statistics_shape { STATISTICS_CELL, STATISTICS_TABLE, STATISTICS_RANGE };
struct statistics_query {
    enum statistics_shape shape;
    uint32_t year;
    uint32_t region;
    uint32_t kind;
    uint32_t level;
    uint64_t start;
    uint32_t height; /* at most 32 */
};
enum status proof_statistics(const struct ledger_view *view, const struct proof_anchor *anchor,
                             const struct statistics_query *query, uint8_t **proof, size_t *size);

/* The natural key of a cell. */
void statistics_natural_key(uint8_t key[16], uint32_t year, uint32_t region, uint32_t kind,
                            uint32_t level);

/* That a validator signed twice; whether the evidence shows it is the verifier's to say. ST_BAD_SIZE, ST_CORRUPT, ST_IO.
 * In   evidence  canonical Evidence, the payload of kind 77. */
enum status proof_equivocation(const struct ledger_view *view, const struct proof_anchor *anchor,
                               struct bytes evidence, uint8_t **proof, size_t *size);

#endif
