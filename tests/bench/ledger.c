/* How the ledger's cost grows with what it holds: see README.md.
 *
 * It fills a store like a node's (state and block log) with accounts in cohorts of 500 and records in bulk
 * deposits, and stops at 10^5, 10^6 and 10^7 records to measure deposits to cohorts and to learners at random.
 * Signatures are not in it: their cost is known and is per transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "ledger/state/state.h"
#include "ledger/store/block_log.h"
#include "proto/bytes.h"
#include "proto/convert.h"
#include "tests/bench/meter.h"
#include "tests/unit/ledger/support.h"

enum {
    COHORT = 500,
    TXS_A_BLOCK = 2,
    PER_ACCOUNT = 10,
    UPDATES = 100000,
    UPDATE_ACCOUNTS = 1000000,
    WINDOW = 300000,   /* records that a rate is measured over */
    FIRST_COHORTS = 60 /* opened before the first record */
};

struct bench {
    char state_path[512];
    char log_path[512];
    struct kv *state_kv;
    struct block_log *log;
    struct genesis genesis;
    struct ledger *ledger;
    uint32_t accounts;
    uint64_t records;
    uint32_t nonce;
    uint64_t seed;
    double building; /* processor seconds of making transactions, which clients do */
};

static uint32_t pick(struct bench *bench, uint32_t count)
{
    bench->seed = bench->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((bench->seed >> 33) % count);
}

static void give_up(const char *what, enum status status)
{
    fprintf(stderr, "bench_ledger: %s: %s\n", what, status_en(status));
    exit(1);
}

static void open_stores(struct bench *bench, const char *folder, const char *name)
{
    /* As node/store.c has them. */
    const struct kv_options state_options = {.cache_size = 128u << 20,
                                             .write_buffer_size = 128u << 20,
                                             .file_size = 8u << 20,
                                             .bloom_bits = 10,
                                             .create = true};
    const struct kv_options log_options = {
        .cache_size = 32u << 20, .write_buffer_size = 16u << 20, .bloom_bits = 10, .create = true};
    char error[512];
    struct kv *log_kv = NULL;
    snprintf(bench->state_path, sizeof bench->state_path, "%s/%s-state", folder, name);
    snprintf(bench->log_path, sizeof bench->log_path, "%s/%s-log", folder, name);
    bench->genesis = support_genesis();
    if (kv_open_leveldb(&bench->state_kv, bench->state_path, &state_options, error, sizeof error) !=
            ST_OK ||
        kv_open_leveldb(&log_kv, bench->log_path, &log_options, error, sizeof error) != ST_OK ||
        ledger_open(&bench->ledger, bench->state_kv, &bench->genesis, error, sizeof error) !=
            ST_OK ||
        block_log_open(&bench->log, log_kv, &bench->genesis.chain_id,
                       &bench->genesis.set.validators[0].key, error, sizeof error) != ST_OK) {
        fprintf(stderr, "bench_ledger: %s\n", error);
        exit(1);
    }
}

static void close_stores(struct bench *bench)
{
    ledger_close(bench->ledger);
    block_log_close(bench->log);
    kv_close(bench->state_kv);
    genesis_free(&bench->genesis);
}

/* One block as a node takes it: executed, appended to the log, applied. */
static void run_block(struct bench *bench, const struct bytes *txs, uint32_t count)
{
    static const uint8_t certificate[400]; /* of four validators, about */
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(bench->ledger),
                                       .time_ms = ledger_tip(bench->ledger)->time_ms + 1000,
                                       .txs = txs,
                                       .count = count};
    struct ledger_block *block = NULL;
    uint32_t bad = 0;
    enum status status = ledger_execute(bench->ledger, &proposal, &block, &bad);
    if (status != ST_OK) {
        give_up("a block", status);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (block->codes[i] != ST_OK || block->results[i].size > 40) {
            give_up("a transaction was refused", (enum status)block->codes[i]);
        }
    }
    status = block_log_append(bench->log, &block->header, bytes_of(certificate, sizeof certificate),
                              txs, count, (struct bytes){0}, false);
    if (status == ST_OK) {
        status = ledger_apply(bench->ledger, block);
    }
    if (status != ST_OK) {
        give_up("a block", status);
    }
}

