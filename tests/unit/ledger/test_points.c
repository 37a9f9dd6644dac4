/* 积分: each row of the table of docs/protocol.md section 20, legal and illegal, and the order of the checks. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/tx/points.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"
#include "tests/unit/ledger/net.h"

/* Rules: 20 automatic, 10 points a credit, 24 months; 21 by its owner alone, of every outcome 7 points, for ever; 22 draft;
 * 23 conversion; 24 of a suspended member; 25 tiny. Entries: 30 of member 4, 5 units of 100 points, 2 a learner; 31 paused;
 * 32 from March on; 33 dear; 34 cheap and plenty. */
enum { EARN = 20, FIXED, DRAFTED, CONVERT, ORPHAN, TINY, RULE_COUNT = 6 };
enum { BOOK = 30, PAUSED, LATER, DEAR, CHEAP, ENTRY_COUNT = 5 };
enum { OWNER = 1, PROVIDER = 4, NOBODY = 6, L = NET_LEARNER };

static struct net net;

#define ACCRUE  XUELIAN__TX_KIND__TX_KIND_POINTS_ACCRUE
#define REDEEM  XUELIAN__TX_KIND__TX_KIND_POINTS_REDEEM
#define FULFIL  XUELIAN__TX_KIND__TX_KIND_POINTS_FULFIL
#define CANCEL  XUELIAN__TX_KIND__TX_KIND_POINTS_CANCEL
#define REVERSE XUELIAN__TX_KIND__TX_KIND_POINTS_REVERSE
#define UPHOLD  XUELIAN__TX_KIND__TX_KIND_POINTS_UPHOLD
#define SUSPEND XUELIAN__TX_KIND__TX_KIND_SUSPEND
#define RESTORE XUELIAN__TX_KIND__TX_KIND_RESTORE

static int start(void **state)
{
    Xuelian__Rule rules[RULE_COUNT];
    Xuelian__Rule *rule_pointers[RULE_COUNT];
    Xuelian__CatalogueEntry entries[ENTRY_COUNT];
    Xuelian__CatalogueEntry *entry_pointers[ENTRY_COUNT];
    (void)state;
    for (uint32_t i = 0; i < RULE_COUNT; i++) {
        net_accrual(&rules[i], EARN + i);
        rule_pointers[i] = &rules[i];
    }
    for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
        net_entry(&entries[i], BOOK + i);
        entry_pointers[i] = &entries[i];
    }
    rules[1].automatic = false;
    rules[1].basis = XUELIAN__RULE_BASIS__RULE_BASIS_OUTCOME;
    rules[1].ratio_num = 7;
    rules[1].ratio_den = 1;
    rules[1].life = 0;
    rules[2].status = XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT;
    net_conversion(&rules[3], CONVERT);
    rules[4].owner = 5;
    rules[5].ratio_num = 1;
    rules[5].ratio_den = 1000;
    entries[1].status = XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_PAUSED;
    entries[2].from_date = 20260301;
    entries[3].price = 10000000;
    entries[3].person_limit = 0;
    entries[4].price = 1;
    entries[4].stock = 10000;
    entries[4].person_limit = 0;
    net_open(&net, rule_pointers, RULE_COUNT, entry_pointers, ENTRY_COUNT);
    for (uint32_t i = 1; i <= 9; i++) {
        net_account(&net, i, i != 2);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_close(&net);
    return 0;
}

static uint32_t accrue_as(uint32_t signer, uint32_t learner, uint32_t rule, uint64_t item)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash = {{0}};
    uint64_t memory[512];
    Xuelian__PointsAccrual accrual = XUELIAN__POINTS_ACCRUAL__INIT;
    if (item <= net_last(&net, learner)) {
        net_item(&net, learner, item, memory, &hash);
    }
    accrual.account = field_borrow(&id, 32);
    accrual.rule = rule;
    accrual.item = item;
    accrual.version_hash = field_borrow(&hash, 32);
    return net_submit(&net, ACCRUE, &accrual.base, signer);
}

