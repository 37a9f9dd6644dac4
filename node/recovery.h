/* Recoveries (恢复), on the side of the operator of a stopped node: xueliand newest and xueliand recover
 * (docs/operations.md, "When more than f validators are lost for good"; docs/decisions/0011-recovery.md).
 *
 * What the operator gave is kept as the file `recovery` of the data directory: a canonical SignedRecovery. From then on
 * the node votes in no era below the recovery's, and takes it when its block is the next (driver/recover.c). */
#ifndef XUELIAN_NODE_RECOVERY_H
#define XUELIAN_NODE_RECOVERY_H

#include "node/node.h"
#include "proto/recovery.h"

/* A recovery that was checked with the keys of genesis. */
struct node_recovery {
    struct recovery recovery; /* points into bytes and memory */
    uint8_t *bytes;           /* canonical SignedRecovery */
    size_t size;
    void *memory;
};

/* Reads and checks a recovery. Returns NULL, with the sentence, in both languages, in error; else the caller frees it. */
struct node_recovery *recovery_read(const struct genesis *genesis, struct bytes bytes,
                                    char error[NODE_ERROR_SIZE]);
void recovery_free(struct node_recovery *recovery);

/* What the operator of this node gave it: *out, or NULL when nothing was. Returns ST_OK; ST_CORRUPT. */
enum status recovery_load(const struct node *node, struct node_recovery **out,
                          char error[NODE_ERROR_SIZE]);

/* xueliand recover: checks a record against what this node holds, and keeps it.
 * Returns ST_OK with what was done in text; else why not. */
enum status node_recover(const struct node_config *config, const char *path,
                         char text[NODE_ERROR_SIZE]);
/* xueliand newest: the newest block of this node, as a JSON document for: xuelian recovery new.
 * Out  text  of at least NODE_ERROR_SIZE bytes. */
enum status node_newest(const struct node_config *config, char *text, size_t size);

#endif
