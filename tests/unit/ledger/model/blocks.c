/* Sections 5, 8 and 12: genesis, blocks, signers, results. */
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

struct kind {
    uint32_t kind;
    uint32_t role; /* of the first signer */
    bool bulk;
    const ProtobufCMessageDescriptor *payload;
    uint32_t (*apply)(struct act *act);
};

static const struct kind kinds[] = {
    {1, ROLE_OPEN, false, &xuelian__account_opening__descriptor, open_account},
    {2, ROLE_OPEN, true, &xuelian__account_opening__descriptor, open_account},
    {3, ROLE_DEPOSIT, false, &xuelian__outcome__descriptor, deposit},
    {4, ROLE_DEPOSIT, true, &xuelian__outcome__descriptor, deposit},
    {10, 0, false, &xuelian__key_binding__descriptor, claim},
    {11, 0, false, &xuelian__account_key_rotation__descriptor, rotate},
    {12, 0, false, &xuelian__key_binding__descriptor, recover},
    {13, 0, false, &xuelian__account_act__descriptor, freeze_account},
    {14, 0, false, &xuelian__account_act__descriptor, unfreeze},
    {15, 0, false, &xuelian__account_act__descriptor, close_account},
    {16, 0, false, &xuelian__guardian_setting__descriptor, set_guardian},
    {17, 0, false, &xuelian__death_notice__descriptor, deceased},
    {18, 0, false, &xuelian__account_merge__descriptor, merge},
    {20, 0, false, &xuelian__outcome__descriptor, apply_for},
    {21, ROLE_DEPOSIT, false, &xuelian__application_decision__descriptor, decide},
    {22, ROLE_DEPOSIT, false, &xuelian__correction__descriptor, correct},
    {23, 0, false, &xuelian__item_act__descriptor, act_on_item},
    {24, 0, false, &xuelian__item_act__descriptor, act_on_item},
    {25, 0, false, &xuelian__item_act__descriptor, act_on_item},
    {26, ROLE_RECOGNISE, false, &xuelian__recognition__descriptor, recognise},
    {27, ROLE_RECOGNISE, false, &xuelian__recognition_review__descriptor, review_recognition},
    {28, ROLE_RECOGNISE, true, &xuelian__recognition__descriptor, recognise},
    {29, 0, false, &xuelian__item_act__descriptor, withdraw_application},
    {40, 0, false, &xuelian__conversion_application__descriptor, convert_apply},
    {41, ROLE_CONVERT, false, &xuelian__conversion_decision__descriptor, convert_decide},
    {42, 0, false, &xuelian__item_act__descriptor, convert_appeal},
    {43, ROLE_CONVERT, false, &xuelian__conversion_decision__descriptor, convert_review},
    {44, 0, false, &xuelian__item_act__descriptor, convert_appeal},
    {50, 0, false, &xuelian__points_accrual__descriptor, accrue},
    {51, 0, false, &xuelian__points_redemption__descriptor, redeem},
    {52, 0, false, &xuelian__item_act__descriptor, fulfil},
    {53, 0, false, &xuelian__item_act__descriptor, fulfil},
    {54, 0, false, &xuelian__item_act__descriptor, reverse},
    {55, 0, false, &xuelian__item_act__descriptor, uphold_points},
    {60, 0, false, &xuelian__consent__descriptor, grant},
    {61, 0, false, &xuelian__consent_withdrawal__descriptor, withdraw_grant},
    {62, ROLE_QUERY, true, &xuelian__query_request__descriptor, request},
    {63, 0, false, &xuelian__query_refusal__descriptor, refuse_request},
    {64, 0, false, &xuelian__dispute_opening__descriptor, dispute_open},
    {65, 0, false, &xuelian__dispute_answer__descriptor, dispute_answer},
    {66, 0, false, &xuelian__dispute_answer__descriptor, dispute_settle},
    {67, 0, false, &xuelian__query_log_anchor__descriptor, anchor},
};

