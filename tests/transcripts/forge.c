/* What a puppet says: any message, signed with its key.
 *
 * Signatures of others cannot be forged. In a certificate made by hand, that of a node is good when the node is a
 * puppet or has said exactly this before; else it is noise. */
#include <stdio.h>

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"
#include "tests/transcripts/script.h"

struct forging {
    struct script *script;
    uint32_t node;                   /* whose key */
    const struct validator_set *set; /* of the era spoken of */
    uint64_t era, view, height;
    uint32_t sender; /* index in the set */
    uint8_t type;
    struct owned body;
};

static void sign_as(const struct forging *forging, const struct hash32 *hash, struct sig64 *out)
{
    keys_sign(&forging->script->cluster->keys.owners[forging->node], hash, out);
}

static void pack(struct forging *forging, uint8_t type, const ProtobufCMessage *message)
{
    forging->type = type;
    forging->body.data = sim_new(canonical_size(message));
    forging->body.size = canonical_encode(forging->body.data, message);
}

/* The header hash an argument names: a block, or something that nobody has made. */
static struct hash32 hash_of(const struct script *script, const char *label)
{
    const struct sim_block *block = words_block(script, label);
    struct hash32 hash;
    if (block != NULL) {
        return block->hash;
    }
    hash_plain(&hash, label == NULL ? "" : label, label == NULL ? 0 : strlen(label));
    return hash;
}

static bool say_vote(struct forging *forging, bool commit)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    const struct script *script = forging->script;
    struct hash32 block = hash_of(script, words_value(script, "block"));
    struct hash32 hash;
    struct sig64 signature;
    vote_hash(&hash, commit ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE, &script->cluster->chain.chain_id,
              forging->era, forging->view, forging->height, &block);
    sign_as(forging, &hash, &signature);
    wire.phase = commit ? XUELIAN__PHASE__PHASE_COMMIT : XUELIAN__PHASE__PHASE_PREPARE;
    wire.era = forging->era;
    wire.view = forging->view;
    wire.height = forging->height;
    wire.header_hash = field_borrow(&block, 32);
    wire.sender = forging->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, &wire.base);
    return true;
}

/* txs=a,b parent=LABEL (the tip below) time=MS after the parent's (1). */
static bool say_pre_prepare(struct forging *forging)
{
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    struct script *script = forging->script;
    struct chain *chain = &script->cluster->chain;
    const struct sim_block *parent = words_block(script, words_value(script, "parent"));
    const struct sim_tx *txs[16];
    uint32_t count = 0;
    struct owned proposal;
    struct hash32 digest, hash;
    struct sig64 signature;
    const char *word = words_value(script, "txs");
    if (parent == NULL) {
        parent = forging->height - 1 <= script->cluster->oracle.height
                     ? script->cluster->oracle.committed[forging->height - 1]
                     : chain->genesis;
    }
    while (word != NULL && *word != '\0' && count < 16) {
        size_t size = strcspn(word, ",");
        txs[count] = chain_tx(chain, bytes_of(word, size));
        if (txs[count] == NULL) {
            return script_error(script, "that is no transaction");
        }
        count++;
        word += word[size] == ',' ? size + 1 : size;
    }
    chain_make_proposal(&proposal, &parent->hash,
                        parent->header.time_ms + words_number(script, "time", 1), txs, count);
    proposal_digest(&digest, owned_bytes(&proposal));
    vote_hash(&hash, TAG_SIGN_PRE_PREPARE, &chain->chain_id, forging->era, forging->view,
              forging->height, &digest);
    sign_as(forging, &hash, &signature);
    wire.era = forging->era;
    wire.view = forging->view;
    wire.height = forging->height;
    wire.sender = forging->sender;
    wire.proposal = field_borrow(proposal.data, proposal.size);
    wire.signature = field_borrow(&signature, 64);
    pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, &wire.base);
    owned_free(&proposal);
    return true;
}

/* ---- Certificates -------------------------------------------------------------------------------- */

static bool has_said(const struct script *script, uint32_t node, enum vote_phase phase,
                     uint64_t era, uint64_t view, uint64_t height, const struct hash32 *hash)
{
    const struct spoken_list *spoken =
        &script->cluster->oracle.nodes[node]
             .spoken[phase == VOTE_COMMIT ? SPOKEN_COMMIT : SPOKEN_PREPARE];
    for (size_t i = 0; i < spoken->count; i++) {
        if (spoken->list[i].era == era && spoken->list[i].view == view &&
            spoken->list[i].height == height && hash32_equal(&spoken->list[i].hash, hash)) {
            return true;
        }
    }
    return false;
}

