/* Rules and catalogue entries of a genesis file, checked against its members and courses. */
#ifndef XUELIAN_LEDGER_GENESIS_RULES_H
#define XUELIAN_LEDGER_GENESIS_RULES_H

#include "ledger/genesis.h"

/* Members and courses were checked before. Returns ST_OK; ST_BAD_CONFIG.
 * Out  error  one sentence that names the entry at fault. */
enum status genesis_check_rules(const Xuelian__Genesis *message, char error[GENESIS_ERROR_SIZE]);

/* The recovery keys: as recovery_keys_read, and none of them is in use elsewhere in the file, for they are kept
 * offline. Returns ST_OK with *keys; ST_BAD_CONFIG, with one sentence. */
enum status genesis_check_recovery(const Xuelian__Genesis *message, struct recovery_keys *keys,
                                   char error[GENESIS_ERROR_SIZE]);

#endif
