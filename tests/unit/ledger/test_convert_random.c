/* Random sequences of everything that touches conversions and points, legal or not: after each transaction that is refused
 * the state root is what it was, and every few transactions the audit works everything out again from the items. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/state/items.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/convert_audit.h"
#include "tests/unit/ledger/model/shadow.h"
#include "tests/unit/ledger/prover.h"

enum {
    LEARNERS = 6,
    RULES = 5,
    ENTRIES = 2,
    L = NET_LEARNER,
    AUDIT_EVERY = 25,
    PROVE_EVERY = 1200
};

static struct net net;
static Xuelian__Rule rules[RULES];
static Xuelian__CatalogueEntry entries[ENTRIES];
static uint32_t seed;
static uint32_t today;
static unsigned codes_seen[300];
static unsigned kinds_done[80];
static struct prover prover;
static uint8_t genesis_bytes[32768];
static unsigned signed_seen[256]; /* in proofs, by kind */
static unsigned decided_again[2]; /* conversions, not granted and granted */

static uint32_t pick(uint32_t count)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % count;
}

static bool rarely(uint32_t n)
{
    return pick(n) == 0;
}

static void make_case(void)
{
    net_conversion(&rules[0], 10); /* decided, consuming */
    rules[0].ceiling = 600;
    net_conversion(&rules[1], 11); /* automatic, into the same programme, does not consume */
    rules[1].automatic = true;
    rules[1].consuming = false;
    rules[1].ratio_num = 2;
    rules[1].ratio_den = 3;
    rules[1].ceiling = 80;
    net_conversion(&rules[2], 12); /* automatic, consuming, of hours, into another */
    rules[2].automatic = true;
    rules[2].basis = XUELIAN__RULE_BASIS__RULE_BASIS_HOURS;
    rules[2].ratio_num = 7;
    rules[2].ratio_den = 160;
    rules[2].programme = 12;
    rules[2].ceiling = 60;
    rules[2].grade_band = 2;
    net_accrual(&rules[3], 20);
    rules[3].yearly_ceiling = 60;
    rules[3].ceiling = 150;
    rules[3].life = 3;
    net_accrual(&rules[4], 21);
    rules[4].basis = XUELIAN__RULE_BASIS__RULE_BASIS_OUTCOME;
    rules[4].ratio_num = 15;
    rules[4].ratio_den = 1;
    rules[4].life = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        net_entry(&entries[i], 30 + i);
    }
    entries[0].price = 25;
    entries[0].stock = 9;
    entries[0].person_limit = 2;
    entries[1].price = 3;
    entries[1].stock = 30;
    entries[1].person_limit = 0;
}

/* ---- one transaction ---- */

struct draft {
    struct hash32 learner;
    struct hash32 hashes[3];
    Xuelian__ItemAct act;
    Xuelian__Outcome outcome;
    Xuelian__ConversionApplication application;
    Xuelian__SourceUse uses[3];
    Xuelian__SourceUse *use_pointers[3];
    Xuelian__ConversionDecision decision;
    Xuelian__PointsAccrual accrual;
    Xuelian__PointsRedemption redemption;
    uint8_t reference[16];
};

/* The kind of item that a kind of transaction acts on, and the status in which it may (0: any). */
static Xuelian__ItemKind acts_on(Xuelian__TxKind kind)
{
    return (uint32_t)kind >= 50   ? XUELIAN__ITEM_KIND__ITEM_KIND_POINTS
           : (uint32_t)kind >= 40 ? XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION
                                  : XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME;
}

static uint32_t acts_when(Xuelian__TxKind kind)
{
    switch ((uint32_t)kind) {
    case XUELIAN__TX_KIND__TX_KIND_RESTORE:
        return XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED;
    case XUELIAN__TX_KIND__TX_KIND_CONVERSION_DECIDE:
    case XUELIAN__TX_KIND__TX_KIND_CONVERSION_WITHDRAW:
    case XUELIAN__TX_KIND__TX_KIND_POINTS_FULFIL:
    case XUELIAN__TX_KIND__TX_KIND_POINTS_CANCEL:
        return XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED;
    case XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPEAL:
        return XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED;
    case XUELIAN__TX_KIND__TX_KIND_CONVERSION_REVIEW:
    case XUELIAN__TX_KIND__TX_KIND_POINTS_UPHOLD:
        return XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW;
    default:
        return 0;
    }
}

static bool fits(struct overlay *overlay, const struct account *account, uint64_t item,
                 Xuelian__ItemKind kind, uint32_t status)
{
    uint64_t memory[512];
    struct arena arena;
    struct bytes bytes;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(items_get(overlay, account, item, &bytes), ST_OK);
    assert_int_equal(canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena),
                     ST_OK);
    const Xuelian__ItemVersion *version = (const Xuelian__ItemVersion *)(const void *)message;
    return version->kind == kind && (status == 0 || (uint32_t)version->status == status);
}

