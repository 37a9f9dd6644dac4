#include "cli/submit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/flight.h"
#include "cli/progress.h"
#include "proto/bytes.h"
#include "proto/status.h"

enum { HOLD_MS = 5000, PAUSE_MS = 200 };

bool network_tip_ask(struct client *client, struct network_tip *tip, struct fault *fault)
{
    const struct client_request request = {.path = "/v1/network"};
    struct client_answer answer;
    if (!client_ask_any(client, &request, &answer, fault)) {
        return false;
    }
    json_t *said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
    bool fine = answer.http_status == 200 && json_is_object(said);
    if (fine) {
        tip->height = json_u64(said, "height");
        tip->validity_window = json_u64(said, "validity_window");
    } else if (answer.http_status == 200) {
        fault_set(fault, EXIT_NETWORK, "a node does not answer like one; is this its RPC port?",
                  "有节点的应答不像节点；这是它的 RPC 端口吗？");
    } else {
        client_problem(&answer, fault);
    }
    json_decref(said);
    client_answer_free(&answer);
    return fine;
}

static bool take_result(const struct flight_report *report, const char *hex,
                        struct submit_result *result, struct fault *fault)
{
    enum status code = (enum status)report->code;
    if (report->news == NEWS_COMMITTED) {
        result->height = report->height;
        result->code = report->code;
        result->item_code_count = report->code_count;
        memcpy(result->item_codes, report->codes, report->code_count * sizeof report->codes[0]);
        return true;
    }
    return fault_set(fault, EXIT_REFUSED, "transaction %s was refused: %s%.0s (%s)",
                     "交易 %s 被拒：%.0s%s（%s）", hex, status_en(code), status_zh(code),
                     status_name(code));
}

/* An answer about the transaction. True when it is the last word. */
static bool final_word(const struct client_answer *answer, uint32_t count,
                       struct flight_report *report)
{
    flight_read(report, answer->body, answer->body_size, count);
    return report->news == NEWS_COMMITTED || report->news == NEWS_REFUSED ||
           report->news == NEWS_EXPIRED;
}

bool submit_wait(struct client *client, const struct tx *tx, struct bytes parcel, uint64_t wait_ms,
                 struct submit_result *result, struct fault *fault)
{
    static struct flight_report report;
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000 * 1000};
    char hex[HEX_SIZE(32)];
    char path[128];
    hex_encode(hex, tx->id.bytes, 32);
    snprintf(path, sizeof path, "/v1/transactions?wait_ms=%d", HOLD_MS);
    /* The same request again asks for the state of one that is known already. */
    const struct client_request request = {
        .path = path, .body = parcel.data, .body_size = parcel.size};
    uint64_t started = clock_ms();
    bool last = false;
    while (!last && clock_ms() - started < wait_ms) {
        struct client_answer answer = {.reached = false};
        if (!client_ask_any(client, &request, &answer, fault)) {
            return false;
        }
        if (answer.http_status == 200) {
            last = final_word(&answer, tx->item_count, &report);
        } else if (answer.http_status != 429 && answer.http_status != 503) {
            client_problem(&answer, fault);
            client_answer_free(&answer);
            return false;
        }
        client_answer_free(&answer);
        if (!last) {
            nanosleep(&pause, NULL);
        }
    }
    return last ? take_result(&report, hex, result, fault)
                : fault_set(
                      fault, EXIT_NETWORK,
                      "transaction %s is not in a block yet; ask later with: xuelian tx show %s",
                      "交易 %s 尚未入块；请稍后用 xuelian tx show %s 查询", hex, hex);
}
