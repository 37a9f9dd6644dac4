/* Recognitions and their review, row by row: docs/protocol.md section 14. */
#include "tests/unit/cmocka_all.h"

#include "ledger/tx/dependents.h"
#include "proto/convert.h"
#include "tests/unit/ledger/people.h"

#define KIND(name)   XUELIAN__TX_KIND__TX_KIND_##name
#define ITEM(name)   XUELIAN__ITEM_STATUS__ITEM_STATUS_##name
#define REASON(name) XUELIAN__ITEM_REASON__ITEM_REASON_##name
#define SUBMIT(kind, message, ...)                                                       \
    people_submit(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                  sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand))
#define BENT(kind, message, bend, ...)                                                 \
    people_bent(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand), A, bend)

enum { NOBODY = 0, A = 1 };

static struct people net;
static struct hash32 ids[2];
static struct planted planted;

static int start(void **state)
{
    (void)state;
    people_open(&net);
    for (uint32_t i = 0; i < 2; i++) {
        ids[i] = support_learner(i);
    }
    people_account(&net, A, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    people_close(&net);
    return 0;
}

/* ---- bent accounts ---- */

static void plant(struct state *state, struct account *account)
{
    people_plant(state, account, &planted);
}
static void frozen(struct state *state, struct account *account)
{
    (void)state;
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN;
}
static void merged(struct state *state, struct account *account)
{
    (void)state;
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED;
}
static void full(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX - LIMIT_ACCOUNT_RESERVE;
}

/* All that may rest on the newest item rests on it. */
static void burdened(struct state *state, struct account *account)
{
    uint64_t source = account->items.size;
    for (uint32_t i = 0; i < LIMIT_DEPENDENTS_MAX; i++) {
        people_plant(state, account, &planted);
        assert_int_equal(dependents_add(state, account, source, account->items.size), ST_OK);
    }
}

/* ---- payloads ---- */

static uint64_t deposit(uint32_t credits, uint32_t date, uint32_t expiry)
{
    Xuelian__Outcome outcome;
    people_outcome(&outcome, &ids[A], credits, date);
    outcome.expiry_date = expiry;
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
    return people_read(&net, A).items.size;
}

/* Of an outcome's newest version, by member 1. The hash lives until the next call. */
static Xuelian__Recognition recognition(uint64_t outcome)
{
    static struct hash32 hash;
    Xuelian__Recognition made = XUELIAN__RECOGNITION__INIT;
    made.account = field_borrow(&ids[A], 32);
    made.recogniser = 1;
    made.outcome = outcome;
    made.level = 5;
    made.credits = 200;
    if (outcome <= people_read(&net, A).items.size) {
        hash = people_hash(&net, A, outcome);
    }
    made.outcome_version = field_borrow(&hash, 32);
    return made;
}

static Xuelian__RecognitionReview review(uint64_t item, Xuelian__Recognition *after)
{
    static struct hash32 hash;
    Xuelian__RecognitionReview made = XUELIAN__RECOGNITION_REVIEW__INIT;
    made.account = field_borrow(&ids[A], 32);
    made.item = item;
    made.recognition = after;
    if (item <= people_read(&net, A).items.size) {
        hash = people_hash(&net, A, item);
    }
    made.version_hash = field_borrow(&hash, 32);
    return made;
}

static Xuelian__ItemAct act(uint64_t item)
{
    static struct hash32 hash;
    Xuelian__ItemAct made = XUELIAN__ITEM_ACT__INIT;
    hash = people_hash(&net, A, item);
    made.account = field_borrow(&ids[A], 32);
    made.item = item;
    made.version_hash = field_borrow(&hash, 32);
    made.reason = REASON(STANDARD);
    return made;
}

static void correct(uint64_t item, uint32_t credits, uint32_t date)
{
    Xuelian__Outcome outcome;
    Xuelian__ItemAct named = act(item);
    Xuelian__Correction made = XUELIAN__CORRECTION__INIT;
    people_outcome(&outcome, &ids[A], credits, date);
    made.account = named.account;
    made.item = item;
    made.version_hash = named.version_hash;
    made.outcome = &outcome;
    made.reason = REASON(MISTAKE);
    assert_int_equal(SUBMIT(CORRECT, made, MEMBER(2)), ST_OK);
}

/* ---- rows ---- */

static uint64_t outcome_1; /* corrected, then revoked */
static uint64_t recognised_1;

static void test_recognise(void **state)
{
    (void)state;
    outcome_1 = deposit(300, 20250101, 0);
    Xuelian__Recognition r = recognition(outcome_1);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(6)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1), MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(2)), ST_WRONG_ISSUER);
    r.level = 0;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_BAD_FIELD);
    r.level = 11;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_BAD_FIELD);
    r = recognition(outcome_1);
    r.expiry_date = 20251231;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_BAD_DATE);
    r.expiry_date = 20260230;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_BAD_DATE);
    r = recognition(outcome_1);
    r.credits = 100001;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_BAD_AMOUNT);
    r = recognition(outcome_1);
    r.framework = 77;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_UNKNOWN_FRAMEWORK);
    r = recognition(outcome_1);
    r.account = field_borrow(&ids[NOBODY], 32);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    r = recognition(outcome_1);
    assert_int_equal(BENT(RECOGNISE, r, frozen, MEMBER(1)), ST_ACCOUNT_CLOSED);
    r = recognition(99);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_UNKNOWN_ITEM);
    r = recognition(outcome_1);
    r.outcome_version = field_borrow(&ids[A], 32);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_WRONG_VERSION);
    r = recognition(outcome_1);
    assert_int_equal(BENT(RECOGNISE, r, full, MEMBER(1)), ST_ACCOUNT_FULL);
    r.expiry_date = 20260101;
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OK);
    recognised_1 = people_read(&net, A).items.size;
    people_expect(&net, A, recognised_1, ITEM(VALID), 1);
    r = recognition(outcome_1);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_DUPLICATE);
    r.recogniser = 2; /* another recogniser, another recognition; the issuer may be one */
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(2)), ST_OK);
    r = recognition(recognised_1); /* not an outcome */
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_UNKNOWN_ITEM);
    /* Suspended; expired, which nothing has stored. */
    uint64_t other = deposit(10, 20250102, 20251231);
    r = recognition(other);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OUTCOME_EXPIRED);
    other = deposit(10, 20250103, 20260101);
    Xuelian__ItemAct s = act(other);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(2)), ST_OK);
    r = recognition(other);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_WRONG_STATE);
    s = act(other);
    assert_int_equal(SUBMIT(RESTORE, s, MEMBER(2)), ST_OK);
    r = recognition(other);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OK); /* to the end of its last day */
}

