/* Builds small networks and proofs of them, with real keys: for the verifier's tests and vectors.
 *
 * Independent of the ledger: it lays out one account among others, a state root, a header and its
 * certificate by docs/protocol.md, and can tell lies that the validators sign. Not for production:
 * secrets are small numbers. */
#ifndef XUELIAN_TESTS_VERIFY_BUILD_H
#define XUELIAN_TESTS_VERIFY_BUILD_H

#include "proto/block.h"
#include "proto/proof.pb-c.h"

enum {
    BUILD_ISSUER = 100,     /* member number of the issuer, in genesis */
    BUILD_STRANGER = 900,   /* a member number that genesis does not have */
    BUILD_COURSE = 7,       /* a course of genesis */
    BUILD_HEIGHT = 1000,    /* of the certified header */
    BUILD_OLD_HEIGHT = 900, /* of an earlier block, with as many transactions */
    BUILD_ACCOUNTS_MAX = 64,
    BUILD_ITEMS_MAX = 128
};

#define BUILD_TIME_MS UINT64_C(1782000000000) /* 2026-06-21 08:00:00 at UTC+8 */

/* Lies inside what the validators certify. */
enum build_lie {
    LIE_NONE,
    LIE_RECOVERY_CHAIN,  /* the first recovery is of another chain */
    LIE_RECOVERY_HEADER, /* or goes on from another header */
    LIE_RECOVERY_ERA,    /* or its set's era is the one after the next */
    LIE_RECOVERY_ORDER,  /* or a key of its set is there twice */
    LIE_TOTALS,          /* the summary has one credit more */
    LIE_POINTS,          /* and points that no item gave */
    LIE_OTHER_ACCOUNT,   /* item 1's content is of another learner */
    LIE_NUMBER,          /* item 2's version says it is item 1 */
    LIE_FUTURE,          /* item 1 is from after the header */
    LIE_HISTORY,         /* item 3's versions do not chain */
    LIE_KEY,             /* the issuer signs with a key that is not its own */
    LIE_STRANGER,        /* the issuer is not in genesis (no lie: it may have joined later) */
    LIE_EXPIRED_TX,      /* the deposit was recorded after its valid_until */
    LIE_FULL_SUMMARY,    /* the summary names a kind of which all outcomes are gone: allowed */
    LIE_POINTS_ITEM,     /* item 2 is a lot of points (no lie) */
    LIE_CELLS            /* a cell 0, 0 of the statistics counts one outcome more than the others */
};

struct build_plan {
    uint32_t validators;
    uint32_t items;
    uint32_t bulk;          /* items of the bulk deposit that item i is at place i of; 0: single */
    uint32_t accounts;      /* beside the learner's */
    uint32_t set_changes;   /* before BUILD_HEIGHT */
    uint32_t recovery_keys; /* in genesis; more than half of them must sign, and sign */
    uint32_t recoveries; /* after the set changes; the second goes on from the first's own block */
    uint32_t earlier;    /* earlier versions of item 1; item 3 always has one, and is revoked */
    uint32_t
        transactions; /* of the certified block and of the earlier one; 0: roots that lead nowhere */
    bool cells;       /* statistics: two regions, two years; else there are none */
    bool no_issuer;   /* leave the issuer's signatures out */
    bool no_summary;
    uint32_t details;  /* fields of item 1's, up to one too many; 0: it has none */
    uint32_t shown;    /* bit i: field i is shown in its proof; 0: the proof has none of them */
    bool erased;       /* its newest version says so */
    uint64_t withheld; /* bit i: item i + 1 is withheld in the archive */
    enum build_lie lie;
};

struct built {
    uint8_t *data;
    size_t size;
};

struct world;

/* Never fails for plans within the limits above; ends the process when out of memory. */
struct world *world_new(const struct build_plan *plan);
void world_free(struct world *world);

struct bytes world_genesis(const struct world *world);
const struct hash32 *world_learner(const struct world *world);
const struct hash32 *world_header_hash(const struct world *world);
struct built world_record(struct world *world, uint32_t item);
struct built world_archive(struct world *world);
/* Of an account that is not there, or, with `collection` 4 (courses, empty here), of a course. */
struct built world_absence(struct world *world, uint32_t collection);
/* A transaction, from 0, of the certified block or the earlier one; one that is not there is shown to be absent. */
struct built world_transaction(struct world *world, bool earlier, uint32_t index);
/* The validator sets. last_change: as of the header where the set changed last, instead of BUILD_HEIGHT. */
struct built world_set_history(struct world *world, bool last_change);
/* The cells of a table that are not zero, from the cell 0, 0 on; one of them (by its place in the table) alone; and
 * the cells at 2^height positions from start on. */
struct built world_table(struct world *world);
struct built world_cell(struct world *world, uint32_t place);
struct built world_range(struct world *world, uint64_t start, uint32_t height);
/* What a validator signs twice: in the set of genesis, or in the newest. */
enum build_evidence {
    EVIDENCE_PROPOSALS,
    EVIDENCE_PREPARES,
    EVIDENCE_COMMITS,
    EVIDENCE_OTHER_VIEWS, /* no offence */
    EVIDENCE_CHANGES,
    EVIDENCE_FORGOTTEN,
    EVIDENCE_REMEMBERED /* no offence */
};
struct built world_evidence(struct world *world, enum build_evidence what, bool genesis_era);
void built_free(struct built *built);

/* Taking proofs apart and putting them together again, so that a test changes one thing. */
Xuelian__Proof *proof_open(struct built proof);
struct built proof_close(Xuelian__Proof *proof); /* frees the proof */
/* Replaces the bytes of a field by a copy. */
void field_set(ProtobufCBinaryData *field, const void *data, size_t size);

/* A COMMIT or PREPARE certificate of the world's header by the genesis validators listed in `signers`,
 * with a bitmap of bitmap_size bytes. */
struct built world_certificate(struct world *world, enum vote_phase phase, const uint32_t *signers,
                               uint32_t count, size_t bitmap_size);

#endif
