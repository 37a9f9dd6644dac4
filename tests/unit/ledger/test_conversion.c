/* 转换: each row of the table of docs/protocol.md section 16, legal and illegal, and the order of the checks. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/conversion.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/net.h"

/* Rules: 10 decided and consuming; 11 automatic, not consuming, two for one, into the same programme; 12 appeals to member
 * 1; 13 draft; 14 picky; 15 accrual; 16 automatic of hours, little at a time; 17 of a suspended member; 18 automatic, of
 * hours. */
enum {
    DECIDED = 10,
    AUTOMATIC,
    APPEALED,
    DRAFTED,
    PICKY,
    ACCRUAL,
    SMALL,
    ORPHAN,
    HOURLY,
    RULE_COUNT = 9
};
enum { ANN = NET_LEARNER + 1, BEN = NET_LEARNER + 2 };

static struct net net;
static uint32_t award = 20250701;

#define APPLY    XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY
#define DECIDE   XUELIAN__TX_KIND__TX_KIND_CONVERSION_DECIDE
#define APPEAL   XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPEAL
#define REVIEW   XUELIAN__TX_KIND__TX_KIND_CONVERSION_REVIEW
#define WITHDRAW XUELIAN__TX_KIND__TX_KIND_CONVERSION_WITHDRAW

static void make_rules(Xuelian__Rule *rules)
{
    for (uint32_t i = 0; i < RULE_COUNT; i++) {
        net_conversion(&rules[i], DECIDED + i);
    }
    rules[AUTOMATIC - DECIDED].automatic = true;
    rules[AUTOMATIC - DECIDED].consuming = false;
    rules[AUTOMATIC - DECIDED].ratio_den = 2;
    rules[APPEALED - DECIDED].appeal_to = 1;
    rules[APPEALED - DECIDED].programme = 12;
    rules[DRAFTED - DECIDED].status = XUELIAN__RULE_STATUS__RULE_STATUS_DRAFT;
    Xuelian__Rule *picky = &rules[PICKY - DECIDED];
    picky->automatic = true;
    picky->programme = 13;
    picky->source_level = 5;
    picky->source_issuer = 2;
    picky->grade_band = 2;
    picky->source_age = 12;
    picky->from_date = 20260201;
    picky->to_date = 20260831;
    net_accrual(&rules[ACCRUAL - DECIDED], ACCRUAL);
    Xuelian__Rule *small = &rules[SMALL - DECIDED];
    small->automatic = true;
    small->basis = XUELIAN__RULE_BASIS__RULE_BASIS_HOURS;
    small->ratio_den = 10000;
    small->programme = 14;
    rules[ORPHAN - DECIDED].owner = 5;
    Xuelian__Rule *hourly = &rules[HOURLY - DECIDED];
    hourly->automatic = true;
    hourly->basis = XUELIAN__RULE_BASIS__RULE_BASIS_HOURS;
    hourly->ratio_den = 100;
    hourly->programme = 15;
}

