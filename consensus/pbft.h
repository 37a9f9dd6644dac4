/* The consensus core: PBFT with a checkpoint at every block, as a function.
 *
 * HOW IT WORKS, IN ONE PAGE
 *
 * n validators, of which f = floor((n-1)/3) may lie, agree on one block at a time. A quorum is q members;
 * two quorums share an honest one. Heights are agreed in order; a view says who leads:
 * primary(h, v) = set[(h / K + v) mod n].
 *
 *     primary    PRE-PREPARE(v, h, proposal)       "this list of transactions, on this parent"
 *     everyone   executes it, PREPARE(v, h, X)     X = hash of the header that execution gave
 *     everyone   q PREPAREs: prepared              COMMIT(v, h, X)
 *     everyone   q COMMITs: committed              the q signatures are the block's certificate
 *
 * When the primary fails, members send VIEW-CHANGE(v') with their last committed block and what they
 * prepared above it; the primary of v' proves with q of them, in NEW-VIEW, which header must be proposed
 * again (or that it is free). What may have been committed anywhere is in every such set.
 *
 * A run of heights with one validator set is an era; views count from 0 in each. README.md has every rule
 * by number (R1, R2, ...); the code and the tests cite them.
 *
 * HOW IT IS DRIVEN
 *
 * The core has no sockets, files, clocks, threads, allocation or global state: same inputs, same outputs,
 * byte for byte. A driver (the node, the simulator, a transcript test) owns one and does this:
 *
 *     pbft_step(core, &input, &effects);
 *     copy the effects to the end of a queue;
 *     do the queue in order, and stop at a PERSIST until it is durable;
 *     if (pbft_wants_proposal(core, now)) step a BATCH with the pool's entries, maybe none;
 *     step a TICK when now reaches pbft_deadline_ms(core).
 *
 * Two rules carry all of durability. Nothing behind a PERSIST starts before it is durable. And a replica's
 * own messages are counted only when they come back: SEND to PBFT_TO_VALIDATORS includes the sender, to
 * which the driver steps the bytes in as a MESSAGE (no signature check needed) at that place in the queue.
 *
 * At start the driver opens its stores, calls pbft_init with the newest journal record, and ticks.
 *
 * A message from a peer goes through pbft_message_parse; when it names a signer, the driver looks the key
 * up with pbft_signer_key, checks the signature (on a worker), then steps it in. Signatures nested inside
 * are asked for by the VERIFY effect. A key not known (another era) means: drop it; it is sent again.
 *
 * Thread  one thread at a time owns a core; pbft_message_parse is pure and may run anywhere. */
#ifndef XUELIAN_CONSENSUS_PBFT_H
#define XUELIAN_CONSENSUS_PBFT_H

#include "proto/arena.h"
#include "proto/block.h"
#include "proto/limits.h"
#include "proto/status.h"
#include "proto/types.h"

struct pbft; /* the core; memory of pbft_footprint bytes that the caller owns */

#define PBFT_NEVER_MS UINT64_MAX

/* ---- Start -------------------------------------------------------------------------------------- */

/* The chain parameters that agreement uses; proto/block.proto Params has their meaning. All are set by
 * genesis or governance; rotation_blocks >= 1, t0_ms >= 1, timeout_cap_ms >= t0_ms. */
struct pbft_params {
    uint64_t t0_ms;
    uint64_t timeout_cap_ms;
    uint64_t batch_delay_ms;
    uint64_t batch_count;
    uint64_t heartbeat_ms;
    uint64_t max_drift_ms;
    uint64_t max_lag_ms;
    uint64_t request_timeout_ms;
    uint64_t rotation_blocks; /* K */
};

struct pbft_config {
    struct hash32 chain_id;
    struct pubkey33 key; /* this node's; it votes while a set names key and incarnation */
    uint64_t incarnation;
    uint32_t validators_max; /* memory is for sets up to this; LIMIT_VALIDATORS_MAX in a node */
    struct id16 nonce; /* fresh at every start; names this start in the tripwire's questions */
    bool follow;       /* never vote, whatever the set says (journal lost, observer) */
    uint64_t era_min;  /* votes in no era below: a recovery was accepted (R33); 0: none was */
    /* Signs with the node's key. To the core a pure function; called inside pbft_step. */
    void (*sign)(void *context, const struct hash32 *hash, struct sig64 *signature);
    void *sign_context;
};

