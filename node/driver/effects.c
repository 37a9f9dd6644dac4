/* SEND, VERIFY, ALARM. */
#include <stdlib.h>
#include <string.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/frame.h"

/* ---- SEND ---- */

void driver_send(struct driver *driver, const struct pubkey33 *key, uint8_t type,
                 const ProtobufCMessage *message)
{
    size_t size = canonical_size(message);
    if (size > frame_body_size_max(type)) {
        return;
    }
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    canonical_encode(bytes, message);
    peers_send(driver->node->peers, key, type, bytes_of(bytes, size));
    free(bytes);
}

/* A replica's own messages count when they come back at their place in the queue. */
static void loop_back(struct driver *driver, const struct pbft_effect *effect)
{
    struct arena arena;
    struct pbft_message message;
    arena_init(&arena, driver->scratch, PBFT_PARSE_SCRATCH_SIZE);
    CHECK(pbft_message_parse(&message, effect->send.type, effect->send.body,
                             &driver->node->genesis.chain_id, &arena) == ST_OK);
    struct pbft_input input = {.type = PBFT_MESSAGE};
    input.message.from = *signer_key(driver->node->signer);
    input.message.message = &message;
    driver_step(driver, &input);
}

struct send_to_peer {
    struct driver *driver;
    const struct pbft_effect *effect;
};

static void send_visit(void *context, const struct pubkey33 *key)
{
    const struct send_to_peer *send = context;
    peers_send(send->driver->node->peers, key, send->effect->send.type, send->effect->send.body);
}

static void send_to_validators(struct driver *driver, struct send_to_peer *to)
{
    const struct validator_set *set = pbft_set(driver->core);
    const struct pubkey33 *own = signer_key(driver->node->signer);
    bool member = false;
    for (uint32_t i = 0; i < set->count; i++) {
        if (pubkey33_compare(&set->validators[i].key, own) == 0) {
            member = true;
        } else {
            send_visit(to, &set->validators[i].key);
        }
    }
    if (member) {
        loop_back(driver, to->effect);
    }
}

void driver_effect_send(struct driver *driver, const struct pbft_effect *effect)
{
    struct send_to_peer to = {.driver = driver, .effect = effect};
    switch (effect->send.to) {
    case PBFT_TO_PEER:
        send_visit(&to, &effect->send.peer);
        break;
    case PBFT_TO_PEERS:
        peers_each(driver->node->peers, send_visit, &to);
        break;
    case PBFT_TO_VALIDATORS:
        send_to_validators(driver, &to);
        break;
    }
}

/* ---- VERIFY ---- */

struct verify_task {
    struct task task;
    struct driver *driver;
    uint64_t token;
    bool good;
    uint32_t count;
    struct pbft_check checks[];
};

static void verify_run(struct task *task)
{
    struct verify_task *verify = (struct verify_task *)task;
    verify->good = true;
    for (uint32_t i = 0; i < verify->count && verify->good; i++) {
        const struct pbft_check *check = &verify->checks[i];
        verify->good = sign_verify(&check->key, &check->hash, &check->signature);
    }
}

static void verify_done(struct task *task)
{
    struct verify_task *verify = (struct verify_task *)task;
    struct driver *driver = verify->driver;
    struct pbft_input input = {.type = PBFT_VERIFIED};
    input.verified.token = verify->token;
    input.verified.good = verify->good;
    free(verify);
    driver_step(driver, &input);
    driver_pump(driver);
}

void driver_effect_verify(struct driver *driver, const struct pbft_effect *effect)
{
    size_t size = effect->verify.count * sizeof(struct pbft_check);
    struct verify_task *made = calloc(1, sizeof *made + size);
    CHECK(made != NULL);
    made->task.run = verify_run;
    made->task.done = verify_done;
    made->driver = driver;
    made->token = effect->verify.token;
    made->count = effect->verify.count;
    if (size > 0) {
        memcpy(made->checks, effect->verify.checks, size);
    }
    if (!worker_post_urgent(driver->node->verifier, &driver->node->inbox, &made->task)) {
        /* The queue is full of messages, which may be dropped; the core's question may not. */
        verify_run(&made->task);
        inbox_post(&driver->node->inbox, &made->task);
    }
}

/* ---- ALARM ---- */

void driver_effect_alarm(struct driver *driver, const struct pbft_effect *effect)
{
    static const char *const texts[] = {
        [PBFT_ALARM_DIVERGED] =
            "this node computed another result than the certified block; it has stopped. Keep a "
            "copy of its data directory and report it; without the folder state the node rebuilds "
            "it from its blocks",
        [PBFT_ALARM_FORK] =
            "two certificates contradict each other: more validators lie than the network can "
            "bear. Voting has stopped; report it at once",
        [PBFT_ALARM_OWN_SIGNATURE] =
            "peers hold signatures of this node's key that its journal does not know: an old "
            "backup or a second copy of the key. It follows without voting; see the operations "
            "guide",
        [PBFT_ALARM_SET_TOO_LARGE] =
            "the validator set is larger than this software allows; upgrade",
    };
    atomic_fetch_add(&driver->node->gauges.alarms, 1);
    log_event(LOG_ERROR, "alarm", "height %llu: %s", (unsigned long long)effect->alarm.height,
              texts[effect->alarm.reason]);
    if (effect->alarm.reason == PBFT_ALARM_DIVERGED) {
        driver_diverged(driver, effect);
    }
}
