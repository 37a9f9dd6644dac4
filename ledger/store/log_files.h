/* The write-ahead logs of a LevelDB folder, so that a sync reaches all of them.
 *
 * A synced write makes durable what is in LevelDB's current log alone. When the memtable is full, LevelDB
 * begins a new log and closes the old one without a sync (google/leveldb issue 193); until that memtable is a
 * table file, a power cut may lose what was written there without sync, and keep what was synced after it.
 * So every write asks here: when a log was begun, every older one that still exists is synced, and the folder's
 * entries. What was written without sync then ends somewhere, and has no hole but in the very write that began
 * the log.
 * One thread at a time. */
#ifndef XUELIAN_LEDGER_LOG_FILES_H
#define XUELIAN_LEDGER_LOG_FILES_H

#include "proto/status.h"

struct log_files;

/* Watches a folder that exists. Never fails: without a watch every sync looks at the whole folder. */
struct log_files *log_files_new(const char *path);
void log_files_free(struct log_files *files);

/* Call after every write. Cost: a look while LevelDB stays in one log.
 * Returns  ST_OK: all but the current log is on disk; after a synced write, all is; ST_IO (fatal). */
enum status log_files_sync(struct log_files *files);

#endif
