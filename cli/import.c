#include "cli/import.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/import_run.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/status.h"

enum {
    ROWS_A_TURN = 5000, /* rows without an item, before the network gets a turn again */
    TURN_MS = 50,
    FIRST_ANSWER_MS = 60000,
    /* Of details in one deposit: beside the largest transaction a submission has as much. */
    DETAILS_ROOM = LIMIT_SUBMISSION_SIZE_MAX - LIMIT_TX_SIZE_MAX - LIMIT_BULK_ITEMS_MAX * 4 - 16,
    LAST_ANSWERS_MS = 30000 /* what is on its way when a run stops is waited for so long */
};

static volatile sig_atomic_t stop_wanted;

static void want_stop(int number)
{
    (void)number;
    stop_wanted = 1;
}

void import_fail(struct import_run *run, const struct fault *fault, bool give_up)
{
    if (!run->failed) {
        run->failed = true;
        run->failed_ms = clock_ms();
        run->fault = *fault;
    }
    run->given_up = run->given_up || give_up;
}

void import_sign(struct import_run *run, struct flight *flight)
{
    const struct signer *signer = NULL;
    struct fault fault;
    uint64_t window = run->plan->genesis->message->params->validity_window;
    if (!keyring_signer(run->plan->keyring, flight->member, &signer, &fault) ||
        !flight_sign(flight, &run->plan->genesis->chain_id, run->height + window / 2 + 1, signer,
                     &fault)) {
        import_fail(run, &fault, false);
        return;
    }
    flight->state = FLIGHT_READY;
}

/* The network's height: a transaction says how long it may wait. */
bool import_ask_height(struct import_run *run, struct fault *fault)
{
    const struct client_request request = {.path = "/v1/network"};
    struct client_answer answer;
    if (!client_ask_any(run->plan->client, &request, &answer, fault)) {
        return false;
    }
    bool fine = answer.http_status == 200;
    if (fine) {
        json_t *said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
        uint64_t height = json_u64(said, "height");
        run->height = height > run->height ? height : run->height;
        fine =
            json_is_object(said) ||
            fault_set(fault, EXIT_NETWORK, "a node does not answer like one; is this its RPC port?",
                      "有节点的应答不像节点；这是它的 RPC 端口吗？");
        json_decref(said);
    } else {
        client_problem(&answer, fault);
    }
    client_answer_free(&answer);
    return fine;
}

