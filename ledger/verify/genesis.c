#include <string.h>

#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum { MEMBER_KIND_MAX = 17, NODE_ROLE_MAX = 3, NODE_ROLE_VALIDATOR = 1 };

void verify_chain_id(struct hash32 *chain_id, struct bytes genesis)
{
    hash_tagged(chain_id, TAG_GENESIS, genesis.data, genesis.size);
}

static enum verify_fault genesis_end(struct verifier *v, struct reader *reader)
{
    if (reader_end(reader)) {
        return VERIFY_FAULT_NONE;
    }
    return fault_at(v, VERIFY_FAULT_GENESIS_ENCODING, fault_offset(v->genesis, reader));
}

/* Appends to a table; its entries are taken one after the other, so they are one array. */
static enum verify_fault table_add(struct verifier *v, struct genesis_table *table, uint32_t id,
                                   struct bytes message)
{
    struct genesis_entry *entry = scratch_take(v, sizeof *entry, _Alignof(struct genesis_entry));
    if (entry == NULL) {
        return VERIFY_FAULT_SCRATCH;
    }
    entry->id = id;
    entry->offset = (uint32_t)(message.data - v->genesis.data);
    entry->size = (uint32_t)message.size;
    if (table->count == 0) {
        table->entries = entry;
    }
    table->count++;
    return VERIFY_FAULT_NONE;
}

/* Keeps the set ordered by key: all joined at height 0. False for a key that is there or is none. */
static bool validator_add(struct verifier *v, uint32_t member, const struct pubkey33 *key,
                          uint64_t incarnation)
{
    uint32_t at = v->set.count;
    if (at == LIMIT_VALIDATORS_MAX || !sign_key_valid(key)) {
        return false;
    }
    for (; at > 0; at--) {
        int order = pubkey33_compare(&v->set.validators[at - 1].key, key);
        if (order == 0) {
            return false;
        }
        if (order < 0) {
            break;
        }
        v->set.validators[at] = v->set.validators[at - 1];
    }
    v->set.validators[at] =
        (struct validator){.key = *key, .member = member, .joined = 0, .incarnation = incarnation};
    v->set.count++;
    return true;
}

static enum verify_fault node_read(struct verifier *v, uint32_t member, struct bytes message)
{
    struct reader reader;
    struct pubkey33 key;
    struct bytes address;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &key, sizeof key);
    uint32_t role = reader_enum(&reader, 2, NODE_ROLE_MAX);
    while (reader_next(&reader, 3, &address)) {
        if (!utf8_valid(address)) {
            reader_refuse(&reader);
        }
    }
    uint64_t incarnation = reader_u64(&reader, 4);
    uint64_t from_height = reader_u64(&reader, 5);
    uint64_t to_height = reader_u64(&reader, 6);
    enum verify_fault fault = genesis_end(v, &reader);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    /* A validator of genesis is one from height 0 on, until the chain itself ends it. */
    if (role == NODE_ROLE_VALIDATOR &&
        (from_height != 0 || to_height != 0 || !validator_add(v, member, &key, incarnation))) {
        v->set_unusable = true;
    }
    return VERIFY_FAULT_NONE;
}

uint32_t member_open(struct reader *reader, struct bytes message, struct verify_name *name)
{
    reader_init(reader, message);
    uint32_t id = reader_u32(reader, 1);
    (void)reader_enum(reader, 2, MEMBER_KIND_MAX);
    name->zh = reader_text(reader, 3, LIMIT_NAME_SIZE_MAX);
    name->en = reader_text(reader, 4, LIMIT_NAME_SIZE_MAX);
    (void)reader_text(reader, 5, LIMIT_NAME_SIZE_MAX);
    (void)reader_u32(reader, 6);
    (void)reader_bytes(reader, 7);
    (void)reader_bytes(reader, 8);
    return id;
}

bool member_key_next(struct reader *reader, struct pubkey33 *key, uint64_t *from_height,
                     uint64_t *to_height)
{
    struct bytes message;
    struct reader inner;
    if (!reader_next(reader, 9, &message)) {
        return false;
    }
    reader_init(&inner, message);
    reader_fixed(&inner, 1, key, sizeof *key);
    *from_height = reader_u64(&inner, 2);
    *to_height = reader_u64(&inner, 3);
    if (!reader_end(&inner)) {
        reader_refuse(reader);
        return false;
    }
    return true;
}

static enum verify_fault member_read(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct verify_name name;
    struct pubkey33 key;
    struct bytes node;
    uint64_t from_height;
    uint64_t to_height;
    uint32_t id = member_open(&reader, message, &name);
    while (member_key_next(&reader, &key, &from_height, &to_height)) {
    }
    while (reader_next(&reader, 10, &node)) {
        enum verify_fault fault = node_read(v, id, node);
        if (fault != VERIFY_FAULT_NONE) {
            return fault;
        }
    }
    (void)reader_u32(&reader, 11);
    (void)reader_u32(&reader, 12);
    uint32_t before = v->members.count == 0 ? 0 : v->members.entries[v->members.count - 1].id;
    if (id <= before || v->members.count == LIMIT_MEMBERS_GENESIS_MAX) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = genesis_end(v, &reader);
    return fault != VERIFY_FAULT_NONE ? fault : table_add(v, &v->members, id, message);
}

