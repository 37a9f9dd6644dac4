/* 异议: a learner disputes a record of his archive; the member that made it answers; the credit bank settles, or the
 * learner withdraws. While it is open the disputed item's newest version names the dispute. */
#include <string.h>

#include "ledger/tx/consent_rules.h"
#include "ledger/tx/conversion.h"
#include "ledger/tx/item_list.h"
#include "ledger/tx/points.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_consent.pb-c.h"

enum { CONTENT_WORDS = 256 };

static struct state_key list_key(const struct account *account)
{
    struct state_key key = key_of('X');
    key_add8(&key, 'd');
    key_add64(&key, account->position);
    return key;
}

static bool over(const struct item *item, uint32_t date)
{
    (void)date;
    return item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED;
}

static size_t pack(uint8_t out[ITEM_CONTENT_SIZE_MAX], const Xuelian__Dispute *dispute)
{
    CHECK(canonical_size(&dispute->base) <= ITEM_CONTENT_SIZE_MAX);
    return canonical_encode(out, &dispute->base);
}

/* The member whose rule it is. */
static enum status owner_of(struct state *state, uint32_t id, uint32_t *member)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__Rule *rule = NULL;
    enum status status = rule_record(state, id, memory, &rule);
    if (status == ST_OK && rule != NULL) {
        *member = rule->owner;
    }
    return status;
}

/* Of points earned the owner of their rule, of a redemption the provider of the entry; points moved in from another
 * account are nobody's record here. */
static enum status answers_for_points(struct state *state, const struct item *item,
                                      uint32_t *member)
{
    uint64_t memory[RECORD_MEMORY_SIZE / 8];
    const Xuelian__CatalogueEntry *entry = NULL;
    struct points_entry points;
    enum status status = points_decode(&points, item);
    if (status == ST_OK && points.type == XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL) {
        return owner_of(state, points.rule, member);
    }
    if (status == ST_OK && points.type == XUELIAN__POINTS_TYPE__POINTS_TYPE_REDEMPTION) {
        status = catalogue_record(state, points.entry, memory, &entry);
    }
    if (entry != NULL) {
        *member = entry->provider;
    }
    return status;
}

/* The member that made a record; 0 for kinds of items that cannot be disputed. */
static enum status respondent_of(struct state *state, const struct item *item, uint32_t *member)
{
    uint64_t memory[CONTENT_WORDS];
    struct arena arena;
    ProtobufCMessage *content = NULL;
    enum status status = ST_OK;
    arena_init(&arena, memory, sizeof memory);
    *member = 0;
    if (item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
        status = item_content(item, &xuelian__outcome__descriptor, &arena, &content);
        if (status == ST_OK) {
            *member = ((const Xuelian__Outcome *)(const void *)content)->issuer;
        }
    } else if (item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION) {
        status = item_content(item, &xuelian__recognition__descriptor, &arena, &content);
        if (status == ST_OK) {
            *member = ((const Xuelian__Recognition *)(const void *)content)->recogniser;
        }
    } else if (item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION) {
        struct conversion conversion;
        status = conversion_decode(&conversion, item);
        if (status == ST_OK) {
            status = owner_of(state, conversion.rule, member);
        }
    } else if (item->version->kind == XUELIAN__ITEM_KIND__ITEM_KIND_POINTS) {
        status = answers_for_points(state, item, member);
    }
    return status;
}