static void test_review(void **state)
{
    (void)state;
    Xuelian__Recognition r = recognition(outcome_1);
    Xuelian__RecognitionReview v = review(recognised_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_WRONG_STATE); /* valid */
    correct(outcome_1, 280, 20250101);
    people_expect(&net, A, recognised_1, ITEM(REVIEW), 2);
    people_expect(&net, A, recognised_1 + 1, ITEM(REVIEW), 2);
    r = recognition(outcome_1);
    v = review(recognised_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(6)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1), MEMBER(2)), ST_NOT_ALLOWED);
    v.recognition = NULL;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_BAD_FIELD);
    v = review(recognised_1, &r);
    r.account = field_borrow(&ids[NOBODY], 32);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_BAD_FIELD);
    v.account = r.account;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    r = recognition(outcome_1);
    v = review(recognised_1, &r);
    r.level = 0;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_BAD_FIELD);
    r = recognition(outcome_1);
    r.framework = 77;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_UNKNOWN_FRAMEWORK);
    r = recognition(outcome_1);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(2)), ST_WRONG_ISSUER);
    r.recogniser = 2; /* the item is another's */
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(2)), ST_WRONG_ISSUER);
    r = recognition(outcome_1);
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, merged, MEMBER(1)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, frozen, MEMBER(1)), ST_OK);
    v = review(99, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_UNKNOWN_ITEM);
    v = review(outcome_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_UNKNOWN_ITEM);
    v = review(recognised_1, &r);
    v.version_hash = field_borrow(&ids[A], 32);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_WRONG_VERSION);
    v = review(recognised_1, &r);
    r.outcome++;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_BAD_FIELD);
    r = recognition(outcome_1);
    r.outcome_version = field_borrow(&ids[A], 32);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_WRONG_VERSION);
    r = recognition(outcome_1);
    r.credits = 180;
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_OK);
    people_expect(&net, A, recognised_1, ITEM(VALID), 3);
    people_expect(&net, A, recognised_1 + 1, ITEM(REVIEW), 2);
}

