/* Sections 12 and 13: openings, keys, guardian, status, merging. */
#include <string.h>

#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

enum { BIT_OPEN = 1 << OPEN, BIT_FROZEN = 1 << FROZEN, BIT_CLOSED = 1 << CLOSED };
enum { HOLDER_LEARNER = 1, HOLDER_GUARDIAN = 2 };
enum { ACT_CLAIM = 1, ACT_ROTATE, ACT_RECOVER, ACT_GUARDIAN };

static void set_key(struct model_key *key, const ProtobufCBinaryData *from)
{
    *key = (struct model_key){.there = from->len == 33};
    if (key->there) {
        memcpy(key->bytes, from->data, 33);
    }
}

static bool same_key(const struct model_key *key, const ProtobufCBinaryData *field)
{
    return key->there && field_is(field, key->bytes, 33);
}

uint32_t open_account(struct act *act)
{
    const Xuelian__AccountOpening *opening = AS(AccountOpening, act->payload);
    struct model *m = act->m;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (is_zero32(opening->learner.data) ||
        (opening->learner_key.len > 0 && !key_is_point(&opening->learner_key))) {
        return ST_BAD_FIELD;
    }
    if (!model_there(m, 2, opening->region)) {
        return ST_UNKNOWN_REGION;
    }
    if (model_find(m, &opening->learner) != NULL) {
        return ST_ACCOUNT_EXISTS;
    }
    struct model_account *account = pool_alloc(sizeof *account);
    GROW(m->accounts, m->account_count, m->account_room);
    m->accounts[m->account_count++] = account;
    memcpy(account->learner.bytes, opening->learner.data, 32);
    memcpy(account->commitment.bytes, opening->identity_commitment.data, 32);
    set_key(&account->key, &opening->learner_key);
    account->status = OPEN;
    account->custodian = act->signers[0].member;
    account->region = opening->region;
    account->opened_year = m->date / 10000;
    account->opened_height = m->height;
    account->opened_by = act->id;
    touch_region(m, account->region, account->opened_year);
    return ST_OK;
}

/* ---- who signs ---- */

static bool is_identity_service(const struct act *act, uint32_t signer)
{
    const Xuelian__Member *member = model_member(act->m, act->signers[signer].member);
    return act->signers[signer].role == 1 && member != NULL && (uint32_t)member->kind == 15 &&
           member->status == 0;
}

static bool members_sign(const struct act *act, uint32_t count)
{
    bool all = act->signer_count == count;
    for (uint32_t i = 0; i < act->signer_count; i++) {
        all = all && act->signers[i].role == 1;
    }
    return all;
}

static bool is_custodian(const struct act *act, uint32_t signer,
                         const struct model_account *account)
{
    return act->signers[signer].role == 1 &&
           stands_for(act->m, act->signers[signer].member, account->custodian);
}

static uint32_t pair_code(const struct act *act, const struct model_account *account)
{
    if (!is_custodian(act, 0, account)) {
        return ST_NOT_CUSTODIAN;
    }
    return is_identity_service(act, 1) ? ST_OK : ST_NOT_IDENTITY_SERVICE;
}

static uint32_t identity_code(const struct model_account *account,
                              const ProtobufCBinaryData *commitment)
{
    return field_is(commitment, account->commitment.bytes, 32) ? ST_OK : ST_WRONG_IDENTITY;
}

static bool governs(const struct act *act, uint32_t signer)
{
    return act->signers[signer].role == 1 &&
           member_may_act(act->m, act->signers[signer].member, ROLE_GOVERN);
}

/* ---- keys ---- */

/* An item for a new key, in place of the one before; without a key it has ended. */
static void change_key(const struct act *act, struct model_account *account, uint32_t key_act,
                       uint32_t holder, const ProtobufCBinaryData *key, uint32_t until)
{
    Xuelian__KeyChange change = XUELIAN__KEY_CHANGE__INIT;
    uint64_t *in_force = holder == HOLDER_LEARNER ? &account->key_item : &account->guardian_item;
    uint64_t before = *in_force;
    change.act = (Xuelian__KeyAct)key_act;
    change.holder = (Xuelian__KeyHolder)holder;
    change.new_key = *key;
    change.until_date = until;
    change.replaces = before;
    bool there = key->len > 0;
    struct model_item *item = item_add(act, account, KEY, there ? VALID : ENDED, &change.base);
    *in_force = there ? item_number(account, item) : 0;
    if (before != 0) {
        struct model_item *old = &account->items[before - 1];
        item_renew(act, account, old, ENDED, 0, old->content);
    }
    if (holder == HOLDER_LEARNER) {
        set_key(&account->key, key);
    } else {
        set_key(&account->guardian, key);
        account->guardian_until = until;
    }
}

static bool key_known(const struct model_account *account, const ProtobufCBinaryData *key)
{
    return same_key(&account->key, key) || same_key(&account->guardian, key);
}

