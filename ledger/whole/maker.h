/* Writing what a restore makes anew, in batches of a few megabytes or of a whole part, not synced. */
#ifndef XUELIAN_LEDGER_MAKER_H
#define XUELIAN_LEDGER_MAKER_H

#include "ledger/state/keys.h"
#include "ledger/store/kv.h"

struct maker {
    struct kv *kv;
    struct kv_batch *batch;
    bool whole;         /* nothing is written before maker_flush: until then it may prove wrong */
    enum status status; /* of the first write that failed */
};

static inline void maker_open(struct maker *maker, struct kv *kv)
{
    *maker = (struct maker){.kv = kv, .batch = kv_batch_new(), .status = ST_OK};
}

/* Returns the status so far. */
static inline enum status maker_flush(struct maker *maker, bool sync)
{
    if (maker->status == ST_OK) {
        maker->status = kv_write(maker->kv, maker->batch, sync);
        kv_batch_clear(maker->batch);
    }
    return maker->status;
}

static inline void maker_put(struct maker *maker, const struct state_key *key, struct bytes value)
{
    enum { BATCH_SIZE = 4 << 20 };
    kv_batch_put(maker->batch, key_bytes(key), value);
    if (!maker->whole && kv_batch_size(maker->batch) > BATCH_SIZE) {
        (void)maker_flush(maker, false);
    }
}

static inline void maker_close(struct maker *maker)
{
    kv_batch_free(maker->batch);
}

#endif
