/* A state machine small enough to read in a transcript. A transaction is a word:
 *
 *     a, b, pay-3     any word: noted as used; a second time makes a block invalid
 *     bad...          makes any block that holds it invalid
 *     set:+4-0        from the next height: node 4 is a validator and node 0 is not (a new era)
 *     set:+2*7        node 2 joins anew, with incarnation 7
 *     set:+4~2        the same, another transaction: what is behind ~ counts for nothing
 *     k:5             in a block that changes the set: from the next height the primary rotates every 5 blocks */
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/quorum.h"
#include "tests/sim/executor.h"

enum { WORD_MAX = 31 };

/* Every height's tip is kept, so that going back is free. */
struct toy {
    struct chain *chain;
    const struct sim_block **blocks; /* 0 to height */
    size_t height;
    size_t capacity;
    uint32_t *used; /* by transaction: the height it is in, 0 none */
    size_t used_count;
};

static bool toy_read_tx(struct chain *chain, struct sim_tx *tx)
{
    size_t size = tx->bytes.size;
    (void)chain;
    if (size == 0 || size > WORD_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (tx->bytes.data[i] <= ' ' || tx->bytes.data[i] > '~') {
            return false;
        }
    }
    hash_tagged(&tx->id, TAG_TX_ID, tx->bytes.data, size);
    hash_tagged(&tx->entry, TAG_TX_ENTRY, tx->bytes.data, size);
    memcpy(tx->label, tx->bytes.data, size);
    tx->label[size] = '\0';
    return true;
}

static void toy_make_tx(struct chain *chain, uint32_t number, struct owned *out)
{
    char word[WORD_MAX + 1];
    (void)chain;
    int size = snprintf(word, sizeof word, "t%u", (unsigned)number);
    owned_set(out, bytes_of(word, (size_t)size));
}

static void toy_tx_root(const struct sim_tx *const *txs, uint32_t count, struct hash32 *root)
{
    struct hasher hasher;
    hasher_init(&hasher);
    for (uint32_t i = 0; i < count; i++) {
        hasher_update(&hasher, txs[i]->entry.bytes, 32);
    }
    hasher_final(&hasher, root);
}

static void toy_init(struct chain *chain, uint32_t validators)
{
    struct validator_set set = {.era = 1, .count = validators};
    struct header header = {
        .version = PROTOCOL_VERSION, .suite = PROTOCOL_SUITE, .time_ms = UINT64_C(1700000000000)};
    struct owned none = {.data = NULL};
    hash_plain(&chain->chain_id, "toy", 3);
    for (uint32_t i = 0; i < validators; i++) {
        struct validator made = {
            .key = chain->keys->owners[i].key, .member = i, .incarnation = chain->incarnations};
        uint32_t at = i;
        while (at > 0 && pubkey33_compare(&set.validators[at - 1].key, &made.key) > 0) {
            set.validators[at] = set.validators[at - 1];
            at--;
        }
        set.validators[at] = made;
    }
    const struct validator_set *kept = chain_set(chain, &set);
    header.chain_id = chain->chain_id;
    hash_plain(&header.state_root, "genesis", 7);
    validator_set_hash(&header.validators_hash, kept);
    header.next_validators_hash = header.validators_hash;
    chain->genesis =
        chain_block(chain, &header, owned_bytes(&none), NULL, 0, kept, kept, &chain->params);
}

static void toy_free_chain(struct chain *chain)
{
    (void)chain;
}

static void *toy_open(struct chain *chain)
{
    struct toy *toy = sim_new(sizeof *toy);
    toy->chain = chain;
    toy->capacity = 64;
    toy->blocks = sim_new(toy->capacity * sizeof *toy->blocks);
    toy->blocks[0] = chain->genesis;
    return toy;
}

static void toy_close(void *state)
{
    struct toy *toy = state;
    free(toy->blocks);
    free(toy->used);
    free(toy);
}

static uint64_t toy_height(const void *state)
{
    return ((const struct toy *)state)->height;
}

static bool toy_used(const void *state, const struct sim_tx *tx)
{
    const struct toy *toy = state;
    return tx->index < toy->used_count && toy->used[tx->index] != 0;
}

