/* CHECK is for our own bugs and stays in release builds. Nothing that a peer, a client, a file or a
 * proof says may reach one. It ends the process: going on with a broken invariant could sign. */
#ifndef XUELIAN_PROTO_CHECK_H
#define XUELIAN_PROTO_CHECK_H

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Traps. Pure archives cannot print; a debugger or core dump shows the arguments. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

#endif
