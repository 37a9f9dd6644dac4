#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum { ITEM_KIND_MAX = VERIFY_ITEM_LINK, ITEM_STATUS_MAX = VERIFY_ITEM_ENDED, DETAILS_ERASED = 2 };

void item_leaf(struct hash32 *leaf, uint64_t number, const struct hash32 *version_hash)
{
    uint8_t bytes[8 + 32];
    be64_put(bytes, number);
    memcpy(bytes + 8, version_hash, sizeof *version_hash);
    hash_leaf(leaf, TAG_LEAF_ITEM, bytes, sizeof bytes);
}

enum verify_fault version_read(struct verifier *v, struct bytes message, struct verify_item *item,
                               struct version_view *out)
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
    item->details_erased = reader_enum(&reader, 13, DETAILS_ERASED) == DETAILS_ERASED;
    /* Numbers and versions count from 1; the first version alone has none before it. */
    if (item->number == 0 || item->version == 0 || kind == 0 || status == 0 ||
        (item->version == 1) != (out->previous_hash.size == 0)) {
        reader_refuse(&reader);
    }
    item->kind = (enum verify_item_kind)kind;
    item->status = (enum verify_item_status)status;
    out->height = item->height;
    out->status = item->status;
    return proof_end(v, &reader);
}

static void origin_set(struct issuer_origin *origin, const struct verify_item *version,
                       const struct version_view *view)
{
    origin->tx_id = version->tx_id;
    origin->height = version->height;
    origin->outcome_index = version->outcome_index;
    origin->version = version->version;
    origin->status = version->status;
    origin->reason = version->reason;
    origin->previous_hash = view->previous_hash;
}

/* One earlier version: named by the hash in the version after it, number one lower, same item. */
static enum verify_fault earlier_check(struct verifier *v, struct bytes message,
                                       struct verify_item *item, struct version_view *after,
                                       struct issuer_origin *origin)
{
    struct verify_item earlier;
    struct version_view view;
    struct hash32 hash;
    enum verify_fault fault = version_read(v, message, &earlier, &view);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    hash_tagged(&hash, TAG_VERSION, message.data, message.size);
    if (after->previous_hash.size == 0 ||
        memcmp(after->previous_hash.data, &hash, sizeof hash) != 0 ||
        !hash32_equal(&view.account, &v->result->learner) || earlier.number != item->number ||
        earlier.version != item->version - item->earlier_count - 1 || earlier.kind != item->kind ||
        earlier.height > after->height) {
        return fault_at(v, VERIFY_FAULT_ITEM_HISTORY, item->number);
    }
    if (!status_follows(item, earlier.status, after->status)) {
        return fault_at(v, VERIFY_FAULT_ITEM_STATUS, item->number);
    }
    item->earlier_count++;
    *after = view;
    if (hash32_equal(&earlier.tx_id, &origin->wanted) &&
        bytes_equal(earlier.content, item->content)) {
        origin_set(origin, &earlier, &view);
    }
    return VERIFY_FAULT_NONE;
}

static enum verify_fault history_check(struct verifier *v, struct reader *reader,
                                       struct verify_item *item, const struct version_view *newest,
                                       struct issuer_origin *origin)
{
    struct version_view after = *newest;
    struct bytes message;
    while (reader_next(reader, 2, &message)) {
        enum verify_fault fault = earlier_check(v, message, item, &after, origin);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    item->history_whole = after.previous_hash.size == 0;
    if (item->history_whole && !status_first(item, after.status)) {
        return fault_at(v, VERIFY_FAULT_ITEM_STATUS, item->number);
    }
    return VERIFY_FAULT_NONE;
}

enum verify_fault item_check(struct verifier *v, struct bytes proof, uint64_t number,
                             struct verify_item *item, struct hash32 *version_hash)
{
    struct reader reader;
    struct version_view view;
    struct issuer_origin origin;
    memset(item, 0, sizeof *item);
    item->shown = proof;
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
    fault = content_check(v, item);
    if (fault == VERIFY_FAULT_NONE && !status_possible(item)) {
        fault = fault_at(v, VERIFY_FAULT_ITEM_STATUS, item->number);
    }
    origin.wanted = issuer_transaction(proof);
    origin_set(&origin, item, &view);
    if (fault == VERIFY_FAULT_NONE) {
        fault = history_check(v, &reader, item, &view, &origin);
    }
    struct bytes issuer = reader_bytes(&reader, 3);
    if (fault == VERIFY_FAULT_NONE) {
        enum verify_fault details = details_check(v, &reader, item);
        fault = proof_end(v, &reader);
        fault = fault == VERIFY_FAULT_NONE ? details : fault;
    }
    if (fault == VERIFY_FAULT_NONE && issuer.size > 0) {
        fault = issuer_check(v, issuer, item, &origin);
    }
    return fault;
}
