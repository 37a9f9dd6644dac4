/* xuelian gov: governance. Proposals from files, votes, enacting with validators' signatures, and what there is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/maker.h"
#include "cli/submit.h"
#include "proto/bytes.h"
#include "proto/json/json.h"
#include "proto/tx_govern.pb-c.h"

enum { OPEN_HEIGHTS = 100000, FOLLOWING_SIZE = 65536, OPTION_UNTIL = 'u', OPTION_FROM = 'b' };

struct gov_values {
    struct connection_values connection;
    struct maker_values maker;
    const char *word; /* the file, or the id */
    const char *reason;
    unsigned long long until;
    unsigned long long not_before;
    const char *followings[LIMIT_VALIDATORS_MAX];
    uint32_t following_count;
    bool open;
    /* of the command that runs */
    const struct tx_kind *kind;
    uint64_t height; /* of the network, where it is asked for */
};

static const struct argp_option propose_options[] = {
    {"until", OPTION_UNTIL, "HEIGHT", 0,
     "last height of the vote; without it, 100,000 heights from "
     "here|表决的最后高度；默认此后十万个高度",
     0},
    {"not-before", OPTION_FROM, "HEIGHT", 0, "enact it at this height at the earliest|最早实施高度",
     0},
    {"reason", 'r', "TEXT", 0, "why, for those who vote|提案理由", 0},
    MAKER_OPTIONS,
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option vote_options[] = {MAKER_OPTIONS, CONNECTION_OPTIONS, {0}};
static const struct argp_option enact_options[] = {
    {"following", 'f', "FILE", 0,
     "what xueliand following printed on a validator; may be repeated|"
     "验证者节点上 xueliand following 的输出；可重复",
     0},
    MAKER_OPTIONS,
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option list_options[] = {
    {"open", 'O', NULL, 0, "those alone that can be voted on|只列出可表决的提案", 0},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option show_options[] = {CONNECTION_OPTIONS, {0}};

static bool take_height(const char *name, const char *text, unsigned long long *out,
                        struct fault *fault)
{
    return parse_u64(text, UINT64_MAX, out) ||
           fault_set(fault, EXIT_USAGE, "%s is a block height, not %s",
                     "%s 应为区块高度，而不是 %s", name, text);
}

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct gov_values *chosen = values;
    switch (key) {
    case OPTION_UNTIL:
        return take_height("--until", text, &chosen->until, fault);
    case OPTION_FROM:
        return take_height("--not-before", text, &chosen->not_before, fault);
    case 'r':
        chosen->reason = text;
        return true;
    case 'O':
        chosen->open = true;
        return true;
    case 'f':
        if (chosen->following_count == LIMIT_VALIDATORS_MAX) {
            return fault_set(fault, EXIT_USAGE, "a set has at most %d validators",
                             "验证者集合最多 %d 个", LIMIT_VALIDATORS_MAX);
        }
        chosen->followings[chosen->following_count++] = text;
        return true;
    default:
        if (maker_set(&chosen->maker, key, text, fault) ||
            (fault->code == EXIT_OK && connection_set(&chosen->connection, key, text, fault))) {
            return true;
        }
        if (fault->code != EXIT_OK || chosen->word != NULL) {
            return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
        }
        chosen->word = text;
        return true;
    }
}

/* ---- Payloads ---- */

/* A file says one change, a list of changes, or a whole proposal. */
static json_t *as_proposal(json_t *read)
{
    if (json_is_object(read) && json_object_get(read, "changes") != NULL) {
        return read;
    }
    json_t *proposal = json_object();
    if (json_is_array(read)) {
        json_object_set_new(proposal, "changes", read);
    } else {
        json_t *changes = json_array();
        json_array_append_new(changes, read);
        json_object_set_new(proposal, "changes", changes);
    }
    return proposal;
}

static bool read_proposal(void *context, struct keyring *keyring, struct payload *payload,
                          struct fault *fault)
{
    const struct gov_values *values = context;
    json_t *value = NULL;
    if (!payload_file(values->word, &value, fault)) {
        return false;
    }
    value = as_proposal(value);
    if (values->until != 0 || json_object_get(value, "open_until") == NULL) {
        json_object_set_new(
            value, "open_until",
            json_of_u64(values->until != 0 ? values->until : values->height + OPEN_HEIGHTS));
    }
    if (values->not_before != 0) {
        json_object_set_new(value, "not_before", json_of_u64(values->not_before));
    }
    if (values->reason != NULL) {
        json_object_set_new(value, "reason", json_string(values->reason));
    }
    bool fine = payload_learners(value, keyring, fault) &&
                payload_make(payload, values->kind, value, values->word, fault);
    json_decref(value);
    return fine;
}

static bool read_ref(void *context, struct keyring *keyring, struct payload *payload,
                     struct fault *fault)
{
    const struct gov_values *values = context;
    json_t *value = json_pack("{s:s}", "proposal", values->word);
    bool fine = payload_learners(value, keyring, fault) &&
                payload_make(payload, values->kind, value, NULL, fault);
    json_decref(value);
    return fine;
}

/* The fields of a Following out of what a node printed. */
static bool read_following(const char *path, json_t *list, struct fault *fault)
{
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, FOLLOWING_SIZE, &data, &size, fault)) {
        return false;
    }
    json_t *said = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *made = json_object();
    free(data);
    const ProtobufCMessageDescriptor *schema = &xuelian__following__descriptor;
    for (unsigned i = 0; i < schema->n_fields; i++) {
        json_t *field = json_object_get(said, schema->fields[i].name);
        if (field != NULL) {
            json_object_set(made, schema->fields[i].name, field);
        }
    }
    bool fine = json_object_get(made, "key") != NULL && json_object_get(made, "signature") != NULL;
    json_decref(said);
    if (!fine) {
        json_decref(made);
        return fault_set(fault, EXIT_USAGE,
                         "%s is not what a node says; make it there: xueliand following --config "
                         "FILE",
                         "%s 不是节点的输出；请在节点上运行 xueliand following --config FILE",
                         path);
    }
    json_array_append_new(list, made);
    return true;
}

