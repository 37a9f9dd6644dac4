#include "cli/import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flight.h"
#include "cli/progress.h"
#include "proto/bytes.h"

enum {
    WAIT_MS = 10000, /* a node is asked to hold its answer so long */
    PAUSE_MS = 200,  /* after "busy", times the attempt */
    PAUSE_MAX_MS = 2000,
    NODE_REST_MS = 3000, /* a node that did not answer is left alone so long */
    GIVE_UP_MS = 60000,  /* without any answer */
    SHOWN_REFUSALS_MAX = 20,
    ROWS_A_TURN = 5000 /* rows without an item, before the network gets a turn again */
};

/* One run. */
struct import {
    const struct import_plan *plan;
    struct import_counts *counts; /* of the part's kind */
    const struct map_part *part;
    struct source *source;
    bool source_ended;
    bool has_item; /* `item` was read and belongs to the next batch */
    struct source_item item;
    struct flight *flights;
    uint64_t height; /* the highest seen */
    uint32_t next_node;
    uint64_t rest_until_ms[CLIENT_NODES_MAX];
    uint64_t answered_ms;
    uint32_t shown_refusals;
    struct progress progress;
    bool failed;
    struct fault fault;
};

static void fail(struct import *import, const struct fault *fault)
{
    if (!import->failed) {
        import->failed = true;
        import->fault = *fault;
    }
}

static void put_csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

/* Counts and tells a refused row. code 0: refused here, by the mapping. */
static void refuse_row(struct import *import, const char *file, uint32_t line, uint32_t code,
                       const char *en, const char *zh)
{
    const struct import_plan *plan = import->plan;
    const char *name = code == 0 ? "-" : status_name((enum status)code);
    import->counts->refused++;
    if (plan->report != NULL) {
        put_csv_text(plan->report, import->part->name);
        fputc(',', plan->report);
        put_csv_text(plan->report, file);
        fprintf(plan->report, ",%" PRIu32 ",%" PRIu32 ",%s,", line, code, name);
        put_csv_text(plan->report, en);
        fputc(',', plan->report);
        put_csv_text(plan->report, zh);
        fputc('\n', plan->report);
    }
    if (plan->quiet || import->shown_refusals > SHOWN_REFUSALS_MAX) {
        return;
    }
    progress_clear(&import->progress);
    if (import->shown_refusals == SHOWN_REFUSALS_MAX) {
        fprintf(stderr, "%s\n",
                tr("... more refused rows: --report FILE lists all of them",
                   "……更多被拒的行：用 --report FILE 列出全部"));
    } else {
        fprintf(stderr,
                tr("%s, line %u: refused: %s%.0s%s%s%s\n", "%s 第 %u 行被拒：%.0s%s%s%s%s\n"), file,
                (unsigned)line, en, zh, code == 0 ? "" : " (", code == 0 ? "" : name,
                code == 0 ? "" : ")");
    }
    import->shown_refusals++;
}

static const char *code_en(uint32_t code)
{
    return status_known(code) ? status_en((enum status)code)
                              : "a reason that this program does not know; use a newer one";
}

static const char *code_zh(uint32_t code)
{
    return status_known(code) ? status_zh((enum status)code) : "本程序不认识的原因；请使用较新版本";
}

/* The ledger's word on one row. */
static void settle_row(struct import *import, const struct flight_row *row, uint32_t code)
{
    if (code == ST_OK) {
        import->counts->recorded++;
    } else if (code == ST_DUPLICATE || code == ST_ACCOUNT_EXISTS) {
        import->counts->already++;
    } else {
        refuse_row(import, row->file, row->line, code, code_en(code), code_zh(code));
    }
}

static void settle_all(struct import *import, struct flight *flight, uint32_t code)
{
    for (uint32_t i = 0; i < flight->count; i++) {
        settle_row(import, &flight->rows[i], code);
    }
    flight->state = FLIGHT_OVER;
}

