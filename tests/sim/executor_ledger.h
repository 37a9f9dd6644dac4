/* Transactions over executor_ledger. Members are the nodes' owners, numbers from 1; the first three govern. */
#ifndef XUELIAN_TESTS_SIM_EXECUTOR_LEDGER_H
#define XUELIAN_TESTS_SIM_EXECUTOR_LEDGER_H

#include "proto/tx.pb-c.h"
#include "tests/sim/executor.h"

enum { LEDGER_GOVERNING = 3 };

/* A transaction that the owner of this index signs. nonce: another one each time. Out: *out set, *id may be NULL. */
void executor_ledger_tx(struct chain *chain, Xuelian__TxKind kind, const ProtobufCMessage *item,
                        uint32_t owner, uint64_t nonce, struct owned *out, struct hash32 *id);

#endif
