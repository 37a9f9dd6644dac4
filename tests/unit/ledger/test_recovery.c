/* Recoveries: their form, their signatures, and what their block does to the state. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "ledger/store/block_log.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"
#include "tests/unit/ledger/recovery_support.h"

static struct governed network;
static struct made_recovery made;

static int setup(void **state)
{
    (void)state;
    governed_open(&network, recovery_genesis);
    governed_advance(&network, 3);
    recovery_begin(&made, &network);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    governed_close(&network);
    return 0;
}

static enum status verify(void)
{
    uint32_t key = 99;
    assert_int_equal(recovery_make(&made), ST_OK);
    return recovery_verify(&made.recovery, &network.genesis.chain_id, &network.genesis.recovery,
                           &key);
}

/* ---- Form and signatures ---- */

static void signatures(void **state)
{
    struct recovery_keys none = {.count = 0};
    uint32_t key = 0;
    (void)state;
    assert_int_equal(verify(), ST_OK);
    assert_int_equal(made.recovery.signature_count, 2);
    assert_int_equal(recovery_verify(&made.recovery, &network.genesis.chain_id, &none, &key),
                     ST_NO_RECOVERY);
    made.signers[1] = 0;
    assert_int_equal(verify(), ST_RECOVERY_SIGNATURES);
    made.signers[1] = 4; /* there are three */
    assert_int_equal(verify(), ST_RECOVERY_SIGNATURES);
    made.signers[1] = 2;
    made.signers[2] = 3;
    made.signers[3] = 0;
    assert_int_equal(verify(), ST_OK);
    made.spoil_signature = true;
    assert_int_equal(verify(), ST_BAD_SIGNATURE);
    made.spoil_signature = false;
    made.chain_id.bytes[3] ^= 1;
    assert_int_equal(verify(), ST_WRONG_CHAIN);
}

static void key_twice(void **state)
{
    (void)state;
    made.signers[1] = 1;
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SIGNATURES);
    made.signers[0] = 3;
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SIGNATURES);
}

static void form(void **state)
{
    static char long_reason[LIMIT_RECOVERY_REASON_MAX + 2];
    (void)state;
    made.reason = "";
    assert_int_equal(recovery_make(&made), ST_BAD_ENCODING);
    memset(long_reason, 'a', sizeof long_reason - 1);
    made.reason = long_reason;
    assert_int_equal(recovery_make(&made), ST_BAD_ENCODING);
    made.reason = "x";
    made.set.era++;
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SET);
    made.set.era -= 2;
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SET);
    made.set.era++;
    made.address =
        "an address that is longer than sixty-four bytes, which none of them is.example:1";
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SET);
    made.address = NULL;
    made.set.validators[1].member = made.set.validators[0].member;
    assert_int_equal(recovery_make(&made), ST_RECOVERY_SET);
    recovery_begin(&made, &network);
    assert_int_equal(recovery_make(&made), ST_OK);
    /* Every byte counts: what is signed is the bytes. */
    for (size_t i = 0; i < made.size; i++) {
        static struct recovery read;
        static uint64_t memory[RECOVERY_ARENA_SIZE / 8];
        struct arena arena;
        uint32_t key;
        arena_init(&arena, memory, sizeof memory);
        made.bytes[i] ^= 0x04;
        assert_true(
            recovery_decode(&read, bytes_of(made.bytes, made.size), false, &arena) != ST_OK ||
            recovery_verify(&read, &network.genesis.chain_id, &network.genesis.recovery, &key) !=
                ST_OK);
        made.bytes[i] ^= 0x04;
    }
}

/* ---- The block ---- */

static enum status recover(struct ledger_block **block, uint32_t *member)
{
    assert_int_equal(verify(), ST_OK);
    return ledger_recover(network.ledger, &made.recovery, block, member);
}

static void refused(enum status status, uint32_t member)
{
    struct ledger_block *block = NULL;
    uint32_t at = 0;
    assert_int_equal(recover(&block, &at), status);
    assert_int_equal(at, member);
    assert_null(block);
}

