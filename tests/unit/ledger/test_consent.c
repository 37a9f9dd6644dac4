/* Consent, query requests, disputes and query-log anchors, row by row: docs/protocol.md section 19. */
#include "tests/unit/cmocka_all.h"

#include "ledger/view.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"
#include "tests/unit/ledger/people.h"

#define KIND(name) XUELIAN__TX_KIND__TX_KIND_##name
#define SUBMIT(kind, message, ...)                                                       \
    people_submit(&net, KIND(kind), &(message).base, (const struct hand[]){__VA_ARGS__}, \
                  sizeof((const struct hand[]){__VA_ARGS__}) / sizeof(struct hand))
#define RESULT(name) XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_##name
#define ITEM(name)   XUELIAN__ITEM_STATUS__ITEM_STATUS_##name

enum {
    A = 1,
    B = 2,
    NOBODY = 9,
    KEY_B = 60
}; /* B has a key of its own; A's custodian is member 1 */
enum { EMPLOYER = 17, BANK = 12, SUSPENDED = 5 };

static struct people net;
static struct hash32 a;
static struct hash32 b;
static struct hash32 nobody;
static struct hash32 hash = {{7}};
static uint8_t zero_length[1];

static int start(void **state)
{
    (void)state;
    people_open(&net);
    a = support_learner(A);
    b = support_learner(B);
    nobody = support_learner(NOBODY);
    people_account(&net, A, 0);
    people_account(&net, B, KEY_B);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    people_close(&net);
    return 0;
}

static Xuelian__Consent consent_to(const struct hash32 *learner, uint32_t grantee)
{
    Xuelian__Consent consent = XUELIAN__CONSENT__INIT;
    consent.account = field_borrow(learner, 32);
    consent.grantee = grantee;
    consent.until_date = 20271231;
    return consent;
}

static void test_grant(void **state)
{
    Xuelian__Consent consent = consent_to(&b, EMPLOYER);
    Xuelian__ItemKind kinds[] = {XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION,
                                 XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME};
    uint32_t items[LIMIT_CONSENT_ITEMS_MAX + 1];
    (void)state;
    consent.account = field_borrow(&nobody, 32);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, MEMBER(1)), ST_UNKNOWN_ACCOUNT);
    consent.account = field_borrow(&b, 32);
    /* Who: the learner's own key; the custodian only where there is none. */
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, MEMBER(EMPLOYER)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B), MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B + 1)), ST_WRONG_KEY);
    /* Form. */
    consent.grantee = 0;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    consent.grantee = EMPLOYER;
    consent.code_hash = field_borrow(&hash, 32);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    consent = consent_to(&b, EMPLOYER);
    consent.kinds = kinds;
    consent.n_kinds = 2;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    consent.n_kinds = 0;
    consent.items = items;
    consent.n_items = LIMIT_CONSENT_ITEMS_MAX + 1;
    for (uint32_t i = 0; i <= LIMIT_CONSENT_ITEMS_MAX; i++) {
        items[i] = i + 1;
    }
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    consent.n_items = 2;
    items[1] = 1;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    consent = consent_to(&b, EMPLOYER);
    consent.until_date = 20251231;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_DATE);
    consent.until_date = 20270230;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_BAD_DATE);
    /* State. */
    consent = consent_to(&b, 99);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_UNKNOWN_MEMBER);
    consent.grantee = SUSPENDED;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_MEMBER_INACTIVE);
    consent.grantee = EMPLOYER;
    consent.items = items;
    consent.n_items = 1;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_UNKNOWN_ITEM);
    consent.n_items = 0;
    consent.request = field_borrow(&hash, 32);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
    consent.request = field_borrow(zero_length, 0);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 1, ITEM(VALID), 1);
    /* By code, and by the custodian of a learner without a key. */
    consent = consent_to(&a, 0);
    consent.code_hash = field_borrow(&hash, 32);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, MEMBER(1)), ST_OK);
    people_expect(&net, A, 1, ITEM(VALID), 1);
}

