#include "node/peer/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/log.h"
#include "node/peer/session.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/peer.pb-c.h"

enum {
    TICK_MS = 250,
    HELLO_TIMEOUT_MS = 10000, /* from TCP to a good Hello */
    DIAL_FIRST_MS = 100,
    DIAL_MAX_MS = 2000,   /* and a half; also what a healed network may take to meet again */
    LIVE_MS = 3000,       /* a session heard of within this is alive */
    QUIET_MS = 60000,     /* one that says nothing for this long is dead */
    REFUSALS_LOGGED = 10, /* in a minute: strangers cannot fill the log */
    SESSIONS_MAX = 2 * PEERS_MAX,
    BACKLOG = 64
};

struct known {
    struct peer_known peer;
    uint32_t address_count;
    uint32_t next_address; /* dialled next */
    struct sockaddr_storage addresses[LIMIT_ADDRESSES_MAX];
    struct session *session;
    struct session *dial; /* in progress */
    uint64_t dial_at_ms;
    uint64_t backoff_ms;
};

struct peers {
    struct peers_config config;
    struct known *known;
    uint32_t known_count;
    SSL_CTX *context;
    uv_tcp_t server;
    uv_timer_t timer;
    struct session *sessions;
    uint32_t session_count;
    struct id16 boot_id;
    bool stopping;
    struct peers_stats stats;
    uint64_t refusals_from_ms; /* the minute that is counted */
    uint32_t refusals;
};

int peers_parse_address(const char *text, struct sockaddr_storage *address)
{
    char host[PEER_ADDRESS_SIZE];
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof host) {
        return -1;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || port > 65535) {
        return -1;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        return uv_ip6_addr(host + 1, (int)port, (struct sockaddr_in6 *)(void *)address);
    }
    return uv_ip4_addr(host, (int)port, (struct sockaddr_in *)(void *)address);
}

static uint64_t jitter(uint64_t span)
{
    uint32_t random = 0;
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return random % (span + 1);
}

