/* Proofs that the ledger builds, held against the verifier, which shares no code with the builder. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/proof.h"
#include "ledger/statistics_view.h"
#include "ledger/verify/xuelian_verify.h"
#include "proto/bytes.h"
#include "proto/quorum.h"
#include "tests/unit/ledger/support.h"

enum { LEARNERS = 40, OUTCOMES_EACH = 6 };

static struct kv *kv;
static struct genesis genesis;
static uint8_t genesis_bytes[8192];
static size_t genesis_size;
static struct ledger *ledger;
static struct bytes txs[1 + OUTCOMES_EACH];
static struct ledger_view view;
static uint8_t certificate_bytes[CERTIFICATE_SIZE_MAX];
static struct proof_anchor anchor;
static const struct hash32 identity = {{5}};

static struct bytes many; /* deposits many outcomes into one account */
static uint64_t many_height;
static uint32_t get_tx_count;

static enum status get_tx(void *context, uint64_t height, uint32_t index, uint8_t **bytes,
                          size_t *size)
{
    (void)context;
    get_tx_count++;
    if (height < 1 || index != 0 || (height > 1 + OUTCOMES_EACH && height != many_height)) {
        return ST_NOT_FOUND;
    }
    struct bytes tx = height == many_height ? many : txs[height - 1];
    *bytes = malloc(tx.size);
    memcpy(*bytes, tx.data, tx.size);
    *size = tx.size;
    return ST_OK;
}

static const struct proof_source source = {.get_tx = get_tx};

/* Block 1 opens accounts in bulk; each further one deposits an outcome for every learner. */
static void make_txs(void)
{
    struct hash32 learners[LEARNERS];
    Xuelian__AccountOpening openings[LEARNERS];
    Xuelian__Outcome outcomes[LEARNERS];
    const ProtobufCMessage *items[LEARNERS];
    const uint32_t opener = 1;
    const uint32_t issuer = 2;
    for (uint32_t i = 0; i < LEARNERS; i++) {
        learners[i] = support_learner(i);
        support_opening(&openings[i], &learners[i], &identity);
        items[i] = &openings[i].base;
    }
    txs[0] = support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK, items, LEARNERS,
                        &opener, 1, 50, 1);
    for (uint32_t k = 0; k < OUTCOMES_EACH; k++) {
        for (uint32_t i = 0; i < LEARNERS; i++) {
            support_outcome(&outcomes[i], &learners[i]);
            outcomes[i].award_date = 20250101 + k;
            items[i] = &outcomes[i].base;
        }
        txs[1 + k] = support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, items, LEARNERS,
                                &issuer, 1, 50, 2 + k);
    }
}

static void certify(void)
{
    struct certificate certificate = {.phase = VOTE_COMMIT, .view = 3};
    struct hash32 hash;
    certificate.height = view.header.height;
    certificate.header_hash = view.hash;
    certificate.count = quorum_size(genesis.set.count);
    vote_hash(&hash, TAG_SIGN_COMMIT, &genesis.chain_id, genesis.set.era, certificate.view,
              certificate.height, &view.hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        struct signer *signer =
            support_signer((uint8_t)(100 + genesis.set.validators[i + 1].member));
        certificate.signers[i] = (uint8_t)(i + 1);
        signer_sign(signer, &hash, &certificate.signatures[i]);
        signer_free(signer);
    }
    anchor.certificate = bytes_of(
        certificate_bytes, certificate_encode(certificate_bytes, &certificate, genesis.set.count));
}

static int start(void **state)
{
    char error[256];
    (void)state;
    kv_open_memory(&kv);
    genesis_size = support_genesis_bytes(genesis_bytes, sizeof genesis_bytes);
    genesis = support_genesis();
    if (ledger_open(&ledger, kv, &genesis, error, sizeof error) != ST_OK) {
        return -1;
    }
    make_txs();
    for (int i = 0; i <= OUTCOMES_EACH; i++) {
        support_block(ledger, &txs[i], 1, NULL);
    }
    if (ledger_view_open(&view, kv) != ST_OK) {
        return -1;
    }
    certify();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i <= OUTCOMES_EACH; i++) {
        support_free(txs[i]);
    }
    ledger_view_close(&view);
    ledger_close(ledger);
    genesis_free(&genesis);
    kv_close(kv);
    return 0;
}

static enum status verify(const uint8_t *proof, size_t size, struct verify_result *result)
{
    static const struct verify_options options;
    size_t room = VERIFY_SCRATCH_SIZE(genesis_size, size);
    void *scratch = malloc(room);
    assert_non_null(scratch);
    enum status status = verify_proof(result, bytes_of(genesis_bytes, genesis_size),
                                      bytes_of(proof, size), &options, scratch, room);
    free(scratch);
    return status;
}

static void expect_holds(const uint8_t *proof, size_t size, enum verify_kind kind)
{
    struct verify_result *result = calloc(1, sizeof *result);
    assert_non_null(result);
    enum status status = verify(proof, size, result);
    if (status != ST_OK) {
        print_error("refused: %s\n", status_name(status));
    }
    assert_int_equal(status, ST_OK);
    assert_int_equal(result->kind, kind);
    assert_int_equal(result->height, 1 + OUTCOMES_EACH);
    free(result);
}

