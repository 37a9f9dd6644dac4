#include "cli/newest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/proof.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/json/json.h"
#include "proto/proof.pb-c.h"

/* The hash of the version that a record proof shows; the proof has been checked. */
static bool hash_of(struct bytes proof, struct hash32 *hash)
{
    size_t room = proof.size * 8 + 65536;
    void *memory = malloc(room);
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool fine = canonical_decode(&message, &xuelian__proof__descriptor, proof, &arena) == ST_OK;
    if (fine) {
        const Xuelian__RecordProof *record =
            ((const Xuelian__Proof *)(const void *)message)->record;
        fine = record != NULL && record->item != NULL;
        if (fine) {
            hash_tagged(hash, TAG_VERSION, record->item->version.data, record->item->version.len);
        }
    }
    free(memory);
    return fine;
}

static bool fetch(const struct connection *connection, const char *account, uint64_t item,
                  struct hash32 *hash, struct fault *fault)
{
    char path[160];
    struct client_answer answer = {.reached = false};
    struct proof_check check;
    snprintf(path, sizeof path, "/v1/accounts/%.64s/items/%" PRIu64 "/proof", account, item);
    const struct client_request request = {
        .path = path, .accept = "application/x-protobuf", .personal = true};
    if (!client_ask_any(connection->client, &request, &answer, fault)) {
        return false;
    }
    if (answer.http_status != 200) {
        client_problem(&answer, fault);
        client_answer_free(&answer);
        return false;
    }
    struct bytes proof = bytes_of(answer.body, answer.body_size);
    bool fine = proof_check(&check, bytes_of(connection->genesis_data, connection->genesis_size),
                            proof, 0, fault);
    if (fine) {
        char learner[HEX_SIZE(32)];
        hex_encode(learner, check.result.learner.bytes, 32);
        fine = (check.result.status == ST_OK && check.result.kind == VERIFY_RECORD &&
                strcmp(learner, account) == 0 && check.result.items_shown == 1 &&
                check.result.items[0].number == item && hash_of(proof, hash)) ||
               fault_set(fault, EXIT_REFUSED,
                         "the node does not prove what item %" PRIu64
                         " of the account is; ask another",
                         "节点未能证明账户的第 %" PRIu64 " 个条目；请询问其他节点", item);
        proof_check_free(&check);
    }
    client_answer_free(&answer);
    return fine;
}

static bool resolve_one(json_t *object, const char *field, const char *number_field,
                        const char *account, const struct connection *connection,
                        struct fault *fault)
{
    char hex[HEX_SIZE(32)];
    struct hash32 hash;
    const char *text = json_string_value(json_object_get(object, field));
    uint64_t item = json_u64(object, number_field);
    if (text == NULL || strcmp(text, "newest") != 0) {
        return true;
    }
    if (account == NULL || strlen(account) != 64 || item == 0 || connection->client == NULL) {
        return fault_set(
            fault, EXIT_USAGE,
            "%s=newest needs the account, the number of the item (%s) and a network to ask",
            "%s=newest 需要账户、条目编号（%s）以及可询问的网络", field, number_field);
    }
    if (!fetch(connection, account, item, &hash, fault)) {
        return false;
    }
    hex_encode(hex, hash.bytes, 32);
    json_object_set_new(object, field, json_string(hex));
    return true;
}

/* One payload: what it names itself, and the sources that it lists. */
static bool resolve_payload(json_t *object, const struct connection *connection,
                            struct fault *fault)
{
    const char *account = json_string_value(json_object_get(object, "account"));
    json_t *sources = json_object_get(object, "sources");
    if (!resolve_one(object, "version_hash", "item", account, connection, fault) ||
        !resolve_one(object, "outcome_version", "outcome", account, connection, fault)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(sources); i++) {
        if (!resolve_one(json_array_get(sources, i), "version_hash", "item", account, connection,
                         fault)) {
            return false;
        }
    }
    return true;
}

bool newest_resolve(json_t *value, const struct connection *connection, struct fault *fault)
{
    if (!json_is_array(value)) {
        return resolve_payload(value, connection, fault);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!resolve_payload(json_array_get(value, i), connection, fault)) {
            return false;
        }
    }
    return true;
}
