/* What more than f validators could sign and a verifier must not swallow: items that say what none of their kind can, that
 * do not fit together or with the summary, conversions that do not follow from rule and sources. Each is certified like the
 * truth, and refused for its reason. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/convert.h"
#include "proto/tx_points.pb-c.h"
#include "tests/unit/ledger/net.h"
#include "tests/unit/ledger/prover.h"
#include "tests/unit/ledger/reseal.h"

/* Items: 1 an outcome, 2 a conversion of it, 3 a lot earned with it, 4 a redemption, 5 another conversion. */
enum { RULE = 10, POINTS = 11, ENTRY = 1, LEARNER = 1, AWARDED = 20250701 };
enum { OUTCOME_1, CONVERSION_2, LOT_3, REDEMPTION_4, CONVERSION_5 };

static struct net net;
static struct prover prover;

#define OUTCOME(r, i)    ((Xuelian__Outcome *)(void *)(r)->contents[i])
#define CONVERSION(r, i) ((Xuelian__Conversion *)(void *)(r)->contents[i])
#define ENTRY_OF(r, i)   ((Xuelian__PointsEntry *)(void *)(r)->contents[i])
#define STATUS(name)     XUELIAN__ITEM_STATUS__ITEM_STATUS_##name

static void truth(struct resealing *r)
{
    (void)r;
}
static void conversion_suspended(struct resealing *r)
{
    r->versions[CONVERSION_2]->status = STATUS(SUSPENDED);
}
static void conversion_of_nothing(struct resealing *r)
{
    CONVERSION(r, CONVERSION_2)->credits = 0;
}
static void conversion_unused(struct resealing *r)
{
    CONVERSION(r, CONVERSION_2)->sources[0]->used = 0;
}
static void conversion_applied_and_granted(struct resealing *r)
{
    r->versions[CONVERSION_2]->status = STATUS(APPLIED);
}
static void conversion_of_conversion(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->sources[0]->item = 2;
}
static void conversion_of_missing(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->sources[0]->item = 9;
}
static void born_revoked(struct resealing *r)
{
    r->versions[OUTCOME_1]->status = STATUS(REVOKED);
}
/* As if it had been changed, the version before not shown. */
static void changed_to(struct resealing *r, size_t item, Xuelian__ItemStatus status)
{
    uint8_t *previous = calloc(1, 32);
    assert_non_null(previous);
    r->versions[item]->status = status;
    r->versions[item]->number = 2;
    r->versions[item]->previous_hash = (ProtobufCBinaryData){32, previous};
}
static void source_revoked(struct resealing *r)
{
    changed_to(r, OUTCOME_1, STATUS(REVOKED));
}
static void other_learner(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->account.data[0] ^= 1;
}
static void no_issuer(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->issuer = 0;
}
static void more_credits(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->credits += 100;
}
static void lot_larger(struct resealing *r)
{
    ENTRY_OF(r, LOT_3)->remaining += 1000;
}
static void lot_smaller(struct resealing *r)
{
    ENTRY_OF(r, LOT_3)->remaining--;
}
static void lot_both(struct resealing *r)
{
    ENTRY_OF(r, LOT_3)->remaining--;
    ENTRY_OF(r, LOT_3)->points--;
}
static void lot_moved(struct resealing *r)
{
    ENTRY_OF(r, LOT_3)->type = XUELIAN__POINTS_TYPE__POINTS_TYPE_MOVED;
}
static void lot_of_lot(struct resealing *r)
{
    ENTRY_OF(r, LOT_3)->source_item = 3;
}
static void part_of_outcome(struct resealing *r)
{
    ENTRY_OF(r, REDEMPTION_4)->parts[0]->item = 1;
}
static void parts_do_not_add(struct resealing *r)
{
    ENTRY_OF(r, REDEMPTION_4)->parts[0]->points--;
}
static void redemption_cancelled(struct resealing *r)
{
    changed_to(r, REDEMPTION_4, STATUS(REVOKED));
}
static void redemption_valid(struct resealing *r)
{
    r->versions[REDEMPTION_4]->status = STATUS(VALID);
}
static void dispute_of_none(struct resealing *r)
{
    r->versions[OUTCOME_1]->dispute = 3;
}
static void summary_points(struct resealing *r)
{
    r->summary->points++;
}
static void summary_applications(struct resealing *r)
{
    r->summary->applications++;
}
static void summary_linked(struct resealing *r)
{
    r->summary->linked = 1;
}
static void summary_key(struct resealing *r)
{
    r->summary->key_item = 2;
}
static void summary_merged(struct resealing *r)
{
    uint8_t *other = calloc(1, 32);
    assert_non_null(other);
    r->summary->merged_into = (ProtobufCBinaryData){32, other};
}

