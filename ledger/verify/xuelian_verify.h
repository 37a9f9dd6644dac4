/* The pure verifier: says whether a proof holds, with the genesis file alone, offline.
 *
 * Use: read the genesis file and the proof into memory, give scratch memory of
 * VERIFY_SCRATCH_SIZE(genesis size, proof size) bytes, call verify_proof, then verify_report for words
 * or the fields of struct verify_result for a program.
 *
 *     static uint8_t scratch[...];
 *     struct verify_result result;
 *     if (verify_proof(&result, genesis, proof, &options, scratch, sizeof scratch) == ST_OK) { ... }
 *     size_t needed = verify_report(text, sizeof text, &result, VERIFY_ENGLISH);
 *
 * What it trusts: SHA-256, secp256k1, the genesis file, and that of every validator set at most
 * f = floor((n-1)/3) members were traitors. Nothing in the proof is believed before it is shown.
 *
 * No I/O, no clock, no allocation, no recursion, no state; of libc only string.h. Any input is safe.
 * Any thread. Cost: quorum signatures for the certificate (about 40 us each), one hash or so per record,
 * one signature per record that carries its issuer's. Source: docs/protocol.md sections 6 to 9. */
#ifndef XUELIAN_VERIFY_H
#define XUELIAN_VERIFY_H

#include "proto/limits.h"
#include "proto/status.h"
#include "proto/types.h"

/* The kinds of proof this verifier knows; numbers of ProofKind. */
enum verify_kind {
    VERIFY_NOTHING = 0,     /* refused before the kind was known */
    VERIFY_RECORD = 1,      /* one item of one account */
    VERIFY_ARCHIVE = 2,     /* all items of one account */
    VERIFY_ABSENCE = 3,     /* a collection has no such entry */
    VERIFY_TRANSACTION = 4, /* a transaction in a block, or not in it */
    VERIFY_STATISTICS = 5,  /* cells of the statistics */
    VERIFY_SET_HISTORY = 6, /* the validator sets from genesis on */
    VERIFY_CONVERSION = 7,  /* a conversion, decided again from its rule and sources */
    VERIFY_EQUIVOCATION = 8 /* a validator signed twice */
};

enum verify_language { VERIFY_ENGLISH, VERIFY_CHINESE };

/* All zero: any age, nothing trusted beyond genesis. */
struct verify_options {
    uint64_t now_ms;            /* Unix time; 0: no clock, the age is not judged */
    uint64_t max_age_ms;        /* an older proof is STALE; 0: any age */
    uint64_t trusted_height;    /* newest height this verifier has trusted: a lower one is OLD */
    struct hash32 trusted_hash; /* header hash at trusted_height; zero: not known */
    /* A proof of kind SET_HISTORY, kept from before: small proofs leave their set changes to it. With it a proof must
     * be certified by its newest set or one after: what is signed with keys of sets before it is refused. Size 0: none. */
    struct bytes history;
};

