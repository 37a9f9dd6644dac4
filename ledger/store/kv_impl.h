/* What a backend of kv.h provides. Private to ledger/store. */
#ifndef XUELIAN_LEDGER_KV_IMPL_H
#define XUELIAN_LEDGER_KV_IMPL_H

#include <leveldb/c.h>

#include "ledger/store/kv.h"

struct kv_backend {
    enum status (*get)(struct kv *kv, const struct kv_snapshot *snapshot, struct bytes key,
                       uint8_t **value, size_t *size);
    enum status (*write)(struct kv *kv, leveldb_writebatch_t *batch, bool sync);
    void (*compact)(struct kv *kv, struct bytes from, struct bytes to);
    struct kv_snapshot *(*snapshot_new)(struct kv *kv);
    void (*snapshot_free)(struct kv *kv, struct kv_snapshot *snapshot);
    struct kv_iterator *(*iterator_new)(struct kv *kv, const struct kv_snapshot *snapshot,
                                        struct bytes from);
    void (*close)(struct kv *kv);
};

struct kv_iterator_backend {
    bool (*valid)(const struct kv_iterator *iterator);
    void (*next)(struct kv_iterator *iterator);
    struct bytes (*key)(const struct kv_iterator *iterator);
    struct bytes (*value)(const struct kv_iterator *iterator);
    enum status (*status)(const struct kv_iterator *iterator);
    void (*free)(struct kv_iterator *iterator);
};

/* First member of each backend's struct. */
struct kv {
    const struct kv_backend *backend;
    bool failed; /* a write failed: no further one is tried */
};

struct kv_iterator {
    const struct kv_iterator_backend *backend;
};

/* Allocates or ends the process: what is left after running out of memory cannot be trusted to sign. */
void *kv_allocate(size_t size);

#endif
