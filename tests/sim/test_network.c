/* The simulated network itself: the disk loses what was not synced, a run is its tape, the oracle sees. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/run.h"

static const struct pbft_params params = {.t0_ms = 2000,
                                          .timeout_cap_ms = 60000,
                                          .batch_delay_ms = 10,
                                          .batch_count = 10,
                                          .heartbeat_ms = 10000,
                                          .max_drift_ms = 3000,
                                          .max_lag_ms = 30000,
                                          .request_timeout_ms = 10000,
                                          .rotation_blocks = 1000};

static uint64_t no_delay(void *context, enum event_type type, uint32_t node)
{
    (void)context;
    (void)type;
    (void)node;
    return 1;
}

static uint32_t one_copy(void *context, const struct event *message, uint64_t delays[2])
{
    (void)context;
    (void)message;
    delays[0] = 1;
    return 1;
}

static struct cluster *new_cluster(bool real)
{
    struct cluster_options options = {.nodes = 4,
                                      .validators = 4,
                                      .params = params,
                                      .executor = &executor_toy,
                                      .real_signatures = real};
    struct schedule schedule = {.delay_ms = no_delay, .copies = one_copy};
    struct cluster *cluster = sim_new(sizeof *cluster);
    cluster_init(cluster, &options, &schedule);
    return cluster;
}

static void end_cluster(struct cluster *cluster)
{
    cluster_free(cluster);
    free(cluster);
}

static void start_all(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        assert_true(replica_start(&cluster->replicas[i]));
    }
}

static struct bytes text(const char *word)
{
    return bytes_of(word, strlen(word));
}

static const struct sim_block *block_after(struct cluster *cluster, const struct sim_block *parent,
                                           const char *word)
{
    const struct sim_tx *tx = chain_tx(&cluster->chain, text(word));
    const struct executor_kind *executor = cluster->chain.executor;
    struct owned bytes;
    struct sim_proposal proposal;
    struct sim_block *block = NULL;
    void *result = NULL;
    void *state = executor->open(&cluster->chain);
    assert_ptr_equal(parent, cluster->chain.genesis);
    chain_make_proposal(&bytes, &parent->hash, parent->header.time_ms + 1, &tx, 1);
    assert_true(chain_parse_proposal(&cluster->chain, owned_bytes(&bytes), &proposal));
    assert_int_equal(
        executor->execute(state, &proposal, owned_bytes(&bytes), &tx, 0, &block, &result),
        PBFT_EXECUTED_OK);
    executor->close(state);
    owned_free(&bytes);
    return block;
}

static void power_cut(struct disk *disk, struct tape *tape)
{
    struct disk_arrived arrived = disk_choose(disk, tape);
    disk_crash(disk, &arrived);
}

static void disk_keeps_what_was_synced(void **state)
{
    struct cluster *cluster = new_cluster(false);
    struct disk disk = {.written = 0};
    const struct sim_block *block = block_after(cluster, cluster->chain.genesis, "a");
    (void)state;
    disk_begin(&disk, text("one"), block, 1, 0, text("view"));
    assert_ptr_equal(disk_proposal(&disk, 1, &block->hash), block);
    power_cut(&disk, NULL);
    assert_int_equal(disk.record.size, 0);
    assert_null(disk_proposal(&disk, 1, &block->hash));
    assert_int_equal(disk_new_view(&disk, 1, 0).size, 0);

    disk_begin(&disk, text("one"), block, 1, 0, text("view"));
    disk_finish(&disk);
    disk_append(&disk, block, text("certificate"));
    power_cut(&disk, NULL);
    assert_int_equal(disk.record.size, 3);
    assert_int_equal(disk.written, 0);
    assert_ptr_equal(disk_proposal(&disk, 1, &block->hash), block);
    assert_int_equal(disk_new_view(&disk, 1, 0).size, 4);

    disk_append(&disk, block, text("certificate"));
    disk_begin(&disk, text("two"), NULL, 1, 0, bytes_of(NULL, 0));
    disk_finish(&disk);
    power_cut(&disk, NULL);
    assert_int_equal(disk.written, 1);
    assert_int_equal(disk.synced, 1);
    assert_null(disk_proposal(&disk, 1, &block->hash)); /* its height is durable */
    disk_free(&disk);
    end_cluster(cluster);
}

/* Of a PERSIST cut by a crash any part may have arrived. */
static void disk_tears(void **state)
{
    struct cluster *cluster = new_cluster(false);
    const struct sim_block *block = block_after(cluster, cluster->chain.genesis, "a");
    bool seen[4] = {false};
    struct tape tape;
    (void)state;
    tape_init(&tape, 7);
    for (int i = 0; i < 200; i++) {
        struct disk disk = {.written = 0};
        disk_begin(&disk, text("one"), block, 1, 0, bytes_of(NULL, 0));
        power_cut(&disk, &tape);
        seen[(disk.record.size > 0 ? 2 : 0) + (disk.proposal_count > 0 ? 1 : 0)] = true;
        disk_free(&disk);
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
    tape_free(&tape);
    end_cluster(cluster);
}

static void only_the_owner_signs(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct keys keys;
        struct hash32 hash;
        struct sig64 signature;
        hash_plain(&hash, "x", 1);
        keys_init(&keys, 3, real != 0);
        keys_sign(&keys.owners[1], &hash, &signature);
        assert_true(keys_verify(&keys, &keys.owners[1].key, &hash, &signature));
        assert_false(keys_verify(&keys, &keys.owners[0].key, &hash, &signature));
        signature.bytes[40] ^= 1;
        assert_false(keys_verify(&keys, &keys.owners[1].key, &hash, &signature));
        keys_free(&keys);
    }
}