/* Why a proof is refused: X(NAME, status, what `fault_number` counts, English, Chinese). */
#define VERIFY_FAULTS(X)                                                                           \
    X(NONE, OK, NOTHING, "the proof holds", "证明成立")                                            \
    X(SCRATCH, NO_MEMORY, NOTHING,                                                                 \
      "the memory given to the verifier is too small for this proof; give it more",                \
      "提供给验证器的内存不足；请增加")                                                            \
    X(GENESIS_SIZE, BAD_SIZE, NOTHING,                                                             \
      "the genesis file is empty or larger than 16 MiB; give the network's genesis file",          \
      "创世文件为空或超过16 MiB；请提供本网络的创世文件")                                          \
    X(GENESIS_ENCODING, BAD_ENCODING, BYTE,                                                        \
      "the genesis file is not canonical; it is another kind of file or was changed, so get it "   \
      "again from the network",                                                                    \
      "创世文件不是规范编码：可能是别的文件或已被改动；请从网络重新获取")                          \
    X(GENESIS_VALIDATORS, BAD_ENCODING, NOTHING,                                                   \
      "the genesis file names no usable set of validators; get it again from the network",         \
      "创世文件没有可用的验证者集合；请从网络重新获取")                                            \
    X(PROOF_SIZE, BAD_SIZE, NOTHING, "the proof is larger than 16 MiB; no proof is",               \
      "证明超过16 MiB；任何证明都不会这么大")                                                      \
    X(PROOF_CUT, TRUNCATED, BYTE, "the proof ends too early: the file was cut; get it again",      \
      "证明不完整：文件被截断；请重新获取")                                                        \
    X(PROOF_ENCODING, BAD_ENCODING, BYTE,                                                          \
      "the bytes are not a canonical proof: the file was altered or is not a proof",               \
      "字节不是规范编码的证明：文件被改动，或不是证明文件")                                        \
    X(PROOF_VERSION, UNKNOWN_KIND, NOTHING,                                                        \
      "the proof is of a protocol version that this verifier does not know; use a newer one",      \
      "证明属于本验证器不认识的协议版本；请使用较新的验证器")                                      \
    X(PROOF_KIND, UNKNOWN_KIND, KIND,                                                              \
      "this verifier does not know that kind of proof; use a newer one",                           \
      "本验证器不认识该种证明；请使用较新的验证器")                                                \
    X(PROOF_PARTS, TRUNCATED, NOTHING,                                                             \
      "the proof does not have the parts of its kind: it was cut or put together wrongly",         \
      "证明缺少其种类应有的部分：被截断或拼装错误")                                                \
    X(WRONG_CHAIN, WRONG_CHAIN, NOTHING,                                                           \
      "the proof belongs to another network than this genesis file; use that network's own",       \
      "证明与此创世文件不属于同一网络；请使用该网络的创世文件")                                    \
    X(CERTIFICATE_MISSING, BAD_CERTIFICATE, HEIGHT,                                                \
      "the block header has no certificate: no validator vouches for it",                          \
      "区块头没有证书：没有验证者为其担保")                                                        \
    X(CERTIFICATE_PHASE, BAD_CERTIFICATE, HEIGHT,                                                  \
      "the certificate is of PREPARE votes, not of COMMIT votes: the block may never have been "   \
      "committed",                                                                                 \
      "证书由预备票（PREPARE）而非提交票（COMMIT）组成：该区块可能从未提交")                       \
    X(CERTIFICATE_BLOCK, BAD_CERTIFICATE, HEIGHT,                                                  \
      "the certificate is for another block than the header: one of the two was altered",          \
      "证书与区块头不是同一区块：其中之一被改动")                                                  \
    X(CERTIFICATE_BITMAP, BAD_CERTIFICATE, HEIGHT,                                                 \
      "the certificate's list of signers does not fit the validator set: its length is wrong or "  \
      "it marks validators that do not exist",                                                     \
      "证书的签名者位图与验证者集合不符：长度错误或标记了不存在的验证者")                          \
    X(CERTIFICATE_QUORUM, NO_QUORUM, HEIGHT,                                                       \
      "the certificate does not have exactly the quorum's number of signatures",                   \
      "证书的签名数不等于法定数")                                                                  \
    X(CERTIFICATE_SIGNATURE, BAD_CERTIFICATE, MEMBER,                                              \
      "a validator's signature on the block does not verify: header, certificate or signature "    \
      "was altered",                                                                               \
      "验证者对区块的签名无效：区块头、证书或签名被改动")                                          \
    X(SET_UNKNOWN, UNKNOWN_VALIDATOR, HEIGHT,                                                      \
      "the block was certified by a validator set that neither the proof nor a history file "      \
      "derives from genesis; get the sets with xuelian prove sets and give them with --history",   \
      "认证区块的验证者集合未能由创世推出；请取得集合历史（prove sets）并以 --history 提供")       \
    X(SET_CHANGE, BAD_PROOF, HEIGHT,                                                               \
      "a change of the validator set is not the one that the set before it certified",             \
      "验证者集合的变更与前一集合所认证的不符")                                                    \
    X(SET_ORDER, BAD_PROOF, HEIGHT,                                                                \
      "a block is from before the validator set that certifies it: the changes of the set are "    \
      "not in ascending order",                                                                    \
      "区块早于认证它的验证者集合：集合变更未按高度递增")                                          \
    X(RECOVERY_KEYS, BAD_PROOF, HEIGHT,                                                            \
      "the path contains a recovery, but the genesis file names no recovery keys",                 \
      "路径中有恢复，但创世文件没有恢复密钥")                                                      \
    X(RECOVERY_BASE, BAD_PROOF, HEIGHT,                                                            \
      "a recovery goes on from another block than the one shown",                                  \
      "恢复所依据的区块与所示区块不符")                                                            \
    X(RECOVERY_SET, BAD_PROOF, HEIGHT,                                                             \
      "the validator set of a recovery is none, or its era is not the next",                       \
      "恢复记录中的验证者集合无效，或其纪元不是下一个")                                            \
    X(RECOVERY_SIGNATURES, NO_QUORUM, HEIGHT,                                                      \
      "a recovery is signed by fewer recovery keys than genesis asks for",                         \
      "恢复记录的恢复密钥签名少于创世文件的要求")                                                  \
    X(RECOVERY_SIGNATURE, BAD_SIGNATURE, HEIGHT,                                                   \
      "a signature on a recovery does not verify: signature or record was altered",                \
      "恢复记录的签名无效：签名或记录被改动")                                                      \
    X(SET_RETIRED, OLD, HEIGHT,                                                                    \
      "the block was certified by a validator set that has been replaced since, as the history "   \
      "file shows; get a newer proof",                                                             \
      "认证该区块的验证者集合此后已被替换（见历史文件）；请获取较新的证明")                        \
    X(HISTORY_FILE, BAD_PROOF, NOTHING,                                                            \
      "the history file is not a proof of the validator sets of this network that holds; make it " \
      "anew with xuelian prove sets",                                                              \
      "历史文件不是本网络验证者集合的有效证明；请用 xuelian prove sets 重新生成")                  \
    X(PATH_SHAPE, BAD_PROOF, NOTHING,                                                              \
      "a path has more or fewer hashes than a tree of that size: it was altered",                  \
      "路径的哈希数与树的大小不符：路径被改动")                                                    \
    X(COLLECTION, BAD_PROOF, NOTHING,                                                              \
      "the leaf is of another collection than the one the proof is about",                         \
      "叶子所属的集合与证明所述不符")                                                              \
    X(STATE_ROOT, BAD_PROOF, NOTHING,                                                              \
      "the path does not lead to the certified state root: the entry, its place or the path was "  \
      "altered",                                                                                   \
      "路径不通向已认证的状态根：条目、位置或路径被改动")                                          \
    X(ITEM_ROOT, BAD_PROOF, NOTHING,                                                               \
      "the item tree's root differs from the one in the account: an item was altered, added or "   \
      "left out",                                                                                  \
      "条目树的根与账户中的不一致：有条目被改动、增加或遗漏")                                      \
    X(ITEM_COUNT, BAD_PROOF, NOTHING,                                                              \
      "the number of items differs from the one in the account: an item was added or left out",    \
      "条目数与账户中的不一致：有条目被增加或遗漏")                                                \
    X(ITEM_PLACE, BAD_PROOF, ITEM,                                                                 \
      "the item names another account, number or height than its own",                             \
      "条目所写的账户、编号或高度与其位置不符")                                                    \
    X(ITEM_HISTORY, BAD_PROOF, ITEM,                                                               \
      "the earlier versions of the item do not lead to its current one",                           \
      "条目的历史版本与当前版本不相连")                                                            \
    X(ITEM_CONTENT, BAD_PROOF, ITEM, "what the item says is not as an item of its kind can be",    \
      "条目的内容不符合其种类的规定")                                                              \
    X(ITEM_STATUS, BAD_PROOF, ITEM,                                                                \
      "the item's status is none of its kind's, or cannot follow from the version before",         \
      "条目的状态不属于其种类，或不能由前一版本得出")                                              \
    X(ITEM_REFERENCE, BAD_PROOF, ITEM,                                                             \
      "the item names another item that is not there, is of another kind or does not name it "     \
      "back",                                                                                      \
      "条目所指的另一条目不存在、种类不符或未相互指向")                                            \
    X(ITEM_RESTS, BAD_PROOF, ITEM,                                                                 \
      "the item is valid, but what it rests on is revoked, suspended or was never valid",          \
      "条目有效，但其依据已撤销、暂停或从未有效")                                                  \
    X(POINTS, BAD_PROOF, ITEM,                                                                     \
      "the points of a lot are not what remains of it and what was spent, reversed and moved",     \
      "一笔积分的数额不等于其余额与已兑换、冲回、转出之和")                                        \
    X(LINK, BAD_PROOF, ITEM,                                                                       \
      "the account that a link names is not the one shown, or did not hold then what it says",     \
      "合并条目所指账户与所示账户不符，或其当时内容不同")                                          \
    X(SUMMARY, BAD_PROOF, NOTHING, "the summary shown is not the one committed to by the account", \
      "所示汇总不是账户所承诺的汇总")                                                              \
    X(TOTALS, BAD_PROOF, NOTHING,                                                                  \
      "the totals recomputed from the items differ from those of the account's summary",           \
      "由条目重新计算的合计与账户汇总不一致")                                                      \
    X(SUMMARY_ITEMS, BAD_PROOF, NOTHING,                                                           \
      "the applications, links or keys in the account's summary are not those of its items",       \
      "账户汇总中的申请、合并或密钥与条目不一致")                                                  \
    X(ISSUER_TRANSACTION, BAD_PROOF, ITEM,                                                         \
      "the issuer's signature is on another transaction than the one that made the item",          \
      "颁发机构签署的交易不是产生该条目的交易")                                                    \
    X(ISSUER_PAYLOAD, BAD_COMMITMENT, ITEM,                                                        \
      "what the issuer signed does not contain this item: item or path was altered",               \
      "颁发机构签署的内容不含该条目：条目或路径被改动")                                            \
    X(ISSUER_KEY, WRONG_KEY, ITEM,                                                                 \
      "the key that signed is not one of the issuer's at that height",                             \
      "签名所用密钥在该高度不属于颁发机构")                                                        \
    X(ISSUER_SIGNATURE, BAD_SIGNATURE, ITEM, "the issuer's signature does not verify",             \
      "颁发机构的签名无效")                                                                        \
    X(MEMBER, BAD_PROOF, MEMBER,                                                                   \
      "a member's record is not in the certified state, or is not that of a member",               \
      "机构记录不在已认证的状态中，或不是机构记录")                                                \
    X(CONVERSION_PARTS, BAD_PROOF, ITEM,                                                           \
      "the conversion, a source in the version that it names, or its rule is not in the proof",    \
      "证明中缺少该转换、其来源的所指版本或其规则")                                                \
    X(CONVERSION_RULE, BAD_PROOF, ITEM,                                                            \
      "the rule is none of conversions, was not in force when it was applied for, or does not "    \
      "let it be granted so",                                                                      \
      "该规则不是转换规则、申请时未施行，或不允许如此授予")                                        \
    X(CONVERSION_SOURCE, BAD_PROOF, ITEM,                                                          \
      "a source did not stand when the conversion was decided, had expired or is not one that "    \
      "the rule takes",                                                                            \
      "某来源在决定时无效、已过期或不为规则所接受")                                                \
    X(CONVERSION_AMOUNT, BAD_PROOF, ITEM,                                                          \
      "more of a source is used than was left, or the credits are not what the rule gives",        \
      "所用来源超过其剩余数额，或学分与规则所得不符")                                              \
    X(CONVERSION_TOTALS, BAD_PROOF, ITEM,                                                          \
      "what had been converted before is not what the account's other conversions say",            \
      "此前已转换的数额与账户的其他转换不符")                                                      \
    X(DETAILS, BAD_PROOF, ITEM,                                                                    \
      "the details shown are not those that the record commits to: one was altered or left out",   \
      "所示明细不是该记录所承诺的明细：有明细被改动或遗漏")                                        \
    X(ABSENCE_RANGE, BAD_PROOF, NOTHING,                                                           \
      "the neighbour shown does not enclose the key: the entry may well exist",                    \
      "所示相邻条目未包住该键：该条目可能存在")                                                    \
    X(HISTORY_ROOT, BAD_PROOF, HEIGHT,                                                             \
      "the earlier block is not in the history of the certified one: it, its height or the path "  \
      "was altered",                                                                               \
      "较早的区块不在已认证区块的历史中：区块、高度或路径被改动")                                  \
    X(BLOCK_ROOT, BAD_PROOF, HEIGHT,                                                               \
      "the block does not hold that: the transaction, its result, its place or a path was "        \
      "altered",                                                                                   \
      "区块中没有此内容：交易、结果、位置或路径被改动")                                            \
    X(TX_PARTS, BAD_PROOF, NOTHING,                                                                \
      "the result or the signed fields are of another transaction than the proof names",           \
      "结果或签署字段属于另一笔交易")                                                              \
    X(TX_LISTED, BAD_PROOF, HEIGHT,                                                                \
      "the transaction is in the block that it is said to be absent from",                         \
      "所称不存在的交易就在该区块中")                                                              \
    X(TABLE, BAD_PROOF, NOTHING,                                                                   \
      "the cells are no whole table: of another region or year, out of order, or they do not add " \
      "up to the total",                                                                           \
      "所示单元格不是完整的统计表：地区或年份不同、次序错误，或合计不符")                          \
    X(RANGE, BAD_PROOF, NOTHING,                                                                   \
      "the cells are no whole range of the statistics: one was added or left out",                 \
      "所示单元格不是统计中的完整区段：有增加或遗漏")                                              \
    X(EVIDENCE_SET, UNKNOWN_VALIDATOR, HEIGHT,                                                     \
      "the key is not of a validator set that the proof or the history file derives from genesis", \
      "该密钥不属于由证明或历史文件自创世推出的验证者集合")                                        \
    X(EVIDENCE, BAD_EVIDENCE, NOTHING,                                                             \
      "what was signed does not contradict itself: an honest validator can sign both",             \
      "所签内容并不矛盾：诚实的验证者可以签署两者")                                                \
    X(EVIDENCE_SIGNATURE, BAD_SIGNATURE, NOTHING,                                                  \
      "a signature of the evidence does not verify: it is not that validator's, or was altered",   \
      "证据中的签名无效：不属于该验证者，或被改动")                                                \
    X(STALE, STALE, HEIGHT, "the proof is older than the age asked for; get a new one",            \
      "证明超过要求的时效；请重新获取")                                                            \
    X(OLD, OLD, HEIGHT,                                                                            \
      "the proof is older than the newest block that this verifier has trusted; get a new one",    \
      "证明早于本验证器已信任的最新区块；请重新获取")                                              \
    X(CONFLICT, CONFLICT, HEIGHT,                                                                  \
      "the proof names another block than the one trusted at the same height: validators signed "  \
      "twice, so keep both and report it",                                                         \
      "证明中的区块与已信任的同高度区块不同：验证者重复签名；请保留两者并报告")

