#include "ledger/whole/registry.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/registry.h"
#include "ledger/tx/evidence.h"
#include "ledger/whole/grow.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_govern.pb-c.h"

struct registry_tables *registry_tables_new(void)
{
    struct registry_tables *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    return made;
}

void registry_tables_free(struct registry_tables *tables)
{
    if (tables == NULL) {
        return;
    }
    for (size_t i = 0; i < tables->entry_count; i++) {
        union {
            const uint8_t *in;
            void *out;
        } pointer = {.in = tables->entries[i].value.data};
        free(pointer.out);
    }
    free(tables->rules);
    free(tables->regions);
    free(tables->entries);
    free(tables->open);
    free(tables->governing);
    free(tables->accrediting);
    free(tables);
}

static void add_entry(struct registry_tables *tables, const struct state_key *key,
                      struct bytes value)
{
    uint8_t *copy = malloc(value.size + 1);
    CHECK(copy != NULL);
    memcpy(copy, value.data, value.size);
    tables->entries =
        grow(tables->entries, tables->entry_count, &tables->entry_room, sizeof *tables->entries);
    tables->entries[tables->entry_count++] =
        (struct derive_entry){.key = *key, .value = bytes_of(copy, value.size)};
}

static void add_number(struct registry_tables *tables, const struct state_key *key, uint32_t number)
{
    uint8_t value[4];
    be32_put(value, number);
    add_entry(tables, key, bytes_of(value, sizeof value));
}

/* ---- Records ---- */

static void take_member(struct registry_tables *tables, const Xuelian__Member *member)
{
    bool page = member->page != 0;
    if (!page && registry_may(member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN)) {
        tables->governing = grow(tables->governing, tables->governing_count,
                                 &tables->governing_room, sizeof(uint32_t));
        tables->governing[tables->governing_count++] = member->id;
    }
    if (!page && registry_may(member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT)) {
        tables->accrediting = grow(tables->accrediting, tables->accrediting_count,
                                   &tables->accrediting_room, sizeof(uint32_t));
        tables->accrediting[tables->accrediting_count++] = member->id;
    }
    for (size_t i = 0; i < member->n_nodes; i++) {
        if (member->nodes[i]->key.len == 33) {
            struct state_key key = key_of('X');
            key_add8(&key, 'n');
            memcpy(key.data + key.size, member->nodes[i]->key.data, 33);
            key.size += 33;
            add_number(tables, &key, member->id);
        }
    }
    for (size_t i = 0; i < member->n_keys && member->page != 0; i++) {
        if (member->keys[i]->key.len == 33) {
            struct state_key key = key_of('X');
            key_add8(&key, 'w');
            key_add32(&key, member->id);
            memcpy(key.data + key.size, member->keys[i]->key.data, 33);
            key.size += 33;
            add_number(tables, &key, member->page);
        }
    }
}

static void take_rule(struct registry_tables *tables, const Xuelian__Rule *rule)
{
    tables->rules =
        grow(tables->rules, tables->rule_count, &tables->rule_room, sizeof *tables->rules);
    tables->rules[tables->rule_count++] = (struct derive_rule){.id = rule->id,
                                                               .series = rule->series,
                                                               .owner = rule->owner,
                                                               .programme = rule->programme,
                                                               .basis = (uint32_t)rule->basis,
                                                               .consuming = rule->consuming};
}

static void take_region(struct registry_tables *tables, const Xuelian__Region *region)
{
    tables->regions =
        grow(tables->regions, tables->region_count, &tables->region_room, sizeof *tables->regions);
    tables->regions[tables->region_count++] =
        (struct derive_region){.code = region->code, .parent = region->parent};
}

static void take_window(struct registry_tables *tables, const Xuelian__ParamValue *param)
{
    if (strcmp(param->name, "validity_window") == 0 && param->value > tables->validity_window) {
        tables->validity_window = param->value;
    }
}

static void take_param(struct registry_tables *tables, const Xuelian__ParamValue *param)
{
    take_window(tables, param);
    if (strcmp(param->name, "protocol_version") == 0) {
        tables->protocol_version = (uint32_t)param->value;
    } else if (strcmp(param->name, "protocol_height") == 0) {
        tables->protocol_height = param->value;
    }
}

