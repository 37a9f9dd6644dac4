#include "ledger/view.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "proto/bytes.h"
#include "proto/check.h"

enum status ledger_view_open(struct ledger_view *view, struct kv *kv)
{
    struct state_key key = key_of('T');
    uint8_t *value = NULL;
    size_t size = 0;
    *view = (struct ledger_view){.kv = kv, .snapshot = kv_snapshot_new(kv)};
    enum status status = kv_get(kv, view->snapshot, key_bytes(&key), &value, &size);
    if (status == ST_OK) {
        status = header_decode(&view->header, bytes_of(value, size)) == ST_OK ? ST_OK : ST_CORRUPT;
    } else if (status == ST_NOT_FOUND) {
        status = ST_CORRUPT;
    }
    kv_free(value);
    if (status != ST_OK) {
        ledger_view_close(view);
        return status;
    }
    header_hash(&view->hash, &view->header);
    return ST_OK;
}

void ledger_view_close(struct ledger_view *view)
{
    kv_snapshot_free(view->kv, view->snapshot);
    view->snapshot = NULL;
}

static enum status find(const struct ledger_view *view, uint32_t collection,
                        struct bytes natural_key, uint64_t *position)
{
    struct merkle_reader reader = {
        .kv = view->kv, .snapshot = view->snapshot, .collection = collection};
    struct hash32 key;
    merkle_array_key(&key, collection, natural_key);
    return merkle_reader_find(&reader, &key, position);
}

/* What an index points at must be there. */
static enum status must_get(const struct ledger_view *view, const struct state_key *key,
                            uint8_t **value, size_t *size)
{
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(key), value, size);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

enum status ledger_view_record(const struct ledger_view *view, uint32_t collection,
                               struct bytes natural_key, uint8_t **value, size_t *size)
{
    uint64_t position;
    enum status status = find(view, collection, natural_key, &position);
    if (status != ST_OK) {
        return status;
    }
    struct state_key key = key_position('R', collection, position);
    return must_get(view, &key, value, size);
}

enum status ledger_view_account(const struct ledger_view *view, const struct hash32 *learner,
                                struct account *account)
{
    const uint32_t collection = XUELIAN__COLLECTION__COLLECTION_ACCOUNTS;
    uint8_t *record = NULL;
    size_t size = 0;
    memset(account, 0, sizeof *account);
    enum status status = find(view, collection, bytes_of(learner, 32), &account->position);
    if (status != ST_OK) {
        return status;
    }
    merkle_array_key(&account->tree_key, collection, bytes_of(learner, 32));
    struct state_key key = key_position('R', collection, account->position);
    status = must_get(view, &key, &record, &size);
    if (status == ST_OK) {
        status = account_record_decode(account, bytes_of(record, size));
    }
    kv_free(record);
    return status;
}

enum status ledger_view_item(const struct ledger_view *view, uint64_t account_position,
                             uint64_t number, uint8_t **version, size_t *size)
{
    struct state_key key = key_item(account_position, number);
    return kv_get(view->kv, view->snapshot, key_bytes(&key), version, size);
}

enum status ledger_view_older(const struct ledger_view *view, uint64_t account_position,
                              uint64_t number, uint32_t version, uint8_t **bytes, size_t *size)
{
    struct state_key key = key_of('O');
    key_add64(&key, account_position);
    key_add64(&key, number);
    key_add32(&key, version);
    return kv_get(view->kv, view->snapshot, key_bytes(&key), bytes, size);
}

enum status ledger_view_tx(const struct ledger_view *view, const struct hash32 *id,
                           struct tx_place *place, uint8_t **result, size_t *result_size)
{
    struct state_key key = key_hash('U', id);
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = kv_get(view->kv, view->snapshot, key_bytes(&key), &value, &size);
    if (status == ST_OK && size < 16) {
        status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        place->height = be64_get(value);
        place->index = be32_get(value + 8);
        place->code = be32_get(value + 12);
        if (result != NULL) {
            *result_size = size - 16;
            *result = malloc(*result_size + 1);
            CHECK(*result != NULL);
            memcpy(*result, value + 16, *result_size);
        }
    }
    kv_free(value);
    return status;
}
