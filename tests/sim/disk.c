#include "tests/sim/disk.h"

#include "proto/bytes.h"

static void truncate_blocks(struct disk *disk, size_t count)
{
    while (disk->written > count) {
        owned_free(&disk->blocks[--disk->written].certificate);
    }
}

static void pending_clear(struct disk_pending *pending)
{
    owned_free(&pending->record);
    owned_free(&pending->new_view);
    *pending = (struct disk_pending){.active = false};
}

void disk_free(struct disk *disk)
{
    truncate_blocks(disk, 0);
    for (size_t i = 0; i < disk->new_view_count; i++) {
        owned_free(&disk->new_views[i].bytes);
    }
    for (size_t i = 0; i < disk->evidence_count; i++) {
        owned_free(&disk->evidence[i].messages[0]);
        owned_free(&disk->evidence[i].messages[1]);
    }
    pending_clear(&disk->pending);
    owned_free(&disk->record);
    free(disk->evidence);
    free(disk->blocks);
    free(disk->proposals);
    free(disk->new_views);
    *disk = (struct disk){.written = 0};
}

void disk_append(struct disk *disk, const struct sim_block *block, struct bytes certificate)
{
    CHECK(block->header.height == disk->written + 1);
    disk->blocks = sim_grow(disk->blocks, disk->written, &disk->capacity, sizeof *disk->blocks);
    struct disk_block *made = &disk->blocks[disk->written++];
    *made = (struct disk_block){.block = block};
    owned_set(&made->certificate, certificate);
}

void disk_begin(struct disk *disk, struct bytes record, const struct sim_block *store, uint64_t era,
                uint64_t view, struct bytes new_view)
{
    CHECK(!disk->pending.active);
    disk->pending = (struct disk_pending){
        .active = true, .store = store, .era = era, .view = view, .blocks = disk->written};
    owned_set(&disk->pending.record, record);
    owned_set(&disk->pending.new_view, new_view);
}

static void keep_record(struct disk *disk)
{
    owned_free(&disk->record);
    disk->record = disk->pending.record;
    disk->pending.record = (struct owned){.data = NULL};
    disk->record_era = disk->pending.era;
    disk->record_view = disk->pending.view;
    disk->records++;
}

static void keep_proposal(struct disk *disk)
{
    const struct sim_block *store = disk->pending.store;
    if (store == NULL || disk_proposal(disk, store->header.height, &store->hash) == store) {
        return;
    }
    const struct sim_block **grown = sim_grow(disk->proposals, disk->proposal_count,
                                              &disk->proposal_capacity, sizeof *disk->proposals);
    disk->proposals = grown;
    disk->proposals[disk->proposal_count++] = store;
}

static void keep_new_view(struct disk *disk)
{
    struct disk_pending *pending = &disk->pending;
    if (pending->new_view.size == 0) {
        return;
    }
    disk->new_views = sim_grow(disk->new_views, disk->new_view_count, &disk->new_view_capacity,
                               sizeof *disk->new_views);
    disk->new_views[disk->new_view_count++] = (struct disk_new_view){
        .era = pending->era, .view = pending->view, .bytes = pending->new_view};
    pending->new_view = (struct owned){.data = NULL};
}

/* A stored proposal goes when the block of its height is durable. */
static void drop_proposals(struct disk *disk)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->proposal_count; i++) {
        if (disk->proposals[i]->header.height > disk->synced) {
            disk->proposals[kept++] = disk->proposals[i];
        }
    }
    disk->proposal_count = kept;
}

void disk_finish(struct disk *disk)
{
    CHECK(disk->pending.active);
    if (disk->synced < disk->pending.blocks) {
        disk->synced = disk->pending.blocks;
    }
    struct disk_pending *pending = &disk->pending;
    keep_record(disk);
    owned_free(&pending->record);
    pending->active = false;
    keep_proposal(disk);
    keep_new_view(disk);
    pending_clear(pending);
    drop_proposals(disk);
}

static bool coin(struct tape *tape)
{
    return tape_below(tape, CONCERN_DISK, 2) != 0;
}

struct disk_arrived disk_choose(const struct disk *disk, struct tape *tape)
{
    struct disk_arrived arrived = {.blocks = 0};
    size_t unsynced = disk->written - disk->synced;
    if (tape != NULL && unsynced > 0) {
        arrived.blocks = tape_below(tape, CONCERN_DISK, (uint32_t)unsynced + 1);
    }
    if (tape != NULL && disk->pending.active) {
        arrived.record = coin(tape);
        arrived.proposal = coin(tape);
        arrived.new_view = coin(tape);
    }
    return arrived;
}