enum verify_fault {
#define X(name, status, number, en, zh) VERIFY_FAULT_##name,
    VERIFY_FAULTS(X)
#undef X
};

/* Numbers of ItemKind and ItemStatus, OutcomeKind, AccountStatus in proto/ledger.proto, tx.proto. */
enum verify_item_kind {
    VERIFY_ITEM_OUTCOME = 1,
    VERIFY_ITEM_RECOGNITION = 2,
    VERIFY_ITEM_CONVERSION = 3,
    VERIFY_ITEM_POINTS = 4,
    VERIFY_ITEM_CONSENT = 5,
    VERIFY_ITEM_DISPUTE = 6,
    VERIFY_ITEM_KEY = 7,
    VERIFY_ITEM_LINK = 8
};

enum verify_item_status {
    VERIFY_ITEM_VALID = 1,
    VERIFY_ITEM_CORRECTED = 2,
    VERIFY_ITEM_SUSPENDED = 3,
    VERIFY_ITEM_REVOKED = 4,
    VERIFY_ITEM_APPLIED = 5, /* asked for, not decided */
    VERIFY_ITEM_REFUSED = 6,
    VERIFY_ITEM_REVIEW = 7, /* what it rests on changed */
    VERIFY_ITEM_ENDED = 8
};

enum verify_account_status {
    VERIFY_ACCOUNT_OPEN = 1,
    VERIFY_ACCOUNT_FROZEN = 2,
    VERIFY_ACCOUNT_MERGED = 3,
    VERIFY_ACCOUNT_CLOSED = 4,
    VERIFY_ACCOUNT_DECEASED = 5
};

