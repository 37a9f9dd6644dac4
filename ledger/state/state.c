#include "ledger/state/state.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/state/statistics.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { MEMBER_CACHE = 64, COURSE_CACHE = 64, REGION_CACHE = 4096 };

struct state {
    struct overlay *overlay;
    struct merkle_array arrays[COLLECTION_COUNT]; /* collection id - 1 */
    struct account **accounts;                    /* open addressing by tree key */
    size_t account_room;
    struct account **account_list; /* in order of first use */
    size_t account_count;
    struct member_view members[MEMBER_CACHE];
    struct course_view courses[COURSE_CACHE];
    struct region_view regions[REGION_CACHE];
    struct statistics *statistics;
};

enum status state_begin(struct state **state, struct kv *kv, bool create)
{
    struct state *made = calloc(1, sizeof *made);
    enum status status = ST_OK;
    CHECK(made != NULL);
    made->overlay = overlay_new(kv);
    made->account_room = 1024;
    made->accounts = calloc(made->account_room, sizeof(struct account *));
    made->account_list = calloc(made->account_room, sizeof(struct account *));
    CHECK(made->accounts != NULL && made->account_list != NULL);
    made->statistics = statistics_new();
    for (uint32_t i = 0; i < COLLECTION_COUNT && status == ST_OK; i++) {
        if (create) {
            merkle_array_create(&made->arrays[i], made->overlay, i + 1);
        } else {
            status = merkle_array_open(&made->arrays[i], made->overlay, i + 1);
        }
    }
    if (status != ST_OK) {
        state_free(made);
        return status;
    }
    *state = made;
    return ST_OK;
}

/* What only the block in progress needs; the overlay outlives it. */
static void free_working(struct state *state)
{
    for (size_t i = 0; i < state->account_count; i++) {
        free(state->account_list[i]);
    }
    free(state->account_list);
    free(state->accounts);
    state->account_list = NULL;
    state->accounts = NULL;
    state->account_count = 0;
    statistics_free(state->statistics);
    state->statistics = NULL;
    for (uint32_t i = 0; i < COLLECTION_COUNT; i++) {
        merkle_array_close(&state->arrays[i]);
    }
}

void state_free(struct state *state)
{
    if (state == NULL) {
        return;
    }
    free_working(state);
    overlay_free(state->overlay);
    free(state);
}

struct overlay *state_overlay(struct state *state)
{
    return state->overlay;
}

static struct merkle_array *array_of(struct state *state, uint32_t collection)
{
    CHECK(collection >= 1 && collection <= COLLECTION_COUNT);
    return &state->arrays[collection - 1];
}

/* Codes of neighbours differ in their last digits alone: mixed, few of them share a slot (Knuth, TAOCP 3, 6.4). */
static uint32_t region_slot(uint32_t code)
{
    return code * 2654435761u >> 20; /* 12 bits: REGION_CACHE */
}

/* What was decoded of a record that changes. */
static void forget_decoded(struct state *state, uint32_t collection, struct bytes natural_key)
{
    if (collection == XUELIAN__COLLECTION__COLLECTION_MEMBERS) {
        state->members[be32_get(natural_key.data) % MEMBER_CACHE].id = 0;
    } else if (collection == XUELIAN__COLLECTION__COLLECTION_COURSES) {
        state->courses[be32_get(natural_key.data) % COURSE_CACHE].id = 0;
    } else if (collection == XUELIAN__COLLECTION__COLLECTION_REGIONS) {
        state->regions[region_slot(be32_get(natural_key.data))].code = 0;
    }
}

enum status state_put(struct state *state, uint32_t collection, struct bytes natural_key,
                      struct bytes value)
{
    struct merkle_array *array = array_of(state, collection);
    struct hash32 key;
    struct hash32 value_hash;
    uint64_t position;
    merkle_array_key(&key, collection, natural_key);
    merkle_array_value(&value_hash, collection, value);
    enum status status = merkle_array_find(array, &key, &position);
    if (status == ST_NOT_FOUND) {
        position = merkle_array_insert(array, &key, &value_hash);
        status = ST_OK;
    } else if (status == ST_OK) {
        status = merkle_array_update(array, position, &value_hash);
    }
    if (status == ST_OK) {
        struct state_key record = key_position('R', collection, position);
        overlay_put(state->overlay, key_bytes(&record), value);
        forget_decoded(state, collection, natural_key);
    }
    return status;
}

