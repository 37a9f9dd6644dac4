#include "tests/e2e/as_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "ledger/keyfile/keyfile.h"
#include "node/log.h"
#include "proto/bytes.h"
#include "proto/convert.h"

_Noreturn void as_node_stop(const char *why)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(1);
}

uint8_t *as_node_read(const char *path, size_t size_max, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = malloc(size_max);
    if (file == NULL || bytes == NULL) {
        as_node_stop("a file cannot be read");
    }
    *size = fread(bytes, 1, size_max, file);
    fclose(file);
    return bytes;
}

static void ignore(void *context, const struct pubkey33 *key)
{
    (void)context;
    (void)key;
}

static void ignore_frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    (void)context;
    (void)key;
    (void)type;
    (void)body;
}

static void open_key(struct as_node *node, const char *folder)
{
    char path[1024];
    char error[512];
    char passphrase[KEYFILE_PASSPHRASE_SIZE_MAX];
    snprintf(path, sizeof path, "%s/passphrase", folder);
    if (keyfile_passphrase(path, passphrase, error, sizeof error) != ST_OK) {
        as_node_stop("the passphrase cannot be read");
    }
    snprintf(path, sizeof path, "%s/node.key", folder);
    if (keyfile_read(path, passphrase, &node->signer, error, sizeof error) != ST_OK) {
        as_node_stop(error);
    }
}

/* All nodes of genesis. Returns where this one listens. */
static const char *list_nodes(struct as_node *node, struct peer_known *known, uint32_t *count)
{
    const char *listen = NULL;
    for (size_t i = 0; i < node->genesis.message->n_members; i++) {
        const Xuelian__Member *member = node->genesis.message->members[i];
        for (size_t k = 0; k < member->n_nodes && *count < PEERS_MAX; k++) {
            struct peer_known *peer = &known[(*count)++];
            field_copy(&peer->key, 33, &member->nodes[k]->key);
            peer->member = member->id;
            peer->role = member->nodes[k]->role;
            peer->address_count = 1;
            snprintf(peer->addresses[0], PEER_ADDRESS_SIZE, "%s", member->nodes[k]->addresses[0]);
            if (pubkey33_compare(&peer->key, signer_key(node->signer)) == 0) {
                listen = peer->addresses[0];
            } else {
                node->others[node->other_count++] = peer->key;
            }
        }
    }
    return listen;
}

void as_node_begin(struct as_node *node, const char *genesis, const char *folder)
{
    static struct peer_known known[PEERS_MAX];
    char why[GENESIS_ERROR_SIZE];
    char error[512];
    size_t size = 0;
    uint32_t count = 0;
    *node = (struct as_node){.peers = NULL};
    log_set_level(LOG_ERROR);
    uint8_t *bytes = as_node_read(genesis, LIMIT_GENESIS_SIZE_MAX, &size);
    if (genesis_parse(&node->genesis, bytes_of(bytes, size), why) != ST_OK) {
        as_node_stop("the genesis file cannot be read");
    }
    free(bytes);
    open_key(node, folder);
    const char *listen = list_nodes(node, known, &count);
    struct peers_config config = {.loop = uv_default_loop(),
                                  .listen = listen,
                                  .chain_id = node->genesis.chain_id,
                                  .role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR,
                                  .signer = node->signer,
                                  .software = "test",
                                  .known = known,
                                  .known_count = count,
                                  .up = ignore,
                                  .down = ignore,
                                  .frame = ignore_frame};
    if (listen == NULL || peers_start(&node->peers, &config, error, sizeof error) != ST_OK) {
        as_node_stop(listen == NULL ? "the key is not in the genesis file" : error);
    }
}

void as_node_end(struct as_node *node)
{
    peers_free(node->peers);
    uv_loop_close(uv_default_loop());
    signer_free(node->signer);
    genesis_free(&node->genesis);
}