/* As many as one grantee may have; those that ended or are past their date make room. */
static void test_consents_full(void **state)
{
    Xuelian__Consent consent = consent_to(&b, EMPLOYER);
    Xuelian__ConsentWithdrawal withdrawal = XUELIAN__CONSENT_WITHDRAWAL__INIT;
    struct item item;
    (void)state;
    for (uint32_t i = 0; i < LIMIT_CONSENTS_MAX; i++) {
        consent.until_date = i == 0 ? 20260101 : 20271231;
        assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    }
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_CONSENTS_FULL);
    people_item(&net, B, 5, &item);
    withdrawal.account = field_borrow(&b, 32);
    withdrawal.item = 5;
    withdrawal.version_hash = field_borrow(&item.hash, 32);
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_CONSENTS_FULL);
    /* The next day the first has ended. */
    struct bytes tx = people_tx(&net, KIND(CONSENT_GRANT), &consent.base,
                                (const struct hand[]){LEARNER(B, KEY_B)}, 1);
    uint32_t code = 0;
    people_block(&net, &tx, 1, &code, SUPPORT_GENESIS_TIME_MS + UINT64_C(86400000));
    assert_int_equal(code, ST_OK);
}

static void test_withdraw(void **state)
{
    Xuelian__Consent consent = consent_to(&b, EMPLOYER);
    Xuelian__ConsentWithdrawal withdrawal = XUELIAN__CONSENT_WITHDRAWAL__INIT;
    struct item item;
    (void)state;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    people_item(&net, B, 1, &item);
    withdrawal.account = field_borrow(&nobody, 32);
    withdrawal.item = 1;
    withdrawal.version_hash = field_borrow(&item.hash, 32);
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_UNKNOWN_ACCOUNT);
    withdrawal.account = field_borrow(&b, 32);
    withdrawal.item = 3;
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_UNKNOWN_ITEM);
    withdrawal.item = 2;
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_WRONG_VERSION);
    withdrawal.item = 1;
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, MEMBER(EMPLOYER), MEMBER(2)),
                     ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 1, ITEM(ENDED), 2);
    people_item(&net, B, 1, &item);
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, LEARNER(B, KEY_B)), ST_WRONG_STATE);
    /* The grantee may give up what it was given. */
    people_item(&net, B, 2, &item);
    withdrawal.item = 2;
    assert_int_equal(SUBMIT(CONSENT_WITHDRAW, withdrawal, MEMBER(EMPLOYER)), ST_OK);
    people_expect(&net, B, 2, ITEM(ENDED), 2);
}

/* The id of a transaction: what a request is named by. */
static struct hash32 submit_request(const Xuelian__QueryRequest *request, uint32_t member,
                                    uint32_t expected)
{
    struct hand hand = MEMBER(member);
    static uint64_t memory[TX_ARENA_SIZE / 8];
    struct bytes bytes = people_tx(&net, KIND(QUERY_REQUEST), &request->base, &hand, 1);
    struct arena arena;
    struct tx tx;
    uint32_t code = 0;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(tx_parse(&tx, bytes, &net.genesis.chain_id, &arena), ST_OK);
    struct hash32 id = tx.id;
    people_block(&net, &bytes, 1, &code, 0);
    assert_int_equal(code, expected);
    return id;
}

/* The entry of collection 11 under a natural key, in memory. */
static const Xuelian__QueryRecord *query_record(struct bytes natural_key, uint64_t *memory,
                                                size_t size)
{
    struct ledger_view view;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    uint8_t *value = NULL;
    size_t value_size = 0;
    arena_init(&arena, memory, size);
    assert_int_equal(ledger_view_open(&view, net.kv), ST_OK);
    assert_int_equal(ledger_view_record(&view, XUELIAN__COLLECTION__COLLECTION_QUERIES, natural_key,
                                        &value, &value_size),
                     ST_OK);
    uint8_t *copy = arena_alloc(&arena, value_size);
    assert_non_null(copy);
    memcpy(copy, value, value_size);
    kv_free(value);
    ledger_view_close(&view);
    assert_int_equal(canonical_decode(&message, &xuelian__query_record__descriptor,
                                      bytes_of(copy, value_size), &arena),
                     ST_OK);
    return (const Xuelian__QueryRecord *)(void *)message;
}

