/* A flight's way: submitted to a node, asked for, and to another node when one fails.
 *
 * The same signed bytes may go to several nodes: an id is committed once. So whatever is unclear (no answer,
 * a node that lost its pool, one that is cut off from the others) is answered by sending them again. Only
 * when a node says that the last height has passed without it is a flight signed anew. */
#include <stdlib.h>
#include <string.h>

#include "cli/import_run.h"
#include "proto/bytes.h"
#include "proto/status.h"

enum {
    WAIT_MS = 10000, /* a node is asked to hold its answer so long */
    PAUSE_MS = 200,  /* after "busy", times the attempt */
    PAUSE_MAX_MS = 2000,
    NODE_REST_MS =
        1000, /* a node that did not answer is left alone so long, twice as long each time */
    NODE_REST_MAX_MS = 16000,
    ELSEWHERE_MS = 15000, /* a flight that waits so long at one node is sent to another too */
    GIVE_UP_MS = 60000,   /* without any answer */
    STALL_MS = 20000      /* without any batch settled */
};

static void settle_row(struct import_run *run, struct flight *flight, const struct flight_row *row,
                       uint32_t code)
{
    if (code == ST_OK) {
        run->counts->recorded++;
    } else if (code == ST_DUPLICATE || code == ST_ACCOUNT_EXISTS) {
        run->counts->already++;
    } else {
        flight->refused++;
        refusal_tell_code(run, row, code);
    }
}

/* A batch with a refused row is not remembered: the next run asks, and tells, again. */
static void settled(struct import_run *run, struct flight *flight)
{
    struct fault fault;
    flight->state = FLIGHT_OVER;
    run->settled_ms = clock_ms();
    if (run->plan->resume != NULL && flight->refused == 0 &&
        !resume_add(run->plan->resume, &flight->digest, &fault)) {
        import_fail(run, &fault, false);
    }
}

void deliver_settle_all(struct import_run *run, struct flight *flight, uint32_t code)
{
    for (uint32_t i = 0; i < flight->count; i++) {
        settle_row(run, flight, &flight->rows[i], code);
    }
    settled(run, flight);
}

static void settle(struct import_run *run, struct flight *flight,
                   const struct flight_report *report)
{
    run->counts->transactions++;
    if (report->code != ST_OK || report->code_count == 0) {
        deliver_settle_all(run, flight, report->code);
        return;
    }
    for (uint32_t i = 0; i < flight->count; i++) {
        settle_row(run, flight, &flight->rows[i], report->codes[i]);
    }
    settled(run, flight);
}

static void pause_flight(struct flight *flight, enum flight_state state)
{
    uint64_t pause = (uint64_t)PAUSE_MS * ++flight->attempts;
    flight->not_before_ms = clock_ms() + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    flight->state = state;
}

static void heard(struct import_run *run, const struct flight *flight)
{
    run->silent_since_ms = 0;
    run->nodes[flight->node].failures = 0;
}

/* No answer, or not one of a node: the node rests, the flight tries another. */
static void lose_node(struct import_run *run, struct flight *flight, const char *why)
{
    struct fault fault;
    struct import_node *node = &run->nodes[flight->node];
    uint64_t now = clock_ms();
    uint64_t rest = (uint64_t)NODE_REST_MS << (node->failures < 4 ? node->failures : 4);
    /* Several flights lose a node together; that is one failure. */
    if (node->rest_until_ms <= now) {
        node->failures++;
        node->rest_until_ms = now + (rest < NODE_REST_MAX_MS ? rest : NODE_REST_MAX_MS);
    }
    flight->state = FLIGHT_READY;
    run->silent_since_ms = run->silent_since_ms != 0 ? run->silent_since_ms : now;
    if (now - run->silent_since_ms > GIVE_UP_MS) {
        fault_set(&fault, EXIT_NETWORK,
                  "no node answered for a minute (%s: %s); what is recorded stays, run the same "
                  "command again to go on",
                  "一分钟内没有节点应答（%s：%s）；已记录的内容不会丢失，请稍后重新运行同一命令",
                  client_node_url(run->plan->client, flight->node), why);
        import_fail(run, &fault, true);
    }
}

/* The last height of a flight has passed, or is too far: with a newer one it goes again. */
static void sign_again(struct import_run *run, struct flight *flight)
{
    struct fault fault;
    if (!import_ask_height(run, &fault)) {
        flight->doubtful = true;
        pause_flight(flight, FLIGHT_ASK);
        return;
    }
    flight->doubtful = false;
    import_sign(run, flight);
    pause_flight(flight, FLIGHT_READY);
}

static void stop_at_node(struct import_run *run, const struct flight *flight, const char *en,
                         const char *zh)
{
    struct fault fault;
    fault_set(&fault, EXIT_REFUSED, "%s %s%.0s", "%s %.0s%s",
              client_node_url(run->plan->client, flight->node), en, zh);
    import_fail(run, &fault, true);
}

/* A refusal with a stable code, from a submission or a status. */
static void take_code(struct import_run *run, struct flight *flight, uint32_t code)
{
    if (code == ST_WRONG_CHAIN) {
        stop_at_node(run, flight,
                     "belongs to another network than this genesis file; give the right one",
                     "与此创世文件不属于同一网络；请给出正确的创世文件");
    } else if (code == ST_EXPIRED || code == ST_TOO_FAR) {
        /* It may be in a block all the same, by way of another node: that is asked first. */
        flight->doubtful = true;
        flight->state = FLIGHT_ASK;
    } else if (code == ST_ID_USED) {
        flight->state = FLIGHT_ASK;
    } else if (status_known(code) && status_class((enum status)code) == STATUS_CLASS_AGAIN) {
        pause_flight(flight, FLIGHT_READY);
    } else if (status_known(code) && status_class((enum status)code) == STATUS_CLASS_FATAL) {
        lose_node(run, flight, status_en((enum status)code)); /* its trouble, not the row's */
    } else {
        deliver_settle_all(run, flight, code);
    }
}