/* Where the stores stand. Everything borrowed for the call. */
struct pbft_start {
    uint64_t now_ms;     /* as in pbft_input */
    struct bytes header; /* canonical header of the newest block durable in the block log */
    struct bytes
        certificate; /* its COMMIT certificate; empty at height 0 and for a recovery's block */
    /* The set and parameters of the next height. */
    const struct validator_set *set;
    struct pbft_params params;
    /* The last block before set->era: the set that certified it (NULL: block 0) and its hash. */
    const struct validator_set *previous_set;
    struct hash32 era_base_hash;
    bool era_recovered;    /* that block is a recovery's (R33): nobody certified it */
    struct bytes record;   /* newest journal record, or empty: nothing was ever signed */
    struct bytes new_view; /* the NEW-VIEW stored under that PERSIST's (era, view), or empty */
};

/* Bytes of memory for a core; 16-byte aligned. Depends on validators_max alone. */
size_t pbft_footprint(const struct pbft_config *config);

/* Makes a core in memory that the caller owns and later frees; there is nothing to undo.
 * Returns  ST_OK; ST_CORRUPT (what was stored cannot be what this core wrote, or the record names another
 *          block at the tip's height: stop the node); ST_FOREIGN (another chain, key or incarnation).
 *          On error *out is NULL.
 * In  memory  pbft_footprint bytes.  Source  R20, R21, R22. */
enum status pbft_init(struct pbft **out, void *memory, const struct pbft_config *config,
                      const struct pbft_start *start);

/* ---- Messages ----------------------------------------------------------------------------------- */

/* A peer message of a type that the core takes, decoded from canonical bytes. Only pbft_message_parse makes
 * one that a core may be given: what it says of itself is trusted. */
struct pbft_message {
    uint8_t type;      /* PeerType */
    struct bytes body; /* canonical bytes as received; borrowed, and may be moved */
    bool has_signer;   /* the outer signature must be checked: key of (era, sender) over hash */
    uint64_t era;      /* these are set when has_signer */
    uint64_t view;
    uint64_t height;    /* 0 for VIEW-CHANGE and NEW-VIEW */
    uint32_t sender;    /* index in the era's set */
    struct hash32 hash; /* what the signature covers */
    struct sig64 signature;
    union {
        struct {
            enum vote_phase phase;
            struct hash32 header_hash;
        } vote; /* VOTE */
        struct {
            struct hash32 digest; /* of the Proposal, which is */
            size_t offset, size;  /* here in the body */
        } proposal;               /* PRE_PREPARE */
        struct {
            uint64_t era;
            uint64_t view;
            uint64_t height;
        } status; /* STATUS: what its sender claims */
    };
};

/* True for PRE_PREPARE, VOTE, VIEW_CHANGE, NEW_VIEW, STATUS, CERTIFIED, NEWEST_REQUEST, NEWEST_ANSWER.
 * The other types are between drivers (HELLO, BODIES*, BLOCKS*, TRANSACTIONS). */
bool pbft_takes(uint8_t type);

/* Scratch that pbft_message_parse needs for any body within its frame limit. */
#define PBFT_PARSE_SCRATCH_SIZE (4u * 1024u * 1024u)

/* Decodes and bounds one message; its outer signature remains to be checked. CERTIFIED, NEWEST_REQUEST and
 * NEWEST_ANSWER are taken as they are: pbft_step decodes them, and says when they are none.
 * Returns  ST_OK; ST_BAD_ENCODING and its like (the sender's fault); ST_UNKNOWN_KIND (not the core's).
 * In   body  borrowed, message->body points at it.  scratch  reset by the caller afterwards.
 * Thread  any; pure. */
enum status pbft_message_parse(struct pbft_message *message, uint8_t type, struct bytes body,
                               const struct hash32 *chain_id, struct arena *scratch);

/* The key that a message's signature must verify under. False: era or sender unknown here; drop the
 * message, it will be sent again. */
