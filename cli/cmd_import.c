/* xuelian import: outcomes from tables, deposited in bulk. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/import.h"

struct import_values {
    struct connection_values connection;
    const char *mapping;
    const char *data;
    const char *report;
    const char *resume;
    unsigned long long in_flight;
    bool dry_run;
};

static const struct argp_option options[] = {
    {"mapping", 'm', "FILE", 0, "the mapping file (deploy/demo/MAPPING.md)|映射文件", 0},
    {"data", 'd', "DIR", 0,
     "folder of the tables, if not the mapping's|数据表目录（默认为映射文件所在目录）", 0},
    {"report", 'r', "FILE", 0, "write refused rows there, as CSV|将被拒的行写入该 CSV 文件", 0},
    {"resume", 's', "FILE", 0,
     "remember there what is recorded (default with --network: DIR/import-NAME.resume)|"
     "在该文件中记住已记录的内容（使用 --network 时默认为 DIR/import-NAME.resume）",
     0},
    {"dry-run", 'n', NULL, 0, "check every row, send nothing|检查每一行，不发送", 0},
    {"in-flight", 'f', "N", 0,
     "transactions on their way at once, 1 to 32|同时在途的交易数，1 至 32", 0},
    {"keys", OPTION_KEYS, "DIR", 0, "folder of keys|密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct import_values *chosen = values;
    switch (key) {
    case 'm':
        chosen->mapping = text;
        return true;
    case 'd':
        chosen->data = text;
        return true;
    case 'r':
        chosen->report = text;
        return true;
    case 's':
        chosen->resume = text;
        return true;
    case 'n':
        chosen->dry_run = true;
        return true;
    case 'f':
        return (parse_u64(text, IMPORT_IN_FLIGHT_MAX, &chosen->in_flight) &&
                chosen->in_flight > 0) ||
               fault_set(fault, EXIT_USAGE, "--in-flight is 1 to 32, not %s",
                         "--in-flight 应为 1 至 32，而不是 %s", text);
    default:
        if (connection_set(&chosen->connection, key, text, fault)) {
            return true;
        }
        return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
    }
}

static json_t *counts_json(const struct import_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)counts->rows,
                     "skipped", (json_int_t)counts->skipped, "repeated",
                     (json_int_t)counts->repeated, "recorded", (json_int_t)counts->recorded,
                     "already", (json_int_t)counts->already, "refused", (json_int_t)counts->refused,
                     "unconfirmed", (json_int_t)counts->unconfirmed, "transactions",
                     (json_int_t)counts->transactions);
}

static void print_counts(const char *what, const struct import_counts *counts, bool dry_run)
{
    if (counts->rows == 0) {
        return;
    }
    printf(tr("%s: %" PRIu64 " rows: %" PRIu64 " %s, %" PRIu64 " there already, %" PRIu64
              " repeated, %" PRIu64 " left out, %" PRIu64 " refused; %" PRIu64 " transactions\n",
              "%s：%" PRIu64 " 行：%" PRIu64 " %s，%" PRIu64 " 已在账本中，%" PRIu64
              " 重复，%" PRIu64 " 略过，%" PRIu64 " 被拒；%" PRIu64 " 笔交易\n"),
           what, counts->rows, counts->recorded,
           dry_run ? tr("would be recorded", "将记录") : tr("recorded", "已记录"), counts->already,
           counts->repeated, counts->skipped, counts->refused, counts->transactions);
    if (counts->unconfirmed > 0) {
        printf(tr("%s: %" PRIu64 " more rows were read and their answer was not seen; the next run "
                  "asks for them\n",
                  "%s：另有 %" PRIu64 " 行已读取但未见应答；下次运行会再次核对\n"),
               what, counts->unconfirmed);
    }
}

static void print_result(const struct import_result *result, const struct import_values *values)
{
    uint64_t rate = result->outcome_ms > 0 ? result->outcomes.recorded * 1000 / result->outcome_ms
                                           : result->outcomes.recorded;
    if (json_wanted()) {
        json_print(json_pack("{s:b, s:o, s:o, s:I}", "dry_run", values->dry_run, "accounts",
                             counts_json(&result->accounts), "outcomes",
                             counts_json(&result->outcomes), "outcomes_per_second",
                             (json_int_t)rate));
        return;
    }
    print_counts(tr("accounts", "账户"), &result->accounts, values->dry_run);
    print_counts(tr("outcomes", "成果"), &result->outcomes, values->dry_run);
    if (!values->dry_run && result->outcomes.recorded > 0) {
        printf(tr("%" PRIu64 " outcomes recorded per second, in %.1f seconds\n",
                  "每秒记录 %" PRIu64 " 项成果，历时 %.1f 秒\n"),
               rate, (double)result->outcome_ms / 1000);
    }
}

static bool open_report(const char *path, FILE **report, struct fault *fault)
{
    *report = NULL;
    if (path == NULL) {
        return true;
    }
    *report = fopen(path, "we");
    if (*report == NULL) {
        return fault_set(fault, EXIT_IO, "the report %s cannot be written: %s",
                         "无法写入报告 %s：%s", path, strerror(errno));
    }
    fputs("part,file,line,code,name,reason_en,reason_zh\n", *report);
    return true;
}

/* The folder that the tables' names are relative to. */
static bool data_folder(const struct import_values *values, char folder[FILE_PATH_SIZE],
                        struct fault *fault)
{
    char copy[FILE_PATH_SIZE];
    if (values->data != NULL) {
        return path_join(folder, "", values->data, fault);
    }
    return path_join(copy, "", values->mapping, fault) &&
           path_join(folder, "", dirname(copy), fault);
}

