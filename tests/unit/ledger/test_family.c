/* What counts by learner over accounts that were merged, and where their points are: docs/protocol.md sections 13, 16, 20. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_outcome.pb-c.h"
#include "tests/unit/ledger/net.h"

/* Rules: 20 accrual, 21 automatic conversion. Entries: 30 of 1 point, two a learner; 31 of 1 point, any number. */
enum { EARN = 20, TURN = 21, FEW = 30, MANY = 31 };
enum { OWNER = 1, ISSUER = 2, PROVIDER = 4, L = NET_LEARNER };
/* Accounts of one learner: C is merged into B, B into A. */
enum { A = 1, B = 2, C = 3, OTHER = 4 };

static struct net net;

#define ACCRUE  XUELIAN__TX_KIND__TX_KIND_POINTS_ACCRUE
#define REDEEM  XUELIAN__TX_KIND__TX_KIND_POINTS_REDEEM
#define FULFIL  XUELIAN__TX_KIND__TX_KIND_POINTS_FULFIL
#define CANCEL  XUELIAN__TX_KIND__TX_KIND_POINTS_CANCEL
#define REVERSE XUELIAN__TX_KIND__TX_KIND_POINTS_REVERSE
#define UPHOLD  XUELIAN__TX_KIND__TX_KIND_POINTS_UPHOLD
#define REVOKE  XUELIAN__TX_KIND__TX_KIND_REVOKE
#define SUSPEND XUELIAN__TX_KIND__TX_KIND_SUSPEND
#define RESTORE XUELIAN__TX_KIND__TX_KIND_RESTORE

static int start(void **state)
{
    Xuelian__Rule rules[2];
    Xuelian__CatalogueEntry entries[2];
    (void)state;
    net_accrual(&rules[0], EARN);
    net_conversion(&rules[1], TURN);
    rules[1].automatic = true;
    rules[1].ceiling = 1200;
    for (uint32_t i = 0; i < 2; i++) {
        net_entry(&entries[i], FEW + i);
        entries[i].price = 1;
        entries[i].stock = 1000;
    }
    entries[1].person_limit = 0;
    net_open(&net, (Xuelian__Rule *[]){&rules[0], &rules[1]}, 2,
             (Xuelian__CatalogueEntry *[]){&entries[0], &entries[1]}, 2);
    for (uint32_t i = A; i <= OTHER; i++) {
        net_account(&net, i, true);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_close(&net);
    return 0;
}

static uint32_t accrue(uint32_t learner, uint64_t item)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash;
    uint64_t memory[512];
    Xuelian__PointsAccrual accrual = XUELIAN__POINTS_ACCRUAL__INIT;
    net_item(&net, learner, item, memory, &hash);
    accrual.account = field_borrow(&id, 32);
    accrual.rule = EARN;
    accrual.item = item;
    accrual.version_hash = field_borrow(&hash, 32);
    return net_submit(&net, ACCRUE, &accrual.base, L + learner);
}

/* Deposits an outcome that earns so many points, and earns them. The item of the lot; the outcome is before it. */
static uint64_t earn(uint32_t learner, uint32_t points)
{
    uint64_t item = net_deposit(&net, learner, points * 10, 20250701);
    assert_int_equal(accrue(learner, item), ST_OK);
    return item + 1;
}

static uint32_t redeem(uint32_t learner, uint32_t entry, uint32_t quantity)
{
    struct hash32 id = support_learner(learner);
    Xuelian__PointsRedemption wire = XUELIAN__POINTS_REDEMPTION__INIT;
    wire.account = field_borrow(&id, 32);
    wire.entry = entry;
    wire.quantity = quantity;
    return net_submit(&net, REDEEM, &wire.base, L + learner);
}

static uint32_t turn(uint32_t learner, uint64_t item, uint32_t used)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash;
    uint64_t memory[512];
    Xuelian__ConversionApplication wish = XUELIAN__CONVERSION_APPLICATION__INIT;
    Xuelian__SourceUse source = XUELIAN__SOURCE_USE__INIT;
    Xuelian__SourceUse *sources[1] = {&source};
    net_item(&net, learner, item, memory, &hash);
    wish.account = field_borrow(&id, 32);
    wish.rule = TURN;
    source.item = item;
    source.version_hash = field_borrow(&hash, 32);
    source.used = used;
    wish.sources = sources;
    wish.n_sources = 1;
    return net_submit(&net, XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY, &wish.base, L + learner);
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