static int start(void **state)
{
    Xuelian__Rule rules[RULE_COUNT];
    Xuelian__Rule *pointers[RULE_COUNT];
    (void)state;
    make_rules(rules);
    for (uint32_t i = 0; i < RULE_COUNT; i++) {
        pointers[i] = &rules[i];
    }
    net_open(&net, pointers, RULE_COUNT, NULL, 0);
    net_account(&net, 1, true);
    net_account(&net, 2, false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_close(&net);
    return 0;
}

/* ---- what is sent ---- */

struct application {
    Xuelian__ConversionApplication wire;
    Xuelian__SourceUse uses[9];
    Xuelian__SourceUse *pointers[9];
    struct hash32 learner;
    struct hash32 hashes[9];
};

static void begin(struct application *a, uint32_t learner, uint32_t rule)
{
    xuelian__conversion_application__init(&a->wire);
    a->learner = support_learner(learner - NET_LEARNER);
    a->wire.account = field_borrow(&a->learner, 32);
    a->wire.rule = rule;
    a->wire.sources = a->pointers;
}

static void use(struct application *a, uint32_t learner, uint64_t item, uint32_t used)
{
    uint64_t memory[512];
    size_t i = a->wire.n_sources++;
    xuelian__source_use__init(&a->uses[i]);
    a->pointers[i] = &a->uses[i];
    a->uses[i].item = item;
    a->uses[i].used = used;
    if (item >= 1 && item <= net_read_account(&net, learner - NET_LEARNER).items.size) {
        net_item(&net, learner - NET_LEARNER, item, memory, &a->hashes[i]);
    }
    a->uses[i].version_hash = field_borrow(&a->hashes[i], 32);
}

static uint32_t apply_as(uint32_t signer, uint32_t learner, uint32_t rule, uint64_t item,
                         uint32_t used)
{
    struct application a = {.learner = {{0}}};
    begin(&a, learner, rule);
    use(&a, learner, item, used);
    return net_submit(&net, APPLY, &a.wire.base, signer);
}

static uint32_t decide_as(Xuelian__TxKind kind, uint32_t signer, uint32_t learner, uint64_t item,
                          bool granted, Xuelian__ItemReason reason)
{
    struct hash32 id = support_learner(learner - NET_LEARNER);
    struct hash32 hash = {{0}};
    uint64_t memory[512];
    Xuelian__ConversionDecision decision = XUELIAN__CONVERSION_DECISION__INIT;
    if (item <= net_read_account(&net, learner - NET_LEARNER).items.size) {
        net_item(&net, learner - NET_LEARNER, item, memory, &hash);
    }
    decision.account = field_borrow(&id, 32);
    decision.item = item;
    decision.version_hash = field_borrow(&hash, 32);
    decision.granted = granted;
    decision.reason = reason;
    return net_submit(&net, kind, &decision.base, signer);
}

#define STANDARD XUELIAN__ITEM_REASON__ITEM_REASON_STANDARD

static uint32_t grant(Xuelian__TxKind kind, uint32_t signer, uint32_t learner, uint64_t item)
{
    return decide_as(kind, signer, learner, item, true,
                     XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED);
}

static uint32_t refuse(Xuelian__TxKind kind, uint32_t signer, uint32_t learner, uint64_t item)
{
    return decide_as(kind, signer, learner, item, false, STANDARD);
}

static uint32_t act_as(Xuelian__TxKind kind, uint32_t signer, uint32_t learner, uint64_t item)
{
    return net_act(&net, kind, signer, learner - NET_LEARNER, item);
}

/* ---- what is there ---- */

static Xuelian__ItemStatus status_of(uint32_t learner, uint64_t item)
{
    return net_status(&net, learner - NET_LEARNER, item);
}

static const Xuelian__Conversion *conversion_of(uint32_t learner, uint64_t item)
{
    static uint64_t memory[512];
    uint64_t version_memory[512];
    struct hash32 hash;
    const Xuelian__ItemVersion *version =
        net_item(&net, learner - NET_LEARNER, item, version_memory, &hash);
    return (const Xuelian__Conversion *)(const void *)net_content(
        version, &xuelian__conversion__descriptor, memory);
}

static uint64_t newest(uint32_t learner)
{
    return net_last(&net, learner - NET_LEARNER);
}

static uint64_t deposited(uint32_t learner, uint32_t credits)
{
    return net_deposit(&net, learner - NET_LEARNER, credits, award);
}

#define assert_status(learner, item, expected) \
    assert_int_equal(status_of(learner, item), XUELIAN__ITEM_STATUS__ITEM_STATUS_##expected)

/* ---- 40 apply ---- */

static void test_who_applies(void **state)
{
    struct application a = {.learner = {{0}}};
    uint64_t item = deposited(ANN, 300);
    uint64_t other = deposited(BEN, 300);
    uint32_t code = 0;
    const uint32_t both[] = {ANN, 2};
    (void)state;
    begin(&a, ANN, DECIDED);
    use(&a, ANN, item, 100);
    struct bytes tx = net_tx(&net, APPLY, &a.wire.base, both, 2);
    net_block(&net, &tx, 1, &code);
    assert_int_equal(code, ST_NOT_ALLOWED);
    assert_int_equal(apply_as(BEN, ANN, DECIDED, item, 100), ST_WRONG_KEY); /* he has no key */
    assert_int_equal(apply_as(1, ANN, DECIDED, item, 100), ST_NOT_ALLOWED); /* claimed */
    assert_int_equal(apply_as(ANN, BEN, DECIDED, other, 100), ST_NOT_ALLOWED);
    assert_int_equal(apply_as(2, BEN, DECIDED, other, 100), ST_NOT_ALLOWED);
    assert_int_equal(apply_as(1, NET_LEARNER + 9, DECIDED, 1, 100), ST_UNKNOWN_ACCOUNT);
    assert_int_equal(apply_as(1, BEN, DECIDED, other, 100), ST_OK);
    assert_status(BEN, newest(BEN), APPLIED);
    assert_int_equal(act_as(WITHDRAW, 1, BEN, newest(BEN)), ST_OK);
}

static void test_what_is_applied_for(void **state)
{
    struct application a = {.learner = {{0}}};
    uint64_t item = deposited(ANN, 300);
    uint64_t later = deposited(ANN, 300);
    (void)state;
    begin(&a, ANN, DECIDED);
    assert_int_equal(net_submit(&net, APPLY, &a.wire.base, ANN), ST_BAD_FIELD);
    use(&a, ANN, later, 1);
    use(&a, ANN, item, 1);
    assert_int_equal(net_submit(&net, APPLY, &a.wire.base, ANN), ST_BAD_FIELD);
    begin(&a, ANN, DECIDED);
    for (uint64_t i = 0; i < 9; i++) {
        use(&a, ANN, 1 + i, 1);
    }
    assert_int_equal(net_submit(&net, APPLY, &a.wire.base, ANN), ST_BAD_FIELD);
    assert_int_equal(apply_as(ANN, ANN, DECIDED, item, 0), ST_BAD_FIELD);
    assert_int_equal(apply_as(ANN, ANN, DECIDED, 0, 5), ST_BAD_FIELD);
    assert_int_equal(apply_as(ANN, ANN, 99, item, 100), ST_UNKNOWN_RULE);
    assert_int_equal(apply_as(ANN, ANN, ACCRUAL, item, 100), ST_UNKNOWN_RULE);
    assert_int_equal(apply_as(ANN, ANN, DRAFTED, item, 100), ST_RULE_NOT_IN_FORCE);
    assert_int_equal(apply_as(ANN, ANN, PICKY, item, 100),
                     ST_RULE_NOT_IN_FORCE); /* from February */
    assert_int_equal(apply_as(ANN, ANN, ORPHAN, item, 100), ST_MEMBER_INACTIVE);
    assert_int_equal(apply_as(ANN, ANN, DECIDED, 5000, 100), ST_UNKNOWN_ITEM);
    begin(&a, ANN, DECIDED);
    use(&a, ANN, item, 100);
    a.hashes[0].bytes[3] ^= 1;
    assert_int_equal(net_submit(&net, APPLY, &a.wire.base, ANN), ST_WRONG_VERSION);
    assert_int_equal(apply_as(ANN, ANN, DECIDED, item, 301), ST_SOURCE_USED);
    assert_int_equal(apply_as(ANN, ANN, AUTOMATIC, item, 1), ST_NOTHING_EARNED);
}

static void test_applications_are_bounded(void **state)
{
    uint64_t item;
    (void)state;
    net_account(&net, 3, true);
    item = deposited(NET_LEARNER + 3, 300);
    for (uint32_t i = 0; i < LIMIT_APPLICATIONS_MAX; i++) {
        assert_int_equal(apply_as(NET_LEARNER + 3, NET_LEARNER + 3, DECIDED, item, 1), ST_OK);
    }
    assert_int_equal(apply_as(NET_LEARNER + 3, NET_LEARNER + 3, DECIDED, item, 1),
                     ST_APPLICATIONS_FULL);
    assert_int_equal(net_read_account(&net, 3).applications, LIMIT_APPLICATIONS_MAX);
    assert_int_equal(act_as(WITHDRAW, NET_LEARNER + 3, NET_LEARNER + 3, item + 1), ST_OK);
    assert_int_equal(apply_as(NET_LEARNER + 3, NET_LEARNER + 3, DECIDED, item, 1), ST_OK);
    assert_int_equal(refuse(DECIDE, 2, NET_LEARNER + 3, item + 2), ST_OK);
    assert_int_equal(net_read_account(&net, 3).applications, LIMIT_APPLICATIONS_MAX - 1);
    assert_int_equal(apply_as(NET_LEARNER + 3, NET_LEARNER + 3, DECIDED, item, 1), ST_OK);
    assert_int_equal(act_as(APPEAL, NET_LEARNER + 3, NET_LEARNER + 3, item + 2),
                     ST_APPLICATIONS_FULL);
}

static void deposit_with(void (*change)(Xuelian__Outcome *), uint64_t *item)
{
    struct hash32 id = support_learner(1);
    uint8_t reference[16] = {2};
    Xuelian__Outcome outcome;
    be32_put(reference + 4, net.nonce);
    support_outcome(&outcome, &id);
    outcome.course = 0;
    outcome.course_version = 0;
    outcome.reference = field_borrow(reference, 16);
    change(&outcome);
    assert_int_equal(net_submit(&net, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, 2), ST_OK);
    *item = newest(ANN);
}

static void other_kind(Xuelian__Outcome *o)
{
    o->kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_CERTIFICATE;
}
static void low_level(Xuelian__Outcome *o)
{
    o->level = 4;
}
static void low_grade(Xuelian__Outcome *o)
{
    o->grade_band = 3;
}
static void no_grade(Xuelian__Outcome *o)
{
    o->grade_band = 0;
}
static void old(Xuelian__Outcome *o)
{
    o->award_date = 20250209;
}
static void just_young(Xuelian__Outcome *o)
{
    o->award_date = 20250210;
}
static void expires(Xuelian__Outcome *o)
{
    o->expiry_date = 20260209;
}
static void expires_today(Xuelian__Outcome *o)
{
    o->expiry_date = 20260210;
}

static void test_what_a_rule_takes(void **state)
{
    const struct {
        void (*change)(Xuelian__Outcome *);
        enum status code;
    } rows[] = {{other_kind, ST_SOURCE_NOT_ACCEPTED},
                {low_level, ST_SOURCE_NOT_ACCEPTED},
                {low_grade, ST_SOURCE_NOT_ACCEPTED},
                {no_grade, ST_SOURCE_NOT_ACCEPTED},
                {old, ST_SOURCE_NOT_ACCEPTED},
                {expires, ST_OUTCOME_EXPIRED},
                {just_young, ST_OK},
                {expires_today, ST_OK}};
    (void)state;
    net_date(&net, 20260210);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t item;
        deposit_with(rows[i].change, &item);
        assert_int_equal(apply_as(ANN, ANN, PICKY, item, 10), rows[i].code);
    }
}

/* ---- automatic: at once, exact and never past a ceiling ---- */

static void test_automatic(void **state)
{
    uint64_t item;
    (void)state;
    net_account(&net, 4, true);
    item = deposited(NET_LEARNER + 4, 1001);
    assert_int_equal(apply_as(NET_LEARNER + 4, NET_LEARNER + 4, AUTOMATIC, item, 1001), ST_OK);
    const Xuelian__Conversion *made = conversion_of(NET_LEARNER + 4, item + 1);
    assert_status(NET_LEARNER + 4, item + 1, VALID);
    assert_int_equal(made->credits, 500); /* floor(1001 / 2) */
    assert_int_equal(made->rule_total, 0);
    assert_int_equal(made->decided_by, 0);
    assert_int_equal(made->decided_date, made->applied_date);
    assert_int_equal(made->sources[0]->used_before, 0);
    /* The rule does not consume, but never takes the same credits twice. */
    assert_int_equal(apply_as(NET_LEARNER + 4, NET_LEARNER + 4, AUTOMATIC, item, 2),
                     ST_SOURCE_USED);
    /* Another rule does take them, all of them once. */
    assert_int_equal(apply_as(NET_LEARNER + 4, NET_LEARNER + 4, DECIDED, item, 900), ST_OK);
    assert_int_equal(grant(DECIDE, 2, NET_LEARNER + 4, item + 2), ST_OK);
    assert_int_equal(conversion_of(NET_LEARNER + 4, item + 2)->programme_total, 500);
    assert_int_equal(conversion_of(NET_LEARNER + 4, item + 2)->credits, 900);
    /* Programme: 1,400 of 1,500 are given; the rule has 500 left. */
    uint64_t more = deposited(NET_LEARNER + 4, 1000);
    assert_int_equal(apply_as(NET_LEARNER + 4, NET_LEARNER + 4, AUTOMATIC, more, 999), ST_OK);
    made = conversion_of(NET_LEARNER + 4, more + 1);
    assert_int_equal(made->credits, 100);
    assert_int_equal(made->rule_total, 500);
    assert_int_equal(made->programme_total, 1400);
    more = deposited(NET_LEARNER + 4, 1000);
    assert_int_equal(apply_as(NET_LEARNER + 4, NET_LEARNER + 4, AUTOMATIC, more, 999),
                     ST_CEILING_REACHED);
}

static void test_what_is_consumed(void **state)
{
    uint64_t item;
    (void)state;
    net_account(&net, 5, true);
    item = deposited(NET_LEARNER + 5, 400);
    assert_int_equal(apply_as(NET_LEARNER + 5, NET_LEARNER + 5, DECIDED, item, 300), ST_OK);
    assert_int_equal(apply_as(NET_LEARNER + 5, NET_LEARNER + 5, DECIDED, item, 300), ST_OK);
    assert_int_equal(grant(DECIDE, 2, NET_LEARNER + 5, item + 1), ST_OK);
    /* The second application was good when it was made; the credits are gone now. */
    assert_int_equal(grant(DECIDE, 2, NET_LEARNER + 5, item + 2), ST_SOURCE_USED);
    assert_int_equal(apply_as(NET_LEARNER + 5, NET_LEARNER + 5, AUTOMATIC, item, 101),
                     ST_SOURCE_USED);
    assert_int_equal(apply_as(NET_LEARNER + 5, NET_LEARNER + 5, AUTOMATIC, item, 100), ST_OK);
    assert_int_equal(conversion_of(NET_LEARNER + 5, item + 3)->sources[0]->used_before, 300);
    /* What is revoked gives its credits back. */
    assert_int_equal(refuse(REVIEW, 2, NET_LEARNER + 5, item + 1), ST_OK);
    assert_status(NET_LEARNER + 5, item + 1, REVOKED);
    assert_int_equal(grant(DECIDE, 2, NET_LEARNER + 5, item + 2), ST_OK);
    assert_int_equal(conversion_of(NET_LEARNER + 5, item + 2)->rule_total, 0);
}

/* 4,800 hours are as much as 300 credits: what is used of one is used of the other, as a share rounded up. */
static void test_credits_and_hours_are_one_outcome(void **state)
{
    enum { DAN = NET_LEARNER + 7 };
    (void)state;
    net_account(&net, 7, true);
    uint64_t item = deposited(DAN, 300);
    assert_int_equal(apply_as(DAN, DAN, DECIDED, item, 101), ST_OK);
    assert_int_equal(grant(DECIDE, 2, DAN, item + 1), ST_OK);
    /* 101 of 300 credits are 1,616 of 4,800 hours. */
    assert_int_equal(apply_as(DAN, DAN, SMALL, item, 3185), ST_SOURCE_USED);
    assert_int_equal(apply_as(DAN, DAN, SMALL, item, 3184), ST_NOTHING_EARNED);
    item = deposited(DAN, 300);
    assert_int_equal(apply_as(DAN, DAN, HOURLY, item, 4799), ST_OK);
    assert_int_equal(conversion_of(DAN, item + 1)->credits, 47);
    assert_int_equal(apply_as(DAN, DAN, DECIDED, item, 1), ST_SOURCE_USED);
    assert_int_equal(apply_as(DAN, DAN, HOURLY, item, 1), ST_NOTHING_EARNED);
}

/* ---- 41 decide, 42 appeal, 44 withdraw ---- */

static void test_decisions(void **state)
{
    uint64_t item = deposited(ANN, 300);
    uint64_t made = item + 1;
    (void)state;
    assert_int_equal(apply_as(ANN, ANN, APPEALED, item, 200), ST_OK);
    assert_int_equal(conversion_of(ANN, made)->credits, 0);
    assert_int_equal(grant(DECIDE, 3, ANN, made), ST_NOT_ALLOWED); /* no role */
    assert_int_equal(grant(DECIDE, 1, ANN, made), ST_NOT_ALLOWED); /* not the receiver */
    assert_int_equal(decide_as(DECIDE, 2, ANN, made, true, STANDARD), ST_BAD_FIELD);
    assert_int_equal(
        decide_as(DECIDE, 2, ANN, made, false, XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED),
        ST_BAD_FIELD);
    assert_int_equal(grant(DECIDE, 2, NET_LEARNER + 9, 1), ST_UNKNOWN_ACCOUNT);
    assert_int_equal(grant(DECIDE, 2, ANN, item), ST_UNKNOWN_ITEM); /* an outcome */
    assert_int_equal(grant(REVIEW, 2, ANN, made), ST_WRONG_STATE);
    assert_int_equal(refuse(REVIEW, 2, ANN, made), ST_WRONG_STATE);
    assert_int_equal(act_as(APPEAL, ANN, ANN, made), ST_WRONG_STATE);
    assert_int_equal(refuse(DECIDE, 2, ANN, made), ST_OK);
    assert_status(ANN, made, REFUSED);
    assert_int_equal(conversion_of(ANN, made)->decided_by, 2);
    assert_int_equal(grant(DECIDE, 2, ANN, made), ST_WRONG_STATE);
    assert_int_equal(act_as(WITHDRAW, ANN, ANN, made), ST_WRONG_STATE);
    assert_int_equal(act_as(APPEAL, 1, ANN, made), ST_NOT_ALLOWED);
    assert_int_equal(act_as(APPEAL, ANN, ANN, made), ST_OK);
    assert_status(ANN, made, APPLIED);
    assert_int_equal(conversion_of(ANN, made)->decided_date, 0);
    assert_int_equal(grant(DECIDE, 2, ANN, made), ST_NOT_ALLOWED); /* the appeal goes to member 1 */
    assert_int_equal(refuse(DECIDE, 1, ANN, made), ST_OK);
    assert_int_equal(act_as(APPEAL, ANN, ANN, made), ST_OK);
    assert_int_equal(refuse(DECIDE, 1, ANN, made), ST_OK);
    assert_int_equal(act_as(APPEAL, ANN, ANN, made), ST_APPEALS_SPENT);
    assert_int_equal(apply_as(ANN, ANN, APPEALED, item, 200), ST_OK);
    assert_int_equal(grant(DECIDE, 2, ANN, made + 1), ST_OK);
    assert_status(ANN, made + 1, VALID);
    assert_int_equal(conversion_of(ANN, made + 1)->credits, 200);
    assert_int_equal(act_as(APPEAL, ANN, ANN, made + 1), ST_WRONG_STATE);
}

static void test_a_decision_names_a_version(void **state)
{
    struct hash32 id = support_learner(1);
    struct hash32 hash = {{7}};
    Xuelian__ConversionDecision decision = XUELIAN__CONVERSION_DECISION__INIT;
    uint64_t item = deposited(ANN, 300);
    (void)state;
    assert_int_equal(apply_as(ANN, ANN, APPEALED, item, 10), ST_OK);
    decision.account = field_borrow(&id, 32);
    decision.item = item + 1;
    decision.version_hash = field_borrow(&hash, 32);
    decision.granted = true;
    assert_int_equal(net_submit(&net, DECIDE, &decision.base, 2), ST_WRONG_VERSION);
    assert_int_equal(act_as(WITHDRAW, ANN, ANN, item + 1), ST_OK);
    assert_status(ANN, item + 1, ENDED);
    assert_int_equal(grant(DECIDE, 2, ANN, item + 1), ST_WRONG_STATE);
}

/* ---- 43 review: after a source is suspended, restored, revoked ---- */

#define SUSPEND XUELIAN__TX_KIND__TX_KIND_SUSPEND
#define RESTORE XUELIAN__TX_KIND__TX_KIND_RESTORE
#define REVOKE  XUELIAN__TX_KIND__TX_KIND_REVOKE

static void test_review(void **state)
{
    enum { EVE = NET_LEARNER + 6 };
    struct application a = {.learner = {{0}}};
    (void)state;
    net_account(&net, 6, true);
    uint64_t first = deposited(EVE, 300);
    uint64_t second = deposited(EVE, 400);
    begin(&a, EVE, DECIDED);
    use(&a, EVE, first, 250);
    use(&a, EVE, second, 350);
    assert_int_equal(net_submit(&net, APPLY, &a.wire.base, EVE), ST_OK);
    uint64_t made = second + 1;
    assert_int_equal(grant(DECIDE, 2, EVE, made), ST_OK);
    assert_int_equal(conversion_of(EVE, made)->credits, 600);
    assert_int_equal(grant(REVIEW, 2, EVE, made), ST_WRONG_STATE); /* nothing to uphold */
    /* Suspended: under review, counted still, and no source for anything else. */
    assert_int_equal(act_as(SUSPEND, 2, EVE, first), ST_OK);
    assert_status(EVE, made, REVIEW);
    assert_int_equal(apply_as(EVE, EVE, AUTOMATIC, first, 10), ST_SOURCE_NOT_VALID);
    assert_int_equal(act_as(RESTORE, 2, EVE, first), ST_OK);
    assert_status(EVE, made, REVIEW);
    assert_int_equal(grant(REVIEW, 1, EVE, made), ST_NOT_ALLOWED);
    assert_int_equal(grant(REVIEW, 2, EVE, made), ST_OK);
    assert_status(EVE, made, VALID);
    assert_int_equal(conversion_of(EVE, made)->credits, 600);
    assert_int_equal(conversion_of(EVE, made)->rule_total, 0);
    /* One source revoked: upheld on the other alone, its credits free again for the ceiling. */
    assert_int_equal(act_as(REVOKE, 2, EVE, first), ST_OK);
    assert_int_equal(grant(REVIEW, 2, EVE, made), ST_OK);
    const Xuelian__Conversion *upheld = conversion_of(EVE, made);
    assert_int_equal(upheld->n_sources, 1);
    assert_int_equal(upheld->sources[0]->item, second);
    assert_int_equal(upheld->credits, 350);
    /* Both revoked: nothing to uphold, only to revoke. */
    assert_int_equal(act_as(REVOKE, 2, EVE, second), ST_OK);
    assert_int_equal(grant(REVIEW, 2, EVE, made), ST_SOURCE_NOT_VALID);
    assert_int_equal(refuse(REVIEW, 2, EVE, made), ST_OK);
    assert_status(EVE, made, REVOKED);
    assert_int_equal(refuse(REVIEW, 2, EVE, made), ST_WRONG_STATE);
    uint64_t third = deposited(EVE, 1000);
    assert_int_equal(apply_as(EVE, EVE, DECIDED, third, 1000), ST_OK);
    assert_int_equal(grant(DECIDE, 2, EVE, third + 1), ST_OK);
    assert_int_equal(conversion_of(EVE, third + 1)->programme_total, 0);
    assert_int_equal(conversion_of(EVE, third + 1)->credits, 1000);
}

/* What was applied for is decided on the sources as they are then. */
static void test_source_ends_before_the_decision(void **state)
{
    uint64_t item = deposited(ANN, 300);
    uint64_t made = item + 1;
    (void)state;
    assert_int_equal(apply_as(ANN, ANN, APPEALED, item, 100), ST_OK);
    assert_int_equal(act_as(SUSPEND, 2, ANN, item), ST_OK);
    assert_status(ANN, made, APPLIED);
    assert_int_equal(grant(DECIDE, 2, ANN, made), ST_SOURCE_NOT_VALID);
    assert_int_equal(act_as(RESTORE, 2, ANN, item), ST_OK);
    assert_int_equal(grant(DECIDE, 2, ANN, made), ST_OK);
}

/* The largest numbers there can be, and none that would end a node. */
static void test_the_largest_content_fits(void **state)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct conversion largest = {.rule = UINT32_MAX,
                                 .source_count = LIMIT_CONVERSION_SOURCES_MAX,
                                 .applied_date = 99991231,
                                 .decided_date = 99991231,
                                 .decided_by = UINT32_MAX,
                                 .credits = UINT32_MAX,
                                 .rule_total = UINT32_MAX,
                                 .programme_total = UINT32_MAX,
                                 .appeals = LIMIT_CONVERSION_APPEALS_MAX,
                                 .region = UINT32_MAX};
    (void)state;
    for (uint32_t i = 0; i < LIMIT_CONVERSION_SOURCES_MAX; i++) {
        largest.sources[i] = (struct conversion_source){.item = LIMIT_ACCOUNT_ITEMS_MAX,
                                                        .version_hash = {{1}},
                                                        .used = UINT32_MAX,
                                                        .used_before = UINT32_MAX};
    }
    assert_true(conversion_encode(content, &largest).size <= ITEM_CONTENT_SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_applies),
        cmocka_unit_test(test_what_is_applied_for),
        cmocka_unit_test(test_applications_are_bounded),
        cmocka_unit_test(test_automatic),
        cmocka_unit_test(test_what_is_consumed),
        cmocka_unit_test(test_credits_and_hours_are_one_outcome),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_a_decision_names_a_version),
        cmocka_unit_test(test_review),
        cmocka_unit_test(test_the_largest_content_fits),
        cmocka_unit_test(test_source_ends_before_the_decision),
        cmocka_unit_test(test_what_a_rule_takes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
