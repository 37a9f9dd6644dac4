#include "ledger/whole/chain.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"
#include "proto/recovery.h"

static enum status fail(struct chain_fault *fault, enum status status, const char *en,
                        const char *zh)
{
    *fault = (struct chain_fault){.en = en, .zh = zh};
    return status;
}

static void append_hash(struct merkle_frontier *history, const struct hash32 *hash)
{
    struct hash32 leaf;
    hash_leaf(&leaf, TAG_LEAF_HISTORY, hash->bytes, 32);
    merkle_frontier_append(history, &leaf);
}

enum status chain_genesis(struct chain *chain, const struct genesis *genesis)
{
    struct kv *kv = NULL;
    struct ledger *ledger = NULL;
    char error[256];
    enum status status = kv_open_memory(&kv);
    if (status == ST_OK) {
        status = ledger_open(&ledger, kv, genesis, error, sizeof error);
    }
    if (status == ST_OK) {
        memset(chain, 0, sizeof *chain);
        chain->genesis = genesis;
        chain->header = *ledger_tip(ledger);
        chain->hash = *ledger_tip_hash(ledger);
        chain->set = *ledger_set(ledger);
        merkle_frontier_init(&chain->history);
        append_hash(&chain->history, &chain->hash);
        ledger_close(ledger);
    }
    if (kv != NULL) {
        kv_close(kv);
    }
    return status;
}

enum status chain_certified(const struct hash32 *chain_id, const struct validator_set *set,
                            const struct header *header, struct bytes certificate,
                            struct chain_fault *fault)
{
    struct certificate decoded;
    struct hash32 hash;
    validator_set_hash(&hash, set);
    if (!hash32_equal(&header->chain_id, chain_id)) {
        return fail(fault, ST_BAD_CERTIFICATE, "it belongs to another chain", "属于另一条链");
    }
    if (!hash32_equal(&header->validators_hash, &hash) || header->height < set->era) {
        return fail(fault, ST_BAD_CERTIFICATE, "it names another validator set",
                    "所载验证者集合不符");
    }
    header_hash(&hash, header);
    if (certificate_decode(&decoded, certificate, set->count) != ST_OK ||
        decoded.phase != VOTE_COMMIT || decoded.height != header->height ||
        !hash32_equal(&decoded.header_hash, &hash)) {
        return fail(fault, ST_BAD_CERTIFICATE, "it has no certificate of its own",
                    "没有与之相符的证书");
    }
    return certificate_verify(&decoded, chain_id, set) == ST_OK
               ? ST_OK
               : fail(fault, ST_BAD_CERTIFICATE, "a signature in its certificate does not verify",
                      "证书中有签名无效");
}

/* The set after a header: the same, or that of a change that the header names. */
static enum status next_set(const struct validator_set *set, const struct header *header,
                            struct bytes next, struct validator_set *out, struct chain_fault *fault)
{
    struct hash32 hash;
    if (hash32_equal(&header->next_validators_hash, &header->validators_hash)) {
        *out = *set;
        return ST_OK;
    }
    if (validator_set_decode(out, next) != ST_OK || out->era != header->height + 1) {
        return fail(fault, ST_BAD_PROOF, "the set that follows it is missing",
                    "缺少其后的验证者集合");
    }
    validator_set_hash(&hash, out);
    return hash32_equal(&hash, &header->next_validators_hash)
               ? ST_OK
               : fail(fault, ST_BAD_PROOF, "the set that follows it is another one",
                      "其后的验证者集合不符");
}

/* A SetChange, decoded; borrowed from *memory, which the caller frees. */
struct change {
    struct header header;
    struct bytes certificate;
    struct bytes next;
    struct bytes recovery;
    void *memory;
};