#define VERIFY_OUTCOME_KINDS 9u

/* A name that genesis or a proved record gives, UTF-8; size 0 where neither does. Borrows their bytes. */
struct verify_name {
    struct bytes en;
    struct bytes zh;
};

/* What was found about the issuer's own signature on an item. */
enum verify_issuer {
    VERIFY_ISSUER_NOT_SHOWN, /* the proof does not carry it */
    VERIFY_ISSUER_SIGNED,    /* verified, with keys of the signers at that height */
    VERIFY_ISSUER_KEY_UNKNOWN, /* verified, but whose key the first signer's is cannot be known from the proof */
    VERIFY_ISSUER_KEY_ENDED /* verified, but the member has since said that its key was not its own then */
};

/* What is known of a signer's key. */
enum verify_key_state {
    VERIFY_KEY_UNKNOWN, /* a learner's, or of a member of which neither genesis nor the proof says anything */
    VERIFY_KEY_OF_GENESIS, /* in force then, as genesis says */
    VERIFY_KEY_OF_STATE,   /* in force then, as the member's record at the proof's height says */
    VERIFY_KEY_ENDED /* that record says that it had ended by then: declared later, of a height past */
};

/* One signer of the transaction that made a version. */
struct verify_party {
    uint32_t member; /* 0: a learner */
    enum verify_key_state key_state;
    struct verify_name name;
    struct bytes key; /* 33 bytes; borrows the proof */
};

