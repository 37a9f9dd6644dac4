/* Imports without a network, and against a node that answers what a real one does not. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/cli/odd_node.h"
#include "tests/unit/cli/support.h"

#define HEAD "id,issuer,course,credits,date\n"

static struct run run;
static char node_url[64];

/* One network's keys and genesis for all tests: making them costs most. */
static int enter_group(void **state)
{
    if (support_enter(state) != 0) {
        return -1;
    }
    support_network();
    support_mapping();
    return 0;
}

/* Good rows, and nothing remembered. */
static int enter(void **state)
{
    static const char *const names[] = {"net/import-exam.resume", "report.csv", "r", "r2", "r3"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(names[i]);
    }
    support_rows(3, 2);
    return 0;
}

static void start_node(void (*answer)(const struct odd_request *, struct odd_answer *))
{
    snprintf(node_url, sizeof node_url, "http://127.0.0.1:%u", (unsigned)odd_node_start(answer));
}

#define IMPORT(...) RUN(&run, "import", "--mapping", "exam.yaml", "--network", "net", __VA_ARGS__)

static void expect_file(const char *name, const char *text)
{
    char *data = NULL;
    size_t size = 0;
    support_read(name, &data, &size);
    assert_string_equal(data, text);
    free(data);
}

/* ---- Rows ---- */

static void test_refused_rows(void **state)
{
    (void)state;
    support_write_text("rows.csv", HEAD "p1,5,7,20,2021-01-01\n"
                                        "p2,5,7\n"
                                        "p3,5,7,20,2021-02-30\n"
                                        "\xff,5,7,20,2021-01-01\n"
                                        "p5,99,7,20,2021-01-01\n"
                                        "p6,five,7,20,2021-01-01\n"
                                        ",5,7,20,2021-01-01\n"
                                        "p8,5,7,20.005,2021-01-01\n"
                                        "p9,5,7,20,2021-01-01\n"
                                        "\"p10,5,7,20,2021-01-01\n");
    IMPORT("--dry-run", "--report", "report.csv");
    support_expect(
        &run, EXIT_REFUSED,
        "accounts: 10 rows: 6 would be recorded, 0 there already, 0 repeated, 0 left out, "
        "4 refused; 1 transactions\n"
        "outcomes: 10 rows: 2 would be recorded, 0 there already, 0 repeated, 0 left out, "
        "8 refused; 1 transactions\n");
    support_expect(&run, EXIT_REFUSED,
                   "rows.csv, line 3: refused: the row has 3 fields, the header 5\n");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 4: refused: date: '2021-02-30' is not a day of the calendar as the "
        "mapping writes dates\n");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 5: refused: byte 1 of the row is not UTF-8; check the encoding\n");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 6: refused: institution 99 is not a member of this network; check "
        "the number\n");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 7: refused: issuer: 'five' is not a number from 0 to 4294967295\n");
    support_expect(&run, EXIT_REFUSED,
                   "rows.csv, line 8: refused: column id, the learner, is empty or too long\n");
    support_expect(&run, EXIT_REFUSED,
                   "rows.csv, line 9: refused: credits: '20.005' has more decimals than the scale "
                   "allows, or is too large\n");
    support_expect(&run, EXIT_REFUSED,
                   "rows.csv, line 11: refused: a quotation mark is never closed");
    IMPORT("--dry-run", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "rows.csv 第 3 行被拒：该行有 3 个字段，表头有 5 个\n");
    support_expect(&run, EXIT_REFUSED,
                   "成果：10 行：2 将记录，0 已在账本中，0 重复，0 略过，8 被拒");
}

static void test_report(void **state)
{
    (void)state;
    support_write_text("rows.csv", HEAD "p1,5,7,20,2021-01-01\np2,5\np3,99,7,20,2021-01-01\n");
    IMPORT("--dry-run", "--report", "report.csv");
    assert_int_equal(run.code, EXIT_REFUSED);
    expect_file("report.csv",
                "part,file,line,code,name,reason_en,reason_zh\n"
                "\"people\",\"rows.csv\",3,0,-,\"the row has 2 fields, the header 5\",\"该行有 2 "
                "个字段，表头有 5 个\"\n"
                "\"results\",\"rows.csv\",3,0,-,\"the row has 2 fields, the header 5\",\"该行有 2 "
                "个字段，表头有 5 个\"\n"
                "\"results\",\"rows.csv\",4,0,-,\"institution 99 is not a member of this network; "
                "check the number\",\"机构 99 不是本网络的成员；请核对编号\"\n");
    IMPORT("--dry-run", "--report", "no/report.csv");
    support_expect(&run, EXIT_IO, "the report no/report.csv cannot be written: No such file or ");
}

