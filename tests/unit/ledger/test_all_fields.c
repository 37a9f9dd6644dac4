/* Messages with every field set: what decodes them has room for them. With more than 16 fields protobuf-c asks for
 * memory that it does not need otherwise, so a room that was enough in all other tests was not. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_outcome.pb-c.h"
#include "tests/unit/ledger/govern_support.h"
#include "tests/unit/ledger/people.h"

static void act_on(struct people *net, Xuelian__TxKind kind)
{
    struct hash32 id = support_learner(1);
    struct hash32 version = people_hash(net, 1, 1);
    Xuelian__ItemAct act = XUELIAN__ITEM_ACT__INIT;
    act.account = field_borrow(&id, 32);
    act.item = 1;
    act.version_hash = field_borrow(&version, 32);
    act.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    assert_int_equal(people_submit(net, kind, &act.base, &MEMBER(2), 1), ST_OK);
}

static void fill(Xuelian__Outcome *outcome, const struct hash32 *learner, const uint8_t *reference)
{
    support_outcome(outcome, learner);
    outcome->framework = 3;
    outcome->start_date = 20250601;
    outcome->expiry_date = 20300101;
    outcome->mode = XUELIAN__OUTCOME_MODE__OUTCOME_MODE_ONLINE;
    outcome->site = 7;
    outcome->reference = field_borrow(reference, 16);
    outcome->recognising = 1;
}

static void test_outcome(void **state)
{
    static const uint8_t reference[16] = {1};
    const struct hand hands[] = {MEMBER(2), MEMBER(1)};
    struct people net;
    struct hash32 id = support_learner(1);
    Xuelian__Outcome outcome;
    Xuelian__Correction correction = XUELIAN__CORRECTION__INIT;
    (void)state;
    people_open(&net);
    people_account(&net, 1, 0);
    fill(&outcome, &id, reference);
    assert_int_equal(
        people_submit(&net, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &outcome.base, hands, 2), ST_OK);
    struct hash32 version = people_hash(&net, 1, 1);
    outcome.site = 8;
    correction.account = field_borrow(&id, 32);
    correction.item = 1;
    correction.version_hash = field_borrow(&version, 32);
    correction.reason = XUELIAN__ITEM_REASON__ITEM_REASON_MISTAKE;
    correction.outcome = &outcome;
    assert_int_equal(
        people_submit(&net, XUELIAN__TX_KIND__TX_KIND_CORRECT, &correction.base, hands, 2), ST_OK);
    act_on(&net, XUELIAN__TX_KIND__TX_KIND_SUSPEND);
    act_on(&net, XUELIAN__TX_KIND__TX_KIND_RESTORE);
    act_on(&net, XUELIAN__TX_KIND__TX_KIND_REVOKE);
    people_close(&net);
}

static void set_all(Xuelian__Genesis *genesis)
{
    genesis->params->approvals_members = 1;
    genesis->params->approvals_registries = 1;
    genesis->params->approvals_courses = 1;
    genesis->params->approvals_rules = 1;
    genesis->params->approvals_params = 1;
    genesis->params->approvals_validators = 1;
}

/* A node that starts again reads its parameters. */
static void test_params(void **state)
{
    static struct governed network;
    (void)state;
    governed_open(&network, set_all);
    governed_advance(&network, 1);
    governed_reopen(&network);
    governed_advance(&network, 1);
    assert_int_equal(ledger_params(network.ledger)->approvals_validators, 1);
    governed_close(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_outcome),
                                       cmocka_unit_test(test_params)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
