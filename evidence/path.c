/* From the genesis set to the set of an era. */
#include <stdlib.h>

#include "evidence/internal.h"
#include "ledger/ledger.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"

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

static enum status step(struct evidence_path *path, const struct hash32 *chain_id,
                        struct bytes set_change, bool verify, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct header header;
    struct validator_set next;
    struct hash32 hash;
    enum status status =
        canonical_decode(&message, &xuelian__set_change__descriptor, set_change, arena);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(const void *)message;
    status = header_decode(&header, field_bytes(&wire->header));
    if (status == ST_OK) {
        status = validator_set_decode(&next, field_bytes(&wire->next_set));
    }
    if (status != ST_OK) {
        return status;
    }
    validator_set_hash(&hash, &next);
    if (!hash32_equal(&header.chain_id, chain_id) || next.era != header.height + 1 ||
        !hash32_equal(&header.next_validators_hash, &hash)) {
        return ST_BAD_CERTIFICATE;
    }
    status = verify ? certified(path, chain_id, &header, wire) : ST_OK;
    if (status == ST_OK) {
        path->previous = path->set;
        path->has_previous = true;
        path->set = next;
        path->rotation_blocks = 0;
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