/* Only the first rows are told on the terminal; all are in the report; with --json none. */
static void test_many_refused(void **state)
{
    FILE *file = fopen("rows.csv", "w");
    (void)state;
    assert_non_null(file);
    fputs(HEAD, file);
    for (int i = 0; i < 40; i++) {
        fputs("x\n", file);
    }
    assert_int_equal(fclose(file), 0);
    IMPORT("--dry-run");
    support_expect(&run, EXIT_REFUSED, "... more refused rows: --report FILE lists all of them\n");
    assert_null(strstr(run.err, "line 22:"));
    IMPORT("--dry-run", "--json");
    support_expect(&run, EXIT_REFUSED, "\"refused\": 40");
    assert_string_equal(run.err, "");
}

static void test_gb18030(void **state)
{
    (void)state;
    char *mapping = NULL;
    size_t size = 0;
    support_read("exam.yaml", &mapping, &size);
    char *place = strstr(mapping, "    batch:");
    assert_non_null(place);
    FILE *file = fopen("gb.yaml", "w");
    assert_non_null(file);
    fprintf(file, "%.*s    encoding: gb18030\n%s", (int)(place - mapping), mapping, place);
    assert_int_equal(fclose(file), 0);
    free(mapping);
    /* A lead byte alone, before a quotation mark, spoils its own row only. */
    support_write_text("rows.csv", HEAD "\xd1\xa7\xb3\xa4,5,7,20,2021-01-01\n"
                                        "\"\x81\",5,7,20,2021-01-01\n"
                                        "p3,5,7,20,2021-01-01\n");
    RUN(&run, "import", "--mapping", "gb.yaml", "--network", "net", "--dry-run");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 3: refused: byte 2 of the row is not GB 18030; check the encoding");
    support_expect(&run, EXIT_REFUSED, "outcomes: 3 rows: 2 would be recorded");
}

static void test_mistakes(void **state)
{
    (void)state;
    RUN(&run, "import", "--mapping", "none.yaml", "--network", "net", "--dry-run");
    support_expect(&run, EXIT_USAGE, "there is no file none.yaml; check the path");
    RUN(&run, "import", "--mapping", "exam.yaml", "--dry-run");
    support_expect(&run, EXIT_USAGE, "which network? Give --network DIR or --genesis FILE");
    RUN(&run, "import", "--mapping", "exam.yaml", "--dry-run", "--genesis", "net/network.genesis");
    support_expect(&run, EXIT_USAGE, "whose keys sign? Give --keys DIR");
    IMPORT("--dry-run", "--keys", "nowhere");
    support_expect(&run, EXIT_USAGE,
                   "there is no folder of keys at nowhere; give the right one with --keys");
    IMPORT("--dry-run", "--data", "tables");
    support_expect(&run, EXIT_USAGE, "there is no table tables/rows.csv; check the path");
    support_write_text("rows.csv", "id,issuer,course,credits\np1,5,7,20\n");
    IMPORT("--dry-run");
    support_expect(&run, EXIT_USAGE, "exam.yaml, line ");
    support_expect(&run, EXIT_USAGE, ": no table has such a column: 'date'");
}

static void test_keys(void **state)
{
    (void)state;
    assert_int_equal(chmod("net/keys/identity.key", 0644), 0);
    IMPORT("--dry-run");
    support_expect(
        &run, EXIT_IO,
        "the secret net/keys/identity.key can be read by others; close it with: chmod 600 "
        "net/keys/identity.key");
    assert_int_equal(remove("net/keys/identity.key"), 0);
    IMPORT("--dry-run");
    support_expect(&run, EXIT_USAGE, "there is no file net/keys/identity.key; check the path");
}

/* ---- Answers ---- */

static void commit(struct odd_answer *answer)
{
    snprintf(answer->body, sizeof answer->body,
             "{\"status\":\"committed\",\"height\":\"8\",\"code\":0}");
}

static void all_commit(const struct odd_request *request, struct odd_answer *answer)
{
    (void)request;
    commit(answer);
}

static void test_committed(void **state)
{
    (void)state;
    start_node(all_commit);
    IMPORT("--node", node_url);
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 3 recorded, 0 there already");
    IMPORT("--node", node_url);
    support_expect(&run, EXIT_OK,
                   "3 transactions of earlier runs are recorded (net/import-exam.resume)"
                   "; going on\n");
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 0 recorded, 3 there already");
    /* What was recorded was not asked for again: one batch of accounts, two of outcomes. */
    assert_int_equal(odd_node_stop(), 3);
}

/* "Busy", twice, then pending, then committed. */
static void busy(const struct odd_request *request, struct odd_answer *answer)
{
    if (request->body_size > 0 && request->number <= 2) {
        answer->http_status = 429;
        snprintf(answer->body, sizeof answer->body, "{\"code\":400,\"name\":\"BUSY\"}");
    } else if (request->body_size > 0) {
        snprintf(answer->body, sizeof answer->body, "{\"status\":\"pending\"}");
    } else {
        assert_non_null(strstr(request->path, "?wait_ms="));
        commit(answer);
    }
}