static bool take_proposal(struct registry_tables *tables, const Xuelian__ProposalRecord *proposal,
                          struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    if (canonical_decode(&message, &xuelian__govern_proposal__descriptor,
                         field_bytes(&proposal->content), arena) != ST_OK) {
        return false;
    }
    const Xuelian__GovernProposal *content = (const Xuelian__GovernProposal *)(void *)message;
    bool enacted = proposal->status == XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_ENACTED;
    if (proposal->status == XUELIAN__PROPOSAL_STATUS__PROPOSAL_STATUS_OPEN) {
        tables->open =
            grow(tables->open, tables->open_count, &tables->open_room, sizeof *tables->open);
        tables->open[tables->open_count++] = proposal->proposer;
    }
    for (size_t i = 0; enacted && i < content->n_changes; i++) {
        if (content->changes[i]->param != NULL) {
            take_window(tables, content->changes[i]->param);
        }
    }
    return true;
}

static bool take_evidence(struct registry_tables *tables, const Xuelian__EvidenceRecord *evidence,
                          struct arena *arena)
{
    struct state_key key;
    if (evidence->id.len != 32 ||
        !evidence_index_key(field_bytes(&evidence->content), arena, &key)) {
        return false;
    }
    add_entry(tables, &key, field_bytes(&evidence->id));
    return true;
}

/* ---- The key that a record says it has ---- */

static size_t put_key(uint8_t *out, const void *data, size_t size)
{
    if (size > NATURAL_KEY_SIZE_MAX) {
        return 0;
    }
    memcpy(out, data, size);
    return size;
}

static size_t put_numbers(uint8_t *out, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        be32_put(out + 4 * i, numbers[i]);
    }
    return 4 * count;
}

static size_t put_number(uint8_t *out, uint32_t number)
{
    return put_numbers(out, &number, 1);
}

static size_t take_govern(struct registry_tables *tables, const Xuelian__GovernRecord *record,
                          struct arena *arena, uint8_t *out)
{
    if ((record->proposal != NULL) + (record->evidence != NULL) + (record->recovery != NULL) != 1) {
        return 0;
    }
    if (record->recovery != NULL) {
        return put_key(out, record->recovery->id.data, record->recovery->id.len);
    }
    if (record->proposal != NULL) {
        return take_proposal(tables, record->proposal, arena)
                   ? put_key(out, record->proposal->id.data, record->proposal->id.len)
                   : 0;
    }
    return take_evidence(tables, record->evidence, arena)
               ? put_key(out, record->evidence->id.data, record->evidence->id.len)
               : 0;
}

static size_t take_query(const Xuelian__QueryRecord *record, uint8_t *out)
{
    if ((record->request != NULL) == (record->anchor != NULL)) {
        return 0;
    }
    if (record->anchor != NULL) {
        return put_key(out, record->anchor->node.data, record->anchor->node.len);
    }
    if (record->request->account.len != 32) {
        return 0;
    }
    memcpy(out, record->request->account.data, 32);
    return 32 + put_number(out + 32, record->request->member);
}

static size_t take_decoded(struct registry_tables *tables, uint32_t collection,
                           const ProtobufCMessage *message, struct arena *arena, uint8_t *out)
{
    const void *record = message;
    switch (collection) {
    case XUELIAN__COLLECTION__COLLECTION_MEMBERS:
        take_member(tables, record);
        return registry_member_key(out, ((const Xuelian__Member *)record)->id,
                                   ((const Xuelian__Member *)record)->page);
    case XUELIAN__COLLECTION__COLLECTION_REGIONS:
        take_region(tables, record);
        return put_number(out, ((const Xuelian__Region *)record)->code);
    case XUELIAN__COLLECTION__COLLECTION_FRAMEWORK:
        return put_number(out, ((const Xuelian__Framework *)record)->code);
    case XUELIAN__COLLECTION__COLLECTION_COURSES:
        return put_number(out, ((const Xuelian__Course *)record)->id);
    case XUELIAN__COLLECTION__COLLECTION_RULES:
        take_rule(tables, record);
        return put_number(out, ((const Xuelian__Rule *)record)->id);
    case XUELIAN__COLLECTION__COLLECTION_CATALOGUE:
        return put_number(out, ((const Xuelian__CatalogueEntry *)record)->id);
    case XUELIAN__COLLECTION__COLLECTION_STATISTICS: {
        const Xuelian__StatisticsCell *cell = record;
        const uint32_t numbers[] = {cell->year, cell->region, (uint32_t)cell->kind, cell->level};
        return put_numbers(out, numbers, 4);
    }
    case XUELIAN__COLLECTION__COLLECTION_PROPOSALS:
        return take_govern(tables, record, arena, out);
    case XUELIAN__COLLECTION__COLLECTION_PARAMS: {
        const Xuelian__ParamValue *param = record;
        take_param(tables, param);
        return put_key(out, param->name, strlen(param->name));
    }
    case XUELIAN__COLLECTION__COLLECTION_QUERIES:
        return take_query(record, out);
    default:
        return 0;
    }
}

