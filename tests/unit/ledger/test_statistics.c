/* Statistics beside a plain list of what counts: outcomes come and go at random over four levels of regions, block
 * by block, and every cell must be what counting the list anew gives. */
#include "tests/unit/cmocka_all.h"

#include "ledger/state/statistics.h"
#include "proto/bytes.h"
#include "proto/canonical.h"

enum {
    ACCOUNTS = 5,
    COUNTED_MAX = 600,
    STEPS = 2500,
    REGIONS = 7,
    YEARS = 2,
    KINDS = 3,
    LEVELS = 2
};

static const uint32_t regions[REGIONS][2] = {
    {33, 0}, {3301, 33}, {330101, 3301}, {330102, 3301}, {33010201, 330102}, {3302, 33}, {44, 0}};

struct counted {
    uint32_t account;
    Xuelian__Outcome outcome;
};

static struct counted list[COUNTED_MAX];
static uint32_t count;
static uint64_t revoked[REGIONS];
static uint32_t chance = 1;

/* The same everywhere: Numerical Recipes' generator. */
static uint32_t any(uint32_t below)
{
    chance = chance * 1664525u + 1013904223u;
    return (chance >> 8) % below;
}

static bool within(uint32_t region, uint32_t above)
{
    while (region != 0 && region != above) {
        uint32_t parent = 0;
        for (uint32_t i = 0; i < REGIONS; i++) {
            parent = regions[i][0] == region ? regions[i][1] : parent;
        }
        region = parent;
    }
    return region != 0;
}

static void put_regions(struct state *state)
{
    for (uint32_t i = 0; i < REGIONS; i++) {
        Xuelian__Region region = XUELIAN__REGION__INIT;
        uint8_t key[4];
        uint8_t bytes[64];
        region.code = regions[i][0];
        region.parent = regions[i][1];
        region.level = 1;
        be32_put(key, region.code);
        size_t size = canonical_encode(bytes, &region.base);
        assert_int_equal(state_put(state, XUELIAN__COLLECTION__COLLECTION_REGIONS, bytes_of(key, 4),
                                   bytes_of(bytes, size)),
                         ST_OK);
    }
}

/* Ends a block: writes everything and begins the next. */
static struct state *next_block(struct kv *kv, struct state *state)
{
    struct kv_batch *batch = kv_batch_new();
    struct hash32 root;
    assert_int_equal(state_finish(state, &root), ST_OK);
    overlay_write(state_overlay(state), batch);
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    kv_batch_free(batch);
    state_free(state);
    assert_int_equal(state_begin(&state, kv, false), ST_OK);
    return state;
}

static void get_cell(struct state *state, uint32_t year, uint32_t region, uint32_t kind,
                     uint32_t level, Xuelian__StatisticsCell *cell)
{
    uint8_t key[16];
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    be32_put(key, year);
    be32_put(key + 4, region);
    be32_put(key + 8, kind);
    be32_put(key + 12, level);
    arena_init(&arena, memory, sizeof memory);
    xuelian__statistics_cell__init(cell);
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_STATISTICS, bytes_of(key, 16),
                      &xuelian__statistics_cell__descriptor, &arena, &message);
    assert_true(status == ST_OK || status == ST_NOT_FOUND);
    if (status == ST_OK) {
        *cell = *(Xuelian__StatisticsCell *)(void *)message;
    }
}

/* One cell, counted anew. */
static void check_cell(struct state *state, uint32_t year, uint32_t region, uint32_t kind,
                       uint32_t level)
{
    Xuelian__StatisticsCell cell;
    uint64_t outcomes = 0;
    uint64_t credits = 0;
    uint64_t hours = 0;
    uint32_t learners = 0;
    get_cell(state, year, region, kind, level, &cell);
    for (uint32_t i = 0; i < count; i++) {
        const Xuelian__Outcome *outcome = &list[i].outcome;
        if (outcome->award_date / 10000 == year && within(outcome->region, region) &&
            (kind == 0 || ((uint32_t)outcome->kind == kind && outcome->level == level))) {
            outcomes++;
            credits += outcome->credits;
            hours += outcome->hours;
            learners |= 1u << list[i].account;
        }
    }
    assert_int_equal(cell.outcomes, outcomes);
    assert_int_equal(cell.credits, credits);
    assert_int_equal(cell.hours, hours);
    assert_int_equal(cell.learners, __builtin_popcount(learners));
}

static void check_all(struct state *state)
{
    for (uint32_t r = 0; r < REGIONS; r++) {
        uint64_t sum = 0;
        for (uint32_t year = 2020; year < 2020 + YEARS; year++) {
            Xuelian__StatisticsCell all;
            for (uint32_t kind = 1; kind <= KINDS; kind++) {
                for (uint32_t level = 0; level < LEVELS; level++) {
                    check_cell(state, year, regions[r][0], kind, level);
                }
            }
            check_cell(state, year, regions[r][0], 0, 0);
            get_cell(state, year, regions[r][0], 0, 0, &all);
            sum += all.revoked;
        }
        assert_int_equal(sum, revoked[r]);
    }
}

