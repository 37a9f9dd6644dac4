/* Two nodes over loopback: those of one chain meet, others are turned away. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/log.h"
#include "node/peer/hello.h"
#include "node/peer/peers.h"
#include "proto/bytes.h"
#include "proto/peer.pb-c.h"
#include "tests/unit/ledger/support.h"

enum { NODES = 2, TIMEOUT_MS = 4000 };

struct end {
    struct peers *peers;
    struct signer *signer;
    unsigned ups;
    unsigned downs;
    unsigned frames;
    uint8_t last_type;
    size_t last_size;
};

static uv_loop_t loop;
static struct end ends[NODES];
static struct peer_known known[NODES];
static uv_timer_t timer;
static bool (*finished)(void);
static bool timed_out;

static void up(void *context, const struct pubkey33 *key)
{
    (void)key;
    ((struct end *)context)->ups++;
}

static void down(void *context, const struct pubkey33 *key)
{
    (void)key;
    ((struct end *)context)->downs++;
}

static void frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    struct end *end = context;
    (void)key;
    end->frames++;
    end->last_type = type;
    end->last_size = body.size;
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    uv_tcp_t probe;
    struct sockaddr_storage address;
    int size = sizeof address;
    uv_tcp_init(&loop, &probe);
    uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)(void *)&address);
    assert_int_equal(uv_tcp_bind(&probe, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&probe, (struct sockaddr *)&address, &size), 0);
    unsigned port = ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
    uv_close((uv_handle_t *)&probe, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    return port;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    uv_loop_init(&loop);
    memset(ends, 0, sizeof ends);
    for (uint8_t i = 0; i < NODES; i++) {
        ends[i].signer = support_signer((uint8_t)(i + 1));
        known[i] = (struct peer_known){.key = *signer_key(ends[i].signer),
                                       .member = i + 1u,
                                       .role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR};
        known[i].address_count = 1;
        snprintf(known[i].addresses[0], PEER_ADDRESS_SIZE, "127.0.0.1:%u", free_port());
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++) {
        signer_free(ends[i].signer);
    }
    return uv_loop_close(&loop);
}

static void start(int i, const struct hash32 *chain, uint32_t known_count)
{
    char error[256] = "";
    struct peers_config config = {.loop = &loop,
                                  .listen = known[i].addresses[0],
                                  .chain_id = *chain,
                                  .role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR,
                                  .signer = ends[i].signer,
                                  .software = "test",
                                  .known = known,
                                  .known_count = known_count,
                                  .context = &ends[i],
                                  .up = up,
                                  .down = down,
                                  .frame = frame};
    if (peers_start(&ends[i].peers, &config, error, sizeof error) != ST_OK) {
        fail_msg("%s", error);
    }
}

static void check(uv_timer_t *handle)
{
    static unsigned rounds;
    rounds = handle->data == NULL ? 0 : rounds;
    handle->data = handle;
    timed_out = ++rounds > TIMEOUT_MS / 20;
    if (timed_out || finished()) {
        uv_close((uv_handle_t *)handle, NULL);
        for (int i = 0; i < NODES; i++) {
            if (ends[i].peers != NULL) {
                peers_stop(ends[i].peers);
            }
        }
    }
}

/* Runs until the condition holds or time is up, then stops both ends. */
static void run_until(bool (*condition)(void))
{
    finished = condition;
    uv_timer_init(&loop, &timer);
    timer.data = NULL;
    uv_timer_start(&timer, check, 20, 20);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void free_ends(void)
{
    for (int i = 0; i < NODES; i++) {
        if (ends[i].peers != NULL) {
            peers_free(ends[i].peers);
        }
    }
}

/* Once both are up, each sends a small frame and a large one; both arrive. */
static bool exchanged(void)
{
    static uint8_t large[1 << 20];
    for (int i = 0; i < NODES; i++) {
        if (ends[i].ups > 0 && ends[i].frames == 0 && ends[1 - i].ups > 0) {
            peers_send(ends[i].peers, &known[1 - i].key, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE,
                       bytes_of("vote", 4));
            peers_send(ends[i].peers, &known[1 - i].key, XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS,
                       bytes_of(large, sizeof large));
        }
    }
    return ends[0].frames >= 2 && ends[1].frames >= 2;
}

static void test_meet(void **state)
{
    const struct hash32 chain = {{1}};
    (void)state;
    start(0, &chain, NODES);
    start(1, &chain, NODES);
    run_until(exchanged);
    assert_false(timed_out);
    assert_true(ends[0].ups >= 1 && ends[1].ups >= 1);
    /* A crossed dial is settled without leaving anybody up twice. */
    assert_true(ends[0].ups - ends[0].downs <= 1);
    free_ends();
}

static uint64_t refused(int i)
{
    return peers_stats(ends[i].peers)->refused;
}

static bool first_met(void)
{
    return ends[0].ups > 0 && ends[1].ups > 0;
}

static bool first_alone(void)
{
    return ends[0].downs == ends[0].ups && refused(0) > 0;
}

static bool up_once(void)
{
    return ends[1].ups > 0;
}

/* Runs until the condition holds or time is up; both ends go on. */
static void wait_until(bool (*condition)(void))
{
    uint64_t until = uv_hrtime() + TIMEOUT_MS * UINT64_C(1000000);
    timed_out = false;
    while (!condition() && !timed_out) {
        uv_run(&loop, UV_RUN_ONCE);
        timed_out = uv_hrtime() > until;
    }
    assert_false(timed_out);
}

static bool bodies_room(void)
{
    return peers_room(ends[0].peers, &known[1].key, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES);
}

/* Answers that wait to be read leave no room for more of their class; once they are read there is room again. */
static void test_room(void **state)
{
    static uint8_t large[1 << 20];
    const struct hash32 chain = {{1}};
    unsigned sent = 0;
    (void)state;
    start(0, &chain, NODES);
    start(1, &chain, NODES);
    assert_false(bodies_room()); /* no session */
    wait_until(bodies_room);
    while (bodies_room() && sent < 64) {
        assert_true(peers_send(ends[0].peers, &known[1].key, XUELIAN__PEER_TYPE__PEER_TYPE_BODIES,
                               bytes_of(large, sizeof large)));
        sent++;
    }
    assert_true(sent > 1 && sent < 64);
    assert_true(peers_room(ends[0].peers, &known[1].key, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE));
    run_until(bodies_room);
    assert_false(timed_out);
    free_ends();
}

/* The chain takes a node out, and in again at another address; a session that still counts goes on. */
static void test_update(void **state)
{
    const struct hash32 chain = {{1}};
    struct peer_known moved[NODES];
    (void)state;
    start(0, &chain, NODES);
    start(1, &chain, NODES);
    wait_until(first_met);
    unsigned ups = ends[0].ups;
    unsigned downs = ends[0].downs;
    memcpy(moved, known, sizeof moved);
    moved[1].role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    moved[1].address_count = 0; /* not dialled from here any more */
    peers_update(ends[0].peers, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR, moved, NODES);
    assert_int_equal(ends[0].ups, ups);
    assert_int_equal(ends[0].downs, downs);
    assert_true(peers_connected(ends[0].peers, &known[1].key));
    peers_update(ends[0].peers, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR, known, 1);
    assert_false(peers_connected(ends[0].peers, &known[1].key));
    assert_int_equal(ends[0].downs, downs + 1);
    wait_until(first_alone); /* it dials again, and is refused */
    ends[1].ups = 0;
    moved[1].address_count = 2; /* the first of which nobody answers at */
    snprintf(moved[1].addresses[0], PEER_ADDRESS_SIZE, "127.0.0.1:1");
    memcpy(moved[1].addresses[1], known[1].addresses[0], PEER_ADDRESS_SIZE);
    peers_update(ends[0].peers, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR, moved, NODES);
    run_until(up_once);
    assert_false(timed_out);
    free_ends();
}

static bool both_refused(void)
{
    return refused(0) > 0 || refused(1) > 0;
}

static void test_other_chain(void **state)
{
    const struct hash32 chain = {{1}};
    const struct hash32 other = {{2}};
    (void)state;
    start(0, &chain, NODES);
    start(1, &other, NODES);
    run_until(both_refused);
    assert_false(timed_out);
    assert_int_equal(ends[0].ups + ends[1].ups, 0);
    free_ends();
}

static bool first_refused(void)
{
    return refused(0) > 0;
}

static void test_unknown_key(void **state)
{
    const struct hash32 chain = {{1}};
    (void)state;
    start(0, &chain, 1); /* knows only itself */
    start(1, &chain, NODES);
    run_until(first_refused);
    assert_false(timed_out);
    assert_int_equal(ends[0].ups, 0);
    free_ends();
}

static void test_port_in_use(void **state)
{
    const struct hash32 chain = {{1}};
    char error[256] = "";
    char sentence[256];
    struct peers *second = NULL;
    struct peers_config config = {
        .loop = &loop, .listen = known[0].addresses[0], .signer = ends[1].signer};
    (void)state;
    start(0, &chain, NODES);
    assert_int_equal(peers_start(&second, &config, error, sizeof error), ST_LOCKED);
    snprintf(sentence, sizeof sentence,
             "the address %s is in use; stop the program that uses it or change peer_listen",
             known[0].addresses[0]);
    assert_string_equal(error, sentence);
    peers_stop(second);
    peers_stop(ends[0].peers);
    uv_run(&loop, UV_RUN_DEFAULT);
    peers_free(second);
    free_ends();
}

/* A Hello is worth nothing on another connection, for another chain, or from the other side. */
static void test_hello_is_bound(void **state)
{
    struct hello hello = {.chain_id = {{1}}, .role = 1};
    struct hello got;
    struct hash32 exporter = {{7}};
    struct hash32 other = {{8}};
    uint8_t bytes[HELLO_SIZE_MAX];
    (void)state;
    hello.key = *signer_key(ends[0].signer);
    size_t size = hello_encode(bytes, &hello, ends[0].signer, &exporter, true, "test");
    struct bytes sent = bytes_of(bytes, size);
    assert_int_equal(hello_decode(&got, sent, &hello.chain_id, &exporter, true), ST_OK);
    assert_int_equal(hello_decode(&got, sent, &hello.chain_id, &other, true), ST_BAD_SIGNATURE);
    assert_int_equal(hello_decode(&got, sent, &hello.chain_id, &exporter, false), ST_BAD_SIGNATURE);
    assert_int_equal(hello_decode(&got, sent, &other, &exporter, true), ST_WRONG_CHAIN);
}

static void test_addresses(void **state)
{
    struct sockaddr_storage address;
    (void)state;
    assert_int_equal(peers_parse_address("127.0.0.1:80", &address), 0);
    assert_int_equal(peers_parse_address("[::1]:80", &address), 0);
    assert_int_not_equal(peers_parse_address("127.0.0.1", &address), 0);
    assert_int_not_equal(peers_parse_address(":80", &address), 0);
    assert_int_not_equal(peers_parse_address("127.0.0.1:", &address), 0);
    assert_int_not_equal(peers_parse_address("127.0.0.1:65536", &address), 0);
    assert_int_not_equal(peers_parse_address("localhost:80", &address), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello_is_bound, setup, teardown),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