static struct bytes redemption(uint32_t learner, uint32_t entry, uint32_t quantity, uint32_t signer)
{
    struct hash32 id = support_learner(learner);
    Xuelian__PointsRedemption wire = XUELIAN__POINTS_REDEMPTION__INIT;
    wire.account = field_borrow(&id, 32);
    wire.entry = entry;
    wire.quantity = quantity;
    return net_tx(&net, REDEEM, &wire.base, &signer, 1);
}

static uint32_t dispute_points(uint32_t learner, uint64_t item)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash = {{0}};
    uint64_t memory[512];
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    net_item(&net, learner, item, memory, &hash);
    opening.account = field_borrow(&id, 32);
    opening.item = item;
    opening.version_hash = field_borrow(&hash, 32);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_POINTS;
    return net_submit(&net, XUELIAN__TX_KIND__TX_KIND_DISPUTE_OPEN, &opening.base, L + learner);
}

static uint32_t redeem(uint32_t learner, uint32_t entry, uint32_t quantity)
{
    uint32_t code = 0;
    struct bytes tx = redemption(learner, entry, quantity, L + learner);
    net_block(&net, &tx, 1, &code);
    return code;
}

static const Xuelian__PointsEntry *entry_of(uint32_t learner, uint64_t item)
{
    static uint64_t memory[512];
    uint64_t version_memory[512];
    struct hash32 hash;
    return (const Xuelian__PointsEntry *)(const void *)net_content(
        net_item(&net, learner, item, version_memory, &hash), &xuelian__points_entry__descriptor,
        memory);
}

/* Deposits an outcome that earns so many points, and earns them. The item of the lot. */
static uint64_t earn(uint32_t learner, uint32_t points)
{
    uint64_t item = net_deposit(&net, learner, points * 10, 20250701);
    assert_int_equal(accrue_as(L + learner, learner, EARN, item), ST_OK);
    return item + 1;
}

static uint64_t points_of(uint32_t learner)
{
    return net_read_account(&net, learner).points;
}

static uint32_t taken(uint32_t entry)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *read = NULL;
    struct state *state;
    assert_int_equal(state_begin(&state, net.kv, false), ST_OK);
    assert_int_equal(catalogue_record(state, entry, memory, &read), ST_OK);
    uint32_t count = read->taken;
    state_free(state);
    return count;
}

