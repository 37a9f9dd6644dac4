#include "tests/unit/ledger/model/model.h"

#include <string.h>

#include "proto/bytes.h"
#include "proto/sign.h"

void *model_grow(void *list, size_t element, uint64_t count, void *room32)
{
    uint32_t narrow = 0;
    memcpy(&narrow, room32, 4);
    if (count < narrow) {
        return list;
    }
    uint32_t larger = narrow == 0 ? 8 : narrow * 2;
    uint8_t *bytes = pool_alloc(larger * element);
    if (count > 0) {
        memcpy(bytes, list, count * element);
    }
    memcpy(room32, &larger, 4);
    return bytes;
}

/* ---- entries ---- */

static struct model_record *record_of(const struct model *m, uint32_t collection, const void *key,
                                      size_t size)
{
    const struct model_table *table = &m->tables[collection];
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->records[i].key_size == size && memcmp(table->records[i].key, key, size) == 0) {
            return &table->records[i];
        }
    }
    return NULL;
}

ProtobufCMessage *model_get(const struct model *m, uint32_t collection, const void *key,
                            size_t size)
{
    struct model_record *record = record_of(m, collection, key, size);
    return record == NULL ? NULL : record->value;
}

void model_put(struct model *m, uint32_t collection, const void *key, size_t size,
               const ProtobufCMessage *value)
{
    struct model_record *record = record_of(m, collection, key, size);
    struct model_table *table = &m->tables[collection];
    if (record == NULL) {
        GROW(table->records, table->count, table->room);
        record = &table->records[table->count++];
        memcpy(record->key, key, size);
        record->key_size = size;
    }
    record->value = message_copy(value);
}

static ProtobufCMessage *numbered(const struct model *m, uint32_t collection, uint32_t number)
{
    uint8_t key[4];
    be32_put(key, number);
    return model_get(m, collection, key, 4);
}

bool model_there(const struct model *m, uint32_t collection, uint32_t number)
{
    return numbered(m, collection, number) != NULL;
}

const Xuelian__Member *model_member(const struct model *m, uint32_t id)
{
    return AS(Member, numbered(m, 1, id));
}

const Xuelian__Course *model_course(const struct model *m, uint32_t id)
{
    return AS(Course, numbered(m, 4, id));
}

const Xuelian__Rule *model_rule(const struct model *m, uint32_t id)
{
    return AS(Rule, numbered(m, 5, id));
}

/* ---- members ---- */

bool member_active(const struct model *m, uint32_t id)
{
    const Xuelian__Member *member = model_member(m, id);
    return member != NULL && member->status == 0;
}

bool member_may_act(const struct model *m, uint32_t id, uint32_t role)
{
    const Xuelian__Member *member = model_member(m, id);
    bool has = false;
    for (size_t i = 0; member != NULL && i < member->n_roles; i++) {
        has = has || (uint32_t)member->roles[i] == role;
    }
    return has && member->status == 0;
}

bool stands_for(const struct model *m, uint32_t member, uint32_t named)
{
    for (uint32_t step = 0; step <= 8; step++) {
        const Xuelian__Member *of = model_member(m, named);
        if (member == named) {
            return true;
        }
        if (of == NULL || of->status != 2 || of->successor == 0) {
            return false;
        }
        named = of->successor;
    }
    return false;
}

/* ---- accounts and who acts for them ---- */

struct model_account *model_find(const struct model *m, const ProtobufCBinaryData *learner)
{
    for (uint32_t i = 0; i < m->account_count && learner->len == 32; i++) {
        if (same32(m->accounts[i]->learner.bytes, learner->data)) {
            return m->accounts[i];
        }
    }
    return NULL;
}

uint32_t find_account(const struct model *m, const ProtobufCBinaryData *learner, uint32_t statuses,
                      struct model_account **account)
{
    *account = model_find(m, learner);
    if (*account == NULL) {
        return ST_UNKNOWN_ACCOUNT;
    }
    return (statuses >> (*account)->status & 1) == 0 ? ST_ACCOUNT_CLOSED : ST_OK;
}

struct model_account *led_to(const struct model *m, struct model_account *account)
{
    while (account->merged) {
        ProtobufCBinaryData into = {.data = account->merged_into.bytes, .len = 32};
        account = model_find(m, &into);
    }
    return account;
}

const struct model_account *family(const struct model *m, const struct model_account *account,
                                   uint32_t i)
{
    for (uint32_t k = 0; k < m->account_count; k++) {
        struct model_account *one = m->accounts[k];
        bool belongs = one == account;
        while (one->merged && !belongs) {
            ProtobufCBinaryData into = {.data = one->merged_into.bytes, .len = 32};
            one = model_find(m, &into);
            belongs = one == account;
        }
        if (belongs && i-- == 0) {
            return m->accounts[k];
        }
    }
    return NULL;
}

bool signer_acts_for(const struct act *act, uint32_t signer, const struct model_account *account)
{
    const struct model_signer *who = &act->signers[signer];
    bool guarded = account->acting_guardian.there && act->m->date <= account->acting_until;
    if (who->role == 2) {
        /* With which key it signs was looked at before. */
        return same32(who->learner.bytes, account->learner.bytes);
    }
    return who->role == 1 && !account->acting_key.there && !guarded &&
           stands_for(act->m, who->member, account->custodian);
}

bool one_member(const struct act *act)
{
    return act->signer_count == 1 && act->signers[0].role == 1;
}

/* ---- fields ---- */

static uint32_t days_of(uint32_t year, uint32_t month)
{
    static const uint32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool is_date(uint32_t date)
{
    uint32_t year = date / 10000;
    uint32_t month = date / 100 % 100;
    uint32_t day = date % 100;
    return year >= 1900 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days_of(year, month);
}

uint32_t add_months(uint32_t date, uint32_t months)
{
    uint32_t month = date / 10000 * 12 + date / 100 % 100 - 1 + months;
    uint32_t year = month / 12;
    uint32_t day = date % 100;
    month = month % 12 + 1;
    uint32_t last = days_of(year, month);
    return year * 10000 + month * 100 + (day > last ? last : day);
}

bool key_is_point(const ProtobufCBinaryData *key)
{
    struct pubkey33 copy;
    if (key->len != 33) {
        return false;
    }
    memcpy(copy.bytes, key->data, 33);
    return sign_key_valid(&copy);
}

bool field_is(const ProtobufCBinaryData *field, const void *data, size_t size)
{
    return field->len == size && (size == 0 || memcmp(field->data, data, size) == 0);
}