static void test_busy(void **state)
{
    (void)state;
    start_node(busy);
    IMPORT("--node", node_url, "--in-flight", "1");
    odd_node_stop();
    support_expect(&run, EXIT_OK, "accounts: 3 rows: 3 recorded");
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 3 recorded");
}

/* Closes, then talks of something else: both are no answer, and the rows go again. */
static void odd(const struct odd_request *request, struct odd_answer *answer)
{
    if (request->number == 1) {
        answer->http_status = 0;
    } else if (request->number == 2) {
        snprintf(answer->body, sizeof answer->body, "<html>");
    } else if (request->number == 3) {
        answer->http_status = 500;
        snprintf(answer->body, sizeof answer->body, "{\"code\":403,\"name\":\"IO\"}");
    } else {
        commit(answer);
    }
}

static void test_no_answer(void **state)
{
    (void)state;
    start_node(odd);
    IMPORT("--node", node_url, "--in-flight", "1");
    odd_node_stop();
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 3 recorded");
}

static struct {
    uint8_t first[4096];
    size_t first_size;
    bool same;
} bodies;

/* The last height has passed; it is in no block; signed anew it is taken. */
static void expired(const struct odd_request *request, struct odd_answer *answer)
{
    if (request->body_size == 0) {
        assert_non_null(strstr(request->path, "?wait_ms=0"));
        snprintf(answer->body, sizeof answer->body, "{\"status\":\"unknown\"}");
    } else if (request->number == 1) {
        assert_true(request->body_size <= sizeof bodies.first);
        memcpy(bodies.first, request->body, request->body_size);
        bodies.first_size = request->body_size;
        answer->http_status = 422;
        snprintf(answer->body, sizeof answer->body, "{\"code\":105,\"name\":\"EXPIRED\"}");
    } else {
        bodies.same = bodies.same || (request->body_size == bodies.first_size &&
                                      memcmp(request->body, bodies.first, bodies.first_size) == 0);
        commit(answer);
    }
}

static void test_expired(void **state)
{
    (void)state;
    bodies.same = false;
    start_node(expired);
    IMPORT("--node", node_url, "--in-flight", "1");
    odd_node_stop();
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 3 recorded");
    assert_false(bodies.same);
}

/* What one node lost is sent again, byte for byte. */
static void lost(const struct odd_request *request, struct odd_answer *answer)
{
    if (request->body_size > 0 && request->number == 1) {
        memcpy(bodies.first, request->body, request->body_size);
        bodies.first_size = request->body_size;
        snprintf(answer->body, sizeof answer->body, "{\"status\":\"unknown\"}");
    } else {
        bodies.same = bodies.same || (request->body_size == bodies.first_size &&
                                      memcmp(request->body, bodies.first, bodies.first_size) == 0);
        commit(answer);
    }
}

static void test_lost(void **state)
{
    (void)state;
    bodies.same = false;
    start_node(lost);
    IMPORT("--node", node_url, "--in-flight", "1");
    odd_node_stop();
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 3 recorded");
    assert_true(bodies.same);
}

/* Codes of single rows, and one that this program does not know. */
static void codes(const struct odd_request *request, struct odd_answer *answer)
{
    if (request->number == 1) {
        commit(answer); /* the accounts */
    } else {
        snprintf(answer->body, sizeof answer->body,
                 "{\"status\":\"committed\",\"height\":\"9\",\"code\":0,"
                 "\"item_codes\":[0,215,4242]}");
    }
}

static void test_codes(void **state)
{
    (void)state;
    support_rows(3, 3);
    start_node(codes);
    IMPORT("--node", node_url, "--in-flight", "1", "--report", "report.csv");
    odd_node_stop();
    support_expect(
        &run, EXIT_REFUSED,
        "outcomes: 3 rows: 1 recorded, 1 there already, 0 repeated, 0 left out, 1 refused");
    support_expect(
        &run, EXIT_REFUSED,
        "rows.csv, line 4: refused: a reason that this program does not know; use a newer "
        "one (UNKNOWN)");
}

static void no_address(const struct odd_request *request, struct odd_answer *answer)
{
    (void)request;
    answer->http_status = 404;
    snprintf(answer->body, sizeof answer->body, "{\"code\":401,\"name\":\"NOT_FOUND\"}");
}

static void other_chain(const struct odd_request *request, struct odd_answer *answer)
{
    (void)request;
    answer->http_status = 422;
    snprintf(answer->body, sizeof answer->body, "{\"code\":103,\"name\":\"WRONG_CHAIN\"}");
}

