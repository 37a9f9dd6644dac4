/* What statistics are hidden. Small tables with their expected outcome, and random ones, attacked in three ways: by linear
 * algebra over everything that is shown, by bounds that tighten one another, and by looking at sums of what is hidden.
 * The attacker knows what was learned in each region directly, which is never shown. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/disclosure.h"

enum {
    LEAST = 5,
    REGIONS_MAX = 16,
    COLUMNS = 5, /* the cell 0, 0 and four kinds */
    PEOPLE = 60,
    ROUNDS = 6000
};

/* A table made of people who each have outcomes of some kind in some region. */
struct world {
    size_t regions;
    struct disclosure_region region[REGIONS_MAX];
    uint32_t outcomes[REGIONS_MAX][COLUMNS];
    uint32_t direct[REGIONS_MAX][COLUMNS];
    uint32_t people[REGIONS_MAX][COLUMNS];
    bool met[REGIONS_MAX][COLUMNS][PEOPLE];
    enum disclosure hides[REGIONS_MAX];
};

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static int parent_of(const struct world *w, size_t at)
{
    for (size_t i = 0; i < w->regions; i++) {
        if (w->region[i].code == w->region[at].parent) {
            return (int)i;
        }
    }
    return -1;
}

static void add_region(struct world *w, uint32_t code, uint32_t parent)
{
    assert_true(w->regions < REGIONS_MAX);
    w->region[w->regions++] = (struct disclosure_region){code, parent};
}

static void count(struct world *w, size_t region, uint32_t column, uint32_t person)
{
    if (!w->met[region][column][person]) {
        w->met[region][column][person] = true;
        w->people[region][column]++;
    }
    w->outcomes[region][column]++;
}

/* An outcome of a person in a region, and so in all above it. */
static void learn(struct world *w, size_t region, uint32_t kind, uint32_t person)
{
    w->direct[region][0]++;
    w->direct[region][kind]++;
    for (int at = (int)region; at >= 0; at = parent_of(w, (size_t)at)) {
        count(w, (size_t)at, 0, person);
        count(w, (size_t)at, kind, person);
    }
}

static void decide(struct world *w)
{
    Xuelian__StatisticsCell cells[REGIONS_MAX * COLUMNS];
    size_t cell_count = 0;
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            Xuelian__StatisticsCell *cell = &cells[cell_count];
            if (w->outcomes[i][column] > 0) {
                xuelian__statistics_cell__init(cell);
                cell->region = w->region[i].code;
                cell->kind = (Xuelian__OutcomeKind)column;
                cell->outcomes = w->outcomes[i][column];
                cell->learners = w->people[i][column];
                cell_count++;
            }
        }
    }
    disclosure_decide(w->hides, w->region, w->regions, cells, cell_count, LEAST);
}

static bool hidden(const struct world *w, size_t region, uint32_t column)
{
    return !disclosure_shows(w->hides[region], column);
}

/* So many people learn one thing each. */
static void group(struct world *w, size_t region, uint32_t kind, uint32_t first, uint32_t people)
{
    for (uint32_t i = 0; i < people; i++) {
        learn(w, region, kind, first + i);
    }
}

/* ---- Small tables ---- */

static struct world *city_of(size_t counties)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    add_region(w, 100, 0);
    for (size_t i = 0; i < counties; i++) {
        add_region(w, 101 + (uint32_t)i, 100);
    }
    return w;
}

static void expect_hides(struct world *w, const enum disclosure *expected)
{
    decide(w);
    for (size_t i = 0; i < w->regions; i++) {
        assert_int_equal(w->hides[i], expected[i]);
    }
    free(w);
}

static void test_nothing_small(void **state)
{
    (void)state;
    struct world *w = city_of(2);
    group(w, 1, 1, 0, 5);
    group(w, 2, 1, 5, 9);
    group(w, 2, 2, 20, 6);
    expect_hides(w, (enum disclosure[]){DISCLOSURE_ALL, DISCLOSURE_ALL, DISCLOSURE_ALL});
}

/* One county is small: the next smallest is hidden with it, the largest is shown. */
static void test_a_small_county(void **state)
{
    (void)state;
    struct world *w = city_of(3);
    group(w, 1, 1, 0, 2);
    group(w, 2, 1, 2, 20);
    group(w, 3, 1, 22, 8);
    expect_hides(w, (enum disclosure[]){DISCLOSURE_ALL, DISCLOSURE_NOTHING, DISCLOSURE_ALL,
                                        DISCLOSURE_NOTHING});
}

