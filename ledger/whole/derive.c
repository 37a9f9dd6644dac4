#include "ledger/whole/derive_internal.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/tx/conversion.h"
#include "ledger/tx/outcome.h"
#include "ledger/tx/points.h"
#include "ledger/whole/grow.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

struct derive *derive_new(const struct derive_tables *tables)
{
    struct derive *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->tables = *tables;
    return made;
}

void derive_free(struct derive *derive)
{
    if (derive != NULL) {
        free(derive->notes);
        free(derive->entries);
        free(derive->values);
        free(derive->identities);
        free(derive->cells);
        free(derive->flags);
        free(derive->roots);
        free(derive->normal);
        free(derive);
    }
}

void derive_begin(struct derive *derive, uint64_t position, uint32_t date)
{
    derive->position = position;
    derive->date = date;
    derive->note_count = 0;
    derive->entry_count = 0;
    derive->identity_count = 0;
    derive->cell_count = 0;
    derive->item_count = 0;
}

/* ---- Notes ---- */

static struct state_key key_letter(const struct derive *derive, char letter)
{
    struct state_key key = key_of('X');
    key_add8(&key, (uint8_t)letter);
    key_add64(&key, derive->position);
    return key;
}

static struct note *note(struct derive *derive, enum note_kind kind, const struct state_key *key,
                         uint64_t amount)
{
    derive->notes =
        grow(derive->notes, derive->note_count, &derive->note_room, sizeof(struct note));
    struct note *made = &derive->notes[derive->note_count++];
    memset(made, 0, sizeof *made);
    made->key = *key;
    made->kind = kind;
    made->amount = amount;
    return made;
}

/* As ledger/state/counts.h has it. */
static void note_count(struct derive *derive, char letter, uint64_t item, uint32_t first,
                       uint32_t second, uint64_t amount)
{
    struct state_key key = key_letter(derive, letter);
    key_add64(&key, item);
    key_add32(&key, first);
    key_add32(&key, second);
    (void)note(derive, NOTE_COUNT, &key, amount);
}

static void note_item(struct derive *derive, const struct state_key *key, uint64_t item)
{
    struct note *made = note(derive, NOTE_LIST, key, 0);
    be64_put(made->payload, item);
    made->payload_size = 8;
}

/* An item rests on another, and on the outcome that this one rests on. */
static void note_rests(struct derive *derive, uint64_t source, uint64_t item)
{
    struct state_key key = key_letter(derive, 'a');
    key_add64(&key, source);
    note_item(derive, &key, item);
    uint64_t root = source <= derive->item_count ? derive->roots[source - 1] : 0;
    if (root != 0) {
        key = key_letter(derive, 'a');
        key_add64(&key, root);
        note_item(derive, &key, item);
    }
}

/* ---- Statistics ---- */

static uint32_t parent_of(const struct derive_tables *tables, uint32_t code, bool *exists)
{
    size_t low = 0;
    size_t high = tables->region_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tables->regions[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *exists = low < tables->region_count && tables->regions[low].code == code;
    return *exists ? tables->regions[low].parent : 0;
}

/* Adds to a cell of the region and of each above it; both: to that of the kind and level, and to that of all. */
static void note_cells(struct derive *derive, uint32_t year, uint32_t region, uint32_t kind,
                       uint32_t level, const struct derive_cell *add)
{
    enum { LEVELS_MAX = 8 };
    for (uint32_t depth = 0; region != 0 && depth < LEVELS_MAX; depth++) {
        bool exists;
        uint32_t parent = parent_of(&derive->tables, region, &exists);
        for (uint32_t i = 0; exists && i < (kind == 0 ? 1u : 2u); i++) {
            derive->cells = grow(derive->cells, derive->cell_count, &derive->cell_room,
                                 sizeof(struct derive_cell));
            struct derive_cell *made = &derive->cells[derive->cell_count++];
            *made = *add;
            be32_put(made->key, year);
            be32_put(made->key + 4, region);
            be32_put(made->key + 8, i == 0 ? kind : 0);
            be32_put(made->key + 12, i == 0 ? level : 0);
        }
        region = exists ? parent : 0;
    }
}

/* ---- Kinds of items ---- */

static bool counts(const Xuelian__ItemVersion *version)
{
    return version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID ||
           version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_CORRECTED;
}

static bool is(const Xuelian__ItemVersion *version, Xuelian__ItemStatus status)
{
    return version->status == status;
}

static bool reviewed(const Xuelian__ItemVersion *version)
{
    return is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW);
}

/* As ledger/tx/dependents.c has it. */
static bool final(const Xuelian__ItemVersion *version)
{
    return is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED) ||
           is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED) ||
           (is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED) &&
            version->kind != XUELIAN__ITEM_KIND__ITEM_KIND_POINTS);
}

static enum status decode(const Xuelian__ItemVersion *version,
                          const ProtobufCMessageDescriptor *schema, struct arena *arena,
                          ProtobufCMessage **content)
{
    return canonical_decode(content, schema, field_bytes(&version->content), arena) == ST_OK
               ? ST_OK
               : ST_CORRUPT;
}

