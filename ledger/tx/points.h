/* 积分: lots of points and what is taken from them.
 *
 * A lot is an item that says what remains of it; its version changes whenever something is taken or given back. Expiry is
 * never stored as a change: a lot can be spent while its status is valid and the date is not past its own.
 * AccountSummary.points is the sum of what remains of all lots, expired or not; the balance on a date leaves out lots
 * that expired before it, and those under review. */
#ifndef XUELIAN_LEDGER_TX_POINTS_H
#define XUELIAN_LEDGER_TX_POINTS_H

#include "ledger/tx/rules.h"

/* ---- Entries, by value ---- */

struct points_part {
    uint64_t item;
    uint32_t points;
};

struct points_entry {
    Xuelian__PointsType type;
    uint32_t points;
    uint32_t date;
    uint32_t remaining;
    uint32_t reversed;
    uint32_t moved;
    uint32_t expiry_date;
    uint32_t rule;
    uint64_t source_item;
    struct hash32 source_hash;
    uint64_t rule_total;
    uint64_t year_total;
    uint32_t region;
    bool moved_in;
    struct hash32 from_account;
    uint32_t entry;
    uint32_t entry_version;
    uint32_t quantity;
    uint32_t part_count;
    struct points_part parts[LIMIT_POINTS_PARTS_MAX];
};

/* Content of an item. Out: out of ITEM_CONTENT_SIZE_MAX bytes. */
struct bytes points_encode(uint8_t *out, const struct points_entry *entry);
/* Returns ST_OK; ST_CORRUPT. */
enum status points_decode(struct points_entry *entry, const struct item *item);
bool points_is_lot(const struct points_entry *entry);

/* ---- The lots of an account that can be spent, oldest expiry first ---- */

struct lot {
    uint64_t item;
    uint32_t expiry_date; /* UINT32_MAX: none */
    uint32_t remaining;
};

struct lots {
    uint32_t count;
    struct lot lots[LIMIT_POINTS_LOTS_HELD_MAX];
};

/* An index of the items, made again by replay. Lots that expired before the date are left out.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status lots_read(struct state *state, const struct account *account, uint32_t date,
                      struct lots *lots);
void lots_write(struct state *state, const struct account *account, const struct lots *lots);
/* Sets what remains of a lot: 0 takes it out, a new one is put in its place. There is room. */
void lots_set(struct lots *lots, uint64_t item, uint32_t expiry_date, uint32_t remaining);

/* ---- Taking and giving back ---- */

/* Chooses the parts of a redemption. *code: OK; POINTS_SHORT; LOTS_FULL; VERSIONS_FULL.
 * Returns ST_OK; ST_CORRUPT, ST_IO. Changes only *entry: parts that add up to its points. */
enum status points_choose(struct state *state, const struct account *account,
                          const struct lots *lots, struct points_entry *entry, uint32_t *code);
/* Takes the parts chosen. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_take(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *account,
                        struct lots *lots, const struct points_entry *entry);
/* Whether the parts can go back: of an account that was merged, to the one that it led to.
 * *code: OK; VERSIONS_FULL, LOTS_FULL, ACCOUNT_FULL. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_return_check(struct state *state, const struct block_context *context,
                                struct account *account, const struct lots *lots,
                                const struct points_entry *entry, uint32_t *code);
/* Gives the parts back to their lots. What came from a lot that is reversed is reversed at once; what can be spent and
 * belongs to an account that was merged goes on to where its points went.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_return(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, struct account *account,
                          struct lots *lots, const struct points_entry *entry);

/* ---- Where points of merged accounts went ---- */

/* Points that move keep their origin: the account and the lot that earned them. In each account there is one lot of an
 * origin at most, and they follow each other from the origin along the merges. */
struct lot_place {
    struct account *account;
    uint64_t item;
};

/* The last lot with the origin of this one. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_last(struct state *state, struct account *account, uint64_t item,
                        const struct points_entry *lot, struct lot_place *last);

/* Points of a lot that cannot stay in an account that was merged: `points`, which `lot` does not count as remaining, go
 * to the last lot of its origin, or to a new one in the account that the merges led to. When that last one is
 * reversed they are reversed in `lot`. Changes *lot; the caller writes it, its status as *status_after says.
 * There is room. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_pass_on(struct state *state, const struct block_context *context,
                           const struct tx *tx, uint32_t index, struct account *account,
                           const struct item *item, struct points_entry *lot, uint32_t points,
                           Xuelian__ItemStatus *status_after);
/* Whether that lot may get another version. *code: OK, VERSIONS_FULL. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_pass_on_check(struct state *state, struct account *account,
                                 const struct item *item, const struct points_entry *lot,
                                 uint32_t *code);
/* Whether a lot, when it is given points or upheld, passes them on: it is in an account that was merged, not under
 * review, and has not expired. */
bool points_passes_on(const struct block_context *context, const struct account *account,
                      Xuelian__ItemStatus status, const struct points_entry *lot);
/* Puts under review the lot that holds what moved from a lot that has ended. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_review_moved(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item);

/* ---- Merging accounts ---- */

/* In units of ledger_work: 256 lots change, as many are made. */
#define POINTS_MOVE_WORK 1400u

/* Whether the lots of `from` that can be spent fit into `to`; those under review stay.
 * *code: OK; VERSIONS_FULL, LOTS_FULL, ACCOUNT_FULL. Returns ST_OK; ST_CORRUPT, ST_IO. `from` and `to` differ. */
enum status points_move_check(struct state *state, const struct block_context *context,
                              const struct account *from, const struct account *to, uint32_t *code);
/* Moves them in pairs: each ends there (status ENDED, nothing remains) and begins here. points_move_check said OK.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status points_move(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *from,
                        struct account *to);

#endif
