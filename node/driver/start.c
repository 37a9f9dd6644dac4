/* Where the core starts: tip, sets and era base from block log and ledger, votes from the journal. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/whole/chain.h"
#include "node/driver/internal.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"

static void sign(void *context, const struct hash32 *hash, struct sig64 *signature)
{
    signer_sign(context, hash, signature);
}

/* ---- The era before ---- */

/* The newest two set changes of the log, read one after the other. */
struct changes {
    uint64_t count;
    bool good;
    struct validator_set before; /* what the newest change changed */
    struct validator_set newest;
    struct header header; /* of the newest; of a recovery the one that it goes on from */
    bool recovered;       /* the newest is a recovery */
};

static bool read_recovered_set(struct validator_set *set, struct bytes bytes)
{
    struct recovery *recovery = calloc(1, sizeof *recovery);
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    struct arena arena;
    CHECK(recovery != NULL && memory != NULL);
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    bool good = recovery_decode(recovery, bytes, false, &arena) == ST_OK;
    if (good) {
        *set = recovery->set;
    }
    free(memory);
    free(recovery);
    return good;
}

static bool read_change(void *context, struct bytes bytes)
{
    struct changes *changes = context;
    size_t room = bytes.size * 2 + 4096;
    void *memory = malloc(room);
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    changes->before = changes->newest;
    changes->good = false;
    if (canonical_decode(&message, &xuelian__set_change__descriptor, bytes, &arena) == ST_OK) {
        const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(const void *)message;
        changes->recovered = wire->recovery.len > 0;
        changes->good =
            header_decode(&changes->header, field_bytes(&wire->header)) == ST_OK &&
            (changes->recovered
                 ? read_recovered_set(&changes->newest, field_bytes(&wire->recovery))
                 : validator_set_decode(&changes->newest, field_bytes(&wire->next_set)) == ST_OK);
    }
    free(memory);
    changes->count++;
    return changes->good;
}

/* Hash of block 0, the parent of block 1. */
static enum status genesis_hash(struct node *node, struct hash32 *hash)
{
    struct stored_block block;
    if (ledger_tip(node->ledger)->height == 0) {
        *hash = *ledger_tip_hash(node->ledger);
        return ST_OK;
    }
    enum status status = block_log_get(node->block_log, 1, &block);
    if (status == ST_NOT_FOUND) { /* a log from a snapshot */
        struct chain *chain = malloc(sizeof *chain);
        CHECK(chain != NULL);
        status = chain_genesis(chain, &node->genesis);
        *hash = chain->hash;
        free(chain);
    } else if (status == ST_OK) {
        *hash = block.header.parent_hash;
        stored_block_free(&block);
    }
    return status;
}

static enum status block_hash(struct node *node, uint64_t height, struct hash32 *hash)
{
    struct stored_block block;
    enum status status = block_log_get(node->block_log, height, &block);
    if (status == ST_OK) {
        *hash = block.hash;
        stored_block_free(&block);
    }
    return status;
}

/* The set that the current one replaced (*has false: none, block 0 is the base), and the last block that it
 * certified. The log must have that change, and lead to the set that the ledger has. */
static enum status read_previous(struct node *node, struct validator_set *previous, bool *has,
                                 struct pbft_start *start)
{
    const struct validator_set *set = ledger_set(node->ledger);
    struct hash32 wanted;
    struct hash32 found;
    *has = set->era > 1;
    if (!*has) {
        return genesis_hash(node, &start->era_base_hash);
    }
    struct changes *changes = calloc(1, sizeof *changes);
    CHECK(changes != NULL);
    changes->newest = node->genesis.set;
    enum status status = block_log_set_changes(node->block_log, set->era - 1, read_change, changes);
    validator_set_hash(&wanted, set);
    validator_set_hash(&found, &changes->newest);
    if (status == ST_OK && (changes->count == 0 || !changes->good ||
                            changes->header.height + (changes->recovered ? 1 : 0) != set->era - 1 ||
                            !hash32_equal(&wanted, &found))) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        *previous = changes->before;
        start->era_recovered = changes->recovered;
        header_hash(&start->era_base_hash, &changes->header);
        if (changes->recovered) { /* the base is its own block */
            status = block_hash(node, set->era - 1, &start->era_base_hash);
        }
    }
    free(changes);
    return status;
}

