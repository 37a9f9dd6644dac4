/* Items as the rules read, add and change them: every change is a version that names the one before. */
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/rules.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/hash.h"

static enum status decode(struct item *item, struct bytes bytes)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, item->memory, sizeof item->memory);
    if (canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    hash_tagged(&item->hash, TAG_VERSION, bytes.data, bytes.size);
    item->version = (const Xuelian__ItemVersion *)(const void *)message;
    return ST_OK;
}

enum status item_read(struct state *state, const struct account *account, uint64_t number,
                      struct item *item, uint32_t *code)
{
    struct bytes bytes;
    enum status status = items_get(state_overlay(state), account, number, &bytes);
    if (status == ST_NOT_FOUND) {
        *code = ST_UNKNOWN_ITEM;
        return ST_OK;
    }
    return status == ST_OK ? decode(item, bytes) : status;
}

enum status item_read_older(struct state *state, const struct account *account, uint64_t number,
                            uint32_t version, struct item *item)
{
    struct state_key key = key_of('O');
    struct bytes bytes;
    key_add64(&key, account->position);
    key_add64(&key, number);
    key_add32(&key, version);
    enum status status = overlay_get(state_overlay(state), key_bytes(&key), &bytes);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    return decode(item, bytes);
}

enum status item_read_known(struct state *state, const struct account *account, uint64_t number,
                            struct item *item)
{
    uint32_t code = ST_OK;
    enum status status = item_read(state, account, number, item, &code);
    return status == ST_OK && code != ST_OK ? ST_CORRUPT : status;
}

enum status item_read_kind(struct state *state, const struct account *account, uint64_t number,
                           Xuelian__ItemKind kind, struct item *item, uint32_t *code)
{
    enum status status = item_read(state, account, number, item, code);
    if (status == ST_OK && *code == ST_OK && item->version->kind != kind) {
        *code = ST_UNKNOWN_ITEM;
    }
    return status;
}

enum status item_read_version(struct state *state, const struct account *account, uint64_t number,
                              Xuelian__ItemKind kind, const ProtobufCBinaryData *version_hash,
                              struct item *item, uint32_t *code)
{
    enum status status = item_read_kind(state, account, number, kind, item, code);
    if (status == ST_OK && *code == ST_OK) {
        *code = item_check_version(item, version_hash);
    }
    return status;
}

uint32_t item_check_version(const struct item *item, const ProtobufCBinaryData *version_hash)
{
    return bytes_equal(bytes_of(&item->hash, 32), field_bytes(version_hash)) ? ST_OK
                                                                             : ST_WRONG_VERSION;
}

bool item_counts(const struct item *item)
{
    return item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID ||
           item->version->status == XUELIAN__ITEM_STATUS__ITEM_STATUS_CORRECTED;
}

enum status item_content(const struct item *item, const ProtobufCMessageDescriptor *schema,
                         struct arena *arena, ProtobufCMessage **content)
{
    return canonical_decode(content, schema, field_bytes(&item->version->content), arena) == ST_OK
               ? ST_OK
               : ST_CORRUPT;
}

bool account_has_room(const struct account *account)
{
    return account->items.size < LIMIT_ACCOUNT_ITEMS_MAX - LIMIT_ACCOUNT_RESERVE;
}

bool account_has_reserve(const struct account *account)
{
    return account->items.size < LIMIT_ACCOUNT_ITEMS_MAX;
}

/* What a version says of where it comes from. */
static void fill(Xuelian__ItemVersion *version, const struct block_context *context,
                 const struct tx *tx, uint32_t index, const struct account *account)
{
    xuelian__item_version__init(version);
    version->account = field_borrow(&account->learner, 32);
    version->height = context->height;
    version->tx_id = field_borrow(&tx->id, 32);
    version->outcome_index = tx->bulk ? index : 0;
}

static uint64_t append(struct state *state, const struct block_context *context,
                       const struct tx *tx, uint32_t index, struct account *account,
                       Xuelian__ItemKind kind, Xuelian__ItemStatus status, struct bytes content,
                       bool details)
{
    uint8_t bytes[ITEM_VERSION_SIZE_MAX];
    Xuelian__ItemVersion version;
    CHECK(account_has_reserve(account) && content.size <= ITEM_CONTENT_SIZE_MAX);
    fill(&version, context, tx, index, account);
    version.item = account->items.size + 1;
    version.number = 1;
    version.kind = kind;
    version.status = status;
    version.content = field_borrow(content.data, content.size);
    version.details = details ? XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD
                              : XUELIAN__DETAILS_STATE__DETAILS_STATE_UNSPECIFIED;
    return items_append(state_overlay(state), account,
                        bytes_of(bytes, canonical_encode(bytes, &version.base)));
}

