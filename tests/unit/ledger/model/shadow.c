#include "tests/unit/cmocka_all.h"

#include "tests/unit/ledger/model/shadow.h"

#include <string.h>

#include "ledger/ledger_internal.h"
#include "ledger/state/merkle_array.h"
#include "ledger/tx/kinds.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/support.h"

static struct model model;
static bool is_open;
static uint64_t height; /* of the ledger it is beside */
static struct model_block expected;
static bool pending; /* a block was compared and is to be applied */

struct model *shadow_model(void)
{
    return &model;
}

static const Xuelian__TxBody *body_of(struct bytes bytes)
{
    const Xuelian__Tx *tx = AS(Tx, message_read(&xuelian__tx__descriptor, bytes.data, bytes.size));
    return AS(TxBody, message_read(&xuelian__tx_body__descriptor, tx->body.data, tx->body.len));
}

static void print_block(const struct ledger_proposal *proposal)
{
    print_message("height %llu:", (unsigned long long)height);
    for (uint32_t i = 0; i < proposal->count; i++) {
        print_message(" %s %s", tx_kind_of(body_of(proposal->txs[i])->common->kind)->name,
                      status_name((enum status)expected.codes[i]));
    }
    print_message("\n");
}

static void compare_codes(const struct ledger_proposal *proposal, const struct ledger_block *block)
{
    for (uint32_t i = 0; i < proposal->count; i++) {
        if (block->codes[i] != expected.codes[i]) {
            fail_msg("height %llu, transaction %u, %s: the ledger says %s, the model %s",
                     (unsigned long long)block->header.height, (unsigned)i,
                     tx_kind_of(body_of(proposal->txs[i])->common->kind)->name,
                     status_name((enum status)block->codes[i]),
                     status_name((enum status)expected.codes[i]));
        }
    }
    if (!same32(block->header.result_root.bytes, expected.result_root.bytes)) {
        fail_msg("height %llu: the ledger and the model differ in a code of an item",
                 (unsigned long long)block->header.height);
    }
}

static void compare_next(const struct ledger_block *block)
{
    const struct validator_set *set = &block->next_set;
    assert_int_equal(set->era, model.next.era);
    assert_int_equal(set->count, model.next.count);
    for (uint32_t i = 0; i < set->count; i++) {
        assert_memory_equal(set->validators[i].key.bytes, model.next.validators[i].key, 33);
        assert_int_equal(set->validators[i].member, model.next.validators[i].member);
        assert_int_equal(set->validators[i].joined, model.next.validators[i].joined);
        assert_int_equal(set->validators[i].incarnation, model.next.validators[i].incarnation);
    }
    assert_true(message_equal(&block->next_params.base, &model.next_params->base));
    assert_int_equal(block->protocol_version, model.protocol_version);
    assert_int_equal(block->protocol_height, model.protocol_height);
}

static void shadow_block(const struct ledger_proposal *proposal, const struct ledger_block *block)
{
    if (!is_open || !same32(block->header.chain_id.bytes, model.chain_id.bytes) ||
        block->header.height != height + 1) {
        is_open = false;
        return;
    }
    for (uint32_t i = 0; i < proposal->count; i++) {
        if (!model_knows((uint32_t)body_of(proposal->txs[i])->common->kind)) {
            is_open = false;
            return;
        }
    }
    height++;
    model_sealed(&model, &block->header.parent_hash);
    model_block(&model, proposal->time_ms, proposal->txs, proposal->count, &expected);
    compare_codes(proposal, block);
    pending = true;
    if (!same32(block->header.state_root.bytes, expected.state_root.bytes)) {
        print_block(proposal);
    } else {
        pending = false;
        compare_next(block);
    }
}

static void print_hex(const char *what, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    print_message("%s ", what);
    for (size_t i = 0; i < size; i++) {
        print_message("%02x", bytes[i]);
    }
    print_message("\n");
}

/* What the model has at a position, for who looks for the difference. */
static void print_entry(uint32_t collection, size_t position)
{
    struct buffer bytes = {0};
    if (position == 0) {
        return;
    }
    if (collection == XUELIAN__COLLECTION__COLLECTION_ACCOUNTS) {
        const struct model_account *account = model.accounts[position - 1];
        bytes = message_bytes(&model_summary(account)->base);
        print_message("the model has status %u, %llu items:", account->status,
                      (unsigned long long)account->item_count);
        for (uint64_t i = 0; i < account->item_count; i++) {
            const struct model_item *item = &account->items[i];
            print_message(" %llu:k%u s%u v%u", (unsigned long long)i + 1, item->kind, item->status,
                          item->versions);
        }
        print_message("\n");
    } else if (collection == XUELIAN__COLLECTION__COLLECTION_STATISTICS) {
        bytes = message_bytes(&model_cell_value(&model, &model.cells[position - 1])->base);
    } else if (position <= model.tables[collection].count) {
        bytes = message_bytes(model.tables[collection].records[position - 1].value);
    }
    print_hex("the model's summary or value", bytes.bytes, bytes.size);
}

static void find_difference(struct kv *kv)
{
    for (uint32_t collection = 1; collection <= MODEL_COLLECTIONS; collection++) {
        struct merkle_reader reader;
        size_t count = 0;
        const struct model_leaf *leaves = model_leaves(&model, collection, &count);
        assert_int_equal(merkle_reader_open(&reader, kv, NULL, collection), ST_OK);
        for (size_t i = 0; i < count && i < reader.count; i++) {
            struct merkle_leaf leaf;
            assert_int_equal(merkle_reader_leaf(&reader, i, &leaf), ST_OK);
            if (!same32(&leaf.key, &leaves[i].key) || !same32(&leaf.value, &leaves[i].value)) {
                print_entry(collection, i);
                fail_msg("height %llu: collection %u differs at position %zu, in its %s",
                         (unsigned long long)height, (unsigned)collection, i,
                         same32(&leaf.key, &leaves[i].key) ? "value" : "key");
            }
        }
        if (count != reader.count) {
            fail_msg("height %llu: collection %u has %llu entries, in the model %zu",
                     (unsigned long long)height, (unsigned)collection,
                     (unsigned long long)reader.count, count);
        }
    }
    fail_msg("height %llu: the state roots differ, and no leaf does", (unsigned long long)height);
}

static void shadow_applied(const struct ledger *ledger)
{
    if (is_open && pending && ledger_tip(ledger)->height == height) {
        find_difference(ledger->kv);
    }
}

void shadow_watch(void)
{
    support_watch.opened = shadow_open;
}

void shadow_open(const struct genesis *genesis)
{
    void (*opened)(const struct genesis *) = support_watch.opened;
    shadow_close();
    support_watch.opened = opened;
    struct buffer bytes = message_bytes(&genesis->message->base);
    model_open(&model, bytes.bytes, bytes.size);
    assert_memory_equal(model.chain_id.bytes, genesis->chain_id.bytes, 32);
    is_open = true;
    support_watch = (struct support_watch){
        .opened = support_watch.opened, .executed = shadow_block, .applied = shadow_applied};
    height = 0;
}

void shadow_close(void)
{
    support_watch = (struct support_watch){0};
    is_open = false;
    pending = false;
    pool_free_all();
    memset(&model, 0, sizeof model);
}

uint64_t shadow_blocks(void)
{
    return height;
}
