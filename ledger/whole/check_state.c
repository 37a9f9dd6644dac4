#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ledger/params.h"
#include "ledger/tx/rules.h"
#include "ledger/whole/check_internal.h"
#include "ledger/whole/pages.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum {
    ACCOUNTS = XUELIAN__COLLECTION__COLLECTION_ACCOUNTS,
    STATISTICS = XUELIAN__COLLECTION__COLLECTION_STATISTICS,
    PROGRESS_EVERY = 4096,
    MARKS = 64
};

/* Every first byte of a key, every letter of an index: what is not here is nothing that we wrote. */
static const char known_keys[] = "BCDEFIJKLMNOPRTUVWXY";
static const char known_indexes[] = "acdefgkmnoprstuwy";

/* ---- Sums ---- */

void sum_add(const struct check *check, struct sum *sum, char what, struct bytes a, struct bytes b)
{
    struct hasher hasher;
    struct hash32 hash;
    hasher_init(&hasher);
    hasher_update(&hasher, check->secret, sizeof check->secret);
    hasher_update(&hasher, &what, 1);
    hasher_update(&hasher, a.data, a.size);
    hasher_update(&hasher, b.data, b.size);
    hasher_final(&hasher, &hash);
    for (size_t i = 0; i < 4; i++) {
        sum->lanes[i] += be64_get(hash.bytes + 8 * i);
    }
}

bool sum_equal(const struct sum *a, const struct sum *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- One collection ---- */

struct collection_scan {
    struct check *check;
    uint32_t collection;
    struct cursor leaves;
    struct cursor records;
    struct page_scan pages;
    struct account_scan *accounts;
    struct sum order; /* of (key, next key, position), from the leaves */
};

static enum status bad_record(struct collection_scan *scan, uint64_t position)
{
    return whole_damage(scan->check->report, WHOLE_STATE,
                        "collection %u: record %llu is not the one that the state root holds",
                        "集合%u：第%llu条记录与状态根所载不符", scan->collection,
                        (unsigned long long)position);
}

static enum status check_cell(struct collection_scan *scan, uint64_t position, struct bytes record)
{
    struct check *check = scan->check;
    uint64_t memory[128];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__statistics_cell__descriptor, record, &arena) !=
        ST_OK) {
        return bad_record(scan, position);
    }
    const Xuelian__StatisticsCell *cell = (const Xuelian__StatisticsCell *)(const void *)message;
    return cell_table_match(check->cells, cell, check->dates_known)
               ? ST_OK
               : whole_damage(check->report, WHOLE_STATE,
                              "the statistics of region %u in %u are not the sum of the accounts",
                              "区划%u在%u年的统计与账户合计不符", cell->region, cell->year);
}

static enum status check_record(struct collection_scan *scan, uint64_t position,
                                const struct merkle_leaf *leaf)
{
    struct state_key key = key_position('R', scan->collection, position);
    uint8_t natural_key[NATURAL_KEY_SIZE_MAX];
    size_t size = 0;
    struct hash32 value;
    struct hash32 tree_key;
    if (!cursor_at(&scan->records, &key)) {
        return bad_record(scan, position);
    }
    struct bytes record = cursor_value(&scan->records);
    merkle_array_value(&value, scan->collection, record);
    if (!hash32_equal(&value, &leaf->value) ||
        registry_take(scan->check->tables, scan->collection, record, natural_key, &size) != ST_OK) {
        return bad_record(scan, position);
    }
    merkle_array_key(&tree_key, scan->collection, bytes_of(natural_key, size));
    if (!hash32_equal(&tree_key, &leaf->key)) {
        return bad_record(scan, position);
    }
    enum status status =
        scan->collection == STATISTICS ? check_cell(scan, position, record) : ST_OK;
    cursor_next(&scan->records);
    scan->check->report->records++;
    return status;
}