static bool read_enactment(void *context, struct keyring *keyring, struct payload *payload,
                           struct fault *fault)
{
    const struct gov_values *values = context;
    json_t *value = json_pack("{s:s}", "proposal", values->word);
    json_t *list = json_array();
    bool fine = true;
    for (uint32_t i = 0; i < values->following_count && fine; i++) {
        fine = read_following(values->followings[i], list, fault);
    }
    json_object_set_new(value, "followings", list);
    fine = fine && payload_learners(value, keyring, fault) &&
           payload_make(payload, values->kind, value, NULL, fault);
    json_decref(value);
    return fine;
}

/* ---- Transactions ---- */

static bool need_word(const struct gov_values *values, bool file, struct fault *fault)
{
    struct hash32 id;
    if (values->word == NULL) {
        return file ? fault_set(fault, EXIT_USAGE, "which changes? Give a YAML or JSON file",
                                "要做哪些变更？请给出 YAML 或 JSON 文件")
                    : fault_set(fault, EXIT_USAGE, "which proposal? Give its id: xuelian gov list",
                                "哪个提案？请给出编号：xuelian gov list");
    }
    return file || hex_decode(id.bytes, 32, values->word, strlen(values->word)) == ST_OK ||
           fault_set(fault, EXIT_USAGE, "a proposal's id is 64 hexadecimal digits, not %s",
                     "提案编号应为64位十六进制，而不是 %s", values->word);
}

static int run(const struct command_spec *spec, const char *kind,
               bool (*read)(void *context, struct keyring *keyring, struct payload *payload,
                            struct fault *fault),
               int argc, char **argv)
{
    struct gov_values values = {.word = NULL};
    struct connection connection;
    struct network_tip tip = {.height = 0};
    struct fault fault;
    const struct maker_payload payload = {.read = read, .context = &values};
    bool file = read == read_proposal;
    int code = command_parse(spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    values.kind = tx_kind_named(kind);
    if (!need_word(&values, file, &fault) ||
        (values.maker.hands.signer_count == 0 &&
         !fault_set(&fault, EXIT_USAGE, "who signs? Give --member N",
                    "由谁签名？请给出 --member N"))) {
        return fault_print(&fault);
    }
    bool offline =
        values.maker.out != NULL && values.maker.valid_until != 0 && (!file || values.until != 0);
    if (!connection_open(&connection, &values.connection, true, !offline, &fault)) {
        return fault_print(&fault);
    }
    if (file && values.until == 0 && !network_tip_ask(connection.client, &tip, &fault)) {
        code = fault_print(&fault);
    } else {
        values.height = tip.height;
        code = maker_run(&values.maker, values.kind, &payload, &connection);
    }
    connection_close(&connection);
    return code;
}

static int gov_propose(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = propose_options,
        .arguments = "FILE",
        .text =
            "Proposes the changes of a file; who signs approves it. The transaction's id is the "
            "proposal's.|提出文件中的变更；签名机构即表示赞成。交易编号即提案编号。",
        .set = set};
    return run(&spec, "govern-propose", read_proposal, argc, argv);
}

static int gov_approve(int argc, char **argv)
{
    const struct command_spec spec = {.options = vote_options,
                                      .arguments = "ID",
                                      .text = "Votes for a proposal.|对提案投赞成票。",
                                      .set = set};
    return run(&spec, "govern-approve", read_ref, argc, argv);
}

static int gov_refuse(int argc, char **argv)
{
    const struct command_spec spec = {.options = vote_options,
                                      .arguments = "ID",
                                      .text = "Votes against a proposal.|对提案投反对票。",
                                      .set = set};
    return run(&spec, "govern-refuse", read_ref, argc, argv);
}

static int gov_withdraw(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = vote_options,
        .arguments = "ID",
        .text = "Withdraws a proposal of the signer's own.|撤回自己的提案。",
        .set = set};
    return run(&spec, "govern-withdraw", read_ref, argc, argv);
}

