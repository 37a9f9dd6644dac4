/* One of a network's nodes, played by a test: its key, and sessions with the others. The node itself does not run. */
#ifndef XUELIAN_TESTS_E2E_AS_NODE_H
#define XUELIAN_TESTS_E2E_AS_NODE_H

#include "ledger/genesis.h"
#include "node/peer/peers.h"

struct as_node {
    struct genesis genesis;
    struct signer *signer;
    struct peers *peers;
    struct pubkey33 others[PEERS_MAX]; /* in the order of genesis */
    uint32_t other_count;
};

/* The program's name and why, on standard error; ends with 1. */
_Noreturn void as_node_stop(const char *why);
/* A whole file of at most size_max bytes, malloc'ed. */
uint8_t *as_node_read(const char *path, size_t size_max, size_t *size);
/* Opens the key of a node's folder (node.key, passphrase) and begins to meet the others. */
void as_node_begin(struct as_node *node, const char *genesis, const char *folder);
/* When the loop has run to its end. */
void as_node_end(struct as_node *node);

#endif