bool pbft_signer_key(const struct pbft *core, uint64_t era, uint32_t sender, struct pubkey33 *key);

/* ---- Inputs ------------------------------------------------------------------------------------- */

enum pbft_input_type {
    PBFT_TICK,      /* time has passed */
    PBFT_MESSAGE,   /* from a peer, outer signature good; or one's own, come back */
    PBFT_CONNECTED, /* a session with this peer began */
    PBFT_EXECUTED,  /* answer to EXECUTE */
    PBFT_VERIFIED,  /* answer to VERIFY */
    PBFT_BATCH,     /* answer to pbft_wants_proposal */
    PBFT_WAITING,   /* what the pool holds has changed */
    PBFT_RECOVERED, /* the block of a recovery, from the operator or a peer, checked by the driver (R33) */
    PBFT_FETCHED, /* something of what FETCH_BODIES or FETCH_BLOCKS asked for has arrived */
    PBFT_CERTIFIED /* a block fetched from a peer: header and certificate, the bodies are with the driver */
};

enum pbft_outcome {
    PBFT_EXECUTED_OK,      /* header, next_set and params are set (CHECK: not looked at) */
    PBFT_EXECUTED_INVALID, /* breaks a block-level rule: proves the proposer faulty */
    PBFT_EXECUTED_MISSING  /* bodies or the proposal are not here: proves nothing */
};

struct pbft_input {
    enum pbft_input_type type;
    uint64_t now_ms;   /* monotonic, never goes back; all timers */
    uint64_t clock_ms; /* wall clock, UTC milliseconds since 1970; block times only */
    union {
        struct {
            struct pubkey33 from; /* the peer that handed it over; one's own key for one's own */
            const struct pbft_message *message;
        } message;
        struct {
            struct pubkey33 peer;
        } connected;
        struct {
            uint64_t token; /* of the EXECUTE effect */
            enum pbft_outcome outcome;
            const struct header *header;
            const struct validator_set *next_set; /* of header.height + 1 */
            /* Of header.height + 1. rotation_blocks changes only where the set does: who leads a view of
             * an era must not depend on how far a replica has come. */
            const struct pbft_params *params;
        } executed;
        struct {
            uint64_t token; /* of the VERIFY effect */
            bool good;      /* every signature verified */
        } verified;
        struct {
            struct bytes entries; /* 32 bytes per transaction, in order; empty for an empty block */
        } batch;
        struct {
            uint32_t count;     /* proposable transactions in the pool, not in a block */
            uint64_t oldest_ms; /* now_ms when the oldest became proposable and was forwarded */
            uint64_t oldest_single_ms; /* the same for the one that has waited longest of all */
            bool full;                 /* enough for a whole batch (bytes, count or work) */
        } waiting;
        struct {
            struct pubkey33 from;
            struct bytes header;
            struct bytes certificate;
        } certified;
        /* Its block, kept by the driver under the header's hash, becomes the next by a COMMIT effect without
         * certificate. Its record was checked with the keys of genesis; whether this node may take it is for its
         * operator to say, and not for the core. */
        struct {
            const struct header *header;
            const struct validator_set *next_set; /* era header.height + 1 */
            const struct pbft_params *params;
        } recovered;
    };
};

/* ---- Effects ------------------------------------------------------------------------------------ */

enum pbft_effect_type {
    PBFT_PERSIST,
    PBFT_SEND,
    PBFT_EXECUTE,
    PBFT_CANCEL,
    PBFT_DISCARD,
    PBFT_FETCH_BODIES,
    PBFT_FETCH_BLOCKS,
    PBFT_VERIFY,
    PBFT_COMMIT,
    PBFT_EVIDENCE,
    PBFT_ALARM
};

enum pbft_to {
    PBFT_TO_VALIDATORS, /* every member of the current set, this node included */
    PBFT_TO_PEERS,      /* every connected peer, observers too, this node not */
    PBFT_TO_PEER        /* the one with this key; nothing when it is not connected */
};

enum pbft_execute {
    PBFT_EXECUTE_CHECK,    /* own batch, before it is proposed: block-level rules alone */
    PBFT_EXECUTE_PROPOSAL, /* a proposal: check, then execute */
    PBFT_EXECUTE_HEADER    /* by header hash: the proposal with bodies is looked up */
};

