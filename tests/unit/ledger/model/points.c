/* Section 20: points. */
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/model/model.h"

enum { BIT_OPEN = 1 << OPEN, ACCRUAL = 1, REDEMPTION = 2, MOVED = 3 };

static const Xuelian__PointsEntry *entry_of(const struct model_item *item)
{
    return AS(PointsEntry, item->content);
}

static Xuelian__PointsEntry *entry_copy(const struct model_item *item)
{
    return (Xuelian__PointsEntry *)(void *)message_copy(item->content);
}

static bool is_lot(const struct model_item *item)
{
    return item->kind == POINTS && (uint32_t)entry_of(item)->type != REDEMPTION;
}

static bool unexpired(const struct model_item *item, uint32_t date)
{
    return entry_of(item)->expiry_date == 0 || entry_of(item)->expiry_date >= date;
}

static bool spendable(const struct model_item *item, uint32_t date)
{
    return is_lot(item) && item->status == VALID && unexpired(item, date) &&
           entry_of(item)->remaining > 0;
}

uint64_t points_of(const struct model_account *account)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        sum += is_lot(&account->items[i]) ? entry_of(&account->items[i])->remaining : 0;
    }
    return sum;
}

static uint32_t lots_held(const struct model_account *account, uint32_t date)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        count += is_lot(item) && unexpired(item, date) && entry_of(item)->remaining > 0;
    }
    return count;
}

/* The lot that is spent first among those after one (0: all): soonest to expire, then lowest number. */
static uint64_t next_lot(const struct model_account *account, uint32_t date, uint64_t after)
{
    uint64_t first = 0;
    uint64_t best = UINT64_MAX;
    uint64_t bound = 0;
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 1; i <= account->item_count; i++) {
            const struct model_item *item = &account->items[i - 1];
            if (!spendable(item, date) && i != after) {
                continue;
            }
            uint64_t expiry = entry_of(item)->expiry_date;
            uint64_t rank = (expiry == 0 ? 99999999 : expiry) << 32 | i;
            if (round == 0 && i == after) {
                bound = rank;
            } else if (round == 1 && i != after && rank > bound && rank < best) {
                best = rank;
                first = i;
            }
        }
    }
    return first;
}

/* ---- earning ---- */

struct totals {
    uint64_t rule;
    uint64_t year;
    bool earned; /* the outcome has */
};

static void add_totals(const struct model *m, const struct model_account *account, uint32_t series,
                       struct totals *totals)
{
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        if (item->kind != POINTS || (uint32_t)entry_of(item)->type != ACCRUAL || item->undone ||
            model_rule(m, entry_of(item)->rule)->series != series) {
            continue;
        }
        totals->rule += entry_of(item)->points;
        totals->year +=
            entry_of(item)->date / 10000 == m->date / 10000 ? entry_of(item)->points : 0;
    }
}

static struct totals totals_of(const struct model *m, const struct model_account *account,
                               uint32_t series, uint64_t outcome)
{
    struct totals totals = {0};
    const struct model_account *one = NULL;
    for (uint32_t i = 0; (one = family(m, account, i)) != NULL; i++) {
        add_totals(m, one, series, &totals);
    }
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        totals.earned =
            totals.earned || (item->kind == POINTS && (uint32_t)entry_of(item)->type == ACCRUAL &&
                              !item->undone && entry_of(item)->source_item == outcome &&
                              model_rule(m, entry_of(item)->rule)->series == series);
    }
    return totals;
}

static uint64_t earned_by(const struct model_item *outcome, const Xuelian__Rule *rule)
{
    const Xuelian__Outcome *o = AS(Outcome, outcome->content);
    uint64_t amount = (uint32_t)rule->basis == 1   ? o->credits
                      : (uint32_t)rule->basis == 2 ? o->hours
                                                   : 1;
    return amount * rule->ratio_num / rule->ratio_den;
}

static uint32_t follow_owner(const struct model *m, const Xuelian__Rule *rule)
{
    uint32_t member = rule->owner;
    for (uint32_t step = 0; step < 8; step++) {
        const Xuelian__Member *of = model_member(m, member);
        member = of != NULL && of->status == 2 && of->successor != 0 ? of->successor : member;
    }
    return member;
}