static uint32_t course_open(struct reader *reader, struct bytes message, struct verify_name *name)
{
    reader_init(reader, message);
    uint32_t id = reader_u32(reader, 1);
    (void)reader_u32(reader, 2);
    name->zh = reader_text(reader, 3, LIMIT_NAME_SIZE_MAX);
    name->en = reader_text(reader, 4, LIMIT_NAME_SIZE_MAX);
    return id;
}

static enum verify_fault course_read(struct verifier *v, struct bytes message)
{
    struct reader reader;
    struct verify_name name;
    uint32_t id = course_open(&reader, message, &name);
    (void)reader_enum(&reader, 5, VERIFY_OUTCOME_KINDS);
    for (uint32_t field = 6; field <= 12; field++) {
        (void)reader_u32(&reader, field);
    }
    uint32_t before = v->courses.count == 0 ? 0 : v->courses.entries[v->courses.count - 1].id;
    if (id <= before || v->courses.count == LIMIT_COURSES_GENESIS_MAX) {
        reader_refuse(&reader);
    }
    enum verify_fault fault = genesis_end(v, &reader);
    return fault != VERIFY_FAULT_NONE ? fault : table_add(v, &v->courses, id, message);
}

enum verify_fault genesis_read(struct verifier *v)
{
    struct reader reader;
    struct bytes message;
    enum verify_fault fault = VERIFY_FAULT_NONE;
    if (v->genesis.size == 0 || v->genesis.size > LIMIT_GENESIS_SIZE_MAX) {
        return VERIFY_FAULT_GENESIS_SIZE;
    }
    verify_chain_id(&v->chain_id, v->genesis);
    v->set.era = 1;
    v->set.count = 0;
    reader_init(&reader, v->genesis);
    if (reader_u32(&reader, 1) != PROTOCOL_VERSION || reader_u32(&reader, 2) != PROTOCOL_SUITE) {
        reader_refuse(&reader);
    }
    v->result->network = reader_text(&reader, 3, LIMIT_NAME_SIZE_MAX);
    (void)reader_u64(&reader, 4);
    (void)reader_bytes(&reader, 5);
    /* Parameters and regions are committed to by the state root; the verifier has no use for them. */
    for (uint32_t i = 0; reader_next(&reader, 6, &message); i++) {
        if (i == LIMIT_REGIONS_MAX) {
            reader_refuse(&reader);
        }
    }
    while (fault == VERIFY_FAULT_NONE && reader_next(&reader, 7, &message)) {
        fault = member_read(v, message);
    }
    while (fault == VERIFY_FAULT_NONE && reader_next(&reader, 8, &message)) {
        fault = course_read(v, message);
    }
    /* Rules, the catalogue and frameworks likewise are in the state. */
    for (uint32_t i = 0; reader_next(&reader, 9, &message); i++) {
        if (i == LIMIT_RULES_GENESIS_MAX) {
            reader_refuse(&reader);
        }
    }
    for (uint32_t i = 0; reader_next(&reader, 10, &message); i++) {
        if (i == LIMIT_CATALOGUE_GENESIS_MAX) {
            reader_refuse(&reader);
        }
    }
    for (uint32_t i = 0; fault == VERIFY_FAULT_NONE && reader_next(&reader, 11, &message); i++) {
        if (i == LIMIT_FRAMEWORKS_GENESIS_MAX) {
            reader_refuse(&reader);
        }
    }
    uint32_t keys = 0;
    while (fault == VERIFY_FAULT_NONE && reader_next(&reader, 12, &message)) {
        if (!recovery_key_read(v, keys++, message)) {
            reader_refuse(&reader);
        }
    }
    v->result->recovery_threshold = reader_u32(&reader, 13);
    if (keys == 0
            ? v->result->recovery_threshold > 0
            : v->result->recovery_threshold <= keys / 2 || v->result->recovery_threshold > keys) {
        reader_refuse(&reader);
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = genesis_end(v, &reader);
    }
    if (fault == VERIFY_FAULT_NONE && (v->set_unusable || v->set.count == 0)) {
        fault = VERIFY_FAULT_GENESIS_VALIDATORS;
    }
    return fault;
}

/* Finds an entry by binary search. The message was checked when the table was made. */
static bool table_find(const struct verifier *v, const struct genesis_table *table, uint32_t id,
                       struct bytes *message)
{
    uint32_t low = 0;
    uint32_t high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct genesis_entry *entry = &table->entries[middle];
        if (entry->id == id) {
            *message = (struct bytes){.data = v->genesis.data + entry->offset, .size = entry->size};
            return true;
        }
        if (entry->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool genesis_member_find(const struct verifier *v, uint32_t member, struct bytes *message)
{
    return table_find(v, &v->members, member, message);
}

struct verify_name genesis_course_name(const struct verifier *v, uint32_t course)
{
    struct verify_name name = {.en = {.size = 0}};
    struct bytes message;
    struct reader reader;
    if (table_find(v, &v->courses, course, &message)) {
        (void)course_open(&reader, message, &name);
    }
    return name;
}
