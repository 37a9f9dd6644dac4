/* One node's disk: vote journal, block log with stored proposals and NEW-VIEWs; and what of it is only written.
 *
 * A block is written at COMMIT and synced by the next PERSIST. A PERSIST is under way from disk_begin to
 * disk_finish. A crash keeps what is synced, the written blocks up to some height, and of a PERSIST under way any
 * part: its pieces are synced in parallel, so each may have arrived or not. */
#ifndef XUELIAN_TESTS_SIM_DISK_H
#define XUELIAN_TESTS_SIM_DISK_H

#include "tests/sim/chain.h"
#include "tests/sim/tape.h"

struct disk_block {
    const struct sim_block *block;
    struct owned certificate;
};

struct disk_new_view {
    uint64_t era;
    uint64_t view;
    struct owned bytes;
};

/* A PERSIST under way. */
struct disk_pending {
    bool active;
    struct owned record;
    const struct sim_block *store; /* or NULL */
    uint64_t era, view;
    struct owned new_view; /* or empty */
    size_t blocks;         /* written before it began */
};

/* What its core reported: two messages, or one. */
struct disk_evidence {
    uint8_t types[2];
    struct owned messages[2];
};

struct disk {
    struct disk_block *blocks; /* blocks[h - 1] is block h */
    size_t written;
    size_t synced;
    size_t capacity;
    struct owned record; /* newest journal record; empty: none */
    uint64_t record_era; /* of the PERSIST that wrote it */
    uint64_t record_view;
    uint64_t records;                   /* written so far */
    uint64_t incarnation;               /* of the node that wrote the record */
    const struct sim_block **proposals; /* of heights not committed, with bodies */
    size_t proposal_count, proposal_capacity;
    struct disk_new_view *new_views;
    size_t new_view_count, new_view_capacity;
    size_t rotten; /* height of a block that cannot be read, 0: none */
    struct disk_evidence *evidence;
    size_t evidence_count, evidence_capacity;
    struct disk_pending pending;
};

void disk_free(struct disk *disk);

void disk_append(struct disk *disk, const struct sim_block *block, struct bytes certificate);
void disk_begin(struct disk *disk, struct bytes record, const struct sim_block *store, uint64_t era,
                uint64_t view, struct bytes new_view);
void disk_finish(struct disk *disk);
/* What of the unsynced has arrived when power goes. */
struct disk_arrived {
    size_t blocks; /* how many of the written and not synced */
    bool record, proposal, new_view;
};
void disk_crash(struct disk *disk, const struct disk_arrived *arrived);
/* As the tape chooses; NULL: nothing. */
struct disk_arrived disk_choose(const struct disk *disk, struct tape *tape);

/* A stored proposal of the open height, synced or on its way; NULL: none. */
const struct sim_block *disk_proposal(const struct disk *disk, uint64_t height,
                                      const struct hash32 *header_hash);
struct bytes disk_new_view(const struct disk *disk, uint64_t era, uint64_t view);

void disk_keep_evidence(struct disk *disk, const struct pbft_effect *effect);

/* The folder of the log is put aside: blocks, proposals and NEW-VIEWs are gone; journal and evidence stay. */
void disk_set_log_aside(struct disk *disk);
/* A stored proposal or NEW-VIEW, the `which`-th of all, cannot be read any more. False: there are not so many. */
bool disk_lose_stored(struct disk *disk, size_t which);
/* Damage beyond a crash: the newest `count` blocks are gone behind an intact journal. */
void disk_lose_blocks(struct disk *disk, size_t count);
/* All of it as it was: an old backup. */
void disk_copy(struct disk *out, const struct disk *from);

#endif
