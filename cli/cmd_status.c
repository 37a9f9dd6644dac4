/* xuelian status: how nodes see the network. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/evidence.h"
#include "cli/names.h"

static const struct argp_option options[] = {
    CONNECTION_OPTIONS,
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    if (connection_set(values, key, text, fault)) {
        return true;
    }
    return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
}

static uint64_t connected_count(const json_t *said)
{
    uint64_t count = 0;
    size_t i = 0;
    const json_t *peer = NULL;
    json_array_foreach(json_field(said, "peers"), i, peer)
    {
        count += json_is_true(json_field(peer, "connected"));
    }
    return count;
}

static void print_node(const char *url, const json_t *said)
{
    char when[NAME_SIZE];
    const char *text = json_string_value(json_field(said, "text"));
    printf("%s\n", url);
    printf(tr("  height %" PRIu64 " at %s, view %" PRIu64 ", led by member %" PRIu64 "\n",
              "  高度 %" PRIu64 "，时间 %s，视图 %" PRIu64 "，主节点为机构 %" PRIu64 "\n"),
           json_u64(said, "height"), time_format(json_u64(said, "time_ms"), when),
           json_u64(said, "view"), json_u64(said, "primary"));
    printf(tr("  %" PRIu64 " validators, %" PRIu64 " make a quorum, %" PRIu64 " peers connected, "
              "%" PRIu64 " transactions waiting%s%s\n",
              "  %" PRIu64 " 个验证者，法定数 %" PRIu64 "，已连接 %" PRIu64 " 个节点，%" PRIu64
              " 笔交易等待中%s%s\n"),
           json_u64(said, "validators"), json_u64(said, "quorum"), connected_count(said),
           json_u64(said, "pool_count"),
           json_is_true(json_field(said, "catching_up")) ? tr("; catching up", "；正在追赶") : "",
           json_is_true(json_field(said, "voting")) ? "" : tr("; not voting", "；未参与投票"));
    if (text != NULL && text[0] != '\0') {
        printf("  %s\n", text);
    }
}

/* What it keeps against validators; NULL when it does not say. */
static json_t *ask_evidence(struct client *client, uint32_t node)
{
    const struct client_request request = {.path = "/v1/evidence"};
    struct client_answer answer;
    json_t *said = NULL;
    client_ask(client, node, &request, &answer);
    if (answer.reached && answer.http_status == 200) {
        said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
    }
    client_answer_free(&answer);
    return said;
}

/* What is wrong is said last, where it is seen. */
static void print_evidence(const json_t *said)
{
    size_t count = json_array_size(json_field(said, "evidence"));
    if (count > 0) {
        printf(tr("  %zu pieces of evidence against validators:\n",
                  "  针对验证者的作恶证据 %zu 份：\n"),
               count);
        evidence_print_list(said, "    ");
    }
}

/* Asks one node. Returns the exit code that this alone would mean. */
static int ask(struct client *client, uint32_t node, json_t *list)
{
    const struct client_request request = {.path = "/v1/network"};
    struct client_answer answer;
    struct fault fault;
    const char *url = client_node_url(client, node);
    json_t *said = NULL;
    json_t *evidence = NULL;
    client_ask(client, node, &request, &answer);
    if (answer.distrusted) {
        fault_set(&fault, EXIT_REFUSED, "%s cannot be believed: %s", "%s 不可信：%s", url,
                  answer.failure);
    } else if (!answer.reached) {
        fault_set(&fault, EXIT_NETWORK, "%s does not answer: %s", "%s 没有应答：%s", url,
                  answer.failure);
    } else if (answer.http_status != 200) {
        client_problem(&answer, &fault);
    } else {
        said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(said)) {
            json_decref(said);
            said = NULL;
            fault_set(&fault, EXIT_NETWORK, "%s does not answer like a node; is this its RPC port?",
                      "%s 的应答不像节点；这是它的 RPC 端口吗？", url);
        }
    }
    client_answer_free(&answer);
    if (said != NULL) {
        evidence = ask_evidence(client, node);
    }
    if (json_wanted()) {
        json_array_append_new(list, said != NULL
                                        ? json_pack("{s:s, s:b, s:O, s:O*}", "url", url, "reached",
                                                    1, "network", said, "evidence",
                                                    json_field(evidence, "evidence"))
                                        : json_pack("{s:s, s:b, s:s}", "url", url, "reached", 0,
                                                    "reason", fault_text(&fault)));
    } else if (said != NULL) {
        print_node(url, said);
        print_evidence(evidence);
    } else {
        fault_print(&fault);
    }
    int code = said != NULL ? EXIT_OK : (int)fault.code;
    json_decref(evidence);
    json_decref(said);
    return code;
}

int command_status(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options,
        .text = "Asks each node how it sees the network. Ends with 3 when one does not answer.|"
                "询问每个节点的网络状态。若有节点没有应答，退出码为 3。",
        .set = set};
    struct connection_values values = {.network = NULL};
    struct connection connection;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!connection_open(&connection, &values, false, true, &fault)) {
        return fault_print(&fault);
    }
    json_t *list = json_array();
    code = EXIT_OK;
    for (uint32_t i = 0; i < client_node_count(connection.client); i++) {
        int one = ask(connection.client, i, list);
        code = one != EXIT_OK ? one : code;
    }
    if (json_wanted()) {
        json_print(json_incref(list));
    }
    json_decref(list);
    connection_close(&connection);
    return code;
}
