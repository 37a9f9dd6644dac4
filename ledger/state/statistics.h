/* Statistics (统计): what was learned, by year, region, kind and level, kept as blocks are applied and part of the
 * state, so that each cell can be proved.
 *
 * An outcome counts in the cells of its region (the course's, never the learner's home) and of every region above
 * it, in the year of its award: in the cell of its kind and level, and in the cell 0, 0 of all kinds and levels.
 * `learners` of a cell is the number of accounts with an outcome that counts in it, so it is never added up across
 * cells. Cells are in the order of their first touch, lowest region first; zero cells stay.
 * One owner thread (the executor). */
#ifndef XUELIAN_LEDGER_STATISTICS_H
#define XUELIAN_LEDGER_STATISTICS_H

#include "ledger/state/state.h"

/* *code: OK, or STATISTICS_FULL when the account has outcomes of LIMIT_ACCOUNT_CELLS_MAX different combinations of
 * region, kind and level in that year and this would be one more. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status statistics_check(struct state *state, const struct account *account,
                             const Xuelian__Outcome *outcome, uint32_t *code);

/* An outcome of the account starts or stops counting. Returns ST_OK; ST_CORRUPT, ST_IO.
 * Cost  at most 16 cells, in memory until the block ends. */
enum status statistics_outcome(struct state *state, const struct account *account,
                               const Xuelian__Outcome *outcome, bool add);
/* One that no longer counts was revoked; a correction of a revoked one does not exist. */
enum status statistics_revoked(struct state *state, const Xuelian__Outcome *outcome);

/* In the cells 0, 0 of a region and those above it, in a year: an account opened there; points earned (add) or taken
 * back; a conversion granted (add) or taken back, with the credits that it gave. */
enum status statistics_account(struct state *state, uint32_t region, uint32_t year);
enum status statistics_points(struct state *state, uint32_t region, uint32_t year, uint64_t points,
                              bool add);
enum status statistics_conversion(struct state *state, uint32_t region, uint32_t year,
                                  uint64_t credits, bool add);

/* ---- For state.c ---- */

struct statistics;
struct statistics *statistics_new(void);
/* Writes every cell touched to its collection. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status statistics_finish(struct statistics *statistics, struct state *state);
void statistics_free(struct statistics *statistics);

#endif