static bool change_decode(struct change *change, struct bytes bytes)
{
    size_t room = bytes.size * 2 + 4096;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    change->memory = malloc(room);
    CHECK(change->memory != NULL);
    arena_init(&arena, change->memory, room);
    if (canonical_decode(&message, &xuelian__set_change__descriptor, bytes, &arena) != ST_OK) {
        return false;
    }
    const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(const void *)message;
    change->certificate = field_bytes(&wire->certificate);
    change->next = field_bytes(&wire->next_set);
    change->recovery = field_bytes(&wire->recovery);
    return header_decode(&change->header, field_bytes(&wire->header)) == ST_OK;
}

/* The set after a header whose SetChange is given. */
static enum status set_after(const struct validator_set *set, const struct header *header,
                             struct bytes set_change, struct validator_set *out,
                             struct chain_fault *fault)
{
    struct change change = {.next = {0}};
    struct hash32 hash;
    struct hash32 named;
    if (hash32_equal(&header->next_validators_hash, &header->validators_hash)) {
        *out = *set;
        return set_change.size == 0 ? ST_OK
                                    : fail(fault, ST_BAD_PROOF,
                                           "a change of the set stands beside it, which "
                                           "it does not name",
                                           "旁有其未载明的集合变更");
    }
    bool good = change_decode(&change, set_change);
    header_hash(&hash, header);
    if (good) {
        header_hash(&named, &change.header);
        good = hash32_equal(&hash, &named);
    }
    enum status status =
        good ? next_set(set, header, change.next, out, fault)
             : fail(fault, ST_BAD_PROOF, "the change of the set is missing", "缺少集合变更");
    free(change.memory);
    return status;
}

/* The header follows the last one. */
static enum status follows(const struct chain *chain, const struct header *header,
                           struct chain_fault *fault)
{
    struct hash32 root;
    if (header->height != chain->header.height + 1 ||
        !hash32_equal(&header->parent_hash, &chain->hash)) {
        return fail(fault, ST_BAD_PROOF, "it does not follow the block before it",
                    "与前一区块不相接");
    }
    if (header->time_ms <= chain->header.time_ms) {
        return fail(fault, ST_BAD_PROOF, "its time is not after that of the block before it",
                    "时间不晚于前一区块");
    }
    merkle_frontier_root(&chain->history, &root);
    return hash32_equal(&root, &header->history_root)
               ? ST_OK
               : fail(fault, ST_BAD_PROOF, "its history root is not that of the blocks before it",
                      "历史根与之前的区块不符");
}

static void advance(struct chain *chain, const struct header *header,
                    const struct validator_set *next)
{
    chain->set = *next;
    chain->header = *header;
    header_hash(&chain->hash, header);
    append_hash(&chain->history, &chain->hash);
}

enum status chain_next(struct chain *chain, const struct header *header, struct bytes certificate,
                       struct bytes set_change, struct chain_fault *fault)
{
    struct validator_set next;
    enum status status = follows(chain, header, fault);
    if (status == ST_OK) {
        status = chain_certified(&chain->header.chain_id, &chain->set, header, certificate, fault);
    }
    if (status == ST_OK) {
        status = set_after(&chain->set, header, set_change, &next, fault);
    }
    if (status == ST_OK) {
        advance(chain, header, &next);
    }
    return status;
}

/* A recovery from a header on, signed by the keys of genesis. */
static enum status recovery_check(const struct chain *chain, uint64_t height,
                                  const struct hash32 *hash, struct bytes bytes,
                                  struct validator_set *next, struct chain_fault *fault)
{
    struct arena arena;
    struct recovery recovery;
    uint32_t key = 0;
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    CHECK(memory != NULL);
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    bool good = recovery_decode(&recovery, bytes, false, &arena) == ST_OK &&
                recovery_verify(&recovery, &chain->header.chain_id, &chain->genesis->recovery,
                                &key) == ST_OK &&
                recovery.height == height && hash32_equal(&recovery.header_hash, hash);
    if (good) {
        *next = recovery.set;
    }
    free(memory);
    return good ? ST_OK
                : fail(fault, ST_BAD_PROOF, "its recovery is none that genesis allows",
                       "其恢复记录不是创世文件所许可的");
}

