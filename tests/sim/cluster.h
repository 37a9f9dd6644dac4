/* A simulated network in one process: nodes around real consensus cores, byte-level links, disks, clocks.
 *
 * All that happens is an event with a moment in virtual time; cluster_run takes them in order. Whoever owns the
 * cluster decides through `struct schedule` how long each thing takes, which messages are lost and which are
 * held: the simulator by its tape, a transcript by hand. A cluster has no clock and no chance of its own: same
 * schedule, same run.
 *
 * cluster.c   events, links, time        replica.c, effects.c   one node: core, effect queue, start, crash
 * exec.c   proposals, bodies, blocks  frame.c     what arrives over links     envelope.c  bytes on their way
 * recover.c   recoveries
 * oracle.c    what must hold, checked at every step        print.c  lines for people */
#ifndef XUELIAN_TESTS_SIM_CLUSTER_H
#define XUELIAN_TESTS_SIM_CLUSTER_H

#include "tests/sim/chain.h"
#include "tests/sim/disk.h"
#include "tests/sim/envelope.h"
#include "tests/sim/executor.h"
#include "tests/sim/oracle.h"
#include "tests/sim/tape.h"

enum {
    SIM_NODES_MAX = 32,
    SIM_FETCHED_BLOCKS = 64,
    SIM_FETCHED_PROPOSALS = 4,
    SIM_LINE_SIZE = 512
};

#define SIM_HELD UINT64_MAX /* a delay that never ends by itself */

/* ---- Events -------------------------------------------------------------------------------------- */

enum event_type {
    EVENT_MESSAGE,   /* bytes reach a node */
    EVENT_PERSISTED, /* a PERSIST is durable */
    EVENT_EXECUTED,
    EVENT_VERIFIED,
    EVENT_CONNECTED, /* a session with a peer began */
    EVENT_CALL       /* the owner's own: a fault, a client */
};

struct candidate;

struct event {
    uint64_t due_ms; /* SIM_HELD: when the owner says so */
    uint64_t order;  /* among events of one moment, and the name of a held one */
    enum event_type type;
    uint32_t node;
    uint32_t boot;             /* an event for an earlier life of the node is dropped */
    uint32_t from;             /* message, connected */
    struct envelope *envelope; /* message */
    uint64_t token;            /* executed, verified */
    bool good;                 /* verified, persisted: it was not in vain */
    bool dropped;              /* executed: cancelled meanwhile */
    enum pbft_outcome outcome;
    struct candidate *candidate; /* executed: the result, or NULL */
    void (*call)(void *context, uint64_t argument);
    void *context;
    uint64_t argument;
};

/* An event's place in time, beside it: the heap looks at many. */
struct due {
    uint64_t due_ms;
    uint64_t order;
    struct event *event;
};

struct schedule {
    void *context;
    /* How long a PERSIST, an execution, a verification or connecting takes at a node. */
    uint64_t (*delay_ms)(void *context, enum event_type type, uint32_t node);
    /* When copies of a message arrive. Out: delays, of up to 2. Returns how many; 0: lost. */
    uint32_t (*copies)(void *context, const struct event *message, uint64_t delays[2]);
};

/* ---- Nodes --------------------------------------------------------------------------------------- */

/* An executed proposal that is kept, or one with its bodies that is to be executed. */
struct candidate {
    struct candidate *next;
    struct hash32 hash; /* of the block */
    const struct sim_block *block;
    void *result; /* the executor's */
};

/* A proposal from a peer, under the header hash that was asked for. */
struct fetched_proposal {
    bool present;
    struct hash32 hash;
    struct owned proposal;
    const struct sim_tx **txs;
    uint32_t count;
};

struct fetched_block {
    bool present;
    bool recovery;
    uint32_t from;
    struct owned header;
    struct owned certificate;
    struct hash32 hash;
    struct owned proposal;
    uint64_t height;
    const struct sim_tx **txs;
    uint32_t count;
};

struct queued {
    struct queued *next;
    struct pbft_effect effect;
    _Alignas(8) uint8_t data[];
};

/* A body in a node's pool. */
struct pooled {
    const struct sim_tx *tx;
    uint64_t since_ms;
    bool proposable; /* not in a block, and not refused */
};

