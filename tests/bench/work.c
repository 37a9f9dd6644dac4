/* How long transactions take against the work they are charged: linked into a unit test in place of tx_apply, which it
 * calls, and prints for each kind the longest that a transaction took. The rows of the tests are the cases, the
 * largest that the limits allow among them; times are CPU times of the one thread, over a store in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ledger/ledger.h"
#include "ledger/tx/rules.h"

enum { KINDS = 256 };

struct spent {
    uint64_t count;
    double sum_us;
    double max_us; /* of a transaction */
    double max_unit_us;
};

static struct spent spent[KINDS];

static double now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void report(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        const struct tx_kind *row = tx_kind_of((Xuelian__TxKind)kind);
        if (row != NULL && spent[kind].count > 0) {
            printf("work %s count %llu mean_us %.1f max_us %.1f max_us_per_unit %.2f\n", row->name,
                   (unsigned long long)spent[kind].count,
                   spent[kind].sum_us / (double)spent[kind].count, spent[kind].max_us,
                   spent[kind].max_unit_us);
        }
    }
}

enum status __real_tx_apply(struct state *state, const struct block_context *context,
                            const struct tx *tx, struct tx_outcome *outcome);
enum status __wrap_tx_apply(struct state *state, const struct block_context *context,
                            const struct tx *tx, struct tx_outcome *outcome);

enum status __wrap_tx_apply(struct state *state, const struct block_context *context,
                            const struct tx *tx, struct tx_outcome *outcome)
{
    static bool begun;
    if (!begun) {
        begun = true;
        atexit(report);
    }
    double start = now_us();
    enum status status = __real_tx_apply(state, context, tx, outcome);
    double took = now_us() - start;
    struct spent *at = &spent[(uint32_t)tx->kind % KINDS];
    double unit = took / (double)ledger_work(tx);
    at->count++;
    at->sum_us += took;
    at->max_us = took > at->max_us ? took : at->max_us;
    at->max_unit_us = unit > at->max_unit_us ? unit : at->max_unit_us;
    return status;
}
