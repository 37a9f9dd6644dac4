/* Evidence in words: what a validator signed, for people who decide about it. */
#include <inttypes.h>
#include <stdio.h>

#include "node/evidence/evidence.h"
#include "proto/bytes.h"

enum { SHORT_SIZE = 24, CHANGE_SIZE = 256 };

const char *evidence_kind_name(Xuelian__EvidenceKind kind)
{
    static const char *const names[EVIDENCE_KINDS + 1] = {
        "unknown",          "two_proposals", "two_votes",   "two_view_changes",
        "commit_forgotten", "bad_new_view",  "bad_proposal"};
    return (int)kind >= 1 && (int)kind <= (int)EVIDENCE_KINDS ? names[kind] : names[0];
}

/* The first 16 digits name a block well enough for people; the file has them all. */
static const char *short_hash(char out[SHORT_SIZE], const struct hash32 *hash)
{
    char digits[HEX_SIZE(8)];
    hex_encode(digits, hash->bytes, 8);
    snprintf(out, SHORT_SIZE, "%s…", digits);
    return out;
}

static void change_words(char out[CHANGE_SIZE], const struct evidence_change *change, bool chinese)
{
    char committed[SHORT_SIZE];
    char prepared[SHORT_SIZE];
    int size = snprintf(out, CHANGE_SIZE,
                        chinese ? "最后区块 %" PRIu64 "（%s）" : "last block %" PRIu64 " (%s), ",
                        change->committed_height, short_hash(committed, &change->committed_hash));
    if (!change->prepared) {
        snprintf(out + size, CHANGE_SIZE - (size_t)size, "%s",
                 chinese ? "、无预备证书" : "nothing prepared");
        return;
    }
    snprintf(out + size, CHANGE_SIZE - (size_t)size,
             chinese ? "、视图 %" PRIu64 " 中预备了 %s" : "prepared in view %" PRIu64 ": %s",
             change->prepared_view, short_hash(prepared, &change->prepared_hash));
}

static void changes_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    char first[CHANGE_SIZE];
    char second[CHANGE_SIZE];
    change_words(first, &facts->changes[0], chinese);
    change_words(second, &facts->changes[1], chinese);
    snprintf(out, EVIDENCE_WORDS_SIZE,
             chinese ? "为视图 %" PRIu64 " 签署了两个不同的视图切换消息：%s；%s"
                     : "signed two different VIEW-CHANGEs for view %" PRIu64 ": %s; and %s",
             facts->view, first, second);
}

static void forgotten_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    char hash[SHORT_SIZE];
    char change[CHANGE_SIZE];
    change_words(change, &facts->changes[0], chinese);
    snprintf(out, EVIDENCE_WORDS_SIZE,
             chinese ? "在高度 %" PRIu64 "、视图 %" PRIu64 " 对区块 %s 签署了提交票（COMMIT），"
                       "却在转向视图 %" PRIu64 " 的视图切换消息中隐瞒：%s"
                     : "signed COMMIT at height %" PRIu64 " in view %" PRIu64
                       " for block %s, and hid it in its VIEW-CHANGE for view %" PRIu64 ": %s",
             facts->height, facts->view, short_hash(hash, &facts->hashes[0]), facts->new_view,
             change);
}

static void new_view_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    const char *why = chinese ? "其中有无效的视图切换消息" : "a VIEW-CHANGE in it is not valid";
    if (facts->reason == ST_NO_QUORUM) {
        why =
            chinese ? "视图切换消息的数目不是法定数" : "it does not hold a quorum of VIEW-CHANGEs";
    } else if (facts->reason == ST_NOT_PRIMARY) {
        why = chinese ? "它不是该视图的主节点" : "that view was not its to lead";
    }
    snprintf(out, EVIDENCE_WORDS_SIZE,
             chinese ? "为视图 %" PRIu64 " 签署了无效的 NEW-VIEW：%s"
                     : "signed an invalid NEW-VIEW for view %" PRIu64 ": %s",
             facts->view, why);
}

static void proposal_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    char id[HEX_SIZE(32)];
    char why[192];
    hex_encode(id, facts->tx_id.bytes, 32);
    if (facts->reason == ST_EXPIRED) {
        snprintf(why, sizeof why,
                 chinese ? "其中交易 %s 的有效高度只到 %" PRIu64
                         : "transaction %s in it was valid until height %" PRIu64 " only",
                 id, facts->valid_until);
    } else if (facts->reason == ST_ID_USED) {
        snprintf(why, sizeof why, "%s",
                 chinese ? "其中同一交易出现两次" : "one transaction is in it twice");
    } else {
        snprintf(why, sizeof why, "%s",
                 chinese ? "其字节不是规范的提案" : "its bytes are not a canonical proposal");
    }
    snprintf(out, EVIDENCE_WORDS_SIZE,
             chinese ? "在高度 %" PRIu64 "、视图 %" PRIu64 " 签署了违反区块规则的提案：%s"
                     : "signed a proposal at height %" PRIu64 " in view %" PRIu64
                       " that breaks a rule of blocks: %s",
             facts->height, facts->view, why);
}

static void pair_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    char first[SHORT_SIZE];
    char second[SHORT_SIZE];
    const char *what = chinese ? "提案（PRE-PREPARE）" : "proposals (PRE-PREPARE)";
    if (facts->kind == XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VOTES) {
        if (facts->phase == VOTE_COMMIT) {
            what = chinese ? "提交票（COMMIT）" : "COMMITs";
        } else {
            what = chinese ? "预备票（PREPARE）" : "PREPAREs";
        }
    }
    snprintf(out, EVIDENCE_WORDS_SIZE,
             chinese ? "在高度 %" PRIu64 "、视图 %" PRIu64 " 签署了两个不同的%s：%s 与 %s"
                     : "signed at height %" PRIu64 " in view %" PRIu64
                       " two different %s: %s and %s",
             facts->height, facts->view, what, short_hash(first, &facts->hashes[0]),
             short_hash(second, &facts->hashes[1]));
}

void evidence_words(char *out, const struct evidence_facts *facts, bool chinese)
{
    switch (facts->kind) {
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_PROPOSALS:
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VOTES:
        pair_words(out, facts, chinese);
        break;
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_TWO_VIEW_CHANGES:
        changes_words(out, facts, chinese);
        break;
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_COMMIT_FORGOTTEN:
        forgotten_words(out, facts, chinese);
        break;
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_NEW_VIEW:
        new_view_words(out, facts, chinese);
        break;
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_BAD_PROPOSAL:
        proposal_words(out, facts, chinese);
        break;
    case XUELIAN__EVIDENCE_KIND__EVIDENCE_KIND_UNSPECIFIED:
    case _XUELIAN__EVIDENCE_KIND_IS_INT_SIZE:
        snprintf(out, EVIDENCE_WORDS_SIZE, "%s", chinese ? "未知" : "unknown");
        break;
    }
}
