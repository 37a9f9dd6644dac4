/* Signed transactions for the tests and benchmarks, from the keys of a network for trials.
 *
 * make_txs NETWORK MEMBER KIND FIRST COUNT VALID_UNTIL OUT
 *   KIND  open            one account a transaction, learners FIRST .. FIRST + COUNT - 1
 *         open_bulk       all of them in one transaction
 *         deposit         one outcome each, by MEMBER, for those learners
 *         deposit_same    COUNT outcomes, by MEMBER, for learner FIRST
 *         bad_signature   open, with the last byte of each signature changed
 *         wrong_chain     open, for another chain
 * OUT: each envelope after its size (4 bytes, big-endian). Standard output: an id a line.
 *
 * make_txs time COUNT: prints the nanoseconds of one signature verification on one core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/genesis.h"
#include "ledger/keyfile/keyfile.h"
#include "ledger/tx/envelope.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

struct job {
    struct genesis genesis;
    struct signer *signer;
    uint32_t member;
    uint32_t region; /* the member's own */
    const char *kind;
    uint32_t first;
    uint32_t count;
    uint64_t valid_until;
    FILE *out;
};

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "make_txs: %s\n", why);
    exit(1);
}

static uint32_t number(const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || value > UINT32_MAX) {
        stop("a number is not one");
    }
    return (uint32_t)value;
}

static void learner_of(struct hash32 *learner, uint32_t index)
{
    uint8_t bytes[4];
    be32_put(bytes, index);
    hash_plain(learner, bytes, sizeof bytes);
}

static struct bytes pack(const ProtobufCMessage *message, uint8_t *out)
{
    return bytes_of(out, canonical_encode(out, message));
}

static struct bytes opening(const struct job *job, uint32_t index, uint8_t *out)
{
    Xuelian__AccountOpening wire = XUELIAN__ACCOUNT_OPENING__INIT;
    struct hash32 learner;
    learner_of(&learner, index);
    wire.learner = field_borrow(&learner, 32);
    wire.identity_commitment = field_borrow(&learner, 32);
    wire.region = job->region;
    return pack(&wire.base, out);
}

static struct bytes outcome(const struct job *job, uint32_t index, uint8_t *out)
{
    bool same = strcmp(job->kind, "deposit_same") == 0;
    Xuelian__Outcome wire = XUELIAN__OUTCOME__INIT;
    struct hash32 learner;
    uint8_t reference[16] = {0};
    learner_of(&learner, same ? job->first : index);
    be32_put(reference, index);
    reference[4] = same ? 1 : 0;
    wire.account = field_borrow(&learner, 32);
    wire.issuer = job->member;
    wire.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_OTHER_LEARNING;
    wire.credits = 100;
    wire.hours = 1600;
    wire.award_date = 20240701;
    wire.grade_band = 2;
    wire.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION;
    wire.region = job->region;
    wire.reference = field_borrow(reference, sizeof reference);
    return pack(&wire.base, out);
}

static void write_tx(const struct job *job, Xuelian__TxKind kind, const struct bytes *items,
                     uint32_t count, uint32_t nonce)
{
    struct tx_draft draft = {.chain_id = job->genesis.chain_id,
                             .valid_until = job->valid_until,
                             .kind = kind,
                             .signer_count = 1,
                             .items = items,
                             .item_count = count};
    uint8_t *body = NULL;
    uint8_t *sealed = NULL;
    uint8_t size_bytes[4];
    char id_text[HEX_SIZE(32)];
    size_t body_size = 0;
    size_t size = 0;
    struct hash32 id;
    struct sig64 signature;
    be32_put(draft.nonce.bytes, nonce);
    be32_put(draft.nonce.bytes + 4, job->member);
    snprintf((char *)draft.nonce.bytes + 8, 8, "%s", job->kind + strlen(job->kind) - 4);
    draft.chain_id.bytes[0] ^= strcmp(job->kind, "wrong_chain") == 0 ? 1 : 0;
    draft.signers[0].role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    draft.signers[0].member = job->member;
    draft.signers[0].key = *signer_key(job->signer);
    if (tx_build(&draft, &body, &body_size, &id) != ST_OK) {
        stop("a transaction cannot be built");
    }
    signer_sign(job->signer, &id, &signature);
    signature.bytes[63] ^= strcmp(job->kind, "bad_signature") == 0 ? 1 : 0;
    if (tx_seal(body, body_size, &signature, 1, &sealed, &size) != ST_OK) {
        stop("out of memory");
    }
    be32_put(size_bytes, (uint32_t)size);
    hex_encode(id_text, id.bytes, 32);
    puts(id_text);
    if (fwrite(size_bytes, 1, 4, job->out) != 4 || fwrite(sealed, 1, size, job->out) != size) {
        stop("the file cannot be written");
    }
    free(sealed);
    free(body);
}

