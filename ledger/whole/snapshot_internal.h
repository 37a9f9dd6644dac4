/* What reading a snapshot holds. Private to snapshot_read.c and snapshot_take.c. */
#ifndef XUELIAN_LEDGER_SNAPSHOT_INTERNAL_H
#define XUELIAN_LEDGER_SNAPSHOT_INTERNAL_H

#include "ledger/state/account.h"
#include "ledger/whole/chain.h"
#include "ledger/whole/maker.h"
#include "ledger/whole/snapshot.h"

struct snapshot_record {
    uint8_t *data; /* of an account, until its items are here */
    size_t size;
};

struct snapshot_read {
    const struct genesis *genesis;
    struct whole_report *report;
    void *head_memory;
    const Xuelian__SnapshotHead *head;
    struct header header;
    struct hash32 hash;
    struct chain chain;
    struct validator_set certifying;
    struct validator_set next_set;
    struct bytes *changes; /* canonical SetChange each */
    uint32_t change_count;
    uint64_t counts[COLLECTION_COUNT];
    struct hash32 roots[COLLECTION_COUNT];
    uint64_t history_from;
    uint64_t recent_from;
    struct merkle_frontier history; /* of the headers below history_from */
    struct merkle_frontier before;  /* of all below the header */
    uint8_t *hashes;                /* from history_from on; NULL: the part has not come */
    /* The chunk whose parts are coming. */
    bool open;
    uint32_t collection;
    uint64_t index;
    uint32_t next_part;
    uint64_t first; /* position */
    uint32_t count;
    struct merkle_leaf leaves[SNAPSHOT_CHUNK];
    struct snapshot_record records[SNAPSHOT_CHUNK];
    uint32_t record_at; /* the next one to come */
    /* Of accounts: the one whose items are coming. */
    uint32_t account_at;
    bool account_open;
    struct account account;
    struct merkle_frontier frontier;
    uint64_t item;         /* the last one begun */
    uint32_t older_number; /* the next version to come of it; 0: none */
    struct hash32 older_hash;
    uint8_t *version_hashes; /* NULL: not given */
};

enum status snapshot_bad(struct snapshot_read *read, const char *en, const char *zh);
/* 'Z' kind collection index. */
struct state_key snapshot_done_key(uint32_t kind, uint32_t collection, uint64_t index);
void snapshot_forget_records(struct snapshot_read *read);
enum status snapshot_take_history(struct snapshot_read *read, const Xuelian__SnapshotPart *part);
enum status snapshot_take_recent(struct snapshot_read *read, struct maker *maker,
                                 const Xuelian__SnapshotPart *part);

#endif
