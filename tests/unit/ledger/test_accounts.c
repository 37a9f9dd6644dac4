/* The kinds that change accounts, row by row: docs/protocol.md section 13. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/people.h"

#define KIND(name)   XUELIAN__TX_KIND__TX_KIND_ACCOUNT_##name
#define STATUS(name) XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_##name
#define ITEM(name)   XUELIAN__ITEM_STATUS__ITEM_STATUS_##name
#define SUBMIT(kind, message, ...)                                                       \
    people_submit(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                  sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand))
#define BENT(kind, message, learner, bend, ...)                                        \
    people_bent(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand), learner, bend)

enum { A = 1, B = 2, C = 3, D = 4 }; /* learners; B has a key from the start */
enum { KEY_B = 60, KEY_1 = 61, KEY_2 = 62, KEY_3 = 63, KEY_4 = 64 }; /* secrets */

static struct people net;
static struct hash32 ids[5];
static struct hash32 commitments[5];

static int start(void **state)
{
    (void)state;
    people_open(&net);
    for (uint32_t i = 0; i < 5; i++) {
        ids[i] = support_learner(i);
        commitments[i] = people_commitment(i);
    }
    people_account(&net, A, 0);
    people_account(&net, B, KEY_B);
    people_account(&net, C, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    people_close(&net);
    return 0;
}

/* ---- bent accounts ---- */

static void merged(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(MERGED);
}
static void closed(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(CLOSED);
}
static void frozen(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(FROZEN);
}
static void deceased(struct state *state, struct account *account)
{
    (void)state;
    account->status = STATUS(DECEASED);
}
static void full(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX;
}
static void last(struct state *state, struct account *account)
{
    (void)state;
    account->items.size = LIMIT_ACCOUNT_ITEMS_MAX - 1;
}
static void by_13(struct state *state, struct account *account)
{
    (void)state;
    account->custodian = 13;
}

/* ---- payloads ---- */

static uint8_t no_key[33] = {9};

/* The key is that of a secret, 0: no key of the curve. It lives until the next call. */
static Xuelian__KeyBinding binding(uint32_t learner, uint8_t secret)
{
    static struct pubkey33 key;
    Xuelian__KeyBinding made = XUELIAN__KEY_BINDING__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.identity_commitment = field_borrow(&commitments[learner], 32);
    key = people_key(secret != 0 ? secret : 1);
    made.new_key = secret != 0 ? field_borrow(&key, 33) : field_borrow(no_key, 33);
    return made;
}

static Xuelian__AccountKeyRotation rotation(uint32_t learner, uint8_t secret)
{
    static struct pubkey33 key;
    Xuelian__AccountKeyRotation made = XUELIAN__ACCOUNT_KEY_ROTATION__INIT;
    made.account = field_borrow(&ids[learner], 32);
    key = people_key(secret != 0 ? secret : 1);
    made.new_key = secret != 0 ? field_borrow(&key, 33) : field_borrow(no_key, 33);
    return made;
}

static Xuelian__GuardianSetting guardian(uint32_t learner, uint8_t secret, uint32_t until)
{
    static struct pubkey33 key;
    Xuelian__GuardianSetting made = XUELIAN__GUARDIAN_SETTING__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.identity_commitment = field_borrow(&commitments[learner], 32);
    key = people_key(secret != 0 ? secret : 1);
    made.guardian_key = field_borrow(&key, secret != 0 ? 33 : 0);
    made.until_date = until;
    return made;
}

static Xuelian__AccountAct act(uint32_t learner)
{
    Xuelian__AccountAct made = XUELIAN__ACCOUNT_ACT__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.reason = XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_WISH;
    return made;
}

static Xuelian__DeathNotice notice(uint32_t learner)
{
    Xuelian__DeathNotice made = XUELIAN__DEATH_NOTICE__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.identity_commitment = field_borrow(&commitments[learner], 32);
    return made;
}

/* Whether a learner's signature with a secret is taken at the next height: a close without a reason is refused for
 * that, after the key. */
static bool signs(uint32_t learner, uint8_t secret)
{
    Xuelian__AccountAct nothing = act(learner);
    nothing.reason = XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED;
    uint32_t code = SUBMIT(CLOSE, nothing, LEARNER(learner, secret));
    assert_true(code == ST_BAD_FIELD || code == ST_WRONG_KEY);
    return code == ST_BAD_FIELD;
}

static const Xuelian__KeyChange *key_change(uint32_t learner, uint64_t number)
{
    static struct item item;
    static uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    people_item(&net, learner, number, &item);
    assert_int_equal(item.version->kind, XUELIAN__ITEM_KIND__ITEM_KIND_KEY);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(item_content(&item, &xuelian__key_change__descriptor, &arena, &content),
                     ST_OK);
    return (const Xuelian__KeyChange *)(const void *)content;
}

/* ---- rows ---- */

static void test_claim(void **state)
{
    (void)state;
    Xuelian__KeyBinding claim = binding(A, KEY_1);
    assert_int_equal(SUBMIT(CLAIM, claim, LEARNER(B, KEY_B)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), MEMBER(10), MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), LEARNER(B, KEY_B)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(15)), ST_MEMBER_INACTIVE);
    claim = binding(A, 0);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(10)), ST_BAD_FIELD);
    claim = binding(D, KEY_1);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    claim = binding(A, KEY_1);
    assert_int_equal(BENT(CLAIM, claim, A, frozen, MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(CLAIM, claim, A, closed, MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(CLAIM, claim, A, merged, MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(2), MEMBER(10)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), MEMBER(2)), ST_NOT_IDENTITY_SERVICE);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1)), ST_NOT_IDENTITY_SERVICE);
    claim.identity_commitment = field_borrow(&commitments[B], 32);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    claim = binding(B, KEY_1);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(10)), ST_ALREADY_CLAIMED);
    claim = binding(A, KEY_1);
    assert_int_equal(BENT(CLAIM, claim, A, full, MEMBER(10)), ST_ACCOUNT_FULL);
    assert_int_equal(BENT(CLAIM, claim, A, last, MEMBER(10)), ST_OK);
    assert_int_equal(BENT(CLAIM, claim, A, by_13, MEMBER(2), MEMBER(10)), ST_OK);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(1), MEMBER(10)), ST_ALREADY_CLAIMED);
    const Xuelian__KeyChange *change = key_change(A, 1);
    assert_int_equal(change->act, XUELIAN__KEY_ACT__KEY_ACT_CLAIM);
    assert_int_equal(change->holder, XUELIAN__KEY_HOLDER__KEY_HOLDER_LEARNER);
    assert_int_equal(change->replaces, 0);
    claim = binding(A, KEY_1);
    assert_memory_equal(change->new_key.data, claim.new_key.data, 33);
    assert_int_equal(people_read(&net, A).key_item, 1);
    assert_true(signs(A, KEY_1) && !signs(A, KEY_2));
    /* The identity service alone. */
    claim = binding(C, KEY_3);
    assert_int_equal(SUBMIT(CLAIM, claim, MEMBER(11)), ST_OK);
    assert_true(signs(C, KEY_3));
}

