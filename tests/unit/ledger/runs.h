/* Random transactions of the kinds that change accounts and outcomes: mostly such as may succeed, some wrong. */
#ifndef XUELIAN_TESTS_LEDGER_RUNS_H
#define XUELIAN_TESTS_LEDGER_RUNS_H

#include "tests/unit/ledger/people.h"

enum {
    RUN_LEARNERS = 10,
    RUN_MERGED_FROM = 6, /* those from here on may be merged into others */
    RUN_HANDS_MAX = 2,
    RUN_ITEMS_MAX = 3
};

/* What a run knows of a learner: his keys, as they are after the newest block. */
struct run_learner {
    uint8_t key;      /* secret; 0: none */
    uint8_t guardian; /* secret; 0: none */
};

struct run {
    struct people net;
    uint32_t seed;
    struct run_learner learners[RUN_LEARNERS];
    struct hash32 ids[RUN_LEARNERS];
    struct hash32 commitments[RUN_LEARNERS];
};

/* One transaction. Its payload points into the draft. */
struct run_draft {
    Xuelian__TxKind kind;
    uint32_t learner;
    struct hand hands[RUN_HANDS_MAX];
    uint32_t hand_count;
    uint32_t item_count;
    const ProtobufCMessage *items[RUN_ITEMS_MAX];
    uint8_t new_secret; /* of the key it brings; 0: none */
    /* Pools of the payload. */
    struct pubkey33 key;
    struct hash32 versions[RUN_ITEMS_MAX + 1];
    uint8_t reference[16];
    union {
        Xuelian__KeyBinding binding;
        Xuelian__AccountKeyRotation rotation;
        Xuelian__GuardianSetting guardian;
        Xuelian__AccountAct account_act;
        Xuelian__DeathNotice death;
        Xuelian__AccountMerge merge;
        Xuelian__Outcome deposit;
        Xuelian__ItemAct act;
        Xuelian__ApplicationDecision decision;
        Xuelian__Correction correction;
        Xuelian__RecognitionReview review;
    } payload;
    Xuelian__Outcome outcome;
    Xuelian__Recognition recognitions[RUN_ITEMS_MAX];
};

/* Opens the network and the accounts of all learners but the first: those of odd number with keys. */
void run_open(struct run *run, uint32_t seed);
void run_close(struct run *run);
uint32_t run_pick(struct run *run, uint32_t count);
/* One time in n. */
bool run_rarely(struct run *run, uint32_t n);

/* Makes a transaction for the state of today. */
void run_make(struct run *run, struct run_draft *draft);
/* Signed bytes. */
struct bytes run_sign(struct run *run, const struct run_draft *draft);
/* Takes note of what a transaction that succeeded has changed about keys. */
void run_note(struct run *run, const struct run_draft *draft);

#endif
