#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/keyfile/keyfile.h"
#include "node/driver/driver.h"
#include "node/rpc/rpc.h"
#include "node/store.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "version.h"

enum { VERIFY_QUEUE = 4096, STORAGE_QUEUE = 1024 };

void node_fatal(const char *what, enum status status)
{
    log_event(LOG_ERROR, "fatal", "%s: %s. The process ends; nothing that was promised is lost",
              what, status_en(status));
    _exit(1);
}

static uint8_t *read_file(const char *path, size_t size_max, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *bytes = malloc(size_max + 1);
    CHECK(bytes != NULL);
    *size = fread(bytes, 1, size_max + 1, file);
    fclose(file);
    return bytes;
}

static enum status read_genesis(struct node *node, char *error)
{
    char why[GENESIS_ERROR_SIZE];
    node->genesis_bytes =
        read_file(node->config.genesis, LIMIT_GENESIS_SIZE_MAX, &node->genesis_size);
    if (node->genesis_bytes == NULL) {
        snprintf(error, NODE_ERROR_SIZE, "the genesis file %s cannot be read (%s)",
                 node->config.genesis, strerror(errno));
        return ST_NOT_FOUND;
    }
    enum status status =
        genesis_parse(&node->genesis, bytes_of(node->genesis_bytes, node->genesis_size), why);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "%s: %s", node->config.genesis, why);
    }
    return status;
}

static enum status read_key(struct node *node, char *error)
{
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    enum status status =
        keyfile_passphrase(node->config.passphrase_file, passphrase, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status =
            keyfile_read(node->config.key_file, passphrase, &node->signer, error, NODE_ERROR_SIZE);
    }
    wipe(passphrase, sizeof passphrase);
    return status;
}

/* This node's record in genesis, and every node's, for the peers. */
static uint32_t list_nodes(const struct genesis *genesis, struct peer_known *known)
{
    const Xuelian__Genesis *message = genesis->message;
    uint32_t count = 0;
    for (size_t i = 0; i < message->n_members; i++) {
        for (size_t k = 0; k < message->members[i]->n_nodes && count < PEERS_MAX; k++) {
            const Xuelian__Node *node = message->members[i]->nodes[k];
            struct peer_known *peer = &known[count];
            if (!field_copy(&peer->key, 33, &node->key)) {
                continue;
            }
            peer->member = message->members[i]->id;
            peer->role = node->role;
            snprintf(peer->address, sizeof peer->address, "%s",
                     node->n_addresses > 0 ? node->addresses[0] : "");
            count++;
        }
    }
    return count;
}

static const struct peer_known *find_own(const struct node *node, const struct peer_known *known,
                                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pubkey33_compare(&known[i].key, signer_key(node->signer)) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static unsigned cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 16 ? 16 : (unsigned)count;
}

static enum status start_parts(struct node *node, const struct peer_known *known, uint32_t count,
                               const struct peer_known *own, char *error)
{
    CHECK(inbox_init(&node->inbox, node->loop) == 0);
    node->verifier = worker_start("verify", cores(), VERIFY_QUEUE);
    node->executor = worker_start("execute", 1, STORAGE_QUEUE);
    node->journal_writer = worker_start("journal", 1, STORAGE_QUEUE);
    node->log_writer = worker_start("log", 1, STORAGE_QUEUE);
    node->reader = worker_start("read", 1, 64);
    struct peers_config peers = {.loop = node->loop,
                                 .listen = node->config.peer_listen,
                                 .chain_id = node->genesis.chain_id,
                                 .role = own->role,
                                 .signer = node->signer,
                                 .software = XUELIAN_VERSION,
                                 .known = known,
                                 .known_count = count,
                                 .context = node,
                                 .up = driver_peer_up,
                                 .down = driver_peer_down,
                                 .frame = driver_frame};
    enum status status = peers_start(&node->peers, &peers, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status = driver_start(&node->driver, node, error);
    }
    if (status == ST_OK) {
        status = rpc_start(&node->rpc, node, node->config.rpc_listen, node->config.local_listen,
                           error, NODE_ERROR_SIZE);
    }
    return status;
}

enum status node_start(struct node *node, const struct node_config *config, uv_loop_t *loop,
                       char error[NODE_ERROR_SIZE])
{
    struct peer_known *known = calloc(PEERS_MAX, sizeof *known);
    CHECK(known != NULL);
    *node = (struct node){.config = *config, .loop = loop, .lock_file = -1};
    error[0] = '\0';
    enum status status = read_genesis(node, error);
    uint32_t count = status == ST_OK ? list_nodes(&node->genesis, known) : 0;
    const struct peer_known *own = NULL;
    if (status == ST_OK) {
        status = read_key(node, error);
    }
    if (status == ST_OK && (own = find_own(node, known, count)) == NULL) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the key in %s is not a node key of this chain; use the key of a node that the "
                 "genesis file lists",
                 config->key_file);
        status = ST_FOREIGN;
    }
    if (status == ST_OK) {
        status = store_open(node, error);
    }
    if (status == ST_OK) {
        node->follow = node->follow || own->role != XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
        status = start_parts(node, known, count, own, error);
    }
    free(known);
    return status;
}

void node_stop(struct node *node)
{
    if (node->driver != NULL) {
        driver_stop(node->driver);
    }
    if (node->rpc != NULL) {
        rpc_stop(node->rpc);
    }
    if (node->peers != NULL) {
        peers_stop(node->peers);
    }
    /* What was posted is finished: votes and blocks that were begun are on disk. */
    struct worker **workers[] = {&node->verifier, &node->reader, &node->executor,
                                 &node->journal_writer, &node->log_writer};
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        if (*workers[i] != NULL) {
            worker_stop(*workers[i]);
            *workers[i] = NULL;
        }
    }
    inbox_drain(&node->inbox);
    if (node->driver != NULL && driver_unsynced(node->driver) &&
        block_log_sync(node->block_log) != ST_OK) {
        node_fatal("the block log could not be written", ST_IO);
    }
    inbox_close(&node->inbox);
    if (node->rpc != NULL) {
        rpc_free(node->rpc);
        node->rpc = NULL;
    }
}

void node_free(struct node *node)
{
    if (node->driver != NULL) {
        driver_free(node->driver);
    }
    if (node->peers != NULL) {
        peers_free(node->peers);
    }
    store_close(node);
    signer_free(node->signer);
    if (node->genesis.message != NULL) {
        genesis_free(&node->genesis);
    }
    free(node->genesis_bytes);
}

/* The incarnation that genesis gives a key. */
static uint64_t incarnation_of(const struct node *node)
{
    int index = validator_set_find(&node->genesis.set, signer_key(node->signer));
    return index < 0 ? 0 : node->genesis.set.validators[index].incarnation;
}

enum status node_init(const struct node_config *config, char error[NODE_ERROR_SIZE])
{
    struct node *node = calloc(1, sizeof *node);
    CHECK(node != NULL);
    *node = (struct node){.config = *config, .lock_file = -1};
    error[0] = '\0';
    enum status status = read_genesis(node, error);
    if (status == ST_OK) {
        status = read_key(node, error);
    }
    if (status == ST_OK) {
        status = store_create(node, incarnation_of(node), error);
    }
    node_free(node);
    free(node);
    return status;
}
