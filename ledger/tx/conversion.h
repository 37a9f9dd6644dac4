/* 转换: an application, what a rule makes of it, and how it is counted. The kinds of transaction are in conversion_apply.c
 * and conversion_decide.c. */
#ifndef XUELIAN_LEDGER_TX_CONVERSION_H
#define XUELIAN_LEDGER_TX_CONVERSION_H

#include "ledger/tx/source.h"

struct conversion_source {
    uint64_t item;
    struct hash32 version_hash;
    uint32_t used;
    uint32_t used_before;
};

/* A Conversion by value. */
struct conversion {
    uint32_t rule;
    uint32_t source_count;
    struct conversion_source sources[LIMIT_CONVERSION_SOURCES_MAX];
    uint32_t applied_date;
    uint32_t decided_date;
    uint32_t decided_by;
    uint32_t credits;
    uint64_t rule_total;
    uint64_t programme_total;
    uint32_t appeals;
    uint32_t region;
};

/* Content of an item. Out: out of ITEM_CONTENT_SIZE_MAX bytes. */
struct bytes conversion_encode(uint8_t *out, const struct conversion *conversion);
/* Returns ST_OK; ST_CORRUPT. */
enum status conversion_decode(struct conversion *conversion, const struct item *item);

/* How an evaluation looks at what it finds. */
struct conversion_review {
    const struct conversion *standing; /* counted now, and to be replaced; NULL: nothing */
    bool leave_out; /* sources that no longer hold are left out, and amounts cut to what is left */
};

/* What the rule makes of a conversion's sources in their newest versions: sets their hashes, what was used before,
 * totals and credits. Rule and ages are judged on applied_date, expiry on `date`.
 * *code: OK; of the first source at fault what source_read says, or SOURCE_USED; then NOTHING_EARNED, CEILING_REACHED.
 * With leave_out: SOURCE_NOT_VALID when no source is left, then the last two.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Changes nothing but *conversion. */
enum status conversion_evaluate(struct state *state, const struct account *account,
                                const Xuelian__Rule *rule, uint32_t date,
                                const struct conversion_review *review,
                                struct conversion *conversion, uint32_t *code);

/* Says who grants it: 0 by the rule alone, for the rule's owner. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status conversion_granted_by(struct state *state, const Xuelian__Rule *rule, uint32_t member,
                                  struct conversion *conversion);
/* A granted conversion starts to count under rule, programme and sources and in the statistics, or stops.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status conversion_count(struct state *state, const struct account *account,
                             const Xuelian__Rule *rule, const struct conversion *conversion,
                             bool add);
/* Room for one more dependent of each source; and the item rests on each. */
enum status conversion_dependents_check(struct state *state, const struct account *account,
                                        const struct conversion *conversion, uint32_t *code);
enum status conversion_dependents_add(struct state *state, const struct account *account,
                                      const struct conversion *conversion, uint64_t item);

#endif
