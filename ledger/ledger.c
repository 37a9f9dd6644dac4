#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

static struct bytes get_key(struct kv *kv, uint8_t what, uint8_t **value, enum status *status)
{
    struct state_key key = key_of(what);
    size_t size = 0;
    *value = NULL;
    *status = kv_get(kv, NULL, key_bytes(&key), value, &size);
    return (struct bytes){.data = *value, .size = *status == ST_OK ? size : 0};
}

static enum status read_frontier(struct merkle_frontier *frontier, struct bytes value)
{
    merkle_frontier_init(frontier);
    if (value.size < 8) {
        return ST_CORRUPT;
    }
    frontier->size = be64_get(value.data);
    size_t peaks = 32u * (size_t)__builtin_popcountll(frontier->size);
    if (value.size != 8 + peaks) {
        return ST_CORRUPT;
    }
    memcpy(frontier->peaks, value.data + 8, peaks);
    return ST_OK;
}

/* A power cut may take the end of what was written without sync, and on a bad disk a piece before the end: a
 * block whose changes are missing below a tip that is there. Each block leaves a mark beside its changes. */
enum { MARKS = 64 };

static struct state_key mark_key(uint64_t height)
{
    struct state_key key = key_of('M');
    key_add8(&key, (uint8_t)(height % MARKS));
    return key;
}

static enum status check_marks(struct ledger *ledger)
{
    uint64_t height = ledger->tip.height;
    for (uint64_t i = 0; i < MARKS && i <= height; i++) {
        struct state_key key = mark_key(height - i);
        uint8_t *value;
        size_t size;
        enum status status = kv_get(ledger->kv, NULL, key_bytes(&key), &value, &size);
        if (status == ST_IO) {
            return status;
        }
        bool here = status == ST_OK && size == 8 && be64_get(value) == height - i;
        if (status == ST_OK) {
            kv_free(value);
        }
        if (!here) {
            return ST_CORRUPT;
        }
    }
    return ST_OK;
}

/* Tip, set, parameters and history as the store has them. */
static enum status load(struct ledger *ledger)
{
    enum status status;
    uint8_t *value;
    ProtobufCMessage *message = NULL;
    struct bytes bytes = get_key(ledger->kv, 'T', &value, &status);
    if (status == ST_OK) {
        status = header_decode(&ledger->tip, bytes) == ST_OK ? ST_OK : ST_CORRUPT;
    }
    kv_free(value);
    if (status != ST_OK) {
        return status;
    }
    header_hash(&ledger->tip_hash, &ledger->tip);
    bytes = get_key(ledger->kv, 'V', &value, &status);
    if (status == ST_OK) {
        status = validator_set_decode(&ledger->set, bytes);
    }
    kv_free(value);
    if (status == ST_OK) {
        bytes = get_key(ledger->kv, 'F', &value, &status);
        if (status == ST_OK) {
            status = read_frontier(&ledger->history, bytes);
        }
        kv_free(value);
    }
    if (status == ST_OK) {
        bytes = get_key(ledger->kv, 'P', &value, &status);
        uint64_t memory[512]; /* all parameters set */
        struct arena arena;
        arena_init(&arena, memory, sizeof memory);
        if (status == ST_OK) {
            status = canonical_decode(&message, &xuelian__params__descriptor, bytes, &arena);
        }
        if (status == ST_OK) {
            ledger->params = *(const Xuelian__Params *)(const void *)message;
        }
        kv_free(value);
    }
    if (status == ST_OK) {
        bytes = get_key(ledger->kv, 'W', &value, &status);
        if (status == ST_OK && bytes.size == 12) {
            ledger->protocol_version = be32_get(value);
            ledger->protocol_height = be64_get(value + 4);
        }
        status = status == ST_OK && bytes.size != 12 ? ST_CORRUPT
                 : status == ST_NOT_FOUND            ? ST_OK
                                                     : status;
        kv_free(value);
    }
    if (status == ST_OK) {
        status = check_marks(ledger);
    }
    return status == ST_OK || status == ST_IO ? status : ST_CORRUPT;
}

/* Adds the parts that name the tip to what a block writes. */
void ledger_put_tip(struct overlay *overlay, const struct header *header, const struct hash32 *hash,
                    const struct next_height *next, const struct merkle_frontier *history)
{
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    uint8_t frontier[8 + 32 * LIMIT_MERKLE_DEPTH_MAX];
    uint8_t mark[8];
    uint8_t recent[40];
    uint8_t protocol[12];
    size_t peaks = 32u * (size_t)__builtin_popcountll(history->size);
    struct state_key key = key_of('T');
    size_t size = header_encode(bytes, header);
    overlay_put(overlay, key_bytes(&key), bytes_of(bytes, size));
    key = key_of('V');
    size = validator_set_encode(bytes, &next->set);
    overlay_put(overlay, key_bytes(&key), bytes_of(bytes, size));
    if (header->height == 0 || next->set.era == header->height + 1) {
        key = key_era(next->set.era);
        overlay_put(overlay, key_bytes(&key), bytes_of(bytes, size));
    }
    key = key_of('P');
    size = params_encode(bytes, &next->params);
    overlay_put(overlay, key_bytes(&key), bytes_of(bytes, size));
    key = key_of('F');
    be64_put(frontier, history->size);
    memcpy(frontier + 8, history->peaks, peaks);
    overlay_put(overlay, key_bytes(&key), bytes_of(frontier, 8 + peaks));
    key = key_header(header->height);
    be64_put(recent, header->height);
    memcpy(recent + 8, hash->bytes, 32);
    overlay_put(overlay, key_bytes(&key), bytes_of(recent, sizeof recent));
    if (next->protocol_version != 0) {
        key = key_of('W');
        be32_put(protocol, next->protocol_version);
        be64_put(protocol + 4, next->protocol_height);
        overlay_put(overlay, key_bytes(&key), bytes_of(protocol, sizeof protocol));
    }
    key = mark_key(header->height);
    be64_put(mark, header->height);
    overlay_put(overlay, key_bytes(&key), bytes_of(mark, sizeof mark));
}

