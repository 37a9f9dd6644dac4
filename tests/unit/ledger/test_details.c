/* Details beside the chain: their form, submissions, and the rows of docs/protocol.md section 23. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/tx/details.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/details.pb-c.h"
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

enum { A = 1, B = 2, KEY_A = 60 }; /* A has a key, B the custodian 1 */

static struct people net;
static struct hash32 ids[4];
static struct hash32 roots[8];

static int start(void **state)
{
    (void)state;
    people_open(&net);
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = support_learner(i);
    }
    for (uint32_t i = 0; i < 8; i++) {
        roots[i].bytes[0] = (uint8_t)(i + 1);
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

/* ---- form ---- */

static struct details make(uint32_t count)
{
    static uint8_t values[LIMIT_DETAIL_SIZE_MAX + 1];
    struct details made = {.count = count};
    memset(values, 'x', sizeof values);
    for (uint32_t i = 0; i < count; i++) {
        made.fields[i] = (struct detail){.number = i + 1, .salt = {{(uint8_t)(i + 1)}}};
        made.fields[i].value = bytes_of(values, 5);
    }
    return made;
}

/* Bytes of what details_write would refuse. */
static enum status read_wild(const struct details *details)
{
    static uint8_t bytes[32768];
    Xuelian__Details wire = XUELIAN__DETAILS__INIT;
    Xuelian__DetailField fields[LIMIT_DETAILS_MAX];
    Xuelian__DetailField *pointers[LIMIT_DETAILS_MAX];
    static char texts[LIMIT_DETAILS_MAX][LIMIT_DETAIL_SIZE_MAX + 2];
    struct details read;
    for (uint32_t i = 0; i < details->count; i++) {
        xuelian__detail_field__init(&fields[i]);
        fields[i].number = details->fields[i].number;
        fields[i].salt = field_borrow(&details->fields[i].salt, 32);
        memset(texts[i], 0, sizeof texts[i]);
        memcpy(texts[i], details->fields[i].value.data, details->fields[i].value.size);
        fields[i].value = texts[i];
        pointers[i] = &fields[i];
    }
    wire.fields = pointers;
    wire.n_fields = details->count;
    return details_read(&read, bytes_of(bytes, canonical_encode(bytes, &wire.base)));
}

static void test_form(void **state)
{
    uint8_t bytes[DETAILS_BYTES_MAX];
    struct details read;
    struct details some = make(3);
    (void)state;
    size_t size = details_write(bytes, &some);
    assert_int_equal(details_read(&read, bytes_of(bytes, size)), ST_OK);
    assert_int_equal(read.count, 3);
    assert_int_equal(read.fields[2].number, 3);
    assert_memory_equal(&read.fields[2].salt, &some.fields[2].salt, 32);
    assert_int_equal(read.fields[2].value.size, 5);
    some.fields[2].number = 2;
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM); /* twice */
    assert_int_equal(details_write(bytes, &some), 0);
    some = make(1);
    some.fields[0].number = LIMIT_DETAIL_NUMBER_MAX;
    assert_int_equal(read_wild(&some), ST_OK);
    some.fields[0].number++;
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some.fields[0].number = 0;
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some = make(1);
    some.fields[0].salt = (struct hash32){{0}};
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some = make(1);
    some.fields[0].value.size = LIMIT_DETAIL_SIZE_MAX;
    assert_int_equal(read_wild(&some), ST_OK);
    some.fields[0].value.size++;
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some.fields[0].value.size = 0;
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some = make(5);
    for (uint32_t i = 0; i < 5; i++) {
        some.fields[i].value.size = 820;
    }
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM); /* 4,100 bytes together */
    some.fields[4].value.size = 816;
    assert_int_equal(read_wild(&some), ST_OK);
    some = make(0);
    assert_int_equal(read_wild(&some), ST_DETAILS_FORM);
    some = make(LIMIT_DETAILS_MAX);
    assert_int_equal(read_wild(&some), ST_OK);
    const uint8_t broken[] = {0x0a, 0x05, 1};
    assert_int_equal(details_read(&read, bytes_of(broken, sizeof broken)), ST_TRUNCATED);
    const uint8_t short_salt[] = {0x0a, 0x08, 0x08, 1, 0x12, 1, 9, 0x1a, 1, 'x'};
    assert_int_equal(details_read(&read, bytes_of(short_salt, sizeof short_salt)), ST_DETAILS_FORM);
    assert_non_null(strstr(status_en(ST_DETAILS_FORM), "1 to 16 fields"));
}