/* Where to remember what is recorded. Without a network's folder only when asked. */
static bool open_resume(const struct import_values *values, const struct mapping *mapping,
                        const struct connection *connection, struct resume **resume,
                        struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    char name[MAPPING_NAME_SIZE + sizeof "import-.resume"];
    if (values->dry_run || (values->resume == NULL && values->connection.network == NULL)) {
        return true;
    }
    snprintf(name, sizeof name, "import-%s.resume", mapping->name);
    bool fine = values->resume != NULL ? path_join(path, "", values->resume, fault)
                                       : path_join(path, values->connection.network, name, fault);
    if (!fine || !resume_open(resume, path, &connection->genesis.chain_id, fault)) {
        return false;
    }
    if (resume_count(*resume) > 0 && !json_wanted()) {
        fprintf(stderr,
                tr("%" PRIu64 " transactions of earlier runs are recorded (%s); going on\n",
                   "先前运行的 %" PRIu64 " 笔交易已记录（%s）；继续\n"),
                resume_count(*resume), path);
    }
    return true;
}

/* False when anything was lost on the way to the disk. */
static bool close_report(FILE *report, const char *path, struct fault *fault)
{
    if (report == NULL) {
        return true;
    }
    bool written = ferror(report) == 0;
    written = fclose(report) == 0 && written;
    return written || fault_set(fault, EXIT_IO, "the report %s cannot be written; check the disk",
                                "无法写入报告 %s；请检查磁盘", path);
}

static int run(const struct import_values *values)
{
    struct fault fault = {.code = EXIT_OK};
    struct connection connection;
    struct mapping *mapping = NULL;
    struct keyring *keyring = NULL;
    struct import_result result = {.outcome_ms = 0};
    struct import_plan plan = {.in_flight = (uint32_t)values->in_flight, .quiet = json_wanted()};
    char folder[FILE_PATH_SIZE];
    bool fine = mapping_open(&mapping, values->mapping, &fault);
    if (!fine ||
        !connection_open(&connection, &values->connection, true, !values->dry_run, &fault)) {
        mapping_close(mapping);
        return fault_print(&fault);
    }
    if (connection.keys[0] == '\0') {
        fine = fault_set(&fault, EXIT_USAGE, "whose keys sign? Give --keys DIR",
                         "用哪些密钥签名？请给出 --keys DIR");
    }
    fine = fine && data_folder(values, folder, &fault) &&
           keyring_open(&keyring, connection.keys, &fault) &&
           open_resume(values, mapping, &connection, &plan.resume, &fault) &&
           open_report(values->report, &plan.report, &fault);
    if (fine) {
        plan.mapping = mapping;
        plan.folder = folder;
        plan.client = connection.client;
        plan.genesis = &connection.genesis;
        plan.keyring = keyring;
        fine = import_run(&plan, &result, &fault);
        print_result(&result, values);
    }
    /* What stopped the run is told rather than what came of it. */
    struct fault report_fault;
    if (!close_report(plan.report, values->report, fine ? &fault : &report_fault)) {
        fine = false;
    }
    resume_close(plan.resume);
    keyring_free(keyring);
    connection_close(&connection);
    mapping_close(mapping);
    if (!fine) {
        return fault_print(&fault);
    }
    return result.accounts.refused + result.outcomes.refused > 0 ? EXIT_REFUSED : EXIT_OK;
}

int command_import(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options,
        .text =
            "Opens accounts and deposits outcomes from CSV tables, as a mapping file says. Safe to "
            "stop and to run again: what is recorded already is not recorded twice. Ends with 1 "
            "when rows were refused.|按映射文件从 CSV 数据表建档并存入学习成果。可随时停止并重新"
            "运行：已记录的不会重复记录。若有行被拒，退出码为 1。",
        .set = set};
    struct import_values values = {.in_flight = IMPORT_IN_FLIGHT};
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.mapping == NULL) {
        fault_set(&fault, EXIT_USAGE, "which columns are what? Give --mapping FILE",
                  "各列是什么？请给出 --mapping FILE");
        return fault_print(&fault);
    }
    return run(&values);
}
