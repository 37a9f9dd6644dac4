/* Statistics: cells, and proofs of them. What stands for few learners, or would let it be computed, is shown to the
 * statistics role alone (docs/decisions/0014-statistics-shown.md). */
#include <stdlib.h>
#include <string.h>

#include "ledger/statistics_view.h"
#include "node/node.h"
#include "node/rpc/permit.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

enum { CELLS_MAX = 5000, STATISTICS = XUELIAN__COLLECTION__COLLECTION_STATISTICS };

static const char *const hidden_words[] = {
    [DISCLOSURE_ALL] = "nothing", [DISCLOSURE_TOTAL] = "kinds", [DISCLOSURE_NOTHING] = "all"};

/* ---- Cells ---- */

static bool asked_for(const struct query *query, const Xuelian__StatisticsCell *cell)
{
    const struct statistics_query *wanted = &query->statistics;
    return (!query->filters[1] || (uint32_t)cell->kind == wanted->kind) &&
           (!query->filters[2] || cell->level == wanted->level);
}

static json_t *cell_json(const Xuelian__StatisticsCell *cell)
{
    json_t *object = json_of_message(&cell->base);
    /* The cell of all kinds and levels has neither field otherwise. */
    if (cell->kind == 0) {
        json_object_set_new(object, "kind", json_string("all"));
    }
    json_object_set_new(object, "level", json_integer(cell->level));
    return object;
}

/* Adds the cells of one region, at `at` on, that may be shown. Returns where the next region's begin. */
static size_t add_region(const struct query *query, const struct statistics_year *year,
                         size_t region, size_t at, json_t *cells, json_t *hidden)
{
    enum disclosure hides = year->hides[region];
    uint32_t code = year->regions[region].code;
    for (; at < year->cell_count && year->cells[at].region == code; at++) {
        const Xuelian__StatisticsCell *cell = &year->cells[at];
        if (disclosure_shows(hides, (uint32_t)cell->kind) && asked_for(query, cell)) {
            json_array_append_new(cells, cell_json(cell));
        }
    }
    if (hides != DISCLOSURE_ALL) {
        json_array_append_new(hidden, json_pack("{s:I, s:s}", "region", (json_int_t)code, "hidden",
                                                hidden_words[hides]));
    }
    return at;
}

static json_t *year_json(const struct query *query, const struct ledger_view *view,
                         const struct statistics_year *year)
{
    json_t *object = json_object();
    json_t *cells = json_array();
    json_t *hidden = json_array();
    size_t at = 0;
    uint64_t next = 0;
    for (size_t i = 0; i < year->region_count && next == 0; i++) {
        uint32_t code = year->regions[i].code;
        bool wanted = query->filters[0] ? code == query->statistics.region : code >= query->limit;
        if (wanted && json_array_size(cells) >= CELLS_MAX) {
            next = code;
        } else if (wanted) {
            at = add_region(query, year, i, at, cells, hidden);
        }
        while (at < year->cell_count && year->cells[at].region == code) {
            at++;
        }
    }
    json_object_set_new(object, "height", json_of_u64(view->header.height));
    json_object_set_new(object, "time_ms", json_of_u64(view->header.time_ms));
    json_object_set_new(object, "year", json_integer(query->statistics.year));
    json_object_set_new(object, "least", json_integer((json_int_t)year->least));
    json_object_set_new(object, "cells", cells);
    json_object_set_new(object, "suppressed", hidden);
    if (next != 0) {
        json_object_set_new(object, "next", json_integer((json_int_t)next));
    }
    return object;
}

static void read_statistics(struct query *query)
{
    struct ledger_view view;
    struct statistics_year year;
    bool whole = false;
    enum status status = ledger_view_open(&view, query->exchange->rpc->node->state_kv);
    if (status != ST_OK) {
        query_problem(query, status, NULL);
        return;
    }
    if (query_sees_statistics(query, &view, &whole)) {
        status = statistics_year_read(&view, query->statistics.year, whole, &year);
        if (status == ST_OK) {
            query_json(query, 200, year_json(query, &view, &year));
            statistics_year_free(&year);
        } else {
            query_problem(query, status, NULL);
        }
    }
    ledger_view_close(&view);
}

/* The parameters; false when the exchange is answered. */
static bool take_filters(struct exchange *exchange, struct query *query)
{
    uint64_t year = 0;
    uint64_t values[3] = {0, 0, 0};
    static const char *const names[] = {"region", "kind", "level"};
    for (uint32_t i = 0; i < 3; i++) {
        query->filters[i] = parameter_u64(exchange, names[i], &values[i]);
    }
    if (!parameter_u64(exchange, "year", &year)) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "year is missing");
        return false;
    }
    query->statistics.year = (uint32_t)year;
    query->statistics.region = (uint32_t)values[0];
    query->statistics.kind = (uint32_t)values[1];
    query->statistics.level = (uint32_t)values[2];
    return true;
}

void route_statistics(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_statistics};
    (void)arguments;
    (void)parameter_u64(exchange, "from", &query.limit);
    if (take_filters(exchange, &query)) {
        query_start(exchange, query);
    }
}

/* ---- Proofs: they show exact numbers, so none is given of what is not shown ---- */

/* Whether the client may have a proof; false when the query is answered. */
static bool may_prove(struct query *query, const struct ledger_view *view)
{
    bool whole = false;
    if (!query_sees_statistics(query, view, &whole) || whole) {
        return whole;
    }
    /* A proof shows the hash of the cell beside, or below: who knows how few numbers it can be of finds them. So it is
     * given to who may see them; the province publishes what it proves. */
    query_refuse(query, ST_NOT_GRANTED,
                 "proofs of statistics are given to members with the role statistics or audit");
    return false;
}

static enum status build_statistics(struct query *query, const struct ledger_view *view,
                                    const struct proof_anchor *anchor,
                                    const struct proof_source *source)
{
    const struct statistics_query *wanted = &query->statistics;
    enum status status = ST_OK;
    uint8_t key[16];
    (void)source;
    query->missing = "there are no cells at that position";
    if (!may_prove(query, view)) {
        return ST_OK;
    }
    status = proof_statistics(view, anchor, wanted, &query->answer, &query->size);
    if (status == ST_NOT_FOUND && wanted->shape != STATISTICS_RANGE) {
        /* Zero, and never touched: of a table, the cell that counts all others. */
        bool table = wanted->shape == STATISTICS_TABLE;
        statistics_natural_key(key, wanted->year, wanted->region, table ? 0 : wanted->kind,
                               table ? 0 : wanted->level);
        status = proof_absence(view, anchor, STATISTICS, bytes_of(key, sizeof key), &query->answer,
                               &query->size);
    }
    return status;
}

static void read_statistics_proof(struct query *query)
{
    query_prove(query, build_statistics);
}

void route_statistics_proof(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_statistics_proof};
    (void)arguments;
    if (!take_filters(exchange, &query)) {
        return;
    }
    if (!query.filters[0]) {
        exchange_problem(exchange, 422, ST_BAD_FIELD, "region is missing");
        return;
    }
    query.statistics.shape =
        query.filters[1] || query.filters[2] ? STATISTICS_CELL : STATISTICS_TABLE;
    query_start(exchange, query);
}

void route_range_proof(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_statistics_proof,
                          .statistics = {.shape = STATISTICS_RANGE, .height = 32}};
    uint64_t height = 32;
    (void)arguments;
    (void)parameter_u64(exchange, "start", &query.statistics.start);
    (void)parameter_u64(exchange, "height", &height);
    query.statistics.height = (uint32_t)height;
    query_start(exchange, query);
}