/* The item disputed, and who answers for it. */
static enum status check_disputed(struct state *state, const struct account *account,
                                  const Xuelian__DisputeOpening *opening, struct item *item,
                                  uint32_t *respondent, uint32_t *code)
{
    enum status status = item_read(state, account, opening->item, item, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    status = respondent_of(state, item, respondent);
    if (status != ST_OK) {
        return status;
    }
    if (*respondent == 0) {
        *code = ST_UNKNOWN_ITEM;
    } else if (memcmp(item->hash.bytes, opening->version_hash.data, 32) != 0) {
        *code = ST_WRONG_VERSION;
    } else if (item->version->dispute != 0) {
        *code = ST_DISPUTED;
    }
    return ST_OK;
}

enum status dispute_open_apply(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__DisputeOpening *opening =
        (const Xuelian__DisputeOpening *)(const void *)tx->messages[index];
    Xuelian__Dispute dispute = XUELIAN__DISPUTE__INIT;
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct account *account;
    struct item item;
    struct item_list list;
    enum status status = account_open_for(state, &opening->account, &account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = check_holder(state, context, tx, account, code);
    }
    if (status == ST_OK && *code == ST_OK &&
        opening->reason == XUELIAN__DISPUTE_REASON__DISPUTE_REASON_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
    }
    if (status == ST_OK && *code == ST_OK) {
        status = check_disputed(state, account, opening, &item, &dispute.respondent, code);
    }
    if (status == ST_OK && *code == ST_OK && !account_has_reserve(account)) {
        *code = ST_ACCOUNT_FULL;
    }
    struct state_key key = key_of('X');
    if (status == ST_OK && *code == ST_OK) {
        key = list_key(account);
        status = item_list_with_room(state, account, &key, LIMIT_DISPUTES_MAX, over, context->date,
                                     &list);
        *code = status == ST_OK && list.count == LIMIT_DISPUTES_MAX ? ST_DISPUTES_FULL : ST_OK;
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    /* The mark first: it is refused when the item has no version left. */
    status = item_mark_disputed(state, context, tx, index, account, &item, account->items.size + 1,
                                code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    dispute.item = opening->item;
    dispute.item_version = opening->version_hash;
    dispute.reason = opening->reason;
    dispute.statement_hash = opening->statement_hash;
    size_t size = pack(content, &dispute);
    item_list_add(state, &list,
                  item_append(state, context, tx, index, account,
                              XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE,
                              XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID, bytes_of(content, size)));
    return ST_OK;
}

/* ---- Answers and ends ---- */

/* A dispute and its content, and the rules that answers and ends share. */
struct open_dispute {
    struct account *account;
    struct item item;
    Xuelian__Dispute content; /* byte fields in memory */
    uint64_t memory[CONTENT_WORDS];
};

static enum status read_dispute(struct state *state, const Xuelian__DisputeAnswer *answer,
                                struct open_dispute *open, uint32_t *code)
{
    struct arena arena;
    ProtobufCMessage *content = NULL;
    enum status status = account_known(state, &answer->account, &open->account, code);
    if (status == ST_OK && *code == ST_OK) {
        status = item_read_version(state, open->account, answer->item,
                                   XUELIAN__ITEM_KIND__ITEM_KIND_DISPUTE, &answer->version_hash,
                                   &open->item, code);
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    arena_init(&arena, open->memory, sizeof open->memory);
    status = item_content(&open->item, &xuelian__dispute__descriptor, &arena, &content);
    if (status == ST_OK) {
        open->content = *(const Xuelian__Dispute *)(const void *)content;
    }
    return status;
}

/* Writes the new version; at the end the mark on the disputed item goes. */
static enum status write_dispute(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, struct open_dispute *open,
                                 uint32_t *code)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    struct item disputed;
    struct item_list list;
    bool ends = open->content.result != XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_UNSPECIFIED;
    size_t size = pack(content, &open->content);
    enum status status = ST_OK;
    if (ends) {
        struct state_key key = list_key(open->account);
        status = item_list_read(state, &key, &list);
        if (status == ST_OK) {
            status = item_read(state, open->account, open->content.item, &disputed, code);
        }
        CHECK(*code == ST_OK); /* items are never deleted */
        if (status == ST_OK) {
            status =
                item_mark_disputed(state, context, tx, index, open->account, &disputed, 0, code);
        }
    }
    if (status == ST_OK && *code == ST_OK) {
        status = item_change(state, context, tx, index, open->account, &open->item,
                             ends ? XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED
                                  : XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW,
                             bytes_of(content, size), code);
    }
    if (status == ST_OK && *code == ST_OK && ends) {
        item_list_drop(state, &list, open->item.version->item);
    }
    return status;
}

/* The respondent: what it upholds is settled, what it rejects waits for the credit bank or the learner. */
enum status dispute_answer_apply(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__DisputeAnswer *answer =
        (const Xuelian__DisputeAnswer *)(const void *)tx->messages[index];
    struct open_dispute open;
    bool stands = false;
    enum status status = read_dispute(state, answer, &open, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (tx->signer_count == 1 && tx->signers[0].role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        status = member_stands_for(state, tx->signers[0].member, open.content.respondent, &stands);
    }
    if (status != ST_OK) {
        return status;
    }
    bool upheld = answer->result == XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_UPHELD;
    if (!stands) {
        *code = ST_NOT_ALLOWED;
    } else if (!upheld && answer->result != XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_REJECTED) {
        *code = ST_BAD_FIELD;
    } else if (open.item.version->status != XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID) {
        *code = ST_WRONG_STATE;
    }
    if (*code != ST_OK) {
        return ST_OK;
    }
    open.content.answer = answer->result;
    open.content.answer_hash = answer->statement_hash;
    if (upheld) {
        open.content.result = answer->result;
    }
    return write_dispute(state, context, tx, index, &open, code);
}

/* An arbiter: a credit bank or education department that governs. */
static enum status may_settle(struct state *state, const struct tx *tx, bool *may)
{
    const struct member_view *member;
    *may = false;
    if (tx->signer_count != 1 || tx->signers[0].role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        return ST_OK;
    }
    enum status status =
        member_may(state, tx->signers[0].member, XUELIAN__MEMBER_ROLE__MEMBER_ROLE_GOVERN, may);
    if (status == ST_OK && *may) {
        status = state_member(state, tx->signers[0].member, &member);
        *may = status == ST_OK &&
               (member->kind == XUELIAN__MEMBER_KIND__MEMBER_KIND_CREDIT_BANK ||
                member->kind == XUELIAN__MEMBER_KIND__MEMBER_KIND_EDUCATION_DEPARTMENT);
    }
    return status;
}

enum status dispute_settle_apply(struct state *state, const struct block_context *context,
                                 const struct tx *tx, uint32_t index, uint32_t *code)
{
    const Xuelian__DisputeAnswer *end =
        (const Xuelian__DisputeAnswer *)(const void *)tx->messages[index];
    struct open_dispute open;
    bool may = false;
    enum status status = read_dispute(state, end, &open, code);
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (end->result == XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_WITHDRAWN) {
        status = check_holder(state, context, tx, open.account, code);
    } else {
        status = may_settle(state, tx, &may);
        *code = status == ST_OK && !may ? ST_NOT_ALLOWED : ST_OK;
    }
    if (status != ST_OK || *code != ST_OK) {
        return status;
    }
    if (end->result == XUELIAN__DISPUTE_RESULT__DISPUTE_RESULT_UNSPECIFIED) {
        *code = ST_BAD_FIELD;
    } else if (open.item.version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_ENDED) {
        *code = ST_WRONG_STATE;
    }
    if (*code != ST_OK) {
        return ST_OK;
    }
    open.content.result = end->result;
    open.content.result_hash = end->statement_hash;
    return write_dispute(state, context, tx, index, &open, code);
}
