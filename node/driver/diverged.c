/* The own result is not the certified one: both are kept for whoever has to find out why. */
#include <stdio.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"

struct part {
    const char *name;
    size_t offset;
    size_t size;
    const char *meaning; /* where to look */
};

#define PART(field, meaning)                                                                   \
    {                                                                                          \
#field, offsetof(struct header, field), sizeof(((struct header *)0)->field), (meaning) \
    }
/* In the order in which one follows from another. */
static const struct part parts[] = {
    PART(parent_hash, "another parent block"),
    PART(time_ms, "another time"),
    PART(tx_count, "another number of transactions"),
    PART(tx_root, "other transactions"),
    PART(result_root, "another result of some transaction"),
    PART(state_root, "the same results and another state: the state was damaged before this block"),
    PART(history_root, "another history of blocks"),
    PART(validators_hash, "another validator set"),
    PART(next_validators_hash, "another next validator set"),
    PART(params_hash, "other parameters"),
    PART(version, "another protocol version"),
    PART(suite, "another suite"),
};
#undef PART

static const struct part *first_difference(const struct header *a, const struct header *b)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const uint8_t *base_a = (const uint8_t *)a;
        const uint8_t *base_b = (const uint8_t *)b;
        if (memcmp(base_a + parts[i].offset, base_b + parts[i].offset, parts[i].size) != 0) {
            return &parts[i];
        }
    }
    return NULL;
}

static bool write_file(const struct driver *driver, uint64_t height, const char *name,
                       const struct bytes *pieces, uint32_t count)
{
    char path[CONFIG_TEXT_SIZE + 64];
    snprintf(path, sizeof path, "%s/diverged-%llu-%s", driver->node->config.data_dir,
             (unsigned long long)height, name);
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return false;
    }
    bool written = true;
    for (uint32_t i = 0; i < count && written; i++) {
        written = fwrite(pieces[i].data, 1, pieces[i].size, file) == pieces[i].size;
    }
    return fclose(file) == 0 && written;
}

void driver_diverged(struct driver *driver, const struct pbft_effect *effect)
{
    const struct candidate *found = driver_find_candidate(driver, &effect->alarm.found);
    const struct bytes expected_bytes = bytes_of(driver->expected, driver->expected_size);
    struct header expected;
    struct hash32 hash;
    uint8_t own[LIMIT_HEADER_SIZE_MAX];
    if (expected_bytes.size == 0 || header_decode(&expected, expected_bytes) != ST_OK) {
        return;
    }
    header_hash(&hash, &expected);
    if (!hash32_equal(&hash, &effect->alarm.expected)) {
        return;
    }
    bool kept = write_file(driver, effect->alarm.height, "expected", &expected_bytes, 1);
    const struct part *part = NULL;
    if (found != NULL && found->block != NULL) {
        const struct bytes own_bytes = bytes_of(own, header_encode(own, &found->block->header));
        part = first_difference(&expected, &found->block->header);
        kept = write_file(driver, effect->alarm.height, "found", &own_bytes, 1) && kept;
        kept = write_file(driver, effect->alarm.height, "results", found->block->results,
                          found->block->tx_count) &&
               kept;
    }
    log_event(LOG_ERROR, "diverged",
              "block %llu: the first difference is %s (%s); %s %s/diverged-%llu-*",
              (unsigned long long)effect->alarm.height, part != NULL ? part->name : "validity",
              part != NULL ? part->meaning : "this node finds the certified block invalid",
              kept ? "both headers and the own results are in" : "not all could be written to",
              driver->node->config.data_dir, (unsigned long long)effect->alarm.height);
}
