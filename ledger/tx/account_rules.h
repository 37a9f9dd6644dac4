/* What the kinds that change an account share: who signs for it, and its commitment. */
#ifndef XUELIAN_LEDGER_TX_ACCOUNT_RULES_H
#define XUELIAN_LEDGER_TX_ACCOUNT_RULES_H

#include "ledger/tx/rules.h"

/* True when a signer is a member. */
bool signer_is_member(const struct tx_signer *signer);
/* True when there are that many signers, all members. */
bool signed_by_members(const struct tx *tx, uint32_t count);

/* *code: OK, or NOT_IDENTITY_SERVICE when the signer is none. The member exists and is active.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status check_identity_service(struct state *state, const struct tx_signer *signer,
                                   uint32_t *code);
/* *code: OK, or NOT_CUSTODIAN when the signer, a member, is not the account's custodian or its successor.
 * Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status check_custodian(struct state *state, const struct account *account,
                            const struct tx_signer *signer, uint32_t *code);
/* Of two signers, members, the first is the account's custodian and the second an identity service.
 * *code: OK; NOT_CUSTODIAN, NOT_IDENTITY_SERVICE. Returns ST_OK; ST_CORRUPT, ST_IO. */
enum status check_pair(struct state *state, const struct account *account, const struct tx *tx,
                       uint32_t *code);

/* OK, or WRONG_IDENTITY when the commitment is not the account's. */
uint32_t check_commitment(const struct account *account, const ProtobufCBinaryData *commitment);

#endif
