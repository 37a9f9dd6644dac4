/* Merging accounts, row by row: docs/protocol.md section 13; and the points that go with them. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/people.h"

#define KIND(name)   XUELIAN__TX_KIND__TX_KIND_##name
#define STATUS(name) XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_##name
#define SUBMIT(kind, message, ...)                                                       \
    people_submit(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                  sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand))
#define BENT(message, learner, bend)                        \
    people_bent(&net, KIND(ACCOUNT_MERGE), &(message).base, \
                (const struct hand[]){MEMBER(1), MEMBER(10)}, 2, learner, bend)

enum { NOBODY = 0, A = 1, B = 2, C = 3, MANY = 40, LEARNERS = MANY + LIMIT_LINKS_MAX + 2 };

static struct people net;
static struct hash32 ids[LEARNERS];
static struct hash32 commitments[LEARNERS];

static int start(void **state)
{
    (void)state;
    people_open(&net);
    for (uint32_t i = 0; i < LEARNERS; i++) {
        ids[i] = support_learner(i);
        commitments[i] = people_commitment(i);
        if ((i >= A && i <= C) || i >= MANY) {
            people_account(&net, i, i == B ? 60 : 0);
        }
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    people_close(&net);
    return 0;
}

/* ---- bent accounts ---- */

static void frozen(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(FROZEN);
    account->frozen_by = 12;
}
static void closed(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(CLOSED);
}
static void no_room(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX - LIMIT_POINTS_LOTS_MAX;
}
static void just_room(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX - LIMIT_POINTS_LOTS_MAX - 1;
}

/* A lot of 30 points, as an account of the state has it. */
static void plant_lot(struct state *state, struct account *account)
{
    const struct block_context context = {.height = 1, .date = 20260101};
    const struct tx tx = {.id = {{9}}};
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct lots lots;
    struct points_entry lot = {.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL,
                               .points = 30,
                               .date = 20260101,
                               .remaining = 30,
                               .expiry_date = 20270101};
    assert_int_equal(lots_read(state, account, context.date, &lots), ST_OK);
    uint64_t item =
        item_append(state, &context, &tx, 0, account, XUELIAN__ITEM_KIND__ITEM_KIND_POINTS,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, points_encode(content, &lot));
    account->points += 30;
    lots_set(&lots, item, lot.expiry_date, lot.remaining);
    lots_write(state, account, &lots);
}

/* ---- rows ---- */

static Xuelian__AccountMerge merge(uint32_t learner, uint32_t other)
{
    Xuelian__AccountMerge made = XUELIAN__ACCOUNT_MERGE__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.identity_commitment = field_borrow(&commitments[learner], 32);
    made.other = field_borrow(&ids[other], 32);
    made.other_commitment = field_borrow(&commitments[other], 32);
    return made;
}

static void test_refused(void **state)
{
    (void)state;
    Xuelian__AccountMerge m = merge(A, B);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), LEARNER(B, 60)), ST_NOT_ALLOWED);
    m = merge(A, A);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_SAME_ACCOUNT);
    m = merge(NOBODY, A);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    m = merge(A, NOBODY);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    m = merge(A, B);
    assert_int_equal(BENT(m, A, frozen), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(m, A, closed), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(m, B, closed), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(m, B, frozen), ST_OK);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(2), MEMBER(10)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(2)), ST_NOT_IDENTITY_SERVICE);
    m.identity_commitment = field_borrow(&commitments[C], 32);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    m = merge(A, B);
    m.other_commitment = field_borrow(&commitments[C], 32);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    m = merge(A, B);
    assert_int_equal(BENT(m, A, no_room), ST_ACCOUNT_FULL);
    assert_int_equal(BENT(m, A, just_room), ST_OK);
}

