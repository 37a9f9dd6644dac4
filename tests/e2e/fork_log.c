/* Writes one more block into the log of a stopped node, as traitors would: empty, certified, and whatever it says.
 *
 * fork_log NETWORK DATA SALT right|wrong NODE...: SALT makes its time another; wrong: with another state root than the
 * state has; signed by these nodes of a network for trials. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/keyfile/keyfile.h"
#include "ledger/ledger.h"
#include "ledger/store/block_log.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum { PATH_SIZE = 4096, FIRST_NODE = 5 };

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "fork_log: %s\n", why);
    exit(1);
}

static struct genesis read_genesis(const char *network)
{
    static uint8_t bytes[1u << 20];
    char path[PATH_SIZE];
    char why[GENESIS_ERROR_SIZE];
    struct genesis genesis;
    snprintf(path, sizeof path, "%s/network.genesis", network);
    FILE *file = fopen(path, "rbe");
    size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file == NULL || genesis_parse(&genesis, bytes_of(bytes, size), why) != ST_OK) {
        stop("no genesis file");
    }
    fclose(file);
    return genesis;
}

static struct signer *read_key(const char *network, const char *node)
{
    char path[PATH_SIZE];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    char error[512];
    struct signer *signer = NULL;
    snprintf(path, sizeof path, "%s/node-%s/passphrase", network, node);
    if (keyfile_passphrase(path, passphrase, error, sizeof error) != ST_OK) {
        stop(error);
    }
    snprintf(path, sizeof path, "%s/node-%s/node.key", network, node);
    if (keyfile_read(path, passphrase, &signer, error, sizeof error) != ST_OK) {
        stop(error);
    }
    return signer;
}

static struct kv *open_kv(const char *data, const char *name)
{
    struct kv_options options = {
        .cache_size = 8u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10};
    char path[PATH_SIZE];
    char error[512];
    struct kv *kv = NULL;
    snprintf(path, sizeof path, "%s/%s", data, name);
    if (kv_open_leveldb(&kv, path, &options, error, sizeof error) != ST_OK) {
        stop(error);
    }
    return kv;
}

/* A COMMIT certificate of view 0 by the nodes named. */
static size_t certify(uint8_t *out, const struct validator_set *set, const struct header *header,
                      const char *network, char **nodes, int count)
{
    struct certificate certificate = {.phase = VOTE_COMMIT, .height = header->height};
    struct hash32 hash;
    header_hash(&certificate.header_hash, header);
    vote_hash(&hash, TAG_SIGN_COMMIT, &header->chain_id, set->era, 0, header->height,
              &certificate.header_hash);
    for (uint8_t i = 0; i < set->count; i++) {
        for (int k = 0; k < count; k++) {
            struct signer *signer = read_key(network, nodes[k]);
            if (pubkey33_compare(signer_key(signer), &set->validators[i].key) == 0) {
                certificate.signers[certificate.count] = i;
                signer_sign(signer, &hash, &certificate.signatures[certificate.count++]);
            }
            signer_free(signer);
        }
    }
    return certificate_encode(out, &certificate, set->count);
}

int main(int count, char **values)
{
    char error[512];
    struct ledger *ledger = NULL;
    struct block_log *log = NULL;
    struct ledger_block *made = NULL;
    uint8_t certificate[CERTIFICATE_SIZE_MAX];
    uint32_t bad = 0;
    if (count <= FIRST_NODE) {
        stop("usage: fork_log NETWORK DATA SALT right|wrong NODE...");
    }
    struct genesis genesis = read_genesis(values[1]);
    struct kv *state = open_kv(values[2], "state");
    if (block_log_open_to_read(&log, open_kv(values[2], "log"), &genesis.chain_id, error,
                               sizeof error) != ST_OK ||
        ledger_open(&ledger, state, &genesis, error, sizeof error) != ST_OK) {
        stop(error);
    }
    struct ledger_proposal proposal = {.parent_hash = *ledger_tip_hash(ledger),
                                       .time_ms = ledger_tip(ledger)->time_ms + 1000 +
                                                  strtoull(values[3], NULL, 10)};
    if (ledger_execute(ledger, &proposal, &made, &bad) != ST_OK) {
        stop("the block cannot be executed");
    }
    struct header header = made->header;
    header.state_root.bytes[0] ^= strcmp(values[4], "wrong") == 0 ? 1 : 0;
    size_t size = certify(certificate, ledger_set(ledger), &header, values[1], values + FIRST_NODE,
                          count - FIRST_NODE);
    enum status status = block_log_append(log, &header, bytes_of(certificate, size), NULL, 0,
                                          bytes_of(NULL, 0), true);
    ledger_block_free(made);
    ledger_close(ledger);
    kv_close(state);
    block_log_close(log);
    genesis_free(&genesis);
    return status == ST_OK ? 0 : 1;
}
