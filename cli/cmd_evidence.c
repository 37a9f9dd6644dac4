/* xuelian evidence: what nodes keep against validators; checked, and put on the chain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/evidence.h"
#include "cli/maker.h"
#include "proto/bytes.h"

enum { EVIDENCE_ID_SIZE = 40 };

struct evidence_values {
    struct connection_values connection;
    struct maker_values maker;
    bool signs;       /* record: the options of who signs are taken */
    const char *word; /* an id, or a file */
    const char *out;  /* get: where to save */
    const struct evidence_file *file;
};

static const struct argp_option list_options[] = {CONNECTION_OPTIONS, {0}};
static const struct argp_option get_options[] = {
    {"out", 'o', "FILE", 0, "save it here|保存到此文件", 0},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option check_options[] = {
    {"genesis", 'g', "FILE", 0, "the network's genesis file|网络的创世文件", 0},
    {0},
};
static const struct argp_option record_options[] = {MAKER_OPTIONS, CONNECTION_OPTIONS, {0}};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct evidence_values *chosen = values;
    if (key == 'o' && !chosen->signs) {
        chosen->out = text;
        return true;
    }
    if ((chosen->signs && maker_set(&chosen->maker, key, text, fault)) ||
        (fault->code == EXIT_OK && connection_set(&chosen->connection, key, text, fault))) {
        return true;
    }
    if (fault->code != EXIT_OK || chosen->word != NULL) {
        return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
    }
    chosen->word = text;
    return true;
}

/* ---- Where it comes from ---- */

/* "ERA-INDEX-KIND". */
static bool is_id(const char *word)
{
    size_t size = strspn(word, "0123456789-");
    return word[size] == '\0' && size >= 5 && size < EVIDENCE_ID_SIZE &&
           strchr(word, '-') != strrchr(word, '-');
}

static bool need_word(const struct evidence_values *values, bool file, struct fault *fault)
{
    if (values->word == NULL) {
        return file ? fault_set(fault, EXIT_USAGE,
                                "which evidence? Give a file, from: xuelian evidence get",
                                "哪份证据？请给出文件，可用 xuelian evidence get 获取")
                    : fault_set(fault, EXIT_USAGE,
                                "which evidence? Give its name: xuelian evidence list",
                                "哪份证据？请给出其名称：xuelian evidence list");
    }
    return file || is_id(values->word) || access(values->word, F_OK) == 0 ||
           fault_set(fault, EXIT_USAGE,
                     "%s is neither the name of evidence, as 1-3-2, nor a file; see: xuelian "
                     "evidence list",
                     "%s 既不是证据名称（如 1-3-2），也不是文件；请看：xuelian evidence list",
                     values->word);
}

static bool fetch(const struct connection *connection, const char *id, uint8_t **data, size_t *size,
                  struct fault *fault)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/evidence/%.39s", id);
    const struct client_request request = {.path = path, .accept = "application/x-protobuf"};
    struct client_answer answer;
    if (!client_ask_any(connection->client, &request, &answer, fault)) {
        return false;
    }
    bool fine = answer.http_status == 200;
    if (fine) {
        *data = (uint8_t *)answer.body;
        *size = answer.body_size;
        answer.body = NULL;
    } else {
        client_problem(&answer, fault);
    }
    client_answer_free(&answer);
    return fine;
}

/* From a file, or else from a node. */
static bool load(const struct evidence_values *values, const struct connection *connection,
                 struct evidence_file *file, uint8_t **data, size_t *size, struct fault *fault)
{
    bool local = access(values->word, F_OK) == 0 || !is_id(values->word);
    return (local ? file_read(values->word, EVIDENCE_FILE_SIZE_MAX, data, size, fault)
                  : fetch(connection, values->word, data, size, fault)) &&
           evidence_file_open(file, bytes_of(*data, *size), &connection->genesis, fault);
}

/* ---- list ---- */

static int evidence_list(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = list_options,
        .text = "Lists the evidence against validators that a node keeps: who signed what, when it "
                "was first seen, and whether it is on the chain.|"
                "列出节点保存的作恶证据：何人签署了何事、首次见到的时间、是否已上链。",
        .set = set};
    struct evidence_values values = {.word = NULL};
    const struct client_request request = {.path = "/v1/evidence"};
    struct connection connection;
    struct client_answer answer;
    struct fault fault;
    json_t *said = NULL;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if ((values.word != NULL && !argument_unexpected(values.word, &fault)) ||
        !connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    code = EXIT_OK;
    if (!client_ask_any(connection.client, &request, &answer, &fault)) {
        code = fault_print(&fault);
    } else {
        said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
        if (answer.http_status != 200 || !json_is_object(said)) {
            client_problem(&answer, &fault);
            code = fault_print(&fault);
        } else if (json_wanted()) {
            json_print(json_incref(said));
        } else if (json_array_size(json_field(said, "evidence")) == 0) {
            printf("%s\n", tr("this node keeps no evidence against any validator",
                              "该节点没有任何作恶证据"));
        } else {
            evidence_print_list(said, "");
        }
        client_answer_free(&answer);
    }
    json_decref(said);
    connection_close(&connection);
    return code;
}