/* Every part of a field, the number of fields and their order are in the root. */
static void test_root(void **state)
{
    struct hash32 root, other;
    struct details some = make(3);
    (void)state;
    details_root(&root, &some);
    for (int part = 0; part < 5; part++) {
        struct details changed = make(3);
        if (part == 0) {
            changed.fields[1].number = 9;
        } else if (part == 1) {
            changed.fields[1].salt.bytes[31] = 1;
        } else if (part == 2) {
            changed.fields[1].value.size--;
        } else if (part == 3) {
            changed.count = 2;
        } else {
            changed.fields[1] = some.fields[0];
            changed.fields[0] = some.fields[1];
        }
        details_root(&other, &changed);
        assert_memory_not_equal(&root, &other, 32);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(detail_number("score"), 2);
    assert_int_equal(detail_number("999"), 999);
    assert_int_equal(detail_number("1000"), 0);
    assert_int_equal(detail_number("07"), 0);
    assert_int_equal(detail_number("marks"), 0);
    assert_int_equal(detail_number("2x"), 0);
    assert_string_equal(detail_name(1), "title");
    assert_null(detail_name(0));
    assert_null(detail_name(100));
}

/* ---- submissions ---- */

static struct bytes submission_of(struct bytes tx, const struct details *list, uint32_t count)
{
    static uint8_t packed[4][DETAILS_BYTES_MAX];
    struct bytes details[4];
    uint8_t *made = NULL;
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        details[i] = bytes_of(packed[i], details_write(packed[i], &list[i]));
    }
    assert_int_equal(submission_make(tx, details, count, &made, &size), ST_OK);
    return bytes_of(made, size);
}

static enum status check(struct bytes bytes, uint32_t *item)
{
    static uint64_t memory[TX_ARENA_SIZE / 8];
    static struct tx tx;
    struct submission submission;
    struct arena arena;
    enum status status = submission_read(&submission, bytes);
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK) {
        assert_int_equal(tx_parse(&tx, submission.tx, &net.genesis.chain_id, &arena), ST_OK);
        status = submission_check(&submission, &tx, item);
    }
    return status;
}

static void expect_status(struct bytes tx, const struct details *list, uint32_t count,
                          enum status expected, uint32_t expected_item)
{
    struct bytes bytes = submission_of(tx, list, count);
    uint32_t item = 9;
    assert_int_equal(check(bytes, &item), expected);
    assert_int_equal(item, expected == ST_OK ? 9 : expected_item);
    support_free(bytes);
}

static void test_submissions(void **state)
{
    struct details list[3] = {make(2), make(3), make(1)};
    struct hash32 made[2];
    Xuelian__Outcome outcomes[3];
    const ProtobufCMessage *items[3];
    const struct hand hand = MEMBER(2);
    struct submission submission;
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        people_outcome(&outcomes[i], &ids[A], 100, 20250101 + i);
        items[i] = &outcomes[i].base;
    }
    for (uint32_t i = 0; i < 2; i++) { /* the first and the third have details */
        details_root(&made[i], &list[i]);
        outcomes[2 * i].details_root = field_borrow(&made[i], 32);
    }
    struct bytes tx = people_tx_of(&net, KIND(DEPOSIT_BULK), items, 3, &hand, 1);
    expect_status(tx, list, 2, ST_OK, 0);
    expect_status(tx, list, 0, ST_DETAILS_MISSING, 0);
    expect_status(tx, list, 1, ST_DETAILS_MISSING, 2);
    expect_status(tx, list, 3, ST_DETAILS_MISMATCH, 2); /* one too many */
    const struct details swapped[2] = {list[1], list[0]};
    expect_status(tx, swapped, 2, ST_DETAILS_MISMATCH, 0);
    struct bytes good = submission_of(tx, list, 2);
    uint8_t *copy = malloc(good.size);
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    copy[good.size - 1] ^= 1; /* a character of the last value */
    uint32_t item = 9;
    assert_int_equal(check(bytes_of(copy, good.size), &item), ST_DETAILS_MISMATCH);
    assert_int_equal(item, 2);
    assert_int_equal(submission_read(&submission, bytes_of(copy, good.size - 1)), ST_TRUNCATED);
    assert_int_equal(submission_read(&submission, bytes_of(copy, LIMIT_SUBMISSION_SIZE_MAX + 1)),
                     ST_BAD_SIZE);
    free(copy);
    /* A transaction without details has one form. */
    const uint8_t alone[] = {0x5a, 1, 0x0a};
    assert_int_equal(submission_read(&submission, bytes_of(alone, sizeof alone)), ST_BAD_ENCODING);
    support_free(good);
    support_free(tx);
    people_outcome(&outcomes[0], &ids[A], 100, 20250101);
    tx = people_tx(&net, KIND(DEPOSIT), items[0], &hand, 1);
    expect_status(tx, list, 0, ST_OK, 0);
    expect_status(tx, list, 1, ST_DETAILS_MISMATCH, 0);
    support_free(tx);
    assert_non_null(strstr(status_en(ST_DETAILS_MISSING), "send them beside it"));
    assert_non_null(strstr(status_en(ST_DETAILS_MISMATCH), "not those"));
}

