#include "node/membership.h"

#include <stdio.h>
#include <string.h>

#include "ledger/nodes.h"
#include "proto/bytes.h"

_Static_assert(LEDGER_ADDRESS_SIZE == PEER_ADDRESS_SIZE, "an address is copied whole");

struct reading {
    struct membership *out;
    const struct validator_set *set;
    const struct pubkey33 *own;
    bool validators; /* this pass takes those of the set, the other one the rest */
    uint32_t room;
};

static struct peer_known *find(struct membership *out, const struct pubkey33 *key)
{
    for (uint32_t i = 0; i < out->count; i++) {
        if (pubkey33_compare(&out->known[i].key, key) == 0) {
            return &out->known[i];
        }
    }
    return NULL;
}

static void take_node(void *context, const struct ledger_node *node)
{
    struct reading *reading = context;
    struct membership *out = reading->out;
    if (pubkey33_compare(&node->key, reading->own) == 0 && !out->recorded) {
        out->recorded = true;
        out->incarnation = node->incarnation;
        out->role = node->role;
    }
    if ((validator_set_find(reading->set, &node->key) >= 0) != reading->validators ||
        find(out, &node->key) != NULL) {
        return;
    }
    if (out->count == reading->room) {
        out->left_out++;
        return;
    }
    struct peer_known *peer = &out->known[out->count++];
    *peer = (struct peer_known){.key = node->key, .member = node->member, .role = node->role};
    peer->address_count = node->address_count;
    memcpy(peer->addresses, node->addresses, sizeof peer->addresses);
}

/* What the operator wrote stands, and lets nodes in that the records here do not know yet: a node that
 * joins late knows the validators of today by it alone. */
static void take_address(struct membership *out, const struct config_peer *address)
{
    struct peer_known *peer = find(out, &address->key);
    if (peer == NULL) {
        peer = &out->known[out->count++];
        *peer = (struct peer_known){.key = address->key};
    }
    peer->address_count = 1;
    memcpy(peer->addresses[0], address->address, sizeof peer->addresses[0]);
}

enum status membership_read(struct membership *out, const struct ledger_view *view,
                            const struct validator_set *set, const struct node_config *config,
                            const struct pubkey33 *own)
{
    struct reading reading = {.out = out, .set = set, .own = own, .validators = true};
    *out = (struct membership){.role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER};
    reading.room = PEERS_MAX - config->peer_address_count;
    enum status status = ledger_view_members_root(view, &out->members_root);
    if (status == ST_OK) {
        status = ledger_view_nodes(view, take_node, &reading, &out->until);
    }
    reading.validators = false;
    if (status == ST_OK) {
        status = ledger_view_nodes(view, take_node, &reading, &out->until);
    }
    for (uint32_t i = 0; status == ST_OK && i < config->peer_address_count; i++) {
        take_address(out, &config->peer_addresses[i]);
    }
    if (validator_set_find(set, own) >= 0) {
        out->role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    } else if (out->role == XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR) {
        out->role = XUELIAN__NODE_ROLE__NODE_ROLE_OBSERVER;
    }
    return status;
}
