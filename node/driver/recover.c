/* Recoveries (R33): the block of one is made here, from the record that the operator gave this node or that a peer has
 * with its block, and handed to the core. Its signatures were checked with the keys of genesis. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

struct recover_task {
    struct task task;
    struct driver *driver;
    struct node_recovery *recovery; /* its own copy */
    struct hash32 wanted;           /* of the block, as a peer has it; zeros: any */
    struct candidate *candidate;
    uint32_t member;
    enum status status;
};

static void recover_run(struct task *task)
{
    struct recover_task *made = (struct recover_task *)task;
    struct ledger *ledger = made->driver->node->ledger;
    made->candidate->base = *ledger_tip(ledger);
    made->status =
        ledger_recover(ledger, &made->recovery->recovery, &made->candidate->block, &made->member);
    if (status_class(made->status) == STATUS_CLASS_FATAL) {
        node_fatal("a recovery could not be executed", made->status);
    }
}

static bool at_base(const struct driver *driver, const struct recovery *recovery)
{
    return driver->tip_height == recovery->height && driver->applied_height == recovery->height &&
           pbft_position(driver->core).height == recovery->height &&
           hash32_equal(&driver->tip_hash, &recovery->header_hash);
}

static void hand_over(struct driver *driver, struct recover_task *made)
{
    struct candidate *candidate = made->candidate;
    const struct ledger_block *block = candidate->block;
    struct pbft_params params = driver_core_params(&block->next_params);
    struct pbft_input input = {.type = PBFT_RECOVERED};
    candidate->header_hash = block->hash;
    candidate->told = true;
    candidate->next = driver->candidates;
    driver->candidates = candidate;
    made->candidate = NULL;
    log_event(LOG_WARN, "recovery",
              "block %llu is a recovery: %u of the recovery keys put %u validators in the place of "
              "those that were lost. Reason given: %s",
              (unsigned long long)block->header.height,
              (unsigned)made->recovery->recovery.signature_count, (unsigned)block->next_set.count,
              made->recovery->recovery.message->reason);
    input.recovered.header = &block->header;
    input.recovered.next_set = &block->next_set;
    input.recovered.params = &params;
    (void)driver_step(driver, &input);
}

static void recover_done(struct task *task)
{
    struct recover_task *made = (struct recover_task *)task;
    struct driver *driver = made->driver;
    static const struct hash32 zeros;
    driver->recovering = false;
    if (driver->stopping) {
        /* Taken at the next start. */
    } else if (made->status != ST_OK) {
        log_event(LOG_ERROR, "recovery",
                  "the recovery from block %llu cannot be taken: %s (member %u)",
                  (unsigned long long)made->recovery->recovery.height, status_en(made->status),
                  (unsigned)made->member);
    } else if (!hash32_equal(&made->wanted, &zeros) &&
               !hash32_equal(&made->wanted, &made->candidate->block->hash)) {
        log_event(LOG_WARN, "recovery", "a peer has a block that is not the one of its recovery");
    } else if (at_base(driver, &made->recovery->recovery)) {
        hand_over(driver, made);
    }
    candidate_free(made->candidate);
    recovery_free(made->recovery);
    free(made);
    driver_pump(driver);
}

static struct node_recovery *copy(const struct driver *driver, struct bytes bytes)
{
    char error[NODE_ERROR_SIZE];
    return recovery_read(&driver->node->genesis, bytes, error);
}

static void begin(struct driver *driver, struct bytes bytes, const struct hash32 *wanted)
{
    struct recover_task *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->recovery = copy(driver, bytes);
    if (made->recovery == NULL) {
        free(made);
        return;
    }
    made->candidate = calloc(1, sizeof *made->candidate);
    CHECK(made->candidate != NULL);
    made->candidate->recovery = malloc(bytes.size + 1);
    CHECK(made->candidate->recovery != NULL);
    memcpy(made->candidate->recovery, bytes.data, bytes.size);
    made->candidate->recovery_size = bytes.size;
    made->driver = driver;
    if (wanted != NULL) {
        made->wanted = *wanted;
    }
    made->task.run = recover_run;
    made->task.done = recover_done;
    driver->recovering = true;
    CHECK(worker_post(driver->node->executor, &driver->node->inbox, &made->task));
}

void driver_recover(struct driver *driver)
{
    const struct node_recovery *accepted = driver->node->recovery;
    if (accepted != NULL && !driver->recovering && !driver->stopping &&
        at_base(driver, &accepted->recovery)) {
        begin(driver, bytes_of(accepted->bytes, accepted->size), NULL);
    }
}

void driver_offer_recovery(struct driver *driver, const struct fetched_block *fetched)
{
    const struct node *node = driver->node;
    if (driver->recovering || driver->stopping) {
        return;
    }
    struct node_recovery *recovery = copy(driver, fetched->block.recovery);
    if (recovery == NULL || !at_base(driver, &recovery->recovery)) {
        recovery_free(recovery);
        return;
    }
    bool given = node->recovery != NULL &&
                 hash32_equal(&node->recovery->recovery.id, &recovery->recovery.id);
    if (given || validator_set_find(pbft_set(driver->core), signer_key(node->signer)) < 0) {
        begin(driver, fetched->block.recovery, &fetched->block.hash);
    } else if (driver->recovery_told != fetched->block.header.height) {
        /* R33: its operator consents, or it stays with the set that it is of. */
        driver->recovery_told = fetched->block.header.height;
        log_event(LOG_ERROR, "recovery_waiting",
                  "other nodes went on from block %llu by a recovery (reason given: %s). This "
                  "node's key is of the set that it replaces, so it takes it from its operator "
                  "alone: ask the other operators for the record, stop this node, then: xueliand "
                  "recover FILE --config FILE",
                  (unsigned long long)recovery->recovery.height,
                  recovery->recovery.message->reason);
    }
    recovery_free(recovery);
}
