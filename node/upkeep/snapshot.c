/* snapshot and restore: a folder of files, one a part, named by what they hold. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/whole/snapshot.h"
#include "node/upkeep/upkeep.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum { NAME_SIZE = 64, OPEN_FOLDERS_MAX = 16 };

/* ---- Making one ---- */

struct writing {
    const char *folder;
    uint64_t files;
    uint64_t bytes;
    int failed; /* errno */
};

/* history; recent-HEIGHT; collection-CC-CHUNK-PART: in this order they are read. */
static void name_part(char name[NAME_SIZE], const Xuelian__SnapshotPart *part)
{
    if (part == NULL) {
        snprintf(name, NAME_SIZE, "0-head");
    } else if (part->kind == XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_HISTORY) {
        snprintf(name, NAME_SIZE, "1-history");
    } else if (part->kind == XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_RECENT) {
        snprintf(name, NAME_SIZE, "2-recent-%020" PRIu64, part->index);
    } else {
        snprintf(name, NAME_SIZE, "3-collection-%02u-%012" PRIu64 "-%06u",
                 (unsigned)part->collection, part->index, (unsigned)part->part);
    }
}

static enum status write_part(void *context, const Xuelian__SnapshotPart *part, struct bytes bytes)
{
    struct writing *writing = context;
    char name[NAME_SIZE];
    char path[UPKEEP_PATH_SIZE + NAME_SIZE];
    name_part(name, part);
    snprintf(path, sizeof path, "%s/%s", writing->folder, name);
    FILE *file = fopen(path, "wbe");
    bool good = file != NULL && fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
    if (file != NULL) {
        good = fclose(file) == 0 && good;
    }
    writing->failed = good ? 0 : errno;
    writing->files++;
    writing->bytes += bytes.size;
    return good ? ST_OK : ST_IO;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int make_failed(const struct writing *writing, enum status status)
{
    char sentence[2 * UPKEEP_PATH_SIZE + WHOLE_TEXT_SIZE];
    if (writing->failed != 0) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("the snapshot cannot be written to %s (%s)", "快照无法写入%s（%s）"),
                 writing->folder, strerror(writing->failed));
    } else if (status == ST_MISSING) {
        snprintf(sentence, sizeof sentence, "%s",
                 upkeep_say("no snapshot can be made here: the block log lacks the newest block's "
                            "certificate or a block of the validity window",
                            "此处无法生成快照：区块日志缺少最新区块的证书或有效窗口内的区块"));
    } else {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("the stores cannot be read (%s); xueliand verify-store says more",
                            "存储无法读取（%s）；详见xueliand verify-store"),
                 upkeep_say(status_en(status), status_zh(status)));
    }
    return upkeep_refuse(sentence);
}

/* Everything under another name until it is whole: a folder of the given name is a whole snapshot. */
static int make(const struct upkeep *upkeep, struct upkeep_genesis *genesis,
                struct upkeep_store *store, struct upkeep_progress *progress)
{
    char part[UPKEEP_PATH_SIZE + 8];
    char sentence[3 * UPKEEP_PATH_SIZE];
    const char *folder = upkeep->folders[1];
    struct ledger_view view;
    struct whole_report report = {.progress = upkeep_progress_note, .context = progress};
    snprintf(part, sizeof part, "%s.part", folder);
    struct writing writing = {.folder = part};
    struct snapshot_out out = {.write = write_part, .context = &writing};
    if (access(folder, F_OK) == 0 || mkdir(part, 0700) != 0) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("%s is there already, or cannot be made (%s); name a new folder",
                            "%s已存在或无法创建（%s）；请指定新的文件夹"),
                 folder, strerror(access(folder, F_OK) == 0 ? EEXIST : errno));
        return upkeep_refuse(sentence);
    }
    enum status status = ledger_view_open(&view, store->state);
    if (status == ST_OK) {
        status = snapshot_make(&view, store->log, &genesis->genesis, &out, &report);
        ledger_view_close(&view);
    }
    upkeep_progress_end(progress);
    if (status != ST_OK) {
        (void)nftw(part, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
        return make_failed(&writing, status);
    }
    sync();
    if (rename(part, folder) != 0) {
        writing.failed = errno;
        return make_failed(&writing, ST_IO);
    }
    double seconds = upkeep_seconds(progress);
    double megabytes = (double)writing.bytes / 1e6;
    printf(upkeep_say("Snapshot of block %llu in %s: %llu files, %.1f MB, %.1f s, %.1f MB/s.\n",
                      "区块%llu的快照在%s：%llu个文件，%.1f MB，用时%.1f秒，%.1f MB/s。\n"),
           (unsigned long long)view.header.height, folder, (unsigned long long)writing.files,
           megabytes, seconds, seconds > 0 ? megabytes / seconds : 0);
    return 0;
}