/* Suspended and restored: what rests on it stays under review until it is decided again. */
static void test_cascade(void **state)
{
    (void)state;
    Xuelian__ItemAct s = act(outcome_1);
    assert_int_equal(SUBMIT(SUSPEND, s, MEMBER(2)), ST_OK);
    people_expect(&net, A, recognised_1, ITEM(REVIEW), 4);
    Xuelian__Recognition r = recognition(outcome_1);
    Xuelian__RecognitionReview v = review(recognised_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_WRONG_STATE); /* the outcome's */
    s = act(outcome_1);
    assert_int_equal(SUBMIT(RESTORE, s, MEMBER(2)), ST_OK);
    people_expect(&net, A, recognised_1, ITEM(REVIEW), 4);
    r = recognition(outcome_1);
    v = review(recognised_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_OK);
    s = act(outcome_1);
    assert_int_equal(SUBMIT(REVOKE, s, MEMBER(2)), ST_OK);
    people_expect(&net, A, recognised_1, ITEM(REVIEW), 6);
    r = recognition(outcome_1);
    v = review(recognised_1, &r);
    assert_int_equal(SUBMIT(RECOGNISE_REVIEW, v, MEMBER(1)), ST_WRONG_STATE);
}

static void test_revoke(void **state)
{
    (void)state;
    Xuelian__ItemAct a = act(recognised_1);
    assert_int_equal(SUBMIT(REVOKE, a, MEMBER(2)), ST_WRONG_ISSUER);
    assert_int_equal(SUBMIT(SUSPEND, a, MEMBER(1)), ST_UNKNOWN_ITEM); /* outcomes alone */
    assert_int_equal(SUBMIT(REVOKE, a, MEMBER(1)), ST_OK);
    people_expect(&net, A, recognised_1, ITEM(REVOKED), 7);
    a = act(recognised_1);
    assert_int_equal(SUBMIT(REVOKE, a, MEMBER(1)), ST_WRONG_STATE);
    /* A valid one; then the outcome may be recognised anew. */
    uint64_t outcome = deposit(20, 20250201, 0);
    Xuelian__Recognition r = recognition(outcome);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OK);
    a = act(outcome + 1);
    assert_int_equal(SUBMIT(REVOKE, a, MEMBER(1)), ST_OK);
    r = recognition(outcome);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OK);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_DUPLICATE);
    people_expect(&net, A, outcome + 1, ITEM(REVOKED), 2);
    people_expect(&net, A, outcome + 2, ITEM(VALID), 1);
}

/* Each by itself: the second is the same once more. */
static void test_bulk(void **state)
{
    const struct hand hand = MEMBER(1);
    uint32_t code = 0;
    (void)state;
    uint64_t outcome = deposit(20, 20250501, 0);
    Xuelian__Recognition r = recognition(outcome);
    const ProtobufCMessage *items[] = {&r.base, &r.base};
    struct bytes tx = people_tx_of(&net, KIND(RECOGNISE_BULK), items, 2, &hand, 1);
    people_block(&net, &tx, 1, &code, 0);
    assert_int_equal(code, ST_OK);
    assert_int_equal(people_read(&net, A).items.size, outcome + 1);
    people_expect(&net, A, outcome + 1, ITEM(VALID), 1);
    tx = people_tx_of(&net, KIND(RECOGNISE_BULK), items, 2, &hand, 1);
    people_block(&net, &tx, 1, &code, 0);
    assert_int_equal(code, ST_DUPLICATE);
}

