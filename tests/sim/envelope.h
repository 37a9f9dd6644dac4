/* Bytes on links. What is sent to many is one envelope that all of them hold, and it is read once: pbft_message_parse
 * and the check of a signature are pure, so for the same bytes every receiver would find the same. */
#ifndef XUELIAN_TESTS_SIM_ENVELOPE_H
#define XUELIAN_TESTS_SIM_ENVELOPE_H

#include "tests/sim/chain.h"

struct envelope {
    uint32_t holders;
    uint8_t type; /* PeerType */
    bool read;
    bool checked;
    bool good;          /* checked: the outer signature is that of `key` */
    enum status status; /* read: what pbft_message_parse said */
    struct pubkey33 key;
    struct pbft_message message; /* read and ST_OK; borrows from `data` */
    size_t size;
    uint8_t data[];
};

/* A copy of the bytes, held by the caller. */
struct envelope *envelope_new(uint8_t type, struct bytes body);
struct envelope *envelope_hold(struct envelope *envelope);
/* The last holder frees it. NULL is let go too. */
void envelope_let_go(struct envelope *envelope);
struct bytes envelope_body(const struct envelope *envelope);

/* As pbft_message_parse, of a message between cores. Out: *message, as long as the envelope. */
enum status envelope_read(struct envelope *envelope, struct chain *chain,
                          const struct pbft_message **message);
/* Whether the outer signature is that of a key. Read before, and well. */
bool envelope_signed_by(struct envelope *envelope, struct keys *keys, const struct pubkey33 *key);

#endif
