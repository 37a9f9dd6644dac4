/* CHECK is for our own bugs and stays in release builds. Nothing that a peer, a client, a file or a
 * proof says may reach one. It ends the process: going on with a broken invariant could sign.
 * One condition each: a trap then says which one did not hold. */
#ifndef XUELIAN_PROTO_CHECK_H
#define XUELIAN_PROTO_CHECK_H

#include <stdbool.h>

/* Traps. Pure archives cannot print; a debugger or core dump shows the arguments. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

#ifdef __clang_analyzer__
/* The analyser does not follow every call, and would take what is checked for unknown. */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#else
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#endif

static inline void check_that(bool holds, const char *file, int line, const char *condition)
{
    if (!holds) {
        check_failed(file, line, condition);
    }
}

#endif
