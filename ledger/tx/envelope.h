/* A transaction's envelope: form, id, entry, signatures; and making one.
 *
 * tx_parse checks everything about a transaction that does not depend on state or height (block-level
 * validity, ledger.md section 2). What it returns borrows from the bytes and the arena given. */
#ifndef XUELIAN_LEDGER_TX_ENVELOPE_H
#define XUELIAN_LEDGER_TX_ENVELOPE_H

#include "ledger/tx/kinds.h"
#include "proto/arena.h"
#include "proto/hash.h"
#include "proto/limits.h"
#include "proto/sign.h"

/* Enough arena for any transaction within LIMIT_TX_SIZE_MAX whose bulk count is within its limit. */
#define TX_ARENA_SIZE (8u * 1024 * 1024)

struct tx_signer {
    Xuelian__SignerRole role;
    uint32_t member;       /* SIGNER_ROLE_MEMBER */
    struct hash32 learner; /* SIGNER_ROLE_LEARNER */
    struct pubkey33 key;
    struct sig64 signature;
};

struct tx {
    struct bytes bytes;   /* the whole envelope */
    struct bytes body;    /* canonical TxBody */
    struct bytes common;  /* canonical TxCommon, inside body */
    struct bytes payload; /* inside body */
    struct hash32 id;
    struct hash32 signatures; /* H(signatures) */
    struct hash32 entry;      /* what proposals list: H(id || H(signatures)) */
    uint64_t valid_until;
    Xuelian__TxKind kind;
    bool bulk;
    uint32_t signer_count;
    uint32_t item_count; /* 1 for single kinds */
    struct tx_signer signers[LIMIT_SIGNERS_MAX];
    struct bytes *items;         /* item bytes, item_count of them */
    const struct tx_kind *rule;  /* the row of kind */
    ProtobufCMessage **messages; /* the items decoded, each of rule->item; item_count pointers */
};

/* Parses and checks the form.
 * Returns  ST_OK; ST_BAD_ENCODING, ST_TRUNCATED, ST_TOO_DEEP; ST_BAD_SIZE (a field or the whole);
 *          ST_WRONG_CHAIN; ST_BAD_SIGNERS; ST_UNKNOWN_KIND; ST_BAD_COMMITMENT. Signatures are not
 *          checked. ST_TOO_DEEP also for a payload of more than LIMIT_PAYLOAD_FIELDS_MAX fields.
 * In       bytes  outlive *tx.   arena  TX_ARENA_SIZE, not reset here; holds *tx's pointers.
 * Cost     about 1 us an item.   Thread  any, one arena a thread. */
enum status tx_parse(struct tx *tx, struct bytes bytes, const struct hash32 *chain_id,
                     struct arena *arena);

/* What a proposal lists of a transaction: H(id || H(signatures)). */
void tx_entry(struct hash32 *out, const struct hash32 *id, const struct hash32 *signatures);

/* Checks every signature over the id. Returns ST_OK or ST_BAD_SIGNATURE.
 * Cost  40 us a signer.  Thread  any. */
enum status tx_verify_signatures(const struct tx *tx);

/* What a maker of a transaction says. */
struct tx_draft {
    struct hash32 chain_id;
    uint64_t valid_until;
    struct id16 nonce; /* random, by the caller */
    Xuelian__TxKind kind;
    uint32_t signer_count;
    struct tx_signer signers[LIMIT_SIGNERS_MAX]; /* signatures are ignored */
    const struct bytes *items;                   /* canonical bytes; one for single kinds */
    uint32_t item_count;
};

/* Builds the body and the id to sign.
 * Returns  ST_OK; ST_UNKNOWN_KIND; ST_BAD_SIZE (too many items or signers, or past LIMIT_TX_SIZE_MAX);
 *          ST_NO_MEMORY.
 * Out      *body  malloc'ed, the caller frees it; *id. */
enum status tx_build(const struct tx_draft *draft, uint8_t **body, size_t *body_size,
                     struct hash32 *id);

/* Puts body and signatures (one per signer, in order) into an envelope.
 * Out  *bytes  malloc'ed, the caller frees it. Returns ST_OK; ST_NO_MEMORY. */
enum status tx_seal(const uint8_t *body, size_t body_size, const struct sig64 *signatures,
                    uint32_t count, uint8_t **bytes, size_t *size);

#endif