#define assert_status(learner, item, expected) \
    assert_int_equal(net_status(&net, learner, item), XUELIAN__ITEM_STATUS__ITEM_STATUS_##expected)

/* ---- 50 accrue ---- */

static void test_who_earns_what(void **state)
{
    uint64_t item = net_deposit(&net, 1, 300, 20250701);
    uint64_t other = net_deposit(&net, 2, 300, 20250701);
    uint64_t small = net_deposit(&net, 1, 5, 20250701);
    (void)state;
    assert_int_equal(accrue_as(L + 1, 10, EARN, 1), ST_UNKNOWN_ACCOUNT);
    assert_int_equal(accrue_as(L + 1, 1, 99, item), ST_UNKNOWN_RULE);
    assert_int_equal(accrue_as(L + 1, 1, CONVERT, item), ST_UNKNOWN_RULE);
    assert_int_equal(accrue_as(L + 1, 2, EARN, other), ST_NOT_ALLOWED);
    assert_int_equal(accrue_as(NOBODY, 1, EARN, item), ST_NOT_ALLOWED);
    assert_int_equal(accrue_as(L + 1, 1, FIXED, item), ST_NOT_ALLOWED); /* the owner's to give */
    assert_int_equal(accrue_as(L + 1, 1, DRAFTED, item), ST_RULE_NOT_IN_FORCE);
    assert_int_equal(accrue_as(L + 1, 1, ORPHAN, item), ST_MEMBER_INACTIVE);
    assert_int_equal(accrue_as(L + 1, 1, EARN, 999), ST_UNKNOWN_ITEM);
    assert_int_equal(accrue_as(L + 1, 1, EARN, small), ST_NOTHING_EARNED);
}

static void test_accrual(void **state)
{
    uint64_t item = net_deposit(&net, 3, 309, 20250701);
    (void)state;
    assert_int_equal(accrue_as(L + 3, 3, TINY, item), ST_NOTHING_EARNED);
    assert_int_equal(accrue_as(L + 3, 3, EARN, item), ST_OK);
    const Xuelian__PointsEntry *lot = entry_of(3, item + 1);
    assert_status(3, item + 1, VALID);
    assert_int_equal(lot->points, 30); /* floor(309 * 10 / 100) */
    assert_int_equal(lot->remaining, 30);
    assert_int_equal(lot->expiry_date, 20280101);
    assert_int_equal(lot->source_item, item);
    assert_int_equal(accrue_as(L + 3, 3, EARN, item), ST_SOURCE_USED);
    assert_int_equal(accrue_as(OWNER, 3, FIXED, item), ST_OK);
    assert_int_equal(entry_of(3, item + 2)->points, 7);
    assert_int_equal(entry_of(3, item + 2)->expiry_date, 0);
    assert_int_equal(points_of(3), 37);
    assert_int_equal(accrue_as(L + 3, 3, EARN, item + 1), ST_UNKNOWN_ITEM); /* no outcome */
    /* A thousand a year. */
    earn(3, 960);
    uint64_t more = net_deposit(&net, 3, 500, 20250701);
    assert_int_equal(accrue_as(L + 3, 3, EARN, more), ST_OK);
    assert_int_equal(entry_of(3, more + 1)->points, 10);
    assert_int_equal(entry_of(3, more + 1)->year_total, 990);
    uint64_t last = net_deposit(&net, 3, 500, 20250701);
    assert_int_equal(accrue_as(L + 3, 3, EARN, last), ST_POINTS_CEILING);
}

static void test_custodian_earns(void **state)
{
    uint64_t item = net_deposit(&net, 2, 300, 20250701);
    (void)state;
    assert_int_equal(accrue_as(2, 2, EARN, item), ST_NOT_ALLOWED);
    assert_int_equal(accrue_as(1, 2, EARN, item), ST_OK);
}

/* ---- 51 redeem, 52 fulfil, 53 cancel ---- */

static void test_redeeming(void **state)
{
    uint32_t code = 0;
    (void)state;
    earn(4, 250);
    assert_int_equal(redeem(4, BOOK, 0), ST_BAD_FIELD);
    assert_int_equal(redeem(4, BOOK, 101), ST_BAD_FIELD);
    struct bytes tx = redemption(4, BOOK, 1, 1); /* no custodian of a claimed account */
    net_block(&net, &tx, 1, &code);
    assert_int_equal(code, ST_NOT_ALLOWED);
    assert_int_equal(redeem(4, 99, 1), ST_UNKNOWN_ENTRY);
    assert_int_equal(redeem(4, PAUSED, 1), ST_ENTRY_NOT_OPEN);
    assert_int_equal(redeem(4, LATER, 1), ST_ENTRY_NOT_OPEN);
    assert_int_equal(redeem(4, BOOK, 6), ST_OUT_OF_STOCK);
    assert_int_equal(redeem(4, BOOK, 3), ST_PERSON_LIMIT);
    assert_int_equal(redeem(4, DEAR, 1), ST_POINTS_SHORT);
    assert_int_equal(redeem(4, BOOK, 2), ST_OK);
    uint64_t made = net_last(&net, 4);
    assert_status(4, made, APPLIED);
    assert_int_equal(points_of(4), 50);
    assert_int_equal(taken(BOOK), 2);
    assert_int_equal(entry_of(4, made)->points, 200);
    assert_int_equal(redeem(4, BOOK, 1), ST_PERSON_LIMIT);
    assert_int_equal(net_act(&net, FULFIL, L + 4, 4, made), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, FULFIL, 2, 4, made), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, CANCEL, 2, 4, made), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, CANCEL, L + 4, 4, made - 1), ST_UNKNOWN_ITEM); /* a lot */
    assert_int_equal(net_act(&net, REVERSE, PROVIDER, 4, made), ST_WRONG_STATE);
    assert_int_equal(net_act(&net, CANCEL, L + 4, 4, made), ST_OK);
    assert_status(4, made, REVOKED);
    assert_int_equal(points_of(4), 250);
    assert_int_equal(taken(BOOK), 0);
    assert_int_equal(net_act(&net, FULFIL, PROVIDER, 4, made), ST_WRONG_STATE);
    assert_int_equal(net_act(&net, CANCEL, L + 4, 4, made), ST_WRONG_STATE);
    assert_int_equal(redeem(4, BOOK, 2), ST_OK); /* the limit counts what stands */
    made = net_last(&net, 4);
    assert_int_equal(net_act(&net, FULFIL, PROVIDER, 4, made), ST_OK);
    assert_status(4, made, ENDED);
    assert_int_equal(net_act(&net, CANCEL, L + 4, 4, made), ST_WRONG_STATE);
    assert_int_equal(net_act(&net, REVERSE, L + 4, 4, made), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, REVERSE, PROVIDER, 4, made), ST_OK);
    assert_int_equal(points_of(4), 250);
    assert_int_equal(taken(BOOK), 0);
    assert_int_equal(net_read_account(&net, 4).applications, 0);
}

