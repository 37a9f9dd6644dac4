/* Applications, corrections, revocations, suspensions, row by row: docs/protocol.md section 14. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/outcome.h"
#include "proto/convert.h"
#include "tests/unit/ledger/people.h"

#define KIND(name)   XUELIAN__TX_KIND__TX_KIND_##name
#define ITEM(name)   XUELIAN__ITEM_STATUS__ITEM_STATUS_##name
#define REASON(name) XUELIAN__ITEM_REASON__ITEM_REASON_##name
#define SUBMIT(kind, message, ...)                                                       \
    people_submit(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                  sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand))
#define BENT(kind, message, learner, bend, ...)                                        \
    people_bent(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand), learner, bend)

enum { A = 1, B = 2, NOBODY = 3 }; /* A has a key, B the custodian 1 */
enum { KEY_A = 60 };

static struct people net;
static struct hash32 ids[4];

static int start(void **state)
{
    (void)state;
    people_open(&net);
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = support_learner(i);
    }
    people_account(&net, A, KEY_A);
    people_account(&net, B, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    people_close(&net);
    return 0;
}

/* ---- bent accounts ---- */

static struct planted planted;

static void plant(struct state *state, struct account *account)
{
    people_plant(state, account, &planted);
}
static void plant_in_frozen(struct state *state, struct account *account)
{
    people_plant(state, account, &planted);
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN;
}
static void plant_in_merged(struct state *state, struct account *account)
{
    people_plant(state, account, &planted);
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED;
}
static void plant_counted(struct state *state, struct account *account)
{
    const struct block_context context = {.height = 1, .date = 20260101};
    people_plant(state, account, &planted);
    assert_int_equal(outcome_count(state, &context, account,
                                   (const Xuelian__Outcome *)(const void *)planted.content, true),
                     ST_OK);
}
static void plant_counted_in_merged(struct state *state, struct account *account)
{
    plant_counted(state, account);
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED;
}
static void frozen(struct state *state, struct account *account)
{
    (void)state;
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN;
}
static void full(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX - LIMIT_ACCOUNT_RESERVE;
}
static void many_credits(struct state *state, struct account *account)
{
    (void)state;
    account->totals[1].credits = UINT64_MAX;
}
/* ---- payloads ---- */

static void make_application(Xuelian__Outcome *outcome, uint32_t learner, uint32_t date)
{
    people_outcome(outcome, &ids[learner], 100, date);
    outcome->source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
}

/* Names the newest version of an item. The hash lives until the next call. */
static Xuelian__ItemAct act(uint32_t learner, uint64_t item)
{
    static struct hash32 hash;
    Xuelian__ItemAct made = XUELIAN__ITEM_ACT__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.item = item;
    made.reason = REASON(MISTAKE);
    if (item >= 1 && item <= people_read(&net, learner).items.size) {
        hash = people_hash(&net, learner, item);
    }
    made.version_hash = field_borrow(&hash, 32);
    return made;
}

static Xuelian__ItemAct planted_act(uint32_t learner)
{
    static struct hash32 hash;
    uint64_t number = people_read(&net, learner).items.size + 1;
    Xuelian__ItemAct made = act(learner, number);
    hash = people_planted_hash(learner, number, &planted);
    made.version_hash = field_borrow(&hash, 32);
    return made;
}

static Xuelian__ApplicationDecision decision_of(const Xuelian__ItemAct *named,
                                                Xuelian__Outcome *outcome)
{
    Xuelian__ApplicationDecision made = XUELIAN__APPLICATION_DECISION__INIT;
    made.account = named->account;
    made.item = named->item;
    made.version_hash = named->version_hash;
    made.outcome = outcome;
    made.reason = outcome == NULL ? REASON(EVIDENCE) : REASON(UNSPECIFIED);
    return made;
}

static Xuelian__ApplicationDecision decision(uint32_t learner, uint64_t item,
                                             Xuelian__Outcome *outcome)
{
    Xuelian__ItemAct named = act(learner, item);
    return decision_of(&named, outcome);
}

static Xuelian__Correction correction_of(const Xuelian__ItemAct *named, Xuelian__Outcome *outcome)
{
    Xuelian__Correction made = XUELIAN__CORRECTION__INIT;
    made.account = named->account;
    made.item = named->item;
    made.version_hash = named->version_hash;
    made.outcome = outcome;
    made.reason = REASON(MISTAKE);
    return made;
}

static Xuelian__Correction correction(uint32_t learner, uint64_t item, Xuelian__Outcome *outcome)
{
    Xuelian__ItemAct named = act(learner, item);
    return correction_of(&named, outcome);
}

