/* Who may read what of an account: roles and consents (授权) as the state at one view has them. docs/access.md.
 * Any thread. */
#ifndef XUELIAN_LEDGER_ACCESS_H
#define XUELIAN_LEDGER_ACCESS_H

#include "ledger/view.h"
#include "proto/ledger.pb-c.h"

enum reader_kind {
    READER_STRANGER, /* shows nothing of itself */
    READER_OPERATOR, /* whoever is on the node's machine */
    READER_LEARNER,
    READER_MEMBER,
    READER_CODE /* has a consent's code */
};

/* Who reads. That the key signed is checked; whose it is, here. */
struct reader {
    enum reader_kind kind;
    uint32_t member;
    struct hash32 learner;
    struct pubkey33 key;
    uint8_t code[16];
};

/* Of a consent: kinds, a bit each, and items, none for all. */
struct access_grant {
    uint32_t kinds;
    uint32_t item_count;
    uint32_t items[LIMIT_CONSENT_ITEMS_MAX];
};

struct access {
    bool whole;      /* everything, balances among it */
    uint32_t member; /* it reads the items that it answers for; 0: none */
    bool settles;    /* the credit bank: disputes, and what is disputed */
    uint32_t grant_count;
    struct access_grant grants[LIMIT_CONSENTS_MAX];
};

/* What a reader may read of an account. What it may not is decided item by item, unless `whole`.
 * Returns  ST_OK; ST_TOKEN_NEEDED (a stranger); ST_WRONG_KEY (not in force, or not the issuer's); ST_UNKNOWN_MEMBER,
 *          ST_MEMBER_INACTIVE; ST_NOT_GRANTED (nothing of this account); ST_CORRUPT, ST_IO.
 * Cost     a member's record and at most 32 consents are read. */
enum status access_account(const struct ledger_view *view, const struct account *account,
                           const struct reader *reader, struct access *access);

/* Whether an item's newest version may be shown. Returns ST_OK with *shown; ST_CORRUPT, ST_IO. */
enum status access_item(const struct ledger_view *view, const struct access *access,
                        struct bytes bytes, bool *shown);

/* Whether a reader may ask if an account exists: the operator, and active members. As access_account. */
enum status access_existence(const struct ledger_view *view, const struct reader *reader);

/* Whether a reader sees all statistics, small cells among them: the operator, members with the role statistics or audit.
 * Returns as access_account; ST_NOT_GRANTED: what anyone sees. */
enum status access_statistics(const struct ledger_view *view, const struct reader *reader);

#endif