struct replica {
    struct cluster *cluster;
    uint32_t index;
    bool up;
    bool puppet;                      /* no core: what its key signs is written by hand */
    bool clone;                       /* a place for a second process of another node's key */
    uint32_t original;                /* whose, when it runs */
    bool pure_observer;               /* follows, whatever the set says */
    bool gone;                        /* lost for good, with its disk */
    const struct sim_block *accepted; /* a recovery that its operator gave it, or NULL */
    uint32_t boot;
    uint64_t incarnation;
    uint64_t twist; /* its executor is broken from this height on; 0: it is not */
    int64_t clock_offset_ms;
    void *memory;
    struct pbft *core;
    uint64_t ticked_ms;
    uint32_t ticks; /* at ticked_ms */
    uint64_t worked_ms;
    uint32_t worked; /* effects done at worked_ms */
    struct queued *head;
    struct queued **tail;
    bool blocked; /* a PERSIST is under way */
    bool disk_full;
    bool pumping;
    struct disk disk;
    void *state; /* the executor's */
    struct candidate *candidates;
    struct event *executing; /* the answer on its way */
    struct fetched_proposal proposals[SIM_FETCHED_PROPOSALS];
    uint32_t next_proposal;
    struct fetched_block blocks[SIM_FETCHED_BLOCKS]; /* at height % SIM_FETCHED_BLOCKS */
    struct pooled *pool;
    size_t pool_count, pool_capacity;
    struct hash32 *batch; /* room for entries */
    uint64_t last_era;    /* for traces */
    uint64_t last_view;
};

struct cluster_options {
    uint32_t nodes;      /* keys and places */
    uint32_t validators; /* the first so many are genesis validators */
    struct pbft_params params;
    const struct executor_kind *executor;
    bool real_signatures;
    bool answers_after_cancel; /* an executor that cannot stop */
};

struct counters {
    uint64_t steps;
    uint64_t messages;
    uint64_t delivered;
    uint64_t bytes;
    uint64_t commits; /* of blocks nobody had committed before */
    uint64_t non_empty;
    uint64_t crashes;
    uint64_t view_changes; /* views opened somewhere first */
    uint64_t eras;
    uint64_t governed; /* of these, by transactions of governance */
    uint64_t persists;
    uint64_t evidence;
    uint64_t alarms;
    uint64_t slow_syncs;
    uint64_t writes_failed;
    uint64_t logs_refused;  /* at a start: a block in it is damaged */
    uint64_t blocks_unread; /* asked for by a peer, and damaged */
    uint64_t journals_healed;
    uint64_t journals_lost;
    uint64_t stored_unread; /* a NEW-VIEW or a proposal is damaged */
    uint64_t fetches;
    uint64_t adoptions;
};

struct cluster {
    struct cluster_options options;
    struct schedule schedule;
    struct keys keys;
    struct chain chain;
    struct replica *replicas;
    uint64_t now_ms;
    uint64_t tick_ms[SIM_NODES_MAX]; /* next deadline of each core; PBFT_NEVER_MS: there is none */
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: nothing gets through */
    struct due *heap;                       /* the next is the first */
    size_t heap_count, heap_capacity;
    struct event **held;
    size_t held_count, held_capacity;
    uint64_t next_order;
    struct oracle oracle;
    struct counters counters;
    void (*heard)(void *context, const struct event *message); /* a message reached a puppet */
    void *heard_context;
    void (*write_failed)(void *context, uint64_t node); /* its process must end */
    void *write_failed_context;
    void (*stepped)(void *context, const struct replica *replica); /* NULL, or after every step */
    void *stepped_context;
    void (*recorded)(void *context,
                     const struct replica *replica); /* NULL, or a record is durable */
    void *recorded_context;
    void (*line)(void *context, const char *text); /* a readable trace; NULL: none */
    void *line_context;
    uint64_t digest; /* of everything that happened: two equal runs have equal digests */
};

/* ---- cluster.c ----------------------------------------------------------------------------------- */

void cluster_init(struct cluster *cluster, const struct cluster_options *options,
                  const struct schedule *schedule);
void cluster_free(struct cluster *cluster);

/* Takes the next event or deadline if it is not after `until_ms`. False: there is none; time is until_ms. */
bool cluster_next(struct cluster *cluster, uint64_t until_ms);
/* Lets time pass. Stops early when the oracle has found something. */
void cluster_run(struct cluster *cluster, uint64_t until_ms);

void cluster_call(struct cluster *cluster, uint64_t due_ms, void (*call)(void *, uint64_t),
                  void *context, uint64_t argument);
struct event *cluster_event(struct cluster *cluster, enum event_type type, uint32_t node);
/* Puts an event on its way, after its schedule's delay or, when it is a message, in copies. */
void cluster_post(struct cluster *cluster, struct event *event);
/* A held event happens now, or never. Removed from `held`. */
void cluster_release(struct cluster *cluster, struct event *event);
void cluster_forget(struct cluster *cluster, struct event *event);

/* From one node to another over their link. The envelope stays the caller's to let go. */
void cluster_send(struct cluster *cluster, uint32_t from, uint32_t to, struct envelope *envelope);
void cluster_send_bytes(struct cluster *cluster, uint32_t from, uint32_t to, uint8_t type,
                        struct bytes body);
