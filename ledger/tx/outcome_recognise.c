/* 认定: a member with the role accepts an outcome under the framework, at a level, with credits. It rests on one
 * version of the outcome; when that is corrected, suspended or revoked it is under review (复核). */
#include "ledger/state/keys.h"
#include "ledger/tx/dependents.h"
#include "ledger/tx/outcome.h"
#include "ledger/tx/recognition.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"

/* ---- One recognition of an outcome by a member that is not revoked ---- */

static struct state_key known_key(const struct account *account, uint64_t outcome, uint32_t member)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'k');
    key_add64(&key, account->position);
    key_add64(&key, outcome);
    key_add32(&key, member);
    return key;
}

static void set_known(struct state *state, const struct account *account, uint64_t outcome,
                      uint32_t member, uint64_t item)
{
    struct state_key key = known_key(account, outcome, member);
    uint8_t value[8];
    be64_put(value, item); /* 0: revoked */
    overlay_put(state_overlay(state), key_bytes(&key), bytes_of(value, sizeof value));
}

/* *code: OK, or DUPLICATE. */
static enum status check_known(struct state *state, const struct account *account,
                               const Xuelian__Recognition *recognition, uint32_t *code)
{
    struct state_key key = known_key(account, recognition->outcome, recognition->recogniser);
    struct bytes value;
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &value);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (value.size != 8) {
        return ST_CORRUPT;
    }
    if (be64_get(value.data) != 0) {
        *code = ST_DUPLICATE;
    }
    return ST_OK;
}

/* A recognition read from its item. */
struct recognition {
    const Xuelian__Recognition *wire;
    uint64_t memory[64];
};

static enum status recognition_read(const struct item *item, struct recognition *recognition)
{
    struct arena arena;
    ProtobufCMessage *content = NULL;
    arena_init(&arena, recognition->memory, sizeof recognition->memory);
    enum status status = item_content(item, &xuelian__recognition__descriptor, &arena, &content);
    recognition->wire = (const Xuelian__Recognition *)(const void *)content;
    return status;
}

/* ---- Rules of its content ---- */

static uint32_t check_fields(const struct block_context *context, const struct tx *tx,
                             const Xuelian__Recognition *recognition)
{
    if (tx->signer_count != 1) {
        return ST_NOT_ALLOWED;
    }
    if (recognition->recogniser != tx->signers[0].member) {
        return ST_WRONG_ISSUER;
    }
    if (recognition->level == 0 || recognition->level > OUTCOME_LEVEL_MAX) {
        return ST_BAD_FIELD;
    }
    if (recognition->expiry_date != 0 &&
        (!date_valid(recognition->expiry_date) || recognition->expiry_date < context->date)) {
        return ST_BAD_DATE;
    }
    return recognition->credits > OUTCOME_CREDITS_MAX ? ST_BAD_AMOUNT : ST_OK;
}

static enum status check_framework(struct state *state, const Xuelian__Recognition *recognition,
                                   uint32_t *code)
{
    uint8_t key[4];
    struct bytes value;
    if (recognition->framework == 0) {
        return ST_OK;
    }
    be32_put(key, recognition->framework);
    enum status status =
        state_get(state, XUELIAN__COLLECTION__COLLECTION_FRAMEWORK, bytes_of(key, 4), &value);
    if (status == ST_NOT_FOUND) {
        *code = ST_UNKNOWN_FRAMEWORK;
        return ST_OK;
    }
    return status;
}

static enum status check_outcome(struct state *state, const struct block_context *context,
                                 const struct account *account,
                                 const Xuelian__Recognition *recognition, uint32_t *code)
{
    struct item item;
    struct outcome outcome;
    enum status status = outcome_source(state, context, account, recognition->outcome,
                                        &recognition->outcome_version, &item, &outcome, code);
    /* What a platform issued is for another to recognise (经过高校认定). */
    if (status == ST_OK && *code == ST_OK &&
        outcome.wire->source == XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_PLATFORM &&
        outcome.wire->issuer == recognition->recogniser) {
        *code = ST_NOT_ALLOWED;
    }
    return status;
}