/* A whole batch is withdrawn or corrected: each item by itself, except what something rests on. Returns the code of the
 * transaction, or of its first item. */
static uint32_t submit_bulk(Xuelian__TxKind kind, const ProtobufCMessage *const *items,
                            uint32_t count, struct hand hand)
{
    uint32_t code = 0;
    struct bytes tx = people_tx_of(&net, kind, items, count, &hand, 1);
    people_block(&net, &tx, 1, &code, 0);
    return code;
}

static void test_in_bulk(void **state)
{
    enum { COUNT = 3 };
    uint64_t made[COUNT];
    Xuelian__Outcome after[COUNT];
    Xuelian__Correction corrections[COUNT];
    Xuelian__ItemAct acts[COUNT];
    struct hash32 hashes[COUNT];
    const ProtobufCMessage *items[COUNT];
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        made[i] = deposit(100 + i, 20240105 + i, 0);
    }
    Xuelian__Recognition r = recognition(made[1]);
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(1)), ST_OK);
    uint64_t recognised = people_read(&net, A).items.size;
    for (uint32_t i = 0; i < COUNT; i++) {
        hashes[i] = people_hash(&net, A, made[i]);
        people_outcome(&after[i], &ids[A], 90, 20240105 + i);
        xuelian__correction__init(&corrections[i]);
        corrections[i].account = field_borrow(&ids[A], 32);
        corrections[i].item = made[i];
        corrections[i].version_hash = field_borrow(&hashes[i], 32);
        corrections[i].outcome = &after[i];
        corrections[i].reason = REASON(MISTAKE);
        items[i] = &corrections[i].base;
    }
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_CORRECT_BULK, items, COUNT, MEMBER(6)),
                     ST_NOT_ALLOWED);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_CORRECT_BULK, items, COUNT, MEMBER(2)),
                     ST_OK);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_CORRECT_BULK, &items[1], 1, MEMBER(2)),
                     ST_HAS_DEPENDENTS);
    people_expect(&net, A, made[0], ITEM(CORRECTED), 2);
    people_expect(&net, A, made[1], ITEM(VALID), 1);
    people_expect(&net, A, made[2], ITEM(CORRECTED), 2);
    people_expect(&net, A, recognised, ITEM(VALID), 1);
    struct item changed;
    people_item(&net, A, made[2], &changed);
    assert_int_equal(changed.version->outcome_index, 2);
    for (uint32_t i = 0; i < COUNT; i++) {
        hashes[i] = people_hash(&net, A, made[i]);
        xuelian__item_act__init(&acts[i]);
        acts[i].account = field_borrow(&ids[A], 32);
        acts[i].item = made[i];
        acts[i].version_hash = field_borrow(&hashes[i], 32);
        acts[i].reason = REASON(MISTAKE);
        items[i] = &acts[i].base;
    }
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, items, COUNT, MEMBER(4)),
                     ST_WRONG_ISSUER);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, &items[1], 2, MEMBER(2)),
                     ST_HAS_DEPENDENTS);
    people_expect(&net, A, made[1], ITEM(VALID), 1);
    people_expect(&net, A, made[2], ITEM(REVOKED), 3);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, items, COUNT, MEMBER(2)),
                     ST_OK);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, &items[2], 1, MEMBER(2)),
                     ST_WRONG_VERSION);
    people_expect(&net, A, made[0], ITEM(REVOKED), 3);
    /* What nothing rests on any more goes in bulk too; a recognition likewise. */
    Xuelian__ItemAct named = act(recognised);
    items[0] = &named.base;
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, items, 1, MEMBER(1)),
                     ST_OK);
    people_expect(&net, A, recognised, ITEM(REVOKED), 2);
    assert_int_equal(submit_bulk(XUELIAN__TX_KIND__TX_KIND_REVOKE_BULK, &items[1], 1, MEMBER(2)),
                     ST_OK);
    people_expect(&net, A, made[1], ITEM(REVOKED), 2);
}

