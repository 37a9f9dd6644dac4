/* Languages, nearest names, numbers, durations, and the schema's names. */
#include "tests/unit/cmocka_all.h"

#include "cli/client.h"
#include "cli/names.h"
#include "cli/text.h"
#include "proto/tx.pb-c.h"

static void test_languages(void **state)
{
    struct fault fault;
    enum lang lang = LANG_EN;
    (void)state;
    assert_true(lang_parse("zh", &lang));
    assert_int_equal(lang, LANG_ZH);
    assert_false(lang_parse("fr", &lang));
    assert_false(fault_set(&fault, EXIT_IO, "%s is gone", "%s 不见了", "file"));
    lang_set(LANG_EN);
    assert_string_equal(fault_text(&fault), "file is gone");
    lang_set(LANG_ZH);
    assert_string_equal(fault_text(&fault), "file 不见了");
    /* A fault may be wrapped by itself. */
    fault_set(&fault, EXIT_USAGE, "line 3: %s%.0s", "第 3 行：%.0s%s", fault.en, fault.zh);
    assert_string_equal(fault.en, "line 3: file is gone");
    assert_string_equal(fault.zh, "第 3 行：file 不见了");
    lang_set(LANG_EN);
}

static void test_nearest(void **state)
{
    static const char *const names[] = {"import", "archive", "verify", "key", NULL};
    (void)state;
    assert_string_equal(nearest("imprt", names), "import");
    assert_string_equal(nearest("verfy", names), "verify");
    assert_string_equal(nearest("arhcive", names), "archive");
    assert_string_equal(nearest("kye", names), "key");      /* two letters changed places */
    assert_string_equal(nearest("arch", names), "archive"); /* begins with it */
    assert_string_equal(nearest("imports", names), "import");
    assert_null(nearest("get", names)); /* a letter in common is not near */
    assert_null(nearest("statistics", names));
    assert_null(nearest("x", names));
    assert_null(nearest("", names));
}

/* What comes from files and nodes reaches terminals and JSON. */
static void test_clean(void **state)
{
    struct fault fault;
    char text[] = "a\x1b[2Jb\tc\xff"
                  "d\xe4\xb8"
                  "e\xc2\x9b"
                  "f\xed\xa0\x80"
                  "中\x7f";
    (void)state;
    text_clean(text);
    assert_string_equal(text, "a [2Jb c?d??e  f???中 ");
    /* Cut in the middle of a character, as "%.4s" does. */
    fault_set(&fault, EXIT_REFUSED, "'%.4s'", "“%.4s”", "学学");
    assert_string_equal(fault.en, "'学?'");
    assert_string_equal(fault.zh, "“学?”");
}

static void test_numbers(void **state)
{
    unsigned long long value = 5;
    (void)state;
    assert_true(parse_u64("0", 10, &value));
    assert_true(parse_u64("18446744073709551615", UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    value = 5;
    assert_false(parse_u64("18446744073709551616", UINT64_MAX, &value));
    assert_false(parse_u64("11", 10, &value));
    assert_false(parse_u64("", 10, &value));
    assert_false(parse_u64("-1", 10, &value));
    assert_false(parse_u64("1 ", 10, &value));
    assert_true(value == 5);
    assert_true(parse_duration_ms("1d", &value));
    assert_true(value == 86400000);
    assert_true(parse_duration_ms("90s", &value));
    assert_true(value == 90000);
    assert_false(parse_duration_ms("d", &value));
    assert_false(parse_duration_ms("1w", &value));
    assert_false(parse_duration_ms("99999999999999999999999999d", &value));
}

static void test_names(void **state)
{
    char text[NAME_SIZE];
    uint32_t value = 0;
    (void)state;
    assert_true(
        name_parse(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", "school_course", &value));
    assert_int_equal(value, XUELIAN__OUTCOME_KIND__OUTCOME_KIND_SCHOOL_COURSE);
    assert_false(
        name_parse(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", "unspecified", &value));
    assert_string_equal(
        name_nearest(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", "examinaton", text),
        "examination");
    assert_string_equal(name_format(&xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", 77, text),
                        "77");
    assert_string_equal(hundredths_format(1250, text), "12.5");
    assert_string_equal(hundredths_format(1205, text), "12.05");
    assert_string_equal(hundredths_format(1200, text), "12");
    assert_string_equal(date_format(19890531, text), "1989-05-31");
    assert_string_equal(time_format(UINT64_C(1767225600000), text), "2026-01-01 08:00:00 +08:00");
}

static void test_json(void **state)
{
    uint8_t bytes[4] = {0};
    (void)state;
    json_t *object = json_loads("{\"itemCodes\":[1],\"height\":\"12\",\"index\":3,\"a\":-1,"
                                "\"key\":\"00010203\",\"bad\":\"000102\",\"worse\":\"0001020z\"}",
                                0, NULL);
    assert_non_null(object);
    assert_int_equal(json_array_size(json_field(object, "item_codes")), 1);
    assert_int_equal(json_u64(object, "height"), 12);
    assert_int_equal(json_u64(object, "index"), 3);
    assert_int_equal(json_u64(object, "a"), 0);
    assert_int_equal(json_u64(object, "none"), 0);
    assert_true(json_hex(object, "key", bytes, 4));
    assert_int_equal(bytes[3], 3);
    assert_false(json_hex(object, "bad", bytes, 4));
    assert_false(json_hex(object, "worse", bytes, 4));
    assert_false(json_hex(object, "height", bytes, 4));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_languages), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_clean),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
