/* Showing how an import goes: a bar on a terminal, a line now and then elsewhere. */
#ifndef XUELIAN_CLI_PROGRESS_H
#define XUELIAN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool off;
    bool terminal;
    uint64_t started_ms;
    uint64_t shown_ms;
};

/* Milliseconds of a clock that never goes back. */
uint64_t clock_ms(void);

void progress_start(struct progress *progress, bool off);
/* thousandths: how far; settled: rows in the ledger, of this part. Shows at most 10 times a second, or once in 5 seconds. */
void progress_show(struct progress *progress, const char *name, uint32_t thousandths,
                   uint64_t settled, uint64_t refused);
/* Clears the bar, so that a line can be printed. */
void progress_clear(struct progress *progress);

#endif