static void test_rotate(void **state)
{
    (void)state;
    Xuelian__AccountKeyRotation rotate = rotation(A, KEY_2);
    assert_int_equal(SUBMIT(ROTATE, rotate, MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(A, KEY_1), MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(B, KEY_B)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(A, KEY_2)), ST_WRONG_KEY);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(D, KEY_2)), ST_UNKNOWN_ACCOUNT);
    rotate = rotation(A, 0);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(A, KEY_1)), ST_BAD_FIELD);
    rotate = rotation(A, KEY_1);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(A, KEY_1)), ST_SAME_KEY);
    rotate = rotation(A, KEY_2);
    assert_int_equal(BENT(ROTATE, rotate, A, frozen, LEARNER(A, KEY_1)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(ROTATE, rotate, A, full, LEARNER(A, KEY_1)), ST_ACCOUNT_FULL);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(A, KEY_1)), ST_OK);
    assert_int_equal(key_change(A, 2)->replaces, 1);
    people_expect(&net, A, 1, ITEM(ENDED), 2);
    people_expect(&net, A, 2, ITEM(VALID), 1);
    assert_true(signs(A, KEY_2) && !signs(A, KEY_1));
    /* A key that the opening brought: no item that it replaces. */
    rotate = rotation(B, KEY_4);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(key_change(B, 1)->replaces, 0);
}