/* Role 4 and the owner. */
static bool signs_as_owner(const struct act *act, uint32_t rule)
{
    const struct model_signer *signer = &act->signers[0];
    return signer->role == 1 && member_may_act(act->m, signer->member, ROLE_CONVERT) &&
           stands_for(act->m, signer->member, model_rule(act->m, rule)->owner);
}

static uint32_t accrue_code(const struct act *act, struct model_account **account,
                            const Xuelian__Rule **found, struct model_item **outcome)
{
    const Xuelian__PointsAccrual *payload = AS(PointsAccrual, act->payload);
    const struct model *m = act->m;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    uint32_t code = find_account(m, &payload->account, BIT_OPEN, account);
    if (code != ST_OK) {
        return code;
    }
    const Xuelian__Rule *rule = model_rule(m, payload->rule);
    *found = rule;
    if (rule == NULL || (uint32_t)rule->kind != 2) {
        return ST_UNKNOWN_RULE;
    }
    bool owner = signs_as_owner(act, payload->rule);
    if (!owner && !(rule->automatic && signer_acts_for(act, 0, *account))) {
        return ST_NOT_ALLOWED;
    }
    if ((uint32_t)rule->status != 3 || m->date < rule->from_date ||
        (rule->to_date != 0 && m->date > rule->to_date)) {
        return ST_RULE_NOT_IN_FORCE;
    }
    if (!owner && !member_may_act(m, follow_owner(m, rule), ROLE_CONVERT)) {
        return ST_MEMBER_INACTIVE;
    }
    code = find_item(*account, payload->item, OUTCOME, &payload->version_hash, outcome);
    return code == ST_OK ? source_accepted(*outcome, rule, m->date, m->date) : code;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint32_t accrue(struct act *act)
{
    const Xuelian__PointsAccrual *payload = AS(PointsAccrual, act->payload);
    struct model *m = act->m;
    struct model_account *account = NULL;
    struct model_item *outcome = NULL;
    const Xuelian__Rule *rule = NULL;
    Xuelian__PointsEntry lot = XUELIAN__POINTS_ENTRY__INIT;
    uint32_t code = accrue_code(act, &account, &rule, &outcome);
    if (code != ST_OK) {
        return code;
    }
    struct totals totals = totals_of(m, account, rule->series, payload->item);
    uint64_t earned = earned_by(outcome, rule);
    if (totals.earned) {
        return ST_SOURCE_USED;
    }
    if (earned == 0) {
        return ST_NOTHING_EARNED;
    }
    if (totals.rule >= rule->ceiling) {
        return ST_CEILING_REACHED;
    }
    if (totals.year >= rule->yearly_ceiling) {
        return ST_POINTS_CEILING;
    }
    if (lots_held(account, m->date) >= 256) {
        return ST_LOTS_FULL;
    }
    if (account->item_count >= 99000) {
        return ST_ACCOUNT_FULL;
    }
    if (dependents_full(account, payload->item)) {
        return ST_DEPENDENTS_FULL;
    }
    lot.type = (Xuelian__PointsType)ACCRUAL;
    lot.points = (uint32_t)lesser(
        earned, lesser(rule->ceiling - totals.rule, rule->yearly_ceiling - totals.year));
    lot.remaining = lot.points;
    lot.date = m->date;
    lot.expiry_date = rule->life == 0 ? 0 : add_months(m->date, rule->life);
    lot.rule = rule->id;
    lot.source_item = payload->item;
    lot.source_hash = field_borrow(outcome->hash.bytes, 32);
    lot.rule_total = totals.rule;
    lot.year_total = totals.year;
    lot.region = model_member(m, follow_owner(m, rule))->region;
    touch_region(m, lot.region, m->date / 10000);
    item_rest(m, item_add(act, account, POINTS, VALID, &lot.base));
    return ST_OK;
}

/* ---- redeeming ---- */

static const Xuelian__CatalogueEntry *catalogue_entry(const struct model *m, uint32_t id)
{
    uint8_t key[4];
    be32_put(key, id);
    return AS(CatalogueEntry, model_get(m, 6, key, 4));
}

static void change_taken(struct model *m, uint32_t id, uint32_t quantity, bool more)
{
    uint8_t key[4];
    be32_put(key, id);
    Xuelian__CatalogueEntry *entry =
        (Xuelian__CatalogueEntry *)(void *)message_copy(&catalogue_entry(m, id)->base);
    entry->taken = more ? entry->taken + quantity : entry->taken - quantity;
    model_put(m, 6, key, 4, &entry->base);
}

/* Units of an entry that an account's redemptions have. */
static uint64_t units_in(const struct model_account *account, uint32_t entry)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < account->item_count; i++) {
        const struct model_item *item = &account->items[i];
        bool stands = item->status == APPLIED || item->status == ENDED;
        if (item->kind == POINTS && (uint32_t)entry_of(item)->type == REDEMPTION && stands &&
            entry_of(item)->entry == entry) {
            sum += entry_of(item)->quantity;
        }
    }
    return sum;
}

