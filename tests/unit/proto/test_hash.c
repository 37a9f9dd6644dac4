/* Hashes against published answers, tags against a recomputation, byte helpers. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/hash.h"
#include "proto/quorum.h"
#include "proto/status.h"

static void assert_hash(const struct hash32 *hash, const char *hex)
{
    char text[HEX_SIZE(32)];
    hex_encode(text, hash->bytes, 32);
    assert_string_equal(text, hex);
}

static void test_fips_180(void **state)
{
    struct hash32 hash;
    (void)state;
    hash_plain(&hash, "abc", 3);
    assert_hash(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_plain(&hash, "", 0);
    assert_hash(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    hash_plain(&hash, two_blocks, strlen(two_blocks));
    assert_hash(&hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_rfc_4231(void **state)
{
    struct hash32 hash;
    uint8_t key[131];
    (void)state;
    hash_hmac(&hash, bytes_of("Jefe", 4), bytes_of("what do ya want for nothing?", 28));
    assert_hash(&hash, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    const char *data = "Test Using Larger Than Block-Size Key - Hash Key First";
    hash_hmac(&hash, bytes_of(key, sizeof key), bytes_of(data, strlen(data)));
    assert_hash(&hash, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_tags_are_their_texts(void **state)
{
    (void)state;
    for (int tag = 0; tag < TAG_COUNT; tag++) {
        const char *text = hash_tag_text((enum hash_tag)tag);
        struct hash32 digest;
        struct hash32 by_hand;
        struct hash32 tagged;
        uint8_t message[64 + 3];
        hash_plain(&digest, text, strlen(text));
        assert_true(hash32_equal(&digest, hash_tag_digest((enum hash_tag)tag)));
        memcpy(message, digest.bytes, 32);
        memcpy(message + 32, digest.bytes, 32);
        memcpy(message + 64, "abc", 3);
        hash_plain(&by_hand, message, sizeof message);
        hash_tagged(&tagged, (enum hash_tag)tag, "abc", 3);
        assert_true(hash32_equal(&by_hand, &tagged));
        for (int other = 0; other < tag; other++) {
            assert_string_not_equal(text, hash_tag_text((enum hash_tag)other));
        }
    }
}

static void test_leaf_and_node_prefixes(void **state)
{
    struct hash32 leaf;
    struct hash32 node;
    struct hash32 by_hand;
    uint8_t message[65] = {0};
    (void)state;
    memcpy(message + 1, hash_tag_digest(TAG_LEAF_TX)->bytes, 32);
    memset(message + 33, 7, 32);
    hash_plain(&by_hand, message, 65);
    hash_leaf(&leaf, TAG_LEAF_TX, message + 33, 32);
    assert_true(hash32_equal(&leaf, &by_hand));
    message[0] = 1;
    hash_plain(&by_hand, message, 65);
    hash_node(&node, (const struct hash32 *)(const void *)(message + 1),
              (const struct hash32 *)(const void *)(message + 33));
    assert_true(hash32_equal(&node, &by_hand));
}

static void test_hex(void **state)
{
    uint8_t out[2] = {1, 2};
    (void)state;
    assert_int_equal(hex_decode(out, 2, "aBcd", 4), ST_OK);
    assert_int_equal(out[0], 0xab);
    assert_int_equal(out[1], 0xcd);
    assert_int_equal(hex_decode(out, 2, "abcg", 4), ST_BAD_HEX);
    assert_int_equal(hex_decode(out, 2, "abc", 3), ST_BAD_HEX);
    assert_int_equal(hex_decode(out, 2, "abcdef", 6), ST_BAD_HEX);
    assert_int_equal(out[0], 0xab);
}

static void test_quorums(void **state)
{
    static const uint32_t table[][2] = {{1, 1},  {2, 2},   {3, 2},   {4, 3},  {5, 4},
                                        {6, 4},  {7, 5},   {8, 6},   {9, 6},  {10, 7},
                                        {13, 9}, {16, 11}, {20, 14}, {31, 21}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(quorum_size(table[i][0]), table[i][1]);
    }
    for (uint32_t n = 1; n <= 1000; n++) {
        uint32_t f = quorum_faulty(n);
        uint32_t q = quorum_size(n);
        assert_true(3 * f + 1 <= n && 3 * (f + 1) + 1 > n);
        assert_true(2 * q >= n + f + 1);      /* two quorums share an honest one */
        assert_true(2 * (q - 1) < n + f + 1); /* and no smaller number does */
        assert_true(q <= n - f);              /* the honest alone are a quorum */
        assert_int_equal(quorum_weak(n), f + 1);
    }
}

static void test_statuses(void **state)
{
    static const enum status all[] = {
#define X(name, number, class, en, zh) ST_##name,
        STATUS_TABLE(X)
#undef X
    };
    size_t count = sizeof all / sizeof all[0];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(status_known((uint32_t)all[i]));
        assert_true(strlen(status_en(all[i])) > 0 && strlen(status_zh(all[i])) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_true(all[i] != all[j]);
        }
    }
    assert_int_equal(status_class(ST_DUPLICATE), STATUS_CLASS_RULE);
    assert_int_equal(status_class(ST_IO), STATUS_CLASS_FATAL);
    assert_false(status_known(99));
    assert_string_equal(status_name((enum status)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fips_180),
        cmocka_unit_test(test_rfc_4231),
        cmocka_unit_test(test_tags_are_their_texts),
        cmocka_unit_test(test_leaf_and_node_prefixes),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_quorums),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
