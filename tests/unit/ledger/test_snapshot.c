/* A snapshot of a state of random transactions, in many small parts: restored, it is whole, and goes on as the state that
 * it was made of; a bit altered in any part is found where it stands. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/store/block_log.h"
#include "ledger/whole/snapshot.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "tests/unit/ledger/runs.h"

enum { BLOCKS = 150, MORE = 60, TXS = 3, PARTS_MAX = 2000, SIGNERS = 3, NODE_SECRET = 100 };

static struct run run;
static struct block_log *block_log;

struct stored_part {
    uint8_t *data;
    size_t size;
};
static struct stored_part parts[PARTS_MAX];
static uint32_t part_count;

/* ---- a chain with certificates ---- */

static size_t certify(uint8_t *out, const struct validator_set *set, const struct header *header)
{
    struct certificate certificate = {.phase = VOTE_COMMIT, .height = header->height};
    struct hash32 hash;
    header_hash(&certificate.header_hash, header);
    vote_hash(&hash, TAG_SIGN_COMMIT, &header->chain_id, set->era, 0, header->height,
              &certificate.header_hash);
    for (uint8_t i = 0; i < set->count && certificate.count < SIGNERS; i++) {
        struct signer *signer = support_signer((uint8_t)(NODE_SECRET + set->validators[i].member));
        certificate.signers[certificate.count] = i;
        signer_sign(signer, &hash, &certificate.signatures[certificate.count++]);
        signer_free(signer);
    }
    return certificate_encode(out, &certificate, set->count);
}

/* The block that is being executed, until it is the tip. */
static struct bytes pending[TXS];
static uint32_t pending_count;
static uint64_t pending_height;
static struct ledger *other; /* restored: executes the same blocks */

static void follow_with_other(const struct header *header)
{
    struct ledger_proposal proposal = {.parent_hash = header->parent_hash,
                                       .time_ms = header->time_ms,
                                       .txs = pending,
                                       .count = pending_count};
    struct ledger_block *block = NULL;
    struct hash32 hash;
    uint32_t bad = 0;
    assert_int_equal(ledger_execute(other, &proposal, &block, &bad), ST_OK);
    header_hash(&hash, header);
    assert_memory_equal(&block->hash, &hash, 32);
    assert_int_equal(ledger_apply(other, block), ST_OK);
}

static void log_pending(void)
{
    uint8_t certificate[CERTIFICATE_SIZE_MAX];
    const struct header *header = ledger_tip(run.net.ledger);
    if (pending_height == 0) {
        return;
    }
    assert_int_equal(header->height, pending_height);
    size_t size = certify(certificate, ledger_set(run.net.ledger), header);
    assert_int_equal(block_log_append(block_log, header, bytes_of(certificate, size), pending,
                                      pending_count, bytes_of(NULL, 0), false),
                     ST_OK);
    if (other != NULL) {
        follow_with_other(header);
    }
    for (uint32_t i = 0; i < pending_count; i++) {
        support_free(pending[i]);
    }
    pending_height = 0;
}

static void keep(uint64_t height, const struct bytes *txs, uint32_t count)
{
    log_pending();
    assert_true(count <= TXS);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *copy = malloc(txs[i].size);
        assert_non_null(copy);
        memcpy(copy, txs[i].data, txs[i].size);
        pending[i] = bytes_of(copy, txs[i].size);
    }
    pending_count = count;
    pending_height = height;
}

static void run_blocks(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct run_draft drafts[TXS];
        struct bytes txs[TXS];
        uint32_t codes[TXS];
        for (uint32_t k = 0; k < TXS; k++) {
            run_make(&run, &drafts[k]);
            txs[k] = run_sign(&run, &drafts[k]);
        }
        people_block(&run.net, txs, TXS, codes, 0);
        for (uint32_t k = 0; k < TXS; k++) {
            if (codes[k] == ST_OK) {
                run_note(&run, &drafts[k]);
            }
        }
    }
    log_pending();
}

/* ---- making and reading ---- */

static enum status collect(void *context, const Xuelian__SnapshotPart *part, struct bytes bytes)
{
    (void)context;
    assert_true(part_count < PARTS_MAX);
    assert_true((part == NULL) == (part_count == 0));
    struct stored_part *stored = &parts[part_count++];
    stored->data = malloc(bytes.size);
    assert_non_null(stored->data);
    memcpy(stored->data, bytes.data, bytes.size);
    stored->size = bytes.size;
    return ST_OK;
}

