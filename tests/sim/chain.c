#include "tests/sim/chain.h"

#include <stdio.h>

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/sim/executor.h"

void chain_init(struct chain *chain, const struct executor_kind *executor, struct keys *keys,
                uint32_t validators, const struct pbft_params *params)
{
    *chain = (struct chain){.executor = executor, .keys = keys, .params = *params};
    chain->incarnations = 1;
    chain->scratch = sim_new(PBFT_PARSE_SCRATCH_SIZE);
    executor->init(chain, validators);
    CHECK(chain->genesis != NULL);
}

static void block_free(struct sim_block *block)
{
    owned_free(&block->header_bytes);
    owned_free(&block->proposal);
    free(block->txs);
    free(block);
}

void chain_free(struct chain *chain)
{
    chain->executor->free_chain(chain);
    for (size_t i = 0; i < chain->tx_count; i++) {
        owned_free(&chain->txs[i]->bytes);
        free(chain->txs[i]);
    }
    for (size_t h = 0; h < chain->heights; h++) {
        while (chain->at_height[h] != NULL) {
            struct sim_block *next = chain->at_height[h]->beside;
            block_free(chain->at_height[h]);
            chain->at_height[h] = next;
        }
    }
    for (size_t i = 0; i < chain->set_count; i++) {
        free(chain->sets[i]);
    }
    free(chain->txs);
    free(chain->at_height);
    free(chain->sets);
    free(chain->scratch);
    free(chain->frame_scratch);
    map_free(&chain->tx_by_entry);
    map_free(&chain->block_by_hash);
}

struct arena chain_scratch(struct chain *chain)
{
    struct arena arena;
    arena_init(&arena, chain->scratch, PBFT_PARSE_SCRATCH_SIZE);
    return arena;
}

struct arena chain_frame_scratch(struct chain *chain, size_t body_size)
{
    struct arena arena;
    size_t room = body_size * 3 + 65536;
    if (room > chain->frame_scratch_size) {
        free(chain->frame_scratch);
        chain->frame_scratch = sim_new(2 * room);
        chain->frame_scratch_size = 2 * room;
    }
    arena_init(&arena, chain->frame_scratch, chain->frame_scratch_size);
    return arena;
}

/* ---- Transactions -------------------------------------------------------------------------------- */

const struct sim_tx *chain_tx(struct chain *chain, struct bytes bytes)
{
    struct sim_tx read = {.index = (uint32_t)chain->tx_count};
    owned_set(&read.bytes, bytes);
    if (!chain->executor->read_tx(chain, &read)) {
        owned_free(&read.bytes);
        return NULL;
    }
    const struct sim_tx *known = map_get(&chain->tx_by_entry, &read.entry);
    if (known != NULL) {
        owned_free(&read.bytes);
        return known;
    }
    struct sim_tx *made = sim_new(sizeof *made);
    *made = read;
    struct sim_tx **txs =
        sim_grow(chain->txs, chain->tx_count, &chain->tx_capacity, sizeof(struct sim_tx *));
    chain->txs = txs;
    chain->txs[chain->tx_count++] = made;
    map_put(&chain->tx_by_entry, &made->entry, made);
    return made;
}

const struct sim_tx *chain_find_tx(const struct chain *chain, const struct hash32 *entry)
{
    return map_get(&chain->tx_by_entry, entry);
}

/* ---- Sets and blocks ----------------------------------------------------------------------------- */

const struct validator_set *chain_set(struct chain *chain, const struct validator_set *set)
{
    struct hash32 hash, known;
    validator_set_hash(&hash, set);
    for (size_t i = chain->set_count; i-- > 0;) {
        validator_set_hash(&known, chain->sets[i]);
        if (hash32_equal(&hash, &known)) {
            return chain->sets[i];
        }
    }
    struct validator_set *made = sim_new(sizeof *made);
    *made = *set;
    chain->sets =
        sim_grow(chain->sets, chain->set_count, &chain->set_capacity, sizeof(struct hash32 *));
    chain->sets[chain->set_count++] = made;
    return made;
}

/* "[a b]", cut after a few words. Returns the size. */
static size_t label_txs(char *out, size_t size, const struct sim_tx *const *txs, uint32_t count)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (uint32_t i = 0; i < count; i++) {
        if (used + 40 > size) {
            used += (size_t)snprintf(out + used, size - used, " +%u", (unsigned)(count - i));
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : " ", txs[i]->label);
    }
    return used + (size_t)snprintf(out + used, size - used, "]");
}

/* Blocks of one height and content get one apostrophe more each. */
static void label_block(const struct chain *chain, struct sim_block *block)
{
    size_t used = (size_t)snprintf(block->label, sizeof block->label, "#%llu",
                                   (unsigned long long)block->header.height);
    used += label_txs(block->label + used, sizeof block->label - 12 - used, block->txs,
                      block->tx_count);
    uint32_t same = 0;
    for (const struct sim_block *other = chain->at_height[block->header.height]; other != NULL;
         other = other->beside) {
        same += strncmp(other->label, block->label, used) == 0;
    }
    for (uint32_t i = 0; i < same && i < 8; i++) {
        block->label[used++] = '\'';
    }
    block->label[used] = '\0';
}

