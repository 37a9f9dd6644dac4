/* What binds this node across restarts: the journal's record, and what starting from it means. R20 to R23. */
#include "consensus/core.h"
#include "proto/block.pb-c.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"

#define RECORD_VERSION 1u

/* ---- Own state at a height ----------------------------------------------------------------------- */

const struct own_height *recover_own_find(const struct pbft *core, uint64_t height)
{
    for (size_t i = 0; i < 2; i++) {
        if (core->own.heights[i].height == height) {
            return &core->own.heights[i];
        }
    }
    return NULL;
}

static void own_height_clear(struct own_height *own)
{
    struct blob header = own->header, certificate = own->certificate;
    header.size = 0;
    certificate.size = 0;
    *own = (struct own_height){.header = header, .certificate = certificate};
}

struct own_height *recover_own(struct pbft *core, uint64_t height)
{
    struct own_height *place = NULL;
    for (size_t i = 0; i < 2; i++) {
        struct own_height *own = &core->own.heights[i];
        if (own->height == height) {
            return own;
        }
        if (place == NULL || own->height < place->height) {
            place = own;
        }
    }
    /* R21: what was prepared at a height is kept until its block is durable; make it so. */
    if (place->height > core->persisted_height) {
        recover_persist(core, NULL);
    }
    CHECK(place->height <= core->persisted_height);
    own_height_clear(place);
    place->height = height;
    return place;
}

/* ---- The record, written --------------------------------------------------------------------------- */

struct height_wire {
    Xuelian__JournalHeight wire;
    uint8_t prepare[VOTE_SIZE_MAX];
    uint8_t commit[VOTE_SIZE_MAX];
};

static void fill_height(const struct pbft *core, struct height_wire *out,
                        const struct own_height *own)
{
    uint32_t sender = core->self < 0 ? 0 : (uint32_t)core->self;
    xuelian__journal_height__init(&out->wire);
    out->wire.height = own->height;
    if (own->votes[PREPARE].present) {
        size_t size = vote_message(out->prepare, PREPARE, core->own.era, own->height, sender,
                                   &own->votes[PREPARE]);
        out->wire.prepare = field_borrow(out->prepare, size);
    }
    if (own->votes[COMMIT].present) {
        size_t size = vote_message(out->commit, COMMIT, core->own.era, own->height, sender,
                                   &own->votes[COMMIT]);
        out->wire.commit = field_borrow(out->commit, size);
    }
    if (own->prepared) {
        out->wire.prepared_header = field_borrow(own->header.data, own->header.size);
        out->wire.prepared_certificate = field_borrow(own->certificate.data, own->certificate.size);
    }
}

static Xuelian__JournalSlot *fill_slot(Xuelian__JournalSlot *out, const struct place *place)
{
    if (place->era == 0) {
        return NULL;
    }
    xuelian__journal_slot__init(out);
    out->era = place->era;
    out->view = place->view;
    out->height = place->height;
    return out;
}

/* Heights whose block is not durable, ascending. Returns how many. */
static size_t fill_heights(const struct pbft *core, struct height_wire made[2],
                           Xuelian__JournalHeight *list[2])
{
    size_t count = 0;
    const struct own_height *a = &core->own.heights[0], *b = &core->own.heights[1];
    const struct own_height *ordered[2] = {a->height < b->height ? a : b,
                                           a->height < b->height ? b : a};
    for (size_t i = 0; i < 2; i++) {
        if (ordered[i]->height != 0) {
            fill_height(core, &made[count], ordered[i]);
            list[count] = &made[count].wire;
            count++;
        }
    }
    return count;
}

static struct bytes record_encode(struct pbft *core)
{
    Xuelian__JournalRecord wire = XUELIAN__JOURNAL_RECORD__INIT;
    Xuelian__JournalSlot slots[NEWEST_COUNT];
    struct height_wire made[2];
    Xuelian__JournalHeight *heights[2];
    uint8_t forced[LIMIT_HEADER_SIZE_MAX];
    const struct own *own = &core->own;
    wire.version = RECORD_VERSION;
    wire.chain_id = field_borrow(&core->config.chain_id, 32);
    wire.key = field_borrow(&core->config.key, 33);
    wire.incarnation = core->config.incarnation;
    wire.era = own->era;
    wire.view = own->view;
    wire.target = own->target;
    wire.base_height = own->base_height;
    if (own->has_forced) {
        wire.forced_header = field_borrow(forced, header_encode(forced, &own->forced));
    }
    wire.durable_height = own->durable_height;
    wire.durable_hash = field_borrow(&own->durable_hash, 32);
    wire.heights = heights;
    wire.n_heights = fill_heights(core, made, heights);
    wire.view_change = field_borrow(own->view_change.data, own->view_change.size);
    wire.pre_prepare = field_borrow(own->pre_prepare.data, own->pre_prepare.size);
    wire.new_view_sent = own->new_view_sent;
    wire.newest_pre_prepare = fill_slot(&slots[0], &own->newest[NEWEST_PRE_PREPARE]);
    wire.newest_prepare = fill_slot(&slots[1], &own->newest[NEWEST_PREPARE]);
    wire.newest_commit = fill_slot(&slots[2], &own->newest[NEWEST_COMMIT]);
    uint8_t *out = core_room(core, canonical_size(&wire.base));
    return bytes_of(out, canonical_encode(out, &wire.base));
}