/* Two counties of one learner each: their sum would say as much, so a third is hidden. */
static void test_two_small_counties(void **state)
{
    (void)state;
    struct world *w = city_of(4);
    group(w, 1, 1, 0, 1);
    group(w, 2, 1, 1, 1);
    group(w, 3, 1, 2, 30);
    group(w, 4, 1, 32, 9);
    expect_hides(w, (enum disclosure[]){DISCLOSURE_ALL, DISCLOSURE_NOTHING, DISCLOSURE_NOTHING,
                                        DISCLOSURE_ALL, DISCLOSURE_NOTHING});
}

/* The only county is small: the city would say the same. */
static void test_the_only_county(void **state)
{
    (void)state;
    struct world *w = city_of(1);
    group(w, 1, 1, 0, 2);
    group(w, 0, 1, 10, 20);
    expect_hides(w, (enum disclosure[]){DISCLOSURE_NOTHING, DISCLOSURE_NOTHING});
}

/* A small kind in a large county: the split is hidden there and in another that has that kind. */
static void test_a_small_kind(void **state)
{
    (void)state;
    struct world *w = city_of(3);
    group(w, 1, 1, 0, 20);
    group(w, 1, 2, 20, 1);
    group(w, 2, 1, 30, 9);
    group(w, 3, 1, 40, 10);
    group(w, 3, 2, 50, 7);
    expect_hides(
        w, (enum disclosure[]){DISCLOSURE_ALL, DISCLOSURE_TOTAL, DISCLOSURE_ALL, DISCLOSURE_TOTAL});
}

/* What two people learned in the city itself is what the counties leave of it. */
static void test_learned_directly(void **state)
{
    (void)state;
    struct world *w = city_of(3);
    group(w, 0, 1, 0, 2);
    group(w, 1, 1, 10, 10);
    group(w, 2, 1, 20, 20);
    group(w, 3, 1, 40, 15);
    decide(w);
    assert_int_equal(w->hides[0], DISCLOSURE_ALL);
    assert_int_equal(w->hides[1], DISCLOSURE_NOTHING);
    assert_int_equal(w->hides[2], DISCLOSURE_ALL);
    assert_int_equal(w->hides[3], DISCLOSURE_NOTHING);
    free(w);
}

/* Accounts without outcomes have no learners behind them that could be many. */
static void test_accounts_alone(void **state)
{
    (void)state;
    const struct disclosure_region region = {100, 0};
    Xuelian__StatisticsCell cell = XUELIAN__STATISTICS_CELL__INIT;
    enum disclosure hides = DISCLOSURE_ALL;
    cell.region = 100;
    cell.accounts = 3;
    disclosure_decide(&hides, &region, 1, &cell, 1, LEAST);
    assert_int_equal(hides, DISCLOSURE_NOTHING);
    disclosure_decide(&hides, &region, 1, &cell, 1, 0);
    assert_int_equal(hides, DISCLOSURE_ALL);
    cell.accounts = 0; /* zero cells say nothing of anybody */
    disclosure_decide(&hides, &region, 1, &cell, 1, LEAST);
    assert_int_equal(hides, DISCLOSURE_ALL);
    disclosure_decide(&hides, &region, 1, NULL, 0, LEAST);
    assert_int_equal(hides, DISCLOSURE_ALL);
}

/* ---- Random tables ---- */

static struct world *random_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    uint32_t kinds = 1 + draw(COLUMNS - 1);
    add_region(w, 100, 0);
    uint32_t cities = draw(4);
    for (uint32_t i = 0; i < cities; i++) {
        add_region(w, 200 + i, 100);
    }
    for (uint32_t i = 0; i < cities; i++) {
        uint32_t counties = draw(4);
        for (uint32_t k = 0; k < counties; k++) {
            add_region(w, 300 + i * 10 + k, 200 + i);
        }
    }
    uint32_t outcomes = draw(120);
    uint32_t directly =
        draw(3); /* how often something is learned in a region that has some below */
    for (uint32_t i = 0; i < outcomes; i++) {
        size_t region = draw((uint32_t)w->regions);
        bool inner = false;
        for (size_t k = 0; k < w->regions; k++) {
            inner = inner || w->region[k].parent == w->region[region].code;
        }
        if (!inner || draw(4) < directly) {
            learn(w, region, 1 + draw(kinds) * draw(2) % kinds, draw(PEOPLE));
        }
    }
    decide(w);
    return w;
}