static void take_report(struct import_run *run, struct flight *flight,
                        const struct flight_report *report)
{
    run->height = report->height > run->height ? report->height : run->height;
    if (flight->doubtful && report->news != NEWS_COMMITTED && report->news != NEWS_PENDING) {
        sign_again(run, flight);
        return;
    }
    switch (report->news) {
    case NEWS_COMMITTED:
        settle(run, flight, report);
        break;
    case NEWS_REFUSED:
        take_code(run, flight, report->code);
        break;
    case NEWS_EXPIRED:
        sign_again(run, flight);
        break;
    case NEWS_PENDING:
        flight->attempts = 0;
        flight->state =
            clock_ms() - flight->submitted_ms > ELSEWHERE_MS ? FLIGHT_READY : FLIGHT_ASK;
        break;
    case NEWS_UNKNOWN:
        pause_flight(flight, FLIGHT_READY); /* the node lost it: the same bytes again */
        break;
    case NEWS_UNREADABLE:
        lose_node(run, flight, "not a status of a transaction");
        break;
    }
}

/* Not 2xx: a problem with a code, or with the request itself. */
static void take_problem(struct import_run *run, struct flight *flight,
                         const struct client_answer *answer)
{
    struct fault fault;
    uint32_t code = client_problem(answer, &fault);
    bool request_wrong = answer->http_status == 400 || answer->http_status == 404 ||
                         answer->http_status == 405 || answer->http_status == 413;
    if (request_wrong && code != ST_WRONG_CHAIN) {
        stop_at_node(run, flight,
                     "does not understand this program's questions; is it the RPC port of a node "
                     "of the same version?",
                     "不理解本程序的请求；这是同一版本节点的 RPC 端口吗？");
    } else if (answer->http_status == 429 || answer->http_status == 503) {
        heard(run, flight);
        pause_flight(flight, flight->state == FLIGHT_SENT ? FLIGHT_READY : FLIGHT_ASK);
    } else if (code != 0) {
        heard(run, flight);
        take_code(run, flight, code);
    } else {
        lose_node(run, flight, fault.en);
    }
}

/* Both questions are answered alike: a status, or a problem. */
static void take_answer(void *context, struct client_answer *answer)
{
    static struct flight_report report;
    struct flight *flight = context;
    struct import_run *run = flight->run;
    if (!answer->reached) {
        lose_node(run, flight, answer->failure);
    } else if (answer->http_status >= 200 && answer->http_status < 300) {
        flight_read(&report, answer->body, answer->body_size, flight->count);
        if (report.news != NEWS_UNREADABLE) {
            heard(run, flight);
        }
        take_report(run, flight, &report);
    } else {
        take_problem(run, flight, answer);
    }
    client_answer_free(answer);
}

/* The next node that is not resting. False when all are; *until is when one has rested. */
static bool choose_node(struct import_run *run, uint32_t *node, uint64_t *until)
{
    uint32_t count = client_node_count(run->plan->client);
    uint64_t now = clock_ms();
    *until = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        *node = (run->next_node + i) % count;
        uint64_t rest = run->nodes[*node].rest_until_ms;
        if (rest <= now) {
            run->next_node = *node + 1;
            return true;
        }
        *until = rest < *until ? rest : *until;
    }
    return false;
}

void deliver(struct import_run *run, struct flight *flight)
{
    char id[HEX_SIZE(32)];
    struct client_request request = {.path = flight->path};
    bool submit = flight->state == FLIGHT_READY;
    if ((!submit && flight->state != FLIGHT_ASK) || flight->not_before_ms > clock_ms()) {
        return;
    }
    if (submit) {
        uint64_t until = 0;
        if (!choose_node(run, &flight->node, &until)) {
            flight->not_before_ms = until;
            return;
        }
        request.body = flight->tx;
        request.body_size = flight->tx_size;
        flight->submitted_ms = clock_ms();
        flight->sent = true;
        snprintf(flight->path, sizeof flight->path, "/v1/transactions?wait_ms=%d", WAIT_MS);
    } else {
        hex_encode(id, flight->id.bytes, 32);
        snprintf(flight->path, sizeof flight->path, "/v1/transactions/%s?wait_ms=%d", id,
                 flight->doubtful ? 0 : WAIT_MS);
    }
    flight->state = submit ? FLIGHT_SENT : FLIGHT_WAITING;
    char why[CLIENT_FAILURE_SIZE];
    if (!client_start(run->plan->client, flight->node, &request, take_answer, flight, why)) {
        lose_node(run, flight, why);
    }
}

void deliver_watch(struct import_run *run)
{
    uint64_t now = clock_ms();
    bool waiting = false;
    for (uint32_t i = 0; i < run->plan->in_flight; i++) {
        waiting = waiting || run->flights[i].sent;
    }
    if (!waiting) {
        run->settled_ms = now;
    }
    if (now - run->settled_ms < STALL_MS) {
        return;
    }
    run->settled_ms = now;
    if (!run->plan->quiet) {
        progress_clear(&run->progress);
        fprintf(stderr, "%s\n",
                run->silent_since_ms != 0
                    ? tr("nodes do not answer; still trying (xuelian status says which)",
                         "节点没有应答；仍在尝试（用 xuelian status 查看）")
                    : tr("nothing was committed for 20 s: nodes answer but do not agree yet; still "
                         "waiting (xuelian status says whom they wait for)",
                         "20 秒内没有提交：节点有应答但尚未达成一致；仍在等待（用 xuelian status "
                         "查看在等谁）"));
    }
}
