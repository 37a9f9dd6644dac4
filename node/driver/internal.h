/* What the driver's files share. README.md says which file does what. Loop thread. */
#ifndef XUELIAN_NODE_DRIVER_INTERNAL_H
#define XUELIAN_NODE_DRIVER_INTERNAL_H

#include "ledger/store/details_store.h"
#include "node/driver/driver.h"
#include "node/recovery.h"
#include "proto/peer.pb-c.h"

enum {
    FETCHED_BLOCKS = 64,
    FETCHED_PROPOSALS = 4,
    ASKED_MAX = 16,            /* peers whose answers are awaited; the oldest is forgotten */
    ASKED_OUTSTANDING_MAX = 4, /* answers of one peer that are awaited */
    SENDERS = 256,             /* buckets of peers */
    CHECKING_MAX = 512,        /* messages of one peer that wait for a verification thread */
    ADMITTING_MAX = 64 << 20,  /* bytes of transactions that wait for a verification thread */
    SYNC_BYTES_MAX = 4 << 20,
    RELAY_WAIT_MS = 50, /* bodies still on the way by themselves are waited for this long */
    REFUSALS = 4096,    /* refused ids whose reason is kept */
    TICK_MAX_MS = 200,
    SYNC_IDLE_MS = 1000 /* a block that no PERSIST has synced by then is synced by itself */
};

/* A proposal with its bodies, and the result of its execution when there is one. */
struct candidate {
    struct candidate *next;
    struct hash32 header_hash; /* of its execution; of a fetched one, what it was asked for by */
    bool told;                 /* the core knows the result; it says when it may go */
    bool kept;                 /* the details of what is held are in their store */
    uint8_t *proposal;         /* canonical Proposal */
    size_t proposal_size;
    struct hash32 parent_hash;
    uint64_t time_ms;
    uint32_t count;
    struct bytes *txs;
    struct body **held;         /* count references, or NULL */
    uint8_t *owned;             /* memory that txs point into, or NULL */
    struct ledger_block *block; /* NULL: not executed */
    uint8_t *recovery;          /* of a recovery's block: canonical SignedRecovery; else NULL */
    size_t recovery_size;
    struct header base; /* and the header that it goes on from */
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
    _Alignas(8) uint8_t data[];
};

struct waiter {
    struct waiter *next;
    struct hash32 id;
    uint64_t deadline_ms;
    struct task *request; /* node_submit or node_wait */
    struct inbox *reply_to;
    struct node_tx_status *tx; /* inside the request */
};

struct refusal {
    struct hash32 id;
    uint32_t code;
};

/* The newest proposal that could not be executed for want of bodies. */
struct wanted {
    bool pending;         /* EXECUTE is not answered yet: they may be on their way by themselves */
    uint64_t deadline_ms; /* when it is answered MISSING */
    struct hash32 digest; /* of the proposal; waited for once */
    uint64_t token;
    enum pbft_execute kind;
    uint8_t *proposal;
    size_t proposal_size;
    struct hash32 *entries; /* sorted; NULL: nothing is wanted */
    bool *here;             /* beside entries */
    uint32_t count;
    uint32_t remaining;
};

/* Sorted. */
struct entry_list {
    struct hash32 *list;
    size_t count;
};

/* Details asked of a peer. count 0: none. */
struct details_ask {
    struct pubkey33 peer;
    uint64_t deadline_ms;
    uint32_t count;
    struct details_key keys[DETAILS_ASK_MAX];
};

struct details_work {
    struct details_ask ask;
    bool busy;        /* the details thread looks for what is wanted, or takes an answer */
    bool compacting;  /* one account at a time */
    uint32_t peer;    /* whose turn it is */
    uint64_t wait_ms; /* the last pause */
    uint64_t next_ms; /* when to look again */
    bool serving[SENDERS];
    uint32_t settling;   /* tasks */
    uint64_t late_first; /* blocks that are settled when there is room; 0: none */
    uint64_t late_last;
};

enum asked_for { ASKED_BLOCKS, ASKED_PROPOSAL, ASKED_ENTRIES };

