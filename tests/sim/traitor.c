#include "tests/sim/traitor.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "proto/quorum.h"
#include "tests/sim/forge.h"

static uint32_t choose(struct traitors *traitors, uint32_t bound)
{
    return tape_below(traitors->tape, CONCERN_TRAITOR, bound);
}

/* All of them, one, or any. */
static uint32_t some_nodes(struct traitors *traitors)
{
    uint32_t n = traitors->cluster->options.nodes;
    switch (choose(traitors, 3)) {
    case 0:
        return UINT32_MAX;
    case 1:
        return UINT32_C(1) << choose(traitors, n);
    default:
        return choose(traitors, UINT32_MAX);
    }
}

static void say(struct traitors *traitors, const struct forger *forger, struct forged *forged)
{
    char text[SIM_LINE_SIZE];
    struct cluster *cluster = forger->cluster;
    uint32_t to = some_nodes(traitors);
    traitors->said++;
    if (cluster->line != NULL) {
        cluster_line(cluster, "%u -> %x  lies: %s", (unsigned)forger->node, (unsigned)to,
                     show_message(cluster, forged->type, owned_bytes(&forged->body), text));
    }
    forged_send(forger, forged, to);
    forged_free(forged);
}

/* Where one honest node, any, stands. False: none is up. */
static bool look(struct traitors *traitors, struct pbft_summary *summary,
                 const struct validator_set **set)
{
    struct cluster *cluster = traitors->cluster;
    uint32_t n = cluster->options.nodes;
    uint32_t first = choose(traitors, n);
    for (uint32_t k = 0; k < n; k++) {
        const struct replica *replica = &cluster->replicas[(first + k) % n];
        if (replica_live(replica)) {
            pbft_summary(replica->core, summary);
            *set = pbft_set(replica->core);
            return summary->height <= cluster->oracle.height;
        }
    }
    return false;
}

/* Any block that somebody made at this height; NULL: none. */
static const struct sim_block *block_at(struct traitors *traitors, uint64_t height)
{
    const struct chain *chain = &traitors->cluster->chain;
    const struct sim_block *block = height < chain->heights ? chain->at_height[height] : NULL;
    uint32_t skip = choose(traitors, 4);
    while (block != NULL && skip-- > 0 && block->beside != NULL) {
        block = block->beside;
    }
    return block;
}

/* ---- Proposals ----------------------------------------------------------------------------------- */

static uint32_t pick_txs(struct traitors *traitors, const struct sim_tx *txs[8])
{
    struct chain *chain = &traitors->cluster->chain;
    uint32_t count = choose(traitors, 4);
    for (uint32_t i = 0; i < count; i++) {
        if (chain->tx_count > 0 && choose(traitors, 8) != 0) {
            /* Mostly recent ones: in the pools, or just used. */
            uint32_t back = choose(traitors, chain->tx_count < 12 ? (uint32_t)chain->tx_count : 12);
            txs[i] = chain->txs[chain->tx_count - 1 - back];
        } else {
            struct owned bytes = {.data = NULL};
            chain->executor->make_tx(chain, 1000000 + choose(traitors, 1000000), &bytes);
            txs[i] = chain_tx(chain, owned_bytes(&bytes)); /* its body is with nobody */
            owned_free(&bytes);
        }
    }
    return count;
}

static void propose(struct traitors *traitors, const struct forger *forger,
                    const struct pbft_summary *at)
{
    struct cluster *cluster = traitors->cluster;
    const struct sim_block *parent = cluster->oracle.committed[at->height];
    const struct replica *any = &cluster->replicas[0];
    uint32_t proposals = 1 + choose(traitors, 3);
    for (uint32_t i = 0; i < proposals; i++) {
        const struct sim_tx *txs[8];
        struct forged made;
        uint32_t count = pick_txs(traitors, txs);
        uint64_t clock_ms = replica_clock_ms(any);
        uint64_t time_ms = choose(traitors, 3) == 0 ? parent->header.time_ms + 1
                           : clock_ms > parent->header.time_ms
                               ? clock_ms + choose(traitors, 4000)
                               : parent->header.time_ms + choose(traitors, 2);
        const struct hash32 *parent_hash =
            choose(traitors, 12) == 11 ? &cluster->chain.genesis->hash : &parent->hash;
        forge_pre_prepare(forger, at->view, at->height + 1, parent_hash, time_ms, txs, count,
                          &made);
        say(traitors, forger, &made);
    }
}