/* Of conversion proofs. */
static void one_credit_more(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->credits++;
}
static void all_used_twice(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->sources[0]->used = 401;
}
static void forgets_what_was_used(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->sources[0]->used_before = 0;
}
static void forgets_the_total(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->rule_total = 0;
}
static void forgets_the_programme(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->programme_total++;
}
static void over_the_ceiling(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->rule_total = 100000000;
}
static void before_the_rule(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->applied_date = 20251231;
}
static void decided_before_applied(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->decided_date = 20260101;
    CONVERSION(r, CONVERSION_5)->applied_date = 20260102;
}
static void another_rule(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->rule = POINTS;
}
static void another_version(struct resealing *r)
{
    CONVERSION(r, CONVERSION_5)->sources[0]->version_hash.data[0] ^= 1;
}
static void source_of_another_kind(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_COMMUNITY;
}
static void source_expired(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->expiry_date = 20251231;
}
static void source_later(struct resealing *r)
{
    r->versions[OUTCOME_1]->height = r->versions[CONVERSION_5]->height + 1;
}
static void source_smaller(struct resealing *r)
{
    OUTCOME(r, OUTCOME_1)->credits = 200;
}

#define LIE(conversion, make, fault)                  \
    {                                                 \
#make, make, conversion, VERIFY_FAULT_##fault \
    }
static const struct lie {
    const char *name;
    void (*make)(struct resealing *r);
    bool conversion; /* of a conversion proof, without the summary; else of an archive */
    enum verify_fault fault;
} lies[] = {
    LIE(false, truth, NONE),
    LIE(false, conversion_suspended, ITEM_STATUS),
    LIE(false, conversion_of_nothing, ITEM_CONTENT),
    LIE(false, conversion_unused, ITEM_CONTENT),
    LIE(false, conversion_applied_and_granted, ITEM_CONTENT),
    LIE(false, conversion_of_conversion, ITEM_REFERENCE),
    LIE(false, conversion_of_missing, ITEM_REFERENCE),
    LIE(false, born_revoked, ITEM_STATUS),
    LIE(false, source_revoked, ITEM_RESTS),
    LIE(false, other_learner, ITEM_PLACE),
    LIE(false, no_issuer, PROOF_ENCODING),
    LIE(false, more_credits, TOTALS),
    LIE(false, lot_larger, ITEM_CONTENT),
    LIE(false, lot_smaller, POINTS),
    LIE(false, lot_both, TOTALS),
    LIE(false, lot_moved, ITEM_CONTENT),
    LIE(false, lot_of_lot, ITEM_REFERENCE),
    LIE(false, part_of_outcome, ITEM_REFERENCE),
    LIE(false, parts_do_not_add, ITEM_CONTENT),
    LIE(false, redemption_cancelled, POINTS),
    LIE(false, redemption_valid, ITEM_STATUS),
    LIE(false, dispute_of_none, ITEM_REFERENCE),
    LIE(false, summary_points, TOTALS),
    LIE(false, summary_applications, SUMMARY_ITEMS),
    LIE(false, summary_linked, SUMMARY_ITEMS),
    LIE(false, summary_key, SUMMARY_ITEMS),
    LIE(false, summary_merged, SUMMARY_ITEMS),
    LIE(true, truth, NONE),
    LIE(true, one_credit_more, CONVERSION_AMOUNT),
    LIE(true, all_used_twice, CONVERSION_AMOUNT),
    LIE(true, forgets_what_was_used, CONVERSION_TOTALS),
    LIE(true, forgets_the_total, CONVERSION_TOTALS),
    LIE(true, forgets_the_programme, CONVERSION_TOTALS),
    LIE(true, over_the_ceiling, CONVERSION_AMOUNT),
    LIE(true, before_the_rule, CONVERSION_RULE),
    LIE(true, decided_before_applied, CONVERSION_RULE),
    LIE(true, another_rule, CONVERSION_PARTS),
    LIE(true, another_version, CONVERSION_PARTS),
    LIE(true, source_of_another_kind, CONVERSION_SOURCE),
    LIE(true, source_expired, CONVERSION_SOURCE),
    LIE(true, source_later, CONVERSION_SOURCE),
    LIE(true, source_smaller, CONVERSION_AMOUNT),
};

