#include "cli/connection.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"

enum { NODE_LIST_SIZE_MAX = 65536 };

bool connection_set(struct connection_values *values, int key, const char *text,
                    struct fault *fault)
{
    *fault = (struct fault){.code = EXIT_OK};
    switch (key) {
    case OPTION_NETWORK:
        values->network = text;
        return true;
    case OPTION_GENESIS:
        values->genesis = text;
        return true;
    case OPTION_KEYS:
        values->keys = text;
        return true;
    case OPTION_NODE:
        if (values->node_count == CLIENT_NODES_MAX) {
            return fault_set(fault, EXIT_USAGE, "at most 64 nodes can be named", "至多 64 个节点");
        }
        values->nodes[values->node_count++] = text;
        return true;
    default:
        return false;
    }
}

static bool read_genesis(struct connection *connection, const char *path, struct fault *fault)
{
    char error[GENESIS_ERROR_SIZE];
    if (!file_read(path, LIMIT_GENESIS_SIZE_MAX, &connection->genesis_data,
                   &connection->genesis_size, fault)) {
        return false;
    }
    struct bytes bytes = bytes_of(connection->genesis_data, connection->genesis_size);
    enum status status = genesis_parse(&connection->genesis, bytes, error);
    return status == ST_OK || fault_set(fault, EXIT_USAGE, "%s: %s%.0s", "%s：%s（%s）", path,
                                        error, status_zh(status));
}

/* The lines of DIR/nodes. */
static bool read_nodes(struct connection *connection, const char *path, const char **nodes,
                       uint32_t *count, struct fault *fault)
{
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, NODE_LIST_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    connection->node_list = (char *)data;
    for (char *at = connection->node_list; *at != '\0' && *count < CLIENT_NODES_MAX;) {
        size_t length = strcspn(at, "\r\n");
        bool more = at[length] != '\0';
        at[length] = '\0';
        if (length > 0 && at[0] != '#') {
            nodes[(*count)++] = at;
        }
        at += length + more;
    }
    return true;
}

bool connection_open(struct connection *connection, const struct connection_values *values,
                     bool need_genesis, bool need_nodes, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    const char *nodes[CLIENT_NODES_MAX];
    uint32_t node_count = values->node_count;
    bool fine = true;
    *connection = (struct connection){.genesis_data = NULL};
    memcpy((void *)nodes, (const void *)values->nodes, node_count * sizeof *nodes);
    if (values->genesis != NULL || values->network != NULL) {
        fine = (values->genesis != NULL
                    ? path_join(path, "", values->genesis, fault)
                    : path_join(path, values->network, "network.genesis", fault)) &&
               read_genesis(connection, path, fault);
    } else if (need_genesis) {
        fine = fault_set(fault, EXIT_USAGE, "which network? Give --network DIR or --genesis FILE",
                         "哪个网络？请给出 --network DIR 或 --genesis FILE");
    }
    if (fine && values->keys != NULL) {
        fine = path_join(connection->keys, "", values->keys, fault);
    } else if (fine && values->network != NULL) {
        fine = path_join(connection->keys, values->network, "keys", fault);
    }
    if (fine && need_nodes && node_count == 0 && values->network != NULL) {
        fine = path_join(path, values->network, "nodes", fault) &&
               read_nodes(connection, path, nodes, &node_count, fault);
    }
    if (fine && need_nodes && node_count == 0) {
        fine = fault_set(fault, EXIT_USAGE, "which node? Give --node URL or --network DIR",
                         "哪个节点？请给出 --node URL 或 --network DIR");
    }
    if (fine && need_nodes) {
        fine =
            client_open(&connection->client, nodes, node_count,
                        connection->genesis.message != NULL ? &connection->genesis : NULL, fault);
    }
    if (!fine) {
        connection_close(connection);
    }
    return fine;
}

void connection_close(struct connection *connection)
{
    client_close(connection->client);
    if (connection->genesis.message != NULL) {
        genesis_free(&connection->genesis);
    }
    free(connection->genesis_data);
    free(connection->node_list);
    *connection = (struct connection){.genesis_data = NULL};
}
