/* 更正, 撤销, 暂停, 恢复: what an issuer does to an outcome of its own, and a recogniser to a recognition. What rests
 * on it is put under review in the same transaction. */
#include "ledger/state/statistics.h"
#include "ledger/tx/account_rules.h"
#include "ledger/tx/dependents.h"
#include "ledger/tx/outcome.h"
#include "ledger/tx/recognition.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

/* ---- 更正 ---- */

static uint32_t check_correction(const struct block_context *context, const struct tx *tx,
                                 const Xuelian__Correction *correction)
{
    const Xuelian__Outcome *outcome = correction->outcome;
    if (outcome == NULL || correction->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED ||
        !bytes_equal(field_bytes(&outcome->account), field_bytes(&correction->account))) {
        return ST_BAD_FIELD;
    }
    if (outcome->issuer != tx->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    uint32_t code = outcome_check_fields(context, outcome);
    return code == ST_OK ? outcome_check_signers(tx, outcome) : code;
}

/* What is corrected, and what it becomes. */
struct correcting {
    struct account *account;
    struct item item;
    struct outcome before;
    struct hash32 old_identity;
    struct hash32 identity;
    const Xuelian__Outcome *after;
    struct bytes content; /* canonical bytes of `after` */
    uint8_t bytes[ITEM_CONTENT_SIZE_MAX];
};

/* The item that is named, of the signer, not corrected into itself nor into another source. */
static enum status read_corrected(struct state *state, const struct tx *tx,
                                  const Xuelian__Correction *correction, struct correcting *work,
                                  uint32_t *code)
{
    bool stands = false;
    enum status status = item_read_version(state, work->account, correction->item,
                                           XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                                           &correction->version_hash, &work->item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!item_counts(&work->item)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = outcome_read(&work->item, &work->before);
    if (status == ST_OK) {
        status =
            member_stands_for(state, tx->signers[0].member, work->before.wire->issuer, &stands);
    }
    if (status != ST_OK) {
        return status;
    }
    work->content = bytes_of(work->bytes, canonical_encode(work->bytes, &work->after->base));
    if (!stands) {
        *code = ST_WRONG_ISSUER;
    } else if (work->after->source != work->before.wire->source ||
               bytes_equal(work->content, field_bytes(&work->item.version->content))) {
        *code = ST_BAD_FIELD;
    }
    return ST_OK;
}

static enum status check_corrected(struct state *state, struct correcting *work, uint32_t *code)
{
    enum status status = outcome_check_registries(state, work->after, work->before.wire, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    outcome_identity(&work->old_identity, work->before.wire);
    outcome_identity(&work->identity, work->after);
    if (!hash32_equal(&work->identity, &work->old_identity)) {
        status = outcome_check_identity(state, &work->identity, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return outcome_check_totals(state, work->account, work->after, work->before.wire, code);
}

enum status correct_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Correction *correction =
        (const Xuelian__Correction *)(const void *)tx->messages[index];
    struct correcting work = {.after = correction->outcome};
    *code = check_correction(context, tx, correction);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = account_known(state, &correction->account, &work.account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = read_corrected(state, tx, correction, &work, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_corrected(state, &work, code);
    }
    if (status == ST_OK && *code == ST_OK && tx->bulk) {
        status = dependents_none(state, work.account, correction->item, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_outcome(state, context, tx, index, work.account, &work.item,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_CORRECTED, work.after,
                                     correction->reason, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    outcome_free_identity(state, &work.old_identity);
    outcome_take_identity(state, &work.identity, work.account, correction->item);
    status = outcome_count(state, context, work.account, work.before.wire, false);
    if (status == ST_OK) {
        status = outcome_count(state, context, work.account, work.after, true);
    }
    return status == ST_OK
               ? dependents_review(state, context, tx, index, work.account, correction->item)
               : status;
}

/* ---- 撤销, 暂停, 恢复 ---- */

/* One member signs, and says why. */
static uint32_t check_act(const struct tx *tx, const Xuelian__ItemAct *act)
{
    if (!signed_by_members(tx, 1)) {
        return ST_NOT_ALLOWED;
    }
    return act->reason != XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED ? ST_OK : ST_BAD_FIELD;
}

static enum status check_issuer(struct state *state, const struct item *item, const struct tx *tx,
                                uint32_t *code)
{
    bool answers = false;
    enum status status = outcome_answered_by(state, item, tx->signers[0].member, &answers);
    if (status == ST_OK && !answers) {
        *code = ST_WRONG_ISSUER;
    }
    return status;
}

/* An outcome that counts stops counting; what it is from now on is its status. */
static enum status stop_counting(struct state *state, const struct block_context *context,
                                 struct account *account, const struct item *item,
                                 const Xuelian__Outcome *outcome)
{
    return item_counts(item) ? outcome_count(state, context, account, outcome, false) : ST_OK;
}

static enum status revoke_outcome(struct state *state, const struct block_context *context,
                                  const struct tx *tx, uint32_t index, struct account *account,
                                  const struct item *item, Xuelian__ItemReason reason,
                                  uint32_t *code)
{
    struct outcome outcome;
    struct hash32 identity;
    if (!item_counts(item) &&
        item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    enum status status = check_issuer(state, item, tx, code);
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_read(item, &outcome);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_because(state, context, tx, index, account, item,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED, (struct bytes){0},
                                     reason, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    outcome_identity(&identity, outcome.wire);
    outcome_free_identity(state, &identity);
    status = stop_counting(state, context, account, item, outcome.wire);
    if (status == ST_OK) {
        status = statistics_revoked(state, outcome.wire);
    }
    return status == ST_OK
               ? dependents_review(state, context, tx, index, account, item->version->item)
               : status;
}

enum status revoke_apply(struct state *state, const struct block_context *context,
                         const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    *code = check_act(tx, act);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = account_known(state, &act->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = item_read(state, account, act->item, &item, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    bool recognition = item.version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION;
    if (!recognition && item.version->kind != XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
        *code = ST_UNKNOWN_ITEM;
    } else {
        *code = item_check_version(&item, &act->version_hash);
    }
    if (*code == ST_OK && tx->bulk) {
        status = dependents_none(state, account, act->item, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return recognition
               ? recognition_revoke(state, context, tx, index, account, &item, act->reason, code)
               : revoke_outcome(state, context, tx, index, account, &item, act->reason, code);
}

/* The outcome of an account that is not merged; the status it must have is the caller's to check. */
static enum status read_outcome(struct state *state, const Xuelian__ItemAct *act,
                                struct account **account, struct item *item, uint32_t *code)
{
    enum status status = account_known(state, &act->account, account, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if ((*account)->status == XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED) {
        *code = ST_ACCOUNT_CLOSED;
        return ST_OK;
    }
    return item_read_version(state, *account, act->item, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME,
                             &act->version_hash, item, code);
}

enum status suspend_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    struct outcome outcome;
    *code = check_act(tx, act);
    enum status status = *code == ST_OK ? read_outcome(state, act, &account, &item, code) : ST_OK;
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!item_counts(&item)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = check_issuer(state, &item, tx, code);
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_read(&item, &outcome);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_because(state, context, tx, 0, account, &item,
                                     XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED, (struct bytes){0},
                                     act->reason, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_count(state, context, account, outcome.wire, false);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = dependents_review(state, context, tx, 0, account, act->item);
    }
    return status;
}

/* The status that an outcome had before it was suspended. The version before the newest may be a suspended one too: a
 * dispute that is opened or ended meanwhile makes one, LIMIT_DISPUTED_VERSIONS_MAX at most. */
static enum status status_before(struct state *state, const struct account *account,
                                 const struct item *suspended, Xuelian__ItemStatus *before)
{
    uint32_t number = suspended->version->number;
    enum status status = ST_OK;
    *before = XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED;
    while (status == ST_OK && *before == XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED) {
        struct item older;
        status = item_read_older(state, account, suspended->version->item, --number, &older);
        if (status == ST_OK) {
            *before = older.version->status;
        }
    }
    return status;
}

/* It is what it was before it was suspended: valid, or corrected. */
enum status restore_apply(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    struct outcome outcome;
    Xuelian__ItemStatus before = XUELIAN__ITEM_STATUS__ITEM_STATUS_UNSPECIFIED;
    *code = check_act(tx, act);
    enum status status = *code == ST_OK ? read_outcome(state, act, &account, &item, code) : ST_OK;
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_SUSPENDED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = check_issuer(state, &item, tx, code);
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_read(&item, &outcome);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_check_totals(state, account, outcome.wire, NULL, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = status_before(state, account, &item, &before);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change_because(state, context, tx, 0, account, &item, before,
                                     (struct bytes){0}, act->reason, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = outcome_count(state, context, account, outcome.wire, true);
    }
    return status;
}
