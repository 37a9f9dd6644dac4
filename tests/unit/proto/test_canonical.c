/* The strict codec: a table of forms that must be refused, and random mutation. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/ledger.pb-c.h"
#include "proto/proof.pb-c.h"
#include "proto/tx.pb-c.h"

static uint64_t memory[8192];

static enum status decode(ProtobufCMessage **message, const ProtobufCMessageDescriptor *schema,
                          struct bytes bytes)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    return canonical_decode(message, schema, bytes, &arena);
}

struct bad_case {
    const char *what;
    const ProtobufCMessageDescriptor *schema;
    const char *hex;
    enum status status;
};

/* Params: all uint64. Region: 1 uint32 code, 2 and 3 strings. TxResult: 1 bytes, 2 uint32, 3 packed.
 * Member: 2 enum, 7 packed enum, 9 repeated message. Status: 5 bool. Proof: 4 message. */
static const struct bad_case bad_cases[] = {
    {"fields out of order", &xuelian__params__descriptor, "10010801", ST_BAD_ENCODING},
    {"a singular field twice", &xuelian__params__descriptor, "08010802", ST_BAD_ENCODING},
    {"a zero written out", &xuelian__params__descriptor, "0800", ST_BAD_ENCODING},
    {"an overlong varint", &xuelian__params__descriptor, "088100", ST_BAD_ENCODING},
    {"an overlong tag", &xuelian__params__descriptor, "880001", ST_BAD_ENCODING},
    {"a varint of 11 bytes", &xuelian__params__descriptor, "08ffffffffffffffffffff01",
     ST_BAD_ENCODING},
    {"a varint past 64 bits", &xuelian__params__descriptor, "08ffffffffffffffffff02",
     ST_BAD_ENCODING},
    {"field number 0", &xuelian__params__descriptor, "0001", ST_BAD_ENCODING},
    {"an unknown field", &xuelian__params__descriptor, "f80101", ST_BAD_ENCODING},
    {"a fixed64", &xuelian__params__descriptor, "090100000000000000", ST_BAD_ENCODING},
    {"a group", &xuelian__params__descriptor, "0b0c", ST_BAD_ENCODING},
    {"bytes where a number is", &xuelian__params__descriptor, "0a0101", ST_BAD_ENCODING},
    {"the end inside a varint", &xuelian__params__descriptor, "0881", ST_TRUNCATED},
    {"the end after a tag", &xuelian__params__descriptor, "08", ST_TRUNCATED},
    {"a number past 32 bits", &xuelian__region__descriptor, "088080808010", ST_BAD_ENCODING},
    {"an empty string", &xuelian__region__descriptor, "1200", ST_BAD_ENCODING},
    {"a string with a NUL", &xuelian__region__descriptor, "120100", ST_BAD_ENCODING},
    {"overlong UTF-8", &xuelian__region__descriptor, "1202c0af", ST_BAD_ENCODING},
    {"a surrogate in UTF-8", &xuelian__region__descriptor, "1203eda080", ST_BAD_ENCODING},
    {"past U+10FFFF", &xuelian__region__descriptor, "1204f4908080", ST_BAD_ENCODING},
    {"a cut UTF-8 character", &xuelian__region__descriptor, "1202e6b5", ST_BAD_ENCODING},
    {"bytes past the end", &xuelian__tx_result__descriptor, "0a2001", ST_TRUNCATED},
    {"a size of 2^63", &xuelian__tx_result__descriptor, "0a80808080808080808001", ST_TRUNCATED},
    {"an empty packed field", &xuelian__tx_result__descriptor, "1a00", ST_BAD_ENCODING},
    {"a repeated number unpacked", &xuelian__tx_result__descriptor, "1801", ST_BAD_ENCODING},
    {"a packed field in two pieces", &xuelian__tx_result__descriptor, "1a01011a0102",
     ST_BAD_ENCODING},
    {"an overlong varint in a packed field", &xuelian__tx_result__descriptor, "1a028100",
     ST_BAD_ENCODING},
    {"a packed field that ends in a varint", &xuelian__tx_result__descriptor, "1a0181",
     ST_BAD_ENCODING},
    {"an unknown enum value", &xuelian__member__descriptor, "1063", ST_BAD_ENCODING},
    {"an unknown packed enum value", &xuelian__member__descriptor, "3a0163", ST_BAD_ENCODING},
    {"an empty singular submessage", &xuelian__proof__descriptor, "2200", ST_BAD_ENCODING},
    {"a submessage cut by its own size", &xuelian__proof__descriptor, "22030a0501",
     ST_BAD_ENCODING},
};

