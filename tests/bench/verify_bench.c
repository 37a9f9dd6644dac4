/* What a proof costs: its size, and the CPU time of verifying it against that of its signature checks alone. By hand:
 * build it in an optimised tree and run it; it takes no argument. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ledger/verify/xuelian_verify.h"
#include "proto/bytes.h"
#include "proto/quorum.h"
#include "proto/sign.h"
#include "tests/unit/verify/build.h"

enum { ROUNDS = 200, MILLIONS = 65, SMALL_DEPTH = 3, LARGE_DEPTH = 26 };

static struct verify_result result;
static uint8_t scratch[1 << 21];

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double signature_us(void)
{
    uint8_t secret[32] = {[31] = 7};
    struct signer *signer = NULL;
    struct hash32 hash = {{1}};
    struct sig64 signature;
    if (signer_new(&signer, secret) != ST_OK) {
        abort();
    }
    signer_sign(signer, &hash, &signature);
    double start = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        if (!sign_verify(signer_key(signer), &hash, &signature)) {
            abort();
        }
    }
    double each = (cpu_us() - start) / ROUNDS;
    signer_free(signer);
    return each;
}

/* Signatures that verifying a proof must check: the quorum's, and one for each item that carries its issuer's. */
static void measure(struct world *world, const char *what, struct built proof, uint32_t signatures,
                    size_t deeper)
{
    struct bytes bytes = bytes_of(proof.data, proof.size);
    double each = signature_us();
    double start = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        if (verify_proof(&result, world_genesis(world), bytes, NULL, scratch, sizeof scratch) !=
            ST_OK) {
            abort();
        }
    }
    double whole = (cpu_us() - start) / ROUNDS;
    printf("%-44s %7zu bytes (%zu of %u million accounts) %9.0f us, %3u signatures alone %9.0f us: "
           "%.2f times\n",
           what, proof.size, proof.size + deeper, (unsigned)MILLIONS, whole, (unsigned)signatures,
           each * signatures, whole / (each * signatures));
    built_free(&proof);
}

static void measure_network(uint32_t validators)
{
    char what[64];
    const size_t deeper = (size_t)(LARGE_DEPTH - SMALL_DEPTH) * 32;
    struct build_plan plan = {
        .validators = validators, .items = 100, .bulk = 1000, .accounts = 6, .no_issuer = true};
    struct world *world = world_new(&plan);
    uint32_t quorum = quorum_size(validators);
    snprintf(what, sizeof what, "n = %u, record", (unsigned)validators);
    measure(world, what, world_record(world, 2), quorum, deeper);
    snprintf(what, sizeof what, "n = %u, archive of 100", (unsigned)validators);
    measure(world, what, world_archive(world), quorum, deeper);
    world_free(world);
    plan.no_issuer = false;
    world = world_new(&plan);
    snprintf(what, sizeof what, "n = %u, record, signed", (unsigned)validators);
    measure(world, what, world_record(world, 2), quorum + 1, deeper);
    snprintf(what, sizeof what, "n = %u, archive of 100, signed", (unsigned)validators);
    /* Item 3 of the builder shows its history instead of a signature. */
    measure(world, what, world_archive(world), quorum + 99, deeper);
    world_free(world);
}

int main(void)
{
    measure_network(4);
    measure_network(20);
    return 0;
}
