#include "ledger/whole/report.h"

#include <stdarg.h>
#include <stdio.h>

enum status whole_damage(struct whole_report *report, enum whole_part part, const char *en,
                         const char *zh, ...)
{
    if (report->part != WHOLE_NOTHING) {
        return ST_CORRUPT;
    }
    va_list arguments;
    report->part = part;
    va_start(arguments, zh);
    vsnprintf(report->en, sizeof report->en, en, arguments);
    va_end(arguments);
    va_start(arguments, zh);
    vsnprintf(report->zh, sizeof report->zh, zh, arguments);
    va_end(arguments);
    return ST_CORRUPT;
}

enum status whole_damage_pair(struct whole_report *report, enum whole_part part,
                              const char *what_en, const char *what_zh, uint64_t number,
                              const char *why_en, const char *why_zh)
{
    if (report->part == WHOLE_NOTHING) {
        report->part = part;
        snprintf(report->en, sizeof report->en, "%s %llu: %s", what_en, (unsigned long long)number,
                 why_en);
        snprintf(report->zh, sizeof report->zh, "%s%llu：%s", what_zh, (unsigned long long)number,
                 why_zh);
    }
    return ST_CORRUPT;
}

enum status whole_unread(struct whole_report *report, enum whole_part part, enum status status,
                         const char *what_en, const char *what_zh)
{
    if (status != ST_OK && report->part == WHOLE_NOTHING) {
        report->part = part;
        snprintf(report->en, sizeof report->en, "%s cannot be read (%s)", what_en,
                 status_en(status));
        snprintf(report->zh, sizeof report->zh, "%s无法读取（%s）", what_zh, status_zh(status));
    }
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

void whole_progress(struct whole_report *report, const char *what_en, const char *what_zh,
                    uint64_t done, uint64_t of)
{
    if (report->progress != NULL) {
        report->progress(report->context, report, what_en, what_zh, done, of);
    }
}
