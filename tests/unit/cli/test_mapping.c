/* Mapping files: each mistake is told with file, line and key; the shipped ones are read. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/mapping.h"
#include "tests/unit/cli/support.h"

static const char head[] = "mapping: 1\n"
                           "name: test\n"
                           "outcomes:\n"
                           "  - name: results\n"
                           "    files: [a.csv]\n"
                           "    account: {namespace: test, column: learner}\n"
                           "    issuer: {constant: 5}\n"
                           "    fields:\n"
                           "      kind: {constant: examination}\n"
                           "      award_date: {column: date}\n";

static struct fault fault;

/* The mistake stands on line 11. */
static void expect(const char *tail, const char *sentence)
{
    char text[4096];
    struct mapping *mapping = NULL;
    snprintf(text, sizeof text, "%s%s", head, tail);
    support_write_text("m.yaml", text);
    if (mapping_open(&mapping, "m.yaml", &fault)) {
        fail_msg("accepted: %s", tail);
    }
    assert_string_equal(fault.en, sentence);
    assert_true(fault.zh[0] != '\0');
    assert_int_equal(fault.code, EXIT_USAGE);
}

static void test_fields(void **state)
{
    (void)state;
    expect("      credit: {constant: 1}\n",
           "m.yaml, line 11: there is no key 'credit' here; did you mean 'credits'?");
    expect("      wholly_else: {constant: 1}\n",
           "m.yaml, line 11: there is no key 'wholly_else' here");
    expect("      kind: {constant: component}\n",
           "m.yaml, line 11: this key is given twice: 'kind'");
    expect("      level: 3\n", "m.yaml, line 11: keys and values are expected here: 'level'");
    expect("      level: {constant: 3, column: x}\n",
           "m.yaml, line 11: a value is a constant alone, or a column: 'level'");
    expect("      level: {column: x, format: yyyymmdd}\n",
           "m.yaml, line 11: scale belongs to numbers, format and add_days to dates: 'level'");
    expect("      level: {column: x, scale: 7}\n",
           "m.yaml, line 11: scale is 1, 10, 100 or 1000; format yyyymmdd, yyyy-mm-dd or "
           "yyyy/mm/dd: '7'");
    expect("      start_date: {column: x, format: dd.mm.yy}\n",
           "m.yaml, line 11: scale is 1, 10, 100 or 1000; format yyyymmdd, yyyy-mm-dd or "
           "yyyy/mm/dd: 'dd.mm.yy'");
    expect("      level: {column: x, otherwise: 1}\n",
           "m.yaml, line 11: otherwise stands beside values");
    expect("      level: {column: x, optional: maybe}\n",
           "m.yaml, line 11: true or false is expected here: 'maybe'");
}

static void test_parts(void **state)
{
    (void)state;
    expect("    opener: {constant: 1}\n", "m.yaml, line 11: there is no key 'opener' here");
    expect("    where:\n      - {column: x, in: [a], at_least: 3}\n",
           "m.yaml, line 12: give one of in, not_in, at_least, at_most");
    expect("    where:\n      - {column: x, at_least: many}\n",
           "m.yaml, line 12: a decimal number is expected here: 'many'");
    expect("    joins:\n      - {table: t, by: [a]}\n",
           "m.yaml, line 12: there is no such table under tables: 't'");
    expect("    reference: []\n", "m.yaml, line 11: the list is empty or too long: 'reference'");
    expect("    encoding: latin1\n", "m.yaml, line 11: encoding is utf-8 or gb18030: 'latin1'");
    expect("    delimiter: '::'\n",
           "m.yaml, line 11: delimiter is a comma, a semicolon, a tab or a bar: '::'");
    expect("accounts:\n  - name: results\n    files: [a.csv]\n    account: {namespace: test, "
           "column: l}\n    opener: {constant: 1}\n",
           "m.yaml, line 4: two parts have this name: 'results'");
    expect("tables:\n  t: {file: t.csv}\n", "m.yaml, line 12: a key is missing here: 'key'");
}

