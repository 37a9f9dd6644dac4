/* Proofs of statistics: a cell, a region's table, a range of the collection. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof_build.h"
#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

enum {
    STATISTICS = XUELIAN__COLLECTION__COLLECTION_STATISTICS,
    KINDS = 9,
    LEVELS = 11, /* 0 to 10 */
    RANGE_HEIGHT_MAX = 32,
    RANGE_CELL_SIZE = 36 /* of an element, at least: more of them than fit are not read */
};

void statistics_natural_key(uint8_t key[16], uint32_t year, uint32_t region, uint32_t kind,
                            uint32_t level)
{
    be32_put(key, year);
    be32_put(key + 4, region);
    be32_put(key + 8, kind);
    be32_put(key + 12, level);
}

/* The record at a position. */
static enum status get_cell(struct builder *builder, uint64_t position, ProtobufCBinaryData *cell)
{
    struct state_key key = key_position('R', STATISTICS, position);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status =
        kv_get(builder->view->kv, builder->view->snapshot, key_bytes(&key), &value, &size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    *cell = field_borrow(build_own(builder, value), size);
    return ST_OK;
}

/* ---- Cells by their paths ---- */

/* Adds a cell with its path. ST_NOT_FOUND when it is zero and never was anything else. */
static enum status add_cell(struct builder *builder, const struct statistics_query *query,
                            uint32_t kind, uint32_t level, Xuelian__StatisticsProof *out)
{
    struct merkle_reader reader;
    struct merkle_leaf leaf;
    struct hash32 tree_key;
    uint8_t natural[16];
    uint64_t position = 0;
    Xuelian__LeafPath path = XUELIAN__LEAF_PATH__INIT;
    statistics_natural_key(natural, query->year, query->region, kind, level);
    merkle_array_key(&tree_key, STATISTICS, bytes_of(natural, sizeof natural));
    enum status status =
        merkle_reader_open(&reader, builder->view->kv, builder->view->snapshot, STATISTICS);
    if (status == ST_OK) {
        status = merkle_reader_find(&reader, &tree_key, &position);
    }
    if (status != ST_OK) {
        return status;
    }
    Xuelian__CellProof *cell = build_zeroed(builder, 1, sizeof *cell);
    xuelian__cell_proof__init(cell);
    status = build_leaf_path(builder, STATISTICS, position, &path, &leaf);
    if (status == ST_OK) {
        status = get_cell(builder, position, &cell->cell);
    }
    cell->position = position;
    cell->next_key = path.next_key;
    cell->path = path.path;
    out->count = path.count;
    out->collection_path = path.collection_path;
    out->cells[out->n_cells++] = cell;
    return status;
}

static enum status add_table(struct builder *builder, const struct statistics_query *query,
                             Xuelian__StatisticsProof *out)
{
    enum status status = add_cell(builder, query, 0, 0, out);
    out->table = 1;
    for (uint32_t i = 0; i < KINDS * LEVELS && status == ST_OK; i++) {
        status = add_cell(builder, query, 1 + i / LEVELS, i % LEVELS, out);
        status = status == ST_NOT_FOUND ? ST_OK : status;
    }
    return status;
}

/* ---- A range ---- */

static enum status range_cells(struct builder *builder, const struct merkle_reader *reader,
                               uint64_t start, uint64_t count, Xuelian__CellRange *range)
{
    Xuelian__RangeCell *cells = build_zeroed(builder, (size_t)count, sizeof *cells);
    struct merkle_leaf *leaves = build_zeroed(builder, (size_t)count, sizeof *leaves);
    range->cells = build_zeroed(builder, (size_t)count, sizeof(Xuelian__RangeCell *));
    range->n_cells = (size_t)count;
    enum status status = ST_OK;
    for (uint64_t i = 0; i < count && status == ST_OK; i++) {
        xuelian__range_cell__init(&cells[i]);
        status = merkle_reader_leaf(reader, start + i, &leaves[i]);
        cells[i].next_key = field_borrow(&leaves[i].next, 32);
        if (status == ST_OK && start + i > 0) {
            status = get_cell(builder, start + i, &cells[i].cell);
        }
        range->cells[i] = &cells[i];
    }
    return status;
}

static enum status add_range(struct builder *builder, const struct statistics_query *query,
                             Xuelian__StatisticsProof *out)
{
    struct merkle_reader reader;
    struct hash32 *path = build_zeroed(builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *path);
    Xuelian__CellRange *range = build_zeroed(builder, 1, sizeof *range);
    uint32_t size = 0;
    enum status status =
        merkle_reader_open(&reader, builder->view->kv, builder->view->snapshot, STATISTICS);
    if (status != ST_OK) {
        return status;
    }
    if (query->height > RANGE_HEIGHT_MAX || query->start >= reader.count ||
        query->start % (UINT64_C(1) << query->height) != 0) {
        return ST_NOT_FOUND;
    }
    uint64_t most = UINT64_C(1) << query->height;
    uint64_t count = reader.count - query->start < most ? reader.count - query->start : most;
    if (count > LIMIT_PROOF_SIZE_MAX / RANGE_CELL_SIZE) {
        return ST_BAD_SIZE;
    }
    xuelian__cell_range__init(range);
    range->start = query->start;
    range->height = query->height;
    status = range_cells(builder, &reader, query->start, count, range);
    if (status == ST_OK) {
        status = merkle_reader_path(&reader, query->start, path, &size);
    }
    if (status != ST_OK) {
        return status;
    }
    /* Of the first leaf's path, what is above the node of the range. */
    uint32_t within = merkle_path_size(0, count);
    range->path = field_borrow(path + within, 32u * (size - within));
    out->range = range;
    out->count = reader.count;
    return build_collection_path(builder, STATISTICS, &out->collection_path);
}

enum status proof_statistics(const struct ledger_view *view, const struct proof_anchor *anchor,
                             const struct statistics_query *query, uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view};
    enum status status = ST_NOT_FOUND;
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__StatisticsProof statistics = XUELIAN__STATISTICS_PROOF__INIT;
    wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_STATISTICS;
    wire.statistics = &statistics;
    statistics.cells = build_zeroed(&builder, 1 + KINDS * LEVELS, sizeof(Xuelian__CellProof *));
    switch (query->shape) {
    case STATISTICS_CELL:
        status = add_cell(&builder, query, query->kind, query->level, &statistics);
        break;
    case STATISTICS_TABLE:
        status = add_table(&builder, query, &statistics);
        break;
    case STATISTICS_RANGE:
        status = add_range(&builder, query, &statistics);
        break;
    }
    if (status == ST_OK) {
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}
