#include "tests/unit/ledger/model.h"

#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"

/* ---- bytes ---- */

struct out {
    uint8_t bytes[4096];
    size_t size;
};

static void put_raw(struct out *out, const void *data, size_t size)
{
    memcpy(out->bytes + out->size, data, size);
    out->size += size;
}

static void put_varint(struct out *out, uint64_t value)
{
    do {
        out->bytes[out->size++] = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value > 0);
}

static void put_number(struct out *out, uint32_t field, uint64_t value)
{
    if (value != 0) {
        put_varint(out, (uint64_t)field << 3);
        put_varint(out, value);
    }
}

static void put_bytes(struct out *out, uint32_t field, const void *data, size_t size)
{
    if (size > 0) {
        put_varint(out, (uint64_t)field << 3 | 2);
        put_varint(out, size);
        put_raw(out, data, size);
    }
}

static void put_field(struct out *out, uint32_t field, const ProtobufCBinaryData *data)
{
    put_bytes(out, field, data->data, data->len);
}

static void put_big(struct out *out, uint64_t value, unsigned size)
{
    for (unsigned i = size; i > 0; i--) {
        out->bytes[out->size++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

/* ---- hashes ---- */

static struct hash32 sha(const void *data, size_t size)
{
    struct hash32 hash;
    hash_plain(&hash, data, size);
    return hash;
}

static struct hash32 tagged(const char *name, const struct out *message)
{
    char text[64];
    struct out all = {.size = 0};
    struct hash32 tag = sha(text, (size_t)snprintf(text, sizeof text, "xuelian/%s/v1", name));
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, message->bytes, message->size);
    return sha(all.bytes, all.size);
}

struct hash32 model_leaf(const char *kind, const void *data, size_t size)
{
    char text[64];
    struct out all = {.size = 1};
    struct hash32 tag = sha(text, (size_t)snprintf(text, sizeof text, "xuelian/leaf/%s/v1", kind));
    put_raw(&all, tag.bytes, 32);
    put_raw(&all, data, size);
    return sha(all.bytes, all.size);
}

struct hash32 model_tree(struct hash32 *leaves, size_t count)
{
    if (count == 0) {
        return sha("", 0);
    }
    while (count > 1) {
        size_t above = 0;
        for (size_t i = 0; i < count; i += 2) {
            struct out node = {.bytes = {1}, .size = 1};
            put_raw(&node, leaves[i].bytes, 32);
            if (i + 1 < count) {
                put_raw(&node, leaves[i + 1].bytes, 32);
            }
            leaves[above++] = i + 1 < count ? sha(node.bytes, node.size) : leaves[i];
        }
        count = above;
    }
    return leaves[0];
}

/* ---- messages ---- */

static struct out outcome_bytes(const Xuelian__Outcome *o)
{
    const uint32_t numbers[] = {
        o->issuer,           (uint32_t)o->kind, o->course,     o->course_version,
        o->framework,        o->level,          o->credits,    o->hours,
        o->start_date,       o->award_date,     o->grade_band, (uint32_t)o->mode,
        (uint32_t)o->source, o->recognising,    o->region,     o->site};
    struct out out = {.size = 0};
    put_field(&out, 1, &o->account);
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_number(&out, 2 + i, numbers[i]);
    }
    put_field(&out, 18, &o->reference);
    put_number(&out, 19, o->expiry_date);
    put_field(&out, 20, &o->details_root);
    return out;
}

static struct hash32 summary_hash(const struct model_account *account)
{
    struct out out = {.size = 0};
    put_field(&out, 1, &account->opening.identity_commitment);
    put_field(&out, 2, &account->opening.learner_key);
    put_number(&out, 3, account->custodian);
    put_number(&out, 4, account->opening.region);
    put_number(&out, 5, account->opened_height);
    put_bytes(&out, 6, account->opened_by.bytes, 32);
    for (uint32_t kind = 1; kind < 10; kind++) {
        struct out row = {.size = 0};
        if (account->outcomes[kind] > 0) {
            put_number(&row, 1, kind);
            put_number(&row, 2, account->outcomes[kind]);
            put_number(&row, 3, account->credits[kind]);
            put_number(&row, 4, account->hours[kind]);
            put_bytes(&out, 8, row.bytes, row.size);
        }
    }
    return tagged("summary", &out);
}

static struct hash32 account_hash(const struct model_account *account)
{
    struct hash32 leaves[MODEL_ITEMS_MAX];
    for (uint64_t i = 0; i < account->item_count; i++) {
        struct out leaf = {.size = 0};
        put_big(&leaf, i + 1, 8);
        put_raw(&leaf, account->items[i].hash.bytes, 32);
        leaves[i] = model_leaf("item", leaf.bytes, leaf.size);
    }
    struct hash32 root = model_tree(leaves, (size_t)account->item_count);
    struct hash32 summary = summary_hash(account);
    struct out out = {.size = 0};
    put_number(&out, 1, account->item_count);
    put_bytes(&out, 2, root.bytes, 32);
    put_number(&out, 3, 1);
    put_bytes(&out, 4, summary.bytes, 32);
    return tagged("account", &out);
}

size_t model_result(uint8_t *out, const struct hash32 *id, uint32_t code,
                    const uint32_t *item_codes, uint32_t count)
{
    struct out result = {.size = 0};
    struct out packed = {.size = 0};
    bool refused = false;
    put_bytes(&result, 1, id->bytes, 32);
    put_number(&result, 2, code);
    for (uint32_t i = 0; i < count; i++) {
        put_varint(&packed, item_codes[i]);
        refused = refused || item_codes[i] != 0;
    }
    if (refused) {
        put_bytes(&result, 3, packed.bytes, packed.size);
    }
    memcpy(out, result.bytes, result.size);
    return result.size;
}

/* ---- the collection ---- */

void model_accounts_root(const struct model *model, uint64_t *count, struct hash32 *root)
{
    struct hash32 keys[MODEL_ACCOUNTS_MAX + 1] = {{{0}}};
    struct hash32 leaves[MODEL_ACCOUNTS_MAX + 1];
    uint32_t size = model->account_count + 1;
    for (uint32_t i = 1; i < size; i++) {
        struct out key = {.size = 0};
        put_big(&key, 7, 4);
        put_raw(&key, model->accounts[i - 1].opening.learner.data, 32);
        keys[i] = tagged("tree-key", &key);
    }
    for (uint32_t i = 0; i < size; i++) {
        struct hash32 next = {{0}};
        struct hash32 value = {{0}};
        struct out leaf = {.size = 0};
        for (uint32_t k = 1; k < size; k++) {
            if (memcmp(keys[k].bytes, keys[i].bytes, 32) > 0 &&
                (hash32_is_zero(&next) || memcmp(keys[k].bytes, next.bytes, 32) < 0)) {
                next = keys[k];
            }
        }
        if (i > 0) {
            value = account_hash(&model->accounts[i - 1]);
        }
        put_raw(&leaf, keys[i].bytes, 32);
        put_raw(&leaf, next.bytes, 32);
        put_raw(&leaf, value.bytes, 32);
        leaves[i] = model_leaf("state", leaf.bytes, leaf.size);
    }
    *count = size;
    *root = model_tree(leaves, size);
}

/* ---- rules, section 12 of docs/protocol.md, for the members, regions and courses of support.h ---- */

static bool may_open(uint32_t member)
{
    return member == 1 || member == 2 || member == 4;
}

static bool recognises(uint32_t member)
{
    return may_open(member);
}

static uint32_t kind_of_member(uint32_t member)
{
    return member == 2 ? 1 : member == 3 ? 6 : member == 4 ? 3 : 0;
}

uint32_t model_signers(Xuelian__TxKind kind, const uint32_t *members, uint32_t member_count)
{
    for (uint32_t i = 0; i < member_count; i++) {
        if (members[i] < 1 || members[i] > 6) {
            return ST_UNKNOWN_MEMBER;
        }
        if (members[i] == 5) {
            return ST_MEMBER_INACTIVE;
        }
    }
    if (kind == XUELIAN__TX_KIND__TX_KIND_REVOKE || kind == XUELIAN__TX_KIND__TX_KIND_SUSPEND ||
        kind == XUELIAN__TX_KIND__TX_KIND_RESTORE) {
        return ST_OK;
    }
    bool deposit = kind == XUELIAN__TX_KIND__TX_KIND_DEPOSIT ||
                   kind == XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK ||
                   kind == XUELIAN__TX_KIND__TX_KIND_CORRECT;
    return may_open(members[0]) || (deposit && members[0] == 3) ? ST_OK : ST_NOT_ALLOWED;
}

static struct model_account *find_account(struct model *model, const ProtobufCBinaryData *learner)
{
    for (uint32_t i = 0; i < model->account_count; i++) {
        if (memcmp(model->accounts[i].opening.learner.data, learner->data, 32) == 0) {
            return &model->accounts[i];
        }
    }
    return NULL;
}

static bool known_region(uint32_t code)
{
    return code == 330000 || code == 330100;
}

uint32_t model_open(struct model *model, const Xuelian__AccountOpening *opening,
                    const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id)
{
    static const uint8_t zeros[32];
    if (member_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (memcmp(opening->learner.data, zeros, 32) == 0) {
        return ST_BAD_FIELD;
    }
    if (!known_region(opening->region)) {
        return ST_UNKNOWN_REGION;
    }
    if (find_account(model, &opening->learner) != NULL) {
        return ST_ACCOUNT_EXISTS;
    }
    model->accounts[model->account_count++] = (struct model_account){.opening = *opening,
                                                                     .custodian = members[0],
                                                                     .opened_height = model->height,
                                                                     .opened_by = *tx_id};
    return ST_OK;
}

static bool is_date(uint32_t date)
{
    static const uint32_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = date / 10000;
    uint32_t month = date / 100 % 100;
    uint32_t day = date % 100;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1900 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] && (leap || month != 2 || day <= 28);
}

static bool dates_hold(const Xuelian__Outcome *o, uint32_t today)
{
    return is_date(o->award_date) && o->award_date <= today &&
           (o->start_date == 0 || (is_date(o->start_date) && o->start_date <= o->award_date)) &&
           (o->expiry_date == 0 || (is_date(o->expiry_date) && o->expiry_date >= o->award_date));
}

static uint32_t course_code(const Xuelian__Outcome *o)
{
    if (o->course == 0) {
        return ST_OK;
    }
    if ((o->course != 7 && o->course != 8) || o->course_version != 2) {
        return ST_UNKNOWN_COURSE;
    }
    if (o->course == 8 || o->kind != 1 || o->award_date < 20200101 || o->award_date > 20291231) {
        return ST_COURSE_NOT_VALID;
    }
    return o->credits > 300 || o->hours > 4800 ? ST_BAD_AMOUNT : ST_OK;
}

static bool same_outcome(const Xuelian__Outcome *a, const Xuelian__Outcome *b)
{
    if (a->issuer != b->issuer || a->reference.len != b->reference.len) {
        return false;
    }
    if (a->reference.len == 16) {
        return memcmp(a->reference.data, b->reference.data, 16) == 0;
    }
    return memcmp(a->account.data, b->account.data, 32) == 0 && a->course == b->course &&
           a->award_date == b->award_date;
}

/* Rules 2 to 6 of an outcome, but for a source of 2. */
static uint32_t fields_code(const struct model *model, const Xuelian__Outcome *o,
                            const uint32_t *members, uint32_t member_count)
{
    bool alone = member_count == 1 && o->source != 3;
    bool recognised = member_count == 2 && members[1] == o->recognising;
    if (o->kind == 0 || o->source == 0 || o->grade_band > 9 || o->level > 10 ||
        (o->course == 0) != (o->course_version == 0)) {
        return ST_BAD_FIELD;
    }
    if (o->details_root.len != 0) {
        return ST_DETAILS_NOT_HELD;
    }
    if (!dates_hold(o, model->date)) {
        return ST_BAD_DATE;
    }
    if (o->credits > 100000 || o->hours > 2000000) {
        return ST_BAD_AMOUNT;
    }
    return (o->recognising == 0 ? alone : recognised) ? ST_OK : ST_NOT_ALLOWED;
}

/* Rules 7 to 10. before: what it corrects, or NULL. */
static uint32_t registries_code(const Xuelian__Outcome *o, const Xuelian__Outcome *before)
{
    bool same_kind = before != NULL && before->kind == o->kind;
    if (!same_kind && kind_of_member(o->issuer) != (uint32_t)o->kind) {
        return ST_KIND_NOT_ALLOWED;
    }
    if (!known_region(o->region)) {
        return ST_UNKNOWN_REGION;
    }
    if (o->recognising != 0 && !recognises(o->recognising)) {
        return ST_NOT_ALLOWED;
    }
    if (same_kind && before->course == o->course && before->course_version == o->course_version &&
        before->award_date == o->award_date && o->credits <= before->credits &&
        o->hours <= before->hours) {
        return ST_OK;
    }
    return course_code(o);
}

/* Another item than `but` that is not revoked is the same outcome. */
static bool known(const struct model *model, const Xuelian__Outcome *o,
                  const struct model_item *but)
{
    for (uint32_t i = 0; i < model->account_count; i++) {
        const struct model_account *account = &model->accounts[i];
        for (uint64_t k = 0; k < account->item_count; k++) {
            const struct model_item *item = &account->items[k];
            if (item != but && item->status != 4 && same_outcome(&item->outcome, o)) {
                return true;
            }
        }
    }
    return false;
}

/* A version of an item: the one after its newest. */
static void add_version(const struct model *model, struct model_account *account,
                        struct model_item *item, uint32_t status, uint32_t reason,
                        const struct hash32 *tx_id, uint32_t index)
{
    struct out content = outcome_bytes(&item->outcome);
    struct out version = {.size = 0};
    put_field(&version, 1, &account->opening.learner);
    put_number(&version, 2, (uint64_t)(item - account->items) + 1);
    put_number(&version, 3, item->number + 1);
    put_bytes(&version, 4, item->hash.bytes, item->number > 0 ? 32 : 0);
    put_number(&version, 5, model->height);
    put_bytes(&version, 6, tx_id->bytes, 32);
    put_number(&version, 7, index);
    put_number(&version, 8, 1);
    put_number(&version, 9, status);
    put_bytes(&version, 10, content.bytes, content.size);
    put_number(&version, 11, reason);
    item->before = item->status;
    item->status = status;
    item->number++;
    item->hash = tagged("version", &version);
}

/* The totals, counted anew. */
static void count_all(struct model_account *account)
{
    memset(account->outcomes, 0, sizeof account->outcomes);
    memset(account->credits, 0, sizeof account->credits);
    memset(account->hours, 0, sizeof account->hours);
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        if (item->status == 1 || item->status == 2) {
            account->outcomes[item->outcome.kind]++;
            account->credits[item->outcome.kind] += item->outcome.credits;
            account->hours[item->outcome.kind] += item->outcome.hours;
        }
    }
}

