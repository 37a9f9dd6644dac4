/* A small network for tests: genesis with four validators and an examination body, signed transactions. */
#ifndef XUELIAN_TESTS_LEDGER_SUPPORT_H
#define XUELIAN_TESTS_LEDGER_SUPPORT_H

#include "ledger/ledger.h"

/* Members: 1 credit bank (opens accounts), 2 university (opens, deposits degree courses, recognises),
 * 3 online platform (deposits online courses), 4 training body (deposits training), 5 suspended,
 * 6 without roles. Member i signs with secret i, its node with secret 100 + i; 1 to 4 are validators.
 * Regions 330000, 330100. Course 7 version 2: degree course, 300 credits, 4800 hours, from 20200101 to
 * 20291231; course 8: suspended. */
enum { SUPPORT_TIME_2026 = 1 }; /* genesis time is 2026-01-01T00:00:00Z */
#define SUPPORT_GENESIS_TIME_MS UINT64_C(1767225600000)

size_t support_genesis_bytes(uint8_t *out, size_t room);
struct genesis support_genesis(void);

struct signer *support_signer(uint8_t secret);
struct hash32 support_learner(uint32_t number);

/* A valid outcome of member 2 for a learner; change fields before packing. */
void support_outcome(Xuelian__Outcome *outcome, const struct hash32 *learner);
/* A valid opening. */
void support_opening(Xuelian__AccountOpening *opening, const struct hash32 *learner,
                     const struct hash32 *identity);

/* Packs, signs by the members given (each with its own secret), seals.
 * Returns malloc'ed bytes. nonce makes ids differ. */
struct bytes support_tx(const struct genesis *genesis, Xuelian__TxKind kind,
                        const ProtobufCMessage *const *items, uint32_t count,
                        const uint32_t *members, uint32_t member_count, uint64_t valid_until,
                        uint32_t nonce);
void support_free(struct bytes bytes);

/* Executes and applies one block of transactions, a second after the tip. Fails the test unless OK.
 * Out: codes, results of each transaction (may be NULL). */
void support_block(struct ledger *ledger, const struct bytes *txs, uint32_t count, uint32_t *codes);

/* Whatever a test has done, the store is whole: roots, items, and the indexes that follow from them. */
void support_whole(struct kv *kv, const struct genesis *genesis);

/* Takes away, and alters by one bit, the value of every `every`-th key of the state, one at a time: each is found.
 * But for what only the block log can tell (T, U, B, E), and what says nothing: counts of zero, items that have come to
 * their end in a list. Returns how many were found. */
uint32_t support_spoil(struct kv *kv, const struct genesis *genesis, uint32_t every);

/* Who looks at the ledgers that net.c and people.c open, and at each block that they and support.c make: executed and about
 * to be applied; then applied. NULL: nobody. */
struct support_watch {
    void (*opened)(const struct genesis *genesis);
    void (*executed)(const struct ledger_proposal *proposal, const struct ledger_block *block);
    void (*applied)(const struct ledger *ledger);
};
extern struct support_watch support_watch;
void support_opened(const struct genesis *genesis);
void support_executed(const struct ledger_proposal *proposal, const struct ledger_block *block);
/* Applies a block and shows it. */
void support_apply(struct ledger *ledger, struct ledger_block *block);

#endif
