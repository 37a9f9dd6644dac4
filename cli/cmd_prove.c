/* xuelian prove: gets a proof, checks it before anything is shown, and saves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/maker.h"
#include "cli/names.h"
#include "cli/proof.h"
#include "cli/reader.h"
#include "ledger/proof.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"

enum { WORDS_MAX = 2, PATH_SIZE = 256, OPTION_KIND = OPTION_LONG, OPTION_ARCHIVE };

struct prove_values {
    struct connection_values connection;
    struct reader_values reader;
    const char *words[WORDS_MAX];
    uint32_t word_count;
    const char *out;
    const char *history;
    const char *block;
    const char *kind;
    const char *level;
    bool all;
    bool small;
    bool issuer;
    bool archive;
    unsigned long long max_age_ms;
};

#define OUT                                                       \
    {                                                             \
        "out", 'o', "FILE", 0, "save the proof there|保存证明", 0 \
    }
#define HISTORY                                                                                       \
    {                                                                                                 \
        "history", 'H', "FILE", 0,                                                                    \
            "the validator sets known (xuelian prove sets)|已知的验证者集合（xuelian prove " \
            "sets）",                                                                                 \
            0                                                                                         \
    }
#define SMALL                                                                        \
    {                                                                                \
        "small", 's', NULL, 0,                                                       \
            "leave the validator sets to a history file|证明中不含验证者集合历史", 0 \
    }
#define MAX_AGE                                                                                  \
    {                                                                                            \
        "max-age", 'a', "TIME", 0, "refuse an older answer: 90s, 15m, 12h, 1d|拒绝更早的应答", 0 \
    }

static const struct argp_option record_options[] = {
    OUT,
    HISTORY,
    SMALL,
    {"issuer", 'i', NULL, 0, "with the issuer's own signature|含颁发机构自己的签名", 0},
    MAX_AGE,
    READER_OPTIONS,
    MAKER_KEY_OPTIONS,
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option transaction_options[] = {
    OUT,     HISTORY,
    SMALL,   {"block", 'b', "HEIGHT", 0, "whether it is in this block|是否在该区块中", 0},
    MAX_AGE, CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option statistics_options[] = {
    OUT,
    HISTORY,
    SMALL,
    {"kind", OPTION_KIND, "KIND", 0, "one cell: of this kind; or all|单个单元格：种类，或 all", 0},
    {"level", 'l', "N", 0, "one cell: of this level|单个单元格：层级", 0},
    {"all", 'y', NULL, 0, "every cell that there is|全部单元格", 0},
    MAX_AGE,
    READER_AS_OPTION,
    MAKER_KEY_OPTIONS,
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option equivocation_options[] = {OUT, CONNECTION_OPTIONS, {0}};
static const struct argp_option conversion_options[] = {
    OUT,
    HISTORY,
    SMALL,
    {"archive", OPTION_ARCHIVE, NULL, 0,
     "with the whole archive: also what was converted before|含完整档案：并证明此前已转换的数额",
     0},
    MAX_AGE,
    READER_OPTIONS,
    MAKER_KEY_OPTIONS,
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option sets_options[] = {CONNECTION_OPTIONS, {0}};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct prove_values *chosen = values;
    switch (key) {
    case 'o':
        chosen->out = text;
        return true;
    case 'H':
        chosen->history = text;
        return true;
    case 'b':
        chosen->block = text;
        return true;
    case OPTION_KIND:
        chosen->kind = text;
        return true;
    case 'l':
        chosen->level = text;
        return true;
    case 'y':
        chosen->all = true;
        return true;
    case 's':
        chosen->small = true;
        return true;
    case OPTION_ARCHIVE:
        chosen->archive = true;
        return true;
    case 'i':
        chosen->issuer = true;
        return true;
    case 'a':
        return parse_duration_ms(text, &chosen->max_age_ms) ||
               fault_set(fault, EXIT_USAGE, "--max-age is a number and s, m, h or d, not %s",
                         "--max-age 应为数字加 s、m、h 或 d，而不是 %s", text);
    default:
        if (reader_set(&chosen->reader, key, text, fault) ||
            connection_set(&chosen->connection, key, text, fault)) {
            return true;
        }
        if (fault->code != EXIT_OK) {
            return false;
        }
        if (chosen->word_count == WORDS_MAX) {
            return argument_unexpected(text, fault);
        }
        chosen->words[chosen->word_count++] = text;
        return true;
    }
}

/* What is asked for: where, and whether a proof that holds is of that. */
struct question {
    char path[PATH_SIZE];
    struct hash32 id;          /* of a learner or transaction */
    unsigned long long number; /* item, or height */
    const char *evidence; /* a file of evidence that goes into the proof that comes; NULL: none */
    bool personal;        /* about the learner `id`, or answered by who asks */
    uint32_t cell[4];     /* year, region, kind, level */
    bool table;           /* of a table the first two */
    bool (*is_answer)(const struct question *question, const struct verify_result *result);
};

