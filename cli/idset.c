#include "cli/idset.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"

/* Open addressing. The ids are keyed hashes, so their first bytes are as good as any hash of them; the
 * zero id is no learner's and marks an empty slot. */
struct idset {
    struct hash32 *slots;
    size_t slot_count;
    size_t count;
};

struct idset *idset_new(void)
{
    return calloc(1, sizeof(struct idset));
}

void idset_free(struct idset *set)
{
    if (set != NULL) {
        free(set->slots);
        free(set);
    }
}

static struct hash32 *slot_of(struct hash32 *slots, size_t count, const struct hash32 *id)
{
    size_t at = (size_t)be64_get(id->bytes) & (count - 1);
    while (!hash32_is_zero(&slots[at]) && !hash32_equal(&slots[at], id)) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

static bool grow(struct idset *set)
{
    size_t count = set->slot_count == 0 ? 4096 : set->slot_count * 2;
    struct hash32 *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        if (!hash32_is_zero(&set->slots[i])) {
            *slot_of(slots, count, &set->slots[i]) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
    return true;
}

bool idset_add(struct idset *set, const struct hash32 *id, bool *added)
{
    if (set == NULL ||
        (set->count < IDSET_MAX && 2 * set->count >= set->slot_count && !grow(set))) {
        return false;
    }
    struct hash32 *slot = slot_of(set->slots, set->slot_count, id);
    *added = hash32_is_zero(slot);
    if (*added && set->count < IDSET_MAX) {
        *slot = *id;
        set->count++;
    }
    return true;
}

bool idset_has(const struct idset *set, const struct hash32 *id)
{
    return set->slot_count > 0 && !hash32_is_zero(slot_of(set->slots, set->slot_count, id));
}