static const ProtobufCMessageDescriptor *schema_of(uint32_t collection)
{
    static const ProtobufCMessageDescriptor *const schemas[] = {
        [XUELIAN__COLLECTION__COLLECTION_MEMBERS] = &xuelian__member__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_REGIONS] = &xuelian__region__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_FRAMEWORK] = &xuelian__framework__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_COURSES] = &xuelian__course__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_RULES] = &xuelian__rule__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_CATALOGUE] = &xuelian__catalogue_entry__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_STATISTICS] = &xuelian__statistics_cell__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_PROPOSALS] = &xuelian__govern_record__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_PARAMS] = &xuelian__param_value__descriptor,
        [XUELIAN__COLLECTION__COLLECTION_QUERIES] = &xuelian__query_record__descriptor,
    };
    return collection < sizeof schemas / sizeof schemas[0] ? schemas[collection] : NULL;
}

enum status registry_take(struct registry_tables *tables, uint32_t collection, struct bytes record,
                          uint8_t *natural_key, size_t *key_size)
{
    const ProtobufCMessageDescriptor *schema = schema_of(collection);
    size_t room = record.size * 48 + 16384; /* structs are larger than their bytes */
    struct arena arena;
    ProtobufCMessage *message = NULL;
    if (schema == NULL) {
        return ST_CORRUPT;
    }
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    enum status status = canonical_decode(&message, schema, record, &arena);
    *key_size =
        status == ST_OK ? take_decoded(tables, collection, message, &arena, natural_key) : 0;
    free(memory);
    return *key_size > 0 ? ST_OK : ST_CORRUPT;
}

static int compare_rules(const void *a, const void *b)
{
    uint32_t x = ((const struct derive_rule *)a)->id;
    uint32_t y = ((const struct derive_rule *)b)->id;
    return (x > y) - (x < y);
}

static int compare_regions(const void *a, const void *b)
{
    uint32_t x = ((const struct derive_region *)a)->code;
    uint32_t y = ((const struct derive_region *)b)->code;
    return (x > y) - (x < y);
}

static int compare_entries(const void *a, const void *b)
{
    return bytes_compare(key_bytes(&((const struct derive_entry *)a)->key),
                         key_bytes(&((const struct derive_entry *)b)->key));
}

static void sort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1) {
        qsort(array, count, size, compare);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* 'X' 'g' role; none is as if it were not there. */
static void add_role(struct registry_tables *tables, Xuelian__MemberRole role, uint32_t *members,
                     size_t count)
{
    struct state_key key = key_of('X');
    uint8_t *value = malloc(count * 4 + 1);
    CHECK(value != NULL);
    key_add8(&key, 'g');
    key_add8(&key, (uint8_t)role);
    sort(members, count, sizeof *members, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        be32_put(value + 4 * i, members[i]);
    }
    if (count > 0) {
        add_entry(tables, &key, bytes_of(value, count * 4));
    }
    free(value);
}

/* 'X' 'o' member: how many it has open. */
static void add_open(struct registry_tables *tables)
{
    sort(tables->open, tables->open_count, sizeof *tables->open, compare_numbers);
    for (size_t i = 0; i < tables->open_count;) {
        uint32_t proposer = tables->open[i];
        uint32_t count = 0;
        struct state_key key = key_of('X');
        key_add8(&key, 'o');
        key_add32(&key, proposer);
        for (; i < tables->open_count && tables->open[i] == proposer; i++) {
            count++;
        }
        add_number(tables, &key, count);
    }
}

bool registry_says_nothing(struct bytes key, struct bytes stored)
{
    bool count = key.size > 1 && key.data[1] == 'o';
    return count ? stored.size == 4 && be32_get(stored.data) == 0 : stored.size == 0;
}

void registry_tables_end(struct registry_tables *tables)
{
    add_role(tables, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN, tables->governing,
             tables->governing_count);
    add_role(tables, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_ACCREDIT, tables->accrediting,
             tables->accrediting_count);
    add_open(tables);
    sort(tables->rules, tables->rule_count, sizeof *tables->rules, compare_rules);
    sort(tables->regions, tables->region_count, sizeof *tables->regions, compare_regions);
    sort(tables->entries, tables->entry_count, sizeof *tables->entries, compare_entries);
}

struct derive_tables registry_derive_tables(const struct registry_tables *tables)
{
    return (struct derive_tables){.rules = tables->rules,
                                  .rule_count = tables->rule_count,
                                  .regions = tables->regions,
                                  .region_count = tables->region_count};
}