static void test_recover(void **state)
{
    (void)state;
    Xuelian__KeyBinding recover = binding(A, KEY_3);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(RECOVER, recover, LEARNER(A, KEY_2), MEMBER(10)), ST_NOT_ALLOWED);
    recover = binding(A, 0);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(10)), ST_BAD_FIELD);
    recover = binding(D, KEY_3);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    recover = binding(A, KEY_3);
    assert_int_equal(BENT(RECOVER, recover, A, closed, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RECOVER, recover, A, merged, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RECOVER, recover, A, deceased, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(RECOVER, recover, A, full, MEMBER(1), MEMBER(10)), ST_ACCOUNT_FULL);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(10), MEMBER(1)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(4)), ST_NOT_IDENTITY_SERVICE);
    recover.identity_commitment = field_borrow(&commitments[C], 32);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    recover = binding(A, KEY_2);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(10)), ST_SAME_KEY);
    people_account(&net, D, 0);
    recover = binding(D, KEY_3);
    assert_int_equal(SUBMIT(RECOVER, recover, MEMBER(1), MEMBER(10)), ST_NOT_CLAIMED);
    recover = binding(A, KEY_3);
    assert_int_equal(BENT(RECOVER, recover, A, frozen, MEMBER(1), MEMBER(10)), ST_OK);
    /* In one block: recovered, and the key that was stolen neither rotates the new one away nor is refused elsewhere. */
    Xuelian__AccountKeyRotation rotate = rotation(A, KEY_4);
    Xuelian__AccountAct freeze = act(A);
    const struct hand pair[] = {MEMBER(1), MEMBER(11)};
    const struct hand thief = LEARNER(A, KEY_2);
    const struct hand owner = LEARNER(A, KEY_3);
    uint32_t codes[4];
    struct bytes txs[] = {people_tx(&net, KIND(RECOVER), &recover.base, pair, 2),
                          people_tx(&net, KIND(ROTATE), &rotate.base, &thief, 1),
                          people_tx(&net, KIND(FREEZE), &freeze.base, &owner, 1),
                          people_tx(&net, KIND(FREEZE), &freeze.base, &thief, 1)};
    people_block(&net, txs, 4, codes, 0);
    assert_int_equal(codes[0], ST_OK);
    assert_int_equal(codes[1], ST_WRONG_KEY);
    assert_int_equal(codes[2], ST_WRONG_KEY); /* acts from the next height */
    assert_int_equal(codes[3], ST_OK);        /* and the old one to the end of this */
    assert_true(signs(A, KEY_3) && !signs(A, KEY_2));
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(10)), ST_OK);
    assert_int_equal(key_change(A, 3)->act, XUELIAN__KEY_ACT__KEY_ACT_RECOVER);
    people_expect(&net, A, 2, ITEM(ENDED), 2);
}

static void test_freeze(void **state)
{
    (void)state;
    Xuelian__AccountAct freeze = act(A);
    freeze.reason = XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED;
    assert_int_equal(SUBMIT(FREEZE, freeze, MEMBER(1)), ST_BAD_FIELD);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(1)), ST_BAD_FIELD);
    freeze = act(0);
    assert_int_equal(SUBMIT(FREEZE, freeze, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    freeze = act(A);
    assert_int_equal(SUBMIT(FREEZE, freeze, MEMBER(1), MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(FREEZE, freeze, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(FREEZE, freeze, LEARNER(B, KEY_4)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(1)), ST_WRONG_STATE);
    assert_int_equal(BENT(UNFREEZE, freeze, A, merged, MEMBER(12)), ST_WRONG_STATE);
    assert_int_equal(BENT(FREEZE, freeze, A, closed, MEMBER(1)), ST_ACCOUNT_CLOSED);
    /* By the learner: whoever watches lets go, the learner does not. */
    assert_int_equal(SUBMIT(FREEZE, freeze, LEARNER(A, KEY_3)), ST_OK);
    assert_int_equal(SUBMIT(FREEZE, freeze, LEARNER(A, KEY_3)), ST_ACCOUNT_CLOSED);
    assert_int_equal(people_read(&net, A).status, STATUS(FROZEN));
    assert_int_equal(SUBMIT(UNFREEZE, freeze, LEARNER(A, KEY_3)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(1), MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(11)), ST_OK);
    /* By a member: that member, or one that governs. */
    const uint32_t watchers[] = {1, 10, 12};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(SUBMIT(FREEZE, freeze, MEMBER(watchers[i])), ST_OK);
        assert_int_equal(people_read(&net, A).frozen_by, watchers[i]);
        assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(i == 1 ? 1 : 10)), ST_NOT_ALLOWED);
        assert_int_equal(SUBMIT(UNFREEZE, freeze, MEMBER(i == 0 ? 12 : watchers[i])), ST_OK);
        assert_int_equal(people_read(&net, A).frozen_by, 0);
        assert_int_equal(people_read(&net, A).status, STATUS(OPEN));
    }
}