static int gov_enact(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = enact_options,
        .arguments = "ID",
        .text = "Enacts an approved proposal that waited for its height, or for signatures of the "
                "validators to be.|实施已通过的提案：其高度已到，或已收集到新验证者集合的签名。",
        .set = set};
    return run(&spec, "govern-enact", read_enactment, argc, argv);
}

/* ---- Showing ---- */

static bool ask(struct connection *connection, const char *path, json_t **said, struct fault *fault)
{
    const struct client_request request = {.path = path};
    struct client_answer answer;
    if (!client_ask_any(connection->client, &request, &answer, fault)) {
        return false;
    }
    *said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
    bool fine = answer.http_status == 200 && json_is_object(*said);
    if (!fine) {
        client_problem(&answer, fault);
        json_decref(*said);
        *said = NULL;
    }
    client_answer_free(&answer);
    return fine;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* One line: id, status, votes, what it changes, and why. */
static void print_proposal(const json_t *proposal)
{
    size_t i = 0;
    json_t *entry = NULL;
    uint32_t approvals = 0;
    uint32_t refusals = 0;
    const json_t *content = json_object_get(proposal, "content");
    json_array_foreach(json_object_get(proposal, "votes"), i, entry)
    {
        *(json_is_true(json_object_get(entry, "against")) ? &refusals : &approvals) += 1;
    }
    printf(tr("%s %-9s by %" PRIu64 ", for %u, against %u:",
              "%s %-9s 提出 %" PRIu64 "，赞成 %u，反对 %u："),
           text_of(proposal, "id"), text_of(proposal, "status"), json_u64(proposal, "proposer"),
           approvals, refusals);
    json_array_foreach(json_object_get(content, "changes"), i, entry)
    {
        const char *name = json_object_iter_key(json_object_iter(entry));
        printf(" %s", name != NULL ? name : "?");
    }
    printf("%s%s\n", *text_of(content, "reason") != '\0' ? " - " : "", text_of(content, "reason"));
}

static void print_list(const json_t *said, bool open)
{
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(said, "proposals"), i, entry)
    {
        const json_t *proposal = json_object_get(entry, "proposal");
        const json_t *evidence = json_object_get(entry, "evidence");
        if (proposal != NULL && (!open || strcmp(text_of(proposal, "status"), "open") == 0)) {
            print_proposal(proposal);
        } else if (evidence != NULL && !open) {
            printf(tr("%s evidence against the validator of member %" PRIu64 "\n",
                      "%s 指控机构 %" PRIu64 " 的验证者的证据\n"),
                   text_of(evidence, "id"), json_u64(evidence, "member"));
        }
    }
}

static int show(const struct command_spec *spec, bool one, int argc, char **argv)
{
    struct gov_values values = {.word = NULL};
    struct connection connection;
    struct fault fault;
    json_t *said = NULL;
    char path[128] = "/v1/proposals";
    int code = command_parse(spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if ((one && !need_word(&values, false, &fault)) ||
        (!one && values.word != NULL && !argument_unexpected(values.word, &fault)) ||
        !connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    if (one) {
        snprintf(path, sizeof path, "/v1/proposals/%.64s", values.word);
    }
    code = EXIT_OK;
    if (!ask(&connection, path, &said, &fault)) {
        code = fault_print(&fault);
    } else if (one || json_wanted()) {
        json_print(json_incref(said));
    } else {
        print_list(said, values.open);
    }
    json_decref(said);
    connection_close(&connection);
    return code;
}

static int gov_list(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = list_options,
        .arguments = "",
        .text = "Lists the newest proposals and recorded evidence.|列出最近的提案与已记录的证据。",
        .set = set};
    return show(&spec, false, argc, argv);
}

static int gov_show(int argc, char **argv)
{
    const struct command_spec spec = {.options = show_options,
                                      .arguments = "ID",
                                      .text = "Shows a proposal with its votes, or recorded "
                                              "evidence.|显示提案及其表决，或已记录的证据。",
                                      .set = set};
    return show(&spec, true, argc, argv);
}

static const struct command subcommands[] = {
    {"propose", "propose changes", "提出变更", gov_propose},
    {"approve", "vote for a proposal", "赞成提案", gov_approve},
    {"refuse", "vote against a proposal", "反对提案", gov_refuse},
    {"withdraw", "withdraw one's own proposal", "撤回自己的提案", gov_withdraw},
    {"enact", "enact an approved proposal", "实施已通过的提案", gov_enact},
    {"list", "list proposals", "列出提案", gov_list},
    {"show", "show a proposal", "显示提案", gov_show},
    {NULL, NULL, NULL, NULL},
};

int command_gov(int argc, char **argv)
{
    return command_dispatch(subcommands,
                            "Governance: members, validators, registries, rules and parameters "
                            "change by proposals and votes.|"
                            "治理：机构、验证者、登记、规则与参数经提案与表决变更。",
                            argc, argv);
}