/* ---- Special words ------------------------------------------------------------------------------- */

static bool starts(const struct sim_tx *tx, const char *with)
{
    return strncmp(tx->label, with, strlen(with)) == 0;
}

static void set_remove(struct validator_set *set, const struct pubkey33 *key)
{
    int at = validator_set_find(set, key);
    if (at >= 0) {
        set->count--;
        for (uint32_t i = (uint32_t)at; i < set->count; i++) {
            set->validators[i] = set->validators[i + 1];
        }
    }
}

/* The newest stand last; among those of one height, by key. */
static void set_add(struct validator_set *set, const struct validator *one)
{
    set_remove(set, &one->key);
    uint32_t at = set->count++;
    while (at > 0 && set->validators[at - 1].joined == one->joined &&
           pubkey33_compare(&set->validators[at - 1].key, &one->key) > 0) {
        set->validators[at] = set->validators[at - 1];
        at--;
    }
    set->validators[at] = *one;
}

/* "+4-0*..." ; what cannot be read ends it. */
static void set_change(const struct toy *toy, struct validator_set *set, const char *text,
                       uint64_t height)
{
    while (*text == '+' || *text == '-') {
        bool add = *text == '+';
        char *end;
        unsigned long node = strtoul(text + 1, &end, 10);
        unsigned long incarnation = toy->chain->incarnations;
        if (end == text + 1 || node >= toy->chain->keys->count) {
            return;
        }
        if (*end == '*') {
            incarnation = strtoul(end + 1, &end, 10);
        }
        text = end;
        const struct pubkey33 *key = &toy->chain->keys->owners[node].key;
        if (add) {
            set_add(set, &(struct validator){.key = *key,
                                             .member = (uint32_t)node,
                                             .joined = height + 1,
                                             .incarnation = incarnation});
        } else {
            set_remove(set, key);
        }
    }
}

static bool same_members(const struct validator_set *a, const struct validator_set *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = pubkey33_compare(&a->validators[i].key, &b->validators[i].key) == 0 &&
               a->validators[i].joined == b->validators[i].joined &&
               a->validators[i].incarnation == b->validators[i].incarnation;
    }
    return same;
}

/* A set with more than f traitors promises nothing, so none is made. */
static bool bearable(const struct chain *chain, const struct validator_set *set)
{
    uint32_t traitors = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        traitors += chain->traitors >> set->validators[i].member & 1;
    }
    return traitors <= quorum_faulty(set->count);
}

/* Set and parameters of the height after `height`. All set changes of one block are one change. */
static const struct validator_set *next_rules(struct toy *toy, const struct sim_tx *const *txs,
                                              uint32_t count, uint64_t height,
                                              struct pbft_params *params)
{
    const struct sim_block *tip = toy->blocks[toy->height];
    struct validator_set set = *tip->next_set;
    *params = tip->params;
    for (uint32_t i = 0; i < count; i++) {
        if (starts(txs[i], "set:")) {
            set_change(toy, &set, txs[i]->label + 4, height);
        }
    }
    if (set.count == 0 || same_members(&set, tip->next_set) || !bearable(toy->chain, &set)) {
        return tip->next_set;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (starts(txs[i], "k:")) {
            uint64_t k = strtoull(txs[i]->label + 2, NULL, 10);
            params->rotation_blocks = k == 0 ? 1 : k;
        }
    }
    set.era = height + 1;
    return chain_set(toy->chain, &set);
}

static bool toy_proposable(const void *state, const struct sim_tx *tx)
{
    return !toy_used(state, tx); /* that it is bad shows when it is executed */
}

/* ---- Executing ----------------------------------------------------------------------------------- */

static bool toy_valid(const struct toy *toy, const struct sim_tx *const *txs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (toy_used(toy, txs[i]) || starts(txs[i], "bad")) {
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (txs[k] == txs[i]) {
                return false;
            }
        }
    }
    return true;
}