static bool save(const struct prove_values *values, struct bytes proof, struct fault *fault)
{
    if (values->out == NULL) {
        return true;
    }
    if (!file_write(values->out, proof.data, proof.size, 0644, true, fault)) {
        return false;
    }
    if (!json_wanted()) {
        printf(tr("proof saved: %s, %zu bytes\n", "证明已保存：%s，%zu 字节\n"), values->out,
               proof.size);
    }
    return true;
}

/* Checks the answer, shows it and saves it. Returns the exit code. */
static int judge(const struct prove_values *values, const struct connection *connection,
                 const struct question *question, struct bytes proof, struct bytes history)
{
    struct proof_check check;
    struct fault fault;
    struct bytes genesis = bytes_of(connection->genesis_data, connection->genesis_size);
    if (!proof_check_with(&check, genesis, proof, history, values->max_age_ms, &fault)) {
        return fault_print(&fault);
    }
    int code = EXIT_REFUSED;
    if (check.result.status != ST_OK) {
        proof_print_report(&check.result);
    } else if (!question->is_answer(question, &check.result)) {
        fault_set(&fault, EXIT_REFUSED,
                  "the node sent a proof of something else than was asked for; ask another node",
                  "节点发来的证明不是所请求的；请询问其他节点");
        code = fault_print(&fault);
    } else {
        proof_print_report(&check.result);
        code = save(values, proof, &fault) ? EXIT_OK : fault_print(&fault);
    }
    proof_check_free(&check);
    return code;
}

/* Puts the evidence of a file into a proof of the validator sets, whose anchor leads to the era. */
static bool rebuild(struct bytes sets, struct bytes evidence, uint8_t **proof, size_t *size)
{
    size_t room = sets.size * 8 + 65536;
    void *memory = malloc(room);
    struct arena arena;
    ProtobufCMessage *message = NULL;
    CHECK(memory != NULL);
    arena_init(&arena, memory, room);
    bool fine = canonical_decode(&message, &xuelian__proof__descriptor, sets, &arena) == ST_OK;
    if (fine) {
        Xuelian__Proof *made = (Xuelian__Proof *)(void *)message;
        Xuelian__EquivocationProof body = XUELIAN__EQUIVOCATION_PROOF__INIT;
        body.evidence = field_borrow(evidence.data, evidence.size);
        made->kind = XUELIAN__PROOF_KIND__PROOF_KIND_EQUIVOCATION;
        made->set_history = NULL;
        made->equivocation = &body;
        *size = canonical_size(&made->base);
        *proof = malloc(*size);
        CHECK(*proof != NULL);
        canonical_encode(*proof, &made->base);
    }
    free(memory);
    return fine;
}

/* Asks for the proof, and where evidence goes into it, puts it there. Out: *proof malloc'ed. */
static bool ask(const struct connection *connection, const struct question *question,
                uint8_t **proof, size_t *size, struct fault *fault)
{
    struct client_answer answer = {.reached = false};
    const struct client_request request = {
        .path = question->path, .accept = "application/x-protobuf", .personal = question->personal};
    uint8_t *evidence = NULL;
    size_t evidence_size = 0;
    bool good = question->evidence == NULL ||
                file_read(question->evidence, LIMIT_TX_SIZE_MAX, &evidence, &evidence_size, fault);
    good = good && client_ask_any(connection->client, &request, &answer, fault);
    if (good && answer.http_status != 200) {
        reading_explain(client_problem(&answer, fault), fault);
        good = false;
    }
    struct bytes body = bytes_of(answer.body, answer.body_size);
    if (good && question->evidence != NULL) {
        good = rebuild(body, bytes_of(evidence, evidence_size), proof, size) ||
               fault_set(fault, EXIT_REFUSED, "the node did not send a proof; ask another node",
                         "节点未发来证明；请询问其他节点");
    } else if (good) {
        *proof = malloc(body.size + 1);
        CHECK(*proof != NULL);
        memcpy(*proof, body.data, body.size);
        *size = body.size;
    }
    client_answer_free(&answer);
    free(evidence);
    return good;
}

