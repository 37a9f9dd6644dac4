/* Gives a network for trials that has not started yet one observer more.
 *
 * add_observer GENESIS FOLDER ADDRESS: makes FOLDER/node.key and FOLDER/passphrase, and adds a node of the
 * first member, with role observer and that peer address, to the genesis file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/genesis.h"
#include "ledger/keyfile/keyfile.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "add_observer: %s\n", why);
    exit(1);
}

static void make_key(const char *folder, struct pubkey33 *key)
{
    static const char passphrase[] = "for one test";
    char path[1024];
    char error[512];
    snprintf(path, sizeof path, "%s/passphrase", folder);
    FILE *file = fopen(path, "we");
    if (file == NULL || fprintf(file, "%s\n", passphrase) < 0 || fclose(file) != 0) {
        stop("the passphrase cannot be written");
    }
    snprintf(path, sizeof path, "%s/node.key", folder);
    if (keyfile_create(path, passphrase, key, error, sizeof error) != ST_OK) {
        stop(error);
    }
}

static void write_genesis(const char *path, const Xuelian__Genesis *genesis)
{
    size_t size = canonical_size(&genesis->base);
    uint8_t *bytes = malloc(size);
    FILE *file = fopen(path, "wbe");
    if (bytes == NULL || file == NULL) {
        stop("the genesis file cannot be written");
    }
    canonical_encode(bytes, &genesis->base);
    if (fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        stop("the genesis file cannot be written");
    }
    free(bytes);
}

int main(int count, char **values)
{
    char error[GENESIS_ERROR_SIZE];
    struct genesis genesis;
    struct pubkey33 key;
    Xuelian__Node node = XUELIAN__NODE__INIT;
    Xuelian__Node *nodes[LIMIT_MEMBER_NODES_MAX];
    uint8_t *bytes = malloc(LIMIT_GENESIS_SIZE_MAX);
    if (count != 4) {
        stop("usage: add_observer GENESIS FOLDER ADDRESS");
    }
    FILE *file = fopen(values[1], "rbe");
    if (bytes == NULL || file == NULL) {
        stop("the genesis file cannot be read");
    }
    size_t size = fread(bytes, 1, LIMIT_GENESIS_SIZE_MAX, file);
    fclose(file);
    if (genesis_parse(&genesis, bytes_of(bytes, size), error) != ST_OK) {
        stop(error);
    }
    make_key(values[2], &key);
    node.key = field_borrow(&key, 33);
    node.role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    node.addresses = &values[3];
    node.n_addresses = 1;
    Xuelian__Member *member = genesis.message->members[0];
    Xuelian__Node **before = member->nodes;
    if (member->n_nodes + 1 > LIMIT_MEMBER_NODES_MAX) {
        stop("the member has too many nodes");
    }
    memcpy(nodes, before, member->n_nodes * sizeof(Xuelian__Node *));
    nodes[member->n_nodes++] = &node;
    member->nodes = nodes;
    write_genesis(values[1], genesis.message);
    genesis_free(&genesis);
    free(bytes);
    return 0;
}