/* Five units are left, and in one block three learners ask for two each: the first two get them. */
static void test_race_for_the_last_units(void **state)
{
    struct bytes txs[3];
    uint32_t codes[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        earn(5 + i, 200);
    }
    for (uint32_t i = 0; i < 3; i++) {
        txs[i] = redemption(5 + i, BOOK, 2, L + 5 + i);
    }
    net_block(&net, txs, 3, codes);
    assert_int_equal(codes[0], ST_OK);
    assert_int_equal(codes[1], ST_OK);
    assert_int_equal(codes[2], ST_OUT_OF_STOCK);
    assert_int_equal(taken(BOOK), 4);
    assert_int_equal(points_of(7), 200);
    for (uint32_t i = 0; i < 2; i++) {
        txs[i] = redemption(7, BOOK, 1, L + 7);
    }
    net_block(&net, txs, 2, codes);
    assert_int_equal(codes[0], ST_OK);
    assert_int_equal(codes[1], ST_OUT_OF_STOCK);
    assert_int_equal(taken(BOOK), 5);
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, 7, net_last(&net, 7)), ST_OK);
    assert_int_equal(redeem(7, BOOK, 1), ST_OK);
}

/* ---- 54 reverse, 55 uphold ---- */

static void test_reversing(void **state)
{
    uint64_t lot = earn(8, 300);
    (void)state;
    assert_int_equal(net_act(&net, REVERSE, L + 8, 8, lot), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, REVERSE, 2, 8, lot), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, REVERSE, OWNER, 8, 999), ST_UNKNOWN_ITEM);
    /* What nothing was spent of is as if it had not been. */
    assert_int_equal(net_act(&net, REVERSE, OWNER, 8, lot), ST_OK);
    assert_status(8, lot, REVOKED);
    assert_int_equal(entry_of(8, lot)->reversed, 300);
    assert_int_equal(points_of(8), 0);
    assert_int_equal(net_act(&net, REVERSE, OWNER, 8, lot), ST_WRONG_STATE);
    assert_int_equal(accrue_as(L + 8, 8, EARN, lot - 1), ST_OK);
    assert_int_equal(entry_of(8, lot + 1)->year_total, 0);
    lot = lot + 1;
    /* Of 300 points 200 are spent: 100 are taken back, no balance falls below zero. */
    assert_int_equal(redeem(8, CHEAP, 100), ST_OK);
    assert_int_equal(redeem(8, CHEAP, 100), ST_OK);
    uint64_t made = net_last(&net, 8);
    assert_int_equal(net_act(&net, REVERSE, OWNER, 8, lot), ST_OK);
    assert_int_equal(entry_of(8, lot)->reversed, 100);
    assert_int_equal(points_of(8), 0);
    assert_int_equal(accrue_as(L + 8, 8, EARN, lot - 2), ST_SOURCE_USED);
    /* What a cancelled redemption gives back to it is taken back at once. */
    assert_int_equal(net_act(&net, CANCEL, L + 8, 8, made), ST_OK);
    assert_int_equal(entry_of(8, lot)->reversed, 200);
    assert_int_equal(points_of(8), 0);
    assert_int_equal(redeem(8, CHEAP, 1), ST_POINTS_SHORT);
}

