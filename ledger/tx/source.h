/* Outcomes as conversions and points take them under a rule. */
#ifndef XUELIAN_LEDGER_TX_SOURCE_H
#define XUELIAN_LEDGER_TX_SOURCE_H

#include "ledger/state/counts.h"
#include "ledger/tx/outcome.h"
#include "ledger/tx/records.h"

/* What the rule counts of an outcome: hundredths of credits or of hours, or 1. */
uint32_t rule_amount(const Xuelian__Rule *rule, const Xuelian__Outcome *outcome);
/* Kind, course, level, issuer, grade band and age on a date. */
bool rule_takes(const Xuelian__Rule *rule, const Xuelian__Outcome *outcome, uint32_t date);
/* floor(amount * ratio_num / ratio_den). amount: of at most LIMIT_CONVERSION_SOURCES_MAX outcomes. */
uint64_t rule_gives(const Xuelian__Rule *rule, uint64_t amount);

/* An outcome of the account in its newest version.
 * *code: OK; UNKNOWN_ITEM; SOURCE_NOT_VALID (neither valid nor corrected); OUTCOME_EXPIRED, on the date given;
 * SOURCE_NOT_ACCEPTED, its age taken on `age_date`; in this order.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Out  *item, and *outcome in the arena (OUTCOME_MEMORY_SIZE). */
enum status source_read(struct state *state, const struct account *account,
                        const Xuelian__Rule *rule, uint64_t number, uint32_t date,
                        uint32_t age_date, struct item *item, struct arena *arena,
                        const Xuelian__Outcome **outcome, uint32_t *code);

/* What of an item is used already, as far as a conversion rule is concerned: by consuming conversions, what they used of
 * the other basis as the same share of this one, rounded up; and by its own series.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status source_used(struct state *state, const struct account *account,
                        const Xuelian__Rule *rule, uint64_t item, const Xuelian__Outcome *outcome,
                        uint64_t *used);
/* Adds to what is used, or takes it away. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status source_use(struct state *state, const struct account *account,
                       const Xuelian__Rule *rule, uint64_t item, uint64_t used, bool add);

#endif