enum status chain_recovery(struct chain *chain, const struct header *header, struct bytes recovery,
                           struct chain_fault *fault)
{
    struct validator_set next;
    struct hash32 before;
    struct hash32 after;
    enum status status = follows(chain, header, fault);
    if (status == ST_OK) {
        status = recovery_check(chain, chain->header.height, &chain->hash, recovery, &next, fault);
    }
    if (status != ST_OK) {
        return status;
    }
    validator_set_hash(&before, &chain->set);
    validator_set_hash(&after, &next);
    if (header->tx_count != 0 || header->time_ms != chain->header.time_ms + 1 ||
        !hash32_equal(&header->validators_hash, &before) ||
        !hash32_equal(&header->next_validators_hash, &after)) {
        return fail(fault, ST_BAD_PROOF, "it is not the block of its recovery",
                    "不是其恢复记录的区块");
    }
    advance(chain, header, &next);
    return ST_OK;
}

/* The header that a change goes on from, and the set after it. */
static enum status change_check(const struct chain *chain, const struct change *change,
                                struct validator_set *next, struct chain_fault *fault)
{
    struct hash32 hash;
    const struct header *header = &change->header;
    if (change->recovery.size == 0) {
        if (header->height <= chain->header.height ||
            hash32_equal(&header->next_validators_hash, &header->validators_hash)) {
            return fail(fault, ST_BAD_PROOF, "a change of the set is none", "集合变更无效");
        }
        enum status status = chain_certified(&chain->header.chain_id, &chain->set, header,
                                             change->certificate, fault);
        return status == ST_OK ? next_set(&chain->set, header, change->next, next, fault) : status;
    }
    if (change->certificate.size > 0) {
        enum status status = chain_certified(&chain->header.chain_id, &chain->set, header,
                                             change->certificate, fault);
        if (status != ST_OK) {
            return status;
        }
    } else {
        validator_set_hash(&hash, &chain->set);
        if (header->height + 1 != chain->set.era ||
            !hash32_equal(&hash, &header->next_validators_hash)) {
            return fail(fault, ST_BAD_PROOF, "a recovery goes on from another header",
                        "恢复记录所据区块头不符");
        }
    }
    header_hash(&hash, header);
    return recovery_check(chain, header->height, &hash, change->recovery, next, fault);
}

enum status chain_change(struct chain *chain, struct bytes set_change, struct header *header,
                         struct chain_fault *fault)
{
    struct change change = {.next = {0}};
    struct validator_set next = {0};
    enum status status =
        change_decode(&change, set_change)
            ? change_check(chain, &change, &next, fault)
            : fail(fault, ST_BAD_PROOF, "a change of the set is none", "集合变更无效");
    if (status == ST_OK) {
        chain->set = next;
        chain->header = change.header;
        header_hash(&chain->hash, &change.header);
        *header = change.header;
    }
    free(change.memory);
    return status;
}

enum status chain_land(struct chain *chain, const struct header *header, struct bytes certificate,
                       const struct merkle_frontier *before, struct bytes set_change,
                       struct chain_fault *fault)
{
    struct validator_set next = {0};
    struct hash32 root;
    merkle_frontier_root(before, &root);
    if (header->height <= chain->header.height || before->size != header->height ||
        !hash32_equal(&root, &header->history_root)) {
        return fail(fault, ST_BAD_PROOF, "its history root is not that of the blocks before it",
                    "历史根与之前的区块不符");
    }
    enum status status =
        chain_certified(&chain->header.chain_id, &chain->set, header, certificate, fault);
    if (status == ST_OK) {
        status = set_after(&chain->set, header, set_change, &next, fault);
    }
    if (status == ST_OK) {
        chain->set = next;
        chain->header = *header;
        header_hash(&chain->hash, header);
        chain->history = *before;
        append_hash(&chain->history, &chain->hash);
    }
    return status;
}