/* No single bit of a proof may change; every bit of a record proof, a sample of a long one. */
static void expect_bits_matter(uint8_t *proof, size_t size, size_t step)
{
    struct verify_result *result = calloc(1, sizeof *result);
    assert_non_null(result);
    for (size_t bit = 0; bit < size * 8; bit += step) {
        proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (verify(proof, size, result) == ST_OK) {
            fail_msg("bit %zu of %zu changed and the proof still holds", bit, size * 8);
        }
        proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    free(result);
}

static void test_record(void **state)
{
    struct hash32 learner = support_learner(17);
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    for (uint64_t item = 1; item <= OUTCOMES_EACH; item++) {
        assert_int_equal(proof_record(&view, &anchor, NULL, &learner, item, &proof, &size), ST_OK);
        assert_true(size < 2500);
        expect_holds(proof, size, VERIFY_RECORD);
        free(proof);
    }
    assert_int_equal(proof_record(&view, &anchor, &source, &learner, 3, &proof, &size), ST_OK);
    expect_holds(proof, size, VERIFY_RECORD);
    expect_bits_matter(proof, size, 7);
    free(proof);
    assert_int_equal(proof_record(&view, &anchor, NULL, &learner, 0, &proof, &size), ST_NOT_FOUND);
    assert_int_equal(proof_record(&view, &anchor, NULL, &learner, OUTCOMES_EACH + 1, &proof, &size),
                     ST_NOT_FOUND);
}

static void test_archive(void **state)
{
    struct hash32 learner = support_learner(LEARNERS - 1);
    const bool withhold[OUTCOMES_EACH] = {false, true};
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(proof_archive(&view, &anchor, NULL, &learner, NULL, &proof, &size), ST_OK);
    expect_holds(proof, size, VERIFY_ARCHIVE);
    expect_bits_matter(proof, size, 41);
    free(proof);
    assert_int_equal(proof_archive(&view, &anchor, &source, &learner, NULL, &proof, &size), ST_OK);
    expect_holds(proof, size, VERIFY_ARCHIVE);
    free(proof);
    assert_int_equal(proof_archive(&view, &anchor, NULL, &learner, withhold, &proof, &size), ST_OK);
    expect_holds(proof, size, VERIFY_ARCHIVE);
    free(proof);
}

static void test_absence(void **state)
{
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct hash32 nobody = support_learner(1000 + i);
        assert_int_equal(proof_absence(&view, &anchor, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS,
                                       bytes_of(&nobody, 32), &proof, &size),
                         ST_OK);
        expect_holds(proof, size, VERIFY_ABSENCE);
        free(proof);
    }
    struct hash32 learner = support_learner(1);
    assert_int_equal(proof_absence(&view, &anchor, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS,
                                   bytes_of(&learner, 32), &proof, &size),
                     ST_CONFLICT);
}

/* A view stays at its height while blocks are applied. */
static void test_view_is_a_snapshot(void **state)
{
    struct hash32 learner = support_learner(1);
    struct account before;
    struct account after;
    struct ledger_view newer;
    uint32_t code = 0;
    const uint32_t issuer = 2;
    Xuelian__Outcome outcome;
    const ProtobufCMessage *item = &outcome.base;
    (void)state;
    support_outcome(&outcome, &learner);
    outcome.award_date = 20240101;
    struct bytes tx =
        support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &item, 1, &issuer, 1, 50, 99);
    support_block(ledger, &tx, 1, &code);
    assert_int_equal(code, ST_OK);
    support_free(tx);
    assert_int_equal(ledger_view_account(&view, &learner, &before), ST_OK);
    assert_int_equal(before.items.size, OUTCOMES_EACH);
    assert_int_equal(ledger_view_open(&newer, kv), ST_OK);
    assert_int_equal(ledger_view_account(&newer, &learner, &after), ST_OK);
    assert_int_equal(after.items.size, OUTCOMES_EACH + 1);
    assert_int_equal(newer.header.height, view.header.height + 1);
    ledger_view_close(&newer);
}

/* Items that came in one transaction: it is read once, however many they are. */
static void test_archive_of_one_transaction(void **state)
{
    enum { MANY = 30 };
    struct hash32 learner = support_learner(2);
    Xuelian__Outcome outcomes[MANY];
    const ProtobufCMessage *items[MANY];
    const uint32_t issuer = 2;
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        support_outcome(&outcomes[i], &learner);
        outcomes[i].award_date = 20230101 + i;
        items[i] = &outcomes[i].base;
    }
    many = support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, items, MANY, &issuer, 1, 50,
                      100);
    support_block(ledger, &many, 1, NULL);
    ledger_view_close(&view);
    assert_int_equal(ledger_view_open(&view, kv), ST_OK);
    many_height = view.header.height;
    certify();
    get_tx_count = 0;
    assert_int_equal(proof_archive(&view, &anchor, &source, &learner, NULL, &proof, &size), ST_OK);
    assert_int_equal(get_tx_count, OUTCOMES_EACH + 1);
    struct verify_result *result = calloc(1, sizeof *result);
    assert_non_null(result);
    assert_int_equal(verify(proof, size, result), ST_OK);
    assert_int_equal(result->totals[0].outcomes, OUTCOMES_EACH + MANY);
    free(result);
    free(proof);
    support_free(many);
}

