/* Kind 6: a proposal that breaks a block-level rule, shown by the PRE-PREPARE and the bodies that break it. */
#include <stdlib.h>
#include <string.h>

#include "consensus/pbft.h"
#include "ledger/tx/envelope.h"
#include "node/evidence/internal.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/convert.h"

/* The entries of a proposal; NULL, and *size 0: it is no proposal. */
static const uint8_t *entries_of(struct bytes proposal, struct arena *arena, size_t *count)
{
    const Xuelian__Proposal *wire =
        evidence_decode(&xuelian__proposal__descriptor, proposal, arena);
    if (wire == NULL || wire->parent_hash.len != 32 || wire->entries.len % 32 != 0 ||
        wire->entries.len / 32 > LIMIT_PROPOSAL_ENTRIES_MAX) {
        return NULL;
    }
    static const uint8_t none[1];
    *count = wire->entries.len / 32;
    return *count == 0 ? none : wire->entries.data;
}

static bool listed(const uint8_t *entries, size_t count, const struct hash32 *entry)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        found = memcmp(entries + 32 * i, entry->bytes, 32) == 0;
    }
    return found;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* One entry twice: its transaction twice. */
static bool repeats(const uint8_t *entries, size_t count)
{
    bool found = false;
    uint8_t *sorted = malloc(32 * count + 1);
    if (sorted == NULL) {
        return false;
    }
    memcpy(sorted, entries, 32 * count);
    qsort(sorted, count, 32, compare);
    for (size_t i = 1; i < count && !found; i++) {
        found = memcmp(sorted + 32 * (i - 1), sorted + 32 * i, 32) == 0;
    }
    free(sorted);
    return found;
}

/* What a body is, if the proposal lists it. */
struct body_facts {
    struct hash32 id;
    struct hash32 entry;
    uint64_t valid_until;
};

static bool body_read(struct body_facts *out, struct bytes bytes, const struct hash32 *chain_id)
{
    struct arena arena;
    struct tx *tx = malloc(sizeof *tx);
    void *memory = malloc(TX_ARENA_SIZE);
    bool good = false;
    if (tx != NULL && memory != NULL) {
        arena_init(&arena, memory, TX_ARENA_SIZE);
        good = tx_parse(tx, bytes, chain_id, &arena) == ST_OK;
        if (good) {
            *out = (struct body_facts){
                .id = tx->id, .entry = tx->entry, .valid_until = tx->valid_until};
        }
    }
    free(memory);
    free(tx);
    return good;
}

static enum status judge(const struct evidence *evidence, const struct hash32 *chain_id,
                         const uint8_t *entries, size_t count, uint64_t height,
                         struct evidence_facts *facts)
{
    struct body_facts bodies[EVIDENCE_BODIES_MAX];
    if (evidence->body_count == 0) {
        facts->reason = ST_ID_USED;
        return repeats(entries, count) ? ST_OK : ST_BAD_EVIDENCE;
    }
    for (size_t i = 0; i < evidence->body_count; i++) {
        if (!body_read(&bodies[i], field_bytes(&evidence->bodies[i]), chain_id) ||
            !listed(entries, count, &bodies[i].entry)) {
            return ST_BAD_EVIDENCE;
        }
    }
    facts->tx_id = bodies[0].id;
    facts->valid_until = bodies[0].valid_until;
    if (evidence->body_count == 1) {
        facts->reason = ST_EXPIRED;
        return bodies[0].valid_until < height ? ST_OK : ST_BAD_EVIDENCE;
    }
    facts->reason = ST_ID_USED;
    return hash32_equal(&bodies[0].id, &bodies[1].id) &&
                   !hash32_equal(&bodies[0].entry, &bodies[1].entry)
               ? ST_OK
               : ST_BAD_EVIDENCE;
}

static enum status check(const struct evidence *evidence, const struct evidence_path *path,
                         const struct hash32 *chain_id, struct evidence_facts *facts,
                         struct arena *arena)
{
    struct pbft_message message;
    size_t count = 0;
    enum status status = pbft_message_parse(&message, evidence_first_type(evidence->kind),
                                            evidence->first, chain_id, arena);
    if (status != ST_OK) {
        return status;
    }
    if (message.era != path->set.era || message.sender != facts->index) {
        return ST_BAD_EVIDENCE;
    }
    if (!sign_verify(&evidence->key, &message.hash, &message.signature)) {
        return ST_BAD_SIGNATURE;
    }
    arena_reset(arena);
    struct bytes proposal =
        bytes_of(evidence->first.data + message.proposal.offset, message.proposal.size);
    const uint8_t *entries = entries_of(proposal, arena, &count);
    if (entries == NULL) {
        facts->reason = ST_BAD_ENCODING;
        return evidence->body_count == 0 ? ST_OK : ST_BAD_EVIDENCE;
    }
    return judge(evidence, chain_id, entries, count, message.height, facts);
}

enum status evidence_proposal_check(const struct evidence *evidence,
                                    const struct evidence_path *path, const struct hash32 *chain_id,
                                    struct evidence_facts *facts)
{
    struct arena arena;
    void *memory = malloc(EVIDENCE_ROOM(evidence->first.size));
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, EVIDENCE_ROOM(evidence->first.size));
    enum status status = check(evidence, path, chain_id, facts, &arena);
    free(memory);
    return status;
}

bool evidence_bodies(enum status reason, const struct bytes *txs, uint32_t tx_count, uint32_t index,
                     const struct hash32 *chain_id, struct bytes bodies[EVIDENCE_BODIES_MAX],
                     size_t *count)
{
    struct body_facts second;
    *count = 0;
    if (index >= tx_count || (reason != ST_EXPIRED && reason != ST_ID_USED)) {
        return false;
    }
    if (reason == ST_EXPIRED) {
        bodies[(*count)++] = txs[index];
        return true;
    }
    if (!body_read(&second, txs[index], chain_id)) {
        return false;
    }
    for (uint32_t i = 0; i < index; i++) {
        struct body_facts first;
        if (!body_read(&first, txs[i], chain_id) || !hash32_equal(&first.id, &second.id)) {
            continue;
        }
        if (!hash32_equal(&first.entry, &second.entry)) {
            bodies[0] = txs[i];
            bodies[1] = txs[index];
            *count = 2;
        }
        return true;
    }
    return false; /* its id was used in an earlier block: the state says so, and not the proposal */
}
