/* What a block would write, over the committed state: reads see it first, the store stays untouched
 * until it is applied. One owner thread (the executor). */
#ifndef XUELIAN_LEDGER_OVERLAY_H
#define XUELIAN_LEDGER_OVERLAY_H

#include "ledger/store/kv.h"

struct overlay;

/* Over a store (borrowed). Never fails: running out of memory ends the process. */
struct overlay *overlay_new(struct kv *kv);
void overlay_free(struct overlay *overlay);

/* The store beneath, for ordered reads of what was committed. */
struct kv *overlay_kv(struct overlay *overlay);

/* Newest value of a key. Returns ST_OK; ST_NOT_FOUND; ST_CORRUPT, ST_IO (fatal).
 * Out  *value  borrowed until the next put of that key or overlay_free. Values read from the store are
 *      kept, so that reading again is cheap and pointers stay. */
enum status overlay_get(struct overlay *overlay, struct bytes key, struct bytes *value);

/* Writes a value; key and value are copied. */
void overlay_put(struct overlay *overlay, struct bytes key, struct bytes value);

/* Adds every write to a batch. */
void overlay_write(const struct overlay *overlay, struct kv_batch *batch);

#endif
