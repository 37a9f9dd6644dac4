#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "node/upkeep/upkeep.h"
#include "proto/bytes.h"
#include "proto/check.h"

const char *upkeep_say(const char *en, const char *zh)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0') {
            return strncmp(value, "zh", 2) == 0 ? zh : en;
        }
    }
    return en;
}

int upkeep_refuse(const char *sentence)
{
    fprintf(stderr, "xueliand: %s\n", sentence);
    return 1;
}

/* ---- Genesis ---- */

bool upkeep_genesis_read(struct upkeep_genesis *genesis, const char *path)
{
    char why[GENESIS_ERROR_SIZE] = "";
    char sentence[UPKEEP_PATH_SIZE + GENESIS_ERROR_SIZE + 128];
    FILE *file = fopen(path, "rbe");
    *genesis = (struct upkeep_genesis){.bytes = NULL};
    if (file == NULL) {
        snprintf(sentence, sizeof sentence,
                 upkeep_say("the genesis file %s cannot be read (%s)", "创世文件%s无法读取（%s）"),
                 path, strerror(errno));
        return upkeep_refuse(sentence) == 0;
    }
    genesis->bytes = malloc(LIMIT_GENESIS_SIZE_MAX + 1);
    CHECK(genesis->bytes != NULL);
    genesis->size = fread(genesis->bytes, 1, LIMIT_GENESIS_SIZE_MAX + 1, file);
    fclose(file);
    if (genesis_parse(&genesis->genesis, bytes_of(genesis->bytes, genesis->size), why) != ST_OK) {
        snprintf(sentence, sizeof sentence, "%s: %s", path, why);
        free(genesis->bytes);
        genesis->bytes = NULL;
        return upkeep_refuse(sentence) == 0;
    }
    return true;
}

void upkeep_genesis_free(struct upkeep_genesis *genesis)
{
    if (genesis->bytes != NULL) {
        genesis_free(&genesis->genesis);
        free(genesis->bytes);
        genesis->bytes = NULL;
    }
}

/* ---- Stores ---- */

static bool lock_folder(struct upkeep_store *store)
{
    char path[UPKEEP_PATH_SIZE + 16];
    char sentence[2 * UPKEEP_PATH_SIZE];
    snprintf(path, sizeof path, "%s/LOCK", store->folder);
    store->lock = open(path, O_RDWR | O_CLOEXEC);
    if (store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    snprintf(sentence, sizeof sentence,
             upkeep_say("the data directory %s is used by another process; stop that one first, or "
                        "work on a copy",
                        "数据目录%s正被另一进程使用；请先停止该进程，或在副本上操作"),
             store->folder);
    return upkeep_refuse(sentence) == 0;
}

static bool open_kv(const struct upkeep_store *store, const char *name, struct kv **kv)
{
    char path[UPKEEP_PATH_SIZE + 16];
    char error[2 * UPKEEP_PATH_SIZE];
    struct kv_options options = {
        .cache_size = 64u << 20, .write_buffer_size = 4u << 20, .bloom_bits = 10, .create = false};
    snprintf(path, sizeof path, "%s/%s", store->folder, name);
    if (kv_open_leveldb(kv, path, &options, error, sizeof error) == ST_OK) {
        return true;
    }
    return upkeep_refuse(error) == 0;
}

bool upkeep_store_open(struct upkeep_store *store, const char *folder,
                       const struct genesis *genesis, unsigned parts)
{
    struct kv *log = NULL;
    char error[512] = "";
    *store = (struct upkeep_store){.lock = -1};
    snprintf(store->folder, sizeof store->folder, "%s", folder);
    bool good = lock_folder(store);
    if (good && (parts & UPKEEP_LOG) != 0) {
        good = open_kv(store, "log", &log);
    }
    if (good && log != NULL &&
        block_log_open_to_read(&store->log, log, &genesis->chain_id, error, sizeof error) !=
            ST_OK) {
        kv_close(log);
        char sentence[UPKEEP_PATH_SIZE + 640];
        snprintf(sentence, sizeof sentence, "%s: %s", folder, error);
        good = upkeep_refuse(sentence) == 0;
    }
    if (good && (parts & UPKEEP_STATE) != 0) {
        good = open_kv(store, "state", &store->state);
    }
    if (!good) {
        upkeep_store_close(store);
    }
    return good;
}

void upkeep_store_close(struct upkeep_store *store)
{
    block_log_close(store->log);
    if (store->state != NULL) {
        kv_close(store->state);
    }
    if (store->lock >= 0) {
        close(store->lock);
    }
    *store = (struct upkeep_store){.lock = -1};
}

/* ---- Progress ---- */

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void upkeep_progress_start(struct upkeep_progress *progress, const char *command)
{
    *progress = (struct upkeep_progress){
        .command = command, .started_ms = now_ms(), .terminal = isatty(STDERR_FILENO) == 1};
    progress->next_ms = progress->started_ms + (progress->terminal ? 1000 : 10000);
}

double upkeep_seconds(const struct upkeep_progress *progress)
{
    return (double)(now_ms() - progress->started_ms) / 1000;
}

void upkeep_progress_note(void *context, const struct whole_report *report, const char *what_en,
                          const char *what_zh, uint64_t done, uint64_t of)
{
    struct upkeep_progress *progress = context;
    uint64_t now = now_ms();
    if (now < progress->next_ms) {
        return;
    }
    double megabytes = (double)report->bytes / 1e6;
    double seconds = upkeep_seconds(progress);
    progress->next_ms = now + (progress->terminal ? 1000 : 10000);
    progress->written = true;
    fprintf(stderr,
            upkeep_say("%s%s: %s %llu of %llu, %.0f MB, %.1f MB/s%s",
                       "%s%s：%s %llu/%llu，%.0f MB，%.1f MB/s%s"),
            progress->terminal ? "\r\033[K" : "", progress->command, upkeep_say(what_en, what_zh),
            (unsigned long long)done, (unsigned long long)of, megabytes,
            seconds > 0 ? megabytes / seconds : 0, progress->terminal ? "" : "\n");
}

void upkeep_progress_end(struct upkeep_progress *progress)
{
    if (progress->written && progress->terminal) {
        fprintf(stderr, "\r\033[K");
    }
}
