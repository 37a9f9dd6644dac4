/* What was noted, put together; and stored entries brought into the same form. */
#include <stdlib.h>
#include <string.h>

#include "ledger/whole/derive_internal.h"
#include "ledger/whole/grow.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* ---- Putting it together ---- */

static int compare_notes(const void *a, const void *b)
{
    const struct note *x = a;
    const struct note *y = b;
    int order = bytes_compare(key_bytes(&x->key), key_bytes(&y->key));
    return order != 0 ? order : memcmp(x->payload, y->payload, sizeof x->payload);
}

static int compare_cells(const void *a, const void *b)
{
    return memcmp(((const struct derive_cell *)a)->key, ((const struct derive_cell *)b)->key, 16);
}

static void merge_cells(struct derive *derive)
{
    size_t kept = 0;
    if (derive->cell_count > 1) {
        qsort(derive->cells, derive->cell_count, sizeof(struct derive_cell), compare_cells);
    }
    for (size_t i = 0; i < derive->cell_count; i++) {
        struct derive_cell *from = &derive->cells[i];
        if (kept == 0 || memcmp(derive->cells[kept - 1].key, from->key, 16) != 0) {
            derive->cells[kept++] = *from;
            continue;
        }
        struct derive_cell *to = &derive->cells[kept - 1];
        to->outcomes += from->outcomes;
        to->credits += from->credits;
        to->hours += from->hours;
        to->revoked += from->revoked;
        to->points += from->points;
        to->conversions += from->conversions;
        to->converted_credits += from->converted_credits;
    }
    derive->cell_count = kept;
    for (size_t i = 0; i < kept; i++) {
        derive->cells[i].learners = derive->cells[i].outcomes > 0;
    }
}

/* Writes the value of notes of one key. Returns its size; 0: there is none. */
static size_t value_of(const struct note *notes, size_t count, uint8_t *out)
{
    uint64_t sum = 0;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const struct note *one = &notes[i];
        bool repeated = i > 0 && memcmp(one->payload, one[-1].payload, sizeof one->payload) == 0;
        switch (one->kind) {
        case NOTE_COUNT:
            sum += one->amount;
            be64_put(out, sum);
            size = sum == 0 ? 0 : 8;
            break;
        case NOTE_KNOWN:
            be64_put(out, one->amount);
            size = 8;
            break;
        case NOTE_LIST:
            if (!repeated) {
                memcpy(out + size, one->payload, 8);
                size += 8;
            }
            break;
        case NOTE_CELLS:
            sum = repeated ? sum + one->amount : one->amount;
            size -= repeated ? 16 : 0;
            memcpy(out + size, one->payload, 12);
            be32_put(out + size + 12, (uint32_t)sum);
            size += 16;
            break;
        case NOTE_LOTS:
            memcpy(out + size, one->payload, 12);
            be32_put(out + size + 12, (uint32_t)one->amount);
            size += 16;
            break;
        }
    }
    return size;
}

void derive_end(struct derive *derive, struct derived *derived)
{
    size_t at = 0;
    if (derive->note_count > 1) {
        qsort(derive->notes, derive->note_count, sizeof(struct note), compare_notes);
    }
    size_t room = derive->note_count * VALUE_ROOM + 1;
    if (room > derive->value_room) {
        free(derive->values);
        derive->values = malloc(room);
        CHECK(derive->values != NULL);
        derive->value_room = room;
    }
    for (size_t i = 0; i < derive->note_count;) {
        size_t end = i + 1;
        while (end < derive->note_count &&
               bytes_equal(key_bytes(&derive->notes[end].key), key_bytes(&derive->notes[i].key))) {
            end++;
        }
        size_t size = value_of(&derive->notes[i], end - i, derive->values + at);
        if (size > 0) {
            derive->entries = grow(derive->entries, derive->entry_count, &derive->entry_room,
                                   sizeof(struct derive_entry));
            derive->entries[derive->entry_count++] = (struct derive_entry){
                .key = derive->notes[i].key, .value = bytes_of(derive->values + at, size)};
            at += size;
        }
        i = end;
    }
    merge_cells(derive);
    *derived = (struct derived){.entries = derive->entries,
                                .entry_count = derive->entry_count,
                                .identities = derive->identities,
                                .identity_count = derive->identity_count,
                                .cells = derive->cells,
                                .cell_count = derive->cell_count};
}

