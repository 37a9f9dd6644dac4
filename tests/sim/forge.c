#include "tests/sim/forge.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"

struct forger forger_of(struct cluster *cluster, uint32_t node, const struct validator_set *set)
{
    int index = validator_set_find(set, &cluster->keys.owners[node].key);
    return (struct forger){.cluster = cluster,
                           .node = node,
                           .set = set,
                           .era = set->era,
                           .sender = index < 0 ? LIMIT_VALIDATORS_MAX - 1 : (uint32_t)index};
}

void forged_free(struct forged *forged)
{
    owned_free(&forged->body);
}

void forged_send(const struct forger *forger, const struct forged *forged, uint32_t to)
{
    struct envelope *envelope = envelope_new(forged->type, owned_bytes(&forged->body));
    for (uint32_t i = 0; i < forger->cluster->options.nodes; i++) {
        if ((to >> i & 1) != 0) {
            cluster_send(forger->cluster, forger->node, i, envelope);
        }
    }
    envelope_let_go(envelope);
}

static void sign_as(const struct forger *forger, const struct hash32 *hash, struct sig64 *out)
{
    keys_sign(&forger->cluster->keys.owners[forger->node], hash, out);
}

static void pack(struct forged *out, uint8_t type, const ProtobufCMessage *message)
{
    out->type = type;
    out->body.data = sim_new(canonical_size(message));
    out->body.size = canonical_encode(out->body.data, message);
}

/* ---- Normal case --------------------------------------------------------------------------------- */

void forge_vote(const struct forger *forger, enum vote_phase phase, uint64_t view, uint64_t height,
                const struct hash32 *header_hash, struct forged *out)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    struct hash32 hash;
    struct sig64 signature;
    vote_hash(&hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &forger->cluster->chain.chain_id, forger->era, view, height, header_hash);
    sign_as(forger, &hash, &signature);
    wire.phase =
        phase == VOTE_COMMIT ? XUELIAN__PHASE__PHASE_COMMIT : XUELIAN__PHASE__PHASE_PREPARE;
    wire.era = forger->era;
    wire.view = view;
    wire.height = height;
    wire.header_hash = field_borrow(header_hash, 32);
    wire.sender = forger->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, &wire.base);
}

void forge_pre_prepare(const struct forger *forger, uint64_t view, uint64_t height,
                       const struct hash32 *parent_hash, uint64_t time_ms,
                       const struct sim_tx *const *txs, uint32_t count, struct forged *out)
{
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    struct owned proposal;
    struct hash32 digest, hash;
    struct sig64 signature;
    chain_make_proposal(&proposal, parent_hash, time_ms, txs, count);
    proposal_digest(&digest, owned_bytes(&proposal));
    vote_hash(&hash, TAG_SIGN_PRE_PREPARE, &forger->cluster->chain.chain_id, forger->era, view,
              height, &digest);
    sign_as(forger, &hash, &signature);
    wire.era = forger->era;
    wire.view = view;
    wire.height = height;
    wire.sender = forger->sender;
    wire.proposal = field_borrow(proposal.data, proposal.size);
    wire.signature = field_borrow(&signature, 64);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, &wire.base);
    owned_free(&proposal);
}

/* ---- Certificates -------------------------------------------------------------------------------- */

static bool has_said(const struct cluster *cluster, uint32_t node, enum vote_phase phase,
                     uint64_t era, uint64_t view, const struct sim_block *block)
{
    const struct spoken_list *spoken =
        &cluster->oracle.nodes[node].spoken[phase == VOTE_COMMIT ? SPOKEN_COMMIT : SPOKEN_PREPARE];
    for (size_t i = spoken->count; i-- > 0;) {
        const struct spoken *said = &spoken->list[i];
        if (said->era == era && said->view == view && said->height == block->header.height &&
            hash32_equal(&said->hash, &block->hash)) {
            return true;
        }
    }
    return false;
}

uint32_t forge_signers(const struct cluster *cluster, enum vote_phase phase, uint64_t view,
                       const struct sim_block *block)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < block->set->count; i++) {
        int node = keys_find(&cluster->keys, &block->set->validators[i].key);
        if (node >= 0 && (cluster->replicas[node].puppet ||
                          has_said(cluster, (uint32_t)node, phase, block->set->era, view, block))) {
            nodes |= UINT32_C(1) << node;
        }
    }
    return nodes;
}

bool forge_certificate(const struct cluster *cluster, enum vote_phase phase, uint64_t view,
                       const struct sim_block *block, uint32_t by, struct owned *out)
{
    const struct validator_set *set = block->set;
    struct certificate made = {
        .phase = phase, .view = view, .height = block->header.height, .header_hash = block->hash};
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    bool asked[LIMIT_VALIDATORS_MAX] = {false};
    uint32_t noise = quorum_size(set->count);
    bool good = true;
    struct hash32 hash;
    vote_hash(&hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &cluster->chain.chain_id, set->era, view, made.height, &block->hash);
    for (uint32_t i = 0; i < set->count; i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        asked[i] = node >= 0 && (by >> node & 1) != 0;
        noise -= asked[i] && noise > 0 ? 1 : 0;
    }
    /* Fewer signers than a quorum cannot be written down. */
    for (uint32_t i = 0; i < set->count && made.count < quorum_size(set->count); i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        struct sig64 *signature = &made.signatures[made.count];
        if (!asked[i] && noise == 0) {
            continue;
        }
        noise -= asked[i] ? 0 : 1;
        made.signers[made.count++] = (uint8_t)i;
        memset(signature->bytes, 0x11, sizeof signature->bytes);
        if (asked[i] && (cluster->replicas[node].puppet ||
                         has_said(cluster, (uint32_t)node, phase, set->era, view, block))) {
            keys_sign(&cluster->keys.owners[node], &hash, signature);
        } else {
            good = false;
        }
    }
    owned_set(out, bytes_of(bytes, certificate_encode(bytes, &made, set->count)));
    return good;
}

