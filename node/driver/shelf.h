/* The evidence that a node keeps: one piece of each era, validator and kind, in the data directory and in memory.
 *
 * Files are named evidence-ERA-INDEX-KIND, canonical KeptEvidence. The first of its name stays. What is in a file is
 * checked again when it is read: a file shows what it shows, whoever wrote it. Loop thread, but for what says so. */
#ifndef XUELIAN_NODE_SHELF_H
#define XUELIAN_NODE_SHELF_H

#include "node/evidence/evidence.h"
#include "node/node.h"

enum {
    SHELF_MAX = 1024,           /* pieces */
    SHELF_BYTES_MAX = 64 << 20, /* of all of them */
    SHELF_ID_SIZE = 40          /* "ERA-INDEX-KIND" and a NUL */
};

struct kept {
    char id[SHELF_ID_SIZE];
    uint64_t era;
    struct pubkey33 key;
    struct evidence_facts facts;
    uint64_t seen_ms;
    struct pubkey33 from; /* the node that sent it, or this one */
    uint8_t *bytes;       /* as sent to peers */
    size_t size;
};

struct shelf {
    struct kept list[SHELF_MAX];
    size_t count;
    size_t bytes;
};

void shelf_free(struct shelf *shelf);
/* Reads and checks the files of the data directory; one that shows nothing is left where it is, with a warning. */
void shelf_load(struct shelf *shelf, struct node *node);

const struct kept *shelf_find(const struct shelf *shelf, uint64_t era, const struct pubkey33 *key,
                              Xuelian__EvidenceKind kind);
const struct kept *shelf_find_id(const struct shelf *shelf, const char *id);
/* Takes kept->bytes on success. False: full, or there is one of its name. */
bool shelf_add(struct shelf *shelf, const struct kept *kept);

/* The set of an era, from the block log. rotation_blocks 0: K of that era is not known; of era 1 genesis has it.
 * Returns ST_OK; ST_FUTURE: this node knows of no such era; ST_CORRUPT, ST_IO, ST_NO_MEMORY. Any thread. */
enum status shelf_path(struct evidence_path *path, struct node *node, uint64_t era,
                       uint64_t rotation_blocks);
/* The file of a name. Any thread. */
void shelf_file(char *out, size_t size, const struct node *node, const char *id);
/* Writes a file, whole or not at all, never over another. False: it could not be written. Any thread. */
bool shelf_write(const struct node *node, const char *id, const struct evidence *evidence);
void shelf_id(char out[SHELF_ID_SIZE], uint64_t era, uint32_t index, Xuelian__EvidenceKind kind);

#endif