/* Answers that a peer owes. */
struct asked {
    struct pubkey33 peer;
    enum asked_for what;
    unsigned outstanding;      /* 0: none */
    struct hash32 header_hash; /* of a proposal */
    struct entry_list entries; /* of the newest request */
};

struct driver {
    struct node *node;
    void *core_memory;
    struct pbft *core;
    struct pool *pool;
    Xuelian__Params params; /* of the open height */
    uv_timer_t timer;
    struct queued *head;
    struct queued **tail;
    bool pumping;
    bool stopping;
    bool recovering;        /* the block of a recovery is made */
    uint64_t recovery_told; /* height of a recovery that waits for the operator, 0: none was seen */
    unsigned blocked;       /* parts of the PERSIST or COMMIT under way */
    bool log_dirty;         /* appended to the block log since its last sync */
    uint64_t dirty_ms;
    struct candidate *candidates;                   /* executed at the open height */
    struct candidate *proposals[FETCHED_PROPOSALS]; /* from peers, by header hash asked for */
    unsigned next_proposal;
    struct fetched_block blocks[FETCHED_BLOCKS]; /* at height % FETCHED_BLOCKS */
    uint64_t executing;                          /* token under way, 0: none */
    uint8_t expected[LIMIT_HEADER_SIZE_MAX]; /* the header that the newest EXECUTE had to give */
    size_t expected_size;
    struct wanted wanted;
    struct asked asked[ASKED_MAX];
    unsigned next_asked;
    uint16_t checking[SENDERS];   /* messages of a bucket of peers at the verification threads */
    size_t admitting;             /* bytes there, but for what was fetched */
    bool blocks_busy[SENDERS];    /* blocks of a bucket of peers are looked at */
    bool blocks_serving[SENDERS]; /* or read for one */
    bool bodies_serving[SENDERS]; /* a proposal is read for one */
    struct details_work details;
    struct waiter *waiters;
    struct refusal refusals[REFUSALS];
    unsigned next_refusal;
    uint64_t tip_height; /* in the block log */
    struct hash32 tip_hash;
    uint64_t tip_time_ms;
    uint64_t applied_height; /* in the state; behind the tip for a moment */
    double work_per_ms;      /* committed, smoothed; 0: not measured yet */
    uint64_t commit_ms;
    uint64_t relay_ms; /* when old transactions were last looked for */
    uint64_t last_era;
    uint64_t last_view;
    struct hash32 members_root; /* of the records that peers were told of; the executor's */
    uint64_t members_until;     /* height at which they say something else; the executor's */
    bool recorded;              /* a member record has this node's key */
    uint8_t *entries;           /* room for a batch */
    uint8_t *scratch;           /* PBFT_PARSE_SCRATCH_SIZE */
    struct driver_evidence *evidence;
};

/* driver.c */
uint64_t driver_now_ms(void);
struct pbft_params driver_core_params(const Xuelian__Params *params);
struct pool_limits driver_pool_limits(const Xuelian__Params *params);
/* Tells the core what the pool holds. */
void driver_waiting(struct driver *driver);
/* Brings the timer and the gauges up to date; called when the queue has been done as far as it goes. */
void driver_settled(struct driver *driver);
void driver_propose(struct driver *driver);

/* start.c: makes the core. Returns ST_OK; ST_CORRUPT, ST_FOREIGN with the sentence in error. */
enum status driver_start_core(struct driver *driver, char *error);

/* standing.c */
/* Why this node votes or does not, as far as the set and its journal say: one sentence. */
void driver_standing(const struct driver *driver, const struct pbft_summary *summary, char *text,
                     size_t size);
/* Notes a new era in the log. */
void driver_note_era(struct driver *driver, const struct pbft_summary *summary);
/* What the chain now says of nodes and their addresses. */
void driver_use_membership(struct driver *driver, const struct membership *membership);

/* True when it lacks no block, or only what has just been decided: one that follows under load is always on
 * its way to the newest. */
bool driver_level(const struct driver *driver, const struct pbft_summary *summary);

