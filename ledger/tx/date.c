#include "ledger/tx/rules.h"

enum { DATE_MAX = 99991231 };

static bool leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Of a month from 1. */
static uint32_t month_days(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

bool date_valid(uint32_t date)
{
    uint32_t year = date / 10000;
    uint32_t month = date / 100 % 100;
    uint32_t day = date % 100;
    if (year < 1900 || year > 9999 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    return day <= month_days(year, month);
}

uint32_t date_add_months(uint32_t date, uint32_t months)
{
    uint32_t whole = date / 10000 * 12 + (date / 100 % 100 - 1) + months;
    uint32_t year = whole / 12;
    uint32_t month = whole % 12 + 1;
    uint32_t day = date % 100;
    if (year > 9999) {
        return DATE_MAX;
    }
    uint32_t last = month_days(year, month);
    return year * 10000 + month * 100 + (day < last ? day : last);
}

/* Days to civil date: the year is taken to begin in March, so that leap days come last. */
uint32_t date_of_time(uint64_t time_ms)
{
    /* Seconds first, so that no time overflows; the verifier's civil_date says the same of every time. */
    uint64_t days = (time_ms / 1000 + UINT64_C(8) * 3600) / (UINT64_C(24) * 3600) + 719468;
    uint64_t era = days / 146097;
    uint64_t day_of_era = days % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted_month = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    uint64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return year > 9999 ? DATE_MAX : (uint32_t)(year * 10000 + month * 100 + day);
}
