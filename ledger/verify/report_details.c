/* The details of a record in words, and what is withheld of them. */
#include "ledger/verify/report.h"
#include "proto/limits.h"

static const char *const names[][2] = {
    {"", ""},
    {"title", "名称"},
    {"score", "成绩"},
    {"certificate number", "证书编号"},
    {"holder", "持证人姓名"},
    {"evidence", "佐证材料"},
    {"description", "说明"},
    {"teacher", "授课教师"},
    {"class", "班级"},
};

void report_details(struct report *r, const struct verify_item *item)
{
    struct verify_detail detail;
    for (uint32_t i = 0; verify_detail(item, i, &detail); i++) {
        say(r, "     ", "     ");
        if (detail.number < sizeof names / sizeof names[0]) {
            say_pair(r, names[detail.number]);
        } else {
            say(r, "detail ", "明细");
            say_number(r, detail.number);
        }
        say(r, ": ", "：");
        text_outside(&r->text, detail.value);
        text_put(&r->text, "\n");
    }
    if (item->details_count > item->details_shown) {
        say(r, "     details withheld: ", "     未出示的明细：");
        say_number(r, item->details_count - item->details_shown);
        text_put(&r->text, "\n");
    }
    if (item->details_erased) {
        say(r,
            item->details_shown > 0
                ? "     its details were erased from the network; those above are a copy that "
                  "somebody kept\n"
                : "     its details were erased from the network\n",
            item->details_shown > 0 ? "     其明细已从网络中删除；以上为他人保留的副本\n"
                                    : "     其明细已从网络中删除\n");
    }
}
