/* What the files of the core share: its memory, and which file does what. Private to consensus/.
 *
 * The core is written as state and rules, not as a chain of callbacks: an input changes the state, then
 * core_advance applies every rule whose condition holds, until none does. So a rule fires whichever way
 * its condition came true: by a message, an answer, a restart or a clock. */
#ifndef XUELIAN_CONSENSUS_CORE_H
#define XUELIAN_CONSENSUS_CORE_H

#include <string.h>

#include "consensus/pbft.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"

#define RESULTS_MAX          6u   /* executed headers kept at the open height */
#define VERIFIED_MAX         512u /* certificates known to be good */
#define SOURCES_MAX          96u  /* peers whose height is remembered */
#define EFFECTS_MAX          192u
#define BLOCKS_ASKED         32u                 /* blocks asked for at once */
#define VIEW_MAX             (UINT64_C(1) << 62) /* a message that names a higher view is malformed */

#define PRE_PREPARE_SIZE_MAX (160u * 1024u) /* the frame limit of PRE-PREPARE */
#define PROPOSAL_SIZE_MAX    (PRE_PREPARE_SIZE_MAX - 256u)
#define VOTE_SIZE_MAX        192u
#define PRE_PREPARE_TAIL     66u /* field 6 behind the proposal: tag, length, 64 bytes */

