/* 转换申请, 申诉, 撤回: what the learner, or who acts for him, does. */
#include "ledger/tx/conversion.h"
#include "proto/bytes.h"
#include "proto/check.h"
#include "proto/convert.h"

/* Fields of an application, taken over. */
static bool take_sources(struct conversion *conversion,
                         const Xuelian__ConversionApplication *application)
{
    uint64_t before = 0;
    if (application->n_sources < 1 || application->n_sources > LIMIT_CONVERSION_SOURCES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < application->n_sources; i++) {
        const Xuelian__SourceUse *from = application->sources[i];
        struct conversion_source *to = &conversion->sources[i];
        if (from->item <= before || from->used == 0) {
            return false;
        }
        before = from->item;
        to->item = from->item;
        to->used = from->used;
        CHECK(field_copy(&to->version_hash, 32, &from->version_hash)); /* by tx_item_form */
    }
    conversion->source_count = (uint32_t)application->n_sources;
    return true;
}

/* Somebody alone, who acts for the learner of an open account. */
static enum status check_holder(struct state *state, const struct block_context *context,
                                const struct tx *tx, const struct account *account, uint32_t *code)
{
    bool held;
    enum status status = account_held_by(state, context, account, &tx->signers[0], &held);
    if (status == ST_OK && !held) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

static enum status check_rule(struct state *state, const struct block_context *context,
                              const Xuelian__Rule *rule, uint32_t *code)
{
    bool may;
    if (rule == NULL || rule->kind != XUELIAN__RULE_KIND__RULE_KIND_CONVERSION) {
        *code = ST_UNKNOWN_RULE;
        return ST_OK;
    }
    if (!rule_in_force(rule, context->date)) {
        *code = ST_RULE_NOT_IN_FORCE;
        return ST_OK;
    }
    enum status status =
        member_may(state, rule->owner, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_CONVERT, &may);
    if (status == ST_OK && !may) {
        *code = ST_MEMBER_INACTIVE;
    }
    return status;
}

/* The versions named are the newest. */
static enum status check_versions(struct state *state, const struct account *account,
                                  const struct conversion *conversion, uint32_t *code)
{
    for (uint32_t i = 0; i < conversion->source_count && *code == ST_OK; i++) {
        struct item item;
        const ProtobufCBinaryData named = field_borrow(&conversion->sources[i].version_hash, 32);
        enum status status =
            item_read_version(state, account, conversion->sources[i].item,
                              XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, &named, &item, code);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

static enum status check_room(struct state *state, const struct account *account,
                              const Xuelian__Rule *rule, const struct conversion *conversion,
                              uint32_t *code)
{
    if (!account_has_room(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    if (rule->automatic) {
        return conversion_dependents_check(state, account, conversion, code);
    }
    if (account->applications >= LIMIT_APPLICATIONS_MAX) {
        *code = ST_APPLICATIONS_FULL;
    }
    return ST_OK;
}

/* What is not granted at once names its sources and nothing else. */
static void strip(struct conversion *conversion)
{
    conversion->decided_date = 0;
    conversion->credits = 0;
    conversion->rule_total = 0;
    conversion->programme_total = 0;
    for (uint32_t i = 0; i < conversion->source_count; i++) {
        conversion->sources[i].used_before = 0;
    }
}

static enum status add(struct state *state, const struct block_context *context,
                       const struct tx *tx, uint32_t index, struct account *account,
                       const Xuelian__Rule *rule, struct conversion *conversion)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    if (!rule->automatic) {
        strip(conversion);
        account->applications++;
        item_append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED,
                    conversion_encode(content, conversion));
        return ST_OK;
    }
    enum status status = conversion_granted_by(state, rule, 0, conversion);
    if (status != ST_OK) {
        return status;
    }
    uint64_t item = item_append(
        state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION,
        XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, conversion_encode(content, conversion));
    status = conversion_count(state, account, rule, conversion, true);
    return status == ST_OK ? conversion_dependents_add(state, account, conversion, item) : status;
}

enum status conversion_apply(struct state *state, const struct block_context *context,
                             const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ConversionApplication *application =
        (const Xuelian__ConversionApplication *)(const void *)tx->messages[index];
    const struct conversion_review fresh = {.standing = NULL};
    struct conversion conversion = {
        .rule = application->rule, .applied_date = context->date, .decided_date = context->date};
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *rule = NULL;
    struct account *account = NULL;
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    if (!take_sources(&conversion, application)) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    enum status status = account_open_for(state, &application->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_holder(state, context, tx, account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = rule_record(state, application->rule, memory, &rule);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_rule(state, context, rule, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_versions(state, account, &conversion, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status =
            conversion_evaluate(state, account, rule, context->date, &fresh, &conversion, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_room(state, account, rule, &conversion, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return add(state, context, tx, index, account, rule, &conversion);
}

/* An item of the account in the version named, when its holder signs alone. */
static enum status own_conversion(struct state *state, const struct block_context *context,
                                  const struct tx *tx, const Xuelian__ItemAct *act,
                                  struct account **account, struct item *item, uint32_t *code)
{
    if (tx->signer_count != 1) {
        *code = ST_NOT_ALLOWED;
        return ST_OK;
    }
    enum status status = account_open_for(state, &act->account, account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_holder(state, context, tx, *account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status =
            item_read_version(state, *account, act->item, XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION,
                              &act->version_hash, item, code);
    }
    return status;
}

enum status conversion_appeal(struct state *state, const struct block_context *context,
                              const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    struct conversion conversion;
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    enum status status = own_conversion(state, context, tx, act, &account, &item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REFUSED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = conversion_decode(&conversion, &item);
    if (status != ST_OK) {
        return status;
    }
    if (conversion.appeals >= LIMIT_CONVERSION_APPEALS_MAX) {
        *code = ST_APPEALS_SPENT;
        return ST_OK;
    }
    if (account->applications >= LIMIT_APPLICATIONS_MAX) {
        *code = ST_APPLICATIONS_FULL;
        return ST_OK;
    }
    conversion.appeals++;
    conversion.decided_date = 0;
    conversion.decided_by = 0;
    status = item_change_because(state, context, tx, index, account, &item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED,
                                 conversion_encode(content, &conversion), act->reason, code);
    account->applications += status == ST_OK && *code == ST_OK ? 1 : 0;
    return status;
}

enum status conversion_withdraw(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__ItemAct *act = (const Xuelian__ItemAct *)(const void *)tx->messages[index];
    struct account *account = NULL;
    struct item item;
    enum status status = own_conversion(state, context, tx, act, &account, &item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_APPLIED) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = item_change_because(state, context, tx, index, account, &item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED, (struct bytes){NULL, 0},
                                 act->reason, code);
    if (status == ST_OK && *code == ST_OK) {
        CHECK(account->applications > 0);
        account->applications--;
    }
    return status;
}