enum status recognise_apply(struct state *state, const struct block_context *context,
                            const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__Recognition *recognition =
        (const Xuelian__Recognition *)(const void *)tx->messages[index];
    struct account *account = NULL;
    *code = check_fields(context, tx, recognition);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = check_framework(state, recognition, code);
    if (status == ST_OK && *code == ST_OK) {
        status = account_open_for(state, &recognition->account, &account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_outcome(state, context, account, recognition, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_known(state, account, recognition, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = dependents_check(state, account, recognition->outcome, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (!account_has_room(account)) {
        *code = ST_ACCOUNT_FULL;
        return ST_OK;
    }
    uint64_t item =
        item_append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION,
                    XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, tx->items[index]);
    set_known(state, account, recognition->outcome, recognition->recogniser, item);
    return dependents_add(state, account, recognition->outcome, item);
}

/* ---- 复核 ---- */

/* The recognition that is named is under review, the signer's, and of the same outcome. */
static enum status read_reviewed(struct state *state, const struct account *account,
                                 const Xuelian__RecognitionReview *review, struct item *item,
                                 struct recognition *before, uint32_t *code)
{
    bool stands = false;
    enum status status =
        item_read_version(state, account, review->item, XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION,
                          &review->version_hash, item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    status = recognition_read(item, before);
    if (status == ST_OK) {
        status = member_stands_for(state, review->recognition->recogniser, before->wire->recogniser,
                                   &stands);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!stands) {
        *code = ST_WRONG_ISSUER;
    } else if (review->recognition->outcome != before->wire->outcome) {
        *code = ST_BAD_FIELD;
    }
    return ST_OK;
}

/* In any account that is not merged. */
static enum status check_account(struct state *state, const ProtobufCBinaryData *learner,
                                 struct account **account, uint32_t *code)
{
    enum status status = account_known(state, learner, account, code);
    if (status == ST_OK && *code == ST_OK &&
        (*account)->status == XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_MERGED) {
        *code = ST_ACCOUNT_CLOSED;
    }
    return status;
}

static enum status uphold(struct state *state, const struct block_context *context,
                          const struct tx *tx, struct account *account, const struct item *item,
                          const Xuelian__Recognition *before, const Xuelian__Recognition *after,
                          uint32_t *code)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    enum status status =
        item_change(state, context, tx, 0, account, item, XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID,
                    bytes_of(content, canonical_encode(content, &after->base)), code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    set_known(state, account, before->outcome, before->recogniser, 0);
    set_known(state, account, after->outcome, after->recogniser, item->version->item);
    return dependents_review(state, context, tx, 0, account, item->version->item);
}

enum status recognise_review_apply(struct state *state, const struct block_context *context,
                                   const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__RecognitionReview *review =
        (const Xuelian__RecognitionReview *)(const void *)tx->messages[index];
    const Xuelian__Recognition *after = review->recognition;
    struct account *account = NULL;
    struct item item;
    struct recognition before;
    if (after == NULL ||
        !bytes_equal(field_bytes(&after->account), field_bytes(&review->account))) {
        *code = ST_BAD_FIELD;
        return ST_OK;
    }
    *code = check_fields(context, tx, after);
    if (*code != ST_OK) {
        return ST_OK;
    }
    enum status status = check_framework(state, after, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_account(state, &review->account, &account, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = read_reviewed(state, account, review, &item, &before, code);
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_outcome(state, context, account, after, code);
    }
    if (status == ST_OK && *code == ST_OK && after->recogniser != before.wire->recogniser) {
        status = check_known(state, account, after, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    return uphold(state, context, tx, account, &item, before.wire, after, code);
}

enum status recognition_revoke(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct account *account,
                               const struct item *item, Xuelian__ItemReason reason, uint32_t *code)
{
    struct recognition recognition;
    bool stands = false;
    if (item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID &&
        item->version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW) {
        *code = ST_WRONG_STATE;
        return ST_OK;
    }
    enum status status = recognition_read(item, &recognition);
    if (status == ST_OK) {
        status =
            member_stands_for(state, tx->signers[0].member, recognition.wire->recogniser, &stands);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!stands) {
        *code = ST_WRONG_ISSUER;
        return ST_OK;
    }
    status = item_change_because(state, context, tx, index, account, item,
                                 XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED, (struct bytes){0},
                                 reason, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    set_known(state, account, recognition.wire->outcome, recognition.wire->recogniser, 0);
    return dependents_review(state, context, tx, index, account, item->version->item);
}