/* ---- the state ---- */

/* Member 2 deposits for a learner, with the details of a root; the item's number. */
static uint64_t deposit(uint32_t learner, uint32_t root, uint32_t date)
{
    Xuelian__Outcome outcome;
    people_outcome(&outcome, &ids[learner], 100, date);
    if (root < 8) {
        outcome.details_root = field_borrow(&roots[root], 32);
    }
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
    return people_read(&net, learner).items.size;
}

static Xuelian__DetailsState details_of(uint32_t learner, uint64_t number)
{
    struct item item;
    people_item(&net, learner, number, &item);
    return item.version->details;
}

static Xuelian__ItemAct act(uint32_t learner, uint64_t item)
{
    static struct hash32 hash;
    Xuelian__ItemAct made = XUELIAN__ITEM_ACT__INIT;
    made.account = field_borrow(&ids[learner], 32);
    made.item = item;
    made.reason = REASON(WISH);
    if (item >= 1 && item <= people_read(&net, learner).items.size) {
        hash = people_hash(&net, learner, item);
    }
    made.version_hash = field_borrow(&hash, 32);
    return made;
}

static void test_state(void **state)
{
    const Xuelian__DetailsState none = XUELIAN__DETAILS_STATE__DETAILS_STATE_UNSPECIFIED;
    const Xuelian__DetailsState held = XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD;
    (void)state;
    uint64_t plain = deposit(A, 9, 20250101);
    uint64_t rich = deposit(A, 1, 20250102);
    assert_int_equal(details_of(A, plain), none);
    assert_int_equal(details_of(A, rich), held);
    /* It stays so in the versions that follow; a correction may bring details, and need not. */
    Xuelian__ItemAct suspension = act(A, rich);
    assert_int_equal(SUBMIT(SUSPEND, suspension, MEMBER(2)), ST_OK);
    assert_int_equal(details_of(A, rich), held);
    Xuelian__Correction correction = XUELIAN__CORRECTION__INIT;
    Xuelian__Outcome outcome;
    struct hash32 hash = people_hash(&net, A, plain);
    people_outcome(&outcome, &ids[A], 120, 20250101);
    outcome.details_root = field_borrow(&roots[2], 32);
    correction.account = field_borrow(&ids[A], 32);
    correction.item = plain;
    correction.version_hash = field_borrow(&hash, 32);
    correction.outcome = &outcome;
    correction.reason = REASON(MISTAKE);
    assert_int_equal(SUBMIT(CORRECT, correction, MEMBER(2)), ST_OK);
    assert_int_equal(details_of(A, plain), held);
    hash = people_hash(&net, A, plain);
    people_outcome(&outcome, &ids[A], 130, 20250101);
    assert_int_equal(SUBMIT(CORRECT, correction, MEMBER(2)), ST_OK);
    assert_int_equal(details_of(A, plain), held); /* of the versions before */
}

/* An application brings details, and what confirms it. */
static void test_application(void **state)
{
    Xuelian__Outcome outcome;
    (void)state;
    people_outcome(&outcome, &ids[A], 100, 20250103);
    outcome.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_LEARNER;
    outcome.details_root = field_borrow(&roots[3], 32);
    assert_int_equal(SUBMIT(APPLY, outcome, LEARNER(A, KEY_A)), ST_OK);
    uint64_t item = people_read(&net, A).items.size;
    struct hash32 hash = people_hash(&net, A, item);
    assert_int_equal(details_of(A, item), XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD);
    Xuelian__ApplicationDecision decision = XUELIAN__APPLICATION_DECISION__INIT;
    decision.account = field_borrow(&ids[A], 32);
    decision.item = item;
    decision.version_hash = field_borrow(&hash, 32);
    decision.outcome = &outcome;
    assert_int_equal(SUBMIT(APPLY_DECIDE, decision, MEMBER(2)), ST_OK);
    Xuelian__ItemAct erasure = act(A, item);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_OK);
    people_expect(&net, A, item, ITEM(VALID), 3);
    assert_int_equal(details_of(A, item), XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED);
}

