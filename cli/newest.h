/* The newest version of an item, for payloads that name it: fetched with its proof, and believed by it. */
#ifndef XUELIAN_CLI_NEWEST_H
#define XUELIAN_CLI_NEWEST_H

#include <jansson.h>

#include "cli/connection.h"

/* Replaces each "newest" under version_hash or outcome_version in a payload by the hash of the newest version of the
 * item named beside it (item, or outcome), of the account that the payload names. False with *fault: there is no such
 * item, or no node proves it. */
bool newest_resolve(json_t *value, const struct connection *connection, struct fault *fault);

#endif
