/* Sessions with other nodes: TLS 1.3 over TCP, identity by node key bound to the connection, frames with
 * priorities, bounded queues, reconnecting. One session a key. Loop thread only.
 *
 * A TCP connection is nobody until its Hello is good: the right chain, a key the chain knows, and that
 * key's signature over this connection's channel binding (RFC 9266). Then it is a session: up is called,
 * frames follow, down ends it. Limits and what happens at them are in the table of README.md. */
#ifndef XUELIAN_NODE_PEERS_H
#define XUELIAN_NODE_PEERS_H

#include <uv.h>

#include "proto/ledger.pb-c.h"
#include "proto/limits.h"
#include "proto/sign.h"
#include "proto/types.h"

#define PEERS_MAX         256u
#define PEER_ADDRESS_SIZE 72u

/* A node that the chain knows. */
struct peer_known {
    struct pubkey33 key;
    uint32_t member;
    Xuelian__NodeRole role;
    uint32_t address_count;                                 /* 0: it must dial us */
    char addresses[LIMIT_ADDRESSES_MAX][PEER_ADDRESS_SIZE]; /* host:port; dialled in turn */
};

struct peers_config {
    uv_loop_t *loop;
    const char *listen; /* host:port */
    struct hash32 chain_id;
    Xuelian__NodeRole role;
    const struct signer *signer; /* this node's key; borrowed */
    const char *software;
    const struct peer_known *known; /* copied; this node's own entry is passed over */
    uint32_t known_count;
    void *context;
    void (*up)(void *context, const struct pubkey33 *key);
    void (*down)(void *context, const struct pubkey33 *key);
    /* body is borrowed for the call. */
    void (*frame)(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body);
};

struct peers;

/* Listens and begins to dial.
 * Returns  ST_OK; ST_LOCKED (the port is in use); ST_BAD_CONFIG (the address); ST_IO; ST_NO_MEMORY.
 * Out      *peers; error  one sentence that names the address and what to do. */
enum status peers_start(struct peers **peers, const struct peers_config *config, char *error,
                        size_t error_size);
/* Takes the place of role and known of the configuration. Sessions of keys that are still known go on; the
 * others are closed. Not from within a callback. */
void peers_update(struct peers *peers, Xuelian__NodeRole role, const struct peer_known *known,
                  uint32_t known_count);
/* Closes everything; the loop must run until its handles are gone, then peers_free. */
void peers_stop(struct peers *peers);
void peers_free(struct peers *peers);

/* Queues a frame for one session or for all. The body is copied. A frame that a full queue cannot take is
 * dropped: the protocol sends again what was lost. Returns false when there is no session or no room. */
bool peers_send(struct peers *peers, const struct pubkey33 *key, uint8_t type, struct bytes body);
/* Whether a session's queue for a type of frame is at most half full: else a peer asks faster than it reads. */
bool peers_room(const struct peers *peers, const struct pubkey33 *key, uint8_t type);
bool peers_connected(const struct peers *peers, const struct pubkey33 *key);
/* Calls visit for each session's key. */
void peers_each(const struct peers *peers, void (*visit)(void *context, const struct pubkey33 *key),
                void *context);
uint32_t peers_count(const struct peers *peers);

/* Counters since start. */
struct peers_stats {
    uint64_t frames_in, frames_out, bytes_in, bytes_out, dropped, refused;
};
const struct peers_stats *peers_stats(const struct peers *peers);

/* Parses "host:port" with a numeric IPv4 or [IPv6] host. Returns 0 or -1. */
int peers_parse_address(const char *text, struct sockaddr_storage *address);

#endif
