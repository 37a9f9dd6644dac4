/* The verifier on any genesis and proof. Input: flags, genesis size (4 bytes, big-endian), genesis, proof.
 *
 * Nothing a proof says is believed before its hash agrees and its signatures hold, so a blind mutation ends
 * there. With flag 1 every comparison of hashes and every signature succeeds, and the rest is reached.
 * With flag 2 likewise, and the proof is its own history file. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/verify/xuelian_verify.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/sign.h"

enum { FLAG_HISTORY = 2, HEAD_SIZE = 5, REPORT_SIZE = 1 << 16 };

const uint8_t fuzz_flags_count = 3;
const uint32_t fuzz_mutations = 400;

static bool lenient;

bool __real_hash32_equal(const struct hash32 *a, const struct hash32 *b);
bool __wrap_hash32_equal(const struct hash32 *a, const struct hash32 *b);
bool __real_sign_verify(const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *sig);
bool __wrap_sign_verify(const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *sig);

bool __wrap_hash32_equal(const struct hash32 *a, const struct hash32 *b)
{
    return __real_hash32_equal(a, b) || lenient;
}

bool __wrap_sign_verify(const struct pubkey33 *key, const struct hash32 *hash,
                        const struct sig64 *sig)
{
    return lenient || __real_sign_verify(key, hash, sig);
}

size_t fuzz_input(uint8_t *out, uint8_t flags, struct bytes genesis, struct bytes body)
{
    CHECK(HEAD_SIZE + genesis.size + body.size <= FUZZ_INPUT_SIZE_MAX);
    out[0] = flags;
    be32_put(out + 1, (uint32_t)genesis.size);
    memcpy(out + HEAD_SIZE, genesis.data, genesis.size);
    memcpy(out + HEAD_SIZE + genesis.size, body.data, body.size);
    return HEAD_SIZE + genesis.size + body.size;
}

static void check_report(const struct verify_result *result, enum verify_language language)
{
    static char text[REPORT_SIZE];
    size_t length = verify_report(text, sizeof text, result, language);
    size_t written = strlen(text);
    CHECK(written > 0 && written < sizeof text && written <= length);
    CHECK(length >= sizeof text || written == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verify_result result;
    struct verify_options options = {.now_ms = 1, .max_age_ms = 1};
    if (size < HEAD_SIZE) {
        return 0;
    }
    size_t genesis_size = be32_get(data + 1);
    size_t rest = size - HEAD_SIZE;
    genesis_size = genesis_size < rest ? genesis_size : rest;
    struct bytes genesis = bytes_of(data + HEAD_SIZE, genesis_size);
    struct bytes proof = bytes_of(data + HEAD_SIZE + genesis_size, rest - genesis_size);
    size_t scratch_size = VERIFY_SCRATCH_SIZE(genesis.size, 2 * proof.size);
    void *scratch = malloc(scratch_size);
    CHECK(scratch != NULL);
    lenient = data[0] != 0;
    options.history = data[0] == FLAG_HISTORY ? proof : bytes_of(NULL, 0);
    enum status status = verify_proof(&result, genesis, proof, &options, scratch, scratch_size);
    CHECK(status == result.status && (status == ST_OK) == (result.fault == VERIFY_FAULT_NONE));
    /* The scratch that the header promises is enough always is. */
    CHECK(result.fault != VERIFY_FAULT_SCRATCH);
    CHECK(status != ST_OK || result.signer_count > 0);
    check_report(&result, VERIFY_ENGLISH);
    check_report(&result, VERIFY_CHINESE);
    free(scratch);
    return 0;
}
