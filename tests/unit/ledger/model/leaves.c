/* Sections 7 and 8: what the state commits to, all of it made anew. */
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

static ProtobufCBinaryData key_field(const struct model_key *key)
{
    return field_borrow(key->bytes, key->there ? 33 : 0);
}

/* Per kind of outcome: number, credits and hours of the items that count. */
static size_t add_totals(const struct model_account *account, Xuelian__KindTotal *rows)
{
    size_t count = 0;
    for (uint32_t kind = 1; kind < 10; kind++) {
        Xuelian__KindTotal *row = &rows[count];
        xuelian__kind_total__init(row);
        row->kind = (Xuelian__OutcomeKind)kind;
        for (uint64_t i = 0; i < account->item_count; i++) {
            const struct model_item *item = &account->items[i];
            if (item->kind == OUTCOME && still_counts(item) &&
                (uint32_t)AS(Outcome, item->content)->kind == kind) {
                row->outcomes++;
                row->credits += AS(Outcome, item->content)->credits;
                row->hours += AS(Outcome, item->content)->hours;
            }
        }
        count += row->outcomes > 0;
    }
    return count;
}

Xuelian__AccountSummary *model_summary(const struct model_account *account)
{
    static Xuelian__AccountSummary summary;
    static Xuelian__KindTotal rows[10];
    static Xuelian__KindTotal *pointers[10];
    xuelian__account_summary__init(&summary);
    summary.identity_commitment = field_borrow(account->commitment.bytes, 32);
    summary.learner_key = key_field(&account->key);
    summary.custodian = account->custodian;
    summary.region = account->region;
    summary.opened_height = account->opened_height;
    summary.opened_by = field_borrow(account->opened_by.bytes, 32);
    summary.points = points_of(account);
    summary.n_totals = add_totals(account, rows);
    for (size_t i = 0; i < summary.n_totals; i++) {
        pointers[i] = &rows[i];
    }
    summary.totals = pointers;
    summary.key_item = account->key_item;
    summary.guardian_key = key_field(&account->guardian);
    summary.guardian_until = account->guardian_until;
    summary.guardian_item = account->guardian_item;
    summary.frozen_by = account->frozen_by;
    summary.linked = account->linked;
    summary.merged_into = field_borrow(account->merged_into.bytes, account->merged ? 32 : 0);
    summary.applications = applications(account);
    return &summary;
}

static struct hash32 item_root(const struct model_account *account)
{
    struct hash32 *leaves = calloc((size_t)account->item_count + 1, sizeof *leaves);
    for (uint64_t i = 0; i < account->item_count; i++) {
        leaves[i] = account->items[i].leaf;
    }
    struct hash32 root = tree_root(leaves, (size_t)account->item_count);
    free(leaves);
    return root;
}

static struct hash32 account_hash(const struct model_account *account)
{
    Xuelian__AccountValue value = XUELIAN__ACCOUNT_VALUE__INIT;
    struct hash32 root = item_root(account);
    struct hash32 summary = tagged_message("summary", &model_summary(account)->base);
    value.item_count = account->item_count;
    value.item_root = field_borrow(root.bytes, 32);
    value.status = (Xuelian__AccountStatus)account->status;
    value.summary_hash = field_borrow(summary.bytes, 32);
    return tagged_message("account", &value.base);
}

static void set_leaf(struct model_leaf *leaf, uint32_t collection, const void *key, size_t size,
                     const ProtobufCMessage *value)
{
    struct buffer named = {0};
    struct buffer valued = {0};
    put_big(&named, collection, 4);
    put_raw(&named, key, size);
    leaf->key = tagged("tree-key", &named);
    if (value != NULL) {
        put_big(&valued, collection, 4);
        put_message(&valued, value);
        leaf->value = tagged("value", &valued);
    }
}

static int compare_leaves(const void *a, const void *b)
{
    const struct model_leaf *left = *(const struct model_leaf *const *)a;
    const struct model_leaf *right = *(const struct model_leaf *const *)b;
    return memcmp(left->key.bytes, right->key.bytes, 32);
}

/* The sentinel's key is zeros and comes first. */
static void link_leaves(struct model_leaf *leaves, size_t count)
{
    struct model_leaf **sorted = calloc(count, sizeof(struct model_leaf *));
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &leaves[i];
    }
    qsort(sorted, count, sizeof(struct model_leaf *), compare_leaves);
    for (size_t i = 0; i + 1 < count; i++) {
        sorted[i]->next = sorted[i + 1]->key;
    }
    free(sorted);
}

struct model_leaf *model_leaves(const struct model *m, uint32_t collection, size_t *count)
{
    struct buffer memory = {0};
    const struct model_table *table = &m->tables[collection];
    size_t size = 1 + (collection == 7   ? m->account_count
                       : collection == 8 ? m->cell_count
                                         : table->count);
    for (size_t i = 0; i < size; i++) {
        static const struct model_leaf none;
        put_raw(&memory, &none, sizeof none);
    }
    struct model_leaf *leaves = (struct model_leaf *)(void *)memory.bytes;
    for (size_t i = 1; i < size; i++) {
        if (collection == 7) {
            const struct model_account *account = m->accounts[i - 1];
            set_leaf(&leaves[i], 7, account->learner.bytes, 32, NULL);
            leaves[i].value = account_hash(account);
        } else if (collection == 8) {
            const struct model_cell *cell = &m->cells[i - 1];
            struct buffer key = {0};
            put_big(&key, cell->year, 4);
            put_big(&key, cell->region, 4);
            put_big(&key, cell->kind, 4);
            put_big(&key, cell->level, 4);
            set_leaf(&leaves[i], 8, key.bytes, key.size, &model_cell_value(m, cell)->base);
        } else {
            const struct model_record *record = &table->records[i - 1];
            set_leaf(&leaves[i], collection, record->key, record->key_size, record->value);
        }
    }
    link_leaves(leaves, size);
    *count = size;
    return leaves;
}

struct hash32 model_state_root(const struct model *m)
{
    struct hash32 roots[MODEL_COLLECTIONS];
    for (uint32_t id = 1; id <= MODEL_COLLECTIONS; id++) {
        size_t count = 0;
        const struct model_leaf *leaves = model_leaves(m, id, &count);
        struct hash32 *hashes = calloc(count, sizeof *hashes);
        struct buffer collection = {0};
        for (size_t i = 0; i < count; i++) {
            hashes[i] = tree_leaf("state", &leaves[i], sizeof leaves[i]);
        }
        struct hash32 root = tree_root(hashes, count);
        free(hashes);
        put_big(&collection, id, 4);
        put_big(&collection, count, 8);
        put_raw(&collection, root.bytes, 32);
        roots[id - 1] = tree_leaf("collection", collection.bytes, collection.size);
    }
    return tree_root(roots, MODEL_COLLECTIONS);
}