static void make_bulk(const struct job *job)
{
    uint8_t(*memory)[256] = calloc(job->count, sizeof *memory);
    struct bytes *items = calloc(job->count, sizeof *items);
    if (memory == NULL || items == NULL) {
        stop("out of memory");
    }
    for (uint32_t i = 0; i < job->count; i++) {
        items[i] = opening(job, job->first + i, memory[i]);
    }
    write_tx(job, XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK, items, job->count, job->first);
    free(items);
    free(memory);
}

static void make_single(const struct job *job)
{
    uint8_t memory[512];
    bool deposits = strncmp(job->kind, "deposit", 7) == 0;
    for (uint32_t i = 0; i < job->count; i++) {
        struct bytes item =
            deposits ? outcome(job, job->first + i, memory) : opening(job, job->first + i, memory);
        write_tx(job,
                 deposits ? XUELIAN__TX_KIND__TX_KIND_DEPOSIT
                          : XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN,
                 &item, 1, job->first + i);
    }
}

static void read_genesis(struct job *job, const char *network)
{
    char path[1024];
    char error[GENESIS_ERROR_SIZE];
    uint8_t *bytes = malloc(LIMIT_GENESIS_SIZE_MAX);
    snprintf(path, sizeof path, "%s/network.genesis", network);
    FILE *file = fopen(path, "rbe");
    if (bytes == NULL || file == NULL) {
        stop("the genesis file cannot be read");
    }
    size_t size = fread(bytes, 1, LIMIT_GENESIS_SIZE_MAX, file);
    fclose(file);
    if (genesis_parse(&job->genesis, bytes_of(bytes, size), error) != ST_OK) {
        stop(error);
    }
    free(bytes);
    for (size_t i = 0; i < job->genesis.message->n_members; i++) {
        if (job->genesis.message->members[i]->id == job->member) {
            job->region = job->genesis.message->members[i]->region;
        }
    }
}

static void read_key(struct job *job, const char *network)
{
    char path[1024];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    snprintf(path, sizeof path, "%s/keys/member-%u.passphrase", network, (unsigned)job->member);
    if (keyfile_passphrase(path, passphrase, error, sizeof error) != ST_OK) {
        stop(error);
    }
    snprintf(path, sizeof path, "%s/keys/member-%u.key", network, (unsigned)job->member);
    if (keyfile_read(path, passphrase, &job->signer, error, sizeof error) != ST_OK) {
        stop(error);
    }
}

static int time_verification(uint32_t count)
{
    uint8_t secret[32] = {[31] = 7};
    struct hash32 hash = {{1}};
    struct sig64 signature;
    struct signer *signer = NULL;
    struct timespec begin;
    struct timespec end;
    if (signer_new(&signer, secret) != ST_OK) {
        stop("no key");
    }
    signer_sign(signer, &hash, &signature);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint32_t i = 0; i < count; i++) {
        if (!sign_verify(signer_key(signer), &hash, &signature)) {
            stop("a good signature does not verify");
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double span = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    printf("%.0f\n", span / (double)count);
    signer_free(signer);
    return 0;
}

int main(int count, char **values)
{
    struct job job = {.first = 0};
    if (count == 3 && strcmp(values[1], "time") == 0) {
        return time_verification(number(values[2]));
    }
    if (count != 8) {
        stop("usage: make_txs NETWORK MEMBER KIND FIRST COUNT VALID_UNTIL OUT | time COUNT");
    }
    job.member = number(values[2]);
    job.kind = values[3];
    job.first = number(values[4]);
    job.count = number(values[5]);
    job.valid_until = number(values[6]);
    read_genesis(&job, values[1]);
    read_key(&job, values[1]);
    job.out = fopen(values[7], "wbe");
    if (job.out == NULL) {
        stop("the file cannot be made");
    }
    if (strcmp(job.kind, "open_bulk") == 0) {
        make_bulk(&job);
    } else {
        make_single(&job);
    }
    genesis_free(&job.genesis);
    signer_free(job.signer);
    return fclose(job.out) == 0 ? 0 : 1;
}
