#include "ledger/whole/pages.h"

#include "proto/bytes.h"
#include "proto/check.h"

uint32_t page_levels(uint64_t count)
{
    uint32_t levels = 0;
    do {
        count = (count + MERKLE_ARRAY_PAGE - 1) / MERKLE_ARRAY_PAGE;
        levels++;
    } while (count > 1);
    return levels;
}

struct state_key page_key(uint32_t collection, uint8_t level, uint64_t page)
{
    struct state_key key = key_collection('N', collection);
    key_add8(&key, level);
    key_add64(&key, page);
    return key;
}

void page_scan_open(struct page_scan *scan, struct kv *kv, const struct kv_snapshot *snapshot,
                    uint32_t collection, uint64_t count, struct whole_report *report,
                    struct maker *maker)
{
    *scan = (struct page_scan){
        .collection = collection, .levels = page_levels(count), .report = report, .maker = maker};
    CHECK(scan->levels <= PAGE_LEVELS_MAX);
    for (uint32_t i = 0; i < scan->levels; i++) {
        struct state_key prefix = key_collection('N', collection);
        key_add8(&prefix, (uint8_t)i);
        cursor_open(&scan->level[i].stored, kv, snapshot, &prefix, report);
    }
}

void page_scan_close(struct page_scan *scan)
{
    for (uint32_t i = 0; i < scan->levels; i++) {
        cursor_close(&scan->level[i].stored);
    }
}

static enum status damaged(struct page_scan *scan, uint32_t level, uint64_t page)
{
    enum status status = cursor_status(&scan->level[level].stored);
    if (status == ST_IO) {
        return whole_unread(scan->report, WHOLE_STATE, status, "the state", "状态库");
    }
    return whole_damage(scan->report, WHOLE_STATE,
                        "collection %u: page %llu of level %u is not what its leaves give",
                        "集合%u：第%llu页（第%u层）与其叶子不符", scan->collection,
                        (unsigned long long)page, level);
}

/* Holds a page that is whole against the stored one. Out *root. */
static enum status close_page(struct page_scan *scan, uint32_t at, struct hash32 *root)
{
    struct page_level *level = &scan->level[at];
    struct state_key key = page_key(scan->collection, (uint8_t)at, level->page);
    struct bytes nodes = bytes_of(level->nodes, level->count * 32u);
    if (scan->maker != NULL) {
        maker_put(scan->maker, &key, nodes);
    } else if (!cursor_at(&level->stored, &key) ||
               !bytes_equal(cursor_value(&level->stored), nodes)) {
        return damaged(scan, at, level->page);
    } else {
        cursor_next(&level->stored);
    }
    merkle_root(root, level->nodes, level->count);
    level->page++;
    level->count = 0;
    return ST_OK;
}

enum status page_scan_leaf(struct page_scan *scan, const struct hash32 *hash)
{
    struct hash32 node = *hash;
    for (uint32_t i = 0; i < scan->levels; i++) {
        struct page_level *level = &scan->level[i];
        level->nodes[level->count++] = node;
        if (level->count < MERKLE_ARRAY_PAGE) {
            return ST_OK;
        }
        enum status status = close_page(scan, i, &node);
        if (status != ST_OK) {
            return status;
        }
    }
    scan->root = node;
    return ST_OK;
}

enum status page_scan_end(struct page_scan *scan, struct hash32 *root)
{
    for (uint32_t i = 0; i < scan->levels; i++) {
        struct hash32 node;
        struct page_level *level = &scan->level[i];
        if (level->count > 0) {
            enum status status = close_page(scan, i, &node);
            if (status != ST_OK) {
                return status;
            }
            if (i + 1 < scan->levels) {
                struct page_level *above = &scan->level[i + 1];
                above->nodes[above->count++] = node;
            } else {
                scan->root = node;
            }
        }
        if (scan->maker == NULL &&
            (cursor_valid(&level->stored) || cursor_status(&level->stored) != ST_OK)) {
            return damaged(scan, i, level->page);
        }
    }
    *root = scan->root;
    return ST_OK;
}