/* queue.c */
uint64_t driver_clock_ms(void); /* UTC */
enum status driver_step(struct driver *driver, struct pbft_input *input);
void driver_pump(struct driver *driver);
void driver_unblock(struct driver *driver);
void driver_queue_free(struct driver *driver);

/* persist.c, commit.c, effects.c */
void driver_persist(struct driver *driver, const struct pbft_effect *effect);
/* Syncs the block log by itself where no PERSIST does: on a node that follows, and when nothing happens. */
void driver_sync_idle(struct driver *driver, uint64_t now_ms);
void driver_commit(struct driver *driver, const struct pbft_effect *effect);
void driver_effect_send(struct driver *driver, const struct pbft_effect *effect);
void driver_effect_verify(struct driver *driver, const struct pbft_effect *effect);
void driver_effect_alarm(struct driver *driver, const struct pbft_effect *effect);

/* diverged.c: keeps what was expected and what was computed, and says where they first differ. */
void driver_diverged(struct driver *driver, const struct pbft_effect *effect);
/* Encodes and sends one message. What is beyond the frame limit of its type is not sent. */
void driver_send(struct driver *driver, const struct pubkey33 *key, uint8_t type,
                 const ProtobufCMessage *message);

/* candidate.c */
void candidate_free(struct candidate *candidate);
/* The entries of a proposal, malloc'ed, 32 bytes each. False: it is no canonical proposal. */
bool proposal_read(struct bytes proposal, struct candidate *fixed, uint8_t **entries);
/* From the pool's bodies. NULL: some are missing, or it is no proposal (*malformed says which). */
struct candidate *candidate_from_pool(struct driver *driver, struct bytes proposal,
                                      bool *malformed);
/* From canonical Bodies, as they came. Signatures and entries are not checked. NULL: malformed. */
struct candidate *candidate_from_bodies(struct bytes bodies);
/* True when each body is the one that the proposal lists there, with good signatures. Any thread. */
bool candidate_verify(const struct candidate *candidate, const struct hash32 *chain_id);
/* A copy of a fetched block, as a candidate. */
struct candidate *candidate_from_block(const struct fetched_block *fetched);
/* True when it may be what is behind a header: parent, time and transaction root. */
bool candidate_agrees(const struct candidate *candidate, const struct header *header);
/* Verifies a block's transactions and rebuilds the proposal that led to it. Any thread. */
bool fetched_block_check(struct fetched_block *fetched, const struct hash32 *chain_id);
/* The proposal that led to a block, malloc'ed; entries: 32 bytes a transaction. */
uint8_t *proposal_make(const struct header *header, const uint8_t *entries, size_t *size);

/* recover.c */
/* Takes the recovery that the operator gave, when its block is the next. */
void driver_recover(struct driver *driver);
/* A peer has the block of a recovery, which is the next here. */
void driver_offer_recovery(struct driver *driver, const struct fetched_block *fetched);

/* execute.c */
void driver_execute(struct driver *driver, const struct pbft_effect *effect);
void driver_cancel(struct driver *driver, uint64_t token);
void driver_discard(struct driver *driver, const struct hash32 *header_hash);
struct candidate *driver_find_candidate(struct driver *driver, const struct hash32 *header_hash);
void driver_drop_candidates(struct driver *driver);
/* A body came into the pool: whoever waits for it goes on. */
void driver_body_arrived(struct driver *driver, const struct hash32 *entry);
/* Answers MISSING for what has been waited for long enough. */
void driver_wanted_tick(struct driver *driver, uint64_t now_ms);
void driver_fetched(struct driver *driver);

/* asked.c */
void driver_asked_blocks(struct driver *driver, const struct pubkey33 *peer);
void driver_asked_proposal(struct driver *driver, const struct pubkey33 *peer,
                           const struct hash32 *header_hash);
void driver_asked_entries(struct driver *driver, const struct pubkey33 *peer, struct bytes entries);
/* True when the peer owed this answer; it owes it no more. entries: a copy of those asked for, which the
 * caller frees, or NULL. */
bool driver_answered(struct driver *driver, const struct pubkey33 *peer, enum asked_for what,
                     const struct hash32 *header_hash, struct entry_list *entries);