static void test_under_review(void **state)
{
    uint64_t lot = earn(9, 100);
    (void)state;
    assert_int_equal(net_act(&net, UPHOLD, OWNER, 9, lot), ST_WRONG_STATE);
    assert_int_equal(net_act(&net, SUSPEND, 2, 9, lot - 1), ST_OK);
    assert_status(9, lot, REVIEW);
    assert_int_equal(points_of(9), 100); /* it remains, and cannot be spent */
    assert_int_equal(redeem(9, CHEAP, 1), ST_POINTS_SHORT);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, 9, lot), ST_SOURCE_NOT_VALID);
    assert_int_equal(net_act(&net, RESTORE, 2, 9, lot - 1), ST_OK);
    assert_int_equal(net_act(&net, UPHOLD, 2, 9, lot), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, 9, lot), ST_OK);
    assert_status(9, lot, VALID);
    assert_int_equal(redeem(9, CHEAP, 1), ST_OK);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, 9, net_last(&net, 9)), ST_UNKNOWN_ITEM);
    assert_int_equal(net_act(&net, SUSPEND, 2, 9, lot - 1), ST_OK);
    assert_int_equal(net_act(&net, REVERSE, OWNER, 9, lot), ST_OK);
    assert_int_equal(points_of(9), 0);
}

/* ---- lots ---- */

static void test_oldest_expiry_first(void **state)
{
    (void)state;
    net_account(&net, 11, true);
    uint64_t item = net_deposit(&net, 11, 100, 20250701);
    assert_int_equal(accrue_as(OWNER, 11, FIXED, item), ST_OK); /* never expires */
    uint64_t first = earn(11, 10);                              /* until 20280101 */
    net_date(&net, 20260201);
    uint64_t second = earn(11, 10); /* until 20280201 */
    assert_int_equal(redeem(11, CHEAP, 15), ST_OK);
    const Xuelian__PointsEntry *made = entry_of(11, net_last(&net, 11));
    assert_int_equal(made->n_parts, 2);
    assert_int_equal(made->parts[0]->item, first);
    assert_int_equal(made->parts[0]->points, 10);
    assert_int_equal(made->parts[1]->item, second);
    assert_int_equal(made->parts[1]->points, 5);
    assert_int_equal(entry_of(11, first)->remaining, 0);
    assert_int_equal(entry_of(11, second)->remaining, 5);
    /* On its last day a lot can be spent, a day later not; what remains stays in the summary. */
    net_date(&net, 20280201);
    assert_int_equal(redeem(11, CHEAP, 1), ST_OK);
    uint64_t spent = net_last(&net, 11);
    assert_int_equal(entry_of(11, spent)->parts[0]->item, second);
    net_date(&net, 20280202);
    assert_int_equal(points_of(11), 11);
    assert_int_equal(redeem(11, CHEAP, 8), ST_POINTS_SHORT);
    assert_int_equal(redeem(11, CHEAP, 7), ST_OK);
    assert_int_equal(points_of(11), 4);
    /* What goes back to a lot that expired can no longer be spent. */
    assert_int_equal(net_act(&net, CANCEL, L + 11, 11, spent), ST_OK);
    assert_int_equal(points_of(11), 5);
    assert_int_equal(redeem(11, CHEAP, 1), ST_POINTS_SHORT);
}