/* ---- Votes --------------------------------------------------------------------------------------- */

static void vote(struct traitors *traitors, const struct forger *forger, enum vote_phase phase,
                 uint64_t view, uint64_t height, const struct hash32 *hash)
{
    struct forged made;
    forge_vote(forger, phase, view, height, hash, &made);
    say(traitors, forger, &made);
}

static void vote_for_anything(struct traitors *traitors, const struct forger *forger,
                              const struct pbft_summary *at)
{
    uint64_t height = at->height + 1 + choose(traitors, 2);
    const struct sim_block *block = block_at(traitors, height);
    uint64_t back = choose(traitors, 3);
    if (block != NULL) {
        vote(traitors, forger, choose(traitors, 2) == 0 ? VOTE_PREPARE : VOTE_COMMIT,
             at->view >= back ? at->view - back : at->view + 1, height, &block->hash);
    }
}

/* ---- View changes -------------------------------------------------------------------------------- */

/* A real certificate of a committed block, from the disk of whoever has it. */
static bool commit_certificate(const struct cluster *cluster, uint64_t height, struct bytes *out)
{
    *out = bytes_of(NULL, 0);
    for (uint32_t i = 0; i < cluster->options.nodes && height > 0; i++) {
        const struct disk *disk = &cluster->replicas[i].disk;
        if (disk->written >= height) {
            *out = owned_bytes(&disk->blocks[height - 1].certificate);
            return true;
        }
    }
    return height == 0;
}

static void ask_for_view(struct traitors *traitors, const struct forger *forger,
                         const struct pbft_summary *at, uint64_t view)
{
    struct cluster *cluster = traitors->cluster;
    uint64_t back = choose(traitors, 3);
    uint64_t lowest = forger->set->era - 1;
    uint64_t height = at->height >= lowest + back ? at->height - back : at->height;
    const struct sim_block *prepared =
        choose(traitors, 2) == 0 ? NULL : block_at(traitors, height + 1);
    struct owned certificate = {.data = NULL};
    struct bytes commit;
    struct forged made;
    if (!commit_certificate(cluster, height, &commit)) {
        return;
    }
    if (prepared != NULL) {
        /* The newest view for which there is a quorum, or an old one, or noise. */
        uint64_t prepared_view = view > 0 ? view - 1 : 0;
        for (uint32_t tries = choose(traitors, 6); tries > 0 && prepared_view > 0; tries--) {
            prepared_view--;
        }
        (void)forge_certificate(cluster, VOTE_PREPARE, prepared_view, prepared,
                                forge_signers(cluster, VOTE_PREPARE, prepared_view, prepared),
                                &certificate);
    }
    forge_view_change(forger, view, cluster->oracle.committed[height], commit, prepared,
                      owned_bytes(&certificate), &made);
    say(traitors, forger, &made);
    owned_free(&certificate);
}

/* A NEW-VIEW from VIEW-CHANGEs heard, any q of them, or too few. */
static void open_view(struct traitors *traitors, const struct forger *forger, uint64_t view)
{
    struct bytes changes[LIMIT_VALIDATORS_MAX];
    size_t count = 0;
    uint32_t wanted = quorum_size(forger->set->count) - (choose(traitors, 8) == 7 ? 1 : 0);
    struct forged made;
    for (uint32_t sender = 0; sender < forger->set->count && count < wanted; sender++) {
        const struct heard_change *found = NULL;
        for (size_t i = 0; i < TRAITOR_CHANGES; i++) {
            const struct heard_change *heard = &traitors->changes[i];
            if (heard->bytes.size > 0 && heard->era == forger->era && heard->view == view &&
                heard->sender == sender && (found == NULL || choose(traitors, 2) == 0)) {
                found = heard;
            }
        }
        if (found != NULL && choose(traitors, 6) != 5) {
            changes[count++] = owned_bytes(&found->bytes);
        }
    }
    if (count == wanted && count > 0) {
        forge_new_view(forger, view, changes, count, &made);
        say(traitors, forger, &made);
    }
}

