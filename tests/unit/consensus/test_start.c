/* pbft_init on what a core wrote, and on what it cannot have written; pbft_describe at each place. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"
#include "tests/unit/consensus/network.h"

enum { NODE = 0, TEXT_SIZE = 1024 };

/* ---- Starting from a record ------------------------------------------------------------------------ */

static enum status start_with(struct cluster *cluster, struct bytes record,
                              void (*change)(struct pbft_start *, struct pbft_config *))
{
    const struct disk *disk = &cluster->replicas[NODE].disk;
    const struct sim_block *tip = disk->blocks[disk->written - 1].block;
    struct pbft_config config = {.chain_id = cluster->chain.chain_id,
                                 .incarnation = cluster->replicas[NODE].incarnation,
                                 .key = cluster->keys.owners[NODE].key,
                                 .validators_max = 5,
                                 .sign = keys_sign,
                                 .sign_context = &cluster->keys.owners[NODE]};
    struct pbft_start start = {
        .now_ms = cluster->now_ms,
        .header = owned_bytes(&tip->header_bytes),
        .certificate = owned_bytes(&disk->blocks[disk->written - 1].certificate),
        .set = tip->next_set,
        .params = tip->params,
        .era_base_hash = cluster->chain.genesis->hash,
        .record = record,
        .new_view = disk_new_view(disk, disk->record_era, disk->record_view)};
    struct pbft *core;
    if (change != NULL) {
        change(&start, &config);
    }
    void *memory = aligned_alloc(64, (pbft_footprint(&config) + 63) / 64 * 64);
    assert_non_null(memory);
    enum status status = pbft_init(&core, memory, &config, &start);
    assert_true((status == ST_OK) == (core != NULL));
    free(memory);
    return status;
}

static ProtobufCBinaryData cut(ProtobufCBinaryData field)
{
    field.len -= field.len > 0;
    return field;
}

/* A vote or a certificate within the record, altered. */
static ProtobufCBinaryData altered(ProtobufCBinaryData field,
                                   const ProtobufCMessageDescriptor *schema,
                                   void (*change)(ProtobufCMessage *message))
{
    static uint8_t memory[65536], bytes[4096];
    struct arena arena;
    ProtobufCMessage *message;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(canonical_decode(&message, schema, field_bytes(&field), &arena), ST_OK);
    change(message);
    return field_borrow(bytes, canonical_encode(bytes, message));
}

static Xuelian__Vote *vote_of(ProtobufCMessage *message)
{
    return (Xuelian__Vote *)(void *)message;
}

static Xuelian__Certificate *certificate_of(ProtobufCMessage *message)
{
    return (Xuelian__Certificate *)(void *)message;
}

static void vote_hash_cut(ProtobufCMessage *message)
{
    vote_of(message)->header_hash.len--;
}

static void vote_signature_cut(ProtobufCMessage *message)
{
    vote_of(message)->signature.len--;
}

static void certificate_commit(ProtobufCMessage *message)
{
    certificate_of(message)->phase = XUELIAN__PHASE__PHASE_COMMIT;
}

static void certificate_height(ProtobufCMessage *message)
{
    certificate_of(message)->height++;
}

static void certificate_hash_cut(ProtobufCMessage *message)
{
    certificate_of(message)->header_hash.len--;
}

static void certificate_other(ProtobufCMessage *message)
{
    certificate_of(message)->header_hash.data[0] ^= 1;
}

#define PREPARE_OF(record)     (record)->heights[0]->prepare
#define CERTIFICATE_OF(record) (record)->heights[0]->prepared_certificate
#define ALTER_VOTE(change)     altered(PREPARE_OF(record), &xuelian__vote__descriptor, change)
#define ALTER_CERTIFICATE(change) \
    altered(CERTIFICATE_OF(record), &xuelian__certificate__descriptor, change)

static uint8_t too_long[170 * 1024];

