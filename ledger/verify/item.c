#include <string.h>

#include "ledger/verify/internal.h"
#include "ledger/verify/text.h"
#include "proto/bytes.h"

enum {
    ITEM_KIND_MAX = VERIFY_ITEM_LINK,
    ITEM_STATUS_MAX = VERIFY_ITEM_ENDED,
    OUTCOME_MODE_MAX = 4,
    OUTCOME_SOURCE_MAX = 3
};

/* ItemVersion: what the verifier compares, beside what goes into struct verify_item. */
struct version_view {
    struct hash32 account;
    struct bytes previous_hash; /* 32 bytes or none */
};

void item_leaf(struct hash32 *leaf, uint64_t number, const struct hash32 *version_hash)
{
    uint8_t bytes[8 + 32];
    be64_put(bytes, number);
    memcpy(bytes + 8, version_hash, sizeof *version_hash);
    hash_leaf(leaf, TAG_LEAF_ITEM, bytes, sizeof bytes);
}

static enum verify_fault version_read(struct verifier *v, struct bytes message,
                                      struct verify_item *item, struct version_view *out)
{
    struct reader reader;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &out->account, 32);
    item->number = reader_u64(&reader, 2);
    item->version = reader_u32(&reader, 3);
    out->previous_hash = reader_optional(&reader, 4, 32);
    item->height = reader_u64(&reader, 5);
    reader_fixed(&reader, 6, &item->tx_id, 32);
    item->outcome_index = reader_u32(&reader, 7);
    uint32_t kind = reader_enum(&reader, 8, ITEM_KIND_MAX);
    uint32_t status = reader_enum(&reader, 9, ITEM_STATUS_MAX);
    item->content = reader_bytes(&reader, 10);
    item->reason = reader_u32(&reader, 11);
    item->dispute = reader_enum(&reader, 12, LIMIT_ACCOUNT_ITEMS_MAX);
    /* Numbers and versions count from 1; the first version alone has none before it. */
    if (item->number == 0 || item->version == 0 || kind == 0 || status == 0 ||
        (item->version == 1) != (out->previous_hash.size == 0)) {
        reader_refuse(&reader);
    }
    item->kind = (enum verify_item_kind)kind;
    item->status = (enum verify_item_status)status;
    return proof_end(v, &reader);
}

/* Content of an outcome. Its account is compared, so a record cannot speak of another learner. */
static enum verify_fault outcome_read(struct verifier *v, struct verify_item *item)
{
    struct verify_outcome *out = &item->outcome;
    struct hash32 account;
    struct reader reader;
    reader_init(&reader, item->content);
    reader_fixed(&reader, 1, &account, 32);
    out->issuer = reader_u32(&reader, 2);
    out->kind = reader_enum(&reader, 3, VERIFY_OUTCOME_KINDS);
    out->course = reader_u32(&reader, 4);
    out->course_version = reader_u32(&reader, 5);
    out->framework = reader_u32(&reader, 6);
    out->level = reader_u32(&reader, 7);
    out->credits = reader_u32(&reader, 8);
    out->hours = reader_u32(&reader, 9);
    out->start_date = reader_u32(&reader, 10);
    out->award_date = reader_u32(&reader, 11);
    out->grade_band = reader_u32(&reader, 12);
    out->mode = reader_enum(&reader, 13, OUTCOME_MODE_MAX);
    out->source = reader_enum(&reader, 14, OUTCOME_SOURCE_MAX);
    out->recognising = reader_u32(&reader, 15);
    out->region = reader_u32(&reader, 16);
    out->site = reader_u32(&reader, 17);
    out->reference = reader_optional(&reader, 18, 16);
    out->expiry_date = reader_u32(&reader, 19);
    out->details_root = reader_optional(&reader, 20, 32);
    if (out->issuer == 0 || out->kind == 0) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && !hash32_equal(&account, &v->result->learner)) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_PLACE, item->number);
    }
    item->issuer_name = genesis_member_name(v, out->issuer);
    item->course_name = genesis_course_name(v, out->course);
    item->expired = out->expiry_date != 0 && civil_date(v->header.time_ms) > out->expiry_date;
    return fault;
}

/* One earlier version: named by the hash in the version after it, number one lower, same item. */
static enum verify_fault earlier_check(struct verifier *v, struct bytes message,
                                       struct verify_item *item, struct bytes *expected_hash,
                                       uint64_t *height, struct issuer_origin *origin)
{
    struct verify_item earlier;
    struct version_view view;
    struct hash32 hash;
    enum verify_fault fault = version_read(v, message, &earlier, &view);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(&hash, TAG_VERSION, message.data, message.size);
    if (expected_hash->size == 0 || memcmp(expected_hash->data, &hash, sizeof hash) != 0 ||
        !hash32_equal(&view.account, &v->result->learner) || earlier.number != item->number ||
        earlier.version != item->version - item->earlier_count - 1 || earlier.kind != item->kind ||
        earlier.height > *height) {
        return fault_at(v, VERIFY_FAULT_ITEM_HISTORY, item->number);
    }
    *expected_hash = view.previous_hash;
    *height = earlier.height;
    item->earlier_count++;
    if (hash32_equal(&earlier.tx_id, &origin->wanted) &&
        bytes_equal(earlier.content, item->content)) {
        *origin = (struct issuer_origin){.wanted = origin->wanted,
                                         .tx_id = earlier.tx_id,
                                         .height = earlier.height,
                                         .outcome_index = earlier.outcome_index};
    }
    return VERIFY_FAULT_NONE;
}

static enum verify_fault history_check(struct verifier *v, struct reader *reader,
                                       struct verify_item *item, struct bytes previous_hash,
                                       struct issuer_origin *origin)
{
    struct bytes message;
    uint64_t height = item->height;
    while (reader_next(reader, 2, &message)) {
        enum verify_fault fault = earlier_check(v, message, item, &previous_hash, &height, origin);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    item->history_whole = previous_hash.size == 0;
    return VERIFY_FAULT_NONE;
}

enum verify_fault item_check(struct verifier *v, struct bytes proof, uint64_t number,
                             struct verify_item *item, struct hash32 *version_hash)
{
    struct reader reader;
    struct version_view view;
    struct issuer_origin origin;
    memset(item, 0, sizeof *item);
    reader_init(&reader, proof);
    struct bytes version = reader_bytes(&reader, 1);
    enum verify_fault fault = version_read(v, version, item, &view);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(version_hash, TAG_VERSION, version.data, version.size);
    if (!hash32_equal(&view.account, &v->result->learner) || item->height > v->header.height ||
        (number != 0 && item->number != number)) {
        return fault_at(v, VERIFY_FAULT_ITEM_PLACE, number != 0 ? number : item->number);
    }
    if (item->kind == VERIFY_ITEM_OUTCOME) {
        fault = outcome_read(v, item);
    }
    origin = (struct issuer_origin){.wanted = issuer_transaction(proof),
                                    .tx_id = item->tx_id,
                                    .height = item->height,
                                    .outcome_index = item->outcome_index};
    if (fault == VERIFY_FAULT_NONE) {
        fault = history_check(v, &reader, item, view.previous_hash, &origin);
    }
    struct bytes issuer = reader_bytes(&reader, 3);
    if (fault == VERIFY_FAULT_NONE) {
        fault = proof_end(v, &reader);
    }
    if (fault == VERIFY_FAULT_NONE && issuer.size > 0) {
        fault = issuer_check(v, issuer, item, &origin);
    }
    return fault;
}
