#include "cli/tx_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/file.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/json/json.h"

enum { FILE_SIZE_MAX = 4 * LIMIT_SUBMISSION_SIZE_MAX, FILE_VERSION = 1 };

/* The chain that a body names: it need not be ours to be shown. */
static bool chain_of(struct bytes body, void *memory, struct hash32 *chain_id,
                     uint32_t *signer_count)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, memory, TX_ARENA_SIZE);
    if (canonical_check_fields(&xuelian__tx_body__descriptor, body, LIMIT_PAYLOAD_FIELDS_MAX) !=
            ST_OK ||
        canonical_decode(&message, &xuelian__tx_body__descriptor, body, &arena) != ST_OK) {
        return false;
    }
    const Xuelian__TxBody *wire = (const Xuelian__TxBody *)(const void *)message;
    if (wire->common == NULL || wire->common->chain_id.len != 32) {
        return false;
    }
    memcpy(chain_id->bytes, wire->common->chain_id.data, 32);
    *signer_count =
        wire->common->n_signers <= LIMIT_SIGNERS_MAX ? (uint32_t)wire->common->n_signers : 0;
    return *signer_count > 0;
}

static enum status check_details(const struct tx_file *file)
{
    struct submission submission;
    uint8_t *parcel = NULL;
    size_t size = 0;
    uint32_t item = 0;
    tx_file_parcel(file, &parcel, &size);
    enum status status = submission_read(&submission, bytes_of(parcel, size));
    if (status == ST_OK) {
        status = submission_check(&submission, &file->tx, &item);
    }
    free(parcel);
    return status;
}

static void copy_details(struct tx_file *file, const struct details_list *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        uint8_t *copy = malloc(from->list[i].size);
        CHECK(copy != NULL);
        memcpy(copy, from->list[i].data, from->list[i].size);
        file->details.list[file->details.count++] = bytes_of(copy, from->list[i].size);
    }
}

/* Seals body and signatures and parses the whole. */
static bool load(struct tx_file *file, struct bytes body, const struct sig64 *signatures,
                 uint32_t count, struct fault *fault)
{
    struct hash32 chain_id;
    struct arena arena;
    uint32_t named = 0;
    enum status status = ST_BAD_ENCODING;
    if (file->arena == NULL) {
        file->arena = malloc(TX_ARENA_SIZE);
        CHECK(file->arena != NULL);
    }
    if (chain_of(body, file->arena, &chain_id, &named) && named == count) {
        status = tx_seal(body.data, body.size, signatures, count, &file->bytes, &file->size);
    }
    if (status == ST_OK) {
        arena_init(&arena, file->arena, TX_ARENA_SIZE);
        status = tx_parse(&file->tx, bytes_of(file->bytes, file->size), &chain_id, &arena);
    }
    if (status == ST_OK && file->details.count > 0) {
        status = check_details(file);
    }
    return status == ST_OK || fault_set(fault, EXIT_USAGE, "the transaction is broken: %s%.0s",
                                        "交易已损坏：%.0s%s", status_en(status), status_zh(status));
}

void tx_file_parcel(const struct tx_file *file, uint8_t **bytes, size_t *size)
{
    CHECK(submission_make(bytes_of(file->bytes, file->size), file->details.list,
                          file->details.count, bytes, size) == ST_OK);
}

bool tx_file_make(struct tx_file *file, struct bytes body, uint32_t signer_count,
                  const struct details_list *details, struct fault *fault)
{
    static const struct sig64 none[LIMIT_SIGNERS_MAX];
    *file = (struct tx_file){.bytes = NULL};
    copy_details(file, details);
    bool fine = load(file, body, none, signer_count, fault);
    if (!fine) {
        tx_file_free(file);
    }
    return fine;
}

