/* One core, driven by hand, for places that no network comes to by itself: more traitors than f, answers in an odd order, a
 * set of any size. What it does is kept, its own messages come back to it, and a PERSIST is durable at once. Nobody's
 * signature is checked but by what the test says of a VERIFY. */
#ifndef XUELIAN_TESTS_UNIT_CONSENSUS_SOLO_H
#define XUELIAN_TESTS_UNIT_CONSENSUS_SOLO_H

#include "consensus/pbft.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/memory.h"

enum { SOLO_EFFECTS_MAX = 1024, SOLO_KEYS = 160 };

struct solo {
    struct pbft *core;
    void *memory;
    void *scratch;
    struct pbft_config config;
    struct pbft_params params;
    struct validator_set set;      /* of the open height */
    struct validator_set previous; /* of the era before; era 0: none */
    struct hash32 era_base;
    struct header tip;
    struct hash32 tip_hash;
    struct owned certificate; /* of the tip */
    struct owned record;      /* the newest */
    uint64_t now_ms;
    uint64_t clock_ms;
    struct solo_kept {
        struct pbft_effect effect;
        void *memory;
    } kept[SOLO_EFFECTS_MAX];
    uint32_t count;  /* of what is kept */
    uint32_t looped; /* what has come back of it */
    /* The header and set of the last EXECUTED, which a COMMIT may follow. */
    struct header executed;
    struct validator_set executed_next;
};

/* A core of `self` among n validators at genesis, past the tripwire. self n or more: no member. */
struct solo *solo_new(uint32_t n, uint32_t self);
void solo_free(struct solo *solo);
/* Starts it anew from what is durable. asked: the others have answered the tripwire's question. */
enum status solo_restart(struct solo *solo, bool asked);
/* The same from another record. */
enum status solo_restart_from(struct solo *solo, struct bytes record);
struct pubkey33 solo_key(uint32_t number);

/* ---- Inputs. All return the verdict. */
enum status solo_step(struct solo *solo, struct pbft_input *input);
enum status solo_tick(struct solo *solo, uint64_t ms);
enum status solo_hear(struct solo *solo, const struct pubkey33 *from, uint8_t type,
                      const ProtobufCMessage *message);
enum status solo_vote(struct solo *solo, uint32_t member, enum vote_phase phase, uint64_t view,
                      uint64_t height, const struct hash32 *hash);
/* A proposal without transactions, from whoever leads that view and height. */
enum status solo_propose(struct solo *solo, uint64_t view, uint64_t height,
                         const struct hash32 *parent, uint64_t time_ms);
/* Answers the newest EXECUTE, and VERIFY. */
enum status solo_executed(struct solo *solo, enum pbft_outcome outcome,
                          const struct header *header);
enum status solo_verified(struct solo *solo, bool good);
enum status solo_certified(struct solo *solo, const struct header *header,
                           struct bytes certificate);
enum status solo_certified_by(struct solo *solo, const struct pubkey33 *from,
                              const struct header *header, struct bytes certificate);
enum status solo_status(struct solo *solo, const struct pubkey33 *from, uint64_t height);
/* One more block, certified by others: it is adopted. next: its set, or NULL when it stays. */
void solo_commit(struct solo *solo, uint8_t tag, const struct validator_set *next);

/* ---- What goes into messages. */
/* A header on the tip; equal tags make equal headers. */
struct header solo_header(const struct solo *solo, uint8_t tag);
struct hash32 solo_hash(const struct header *header);
/* By the first quorum of a set; salt makes other signatures. Out: bytes to be freed. */
struct owned solo_certificate(enum vote_phase phase, uint64_t view, const struct header *header,
                              const struct validator_set *set, uint8_t salt);

/* A VIEW-CHANGE and what it borrows. */
struct solo_change {
    Xuelian__ViewChange wire;
    struct owned parts[4];
    struct hash32 hash;
};

/* committed NULL: the tip. prepared NULL: nothing. */
void solo_change(const struct solo *solo, struct solo_change *out, uint32_t member, uint64_t view,
                 const struct header *committed, const struct header *prepared,
                 uint64_t prepared_view);
void solo_change_free(struct solo_change *change);
enum status solo_hear_change(struct solo *solo, const struct solo_change *change);
/* From whoever leads it at the height above the highest committed one, or from `sender`. */
enum status solo_hear_new_view(struct solo *solo, uint32_t sender, uint64_t view,
                               const struct solo_change *changes, size_t count);

/* ---- What it did. */
uint32_t solo_seen(const struct solo *solo, enum pbft_effect_type type);
uint32_t solo_sent(const struct solo *solo, uint8_t type);
const struct pbft_effect *solo_last(const struct solo *solo, enum pbft_effect_type type);
bool solo_alarmed(const struct solo *solo, enum pbft_alarm reason);
void solo_forget(struct solo *solo);

#endif
