/* Accounts: record, items with all their versions, the tree over them, and the indexes that follow from them. */
#include <stdlib.h>
#include <string.h>

#include "ledger/state/account.h"
#include "ledger/whole/check_internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { ACCOUNTS = XUELIAN__COLLECTION__COLLECTION_ACCOUNTS, RUN_BITS = 6, RUNS_MAX = 64 };

/* Letters of indexes that are kept by account, ascending. */
static const char letters[] = "acdfkmprstuy";
enum { LETTERS = sizeof letters - 1 };

struct account_scan {
    struct check *check;
    struct derive *derive;
    struct cursor records;
    struct cursor items;
    struct cursor older;
    struct cursor nodes; /* 'J' */
    struct cursor indexes[LETTERS];
    struct account account;
    struct merkle_frontier frontier;
    struct hash32 runs[RUNS_MAX]; /* roots of whole runs of 4,096 items of this account */
    uint32_t run_count;
};

static void open_one(struct account_scan *scan, struct cursor *cursor,
                     const struct state_key *prefix)
{
    const struct ledger_view *view = scan->check->view;
    cursor_open(cursor, view->kv, view->snapshot, prefix, scan->check->report);
}

struct account_scan *account_scan_new(struct check *check)
{
    struct account_scan *made = calloc(1, sizeof *made);
    struct derive_tables tables = registry_derive_tables(check->tables);
    CHECK(made != NULL);
    made->check = check;
    made->derive = derive_new(&tables);
    struct state_key prefix = key_collection('R', ACCOUNTS);
    open_one(made, &made->records, &prefix);
    prefix = key_of('I');
    open_one(made, &made->items, &prefix);
    prefix = key_of('O');
    open_one(made, &made->older, &prefix);
    prefix = key_of('J');
    open_one(made, &made->nodes, &prefix);
    for (size_t i = 0; i < LETTERS; i++) {
        prefix = key_of('X');
        key_add8(&prefix, (uint8_t)letters[i]);
        open_one(made, &made->indexes[i], &prefix);
    }
    return made;
}

void account_scan_free(struct account_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    cursor_close(&scan->records);
    cursor_close(&scan->items);
    cursor_close(&scan->older);
    cursor_close(&scan->nodes);
    for (size_t i = 0; i < LETTERS; i++) {
        cursor_close(&scan->indexes[i]);
    }
    derive_free(scan->derive);
    free(scan);
}

/* ---- What is wrong ---- */

static enum status bad_account(struct account_scan *scan, uint64_t position)
{
    return whole_damage(scan->check->report, WHOLE_STATE,
                        "account %llu: its record is not the one that the state root holds",
                        "账户%llu：其记录与状态根所载不符", (unsigned long long)position);
}

static enum status bad_item(struct account_scan *scan, uint64_t position, uint64_t item)
{
    return whole_damage(scan->check->report, WHOLE_STATE,
                        "account %llu: item %llu or a version of it is missing or altered",
                        "账户%llu：条目%llu或其某一版本缺失或被改动", (unsigned long long)position,
                        (unsigned long long)item);
}

static enum status bad_index(struct account_scan *scan, uint64_t position, char letter)
{
    return whole_damage(scan->check->report, WHOLE_STATE,
                        "account %llu: the index \"%c\" is not what its items give",
                        "账户%llu：索引“%c”与其条目不符", (unsigned long long)position, letter);
}

/* What ended a cursor, when it was not the end. */
static enum status ended(struct account_scan *scan, const struct cursor *cursor, enum status damage)
{
    enum status status = cursor_status(cursor);
    return status == ST_OK ? damage
                           : whole_unread(scan->check->report, WHOLE_STATE, status,
                                          "an account's data", "账户数据");
}

/* ---- Items ---- */

struct decoded {
    const Xuelian__ItemVersion *version;
    struct hash32 hash;
    uint64_t memory[256];
};

static bool decode_version(struct decoded *decoded, struct bytes bytes)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, decoded->memory, sizeof decoded->memory);
    if (canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) != ST_OK) {
        return false;
    }
    decoded->version = (const Xuelian__ItemVersion *)(const void *)message;
    hash_tagged(&decoded->hash, TAG_VERSION, bytes.data, bytes.size);
    return true;
}

/* The version after `before` (NULL: the first), of this account and item. */
static bool follows(const struct account_scan *scan, uint64_t item, const struct decoded *decoded,
                    const struct hash32 *before, uint32_t number)
{
    const Xuelian__ItemVersion *version = decoded->version;
    struct bytes previous = field_bytes(&version->previous_hash);
    return version->item == item && version->number == number &&
           version->height <= scan->check->view->header.height &&
           bytes_equal(field_bytes(&version->account), bytes_of(&scan->account.learner, 32)) &&
           (before == NULL ? previous.size == 0 : bytes_equal(previous, bytes_of(before, 32)));
}