static void settle(struct import *import, struct flight *flight, const struct flight_report *report)
{
    import->counts->transactions++;
    if (report->code != ST_OK || report->code_count == 0) {
        settle_all(import, flight, report->code);
        return;
    }
    for (uint32_t i = 0; i < flight->count; i++) {
        settle_row(import, &flight->rows[i], report->codes[i]);
    }
    flight->state = FLIGHT_OVER;
}

static void pause_flight(struct flight *flight, enum flight_state state)
{
    uint64_t pause = (uint64_t)PAUSE_MS * ++flight->attempts;
    flight->not_before_ms = clock_ms() + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    flight->state = state;
}

/* Signs it anew and lets it be sent: at first, and when its last height has passed. */
static void sign_flight(struct import *import, struct flight *flight)
{
    const struct signer *signer = NULL;
    struct fault fault;
    uint64_t window = import->plan->genesis->message->params->validity_window;
    if (!keyring_signer(import->plan->keyring, flight->member, &signer, &fault) ||
        !flight_sign(flight, &import->plan->genesis->chain_id, import->height + window / 2 + 1,
                     signer, &fault)) {
        fail(import, &fault);
        return;
    }
    flight->state = FLIGHT_READY;
}

/* No answer, or not one of a node: the node rests, the flight tries another. The same bytes may be in a
 * block already; the next node will say so. */
static void lose_node(struct import *import, struct flight *flight, const char *why)
{
    struct fault fault;
    uint64_t now = clock_ms();
    import->rest_until_ms[flight->node] = now + NODE_REST_MS;
    flight->state = FLIGHT_READY;
    flight->not_before_ms = now + (client_node_count(import->plan->client) > 1 ? 0 : PAUSE_MS);
    if (now - import->answered_ms > GIVE_UP_MS) {
        fault_set(&fault, EXIT_NETWORK,
                  "no node answered for a minute (%s: %s); what is recorded stays, run the same "
                  "command again to go on",
                  "一分钟内没有节点应答（%s：%s）；已记录的内容不会丢失，请稍后重新运行同一命令",
                  client_node_url(import->plan->client, flight->node), why);
        fail(import, &fault);
    }
}

/* A refusal with a stable code, from a submission or a status. */
static void take_code(struct import *import, struct flight *flight, uint32_t code)
{
    struct fault fault;
    if (code == ST_WRONG_CHAIN) {
        fault_set(&fault, EXIT_REFUSED,
                  "%s belongs to another network than this genesis file; give the right one",
                  "%s 与此创世文件不属于同一网络；请给出正确的创世文件",
                  client_node_url(import->plan->client, flight->node));
        fail(import, &fault);
    } else if (code == ST_EXPIRED || code == ST_TOO_FAR) {
        /* The height known here was wrong; the next answer to a status has a better one. */
        sign_flight(import, flight);
        pause_flight(flight, FLIGHT_READY);
    } else if (code == ST_ID_USED) {
        flight->state = FLIGHT_ASK;
    } else if (status_known(code) && status_class((enum status)code) == STATUS_CLASS_AGAIN) {
        pause_flight(flight, FLIGHT_READY);
    } else if (status_known(code) && status_class((enum status)code) == STATUS_CLASS_FATAL) {
        lose_node(import, flight, status_en((enum status)code)); /* its trouble, not the row's */
    } else {
        settle_all(import, flight, code);
    }
}

static void take_report(struct import *import, struct flight *flight,
                        const struct flight_report *report)
{
    import->height = report->height > import->height ? report->height : import->height;
    switch (report->news) {
    case NEWS_COMMITTED:
        settle(import, flight, report);
        break;
    case NEWS_REFUSED:
        take_code(import, flight, report->code);
        break;
    case NEWS_EXPIRED:
        sign_flight(import, flight);
        break;
    case NEWS_PENDING:
        flight->attempts = 0;
        flight->state = FLIGHT_ASK;
        break;
    case NEWS_UNKNOWN:
        pause_flight(flight, FLIGHT_READY); /* the node lost it: the same bytes again */
        break;
    case NEWS_UNREADABLE:
        lose_node(import, flight, "not a status of a transaction");
        break;
    }
}