static const Xuelian__Node *node_of(uint32_t member, uint8_t secret)
{
    const Xuelian__Member *record = governed_member(&network, member);
    for (size_t i = 0; i < record->n_nodes; i++) {
        if (memcmp(record->nodes[i]->key.data, governed_key(secret).data, 33) == 0) {
            return record->nodes[i];
        }
    }
    return NULL;
}

/* 1 and 2 are lost: 1 gets another machine, 6 comes in for 2; 3 stays, 4 with a new journal. */
static void half_lost(void)
{
    recovery_drop(&made, 101);
    recovery_drop(&made, 102);
    recovery_seat(&made, 1, 151, 0);
    recovery_seat(&made, 6, 106, 2);
    made.set.validators[1].incarnation = 5;
    made.address = "192.0.2.9:9471";
}

static void check_records(uint64_t era, const struct validator_set *set)
{
    const Xuelian__Node *node = node_of(1, 101);
    assert_int_equal(node->role, XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER);
    assert_int_equal(node->to_height, era);
    node = node_of(2, 102);
    assert_int_equal(node->role, XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER);
    assert_int_equal(node->to_height, era);
    node = node_of(1, 151);
    assert_int_equal(node->role, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
    assert_int_equal(node->from_height, era);
    node = node_of(6, 106);
    assert_int_equal(node->role, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
    assert_int_equal(node->incarnation, 2);
    for (uint32_t member = 3; member <= 4; member++) {
        node = node_of(member, (uint8_t)(100 + member));
        int at = validator_set_find(set, (const struct pubkey33 *)node->key.data);
        assert_int_equal(node->role, XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR);
        assert_int_equal(node->to_height, 0);
        assert_int_equal(node->incarnation, set->validators[at].incarnation);
        assert_int_equal(node->n_addresses, at == 0 ? 1 : 0);
    }
}

static void block_of_a_recovery(void **state)
{
    struct header before = *ledger_tip(network.ledger);
    struct validator_set old = *ledger_set(network.ledger);
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    struct hash32 hash, empty, first;
    (void)state;
    merkle_root(&empty, NULL, 0);
    half_lost();
    made.signers[1] = 2; /* who signed is not in the block */
    assert_int_equal(recover(&block, &member), ST_OK);
    first = block->hash;
    ledger_block_free(block);
    made.signers[1] = 3;
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_true(hash32_equal(&block->hash, &first));
    const struct header *header = &block->header;
    assert_int_equal(header->height, before.height + 1);
    assert_int_equal(header->time_ms, before.time_ms + 1);
    assert_int_equal(header->tx_count, 0);
    assert_true(hash32_equal(&header->tx_root, &empty));
    assert_true(hash32_equal(&header->result_root, &empty));
    validator_set_hash(&hash, &old);
    assert_true(hash32_equal(&header->validators_hash, &hash));
    validator_set_hash(&hash, &made.set);
    assert_true(hash32_equal(&header->next_validators_hash, &hash));
    assert_true(hash32_equal(&header->params_hash, &before.params_hash));
    assert_false(hash32_equal(&header->state_root, &before.state_root));
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    assert_memory_equal(ledger_set(network.ledger), &made.recovery.set, sizeof made.set);
    check_records(before.height + 2, &made.set);
    const Xuelian__GovernRecord *record =
        (const Xuelian__GovernRecord *)(const void *)governed_record(
            &network, XUELIAN__COLLECTION__COLLECTION_PROPOSALS, bytes_of(&made.recovery.id, 32),
            &xuelian__govern_record__descriptor);
    assert_non_null(record);
    assert_non_null(record->recovery);
    assert_int_equal(record->recovery->height, before.height + 1);
    assert_true(bytes_equal(field_bytes(&record->recovery->content), made.recovery.body));
    /* It cannot be used twice, and the network goes on. */
    governed_reopen(&network);
    refused(ST_RECOVERY_BASE, 0);
    governed_advance(&network, 2);
    assert_int_equal(ledger_set(network.ledger)->era, before.height + 2);
    refused(ST_RECOVERY_BASE, 0);
}

/* Sets of a recovery change as any other afterwards, and a recovery goes on from a recovery's block. */
static void again(void **state)
{
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    (void)state;
    half_lost();
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    /* The machines of the first never came to run. */
    recovery_begin(&made, &network);
    recovery_drop(&made, 151);
    recovery_drop(&made, 106);
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(block->header.height, made.height + 1);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 2);
    assert_int_equal(ledger_set(network.ledger)->era, made.height + 2);
    assert_int_not_equal(node_of(6, 106)->to_height, 0);
    Xuelian__Change change = XUELIAN__CHANGE__INIT;
    Xuelian__ValidatorChange leave = XUELIAN__VALIDATOR_CHANGE__INIT;
    struct hash32 id;
    change.validator = &leave;
    leave.member = 4;
    leave.key = governed_key(104);
    leave.remove = true;
    assert_int_equal(governed_propose(&network, (Xuelian__Change *[]){&change}, 1, BY(1, 2), &id),
                     ST_OK);
    struct made_following following;
    ProtobufCBinaryData stays = governed_key(103);
    int at = validator_set_find(&made.set, (const struct pubkey33 *)stays.data);
    governed_following(&network, 103, made.set.validators[at].incarnation, &following);
    assert_int_equal(governed_enact_with(&network, &id, BY(1), &following.wire, 1), ST_OK);
    assert_int_equal(ledger_set(network.ledger)->count, 1);
}

/* The same set with a new era: a journal was lost by the only validator of two. */
static void same_set(void **state)
{
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    (void)state;
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(block->next_set.era, made.height + 2);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    governed_advance(&network, 2);
    assert_int_equal(ledger_set(network.ledger)->era, made.height + 2);
}

static void refusals(void **state)
{
    (void)state;
    made.header_hash.bytes[0] ^= 1;
    refused(ST_RECOVERY_BASE, 0);
    recovery_begin(&made, &network);
    made.height--;
    made.set.era--;
    refused(ST_RECOVERY_BASE, 0);
    recovery_begin(&made, &network);
    recovery_seat(&made, 99, 151, 0);
    refused(ST_UNKNOWN_MEMBER, 99);
    recovery_begin(&made, &network);
    recovery_seat(&made, 5, 151, 0);
    refused(ST_MEMBER_INACTIVE, 5);
    recovery_begin(&made, &network);
    recovery_seat(&made, 7, 106, 0); /* a node of member 6 */
    refused(ST_KEY_TAKEN, 7);
    recovery_begin(&made, &network);
    made.set.validators[3].joined = made.set.era;
    refused(ST_BAD_SET, made.set.validators[3].member);
    recovery_begin(&made, &network);
    recovery_seat(&made, 6, 106, 0);
    made.set.validators[4].joined--;
    refused(ST_BAD_SET, 6);
    recovery_begin(&made, &network);
    made.set.validators[2].incarnation = 9;
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    /* A lower incarnation is one whose journal is gone. */
    recovery_begin(&made, &network);
    made.set.validators[2].incarnation = 8;
    refused(ST_BAD_SET, made.set.validators[2].member);
    /* Who was lost has ended; its node is in the records, but can be no validator. */
    recovery_begin(&made, &network);
    recovery_drop(&made, 101);
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
    recovery_begin(&made, &network);
    recovery_seat(&made, 1, 101, 0);
    refused(ST_BAD_SET, 1);
}

/* ---- The block log ---- */

struct seen {
    uint32_t count;
    bool certified[4];
    struct bytes recovery;
    struct hash32 recovery_hash[4];
};

static bool see(void *context, struct bytes bytes)
{
    struct seen *seen = context;
    Xuelian__SetChange *change = xuelian__set_change__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(change);
    assert_int_equal(change->next_set.len, 0);
    seen->certified[seen->count] = change->certificate.len > 0;
    hash_plain(&seen->recovery_hash[seen->count++], change->recovery.data, change->recovery.len);
    xuelian__set_change__free_unpacked(change, NULL);
    return true;
}

static void append_recovery(struct block_log *log, const struct header *base)
{
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    assert_int_equal(recover(&block, &member), ST_OK);
    assert_int_equal(
        block_log_append_recovery(log, &block->header, bytes_of(made.bytes, made.size), base, true),
        ST_OK);
    assert_int_equal(ledger_apply(network.ledger, block), ST_OK);
}

static void log_keeps_it(void **state)
{
    struct block_log *log = NULL;
    struct kv *kv = NULL;
    struct pubkey33 owner = {{2}};
    struct stored_block block;
    struct seen seen = {.count = 0};
    char error[256];
    struct bytes none = {.size = 0};
    uint8_t certificate[CERTIFICATE_SIZE_MAX];
    struct certificate good = {.phase = VOTE_COMMIT, .height = 1, .count = 3, .signers = {0, 1, 2}};
    (void)state;
    size_t certificate_size = certificate_encode(certificate, &good, 4);
    governed_close(&network);
    governed_open(&network, recovery_genesis);
    assert_int_equal(kv_open_memory(&kv), ST_OK);
    assert_int_equal(
        block_log_open(&log, kv, &network.genesis.chain_id, &owner, error, sizeof error), ST_OK);
    governed_advance(&network, 1);
    struct header first = *ledger_tip(network.ledger);
    assert_int_equal(
        block_log_append(log, &first, bytes_of(certificate, certificate_size), NULL, 0, none, true),
        ST_OK);
    recovery_begin(&made, &network);
    append_recovery(log, &first);
    assert_int_equal(block_log_get(log, 2, &block), ST_OK);
    assert_true(bytes_equal(block.recovery, bytes_of(made.bytes, made.size)));
    assert_int_equal(block.certificate.size, 0);
    struct stored_block copy;
    assert_int_equal(stored_block_decode(&copy, block.bytes), ST_OK);
    stored_block_free(&copy);
    stored_block_free(&block);
    struct header second = *ledger_tip(network.ledger);
    recovery_begin(&made, &network);
    append_recovery(log, &second);
    assert_int_equal(block_log_set_changes(log, 9, see, &seen), ST_OK);
    assert_int_equal(seen.count, 2);
    assert_true(seen.certified[0]);
    assert_false(seen.certified[1]); /* the block of a recovery has none */
    struct hash32 hash;
    hash_plain(&hash, made.bytes, made.size);
    assert_true(hash32_equal(&hash, &seen.recovery_hash[1]));
    block_log_close(log);
}

/* A block is certified or a recovery's, never both, and a recovery's has no transactions. */
static void mixed_block(void **state)
{
    struct stored_block block;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t bytes[16384];
    Xuelian__Block wire = XUELIAN__BLOCK__INIT;
    (void)state;
    assert_int_equal(recovery_make(&made), ST_OK);
    wire.header = field_borrow(header, header_encode(header, ledger_tip(network.ledger)));
    wire.recovery = field_borrow(made.bytes, made.size);
    wire.certificate = field_borrow("c", 1);
    size_t size = canonical_encode(bytes, &wire.base);
    assert_int_equal(stored_block_decode(&block, bytes_of(bytes, size)), ST_BAD_ENCODING);
    wire.certificate = field_borrow(NULL, 0);
    size = canonical_encode(bytes, &wire.base);
    assert_int_equal(stored_block_decode(&block, bytes_of(bytes, size)), ST_OK);
    stored_block_free(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(key_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(form, setup, teardown),
        cmocka_unit_test_setup_teardown(block_of_a_recovery, setup, teardown),
        cmocka_unit_test_setup_teardown(again, setup, teardown),
        cmocka_unit_test_setup_teardown(same_set, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(log_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(mixed_block, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
