/* Cells of the statistics: one, a region's table of a year, or a range of the collection, which may be all of it. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/merkle.h"

enum { COLLECTION_STATISTICS = 8, RANGE_HEIGHT_MAX = 32 };

/* An element has a next key of 34 bytes, a cell of 4 and its own framing of 2. */
_Static_assert(sizeof(struct verify_cell) <= (size_t)5 * 40, "VERIFY_SCRATCH_SIZE is enough");

/* A cell, kept in the result; its tree key from what it says of itself, and the hash of its bytes. */
static enum verify_fault cell_read(struct verifier *v, struct bytes message, struct hash32 *key,
                                   struct hash32 *value)
{
    struct verify_cell *cell = scratch_take(v, sizeof *cell, _Alignof(struct verify_cell));
    struct reader reader;
    uint8_t natural[16];
    if (cell == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    reader_init(&reader, message);
    cell->year = reader_u32(&reader, 1);
    cell->region = reader_u32(&reader, 2);
    cell->kind = reader_enum(&reader, 3, VERIFY_OUTCOME_KINDS);
    cell->level = reader_u32(&reader, 4);
    cell->outcomes = reader_u64(&reader, 5);
    cell->credits = reader_u64(&reader, 6);
    cell->hours = reader_u64(&reader, 7);
    cell->learners = reader_u64(&reader, 8);
    cell->revoked = reader_u64(&reader, 9);
    cell->accounts = reader_u64(&reader, 10);
    cell->points = reader_u64(&reader, 11);
    cell->conversions = reader_u64(&reader, 12);
    cell->converted_credits = reader_u64(&reader, 13);
    enum verify_fault fault = proof_end(v, &reader);
    be32_put(natural, cell->year);
    be32_put(natural + 4, cell->region);
    be32_put(natural + 8, cell->kind);
    be32_put(natural + 12, cell->level);
    tree_key(key, COLLECTION_STATISTICS, (struct bytes){natural, sizeof natural});
    record_hash(value, COLLECTION_STATISTICS, message);
    v->result->cells = v->result->cell_count == 0 ? cell : v->result->cells;
    v->result->cell_count++;
    return fault;
}

/* ---- cells by their paths ---- */

static enum verify_fault cell_check(struct verifier *v, struct bytes message,
                                    struct leaf_path *leaf)
{
    struct reader reader;
    struct hash32 key;
    struct hash32 value;
    reader_init(&reader, message);
    struct bytes cell = reader_bytes(&reader, 1);
    leaf->position = reader_u64(&reader, 2);
    reader_fixed(&reader, 3, &leaf->next_key, 32);
    leaf->path = reader_bytes(&reader, 4);
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE) {
        fault = cell_read(v, cell, &key, &value);
    }
    return fault == VERIFY_FAULT_NONE ? leaf_check(v, leaf, &key, &value) : fault;
}

/* Adds one to a sum; false when it passes the total, so nothing overflows. */
static bool take_from(uint64_t *left, uint64_t part)
{
    bool enough = part <= *left;
    *left -= enough ? part : 0;
    return enough;
}

/* A table is whole because the cell 0, 0 counts what each other cell of its region and year counts: what is left when
 * those shown are taken from it is in cells that are not shown, and that is nothing. */
static bool table_whole(const struct verify_result *result)
{
    const struct verify_cell *cells = result->cells;
    struct verify_cell left = cells[0];
    bool whole = left.kind == 0 && left.level == 0;
    for (uint32_t i = 1; i < result->cell_count && whole; i++) {
        const struct verify_cell *cell = &cells[i];
        bool after = cell->kind > cells[i - 1].kind ||
                     (cell->kind == cells[i - 1].kind && cell->level > cells[i - 1].level);
        whole = after && cell->kind != 0 && cell->year == left.year &&
                cell->region == left.region && take_from(&left.outcomes, cell->outcomes) &&
                take_from(&left.credits, cell->credits) && take_from(&left.hours, cell->hours) &&
                take_from(&left.revoked, cell->revoked);
    }
    return whole && (left.outcomes | left.credits | left.hours | left.revoked) == 0;
}

/* ---- a range ---- */

static enum verify_fault range_cell_check(struct verifier *v, struct bytes message,
                                          uint64_t position, struct hash32 *leaf)
{
    struct reader reader;
    struct hash32 parts[3] = {{{0}}}; /* key, next key, value: the sentinel's are zeros */
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &parts[1], 32);
    struct bytes cell = reader_bytes(&reader, 2);
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && (cell.size == 0) != (position == 0)) {
        fault = VERIFY_FAULT_RANGE;
    }
    if (fault == VERIFY_FAULT_NONE && position != 0) {
        fault = cell_read(v, cell, &parts[0], &parts[2]);
    }
    hash_leaf(leaf, TAG_LEAF_STATE, parts, sizeof parts);
    return fault;
}

static enum verify_fault range_check(struct verifier *v, struct bytes message, uint64_t count,
                                     struct bytes collection_path)
{
    struct merkle_frontier frontier;
    struct reader reader;
    struct bytes element;
    struct hash32 node;
    merkle_frontier_init(&frontier);
    reader_init(&reader, message);
    uint64_t start = reader_u64(&reader, 1);
    uint32_t height = reader_enum(&reader, 2, RANGE_HEIGHT_MAX);
    uint64_t most = UINT64_C(1) << height;
    if (!reader.bad && (start % most != 0 || start >= count)) {
        return VERIFY_FAULT_RANGE;
    }
    uint64_t wanted = count - start < most ? count - start : most;
    while (reader_next(&reader, 3, &element)) {
        if (frontier.size == wanted) {
            return VERIFY_FAULT_RANGE;
        }
        enum verify_fault fault = range_cell_check(v, element, start + frontier.size, &node);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
        merkle_frontier_append(&frontier, &node);
    }
    struct bytes path = reader_bytes(&reader, 4);
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && frontier.size != wanted) {
        fault = VERIFY_FAULT_RANGE;
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    merkle_frontier_root(&frontier, &node);
    fault = path_root(&node, &node, start >> height, ((count - 1) >> height) + 1, path);
    v->result->cell_first = start;
    v->result->cells_shown = wanted == count ? VERIFY_CELLS_ALL : VERIFY_CELLS_RANGE;
    return fault != VERIFY_FAULT_NONE
               ? fault
               : collection_check(v, COLLECTION_STATISTICS, count, &node, collection_path);
}

enum verify_fault cells_proof_check(struct verifier *v, struct bytes message)
{
    struct verify_result *result = v->result;
    struct leaf_path leaf = {.collection = COLLECTION_STATISTICS};
    struct reader reader;
    struct bytes element;
    reader_init(&reader, message);
    bool table = reader_enum(&reader, 1, 1) != 0;
    leaf.count = reader_u64(&reader, 2);
    leaf.collection_path = reader_bytes(&reader, 3);
    while (reader_next(&reader, 4, &element)) {
        enum verify_fault fault = cell_check(v, element, &leaf);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    struct bytes range = reader_bytes(&reader, 5);
    /* One cell, cells of a table, or a range. */
    bool one = result->cell_count == 1 || (table && result->cell_count > 0);
    if ((range.size > 0) == one || (range.size > 0 && (table || result->cell_count > 0))) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    result->cell_total = leaf.count - 1;
    if (range.size > 0) {
        return range_check(v, range, leaf.count, leaf.collection_path);
    }
    result->cells_shown = table ? VERIFY_CELLS_TABLE : VERIFY_CELLS_ONE;
    return table && !table_whole(result) ? VERIFY_FAULT_TABLE : VERIFY_FAULT_NONE;
}
