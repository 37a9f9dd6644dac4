/* Evidence: proof that a validator signed what no honest one signs, as it is passed on, kept and shown (R31).
 *
 *     evidence_read       bytes of a frame or a file to a struct evidence; form and sizes alone
 *     evidence_path_...   from the genesis set over the set changes to the set of its era
 *     evidence_check      whether it is shown: every signature verified, nothing believed
 *     evidence_payload    the transaction that records it on the chain, for the kinds that a chain can judge
 *     evidence_words      what was signed, in a sentence
 *
 * A piece of evidence is named by era, place of the validator in the era's set, and kind: of each, one is kept. Any
 * input is safe. Pure but for memory, which is allocated and given back. Any thread. */
#ifndef XUELIAN_EVIDENCE_H
#define XUELIAN_EVIDENCE_H

#include "ledger/genesis.h"
#include "proto/arena.h"
#include "proto/block.h"
#include "proto/evidence.pb-c.h"

enum {
    EVIDENCE_SIZE_MAX = 1280 * 1024, /* between nodes: a NEW-VIEW, or a proposal and two bodies */
    EVIDENCE_FILE_SIZE_MAX = LIMIT_PROOF_SIZE_MAX,
    EVIDENCE_BODIES_MAX = 2,
    EVIDENCE_KINDS = 6,
    EVIDENCE_WORDS_SIZE = 1024
};

/* Room that evidence_read needs for bytes of a size. */
#define EVIDENCE_ROOM(size) (3u * (size_t)(size) + 65536u)

/* Decoded; everything borrows from the arena. */
struct evidence {
    Xuelian__EvidenceKind kind; /* never unspecified */
    uint64_t era;               /* at least 1 */
    struct pubkey33 key;
    struct bytes first, second; /* second: of kinds 1 to 4 */
    const ProtobufCBinaryData *bodies;
    size_t body_count;
    uint64_t seen_ms;
    const ProtobufCBinaryData *set_changes;
    size_t set_change_count;
};

/* Returns  ST_OK; ST_BAD_ENCODING and its like; ST_WRONG_CHAIN; ST_BAD_SIZE (a part is larger than its message may be).
 * In   arena  EVIDENCE_ROOM(bytes.size), not reset here. */
enum status evidence_read(struct evidence *out, struct bytes bytes, const struct hash32 *chain_id,
                          struct arena *arena);

/* Canonical bytes. peers: as sent to other nodes, without what files alone have.
 * Out  *bytes  malloc'ed. Returns the size. */
size_t evidence_write(uint8_t **bytes, const struct evidence *evidence,
                      const struct hash32 *chain_id, bool peers);

/* ---- The set of an era ---- */

struct evidence_path {
    struct validator_set set;
    struct validator_set previous; /* of the era before, where has_previous */
    bool has_previous;
    bool recovered;          /* the era is a recovery's, whose own block nobody certified (R33) */
    struct hash32 base_hash; /* of the block before the era */
    bool base_known;         /* false: of a recovery's block, until who has it says so */
    const struct recovery_keys *recovery; /* of genesis */
    uint64_t rotation_blocks; /* K in the era; 0: not known, then who leads a view is not judged */
};

/* Era 1. Returns ST_OK; ST_NO_MEMORY; ST_CORRUPT. In  genesis_hash  of block 0; NULL: it is computed, which takes as long
 * as making the state of genesis. */
enum status evidence_path_begin(struct evidence_path *path, const struct genesis *genesis,
                                const struct hash32 *genesis_hash);
/* One era on. verify false: what one's own block log holds.
 * Returns  ST_OK; ST_BAD_ENCODING and its like; ST_BAD_CERTIFICATE: it is not what the set before has certified. */
enum status evidence_path_step(struct evidence_path *path, const struct hash32 *chain_id,
                               struct bytes set_change, bool verify);

/* ---- What it shows ---- */

/* What a VIEW-CHANGE says. */
struct evidence_change {
    uint64_t committed_height;
    struct hash32 committed_hash;
    bool prepared;
    uint64_t prepared_view;
    struct hash32 prepared_hash;
};

struct evidence_facts {
    Xuelian__EvidenceKind kind;
    uint32_t index;        /* in the era's set */
    uint32_t member;       /* that the validator belongs to */
    uint64_t view;         /* kinds 3 and 5: the one asked for or opened */
    uint64_t height;       /* kinds 3 and 5: 0 */
    enum vote_phase phase; /* kind 2 */
    struct hash32
        hashes[2];     /* kinds 1 and 2: proposals, headers; kind 4: the first, committed to */
    uint64_t new_view; /* kind 4 */
    struct evidence_change changes[2]; /* kind 3; kind 4: the first */
    enum status reason;                /* kinds 5 and 6 */
    struct hash32 tx_id;               /* kind 6, reasons EXPIRED and ID_USED */
    uint64_t valid_until;              /* kind 6, EXPIRED */
};

/* Returns  ST_OK; ST_UNKNOWN_VALIDATOR; ST_FUTURE: not of the path's era, or of kinds 4 and 5 where its base is not known; ST_MISSING: it cannot be judged here (a NEW-VIEW
 *          in order but for who leads, and K is not known); ST_BAD_EVIDENCE and any of class BAD: it shows nothing.
 * Out  *facts  on ST_OK and ST_MISSING.  Cost  a signature check for each signature in it: at most 2,300 for a NEW-VIEW of 50. */
enum status evidence_check(const struct evidence *evidence, const struct evidence_path *path,
                           const struct hash32 *chain_id, struct evidence_facts *facts);

/* The payload of kind 77 that records it.
 * Returns  ST_OK; ST_UNKNOWN_KIND (kinds 5 and 6); ST_BAD_ENCODING; ST_BAD_SIZE.  Out  *payload  malloc'ed. */
enum status evidence_payload(const struct evidence *evidence, uint8_t **payload, size_t *size);
/* Whether kind 77 takes it at all. */
bool evidence_recordable(Xuelian__EvidenceKind kind);

/* What goes beside a PRE-PREPARE to show why its proposal is invalid.
 * In   reason  of the ledger; index  of the transaction that broke the rule.
 * Out  bodies  *count of them, borrowed from txs.
 * Returns false: the proposal alone does not show it to others (a rule of state). */
bool evidence_bodies(enum status reason, const struct bytes *txs, uint32_t tx_count, uint32_t index,
                     const struct hash32 *chain_id, struct bytes bodies[EVIDENCE_BODIES_MAX],
                     size_t *count);

/* ---- Names and words ---- */

/* "two_votes" and so on: for JSON, logs and metrics. */
const char *evidence_kind_name(Xuelian__EvidenceKind kind);
/* What the validator did, as what follows its name in a sentence. Out  out  EVIDENCE_WORDS_SIZE, NUL-ended. */
void evidence_words(char *out, const struct evidence_facts *facts, bool chinese);

#endif
