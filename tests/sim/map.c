#include "tests/sim/map.h"

#include "proto/bytes.h"
#include "tests/sim/memory.h"

static struct map_entry *slot(const struct map *map, const struct hash32 *key)
{
    size_t at = (size_t)be64_get(key->bytes) & (map->capacity - 1);
    while (map->entries[at].value != NULL && !hash32_equal(&map->entries[at].key, key)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->entries[at];
}

void *map_get(const struct map *map, const struct hash32 *key)
{
    return map->capacity == 0 ? NULL : slot(map, key)->value;
}

void map_put(struct map *map, const struct hash32 *key, void *value)
{
    CHECK(value != NULL);
    if (2 * (map->count + 1) > map->capacity) {
        struct map larger = {.capacity = map->capacity == 0 ? 64 : 2 * map->capacity};
        larger.entries = sim_new(larger.capacity * sizeof *larger.entries);
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->entries[i].value != NULL) {
                *slot(&larger, &map->entries[i].key) = map->entries[i];
                larger.count++;
            }
        }
        free(map->entries);
        *map = larger;
    }
    struct map_entry *entry = slot(map, key);
    map->count += entry->value == NULL;
    *entry = (struct map_entry){.key = *key, .value = value};
}

void map_free(struct map *map)
{
    free(map->entries);
    *map = (struct map){.entries = NULL};
}