/* Sorts a copy, which the caller frees. */
struct entry_list entry_list_make(struct bytes entries);
/* Where in the list it is, or NULL. */
const struct hash32 *entry_find(const struct entry_list *entries, const struct hash32 *entry);
void driver_asked_free(struct driver *driver);

/* bodies.c */
void driver_fetch_bodies(struct driver *driver, const struct pbft_effect *effect);
void driver_bodies_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body);
void driver_bodies_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body);
/* Takes the bodies of the proposals that the block log kept for the open height into the pool. */
void driver_load_proposals(struct driver *driver);

/* blocks.c */
void driver_fetch_blocks(struct driver *driver, const struct pbft_effect *effect);
void driver_blocks_request_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body);
void driver_blocks_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body);
void driver_offer_block(struct driver *driver); /* steps CERTIFIED when the next block is here */
void driver_drop_blocks(struct driver *driver, uint64_t up_to);

/* details.c */
/* Adds what the candidates executed here commit to to what a PERSIST waits for. */
void driver_keep_details(struct driver *driver);
struct settle_task;
/* What the details thread does when the state has a block; NULL: nothing. */
struct settle_task *driver_settle_make(struct driver *driver, const struct candidate *candidate);
void driver_settle(struct driver *driver, struct settle_task *settle);
void driver_settle_free(struct settle_task *settle);
void driver_details_tick(struct driver *driver, uint64_t now_ms);
void driver_details_request_frame(struct driver *driver, const struct pubkey33 *from,
                                  struct bytes body);
void driver_details_answer_frame(struct driver *driver, const struct pubkey33 *from,
                                 struct bytes body);

/* admit.c */
enum admit_origin { ADMIT_SUBMIT, ADMIT_RELAY, ADMIT_FETCH };
struct fetch_group {
    uint32_t remaining;
    struct entry_list entries; /* those asked for: no other body is taken */
};
/* Takes bytes. False: too many wait already. */
bool driver_admit(struct driver *driver, uint8_t *bytes, size_t size, enum admit_origin origin,
                  struct node_submit *request, struct fetch_group *group);
void driver_group_part_done(struct driver *driver, struct fetch_group *group);
void driver_transactions_frame(struct driver *driver, struct bytes body);
/* Sends what was submitted here to a validator that has just connected. */
void driver_relay_to(struct driver *driver, const struct pubkey33 *key);
/* Sends what waits too long once more to the primary. */
void driver_relay_old(struct driver *driver, uint64_t now_ms);

/* frame.c */
/* Which of SENDERS counts for a peer: keys are as good as random there. */
unsigned driver_bucket(const struct pubkey33 *key);
/* Decodes a message into memory of its own, which the caller frees; NULL, and logged, when malformed. */
ProtobufCMessage *driver_decode(const ProtobufCMessageDescriptor *schema, struct bytes body,
                                void **memory);

/* evidence.c */
void driver_evidence_start(struct driver *driver);
void driver_evidence_free(struct driver *driver);
void driver_effect_evidence(struct driver *driver, const struct pbft_effect *effect);
/* A proposal that the ledger refused: what shows it is remembered until the core reports it. */
void driver_evidence_refused(struct driver *driver, const struct candidate *candidate,
                             enum status reason, uint32_t index);
void driver_evidence_frame(struct driver *driver, const struct pubkey33 *from, struct bytes body);
void driver_evidence_up(struct driver *driver, const struct pubkey33 *key);
void driver_evidence_down(struct driver *driver, const struct pubkey33 *key);
/* Sends what is kept, each session at its pace. */
void driver_evidence_tick(struct driver *driver, uint64_t now_ms);

/* request.c */
void driver_submitted(struct driver *driver, struct node_submit *request, enum status status);
void driver_refuse(struct driver *driver, const struct hash32 *id, enum status code);
void driver_committed_id(struct driver *driver, const struct hash32 *id, uint64_t height,
                         uint32_t index, uint32_t code, struct bytes result);
/* Answers those whose time is over, as it stands: pending or unknown. */
void driver_expire_waiters(struct driver *driver, uint64_t now_ms);
uint64_t driver_work_max(const struct driver *driver);

#endif
