/* Rules and catalogue entries of a genesis file, checked against its members and courses. */
#ifndef XUELIAN_LEDGER_GENESIS_RULES_H
#define XUELIAN_LEDGER_GENESIS_RULES_H

#include "ledger/genesis.h"

/* Members and courses were checked before. Returns ST_OK; ST_BAD_CONFIG.
 * Out  error  one sentence that names the entry at fault. */
enum status genesis_check_rules(const Xuelian__Genesis *message, char error[GENESIS_ERROR_SIZE]);

#endif
