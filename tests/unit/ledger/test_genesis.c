/* Genesis files: what is derived, and one clear sentence for each thing wrong. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "tests/unit/ledger/support.h"

static void test_derived(void **state)
{
    uint8_t bytes[8192];
    size_t size = support_genesis_bytes(bytes, sizeof bytes);
    struct genesis genesis = support_genesis();
    struct hash32 expected;
    (void)state;
    hash_tagged(&expected, TAG_GENESIS, bytes, size);
    assert_true(hash32_equal(&genesis.chain_id, &expected));
    assert_int_equal(genesis.set.count, 4);
    assert_int_equal(genesis.set.era, 1);
    for (uint32_t i = 1; i < 4; i++) {
        assert_true(pubkey33_compare(&genesis.set.validators[i - 1].key,
                                     &genesis.set.validators[i].key) < 0);
    }
    genesis_free(&genesis);
}

/* Decodes the sample, lets the caller break it, packs it again. */
static Xuelian__Genesis *decode_sample(uint64_t *memory, size_t room)
{
    static uint8_t bytes[8192];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t size = support_genesis_bytes(bytes, sizeof bytes);
    arena_init(&arena, memory, room);
    assert_int_equal(
        canonical_decode(&message, &xuelian__genesis__descriptor, bytes_of(bytes, size), &arena),
        ST_OK);
    return (Xuelian__Genesis *)(void *)message;
}

static void assert_refused(const Xuelian__Genesis *broken, const char *sentence)
{
    uint8_t bytes[8192];
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    size_t size = canonical_encode(bytes, &broken->base);
    assert_int_equal(genesis_parse(&genesis, bytes_of(bytes, size), error), ST_BAD_CONFIG);
    assert_string_equal(error, sentence);
}

static uint64_t memory[16384];

/* Recovery keys as they must be, to be broken one by one. */
static Xuelian__Genesis *with_recovery(Xuelian__RecoveryKey *keys, Xuelian__RecoveryKey **list)
{
    static char holder[] = "省教育厅";
    static struct pubkey33 found[3];
    Xuelian__Genesis *g = decode_sample(memory, sizeof memory);
    uint32_t count = 0;
    for (uint8_t secret = 100; count < 3; secret++) {
        uint8_t bytes[32] = {[31] = secret};
        struct signer *signer = NULL;
        assert_int_equal(signer_new(&signer, bytes), ST_OK);
        if (count == 0 || pubkey33_compare(&found[count - 1], signer_key(signer)) < 0) {
            found[count++] = *signer_key(signer);
        }
        signer_free(signer);
    }
    for (uint32_t i = 0; i < 3; i++) {
        xuelian__recovery_key__init(&keys[i]);
        keys[i].key = (ProtobufCBinaryData){.len = 33, .data = found[i].bytes};
        keys[i].holder = holder;
        list[i] = &keys[i];
    }
    g->n_recovery_keys = 3;
    g->recovery_keys = list;
    g->recovery_threshold = 2;
    return g;
}

static void test_recovery_keys(void **state)
{
    static uint8_t bytes[8192];
    Xuelian__RecoveryKey keys[3];
    Xuelian__RecoveryKey *list[3];
    char error[GENESIS_ERROR_SIZE];
    struct genesis genesis;
    Xuelian__Genesis *g = with_recovery(keys, list);
    (void)state;
    size_t size = canonical_encode(bytes, &g->base);
    assert_int_equal(genesis_parse(&genesis, bytes_of(bytes, size), error), ST_OK);
    assert_int_equal(genesis.recovery.count, 3);
    assert_int_equal(genesis.recovery.threshold, 2);
    genesis_free(&genesis);
    g->recovery_threshold = 1;
    assert_refused(g, "the recovery keys need a threshold of more than half of them, so that no "
                      "two groups can each make a recovery");
    g->recovery_threshold = 4;
    assert_refused(g, "the recovery keys need a threshold of more than half of them, so that no "
                      "two groups can each make a recovery");
    g = with_recovery(keys, list);
    list[1] = list[0];
    assert_refused(g, "the recovery keys are not in ascending order of the keys, without repeats");
    g = with_recovery(keys, list);
    keys[1].key.len = 32;
    assert_refused(g, "the recovery keys contain one that is not a secp256k1 public key");
    g = with_recovery(keys, list);
    g->members[2]->keys[0]->key = keys[1].key;
    assert_refused(g, "recovery key 2 is a key of member 3; recovery keys are kept offline and "
                      "used for nothing else");
    g = with_recovery(keys, list);
    g->members[0]->nodes[0]->key = keys[0].key;
    assert_refused(g, "recovery key 1 is a key of member 1; recovery keys are kept offline and "
                      "used for nothing else");
    g = decode_sample(memory, sizeof memory);
    g->recovery_threshold = 1;
    assert_refused(g, "the recovery keys need a threshold of more than half of them, so that no "
                      "two groups can each make a recovery");
}

