#include "ledger/state/account.h"

#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

static ProtobufCBinaryData key_borrow(const struct account_key *key)
{
    return field_borrow(&key->key, key->there ? 33 : 0);
}

size_t account_summary_encode(uint8_t *out, const struct account *account)
{
    Xuelian__AccountSummary wire = XUELIAN__ACCOUNT_SUMMARY__INIT;
    Xuelian__KindTotal totals[OUTCOME_KIND_COUNT];
    Xuelian__KindTotal *pointers[OUTCOME_KIND_COUNT];
    wire.identity_commitment = field_borrow(&account->identity_commitment, 32);
    wire.learner_key = key_borrow(&account->learner_key);
    wire.custodian = account->custodian;
    wire.region = account->region;
    wire.opened_height = account->opened_height;
    wire.opened_by = field_borrow(&account->opened_by, 32);
    wire.points = account->points;
    wire.totals = pointers;
    for (uint32_t kind = 1; kind < OUTCOME_KIND_COUNT; kind++) {
        const struct account_total *total = &account->totals[kind];
        if (total->outcomes == 0) {
            continue;
        }
        Xuelian__KindTotal *row = &totals[wire.n_totals];
        xuelian__kind_total__init(row);
        row->kind = (Xuelian__OutcomeKind)kind;
        row->outcomes = total->outcomes;
        row->credits = total->credits;
        row->hours = total->hours;
        pointers[wire.n_totals++] = row;
    }
    wire.key_item = account->key_item;
    wire.guardian_key = key_borrow(&account->guardian_key);
    wire.guardian_until = account->guardian_until;
    wire.guardian_item = account->guardian_item;
    wire.frozen_by = account->frozen_by;
    wire.linked = account->linked;
    wire.merged_into = field_borrow(&account->merged_into, account->merged ? 32 : 0);
    wire.applications = account->applications;
    return canonical_encode(out, &wire.base);
}

size_t account_value_encode(uint8_t *out, const struct account *account)
{
    Xuelian__AccountValue wire = XUELIAN__ACCOUNT_VALUE__INIT;
    uint8_t summary[ACCOUNT_SUMMARY_SIZE_MAX];
    struct hash32 summary_hash;
    struct hash32 item_root;
    size_t size = account_summary_encode(summary, account);
    hash_tagged(&summary_hash, TAG_SUMMARY, summary, size);
    merkle_frontier_root(&account->items, &item_root);
    wire.item_count = account->items.size;
    wire.item_root = field_borrow(&item_root, 32);
    wire.status = account->status;
    wire.summary_hash = field_borrow(&summary_hash, 32);
    return canonical_encode(out, &wire.base);
}

void account_value_hash(struct hash32 *out, const struct account *account)
{
    uint8_t value[128];
    size_t size = account_value_encode(value, account);
    hash_tagged(out, TAG_ACCOUNT, value, size);
}

static size_t peaks_size(uint64_t size)
{
    return 32u * (size_t)__builtin_popcountll(size);
}

/* learner 32 | status 4 | items 8 | peaks | summary */
size_t account_record_encode(uint8_t *out, const struct account *account)
{
    size_t peaks = peaks_size(account->items.size);
    memcpy(out, account->learner.bytes, 32);
    be32_put(out + 32, (uint32_t)account->status);
    be64_put(out + 36, account->items.size);
    memcpy(out + 44, account->items.peaks, peaks);
    return 44 + peaks + account_summary_encode(out + 44 + peaks, account);
}

static enum status summary_decode(struct account *account, struct bytes summary)
{
    uint64_t memory[512];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__account_summary__descriptor, summary, &arena) !=
        ST_OK) {
        return ST_CORRUPT;
    }
    const Xuelian__AccountSummary *wire = (const Xuelian__AccountSummary *)(const void *)message;
    account->learner_key.there = field_copy(&account->learner_key.key, 33, &wire->learner_key);
    account->custodian = wire->custodian;
    account->region = wire->region;
    account->opened_height = wire->opened_height;
    account->points = wire->points;
    account->key_item = wire->key_item;
    account->guardian_key.there = field_copy(&account->guardian_key.key, 33, &wire->guardian_key);
    account->guardian_until = wire->guardian_until;
    account->guardian_item = wire->guardian_item;
    account->frozen_by = wire->frozen_by;
    account->linked = wire->linked;
    account->merged = field_copy(&account->merged_into, 32, &wire->merged_into);
    account->applications = wire->applications;
    account->acting_learner = account->learner_key;
    account->acting_guardian = account->guardian_key;
    account->acting_until = account->guardian_until;
    if (!field_copy(&account->identity_commitment, 32, &wire->identity_commitment) ||
        !field_copy(&account->opened_by, 32, &wire->opened_by)) {
        return ST_CORRUPT;
    }
    memset(account->totals, 0, sizeof account->totals);
    for (size_t i = 0; i < wire->n_totals; i++) {
        const Xuelian__KindTotal *row = wire->totals[i];
        if ((uint32_t)row->kind >= OUTCOME_KIND_COUNT) {
            return ST_CORRUPT;
        }
        account->totals[row->kind] = (struct account_total){
            .outcomes = row->outcomes, .credits = row->credits, .hours = row->hours};
    }
    return ST_OK;
}

enum status account_record_decode(struct account *account, struct bytes record)
{
    if (record.size < 44) {
        return ST_CORRUPT;
    }
    uint64_t items = be64_get(record.data + 36);
    size_t peaks = peaks_size(items);
    if (record.size < 44 + peaks) {
        return ST_CORRUPT;
    }
    memcpy(account->learner.bytes, record.data, 32);
    account->status = (Xuelian__AccountStatus)be32_get(record.data + 32);
    account->items.size = items;
    memcpy(account->items.peaks, record.data + 44, peaks);
    return summary_decode(account, bytes_of(record.data + 44 + peaks, record.size - 44 - peaks));
}

void account_item_leaf(struct hash32 *out, uint64_t number, const struct hash32 *version_hash)
{
    uint8_t data[40];
    be64_put(data, number);
    memcpy(data + 8, version_hash->bytes, 32);
    hash_leaf(out, TAG_LEAF_ITEM, data, sizeof data);
}
