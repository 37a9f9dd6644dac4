/* Commands on a node's stores while it does not run: verify-store, audit, snapshot, restore, prune.
 *
 * Each prints what it found on standard output, progress on standard error, and what went wrong as one sentence, in
 * English or Chinese by the locale. Exit codes: 0; 1, a negative answer or something that could not be done. */
#ifndef XUELIAN_NODE_UPKEEP_H
#define XUELIAN_NODE_UPKEEP_H

#include "ledger/genesis.h"
#include "ledger/ledger.h"
#include "ledger/store/block_log.h"
#include "ledger/whole/report.h"
#include "node/config.h"

enum { UPKEEP_PATH_SIZE = CONFIG_TEXT_SIZE + 64, UPKEEP_FOLDERS_MAX = 64 };

/* What a command works on: a configuration's, or what the command line names. */
struct upkeep {
    const char *genesis;                     /* path */
    const char *folders[UPKEEP_FOLDERS_MAX]; /* data directories; the first is the node's own */
    uint32_t folder_count;
};

int upkeep_verify_store(const struct upkeep *upkeep);
/* 2: a block is not what its transactions give, or not certified; 3: two certified blocks of one height. */
int upkeep_audit(const struct upkeep *upkeep);
/* Of folders[0], a data directory, into folders[1], a new folder; and from there into a data directory that init made. */
int upkeep_snapshot(const struct upkeep *upkeep);
int upkeep_restore(const struct upkeep *upkeep);

/* ---- What they share ---- */

/* One of the two, by the locale: LC_ALL, LC_MESSAGES, LANG. */
const char *upkeep_say(const char *en, const char *zh)
    __attribute__((format_arg(1), format_arg(2)));
/* Prints a sentence after the program's name on standard error. Returns 1. */
int upkeep_refuse(const char *sentence);

/* A genesis file, read and parsed. Says why not. */
struct upkeep_genesis {
    struct genesis genesis;
    uint8_t *bytes;
    size_t size;
};
bool upkeep_genesis_read(struct upkeep_genesis *genesis, const char *path);
void upkeep_genesis_free(struct upkeep_genesis *genesis);

/* The stores of a data directory that no node uses, opened to read. Says why not. */
struct upkeep_store {
    char folder[UPKEEP_PATH_SIZE];
    int lock; /* -1: there was no LOCK file, as in a backup of parts */
    struct kv *state;
    struct block_log *log;
};
enum { UPKEEP_LOG = 1, UPKEEP_STATE = 2 };
bool upkeep_store_open(struct upkeep_store *store, const char *folder,
                       const struct genesis *genesis, unsigned parts);
void upkeep_store_close(struct upkeep_store *store);

/* Progress lines: at most one a second on a terminal, one in ten seconds elsewhere. */
struct upkeep_progress {
    const char *command;
    uint64_t started_ms;
    uint64_t next_ms;
    bool terminal;
    bool written;
};
void upkeep_progress_start(struct upkeep_progress *progress, const char *command);
/* As whole_report's progress; context is the struct upkeep_progress. */
void upkeep_progress_note(void *context, const struct whole_report *report, const char *what_en,
                          const char *what_zh, uint64_t done, uint64_t of);
void upkeep_progress_end(struct upkeep_progress *progress);
double upkeep_seconds(const struct upkeep_progress *progress);

#endif
