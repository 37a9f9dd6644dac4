/* The configuration file: YAML with a strict schema; an unknown key is an error that names the nearest
 * known one. */
#ifndef XUELIAN_NODE_CONFIG_H
#define XUELIAN_NODE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "node/log.h"
#include "proto/status.h"
#include "proto/types.h"

#define CONFIG_TEXT_SIZE    1024u
#define CONFIG_ADDRESS_SIZE 72u
#define CONFIG_PEERS_MAX    64u

/* Where another node is, instead of what its member record says. */
struct config_peer {
    struct pubkey33 key;
    char address[CONFIG_ADDRESS_SIZE]; /* host:port */
};

struct node_config {
    char data_dir[CONFIG_TEXT_SIZE];        /* state, log, journal; made by xueliand init */
    char genesis[CONFIG_TEXT_SIZE];         /* the genesis file */
    char key_file[CONFIG_TEXT_SIZE];        /* the node key, encrypted PKCS#8 */
    char passphrase_file[CONFIG_TEXT_SIZE]; /* its first line opens the key */
    char peer_listen[CONFIG_TEXT_SIZE];     /* host:port for other nodes */
    char rpc_listen[CONFIG_TEXT_SIZE];      /* host:port for clients, TLS */
    char local_listen[CONFIG_TEXT_SIZE];    /* host:port on loopback: health and metrics, plain */
    enum log_level log_level;
    uint32_t query_anchor_seconds; /* the query log's head goes on the chain so often; 0: never */
    struct config_peer peer_addresses[CONFIG_PEERS_MAX];
    uint32_t peer_address_count;
};

/* Reads a file. Relative paths in it are taken from the file's folder.
 * Returns ST_OK; ST_NOT_FOUND; ST_BAD_CONFIG. Out: error, one sentence with file and line. */
enum status config_read(struct node_config *config, const char *path, char *error,
                        size_t error_size);

#endif
