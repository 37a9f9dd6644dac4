/* One transaction to the network, and its answer. Thread: the command's one. */
#ifndef XUELIAN_CLI_SUBMIT_H
#define XUELIAN_CLI_SUBMIT_H

#include "cli/client.h"
#include "ledger/tx/envelope.h"

/* Height of the tip and the validity window, as a node says. False with *fault. */
struct network_tip {
    uint64_t height;
    uint64_t validity_window;
};
bool network_tip_ask(struct client *client, struct network_tip *tip, struct fault *fault);

struct submit_result {
    uint64_t height;
    uint32_t code; /* of the transaction, in its block */
    uint32_t item_code_count;
    uint32_t item_codes[LIMIT_BULK_ITEMS_MAX]; /* of a bulk kind of which not all are OK */
};

/* Sends a transaction, in the parcel with its details, and waits until the transaction is in a block; the same bytes go to another node when one
 * fails, which is harmless.
 * Returns  true with *result; false with *fault: refused before any block (EXIT_REFUSED, with the reason), or
 *          not committed within wait_ms (EXIT_NETWORK: the id is in the sentence, ask again with it). */
bool submit_wait(struct client *client, const struct tx *tx, struct bytes parcel, uint64_t wait_ms,
                 struct submit_result *result, struct fault *fault);

#endif
