/* Tokens: what is made is read; every other thing is refused with its reason. */
#include "tests/unit/cmocka_all.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/json/token.h"

enum { NOW = 1800000000 };

static const struct hash32 chain = {{1, 2, 3}};
static const struct pubkey33 node = {{2, 9, 9}};
static struct signer *signer;

static int setup(void **state)
{
    static const uint8_t secret[32] = {[31] = 7};
    (void)state;
    assert_int_equal(signer_new(&signer, secret), ST_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    signer_free(signer);
    return 0;
}

static size_t base64url(char *out, const void *data, size_t size)
{
    int length = EVP_EncodeBlock((unsigned char *)out, data, (int)size);
    while (length > 0 && out[length - 1] == '=') {
        length--;
    }
    for (int i = 0; i < length; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    return (size_t)length;
}

/* A token of any header and claims, signed. */
static size_t forge(char *out, const char *header, const char *claims, bool high_s)
{
    struct hash32 hash;
    struct sig64 signature;
    size_t at = base64url(out, header, strlen(header));
    out[at++] = '.';
    at += base64url(out + at, claims, strlen(claims));
    hash_plain(&hash, out, at);
    signer_sign(signer, &hash, &signature);
    if (high_s) { /* n - s */
        static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                          0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                          0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
        int borrow = 0;
        for (int i = 31; i >= 0; i--) {
            int digit = order[i] - signature.bytes[32 + i] - borrow;
            borrow = digit < 0;
            signature.bytes[32 + i] = (uint8_t)(digit + (borrow ? 256 : 0));
        }
    }
    out[at++] = '.';
    at += base64url(out + at, signature.bytes, 64);
    out[at] = '\0';
    return at;
}

static enum status read_at(struct token *token, const char *text, uint64_t now,
                           char why[TOKEN_WHY_SIZE])
{
    why[0] = '\0';
    return token_read(token, text, strlen(text), &chain, &node, now, why);
}

static void test_made(void **state)
{
    char text[TOKEN_SIZE_MAX];
    char why[TOKEN_WHY_SIZE];
    struct token token = {.member = 4294967295u};
    struct token read;
    (void)state;
    size_t size = token_make(text, &token, signer, &chain, &node, NOW);
    assert_int_equal(size, strlen(text));
    for (uint64_t now = NOW - 30; now <= NOW + 330; now += 30) {
        assert_int_equal(read_at(&read, text, now, why), ST_OK);
        assert_int_equal(read.member, 4294967295u);
        assert_int_equal(pubkey33_compare(&read.key, signer_key(signer)), 0);
    }
    assert_int_equal(read_at(&read, text, NOW - 31, why), ST_BAD_TOKEN);
    assert_non_null(strstr(why, "of the future"));
    assert_int_equal(read_at(&read, text, NOW + 331, why), ST_BAD_TOKEN);
    assert_non_null(strstr(why, "has expired"));
    token = (struct token){.learner = {{5}}};
    token_make(text, &token, signer, &chain, &node, NOW);
    assert_int_equal(read_at(&read, text, NOW, why), ST_OK);
    assert_int_equal(read.member, 0);
    assert_true(hash32_equal(&read.learner, &token.learner));
    struct pubkey33 other = {{2, 9, 8}};
    assert_int_equal(token_read(&read, text, strlen(text), &chain, &other, NOW, why), ST_BAD_TOKEN);
    assert_non_null(strstr(why, "aud"));
    struct hash32 other_chain = {{1, 2, 4}};
    assert_int_equal(token_read(&read, text, strlen(text), &other_chain, &node, NOW, why),
                     ST_BAD_TOKEN);
}

/* No byte of a token can be another. */
static void test_every_byte(void **state)
{
    char text[TOKEN_SIZE_MAX];
    char why[TOKEN_WHY_SIZE];
    struct token token = {.member = 3};
    struct token read;
    (void)state;
    size_t size = token_make(text, &token, signer, &chain, &node, NOW);
    for (size_t i = 0; i < size; i++) {
        static const char others[] = "A_.b=+ \x80";
        for (size_t k = 0; k < sizeof others; k++) {
            char was = text[i];
            /* The last digit carries four bits that no byte takes. */
            if (others[k] == was || i == size - 1) {
                continue;
            }
            text[i] = others[k];
            assert_int_equal(token_read(&read, text, size, &chain, &node, NOW, why), ST_BAD_TOKEN);
            text[i] = was;
        }
    }
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(token_read(&read, text, cut, &chain, &node, NOW, why), ST_BAD_TOKEN);
    }
}

#define KID "\"kid\":\"%s\""
static const struct token_case {
    const char *header; /* %s: the key */
    const char *claims; /* %s %s: chain, node */
    const char *why;    /* NULL: read */
} cases[] = {
    {"{\"alg\":\"ES256K\"," KID "}",
     "{\"iss\":\"member:1\",\"aud\":[\"x\",\"%s\",\"%s\"],\"iat\":1800000000,\"exp\":1800000001}",
     NULL},
    {"{\"alg\":\"none\"," KID "}", "{\"aud\":[\"%s\",\"%s\"]}", "alg is not ES256K"},
    {"{\"alg\":\"HS256\"," KID "}", "{\"aud\":[\"%s\",\"%s\"]}", "alg is not ES256K"},
    {"{\"alg\":\"ES256K\",\"alg\":\"none\"," KID "}", "{\"aud\":[\"%s\",\"%s\"]}",
     "not a JSON object"},
    {"{\"alg\":\"ES256K\",\"crit\":[\"b64\"]," KID "}", "{\"aud\":[\"%s\",\"%s\"]}", "typ or crit"},
    {"{\"alg\":\"ES256K\",\"typ\":\"JOSE\"," KID "}", "{\"aud\":[\"%s\",\"%s\"]}", "typ or crit"},
    {"{\"alg\":\"ES256K\",\"kid\":\"02%.2s\"}", "{\"aud\":[\"%s\",\"%s\"]}", "kid is not"},
    {"{\"alg\":\"ES256K\"," KID "}", "[\"%s\",\"%s\"]", "not a JSON object"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"member:0\",\"aud\":[\"%s\",\"%s\"]}",
     "iss is neither"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"member:4294967296\",\"aud\":[\"%s\",\"%s\"]}", ""},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"member:1x\",\"aud\":[\"%s\",\"%s\"]}",
     "iss is neither"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"learner:00\",\"aud\":[\"%s\",\"%s\"]}",
     "iss is neither"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":7,\"aud\":[\"%s\",\"%s\"]}", "iss is neither"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"member:1\",\"aud\":\"%s %s\"}",
     "aud does not list"},
    {"{\"alg\":\"ES256K\"," KID "}", "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"0%s\"]}",
     "aud does not list"},
    {"{\"alg\":\"ES256K\"," KID "}",
     "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"%s\"],\"iat\":1800000000,\"exp\":1800000301}",
     "longer than 300 s"},
    {"{\"alg\":\"ES256K\"," KID "}",
     "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"%s\"],\"iat\":1800000000,\"exp\":1800000000}",
     "longer than 300 s"},
    {"{\"alg\":\"ES256K\"," KID "}",
     "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"%s\"],\"iat\":-1,\"exp\":100}", "longer than 300 s"},
    {"{\"alg\":\"ES256K\"," KID "}",
     "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"%s\"],\"exp\":1800000001}", "longer than 300 s"},
};