static void test_guardian(void **state)
{
    (void)state;
    Xuelian__GuardianSetting set = guardian(C, KEY_4, 20330101);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(10)), ST_NOT_ALLOWED);
    set.until_date = 0;
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_BAD_FIELD);
    set = guardian(C, 0, 20330101);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_BAD_FIELD);
    set = guardian(C, KEY_4, 20330101);
    set.guardian_key = field_borrow(no_key, 33);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_BAD_FIELD);
    const uint32_t bad_dates[] = {20330230, 20251231, 20440102};
    for (uint32_t i = 0; i < 3; i++) {
        set = guardian(C, KEY_4, bad_dates[i]);
        assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_BAD_DATE);
    }
    set = guardian(0, KEY_4, 20330101);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    set = guardian(C, KEY_4, 20440101); /* 18 years from today at most */
    assert_int_equal(BENT(GUARDIAN, set, C, closed, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(GUARDIAN, set, C, frozen, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(BENT(GUARDIAN, set, C, full, MEMBER(1), MEMBER(10)), ST_ACCOUNT_FULL);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(2), MEMBER(10)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(2)), ST_NOT_IDENTITY_SERVICE);
    set.identity_commitment = field_borrow(&commitments[A], 32);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    set = guardian(C, 0, 0);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_WRONG_STATE);
    set = guardian(C, KEY_3, 20330101);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_SAME_KEY);
    set = guardian(C, KEY_4, 20260101); /* to the end of today */
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_OK);
    people_expect(&net, C, 2, ITEM(VALID), 1);
    assert_true(signs(C, KEY_4) && signs(C, KEY_3));
    /* The guardian rotates his own key, and the date stays. */
    Xuelian__AccountKeyRotation rotate = rotation(C, KEY_2);
    assert_int_equal(SUBMIT(ROTATE, rotate, LEARNER(C, KEY_4)), ST_OK);
    assert_int_equal(key_change(C, 3)->holder, XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN);
    assert_int_equal(key_change(C, 3)->until_date, 20260101);
    people_expect(&net, C, 2, ITEM(ENDED), 2);
    assert_true(signs(C, KEY_2) && signs(C, KEY_3) && !signs(C, KEY_4));
    /* The same key for longer; then no guardian. */
    set = guardian(C, KEY_2, 20260131);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_OK);
    set = guardian(C, 0, 0);
    assert_int_equal(SUBMIT(GUARDIAN, set, MEMBER(1), MEMBER(10)), ST_OK);
    people_expect(&net, C, 4, ITEM(ENDED), 2);
    people_expect(&net, C, 5, ITEM(ENDED), 1);
    assert_int_equal(people_read(&net, C).guardian_item, 0);
    assert_true(signs(C, KEY_3) && !signs(C, KEY_2));
}