static enum status check_leaf(struct collection_scan *scan, uint64_t position)
{
    static const struct merkle_leaf sentinel;
    struct state_key key = key_position('L', scan->collection, position);
    struct merkle_leaf leaf;
    struct hash32 hash;
    uint8_t place[40];
    if (!cursor_at(&scan->leaves, &key) || cursor_value(&scan->leaves).size != sizeof leaf) {
        return whole_damage(
            scan->check->report, WHOLE_STATE, "collection %u: leaf %llu is missing or damaged",
            "集合%u：第%llu个叶子缺失或损坏", scan->collection, (unsigned long long)position);
    }
    memcpy(&leaf, cursor_value(&scan->leaves).data, sizeof leaf);
    cursor_next(&scan->leaves);
    merkle_leaf_hash(&hash, &leaf);
    memcpy(place, leaf.next.bytes, 32);
    be64_put(place + 32, position);
    sum_add(scan->check, &scan->order, 'K', bytes_of(&leaf.key, 32), bytes_of(place, 40));
    enum status status = page_scan_leaf(&scan->pages, &hash);
    if (status != ST_OK || position == 0) {
        bool right =
            hash32_equal(&leaf.key, &sentinel.key) && hash32_equal(&leaf.value, &sentinel.value);
        return status == ST_OK && !right ? bad_record(scan, 0) : status;
    }
    return scan->accounts != NULL ? account_scan_next(scan->accounts, position, &leaf)
                                  : check_record(scan, position, &leaf);
}

/* The index of keys, greatest first: with each the next greater one, and so all in one cycle. */
static enum status check_order(struct collection_scan *scan)
{
    struct check *check = scan->check;
    struct state_key prefix = key_collection('K', scan->collection);
    struct cursor keys;
    struct sum order = {{0}};
    uint8_t key[32] = {0};
    uint8_t place[40] = {0}; /* the key above, position */
    bool whole = true;
    cursor_open(&keys, check->view->kv, check->view->snapshot, &prefix, check->report);
    for (; cursor_valid(&keys) && whole; cursor_next(&keys)) {
        struct bytes stored = cursor_key(&keys);
        whole = stored.size == 34 && cursor_value(&keys).size == 8;
        if (whole) {
            memcpy(place, key, 32);
            for (size_t i = 0; i < 32; i++) {
                key[i] = (uint8_t)~stored.data[2 + i];
            }
            memcpy(place + 32, cursor_value(&keys).data, 8);
            sum_add(check, &order, 'K', bytes_of(key, 32), bytes_of(place, 40));
        }
    }
    enum status status = cursor_status(&keys);
    cursor_close(&keys);
    uint8_t zero[32] = {0};
    memcpy(place, key, 32);
    memset(place + 32, 0, 8);
    sum_add(check, &order, 'K', bytes_of(zero, 32), bytes_of(place, 40));
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_STATE, status, "the index of keys", "键索引");
    }
    return whole && sum_equal(&order, &scan->order)
               ? ST_OK
               : whole_damage(check->report, WHOLE_STATE,
                              "collection %u: the index of keys is not one sorted cycle of its "
                              "leaves",
                              "集合%u：键索引与叶子的有序环不符", scan->collection);
}

static void scan_open(struct collection_scan *scan, struct check *check, uint32_t collection,
                      uint64_t count)
{
    const struct ledger_view *view = check->view;
    struct state_key prefix = key_collection('L', collection);
    *scan = (struct collection_scan){.check = check, .collection = collection};
    cursor_open(&scan->leaves, view->kv, view->snapshot, &prefix, check->report);
    page_scan_open(&scan->pages, view->kv, view->snapshot, collection, count, check->report,
                   check->maker);
    if (collection == ACCOUNTS) {
        scan->accounts = account_scan_new(check);
    } else {
        prefix = key_collection('R', collection);
        cursor_open(&scan->records, view->kv, view->snapshot, &prefix, check->report);
    }
}

static void scan_close(struct collection_scan *scan)
{
    cursor_close(&scan->leaves);
    cursor_close(&scan->records);
    page_scan_close(&scan->pages);
    account_scan_free(scan->accounts);
}

static enum status nothing_left(struct collection_scan *scan)
{
    if (cursor_valid(&scan->leaves) || (scan->accounts == NULL && cursor_valid(&scan->records))) {
        return whole_damage(scan->check->report, WHOLE_STATE,
                            "collection %u has more leaves or records than it counts",
                            "集合%u的叶子或记录多于其计数", scan->collection);
    }
    return scan->accounts != NULL ? account_scan_end(scan->accounts) : ST_OK;
}