/* Fields of Outcome in proto/tx.proto, by its names. */
struct verify_outcome {
    uint32_t issuer;
    uint32_t kind; /* 1 to VERIFY_OUTCOME_KINDS */
    uint32_t course;
    uint32_t course_version;
    uint32_t framework;
    uint32_t level;
    uint32_t credits; /* hundredths */
    uint32_t hours;   /* hundredths */
    uint32_t start_date;
    uint32_t award_date; /* YYYYMMDD */
    uint32_t grade_band;
    uint32_t mode;
    uint32_t source;
    uint32_t recognising;
    uint32_t region;
    uint32_t site;
    uint32_t expiry_date;
    struct bytes reference;    /* 16 bytes or none; borrows the proof */
    struct bytes details_root; /* 32 bytes or none; borrows the proof */
};

/* Fields of the other contents, by their names in the schemas. Byte strings borrow the proof. */
struct verify_recognition { /* 认定 */
    uint32_t recogniser;
    uint32_t framework;
    uint64_t outcome; /* item it rests on */
    uint32_t level;
    uint32_t credits;     /* hundredths */
    uint32_t expiry_date; /* or 0 */
};

struct verify_conversion { /* 转换 */
    uint32_t rule;
    uint32_t source_count;
    uint32_t applied_date;
    uint32_t decided_date; /* 0: undecided */
    uint32_t decided_by;   /* 0: undecided, or automatic */
    uint32_t credits;      /* hundredths granted */
    uint64_t rule_total;
    uint64_t programme_total;
    uint32_t appeals;
    struct bytes sources; /* from the first ConversionSource to the end of the content */
};