void recover_persist(struct pbft *core, struct result *store)
{
    struct own *own = &core->own;
    /* R22: what earlier PERSIST effects made durable is so before this one begins. It never goes back: a
     * log that is behind the journal stays behind until certified blocks bring it there. */
    if (core->persisted_height >= own->durable_height) {
        own->durable_height = core->persisted_height;
        own->durable_hash = core->persisted_hash;
    }
    for (size_t i = 0; i < 2; i++) {
        if (own->heights[i].height <= core->persisted_height) {
            own_height_clear(&own->heights[i]);
        }
    }
    if (own->pre_prepare_place.height <= core->persisted_height) {
        own->pre_prepare.size = 0;
    }
    struct bytes record = record_encode(core);
    struct pbft_effect *effect = core_effect(core, PBFT_PERSIST);
    effect->persist.record = record;
    effect->persist.era = own->era;
    effect->persist.view = own->view;
    effect->persist.height = core->height + 1;
    effect->persist.committed_height = core->persisted_height;
    effect->persist.committed_hash = core->persisted_hash;
    if (store != NULL && !store->stored) {
        effect->persist.store_height = core->height + 1;
        effect->persist.store_hash = store->hash;
        store->stored = true;
    }
    if (!own->new_view_durable) {
        effect->persist.new_view = core_keep(core, blob_bytes(&own->new_view));
        own->new_view_durable = true;
    }
    core->persisted_height = core->height;
    core->persisted_hash = core->hash;
}

/* ---- The record, read ------------------------------------------------------------------------------ */

static bool read_vote(struct vote *out, const ProtobufCBinaryData *field, enum phase_index phase,
                      uint64_t era, uint64_t height, struct arena *scratch)
{
    ProtobufCMessage *message;
    if (field->len == 0) {
        return true;
    }
    if (canonical_decode(&message, &xuelian__vote__descriptor, field_bytes(field), scratch) !=
        ST_OK) {
        return false;
    }
    const Xuelian__Vote *wire = (const Xuelian__Vote *)(const void *)message;
    Xuelian__Phase wanted =
        phase == COMMIT ? XUELIAN__PHASE__PHASE_COMMIT : XUELIAN__PHASE__PHASE_PREPARE;
    if (wire->phase != wanted || wire->era != era || wire->height != height ||
        !field_copy(&out->hash, 32, &wire->header_hash) ||
        !field_copy(&out->signature, 64, &wire->signature)) {
        return false;
    }
    out->view = wire->view;
    out->present = true;
    return true;
}

/* The journal is this node's own and checksummed: what it holds was verified when it was written. */
static bool read_prepared(struct pbft *core, struct own_height *own,
                          const Xuelian__JournalHeight *wire)
{
    struct header header;
    ProtobufCMessage *message;
    struct bytes bytes = field_bytes(&wire->prepared_certificate);
    if (bytes.size == 0) {
        return wire->prepared_header.len == 0;
    }
    if (header_decode(&header, field_bytes(&wire->prepared_header)) != ST_OK ||
        bytes.size > own->certificate.capacity ||
        canonical_decode(&message, &xuelian__certificate__descriptor, bytes, &core->scratch) !=
            ST_OK) {
        return false;
    }
    const Xuelian__Certificate *certificate = (const Xuelian__Certificate *)(const void *)message;
    header_hash(&own->prepared_hash, &header);
    if (certificate->phase != XUELIAN__PHASE__PHASE_PREPARE || certificate->height != own->height ||
        certificate->header_hash.len != 32 ||
        memcmp(certificate->header_hash.data, &own->prepared_hash, 32) != 0) {
        return false;
    }
    own->prepared = true;
    own->prepared_view = certificate->view;
    blob_set(&own->header, field_bytes(&wire->prepared_header));
    blob_set(&own->certificate, bytes);
    certificate_remember(core, bytes);
    return true;
}

