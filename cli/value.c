#include "cli/value.h"

#include <string.h>

#include "cli/names.h"
#include "ledger/tx/rules.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2999, DAY_DIGITS_MAX = 5 };

/* How a value is called in a sentence. */
static const char *title(const struct bound_value *value)
{
    return value->map->column != NULL ? value->map->column : value->map->node->key;
}

/* The text of a value before its type is looked at. */
static enum value_result take_text(const struct bound_value *value, const char *const *row,
                                   const char **text, struct fault *fault)
{
    const struct map_value *map = value->map;
    if (value->column < 0) {
        *text = map->constant;
        return VALUE_GIVEN;
    }
    *text = row[value->column];
    if (map->values != NULL) {
        const struct doc_node *found = doc_get(map->values, *text);
        if (found == NULL && map->otherwise == NULL && !((*text)[0] == '\0' && map->optional)) {
            fault_set(fault, EXIT_REFUSED,
                      "column %s holds '%.64s', which the mapping does not list",
                      "列 %s 的值“%.64s”未列在映射中", title(value), *text);
            return VALUE_REFUSED;
        }
        if (found != NULL) {
            *text = found->text;
        } else if ((*text)[0] != '\0' || !map->optional) {
            *text = map->otherwise;
        }
    }
    if ((*text)[0] != '\0') {
        return VALUE_GIVEN;
    }
    if (map->optional) {
        return VALUE_ABSENT;
    }
    fault_set(fault, EXIT_REFUSED, "column %s is empty", "列 %s 为空", title(value));
    return VALUE_REFUSED;
}

static enum value_result refuse(const struct bound_value *value, const char *text, const char *en,
                                const char *zh, struct fault *fault)
{
    fault_set(fault, EXIT_REFUSED, "%s: '%.64s' %s%.0s", "%s：“%.64s”%.0s%s", title(value), text,
              en, zh);
    return VALUE_REFUSED;
}

enum value_result value_number(const struct bound_value *value, const char *const *row,
                               uint32_t *out, struct fault *fault)
{
    const char *text = NULL;
    unsigned long long number = 0;
    int64_t decimal = 0;
    enum value_result result = take_text(value, row, &text, fault);
    if (result != VALUE_GIVEN) {
        return result;
    }
    if (value->map->scale <= 1 && parse_u64(text, UINT32_MAX, &number)) {
        *out = (uint32_t)number;
        return VALUE_GIVEN;
    }
    if (value->map->scale <= 1 || !map_decimal(text, &decimal) || decimal < 0) {
        return refuse(value, text, "is not a number from 0 to 4294967295",
                      "不是 0 至 4294967295 的数字", fault);
    }
    /* In two parts, so that nothing overflows: each side of the point has at most 9 digits. */
    uint64_t scale = value->map->scale;
    uint64_t part = (uint64_t)(decimal % 1000000000) * scale;
    number = (uint64_t)(decimal / 1000000000) * scale + part / 1000000000;
    if (part % 1000000000 != 0 || number > UINT32_MAX) {
        return refuse(value, text, "has more decimals than the scale allows, or is too large",
                      "小数位过多或数值过大", fault);
    }
    *out = (uint32_t)number;
    return VALUE_GIVEN;
}

/* Days since 1 March of year 0: the year begins in March, so that leap days come last. */
static int64_t days_of(uint32_t date)
{
    int64_t month = date / 100 % 100;
    int64_t year = (int64_t)(date / 10000) - (month <= 2);
    int64_t shifted = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * shifted + 2) / 5 + date % 100 - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
}

bool date_add_days(uint32_t date, int32_t days, uint32_t *out)
{
    enum { EPOCH = 719468 }; /* 1970-01-01 in those days */
    int64_t sum = days_of(date) + days;
    int64_t first = days_of(YEAR_MIN * 10000 + 101);
    int64_t last = days_of(YEAR_MAX * 10000 + 1231);
    if (sum < first || sum > last) {
        return false;
    }
    /* date_of_time knows days from 1970 on; the calendar repeats every 400 years. */
    int64_t cycles = sum < EPOCH ? 1 : 0;
    uint64_t since = (uint64_t)(sum + cycles * 146097 - EPOCH);
    *out = date_of_time(since * 86400000u) - (uint32_t)cycles * 4000000u;
    return true;
}

static bool digits(const char *text, size_t count, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *out = value;
    return true;
}

static bool parse_date(const char *text, enum map_date form, uint32_t *date)
{
    uint32_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    bool read = false;
    if (form == MAP_YYYYMMDD) {
        read = strlen(text) == 8 && digits(text, 4, &year) && digits(text + 4, 2, &month) &&
               digits(text + 6, 2, &day);
    } else {
        char mark = form == MAP_YYYY_MM_DD ? '-' : '/';
        read = strlen(text) == 10 && text[4] == mark && text[7] == mark && digits(text, 4, &year) &&
               digits(text + 5, 2, &month) && digits(text + 8, 2, &day);
    }
    *date = year * 10000 + month * 100 + day;
    return read && year <= YEAR_MAX && date_valid(*date);
}

enum value_result value_date(const struct bound_value *value, const char *const *row, uint32_t *out,
                             struct fault *fault)
{
    const char *text = NULL;
    uint32_t date = 0;
    enum value_result result = take_text(value, row, &text, fault);
    if (result != VALUE_GIVEN) {
        return result;
    }
    if (!parse_date(text, value->map->date, &date)) {
        return refuse(value, text, "is not a day of the calendar as the mapping writes dates",
                      "不是映射所用格式的日历日期", fault);
    }
    if (value->add_days >= 0) {
        const char *days = row[value->add_days];
        const char *number = days + (days[0] == '-');
        unsigned long long count = 0;
        if (strlen(number) > DAY_DIGITS_MAX || !parse_u64(number, 99999, &count)) {
            return refuse(value, days, "is not a number of days to add", "不是可加的天数", fault);
        }
        if (!date_add_days(date, days[0] == '-' ? -(int32_t)count : (int32_t)count, &date)) {
            return refuse(value, days, "days lead outside the years 1900 to 2999",
                          "天相加后超出 1900 至 2999 年", fault);
        }
    }
    *out = date;
    return VALUE_GIVEN;
}

enum value_result value_name(const struct bound_value *value, const char *const *row,
                             const ProtobufCEnumDescriptor *schema, const char *prefix,
                             uint32_t *out, struct fault *fault)
{
    const char *text = NULL;
    char near[NAME_SIZE];
    enum value_result result = take_text(value, row, &text, fault);
    if (result != VALUE_GIVEN || name_parse(schema, prefix, text, out)) {
        return result;
    }
    if (name_nearest(schema, prefix, text, near) != NULL) {
        fault_set(fault, EXIT_REFUSED, "%s: there is no '%.64s'; is it %s?",
                  "%s：没有“%.64s”；是否为 %s？", title(value), text, near);
        return VALUE_REFUSED;
    }
    return refuse(value, text, "is not one of the names of the standard fields",
                  "不是标准字段的名称", fault);
}