static void expect_totals(uint32_t learner, uint64_t outcomes, uint64_t credits)
{
    struct account account = people_read(&net, learner);
    assert_int_equal(account.totals[1].outcomes, outcomes);
    assert_int_equal(account.totals[1].credits, credits);
}

static uint64_t deposit(uint32_t learner, uint32_t credits, uint32_t date)
{
    Xuelian__Outcome outcome;
    people_outcome(&outcome, &ids[learner], credits, date);
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
    return people_read(&net, learner).items.size;
}

/* ---- rows ---- */

static void test_apply(void **state)
{
    Xuelian__Outcome o;
    uint8_t reference[16] = {1};
    (void)state;
    make_application(&o, A, 20250101);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A), MEMBER(2)), ST_NOT_ALLOWED);
    o.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_FIELD);
    make_application(&o, A, 20250101);
    o.recognising = 2;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_FIELD);
    make_application(&o, A, 20250101);
    o.reference = field_borrow(reference, 16);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_FIELD);
    make_application(&o, A, 20250101);
    o.level = 11;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_FIELD);
    make_application(&o, A, 20260102);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_DATE);
    make_application(&o, A, 20250101);
    o.credits = 100001;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_BAD_AMOUNT);
    static const struct {
        uint32_t issuer;
        enum status code;
    } issuers[] = {{9, ST_UNKNOWN_MEMBER},
                   {5, ST_MEMBER_INACTIVE},
                   {6, ST_NOT_ALLOWED},
                   {4, ST_KIND_NOT_ALLOWED}};
    for (size_t i = 0; i < 4; i++) {
        make_application(&o, A, 20250101);
        o.issuer = issuers[i].issuer;
        assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), issuers[i].code);
    }
    make_application(&o, A, 20250101);
    o.region = 1;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_UNKNOWN_REGION);
    make_application(&o, A, 20250101);
    o.course = 8;
    o.course_version = 2;
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_COURSE_NOT_VALID);
    make_application(&o, NOBODY, 20250101);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_UNKNOWN_ACCOUNT);
    make_application(&o, A, 20250101);
    assert_int_equal(BENT(APPLY, o, A, frozen, LEARNER(A, KEY_A)), ST_ACCOUNT_CLOSED);
    assert_int_equal(SUBMIT(APPLY, o, MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(BENT(APPLY, o, A, full, LEARNER(A, KEY_A)), ST_ACCOUNT_FULL);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_OK);
    people_expect(&net, A, 1, ITEM(APPLIED), 1);
    expect_totals(A, 0, 0);
    make_application(&o, B, 20250101);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_NOT_ALLOWED);
    for (uint32_t i = 0; i < LIMIT_APPLICATIONS_MAX; i++) {
        assert_int_equal(SUBMIT(APPLY, o, MEMBER(1)), ST_OK); /* the custodian */
    }
    assert_int_equal(people_read(&net, B).applications, LIMIT_APPLICATIONS_MAX);
    assert_int_equal(SUBMIT(APPLY, o, MEMBER(1)), ST_APPLICATIONS_FULL);
}

static void test_decide(void **state)
{
    Xuelian__Outcome o;
    (void)state;
    make_application(&o, A, 20250101);
    Xuelian__ApplicationDecision d = decision(A, 1, &o);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(6)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, LEARNER(A, KEY_A)), ST_NOT_ALLOWED);
    d.reason = REASON(MISTAKE);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_BAD_FIELD);
    d.outcome = NULL;
    d.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_BAD_FIELD);
    d.reason = REASON(EVIDENCE);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2), MEMBER(1)), ST_NOT_ALLOWED);
    d = decision(A, 1, &o);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(4)), ST_WRONG_ISSUER);
    o.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION;
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_BAD_FIELD);
    make_application(&o, B, 20250101);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_BAD_FIELD);
    make_application(&o, A, 20260102);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_BAD_DATE);
    make_application(&o, A, 20250101);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2), MEMBER(1)), ST_NOT_ALLOWED);
    o.recognising = 6;
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2), MEMBER(6)), ST_NOT_ALLOWED);
    make_application(&o, A, 20250101);
    o.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_KIND_NOT_ALLOWED);
    make_application(&o, NOBODY, 20250101);
    d.account = field_borrow(&ids[NOBODY], 32);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_UNKNOWN_ACCOUNT);
    make_application(&o, A, 20250101);
    d = decision(A, 9, &o);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_UNKNOWN_ITEM);
    d = decision(A, 1, &o);
    d.version_hash = field_borrow(&ids[0], 32);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_WRONG_VERSION);
    d = decision(A, 1, &o);
    assert_int_equal(BENT(APPLY_DECIDE, d, A, frozen, MEMBER(2)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(APPLY_DECIDE, d, A, many_credits, MEMBER(2)), ST_OVERFLOW);
    /* Confirmed with fewer credits than applied for. */
    o.credits = 80;
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_OK);
    people_expect(&net, A, 1, ITEM(VALID), 2);
    expect_totals(A, 1, 80);
    assert_int_equal(people_read(&net, A).applications, 0);
    d = decision(A, 1, &o);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_WRONG_STATE);
    /* Another institution's application, and the same outcome once more. */
    make_application(&o, A, 20250101);
    assert_int_equal(SUBMIT(APPLY, o, LEARNER(A, KEY_A)), ST_OK);
    d = decision(A, 2, &o);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_DUPLICATE);
    d = decision(A, 2, NULL);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(4)), ST_WRONG_ISSUER);
    assert_int_equal(BENT(APPLY_DECIDE, d, A, frozen, MEMBER(2)), ST_OK);
    assert_int_equal(SUBMIT(APPLY_DECIDE, d, MEMBER(2)), ST_OK);
    people_expect(&net, A, 2, ITEM(REFUSED), 2);
    expect_totals(A, 1, 80);
}