static enum status check_collection(struct check *check, uint32_t collection, struct hash32 *leaf)
{
    static const char *const names[COLLECTION_COUNT][2] = {
        {"members", "机构"},      {"regions", "行政区划"}, {"framework", "学习资历框架"},
        {"courses", "课程"},      {"rules", "规则"},       {"catalogue", "兑换目录"},
        {"accounts", "学习账户"}, {"statistics", "统计"},  {"proposals", "治理"},
        {"parameters", "参数"},   {"queries", "查询"}};
    struct merkle_reader meta;
    struct collection_scan scan;
    struct hash32 root;
    enum status status =
        merkle_reader_open(&meta, check->view->kv, check->view->snapshot, collection);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_STATE, status, "a collection's root", "集合根");
    }
    scan_open(&scan, check, collection, meta.count);
    for (uint64_t i = 0; i < meta.count && status == ST_OK; i++) {
        status = check_leaf(&scan, i);
        if (i % PROGRESS_EVERY == 0) {
            whole_progress(check->report, names[collection - 1][0], names[collection - 1][1], i,
                           meta.count);
        }
    }
    if (status == ST_OK) {
        status = page_scan_end(&scan.pages, &root);
    }
    if (status == ST_OK && !hash32_equal(&root, &meta.root)) {
        status = whole_damage(check->report, WHOLE_STATE,
                              "collection %u: the root is not that of its leaves",
                              "集合%u：根与其叶子不符", collection);
    }
    if (status == ST_OK) {
        status = nothing_left(&scan);
    }
    if (status == ST_OK) {
        status = check_order(&scan);
    }
    state_root_leaf(leaf, collection, meta.count, &meta.root);
    scan_close(&scan);
    return status;
}

/* ---- What stands beside the collections ---- */

static enum status check_identities(struct check *check)
{
    struct state_key prefix = key_of('D');
    struct cursor known;
    struct sum sum = {{0}};
    bool whole = true;
    cursor_open(&known, check->view->kv, check->view->snapshot, &prefix, check->report);
    for (; cursor_valid(&known) && whole; cursor_next(&known)) {
        struct bytes key = cursor_key(&known);
        struct bytes place = cursor_value(&known);
        whole = key.size == 33 && place.size == 16;
        if (whole && be64_get(place.data) != 0) {
            sum_add(check, &sum, 'D', bytes_of(key.data + 1, 32), place);
        }
    }
    enum status status = cursor_status(&known);
    cursor_close(&known);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_STATE, status, "the index of outcomes",
                            "成果索引");
    }
    return whole && sum_equal(&sum, &check->identities)
               ? ST_OK
               : whole_damage(check->report, WHOLE_STATE,
                              "the index of outcomes (%s) is not what the accounts hold",
                              "成果索引（%s）与账户所载不符", "D");
}

/* One stored entry beside the next of the tables. */
static bool registry_entry_is(struct check *check, struct bytes key, struct bytes stored,
                              size_t *next)
{
    const struct registry_tables *tables = check->tables;
    if (registry_says_nothing(key, stored)) {
        return true;
    }
    if (*next == tables->entry_count) {
        return false;
    }
    const struct derive_entry *wanted = &tables->entries[(*next)++];
    return bytes_equal(key_bytes(&wanted->key), key) && bytes_equal(wanted->value, stored);
}

/* 'X' 'e', 'g', 'n', 'o', 'w': all of them, and none else. */
static enum status check_registry_indexes(struct check *check)
{
    static const char kinds[] = "egnow";
    size_t next = 0;
    enum status status = ST_OK;
    bool whole = true;
    for (size_t i = 0; i < sizeof kinds - 1 && status == ST_OK; i++) {
        struct cursor cursor;
        struct state_key prefix = key_of('X');
        key_add8(&prefix, (uint8_t)kinds[i]);
        cursor_open(&cursor, check->view->kv, check->view->snapshot, &prefix, check->report);
        for (; cursor_valid(&cursor) && whole; cursor_next(&cursor)) {
            whole = registry_entry_is(check, cursor_key(&cursor), cursor_value(&cursor), &next);
        }
        status = cursor_status(&cursor);
        cursor_close(&cursor);
    }
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_STATE, status, "an index", "索引");
    }
    return whole && next == check->tables->entry_count
               ? ST_OK
               : whole_damage(check->report, WHOLE_STATE,
                              "the indexes of members, proposals and evidence (%s) are not what "
                              "the records give",
                              "机构、提案与证据的索引（%s）与记录不符", "X");
}

