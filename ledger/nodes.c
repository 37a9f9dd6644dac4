#include "ledger/nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

enum { MEMBERS = XUELIAN__COLLECTION__COLLECTION_MEMBERS, STATUS_ENDED = 2 };

enum status ledger_view_members_root(const struct ledger_view *view, struct hash32 *root)
{
    struct merkle_reader reader;
    enum status status = merkle_reader_open(&reader, view->kv, view->snapshot, MEMBERS);
    if (status == ST_OK) {
        *root = reader.root;
    }
    return status;
}

static bool in_force(const Xuelian__Node *node, uint64_t height)
{
    return node->from_height <= height && (node->to_height == 0 || height < node->to_height);
}

static void lower(uint64_t *until, uint64_t height, uint64_t change)
{
    if (change > height && change < *until) {
        *until = change;
    }
}

static bool take_node(struct ledger_node *out, const Xuelian__Member *member,
                      const Xuelian__Node *wire)
{
    *out = (struct ledger_node){
        .member = member->id, .role = wire->role, .incarnation = wire->incarnation};
    for (size_t i = 0; i < wire->n_addresses && i < LIMIT_ADDRESSES_MAX; i++) {
        snprintf(out->addresses[i], sizeof out->addresses[i], "%s", wire->addresses[i]);
        out->address_count++;
    }
    return field_copy(&out->key, 33, &wire->key);
}

struct visiting {
    uint64_t height;
    void (*visit)(void *context, const struct ledger_node *node);
    void *context;
    uint64_t until;
};

static enum status visit_member(struct visiting *visiting, struct bytes record)
{
    size_t room = record.size * 32 + 4096; /* structs are larger than their bytes */
    struct arena arena;
    ProtobufCMessage *message = NULL;
    void *memory = malloc(room);
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    enum status status = canonical_decode(&message, &xuelian__member__descriptor, record, &arena);
    if (status == ST_OK) {
        const Xuelian__Member *member = (const Xuelian__Member *)(const void *)message;
        for (size_t i = 0; member->status != STATUS_ENDED && i < member->n_nodes; i++) {
            struct ledger_node node;
            lower(&visiting->until, visiting->height, member->nodes[i]->from_height);
            lower(&visiting->until, visiting->height, member->nodes[i]->to_height);
            if (in_force(member->nodes[i], visiting->height) &&
                take_node(&node, member, member->nodes[i])) {
                visiting->visit(visiting->context, &node);
            }
        }
    }
    free(memory);
    return status == ST_OK ? ST_OK : ST_CORRUPT;
}

enum status ledger_view_nodes(const struct ledger_view *view,
                              void (*visit)(void *context, const struct ledger_node *node),
                              void *context, uint64_t *until)
{
    struct merkle_reader reader;
    struct visiting visiting = {
        .height = view->header.height + 1, .visit = visit, .context = context, .until = UINT64_MAX};
    enum status status = merkle_reader_open(&reader, view->kv, view->snapshot, MEMBERS);
    /* Position 0 is the sentinel. */
    for (uint64_t i = 1; status == ST_OK && i < reader.count; i++) {
        struct state_key key = key_position('R', MEMBERS, i);
        uint8_t *value = NULL;
        size_t size = 0;
        status = kv_get(view->kv, view->snapshot, key_bytes(&key), &value, &size);
        if (status == ST_OK) {
            status = visit_member(&visiting, bytes_of(value, size));
        }
        kv_free(value);
        status = status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    *until = visiting.until;
    return status;
}
