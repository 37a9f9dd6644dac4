/* Lies of one validator in the exhaustive mode: what it really says is replaced, on its way to one receiver, by something
 * else that its key can sign. */
#include <stdio.h>

#include "consensus/core.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/sim/exhaust.h"
#include "tests/sim/forge.h"

const char *lie_name(enum lie lie)
{
    static const char *const names[LIE_KINDS] = {
        "another proposal", "a vote for another block",
        "a COMMIT too",     "nothing prepared",
        "a block less",     "a forged certificate",
        "another quorum",   "a height that there is not",
    };
    return names[lie];
}

static void *decode(struct bytes bytes, const ProtobufCMessageDescriptor *schema,
                    struct arena *arena)
{
    ProtobufCMessage *message;
    CHECK(canonical_decode(&message, schema, bytes, arena) == ST_OK); /* a core wrote it */
    return message;
}

/* The set that opens an era; while nothing forks there is one. */
static const struct validator_set *set_of(const struct chain *chain, uint64_t era)
{
    for (size_t i = 0; i < chain->set_count; i++) {
        if (chain->sets[i]->era == era) {
            return chain->sets[i];
        }
    }
    return NULL;
}

/* ---- Proposals and votes ---------------------------------------------------------------------------- */

static bool other_proposal(const struct forger *forger, const struct pbft_message *message,
                           struct forged *out)
{
    enum { ROOM = 1 << 18 };
    struct chain *chain = &forger->cluster->chain;
    struct sim_proposal proposal;
    struct arena arena;
    void *memory = sim_new(ROOM);
    arena_init(&arena, memory, ROOM);
    const Xuelian__PrePrepare *wire =
        decode(message->body, &xuelian__pre_prepare__descriptor, &arena);
    bool good = chain_parse_proposal(chain, field_bytes(&wire->proposal), &proposal);
    if (good) {
        struct hash32 parent = proposal.parent_hash;
        forge_pre_prepare(forger, message->view, message->height, &parent, proposal.time_ms + 1,
                          NULL, 0, out);
    }
    free(memory);
    return good;
}

static bool other_vote(const struct forger *forger, const struct pbft_message *message,
                       struct forged *out)
{
    const struct chain *chain = &forger->cluster->chain;
    const struct sim_block *block =
        message->height < chain->heights ? chain->at_height[message->height] : NULL;
    while (block != NULL && hash32_equal(&block->hash, &message->vote.header_hash)) {
        block = block->beside;
    }
    if (block == NULL) {
        return false;
    }
    forge_vote(forger, message->vote.phase, message->view, message->height, &block->hash, out);
    return true;
}

/* ---- VIEW-CHANGEs ------------------------------------------------------------------------------------ */

static bool hides(const struct forger *forger, const struct pbft_message *message, enum lie lie,
                  struct forged *out)
{
    enum { ROOM = 1 << 16 };
    struct cluster *cluster = forger->cluster;
    const struct disk *disk = &cluster->replicas[forger->node].disk;
    struct owned forged = {.data = NULL};
    struct hash32 hash;
    struct arena arena;
    void *memory = sim_new(ROOM);
    arena_init(&arena, memory, ROOM);
    const Xuelian__ViewChange *wire =
        decode(message->body, &xuelian__view_change__descriptor, &arena);
    uint64_t height = wire->committed_height;
    bool good = field_copy(&hash, 32, &wire->committed_hash);
    const struct sim_block *committed = chain_find_block(&cluster->chain, &hash);
    struct bytes commit = field_bytes(&wire->committed_certificate);
    const struct sim_block *shown = NULL;
    if (lie == LIE_HIDES) {
        good = good && wire->prepared_certificate.len > 0;
    } else if (lie == LIE_STALE) {
        good = good && height + 1 > message->era && height <= disk->written;
        if (good) {
            committed = height == 1 ? cluster->chain.genesis : disk->blocks[height - 2].block;
            commit = height == 1 ? bytes_of(NULL, 0)
                                 : owned_bytes(&disk->blocks[height - 2].certificate);
        }
    } else {
        shown = height + 1 < cluster->chain.heights ? cluster->chain.at_height[height + 1] : NULL;
        good = good && shown != NULL && shown->set == forger->set;
        if (good) {
            (void)forge_certificate(cluster, VOTE_PREPARE, message->view - 1, shown, 0, &forged);
        }
    }
    if (good && committed != NULL) {
        forge_view_change(forger, message->view, committed, commit, shown, owned_bytes(&forged),
                          out);
    }
    owned_free(&forged);
    free(memory);
    return good && committed != NULL;
}