/* An item that fits, most times when there is one. */
static uint64_t any_item(uint32_t learner, Xuelian__ItemKind kind, uint32_t status)
{
    struct account account = net_read_account(&net, learner);
    struct overlay *overlay = overlay_new(net.kv);
    uint64_t last = account.items.size;
    uint64_t item = last + 1;
    for (uint32_t tries = rarely(20) ? 1 : 40; tries > 0 && last > 0; tries--) {
        item = 1 + pick((uint32_t)last);
        if (fits(overlay, &account, item, kind, status)) {
            break;
        }
    }
    overlay_free(overlay);
    return item;
}

static ProtobufCBinaryData newest_hash(uint32_t learner, uint64_t item, struct hash32 *hash)
{
    uint64_t memory[512];
    if (item >= 1 && item <= net_last(&net, learner)) {
        net_item(&net, learner, item, memory, hash);
    }
    hash->bytes[9] ^= rarely(50) ? 1 : 0;
    return field_borrow(hash, 32);
}

static const ProtobufCMessage *make_outcome(struct draft *d)
{
    static uint32_t references;
    be32_put(d->reference, ++references);
    support_outcome(&d->outcome, &d->learner);
    d->outcome.course = 0;
    d->outcome.course_version = 0;
    d->outcome.credits = 50 + pick(400);
    d->outcome.hours = 1000 + pick(6000);
    d->outcome.grade_band = pick(4);
    d->outcome.expiry_date = rarely(4) ? 20270101 : 0;
    d->outcome.kind = rarely(6) ? XUELIAN__OUTCOME_KIND__OUTCOME_KIND_CERTIFICATE
                                : XUELIAN__OUTCOME_KIND__OUTCOME_KIND_DEGREE_COURSE;
    d->outcome.reference = field_borrow(d->reference, 16);
    return &d->outcome.base;
}

static const ProtobufCMessage *make_application(struct draft *d, uint32_t learner)
{
    uint64_t item = 0;
    xuelian__conversion_application__init(&d->application);
    d->application.account = field_borrow(&d->learner, 32);
    d->application.rule = 10 + pick(rarely(10) ? 12 : 3);
    d->application.sources = d->use_pointers;
    d->application.n_sources = rarely(30) ? 0 : 1 + pick(rarely(2) ? 3 : 1);
    for (size_t i = 0; i < d->application.n_sources; i++) {
        uint64_t next = any_item(learner, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, 0);
        item = next > item || rarely(20) ? next : item + 1;
        xuelian__source_use__init(&d->uses[i]);
        d->use_pointers[i] = &d->uses[i];
        d->uses[i].item = item;
        d->uses[i].used = rarely(3) ? pick(4000) : pick(rarely(3) ? 25 : 250);
        d->uses[i].version_hash = newest_hash(learner, item, &d->hashes[i]);
    }
    return &d->application.base;
}

static const ProtobufCMessage *make_decision(struct draft *d, uint32_t learner,
                                             Xuelian__TxKind kind)
{
    xuelian__conversion_decision__init(&d->decision);
    d->decision.account = field_borrow(&d->learner, 32);
    d->decision.item = any_item(learner, acts_on(kind), acts_when(kind));
    d->decision.version_hash = newest_hash(learner, d->decision.item, &d->hashes[0]);
    d->decision.granted = !rarely(3);
    d->decision.reason = d->decision.granted != rarely(20)
                             ? XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED
                             : XUELIAN__ITEM_REASON__ITEM_REASON_STANDARD;
    return &d->decision.base;
}

static const ProtobufCMessage *make_accrual(struct draft *d, uint32_t learner)
{
    xuelian__points_accrual__init(&d->accrual);
    d->accrual.account = field_borrow(&d->learner, 32);
    d->accrual.rule = 20 + pick(rarely(10) ? 4 : 2);
    d->accrual.item = any_item(learner, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, 0);
    d->accrual.version_hash = newest_hash(learner, d->accrual.item, &d->hashes[0]);
    return &d->accrual.base;
}

static const ProtobufCMessage *make_redemption(struct draft *d)
{
    xuelian__points_redemption__init(&d->redemption);
    d->redemption.account = field_borrow(&d->learner, 32);
    d->redemption.entry = 30 + pick(rarely(6) ? 4 : ENTRIES);
    d->redemption.quantity = pick(d->redemption.entry == 30 ? 3 : 20);
    return &d->redemption.base;
}

