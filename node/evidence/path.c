/* From the genesis set to the set of an era. */
#include <stdlib.h>

#include "ledger/ledger.h"
#include "node/evidence/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"
#include "proto/recovery.h"

/* Block 0 names the state of genesis: it is made, in memory, to know its hash. */
static enum status compute_genesis_hash(const struct genesis *genesis, struct hash32 *hash)
{
    struct kv *kv = NULL;
    struct ledger *ledger = NULL;
    char error[512];
    enum status status = kv_open_memory(&kv);
    if (status == ST_OK) {
        status = ledger_open(&ledger, kv, genesis, error, sizeof error);
    }
    if (status == ST_OK) {
        *hash = *ledger_tip_hash(ledger);
        ledger_close(ledger);
    }
    kv_close(kv);
    return status;
}

enum status evidence_path_begin(struct evidence_path *path, const struct genesis *genesis,
                                const struct hash32 *genesis_hash)
{
    enum status status = ST_OK;
    path->set = genesis->set;
    path->has_previous = false;
    path->recovered = false;
    path->base_known = true;
    path->recovery = &genesis->recovery;
    path->rotation_blocks = genesis->message->params->rotation_blocks;
    if (genesis_hash != NULL) {
        path->base_hash = *genesis_hash;
    } else {
        status = compute_genesis_hash(genesis, &path->base_hash);
    }
    return status;
}

static enum status certified(const struct evidence_path *path, const struct hash32 *chain_id,
                             const struct header *header, const Xuelian__SetChange *wire)
{
    struct certificate certificate;
    struct hash32 hash;
    struct hash32 set_hash;
    enum status status =
        certificate_decode(&certificate, field_bytes(&wire->certificate), path->set.count);
    if (status != ST_OK) {
        return status;
    }
    header_hash(&hash, header);
    validator_set_hash(&set_hash, &path->set);
    if (certificate.phase != VOTE_COMMIT || certificate.height != header->height ||
        !hash32_equal(&certificate.header_hash, &hash) ||
        !hash32_equal(&header->validators_hash, &set_hash) || header->height < path->set.era) {
        return ST_BAD_CERTIFICATE;
    }
    return certificate_verify(&certificate, chain_id, &path->set);
}

/* The set that a header's block is certified to lead to. */
static enum status change_next(const struct evidence_path *path, const struct hash32 *chain_id,
                               const Xuelian__SetChange *wire, const struct header *header,
                               bool verify, struct validator_set *next)
{
    struct hash32 hash;
    enum status status = validator_set_decode(next, field_bytes(&wire->next_set));
    if (status != ST_OK) {
        return status;
    }
    validator_set_hash(&hash, next);
    if (next->era != header->height + 1 || !hash32_equal(&header->next_validators_hash, &hash)) {
        return ST_BAD_CERTIFICATE;
    }
    return verify ? certified(path, chain_id, header, wire) : ST_OK;
}

/* A header without a certificate: the last block before an era that never had one (docs/protocol.md section 6). */
static bool last_of_era(const struct evidence_path *path, const struct header *header)
{
    struct hash32 set_hash;
    struct hash32 hash;
    validator_set_hash(&set_hash, &path->set);
    header_hash(&hash, header);
    return header->height + 1 == path->set.era &&
           hash32_equal(&header->next_validators_hash, &set_hash) &&
           (path->recovered || hash32_equal(&hash, &path->base_hash));
}

/* The set that the holders of the recovery keys put in the place of the last one. */
static enum status recovery_next(const struct evidence_path *path, const struct hash32 *chain_id,
                                 const Xuelian__SetChange *wire, const struct header *header,
                                 bool verify, struct validator_set *next)
{
    struct arena arena;
    struct recovery recovery;
    struct hash32 hash;
    uint32_t key = 0;
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    header_hash(&hash, header);
    enum status status = recovery_decode(&recovery, field_bytes(&wire->recovery), false, &arena);
    if (status == ST_OK && (wire->next_set.len > 0 || recovery.height != header->height ||
                            !hash32_equal(&recovery.header_hash, &hash))) {
        status = ST_BAD_CERTIFICATE;
    }
    if (status == ST_OK && verify) {
        status = recovery_verify(&recovery, chain_id, path->recovery, &key);
    }
    if (status == ST_OK && verify) {
        status = wire->certificate.len > 0   ? certified(path, chain_id, header, wire)
                 : last_of_era(path, header) ? ST_OK
                                             : ST_BAD_CERTIFICATE;
    }
    if (status == ST_OK) {
        *next = recovery.set;
    }
    free(memory);
    return status;
}

static enum status step(struct evidence_path *path, const struct hash32 *chain_id,
                        struct bytes set_change, bool verify, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct header header;
    struct validator_set next = {0};
    enum status status =
        canonical_decode(&message, &xuelian__set_change__descriptor, set_change, arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(const void *)message;
    bool recovered = wire->recovery.len > 0;
    status = header_decode(&header, field_bytes(&wire->header));
    if (status == ST_OK && !hash32_equal(&header.chain_id, chain_id)) {
        status = ST_WRONG_CHAIN;
    }
    if (status == ST_OK) {
        status =
            (recovered ? recovery_next : change_next)(path, chain_id, wire, &header, verify, &next);
    }
    if (status == ST_OK) {
        path->previous = path->set;
        path->has_previous = true;
        path->set = next;
        path->rotation_blocks = 0;
        path->recovered = recovered;
        path->base_known = !recovered;
        header_hash(&path->base_hash, &header);
    }
    return status;
}

enum status evidence_path_step(struct evidence_path *path, const struct hash32 *chain_id,
                               struct bytes set_change, bool verify)
{
    struct arena arena;
    void *memory = malloc(EVIDENCE_ROOM(set_change.size));
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, EVIDENCE_ROOM(set_change.size));
    enum status status = step(path, chain_id, set_change, verify, &arena);
    free(memory);
    return status;
}
