/* What items other than outcomes say, and who signed, in words. */
#include "ledger/verify/report.h"

/* Indexed by their wire numbers. */
static const char *const dispute_reasons[][2] = {{"?", "?"},
                                                 {"not the learner's", "非本人成果"},
                                                 {"content", "内容有误"},
                                                 {"decision", "对决定有异议"},
                                                 {"points", "积分有误"},
                                                 {"other", "其他"}};
static const char *const dispute_results[][2] = {
    {"?", "?"}, {"upheld", "成立"}, {"rejected", "不成立"}, {"withdrawn", "撤回"}};
static const char *const key_acts[][2] = {{"?", "?"},
                                          {"claimed", "认领"},
                                          {"replaced", "更换"},
                                          {"recovered", "找回"},
                                          {"guardian set", "设定监护"}};
static const char *const key_holders[][2] = {
    {"?", "?"}, {"the learner", "学习者"}, {"the guardian", "监护人"}};

static void say_by(struct report *r, const char *english, const char *chinese, uint32_t member,
                   const struct verify_item *item)
{
    say(r, english, chinese);
    say_member(r, member, &item->issuer_name);
}

static void say_date(struct report *r, const char *english, const char *chinese, uint32_t date)
{
    say(r, english, chinese);
    text_date(&r->text, date);
}

static void say_count(struct report *r, const char *english, const char *chinese, uint64_t count)
{
    say(r, english, chinese);
    say_number(r, count);
}

static void report_recognition(struct report *r, const struct verify_item *item)
{
    const struct verify_recognition *said = &item->recognition;
    say_count(r, " of record ", "，认定对象为条目 ", said->outcome);
    say_count(r, " at level ", "，等级 ", said->level);
    say(r, ", credits ", "，学分 ");
    text_hundredths(&r->text, said->credits);
    say_by(r, "; recognised by ", "；认定机构 ", said->recogniser, item);
    if (said->expiry_date != 0) {
        say_date(r, item->expired ? "; EXPIRED on " : "; expires on ",
                 item->expired ? "；已过期，到期日 " : "；到期日 ", said->expiry_date);
    }
}

static void report_conversion(struct report *r, const struct verify_item *item)
{
    const struct verify_conversion *said = &item->conversion;
    say_count(r, " under rule ", "，规则 ", said->rule);
    say_count(r, ", sources: ", "，来源数：", said->source_count);
    say_date(r, "; applied for on ", "；申请日期 ", said->applied_date);
    if (said->credits != 0) {
        say(r, "; granted credits ", "；授予学分 ");
        text_hundredths(&r->text, said->credits);
    }
    if (said->decided_date != 0) {
        say_date(r, "; decided on ", "；决定日期 ", said->decided_date);
        if (said->decided_by != 0) {
            say_by(r, " by ", "，决定机构 ", said->decided_by, item);
        } else {
            say(r, " by the rule itself", "，由规则自动决定");
        }
    }
}

static void report_lot(struct report *r, const struct verify_item *item)
{
    const struct verify_points *said = &item->points;
    say_count(r, ": earned ", "：获得 ", said->points);
    say_date(r, " on ", "，日期 ", said->date);
    say_count(r, " under rule ", "，规则 ", said->rule);
    if (said->type == VERIFY_POINTS_MOVED) {
        say(r, ", moved in from a merged account", "，由被合并账户转入");
    } else {
        say_count(r, " for record ", "，依据条目 ", said->source_item);
    }
    say_count(r, "; remaining ", "；余额 ", said->remaining);
    if (said->expiry_date != 0) {
        say_date(r, item->expired ? "; EXPIRED on " : "; expires on ",
                 item->expired ? "；已过期，到期日 " : "；到期日 ", said->expiry_date);
    }
}

static void report_points(struct report *r, const struct verify_item *item)
{
    const struct verify_points *said = &item->points;
    if (said->type != VERIFY_POINTS_REDEMPTION) {
        report_lot(r, item);
        return;
    }
    say_count(r, ": redeemed ", "：兑换 ", said->points);
    say_date(r, " on ", "，日期 ", said->date);
    say_count(r, " for units: ", "，数量：", said->quantity);
    say_count(r, " of catalogue entry ", "，目录条目 ", said->entry);
}

static void report_consent(struct report *r, const struct verify_item *item)
{
    const struct verify_consent *said = &item->consent;
    if (said->grantee != 0) {
        say_by(r, " to ", "，授权给", said->grantee, item);
    } else {
        say(r, " to whoever has its code", "，授权给持有授权码者");
    }
    say_date(r, item->expired ? ", OVER since " : ", until ",
             item->expired ? "，已过期，截止 " : "，截止 ", said->until_date);
    if (r->result->account_status == VERIFY_ACCOUNT_MERGED) {
        say(r, "; ENDED: the account was merged into another", "；已终止：账户已并入另一账户");
    }
    if (said->purpose.size > 0) {
        say(r, ", for: ", "，用途：");
        text_outside(&r->text, said->purpose);
    }
}

