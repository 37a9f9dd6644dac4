/* The chain of certified headers, followed from genesis: who certifies each, and that each names those before it.
 * Pure but for chain_genesis. One thread at a time owns a chain. */
#ifndef XUELIAN_LEDGER_WHOLE_CHAIN_H
#define XUELIAN_LEDGER_WHOLE_CHAIN_H

#include "ledger/genesis.h"
#include "proto/merkle.h"

struct chain {
    const struct genesis *genesis;
    struct header header; /* the last one taken */
    struct hash32 hash;
    struct validator_set set;       /* that certifies the next */
    struct merkle_frontier history; /* over the hashes of all headers up to the last one */
};

/* What is wrong with a header, in both languages; static. */
struct chain_fault {
    const char *en;
    const char *zh;
};

/* At block 0. Executes the genesis file, which is borrowed, in memory. Returns ST_OK; ST_NO_MEMORY and its like. */
enum status chain_genesis(struct chain *chain, const struct genesis *genesis);

/* A header is certified by a set, whose hash it names. Returns ST_OK; ST_BAD_CERTIFICATE, with *fault.
 * Cost: a signature check for each of the quorum. */
enum status chain_certified(const struct hash32 *chain_id, const struct validator_set *set,
                            const struct header *header, struct bytes certificate,
                            struct chain_fault *fault);

/* Takes the next header. set_change: canonical SetChange where the set changes, else empty.
 * Returns ST_OK; ST_BAD_PROOF or ST_BAD_CERTIFICATE, with *fault, and nothing has changed. */
enum status chain_next(struct chain *chain, const struct header *header, struct bytes certificate,
                       struct bytes set_change, struct chain_fault *fault);

/* Takes the block of a recovery, which has no certificate. Returns as chain_next. */
enum status chain_recovery(struct chain *chain, const struct header *header, struct bytes recovery,
                           struct chain_fault *fault);

/* Follows the changes of the set alone: takes a SetChange or recovery of a height not below the last one. What the chain says of
 * header, hash and history is then that of no use until chain_land.
 * Returns as chain_next. Out *header of the change. */
enum status chain_change(struct chain *chain, struct bytes set_change, struct header *header,
                         struct chain_fault *fault);

/* Takes a certified header that is no neighbour of the last one, with the peaks of the hashes before it.
 * Returns as chain_next. */
enum status chain_land(struct chain *chain, const struct header *header, struct bytes certificate,
                       const struct merkle_frontier *before, struct bytes set_change,
                       struct chain_fault *fault);

#endif