static uint64_t points_of(uint32_t learner)
{
    return net_read_account(&net, learner).points;
}

#define assert_status(learner, item, expected) \
    assert_int_equal(net_status(&net, learner, item), XUELIAN__ITEM_STATUS__ITEM_STATUS_##expected)

/* Of a lot: points, and that they are all accounted for. */
static void expect_lot(uint32_t learner, uint64_t item, uint32_t points, uint32_t remaining,
                       uint32_t reversed, uint32_t moved)
{
    const Xuelian__PointsEntry *lot = entry_of(learner, item);
    assert_int_equal(lot->points, points);
    assert_int_equal(lot->remaining, remaining);
    assert_int_equal(lot->reversed, reversed);
    assert_int_equal(lot->moved, moved);
}

static void expect_origin(uint32_t learner, uint64_t item, uint32_t from, uint64_t lot)
{
    struct hash32 id = support_learner(from);
    const Xuelian__PointsEntry *entry = entry_of(learner, item);
    assert_int_equal(entry->type, XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED);
    assert_memory_equal(entry->from_account.data, id.bytes, 32);
    assert_int_equal(entry->source_item, lot);
}

/* ---- Ceilings and limits ---- */

static void test_ceilings_add_up(void **state)
{
    (void)state;
    earn(C, 300);
    earn(B, 400);
    earn(OTHER, 900);
    assert_int_equal(net_merge(&net, B, C), ST_OK);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    uint64_t lot = earn(A, 500); /* of 1,000 a year 300 are left */
    assert_int_equal(entry_of(A, lot)->points, 300);
    assert_int_equal(entry_of(A, lot)->year_total, 700);
    assert_int_equal(entry_of(A, lot)->rule_total, 700);
    uint64_t item = net_deposit(&net, A, 100, 20250701);
    assert_int_equal(accrue(A, item), ST_POINTS_CEILING);
    /* What is taken back in the account that earned it leaves room, as before. */
    assert_int_equal(net_act(&net, REVERSE, OWNER, A, lot), ST_OK);
    assert_int_equal(accrue(A, item), ST_OK);
    /* Another's account is not part of it. */
    item = net_deposit(&net, OTHER, 2000, 20250701);
    assert_int_equal(accrue(OTHER, item), ST_OK);
    assert_int_equal(entry_of(OTHER, item + 1)->year_total, 900);
}

static void test_conversions_add_up(void **state)
{
    (void)state;
    uint64_t c = net_deposit(&net, C, 1000, 20250701);
    uint64_t b = net_deposit(&net, B, 700, 20250701);
    uint64_t a = net_deposit(&net, A, 2000, 20250701);
    assert_int_equal(turn(C, c, 500), ST_OK);
    assert_int_equal(turn(B, b, 600), ST_OK);
    assert_int_equal(net_merge(&net, B, C), ST_OK);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    assert_int_equal(turn(A, a, 400), ST_OK);
    uint64_t memory[512];
    uint64_t version_memory[512];
    struct hash32 hash;
    const Xuelian__Conversion *made = (const Xuelian__Conversion *)(const void *)net_content(
        net_item(&net, A, net_last(&net, A), version_memory, &hash),
        &xuelian__conversion__descriptor, memory);
    assert_int_equal(made->credits, 100); /* of 1,200 */
    assert_int_equal(made->rule_total, 1100);
    assert_int_equal(made->programme_total, 1100);
    assert_int_equal(turn(A, a, 400), ST_CEILING_REACHED);
}

static void test_person_limit_adds_up(void **state)
{
    (void)state;
    earn(B, 10);
    earn(A, 10);
    assert_int_equal(redeem(B, FEW, 1), ST_OK);
    uint64_t redemption = net_last(&net, B);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    assert_int_equal(redeem(A, FEW, 2), ST_PERSON_LIMIT);
    assert_int_equal(redeem(A, FEW, 1), ST_OK);
    assert_int_equal(redeem(A, FEW, 1), ST_PERSON_LIMIT);
    assert_int_equal(net_act(&net, CANCEL, L + A, B, redemption), ST_OK); /* with the key of A */
    assert_int_equal(redeem(A, FEW, 1), ST_OK);
}

/* ---- Given back after a merge ---- */

/* C has 20, 5 of them reserved; then two merges; what is given back is in A, with the rest or without. */
static void test_given_back(void **state)
{
    (void)state;
    uint64_t lot = earn(C, 20);
    assert_int_equal(redeem(C, MANY, 5), ST_OK);
    uint64_t redemption = net_last(&net, C);
    uint64_t spent = earn(C, 10);
    (void)spent;
    assert_int_equal(redeem(C, MANY, 25), ST_OK); /* 15 of the first, 10 of the second */
    uint64_t second = net_last(&net, C);
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, C, redemption), ST_OK);
    assert_int_equal(redeem(C, MANY, 3), ST_OK);
    uint64_t third = net_last(&net, C);
    assert_int_equal(points_of(C), 2);
    assert_int_equal(net_merge(&net, B, C), ST_OK);
    assert_int_equal(points_of(B), 2);
    expect_lot(C, lot, 20, 0, 0, 2);
    expect_lot(B, 1, 2, 2, 0, 0);
    expect_origin(B, 1, C, lot);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    expect_lot(B, 1, 2, 0, 0, 2);
    expect_lot(A, 1, 2, 2, 0, 0);
    expect_origin(A, 1, C, lot); /* the lot that earned them, not one on the way */
    assert_int_equal(net_act(&net, CANCEL, L + B, C, third), ST_NOT_ALLOWED);
    assert_int_equal(net_act(&net, CANCEL, L + A, C, third), ST_OK);
    expect_lot(C, lot, 20, 0, 0, 5);
    expect_lot(A, 1, 5, 5, 0, 0); /* where the others are */
    assert_int_equal(points_of(A), 5);
    assert_int_equal(points_of(B), 0);
    assert_int_equal(points_of(C), 0);
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, C, second), ST_OK);
    expect_lot(C, lot, 20, 0, 0, 20);
    expect_lot(A, 1, 20, 20, 0, 0);
    assert_status(C, spent, ENDED); /* nothing of it had moved: a lot of its own now */
    expect_lot(C, spent, 10, 0, 0, 10);
    uint64_t made = net_last(&net, A);
    expect_lot(A, made, 10, 10, 0, 0);
    expect_origin(A, made, C, spent);
    assert_int_equal(points_of(A), 30);
    assert_int_equal(redeem(A, MANY, 30), ST_OK);
    assert_int_equal(redeem(A, MANY, 1), ST_POINTS_SHORT);
}