/* D has no key: the custodian acts, until a guardian does, and again after his last day. */
static void test_who_acts(void **state)
{
    (void)state;
    Xuelian__AccountAct close = act(D);
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(1), MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(BENT(CLOSE, close, D, by_13, MEMBER(2)), ST_OK);
    assert_int_equal(BENT(CLOSE, close, D, frozen, MEMBER(1)), ST_ACCOUNT_CLOSED);
    Xuelian__GuardianSetting set = guardian(D, KEY_1, 20260102);
    const struct hand pair[] = {MEMBER(1), MEMBER(10)};
    const struct hand custodian = MEMBER(1);
    uint32_t codes[2];
    close.reason = XUELIAN__ACCOUNT_REASON__ACCOUNT_REASON_UNSPECIFIED;
    struct bytes txs[] = {people_tx(&net, KIND(GUARDIAN), &set.base, pair, 2),
                          people_tx(&net, KIND(CLOSE), &close.base, &custodian, 1)};
    people_block(&net, txs, 2, codes, 0);
    assert_int_equal(codes[0], ST_OK);
    assert_int_equal(codes[1], ST_BAD_FIELD);
    close = act(D);
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(1)), ST_NOT_ALLOWED);
    assert_true(signs(D, KEY_1));
    people_block(&net, NULL, 0, NULL, SUPPORT_GENESIS_TIME_MS + UINT64_C(86400000));
    assert_true(signs(D, KEY_1)); /* 2 January: to the end of his last day */
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(1)), ST_NOT_ALLOWED);
    people_block(&net, NULL, 0, NULL, SUPPORT_GENESIS_TIME_MS + UINT64_C(2) * 86400000);
    assert_false(signs(D, KEY_1));
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(1)), ST_OK);
    assert_int_equal(people_read(&net, D).status, STATUS(CLOSED));
    assert_int_equal(SUBMIT(CLOSE, close, MEMBER(1)), ST_ACCOUNT_CLOSED);
    /* Closed by mistake: the pair opens it again. */
    assert_int_equal(SUBMIT(UNFREEZE, close, MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, close, MEMBER(2), MEMBER(10)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(UNFREEZE, close, MEMBER(1), MEMBER(2)), ST_NOT_IDENTITY_SERVICE);
    assert_int_equal(SUBMIT(UNFREEZE, close, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(people_read(&net, D).status, STATUS(OPEN));
}

static void test_deceased(void **state)
{
    (void)state;
    Xuelian__DeathNotice death = notice(D);
    Xuelian__AccountAct back = act(D);
    Xuelian__Outcome outcome;
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(2), MEMBER(10)), ST_NOT_CUSTODIAN);
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(1), MEMBER(4)), ST_NOT_IDENTITY_SERVICE);
    death.identity_commitment = field_borrow(&commitments[A], 32);
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(1), MEMBER(10)), ST_WRONG_IDENTITY);
    death = notice(0);
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(1), MEMBER(10)), ST_UNKNOWN_ACCOUNT);
    death = notice(D);
    assert_int_equal(BENT(DECEASED, death, D, merged, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    assert_int_equal(BENT(DECEASED, death, D, frozen, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(BENT(DECEASED, death, D, closed, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(1), MEMBER(10)), ST_OK);
    assert_int_equal(people_read(&net, D).status, STATUS(DECEASED));
    assert_int_equal(SUBMIT(DECEASED, death, MEMBER(1), MEMBER(10)), ST_ACCOUNT_CLOSED);
    support_outcome(&outcome, &ids[D]);
    const struct hand issuer = MEMBER(2);
    assert_int_equal(
        people_submit(&net, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, &issuer, 1),
        ST_ACCOUNT_CLOSED);
    assert_int_equal(SUBMIT(UNFREEZE, back, MEMBER(12)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, back, MEMBER(1), MEMBER(10)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(UNFREEZE, back, MEMBER(12), MEMBER(1)), ST_NOT_IDENTITY_SERVICE);
    assert_int_equal(SUBMIT(UNFREEZE, back, MEMBER(12), MEMBER(11)), ST_OK);
    assert_int_equal(
        people_submit(&net, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, &issuer, 1), ST_OK);
}

static void test_successors(void **state)
{
    static const struct {
        uint32_t member;
        uint32_t named;
        bool stands;
    } rows[] = {{2, 2, true},   {2, 13, true}, {14, 13, true}, {2, 14, true},  {1, 13, false},
                {13, 2, false}, {2, 1, false}, {2, 5, false},  {1, 16, false}, {2, 99, false}};
    struct state *ledger_state = NULL;
    (void)state;
    assert_int_equal(state_begin(&ledger_state, net.kv, false), ST_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool stands = !rows[i].stands;
        assert_int_equal(member_stands_for(ledger_state, rows[i].member, rows[i].named, &stands),
                         ST_OK);
        assert_int_equal(stands, rows[i].stands);
    }
    state_free(ledger_state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim),    cmocka_unit_test(test_rotate),
        cmocka_unit_test(test_recover),  cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_guardian), cmocka_unit_test(test_who_acts),
        cmocka_unit_test(test_deceased), cmocka_unit_test(test_successors),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
