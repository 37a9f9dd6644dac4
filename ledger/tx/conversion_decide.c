/* 转换审核, 复核: the receiving institution grants or refuses, and decides again about what was granted. */
#include "ledger/tx/conversion.h"
#include "proto/bytes.h"
#include "proto/check.h"

/* What a decision is about, read and looked at. */
struct subject {
    struct account *account;
    struct item item;
    struct conversion conversion;
    const Xuelian__Rule *rule;
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
};

static bool form_fits(const Xuelian__ConversionDecision *decision)
{
    return decision->granted == (decision->reason == XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED);
}

/* The item in the version named, its rule, and that the signer answers for the rule, or for appeals under it. */
static enum status read_subject(struct state *state, const struct tx *tx,
                                const Xuelian__ConversionDecision *decision,
                                struct subject *subject, uint32_t *code)
{
    bool stands = false;
    enum status status = item_read_version(state, subject->account, decision->item,
                                           XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION,
                                           &decision->version_hash, &subject->item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = conversion_decode(&subject->conversion, &subject->item);
    if (status == ST_OK) {
        status = rule_record(state, subject->conversion.rule, subject->memory, &subject->rule);
    }
    if (status == ST_OK && subject->rule == NULL) {
        status = ST_CORRUPT; /* rules are never removed */
    }
    if (status != ST_OK) {
        return status;
    }
    bool appealed = subject->item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED &&
                    subject->conversion.appeals > 0 && subject->rule->appeal_to != 0;
    status = member_stands_for(state, tx->signers[0].member,
                               appealed ? subject->rule->appeal_to : subject->rule->owner, &stands);
    if (status == ST_OK && !stands) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

static enum status change(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index,
                          const Xuelian__ConversionDecision *decision, struct subject *subject,
                          Xuelian__ItemStatus to, uint32_t *code)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    return item_change_because(state, context, tx, index, subject->account, &subject->item, to,
                               conversion_encode(content, &subject->conversion), decision->reason,
                               code);
}

static enum status grant(struct state *state, const struct block_context *context,
                         const struct tx *tx, uint32_t index,
                         const Xuelian__ConversionDecision *decision, struct subject *subject,
                         uint32_t *code)
{
    const struct conversion_review fresh = {.standing = NULL};
    struct conversion *conversion = &subject->conversion;
    enum status status = conversion_evaluate(state, subject->account, subject->rule, context->date,
                                             &fresh, conversion, code);
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_dependents_check(state, subject->account, conversion, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_granted_by(state, subject->rule, tx->signers[0].member, conversion);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = change(state, context, tx, index, decision, subject,
                        XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_count(state, subject->account, subject->rule, conversion, true);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_dependents_add(state, subject->account, conversion, decision->item);
    }
    return status;
}

enum status conversion_decide(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ConversionDecision *decision =
        (const Xuelian__ConversionDecision *)(const void *)tx->messages[index];
    struct subject subject = {.rule = NULL};
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!form_fits(decision)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &decision->account, &subject.account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = read_subject(state, tx, decision, &subject, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (subject.item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    subject.conversion.decided_date = context->date;
    subject.conversion.decided_by = tx->signers[0].member;
    status = decision->granted ? grant(state, context, tx, index, decision, &subject, code)
                               : change(state, context, tx, index, decision, &subject,
                                        XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED, code);
    if (status == ST_OK && *code == ST_OK) {
        CHECK(subject.account->applications > 0);
        subject.account->applications--;
    }
    return status;
}

/* Decides again under the rule as it was, on what is left of the sources. */
static enum status uphold(struct state *state, const struct block_context *context,
                          const struct tx *tx, uint32_t index,
                          const Xuelian__ConversionDecision *decision, struct subject *subject,
                          uint32_t *code)
{
    const struct conversion standing = subject->conversion;
    const struct conversion_review review = {.standing = &standing, .leave_out = true};
    enum status status =
        conversion_evaluate(state, subject->account, subject->rule, standing.decided_date, &review,
                            &subject->conversion, code);
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_granted_by(state, subject->rule, tx->signers[0].member,
                                       &subject->conversion);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = change(state, context, tx, index, decision, subject,
                        XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_count(state, subject->account, subject->rule, &standing, false);
    }
    if (status == ST_OK && *code == ST_OK) {
        status =
            conversion_count(state, subject->account, subject->rule, &subject->conversion, true);
    }
    return status;
}

enum status conversion_review(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ConversionDecision *decision =
        (const Xuelian__ConversionDecision *)(const void *)tx->messages[index];
    struct subject subject = {.rule = NULL};
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!form_fits(decision)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    /* What was granted can be revoked in any account, also in one that is merged or closed. */
    enum status status = decision->granted
                             ? account_open_for(state, &decision->account, &subject.account, code)
                             : account_known(state, &decision->account, &subject.account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = read_subject(state, tx, decision, &subject, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    bool reviewed = subject.item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW;
    if (decision->granted ? !reviewed : !reviewed && !item_counts(&subject.item)) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    if (decision->granted) {
        return uphold(state, context, tx, index, decision, &subject, code);
    }
    status = change(state, context, tx, index, decision, &subject,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED, code);
    if (status == ST_OK && *code == ST_OK) {
        status = conversion_count(state, subject.account, subject.rule, &subject.conversion, false);
    }
    return status;
}
