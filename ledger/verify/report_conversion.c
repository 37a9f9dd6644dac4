/* A conversion decided again, in words. */
#include "ledger/verify/internal.h"
#include "ledger/verify/report.h"

static void say_credits(struct report *r, const char *english, const char *chinese, uint64_t amount)
{
    say(r, english, chinese);
    text_hundredths(&r->text, amount);
}

static void report_sources(struct report *r)
{
    struct conversion_source source;
    struct reader reader;
    reader_init(&reader, r->result->conversion.item->conversion.sources);
    while (conversion_source_next(&reader, &source)) {
        say(r, "  Source     record ", "  来源    条目 ");
        say_number(r, source.item);
        say_credits(r, ", of which this uses ", "，本次使用 ", source.used);
        say_credits(r, ", what was granted before ", "，此前已使用 ", source.used_before);
        say(r, "; it stood, unexpired, and is one that the rule takes\n",
            "；当时有效、未过期且为规则所接受\n");
    }
}

void report_conversion_head(struct report *r)
{
    if (r->result->conversion.granted) {
        say(r, "Proved: a conversion of credits follows from its rule and its sources\n",
            "已证明：某项学分转换符合其规则与来源\n");
    } else {
        say(r, "Proved: a conversion of credits was applied for and is not granted\n",
            "已证明：某项学分转换已申请而未获授予\n");
    }
}

void report_conversion_proof(struct report *r)
{
    const struct verify_conversion_proof *of = &r->result->conversion;
    const struct verify_conversion *said = &of->item->conversion;
    say(r, "\nDecided again\n  Rule       ", "\n重新裁定\n  规则    ");
    say_number(r, said->rule);
    text_put(&r->text, " ");
    (void)say_name(r, &of->rule_name);
    say(r, ", of ", "，归属 ");
    say_member(r, of->owner, &of->owner_name);
    say(r, of->by_hours ? "; hours times " : "; credits times ",
        of->by_hours ? "；学时乘以 " : "；学分乘以 ");
    say_number(r, of->ratio_num);
    text_put(&r->text, "/");
    say_number(r, of->ratio_den);
    say(r, "; in force on ", "；施行于 ");
    text_date(&r->text, said->applied_date);
    text_put(&r->text, "\n");
    if (!of->granted) {
        return;
    }
    report_sources(r);
    say_credits(r, "  Gives      credits ", "  所得    学分 ", of->gives);
    say_credits(r, "; the rule had given ", "；该规则此前已授予 ", said->rule_total);
    say_credits(r, " of at most ", "，上限 ", of->ceiling);
    say_credits(r, ", the programme ", "；该培养方案此前已授予 ", said->programme_total);
    say_credits(r, " of at most ", "，上限 ", of->programme_ceiling);
    say_credits(r, "; so granted ", "；故授予 ", said->credits);
    say(r, "\n  Decided    at height ", "\n  决定    高度 ");
    say_number(r, of->decided_height);
    text_put(&r->text, "\n");
}

void report_conversion_open(struct report *r)
{
    const struct verify_conversion_proof *of = &r->result->conversion;
    if (of->granted && !of->totals_proved) {
        say(r,
            "  - what had been converted before it, under the rule, in the programme and of each "
            "source: that takes the whole archive\n",
            "  - 此前在该规则、该培养方案及各来源上已转换的数额：需要完整档案方可证明\n");
    }
    if (!of->decider_named) {
        say(r,
            "  - that the member that decided stands for the one that the rule names, as its "
            "successor\n",
            "  - 作出决定的机构系规则所定机构的承继者\n");
    }
}