static void expect_request(const struct hash32 *learner, const struct hash32 *id, bool settled)
{
    uint64_t memory[128];
    uint8_t key[36];
    memcpy(key, learner->bytes, 32);
    be32_put(key + 32, EMPLOYER);
    const Xuelian__QueryRecord *record =
        query_record(bytes_of(key, sizeof key), memory, sizeof memory);
    assert_non_null(record->request);
    assert_memory_equal(record->request->account.data, learner, 32);
    assert_memory_equal(record->request->tx_id.data, id, 32);
    assert_int_equal(record->request->member, EMPLOYER);
    assert_int_equal(record->request->settled, settled);
}

static void test_request(void **state)
{
    Xuelian__QueryRequest request = XUELIAN__QUERY_REQUEST__INIT;
    Xuelian__QueryRefusal refusal = XUELIAN__QUERY_REFUSAL__INIT;
    Xuelian__Consent consent = consent_to(&b, EMPLOYER);
    Xuelian__ItemKind kinds[] = {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                 XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME};
    char purpose[] = "录用审核";
    char none[] = "";
    (void)state;
    request.account = field_borrow(&b, 32);
    request.purpose = purpose;
    request.until_date = 20261231;
    submit_request(&request, 2, ST_NOT_ALLOWED); /* no role to ask */
    assert_int_equal(SUBMIT(QUERY_REQUEST, request, MEMBER(EMPLOYER), MEMBER(2)), ST_NOT_ALLOWED);
    request.purpose = none;
    submit_request(&request, EMPLOYER, ST_BAD_FIELD);
    request.purpose = purpose;
    request.kinds = kinds;
    request.n_kinds = 2;
    submit_request(&request, EMPLOYER, ST_BAD_FIELD);
    request.n_kinds = 1;
    request.until_date = 20251231;
    submit_request(&request, EMPLOYER, ST_BAD_DATE);
    request.until_date = 20261231;
    request.account = field_borrow(&nobody, 32);
    submit_request(&request, EMPLOYER, ST_UNKNOWN_ACCOUNT);
    request.account = field_borrow(&b, 32);
    struct hash32 first = submit_request(&request, EMPLOYER, ST_OK);
    struct hash32 second = submit_request(&request, EMPLOYER, ST_OK);
    /* Refused by the learner; the newer one has replaced the older. */
    refusal.account = field_borrow(&nobody, 32);
    refusal.member = EMPLOYER;
    refusal.request_id = field_borrow(&first, 32);
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, LEARNER(B, KEY_B)), ST_UNKNOWN_ACCOUNT);
    refusal.account = field_borrow(&b, 32);
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, MEMBER(EMPLOYER)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
    refusal.request_id = field_borrow(&second, 32);
    refusal.member = 2;
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
    refusal.member = EMPLOYER;
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(SUBMIT(QUERY_REFUSE, refusal, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
    /* Granted: the consent names the request, which is no longer open. */
    struct hash32 third = submit_request(&request, EMPLOYER, ST_OK);
    consent.request = field_borrow(&third, 32);
    consent.grantee = 2;
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
    consent.grantee = EMPLOYER;
    expect_request(&b, &third, false);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    expect_request(&b, &third, true);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_UNKNOWN_REQUEST);
}

/* An outcome of member 2 in an account: item 1. */
static void deposit(const struct hash32 *learner, uint32_t date)
{
    Xuelian__Outcome outcome;
    support_outcome(&outcome, learner);
    outcome.award_date = date;
    outcome.start_date = 0;
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
}

static Xuelian__DisputeOpening dispute_of(const struct hash32 *learner, uint32_t number,
                                          uint64_t what, struct item *item)
{
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    people_item(&net, number, what, item);
    opening.account = field_borrow(learner, 32);
    opening.item = what;
    opening.version_hash = field_borrow(&item->hash, 32);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_CONTENT;
    return opening;
}