static bool is_full(const struct model_account *account)
{
    return account->item_count >= 100000;
}

uint32_t claim(struct act *act)
{
    const Xuelian__KeyBinding *binding = AS(KeyBinding, act->payload);
    struct model_account *account = NULL;
    if (!members_sign(act, 1) && !members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (!key_is_point(&binding->new_key)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &binding->account, BIT_OPEN, &account);
    if (code == ST_OK && act->signer_count == 2) {
        code = pair_code(act, account);
    } else if (code == ST_OK) {
        code = is_identity_service(act, 0) ? ST_OK : ST_NOT_IDENTITY_SERVICE;
    }
    code = code == ST_OK ? identity_code(account, &binding->identity_commitment) : code;
    if (code != ST_OK) {
        return code;
    }
    if (account->key.there) {
        return ST_ALREADY_CLAIMED;
    }
    if (key_known(account, &binding->new_key)) {
        return ST_SAME_KEY;
    }
    if (is_full(account)) {
        return ST_ACCOUNT_FULL;
    }
    change_key(act, account, ACT_CLAIM, HOLDER_LEARNER, &binding->new_key, 0);
    return ST_OK;
}

uint32_t recover(struct act *act)
{
    const Xuelian__KeyBinding *binding = AS(KeyBinding, act->payload);
    struct model_account *account = NULL;
    if (!members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (!key_is_point(&binding->new_key)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &binding->account, BIT_OPEN | BIT_FROZEN, &account);
    code = code == ST_OK ? pair_code(act, account) : code;
    code = code == ST_OK ? identity_code(account, &binding->identity_commitment) : code;
    if (code != ST_OK) {
        return code;
    }
    if (!account->key.there) {
        return ST_NOT_CLAIMED;
    }
    if (key_known(account, &binding->new_key)) {
        return ST_SAME_KEY;
    }
    if (is_full(account)) {
        return ST_ACCOUNT_FULL;
    }
    change_key(act, account, ACT_RECOVER, HOLDER_LEARNER, &binding->new_key, 0);
    return ST_OK;
}

uint32_t rotate(struct act *act)
{
    const Xuelian__AccountKeyRotation *rotation = AS(AccountKeyRotation, act->payload);
    const struct model_signer *signer = &act->signers[0];
    struct model_account *account = NULL;
    if (act->signer_count != 1 || signer->role != 2 ||
        !field_is(&rotation->account, signer->learner.bytes, 32)) {
        return ST_NOT_ALLOWED;
    }
    if (!key_is_point(&rotation->new_key)) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &rotation->account, BIT_OPEN, &account);
    if (code != ST_OK) {
        return code;
    }
    ProtobufCBinaryData signed_with = {.data = act->signers[0].key, .len = 33};
    bool learner = same_key(&account->key, &signed_with);
    if (!learner && !same_key(&account->guardian, &signed_with)) {
        return ST_WRONG_KEY;
    }
    if (key_known(account, &rotation->new_key)) {
        return ST_SAME_KEY;
    }
    if (is_full(account)) {
        return ST_ACCOUNT_FULL;
    }
    change_key(act, account, ACT_ROTATE, learner ? HOLDER_LEARNER : HOLDER_GUARDIAN,
               &rotation->new_key, learner ? 0 : account->guardian_until);
    return ST_OK;
}

uint32_t set_guardian(struct act *act)
{
    const Xuelian__GuardianSetting *setting = AS(GuardianSetting, act->payload);
    struct model_account *account = NULL;
    bool sets = setting->guardian_key.len > 0;
    if (!members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (sets != (setting->until_date != 0) || (sets && !key_is_point(&setting->guardian_key))) {
        return ST_BAD_FIELD;
    }
    if (sets && (!is_date(setting->until_date) || setting->until_date < act->m->date ||
                 setting->until_date > act->m->date + 180000)) {
        return ST_BAD_DATE;
    }
    uint32_t code = find_account(act->m, &setting->account, BIT_OPEN | BIT_FROZEN, &account);
    code = code == ST_OK ? pair_code(act, account) : code;
    code = code == ST_OK ? identity_code(account, &setting->identity_commitment) : code;
    if (code != ST_OK) {
        return code;
    }
    if (!sets && !account->guardian.there) {
        return ST_WRONG_STATE;
    }
    if (same_key(&account->key, &setting->guardian_key)) {
        return ST_SAME_KEY;
    }
    if (is_full(account)) {
        return ST_ACCOUNT_FULL;
    }
    change_key(act, account, ACT_GUARDIAN, HOLDER_GUARDIAN, &setting->guardian_key,
               setting->until_date);
    return ST_OK;
}

/* ---- status ---- */

uint32_t freeze_account(struct act *act)
{
    const Xuelian__AccountAct *payload = AS(AccountAct, act->payload);
    struct model_account *account = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &payload->account, BIT_OPEN, &account);
    if (code != ST_OK) {
        return code;
    }
    if (!signer_acts_for(act, 0, account) && !is_custodian(act, 0, account) &&
        !is_identity_service(act, 0) && !governs(act, 0)) {
        return ST_NOT_ALLOWED;
    }
    account->status = FROZEN;
    account->frozen_by = act->signers[0].role == 1 ? act->signers[0].member : 0;
    return ST_OK;
}

static uint32_t unfreeze_code(const struct act *act, const struct model_account *account)
{
    if (account->status == FROZEN) {
        bool may = act->signer_count == 1 &&
                   (governs(act, 0) ||
                    (account->frozen_by != 0
                         ? stands_for(act->m, act->signers[0].member, account->frozen_by)
                         : is_custodian(act, 0, account) || is_identity_service(act, 0)));
        return may ? ST_OK : ST_NOT_ALLOWED;
    }
    if (!members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (account->status == CLOSED) {
        return pair_code(act, account);
    }
    if (!governs(act, 0)) {
        return ST_NOT_ALLOWED;
    }
    return is_identity_service(act, 1) ? ST_OK : ST_NOT_IDENTITY_SERVICE;
}

uint32_t unfreeze(struct act *act)
{
    const Xuelian__AccountAct *payload = AS(AccountAct, act->payload);
    struct model_account *account = NULL;
    if (!members_sign(act, 1) && !members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &payload->account, ANY_STATUS, &account);
    if (code != ST_OK) {
        return code;
    }
    if (account->status == OPEN || account->status == MERGED) {
        return ST_WRONG_STATE;
    }
    code = unfreeze_code(act, account);
    if (code == ST_OK) {
        account->status = OPEN;
        account->frozen_by = 0;
    }
    return code;
}

uint32_t close_account(struct act *act)
{
    const Xuelian__AccountAct *payload = AS(AccountAct, act->payload);
    struct model_account *account = NULL;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(act->m, &payload->account, BIT_OPEN, &account);
    if (code == ST_OK && !signer_acts_for(act, 0, account)) {
        code = ST_NOT_ALLOWED;
    }
    if (code == ST_OK) {
        account->status = CLOSED;
    }
    return code;
}

uint32_t deceased(struct act *act)
{
    const Xuelian__DeathNotice *notice = AS(DeathNotice, act->payload);
    struct model_account *account = NULL;
    if (!members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    uint32_t code =
        find_account(act->m, &notice->account, BIT_OPEN | BIT_FROZEN | BIT_CLOSED, &account);
    code = code == ST_OK ? pair_code(act, account) : code;
    code = code == ST_OK ? identity_code(account, &notice->identity_commitment) : code;
    if (code == ST_OK) {
        account->status = DECEASED;
        account->frozen_by = 0;
    }
    return code;
}

/* ---- merging ---- */

static struct hash32 root_of_items(const struct model_account *account)
{
    struct buffer memory = {0};
    for (uint64_t i = 0; i < account->item_count; i++) {
        put_raw(&memory, account->items[i].leaf.bytes, 32);
    }
    return tree_root((struct hash32 *)(void *)memory.bytes, (size_t)account->item_count);
}

uint32_t merge(struct act *act)
{
    const Xuelian__AccountMerge *payload = AS(AccountMerge, act->payload);
    struct model_account *account = NULL;
    struct model_account *other = NULL;
    Xuelian__Link link = XUELIAN__LINK__INIT;
    if (!members_sign(act, 2)) {
        return ST_NOT_ALLOWED;
    }
    if (same32(payload->account.data, payload->other.data)) {
        return ST_SAME_ACCOUNT;
    }
    uint32_t code = find_account(act->m, &payload->account, BIT_OPEN, &account);
    code =
        code == ST_OK ? find_account(act->m, &payload->other, BIT_OPEN | BIT_FROZEN, &other) : code;
    code = code == ST_OK ? pair_code(act, account) : code;
    code = code == ST_OK ? identity_code(account, &payload->identity_commitment) : code;
    code = code == ST_OK ? identity_code(other, &payload->other_commitment) : code;
    if (code != ST_OK) {
        return code;
    }
    if (account->linked + other->linked + 1 > 16) {
        return ST_LINKS_FULL;
    }
    if (account->item_count > 99743) {
        return ST_ACCOUNT_FULL;
    }
    code = move_check(act, other, account);
    if (code != ST_OK) {
        return code;
    }
    move_points(act, other, account);
    struct hash32 root = root_of_items(other);
    link.other = payload->other;
    link.item_count = other->item_count;
    link.item_root = field_borrow(root.bytes, 32);
    item_add(act, account, LINK, VALID, &link.base);
    account->linked += 1 + other->linked;
    other->status = MERGED;
    other->frozen_by = 0;
    other->merged = true;
    other->merged_into = account->learner;
    return ST_OK;
}