/* Bytes with a fixed capacity, carved from the core's memory at init. */
struct blob {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

enum phase_index { PREPARE = 0, COMMIT = 1, PHASES = 2 };
enum height_index { OPEN = 0, NEXT = 1, HEIGHTS = 2 };

/* A place in agreement: what evidence compares. Within an era neither view nor height ever goes back. */
struct place {
    uint64_t era;
    uint64_t view;
    uint64_t height;
};

struct vote {
    bool present;
    uint64_t view;
    struct hash32 hash;
    struct sig64 signature;
};

enum proposal_state { PROPOSAL_NONE, PROPOSAL_HELD, PROPOSAL_EXECUTED, PROPOSAL_INVALID };

/* The one PRE-PREPARE kept for a height. */
struct proposal {
    enum proposal_state state;
    struct place place;
    uint32_t sender;
    struct hash32 digest;
    struct blob message; /* canonical PrePrepare */
    size_t offset;       /* of the Proposal in it */
    size_t size;
    struct hash32 parent;
    uint64_t time_ms;
    uint64_t arrived_ms;
    struct hash32 result; /* header hash, when executed */
};

/* A header that this replica has executed at the open height. */
struct result {
    bool present;
    bool stored; /* bodies were asked into the block log */
    uint64_t order;
    struct hash32 hash;
    struct header header;
    struct validator_set next_set;
    struct pbft_params params;
};

enum execution_state { EXECUTION_IDLE, EXECUTION_RUNNING, EXECUTION_MISSING };
enum purpose {
    PURPOSE_NONE,
    PURPOSE_CHECK,    /* own batch */
    PURPOSE_PROPOSAL, /* the accepted PRE-PREPARE */
    PURPOSE_HASH,     /* a header hash that members vote for */
    PURPOSE_FORCED,   /* the header that the view must decide */
    PURPOSE_ADOPT     /* a certified block */
};

struct want {
    enum purpose purpose;
    struct hash32 hash; /* digest for CHECK and PROPOSAL, header hash for the others */
};

struct execution {
    enum execution_state state;
    struct want want;
    uint64_t view;
    uint64_t token;
    uint64_t retry_ms; /* when missing: ask the next peer */
    uint32_t asked;    /* peers asked so far */
};

enum judgement { JUDGED_NONE, JUDGED_VERIFYING, JUDGED_VALID };

/* The newest VIEW-CHANGE of a member. */
struct member_change {
    enum judgement state;
    uint64_t token;
    uint64_t new_view;
    uint64_t committed_height;
    struct hash32 committed_hash;
    bool prepared;
    uint64_t prepared_view;
    struct hash32 prepared_hash;
    struct hash32 signed_hash;
    struct blob message;
};

/* What the q VIEW-CHANGEs of a NEW-VIEW say together. */
struct opened {
    uint64_t base_height; /* h*: the highest committed height among them */
    uint32_t base_sender;
    bool has_forced;
    uint64_t forced_view;
    struct header forced;
    struct hash32 forced_hash;
};

/* A NEW-VIEW under judgement (slot 0) or waiting for it (slot 1). */
struct opening {
    enum judgement state;
    uint64_t token;
    uint64_t view;
    uint32_t sender;
    struct blob message;
    struct opened opened; /* while its signatures are verified */
};

struct adoption {
    enum judgement state;
    uint64_t token;
    struct pubkey33 from;
    struct hash32 hash;
    struct header header;
    struct blob certificate;
};

struct source {
    struct pubkey33 key;
    int32_t member;  /* index in the open set, -1: none */
    uint64_t height; /* claimed, or proved by a certificate; only ever asked about */
    uint32_t failures;
    uint64_t seen_ms;
    uint64_t asked_ms;         /* when blocks were last asked of it */
    uint64_t answer_ms;        /* when its STATUS may be answered again */
    uint64_t newest_answer_ms; /* and its NEWEST_REQUEST */
};

/* What this node signed at one height. */
struct own_height {
    uint64_t height; /* 0: free */
    struct vote votes[PHASES];
    bool prepared;
    uint64_t prepared_view;
    struct hash32 prepared_hash;
    struct blob header;
    struct blob certificate;
};

enum newest { NEWEST_PRE_PREPARE, NEWEST_PREPARE, NEWEST_COMMIT, NEWEST_COUNT };

/* What binds this node: the image of the newest journal record, and nothing else. */
struct own {
    uint64_t era;
    uint64_t view;
    uint64_t target;
    uint64_t base_height;
    bool has_forced;
    struct header forced;
    struct hash32 forced_hash;
    uint64_t durable_height; /* the block log must hold this before any vote */
    struct hash32 durable_hash;
    struct own_height heights[2];
    struct blob view_change; /* newest signed in this era; size 0: none */
    struct blob pre_prepare; /* newest signed; size 0: none */
    struct place pre_prepare_place;
    uint64_t new_view_sent;
    struct place newest[NEWEST_COUNT];
    struct blob new_view; /* that opened `view`; not in the record, stored beside it */
    bool new_view_durable;
};

struct tripwire {
    bool clear;
    bool earned;       /* clear, because enough members have answered */
    uint64_t answered; /* bit i: member i of the current set */
    uint64_t ask_ms;
    uint64_t token; /* of the one check under way, 0: none */
};

/* Asking for blocks: from whom, and when to ask (again). */
struct sync {
    bool asked;
    struct pubkey33 peer;
    uint64_t from_height; /* the tip when progress was last seen */
    uint64_t to_height;
    uint64_t due_ms; /* PBFT_NEVER_MS: nobody claims more than the tip */
};

struct waiting {
    uint32_t count;
    uint64_t oldest_ms;
    uint64_t oldest_single_ms;
    bool full;
};

struct pbft {
    struct pbft_config config;
    uint64_t now_ms;
    uint64_t clock_ms;

    /* The tip: the newest committed block. */
    uint64_t height;
    struct hash32 hash;
    struct header header;
    struct blob certificate;
    struct validator_set tip_set; /* certifies the tip */

    /* The open height, height + 1. */
    struct validator_set set;
    struct hash32 set_hash;
    struct validator_set previous_set; /* certifies era - 1 */
    struct hash32 previous_set_hash;
    struct hash32 era_base_hash; /* of block era - 1 */
    bool era_recovered;          /* and nobody certified it: it is a recovery's (R33) */
    struct pbft_params params;
    int32_t self;
    struct own own;
    uint64_t needed_height;    /* the journal read at start implies that blocks up to here exist */
    uint64_t persisted_height; /* tip when the last PERSIST was written */
    struct hash32 persisted_hash;

