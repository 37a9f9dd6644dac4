#include "tests/sim/steps.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"

enum { ROOM = 1 << 20, NAME_SIZE = HEX_SIZE(8) };

/* A record taken apart; messages are in `memory`. */
struct image {
    bool present;
    void *memory;
    const Xuelian__JournalRecord *wire;
};

struct steps {
    void (*line)(void *context, const char *text);
    void *context;
    struct image last[SIM_NODES_MAX];
    uint64_t told_era; /* whose members were told */
};

struct steps *steps_new(void (*line)(void *context, const char *text), void *context)
{
    struct steps *steps = sim_new(sizeof *steps);
    steps->line = line;
    steps->context = context;
    return steps;
}

void steps_free(struct steps *steps)
{
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        free(steps->last[i].memory);
    }
    free(steps);
}

static void *decode(struct bytes bytes, const ProtobufCMessageDescriptor *schema,
                    struct arena *arena)
{
    ProtobufCMessage *message;
    CHECK(canonical_decode(&message, schema, bytes, arena) == ST_OK); /* the core wrote it */
    return message;
}

static const char *name(const ProtobufCBinaryData *hash, char out[NAME_SIZE])
{
    CHECK(hash->len == 32);
    hex_encode(out, hash->data, 8);
    return out;
}

static const char *name_header(const ProtobufCBinaryData *bytes, struct header *header,
                               char out[NAME_SIZE])
{
    struct hash32 hash;
    CHECK(header_decode(header, field_bytes(bytes)) == ST_OK);
    header_hash(&hash, header);
    hex_encode(out, hash.bytes, 8);
    return out;
}

static void tell(struct steps *steps, const char *text)
{
    steps->line(steps->context, text);
}

/* ---- Eras ---------------------------------------------------------------------------------------- */

/* The block before an era is durable before the era's first record. */
static const struct validator_set *set_of(const struct replica *replica, uint64_t era)
{
    if (era == 1) {
        return replica->cluster->chain.genesis->next_set;
    }
    CHECK(replica->disk.synced >= era - 1);
    return replica->disk.blocks[era - 2].block->next_set;
}

static void tell_era(struct steps *steps, const struct replica *replica, uint64_t era)
{
    const struct cluster *cluster = replica->cluster;
    const struct validator_set *set = set_of(replica, era);
    char text[SIM_LINE_SIZE];
    if (era <= steps->told_era) {
        return;
    }
    steps->told_era = era;
    size_t used = (size_t)snprintf(text, sizeof text, "step era %llu", (unsigned long long)era);
    for (uint32_t i = 0; i < set->count && used < sizeof text; i++) {
        int node = keys_find(&cluster->keys, &set->validators[i].key);
        bool traitor = node >= 0 && cluster->oracle.nodes[node].traitor;
        used +=
            (size_t)snprintf(text + used, sizeof text - used, " %d%s", node, traitor ? "*" : "");
    }
    tell(steps, text);
}

/* ---- Differences --------------------------------------------------------------------------------- */

static const Xuelian__JournalHeight *height_in(const Xuelian__JournalRecord *wire, uint64_t height)
{
    for (size_t i = 0; wire != NULL && i < wire->n_heights; i++) {
        if (wire->heights[i]->height == height) {
            return wire->heights[i];
        }
    }
    return NULL;
}

static bool same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return bytes_equal(field_bytes(a), field_bytes(b));
}

static void tell_vote(struct steps *steps, const struct replica *replica,
                      const ProtobufCBinaryData *bytes, struct arena *arena)
{
    char text[SIM_LINE_SIZE], hash[NAME_SIZE];
    const Xuelian__Vote *vote = decode(field_bytes(bytes), &xuelian__vote__descriptor, arena);
    snprintf(text, sizeof text, "step %s %u %llu %llu %llu %s",
             vote->phase == XUELIAN__PHASE__PHASE_COMMIT ? "commit" : "prepare",
             (unsigned)replica->index, (unsigned long long)vote->era,
             (unsigned long long)vote->view, (unsigned long long)vote->height,
             name(&vote->header_hash, hash));
    tell(steps, text);
}

static void tell_votes(struct steps *steps, const struct replica *replica,
                       const Xuelian__JournalRecord *before, const Xuelian__JournalRecord *now,
                       struct arena *arena)
{
    for (size_t i = 0; i < now->n_heights; i++) {
        const Xuelian__JournalHeight *height = now->heights[i];
        const Xuelian__JournalHeight *old = height_in(before, height->height);
        if (height->prepare.len > 0 && (old == NULL || !same(&height->prepare, &old->prepare))) {
            tell_vote(steps, replica, &height->prepare, arena);
        }
        if (height->commit.len > 0 && (old == NULL || !same(&height->commit, &old->commit))) {
            tell_vote(steps, replica, &height->commit, arena);
        }
    }
}

static void tell_install(struct steps *steps, const struct replica *replica,
                         const Xuelian__JournalRecord *now)
{
    char text[SIM_LINE_SIZE], hash[NAME_SIZE] = "";
    struct header header;
    snprintf(text, sizeof text, "step install %u %llu %llu %llu %s", (unsigned)replica->index,
             (unsigned long long)now->era, (unsigned long long)now->view,
             (unsigned long long)now->base_height,
             now->forced_header.len == 0 ? "" : name_header(&now->forced_header, &header, hash));
    tell(steps, text);
}

static void tell_leave(struct steps *steps, const struct replica *replica,
                       const Xuelian__JournalRecord *now, struct arena *arena)
{
    char text[SIM_LINE_SIZE], hash[NAME_SIZE] = "", shown[NAME_SIZE + 32] = "";
    struct header header;
    struct certificate certificate;
    const Xuelian__ViewChange *change =
        decode(field_bytes(&now->view_change), &xuelian__view_change__descriptor, arena);
    if (change->prepared_header.len > 0) {
        CHECK(certificate_decode(&certificate, field_bytes(&change->prepared_certificate),
                                 set_of(replica, now->era)->count) == ST_OK);
        snprintf(shown, sizeof shown, " %llu %s", (unsigned long long)certificate.view,
                 name_header(&change->prepared_header, &header, hash));
    }
    snprintf(text, sizeof text, "step leave %u %llu %llu %llu%s", (unsigned)replica->index,
             (unsigned long long)change->era, (unsigned long long)change->new_view,
             (unsigned long long)change->committed_height, shown);
    tell(steps, text);
}

void steps_recorded(void *context, const struct replica *replica)
{
    struct steps *steps = context;
    struct image *last = &steps->last[replica->index];
    struct image now = {.present = true, .memory = sim_new(ROOM)};
    struct arena arena;
    arena_init(&arena, now.memory, ROOM);
    now.wire =
        decode(owned_bytes(&replica->disk.record), &xuelian__journal_record__descriptor, &arena);
    const Xuelian__JournalRecord *before =
        last->present && last->wire->era == now.wire->era ? last->wire : NULL;
    tell_era(steps, replica, now.wire->era);
    if (now.wire->view != (before == NULL ? 0 : before->view)) {
        tell_install(steps, replica, now.wire);
    }
    tell_votes(steps, replica, before, now.wire, &arena);
    if (now.wire->view_change.len > 0 &&
        (before == NULL || !same(&now.wire->view_change, &before->view_change))) {
        tell_leave(steps, replica, now.wire, &arena);
    }
    free(last->memory);
    *last = now;
}
