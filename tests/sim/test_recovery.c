/* More than f validators are lost for good, at any moment and with whatever is under way; the network goes on by a
 * recovery (R33), and by a second one. The oracle watches every step. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/quorum.h"
#include "tests/sim/cluster.h"

enum { SEEDS = 60, VALIDATORS_MAX = 7, SPARE = 4 };

struct lost_run {
    struct cluster cluster;
    uint64_t random;
    uint32_t validators;
    uint32_t submitted;
    uint32_t set; /* a bit for each node of the set of now */
};

static uint64_t draw(struct lost_run *run, uint64_t below)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random % below;
}

static uint64_t delay(void *context, enum event_type type, uint32_t node)
{
    (void)node;
    return 1 + draw(context, type == EVENT_PERSISTED ? 30 : 8);
}

static uint32_t copies(void *context, const struct event *message, uint64_t delays[2])
{
    (void)message;
    delays[0] = 1 + draw(context, 60);
    return draw(context, 20) == 0 ? 0 : 1;
}

static void content(struct lost_run *run, uint32_t seed)
{
    if (run->cluster.oracle.failed) {
        fail_msg("seed %u: %s", (unsigned)seed, run->cluster.oracle.text);
    }
}

static void go(struct lost_run *run, uint64_t ms, uint32_t seed)
{
    uint64_t until = run->cluster.now_ms + ms;
    while (run->cluster.now_ms < until) {
        char word[32];
        snprintf(word, sizeof word, "t%u", (unsigned)run->submitted++);
        const struct sim_tx *tx = chain_tx(&run->cluster.chain, bytes_of(word, strlen(word)));
        cluster_submit(&run->cluster, (uint32_t)draw(run, run->cluster.options.nodes), tx);
        cluster_run(&run->cluster, run->cluster.now_ms + 50 + draw(run, 200));
        content(run, seed);
    }
}

static void stop(struct lost_run *run, uint32_t node)
{
    struct replica *replica = &run->cluster.replicas[node];
    struct disk_arrived arrived = {.record = draw(run, 2) == 0};
    if (replica->up) {
        /* The journal and the log are written in parallel: of the last sync one part may have arrived. */
        arrived.blocks = (size_t)draw(run, replica->disk.written - replica->disk.synced + 1);
        replica_crash(replica, &arrived);
    }
}

static void lose(struct lost_run *run, uint32_t node)
{
    stop(run, node);
    run->cluster.replicas[node].gone = true;
    run->set &= ~(UINT32_C(1) << node);
}

static const struct sim_block *newest(const struct lost_run *run)
{
    const struct sim_block *best = run->cluster.chain.genesis;
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        const struct disk *disk = &run->cluster.replicas[i].disk;
        if (!run->cluster.replicas[i].gone && disk->written > best->header.height) {
            best = disk->blocks[disk->written - 1].block;
        }
    }
    return best;
}

static uint32_t members(const struct lost_run *run)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        count += run->set >> i & 1;
    }
    return count;
}

/* Survivors keep their places; spare nodes that are not gone come in up to `size`. */
static const struct sim_block *recover(struct lost_run *run, uint32_t size, uint32_t seed)
{
    const struct sim_block *base = newest(run);
    struct validator_set set = {.count = 0};
    for (uint32_t i = 0; i < run->cluster.options.nodes && members(run) < size; i++) {
        if (!run->cluster.replicas[i].gone) {
            run->set |= UINT32_C(1) << i;
        }
    }
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        if ((run->set >> i & 1) != 0) {
            recovery_seat(&run->cluster, base, &set, i, run->cluster.replicas[i].incarnation);
        }
    }
    const struct sim_block *block = cluster_recovery(&run->cluster, base, &set);
    content(run, seed);
    return block;
}

