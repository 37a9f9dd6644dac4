/* What arrives over links: consensus messages, transactions, bodies, blocks. */
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/cluster.h"

static void send_message(struct replica *replica, uint32_t to, uint8_t type,
                         const ProtobufCMessage *message)
{
    uint8_t *bytes = sim_new(canonical_size(message));
    size_t size = canonical_encode(bytes, message);
    cluster_send_bytes(replica->cluster, replica->index, to, type, bytes_of(bytes, size));
    free(bytes);
}

/* A verdict that is bad stands behind "!". */
static void print_received(struct replica *replica, uint32_t from, uint8_t type, struct bytes body,
                           const char *verdict)
{
    char text[SIM_LINE_SIZE];
    struct cluster *cluster = replica->cluster;
    if (cluster->line != NULL && show_worth_a_line(type)) {
        cluster_line(cluster, "%u <- %u    %s%s%s", (unsigned)replica->index, (unsigned)from,
                     show_message(cluster, type, body, text), verdict[0] == '\0' ? "" : " ! ",
                     verdict);
    }
}

/* ---- Consensus messages -------------------------------------------------------------------------- */

static void consensus(struct replica *replica, uint32_t from, struct envelope *envelope)
{
    struct cluster *cluster = replica->cluster;
    const struct pbft_message *message;
    struct pubkey33 key;
    struct pbft_input input = {.type = PBFT_MESSAGE};
    uint8_t type = envelope->type;
    struct bytes body = envelope_body(envelope);
    enum status status = envelope_read(envelope, &cluster->chain, &message);
    if (status != ST_OK) {
        print_received(replica, from, type, body, status_name(status));
        return;
    }
    if (message->has_signer) {
        if (!pbft_signer_key(replica->core, message->era, message->sender, &key)) {
            print_received(replica, from, type, body, "unknown signer, dropped");
            return;
        }
        if (!envelope_signed_by(envelope, &cluster->keys, &key)) {
            print_received(replica, from, type, body, "bad signature, dropped");
            return;
        }
    }
    input.message.from = cluster->keys.owners[from].key;
    input.message.message = message;
    /* What it leads to is printed behind it, so the line comes first and the verdict, when bad, after. */
    enum status verdict = replica_step(replica, &input);
    print_received(replica, from, type, body, verdict == ST_OK ? "" : status_name(verdict));
}

/* ---- Transactions and bodies ----------------------------------------------------------------------- */

static void transactions(struct replica *replica, const Xuelian__Transactions *wire)
{
    for (size_t i = 0; i < wire->n_txs; i++) {
        const struct sim_tx *tx = chain_tx(&replica->cluster->chain, field_bytes(&wire->txs[i]));
        if (tx != NULL) {
            pool_add(replica, tx);
        }
    }
    replica_waiting(replica);
}

static void send_bodies(struct replica *replica, uint32_t to, Xuelian__Bodies *wire,
                        const struct sim_tx *const *txs, uint32_t count)
{
    ProtobufCBinaryData *fields = sim_new(count * sizeof *fields);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(txs[i]->bytes.data, txs[i]->bytes.size);
    }
    wire->txs = fields;
    wire->n_txs = count;
    send_message(replica, to, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES, &wire->base);
    free(fields);
}

static void bodies_by_header(struct replica *replica, uint32_t from, uint64_t height,
                             const struct hash32 *hash)
{
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    const struct candidate *candidate = exec_find(replica, hash);
    const struct sim_block *block =
        candidate != NULL ? candidate->block : disk_proposal(&replica->disk, height, hash);
    if (block == NULL) {
        return;
    }
    wire.height = height;
    wire.header_hash = field_borrow(hash, 32);
    wire.proposal = field_borrow(block->proposal.data, block->proposal.size);
    send_bodies(replica, from, &wire, block->txs, block->tx_count);
}

