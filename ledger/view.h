/* The committed state at one height, for queries and proofs.
 *
 * A view is a snapshot: it stays what it was while blocks are applied. Any thread may open and use one;
 * one view is used by one thread at a time. */
#ifndef XUELIAN_LEDGER_VIEW_H
#define XUELIAN_LEDGER_VIEW_H

#include "ledger/state/account.h"
#include "ledger/state/merkle_array.h"
#include "ledger/store/kv.h"
#include "proto/block.h"

struct ledger_view {
    struct kv *kv;
    struct kv_snapshot *snapshot;
    struct header header; /* the tip at that moment */
    struct hash32 hash;
};

/* Returns ST_OK; ST_CORRUPT, ST_IO. Closed by ledger_view_close. */
enum status ledger_view_open(struct ledger_view *view, struct kv *kv);
void ledger_view_close(struct ledger_view *view);

/* A registry record by its natural key. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO.
 * Out  *value  malloc'ed, the caller kv_frees it. */
enum status ledger_view_record(const struct ledger_view *view, uint32_t collection,
                               struct bytes natural_key, uint8_t **value, size_t *size);

/* An account with its position. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO. */
enum status ledger_view_account(const struct ledger_view *view, const struct hash32 *learner,
                                struct account *account);

/* The newest version of an item, 1 to account.items.size. As ledger_view_record. */
enum status ledger_view_item(const struct ledger_view *view, uint64_t account_position,
                             uint64_t number, uint8_t **version, size_t *size);

/* A version before the newest. As ledger_view_record. */
enum status ledger_view_older(const struct ledger_view *view, uint64_t account_position,
                              uint64_t number, uint32_t version, uint8_t **bytes, size_t *size);

/* Where a transaction is. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO.
 * Out  *result  canonical TxResult, malloc'ed, freed with kv_free; NULL when not wanted. */
struct tx_place {
    uint64_t height;
    uint32_t index;
    uint32_t code;
};
enum status ledger_view_tx(const struct ledger_view *view, const struct hash32 *id,
                           struct tx_place *place, uint8_t **result, size_t *result_size);

/* The transaction that recorded evidence: the same offence, whoever brought it and with whichever signatures.
 * In   payload  canonical Evidence (kind 77).
 * Returns  ST_OK with *tx_id; ST_NOT_FOUND; ST_BAD_EVIDENCE: it shows no offence; ST_CORRUPT, ST_IO. */
enum status ledger_view_evidence(const struct ledger_view *view, struct bytes payload,
                                 struct hash32 *tx_id);

#endif
