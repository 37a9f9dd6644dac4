/* What looking at a whole store has read, and the first thing that is wrong with it, in both languages. */
#ifndef XUELIAN_LEDGER_WHOLE_REPORT_H
#define XUELIAN_LEDGER_WHOLE_REPORT_H

#include "proto/status.h"
#include "proto/types.h"

#define WHOLE_TEXT_SIZE 768u

/* What has to be made again. */
enum whole_part { WHOLE_NOTHING, WHOLE_STATE, WHOLE_LOG, WHOLE_JOURNAL };

struct whole_report {
    /* Read so far. */
    uint64_t entries;
    uint64_t bytes;
    uint64_t blocks;
    uint64_t pruned; /* of them without bodies */
    uint64_t transactions;
    uint64_t records;
    uint64_t accounts;
    uint64_t items;
    uint64_t versions;
    /* The first damage. */
    enum whole_part part;
    char en[WHOLE_TEXT_SIZE];
    char zh[WHOLE_TEXT_SIZE];
    /* Called now and then, from the thread that reads; may be NULL. */
    void (*progress)(void *context, const struct whole_report *report, const char *what_en,
                     const char *what_zh, uint64_t done, uint64_t of);
    void *context;
};

/* Notes the first damage; what comes after it is not noted. Both sentences take the same arguments in the same order.
 * Returns ST_CORRUPT. */
enum status whole_damage(struct whole_report *report, enum whole_part part, const char *en,
                         const char *zh, ...) __attribute__((format(printf, 3, 5)))
__attribute__((format(printf, 4, 5)));

/* The same of one thing with a number: "block 12: why". Returns ST_CORRUPT. */
enum status whole_damage_pair(struct whole_report *report, enum whole_part part,
                              const char *what_en, const char *what_zh, uint64_t number,
                              const char *why_en, const char *why_zh);

/* Notes that something could not be read at all, unless a damage is noted already. Returns the status as it is, and
 * ST_CORRUPT for ST_NOT_FOUND. */
enum status whole_unread(struct whole_report *report, enum whole_part part, enum status status,
                         const char *what_en, const char *what_zh);

void whole_progress(struct whole_report *report, const char *what_en, const char *what_zh,
                    uint64_t done, uint64_t of);

#endif