static uint64_t units(const struct model *m, const struct model_account *account, uint32_t entry)
{
    const struct model_account *one = NULL;
    uint64_t sum = 0;
    for (uint32_t i = 0; (one = family(m, account, i)) != NULL; i++) {
        sum += units_in(one, entry);
    }
    return sum;
}

/* Which lots pay, and how much each. */
struct payment {
    Xuelian__PointsPart parts[32];
    Xuelian__PointsPart *pointers[32];
    size_t count;
};

static uint32_t pay(const struct model_account *account, uint32_t date, uint64_t price,
                    struct payment *payment)
{
    uint64_t balance = 0;
    uint64_t left = price;
    for (uint64_t i = 0; i < account->item_count; i++) {
        balance +=
            spendable(&account->items[i], date) ? entry_of(&account->items[i])->remaining : 0;
    }
    payment->count = 0;
    if (balance < price) {
        return ST_POINTS_SHORT;
    }
    for (uint64_t lot = next_lot(account, date, 0); left > 0; lot = next_lot(account, date, lot)) {
        if (payment->count == 32) {
            return ST_LOTS_FULL;
        }
        const struct model_item *item = &account->items[lot - 1];
        Xuelian__PointsPart *part = &payment->parts[payment->count];
        xuelian__points_part__init(part);
        part->item = lot;
        part->points = (uint32_t)lesser(left, entry_of(item)->remaining);
        left -= part->points;
        payment->pointers[payment->count++] = part;
    }
    for (size_t i = 0; i < payment->count; i++) {
        if (account->items[payment->parts[i].item - 1].versions >= 10000) {
            return ST_VERSIONS_FULL;
        }
    }
    return ST_OK;
}

static uint32_t redeem_code(const struct act *act, struct model_account **account,
                            const Xuelian__CatalogueEntry **entry)
{
    const Xuelian__PointsRedemption *payload = AS(PointsRedemption, act->payload);
    const struct model *m = act->m;
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (payload->quantity < 1 || payload->quantity > 100) {
        return ST_BAD_FIELD;
    }
    uint32_t code = find_account(m, &payload->account, BIT_OPEN, account);
    if (code != ST_OK) {
        return code;
    }
    if (!signer_acts_for(act, 0, *account)) {
        return ST_NOT_ALLOWED;
    }
    *entry = catalogue_entry(m, payload->entry);
    if (*entry == NULL) {
        return ST_UNKNOWN_ENTRY;
    }
    const Xuelian__CatalogueEntry *e = *entry;
    if ((uint32_t)e->status != 1 || (e->from_date != 0 && m->date < e->from_date) ||
        (e->to_date != 0 && m->date > e->to_date)) {
        return ST_ENTRY_NOT_OPEN;
    }
    if (payload->quantity > e->stock - e->taken) {
        return ST_OUT_OF_STOCK;
    }
    return e->person_limit != 0 && units(m, *account, e->id) + payload->quantity > e->person_limit
               ? ST_PERSON_LIMIT
               : ST_OK;
}