/* The bytes that may follow a prefix are these: nothing else is stored under it. */
static enum status only_known(struct check *check, struct state_key prefix, const char *known)
{
    struct state_key from = prefix;
    for (bool more = true; more;) {
        struct kv_iterator *iterator =
            kv_iterator_new(check->view->kv, check->view->snapshot, key_bytes(&from));
        uint8_t byte = 0;
        bool here = kv_iterator_valid(iterator);
        if (here) {
            struct bytes key = kv_iterator_key(iterator);
            here = key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0;
            byte = here && key.size > prefix.size ? key.data[prefix.size] : 0;
        }
        enum status status = kv_iterator_status(iterator);
        kv_iterator_free(iterator);
        if (status != ST_OK) {
            return whole_unread(check->report, WHOLE_STATE, status, "the state", "状态库");
        }
        if (here && (byte == 0 || strchr(known, byte) == NULL)) {
            return whole_damage(check->report, WHOLE_STATE,
                                "the state has keys that no program wrote (0x%02x)",
                                "状态库中有不明的键（0x%02x）", byte);
        }
        more = here && byte < UINT8_MAX;
        from = prefix;
        key_add8(&from, (uint8_t)(byte + 1));
    }
    return ST_OK;
}

/* Collections 1 to COLLECTION_COUNT: nothing is stored of another. */
static enum status only_collections(struct check *check)
{
    char numbers[COLLECTION_COUNT + 1];
    enum status status = ST_OK;
    for (uint32_t i = 0; i < COLLECTION_COUNT; i++) {
        numbers[i] = (char)(i + 1);
    }
    numbers[COLLECTION_COUNT] = '\0';
    for (const char *what = "CKLNR"; *what != '\0' && status == ST_OK; what++) {
        status = only_known(check, key_of((uint8_t)*what), numbers);
    }
    return status;
}

/* ---- What names the tip ---- */

static enum status get(struct check *check, const struct state_key *key, uint8_t **value,
                       size_t *size)
{
    *value = NULL;
    *size = 0;
    return kv_get(check->view->kv, check->view->snapshot, key_bytes(key), value, size);
}

static bool hash_is(struct check *check, uint8_t what, enum hash_tag tag,
                    const struct hash32 *wanted)
{
    struct state_key key = key_of(what);
    struct hash32 hash;
    uint8_t *value;
    size_t size;
    bool right = get(check, &key, &value, &size) == ST_OK;
    if (right) {
        hash_tagged(&hash, tag, value, size);
        right = hash32_equal(&hash, wanted);
    }
    kv_free(value);
    return right;
}

/* 'F': peaks that give the history root. */
static bool history_is(struct check *check, const struct header *header)
{
    struct merkle_frontier frontier;
    struct state_key key = key_of('F');
    struct hash32 root;
    uint8_t *value;
    size_t size;
    bool right = get(check, &key, &value, &size) == ST_OK && size >= 8;
    if (right) {
        merkle_frontier_init(&frontier);
        frontier.size = be64_get(value);
        size_t peaks = 32u * (size_t)__builtin_popcountll(frontier.size);
        right = frontier.size == header->height && size == 8 + peaks;
        if (right) {
            memcpy(frontier.peaks, value + 8, peaks);
            merkle_frontier_root(&frontier, &root);
            right = hash32_equal(&root, &header->history_root);
        }
    }
    kv_free(value);
    return right;
}

static bool protocol_is(struct check *check)
{
    struct state_key key = key_of('W');
    uint8_t *value;
    size_t size;
    enum status status = get(check, &key, &value, &size);
    bool right = status == ST_OK
                     ? size == 12 && be32_get(value) == check->tables->protocol_version &&
                           be64_get(value + 4) == check->tables->protocol_height
                     : status == ST_NOT_FOUND && check->tables->protocol_version == 0;
    kv_free(value);
    return right;
}

static bool marks_are(struct check *check, uint64_t height)
{
    bool right = true;
    for (uint64_t i = 0; i < MARKS && i <= height && right; i++) {
        struct state_key key = key_of('M');
        uint8_t *value;
        size_t size;
        key_add8(&key, (uint8_t)((height - i) % MARKS));
        right =
            get(check, &key, &value, &size) == ST_OK && size == 8 && be64_get(value) == height - i;
        kv_free(value);
    }
    return right;
}

static enum status check_tip(struct check *check)
{
    const struct header *header = &check->view->header;
    const char *what = !hash_is(check, 'V', TAG_VALIDATORS, &header->next_validators_hash) ? "V"
                       : !hash_is(check, 'P', TAG_PARAMS, &header->params_hash)            ? "P"
                       : !history_is(check, header)                                        ? "F"
                       : !protocol_is(check)                                               ? "W"
                       : !marks_are(check, header->height)                                 ? "M"
                                                                                           : NULL;
    return what == NULL ? ST_OK
                        : whole_damage(check->report, WHOLE_STATE,
                                       "what names the newest block (%s) is not what it says",
                                       "最新区块的附属数据（%s）与其不符", what);
}

