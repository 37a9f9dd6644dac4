#include "ledger/state/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum {
    CELLS_AT_FIRST = 256,
    CELL_SIZE_MAX = 192,
    REGION_LEVELS_MAX = 8 /* genesis and governance let a region stand at most four deep */
};

struct cell {
    uint8_t key[16]; /* the natural key */
    Xuelian__StatisticsCell wire;
};

struct statistics {
    struct cell **table; /* open addressing by key; room is a power of two */
    size_t room;
    struct cell **list; /* in order of first touch */
    size_t count;
};

struct statistics *statistics_new(void)
{
    struct statistics *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->room = CELLS_AT_FIRST;
    made->table = calloc(made->room, sizeof(struct cell *));
    made->list = calloc(made->room, sizeof(struct cell *));
    CHECK(made->table != NULL);
    CHECK(made->list != NULL);
    return made;
}

void statistics_free(struct statistics *statistics)
{
    if (statistics == NULL) {
        return;
    }
    for (size_t i = 0; i < statistics->count; i++) {
        free(statistics->list[i]);
    }
    free(statistics->list);
    free(statistics->table);
    free(statistics);
}

/* FNV-1a: the keys are few and chosen by regions, years and kinds that are checked. */
static size_t slot_of(struct cell **table, size_t room, const uint8_t key[16])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < 16; i++) {
        hash = (hash ^ key[i]) * UINT64_C(1099511628211);
    }
    size_t at = (size_t)(hash ^ hash >> 32) & (room - 1);
    while (table[at] != NULL && memcmp(table[at]->key, key, 16) != 0) {
        at = (at + 1) & (room - 1);
    }
    return at;
}

static void grow(struct statistics *statistics)
{
    size_t room = statistics->room * 2;
    struct cell **table = calloc(room, sizeof(struct cell *));
    CHECK(table != NULL);
    statistics->list = realloc(statistics->list, room * sizeof(struct cell *));
    CHECK(statistics->list != NULL);
    for (size_t i = 0; i < statistics->count; i++) {
        table[slot_of(table, room, statistics->list[i]->key)] = statistics->list[i];
    }
    free(statistics->table);
    statistics->table = table;
    statistics->room = room;
}

/* What names a cell. kind and level 0: all of them. */
struct cell_name {
    uint32_t year;
    uint32_t region;
    uint32_t kind;
    uint32_t level;
};

static enum status load_cell(struct state *state, struct cell *cell, const struct cell_name *name)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_STATISTICS, bytes_of(cell->key, 16),
                      &xuelian__statistics_cell__descriptor, &arena, &message);
    if (status == ST_OK) {
        cell->wire = *(const Xuelian__StatisticsCell *)(const void *)message;
    } else if (status == ST_NOT_FOUND) {
        xuelian__statistics_cell__init(&cell->wire);
        cell->wire.year = name->year;
        cell->wire.region = name->region;
        cell->wire.kind = (Xuelian__OutcomeKind)name->kind;
        cell->wire.level = name->level;
        status = ST_OK;
    }
    return status;
}

static enum status find_cell(struct state *state, const struct cell_name *name,
                             Xuelian__StatisticsCell **cell)
{
    struct statistics *statistics = state_statistics(state);
    uint8_t key[16];
    be32_put(key, name->year);
    be32_put(key + 4, name->region);
    be32_put(key + 8, name->kind);
    be32_put(key + 12, name->level);
    if (statistics->count * 2 >= statistics->room) {
        grow(statistics);
    }
    size_t at = slot_of(statistics->table, statistics->room, key);
    if (statistics->table[at] == NULL) {
        struct cell *made = calloc(1, sizeof *made);
        CHECK(made != NULL);
        memcpy(made->key, key, 16);
        enum status status = load_cell(state, made, name);
        if (status != ST_OK) {
            free(made);
            return status;
        }
        statistics->table[at] = made;
        statistics->list[statistics->count++] = made;
    }
    *cell = &statistics->table[at]->wire;
    return ST_OK;
}