static void test_withdraw(void **state)
{
    (void)state;
    Xuelian__ItemAct w = act(B, 1);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1), MEMBER(2)), ST_NOT_ALLOWED);
    w.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_BAD_FIELD);
    w = act(NOBODY, 1);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    w = act(B, 1);
    assert_int_equal(BENT(APPLY_WITHDRAW, w, B, frozen, MEMBER(1)), ST_ACCOUNT_CLOSED);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(2)), ST_NOT_ALLOWED);
    w = act(B, 99);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_UNKNOWN_ITEM);
    w = act(B, 1);
    w.version_hash = field_borrow(&ids[0], 32);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_WRONG_VERSION);
    w = act(B, 1);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_OK);
    people_expect(&net, B, 1, ITEM(ENDED), 2);
    assert_int_equal(people_read(&net, B).applications, LIMIT_APPLICATIONS_MAX - 1);
    w = act(B, 1);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, MEMBER(1)), ST_WRONG_STATE);
    w = act(A, 1);
    assert_int_equal(SUBMIT(APPLY_WITHDRAW, w, LEARNER(A, KEY_A)), ST_WRONG_STATE);
}

static void test_correct(void **state)
{
    Xuelian__Outcome o;
    (void)state;
    uint64_t item = deposit(A, 200, 20250301);
    uint64_t other = deposit(A, 50, 20250302);
    expect_totals(A, 3, 330);
    people_outcome(&o, &ids[A], 250, 20250301);
    Xuelian__Correction c = correction(A, item, &o);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(6)), ST_NOT_ALLOWED);
    c.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_FIELD);
    c = correction(A, item, NULL);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_FIELD);
    c = correction(A, item, &o);
    o.account = field_borrow(&ids[B], 32);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_FIELD);
    people_outcome(&o, &ids[A], 250, 20250301);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(4)), ST_WRONG_ISSUER);
    o.issuer = 4;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(4)), ST_WRONG_ISSUER); /* the item's is 2 */
    people_outcome(&o, &ids[A], 250, 20260302);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_DATE);
    people_outcome(&o, &ids[A], 250, 20250301);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2), MEMBER(1)), ST_NOT_ALLOWED);
    o.account = field_borrow(&ids[NOBODY], 32);
    c.account = o.account;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_UNKNOWN_ACCOUNT);
    people_outcome(&o, &ids[A], 250, 20250301);
    c = correction(A, 99, &o);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_UNKNOWN_ITEM);
    c = correction(A, item, &o);
    c.version_hash = field_borrow(&ids[0], 32);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_WRONG_VERSION);
    c = correction(A, 2, &o);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_WRONG_STATE); /* refused */
    c = correction(A, item, &o);
    o.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_FIELD);
    people_outcome(&o, &ids[A], 200, 20250301);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_FIELD); /* nothing changes */
    people_outcome(&o, &ids[A], 250, 20250301);
    o.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_KIND_NOT_ALLOWED);
    people_outcome(&o, &ids[A], 250, 20250301);
    o.region = 1;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_UNKNOWN_REGION);
    people_outcome(&o, &ids[A], 301, 20250301);
    o.course = 7;
    o.course_version = 2;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_BAD_AMOUNT);
    people_outcome(&o, &ids[A], 250, 20250302);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_DUPLICATE);
    people_outcome(&o, &ids[A], 250, 20250301);
    assert_int_equal(BENT(CORRECT, c, A, many_credits, MEMBER(2)), ST_OVERFLOW);
    assert_int_equal(BENT(CORRECT, c, A, frozen, MEMBER(2)), ST_OK);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_OK);
    people_expect(&net, A, item, ITEM(CORRECTED), 2);
    expect_totals(A, 3, 380);
    /* To another date: the old identity is free, the new one is not. */
    people_outcome(&o, &ids[A], 250, 20250303);
    c = correction(A, item, &o);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_OK);
    people_expect(&net, A, item, ITEM(CORRECTED), 3);
    people_outcome(&o, &ids[A], 1, 20250303);
    assert_int_equal(SUBMIT(DEPOSIT, o, MEMBER(2)), ST_DUPLICATE);
    assert_int_equal(deposit(A, 1, 20250301), other + 1);
    expect_totals(A, 4, 381);
}

