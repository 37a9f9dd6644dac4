#include "ledger/store/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ledger/store/kv_impl.h"

struct log_files {
    int folder; /* -1: it could not be opened, and every sync fails */
    int watch;  /* -1: none */
};

struct log_files *log_files_new(const char *path)
{
    struct log_files *files = kv_allocate(sizeof *files);
    files->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    files->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (files->watch >= 0 && inotify_add_watch(files->watch, path, IN_CREATE | IN_MOVED_TO) < 0) {
        close(files->watch);
        files->watch = -1;
    }
    return files;
}

void log_files_free(struct log_files *files)
{
    if (files == NULL) {
        return;
    }
    if (files->folder >= 0) {
        close(files->folder);
    }
    if (files->watch >= 0) {
        close(files->watch);
    }
    free(files);
}

static bool is_log(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".log") == 0;
}

/* Did LevelDB begin a log since the last question? When in doubt, yes. */
static bool log_begun(const struct log_files *files)
{
    _Alignas(struct inotify_event) char events[4096];
    bool begun = files->watch < 0;
    for (;;) {
        ssize_t got = files->watch < 0 ? -1 : read(files->watch, events, sizeof events);
        if (got <= 0) {
            return begun || (files->watch >= 0 && got < 0 && errno != EAGAIN);
        }
        for (size_t at = 0; at < (size_t)got;) {
            const struct inotify_event *event = (const void *)(events + at);
            begun = begun || (event->mask & IN_Q_OVERFLOW) != 0 ||
                    (event->len > 0 && is_log(event->name));
            at += sizeof *event + event->len;
        }
    }
}

/* One that is gone has become a table, which LevelDB syncs itself. */
static bool sync_file(const struct log_files *files, const char *name)
{
    int file = openat(files->folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return errno == ENOENT;
    }
    bool good = fdatasync(file) == 0;
    close(file);
    return good;
}

enum status log_files_sync(struct log_files *files)
{
    if (!log_begun(files)) {
        return ST_OK;
    }
    int folder = dup(files->folder);
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    bool good = list != NULL;
    if (good) {
        rewinddir(list);
        for (struct dirent *entry = readdir(list); good && entry != NULL; entry = readdir(list)) {
            good = !is_log(entry->d_name) || sync_file(files, entry->d_name);
        }
        closedir(list);
    } else if (folder >= 0) {
        close(folder);
    }
    return good && fsync(files->folder) == 0 ? ST_OK : ST_IO;
}
