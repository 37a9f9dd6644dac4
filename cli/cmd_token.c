/* xuelian token: what another program sends to a node to say who reads. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/maker.h"
#include "cli/reader.h"
#include "proto/bytes.h"
#include "proto/json/json.h"
#include "proto/json/token.h"

struct token_values {
    struct connection_values connection;
    struct reader_values reader;
    const char *learner;
};

static const struct argp_option options[] = {
    READER_AS_OPTION,
    MAKER_KEY_OPTIONS,
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct token_values *chosen = values;
    if (reader_set(&chosen->reader, key, text, fault) ||
        connection_set(&chosen->connection, key, text, fault)) {
        return true;
    }
    if (fault->code != EXIT_OK || chosen->learner != NULL) {
        return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
    }
    chosen->learner = text;
    return true;
}

static bool check(const struct token_values *values, struct hash32 *learner, struct fault *fault)
{
    if (values->reader.as == NULL) {
        return fault_set(fault, EXIT_USAGE, "who reads? Give --as N, or --as learner",
                         "由谁读取？请给出 --as N 或 --as learner");
    }
    if (values->learner == NULL) {
        return strcmp(values->reader.as, "learner") != 0 ||
               fault_set(fault, EXIT_USAGE, "--as learner needs the learner's id",
                         "--as learner 需要学习者编号");
    }
    return hex_decode(learner->bytes, 32, values->learner, strlen(values->learner)) == ST_OK ||
           fault_set(fault, EXIT_USAGE, "a learner id is 64 hex characters, not %.80s",
                     "学习者编号为 64 个十六进制字符，而不是 %.80s", values->learner);
}

static bool print(const struct connection *connection, struct fault *fault)
{
    char text[TOKEN_SIZE_MAX];
    char why[CLIENT_FAILURE_SIZE];
    struct token token;
    if (!client_token(connection->client, 0, text, &token, why)) {
        return fault_set(fault, EXIT_NETWORK, "%s: %s", "%s：%s",
                         client_node_url(connection->client, 0), why);
    }
    if (json_wanted()) {
        json_print(json_pack("{s:s, s:s, s:o}", "node", client_node_url(connection->client, 0),
                             "token", text, "expires_s", json_of_u64(token.expires_s)));
    } else {
        printf("%s\n", text);
    }
    return true;
}

int command_token(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options,
        .arguments = "[LEARNER]",
        .text = "Prints a token that says who reads, for one node and five minutes; send it as "
                "Authorization: Bearer TOKEN.|"
                "输出表明读取者身份的令牌，仅对一个节点有效五分钟；以 Authorization: Bearer TOKEN "
                "发送。",
        .set = set};
    struct token_values values = {.learner = NULL};
    struct connection connection;
    struct reading reading = {.hands = {.keyring = NULL}};
    struct hash32 learner = {{0}};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!check(&values, &learner, &fault) ||
        !connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    code = reading_open(&reading, &values.reader, &connection, &learner, &fault) &&
                   print(&connection, &fault)
               ? EXIT_OK
               : fault_print(&fault);
    connection_close(&connection);
    reading_close(&reading);
    return code;
}