uint32_t redeem(struct act *act)
{
    const Xuelian__PointsRedemption *payload = AS(PointsRedemption, act->payload);
    struct model_account *account = NULL;
    const Xuelian__CatalogueEntry *entry = NULL;
    Xuelian__PointsEntry redemption = XUELIAN__POINTS_ENTRY__INIT;
    struct payment payment;
    uint32_t code = redeem_code(act, &account, &entry);
    if (code != ST_OK) {
        return code;
    }
    code = pay(account, act->m->date, (uint64_t)entry->price * payload->quantity, &payment);
    if (code == ST_OK && account->item_count >= 99000) {
        code = ST_ACCOUNT_FULL;
    }
    if (code == ST_OK && applications(account) >= 16) {
        code = ST_APPLICATIONS_FULL;
    }
    if (code != ST_OK) {
        return code;
    }
    for (size_t i = 0; i < payment.count; i++) {
        struct model_item *item = &account->items[payment.parts[i].item - 1];
        Xuelian__PointsEntry *lot = entry_copy(item);
        lot->remaining -= payment.parts[i].points;
        item_renew(act, account, item, item->status, 0, &lot->base);
    }
    redemption.type = (Xuelian__PointsType)REDEMPTION;
    redemption.points = entry->price * payload->quantity;
    redemption.date = act->m->date;
    redemption.entry = entry->id;
    redemption.entry_version = entry->version;
    redemption.quantity = payload->quantity;
    redemption.parts = payment.pointers;
    redemption.n_parts = payment.count;
    item_add(act, account, POINTS, APPLIED, &redemption.base);
    change_taken(act->m, entry->id, payload->quantity, true);
    return ST_OK;
}

/* ---- origins, and what is given back after a merge ---- */

/* The lot of an origin in an account; NULL: none. */
static struct model_item *lot_in(struct model_account *account, const struct hash32 *earned_in,
                                 uint64_t number)
{
    if (same32(account->learner.bytes, earned_in->bytes)) {
        return &account->items[number - 1];
    }
    for (uint64_t i = 0; i < account->item_count; i++) {
        struct model_item *item = &account->items[i];
        if (item->kind == POINTS && (uint32_t)entry_of(item)->type == MOVED &&
            entry_of(item)->source_item == number &&
            field_is(&entry_of(item)->from_account, earned_in->bytes, 32)) {
            return item;
        }
    }
    return NULL;
}

struct model_item *last_lot(const struct model *m, const struct model_account *earned_in,
                            uint64_t number, struct model_account **in)
{
    ProtobufCBinaryData id = field_borrow(earned_in->learner.bytes, 32);
    struct model_account *account = model_find(m, &id);
    struct model_item *last = NULL;
    for (;;) {
        struct model_item *item = lot_in(account, &earned_in->learner, number);
        if (item != NULL) {
            last = item;
            *in = account;
        }
        if (!account->merged) {
            return last;
        }
        id = field_borrow(account->merged_into.bytes, 32);
        account = model_find(m, &id);
    }
}

/* Where a lot's points were earned: the account, and the number of the lot there. */
static const struct model_account *origin_of(const struct model *m,
                                             const struct model_account *account,
                                             const struct model_item *item, uint64_t *number)
{
    if ((uint32_t)entry_of(item)->type == ACCRUAL) {
        *number = item_number(account, item);
        return account;
    }
    *number = entry_of(item)->source_item;
    return model_find(m, &entry_of(item)->from_account);
}

/* A lot of type 3 in an account. */
static void add_moved(const struct act *act, const struct model_account *account,
                      const struct model_item *item, const struct hash32 *before,
                      struct model_account *to, uint32_t points)
{
    const Xuelian__PointsEntry *lot = entry_of(item);
    Xuelian__PointsEntry moved = XUELIAN__POINTS_ENTRY__INIT;
    moved.type = (Xuelian__PointsType)MOVED;
    moved.points = points;
    moved.remaining = points;
    moved.date = lot->date;
    moved.expiry_date = lot->expiry_date;
    moved.rule = lot->rule;
    moved.region = lot->region;
    bool earned = (uint32_t)lot->type == ACCRUAL;
    moved.from_account = earned ? field_borrow(account->learner.bytes, 32) : lot->from_account;
    moved.source_item = earned ? item_number(account, item) : lot->source_item;
    moved.source_hash = earned ? field_borrow(before->bytes, 32) : lot->source_hash;
    item_add(act, to, POINTS, VALID, &moved.base);
}