enum pbft_evidence {
    PBFT_EVIDENCE_TWO_PROPOSALS, /* PRE-PREPAREs of one slot */
    PBFT_EVIDENCE_TWO_VOTES,     /* PREPAREs or COMMITs of one slot */
    PBFT_EVIDENCE_TWO_VIEW_CHANGES,
    PBFT_EVIDENCE_COMMIT_FORGOTTEN, /* a COMMIT, and a VIEW-CHANGE that hides it */
    PBFT_EVIDENCE_BAD_NEW_VIEW,     /* second is empty */
    PBFT_EVIDENCE_BAD_PROPOSAL      /* second is empty; the bodies belong to it */
};

enum pbft_alarm {
    PBFT_ALARM_DIVERGED, /* own execution differs from a certified header: voting stopped */
    PBFT_ALARM_FORK, /* two certificates that cannot both be: more than f traitors; voting stopped */
    PBFT_ALARM_OWN_SIGNATURE, /* this key signed above this journal (backup, clone): voting stopped */
    PBFT_ALARM_SET_TOO_LARGE /* a set beyond validators_max: voting stopped */
};

struct pbft_check {
    struct pubkey33 key;
    struct hash32 hash;
    struct sig64 signature;
};

/* Borrowed bytes live until the next pbft_step or pbft_init on this core: the driver copies what it
 * queues. */
struct pbft_effect {
    enum pbft_effect_type type;
    union {
        /* Only a node that may vote gets these, and whoever takes a recovery; one that follows syncs its block
         * log when it likes.
         * Durable when all of these are: the record in the vote journal (every record alone restores the
         * core; older ones may be overwritten); when store_height is not 0, the proposal with bodies
         * whose execution gave store_hash, in the block log under (store_height, store_hash), kept until
         * that height commits; when new_view is not empty, those bytes under (era, view), kept for ever;
         * and every block of earlier COMMIT effects, in the block log. May be done in parallel. */
        struct {
            struct bytes record;
            uint64_t era;
            uint64_t view;
            uint64_t height;           /* the open height */
            uint64_t committed_height; /* durable in the block log before this persist began */
            struct hash32 committed_hash;
            uint64_t store_height;
            struct hash32 store_hash;
            struct bytes new_view;
        } persist;
        struct {
            enum pbft_to to;
            struct pubkey33 peer; /* for PBFT_TO_PEER */
            uint8_t type;         /* PeerType */
            struct bytes body;
        } send;
        /* Answer with EXECUTED and this token, once. On the state after the last COMMIT effect.
         * CHECK, PROPOSAL: `proposal` holds canonical bytes; what travels beside its transactions (details) must be
         * here too, and is durable with the next PERSIST. HEADER: bodies suffice; find a proposal with bodies for
         * (height, header_hash) in the block log, in fetched blocks or fetched bodies; when `header` is
         * not empty use only one that agrees with its time, parent and transaction root. Bodies not here:
         * outcome MISSING. Keep the result under the hash of the header it gave until COMMIT or DISCARD.
         * A new EXECUTE comes only after the last was answered or cancelled. */
        struct {
            uint64_t token;
            enum pbft_execute kind;
            uint64_t height;
            uint64_t view;
            struct bytes proposal;
            struct hash32 header_hash;
            struct bytes header;
        } execute;
        struct {
            uint64_t token; /* stop that execution; an answer that comes anyway is ignored */
        } cancel;
        struct {
            struct hash32 header_hash; /* that result (not its bodies in the log) may be dropped */
        } discard;
        /* Get from this peer what EXECUTE `token` lacked (BODIES_REQUEST), then step FETCHED. Comes again
         * with another peer when nothing arrives in time. */
        struct {
            uint64_t token;
            uint64_t height;
            struct hash32 header_hash; /* zeros: by the proposal's entries */
            struct bytes proposal;     /* empty: ask by header hash, for the proposal too */
            struct pubkey33 peer;
        } fetch_bodies;
        /* Get certified blocks from this peer (BLOCKS_REQUEST); keep what arrives, step CERTIFIED for the
         * block at the open height, and for the next one after each COMMIT. */
        struct {
            uint64_t from_height;
            uint32_t count;
            struct pubkey33 peer;
        } fetch_blocks;
        struct {
            uint64_t token; /* answer with VERIFIED, once */
            const struct pbft_check *checks;
            uint32_t count;
        } verify;
        /* The result kept under header_hash becomes block `height`: written to the block log now, synced by
         * the next PERSIST at the latest; state and pool follow. Other results are dropped. */
        struct {
            uint64_t height;
            struct hash32 header_hash;
            struct bytes header;
            struct bytes certificate; /* empty: a recovery's block (R33) */
        } commit;
        struct {
            enum pbft_evidence kind;
            uint64_t era;
            uint32_t member; /* index in the era's set */
            struct pubkey33 key;
            uint8_t first_type, second_type;
            struct bytes first, second; /* canonical messages */
        } evidence;
        struct {
            enum pbft_alarm reason;
            uint64_t height;
            struct hash32 expected; /* DIVERGED: the certified header; FORK: one of the two */
            struct hash32 found;    /* DIVERGED: our own, zeros when invalid; FORK: the other */
        } alarm;
    };
};