static void genesis_header(const struct genesis *genesis, const struct hash32 *state_root,
                           struct header *header)
{
    struct hash32 empty;
    merkle_root(&empty, NULL, 0);
    *header = (struct header){.version = PROTOCOL_VERSION,
                              .suite = PROTOCOL_SUITE,
                              .chain_id = genesis->chain_id,
                              .time_ms = genesis->message->time_ms,
                              .tx_root = empty,
                              .result_root = empty,
                              .state_root = *state_root,
                              .history_root = empty,
                              .params_hash = genesis->params_hash};
    validator_set_hash(&header->validators_hash, &genesis->set);
    header->next_validators_hash = header->validators_hash;
}

static enum status create(struct ledger *ledger, const struct genesis *genesis)
{
    struct state *state = NULL;
    struct hash32 root;
    struct header header;
    struct merkle_frontier history;
    enum status status = state_begin(&state, ledger->kv, true);
    if (status == ST_OK) {
        status = genesis_apply(genesis, state);
    }
    if (status == ST_OK) {
        status = state_finish(state, &root);
    }
    if (status == ST_OK) {
        struct kv_batch *batch = kv_batch_new();
        struct next_height next = {.set = genesis->set, .params = *genesis->message->params};
        struct hash32 hash;
        genesis_header(genesis, &root, &header);
        header_hash(&hash, &header);
        merkle_frontier_init(&history);
        ledger_put_tip(state_overlay(state), &header, &hash, &next, &history);
        overlay_write(state_overlay(state), batch);
        status = kv_write(ledger->kv, batch, true);
        kv_batch_free(batch);
    }
    state_free(state);
    return status;
}

enum status ledger_open(struct ledger **ledger, struct kv *kv, const struct genesis *genesis,
                        char *error, size_t error_size)
{
    struct ledger *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, error_size, "out of memory while opening the ledger");
        return ST_NO_MEMORY;
    }
    made->kv = kv;
    made->tx_arena = malloc(TX_ARENA_SIZE);
    CHECK(made->tx_arena != NULL);
    enum status status = load(made);
    if (status == ST_CORRUPT) {
        uint8_t *value;
        enum status present;
        get_key(kv, 'T', &value, &present);
        kv_free(value);
        if (present == ST_NOT_FOUND) {
            status = ST_NOT_FOUND;
        }
    }
    if (status == ST_NOT_FOUND) {
        status = create(made, genesis);
        if (status == ST_OK) {
            status = load(made);
        }
    }
    if (status == ST_OK && !hash32_equal(&made->tip.chain_id, &genesis->chain_id)) {
        snprintf(error, error_size,
                 "the state belongs to another chain than the genesis file; use the data directory "
                 "or the genesis file that fits");
        status = ST_FOREIGN;
    } else if (status != ST_OK) {
        snprintf(error, error_size, "the state cannot be read: %s", status_en(status));
    }
    if (status != ST_OK) {
        ledger_close(made);
        return status;
    }
    *ledger = made;
    return ST_OK;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger != NULL) {
        free(ledger->tx_arena);
        free(ledger);
    }
}

const struct header *ledger_tip(const struct ledger *ledger)
{
    return &ledger->tip;
}

const struct hash32 *ledger_tip_hash(const struct ledger *ledger)
{
    return &ledger->tip_hash;
}

const struct validator_set *ledger_set(const struct ledger *ledger)
{
    return &ledger->set;
}

const Xuelian__Params *ledger_params(const struct ledger *ledger)
{
    return &ledger->params;
}

enum status ledger_apply(struct ledger *ledger, struct ledger_block *block)
{
    if (!hash32_equal(&block->header.parent_hash, &ledger->tip_hash)) {
        return ST_CONFLICT;
    }
    struct state *state = block->private_state;
    struct kv_batch *batch = kv_batch_new();
    overlay_write(state_overlay(state), batch);
    enum status status = kv_write(ledger->kv, batch, false);
    kv_batch_free(batch);
    if (status == ST_OK) {
        struct hash32 leaf;
        hash_leaf(&leaf, TAG_LEAF_HISTORY, ledger->tip_hash.bytes, 32);
        merkle_frontier_append(&ledger->history, &leaf);
        ledger->tip = block->header;
        ledger->tip_hash = block->hash;
        ledger->set = block->next_set;
        ledger->params = block->next_params;
        ledger->protocol_version = block->protocol_version;
        ledger->protocol_height = block->protocol_height;
        ledger_block_free(block);
    }
    return status;
}