static void toy_header(struct toy *toy, const struct sim_proposal *proposal,
                       const struct sim_tx *const *txs, const struct validator_set *next,
                       const struct pbft_params *params, uint64_t twist, struct header *header)
{
    const struct sim_block *tip = toy->blocks[toy->height];
    uint8_t word[8];
    *header = (struct header){.version = PROTOCOL_VERSION,
                              .suite = PROTOCOL_SUITE,
                              .chain_id = toy->chain->chain_id,
                              .height = toy->height + 1,
                              .time_ms = proposal->time_ms,
                              .parent_hash = tip->hash,
                              .tx_count = proposal->count};
    toy_tx_root(txs, proposal->count, &header->tx_root);
    hash_node(&header->state_root, &tip->header.state_root, &header->tx_root);
    if (twist != 0) {
        be64_put(word, twist);
        hash_plain(&header->state_root, word, sizeof word);
    }
    hash_node(&header->history_root, &tip->header.history_root, &tip->hash);
    header->validators_hash = tip->header.next_validators_hash;
    header->next_validators_hash = header->validators_hash;
    if (next != tip->next_set) {
        validator_set_hash(&header->next_validators_hash, next);
    }
    be64_put(word, params->rotation_blocks);
    hash_plain(&header->params_hash, word, sizeof word);
}

static enum pbft_outcome toy_execute(void *state, const struct sim_proposal *proposal,
                                     struct bytes bytes, const struct sim_tx *const *txs,
                                     uint64_t twist, struct sim_block **block, void **result)
{
    struct toy *toy = state;
    const struct sim_block *tip = toy->blocks[toy->height];
    struct header header;
    struct pbft_params params;
    if (!hash32_equal(&proposal->parent_hash, &tip->hash)) {
        return PBFT_EXECUTED_MISSING;
    }
    if (proposal->time_ms <= tip->header.time_ms || proposal->count > tip->params.batch_count ||
        !toy_valid(toy, txs, proposal->count)) {
        return PBFT_EXECUTED_INVALID;
    }
    *result = NULL;
    *block = twist == 0 ? chain_find_executed(toy->chain, tip, bytes) : NULL;
    if (*block != NULL) {
        return PBFT_EXECUTED_OK;
    }
    const struct validator_set *next =
        next_rules(toy, txs, proposal->count, toy->height + 1, &params);
    toy_header(toy, proposal, txs, next, &params, twist, &header);
    *block =
        chain_block(toy->chain, &header, bytes, txs, proposal->count, tip->next_set, next, &params);
    (*block)->twisted = twist != 0;
    return PBFT_EXECUTED_OK;
}

static void toy_apply(void *state, const struct sim_block *block, void *result)
{
    struct toy *toy = state;
    (void)result;
    CHECK(block->header.height == toy->height + 1);
    toy->blocks =
        sim_grow(toy->blocks, toy->height + 1, &toy->capacity, sizeof(struct sim_block *));
    toy->blocks[++toy->height] = block;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        uint32_t index = block->txs[i]->index;
        if (index >= toy->used_count) {
            size_t count = 2 * (size_t)index + 64;
            uint32_t *used = sim_new(count * sizeof *used);
            if (toy->used_count > 0) {
                memcpy(used, toy->used, toy->used_count * sizeof *used);
            }
            free(toy->used);
            toy->used = used;
            toy->used_count = count;
        }
        toy->used[index] = (uint32_t)toy->height;
    }
}

static void toy_drop(void *result)
{
    (void)result;
}

static bool toy_rewind(void *state, uint64_t height)
{
    struct toy *toy = state;
    while (toy->height > height) {
        const struct sim_block *block = toy->blocks[toy->height--];
        for (uint32_t i = 0; i < block->tx_count; i++) {
            toy->used[block->txs[i]->index] = 0;
        }
    }
    return true;
}

const struct executor_kind executor_toy = {.name = "toy",
                                           .init = toy_init,
                                           .free_chain = toy_free_chain,
                                           .read_tx = toy_read_tx,
                                           .make_tx = toy_make_tx,
                                           .tx_root = toy_tx_root,
                                           .open = toy_open,
                                           .close = toy_close,
                                           .height = toy_height,
                                           .used = toy_used,
                                           .proposable = toy_proposable,
                                           .execute = toy_execute,
                                           .apply = toy_apply,
                                           .drop = toy_drop,
                                           .rewind = toy_rewind};