static const ProtobufCMessage *make_act(struct draft *d, uint32_t learner, Xuelian__TxKind kind)
{
    xuelian__item_act__init(&d->act);
    d->act.account = field_borrow(&d->learner, 32);
    d->act.item = any_item(learner, acts_on(kind), acts_when(kind));
    d->act.version_hash = newest_hash(learner, d->act.item, &d->hashes[0]);
    d->act.reason = rarely(20) ? XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED
                               : XUELIAN__ITEM_REASON__ITEM_REASON_WISH;
    return &d->act.base;
}

/* Who would sign each kind; LEARNER: the learner. */
enum { LEARNER = 0 };
static const struct {
    Xuelian__TxKind kind;
    uint32_t signer;
    uint32_t weight;
} kinds[] = {{XUELIAN__TX_KIND__TX_KIND_DEPOSIT, 2, 8},
             {XUELIAN__TX_KIND__TX_KIND_REVOKE, 2, 1},
             {XUELIAN__TX_KIND__TX_KIND_SUSPEND, 2, 2},
             {XUELIAN__TX_KIND__TX_KIND_RESTORE, 2, 4},
             {XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY, LEARNER, 16},
             {XUELIAN__TX_KIND__TX_KIND_CONVERSION_DECIDE, 2, 12},
             {XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPEAL, LEARNER, 5},
             {XUELIAN__TX_KIND__TX_KIND_CONVERSION_REVIEW, 2, 10},
             {XUELIAN__TX_KIND__TX_KIND_CONVERSION_WITHDRAW, LEARNER, 3},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_ACCRUE, LEARNER, 16},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_REDEEM, LEARNER, 8},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_FULFIL, 4, 6},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_CANCEL, LEARNER, 6},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_REVERSE, 1, 4},
             {XUELIAN__TX_KIND__TX_KIND_POINTS_UPHOLD, 1, 5}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static uint32_t pick_kind(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < KINDS; i++) {
        sum += kinds[i].weight;
    }
    uint32_t at = pick(sum);
    uint32_t i = 0;
    while (at >= kinds[i].weight) {
        at -= kinds[i++].weight;
    }
    return i;
}

static const ProtobufCMessage *make(struct draft *d, Xuelian__TxKind kind, uint32_t learner)
{
    d->learner = support_learner(learner);
    if (kind == XUELIAN__TX_KIND__TX_KIND_DEPOSIT) {
        return make_outcome(d);
    }
    if (kind == XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY) {
        return make_application(d, learner);
    }
    if (kind == XUELIAN__TX_KIND__TX_KIND_CONVERSION_DECIDE ||
        kind == XUELIAN__TX_KIND__TX_KIND_CONVERSION_REVIEW) {
        return make_decision(d, learner, kind);
    }
    if (kind == XUELIAN__TX_KIND__TX_KIND_POINTS_ACCRUE) {
        return make_accrual(d, learner);
    }
    return kind == XUELIAN__TX_KIND__TX_KIND_POINTS_REDEEM ? make_redemption(d)
                                                           : make_act(d, learner, kind);
}

static void run_one(void)
{
    struct draft draft = {.learner = {{0}}};
    uint32_t learner = 1 + pick(LEARNERS);
    uint32_t which = pick_kind();
    uint32_t signer = kinds[which].signer == LEARNER ? L + learner : kinds[which].signer;
    struct hash32 before = ledger_tip(net.ledger)->state_root;
    if (rarely(25)) {
        signer = rarely(2) ? 1 + pick(6) : L + 1 + pick(LEARNERS);
    }
    if (rarely(12)) {
        net.time_ms = ledger_tip(net.ledger)->time_ms + (uint64_t)pick(10) * 86400000;
    }
    uint32_t code =
        net_submit(&net, kinds[which].kind, make(&draft, kinds[which].kind, learner), signer);
    today = date_of_time(ledger_tip(net.ledger)->time_ms);
    codes_seen[code]++;
    kinds_done[kinds[which].kind] += code == ST_OK;
    if (code != ST_OK) {
        assert_memory_equal(&ledger_tip(net.ledger)->state_root, &before, 32);
    }
}

static void keep(uint64_t height, const struct bytes *txs, uint32_t count)
{
    prover_keep(&prover, height, txs, count);
}

/* Every conversion is decided again by the verifier, from a few items and from the whole archive. */
static void prove_conversions(const struct hash32 *learner, uint32_t count)
{
    for (uint32_t k = 1; k <= count; k++) {
        assert_int_equal(prover_account(&prover, learner, k), ST_OK);
        if (prover.result.items[0].kind != VERIFY_ITEM_CONVERSION) {
            continue;
        }
        prover.unsigned_too = k % 2 == 1;
        assert_int_equal(prover_conversion(&prover, learner, k, false), ST_OK);
        assert_false(prover.result.conversion.totals_proved);
        assert_int_equal(prover_conversion(&prover, learner, k, true), ST_OK);
        assert_int_equal(prover.result.conversion.totals_proved, prover.result.conversion.granted);
        decided_again[prover.result.conversion.granted]++;
        prover.unsigned_too = false;
    }
}

