/* The network a command works with: its genesis file and nodes, given one by one or as a network's folder. */
#ifndef XUELIAN_CLI_CONNECTION_H
#define XUELIAN_CLI_CONNECTION_H

#include "cli/client.h"
#include "cli/file.h"

/* Option keys and entries for a command's options. */
enum { OPTION_NETWORK = 'w', OPTION_NODE = 'N', OPTION_GENESIS = 'g', OPTION_KEYS = 'k' };
#define CONNECTION_OPTIONS                                                                    \
    {"network",                                                                               \
     OPTION_NETWORK,                                                                          \
     "DIR",                                                                                   \
     0,                                                                                       \
     "a network's folder: its genesis file, nodes and keys|网络目录：含创世文件、节点与密钥", \
     1},                                                                                      \
        {"node",                                                                              \
         OPTION_NODE,                                                                         \
         "URL",                                                                               \
         0,                                                                                   \
         "a node, https://HOST:PORT[#KEY]; may be repeated|节点地址，可重复",                 \
         1},                                                                                  \
    {                                                                                         \
        "genesis", OPTION_GENESIS, "FILE", 0, "the network's genesis file|网络的创世文件", 1  \
    }

struct connection_values {
    const char *network;
    const char *genesis;
    const char *keys;
    const char *nodes[CLIENT_NODES_MAX];
    uint32_t node_count;
};

/* For a command's set. Returns true when the key was one of these; false with *fault when wrong, and false
 * with fault->code EXIT_OK when the key is another's. */
bool connection_set(struct connection_values *values, int key, const char *text,
                    struct fault *fault);

struct connection {
    uint8_t *genesis_data;
    size_t genesis_size;
    struct genesis genesis;
    char keys[FILE_PATH_SIZE]; /* folder of keys, or "" */
    struct client *client;
    char *node_list;
};

/* Reads the genesis file and makes a client. False with *fault. need_genesis: say so when it is missing.
 * need_nodes: false leaves client NULL. */
bool connection_open(struct connection *connection, const struct connection_values *values,
                     bool need_genesis, bool need_nodes, struct fault *fault);
void connection_close(struct connection *connection);

#endif