static void bodies_request(struct replica *replica, uint32_t from,
                           const Xuelian__BodiesRequest *wire)
{
    struct hash32 hash;
    if (field_copy(&hash, 32, &wire->header_hash)) {
        bodies_by_header(replica, from, wire->height, &hash);
        return;
    }
    uint32_t asked = (uint32_t)(wire->entries.len / 32);
    if (wire->entries.len % 32 != 0 || asked > LIMIT_PROPOSAL_ENTRIES_MAX) {
        return;
    }
    const struct sim_tx **txs = sim_new(asked * sizeof *txs);
    uint32_t count = 0;
    for (uint32_t i = 0; i < asked; i++) {
        struct hash32 entry;
        memcpy(entry.bytes, wire->entries.data + 32 * (size_t)i, 32);
        const struct pooled *pooled = pool_find(replica, &entry);
        if (pooled != NULL) {
            txs[count++] = pooled->tx;
        }
    }
    if (count > 0) {
        Xuelian__Bodies answer = XUELIAN__BODIES__INIT;
        answer.height = wire->height;
        send_bodies(replica, from, &answer, txs, count);
    }
    free(txs);
}

void fetched_proposal_clear(struct fetched_proposal *fetched)
{
    owned_free(&fetched->proposal);
    free(fetched->txs);
    *fetched = (struct fetched_proposal){.present = false};
}

/* A proposal under a header hash, to be executed when the core asks for that header. */
static void keep_proposal(struct replica *replica, const struct hash32 *hash, struct bytes proposal,
                          const struct sim_tx **txs, uint32_t count)
{
    struct fetched_proposal *slot = &replica->proposals[replica->next_proposal];
    struct sim_proposal parsed;
    bool good =
        chain_parse_proposal(&replica->cluster->chain, proposal, &parsed) && parsed.count == count;
    for (uint32_t i = 0; good && i < count; i++) {
        good = hash32_equal(&parsed.entries[i], &txs[i]->entry);
    }
    if (!good) {
        free(txs);
        return;
    }
    replica->next_proposal = (replica->next_proposal + 1) % SIM_FETCHED_PROPOSALS;
    fetched_proposal_clear(slot);
    *slot = (struct fetched_proposal){.present = true, .hash = *hash, .txs = txs, .count = count};
    owned_set(&slot->proposal, proposal);
}

static void bodies(struct replica *replica, const Xuelian__Bodies *wire)
{
    struct pbft_input input = {.type = PBFT_FETCHED};
    struct hash32 hash;
    const struct sim_tx **txs = sim_new(wire->n_txs * sizeof *txs);
    uint32_t count = 0;
    for (size_t i = 0; i < wire->n_txs; i++) {
        const struct sim_tx *tx = chain_tx(&replica->cluster->chain, field_bytes(&wire->txs[i]));
        if (tx != NULL) {
            txs[count++] = tx;
            pool_add(replica, tx);
        }
    }
    if (field_copy(&hash, 32, &wire->header_hash)) {
        /* The decoded message lives in the scratch that parsing a proposal takes: a copy. */
        uint8_t *copy = sim_copy(field_bytes(&wire->proposal));
        keep_proposal(replica, &hash, bytes_of(copy, wire->proposal.len), txs, count);
        free(copy);
    } else {
        free(txs);
    }
    (void)replica_step(replica, &input);
    replica_waiting(replica);
}

void frame_fetch_bodies(struct replica *replica, const struct pbft_effect *effect)
{
    Xuelian__BodiesRequest wire = XUELIAN__BODIES_REQUEST__INIT;
    struct cluster *cluster = replica->cluster;
    struct sim_proposal proposal;
    struct hash32 *entries = NULL;
    uint32_t missing = 0;
    int to = keys_find(&cluster->keys, &effect->fetch_bodies.peer);
    cluster->counters.fetches++;
    wire.height = effect->fetch_bodies.height;
    if (effect->fetch_bodies.proposal.size == 0) {
        wire.header_hash = field_borrow(&effect->fetch_bodies.header_hash, 32);
    } else if (chain_parse_proposal(&cluster->chain, effect->fetch_bodies.proposal, &proposal)) {
        entries = sim_new(proposal.count * sizeof *entries);
        for (uint32_t i = 0; i < proposal.count; i++) {
            if (pool_find(replica, &proposal.entries[i]) == NULL) {
                entries[missing++] = proposal.entries[i];
            }
        }
        wire.entries = field_borrow(entries, 32 * (size_t)missing);
    }
    cluster_line(cluster, "%u        fetches bodies from %d", (unsigned)replica->index, to);
    if (to >= 0 && (wire.header_hash.len > 0 || missing > 0)) {
        send_message(replica, (uint32_t)to, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST,
                     &wire.base);
    } else {
        struct pbft_input input = {.type = PBFT_FETCHED}; /* all came meanwhile */
        (void)replica_step(replica, &input);
    }
    free(entries);
}

