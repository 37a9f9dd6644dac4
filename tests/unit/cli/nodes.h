/* Four real xueliand processes of the network in the folder net. */
#ifndef XUELIAN_TESTS_CLI_NODES_H
#define XUELIAN_TESTS_CLI_NODES_H

#include <stdint.h>

/* Initialises and starts all four, and waits until all vote. Fails the test with what a node said last. */
void nodes_start(void);
/* Starts one that was killed, without waiting. node: from 1. */
void nodes_start_one(uint32_t node);
/* Ends one with SIGKILL. */
void nodes_kill(uint32_t node);
/* Stops a process where it stands, and lets it go on. */
void nodes_freeze(uint32_t node);
void nodes_thaw(uint32_t node);
/* Ends all with SIGTERM; each must end with 0 (a sanitizer's finding does not). Killed ones are passed over. */
void nodes_stop(void);
/* Ends all, after a test that failed. */
void nodes_abandon(void);

#endif
