#include "cli/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail_open(const char *path, struct fault *fault)
{
    if (errno == ENOENT) {
        return fault_set(fault, EXIT_USAGE, "there is no file %s; check the path",
                         "没有文件 %s；请检查路径", path);
    }
    return fault_set(fault, EXIT_IO, "%s cannot be opened: %s", "无法打开 %s：%s", path,
                     strerror(errno));
}

bool file_read(const char *path, size_t size_max, uint8_t **data, size_t *size, struct fault *fault)
{
    struct stat info;
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return fail_open(path, fault);
    }
    bool regular = fstat(fileno(in), &info) == 0 && S_ISREG(info.st_mode);
    if (!regular || (uint64_t)info.st_size > size_max) {
        fclose(in);
        return regular ? fault_set(fault, EXIT_USAGE, "%s is larger than %zu bytes; give another",
                                   "%s 超过 %zu 字节；请给出正确的文件", path, size_max)
                       : fault_set(fault, EXIT_USAGE, "%s is not a file; give the path of a file",
                                   "%s 不是文件；请给出文件路径", path);
    }
    size_t room = (size_t)info.st_size;
    uint8_t *memory = malloc(room + 1);
    size_t got = memory != NULL ? fread(memory, 1, room, in) : 0;
    bool whole = memory != NULL && got == room && ferror(in) == 0;
    fclose(in);
    if (!whole) {
        free(memory);
        return fault_set(fault, EXIT_IO, "%s cannot be read; check the disk",
                         "无法读取 %s；请检查磁盘", path);
    }
    memory[room] = 0;
    *data = memory;
    *size = room;
    return true;
}

static bool write_all(int file, const uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t wrote = write(file, data + done, size - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        done += (size_t)wrote;
    }
    return fsync(file) == 0;
}

bool file_write(const char *path, const void *data, size_t size, unsigned mode, bool replace,
                struct fault *fault)
{
    char beside[FILE_PATH_SIZE];
    const char *target = path;
    if (replace) {
        int length = snprintf(beside, sizeof beside, "%s.new-%ld", path, (long)getpid());
        if (length < 0 || (size_t)length >= sizeof beside) {
            return fault_set(fault, EXIT_USAGE, "the path %s is too long", "路径 %s 过长", path);
        }
        target = beside;
    }
    int file = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0 && errno == EEXIST) {
        return fault_set(fault, EXIT_USAGE,
                         "there is a file %s already and it is kept; choose another name",
                         "文件 %s 已存在且予以保留；请另选名称", target);
    }
    if (file < 0) {
        return fault_set(fault, EXIT_IO, "%s cannot be made: %s", "无法创建 %s：%s", target,
                         strerror(errno));
    }
    bool written = write_all(file, data, size);
    written = close(file) == 0 && written;
    if (written && replace) {
        written = rename(target, path) == 0;
    }
    if (!written) {
        unlink(target);
        return fault_set(fault, EXIT_IO, "%s cannot be written: %s; check the disk",
                         "无法写入 %s：%s；请检查磁盘", path, strerror(errno));
    }
    return true;
}

bool path_join(char out[FILE_PATH_SIZE], const char *folder, const char *name, struct fault *fault)
{
    int length = name[0] == '/' || folder[0] == '\0'
                     ? snprintf(out, FILE_PATH_SIZE, "%s", name)
                     : snprintf(out, FILE_PATH_SIZE, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= FILE_PATH_SIZE) {
        return fault_set(fault, EXIT_USAGE, "the path %s/%s is too long; use a shorter folder",
                         "路径 %s/%s 过长；请使用较短的目录", folder, name);
    }
    return true;
}

static bool is_empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;
    bool empty = folder != NULL;
    while (empty && (entry = readdir(folder)) != NULL) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return empty;
}

bool folder_make(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0) {
        return true;
    }
    bool exists = errno == EEXIST;
    if (exists && is_empty_folder(path)) {
        return true;
    }
    if (!exists) {
        return fault_set(fault, EXIT_IO, "the folder %s cannot be made: %s", "无法创建目录 %s：%s",
                         path, strerror(errno));
    }
    return fault_set(fault, EXIT_USAGE,
                     "%s is there already and nothing in it is touched; choose another folder",
                     "%s 已存在，其中内容不会改动；请另选目录", path);
}
