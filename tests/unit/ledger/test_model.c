/* Random blocks of openings, deposits and their changes, legal and illegal; the model is beside the ledger
 * (model/shadow.h), as it is in every test that applies blocks: every code, every root. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/ledger.h"
#include "ledger/tx/kinds.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/unit/ledger/model/shadow.h"
#include "tests/unit/ledger/support.h"

enum { BLOCKS = 400, TXS_MAX = 4, ITEMS_MAX = 12, LEARNERS = 60, REFERENCES = 40 };

static struct kv *kv;
static struct genesis genesis;
static struct ledger *ledger;
static struct hash32 learners[LEARNERS]; /* the first is zeros */
static struct hash32 identities[LEARNERS];
static uint8_t references[REFERENCES][16];
static uint32_t seed;
static uint32_t nonce;

static uint32_t pick(uint32_t count)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % count;
}

/* One time in n. */
static bool rarely(uint32_t n)
{
    return pick(n) == 0;
}

static int start(void **state)
{
    char error[256];
    (void)state;
    kv_open_memory(&kv);
    genesis = support_genesis();
    for (uint32_t i = 1; i < LEARNERS; i++) {
        learners[i] = support_learner(i);
        identities[i] = support_learner(1000 + i);
    }
    identities[0] = identities[1];
    for (uint32_t i = 0; i < REFERENCES; i++) {
        be32_put(references[i], i + 1);
    }
    shadow_open(&genesis);
    return ledger_open(&ledger, kv, &genesis, error, sizeof error) == ST_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    support_whole(kv, &genesis);
    shadow_close();
    ledger_close(ledger);
    genesis_free(&genesis);
    kv_close(kv);
    return 0;
}

struct draft {
    Xuelian__TxKind kind;
    bool bulk;
    bool deposit;
    uint32_t members[2];
    uint32_t member_count;
    uint32_t item_count;
    Xuelian__Outcome outcomes[ITEMS_MAX];
    Xuelian__AccountOpening openings[ITEMS_MAX];
    bool change; /* of an item: a correction, or an act */
    Xuelian__Correction correction;
    Xuelian__ItemAct act;
    struct hash32 version_hash;
    struct bytes bytes;
};

static void make_outcome(Xuelian__Outcome *outcome, const struct draft *draft)
{
    static const uint32_t kinds[] = {0, 0, 1, 6, 3, 6, 1, 1};
    static const uint32_t dates[] = {0, 20240230, 20190101, 20270101, 20260102};
    bool course;
    support_outcome(outcome, &learners[pick(LEARNERS)]);
    outcome->issuer = rarely(20) ? 1 + pick(7) : draft->members[0];
    outcome->kind = (Xuelian__OutcomeKind)(rarely(15) ? pick(10) : kinds[draft->members[0] % 8]);
    course = outcome->kind == XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
    outcome->course = rarely(20) ? pick(10) : course ? 7 : 0;
    outcome->course_version = rarely(20) ? pick(3) : outcome->course != 0 ? 2 : 0;
    outcome->award_date = rarely(15) ? dates[pick(5)] : 20250101 + pick(28);
    outcome->start_date = rarely(6) ? 20250101 + pick(40) : 0;
    outcome->expiry_date = rarely(6) ? 20250101 + pick(40) : 0;
    outcome->credits = rarely(20) ? 100001 : pick(rarely(10) ? 100000 : 301);
    outcome->hours = rarely(20) ? 2000001 : pick(4801);
    outcome->grade_band = pick(rarely(10) ? 12 : 10);
    outcome->level = pick(rarely(10) ? 13 : 11);
    outcome->source = (Xuelian__OutcomeSource)(rarely(8) ? pick(4) : 1);
    outcome->mode = (Xuelian__OutcomeMode)pick(5);
    outcome->recognising = draft->member_count == 2 && !rarely(8) ? draft->members[1] : 0;
    outcome->recognising = rarely(25) ? pick(8) : outcome->recognising;
    outcome->region = rarely(15) ? pick(2) * 110000 : 330000 + 100 * pick(2);
    outcome->site = pick(3);
    outcome->framework = pick(3);
    if (rarely(3)) {
        outcome->reference = field_borrow(references[pick(REFERENCES)], 16);
    }
    if (rarely(30)) {
        outcome->details_root = field_borrow(&identities[1], 32);
    }
}

static void make_opening(Xuelian__AccountOpening *opening)
{
    uint32_t i = rarely(30) ? 0 : 1 + pick(LEARNERS - 1);
    support_opening(opening, &learners[i], &identities[i]);
    opening->region = rarely(15) ? 5 : 330000 + 100 * pick(2);
    if (rarely(3)) {
        opening->learner_key = field_borrow(&genesis.set.validators[pick(4)].key, 33);
    }
}

