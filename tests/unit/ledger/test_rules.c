/* Each rule of state: one legal transaction, and one change that each code refuses. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/support.h"

static struct kv *kv;
static struct genesis genesis;
static struct ledger *ledger;
static uint32_t nonce;
static struct hash32 learner;
static const struct hash32 identity = {{5}};

static int start(void **state)
{
    char error[256];
    (void)state;
    kv_open_memory(&kv);
    genesis = support_genesis();
    learner = support_learner(1);
    return ledger_open(&ledger, kv, &genesis, error, sizeof error) == ST_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    support_whole(kv, &genesis);
    ledger_close(ledger);
    genesis_free(&genesis);
    kv_close(kv);
    return 0;
}

static uint32_t submit(Xuelian__TxKind kind, const ProtobufCMessage *item, const uint32_t *members,
                       uint32_t member_count)
{
    uint32_t code = 0;
    struct bytes tx = support_tx(&genesis, kind, &item, 1, members, member_count,
                                 ledger_tip(ledger)->height + 100, ++nonce);
    support_block(ledger, &tx, 1, &code);
    support_free(tx);
    return code;
}

static uint32_t open_as(uint32_t member, const Xuelian__AccountOpening *opening)
{
    return submit(XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &opening->base, &member, 1);
}

static uint32_t deposit_as(uint32_t member, const Xuelian__Outcome *outcome)
{
    return submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome->base, &member, 1);
}

static void test_opening(void **state)
{
    Xuelian__AccountOpening opening;
    struct hash32 zero = {{0}};
    uint8_t bad_key[33] = {9};
    (void)state;
    support_opening(&opening, &learner, &identity);
    assert_int_equal(open_as(3, &opening), ST_NOT_ALLOWED);
    assert_int_equal(open_as(5, &opening), ST_MEMBER_INACTIVE);
    assert_int_equal(open_as(9, &opening), ST_UNKNOWN_MEMBER);
    opening.region = 1;
    assert_int_equal(open_as(1, &opening), ST_UNKNOWN_REGION);
    support_opening(&opening, &zero, &identity);
    assert_int_equal(open_as(1, &opening), ST_BAD_FIELD);
    support_opening(&opening, &learner, &identity);
    opening.learner_key = field_borrow(bad_key, 33);
    assert_int_equal(open_as(1, &opening), ST_BAD_FIELD);
    support_opening(&opening, &learner, &identity);
    const uint32_t two[] = {1, 2};
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN, &opening.base, two, 2),
                     ST_NOT_ALLOWED);
    assert_int_equal(open_as(1, &opening), ST_OK);
    assert_int_equal(open_as(1, &opening), ST_ACCOUNT_EXISTS);
    assert_int_equal(open_as(2, &opening), ST_ACCOUNT_EXISTS);
}

static void test_who_deposits(void **state)
{
    Xuelian__Outcome outcome;
    (void)state;
    support_outcome(&outcome, &learner);
    assert_int_equal(deposit_as(6, &outcome), ST_NOT_ALLOWED);
    assert_int_equal(deposit_as(4, &outcome), ST_WRONG_ISSUER);
    outcome.issuer = 4;
    assert_int_equal(deposit_as(4, &outcome), ST_KIND_NOT_ALLOWED);
    outcome.issuer = 5;
    assert_int_equal(deposit_as(5, &outcome), ST_MEMBER_INACTIVE);
    outcome.issuer = 9;
    assert_int_equal(deposit_as(9, &outcome), ST_UNKNOWN_MEMBER);
}

static void expect(void (*change)(Xuelian__Outcome *), enum status code)
{
    Xuelian__Outcome outcome;
    support_outcome(&outcome, &learner);
    change(&outcome);
    uint32_t got = deposit_as(2, &outcome);
    if (got != (uint32_t)code) {
        print_error("got %s, expected %s\n", status_name((enum status)got), status_name(code));
    }
    assert_int_equal(got, code);
}

static void no_kind(Xuelian__Outcome *o)
{
    o->kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_UNSPECIFIED;
}
static void no_source(Xuelian__Outcome *o)
{
    o->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_UNSPECIFIED;
}
static void by_learner(Xuelian__Outcome *o)
{
    o->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
}
static void grade(Xuelian__Outcome *o)
{
    o->grade_band = 10;
}
static void level(Xuelian__Outcome *o)
{
    o->level = 11;
}
static void no_version(Xuelian__Outcome *o)
{
    o->course_version = 0;
}
static void no_date(Xuelian__Outcome *o)
{
    o->award_date = 0;
}
static void feb_30(Xuelian__Outcome *o)
{
    o->award_date = 20240230;
}
static void tomorrow(Xuelian__Outcome *o)
{
    o->award_date = 20260102;
}
static void late_start(Xuelian__Outcome *o)
{
    o->start_date = 20250702;
}
static void early_end(Xuelian__Outcome *o)
{
    o->expiry_date = 20250630;
}
static void many_credits(Xuelian__Outcome *o)
{
    o->credits = 100001;
}
static void more_credits(Xuelian__Outcome *o)
{
    o->credits = 301;
}
static void more_hours(Xuelian__Outcome *o)
{
    o->hours = 4801;
}
static void platform(Xuelian__Outcome *o)
{
    o->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM;
}
static void no_region(Xuelian__Outcome *o)
{
    o->region = 0;
}
static void far_region(Xuelian__Outcome *o)
{
    o->region = 110000;
}
static void other_course(Xuelian__Outcome *o)
{
    o->course = 9;
}
static void old_version(Xuelian__Outcome *o)
{
    o->course_version = 1;
}
static void suspended(Xuelian__Outcome *o)
{
    o->course = 8;
}
static void before_course(Xuelian__Outcome *o)
{
    o->award_date = 20191231;
}
static void recognised(Xuelian__Outcome *o)
{
    o->recognising = 6;
}

static void test_fields(void **state)
{
    (void)state;
    expect(no_kind, ST_BAD_FIELD);
    expect(no_source, ST_BAD_FIELD);
    expect(by_learner, ST_BAD_FIELD);
    expect(grade, ST_BAD_FIELD);
    expect(level, ST_BAD_FIELD);
    expect(no_version, ST_BAD_FIELD);
    expect(no_date, ST_BAD_DATE);
    expect(feb_30, ST_BAD_DATE);
    expect(tomorrow, ST_BAD_DATE);
    expect(late_start, ST_BAD_DATE);
    expect(early_end, ST_BAD_DATE);
    expect(many_credits, ST_BAD_AMOUNT);
    expect(more_credits, ST_BAD_AMOUNT);
    expect(more_hours, ST_BAD_AMOUNT);
    expect(platform, ST_NOT_ALLOWED);
    expect(no_region, ST_UNKNOWN_REGION);
    expect(far_region, ST_UNKNOWN_REGION);
    expect(other_course, ST_UNKNOWN_COURSE);
    expect(old_version, ST_UNKNOWN_COURSE);
    expect(suspended, ST_COURSE_NOT_VALID);
    expect(before_course, ST_COURSE_NOT_VALID);
    expect(recognised, ST_NOT_ALLOWED);
}

static void test_accounts_and_duplicates(void **state)
{
    Xuelian__Outcome outcome;
    struct hash32 nobody = support_learner(99);
    uint8_t reference[16] = {1};
    (void)state;
    support_outcome(&outcome, &nobody);
    assert_int_equal(deposit_as(2, &outcome), ST_UNKNOWN_ACCOUNT);
    support_outcome(&outcome, &learner);
    assert_int_equal(deposit_as(2, &outcome), ST_OK);
    assert_int_equal(deposit_as(2, &outcome), ST_DUPLICATE);
    outcome.award_date = 20250702; /* another date, another outcome */
    assert_int_equal(deposit_as(2, &outcome), ST_OK);
    outcome.reference = field_borrow(reference, 16);
    assert_int_equal(deposit_as(2, &outcome), ST_OK);
    outcome.award_date = 20250703; /* the reference alone decides */
    assert_int_equal(deposit_as(2, &outcome), ST_DUPLICATE);
}

