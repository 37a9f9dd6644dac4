/* What the parts of a derive share: derive.c takes versions and notes what follows, derive_form.c puts it together. */
#ifndef XUELIAN_LEDGER_DERIVE_INTERNAL_H
#define XUELIAN_LEDGER_DERIVE_INTERNAL_H

#include "ledger/whole/derive.h"

enum note_kind {
    NOTE_COUNT, /* amounts add up; 8 bytes; none when 0 */
    NOTE_KNOWN, /* 8 bytes, an item */
    NOTE_LIST,  /* items, 8 bytes each */
    NOTE_CELLS, /* region, kind, level, and how many: 16 bytes each; those of 0 too */
    NOTE_LOTS   /* expiry, item, remaining: 16 bytes each */
};

/* One fact. Those of one key make its value, in the order of their payloads. */
struct note {
    struct state_key key;
    enum note_kind kind;
    uint8_t payload[12];
    size_t payload_size;
    uint64_t amount;
};

/* What is remembered of each item. */
enum { ITEM_FINAL = 1, CONSENT_LIVE = 2, SOURCES_MAX = 256, VALUE_ROOM = 16 };

struct derive {
    struct derive_tables tables;
    uint64_t position;
    uint32_t date;
    struct note *notes;
    size_t note_count, note_room;
    struct derive_entry *entries;
    size_t entry_count, entry_room;
    uint8_t *values; /* of the entries */
    size_t value_room;
    struct derive_identity *identities;
    size_t identity_count, identity_room;
    struct derive_cell *cells;
    size_t cell_count, cell_room;
    uint8_t *flags;  /* by item - 1 */
    uint64_t *roots; /* of a recognition: its outcome */
    size_t item_count, flag_room, root_room;
    uint8_t *normal; /* what derive_normal returned last */
    size_t normal_room;
    /* The item whose versions are coming. */
    uint64_t sources[SOURCES_MAX];
    uint32_t source_count;
    bool revoked;
    bool uncounted;
};

#endif
