/* The statistics of a year at a view, and what of them may be shown to anyone. Any thread. */
#ifndef XUELIAN_LEDGER_STATISTICS_VIEW_H
#define XUELIAN_LEDGER_STATISTICS_VIEW_H

#include "ledger/disclosure.h"
#include "ledger/view.h"

struct statistics_year {
    Xuelian__StatisticsCell *cells; /* ascending region, kind, level */
    size_t cell_count;
    struct disclosure_region *regions; /* those that a cell names, ascending */
    enum disclosure *hides;            /* of each */
    size_t region_count;
    uint64_t least; /* learners that must be behind what anyone may see */
};

/* Reads all cells of a year and decides. whole: everything is shown.
 * Returns  ST_OK; ST_CORRUPT, ST_IO.  Out  *year  freed by statistics_year_free.
 * Cost     about 1 us a cell, those of other years included. */
enum status statistics_year_read(const struct ledger_view *view, uint32_t number, bool whole,
                                 struct statistics_year *year);
void statistics_year_free(struct statistics_year *year);

/* What is shown of a region; one without cells has zeros alone, which are shown. */
enum disclosure statistics_year_shows(const struct statistics_year *year, uint32_t region);

#endif
