/* The driver's parts: driver.c (queue, effects, commit), driver_execute.c (candidates, bodies, blocks),
 * driver_frame.c (what peers send), driver_request.c (submitting, waiting). */
#ifndef XUELIAN_NODE_DRIVER_INTERNAL_H
#define XUELIAN_NODE_DRIVER_INTERNAL_H

#include "node/driver.h"

enum { FETCHED_BLOCKS = 64, FETCHED_PROPOSALS = 4, SYNC_BYTES_MAX = 4 << 20 };

/* A proposal with its bodies, and the result of its execution when there is one. */
struct candidate {
    struct candidate *next;
    struct hash32 header_hash; /* of its execution */
    uint8_t *proposal;         /* canonical Proposal */
    size_t proposal_size;
    struct hash32 parent_hash;
    uint64_t time_ms;
    uint32_t count;
    struct bytes *txs;
    struct body **held;         /* count references, or NULL */
    uint8_t *owned;             /* memory that txs point into, or NULL */
    struct ledger_block *block; /* NULL: not executed */
};

/* A certified block from a peer: verified signatures, its proposal rebuilt. */
struct fetched_block {
    bool present;
    struct stored_block block;
    uint8_t *proposal;
    size_t proposal_size;
    struct pubkey33 from;
};

struct queued {
    struct queued *next;
    struct pbft_effect effect;
    size_t used;
    uint8_t data[];
};

struct waiter {
    struct waiter *next;
    struct hash32 id;
    uint64_t deadline_ms;
    struct task *request; /* node_submit or node_wait */
    struct inbox *reply_to;
    struct node_tx_status *tx; /* inside the request */
};

/* Refused ids keep their reason for a while. */
enum { REFUSALS = 4096 };
struct refusal {
    struct hash32 id;
    uint32_t code;
};

struct driver {
    struct node *node;
    void *core_memory;
    struct pbft *core;
    struct pool *pool;
    const Xuelian__Params *params;
    uv_timer_t timer;
    struct queued *head;
    struct queued **tail;
    bool pumping;
    bool stopping;
    unsigned blocked;        /* parts of the PERSIST or COMMIT under way */
    bool log_dirty;          /* appended to the block log since its last sync */
    uint64_t durable_height; /* in the block log, on disk */
    struct hash32 durable_hash;
    struct candidate *candidates;
    struct candidate *proposals[FETCHED_PROPOSALS]; /* from peers, by header hash asked for */
    unsigned next_proposal;
    struct fetched_block blocks[FETCHED_BLOCKS]; /* at height % FETCHED_BLOCKS */
    struct pubkey33 execute_peer;
    struct waiter *waiters;
    struct refusal refusals[REFUSALS];
    unsigned next_refusal;
    uint64_t tip_height;
    struct hash32 tip_hash;
    uint64_t tip_time_ms;
    double work_per_ms; /* committed, smoothed; 0: not measured yet */
    uint64_t commit_ms;
    uint64_t last_view;
    uint8_t *entries; /* room for a batch */
    uint8_t *scratch; /* PBFT_PARSE_SCRATCH_SIZE */
};

/* driver.c */
uint64_t driver_now_ms(void);
enum status driver_step(struct driver *driver, struct pbft_input *input);
void driver_pump(struct driver *driver);
void driver_unblock(struct driver *driver);
void driver_waiting(struct driver *driver);
void driver_send(struct driver *driver, const struct pubkey33 *key, uint8_t type,
                 const ProtobufCMessage *message);

/* driver_execute.c */
void driver_execute(struct driver *driver, const struct pbft_effect *effect);
void driver_discard(struct driver *driver, const struct hash32 *header_hash);
struct candidate *driver_find_candidate(struct driver *driver, const struct hash32 *header_hash);
void driver_drop_candidates(struct driver *driver);
void driver_fetch_bodies(struct driver *driver, const struct pbft_effect *effect);
void driver_fetch_blocks(struct driver *driver, const struct pbft_effect *effect);
void driver_offer_block(struct driver *driver); /* steps CERTIFIED when the next block is here */
void driver_drop_blocks(struct driver *driver, uint64_t up_to);
void candidate_free(struct candidate *candidate);
struct candidate *candidate_from_bodies(struct bytes bodies);
/* Executes a candidate when the core asks by header: takes it. */
void driver_keep_proposal(struct driver *driver, struct candidate *candidate);

/* driver_frame.c */
enum admit_origin { ADMIT_SUBMIT, ADMIT_RELAY, ADMIT_FETCH };
struct fetch_group {
    uint32_t remaining;
    struct candidate *proposal; /* or NULL */
};
bool driver_admit(struct driver *driver, uint8_t *bytes, size_t size, enum admit_origin origin,
                  struct node_submit *request, struct fetch_group *group);

/* driver_request.c */
void driver_submitted(struct driver *driver, struct node_submit *request, struct body *body,
                      enum status status);
void driver_refuse(struct driver *driver, const struct hash32 *id, enum status code);
void driver_committed_id(struct driver *driver, const struct hash32 *id, uint64_t height,
                         uint32_t index, uint32_t code, struct bytes result);
void driver_expire_waiters(struct driver *driver);
uint64_t driver_work_max(const struct driver *driver);

#endif