static void make_certificate(const struct script *script, enum vote_phase phase, uint64_t view,
                             const struct sim_block *block, uint32_t by, struct owned *out)
{
    struct cluster *cluster = script->cluster;
    const struct validator_set *set = block->set;
    struct certificate made = {
        .phase = phase, .view = view, .height = block->header.height, .header_hash = block->hash};
    uint8_t bytes[CERTIFICATE_SIZE_MAX];
    struct hash32 hash;
    vote_hash(&hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &cluster->chain.chain_id, set->era, view, made.height, &block->hash);
    bool genuine[LIMIT_VALIDATORS_MAX] = {false};
    uint32_t noise = quorum_size(set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        genuine[i] = node >= 0 && (by >> node & 1) != 0;
        noise -= genuine[i] && noise > 0 ? 1 : 0;
    }
    /* Fewer signers than a quorum cannot be written down: what is missing is noise of others. */
    for (uint32_t i = 0; i < set->count && made.count < quorum_size(set->count); i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        struct sig64 *signature = &made.signatures[made.count];
        if (!genuine[i] && noise == 0) {
            continue;
        }
        noise -= genuine[i] ? 0 : 1;
        made.signers[made.count++] = (uint8_t)i;
        memset(signature->bytes, 0x11, sizeof signature->bytes);
        if (genuine[i] &&
            (cluster->replicas[node].puppet ||
             has_said(script, (uint32_t)node, phase, set->era, view, made.height, &block->hash))) {
            keys_sign(&cluster->keys.owners[node], &hash, signature);
        }
    }
    owned_set(out, bytes_of(bytes, certificate_encode(bytes, &made, set->count)));
}

/* committed=LABEL (the newest that anyone committed) prepared=LABEL prepared-view=V by=NODES. */
static bool say_view_change(struct forging *forging)
{
    Xuelian__ViewChange wire = XUELIAN__VIEW_CHANGE__INIT;
    const struct script *script = forging->script;
    const struct cluster *cluster = script->cluster;
    const struct sim_block *committed = words_block(script, words_value(script, "committed"));
    const struct sim_block *prepared = words_block(script, words_value(script, "prepared"));
    struct owned certificate = {.data = NULL}, commit = {.data = NULL};
    struct hash32 hash, digest;
    struct sig64 signature;
    if (committed == NULL) {
        committed = cluster->oracle.committed[cluster->oracle.height];
    }
    if (words_value(script, "prepared") != NULL && prepared == NULL) {
        return script_error(forging->script, "no node has made that block");
    }
    if (committed->header.height > 0) {
        make_certificate(script, VOTE_COMMIT, words_number(script, "committed-view", 0), committed,
                         words_nodes(script, "committed-by", UINT32_MAX), &commit);
        wire.committed_header =
            field_borrow(committed->header_bytes.data, committed->header_bytes.size);
        wire.committed_certificate = field_borrow(commit.data, commit.size);
    }
    if (prepared != NULL) {
        make_certificate(script, VOTE_PREPARE, words_number(script, "prepared-view", 0), prepared,
                         words_nodes(script, "by", UINT32_MAX), &certificate);
        hash_tagged(&digest, TAG_CERTIFICATE, certificate.data, certificate.size);
        wire.prepared_header =
            field_borrow(prepared->header_bytes.data, prepared->header_bytes.size);
        wire.prepared_certificate = field_borrow(certificate.data, certificate.size);
    }
    view_change_hash(&hash, &cluster->chain.chain_id, forging->era, forging->view,
                     committed->header.height, &committed->hash, prepared == NULL ? NULL : &digest);
    sign_as(forging, &hash, &signature);
    wire.era = forging->era;
    wire.new_view = forging->view;
    wire.committed_height = committed->header.height;
    wire.committed_hash = field_borrow(&committed->hash, 32);
    wire.sender = forging->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE, &wire.base);
    owned_free(&certificate);
    owned_free(&commit);
    return true;
}

/* changes=NODES: their newest VIEW-CHANGEs to this view, as they were sent. */
static bool say_new_view(struct forging *forging)
{
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    struct script *script = forging->script;
    uint32_t nodes = words_nodes(script, "changes", 0);
    ProtobufCBinaryData fields[SIM_NODES_MAX];
    struct hasher hasher;
    struct hash32 set_digest, hash;
    struct sig64 signature;
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    for (uint32_t node = 0; node < script->cluster->options.nodes; node++) {
        const struct seen_change *found = NULL;
        for (size_t i = 0; i < script->change_count && (nodes >> node & 1) != 0; i++) {
            const struct seen_change *seen = &script->changes[i];
            if (seen->node == node && seen->era == forging->era &&
                seen->view == words_number(script, "of-view", forging->view)) {
                found = seen;
            }
        }
        if (found == NULL) {
            continue;
        }
        struct hash32 one;
        hash_tagged(&one, TAG_VIEW_CHANGE, found->bytes.data, found->bytes.size);
        hasher_update(&hasher, one.bytes, sizeof one.bytes);
        fields[wire.n_view_changes++] = field_borrow(found->bytes.data, found->bytes.size);
    }
    hasher_final(&hasher, &set_digest);
    new_view_hash(&hash, &script->cluster->chain.chain_id, forging->era, forging->view,
                  &set_digest);
    sign_as(forging, &hash, &signature);
    wire.era = forging->era;
    wire.new_view = forging->view;
    wire.view_changes = fields;
    wire.sender = forging->sender;
    wire.signature = field_borrow(&signature, 64);
    pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, &wire.base);
    return true;
}

