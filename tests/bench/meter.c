#include "tests/bench/meter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The number behind a name in a file of /proc. */
static double proc_number(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[256];
    unsigned long long number = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtoull(line + strlen(name), NULL, 10);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)number;
}

void meter_settle(void)
{
    const struct timespec moment = {.tv_nsec = 200000000};
    uint32_t quiet = 0;
    while (quiet < 5) {
        double before = seconds(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&moment, NULL);
        quiet = seconds(CLOCK_PROCESS_CPUTIME_ID) - before < 0.001 ? quiet + 1 : 0;
    }
}

struct meter meter_read(void)
{
    return (struct meter){.process_s = seconds(CLOCK_PROCESS_CPUTIME_ID),
                          .thread_s = seconds(CLOCK_THREAD_CPUTIME_ID),
                          .written = proc_number("/proc/self/io", "wchar:")};
}

struct meter meter_since(const struct meter *earlier)
{
    struct meter now = meter_read();
    return (struct meter){.process_s = now.process_s - earlier->process_s,
                          .thread_s = now.thread_s - earlier->thread_s,
                          .written = now.written - earlier->written};
}

double meter_folder(const char *path)
{
    DIR *folder = opendir(path);
    double size = 0;
    if (folder == NULL) {
        return 0;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat info;
        if (fstatat(dirfd(folder), entry->d_name, &info, 0) == 0 && S_ISREG(info.st_mode)) {
            size += (double)info.st_size;
        }
    }
    closedir(folder);
    return size;
}

double meter_memory(void)
{
    return 1024 * proc_number("/proc/self/status", "VmRSS:");
}