static bool read_signatures(const json_t *list, struct sig64 *signatures, bool *present,
                            uint32_t *count)
{
    if (!json_is_array(list) || json_array_size(list) < 1 ||
        json_array_size(list) > LIMIT_SIGNERS_MAX) {
        return false;
    }
    *count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < *count; i++) {
        const json_t *one = json_array_get(list, i);
        present[i] = json_is_string(one);
        if (present[i] ? hex_decode(signatures[i].bytes, 64, json_string_value(one),
                                    json_string_length(one)) != ST_OK
                       : !json_is_null(one)) {
            return false;
        }
    }
    return true;
}

/* The details that stand beside a body: hexadecimal texts. */
static bool read_details(const json_t *list, struct tx_file *file)
{
    size_t index;
    json_t *one;
    if (list != NULL && (!json_is_array(list) || json_array_size(list) > LIMIT_BULK_ITEMS_MAX)) {
        return false;
    }
    json_array_foreach(list, index, one)
    {
        size_t size = json_string_length(one) / 2;
        uint8_t *bytes = malloc(size + 1);
        CHECK(bytes != NULL);
        file->details.list[file->details.count++] = bytes_of(bytes, size);
        if (!json_is_string(one) ||
            hex_decode(bytes, size, json_string_value(one), json_string_length(one)) != ST_OK) {
            return false;
        }
    }
    return true;
}

static bool check_signatures(struct tx_file *file, const char *path, struct fault *fault)
{
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        const struct tx_signer *signer = &file->tx.signers[i];
        if (file->signed_by[i] && !sign_verify(&signer->key, &file->tx.id, &signer->signature)) {
            return fault_set(fault, EXIT_USAGE,
                             "%s: signature %u does not verify; the file was changed after it was "
                             "signed: ask for it again",
                             "%s：第 %u 个签名验证失败；文件在签名后被改动：请重新索取", path,
                             i + 1);
        }
    }
    return true;
}

bool tx_file_read(struct tx_file *file, const char *path, struct fault *fault)
{
    struct sig64 signatures[LIMIT_SIGNERS_MAX] = {{{0}}};
    uint32_t count = 0;
    uint8_t *data = NULL;
    size_t size = 0;
    *file = (struct tx_file){.bytes = NULL};
    if (!file_read(path, FILE_SIZE_MAX, &data, &size, fault)) {
        return false;
    }
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *hex = json_object_get(root, "body");
    size_t body_size = json_string_length(hex) / 2;
    uint8_t *body = malloc(body_size + 1);
    CHECK(body != NULL);
    bool fine =
        (json_integer_value(json_object_get(root, "xuelian_transaction")) == FILE_VERSION &&
         json_is_string(hex) &&
         hex_decode(body, body_size, json_string_value(hex), json_string_length(hex)) == ST_OK &&
         read_signatures(json_object_get(root, "signatures"), signatures, file->signed_by,
                         &count) &&
         read_details(json_object_get(root, "details"), file)) ||
        fault_set(fault, EXIT_USAGE,
                  "%s is not a transaction file of xuelian tx new; give one of those",
                  "%s 不是 xuelian tx new 生成的交易文件", path);
    fine = fine && load(file, bytes_of(body, body_size), signatures, count, fault) &&
           check_signatures(file, path, fault);
    free(body);
    json_decref(root);
    free(data);
    if (!fine) {
        tx_file_free(file);
    }
    return fine;
}

bool tx_file_write(const struct tx_file *file, const char *path, struct fault *fault)
{
    json_t *root = json_object();
    json_t *signatures = json_array();
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        json_array_append_new(
            signatures, file->signed_by[i] ? json_of_bytes(file->tx.signers[i].signature.bytes, 64)
                                           : json_null());
    }
    json_object_set_new(root, "xuelian_transaction", json_integer(FILE_VERSION));
    json_object_set_new(root, "body", json_of_bytes(file->tx.body.data, file->tx.body.size));
    json_object_set_new(root, "signatures", signatures);
    if (file->details.count > 0) {
        json_t *details = json_array();
        for (uint32_t i = 0; i < file->details.count; i++) {
            json_array_append_new(
                details, json_of_bytes(file->details.list[i].data, file->details.list[i].size));
        }
        json_object_set_new(root, "details", details);
    }
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    CHECK(text != NULL);
    bool fine = file_write(path, text, strlen(text), 0644, true, fault);
    free(text);
    json_decref(root);
    return fine;
}