/* A combination stays in the account's list for ever once an outcome of it has counted. */
static void note_combination(struct derive *derive, const Xuelian__Outcome *outcome, bool now)
{
    struct state_key key = key_letter(derive, 's');
    key_add32(&key, outcome->award_date / 10000);
    struct note *made = note(derive, NOTE_CELLS, &key, now);
    be32_put(made->payload, outcome->region);
    be32_put(made->payload + 4, (uint32_t)outcome->kind);
    be32_put(made->payload + 8, outcome->level);
    made->payload_size = 12;
}

static enum status take_outcome(struct derive *derive, const Xuelian__ItemVersion *version,
                                bool newest)
{
    uint64_t memory[OUTCOME_MEMORY_SIZE / 8];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = decode(version, &xuelian__outcome__descriptor, &arena, &content);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Outcome *outcome = (const Xuelian__Outcome *)(const void *)content;
    bool revoked = is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED);
    if (counts(version)) {
        note_combination(derive, outcome, newest);
    }
    if (!newest) {
        return ST_OK;
    }
    if (counts(version) || is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED)) {
        derive->identities = grow(derive->identities, derive->identity_count,
                                  &derive->identity_room, sizeof(struct derive_identity));
        struct derive_identity *made = &derive->identities[derive->identity_count++];
        outcome_identity(&made->identity, outcome);
        made->item = version->item;
    }
    if (counts(version) || revoked) {
        const struct derive_cell add = {.outcomes = !revoked,
                                        .credits = revoked ? 0 : outcome->credits,
                                        .hours = revoked ? 0 : outcome->hours,
                                        .revoked = revoked};
        note_cells(derive, outcome->award_date / 10000, outcome->region, (uint32_t)outcome->kind,
                   outcome->level, &add);
    }
    return ST_OK;
}

static enum status take_recognition(struct derive *derive, const Xuelian__ItemVersion *version)
{
    uint64_t memory[64];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = decode(version, &xuelian__recognition__descriptor, &arena, &content);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Recognition *recognition = (const Xuelian__Recognition *)(const void *)content;
    derive->roots[version->item - 1] = recognition->outcome;
    if (!is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED)) {
        struct state_key key = key_letter(derive, 'k');
        key_add64(&key, recognition->outcome);
        key_add32(&key, recognition->recogniser);
        (void)note(derive, NOTE_KNOWN, &key, version->item);
    }
    if (!final(version)) {
        note_rests(derive, recognition->outcome, version->item);
    }
    return ST_OK;
}

static const struct derive_rule *rule_of(const struct derive *derive, uint32_t id)
{
    size_t low = 0;
    size_t high = derive->tables.rule_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (derive->tables.rules[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < derive->tables.rule_count && derive->tables.rules[low].id == id
               ? &derive->tables.rules[low]
               : NULL;
}

/* What a version that held rested on: an item stays in the lists of sources that a review left out later. */
static void remember_sources(struct derive *derive, const struct conversion *conversion)
{
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < derive->source_count; k++) {
            known = known || derive->sources[k] == conversion->sources[i].item;
        }
        if (!known && derive->source_count < SOURCES_MAX) {
            derive->sources[derive->source_count++] = conversion->sources[i].item;
        }
    }
}

static enum status take_conversion(struct derive *derive, const Xuelian__ItemVersion *version,
                                   bool newest)
{
    const struct item item = {.version = version};
    struct conversion conversion;
    if (conversion_decode(&conversion, &item) != ST_OK) {
        return ST_CORRUPT;
    }
    if (counts(version)) {
        remember_sources(derive, &conversion);
    }
    if (!newest) {
        return ST_OK;
    }
    if (counts(version) || reviewed(version)) {
        const struct derive_rule *rule = rule_of(derive, conversion.rule);
        if (rule == NULL) {
            return ST_CORRUPT;
        }
        const struct derive_cell add = {.conversions = 1, .converted_credits = conversion.credits};
        note_count(derive, 'r', 0, rule->series, 0, conversion.credits);
        note_count(derive, 'm', 0, rule->owner, rule->programme, conversion.credits);
        for (uint32_t i = 0; i < conversion.source_count; i++) {
            note_count(derive, 'u', conversion.sources[i].item, rule->consuming ? 0 : rule->series,
                       rule->consuming ? rule->basis : 0, conversion.sources[i].used);
        }
        note_cells(derive, conversion.decided_date / 10000, conversion.region, 0, 0, &add);
    }
    for (uint32_t i = 0; !final(version) && i < derive->source_count; i++) {
        note_rests(derive, derive->sources[i], version->item);
    }
    return ST_OK;
}

