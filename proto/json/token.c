#include "proto/json/token.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

enum { PART_MAX = 768, DIGITS_MAX = 10 };

/* ---- base64url without padding, RFC 7515 section 2 ---- */

static size_t encode(char *out, const void *data, size_t size)
{
    size_t length = (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)size);
    while (length > 0 && out[length - 1] == '=') {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    out[length] = '\0';
    return length;
}

/* Returns the size, or -1. out has room for PART_MAX bytes. */
static int decode(uint8_t *out, const char *text, size_t size)
{
    unsigned char padded[PART_MAX + 4];
    if (size == 0 || size > PART_MAX || size % 4 == 1) {
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '+' || c == '/' || c == '=' || (unsigned char)c <= ' ') {
            return -1;
        }
        padded[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    size_t whole = (size + 3) / 4 * 4;
    memset(padded + size, '=', whole - size);
    int got = EVP_DecodeBlock(out, padded, (int)whole);
    return got < 0 ? -1 : got - (int)(whole - size);
}

/* ---- Making ---- */

size_t token_make(char text[TOKEN_SIZE_MAX], struct token *token, const struct signer *signer,
                  const struct hash32 *chain, const struct pubkey33 *node, uint64_t now_s)
{
    char part[PART_MAX];
    char kid[HEX_SIZE(33)];
    char chain_hex[HEX_SIZE(32)];
    char node_hex[HEX_SIZE(33)];
    char issuer[80] = "learner:";
    struct hash32 hash;
    struct sig64 signature;
    token->key = *signer_key(signer);
    token->issued_s = now_s;
    token->expires_s = now_s + TOKEN_LIFE_S;
    hex_encode(kid, token->key.bytes, 33);
    hex_encode(chain_hex, chain->bytes, 32);
    hex_encode(node_hex, node->bytes, 33);
    if (token->member != 0) {
        snprintf(issuer, sizeof issuer, "member:%u", token->member);
    } else {
        hex_encode(issuer + strlen(issuer), token->learner.bytes, 32);
    }
    int size =
        snprintf(part, sizeof part, "{\"alg\":\"ES256K\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
    size_t at = encode(text, part, (size_t)size);
    text[at++] = '.';
    size = snprintf(part, sizeof part,
                    "{\"iss\":\"%s\",\"aud\":[\"%s\",\"%s\"],\"iat\":%llu,\"exp\":%llu}", issuer,
                    chain_hex, node_hex, (unsigned long long)token->issued_s,
                    (unsigned long long)token->expires_s);
    at += encode(text + at, part, (size_t)size);
    hash_plain(&hash, text, at);
    signer_sign(signer, &hash, &signature);
    text[at++] = '.';
    at += encode(text + at, signature.bytes, sizeof signature.bytes);
    CHECK(at < TOKEN_SIZE_MAX);
    return at;
}

/* ---- Reading ---- */

static bool wrong(char why[TOKEN_WHY_SIZE], const char *text)
{
    snprintf(why, TOKEN_WHY_SIZE, "%s", text);
    return false;
}

static json_t *part_json(const char *text, size_t size)
{
    uint8_t data[PART_MAX + 4];
    int got = decode(data, text, size);
    json_t *object =
        got <= 0 ? NULL : json_loadb((const char *)data, (size_t)got, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool read_header(struct token *token, const json_t *header, char why[TOKEN_WHY_SIZE])
{
    const char *kid = json_string_value(json_object_get(header, "kid"));
    const json_t *type = json_object_get(header, "typ");
    if (!is_text(json_object_get(header, "alg"), "ES256K")) {
        return wrong(why, "the token's alg is not ES256K");
    }
    if (json_object_get(header, "crit") != NULL || (type != NULL && !is_text(type, "JWT"))) {
        return wrong(why, "the token's header asks for what is not known here: typ or crit");
    }
    if (kid == NULL || hex_decode(token->key.bytes, 33, kid, strlen(kid)) != ST_OK) {
        return wrong(why, "the token's kid is not the signing key in 66 hexadecimal digits");
    }
    return true;
}

static bool read_issuer(struct token *token, const char *issuer, char why[TOKEN_WHY_SIZE])
{
    static const char *const words = "the token's iss is neither member:NUMBER nor learner:ID";
    token->member = 0;
    if (issuer != NULL && strncmp(issuer, "learner:", 8) == 0) {
        return hex_decode(token->learner.bytes, 32, issuer + 8, strlen(issuer + 8)) == ST_OK ||
               wrong(why, words);
    }
    if (issuer == NULL || strncmp(issuer, "member:", 7) != 0 || issuer[7] < '1' ||
        issuer[7] > '9' || strlen(issuer + 7) > DIGITS_MAX) {
        return wrong(why, words);
    }
    uint64_t number = 0;
    for (const char *digit = issuer + 7; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return wrong(why, words);
        }
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    token->member = (uint32_t)number;
    return number <= UINT32_MAX || wrong(why, words);
}

static bool has_audience(const json_t *audience, const void *id, size_t size)
{
    char text[HEX_SIZE(33)];
    hex_encode(text, id, size);
    for (size_t i = 0; i < json_array_size(audience); i++) {
        if (is_text(json_array_get(audience, i), text)) {
            return true;
        }
    }
    return false;
}

static bool read_claims(struct token *token, const json_t *claims, const struct hash32 *chain,
                        const struct pubkey33 *node, uint64_t now_s, char why[TOKEN_WHY_SIZE])
{
    const json_t *audience = json_object_get(claims, "aud");
    json_int_t issued = json_integer_value(json_object_get(claims, "iat"));
    json_int_t expires = json_integer_value(json_object_get(claims, "exp"));
    if (!read_issuer(token, json_string_value(json_object_get(claims, "iss")), why)) {
        return false;
    }
    if (!has_audience(audience, chain, 32) || !has_audience(audience, node, 33)) {
        return wrong(why,
                     "the token's aud does not list this chain's id and this node's key, which "
                     "/v1/network and /v1/network/tls give");
    }
    if (issued <= 0 || expires <= issued || expires - issued > TOKEN_LIFE_S) {
        return wrong(why, "the token lives longer than 300 s: exp is at most iat + 300");
    }
    token->issued_s = (uint64_t)issued;
    token->expires_s = (uint64_t)expires;
    if (token->issued_s > now_s + TOKEN_SKEW_S) {
        return wrong(why, "the token is of the future; set the clock that made it");
    }
    return now_s <= token->expires_s + TOKEN_SKEW_S ||
           wrong(why, "the token has expired; make a new one, or set the clock that made it");
}

enum status token_read(struct token *token, const char *text, size_t size,
                       const struct hash32 *chain, const struct pubkey33 *node, uint64_t now_s,
                       char why[TOKEN_WHY_SIZE])
{
    uint8_t data[PART_MAX + 4];
    struct hash32 hash;
    struct sig64 signature;
    const char *first = size < TOKEN_SIZE_MAX ? memchr(text, '.', size) : NULL;
    const char *second =
        first == NULL ? NULL : memchr(first + 1, '.', size - (size_t)(first + 1 - text));
    memset(token, 0, sizeof *token);
    if (second == NULL) {
        wrong(why, "the token is not of the form header.claims.signature");
        return ST_BAD_TOKEN;
    }
    size_t signed_size = (size_t)(second - text);
    json_t *header = part_json(text, (size_t)(first - text));
    json_t *claims = part_json(first + 1, (size_t)(second - first - 1));
    bool fine =
        header != NULL && claims != NULL
            ? read_header(token, header, why) && read_claims(token, claims, chain, node, now_s, why)
            : wrong(why, "the token's header or claims are not a JSON object in base64url");
    json_decref(header);
    json_decref(claims);
    if (fine && decode(data, second + 1, size - signed_size - 1) != (int)sizeof signature.bytes) {
        fine = wrong(why, "the token's signature is not 64 bytes in base64url");
    }
    if (fine) {
        memcpy(signature.bytes, data, sizeof signature.bytes);
        sign_low_s(&signature);
        hash_plain(&hash, text, signed_size);
        fine = sign_verify(&token->key, &hash, &signature) ||
               wrong(why, "the token's signature does not fit its kid");
    }
    return fine ? ST_OK : ST_BAD_TOKEN;
}