/* For whoever mends it: outcomes/learners of each cell. */
static void print_world(const struct world *w)
{
    for (size_t i = 0; i < w->regions; i++) {
        print_message("%u (of %u) hides %d:", (unsigned)w->region[i].code,
                      (unsigned)w->region[i].parent, (int)w->hides[i]);
        for (uint32_t column = 0; column < COLUMNS; column++) {
            print_message(" %u/%u", (unsigned)w->outcomes[i][column],
                          (unsigned)w->people[i][column]);
        }
        print_message("\n");
    }
}

/* ---- By linear algebra, over a field so large that chance plays no part ---- */

#define PRIME UINT64_C(1000000007)
enum { VARIABLES = REGIONS_MAX * COLUMNS, EQUATIONS = REGIONS_MAX + VARIABLES };

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent > 0; exponent >>= 1, base = base * base % PRIME) {
        result = (exponent & 1) != 0 ? result * base % PRIME : result;
    }
    return result;
}

struct system {
    size_t equations;
    uint64_t at[EQUATIONS][VARIABLES];
};

/* Whether anything was learned below: else what a region shows is what was learned there, and knowing that is knowing
 * the answer. */
static bool something_below(const struct world *w, size_t region)
{
    bool is = false;
    for (size_t k = 0; k < w->regions; k++) {
        is = is || (w->region[k].parent == w->region[region].code && w->outcomes[k][0] > 0);
    }
    return is;
}

static void put(const struct world *w, struct system *s, size_t region, uint32_t column,
                uint64_t by)
{
    if (hidden(w, region, column)) {
        s->at[s->equations][region * COLUMNS + column] = by;
    }
}

/* Each row and its sum; each region and those below it. What is shown and what is direct are constants. */
static void equations(const struct world *w, struct system *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < w->regions; i++, s->equations++) {
        put(w, s, i, 0, 1);
        for (uint32_t column = 1; column < COLUMNS; column++) {
            put(w, s, i, column, PRIME - 1);
        }
    }
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS && something_below(w, i);
             column++, s->equations++) {
            put(w, s, i, column, 1);
            for (size_t k = 0; k < w->regions; k++) {
                if (w->region[k].parent == w->region[i].code) {
                    put(w, s, k, column, PRIME - 1);
                }
            }
        }
    }
}

/* Gauss and Jordan: a variable is known when a reduced row has it alone. */
static void solve(struct system *s, bool known[VARIABLES])
{
    size_t rank = 0;
    for (size_t column = 0; column < VARIABLES; column++) {
        size_t pivot = rank;
        while (pivot < s->equations && s->at[pivot][column] == 0) {
            pivot++;
        }
        if (pivot == s->equations) {
            continue;
        }
        for (size_t i = 0; i < VARIABLES; i++) {
            uint64_t other = s->at[pivot][i];
            s->at[pivot][i] = s->at[rank][i];
            s->at[rank][i] = other;
        }
        uint64_t inverse = power(s->at[rank][column], PRIME - 2);
        for (size_t i = 0; i < VARIABLES; i++) {
            s->at[rank][i] = s->at[rank][i] * inverse % PRIME;
        }
        for (size_t row = 0; row < s->equations; row++) {
            uint64_t factor = row == rank ? 0 : s->at[row][column];
            for (size_t i = 0; factor != 0 && i < VARIABLES; i++) {
                s->at[row][i] = (s->at[row][i] + (PRIME - factor) * s->at[rank][i]) % PRIME;
            }
        }
        rank++;
    }
    memset(known, 0, VARIABLES * sizeof known[0]);
    for (size_t row = 0; row < rank; row++) {
        size_t last = VARIABLES;
        size_t terms = 0;
        for (size_t i = 0; i < VARIABLES; i++) {
            last = s->at[row][i] != 0 ? i : last;
            terms += s->at[row][i] != 0;
        }
        known[last] = known[last] || terms == 1;
    }
}

static void attack_by_algebra(const struct world *w)
{
    static struct system s;
    static bool known[VARIABLES];
    equations(w, &s);
    solve(&s, known);
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            if (known[i * COLUMNS + column] && hidden(w, i, column) && w->outcomes[i][column] > 0) {
                print_world(w);
                fail_msg("region %u, column %u follows", (unsigned)w->region[i].code,
                         (unsigned)column);
            }
        }
    }
}

/* ---- By bounds: nothing is below zero ---- */

struct bound {
    int64_t low;
    int64_t high;
};

struct terms {
    struct bound *sum;
    struct bound *parts[REGIONS_MAX + COLUMNS];
    size_t count;
    int64_t constant; /* a part that is known */
};

