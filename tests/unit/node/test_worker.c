/* Workers and inboxes: order, urgency, bounds, and what comes after the loop has ended. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "node/worker.h"

enum { TASKS_MAX = 16 };

struct numbered {
    struct task task;
    char name;
};

static struct {
    uv_loop_t loop;
    struct inbox inbox;
    uv_sem_t gate;
    char ran[TASKS_MAX];
    char done[TASKS_MAX];
    unsigned ran_count;
    unsigned done_count;
    unsigned expected;
} world;

static void run(struct task *task)
{
    char name = ((struct numbered *)task)->name;
    if (name == '-') {
        uv_sem_wait(&world.gate); /* holds the one thread until everything is queued */
    } else {
        world.ran[world.ran_count++] = name;
    }
}

static void done(struct task *task)
{
    char name = ((struct numbered *)task)->name;
    if (name != '-') {
        world.done[world.done_count++] = name;
        if (world.done_count == world.expected) {
            inbox_close(&world.inbox);
        }
    }
    free(task);
}

static struct task *make(char name)
{
    struct numbered *made = calloc(1, sizeof *made);
    assert_non_null(made);
    made->name = name;
    made->task.run = run;
    made->task.done = done;
    return &made->task;
}

static int begin(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    assert_int_equal(inbox_init(&world.inbox, &world.loop), 0);
    assert_int_equal(uv_sem_init(&world.gate, 0), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    uv_sem_destroy(&world.gate);
    uv_mutex_destroy(&world.inbox.mutex);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static void test_order_and_urgency(void **state)
{
    struct worker *worker = worker_start("test", 1, 4);
    (void)state;
    assert_true(worker_post(worker, &world.inbox, make('-')));
    while (worker_waiting(worker) > 0) {
        uv_sleep(1);
    }
    for (char name = 'a'; name <= 'd'; name++) {
        assert_true(worker_post(worker, &world.inbox, make(name)));
    }
    struct task *refused = make('x');
    assert_false(worker_post(worker, &world.inbox, refused)); /* full */
    free(refused);
    assert_true(worker_post_urgent(worker, &world.inbox, make('1'))); /* has room of its own */
    assert_true(worker_post_urgent(worker, &world.inbox, make('2')));
    assert_int_equal(worker_waiting(worker), 6);
    world.expected = 6;
    uv_sem_post(&world.gate);
    uv_run(&world.loop, UV_RUN_DEFAULT); /* until the last done closes the inbox */
    assert_string_equal(world.ran, "12abcd");
    assert_string_equal(world.done, "12abcd");
    worker_stop(worker);
}

/* Stopping runs what is queued; what is posted after the loop has ended waits to be drained. */
static void test_after_the_loop(void **state)
{
    struct worker *worker = worker_start("test", 1, 8);
    (void)state;
    assert_true(worker_post(worker, &world.inbox, make('-')));
    assert_true(worker_post(worker, &world.inbox, make('a')));
    inbox_close(&world.inbox);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    uv_sem_post(&world.gate);
    worker_stop(worker);
    inbox_post(&world.inbox, make('b'));
    assert_string_equal(world.ran, "a");
    assert_string_equal(world.done, "");
    inbox_drain(&world.inbox);
    assert_string_equal(world.done, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_and_urgency, begin, end),
        cmocka_unit_test_setup_teardown(test_after_the_loop, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