/* ---- NEW-VIEWs --------------------------------------------------------------------------------------- */

/* Of the VIEW-CHANGEs that the liar holds, others than those it chose: without the one that shows what was prepared in
 * the highest view. False: it holds no more. */
static bool other_quorum(const struct forger *forger, const struct pbft_message *message,
                         struct forged *out)
{
    const struct replica *replica = &forger->cluster->replicas[forger->node];
    const struct pbft *core = replica->core;
    struct bytes changes[LIMIT_VALIDATORS_MAX];
    uint32_t held = 0, left_out = UINT32_MAX, q = quorum_size(forger->set->count);
    size_t count = 0;
    if (!replica_live(replica) || core->set.era != message->era) {
        return false;
    }
    for (uint32_t i = 0; i < core->set.count; i++) {
        const struct member_change *change = &core->changes[i];
        if (change->state != JUDGED_VALID || change->new_view != message->view) {
            continue;
        }
        held++;
        if (change->prepared && (left_out == UINT32_MAX ||
                                 change->prepared_view > core->changes[left_out].prepared_view)) {
            left_out = i;
        }
    }
    if (held <= q) {
        return false;
    }
    for (uint32_t i = core->set.count; i-- > 0 && count < q;) {
        const struct member_change *change = &core->changes[i];
        if (change->state == JUDGED_VALID && change->new_view == message->view && i != left_out) {
            changes[q - ++count] = blob_bytes(&change->message);
        }
    }
    if (count == q) {
        forge_new_view(forger, message->view, changes, count, out);
    }
    return count == q;
}

/* ---- All --------------------------------------------------------------------------------------------- */

bool lie_make(struct world *world, const struct event *event, enum lie lie, struct forged *out)
{
    struct cluster *cluster = world->cluster;
    const struct pbft_message *message;
    uint8_t type = event->envelope->type;
    bool good = false;
    if (!pbft_takes(type) || envelope_read(event->envelope, &cluster->chain, &message) != ST_OK) {
        return false;
    }
    const struct validator_set *set =
        message->has_signer ? set_of(&cluster->chain, message->era) : cluster->chain.sets[0];
    if (set == NULL) {
        return false;
    }
    struct forger forger = forger_of(cluster, (uint32_t)world->liar, set);
    if (message->has_signer && message->sender != forger.sender) {
        return false; /* another's, passed on */
    }
    bool vote = type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
    switch (lie) {
    case LIE_OTHER_PROPOSAL:
        good = type == XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE &&
               other_proposal(&forger, message, out);
        break;
    case LIE_OTHER_VOTE:
        good = vote && other_vote(&forger, message, out);
        break;
    case LIE_COMMIT_TOO:
        good = vote && message->vote.phase == VOTE_PREPARE;
        if (good) {
            forge_vote(&forger, VOTE_COMMIT, message->view, message->height,
                       &message->vote.header_hash, out);
        }
        break;
    case LIE_HIDES:
    case LIE_STALE:
    case LIE_FORGES:
        good =
            type == XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE && hides(&forger, message, lie, out);
        break;
    case LIE_OTHER_QUORUM:
        good =
            type == XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW && other_quorum(&forger, message, out);
        break;
    case LIE_BOASTS:
        good = type == XUELIAN__PEER_TYPE__PEER_TYPE_STATUS;
        if (good) {
            forge_status(&forger, message->status.view + 5, message->status.height + 1000,
                         &cluster->chain.genesis->hash, out);
        }
        break;
    case LIE_KINDS:
        break;
    }
    if (good && bytes_equal(owned_bytes(&out->body), envelope_body(event->envelope))) {
        forged_free(out);
        good = false;
    }
    return good;
}
