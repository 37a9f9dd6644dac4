/* The words about statistics. */
#include "ledger/verify/report.h"

void report_statistics_head(struct report *r)
{
    switch (r->result->cells_shown) {
    case VERIFY_CELLS_NONE:
        break;
    case VERIFY_CELLS_ONE:
        say(r, "Proved: one cell of the statistics, as it stands at this height\n",
            "已证明：统计的一个单元格在该高度的数值\n");
        break;
    case VERIFY_CELLS_TABLE:
        say(r,
            "Proved: a region's statistics of a year, all kinds and levels, complete at this "
            "height\n",
            "已证明：某地区某年的统计表，含全部种类与层级，在该高度完整\n");
        break;
    case VERIFY_CELLS_RANGE:
        say(r, "Proved: a part of the statistics, whole in itself, at this height\n",
            "已证明：统计的一个区段，区段内完整，截至该高度\n");
        break;
    case VERIFY_CELLS_ALL:
        say(r, "Proved: all statistics there are, complete at this height\n",
            "已证明：全部统计，在该高度完整\n");
        break;
    }
}

static void report_amount(struct report *r, uint64_t amount, const char *english,
                          const char *chinese)
{
    if (amount > 0) {
        say(r, english, chinese);
        say_number(r, amount);
    }
}

static void report_cell(struct report *r, const struct verify_cell *cell)
{
    text_put(&r->text, "  ");
    say_number(r, cell->year);
    say(r, ", region ", "年，地区 ");
    say_number(r, cell->region);
    text_put(&r->text, r->language == VERIFY_CHINESE ? "，" : ", ");
    say_outcome_kind(r, cell->kind);
    if (cell->kind != 0) {
        say(r, ", level ", "，层级 ");
        say_number(r, cell->level);
    }
    say(r, ": outcomes ", "：成果 ");
    say_number(r, cell->outcomes);
    say(r, ", credits ", "，学分 ");
    text_hundredths(&r->text, cell->credits);
    say(r, ", hours ", "，学时 ");
    text_hundredths(&r->text, cell->hours);
    say(r, ", learners ", "，学习者 ");
    say_number(r, cell->learners);
    report_amount(r, cell->revoked, ", revoked ", "，撤销 ");
    report_amount(r, cell->accounts, ", accounts opened ", "，建档 ");
    report_amount(r, cell->points, ", points ", "，积分 ");
    report_amount(r, cell->conversions, ", conversions ", "，转换 ");
    if (cell->conversions > 0) {
        say(r, ", converted credits ", "，转换学分 ");
        text_hundredths(&r->text, cell->converted_credits);
    }
    text_put(&r->text, "\n");
}

void report_statistics(struct report *r)
{
    const struct verify_result *result = r->result;
    if (result->cells_shown == VERIFY_CELLS_RANGE || result->cells_shown == VERIFY_CELLS_ALL) {
        say(r, "  Cells      ", "  单元格  ");
        say_number(r, result->cell_count);
        say(r, " of ", "/");
        say_number(r, result->cell_total);
        say(r, ", from position ", "，起始位置 ");
        say_number(r, result->cell_first);
        text_put(&r->text, "\n");
    }
    say(r, "\nStatistics\n", "\n统计\n");
    for (uint32_t i = 0; i < result->cell_count; i++) {
        report_cell(r, &result->cells[i]);
    }
    if (result->cells_shown == VERIFY_CELLS_TABLE) {
        say(r, "  every other kind and level of that region and year: 0\n",
            "  该地区该年其他种类与层级：0\n");
    }
}

void report_statistics_open(struct report *r)
{
    if (r->result->cells_shown == VERIFY_CELLS_ONE) {
        say(r, "  - any other cell\n", "  - 其他单元格\n");
    } else if (r->result->cells_shown == VERIFY_CELLS_RANGE) {
        say(r, "  - cells at other positions; other ranges at this height make the rest\n",
            "  - 其他位置的单元格；同一高度的其他区段构成其余部分\n");
    }
    say(r, "  - learners of several cells together: one learner may be in each of them\n",
        "  - 多个单元格的学习者合计：同一学习者可出现在每一个中\n");
}
