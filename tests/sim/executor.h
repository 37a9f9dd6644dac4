/* The state machine under consensus, behind a small interface with two implementations.
 *
 * executor_toy: the state is a running hash and the set of used transactions; a transaction is a word, some
 * words are special (see executor_toy.c). It can change the validator set, so eras can be tested.
 * executor_ledger: the real ledger over its in-memory store; its set changes by governance (govern.h). */
#ifndef XUELIAN_TESTS_SIM_EXECUTOR_H
#define XUELIAN_TESTS_SIM_EXECUTOR_H

#include "tests/sim/chain.h"

struct executor_kind {
    const char *name;
    /* Makes genesis (chain->genesis, chain_id) for the first `validators` keys. */
    void (*init)(struct chain *chain, uint32_t validators);
    void (*free_chain)(struct chain *chain);
    /* Reads a transaction: sets entry, id and label. False: its bytes are none. */
    bool (*read_tx)(struct chain *chain, struct sim_tx *tx);
    /* The bytes of the client's transaction `number`. */
    void (*make_tx)(struct chain *chain, uint32_t number, struct owned *out);

    /* The header's transaction root. */
    void (*tx_root)(const struct sim_tx *const *txs, uint32_t count, struct hash32 *root);

    /* A node's state, at block 0. */
    void *(*open)(struct chain *chain);
    void (*close)(void *state);
    uint64_t (*height)(const void *state);
    /* Whether a transaction is in an applied block. */
    bool (*used)(const void *state, const struct sim_tx *tx);
    /* Whether a primary may propose it at the next height: it would not make the block invalid. */
    bool (*proposable)(const void *state, const struct sim_tx *tx);
    /* Executes a proposal at the next height. OK: *block, and *result to apply or drop. MISSING when the parent
     * is not the tip. twist != 0: computes another state root than it should (a broken node). */
    enum pbft_outcome (*execute)(void *state, const struct sim_proposal *proposal,
                                 struct bytes bytes, const struct sim_tx *const *txs,
                                 uint64_t twist, struct sim_block **block, void **result);
    void (*apply)(void *state, const struct sim_block *block, void *result); /* takes result */
    void (*drop)(void *result);
    /* Goes back to the state after block `height`. False: it cannot; open a new one and execute again. */
    bool (*rewind)(void *state, uint64_t height);
};

extern const struct executor_kind executor_toy;
extern const struct executor_kind executor_ledger;

#endif