/* The verifier, from the archives alone, comes to what the audit found in the state. */
static void prove_all(const struct audit_counts *counts)
{
    uint64_t granted = 0;
    uint64_t held = 0;
    for (uint32_t i = 1; i <= LEARNERS; i++) {
        struct hash32 learner = support_learner(i);
        assert_int_equal(prover_account(&prover, &learner, 0), ST_OK);
        assert_int_equal(prover.result.totals_state, VERIFY_TOTALS_EQUAL);
        held += prover.result.points_held;
        uint32_t count = prover.result.items_shown;
        for (uint32_t k = 0; k < count; k++) {
            const struct verify_item *item = &prover.result.items[k];
            signed_seen[item->signed_kind]++;
            granted += item->kind == VERIFY_ITEM_CONVERSION &&
                       (item->status == VERIFY_ITEM_VALID || item->status == VERIFY_ITEM_REVIEW);
        }
        prove_conversions(&learner, count);
    }
    assert_int_equal(granted, counts->granted);
    assert_int_equal(held, counts->remaining);
}

static void run(uint32_t first, uint32_t count)
{
    Xuelian__Rule *rule_pointers[RULES];
    Xuelian__CatalogueEntry *entry_pointers[ENTRIES];
    const struct audit_case of = {.rules = rules,
                                  .rule_count = RULES,
                                  .entries = entries,
                                  .entry_count = ENTRIES,
                                  .learners = LEARNERS};
    struct audit_counts counts = {.granted = 0};
    make_case();
    for (uint32_t i = 0; i < RULES; i++) {
        rule_pointers[i] = &rules[i];
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entry_pointers[i] = &entries[i];
    }
    seed = first;
    shadow_watch();
    net_open(&net, rule_pointers, RULES, entry_pointers, ENTRIES);
    size_t size = net_genesis_bytes(genesis_bytes, rule_pointers, RULES, entry_pointers, ENTRIES);
    prover_open(&prover, net.kv, &net.genesis, bytes_of(genesis_bytes, size));
    net.keep = keep;
    for (uint32_t i = 1; i <= LEARNERS; i++) {
        net_account(&net, i, true);
    }
    for (uint32_t i = 1; i <= count; i++) {
        run_one();
        if (i % AUDIT_EVERY == 0) {
            counts = convert_audit(&net, &of, today);
            if (i % PROVE_EVERY == 0) {
                prove_all(&counts);
            }
        }
    }
    print_message("seed %u until %u: %u conversions, %u lots, %u units, %u points\n",
                  (unsigned)first, (unsigned)today, (unsigned)counts.granted, (unsigned)counts.lots,
                  (unsigned)counts.redeemed, (unsigned)counts.remaining);
    assert_int_equal(shadow_blocks(), ledger_tip(net.ledger)->height);
    shadow_close();
    prover_close(&prover);
    net_close(&net);
}

static void test_random_sequences(void **state)
{
    static const enum status codes[] = {
        ST_NOT_ALLOWED,     ST_BAD_FIELD,    ST_UNKNOWN_ITEM,     ST_WRONG_STATE,
        ST_WRONG_VERSION,   ST_UNKNOWN_RULE, ST_SOURCE_NOT_VALID, ST_SOURCE_NOT_ACCEPTED,
        ST_OUTCOME_EXPIRED, ST_SOURCE_USED,  ST_CEILING_REACHED,  ST_NOTHING_EARNED,
        ST_UNKNOWN_ENTRY,   ST_OUT_OF_STOCK, ST_PERSON_LIMIT,     ST_POINTS_SHORT,
        ST_POINTS_CEILING};
    (void)state;
    for (uint32_t i = 1; i <= 4; i++) {
        run(20261124 + i, 1200);
    }
    for (uint32_t i = 0; i < 300; i++) {
        if (codes_seen[i] != 0) {
            print_message("%u %s\n", codes_seen[i], status_name((enum status)i));
        }
    }
    /* A run that met no such case has shown nothing about it. */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes_seen[codes[i]] == 0) {
            fail_msg("no transaction had %s", status_name(codes[i]));
        }
    }
    print_message("%u granted conversions decided again, %u not granted\n", decided_again[1],
                  decided_again[0]);
    assert_true(decided_again[0] > 0 && decided_again[1] > 0);
    assert_true(signed_seen[40] > 0 && signed_seen[41] > 0 && signed_seen[43] > 0);
    for (uint32_t i = 0; i < KINDS; i++) {
        if (kinds_done[kinds[i].kind] == 0) {
            fail_msg("no transaction of kind %u was done", (unsigned)kinds[i].kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