static void block_place(struct chain *chain, struct sim_block *block)
{
    size_t height = (size_t)block->header.height;
    if (height >= chain->heights) {
        size_t heights = 2 * height + 64;
        struct sim_block **grown = sim_new(heights * sizeof(struct sim_block *));
        if (chain->heights > 0) {
            memcpy(grown, chain->at_height, chain->heights * sizeof(struct sim_block *));
        }
        free(chain->at_height);
        chain->at_height = grown;
        chain->heights = heights;
    }
    label_block(chain, block);
    block->beside = chain->at_height[height];
    chain->at_height[height] = block;
    map_put(&chain->block_by_hash, &block->hash, block);
}

struct sim_block *chain_block(struct chain *chain, const struct header *header,
                              struct bytes proposal, const struct sim_tx *const *txs,
                              uint32_t tx_count, const struct validator_set *set,
                              const struct validator_set *next_set,
                              const struct pbft_params *params)
{
    struct hash32 hash;
    uint8_t bytes[LIMIT_HEADER_SIZE_MAX];
    header_hash(&hash, header);
    struct sim_block *block = map_get(&chain->block_by_hash, &hash);
    if (block != NULL) {
        return block;
    }
    block = sim_new(sizeof *block);
    block->header = *header;
    block->hash = hash;
    owned_set(&block->header_bytes, bytes_of(bytes, header_encode(bytes, header)));
    owned_set(&block->proposal, proposal);
    block->txs = sim_new((tx_count + 1) * sizeof *block->txs);
    for (uint32_t i = 0; i < tx_count; i++) {
        block->txs[i] = txs[i];
    }
    block->tx_count = tx_count;
    block->set = set;
    block->next_set = next_set;
    block->params = *params;
    block_place(chain, block);
    return block;
}

struct sim_block *chain_find_executed(const struct chain *chain, const struct sim_block *parent,
                                      struct bytes proposal)
{
    size_t height = (size_t)parent->header.height + 1;
    struct sim_block *block = height < chain->heights ? chain->at_height[height] : NULL;
    while (block != NULL && (block->twisted || block->recovery ||
                             !hash32_equal(&block->header.parent_hash, &parent->hash) ||
                             !bytes_equal(owned_bytes(&block->proposal), proposal))) {
        block = block->beside;
    }
    return block;
}

const struct sim_block *chain_find_block(const struct chain *chain, const struct hash32 *hash)
{
    return map_get(&chain->block_by_hash, hash);
}

/* ---- Proposals ----------------------------------------------------------------------------------- */

bool chain_parse_proposal(struct chain *chain, struct bytes bytes, struct sim_proposal *out)
{
    struct arena arena = chain_scratch(chain);
    ProtobufCMessage *message;
    if (canonical_decode(&message, &xuelian__proposal__descriptor, bytes, &arena) != ST_OK) {
        return false;
    }
    const Xuelian__Proposal *wire = (const Xuelian__Proposal *)(const void *)message;
    if (!field_copy(&out->parent_hash, 32, &wire->parent_hash) || wire->entries.len % 32 != 0 ||
        wire->entries.len / 32 > LIMIT_PROPOSAL_ENTRIES_MAX) {
        return false;
    }
    out->time_ms = wire->time_ms;
    out->count = (uint32_t)(wire->entries.len / 32);
    out->entries = (const struct hash32 *)(const void *)wire->entries.data;
    return true;
}

void chain_make_proposal(struct owned *out, const struct hash32 *parent_hash, uint64_t time_ms,
                         const struct sim_tx *const *txs, uint32_t count)
{
    Xuelian__Proposal wire = XUELIAN__PROPOSAL__INIT;
    struct hash32 *entries = sim_new((count + 1) * sizeof *entries);
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = txs[i]->entry;
    }
    wire.parent_hash = field_borrow(parent_hash, 32);
    wire.time_ms = time_ms;
    wire.entries = field_borrow(entries, 32 * (size_t)count);
    out->data = sim_new(canonical_size(&wire.base));
    out->size = canonical_encode(out->data, &wire.base);
    free(entries);
}

/* ---- Names --------------------------------------------------------------------------------------- */

void chain_name(const struct chain *chain, const struct hash32 *hash, char out[SIM_LABEL_SIZE])
{
    const struct sim_block *block = chain_find_block(chain, hash);
    if (block != NULL) {
        snprintf(out, SIM_LABEL_SIZE, "%s", block->label);
    } else {
        snprintf(out, SIM_LABEL_SIZE, "#?%02x%02x%02x%02x", hash->bytes[0], hash->bytes[1],
                 hash->bytes[2], hash->bytes[3]);
    }
}

void chain_name_proposal(struct chain *chain, struct bytes proposal, char out[SIM_LABEL_SIZE])
{
    struct sim_proposal parsed;
    const struct sim_tx *txs[8] = {NULL};
    static const struct sim_tx unknown = {.label = "?"};
    if (!chain_parse_proposal(chain, proposal, &parsed)) {
        snprintf(out, SIM_LABEL_SIZE, "not a proposal");
        return;
    }
    uint32_t count = parsed.count < 8 ? parsed.count : 8;
    for (uint32_t i = 0; i < count; i++) {
        txs[i] = chain_find_tx(chain, &parsed.entries[i]);
        txs[i] = txs[i] == NULL ? &unknown : txs[i];
    }
    size_t used = label_txs(out, SIM_LABEL_SIZE, txs, count);
    if (parsed.count > count) {
        snprintf(out + used, SIM_LABEL_SIZE - used, "...");
    }
}