static const struct kind *kind_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool model_knows(uint32_t kind)
{
    return kind_of(kind) != NULL;
}

/* ---- genesis ---- */

static int compare_validators(const void *a, const void *b)
{
    const struct model_validator *left = a;
    const struct model_validator *right = b;
    int later = (left->joined > right->joined) - (left->joined < right->joined);
    return later != 0 ? later : memcmp(left->key, right->key, 33);
}

static void first_set(struct model *m, const Xuelian__Genesis *genesis)
{
    m->set.era = 1;
    for (size_t i = 0; i < genesis->n_members; i++) {
        const Xuelian__Member *member = genesis->members[i];
        for (size_t k = 0; k < member->n_nodes; k++) {
            if ((uint32_t)member->nodes[k]->role == 1) {
                struct model_validator *one = &m->set.validators[m->set.count++];
                memcpy(one->key, member->nodes[k]->key.data, 33);
                one->member = member->id;
                one->incarnation = member->nodes[k]->incarnation;
            }
        }
    }
    qsort(m->set.validators, m->set.count, sizeof m->set.validators[0], compare_validators);
    m->next = m->set;
    GROW(m->eras, m->era_count, m->era_room);
    m->eras[m->era_count++] = m->set;
}

static void put_numbered(struct model *m, uint32_t collection, uint32_t number,
                         const ProtobufCMessage *value)
{
    uint8_t key[4];
    be32_put(key, number);
    model_put(m, collection, key, 4, value);
}

static void put_params(struct model *m, const Xuelian__Params *params)
{
    const ProtobufCMessageDescriptor *schema = params->base.descriptor;
    for (unsigned i = 0; i < schema->n_fields; i++) {
        Xuelian__ParamValue value = XUELIAN__PARAM_VALUE__INIT;
        struct buffer name = {0};
        put_raw(&name, schema->fields[i].name, strlen(schema->fields[i].name) + 1);
        value.name = (char *)name.bytes;
        memcpy(&value.value, (const uint8_t *)params + schema->fields[i].offset, 8);
        model_put(m, 10, value.name, strlen(value.name), &value.base);
    }
}

void model_open(struct model *m, const void *bytes, size_t size)
{
    struct buffer file = {0};
    *m = (struct model){0};
    put_raw(&file, bytes, size);
    m->chain_id = tagged("genesis", &file);
    const Xuelian__Genesis *genesis =
        AS(Genesis, message_read(&xuelian__genesis__descriptor, bytes, size));
    for (size_t i = 0; i < genesis->n_regions; i++) {
        put_numbered(m, 2, genesis->regions[i]->code, &genesis->regions[i]->base);
    }
    for (size_t i = 0; i < genesis->n_members; i++) {
        put_numbered(m, 1, genesis->members[i]->id, &genesis->members[i]->base);
    }
    for (size_t i = 0; i < genesis->n_frameworks; i++) {
        put_numbered(m, 3, genesis->frameworks[i]->code, &genesis->frameworks[i]->base);
    }
    for (size_t i = 0; i < genesis->n_courses; i++) {
        put_numbered(m, 4, genesis->courses[i]->id, &genesis->courses[i]->base);
    }
    for (size_t i = 0; i < genesis->n_rules; i++) {
        put_numbered(m, 5, genesis->rules[i]->id, &genesis->rules[i]->base);
    }
    for (size_t i = 0; i < genesis->n_catalogue; i++) {
        put_numbered(m, 6, genesis->catalogue[i]->id, &genesis->catalogue[i]->base);
    }
    put_params(m, genesis->params);
    m->params = (Xuelian__Params *)(void *)message_copy(&genesis->params->base);
    m->next_params = (Xuelian__Params *)(void *)message_copy(&genesis->params->base);
    first_set(m, genesis);
}

/* ---- signers, section 12 ---- */

static bool key_in_force(uint64_t height, uint64_t from, uint64_t to)
{
    return from <= height && (to == 0 || height < to);
}

