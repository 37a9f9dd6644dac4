/* Details beside the chain: their form, what an outcome commits to, and how they travel with a transaction.
 *
 * An outcome's details are 1 to LIMIT_DETAILS_MAX numbered texts, each with a salt; the outcome holds the root alone
 * (docs/protocol.md section 23). A submission is a transaction with the details of those of its outcomes that have a
 * root; without any, it is the transaction itself. Pure; any thread. */
#ifndef XUELIAN_LEDGER_TX_DETAILS_H
#define XUELIAN_LEDGER_TX_DETAILS_H

#include "ledger/tx/envelope.h"

struct detail {
    uint32_t number;
    struct hash32 salt;
    struct bytes value; /* UTF-8 */
};

struct details {
    uint32_t count;
    struct detail fields[LIMIT_DETAILS_MAX];
};

/* Bytes of any Details. */
#define DETAILS_BYTES_MAX (LIMIT_DETAILS_SIZE_MAX + LIMIT_DETAILS_MAX * 48u)

/* Decodes canonical Details. Returns ST_OK; ST_BAD_ENCODING, ST_TRUNCATED; ST_DETAILS_FORM. Out: borrows bytes. */
enum status details_read(struct details *details, struct bytes bytes);
/* Out  out  DETAILS_BYTES_MAX bytes. Returns the number written; 0 when they are not well formed. */
size_t details_write(uint8_t *out, const struct details *details);

void details_leaf(struct hash32 *leaf, const struct detail *detail);
/* What an outcome commits to: H(DETAILS, count || Merkle root of the leaves). */
void details_root(struct hash32 *root, const struct details *details);

/* The number of a name ("score") or of digits; 0: none. The name of a number, or NULL. */
uint32_t detail_number(const char *name);
const char *detail_name(uint32_t number);

/* What names an outcome's details in a store: those of two issuers or accounts never meet. */
struct details_key {
    struct hash32 account;
    uint32_t issuer;
    struct hash32 root;
};

/* The outcome that an item of a transaction writes into the archive, or NULL. */
const Xuelian__Outcome *tx_outcome(const struct tx *tx, uint32_t item);
/* Out *key, and true, when it has a details root. */
bool tx_details_key(const struct tx *tx, uint32_t item, struct details_key *key);
/* True when any item has one. */
bool tx_has_details(const struct tx *tx);

/* True of the kinds that erase details; their payload is an ItemAct. */
bool tx_erases(const struct tx *tx);

struct submission {
    struct bytes bytes; /* as it travelled */
    struct bytes tx;    /* inside */
    struct bytes
        details; /* the rest: fields of Submission; none when it is the transaction alone */
};

/* Takes one apart. Returns ST_OK; ST_BAD_ENCODING, ST_TRUNCATED; ST_BAD_SIZE. Out: borrows bytes. */
enum status submission_read(struct submission *submission, struct bytes bytes);
/* The details of the next item, in order. False after the last. *at begins at 0. */
bool submission_next(const struct submission *submission, size_t *at, struct bytes *details);

/* Checks that the details are those of the transaction, one for each root, in order.
 * Returns  ST_OK; ST_DETAILS_MISSING, ST_DETAILS_MISMATCH, ST_DETAILS_FORM and those of details_read.
 * Out      *item  the first that is wrong; on ST_OK untouched. */
enum status submission_check(const struct submission *submission, const struct tx *tx,
                             uint32_t *item);

/* Puts a transaction and the details of its items together. count 0: the transaction itself.
 * Out  *bytes  malloc'ed, the caller frees it. Returns ST_OK; ST_NO_MEMORY. */
enum status submission_make(struct bytes tx, const struct bytes *details, uint32_t count,
                            uint8_t **bytes, size_t *size);

#endif
