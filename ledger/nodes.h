/* The nodes that member records list: who may connect, and as what. Any thread. */
#ifndef XUELIAN_LEDGER_NODES_H
#define XUELIAN_LEDGER_NODES_H

#include "ledger/view.h"
#include "proto/ledger.pb-c.h"

#define LEDGER_ADDRESS_SIZE 72u /* an address of at most 64 bytes, and its NUL */

struct ledger_node {
    struct pubkey33 key;
    uint32_t member;
    Xuelian__NodeRole role;
    uint64_t incarnation;
    uint32_t address_count;
    char addresses[LIMIT_ADDRESSES_MAX][LEDGER_ADDRESS_SIZE];
};

/* A hash that differs after any change of a member record. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status ledger_view_members_root(const struct ledger_view *view, struct hash32 *root);

/* Calls visit for each node in force at the height after the view's, of members that have not ended, in the
 * order in which the members were recorded.
 * Returns ST_OK; ST_CORRUPT, ST_IO.  Cost: one read a member.
 * Out  *until  the first later height for which the same records list other nodes, or UINT64_MAX. */
enum status ledger_view_nodes(const struct ledger_view *view,
                              void (*visit)(void *context, const struct ledger_node *node),
                              void *context, uint64_t *until);

#endif