/* A change of an item that the model knows, most of the time by who may. */
static const ProtobufCMessage *make_change(struct draft *draft)
{
    const struct model *model = shadow_model();
    struct model_account *account = model->accounts[pick(model->account_count)];
    bool past = account->item_count == 0 || rarely(10);
    uint64_t number = 1 + pick((uint32_t)account->item_count + (past ? 1 : 0));
    const struct model_item *item =
        number <= account->item_count ? &account->items[number - 1] : NULL;
    draft->kind = (Xuelian__TxKind)(XUELIAN__TX_KIND__TX_KIND_CORRECT + pick(4));
    draft->version_hash = rarely(15) || item == NULL ? identities[1] : item->hash;
    if (!rarely(15) && item != NULL) {
        draft->members[0] = AS(Outcome, item->content)->issuer;
        draft->member_count = 1;
    }
    xuelian__item_act__init(&draft->act);
    draft->act.account = field_borrow(rarely(20) ? &learners[0] : &account->learner, 32);
    draft->act.item = number;
    draft->act.version_hash = field_borrow(&draft->version_hash, 32);
    draft->act.reason = (Xuelian__ItemReason)pick(11);
    if (draft->kind != XUELIAN__TX_KIND__TX_KIND_CORRECT) {
        return &draft->act.base;
    }
    xuelian__correction__init(&draft->correction);
    draft->correction.account = draft->act.account;
    draft->correction.item = number;
    draft->correction.version_hash = draft->act.version_hash;
    draft->correction.reason = draft->act.reason;
    if (rarely(3) || item == NULL) {
        make_outcome(&draft->outcomes[0], draft);
    } else {
        draft->outcomes[0] = *AS(Outcome, item->content);
        draft->outcomes[0].credits = pick(400);
        draft->outcomes[0].award_date =
            rarely(2) ? 20250101 + pick(28) : draft->outcomes[0].award_date;
        draft->outcomes[0].site = pick(3);
    }
    draft->outcomes[0].account = rarely(20) ? field_borrow(&learners[1], 32) : draft->act.account;
    draft->correction.outcome = rarely(30) ? NULL : &draft->outcomes[0];
    return &draft->correction.base;
}

static void make_tx(struct draft *draft)
{
    const ProtobufCMessage *items[ITEMS_MAX];
    *draft = (struct draft){.bulk = rarely(2), .deposit = !rarely(4), .member_count = 1};
    draft->change = shadow_model()->account_count > 0 && rarely(2);
    draft->bulk = draft->bulk && !draft->change;
    draft->kind = (Xuelian__TxKind)(1 + (draft->deposit ? 2 : 0) + (draft->bulk ? 1 : 0));
    draft->item_count = draft->bulk ? 1 + pick(ITEMS_MAX) : 1;
    draft->members[0] = rarely(10) ? 1 + pick(7) : draft->deposit ? 2 + pick(3) : 1 + pick(2);
    if (rarely(4)) {
        draft->member_count = 2;
        draft->members[1] = 1 + (draft->members[0] + pick(6)) % 7;
    }
    for (uint32_t i = 0; i < draft->item_count; i++) {
        make_outcome(&draft->outcomes[i], draft);
        make_opening(&draft->openings[i]);
        items[i] = draft->deposit ? &draft->outcomes[i].base : &draft->openings[i].base;
    }
    if (draft->change) {
        items[0] = make_change(draft);
    }
    draft->bytes = support_tx(&genesis, draft->kind, items, draft->item_count, draft->members,
                              draft->member_count, ledger_tip(ledger)->height + 10, ++nonce);
}

static void run_block(void)
{
    static struct draft drafts[TXS_MAX];
    struct bytes txs[TXS_MAX];
    uint32_t count = pick(TXS_MAX + 1);
    for (uint32_t i = 0; i < count; i++) {
        make_tx(&drafts[i]);
        txs[i] = drafts[i].bytes;
    }
    support_block(ledger, txs, count, NULL);
    for (uint32_t i = 0; i < count; i++) {
        support_free(txs[i]);
    }
}

static void test_random_blocks(void **state)
{
    static const enum status codes[] = {ST_OK,
                                        ST_UNKNOWN_MEMBER,
                                        ST_MEMBER_INACTIVE,
                                        ST_NOT_ALLOWED,
                                        ST_WRONG_ISSUER,
                                        ST_KIND_NOT_ALLOWED,
                                        ST_UNKNOWN_ACCOUNT,
                                        ST_ACCOUNT_EXISTS,
                                        ST_BAD_FIELD,
                                        ST_BAD_DATE,
                                        ST_BAD_AMOUNT,
                                        ST_UNKNOWN_COURSE,
                                        ST_UNKNOWN_REGION,
                                        ST_DUPLICATE,
                                        ST_COURSE_NOT_VALID,
                                        ST_UNKNOWN_ITEM,
                                        ST_WRONG_VERSION,
                                        ST_WRONG_STATE};
    (void)state;
    seed = 20261124;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        run_block();
    }
    const struct model *model = shadow_model();
    uint64_t items = 0;
    assert_int_equal(shadow_blocks(), BLOCKS);
    /* A run that met no such case has shown nothing about it. */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (model->codes_seen[codes[i]] == 0) {
            fail_msg("no block had %s", status_name(codes[i]));
        }
    }
    for (uint32_t kind = XUELIAN__TX_KIND__TX_KIND_CORRECT;
         kind <= XUELIAN__TX_KIND__TX_KIND_RESTORE; kind++) {
        print_message("%s %u\n", tx_kind_of((Xuelian__TxKind)kind)->name, model->kinds_done[kind]);
        assert_true(model->kinds_done[kind] > 0);
    }
    for (uint32_t i = 0; i < model->account_count; i++) {
        items += model->accounts[i]->item_count;
    }
    print_message("%llu outcomes in %u accounts\n", (unsigned long long)items,
                  model->account_count);
    assert_true(items > 100 && model->account_count > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_blocks)};
    return cmocka_run_group_tests(tests, start, stop);
}
