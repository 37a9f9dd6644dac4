/* Someone who sits between the program and a node: passes the first connections on as they are, and answers
 * the later ones itself, with a certificate of its own and the node's endorsement copied. */
#ifndef XUELIAN_TESTS_CLI_IMPOSTOR_H
#define XUELIAN_TESTS_CLI_IMPOSTOR_H

#include <stdint.h>

/* node_port: of the node's RPC.  local_port: its local listener, where the endorsement is copied from.
 * passed: connections that are passed on. Returns the port to be asked. One at a time. */
uint16_t impostor_start(uint16_t node_port, uint16_t local_port, uint32_t passed);
/* Ends it. Returns how many requests it has answered itself. */
uint32_t impostor_stop(void);

#endif