uint32_t model_deposit(struct model *model, const Xuelian__Outcome *outcome,
                       const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id,
                       uint32_t index)
{
    if (outcome->issuer != members[0]) {
        return ST_WRONG_ISSUER;
    }
    uint32_t code = outcome->source == 2 ? (uint32_t)ST_BAD_FIELD
                                         : fields_code(model, outcome, members, member_count);
    code = code == ST_OK ? registries_code(outcome, NULL) : code;
    if (code != ST_OK) {
        return code;
    }
    struct model_account *account = find_account(model, &outcome->account);
    if (account == NULL) {
        return ST_UNKNOWN_ACCOUNT;
    }
    if (known(model, outcome, NULL)) {
        return ST_DUPLICATE;
    }
    struct model_item *item = &account->items[account->item_count++];
    item->outcome = *outcome;
    add_version(model, account, item, 1, 0, tx_id, index);
    count_all(account);
    model->outcome_count++;
    return ST_OK;
}

/* ---- section 14 ---- */

/* The item that is named by its newest version, in a status from one to another. */
static uint32_t find_item(struct model_account *account, uint64_t number,
                          const ProtobufCBinaryData *version_hash, uint32_t from, uint32_t to,
                          struct model_item **item)
{
    if (number < 1 || number > account->item_count) {
        return ST_UNKNOWN_ITEM;
    }
    *item = &account->items[number - 1];
    if (memcmp((*item)->hash.bytes, version_hash->data, 32) != 0) {
        return ST_WRONG_VERSION;
    }
    return (*item)->status >= from && (*item)->status <= to ? ST_OK : ST_WRONG_STATE;
}

