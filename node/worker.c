#include "node/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/check.h"

enum { THREADS_MAX = 16 };

struct worker {
    const char *name;
    uv_mutex_t mutex;
    uv_cond_t ready;
    uv_thread_t threads[THREADS_MAX];
    unsigned thread_count;
    struct task *head;
    struct task **tail;
    size_t waiting;
    size_t queue_max;
    bool stopping;
};

static void drain(uv_async_t *async)
{
    struct inbox *inbox = async->data;
    uv_mutex_lock(&inbox->mutex);
    struct task *task = inbox->head;
    inbox->head = NULL;
    inbox->tail = &inbox->head;
    uv_mutex_unlock(&inbox->mutex);
    while (task != NULL) {
        struct task *next = task->next; /* done may free it */
        task->done(task);
        task = next;
    }
}

int inbox_init(struct inbox *inbox, uv_loop_t *loop)
{
    inbox->head = NULL;
    inbox->tail = &inbox->head;
    CHECK(uv_mutex_init(&inbox->mutex) == 0);
    inbox->async.data = inbox;
    return uv_async_init(loop, &inbox->async, drain);
}

void inbox_post(struct inbox *inbox, struct task *task)
{
    uv_mutex_lock(&inbox->mutex);
    task->next = NULL;
    *inbox->tail = task;
    inbox->tail = &task->next;
    uv_mutex_unlock(&inbox->mutex);
    uv_async_send(&inbox->async);
}

void inbox_close(struct inbox *inbox)
{
    uv_close((uv_handle_t *)&inbox->async, NULL);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_setname_np(pthread_self(), worker->name);
    for (;;) {
        uv_mutex_lock(&worker->mutex);
        while (worker->head == NULL && !worker->stopping) {
            uv_cond_wait(&worker->ready, &worker->mutex);
        }
        struct task *task = worker->head;
        if (task != NULL) {
            worker->head = task->next;
            if (worker->head == NULL) {
                worker->tail = &worker->head;
            }
            worker->waiting--;
        }
        uv_mutex_unlock(&worker->mutex);
        if (task == NULL) {
            return;
        }
        task->run(task);
        inbox_post(task->owner, task);
    }
}

struct worker *worker_start(const char *name, unsigned threads, size_t queue_max)
{
    struct worker *worker = calloc(1, sizeof *worker);
    CHECK(worker != NULL && threads >= 1 && threads <= THREADS_MAX);
    worker->name = name;
    worker->queue_max = queue_max;
    worker->tail = &worker->head;
    CHECK(uv_mutex_init(&worker->mutex) == 0 && uv_cond_init(&worker->ready) == 0);
    for (; worker->thread_count < threads; worker->thread_count++) {
        CHECK(uv_thread_create(&worker->threads[worker->thread_count], work, worker) == 0);
    }
    return worker;
}

bool worker_post(struct worker *worker, struct inbox *owner, struct task *task)
{
    uv_mutex_lock(&worker->mutex);
    bool taken = !worker->stopping && worker->waiting < worker->queue_max;
    if (taken) {
        task->next = NULL;
        task->owner = owner;
        *worker->tail = task;
        worker->tail = &task->next;
        worker->waiting++;
        uv_cond_signal(&worker->ready);
    }
    uv_mutex_unlock(&worker->mutex);
    return taken;
}

void worker_stop(struct worker *worker)
{
    uv_mutex_lock(&worker->mutex);
    worker->stopping = true;
    uv_cond_broadcast(&worker->ready);
    uv_mutex_unlock(&worker->mutex);
    for (unsigned i = 0; i < worker->thread_count; i++) {
        uv_thread_join(&worker->threads[i]);
    }
    uv_cond_destroy(&worker->ready);
    uv_mutex_destroy(&worker->mutex);
    free(worker);
}

size_t worker_waiting(struct worker *worker)
{
    uv_mutex_lock(&worker->mutex);
    size_t waiting = worker->waiting;
    uv_mutex_unlock(&worker->mutex);
    return waiting;
}