/* ---- All of it ---- */

static enum status check_collections(struct check *check)
{
    struct hash32 leaves[COLLECTION_COUNT];
    struct hash32 root;
    enum status status = ST_OK;
    /* Accounts need the registries, the statistics need the accounts. */
    for (uint32_t i = 1; i <= COLLECTION_COUNT && status == ST_OK; i++) {
        if (i != ACCOUNTS && i != STATISTICS) {
            status = check_collection(check, i, &leaves[i - 1]);
        }
    }
    registry_tables_end(check->tables);
    for (uint32_t i = ACCOUNTS; i <= STATISTICS && status == ST_OK; i++) {
        status = check_collection(check, i, &leaves[i - 1]);
    }
    if (status == ST_OK) {
        uint8_t key[16];
        merkle_root(&root, leaves, COLLECTION_COUNT);
        if (!hash32_equal(&root, &check->view->header.state_root)) {
            status = whole_damage(
                check->report, WHOLE_STATE, "the state root is not that of block %llu",
                "状态根与区块%llu不符", (unsigned long long)check->view->header.height);
        } else if (cell_table_left(check->cells, check->dates_known, key)) {
            status = whole_damage(check->report, WHOLE_STATE,
                                  "the statistics of region %u in %u are missing",
                                  "缺少区划%u在%u年的统计", be32_get(key + 4), be32_get(key));
        }
    }
    return status;
}

enum status whole_check_state(const struct ledger_view *view, const struct genesis *genesis,
                              uint32_t (*date_of)(void *context, uint64_t height), void *context,
                              struct whole_report *report)
{
    struct check check = {.view = view,
                          .report = report,
                          .date = date_of_time(view->header.time_ms),
                          .date_of = date_of,
                          .context = context,
                          .dates_known = date_of != NULL};
    CHECK(getrandom(check.secret, sizeof check.secret, 0) == (ssize_t)sizeof check.secret);
    if (!hash32_equal(&view->header.chain_id, &genesis->chain_id)) {
        return whole_damage(report, WHOLE_STATE, "the state is of another chain%s",
                            "状态库属于另一条链%s", "");
    }
    check.tables = registry_tables_new();
    check.cells = cell_table_new();
    enum status status = check_collections(&check);
    if (status == ST_OK) {
        status = check_identities(&check);
    }
    if (status == ST_OK) {
        status = check_registry_indexes(&check);
    }
    if (status == ST_OK) {
        status = check_tip(&check);
    }
    if (status == ST_OK) {
        status = only_known(&check, (struct state_key){.size = 0}, known_keys);
    }
    if (status == ST_OK) {
        status = only_known(&check, key_of('X'), known_indexes);
    }
    if (status == ST_OK) {
        status = only_collections(&check);
    }
    cell_table_free(check.cells);
    registry_tables_free(check.tables);
    return status;
}

/* What the registries' own records give: their indexes, and the protocol version to come. */
static void make_registry(struct check *check)
{
    const struct registry_tables *tables = check->tables;
    for (size_t i = 0; i < tables->entry_count; i++) {
        maker_put(check->maker, &tables->entries[i].key, tables->entries[i].value);
    }
    if (tables->protocol_version != 0) {
        struct state_key key = key_of('W');
        uint8_t value[12];
        be32_put(value, tables->protocol_version);
        be64_put(value + 4, tables->protocol_height);
        maker_put(check->maker, &key, bytes_of(value, sizeof value));
    }
}

enum status whole_make_state(const struct ledger_view *view, const struct genesis *genesis,
                             struct whole_report *report)
{
    struct maker maker;
    struct check check = {.view = view,
                          .report = report,
                          .date = date_of_time(view->header.time_ms),
                          .maker = &maker};
    CHECK(hash32_equal(&view->header.chain_id, &genesis->chain_id));
    CHECK(getrandom(check.secret, sizeof check.secret, 0) == (ssize_t)sizeof check.secret);
    maker_open(&maker, view->kv);
    check.tables = registry_tables_new();
    check.cells = cell_table_new();
    enum status status = check_collections(&check);
    if (status == ST_OK) {
        make_registry(&check);
        status = maker_flush(&maker, false);
    }
    maker_close(&maker);
    cell_table_free(check.cells);
    registry_tables_free(check.tables);
    return status;
}
