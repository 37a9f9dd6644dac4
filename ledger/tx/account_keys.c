/* 认领, 更换, 找回, 监护: the keys that sign for a learner. Each change is an item of the account, and the item of
 * the key that it replaces ends. A key acts from the next height. */
#include "ledger/tx/account_rules.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { GUARDIAN_SPAN = 180000 }; /* 18 years, as dates differ */

static struct account_key key_of_field(const ProtobufCBinaryData *field)
{
    struct account_key key;
    key.there = field_copy(&key.key, 33, field);
    return key;
}

static bool same_key(const struct account_key *a, const struct account_key *b)
{
    return a->there && b->there && pubkey33_compare(&a->key, &b->key) == 0;
}

/* What is about to change. */
struct key_change {
    Xuelian__KeyAct act;
    Xuelian__KeyHolder holder;
    struct account_key key; /* not there: the guardian ends */
    uint32_t until_date;
};

/* Appends the item and puts the key in its place; the item of the key before ends. */
static enum status set_key(struct state *state, const struct block_context *context,
                           const struct tx *tx, struct account *account,
                           const struct key_change *change)
{
    bool guardian = change->holder == XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN;
    uint64_t *current = guardian ? &account->guardian_item : &account->key_item;
    Xuelian__KeyChange wire = XUELIAN__KEY_CHANGE__INIT;
    uint8_t content[96];
    uint32_t code = ST_OK;
    enum status status = ST_OK;
    wire.act = change->act;
    wire.holder = change->holder;
    wire.new_key = field_borrow(&change->key.key, change->key.there ? 33 : 0);
    wire.until_date = change->until_date;
    wire.replaces = *current;
    if (*current != 0) {
        struct item before;
        status = item_read(state, account, *current, &before, &code);
        if (status == ST_OK && code == ST_OK) {
            status = item_change(state, context, tx, 0, account, &before,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED, (struct bytes){0}, &code);
        }
        if (status != ST_OK || code != ST_OK) {
            return status != ST_OK ? status : ST_CORRUPT;
        }
    }
    *current = item_append(state, context, tx, 0, account, XUELIAN__ITEM_KIND__ITEM_KIND_KEY,
                           change->key.there ? XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID
                                             : XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED,
                           bytes_of(content, canonical_encode(content, &wire.base)));
    if (guardian) {
        account->guardian_key = change->key;
        account->guardian_until = change->until_date;
        account->guardian_item = change->key.there ? *current : 0;
    } else {
        account->learner_key = change->key;
    }
    return ST_OK;
}

/* Rules that come last for every key: it is not in force for the account already, and there is room. */
static uint32_t check_new_key(const struct account *account, const struct account_key *key)
{
    if (same_key(key, &account->learner_key) || same_key(key, &account->guardian_key)) {
        return ST_SAME_KEY;
    }
    return account_has_reserve(account) ? ST_OK : ST_ACCOUNT_FULL;
}

/* An identity service alone, or the custodian and an identity service. */
static enum status check_claimants(struct state *state, const struct account *account,
                                   const struct tx *tx, uint32_t *code)
{
    return tx->signer_count == 1 ? check_identity_service(state, &tx->signers[0], code)
                                 : check_pair(state, account, tx, code);
}