/* 'J': the root of a run of 64 that this item makes whole, and what is remembered of one of 4,096. */
static enum status check_runs(struct account_scan *scan, uint64_t position, uint64_t item,
                              const struct hash32 *leaf)
{
    struct hash32 root = *leaf;
    uint32_t peak = (uint32_t)__builtin_popcountll(item - 1);
    for (uint32_t level = 1; level <= 2 && item % (UINT64_C(1) << (RUN_BITS * level)) == 0;
         level++) {
        for (uint32_t i = 0; i < RUN_BITS; i++) {
            hash_node(&root, &scan->frontier.peaks[--peak], &root);
        }
        if (level == 2) {
            if (scan->run_count == RUNS_MAX) {
                return bad_item(scan, position, item);
            }
            scan->runs[scan->run_count++] = root;
            break;
        }
        struct state_key key = key_of('J');
        key_add64(&key, position);
        key_add8(&key, 1);
        key_add64(&key, (item >> RUN_BITS) - 1);
        if (scan->check->maker != NULL) {
            maker_put(scan->check->maker, &key, bytes_of(&root, 32));
            continue;
        }
        if (!cursor_at(&scan->nodes, &key) ||
            !bytes_equal(cursor_value(&scan->nodes), bytes_of(&root, 32))) {
            return ended(scan, &scan->nodes, bad_item(scan, position, item));
        }
        cursor_next(&scan->nodes);
    }
    return ST_OK;
}

static enum status check_item(struct account_scan *scan, uint64_t position, uint64_t item)
{
    struct decoded decoded;
    struct hash32 before = {{0}};
    struct hash32 leaf;
    struct state_key key = key_item(position, item);
    uint32_t number = 1;
    struct state_key prefix = key_of('O');
    key_add64(&prefix, position);
    key_add64(&prefix, item);
    for (;; number++) {
        struct state_key at = prefix;
        key_add32(&at, number);
        if (!cursor_at(&scan->older, &at)) {
            break;
        }
        if (!decode_version(&decoded, cursor_value(&scan->older)) ||
            !follows(scan, item, &decoded, number > 1 ? &before : NULL, number) ||
            derive_version(scan->derive, decoded.version, false) != ST_OK) {
            return bad_item(scan, position, item);
        }
        before = decoded.hash;
        scan->check->report->versions++;
        cursor_next(&scan->older);
    }
    if (!cursor_at(&scan->items, &key) || !decode_version(&decoded, cursor_value(&scan->items)) ||
        !follows(scan, item, &decoded, number > 1 ? &before : NULL, number) ||
        derive_version(scan->derive, decoded.version, true) != ST_OK) {
        return ended(scan, &scan->items, bad_item(scan, position, item));
    }
    scan->check->report->versions++;
    scan->check->report->items++;
    account_item_leaf(&leaf, item, &decoded.hash);
    enum status status = check_runs(scan, position, item, &leaf);
    merkle_frontier_append(&scan->frontier, &leaf);
    cursor_next(&scan->items);
    return status;
}

static enum status check_items(struct account_scan *scan, uint64_t position)
{
    const struct merkle_frontier *wanted = &scan->account.items;
    enum status status = ST_OK;
    merkle_frontier_init(&scan->frontier);
    scan->run_count = 0;
    for (uint64_t item = 1; item <= wanted->size && status == ST_OK; item++) {
        status = check_item(scan, position, item);
    }
    for (uint32_t i = 0; i < scan->run_count && status == ST_OK; i++) {
        struct state_key key = key_of('J');
        key_add64(&key, position);
        key_add8(&key, 2);
        key_add64(&key, i);
        if (scan->check->maker != NULL) {
            maker_put(scan->check->maker, &key, bytes_of(&scan->runs[i], 32));
            continue;
        }
        if (!cursor_at(&scan->nodes, &key) ||
            !bytes_equal(cursor_value(&scan->nodes), bytes_of(&scan->runs[i], 32))) {
            return bad_item(scan, position, (uint64_t)i << (2 * RUN_BITS));
        }
        cursor_next(&scan->nodes);
    }
    size_t peaks = (size_t)__builtin_popcountll(wanted->size) * 32;
    return status == ST_OK && memcmp(scan->frontier.peaks, wanted->peaks, peaks) != 0
               ? bad_account(scan, position)
               : status;
}

/* ---- Indexes ---- */