static struct bytes make_tx(struct bench *bench, bool deposit, const uint32_t *numbers)
{
    static Xuelian__Outcome outcomes[COHORT];
    static Xuelian__AccountOpening openings[COHORT];
    static struct hash32 learners[COHORT];
    static uint8_t references[COHORT][16];
    const ProtobufCMessage *items[COHORT];
    const uint32_t member = deposit ? 2 : 1;
    for (uint32_t i = 0; i < COHORT; i++) {
        learners[i] = support_learner(numbers[i]);
        if (deposit) {
            struct hash32 tag;
            uint8_t row[8];
            be64_put(row, bench->records + i + 1);
            hash_plain(&tag, row, 8);
            memcpy(references[i], tag.bytes, 16);
            support_outcome(&outcomes[i], &learners[i]);
            outcomes[i].reference = field_borrow(references[i], 16);
            outcomes[i].award_date = 20200101 + 10000 * pick(bench, 6) + pick(bench, 28);
            outcomes[i].level = 1 + pick(bench, 3);
            outcomes[i].credits = 1 + pick(bench, 300);
        } else {
            support_opening(&openings[i], &learners[i], &learners[i]);
        }
        items[i] = deposit ? &outcomes[i].base : &openings[i].base;
    }
    if (deposit) {
        bench->records += COHORT;
    }
    return support_tx(&bench->genesis,
                      deposit ? XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK
                              : XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK,
                      items, COHORT, &member, 1, ledger_tip(bench->ledger)->height + 10,
                      ++bench->nonce);
}

enum choice { CHOOSE_COHORT, CHOOSE_RANDOM, CHOOSE_NEW };

static void choose(struct bench *bench, enum choice choice, uint32_t *numbers)
{
    uint32_t first =
        choice == CHOOSE_NEW ? bench->accounts : COHORT * pick(bench, bench->accounts / COHORT);
    for (uint32_t i = 0; i < COHORT; i++) {
        numbers[i] = choice == CHOOSE_RANDOM ? pick(bench, bench->accounts) : first + i;
    }
    bench->accounts += choice == CHOOSE_NEW ? COHORT : 0;
}

static void step(struct bench *bench, enum choice choice, bool deposit)
{
    struct bytes txs[TXS_A_BLOCK];
    struct meter start = meter_read();
    for (uint32_t i = 0; i < TXS_A_BLOCK; i++) {
        uint32_t numbers[COHORT];
        choose(bench, choice, numbers);
        txs[i] = make_tx(bench, deposit, numbers);
    }
    bench->building += meter_since(&start).thread_s;
    run_block(bench, txs, TXS_A_BLOCK);
    for (uint32_t i = 0; i < TXS_A_BLOCK; i++) {
        support_free(txs[i]);
    }
}

/* Accounts ahead of records, ten records an account. */
static void fill(struct bench *bench, uint64_t records)
{
    while (bench->records < records) {
        while ((uint64_t)bench->accounts * PER_ACCOUNT < bench->records + 10000) {
            step(bench, CHOOSE_NEW, false);
        }
        step(bench, CHOOSE_COHORT, true);
    }
}

static double measure(struct bench *bench, enum choice choice, uint64_t records)
{
    const uint64_t before = bench->records;
    meter_settle();
    bench->building = 0;
    struct meter start = meter_read();
    while (bench->records - before < records) {
        step(bench, choice, true);
    }
    double blocks_s = meter_since(&start).thread_s - bench->building;
    meter_settle();
    struct meter cost = meter_since(&start);
    double rate = (double)records / (cost.process_s - bench->building);
    printf("%10llu records %8u accounts  %-7s %7.0f records/s of one core (%5.1f us, of them %5.1f "
           "in blocks)  written %5.0f B/record\n",
           (unsigned long long)before, bench->accounts,
           choice == CHOOSE_COHORT ? "cohorts" : "random", rate, 1e6 / rate,
           1e6 * blocks_s / (double)records, cost.written / (double)records);
    fflush(stdout);
    return rate;
}

