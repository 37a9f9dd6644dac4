/* The index of recorded offences, for those who make it again from the records. */
#ifndef XUELIAN_LEDGER_TX_EVIDENCE_H
#define XUELIAN_LEDGER_TX_EVIDENCE_H

#include "ledger/state/keys.h"
#include "proto/arena.h"
#include "proto/types.h"

/* The key under which an offence is indexed, from the canonical Evidence that was recorded, whose signatures were
 * checked then. Returns false when it is none. */
bool evidence_index_key(struct bytes content, struct arena *arena, struct state_key *key);

#endif
