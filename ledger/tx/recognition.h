/* Recognitions (认定) as revocation sees them. */
#ifndef XUELIAN_LEDGER_TX_RECOGNITION_H
#define XUELIAN_LEDGER_TX_RECOGNITION_H

#include "ledger/tx/rules.h"

/* Revokes a recognition, whose newest version was named. *code: OK; WRONG_STATE (neither valid nor under review);
 * WRONG_ISSUER (the first signer, a member, does not stand for its recogniser). What rests on it is put under review.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status recognition_revoke(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct account *account,
                               const struct item *item, Xuelian__ItemReason reason, uint32_t *code);

#endif
