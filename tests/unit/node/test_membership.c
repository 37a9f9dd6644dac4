/* Whom a node meets: member records, the set, and what the operator wrote. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/nodes.h"
#include "node/membership.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/support.h"

static struct genesis genesis;
static struct kv *kv;
static struct ledger *ledger;
static struct node_config config;
static struct membership made;
static char error[256];

static int setup(void **state)
{
    (void)state;
    genesis = support_genesis();
    memset(&config, 0, sizeof config);
    return kv_open_memory(&kv) == ST_OK &&
                   ledger_open(&ledger, kv, &genesis, error, sizeof error) == ST_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    ledger_close(ledger);
    kv_close(kv);
    genesis_free(&genesis);
    return 0;
}

static struct pubkey33 node_key(uint8_t secret)
{
    struct signer *signer = support_signer(secret);
    struct pubkey33 key = *signer_key(signer);
    signer_free(signer);
    return key;
}

/* Writes a member record as a governance transaction would. Returns the members' root. */
static struct hash32 put_member(uint32_t id, uint32_t status, Xuelian__Node **nodes, size_t count)
{
    uint8_t bytes[4096];
    uint8_t number[4];
    struct hash32 root;
    struct state *state = NULL;
    Xuelian__Member member = XUELIAN__MEMBER__INIT;
    member.id = id;
    member.name_zh = (char[]){'x', '\0'};
    member.status = status;
    member.nodes = nodes;
    member.n_nodes = count;
    be32_put(number, id);
    assert_int_equal(state_begin(&state, kv, false), ST_OK);
    assert_true(canonical_size(&member.base) <= sizeof bytes);
    size_t size = canonical_encode(bytes, &member.base);
    assert_int_equal(state_put(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS, bytes_of(number, 4),
                               bytes_of(bytes, size)),
                     ST_OK);
    assert_int_equal(state_finish(state, &root), ST_OK);
    struct kv_batch *batch = kv_batch_new();
    overlay_write(state_overlay(state), batch);
    assert_int_equal(kv_write(kv, batch, false), ST_OK);
    kv_batch_free(batch);
    state_free(state);
    return root;
}

static void read_now(const struct pubkey33 *own)
{
    struct ledger_view view;
    assert_int_equal(ledger_view_open(&view, kv), ST_OK);
    assert_int_equal(membership_read(&made, &view, ledger_set(ledger), &config, own), ST_OK);
    ledger_view_close(&view);
}

static const struct peer_known *find(const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < made.count; i++) {
        if (pubkey33_compare(&made.known[i].key, key) == 0) {
            return &made.known[i];
        }
    }
    return NULL;
}

static void test_of_genesis(void **state)
{
    struct pubkey33 own = node_key(101);
    struct pubkey33 stranger = node_key(150);
    (void)state;
    read_now(&own);
    assert_int_equal(made.count, 4);
    assert_true(made.recorded);
    assert_int_equal(made.role, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
    read_now(&stranger);
    assert_false(made.recorded);
    assert_int_equal(made.role, XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER);
}

/* Heights, roles, ended members, a key in two records, and that a change is seen. */
static void test_records(void **state)
{
    struct pubkey33 keys[4];
    char text[2][16] = {"10.0.0.1:1", "10.0.0.2:2"};
    char *addresses[2] = {text[0], text[1]};
    Xuelian__Node wire[4];
    Xuelian__Node *nodes[4];
    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        xuelian__node__init(&wire[i]);
        keys[i] = node_key((uint8_t)(110 + i));
        wire[i].key = field_borrow(&keys[i], 33);
        wire[i].role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
        nodes[i] = &wire[i];
    }
    wire[0].incarnation = 6;
    wire[0].addresses = addresses;
    wire[0].n_addresses = 2;
    wire[0].role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR; /* and not in the set */
    wire[1].from_height = 2;                                /* not yet at height 1 */
    wire[2].to_height = 1;                                  /* no more */
    wire[3].to_height = 2;
    read_now(&keys[0]);
    struct hash32 before = made.members_root;
    (void)put_member(40, 0, nodes, 4);
    read_now(&keys[0]);
    assert_false(hash32_equal(&before, &made.members_root));
    assert_int_equal(made.count, 6);
    assert_true(made.recorded);
    assert_int_equal(made.incarnation, 6);
    assert_int_equal(made.role, XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER);
    const struct peer_known *peer = find(&keys[0]);
    assert_non_null(peer);
    assert_int_equal(peer->member, 40);
    assert_int_equal(peer->address_count, 2);
    assert_string_equal(peer->addresses[1], "10.0.0.2:2");
    assert_null(find(&keys[1]));
    assert_null(find(&keys[2]));
    assert_non_null(find(&keys[3]));
    assert_int_equal(made.until, 2);   /* from 2 on keys[1], and no more keys[3] */
    (void)put_member(41, 1, nodes, 1); /* suspended, and a key that another has: counted once */
    read_now(&keys[0]);
    assert_int_equal(made.count, 6);
    assert_int_equal(find(&keys[0])->member, 40);
    (void)put_member(40, 2, nodes, 4); /* ended */
    read_now(&keys[0]);
    assert_int_equal(find(&keys[0])->member, 41);
    assert_null(find(&keys[3]));
    assert_true(made.until == UINT64_MAX);
}

static void test_configuration(void **state)
{
    struct pubkey33 own = node_key(101);
    (void)state;
    config.peer_address_count = 2;
    config.peer_addresses[0].key = node_key(102);
    config.peer_addresses[1].key = node_key(150);
    snprintf(config.peer_addresses[0].address, CONFIG_ADDRESS_SIZE, "10.9.9.9:1");
    snprintf(config.peer_addresses[1].address, CONFIG_ADDRESS_SIZE, "10.9.9.9:2");
    read_now(&own);
    assert_int_equal(made.count, 5);
    assert_string_equal(find(&config.peer_addresses[0].key)->addresses[0], "10.9.9.9:1");
    assert_int_equal(find(&config.peer_addresses[0].key)->address_count, 1);
    assert_string_equal(find(&config.peer_addresses[1].key)->addresses[0], "10.9.9.9:2");
}

/* More nodes than a node meets: the set and what the operator wrote come first. */
static void test_too_many(void **state)
{
    enum { EACH = 30, MEMBERS = 9 };
    struct pubkey33 own = node_key(101);
    static struct pubkey33 keys[EACH];
    Xuelian__Node wire[EACH];
    Xuelian__Node *nodes[EACH];
    (void)state;
    for (uint32_t m = 0; m < MEMBERS; m++) {
        for (uint32_t i = 0; i < EACH; i++) {
            xuelian__node__init(&wire[i]);
            memset(&keys[i], 2, sizeof keys[i]);
            keys[i].bytes[1] = (uint8_t)m;
            keys[i].bytes[2] = (uint8_t)i;
            wire[i].key = field_borrow(&keys[i], 33);
            wire[i].role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
            nodes[i] = &wire[i];
        }
        (void)put_member(50 + m, 0, nodes, EACH);
    }
    config.peer_address_count = 1;
    config.peer_addresses[0].key = node_key(150);
    read_now(&own);
    assert_int_equal(made.count, PEERS_MAX);
    assert_int_equal(made.left_out, 4 + EACH * MEMBERS + 1 - PEERS_MAX);
    assert_non_null(find(&config.peer_addresses[0].key));
    for (uint8_t i = 101; i <= 104; i++) {
        struct pubkey33 key = node_key(i);
        assert_non_null(find(&key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_genesis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