enum status account_claim_apply(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__KeyBinding *binding =
        (const Xuelian__KeyBinding *)(const void *)tx->messages[index];
    struct key_change change = {.act = XUELIAN__KEY_ACT__KEY_ACT_CLAIM,
                                .holder = XUELIAN__KEY_HOLDER__KEY_HOLDER_LEARNER,
                                .key = key_of_field(&binding->new_key)};
    struct account *account = NULL;
    if (!signed_by_members(tx, 1) && !signed_by_members(tx, 2)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!sign_key_valid(&change.key.key)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &binding->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = check_claimants(state, account, tx, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_commitment(account, &binding->identity_commitment);
    if (*code == ST_OK && account->learner_key.there) {
        *code = ST_ALREADY_CLAIMED;
    }
    if (*code == ST_OK) {
        *code = check_new_key(account, &change.key);
    }
    return *code == ST_OK ? set_key(state, context, tx, account, &change) : ST_OK;
}

/* The key that signed, as long as nothing replaced it in this block: a stolen key must not undo a recovery. */
static uint32_t signing_holder(const struct account *account, const struct tx_signer *signer,
                               Xuelian__KeyHolder *holder)
{
    struct account_key key = {.there = true, .key = signer->key};
    if (same_key(&key, &account->learner_key)) {
        *holder = XUELIAN__KEY_HOLDER__KEY_HOLDER_LEARNER;
        return ST_OK;
    }
    if (same_key(&key, &account->guardian_key)) {
        *holder = XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN;
        return ST_OK;
    }
    return ST_WRONG_KEY;
}

enum status account_rotate_apply(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__AccountKeyRotation *rotation =
        (const Xuelian__AccountKeyRotation *)(const void *)tx->messages[index];
    struct key_change change = {.act = XUELIAN__KEY_ACT__KEY_ACT_ROTATE,
                                .key = key_of_field(&rotation->new_key)};
    struct account *account = NULL;
    if (tx->signer_count != 1 || signer_is_member(&tx->signers[0]) ||
        !bytes_equal(field_bytes(&rotation->account), bytes_of(&tx->signers[0].learner, 32))) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!sign_key_valid(&change.key.key)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &rotation->account, &account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = signing_holder(account, &tx->signers[0], &change.holder);
    if (*code == ST_OK) {
        *code = check_new_key(account, &change.key);
    }
    if (change.holder == XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN) {
        change.until_date = account->guardian_until;
    }
    return *code == ST_OK ? set_key(state, context, tx, account, &change) : ST_OK;
}

/* Open or frozen: what protects an account may be done to one that is frozen. */
static enum status account_living(struct state *state, const ProtobufCBinaryData *learner,
                                  struct account **account, uint32_t *code)
{
    enum status status = account_known(state, learner, account, code);
    if (status == ST_OK && *code == ST_OK &&
        (*account)->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN &&
        (*account)->status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN) {
        *code = ST_ACCOUNT_CLOSED;
    }
    return status;
}

enum status account_recover_apply(struct state *state, const struct block_context *context,
                                  const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__KeyBinding *binding =
        (const Xuelian__KeyBinding *)(const void *)tx->messages[index];
    struct key_change change = {.act = XUELIAN__KEY_ACT__KEY_ACT_RECOVER,
                                .holder = XUELIAN__KEY_HOLDER__KEY_HOLDER_LEARNER,
                                .key = key_of_field(&binding->new_key)};
    struct account *account = NULL;
    if (!signed_by_members(tx, 2)) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!sign_key_valid(&change.key.key)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_living(state, &binding->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_pair(state, account, tx, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_commitment(account, &binding->identity_commitment);
    if (*code == ST_OK && !account->learner_key.there) {
        *code = ST_NOT_CLAIMED;
    }
    if (*code == ST_OK) {
        *code = check_new_key(account, &change.key);
    }
    return *code == ST_OK ? set_key(state, context, tx, account, &change) : ST_OK;
}

/* A key and a last day, or neither. */
static uint32_t check_guardian(const struct block_context *context,
                               const Xuelian__GuardianSetting *setting,
                               const struct key_change *change)
{
    if (change->key.there != (setting->until_date != 0) ||
        (change->key.there && !sign_key_valid(&change->key.key))) {
        return ST_BAD_FIELD;
    }
    return !change->key.there ||
                   (date_valid(setting->until_date) && setting->until_date >= context->date &&
                    setting->until_date <= context->date + GUARDIAN_SPAN)
               ? ST_OK
               : ST_BAD_DATE;
}

enum status account_guardian_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__GuardianSetting *setting =
        (const Xuelian__GuardianSetting *)(const void *)tx->messages[index];
    struct key_change change = {.act = XUELIAN__KEY_ACT__KEY_ACT_GUARDIAN,
                                .holder = XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN,
                                .key = key_of_field(&setting->guardian_key),
                                .until_date = setting->until_date};
    struct account *account = NULL;
    *code = signed_by_members(tx, 2) ? check_guardian(context, setting, &change) : ST_NOT_ALLOWED;
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = account_living(state, &setting->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_pair(state, account, tx, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    *code = check_commitment(account, &setting->identity_commitment);
    if (*code == ST_OK && !change.key.there && !account->guardian_key.there) {
        *code = ST_WRONG_STATE;
    }
    if (*code == ST_OK && same_key(&change.key, &account->learner_key)) {
        *code = ST_SAME_KEY; /* the guardian's own may be set again, for another date */
    }
    if (*code == ST_OK && !account_has_reserve(account)) {
        *code = ST_ACCOUNT_FULL;
    }
    return *code == ST_OK ? set_key(state, context, tx, account, &change) : ST_OK;
}
