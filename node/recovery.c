#include "node/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/store.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"

enum { PATH_SIZE = CONFIG_TEXT_SIZE + 32, NEWEST_SIZE = 64 * 1024 };

/* ---- Records ---- */

void recovery_free(struct node_recovery *recovery)
{
    if (recovery != NULL) {
        free(recovery->bytes);
        free(recovery->memory);
        free(recovery);
    }
}

static void say_wrong(char *error, enum status status, const struct genesis *genesis,
                      const struct recovery *recovery, uint32_t key)
{
    if (status == ST_BAD_SIGNATURE) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the signature of recovery key %u does not verify: the record or the signature "
                 "was altered; let that key sign again\n恢复密钥%u的签名无效：记录或签名被改动；请"
                 "用该密钥重新签署",
                 (unsigned)key + 1, (unsigned)key + 1);
    } else if (status == ST_RECOVERY_SIGNATURES && recovery->signature_count > 0 &&
               recovery->signature_count < genesis->recovery.threshold) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the record is signed by %u recovery keys, and this network asks for %u of %u; "
                 "let more key holders sign\n记录只有%u个恢复密钥签名，本网络要求%u个（共%u个）；"
                 "请由更多持有人签署",
                 (unsigned)recovery->signature_count, (unsigned)genesis->recovery.threshold,
                 (unsigned)genesis->recovery.count, (unsigned)recovery->signature_count,
                 (unsigned)genesis->recovery.threshold, (unsigned)genesis->recovery.count);
    } else {
        snprintf(error, NODE_ERROR_SIZE, "the recovery record is refused: %s\n恢复记录被拒绝：%s",
                 status_en(status), status_zh(status));
    }
}

struct node_recovery *recovery_read(const struct genesis *genesis, struct bytes bytes,
                                    char error[NODE_ERROR_SIZE])
{
    struct node_recovery *made = calloc(1, sizeof *made);
    struct arena arena;
    uint32_t key = 0;
    CHECK(made != NULL);
    made->memory = malloc(RECOVERY_ARENA_SIZE);
    made->bytes = malloc(bytes.size + 1);
    CHECK(made->memory != NULL && made->bytes != NULL);
    memcpy(made->bytes, bytes.data, bytes.size);
    made->size = bytes.size;
    arena_init(&arena, made->memory, RECOVERY_ARENA_SIZE);
    enum status status =
        recovery_decode(&made->recovery, bytes_of(made->bytes, made->size), false, &arena);
    if (status == ST_OK) {
        status = recovery_verify(&made->recovery, &genesis->chain_id, &genesis->recovery, &key);
    }
    if (status != ST_OK) {
        say_wrong(error, status, genesis, &made->recovery, key);
        recovery_free(made);
        return NULL;
    }
    return made;
}

