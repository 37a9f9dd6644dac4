/* The queue of effects (pbft.h, How it is driven). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct bytes keep(struct queued *queued, struct bytes bytes)
{
    struct bytes kept = {.data = queued->data + queued->used, .size = bytes.size};
    if (bytes.size == 0) {
        return (struct bytes){.size = 0};
    }
    memcpy(queued->data + queued->used, bytes.data, bytes.size);
    queued->used += (bytes.size + 7) / 8 * 8;
    return kept;
}

/* The borrowed bytes of an effect: at most two. VERIFY's checks are kept apart. */
static void borrowed(struct pbft_effect *effect, struct bytes *fields[2])
{
    fields[0] = NULL;
    fields[1] = NULL;
    switch (effect->type) {
    case PBFT_PERSIST:
        fields[0] = &effect->persist.record;
        fields[1] = &effect->persist.new_view;
        break;
    case PBFT_SEND:
        fields[0] = &effect->send.body;
        break;
    case PBFT_EXECUTE:
        fields[0] = &effect->execute.proposal;
        fields[1] = &effect->execute.header;
        break;
    case PBFT_FETCH_BODIES:
        fields[0] = &effect->fetch_bodies.proposal;
        break;
    case PBFT_COMMIT:
        fields[0] = &effect->commit.header;
        fields[1] = &effect->commit.certificate;
        break;
    case PBFT_EVIDENCE:
        fields[0] = &effect->evidence.first;
        fields[1] = &effect->evidence.second;
        break;
    case PBFT_VERIFY:
    case PBFT_CANCEL:
    case PBFT_DISCARD:
    case PBFT_FETCH_BLOCKS:
    case PBFT_ALARM:
        break;
    }
}

static void enqueue(struct driver *driver, const struct pbft_effect *effect)
{
    struct pbft_effect copy = *effect;
    struct bytes *fields[2];
    size_t size = 16;
    borrowed(&copy, fields);
    for (int i = 0; i < 2; i++) {
        size += fields[i] != NULL ? fields[i]->size + 8 : 0;
    }
    size_t checks = copy.type == PBFT_VERIFY ? copy.verify.count * sizeof(struct pbft_check) : 0;
    struct queued *queued = malloc(sizeof *queued + size + checks);
    CHECK(queued != NULL);
    queued->next = NULL;
    queued->used = 0;
    for (int i = 0; i < 2; i++) {
        if (fields[i] != NULL) {
            *fields[i] = keep(queued, *fields[i]);
        }
    }
    if (copy.type == PBFT_VERIFY) {
        struct bytes kept = keep(queued, bytes_of(copy.verify.checks, checks));
        copy.verify.checks = (const struct pbft_check *)(const void *)kept.data;
    }
    queued->effect = copy;
    *driver->tail = queued;
    driver->tail = &queued->next;
}

enum status driver_step(struct driver *driver, struct pbft_input *input)
{
    struct pbft_effects effects;
    input->now_ms = driver_now_ms();
    input->clock_ms = clock_ms();
    enum status verdict = pbft_step(driver->core, input, &effects);
    for (uint32_t i = 0; i < effects.count; i++) {
        enqueue(driver, &effects.list[i]);
    }
    return verdict;
}

static void run_effect(struct driver *driver, const struct pbft_effect *effect)
{
    switch (effect->type) {
    case PBFT_PERSIST:
        driver_persist(driver, effect);
        break;
    case PBFT_SEND:
        driver_effect_send(driver, effect);
        break;
    case PBFT_EXECUTE:
        driver_execute(driver, effect);
        break;
    case PBFT_CANCEL:
        driver_cancel(driver, effect->cancel.token);
        break;
    case PBFT_DISCARD:
        driver_discard(driver, &effect->discard.header_hash);
        break;
    case PBFT_FETCH_BODIES:
        driver_fetch_bodies(driver, effect);
        break;
    case PBFT_FETCH_BLOCKS:
        driver_fetch_blocks(driver, effect);
        break;
    case PBFT_VERIFY:
        driver_effect_verify(driver, effect);
        break;
    case PBFT_COMMIT:
        driver_commit(driver, effect);
        break;
    case PBFT_EVIDENCE:
        driver_effect_evidence(driver, effect);
        break;
    case PBFT_ALARM:
        driver_effect_alarm(driver, effect);
        break;
    }
}

static void run_queue(struct driver *driver)
{
    while (driver->blocked == 0 && driver->head != NULL) {
        struct queued *queued = driver->head;
        driver->head = queued->next;
        if (driver->head == NULL) {
            driver->tail = &driver->head;
        }
        run_effect(driver, &queued->effect);
        free(queued);
    }
}

void driver_pump(struct driver *driver)
{
    if (driver->pumping || driver->stopping) {
        return; /* an effect's own step adds to the queue that is being done */
    }
    driver->pumping = true;
    run_queue(driver);
    while (driver->blocked == 0 && pbft_wants_proposal(driver->core, driver_now_ms())) {
        driver_propose(driver);
        if (driver->head == NULL) {
            break; /* the core took the batch and has nothing to do yet */
        }
        run_queue(driver);
    }
    driver->pumping = false;
    driver_settled(driver);
}

void driver_unblock(struct driver *driver)
{
    CHECK(driver->blocked > 0);
    driver->blocked--;
    driver_pump(driver);
}

void driver_queue_free(struct driver *driver)
{
    while (driver->head != NULL) {
        struct queued *next = driver->head->next;
        free(driver->head);
        driver->head = next;
    }
}
