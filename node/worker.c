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
    struct queue {
        struct task *head;
        struct task **tail;
        size_t waiting;
    } urgent, normal;
    size_t queue_max;
    bool stopping;
};

void inbox_drain(struct inbox *inbox)
{
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

static void arrived(uv_async_t *async)
{
    inbox_drain(async->data);
}

int inbox_init(struct inbox *inbox, uv_loop_t *loop)
{
    inbox->open = true;
    inbox->head = NULL;
    inbox->tail = &inbox->head;
    CHECK(uv_mutex_init(&inbox->mutex) == 0);
    inbox->async.data = inbox;
    return uv_async_init(loop, &inbox->async, arrived);
}

void inbox_post(struct inbox *inbox, struct task *task)
{
    uv_mutex_lock(&inbox->mutex);
    task->next = NULL;
    *inbox->tail = task;
    inbox->tail = &task->next;
    if (inbox->open) { /* under the lock: the handle cannot be closed meanwhile */
        uv_async_send(&inbox->async);
    }
    uv_mutex_unlock(&inbox->mutex);
}

void inbox_close(struct inbox *inbox)
{
    uv_mutex_lock(&inbox->mutex);
    inbox->open = false;
    uv_close((uv_handle_t *)&inbox->async, NULL);
    uv_mutex_unlock(&inbox->mutex);
}

static struct task *take(struct queue *queue)
{
    struct task *task = queue->head;
    if (task != NULL) {
        queue->head = task->next;
        if (queue->head == NULL) {
            queue->tail = &queue->head;
        }
        queue->waiting--;
    }
    return task;
}

static void work(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_setname_np(pthread_self(), worker->name);
    for (;;) {
        uv_mutex_lock(&worker->mutex);
        while (worker->urgent.head == NULL && worker->normal.head == NULL && !worker->stopping) {
            uv_cond_wait(&worker->ready, &worker->mutex);
        }
        struct task *task = take(&worker->urgent);
        task = task != NULL ? task : take(&worker->normal);
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
    worker->urgent.tail = &worker->urgent.head;
    worker->normal.tail = &worker->normal.head;
    CHECK(uv_mutex_init(&worker->mutex) == 0 && uv_cond_init(&worker->ready) == 0);
    for (; worker->thread_count < threads; worker->thread_count++) {
        CHECK(uv_thread_create(&worker->threads[worker->thread_count], work, worker) == 0);
    }
    return worker;
}

static bool post(struct worker *worker, struct queue *queue, struct inbox *owner, struct task *task)
{
    uv_mutex_lock(&worker->mutex);
    bool taken = !worker->stopping && queue->waiting < worker->queue_max;
    if (taken) {
        task->next = NULL;
        task->owner = owner;
        *queue->tail = task;
        queue->tail = &task->next;
        queue->waiting++;
        uv_cond_signal(&worker->ready);
    }
    uv_mutex_unlock(&worker->mutex);
    return taken;
}

bool worker_post(struct worker *worker, struct inbox *owner, struct task *task)
{
    return post(worker, &worker->normal, owner, task);
}

bool worker_post_urgent(struct worker *worker, struct inbox *owner, struct task *task)
{
    return post(worker, &worker->urgent, owner, task);
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
    size_t waiting = worker->urgent.waiting + worker->normal.waiting;
    uv_mutex_unlock(&worker->mutex);
    return waiting;
}
