/* pbft_message_parse: what is not a message is refused, part by part. */
#include "tests/unit/cmocka_all.h"

#include "consensus/pbft.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/memory.h"

static uint8_t zeros[256];
static const struct hash32 chain_id;

static ProtobufCBinaryData of_size(size_t size)
{
    return field_borrow(zeros, size);
}

static enum status parse(uint8_t type, const ProtobufCMessage *message)
{
    struct arena arena;
    struct pbft_message out;
    void *scratch = sim_new(PBFT_PARSE_SCRATCH_SIZE);
    uint8_t *bytes = sim_new(canonical_size(message));
    size_t size = canonical_encode(bytes, message);
    arena_init(&arena, scratch, PBFT_PARSE_SCRATCH_SIZE);
    enum status status = pbft_message_parse(&out, type, bytes_of(bytes, size), &chain_id, &arena);
    free(bytes);
    free(scratch);
    return status;
}

static void test_pre_prepare(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, TOO_LONG = 161 * 1024 };
    Xuelian__PrePrepare good = XUELIAN__PRE_PREPARE__INIT;
    (void)state;
    good.era = 1;
    good.height = 1;
    good.proposal = of_size(40);
    good.signature = of_size(64);
    assert_int_equal(parse(TYPE, &good.base), ST_OK);
    Xuelian__PrePrepare bad = good;
    bad.era = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.height = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.proposal = of_size(0);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.signature = of_size(63);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    uint8_t *longer = sim_new(TOO_LONG);
    bad.proposal = field_borrow(longer, TOO_LONG);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_SIZE);
    free(longer);
}

static void test_vote(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE };
    Xuelian__Vote good = XUELIAN__VOTE__INIT;
    (void)state;
    good.phase = XUELIAN__PHASE__PHASE_COMMIT;
    good.era = 1;
    good.height = 1;
    good.header_hash = of_size(32);
    good.signature = of_size(64);
    assert_int_equal(parse(TYPE, &good.base), ST_OK);
    Xuelian__Vote bad = good;
    bad.era = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.height = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.header_hash = of_size(31);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.phase = (Xuelian__Phase)0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.signature = of_size(0);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
}

static void good_change(Xuelian__ViewChange *out)
{
    *out = (Xuelian__ViewChange)XUELIAN__VIEW_CHANGE__INIT;
    out->era = 1;
    out->new_view = 1;
    out->committed_hash = of_size(32);
    out->signature = of_size(64);
}

static void test_view_change(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE };
    Xuelian__ViewChange one;
    (void)state;
    good_change(&one);
    assert_int_equal(parse(TYPE, &one.base), ST_OK);
    one.prepared_header = of_size(9);
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING); /* without its certificate */
    one.prepared_certificate = of_size(9);
    assert_int_equal(parse(TYPE, &one.base), ST_OK); /* judged later */
    good_change(&one);
    one.era = 0;
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    good_change(&one);
    one.new_view = 0;
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    one.new_view = UINT64_MAX; /* a view that has no next one */
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    good_change(&one);
    one.committed_hash = of_size(33);
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    good_change(&one);
    one.signature = of_size(65);
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    good_change(&one);
    one.committed_header = of_size(9); /* genesis is known to all */
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    good_change(&one);
    one.committed_certificate = of_size(9);
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
    one.committed_height = 1; /* a header is missing */
    assert_int_equal(parse(TYPE, &one.base), ST_BAD_ENCODING);
}

static void test_new_view(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW };
    Xuelian__NewView good = XUELIAN__NEW_VIEW__INIT;
    ProtobufCBinaryData changes[LIMIT_VALIDATORS_MAX + 1];
    (void)state;
    for (size_t i = 0; i <= LIMIT_VALIDATORS_MAX; i++) {
        changes[i] = of_size(8);
    }
    good.era = 1;
    good.new_view = 1;
    good.view_changes = changes;
    good.n_view_changes = 3;
    good.signature = of_size(64);
    assert_int_equal(parse(TYPE, &good.base), ST_OK);
    Xuelian__NewView bad = good;
    bad.era = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.new_view = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad.new_view = UINT64_MAX;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.n_view_changes = 0;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad.n_view_changes = LIMIT_VALIDATORS_MAX + 1;
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
    bad = good;
    bad.signature = of_size(0);
    assert_int_equal(parse(TYPE, &bad.base), ST_BAD_ENCODING);
}

/* Of every number, known or not: bytes that are no message are refused, and what is not the core's is not taken. */
static void test_any_type(void **state)
{
    uint8_t noise[64];
    struct arena arena;
    void *scratch = sim_new(PBFT_PARSE_SCRATCH_SIZE);
    (void)state;
    memset(noise, 0xff, sizeof noise);
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        struct pbft_message out = {.type = 0};
        arena_init(&arena, scratch, PBFT_PARSE_SCRATCH_SIZE);
        enum status status = pbft_message_parse(&out, (uint8_t)type, bytes_of(noise, sizeof noise),
                                                &chain_id, &arena);
        if (!pbft_takes((uint8_t)type)) {
            assert_int_equal(status, ST_UNKNOWN_KIND);
        } else if (out.has_signer) {
            assert_int_not_equal(status, ST_OK);
        }
    }
    free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pre_prepare), cmocka_unit_test(test_vote),
        cmocka_unit_test(test_view_change), cmocka_unit_test(test_new_view),
        cmocka_unit_test(test_any_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
