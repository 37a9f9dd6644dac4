/* Ends the process it is preloaded into at one chosen output call, as kill -9 would.
 *
 * To everyone else a process is the sequence of its output calls: what it wrote, synced and sent. Killed between two
 * of them it looks the same wherever that was, so killing it at each call in turn covers every point of a run.
 * XUELIAN_KILL_AT names a file of sizeof(struct control) bytes, mapped here and by the test, which arms it while the
 * process runs. Calls are counted over all threads, from arming on. This is a test's tool: no program links it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { KIND_NONE = 0, KIND_WRITE = 1, KIND_SYNC = 2, KIND_PEER = 4, KIND_CLIENT = 8 };

/* Shared with the test (kill_at.py). */
struct control {
    _Atomic uint32_t armed;
    uint32_t kinds; /* which calls count: a sum of enum kind */
    uint32_t
        amid; /* 0: instead of the call; 1: a half of what it writes is out, or its sync is done */
    _Atomic int32_t left;  /* the call at which this becomes 0 is the last */
    _Atomic uint32_t idle; /* not 0: nothing counts before the first write to a file */
    uint32_t client_ports[2];
    uint32_t unused;
    uint64_t killed_ns; /* CLOCK_MONOTONIC */
    char call[128];     /* what it was, for the report */
};

static struct control *control;
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_writev)(int, const struct iovec *, int);
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static int (*next_fsync)(int);
static int (*next_fdatasync)(int);

/* ISO C has no cast from a data pointer to a function's. */
static void find(void *function, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof symbol);
}

/* Other libraries may write before the constructor of this one has run. */
static void find_all(void)
{
    if (next_fdatasync == NULL) {
        find(&next_write, "write");
        find(&next_writev, "writev");
        find(&next_sendmsg, "sendmsg");
        find(&next_pwrite, "pwrite");
        find(&next_fsync, "fsync");
        find(&next_fdatasync, "fdatasync");
    }
}

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("XUELIAN_KILL_AT");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    find_all();
    if (file < 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) {
        control = memory;
    }
}

static enum kind socket_kind(int file)
{
    struct sockaddr_in local = {.sin_port = 0};
    socklen_t size = sizeof local;
    if (getsockname(file, (struct sockaddr *)&local, &size) != 0 || local.sin_family != AF_INET) {
        return KIND_NONE;
    }
    uint16_t port = ntohs(local.sin_port);
    return port == control->client_ports[0] || port == control->client_ports[1] ? KIND_CLIENT
                                                                                : KIND_PEER;
}

static enum kind kind_of(int file, bool sync)
{
    struct stat status;
    if (file == STDERR_FILENO || fstat(file, &status) != 0) {
        return KIND_NONE;
    }
    if (S_ISSOCK(status.st_mode)) {
        return socket_kind(file);
    }
    if (S_ISREG(status.st_mode)) {
        return sync ? KIND_SYNC : KIND_WRITE;
    }
    return sync && S_ISDIR(status.st_mode) ? KIND_SYNC : KIND_NONE;
}

static bool is_last(int file, bool sync)
{
    if (control == NULL || atomic_load(&control->armed) == 0) {
        return false;
    }
    enum kind kind = kind_of(file, sync);
    if (kind == KIND_WRITE) {
        atomic_store(&control->idle, 0);
    }
    return atomic_load(&control->idle) == 0 && (control->kinds & (uint32_t)kind) != 0 &&
           atomic_fetch_sub(&control->left, 1) == 1;
}

static _Noreturn void end(const char *call, int file, size_t size)
{
    char link[64];
    char target[1024] = "";
    struct timespec now;
    enum kind kind = kind_of(file, false);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, target, sizeof target - 1);
    const char *name = target;
    if (kind == KIND_PEER || kind == KIND_CLIENT) {
        name = kind == KIND_PEER ? "a peer" : "a client";
    } else if (length > 0) {
        const char *data = strstr(target, "/data/");
        name = data != NULL ? data + 6 : target;
    }
    snprintf(control->call, sizeof control->call, "%s %s %.80s (%zu bytes)",
             control->amid != 0 ? "amid" : "before", call, name, size);
    clock_gettime(CLOCK_MONOTONIC, &now);
    control->killed_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

ssize_t write(int file, const void *data, size_t size)
{
    find_all();
    if (is_last(file, false)) {
        if (control->amid != 0) {
            (void)!next_write(file, data, size / 2);
        }
        end("write", file, size);
    }
    return next_write(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    find_all();
    if (is_last(file, false)) {
        if (control->amid != 0) {
            (void)!next_pwrite(file, data, size / 2, offset);
        }
        end("pwrite", file, size);
    }
    return next_pwrite(file, data, size, offset);
}

/* Of several buffers, amid: the first one, halved. */
static size_t write_some(int file, const struct iovec *buffers, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += buffers[i].iov_len;
    }
    if (control->amid != 0 && count > 0) {
        (void)!next_write(file, buffers[0].iov_base, buffers[0].iov_len / 2);
    }
    return size;
}

ssize_t writev(int file, const struct iovec *buffers, int count)
{
    find_all();
    if (is_last(file, false)) {
        end("writev", file, write_some(file, buffers, (size_t)count));
    }
    return next_writev(file, buffers, count);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
    find_all();
    if (is_last(file, false)) {
        end("sendmsg", file, write_some(file, message->msg_iov, message->msg_iovlen));
    }
    return next_sendmsg(file, message, flags);
}

int fsync(int file)
{
    find_all();
    if (is_last(file, true)) {
        if (control->amid != 0) {
            (void)next_fsync(file);
        }
        end("fsync", file, 0);
    }
    return next_fsync(file);
}

int fdatasync(int file)
{
    find_all();
    if (is_last(file, true)) {
        if (control->amid != 0) {
            (void)next_fdatasync(file);
        }
        end("fdatasync", file, 0);
    }
    return next_fdatasync(file);
}