/* What a correction leaves as it was is not held against today's registries: course 8 is suspended, the scope of
 * member 2 has no online courses. */
static void test_correct_what_was(void **state)
{
    Xuelian__Outcome before;
    Xuelian__Outcome o;
    (void)state;
    people_outcome(&before, &ids[A], 100, 20250401);
    before.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_ONLINE_COURSE;
    before.course = 8;
    before.course_version = 1;
    planted = (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, ITEM(VALID), 1, &before.base};
    Xuelian__ItemAct named = planted_act(A);
    Xuelian__Correction c = correction_of(&named, &o);
    o = before;
    o.credits = 90;
    o.site = 5;
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_OK);
    o.credits = 101;
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_UNKNOWN_COURSE);
    o = before;
    o.course_version = 2;
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_COURSE_NOT_VALID);
    o = before;
    o.award_date = 20250402;
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_UNKNOWN_COURSE);
    /* The issuer that ended has a successor, who corrects in its own name. */
    people_outcome(&before, &ids[A], 100, 20250401);
    before.issuer = 13;
    named = planted_act(A);
    c = correction_of(&named, &o);
    people_outcome(&o, &ids[A], 90, 20250401);
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_OK);
    o.issuer = 13;
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_WRONG_ISSUER);
    /* The last version. */
    planted.versions = LIMIT_ITEM_VERSIONS_MAX;
    named = planted_act(A);
    c = correction_of(&named, &o);
    people_outcome(&o, &ids[A], 90, 20250401);
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_VERSIONS_FULL);
    planted.versions = LIMIT_ITEM_VERSIONS_MAX - 1;
    named = planted_act(A);
    c = correction_of(&named, &o);
    assert_int_equal(BENT(CORRECT, c, A, plant_counted, MEMBER(2)), ST_OK);
}

static void test_suspend_restore(void **state)
{
    Xuelian__Outcome o;
    (void)state;
    uint64_t item = deposit(B, 70, 20250501);
    const Xuelian__TxKind kinds[] = {KIND(SUSPEND), KIND(RESTORE)};
    const struct hand two[] = {MEMBER(2), MEMBER(1)};
    const struct hand learner = LEARNER(A, KEY_A);
    for (uint32_t i = 0; i < 2; i++) {
        Xuelian__ItemAct s = act(B, item);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 2), ST_NOT_ALLOWED);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, &learner, 1), ST_NOT_ALLOWED);
        s.reason = REASON(UNSPECIFIED);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 1), ST_BAD_FIELD);
        s = act(NOBODY, item);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 1), ST_UNKNOWN_ACCOUNT);
        s = act(B, 99);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 1), ST_UNKNOWN_ITEM);
        s = act(B, item);
        s.version_hash = field_borrow(&ids[0], 32);
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 1), ST_WRONG_VERSION);
        s = act(B, i == 0 ? 1 : item); /* ended, or valid */
        assert_int_equal(people_submit(&net, kinds[i], &s.base, two, 1), ST_WRONG_STATE);
    }
    Xuelian__ItemAct s = act(B, item);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(4)), ST_WRONG_ISSUER);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(2)), ST_OK);
    people_expect(&net, B, item, ITEM(SUSPENDED), 2);
    expect_totals(B, 0, 0);
    people_outcome(&o, &ids[B], 70, 20250501); /* its identity stays its own */
    assert_int_equal(SUBMIT(DEPOSIT, o, MEMBER(2)), ST_DUPLICATE);
    s = act(B, item);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(2)), ST_WRONG_STATE);
    assert_int_equal(SUBMIT(RESTORE, s, MEMBER(4)), ST_WRONG_ISSUER);
    assert_int_equal(BENT(RESTORE, s, B, many_credits, MEMBER(2)), ST_OVERFLOW);
    assert_int_equal(SUBMIT(RESTORE, s, MEMBER(2)), ST_OK);
    people_expect(&net, B, item, ITEM(VALID), 3);
    expect_totals(B, 1, 70);
    people_outcome(&o, &ids[B], 75, 20250501);
    Xuelian__Correction c = correction(B, item, &o);
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_OK);
    s = act(B, item);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(2)), ST_OK);
    c = correction(B, item, &o);
    o.credits = 76;
    assert_int_equal(SUBMIT(CORRECT, c, MEMBER(2)), ST_WRONG_STATE);
    s = act(B, item);
    assert_int_equal(SUBMIT(RESTORE, s, MEMBER(2)), ST_OK);
    people_expect(&net, B, item, ITEM(CORRECTED), 6); /* what it was */
    expect_totals(B, 1, 75);
    planted = (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, ITEM(VALID), 1, &o.base};
    s = planted_act(B);
    assert_int_equal(BENT(SUSPEND, s, B, plant_in_merged, MEMBER(2)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RESTORE, s, B, plant_in_merged, MEMBER(2)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RESTORE, s, B, plant_in_frozen, MEMBER(2)), ST_WRONG_STATE);
    planted.versions = LIMIT_ITEM_VERSIONS_MAX;
    s = planted_act(B);
    assert_int_equal(BENT(SUSPEND, s, B, plant_counted, MEMBER(2)), ST_VERSIONS_FULL);
    assert_int_equal(BENT(REVOKE, s, B, plant_counted, MEMBER(2)), ST_OK);
}