static void tape_is_kept_and_read(void **state)
{
    struct tape tape, again;
    (void)state;
    tape_init(&tape, 3);
    for (uint32_t i = 0; i < 100; i++) {
        tape_below(&tape, CONCERN_LINK, i + 1);
        tape_chance(&tape, CONCERN_CRASH, 300000);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(tape_write(&tape, file));
    rewind(file);
    assert_true(tape_read(&again, file));
    fclose(file);
    tape_rewind(&tape);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(tape_below(&tape, CONCERN_LINK, i + 1),
                         tape_below(&again, CONCERN_LINK, i + 1));
        assert_int_equal(tape_chance(&tape, CONCERN_CRASH, 300000),
                         tape_chance(&again, CONCERN_CRASH, 300000));
    }
    assert_int_equal(tape_below(&again, CONCERN_LINK, 9), 0); /* beyond the end all is calm */
    tape_free(&tape);
    tape_free(&again);
}

static void same_tape_same_run(void **state)
{
    struct run_options options = {.n = 4, .minutes = 1, .seed = 11};
    struct run_report first, again, other;
    struct tape tape, second;
    (void)state;
    tape_init(&tape, 11);
    run_tape(&options, &tape, &first);
    tape_rewind(&tape);
    run_tape(&options, &tape, &again);
    assert_int_equal(first.digest, again.digest);
    assert_int_equal(first.counters.steps, again.counters.steps);
    tape_init(&second, 12);
    run_tape(&options, &second, &other);
    assert_int_not_equal(first.digest, other.digest);
    tape_free(&tape);
    tape_free(&second);
}

/* ---- The oracle sees ------------------------------------------------------------------------------ */

static void agreement_is_seen(void **state)
{
    struct cluster *cluster = new_cluster(false);
    (void)state;
    start_all(cluster);
    cluster_submit(cluster, 0, chain_tx(&cluster->chain, text("a")));
    cluster_run(cluster, 3000);
    assert_false(cluster->oracle.failed);
    assert_int_equal(cluster->oracle.height, 1);
    assert_ptr_equal(cluster->replicas[2].disk.blocks[0].block, cluster->oracle.committed[1]);
    /* Had node 0 committed another block there, the next to commit would be caught. */
    struct cluster *forked = new_cluster(false);
    start_all(forked);
    forked->oracle.committed[1] = block_after(forked, forked->chain.genesis, "b");
    forked->oracle.height = 1;
    cluster_submit(forked, 0, chain_tx(&forked->chain, text("a")));
    cluster_run(forked, 3000);
    assert_true(forked->oracle.failed);
    assert_non_null(strstr(forked->oracle.text, "agreement"));
    end_cluster(forked);
    end_cluster(cluster);
}

static void two_voices_are_seen(void **state)
{
    struct cluster *cluster = new_cluster(false);
    struct spoken_list *spoken = &cluster->oracle.nodes[2].spoken[SPOKEN_PREPARE];
    (void)state;
    start_all(cluster);
    /* Node 2 is remembered to have sent another PREPARE for this slot. */
    spoken->list = sim_grow(NULL, 0, &spoken->capacity, sizeof *spoken->list);
    spoken->furthest = (struct spoken){.era = 1, .view = 0, .height = 1};
    spoken->list[spoken->count++] = spoken->furthest;
    cluster_submit(cluster, 0, chain_tx(&cluster->chain, text("a")));
    cluster_run(cluster, 3000);
    assert_true(cluster->oracle.failed);
    assert_non_null(strstr(cluster->oracle.text, "two voices"));
    end_cluster(cluster);
}

static void forged_certificate_is_seen(void **state)
{
    struct cluster *cluster = new_cluster(false);
    const struct sim_block *block = block_after(cluster, cluster->chain.genesis, "a");
    struct certificate made = {
        .phase = VOTE_COMMIT, .height = 1, .header_hash = block->hash, .count = 3};
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    (void)state;
    start_all(cluster);
    for (uint32_t i = 0; i < 3; i++) {
        made.signers[i] = (uint8_t)i;
    }
    oracle_committed(&cluster->replicas[0], block,
                     bytes_of(bytes, certificate_encode(bytes, &made, 4)));
    assert_true(cluster->oracle.failed);
    assert_non_null(strstr(cluster->oracle.text, "certificates"));
    end_cluster(cluster);
}

static void real_signatures_agree_too(void **state)
{
    struct cluster *cluster = new_cluster(true);
    (void)state;
    start_all(cluster);
    cluster_submit(cluster, 0, chain_tx(&cluster->chain, text("a")));
    cluster_run(cluster, 3000);
    assert_false(cluster->oracle.failed);
    assert_int_equal(cluster->oracle.height, 1);
    end_cluster(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_keeps_what_was_synced), cmocka_unit_test(disk_tears),
        cmocka_unit_test(only_the_owner_signs),       cmocka_unit_test(tape_is_kept_and_read),
        cmocka_unit_test(same_tape_same_run),         cmocka_unit_test(agreement_is_seen),
        cmocka_unit_test(two_voices_are_seen),        cmocka_unit_test(forged_certificate_is_seen),
        cmocka_unit_test(real_signatures_agree_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