/* Handed out in C, brought back after the points there have expired: they stay there, and nobody can spend them. */
static void test_given_back_too_late(void **state)
{
    (void)state;
    uint64_t lot = earn(C, 20);
    assert_int_equal(redeem(C, MANY, 5), ST_OK);
    uint64_t redemption = net_last(&net, C);
    assert_int_equal(net_act(&net, FULFIL, PROVIDER, C, redemption), ST_OK);
    assert_int_equal(net_merge(&net, A, C), ST_OK);
    net_date(&net, 20290101);
    assert_int_equal(net_act(&net, REVERSE, PROVIDER, C, redemption), ST_OK);
    expect_lot(C, lot, 20, 5, 0, 15);
    assert_int_equal(redeem(A, MANY, 1), ST_POINTS_SHORT);
}

/* ---- What moved rests on its outcome still ---- */

static void test_revoked_after_the_merge(void **state)
{
    (void)state;
    uint64_t lot = earn(C, 20);
    assert_int_equal(redeem(C, MANY, 5), ST_OK);
    uint64_t redemption = net_last(&net, C);
    assert_int_equal(redeem(C, MANY, 4), ST_OK);
    uint64_t second = net_last(&net, C);
    assert_int_equal(net_merge(&net, B, C), ST_OK);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    assert_int_equal(redeem(A, MANY, 1), ST_OK);
    assert_int_equal(net_act(&net, REVOKE, ISSUER, C, lot - 1), ST_OK);
    assert_status(A, 1, REVIEW);
    assert_status(B, 1, ENDED);
    assert_status(C, lot, ENDED);
    assert_int_equal(redeem(A, MANY, 1), ST_POINTS_SHORT);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, A, 1), ST_SOURCE_NOT_VALID);
    /* What is given back is under review with them. */
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, C, redemption), ST_OK);
    assert_status(A, 1, REVIEW);
    expect_lot(A, 1, 16, 15, 0, 0);
    assert_int_equal(redeem(A, MANY, 1), ST_POINTS_SHORT);
    assert_int_equal(net_act(&net, REVERSE, OWNER, A, 1), ST_OK);
    expect_lot(A, 1, 16, 0, 15, 0);
    assert_int_equal(points_of(A), 0);
    /* And what is given back after they were taken back is taken back too. */
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, C, second), ST_OK);
    expect_lot(C, lot, 20, 0, 4, 16);
    assert_int_equal(points_of(C), 0);
    assert_int_equal(points_of(A), 0);
}

