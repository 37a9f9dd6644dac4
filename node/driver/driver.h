/* Carries out the consensus core's effects, in order, and brings it everything that happens.
 *
 * The effects form one queue. A PERSIST stops it until the vote journal and the block log have both
 * reported; a COMMIT until the block is in the log and applied to the state. Everything else starts and
 * goes on. Loop thread only. */
#ifndef XUELIAN_NODE_DRIVER_H
#define XUELIAN_NODE_DRIVER_H

#include "node/api.h"
#include "node/membership.h"
#include "node/node.h"

/* In: the node has its stores, workers and peers; what the peers were told. Out: *driver.
 * Returns ST_OK or the core's refusal. */
enum status driver_start(struct driver **driver, struct node *node,
                         const struct membership *membership, char error[NODE_ERROR_SIZE]);
/* No further effect is begun, those who wait are answered; what is under way ends. */
void driver_stop(struct driver *driver);
/* True when the block log holds what its last sync did not cover. */
bool driver_unsynced(const struct driver *driver);
void driver_free(struct driver *driver);

/* Callbacks of the peers. */
void driver_peer_up(void *context, const struct pubkey33 *key);
void driver_peer_down(void *context, const struct pubkey33 *key);
void driver_frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body);

/* Requests of the RPC, already on the loop thread. */
void driver_submit(struct driver *driver, struct node_submit *request);
void driver_wait(struct driver *driver, struct node_wait *request);
void driver_info(struct driver *driver, struct node_info *request);
void driver_following(struct driver *driver, struct node_following *request);
void driver_evidence_list(struct driver *driver, struct node_evidence *request);

#endif