enum status state_get(struct state *state, uint32_t collection, struct bytes natural_key,
                      struct bytes *value)
{
    struct hash32 key;
    uint64_t position;
    merkle_array_key(&key, collection, natural_key);
    enum status status = merkle_array_find(array_of(state, collection), &key, &position);
    if (status != ST_OK) {
        return status;
    }
    struct state_key record = key_position('R', collection, position);
    status = overlay_get(state->overlay, key_bytes(&record), value);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

enum status state_message(struct state *state, uint32_t collection, struct bytes natural_key,
                          const ProtobufCMessageDescriptor *schema, struct arena *arena,
                          ProtobufCMessage **message)
{
    struct bytes value;
    enum status status = state_get(state, collection, natural_key, &value);
    if (status == ST_OK && canonical_decode(message, schema, value, arena) != ST_OK) {
        status = ST_CORRUPT;
    }
    return status;
}

static enum status get_numbered(struct state *state, uint32_t collection, uint32_t number,
                                struct bytes *value)
{
    uint8_t key[4];
    be32_put(key, number);
    return state_get(state, collection, bytes_of(key, 4), value);
}

static enum status member_decode(struct member_view *view, struct bytes value)
{
    uint64_t memory[4096];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, sizeof memory);
    if (canonical_decode(&message, &xuelian__member__descriptor, value, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    const Xuelian__Member *wire = (const Xuelian__Member *)(const void *)message;
    view->exists = true;
    view->status = wire->status;
    view->kind = (uint32_t)wire->kind;
    view->successor = wire->successor;
    view->region = wire->region;
    for (size_t i = 0; i < wire->n_roles; i++) {
        view->roles |= 1u << (uint32_t)wire->roles[i];
    }
    for (size_t i = 0; i < wire->n_deposit_kinds; i++) {
        view->deposit_kinds |= 1u << (uint32_t)wire->deposit_kinds[i];
    }
    for (size_t i = 0; i < wire->n_keys && i < LIMIT_MEMBER_KEYS_MAX; i++) {
        if (!field_copy(&view->keys[i].key, 33, &wire->keys[i]->key)) {
            return ST_CORRUPT;
        }
        view->keys[i].from_height = wire->keys[i]->from_height;
        view->keys[i].to_height = wire->keys[i]->to_height;
        view->key_count++;
    }
    return ST_OK;
}

enum status state_member(struct state *state, uint32_t id, const struct member_view **view)
{
    struct member_view *slot = &state->members[id % MEMBER_CACHE];
    struct bytes value;
    *view = slot;
    if (slot->id == id && id != 0) {
        return ST_OK;
    }
    *slot = (struct member_view){.id = id};
    enum status status = get_numbered(state, XUELIAN__COLLECTION__COLLECTION_MEMBERS, id, &value);
    if (status == ST_OK) {
        status = member_decode(slot, value);
    } else if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    if (status != ST_OK) {
        slot->id = 0;
    }
    return status;
}

enum status state_course(struct state *state, uint32_t id, const struct course_view **view)
{
    struct course_view *slot = &state->courses[id % COURSE_CACHE];
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct bytes value;
    *view = slot;
    if (slot->id == id && id != 0) {
        return ST_OK;
    }
    *slot = (struct course_view){.id = id};
    enum status status = get_numbered(state, XUELIAN__COLLECTION__COLLECTION_COURSES, id, &value);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK &&
        canonical_decode(&message, &xuelian__course__descriptor, value, &arena) != ST_OK) {
        status = ST_CORRUPT;
    }
    if (status != ST_OK) {
        slot->id = 0;
        return status;
    }
    const Xuelian__Course *wire = (const Xuelian__Course *)(const void *)message;
    *slot = (struct course_view){.id = id,
                                 .exists = true,
                                 .version = wire->version,
                                 .kind = (uint32_t)wire->kind,
                                 .credits = wire->credits,
                                 .hours = wire->hours,
                                 .from_date = wire->from_date,
                                 .to_date = wire->to_date,
                                 .status = wire->status};
    return ST_OK;
}

enum status state_region_view(struct state *state, uint32_t code, const struct region_view **view)
{
    struct region_view *slot = &state->regions[region_slot(code)];
    uint64_t memory[256];
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct bytes value;
    *view = slot;
    if (slot->code == code && code != 0) {
        return ST_OK;
    }
    *slot = (struct region_view){.code = code};
    enum status status = get_numbered(state, XUELIAN__COLLECTION__COLLECTION_REGIONS, code, &value);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    arena_init(&arena, memory, sizeof memory);
    if (status == ST_OK &&
        canonical_decode(&message, &xuelian__region__descriptor, value, &arena) != ST_OK) {
        status = ST_CORRUPT;
    }
    if (status != ST_OK) {
        slot->code = 0;
        return status;
    }
    slot->exists = true;
    slot->parent = ((const Xuelian__Region *)(const void *)message)->parent;
    return ST_OK;
}

enum status state_region(struct state *state, uint32_t code, bool *exists)
{
    const struct region_view *view;
    enum status status = state_region_view(state, code, &view);
    if (status == ST_OK) {
        *exists = view->exists;
    }
    return status;
}

struct statistics *state_statistics(struct state *state)
{
    return state->statistics;
}

/* Slot of a tree key: hashed already, so its first bytes serve. */
static size_t account_slot(struct account **accounts, size_t room, const struct hash32 *key)
{
    size_t at = (size_t)be64_get(key->bytes) & (room - 1);
    while (accounts[at] != NULL && !hash32_equal(&accounts[at]->tree_key, key)) {
        at = (at + 1) & (room - 1);
    }
    return at;
}

static void grow_accounts(struct state *state)
{
    size_t room = state->account_room * 2;
    struct account **accounts = calloc(room, sizeof(struct account *));
    state->account_list = realloc(state->account_list, room * sizeof(struct account *));
    CHECK(accounts != NULL && state->account_list != NULL);
    for (size_t i = 0; i < state->account_count; i++) {
        struct account *account = state->account_list[i];
        accounts[account_slot(accounts, room, &account->tree_key)] = account;
    }
    free(state->accounts);
    state->accounts = accounts;
    state->account_room = room;
}

static enum status load_account(struct state *state, struct account *account)
{
    struct merkle_array *array = array_of(state, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS);
    struct bytes record;
    enum status status = merkle_array_find(array, &account->tree_key, &account->position);
    if (status == ST_NOT_FOUND) {
        account->position = 0;
        return ST_OK;
    }
    if (status != ST_OK) {
        return status;
    }
    struct state_key key = key_position('R', array->collection, account->position);
    status = overlay_get(state->overlay, key_bytes(&key), &record);
    if (status == ST_OK) {
        status = account_record_decode(account, record);
    }
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

enum status state_account(struct state *state, const struct hash32 *learner,
                          struct account **account)
{
    struct hash32 key;
    merkle_array_key(&key, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS, bytes_of(learner, 32));
    if (state->account_count * 2 >= state->account_room) {
        grow_accounts(state);
    }
    size_t at = account_slot(state->accounts, state->account_room, &key);
    if (state->accounts[at] == NULL) {
        struct account *made = calloc(1, sizeof *made);
        CHECK(made != NULL);
        made->learner = *learner;
        made->tree_key = key;
        enum status status = load_account(state, made);
        if (status != ST_OK) {
            free(made);
            return status;
        }
        state->accounts[at] = made;
        state->account_list[state->account_count++] = made;
    }
    *account = state->accounts[at];
    return ST_OK;
}

void state_account_open(struct state *state, struct account *account)
{
    static const struct hash32 later; /* the value hash is set in state_finish */
    CHECK(account->position == 0);
    account->position = merkle_array_insert(
        array_of(state, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS), &account->tree_key, &later);
    account->dirty = true;
}

static enum status flush_account(struct state *state, const struct account *account)
{
    struct merkle_array *array = array_of(state, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS);
    uint8_t record[ACCOUNT_RECORD_SIZE_MAX];
    struct hash32 value;
    size_t size = account_record_encode(record, account);
    struct state_key key = key_position('R', array->collection, account->position);
    overlay_put(state->overlay, key_bytes(&key), bytes_of(record, size));
    account_value_hash(&value, account);
    return merkle_array_update(array, account->position, &value);
}

static int compare_accounts(const void *a, const void *b)
{
    const struct account *left = *(const struct account *const *)a;
    const struct account *right = *(const struct account *const *)b;
    return (left->position > right->position) - (left->position < right->position);
}

enum status state_finish(struct state *state, struct hash32 *state_root)
{
    struct hash32 leaves[COLLECTION_COUNT];
    enum status written = statistics_finish(state->statistics, state);
    if (written != ST_OK) {
        return written;
    }
    /* Leaves are read in the order in which the store has them, neighbours together. */
    qsort(state->account_list, state->account_count, sizeof(struct account *), compare_accounts);
    for (size_t i = 0; i < state->account_count; i++) {
        if (state->account_list[i]->dirty) {
            enum status status = flush_account(state, state->account_list[i]);
            if (status != ST_OK) {
                return status;
            }
        }
    }
    for (uint32_t i = 0; i < COLLECTION_COUNT; i++) {
        struct merkle_array *array = &state->arrays[i];
        enum status status = merkle_array_finish(array);
        if (status != ST_OK) {
            return status;
        }
        state_root_leaf(&leaves[i], i + 1, array->count, &array->root);
    }
    merkle_root(state_root, leaves, COLLECTION_COUNT);
    free_working(state);
    return ST_OK;
}
