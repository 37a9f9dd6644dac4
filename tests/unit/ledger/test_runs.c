/* Random sequences of the kinds that change accounts and outcomes. After every block: what the summaries say is what
 * the items say; whatever is valid rests on what is valid; no two outcomes that hold are the same. A refused transaction
 * leaves the state as it was, and the blocks applied to an empty ledger give the same roots. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/tx/outcome.h"
#include "proto/bytes.h"
#include "tests/unit/ledger/model/shadow.h"
#include "tests/unit/ledger/prover.h"
#include "tests/unit/ledger/runs.h"

enum { BLOCKS = 1500, TXS_MAX = 4, DAY_MS = 86400000, HELD_MAX = 4096 };

static struct run run;

/* The blocks of a run, to apply again. */
struct block_record {
    uint64_t time_ms;
    uint32_t count;
    struct bytes txs[TXS_MAX];
    uint32_t codes[TXS_MAX];
    struct header header;
};
static struct block_record *blocks;
static uint32_t block_count;
static uint32_t succeeded[64]; /* by kind */

enum { PROVE_EVERY = 100 };
static struct prover prover;
static uint32_t proved[256]; /* signatures in proofs, by kind */
static uint32_t links_equal;

/* ---- what must hold ---- */

struct held {
    uint32_t count;
    struct hash32 identities[HELD_MAX];
};
static struct held held;

static bool counts(const struct item *item)
{
    return item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID ||
           item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_CORRECTED;
}

/* An identity that an outcome holds, valid or suspended: nobody else's. */
static void hold(const Xuelian__Outcome *outcome)
{
    struct hash32 identity;
    outcome_identity(&identity, outcome);
    for (uint32_t i = 0; i < held.count; i++) {
        assert_memory_not_equal(&held.identities[i], &identity, 32);
    }
    assert_true(held.count < HELD_MAX);
    held.identities[held.count++] = identity;
}

static void check_outcome(const struct item *item, struct account *sums)
{
    struct outcome outcome;
    assert_int_equal(outcome_read(item, &outcome), ST_OK);
    if (item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED) {
        sums->applications++;
    }
    if (counts(item)) {
        struct account_total *total = &sums->totals[outcome.wire->kind];
        total->outcomes++;
        total->credits += outcome.wire->credits;
        total->hours += outcome.wire->hours;
    }
    if (counts(item) || item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED) {
        hold(outcome.wire);
    }
}

/* A valid recognition rests on the newest version of an outcome that counts. */
static void check_recognition(uint32_t learner, const struct item *item)
{
    uint64_t memory[64];
    struct arena arena;
    struct item outcome;
    ProtobufCMessage *content = NULL;
    if (!counts(item)) {
        return;
    }
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(item_content(item, &xuelian__recognition__descriptor, &arena, &content),
                     ST_OK);
    const Xuelian__Recognition *recognition = (const Xuelian__Recognition *)(void *)content;
    people_item(&run.net, learner, recognition->outcome, &outcome);
    assert_true(counts(&outcome));
    assert_memory_equal(&outcome.hash, recognition->outcome_version.data, 32);
}

/* The key changes that are in force are those that the summary names. */
static void check_key(const struct item *item, const struct account *account)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    uint64_t number = item->version->item;
    bool named = number == account->key_item || number == account->guardian_item;
    assert_int_equal(item->version->status, named ? XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID
                                                  : XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED);
    if (!named) {
        return;
    }
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(item_content(item, &xuelian__key_change__descriptor, &arena, &content), ST_OK);
    const Xuelian__KeyChange *change = (const Xuelian__KeyChange *)(void *)content;
    bool guardian = change->holder == XUELIAN__KEY_HOLDER__KEY_HOLDER_GUARDIAN;
    const struct account_key *key = guardian ? &account->guardian_key : &account->learner_key;
    assert_true(key->there);
    assert_memory_equal(change->new_key.data, &key->key, 33);
    assert_int_equal(change->until_date, guardian ? account->guardian_until : 0);
}

/* The other account is merged into this one, and holds as many items as then. */
static void check_link(const struct item *item, struct account *sums)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    uint32_t other = 0;
    assert_int_equal(item->version->kind, XUELIAN__ITEM_KIND__ITEM_KIND_LINK);
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(item_content(item, &xuelian__link__descriptor, &arena, &content), ST_OK);
    const Xuelian__Link *link = (const Xuelian__Link *)(void *)content;
    while (memcmp(&run.ids[other], link->other.data, 32) != 0) {
        assert_true(++other < RUN_LEARNERS);
    }
    struct account merged = people_read(&run.net, other);
    assert_int_equal(merged.status, XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED);
    assert_memory_equal(&merged.merged_into, item->version->account.data, 32);
    assert_int_equal(merged.items.size, link->item_count);
    sums->linked += merged.linked + 1;
}

static void check_account(uint32_t learner)
{
    struct account account = people_read(&run.net, learner);
    static struct account sums;
    memset(&sums, 0, sizeof sums);
    for (uint64_t number = 1; number <= account.items.size; number++) {
        struct item item;
        people_item(&run.net, learner, number, &item);
        assert_int_equal(item.version->item, number);
        if (item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
            check_outcome(&item, &sums);
        } else if (item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION) {
            check_recognition(learner, &item);
        } else if (item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_KEY) {
            check_key(&item, &account);
        } else {
            check_link(&item, &sums);
        }
    }
    assert_memory_equal(sums.totals, account.totals, sizeof sums.totals);
    assert_int_equal(sums.applications, account.applications);
    assert_int_equal(sums.linked, account.linked);
    assert_int_equal(account.frozen_by != 0 &&
                         account.status != XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_FROZEN,
                     0);
}

