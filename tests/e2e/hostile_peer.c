/* A node with a good key that sends what nobody asked for and what is none.
 *
 * hostile_peer GENESIS FOLDER TXS: as the node of FOLDER (node.key, passphrase), which does not run, it
 * connects with all others and sends the transactions of TXS (each behind its size, four bytes) as bodies,
 * blocks, and messages of every type with nothing, noise, and zeros in them. It ends by itself. */
#include <stdlib.h>
#include <uv.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/frame.h"
#include "proto/peer.pb-c.h"
#include "tests/e2e/as_node.h"

enum { FILE_SIZE_MAX = 8 << 20, TXS_MAX = 4096, ROUNDS = 100, ROUND_MS = 20, TYPES = 32 };

static struct as_node self;
static uint8_t *bodies; /* a canonical Bodies without a header hash */
static size_t bodies_size;
static uint8_t noise[FILE_SIZE_MAX];
static unsigned rounds;
static unsigned everyone; /* rounds with every target connected */

static void make_bodies(const char *path)
{
    static ProtobufCBinaryData txs[TXS_MAX];
    Xuelian__Bodies wire = XUELIAN__BODIES__INIT;
    size_t size = 0;
    uint8_t *data = as_node_read(path, FILE_SIZE_MAX, &size);
    wire.txs = txs;
    wire.height = 1;
    for (size_t at = 0; at + 4 <= size && wire.n_txs < TXS_MAX;) {
        size_t length = be32_get(data + at);
        txs[wire.n_txs++] = field_borrow(data + at + 4, length);
        at += 4 + length;
    }
    bodies = malloc(canonical_size(&wire.base) + 1);
    if (bodies == NULL) {
        as_node_stop("out of memory");
    }
    bodies_size = canonical_encode(bodies, &wire.base);
    free(data);
}

static void send_all(uint8_t type, struct bytes body)
{
    for (uint32_t i = 0; i < self.other_count; i++) {
        peers_send(self.peers, &self.others[i], type, body);
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
    if (peers_count(self.peers) == self.other_count) {
        everyone++;
    }
    round_of_lies();
    if (++rounds >= ROUNDS && everyone >= ROUNDS / 2) {
        peers_stop(self.peers);
        uv_close((uv_handle_t *)timer, NULL);
    }
}

int main(int count, char **values)
{
    uv_timer_t timer;
    if (count != 4) {
        as_node_stop("hostile_peer GENESIS FOLDER TXS");
    }
    make_bodies(values[3]);
    as_node_begin(&self, values[1], values[2]);
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, tick, ROUND_MS, ROUND_MS);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    as_node_end(&self);
    free(bodies);
    return 0;
}
