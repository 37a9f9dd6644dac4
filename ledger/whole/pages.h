/* The pages of one collection, held against its leaves as they come. */
#ifndef XUELIAN_LEDGER_PAGES_H
#define XUELIAN_LEDGER_PAGES_H

#include "ledger/state/merkle_array.h"
#include "ledger/whole/cursor.h"
#include "ledger/whole/maker.h"

enum { PAGE_LEVELS_MAX = 16 };

struct page_level {
    struct cursor stored;
    uint64_t page;
    uint32_t count;
    struct hash32 nodes[MERKLE_ARRAY_PAGE];
};

struct page_scan {
    uint32_t collection;
    uint32_t levels;
    struct page_level level[PAGE_LEVELS_MAX];
    struct hash32 root;
    struct whole_report *report;
    struct maker *maker; /* pages are made, not compared; NULL: compared */
};

/* Levels that a collection of that many leaves has. */
uint32_t page_levels(uint64_t count);

/* 'N' collection level page. */
struct state_key page_key(uint32_t collection, uint8_t level, uint64_t page);

void page_scan_open(struct page_scan *scan, struct kv *kv, const struct kv_snapshot *snapshot,
                    uint32_t collection, uint64_t count, struct whole_report *report,
                    struct maker *maker);
/* The hash of the next leaf. Returns ST_OK; ST_CORRUPT, with the report. */
enum status page_scan_leaf(struct page_scan *scan, const struct hash32 *hash);
/* After the last leaf: the root that they give, and nothing else is stored. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status page_scan_end(struct page_scan *scan, struct hash32 *root);
void page_scan_close(struct page_scan *scan);

#endif