/* What a platform issued, its own platform does not recognise; another institution does, and an institution what is its
 * own. Member 1 recognises, and plays the platform. */
static void plant_platform(struct state *state, struct account *account)
{
    people_plant(state, account, &planted);
}

static void test_own_platform(void **state)
{
    Xuelian__Outcome outcome;
    (void)state;
    people_outcome(&outcome, &ids[A], 300, 20250101);
    planted =
        (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, ITEM(VALID), 1, &outcome.base};
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t codes[3] = {ST_NOT_ALLOWED, ST_OK, ST_OK};
        outcome.source = i == 2 ? XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION
                                : XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM;
        outcome.issuer = i == 1 ? 2 : 1;
        Xuelian__Recognition r = recognition(1);
        r.outcome = people_read(&net, A).items.size + 1;
        struct hash32 hash = people_planted_hash(A, r.outcome, &planted);
        r.outcome_version = field_borrow(&hash, 32);
        assert_int_equal(BENT(RECOGNISE, r, plant_platform, MEMBER(1)), codes[i]);
    }
}

/* A recogniser that ended: its successor upholds in its own name, once. The last version. */
static void test_successor(void **state)
{
    (void)state;
    uint64_t outcome = deposit(20, 20250301, 0);
    Xuelian__Recognition before = recognition(outcome);
    struct hash32 version = people_hash(&net, A, outcome);
    struct hash32 hash;
    before.recogniser = 13;
    before.outcome_version = field_borrow(&version, 32);
    planted =
        (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION, ITEM(REVIEW), 2, &before.base};
    Xuelian__Recognition r = before;
    r.recogniser = 2;
    Xuelian__RecognitionReview v = review(outcome, &r);
    v.item = outcome + 1;
    hash = people_planted_hash(A, outcome + 1, &planted);
    v.version_hash = field_borrow(&hash, 32);
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, plant, MEMBER(2)), ST_OK);
    r.recogniser = 1;
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, plant, MEMBER(1)), ST_WRONG_ISSUER);
    r.recogniser = 2;
    planted.versions = LIMIT_ITEM_VERSIONS_MAX;
    hash = people_planted_hash(A, outcome + 1, &planted);
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, plant, MEMBER(2)), ST_VERSIONS_FULL);
    /* The successor has one of its own. */
    assert_int_equal(SUBMIT(RECOGNISE, r, MEMBER(2)), ST_OK);
    planted.versions = 2;
    v.item = outcome + 2;
    hash = people_planted_hash(A, outcome + 2, &planted);
    assert_int_equal(BENT(RECOGNISE_REVIEW, v, plant, MEMBER(2)), ST_DUPLICATE);
}

static void test_burdened(void **state)
{
    (void)state;
    uint64_t outcome = deposit(20, 20250401, 0);
    Xuelian__Recognition r = recognition(outcome);
    planted = (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION, ITEM(VALID), 1, &r.base};
    assert_int_equal(BENT(RECOGNISE, r, burdened, MEMBER(1)), ST_DEPENDENTS_FULL);
    Xuelian__ItemAct a = act(outcome); /* that does not hold up a revocation */
    assert_int_equal(BENT(REVOKE, a, burdened, MEMBER(2)), ST_OK);
    planted.status = ITEM(ENDED);
    assert_int_equal(BENT(RECOGNISE, r, burdened, MEMBER(1)), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognise),    cmocka_unit_test(test_review),
        cmocka_unit_test(test_cascade),      cmocka_unit_test(test_revoke),
        cmocka_unit_test(test_bulk),         cmocka_unit_test(test_successor),
        cmocka_unit_test(test_own_platform), cmocka_unit_test(test_in_bulk),
        cmocka_unit_test(test_burdened),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
