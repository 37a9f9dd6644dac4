/* What consents, query requests and disputes share. */
#ifndef XUELIAN_LEDGER_TX_CONSENT_RULES_H
#define XUELIAN_LEDGER_TX_CONSENT_RULES_H

#include "ledger/tx/rules.h"

/* *code: OK, or NOT_ALLOWED unless one signs alone who acts for the learner (account_held_by).
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status check_holder(struct state *state, const struct block_context *context,
                         const struct tx *tx, const struct account *account, uint32_t *code);

/* Kinds of items, ascending and none twice. */
bool consent_kinds_valid(const Xuelian__ItemKind *kinds, size_t count);

/* The open request of a member to an account has that id. *code: OK, or UNKNOWN_REQUEST.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status query_check(struct state *state, const struct account *account, uint32_t member,
                        const ProtobufCBinaryData *request, uint32_t *code);
/* It is answered: no longer open. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status query_settle(struct state *state, const struct account *account, uint32_t member);

#endif