enum verify_points_type {
    VERIFY_POINTS_EARNED = 1, /* a lot */
    VERIFY_POINTS_REDEMPTION = 2,
    VERIFY_POINTS_MOVED = 3 /* a lot from an account merged into this one */
};

struct verify_points { /* 积分 */
    uint32_t type;
    uint32_t points;
    uint32_t date;
    uint32_t remaining;
    uint32_t reversed;
    uint32_t moved;
    uint32_t expiry_date; /* or 0 */
    uint32_t rule;
    uint64_t source_item;
    uint32_t spent; /* of a lot in a whole archive: by redemptions that stand */
    uint32_t entry;
    uint32_t quantity;
    uint32_t part_count;
    struct bytes parts; /* of a redemption: from the first PointsPart to the end of the content */
};

struct verify_consent {  /* 授权 */
    uint32_t grantee;    /* 0: whoever has the code */
    uint32_t kind_count; /* 0: every kind */
    uint32_t item_count; /* 0: every item */
    uint32_t until_date;
    struct bytes purpose; /* UTF-8, or none */
};

struct verify_dispute { /* 异议 */
    uint64_t item;
    uint32_t respondent;
    uint32_t reason;
    uint32_t answer; /* DisputeResult of the respondent, 0: none yet */
    uint32_t result; /* of the end, 0: open */
};

struct verify_key { /* 密钥变更 */
    uint32_t act;
    uint32_t holder;      /* 1 learner, 2 guardian */
    uint32_t until_date;  /* of a guardian */
    uint64_t replaces;    /* item of the key before, or 0 */
    struct bytes new_key; /* 33 bytes or none */
};

/* What was found about the account that a link names. */
enum verify_link_state {
    VERIFY_LINK_NOT_SHOWN, /* its archive is not in the proof */
    VERIFY_LINK_SHOWN, /* it is, with as many items; what changed since the merge hides the root of then */
    VERIFY_LINK_EQUAL /* it is, and held then what the link says */
};

struct verify_link { /* 账户合并 */
    uint64_t item_count;
    enum verify_link_state state;
    struct bytes other; /* 32 bytes, learner id */
    struct bytes item_root;
};

/* One item that the proof shows, as it stands at the proof's height. */
struct verify_item {
    uint64_t number;  /* in its account, from 1 */
    uint32_t version; /* from 1; above 1 it was changed since it was made */
    enum verify_item_kind kind;
    enum verify_item_status status;
    uint64_t height; /* of this version */
    struct hash32 tx_id;
    uint32_t outcome_index;
    uint32_t reason;      /* ItemReason of the change that made this version, or 0 */
    uint32_t dispute;     /* number of the item of the open dispute about it; 0: none */
    struct bytes content; /* canonical bytes; borrows the proof */
    struct bytes shown;   /* the ItemProof; borrows the proof */
    union {               /* by `kind` */
        struct verify_outcome outcome;
        struct verify_recognition recognition;
        struct verify_conversion conversion;
        struct verify_points points;
        struct verify_consent consent;
        struct verify_dispute dispute_said;
        struct verify_key key;
        struct verify_link link;
    };
    bool expired; /* the last date of it (expiry, until) is before the block's date at UTC+8 */
    struct verify_name
        issuer_name; /* of who answers for it: issuer, recogniser, decided_by, grantee, respondent */
    struct verify_name course_name;
    enum verify_issuer issuer_signature;
    uint32_t
        signed_kind; /* with a signature: TxKind of what was signed, and the version that it made */
    uint32_t signed_version;
    const struct verify_party *parties; /* in scratch: all that signed, in their order */
    uint32_t party_count;
    uint32_t earlier_count; /* earlier versions shown and checked */
    bool history_whole;     /* every version from 1 on is shown */
    bool details_erased;    /* the network does not keep its details any more */
    uint32_t details_count; /* fields of its details in the proof; 0: it shows none of them */
    uint32_t details_shown; /* of these as they are: verify_detail */
    struct bytes details;   /* for verify_detail */
};

/* One field of a record's details (docs/protocol.md section 23). */
struct verify_detail {
    uint32_t number;
    struct bytes value; /* UTF-8; borrows the proof */
};

struct verify_signer {
    uint32_t member;
    struct verify_name name;
};

/* A recovery on the path: who held the recovery keys put another set in the place of one that was lost. */
struct verify_recovery {
    uint64_t height;     /* of the recovery's block */
    struct bytes reason; /* their words; borrows the proof */
    uint32_t signers;    /* bit i: recovery_holders[i] signed */
    uint32_t signer_count;
};