uint32_t model_correct(struct model *model, const Xuelian__Correction *correction,
                       const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id)
{
    const Xuelian__Outcome *outcome = correction->outcome;
    struct model_item *item = NULL;
    if (outcome == NULL || correction->reason == 0 ||
        memcmp(outcome->account.data, correction->account.data, 32) != 0) {
        return ST_BAD_FIELD;
    }
    if (outcome->issuer != members[0]) {
        return ST_WRONG_ISSUER;
    }
    uint32_t code = fields_code(model, outcome, members, member_count);
    if (code != ST_OK) {
        return code;
    }
    struct model_account *account = find_account(model, &correction->account);
    if (account == NULL) {
        return ST_UNKNOWN_ACCOUNT;
    }
    code = find_item(account, correction->item, &correction->version_hash, 1, 2, &item);
    if (code != ST_OK) {
        return code;
    }
    if (item->outcome.issuer != members[0]) {
        return ST_WRONG_ISSUER;
    }
    struct out was = outcome_bytes(&item->outcome);
    struct out will_be = outcome_bytes(outcome);
    if (outcome->source != item->outcome.source ||
        (was.size == will_be.size && memcmp(was.bytes, will_be.bytes, was.size) == 0)) {
        return ST_BAD_FIELD;
    }
    code = registries_code(outcome, &item->outcome);
    if (code != ST_OK) {
        return code;
    }
    if (known(model, outcome, item)) {
        return ST_DUPLICATE;
    }
    item->outcome = *outcome;
    add_version(model, account, item, 2, (uint32_t)correction->reason, tx_id, 0);
    count_all(account);
    return ST_OK;
}

uint32_t model_act(struct model *model, Xuelian__TxKind kind, const Xuelian__ItemAct *act,
                   const uint32_t *members, uint32_t member_count, const struct hash32 *tx_id)
{
    bool restore = kind == XUELIAN__TX_KIND__TX_KIND_RESTORE;
    bool revoke = kind == XUELIAN__TX_KIND__TX_KIND_REVOKE;
    struct model_item *item = NULL;
    if (member_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (act->reason == 0) {
        return ST_BAD_FIELD;
    }
    struct model_account *account = find_account(model, &act->account);
    if (account == NULL) {
        return ST_UNKNOWN_ACCOUNT;
    }
    uint32_t code = find_item(account, act->item, &act->version_hash, restore ? 3 : 1,
                              restore || revoke ? 3 : 2, &item);
    if (code != ST_OK) {
        return code;
    }
    if (item->outcome.issuer != members[0]) {
        return ST_WRONG_ISSUER;
    }
    add_version(model, account, item,
                restore  ? item->before
                : revoke ? 4
                         : 3,
                (uint32_t)act->reason, tx_id, 0);
    count_all(account);
    return ST_OK;
}
