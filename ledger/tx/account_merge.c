/* 合并: a second account of the same learner is merged into the first. Its items stay where they are; an item of the
 * first names it, and what it held. */
#include "ledger/tx/account_rules.h"
#include "ledger/tx/family.h"
#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

/* Room for the points that may move, and the link. */
enum { ITEMS_ADDED_MAX = LIMIT_POINTS_LOTS_MAX + 1 };

/* Open, and the other one open or frozen. */
static enum status read_accounts(struct state *state, const Xuelian__AccountMerge *merge,
                                 struct account **account, struct account **other, uint32_t *code)
{
    enum status status = account_open_for(state, &merge->account, account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = account_known(state, &merge->other, other, code);
    }
    if (status == ST_OK && *code == ST_OK &&
        (*other)->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN &&
        (*other)->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN) {
        *code = ST_ACCOUNT_CLOSED;
    }
    return status;
}

/* One person's, and within the limits. */
static uint32_t check_merge(const Xuelian__AccountMerge *merge, const struct account *account,
                            const struct account *other)
{
    uint32_t code = check_commitment(account, &merge->identity_commitment);
    if (code == ST_OK) {
        code = check_commitment(other, &merge->other_commitment);
    }
    if (code != ST_OK) {
        return code;
    }
    if (account->linked + other->linked + 1 > LIMIT_LINKS_MAX) {
        return ST_LINKS_FULL;
    }
    return account->items.size > LIMIT_ACCOUNT_ITEMS_MAX - ITEMS_ADDED_MAX ? ST_ACCOUNT_FULL
                                                                           : ST_OK;
}

static uint64_t append_link(struct state *state, const struct block_context *context,
                            const struct tx *tx, struct account *account,
                            const struct account *other)
{
    Xuelian__Link link = XUELIAN__LINK__INIT;
    struct hash32 root;
    uint8_t content[128];
    merkle_frontier_root(&other->items, &root);
    link.other = field_borrow(&other->learner, 32);
    link.item_count = other->items.size;
    link.item_root = field_borrow(&root, 32);
    return item_append(state, context, tx, 0, account, XUELIAN__ITEM_KIND__ITEM_KIND_LINK,
                       XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID,
                       bytes_of(content, canonical_encode(content, &link.base)));
}

enum status account_merge_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountMerge *merge =
        (const Xuelian__AccountMerge *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct account *other = NULL;
    if (!signed_by_members(tx, 2)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (bytes_equal(field_bytes(&merge->account), field_bytes(&merge->other))) {
        *code = ST_SAME_ACCOUNT;
        return ST_OK;
    }
    enum status status = read_accounts(state, merge, &account, &other, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_pair(state, account, tx, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_merge(merge, account, other);
    if (*code == ST_OK) {
        status = points_move_check(state, context, other, account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = points_move(state, context, tx, index, other, account);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = family_add(state, account, append_link(state, context, tx, account, other));
    account->linked += other->linked + 1;
    other->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED;
    other->frozen_by = 0;
    other->merged = true;
    other->merged_into = account->learner;
    other->dirty = true;
    return status;
}
