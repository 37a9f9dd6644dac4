/* What all simulated nodes know alike: genesis, transaction bodies, and every block that any of them made.
 *
 * Bodies and blocks are interned: the same bytes are the same pointer in every node, though each node has only
 * what has reached it. So two nodes agree when their pointers do, and a block has a name for people: "#3[a b]"
 * is the block of height 3 with transactions a and b; a second one of that height and content is "#3[a b]'". */
#ifndef XUELIAN_TESTS_SIM_CHAIN_H
#define XUELIAN_TESTS_SIM_CHAIN_H

#include "consensus/pbft.h"
#include "tests/sim/keys.h"
#include "tests/sim/map.h"
#include "tests/sim/memory.h"

#define SIM_LABEL_SIZE 96u

/* A transaction with its signatures. */
struct sim_tx {
    uint32_t index; /* in the order in which they were made */
    struct hash32 entry;
    struct hash32 id;
    struct owned bytes;
    char label[32];
};

/* The result of executing a proposal at one height: made by one node, the same for all. */
struct sim_block {
    struct header header;
    struct hash32 hash;
    struct owned header_bytes;
    struct owned proposal;
    const struct sim_tx **txs;
    uint32_t tx_count;
    const struct validator_set *set;      /* certifies it */
    const struct validator_set *next_set; /* of the next height */
    struct pbft_params params;            /* of the next height */
    bool twisted;                         /* made by an executor that is broken */
    bool recovery;                        /* of recovery keys: nobody certifies it */
    char label[SIM_LABEL_SIZE];
    struct sim_block *beside; /* another one of the same height */
};

/* A proposal taken apart. */
struct sim_proposal {
    struct hash32 parent_hash;
    uint64_t time_ms;
    uint32_t count;
    const struct hash32 *entries; /* in the chain's scratch, until the next parse */
};

struct executor_kind;

struct chain {
    const struct executor_kind *executor;
    struct keys *keys;
    struct hash32 chain_id;
    struct pbft_params params;
    uint32_t incarnations; /* given to the validators of genesis */
    uint32_t traitors;     /* a bit for each node: no set ever has more than f of these */
    struct sim_block *genesis;
    void *executor_data; /* the executor's own */
    struct map tx_by_entry;
    struct sim_tx **txs;
    size_t tx_count, tx_capacity;
    struct map block_by_hash;
    struct sim_block **at_height;
    size_t heights;
    struct validator_set **sets;
    size_t set_count, set_capacity;
    uint8_t *scratch;       /* PBFT_PARSE_SCRATCH_SIZE; whoever decodes resets it */
    uint8_t *frame_scratch; /* grows; one frame between drivers is read at a time */
    size_t frame_scratch_size;
};

/* Validators are the first `validators` keys. */
void chain_init(struct chain *chain, const struct executor_kind *executor, struct keys *keys,
                uint32_t validators, const struct pbft_params *params);
void chain_free(struct chain *chain);

/* The transaction with these bytes, made on first sight. NULL: the executor cannot read it. */
const struct sim_tx *chain_tx(struct chain *chain, struct bytes bytes);
const struct sim_tx *chain_find_tx(const struct chain *chain, const struct hash32 *entry);

/* The block with this header, made on first sight. */
struct sim_block *chain_block(struct chain *chain, const struct header *header,
                              struct bytes proposal, const struct sim_tx *const *txs,
                              uint32_t tx_count, const struct validator_set *set,
                              const struct validator_set *next_set,
                              const struct pbft_params *params);
/* The block that this proposal gave on this parent when it was executed before, anywhere; NULL: it was not. */
struct sim_block *chain_find_executed(const struct chain *chain, const struct sim_block *parent,
                                      struct bytes proposal);
const struct sim_block *chain_find_block(const struct chain *chain, const struct hash32 *hash);
/* The same set is the same pointer. */
const struct validator_set *chain_set(struct chain *chain, const struct validator_set *set);

bool chain_parse_proposal(struct chain *chain, struct bytes bytes, struct sim_proposal *out);
/* Canonical Proposal. Out: freed by owned_free. */
void chain_make_proposal(struct owned *out, const struct hash32 *parent_hash, uint64_t time_ms,
                         const struct sim_tx *const *txs, uint32_t count);

struct arena chain_scratch(struct chain *chain);
/* Room for a decoded frame between drivers of body_size, beside the scratch above: what is in it is parsed there. */
struct arena chain_frame_scratch(struct chain *chain, size_t body_size);

/* "#3[a b]", or the first bytes of a hash that no node has made. */
void chain_name(const struct chain *chain, const struct hash32 *hash, char out[SIM_LABEL_SIZE]);
/* "[a b]" of a proposal. */
void chain_name_proposal(struct chain *chain, struct bytes proposal, char out[SIM_LABEL_SIZE]);

#endif