static void report_dispute(struct report *r, const struct verify_item *item)
{
    const struct verify_dispute *said = &item->dispute_said;
    say_count(r, " about item ", "，所涉条目 ", said->item);
    say(r, " (", "（");
    say_pair(r, dispute_reasons[said->reason]);
    say(r, ")", "）");
    say_by(r, ", for ", "，答复机构 ", said->respondent, item);
    if (said->answer != 0) {
        say(r, " which answered: ", "，其答复：");
        say_pair(r, dispute_results[said->answer]);
    }
    if (said->result != 0) {
        say(r, "; ended: ", "；结果：");
        say_pair(r, dispute_results[said->result]);
    }
}

static void report_key(struct report *r, const struct verify_item *item)
{
    const struct verify_key *said = &item->key;
    say(r, " of ", "，持有人：");
    say_pair(r, key_holders[said->holder]);
    say(r, ", ", "，");
    say_pair(r, key_acts[said->act]);
    if (said->new_key.size == 0) {
        say(r, ": none any more", "：不再有密钥");
        return;
    }
    say(r, ": ", "：");
    text_hex(&r->text, said->new_key.data, said->new_key.size);
    if (said->until_date != 0) {
        say_date(r, item->expired ? ", OVER since " : ", until ",
                 item->expired ? "，已过期，截止 " : "，截止 ", said->until_date);
    }
}

static void report_link(struct report *r, const struct verify_item *item)
{
    const struct verify_link *said = &item->link;
    say(r, " ", " ");
    text_hex(&r->text, said->other.data, said->other.size);
    say_count(r, ", which held records: ", "，当时记录数：", said->item_count);
    switch (said->state) {
    case VERIFY_LINK_NOT_SHOWN:
        say(r, "; its archive is not in this proof", "；其档案不在本证明中");
        break;
    case VERIFY_LINK_SHOWN:
        say(r,
            "; its archive is below; records of it changed since, so what it held then is not "
            "compared",
            "；其档案见下；其中有记录此后变更，故未与合并时比对");
        break;
    case VERIFY_LINK_EQUAL:
        say(r, "; its archive is below, and held then what the link says",
            "；其档案见下，且与合并时所载一致");
        break;
    }
}

void report_content(struct report *r, const struct verify_item *item)
{
    switch (item->kind) {
    case VERIFY_ITEM_OUTCOME:
        break;
    case VERIFY_ITEM_RECOGNITION:
        report_recognition(r, item);
        break;
    case VERIFY_ITEM_CONVERSION:
        report_conversion(r, item);
        break;
    case VERIFY_ITEM_POINTS:
        report_points(r, item);
        break;
    case VERIFY_ITEM_CONSENT:
        report_consent(r, item);
        break;
    case VERIFY_ITEM_DISPUTE:
        report_dispute(r, item);
        break;
    case VERIFY_ITEM_KEY:
        report_key(r, item);
        break;
    case VERIFY_ITEM_LINK:
        report_link(r, item);
        break;
    }
}

/* ---- who signed ---- */

static void report_party(struct report *r, const struct verify_party *party)
{
    if (party->member == 0) {
        say(r, "the learner, with key ", "学习者，密钥 ");
        text_hex(&r->text, party->key.data, party->key.size);
        return;
    }
    say_member(r, party->member, &party->name);
    switch (party->key_state) {
    case VERIFY_KEY_OF_GENESIS:
        break;
    case VERIFY_KEY_OF_STATE:
        say(r, ", key in force then as its record says", "，其机构记录表明密钥当时有效");
        break;
    case VERIFY_KEY_ENDED:
        say(r, ", WHOSE KEY IT HAS SINCE DECLARED ENDED before this was recorded",
            "，该机构此后声明该密钥在记录之前已作废");
        break;
    case VERIFY_KEY_UNKNOWN:
        say(r, ", whose keys the proof does not tell", "，证明中没有其密钥");
        break;
    }
}

/* The issuer alone, with a key that genesis gives it: the line has named it already. */
static bool plain(const struct verify_item *item)
{
    return item->party_count == 1 && item->kind == VERIFY_ITEM_OUTCOME &&
           item->parties[0].key_state == VERIFY_KEY_OF_GENESIS;
}

void report_parties(struct report *r, const struct verify_item *item)
{
    if (item->issuer_signature == VERIFY_ISSUER_NOT_SHOWN) {
        return;
    }
    if (item->issuer_signature == VERIFY_ISSUER_KEY_UNKNOWN) {
        say(r,
            "; signature verified, but whether the key is the issuer's cannot be known from "
            "genesis",
            "；签名已核对，但由创世文件无法得知密钥是否属于颁发机构");
    } else if (item->kind == VERIFY_ITEM_OUTCOME) {
        say(r, "; issuer's own signature verified", "；颁发机构签名已核对");
    } else {
        say(r, "; decider's own signature verified", "；决定者签名已核对");
    }
    if (plain(item)) {
        return;
    }
    say_count(r, " on version ", "，所签版本 ", item->signed_version);
    say(r, " (signed by ", "（签名者：");
    for (uint32_t i = 0; i < item->party_count; i++) {
        say(r, i > 0 ? "; " : "", i > 0 ? "；" : "");
        report_party(r, &item->parties[i]);
    }
    say(r, ")", "）");
}