static void test_erase_own(void **state)
{
    (void)state;
    uint64_t rich = deposit(A, 4, 20250104);
    uint64_t plain = deposit(A, 9, 20250105);
    Xuelian__ItemAct erasure = act(A, rich);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A), MEMBER(2)), ST_NOT_ALLOWED);
    erasure.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_BAD_FIELD);
    erasure = act(A, rich);
    erasure.account = field_borrow(&ids[3], 32);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_UNKNOWN_ACCOUNT);
    erasure = act(A, rich);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, MEMBER(1)), ST_NOT_ALLOWED); /* A has a key */
    erasure.item = 99;
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_UNKNOWN_ITEM);
    erasure = act(A, rich);
    erasure.version_hash = field_borrow(&roots[0], 32);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_WRONG_VERSION);
    erasure = act(A, plain);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_NO_DETAILS);
    struct account before = people_read(&net, A);
    erasure = act(A, rich);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_OK);
    people_expect(&net, A, rich, ITEM(VALID), 2);
    struct account after = people_read(&net, A);
    assert_memory_equal(before.totals, after.totals, sizeof before.totals);
    struct item item;
    people_item(&net, A, rich, &item);
    assert_int_equal(item.version->reason, REASON(WISH));
    assert_int_equal(item.version->details, XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED);
    erasure = act(A, rich);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, LEARNER(A, KEY_A)), ST_DETAILS_ERASED);
    /* The custodian acts for B. */
    uint64_t theirs = deposit(B, 5, 20250106);
    erasure = act(B, theirs);
    assert_int_equal(SUBMIT(ERASE_OWN, erasure, MEMBER(1)), ST_OK);
    assert_non_null(strstr(status_en(ST_DETAILS_ERASED), "were erased"));
    assert_non_null(strstr(status_en(ST_NO_DETAILS), "has no details"));
}

static void merged(struct state *state, struct account *account)
{
    (void)state;
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED;
}
static void closed(struct state *state, struct account *account)
{
    (void)state;
    account->status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_CLOSED;
}

static void test_erase_issued(void **state)
{
    (void)state;
    uint64_t rich = deposit(B, 6, 20250107);
    uint64_t plain = deposit(B, 9, 20250108);
    Xuelian__ItemAct erasure = act(B, rich);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2), MEMBER(1)), ST_NOT_ALLOWED);
    erasure.reason = REASON(UNSPECIFIED);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_BAD_FIELD);
    erasure = act(B, rich);
    erasure.account = field_borrow(&ids[3], 32);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_UNKNOWN_ACCOUNT);
    erasure = act(B, rich);
    erasure.item = 99;
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_UNKNOWN_ITEM);
    erasure = act(B, rich);
    erasure.version_hash = field_borrow(&roots[0], 32);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_WRONG_VERSION);
    erasure = act(B, rich);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(4)), ST_WRONG_ISSUER);
    erasure = act(B, plain);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_NO_DETAILS);
    /* Whatever became of the account. */
    erasure = act(B, rich);
    assert_int_equal(BENT(ERASE_ISSUED, erasure, B, merged, MEMBER(2)), ST_OK);
    assert_int_equal(BENT(ERASE_OWN, erasure, B, merged, MEMBER(1)), ST_OK);
    assert_int_equal(BENT(ERASE_OWN, erasure, B, closed, MEMBER(1)), ST_OK);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_OK);
    people_expect(&net, B, rich, ITEM(VALID), 2);
    erasure = act(B, rich);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_DETAILS_ERASED);
    /* A correction may bring new details, which are then held. */
    Xuelian__Correction correction = XUELIAN__CORRECTION__INIT;
    Xuelian__Outcome outcome;
    struct hash32 hash = people_hash(&net, B, rich);
    people_outcome(&outcome, &ids[B], 100, 20250107);
    outcome.details_root = field_borrow(&roots[7], 32);
    correction.account = field_borrow(&ids[B], 32);
    correction.item = rich;
    correction.version_hash = field_borrow(&hash, 32);
    correction.outcome = &outcome;
    correction.reason = REASON(MISTAKE);
    assert_int_equal(SUBMIT(CORRECT, correction, MEMBER(2)), ST_OK);
    assert_int_equal(details_of(B, rich), XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD);
    /* What is not valid any more can be erased as well. */
    Xuelian__ItemAct revocation = act(B, rich);
    assert_int_equal(SUBMIT(REVOKE, revocation, MEMBER(2)), ST_OK);
    erasure = act(B, rich);
    assert_int_equal(SUBMIT(ERASE_ISSUED, erasure, MEMBER(2)), ST_OK);
    people_expect(&net, B, rich, ITEM(REVOKED), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),      cmocka_unit_test(test_root),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_submissions),
        cmocka_unit_test(test_state),     cmocka_unit_test(test_application),
        cmocka_unit_test(test_erase_own), cmocka_unit_test(test_erase_issued),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
