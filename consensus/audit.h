/* The audit: who is guilty, shown by what members of one era have signed (R31, R32).
 *
 * Fill it from the stores of as many nodes as can be had: certificates of the block log, NEW-VIEWs kept, journal
 * records, and evidence that cores reported. Order does not matter, and what was altered on its way is refused: every
 * signature is checked. Then judge. Whoever is named has signed two messages that no honest member signs, or one;
 * both are there to be shown to anyone.
 *
 * When two COMMIT certificates of one height conflict, at least f+1 members are guilty. They are named when the audit
 * was given enough: certificates of one view need nothing else; those of different views need the NEW-VIEWs under
 * which the later header was voted for, which every honest node that voted for it keeps for ever. If one is wanting,
 * the report says of which view.
 *
 * Pure; no allocation. Thread: one at a time owns an audit. Cost: one signature check for each vote, VIEW-CHANGE,
 * proposal and NEW-VIEW that it has not seen before. */
#ifndef XUELIAN_CONSENSUS_AUDIT_H
#define XUELIAN_CONSENSUS_AUDIT_H

#include "consensus/pbft.h"

struct audit; /* memory of audit_footprint bytes that the caller owns */

/* One era. Everything borrowed until the audit is over. */
struct audit_config {
    struct hash32 chain_id;
    const struct validator_set *set;
    const struct validator_set
        *previous_set;           /* that certified the block before the era; NULL in era 1 */
    struct hash32 era_base_hash; /* of the block before the era */
    bool era_recovered;          /* it is a recovery's: nobody certified it (R33) */
    uint64_t rotation_blocks; /* K in that era; 0: not known, then who leads a view is not judged */
    uint32_t statements_max;  /* room: votes, proposals and VIEW-CHANGEs; 1 to 2^30 */
    bool (*verify)(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                   const struct sig64 *signature);
    void *verify_context;
};

/* Bytes of memory for an audit; 16-byte aligned. */
size_t audit_footprint(const struct audit_config *config);
struct audit *audit_init(void *memory, const struct audit_config *config);

/* Takes a PRE_PREPARE, VOTE, VIEW_CHANGE or NEW_VIEW, and what is inside it.
 * Returns  ST_OK (also when known); ST_OLD (of another era); ST_UNKNOWN_KIND, ST_UNKNOWN_VALIDATOR; ST_BAD_SIGNATURE
 *          (proves nothing); ST_NO_MEMORY (no more room: what was taken stays); ST_BAD_* as pbft_message_parse.
 * In  body  canonical; borrowed until the audit is over. */
enum status audit_message(struct audit *audit, uint8_t type, struct bytes body);

/* Takes a certificate of either phase with its header: each signature in it is a vote.
 * Returns  ST_OK; ST_BAD_CERTIFICATE and its like (the votes in it that verify are taken all the same);
 *          ST_NO_MEMORY. Borrowed for the call. */
enum status audit_certificate(struct audit *audit, struct bytes header_bytes, struct bytes bytes);

/* Takes what a vote journal's record holds: votes, certificates, VIEW-CHANGE, PRE-PREPARE.
 * Returns  ST_OK; ST_WRONG_CHAIN; ST_BAD_ENCODING. In  record  borrowed until the audit is over. */
enum status audit_record(struct audit *audit, struct bytes record);

/* One proof. Both messages verify; for a NEW-VIEW with an invalid part `second` is empty. */
struct audit_guilt {
    enum pbft_evidence kind;
    uint32_t member; /* index in the set */
    uint8_t first_type, second_type;
    struct bytes first, second; /* canonical messages; live as long as the audit */
    enum status
        reason; /* of a NEW-VIEW: NO_QUORUM, NOT_PRIMARY, BAD_CERTIFICATE (a VIEW-CHANGE); else OK */
};

struct audit_report {
    uint32_t named;                    /* members */
    bool guilty[LIMIT_VALIDATORS_MAX]; /* by index */
    uint32_t proofs;                   /* at most one a member and kind */
    const struct audit_guilt *list;    /* lives until the next call on this audit */
    bool conflict;                     /* two COMMIT certificates of one height; the lowest such: */
    uint64_t height;
    uint64_t views[2]; /* ascending */
    struct hash32 hashes[2];
    bool enough; /* no conflict, or f+1 are named */
    /* When not enough: the NEW-VIEW that let the second header through in this view was not given. Else 0. */
    uint64_t missing_view;
};

/* May be called again after more was taken. Cost: every VIEW-CHANGE against every vote. */
void audit_judge(struct audit *audit, struct audit_report *report);

#endif
