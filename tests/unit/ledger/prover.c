#include "tests/unit/ledger/prover.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/quorum.h"
#include "tests/unit/ledger/support.h"

struct prover_tx {
    uint64_t height;
    uint32_t index;
    struct bytes bytes;
};

static uint8_t *copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    return copy;
}

void prover_open(struct prover *prover, struct kv *kv, const struct genesis *genesis,
                 struct bytes genesis_bytes)
{
    memset(prover, 0, sizeof *prover);
    prover->kv = kv;
    prover->genesis = genesis;
    prover->genesis_bytes = bytes_of(copy_of(genesis_bytes), genesis_bytes.size);
}

void prover_close(struct prover *prover)
{
    for (size_t i = 0; i < prover->kept_count; i++) {
        support_free(prover->kept[i].bytes);
    }
    free(prover->kept);
    support_free(prover->genesis_bytes);
    free(prover->scratch);
    memset(prover, 0, sizeof *prover);
}

void prover_keep(struct prover *prover, uint64_t height, const struct bytes *txs, uint32_t count)
{
    struct prover_tx *grown =
        realloc(prover->kept, (prover->kept_count + count + 1) * sizeof *grown);
    assert_non_null(grown);
    prover->kept = grown;
    for (uint32_t i = 0; i < count; i++) {
        prover->kept[prover->kept_count++] = (struct prover_tx){
            .height = height, .index = i, .bytes = bytes_of(copy_of(txs[i]), txs[i].size)};
    }
}

static enum status get_tx(void *context, uint64_t height, uint32_t index, uint8_t **bytes,
                          size_t *size)
{
    const struct prover *prover = context;
    for (size_t i = 0; i < prover->kept_count; i++) {
        const struct prover_tx *tx = &prover->kept[i];
        if (tx->height == height && tx->index == index) {
            *bytes = copy_of(tx->bytes);
            *size = tx->bytes.size;
            return ST_OK;
        }
    }
    return ST_NOT_FOUND;
}

static size_t certify(const struct prover *prover, const struct ledger_view *view,
                      uint8_t out[CERTIFICATE_SIZE_MAX])
{
    const struct validator_set *set = &prover->genesis->set;
    struct certificate certificate = {.phase = VOTE_COMMIT, .height = view->header.height};
    struct hash32 hash;
    certificate.header_hash = view->hash;
    certificate.count = quorum_size(set->count);
    vote_hash(&hash, TAG_SIGN_COMMIT, &prover->genesis->chain_id, set->era, 0, certificate.height,
              &view->hash);
    for (uint8_t i = 0; i < certificate.count; i++) {
        struct signer *signer = support_signer((uint8_t)(100 + set->validators[i].member));
        certificate.signers[i] = i;
        signer_sign(signer, &hash, &certificate.signatures[i]);
        signer_free(signer);
    }
    return certificate_encode(out, &certificate, set->count);
}

static enum status look(struct prover *prover, uint8_t *proof, size_t size)
{
    size_t room = VERIFY_SCRATCH_SIZE(prover->genesis_bytes.size, size) + size;
    free(prover->scratch);
    prover->scratch = malloc(room);
    assert_non_null(prover->scratch);
    memcpy(prover->scratch, proof, size);
    free(proof);
    prover->proof = bytes_of(prover->scratch, size);
    prover->proof_size = size;
    enum status status = verify_proof(&prover->result, prover->genesis_bytes, prover->proof, NULL,
                                      (uint8_t *)prover->scratch + size, room - size);
    verify_report(prover->report, sizeof prover->report, &prover->result, VERIFY_ENGLISH);
    if (status != ST_OK) {
        print_error("%s", prover->report);
    }
    return status;
}

/* What a proof is asked of. */
struct asked {
    const struct hash32 *learner;
    uint64_t item; /* 0: the archive */
    bool conversion;
    bool whole;
};

static enum status prove(struct prover *prover, const struct asked *asked)
{
    const struct proof_source source = {
        .get_tx = get_tx, .context = prover, .genesis = prover->genesis->message};
    uint8_t certificate[CERTIFICATE_SIZE_MAX];
    struct ledger_view view;
    struct proof_anchor anchor = {.set_changes = NULL};
    uint8_t *proof = NULL;
    size_t size = 0;
    assert_int_equal(ledger_view_open(&view, prover->kv), ST_OK);
    anchor.certificate = bytes_of(certificate, certify(prover, &view, certificate));
    const struct proof_source *from = prover->unsigned_too ? NULL : &source;
    enum status status;
    if (asked->conversion) {
        status = proof_conversion(&view, &anchor, from, asked->learner, asked->item, asked->whole,
                                  &proof, &size);
    } else if (asked->item != 0) {
        status = proof_record(&view, &anchor, from, asked->learner, asked->item, &proof, &size);
    } else {
        status = proof_archive(&view, &anchor, from, asked->learner, NULL, &proof, &size);
    }
    ledger_view_close(&view);
    assert_int_equal(status, ST_OK);
    return look(prover, proof, size);
}

enum status prover_account(struct prover *prover, const struct hash32 *learner, uint64_t item)
{
    return prove(prover, &(struct asked){.learner = learner, .item = item});
}

enum status prover_conversion(struct prover *prover, const struct hash32 *learner, uint64_t item,
                              bool whole)
{
    return prove(prover, &(struct asked){
                             .learner = learner, .item = item, .conversion = true, .whole = whole});
}
