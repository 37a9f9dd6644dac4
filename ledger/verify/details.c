/* Details that a proof shows of a record: every field as it is, or as its leaf, under the root that the record holds. */
#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"
#include "proto/merkle.h"

enum { FIELD = 4 }; /* of ItemProof */

/* DetailProof: a field with the hash of its leaf, or that alone. */
static bool detail_read(struct bytes message, struct verify_detail *detail, struct hash32 *leaf)
{
    uint8_t bytes[4 + 32 + LIMIT_DETAIL_SIZE_MAX];
    struct reader reader;
    reader_init(&reader, message);
    struct bytes field = reader_bytes(&reader, 1);
    struct bytes withheld = reader_optional(&reader, 2, 32);
    *detail = (struct verify_detail){.number = 0};
    if (!reader_end(&reader) || (field.size == 0) == (withheld.size == 0)) {
        return false;
    }
    if (field.size == 0) {
        memcpy(leaf, withheld.data, sizeof *leaf);
        return true;
    }
    reader_init(&reader, field);
    detail->number = reader_enum(&reader, 1, LIMIT_DETAIL_NUMBER_MAX);
    reader_fixed(&reader, 2, bytes + 4, 32);
    detail->value = reader_text(&reader, 3, LIMIT_DETAIL_SIZE_MAX);
    if (!reader_end(&reader) || detail->number == 0 || detail->value.size == 0) {
        return false;
    }
    be32_put(bytes, detail->number);
    memcpy(bytes + 36, detail->value.data, detail->value.size);
    hash_leaf(leaf, TAG_LEAF_DETAIL, bytes, 36 + detail->value.size);
    return true;
}

enum verify_fault details_check(struct verifier *v, struct reader *reader, struct verify_item *item)
{
    struct merkle_frontier frontier;
    struct bytes message;
    struct verify_detail detail;
    struct hash32 hash;
    uint8_t bound[4 + 32];
    uint32_t before = 0;
    const uint8_t *from = reader->at;
    merkle_frontier_init(&frontier);
    while (reader_next(reader, FIELD, &message)) {
        if (item->details_count == LIMIT_DETAILS_MAX || !detail_read(message, &detail, &hash) ||
            (detail.number != 0 && detail.number <= before)) {
            reader_refuse(reader);
            break;
        }
        before = detail.number != 0 ? detail.number : before;
        item->details_count++;
        item->details_shown += detail.number != 0;
        merkle_frontier_append(&frontier, &hash);
    }
    if (reader->bad || item->details_count == 0) {
        return VERIFY_FAULT_NONE; /* the end of the message says what is bad */
    }
    item->details = bytes_of(from, (size_t)(reader->at - from));
    be32_put(bound, item->details_count);
    merkle_frontier_root(&frontier, &hash);
    memcpy(bound + 4, hash.bytes, 32);
    hash_tagged(&hash, TAG_DETAILS, bound, sizeof bound);
    return item->kind == VERIFY_ITEM_OUTCOME && item->details_shown > 0 &&
                   bytes_equal(item->outcome.details_root, bytes_of(&hash, 32))
               ? VERIFY_FAULT_NONE
               : fault_at(v, VERIFY_FAULT_DETAILS, item->number);
}

bool verify_detail(const struct verify_item *item, uint32_t index, struct verify_detail *detail)
{
    struct reader reader;
    struct bytes message;
    struct hash32 leaf;
    uint32_t shown = 0;
    reader_init(&reader, item->details);
    while (item->details_count > 0 && reader_next(&reader, FIELD, &message)) {
        if (detail_read(message, detail, &leaf) && detail->number != 0 && shown++ == index) {
            return true;
        }
    }
    return false;
}