    struct vote (*votes[HEIGHTS])[PHASES]; /* votes[height][member][phase] */
    uint32_t voters[HEIGHTS][PHASES];      /* how many of these are present */
    struct proposal proposals[HEIGHTS];
    struct result results[RESULTS_MAX];
    uint64_t results_made;
    struct execution execution;
    struct blob batch;            /* own Proposal under CHECK; size 0: none */
    struct adoption adoptions[2]; /* under judgement or judged; the one after */
    struct member_change *changes;
    uint64_t highest_change; /* view that a valid VIEW-CHANGE of this era has asked for */
    struct opening openings[2];
    uint8_t *evidence_sent; /* per member, at this height */
    uint8_t *bad_new_views; /* per member, in this era */
    uint8_t *bad_changes; /* the same: sent a VIEW-CHANGE with a certificate that does not verify */

    struct hash32 verified[VERIFIED_MAX];
    uint32_t verified_next;
    struct source sources[SOURCES_MAX];
    uint32_t sources_count;
    struct sync sync;
    struct tripwire tripwire;
    struct waiting waiting;

    bool stopped;  /* an alarm ended voting */
    bool diverged; /* and following */
    bool primary_faulty;
    bool leave_after_commit; /* the proposal voted on was older than max_lag */
    bool leave_view;         /* and it has been committed */
    bool started;            /* the first step was taken */
    bool resent;             /* own stored messages were sent since voting became possible */
    uint64_t installed_ms;
    uint64_t commit_ms;
    uint64_t progress_view;   /* target at the last commit */
    uint64_t quorum_since_ms; /* q VIEW-CHANGEs for the target or later, 0: not yet */
    uint64_t status_ms;       /* next STATUS */
    uint64_t propose_after_ms;
    uint64_t next_token;

