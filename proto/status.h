/* One table of everything that can go wrong: number, name, class, what it means, what to do.
 *
 * Numbers are public and final (they are in blocks and in RPC answers). 0 is OK. 100..199 form and
 * signature (a transaction with one of these is never in a block); 200..299 rules of state (the code
 * is in the block; but for 216 and 290..292, of details, which are beside it); 300..399 peers and
 * proofs; 400..499 node and storage. Appending is free; changing a number is a new protocol version. */
#ifndef XUELIAN_PROTO_STATUS_H
#define XUELIAN_PROTO_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_class {
    STATUS_CLASS_OK,
    STATUS_CLASS_AGAIN, /* try again later */
    STATUS_CLASS_BAD,   /* the sender's fault: count it, drop it */
    STATUS_CLASS_RULE,  /* refused by a rule; goes into the block */
    STATUS_CLASS_FATAL  /* stop the node */
};

/* X(NAME, number, CLASS, english meaning and what to do, chinese) */
#define STATUS_TABLE(X)                                                                            \
    X(OK, 0, OK, "done", "成功")                                                                   \
    /* form */                                                                                     \
    X(BAD_ENCODING, 100, BAD,                                                                      \
      "the bytes are not a canonical message; build them with a current library",                  \
      "字节不是规范编码；请用最新的库生成")                                                        \
    X(BAD_HEX, 101, BAD, "the text is not hexadecimal of the right length; check what was pasted", \
      "不是长度正确的十六进制文本；请检查粘贴的内容")                                              \
    X(BAD_SIZE, 102, BAD,                                                                          \
      "a field or the whole is larger or smaller than allowed; see the limits table",              \
      "字段或整体大小超出允许范围；请查阅限额表")                                                  \
    X(WRONG_CHAIN, 103, BAD, "it was made for another chain; use this network's genesis file",     \
      "属于另一条链；请使用本网络的创世文件")                                                      \
    X(BAD_SIGNATURE, 104, BAD,                                                                     \
      "a signature does not verify under its key; sign again with the right key",                  \
      "签名与密钥不符；请用正确的密钥重新签名")                                                    \
    X(EXPIRED, 105, BAD, "valid_until is below the current height; sign a new transaction",        \
      "有效高度已过；请重新签名交易")                                                              \
    X(TOO_FAR, 106, BAD,                                                                           \
      "valid_until is more than the validity window ahead; choose a lower height",                 \
      "有效高度超出窗口；请选择较低的高度")                                                        \
    X(ID_USED, 107, BAD, "a transaction with this id is already in a block; look up its result",   \
      "该交易编号已入块；请查询其结果")                                                            \
    X(UNKNOWN_KIND, 108, BAD,                                                                      \
      "this node does not know that kind of transaction; upgrade or correct it",                   \
      "节点不认识该交易类型；请升级或更正")                                                        \
    X(BAD_SIGNERS, 109, BAD,                                                                       \
      "signers and signatures must be 1 to 8, distinct and equal in number",                       \
      "签名人与签名须为1至8个、互不相同且数量一致")                                                \
    X(BAD_COMMITMENT, 110, BAD,                                                                    \
      "the payload is not the one that was signed; build the transaction again",                   \
      "载荷与签名承诺不符；请重新构建交易")                                                        \
    X(TOKEN_NEEDED, 111, BAD,                                                                      \
      "this is about a person: send a token signed by a member or the learner, or a consent's "    \
      "code",                                                                                      \
      "该内容涉及个人：请附成员或学习者签名的令牌，或授权码")                                      \
    X(BAD_TOKEN, 112, BAD, "the token cannot be used; make a new one for this node",               \
      "令牌不可用；请为该节点重新生成")                                                            \
    X(NOT_GRANTED, 113, BAD,                                                                       \
      "the learner has granted the reader nothing of this; ask for consent",                       \
      "学习者未授权读取该内容；请申请授权")                                                        \
    /* rules of state */                                                                           \
    X(UNKNOWN_MEMBER, 200, RULE,                                                                   \
      "no member with that number; check the number or have it admitted",                          \
      "没有该编号的机构；请核对编号或先申请加入")                                                  \
    X(MEMBER_INACTIVE, 201, RULE, "the member is suspended or has ended; ask the credit bank",     \
      "机构已暂停或终止；请联系学分银行")                                                          \
    X(WRONG_KEY, 202, RULE,                                                                        \
      "the key is not one of the signer's at this height; use its current key",                    \
      "该密钥在此高度不属于签名人；请使用其当前密钥")                                              \
    X(NOT_ALLOWED, 203, RULE, "the signer has no role for this; ask the credit bank for the role", \
      "签名人没有此权限；请向学分银行申请")                                                        \
    X(KIND_NOT_ALLOWED, 204, RULE,                                                                 \
      "the member may not deposit that kind of outcome; ask for its scope",                        \
      "机构无权存入该类成果；请申请相应范围")                                                      \
    X(WRONG_ISSUER, 205, RULE,                                                                     \
      "the outcome's issuer is not the signer; each issuer signs its own",                         \
      "成果的颁发机构不是签名人；须由颁发机构自己签名")                                            \
    X(UNKNOWN_ACCOUNT, 206, RULE, "no account with that learner id; open it first",                \
      "没有该学习账户；请先建档")                                                                  \
    X(ACCOUNT_EXISTS, 207, RULE, "the account is open already; nothing to do",                     \
      "账户已存在；无需操作")                                                                      \
    X(ACCOUNT_CLOSED, 208, RULE,                                                                   \
      "the account is frozen, merged, closed or its learner has died; see its status",             \
      "账户已冻结、合并、关闭或学习者已身故；请查看其状态")                                        \
    X(UNKNOWN_COURSE, 209, RULE, "no accredited course with that number and version; check it",    \
      "没有该编号与版本的已认可课程；请核对")                                                      \
    X(COURSE_NOT_VALID, 210, RULE,                                                                 \
      "the course was not accredited on that date; check date and course",                         \
      "课程在该日期未获认可；请核对日期与课程")                                                    \
    X(UNKNOWN_REGION, 211, RULE, "no region with that code; use a code of the region table",       \
      "没有该行政区划代码；请使用区划表中的代码")                                                  \
    X(BAD_DATE, 212, RULE,                                                                         \
      "a date is not a civil date, is later than the block, or ends before it starts",             \
      "日期无效、晚于区块日期或先止后始；请更正")                                                  \
    X(BAD_AMOUNT, 213, RULE, "credits or hours are outside what the course or the limits allow",   \
      "学分或学时超出课程或限额；请更正")                                                          \
    X(BAD_FIELD, 214, RULE, "a field has a value that is not allowed; see the standard fields",    \
      "字段值不被允许；请查阅标准字段")                                                            \
    X(DUPLICATE, 215, RULE, "the same outcome is recorded already; nothing to do",                 \
      "该成果已记录；无需操作")                                                                    \
    X(DETAILS_NOT_HELD, 216, AGAIN,                                                                \
      "this node does not hold these details, or not yet; ask another node, or try again later",   \
      "本节点未保存或尚未取得该明细；请询问其他节点或稍后重试")                                    \
    X(OVERFLOW, 217, RULE, "a total would exceed its range; split or correct the amounts",         \
      "合计超出范围；请拆分或更正数额")                                                            \
    X(ACCOUNT_FULL, 218, RULE, "the account holds the most items it may; ask the credit bank",     \
      "账户条目已达上限；请联系学分银行")                                                          \
    X(UNKNOWN_ITEM, 219, RULE, "the account has no such item of that kind; check its number",      \
      "账户没有该类条目；请核对编号")                                                              \
    X(WRONG_STATE, 220, RULE,                                                                      \
      "what it is about is not in a state that allows this; look at its status",                   \
      "对象当前状态不允许此操作；请查看其状态")                                                    \
    X(VERSIONS_FULL, 221, RULE, "the item has the most versions it may; ask the credit bank",      \
      "条目版本已达上限；请联系学分银行")                                                          \
    /* accounts */                                                                                 \
    X(WRONG_IDENTITY, 222, RULE,                                                                   \
      "the identity commitment is not the account's; have the identity service confirm it",        \
      "身份承诺与账户不符；请由实名认证服务确认")                                                  \
    X(ALREADY_CLAIMED, 223, RULE,                                                                  \
      "the account has a key of the learner's own; rotate or recover that key",                    \
      "账户已有学习者自己的密钥；请更换或找回该密钥")                                              \
    X(NOT_CLAIMED, 224, RULE, "the account has no key of the learner's own; claim it first",       \
      "账户还没有学习者自己的密钥；请先认领")                                                      \
    X(SAME_KEY, 225, RULE, "the new key is in force for this account already; make a new one",     \
      "新密钥在该账户中已生效；请生成新的密钥")                                                    \
    X(NOT_CUSTODIAN, 226, RULE,                                                                    \
      "the signer is not the account's custodian; ask the member that holds it",                   \
      "签名人不是该账户的托管机构；请联系托管机构")                                                \
    X(NOT_IDENTITY_SERVICE, 227, RULE,                                                             \
      "the signer is not an active identity service; have one sign",                               \
      "签名人不是有效的实名认证服务；请由其签名")                                                  \
    X(SAME_ACCOUNT, 228, RULE, "an account cannot be merged with itself; name the other one",      \
      "账户不能与自身合并；请指明另一账户")                                                        \
    X(LINKS_FULL, 229, RULE, "more accounts would be linked than allowed; ask the credit bank",    \
      "合并的账户将超过上限；请联系学分银行")                                                      \
    /* outcomes */                                                                                 \
    X(WRONG_VERSION, 232, RULE,                                                                    \
      "the item has a newer version than the one named; read it again and decide anew",            \
      "条目已有更新的版本；请重新读取后再决定")                                                    \
    X(OUTCOME_EXPIRED, 233, RULE, "the outcome's validity has ended; it cannot be built upon",     \
      "该成果已过有效期；不能再作为依据")                                                          \
    X(DEPENDENTS_FULL, 234, RULE,                                                                  \
      "as much rests on that item as may; end something that rests on it first",                   \
      "依据该条目的条目已达上限；请先终止其中之一")                                                \
    X(UNKNOWN_FRAMEWORK, 235, RULE,                                                                \
      "no framework with that code; use a code of the framework table",                            \
      "没有该学习资历框架代码；请使用框架表中的代码")                                              \
    X(APPLICATIONS_FULL, 236, RULE,                                                                \
      "the account has the most open applications it may; await or withdraw one",                  \
      "待审核的申请已达上限；请等待或撤回一项")                                                    \
    /* rules, conversion */                                                                        \
    X(UNKNOWN_RULE, 242, RULE,                                                                     \
      "no conversion or points rule of that kind with that number; check the number",              \
      "没有该编号的转换或积分规则；请核对编号")                                                    \
    X(RULE_NOT_IN_FORCE, 243, RULE,                                                                \
      "the rule is not in force on this date; use the version that is",                            \
      "规则在该日期未施行；请使用施行中的版本")                                                    \
    X(SOURCE_NOT_VALID, 244, RULE, "a source is revoked, suspended or not confirmed; use others",  \
      "来源成果已撤销、暂停或未确认；请使用其他成果")                                              \
    X(SOURCE_NOT_ACCEPTED, 245, RULE,                                                              \
      "the rule does not take a source: see its kind, course, level, issuer, grade and age",       \
      "来源成果不符合规则：请核对类别、课程、层次、颁发机构、等级与时限")                          \
    X(SOURCE_USED, 246, RULE,                                                                      \
      "so much of a source is not left: it was used before; ask for less or use others",           \
      "来源成果的可用数额不足：此前已被使用；请减少数额或使用其他成果")                            \
    X(CEILING_REACHED, 247, RULE,                                                                  \
      "the ceiling of the rule or of the programme is reached; nothing more can be given",         \
      "已达到规则或人才培养方案的上限；不能再给予")                                                \
    X(NOTHING_EARNED, 248, RULE,                                                                   \
      "by the rule's ratio the sources give nothing; put more together",                           \
      "按规则比例不足最小单位；请合并更多来源")                                                    \
    X(BAD_RULE, 249, RULE,                                                                         \
      "the rule record contradicts itself or its earlier version; see the standard fields",        \
      "规则记录自相矛盾或与先前版本不一致；请查阅标准字段")                                        \
    X(APPEALS_SPENT, 250, RULE, "the appeals are used up; the refusal is final",                   \
      "申诉次数已用完；不予通过的决定为最终决定")                                                  \
    /* points, catalogue */                                                                        \
    X(UNKNOWN_ENTRY, 252, RULE, "no catalogue entry with that number; check the number",           \
      "兑换目录中没有该编号；请核对编号")                                                          \
    X(ENTRY_NOT_OPEN, 253, RULE,                                                                   \
      "the catalogue entry cannot be redeemed on this date; see its status and dates",             \
      "该目录项在该日期不可兑换；请查看其状态与日期")                                              \
    X(OUT_OF_STOCK, 254, RULE, "not so many units are left; ask for fewer or for another",         \
      "库存不足；请减少数量或另选")                                                                \
    X(PERSON_LIMIT, 255, RULE, "one learner may not have so many units; ask for fewer",            \
      "超出每人限兑数量；请减少数量")                                                              \
    X(POINTS_SHORT, 256, RULE, "the account has fewer points than that costs; earn more first",    \
      "积分余额不足；请先获得更多积分")                                                            \
    X(POINTS_CEILING, 257, RULE,                                                                   \
      "the year's ceiling of the rule is reached; more can be earned next year",                   \
      "已达到规则的年度上限；下一年度可继续获得")                                                  \
    X(LOTS_FULL, 258, RULE,                                                                        \
      "the points lie in more lots than one step may touch; redeem something cheaper first",       \
      "积分批次过多；请先兑换较小的项目")                                                          \
    X(BAD_ENTRY, 259, RULE,                                                                        \
      "the catalogue record contradicts itself or its earlier version; see the standard fields",   \
      "目录记录自相矛盾或与先前版本不一致；请查阅标准字段")                                        \
    /* consent, requests, disputes */                                                              \
    X(UNKNOWN_REQUEST, 260, RULE,                                                                  \
      "no open query request of that member with that id; a newer one may have replaced it",       \
      "没有该机构以该编号提出的未答复查询申请；可能已被新的申请取代")                              \
    X(DISPUTED, 261, RULE, "a dispute about that record is open already; await its end",           \
      "该记录已有未了结的异议；请等待其了结")                                                      \
    X(DISPUTES_FULL, 262, RULE,                                                                    \
      "the account has the most open disputes it may; await or withdraw one",                      \
      "未了结的异议已达上限；请等待或撤回一项")                                                    \
    X(CONSENTS_FULL, 263, RULE,                                                                    \
      "that grantee has the most consents of the account; withdraw one, or let one end",           \
      "对该被授权方的授权已达上限；请撤回一项或等待到期")                                          \
    X(UNKNOWN_PROPOSAL, 270, RULE, "no proposal with that id; check it",                           \
      "没有该编号的提案；请核对")                                                                  \
    X(PROPOSAL_DECIDED, 271, RULE,                                                                 \
      "the proposal was enacted, refused or withdrawn already; look at its status",                \
      "提案已实施、被否决或已撤回；请查看其状态")                                                  \
    X(PROPOSAL_EXPIRED, 272, RULE, "the proposal's last height is past; propose it again",         \
      "提案已过最后高度；请重新提出")                                                              \
    X(ALREADY_VOTED, 273, RULE, "the member has voted on this proposal already; a vote stays",     \
      "该机构已对此提案表决；表决不可更改")                                                        \
    X(NOT_APPROVED, 274, RULE,                                                                     \
      "the proposal has too few approvals, or its height is not reached; wait for them",           \
      "提案赞成数不足或未到实施高度；请等待")                                                      \
    X(EVIDENCE_KNOWN, 275, RULE, "evidence of this offence is recorded already; nothing to do",    \
      "该作恶证据已记录；无需操作")                                                                \
    X(BAD_RECORD, 276, RULE,                                                                       \
      "a record that the proposal would write breaks the rules of its registry; correct it",       \
      "提案要写入的记录不合登记规则；请更正")                                                      \
    X(BAD_PARAMETER, 277, RULE,                                                                    \
      "no such parameter, a value out of range or against the others, or rotation_blocks without " \
      "a set change",                                                                              \
      "没有该参数、值超出范围或与其他参数矛盾，或未随验证者变更而改rotation_blocks")               \
    X(BAD_SET, 278, RULE,                                                                          \
      "the validators would be none, too many, two of a member, no node of it, or as before",      \
      "验证者集合将为空、过多、一机构两个、非其节点，或没有变化")                                  \
    X(FOLLOWING_LACKING, 279, RULE,                                                                \
      "FOLLOWING signatures are missing: every validator added, and a quorum of the new set",      \
      "缺少跟随签名：须有每个新增验证者以及新集合法定数的签名")                                    \
    X(BAD_FOLLOWING, 280, RULE,                                                                    \
      "a FOLLOWING signature is old, wrong, or of another block, era or incarnation; get anew",    \
      "跟随签名过旧、无效，或属于别的区块、纪元或任期；请重新获取")                                \
    X(GOVERN_STUCK, 281, RULE,                                                                     \
      "too few members with keys in force would be left to approve anything; lower the approvals " \
      "needed first, or rotate a key in place of ending it",                                       \
      "剩余持有效密钥的可表决机构将不足以通过任何提案；请先降低所需赞成数，或以更换代替作废密钥")  \
    X(KEY_TAKEN, 282, RULE, "the key is another's or was used before; make a new key",             \
      "该密钥属于他人或已使用过；请生成新密钥")                                                    \
    X(LIST_FULL, 283, RULE,                                                                        \
      "keys or nodes of the member, votes on the proposal, or members with the role are the most " \
      "there may be",                                                                              \
      "机构的密钥或节点、提案的表决数、或有该权限的机构数已达上限")                                \
    X(BAD_EVIDENCE, 284, RULE,                                                                     \
      "the signatures do not show what no honest validator does, or are not of that validator",    \
      "签名不能证明该验证者作恶，或不属于该验证者")                                                \
    X(DETAILS_MISSING, 290, BAD,                                                                   \
      "the transaction commits to details that did not come with it; send them beside it",         \
      "交易承诺了明细，但明细未随交易提交；请一并提交")                                            \
    X(DETAILS_MISMATCH, 291, BAD,                                                                  \
      "the details are not those that the transaction commits to; send those it was made with",    \
      "明细与交易所承诺的不符；请提交生成该交易时所用的明细")                                      \
    X(DETAILS_FORM, 292, BAD,                                                                      \
      "details are 1 to 16 fields of ascending numbers from 1 to 999, each with a salt of 32 "     \
      "bytes and a value of 1 to 1,024 bytes, together at most 4,096; correct them",               \
      "明细须为1至16个字段，编号1至999且递增，盐值32字节，"                   \
      "值1至1024字节，合计不超过4096字节；请更正")                                                 \
    X(DETAILS_ERASED, 293, RULE,                                                                   \
      "the details of this record were erased, and no node has them; ask the issuer",              \
      "该记录的明细已删除，任何节点均不再保存；请联系颁发机构")                                    \
    X(NO_DETAILS, 294, RULE, "the record has no details; nothing to do",                           \
      "该记录没有明细；无需操作")                                                                  \
    X(STATISTICS_FULL, 296, RULE,                                                                  \
      "the account has outcomes of too many regions, kinds and levels in that year; ask the "      \
      "credit bank",                                                                               \
      "该账户当年成果的地区、类别与层级组合过多；请联系学分银行")                                  \
    X(PROPOSALS_FULL, 297, RULE,                                                                   \
      "the member has the most undecided proposals it may; withdraw one, expired ones too",        \
      "该机构未决提案已达上限；请撤回一项（已过期的也须撤回）")                                    \
    X(HAS_DEPENDENTS, 298, RULE,                                                                   \
      "something rests on the record; revoke or correct it by a transaction of its own",           \
      "有条目以该记录为依据；请单独撤销或更正")                                                    \
    /* consensus, peers, proofs */                                                                 \
    X(OLD, 300, BAD, "it is for an earlier height, view or era; nothing to do",                    \
      "属于较早的高度、视图或纪元；无需操作")                                                      \
    X(FUTURE, 301, AGAIN, "it is for a later height, view or era; it will be asked for again",     \
      "属于较后的高度、视图或纪元；稍后会再次请求")                                                \
    X(CONFLICT, 302, BAD, "it contradicts what the same sender signed; kept as evidence",          \
      "与同一发送者签署的内容矛盾；已留作证据")                                                    \
    X(UNKNOWN_VALIDATOR, 303, BAD, "the sender is not a validator of that height; check the set",  \
      "发送者不是该高度的验证者；请核对验证者集合")                                                \
    X(NO_QUORUM, 304, BAD, "fewer valid signatures than the quorum", "有效签名少于法定数")         \
    X(BAD_CERTIFICATE, 305, BAD, "a certificate does not verify under the set of its height",      \
      "证书无法以该高度的验证者集合验证")                                                          \
    X(BAD_PROOF, 306, BAD,                                                                         \
      "a path does not lead to the certified root: the proof was altered or is broken",            \
      "路径不通向已认证的根：证明被改动或已损坏")                                                  \
    X(TRUNCATED, 307, BAD, "the bytes end too early: the file was cut; get it again",              \
      "字节不完整：文件被截断；请重新获取")                                                        \
    X(TOO_DEEP, 308, BAD, "nesting or counts beyond the limit", "嵌套或数量超限")                  \
    X(STALE, 309, BAD, "the proof is older than the age asked for; get a new one",                 \
      "证明超过要求的时效；请重新获取")                                                            \
    X(NOT_PRIMARY, 310, BAD, "the sender does not lead that view at that height; dropped",         \
      "发送者不是该视图在该高度的主节点；已丢弃")                                                  \
    X(NO_RECOVERY, 311, BAD,                                                                       \
      "the genesis file names no recovery keys: this network has no recovery",                     \
      "创世文件没有恢复密钥：本网络无法恢复")                                                      \
    X(RECOVERY_SIGNATURES, 312, BAD,                                                               \
      "fewer signatures of recovery keys than genesis asks for; let more key holders sign",        \
      "恢复密钥的签名少于创世文件的要求；请由更多持有人签名")                                      \
    X(RECOVERY_BASE, 313, BAD,                                                                     \
      "the recovery goes on from another block than the newest one here; make it from the "        \
      "newest",                                                                                    \
      "恢复所依据的区块不是本节点的最新区块；请依据最新区块制作")                                  \
    X(RECOVERY_SET, 314, BAD,                                                                      \
      "the recovery's validator set is none, or its era is not its block's height + 1",            \
      "恢复记录中的验证者集合无效，或其纪元不是恢复区块高度加一")                                  \
    /* node and storage */                                                                         \
    X(BUSY, 400, AGAIN, "the node has more waiting than it can commit soon; try again later",      \
      "节点排队已满；请稍后重试")                                                                  \
    X(NOT_FOUND, 401, BAD, "nothing with that name at this height; check it",                      \
      "该高度没有此项；请核对")                                                                    \
    X(FULL, 402, AGAIN, "a bounded buffer is full; try again later", "缓冲区已满；请稍后重试")     \
    X(IO, 403, FATAL, "reading or writing the disk failed; check the disk, then start again",      \
      "磁盘读写失败；请检查磁盘后重新启动")                                                        \
    X(CORRUPT, 404, FATAL, "stored data fails its checksum or hash; restore it from peers",        \
      "存储数据校验失败；请从其他节点恢复")                                                        \
    X(LOCKED, 405, FATAL, "another process uses this data directory; stop it or choose another",   \
      "数据目录正被另一进程使用；请停止它或另选目录")                                              \
    X(FOREIGN, 406, FATAL,                                                                         \
      "the data belongs to another chain or node key; use the right directory",                    \
      "数据属于另一条链或另一节点密钥；请使用正确的目录")                                          \
    X(BAD_PASSPHRASE, 407, BAD, "the passphrase does not open the key file; try again",            \
      "口令无法打开密钥文件；请重试")                                                              \
    X(BAD_KEY, 408, BAD, "not a secp256k1 private key file; give the right file",                  \
      "不是secp256k1私钥文件；请提供正确的文件")                                                   \
    X(NO_MEMORY, 409, FATAL, "out of memory or of a capped arena", "内存或受限内存区不足")         \
    X(BAD_CONFIG, 410, BAD, "the configuration is wrong; see the line named",                      \
      "配置有误；请查看指出的行")                                                                  \
    X(MISSING, 411, AGAIN, "bodies or blocks needed are not here; they are being fetched",         \
      "所需交易体或区块尚缺；正在获取")                                                            \
    X(DIVERGED, 412, FATAL,                                                                        \
      "this node computed another result than the certified one; keep both, report it",            \
      "本节点计算结果与已认证结果不同；请保留两者并报告")                                          \
    X(JOURNAL_LOST, 413, FATAL,                                                                    \
      "the vote journal is missing or damaged; this node may not vote again with this "            \
      "incarnation",                                                                               \
      "投票日志缺失或损坏；该节点不得以此任期再投票")                                              \
    X(UPGRADE, 414, FATAL,                                                                         \
      "the network has moved to a later protocol version; install the software that knows it",     \
      "网络已采用更高的协议版本；请安装支持它的软件")

enum status {
#define X(name, number, class, en, zh) ST_##name = (number),
    STATUS_TABLE(X)
#undef X
};

/* All return static strings or values; an unknown number gives "UNKNOWN" / STATUS_CLASS_BAD. */
const char *status_name(enum status status);
const char *status_en(enum status status);
const char *status_zh(enum status status);
enum status_class status_class(enum status status);
/* True when the number is in the table. For numbers read from outside. */
bool status_known(uint32_t number);

#endif
