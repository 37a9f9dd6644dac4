/* What deposits, applications, corrections, recognitions and conversions share about outcomes. */
#ifndef XUELIAN_LEDGER_TX_OUTCOME_H
#define XUELIAN_LEDGER_TX_OUTCOME_H

#include "ledger/tx/rules.h"

enum {
    OUTCOME_CREDITS_MAX = 100000, /* 1,000 credits in one outcome */
    OUTCOME_HOURS_MAX = 2000000,  /* 20,000 hours */
    OUTCOME_GRADE_BAND_MAX = 9,
    OUTCOME_LEVEL_MAX = 10
};

/* ---- Rules of its content, in this order (docs/protocol.md section 12) ---- */

/* Kind, grade band, level, course, dates, amounts; the source is any that is there.
 * Returns OK or the code. */
uint32_t outcome_check_fields(const struct block_context *context, const Xuelian__Outcome *outcome);
/* Who is named as recognising is the second of two signers; named none, one signs alone and the source is not a
 * platform. Returns OK or the code. */
uint32_t outcome_check_signers(const struct tx *tx, const Xuelian__Outcome *outcome);
/* The issuer's scope, the region, the recognising member, the course. before: what it corrects, or NULL; what a
 * correction leaves as it was is not held against the registries of today.
 * Returns ST_OK, with *code; ST_CORRUPT, ST_IO. */
enum status outcome_check_registries(struct state *state, const Xuelian__Outcome *outcome,
                                     const Xuelian__Outcome *before, uint32_t *code);

/* ---- What makes two outcomes of an issuer the same ---- */

/* Equal reference tags; without a tag, equal account, course and award date. */
void outcome_identity(struct hash32 *identity, const Xuelian__Outcome *outcome);
/* *code: OK, or DUPLICATE when an outcome that is not revoked has that identity. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status outcome_check_identity(struct state *state, const struct hash32 *identity,
                                   uint32_t *code);
/* The item holds the identity from now on, or nothing does. */
void outcome_take_identity(struct state *state, const struct hash32 *identity,
                           const struct account *account, uint64_t item);
void outcome_free_identity(struct state *state, const struct hash32 *identity);

/* ---- Counting: the one place where an outcome starts and stops counting in the account's totals ---- */

/* Whether the account's totals and statistics hold `outcome` in place of `before` (or NULL). *code: OK; OVERFLOW,
 * STATISTICS_FULL. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status outcome_check_totals(struct state *state, const struct account *account,
                                 const Xuelian__Outcome *outcome, const Xuelian__Outcome *before,
                                 uint32_t *code);
/* Adds it to the totals and statistics, or takes it out. It was checked. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status outcome_count(struct state *state, const struct block_context *context,
                          struct account *account, const Xuelian__Outcome *outcome, bool add);

/* ---- As what something else rests on ---- */

/* Judged when it is used, never stored: the date is after expiry_date. */
bool outcome_expired(const Xuelian__Outcome *outcome, uint32_t date);

/* Room for a decoded Outcome, with all its fields set (canonical_decode). */
#define OUTCOME_MEMORY_SIZE 2048u

/* An outcome read from its item. The memory holds what `wire` points at. */
struct outcome {
    const Xuelian__Outcome *wire;
    uint64_t memory[OUTCOME_MEMORY_SIZE / 8];
};

/* Decodes the content of an item of kind outcome. Returns ST_OK; ST_CORRUPT. */
enum status outcome_read(const struct item *item, struct outcome *outcome);
/* True when a member is the issuer of such an item, or stands for it. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status outcome_answered_by(struct state *state, const struct item *item, uint32_t member,
                                bool *answers);

/* An outcome that something may rest on, named by number and version. *code: OK; UNKNOWN_ITEM, WRONG_VERSION,
 * WRONG_STATE (neither valid nor corrected), OUTCOME_EXPIRED, in this order.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Out *item, *outcome. */
enum status outcome_source(struct state *state, const struct block_context *context,
                           const struct account *account, uint64_t number,
                           const ProtobufCBinaryData *version_hash, struct item *item,
                           struct outcome *outcome, uint32_t *code);

#endif
