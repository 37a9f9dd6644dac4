/* The log of who looked (查询日志): what was answered about persons, in a Merkle tree (RFC 9162) whose roots go on the
 * chain. It lives in the data directory, in a store of its own, and never leaves the node but for the learners it is
 * about. docs/access.md.
 * One thread appends; any thread reads. */
#ifndef XUELIAN_NODE_QUERY_LOG_H
#define XUELIAN_NODE_QUERY_LOG_H

#include "proto/access.pb-c.h"
#include "proto/limits.h"
#include "proto/status.h"
#include "proto/types.h"

enum { QUERY_WHAT_SIZE = 64, QUERY_ENTRY_SIZE_MAX = 256 };

struct query_log;

/* One answer. The first part is the caller's, the rest is set by query_log_append. */
struct query_entry {
    uint64_t time_ms;
    uint64_t height;
    struct hash32 learner;
    Xuelian__QueryReader reader;
    uint32_t member;
    struct hash32 reader_learner;
    char what[QUERY_WHAT_SIZE];
    uint8_t bytes[QUERY_ENTRY_SIZE_MAX]; /* canonical QueryEntry */
    size_t size;
    uint64_t log_size; /* with it; its own number */
    struct hash32 log_root;
};

/* Opens the log in a folder, or makes it. Returns ST_OK; ST_CORRUPT, ST_IO, with one sentence. */
enum status query_log_open(struct query_log **log, const char *folder, char *error, size_t room);
void query_log_close(struct query_log *log);

/* Appends entries, in this order, and has them on disk before it returns.
 * Returns ST_OK; ST_IO (fatal: an answer must not leave).  Cost: one sync for all. */
enum status query_log_append(struct query_log *log, struct query_entry *const entries[],
                             size_t count);

/* How many entries there are, and their root. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status query_log_head(struct query_log *log, uint64_t *size, struct hash32 *root);

/* Calls visit for the entries about a learner, newest first, from below number `before` (0: the newest); visit returns
 * false to end. Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: a read for each. */
enum status query_log_about(struct query_log *log, const struct hash32 *learner, uint64_t before,
                            bool (*visit)(void *context, uint64_t number, struct bytes entry),
                            void *context);

/* The path of an entry in the log of the first `size` entries.
 * Returns  ST_OK with *count hashes; ST_NOT_FOUND: number is not 1 to size, or size is past the end; ST_CORRUPT, ST_IO.
 * Out      path  LIMIT_MERKLE_DEPTH_MAX.  Cost: at most 2 * 64 reads. */
enum status query_log_path(struct query_log *log, uint64_t number, uint64_t size,
                           struct hash32 *path, uint32_t *count);

#endif