static void test_lots_are_bounded(void **state)
{
    (void)state;
    net_account(&net, 12, true);
    for (uint32_t i = 0; i < LIMIT_POINTS_LOTS_MAX; i++) {
        earn(12, 1);
    }
    uint64_t item = net_deposit(&net, 12, 10, 20250701);
    assert_int_equal(accrue_as(L + 12, 12, EARN, item), ST_LOTS_FULL);
    assert_int_equal(redeem(12, CHEAP, LIMIT_POINTS_PARTS_MAX + 1), ST_LOTS_FULL);
    assert_int_equal(redeem(12, CHEAP, LIMIT_POINTS_PARTS_MAX), ST_OK);
    uint64_t made = net_last(&net, 12);
    assert_int_equal(entry_of(12, made)->n_parts, LIMIT_POINTS_PARTS_MAX);
    assert_int_equal(dispute_points(12, made), ST_OK); /* the largest content is still read */
    assert_int_equal(accrue_as(L + 12, 12, EARN, item), ST_OK);
    assert_int_equal(net_act(&net, CANCEL, L + 12, 12, made), ST_OK);
    assert_int_equal(points_of(12), LIMIT_POINTS_LOTS_MAX + 1);
    item = net_deposit(&net, 12, 10, 20250701);
    assert_int_equal(accrue_as(L + 12, 12, EARN, item), ST_LOTS_FULL);
}

/* ---- merging ---- */

static void test_moving(void **state)
{
    const struct block_context context = {.height = 9000, .date = 20290301};
    const struct tx tx = {.item_count = 1};
    struct state *work;
    struct account *from;
    struct account *to;
    uint32_t code = ST_OK;
    (void)state;
    net_account(&net, 13, true);
    net_account(&net, 14, true);
    uint64_t review = earn(13, 5);
    uint64_t lot = earn(13, 20);
    assert_int_equal(net_act(&net, SUSPEND, 2, 13, review - 1), ST_OK);
    assert_int_equal(redeem(13, CHEAP, 3), ST_OK);
    assert_int_equal(state_begin(&work, net.kv, false), ST_OK);
    struct hash32 one = support_learner(13);
    struct hash32 other = support_learner(14);
    assert_int_equal(state_account(work, &one, &from), ST_OK);
    assert_int_equal(state_account(work, &other, &to), ST_OK);
    assert_int_equal(points_move_check(work, &context, from, to, &code), ST_OK);
    assert_int_equal(code, ST_OK);
    assert_int_equal(points_move(work, &context, &tx, 0, from, to), ST_OK);
    assert_int_equal(from->points, 5); /* what is under review stays */
    assert_int_equal(to->points, 17);
    struct item item;
    struct points_entry entry;
    assert_int_equal(item_read(work, from, lot, &item, &code), ST_OK);
    assert_int_equal(item.version->status, XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED);
    assert_int_equal(points_decode(&entry, &item), ST_OK);
    assert_int_equal(entry.moved, 17);
    assert_int_equal(entry.remaining, 0);
    assert_int_equal(item_read(work, to, 1, &item, &code), ST_OK);
    assert_int_equal(points_decode(&entry, &item), ST_OK);
    assert_int_equal(entry.type, XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED);
    assert_int_equal(entry.remaining, 17);
    assert_int_equal(entry.expiry_date, 20300202);
    assert_int_equal(entry.source_item, lot);
    assert_memory_equal(entry.from_account.bytes, one.bytes, 32);
    /* Reversed in another year, it leaves the year in which it was earned. */
    assert_int_equal(entry.date, 20280202);
    Xuelian__ItemAct act = XUELIAN__ITEM_ACT__INIT;
    act.account = field_borrow(&other, 32);
    act.item = 1;
    act.version_hash = field_borrow(&item.hash, 32);
    act.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    ProtobufCMessage *payload = &act.base;
    struct tx reversal = {.item_count = 1, .signer_count = 1, .messages = &payload};
    reversal.signers[0].role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    reversal.signers[0].member = OWNER;
    assert_int_equal(points_reverse(work, &context, &reversal, 0, &code), ST_OK);
    assert_int_equal(code, ST_OK);
    assert_int_equal(to->points, 0);
    /* More lots than one account may have do not move. */
    struct hash32 full = support_learner(12);
    assert_int_equal(state_account(work, &full, &to), ST_OK);
    const struct block_context before = {.height = 9000, .date = 20260301};
    struct hash32 third = support_learner(11);
    assert_int_equal(state_account(work, &third, &from), ST_OK);
    assert_int_equal(points_move_check(work, &before, to, from, &code), ST_OK);
    assert_int_equal(code, ST_LOTS_FULL);
    state_free(work);
}

