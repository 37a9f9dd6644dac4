#include "proto/check.h"

void check_failed(const char *file, int line, const char *condition)
{
    /* Kept in registers for whoever opens the core dump. */
    __asm__ volatile("" : : "r"(file), "r"(line), "r"(condition));
    __builtin_trap();
}