static void submit(Xuelian__TxKind kind, const ProtobufCMessage *payload)
{
    assert_int_equal(net_submit(&net, kind, payload, NET_LEARNER + LEARNER), ST_OK);
}

static void convert(const struct hash32 *learner, uint32_t used)
{
    Xuelian__ConversionApplication application = XUELIAN__CONVERSION_APPLICATION__INIT;
    Xuelian__SourceUse use = XUELIAN__SOURCE_USE__INIT;
    Xuelian__SourceUse *uses[] = {&use};
    struct hash32 hash;
    uint64_t memory[512];
    net_item(&net, LEARNER, 1, memory, &hash);
    use.item = 1;
    use.version_hash = field_borrow(&hash, 32);
    use.used = used;
    application.account = field_borrow(learner, 32);
    application.rule = RULE;
    application.sources = uses;
    application.n_sources = 1;
    submit(XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY, &application.base);
}

static void earn_and_redeem(const struct hash32 *learner)
{
    Xuelian__PointsAccrual accrual = XUELIAN__POINTS_ACCRUAL__INIT;
    Xuelian__PointsRedemption redemption = XUELIAN__POINTS_REDEMPTION__INIT;
    struct hash32 hash;
    uint64_t memory[512];
    net_item(&net, LEARNER, 1, memory, &hash);
    accrual.account = field_borrow(learner, 32);
    accrual.rule = POINTS;
    accrual.item = 1;
    accrual.version_hash = field_borrow(&hash, 32);
    submit(XUELIAN__TX_KIND__TX_KIND_POINTS_ACCRUE, &accrual.base);
    redemption.account = field_borrow(learner, 32);
    redemption.entry = ENTRY;
    redemption.quantity = 1;
    submit(XUELIAN__TX_KIND__TX_KIND_POINTS_REDEEM, &redemption.base);
}

static int start(void **state)
{
    static uint8_t genesis[32768];
    Xuelian__Rule conversion;
    Xuelian__Rule accrual;
    Xuelian__CatalogueEntry entry;
    Xuelian__Rule *rules[] = {&conversion, &accrual};
    Xuelian__CatalogueEntry *entries[] = {&entry};
    struct hash32 learner = support_learner(LEARNER);
    (void)state;
    net_conversion(&conversion, RULE);
    conversion.automatic = true;
    net_accrual(&accrual, POINTS);
    net_entry(&entry, ENTRY);
    entry.price = 10;
    size_t size = net_genesis_bytes(genesis, rules, 2, entries, 1);
    net_open(&net, rules, 2, entries, 1);
    prover_open(&prover, net.kv, &net.genesis, bytes_of(genesis, size));
    prover.unsigned_too = true;
    net_account(&net, LEARNER, true);
    net_deposit(&net, LEARNER, 400, AWARDED);
    convert(&learner, 100);
    earn_and_redeem(&learner);
    convert(&learner, 150);
    assert_int_equal(net_last(&net, LEARNER), CONVERSION_5 + 1);
    net_account(&net, LEARNER + 1, false); /* a block more */
    return 0;
}

static int stop(void **state)
{
    (void)state;
    prover_close(&prover);
    net_close(&net);
    return 0;
}

static void test_lies(void **state)
{
    static struct verify_result result;
    struct hash32 learner = support_learner(LEARNER);
    uint32_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct resealing open;
        const struct lie *lie = &lies[i];
        assert_int_equal(lie->conversion
                             ? prover_conversion(&prover, &learner, CONVERSION_5 + 1, true)
                             : prover_account(&prover, &learner, 0),
                         ST_OK);
        reseal_open(&open, prover.proof);
        if (lie->conversion) {
            xuelian__account_summary__free_unpacked(open.summary, NULL);
            open.summary = NULL;
        }
        lie->make(&open);
        struct bytes proof = reseal_close(&open, prover.genesis);
        size_t room = VERIFY_SCRATCH_SIZE(prover.genesis_bytes.size, proof.size);
        void *scratch = malloc(room);
        assert_non_null(scratch);
        verify_proof(&result, prover.genesis_bytes, proof, NULL, scratch, room);
        if (result.fault != lie->fault) {
            print_error("%s: %s, not %s\n", lie->name, verify_fault_name(result.fault),
                        verify_fault_name(lie->fault));
        }
        wrong += result.fault != lie->fault;
        free(scratch);
        support_free(proof);
    }
    assert_int_equal(wrong, 0);
    print_message("%zu certified lies\n", sizeof lies / sizeof lies[0] - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_lies, start, stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
