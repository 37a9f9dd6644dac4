/* A node with a good key that sends what nobody asked for and what is none.
 *
 * hostile_peer GENESIS FOLDER TXS: as the node of FOLDER (node.key, passphrase), which does not run, it
 * connects with all others and sends the transactions of TXS (each behind its size, four bytes) as bodies,
 * blocks, and messages of every type with nothing, noise, and zeros in them. It ends by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "ledger/genesis.h"
#include "ledger/keyfile/keyfile.h"
#include "node/log.h"
#include "node/peer/peers.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"

enum { FILE_SIZE_MAX = 8 << 20, TXS_MAX = 4096, ROUNDS = 100, ROUND_MS = 20, TYPES = 32 };

static struct peers *peers;
static struct pubkey33 targets[PEERS_MAX];
static uint32_t target_count;
static uint8_t *bodies; /* a canonical Bodies without a header hash */
static size_t bodies_size;
static uint8_t noise[FILE_SIZE_MAX];
static unsigned rounds;
static unsigned everyone; /* rounds with every target connected */

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "hostile_peer: %s\n", why);
    exit(1);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = malloc(FILE_SIZE_MAX);
    if (file == NULL || bytes == NULL) {
        stop("a file cannot be read");
    }
    *size = fread(bytes, 1, FILE_SIZE_MAX, file);
    fclose(file);
    return bytes;
}

static void make_bodies(const char *path)
{
    static ProtobufCBinaryData txs[TXS_MAX];
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    size_t size = 0;
    uint8_t *data = read_file(path, &size);
    wire.txs = txs;
    wire.height = 1;
    for (size_t at = 0; at + 4 <= size && wire.n_txs < TXS_MAX;) {
        size_t length = be32_get(data + at);
        txs[wire.n_txs++] = field_borrow(data + at + 4, length);
        at += 4 + length;
    }
    bodies = malloc(canonical_size(&wire.base) + 1);
    if (bodies == NULL) {
        stop("out of memory");
    }
    bodies_size = canonical_encode(bodies, &wire.base);
    free(data);
}

static void ignore(void *context, const struct pubkey33 *key)
{
    (void)context;
    (void)key;
}

static void ignore_frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    (void)context;
    (void)key;
    (void)type;
    (void)body;
}

static void send_all(uint8_t type, struct bytes body)
{
    for (uint32_t i = 0; i < target_count; i++) {
        peers_send(peers, &targets[i], type, body);
    }
}

static void round_of_lies(void)
{
    uv_random(NULL, NULL, noise, 65536, 0, NULL);
    send_all(XUELIAN__PEER_TYPE__PEER_TYPE_BODIES, bytes_of(bodies, bodies_size));
    send_all(XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS, bytes_of(bodies, bodies_size));
    for (uint8_t type = XUELIAN__PEER_TYPE__PEER_TYPE_HELLO + 1; type < TYPES; type++) {
        uint32_t size = frame_body_size_max(type);
        if (size == 0) {
            continue;
        }
        size = size < 65536 ? size : 65536;
        send_all(type, (struct bytes){.size = 0});
        send_all(type, bytes_of(noise, size));
        send_all(type, bytes_of(noise, noise[rounds % 512] % size));
        send_all(type, bytes_of(noise + 65536, size)); /* zeros */
    }
}

static void tick(uv_timer_t *timer)
{
    if (peers_count(peers) == target_count) {
        everyone++;
    }
    round_of_lies();
    if (++rounds >= ROUNDS && everyone >= ROUNDS / 2) {
        peers_stop(peers);
        uv_close((uv_handle_t *)timer, NULL);
    }
}

int main(int count, char **values)
{
    static struct peer_known known[PEERS_MAX];
    char why[GENESIS_ERROR_SIZE];
    char path[1024];
    char error[512];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    struct genesis genesis;
    struct signer *signer;
    uv_timer_t timer;
    size_t size = 0;
    uint32_t known_count = 0;
    if (count != 4) {
        stop("hostile_peer GENESIS FOLDER TXS");
    }
    log_set_level(LOG_ERROR);
    uint8_t *bytes = read_file(values[1], &size);
    snprintf(path, sizeof path, "%s/passphrase", values[2]);
    if (genesis_parse(&genesis, bytes_of(bytes, size), why) != ST_OK ||
        keyfile_passphrase(path, passphrase, error, sizeof error) != ST_OK) {
        stop("the genesis file or the passphrase cannot be read");
    }
    snprintf(path, sizeof path, "%s/node.key", values[2]);
    if (keyfile_read(path, passphrase, &signer, error, sizeof error) != ST_OK) {
        stop(error);
    }
    make_bodies(values[3]);
    const char *listen = NULL;
    for (size_t i = 0; i < genesis.message->n_members; i++) {
        for (size_t k = 0; k < genesis.message->members[i]->n_nodes && known_count < PEERS_MAX;
             k++) {
            const Xuelian__Node *node = genesis.message->members[i]->nodes[k];
            struct peer_known *peer = &known[known_count++];
            field_copy(&peer->key, 33, &node->key);
            peer->member = genesis.message->members[i]->id;
            peer->role = node->role;
            peer->address_count = 1;
            snprintf(peer->addresses[0], PEER_ADDRESS_SIZE, "%s", node->addresses[0]);
            if (pubkey33_compare(&peer->key, signer_key(signer)) == 0) {
                listen = peer->addresses[0];
            } else {
                targets[target_count++] = peer->key;
            }
        }
    }
    struct peers_config config = {.loop = uv_default_loop(),
                                  .listen = listen,
                                  .chain_id = genesis.chain_id,
                                  .role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR,
                                  .signer = signer,
                                  .software = "hostile",
                                  .known = known,
                                  .known_count = known_count,
                                  .up = ignore,
                                  .down = ignore,
                                  .frame = ignore_frame};
    if (listen == NULL || peers_start(&peers, &config, error, sizeof error) != ST_OK) {
        stop(listen == NULL ? "the key is not in the genesis file" : error);
    }
    uv_timer_init(config.loop, &timer);
    uv_timer_start(&timer, tick, ROUND_MS, ROUND_MS);
    uv_run(config.loop, UV_RUN_DEFAULT);
    peers_free(peers);
    uv_loop_close(config.loop);
    signer_free(signer);
    genesis_free(&genesis);
    free(bytes);
    free(bodies);
    return 0;
}