/* The largest numbers there can be, and none that would end a node. */
static void test_the_largest_content_fits(void **state)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct points_entry redemption = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_REDEMPTION,
                                      .points = UINT32_MAX,
                                      .date = 99991231,
                                      .entry = UINT32_MAX,
                                      .entry_version = UINT32_MAX,
                                      .quantity = LIMIT_REDEMPTION_UNITS_MAX,
                                      .part_count = LIMIT_POINTS_PARTS_MAX};
    const struct points_entry lot = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED,
                                     .points = UINT32_MAX,
                                     .date = 99991231,
                                     .remaining = UINT32_MAX,
                                     .reversed = UINT32_MAX,
                                     .moved = UINT32_MAX,
                                     .expiry_date = 99991231,
                                     .rule = UINT32_MAX,
                                     .source_item = LIMIT_ACCOUNT_ITEMS_MAX,
                                     .rule_total = UINT64_MAX,
                                     .year_total = UINT64_MAX,
                                     .region = UINT32_MAX,
                                     .moved_in = true};
    (void)state;
    for (uint32_t i = 0; i < LIMIT_POINTS_PARTS_MAX; i++) {
        redemption.parts[i] =
            (struct points_part){.item = LIMIT_ACCOUNT_ITEMS_MAX, .points = UINT32_MAX};
    }
    assert_true(points_encode(content, &redemption).size <= ITEM_CONTENT_SIZE_MAX);
    assert_true(points_encode(content, &lot).size <= ITEM_CONTENT_SIZE_MAX);
}

/* 异议 about points: of those earned the rule's owner answers, of a redemption the provider. */
static void test_dispute(void **state)
{
    struct hash32 id = support_learner(9);
    struct hash32 hash;
    uint64_t memory[512];
    const uint32_t respondents[] = {OWNER, PROVIDER};
    (void)state;
    uint64_t outcome = net_deposit(&net, 9, 1000, 20260101);
    assert_int_equal(accrue_as(L + 9, 9, EARN, outcome), ST_OK);
    assert_int_equal(redeem(9, CHEAP, 1), ST_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(dispute_points(9, outcome + 1 + i), ST_OK);
        Xuelian__DisputeAnswer answer = XUELIAN__DISPUTE_ANSWER__INIT;
        answer.account = field_borrow(&id, 32);
        answer.item = net_last(&net, 9);
        net_item(&net, 9, answer.item, memory, &hash);
        answer.version_hash = field_borrow(&hash, 32);
        answer.result = XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_UPHELD;
        assert_int_equal(net_submit(&net, XUELIAN__TX_KIND__TX_KIND_DISPUTE_ANSWER, &answer.base,
                                    respondents[1 - i]),
                         ST_NOT_ALLOWED);
        assert_int_equal(net_submit(&net, XUELIAN__TX_KIND__TX_KIND_DISPUTE_ANSWER, &answer.base,
                                    respondents[i]),
                         ST_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_earns_what),
        cmocka_unit_test(test_accrual),
        cmocka_unit_test(test_custodian_earns),
        cmocka_unit_test(test_redeeming),
        cmocka_unit_test(test_race_for_the_last_units),
        cmocka_unit_test(test_reversing),
        cmocka_unit_test(test_under_review),
        cmocka_unit_test(test_oldest_expiry_first),
        cmocka_unit_test(test_lots_are_bounded),
        cmocka_unit_test(test_moving),
        cmocka_unit_test(test_the_largest_content_fits),
        cmocka_unit_test(test_dispute),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
