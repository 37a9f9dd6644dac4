/* Writing the report: what its parts share. Each sentence stands where it is said, in both languages. */
#ifndef XUELIAN_VERIFY_REPORT_H
#define XUELIAN_VERIFY_REPORT_H

#include "ledger/verify/text.h"
#include "ledger/verify/xuelian_verify.h"

struct report {
    struct text text;
    const struct verify_result *result;
    enum verify_language language;
};

void say(struct report *r, const char *english, const char *chinese);
void say_pair(struct report *r, const char *const pair[2]);
void say_number(struct report *r, uint64_t number);
/* A name in the report's language, else in the other, else nothing. */
bool say_name(struct report *r, const struct verify_name *name);
/* 1 to VERIFY_OUTCOME_KINDS; 0: all of them. */
void say_outcome_kind(struct report *r, uint32_t kind);
void say_member(struct report *r, uint32_t member, const struct verify_name *name);

/* report_block.c: a transaction: what holds in one line, all of it, and what is not proved. */
void report_transaction_head(struct report *r);
void report_transaction(struct report *r);
void report_transaction_open(struct report *r);
/* report_content.c: what an item of another kind than outcome says; who signed what made it. */
void report_content(struct report *r, const struct verify_item *item);
void report_parties(struct report *r, const struct verify_item *item);

/* report_statistics.c: likewise. */
void report_statistics_head(struct report *r);
void report_statistics(struct report *r);
void report_statistics_open(struct report *r);

/* report_equivocation.c: likewise. */
void report_equivocation(struct report *r);
void report_equivocation_open(struct report *r);
/* report_conversion.c: a conversion decided again: what holds in one line, all of it, and what is not proved. */
void report_conversion_head(struct report *r);
void report_conversion_proof(struct report *r);
void report_conversion_open(struct report *r);

/* report_details.c: the lines under a record. */
void report_details(struct report *r, const struct verify_item *item);

#endif