static enum status take_lot(struct derive *derive, const Xuelian__ItemVersion *version,
                            const struct points_entry *lot)
{
    bool earned = lot->type == XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL;
    uint32_t expiry = lot->expiry_date == 0 ? UINT32_MAX : lot->expiry_date;
    const struct derive_cell add = {.points = (earned ? (uint64_t)lot->points : 0) - lot->reversed};
    note_cells(derive, lot->date / 10000, lot->region, 0, 0, &add);
    if (earned) {
        const struct derive_rule *rule = rule_of(derive, lot->rule);
        if (rule == NULL) {
            return ST_CORRUPT;
        }
        if (!derive->uncounted) {
            note_count(derive, 'u', lot->source_item, rule->series, 0, 1);
            note_count(derive, 'r', 0, rule->series, 0, lot->points);
            note_count(derive, 'y', 0, rule->series, lot->date / 10000, lot->points);
        }
        if (!final(version)) {
            note_rests(derive, lot->source_item, version->item);
        }
    }
    if (!earned) {
        struct state_key key = key_letter(derive, 't');
        key_add_hash(&key, &lot->from_account);
        key_add64(&key, lot->source_item);
        (void)note(derive, NOTE_KNOWN, &key, version->item);
    }
    if (lot->remaining > 0 && (counts(version) || reviewed(version)) && expiry >= derive->date) {
        struct state_key key = key_letter(derive, 'p');
        struct note *made = note(derive, NOTE_LOTS, &key, lot->remaining);
        be32_put(made->payload, expiry);
        be64_put(made->payload + 4, version->item);
        made->payload_size = 12;
    }
    return ST_OK;
}

static enum status take_points(struct derive *derive, const Xuelian__ItemVersion *version,
                               bool newest)
{
    const struct item item = {.version = version};
    struct points_entry entry;
    if (points_decode(&entry, &item) != ST_OK) {
        return ST_CORRUPT;
    }
    /* As it was when it was taken back; what a cancelled redemption gives back later does not count. */
    if (is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED) && !derive->revoked) {
        derive->revoked = true;
        derive->uncounted = entry.reversed == entry.points;
    }
    if (!newest) {
        return ST_OK;
    }
    if (points_is_lot(&entry)) {
        return take_lot(derive, version, &entry);
    }
    if (!is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED)) {
        note_count(derive, 'c', 0, entry.entry, 0, entry.quantity);
    }
    return ST_OK;
}

static enum status take_consent(struct derive *derive, const Xuelian__ItemVersion *version)
{
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, memory, sizeof memory);
    enum status status = decode(version, &xuelian__consent__descriptor, &arena, &content);
    if (status != ST_OK) {
        return status;
    }
    const Xuelian__Consent *consent = (const Xuelian__Consent *)(const void *)content;
    if (is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID) &&
        consent->until_date >= derive->date) {
        struct state_key key = key_letter(derive, 'c');
        key_add32(&key, consent->grantee);
        note_item(derive, &key, version->item);
        derive->flags[version->item - 1] |= CONSENT_LIVE;
    }
    return ST_OK;
}

/* Room for what is remembered of an item; the next item begins. */
static enum status begin_item(struct derive *derive, const Xuelian__ItemVersion *version)
{
    if (version->item == derive->item_count) {
        return ST_OK; /* another version of it */
    }
    if (version->item != derive->item_count + 1) {
        return ST_CORRUPT;
    }
    derive->flags = grow(derive->flags, derive->item_count, &derive->flag_room, 1);
    derive->roots = grow(derive->roots, derive->item_count, &derive->root_room, sizeof(uint64_t));
    derive->flags[derive->item_count] = 0;
    derive->roots[derive->item_count] = 0;
    derive->item_count++;
    derive->source_count = 0;
    derive->revoked = false;
    derive->uncounted = false;
    return ST_OK;
}

enum status derive_version(struct derive *derive, const Xuelian__ItemVersion *version, bool newest)
{
    enum status status = begin_item(derive, version);
    if (status != ST_OK) {
        return status;
    }
    if (newest && final(version)) {
        derive->flags[version->item - 1] |= ITEM_FINAL;
    }
    switch (version->kind) {
    case XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME:
        return take_outcome(derive, version, newest);
    case XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION:
        return newest ? take_recognition(derive, version) : ST_OK;
    case XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION:
        return take_conversion(derive, version, newest);
    case XUELIAN__ITEM_KIND__ITEM_KIND_POINTS:
        return take_points(derive, version, newest);
    case XUELIAN__ITEM_KIND__ITEM_KIND_CONSENT:
        return newest ? take_consent(derive, version) : ST_OK;
    case XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE:
        if (newest && !is(version, XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED)) {
            struct state_key key = key_letter(derive, 'd');
            note_item(derive, &key, version->item);
        }
        return ST_OK;
    case XUELIAN__ITEM_KIND__ITEM_KIND_LINK:
        if (newest) {
            struct state_key key = key_letter(derive, 'f');
            note_item(derive, &key, version->item);
        }
        return ST_OK;
    case XUELIAN__ITEM_KIND__ITEM_KIND_KEY:
        return ST_OK;
    case XUELIAN__ITEM_KIND__ITEM_KIND_UNSPECIFIED:
    case _XUELIAN__ITEM_KIND_IS_INT_SIZE:
        break;
    }
    return ST_CORRUPT;
}
