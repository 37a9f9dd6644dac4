#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/keyfile/keyfile.h"
#include "node/driver.h"
#include "node/rpc/rpc.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "version.h"

enum { VERIFY_QUEUE = 4096, STORAGE_QUEUE = 1024, PATH_SIZE = CONFIG_TEXT_SIZE + 32 };

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

static enum status open_directory(struct node *node, char *error)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/LOCK", node->config.data_dir);
    node->lock_file = open(path, O_RDWR | O_CLOEXEC);
    if (node->lock_file < 0) {
        snprintf(error, NODE_ERROR_SIZE,
                 "%s is not a data directory; make it with: xueliand init --config FILE",
                 node->config.data_dir);
        return ST_NOT_FOUND;
    }
    if (flock(node->lock_file, LOCK_EX | LOCK_NB) != 0) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the data directory %s is used by another process; stop that one first",
                 node->config.data_dir);
        return ST_LOCKED;
    }
    return ST_OK;
}

static enum status open_state(struct node *node, char *error)
{
    char path[PATH_SIZE];
    struct kv_options options = {
        .cache_size = 256u << 20, .write_buffer_size = 32u << 20, .bloom_bits = 10, .create = true};
    snprintf(path, sizeof path, "%s/state", node->config.data_dir);
    enum status status = kv_open_leveldb(&node->state_kv, path, &options, error, NODE_ERROR_SIZE);
    return status == ST_OK
               ? ledger_open(&node->ledger, node->state_kv, &node->genesis, error, NODE_ERROR_SIZE)
               : status;
}

static enum status open_log(struct node *node, char *error)
{
    char path[PATH_SIZE];
    struct kv *kv = NULL;
    struct kv_options options = {
        .cache_size = 32u << 20, .write_buffer_size = 16u << 20, .bloom_bits = 10, .create = true};
    snprintf(path, sizeof path, "%s/log", node->config.data_dir);
    enum status status = kv_open_leveldb(&kv, path, &options, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status = block_log_open(&node->block_log, kv, &node->genesis.chain_id,
                                signer_key(node->signer), error, NODE_ERROR_SIZE);
        if (status != ST_OK) {
            kv_close(kv);
        }
    }
    return status;
}

static enum status open_journal(struct node *node, char *error)
{
    enum status status =
        vote_journal_open(&node->journal, node->config.data_dir, &node->genesis.chain_id,
                          signer_key(node->signer), error, NODE_ERROR_SIZE);
    if (status == ST_JOURNAL_LOST) {
        log_event(LOG_ERROR, "journal_lost", "%s", error);
        node->follow = true;
        return ST_OK;
    }
    if (status == ST_OK && error[0] != '\0') {
        log_event(LOG_WARN, "journal_healed", "%s", error);
    }
    return status;
}

/* The state lags the block log after a crash: execute what is missing and hold it to the headers. */
static enum status replay_one(struct node *node, uint64_t height, char *error)
{
    struct stored_block block;
    struct ledger_block *made = NULL;
    uint32_t bad = 0;
    enum status status = block_log_get(node->block_log, height, &block);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE,
                 "block %llu in the log is damaged; move the data directory's log away and let the "
                 "node fetch it from its peers",
                 (unsigned long long)height);
        return ST_CORRUPT;
    }
    struct ledger_proposal proposal = {.parent_hash = block.header.parent_hash,
                                       .time_ms = block.header.time_ms,
                                       .txs = block.txs,
                                       .count = block.tx_count};
    status = ledger_execute(node->ledger, &proposal, &made, &bad);
    if (status == ST_OK && !hash32_equal(&made->hash, &block.hash)) {
        ledger_block_free(made);
        status = ST_DIVERGED;
    } else if (status == ST_OK) {
        status = ledger_apply(node->ledger, made);
    }
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE,
                 "replaying block %llu gave another result than the certified one (%s); keep the "
                 "data directory and report it",
                 (unsigned long long)height, status_en(status));
    }
    stored_block_free(&block);
    return status;
}

