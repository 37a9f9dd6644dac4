/* What an audit holds. Private to audit.c and audit_judge.c. */
#ifndef XUELIAN_CONSENSUS_AUDIT_STORE_H
#define XUELIAN_CONSENSUS_AUDIT_STORE_H

#include "consensus/audit.h"
#include "consensus/core.h"

#define AUDIT_NONE UINT32_MAX

enum said { SAID_PROPOSAL, SAID_PREPARE, SAID_COMMIT, SAID_CHANGE };

/* One signature that verifies, and what it says. */
struct statement {
    enum said kind;
    uint32_t member;
    uint64_t view;      /* of a VIEW-CHANGE: the one asked for */
    uint64_t height;    /* of a VIEW-CHANGE: last committed */
    struct hash32 hash; /* votes: of the header; else what was signed */
    struct sig64 signature;
    struct bytes message; /* not of votes: those are written anew */
    bool valid;    /* VIEW-CHANGE: all in it verifies. Else it opens no view, and hides nothing */
    bool prepared; /* a header of height + 1 */
    uint64_t prepared_view;
    struct hash32 prepared_hash;
    uint32_t next; /* in its bucket */
};

/* A COMMIT certificate. */
struct certified {
    uint64_t height;
    uint64_t view;
    struct hash32 hash;
};

/* A valid NEW-VIEW, and what it lets through. */
struct audit_opening {
    uint64_t view;
    uint32_t sender;
    struct hash32 signed_hash;
    uint64_t base_height;
    bool forced;
    uint64_t forced_view;
    struct hash32 forced_hash;
};

enum { AUDIT_GUILTS_MAX = LIMIT_VALIDATORS_MAX * (PBFT_EVIDENCE_BAD_PROPOSAL + 1) };

struct audit {
    struct audit_config config;
    struct hash32 set_hash;
    struct hash32 previous_hash;
    struct statement *statements;
    uint32_t count;
    uint32_t *buckets; /* first of each */
    uint32_t bucket_mask;
    struct certified *certified; /* room for as many as statements */
    uint32_t certified_count;
    struct audit_opening *openings; /* the same */
    uint32_t openings_count;
    struct bytes bad_new_views[LIMIT_VALIDATORS_MAX]; /* the first of each member */
    enum status bad_reasons[LIMIT_VALIDATORS_MAX];    /* of these */
    struct arena scratch;
    struct audit_guilt guilts[AUDIT_GUILTS_MAX];
    uint8_t votes[AUDIT_GUILTS_MAX][2][VOTE_SIZE_MAX];
    uint32_t guilts_count;
};

/* First of the bucket that holds all of this place. */
uint32_t audit_bucket(const struct audit *audit, enum said kind, uint32_t member, uint64_t view,
                      uint64_t height);
/* Two statements of one place, of which a member makes one. */
bool audit_same_place(const struct statement *a, const struct statement *b);

#endif