static void test_bad_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const struct bad_case *bad = &bad_cases[i];
        uint8_t bytes[64];
        size_t size = strlen(bad->hex) / 2;
        ProtobufCMessage *message = NULL;
        assert_int_equal(hex_decode(bytes, size, bad->hex, 2 * size), ST_OK);
        enum status status = decode(&message, bad->schema, bytes_of(bytes, size));
        if (status != bad->status) {
            print_error("%s: %s, expected %s\n", bad->what, status_name(status),
                        status_name(bad->status));
        }
        assert_int_equal(status, bad->status);
        assert_null(message);
    }
}

/* A member with everything in it. */
static size_t sample_member(uint8_t *out)
{
    static uint8_t key[33] = {2, 9};
    Xuelian__Member member;
    Xuelian__MemberKey keys[2] = {XUELIAN__MEMBER_KEY__INIT, XUELIAN__MEMBER_KEY__INIT};
    Xuelian__MemberKey *key_pointers[2] = {&keys[0], &keys[1]};
    Xuelian__Node node = XUELIAN__NODE__INIT;
    Xuelian__Node *node_pointer = &node;
    char address[] = "127.0.0.1:9001";
    char *addresses[] = {address};
    char name_zh[] = "演示大学";
    Xuelian__MemberRole roles[] = {XUELIAN__MEMBER_ROLE__MEMBER_ROLE_OPEN_ACCOUNTS,
                                   XUELIAN__MEMBER_ROLE__MEMBER_ROLE_DEPOSIT};
    xuelian__member__init(&member);
    keys[0].key = field_borrow(key, 33);
    keys[1].key = field_borrow(key, 33);
    keys[1].from_height = 300;
    node.key = field_borrow(key, 33);
    node.role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    node.addresses = addresses;
    node.n_addresses = 1;
    member.id = 4;
    member.kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_UNIVERSITY;
    member.name_zh = name_zh;
    member.roles = roles;
    member.n_roles = 2;
    member.keys = key_pointers;
    member.n_keys = 2;
    member.nodes = &node_pointer;
    member.n_nodes = 1;
    return canonical_encode(out, &member.base);
}

static void test_round_trip(void **state)
{
    uint8_t bytes[512];
    uint8_t again[512];
    ProtobufCMessage *message = NULL;
    size_t size = sample_member(bytes);
    (void)state;
    assert_int_equal(decode(&message, &xuelian__member__descriptor, bytes_of(bytes, size)), ST_OK);
    assert_int_equal(canonical_size(message), size);
    assert_int_equal(canonical_encode(again, message), size);
    assert_memory_equal(bytes, again, size);
    assert_string_equal(((Xuelian__Member *)(void *)message)->name_zh, "演示大学");
}

/* Whatever the bytes become, they are refused or have exactly that one form. */
static void test_mutations(void **state)
{
    uint8_t sample[512];
    size_t size = sample_member(sample);
    uint32_t random = 12345;
    unsigned accepted = 0;
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t bytes[512];
        uint8_t again[1024];
        ProtobufCMessage *message = NULL;
        memcpy(bytes, sample, size);
        for (unsigned change = 0; change <= round % 3; change++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % size] = (uint8_t)(random >> 24);
        }
        size_t cut = round % 7 == 0 ? (random >> 9) % (size + 1) : size;
        if (decode(&message, &xuelian__member__descriptor, bytes_of(bytes, cut)) != ST_OK) {
            continue;
        }
        accepted++;
        assert_int_equal(canonical_encode(again, message), cut);
        assert_memory_equal(bytes, again, cut);
    }
    assert_true(accepted > 1000);
}

static void test_small_arena(void **state)
{
    uint8_t bytes[512];
    uint64_t little[8];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t size = sample_member(bytes);
    (void)state;
    for (size_t room = 0; room <= sizeof little; room++) {
        arena_init(&arena, little, room);
        assert_int_equal(
            canonical_decode(&message, &xuelian__member__descriptor, bytes_of(bytes, size), &arena),
            ST_NO_MEMORY);
        assert_null(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_forms),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_small_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
