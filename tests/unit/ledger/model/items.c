#include "tests/unit/ledger/model/model.h"

#include <string.h>

#include "proto/convert.h"

uint64_t item_number(const struct model_account *account, const struct model_item *item)
{
    return (uint64_t)(item - account->items) + 1;
}

bool still_counts(const struct model_item *item)
{
    return item->status == VALID || item->status == CORRECTED;
}

uint32_t find_item(struct model_account *account, uint64_t number, uint32_t kind,
                   const ProtobufCBinaryData *version_hash, struct model_item **item)
{
    if (number < 1 || number > account->item_count ||
        (kind != 0 && account->items[number - 1].kind != kind)) {
        return ST_UNKNOWN_ITEM;
    }
    *item = &account->items[number - 1];
    return field_is(version_hash, (*item)->hash.bytes, 32) ? ST_OK : ST_WRONG_VERSION;
}

static bool is_bulk(uint32_t kind)
{
    return kind == 2 || kind == 4 || kind == 28 || kind == 62;
}

void item_renew(const struct act *act, struct model_account *account, struct model_item *item,
                uint32_t status, uint32_t reason, const ProtobufCMessage *content)
{
    Xuelian__ItemVersion version = XUELIAN__ITEM_VERSION__INIT;
    struct buffer bytes = message_bytes(content);
    struct buffer leaf = {0};
    version.account = field_borrow(account->learner.bytes, 32);
    version.item = item_number(account, item);
    version.number = item->versions + 1;
    version.previous_hash = field_borrow(item->hash.bytes, item->versions > 0 ? 32 : 0);
    version.height = act->m->height;
    version.tx_id = field_borrow(act->id.bytes, 32);
    version.outcome_index = is_bulk(act->kind) ? act->index : 0;
    version.kind = (Xuelian__ItemKind)item->kind;
    version.status = (Xuelian__ItemStatus)status;
    version.content = field_borrow(bytes.bytes, bytes.size);
    version.reason = reason;
    version.dispute = item->dispute;
    item->details =
        item->details || (item->kind == OUTCOME && AS(Outcome, content)->details_root.len > 0);
    version.details = item->details ? XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD
                                    : XUELIAN__DETAILS_STATE__DETAILS_STATE_UNSPECIFIED;
    item->hash = tagged_message("version", &version.base);
    put_big(&leaf, version.item, 8);
    put_raw(&leaf, item->hash.bytes, 32);
    item->leaf = tree_leaf("item", leaf.bytes, leaf.size);
    GROW(item->statuses, item->versions, item->statuses_room);
    item->statuses[item->versions++] = status;
    item->status = status;
    item->reason = reason;
    item->content = message_read(content->descriptor, bytes.bytes, bytes.size);
}

struct model_item *item_add(const struct act *act, struct model_account *account, uint32_t kind,
                            uint32_t status, const ProtobufCMessage *content)
{
    GROW(account->items, account->item_count, account->item_room);
    struct model_item *item = &account->items[account->item_count++];
    item->kind = kind;
    item_renew(act, account, item, status, 0, content);
    return item;
}

void item_rest(struct model *m, struct model_item *item)
{
    item->rests_since = ++m->rests;
}

/* Whether an item names an outcome as what it rests on. */
static bool rests_on(const struct model_item *item, uint64_t outcome)
{
    bool names = false;
    if (item->rests_since == 0) {
        return false;
    }
    if (item->kind == RECOGNITION) {
        return AS(Recognition, item->content)->outcome == outcome;
    }
    if (item->kind == POINTS) {
        return AS(PointsEntry, item->content)->source_item == outcome;
    }
    const Xuelian__Conversion *conversion = AS(Conversion, item->content);
    for (size_t i = 0; i < conversion->n_sources; i++) {
        names = names || conversion->sources[i]->item == outcome;
    }
    return names;
}

bool dependents_full(const struct model_account *account, uint64_t outcome)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        bool over = item->status == REFUSED || item->status == REVOKED ||
                    (item->status == ENDED && item->kind != POINTS);
        count += rests_on(item, outcome) && !over;
    }
    return count >= 32;
}

void review_dependents(const struct act *act, struct model_account *account, uint64_t number)
{
    uint64_t done = 0;
    for (;;) {
        struct model_item *first = NULL;
        for (uint64_t i = 0; i < account->item_count; i++) {
            struct model_item *item = &account->items[i];
            if (rests_on(item, number) && item->rests_since > done &&
                (first == NULL || item->rests_since < first->rests_since)) {
                first = item;
            }
        }
        if (first == NULL) {
            return;
        }
        done = first->rests_since;
        struct model_account *in = account;
        struct model_item *now = first;
        if (first->kind == POINTS && first->status == ENDED) {
            now = last_lot(act->m, account, item_number(account, first), &in);
        }
        if (still_counts(now)) {
            item_renew(act, in, now, REVIEW, 10, now->content);
        }
    }
}

uint32_t applications(const struct model_account *account)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        count += account->items[i].status == APPLIED;
    }
    return count;
}