static bool read_height(struct pbft *core, struct own_height *own,
                        const Xuelian__JournalHeight *wire)
{
    own->height = wire->height;
    return wire->height != 0 &&
           read_vote(&own->votes[PREPARE], &wire->prepare, PREPARE, core->own.era, wire->height,
                     &core->scratch) &&
           read_vote(&own->votes[COMMIT], &wire->commit, COMMIT, core->own.era, wire->height,
                     &core->scratch) &&
           read_prepared(core, own, wire);
}

static struct place read_slot(const Xuelian__JournalSlot *slot)
{
    return slot == NULL ? (struct place){0} : (struct place){slot->era, slot->view, slot->height};
}

static bool read_pre_prepare(struct pbft *core)
{
    ProtobufCMessage *message;
    if (core->own.pre_prepare.size == 0) {
        return true;
    }
    if (canonical_decode(&message, &xuelian__pre_prepare__descriptor,
                         blob_bytes(&core->own.pre_prepare), &core->scratch) != ST_OK) {
        return false;
    }
    const Xuelian__PrePrepare *wire = (const Xuelian__PrePrepare *)(const void *)message;
    core->own.pre_prepare_place = (struct place){wire->era, wire->view, wire->height};
    return true;
}

static bool read_own(struct pbft *core, const Xuelian__JournalRecord *wire)
{
    struct own *own = &core->own;
    own->era = wire->era;
    own->view = wire->view;
    own->target = wire->target;
    own->base_height = wire->base_height;
    own->durable_height = wire->durable_height;
    own->new_view_sent = wire->new_view_sent;
    own->newest[NEWEST_PRE_PREPARE] = read_slot(wire->newest_pre_prepare);
    own->newest[NEWEST_PREPARE] = read_slot(wire->newest_prepare);
    own->newest[NEWEST_COMMIT] = read_slot(wire->newest_commit);
    if (wire->forced_header.len > 0) {
        own->has_forced = header_decode(&own->forced, field_bytes(&wire->forced_header)) == ST_OK;
        if (!own->has_forced) {
            return false;
        }
        header_hash(&own->forced_hash, &own->forced);
    }
    if (own->era == 0 || own->view > own->target || wire->n_heights > 2 ||
        (own->view < own->target && wire->view_change.len == 0) ||
        !field_copy(&own->durable_hash, 32, &wire->durable_hash) ||
        wire->view_change.len > own->view_change.capacity ||
        wire->pre_prepare.len > own->pre_prepare.capacity) {
        return false;
    }
    blob_set(&own->view_change, field_bytes(&wire->view_change));
    blob_set(&own->pre_prepare, field_bytes(&wire->pre_prepare));
    for (size_t i = 0; i < wire->n_heights; i++) {
        if (!read_height(core, &own->heights[i], wire->heights[i])) {
            return false;
        }
    }
    if (!read_pre_prepare(core)) {
        return false;
    }
    /* R22: that a height was open says that q members COMMITted the one before, with the block before that on
     * their disks: it can be had, and it comes first. So no vote is ever below both heights here. */
    for (size_t i = 0; i < 2; i++) {
        if (own->heights[i].height > 2) {
            core->needed_height = later_ms(core->needed_height, own->heights[i].height - 2);
        }
    }
    return wire->n_heights < 2 || own->heights[0].height < own->heights[1].height;
}

/* A VIEW-CHANGE of one's own names a block whose certificate it carries: what the log lacks of it is
 * adopted first (R22), and no other VIEW-CHANGE for that view is ever made. */
static enum status restore_view_change(struct pbft *core)
{
    struct view_change change;
    if (core->own.view_change.size == 0) {
        return ST_OK;
    }
    if (view_change_decode(&change, blob_bytes(&core->own.view_change), &core->config.chain_id,
                           &core->scratch) != ST_OK ||
        change.era != core->own.era || change.new_view > core->own.target) {
        return ST_CORRUPT;
    }
    if (change.committed_height > core->own.durable_height) {
        core->own.durable_height = change.committed_height;
        core->own.durable_hash = change.committed_hash;
    }
    return ST_OK;
}

void recover_start(struct pbft *core)
{
    struct view_change change;
    arena_reset(&core->scratch);
    if (core->own.view_change.size == 0) {
        return;
    }
    view_change_again(&change, blob_bytes(&core->own.view_change), core);
    if (change.committed_height == core->height + 1) {
        certificate_remember(core, change.committed_certificate);
        (void)catch_up_certified(core, &core->config.key, change.committed_header,
                                 change.committed_certificate);
    }
}

