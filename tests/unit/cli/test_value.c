/* Values: numbers with a scale, dates with days added, names; each refusal's sentence. */
#include "tests/unit/cmocka_all.h"

#include "cli/value.h"
#include "proto/tx.pb-c.h"

static struct doc_node node = {.key = "credits"};
static struct fault fault;

static enum value_result number(const struct map_value *map, const char *text, uint32_t *out)
{
    const char *const row[] = {text};
    const struct bound_value value = {.map = map, .column = 0, .add_days = -1};
    return value_number(&value, row, out, &fault);
}

static void test_numbers(void **state)
{
    const struct map_value whole = {.node = &node, .column = "c", .scale = 1};
    const struct map_value hundred = {.node = &node, .column = "c", .scale = 100};
    const struct map_value optional = {.node = &node, .column = "c", .scale = 1, .optional = true};
    uint32_t out = 9;
    (void)state;
    assert_int_equal(number(&whole, "4294967295", &out), VALUE_GIVEN);
    assert_int_equal(out, UINT32_MAX);
    assert_int_equal(number(&whole, "4294967296", &out), VALUE_REFUSED);
    assert_string_equal(fault.en, "c: '4294967296' is not a number from 0 to 4294967295");
    assert_int_equal(number(&whole, "1.5", &out), VALUE_REFUSED);
    assert_int_equal(number(&whole, "", &out), VALUE_REFUSED);
    assert_string_equal(fault.en, "column c is empty");
    assert_int_equal(number(&optional, "", &out), VALUE_ABSENT);
    assert_int_equal(number(&hundred, "12.5", &out), VALUE_GIVEN);
    assert_int_equal(out, 1250);
    assert_int_equal(number(&hundred, "12.505", &out), VALUE_REFUSED);
    assert_string_equal(fault.en,
                        "c: '12.505' has more decimals than the scale allows, or is too large");
    assert_int_equal(number(&hundred, "999999999", &out), VALUE_REFUSED);
    assert_int_equal(number(&hundred, "-1", &out), VALUE_REFUSED);
}

static void test_values(void **state)
{
    struct doc_node good = {.key = "A", .text = "2000"};
    struct doc_node none = {.key = "-", .text = "", .next = &good};
    struct doc_node list = {.kind = DOC_MAP, .first = &none, .count = 2};
    struct map_value map = {.node = &node, .column = "grade", .scale = 1, .values = &list};
    uint32_t out = 0;
    (void)state;
    assert_int_equal(number(&map, "A", &out), VALUE_GIVEN);
    assert_int_equal(out, 2000);
    assert_int_equal(number(&map, "X", &out), VALUE_REFUSED);
    assert_string_equal(fault.en, "column grade holds 'X', which the mapping does not list");
    assert_int_equal(number(&map, "-", &out), VALUE_REFUSED);
    map.otherwise = "7";
    assert_int_equal(number(&map, "X", &out), VALUE_GIVEN);
    assert_int_equal(out, 7);
    map.optional = true;
    assert_int_equal(number(&map, "", &out), VALUE_ABSENT);
    assert_int_equal(number(&map, "-", &out), VALUE_ABSENT);
}

static enum value_result date(enum map_date form, const char *text, const char *days, uint32_t *out)
{
    const char *const row[] = {text, days};
    const struct map_value map = {.node = &node, .column = "day", .scale = 1, .date = form};
    const struct bound_value value = {.map = &map, .column = 0, .add_days = days != NULL ? 1 : -1};
    return value_date(&value, row, out, &fault);
}

static void test_dates(void **state)
{
    uint32_t out = 0;
    (void)state;
    assert_int_equal(date(MAP_YYYYMMDD, "19890531", NULL, &out), VALUE_GIVEN);
    assert_int_equal(out, 19890531);
    assert_int_equal(date(MAP_YYYY_MM_DD, "2024-02-29", NULL, &out), VALUE_GIVEN);
    assert_int_equal(out, 20240229);
    assert_int_equal(date(MAP_YYYY_SLASH, "2024/02/29", NULL, &out), VALUE_GIVEN);
    assert_int_equal(date(MAP_YYYY_MM_DD, "2023-02-29", NULL, &out), VALUE_REFUSED);
    assert_string_equal(
        fault.en, "day: '2023-02-29' is not a day of the calendar as the mapping writes dates");
    assert_int_equal(date(MAP_YYYYMMDD, "1989-05-31", NULL, &out), VALUE_REFUSED);
    assert_int_equal(date(MAP_YYYYMMDD, "18991231", NULL, &out), VALUE_REFUSED);
    assert_int_equal(date(MAP_YYYYMMDD, "30000101", NULL, &out), VALUE_REFUSED);
    assert_int_equal(date(MAP_YYYYMMDD, "20130201", "-11", &out), VALUE_GIVEN);
    assert_int_equal(out, 20130121);
    assert_int_equal(date(MAP_YYYYMMDD, "20131001", "268", &out), VALUE_GIVEN);
    assert_int_equal(out, 20140626);
    assert_int_equal(date(MAP_YYYYMMDD, "20131001", "x", &out), VALUE_REFUSED);
    assert_string_equal(fault.en, "day: 'x' is not a number of days to add");
    assert_int_equal(date(MAP_YYYYMMDD, "29991231", "1", &out), VALUE_REFUSED);
}

/* Against a walk through the calendar, day by day. */
static void test_date_sums(void **state)
{
    static const uint32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t today = 19000101;
    uint32_t found = 0;
    (void)state;
    for (int32_t i = 0; i < 60000; i++) {
        assert_true(date_add_days(19000101, i, &found));
        assert_int_equal(found, today);
        assert_true(date_add_days(today, -i, &found));
        assert_int_equal(found, 19000101);
        uint32_t year = today / 10000;
        uint32_t month = today / 100 % 100;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        uint32_t last = days[month - 1] + (month == 2 && leap);
        today = today % 100 < last ? today + 1
                : month < 12       ? year * 10000 + (month + 1) * 100 + 1
                                   : (year + 1) * 10000 + 101;
    }
    assert_false(date_add_days(19000101, -1, &found));
}

static void test_names(void **state)
{
    const struct map_value map = {.node = &node, .column = "kind", .scale = 1};
    const struct bound_value value = {.map = &map, .column = 0, .add_days = -1};
    const char *row[] = {"component"};
    uint32_t out = 0;
    (void)state;
    assert_int_equal(
        value_name(&value, row, &xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", &out, &fault),
        VALUE_GIVEN);
    assert_int_equal(out, XUELIAN__OUTCOME_KIND__OUTCOME_KIND_COMPONENT);
    row[0] = "componet";
    assert_int_equal(
        value_name(&value, row, &xuelian__outcome_kind__descriptor, "OUTCOME_KIND_", &out, &fault),
        VALUE_REFUSED);
    assert_string_equal(fault.en, "kind: there is no 'componet'; is it component?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_values),
        cmocka_unit_test(test_dates),   cmocka_unit_test(test_date_sums),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
