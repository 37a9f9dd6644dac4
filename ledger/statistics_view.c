#include "ledger/statistics_view.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum { LEAST_USUAL = 10, RECORD_WORDS = 256 };

/* ---- Cells ---- */

static enum status add_cell(struct statistics_year *year, struct bytes bytes)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__statistics_cell__descriptor, bytes, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    if ((year->cell_count & (year->cell_count - 1)) == 0) {
        size_t room = year->cell_count == 0 ? 1 : 2 * year->cell_count;
        year->cells = realloc(year->cells, room * sizeof *year->cells);
        CHECK(year->cells != NULL);
    }
    year->cells[year->cell_count++] = *(const Xuelian__StatisticsCell *)(const void *)message;
    return ST_OK;
}

static int by_name(const void *left, const void *right)
{
    const Xuelian__StatisticsCell *a = left;
    const Xuelian__StatisticsCell *b = right;
    const uint32_t names[2][3] = {{a->region, (uint32_t)a->kind, a->level},
                                  {b->region, (uint32_t)b->kind, b->level}};
    for (uint32_t i = 0; i < 3; i++) {
        if (names[0][i] != names[1][i]) {
            return names[0][i] < names[1][i] ? -1 : 1;
        }
    }
    return 0;
}

/* A cell's canonical bytes begin with its year, so those of other years are passed over undecoded. */
static size_t year_prefix(uint8_t out[8], uint32_t number)
{
    Xuelian__StatisticsCell cell = XUELIAN__STATISTICS_CELL__INIT;
    cell.year = number;
    return canonical_encode(out, &cell.base);
}

static enum status read_cells(const struct ledger_view *view, uint32_t number,
                              struct statistics_year *year)
{
    struct state_key prefix = key_collection('R', XUELIAN__COLLECTION__COLLECTION_STATISTICS);
    uint8_t begins[8];
    size_t size = year_prefix(begins, number);
    enum status status = ST_OK;
    struct kv_iterator *at = kv_iterator_new(view->kv, view->snapshot, key_bytes(&prefix));
    for (; status == ST_OK && kv_iterator_valid(at); kv_iterator_next(at)) {
        struct bytes key = kv_iterator_key(at);
        struct bytes cell = kv_iterator_value(at);
        if (key.size < prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0) {
            break;
        }
        if (size > 0 && cell.size > size && memcmp(cell.data, begins, size) == 0) {
            status = add_cell(year, cell);
        }
    }
    status = status == ST_OK ? kv_iterator_status(at) : status;
    kv_iterator_free(at);
    if (year->cell_count > 0) {
        qsort(year->cells, year->cell_count, sizeof *year->cells, by_name);
    }
    return status;
}

/* ---- Regions ---- */

static enum status parent_of(const struct ledger_view *view, uint32_t code, uint32_t *parent)
{
    uint64_t memory[RECORD_WORDS];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t key[4];
    uint8_t *value = NULL;
    size_t size = 0;
    be32_put(key, code);
    enum status status = ledger_view_record(view, XUELIAN__COLLECTION__COLLECTION_REGIONS,
                                            bytes_of(key, sizeof key), &value, &size);
    if (status == ST_OK) {
        arena_init(&arena, memory, sizeof memory);
        status =
            canonical_decode(&message, &xuelian__region__descriptor, bytes_of(value, size), &arena);
    }
    if (status == ST_OK) {
        *parent = ((const Xuelian__Region *)(const void *)message)->parent;
    }
    kv_free(value);
    return status == ST_OK || status == ST_IO ? status : ST_CORRUPT;
}

static enum status read_regions(const struct ledger_view *view, struct statistics_year *year)
{
    enum status status = ST_OK;
    year->regions = calloc(year->cell_count + 1, sizeof *year->regions);
    year->hides = calloc(year->cell_count + 1, sizeof *year->hides);
    CHECK(year->regions != NULL);
    CHECK(year->hides != NULL);
    for (size_t i = 0; i < year->cell_count && status == ST_OK; i++) {
        uint32_t code = year->cells[i].region;
        if (year->region_count == 0 || year->regions[year->region_count - 1].code != code) {
            struct disclosure_region *region = &year->regions[year->region_count++];
            region->code = code;
            status = parent_of(view, code, &region->parent);
        }
    }
    return status;
}

/* The parameter of the next height. */
static enum status read_least(const struct ledger_view *view, uint64_t *least)
{
    struct state_key key = key_of('P');
    uint64_t memory[128];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(&key), &value, &size);
    if (status == ST_OK) {
        arena_init(&arena, memory, sizeof memory);
        status =
            canonical_decode(&message, &xuelian__params__descriptor, bytes_of(value, size), &arena);
    }
    if (status == ST_OK) {
        *least = ((const Xuelian__Params *)(const void *)message)->statistics_least;
        *least = *least == 0 ? LEAST_USUAL : *least;
    }
    kv_free(value);
    return status == ST_OK || status == ST_IO ? status : ST_CORRUPT;
}

enum status statistics_year_read(const struct ledger_view *view, uint32_t number, bool whole,
                                 struct statistics_year *year)
{
    *year = (struct statistics_year){.cells = NULL};
    enum status status = read_cells(view, number, year);
    if (status == ST_OK) {
        status = read_regions(view, year);
    }
    if (status == ST_OK && !whole) {
        status = read_least(view, &year->least);
    }
    if (status != ST_OK) {
        statistics_year_free(year);
        return status;
    }
    if (!whole) {
        disclosure_decide(year->hides, year->regions, year->region_count, year->cells,
                          year->cell_count, year->least);
    }
    return ST_OK;
}

void statistics_year_free(struct statistics_year *year)
{
    free(year->cells);
    free(year->regions);
    free(year->hides);
    *year = (struct statistics_year){.cells = NULL};
}

enum disclosure statistics_year_shows(const struct statistics_year *year, uint32_t region)
{
    for (size_t i = 0; i < year->region_count; i++) {
        if (year->regions[i].code == region) {
            return year->hides[i];
        }
    }
    return DISCLOSURE_ALL;
}
