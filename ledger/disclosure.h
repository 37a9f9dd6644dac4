/* Which statistics may be shown to anyone, so that no number stands for fewer than `least` learners (披露控制).
 *
 * The cells of a year are a table: a row for each region, a column for each kind and level, and the cell 0, 0 as the sum
 * of its row; a region is the sum of the regions below it and of what was learned in it directly. What is hidden must not
 * follow from what is shown by subtraction. So whole rows are hidden, or their split into kinds and levels:
 *
 *   - a row's split is hidden when one of its cells is small (not zero, and of fewer than `least` learners), all of it
 *     when its cell 0, 0 is;
 *   - where a region shows what some region below it hides, at least two below it hide it, and no sum over all that
 *     hide it is small: the smallest others are hidden too, or, when there are no more, the region above;
 *   - where a region hides what all below it show, the smallest of these hides it as well;
 *   - what was learned in a region directly is treated as one more below it, which is never shown.
 *
 * Why that suffices: every hidden row has a hidden one below it, down to one without regions below, and a hidden one
 * beside it or above it; so some number can be moved between two of them without changing anything that is shown.
 * Nothing is said about comparing two points in time. Pure; allocates and gives back. Any thread. */
#ifndef XUELIAN_LEDGER_DISCLOSURE_H
#define XUELIAN_LEDGER_DISCLOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/ledger.pb-c.h"

struct disclosure_region {
    uint32_t code;
    uint32_t parent; /* 0: none */
};

enum disclosure {
    DISCLOSURE_ALL,
    DISCLOSURE_TOTAL, /* the cell 0, 0 alone */
    DISCLOSURE_NOTHING
};

/* Decides for each region of a year.
 * In   regions  every region that a cell names, ascending code; parents among them.
 *      cells    all of that year; kinds up to 9, levels up to 10.   least  1 or 0: all is shown.
 * Out  out      one for each region.
 * Cost  about 1 us a cell; a few passes over the regions. */
void disclosure_decide(enum disclosure *out, const struct disclosure_region *regions,
                       size_t region_count, const Xuelian__StatisticsCell *cells, size_t cell_count,
                       uint64_t least);

/* Whether a cell is among what is shown of its region. */
bool disclosure_shows(enum disclosure of_region, uint32_t kind);

#endif