/* ---- The core ---- */

/* What pbft_start borrows. */
struct stored {
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t *certified;
    uint8_t *new_view;
    struct validator_set previous;
};

/* The tip's certificate. False, with the sentence: it is not there. */
static bool read_tip(struct driver *driver, struct pbft_start *start, struct stored *stored,
                     char *error)
{
    struct node *node = driver->node;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t size = 0;
    start->header =
        bytes_of(stored->header, header_encode(stored->header, ledger_tip(node->ledger)));
    if (driver->tip_height == 0) {
        return true;
    }
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    if (block_log_get_certified(node->block_log, driver->tip_height, &stored->certified, &size) !=
            ST_OK ||
        canonical_decode(&message, &xuelian__certified__descriptor,
                         bytes_of(stored->certified, size), &arena) != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "the newest block has no certificate in the log");
        return false;
    }
    start->certificate = field_bytes(&((Xuelian__Certified *)(void *)message)->certificate);
    return true;
}

static bool read_era(struct driver *driver, struct pbft_start *start, struct stored *stored,
                     char *error)
{
    struct node *node = driver->node;
    bool has = false;
    start->set = ledger_set(node->ledger);
    start->params = driver_core_params(&driver->params);
    if (read_previous(node, &stored->previous, &has, start) != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE,
                 "block %llu, where the validator set last changed, cannot be read from the log; "
                 "move the folder log of the data directory away and start again: the blocks are "
                 "fetched from the other nodes. Leave the vote journal where it is",
                 (unsigned long long)start->set->era - 1);
        return false;
    }
    start->previous_set = has ? &stored->previous : NULL;
    return true;
}

static void read_votes(struct node *node, struct pbft_start *start, struct stored *stored)
{
    const struct vote_record *newest =
        node->journal != NULL ? vote_journal_newest(node->journal) : NULL;
    size_t size = 0;
    if (newest == NULL || newest->payload.size == 0) {
        return;
    }
    start->record = newest->payload;
    if (block_log_get_new_view(node->block_log, newest->era, newest->view, &stored->new_view,
                               &size) == ST_OK) {
        start->new_view = bytes_of(stored->new_view, size);
    }
}

static enum status init_core(struct driver *driver, const struct pbft_start *start, char *error)
{
    struct node *node = driver->node;
    struct pbft_config config = {
        .chain_id = node->genesis.chain_id,
        .key = *signer_key(node->signer),
        .incarnation = node->journal != NULL ? vote_journal_incarnation(node->journal) : 0,
        .validators_max = LIMIT_VALIDATORS_MAX,
        .follow = node->journal == NULL,
        .era_min = node->recovery != NULL ? node->recovery->recovery.set.era : 0,
        .sign = sign,
        .sign_context = node->signer};
    CHECK(uv_random(NULL, NULL, &config.nonce, sizeof config.nonce, 0, NULL) == 0);
    driver->core_memory = aligned_alloc(64, (pbft_footprint(&config) + 63) / 64 * 64);
    CHECK(driver->core_memory != NULL);
    enum status status = pbft_init(&driver->core, driver->core_memory, &config, start);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "the vote journal does not fit the block log: %s",
                 status_en(status));
    }
    return status;
}

enum status driver_start_core(struct driver *driver, char *error)
{
    struct pbft_start start = {.now_ms = driver_now_ms()};
    struct stored *stored = calloc(1, sizeof *stored);
    enum status status = ST_CORRUPT;
    CHECK(stored != NULL);
    if (read_tip(driver, &start, stored, error) && read_era(driver, &start, stored, error)) {
        read_votes(driver->node, &start, stored);
        status = init_core(driver, &start, error);
    }
    kv_free(stored->certified);
    kv_free(stored->new_view);
    free(stored);
    return status;
}