static void check_all(void)
{
    held.count = 0;
    for (uint32_t i = 1; i < RUN_LEARNERS; i++) {
        check_account(i);
    }
}

/* ---- proofs ---- */

static void count_items(const struct verify_result *result)
{
    assert_true(result->complete);
    assert_int_equal(result->totals_state, VERIFY_TOTALS_EQUAL);
    for (uint32_t i = 0; i < result->items_shown; i++) {
        proved[result->items[i].signed_kind]++;
        links_equal += result->items[i].kind == VERIFY_ITEM_LINK &&
                       result->items[i].link.state == VERIFY_LINK_EQUAL;
    }
}

/* Every archive is proved, with what was signed and the accounts merged into it. */
static void prove_all(void)
{
    for (uint32_t i = 1; i < RUN_LEARNERS; i++) {
        assert_int_equal(prover_account(&prover, &run.ids[i], 0), ST_OK);
        count_items(&prover.result);
        for (uint32_t k = 0; k < prover.result.linked_count; k++) {
            count_items(&prover.result.linked[k]);
        }
    }
}

/* ---- blocks ---- */

static void run_block(void)
{
    static struct run_draft drafts[TXS_MAX];
    struct block_record *record = &blocks[block_count++];
    struct bytes copies[TXS_MAX];
    struct hash32 before = ledger_tip(run.net.ledger)->state_root;
    bool changed = false;
    record->count = run_rarely(&run, 2) ? 1 : run_pick(&run, TXS_MAX + 1);
    record->time_ms = ledger_tip(run.net.ledger)->time_ms + (run_rarely(&run, 80) ? DAY_MS : 1000);
    for (uint32_t i = 0; i < record->count; i++) {
        run_make(&run, &drafts[i]);
        record->txs[i] = run_sign(&run, &drafts[i]);
        uint8_t *copy = malloc(record->txs[i].size);
        assert_non_null(copy);
        memcpy(copy, record->txs[i].data, record->txs[i].size);
        copies[i] = bytes_of(copy, record->txs[i].size);
    }
    prover_keep(&prover, ledger_tip(run.net.ledger)->height + 1, record->txs, record->count);
    people_block(&run.net, copies, record->count, record->codes, record->time_ms);
    record->header = *ledger_tip(run.net.ledger);
    for (uint32_t i = 0; i < record->count; i++) {
        if (record->codes[i] == ST_OK) {
            run_note(&run, &drafts[i]);
            succeeded[drafts[i].kind]++;
        }
        /* Of several items the first may be refused and others not. */
        changed = changed || record->codes[i] == ST_OK || drafts[i].item_count > 1;
    }
    if (!changed) {
        assert_memory_equal(&before, &record->header.state_root, 32);
    }
    check_all();
    if (block_count % PROVE_EVERY == 0) {
        prove_all();
    }
}

static void replay(void)
{
    struct run again;
    run_open(&again, 1);
    for (uint32_t i = 0; i < block_count; i++) {
        uint32_t codes[TXS_MAX];
        people_block(&again.net, blocks[i].txs, blocks[i].count, codes, blocks[i].time_ms);
        assert_memory_equal(codes, blocks[i].codes, blocks[i].count * sizeof codes[0]);
        assert_memory_equal(&ledger_tip(again.net.ledger)->state_root, &blocks[i].header.state_root,
                            32);
        assert_memory_equal(&ledger_tip(again.net.ledger)->result_root,
                            &blocks[i].header.result_root, 32);
    }
    run_close(&again);
}

static void test_random_runs(void **state)
{
    static const Xuelian__TxKind kinds[] = {3,  10, 11, 12, 13, 14, 15, 16, 17, 18,
                                            20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
    static const Xuelian__TxKind signed_kinds[] = {3, 20, 21, 22, 26, 27, 28};
    static uint8_t genesis_bytes[16384];
    (void)state;
    blocks = calloc(BLOCKS, sizeof *blocks);
    assert_non_null(blocks);
    shadow_watch();
    run_open(&run, 20261124);
    prover_open(&prover, run.net.kv, &run.net.genesis,
                bytes_of(genesis_bytes, people_genesis(genesis_bytes, sizeof genesis_bytes)));
    for (uint32_t i = 0; i < BLOCKS; i++) {
        run_block();
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        print_message("%s %u\n", tx_kind_of(kinds[i])->name, succeeded[kinds[i]]);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_true(succeeded[kinds[i]] >
                    0); /* a run that met no such case has shown nothing about it */
    }
    for (size_t i = 0; i < sizeof signed_kinds / sizeof signed_kinds[0]; i++) {
        print_message("%s proved %u times\n", tx_kind_of(signed_kinds[i])->name,
                      proved[signed_kinds[i]]);
        assert_true(proved[signed_kinds[i]] > 0);
    }
    assert_true(links_equal > 0);
    assert_int_equal(shadow_blocks(), ledger_tip(run.net.ledger)->height);
    shadow_close();
    replay();
    prover_close(&prover);
    run_close(&run);
    free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
