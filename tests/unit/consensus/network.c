#include "tests/unit/consensus/network.h"

#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/peer.pb-c.h"

static bool commits_are_lost;

static uint64_t one_ms(void *context, enum event_type type, uint32_t node)
{
    (void)context;
    (void)type;
    (void)node;
    return 1;
}

static uint32_t copies(void *context, const struct event *message, uint64_t delays[2])
{
    (void)context;
    delays[0] = 1;
    /* A vote begins with its phase: field 1, a varint. */
    const struct envelope *envelope = message->envelope;
    bool commit = envelope->type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE && envelope->size > 2 &&
                  envelope->data[1] == XUELIAN__PHASE__PHASE_COMMIT;
    return commits_are_lost && commit ? 0 : 1;
}

struct cluster *network_begin(void)
{
    struct cluster_options options = {.nodes = 5,
                                      .validators = 4,
                                      .executor = &executor_toy,
                                      .params = {.t0_ms = 2000,
                                                 .timeout_cap_ms = 8000,
                                                 .batch_delay_ms = 10,
                                                 .batch_count = 10,
                                                 .heartbeat_ms = 60000,
                                                 .max_drift_ms = 3000,
                                                 .max_lag_ms = 30000,
                                                 .request_timeout_ms = 60000,
                                                 .rotation_blocks = 1000}};
    struct schedule schedule = {.delay_ms = one_ms, .copies = copies};
    struct cluster *cluster = sim_new(sizeof *cluster);
    commits_are_lost = false;
    cluster_init(cluster, &options, &schedule);
    cluster->replicas[4].pure_observer = true;
    for (uint32_t i = 0; i < options.nodes; i++) {
        assert_true(replica_start(&cluster->replicas[i]));
    }
    cluster_run(cluster, cluster->now_ms + 500);
    return cluster;
}

void network_end(struct cluster *cluster)
{
    assert_false(cluster->oracle.failed);
    cluster_free(cluster);
    free(cluster);
}

void network_submit(struct cluster *cluster, const char *word)
{
    const struct sim_tx *tx = chain_tx(&cluster->chain, bytes_of(word, strlen(word)));
    assert_non_null(tx);
    cluster_submit(cluster, 0, tx);
}

struct cluster *network_stuck(void)
{
    struct cluster *cluster = network_begin();
    network_submit(cluster, "a");
    cluster_run(cluster, cluster->now_ms + 500);
    commits_are_lost = true;
    network_submit(cluster, "b");
    cluster_run(cluster, cluster->now_ms + 6500);
    return cluster;
}