/* Both questions are answered alike: a status, or a problem. */
static void take_answer(void *context, struct client_answer *answer)
{
    static struct flight_report report;
    struct flight *flight = context;
    struct import *import = flight->import;
    struct fault fault;
    uint32_t code = 0;
    if (!answer->reached) {
        lose_node(import, flight, answer->failure);
    } else if (answer->http_status >= 200 && answer->http_status < 300) {
        import->answered_ms = clock_ms();
        flight_read(&report, answer->body, answer->body_size, flight->count);
        take_report(import, flight, &report);
    } else {
        code = client_problem(answer, &fault);
        if (code == ST_NOT_FOUND) {
            pause_flight(flight, FLIGHT_READY);
        } else if (code != 0) {
            import->answered_ms = clock_ms();
            take_code(import, flight, code);
        } else if (answer->http_status == 429) {
            pause_flight(flight, flight->state == FLIGHT_SENT ? FLIGHT_READY : FLIGHT_ASK);
        } else {
            lose_node(import, flight, fault.en);
        }
    }
    client_answer_free(answer);
}

/* The next node that is not resting; when all are, the next one. */
static uint32_t choose_node(struct import *import)
{
    uint32_t count = client_node_count(import->plan->client);
    uint64_t now = clock_ms();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = (import->next_node + i) % count;
        if (import->rest_until_ms[node] <= now) {
            import->next_node = node + 1;
            return node;
        }
    }
    return import->next_node++ % count;
}

static void move_flight(struct import *import, struct flight *flight)
{
    char id[HEX_SIZE(32)];
    struct client_request request = {.path = flight->path};
    bool submit = flight->state == FLIGHT_READY;
    if ((!submit && flight->state != FLIGHT_ASK) || flight->not_before_ms > clock_ms()) {
        return;
    }
    if (submit) {
        flight->node = choose_node(import);
        request.body = flight->tx;
        request.body_size = flight->tx_size;
        snprintf(flight->path, sizeof flight->path, "/v1/transactions");
    } else {
        hex_encode(id, flight->id.bytes, 32);
        snprintf(flight->path, sizeof flight->path, "/v1/transactions/%s?wait_ms=%d", id, WAIT_MS);
    }
    flight->state = submit ? FLIGHT_SENT : FLIGHT_WAITING;
    if (!client_start(import->plan->client, flight->node, &request, take_answer, flight)) {
        lose_node(import, flight, tr("cannot be reached", "无法连接"));
    }
}

/* Reads rows until a batch is whole. Returns false when there is nothing for this flight. */
static bool fill(struct import *import, struct flight *flight)
{
    struct fault fault;
    for (uint32_t rows = 0; !import->source_ended && flight->count < LIMIT_BULK_ITEMS_MAX; rows++) {
        if (import->has_item) {
            if (flight->count > 0 && import->item.batch != flight->batch) {
                return true;
            }
            struct flight_row *row = &flight->rows[flight->count++];
            flight->member = import->item.member;
            flight->batch = import->item.batch;
            row->file = import->item.file;
            row->line = import->item.line;
            row->size = import->item.size;
            memcpy(row->bytes, import->item.bytes, import->item.size);
            import->has_item = false;
        }
        if (flight->count == 0 && rows > ROWS_A_TURN) {
            return false;
        }
        enum source_event event = source_next(import->source, &import->item, &fault);
        import->counts->rows += event != SOURCE_END && event != SOURCE_FAILED;
        switch (event) {
        case SOURCE_ITEM:
            import->has_item = true;
            break;
        case SOURCE_SKIPPED:
            import->counts->skipped++;
            break;
        case SOURCE_REPEATED:
            import->counts->repeated++;
            break;
        case SOURCE_REFUSED:
            refuse_row(import, import->item.file, import->item.line, 0, fault.en, fault.zh);
            break;
        case SOURCE_END:
            import->source_ended = true;
            break;
        case SOURCE_FAILED:
            import->source_ended = true;
            fail(import, &fault);
            break;
        }
    }
    return flight->count > 0;
}

