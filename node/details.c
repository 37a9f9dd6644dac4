#include "node/details.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/tx/details.h"
#include "node/log.h"
#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/tx_outcome.pb-c.h"

enum { VERSION_MEMORY_SIZE = 4096 };

/* A version and its outcome, decoded. */
struct version {
    const Xuelian__ItemVersion *wire;
    const Xuelian__Outcome *outcome; /* NULL: of another kind */
    uint64_t memory[VERSION_MEMORY_SIZE / 8];
};

static enum status read_version(struct version *version, struct bytes bytes)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, version->memory, sizeof version->memory);
    version->outcome = NULL;
    if (canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) != ST_OK) {
        return ST_CORRUPT;
    }
    version->wire = (const Xuelian__ItemVersion *)(const void *)message;
    if (version->wire->kind == XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME) {
        if (canonical_decode(&message, &xuelian__outcome__descriptor,
                             field_bytes(&version->wire->content), &arena) != ST_OK) {
            return ST_CORRUPT;
        }
        version->outcome = (const Xuelian__Outcome *)(const void *)message;
    }
    return ST_OK;
}

static bool version_key(const struct version *version, struct details_key *key)
{
    if (version->outcome == NULL || version->outcome->details_root.len == 0) {
        return false;
    }
    key->issuer = version->outcome->issuer;
    return field_copy(&key->account, 32, &version->wire->account) &&
           field_copy(&key->root, 32, &version->outcome->details_root);
}

static bool same_key(const struct details_key *one, const struct details_key *other)
{
    return one->issuer == other->issuer && hash32_equal(&one->account, &other->account) &&
           hash32_equal(&one->root, &other->root);
}

/* ---- Erasures ---- */

/* Erases what the versions of an item up to the one that this transaction made commit to; what an earlier erasure took
 * is past. Later versions, when the state is ahead, are left alone. */
static enum status erase(struct node *node, const struct ledger_view *view, const struct tx *tx,
                         const Xuelian__ItemAct *act)
{
    struct account account;
    struct hash32 learner;
    struct version version;
    struct details_key key;
    struct details_key last = {.issuer = 0}; /* versions that change other things share one */
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool reached = false;
    if (!field_copy(&learner, 32, &act->account)) {
        return ST_CORRUPT;
    }
    enum status status = ledger_view_account(view, &learner, &account);
    if (status == ST_OK) {
        status = ledger_view_item(view, account.position, act->item, &bytes, &size);
    }
    while (status == ST_OK) {
        status = read_version(&version, bytes_of(bytes, size));
        kv_free(bytes);
        bytes = NULL;
        if (status != ST_OK) {
            break;
        }
        bool own = bytes_equal(field_bytes(&version.wire->tx_id), bytes_of(&tx->id, 32));
        if (reached && !own &&
            version.wire->details == XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED) {
            break;
        }
        reached = reached || own;
        if (reached && version_key(&version, &key) && !same_key(&key, &last)) {
            status = details_store_erase(node->details, &key);
            last = key;
        }
        if (status != ST_OK || version.wire->number <= 1) {
            break;
        }
        status = ledger_view_older(view, account.position, act->item, version.wire->number - 1,
                                   &bytes, &size);
    }
    kv_free(bytes);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

/* ---- One block ---- */

/* Codes of a transaction's items, as its result in the state says. */
static bool item_ok(const Xuelian__TxResult *result, uint32_t item)
{
    return result->code == ST_OK &&
           (result->n_item_codes == 0 ||
            (item < result->n_item_codes && result->item_codes[item] == ST_OK));
}

struct settling {
    struct node *node;
    struct ledger_view view;
    struct tx tx;
    void *tx_memory;
    void *memory; /* of a result */
    size_t room;
};

static enum status accept_items(struct settling *run, const Xuelian__TxResult *result,
                                const struct body *body)
{
    struct submission submission = {.details = {.size = 0}};
    struct details_key key;
    size_t at = 0;
    enum status status = ST_OK;
    if (body != NULL) {
        status = submission_read(&submission, body->parcel);
    }
    for (uint32_t i = 0; status == ST_OK && i < run->tx.item_count; i++) {
        struct bytes details = {.size = 0};
        if (!tx_details_key(&run->tx, i, &key)) {
            continue;
        }
        (void)submission_next(&submission, &at, &details);
        if (item_ok(result, i)) {
            status = details_store_accept(run->node->details, &key, details);
        }
    }
    return status;
}

static enum status settle_tx(struct settling *run, struct bytes bytes, const struct body *body)
{
    struct arena arena;
    struct tx_place place;
    uint8_t *result = NULL;
    size_t size = 0;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, run->tx_memory, TX_ARENA_SIZE);
    enum status status = tx_parse(&run->tx, bytes, &run->node->genesis.chain_id, &arena) == ST_OK
                             ? ST_OK
                             : ST_CORRUPT;
    if (status != ST_OK || (!tx_has_details(&run->tx) && !tx_erases(&run->tx))) {
        return status;
    }
    status = ledger_view_tx(&run->view, &run->tx.id, &place, &result, &size);
    arena_init(&arena, run->memory, run->room);
    if (status == ST_OK) {
        status = canonical_decode(&message, &xuelian__tx_result__descriptor, bytes_of(result, size),
                                  &arena);
    }
    kv_free(result);
    if (status != ST_OK) {
        return status == ST_IO ? ST_IO : ST_CORRUPT;
    }
    const Xuelian__TxResult *said = (const Xuelian__TxResult *)(const void *)message;
    if (!tx_erases(&run->tx)) {
        return accept_items(run, said, body);
    }
    return item_ok(said, 0) ? erase(run->node, &run->view, &run->tx,
                                    (const Xuelian__ItemAct *)(const void *)run->tx.messages[0])
                            : ST_OK;
}

