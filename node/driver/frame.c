/* What peers send, by type. Consensus messages: outer signature on a worker, then into the core. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"

struct message_task {
    struct task task;
    struct driver *driver;
    struct pubkey33 from;
    struct pubkey33 key; /* under which the signature must verify */
    struct pbft_message message;
    bool good;
    uint8_t body[];
};

static void message_run(struct task *task)
{
    struct message_task *made = (struct message_task *)task;
    made->good = sign_verify(&made->key, &made->message.hash, &made->message.signature);
}

static enum status step_message(struct driver *driver, const struct pubkey33 *from,
                                const struct pbft_message *message)
{
    struct pbft_input input = {.type = PBFT_MESSAGE};
    input.message.from = *from;
    input.message.message = message;
    return driver_step(driver, &input);
}

static void note_malformed(struct driver *driver)
{
    atomic_fetch_add(&driver->node->gauges.messages_bad, 1);
    log_event(LOG_DEBUG, "bad_message", "a malformed consensus message was dropped");
}

unsigned driver_bucket(const struct pubkey33 *key)
{
    return key->bytes[sizeof key->bytes - 1];
}

static void message_done(struct task *task)
{
    struct message_task *made = (struct message_task *)task;
    struct driver *driver = made->driver;
    driver->checking[driver_bucket(&made->from)]--;
    if (made->good && !driver->stopping) {
        (void)step_message(driver, &made->from, &made->message);
    } else if (!made->good) {
        atomic_fetch_add(&driver->node->gauges.messages_bad, 1);
        log_event(LOG_DEBUG, "bad_signature",
                  "a consensus message with a bad signature was dropped");
    }
    free(made);
    driver_pump(driver);
}

static void consensus_frame(struct driver *driver, const struct pubkey33 *from, uint8_t type,
                            struct bytes body)
{
    struct arena arena;
    struct pbft_message message;
    struct pubkey33 key;
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    atomic_fetch_add(&driver->node->gauges.messages_in, 1);
    if (pbft_message_parse(&message, type, body, &driver->node->genesis.chain_id, &arena) !=
        ST_OK) {
        note_malformed(driver);
        return;
    }
    if (!message.has_signer) {
        enum status verdict = step_message(driver, from, &message);
        if (verdict == ST_BAD_ENCODING || verdict == ST_TRUNCATED) {
            note_malformed(driver);
        }
        driver_pump(driver);
        return;
    }
    if (!pbft_signer_key(driver->core, message.era, message.sender, &key)) {
        return;
    }
    /* A peer that floods drops its own messages, not those of others. */
    if (driver->checking[driver_bucket(from)] >= CHECKING_MAX) {
        atomic_fetch_add(&driver->node->gauges.messages_dropped, 1);
        return;
    }
    struct message_task *made = calloc(1, sizeof *made + body.size);
    CHECK(made != NULL);
    if (body.size > 0) {
        memcpy(made->body, body.data, body.size);
    }
    made->task.run = message_run;
    made->task.done = message_done;
    made->driver = driver;
    made->from = *from;
    made->key = key;
    made->message = message;
    made->message.body = bytes_of(made->body, body.size);
    if (!worker_post_urgent(driver->node->verifier, &driver->node->inbox, &made->task)) {
        atomic_fetch_add(&driver->node->gauges.messages_dropped, 1);
        free(made);
        return;
    }
    driver->checking[driver_bucket(from)]++;
}

ProtobufCMessage *driver_decode(const ProtobufCMessageDescriptor *schema, struct bytes body,
                                void **memory)
{
    size_t room = body.size * 3 + 65536;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    *memory = malloc(room);
    CHECK(*memory != NULL);
    arena_init(&arena, *memory, room);
    if (canonical_decode(&message, schema, body, &arena) != ST_OK) {
        free(*memory);
        *memory = NULL;
        log_event(LOG_DEBUG, "bad_message", "a malformed %s was dropped", schema->short_name);
        return NULL;
    }
    return message;
}

void driver_frame(void *context, const struct pubkey33 *key, uint8_t type, struct bytes body)
{
    struct driver *driver = ((struct node *)context)->driver;
    if (driver == NULL || driver->stopping) {
        return;
    }
    if (pbft_takes(type)) {
        consensus_frame(driver, key, type, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS) {
        driver_transactions_frame(driver, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST) {
        driver_bodies_request_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BODIES) {
        driver_bodies_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST) {
        driver_blocks_request_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS) {
        driver_blocks_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_EVIDENCE) {
        driver_evidence_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_REQUEST) {
        driver_details_request_frame(driver, key, body);
    } else if (type == XUELIAN__PEER_TYPE__PEER_TYPE_DETAILS_ANSWER) {
        driver_details_answer_frame(driver, key, body);
    }
}