struct verify_total {
    uint64_t outcomes; /* neither revoked nor suspended */
    uint64_t credits;  /* hundredths */
    uint64_t hours;    /* hundredths */
};

/* How far the totals of an archive go. */
enum verify_totals {
    VERIFY_TOTALS_NONE,     /* no archive, or items are withheld: no total is claimed */
    VERIFY_TOTALS_COMPUTED, /* from all items; the account's summary is not shown */
    VERIFY_TOTALS_EQUAL     /* and equal to the account's certified summary */
};

/* A transaction and its block. */
struct verify_tx {
    struct hash32 id;
    bool included;   /* else it is not in the block, and nothing below `count` is set */
    bool earlier;    /* the block is an earlier one than the certified */
    uint64_t height; /* of the block */
    uint64_t time_ms;
    struct hash32 header_hash;
    uint64_t count;    /* transactions in it */
    uint64_t index;    /* of this one, from 0 */
    uint32_t code;     /* its result: a number of enum status */
    uint32_t items;    /* of a bulk payload of which some were refused */
    uint32_t refused;  /* of these */
    bool common_shown; /* what follows is set */
    uint32_t kind;     /* TxKind */
    uint32_t signer_count;
    struct verify_signer signers[LIMIT_SIGNERS_MAX]; /* member 0: a learner */
};

/* How far a proof of statistics goes. */
enum verify_cells {
    VERIFY_CELLS_NONE,
    VERIFY_CELLS_ONE,
    VERIFY_CELLS_TABLE, /* all cells of a region and year that are not zero */
    VERIFY_CELLS_RANGE, /* all cells at these positions */
    VERIFY_CELLS_ALL    /* every cell that there is */
};

/* Fields of StatisticsCell, by its names. kind and level 0: all of them. */
struct verify_cell {
    uint32_t year;
    uint32_t region;
    uint32_t kind;
    uint32_t level;
    uint64_t outcomes;
    uint64_t credits; /* hundredths */
    uint64_t hours;   /* hundredths */
    uint64_t learners;
    uint64_t revoked;
    uint64_t accounts;
    uint64_t points;
    uint64_t conversions;
    uint64_t converted_credits; /* hundredths */
};

enum verify_offences {
    VERIFY_OFFENCE_NONE,
    VERIFY_OFFENCE_PROPOSALS, /* two of one kind, view and height, for two hashes */
    VERIFY_OFFENCE_PREPARES,
    VERIFY_OFFENCE_COMMITS,
    VERIFY_OFFENCE_VIEW_CHANGES,    /* two to one view that differ */
    VERIFY_OFFENCE_COMMIT_FORGOTTEN /* a COMMIT, and a view change above it that hides it */
};

struct verify_offence {
    enum verify_offences what;
    uint32_t member;
    struct verify_name name;
    struct pubkey33 key;
    uint64_t era;
    uint64_t view;
    uint64_t height; /* 0 of view changes */
    struct hash32 hashes[2];
};

/* A conversion decided again. */
struct verify_conversion_proof {
    const struct verify_item *item; /* among `items` */
    bool granted;                   /* else there is nothing to decide again: it was not granted */
    bool totals_proved;             /* what stood before it is worked out from the whole archive */
    bool
        decider_named; /* it was decided by whom the rule names; else by a member that stands for that one */
    bool by_hours; /* the rule counts hours, else credits */
    uint64_t decided_height;
    uint64_t gives; /* by the ratio alone, hundredths */
    struct verify_name rule_name;
    struct verify_name owner_name;
    uint32_t owner;
    uint32_t ratio_num;
    uint32_t ratio_den;
    uint32_t ceiling; /* hundredths */
    uint32_t programme;
    uint32_t programme_ceiling;
};

/* What was proved. Pointers borrow genesis, proof and scratch: keep all three while using it. */
struct verify_result {
    enum status status;
    enum verify_fault fault;
    uint64_t fault_number;   /* byte, item, height or member that `fault` is about; 0: none */
    struct bytes fault_name; /* English name of that member, or none */
    enum verify_kind kind;

    /* When status is ST_OK: */
    struct hash32 chain_id;
    struct bytes network;
    uint64_t height;
    uint64_t time_ms;
    struct hash32 header_hash;
    bool age_known;        /* the options gave a clock */
    bool ahead_of_clock;   /* the block's time is later than now_ms */
    uint32_t set_size;     /* validators at that height */
    uint32_t signer_count; /* those who signed: the quorum */
    uint32_t set_changes;  /* validator-set changes since genesis, each checked */
    bool from_history;     /* the set is the newest of the history file, not derived in the proof */
    uint64_t history_height; /* with a history file: up to which height it tells the sets */
    struct verify_signer signers[LIMIT_VALIDATORS_MAX];
    uint32_t recovery_count; /* of the set changes, those by recovery keys and not by validators */
    const struct verify_recovery *recoveries; /* in scratch, ascending height */
    uint32_t recovery_keys;                   /* that genesis names, and who holds them */
    uint32_t recovery_threshold;
    struct bytes recovery_holders[LIMIT_RECOVERY_KEYS_MAX];

