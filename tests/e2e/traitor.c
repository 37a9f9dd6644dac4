/* A validator that signs what no honest one signs, and shows it to one other node alone.
 *
 * traitor GENESIS FOLDER WHAT HEIGHT: as the node of FOLDER (node.key, passphrase), which does not run, it sends to the
 * first of the others, for the heights after HEIGHT in view 0 of era 1: WHAT votes: two PREPAREs; commits: two COMMITs;
 * proposals: two PRE-PREPAREs; new-view: a NEW-VIEW without a quorum. It ends by itself. WHAT index: it does nothing but
 * print its place in the first set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "tests/e2e/as_node.h"

enum { ROUNDS = 40, ROUND_MS = 50, MESSAGE_SIZE_MAX = 1024, HEIGHTS = 2, FAR_VIEW = 50 };

static struct as_node self;
static uint64_t height;
static const char *what;
static unsigned rounds; /* with the other one connected */
static uint32_t sender;

static void put(uint8_t type, const ProtobufCMessage *message)
{
    uint8_t bytes[MESSAGE_SIZE_MAX];
    if (canonical_size(message) > sizeof bytes) {
        as_node_stop("a message is too large");
    }
    size_t size = canonical_encode(bytes, message);
    peers_send(self.peers, &self.others[0], type, bytes_of(bytes, size));
}

static void vote(enum vote_phase phase, uint64_t at, uint8_t byte)
{
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    struct hash32 hash;
    struct hash32 header;
    struct sig64 signature;
    memset(&header, byte, sizeof header);
    vote_hash(&hash, phase == VOTE_COMMIT ? TAG_SIGN_COMMIT : TAG_SIGN_PREPARE,
              &self.genesis.chain_id, 1, 0, at, &header);
    signer_sign(self.signer, &hash, &signature);
    wire.phase =
        phase == VOTE_COMMIT ? XUELIAN__PHASE__PHASE_COMMIT : XUELIAN__PHASE__PHASE_PREPARE;
    wire.era = 1;
    wire.height = at;
    wire.header_hash = field_borrow(&header, 32);
    wire.sender = sender;
    wire.signature = field_borrow(&signature, 64);
    put(XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, &wire.base);
}

static void proposal(uint64_t at, uint8_t byte)
{
    uint8_t bytes[MESSAGE_SIZE_MAX];
    Xuelian__Proposal inner = XUELIAN__PROPOSAL__INIT;
    Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
    struct hash32 parent;
    struct hash32 digest;
    struct hash32 hash;
    struct sig64 signature;
    memset(&parent, byte, sizeof parent);
    inner.parent_hash = field_borrow(&parent, 32);
    inner.time_ms = self.genesis.message->time_ms + at;
    size_t size = canonical_encode(bytes, &inner.base);
    proposal_digest(&digest, bytes_of(bytes, size));
    vote_hash(&hash, TAG_SIGN_PRE_PREPARE, &self.genesis.chain_id, 1, 0, at, &digest);
    signer_sign(self.signer, &hash, &signature);
    wire.era = 1;
    wire.height = at;
    wire.sender = sender;
    wire.proposal = field_borrow(bytes, size);
    wire.signature = field_borrow(&signature, 64);
    put(XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, &wire.base);
}

static void new_view(void)
{
    static const uint8_t nothing[] = {1};
    Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData change = field_borrow(nothing, sizeof nothing);
    struct hasher hasher;
    struct hash32 one;
    struct hash32 digest;
    struct hash32 hash;
    struct sig64 signature;
    hash_tagged(&one, TAG_VIEW_CHANGE, nothing, sizeof nothing);
    hasher_init_tagged(&hasher, TAG_VIEW_CHANGE_SET);
    hasher_update(&hasher, one.bytes, sizeof one.bytes);
    hasher_final(&hasher, &digest);
    new_view_hash(&hash, &self.genesis.chain_id, 1, FAR_VIEW, &digest);
    signer_sign(self.signer, &hash, &signature);
    wire.era = 1;
    wire.new_view = FAR_VIEW;
    wire.view_changes = &change;
    wire.n_view_changes = 1;
    wire.sender = sender;
    wire.signature = field_borrow(&signature, 64);
    put(XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, &wire.base);
}

static void betray(void)
{
    for (uint64_t at = height + 1; at <= height + HEIGHTS; at++) {
        for (uint8_t byte = 1; byte <= 2; byte++) {
            if (strcmp(what, "votes") == 0) {
                vote(VOTE_PREPARE, at, byte);
            } else if (strcmp(what, "commits") == 0) {
                vote(VOTE_COMMIT, at, byte);
            } else if (strcmp(what, "proposals") == 0 && at == height + HEIGHTS) {
                proposal(
                    at,
                    byte); /* kept unjudged: a parent that is wrong by itself would end the view */
            }
        }
    }
    if (strcmp(what, "new-view") == 0) {
        new_view();
    }
}

static void tick(uv_timer_t *timer)
{
    if (!peers_connected(self.peers, &self.others[0])) {
        return;
    }
    betray();
    if (++rounds == ROUNDS) {
        peers_stop(self.peers);
        uv_close((uv_handle_t *)timer, NULL);
    }
}

int main(int count, char **values)
{
    uv_timer_t timer;
    char *end = NULL;
    if (count != 5) {
        as_node_stop("traitor GENESIS FOLDER votes|commits|proposals|new-view|index HEIGHT");
    }
    what = values[3];
    height = strtoull(values[4], &end, 10);
    as_node_begin(&self, values[1], values[2]);
    int index = validator_set_find(&self.genesis.set, signer_key(self.signer));
    if (index < 0 || *end != '\0') {
        as_node_stop("the node is no validator, or HEIGHT is no number");
    }
    sender = (uint32_t)index;
    if (strcmp(what, "index") == 0) {
        printf("%d\n", index);
        return 0;
    }
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, tick, ROUND_MS, ROUND_MS);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    as_node_end(&self);
    return 0;
}
