/* A small network with rules and a catalogue, for tests of conversion and points: the genesis of support.h with
 * what a test adds, members and learners who sign, and blocks on days of the test's choosing. */
#ifndef XUELIAN_TESTS_LEDGER_NET_H
#define XUELIAN_TESTS_LEDGER_NET_H

#include "tests/unit/ledger/support.h"

/* Members as in support.h; 1 and 2 convert too, 6 is an identity service. Member 2 deposits outcomes of every kind. */
struct net {
    struct kv *kv;
    struct genesis genesis;
    struct ledger *ledger;
    uint32_t nonce;
    uint64_t time_ms; /* of the next block, when above the tip's next second */
    void (*keep)(uint64_t height, const struct bytes *txs,
                 uint32_t count); /* sees each block's, or NULL */
};

/* A rule of member 2, in force all of 2026 and after: degree courses, at most 1,000 credits (hundredths) each way, one for
 * one, consuming, decided. Change fields before net_open. */
void net_conversion(Xuelian__Rule *rule, uint32_t id);
/* A rule of member 1: 10 points a credit, at most 1,000 a year and 5,000 in all, 24 months, automatic. */
void net_accrual(Xuelian__Rule *rule, uint32_t id);
/* An entry of member 4: 100 points, 5 units, 2 a learner. */
void net_entry(Xuelian__CatalogueEntry *entry, uint32_t id);

/* Genesis bytes with rules and catalogue. out: 32,768 bytes. */
size_t net_genesis_bytes(uint8_t *out, Xuelian__Rule **rules, size_t rule_count,
                         Xuelian__CatalogueEntry **catalogue, size_t entry_count);
/* Opens a ledger in memory. Fails the test when genesis is refused. */
void net_open(struct net *net, Xuelian__Rule **rules, size_t rule_count,
              Xuelian__CatalogueEntry **catalogue, size_t entry_count);
void net_close(struct net *net);

/* Signers: a member by its number, a learner by NET_LEARNER + his number. */
enum { NET_LEARNER = 1000 };
struct bytes net_tx(struct net *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                    const uint32_t *signers, uint32_t count);
/* One block; codes of its transactions, which are freed. */
void net_block(struct net *net, struct bytes *txs, uint32_t count, uint32_t *codes);
/* One transaction of one signer in a block of its own; its code. */
uint32_t net_submit(struct net *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                    uint32_t signer);
/* The next block is of this date or a later one. */
void net_date(struct net *net, uint32_t date);

/* Opens the account of a learner, custodian member 1; with a key of his own or without. */
void net_account(struct net *net, uint32_t learner, bool with_key);
/* Merges a learner's other account into one; the code. */
uint32_t net_merge(struct net *net, uint32_t account, uint32_t other);
/* Deposits a degree course of member 2 (support_outcome) with these credits; the number of its item. */
uint64_t net_deposit(struct net *net, uint32_t learner, uint32_t credits, uint32_t award_date);

/* An ItemAct on the newest version of an item; its code. A reason of 4 (the learner's wish). */
uint32_t net_act(struct net *net, Xuelian__TxKind kind, uint32_t signer, uint32_t learner,
                 uint64_t item);
/* Status of an item's newest version. */
Xuelian__ItemStatus net_status(struct net *net, uint32_t learner, uint64_t item);
/* Number of the account's last item. */
uint64_t net_last(struct net *net, uint32_t learner);

/* What the state holds. The account is valid until the next block. */
struct account net_read_account(struct net *net, uint32_t learner);
/* The newest version of an item. Out: in memory, 4,096 bytes; *hash of its bytes. */
const Xuelian__ItemVersion *net_item(struct net *net, uint32_t learner, uint64_t item, void *memory,
                                     struct hash32 *hash);
const ProtobufCMessage *net_content(const Xuelian__ItemVersion *version,
                                    const ProtobufCMessageDescriptor *schema, void *memory);

#endif