static bool passes_on(const struct act *act, const struct model_account *account,
                      const struct model_item *item)
{
    return account->merged && item->status != REVOKED && unexpired(item, act->m->date);
}

/* Points of a lot go to where the learner can spend them. lot: the lot as it is, without these points. */
static void pass_on(const struct act *act, struct model_account *account, struct model_item *item,
                    Xuelian__PointsEntry *lot, uint32_t points, uint32_t reason)
{
    struct model_account *in = NULL;
    struct hash32 before = item->hash;
    uint64_t number = 0;
    const struct model_account *earned_in = origin_of(act->m, account, item, &number);
    struct model_item *last = last_lot(act->m, earned_in, number, &in);
    if (last != item && last->status == REVOKED) {
        lot->reversed += points;
        item_renew(act, account, item, ENDED, reason, &lot->base);
        return;
    }
    lot->moved += points;
    item_renew(act, account, item, ENDED, reason, &lot->base);
    if (last != item && (last->status == REVIEW || !in->merged)) {
        Xuelian__PointsEntry *there = entry_copy(last);
        there->points += points;
        there->remaining += points;
        item_renew(act, in, last, last->status, 0, &there->base);
    } else {
        add_moved(act, account, item, &before, led_to(act->m, account), points);
    }
}

/* ---- what is changed later ---- */