#define BREAKS(X)                                                                                  \
    X(vote_hash, ST_CORRUPT, PREPARE_OF(record) = ALTER_VOTE(vote_hash_cut))                       \
    X(vote_signature, ST_CORRUPT, PREPARE_OF(record) = ALTER_VOTE(vote_signature_cut))             \
    X(certificate_phase, ST_CORRUPT,                                                               \
      CERTIFICATE_OF(record) = ALTER_CERTIFICATE(certificate_commit))                              \
    X(certificate_height, ST_CORRUPT,                                                              \
      CERTIFICATE_OF(record) = ALTER_CERTIFICATE(certificate_height))                              \
    X(certificate_hash_size, ST_CORRUPT,                                                           \
      CERTIFICATE_OF(record) = ALTER_CERTIFICATE(certificate_hash_cut))                            \
    X(certificate_hash, ST_CORRUPT, CERTIFICATE_OF(record) = ALTER_CERTIFICATE(certificate_other)) \
    X(certificate_size, ST_CORRUPT, CERTIFICATE_OF(record) = field_borrow(too_long, 2000))         \
    X(change_size, ST_CORRUPT, record->view_change = field_borrow(too_long, 20000))                \
    X(proposal_size, ST_CORRUPT, record->pre_prepare = field_borrow(too_long, sizeof too_long))    \
    X(change_lost, ST_CORRUPT, (record->target = record->view + 1, record->view_change.len = 0))   \
    X(change_alone, ST_CORRUPT, (record->era++, record->n_heights = 0))                            \
    X(version, ST_CORRUPT, record->version++)                                                      \
    X(chain, ST_FOREIGN, record->chain_id.data[0] ^= 1)                                            \
    X(chain_size, ST_FOREIGN, record->chain_id = cut(record->chain_id))                            \
    X(key, ST_FOREIGN, record->key.data[5] ^= 1)                                                   \
    X(key_size, ST_FOREIGN, record->key = cut(record->key))                                        \
    X(incarnation, ST_FOREIGN, record->incarnation++)                                              \
    X(era, ST_CORRUPT, record->era = 0)                                                            \
    X(view, ST_CORRUPT, record->view = record->target + 1)                                         \
    X(durable_size, ST_CORRUPT, record->durable_hash = cut(record->durable_hash))                  \
    X(durable_hash, ST_CORRUPT, record->durable_hash.data[0] ^= 1)                                 \
    X(forced, ST_CORRUPT, record->forced_header = cut(record->forced_header))                      \
    X(change, ST_CORRUPT, record->view_change = cut(record->view_change))                          \
    X(change_of_era, ST_CORRUPT, record->era++)                                                    \
    X(change_target, ST_CORRUPT, (record->target = 1, record->view = 0))                           \
    X(proposal, ST_CORRUPT, record->pre_prepare = cut(record->pre_prepare))                        \
    X(no_height, ST_CORRUPT, record->heights[0]->height = 0)                                       \
    X(other_height, ST_CORRUPT, record->heights[0]->height++)                                      \
    X(prepare, ST_CORRUPT, record->heights[0]->prepare = cut(record->heights[0]->prepare))         \
    X(commit, ST_CORRUPT, record->heights[0]->commit = cut(record->heights[0]->commit))            \
    X(votes_swapped, ST_CORRUPT, record->heights[0]->commit = record->heights[0]->prepare)         \
    X(prepared, ST_CORRUPT,                                                                        \
      record->heights[0]->prepared_header = cut(record->heights[0]->prepared_header))              \
    X(certificate, ST_CORRUPT,                                                                     \
      record->heights[0]->prepared_certificate = cut(record->heights[0]->prepared_certificate))    \
    X(heights, ST_CORRUPT, (record->heights[1] = record->heights[0], record->n_heights = 2))       \
    X(many_heights, ST_CORRUPT,                                                                    \
      (record->heights[1] = record->heights[2] = record->heights[0], record->n_heights = 3))

#define X(name, expected, change)                            \
    static void break_##name(Xuelian__JournalRecord *record) \
    {                                                        \
        (void)(change);                                      \
    }
BREAKS(X)
#undef X

static const struct {
    const char *name;
    enum status expected;
    void (*change)(Xuelian__JournalRecord *record);
} breaks[] = {
#define X(name, expected, change) {#name, expected, break_##name},
    BREAKS(X)
#undef X
};

/* The record with one thing changed: never taken for what it was. */
static void test_records(void **state)
{
    struct cluster *cluster = network_stuck();
    struct bytes record = owned_bytes(&cluster->replicas[NODE].disk.record);
    (void)state;
    assert_int_equal(start_with(cluster, record, NULL), ST_OK);
    assert_int_equal(start_with(cluster, bytes_of(record.data, record.size - 1), NULL), ST_CORRUPT);
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        size_t room = 1u << 20;
        void *memory = sim_new(room);
        struct arena arena;
        ProtobufCMessage *message;
        Xuelian__JournalHeight *heights[3];
        arena_init(&arena, memory, room);
        assert_int_equal(
            canonical_decode(&message, &xuelian__journal_record__descriptor, record, &arena),
            ST_OK);
        Xuelian__JournalRecord *decoded = (Xuelian__JournalRecord *)(void *)message;
        assert_true(decoded->n_heights == 1 && decoded->forced_header.len > 0 &&
                    decoded->view_change.len > 0 && decoded->pre_prepare.len > 0);
        heights[0] = decoded->heights[0];
        decoded->heights = heights;
        breaks[i].change(decoded);
        uint8_t *bytes = sim_new(canonical_size(message));
        size_t size = canonical_encode(bytes, message);
        enum status status = start_with(cluster, bytes_of(bytes, size), NULL);
        if (status != breaks[i].expected) {
            fail_msg("%s: %s", breaks[i].name, status_name(status));
        }
        free(bytes);
        free(memory);
    }
    network_end(cluster);
}

