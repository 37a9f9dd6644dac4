/* Lists of an envelope that a hostile sender made long: refused by their length, and never by whether
 * there was memory for them. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "tests/unit/ledger/support.h"

enum { ELEMENTS = 200000 }; /* two bytes each: within the size of a transaction */

static struct genesis genesis;
static uint8_t long_list[2 * ELEMENTS];
static uint8_t wire[LIMIT_TX_SIZE_MAX + 64];
static uint8_t body_bytes[LIMIT_TX_SIZE_MAX];
static uint64_t arena_memory[TX_ARENA_SIZE / 8];

static int start(void **state)
{
    (void)state;
    genesis = support_genesis();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    genesis_free(&genesis);
    return 0;
}

/* Empty elements of a field. */
static void fill(uint32_t field)
{
    for (size_t i = 0; i < ELEMENTS; i++) {
        long_list[2 * i] = (uint8_t)(field << 3 | 2);
        long_list[2 * i + 1] = 0;
    }
}

static size_t put_bytes(uint8_t *out, uint32_t field, const uint8_t *data, size_t size)
{
    size_t at = 0;
    out[at++] = (uint8_t)(field << 3 | 2);
    for (size_t rest = size;; rest >>= 7) {
        out[at++] = (uint8_t)((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
        if (rest < 0x80) {
            break;
        }
    }
    memcpy(out + at, data, size);
    return at + size;
}

static enum status parse(size_t size)
{
    struct arena arena;
    struct tx tx;
    assert_true(size <= LIMIT_TX_SIZE_MAX);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    return tx_parse(&tx, bytes_of(wire, size), &genesis.chain_id, &arena);
}

static Xuelian__TxCommon common_of(Xuelian__TxKind kind, const struct hash32 *commitment)
{
    static const uint8_t nonce[16] = {1};
    Xuelian__TxCommon common = XUELIAN__TX_COMMON__INIT;
    common.chain_id = field_borrow(&genesis.chain_id, 32);
    common.valid_until = 50;
    common.nonce = field_borrow(nonce, 16);
    common.kind = kind;
    common.payload_commitment = field_borrow(commitment, 32);
    return common;
}

static void test_many_signatures(void **state)
{
    struct hash32 zero = {{0}};
    Xuelian__TxCommon common = common_of(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &zero);
    uint8_t common_bytes[256];
    (void)state;
    size_t common_size = canonical_encode(common_bytes, &common.base);
    size_t body_size = put_bytes(body_bytes, 1, common_bytes, common_size);
    size_t size = put_bytes(wire, 1, body_bytes, body_size);
    fill(2);
    memcpy(wire + size, long_list, sizeof long_list);
    assert_int_equal(parse(size + sizeof long_list), ST_BAD_SIGNERS);
}

static void test_many_signers(void **state)
{
    struct hash32 zero = {{0}};
    Xuelian__TxCommon common = common_of(XUELIAN__TX_KIND__TX_KIND_DEPOSIT, &zero);
    static uint8_t common_bytes[LIMIT_TX_SIZE_MAX];
    uint8_t tail[128];
    (void)state;
    /* Fields 1 and 2, the list, then the rest. */
    fill(3);
    size_t size = put_bytes(common_bytes, 1, genesis.chain_id.bytes, 32);
    common_bytes[size++] = 2 << 3;
    common_bytes[size++] = 50;
    memcpy(common_bytes + size, long_list, sizeof long_list);
    size += sizeof long_list;
    common.chain_id.len = 0;
    common.valid_until = 0;
    size_t tail_size = canonical_encode(tail, &common.base);
    memcpy(common_bytes + size, tail, tail_size);
    size_t body_size = put_bytes(body_bytes, 1, common_bytes, size + tail_size);
    assert_int_equal(parse(put_bytes(wire, 1, body_bytes, body_size)), ST_BAD_SIGNERS);
}

static void test_many_items(void **state)
{
    struct hash32 zero = {{0}};
    const uint8_t key[33] = {2, 1};
    const uint8_t signature[64] = {1};
    Xuelian__TxCommon common = common_of(XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, &zero);
    Xuelian__Signer signer = XUELIAN__SIGNER__INIT;
    Xuelian__Signer *signers = &signer;
    uint8_t common_bytes[256];
    (void)state;
    signer.member = 2;
    signer.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    signer.key = field_borrow(key, 33);
    common.signers = &signers;
    common.n_signers = 1;
    size_t common_size = canonical_encode(common_bytes, &common.base);
    size_t body_size = put_bytes(body_bytes, 1, common_bytes, common_size);
    fill(1);
    body_size += put_bytes(body_bytes + body_size, 2, long_list, sizeof long_list);
    size_t size = put_bytes(wire, 1, body_bytes, body_size);
    size += put_bytes(wire + size, 2, signature, 64);
    assert_int_equal(parse(size), ST_BAD_SIZE);
}

/* The largest lists that are allowed fit the arena with fields as long as the whole leaves room for. */
static void test_the_arena_suffices(void **state)
{
    const ProtobufCMessage *items[LIMIT_BULK_ITEMS_MAX];
    static Xuelian__Outcome outcomes[LIMIT_BULK_ITEMS_MAX];
    static uint8_t filler[300];
    struct hash32 learner = support_learner(1);
    const uint32_t members[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct tx tx;
    struct arena arena;
    (void)state;
    for (uint32_t i = 0; i < LIMIT_BULK_ITEMS_MAX; i++) {
        support_outcome(&outcomes[i], &learner);
        outcomes[i].reference = field_borrow(filler, i == LIMIT_BULK_ITEMS_MAX - 1 ? 300 : 16);
        outcomes[i].details_root = field_borrow(filler, 32);
        items[i] = &outcomes[i].base;
    }
    struct bytes bytes = support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, items,
                                    LIMIT_BULK_ITEMS_MAX, members, 8, 50, 1);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    assert_int_equal(tx_parse(&tx, bytes, &genesis.chain_id, &arena), ST_BAD_SIZE); /* the last */
    support_free(bytes);
}

/* What no batch can hold is refused before it waits. */
static void test_too_much_for_a_batch(void **state)
{
    const ProtobufCMessage *items[2];
    Xuelian__Outcome outcomes[2];
    struct hash32 learner = support_learner(1);
    const uint32_t member = 2;
    Xuelian__Params params;
    struct kv *kv = NULL;
    struct arena arena;
    struct tx tx;
    (void)state;
    params_defaults(&params);
    kv_open_memory(&kv);
    for (uint32_t i = 0; i < 2; i++) {
        support_outcome(&outcomes[i], &learner);
        items[i] = &outcomes[i].base;
    }
    struct bytes bytes =
        support_tx(&genesis, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK, items, 2, &member, 1, 50, 1);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    assert_int_equal(tx_parse(&tx, bytes, &genesis.chain_id, &arena), ST_OK);
    params.batch_work = ledger_work(&tx);
    params.batch_bytes = bytes.size;
    assert_int_equal(ledger_check(kv, &params, &tx, 1), ST_OK);
    params.batch_work--;
    assert_int_equal(ledger_check(kv, &params, &tx, 1), ST_BAD_SIZE);
    params.batch_work++;
    params.batch_bytes--;
    assert_int_equal(ledger_check(kv, &params, &tx, 1), ST_BAD_SIZE);
    support_free(bytes);
    kv_close(kv);
}

/* Walks the schemas of all payloads: a byte field whose name has no size would be an assertion reached from
 * outside. */
static void check_schema(const ProtobufCMessageDescriptor *schema, uint32_t depth)
{
    assert_true(depth < 6);
    for (unsigned i = 0; i < schema->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &schema->fields[i];
        if (field->type == PROTOBUF_C_TYPE_BYTES && !tx_field_known(field->name)) {
            print_error("%s.%s has no row in ledger/tx/form.c\n", schema->name, field->name);
            fail();
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            check_schema(field->descriptor, depth + 1);
        }
    }
}

static void test_kinds(void **state)
{
    const struct tx_kind *kind;
    (void)state;
    for (uint32_t i = 0; (kind = tx_kind_at(i)) != NULL; i++) {
        check_schema(kind->item, 0);
        assert_ptr_equal(tx_kind_of(kind->kind), kind);
        assert_ptr_equal(tx_kind_named(kind->name), kind);
        assert_true(i == 0 || tx_kind_at(i - 1)->kind < kind->kind);
        assert_non_null(
            protobuf_c_enum_descriptor_get_value(&xuelian__tx_kind__descriptor, (int)kind->kind));
    }
    assert_null(tx_kind_of(XUELIAN__TX_KIND__TX_KIND_UNSPECIFIED));
    assert_null(tx_kind_named("deposits"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_many_signers),
        cmocka_unit_test(test_many_items),
        cmocka_unit_test(test_the_arena_suffices),
        cmocka_unit_test(test_too_much_for_a_batch),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