void disk_crash(struct disk *disk, const struct disk_arrived *arrived)
{
    CHECK(arrived->blocks <= disk->written - disk->synced);
    disk->synced += arrived->blocks;
    truncate_blocks(disk, disk->synced);
    if (disk->pending.active) {
        disk->pending.active = false;
        if (arrived->record) {
            keep_record(disk);
        }
        if (arrived->proposal) {
            keep_proposal(disk);
        }
        if (arrived->new_view) {
            keep_new_view(disk);
        }
        pending_clear(&disk->pending);
    }
    drop_proposals(disk);
}

const struct sim_block *disk_proposal(const struct disk *disk, uint64_t height,
                                      const struct hash32 *header_hash)
{
    for (size_t i = 0; i < disk->proposal_count; i++) {
        const struct sim_block *proposal = disk->proposals[i];
        if (proposal->header.height == height && hash32_equal(&proposal->hash, header_hash)) {
            return proposal;
        }
    }
    const struct sim_block *store = disk->pending.active ? disk->pending.store : NULL;
    return store != NULL && store->header.height == height &&
                   hash32_equal(&store->hash, header_hash)
               ? store
               : NULL;
}

struct bytes disk_new_view(const struct disk *disk, uint64_t era, uint64_t view)
{
    for (size_t i = disk->new_view_count; i-- > 0;) {
        if (disk->new_views[i].era == era && disk->new_views[i].view == view) {
            return owned_bytes(&disk->new_views[i].bytes);
        }
    }
    return bytes_of(NULL, 0);
}

void disk_keep_evidence(struct disk *disk, const struct pbft_effect *effect)
{
    disk->evidence = sim_grow(disk->evidence, disk->evidence_count, &disk->evidence_capacity,
                              sizeof *disk->evidence);
    struct disk_evidence *made = &disk->evidence[disk->evidence_count++];
    *made = (struct disk_evidence){
        .types = {effect->evidence.first_type, effect->evidence.second_type}};
    owned_set(&made->messages[0], effect->evidence.first);
    owned_set(&made->messages[1], effect->evidence.second);
}

static void drop_new_view(struct disk *disk, size_t at)
{
    owned_free(&disk->new_views[at].bytes);
    for (disk->new_view_count--; at < disk->new_view_count; at++) {
        disk->new_views[at] = disk->new_views[at + 1];
    }
}

void disk_set_log_aside(struct disk *disk)
{
    CHECK(!disk->pending.active);
    truncate_blocks(disk, 0);
    disk->synced = 0;
    disk->proposal_count = 0;
    disk->rotten = 0;
    while (disk->new_view_count > 0) {
        drop_new_view(disk, disk->new_view_count - 1);
    }
}

bool disk_lose_stored(struct disk *disk, size_t which)
{
    if (which < disk->proposal_count) {
        disk->proposals[which] = disk->proposals[--disk->proposal_count];
        return true;
    }
    which -= disk->proposal_count;
    if (which < disk->new_view_count) {
        drop_new_view(disk, which);
        return true;
    }
    return false;
}

void disk_lose_blocks(struct disk *disk, size_t count)
{
    size_t kept = count < disk->written ? disk->written - count : 0;
    truncate_blocks(disk, kept);
    disk->rotten = disk->rotten > kept ? 0 : disk->rotten;
    disk->synced = disk->synced < kept ? disk->synced : kept;
}

void disk_copy(struct disk *out, const struct disk *from)
{
    *out = (struct disk){.synced = from->written, /* a copy that was put back is all there */
                         .records = from->records,
                         .record_era = from->record_era,
                         .record_view = from->record_view,
                         .incarnation = from->incarnation};
    CHECK(!from->pending.active);
    for (size_t i = 0; i < from->written; i++) {
        disk_append(out, from->blocks[i].block, owned_bytes(&from->blocks[i].certificate));
    }
    owned_set(&out->record, owned_bytes(&from->record));
    for (size_t i = 0; i < from->proposal_count; i++) {
        out->pending.store = from->proposals[i];
        keep_proposal(out);
    }
    for (size_t i = 0; i < from->new_view_count; i++) {
        out->pending =
            (struct disk_pending){.era = from->new_views[i].era, .view = from->new_views[i].view};
        owned_set(&out->pending.new_view, owned_bytes(&from->new_views[i].bytes));
        keep_new_view(out);
    }
    pending_clear(&out->pending);
}
