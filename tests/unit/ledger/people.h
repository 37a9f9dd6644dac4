/* A network for tests of the kinds that change accounts and outcomes: the genesis of support.h with identity
 * services and members that ended, transactions signed by members and learners, and after every refused one a look
 * at the state root: it has not changed. */
#ifndef XUELIAN_TESTS_LEDGER_PEOPLE_H
#define XUELIAN_TESTS_LEDGER_PEOPLE_H

#include "tests/unit/ledger/support.h"

#include "ledger/tx/rules.h"

/* Members beside those of support.h: 10 and 11 identity services; 12 a credit bank with role 5; 13 ended, its successor
 * 14 ended, whose successor is 2; 15 a suspended identity service; 16 ended, successor of itself;
 * 17 an employer with role 9. */
struct people {
    struct kv *kv;
    struct genesis genesis;
    struct ledger *ledger;
    uint32_t nonce;
    void (*keep)(uint64_t height, const struct bytes *txs,
                 uint32_t count); /* sees each block's, or NULL */
    struct state *
        reading; /* what people_read and the others look at; NULL: not opened since the newest block */
};

/* Who signs: a member by its number, with its own secret; a learner by his number and any secret. */
struct hand {
    bool learner;
    bool node; /* a node of the member */
    uint32_t number;
    uint8_t secret;
};
#define MEMBER(n)       ((struct hand){.number = (n), .secret = (uint8_t)(n)})
#define NODE(n)         ((struct hand){.node = true, .number = (n), .secret = (uint8_t)(100 + (n))})
#define LEARNER(n, key) ((struct hand){.learner = true, .number = (n), .secret = (key)})

/* The genesis file of the network. Returns its size. */
size_t people_genesis(uint8_t *out, size_t room);
void people_open(struct people *net);
void people_close(struct people *net);

/* Signed bytes; people_block frees them. */
struct bytes people_tx(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                       const struct hand *hands, uint32_t count);
/* The same of a bulk kind, PEOPLE_ITEMS_MAX items at most. */
enum { PEOPLE_ITEMS_MAX = 8 };
struct bytes people_tx_of(struct people *net, Xuelian__TxKind kind,
                          const ProtobufCMessage *const *items, uint32_t item_count,
                          const struct hand *hands, uint32_t count);
/* One block; the codes of its transactions, of a bulk one that of its first item. time_ms 0: a second after the tip. */
void people_block(struct people *net, const struct bytes *txs, uint32_t count, uint32_t *codes,
                  uint64_t time_ms);
/* One transaction in a block of its own; its code. A refused one leaves the state root as it was. */
uint32_t people_submit(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                       const struct hand *hands, uint32_t count);
/* The code of a transaction on the state of today with one account bent: for what takes long to come about. Nothing is
 * kept. */
uint32_t people_bent(struct people *net, Xuelian__TxKind kind, const ProtobufCMessage *item,
                     const struct hand *hands, uint32_t count, uint32_t learner,
                     void (*bend)(struct state *, struct account *));

/* For such a bend: an item of a status and number of versions, as if it had come about. people_planted_hash is the hash
 * of that version, when it is item `number` of the learner's account. */
struct planted {
    Xuelian__ItemKind kind;
    Xuelian__ItemStatus status;
    uint32_t versions;
    const ProtobufCMessage *content;
};
void people_plant(struct state *state, struct account *account, const struct planted *planted);
struct hash32 people_planted_hash(uint32_t learner, uint64_t number, const struct planted *planted);

struct pubkey33 people_key(uint8_t secret);
/* The commitment of a learner's account as people_account opens it. */
struct hash32 people_commitment(uint32_t learner);
/* A member's outcome for a learner: dated, with credits, without a course. */
void people_outcome(Xuelian__Outcome *outcome, const struct hash32 *learner, uint32_t credits,
                    uint32_t award_date);
/* Opens an account, custodian member 1; secret 0: without a key of the learner's. */
void people_account(struct people *net, uint32_t learner, uint8_t secret);

/* What the state holds. */
struct account people_read(struct people *net, uint32_t learner);
/* The newest version of an item, decoded into `item`. */
void people_item(struct people *net, uint32_t learner, uint64_t number, struct item *item);
/* Hash of its newest version: what names it. */
struct hash32 people_hash(struct people *net, uint32_t learner, uint64_t number);
/* An item's status and number of versions are these. */
void people_expect(struct people *net, uint32_t learner, uint64_t number,
                   Xuelian__ItemStatus status, uint32_t versions);

#endif