static uint32_t find_entry(const struct act *act, struct model_account **account,
                           struct model_item **item)
{
    const Xuelian__ItemAct *payload = AS(ItemAct, act->payload);
    if (act->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    uint32_t code = find_account(act->m, &payload->account, ANY_STATUS, account);
    return code == ST_OK ? find_item(*account, payload->item, POINTS, &payload->version_hash, item)
                         : code;
}

static bool signs_as_provider(const struct act *act, const Xuelian__PointsEntry *redemption)
{
    return act->signers[0].role == 1 &&
           stands_for(act->m, act->signers[0].member,
                      catalogue_entry(act->m, redemption->entry)->provider);
}

static bool parts_full(const struct model_account *account, const Xuelian__PointsEntry *redemption)
{
    bool full = false;
    for (size_t i = 0; i < redemption->n_parts; i++) {
        full = full || account->items[redemption->parts[i]->item - 1].versions >= 10000;
    }
    return full;
}

static void give_back(const struct act *act, struct model_account *account, struct model_item *item)
{
    const Xuelian__PointsEntry *redemption = entry_of(item);
    for (size_t i = 0; i < redemption->n_parts; i++) {
        struct model_item *from = &account->items[redemption->parts[i]->item - 1];
        Xuelian__PointsEntry *lot = entry_copy(from);
        if (passes_on(act, account, from) && from->status != REVIEW) {
            pass_on(act, account, from, lot, redemption->parts[i]->points, 0);
            continue;
        }
        if (from->status == REVOKED) {
            lot->reversed += redemption->parts[i]->points;
        } else {
            lot->remaining += redemption->parts[i]->points;
        }
        item_renew(act, account, from, from->status, 0, &lot->base);
    }
    change_taken(act->m, redemption->entry, redemption->quantity, false);
    item_renew(act, account, item, REVOKED, (uint32_t)AS(ItemAct, act->payload)->reason,
               item->content);
}

/* Fulfil and cancel. */
uint32_t fulfil(struct act *act)
{
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_entry(act, &account, &item);
    if (code != ST_OK) {
        return code;
    }
    if (is_lot(item)) {
        return ST_UNKNOWN_ITEM;
    }
    if (!signs_as_provider(act, entry_of(item)) &&
        !(act->kind == 53 &&
          (signer_acts_for(act, 0, account) || signer_acts_for(act, 0, led_to(act->m, account))))) {
        return ST_NOT_ALLOWED;
    }
    if (item->status != APPLIED) {
        return ST_WRONG_STATE;
    }
    if (item->versions >= 10000 || (act->kind == 53 && parts_full(account, entry_of(item)))) {
        return ST_VERSIONS_FULL;
    }
    if (act->kind == 53) {
        give_back(act, account, item);
    } else {
        item_renew(act, account, item, ENDED, (uint32_t)AS(ItemAct, act->payload)->reason,
                   item->content);
    }
    return ST_OK;
}

uint32_t reverse(struct act *act)
{
    const Xuelian__ItemAct *payload = AS(ItemAct, act->payload);
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_entry(act, &account, &item);
    if (code != ST_OK) {
        return code;
    }
    if (payload->reason == 0) {
        return ST_BAD_FIELD;
    }
    bool lot = is_lot(item);
    if (lot ? !signs_as_owner(act, entry_of(item)->rule)
            : !signs_as_provider(act, entry_of(item))) {
        return ST_NOT_ALLOWED;
    }
    if (lot ? item->status != VALID && item->status != REVIEW : item->status != ENDED) {
        return ST_WRONG_STATE;
    }
    if (item->versions >= 10000 || (!lot && parts_full(account, entry_of(item)))) {
        return ST_VERSIONS_FULL;
    }
    if (!lot) {
        give_back(act, account, item);
        return ST_OK;
    }
    Xuelian__PointsEntry *entry = entry_copy(item);
    item->undone = (uint32_t)entry->type == ACCRUAL && entry->remaining == entry->points;
    entry->reversed += entry->remaining;
    entry->remaining = 0;
    item_renew(act, account, item, REVOKED, (uint32_t)payload->reason, &entry->base);
    return ST_OK;
}

uint32_t uphold_points(struct act *act)
{
    struct model_account *account = NULL;
    struct model_item *item = NULL;
    uint32_t code = find_entry(act, &account, &item);
    if (code != ST_OK) {
        return code;
    }
    if (!is_lot(item)) {
        return ST_UNKNOWN_ITEM;
    }
    Xuelian__PointsEntry *lot = entry_copy(item);
    if (!signs_as_owner(act, lot->rule)) {
        return ST_NOT_ALLOWED;
    }
    if (item->status != REVIEW) {
        return ST_WRONG_STATE;
    }
    uint64_t number = 0;
    const struct model_account *earned_in = origin_of(act->m, account, item, &number);
    const Xuelian__PointsEntry *origin = entry_of(&earned_in->items[number - 1]);
    const struct model_item *outcome = &earned_in->items[origin->source_item - 1];
    const Xuelian__Rule *rule = model_rule(act->m, lot->rule);
    code = source_accepted(outcome, rule, lot->date, lot->date);
    if (code == ST_OK && earned_by(outcome, rule) < origin->points) {
        code = ST_SOURCE_NOT_ACCEPTED;
    }
    if (code == ST_OK && item->versions >= 10000) {
        code = ST_VERSIONS_FULL;
    }
    if (code != ST_OK) {
        return code;
    }
    uint32_t reason = (uint32_t)AS(ItemAct, act->payload)->reason;
    if ((uint32_t)lot->type == ACCRUAL) {
        lot->source_hash = field_borrow(outcome->hash.bytes, 32);
    }
    if (passes_on(act, account, item) && lot->remaining > 0) {
        uint32_t remaining = lot->remaining;
        lot->remaining = 0;
        pass_on(act, account, item, lot, remaining, reason);
    } else {
        item_renew(act, account, item, VALID, reason, &lot->base);
    }
    return ST_OK;
}

/* ---- merging ---- */

uint32_t move_check(const struct act *act, const struct model_account *from,
                    const struct model_account *to)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < from->item_count; i++) {
        if (spendable(&from->items[i], act->m->date)) {
            count++;
            if (from->items[i].versions >= 10000) {
                return ST_VERSIONS_FULL;
            }
        }
    }
    return count > 0 && lots_held(to, act->m->date) + count > 256 ? ST_LOTS_FULL : ST_OK;
}

void move_points(const struct act *act, struct model_account *from, struct model_account *to)
{
    for (uint64_t at = next_lot(from, act->m->date, 0); at != 0;
         at = next_lot(from, act->m->date, 0)) {
        struct model_item *item = &from->items[at - 1];
        Xuelian__PointsEntry *lot = entry_copy(item);
        struct hash32 before = item->hash;
        uint32_t remaining = lot->remaining;
        lot->moved += remaining;
        lot->remaining = 0;
        item_renew(act, from, item, ENDED, 0, &lot->base);
        add_moved(act, from, item, &before, to, remaining);
    }
}
