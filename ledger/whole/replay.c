#include "ledger/whole/replay.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/tx/envelope.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/recovery.h"

enum status replay_open(struct replay *replay, const struct genesis *genesis, struct kv *state,
                        struct whole_report *report, char *error, size_t error_size)
{
    memset(replay, 0, sizeof *replay);
    replay->report = report;
    enum status status = chain_genesis(&replay->chain, genesis);
    if (status == ST_OK) {
        status = ledger_open(&replay->ledger, state, genesis, error, error_size);
    }
    if (status == ST_OK) {
        replay->era_base_hash = replay->chain.hash;
        replay->rotation_blocks = ledger_params(replay->ledger)->rotation_blocks;
    }
    return status;
}

void replay_close(struct replay *replay)
{
    ledger_close(replay->ledger);
    replay->ledger = NULL;
}

static enum status fault(struct replay *replay, uint64_t height, enum status status, const char *en,
                         const char *zh)
{
    (void)whole_damage_pair(replay->report, WHOLE_LOG, "block", "区块", height, en, zh);
    return status;
}

/* What of the header the transactions do not give, in the order in which one follows from another. */
static enum status compare(struct replay *replay, const struct header *certified,
                           const struct header *found)
{
    const char *en = NULL;
    const char *zh = NULL;
    if (!hash32_equal(&certified->result_root, &found->result_root)) {
        en = "its transactions give another result root than it says";
        zh = "按其交易重算的结果根与所载不符";
    } else if (!hash32_equal(&certified->state_root, &found->state_root)) {
        en = "its transactions give another state root than it says";
        zh = "按其交易重算的状态根与所载不符";
    } else if (!hash32_equal(&certified->next_validators_hash, &found->next_validators_hash)) {
        en = "its transactions give another next validator set than it says";
        zh = "按其交易重算的下一验证者集合与所载不符";
    } else if (!hash32_equal(&certified->params_hash, &found->params_hash)) {
        en = "its transactions give other parameters than it says";
        zh = "按其交易重算的参数与所载不符";
    } else {
        en = "executed again it gives another header";
        zh = "重新执行得到另一区块头";
    }
    return fault(replay, certified->height, ST_DIVERGED, en, zh);
}

static enum status check_signatures(struct replay *replay, const struct stored_block *block)
{
    void *memory = malloc(TX_ARENA_SIZE);
    enum status status = ST_OK;
    CHECK(memory != NULL);
    for (uint32_t i = 0; i < block->tx_count && status == ST_OK; i++) {
        struct tx tx;
        struct arena arena;
        arena_init(&arena, memory, TX_ARENA_SIZE);
        status = tx_parse(&tx, block->txs[i], &block->header.chain_id, &arena);
        if (status == ST_OK) {
            status = tx_verify_signatures(&tx);
        }
    }
    free(memory);
    return status == ST_OK ? ST_OK
                           : fault(replay, block->header.height, ST_BAD_SIGNATURE,
                                   "a signature of a transaction in it does not verify",
                                   "其中某交易的签名无效");
}

static enum status execute(struct replay *replay, const struct stored_block *block,
                           struct ledger_block **made)
{
    uint32_t bad = 0;
    if (block->recovery.size == 0) {
        struct ledger_proposal proposal = {.parent_hash = block->header.parent_hash,
                                           .time_ms = block->header.time_ms,
                                           .txs = block->txs,
                                           .count = block->tx_count};
        return ledger_execute(replay->ledger, &proposal, made, &bad);
    }
    struct arena arena;
    struct recovery recovery;
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    CHECK(memory != NULL);
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    enum status status = recovery_decode(&recovery, block->recovery, false, &arena);
    if (status == ST_OK) {
        status = ledger_recover(replay->ledger, &recovery, made, &bad);
    }
    free(memory);
    return status;
}

/* The block after which another set certifies opens an era. */
static void note_era(struct replay *replay, const struct validator_set *before)
{
    if (replay->chain.set.era != before->era) {
        replay->previous_set = *before;
        replay->era_base_hash = replay->chain.hash;
        replay->rotation_blocks = ledger_params(replay->ledger)->rotation_blocks;
    }
}

enum status replay_block(struct replay *replay, const struct stored_block *block,
                         struct bytes set_change)
{
    const struct validator_set before = replay->chain.set;
    struct chain_fault why = {.en = ""};
    struct ledger_block *made = NULL;
    uint64_t height = block->header.height;
    enum status status =
        block->recovery.size > 0
            ? chain_recovery(&replay->chain, &block->header, block->recovery, &why)
            : chain_next(&replay->chain, &block->header, block->certificate, set_change, &why);
    if (status != ST_OK) {
        return fault(replay, height, status, why.en, why.zh);
    }
    status = check_signatures(replay, block);
    if (status != ST_OK) {
        return status;
    }
    status = execute(replay, block, &made);
    if (status_class(status) == STATUS_CLASS_BAD || status_class(status) == STATUS_CLASS_RULE) {
        return fault(replay, height, ST_DIVERGED, "it breaks a rule that every block keeps",
                     "违反每个区块都须遵守的规则");
    }
    if (status == ST_OK && !hash32_equal(&made->hash, &block->hash)) {
        status = compare(replay, &block->header, &made->header);
        ledger_block_free(made);
        return status;
    }
    if (status == ST_OK) {
        status = ledger_apply(replay->ledger, made);
    }
    if (status == ST_OK) {
        note_era(replay, &before);
        replay->report->blocks++;
        replay->report->transactions += block->tx_count;
        replay->report->bytes += block->bytes.size;
    }
    return status;
}