/* ---- Unsigned ------------------------------------------------------------------------------------ */

static bool say_status(struct forging *forging)
{
    Xuelian__Status wire = XUELIAN__STATUS__INIT;
    struct hash32 hash = hash_of(forging->script, words_value(forging->script, "block"));
    wire.era = forging->era;
    wire.view = forging->view;
    wire.height = forging->height;
    wire.header_hash = field_borrow(&hash, 32);
    wire.installed = true;
    pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_STATUS, &wire.base);
    return true;
}

static bool say_certified(struct forging *forging, bool with_bodies)
{
    Xuelian__Certified wire = XUELIAN__CERTIFIED__INIT;
    Xuelian__Block one = XUELIAN__BLOCK__INIT;
    Xuelian__Blocks blocks = XUELIAN__BLOCKS__INIT;
    const struct script *script = forging->script;
    const struct sim_block *block = words_block(script, words_value(script, "block"));
    ProtobufCBinaryData txs[16], field;
    struct owned certificate = {.data = NULL};
    if (block == NULL || block->tx_count > 16) {
        return script_error(forging->script, "no node has made that block");
    }
    make_certificate(script, VOTE_COMMIT, forging->view, block,
                     words_nodes(script, "by", UINT32_MAX), &certificate);
    if (!with_bodies) {
        wire.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
        wire.certificate = field_borrow(certificate.data, certificate.size);
        pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED, &wire.base);
    } else {
        one.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
        one.certificate = field_borrow(certificate.data, certificate.size);
        for (uint32_t i = 0; i < block->tx_count; i++) {
            txs[i] = field_borrow(block->txs[i]->bytes.data, block->txs[i]->bytes.size);
        }
        one.txs = txs;
        one.n_txs = block->tx_count;
        uint8_t *bytes = sim_new(canonical_size(&one.base));
        field = field_borrow(bytes, canonical_encode(bytes, &one.base));
        blocks.blocks = &field;
        blocks.n_blocks = 1;
        pack(forging, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS, &blocks.base);
        free(bytes);
    }
    owned_free(&certificate);
    return true;
}

/* ---- say ----------------------------------------------------------------------------------------- */

static bool make(struct forging *forging, const char *what)
{
    if (strcmp(what, "PRE-PREPARE") == 0) {
        return say_pre_prepare(forging);
    }
    if (strcmp(what, "PREPARE") == 0 || strcmp(what, "COMMIT") == 0) {
        return say_vote(forging, what[0] == 'C');
    }
    if (strcmp(what, "VIEW-CHANGE") == 0) {
        return say_view_change(forging);
    }
    if (strcmp(what, "NEW-VIEW") == 0) {
        return say_new_view(forging);
    }
    if (strcmp(what, "STATUS") == 0) {
        return say_status(forging);
    }
    if (strcmp(what, "CERTIFIED") == 0 || strcmp(what, "BLOCKS") == 0) {
        return say_certified(forging, what[0] == 'B');
    }
    return script_error(forging->script, "'%s' is not a message that can be said", what);
}

/* The set whose era is asked for; the newest when none is. */
static const struct validator_set *set_of_era(const struct cluster *cluster, uint64_t era)
{
    const struct validator_set *newest =
        cluster->oracle.committed[cluster->oracle.height]->next_set;
    for (size_t i = 0; i < cluster->chain.set_count; i++) {
        if (cluster->chain.sets[i]->era == era) {
            return cluster->chain.sets[i];
        }
    }
    return newest;
}

bool forge_say(struct script *script)
{
    struct forging forging = {.script = script};
    struct cluster *cluster = script->cluster;
    char text[SIM_LINE_SIZE];
    if (!words_node(script, 1, &forging.node) || script->word_count < 3) {
        return script_error(script, "say NODE MESSAGE ...");
    }
    if (!cluster->replicas[forging.node].puppet) {
        return script_error(script, "node %u is no puppet", (unsigned)forging.node);
    }
    forging.set = set_of_era(cluster, words_number(script, "era", 0));
    forging.era = words_number(script, "era", forging.set->era);
    forging.view = words_number(script, "view", 0);
    forging.height = words_number(script, "height", cluster->oracle.height + 1);
    uint32_t as = (uint32_t)words_number(script, "as", forging.node);
    int index = as < cluster->keys.count
                    ? validator_set_find(forging.set, &cluster->keys.owners[as].key)
                    : -1;
    forging.sender = index < 0 ? 63 : (uint32_t)index;
    if (!make(&forging, script->words[2])) {
        return false;
    }
    script_print(script, "%u says %s", (unsigned)forging.node,
                 show_message(cluster, forging.type, owned_bytes(&forging.body), text));
    uint32_t to = words_nodes(script, "to", UINT32_MAX);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if ((to >> i & 1) != 0) {
            cluster_send(cluster, forging.node, i, forging.type, owned_bytes(&forging.body));
        }
    }
    owned_free(&forging.body);
    script_quiet(script);
    return true;
}
