/* Recoveries of the governed network: three recovery keys in its genesis, of which two must sign. */
#ifndef XUELIAN_TESTS_LEDGER_RECOVERY_SUPPORT_H
#define XUELIAN_TESTS_LEDGER_RECOVERY_SUPPORT_H

#include "proto/recovery.h"
#include "tests/unit/ledger/govern_support.h"

struct made_recovery {
    struct validator_set set;
    struct hash32 chain_id;
    uint64_t height;
    struct hash32 header_hash;
    const char *reason;
    const char *address; /* of the first validator, NULL: none is named */
    uint32_t signers[4]; /* places in genesis, from 1; 0 ends them */
    bool spoil_signature;
    struct recovery recovery; /* decoded by recovery_make */
    uint8_t bytes[8192];      /* canonical SignedRecovery */
    size_t size;
    uint64_t memory[RECOVERY_ARENA_SIZE / 8];
};

/* Puts the recovery keys into a genesis: an edit for governed_open. */
void recovery_genesis(Xuelian__Genesis *genesis);
/* A recovery from the newest block, with the set as it is, signed by keys 1 and 3; era and order are right. */
void recovery_begin(struct made_recovery *made, struct governed *network);
/* Takes a node out of the set, or puts one in. */
void recovery_drop(struct made_recovery *made, uint8_t secret);
void recovery_seat(struct made_recovery *made, uint32_t member, uint8_t secret,
                   uint64_t incarnation);
/* Encodes, signs and decodes it. Returns what recovery_decode says. */
enum status recovery_make(struct made_recovery *made);

#endif