/* ---- Starting from a block log --------------------------------------------------------------------- */

static struct validator_set other_set;

static void cut_header(struct pbft_start *start, struct pbft_config *config)
{
    (void)config;
    start->header.size--;
}

static void other_chain(struct pbft_start *start, struct pbft_config *config)
{
    (void)start;
    config->chain_id.bytes[0] ^= 1;
}

static void no_certificate(struct pbft_start *start, struct pbft_config *config)
{
    (void)config;
    start->certificate = bytes_of(NULL, 0);
}

static void long_certificate(struct pbft_start *start, struct pbft_config *config)
{
    static const uint8_t zeros[8192];
    (void)config;
    start->certificate = bytes_of(zeros, sizeof zeros);
}

static void wrong_set(struct pbft_start *start, struct pbft_config *config)
{
    (void)config;
    other_set = *start->set;
    other_set.count--;
    start->set = &other_set;
}

static void large_set(struct pbft_start *start, struct pbft_config *config)
{
    (void)start;
    config->validators_max = 3;
}

/* No NEW-VIEW is that long: it is not what this core stored, and it does without. */
static void long_new_view(struct pbft_start *start, struct pbft_config *config)
{
    (void)config;
    start->new_view = bytes_of(too_long, sizeof too_long);
}

static void large_previous_set(struct pbft_start *start, struct pbft_config *config)
{
    other_set = *start->set;
    other_set.count = config->validators_max + 1;
    start->previous_set = &other_set;
}

static void test_blocks(void **state)
{
    static void (*const corrupt[])(struct pbft_start *, struct pbft_config *) = {
        cut_header, no_certificate, long_certificate, wrong_set, large_set, large_previous_set};
    struct cluster *cluster = network_stuck();
    struct bytes none = bytes_of(NULL, 0);
    (void)state;
    assert_int_equal(start_with(cluster, none, NULL), ST_OK);
    assert_int_equal(start_with(cluster, none, other_chain), ST_FOREIGN);
    assert_int_equal(
        start_with(cluster, owned_bytes(&cluster->replicas[NODE].disk.record), long_new_view),
        ST_OK);
    for (size_t i = 0; i < sizeof corrupt / sizeof corrupt[0]; i++) {
        assert_int_equal(start_with(cluster, none, corrupt[i]), ST_CORRUPT);
    }
    network_end(cluster);
}

/* ---- Describing ------------------------------------------------------------------------------------ */

static void says(struct cluster *cluster, uint32_t node, const char *what)
{
    char text[TEXT_SIZE];
    pbft_describe(cluster->replicas[node].core, cluster->now_ms, text, sizeof text);
    if (strstr(text, what) == NULL) {
        fail_msg("'%s' is not in: %s", what, text);
    }
}

static void test_describe(void **state)
{
    struct cluster *cluster = network_begin();
    struct disk_arrived nothing = {.blocks = 0};
    char small[12];
    (void)state;
    says(cluster, 0, "View 0 is led by member");
    says(cluster, 4, "follows without voting");
    pbft_describe(cluster->replicas[0].core, 0, small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
    pbft_describe(cluster->replicas[0].core, 0, small, 1);
    assert_int_equal(strlen(small), 0);
    small[0] = 'x';
    pbft_describe(cluster->replicas[0].core, 0, small, 0);
    assert_int_equal(small[0], 'x');

    /* Nobody hears the primary: its proposal waits for PREPAREs, the others for a proposal. */
    for (uint32_t i = 1; i < 5; i++) {
        cluster->cut[0][i] = true;
    }
    network_submit(cluster, "a");
    const struct sim_tx *tx = chain_tx(&cluster->chain, bytes_of("a", 1));
    pool_add(&cluster->replicas[1], tx);
    replica_waiting(&cluster->replicas[1]);
    cluster_run(cluster, cluster->now_ms + 20);
    says(cluster, 0, "No PREPARE yet from members ");
    says(cluster, 1, "1 transactions wait for its proposal");
    cluster_run(cluster, cluster->now_ms + 2300);
    says(cluster, 1, "must ask for it");

    /* Started anew, and alone: it has yet to hear which votes others hold. */
    replica_crash(&cluster->replicas[2], &nothing);
    for (uint32_t i = 0; i < 5; i++) {
        cluster->cut[2][i] = cluster->cut[i][2] = true;
    }
    assert_true(replica_start(&cluster->replicas[2]));
    cluster_run(cluster, cluster->now_ms + 10);
    says(cluster, 2, "other members to say which votes");
    network_end(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
