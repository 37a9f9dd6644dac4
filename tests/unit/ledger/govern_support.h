/* A small network that governs itself, for tests of governance.
 *
 * Members: 1, 2, 3 govern (so two approvals are more than half); 4 deposits; 5 governs and is suspended; 6 has no
 * role, and a node that observes; 7 and 8 are the panel for courses; 9 governs and has ended. Member i signs with
 * secret i; its node, with secret 100 + i; 1 to 4 are validators. Region 330000, course 7. Blocks are a second apart. */
#ifndef XUELIAN_TESTS_LEDGER_GOVERN_SUPPORT_H
#define XUELIAN_TESTS_LEDGER_GOVERN_SUPPORT_H

#include "proto/tx_govern.pb-c.h"
#include "tests/unit/ledger/support.h"

struct governed {
    struct genesis genesis;
    struct kv *kv;
    struct ledger *ledger;
    uint32_t nonce;
    uint64_t open_until; /* of the next proposal; 0: 1,000 heights */
    uint64_t not_before;
};

/* edit, if any, changes the genesis before it is encoded. */
void governed_open(struct governed *network, void (*edit)(Xuelian__Genesis *genesis));
void governed_close(struct governed *network);
/* Closes the ledger and opens it again over its store. */
void governed_reopen(struct governed *network);

/* A key of the secret, as a field; static memory for each secret. */
ProtobufCBinaryData governed_key(uint8_t secret);
/* The key of a member's signature in the transactions that follow: another secret than its number. */
void governed_sign_with(uint32_t member, uint8_t secret);

struct signers {
    uint32_t count;
    uint32_t members[LIMIT_SIGNERS_MAX];
};
#define BY(...)                                                                      \
    ((struct signers){.count = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
                      .members = {__VA_ARGS__}})

/* One transaction in a block of its own. Returns its code. Out *id, may be NULL. */
uint32_t governed_send(struct governed *network, Xuelian__TxKind kind,
                       const ProtobufCMessage *payload, struct signers by, struct hash32 *id);
uint32_t governed_propose(struct governed *network, Xuelian__Change *const *changes, size_t count,
                          struct signers by, struct hash32 *id);
/* APPROVE, REFUSE or WITHDRAW. */
uint32_t governed_answer(struct governed *network, Xuelian__TxKind kind, const struct hash32 *id,
                         struct signers by);
/* ENACT, with FOLLOWING signatures of the nodes with these secrets over the newest block. */
uint32_t governed_enact(struct governed *network, const struct hash32 *id, struct signers by,
                        const uint8_t *secrets, size_t count);
/* The same with signatures made before. */
uint32_t governed_enact_with(struct governed *network, const struct hash32 *id, struct signers by,
                             Xuelian__Following *followings, size_t count);

/* A FOLLOWING signature over the newest block. Change a field and sign again with governed_resign. */
struct made_following {
    struct following plain;
    Xuelian__Following wire; /* of plain, after governed_resign */
};
void governed_following(struct governed *network, uint8_t secret, uint64_t incarnation,
                        struct made_following *out);
void governed_resign(struct governed *network, uint8_t secret, struct made_following *following);

/* An empty block, many times. */
void governed_advance(struct governed *network, uint32_t blocks);

/* Decoded records of the committed state; the memory lasts until the next call. NULL: there is none. */
const Xuelian__Member *governed_member(struct governed *network, uint32_t id);
const Xuelian__ProposalRecord *governed_proposal(struct governed *network, const struct hash32 *id);
const ProtobufCMessage *governed_record(struct governed *network, uint32_t collection,
                                        struct bytes key, const ProtobufCMessageDescriptor *schema);

#endif