static int prove(const struct prove_values *values, struct question *question)
{
    struct connection connection;
    struct fault fault;
    struct reading reading = {.hands = {.keyring = NULL}};
    uint8_t *history = NULL;
    uint8_t *proof = NULL;
    size_t history_size = 0;
    size_t proof_size = 0;
    if (values->history != NULL &&
        !file_read(values->history, LIMIT_PROOF_SIZE_MAX, &history, &history_size, &fault)) {
        return fault_print(&fault);
    }
    if (!connection_open(&connection, &values->connection, true, true, &fault)) {
        free(history);
        return fault_print(&fault);
    }
    int code = reading_open(&reading, &values->reader, &connection, &question->id, &fault) &&
                       ask(&connection, question, &proof, &proof_size, &fault)
                   ? judge(values, &connection, question, bytes_of(proof, proof_size),
                           bytes_of(history, history_size))
                   : fault_print(&fault);
    free(proof);
    connection_close(&connection);
    reading_close(&reading);
    free(history);
    return code;
}

static bool take_id(struct question *question, const char *text, struct fault *fault)
{
    return (text != NULL && hex_decode(question->id.bytes, 32, text, strlen(text)) == ST_OK) ||
           fault_set(fault, EXIT_USAGE, "an id is 64 hex characters, not %.80s",
                     "编号为 64 个十六进制字符，而不是 %.80s", text == NULL ? "" : text);
}

static bool take_number(unsigned long long *number, const char *text, const char *en,
                        const char *zh, struct fault *fault)
{
    return (text != NULL && parse_u64(text, UINT64_MAX, number) && *number > 0) ||
           fault_set(fault, EXIT_USAGE, "%s is a number from 1, not %.40s",
                     "%s应为从 1 起的数字，而不是 %.40s", tr(en, zh), text == NULL ? "" : text);
}

/* ---- record ---- */

static bool is_record(const struct question *question, const struct verify_result *result)
{
    return result->kind == VERIFY_RECORD && hash32_equal(&result->learner, &question->id) &&
           result->items_shown == 1 && result->items[0].number == question->number;
}

static int prove_record(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = record_options,
        .arguments = "LEARNER ITEM",
        .text = "Gets the proof of one record, checks it, shows and saves it.|"
                "获取一条记录的证明，检查、显示并保存。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.is_answer = is_record, .personal = true};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!take_id(&question, values.words[0], &fault) ||
        !take_number(&question.number, values.words[1], "ITEM", "条目编号", &fault)) {
        return fault_print(&fault);
    }
    snprintf(question.path, sizeof question.path,
             "/v1/accounts/%.64s/items/%llu/proof?issuer=%d&sets=%d", values.words[0],
             question.number, values.issuer, !values.small);
    return prove(&values, &question);
}

/* ---- conversion ---- */

static bool is_conversion(const struct question *question, const struct verify_result *result)
{
    return result->kind == VERIFY_CONVERSION && hash32_equal(&result->learner, &question->id) &&
           result->conversion.item->number == question->number;
}

static int prove_conversion(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = conversion_options,
        .arguments = "LEARNER ITEM",
        .text = "Gets the proof that a conversion follows from its rule and sources, decides it "
                "again, shows and saves it.|"
                "获取学分转换符合其规则与来源的证明，重新裁定，显示并保存。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.is_answer = is_conversion, .personal = true};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!take_id(&question, values.words[0], &fault) ||
        !take_number(&question.number, values.words[1], "ITEM", "条目编号", &fault)) {
        return fault_print(&fault);
    }
    snprintf(question.path, sizeof question.path,
             "/v1/accounts/%.64s/items/%llu/conversion/proof?archive=%d&sets=%d", values.words[0],
             question.number, values.archive, !values.small);
    return prove(&values, &question);
}