static uint32_t member_code(const struct model *m, const struct model_signer *signer)
{
    const Xuelian__Member *member = model_member(m, signer->member);
    bool owns = false;
    if (member == NULL) {
        return ST_UNKNOWN_MEMBER;
    }
    if (member->status != 0) {
        return ST_MEMBER_INACTIVE;
    }
    for (size_t i = 0; i < member->n_keys; i++) {
        const Xuelian__MemberKey *key = member->keys[i];
        owns = owns || (field_is(&key->key, signer->key, 33) &&
                        key_in_force(m->height, key->from_height, key->to_height));
    }
    return owns ? ST_OK : ST_WRONG_KEY;
}

static uint32_t node_code(const struct model *m, const struct model_signer *signer, uint32_t kind)
{
    const Xuelian__Member *member = model_member(m, signer->member);
    bool owns = false;
    if (kind != 67) {
        return ST_NOT_ALLOWED;
    }
    if (member == NULL) {
        return ST_UNKNOWN_MEMBER;
    }
    for (size_t i = 0; i < member->n_nodes; i++) {
        const Xuelian__Node *node = member->nodes[i];
        owns = owns || (field_is(&node->key, signer->key, 33) &&
                        key_in_force(m->height, node->from_height, node->to_height));
    }
    if (!owns) {
        return ST_WRONG_KEY;
    }
    return member->status == 2 ? ST_MEMBER_INACTIVE : ST_OK;
}

static bool is_key(const struct model_key *key, const uint8_t *bytes)
{
    return key->there && memcmp(key->bytes, bytes, 33) == 0;
}

static uint32_t learner_code(const struct model *m, const struct model_signer *signer)
{
    ProtobufCBinaryData id = field_borrow(signer->learner.bytes, 32);
    const struct model_account *account = model_find(m, &id);
    if (account == NULL) {
        return ST_UNKNOWN_ACCOUNT;
    }
    bool guardian =
        is_key(&account->acting_guardian, signer->key) && m->date <= account->acting_until;
    return is_key(&account->acting_key, signer->key) || guardian ? ST_OK : ST_WRONG_KEY;
}

static uint32_t signers_code(const struct act *act, const struct kind *kind)
{
    for (uint32_t i = 0; i < act->signer_count; i++) {
        const struct model_signer *signer = &act->signers[i];
        uint32_t code = signer->role == 1   ? member_code(act->m, signer)
                        : signer->role == 2 ? learner_code(act->m, signer)
                                            : node_code(act->m, signer, act->kind);
        if (code != ST_OK) {
            return code;
        }
    }
    if (kind->role != 0 && (act->signers[0].role != 1 ||
                            !member_may_act(act->m, act->signers[0].member, kind->role))) {
        return ST_NOT_ALLOWED;
    }
    return ST_OK;
}

/* ---- transactions ---- */

static void read_signers(struct act *act, const Xuelian__TxCommon *common)
{
    act->signer_count = (uint32_t)common->n_signers;
    for (uint32_t i = 0; i < act->signer_count; i++) {
        const Xuelian__Signer *from = common->signers[i];
        struct model_signer *to = &act->signers[i];
        to->role = (uint32_t)from->role;
        to->member = from->member;
        if (from->learner.len == 32) {
            memcpy(to->learner.bytes, from->learner.data, 32);
        }
        memcpy(to->key, from->key.data, 33);
    }
}