static void test_dispute_open(void **state)
{
    struct item item;
    Xuelian__Consent consent = consent_to(&b, EMPLOYER);
    (void)state;
    deposit(&b, 20240630);
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, LEARNER(B, KEY_B)), ST_OK);
    Xuelian__DisputeOpening opening = dispute_of(&b, B, 1, &item);
    opening.account = field_borrow(&nobody, 32);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_UNKNOWN_ACCOUNT);
    opening.account = field_borrow(&b, 32);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, MEMBER(2)), ST_NOT_ALLOWED);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_UNSPECIFIED;
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_BAD_FIELD);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_NOT_MINE;
    opening.item = 9;
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_UNKNOWN_ITEM);
    opening.item = 2; /* a consent is nobody's record */
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_UNKNOWN_ITEM);
    opening.item = 1;
    opening.version_hash = field_borrow(&hash, 32);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_WRONG_VERSION);
    opening.version_hash = field_borrow(&item.hash, 32);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 3, ITEM(VALID), 1);
    people_item(&net, B, 1, &item);
    assert_int_equal(item.version->number, 2);
    assert_int_equal(item.version->dispute, 3);
    assert_int_equal(item.version->status, ITEM(VALID));
    opening.version_hash = field_borrow(&item.hash, 32);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_DISPUTED);
}

/* The newest content of a dispute. */
static Xuelian__Dispute content_of(uint32_t learner, uint64_t number, struct item *item,
                                   uint64_t memory[256])
{
    struct arena arena;
    ProtobufCMessage *content = NULL;
    people_item(&net, learner, number, item);
    arena_init(&arena, memory, 2048);
    assert_int_equal(item_content(item, &xuelian__dispute__descriptor, &arena, &content), ST_OK);
    return *(Xuelian__Dispute *)(void *)content;
}

static Xuelian__DisputeAnswer answer_to(const struct hash32 *learner, uint64_t number,
                                        const struct item *item, Xuelian__DisputeResult result)
{
    Xuelian__DisputeAnswer answer = XUELIAN__DISPUTE_ANSWER__INIT;
    answer.account = field_borrow(learner, 32);
    answer.item = number;
    answer.version_hash = field_borrow(&item->hash, 32);
    answer.result = result;
    answer.statement_hash = field_borrow(&hash, 32);
    return answer;
}

/* Opens a dispute about item 1 of B: item 2. */
static void open_dispute(struct item *item)
{
    deposit(&b, 20240630);
    Xuelian__DisputeOpening opening = dispute_of(&b, B, 1, item);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
    people_item(&net, B, 2, item);
}

static struct planted worn;

static void plant_worn(struct state *state, struct account *account)
{
    people_plant(state, account, &worn);
}

/* An item of a thousand versions is disputed no more: the rest are for its issuer. */
static void test_disputes_end(void **state)
{
    const struct hand learner = LEARNER(B, KEY_B);
    Xuelian__Outcome outcome;
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    (void)state;
    people_outcome(&outcome, &b, 300, 20240630);
    opening.account = field_borrow(&b, 32);
    opening.item = people_read(&net, B).items.size + 1;
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_NOT_MINE;
    for (uint32_t i = 0; i < 2; i++) {
        worn = (struct planted){XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, ITEM(VALID),
                                LIMIT_DISPUTED_VERSIONS_MAX - 1 + i, &outcome.base};
        struct hash32 version = people_planted_hash(B, opening.item, &worn);
        opening.version_hash = field_borrow(&version, 32);
        assert_int_equal(people_bent(&net, XUELIAN__TX_KIND__TX_KIND_DISPUTE_OPEN, &opening.base,
                                     &learner, 1, B, plant_worn),
                         i == 0 ? ST_OK : ST_VERSIONS_FULL);
    }
}