enum status statistics_finish(struct statistics *statistics, struct state *state)
{
    uint8_t bytes[CELL_SIZE_MAX];
    for (size_t i = 0; i < statistics->count; i++) {
        const struct cell *cell = statistics->list[i];
        CHECK(canonical_size(&cell->wire.base) <= sizeof bytes);
        size_t size = canonical_encode(bytes, &cell->wire.base);
        enum status status = state_put(state, XUELIAN__COLLECTION__COLLECTION_STATISTICS,
                                       bytes_of(cell->key, 16), bytes_of(bytes, size));
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

/* ---- Regions ---- */

struct chain {
    uint32_t count;
    uint32_t regions[REGION_LEVELS_MAX]; /* the region, then those above it */
};

static enum status chain_of(struct state *state, uint32_t region, struct chain *chain)
{
    chain->count = 0;
    while (region != 0 && chain->count < REGION_LEVELS_MAX) {
        const struct region_view *view;
        enum status status = state_region_view(state, region, &view);
        if (status != ST_OK) {
            return status;
        }
        if (!view->exists) {
            break;
        }
        chain->regions[chain->count++] = region;
        region = view->parent;
    }
    return ST_OK;
}

static bool is_above(const struct chain *chain, uint32_t above)
{
    bool is = false;
    for (uint32_t i = 0; i < chain->count; i++) {
        is = is || chain->regions[i] == above;
    }
    return is;
}

/* ---- Which cells an account's outcomes of a year are in ---- */

/* One combination, as it is stored: BE4 each. `count` outcomes of it count now; it stays when none does. */
enum { ENTRY_SIZE = 16 };

struct entries {
    struct state_key key;
    uint32_t count;
    uint8_t bytes[LIMIT_ACCOUNT_CELLS_MAX * ENTRY_SIZE];
};

static enum status load_entries(struct state *state, const struct account *account, uint32_t year,
                                struct entries *entries)
{
    struct bytes value;
    entries->key = key_of('X');
    key_add8(&entries->key, 's');
    key_add64(&entries->key, account->position);
    key_add32(&entries->key, year);
    entries->count = 0;
    enum status status = overlay_get(state_overlay(state), key_bytes(&entries->key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size % ENTRY_SIZE != 0 || value.size > sizeof entries->bytes) {
        return ST_CORRUPT;
    }
    memcpy(entries->bytes, value.data, value.size);
    entries->count = (uint32_t)(value.size / ENTRY_SIZE);
    return ST_OK;
}

/* The entry of an outcome, or that behind the last. */
static uint8_t *entry_of(struct entries *entries, const Xuelian__Outcome *outcome)
{
    uint8_t wanted[12];
    uint32_t i = 0;
    be32_put(wanted, outcome->region);
    be32_put(wanted + 4, (uint32_t)outcome->kind);
    be32_put(wanted + 8, outcome->level);
    while (i < entries->count &&
           memcmp(entries->bytes + (size_t)i * ENTRY_SIZE, wanted, sizeof wanted) != 0) {
        i++;
    }
    return entries->bytes + (size_t)i * ENTRY_SIZE;
}

/* The chain of each entry's region: looked up once, for all the cells of an outcome. */
static enum status load_chains(struct state *state, const struct entries *entries,
                               struct chain *chains)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < entries->count && status == ST_OK; i++) {
        status = chain_of(state, be32_get(entries->bytes + (size_t)i * ENTRY_SIZE), &chains[i]);
    }
    return status;
}

/* Whether an outcome that counts is in the cell. */
static bool counts_in(const struct entries *entries, const struct chain *chains,
                      const struct cell_name *name)
{
    for (uint32_t i = 0; i < entries->count; i++) {
        const uint8_t *entry = entries->bytes + (size_t)i * ENTRY_SIZE;
        bool same = name->kind == 0 ||
                    (be32_get(entry + 4) == name->kind && be32_get(entry + 8) == name->level);
        if (same && be32_get(entry + 12) != 0 && is_above(&chains[i], name->region)) {
            return true;
        }
    }
    return false;
}

enum status statistics_check(struct state *state, const struct account *account,
                             const Xuelian__Outcome *outcome, uint32_t *code)
{
    struct entries entries;
    enum status status = load_entries(state, account, outcome->award_date / 10000, &entries);
    if (status == ST_OK && entries.count == LIMIT_ACCOUNT_CELLS_MAX &&
        entry_of(&entries, outcome) == entries.bytes + sizeof entries.bytes) {
        *code = ST_STATISTICS_FULL;
    }
    return status;
}

/* The outcome's numbers, into a cell or out of it. */
static void count_outcome(Xuelian__StatisticsCell *cell, const Xuelian__Outcome *outcome, bool add,
                          bool learner)
{
    if (add) {
        cell->outcomes++;
        cell->credits += outcome->credits;
        cell->hours += outcome->hours;
        cell->learners += learner;
    } else {
        CHECK(cell->outcomes > 0);
        CHECK(cell->learners >= learner);
        cell->outcomes--;
        cell->credits -= outcome->credits;
        cell->hours -= outcome->hours;
        cell->learners -= learner;
    }
}

/* Adds one to the entry of an outcome, or takes one. */
static void count_entry(struct entries *entries, const Xuelian__Outcome *outcome, bool add)
{
    uint8_t *entry = entry_of(entries, outcome);
    bool known = entry < entries->bytes + (size_t)entries->count * ENTRY_SIZE;
    uint32_t counted = known ? be32_get(entry + 12) : 0;
    CHECK(known || (add && entries->count < LIMIT_ACCOUNT_CELLS_MAX));
    CHECK(add || counted > 0);
    be32_put(entry, outcome->region);
    be32_put(entry + 4, (uint32_t)outcome->kind);
    be32_put(entry + 8, outcome->level);
    be32_put(entry + 12, add ? counted + 1 : counted - 1);
    entries->count += !known;
}

enum status statistics_outcome(struct state *state, const struct account *account,
                               const Xuelian__Outcome *outcome, bool add)
{
    struct entries entries;
    struct chain chains[LIMIT_ACCOUNT_CELLS_MAX];
    struct chain chain;
    uint32_t year = outcome->award_date / 10000;
    enum status status = load_entries(state, account, year, &entries);
    if (status == ST_OK) {
        status = chain_of(state, outcome->region, &chain);
    }
    if (status == ST_OK) {
        status = load_chains(state, &entries, chains);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!add) {
        count_entry(&entries, outcome, false);
    }
    for (uint32_t i = 0; i < chain.count * 2; i++) {
        bool all = i % 2 == 1; /* of a region: its kind and level, then all */
        struct cell_name name = {.year = year,
                                 .region = chain.regions[i / 2],
                                 .kind = all ? 0 : (uint32_t)outcome->kind,
                                 .level = all ? 0 : outcome->level};
        Xuelian__StatisticsCell *cell = NULL;
        bool others = counts_in(&entries, chains, &name);
        status = find_cell(state, &name, &cell);
        if (status != ST_OK) {
            return status;
        }
        count_outcome(cell, outcome, add, !others);
    }
    if (add) {
        count_entry(&entries, outcome, true);
    }
    overlay_put(state_overlay(state), key_bytes(&entries.key),
                bytes_of(entries.bytes, (size_t)entries.count * ENTRY_SIZE));
    return ST_OK;
}

enum status statistics_revoked(struct state *state, const Xuelian__Outcome *outcome)
{
    struct chain chain;
    enum status status = chain_of(state, outcome->region, &chain);
    for (uint32_t i = 0; status == ST_OK && i < chain.count * 2; i++) {
        bool all = i % 2 == 1;
        struct cell_name name = {.year = outcome->award_date / 10000,
                                 .region = chain.regions[i / 2],
                                 .kind = all ? 0 : (uint32_t)outcome->kind,
                                 .level = all ? 0 : outcome->level};
        Xuelian__StatisticsCell *cell;
        status = find_cell(state, &name, &cell);
        if (status == ST_OK) {
            cell->revoked++;
        }
    }
    return status;
}

/* ---- What counts in the cells of all kinds alone ---- */

struct amounts {
    uint64_t accounts;
    uint64_t points;
    uint64_t conversions;
    uint64_t converted_credits;
};

static enum status count_amounts(struct state *state, uint32_t region, uint32_t year,
                                 const struct amounts *amounts, bool add)
{
    struct chain chain;
    enum status status = chain_of(state, region, &chain);
    for (uint32_t i = 0; status == ST_OK && i < chain.count; i++) {
        struct cell_name name = {.year = year, .region = chain.regions[i]};
        Xuelian__StatisticsCell *cell;
        status = find_cell(state, &name, &cell);
        if (status != ST_OK) {
            break;
        }
        if (add) {
            cell->accounts += amounts->accounts;
            cell->points += amounts->points;
            cell->conversions += amounts->conversions;
            cell->converted_credits += amounts->converted_credits;
        } else {
            CHECK(cell->points >= amounts->points);
            CHECK(cell->conversions >= amounts->conversions);
            CHECK(cell->converted_credits >= amounts->converted_credits);
            cell->points -= amounts->points;
            cell->conversions -= amounts->conversions;
            cell->converted_credits -= amounts->converted_credits;
        }
    }
    return status;
}

enum status statistics_account(struct state *state, uint32_t region, uint32_t year)
{
    const struct amounts amounts = {.accounts = 1};
    return count_amounts(state, region, year, &amounts, true);
}

enum status statistics_points(struct state *state, uint32_t region, uint32_t year, uint64_t points,
                              bool add)
{
    const struct amounts amounts = {.points = points};
    return count_amounts(state, region, year, &amounts, add);
}

enum status statistics_conversion(struct state *state, uint32_t region, uint32_t year,
                                  uint64_t credits, bool add)
{
    const struct amounts amounts = {.conversions = 1, .converted_credits = credits};
    return count_amounts(state, region, year, &amounts, add);
}