int upkeep_snapshot(const struct upkeep *upkeep)
{
    struct upkeep_genesis genesis;
    struct upkeep_store store;
    struct upkeep_progress progress;
    int code = 1;
    if (!upkeep_genesis_read(&genesis, upkeep->genesis)) {
        return 1;
    }
    upkeep_progress_start(&progress, "snapshot");
    if (upkeep_store_open(&store, upkeep->folders[0], &genesis.genesis,
                          UPKEEP_LOG | UPKEEP_STATE)) {
        code = make(upkeep, &genesis, &store, &progress);
        upkeep_store_close(&store);
    }
    upkeep_genesis_free(&genesis);
    return code;
}

/* ---- Restoring one ---- */

struct restoring {
    const struct upkeep *upkeep;
    struct upkeep_genesis genesis;
    struct upkeep_progress progress;
    struct whole_report report;
    struct snapshot_read *read;
    struct kv *state;
    struct dirent **names;
    int count;
    int lock;
};

static uint8_t *read_file(const char *folder, const char *name, size_t max, size_t *size)
{
    char path[2 * UPKEEP_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rbe");
    struct stat info;
    uint8_t *bytes = NULL;
    if (file != NULL && fstat(fileno(file), &info) == 0 && (uint64_t)info.st_size <= max) {
        bytes = malloc((size_t)info.st_size + 1);
        CHECK(bytes != NULL);
        *size = fread(bytes, 1, (size_t)info.st_size, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

static int restore_failed(struct restoring *restoring, enum status status, const char *name)
{
    char sentence[WHOLE_TEXT_SIZE + 3 * UPKEEP_PATH_SIZE];
    if (restoring->report.part != WHOLE_NOTHING) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("%s/%s: %s; get that file, or the snapshot, again and go on",
                            "%s/%s：%s；请重新取得该文件或快照后继续"),
                 restoring->upkeep->folders[1], name,
                 upkeep_say(restoring->report.en, restoring->report.zh));
    } else {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("%s/%s cannot be taken (%s)", "%s/%s无法采用（%s）"),
                 restoring->upkeep->folders[1], name,
                 upkeep_say(status_en(status), status_zh(status)));
    }
    return upkeep_refuse(sentence);
}

static int only_parts(const struct dirent *entry)
{
    return entry->d_name[0] >= '1' && entry->d_name[0] <= '3' && entry->d_name[1] == '-';
}

/* An earlier run may have taken this part with all others of its index. */
static bool taken(struct restoring *restoring, const char *name)
{
    static const char prefix[] = "3-collection-";
    char *end = NULL;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    uint64_t collection = strtoull(name + sizeof prefix - 1, &end, 10);
    uint64_t index = *end == '-' ? strtoull(end + 1, &end, 10) : 0;
    return *end == '-' && collection <= COLLECTION_COUNT &&
           snapshot_has(restoring->state, XUELIAN__SNAPSHOT_KIND__SNAPSHOT_KIND_COLLECTION,
                        (uint32_t)collection, index);
}

static int take_all(struct restoring *restoring)
{
    const char *folder = restoring->upkeep->folders[1];
    for (int i = 0; i < restoring->count; i++) {
        const char *name = restoring->names[i]->d_name;
        size_t size = 0;
        if (taken(restoring, name)) {
            continue;
        }
        uint8_t *bytes = read_file(folder, name, SNAPSHOT_PART_SIZE_MAX, &size);
        enum status status =
            bytes == NULL ? ST_BAD_SIZE
                          : snapshot_take(restoring->read, restoring->state, bytes_of(bytes, size));
        free(bytes);
        if (status != ST_OK) {
            return restore_failed(restoring, status, name);
        }
        whole_progress(&restoring->report, "files", "文件", (uint64_t)i + 1,
                       (uint64_t)restoring->count);
    }
    enum status status = snapshot_finish(restoring->read, restoring->state);
    return status == ST_OK ? 0 : restore_failed(restoring, status, "");
}

static struct kv *open_new(const char *folder, const char *name)
{
    char path[UPKEEP_PATH_SIZE + 32];
    char error[2 * UPKEEP_PATH_SIZE];
    struct kv *kv = NULL;
    struct kv_options options = {
        .cache_size = 64u << 20, .write_buffer_size = 32u << 20, .bloom_bits = 10, .create = true};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (kv_open_leveldb(&kv, path, &options, error, sizeof error) != ST_OK) {
        (void)upkeep_refuse(error);
        return NULL;
    }
    return kv;
}

/* The log first: a state without its log would be thrown away at the next start. */
static bool put_in_place(const char *folder)
{
    static const char *const names[] = {"log", "state"};
    bool good = true;
    for (size_t i = 0; i < 2 && good; i++) {
        char from[UPKEEP_PATH_SIZE + 32];
        char to[UPKEEP_PATH_SIZE + 32];
        snprintf(from, sizeof from, "%s/%s.restored", folder, names[i]);
        snprintf(to, sizeof to, "%s/%s", folder, names[i]);
        good = rename(from, to) == 0;
    }
    sync();
    return good || upkeep_refuse(upkeep_say("the restored stores cannot be put in place; check the "
                                            "disk and permissions",
                                            "恢复的存储无法就位；请检查磁盘与权限")) == 0;
}

static int restore_log(struct restoring *restoring)
{
    struct block_log *log = NULL;
    char error[512];
    struct kv *kv = open_new(restoring->upkeep->folders[0], "log.restored");
    if (kv == NULL || block_log_open_to_read(&log, kv, &restoring->genesis.genesis.chain_id, error,
                                             sizeof error) != ST_OK) {
        return kv == NULL ? 1 : upkeep_refuse(error);
    }
    enum status status = snapshot_begin_log(restoring->read, log);
    block_log_close(log);
    return status == ST_OK || status == ST_CONFLICT ? 0 : restore_failed(restoring, status, "");
}

static int restore(struct restoring *restoring)
{
    const char *folder = restoring->upkeep->folders[0];
    int code = take_all(restoring);
    if (code == 0) {
        code = restore_log(restoring);
    }
    if (restoring->state != NULL) {
        kv_close(restoring->state);
        restoring->state = NULL;
    }
    upkeep_progress_end(&restoring->progress);
    if (code != 0 || !put_in_place(folder)) {
        return 1;
    }
    double seconds = upkeep_seconds(&restoring->progress);
    double megabytes = (double)restoring->report.bytes / 1e6;
    printf(upkeep_say(
               "Restored to block %llu in %s, every part checked against the genesis file: "
               "%.1f MB read in %.1f s, %.1f MB/s. The node needs no older blocks; start it.\n",
               "已恢复至区块%llu（%s），各分片均已按创世文件校验：读取%.1f MB，用时%.1f秒，%.1f "
               "MB/s。节点无需更早的区块；请启动节点。\n"),
           (unsigned long long)snapshot_header(restoring->read)->height, folder, megabytes, seconds,
           seconds > 0 ? megabytes / seconds : 0);
    return 0;
}

/* A data directory made by init, without blocks and state. */
static bool check_empty(struct restoring *restoring)
{
    static const char *const names[] = {"state", "log"};
    const char *folder = restoring->upkeep->folders[0];
    char path[UPKEEP_PATH_SIZE + 16];
    char sentence[2 * UPKEEP_PATH_SIZE];
    struct upkeep_store lock;
    snprintf(path, sizeof path, "%s/LOCK", folder);
    if (access(path, F_OK) != 0) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("%s is not a data directory; make it with: xueliand init --config FILE",
                            "%s不是数据目录；请先执行：xueliand init --config FILE"),
                 folder);
        return upkeep_refuse(sentence) == 0;
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (access(path, F_OK) == 0) {
            snprintf(sentence, sizeof sentence,
                     upkeep_say("%s is there already; a snapshot is restored where there are no "
                                "blocks and no state: move state and log away",
                                "%s已存在；快照须恢复到没有区块和状态之处：请移走state与log"),
                     path);
            return upkeep_refuse(sentence) == 0;
        }
    }
    if (!upkeep_store_open(&lock, folder, &restoring->genesis.genesis, 0)) {
        return false;
    }
    restoring->lock = lock.lock;
    return true;
}

