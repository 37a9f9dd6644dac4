#include "cli/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/idset.h"
#include "proto/bytes.h"

static const char mark[] = "xuelian import 1 ";

enum { MARK_SIZE = sizeof mark - 1, HEX_COUNT = 64, HEAD_SIZE = MARK_SIZE + HEX_COUNT + 1 };

struct resume {
    char *path;
    int file;
    uint64_t count;
    struct idset *batches;
};

static bool fail_write(const char *path, struct fault *fault)
{
    return fault_set(fault, EXIT_IO,
                     "the resume file %s cannot be written: %s; check the disk, or name another "
                     "with --resume",
                     "无法写入续传文件 %s：%s；请检查磁盘，或用 --resume 另选文件", path,
                     strerror(errno));
}

/* Opens it and makes sure that no other import has it. */
static bool open_locked(struct resume *resume, struct fault *fault)
{
    resume->file = open(resume->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (resume->file < 0) {
        return fail_write(resume->path, fault);
    }
    if (flock(resume->file, LOCK_EX | LOCK_NB) != 0) {
        return fault_set(fault, EXIT_IO,
                         "another import is running with %s; wait for it, or name another file "
                         "with --resume",
                         "另一个导入正在使用 %s；请等待其结束，或用 --resume 另选文件",
                         resume->path);
    }
    return true;
}

static bool write_head(struct resume *resume, const char *chain, struct fault *fault)
{
    char head[HEAD_SIZE + 1];
    int size = snprintf(head, sizeof head, "%s%s\n", mark, chain);
    return (size == HEAD_SIZE && ftruncate(resume->file, 0) == 0 &&
            write(resume->file, head, HEAD_SIZE) == HEAD_SIZE) ||
           fail_write(resume->path, fault);
}

/* Reads the lines behind the head; cuts a torn one off. */
static bool read_batches(struct resume *resume, const char *text, size_t size, struct fault *fault)
{
    size_t at = HEAD_SIZE;
    for (; size - at > HEX_COUNT; at += HEX_COUNT + 1) {
        struct hash32 batch;
        bool added = false;
        if (hex_decode(batch.bytes, 32, text + at, HEX_COUNT) != ST_OK ||
            text[at + HEX_COUNT] != '\n' || hash32_is_zero(&batch)) {
            return fault_set(fault, EXIT_USAGE,
                             "%s, line %zu is not of a resume file; remove the file (the ledger "
                             "knows what it has) or name another with --resume",
                             "%s 第 %zu 行不是续传记录；请删除该文件（账本知道已有内容）或用 "
                             "--resume 另选文件",
                             resume->path, (at - HEAD_SIZE) / (HEX_COUNT + 1) + 2);
        }
        if (!idset_add(resume->batches, &batch, &added)) {
            return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
        }
        resume->count += added;
    }
    return at == size || ftruncate(resume->file, (off_t)at) == 0 || fail_write(resume->path, fault);
}

static bool load(struct resume *resume, const struct hash32 *chain_id, struct fault *fault)
{
    char chain[HEX_SIZE(32)];
    uint8_t *data = NULL;
    size_t size = 0;
    hex_encode(chain, chain_id->bytes, 32);
    if (!file_read(resume->path, RESUME_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    const char *text = (const char *)data;
    bool fine = false;
    size_t known = size < MARK_SIZE ? size : (size_t)MARK_SIZE;
    if (memcmp(text, mark, known) != 0) {
        fault_set(fault, EXIT_USAGE,
                  "%s is not a resume file and is left as it is; name another with --resume",
                  "%s 不是续传文件，不会改动；请用 --resume 另选文件", resume->path);
    } else if (size < HEAD_SIZE) {
        fine = write_head(resume, chain, fault); /* new, or torn before anything was recorded */
    } else if (memcmp(text + MARK_SIZE, chain, HEX_COUNT) != 0 || text[HEAD_SIZE - 1] != '\n') {
        fault_set(fault, EXIT_USAGE,
                  "the resume file %s is of another network; name another with --resume",
                  "续传文件 %s 属于另一个网络；请用 --resume 另选文件", resume->path);
    } else {
        fine = read_batches(resume, text, size, fault);
    }
    free(data);
    return fine;
}

bool resume_open(struct resume **resume, const char *path, const struct hash32 *chain_id,
                 struct fault *fault)
{
    struct resume *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    made->file = -1;
    made->path = strdup(path);
    made->batches = idset_new();
    bool fine = made->path != NULL && made->batches != NULL;
    fine = fine ? open_locked(made, fault) && load(made, chain_id, fault)
                : fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    if (!fine) {
        resume_close(made);
        return false;
    }
    *resume = made;
    return true;
}

void resume_close(struct resume *resume)
{
    if (resume == NULL) {
        return;
    }
    if (resume->file >= 0) {
        close(resume->file);
    }
    idset_free(resume->batches);
    free(resume->path);
    free(resume);
}

uint64_t resume_count(const struct resume *resume)
{
    return resume->count;
}

bool resume_has(const struct resume *resume, const struct hash32 *batch)
{
    return idset_has(resume->batches, batch);
}

bool resume_add(struct resume *resume, const struct hash32 *batch, struct fault *fault)
{
    char line[HEX_SIZE(32)];
    hex_encode(line, batch->bytes, 32);
    line[HEX_COUNT] = '\n';
    return write(resume->file, line, HEX_COUNT + 1) == HEX_COUNT + 1 ||
           fail_write(resume->path, fault);
}