static bool tighten(const struct terms *terms)
{
    bool changed = false;
    int64_t low = terms->constant;
    int64_t high = terms->constant;
    for (size_t i = 0; i < terms->count; i++) {
        low += terms->parts[i]->low;
        high += terms->parts[i]->high;
    }
    struct bound before = *terms->sum;
    terms->sum->low = low > before.low ? low : before.low;
    terms->sum->high = high < before.high ? high : before.high;
    changed = terms->sum->low != before.low || terms->sum->high != before.high;
    for (size_t i = 0; i < terms->count; i++) {
        struct bound *part = terms->parts[i];
        struct bound old = *part;
        int64_t most = terms->sum->high - (low - old.low);
        int64_t fewest = terms->sum->low - (high - old.high);
        part->high = most < old.high ? most : old.high;
        part->low = fewest > old.low ? fewest : old.low;
        if (part->high != old.high || part->low != old.low) {
            return true; /* the sums are no longer those of above */
        }
    }
    return changed;
}

static bool tighten_all(const struct world *w, struct bound bounds[REGIONS_MAX][COLUMNS])
{
    bool changed = false;
    for (size_t i = 0; i < w->regions; i++) {
        struct terms row = {.sum = &bounds[i][0]};
        for (uint32_t column = 1; column < COLUMNS; column++) {
            row.parts[row.count++] = &bounds[i][column];
        }
        changed = tighten(&row) || changed;
        for (uint32_t column = 0; column < COLUMNS && something_below(w, i); column++) {
            struct terms region = {.sum = &bounds[i][column], .constant = w->direct[i][column]};
            for (size_t k = 0; k < w->regions; k++) {
                if (w->region[k].parent == w->region[i].code) {
                    region.parts[region.count++] = &bounds[k][column];
                }
            }
            changed = tighten(&region) || changed;
        }
    }
    return changed;
}

static void attack_by_bounds(const struct world *w)
{
    struct bound bounds[REGIONS_MAX][COLUMNS];
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            int64_t value = w->outcomes[i][column];
            bounds[i][column] =
                hidden(w, i, column) ? (struct bound){0, 1000000} : (struct bound){value, value};
        }
    }
    while (tighten_all(w, bounds)) {
    }
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            bool small = w->outcomes[i][column] > 0 && w->people[i][column] < LEAST;
            assert_in_range(w->outcomes[i][column], bounds[i][column].low, bounds[i][column].high);
            if (small && bounds[i][column].low == bounds[i][column].high) {
                print_world(w);
                fail_msg("region %u, column %u is bounded to %d", (unsigned)w->region[i].code,
                         (unsigned)column, (int)bounds[i][column].low);
            }
        }
    }
}

/* ---- By sums: what a region shows and those below it leave ---- */

static void attack_by_sums(const struct world *w)
{
    for (size_t i = 0; i < w->regions; i++) {
        for (uint32_t column = 0; column < COLUMNS; column++) {
            uint32_t people = 0;
            uint32_t below = 0;
            bool small = w->outcomes[i][column] > 0 && w->people[i][column] < LEAST;
            assert_false(small && !hidden(w, i, column));
            for (size_t k = 0; k < w->regions; k++) {
                bool is = w->region[k].parent == w->region[i].code && hidden(w, k, column);
                people += is ? w->people[k][column] : 0;
                below += is && w->outcomes[k][column] > 0 ? 1 : 0;
            }
            if (!hidden(w, i, column) && below > 0 && people < LEAST) {
                print_world(w);
                fail_msg("what is left of region %u, column %u is of %u learners",
                         (unsigned)w->region[i].code, (unsigned)column, (unsigned)people);
            }
        }
    }
}

static void test_random_tables(void **state)
{
    uint32_t shown = 0;
    uint32_t all = 0;
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = round * UINT64_C(7919) + 1;
        struct world *w = random_world();
        attack_by_sums(w);
        attack_by_bounds(w);
        attack_by_algebra(w);
        for (size_t i = 0; i < w->regions; i++) {
            all++;
            shown += w->hides[i] == DISCLOSURE_ALL ? 1 : 0;
        }
        free(w);
    }
    /* It hides what it must, not everything. */
    assert_true(shown * 5 > all);
    assert_true(shown < all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_small),      cmocka_unit_test(test_a_small_county),
        cmocka_unit_test(test_two_small_counties), cmocka_unit_test(test_the_only_county),
        cmocka_unit_test(test_a_small_kind),       cmocka_unit_test(test_learned_directly),
        cmocka_unit_test(test_accounts_alone),     cmocka_unit_test(test_random_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
