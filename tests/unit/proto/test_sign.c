/* Signatures: a published RFC 6979 answer, and everything that must be refused. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/sign.h"

static struct signer *make_signer(uint8_t last)
{
    uint8_t secret[32] = {0};
    struct signer *signer = NULL;
    secret[31] = last;
    assert_int_equal(signer_new(&signer, secret), ST_OK);
    return signer;
}

/* secp256k1 with SHA-256, private key 1, "Satoshi Nakamoto": the vector most libraries test. */
static void test_rfc_6979(void **state)
{
    struct signer *signer = make_signer(1);
    struct hash32 hash;
    struct sig64 sig;
    char text[HEX_SIZE(64)];
    (void)state;
    hash_plain(&hash, "Satoshi Nakamoto", 16);
    signer_sign(signer, &hash, &sig);
    hex_encode(text, sig.bytes, 64);
    assert_string_equal(text, "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
                              "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
    assert_true(sign_verify(signer_key(signer), &hash, &sig));
    signer_free(signer);
}

static void test_refusals(void **state)
{
    struct signer *signer = make_signer(7);
    struct signer *other = make_signer(8);
    struct hash32 hash;
    struct sig64 sig;
    (void)state;
    hash_plain(&hash, "x", 1);
    signer_sign(signer, &hash, &sig);
    assert_true(sign_verify(signer_key(signer), &hash, &sig));
    assert_false(sign_verify(signer_key(other), &hash, &sig));
    for (size_t bit = 0; bit < 512; bit++) {
        struct sig64 bad = sig;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(sign_verify(signer_key(signer), &hash, &bad));
    }
    hash.bytes[0] ^= 1;
    assert_false(sign_verify(signer_key(signer), &hash, &sig));
    struct pubkey33 broken = *signer_key(signer);
    broken.bytes[0] = 5;
    assert_false(sign_key_valid(&broken));
    assert_false(sign_verify(&broken, &hash, &sig));
    signer_free(signer);
    signer_free(other);
}

/* s -> n - s verifies in plain ECDSA; here it is another signature and refused. */
static void test_high_s_refused(void **state)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    struct signer *signer = make_signer(9);
    struct hash32 hash;
    struct sig64 sig;
    int borrow = 0;
    (void)state;
    hash_plain(&hash, "y", 1);
    signer_sign(signer, &hash, &sig);
    for (int i = 31; i >= 0; i--) {
        int digit = order[i] - sig.bytes[32 + i] - borrow;
        borrow = digit < 0;
        sig.bytes[32 + i] = (uint8_t)(digit + (borrow ? 256 : 0));
    }
    assert_false(sign_verify(signer_key(signer), &hash, &sig));
    signer_free(signer);
}

static void test_bad_secrets(void **state)
{
    uint8_t secret[32] = {0};
    struct signer *signer = NULL;
    (void)state;
    assert_int_equal(signer_new(&signer, secret), ST_BAD_KEY);
    memset(secret, 0xff, sizeof secret);
    assert_int_equal(signer_new(&signer, secret), ST_BAD_KEY);
    assert_null(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_6979),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_high_s_refused),
        cmocka_unit_test(test_bad_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