static void test_forged(void **state)
{
    char text[2048];
    char header[512];
    char claims[512];
    char why[TOKEN_WHY_SIZE];
    char key[HEX_SIZE(33)];
    char chain_hex[HEX_SIZE(32)];
    char node_hex[HEX_SIZE(33)];
    struct token read;
    (void)state;
    hex_encode(key, signer_key(signer)->bytes, 33);
    hex_encode(chain_hex, chain.bytes, 32);
    hex_encode(node_hex, node.bytes, 33);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(header, sizeof header, cases[i].header, key);
        snprintf(claims, sizeof claims, cases[i].claims, chain_hex, node_hex);
#pragma GCC diagnostic pop
        for (int high = 0; high < 2; high++) {
            forge(text, header, claims, high == 1);
            enum status status = read_at(&read, text, NOW, why);
            print_message("%s %s: %s\n", header, claims, why);
            if (cases[i].why == NULL) {
                assert_int_equal(status, ST_OK);
            } else {
                assert_int_equal(status, ST_BAD_TOKEN);
                assert_non_null(strstr(why, cases[i].why));
            }
        }
    }
}

static void test_other_key(void **state)
{
    char text[TOKEN_SIZE_MAX];
    char why[TOKEN_WHY_SIZE];
    char header[256];
    char claims[512];
    char key[HEX_SIZE(33)];
    char chain_hex[HEX_SIZE(32)];
    char node_hex[HEX_SIZE(33)];
    struct token read;
    (void)state;
    hex_encode(key, signer_key(signer)->bytes, 33);
    key[1] = key[1] == '2' ? '3' : '2'; /* the other point of that x */
    hex_encode(chain_hex, chain.bytes, 32);
    hex_encode(node_hex, node.bytes, 33);
    snprintf(header, sizeof header, "{\"alg\":\"ES256K\",\"kid\":\"%s\"}", key);
    snprintf(claims, sizeof claims,
             "{\"iss\":\"member:1\",\"aud\":[\"%s\",\"%s\"],\"iat\":1800000000,\"exp\":1800000001}",
             chain_hex, node_hex);
    forge(text, header, claims, false);
    assert_int_equal(read_at(&read, text, NOW, why), ST_BAD_TOKEN);
    assert_string_equal(why, "the token's signature does not fit its kid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_other_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