/* Throws the state away, to be replayed from the log: it is ahead of it after a loss of power. */
static enum status rebuild_state(struct node *node, char *error)
{
    char command_path[PATH_SIZE];
    char away[PATH_SIZE + 16];
    ledger_close(node->ledger);
    kv_close(node->state_kv);
    node->ledger = NULL;
    node->state_kv = NULL;
    snprintf(command_path, sizeof command_path, "%s/state", node->config.data_dir);
    snprintf(away, sizeof away, "%s.old-%ld", command_path, (long)getpid());
    log_event(
        LOG_WARN, "state_rebuild",
        "the state does not fit the block log; it is rebuilt from the log, the old one is in %s",
        away);
    if (rename(command_path, away) != 0) {
        snprintf(error, NODE_ERROR_SIZE, "%s cannot be moved away (%s)", command_path,
                 strerror(errno));
        return ST_IO;
    }
    return open_state(node, error);
}

static bool state_fits(struct node *node, const struct block_tip *tip)
{
    const struct header *header = ledger_tip(node->ledger);
    uint8_t *certified = NULL;
    size_t size = 0;
    uint64_t height = 0;
    if (header->height > tip->height) {
        return false;
    }
    if (header->height == 0) {
        return true;
    }
    bool fits =
        block_log_get_certified(node->block_log, header->height, &certified, &size) == ST_OK &&
        block_log_find(node->block_log, ledger_tip_hash(node->ledger), &height) == ST_OK &&
        height == header->height;
    kv_free(certified);
    return fits;
}

static enum status replay(struct node *node, char *error)
{
    struct block_tip tip;
    enum status status = block_log_tip(node->block_log, &tip);
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE, "the block log cannot be read: %s", status_en(status));
        return status;
    }
    if (!state_fits(node, &tip)) {
        status = rebuild_state(node, error);
    }
    uint64_t from = status == ST_OK ? ledger_tip(node->ledger)->height + 1 : 0;
    if (status == ST_OK && from <= tip.height) {
        log_event(LOG_INFO, "replay", "replaying blocks %llu to %llu", (unsigned long long)from,
                  (unsigned long long)tip.height);
    }
    for (uint64_t height = from; status == ST_OK && height <= tip.height; height++) {
        status = replay_one(node, height, error);
    }
    return status;
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
        status = open_directory(node, error);
    }
    if (status == ST_OK) {
        status = open_log(node, error);
    }
    if (status == ST_OK) {
        status = open_state(node, error);
    }
    if (status == ST_OK) {
        status = open_journal(node, error);
    }
    if (status == ST_OK) {
        status = replay(node, error);
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
    if (node->rpc != NULL) {
        rpc_stop(node->rpc);
        node->rpc = NULL;
    }
    if (node->driver != NULL) {
        driver_stop(node->driver);
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
    if (node->inbox.async.data != NULL) {
        inbox_close(&node->inbox);
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
    vote_journal_close(node->journal);
    ledger_close(node->ledger);
    kv_close(node->state_kv);
    block_log_close(node->block_log);
    signer_free(node->signer);
    if (node->genesis.message != NULL) {
        genesis_free(&node->genesis);
    }
    free(node->genesis_bytes);
    if (node->lock_file >= 0) {
        close(node->lock_file);
    }
}

/* The incarnation that genesis gives a key. */
static uint64_t incarnation_of(const struct node *node)
{
    int index = validator_set_find(&node->genesis.set, signer_key(node->signer));
    return index < 0 ? 0 : node->genesis.set.validators[index].incarnation;
}

static enum status make_directory(const char *path, char *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return ST_OK;
    }
    snprintf(error, NODE_ERROR_SIZE, "the directory %s cannot be made (%s)", path, strerror(errno));
    return ST_IO;
}

enum status node_init(const struct node_config *config, char error[NODE_ERROR_SIZE])
{
    struct node *node = calloc(1, sizeof *node);
    char path[PATH_SIZE];
    CHECK(node != NULL);
    *node = (struct node){.config = *config, .lock_file = -1};
    enum status status = read_genesis(node, error);
    if (status == ST_OK) {
        status = read_key(node, error);
    }
    if (status == ST_OK) {
        status = make_directory(config->data_dir, error);
    }
    if (status == ST_OK) {
        status =
            vote_journal_create(config->data_dir, &node->genesis.chain_id, signer_key(node->signer),
                                incarnation_of(node), error, NODE_ERROR_SIZE);
    }
    if (status == ST_OK) {
        snprintf(path, sizeof path, "%s/LOCK", config->data_dir);
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0) {
            snprintf(error, NODE_ERROR_SIZE, "%s cannot be made (%s)", path, strerror(errno));
            status = ST_IO;
        } else {
            close(file);
        }
    }
    node_free(node);
    free(node);
    return status;
}