/* ---- Blocks -------------------------------------------------------------------------------------- */

void frame_fetch_blocks(struct replica *replica, const struct pbft_effect *effect)
{
    Xuelian__BlocksRequest wire = XUELIAN__BLOCKS_REQUEST__INIT;
    struct cluster *cluster = replica->cluster;
    int to = keys_find(&cluster->keys, &effect->fetch_blocks.peer);
    wire.from_height = effect->fetch_blocks.from_height;
    wire.count = effect->fetch_blocks.count < SIM_FETCHED_BLOCKS ? effect->fetch_blocks.count
                                                                 : SIM_FETCHED_BLOCKS;
    cluster_line(cluster, "%u        fetches blocks from height %llu of %d",
                 (unsigned)replica->index, (unsigned long long)wire.from_height, to);
    if (to >= 0) {
        send_message(replica, (uint32_t)to, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST,
                     &wire.base);
    }
}

static void blocks_request(struct replica *replica, uint32_t from,
                           const Xuelian__BlocksRequest *wire)
{
    Xuelian__Blocks answer = XUELIAN__BLOCKS__INIT;
    struct owned made[SIM_FETCHED_BLOCKS];
    ProtobufCBinaryData fields[SIM_FETCHED_BLOCKS];
    const struct disk *disk = &replica->disk;
    uint64_t height = wire->from_height;
    while (height >= 1 && height <= disk->written && answer.n_blocks < wire->count &&
           answer.n_blocks < SIM_FETCHED_BLOCKS) {
        if (height == disk->rotten) {
            replica->cluster->counters.blocks_unread++;
            break; /* never served */
        }
        const struct disk_block *stored = &disk->blocks[height++ - 1];
        const struct sim_block *block = stored->block;
        Xuelian__Block one = XUELIAN__BLOCK__INIT;
        ProtobufCBinaryData *txs = sim_new(block->tx_count * sizeof *txs);
        for (uint32_t i = 0; i < block->tx_count; i++) {
            txs[i] = field_borrow(block->txs[i]->bytes.data, block->txs[i]->bytes.size);
        }
        one.header = field_borrow(block->header_bytes.data, block->header_bytes.size);
        one.certificate = field_borrow(stored->certificate.data, stored->certificate.size);
        one.txs = txs;
        one.n_txs = block->tx_count;
        one.recovery = field_borrow("recovery", block->recovery ? 8 : 0);
        struct owned *out = &made[answer.n_blocks];
        out->data = sim_new(canonical_size(&one.base));
        out->size = canonical_encode(out->data, &one.base);
        fields[answer.n_blocks++] = field_borrow(out->data, out->size);
        free(txs);
    }
    answer.blocks = fields;
    if (answer.n_blocks > 0) {
        send_message(replica, from, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS, &answer.base);
    }
    for (size_t i = 0; i < answer.n_blocks; i++) {
        owned_free(&made[i]);
    }
}

void fetched_block_clear(struct fetched_block *fetched)
{
    owned_free(&fetched->header);
    owned_free(&fetched->certificate);
    owned_free(&fetched->proposal);
    free(fetched->txs);
    *fetched = (struct fetched_block){.present = false};
}

void frame_drop_fetched(struct replica *replica, uint64_t up_to)
{
    for (uint32_t i = 0; i < SIM_FETCHED_BLOCKS; i++) {
        if (replica->blocks[i].present && replica->blocks[i].height <= up_to) {
            fetched_block_clear(&replica->blocks[i]);
        }
    }
}

