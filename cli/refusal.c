/* Refused rows: in the report, and the first of them on the terminal. */
#include <inttypes.h>

#include "cli/import_run.h"
#include "proto/status.h"

enum { SHOWN_MAX = 20 };

static void put_csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_report(FILE *out, const char *part, const char *file, uint32_t line, uint32_t code,
                       const char *name, const char *en, const char *zh)
{
    put_csv_text(out, part);
    fputc(',', out);
    put_csv_text(out, file);
    fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%s,", line, code, name);
    put_csv_text(out, en);
    fputc(',', out);
    put_csv_text(out, zh);
    fputc('\n', out);
}

void refusal_tell(struct import_run *run, const char *file, uint32_t line, uint32_t code,
                  const char *en, const char *zh)
{
    const struct import_plan *plan = run->plan;
    const char *name = code == 0            ? "-"
                       : status_known(code) ? status_name((enum status)code)
                                            : "UNKNOWN";
    run->counts->refused++;
    if (plan->report != NULL) {
        put_report(plan->report, run->part->name, file, line, code, name, en, zh);
    }
    if (plan->quiet || run->shown_refusals > SHOWN_MAX) {
        return;
    }
    progress_clear(&run->progress);
    if (run->shown_refusals == SHOWN_MAX) {
        fprintf(stderr, "%s\n",
                plan->report != NULL ? tr("... more refused rows: all are in the report",
                                          "……更多被拒的行：全部在报告中")
                                     : tr("... more refused rows: --report FILE lists all of them",
                                          "……更多被拒的行：用 --report FILE 列出全部"));
    } else {
        fprintf(stderr,
                tr("%s, line %u: refused: %s%.0s%s%s%s\n", "%s 第 %u 行被拒：%.0s%s%s%s%s\n"), file,
                (unsigned)line, en, zh, code == 0 ? "" : " (", code == 0 ? "" : name,
                code == 0 ? "" : ")");
    }
    run->shown_refusals++;
}

void refusal_tell_code(struct import_run *run, const struct flight_row *row, uint32_t code)
{
    bool known = status_known(code);
    refusal_tell(run, row->file, row->line, code,
                 known ? status_en((enum status)code)
                       : "a reason that this program does not know; use a newer one",
                 known ? status_zh((enum status)code) : "本程序不认识的原因；请使用较新版本");
}