static int start(void **state)
{
    struct kv *kv = NULL;
    struct pubkey33 key = people_key(NODE_SECRET + 1);
    struct ledger_view view;
    struct whole_report report = {.entries = 0};
    struct snapshot_out out = {.write = collect, .part_size = 4096};
    char error[256];
    (void)state;
    run = (struct run){.seed = 11};
    people_open(&run.net);
    assert_int_equal(kv_open_memory(&kv), ST_OK);
    assert_int_equal(
        block_log_open(&block_log, kv, &run.net.genesis.chain_id, &key, error, sizeof error),
        ST_OK);
    run.net.keep = keep;
    for (uint32_t i = 0; i < RUN_LEARNERS; i++) {
        run.ids[i] = support_learner(i);
        run.commitments[i] = people_commitment(i);
        run.learners[i].key = (uint8_t)(i % 2 == 1 ? 60 + i : 0);
        if (i > 0) {
            people_account(&run.net, i, run.learners[i].key);
        }
    }
    run_blocks(BLOCKS);
    assert_int_equal(ledger_view_open(&view, run.net.kv), ST_OK);
    enum status status = snapshot_make(&view, block_log, &run.net.genesis, &out, &report);
    ledger_view_close(&view);
    assert_int_equal(status, ST_OK);
    assert_true(part_count > 25);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < part_count; i++) {
        free(parts[i].data);
    }
    block_log_close(block_log);
    run_close(&run);
    return 0;
}

/* Takes all parts into an empty store; from the one of number `spoiled` on one bit is another. Returns the first status
 * that is not OK. */
