#include "ledger/whole/check_log.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/rules.h"
#include "ledger/whole/cursor.h"
#include "ledger/whole/grow.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"

enum { PROGRESS_EVERY = 256 };

static enum status bad_block(struct log_check *check, uint64_t height, const char *en,
                             const char *zh)
{
    return whole_damage_pair(check->report, WHOLE_LOG, "block", "区块", height, en, zh);
}

/* ---- What the state remembers of a block ---- */

static enum status bad_memory(struct log_check *check, uint64_t height, const char *en,
                              const char *zh)
{
    return whole_damage_pair(check->report, WHOLE_STATE, "what the state remembers of block",
                             "状态库所记区块", height, en, zh);
}

static enum status remembered(struct log_check *check, const struct state_key *key, uint8_t **value,
                              size_t *size)
{
    *value = NULL;
    *size = 0;
    enum status status =
        kv_get(check->state->kv, check->state->snapshot, key_bytes(key), value, size);
    check->report->entries++;
    check->report->bytes += key->size + *size;
    return status;
}

/* 'U' of each transaction: its place, and results that give the header's root. */
static enum status check_results(struct log_check *check, const struct header *header,
                                 const struct hash32 *ids, uint32_t count)
{
    struct merkle_frontier results;
    struct hash32 root;
    merkle_frontier_init(&results);
    for (uint32_t i = 0; i < count; i++) {
        struct state_key key = key_hash('U', &ids[i]);
        struct hash32 leaf;
        uint8_t *value;
        size_t size;
        enum status status = remembered(check, &key, &value, &size);
        bool right = status == ST_OK && size >= 16 && be64_get(value) == header->height &&
                     be32_get(value + 8) == i;
        if (right) {
            hash_leaf(&leaf, TAG_LEAF_RESULT, value + 16, size - 16);
            merkle_frontier_append(&results, &leaf);
        }
        kv_free(value);
        if (!right) {
            return bad_memory(check, header->height,
                              "the place of a transaction is missing or wrong",
                              "缺少某交易的位置或其有误");
        }
    }
    merkle_frontier_root(&results, &root);
    return hash32_equal(&root, &header->result_root)
               ? ST_OK
               : bad_memory(check, header->height, "the results are not those of its result root",
                            "结果与其结果根不符");
}

/* 'B': the ring of recent header hashes. */
static enum status check_ring(struct log_check *check, const struct header *header,
                              const struct hash32 *hash)
{
    struct state_key key = key_header(header->height);
    uint8_t *value;
    size_t size;
    if (header->height + LIMIT_HEADER_RING <= check->state->header.height) {
        return ST_OK;
    }
    bool right = remembered(check, &key, &value, &size) == ST_OK && size == 40 &&
                 be64_get(value) == header->height && memcmp(value + 8, hash->bytes, 32) == 0;
    kv_free(value);
    return right ? ST_OK
                 : bad_memory(check, header->height, "its header hash is missing or wrong",
                              "其区块头哈希缺失或有误");
}

/* 'E': the set of an era that begins after this block. */
static enum status check_era(struct log_check *check, const struct chain *chain)
{
    struct state_key key = key_era(chain->set.era);
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    uint8_t *value;
    size_t size;
    if (chain->set.era != chain->header.height + 1) {
        return ST_OK;
    }
    bool right = remembered(check, &key, &value, &size) == ST_OK &&
                 bytes_equal(bytes_of(value, size),
                             bytes_of(bytes, validator_set_encode(bytes, &chain->set)));
    kv_free(value);
    return right ? ST_OK
                 : bad_memory(check, chain->header.height, "the set of the era after it is wrong",
                              "其后任期的验证者集合有误");
}

/* One node of the history tree. False: it is not there. */
static bool history_node(struct log_check *check, uint32_t level, uint64_t index,
                         struct hash32 *node)
{
    struct state_key key = key_of('Y');
    uint8_t *value;
    size_t size;
    key_add8(&key, (uint8_t)level);
    key_add64(&key, index);
    bool right = remembered(check, &key, &value, &size) == ST_OK && size == 32;
    if (right) {
        memcpy(node->bytes, value, 32);
    }
    kv_free(value);
    return right;
}