    struct hash32 learner;                     /* record and archive */
    enum verify_account_status account_status; /* record and archive */
    bool complete;                             /* archive: none withheld */
    bool points_known;                         /* with totals: the points are proved */
    uint64_t item_count;                       /* of the account, shown or not */
    uint64_t withheld_count;                   /* archive: items given by hash alone */
    const struct verify_item *items;           /* in scratch; those shown, ascending number */
    uint32_t items_shown;

    enum verify_totals totals_state;
    struct verify_total totals[VERIFY_OUTCOME_KINDS + 1]; /* by OutcomeKind; [0] is all of them */
    struct verify_total recognised; /* recognitions that stand and their credits */
    struct verify_total converted;  /* conversions that stand and their credits */
    uint64_t points;                /* that can be spent on the block's date */
    uint64_t points_held;           /* remaining in all lots, expired or under review included */

    /* Archives of accounts merged into this one, in scratch, each with the fields from `learner` to here. */
    const struct verify_result *linked;
    uint64_t link_height; /* of a linked one: it belongs to the archive from this height on */
    uint32_t linked_count;

    uint32_t collection;                       /* absence: 1 to 11 */
    struct verify_conversion_proof conversion; /* conversion */

    struct bytes natural_key; /* absence: the key that is not there; borrows the proof */

    struct verify_tx tx; /* transaction */

    enum verify_cells cells_shown; /* statistics */
    uint32_t cell_count;
    const struct verify_cell *cells; /* in scratch, in the proof's order */
    uint64_t cell_first;             /* range: position of the first */
    uint64_t cell_total;             /* cells that there are */

    struct verify_offence offence; /* equivocation */

    uint64_t era; /* set history: first height of the set of the height after the proof's */
    uint32_t validator_count; /* set history: its validators */
    struct verify_signer validators[LIMIT_VALIDATORS_MAX];
};

/* Scratch that is enough for any proof of these sizes; with a history file, of its size and the proof's together. */
#define VERIFY_SCRATCH_SIZE(genesis_size, proof_size)               \
    ((size_t)4 * (genesis_size) + (size_t)5 * (proof_size) + 4096 + \
     LIMIT_LINKS_MAX * sizeof(struct verify_result))

/* Checks a proof.
 *
 * Returns  result->status: ST_OK when all of it holds; else why not, with result->fault saying more:
 *          ST_BAD_SIZE, ST_TRUNCATED, ST_BAD_ENCODING (form); ST_UNKNOWN_KIND (newer than this code);
 *          ST_WRONG_CHAIN; ST_BAD_CERTIFICATE, ST_NO_QUORUM, ST_UNKNOWN_VALIDATOR (who signed);
 *          ST_BAD_PROOF, ST_BAD_COMMITMENT, ST_WRONG_KEY, ST_BAD_SIGNATURE (what was signed);
 *          ST_STALE, ST_OLD, ST_CONFLICT (when); ST_NO_MEMORY (scratch too small).
 * Out      result   all of it is written. After a refusal only status, the fault and kind count.
 * In       genesis  the genesis file's bytes.   proof  canonical bytes of a Proof.
 *          options  NULL: as all zero.   scratch  scratch_size bytes, any alignment. */
enum status verify_proof(struct verify_result *result, struct bytes genesis, struct bytes proof,
                         const struct verify_options *options, void *scratch, size_t scratch_size);

/* Field `index`, from 0, of those that are shown. False after the last. Cost: the fields before it are read again. */
bool verify_detail(const struct verify_item *item, uint32_t index, struct verify_detail *detail);

/* Says in plain words what was proved and what was not, or why the proof is refused.
 *
 * Returns  the length of the whole text, without its NUL: more than size - 1 means it was cut.
 * Out      text  at most size bytes, always ended by NUL when size > 0, cut between characters. */
size_t verify_report(char *text, size_t size, const struct verify_result *result,
                     enum verify_language language);

/* The one sentence of a fault, its name and its status. Static. */
const char *verify_fault_text(enum verify_fault fault, enum verify_language language);
const char *verify_fault_name(enum verify_fault fault);
enum status verify_fault_status(enum verify_fault fault);

/* The chain id of a genesis file, whatever its content. */
void verify_chain_id(struct hash32 *chain_id, struct bytes genesis);

#endif
