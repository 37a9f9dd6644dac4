/* What was asked of whom: bodies and blocks that nobody asked for are not looked at. They are the largest
 * frames, and a body that a proposal needs enters the pool past what a client may use of it. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash32));
}

static struct asked *find(struct driver *driver, const struct pubkey33 *peer, enum asked_for what,
                          const struct hash32 *header_hash)
{
    for (unsigned i = 0; i < ASKED_MAX; i++) {
        struct asked *asked = &driver->asked[i];
        if (asked->outstanding > 0 && asked->what == what &&
            pubkey33_compare(&asked->peer, peer) == 0 &&
            (header_hash == NULL || hash32_equal(&asked->header_hash, header_hash))) {
            return asked;
        }
    }
    return NULL;
}

static struct asked *note(struct driver *driver, const struct pubkey33 *peer, enum asked_for what,
                          const struct hash32 *header_hash)
{
    struct asked *asked = find(driver, peer, what, header_hash);
    if (asked == NULL) {
        asked = &driver->asked[driver->next_asked];
        driver->next_asked = (driver->next_asked + 1) % ASKED_MAX;
        free(asked->entries.list);
        *asked = (struct asked){.peer = *peer, .what = what};
        if (header_hash != NULL) {
            asked->header_hash = *header_hash;
        }
    }
    if (asked->outstanding < ASKED_OUTSTANDING_MAX) {
        asked->outstanding++;
    }
    return asked;
}

void driver_asked_blocks(struct driver *driver, const struct pubkey33 *peer)
{
    note(driver, peer, ASKED_BLOCKS, NULL);
}

void driver_asked_proposal(struct driver *driver, const struct pubkey33 *peer,
                           const struct hash32 *header_hash)
{
    note(driver, peer, ASKED_PROPOSAL, header_hash);
}

struct entry_list entry_list_make(struct bytes entries)
{
    struct entry_list made = {.list = malloc(entries.size + 1),
                              .count = entries.size / sizeof(struct hash32)};
    CHECK(made.list != NULL);
    for (size_t i = 0; i < made.count; i++) {
        memcpy(made.list[i].bytes, entries.data + 32 * i, 32);
    }
    qsort(made.list, made.count, sizeof(struct hash32), compare_entries);
    return made;
}

void driver_asked_entries(struct driver *driver, const struct pubkey33 *peer, struct bytes entries)
{
    struct asked *asked = note(driver, peer, ASKED_ENTRIES, NULL);
    free(asked->entries.list);
    asked->entries = entry_list_make(entries);
}

bool driver_answered(struct driver *driver, const struct pubkey33 *peer, enum asked_for what,
                     const struct hash32 *header_hash, struct entry_list *entries)
{
    struct asked *asked = find(driver, peer, what, header_hash);
    if (asked == NULL) {
        return false;
    }
    asked->outstanding--;
    if (entries != NULL) {
        entries->count = asked->entries.count;
        entries->list = malloc(entries->count * sizeof(struct hash32) + 1);
        CHECK(entries->list != NULL);
        memcpy(entries->list, asked->entries.list, entries->count * sizeof(struct hash32));
    }
    return true;
}

const struct hash32 *entry_find(const struct entry_list *entries, const struct hash32 *entry)
{
    return entries->count == 0 ? NULL
                               : bsearch(entry, entries->list, entries->count,
                                         sizeof(struct hash32), compare_entries);
}

void driver_asked_free(struct driver *driver)
{
    for (unsigned i = 0; i < ASKED_MAX; i++) {
        free(driver->asked[i].entries.list);
    }
}