/* 'Y': the nodes that the hash of a block below the state's makes whole. */
static enum status check_history(struct log_check *check, const struct chain *chain)
{
    struct hash32 node;
    struct hash32 stored;
    uint64_t height = chain->header.height;
    bool right = true;
    bool more = height < check->state->header.height;
    hash_leaf(&node, TAG_LEAF_HISTORY, chain->hash.bytes, 32);
    for (uint32_t level = 0; more && right; level++) {
        right =
            history_node(check, level, height >> level, &stored) && hash32_equal(&stored, &node);
        more = (height >> level & 1) != 0;
        if (right && more) { /* the left neighbour was whole before, and held to then */
            right = history_node(check, level, (height >> level) - 1, &stored);
            hash_node(&node, &stored, &node);
        }
    }
    return right ? ST_OK
                 : bad_memory(check, height, "a node of the history tree is missing or wrong",
                              "历史树的某一节点缺失或有误");
}

static enum status check_memory(struct log_check *check, const struct chain *chain,
                                const struct hash32 *ids, uint32_t count)
{
    const struct header *header = &chain->header;
    if (check->state == NULL || header->height > check->state->header.height) {
        return ST_OK;
    }
    if (header->height == check->state->header.height &&
        !hash32_equal(&chain->hash, &check->state->hash)) {
        return bad_memory(check, header->height, "it is another block than the log has",
                          "与区块日志中的不是同一区块");
    }
    enum status status = ids != NULL ? check_results(check, header, ids, count) : ST_OK;
    if (status == ST_OK) {
        status = check_ring(check, header, &chain->hash);
    }
    if (status == ST_OK) {
        status = check_history(check, chain);
    }
    return status == ST_OK ? check_era(check, chain) : status;
}

/* ---- Blocks ---- */

static enum status check_certified(struct log_check *check, const struct stored_block *block)
{
    uint8_t memory[LIMIT_HEADER_SIZE_MAX + CERTIFICATE_SIZE_MAX + 64];
    Xuelian__Certified wire = XUELIAN__CERTIFIED__INIT;
    uint8_t *certified = NULL;
    size_t size = 0;
    wire.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
    wire.certificate = field_borrow(block->certificate.data, block->certificate.size);
    size_t wanted =
        canonical_size(&wire.base) <= sizeof memory ? canonical_encode(memory, &wire.base) : 0;
    bool right =
        block_log_get_certified(check->log, block->header.height, &certified, &size) == ST_OK &&
        bytes_equal(bytes_of(certified, size), bytes_of(memory, wanted));
    check->report->entries++;
    check->report->bytes += size;
    kv_free(certified);
    return right ? ST_OK
                 : bad_block(check, block->header.height, "its header without bodies is missing",
                             "缺少其不含交易体的区块头");
}

static enum status take_block(struct log_check *check, struct chain *chain,
                              const struct stored_block *block)
{
    struct chain_fault fault = {.en = ""};
    uint8_t *change = NULL;
    size_t change_size = 0;
    uint64_t height = block->header.height;
    enum status status = block_log_get_set_change(check->log, height, &change, &change_size);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return whole_unread(check->report, WHOLE_LOG, status, "the block log", "区块日志");
    }
    if (block->recovery.size > 0) {
        status = chain_recovery(chain, &block->header, block->recovery, &fault);
    } else {
        status = chain_next(chain, &block->header, block->certificate,
                            bytes_of(change, status == ST_OK ? change_size : 0), &fault);
    }
    kv_free(change);
    return status == ST_OK ? ST_OK : bad_block(check, height, fault.en, fault.zh);
}

static void note_date(struct log_check *check, const struct header *header, size_t *room)
{
    check->dates = grow(check->dates, (size_t)check->count, room, sizeof *check->dates);
    check->dates[check->count++] = date_of_time(header->time_ms);
}

