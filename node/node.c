#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/keyfile/keyfile.h"
#include "node/driver/driver.h"
#include "node/membership.h"
#include "node/recovery.h"
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

/* Whom to meet, from the state that was opened. */
static enum status read_membership(struct node *node, struct membership *out, char *error)
{
    struct ledger_view view;
    char key[HEX_SIZE(33)];
    enum status status = ledger_view_open(&view, node->state_kv);
    if (status == ST_OK) {
        status = membership_read(out, &view, ledger_set(node->ledger), &node->config,
                                 signer_key(node->signer));
        ledger_view_close(&view);
    }
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the member records cannot be read (%s); move the folder state of the data "
                 "directory away and start again: it is rebuilt from the block log",
                 status_en(status));
        return status;
    }
    if (!out->recorded) {
        hex_encode(key, signer_key(node->signer)->bytes, 33);
        log_event(LOG_WARN, "not_recorded",
                  "the key in %s is not a node key of this chain up to block %llu: other nodes "
                  "refuse it until a member record names %s; if this node is not new, check "
                  "key_file and genesis",
                  node->config.key_file, (unsigned long long)ledger_tip(node->ledger)->height, key);
    }
    return ST_OK;
}

static unsigned cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 16 ? 16 : (unsigned)count;
}

static enum status start_parts(struct node *node, const struct membership *membership, char *error)
{
    CHECK(inbox_init(&node->inbox, node->loop) == 0);
    node->verifier = worker_start("verify", cores(), VERIFY_QUEUE);
    node->executor = worker_start("execute", 1, STORAGE_QUEUE);
    node->journal_writer = worker_start("journal", 1, STORAGE_QUEUE);
    node->log_writer = worker_start("log", 1, STORAGE_QUEUE);
    node->details_writer = worker_start("details", 1, STORAGE_QUEUE);
    node->reader = worker_start("read", 1, 64);
    struct peers_config peers = {.loop = node->loop,
                                 .listen = node->config.peer_listen,
                                 .chain_id = node->genesis.chain_id,
                                 .role = membership->role,
                                 .signer = node->signer,
                                 .software = XUELIAN_VERSION,
                                 .known = membership->known,
                                 .known_count = membership->count,
                                 .context = node,
                                 .up = driver_peer_up,
                                 .down = driver_peer_down,
                                 .frame = driver_frame};
    enum status status = peers_start(&node->peers, &peers, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status = driver_start(&node->driver, node, membership, error);
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
    struct membership *membership = calloc(1, sizeof *membership);
    CHECK(membership != NULL);
    *node = (struct node){.config = *config, .loop = loop, .lock_file = -1};
    error[0] = '\0';
    enum status status = read_genesis(node, error);
    if (status == ST_OK) {
        status = read_key(node, error);
    }
    if (status == ST_OK) {
        status = store_open(node, error);
    }
    if (status == ST_OK) {
        status = recovery_load(node, &node->recovery, error);
    }
    if (status == ST_OK) {
        status = read_membership(node, membership, error);
    }
    if (status == ST_OK) {
        status = start_parts(node, membership, error);
    }
    free(membership);
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
    struct worker **workers[] = {&node->verifier,       &node->reader,     &node->executor,
                                 &node->journal_writer, &node->log_writer, &node->details_writer};
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
    recovery_free(node->recovery);
    signer_free(node->signer);
    if (node->genesis.message != NULL) {
        genesis_free(&node->genesis);
    }
    free(node->genesis_bytes);
}

/* The highest incarnation that genesis gives this key. False: it has none there. */
static bool genesis_incarnation(const struct node *node, uint64_t *incarnation)
{
    const Xuelian__Genesis *message = node->genesis.message;
    bool found = false;
    for (size_t i = 0; i < message->n_members; i++) {
        for (size_t k = 0; k < message->members[i]->n_nodes; k++) {
            const Xuelian__Node *wire = message->members[i]->nodes[k];
            struct pubkey33 key;
            if (!field_copy(&key, 33, &wire->key) ||
                pubkey33_compare(&key, signer_key(node->signer)) != 0) {
                continue;
            }
            if (!found || wire->incarnation > *incarnation) {
                *incarnation = wire->incarnation;
            }
            found = true;
        }
    }
    return found;
}

struct node *node_open_bare(const struct node_config *config, enum status *status,
                            char error[NODE_ERROR_SIZE])
{
    struct node *node = calloc(1, sizeof *node);
    CHECK(node != NULL);
    *node = (struct node){.config = *config, .lock_file = -1};
    error[0] = '\0';
    *status = read_genesis(node, error);
    if (*status == ST_OK) {
        *status = read_key(node, error);
    }
    return node;
}

enum status node_init(const struct node_config *config, const uint64_t *incarnation,
                      char error[NODE_ERROR_SIZE])
{
    enum status status;
    uint64_t least = 0;
    struct node *node = node_open_bare(config, &status, error);
    bool known = status == ST_OK && genesis_incarnation(node, &least);
    if (status == ST_OK && known && incarnation != NULL && *incarnation < least) {
        snprintf(error, NODE_ERROR_SIZE,
                 "genesis gives this key incarnation %llu; a lower one could never vote",
                 (unsigned long long)least);
        status = ST_CONFLICT;
    }
    if (status == ST_OK) {
        status = store_create(node, incarnation != NULL ? *incarnation : least, error);
    }
    node_free(node);
    free(node);
    return status;
}

/* The highest number that anything here gives this key. False: nothing does. */
static bool highest_incarnation(struct node *node, uint64_t *highest)
{
    uint64_t found = 0;
    bool any = genesis_incarnation(node, highest);
    if (store_incarnation(node, &found) == ST_OK) {
        *highest = any && *highest > found ? *highest : found;
        any = true;
    }
    return any;
}

enum status node_new_journal(const struct node_config *config, uint64_t incarnation,
                             char error[NODE_ERROR_SIZE])
{
    enum status status;
    uint64_t highest = 0;
    struct node *node = node_open_bare(config, &status, error);
    if (status == ST_OK) {
        status = store_lock(node, error);
    }
    if (status == ST_OK && highest_incarnation(node, &highest) && incarnation <= highest) {
        snprintf(error, NODE_ERROR_SIZE,
                 "this key had incarnation %llu already; take a number above it, and above any "
                 "that you know of",
                 (unsigned long long)highest);
        status = ST_CONFLICT;
    }
    if (status == ST_OK) {
        status = store_renew(node, incarnation, error);
    }
    node_free(node);
    free(node);
    return status;
}