/* Holds the entries of one letter to those derived, from *next on. */
static enum status check_letter(struct account_scan *scan, uint64_t position, size_t letter,
                                const struct derived *derived, size_t *next)
{
    struct cursor *cursor = &scan->indexes[letter];
    while (cursor_valid(cursor)) {
        struct bytes key = cursor_key(cursor);
        struct bytes value;
        if (key.size < 10 || be64_get(key.data + 2) < position) {
            return bad_index(scan, position, letters[letter]); /* of no account */
        }
        if (be64_get(key.data + 2) != position) {
            break;
        }
        enum status status = derive_normal(scan->derive, key, cursor_value(cursor), &value);
        if (status == ST_CORRUPT) {
            return bad_index(scan, position, letters[letter]);
        }
        if (status == ST_OK) {
            const struct derive_entry *wanted = &derived->entries[*next];
            if (*next == derived->entry_count || !bytes_equal(key_bytes(&wanted->key), key) ||
                !bytes_equal(wanted->value, value)) {
                return bad_index(scan, position, letters[letter]);
            }
            (*next)++;
        }
        cursor_next(cursor);
    }
    if (cursor_status(cursor) != ST_OK) {
        return ended(scan, cursor, ST_CORRUPT);
    }
    return *next < derived->entry_count &&
                   derived->entries[*next].key.data[1] == (uint8_t)letters[letter]
               ? bad_index(scan, position, letters[letter])
               : ST_OK;
}

static enum status check_indexes(struct account_scan *scan, uint64_t position)
{
    struct check *check = scan->check;
    struct derived derived;
    size_t next = 0;
    derive_end(scan->derive, &derived);
    for (size_t i = 0; check->maker != NULL && i < derived.entry_count; i++) {
        maker_put(check->maker, &derived.entries[i].key, derived.entries[i].value);
    }
    for (size_t i = 0; check->maker == NULL && i < LETTERS; i++) {
        enum status status = check_letter(scan, position, i, &derived, &next);
        if (status != ST_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < derived.identity_count; i++) {
        uint8_t place[16];
        be64_put(place, position);
        be64_put(place + 8, derived.identities[i].item);
        if (check->maker != NULL) {
            struct state_key key = key_hash('D', &derived.identities[i].identity);
            maker_put(check->maker, &key, bytes_of(place, sizeof place));
        }
        sum_add(check, &check->identities, 'D', bytes_of(&derived.identities[i].identity, 32),
                bytes_of(place, sizeof place));
    }
    for (size_t i = 0; i < derived.cell_count; i++) {
        cell_table_add(check->cells, &derived.cells[i]);
    }
    return ST_OK;
}

static void count_opening(struct check *check, const struct account *account)
{
    struct derive_tables tables = registry_derive_tables(check->tables);
    uint32_t date =
        check->date_of == NULL ? 0 : check->date_of(check->context, account->opened_height);
    check->dates_known = check->dates_known && date != 0;
    cell_table_opened(check->cells, &tables, account->region, date / 10000);
}

enum status account_scan_next(struct account_scan *scan, uint64_t position,
                              const struct merkle_leaf *leaf)
{
    struct state_key key = key_position('R', ACCOUNTS, position);
    struct hash32 tree_key;
    struct hash32 value;
    if (!cursor_at(&scan->records, &key) ||
        account_record_decode(&scan->account, cursor_value(&scan->records)) != ST_OK) {
        return ended(scan, &scan->records, bad_account(scan, position));
    }
    account_value_hash(&value, &scan->account);
    merkle_array_key(&tree_key, ACCOUNTS, bytes_of(&scan->account.learner, 32));
    if (!hash32_equal(&value, &leaf->value) || !hash32_equal(&tree_key, &leaf->key)) {
        return bad_account(scan, position);
    }
    cursor_next(&scan->records);
    scan->check->report->accounts++;
    derive_begin(scan->derive, position, scan->check->date);
    enum status status = check_items(scan, position);
    if (status == ST_OK) {
        status = check_indexes(scan, position);
    }
    if (status == ST_OK) {
        count_opening(scan->check, &scan->account);
    }
    return status;
}

enum status account_scan_end(struct account_scan *scan)
{
    const struct cursor *cursors[4 + LETTERS] = {&scan->records, &scan->items, &scan->older,
                                                 &scan->nodes};
    for (size_t i = 0; i < LETTERS; i++) {
        cursors[4 + i] = &scan->indexes[i];
    }
    for (size_t i = 0; i < 4 + LETTERS; i++) {
        if (cursor_valid(cursors[i]) || cursor_status(cursors[i]) != ST_OK) {
            return ended(scan, cursors[i],
                         whole_damage(scan->check->report, WHOLE_STATE,
                                      "the state holds data of an account that does not exist",
                                      "状态库中有不存在的账户的数据"));
        }
    }
    return ST_OK;
}
