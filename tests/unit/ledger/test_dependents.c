/* What rests on an item: lists at their limit, reviews, and the last versions of an item. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/dependents.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/support.h"

static struct kv *kv;
static struct state *state;
static struct account *account;
static const struct block_context context = {.height = 3, .date = 20260101};
static const struct tx tx = {.id = {{9}}};
static const struct bytes as_it_was;

static int start(void **unused)
{
    struct hash32 learner = support_learner(1);
    (void)unused;
    kv_open_memory(&kv);
    if (state_begin(&state, kv, true) != ST_OK ||
        state_account(state, &learner, &account) != ST_OK) {
        return -1;
    }
    merkle_frontier_init(&account->items);
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN;
    state_account_open(state, account);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    state_free(state);
    kv_close(kv);
    return 0;
}

static uint64_t append(Xuelian__ItemKind kind, const ProtobufCMessage *content)
{
    uint8_t bytes[ITEM_CONTENT_SIZE_MAX];
    return item_append(state, &context, &tx, 0, account, kind,
                       XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID,
                       bytes_of(bytes, canonical_encode(bytes, content)));
}

static uint64_t append_outcome(void)
{
    Xuelian__Outcome outcome;
    support_outcome(&outcome, &account->learner);
    return append(XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, &outcome.base);
}

static uint64_t append_recognition(uint64_t outcome)
{
    Xuelian__Recognition recognition = XUELIAN__RECOGNITION__INIT;
    recognition.account = field_borrow(&account->learner, 32);
    recognition.outcome = outcome;
    return append(XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION, &recognition.base);
}

static void expect(uint64_t number, Xuelian__ItemStatus status, uint32_t versions)
{
    static struct item item;
    uint32_t code = ST_OK;
    assert_int_equal(item_read(state, account, number, &item, &code), ST_OK);
    assert_int_equal(item.version->status, status);
    assert_int_equal(item.version->number, versions);
    assert_int_equal(item.version->reason, status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW
                                               ? XUELIAN__ITEM_REASON__ITEM_REASON_SOURCE
                                               : XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED);
}

static uint32_t change(uint64_t number, Xuelian__ItemStatus status)
{
    static struct item item;
    uint32_t code = ST_OK;
    assert_int_equal(item_read(state, account, number, &item, &code), ST_OK);
    assert_int_equal(item_change(state, &context, &tx, 0, account, &item, status, as_it_was, &code),
                     ST_OK);
    return code;
}

static uint32_t check(uint64_t source)
{
    uint32_t code = ST_OK;
    assert_int_equal(dependents_check(state, account, source, &code), ST_OK);
    return code;
}

static void add(uint64_t source, uint64_t dependent)
{
    assert_int_equal(dependents_add(state, account, source, dependent), ST_OK);
}

static void review(uint64_t source)
{
    assert_int_equal(dependents_review(state, &context, &tx, 0, account, source), ST_OK);
}

static void test_review(void **unused)
{
    (void)unused;
    assert_int_equal(check(1), ST_UNKNOWN_ITEM);
    uint64_t outcome = append_outcome();
    uint64_t other = append_outcome();
    uint64_t recognition = append_recognition(outcome);
    uint64_t conversion = append_recognition(0);
    uint64_t suspended = append_recognition(0);
    assert_int_equal(check(outcome), ST_OK);
    add(outcome, recognition);
    add(recognition, conversion); /* and on the outcome */
    add(outcome, conversion);     /* twice is once */
    add(outcome, suspended);
    assert_int_equal(change(suspended, XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED), ST_OK);
    review(other);
    expect(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, 1);
    review(recognition);
    expect(conversion, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, 2);
    assert_int_equal(change(conversion, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID), ST_OK);
    review(outcome);
    expect(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, 2);
    expect(conversion, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, 4);
    expect(suspended, XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED, 2);
    expect(outcome, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, 1);
    review(outcome); /* what is under review stays so, without a version more */
    expect(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, 2);
}

static void test_full(void **unused)
{
    uint64_t items[LIMIT_DEPENDENTS_MAX];
    (void)unused;
    uint64_t outcome = append_outcome();
    uint64_t recognition = append_recognition(outcome);
    add(outcome, recognition);
    for (uint32_t i = 1; i < LIMIT_DEPENDENTS_MAX; i++) {
        assert_int_equal(check(recognition), ST_OK);
        items[i] = append_recognition(0);
        add(recognition, items[i]);
    }
    /* The recognition has room for one more, its outcome has not. */
    assert_int_equal(check(outcome), ST_DEPENDENTS_FULL);
    assert_int_equal(check(recognition), ST_DEPENDENTS_FULL);
    assert_int_equal(change(items[5], XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED), ST_OK);
    assert_int_equal(check(outcome), ST_DEPENDENTS_FULL);
    assert_int_equal(change(items[5], XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED), ST_OK);
    assert_int_equal(check(recognition), ST_OK);
    uint64_t last = append_recognition(0);
    add(recognition, last);
    assert_int_equal(check(outcome), ST_DEPENDENTS_FULL);
    review(outcome);
    for (uint32_t i = 1; i < LIMIT_DEPENDENTS_MAX; i++) {
        expect(items[i],
               i == 5 ? XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED
                      : XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW,
               i == 5 ? 3 : 2);
    }
    expect(last, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW, 2);
}

static void test_last_versions(void **unused)
{
    (void)unused;
    uint64_t outcome = append_outcome();
    uint64_t recognition = append_recognition(outcome);
    add(outcome, recognition);
    for (uint32_t i = 1; i < LIMIT_ITEM_VERSIONS_MAX; i++) {
        assert_int_equal(change(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID), ST_OK);
    }
    expect(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, LIMIT_ITEM_VERSIONS_MAX);
    assert_int_equal(change(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID),
                     ST_VERSIONS_FULL);
    review(outcome);
    assert_int_equal(change(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID),
                     ST_VERSIONS_FULL);
    review(outcome);
    assert_int_equal(change(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED), ST_OK);
    expect(recognition, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED, LIMIT_ITEM_VERSIONS_MAX + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_review, start, stop),
        cmocka_unit_test_setup_teardown(test_full, start, stop),
        cmocka_unit_test_setup_teardown(test_last_versions, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