    struct pbft_effect effects[EFFECTS_MAX];
    uint32_t effects_count;
    struct arena out;     /* bytes of the effects */
    size_t step_room;     /* out bytes that one rule may need */
    struct arena scratch; /* decoding; reset by whoever decodes */
    bool unfinished;      /* effects ran out of room: tick at once */
};

/* ---- Times --------------------------------------------------------------------------------------- */

static inline uint64_t earlier_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t later_ms(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Saturates. */
static inline uint64_t sum_ms(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* ---- pbft.c: memory, effects, sets and small questions ------------------------------------------- */

void blob_set(struct blob *blob, struct bytes bytes);
struct bytes blob_bytes(const struct blob *blob);
struct pbft_effect *core_effect(struct pbft *core, enum pbft_effect_type type);
/* Copies into the memory of the effects. */
struct bytes core_keep(struct pbft *core, struct bytes bytes);
uint8_t *core_room(struct pbft *core, size_t size);
void core_send(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer, uint8_t type,
               struct bytes body);
void core_send_message(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer,
                       uint8_t type, const ProtobufCMessage *message);
void core_alarm(struct pbft *core, enum pbft_alarm reason, const struct hash32 *expected,
                const struct hash32 *found);
uint64_t core_token(struct pbft *core);
void core_sign(const struct pbft *core, const struct hash32 *hash, struct sig64 *signature);
uint32_t core_primary(const struct pbft *core, uint64_t height, uint64_t view);
uint64_t core_timeout_ms(const struct pbft *core);
/* A member whose set entry names this incarnation, with an intact, caught-up journal, past the tripwire. */
bool core_may_vote(const struct pbft *core);
/* And the view is open, and its base reached. */
bool core_may_vote_open(const struct pbft *core);
/* The journal is in the era of the open height. */
bool core_in_era(const struct pbft *core);
bool core_installed(const struct pbft *core);
const struct header *core_forced(const struct pbft *core); /* at the open height, or NULL */
void core_use_set(struct pbft *core, const struct validator_set *set);
void core_check_params(const struct pbft_params *params); /* genesis and governance see to it */
/* Nothing signed up to b forbids a signature at a. */
bool place_above(const struct place *a, const struct place *b);
/* The newest place of an era: its highest view and its highest height, which a crash may have parted. */
void place_raise(struct place *newest, const struct place *place);

/* ---- message.c: decoded forms -------------------------------------------------------------------- */

struct view_change {
    uint64_t era;
    uint64_t new_view;
    uint64_t committed_height;
    struct hash32 committed_hash;
    struct bytes committed_header;
    struct bytes committed_certificate;
    struct bytes prepared_header;
    struct bytes prepared_certificate;
    uint32_t sender;
    struct sig64 signature;
    struct hash32 signed_hash;
};

/* Both borrow from the arena. */
enum status view_change_decode(struct view_change *out, struct bytes bytes,
                               const struct hash32 *chain_id, struct arena *scratch);
enum status new_view_decode(Xuelian__NewView **out, struct bytes bytes, struct arena *scratch);
/* The same for bytes that were decoded before, and certificates that were under this set: kept as bytes,
 * which are smaller. Borrows from the scratch memory, which the caller has reset. */
void view_change_again(struct view_change *out, struct bytes bytes, struct pbft *core);
Xuelian__NewView *new_view_again(struct bytes bytes, struct pbft *core);
void certificate_again(struct certificate *out, struct bytes bytes,
                       const struct validator_set *set);
/* Canonical Vote. Out: out of VOTE_SIZE_MAX bytes. Returns the size. */
size_t vote_message(uint8_t *out, enum phase_index phase, uint64_t era, uint64_t height,
                    uint32_t sender, const struct vote *vote);
enum hash_tag phase_tag(enum phase_index phase);

/* ---- normal.c: proposals and votes (R6 to R13) --------------------------------------------------- */

enum status normal_pre_prepare(struct pbft *core, const struct pbft_message *message);
enum status normal_vote(struct pbft *core, const struct pbft_message *message);
enum status normal_batch(struct pbft *core, struct bytes entries);
void normal_propose(struct pbft *core); /* the checked batch */
bool normal_prepare(struct pbft *core);
bool normal_commit_vote(struct pbft *core);
bool normal_commit(struct pbft *core);
/* The quorum of one phase at the open height. view NULL: of any view. Returns false: none. */
bool normal_quorum(const struct pbft *core, enum phase_index phase, const uint64_t *only_view,
                   uint64_t *view, struct hash32 *hash);
/* The proposal may be voted on by the clock. */
bool normal_timely(const struct pbft *core, const struct proposal *proposal);
/* First moment at which the primary wants a batch. */
uint64_t normal_propose_ms(const struct pbft *core);
/* The proposal that was kept for the next height, now that it is the open one. */
void normal_judge_proposal(struct pbft *core);
void proposal_clear(struct proposal *proposal);
struct bytes proposal_bytes(const struct proposal *proposal);

/* ---- execute.c: what to execute next, and results -------------------------------------------------- */

struct result *execute_result(struct pbft *core, const struct hash32 *hash);
enum status execute_answer(struct pbft *core, const struct pbft_input *input);
bool execute_schedule(struct pbft *core);
void execute_fetched(struct pbft *core);
void execute_leave_view(struct pbft *core);
void execute_reset(struct pbft *core); /* after a commit */

/* ---- view_change.c (R14 to R17) -------------------------------------------------------------------- */

struct judged {
    uint64_t committed_height;
    struct hash32 committed_hash;
    bool prepared;
    uint64_t prepared_view;
    struct hash32 prepared_hash;
};

/* Signatures still to be verified. */
struct checks {
    struct pbft_check *list;
    uint32_t count;
    uint32_t capacity;
    struct hash32 certificates[2 * LIMIT_VALIDATORS_MAX]; /* whose signatures are listed already */
    uint32_t certificates_count;
};

enum status view_change_message(struct pbft *core, const struct pbft_message *message);
/* Says whether a VIEW-CHANGE is well formed, and adds the signatures that remain. checks NULL: they were
 * verified before. */
enum status view_change_judge(struct pbft *core, const struct view_change *change,
                              struct judged *judged, struct checks *checks);
/* Remembers its certificates as good. */
void view_change_remember(struct pbft *core, const struct view_change *change);
void view_change_verified(struct pbft *core, uint32_t member, bool good);
/* Compares what was verified with all certificates held. */
void view_change_check_fork(struct pbft *core, const struct judged *judged);
bool view_change_advance(struct pbft *core);
uint64_t view_change_deadline_ms(const struct pbft *core);
bool certificate_known(const struct pbft *core, struct bytes certificate);
void certificate_remember(struct pbft *core, struct bytes certificate);
void certificate_checks(const struct pbft *core, const struct certificate *certificate,
                        const struct validator_set *set, struct checks *checks);
void checks_begin(struct pbft *core, struct checks *checks, uint32_t capacity);
/* Emits VERIFY; returns its token. */
uint64_t checks_verify(struct pbft *core, const struct checks *checks);

/* ---- new_view.c (R18, R19) ------------------------------------------------------------------------- */

enum status new_view_message(struct pbft *core, const struct pbft_message *message);
void new_view_verified(struct pbft *core, bool good);
bool new_view_send(struct pbft *core);

/* ---- recover.c: the journal's record and restart (R20 to R23) ---------------------------------------- */

/* Emits PERSIST of the own state. store: result whose bodies must be in the block log, or NULL. */
void recover_persist(struct pbft *core, struct result *store);
enum status recover_restore(struct pbft *core, const struct pbft_start *start);
void recover_enter_era(struct pbft *core);
struct own_height *recover_own(struct pbft *core, uint64_t height); /* made when absent */
const struct own_height *recover_own_find(const struct pbft *core, uint64_t height);
void recover_resend(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer);
bool recover_advance(struct pbft *core);
void recover_start(struct pbft *core); /* in the first step */

/* ---- tripwire.c (R24) -------------------------------------------------------------------------------- */

/* True and alarmed when a signature of one's own is above the journal. */
bool tripwire_foreign(struct pbft *core, const struct pbft_message *message);
/* The same for one inside a certificate that has been verified. */
void tripwire_certificate(struct pbft *core, const struct certificate *certificate,
                          const struct validator_set *set);
bool tripwire_asking(const struct pbft *core); /* it stands between this node and its vote */
uint64_t tripwire_deadline_ms(const struct pbft *core);
void tripwire_ask(struct pbft *core);
enum status tripwire_request(struct pbft *core, const struct pubkey33 *from, struct bytes body);
void tripwire_change(struct pbft *core, const struct view_change *change);
enum status tripwire_answer(struct pbft *core, const struct pubkey33 *from, struct bytes body);
void tripwire_verified(struct pbft *core, bool good);

/* ---- catch_up.c: resend and certified blocks (R26 to R30) ------------------------------------------- */

void catch_up_connected(struct pbft *core, const struct pubkey33 *peer);
void catch_up_send_status(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer);
enum status catch_up_status(struct pbft *core, const struct pubkey33 *from,
                            const struct pbft_message *message);
enum status catch_up_certified(struct pbft *core, const struct pubkey33 *from, struct bytes bytes,
                               struct bytes certificate);
void catch_up_verified(struct pbft *core, bool good);
void catch_up_note(struct pbft *core, const struct pubkey33 *key, uint64_t height);
void catch_up_use_set(struct pbft *core);
/* A peer to remember; a full table forgets another for it. */
struct source *catch_up_source(struct pbft *core, const struct pubkey33 *key);
/* Two certificates that cannot both be (R30). */
void catch_up_fork(struct pbft *core, const struct hash32 *expected, const struct hash32 *found);
bool catch_up_commit(struct pbft *core);
void catch_up_advance(struct pbft *core);
uint64_t catch_up_deadline_ms(const struct pbft *core);
/* Makes a result the tip. */
void catch_up_apply(struct pbft *core, const struct result *result, struct bytes certificate);
/* R33: the block of a recovery becomes the tip, and its set opens an era. */
enum status catch_up_recovered(struct pbft *core, const struct pbft_input *input);
/* Blocks are missing here, and not because one peer says so. */
bool catch_up_behind(const struct pbft *core);

/* ---- evidence.c (R31) ------------------------------------------------------------------------------ */

void evidence_two_proposals(struct pbft *core, const struct proposal *held, struct bytes second);
void evidence_two_votes(struct pbft *core, enum phase_index phase, uint64_t height, uint32_t member,
                        const struct vote *first, struct bytes second);
void evidence_two_changes(struct pbft *core, uint32_t member, struct bytes second);
void evidence_forgotten(struct pbft *core, uint32_t member);
void evidence_bad_new_view(struct pbft *core, uint32_t member, struct bytes message);
void evidence_bad_proposal(struct pbft *core, const struct proposal *proposal);

#endif
