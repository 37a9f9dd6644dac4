/* The genesis file: what every node and every verifier starts from.
 * Rules: docs/protocol.md. Its chain id is the tagged hash of its bytes. */
#ifndef XUELIAN_LEDGER_GENESIS_H
#define XUELIAN_LEDGER_GENESIS_H

#include "ledger/params.h"
#include "ledger/state/state.h"
#include "proto/block.h"
#include "proto/ledger.pb-c.h"
#include "proto/recovery.h"

#define GENESIS_ERROR_SIZE 256u

struct genesis {
    struct hash32 chain_id;
    struct validator_set set; /* era 1 */
    struct hash32 params_hash;
    struct recovery_keys recovery;   /* threshold 0: this network has no recovery */
    const Xuelian__Genesis *message; /* decoded; lives as long as the genesis */
    void *memory;                    /* private */
};

/* Parses and checks a genesis file. The bytes are not kept.
 * Returns  ST_OK; ST_BAD_SIZE, ST_BAD_ENCODING, ST_TRUNCATED; ST_BAD_CONFIG (a rule); ST_NO_MEMORY.
 * Out      *genesis  freed with genesis_free.   error  one sentence that names the entry at fault. */
enum status genesis_parse(struct genesis *genesis, struct bytes bytes,
                          char error[GENESIS_ERROR_SIZE]);
void genesis_free(struct genesis *genesis);

/* Writes the genesis state into an empty one: members, regions, courses, rules, the catalogue,
 * parameters. */
enum status genesis_apply(const struct genesis *genesis, struct state *state);

#endif
