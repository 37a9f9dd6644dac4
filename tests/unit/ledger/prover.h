/* Proofs of a test network's accounts, built from its ledger and looked at by the verifier: transactions are kept as
 * their blocks come, and the validators of genesis certify whatever the tip is. */
#ifndef XUELIAN_TESTS_LEDGER_PROVER_H
#define XUELIAN_TESTS_LEDGER_PROVER_H

#include "ledger/genesis.h"
#include "ledger/proof.h"
#include "ledger/store/kv.h"
#include "ledger/verify/xuelian_verify.h"

enum { PROVER_REPORT = 1 << 17 };

struct prover_tx;

struct prover {
    struct kv *kv;
    const struct genesis *genesis;
    struct bytes genesis_bytes;
    struct prover_tx *kept;
    size_t kept_count;
    bool unsigned_too;  /* build without signatures */
    size_t proof_size;  /* of the proof looked at last */
    struct bytes proof; /* in scratch; the result borrows it */
    struct verify_result result;
    void *scratch;
    char report[PROVER_REPORT];
};

/* genesis_bytes are copied; kv and genesis borrowed. */
void prover_open(struct prover *prover, struct kv *kv, const struct genesis *genesis,
                 struct bytes genesis_bytes);
void prover_close(struct prover *prover);
/* Keeps the bytes of a block's transactions; for net.h and people.h, whose blocks free them. */
void prover_keep(struct prover *prover, uint64_t height, const struct bytes *txs, uint32_t count);

/* Builds, verifies, reports in English; the verdict. item 0: the archive. */
enum status prover_account(struct prover *prover, const struct hash32 *learner, uint64_t item);

/* The proof of a conversion, with the archive or without. */
enum status prover_conversion(struct prover *prover, const struct hash32 *learner, uint64_t item,
                              bool whole);

#endif
