/* Threads that run tasks, and the loop's inbox that takes them back. The only locks of the node are here.
 *
 * A task is posted to a worker, which calls run on one of its threads; then the task goes to the inbox of
 * the loop that owns it, which calls done on the loop's thread. done frees the task. Tasks of a worker
 * with one thread run in the order in which they were posted, and their done calls too. */
#ifndef XUELIAN_NODE_WORKER_H
#define XUELIAN_NODE_WORKER_H

#include <uv.h>

#include <stdbool.h>

struct task {
    struct task *next;   /* private */
    struct inbox *owner; /* private */
    void (*run)(struct task *task);
    void (*done)(struct task *task);
};

/* Of one loop. Posting is for any thread; done runs on the loop's. */
struct inbox {
    uv_async_t async;
    uv_mutex_t mutex;
    struct task *head;
    struct task **tail;
    bool open;
};

/* Returns 0 or a libuv error. */
int inbox_init(struct inbox *inbox, uv_loop_t *loop);
/* Calls task->done on the inbox's loop, soon. Any thread. */
void inbox_post(struct inbox *inbox, struct task *task);
/* Closes the handle; the loop must still run once. What is posted later waits for inbox_drain. Loop thread. */
void inbox_close(struct inbox *inbox);
/* Calls done for all that waits. For the thread of the loop, or the last one that knows the inbox. */
void inbox_drain(struct inbox *inbox);

struct worker;

/* queue_max: tasks waiting; past it worker_post refuses. Ends the process when threads cannot be made. */
struct worker *worker_start(const char *name, unsigned threads, size_t queue_max);
/* Returns false, the task untouched, when the queue is full or the worker is stopping. Any thread. */
bool worker_post(struct worker *worker, struct inbox *owner, struct task *task);
/* The same, but ahead of everything that came by worker_post: votes do not wait for transactions. Its
 * queue has a bound of its own, as large. */
bool worker_post_urgent(struct worker *worker, struct inbox *owner, struct task *task);
/* Runs what is queued, then ends the threads and frees the worker. Their done calls stay in the inbox. */
void worker_stop(struct worker *worker);
size_t worker_waiting(struct worker *worker);

#endif
