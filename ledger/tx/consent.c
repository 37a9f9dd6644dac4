/* 授权, 撤回授权: a learner lets a member, or whoever has a code, read items until a date. */
#include <string.h>

#include "ledger/tx/consent_rules.h"
#include "ledger/tx/item_list.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

enum { CONTENT_WORDS = 256 };

bool consent_kinds_valid(const Xuelian__ItemKind *kinds, size_t count)
{
    uint32_t before = 0;
    for (size_t i = 0; i < count; i++) {
        if ((uint32_t)kinds[i] <= before) {
            return false;
        }
        before = (uint32_t)kinds[i];
    }
    return true;
}

/* What needs nothing but the payload and the block's date. */
static uint32_t check_fields(const struct block_context *context, const Xuelian__Consent *consent)
{
    uint32_t before = 0;
    if ((consent->grantee == 0) != (consent->code_hash.len == 32) ||
        (consent->request.len == 32 && consent->grantee == 0) ||
        !consent_kinds_valid(consent->kinds, consent->n_kinds) ||
        consent->n_items > LIMIT_CONSENT_ITEMS_MAX) {
        return ST_BAD_FIELD;
    }
    for (size_t i = 0; i < consent->n_items; i++) {
        if (consent->items[i] <= before) {
            return ST_BAD_FIELD;
        }
        before = consent->items[i];
    }
    return date_valid(consent->until_date) && consent->until_date >= context->date ? ST_OK
                                                                                   : ST_BAD_DATE;
}

static enum status check_grantee(struct state *state, const Xuelian__Consent *consent,
                                 uint32_t *code)
{
    const struct member_view *member;
    if (consent->grantee == 0) {
        return ST_OK;
    }
    enum status status = state_member(state, consent->grantee, &member);
    if (status == ST_OK && !member->exists) {
        *code = ST_UNKNOWN_MEMBER;
    } else if (status == ST_OK && member->status != 0) {
        *code = ST_MEMBER_INACTIVE;
    }
    return status;
}

/* Ended, or past its date: a consent that gives nothing any more. */
static bool over(const struct item *item, uint32_t date)
{
    uint64_t memory[CONTENT_WORDS];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID ||
        item_content(item, &xuelian__consent__descriptor, &arena, &content) != ST_OK) {
        return true;
    }
    return ((const Xuelian__Consent *)(const void *)content)->until_date < date;
}

/* What the state says of a consent whose form is right. */
static enum status check_state(struct state *state, const struct block_context *context,
                               const struct account *account, const Xuelian__Consent *consent,
                               struct item_list *list, uint32_t *code)
{
    enum status status = check_grantee(state, consent, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (consent->n_items > 0 && consent->items[consent->n_items - 1] > account->items.size) {
        *code = ST_UNKNOWN_ITEM;
        return ST_OK;
    }
    if (consent->request.len == 32) {
        status = query_check(state, account, consent->grantee, &consent->request, code);
        if (status != ST_OK || *code != ST_OK) {
            return status;
        }
    }
    if (!account_has_reserve(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    struct state_key key = key_consents(account->position, consent->grantee);
    status =
        item_list_with_room(state, account, &key, LIMIT_CONSENTS_MAX, over, context->date, list);
    if (status == ST_OK && list->count == LIMIT_CONSENTS_MAX) {
        *code = ST_CONSENTS_FULL;
    }
    return status;
}

enum status consent_grant_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Consent *consent = (const Xuelian__Consent *)(const void *)tx->messages[index];
    struct account *account;
    struct item_list list;
    enum status status = account_open_for(state, &consent->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_holder(state, context, tx, account, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_fields(context, consent);
    if (*code != ST_OK) {
        return ST_OK;
    }
    status = check_state(state, context, account, consent, &list, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    item_list_add(state, &list,
                  item_append(state, context, tx, index, account,
                              XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT,
                              XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, tx->items[index]));
    return consent->request.len == 32 ? query_settle(state, account, consent->grantee) : ST_OK;
}

enum status consent_withdraw_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ConsentWithdrawal *wire =
        (const Xuelian__ConsentWithdrawal *)(const void *)tx->messages[index];
    struct account *account;
    struct item item;
    struct item_list list;
    uint64_t memory[CONTENT_WORDS];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    enum status status = account_known(state, &wire->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = item_read_version(state, account, wire->item, XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT,
                               &wire->version_hash, &item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    arena_init(&arena, memory, sizeof memory);
    status = item_content(&item, &xuelian__consent__descriptor, &arena, &content);
    if (status != ST_OK) {
        return status;
    }
    uint32_t grantee = ((const Xuelian__Consent *)(const void *)content)->grantee;
    bool by_grantee = tx->signer_count == 1 &&
                      tx->signers[0].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER &&
                      tx->signers[0].member == grantee;
    if (!by_grantee) {
        status = check_holder(state, context, tx, account, code);
    }
    if (status == ST_OK && *code == ST_OK &&
        item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID) {
        *code = ST_WRONG_STATE;
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    struct state_key key = key_consents(account->position, grantee);
    status = item_list_read(state, &key, &list);
    if (status == ST_OK) {
        status = item_change(state, context, tx, index, account, &item,
                             XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED, (struct bytes){.data = NULL},
                             code);
    }
    if (status == ST_OK && *code == ST_OK) {
        item_list_drop(state, &list, wire->item);
    }
    return status;
}