static bool open_snapshot(struct restoring *restoring)
{
    const char *folder = restoring->upkeep->folders[1];
    size_t size = 0;
    uint8_t *head = read_file(folder, "0-head", SNAPSHOT_HEAD_SIZE_MAX, &size);
    char sentence[2 * UPKEEP_PATH_SIZE];
    restoring->count = scandir(folder, &restoring->names, only_parts, alphasort);
    if (head == NULL || restoring->count < 0) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("%s is not the folder of a snapshot", "%s不是快照文件夹"), folder);
        free(head);
        return upkeep_refuse(sentence) == 0;
    }
    enum status status = snapshot_read_head(&restoring->read, &restoring->genesis.genesis,
                                            bytes_of(head, size), &restoring->report);
    free(head);
    return status == ST_OK || restore_failed(restoring, status, "0-head") == 0;
}

int upkeep_restore(const struct upkeep *upkeep)
{
    struct restoring *restoring = calloc(1, sizeof *restoring);
    CHECK(restoring != NULL);
    restoring->upkeep = upkeep;
    restoring->lock = -1;
    restoring->report.progress = upkeep_progress_note;
    restoring->report.context = &restoring->progress;
    upkeep_progress_start(&restoring->progress, "restore");
    int code = 1;
    if (upkeep_genesis_read(&restoring->genesis, upkeep->genesis) && check_empty(restoring) &&
        open_snapshot(restoring)) {
        restoring->state = open_new(upkeep->folders[0], "state.restored");
        code = restoring->state != NULL ? restore(restoring) : 1;
    }
    if (restoring->state != NULL) {
        kv_close(restoring->state);
    }
    for (int i = 0; i < restoring->count; i++) {
        free(restoring->names[i]);
    }
    free(restoring->names);
    snapshot_read_free(restoring->read);
    upkeep_genesis_free(&restoring->genesis);
    if (restoring->lock >= 0) {
        close(restoring->lock);
    }
    free(restoring);
    return code;
}