/* Keeps one block of a peer, its proposal rebuilt. False: it is none, or its bodies are not the header's. */
static bool keep_block(struct replica *replica, uint32_t from, struct bytes bytes)
{
    struct chain *chain = &replica->cluster->chain;
    struct arena arena = chain_scratch(chain);
    ProtobufCMessage *message;
    struct header header;
    struct hash32 root;
    if (canonical_decode(&message, &xuelian__block__descriptor, bytes, &arena) != ST_OK) {
        return false;
    }
    const Xuelian__Block *wire = (const Xuelian__Block *)(const void *)message;
    uint64_t tip = replica->disk.written;
    if (header_decode(&header, field_bytes(&wire->header)) != ST_OK || header.height <= tip ||
        header.height > tip + SIM_FETCHED_BLOCKS) {
        return false;
    }
    const struct sim_tx **txs = sim_new(wire->n_txs * sizeof *txs);
    bool good = true;
    for (size_t i = 0; i < wire->n_txs && good; i++) {
        txs[i] = chain_tx(chain, field_bytes(&wire->txs[i]));
        good = txs[i] != NULL;
    }
    if (good) {
        chain->executor->tx_root(txs, (uint32_t)wire->n_txs, &root);
        good = hash32_equal(&root, &header.tx_root);
    }
    if (!good) {
        free(txs);
        return false;
    }
    struct fetched_block *slot = &replica->blocks[header.height % SIM_FETCHED_BLOCKS];
    fetched_block_clear(slot);
    *slot = (struct fetched_block){.present = true,
                                   .recovery = wire->recovery.len > 0,
                                   .from = from,
                                   .height = header.height,
                                   .txs = txs,
                                   .count = (uint32_t)wire->n_txs};
    header_hash(&slot->hash, &header);
    owned_set(&slot->header, field_bytes(&wire->header));
    owned_set(&slot->certificate, field_bytes(&wire->certificate));
    chain_make_proposal(&slot->proposal, &header.parent_hash, header.time_ms, txs, slot->count);
    return true;
}

void frame_offer_block(struct replica *replica)
{
    uint64_t height = replica->disk.written + 1;
    struct fetched_block *fetched = &replica->blocks[height % SIM_FETCHED_BLOCKS];
    struct pbft_input input = {.type = PBFT_CERTIFIED};
    if (!fetched->present || fetched->height != height) {
        return;
    }
    replica->cluster->counters.adoptions++;
    if (fetched->recovery) {
        recover_offer(replica, &fetched->hash);
        return;
    }
    input.certified.from = replica->cluster->keys.owners[fetched->from].key;
    input.certified.header = owned_bytes(&fetched->header);
    input.certified.certificate = owned_bytes(&fetched->certificate);
    (void)replica_step(replica, &input);
}

static void blocks(struct replica *replica, uint32_t from, struct bytes body)
{
    struct arena arena = chain_frame_scratch(&replica->cluster->chain, body.size);
    ProtobufCMessage *message;
    if (canonical_decode(&message, &xuelian__blocks__descriptor, body, &arena) == ST_OK) {
        const Xuelian__Blocks *wire = (const Xuelian__Blocks *)(const void *)message;
        for (size_t i = 0; i < wire->n_blocks && i < SIM_FETCHED_BLOCKS; i++) {
            if (!keep_block(replica, from, field_bytes(&wire->blocks[i]))) {
                break;
            }
        }
        struct pbft_input input = {.type = PBFT_FETCHED};
        frame_offer_block(replica);
        (void)replica_step(replica, &input);
    }
}

/* ---- All ----------------------------------------------------------------------------------------- */

static void between_drivers(struct replica *replica, uint32_t from, uint8_t type, struct bytes body)
{
    struct arena arena = chain_frame_scratch(&replica->cluster->chain, body.size);
    ProtobufCMessage *message = NULL;
    const ProtobufCMessageDescriptor *schema =
        type == XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS ? &xuelian__transactions__descriptor
        : type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST
            ? &xuelian__bodies_request__descriptor
        : type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES ? &xuelian__bodies__descriptor
                                                       : &xuelian__blocks_request__descriptor;
    if (canonical_decode(&message, schema, body, &arena) == ST_OK) {
        const void *wire = message;
        if (type == XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS) {
            transactions(replica, wire);
        } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST) {
            bodies_request(replica, from, wire);
        } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES) {
            bodies(replica, wire);
        } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST) {
            blocks_request(replica, from, wire);
        }
    }
}

void frame_receive(struct replica *replica, uint32_t from, struct envelope *envelope)
{
    uint8_t type = envelope->type;
    struct bytes body = envelope_body(envelope);
    if (pbft_takes(type)) {
        consensus(replica, from, envelope);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS) {
        print_received(replica, from, type, body, "");
        blocks(replica, from, body);
    } else {
        print_received(replica, from, type, body, "");
        between_drivers(replica, from, type, body);
    }
    replica_pump(replica);
}
