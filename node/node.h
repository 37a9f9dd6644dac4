/* One node: its stores, threads and parts. node_start checks and opens in order, each failure with a
 * sentence that says what to do; node_stop loses nothing. */
#ifndef XUELIAN_NODE_H
#define XUELIAN_NODE_H

#include <stdatomic.h>

#include "consensus/pbft.h"
#include "ledger/ledger.h"
#include "ledger/store/block_log.h"
#include "ledger/store/details_store.h"
#include "ledger/store/vote_journal.h"
#include "node/config.h"
#include "node/peer/peers.h"
#include "node/pool/pool.h"
#include "node/worker.h"

#define NODE_ERROR_SIZE 4096u

struct driver;
struct node_recovery;

/* What any thread may read. */
struct node_gauges {
    atomic_uint_fast64_t height, view, era, pool_count, pool_bytes, peers, blocks, transactions,
        view_changes, submitted, refused, evidence, alarms, messages_in, messages_dropped,
        messages_bad, evidence_kept, evidence_dropped;
    atomic_bool ready;
};

struct node {
    struct node_config config;
    uv_loop_t *loop;
    struct inbox inbox;
    struct genesis genesis;
    uint8_t *genesis_bytes;
    size_t genesis_size;
    struct signer *signer;
    int lock_file;
    struct kv *state_kv;
    struct ledger *ledger; /* the executor's, once its thread runs */
    struct block_log *block_log;
    struct details_store *details;
    struct vote_journal *journal;   /* the journal thread's; NULL: lost, no voting */
    struct node_recovery *recovery; /* given by the operator, or NULL */
    struct worker *verifier;        /* cores threads */
    struct worker *executor;
    struct worker *journal_writer;
    struct worker *log_writer;
    struct worker *details_writer;
    struct worker *reader; /* blocks for peers */
    struct peers *peers;
    struct driver *driver;
    struct rpc *rpc;
    struct node_gauges gauges;
};

/* Opens everything and begins to run on the loop.
 * Returns ST_OK, or the status of the first check that failed; error: one sentence. */
enum status node_start(struct node *node, const struct node_config *config, uv_loop_t *loop,
                       char error[NODE_ERROR_SIZE]);
/* Stops in order. The loop must run until it has no handles left; then node_free. */
void node_stop(struct node *node);
void node_free(struct node *node);

/* A node with genesis and key alone, for what is done while it does not run. Never NULL; ended by node_free and free. */
struct node *node_open_bare(const struct node_config *config, enum status *status,
                            char error[NODE_ERROR_SIZE]);

/* Makes the data directory and the vote journal of a new node (xueliand init).
 * In   incarnation  of the journal; NULL: what genesis gives the key, else 0. */
enum status node_init(const struct node_config *config, const uint64_t *incarnation,
                      char error[NODE_ERROR_SIZE]);
/* Puts the vote journal of a node that is stopped aside and makes a new one (xueliand new-journal).
 * Returns ST_OK; ST_NOT_FOUND, ST_LOCKED, ST_FOREIGN; ST_CONFLICT: the number is not above those that are
 * known here; ST_IO. */
enum status node_new_journal(const struct node_config *config, uint64_t incarnation,
                             char error[NODE_ERROR_SIZE]);

/* A failed write or sync: says so and ends the process at once. Any thread. */
_Noreturn void node_fatal(const char *what, enum status status);

#endif
