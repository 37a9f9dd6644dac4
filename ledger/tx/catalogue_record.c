/* 兑换目录: the form of an entry, and what governance may change of one. */
#include <string.h>

#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

enum { PRICE_MAX = 10000000, STOCK_MAX = 10000000 };

const char *catalogue_form(const Xuelian__CatalogueEntry *entry)
{
    if (entry->id == 0 || entry->version == 0 || entry->provider == 0) {
        return "needs a number, a version and a provider";
    }
    if (entry->status == XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_UNSPECIFIED) {
        return "has no status";
    }
    if (strlen(entry->name_zh) == 0 || strlen(entry->name_zh) > LIMIT_NAME_SIZE_MAX ||
        strlen(entry->name_en) > LIMIT_NAME_SIZE_MAX) {
        return "needs a Chinese name, and names of at most 256 bytes";
    }
    if (entry->price < 1 || entry->price > PRICE_MAX || entry->stock > STOCK_MAX ||
        entry->person_limit > STOCK_MAX) {
        return "needs a price from 1 to 10,000,000, and a stock and a limit of at most that";
    }
    if ((entry->from_date != 0 && !date_valid(entry->from_date)) ||
        (entry->to_date != 0 &&
         (!date_valid(entry->to_date) || entry->to_date < entry->from_date))) {
        return "has dates that are none, or end before they begin";
    }
    return entry->taken == 0 ? NULL : "says how many units are taken; only the ledger counts them";
}

enum status catalogue_record(struct state *state, uint32_t id, void *memory,
                             const Xuelian__CatalogueEntry **entry)
{
    uint8_t key[4];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    be32_put(key, id);
    arena_init(&arena, memory, RECORD_MEMORY_SIZE);
    enum status status =
        state_message(state, XUELIAN__COLLECTION__COLLECTION_CATALOGUE, bytes_of(key, 4),
                      &xuelian__catalogue_entry__descriptor, &arena, &message);
    *entry = status == ST_OK ? (const Xuelian__CatalogueEntry *)(const void *)message : NULL;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status catalogue_record_check(struct state *state, const struct block_context *context,
                                   const Xuelian__CatalogueEntry *entry, uint32_t *code)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *old;
    const struct member_view *provider;
    (void)context;
    *code = ST_OK;
    if (catalogue_form(entry) != NULL) {
        *code = ST_BAD_ENTRY;
        return ST_OK;
    }
    enum status status = state_member(state, entry->provider, &provider);
    if (status != ST_OK) {
        return status;
    }
    if (!provider->exists) {
        *code = ST_UNKNOWN_MEMBER;
        return ST_OK;
    }
    status = catalogue_record(state, entry->id, memory, &old);
    if (status != ST_OK) {
        return status;
    }
    if (old == NULL) {
        *code = entry->version == 1 ? ST_OK : ST_BAD_ENTRY;
    } else if (old->status == XUELIAN__CATALOGUE_STATUS__CATALOGUE_STATUS_ENDED) {
        *code = ST_WRONG_STATE;
    } else if (entry->version != old->version + 1 || entry->provider != old->provider ||
               entry->stock < old->taken) {
        *code = ST_BAD_ENTRY;
    }
    return ST_OK;
}

enum status catalogue_record_put(struct state *state, const Xuelian__CatalogueEntry *entry)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    uint8_t key[4];
    uint8_t value[RECORD_MEMORY_SIZE / 4];
    const Xuelian__CatalogueEntry *old;
    Xuelian__CatalogueEntry kept = *entry;
    enum status status = catalogue_record(state, entry->id, memory, &old);
    if (status != ST_OK) {
        return status;
    }
    kept.taken = old == NULL ? 0 : old->taken;
    CHECK(canonical_size(&kept.base) <= sizeof value);
    be32_put(key, entry->id);
    return state_put(state, XUELIAN__COLLECTION__COLLECTION_CATALOGUE, bytes_of(key, 4),
                     bytes_of(value, canonical_encode(value, &kept.base)));
}
