/* Tables: what RFC 4180 allows is read, what it does not is one refused row, and reading goes on. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "cli/csv.h"
#include "tests/unit/cli/support.h"

static const struct csv_format plain = {.encoding = CSV_UTF8, .delimiter = ','};
static const char *const *fields;
static struct fault fault;

static struct csv *open_text(const char *name, const char *text, const struct csv_format *format)
{
    struct csv *csv = NULL;
    support_write_text(name, text);
    if (!csv_open(&csv, name, format, &fault)) {
        fail_msg("%s", fault.en);
    }
    return csv;
}

static void expect_row(struct csv *csv, uint32_t line, const char *first, const char *second)
{
    enum csv_event event = csv_next(csv, &fields, &fault);
    if (event != CSV_ROW) {
        fail_msg("no row: %s", fault.en);
    }
    assert_string_equal(fields[0], first);
    assert_string_equal(fields[1], second);
    assert_int_equal(csv_line(csv), line);
}

static void expect_bad(struct csv *csv, uint32_t line, const char *sentence)
{
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_BAD_ROW);
    assert_string_equal(fault.en, sentence);
    assert_int_equal(csv_line(csv), line);
}

static void test_rows(void **state)
{
    (void)state;
    struct csv *csv = open_text("a.csv",
                                "\xef\xbb\xbfname,\"note\"\r\n"
                                "one,\"a, \"\"b\"\"\"\r\n"
                                "\r\n"
                                "two,\"line\nbreak\"\n"
                                "\"\",\n"
                                "last,end",
                                &plain);
    assert_int_equal(csv_column_find(csv, "name"), 0);
    assert_int_equal(csv_column_find(csv, "note"), 1);
    assert_int_equal(csv_column_find(csv, "nothing"), -1);
    expect_row(csv, 2, "one", "a, \"b\"");
    expect_row(csv, 4, "two", "line\nbreak");
    expect_row(csv, 6, "", "");
    expect_row(csv, 7, "last", "end");
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_END);
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_END);
    assert_int_equal(csv_progress(csv), 1000);
    csv_close(csv);
}

static void test_bad_rows(void **state)
{
    (void)state;
    struct csv *csv = open_text("a.csv",
                                "a,b\n"
                                "1\n"
                                "1,2,3\n"
                                "x\"y,2\n"
                                "\"x\"y,2\n"
                                "\xff,2\n"
                                "good,row\n"
                                "\"open,2\n",
                                &plain);
    expect_bad(csv, 2, "the row has 1 fields, the header 2");
    expect_bad(csv, 3, "the row has 3 fields, the header 2");
    expect_bad(csv, 4,
               "a quotation mark stands inside field 1; write it twice, and the field in quotation "
               "marks");
    expect_bad(csv, 5,
               "a quotation mark stands inside field 1; write it twice, and the field in quotation "
               "marks");
    expect_bad(csv, 6, "byte 1 of the row is not UTF-8; check the encoding");
    expect_row(csv, 7, "good", "row");
    expect_bad(csv, 8, "a quotation mark is never closed; the row begins at line 8");
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_END);
    csv_close(csv);
}

static void test_long_row(void **state)
{
    enum { SIZE = CSV_ROW_SIZE_MAX + 100 };
    (void)state;
    char *text = malloc(SIZE + 16);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    memcpy(text, "a,b\n", 4);
    memcpy(text + SIZE, "\n1,2\n", 6);
    struct csv *csv = open_text("a.csv", text, &plain);
    expect_bad(csv, 2, "the row that begins at line 2 is longer than 1 MiB");
    expect_row(csv, 3, "1", "2");
    csv_close(csv);
    free(text);
}

static void test_encodings(void **state)
{
    static const struct csv_format bars = {.encoding = CSV_GB18030, .delimiter = '|'};
    static const struct csv_format comma = {.encoding = CSV_GB18030, .delimiter = ','};
    (void)state;
    /* 0x81 0x7c is one character, and its second byte is a bar; 0x84 0x31 0xa4 0x37 has four bytes. */
    struct csv *csv = open_text("gb.csv", "a|b\n\x81|x|\xd6\xd0\xce\xc4\n", &bars);
    expect_row(csv, 2, "亅x", "中文");
    csv_close(csv);
    csv = open_text("gb.csv", "a,b\n\x95\x32\x82\x36,1\n\xff\xff,2\n", &comma);
    expect_row(csv, 2, "\xf0\xa0\x80\x80", "1"); /* U+20000 */
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_BAD_ROW);
    assert_string_equal(fault.en, "byte 1 of the row is not GB 18030; check the encoding");
    assert_string_equal(fault.zh, "该行第 1 字节不是 GB 18030 编码；请检查编码");
    csv_close(csv);
}

static void test_gzip(void **state)
{
    struct csv *csv = NULL;
    char *data = NULL;
    size_t size = 0;
    (void)state;
    support_write_gzip("a.csv.gz", "a,b\n1,2\n3,4\n");
    assert_true(csv_open(&csv, "a.csv.gz", &plain, &fault));
    expect_row(csv, 2, "1", "2");
    expect_row(csv, 3, "3", "4");
    assert_int_equal(csv_next(csv, &fields, &fault), CSV_END);
    csv_close(csv);
    support_read("a.csv.gz", &data, &size);
    support_write("cut.csv.gz", data, size - 6);
    free(data);
    /* However it is read, a cut file is never taken for a whole one. */
    bool opened = csv_open(&csv, "cut.csv.gz", &plain, &fault);
    enum csv_event event = CSV_FAILED;
    while (opened && (event = csv_next(csv, &fields, &fault)) == CSV_ROW) {
    }
    assert_int_equal(event, CSV_FAILED);
    assert_non_null(strstr(fault.en, "it is cut or damaged; get it again"));
    if (opened) {
        csv_close(csv);
    }
    support_write_text("plain.csv.gz", "a,b\n");
    assert_false(csv_open(&csv, "plain.csv.gz", &plain, &fault));
    assert_string_equal(fault.en, "plain.csv.gz is not a gzip file; give it a name without .gz, or "
                                  "compress it");
}

static void expect_no_open(const char *text, const char *sentence)
{
    struct csv *csv = NULL;
    support_write_text("a.csv", text);
    assert_false(csv_open(&csv, "a.csv", &plain, &fault));
    assert_string_equal(fault.en, sentence);
}

static void test_headers(void **state)
{
    struct csv *csv = NULL;
    (void)state;
    assert_false(csv_open(&csv, "none.csv", &plain, &fault));
    assert_string_equal(fault.en, "there is no table none.csv; check the path");
    assert_int_equal(fault.code, EXIT_USAGE);
    expect_no_open("", "a.csv is empty; its first row must name the columns");
    expect_no_open("a,a\n", "column 'a' of a.csv is there twice, has no name or has a dot in it");
    expect_no_open("a,b.c\n",
                   "column 'b.c' of a.csv is there twice, has no name or has a dot in it");
    expect_no_open("a,\n", "column '' of a.csv is there twice, has no name or has a dot in it");
    expect_no_open("a,\xff\n",
                   "the header of a.csv: byte 3 of the row is not UTF-8; check the encoding");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_bad_rows, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_long_row, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_encodings, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_gzip, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_headers, support_enter, support_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