static void add(struct state *state, const struct account *accounts)
{
    struct counted *made = &list[count];
    uint32_t code = ST_OK;
    made->account = any(ACCOUNTS);
    xuelian__outcome__init(&made->outcome);
    made->outcome.region = regions[any(REGIONS)][0];
    made->outcome.kind = (Xuelian__OutcomeKind)(1 + any(KINDS));
    made->outcome.level = any(LEVELS);
    made->outcome.award_date = (2020 + any(YEARS)) * 10000 + 101;
    made->outcome.credits = any(1000);
    made->outcome.hours = any(1000);
    const struct account *account = &accounts[made->account];
    assert_int_equal(statistics_check(state, account, &made->outcome, &code), ST_OK);
    assert_int_equal(code, ST_OK);
    assert_int_equal(statistics_outcome(state, account, &made->outcome, true), ST_OK);
    count++;
}

static void take(struct state *state, const struct account *accounts)
{
    uint32_t at = any(count);
    const Xuelian__Outcome *outcome = &list[at].outcome;
    assert_int_equal(statistics_outcome(state, &accounts[list[at].account], outcome, false), ST_OK);
    if (any(2) == 0) {
        assert_int_equal(statistics_revoked(state, outcome), ST_OK);
        for (uint32_t i = 0; i < REGIONS; i++) {
            revoked[i] += within(outcome->region, regions[i][0]);
        }
    }
    list[at] = list[--count];
}

static void test_random(void **state_unused)
{
    struct kv *kv;
    struct state *state;
    struct account accounts[ACCOUNTS] = {{.position = 1}};
    (void)state_unused;
    kv_open_memory(&kv);
    assert_int_equal(state_begin(&state, kv, true), ST_OK);
    put_regions(state);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        accounts[i].position = i + 1;
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        /* It swells and shrinks, so that cells come back to zero. */
        bool more =
            count == 0 || (count < COUNTED_MAX && any(100) < (step / 400 % 2 == 0 ? 70u : 25u));
        if (more) {
            add(state, accounts);
        } else {
            take(state, accounts);
        }
        if (any(40) == 0) {
            state = next_block(kv, state);
            check_all(state);
        }
    }
    while (count > 0) {
        take(state, accounts);
    }
    state = next_block(kv, state);
    check_all(state);
    state_free(state);
    kv_close(kv);
}

static void test_amounts(void **state_unused)
{
    struct kv *kv;
    struct state *state;
    Xuelian__StatisticsCell cell;
    (void)state_unused;
    kv_open_memory(&kv);
    assert_int_equal(state_begin(&state, kv, true), ST_OK);
    put_regions(state);
    assert_int_equal(statistics_account(state, 330101, 2026), ST_OK);
    assert_int_equal(statistics_account(state, 3302, 2026), ST_OK);
    assert_int_equal(statistics_points(state, 3301, 2026, 50, true), ST_OK);
    assert_int_equal(statistics_points(state, 3301, 2026, 20, false), ST_OK);
    assert_int_equal(statistics_conversion(state, 33, 2026, 300, true), ST_OK);
    state = next_block(kv, state);
    get_cell(state, 2026, 33, 0, 0, &cell);
    assert_int_equal(cell.accounts, 2);
    assert_int_equal(cell.points, 30);
    assert_int_equal(cell.conversions, 1);
    assert_int_equal(cell.converted_credits, 300);
    get_cell(state, 2026, 330101, 0, 0, &cell);
    assert_int_equal(cell.accounts, 1);
    assert_int_equal(cell.points, 0);
    state_free(state);
    kv_close(kv);
}

/* One combination more than an account may have in a year. What is there already always has room. */
static void test_limit(void **state_unused)
{
    struct kv *kv;
    struct state *state;
    struct account account = {.position = 1};
    Xuelian__Outcome outcome = XUELIAN__OUTCOME__INIT;
    uint32_t code = ST_OK;
    (void)state_unused;
    kv_open_memory(&kv);
    assert_int_equal(state_begin(&state, kv, true), ST_OK);
    put_regions(state);
    outcome.region = 33;
    outcome.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_COMMUNITY;
    outcome.award_date = 20200101;
    for (outcome.level = 0; outcome.level < LIMIT_ACCOUNT_CELLS_MAX; outcome.level++) {
        assert_int_equal(statistics_check(state, &account, &outcome, &code), ST_OK);
        assert_int_equal(code, ST_OK);
        assert_int_equal(statistics_outcome(state, &account, &outcome, true), ST_OK);
    }
    assert_int_equal(statistics_check(state, &account, &outcome, &code), ST_OK);
    assert_int_equal(code, ST_STATISTICS_FULL);
    code = ST_OK;
    outcome.level = 7;
    assert_int_equal(statistics_check(state, &account, &outcome, &code), ST_OK);
    outcome.level = 700;
    outcome.award_date = 20210101;
    assert_int_equal(statistics_check(state, &account, &outcome, &code), ST_OK);
    assert_int_equal(code, ST_OK);
    state_free(state);
    kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