uint64_t item_append(struct state *state, const struct block_context *context, const struct tx *tx,
                     uint32_t index, struct account *account, Xuelian__ItemKind kind,
                     Xuelian__ItemStatus status, struct bytes content)
{
    return append(state, context, tx, index, account, kind, status, content, false);
}

uint64_t item_append_outcome(struct state *state, const struct block_context *context,
                             const struct tx *tx, uint32_t index, struct account *account,
                             Xuelian__ItemStatus status, const Xuelian__Outcome *outcome,
                             struct bytes content)
{
    return append(state, context, tx, index, account, XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, status,
                  content, outcome->details_root.len > 0);
}

enum status item_change(struct state *state, const struct block_context *context,
                        const struct tx *tx, uint32_t index, struct account *account,
                        const struct item *item, Xuelian__ItemStatus status, struct bytes content,
                        uint32_t *code)
{
    return item_change_because(state, context, tx, index, account, item, status, content,
                               XUELIAN__ITEM_REASON__ITEM_REASON_UNSPECIFIED, code);
}

/* Neither can a source be kept from its revocation by what rests on it, nor an item from its own: an item at its
 * last version can be put under review once, since it never gets valid again, and revoked once. */
static bool past_the_last(Xuelian__ItemStatus status)
{
    return status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVIEW ||
           status == XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED;
}

/* What follows an item: all as it was, until the caller says otherwise. */
static void follow(Xuelian__ItemVersion *version, const struct block_context *context,
                   const struct tx *tx, uint32_t index, const struct account *account,
                   const struct item *item)
{
    fill(version, context, tx, index, account);
    version->item = item->version->item;
    version->number = item->version->number + 1;
    version->previous_hash = field_borrow(&item->hash, 32);
    version->kind = item->version->kind;
    version->status = item->version->status;
    version->content = item->version->content;
    version->dispute = item->version->dispute;
    version->details = item->version->details;
}

static enum status put_version(struct state *state, struct account *account,
                               const struct item *item, const Xuelian__ItemVersion *version)
{
    uint8_t bytes[ITEM_VERSION_SIZE_MAX];
    return items_change(state_overlay(state), account, version->item, item->version->number,
                        bytes_of(bytes, canonical_encode(bytes, &version->base)));
}

enum status item_change_because(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item, Xuelian__ItemStatus status,
                                struct bytes content, Xuelian__ItemReason reason, uint32_t *code)
{
    Xuelian__ItemVersion version;
    CHECK(content.size <= ITEM_CONTENT_SIZE_MAX);
    if (item->version->number >= LIMIT_ITEM_VERSIONS_MAX && !past_the_last(status)) {
        *code = ST_VERSIONS_FULL;
        return ST_OK;
    }
    follow(&version, context, tx, index, account, item);
    version.status = status;
    if (content.data != NULL) {
        version.content = field_borrow(content.data, content.size);
    }
    version.reason = (uint32_t)reason;
    return put_version(state, account, item, &version);
}

enum status item_change_outcome(struct state *state, const struct block_context *context,
                                const struct tx *tx, uint32_t index, struct account *account,
                                const struct item *item, Xuelian__ItemStatus status,
                                const Xuelian__Outcome *outcome, Xuelian__ItemReason reason,
                                uint32_t *code)
{
    uint8_t content[ITEM_CONTENT_SIZE_MAX];
    Xuelian__ItemVersion version;
    if (item->version->number >= LIMIT_ITEM_VERSIONS_MAX) {
        *code = ST_VERSIONS_FULL;
        return ST_OK;
    }
    follow(&version, context, tx, index, account, item);
    version.status = status;
    version.content = field_borrow(content, canonical_encode(content, &outcome->base));
    version.reason = (uint32_t)reason;
    if (outcome->details_root.len > 0) {
        version.details = XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD;
    }
    return put_version(state, account, item, &version);
}

enum status item_erase_details(struct state *state, const struct block_context *context,
                               const struct tx *tx, struct account *account,
                               const struct item *item, Xuelian__ItemReason reason)
{
    Xuelian__ItemVersion version;
    follow(&version, context, tx, 0, account, item);
    version.details = XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED;
    version.reason = (uint32_t)reason;
    return put_version(state, account, item, &version);
}

enum status item_mark_disputed(struct state *state, const struct block_context *context,
                               const struct tx *tx, uint32_t index, struct account *account,
                               const struct item *item, uint64_t dispute, uint32_t *code)
{
    Xuelian__ItemVersion version;
    /* Who disputes again and again does not use up the versions that corrections need. */
    if (dispute != 0 && item->version->number >= LIMIT_DISPUTED_VERSIONS_MAX) {
        *code = ST_VERSIONS_FULL;
        return ST_OK;
    }
    follow(&version, context, tx, index, account, item);
    version.dispute = dispute;
    version.reason = item->version->reason;
    return put_version(state, account, item, &version);
}