static void test_merged(void **state)
{
    Xuelian__Outcome outcome;
    struct hash32 root;
    struct item item;
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    (void)state;
    people_outcome(&outcome, &ids[B], 100, 20250101);
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
    Xuelian__AccountMerge m = merge(A, B);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_OK);
    struct account account = people_read(&net, A);
    struct account other = people_read(&net, B);
    assert_int_equal(other.status, STATUS(MERGED));
    assert_true(other.merged && hash32_equal(&other.merged_into, &ids[A]));
    assert_int_equal(account.linked, 1);
    assert_int_equal(other.totals[1].credits, 100); /* its items stay its own */
    assert_int_equal(account.totals[1].credits, 0);
    people_item(&net, A, 1, &item);
    assert_int_equal(item.version->kind, XUELIAN__ITEM_KIND__ITEM_KIND_LINK);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(item_content(&item, &xuelian__link__descriptor, &arena, &content), ST_OK);
    const Xuelian__Link *link = (const Xuelian__Link *)(void *)content;
    merkle_frontier_root(&other.items, &root);
    assert_memory_equal(link->other.data, &ids[B], 32);
    assert_int_equal(link->item_count, 1);
    assert_memory_equal(link->item_root.data, &root, 32);
    /* Only correction and revocation from now on. */
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    m = merge(B, A);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    outcome.award_date = 20250102;
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_ACCOUNT_CLOSED);
    struct hash32 hash = people_hash(&net, B, 1);
    Xuelian__ItemAct act = XUELIAN__ITEM_ACT__INIT;
    act.account = field_borrow(&ids[B], 32);
    act.item = 1;
    act.version_hash = field_borrow(&hash, 32);
    act.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    assert_int_equal(SUBMIT(SUSPEND, act, MEMBER(2)), ST_ACCOUNT_CLOSED);
    assert_int_equal(SUBMIT(REVOKE, act, MEMBER(2)), ST_OK);
    assert_int_equal(people_read(&net, B).totals[1].outcomes, 0);
    people_item(&net, A, 1, &item); /* what it held when it was merged */
    assert_int_equal(item.version->number, 1);
}

/* A chain of merges: whoever is linked, near or far, counts. */
static void test_links_full(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < LIMIT_LINKS_MAX; i++) {
        Xuelian__AccountMerge m = merge(MANY + i, MANY + i - 1);
        assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_OK);
        assert_int_equal(people_read(&net, MANY + i).linked, i);
    }
    const uint32_t last = MANY + LIMIT_LINKS_MAX - 1; /* 15 are linked to it */
    Xuelian__AccountMerge m = merge(A, last);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_LINKS_FULL);
    m = merge(last, A);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_LINKS_FULL);
    m = merge(last + 1, last);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(people_read(&net, last + 1).linked, LIMIT_LINKS_MAX);
    m = merge(last + 1, C);
    assert_int_equal(SUBMIT(ACCOUNT_MERGE, m, MEMBER(1), MEMBER(10)), ST_LINKS_FULL);
}

/* Points go along in pairs, and none is made or lost. */
static void test_points(void **state)
{
    static uint64_t memory[TX_ARENA_SIZE / 8];
    static struct tx_outcome result;
    const struct block_context context = {.height = 99, .date = 20260101};
    const struct hand pair[] = {MEMBER(1), MEMBER(10)};
    struct state *scratch = NULL;
    struct account *account = NULL;
    struct account *other = NULL;
    struct arena arena;
    struct item item;
    struct tx tx;
    uint32_t code = ST_OK;
    (void)state;
    Xuelian__AccountMerge m = merge(A, C);
    struct bytes bytes = people_tx(&net, KIND(ACCOUNT_MERGE), &m.base, pair, 2);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(tx_parse(&tx, bytes, &net.genesis.chain_id, &arena), ST_OK);
    assert_int_equal(state_begin(&scratch, net.kv, false), ST_OK);
    assert_int_equal(state_account(scratch, &ids[A], &account), ST_OK);
    assert_int_equal(state_account(scratch, &ids[C], &other), ST_OK);
    plant_lot(scratch, account);
    plant_lot(scratch, other);
    plant_lot(scratch, other);
    uint64_t before = account->items.size;
    assert_int_equal(tx_apply(scratch, &context, &tx, &result), ST_OK);
    assert_int_equal(result.code, ST_OK);
    assert_int_equal(account->points, 90);
    assert_int_equal(other->points, 0);
    assert_int_equal(account->items.size, before + 3); /* two lots, then the link */
    assert_int_equal(item_read(scratch, account, before + 3, &item, &code), ST_OK);
    assert_int_equal(item.version->kind, XUELIAN__ITEM_KIND__ITEM_KIND_LINK);
    for (uint64_t i = 1; i <= 2; i++) {
        assert_int_equal(item_read(scratch, other, i, &item, &code), ST_OK);
        assert_int_equal(item.version->status, XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED);
    }
    assert_int_equal(code, ST_OK);
    state_free(scratch);
    support_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_links_full),
        cmocka_unit_test(test_points),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