/* Nodes that were started a moment ago are waited for. */
static bool wait_for_network(struct import_run *run, struct fault *fault)
{
    const struct timespec pause = {.tv_nsec = 500 * 1000 * 1000};
    uint64_t started = clock_ms();
    bool told = run->plan->quiet;
    while (!import_ask_height(run, fault)) {
        if (fault->code != EXIT_NETWORK || clock_ms() - started > FIRST_ANSWER_MS ||
            stop_wanted != 0) {
            return false;
        }
        if (!told) {
            fprintf(stderr, tr("%s Waiting up to a minute for one.\n", "%s 最多等待一分钟。\n"),
                    fault_text(fault));
            told = true;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

static void put_item(struct import_run *run, struct flight *flight)
{
    struct flight_row *row = &flight->rows[flight->count++];
    flight->member = run->item.member;
    flight->batch = run->item.batch;
    row->file = run->item.file;
    row->line = run->item.line;
    row->size = run->item.size;
    memcpy(row->bytes, run->item.bytes, run->item.size);
    row->details_size = flight->accounts ? 0 : run->item.details_size;
    row->details = NULL;
    if (row->details_size > 0) {
        row->details = malloc(row->details_size);
        CHECK(row->details != NULL);
        memcpy(row->details, run->item.details, row->details_size);
    }
    flight->details_size += row->details_size;
    run->has_item = false;
}

static void take_row(struct import_run *run)
{
    struct fault fault;
    enum source_event event = source_next(run->source, &run->item, &fault);
    run->counts->rows += event != SOURCE_END && event != SOURCE_FAILED;
    switch (event) {
    case SOURCE_ITEM:
        run->has_item = true;
        break;
    case SOURCE_SKIPPED:
        run->counts->skipped++;
        break;
    case SOURCE_REPEATED:
        run->counts->repeated++;
        break;
    case SOURCE_REFUSED:
        refusal_tell(run, run->item.file, run->item.line, 0, fault.en, fault.zh);
        break;
    case SOURCE_END:
        run->source_ended = true;
        break;
    case SOURCE_FAILED:
        run->source_ended = true;
        import_fail(run, &fault, false);
        break;
    }
}

/* Reads rows until a batch is whole. Returns false when there is nothing for this flight, yet or at all. */
static bool fill(struct import_run *run, struct flight *flight)
{
    for (uint32_t rows = 0; !run->source_ended && flight->count < LIMIT_BULK_ITEMS_MAX; rows++) {
        if (run->has_item) {
            if (flight->count > 0 &&
                (run->item.batch != flight->batch ||
                 flight->details_size + run->item.details_size > DETAILS_ROOM)) {
                break;
            }
            put_item(run, flight);
        }
        if (flight->count == 0 && rows > ROWS_A_TURN) {
            break;
        }
        if (flight->count < LIMIT_BULK_ITEMS_MAX) {
            take_row(run);
        }
    }
    return flight->count > 0;
}

/* Fills a free flight and decides what it needs: nothing, when an earlier run saw it recorded. */
static void start_flight(struct import_run *run, struct flight *flight)
{
    const struct import_plan *plan = run->plan;
    flight->accounts = run->part->accounts;
    if (!fill(run, flight)) {
        return;
    }
    flight_digest(flight);
    if (plan->client == NULL) {
        run->counts->recorded += flight->count;
        run->counts->transactions++;
        flight->state = FLIGHT_OVER;
    } else if (plan->resume != NULL && resume_has(plan->resume, &flight->digest)) {
        run->counts->already += flight->count;
        flight->state = FLIGHT_OVER;
    } else {
        import_sign(run, flight);
    }
}

/* One turn of all flights. Returns whether there is more to do. */
static bool turn(struct import_run *run)
{
    bool more = false;
    run->moved = false;
    if (stop_wanted != 0 && !run->failed) {
        struct fault fault;
        fault_set(&fault, EXIT_REFUSED,
                  "stopped as asked; what is recorded stays, run the same command again to go on",
                  "已按要求停止；已记录的内容不会丢失，重新运行同一命令即可继续");
        import_fail(run, &fault, false);
    }
    for (uint32_t i = 0; i < run->plan->in_flight && !run->given_up; i++) {
        struct flight *flight = &run->flights[i];
        if (flight->state == FLIGHT_OVER) {
            flight_clear(flight);
            run->moved = true;
        }
        if (flight->state == FLIGHT_FREE && !run->failed && (!run->source_ended || run->has_item)) {
            start_flight(run, flight);
        }
        /* When a run stops, what no node has is not sent. */
        bool wanted = flight->sent || !run->failed;
        if (wanted) {
            deliver(run, flight);
        }
        more = more || (wanted && flight->state != FLIGHT_FREE) ||
               (!run->failed && !run->source_ended);
    }
    bool late = run->failed && clock_ms() - run->failed_ms > LAST_ANSWERS_MS;
    return more && !run->given_up && !late;
}

static void show(struct import_run *run)
{
    progress_show(&run->progress, run->part->name, source_progress(run->source),
                  run->counts->recorded + run->counts->already, run->counts->refused);
}

/* Ends a part. Rows whose answer was not seen are counted as such. */
static void close_part(struct import_run *run)
{
    progress_clear(&run->progress);
    if (run->plan->client != NULL) {
        client_cancel_all(run->plan->client);
    }
    for (uint32_t i = 0; i < run->plan->in_flight; i++) {
        struct flight *flight = &run->flights[i];
        run->counts->unconfirmed += flight->state != FLIGHT_OVER ? flight->count : 0;
        flight_clear(flight);
    }
    run->counts->unconfirmed += run->has_item ? 1 : 0;
    run->has_item = false;
    source_close(run->source);
    run->source = NULL;
}

static void run_part(struct import_run *run, uint32_t part, const struct side_tables *tables,
                     struct import_result *result)
{
    const struct import_plan *plan = run->plan;
    struct fault fault;
    run->part = &plan->mapping->parts[part];
    run->counts = run->part->accounts ? &result->accounts : &result->outcomes;
    run->source_ended = false;
    run->settled_ms = clock_ms();
    if (!source_open(&run->source, plan->mapping, part, tables, plan->folder, plan->keyring,
                     plan->genesis, &fault)) {
        import_fail(run, &fault, true);
        return;
    }
    progress_start(&run->progress, plan->quiet);
    while (turn(run)) {
        if (plan->client != NULL) {
            client_run(plan->client, run->moved ? 0 : (int)TURN_MS);
            deliver_watch(run);
        }
        show(run);
    }
    close_part(run);
}

/* The first signal is a wish, the second the system's default. */
static void set_signals(struct sigaction before[2], bool on)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = want_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) {
        if (!on) {
            sigaction(numbers[i], &before[i], NULL);
        } else if (sigaction(numbers[i], NULL, &before[i]) == 0 &&
                   before[i].sa_handler != SIG_IGN) {
            sigaction(numbers[i], &action, NULL);
        }
    }
}

static void run_parts(struct import_run *run, struct import_result *result)
{
    struct side_tables tables;
    struct fault fault;
    const struct import_plan *plan = run->plan;
    if (!side_tables_read(&tables, plan->mapping, plan->folder, &fault)) {
        import_fail(run, &fault, true);
        return;
    }
    if (plan->client != NULL && !wait_for_network(run, &fault)) {
        import_fail(run, &fault, true);
    }
    for (uint32_t i = 0; i < plan->mapping->part_count && !run->failed; i++) {
        uint64_t started = clock_ms();
        run_part(run, i, &tables, result);
        result->outcome_ms += plan->mapping->parts[i].accounts ? 0 : clock_ms() - started;
    }
    side_tables_free(&tables);
}

bool import_run(const struct import_plan *plan, struct import_result *result, struct fault *fault)
{
    struct sigaction before[2] = {{.sa_flags = 0}};
    struct import_run *run = calloc(1, sizeof *run);
    struct flight *flights = calloc(plan->in_flight, sizeof *flights);
    *result = (struct import_result){.outcome_ms = 0};
    if (run == NULL || flights == NULL) {
        free(run);
        free(flights);
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    run->plan = plan;
    run->flights = flights;
    for (uint32_t i = 0; i < plan->in_flight; i++) {
        flights[i].run = run;
    }
    stop_wanted = 0;
    set_signals(before, true);
    run_parts(run, result);
    set_signals(before, false);
    bool fine = !run->failed;
    if (!fine) {
        *fault = run->fault;
    }
    free(flights);
    free(run);
    return fine;
}
