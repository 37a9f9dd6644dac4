/* What the parts of whole_check_state share. */
#ifndef XUELIAN_LEDGER_CHECK_INTERNAL_H
#define XUELIAN_LEDGER_CHECK_INTERNAL_H

#include "ledger/whole/check.h"
#include "ledger/whole/cursor.h"
#include "ledger/whole/derive.h"
#include "ledger/whole/maker.h"
#include "ledger/whole/registry.h"

/* Two large sets are equal when the sums of a keyed hash over their members are: neither needs to be in the other's
 * order. The key is random, so that nobody can make sets that differ and agree. */
struct sum {
    uint64_t lanes[4];
};

struct cell_table;

struct check {
    const struct ledger_view *view;
    struct whole_report *report;
    struct registry_tables *tables;
    uint8_t secret[32];
    struct sum identities; /* that outcomes hold, from the items */
    struct cell_table *cells;
    uint32_t date; /* of the view's block */
    uint32_t (*date_of)(void *context, uint64_t height);
    void *context;
    struct maker *maker; /* what follows is made, not compared; NULL: compared */
    bool dates_known;    /* date_of has told all that it was asked */
};

void sum_add(const struct check *check, struct sum *sum, char what, struct bytes a, struct bytes b);
bool sum_equal(const struct sum *a, const struct sum *b);

/* check_accounts.c: the records, items and indexes of accounts, in step with their leaves. */
struct account_scan;
struct account_scan *account_scan_new(struct check *check);
void account_scan_free(struct account_scan *scan);
/* The account at the next position, with its leaf. */
enum status account_scan_next(struct account_scan *scan, uint64_t position,
                              const struct merkle_leaf *leaf);
/* Nothing is left over. */
enum status account_scan_end(struct account_scan *scan);

/* check_statistics.c */
struct cell_table *cell_table_new(void);
void cell_table_free(struct cell_table *table);
void cell_table_add(struct cell_table *table, const struct derive_cell *cell);
/* An account opened in a region, in a year. */
void cell_table_opened(struct cell_table *table, const struct derive_tables *tables,
                       uint32_t region, uint32_t year);
/* A stored cell is what the sums say. accounts: whether those opened were counted. */
bool cell_table_match(struct cell_table *table, const Xuelian__StatisticsCell *stored,
                      bool accounts);
/* Whether some sum that is not zero has no stored cell. accounts: as above. Out key. */
bool cell_table_left(const struct cell_table *table, bool accounts, uint8_t key[16]);

#endif