/* ---- transaction ---- */

static bool is_transaction(const struct question *question, const struct verify_result *result)
{
    return result->kind == VERIFY_TRANSACTION && hash32_equal(&result->tx.id, &question->id) &&
           (question->number == 0 ? result->tx.included : result->tx.height == question->number);
}

static int prove_transaction(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = transaction_options,
        .arguments = "ID",
        .text = "Gets the proof that a transaction is in its block with its result, or with "
                "--block whether it is in that one.|"
                "获取交易在其区块中及其结果的证明；给出 --block 则证明其是否在该区块中。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.is_answer = is_transaction};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.word_count > 1) {
        argument_unexpected(values.words[1], &fault);
        return fault_print(&fault);
    }
    if (!take_id(&question, values.words[0], &fault) ||
        (values.block != NULL &&
         !take_number(&question.number, values.block, "--block", "--block ", &fault))) {
        return fault_print(&fault);
    }
    int length = snprintf(question.path, sizeof question.path,
                          "/v1/transactions/%.64s/proof?sets=%d", values.words[0], !values.small);
    if (question.number != 0) {
        snprintf(question.path + length, sizeof question.path - (size_t)length, "&block=%llu",
                 question.number);
    }
    return prove(&values, &question);
}

/* ---- sets ---- */

static bool is_sets(const struct question *question, const struct verify_result *result)
{
    (void)question;
    return result->kind == VERIFY_SET_HISTORY;
}

/* The file is the history that the next one must go on from, so that what is trusted never goes back. */
static int prove_sets(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = sets_options,
        .arguments = "FILE",
        .text = "Gets the proof of the validator sets from genesis on and keeps it in FILE, the "
                "history file of xuelian verify. What is there already is only ever gone on "
                "from.|"
                "获取自创世以来验证者集合的证明并存入 FILE，即 xuelian verify 的历史文件。"
                "已有内容只会向前延续。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.path = "/v1/validators/proof", .is_answer = is_sets};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.word_count != 1) {
        fault_set(&fault, EXIT_USAGE, "which file? Give its path: %s FILE",
                  "哪个文件？请给出路径：%s FILE", argv[0]);
        return fault_print(&fault);
    }
    values.out = values.words[0];
    values.history = access(values.out, F_OK) == 0 ? values.out : NULL;
    return prove(&values, &question);
}

/* ---- statistics ---- */

static bool is_all_statistics(const struct question *question, const struct verify_result *result)
{
    (void)question;
    return result->kind == VERIFY_STATISTICS && result->cells_shown == VERIFY_CELLS_ALL;
}

/* The cell or table; or that it is not there, and so zero. */
static bool is_statistics(const struct question *question, const struct verify_result *result)
{
    uint8_t key[16];
    const uint32_t *cell = question->cell;
    const struct verify_cell *first = result->cells;
    statistics_natural_key(key, cell[0], cell[1], cell[2], cell[3]);
    if (result->kind == VERIFY_ABSENCE) {
        return result->collection == XUELIAN__COLLECTION__COLLECTION_STATISTICS &&
               bytes_equal(result->natural_key, bytes_of(key, sizeof key));
    }
    return result->kind == VERIFY_STATISTICS &&
           result->cells_shown == (question->table ? VERIFY_CELLS_TABLE : VERIFY_CELLS_ONE) &&
           first->year == cell[0] && first->region == cell[1] && first->kind == cell[2] &&
           first->level == cell[3];
}