/* Copies an effect with all that it borrows, for a driver's queue.
 * In   memory  pbft_effect_borrowed_size(effect) bytes, 8-byte aligned; *out points into it. Pure. */
size_t pbft_effect_borrowed_size(const struct pbft_effect *effect);
void pbft_effect_copy(struct pbft_effect *out, uint8_t *memory, const struct pbft_effect *effect);

struct pbft_effects {
    const struct pbft_effect *list; /* the core's; until the next pbft_step */
    uint32_t count;
};

/* Takes one input. Cannot fail: the result is a verdict on the input, for logs and peer scores.
 * Returns  ST_OK accepted; ST_DUPLICATE; ST_OLD; ST_FUTURE; ST_CONFLICT (evidence follows, or a second
 *          proposal where one is held); ST_BAD_* and their like (the sender's fault).
 * Out  *effects  in the order in which they must happen.
 * Cost  microseconds, but for n signatures' worth of copying with a NEW-VIEW; one signature per own vote. */
enum status pbft_step(struct pbft *core, const struct pbft_input *input,
                      struct pbft_effects *effects);

/* ---- Queries ------------------------------------------------------------------------------------ */

/* When to step the next TICK at the latest, or PBFT_NEVER_MS. May be in the past: tick at once. */
uint64_t pbft_deadline_ms(const struct pbft *core);

/* True when this replica is the primary, may propose and wants a BATCH now (it may be empty). */
bool pbft_wants_proposal(const struct pbft *core, uint64_t now_ms);

struct pbft_summary {
    uint64_t height; /* last committed */
    struct hash32 header_hash;
    uint64_t era;
    uint64_t view;   /* installed */
    uint64_t target; /* above view: a view change is under way */
    uint64_t base_height;
    uint32_t validators;
    uint32_t quorum;
    int32_t self;           /* index in the set, -1: not a member */
    uint32_t primary;       /* index, of the open height in `view` */
    bool voting;            /* may vote now */
    bool catching_up;       /* knows of blocks that it does not have */
    bool stopped;           /* an alarm stopped voting */
    uint64_t prepares_from; /* bit i: member i's vote for the open height and view is here */
    uint64_t commits_from;
    uint64_t view_changes_from; /* for `target` or later */
    bool has_proposal;
    bool forced;
};

void pbft_summary(const struct pbft *core, struct pbft_summary *summary);

/* What of the summary changes most, at no cost. */
struct pbft_position {
    uint64_t height;
    uint64_t era;
    uint64_t view;
};

struct pbft_position pbft_position(const struct pbft *core);

/* The set of the open height. Lives as long as the core; changes at a COMMIT effect. */
const struct validator_set *pbft_set(const struct pbft *core);

/* One paragraph for operators: where it stands and whom it waits for. Out: text in out, always ended by a NUL,
 * cut at size. */
void pbft_describe(const struct pbft *core, uint64_t now_ms, char *out, size_t size);

#endif
