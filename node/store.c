#include "node/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/nodes.h"
#include "node/details.h"
#include "node/recovery.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum { PATH_SIZE = CONFIG_TEXT_SIZE + 32, REPLAY_NOTE = 10000 };

enum status store_lock(struct node *node, char error[NODE_ERROR_SIZE])
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

/* Says which part is damaged, and what makes it whole again. */
static enum status damaged(struct node *node, const char *what, const char *then, char *error)
{
    snprintf(error, NODE_ERROR_SIZE,
             "the database %s/%s is damaged; move it away (mv %s/%s %s/%s.damaged) and start "
             "again: %s",
             node->config.data_dir, what, node->config.data_dir, what, node->config.data_dir, what,
             then);
    return ST_CORRUPT;
}

static enum status open_state(struct node *node, char *error)
{
    char path[PATH_SIZE];
    /* docs/capacity.md says why these: what is written is sorted in memory the longer, the fewer times it is
     * written again. */
    struct kv_options options = {.cache_size = 128u << 20,
                                 .write_buffer_size = 128u << 20,
                                 .file_size = 8u << 20,
                                 .bloom_bits = 10,
                                 .create = true};
    snprintf(path, sizeof path, "%s/state", node->config.data_dir);
    enum status status = kv_open_leveldb(&node->state_kv, path, &options, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status = ledger_open(&node->ledger, node->state_kv, &node->genesis, error, NODE_ERROR_SIZE);
    }
    return status == ST_CORRUPT ? damaged(node, "state", "it is rebuilt from the block log", error)
                                : status;
}

static enum status log_damaged(struct node *node, char *error)
{
    return damaged(
        node, "log",
        "the blocks are fetched from the other nodes. Leave the vote journal where it is", error);
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
    return status == ST_CORRUPT ? log_damaged(node, error) : status;
}

static enum status open_journal(struct node *node, char *error)
{
    enum status status =
        vote_journal_open(&node->journal, node->config.data_dir, &node->genesis.chain_id,
                          signer_key(node->signer), error, NODE_ERROR_SIZE);
    if (status == ST_JOURNAL_LOST) {
        log_event(LOG_ERROR, "journal_lost", "%s", error);
        return ST_OK;
    }
    if (status == ST_OK && error[0] != '\0') {
        log_event(LOG_WARN, "journal_healed", "%s", error);
    }
    return status;
}

static enum status replay_recovery(struct node *node, const struct stored_block *block,
                                   struct ledger_block **made)
{
    char why[NODE_ERROR_SIZE];
    uint32_t member = 0;
    struct node_recovery *recovery = recovery_read(&node->genesis, block->recovery, why);
    enum status status = recovery == NULL
                             ? ST_DIVERGED
                             : ledger_recover(node->ledger, &recovery->recovery, made, &member);
    recovery_free(recovery);
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
        return log_damaged(node, error);
    }
    struct ledger_proposal proposal = {.parent_hash = block.header.parent_hash,
                                       .time_ms = block.header.time_ms,
                                       .txs = block.txs,
                                       .count = block.tx_count};
    status = block.recovery.size > 0 ? replay_recovery(node, &block, &made)
                                     : ledger_execute(node->ledger, &proposal, &made, &bad);
    if (status == ST_OK && !hash32_equal(&made->hash, &block.hash)) {
        ledger_block_free(made);
        status = ST_DIVERGED;
    } else if (status == ST_OK) {
        status = ledger_apply(node->ledger, made);
    }
    if (status == ST_CORRUPT) {
        (void)damaged(node, "state", "it is rebuilt from the block log", error);
    } else if (status != ST_OK) {
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
        return log_damaged(node, error);
    }
    if (!state_fits(node, &tip)) {
        status = rebuild_state(node, error);
    }
    struct merkle_frontier before;
    uint64_t base = 0;
    uint64_t from = status == ST_OK ? ledger_tip(node->ledger)->height + 1 : 0;
    if (status == ST_OK && block_log_base(node->block_log, &base, &before) != ST_OK) {
        return log_damaged(node, error);
    }
    if (status == ST_OK && from <= base) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the block log begins at block %llu, with a snapshot, and the state of that block "
                 "is not here; move state and log away from %s and restore a snapshot (xueliand "
                 "restore), or start without them: then all blocks are fetched. Leave the vote "
                 "journal where it is",
                 (unsigned long long)base, node->config.data_dir);
        return ST_CORRUPT;
    }
    if (status == ST_OK && from <= tip.height) {
        log_event(LOG_INFO, "replay", "replaying blocks %llu to %llu", (unsigned long long)from,
                  (unsigned long long)tip.height);
    }
    for (uint64_t height = from; status == ST_OK && height <= tip.height; height++) {
        status = replay_one(node, height, error);
        if (height % REPLAY_NOTE == 0) {
            log_event(LOG_INFO, "replay", "at block %llu of %llu", (unsigned long long)height,
                      (unsigned long long)tip.height);
        }
    }
    return status;
}

static enum status open_details(struct node *node, char *error)
{
    char path[PATH_SIZE];
    struct kv *kv = NULL;
    struct kv_options options = {
        .cache_size = 8u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10, .create = true};
    snprintf(path, sizeof path, "%s/details", node->config.data_dir);
    enum status status = kv_open_leveldb(&kv, path, &options, error, NODE_ERROR_SIZE);
    if (status == ST_OK) {
        status = details_store_open(&node->details, kv);
        if (status != ST_OK) {
            kv_close(kv);
        }
    }
    return status == ST_CORRUPT
               ? damaged(node, "details", "the details are fetched from the other nodes", error)
               : status;
}