static bool take_cell(const struct prove_values *values, struct question *question,
                      struct fault *fault)
{
    unsigned long long year = 0;
    unsigned long long region = 0;
    unsigned long long level = 0;
    if (values->word_count != 2) {
        return fault_set(fault, EXIT_USAGE, "which year and region? Or --all",
                         "哪一年、哪个地区？或者 --all");
    }
    if (!take_number(&year, values->words[0], "YEAR", "年份", fault) ||
        !take_number(&region, values->words[1], "REGION", "地区", fault)) {
        return false;
    }
    if (values->kind != NULL && strcmp(values->kind, "all") != 0 &&
        !name_parse(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", values->kind,
                    &question->cell[2])) {
        return fault_set(fault, EXIT_USAGE, "there is no kind of outcome %.60s; see: %s",
                         "没有成果种类 %.60s；参见：%s", values->kind, "xuelian tx fields deposit");
    }
    if (values->level != NULL && !parse_u64(values->level, 10, &level)) {
        return fault_set(fault, EXIT_USAGE, "--level is a number up to 10, not %.40s",
                         "--level 为不超过 10 的数字，而不是 %.40s", values->level);
    }
    question->cell[0] = (uint32_t)(year < 10000 ? year : 9999);
    question->cell[1] = (uint32_t)(region < UINT32_MAX ? region : UINT32_MAX);
    question->cell[3] = (uint32_t)level;
    question->table = values->kind == NULL && values->level == NULL;
    int length = snprintf(question->path, sizeof question->path,
                          "/v1/statistics/proof?year=%u&region=%u&sets=%d",
                          (unsigned)question->cell[0], (unsigned)question->cell[1], !values->small);
    if (!question->table) {
        snprintf(question->path + length, sizeof question->path - (size_t)length,
                 "&kind=%u&level=%u", (unsigned)question->cell[2], (unsigned)question->cell[3]);
    }
    return true;
}

static int prove_statistics(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = statistics_options,
        .arguments = "YEAR REGION",
        .text = "Gets the proof of a region's statistics of a year, complete; of one cell; or of "
                "all. What stands for few learners is given to the statistics role alone.|"
                "获取某地区某年统计的完整证明、单个单元格的证明，或全部统计的证明。"
                "涉及少数学习者的数据仅提供给统计角色。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.personal = true, .is_answer = is_statistics};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.all && values.word_count == 0) {
        question.is_answer = is_all_statistics;
        snprintf(question.path, sizeof question.path, "/v1/statistics/range/proof?sets=%d",
                 !values.small);
    } else if (!take_cell(&values, &question, &fault)) {
        return fault_print(&fault);
    }
    return prove(&values, &question);
}

/* ---- equivocation ---- */

static bool is_equivocation(const struct question *question, const struct verify_result *result)
{
    (void)question;
    return result->kind == VERIFY_EQUIVOCATION;
}

static int prove_equivocation(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = equivocation_options,
        .arguments = "ID|FILE",
        .text = "Makes the proof that a validator signed twice: of evidence recorded under ID, or "
                "of the evidence in FILE, as a transaction of kind evidence carries it.|"
                "生成验证者重复签名的证明：取自以 ID 记录的证据，或 FILE 中的证据（作恶证据交易的"
                "内容）。",
        .set = set};
    struct prove_values values = {.out = NULL};
    struct question question = {.path = "/v1/validators/proof", .is_answer = is_equivocation};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.word_count != 1) {
        fault_set(&fault, EXIT_USAGE, "which evidence? Give its id or file: %s ID|FILE",
                  "哪项证据？请给出编号或文件：%s ID|FILE", argv[0]);
        return fault_print(&fault);
    }
    if (strlen(values.words[0]) == 64 && access(values.words[0], F_OK) != 0) {
        if (!take_id(&question, values.words[0], &fault)) {
            return fault_print(&fault);
        }
        snprintf(question.path, sizeof question.path, "/v1/proposals/%.64s/proof", values.words[0]);
    } else {
        question.evidence = values.words[0];
    }
    return prove(&values, &question);
}

static const struct command subcommands[] = {
    {"record", "one record of a learner", "学习者的一条记录", prove_record},
    {"conversion", "a conversion, decided again", "学分转换，重新裁定", prove_conversion},
    {"transaction", "a transaction and its result", "交易及其结果", prove_transaction},
    {"statistics", "statistics of a region and year", "某地区某年的统计", prove_statistics},
    {"equivocation", "that a validator signed twice", "验证者重复签名", prove_equivocation},
    {"sets", "the validators from genesis on", "自创世以来的验证者", prove_sets},
    {NULL, NULL, NULL, NULL},
};

int command_prove(int argc, char **argv)
{
    return command_dispatch(subcommands,
                            "Gets proofs that anyone can check offline with xuelian verify.|"
                            "获取任何人都可用 xuelian verify 离线验证的证明。",
                            argc, argv);
}