/* A file of at most LIMIT_RECOVERY_SIZE_MAX bytes, malloc'ed. NULL: it cannot be read (errno), or is larger (0). */
static uint8_t *read_small(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = file == NULL ? NULL : malloc(LIMIT_RECOVERY_SIZE_MAX + 1);
    errno = file == NULL ? errno : 0;
    if (bytes != NULL) {
        *size = fread(bytes, 1, LIMIT_RECOVERY_SIZE_MAX + 1, file);
        if (*size > LIMIT_RECOVERY_SIZE_MAX) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

enum status recovery_load(const struct node *node, struct node_recovery **out,
                          char error[NODE_ERROR_SIZE])
{
    char path[PATH_SIZE];
    char why[NODE_ERROR_SIZE];
    size_t size = 0;
    *out = NULL;
    snprintf(path, sizeof path, "%s/recovery", node->config.data_dir);
    uint8_t *bytes = read_small(path, &size);
    if (bytes == NULL && errno == ENOENT) {
        return ST_OK;
    }
    if (bytes != NULL) {
        *out = recovery_read(&node->genesis, bytes_of(bytes, size), why);
    }
    free(bytes);
    if (*out == NULL) {
        snprintf(error, NODE_ERROR_SIZE,
                 "%s is damaged; give the node the recovery again: xueliand recover FILE\n"
                 "文件%s已损坏；请重新执行：xueliand recover 文件",
                 path, path);
        return ST_CORRUPT;
    }
    return ST_OK;
}

/* ---- What this node holds ---- */

/* The committed block that a VIEW-CHANGE of this node names: it carries the certificate. False: it is none. */
static bool view_change_height(struct bytes bytes, uint64_t *height)
{
    ProtobufCMessage *message = NULL;
    struct arena arena;
    size_t room = bytes.size * 2 + 65536;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool good = bytes.size == 0 || canonical_decode(&message, &xuelian__view_change__descriptor,
                                                    bytes, &arena) == ST_OK;
    *height = message != NULL
                  ? ((const Xuelian__ViewChange *)(const void *)message)->committed_height
                  : 0;
    free(memory);
    return good;
}

/* The highest block that the vote journal shows to have been certified, whatever the log has; 0 without a journal.
 * False: its newest record cannot be decoded. */
static bool journal_height(const struct node *node, uint64_t *out)
{
    const struct vote_record *newest =
        node->journal != NULL ? vote_journal_newest(node->journal) : NULL;
    ProtobufCMessage *message = NULL;
    struct arena arena;
    uint64_t height = 0;
    bool good = false;
    *out = 0;
    if (newest == NULL || newest->payload.size == 0) {
        return true;
    }
    size_t room = newest->payload.size * 2 + 65536;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    if (canonical_decode(&message, &xuelian__journal_record__descriptor, newest->payload, &arena) ==
        ST_OK) {
        const Xuelian__JournalRecord *record =
            (const Xuelian__JournalRecord *)(const void *)message;
        good = view_change_height(field_bytes(&record->view_change), &height);
        height = record->durable_height > height ? record->durable_height : height;
        height = record->base_height > height ? record->base_height : height;
        for (size_t i = 0; i < record->n_heights; i++) {
            /* A vote at a height says that the one below was certified. */
            height =
                record->heights[i]->height > height + 1 ? record->heights[i]->height - 1 : height;
        }
    }
    free(memory);
    *out = height;
    return good;
}

static enum status say_undecodable(char *text)
{
    snprintf(
        text, NODE_ERROR_SIZE,
        "the newest record of this node's vote journal cannot be decoded, so it is not known "
        "which block it shows to be certified. Use the version of "
        "xueliand that wrote it. If the record is damaged, look for newer blocks on the other "
        "nodes; then put the journal aside (xueliand new-journal --incarnation N) and name the "
        "new incarnation in a new "
        "record\n无法解析本节点投票日志的最新记录，因而不知道它表明哪个区块已被认证。请使用"
        "写入该记录的xueliand版本；若记录已损坏，请先在其他节点上寻找更新的区块，再另立投票日志（"
        "xueliand new-journal --incarnation N），并在新的记录中写明新的任期");
    return ST_CORRUPT;
}

/* True when the log has the block of this recovery. */
static bool taken_already(const struct node *node, const struct recovery *recovery)
{
    struct stored_block block;
    struct recovery *known = calloc(1, sizeof *known);
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    struct arena arena;
    bool same = false;
    CHECK(known != NULL && memory != NULL);
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    if (block_log_get(node->block_log, recovery->height + 1, &block) == ST_OK) {
        same = block.recovery.size > 0 &&
               recovery_decode(known, block.recovery, false, &arena) == ST_OK &&
               hash32_equal(&known->id, &recovery->id);
        stored_block_free(&block);
    }
    free(memory);
    free(known);
    return same;
}

static enum status check_base(const struct node *node, const struct recovery *recovery, char *text)
{
    unsigned long long base = (unsigned long long)recovery->height;
    unsigned long long tip = (unsigned long long)ledger_tip(node->ledger)->height;
    uint64_t shown = 0;
    if (!journal_height(node, &shown)) {
        return say_undecodable(text);
    }
    unsigned long long journal = (unsigned long long)shown;
    if (tip > base) {
        snprintf(
            text, NODE_ERROR_SIZE,
            "this node holds certified block %llu, above block %llu from which the recovery "
            "goes on: what is in it would be lost. Make the record from block %llu (xueliand "
            "newest here, then xuelian recovery new)\n本节点持有已认证的区块%llu，高于恢复所依据"
            "的区块%llu，其内容将会丢失；请依据区块%llu重新制作记录",
            tip, base, tip, tip, base, tip);
        return ST_RECOVERY_BASE;
    }
    if (tip == base && !hash32_equal(&recovery->header_hash, ledger_tip_hash(node->ledger))) {
        snprintf(
            text, NODE_ERROR_SIZE,
            "block %llu of this node is another than the one from which the recovery goes on; "
            "two blocks of one height are certified: keep this data directory and ask for an "
            "audit\n本节点的区块%llu与恢复所依据的区块不同；同一高度有两个已认证区块：请保留本数据"
            "目录并要求审计",
            base, base);
        return ST_RECOVERY_BASE;
    }
    if (journal > base) {
        snprintf(
            text, NODE_ERROR_SIZE,
            "this node's vote journal shows that block %llu was certified, above block %llu "
            "from which the recovery goes on, and its block log does not have it. Look for "
            "that block on the other nodes. If none has it, put this journal aside (xueliand "
            "new-journal --incarnation N) and name the new incarnation in a new record\n"
            "本节点的投票日志表明区块%llu已被认证，高于恢复所依据的区块%"
            "llu，而本节点的区块日志中没有"
            "它；请在其他节点上寻找。若都没有，请另立投票日志（xueliand new-journal --incarnation "
            "N），并在新的记录中写明新的任期",
            journal, base, journal, base);
        return ST_RECOVERY_BASE;
    }
    return ST_OK;
}

/* Whether the records allow it: known when this node is where the recovery goes on. */
static enum status check_records(const struct node *node, const struct recovery *recovery,
                                 char *text)
{
    struct ledger_block *block = NULL;
    uint32_t member = 0;
    if (ledger_tip(node->ledger)->height != recovery->height) {
        return ST_OK;
    }
    enum status status = ledger_recover(node->ledger, recovery, &block, &member);
    ledger_block_free(block);
    if (status != ST_OK) {
        snprintf(text, NODE_ERROR_SIZE,
                 "the recovery cannot be taken: member %u: %s. Make a new record\n"
                 "无法采用该恢复记录：机构%u：%s；请重新制作",
                 (unsigned)member, status_en(status), (unsigned)member, status_zh(status));
    }
    return status;
}

/* Written beside, synced, and put in place: the node reads all of it or nothing. */
static enum status keep(const struct node *node, const struct node_recovery *recovery, char *text)
{
    char path[PATH_SIZE];
    char made[PATH_SIZE + 8];
    snprintf(path, sizeof path, "%s/recovery", node->config.data_dir);
    snprintf(made, sizeof made, "%s.new", path);
    int file = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int directory = open(node->config.data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = file >= 0 && directory >= 0 &&
                write(file, recovery->bytes, recovery->size) == (ssize_t)recovery->size &&
                fsync(file) == 0 && rename(made, path) == 0 && fsync(directory) == 0;
    if (!good) {
        snprintf(text, NODE_ERROR_SIZE,
                 "%s cannot be written (%s); check the disk and permissions\n"
                 "无法写入%s（%s）；请检查磁盘与权限",
                 path, strerror(errno), path, strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
    if (directory >= 0) {
        close(directory);
    }
    return good ? ST_OK : ST_IO;
}

/* ---- xueliand recover ---- */

static void say_done(const struct node *node, const struct recovery *recovery, bool already,
                     char *text)
{
    uint64_t tip = ledger_tip(node->ledger)->height;
    int at = validator_set_find(&recovery->set, signer_key(node->signer));
    uint64_t own = node->journal != NULL ? vote_journal_incarnation(node->journal) : 0;
    size_t used = (size_t)snprintf(
        text, NODE_ERROR_SIZE,
        already ? "This node has taken this recovery already (block %llu). "
                : "The recovery is kept; its block is %llu. From now on this node signs nothing of "
                  "an era below %llu. ",
        (unsigned long long)recovery->height + 1, (unsigned long long)recovery->set.era);
    if (!already && tip < recovery->height) {
        used += (size_t)snprintf(text + used, NODE_ERROR_SIZE - used,
                                 "It lacks blocks from %llu to %llu, and takes the recovery when "
                                 "other nodes have given them. ",
                                 (unsigned long long)tip + 1, (unsigned long long)recovery->height);
    }
    if (at < 0) {
        snprintf(text + used, NODE_ERROR_SIZE - used,
                 "It is none of the new validators, and follows. "
                 "\n恢复记录已保存（区块%llu）；本节点不在新的验证者集合中，只跟随。",
                 (unsigned long long)recovery->height + 1);
    } else if (node->journal == NULL || recovery->set.validators[at].incarnation != own) {
        snprintf(text + used, NODE_ERROR_SIZE - used,
                 "It is one of the new validators, but the record names incarnation %llu and its "
                 "vote journal is %s: make one with xueliand new-journal --incarnation %llu, else "
                 "it does not vote. "
                 "\n恢复记录已保存（区块%llu）；记录写明的任期为%llu，与本节点的投票日志"
                 "不符：请执行 xueliand new-journal --incarnation %llu，否则本节点不投票。",
                 (unsigned long long)recovery->set.validators[at].incarnation,
                 node->journal == NULL ? "lost" : "of another",
                 (unsigned long long)recovery->set.validators[at].incarnation,
                 (unsigned long long)recovery->height + 1,
                 (unsigned long long)recovery->set.validators[at].incarnation,
                 (unsigned long long)recovery->set.validators[at].incarnation);
    } else {
        snprintf(text + used, NODE_ERROR_SIZE - used,
                 "It is one of the %u new validators: start it. "
                 "\n恢复记录已保存（区块%llu）；本节点是%u个新验证者之一，请启动。",
                 (unsigned)recovery->set.count, (unsigned long long)recovery->height + 1,
                 (unsigned)recovery->set.count);
    }
}

enum status node_recover(const struct node_config *config, const char *path,
                         char text[NODE_ERROR_SIZE])
{
    enum status status;
    struct node_recovery *recovery = NULL;
    size_t size = 0;
    struct node *node = node_open_bare(config, &status, text);
    uint8_t *bytes = status == ST_OK ? read_small(path, &size) : NULL;
    if (status == ST_OK && bytes == NULL) {
        snprintf(text, NODE_ERROR_SIZE,
                 "%s cannot be read as a recovery record (%s)\n无法读取恢复记录%s（%s）", path,
                 errno != 0 ? strerror(errno) : "too large", path,
                 errno != 0 ? strerror(errno) : "文件过大");
        status = ST_NOT_FOUND;
    }
    if (status == ST_OK) {
        recovery = recovery_read(&node->genesis, bytes_of(bytes, size), text);
        status = recovery != NULL ? ST_OK : ST_RECOVERY_SIGNATURES;
    }
    if (status == ST_OK) {
        status = store_open(node, text);
    }
    bool already = status == ST_OK && taken_already(node, &recovery->recovery);
    if (status == ST_OK && !already) {
        status = check_base(node, &recovery->recovery, text);
        if (status == ST_OK) {
            status = check_records(node, &recovery->recovery, text);
        }
        if (status == ST_OK) {
            status = keep(node, recovery, text);
        }
    }
    if (status == ST_OK) {
        say_done(node, &recovery->recovery, already, text);
    }
    free(bytes);
    recovery_free(recovery);
    node_free(node);
    free(node);
    return status;
}

/* ---- xueliand newest ---- */

static enum status write_newest(const struct node *node, char *text, size_t size)
{
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    uint8_t set[VALIDATOR_SET_SIZE_MAX];
    char *hex = calloc(1, NEWEST_SIZE);
    char *hex_set = calloc(1, NEWEST_SIZE);
    char key[HEX_SIZE(33)];
    char hash[HEX_SIZE(32)];
    uint64_t shown = 0;
    CHECK(hex != NULL && hex_set != NULL);
    if (!journal_height(node, &shown)) {
        free(hex);
        free(hex_set);
        return say_undecodable(text);
    }
    const struct header *tip = ledger_tip(node->ledger);
    hex_encode(hex, header, header_encode(header, tip));
    hex_encode(hex_set, set, validator_set_encode(set, ledger_set(node->ledger)));
    hex_encode(key, signer_key(node->signer)->bytes, 33);
    hex_encode(hash, ledger_tip_hash(node->ledger)->bytes, 32);
    int length = snprintf(
        text, size,
        "{\"key\":\"%s\",\"height\":\"%llu\",\"header_hash\":\"%s\",\"journal_height\":\"%llu\","
        "\"incarnation\":\"%llu\",\"journal\":%s,\"header\":\"%s\",\"set\":\"%s\"}",
        key, (unsigned long long)tip->height, hash, (unsigned long long)shown,
        (unsigned long long)(node->journal != NULL ? vote_journal_incarnation(node->journal) : 0),
        node->journal != NULL ? "true" : "false", hex, hex_set);
    free(hex);
    free(hex_set);
    return length > 0 && (size_t)length < size ? ST_OK : ST_BAD_SIZE;
}

enum status node_newest(const struct node_config *config, char *text, size_t size)
{
    enum status status;
    struct node *node = node_open_bare(config, &status, text);
    if (status == ST_OK) {
        status = store_open(node, text);
    }
    if (status == ST_OK) {
        status = write_newest(node, text, size);
    }
    node_free(node);
    free(node);
    return status;
}