static void test_sentences(void **state)
{
    Xuelian__Genesis *g = decode_sample(memory, sizeof memory);
    (void)state;
    g->version = 2;
    assert_refused(g, "the genesis file is of protocol version 2, suite 1; this software knows 1 "
                      "and 1");
    g = decode_sample(memory, sizeof memory);
    g->params->t0_ms = 5;
    assert_refused(g, "parameter t0_ms is 5; it must be 100 to 60000");
    g->params->t0_ms = 60000;
    g->params->timeout_cap_ms = 59999;
    assert_refused(g, "the parameters contradict themselves: t0_ms is above timeout_cap_ms, the "
                      "longest that it may grow to");
    g = decode_sample(memory, sizeof memory);
    g->members[1]->id = 1;
    assert_refused(g, "member 1 is not above the one before it; sort by number, without repeats");
    g = decode_sample(memory, sizeof memory);
    g->members[2]->keys[0]->key.data[0] = 9;
    assert_refused(g, "member 3 has a signing key that is not a secp256k1 public key");
    g = decode_sample(memory, sizeof memory);
    g->regions[1]->parent = 990000;
    assert_refused(g, "region 330100 has a parent that does not come before it");
    /* What is counted by region counts the same for ever: a parent cannot come to be later. */
    g->regions[1]->parent = 320000;
    assert_refused(g, "region 330100 names a parent or successor that is not among the regions");
    g = decode_sample(memory, sizeof memory);
    g->members[1]->region = 320000;
    assert_refused(g, "member 2 has a region that is not among the regions");
    g = decode_sample(memory, sizeof memory);
    g->params->approvals_params = 1;
    assert_refused(g, "parameter approvals_params asks for 1, but only 0 active members with keys "
                      "in force govern");
    g = decode_sample(memory, sizeof memory);
    g->params->approvals_courses = 1;
    assert_refused(g, "parameter approvals_courses asks for 1, but only 0 active members with keys "
                      "in force govern");
    g = decode_sample(memory, sizeof memory);
    Xuelian__Framework framework = XUELIAN__FRAMEWORK__INIT;
    Xuelian__Framework *frameworks[] = {&framework};
    g->frameworks = frameworks;
    g->n_frameworks = 1;
    framework.code = 3;
    assert_refused(g, "framework 3 has no version; versions begin at 1");
    framework.code = 0;
    assert_refused(g, "framework 0 is not above the one before it; sort by code, without repeats");
    g = decode_sample(memory, sizeof memory);
    g->courses[0]->version = 0;
    assert_refused(g, "course 7 has no version; versions begin at 1");
    g = decode_sample(memory, sizeof memory);
    for (size_t i = 0; i < g->n_members; i++) {
        g->members[i]->n_nodes = 0;
    }
    assert_refused(g, "no member has a node with the validator role; at least one is needed");
    g = decode_sample(memory, sizeof memory);
    g->members[1]->nodes[0] = g->members[0]->nodes[0];
    assert_refused(g, "member 2 has a node key that member 1 has; each node has its own");
    g = decode_sample(memory, sizeof memory);
    g->members[0]->nodes[0]->from_height = 5;
    assert_refused(g, "member 1 has a validator with a first or last height; one of genesis has "
                      "neither");
}

static void test_members_are_bounded(void **state)
{
    static char code[300];
    Xuelian__Genesis *g = decode_sample(memory, sizeof memory);
    (void)state;
    memset(code, '9', sizeof code - 1);
    g->members[3]->credit_code = code;
    assert_refused(g, "member 4 has a unified social credit code of more than 256 bytes");
    g = decode_sample(memory, sizeof memory);
    g->regions[0]->name_en = code;
    assert_refused(g, "region 330000 has an English name of more than 256 bytes");
    g = decode_sample(memory, sizeof memory);
    g->members[1]->roles[1] = g->members[1]->roles[0];
    assert_refused(g, "member 2 has roles or kinds that do not ascend; sort them, without repeats");
}

/* More of a kind than the verifier reads. */
static void test_too_many_courses(void **state)
{
    enum { TOO_MANY = LIMIT_COURSES_GENESIS_MAX + 1, ROOM = 8 << 20 };
    Xuelian__Genesis *g = decode_sample(memory, sizeof memory);
    Xuelian__Course *rows = calloc(TOO_MANY, sizeof *rows);
    Xuelian__Course **pointers = calloc(TOO_MANY, sizeof(Xuelian__Course *));
    uint8_t *bytes = malloc(ROOM);
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    (void)state;
    assert_true(rows != NULL && pointers != NULL && bytes != NULL);
    for (uint32_t i = 0; i < TOO_MANY; i++) {
        xuelian__course__init(&rows[i]);
        rows[i].id = i + 1;
        rows[i].version = 1;
        rows[i].kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_CERTIFICATE;
        pointers[i] = &rows[i];
    }
    g->courses = pointers;
    g->n_courses = TOO_MANY;
    assert_true(canonical_size(&g->base) <= ROOM);
    size_t size = canonical_encode(bytes, &g->base);
    assert_int_equal(genesis_parse(&genesis, bytes_of(bytes, size), error), ST_BAD_CONFIG);
    assert_string_equal(error, "the genesis file has 100001 courses; at most 100000");
    free(bytes);
    free(pointers);
    free(rows);
}

static void test_not_a_genesis_file(void **state)
{
    char error[GENESIS_ERROR_SIZE] = "";
    struct genesis genesis;
    (void)state;
    assert_int_equal(genesis_parse(&genesis, bytes_of("hello", 5), error), ST_BAD_ENCODING);
    assert_non_null(strstr(error, "not a genesis file: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derived),          cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_recovery_keys),    cmocka_unit_test(test_members_are_bounded),
        cmocka_unit_test(test_too_many_courses), cmocka_unit_test(test_not_a_genesis_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