static void test_dispute_upheld(void **state)
{
    struct item item;
    uint64_t memory[256];
    (void)state;
    open_dispute(&item);
    Xuelian__DisputeAnswer answer = answer_to(&b, 2, &item, RESULT(UPHELD));
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(3)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, LEARNER(B, KEY_B)), ST_NOT_ALLOWED);
    answer.result = RESULT(WITHDRAWN);
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_BAD_FIELD);
    answer.result = RESULT(UPHELD);
    answer.item = 1;
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_UNKNOWN_ITEM);
    answer.item = 2;
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_OK);
    Xuelian__Dispute dispute = content_of(B, 2, &item, memory);
    assert_int_equal(dispute.answer, RESULT(UPHELD));
    assert_int_equal(dispute.result, RESULT(UPHELD));
    assert_int_equal(dispute.respondent, 2);
    assert_int_equal(item.version->status, ITEM(ENDED));
    struct item disputed;
    people_item(&net, B, 1, &disputed);
    assert_int_equal(disputed.version->dispute, 0);
    assert_int_equal(disputed.version->number, 3);
    answer = answer_to(&b, 2, &item, RESULT(REJECTED));
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_WRONG_STATE);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(BANK)), ST_WRONG_STATE);
}

static void test_dispute_rejected_then_settled(void **state)
{
    struct item item;
    uint64_t memory[256];
    (void)state;
    open_dispute(&item);
    Xuelian__DisputeAnswer answer = answer_to(&b, 2, &item, RESULT(REJECTED));
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_OK);
    people_expect(&net, B, 2, ITEM(REVIEW), 2);
    people_item(&net, B, 2, &item);
    answer = answer_to(&b, 2, &item, RESULT(UPHELD));
    assert_int_equal(SUBMIT(DISPUTE_ANSWER, answer, MEMBER(2)), ST_WRONG_STATE);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(2)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, LEARNER(B, KEY_B)), ST_NOT_ALLOWED);
    answer.result = RESULT(UNSPECIFIED);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(BANK)), ST_BAD_FIELD);
    answer.result = RESULT(REJECTED);
    answer.version_hash = field_borrow(&hash, 32);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(BANK)), ST_WRONG_VERSION);
    answer.version_hash = field_borrow(&item.hash, 32);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(BANK)), ST_OK);
    Xuelian__Dispute dispute = content_of(B, 2, &item, memory);
    assert_int_equal(dispute.answer, RESULT(REJECTED));
    assert_int_equal(dispute.result, RESULT(REJECTED));
    assert_int_equal(item.version->status, ITEM(ENDED));
}

static void test_dispute_withdrawn(void **state)
{
    struct item item;
    (void)state;
    open_dispute(&item);
    Xuelian__DisputeAnswer answer = answer_to(&b, 2, &item, RESULT(WITHDRAWN));
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, MEMBER(BANK)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 2, ITEM(ENDED), 2);
    /* And it may be disputed again. */
    Xuelian__DisputeOpening opening = dispute_of(&b, B, 1, &item);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 3, ITEM(VALID), 1);
}

static void test_disputes_full(void **state)
{
    struct item item;
    Xuelian__DisputeOpening opening;
    (void)state;
    for (uint32_t i = 0; i <= LIMIT_DISPUTES_MAX; i++) {
        deposit(&b, 20240601 + i);
    }
    for (uint32_t i = 0; i < LIMIT_DISPUTES_MAX; i++) {
        opening = dispute_of(&b, B, i + 1, &item);
        assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
    }
    opening = dispute_of(&b, B, LIMIT_DISPUTES_MAX + 1, &item);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_DISPUTES_FULL);
    struct item first;
    people_item(&net, B, LIMIT_DISPUTES_MAX + 2, &first);
    Xuelian__DisputeAnswer answer =
        answer_to(&b, LIMIT_DISPUTES_MAX + 2, &first, RESULT(WITHDRAWN));
    assert_int_equal(SUBMIT(DISPUTE_SETTLE, answer, LEARNER(B, KEY_B)), ST_OK);
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
}

