/* The records as a proposal would leave them. */
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/govern.h"
#include "ledger/tx/records.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

struct draft *draft_new(struct state *state, const struct block_context *context)
{
    struct draft *draft = calloc(1, sizeof *draft);
    CHECK(draft != NULL);
    draft->state = state;
    draft->context = context;
    draft->next = *context->next;
    return draft;
}

void draft_free(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        free(draft->records[i].bytes);
    }
    free(draft);
}

static struct draft_record *find(struct draft *draft, uint32_t collection, struct bytes key)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        struct draft_record *record = &draft->records[i];
        if (record->collection == collection &&
            bytes_equal(bytes_of(record->key, record->key_size), key)) {
            return record;
        }
    }
    return NULL;
}

enum status draft_get(struct draft *draft, uint32_t collection, struct bytes key,
                      struct bytes *value)
{
    const struct draft_record *record = find(draft, collection, key);
    if (record == NULL) {
        return state_get(draft->state, collection, key, value);
    }
    *value = bytes_of(record->bytes, record->size);
    return ST_OK;
}

enum status draft_has(struct draft *draft, uint32_t collection, uint32_t number, bool *there)
{
    uint8_t key[4];
    struct bytes value;
    be32_put(key, number);
    enum status status = draft_get(draft, collection, bytes_of(key, 4), &value);
    *there = status == ST_OK;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

bool draft_holds(struct draft *draft, uint32_t collection, uint32_t number)
{
    uint8_t key[4];
    be32_put(key, number);
    return find(draft, collection, bytes_of(key, 4)) != NULL;
}

enum status draft_message(struct draft *draft, uint32_t collection, uint32_t number,
                          const ProtobufCMessageDescriptor *schema, ProtobufCMessage **message)
{
    uint8_t key[4];
    struct bytes value;
    be32_put(key, number);
    enum status status = draft_get(draft, collection, bytes_of(key, 4), &value);
    if (status == ST_OK && canonical_decode(message, schema, value, &draft->arena) != ST_OK) {
        status = ST_CORRUPT;
    }
    return status;
}

void draft_put(struct draft *draft, uint32_t collection, struct bytes key,
               const ProtobufCMessage *message)
{
    struct draft_record *record = find(draft, collection, key);
    size_t size = canonical_size(message);
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, message);
    if (record == NULL) {
        CHECK(draft->count < DRAFT_RECORDS_MAX);
        CHECK(key.size <= DRAFT_KEY_SIZE);
        record = &draft->records[draft->count++];
        record->collection = collection;
        memcpy(record->key, key.data, key.size);
        record->key_size = key.size;
    }
    free(record->bytes);
    record->bytes = bytes;
    record->size = size;
}

void draft_put_numbered(struct draft *draft, uint32_t collection, uint32_t number,
                        const ProtobufCMessage *message)
{
    uint8_t key[4];
    be32_put(key, number);
    draft_put(draft, collection, bytes_of(key, 4), message);
}

enum status draft_member(struct draft *draft, uint32_t id, Xuelian__Member **member, uint32_t *code)
{
    ProtobufCMessage *message = NULL;
    enum status status = draft_message(draft, XUELIAN__COLLECTION__COLLECTION_MEMBERS, id,
                                       &xuelian__member__descriptor, &message);
    if (status == ST_NOT_FOUND) {
        *code = ST_UNKNOWN_MEMBER;
        return ST_OK;
    }
    *member = (Xuelian__Member *)(void *)message;
    return status;
}

static enum status decode(struct draft *draft, const struct draft_record *record,
                          const ProtobufCMessageDescriptor *schema, const void **message)
{
    ProtobufCMessage *made = NULL;
    arena_init(&draft->arena, draft->memory, sizeof draft->memory);
    enum status status =
        canonical_decode(&made, schema, bytes_of(record->bytes, record->size), &draft->arena);
    *message = made;
    return status == ST_OK ? ST_OK : ST_CORRUPT;
}

/* Members, rules and the catalogue have what is kept beside the record; the others are the record alone. */
static enum status write_record(struct draft *draft, const struct draft_record *record)
{
    const void *message = NULL;
    enum status status = ST_OK;
    if (record->collection == XUELIAN__COLLECTION__COLLECTION_MEMBERS) {
        status = decode(draft, record, &xuelian__member__descriptor, &message);
        return status == ST_OK ? registry_put_member(draft->state, message) : status;
    }
    if (record->collection == XUELIAN__COLLECTION__COLLECTION_RULES) {
        status = decode(draft, record, &xuelian__rule__descriptor, &message);
        return status == ST_OK ? rule_record_put(draft->state, message) : status;
    }
    if (record->collection == XUELIAN__COLLECTION__COLLECTION_CATALOGUE) {
        status = decode(draft, record, &xuelian__catalogue_entry__descriptor, &message);
        return status == ST_OK ? catalogue_record_put(draft->state, message) : status;
    }
    return state_put(draft->state, record->collection, bytes_of(record->key, record->key_size),
                     bytes_of(record->bytes, record->size));
}

/* What govern_check_left counted is the whole draft: whoever loses a role leaves before another takes the place. */
static enum status leave_roles(struct draft *draft)
{
    enum status status = ST_OK;
    for (uint32_t i = 0; i < draft->count && status == ST_OK; i++) {
        const void *message = NULL;
        if (draft->records[i].collection == XUELIAN__COLLECTION__COLLECTION_MEMBERS) {
            status = decode(draft, &draft->records[i], &xuelian__member__descriptor, &message);
            status = status == ST_OK ? registry_leave_roles(draft->state, message) : status;
        }
    }
    return status;
}

enum status draft_write(struct draft *draft)
{
    enum status status = leave_roles(draft);
    for (uint32_t i = 0; i < draft->count && status == ST_OK; i++) {
        status = write_record(draft, &draft->records[i]);
    }
    if (status == ST_OK) {
        *draft->context->next = draft->next;
    }
    return status;
}
