/* Whether a piece of evidence shows what it says. The audit of the core judges all but proposals. */
#include <stdlib.h>

#include "consensus/audit.h"
#include "node/evidence/internal.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum {
    /* Signatures in a VIEW-CHANGE: two certificates and its own. */
    STATEMENTS_CHANGE = 2 * LIMIT_VALIDATORS_MAX + 1,
    STATEMENTS_PAIR = 2 * STATEMENTS_CHANGE + 2,
    STATEMENTS_NEW_VIEW = LIMIT_VALIDATORS_MAX * STATEMENTS_CHANGE + 2
};

const void *evidence_decode(const ProtobufCMessageDescriptor *schema, struct bytes bytes,
                            struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    return canonical_decode(&message, schema, bytes, arena) == ST_OK ? message : NULL;
}

/* ---- What is in it, said apart; the audit has verified it ---- */

static void change_read(struct evidence_change *out, const Xuelian__ViewChange *wire,
                        struct arena *arena)
{
    *out = (struct evidence_change){.committed_height = wire->committed_height};
    CHECK(field_copy(&out->committed_hash, 32, &wire->committed_hash));
    if (wire->prepared_certificate.len == 0) {
        return;
    }
    const Xuelian__Certificate *certificate = evidence_decode(
        &xuelian__certificate__descriptor, field_bytes(&wire->prepared_certificate), arena);
    out->prepared = true;
    if (certificate != NULL && field_copy(&out->prepared_hash, 32, &certificate->header_hash)) {
        out->prepared_view = certificate->view;
    }
}

static void vote_read(struct evidence_facts *facts, size_t at, const Xuelian__Vote *vote)
{
    facts->view = vote->view;
    facts->height = vote->height;
    facts->phase = vote->phase == XUELIAN__PHASE__PHASE_COMMIT ? VOTE_COMMIT : VOTE_PREPARE;
    CHECK(field_copy(&facts->hashes[at], 32, &vote->header_hash));
}

static void proposal_read_facts(struct evidence_facts *facts, size_t at,
                                const Xuelian__PrePrepare *wire)
{
    facts->view = wire->view;
    facts->height = wire->height;
    proposal_digest(&facts->hashes[at], field_bytes(&wire->proposal));
}

static void part_read(struct evidence_facts *facts, size_t at, uint8_t type, struct bytes bytes,
                      struct arena *arena)
{
    if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        const Xuelian__Vote *vote = evidence_decode(&xuelian__vote__descriptor, bytes, arena);
        CHECK(vote != NULL);
        vote_read(facts, at, vote);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE) {
        const Xuelian__PrePrepare *wire =
            evidence_decode(&xuelian__pre_prepare__descriptor, bytes, arena);
        CHECK(wire != NULL);
        proposal_read_facts(facts, at, wire);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE) {
        const Xuelian__ViewChange *wire =
            evidence_decode(&xuelian__view_change__descriptor, bytes, arena);
        CHECK(wire != NULL);
        bool forgotten = facts->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN;
        *(forgotten ? &facts->new_view : &facts->view) = wire->new_view;
        change_read(&facts->changes[forgotten ? 0 : at], wire, arena);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW) {
        const Xuelian__NewView *wire =
            evidence_decode(&xuelian__new_view__descriptor, bytes, arena);
        CHECK(wire != NULL);
        facts->view = wire->new_view;
    }
}

/* ---- The audit ---- */

static bool verify(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                   const struct sig64 *signature)
{
    (void)context;
    return sign_verify(key, hash, signature);
}

/* The audit is asked about these messages alone: a proof of the kind against the member is in them. */
static enum status judge(struct audit *audit, const struct evidence *evidence,
                         struct evidence_facts *facts)
{
    struct audit_report report;
    uint8_t second = evidence_second_type(evidence->kind);
    enum status status = audit_message(audit, evidence_first_type(evidence->kind), evidence->first);
    if (status == ST_OK && second != 0) {
        status = audit_message(audit, second, evidence->second);
    }
    if (status != ST_OK) {
        return status;
    }
    audit_judge(audit, &report);
    for (uint32_t i = 0; i < report.proofs; i++) {
        const struct audit_guilt *guilt = &report.list[i];
        if (guilt->member == facts->index &&
            (int)guilt->kind + 1 == (int)evidence->kind) { /* the same order, from 1 */
            facts->reason = guilt->reason;
            return ST_OK;
        }
    }
    return ST_BAD_EVIDENCE;
}

static enum status audit_check(const struct evidence *evidence, const struct evidence_path *path,
                               const struct hash32 *chain_id, struct evidence_facts *facts)
{
    bool new_view = evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_NEW_VIEW;
    const struct audit_config config = {.chain_id = *chain_id,
                                        .set = &path->set,
                                        .previous_set = path->has_previous ? &path->previous : NULL,
                                        .era_base_hash = path->base_hash,
                                        .era_recovered = path->recovered,
                                        .rotation_blocks = path->rotation_blocks,
                                        .statements_max =
                                            new_view ? STATEMENTS_NEW_VIEW : STATEMENTS_PAIR,
                                        .verify = verify};
    bool in_era =
        new_view || evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN;
    if (in_era && !path->base_known) {
        return ST_FUTURE;
    }
    void *memory = aligned_alloc(16, audit_footprint(&config));
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    enum status status = judge(audit_init(memory, &config), evidence, facts);
    free(memory);
    return status == ST_BAD_EVIDENCE && new_view && path->rotation_blocks == 0 ? ST_MISSING
                                                                               : status;
}

static enum status facts_read(const struct evidence *evidence, struct evidence_facts *facts)
{
    size_t room = EVIDENCE_ROOM(evidence->first.size + evidence->second.size);
    struct arena arena;
    void *memory = malloc(room);
    if (memory == NULL) {
        return ST_NO_MEMORY;
    }
    arena_init(&arena, memory, room);
    part_read(facts, 0, evidence_first_type(evidence->kind), evidence->first, &arena);
    part_read(facts, 1, evidence_second_type(evidence->kind), evidence->second, &arena);
    free(memory);
    return ST_OK;
}

enum status evidence_check(const struct evidence *evidence, const struct evidence_path *path,
                           const struct hash32 *chain_id, struct evidence_facts *facts)
{
    struct evidence_facts made = {.kind = evidence->kind};
    if (evidence->era != path->set.era) {
        return ST_FUTURE;
    }
    int at = validator_set_find(&path->set, &evidence->key);
    if (at < 0) {
        return ST_UNKNOWN_VALIDATOR;
    }
    made.index = (uint32_t)at;
    made.member = path->set.validators[at].member;
    enum status status = evidence->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_PROPOSAL
                             ? evidence_proposal_check(evidence, path, chain_id, &made)
                             : audit_check(evidence, path, chain_id, &made);
    if (status == ST_MISSING) {
        made.reason = ST_NOT_PRIMARY; /* nothing else can be wrong with it */
    }
    if (status == ST_OK || status == ST_MISSING) {
        enum status read = facts_read(evidence, &made);
        status = read == ST_OK ? status : read;
    }
    if (status == ST_OK || status == ST_MISSING) {
        *facts = made;
    }
    return status;
}
