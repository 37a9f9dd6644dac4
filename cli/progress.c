#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/text.h"

enum { BAR_WIDTH = 30, TERMINAL_INTERVAL_MS = 100, LINE_INTERVAL_MS = 5000 };

uint64_t clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, bool off)
{
    uint64_t now = clock_ms();
    *progress = (struct progress){
        .off = off, .terminal = isatty(STDERR_FILENO) == 1, .started_ms = now, .shown_ms = now};
}

void progress_show(struct progress *progress, const char *name, uint32_t thousandths,
                   uint64_t settled, uint64_t refused)
{
    uint64_t now = clock_ms();
    uint64_t interval = progress->terminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS;
    uint64_t spent = now - progress->started_ms;
    if (progress->off || now - progress->shown_ms < interval) {
        return;
    }
    progress->shown_ms = now;
    uint64_t rate = spent > 0 ? settled * 1000 / spent : 0;
    if (progress->terminal) {
        char bar[BAR_WIDTH + 1];
        for (uint32_t i = 0; i < BAR_WIDTH; i++) {
            bar[i] = i * 1000 < thousandths * BAR_WIDTH ? '#' : '.';
        }
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r\033[K%-12s [%s] %3u%% ", name, bar, (unsigned)(thousandths / 10));
    } else {
        fprintf(stderr, "%s: %u%%, ", name, (unsigned)(thousandths / 10));
    }
    fprintf(stderr,
            tr("%" PRIu64 " in the ledger, %" PRIu64 " refused, %" PRIu64 "/s",
               "已在账本 %" PRIu64 "，被拒 %" PRIu64 "，每秒 %" PRIu64),
            settled, refused, rate);
    if (!progress->terminal) {
        fputc('\n', stderr);
    }
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (!progress->off && progress->terminal) {
        fputs("\r\033[K", stderr);
    }
}
