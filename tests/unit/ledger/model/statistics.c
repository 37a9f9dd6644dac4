/* Section 17: what is counted is made anew from all items; only the order of first touch is kept. */
#include <string.h>

#include "proto/bytes.h"
#include "tests/unit/ledger/model/model.h"

static const Xuelian__Region *region_of(const struct model *m, uint32_t code)
{
    uint8_t key[4];
    be32_put(key, code);
    return AS(Region, model_get(m, 2, key, 4));
}

static void touch(struct model *m, uint32_t year, uint32_t region, uint32_t kind, uint32_t level)
{
    for (uint32_t i = 0; i < m->cell_count; i++) {
        const struct model_cell *cell = &m->cells[i];
        if (cell->year == year && cell->region == region && cell->kind == kind &&
            cell->level == level) {
            return;
        }
    }
    GROW(m->cells, m->cell_count, m->cell_room);
    m->cells[m->cell_count++] =
        (struct model_cell){.year = year, .region = region, .kind = kind, .level = level};
}

/* The region after this one on the way up; 0: none. */
static uint32_t above(const struct model *m, uint32_t region)
{
    const Xuelian__Region *of = region_of(m, region);
    return of != NULL && region_of(m, of->parent) != NULL ? of->parent : 0;
}

void touch_region(struct model *m, uint32_t region, uint32_t year)
{
    uint32_t at = region_of(m, region) != NULL ? region : 0;
    for (uint32_t i = 0; i < 8 && at != 0; i++, at = above(m, at)) {
        touch(m, year, at, 0, 0);
    }
}

static bool knows_cell(const struct model_account *account, const uint32_t cell[4])
{
    bool known = false;
    for (uint32_t i = 0; i < account->cell_count; i++) {
        known = known || memcmp(account->cells[i], cell, 16) == 0;
    }
    return known;
}

void touch_outcome(struct model *m, struct model_account *account, const Xuelian__Outcome *outcome)
{
    uint32_t year = outcome->award_date / 10000;
    uint32_t cell[4] = {year, outcome->region, (uint32_t)outcome->kind, outcome->level};
    uint32_t at = outcome->region;
    if (!knows_cell(account, cell)) {
        GROW(account->cells, account->cell_count, account->cell_room);
        memcpy(account->cells[account->cell_count++], cell, sizeof cell);
    }
    for (uint32_t i = 0; i < 8 && at != 0; i++, at = above(m, at)) {
        touch(m, year, at, (uint32_t)outcome->kind, outcome->level);
        touch(m, year, at, 0, 0);
    }
}

bool statistics_full(const struct model_account *account, const Xuelian__Outcome *outcome)
{
    uint32_t cell[4] = {outcome->award_date / 10000, outcome->region, (uint32_t)outcome->kind,
                        outcome->level};
    uint32_t count = 0;
    for (uint32_t i = 0; i < account->cell_count; i++) {
        count += account->cells[i][0] == cell[0];
    }
    return count >= 64 && !knows_cell(account, cell);
}

static bool is_in(const struct model *m, uint32_t region, uint32_t wanted)
{
    bool in = false;
    for (uint32_t i = 0; i < 8 && region != 0; i++, region = above(m, region)) {
        in = in || region == wanted;
    }
    return in;
}

static void count_outcome(const struct model *m, const struct model_cell *cell,
                          const struct model_item *item, Xuelian__StatisticsCell *sum,
                          bool *learner)
{
    const Xuelian__Outcome *outcome = AS(Outcome, item->content);
    bool here = outcome->award_date / 10000 == cell->year &&
                is_in(m, outcome->region, cell->region) &&
                (cell->kind == 0 ||
                 (cell->kind == (uint32_t)outcome->kind && cell->level == outcome->level));
    if (here && still_counts(item)) {
        sum->outcomes++;
        sum->credits += outcome->credits;
        sum->hours += outcome->hours;
        *learner = true;
    }
    sum->revoked += here && item->status == REVOKED;
}

/* Points and conversions: in the cell of all kinds alone. */
static void count_granted(const struct model *m, const struct model_cell *cell,
                          const struct model_item *item, Xuelian__StatisticsCell *sum)
{
    if (item->kind == POINTS) {
        const Xuelian__PointsEntry *lot = AS(PointsEntry, item->content);
        if (lot->type != 2 && lot->date / 10000 == cell->year &&
            is_in(m, lot->region, cell->region)) {
            sum->points += (lot->type == 1 ? lot->points : 0) - (uint64_t)lot->reversed;
        }
    } else if (item->kind == CONVERSION && (item->status == VALID || item->status == REVIEW)) {
        const Xuelian__Conversion *conversion = AS(Conversion, item->content);
        if (conversion->decided_date / 10000 == cell->year &&
            is_in(m, conversion->region, cell->region)) {
            sum->conversions++;
            sum->converted_credits += conversion->credits;
        }
    }
}

Xuelian__StatisticsCell *model_cell_value(const struct model *m, const struct model_cell *cell)
{
    static Xuelian__StatisticsCell sum;
    xuelian__statistics_cell__init(&sum);
    sum.year = cell->year;
    sum.region = cell->region;
    sum.kind = (Xuelian__OutcomeKind)cell->kind;
    sum.level = cell->level;
    for (uint32_t i = 0; i < m->account_count; i++) {
        const struct model_account *account = m->accounts[i];
        bool learner = false;
        for (uint64_t k = 0; k < account->item_count; k++) {
            if (account->items[k].kind == OUTCOME) {
                count_outcome(m, cell, &account->items[k], &sum, &learner);
            } else if (cell->kind == 0) {
                count_granted(m, cell, &account->items[k], &sum);
            }
        }
        sum.learners += learner;
        sum.accounts += cell->kind == 0 && account->opened_year == cell->year &&
                        is_in(m, account->region, cell->region);
    }
    return &sum;
}