static uint32_t correct(uint32_t learner, uint64_t item, uint32_t credits)
{
    struct hash32 id = support_learner(learner);
    struct hash32 hash;
    uint64_t memory[512];
    uint64_t content[512];
    const Xuelian__ItemVersion *version = net_item(&net, learner, item, memory, &hash);
    Xuelian__Outcome outcome = *(const Xuelian__Outcome *)(const void *)net_content(
        version, &xuelian__outcome__descriptor, content);
    Xuelian__Correction wish = XUELIAN__CORRECTION__INIT;
    outcome.credits = credits;
    wish.account = field_borrow(&id, 32);
    wish.item = item;
    wish.version_hash = field_borrow(&hash, 32);
    wish.outcome = &outcome;
    wish.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    return net_submit(&net, XUELIAN__TX_KIND__TX_KIND_CORRECT, &wish.base, ISSUER);
}

/* Corrected after the merge: what moved is upheld when its outcome earns as much still. */
static void test_upheld_where_it_is(void **state)
{
    (void)state;
    uint64_t lot = earn(C, 20);
    assert_int_equal(net_merge(&net, A, C), ST_OK);
    assert_int_equal(correct(C, lot - 1, 199), ST_OK);
    assert_status(A, 1, REVIEW);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, A, 1), ST_SOURCE_NOT_ACCEPTED);
    assert_int_equal(correct(C, lot - 1, 201), ST_OK);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, A, 1), ST_OK);
    assert_status(A, 1, VALID);
    assert_int_equal(redeem(A, MANY, 20), ST_OK);
}

/* Under review at the merge: it stays, and moves when it is upheld. */
static void test_upheld_in_the_merged_account(void **state)
{
    (void)state;
    uint64_t lot = earn(C, 20);
    assert_int_equal(redeem(C, MANY, 5), ST_OK);
    uint64_t redemption = net_last(&net, C);
    assert_int_equal(correct(C, lot - 1, 201), ST_OK);
    assert_int_equal(net_merge(&net, B, C), ST_OK);
    assert_int_equal(net_merge(&net, A, B), ST_OK);
    assert_int_equal(points_of(C), 15);
    assert_int_equal(net_act(&net, CANCEL, PROVIDER, C, redemption), ST_OK);
    assert_status(C, lot, REVIEW);
    expect_lot(C, lot, 20, 20, 0, 0);
    assert_int_equal(net_act(&net, UPHOLD, OWNER, C, lot), ST_OK);
    assert_status(C, lot, ENDED);
    expect_lot(C, lot, 20, 0, 0, 20);
    assert_int_equal(points_of(C), 0);
    uint64_t made = net_last(&net, A);
    expect_lot(A, made, 20, 20, 0, 0);
    expect_origin(A, made, C, lot);
    assert_int_equal(redeem(A, MANY, 20), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ceilings_add_up, start, stop),
        cmocka_unit_test_setup_teardown(test_conversions_add_up, start, stop),
        cmocka_unit_test_setup_teardown(test_person_limit_adds_up, start, stop),
        cmocka_unit_test_setup_teardown(test_given_back, start, stop),
        cmocka_unit_test_setup_teardown(test_given_back_too_late, start, stop),
        cmocka_unit_test_setup_teardown(test_revoked_after_the_merge, start, stop),
        cmocka_unit_test_setup_teardown(test_upheld_where_it_is, start, stop),
        cmocka_unit_test_setup_teardown(test_upheld_in_the_merged_account, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