enum status store_open(struct node *node, char error[NODE_ERROR_SIZE])
{
    /* The journal first: it was there before the others, which are made when they are missing, and says whose
     * directory this is. */
    enum status status = store_lock(node, error);
    if (status == ST_OK) {
        status = open_journal(node, error);
    }
    if (status == ST_OK) {
        status = open_log(node, error);
    }
    if (status == ST_OK) {
        status = open_state(node, error);
    }
    if (status == ST_OK) {
        status = replay(node, error);
    }
    if (status == ST_OK) {
        status = open_details(node, error);
    }
    if (status == ST_OK) {
        status = details_catch_up(node, error);
    }
    return status;
}

void store_close(struct node *node)
{
    vote_journal_close(node->journal);
    ledger_close(node->ledger);
    if (node->state_kv != NULL) {
        kv_close(node->state_kv);
    }
    details_store_close(node->details);
    block_log_close(node->block_log);
    if (node->lock_file >= 0) {
        close(node->lock_file);
    }
}

/* The directory of a new node, locked against another init. Returns its descriptor, or -1. */
static int make_directory(const struct node *node, char *error)
{
    const char *path = node->config.data_dir;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the directory %s cannot be made (%s); check the disk and permissions", path,
                 strerror(errno));
        return -1;
    }
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the directory %s cannot be locked (%s); is another init at work in it?", path,
                 strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return -1;
    }
    return file;
}

/* LOCK comes last: it says that all else is there. */
static enum status make_lock(const struct node *node, int directory, char *error)
{
    int file = openat(directory, "LOCK", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || fsync(directory) != 0) {
        snprintf(error, NODE_ERROR_SIZE,
                 "%s/LOCK cannot be made (%s); check the disk and permissions",
                 node->config.data_dir, strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return ST_IO;
    }
    close(file);
    return ST_OK;
}

enum status store_create(struct node *node, uint64_t incarnation, char error[NODE_ERROR_SIZE])
{
    const char *path = node->config.data_dir;
    int directory = make_directory(node, error);
    if (directory < 0) {
        return ST_IO;
    }
    enum status status = ST_OK;
    if (faccessat(directory, "LOCK", F_OK, 0) == 0) {
        snprintf(error, NODE_ERROR_SIZE,
                 "%s is a data directory already; it is never made anew over an old one, because "
                 "its vote journal would be forgotten",
                 path);
        status = ST_CONFLICT;
    }
    if (status == ST_OK) {
        status = vote_journal_unmake(path, error, NODE_ERROR_SIZE);
    }
    if (status == ST_OK) {
        status = vote_journal_create(path, &node->genesis.chain_id, signer_key(node->signer),
                                     incarnation, error, NODE_ERROR_SIZE);
    }
    if (status == ST_OK) {
        status = make_lock(node, directory, error);
    }
    close(directory);
    return status;
}

/* ---- A new incarnation ---- */

struct own_record {
    const struct pubkey33 *key;
    bool found;
    uint64_t incarnation;
};

static void find_own(void *context, const struct ledger_node *node)
{
    struct own_record *own = context;
    if (pubkey33_compare(&node->key, own->key) == 0) {
        own->incarnation = own->found && own->incarnation > node->incarnation ? own->incarnation
                                                                              : node->incarnation;
        own->found = true;
    }
}

/* What the state says, when there is one that can be read. */
static void read_record(struct node *node, struct own_record *own)
{
    char path[PATH_SIZE];
    char error[512];
    struct ledger_view view;
    uint64_t until = 0;
    struct kv *kv = NULL;
    struct kv_options options = {
        .cache_size = 8u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10, .create = false};
    snprintf(path, sizeof path, "%s/state", node->config.data_dir);
    if (access(path, F_OK) != 0 ||
        kv_open_leveldb(&kv, path, &options, error, sizeof error) != ST_OK) {
        return;
    }
    if (ledger_view_open(&view, kv) == ST_OK) {
        (void)ledger_view_nodes(&view, find_own, own, &until);
        ledger_view_close(&view);
    }
    kv_close(kv);
}

enum status store_incarnation(struct node *node, uint64_t *incarnation)
{
    struct own_record own = {.key = signer_key(node->signer)};
    uint64_t journal = 0;
    read_record(node, &own);
    if (vote_journal_peek(node->config.data_dir, &node->genesis.chain_id, own.key, &journal) ==
        ST_OK) {
        own.incarnation = own.found && own.incarnation > journal ? own.incarnation : journal;
        own.found = true;
    }
    *incarnation = own.incarnation;
    return own.found ? ST_OK : ST_NOT_FOUND;
}

enum status store_renew(struct node *node, uint64_t incarnation, char error[NODE_ERROR_SIZE])
{
    const char *path = node->config.data_dir;
    const struct pubkey33 *key = signer_key(node->signer);
    uint64_t before = 0;
    if (vote_journal_peek(path, &node->genesis.chain_id, key, &before) == ST_FOREIGN) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the vote journal in %s belongs to another chain or another node key; use the "
                 "data directory that fits this genesis file and key",
                 path);
        return ST_FOREIGN;
    }
    enum status status = vote_journal_retire(path, incarnation, error, NODE_ERROR_SIZE);
    return status == ST_OK ? vote_journal_create(path, &node->genesis.chain_id, key, incarnation,
                                                 error, NODE_ERROR_SIZE)
                           : status;
}