static void keep_change(struct traitors *traitors, const struct pbft_message *message)
{
    struct heard_change *heard = &traitors->changes[traitors->next_change++ % TRAITOR_CHANGES];
    heard->era = message->era;
    heard->view = message->view;
    heard->sender = message->sender;
    owned_set(&heard->bytes, message->body);
}

/* ---- The unsigned -------------------------------------------------------------------------------- */

static void boast(struct traitors *traitors, const struct forger *forger,
                  const struct pbft_summary *at)
{
    struct forged made;
    /* One choice a statement: in arguments their order would be the compiler's. */
    uint64_t height = at->height + choose(traitors, 1000);
    uint64_t view = at->view + choose(traitors, 5);
    forge_status(forger, view, height, &at->header_hash, &made);
    say(traitors, forger, &made);
}

static void offer_block(struct traitors *traitors, const struct forger *forger, uint64_t height)
{
    struct cluster *cluster = traitors->cluster;
    const struct sim_block *block = block_at(traitors, height);
    const struct sim_block *other = block_at(traitors, height);
    struct owned certificate = {.data = NULL};
    struct forged made;
    if (block == NULL || height == 0) {
        return;
    }
    uint64_t view = choose(traitors, 3);
    (void)forge_certificate(cluster, VOTE_COMMIT, view, block,
                            forge_signers(cluster, VOTE_COMMIT, view, block), &certificate);
    if (choose(traitors, 2) == 0) {
        forge_certified(block, owned_bytes(&certificate), &made);
    } else {
        forge_blocks(block, owned_bytes(&certificate), choose(traitors, 3) == 0 ? other : block,
                     &made);
    }
    say(traitors, forger, &made);
    owned_free(&certificate);
}

static void say_again(struct traitors *traitors, const struct forger *forger)
{
    size_t at = choose(traitors, TRAITOR_KEPT);
    struct forged made = {.type = traitors->kept[at].type};
    if (traitors->kept[at].body.size > 0) {
        owned_set(&made.body, owned_bytes(&traitors->kept[at].body));
        say(traitors, forger, &made);
    }
}

/* The tripwire's question: mostly the truth, that it knows of nothing. */
static void answer_newest(struct traitors *traitors, const struct forger *forger, uint32_t to,
                          struct bytes body)
{
    struct cluster *cluster = traitors->cluster;
    struct arena arena = chain_scratch(&cluster->chain);
    Xuelian__NewestAnswer wire = XUELIAN__NEWEST_ANSWER__INIT;
    ProtobufCMessage *message;
    uint8_t bytes[256];
    if (choose(traitors, 5) == 4 ||
        canonical_decode(&message, &xuelian__newest_request__descriptor, body, &arena) != ST_OK) {
        return;
    }
    wire.nonce = ((const Xuelian__NewestRequest *)(const void *)message)->nonce;
    CHECK(canonical_size(&wire.base) <= sizeof bytes);
    size_t size = canonical_encode(bytes, &wire.base);
    cluster_send_bytes(cluster, forger->node, to, XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER,
                       bytes_of(bytes, size));
}

/* ---- Hearing ------------------------------------------------------------------------------------- */

/* Says after an honest member what it said, to some: once for each vote. */
static void echo(struct traitors *traitors, const struct forger *forger,
                 const struct pbft_message *message)
{
    struct spoken *last = &traitors->echoed[forger->node];
    const struct hash32 hash = message->vote.header_hash;
    bool commit = message->vote.phase == VOTE_COMMIT;
    if (last->view == message->view && last->height == message->height * 2 + commit &&
        last->era == message->era && hash32_equal(&last->hash, &hash)) {
        return;
    }
    *last = (struct spoken){.era = message->era,
                            .view = message->view,
                            .height = message->height * 2 + commit,
                            .hash = hash};
    if (choose(traitors, 4) != 3) {
        vote(traitors, forger, commit ? VOTE_COMMIT : VOTE_PREPARE, message->view, message->height,
             &hash);
    }
    if (!commit && choose(traitors, 3) == 0) {
        vote(traitors, forger, VOTE_COMMIT, message->view, message->height, &hash);
    }
}