/* ---- View change --------------------------------------------------------------------------------- */

void forge_view_change(const struct forger *forger, uint64_t view,
                       const struct sim_block *committed, struct bytes commit_certificate,
                       const struct sim_block *prepared, struct bytes prepared_certificate,
                       struct forged *out)
{
    Xuelian__ViewChange wire = XUELIAN__VIEW_CHANGE__INIT;
    struct hash32 hash, digest;
    struct sig64 signature;
    if (committed->header.height > 0) {
        wire.committed_header =
            field_borrow(committed->header_bytes.data, committed->header_bytes.size);
        wire.committed_certificate = field_borrow(commit_certificate.data, commit_certificate.size);
    }
    if (prepared != NULL) {
        hash_tagged(&digest, TAG_CERTIFICATE, prepared_certificate.data, prepared_certificate.size);
        wire.prepared_header =
            field_borrow(prepared->header_bytes.data, prepared->header_bytes.size);
        wire.prepared_certificate =
            field_borrow(prepared_certificate.data, prepared_certificate.size);
    }
    view_change_hash(&hash, &forger->cluster->chain.chain_id, forger->era, view,
                     committed->header.height, &committed->hash, prepared == NULL ? NULL : &digest);
    sign_as(forger, &hash, &signature);
    wire.era = forger->era;
    wire.new_view = view;
    wire.committed_height = committed->header.height;
    wire.committed_hash = field_borrow(&committed->hash, 32);
    wire.sender = forger->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE, &wire.base);
}

void forge_new_view(const struct forger *forger, uint64_t view, const struct bytes *changes,
                    size_t count, struct forged *out)
{
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData fields[LIMIT_VALIDATORS_MAX];
    struct hasher hasher;
    struct hash32 set_digest, hash;
    struct sig64 signature;
    CHECK(count <= LIMIT_VALIDATORS_MAX);
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    for (size_t i = 0; i < count; i++) {
        struct hash32 one;
        hash_tagged(&one, TAG_VIEW_CHANGE, changes[i].data, changes[i].size);
        hasher_update(&hasher, one.bytes, sizeof one.bytes);
        fields[i] = field_borrow(changes[i].data, changes[i].size);
    }
    hasher_final(&hasher, &set_digest);
    new_view_hash(&hash, &forger->cluster->chain.chain_id, forger->era, view, &set_digest);
    sign_as(forger, &hash, &signature);
    wire.era = forger->era;
    wire.new_view = view;
    wire.view_changes = fields;
    wire.n_view_changes = count;
    wire.sender = forger->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, &wire.base);
}

/* ---- Unsigned ------------------------------------------------------------------------------------ */

void forge_status(const struct forger *forger, uint64_t view, uint64_t height,
                  const struct hash32 *header_hash, struct forged *out)
{
    Xuelian__Status wire = XUELIAN__STATUS__INIT;
    wire.era = forger->era;
    wire.view = view;
    wire.height = height;
    wire.header_hash = field_borrow(header_hash, 32);
    wire.installed = true;
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_STATUS, &wire.base);
}

void forge_newest_request(const struct forger *forger, struct forged *out)
{
    Xuelian__NewestRequest wire = XUELIAN__NEWEST_REQUEST__INIT;
    struct id16 nonce = {{1}};
    wire.key = field_borrow(&forger->cluster->keys.owners[forger->node].key, 33);
    wire.nonce = field_borrow(&nonce, 16);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST, &wire.base);
}

void forge_certified(const struct sim_block *block, struct bytes certificate, struct forged *out)
{
    Xuelian__Certified wire = XUELIAN__CERTIFIED__INIT;
    wire.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
    wire.certificate = field_borrow(certificate.data, certificate.size);
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED, &wire.base);
}

void forge_blocks(const struct sim_block *block, struct bytes certificate,
                  const struct sim_block *bodies_of, struct forged *out)
{
    Xuelian__Block one = XUELIAN__BLOCK__INIT;
    Xuelian__Blocks blocks = XUELIAN__BLOCKS__INIT;
    ProtobufCBinaryData *txs = sim_new(bodies_of->tx_count * sizeof *txs);
    ProtobufCBinaryData field;
    one.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
    one.certificate = field_borrow(certificate.data, certificate.size);
    for (uint32_t i = 0; i < bodies_of->tx_count; i++) {
        txs[i] = field_borrow(bodies_of->txs[i]->bytes.data, bodies_of->txs[i]->bytes.size);
    }
    one.txs = txs;
    one.n_txs = bodies_of->tx_count;
    uint8_t *bytes = sim_new(canonical_size(&one.base));
    field = field_borrow(bytes, canonical_encode(bytes, &one.base));
    blocks.blocks = &field;
    blocks.n_blocks = 1;
    pack(out, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS, &blocks.base);
    free(bytes);
    free(txs);
}