bool cluster_linked(const struct cluster *cluster, uint32_t from, uint32_t to);
/* Both ends of every link of this node that is up learn of a new session. */
void cluster_connect(struct cluster *cluster, uint32_t node);

/* A client hands a transaction to a node, which tells the others. */
void cluster_submit(struct cluster *cluster, uint32_t node, const struct sim_tx *tx);

/* Mixes bytes into the digest. */
void cluster_note(struct cluster *cluster, uint64_t value);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void cluster_line(struct cluster *cluster, const char *format, ...);

/* ---- effects.c ----------------------------------------------------------------------------------- */

void replica_run_effect(struct replica *replica, const struct pbft_effect *effect);
void replica_persisted(struct replica *replica);
/* R20: a failed write ends the process, before anything else of it happens. */
void replica_write_failed(struct replica *replica);

/* ---- replica.c ----------------------------------------------------------------------------------- */

void replica_init(struct replica *replica, struct cluster *cluster, uint32_t index);
void replica_free(struct replica *replica);
/* Starts from its disk. Returns false when pbft_init refuses what is stored (told to the oracle). */
bool replica_start(struct replica *replica);
/* All that was in memory is gone, and what had not arrived on its disk. */
void replica_crash(struct replica *replica, const struct disk_arrived *arrived);
enum status replica_step(struct replica *replica, struct pbft_input *input);
void replica_pump(struct replica *replica);
void replica_waiting(struct replica *replica);
uint64_t replica_clock_ms(const struct replica *replica);
bool replica_live(const struct replica *replica); /* up, with a core */

/* ---- exec.c ----------------------------------------------------------------------------------- */

void exec_start(struct replica *replica, const struct pbft_effect *effect);
void exec_cancel(struct replica *replica, uint64_t token);
void exec_answer(struct replica *replica, struct event *event);
void exec_discard(struct replica *replica, const struct hash32 *hash);
struct candidate *exec_find(struct replica *replica, const struct hash32 *hash);
void exec_commit(struct replica *replica, const struct pbft_effect *effect);
void exec_drop_candidates(struct replica *replica);
void candidate_free(struct replica *replica, struct candidate *candidate);
/* The state of the blocks on disk, as at a start. */
void exec_restore(struct replica *replica);
struct pooled *pool_find(struct replica *replica, const struct hash32 *entry);
void pool_add(struct replica *replica, const struct sim_tx *tx);

/* ---- frame.c ------------------------------------------------------------------------------------- */

void frame_receive(struct replica *replica, uint32_t from, struct envelope *envelope);
void frame_fetch_bodies(struct replica *replica, const struct pbft_effect *effect);
void frame_fetch_blocks(struct replica *replica, const struct pbft_effect *effect);
void frame_offer_block(struct replica *replica);
void frame_drop_fetched(struct replica *replica, uint64_t up_to);
void fetched_proposal_clear(struct fetched_proposal *fetched);
void fetched_block_clear(struct fetched_block *fetched);

/* ---- recover.c ----------------------------------------------------------------------------------- */

/* The block of a recovery with this set (its era is settled here) on the newest block that any survivor has. What was
 * committed above, by the lost alone, counts no more. */
const struct sim_block *cluster_recovery(struct cluster *cluster, const struct sim_block *base,
                                         const struct validator_set *set);
/* Puts a node into the set of a recovery in the making: with the place that it has, or as a new one. */
void recovery_seat(const struct cluster *cluster, const struct sim_block *base,
                   struct validator_set *set, uint32_t node, uint64_t incarnation);
/* Its operator gives it to a node that is down; the node takes it when its block is the next. */
void replica_accept(struct replica *replica, const struct sim_block *recovery);
void replica_recover(struct replica *replica);
/* A peer has it. */
void recover_offer(struct replica *replica, const struct hash32 *hash);

/* ---- print.c ------------------------------------------------------------------------------------- */

/* "PREPARE view 0 height 1 #1[a]". Returns the text. */
const char *show_message(struct cluster *cluster, uint8_t type, struct bytes body,
                         char out[SIM_LINE_SIZE]);
/* "height 3 #3[a], era 1 view 0, primary 1: voting". */
const char *show_state(struct cluster *cluster, uint32_t node, char out[SIM_LINE_SIZE]);
const char *show_peer_type(uint8_t type);
const char *show_evidence(enum pbft_evidence kind);
const char *show_alarm(enum pbft_alarm reason);
/* Whether people want to read of it: not STATUS and its like. */
bool show_worth_a_line(uint8_t type);

#endif
