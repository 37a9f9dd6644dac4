/* Recoveries of this chain: published to everybody who asks (consensus/README.md R33). */
#include <stdlib.h>

#include "node/api.h"
#include "node/rpc/query.h"
#include "node/rpc/rpc.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/json/json.h"
#include "proto/proof.pb-c.h"
#include "proto/recovery.h"

json_t *recovery_json(struct bytes bytes)
{
    struct recovery *recovery = calloc(1, sizeof *recovery);
    void *memory = malloc(RECOVERY_ARENA_SIZE);
    struct arena arena;
    json_t *object = NULL;
    CHECK(recovery != NULL && memory != NULL);
    arena_init(&arena, memory, RECOVERY_ARENA_SIZE);
    if (recovery_decode(recovery, bytes, false, &arena) == ST_OK) {
        json_t *validators = json_array();
        json_t *signers = json_array();
        object = json_object();
        for (uint32_t i = 0; i < recovery->set.count; i++) {
            const struct validator *one = &recovery->set.validators[i];
            json_t *entry = json_object();
            json_object_set_new(entry, "member", json_integer((json_int_t)one->member));
            json_object_set_new(entry, "key", json_of_bytes(one->key.bytes, 33));
            json_object_set_new(entry, "joined", json_of_u64(one->joined));
            json_object_set_new(entry, "incarnation", json_of_u64(one->incarnation));
            json_array_append_new(validators, entry);
        }
        for (uint32_t i = 0; i < recovery->signature_count; i++) {
            json_array_append_new(signers, json_integer((json_int_t)recovery->signers[i] + 1));
        }
        json_object_set_new(object, "height", json_of_u64(recovery->height + 1));
        json_object_set_new(object, "id", json_of_bytes(recovery->id.bytes, 32));
        json_object_set_new(object, "goes_on_from", json_of_bytes(recovery->header_hash.bytes, 32));
        json_object_set_new(object, "era", json_of_u64(recovery->set.era));
        json_object_set_new(object, "reason", json_string(recovery->message->reason));
        json_object_set_new(object, "validators", validators);
        json_object_set_new(object, "signers", signers);
        json_object_set_new(object, "record", json_of_bytes(bytes.data, bytes.size));
    }
    free(memory);
    free(recovery);
    return object;
}

static bool add(void *context, struct bytes bytes)
{
    size_t room = bytes.size * 2 + 4096;
    void *memory = malloc(room);
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    if (canonical_decode(&message, &xuelian__set_change__descriptor, bytes, &arena) == ST_OK) {
        const Xuelian__SetChange *wire = (const Xuelian__SetChange *)(const void *)message;
        if (wire->recovery.len > 0) {
            json_array_append_new(context, recovery_json(field_bytes(&wire->recovery)));
        }
    }
    free(memory);
    return true;
}

static void read_recoveries(struct query *query)
{
    json_t *list = json_array();
    json_t *object = json_object();
    enum status status =
        block_log_set_changes(node_block_log(query->exchange->rpc->node), UINT64_MAX, add, list);
    json_object_set_new(object, "recoveries", list);
    if (status == ST_OK) {
        query_json(query, 200, object);
    } else {
        json_decref(object);
        query_problem(query, status, NULL);
    }
}

void route_recoveries(struct exchange *exchange, char *arguments[])
{
    struct query query = {.read = read_recoveries};
    (void)arguments;
    query_start(exchange, query);
}