static void test_revoke(void **state)
{
    Xuelian__Outcome o;
    (void)state;
    uint64_t item = deposit(B, 30, 20250601);
    uint64_t suspended = deposit(B, 40, 20250602);
    expect_totals(B, 3, 145);
    Xuelian__ItemAct r = act(B, item);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2), MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(REVOKE, r, LEARNER(A, KEY_A)), ST_NOT_ALLOWED);
    r.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_BAD_FIELD);
    r = act(NOBODY, item);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_UNKNOWN_ACCOUNT);
    r = act(B, 99);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_UNKNOWN_ITEM);
    r = act(B, item);
    r.version_hash = field_borrow(&ids[0], 32);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_WRONG_VERSION);
    r = act(B, 1);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_WRONG_STATE); /* ended */
    r = act(B, item);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(4)), ST_WRONG_ISSUER);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(1)), ST_WRONG_ISSUER);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_OK);
    people_expect(&net, B, item, ITEM(REVOKED), 2);
    expect_totals(B, 2, 115);
    r = act(B, item);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_WRONG_STATE);
    assert_int_equal(SUBMIT(RESTORE, r, MEMBER(2)), ST_WRONG_STATE);
    people_outcome(&o, &ids[B], 31, 20250601); /* its identity is free */
    assert_int_equal(SUBMIT(DEPOSIT, o, MEMBER(2)), ST_OK);
    assert_int_equal(SUBMIT(DEPOSIT, o, MEMBER(2)), ST_DUPLICATE);
    r = act(B, suspended);
    assert_int_equal(SUBMIT(SUSPEND, r, MEMBER(2)), ST_OK);
    expect_totals(B, 2, 106);
    r = act(B, suspended);
    assert_int_equal(SUBMIT(REVOKE, r, MEMBER(2)), ST_OK);
    expect_totals(B, 2, 106);
    /* Whatever the account's status; a kind of items that is nobody's to revoke; an issuer that ended. */
    planted = (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, ITEM(VALID), 1, &o.base};
    r = planted_act(B);
    assert_int_equal(BENT(REVOKE, r, B, plant_counted_in_merged, MEMBER(2)), ST_OK);
    planted.kind = XUELIAN__ITEM_KIND__ITEM_KIND_LINK;
    r = planted_act(B);
    assert_int_equal(BENT(REVOKE, r, B, plant, MEMBER(2)), ST_UNKNOWN_ITEM);
    planted.kind = XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME;
    o.issuer = 14;
    r = planted_act(B);
    assert_int_equal(BENT(REVOKE, r, B, plant_counted, MEMBER(2)), ST_OK);
    assert_int_equal(BENT(REVOKE, r, B, plant_counted, MEMBER(1)), ST_WRONG_ISSUER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_decide),
        cmocka_unit_test(test_withdraw),
        cmocka_unit_test(test_correct),
        cmocka_unit_test(test_correct_what_was),
        cmocka_unit_test(test_suspend_restore),
        cmocka_unit_test(test_revoke),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
