/* Snapshots: the state at one height in parts that can be checked one by one, in any order of their chunks, against a
 * certified header, which the genesis file alone vouches for (docs/protocol.md, section 22).
 * A snapshot is made over a view, while the node goes on; nothing in it is trusted when it is read. */
#ifndef XUELIAN_LEDGER_SNAPSHOT_H
#define XUELIAN_LEDGER_SNAPSHOT_H

#include "ledger/genesis.h"
#include "ledger/store/block_log.h"
#include "ledger/view.h"
#include "ledger/whole/report.h"
#include "proto/snapshot.pb-c.h"

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_CHUNK = 4096,        /* positions */
    SNAPSHOT_PART_SIZE = 4 << 20, /* bytes after which a part is closed */
    SNAPSHOT_PART_SIZE_MAX = 8 << 20,
    SNAPSHOT_HEAD_SIZE_MAX = 64 << 20
};

/* Called with each part, and first with the head (part NULL). Returns ST_OK to go on. */
struct snapshot_out {
    enum status (*write)(void *context, const Xuelian__SnapshotPart *part, struct bytes bytes);
    void *context;
    size_t part_size; /* bytes after which a part is closed; 0: SNAPSHOT_PART_SIZE */
};

/* Makes a snapshot of a view.
 * Returns  ST_OK; ST_MISSING: the block log lacks the certificate or a recent block; ST_CORRUPT, ST_IO; what write
 *          returned. The report counts what was read. */
enum status snapshot_make(const struct ledger_view *view, struct block_log *log,
                          const struct genesis *genesis, const struct snapshot_out *out,
                          struct whole_report *report);

/* The longest validity window that was ever in force: an id committed that many heights ago may still be good.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status snapshot_window(struct kv *kv, const struct kv_snapshot *snapshot,
                            const struct genesis *genesis, uint64_t *window);

/* ---- Reading one ---- */

struct snapshot_read;

/* Checks the head, from the genesis file on.
 * Returns ST_OK; ST_BAD_PROOF, ST_BAD_CERTIFICATE, ST_BAD_ENCODING, with the report.
 * Out *out, freed with snapshot_read_free. The bytes are copied. */
enum status snapshot_read_head(struct snapshot_read **out, const struct genesis *genesis,
                               struct bytes head, struct whole_report *report);
void snapshot_read_free(struct snapshot_read *read);
const struct header *snapshot_header(const struct snapshot_read *read);
uint64_t snapshot_count(const struct snapshot_read *read, uint32_t collection);
/* First height of the recent parts. */
uint64_t snapshot_recent_from(const struct snapshot_read *read);

/* Whether all parts of an index are in the store: what a restore that was interrupted need not read again. */
bool snapshot_has(struct kv *state, uint32_t kind, uint32_t collection, uint64_t index);

/* Checks a part, and puts what it holds into the store of the new state. The parts of one index come in order,
 * and the history part before all others.
 * Returns ST_OK; ST_BAD_PROOF, ST_BAD_ENCODING, with the report; ST_IO. */
enum status snapshot_take(struct snapshot_read *read, struct kv *state, struct bytes bytes);

/* After all parts: what names the tip, what follows from the collections, and a look at the whole.
 * Returns as whole_check_state. */
enum status snapshot_finish(struct snapshot_read *read, struct kv *state);
/* Makes an empty block log begin with the snapshot's block. */
enum status snapshot_begin_log(const struct snapshot_read *read, struct block_log *log);

#endif
