/* The queue of effects (pbft.h, How it is driven). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/driver/internal.h"
#include "proto/bytes.h"
#include "proto/check.h"

uint64_t driver_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void enqueue(struct driver *driver, const struct pbft_effect *effect)
{
    struct queued *queued = malloc(sizeof *queued + pbft_effect_borrowed_size(effect));
    CHECK(queued != NULL);
    queued->next = NULL;
    pbft_effect_copy(&queued->effect, queued->data, effect);
    *driver->tail = queued;
    driver->tail = &queued->next;
}

enum status driver_step(struct driver *driver, struct pbft_input *input)
{
    struct pbft_effects effects;
    input->now_ms = driver_now_ms();
    input->clock_ms = driver_clock_ms();
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
