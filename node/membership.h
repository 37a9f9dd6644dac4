/* Whom a node meets, and as what it is recorded: the nodes of the member records, the validator set, and the
 * addresses of the configuration. */
#ifndef XUELIAN_NODE_MEMBERSHIP_H
#define XUELIAN_NODE_MEMBERSHIP_H

#include "ledger/view.h"
#include "node/config.h"
#include "node/peer/peers.h"

struct membership {
    struct hash32 members_root; /* of the records that this was made from */
    uint64_t until;             /* height from which the same records say something else */
    bool recorded;              /* a member record has this node's key */
    uint64_t incarnation;       /* that the record gives it */
    Xuelian__NodeRole role;     /* validator while the set has it, whatever the record says */
    uint32_t left_out;          /* nodes beyond PEERS_MAX */
    uint32_t count;
    struct peer_known known[PEERS_MAX]; /* validators of the set first; this node too */
};

/* Reads the records at a view. set: of the height after it.
 * Returns  ST_OK; ST_CORRUPT, ST_IO.  Thread  any. */
enum status membership_read(struct membership *out, const struct ledger_view *view,
                            const struct validator_set *set, const struct node_config *config,
                            const struct pubkey33 *own);

#endif