/* ---- Stored entries ---- */

static int compare_eight(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static int compare_combinations(const void *a, const void *b)
{
    return memcmp(a, b, 12);
}

/* Leaves out what has come to its end: of what rests on an item, and of consents. */
static size_t live_items(const struct derive *derive, uint8_t letter, struct bytes stored,
                         uint8_t *out)
{
    size_t size = 0;
    for (size_t at = 0; at + 8 <= stored.size; at += 8) {
        uint64_t item = be64_get(stored.data + at);
        uint8_t flags = item >= 1 && item <= derive->item_count ? derive->flags[item - 1] : 0;
        bool over = letter == 'a'   ? (flags & ITEM_FINAL) != 0
                    : letter == 'c' ? (flags & CONSENT_LIVE) == 0
                                    : false;
        if (!over) {
            memcpy(out + size, stored.data + at, 8);
            size += 8;
        }
    }
    if (size > 8) {
        qsort(out, size / 8, 8, compare_eight);
    }
    return size;
}

static size_t live_lots(const struct derive *derive, struct bytes stored, uint8_t *out)
{
    size_t size = 0;
    for (size_t at = 0; at + 16 <= stored.size; at += 16) {
        if (be32_get(stored.data + at) >= derive->date) {
            memcpy(out + size, stored.data + at, 16);
            size += 16;
        }
    }
    return size;
}

/* Sizes of a key of each letter, without and with what follows the position; and of the parts of a value. */
static size_t part_size(struct bytes key)
{
    enum {
        COUNT_KEY = 26,
        LIST_KEY = 18,
        CONSENT_KEY = 14,
        KNOWN_KEY = 22,
        ACCOUNT_KEY = 10,
        ORIGIN_KEY = 50
    };
    switch (key.size < 2 ? 0 : key.data[1]) {
    case 'a':
        return key.size == LIST_KEY ? 8 : 0;
    case 'c':
        return key.size == CONSENT_KEY || key.size == COUNT_KEY ? 8 : 0;
    case 'd':
    case 'f':
        return key.size == ACCOUNT_KEY ? 8 : 0;
    case 't':
        return key.size == ORIGIN_KEY ? 8 : 0;
    case 'k':
        return key.size == KNOWN_KEY ? 8 : 0;
    case 'm':
    case 'r':
    case 'u':
    case 'y':
        return key.size == COUNT_KEY ? 8 : 0;
    case 'p':
        return key.size == ACCOUNT_KEY ? 16 : 0;
    case 's':
        return key.size == CONSENT_KEY ? 16 : 0;
    default:
        return 0;
    }
}

enum status derive_normal(struct derive *derive, struct bytes key, struct bytes stored,
                          struct bytes *value)
{
    size_t part = part_size(key);
    if (part == 0 || stored.size % part != 0) {
        return ST_CORRUPT;
    }
    if (stored.size > derive->normal_room) {
        free(derive->normal);
        derive->normal = malloc(stored.size);
        CHECK(derive->normal != NULL);
        derive->normal_room = stored.size;
    }
    uint8_t letter = key.data[1];
    size_t size = stored.size;
    if (letter == 'a' || letter == 'd' || letter == 'f' || (letter == 'c' && key.size == 14)) {
        size = live_items(derive, letter, stored, derive->normal);
    } else if (letter == 'p') {
        size = live_lots(derive, stored, derive->normal);
    } else if (letter == 's') {
        memcpy(derive->normal, stored.data, stored.size);
        qsort(derive->normal, stored.size / 16, 16, compare_combinations);
    } else if (stored.size != 8) {
        return ST_CORRUPT;
    } else {
        memcpy(derive->normal, stored.data, 8);
        size = be64_get(stored.data) == 0 ? 0 : 8;
    }
    *value = bytes_of(derive->normal, size);
    return size == 0 ? ST_NOT_FOUND : ST_OK;
}