enum status details_settle(struct node *node, uint64_t height, struct body *const *bodies,
                           uint32_t count)
{
    struct stored_block block;
    enum status status = block_log_get(node->block_log, height, &block);
    if (status != ST_OK) {
        return status;
    }
    struct settling *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->node = node;
    run->room = LIMIT_BULK_ITEMS_MAX * 8 + 4096;
    run->memory = malloc(run->room);
    run->tx_memory = malloc(TX_ARENA_SIZE);
    CHECK(run->memory != NULL && run->tx_memory != NULL);
    status = ledger_view_open(&run->view, node->state_kv);
    bool open = status == ST_OK;
    for (uint32_t i = 0; status == ST_OK && i < block.tx_count; i++) {
        status = settle_tx(run, block.txs[i], bodies != NULL && i < count ? bodies[i] : NULL);
    }
    if (open) {
        ledger_view_close(&run->view);
    }
    if (status == ST_OK) {
        status = details_store_settle(node->details, height);
    }
    free(run->memory);
    free(run->tx_memory);
    free(run);
    stored_block_free(&block);
    return status;
}

/* ---- Catching up ---- */

/* Whether a version of an item, since the last erasure, commits to the key's details. */
static bool item_wants(const struct ledger_view *view, const struct account *account,
                       uint64_t number, const struct details_key *key)
{
    struct version version;
    struct details_key own;
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool wants = false;
    bool more = ledger_view_item(view, account->position, number, &bytes, &size) == ST_OK;
    while (more && !wants) {
        more = read_version(&version, bytes_of(bytes, size)) == ST_OK &&
               version.wire->details == XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD;
        kv_free(bytes);
        bytes = NULL;
        wants = more && version_key(&version, &own) && own.issuer == key->issuer &&
                hash32_equal(&own.root, &key->root);
        more = more && version.wire->number > 1 &&
               ledger_view_older(view, account->position, number, version.wire->number - 1, &bytes,
                                 &size) == ST_OK;
    }
    kv_free(bytes);
    return wants;
}

static bool state_wants(void *context, const struct details_key *key)
{
    const struct ledger_view *view = context;
    struct account account;
    bool wants = false;
    if (ledger_view_account(view, &key->account, &account) != ST_OK) {
        return false;
    }
    for (uint64_t i = 1; i <= account.items.size && !wants; i++) {
        wants = item_wants(view, &account, i, key);
    }
    return wants;
}

static enum status sweep(struct node *node, uint64_t height)
{
    struct ledger_view view;
    log_event(LOG_WARN, "details",
              "the details are compared with the state, because the block log "
              "does not reach back to block %llu",
              (unsigned long long)details_store_height(node->details) + 1);
    enum status status = ledger_view_open(&view, node->state_kv);
    if (status == ST_OK) {
        status = details_store_sweep(node->details, height, state_wants, &view);
        ledger_view_close(&view);
    }
    return status;
}

enum status details_catch_up(struct node *node, char error[NODE_ERROR_SIZE])
{
    uint64_t tip = ledger_tip(node->ledger)->height;
    enum status status = ST_OK;
    while (status == ST_OK && details_store_height(node->details) < tip) {
        status = details_settle(node, details_store_height(node->details) + 1, NULL, 0);
    }
    if (status != ST_OK && status != ST_IO && status_class(status) != STATUS_CLASS_FATAL) {
        status = sweep(node, tip);
    }
    if (status != ST_OK) {
        snprintf(error, NODE_ERROR_SIZE,
                 "the details cannot be brought to block %llu (%s); move the folder details of the "
                 "data directory away and start again: they are fetched from the other nodes",
                 (unsigned long long)tip, status_en(status));
    }
    return status;
}

/* ---- Reading ---- */

enum status details_assemble(struct node *node, const struct tx *tx, uint8_t **bytes, size_t *size)
{
    struct bytes *list = calloc(tx->item_count, sizeof *list);
    uint8_t **owned = calloc(tx->item_count, sizeof *owned);
    struct details_key key;
    uint32_t count = 0;
    enum status status = ST_OK;
    CHECK(list != NULL && owned != NULL);
    for (uint32_t i = 0; status == ST_OK && i < tx->item_count; i++) {
        if (tx_details_key(tx, i, &key)) {
            status = details_store_get(node->details, &key, &owned[count], &list[count].size);
            list[count].data = owned[count];
            count += status == ST_OK;
        }
    }
    if (status == ST_OK) {
        status = submission_make(tx->bytes, list, count, bytes, size);
    }
    for (uint32_t i = 0; i < count; i++) {
        kv_free(owned[i]);
    }
    free(owned);
    free(list);
    return status;
}

enum status details_of_version(struct details_store *store, struct bytes version,
                               struct details_key *key, uint8_t **bytes, size_t *size)
{
    struct version read;
    enum status status = read_version(&read, version);
    if (status != ST_OK) {
        return status;
    }
    if (read.wire->details == XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED) {
        return ST_DETAILS_ERASED;
    }
    if (!version_key(&read, key)) {
        return ST_NO_DETAILS;
    }
    status = details_store_get(store, key, bytes, size);
    return status == ST_NOT_FOUND ? ST_DETAILS_NOT_HELD : status;
}