static void test_anchor(void **state)
{
    Xuelian__QueryLogAnchor anchor = XUELIAN__QUERY_LOG_ANCHOR__INIT;
    Xuelian__Consent consent = consent_to(&a, EMPLOYER);
    struct hand other = NODE(1);
    uint64_t memory[128];
    (void)state;
    anchor.log_size = 5;
    anchor.log_root = field_borrow(&hash, 32);
    other.secret = 102; /* node key of member 2 */
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(1), MEMBER(1)), ST_NOT_ALLOWED);
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, other), ST_WRONG_KEY);
    other.number = 99;
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, other), ST_UNKNOWN_MEMBER);
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(1)), ST_OK);
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(1)), ST_WRONG_STATE);
    anchor.log_size = 4;
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(1)), ST_WRONG_STATE);
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(2)), ST_OK);
    anchor.log_size = 6;
    assert_int_equal(SUBMIT(QUERY_LOG_ANCHOR, anchor, NODE(1)), ST_OK);
    struct pubkey33 node = people_key(101);
    const Xuelian__QueryRecord *record =
        query_record(bytes_of(node.bytes, 33), memory, sizeof memory);
    assert_non_null(record->anchor);
    assert_memory_equal(record->anchor->node.data, &node, 33);
    assert_memory_equal(record->anchor->log_root.data, &hash, 32);
    assert_int_equal(record->anchor->log_size, 6);
    /* A node's key acts for nobody: member 1 is custodian of A, its node is not. */
    assert_int_equal(SUBMIT(CONSENT_GRANT, consent, NODE(1)), ST_NOT_ALLOWED);
}

/* A dispute while an outcome is suspended makes suspended versions of it: restored, it is what it was before. */
static void test_restored_in_dispute(void **state)
{
    Xuelian__Outcome outcome;
    Xuelian__ItemAct act = XUELIAN__ITEM_ACT__INIT;
    Xuelian__DisputeOpening opening = XUELIAN__DISPUTE_OPENING__INIT;
    struct hash32 version;
    (void)state;
    people_outcome(&outcome, &b, 100, 20250101);
    assert_int_equal(SUBMIT(DEPOSIT, outcome, MEMBER(2)), ST_OK);
    version = people_hash(&net, B, 1);
    act.account = field_borrow(&b, 32);
    act.item = 1;
    act.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    act.version_hash = field_borrow(&version, 32);
    assert_int_equal(SUBMIT(SUSPEND, act, MEMBER(2)), ST_OK);
    version = people_hash(&net, B, 1);
    opening.account = field_borrow(&b, 32);
    opening.item = 1;
    opening.version_hash = field_borrow(&version, 32);
    opening.reason = XUELIAN__DISPUTE_REASON__DISPUTE_REASON_OTHER;
    assert_int_equal(SUBMIT(DISPUTE_OPEN, opening, LEARNER(B, KEY_B)), ST_OK);
    people_expect(&net, B, 1, ITEM(SUSPENDED), 3);
    assert_int_equal(people_read(&net, B).totals[1].outcomes, 0);
    version = people_hash(&net, B, 1);
    assert_int_equal(SUBMIT(RESTORE, act, MEMBER(2)), ST_OK);
    people_expect(&net, B, 1, ITEM(VALID), 4);
    assert_int_equal(people_read(&net, B).totals[1].outcomes, 1);
    version = people_hash(&net, B, 1);
    assert_int_equal(SUBMIT(RESTORE, act, MEMBER(2)), ST_WRONG_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grant, start, stop),
        cmocka_unit_test_setup_teardown(test_consents_full, start, stop),
        cmocka_unit_test_setup_teardown(test_withdraw, start, stop),
        cmocka_unit_test_setup_teardown(test_request, start, stop),
        cmocka_unit_test_setup_teardown(test_dispute_open, start, stop),
        cmocka_unit_test_setup_teardown(test_dispute_upheld, start, stop),
        cmocka_unit_test_setup_teardown(test_dispute_rejected_then_settled, start, stop),
        cmocka_unit_test_setup_teardown(test_dispute_withdrawn, start, stop),
        cmocka_unit_test_setup_teardown(test_disputes_full, start, stop),
        cmocka_unit_test_setup_teardown(test_disputes_end, start, stop),
        cmocka_unit_test_setup_teardown(test_restored_in_dispute, start, stop),
        cmocka_unit_test_setup_teardown(test_anchor, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
