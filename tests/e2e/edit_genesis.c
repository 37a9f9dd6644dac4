/* Changes the genesis file of a network for trials that has not started yet.
 *
 * edit_genesis GENESIS observer FOLDER ADDRESS   makes FOLDER/node.key and FOLDER/passphrase, and adds a node of
 *                                                the first member, an observer with that peer address
 * edit_genesis GENESIS address MEMBER ADDRESS    the peer address of that member's first node
 * edit_genesis GENESIS t0_ms NUMBER              the view timeout
 * edit_genesis GENESIS heartbeat_ms NUMBER       from block to block when nothing waits
 * edit_genesis GENESIS rotation_blocks NUMBER    blocks until the next member leads */
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
    fprintf(stderr, "edit_genesis: %s\n", why);
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

/* Genesis borrows from bytes, of LIMIT_GENESIS_SIZE_MAX. */
static void read_genesis(const char *path, struct genesis *genesis, uint8_t *bytes)
{
    char error[GENESIS_ERROR_SIZE];
    FILE *file = fopen(path, "rbe");
    if (bytes == NULL || file == NULL) {
        stop("the genesis file cannot be read");
    }
    size_t size = fread(bytes, 1, LIMIT_GENESIS_SIZE_MAX, file);
    fclose(file);
    if (genesis_parse(genesis, bytes_of(bytes, size), error) != ST_OK) {
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

static void add_observer(const char *path, const Xuelian__Genesis *genesis, const char *folder,
                         char *address)
{
    struct pubkey33 key;
    Xuelian__Node node = XUELIAN__NODE__INIT;
    Xuelian__Node *nodes[LIMIT_MEMBER_NODES_MAX];
    Xuelian__Member *member = genesis->members[0];
    Xuelian__Node **before = member->nodes;
    if (member->n_nodes + 1 > LIMIT_MEMBER_NODES_MAX) {
        stop("the member has too many nodes");
    }
    make_key(folder, &key);
    node.key = field_borrow(&key, 33);
    node.role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    node.addresses = &address;
    node.n_addresses = 1;
    memcpy(nodes, before, member->n_nodes * sizeof(Xuelian__Node *));
    nodes[member->n_nodes++] = &node;
    member->nodes = nodes;
    write_genesis(path, genesis);
    member->nodes = before;
    member->n_nodes--;
}

static void set_address(const char *path, const Xuelian__Genesis *genesis, uint64_t member,
                        char *address)
{
    if (member == 0 || member > genesis->n_members || genesis->members[member - 1]->n_nodes == 0) {
        stop("there is no such member, or it has no node");
    }
    Xuelian__Node *node = genesis->members[member - 1]->nodes[0];
    char **addresses = node->addresses;
    size_t count = node->n_addresses;
    node->addresses = &address;
    node->n_addresses = 1;
    write_genesis(path, genesis);
    node->addresses = addresses;
    node->n_addresses = count;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0') {
        stop("a number is not one");
    }
    return value;
}

int main(int count, char **values)
{
    struct genesis genesis;
    uint8_t *bytes = malloc(LIMIT_GENESIS_SIZE_MAX);
    const char *what = count < 4 ? "" : values[2];
    if (count < 4) {
        stop("usage: edit_genesis GENESIS observer|address|t0_ms|heartbeat_ms|rotation_blocks "
             "VALUE...");
    }
    read_genesis(values[1], &genesis, bytes);
    if (count == 5 && strcmp(what, "observer") == 0) {
        add_observer(values[1], genesis.message, values[3], values[4]);
    } else if (count == 5 && strcmp(what, "address") == 0) {
        set_address(values[1], genesis.message, number(values[3]), values[4]);
    } else if (count == 4 && strcmp(what, "t0_ms") == 0) {
        genesis.message->params->t0_ms = number(values[3]);
        /* A full block must fit into the timeout. */
        genesis.message->params->batch_work = 10 * genesis.message->params->t0_ms;
        write_genesis(values[1], genesis.message);
    } else if (count == 4 && strcmp(what, "heartbeat_ms") == 0) {
        genesis.message->params->heartbeat_ms = number(values[3]);
        write_genesis(values[1], genesis.message);
    } else if (count == 4 && strcmp(what, "rotation_blocks") == 0) {
        genesis.message->params->rotation_blocks = number(values[3]);
        write_genesis(values[1], genesis.message);
    } else {
        stop("it cannot change that");
    }
    genesis_free(&genesis);
    free(bytes);
    return 0;
}