/* Verifies, and copies the cells out of the scratch memory. */
static void statistics_hold(const struct statistics_query *query, struct verify_result *result,
                            struct verify_cell cells[64])
{
    uint8_t *proof = NULL;
    size_t size = 0;
    assert_int_equal(proof_statistics(&view, &anchor, query, &proof, &size), ST_OK);
    size_t room = VERIFY_SCRATCH_SIZE(genesis_size, size);
    void *scratch = malloc(room);
    assert_non_null(scratch);
    if (verify_proof(result, bytes_of(genesis_bytes, genesis_size), bytes_of(proof, size), NULL,
                     scratch, room) != ST_OK) {
        fail_msg("%s", verify_fault_name(result->fault));
    }
    assert_in_range(result->cell_count, 0, 64);
    for (uint32_t i = 0; i < result->cell_count; i++) {
        cells[i] = result->cells[i];
    }
    free(scratch);
    free(proof);
}

/* What the deposits add up to, in the region, those above it, as a table, as cells and as ranges. */
static void test_statistics(void **state)
{
    struct verify_result *result = calloc(1, sizeof *result);
    struct verify_cell cells[64];
    Xuelian__Outcome outcome;
    struct hash32 learner = support_learner(0);
    uint8_t *proof = NULL;
    size_t size = 0;
    (void)state;
    assert_non_null(result);
    support_outcome(&outcome, &learner);
    struct statistics_query query = {
        .shape = STATISTICS_TABLE, .year = 2025, .region = outcome.region};
    statistics_hold(&query, result, cells);
    assert_int_equal(result->cells_shown, VERIFY_CELLS_TABLE);
    assert_int_equal(result->cell_count, 2);
    assert_int_equal(cells[0].outcomes, LEARNERS * OUTCOMES_EACH);
    assert_int_equal(cells[0].learners, LEARNERS);
    assert_int_equal(cells[1].kind, outcome.kind);
    query.shape = STATISTICS_CELL;
    query.kind = (uint32_t)outcome.kind;
    query.level = outcome.level;
    statistics_hold(&query, result, cells);
    assert_int_equal(cells[0].outcomes, LEARNERS * OUTCOMES_EACH);
    query.year = 1999;
    assert_int_equal(proof_statistics(&view, &anchor, &query, &proof, &size), ST_NOT_FOUND);
    query = (struct statistics_query){.shape = STATISTICS_RANGE, .height = 32};
    statistics_hold(&query, result, cells);
    assert_int_equal(result->cells_shown, VERIFY_CELLS_ALL);
    uint64_t total = result->cell_total;
    assert_int_equal(result->cell_count, total);
    for (query.height = 0; query.height < 3; query.height++) {
        for (query.start = 0; query.start <= total; query.start += UINT64_C(1) << query.height) {
            statistics_hold(&query, result, cells);
            assert_int_equal(result->cell_first, query.start);
        }
        assert_int_equal(proof_statistics(&view, &anchor, &query, &proof, &size), ST_NOT_FOUND);
    }
    /* A cell that is zero and always was is proved absent. */
    uint8_t key[16];
    statistics_natural_key(key, 1999, outcome.region, 0, 0);
    assert_int_equal(proof_absence(&view, &anchor, 8, bytes_of(key, sizeof key), &proof, &size),
                     ST_OK);
    expect_holds(proof, size, VERIFY_ABSENCE);
    free(proof);
    free(result);
}

/* Forty learners are enough for anyone to see; one more year has nothing. */
static void test_a_year_of_statistics(void **state)
{
    struct statistics_year year;
    (void)state;
    assert_int_equal(statistics_year_read(&view, 2025, false, &year), ST_OK);
    assert_int_equal(year.least, 10);
    assert_true(year.region_count > 0 && year.cell_count >= 2 * year.region_count);
    for (size_t i = 0; i < year.cell_count; i++) {
        assert_int_equal(year.cells[i].year, 2025);
        assert_true(i == 0 || year.cells[i - 1].region <= year.cells[i].region);
    }
    for (size_t i = 0; i < year.region_count; i++) {
        assert_int_equal(statistics_year_shows(&year, year.regions[i].code), DISCLOSURE_ALL);
    }
    assert_int_equal(statistics_year_shows(&year, 999999), DISCLOSURE_ALL);
    statistics_year_free(&year);
    for (uint32_t none = 0; none <= 1999; none += 1999) {
        assert_int_equal(statistics_year_read(&view, none, true, &year), ST_OK);
        assert_int_equal(year.cell_count, 0);
        statistics_year_free(&year);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_a_year_of_statistics),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_view_is_a_snapshot),
        cmocka_unit_test(test_archive_of_one_transaction),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