void tx_file_free(struct tx_file *file)
{
    free(file->bytes);
    free(file->arena);
    details_list_free(&file->details);
    *file = (struct tx_file){.bytes = NULL};
}

/* The bytes that are sent hold the signatures, so they are sealed anew. */
static bool reseal(struct tx_file *file, const struct sig64 *signatures, struct fault *fault)
{
    struct tx_file made = {.bytes = NULL};
    memcpy(made.signed_by, file->signed_by, sizeof made.signed_by);
    copy_details(&made, &file->details);
    if (!load(&made, file->tx.body, signatures, file->tx.signer_count, fault)) {
        tx_file_free(&made);
        return false;
    }
    tx_file_free(file);
    *file = made;
    return true;
}

bool tx_file_sign(struct tx_file *file, const struct signer *signer, struct fault *fault)
{
    struct sig64 signatures[LIMIT_SIGNERS_MAX];
    bool found = false;
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        signatures[i] = file->tx.signers[i].signature;
        if (pubkey33_compare(&file->tx.signers[i].key, signer_key(signer)) == 0) {
            signer_sign(signer, &file->tx.id, &signatures[i]);
            file->signed_by[i] = true;
            found = true;
        }
    }
    if (!found) {
        return fault_set(fault, EXIT_USAGE,
                         "the transaction names no signer with that key; look at its signers with: "
                         "xuelian tx show FILE",
                         "交易中没有使用该密钥的签名人；请用 xuelian tx show FILE 查看其签名人");
    }
    return reseal(file, signatures, fault);
}

bool tx_file_complete(const struct tx_file *file)
{
    bool all = true;
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        all = all && file->signed_by[i];
    }
    return all;
}

static json_t *signers_json(const struct tx_file *file)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        const struct tx_signer *signer = &file->tx.signers[i];
        json_t *one = json_object();
        if (signer->role == XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
            json_object_set_new(one, "member", json_integer(signer->member));
        } else {
            json_object_set_new(one, "learner", json_of_bytes(signer->learner.bytes, 32));
        }
        json_object_set_new(one, "key", json_of_bytes(signer->key.bytes, 33));
        json_object_set_new(one, "signed", json_boolean(file->signed_by[i]));
        json_array_append_new(list, one);
    }
    return list;
}

/* The details in words, by the items' numbers from 1. */
static json_t *shown_details(const struct tx_file *file)
{
    json_t *list = json_array();
    struct details_key key;
    uint32_t next = 0;
    for (uint32_t i = 0; i < file->tx.item_count && next < file->details.count; i++) {
        if (tx_details_key(&file->tx, i, &key)) {
            json_t *one = json_object();
            json_object_set_new(one, "item", json_integer(i + 1));
            json_object_set_new(one, "details", details_json(file->details.list[next++]));
            json_array_append_new(list, one);
        }
    }
    return list;
}

json_t *tx_file_json(const struct tx_file *file)
{
    const struct tx *tx = &file->tx;
    json_t *root = json_object();
    json_object_set_new(root, "id", json_of_bytes(tx->id.bytes, 32));
    json_object_set_new(root, "kind", json_string(tx->rule->name));
    json_object_set_new(root, "valid_until", json_of_u64(tx->valid_until));
    json_object_set_new(root, "signers", signers_json(file));
    if (file->details.count > 0) {
        json_object_set_new(root, "details", shown_details(file));
    }
    if (!tx->bulk) {
        json_object_set_new(root, "payload", json_of_message(tx->messages[0]));
        return root;
    }
    json_t *items = json_array();
    for (uint32_t i = 0; i < tx->item_count; i++) {
        json_array_append_new(items, json_of_message(tx->messages[i]));
    }
    json_object_set_new(root, "items", items);
    return root;
}