static void print_size(const struct bench *bench)
{
    double state = meter_folder(bench->state_path);
    double log = meter_folder(bench->log_path);
    printf("%10llu records %8u accounts  stored %5.0f B/record state, %4.0f B/record blocks; "
           "memory %.0f MB\n",
           (unsigned long long)bench->records, bench->accounts, state / (double)bench->records,
           log / (double)bench->records, meter_memory() / 1e6);
    fflush(stdout);
}

/* ---- one account's update: its record read, changed and stored, its leaf and pages hashed anew ---- */

static void update_block(struct bench *bench, bool cohort)
{
    struct state *state = NULL;
    struct hash32 root;
    enum status status = state_begin(&state, bench->state_kv, false);
    for (uint32_t half = 0; half < 2 && status == ST_OK; half++) {
        uint32_t numbers[COHORT];
        choose(bench, cohort ? CHOOSE_COHORT : CHOOSE_RANDOM, numbers);
        for (uint32_t i = 0; i < COHORT && status == ST_OK; i++) {
            struct hash32 learner = support_learner(numbers[i]);
            struct account *account = NULL;
            status = state_account(state, &learner, &account);
            if (status == ST_OK) {
                account->points++;
                account->dirty = true;
            }
        }
    }
    if (status == ST_OK) {
        status = state_finish(state, &root);
    }
    if (status == ST_OK) {
        struct kv_batch *batch = kv_batch_new();
        overlay_write(state_overlay(state), batch);
        status = kv_write(bench->state_kv, batch, false);
        kv_batch_free(batch);
    }
    state_free(state);
    if (status != ST_OK) {
        give_up("an update", status);
    }
}

static void updates(struct bench *bench, bool cohort)
{
    for (uint32_t warm = 0; warm < 2; warm++) {
        meter_settle();
        struct meter start = meter_read();
        for (uint32_t i = 0; i < UPDATES / (2 * COHORT); i++) {
            update_block(bench, cohort);
        }
        double thread_s = meter_since(&start).thread_s;
        meter_settle();
        struct meter cost = meter_since(&start);
        if (warm == 1) {
            printf("account update at %u accounts, %-7s: %5.1f us (target %d), with compaction "
                   "%5.1f us\n",
                   bench->accounts, cohort ? "cohorts" : "random", 1e6 * thread_s / UPDATES,
                   cohort ? 15 : 25, 1e6 * cost.process_s / UPDATES);
            fflush(stdout);
        }
    }
}

/* In stores of its own: the same window of the same work. */
static double rate_when_empty(const char *folder)
{
    static struct bench bench = {.seed = 20261124};
    open_stores(&bench, folder, "empty");
    for (uint32_t i = 0; i < FIRST_COHORTS / TXS_A_BLOCK; i++) {
        step(&bench, CHOOSE_NEW, false);
    }
    double rate = measure(&bench, CHOOSE_COHORT, WINDOW);
    close_stores(&bench);
    return rate;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.seed = 20261124};
    uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    bool only_updates = argc > 3 && strcmp(argv[3], "updates") == 0;
    if (argc < 2 || most < 100000) {
        fprintf(stderr, "usage: bench_ledger EMPTY-FOLDER [RECORDS [updates]]   "
                        "(RECORDS: 100000 or more; 10000000)\n");
        return 2;
    }
    double empty = only_updates ? 0 : rate_when_empty(argv[1]);
    open_stores(&bench, argv[1], "grown");
    for (uint64_t records = 100000; !only_updates && records <= most; records *= 10) {
        fill(&bench, records);
        meter_settle();
        print_size(&bench);
        double cohorts = measure(&bench, CHOOSE_COHORT, WINDOW);
        printf("%10llu records: cohorts at %.2f of the rate when empty\n",
               (unsigned long long)records, cohorts / empty);
        measure(&bench, CHOOSE_RANDOM, WINDOW);
    }
    while (bench.accounts < UPDATE_ACCOUNTS) {
        step(&bench, CHOOSE_NEW, false);
    }
    updates(&bench, true);
    updates(&bench, false);
    close_stores(&bench);
    return 0;
}