static enum status check_block(struct log_check *check, struct chain *chain, uint64_t height,
                               size_t *room)
{
    struct stored_block block;
    enum status status = block_log_get(check->log, height, &block);
    if (status != ST_OK) {
        return status == ST_IO
                   ? whole_unread(check->report, WHOLE_LOG, status, "the block log", "区块日志")
                   : bad_block(check, height, "it is missing, or is not what its hash says",
                               "缺失或与其哈希不符");
    }
    check->report->entries++;
    check->report->bytes += block.bytes.size;
    check->report->blocks++;
    check->report->transactions += block.tx_count;
    status = take_block(check, chain, &block);
    if (status == ST_OK) {
        status = check_certified(check, &block);
    }
    if (status == ST_OK) {
        note_date(check, &block.header, room);
        status = check_memory(check, chain, block.ids, block.tx_count);
    }
    stored_block_free(&block);
    return status;
}

/* ---- What stands beside the blocks ---- */

/* Keys by their first byte: heights and hashes of blocks that the log does not have. */
static enum status check_keys(struct log_check *check, const struct block_tip *tip, uint64_t base)
{
    static const char known[] = "ABCHMNPSV";
    struct kv *kv = block_log_kv(check->log);
    uint64_t named = 0;
    struct kv_iterator *iterator = kv_iterator_new(kv, NULL, (struct bytes){.data = NULL});
    bool whole = true;
    /* Blocks and headers were read by their heights: no further one may stand beside them. */
    while (kv_iterator_valid(iterator) && whole) {
        struct bytes key = kv_iterator_key(iterator);
        uint8_t what = key.size > 0 ? key.data[0] : 0;
        struct state_key next = key_of(what);
        whole = what != 0 && strchr(known, what) != NULL;
        if (what == 'H') {
            named++;
            check->report->entries++;
            check->report->bytes += key.size + 8;
            kv_iterator_next(iterator);
            continue;
        }
        if (what == 'B' || what == 'C' || what == 'S') {
            key_add64(&next, tip->height + 1); /* past those that were read */
            kv_iterator_free(iterator);
            iterator = kv_iterator_new(kv, NULL, key_bytes(&next));
            whole = !kv_iterator_valid(iterator) || kv_iterator_key(iterator).data[0] != what;
            continue;
        }
        if (what == UINT8_MAX) {
            break;
        }
        next = key_of((uint8_t)(what + 1));
        kv_iterator_free(iterator);
        iterator = kv_iterator_new(kv, NULL, key_bytes(&next));
    }
    enum status status = kv_iterator_status(iterator);
    kv_iterator_free(iterator);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_LOG, status, "the block log", "区块日志");
    }
    return whole && named == tip->height - base + (base > 0)
               ? ST_OK
               : whole_damage(check->report, WHOLE_LOG,
                              "the block log names blocks that it does not have%s",
                              "区块日志载有不存在的区块%s", "");
}

/* No transaction is remembered that is in no block here: as many as the blocks have. */
static enum status check_count(struct log_check *check, uint64_t transactions)
{
    struct state_key prefix = key_of('U');
    struct cursor cursor;
    uint64_t count = 0;
    cursor_open(&cursor, check->state->kv, check->state->snapshot, &prefix, check->report);
    for (; cursor_valid(&cursor); cursor_next(&cursor)) {
        count++;
    }
    enum status status = cursor_status(&cursor);
    cursor_close(&cursor);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_STATE, status, "the index of transactions",
                            "交易索引");
    }
    return count == transactions
               ? ST_OK
               : whole_damage(check->report, WHOLE_STATE,
                              "the state remembers %llu transactions, the blocks have %llu",
                              "状态库记有%llu笔交易，区块中有%llu笔", (unsigned long long)count,
                              (unsigned long long)transactions);
}

/* ---- All of it ---- */

/* A log that begins with a snapshot's block: from genesis through the changes of the set to it. */
struct landing {
    struct log_check *check;
    struct chain *chain;
    uint64_t base;
    struct chain_fault fault;
    enum status status;
    uint8_t *last; /* the change at the base itself */
    size_t last_size;
};

static bool follow_change(void *context, struct bytes change)
{
    struct landing *landing = context;
    struct header header;
    struct chain *probe = malloc(sizeof *probe);
    CHECK(probe != NULL);
    *probe = *landing->chain;
    landing->status = chain_change(probe, change, &header, &landing->fault);
    if (landing->status == ST_OK && header.height == landing->base) {
        landing->last = malloc(change.size);
        CHECK(landing->last != NULL);
        memcpy(landing->last, change.data, change.size);
        landing->last_size = change.size;
    } else if (landing->status == ST_OK) {
        *landing->chain = *probe;
    }
    free(probe);
    return landing->status == ST_OK && landing->last == NULL;
}