static void test_details(void **state)
{
    (void)state;
    expect("    details: {marks: x}\n",
           "m.yaml, line 11: a detail is title, score, certificate_number, holder, evidence, "
           "description, teacher, class or a number from 1 to 999: 'marks'");
    expect("    details: {1000: x}\n",
           "m.yaml, line 11: a detail is title, score, certificate_number, holder, evidence, "
           "description, teacher, class or a number from 1 to 999: '1000'");
    expect("    details: {score: x, 2: y}\n", "m.yaml, line 11: this detail is given twice: '2'");
    expect("    details: {score: [x]}\n", "m.yaml, line 11: a text is expected here: 'score'");
    expect("    details: x\n", "m.yaml, line 11: keys and values are expected here: 'details'");
    expect("    details: {11: a, 12: a, 13: a, 14: a, 15: a, 16: a, 17: a, 18: a, 19: a, 20: a, "
           "21: a, "
           "22: a, 23: a, 24: a, 25: a, 26: a, 27: a}\n",
           "m.yaml, line 11: at most 16 details");
}

static void test_yaml(void **state)
{
    (void)state;
    expect("    batch: &x [a]\n",
           "m.yaml, line 11: anchors, aliases, tags and second documents are not allowed here");
    expect("    batch: !!seq [a]\n",
           "m.yaml, line 11: anchors, aliases, tags and second documents are not allowed here");
    expect("    batch: *x\n",
           "m.yaml, line 11: anchors, aliases, tags and second documents are not allowed here");
    expect("---\nmapping: 1\n",
           "m.yaml, line 11: anchors, aliases, tags and second documents are not allowed here");
    expect("    batch: [a\n", "m.yaml, line 12: not correct YAML: 'did not find expected ',' or "
                              "']''");
    expect("    batch: [[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]\n",
           "m.yaml, line 11: nested too deep");
}

static void expect_whole(const char *text, const char *sentence)
{
    struct mapping *mapping = NULL;
    support_write_text("m.yaml", text);
    assert_false(mapping_open(&mapping, "m.yaml", &fault));
    assert_string_equal(fault.en, sentence);
}

static void test_root(void **state)
{
    struct mapping *mapping = NULL;
    (void)state;
    assert_false(mapping_open(&mapping, "none.yaml", &fault));
    assert_string_equal(fault.en, "there is no file none.yaml; check the path");
    expect_whole("", "m.yaml, line 1: keys and values are expected");
    expect_whole("name: x\n", "m.yaml, line 1: a key is missing here: 'mapping'");
    expect_whole("mapping: 2\nname: x\n",
                 "m.yaml, line 1: this program knows mapping files of version 1: '2'");
    expect_whole("mapping: 1\nname: X\n",
                 "m.yaml, line 2: a name is 1 to 32 letters a to z, digits "
                 "and hyphens: 'X'");
    expect_whole("mapping: 1\nname: x\n", "m.yaml, line 1: give accounts, outcomes or both");
}

static void test_shipped(void **state)
{
    static const struct {
        const char *name;
        uint32_t parts;
    } shipped[] = {{"star", 2}, {"chem97", 2}, {"oulad", 4}};
    (void)state;
    const char *source = getenv("XUELIAN_SOURCE_DIR");
    assert_non_null(source);
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        char path[4096];
        struct mapping *mapping = NULL;
        snprintf(path, sizeof path, "%s/deploy/demo/%s.yaml", source, shipped[i].name);
        if (!mapping_open(&mapping, path, &fault)) {
            fail_msg("%s", fault.en);
        }
        assert_string_equal(mapping->name, shipped[i].name);
        assert_int_equal(mapping->part_count, shipped[i].parts);
        assert_true(mapping->parts[0].accounts);
        mapping_close(mapping);
    }
}

static void test_decimals(void **state)
{
    int64_t value = 0;
    (void)state;
    assert_true(map_decimal("40", &value));
    assert_true(value == INT64_C(40000000000));
    assert_true(map_decimal("-0.5", &value));
    assert_true(value == -500000000);
    assert_true(map_decimal("999999999.999999999", &value));
    assert_true(value == INT64_C(999999999999999999));
    assert_false(map_decimal("1234567890", &value));
    assert_false(map_decimal("1.", &value));
    assert_false(map_decimal(".5", &value));
    assert_false(map_decimal("1e3", &value));
    assert_false(map_decimal("", &value));
    assert_false(map_decimal("0.1234567891", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_parts, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_details, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_yaml, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_root, support_enter, support_leave),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