/* ---- get, check ---- */

/* Shows evidence that holds, and saves it where asked to. */
static int show(const struct evidence_values *values, const struct connection *connection)
{
    struct evidence_file file = {.memory = NULL};
    struct fault fault;
    uint8_t *data = NULL;
    size_t size = 0;
    int code = EXIT_OK;
    if (!load(values, connection, &file, &data, &size, &fault) ||
        (values->out != NULL && !file_write(values->out, data, size, 0644, false, &fault))) {
        code = fault_print(&fault);
    } else {
        evidence_print(&file, &connection->genesis);
        if (values->out != NULL && !json_wanted()) {
            printf(tr("saved: %s, %zu bytes\n", "已保存：%s，%zu 字节\n"), values->out, size);
        }
    }
    evidence_file_free(&file);
    free(data);
    return code;
}

static int evidence_get(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = get_options,
        .arguments = "ID",
        .text = "Gets evidence from a node, checks it with the genesis file, shows it and saves it."
                "|从节点获取证据，用创世文件检查，显示并保存。",
        .set = set};
    struct evidence_values values = {.word = NULL};
    struct connection connection;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!need_word(&values, false, &fault) ||
        !connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    code = show(&values, &connection);
    connection_close(&connection);
    return code;
}

static int evidence_check_command(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = check_options,
        .arguments = "FILE",
        .text = "Checks evidence offline, with the genesis file alone, and says what was signed. "
                "Ends with 1 when it shows nothing.|"
                "仅凭创世文件离线检查证据，并说明签署了什么。若不成立，退出码为 1。",
        .set = set};
    struct evidence_values values = {.word = NULL};
    struct connection connection;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!need_word(&values, true, &fault)) {
        return fault_print(&fault);
    }
    if (values.connection.genesis == NULL) {
        fault_set(&fault, EXIT_USAGE, "two files are needed: %s --genesis FILE FILE",
                  "需要两个文件：%s --genesis FILE FILE", argv[0]);
        return fault_print(&fault);
    }
    if (!connection_open(&connection, &values.connection, true, false, &fault)) {
        return fault_print(&fault);
    }
    code = show(&values, &connection);
    connection_close(&connection);
    return code;
}

/* ---- record ---- */

static bool read_payload(void *context, struct keyring *keyring, struct payload *payload,
                         struct fault *fault)
{
    const struct evidence_values *values = context;
    uint8_t *bytes = NULL;
    size_t size = 0;
    (void)keyring;
    enum status status = evidence_payload(&values->file->evidence, &bytes, &size);
    if (status != ST_OK) {
        return fault_set(fault, EXIT_REFUSED,
                         "this kind of evidence is not put on the chain, which cannot judge it: "
                         "give the file to the governing members",
                         "此类证据不能上链（链无法判定）：请将文件交给治理成员");
    }
    payload->items[0] = bytes_of(bytes, size);
    payload->count = 1;
    return true;
}

static int record(struct evidence_values *values, const struct connection *connection)
{
    const struct maker_payload payload = {.read = read_payload, .context = values};
    struct evidence_file file = {.memory = NULL};
    struct fault fault;
    uint8_t *data = NULL;
    size_t size = 0;
    int code = EXIT_OK;
    if (!load(values, connection, &file, &data, &size, &fault)) {
        code = fault_print(&fault);
    } else {
        values->file = &file;
        code = maker_run(&values->maker, tx_kind_named("evidence"), &payload, connection);
    }
    evidence_file_free(&file);
    free(data);
    return code;
}

static int evidence_record(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = record_options,
        .arguments = "ID|FILE",
        .text = "Puts evidence on the chain, where it stays: anyone may. It is checked first. "
                "Nothing follows from it by itself.|"
                "将证据上链并永久保留，任何人都可以做；会先检查。上链本身不产生任何处置。",
        .set = set};
    struct evidence_values values = {.signs = true};
    struct connection connection;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!need_word(&values, false, &fault) ||
        (values.maker.hands.signer_count == 0 &&
         !fault_set(&fault, EXIT_USAGE, "who signs? Give --member N",
                    "由谁签名？请给出 --member N"))) {
        return fault_print(&fault);
    }
    bool offline =
        values.maker.out != NULL && values.maker.valid_until != 0 && access(values.word, F_OK) == 0;
    if (!connection_open(&connection, &values.connection, true, !offline, &fault)) {
        return fault_print(&fault);
    }
    code = record(&values, &connection);
    connection_close(&connection);
    return code;
}

static const struct command subcommands[] = {
    {"list", "list what a node keeps", "列出节点保存的证据", evidence_list},
    {"get", "get, check, show and save one", "获取、检查、显示并保存一份", evidence_get},
    {"check", "check a file offline", "离线检查证据文件", evidence_check_command},
    {"record", "put it on the chain", "将证据上链", evidence_record},
    {NULL, NULL, NULL, NULL},
};

int command_evidence(int argc, char **argv)
{
    return command_dispatch(subcommands,
                            "Evidence: what validators signed that no honest one signs.|"
                            "作恶证据：验证者签署了诚实者不会签署的内容。",
                            argc, argv);
}