static enum status land(struct log_check *check, struct chain *chain, uint64_t base,
                        const struct merkle_frontier *before)
{
    struct landing landing = {.check = check, .chain = chain, .base = base};
    uint64_t memory[4096];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct header header;
    uint8_t *certified = NULL;
    size_t size = 0;
    enum status status = block_log_set_changes(check->log, base, follow_change, &landing);
    status = status == ST_OK ? landing.status : status;
    if (status == ST_OK) {
        status = block_log_get_certified(check->log, base, &certified, &size);
    }
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK) {
        status = canonical_decode(&message, &xuelian__certified__descriptor,
                                  bytes_of(certified, size), &arena);
    }
    if (status == ST_OK) {
        const Xuelian__Certified *wire = (const Xuelian__Certified *)(void *)message;
        status = header_decode(&header, field_bytes(&wire->header));
        if (status == ST_OK) {
            status = chain_land(chain, &header, field_bytes(&wire->certificate), before,
                                bytes_of(landing.last, landing.last_size), &landing.fault);
        }
    }
    kv_free(certified);
    free(landing.last);
    return status == ST_OK
               ? ST_OK
               : bad_block(check, base,
                           landing.fault.en != NULL ? landing.fault.en : "it cannot be read",
                           landing.fault.zh != NULL ? landing.fault.zh : "无法读取");
}

static enum status check_blocks(struct log_check *check, const struct block_tip *tip, uint64_t base,
                                const struct merkle_frontier *before)
{
    struct chain *chain = malloc(sizeof *chain);
    size_t room = 0;
    uint64_t transactions = 0;
    CHECK(chain != NULL);
    enum status status = chain_genesis(chain, check->genesis);
    if (status == ST_OK && base > 0) {
        status = land(check, chain, base, before);
    }
    check->first = base;
    if (status == ST_OK) {
        note_date(check, &chain->header, &room);
        status = check_memory(check, chain, NULL, 0);
    }
    for (uint64_t height = base + 1; height <= tip->height && status == ST_OK; height++) {
        status = check_block(check, chain, height, &room);
        if (check->state != NULL && height == check->state->header.height) {
            transactions = check->report->transactions;
        }
        if (height % PROGRESS_EVERY == 0) {
            whole_progress(check->report, "blocks", "区块", height, tip->height);
        }
    }
    if (status == ST_OK && tip->height > 0 && !hash32_equal(&tip->hash, &chain->hash)) {
        status = bad_block(check, tip->height, "the log names another newest block",
                           "日志所记的最新区块不符");
    }
    free(chain);
    /* A state from a snapshot remembers transactions of blocks that are not here. */
    return status == ST_OK && check->state != NULL && base == 0 ? check_count(check, transactions)
                                                                : status;
}

enum status whole_check_log(struct log_check *check)
{
    struct block_tip tip;
    enum status status = block_log_tip(check->log, &tip);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_LOG, status, "the newest block's name",
                            "最新区块的名称");
    }
    if (check->state != NULL && check->state->header.height > tip.height) {
        return whole_damage(
            check->report, WHOLE_STATE, "the state is at block %llu, the block log ends at %llu",
            "状态库在区块%llu，区块日志止于%llu", (unsigned long long)check->state->header.height,
            (unsigned long long)tip.height);
    }
    struct merkle_frontier before;
    uint64_t base = 0;
    status = block_log_base(check->log, &base, &before);
    if (status != ST_OK) {
        return whole_unread(check->report, WHOLE_LOG, status, "the log's first block", "首个区块");
    }
    status = check_keys(check, &tip, base);
    return status == ST_OK ? check_blocks(check, &tip, base, &before) : status;
}

void log_check_free(struct log_check *check)
{
    free(check->dates);
    check->dates = NULL;
}

uint32_t log_check_date(void *context, uint64_t height)
{
    const struct log_check *check = context;
    return height >= check->first && height - check->first < check->count
               ? check->dates[height - check->first]
               : 0;
}
