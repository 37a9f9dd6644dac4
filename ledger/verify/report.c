/* The result in words. Each sentence stands here once, in both languages side by side. */
#include "ledger/verify/report.h"

#include <string.h>

#include "proto/bytes.h"
#include "proto/quorum.h"

enum fault_number {
    FAULT_NUMBER_NOTHING,
    FAULT_NUMBER_BYTE,
    FAULT_NUMBER_ITEM,
    FAULT_NUMBER_HEIGHT,
    FAULT_NUMBER_MEMBER,
    FAULT_NUMBER_KIND
};

struct fault_entry {
    const char *name;
    enum fault_number number;
    const char *text[2];
};

static const struct fault_entry faults[] = {
#define X(name, status, number, en, zh) \
    [VERIFY_FAULT_##name] = {#name, FAULT_NUMBER_##number, {en, zh}},
    VERIFY_FAULTS(X)
#undef X
};

/* Indexed by their wire numbers. */
static const char *const item_kinds[][2] = {{"?", "?"},
                                            {"outcome", "学习成果"},
                                            {"recognition", "认定"},
                                            {"conversion", "转换"},
                                            {"points", "积分"},
                                            {"consent", "授权"},
                                            {"dispute", "异议"},
                                            {"key change", "密钥变更"},
                                            {"link to a merged account", "账户合并"}};
static const char *const item_statuses[][2] = {{"?", "?"},
                                               {"valid", "有效"},
                                               {"valid as corrected", "有效（已更正）"},
                                               {"suspended", "已暂停"},
                                               {"REVOKED", "已撤销"},
                                               {"applied for, not decided", "申请中"},
                                               {"REFUSED", "不予通过"},
                                               {"UNDER REVIEW", "待复核"},
                                               {"ended", "已终止"}};
static const char *const account_statuses[][2] = {
    {"?", "?"},           {"open", "正常"},     {"frozen", "冻结"},
    {"merged", "已合并"}, {"closed", "已关闭"}, {"of a deceased learner", "身故"}};
static const char *const outcome_kinds[][2] = {{"all records", "全部记录"},
                                               {"degree course", "学历教育课程"},
                                               {"course component", "课程组成部分"},
                                               {"vocational training", "职业培训"},
                                               {"examination", "考试"},
                                               {"school course", "学校课程"},
                                               {"online course", "在线课程"},
                                               {"certificate", "证书"},
                                               {"community education", "社区教育"},
                                               {"other learning", "其他学习"}};
static const char *const collections[][2] = {{"?", "?"},
                                             {"members", "机构"},
                                             {"regions", "行政区划"},
                                             {"framework", "学习资历框架"},
                                             {"courses", "课程"},
                                             {"rules", "规则"},
                                             {"catalogue", "兑换目录"},
                                             {"accounts", "学习账户"},
                                             {"statistics", "统计"},
                                             {"proposals", "治理"},
                                             {"parameters", "参数"},
                                             {"queries", "查询"}};

const char *verify_fault_text(enum verify_fault fault, enum verify_language language)
{
    return faults[fault].text[language];
}

const char *verify_fault_name(enum verify_fault fault)
{
    return faults[fault].name;
}

void say(struct report *r, const char *english, const char *chinese)
{
    text_put(&r->text, r->language == VERIFY_CHINESE ? chinese : english);
}

void say_pair(struct report *r, const char *const pair[2])
{
    text_put(&r->text, pair[r->language]);
}

void say_number(struct report *r, uint64_t number)
{
    text_number(&r->text, number);
}

bool say_name(struct report *r, const struct verify_name *name)
{
    bool chinese = r->language == VERIFY_CHINESE;
    struct bytes wanted = chinese ? name->zh : name->en;
    struct bytes other = chinese ? name->en : name->zh;
    text_outside(&r->text, wanted.size > 0 ? wanted : other);
    return wanted.size > 0 || other.size > 0;
}

void say_member(struct report *r, uint32_t member, const struct verify_name *name)
{
    if (say_name(r, name)) {
        say(r, " (member ", "（机构");
        say_number(r, member);
        say(r, ")", "）");
    } else {
        say(r, "member ", "机构");
        say_number(r, member);
        say(r, " (not in genesis)", "（创世文件中没有）");
    }
}

void say_outcome_kind(struct report *r, uint32_t kind)
{
    say_pair(r, outcome_kinds[kind]);
}

/* ---- refusal ---- */

static void report_place(struct report *r)
{
    const struct verify_result *result = r->result;
    if (result->fault_number == 0) {
        return;
    }
    switch (faults[result->fault].number) {
    case FAULT_NUMBER_NOTHING:
        return;
    case FAULT_NUMBER_BYTE:
        say(r, " (at byte ", "（字节位置 ");
        break;
    case FAULT_NUMBER_ITEM:
        say(r, " (record ", "（记录 ");
        break;
    case FAULT_NUMBER_HEIGHT:
        say(r, " (at height ", "（高度 ");
        break;
    case FAULT_NUMBER_MEMBER:
        say(r, " (member ", "（机构 ");
        break;
    case FAULT_NUMBER_KIND:
        say(r, " (kind ", "（种类 ");
        break;
    }
    say_number(r, result->fault_number);
    if (result->fault_name.size > 0) {
        text_put(&r->text, ", ");
        text_outside(&r->text, result->fault_name);
    }
    say(r, ")", "）");
}

static void report_refusal(struct report *r)
{
    say(r, "PROOF REFUSED: ", "证明被拒绝：");
    text_put(&r->text, verify_fault_text(r->result->fault, r->language));
    report_place(r);
    say(r, ".\nNothing in it is proved.\n", "。\n其中任何内容都未得到证明。\n");
}

/* ---- what holds ---- */

static void report_signers(struct report *r)
{
    const struct verify_result *result = r->result;
    say(r, "  Signed by  ", "  签名者  ");
    say_number(r, result->signer_count);
    say(r, " of ", "/");
    say_number(r, result->set_size);
    say(r, " validators: ", " 个验证者：");
    for (uint32_t i = 0; i < result->signer_count; i++) {
        if (i > 0) {
            say(r, ", ", "、");
        }
        say_member(r, result->signers[i].member, &result->signers[i].name);
    }
    if (result->from_history) {
        say(r, "; their set is the newest of the history file, proved from genesis up to height ",
            "；该集合为历史文件中最新的集合，自创世至以下高度均已证明：");
        say_number(r, result->history_height);
    }
    if (result->set_changes > 0) {
        say(r, "; the set changed ", "；自创世以来集合变更 ");
        say_number(r, result->set_changes);
        say(r, " times since genesis, each change certified", " 次，每次变更均经认证");
        if (result->recovery_count > 0) {
            say(r, " or a RECOVERY", "或为恢复");
        }
    }
    text_put(&r->text, "\n");
}

static void report_recovery(struct report *r, const struct verify_recovery *recovery)
{
    const struct verify_result *result = r->result;
    const char *between = "";
    say(r, "  RECOVERY   at block ", "  恢复    区块 ");
    say_number(r, recovery->height);
    say(r, " the validators were replaced by ", "：验证者集合由 ");
    say_number(r, recovery->signer_count);
    say(r, " of ", "/");
    say_number(r, result->recovery_keys);
    say(r, " recovery keys, not by the set before (", " 个恢复密钥替换，未经此前集合认证（");
    for (uint32_t i = 0; i < result->recovery_keys; i++) {
        if ((recovery->signers >> i & 1) != 0) {
            text_put(&r->text, between);
            text_outside(&r->text, result->recovery_holders[i]);
            between = r->language == VERIFY_CHINESE ? "、" : ", ";
        }
    }
    say(r, "). Reason given: ", "）。所述原因：");
    text_outside(&r->text, recovery->reason);
    text_put(&r->text, "\n");
}

static void report_head(struct report *r)
{
    const struct verify_result *result = r->result;
    say(r, "PROOF HOLDS\n\n", "证明成立\n\n");
    switch (result->kind) {
    case VERIFY_NOTHING:
        break;
    case VERIFY_RECORD:
        say(r, "Proved: one record of a learner, as it stands at this height\n",
            "已证明：某学习者的一条记录在该高度的状态\n");
        break;
    case VERIFY_ARCHIVE:
        if (result->complete) {
            say(r, "Proved: a learner's whole archive, complete and current at this height\n",
                "已证明：某学习者的全部档案，在该高度完整且为最新\n");
        } else {
            say(r,
                "Proved: part of a learner's archive, current at this height; the rest is "
                "withheld\n",
                "已证明：某学习者的部分档案，在该高度为最新；其余未出示\n");
        }
        break;
    case VERIFY_ABSENCE:
        say(r, "Proved: there was no such entry at this height\n",
            "已证明：在该高度不存在此条目\n");
        break;
    case VERIFY_TRANSACTION:
        report_transaction_head(r);
        break;
    case VERIFY_STATISTICS:
        report_statistics_head(r);
        break;
    case VERIFY_EQUIVOCATION:
        say(r, "Proved: a validator signed two things of which an honest one signs only one\n",
            "已证明：某验证者签署了诚实者只会签署其一的两项内容\n");
        break;
    case VERIFY_CONVERSION:
        report_conversion_head(r);
        break;
    case VERIFY_SET_HISTORY:
        say(r, "Proved: who the validators were, from genesis to the next height\n",
            "已证明：自创世至下一高度的验证者集合\n");
        break;
    }
    say(r, "  Network    ", "  网络    ");
    text_outside(&r->text, result->network);
    say(r, " (chain ", "（链 ");
    text_hex(&r->text, result->chain_id.bytes, 32);
    say(r, ")\n  As of      height ", "）\n  截至    高度 ");
    say_number(r, result->height);
    say(r, ", ", "，");
    text_time(&r->text, result->time_ms);
    text_put(&r->text, "\n");
    report_signers(r);
    for (uint32_t i = 0; i < result->recovery_count; i++) {
        report_recovery(r, &result->recoveries[i]);
    }
}

static void report_account(struct report *r)
{
    const struct verify_result *result = r->result;
    say(r, "  Learner    ", "  学习者  ");
    text_hex(&r->text, result->learner.bytes, 32);
    say(r, "\n  Account    ", "\n  账户    ");
    say_pair(r, account_statuses[result->account_status]);
    say(r, ", records: ", "，记录数：");
    say_number(r, result->item_count);
    if (result->kind == VERIFY_ARCHIVE && !result->complete) {
        say(r, ", withheld: ", "，未出示：");
        say_number(r, result->withheld_count);
    }
    text_put(&r->text, "\n");
}

static void report_outcome(struct report *r, const struct verify_item *item)
{
    const struct verify_outcome *outcome = &item->outcome;
    say(r, "; ", "；");
    if (!say_name(r, &item->course_name) && outcome->course != 0) {
        say(r, "course ", "课程");
        say_number(r, outcome->course);
    } else if (outcome->course == 0) {
        say_pair(r, outcome_kinds[outcome->kind]);
    }
    if (outcome->course != 0) {
        say(r, " (", "（");
        say_pair(r, outcome_kinds[outcome->kind]);
        say(r, ")", "）");
    }
    say(r, "; credits ", "；学分 ");
    text_hundredths(&r->text, outcome->credits);
    say(r, ", hours ", "，学时 ");
    text_hundredths(&r->text, outcome->hours);
    if (outcome->grade_band != 0) {
        say(r, ", grade band ", "，等级 ");
        say_number(r, outcome->grade_band);
    }
    say(r, "; awarded ", "；授予日期 ");
    text_date(&r->text, outcome->award_date);
    say(r, " by ", "，颁发机构 ");
    say_member(r, outcome->issuer, &item->issuer_name);
    if (outcome->expiry_date != 0) {
        say(r, item->expired ? "; EXPIRED on " : "; expires on ",
            item->expired ? "；已过期，到期日 " : "；到期日 ");
        text_date(&r->text, outcome->expiry_date);
    }
}

static void report_item(struct report *r, const struct verify_item *item)
{
    say(r, "  ", "  ");
    say_number(r, item->number);
    say(r, ". ", "．");
    say_pair(r, item_statuses[item->status]);
    if (item->kind == VERIFY_ITEM_OUTCOME) {
        report_outcome(r, item);
    } else {
        say(r, "; ", "；");
        say_pair(r, item_kinds[item->kind]);
        report_content(r, item);
    }
    say(r, "; recorded at height ", "；记录于高度 ");
    say_number(r, item->height);
    if (item->version > 1) {
        say(r, ", version ", "，版本 ");
        say_number(r, item->version);
        say(r, item->history_whole ? ", all earlier versions checked" : "",
            item->history_whole ? "，全部历史版本已核对" : "");
    }
    if (item->dispute != 0) {
        say(r, "; DISPUTED, see item ", "；存在异议，见条目 ");
        say_number(r, item->dispute);
    }
    report_parties(r, item);
    text_put(&r->text, "\n");
    report_details(r, item);
}

static void report_items(struct report *r)
{
    const struct verify_result *result = r->result;
    if (result->items_shown > 0) {
        say(r, "\nRecords\n", "\n记录\n");
    }
    for (uint32_t i = 0; i < result->items_shown; i++) {
        report_item(r, &result->items[i]);
    }
}

static void say_total(struct report *r, const char *english, const char *chinese,
                      const struct verify_total *total)
{
    say(r, english, chinese);
    say_number(r, total->outcomes);
    say(r, ", credits ", "，学分 ");
    text_hundredths(&r->text, total->credits);
    text_put(&r->text, "\n");
}

static void report_totals(struct report *r)
{
    const struct verify_result *result = r->result;
    if (result->totals_state == VERIFY_TOTALS_NONE) {
        return;
    }
    say(r, "\nTotals, recomputed from the records", "\n合计，由记录重新计算");
    if (result->totals_state == VERIFY_TOTALS_EQUAL) {
        say(r, " and equal to the account's certified summary", "，与账户已认证的汇总一致");
    }
    say(r, " (revoked and suspended ones do not count)\n", "（已撤销和已暂停的不计入）\n");
    for (uint32_t i = 1; i <= VERIFY_OUTCOME_KINDS + 1; i++) {
        uint32_t kind = i <= VERIFY_OUTCOME_KINDS ? i : 0;
        const struct verify_total *total = &result->totals[kind];
        if (total->outcomes == 0 && kind != 0) {
            continue;
        }
        text_put(&r->text, "  ");
        say_pair(r, outcome_kinds[kind]);
        say(r, ": ", "：");
        say_number(r, total->outcomes);
        say(r, ", credits ", " 条，学分 ");
        text_hundredths(&r->text, total->credits);
        say(r, ", hours ", "，学时 ");
        text_hundredths(&r->text, total->hours);
        text_put(&r->text, "\n");
    }
    if (result->recognised.outcomes > 0) {
        say_total(r, "  recognised: ", "  认定：", &result->recognised);
    }
    if (result->converted.outcomes > 0) {
        say_total(r, "  converted: ", "  转换：", &result->converted);
    }
    if (result->points_known) {
        say(r, "  points: ", "  积分：");
        say_number(r, result->points);
        if (result->points != result->points_held) {
            say(r, "; not to be spent, expired or under review: ", "；已过期或待复核而不可用：");
            say_number(r, result->points_held - result->points);
        }
        text_put(&r->text, "\n");
    }
}

static void report_sets(struct report *r)
{
    const struct verify_result *result = r->result;
    say(r, "  Next       height ", "  此后    高度 ");
    say_number(r, result->height + 1);
    say(r, ": ", "：");
    say_number(r, result->validator_count);
    say(r, " validators, in this set since height ", " 个验证者，该集合始于高度 ");
    say_number(r, result->era);
    say(r, ", of which ", "，其中 ");
    say_number(r, quorum_size(result->validator_count));
    say(r, " certify a block\n", " 个认证一个区块\n");
    for (uint32_t i = 0; i < result->validator_count; i++) {
        say(r, "             ", "          ");
        say_member(r, result->validators[i].member, &result->validators[i].name);
        text_put(&r->text, "\n");
    }
}

/* The archives of accounts merged into it, each like the first. */
static void report_linked(struct report *r)
{
    const struct verify_result *outer = r->result;
    for (uint32_t i = 0; i < outer->linked_count; i++) {
        say(r, "\nMerged into it\n", "\n被合并账户\n");
        r->result = &outer->linked[i];
        report_account(r);
        report_items(r);
        report_totals(r);
    }
    r->result = outer;
}

static void report_key(struct report *r)
{
    const struct verify_result *result = r->result;
    struct bytes key = result->natural_key;
    say(r, "  Collection ", "  集合    ");
    say_pair(r, collections[result->collection]);
    say(r, "\n  No entry   ", "\n  不存在  ");
    if (result->collection == 10) {
        text_outside(&r->text, key);
    } else if (key.size % 4 == 0 && key.size < 32) {
        for (size_t i = 0; i < key.size; i += 4) {
            text_put(&r->text, i > 0 ? "/" : "");
            say_number(r, be32_get(key.data + i));
        }
    } else {
        text_hex(&r->text, key.data, key.size);
    }
    text_put(&r->text, "\n");
}

/* ---- what does not hold ---- */

static void not_proved(struct report *r, uint64_t count, const char *english, const char *chinese)
{
    if (count == 0) {
        return;
    }
    say(r, "  - ", "  - ");
    say_number(r, count);
    say(r, english, chinese);
}

/* What items leave open, counted. */
struct items_open {
    uint64_t unsigned_count;
    uint64_t details;
    uint64_t history;
    uint64_t links;
    uint64_t conversions;
    uint64_t keys_of_genesis;
};

static void items_open_add(struct items_open *open, const struct verify_result *result)
{
    for (uint32_t i = 0; i < result->items_shown; i++) {
        const struct verify_item *item = &result->items[i];
        bool outcome = item->kind == VERIFY_ITEM_OUTCOME;
        bool signable = outcome || item->kind == VERIFY_ITEM_RECOGNITION ||
                        item->kind == VERIFY_ITEM_CONVERSION;
        open->unsigned_count += signable && item->issuer_signature == VERIFY_ISSUER_NOT_SHOWN;
        open->details += outcome && item->outcome.details_root.size > 0 &&
                         item->details_count == 0 && !item->details_erased;
        open->history += !item->history_whole;
        open->links += item->kind == VERIFY_ITEM_LINK && item->link.state == VERIFY_LINK_NOT_SHOWN;
        open->conversions += item->kind == VERIFY_ITEM_CONVERSION &&
                             item->conversion.credits != 0 && item != result->conversion.item;
        for (uint32_t k = 0; k < item->party_count; k++) {
            open->keys_of_genesis += item->parties[k].key_state == VERIFY_KEY_OF_GENESIS;
        }
    }
}

static void report_items_open(struct report *r)
{
    struct items_open open = {.links = 0};
    items_open_add(&open, r->result);
    for (uint32_t i = 0; i < r->result->linked_count; i++) {
        items_open_add(&open, &r->result->linked[i]);
    }
    not_proved(r, r->result->withheld_count, " withheld records: what they say, and so no total\n",
               " 条未出示记录的内容，因此不作任何合计\n");
    not_proved(r, open.unsigned_count,
               " records: the issuer's own signature is not in the proof; the validators "
               "checked it when they were recorded\n",
               " 条记录的颁发机构签名不在证明中；验证者在记录时已核对\n");
    not_proved(r, open.keys_of_genesis,
               " signatures: whether the signer has since declared its key of genesis ended\n",
               " 个签名的创世密钥此后是否被声明作废\n");
    not_proved(r, open.details, " records: their details, of which the ledger holds a hash alone\n",
               " 条记录的明细，账本仅存其哈希\n");
    not_proved(r, open.conversions,
               " conversions: that they follow from their rule and sources; each has a proof of "
               "its own\n",
               " 项转换是否符合规则与来源；可另取转换证明\n");
    not_proved(r, open.links, " merged accounts: what their archives say\n",
               " 个被合并账户的档案内容\n");
    not_proved(r, open.history, " records: their versions before those shown\n",
               " 条记录在所示版本之前的历史\n");
}

static void report_open(struct report *r)
{
    const struct verify_result *result = r->result;
    say(r, "\nNot proved\n  - anything after height ", "\n未证明\n  - 高度 ");
    say_number(r, result->height);
    say(r, "; for a later state get a newer proof\n",
        " 之后的任何变化；需要更新的状态请获取新的证明\n");
    if (!result->age_known) {
        say(r, "  - how old it is: no clock was given\n", "  - 证明的时效：未提供当前时间\n");
    } else if (result->ahead_of_clock) {
        say(r, "  - how old it is: its block's time is later than this clock; check the clock\n",
            "  - 证明的时效：区块时间晚于本机时钟；请检查时钟\n");
    }
    if (result->kind == VERIFY_TRANSACTION) {
        report_transaction_open(r);
    } else if (result->kind == VERIFY_EQUIVOCATION) {
        report_equivocation_open(r);
    } else if (result->kind == VERIFY_STATISTICS) {
        report_statistics_open(r);
    }
    if (result->kind == VERIFY_CONVERSION) {
        report_conversion_open(r);
    }
    if (result->kind == VERIFY_RECORD || result->kind == VERIFY_ARCHIVE ||
        result->kind == VERIFY_CONVERSION) {
        say(r,
            "  - who the learner is: the id is a pseudonym, which the identity service alone can "
            "tie to a person\n"
            "  - that what an issuer recorded is true; the issuer answers for it\n",
            "  - 学习者是谁：编号为化名，只有实名认证服务能与本人对应\n"
            "  - 颁发机构所记录的内容属实；由颁发机构负责\n");
    }
    if (result->kind == VERIFY_RECORD && result->item_count > 1) {
        say(r, "  - anything about the account's other records, its totals and its points\n",
            "  - 账户的其他记录、合计与积分\n");
    }
    report_items_open(r);
    say(r, "\nIt rests on the genesis file, and on the number of traitors among the ",
        "\n以上结论基于创世文件，并假定 ");
    say_number(r, result->set_size);
    say(r, " validators being at most ", " 个验证者中作恶者不超过 ");
    say_number(r, quorum_faulty(result->set_size));
    if (result->recovery_count > 0) {
        say(r, "; and of ", " 个，且");
        say_number(r, result->recovery_keys);
        say(r, " recovery keys fewer than ", "个恢复密钥中落入他人之手的少于");
        say_number(r, result->recovery_threshold);
        say(r, " in wrong hands.\n", "个。\n");
    } else {
        say(r, ".\n", " 个。\n");
    }
}

size_t verify_report(char *text, size_t size, const struct verify_result *result,
                     enum verify_language language)
{
    struct report r = {.result = result, .language = language};
    text_init(&r.text, text, size);
    if (result->status != ST_OK) {
        report_refusal(&r);
    } else {
        report_head(&r);
        if (result->kind == VERIFY_ABSENCE) {
            report_key(&r);
        } else if (result->kind == VERIFY_TRANSACTION) {
            report_transaction(&r);
        } else if (result->kind == VERIFY_EQUIVOCATION) {
            report_equivocation(&r);
        } else if (result->kind == VERIFY_STATISTICS) {
            report_statistics(&r);
        } else if (result->kind == VERIFY_SET_HISTORY) {
            report_sets(&r);
        } else {
            report_account(&r);
            report_items(&r);
            report_totals(&r);
            report_linked(&r);
            if (result->kind == VERIFY_CONVERSION) {
                report_conversion_proof(&r);
            }
        }
        report_open(&r);
    }
    text_end(&r.text);
    return r.text.length;
}