enum status recover_restore(struct pbft *core, const struct pbft_start *start)
{
    ProtobufCMessage *message;
    core->persisted_height = core->height;
    core->persisted_hash = core->hash;
    core->own.new_view_durable = true;
    if (start->record.size == 0) {
        core->own.durable_height = core->height;
        core->own.durable_hash = core->hash;
        recover_enter_era(core);
        return ST_OK;
    }
    arena_reset(&core->scratch);
    if (canonical_decode(&message, &xuelian__journal_record__descriptor, start->record,
                         &core->scratch) != ST_OK) {
        return ST_CORRUPT;
    }
    const Xuelian__JournalRecord *wire = (const Xuelian__JournalRecord *)(const void *)message;
    if (wire->version != RECORD_VERSION) {
        return ST_CORRUPT;
    }
    if (wire->chain_id.len != 32 || memcmp(wire->chain_id.data, &core->config.chain_id, 32) != 0 ||
        wire->key.len != 33 || memcmp(wire->key.data, &core->config.key, 33) != 0 ||
        wire->incarnation != core->config.incarnation) {
        return ST_FOREIGN;
    }
    if (!read_own(core, wire)) {
        return ST_CORRUPT;
    }
    if (restore_view_change(core) != ST_OK ||
        (core->own.durable_height == core->height &&
         !hash32_equal(&core->own.durable_hash, &core->hash))) {
        return ST_CORRUPT;
    }
    if (start->new_view.size > 0 && start->new_view.size <= core->own.new_view.capacity) {
        blob_set(&core->own.new_view, start->new_view);
    }
    recover_enter_era(core);
    return ST_OK;
}

/* R4, R23: the journal's era and view stand, unless the open height is in a later era. */
void recover_enter_era(struct pbft *core)
{
    struct own *own = &core->own;
    if (own->era >= core->set.era) {
        return;
    }
    /* R33: of the old era's votes none binds above its last block; only a recovery can leave any there. */
    for (size_t i = 0; i < 2; i++) {
        if (own->heights[i].height > core->height) {
            own_height_clear(&own->heights[i]);
        }
    }
    if (own->pre_prepare_place.height > core->height) {
        own->pre_prepare.size = 0;
    }
    own->era = core->set.era;
    own->view = 0;
    own->target = 0;
    own->base_height = 0;
    own->has_forced = false;
    own->view_change.size = 0;
    own->new_view.size = 0;
    own->new_view_durable = true;
    own->new_view_sent = 0;
    core->progress_view = 0;
    core->quorum_since_ms = 0;
    core->primary_faulty = false;
    core->leave_view = false;
    core->leave_after_commit = false;
    core->installed_ms = core->now_ms;
}

/* ---- Sent again ------------------------------------------------------------------------------------ */

/* R21: what was signed stands, and is sent again as it was; nothing is ever signed again. */
void recover_resend(struct pbft *core, enum pbft_to to, const struct pubkey33 *peer)
{
    const struct own_height *own = recover_own_find(core, core->height + 1);
    const struct own *mine = &core->own;
    if (!core_may_vote(core)) {
        return;
    }
    if (mine->pre_prepare.size > 0 && mine->pre_prepare_place.era == core->set.era &&
        mine->pre_prepare_place.height == core->height + 1 &&
        mine->pre_prepare_place.view >= mine->target) {
        core_send(core, to, peer, XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE,
                  blob_bytes(&mine->pre_prepare));
    }
    for (size_t i = 0; own != NULL && i < PHASES; i++) {
        uint8_t bytes[VOTE_SIZE_MAX];
        enum phase_index phase = i == PREPARE ? PREPARE : COMMIT;
        /* R13: what a crash kept from leaving before the view was left does not leave after it. */
        if (own->votes[phase].present && own->votes[phase].view >= mine->target) {
            size_t size = vote_message(bytes, phase, core->set.era, own->height,
                                       (uint32_t)core->self, &own->votes[phase]);
            core_send(core, to, peer, XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, bytes_of(bytes, size));
        }
    }
    if (mine->target > mine->view) {
        core_send(core, to, peer, XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE,
                  blob_bytes(&mine->view_change));
    }
}

/* Once voting is possible, what is stored counts here and goes out. */
bool recover_advance(struct pbft *core)
{
    if (core->resent || !core_may_vote(core)) {
        return false;
    }
    core->resent = true;
    recover_resend(core, PBFT_TO_VALIDATORS, NULL);
    return true;
}