static void test_stops(void **state)
{
    (void)state;
    start_node(no_address);
    IMPORT("--node", node_url);
    assert_in_range(odd_node_stop(), 1, 8);
    support_expect(
        &run, EXIT_REFUSED,
        "does not understand this program's questions; is it the RPC port of a node of the "
        "same version?");
    support_expect(
        &run, EXIT_REFUSED,
        "accounts: 3 more rows were read and their answer was not seen; the next run asks "
        "for them");
    start_node(other_chain);
    IMPORT("--node", node_url);
    odd_node_stop();
    support_expect(&run, EXIT_REFUSED,
                   "belongs to another network than this genesis file; give the right one");
}

/* Waits until a file holds a text. */
static void wait_for_text(const char *name, const char *text)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    for (int i = 0; i < 1200; i++) {
        char *data = NULL;
        size_t size = 0;
        support_read(name, &data, &size);
        bool there = strstr(data, text) != NULL;
        free(data);
        if (there) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    fail_msg("%s never held: %s", name, text);
}

/* A network that is not there yet is waited for, until one is told not to. */
static void test_no_network(void **state)
{
    static const char *const arguments[] = {
        "import", "--mapping", "exam.yaml",          "--network",
        "net",    "--node",    "http://127.0.0.1:1", NULL};
    (void)state;
    pid_t pid = support_start(arguments);
    wait_for_text("stderr.txt", "are they running? Waiting up to a minute for one.");
    assert_int_equal(kill(pid, SIGTERM), 0);
    support_finish(&run, pid);
    support_expect(&run, EXIT_NETWORK, "xuelian: no node answered (http://127.0.0.1:1: ");
}

/* ---- The resume file ---- */

static void append(const char *name, const char *text)
{
    FILE *file = fopen(name, "a");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_resume_torn(void **state)
{
    struct stat whole;
    struct stat after;
    (void)state;
    start_node(all_commit);
    IMPORT("--node", node_url, "--resume", "r");
    assert_int_equal(run.code, EXIT_OK);
    assert_int_equal(stat("r", &whole), 0);
    append("r", "0123abcd");
    IMPORT("--node", node_url, "--resume", "r");
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 0 recorded, 3 there already");
    assert_int_equal(stat("r", &after), 0);
    assert_int_equal(after.st_size, whole.st_size);
    /* Other rows are never taken for those: the batch that changed is sent. */
    support_write_text("rows.csv", HEAD "p0,5,7,20,2021-01-01\np1,5,7,19,2021-01-01\n"
                                        "p2,5,7,20,2021-01-02\n");
    IMPORT("--node", node_url, "--resume", "r");
    support_expect(&run, EXIT_OK, "outcomes: 3 rows: 2 recorded, 1 there already");
    odd_node_stop();
}

static void test_resume_refused(void **state)
{
    (void)state;
    support_write_text("r", "my notes\n");
    IMPORT("--node", "http://127.0.0.1:1", "--resume", "r");
    support_expect(&run, EXIT_USAGE,
                   "r is not a resume file and is left as it is; name another with --resume");
    expect_file("r", "my notes\n");
    char text[256];
    snprintf(text, sizeof text, "xuelian import 1 %064d\n", 7);
    support_write_text("r", text);
    IMPORT("--node", "http://127.0.0.1:1", "--resume", "r");
    support_expect(&run, EXIT_USAGE,
                   "the resume file r is of another network; name another with --resume");
    start_node(all_commit);
    IMPORT("--node", node_url, "--resume", "r2");
    odd_node_stop();
    append("r2", "this line is as long as a digest is, but it is not one of them.\n\n");
    IMPORT("--node", "http://127.0.0.1:1", "--resume", "r2", "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "r2 第 5 行不是续传记录");
    int file = open("r3", O_RDWR | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(flock(file, LOCK_EX), 0);
    IMPORT("--node", "http://127.0.0.1:1", "--resume", "r3");
    support_expect(&run, EXIT_IO,
                   "another import is running with r3; wait for it, or name another ");
    close(file);
    IMPORT("--node", "http://127.0.0.1:1", "--resume", "no/r");
    support_expect(&run, EXIT_IO, "the resume file no/r cannot be written: No such file or ");
}

#define TEST(name) cmocka_unit_test_setup(name, enter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused_rows), TEST(test_report),      TEST(test_many_refused),
        TEST(test_gb18030),      TEST(test_mistakes),    TEST(test_committed),
        TEST(test_busy),         TEST(test_no_answer),   TEST(test_expired),
        TEST(test_lost),         TEST(test_codes),       TEST(test_stops),
        TEST(test_no_network),   TEST(test_resume_torn), TEST(test_resume_refused),
        TEST(test_keys), /* the last: it spoils them */
    };
    return cmocka_run_group_tests(tests, enter_group, support_leave);
}