/* Applies one transaction: its code, its result. */
static uint32_t run_tx(struct model *m, struct bytes bytes, Xuelian__TxResult *result)
{
    const Xuelian__Tx *tx = AS(Tx, message_read(&xuelian__tx__descriptor, bytes.data, bytes.size));
    const Xuelian__TxBody *body =
        AS(TxBody, message_read(&xuelian__tx_body__descriptor, tx->body.data, tx->body.len));
    struct act act = {.m = m, .kind = (uint32_t)body->common->kind};
    const struct kind *kind = kind_of(act.kind);
    ProtobufCBinaryData one = body->payload;
    ProtobufCBinaryData *items = &one;
    size_t count = 1;
    CHECK(kind != NULL);
    act.id = tagged_message("tx-id", &body->common->base);
    read_signers(&act, body->common);
    if (kind->bulk) {
        const Xuelian__BulkPayload *bulk =
            AS(BulkPayload, message_read(&xuelian__bulk_payload__descriptor, one.data, one.len));
        items = bulk->items;
        count = bulk->n_items;
    }
    uint8_t *id = pool_alloc(32);
    memcpy(id, act.id.bytes, 32);
    result->id = field_borrow(id, 32);
    result->code = signers_code(&act, kind);
    result->item_codes = pool_alloc(count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count && result->code == ST_OK; i++) {
        act.index = i;
        act.payload = message_read(kind->payload, items[i].data, items[i].len);
        result->item_codes[i] = kind->apply(&act);
        CHECK(result->item_codes[i] < 512);
        m->codes_seen[result->item_codes[i]]++;
        m->kinds_done[act.kind] += result->item_codes[i] == ST_OK;
        result->n_item_codes += result->item_codes[i] != ST_OK;
    }
    m->codes_seen[result->code]++;
    if (!kind->bulk && result->code == ST_OK) {
        result->code = result->item_codes[0];
    }
    /* Shown of a bulk kind when one is not 0. */
    result->n_item_codes = kind->bulk && result->n_item_codes > 0 ? count : 0;
    return result->code;
}

/* Keys set in this block act from the next; the set and parameters of the next height are this one's. */
static void begin(struct model *m, uint64_t time_ms)
{
    uint64_t days = (time_ms / 1000 + 8 * 3600) / 86400;
    m->date = 19700101;
    for (; days > 0; days--) {
        m->date = is_date(m->date + 1)                 ? m->date + 1
                  : is_date(m->date / 100 * 100 + 101) ? m->date / 100 * 100 + 101
                                                       : (m->date / 10000 + 1) * 10000 + 101;
    }
    m->height++;
    m->set = m->next;
    m->params = m->next_params;
    m->next_params = (Xuelian__Params *)(void *)message_copy(&m->params->base);
    for (uint32_t i = 0; i < m->account_count; i++) {
        struct model_account *account = m->accounts[i];
        account->acting_key = account->key;
        account->acting_guardian = account->guardian;
        account->acting_until = account->guardian_until;
    }
}

/* All changes of a block are one: they open an era when they leave another set. */
static void end(struct model *m)
{
    qsort(m->next.validators, m->next.count, sizeof m->next.validators[0], compare_validators);
    m->next.era = m->set.era;
    if (m->next.count != m->set.count || memcmp(m->next.validators, m->set.validators,
                                                m->set.count * sizeof m->set.validators[0]) != 0) {
        m->next.era = m->height + 1;
        GROW(m->eras, m->era_count, m->era_room);
        m->eras[m->era_count++] = m->next;
    }
}

void model_block(struct model *m, uint64_t time_ms, const struct bytes *txs, uint32_t count,
                 struct model_block *block)
{
    struct hash32 *results = calloc(count + 1u, sizeof *results);
    pool_free_scratch();
    begin(m, time_ms);
    block->count = count;
    for (uint32_t i = 0; i < count; i++) {
        Xuelian__TxResult result = XUELIAN__TX_RESULT__INIT;
        block->codes[i] = run_tx(m, txs[i], &result);
        struct buffer bytes = message_bytes(&result.base);
        results[i] = tree_leaf("result", bytes.bytes, bytes.size);
    }
    end(m);
    block->result_root = tree_root(results, count);
    block->state_root = model_state_root(m);
    free(results);
}

void model_sealed(struct model *m, const struct hash32 *header_hash)
{
    GROW(m->headers, m->header_count, m->header_room);
    m->headers[m->header_count++] = *header_hash;
}
