/* Asking the node that runs on this machine, by its local_listen. Blocks; for commands, not for a node. */
#ifndef XUELIAN_NODE_ASK_H
#define XUELIAN_NODE_ASK_H

#include "node/config.h"

/* The node's signature that it follows, as one JSON object.
 * Returns  ST_OK; ST_NOT_FOUND (no node answers); ST_CONFLICT (it refused); ST_BAD_CONFIG; ST_BAD_ENCODING.
 * Out      text  the object, or one sentence that says why not. */
enum status ask_following(const struct node_config *config, char *text, size_t size);

#endif