static void heard_signed(struct traitors *traitors, const struct forger *forger,
                         const struct pbft_message *message)
{
    struct pbft_summary at;
    const struct validator_set *set;
    if (message->era != forger->era) {
        return;
    }
    if (message->type == XUELIAN__PEER_TYPE__PEER_TYPE_VOTE) {
        echo(traitors, forger, message);
    } else if (message->type == XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE) {
        keep_change(traitors, message);
        if (choose(traitors, 3) == 0 && look(traitors, &at, &set) && at.era == forger->era) {
            ask_for_view(traitors, forger, &at, message->view);
            open_view(traitors, forger, message->view);
        }
    }
}

static void heard(void *context, const struct event *event)
{
    struct traitors *traitors = context;
    struct cluster *cluster = traitors->cluster;
    const struct pbft_message *message;
    struct pbft_summary at;
    const struct validator_set *set;
    struct envelope *envelope = event->envelope;
    struct bytes body = envelope_body(envelope);
    if ((traitors->nodes >> event->from & 1) != 0 || !look(traitors, &at, &set)) {
        return;
    }
    struct forger forger = forger_of(cluster, event->node, set);
    if (choose(traitors, 16) == 15) {
        size_t place = traitors->next_kept++ % TRAITOR_KEPT;
        traitors->kept[place].type = envelope->type;
        owned_set(&traitors->kept[place].body, body);
    }
    if (envelope->type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST) {
        offer_block(traitors, &forger, at.height + 1);
    } else if (envelope->type == XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST) {
        answer_newest(traitors, &forger, event->from, body);
    } else if (pbft_takes(envelope->type) &&
               envelope_read(envelope, &cluster->chain, &message) == ST_OK && message->has_signer) {
        heard_signed(traitors, &forger, message);
    }
}

/* ---- By itself ----------------------------------------------------------------------------------- */

static void act(void *context, uint64_t node)
{
    struct traitors *traitors = context;
    struct cluster *cluster = traitors->cluster;
    struct pbft_summary at;
    const struct validator_set *set;
    cluster_call(cluster, cluster->now_ms + 1 + choose(traitors, 2 * traitors->every_ms), act,
                 traitors, node);
    if (!look(traitors, &at, &set)) {
        return;
    }
    struct forger forger = forger_of(cluster, (uint32_t)node, set);
    uint64_t place = at.height * 64 + at.view;
    if (at.primary == forger.sender && traitors->led[node] != place) {
        traitors->led[node] = place;
        propose(traitors, &forger, &at);
        return;
    }
    switch (choose(traitors, 7)) {
    case 0:
        break;
    case 1:
        vote_for_anything(traitors, &forger, &at);
        break;
    case 2:
        ask_for_view(traitors, &forger, &at, at.view + 1 + choose(traitors, 3));
        break;
    case 3:
        open_view(traitors, &forger, at.target + choose(traitors, 2));
        break;
    case 4:
        boast(traitors, &forger, &at);
        break;
    case 5:
        offer_block(traitors, &forger, at.height + choose(traitors, 3));
        break;
    default:
        say_again(traitors, &forger);
        break;
    }
}

void traitors_begin(struct traitors *traitors, struct cluster *cluster, struct tape *tape,
                    uint32_t count, uint32_t every_ms)
{
    /* A seed that drew no traitors has no pace for those that it is told to have. */
    *traitors = (struct traitors){
        .cluster = cluster, .tape = tape, .every_ms = every_ms > 0 ? every_ms : 1000};
    cluster->heard = heard;
    cluster->heard_context = traitors;
    while (count > 0) {
        uint32_t node = choose(traitors, cluster->options.validators);
        while ((traitors->nodes >> node & 1) != 0) {
            node = (node + 1) % cluster->options.validators;
        }
        traitors->nodes |= UINT32_C(1) << node;
        cluster->replicas[node].puppet = true;
        cluster->replicas[node].up = true;
        cluster->oracle.nodes[node].traitor = true;
        cluster->chain.traitors |= UINT32_C(1) << node;
        cluster_line(cluster, "%u        is a traitor", (unsigned)node);
        cluster_call(cluster, cluster->now_ms + 100, act, traitors, node);
        count--;
    }
}

void traitors_free(struct traitors *traitors)
{
    for (size_t i = 0; i < TRAITOR_CHANGES; i++) {
        owned_free(&traitors->changes[i].bytes);
    }
    for (size_t i = 0; i < TRAITOR_KEPT; i++) {
        owned_free(&traitors->kept[i].body);
    }
}