/* Their operators give it to all that live, one after the other. */
static void give(struct lost_run *run, const struct sim_block *block, uint32_t seed)
{
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        struct replica *replica = &run->cluster.replicas[i];
        if (replica->gone) {
            continue;
        }
        stop(run, i);
        replica_accept(replica, block);
        (void)replica_start(replica);
        content(run, seed);
        if (draw(run, 3) == 0) {
            go(run, 300, seed);
        }
    }
}

static uint64_t lowest(const struct lost_run *run)
{
    uint64_t height = UINT64_MAX;
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        const struct replica *replica = &run->cluster.replicas[i];
        if (!replica->gone && replica->disk.written < height) {
            height = replica->disk.written;
        }
    }
    return height;
}

/* All that live have the recovery's block and new ones above it. */
static void goes_on(struct lost_run *run, const struct sim_block *block, uint32_t seed)
{
    for (int i = 0; i < 100 && lowest(run) < block->header.height + 3; i++) {
        go(run, 3000, seed);
    }
    if (lowest(run) < block->header.height + 3) {
        char line[SIM_LINE_SIZE];
        for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
            print_error("%u %s\n", (unsigned)i, show_state(&run->cluster, i, line));
        }
        fail_msg("seed %u: they do not go on from %s", (unsigned)seed, block->label);
    }
    for (uint32_t i = 0; i < run->cluster.options.nodes; i++) {
        const struct replica *replica = &run->cluster.replicas[i];
        if (!replica->gone) {
            assert_ptr_equal(replica->disk.blocks[block->header.height - 1].block, block);
        }
    }
}

/* So many of the set, chosen anyhow, that no quorum is left. */
static void lose_too_many(struct lost_run *run)
{
    uint32_t count = members(run);
    uint32_t lost = count - quorum_size(count) + 1;
    lost += (uint32_t)draw(run, count - lost == 0 ? 1 : count - lost);
    while (lost > 0 && members(run) > 1) {
        uint32_t node = (uint32_t)draw(run, run->cluster.options.nodes);
        if ((run->set >> node & 1) != 0) {
            lose(run, node);
            lost--;
        }
    }
}

static void stands_still(struct lost_run *run, uint32_t seed)
{
    go(run, 2000, seed); /* what is on its way arrives */
    uint64_t height = newest(run)->header.height;
    go(run, 20000, seed);
    assert_int_equal(newest(run)->header.height, height);
}

static void lost_for_good(uint32_t seed)
{
    struct lost_run *run = sim_new(sizeof *run);
    struct schedule schedule = {.context = run, .delay_ms = delay, .copies = copies};
    run->random = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    run->validators = 2 + (uint32_t)draw(run, VALIDATORS_MAX - 1);
    run->set = (UINT32_C(1) << run->validators) - 1;
    struct cluster_options options = {.nodes = run->validators + SPARE,
                                      .validators = run->validators,
                                      .params = {.t0_ms = 500,
                                                 .timeout_cap_ms = 4000,
                                                 .batch_delay_ms = 10,
                                                 .batch_count = 10,
                                                 .heartbeat_ms = 1000,
                                                 .max_drift_ms = 3000,
                                                 .max_lag_ms = 30000,
                                                 .request_timeout_ms = 5000,
                                                 .rotation_blocks = 1 + draw(run, 10)},
                                      .executor = &executor_toy};
    cluster_init(&run->cluster, &options, &schedule);
    for (uint32_t i = 0; i < options.nodes; i++) {
        assert_true(replica_start(&run->cluster.replicas[i]));
    }
    go(run, draw(run, 6000), seed);
    lose_too_many(run);
    stands_still(run, seed);
    const struct sim_block *block = recover(run, run->validators, seed);
    if (draw(run, 3) ==
        0) { /* the first one's set never comes to run: a machine of it is lost at once */
        stop(run, 0);
        give(run, block, seed);
        lose_too_many(run);
        stands_still(run, seed);
        block = recover(run, members(run), seed);
    }
    give(run, block, seed);
    goes_on(run, block, seed);
    cluster_free(&run->cluster);
    free(run);
}

static void any_loss(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        lost_for_good(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