static int find_known(const struct peers *peers, const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < peers->known_count; i++) {
        if (pubkey33_compare(&peers->known[i].peer.key, key) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void add_session(struct peers *peers, struct session *session)
{
    session->next = peers->sessions;
    peers->sessions = session;
    peers->session_count++;
}

void session_event_ready(struct session *session)
{
    struct peers *peers = session->peers;
    struct hello ours = {.chain_id = peers->config.chain_id,
                         .key = *signer_key(peers->config.signer),
                         .role = (uint32_t)peers->config.role,
                         .boot_id = peers->boot_id};
    struct hash32 exporter;
    uint8_t bytes[HELLO_SIZE_MAX];
    if (tls_exporter(&session->tls, &exporter) != ST_OK) {
        session_close(session);
        return;
    }
    size_t size = hello_encode(bytes, &ours, peers->config.signer, &exporter, session->dialled,
                               peers->config.software);
    session_send(session, XUELIAN__PEER_TYPE__PEER_TYPE_HELLO, bytes_of(bytes, size));
}

static void refuse(struct session *session, const char *why)
{
    struct peers *peers = session->peers;
    uint64_t now = uv_now(peers->config.loop);
    peers->stats.refused++;
    if (now - peers->refusals_from_ms > 60000) {
        if (peers->refusals > REFUSALS_LOGGED) {
            log_event(LOG_WARN, "peer_refused", "%u more connections were closed within a minute",
                      (unsigned)(peers->refusals - REFUSALS_LOGGED));
        }
        peers->refusals_from_ms = now;
        peers->refusals = 0;
    }
    if (++peers->refusals <= REFUSALS_LOGGED) {
        log_event(LOG_WARN, "peer_refused", "a connection was closed: %s", why);
    }
    session_close(session);
}

/* Decides between a new session of a key and the one that stands. Returns true to keep the new one. */
static bool settle(struct peers *peers, struct known *known, struct session *session)
{
    struct session *old = known->session;
    if (old == NULL || old->state == SESSION_CLOSED) {
        return true;
    }
    if (memcmp(&old->theirs.boot_id, &session->theirs.boot_id, sizeof(struct id16)) == 0) {
        /* Both sides dialled at once: the lower key's dial stays. */
        bool we_are_lower =
            pubkey33_compare(signer_key(peers->config.signer), &known->peer.key) < 0;
        if (session->dialled != we_are_lower && old->dialled == we_are_lower &&
            uv_now(peers->config.loop) - old->heard_ms < LIVE_MS) {
            return false;
        }
    } else if (uv_now(peers->config.loop) - old->heard_ms < LIVE_MS) {
        log_event(LOG_ERROR, "peer_twice",
                  "member %u has two live sessions of one key with different starts: is its key "
                  "used by two processes? The newer one is refused while the other lives",
                  (unsigned)known->peer.member);
        return false;
    }
    known->session = NULL;
    old->known = -1; /* its closing is no news */
    peers->config.down(peers->config.context, &known->peer.key);
    session_close(old);
    return true;
}

static void take_hello(struct session *session, struct bytes body)
{
    struct peers *peers = session->peers;
    struct hash32 exporter;
    if (tls_exporter(&session->tls, &exporter) != ST_OK) {
        session_close(session);
        return;
    }
    enum status status =
        hello_decode(&session->theirs, body, &peers->config.chain_id, &exporter, !session->dialled);
    if (status != ST_OK) {
        refuse(session, status == ST_WRONG_CHAIN ? "it is of another chain; compare genesis files"
                                                 : status_en(status));
        return;
    }
    int index = find_known(peers, &session->theirs.key);
    if (index < 0) {
        char hex[HEX_SIZE(33)];
        char why[160];
        hex_encode(hex, session->theirs.key.bytes, 33);
        snprintf(why, sizeof why, "its key %s is not one of this chain's nodes", hex);
        refuse(session, why);
        return;
    }
    struct known *known = &peers->known[index];
    if (!settle(peers, known, session)) {
        session_close(session);
        return;
    }
    session->state = SESSION_UP;
    session->known = index;
    known->session = session;
    log_event(LOG_INFO, "peer_up", "connected with member %u", (unsigned)known->peer.member);
    peers->config.up(peers->config.context, &known->peer.key);
}

void session_event_frame(struct session *session, uint8_t type, struct bytes body)
{
    struct peers *peers = session->peers;
    peers->stats.frames_in++;
    peers->stats.bytes_in += body.size;
    if (session->state == SESSION_HELLO) {
        take_hello(session, body);
        return;
    }
    peers->config.frame(peers->config.context, &peers->known[session->known].peer.key, type, body);
}

void session_event_closed(struct session *session)
{
    struct peers *peers = session->peers;
    for (struct session **link = &peers->sessions; *link != NULL; link = &(*link)->next) {
        if (*link == session) {
            *link = session->next;
            peers->session_count--;
            break;
        }
    }
    for (uint32_t i = 0; i < peers->known_count; i++) {
        struct known *known = &peers->known[i];
        if (known->dial == session) {
            known->dial = NULL;
        }
        if (known->session == session) {
            known->session = NULL;
            if (uv_now(peers->config.loop) - session->opened_ms > LIVE_MS) {
                known->backoff_ms =
                    DIAL_FIRST_MS; /* one that ends at once is dialled ever more rarely */
            }
            if (!peers->stopping) {
                log_event(LOG_WARN, "peer_down", "the connection with member %u ended",
                          (unsigned)known->peer.member);
                peers->config.down(peers->config.context, &known->peer.key);
            }
        }
    }
}

static void accept_one(uv_stream_t *server, int status)
{
    struct peers *peers = server->data;
    if (status < 0 || peers->stopping) {
        return;
    }
    struct session *session = session_accept(peers, peers->config.loop, server, peers->context);
    if (session == NULL) {
        return;
    }
    add_session(peers, session);
    if (peers->session_count > SESSIONS_MAX) {
        refuse(session, "there are too many connections");
    }
}

static void dial(struct peers *peers, struct known *known, uint64_t now)
{
    known->backoff_ms = known->backoff_ms * 2 > DIAL_MAX_MS ? DIAL_MAX_MS : known->backoff_ms * 2;
    known->dial_at_ms = now + known->backoff_ms + jitter(known->backoff_ms / 2);
    const struct sockaddr_storage *address = &known->addresses[known->next_address];
    known->next_address = (known->next_address + 1) % known->address_count;
    known->dial =
        session_dial(peers, peers->config.loop, (const struct sockaddr *)address, peers->context);
    if (known->dial != NULL) {
        add_session(peers, known->dial);
    }
}

static void tick(uv_timer_t *timer)
{
    struct peers *peers = timer->data;
    uint64_t now = uv_now(peers->config.loop);
    for (struct session *session = peers->sessions; session != NULL; session = session->next) {
        if ((session->state < SESSION_UP && now - session->opened_ms > HELLO_TIMEOUT_MS) ||
            (session->state == SESSION_UP && now - session->heard_ms > QUIET_MS)) {
            session_close(session);
        }
    }
    for (uint32_t i = 0; i < peers->known_count; i++) {
        struct known *known = &peers->known[i];
        if (known->address_count > 0 && known->session == NULL && known->dial == NULL &&
            now >= known->dial_at_ms) {
            dial(peers, known, now);
        }
    }
}

static enum status listen_on(struct peers *peers, char *error, size_t error_size)
{
    struct sockaddr_storage address = {0};
    const char *text = peers->config.listen;
    if (peers_parse_address(text, &address) != 0) {
        snprintf(error, error_size,
                 "peer_listen is \"%s\"; give a numeric address and a port, as 127.0.0.1:9000",
                 text);
        return ST_BAD_CONFIG;
    }
    int result = uv_tcp_bind(&peers->server, (const struct sockaddr *)&address, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&peers->server, BACKLOG, accept_one);
    }
    if (result == 0) {
        return ST_OK;
    }
    snprintf(error, error_size,
             result == UV_EADDRINUSE
                 ? "the address %s is in use; stop the program that uses it or change peer_listen"
                 : "cannot listen on %s (%s); change peer_listen",
             text, uv_strerror(result));
    return result == UV_EADDRINUSE ? ST_LOCKED : ST_IO;
}

static void set_addresses(struct peers *peers, struct known *known)
{
    known->address_count = 0;
    known->next_address = 0;
    for (uint32_t i = 0; i < known->peer.address_count; i++) {
        if (peers_parse_address(known->peer.addresses[i],
                                &known->addresses[known->address_count]) == 0) {
            known->address_count++;
        }
    }
    known->backoff_ms = DIAL_FIRST_MS;
    /* The higher key waits, so that most pairs dial once. */
    known->dial_at_ms = uv_now(peers->config.loop) +
                        (pubkey33_compare(signer_key(peers->config.signer), &known->peer.key) < 0
                             ? 0
                             : 4 * DIAL_FIRST_MS);
}

static bool same_addresses(const struct peer_known *a, const struct peer_known *b)
{
    bool same = a->address_count == b->address_count;
    for (uint32_t i = 0; i < a->address_count && same; i++) {
        same = strcmp(a->addresses[i], b->addresses[i]) == 0;
    }
    return same;
}

/* Ends what there is with a key that is known no longer. */
static void forget(struct peers *peers, struct known *known)
{
    struct session *session = known->session;
    if (session != NULL) {
        known->session = NULL;
        session->known = -1; /* its closing is no news */
        log_event(LOG_INFO, "peer_removed",
                  "the connection with member %u was closed: the chain has ended that node",
                  (unsigned)known->peer.member);
        peers->config.down(peers->config.context, &known->peer.key);
        session_close(session);
    }
    if (known->dial != NULL) {
        session_close(known->dial);
    }
}

/* One entry of the new table; what goes on is taken out of the old one. */
static void carry_over(struct peers *peers, struct known *made, int32_t index, struct known *old,
                       const struct peer_known *peer)
{
    if (old == NULL) {
        *made = (struct known){.peer = *peer};
        set_addresses(peers, made);
        return;
    }
    bool same = same_addresses(&old->peer, peer);
    *made = *old;
    made->peer = *peer;
    if (!same) {
        set_addresses(peers, made);
    }
    if (made->session != NULL) {
        made->session->known = index;
    }
    old->session = NULL;
    old->dial = NULL;
}

void peers_update(struct peers *peers, Xuelian__NodeRole role, const struct peer_known *known,
                  uint32_t known_count)
{
    const struct pubkey33 *own = signer_key(peers->config.signer);
    struct known *made = calloc(known_count + 1u, sizeof *made);
    uint32_t made_count = 0;
    CHECK(made != NULL && known_count <= PEERS_MAX);
    for (uint32_t i = 0; i < known_count; i++) {
        if (pubkey33_compare(&known[i].key, own) != 0) {
            int at = find_known(peers, &known[i].key);
            carry_over(peers, &made[made_count], (int32_t)made_count,
                       at < 0 ? NULL : &peers->known[at], &known[i]);
            made_count++;
        }
    }
    struct known *old = peers->known;
    uint32_t old_count = peers->known_count;
    peers->known = made;
    peers->known_count = made_count;
    peers->config.role = role;
    for (uint32_t i = 0; i < old_count; i++) {
        forget(peers, &old[i]);
    }
    free(old);
}

enum status peers_start(struct peers **peers, const struct peers_config *config, char *error,
                        size_t error_size)
{
    struct peers *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->config = *config;
    CHECK(uv_random(NULL, NULL, &made->boot_id, sizeof made->boot_id, 0, NULL) == 0);
    enum status status = tls_context_new(&made->context, "xuelian/peer");
    if (status != ST_OK) {
        snprintf(error, error_size, "OpenSSL could not make a TLS context");
        free(made);
        return status;
    }
    CHECK(uv_tcp_init(config->loop, &made->server) == 0);
    CHECK(uv_timer_init(config->loop, &made->timer) == 0);
    made->server.data = made;
    made->timer.data = made;
    *peers = made; /* handles are open: the caller stops and frees it on failure too */
    status = listen_on(made, error, error_size);
    if (status == ST_OK) {
        peers_update(made, config->role, config->known, config->known_count);
        uv_timer_start(&made->timer, tick, 0, TICK_MS);
    }
    return status;
}

void peers_stop(struct peers *peers)
{
    peers->stopping = true;
    uv_close((uv_handle_t *)&peers->server, NULL);
    uv_close((uv_handle_t *)&peers->timer, NULL);
    for (struct session *session = peers->sessions; session != NULL; session = session->next) {
        session_close(session);
    }
}

void peers_free(struct peers *peers)
{
    SSL_CTX_free(peers->context);
    free(peers->known);
    free(peers);
}

bool peers_send(struct peers *peers, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    int index = find_known(peers, key);
    struct session *session = index < 0 ? NULL : peers->known[index].session;
    if (session == NULL || session->state != SESSION_UP) {
        return false;
    }
    if (!session_send(session, type, body)) {
        peers->stats.dropped++;
        return false;
    }
    peers->stats.frames_out++;
    peers->stats.bytes_out += body.size;
    return true;
}

bool peers_room(const struct peers *peers, const struct pubkey33 *key, uint8_t type)
{
    int index = find_known(peers, key);
    const struct session *session = index < 0 ? NULL : peers->known[index].session;
    return session != NULL && session->state == SESSION_UP && session_room(session, type);
}

bool peers_connected(const struct peers *peers, const struct pubkey33 *key)
{
    int index = find_known(peers, key);
    return index >= 0 && peers->known[index].session != NULL &&
           peers->known[index].session->state == SESSION_UP;
}

void peers_each(const struct peers *peers, void (*visit)(void *context, const struct pubkey33 *key),
                void *context)
{
    for (uint32_t i = 0; i < peers->known_count; i++) {
        if (peers_connected(peers, &peers->known[i].peer.key)) {
            visit(context, &peers->known[i].peer.key);
        }
    }
}

static void count_one(void *context, const struct pubkey33 *key)
{
    (void)key;
    (*(uint32_t *)context)++;
}

uint32_t peers_count(const struct peers *peers)
{
    uint32_t count = 0;
    peers_each(peers, count_one, &count);
    return count;
}

const struct peers_stats *peers_stats(const struct peers *peers)
{
    return &peers->stats;
}