static void show(struct import *import)
{
    progress_show(&import->progress, import->part->name, source_progress(import->source),
                  import->counts->recorded + import->counts->already, import->counts->refused);
}

/* One turn of all flights. Returns whether there is more to do. */
static bool turn(struct import *import)
{
    bool more = false;
    for (uint32_t i = 0; i < import->plan->in_flight && !import->failed; i++) {
        struct flight *flight = &import->flights[i];
        if (flight->state == FLIGHT_OVER) {
            flight_clear(flight);
        }
        if (flight->state == FLIGHT_FREE && (!import->source_ended || import->has_item)) {
            flight->accounts = import->part->accounts;
            if (fill(import, flight) && !import->failed) {
                sign_flight(import, flight);
            }
        }
        if (import->plan->client == NULL && flight->state == FLIGHT_READY) {
            import->counts->transactions++;
            settle_all(import, flight, ST_OK);
        } else {
            move_flight(import, flight);
        }
        more = more || flight->state != FLIGHT_FREE || !import->source_ended;
    }
    return more && !import->failed;
}

static void run_part(struct import *import, uint32_t part, const struct side_tables *tables,
                     struct import_result *result)
{
    const struct import_plan *plan = import->plan;
    struct fault fault;
    import->part = &plan->mapping->parts[part];
    import->counts = import->part->accounts ? &result->accounts : &result->outcomes;
    import->source_ended = false;
    import->has_item = false;
    import->answered_ms = clock_ms();
    if (!source_open(&import->source, plan->mapping, part, tables, plan->folder, plan->keyring,
                     plan->genesis, &fault)) {
        fail(import, &fault);
        return;
    }
    progress_start(&import->progress, plan->quiet);
    while (turn(import)) {
        if (plan->client != NULL) {
            client_run(plan->client, 50);
        }
        show(import);
    }
    progress_clear(&import->progress);
    if (plan->client != NULL) {
        client_cancel_all(plan->client);
    }
    for (uint32_t i = 0; i < plan->in_flight; i++) {
        flight_clear(&import->flights[i]);
    }
    source_close(import->source);
    import->source = NULL;
}

/* The height of the network: a transaction says how long it may wait. */
static bool ask_height(struct import *import, struct fault *fault)
{
    const struct client_request request = {.path = "/v1/network"};
    struct client_answer answer;
    if (!client_ask_any(import->plan->client, &request, &answer, fault)) {
        return false;
    }
    bool fine = answer.http_status == 200;
    if (fine) {
        json_t *said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
        import->height = json_u64(said, "height");
        json_decref(said);
    } else {
        client_problem(&answer, fault);
    }
    client_answer_free(&answer);
    return fine;
}

bool import_run(const struct import_plan *plan, struct import_result *result, struct fault *fault)
{
    struct import *import = calloc(1, sizeof *import);
    struct side_tables *tables = calloc(1, sizeof *tables);
    struct flight *flights = calloc(plan->in_flight, sizeof *flights);
    *result = (struct import_result){.outcome_ms = 0};
    bool fine = import != NULL && tables != NULL && flights != NULL;
    if (!fine) {
        fault_set(fault, EXIT_IO, "out of memory", "内存不足");
        goto out;
    }
    import->plan = plan;
    import->flights = flights;
    for (uint32_t i = 0; i < plan->in_flight; i++) {
        flights[i].import = import;
    }
    fine = side_tables_read(tables, plan->mapping, plan->folder, fault) &&
           (plan->client == NULL || ask_height(import, fault));
    for (uint32_t i = 0; fine && i < plan->mapping->part_count && !import->failed; i++) {
        uint64_t started = clock_ms();
        run_part(import, i, tables, result);
        result->outcome_ms += plan->mapping->parts[i].accounts ? 0 : clock_ms() - started;
    }
    if (fine && import->failed) {
        *fault = import->fault;
        fine = false;
    }
    side_tables_free(tables);
out:
    free(flights);
    free(tables);
    free(import);
    return fine;
}