static enum status restore(struct kv **kv, uint32_t spoiled, size_t bit,
                           struct whole_report *report)
{
    struct snapshot_read *read = NULL;
    *report = (struct whole_report){.entries = 0};
    assert_int_equal(kv_open_memory(kv), ST_OK);
    if (spoiled < part_count) {
        parts[spoiled].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    enum status status =
        snapshot_read_head(&read, &run.net.genesis, bytes_of(parts[0].data, parts[0].size), report);
    uint32_t at = 0;
    while (status == ST_OK && ++at < part_count) {
        status = snapshot_take(read, *kv, bytes_of(parts[at].data, parts[at].size));
    }
    if (spoiled < part_count) {
        parts[spoiled].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(at <= spoiled + 1);
    }
    if (status == ST_OK) {
        status = snapshot_finish(read, *kv);
    }
    snapshot_read_free(read);
    return status;
}

static void test_restored_and_goes_on(void **state)
{
    struct kv *kv = NULL;
    struct whole_report report;
    char error[256];
    (void)state;
    enum status status = restore(&kv, part_count, 0, &report);
    if (status != ST_OK) {
        fail_msg("not restored: %s", report.en);
    }
    support_whole(kv, &run.net.genesis);
    assert_int_equal(ledger_open(&other, kv, &run.net.genesis, error, sizeof error), ST_OK);
    assert_memory_equal(ledger_tip_hash(other), ledger_tip_hash(run.net.ledger), 32);
    run_blocks(MORE);
    assert_memory_equal(ledger_tip_hash(other), ledger_tip_hash(run.net.ledger), 32);
    ledger_close(other);
    other = NULL;
    support_whole(kv, &run.net.genesis);
    kv_close(kv);
}

/* In every part, and no later than with the last part of its index. */
static void test_every_part_is_checked(void **state)
{
    uint32_t refused = 0;
    (void)state;
    for (uint32_t i = 0; i < part_count; i += 1 + part_count / 60) {
        struct kv *kv = NULL;
        struct whole_report report;
        enum status status = restore(&kv, i, (i * 77u + 5) % (parts[i].size * 8), &report);
        assert_true(status == ST_BAD_PROOF);
        assert_int_not_equal(report.part, WHOLE_NOTHING);
        assert_true(report.zh[0] != '\0');
        refused++;
        kv_close(kv);
    }
    assert_true(refused > 25);
}

/* A part left out is missed; one that comes again changes nothing; a chunk whose parts are out of order is refused. */
static void test_order(void **state)
{
    struct kv *kv = NULL;
    struct whole_report report = {.entries = 0};
    struct snapshot_read *read = NULL;
    (void)state;
    assert_int_equal(kv_open_memory(&kv), ST_OK);
    assert_int_equal(snapshot_read_head(&read, &run.net.genesis,
                                        bytes_of(parts[0].data, parts[0].size), &report),
                     ST_OK);
    for (uint32_t i = 1; i + 1 < part_count; i++) {
        assert_int_equal(snapshot_take(read, kv, bytes_of(parts[i].data, parts[i].size)), ST_OK);
    }
    assert_int_equal(snapshot_take(read, kv, bytes_of(parts[1].data, parts[1].size)), ST_OK);
    assert_int_equal(snapshot_finish(read, kv), ST_BAD_PROOF);
    assert_string_equal(strrchr(report.en, ':'), ": parts of it are missing");
    report = (struct whole_report){.entries = 0};
    assert_int_equal(
        snapshot_take(read, kv, bytes_of(parts[part_count - 1].data, parts[part_count - 1].size)),
        ST_OK);
    assert_int_equal(snapshot_finish(read, kv), ST_OK);
    snapshot_read_free(read);
    kv_close(kv);
}

/* The first block with results gets one of many megabytes, more than a batch has. Returns the part, malloc'ed. */
static struct bytes swollen(const struct stored_part *stored)
{
    enum { CODES = 5 << 20, ROOM = 1 << 20 };
    ProtobufCMessage *message = NULL;
    struct arena arena;
    struct hash32 id = {.bytes = {9}};
    struct bytes made = {NULL, 0};
    void *memory = malloc(ROOM);
    assert_non_null(memory);
    arena_init(&arena, memory, ROOM);
    assert_int_equal(canonical_decode(&message, &xuelian__snapshot_part__descriptor,
                                      bytes_of(stored->data, stored->size), &arena),
                     ST_OK);
    Xuelian__SnapshotPart *part = (Xuelian__SnapshotPart *)(void *)message;
    size_t at = 0;
    while (at < part->n_blocks && part->blocks[at]->n_results == 0) {
        at++;
    }
    if (part->kind == XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT && at < part->n_blocks) {
        Xuelian__TxResult result = XUELIAN__TX_RESULT__INIT;
        result.id = field_borrow(&id, 32);
        result.n_item_codes = CODES;
        result.item_codes = calloc(CODES, sizeof(uint32_t));
        assert_non_null(result.item_codes);
        size_t size = canonical_size(&result.base);
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        canonical_encode(bytes, &result.base);
        part->blocks[at]->results[0] = field_borrow(bytes, size);
        made.size = canonical_size(&part->base);
        uint8_t *whole = malloc(made.size);
        assert_non_null(whole);
        canonical_encode(whole, &part->base);
        made.data = whole;
        free(bytes);
        free(result.item_codes);
    }
    free(memory);
    return made;
}

/* A part that is refused leaves nothing behind, however large it is. */
static void test_refused_writes_nothing(void **state)
{
    struct kv *kv = NULL;
    struct whole_report report = {.entries = 0};
    struct snapshot_read *read = NULL;
    struct bytes bad = {NULL, 0};
    (void)state;
    assert_int_equal(kv_open_memory(&kv), ST_OK);
    assert_int_equal(snapshot_read_head(&read, &run.net.genesis,
                                        bytes_of(parts[0].data, parts[0].size), &report),
                     ST_OK);
    for (uint32_t i = 1; i < part_count && bad.data == NULL; i++) {
        bad = swollen(&parts[i]);
        if (bad.data == NULL) {
            assert_int_equal(snapshot_take(read, kv, bytes_of(parts[i].data, parts[i].size)),
                             ST_OK);
        }
    }
    assert_true(bad.size > 4 << 20 && bad.size <= SNAPSHOT_PART_SIZE_MAX);
    assert_int_equal(snapshot_take(read, kv, bad), ST_BAD_PROOF);
    struct kv_iterator *iterator = kv_iterator_new(kv, NULL, bytes_of("U", 1));
    assert_false(kv_iterator_valid(iterator) && kv_iterator_key(iterator).data[0] == 'U');
    kv_iterator_free(iterator);
    support_free(bad);
    snapshot_read_free(read);
    kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_is_checked),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_refused_writes_nothing),
        cmocka_unit_test(test_restored_and_goes_on),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