static void test_platform_needs_its_university(void **state)
{
    Xuelian__Outcome outcome;
    const uint32_t both[] = {3, 2};
    const uint32_t wrong[] = {3, 1};
    (void)state;
    support_outcome(&outcome, &learner);
    outcome.issuer = 3;
    outcome.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    outcome.course = 0;
    outcome.course_version = 0;
    outcome.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM;
    outcome.recognising = 2;
    assert_int_equal(deposit_as(3, &outcome), ST_NOT_ALLOWED);
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, wrong, 2),
                     ST_NOT_ALLOWED);
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, both, 2), ST_OK);
}

/* Whoever is named as recognising an outcome has signed it, whatever its source. */
static void test_recognition_is_signed(void **state)
{
    Xuelian__Outcome outcome;
    const uint32_t both[] = {2, 1};
    const uint32_t other[] = {2, 4};
    (void)state;
    support_outcome(&outcome, &learner);
    outcome.award_date = 20250710;
    outcome.recognising = 1;
    assert_int_equal(deposit_as(2, &outcome), ST_NOT_ALLOWED);
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, other, 2),
                     ST_NOT_ALLOWED);
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, both, 2), ST_OK);
    outcome.award_date = 20250711;
    outcome.recognising = 0; /* nobody signs without being named */
    assert_int_equal(submit(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, both, 2),
                     ST_NOT_ALLOWED);
}

static void test_dates(void **state)
{
    (void)state;
    assert_int_equal(date_of_time(UINT64_MAX), 99991231);
    assert_int_equal(date_of_time(UINT64_C(253402271999999)), 99991231);
    assert_int_equal(date_of_time(UINT64_C(253402272000000)), 99991231);
    assert_int_equal(date_of_time(0), 19700101);
    assert_int_equal(date_of_time(UINT64_C(16) * 3600 * 1000), 19700102); /* midnight at UTC+8 */
    assert_int_equal(date_of_time(UINT64_C(951753600000)), 20000229);
    assert_int_equal(date_of_time(SUPPORT_GENESIS_TIME_MS), 20260101);
    assert_true(date_valid(20240229) && !date_valid(20230229) && !date_valid(19000229));
    assert_true(date_valid(20000229) && !date_valid(20241301) && !date_valid(20240100));
    assert_false(date_valid(20240431));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_who_deposits),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_accounts_and_duplicates),
        cmocka_unit_test(test_platform_needs_its_university),
        cmocka_unit_test(test_recognition_is_signed),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
